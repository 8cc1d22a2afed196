//! Many at once: what must happen once happens once, and nobody gains by haste.

use super::bench::{Ask, Bench, Disk, NOON, Proof, benches, phone, record, said, sqlite, token};
use kdp::consent::method::Method;
use kdp::consent::{Consent, Event};
use kdp::store::seal::one_time_code;
use kdp::store::{Applied, Change, Granted, Heard, Opened, StoreError};
use kdp::text::Reason;
use std::collections::HashSet;
use std::future::Future;
use tokio::task::JoinSet;

const CROWD: usize = 200;

/// Does it so many times at once, and answers with what came of each.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    each: impl Fn(usize) -> F,
) -> Vec<T> {
    let mut crowd: JoinSet<T> = (0..CROWD).map(each).collect();
    let mut results = Vec::new();
    while let Some(result) = crowd.join_next().await {
        results.push(result.unwrap());
    }
    results
}

async fn guess(bench: &Bench, id: kdp::random::Id, codes: Vec<String>) -> Vec<(Consent, bool)> {
    at_once(|n| {
        let (store, code) = (bench.store.clone(), codes[n % codes.len()].clone());
        async move {
            let change = store.change(id, Change::Code(code), record(NOON + 1, "code"));
            let (request, applied) = change.await.unwrap().unwrap();
            (request.consent, applied == Applied::Yes)
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_wrong_guesses_gain_no_try() {
    for bench in benches() {
        let request = bench.waiting(&Ask::by_code(), NOON).await;
        let right = one_time_code(&*bench.seal, &request);
        let wrong: Vec<String> =
            (0..CROWD).map(|n| format!("{n:06}")).filter(|code| *code != right).collect();
        let results = guess(&bench, request.id, wrong).await;
        assert_eq!(results.iter().filter(|(_, counted)| *counted).count(), 3, "{}", bench.name);
        assert_eq!(results.iter().filter(|(consent, _)| consent.is_live()).count(), 2);
        assert!(!bench.consent(request.id).await.is_live());
        assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "code").count(), 3);
        assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "code ignored").count(), CROWD - 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_right_code_among_many_wrong_ones_wins_only_within_three_tries() {
    for bench in benches() {
        for round in 0..10 {
            let request = bench.waiting(&Ask { iin: round, ..Ask::by_code() }, NOON).await;
            let right = one_time_code(&*bench.seal, &request);
            let mut codes: Vec<String> =
                (0..CROWD).map(|n| format!("{n:06}")).filter(|code| *code != right).collect();
            codes.insert(usize::try_from(round).unwrap() % 5, right);
            let results = guess(&bench, request.id, codes).await;
            let counted: Vec<_> = results.iter().filter(|(_, counted)| *counted).collect();
            let won = counted.iter().any(|(consent, _)| matches!(consent, Consent::Agreed { .. }));
            assert!(counted.len() <= 3, "{}: {} tries", bench.name, counted.len());
            let end = bench.consent(request.id).await;
            assert!(
                if won { matches!(end, Consent::Agreed { .. }) } else { !end.is_live() },
                "{}",
                bench.name
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_collect_one_makes_the_token_and_all_get_it() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        bench.event(request.id, Event::Yes, NOON).await;
        let results = at_once(|_| {
            let store = bench.store.clone();
            async move {
                let change = store.change(request.id, Change::Collect(token(NOON)), record(NOON, "token"));
                let (request, made) = change.await.unwrap().unwrap();
                (request.token.unwrap().compact, made == Applied::Yes)
            }
        })
        .await;
        assert_eq!(results.iter().filter(|(_, made)| *made).count(), 1, "{}", bench.name);
        let bytes: HashSet<&String> = results.iter().map(|(compact, _)| compact).collect();
        assert_eq!(bytes.len(), 1, "{}: everybody gets the same bytes", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_equal_asks_one_is_opened_and_of_many_equal_grants_one_is_made() {
    for bench in benches() {
        let opened = at_once(|_| {
            let store = bench.store.clone();
            async move {
                let opening =
                    kdp::store::Opening { request: Ask::default().request(NOON), budget: super::bench::WIDE };
                store.open(opening, record(NOON, "waiting")).await.unwrap()
            }
        })
        .await;
        assert_eq!(opened.iter().filter(|o| matches!(o, Opened::New(_))).count(), 1, "{}", bench.name);
        assert_eq!(bench.due(i64::MAX).await.len(), 1, "one SMS");

        let ask = Ask { method: Method::OwnMeans, phone: None, ..Ask::default() };
        let proof = Proof::new(1, Some(1000));
        let granted = at_once(|_| {
            let (store, granting) = (bench.store.clone(), proof.granting(&ask, NOON));
            async move { store.grant(granting, record(NOON, "granted")).await.unwrap() }
        })
        .await;
        let tokens: HashSet<String> = granted
            .iter()
            .map(|granted| match granted {
                Granted::New(request) | Granted::Before(request) => request.token.clone().unwrap().compact,
                Granted::Refused(_) => panic!("{}: it is the same ask", bench.name),
            })
            .collect();
        assert_eq!(tokens.len(), 1, "{}", bench.name);
        assert_eq!(granted.iter().filter(|g| matches!(g, Granted::New(_))).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_delivered_many_times_at_once_answers_once() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        let heard = at_once(|_| {
            let store = bench.store.clone();
            async move { store.hear(said("one", phone(1), "ДА"), record(NOON, "reply")).await.unwrap() }
        })
        .await;
        assert_eq!(heard.iter().filter(|h| **h == Heard::Answered(request.id)).count(), 1, "{}", bench.name);
        assert_eq!(heard.iter().filter(|h| **h == Heard::Again).count(), CROWD - 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unbound_ovt_serves_no_subject_too_many_in_a_crowd() {
    for bench in benches() {
        let proof = Proof::new(1, Some(50));
        let granted = at_once(|n| {
            let ask = Ask {
                method: Method::OwnMeans,
                phone: None,
                iin: u64::try_from(n).unwrap(),
                ..Ask::default()
            };
            let (store, granting) = (bench.store.clone(), proof.granting(&ask, NOON));
            async move { store.grant(granting, record(NOON, "granted")).await.unwrap() }
        })
        .await;
        assert_eq!(granted.iter().filter(|g| matches!(g, Granted::New(_))).count(), 50, "{}", bench.name);
        assert_eq!(
            granted.iter().filter(|g| matches!(g, Granted::Refused(Reason::LimitReached))).count(),
            CROWD - 50
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_waits_for_the_disk_are_shared_and_every_ok_is_on_disk() {
    let bench = sqlite(Disk::Waits);
    let committed = |bench: &Bench, what: &str| -> f64 {
        let text = bench.metrics.text();
        let line = text.lines().find(|l| l.starts_with(&format!("kdp_store_commit_size_{what}"))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let before = (committed(&bench, "count"), committed(&bench, "sum"));
    let seen = at_once(|n| {
        let (store, path) = (bench.store.clone(), bench.path());
        async move {
            let outcome = format!("note {n}");
            store.note(record(NOON, &outcome)).await.unwrap();
            // The answer is there: whoever opens the data now finds it.
            let read = move || -> i64 {
                let connection = rusqlite::Connection::open(path).unwrap();
                let count = "SELECT count(*) FROM journal WHERE outcome = ?1";
                connection.query_row(count, [outcome], |row| row.get(0)).unwrap()
            };
            tokio::task::spawn_blocking(read).await.unwrap()
        }
    })
    .await;
    assert!(seen.iter().all(|count| *count == 1), "answered before it was on disk");
    let (groups, pieces) = (committed(&bench, "count") - before.0, committed(&bench, "sum") - before.1);
    assert!((pieces - 200.0).abs() < 0.5, "{pieces} pieces of work");
    assert!(groups < 100.0, "{groups} commits for 200 pieces of work");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_and_what_was_taken_is_done_when_the_way_is_free() {
    let bench = sqlite(Disk::Waits);
    let blocker = rusqlite::Connection::open(bench.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut crowd = JoinSet::new();
    for n in 0..4000 {
        let store = bench.store.clone();
        crowd.spawn(async move { store.note(record(NOON, &n.to_string())).await });
    }
    // The refusals come at once; what was taken waits for the other writer.
    let mut busy = 0;
    while busy < 1400 {
        match crowd.join_next().await.unwrap().unwrap() {
            Err(StoreError::Busy) => busy += 1,
            other => panic!("while another process writes: {other:?}"),
        }
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    let mut done = 0;
    while let Some(result) = crowd.join_next().await {
        match result.unwrap() {
            Ok(()) => done += 1,
            Err(StoreError::Busy) => busy += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((busy + done, bench.journal().len()), (4000, done));
}
