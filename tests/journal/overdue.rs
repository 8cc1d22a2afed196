//! Who removes heads and chains the journal anew is told by what no head covers in time; who was only away is not.

use super::bench::{Disk, NOON, sqlite_from};
use super::export::{exported_whole, only};
use super::kept::Step::{self, Act, Due, Head, Message};
use super::kept::{INSTALLATION, Kept, ring};
use kdp::journal::exported::{self, FileFlaw, Terms};
use kdp::journal::head::Keys;
use kdp::journal::keep;
use kdp::journal::verify::{Break, Found, GRACE, Task, verify};
use kdp::store::Record;
use kdp::token::key::{KeyRing, Rotation, SigningKey};
use kdp::trust::sign::EcSigner;
use rusqlite::{Connection, params};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A service that decides a message each minute and signs a head each five, until `end`.
fn busy(end: i64) -> Vec<Step> {
    let minute = |n: i64| {
        let head = (n % 5 == 0).then_some(Head(n * MINUTE + 1));
        [Some(Message(n * MINUTE)), head].into_iter().flatten()
    };
    (0..=end / MINUTE).flat_map(minute).collect()
}

async fn found(kept: &Kept, now: i64) -> Found {
    kept.found_at(NOON + now, 1, &[]).await
}

/// Rewrites a record, as whoever has the database would.
async fn rewrite(kept: &Kept, seq: i64) {
    kept.tamper(&format!("UPDATE journal SET outcome = 'refused' WHERE seq = {seq}"));
    kept.rebuild().await;
}

#[tokio::test]
async fn who_removes_all_heads_and_chains_the_journal_anew_is_found_out_before_and_after_the_service_signs_it()
 {
    let kept = Kept::after(&busy(3 * HOUR)).await;
    let last = 181;
    let sound = found(&kept, 3 * HOUR).await;
    assert_eq!((sound.broken, sound.last, sound.heads), (None, last, 37));
    rewrite(&kept, 60).await;
    assert_eq!(found(&kept, 3 * HOUR).await.broken, Some(Break::Rebuilt { from: 57, to: 61 }));
    kept.tamper("DELETE FROM journal_head");
    let all = Some(Break::Unsigned { from: 1, to: last });
    assert_eq!(found(&kept, 3 * HOUR + MINUTE).await.broken, all);
    // The service that runs signs what he made of it.
    kept.step(Head(3 * HOUR + MINUTE)).await;
    assert_eq!(found(&kept, 3 * HOUR + MINUTE).await.broken, all);
    kept.step(Message(3 * HOUR + 2 * MINUTE)).await;
    kept.step(Head(3 * HOUR + 3 * MINUTE)).await;
    assert_eq!(found(&kept, 4 * HOUR).await.broken, all);
}

#[tokio::test]
async fn who_removes_the_heads_from_the_middle_on_is_found_out_there() {
    let kept = Kept::after(&busy(3 * HOUR)).await;
    rewrite(&kept, 60).await;
    kept.tamper("DELETE FROM journal_head WHERE seq >= 60");
    kept.step(Head(3 * HOUR + MINUTE)).await;
    let found_out = found(&kept, 4 * HOUR).await;
    assert_eq!(found_out.broken, Some(Break::Unsigned { from: 57, to: 181 }));
    assert_eq!((found_out.confirmed, found_out.heads), (Some(56), 12), "what is before still holds");
    // Also if the last are left, and nothing was changed.
    kept.restore();
    kept.tamper("DELETE FROM journal_head WHERE seq < 171");
    assert_eq!(found(&kept, 4 * HOUR).await.broken, Some(Break::Unsigned { from: 1, to: 171 }));
}

#[tokio::test]
async fn dating_one_message_far_away_hides_nothing() {
    for (seq, at) in [(1, 20 * HOUR), (1, -9000 * HOUR), (181, 0), (90, 9000 * HOUR), (100, 0)] {
        let kept = Kept::after(&busy(3 * HOUR)).await;
        kept.tamper(&format!(
            "UPDATE journal SET at = {} WHERE seq = {seq}; DELETE FROM journal_head",
            NOON + at
        ));
        kept.rebuild().await;
        kept.step(Head(3 * HOUR + MINUTE)).await;
        let broken = found(&kept, 4 * HOUR).await.broken;
        assert!(matches!(broken, Some(Break::Unsigned { to: 181, .. })), "{seq}, {at}: {broken:?}");
    }
}

#[tokio::test]
async fn an_export_of_it_says_that_it_is_broken() {
    let kept = Kept::after(&busy(3 * HOUR)).await;
    kept.tamper("DELETE FROM journal_head");
    kept.step(Head(3 * HOUR + MINUTE)).await;
    let (found, file) = exported_whole(&kept, 4 * HOUR).await;
    assert_eq!(found.broken, Some(Break::Unsigned { from: 1, to: 181 }));
    let verdict = only(exported::verify(&mut file.as_slice(), Terms::default(), |_| {}).unwrap());
    assert_eq!(verdict.file, Some(FileFlaw::SaysBroken));
}

#[tokio::test]
async fn what_a_service_leaves_that_was_away_is_unbroken() {
    let day = 24 * HOUR;
    let killed_for_days = [busy(HOUR), vec![Message(HOUR + 1), Act(20 * HOUR), Act(21 * HOUR)]].concat();
    let back =
        |at: i64| vec![Head(at), Message(at + 1), Due(at - 9 * HOUR), Due(at - 5 * HOUR), Head(at + MINUTE)];
    let pasts: Vec<(&str, Vec<Step>, i64)> = vec![
        ("killed, and looked at days later", killed_for_days.clone(), 9 * day),
        ("killed, started after a day", [killed_for_days.clone(), back(22 * HOUR)].concat(), day),
        (
            "killed once more before a head",
            [killed_for_days, vec![Head(22 * HOUR), Message(22 * HOUR)]].concat(),
            2 * day,
        ),
        (
            "one message an hour",
            (0..9).flat_map(|n| [Message(n * HOUR), Head(n * HOUR + 5 * MINUTE)]).collect(),
            day,
        ),
        (
            "the head after half an hour of trouble",
            (0..=29).map(|n| Message(n * MINUTE)).chain([Head(day - 1)]).collect(),
            day,
        ),
        ("no key yet, then one", [(-48..0).map(|n| Message(n * HOUR)).collect(), busy(HOUR)].concat(), day),
        (
            "a key that ended, and no other",
            [busy(HOUR), vec![Message(24 * HOUR), Message(30 * HOUR)]].concat(),
            3 * day,
        ),
        ("acts alone", (0..9).map(|n| Act(n * HOUR)).collect(), day),
        (
            "a clock that ran ahead",
            vec![Message(0), Message(9 * HOUR), Message(MINUTE), Head(2 * MINUTE)],
            day,
        ),
        (
            "a clock that ran behind",
            vec![Message(9 * HOUR), Message(0), Message(9 * HOUR + 1), Head(9 * HOUR + 2)],
            day,
        ),
    ];
    for (name, steps, now) in pasts {
        let kept = Kept::after(&steps).await;
        assert_eq!(found(&kept, now).await.broken, None, "{name}");
    }
}

#[tokio::test]
async fn what_waits_for_its_first_head_longer_than_the_grace_is_told_while_the_service_runs() {
    let kept = Kept::after(&[Message(0), Message(GRACE + 1)]).await;
    assert_eq!(found(&kept, 2 * GRACE).await.broken, None, "it may still come");
    assert_eq!(found(&kept, 2 * GRACE + 2).await.broken, Some(Break::Unsigned { from: 1, to: 2 }));
}

/// A database of version 2, with a message an hour for a day, decided while a key signed.
fn second_version() -> super::bench::Bench {
    const FIRST: &str = include_str!("../../src/store/sql/sqlite-001.sql");
    const SECOND: &str = include_str!("../../src/store/sql/sqlite-002.sql");
    sqlite_from(Disk::Hurries, |path, _| {
        let database = Connection::open(path).unwrap();
        database
            .execute_batch(&format!("PRAGMA journal_mode = WAL; {FIRST}; {SECOND}; PRAGMA user_version = 2;"))
            .unwrap();
        for n in 0..20 {
            let sql = "INSERT INTO journal (at, kind, decision, sender, message_id, service, outcome, detail)
                VALUES (?1, 'decision', zeroblob(16), 'bank', '', 'KDP_SERVICE', 'granted', '{}')";
            database.execute(sql, params![NOON + n * HOUR]).unwrap();
        }
    })
}

#[tokio::test]
async fn a_journal_of_an_older_version_is_unbroken_and_its_mark_cannot_be_put_on_what_came_later() {
    let (bench, ring) = (second_version(), ring());
    let keys = Keys::of_ring(&ring);
    let whole = || Task { keys: &keys, from: 1, known: &[], now: NOON + 100 * HOUR };
    let found = async || verify(&*bench.store, whole(), |_| {}).await.unwrap();
    assert_eq!((found().await.broken, found().await.taken_over), (None, 20));
    keep::sign(&*bench.store, &ring, INSTALLATION, NOON + 21 * HOUR).await.unwrap();
    assert_eq!(
        (found().await.broken, found().await.taken_over, found().await.confirmed),
        (None, 20, Some(21))
    );
    // A name of an operator, or a head, before the mark gives the lie to it.
    let (kind, outcome) = ("administration", "chain begun".to_owned());
    for (steps, first) in [(vec![Act(0)], 2), (vec![Message(0), Head(1)], 2)] {
        let kept = Kept::after(&[steps, busy(3 * HOUR)].concat()).await;
        kept.tamper("DELETE FROM journal_head WHERE seq > 1");
        let last = kept.bench.store.journal_end().await.unwrap().seq;
        let (at, detail) = (NOON + 3 * HOUR, format!("{{\"records\":{last}}}"));
        let record = Record { at, kind, outcome: outcome.clone(), detail, ..Record::default() };
        kept.bench.store.note(record).await.unwrap();
        kept.step(Head(3 * HOUR + MINUTE)).await;
        let told = kept.found_at(NOON + 4 * HOUR, 1, &[]).await;
        assert_eq!((told.broken, told.taken_over), (Some(Break::Unsigned { from: first, to: last + 1 }), 0));
    }
}

#[tokio::test]
async fn a_key_that_comes_after_another_leaves_no_time_in_which_heads_may_be_missing() {
    let mut kept = Kept::after(&[]).await;
    let begin = NOON / 1000 + 86_400;
    let rotation = Rotation { lead: 86_400, signs_for: 86_400 };
    let next = kept.ring.rotate(&EcSigner::generate().unwrap(), NOON / 1000, rotation).unwrap();
    assert_eq!(next.window.not_before, begin);
    kept.ring.add(SigningKey::from_record(&next).unwrap()).unwrap();
    for step in [Message(24 * HOUR - MINUTE), Message(25 * HOUR), Head(40 * HOUR)] {
        kept.step(step).await;
    }
    let broken = kept.found_at(NOON + 41 * HOUR, 1, &[]).await.broken;
    assert_eq!(broken, Some(Break::Unsigned { from: 1, to: 2 }));
    // Were there no key then, none could be due.
    kept.ring = KeyRing::new(3600);
    kept.tamper("DELETE FROM journal_head");
    assert_eq!(kept.found_at(NOON + 41 * HOUR, 1, &[]).await.broken, None);
}
