//! After the sealing key changed, nothing stays sealed by the old one, whenever the work was broken off.

use super::super::bench::{Bench, Disk, NOON, SPANS, id, iin, record, sqlite};
use super::{Ask, story};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::consent::revocation::{Applicant, Rule};
use kdp::incident::Incident;
use kdp::random::SystemRandom;
use kdp::store::asynchronous::Intake;
use kdp::store::register::{Item, Kind, Register as _};
use kdp::store::reseal::{Reseal as _, Resealing};
use kdp::store::revocation::{Contested, Filing};
use kdp::store::seal::column::COLUMNS;
use kdp::store::seal::{KeyFileSeal, number_of};
use kdp::store::sqlite::reseal::{look_again, sealed_by, sealing};
use kdp::store::sqlite::{SqliteStore, Synchronous};
use kdp::store::{Store as _, Sweeping};
use rusqlite::types::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The keys that these tests change to, before that of the bench.
const KEYS: [&str; 2] = ["11", "12"];

/// The same data, opened with keys of these numbers; 1 is the bench's own.
fn opened(bench: &Bench, numbers: &[u32]) -> (SqliteStore, Arc<KeyFileSeal>) {
    let line = |number: &u32| match number {
        1 => format!("1 {}\n", "07".repeat(32)),
        n => format!("{n} {}\n", KEYS[*n as usize - 2].repeat(32)),
    };
    let sealing: String = numbers.iter().map(line).collect();
    let lookup = format!("1 {}", "09".repeat(32));
    let seal = KeyFileSeal::read(&sealing, &lookup, Arc::new(SystemRandom::default())).unwrap();
    let (seal, metrics) = (Arc::new(seal), bench.metrics.store.clone());
    let rules = (SPANS, Rule::default());
    let store = SqliteStore::open(&bench.path(), Synchronous::Full, seal.clone(), rules, metrics).unwrap();
    (store, seal)
}

/// A database in which every sealed column holds something.
async fn full() -> Bench {
    let bench = sqlite(Disk::Waits);
    story(&bench).await;
    let granted = bench.granted(&Ask::default(), 600, NOON).await;
    let contested = Contested::Token(granted.token.unwrap().jti);
    let (applicant, comment) = (Applicant::Subject, "жеке".to_owned());
    let filing = Filing { id: id(NOON), contested, iin: iin(1), applicant, comment };
    bench.store.file(filing, record(NOON, "")).await.unwrap();
    bench.register(incident(NOON), NOON).await;
    let bytes = |text: &str| zeroize::Zeroizing::new(text.as_bytes().to_vec());
    let intake = Intake {
        id: id(NOON),
        sender: "bank".to_owned(),
        correlation_id: Some("chain".to_owned()),
        message_id: String::new(),
        asked: bytes("ask"),
        message: bytes("ask, kept"),
        most: 1,
    };
    bench.store.take(intake, record(NOON, "")).await.unwrap();
    for column in &COLUMNS {
        let there = format!("SELECT count(*) FROM {} WHERE {} IS NOT NULL", column.table, column.column);
        assert!(bench.number(&there) > 0, "{}: nothing in it would be missed", column.name);
    }
    bench
}

fn incident(at: i64) -> Item {
    Item::Incident(Incident {
        id: id(at).to_string(),
        detected_at: at,
        notice_until: at,
        what: "a lost disk".to_owned(),
        persons: None,
        responsible: "security@bank.example".to_owned(),
        notified_at: None,
        closed: None,
    })
}

/// Numbers of the keys that sealed what stands anywhere in the database, in whatever table and column.
fn numbers_anywhere(bench: &Bench) -> BTreeSet<u32> {
    let connection = bench.connection();
    let mut numbers = BTreeSet::new();
    for table in bench.texts("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        let mut rows = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let bytes = match row.get(column).unwrap() {
                    Value::Blob(bytes) => bytes,
                    Value::Text(text) => STANDARD.decode(text).unwrap_or_default(),
                    _ => continue,
                };
                // No other value begins so: ids begin with their time, and the rest are hashes.
                let number = number_of(&bytes).filter(|number| (1..=3).contains(number));
                numbers.extend(number.filter(|_| bytes.len() >= 32));
            }
        }
    }
    numbers
}

async fn reseal(store: &SqliteStore, most: u32) -> Vec<u64> {
    let mut left = Vec::new();
    while let Resealing::Left(more) = store.reseal(most, record(NOON, "")).await.unwrap() {
        left.push(more);
        assert!(left.len() < 1000, "it never ends");
    }
    left
}

#[tokio::test]
async fn everything_is_sealed_anew_by_the_new_key_and_the_old_one_is_needed_no_more() {
    let bench = full().await;
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([1]));
    let (store, _) = opened(&bench, &[2, 1]);
    let journalled = bench.journal().len();
    let left = reseal(&store, 3).await;
    assert!(left.len() > 5 && left[0] > *left.last().unwrap(), "{left:?}");
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([2]));
    let counts = sealed_by(&bench.path(), &mut |_| ()).unwrap();
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [2]);
    let told = bench.journal().split_off(journalled);
    let expected = format!("sealed anew by key 2: {} values, 0 unreadable", counts[&2]);
    assert_eq!(told, ["sealing anew by key 2", &expected]);
    assert_eq!(store.reseal(3, record(NOON, "")).await, Ok(Resealing::Done));
    drop(store);
    let (store, _) = opened(&bench, &[2]);
    assert!(store.accesses(iin(1), 0, i64::MAX, 10).await.unwrap().len() > 1);
    assert!(store.registry().await.unwrap().keys.current(2).is_ok());
    assert_eq!(store.latest(Kind::Incident).await.unwrap().len(), 1);
    assert_eq!(sealing(&bench.path()).unwrap().done, Some(2));
}

#[tokio::test]
async fn it_goes_on_where_it_was_broken_off_and_begins_anew_with_another_key() {
    let bench = full().await;
    let count = usize::try_from(sealed_by(&bench.path(), &mut |_| ()).unwrap()[&1]).unwrap();
    let mut steps = 0;
    // One value a process: each ends after it.
    loop {
        let (store, _) = opened(&bench, &[2, 1]);
        steps += 1;
        match store.reseal(1, record(NOON, "")).await.unwrap() {
            Resealing::Done => break,
            Resealing::Left(_) => assert!(steps < 4 * count + 20, "it begins anew each time"),
        }
    }
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([2]));
    assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "sealing anew by key 2").count(), 1);
    let (store, _) = opened(&bench, &[3, 2]);
    store.reseal(2, record(NOON, "")).await.unwrap();
    let state = sealing(&bench.path()).unwrap();
    assert!(
        state.done.is_none() && state.under_way.is_some_and(|(to, left)| to == 3 && left > 0),
        "{state:?}"
    );
    reseal(&store, 50).await;
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([3]));
}

#[tokio::test]
async fn what_the_old_key_sealed_behind_the_pass_is_found_by_the_next() {
    let bench = full().await;
    let (store, _) = opened(&bench, &[2, 1]);
    while sealed_by(&bench.path(), &mut |_| ()).unwrap().contains_key(&1) {
        store.reseal(1, record(NOON, "")).await.unwrap();
    }
    // A process that has not noticed the new key writes an old row.
    let (stale, _) = opened(&bench, &[1, 2]);
    let hold = Sweeping { phones_before: NOON + 1000 * 86_400_000, persons_before: 0, accesses_before: 0 };
    stale.sweep(hold, record(NOON + 1000 * 86_400_000, "")).await.unwrap();
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([1, 2]));
    reseal(&store, 50).await;
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([2]));
    stale.sweep(hold, record(NOON + 1000 * 86_400_000, "")).await.unwrap();
    look_again(&bench.path()).unwrap();
    reseal(&store, 50).await;
    assert_eq!(numbers_anywhere(&bench), BTreeSet::from([2]));
}

#[tokio::test]
async fn it_ends_although_more_is_written_all_the_time() {
    let bench = full().await;
    let (store, _) = opened(&bench, &[2, 1]);
    for step in 1..100 {
        store.register(incident(NOON + step), 0, record(NOON, "")).await.unwrap();
        if store.reseal(10, record(NOON, "")).await.unwrap() == Resealing::Done {
            return;
        }
    }
    panic!("each piece finds what came after the one before, and it never ends");
}

#[tokio::test]
async fn a_value_that_does_not_open_is_told_and_holds_nothing_up() {
    let bench = full().await;
    let connection = bench.connection();
    let first = "SELECT person FROM access_request WHERE seq = 1";
    let mut person: Vec<u8> = connection.query_row(first, [], |row| row.get(0)).unwrap();
    person[20] ^= 1;
    connection.execute("UPDATE access_request SET person = ?1 WHERE seq = 1", [person]).unwrap();
    let (store, _) = opened(&bench, &[2, 1]);
    reseal(&store, 7).await;
    let counts = sealed_by(&bench.path(), &mut |_| ()).unwrap();
    assert_eq!(counts[&1], 1);
    assert!(bench.journal().last().unwrap().ends_with("1 unreadable"), "{:?}", bench.journal().last());
}

#[tokio::test]
async fn what_a_key_sealed_is_counted_for_good() {
    let bench = full().await;
    let (store, seal) = opened(&bench, &[2, 1]);
    reseal(&store, 50).await;
    store.reseal(50, record(NOON, "")).await.unwrap();
    let counts = sealing(&bench.path()).unwrap().counts;
    let there = sealed_by(&bench.path(), &mut |_| ()).unwrap()[&2];
    assert_eq!(counts.get(&2), Some(&there));
    drop((store, seal));
    let (store, _) = opened(&bench, &[2]);
    store
        .sweep(
            Sweeping { phones_before: NOON + 1000 * 86_400_000, persons_before: 0, accesses_before: 0 },
            record(NOON + 1000 * 86_400_000, ""),
        )
        .await
        .unwrap();
    store.reseal(50, record(NOON, "")).await.unwrap();
    assert!(sealing(&bench.path()).unwrap().counts[&2] > there);
}
