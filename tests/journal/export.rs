//! An export: whole in itself, without persons, and with every change of it named.

use super::bench::{NOON, iin};
use super::kept::{INSTALLATION, Kept};
use kdp::journal::export::{ExportError, Order, export};
use kdp::journal::exported::{self, FileFlaw, Unreadable, Verdict};
use kdp::journal::head::Keys;
use kdp::journal::verify::Break;
use kdp::token::statement::{StatementError, jwks};

fn order(from: i64, to: i64) -> Order {
    Order {
        installation: INSTALLATION.to_owned(),
        by: "auditor".to_owned(),
        at: NOON,
        from: NOON + from,
        to: NOON + to,
    }
}

async fn exported(kept: &Kept, from: i64, to: i64) -> Vec<u8> {
    let mut file = Vec::new();
    export(&*kept.bench.store, &kept.ring, &order(from, to), &mut file, |_| {}).await.unwrap();
    file
}

fn verified(mut file: &[u8]) -> Result<Verdict, Unreadable> {
    exported::verify(&mut file, None, |_| {})
}

#[tokio::test]
async fn an_export_holds_with_nothing_but_itself_and_goes_on_to_the_next_head() {
    let kept = Kept::new().await;
    let file = exported(&kept, 3, 7).await;
    let verdict = verified(&file).unwrap();
    assert!(verdict.holds(), "{verdict:?}");
    let found = verdict.found;
    assert_eq!((found.records, found.last, found.heads, found.confirmed), (7, 9, 2, Some(9)));
    assert_eq!((verdict.header.after, verdict.header.exported_by.as_str()), (2, "auditor"));
    assert_eq!(verdict.header.installation, INSTALLATION);
    let given = Keys::of_jwks(&jwks(Keys::of_ring(&kept.ring).set()).to_string()).unwrap();
    let verdict = exported::verify(&mut file.as_slice(), Some(&given), |_| {}).unwrap();
    assert!(verdict.holds() && verdict.heads_by_file == 0);
    let other = Keys::of_ring(&super::kept::ring());
    let verdict = exported::verify(&mut file.as_slice(), Some(&other), |_| {}).unwrap();
    assert_eq!(verdict.file, Some(FileFlaw::Signature(StatementError::KeyUnknown)));
    assert_eq!(verdict.heads_by_file, 2);
    // Of all of it, also what no head covers yet.
    let found = verified(&exported(&kept, 0, 100).await).unwrap().found;
    assert_eq!((found.broken, found.records, found.confirmed), (None, 16, Some(12)));
}

#[tokio::test]
async fn no_person_is_in_an_export() {
    let kept = Kept::new().await;
    let text = String::from_utf8(exported(&kept, 0, 100).await).unwrap();
    for n in 0..3 {
        assert!(!text.contains(iin(n).as_str()));
    }
    assert!(text.contains(r#""subject":1"#));
}

#[tokio::test]
async fn every_change_of_an_export_is_named() {
    let kept = Kept::new().await;
    let file = exported(&kept, 0, 100).await;
    let text = std::str::from_utf8(&file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let of = |lines: &[&str]| verified(lines.concat().as_bytes()).unwrap();
    // Every single byte, by its lowest bit.
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(
            verified(&changed).is_ok_and(|verdict| !verdict.holds()) || verified(&changed).is_err(),
            "{at}"
        );
    }
    // Every line, taken out or doubled.
    for at in 0..lines.len() {
        let without = [&lines[..at], &lines[at + 1..]].concat();
        let doubled = [&lines[..=at], &lines[at..]].concat();
        for changed in [without, doubled] {
            let verdict = verified(changed.concat().as_bytes());
            assert!(verdict.map_or(true, |verdict| !verdict.holds()), "line {at}");
        }
    }
    // Records are named.
    let record =
        |seq: i64| lines.iter().position(|line| line.starts_with(&format!("{{\"record\":{{\"seq\":{seq},")));
    let (second, fifth) = (record(2).unwrap(), record(5).unwrap());
    let broken = |lines: &[&str]| of(lines).found.broken;
    assert_eq!(
        broken(&[&lines[..fifth], &lines[fifth + 1..]].concat()),
        Some(Break::Missing { from: 5, to: 5 })
    );
    let changed = lines[second].replace("granted", "refused");
    let of_second = [&lines[..second], &[changed.as_str()], &lines[second + 1..]].concat();
    assert_eq!(broken(&of_second).map(|broken| (broken.code(), broken.seq())), Some(("changed", 2)));
    // An end that was cut off is that of the file.
    let cut = of(&lines[..lines.len() - 1]);
    assert_eq!((cut.found.broken, cut.file), (None, Some(FileFlaw::Unsigned)));
    let cut = of(&lines[..fifth]);
    assert_eq!((cut.found.broken, cut.file), (None, Some(FileFlaw::Unsigned)));
    let more = [&lines[..], &lines[second..=second]].concat();
    assert!(matches!(of(&more).file, Some(FileFlaw::Line(_))));
}

#[tokio::test]
async fn another_signature_does_not_make_an_export_of_ours() {
    let kept = Kept::new().await;
    let (one, other) = (exported(&kept, 0, 5).await, exported(&kept, 0, 9).await);
    let lines = |file: &[u8]| -> Vec<String> {
        std::str::from_utf8(file).unwrap().split_inclusive('\n').map(str::to_owned).collect()
    };
    let (mut one, other) = (lines(&one), lines(&other));
    *one.last_mut().unwrap() = other.last().unwrap().clone();
    assert_eq!(verified(one.concat().as_bytes()).unwrap().file, Some(FileFlaw::Digest));
    // A head signs nothing but a head.
    let head = other.iter().find(|line| line.starts_with("{\"head\"")).unwrap();
    *one.last_mut().unwrap() = head.replace("{\"head\"", "{\"signature\"");
    let flaw = verified(one.concat().as_bytes()).unwrap().file;
    assert_eq!(flaw, Some(FileFlaw::Signature(StatementError::Kind)));
    assert!(matches!(verified(b"{}\n"), Err(Unreadable::NotExport)));
    assert!(matches!(verified(b""), Err(Unreadable::NotExport)));
}

#[tokio::test]
async fn a_broken_journal_is_exported_and_says_that_it_is() {
    let kept = Kept::new().await;
    kept.tamper("UPDATE journal SET outcome = 'refused' WHERE seq = 6");
    let mut file = Vec::new();
    let found = export(&*kept.bench.store, &kept.ring, &order(0, 100), &mut file, |_| {}).await.unwrap();
    assert_eq!(found.broken.map(|broken| broken.seq()), Some(6));
    let verdict = verified(&file).unwrap();
    assert_eq!((verdict.found.broken, verdict.file), (found.broken, Some(FileFlaw::SaysBroken)));
}

#[tokio::test]
async fn of_a_time_without_records_there_is_no_export() {
    let kept = Kept::new().await;
    let mut file = Vec::new();
    let none = export(&*kept.bench.store, &kept.ring, &order(50, 60), &mut file, |_| {}).await;
    assert!(matches!(none, Err(ExportError::Nothing)) && file.is_empty());
}
