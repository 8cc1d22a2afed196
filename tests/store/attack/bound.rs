//! What one piece of work touches is bounded, and what it looks for is found by an index: the writing thread serves
//! everybody. None of this is measured in time.

use super::super::bench::{Ask, Disk, NOON, record, sqlite};
use super::super::revocation::{DAY, MONTHS};
use super::{Bench, sweep};
use std::time::Duration;

const TOKEN: &str = include_str!("../../../src/store/sqlite/token.rs");
const ASYNCHRONOUS: &str = include_str!("../../../src/store/sqlite/asynchronous.rs");
const ERASE: &str = include_str!("../../../src/store/sqlite/erase.rs");
const REGISTRATION: &str = include_str!("../../../src/store/sqlite/registration.rs");
const SUBJECT: &str = include_str!("../../../src/store/sqlite/subject.rs");

/// Tables that the sweep shortens: what dates their rows, and a row of that date.
const SWEPT: [(&str, &str, &str); 5] = [
    ("ovt_use", "until", "?1 / 1000, randomblob(32), i, randomblob(16), randomblob(16)"),
    ("status_change", "ends", "NULL, i, 1, ?1"),
    ("heard_sms", "at", "hex(randomblob(16)), ?1"),
    ("message", "at", "'bank', hex(randomblob(16)), randomblob(32), ?1"),
    ("budget", "day", "randomblob(16), ?1 / 86400000, 1"),
];

fn fill(bench: &Bench, table: &str, row: &str, count: i64, at: i64) {
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         INSERT INTO {table} SELECT {row} FROM n"
    );
    assert_eq!(bench.connection().execute(&sql, [at, count]), Ok(usize::try_from(count).unwrap()));
}

#[tokio::test]
async fn a_piece_of_the_sweep_deletes_a_bounded_number_of_rows_of_each_table_and_says_whether_there_is_more()
{
    let now = NOON + 10 * DAY;
    for (table, _, row) in SWEPT {
        let bench = sqlite(Disk::Hurries);
        fill(&bench, table, row, 1001, NOON);
        fill(&bench, table, row, 7, now);
        let left = || bench.number(&format!("SELECT count(*) FROM {table}"));
        for (more, rows) in [(true, 508), (true, 8), (false, 7), (false, 7)] {
            assert_eq!((sweep(&bench, now).await, left()), (more, rows), "{table}");
        }
    }
}

/// The statement in the source that begins so, to the end of its literal.
fn statement(source: &str, beginning: &str) -> String {
    let begins = source.find(beginning).unwrap_or_else(|| panic!("no statement begins so: {beginning}"));
    let text = &source[begins..];
    let text = &text[..text.find('"').unwrap()];
    text.replace("{}", "*").replace("{ERASE}", "keeps = 0")
}

/// How the database goes about a statement.
fn plan(bench: &Bench, sql: &str) -> Vec<String> {
    let connection = bench.connection();
    let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nothing = vec![rusqlite::types::Null; explained.parameter_count()];
    let steps = explained.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_grows_with_the_years_is_found_by_an_index_and_never_gone_through_or_sorted() {
    let bench = sqlite(Disk::Hurries);
    let requests = "SELECT {} FROM access_request WHERE ";
    let statements = [
        // A suspension marks all tokens of a BIN, a block all of a subject: in pages, from where the last one ended.
        (TOKEN, format!("{requests}bin = ?1 AND seq"), "access_request_bin (bin=? AND rowid>?)"),
        (TOKEN, format!("{requests}subject = ?1 AND idx"), "access_request_subject (subject=?)"),
        // And looks up for each of them whether its sender is suspended, or its subject blocked.
        (REGISTRATION, "SELECT 1 FROM suspension".to_owned(), "PRIMARY KEY (sender=?)"),
        (SUBJECT, "SELECT since, until FROM hold".to_owned(), "PRIMARY KEY (subject=? AND kind=?)"),
        (SUBJECT, "SELECT coalesce(min(kind), 0) FROM hold".to_owned(), "PRIMARY KEY (subject=?)"),
        // What a sender pushes is counted.
        (
            ASYNCHRONOUS,
            "SELECT count(*) FROM asynchronous WHERE sender".to_owned(),
            "asynchronous_sender (sender=?)",
        ),
        // The sweep.
        (
            ERASE,
            "SELECT seq FROM access_request WHERE keeps".to_owned(),
            "access_request_ended (keeps=? AND ended<?)",
        ),
        (ERASE, format!("{requests}keeps = 2"), "access_request_ended (keeps=? AND ended<?)"),
        (
            ERASE,
            "UPDATE revocation SET person = NULL WHERE request".to_owned(),
            "revocation_request (request=?)",
        ),
        (ERASE, "SELECT id, EXISTS (SELECT 1 FROM hold".to_owned(), "subject_seen (seen<?)"),
    ];
    for (source, beginning, index) in statements {
        let sql = statement(source, &beginning);
        assert_found(&plan(&bench, &sql), index, &sql);
    }
    for (table, column, _) in SWEPT {
        let call = format!("delete(connection, \"{table}\", \"{column} < ?1\"");
        assert!(ERASE.contains(&call), "the sweep does this: {call}");
        let sql = format!("SELECT 1 FROM {table} WHERE {column} < ?1 LIMIT 500");
        assert_found(&plan(&bench, &sql), &format!("({column}<?)"), &sql);
    }
}

fn assert_found(plan: &[String], index: &str, sql: &str) {
    let bounded = plan.iter().all(|step| !step.starts_with("SCAN") && !step.contains("TEMP B-TREE"));
    assert!(bounded && plan.iter().any(|step| step.contains(index)), "{sql}\n{plan:#?}");
}

#[tokio::test]
async fn nobody_waits_for_a_sweep_while_a_long_reader_holds_it_up() {
    let bench = sqlite(Disk::Waits);
    bench.granted(&Ask::default(), MONTHS, NOON).await;
    let reader = bench.connection();
    reader.execute_batch("BEGIN").unwrap();
    let journal =
        || reader.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = journal();
    bench.store.note(record(NOON, "written after the reader began")).await.unwrap();
    // Another program that writes and is less patient than a sweep that waits for its readers would be.
    let other = bench.connection();
    other.busy_timeout(Duration::from_secs(2)).unwrap();
    let store = bench.store.clone();
    let sweeping = kdp::store::Sweeping { phones_before: 0, persons_before: 0, accesses_before: 0 };
    let sweep_now = tokio::spawn(async move { store.sweep(sweeping, record(NOON, "sweep")).await });
    while !sweep_now.is_finished() {
        other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").expect("the sweep holds nobody up");
        tokio::task::yield_now().await;
    }
    assert_eq!(sweep_now.await.unwrap(), Ok(false), "the pages are left to the next sweep");
    bench.store.note(record(NOON, "written after the sweep")).await.unwrap();
    assert_eq!(journal(), before, "the reader reads on");
    let log = || bench.directory.path().join("kdp.db-wal").metadata().unwrap().len();
    assert!(log() > 0);
    reader.execute_batch("COMMIT").unwrap();
    assert!(!sweep(&bench, NOON).await);
    assert_eq!(log(), 0, "which empties the log");
}
