//! Grants by verification token: which are new, which were before, and which are too many (wire.md 5).

use super::bench::{Ask, Bench, Disk, NOON, Proof, benches, sqlite};
use kdp::consent::method::Method;
use kdp::consent::{Consent, Event};
use kdp::store::{AccessRequest, Granted};
use kdp::text::Reason;

fn ask() -> Ask {
    Ask { method: Method::OwnMeans, phone: None, ..Ask::default() }
}

async fn new(bench: &Bench, proof: &Proof, ask: &Ask, at: i64) -> AccessRequest {
    match bench.grant(proof, ask, at).await {
        Granted::New(request) => request,
        Granted::Before(_) => panic!("it was granted before"),
        Granted::Refused(reason) => panic!("refused: {reason:?}"),
    }
}

async fn before(bench: &Bench, proof: &Proof, ask: &Ask, at: i64) -> AccessRequest {
    match bench.grant(proof, ask, at).await {
        Granted::Before(request) => request,
        _ => panic!("it must be the token that was made before"),
    }
}

async fn assert_used(bench: &Bench, proof: &Proof, ask: &Ask, at: i64, what: &str) {
    assert!(
        matches!(bench.grant(proof, ask, at).await, Granted::Refused(Reason::OvtUsed)),
        "{what} on {}",
        bench.name
    );
}

#[tokio::test]
async fn the_same_ask_gets_the_same_token_while_it_is_active_and_none_after_it_ended() {
    for bench in benches() {
        let proof = Proof::new(1, Some(1000));
        let first = new(&bench, &proof, &ask(), NOON).await;
        let token = first.token.unwrap();
        for at in [NOON, NOON + 1, NOON + 599_999] {
            let again = before(&bench, &proof, &Ask { services: "B;A", ..ask() }, at).await;
            assert!(again.id == first.id && again.token.unwrap().compact == token.compact, "{}", bench.name);
        }
        assert_used(&bench, &proof, &ask(), NOON + 600_000, "expired").await;
        // Read anew by another opening of the same data: the memory is on disk.
        let proof = Proof::new(2, Some(1000));
        new(&bench, &proof, &ask(), NOON).await;
        let record = super::bench::record(NOON, "granted");
        let again = bench.reopened().grant(proof.granting(&ask(), NOON), record).await.unwrap();
        assert!(matches!(again, Granted::Before(_)), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_token_given_back_does_not_come_again_by_its_ovt() {
    for bench in benches() {
        let proof = Proof::new(1, None);
        let first = new(&bench, &proof, &ask(), NOON).await;
        assert!(bench.event(first.id, Event::Cancel, NOON + 1).await.1);
        assert_used(&bench, &proof, &ask(), NOON + 2, "cancelled").await;
        new(&bench, &Proof::new(2, None), &ask(), NOON + 3).await;
    }
}

#[tokio::test]
async fn an_ovt_serves_other_services_and_other_subjects_but_no_other_method_or_initiator() {
    for bench in benches() {
        let proof = Proof::new(1, Some(1000));
        let first = new(&bench, &proof, &ask(), NOON).await;
        let second = new(&bench, &proof, &Ask { services: "C", ..ask() }, NOON).await;
        let third = new(&bench, &proof, &Ask { iin: 2, ..ask() }, NOON).await;
        assert!(first.id != second.id && second.id != third.id);
        for services in ["A;B", "C", "D"] {
            let other = Ask { method: Method::Proactive, services, ..ask() };
            assert_used(&bench, &proof, &other, NOON, "another method").await;
            assert_used(&bench, &proof, &Ask { bin: 2, services, ..ask() }, NOON, "another initiator").await;
        }
        let again = before(&bench, &proof, &Ask { services: "C", ..ask() }, NOON).await;
        assert_eq!(again.id, second.id, "{}", bench.name);
        // For a subject that it has not served yet, another method is no reuse.
        new(&bench, &proof, &Ask { method: Method::Proactive, iin: 3, ..ask() }, NOON).await;
    }
}

#[tokio::test]
async fn an_unbound_ovt_serves_a_number_of_subjects_and_each_of_them_again() {
    for bench in benches() {
        let proof = Proof::new(1, Some(3));
        for iin in 1..=3 {
            new(&bench, &proof, &Ask { iin, ..ask() }, NOON).await;
            new(&bench, &proof, &Ask { iin, services: "C", ..ask() }, NOON).await;
        }
        let fourth = Ask { iin: 4, ..ask() };
        assert!(
            matches!(bench.grant(&proof, &fourth, NOON).await, Granted::Refused(Reason::LimitReached)),
            "{}",
            bench.name
        );
        before(&bench, &proof, &Ask { iin: 1, ..ask() }, NOON).await;
        new(&bench, &proof, &Ask { iin: 1, services: "D", ..ask() }, NOON).await;
        new(&bench, &Proof::new(2, Some(3)), &fourth, NOON).await;
        // A bound one is not counted: its only subject was checked before.
        new(&bench, &Proof { subjects: None, ..proof }, &fourth, NOON).await;
        assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "limit-reached").count(), 1);
    }
}

#[tokio::test]
async fn a_thousand_subjects_are_served_by_one_ovt_and_no_more() {
    let bench = sqlite(Disk::Hurries);
    let proof = Proof::new(1, Some(1000));
    for iin in 0..1000 {
        new(&bench, &proof, &Ask { iin, ..ask() }, NOON).await;
    }
    let one_more = bench.grant(&proof, &Ask { iin: 1000, ..ask() }, NOON).await;
    assert!(matches!(one_more, Granted::Refused(Reason::LimitReached)));
}

#[tokio::test]
async fn a_granted_request_is_not_in_progress_and_does_not_stop_an_ask() {
    for bench in benches() {
        let granted = new(&bench, &Proof::new(1, None), &ask(), NOON).await;
        assert!(matches!(bench.consent(granted.id).await, Consent::Granted { .. }));
        super::bench::new(bench.open(&Ask::default(), NOON).await);
        assert!(bench.tasks(granted.id).await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_repeat_costs_the_same_however_many_sets_of_services_an_ovt_has_served() {
    let bench = sqlite(Disk::Hurries);
    let proof = Proof::new(1, None);
    let name = |n: u64| -> &'static str { Box::leak(format!("S{n}").into_boxed_str()) };
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    let now = std::time::Instant::now;
    let mut times = Vec::new();
    for hundred in 0..12 {
        let started = now();
        for n in 0..100 {
            new(&bench, &proof, &Ask { services: name(hundred * 100 + n), ..ask() }, NOON).await;
        }
        times.push(started.elapsed());
    }
    let first = times.iter().take(3).min().unwrap();
    let last = times.iter().rev().take(3).min().unwrap();
    assert!(*last < *first * 4, "the writing thread serves everybody: {times:?}");
}
