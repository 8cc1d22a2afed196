//! What ШЭП tells about an answer.

use super::shep::signer;
use super::stand::{Push, Stand, fault};
use kdp::soap::async_channel::{A, AC};

/// A message that ШЭП has taken over the answer of; with its ids, ours and ШЭП's.
async fn sent() -> (Stand, String, &'static str) {
    let stand = Stand::start().await;
    stand.push(&Push::own_means("chain")).await;
    stand.work().await;
    let ours = stand.shep.got()[0].text("messageId").to_owned();
    (stand, ours, "shep-1")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_is_sent_again_and_what_was_delivered_is_over() {
    let (stand, ours, theirs) = sent().await;
    let told = stand.notify(&stand.gateway, AC, &ours, "ON_DELIVERY").await;
    assert_eq!(told.status, 200, "{}", told.body);
    assert!(told.body.contains(&format!("<t:changeMassageStatusNotificationResponse xmlns:t=\"{AC}\">")));
    assert!(told.element("responseDate").is_some() && told.body.contains("<ds:SignatureValue>"));
    stand.wait(100);
    stand.work().await;
    assert_eq!(stand.shep.got().len(), 1);
    assert_eq!(stand.notify(&stand.gateway, A, theirs, "NOT_DELIVERED").await.status, 200);
    stand.work().await;
    assert_eq!(stand.shep.got().len(), 1, "not at once: whoever is away is not back yet");
    stand.wait(61);
    stand.work().await;
    let got = stand.shep.got();
    assert_eq!((got.len(), got[1].text("messageId")), (2, ours.as_str()));
    assert_eq!(got[0].data("code"), got[1].data("code"));
    assert_eq!(stand.notify(&stand.gateway, A, "shep-2", "DELIVERED").await.status, 200);
    for state in ["NOT_DELIVERED", "DELIVERY_STOPPED", "DELIVERED"] {
        assert_eq!(stand.notify(&stand.gateway, A, &ours, state).await.status, 200, "{state}");
    }
    stand.wait(61);
    stand.work().await;
    assert_eq!(stand.shep.got().len(), 2, "it is over");
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 3 AND message IS NULL"), 1);
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome LIKE 'answer%delivered'"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_was_stopped_is_journalled_and_counted() {
    let (stand, ours, _) = sent().await;
    assert_eq!(stand.notify(&stand.gateway, A, "nobody's", "DELIVERY_STOPPED").await.status, 200);
    assert!(stand.app.metrics.text().contains("kdp_async_answers_undeliverable_total 0"));
    assert_eq!(stand.notify(&stand.gateway, A, &ours, "DELIVERY_STOPPED").await.status, 200);
    assert!(stand.app.metrics.text().contains("kdp_async_answers_undeliverable_total 1"));
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome = 'answer undeliverable'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_never_delivered_is_given_up_after_a_day() {
    let (stand, ours, _) = sent().await;
    for _ in 0..25 {
        stand.notify(&stand.gateway, A, &ours, "NOT_DELIVERED").await;
        stand.wait(3600);
        stand.work().await;
    }
    assert_eq!(stand.shep.got().len(), 24);
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome = 'answer undeliverable'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_gateway_is_heard() {
    let (stand, ours, _) = sent().await;
    let told = stand.notify(&signer("bank"), A, &ours, "DELIVERED").await;
    assert_eq!(fault(&told), "KDP403");
    let name = "t:changeMassageStatusNotificationFault1_changeMassageStatusNotificationFault";
    assert!(told.body.contains(&format!("<{name} xmlns:t=\"{A}\">")), "{}", told.body);
    assert_eq!(fault(&stand.notify(&stand.gateway, AC, &ours, "LOST").await), "SCE001");
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 2"), 1);
}
