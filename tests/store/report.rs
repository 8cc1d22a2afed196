//! What commands and the authorised body read: the history of what is registered, terms that were missed, decisions
//! about an initiator, figures of a period.

use super::bench::{Ask, HOUR, NOON, Proof, benches, bin, id, look, record};
use super::registration::sender;
use super::revocation::{DAY, END, MONTHS, refusal};
use kdp::consent::Event;
use kdp::consent::method::Method;
use kdp::consent::revocation::Decision;
use kdp::incident::Incident;
use kdp::store::register::{Item, Kind, Revocations};
use kdp::store::{Granted, Record, Task};
use kdp::text::Reason;

fn incident(name: &str) -> Incident {
    Incident {
        id: name.to_owned(),
        detected_at: NOON,
        notice_until: NOON + DAY + 12 * HOUR,
        what: "a lost disk".to_owned(),
        persons: Some(3),
        responsible: "security@bank.example".to_owned(),
        notified_at: None,
        closed: None,
    }
}

#[tokio::test]
async fn a_registration_that_somebody_else_made_first_changes_nothing() {
    for bench in benches() {
        let register = async |name: &str, after: u32| {
            let item = Item::Sender(Box::new(sender(name)));
            bench.store.register(item, after, record(NOON, name)).await.unwrap()
        };
        assert_eq!(register("One", 1).await, None, "there is no revision 1 to follow");
        assert_eq!(register("One", 0).await, Some(1), "{}", bench.name);
        let version = bench.store.registry_version().await.unwrap();
        assert_eq!(register("Two", 0).await, None, "{}: it is there already", bench.name);
        assert_eq!(register("Two", 1).await, Some(2), "{}", bench.name);
        assert_eq!(register("Three", 1).await, None, "{}: revision 2 was made meanwhile", bench.name);
        assert_eq!(bench.store.registry_version().await.unwrap(), version + 1);
        assert_eq!(bench.journal(), ["One", "Two"], "{}", bench.name);
        assert_eq!(bench.store.registry().await.unwrap().senders["bank"].record.name, "Two");
    }
}

#[tokio::test]
async fn every_revision_is_kept_with_its_time_and_the_last_one_of_each_thing_is_found() {
    for bench in benches() {
        for (n, name) in [(0, "One"), (1, "Two"), (2, "Three")] {
            bench.register(Item::Sender(Box::new(sender(name))), NOON + n).await;
        }
        let mut other = sender("Акимат");
        other.sender_id = "akimat".to_owned();
        bench.register(Item::Sender(Box::new(other)), NOON + 9).await;
        let history = bench.reopened().history(Kind::Sender, "bank".to_owned()).await.unwrap();
        let seen: Vec<_> = history.iter().map(|revision| (revision.revision, revision.at - NOON)).collect();
        assert_eq!(seen, [(1, 0), (2, 1), (3, 2)], "{}", bench.name);
        for (revision, name) in history.iter().zip(["One", "Two", "Three"]) {
            let record: kdp::registry::SenderRecord = serde_json::from_str(&revision.record).unwrap();
            assert!(revision.id == "bank" && record.name == name, "{}", bench.name);
        }
        let latest = bench.store.latest(Kind::Sender).await.unwrap();
        let latest: Vec<_> = latest.iter().map(|last| (last.id.as_str(), last.revision)).collect();
        assert_eq!(latest, [("akimat", 1), ("bank", 3)], "{}", bench.name);
        assert!(bench.store.history(Kind::Entry, "bank".to_owned()).await.unwrap().is_empty());
        assert!(bench.store.latest(Kind::Ground).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_term_that_was_missed_is_journalled_once_and_one_that_was_met_never() {
    for bench in benches() {
        let (missed, met) = (id(NOON), id(NOON));
        for name in [missed, met] {
            bench.register(Item::Incident(incident(&name.to_string())), NOON).await;
            assert_eq!(bench.tasks(name).await, [(Task::Overdue, NOON + DAY + 12 * HOUR)], "{}", bench.name);
        }
        let notified = Incident { notified_at: Some(NOON + HOUR), ..incident(&met.to_string()) };
        bench.register(Item::Incident(notified), NOON + HOUR).await;
        assert!(bench.tasks(met).await.is_empty(), "{}: the authorised body was told", bench.name);
        let due = bench.due(NOON + 2 * DAY).await;
        assert_eq!(due.iter().map(|job| job.request).collect::<Vec<_>>(), [missed], "{}", bench.name);
        for _ in 0..2 {
            let record = Record { request: Some(missed), ..record(NOON + 2 * DAY, "overdue") };
            bench.store.overdue(due[0].id, record).await.unwrap();
        }
        assert_eq!(
            bench.journal().iter().filter(|outcome| *outcome == "overdue").count(),
            1,
            "{}",
            bench.name
        );
        assert!(bench.due(i64::MAX).await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test]
async fn the_decisions_about_an_initiator_are_told_in_order_with_the_tokens_they_led_to() {
    for bench in benches() {
        let decided = |at, outcome: Reason| Record {
            kind: "decision",
            decision: Some(id(at)),
            ..record(at, outcome.code())
        };
        let refused = decided(NOON, Reason::OvtDate);
        bench.store.note(refused.clone()).await.unwrap();
        let ask = Ask { method: Method::Proactive, phone: None, ..Ask::default() };
        let proof = Proof::new(1, None);
        let granted = decided(NOON + 10, Reason::Granted);
        let granting = proof.granting(&ask, NOON + 10);
        let Granted::New(request) = bench.store.grant(granting, granted.clone()).await.unwrap() else {
            panic!("it is new")
        };
        // Of another sender, of no decision, and no decision at all.
        let foreign = Record { sender: "akimat".to_owned(), ..decided(NOON + 20, Reason::Granted) };
        bench.store.note(foreign).await.unwrap();
        bench.store.note(Record { decision: None, ..decided(NOON + 30, Reason::Granted) }).await.unwrap();
        bench.store.note(Record { kind: "look", ..decided(NOON + 40, Reason::Granted) }).await.unwrap();
        let found = bench.store.decided("bank".to_owned(), NOON).await.unwrap();
        let told: Vec<_> = found.iter().map(|d| (d.at - NOON, d.decision, d.outcome.as_str())).collect();
        let expected = [(0, refused.decision, "ovt-date"), (10, granted.decision, "granted")];
        assert_eq!(told, expected, "{}", bench.name);
        assert!(found[0].request.is_none(), "{}", bench.name);
        let led = found[1].request.as_ref().unwrap();
        assert!(led.id == request.id && led.method == 3 && led.services == ["A", "B"], "{}", bench.name);
        assert_eq!((led.token, led.directory.as_deref()), (request.token.map(|token| token.jti), None));
        for (since, count) in [(NOON + 1, 1), (NOON + 10, 1), (NOON + 11, 0), (0, 2)] {
            let found = bench.store.decided("bank".to_owned(), since).await.unwrap();
            assert_eq!(found.len(), count, "since {since} on {}", bench.name);
        }
    }
}

#[tokio::test]
async fn the_figures_of_a_period_count_what_each_initiator_did_in_it() {
    for bench in benches() {
        bench.register(Item::Sender(Box::new(sender("One"))), NOON - 1).await;
        let decision = |at, outcome: &str| Record { kind: "decision", ..record(at, outcome) };
        for (at, outcome) in [(NOON, "granted"), (NOON + 1, "granted"), (NOON + 2, "ovt-date")] {
            bench.store.note(decision(at, outcome)).await.unwrap();
        }
        // Answered after one and after three seconds, and not at all.
        for (n, answer) in [(1, Some((1000, Event::No))), (2, Some((3000, Event::Yes))), (3, None)] {
            let request = bench.waiting(&Ask::of(n), NOON).await;
            if let Some((after, event)) = answer {
                let yes = event == Event::Yes;
                bench.event(request.id, event, NOON + after).await;
                if yes {
                    bench.collect(request.id, NOON + after).await;
                }
            }
        }
        let mut tokens = Vec::new();
        for services in ["A", "B", "C", "D"] {
            let ask = Ask { services, ..Ask::default() };
            let request = bench.granted(&ask, MONTHS, NOON).await;
            bench.filed(&request, NOON + HOUR).await;
            tokens.push(request);
        }
        let filed = bench.store.open_applications(bin(1), None, 10, NOON + HOUR).await.unwrap().applications;
        bench.solved(filed[0].id, Decision::Approve, NOON + DAY).await;
        bench.solved(filed[1].id, refusal(), NOON + DAY).await;
        bench.granted(&Ask { bin: 2, ..Ask::default() }, 600, NOON).await;
        for at in [NOON + HOUR, NOON + 2 * HOUR] {
            bench.check(look(&tokens[3], at), at).await;
        }
        bench.store.note(decision(END, "granted")).await.unwrap();
        bench.check(look(&tokens[3], END + 3 * DAY), END + 3 * DAY).await;
        let all = bench.store.figures(NOON, END + DAY).await.unwrap();
        assert_eq!(all.len(), 2, "{}", bench.name);
        let bank = all.iter().find(|figures| figures.bin == bin(1).as_str()).unwrap();
        assert_eq!(bank.requests, [3, 4, 0, 0, 0], "{}", bench.name);
        assert_eq!(bank.outcomes, [("granted".to_owned(), 3), ("ovt-date".to_owned(), 1)], "{}", bench.name);
        assert_eq!(bank.waits, [1000, 3000], "{}", bench.name);
        // Two were neither approved nor refused, and their terms ended within the period.
        let counted = Revocations { filed: 4, approved: 1, refused: 1, lapsed: 2, open: 0 };
        assert_eq!((bank.revocations, bank.checks), (counted, 2), "{}", bench.name);
        let first_day = bench.store.figures(NOON, NOON + DAY).await.unwrap();
        let bank = first_day.iter().find(|figures| figures.bin == bin(1).as_str()).unwrap();
        assert_eq!((bank.revocations.open, bank.revocations.lapsed), (2, 0), "{}", bench.name);
        assert_eq!(bank.outcomes[0], ("granted".to_owned(), 2), "{}: the end is outside", bench.name);
        assert!(bench.store.figures(NOON + 1, NOON + 1).await.unwrap().is_empty(), "{}", bench.name);
    }
}
