//! A request and its answer.

use super::installation::SUBJECT;
use super::shep::{Got, Mood};
use super::stand::{Push, Stand, assert_taken};
use kdp::soap::async_channel::{A, AC};
use kdp::store::Heard;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_by_sms_is_answered_when_the_subject_has_answered_and_not_before() {
    let stand = Stand::start().await;
    assert_taken(&stand.push(&Push::by_sms("chain-1")).await, A, "chain-1");
    assert_eq!((stand.asked(), stand.shep.got().len()), (0, 0), "it is taken in before anything is done");
    stand.work().await;
    assert_eq!((stand.asked(), stand.shep.got().len()), (1, 0), "the subject is asked, and awaited");
    assert!(matches!(stand.says("ДА").await, Heard::Answered(_)));
    stand.work().await;
    let got = stand.shep.got();
    let [answer] = got.as_slice() else { panic!("{got:?}") };
    let told = |name| answer.text(name);
    assert_eq!((told("correlationId"), told("serviceId")), ("chain-1", "KDP_SERVICE"));
    assert_eq!((told("messageType"), told("senderId")), ("RESPONSE", "KDP"));
    assert_eq!(told("sessionId"), "{8c2d6a0e-51b5-4c7e-9a34-0f4c2f0f9d11}");
    assert_eq!((answer.data("status"), answer.data("reason")), (Some("VALID"), Some("granted")));
    let token = answer.data("code").unwrap();
    assert!(token.starts_with("eyJ") && answer.data("public-key").is_some());
    let request = stand.request_id();
    assert_eq!(answer.data("request_id"), Some(request.as_str()));
    // The token is the one that whoever polls gets, and nothing more is sent.
    let polled = stand.poll(&request).await;
    assert!(polled.body.contains(token), "{}", polled.body);
    stand.wait(100_000);
    stand.work().await;
    assert_eq!((stand.shep.got().len(), stand.asked()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_request_is_told() {
    for (reply, later, word, reason) in [
        (Some("ЖОҚ"), 0, "INVALID", "subject-refused"),
        (Some("STOP"), 0, "INVALID", "subject-reported-fraud"),
        (None, 901, "TIMEOUT", "no-answer"),
    ] {
        let stand = Stand::start().await;
        stand.push(&Push::by_sms("chain")).await;
        stand.work().await;
        if let Some(reply) = reply {
            stand.says(reply).await;
        }
        stand.wait(later);
        stand.work().await;
        let got = stand.shep.got();
        assert_eq!(got.len(), 1, "{reason}");
        assert_eq!((got[0].data("status"), got[0].data("reason")), (Some(word), Some(reason)));
        assert_eq!(got[0].data("code"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_by_own_means_is_answered_at_once_and_one_that_is_wrong_too() {
    let stand = Stand::start().await;
    assert_taken(&stand.push(&Push::own_means("granted")).await, AC, "granted");
    let forged = vec![("omit-sms", "true".to_owned()), ("ovt", "a.b.c".to_owned())];
    stand.push(&Push { fields: forged, ..Push::by_sms("forged") }).await;
    stand.push(&Push { fields: vec![("method", "nine".to_owned())], ..Push::by_sms("malformed") }).await;
    stand.work().await;
    let got = stand.shep.got();
    let of = |chain: &str| got.iter().find(|answer| answer.text("correlationId") == chain).unwrap();
    assert_eq!(got.len(), 3);
    assert!(of("granted").data("status") == Some("VALID") && of("granted").data("code").is_some());
    assert_eq!(of("forged").data("status"), Some("INVALID"));
    assert_eq!(of("malformed").data("status"), Some("ERROR"));
    assert_eq!(of("malformed").data("reason"), Some("element-malformed"));
    assert!(of("malformed").data("reason_text").unwrap().contains("method"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_answered_at_once_and_the_same_after_a_delivery_that_failed() {
    let stand = Stand::start().await;
    let fields = vec![("omit-sms", "false".to_owned()), ("dry_run", "true".to_owned())];
    stand.push(&Push { fields, ..Push::by_sms("dry") }).await;
    stand.shep.will(&[Mood::Busy]);
    stand.work().await;
    stand.wait(100);
    stand.work().await;
    let got = stand.shep.got();
    let [first, again] = got.as_slice() else { panic!("{got:?}") };
    assert_eq!((again.data("status"), again.data("reason")), (Some("INVALID"), Some("dry-run")));
    let checks = |got: &Got| got.body.split("dry_run").nth(1).unwrap().to_owned();
    assert_eq!(checks(again), checks(first));
    assert!(checks(again).contains(">ask-by-sms<"), "{}", again.body);
    assert_eq!(stand.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_initiator_must_do_is_told_at_once_and_the_code_comes_back_by_another_request() {
    let stand = Stand::start().await;
    stand.push(&Push::by_code("ask")).await;
    stand.work().await;
    let got = stand.shep.got();
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].data("status"), got[0].data("reason")), (Some("PENDING"), Some("waiting")));
    let request = got[0].data("request_id").unwrap().to_owned();
    let text = stand.subject.sms.lock().unwrap()[0].1.clone();
    let code =
        text.split("KOD ").nth(1).unwrap().chars().take_while(char::is_ascii_digit).collect::<String>();
    let wrong = if code == "000000" { "111111" } else { "000000" };
    for (chain, code, word, reason) in
        [("wrong", wrong, "PENDING", "code-wrong"), ("right", code.as_str(), "VALID", "granted")]
    {
        let fields = vec![("request_id", request.clone()), ("code", code.to_owned())];
        stand.push(&Push { fields, ..Push::by_sms(chain) }).await;
        stand.work().await;
        let got = stand.shep.got();
        let answer = got.last().unwrap();
        assert_eq!(answer.text("correlationId"), chain);
        assert_eq!((answer.data("status"), answer.data("reason")), (Some(word), Some(reason)));
    }
    assert_eq!(stand.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_chains_about_one_ask_get_one_token_and_the_subject_one_sms() {
    let stand = Stand::start().await;
    for chain in ["first", "second"] {
        stand.push(&Push::by_sms(chain)).await;
        stand.work().await;
    }
    let request = stand.request_id();
    let fields = vec![("request_id", request)];
    stand.push(&Push { fields, ..Push::by_sms("repeat") }).await;
    stand.work().await;
    assert_eq!((stand.asked(), stand.shep.got().len()), (1, 0));
    stand.says("ДА").await;
    stand.work().await;
    let got = stand.shep.got();
    let mut chains: Vec<&str> = got.iter().map(|answer| answer.text("correlationId")).collect();
    chains.sort_unstable();
    assert_eq!(chains, ["first", "repeat", "second"]);
    assert!(
        got.iter().all(|answer| answer.data("code") == got[0].data("code") && answer.data("code").is_some())
    );
    assert_eq!(stand.number("SELECT count(*) FROM access_request"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_shep_answers_wrong_is_its_fault_and_the_answer_comes_again_under_its_one_id() {
    let stand = Stand::start().await;
    let moods = [
        (Mood::Fault, "fault"),
        (Mood::Unsigned, "unsigned"),
        (Mood::Foreign, "certificate"),
        (Mood::Changed, "signature"),
        (Mood::OtherChain, "other-question"),
        (Mood::OtherAnswer, "not-answer"),
        (Mood::Garbage, "not-xml"),
        (Mood::Busy, "http-status"),
        (Mood::Breaks, "unreachable"),
    ];
    stand.shep.will(&moods.map(|(mood, _)| mood));
    stand.push(&Push::own_means("chain")).await;
    for tries in 1..=moods.len() + 1 {
        stand.work().await;
        assert_eq!(stand.shep.got().len(), tries, "one try at a time");
        stand.wait(61);
    }
    stand.work().await;
    let got = stand.shep.got();
    assert_eq!(got.len(), moods.len() + 1, "until it was taken over");
    let once = |name: &str| got.iter().all(|answer| answer.text(name) == got[0].text(name));
    assert!(once("messageId") && once("correlationId"));
    assert!(
        got.iter().all(|answer| answer.data("code").is_some() && answer.data("code") == got[0].data("code"))
    );
    let figures = stand.app.metrics.text();
    for (mood, code) in moods {
        let counted = format!("kdp_party_faults_total{{party=\"shep\",fault=\"{code}\"}} 1");
        assert!(figures.contains(&counted), "{mood:?}: {counted} is not in\n{figures}");
    }
    assert!(figures.contains("kdp_async_answers_sent_total 1"), "{figures}");
    // The first is journalled, and those after twice as many tries each.
    assert_eq!(
        stand.number("SELECT count(*) FROM journal WHERE kind = 'party' AND outcome LIKE 'shep: %'"),
        5
    );
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome = 'answer sent'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_taken_over_for_a_day_is_given_up_and_can_still_be_asked_for() {
    let stand = Stand::start().await;
    stand.push(&Push::by_sms("chain")).await;
    stand.work().await;
    stand.says("ЖОҚ").await;
    stand.shep.will(&[Mood::Busy; 3]);
    stand.work().await;
    stand.wait(86_390);
    stand.work().await;
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 0"), 1);
    stand.wait(60);
    stand.work().await;
    assert_eq!(stand.shep.got().len(), 3);
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome = 'answer undeliverable'"), 1);
    assert!(stand.app.metrics.text().contains("kdp_async_answers_undeliverable_total 1"));
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 3 AND message IS NULL"), 1);
    stand.wait(86_400);
    stand.work().await;
    assert_eq!(stand.shep.got().len(), 3, "it is not tried any more");
    let polled = stand.poll(&stand.request_id()).await;
    assert!(polled.body.contains("subject-refused"), "{}", polled.body);
    assert!(!polled.body.contains(SUBJECT));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_decided_in_time_asks_nobody_any_more() {
    let stand = Stand::start().await;
    stand.push(&Push::by_sms("chain")).await;
    stand.wait(86_401);
    stand.work().await;
    assert_eq!((stand.asked(), stand.shep.got().len()), (0, 0));
    assert_eq!(stand.number("SELECT count(*) FROM access_request"), 0);
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome = 'answer undeliverable'"), 1);
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 3 AND message IS NULL"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_given_up_in_time_too() {
    let stand = Stand::configured("[shep]\nanswer_hours = 1\n").await;
    stand.push(&Push::by_sms("chain")).await;
    stand.database().execute("UPDATE asynchronous SET message = x'00'", []).unwrap();
    for _ in 0..59 {
        stand.work().await;
        stand.wait(61);
    }
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 0"), 1);
    for _ in 0..5 {
        stand.work().await;
        stand.wait(61);
    }
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 3 AND message IS NULL"), 1);
    assert_eq!(stand.number("SELECT count(*) FROM job WHERE task = 9"), 0);
    assert_eq!(stand.number("SELECT count(*) FROM journal WHERE outcome = 'answer undeliverable'"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_journalled_once_however_often_its_answer_is_tried() {
    let stand = Stand::start().await;
    stand.shep.will(&[Mood::Busy; 4]);
    stand.push(&Push::own_means("chain")).await;
    for _ in 0..5 {
        stand.work().await;
        stand.wait(61);
    }
    assert_eq!(stand.shep.got().len(), 5);
    let decisions = "SELECT count(*) FROM journal WHERE kind = 'decision' AND outcome = ";
    assert_eq!(stand.number(&format!("{decisions}'granted'")), 1);
    // What it comes to later is another decision.
    let ours = stand.shep.got()[0].text("messageId").to_owned();
    let fields = vec![("request_id", stand.request_id()), ("cancel", "true".to_owned())];
    stand.push(&Push { fields, ..Push::by_sms("cancel") }).await;
    stand.work().await;
    stand.notify(&stand.gateway, A, &ours, "NOT_DELIVERED").await;
    stand.shep.will(&[Mood::Busy; 2]);
    for _ in 0..4 {
        stand.wait(61);
        stand.work().await;
    }
    assert_eq!(stand.number(&format!("{decisions}'granted'")), 1);
    assert_eq!(stand.number(&format!("{decisions}'cancelled'")), 1);
}
