//! An export: whole in itself, without persons, and with every change of it named.

use super::bench::{Bench, NOON, iin};
use super::kept::{INSTALLATION, Kept, RECORDS};
use kdp::journal::Chain;
use kdp::journal::export::{ExportError, Order, export};
use kdp::journal::exported::{self, FileFlaw, Terms, Unreadable, Verdict};
use kdp::journal::head::Keys;
use kdp::journal::verify::{Break, Found, OfNode};
use kdp::store::seal::hex;
use kdp::token::key::{KeyRing, SigningKey};
use kdp::token::statement::{self, StatementError, jwks};
use serde_json::json;

fn order(from: i64, to: i64) -> Order {
    Order {
        installation: INSTALLATION.to_owned(),
        node: None,
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

/// All of it, `at` milliseconds after noon, and what was found.
pub async fn exported_whole(kept: &Kept, at: i64) -> (Found, Vec<u8>) {
    let (mut file, order) = (Vec::new(), Order { at: NOON + at, ..order(-9_999_999, at) });
    let found = export(&*kept.bench.store, &kept.ring, &order, &mut file, |_| {}).await.unwrap();
    (found[0].found, file)
}

/// All that a database has, of all nodes or of one.
pub async fn exported_parts(bench: &Bench, ring: &KeyRing, node: Option<&str>) -> (Vec<OfNode>, Vec<u8>) {
    let (mut file, node) = (Vec::new(), node.map(str::to_owned));
    let order = Order { node, at: NOON + 20, ..order(-9_999_999, 20) };
    let found = export(&*bench.store, ring, &order, &mut file, |_| {}).await.unwrap();
    (found, file)
}

fn verified(mut file: &[u8]) -> Result<Verdict, Unreadable> {
    exported::verify(&mut file, Terms::default(), |_| {}).map(only)
}

/// Of an export of one chain.
pub fn only(mut verdicts: Vec<Verdict>) -> Verdict {
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
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
    let by = |keys| {
        exported::verify(&mut file.as_slice(), Terms { given: Some(keys), ..Terms::default() }, |_| {})
            .map(only)
    };
    let verdict = by(&given).unwrap();
    assert!(verdict.holds() && verdict.heads_by_file == 0);
    let other = Keys::of_ring(&super::kept::ring());
    let verdict = by(&other).unwrap();
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

/// The same with another line in the place of the first, and signed anew.
fn signed_anew(kept: &Kept, file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(file).unwrap().replacen(from, to, 1);
    let (lines, _) = text.trim_end().rsplit_once('\n').unwrap();
    let lines = format!("{lines}\n");
    let sha256 =
        hex(ring::digest::digest(&ring::digest::SHA256, lines.as_bytes()).as_ref().try_into().unwrap());
    let records = lines.lines().filter(|line| line.starts_with("{\"record\"")).count();
    let claims = json!({ "iss": INSTALLATION, "iat": NOON / 1000, "sha256": sha256, "records": records });
    let key = kept.ring.current_receipt(NOON / 1000).unwrap();
    let jws = statement::issue(statement::EXPORT, &claims, key.signer(), key.kid()).unwrap();
    format!("{lines}{}\n", json!({ "signature": jws })).into_bytes()
}

#[tokio::test]
async fn an_export_that_names_another_installation_than_its_signature_is_refused() {
    let kept = Kept::new().await;
    let file = exported(&kept, 0, 100).await;
    assert!(verified(&signed_anew(&kept, &file, "", "")).unwrap().holds());
    let named = |name: &str| format!("\"installation\":\"{name}\"");
    let of_other = signed_anew(&kept, &file, &named(INSTALLATION), &named("kdp-other"));
    let verdict = verified(&of_other).unwrap();
    assert_eq!((verdict.found.broken, verdict.file), (None, Some(FileFlaw::Installation)));
}

#[tokio::test]
async fn an_export_by_a_distrusted_key_is_refused_whoever_lists_the_key() {
    let mut kept = Kept::new().await;
    let kid = |ring: &KeyRing| vec![ring.current_receipt(NOON / 1000).unwrap().kid().to_owned()];
    let (file, distrusted) = (exported(&kept, 0, 100).await, kid(&kept.ring));
    let keys = Keys::of_ring(&kept.ring);
    for given in [None, Some(&keys)] {
        let terms = Terms { given, distrusted: &distrusted, ..Terms::default() };
        let verdict = only(exported::verify(&mut file.as_slice(), terms, |_| {}).unwrap());
        assert_eq!(verdict.file, Some(FileFlaw::Distrusted));
        let others = kid(&super::kept::ring());
        let terms = Terms { distrusted: &others, ..terms };
        assert!(only(exported::verify(&mut file.as_slice(), terms, |_| {}).unwrap()).holds());
    }
    // What the key signed in its time holds, if another key vouches for it.
    assert!(kept.ring.distrust(&distrusted[0], NOON / 1000 + 3600));
    let next = super::kept::ring();
    let next = SigningKey::from_record(next.records().unwrap().first().unwrap()).unwrap();
    let mut order = order(0, 100);
    order.at += 2 * 3_600_000;
    kept.ring.add(next).unwrap();
    let mut file = Vec::new();
    export(&*kept.bench.store, &kept.ring, &order, &mut file, |_| {}).await.unwrap();
    let terms = Terms { distrusted: &distrusted, ..Terms::default() };
    let verdict = only(exported::verify(&mut file.as_slice(), terms, |_| {}).unwrap());
    assert!(verdict.holds() && verdict.heads_by_file == 3, "{verdict:?}");
}

#[tokio::test]
async fn an_export_is_held_against_heads_that_are_known_from_elsewhere() {
    let kept = Kept::new().await;
    let file = exported(&kept, 3, 7).await;
    let held = |known: &[(i64, Chain)]| {
        only(exported::verify(&mut file.as_slice(), Terms { known, ..Terms::default() }, |_| {}).unwrap())
    };
    let right: Vec<_> = (1..=RECORDS).map(|seq| (seq, kept.chain(seq))).collect();
    let verdict = held(&right);
    assert!(verdict.holds(), "{verdict:?}");
    assert_eq!((verdict.found.heads, verdict.found.known), (2, 8), "no. 2, before the first, to no. 9");
    for seq in 2..=9 {
        let found = held(&[(seq, kept.chain(1))]).found;
        assert!(matches!(found.broken, Some(Break::Rebuilt { to, .. }) if to == seq), "{seq}: {found:?}");
    }
}

#[tokio::test]
async fn a_broken_journal_is_exported_and_says_that_it_is() {
    let kept = Kept::new().await;
    kept.tamper("UPDATE journal SET outcome = 'refused' WHERE seq = 6");
    let mut file = Vec::new();
    let found = export(&*kept.bench.store, &kept.ring, &order(0, 100), &mut file, |_| {}).await.unwrap();
    let found = found[0].found;
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
