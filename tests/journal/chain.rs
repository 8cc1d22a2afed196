//! Heads, the log's evidence, beginnings, keys of the past, and journals of before there was a chain.

use super::bench::{Disk, NOON, sqlite_from};
use super::kept::{HEADS, INSTALLATION, Kept, RECORDS, ring};
use kdp::journal::GENESIS;
use kdp::journal::head::{Flaw, Keys};
use kdp::journal::keep;
use kdp::journal::verify::{Break, Task, verify};
use kdp::token::statement::StatementError;
use rusqlite::{Connection, params};

#[tokio::test]
async fn who_changes_a_record_and_chains_all_after_it_anew_is_contradicted_by_the_next_head() {
    let kept = Kept::new().await;
    kept.tamper("UPDATE journal SET outcome = 'refused' WHERE seq = 6");
    kept.rebuild().await;
    let found = kept.found().await;
    assert_eq!(found.broken, Some(Break::Rebuilt { from: 5, to: 9 }));
    assert_eq!(found.confirmed, Some(4), "what the head before it covers still holds");
    // Without its heads the chain alone is sound again: then the log of the service tells.
    kept.tamper("DELETE FROM journal_head");
    assert_eq!(kept.found().await.broken, None);
    let logged = [(4, kept.chain(4)), (9, kept.chain(9))];
    assert_eq!(kept.found_from(1, &logged).await.broken, Some(Break::Rebuilt { from: 5, to: 9 }));
    // A head of a key of his own does not help.
    let his = ring();
    keep::sign(&*kept.bench.store, &his, INSTALLATION, NOON).await.unwrap();
    let flaw = Flaw::Statement(StatementError::KeyUnknown);
    assert_eq!(kept.found().await.broken, Some(Break::Head { seq: RECORDS, flaw }));
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_missed_by_its_head_or_by_the_log() {
    let kept = Kept::new().await;
    kept.tamper("DELETE FROM journal WHERE seq > 7");
    let found = kept.found().await;
    assert_eq!(found.broken, Some(Break::Cut { last: 7, known: 12 }));
    kept.tamper("DELETE FROM journal_head WHERE seq > 7");
    assert_eq!(kept.found().await.broken, None);
    let logged = [(12, kept.chain(12))];
    assert_eq!(kept.found_from(1, &logged).await.broken, Some(Break::Cut { last: 7, known: 12 }));
    kept.tamper("DELETE FROM journal");
    assert_eq!(kept.found().await.broken, Some(Break::Cut { last: 0, known: 4 }));
}

#[tokio::test]
async fn a_verification_may_begin_anywhere_and_says_only_what_it_saw() {
    let kept = Kept::new().await;
    for from in 1..=RECORDS {
        let found = kept.found_from(from, &[]).await;
        let heads = HEADS.iter().filter(|head| **head >= from).count();
        assert_eq!(found.broken, None, "{from}");
        assert_eq!(found.records, u64::try_from(RECORDS - from + 1).unwrap());
        assert_eq!(found.heads, u64::try_from(heads).unwrap());
    }
    kept.tamper("UPDATE journal SET outcome = '' WHERE seq = 3");
    assert_eq!(kept.found_from(4, &[]).await.broken, None);
    assert!(kept.found_from(3, &[]).await.broken.is_some());
    let keys = Keys::of_ring(&kept.ring);
    let beyond = Task { keys: &keys, from: RECORDS + 2, known: &[], now: NOON };
    assert!(verify(&*kept.bench.store, beyond, |_| {}).await.is_err());
}

#[tokio::test]
async fn records_numbered_below_the_first_are_put_in() {
    let kept = Kept::new().await;
    kept.tamper(
        "INSERT INTO journal SELECT -5, at, kind, decision, sender, message_id, message, service, request,
        subject, outcome, detail, operator, chain FROM journal WHERE seq = 2",
    );
    assert_eq!(kept.found().await.broken, Some(Break::Inserted { seq: -5 }));
}

#[tokio::test]
async fn a_head_holds_after_its_key_ended_or_was_distrusted_but_not_if_it_was_signed_then() {
    let mut kept = Kept::new().await;
    let kid = kept.ring.keys().first().unwrap().kid().to_owned();
    let distrusted = NOON / 1000 + 3600;
    assert!(kept.ring.distrust(&kid, distrusted));
    assert_eq!(kept.found().await.broken, None, "signed in its time");
    let late = ring_of(&kept);
    keep::sign(&*kept.bench.store, &late, INSTALLATION, (distrusted + 3600) * 1000).await.unwrap();
    assert_eq!(kept.found().await.broken, Some(Break::Head { seq: RECORDS, flaw: Flaw::KeyTime }));
}

/// The same key in the hands of one who does not know of the distrust, or does not care.
fn ring_of(kept: &Kept) -> kdp::token::key::KeyRing {
    let mut records = kept.ring.records().unwrap();
    for record in &mut records {
        record.distrusted_at = None;
    }
    kdp::token::key::KeyRing::from_records(&records, 3600).unwrap()
}

#[tokio::test]
async fn a_head_is_signed_of_what_is_new_and_only_then() {
    let kept = Kept::new().await;
    let heads = || kept.bench.number("SELECT count(*) FROM journal_head");
    assert_eq!(heads(), 3);
    for _ in 0..2 {
        keep::sign(&*kept.bench.store, &kept.ring, INSTALLATION, NOON).await.unwrap();
        assert_eq!(heads(), 4);
    }
    let found = kept.found().await;
    assert_eq!((found.broken, found.confirmed), (None, Some(RECORDS)));
    let never = ring();
    let at = NOON + 2 * 86_400_000;
    kept.bench.store.note(super::bench::record(at, "one more")).await.unwrap();
    assert!(keep::sign(&*kept.bench.store, &never, INSTALLATION, at).await.is_err(), "its key has ended");
}

const FIRST: &str = include_str!("../../src/store/sql/sqlite-001.sql");
const SECOND: &str = include_str!("../../src/store/sql/sqlite-002.sql");

#[tokio::test]
async fn a_journal_of_before_there_was_a_chain_is_chained_as_it_stands() {
    const RECORDS: i64 = 2500;
    let bench = sqlite_from(Disk::Hurries, |path, _| {
        let database = Connection::open(path).unwrap();
        database
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; {FIRST}; {SECOND}; PRAGMA user_version = 2; BEGIN;"
            ))
            .unwrap();
        for n in 1..=RECORDS {
            // Numbers had gaps, and ids of senders held numbers of persons.
            let sql =
                "INSERT INTO journal (seq, at, kind, sender, message_id, service, subject, outcome, detail)
                VALUES (?1, ?2, 'decision', 'bank', ?3, 'KDP_SERVICE', ?4, 'granted', '{}')";
            let message = if n == 7 { "req-800101399015".to_owned() } else { format!("m-{n}") };
            database.execute(sql, params![2 * n, NOON + n, message, n % 5]).unwrap();
        }
        database.execute_batch("COMMIT").unwrap();
    });
    let keys = Keys::default();
    let whole = || Task { keys: &keys, from: 1, known: &[], now: NOON };
    let found = verify(&*bench.store, whole(), |_| {}).await.unwrap();
    // The last one says that the chain begins there.
    assert_eq!((found.broken, found.records, found.last), (None, 2501, RECORDS + 1));
    assert_eq!(found.taken_over, RECORDS, "it is told");
    let seventh = bench.store.journal(6, 1).await.unwrap().pop().unwrap();
    assert_eq!((seventh.entry.at, seventh.entry.message_id.as_str()), (NOON + 7, "req-…"));
    assert_ne!(found.chain, GENESIS);
    bench.store.note(super::bench::record(NOON, "goes on")).await.unwrap();
    let found = verify(&*bench.store, whole(), |_| {}).await.unwrap();
    assert_eq!((found.broken, found.last), (None, RECORDS + 2));
}
