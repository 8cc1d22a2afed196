//! When a service signs: before it begins, by the clock as it is, and before a sandbox moves its clock.

use super::stand::{Connection, NOW, Stand, options};
use kdp::journal::head::Keys;
use kdp::journal::verify::{Break, Task, verify};
use kdp::sandbox;
use std::time::Duration;

const HOUR: i64 = 3_600_000;
/// Longer than it takes until the clock is looked at, and much less than `journal.head_seconds`.
const PATIENCE: Duration = Duration::from_secs(20);

fn request(name: &str) -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/requests/").to_owned() + name).unwrap()
}

fn number(stand: &Stand, sql: &str) -> i64 {
    rusqlite::Connection::open(stand.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_signs_what_the_run_before_it_left_before_anything_else_is_written() {
    let Stand { running, directory, address } = Stand::start().await;
    let ask = request("201-f6-method-1-in-order.PENDING.waiting.xml");
    assert_eq!(Connection::open(address).post(&ask).word(), Some("PENDING"));
    running.stop().await;
    // As kill -9 leaves it.
    let database = rusqlite::Connection::open(directory.path().join("kdp.db")).unwrap();
    database.execute_batch("DELETE FROM journal_head").unwrap();
    let last: i64 = database.query_row("SELECT max(seq) FROM journal", [], |row| row.get(0)).unwrap();
    let running = sandbox::start(options(directory.path()), Some(NOW + 300 * HOUR)).await.unwrap();
    let stand = Stand { running, directory, address };
    assert!(number(&stand, "SELECT max(seq) FROM journal") > last, "what fell due meanwhile was done");
    assert_eq!(number(&stand, "SELECT min(seq) FROM journal_head"), last);
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_moved_breaks_no_journal() {
    let stand = Stand::start().await;
    let message = request("203-f6-method-2-in-order.VALID.xml");
    for _ in 0..3 {
        Connection::open(stand.address).post(&message);
        let moved =
            Connection::open(stand.address).send("POST", "/sandbox/clock", "", br#"{"advance":"P1D"}"#);
        assert_eq!(moved.status, 200, "{}", moved.body);
    }
    Connection::open(stand.address).post(&message);
    // The next head is due by the clock, not when a minute has passed.
    let signed = async {
        while number(&stand, "SELECT (SELECT max(seq) FROM journal) - (SELECT max(seq) FROM journal_head)")
            > 0
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, signed).await.unwrap();
    let app = stand.running.app.clone();
    let keys = Keys::of_ring(&app.registry().keys);
    let whole = || Task { keys: &keys, from: 1, known: &[], now: NOW + 100 * HOUR };
    assert_eq!(verify(&*app.store, whole(), |_| {}).await.unwrap().broken, None);
    // Had it not been signed in between, it would be told.
    rusqlite::Connection::open(stand.database()).unwrap().execute_batch("DELETE FROM journal_head").unwrap();
    let broken = verify(&*app.store, whole(), |_| {}).await.unwrap().broken;
    assert!(matches!(broken, Some(Break::Unsigned { .. })), "{broken:?}");
    stand.running.stop().await;
}
