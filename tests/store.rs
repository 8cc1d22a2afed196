//! The contract of the store, verb by verb, held against every back end.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "store/asynchronous.rs"]
mod asynchronous;
#[path = "store/attack.rs"]
mod attack;
#[path = "common/store.rs"]
mod bench;
#[path = "store/calendar.rs"]
mod calendar;
#[path = "store/crowd.rs"]
mod crowd;
#[path = "store/erase.rs"]
mod erase;
#[path = "store/failure.rs"]
mod failure;
#[path = "store/grant.rs"]
mod grant;
#[path = "store/hold.rs"]
mod hold;
#[path = "store/law.rs"]
mod law;
#[path = "store/limit.rs"]
mod limit;
#[path = "store/migration.rs"]
mod migration;
#[path = "store/model.rs"]
mod model;
#[path = "store/race.rs"]
mod race;
#[path = "store/reach.rs"]
mod reach;
#[path = "store/registration.rs"]
mod registration;
#[path = "store/reply.rs"]
mod reply;
#[path = "store/report.rs"]
mod report;
#[path = "store/revocation.rs"]
mod revocation;
#[path = "store/secrecy.rs"]
mod secrecy;
#[path = "store/server.rs"]
mod server;
#[path = "store/time.rs"]
mod time;
#[path = "store/token.rs"]
mod token;
#[path = "store/transfer.rs"]
mod transfer;

use bench::{Ask, HOUR, NOON, WIDE, benches, is_limited, live, new, phone, record};
use kdp::consent::method::Method;
use kdp::consent::{Consent, End, Event};
use kdp::store::seal::one_time_code;
use kdp::store::{Budget, Change, DirectoryRef, Opened, Standing};
use kdp::text::Reason;

fn closed(reason: Reason, at: i64) -> Consent {
    Consent::Closed { end: End::Invalid, reason, at }
}

#[tokio::test]
async fn an_ask_in_progress_is_found_whatever_its_method_and_no_second_one_is_opened() {
    for bench in benches() {
        let first = new(bench.open(&Ask::default(), NOON).await);
        for same in [
            Ask::default(),
            Ask { method: Method::Code, ..Ask::default() },
            Ask { services: " B ;A;B", ..Ask::default() },
            Ask { phone: None, reference: "2000".to_owned(), ..Ask::default() },
        ] {
            let request = live(bench.open(&same, NOON + 1).await);
            assert_eq!(request.id, first.id, "{}", bench.name);
            assert!(request.method == Method::Sms && request.reference == "1000");
            let found = bench.in_progress(&same, NOON + 1).await;
            assert_eq!(found.map(|r| r.id), Some(first.id));
        }
        for other in [
            Ask { bin: 2, ..Ask::default() },
            Ask { iin: 2, ..Ask::default() },
            Ask { services: "A", ..Ask::default() },
            Ask { services: "A;B;C", ..Ask::default() },
        ] {
            assert_ne!(new(bench.open(&other, NOON + 1).await).id, first.id, "{}", bench.name);
        }
        let other = Ask { bin: 3, ..Ask::default() };
        let standing = bench
            .store
            .standing(bench::bin(3), bench::iin(1), bench::services("A;B"), bench::WIDE, NOON)
            .await;
        assert!(matches!(standing, Ok(Standing::Free)) && bench.in_progress(&other, NOON).await.is_none());
        assert_eq!(bench.tasks(first.id).await.len(), 1, "asking again sends nothing");
    }
}

#[tokio::test]
async fn after_every_final_status_the_same_ask_is_a_new_request() {
    let ends: [(&str, &[Event]); 6] = [
        ("a number that is absent", &[Event::NumberAbsent]),
        ("an SMS refused", &[Event::NumberFound(phone(1)), Event::SmsRefused]),
        ("a no", &[Event::NumberFound(phone(1)), Event::SmsAccepted, Event::No]),
        ("a fraud", &[Event::NumberFound(phone(1)), Event::SmsAccepted, Event::Fraud]),
        ("a cancelling", &[Event::Cancel]),
        (
            "a collected token",
            &[Event::NumberFound(phone(1)), Event::Yes, Event::Collect { expires: i64::MAX }],
        ),
    ];
    for bench in benches() {
        let ask = Ask { phone: None, ..Ask::default() };
        for (end, events) in &ends {
            let first = new(bench.open(&ask, NOON).await);
            for event in *events {
                assert!(bench.event(first.id, event.clone(), NOON).await.1, "{end} on {}", bench.name);
            }
            assert!(bench.in_progress(&ask, NOON).await.is_none(), "{end}");
            assert!(bench.tasks(first.id).await.is_empty(), "{end} leaves nothing to do");
        }
        new(bench.open(&ask, NOON).await);
    }
}

#[tokio::test]
async fn an_ask_whose_time_is_over_makes_room_even_before_anybody_wrote_that_down() {
    for bench in benches() {
        let first = bench.waiting(&Ask::default(), NOON).await;
        let over = NOON + 100_000;
        live(bench.open(&Ask::default(), over - 1).await);
        let second = new(bench.open(&Ask::default(), over).await);
        assert_ne!(first.id, second.id);
        let timeout = Consent::Closed { end: End::Timeout, reason: Reason::NoAnswer, at: over };
        assert!(bench.consent(first.id).await == timeout, "{}: written with the new one", bench.name);
        assert!(bench.tasks(first.id).await.is_empty());
    }
}

#[tokio::test]
async fn a_request_reads_back_as_it_was_opened() {
    for bench in benches() {
        let mut request = Ask::by_code().request(NOON);
        request.directory = Some(DirectoryRef { id: "dir-1".to_owned(), revision: 3 });
        request.ground = Some("L-9.1".to_owned());
        request.proactive = Some("child-allowance".to_owned());
        request.mcheck = Some("BIO".to_owned());
        let stored = new(bench.open_as(request.clone(), WIDE, NOON).await.unwrap());
        let read = bench.reopened().request(stored.id).await.unwrap().unwrap();
        assert!(read.id == request.id && read.bin == request.bin && read.iin == request.iin);
        assert!(read.method == request.method && read.services == request.services);
        assert!(read.sender == "bank" && read.opened == NOON && read.mcheck == request.mcheck);
        assert!(read.ground == request.ground && read.proactive == request.proactive);
        assert!(
            read.term_seconds == 600
                && read.company == "Банк Үлгі"
                && read.responsible == "Несие бөлімі"
                && read.employee == "Үлгіұлы Ү."
                && read.data == "ФИО, адрес"
        );
        assert!(read.directory == request.directory && read.lang == request.lang);
        assert!(read.msisdn == request.msisdn && read.reference == "1000");
        assert!(
            read.code_form == request.code_form && read.consent == request.consent && read.token.is_none()
        );
        let (found, applied) = bench.event(read.id, Event::SmsAccepted, NOON + 5).await;
        assert!(applied && found.consent == Consent::Waiting { until: NOON + 60_005, attempts: 0 });
        assert!(bench.store.request(bench::id(NOON)).await.unwrap().is_none());
        assert!(
            bench
                .store
                .change(bench::id(NOON), Change::Event(Event::Due), record(NOON, "due"))
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn the_budget_of_a_subject_is_one_for_all_initiators_services_and_methods() {
    let budget = Budget { subject: 3, initiator: 100 };
    for bench in benches() {
        let mut asked = 0;
        for (ask, at) in [
            (Ask::default(), NOON),
            (Ask { services: "C", ..Ask::default() }, NOON + 1),
            (Ask { bin: 2, method: Method::Code, ..Ask::default() }, NOON + 2),
            (Ask { bin: 3, ..Ask::default() }, NOON + 3),
            (Ask { services: "D", ..Ask::default() }, NOON + 12 * HOUR - 1),
        ] {
            match bench.open_as(ask.request(at), budget, at).await.unwrap() {
                Opened::New(_) => asked += 1,
                Opened::Refused(reason) => {
                    assert_eq!((reason, asked), (Reason::LimitReached, 3), "{}", bench.name);
                }
                Opened::Live(_) => panic!("nothing of this is in progress"),
            }
        }
        assert_eq!(asked, 3);
        // Asking for what is in progress costs nothing, and is answered although the budget is used up.
        live(bench.open_as(Ask::default().request(NOON + 9), budget, NOON + 9).await.unwrap());
        new(bench.open_as(Ask { iin: 2, ..Ask::default() }.request(NOON), budget, NOON).await.unwrap());
        let midnight = NOON + 12 * HOUR;
        let tomorrow = Ask { services: "D", ..Ask::default() };
        new(bench.open_as(tomorrow.request(midnight), budget, midnight).await.unwrap());
        assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "limit-reached").count(), 2);
    }
}

#[tokio::test]
async fn an_initiator_over_its_budget_uses_up_nobody_elses() {
    let budget = Budget { subject: 2, initiator: 1 };
    for bench in benches() {
        new(bench.open_as(Ask::of(9).request(NOON), budget, NOON).await.unwrap());
        for _ in 0..5 {
            let refused = bench.open_as(Ask::default().request(NOON), budget, NOON).await.unwrap();
            assert!(is_limited(&refused), "{}", bench.name);
        }
        for other in [2, 3] {
            let ask = Ask { bin: other, ..Ask::default() };
            new(bench.open_as(ask.request(NOON), budget, NOON).await.unwrap());
        }
        // Nor does an ask that the subject's budget refuses cost the initiator its own.
        let refused =
            bench.open_as(Ask { bin: 4, ..Ask::default() }.request(NOON), budget, NOON).await.unwrap();
        assert!(is_limited(&refused));
        new(bench.open_as(Ask { bin: 4, ..Ask::of(8) }.request(NOON), budget, NOON).await.unwrap());
    }
}

#[tokio::test]
async fn a_budget_of_nothing_allows_nothing() {
    for bench in benches() {
        for budget in [Budget { subject: 0, initiator: 9 }, Budget { subject: 9, initiator: 0 }] {
            let refused = bench.open_as(Ask::default().request(NOON), budget, NOON).await.unwrap();
            assert!(is_limited(&refused), "{}", bench.name);
        }
    }
}

#[tokio::test]
async fn the_third_wrong_code_closes_the_request_and_the_right_one_is_too_late_then() {
    for bench in benches() {
        let request = bench.waiting(&Ask::by_code(), NOON).await;
        let right = one_time_code(&*bench.seal, &request);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        for attempts in 1..=2 {
            let (tried, applied) = bench.change(request.id, Change::Code(wrong.to_owned()), NOON + 1).await;
            assert!(applied && tried.consent == Consent::Waiting { until: NOON + 60_000, attempts });
        }
        let (tried, applied) = bench.change(request.id, Change::Code(String::new()), NOON + 2).await;
        let ended = closed(Reason::CodeAttempts, NOON + 2);
        assert!(applied && tried.consent == ended, "{}", bench.name);
        let (tried, applied) = bench.change(request.id, Change::Code(right), NOON + 3).await;
        assert!(!applied && tried.consent == ended, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_code_fits_its_own_request_only_and_only_in_its_time() {
    for bench in benches() {
        let first = bench.waiting(&Ask::by_code(), NOON).await;
        let second = bench.waiting(&Ask { services: "C", ..Ask::by_code() }, NOON).await;
        let (one, two) = (one_time_code(&*bench.seal, &first), one_time_code(&*bench.seal, &second));
        assert_ne!(one, two, "the ids of the test are such");
        let (tried, _) = bench.change(first.id, Change::Code(two.clone()), NOON).await;
        assert!(matches!(tried.consent, Consent::Waiting { attempts: 1, .. }), "{}", bench.name);
        let (tried, _) = bench.change(first.id, Change::Code(format!(" {one} ")), NOON + 59_999).await;
        assert!(matches!(tried.consent, Consent::Agreed { .. }), "{}", bench.name);
        let (tried, applied) = bench.change(second.id, Change::Code(two), NOON + 60_000).await;
        let late = Consent::Closed { end: End::Timeout, reason: Reason::NoAnswer, at: NOON + 60_000 };
        assert!(!applied && tried.consent == late);
        // A code for a request that awaits none.
        let third = bench.waiting(&Ask { services: "D", ..Ask::default() }, NOON).await;
        let code = one_time_code(&*bench.seal, &third);
        assert!(!bench.change(third.id, Change::Code(code), NOON).await.1, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_token_is_collected_once_and_stays_until_it_is_given_back() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        assert!(!bench.collect(request.id, NOON).await.1, "nobody has agreed yet");
        assert!(bench.event(request.id, Event::Yes, NOON + 1).await.1);
        let (first, made) = bench.collect(request.id, NOON + 2).await;
        let token = first.token.expect("the first collects");
        assert!(made && first.consent == Consent::Granted { expires: token.expires, lapses: None });
        let (again, made) = bench.collect(request.id, NOON + 3).await;
        let same = again.token.expect("a repeat gets the token too");
        assert!(
            !made && same.compact == token.compact && same.jti == token.jti && same.expires == token.expires
        );
        let stored = bench.reopened().request(request.id).await.unwrap().unwrap();
        assert_eq!(stored.token.unwrap().compact, token.compact, "{}", bench.name);
        let (ended, applied) = bench.event(request.id, Event::Cancel, NOON + 4).await;
        assert!(applied && ended.consent == closed(Reason::Cancelled, NOON + 4));
        let stored = bench.store.request(request.id).await.unwrap().unwrap();
        assert!(stored.consent == closed(Reason::Cancelled, NOON + 4), "{}: given back", bench.name);
        assert_eq!(stored.token.unwrap().compact, token.compact, "kept, to be known when it is checked");
        let (after, made) = bench.collect(request.id, NOON + 5).await;
        assert!(!made && after.consent == stored.consent, "and none is made anew");
    }
}
