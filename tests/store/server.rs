//! A server that goes away, refuses or has others in the way: what it said no to has not happened, and nobody is told that it
//! has.

use super::bench::{Ask, Bench, NOON, WIDE, new, postgres, record};
use kdp::store::{Opened, Opening, StoreError};
use std::time::Duration;
use tokio::task::JoinSet;

const END_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// How often runs of a verb ended so.
fn ended(bench: &Bench, verb: &str, outcome: &str) -> u64 {
    let line = format!("store_transactions_total{{verb=\"{verb}\",outcome=\"{outcome}\"}} ");
    let text = bench.metrics.text();
    text.lines().find_map(|found| found.split_once(&line)).map_or(0, |(_, count)| count.parse().unwrap())
}

/// Has the next `times` insertions into the journal end in a failed serialisation.
fn disturb(bench: &Bench, times: u32) {
    bench.database.as_ref().unwrap().run(&format!(
        "CREATE SEQUENCE disturbed;
         CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('disturbed') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '40001'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER disturb BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION disturb();"
    ));
}

#[tokio::test]
async fn a_verb_that_meets_others_is_run_again_and_happens_once() {
    let Some(bench) = postgres() else { return };
    disturb(&bench, 3);
    new(bench.open(&Ask::default(), NOON).await);
    assert_eq!(bench.number("SELECT count(*) FROM access_request"), 1);
    assert_eq!(bench.number("SELECT sum(asked) FROM budget"), 2, "one of the subject, one of the initiator");
    assert_eq!((ended(&bench, "open", "Conflicted"), ended(&bench, "open", "Committed")), (3, 1));
}

#[tokio::test]
async fn a_verb_that_always_meets_others_gives_up_and_has_not_happened() {
    let Some(bench) = postgres() else { return };
    disturb(&bench, 1_000_000);
    let opened = bench.open_as(Ask::default().request(NOON), WIDE, NOON).await;
    assert!(matches!(opened, Err(StoreError::Busy)));
    for table in ["access_request", "budget", "job WHERE task <> 8", "subject"] {
        assert_eq!(bench.number(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert!(ended(&bench, "open", "Conflicted") >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_connections_end_in_the_middle_whoever_was_told_yes_is_there_and_the_store_goes_on() {
    let Some(bench) = postgres() else { return };
    let mut crowd = JoinSet::new();
    for n in 0..400 {
        let (store, request) = (bench.store.clone(), Ask::of(n).request(NOON));
        crowd.spawn(async move {
            tokio::time::sleep(Duration::from_millis(n / 4)).await;
            let opened = store.open(Opening { request, budget: WIDE }, record(NOON, "waiting")).await;
            (n, opened.map(|opened| assert!(matches!(opened, Opened::New(_)))))
        });
    }
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        bench.database.as_ref().unwrap().run(END_ALL);
    }
    let crowd = crowd.join_all().await;
    // The connection by which it was tried may have ended too: then another is in a moment.
    while bench.store.check().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut failed = 0;
    for (n, told) in crowd {
        let there = bench.in_progress(&Ask::of(n), NOON).await.is_some();
        match told {
            Ok(()) => assert!(there, "{n} was told yes"),
            Err(StoreError::Unknown) => failed += 1,
            Err(StoreError::Unusable(cause)) => {
                assert!(!there, "{n} was told no: {cause}");
                failed += 1;
            }
            Err(other) => panic!("{n}: {other:?}"),
        }
        // To repeat it is safe, whatever was told.
        let again = bench.open(&Ask::of(n), NOON).await;
        assert!(matches!(again, Opened::New(_)) != there, "{n}: once");
    }
    assert!(failed > 0, "no connection ended in the middle");
    assert_eq!(bench.number("SELECT count(*) FROM access_request"), 400);
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_not_used_and_is_when_it_does_again() {
    let Some(bench) = postgres() else { return };
    let database = bench.database.as_ref().unwrap();
    let read_only = |on: &str| {
        database.run(&format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {on}', current_database()); END $$"
        ));
        database.run(END_ALL);
    };
    let request = new(bench.open(&Ask::default(), NOON).await);
    read_only("on");
    // As after a failover, whoever is there may be a replica: not even reading is answered by it.
    for _ in 0..3 {
        assert!(matches!(bench.store.request(request.id).await, Err(StoreError::Unusable(_))));
        assert!(matches!(bench.store.note(record(NOON, "note")).await, Err(StoreError::Unusable(_))));
        assert!(matches!(bench.store.check().await, Err(StoreError::Unusable(_))));
    }
    let text = bench.metrics.text();
    assert!(text.contains("database_usable 0"), "{text}");
    database.run(
        "BEGIN READ WRITE; \
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$; \
         COMMIT",
    );
    let usable = async {
        while bench.store.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), usable).await.expect("it comes back by itself");
    assert!(bench.store.request(request.id).await.unwrap().is_some());
}

#[tokio::test]
async fn two_that_create_the_database_at_once_create_it_once() {
    let Some(database) = super::bench::new_database() else { return };
    let place = std::sync::Arc::new(super::bench::whereabouts(&database, "one"));
    let mut both = JoinSet::new();
    for _ in 0..2 {
        let place = place.clone();
        both.spawn_blocking(move || kdp::store::postgres::migrate(&place));
    }
    let made = both.join_all().await;
    assert!(made.contains(&Ok((0, 1))), "{made:?}");
    assert_eq!(kdp::store::postgres::migrate(&place), Ok((1, 1)));
    assert_eq!(database.ask("SELECT count(*) FROM job")[0][0].as_deref(), Some("1"));
}
