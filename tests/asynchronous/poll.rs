//! `poll_after` of those who ask instead of waiting to be told.

use super::stand::{Push, Stand};

#[tokio::test(flavor = "multi_thread")]
async fn who_polls_faster_than_told_is_told_to_wait_longer_and_sees_a_change_at_once() {
    let stand = Stand::start().await;
    stand.push(&Push::by_sms("chain")).await;
    stand.work().await;
    let request = stand.request_id();
    let mut told = Vec::new();
    for _ in 0..6 {
        let reply = stand.poll(&request).await;
        assert_eq!((reply.status, reply.word()), (200, Some("PENDING")), "{}", reply.body);
        told.push(seconds(&reply.body));
    }
    assert_eq!(told, [5, 10, 20, 40, 60, 60], "the first is never throttled");
    stand.wait(60);
    assert_eq!(seconds(&stand.poll(&request).await.body), 5, "it is forgotten to who waits");
    stand.poll(&request).await;
    stand.says("ДА").await;
    let reply = stand.poll(&request).await;
    assert_eq!(reply.word(), Some("VALID"), "{}", reply.body);
    assert!(!reply.body.contains("poll_after"));
}

fn seconds(body: &str) -> u32 {
    body.split("poll_after>").nth(1).unwrap().split('<').next().unwrap().parse().unwrap()
}
