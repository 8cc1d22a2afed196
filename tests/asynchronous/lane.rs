//! Answers wait for ШЭП, and nobody else for them.

use super::shep::Mood;
use super::stand::{Push, Stand};
use kdp::store::Heard;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_answers_to_a_shep_that_hangs_holds_up_no_sms() {
    let stand = Stand::start().await;
    stand.push(&Push::by_sms("own")).await;
    stand.work().await;
    assert_eq!(stand.asked(), 1);
    stand.shep.will(&[Mood::Hangs; 64]);
    for n in 0..64 {
        let chain: &'static str = Box::leak(format!("crowd-{n}").into_boxed_str());
        stand.push(&Push { fields: vec![("method", "nine".to_owned())], ..Push::by_sms(chain) }).await;
    }
    assert_eq!(stand.says("не понимаю").await, Heard::NotUnderstood);
    let working = tokio::spawn(kdp::job::work(stand.app.clone()));
    let helped = async {
        while !stand.subject.sms.lock().unwrap().iter().any(|(id, _)| id.ends_with("-help")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(5), helped).await.is_ok(),
        "the subject waits for others' answers"
    );
    working.abort();
}
