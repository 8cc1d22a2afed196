//! What fails leaves nothing behind, and the store goes on.

use super::bench::{
    Ask, Bench, Disk, NOON, Proof, WIDE, benches, is_limited, new, phone, record, said, services, sqlite,
};
use super::registration::key;
use kdp::consent::method::Method;
use kdp::consent::{Consent, Event};
use kdp::store::{Budget, Change, Granted, Heard, Opening, StoreError};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_verb_that_fails_in_the_middle_leaves_no_trace() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        let journal = bench.journal();
        let version = bench.store.registry_version().await.unwrap();

        bench.seal.fail_after(1);
        let keys = bench.store.keep_keys(vec![key(), key()], record(NOON, "keys")).await;
        assert!(matches!(keys, Err(StoreError::NotCommitted | StoreError::Unreadable(_))), "{keys:?}");
        bench.seal.fail_after(0);
        let yes = said("one", phone(1), "ДА");
        assert!(bench.store.hear(yes.clone(), record(NOON, "reply")).await.is_err());
        let change = bench.store.change(request.id, Change::Event(Event::No), record(NOON, "no")).await;
        assert!(change.is_err());
        assert!(bench.open_as(Ask::of(2).request(NOON), WIDE, NOON).await.is_err());
        let ask = Ask { method: Method::OwnMeans, ..Ask::of(3) };
        let proof = Proof::new(1, None);
        assert!(bench.store.grant(proof.granting(&ask, NOON), record(NOON, "granted")).await.is_err());
        bench.seal.mend();

        assert_eq!(bench.journal(), journal, "{}", bench.name);
        assert_eq!(bench.store.registry_version().await.unwrap(), version);
        assert!(bench.store.registry().await.unwrap().keys.current(2).is_err(), "{}", bench.name);
        assert!(matches!(bench.consent(request.id).await, Consent::Waiting { .. }));
        assert_eq!(bench.due(i64::MAX).await.len(), 1);
        // The same again is not a repeat: it never happened.
        let heard = bench.store.hear(yes, record(NOON, "reply")).await.unwrap();
        assert_eq!(heard, Heard::Answered(request.id), "{}", bench.name);
        assert!(matches!(bench.grant(&proof, &ask, NOON).await, Granted::New(_)));
    }
}

#[tokio::test]
async fn an_ask_that_was_not_stored_costs_no_budget() {
    let budget = Budget { subject: 2, initiator: 100 };
    for bench in benches() {
        let first = Ask::default().request(NOON);
        new(bench.open_as(first.clone(), budget, NOON).await.unwrap());
        for _ in 0..3 {
            // The id is taken: the row cannot be written, after the budget was.
            let twin = kdp::store::AccessRequest { services: services("C"), ..first.clone() };
            assert!(bench.open_as(twin, budget, NOON).await.is_err(), "{}", bench.name);
        }
        new(bench.open(&Ask { services: "D", ..Ask::default() }, NOON).await);
        let third = Ask { services: "E", ..Ask::default() }.request(NOON);
        assert!(is_limited(&bench.open_as(third, budget, NOON).await.unwrap()));
    }
}

/// Asks of many subjects at once, one of whose work panics or fails; which of them were told that all is well.
async fn crowd(bench: &Bench, spoil: impl Fn(&mut Opening, u64)) -> Vec<(u64, Result<(), StoreError>)> {
    let mut crowd = JoinSet::new();
    for iin in 0..100 {
        let mut opening = Opening { request: Ask::of(iin).request(NOON), budget: WIDE };
        spoil(&mut opening, iin);
        let store = bench.store.clone();
        crowd.spawn(async move { (iin, store.open(opening, record(NOON, "waiting")).await.map(|_| ())) });
    }
    crowd.join_all().await
}

/// Whoever was told yes is there, and nobody else; and the store works.
async fn assert_as_told(bench: &Bench, told: &[(u64, Result<(), StoreError>)], what: &str) {
    for (iin, told) in told {
        let there = bench.in_progress(&Ask::of(*iin), NOON).await.is_some();
        assert_eq!(there, told.is_ok(), "{what} on {}: {told:?}", bench.name);
    }
    let stored = told.iter().filter(|(_, told)| told.is_ok()).count();
    assert_eq!(bench.journal().len(), stored, "{what} on {}: one journal record each", bench.name);
    assert_eq!(bench.due(i64::MAX).await.len(), stored, "{what} on {}", bench.name);
    new(bench.open(&Ask::of(1_000_000), NOON).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_piece_of_work_hurts_nobody_else() {
    for bench in benches() {
        bench.seal.panic_once();
        let told = crowd(&bench, |_, _| ()).await;
        let failed: Vec<_> = told.iter().filter(|(_, told)| told.is_err()).collect();
        assert!(
            matches!(failed.as_slice(), [(_, Err(StoreError::NotCommitted))]),
            "{}: {failed:?}",
            bench.name
        );
        assert_as_told(&bench, &told, "a panic").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_after_it_wrote_takes_nothing_half_done_with_it() {
    for bench in benches() {
        let taken = new(bench.open(&Ask::of(5000), NOON).await);
        bench.event(taken.id, Event::Cancel, NOON).await;
        let before = bench.journal().len();
        let told = crowd(&bench, |opening, iin| {
            if iin == 50 {
                opening.request.id = taken.id;
            }
        })
        .await;
        assert!(told.iter().any(|(iin, told)| *iin == 50 && told.is_err()), "{}", bench.name);
        // Those of the same commit may be refused with it; they are told so, and can be repeated.
        for (iin, told) in &told {
            let found = bench.in_progress(&Ask::of(*iin), NOON).await;
            assert_eq!(found.is_some(), told.is_ok(), "{}: {told:?}", bench.name);
        }
        let stored = told.iter().filter(|(_, told)| told.is_ok()).count();
        assert_eq!(bench.journal().len(), before + stored, "{}", bench.name);
        new(bench.open(&Ask::of(1_000_000), NOON).await);
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_its_work_whole() {
    for bench in benches() {
        let opening = Opening { request: Ask::default().request(NOON), budget: WIDE };
        let id = opening.request.id;
        let mut work = bench.store.open(opening, record(NOON, "waiting"));
        let polled =
            std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context))).await;
        drop(polled);
        drop(work);
        bench.store.note(record(NOON, "after")).await.unwrap();
        // Who writes for all goes on without the caller; what a caller writes by itself is undone with it.
        let stored = bench.store.request(id).await.unwrap().is_some();
        assert_eq!(stored, bench.database.is_none(), "{}", bench.name);
        let tasks = bench.tasks(id).await.len();
        assert_eq!(tasks, usize::from(stored), "{}: request and job are one", bench.name);
    }
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_does_not_stop_the_rest() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let bench = sqlite(Disk::Waits);
        let broken = bench.waiting(&Ask::default(), NOON).await;
        let sound = bench.waiting(&Ask::of(2), NOON).await;
        let connection = rusqlite::Connection::open(bench.path()).unwrap();
        connection
            .execute("UPDATE access_request SET person = x'00' WHERE id = ?1", [broken.id.as_bytes()])
            .unwrap();
        let read = bench.store.request(broken.id).await;
        assert!(matches!(read, Err(StoreError::Unreadable("access_request.person"))));
        for (from, id) in [(1, "one"), (1, "one"), (2, "two")] {
            let hear = || bench.store.hear(said(id, phone(from), "ДА"), record(NOON, "reply"));
            // Beside other work, which it must not take down.
            let (heard, noted) = tokio::join!(hear(), bench.store.note(record(NOON, "beside")));
            assert!(noted.is_ok());
            match from {
                1 => assert_eq!(heard, Err(StoreError::Unreadable("access_request.person"))),
                _ => assert_eq!(heard, Ok(Heard::Answered(sound.id))),
            }
        }
    });
}
