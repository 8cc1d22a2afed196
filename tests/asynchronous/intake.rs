//! What is taken in, and what is refused.

use super::shep::signer;
use super::stand::{Push, Stand, assert_taken, fault};
use kdp::service::asynchronous::measure;
use kdp::soap::async_channel::{A, AC};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_pushed_again_is_accepted_again_and_does_nothing() {
    let stand = Stand::start().await;
    assert_taken(&stand.push(&Push::by_sms("chain")).await, A, "chain");
    stand.work().await;
    // ШЭП signs anew, dates anew, and may use the other set of elements.
    stand.wait(30);
    let again = Push { ns: AC, body_id: "another", ..Push::by_sms("chain") };
    assert_taken(&stand.push(&again).await, AC, "chain");
    stand.work().await;
    stand.says("ДА").await;
    assert_taken(&stand.push(&again).await, AC, "chain");
    stand.work().await;
    assert_taken(&stand.push(&again).await, AC, "chain");
    stand.work().await;
    assert_eq!((stand.asked(), stand.shep.got().len()), (1, 1));
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous"), 1);
    let other = stand.push(&Push::by_code("chain")).await;
    assert_eq!(fault(&other), "KDP409");
    assert!(other.body.contains("correlationId was used for another request"), "{}", other.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_chain_gets_one_that_the_answer_names() {
    let stand = Stand::start().await;
    let reply = stand.push(&Push { chain: None, ..Push::own_means("ovt") }).await;
    let chain = reply.element("correlationId").unwrap().to_owned();
    stand.work().await;
    assert_eq!(stand.shep.got()[0].text("correlationId"), chain);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_taken_in_is_refused_in_the_words_of_the_channel() {
    let stand = Stand::start().await;
    let push = || Push::by_sms("chain");
    let cases = [
        ("SCE001", Push { kind: "NOTIFICATION", ..push() }, "messageType NOTIFICATION is not taken here"),
        ("SCE001", Push { kind: "UPDATE", ..push() }, "messageType UPDATE"),
        ("SCE001", Push { kind: "RESPONSE", ns: AC, ..push() }, "messageType RESPONSE"),
        ("SCE001", Push { kind: "QUESTION", ..push() }, "messageType is none of"),
        ("SCE001", Push { ns: kdp::soap::sync_channel::T, ..push() }, "neither sendMessage nor"),
        ("SCE004", Push { service: "KDP_NOTHING", ..push() }, "serviceId names no service"),
        ("SCE004", Push { service: "KDP_LIST_TO_REVOKE", ..push() }, "not offered by AsyncChannel"),
        ("KDP401", Push { password: Some("wrong".to_owned()), ..push() }, "sender"),
        ("KDP401", Push { service: "KDP_NOTHING", password: Some("wrong".to_owned()), ..push() }, "sender"),
        ("KDP403", Push { bin: "260140990216", ..push() }, "company_bin"),
    ];
    for (code, push, words) in cases {
        let reply = stand.push(&push).await;
        assert_eq!((fault(&reply), reply.status), (code, 500), "{words}: {}", reply.body);
        assert!(reply.body.contains(words), "{words} is not in {}", reply.body);
        let ns = if push.ns == AC { AC } else { A };
        let detail = format!("<t:sendMessageFault1_sendMessageFault xmlns:t=\"{ns}\">");
        assert!(reply.body.contains(&detail), "{}", reply.body);
    }
    let changed = String::from_utf8(stand.envelope(&push())).unwrap().replace(">chain<", ">other<");
    assert_eq!(fault(&stand.post("/shep/async", changed.into_bytes()).await), "SCE006");
    let foreign = stand.envelope_by(&signer("akimat"), &push());
    assert_eq!(fault(&stand.post("/shep/async", foreign).await), "SCE005");
    assert_eq!(fault(&stand.post("/shep/async", b"<a/>".to_vec()).await), "SCE001");
    // A message of one channel is none of the other.
    assert_eq!(fault(&stand.post("/shep/sync", stand.envelope(&push())).await), "SCE001");
    // Answers go to ШЭП, into a chain that the pusher names: a direct peer has no business here.
    let direct = stand.post("/shep/async", stand.envelope_by(&signer("bank"), &push())).await;
    assert_eq!(fault(&direct), "KDP403");
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous"), 0);
    assert_taken(&stand.push(&push()).await, A, "chain");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_than_the_one_that_is_answered_may_not_push() {
    let stand = Stand::configured("[shep]\npeer = \"other\"\n").await;
    assert_eq!(fault(&stand.push(&Push::by_sms("chain")).await), "KDP403");
    assert_eq!(fault(&stand.notify(&stand.gateway, A, "any", "DELIVERED").await), "KDP403");
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_has_no_more_than_so_many_unanswered_messages() {
    let stand = Stand::configured("[limits]\nunanswered_per_sender = 2\n").await;
    for chain in ["a", "b"] {
        assert_taken(&stand.push(&Push::by_sms(chain)).await, A, chain);
    }
    stand.work().await;
    let third = stand.push(&Push::own_means("c")).await;
    assert_eq!((fault(&third), third.status), ("KDP429", 429));
    measure(&stand.app).await.unwrap();
    assert!(stand.app.metrics.text().contains("kdp_async_unanswered 2"));
    assert_taken(&stand.push(&Push::by_sms("a")).await, A, "a");
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous"), 2);
    stand.says("ДА").await;
    stand.work().await;
    assert_eq!(stand.shep.got().len(), 2);
    assert_taken(&stand.push(&Push::own_means("c")).await, AC, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_chain_that_comes_again_is_known_by_its_own_id() {
    let stand = Stand::start().await;
    let push = || Push { chain: None, ..Push::by_sms("") };
    let chain = stand.push(&push()).await.element("correlationId").unwrap().to_owned();
    stand.wait(30);
    let again = stand.push(&Push { body_id: "another", ns: AC, ..push() }).await;
    assert_taken(&again, AC, &chain);
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous"), 1);
    // Ids need not be unique: what is asked tells such messages apart.
    let other = stand.push(&Push { chain: None, ..Push::by_code("") }).await;
    assert!(other.status == 200 && other.element("correlationId") != Some(&*chain), "{}", other.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_is_kept_no_longer_than_until_it_is_decided() {
    let stand = Stand::start().await;
    stand.push(&Push::own_means("chain")).await;
    let kept = || stand.number("SELECT length(message) FROM asynchronous");
    let asked = kept();
    stand.work().await;
    assert!(kept() < asked, "{} bytes, and {asked} before", kept());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_channel_to_answer_by_it_is_not_offered() {
    let stand = Stand::offering(false).await;
    assert_eq!(stand.get("/shep/async?wsdl").await.status, 404);
    assert_eq!(stand.push(&Push::by_sms("chain")).await.status, 404);
    assert_eq!(stand.get("/shep/sync?wsdl").await.status, 200);
}
