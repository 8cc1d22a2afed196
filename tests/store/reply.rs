//! SMS of subjects: heard once, counted only where it is certain what they are about (wire.md 2.5).

use super::bench::{Ask, Bench, NOON, benches, phone, record, said};
use super::closed;
use kdp::consent::method::Method;
use kdp::consent::{Consent, End, Event};
use kdp::store::seal::one_time_code;
use kdp::store::{Heard, Opened, Said, Task};
use kdp::text::Reason;

/// A second request that waits on the phone of the first.
fn beside() -> Ask {
    Ask { services: "C", reference: "2000".to_owned(), ..Ask::default() }
}

#[tokio::test]
async fn a_bare_answer_counts_when_exactly_one_request_waits_on_the_phone() {
    for bench in benches() {
        for (text, iin) in [("ДА", 1), ("жоқ", 2), ("STOP", 3)] {
            let request = bench.waiting(&Ask::of(iin), NOON).await;
            let heard = bench.say(&phone(iin), text, NOON + 1).await;
            assert_eq!(heard, Heard::Answered(request.id), "{text} on {}", bench.name);
            let after = bench.consent(request.id).await;
            assert!(match iin {
                1 => after == Consent::Agreed { until: NOON + 300_001 },
                2 => after == closed(Reason::SubjectRefused, NOON + 1),
                _ => after == closed(Reason::SubjectReportedFraud, NOON + 1),
            });
        }
    }
}

#[tokio::test]
async fn a_bare_yes_to_a_request_whose_sms_has_not_left_asks_for_the_reference() {
    for bench in benches() {
        let Opened::New(request) = bench.open(&Ask::default(), NOON).await else {
            panic!("a request is opened");
        };
        assert_eq!(bench.say(&phone(1), "ДА", NOON + 1).await, Heard::Ambiguous, "{}", bench.name);
        assert!(matches!(bench.consent(request.id).await, Consent::Sending { .. }));
        assert_eq!(bench.say(&phone(1), "ДА 1000", NOON + 2).await, Heard::Answered(request.id));
        assert!(matches!(bench.consent(request.id).await, Consent::Agreed { .. }), "{}", bench.name);
    }
}

#[tokio::test]
async fn an_answer_from_another_phone_changes_nothing() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        for text in ["ДА", "ДА 1000", "НЕТ"] {
            assert_eq!(bench.say(&phone(2), text, NOON).await, Heard::NothingWaits, "{}", bench.name);
        }
        assert!(matches!(bench.consent(request.id).await, Consent::Waiting { .. }));
        assert!(bench.journal().iter().filter(|outcome| *outcome == "sms unexpected").count() == 3);
    }
}

#[tokio::test]
async fn the_same_sms_is_heard_once_whatever_it_says_the_second_time() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        assert_eq!(bench.say_as("7", &phone(1), "что это?", NOON).await, Heard::NotUnderstood);
        assert_eq!(bench.say_as("7", &phone(1), "ДА", NOON).await, Heard::Again, "{}", bench.name);
        assert!(matches!(bench.consent(request.id).await, Consent::Waiting { .. }));
        assert_eq!(bench.say_as("8", &phone(1), "ДА", NOON).await, Heard::Answered(request.id));
        assert_eq!(bench.say_as("8", &phone(1), "НЕТ", NOON).await, Heard::Again);
        assert!(matches!(bench.consent(request.id).await, Consent::Agreed { .. }));
    }
}

#[tokio::test]
async fn a_bare_answer_to_two_requests_asks_for_the_reference_once() {
    for bench in benches() {
        let (first, second) =
            (bench.waiting(&Ask::default(), NOON).await, bench.waiting(&beside(), NOON).await);
        for text in ["ДА", "ДА", "НЕТ"] {
            assert_eq!(bench.say(&phone(1), text, NOON + 1).await, Heard::Ambiguous, "{}", bench.name);
        }
        let asked = |tasks: Vec<(Task, i64)>| tasks.iter().filter(|t| t.0 == Task::SendReference).count();
        let (one, two) = (bench.tasks(first.id).await, bench.tasks(second.id).await);
        assert_eq!(asked(one) + asked(two), 1, "{}", bench.name);
        assert_eq!(
            bench.say(&phone(1), "ДА 3000", NOON + 2).await,
            Heard::NotUnderstood,
            "nobody's reference"
        );
        assert_eq!(bench.say(&phone(1), "ДА 2000", NOON + 2).await, Heard::Answered(second.id));
        assert!(matches!(bench.consent(first.id).await, Consent::Waiting { .. }));
        // One is left: now the bare yes is certain.
        assert_eq!(bench.say(&phone(1), "ДА", NOON + 3).await, Heard::Answered(first.id), "{}", bench.name);
        // A third one that joins later was not asked about yet.
        bench.waiting(&Ask { services: "D", ..Ask::default() }, NOON + 4).await;
        bench.waiting(&Ask { services: "E", ..Ask::default() }, NOON + 4).await;
        assert_eq!(bench.say(&phone(1), "ДА", NOON + 5).await, Heard::Ambiguous);
        let jobs = bench.due(i64::MAX).await;
        assert_eq!(jobs.iter().filter(|job| job.task == Task::SendReference).count(), 2, "{}", bench.name);
    }
}

#[tokio::test]
async fn two_subjects_who_share_a_phone_are_told_apart_by_the_reference() {
    for bench in benches() {
        let first = bench.waiting(&Ask::default(), NOON).await;
        let second = bench.waiting(&Ask { iin: 2, phone: Some(1), ..beside() }, NOON).await;
        assert_eq!(bench.say(&phone(1), "ДА", NOON).await, Heard::Ambiguous);
        assert_eq!(bench.say(&phone(1), "НЕТ 1000", NOON).await, Heard::Answered(first.id), "{}", bench.name);
        assert_eq!(bench.say(&phone(1), "ДА 2000", NOON).await, Heard::Answered(second.id));
    }
}

#[tokio::test]
async fn help_is_sent_once_a_request_and_a_wrong_reference_is_no_answer() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        for text in ["кто это?", "ДА НЕ ЗНАЮ", "кто это?"] {
            assert_eq!(bench.say(&phone(1), text, NOON + 1).await, Heard::NotUnderstood, "{text}");
        }
        assert_eq!(bench.say(&phone(1), "ДА 9999", NOON + 1).await, Heard::NotUnderstood);
        let tasks = bench.tasks(request.id).await;
        let help: Vec<_> = tasks.iter().filter(|t| t.0 == Task::SendHelp).collect();
        assert_eq!(help, [&(Task::SendHelp, NOON + 1)], "{}", bench.name);
        assert!(tasks.contains(&(Task::Expire, NOON + 100_000)), "help does not prolong the wait");
        let another = bench.waiting(&beside(), NOON + 2).await;
        bench.say(&phone(1), "кто это?", NOON + 3).await;
        let help = |tasks: Vec<(Task, i64)>| tasks.iter().filter(|t| t.0 == Task::SendHelp).count();
        let sent = help(bench.tasks(request.id).await) + help(bench.tasks(another.id).await);
        assert_eq!(sent, 2, "{}: the new request has its own help", bench.name);
    }
}

#[tokio::test]
async fn a_yes_to_a_code_is_no_consent_and_its_code_from_the_phone_is_heard() {
    for bench in benches() {
        let request = bench.waiting(&Ask { method: Method::Code, ..Ask::default() }, NOON).await;
        assert_eq!(bench.say(&phone(1), "ДА", NOON).await, Heard::NotUnderstood);
        let code = one_time_code(&*bench.seal, &request);
        let heard = bench.say(&phone(1), &format!("KOD {code}"), NOON).await;
        assert_eq!(heard, Heard::Answered(request.id), "{}", bench.name);
        assert!(
            matches!(bench.consent(request.id).await, Consent::Waiting { attempts: 0, .. }),
            "the initiator must bring it still, and the subject's words are no tries"
        );
        assert_eq!(bench.say(&phone(1), "НЕТ", NOON).await, Heard::Answered(request.id));
        assert!(bench.consent(request.id).await == closed(Reason::SubjectRefused, NOON));
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_journalled_and_changes_nothing() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        assert_eq!(bench.say(&phone(1), "ДА", NOON + 100_000).await, Heard::NothingWaits, "{}", bench.name);
        assert!(
            bench.consent(request.id).await
                == Consent::Closed { end: End::Timeout, reason: Reason::NoAnswer, at: NOON + 100_000 }
        );
        assert!(bench.journal().contains(&"sms unexpected".to_owned()));
        let (_, applied) = bench.event(request.id, Event::Yes, NOON + 100_001).await;
        assert!(!applied && bench.journal().contains(&"change ignored".to_owned()), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_second_answer_is_not_heard_after_the_first() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        bench.say(&phone(1), "ДА", NOON).await;
        assert_eq!(bench.say(&phone(1), "НЕТ", NOON).await, Heard::NothingWaits, "{}", bench.name);
        assert!(matches!(bench.consent(request.id).await, Consent::Agreed { .. }));
    }
}

/// What the first phone said at one time and is brought at another.
async fn late(bench: &Bench, id: &str, text: &str, (at, brought): (i64, i64)) -> Heard {
    let said = Said { at: Some(at), ..said(id, phone(1), text) };
    bench.store.hear(said, record(brought, "reply")).await.unwrap()
}

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn a_yes_or_a_code_that_was_said_before_the_question_is_no_answer_to_it() {
    for bench in benches() {
        let yes = bench.waiting(&Ask::default(), NOON).await;
        let by_code = Ask { method: Method::Code, ..Ask::of(1) };
        let by_code =
            bench.waiting(&Ask { services: "C", reference: "2000".to_owned(), ..by_code }, NOON).await;
        let code = one_time_code(&*bench.seal, &by_code);
        let before = (NOON - 3 * 60 * MINUTE, NOON + 1);
        for (n, text) in ["ДА", "ДА 1000", code.as_str(), "кто это"].into_iter().enumerate() {
            let heard = late(&bench, &n.to_string(), text, before).await;
            assert_eq!(heard, Heard::NothingWaits, "{text} on {}", bench.name);
        }
        for request in [&yes, &by_code] {
            assert!(matches!(bench.consent(request.id).await, Consent::Waiting { .. }));
        }
        assert!(bench.due(i64::MAX).await.iter().all(|job| job.task != Task::SendHelp), "{}", bench.name);
        assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "sms unexpected").count(), 4);
        // Clocks differ by this, and no more.
        let almost = (NOON - 2 * MINUTE - 1, NOON + 1);
        assert_eq!(late(&bench, "5", "ДА 1000", almost).await, Heard::NothingWaits, "{}", bench.name);
        let heard = late(&bench, "6", &code, (NOON - 2 * MINUTE, NOON + 1)).await;
        assert_eq!(heard, Heard::Answered(by_code.id), "{}", bench.name);
        // Of a clock that is far ahead: it was said just now.
        let heard = late(&bench, "7", "ДА 1000", (NOON + 90 * MINUTE, NOON + 1)).await;
        assert_eq!(heard, Heard::Answered(yes.id), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_no_and_a_fraud_are_heard_whenever_they_were_said() {
    for bench in benches() {
        for (id, text, reason) in
            [("1", "НЕТ", Reason::SubjectRefused), ("2", "STOP", Reason::SubjectReportedFraud)]
        {
            let request = bench.waiting(&Ask::default(), NOON).await;
            let heard = late(&bench, id, text, (NOON - 3 * 60 * MINUTE, NOON + 1)).await;
            assert_eq!(heard, Heard::Answered(request.id), "{text} on {}", bench.name);
            assert!(bench.consent(request.id).await == closed(reason, NOON + 1), "{text}");
        }
    }
}

#[tokio::test]
async fn a_bare_yes_that_was_said_before_the_sms_left_asks_for_the_reference() {
    for bench in benches() {
        let Opened::New(request) = bench.open(&Ask::default(), NOON).await else {
            panic!("a request is opened");
        };
        // 1414 was out of reach; meanwhile the subject answered what it had been asked before.
        let (left, brought) = (NOON + 10_000, NOON + 10_001);
        assert!(bench.event(request.id, Event::SmsAccepted, left).await.1);
        let early = (left - 2 * MINUTE - 1, brought);
        assert_eq!(late(&bench, "1", "ДА", early).await, Heard::Ambiguous, "{}", bench.name);
        assert!(matches!(bench.consent(request.id).await, Consent::Waiting { .. }));
        assert_eq!(late(&bench, "2", "ДА 1000", early).await, Heard::Answered(request.id), "{}", bench.name);
    }
}
