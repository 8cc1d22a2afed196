//! A database that came back from a server: the chains of other nodes stand beside its own, are signed with it, and verify.

use super::bench::{Bench, Disk, NOON, record, sqlite};
use super::export::{exported_parts, only};
use super::kept::{INSTALLATION, ring};
use kdp::journal::exported::{self, FileFlaw, Terms};
use kdp::journal::head::{self, Head, Keys, Tail};
use kdp::journal::keep;
use kdp::journal::verify::{Break, OfNode, Tasks, verify_all};
use kdp::token::key::KeyRing;

/// Its own chain is that of `one`, whose head says so; those of `three` and `two` came with it.
pub async fn moved() -> (Bench, KeyRing) {
    let (bench, ring) = (sqlite(Disk::Hurries), ring());
    for n in 0..6 {
        bench.store.note(record(NOON + n, "noted")).await.unwrap();
        if n == 3 {
            keep::sign(&*bench.store, &ring, INSTALLATION, NOON + n).await.unwrap();
        }
    }
    let records = bench.store.journal(0, 9).await.unwrap();
    let tail = |node: &str, seq: usize| {
        let (node, chain) = (node.to_owned(), records[seq - 1].chain);
        Tail { node, seq: i64::try_from(seq).unwrap(), chain }
    };
    // What `one` and `two` signed there.
    let head = |node: &str, seq: usize, others: Vec<Tail>| {
        let Tail { node, seq, chain } = tail(node, seq);
        let installation = INSTALLATION.to_owned();
        let head = Head { installation, at: NOON + 3, seq, chain, node: Some(node), renewed: None, others };
        head::sign(&head, ring.current_receipt(NOON / 1000).unwrap()).unwrap().jws
    };
    let (of_one, of_two) = (head("one", 4, vec![tail("three", 5)]), head("two", 2, vec![tail("one", 3)]));
    let columns = "seq, at, kind, operator, decision, sender, message_id, message, service, request, subject,
                   outcome, detail, chain";
    let copy = |node: &str, last: i64| {
        format!(
            "INSERT INTO journal_of_node (node, {columns}) SELECT '{node}', {columns} FROM journal
             WHERE seq <= {last};"
        )
    };
    let sql = format!(
        "{}{}INSERT INTO journal_head_of_node VALUES ('two', 2, {at}, '{of_two}');
         UPDATE journal_head SET jws = '{of_one}';",
        copy("two", 4),
        copy("three", 5),
        at = NOON + 3
    );
    bench.connection().execute_batch(&sql).unwrap();
    (bench, ring)
}

async fn found(bench: &Bench, ring: &KeyRing) -> Vec<OfNode> {
    let keys = Keys::of_ring(ring);
    let tasks = Tasks { keys: &keys, node: None, from: 1, known: &[], now: NOON + 20 };
    verify_all(&*bench.store, &tasks, |_| {}).await.unwrap()
}

fn told(all: &[OfNode]) -> Vec<(&str, Option<Break>, Option<i64>)> {
    all.iter().map(|one| (one.node.as_deref().unwrap(), one.found.broken, one.confirmed())).collect()
}

#[tokio::test]
async fn chains_of_other_nodes_verify_after_a_move_and_are_signed_by_what_goes_on() {
    let (bench, ring) = moved().await;
    let all = found(&bench, &ring).await;
    assert_eq!(told(&all), [("one", None, Some(4)), ("three", None, Some(5)), ("two", None, Some(2))]);
    assert_eq!(all[0].attested, Some(3), "by two");
    keep::sign(&*bench.store, &ring, INSTALLATION, NOON + 10).await.unwrap();
    let all = found(&bench, &ring).await;
    assert_eq!(told(&all), [("one", None, Some(6)), ("three", None, Some(5)), ("two", None, Some(4))]);
    assert_eq!(all[2].attested, Some(4), "by one, which goes on here under its name");
    let decision = bench.texts("SELECT outcome FROM journal_of_node");
    assert_eq!(decision.len(), 9);
}

#[tokio::test]
async fn what_is_done_to_chains_that_stand_still_is_named() {
    let end =
        |node: &str, last: i64| format!("DELETE FROM journal_of_node WHERE node = '{node}' AND seq > {last}");
    let cases = [
        (end("two", 3), "two", Break::Cut { last: 3, known: 4 }),
        (end("three", 0), "three", Break::Gone { known: 5 }),
        (end("two", 0) + "; DELETE FROM journal_head_of_node", "two", Break::Gone { known: 4 }),
        (
            "UPDATE journal SET chain = zeroblob(32) WHERE seq = 6; DELETE FROM journal_head WHERE seq = 6;
             DELETE FROM journal WHERE seq > 2; DELETE FROM journal_head WHERE seq > 4;
             UPDATE journal_head SET seq = 2"
                .to_owned(),
            "one",
            Break::Head { seq: 2, flaw: head::Flaw::Misplaced },
        ),
    ];
    for (sql, node, broken) in cases {
        let (bench, ring) = moved().await;
        keep::sign(&*bench.store, &ring, INSTALLATION, NOON + 10).await.unwrap();
        bench.connection().execute_batch(&sql).unwrap();
        let all = found(&bench, &ring).await;
        let broken_ones: Vec<_> = all.iter().filter(|one| one.found.broken.is_some()).collect();
        let first = broken_ones.iter().find(|one| one.node.as_deref() == Some(node)).unwrap();
        assert_eq!(first.found.broken, Some(broken), "{sql}");
    }
}

#[tokio::test]
async fn an_export_has_the_chain_of_every_node_and_none_can_be_left_out() {
    let (bench, ring) = moved().await;
    keep::sign(&*bench.store, &ring, INSTALLATION, NOON + 10).await.unwrap();
    let (found, file) = exported_parts(&bench, &ring, None).await;
    assert!(found.iter().all(|one| one.found.broken.is_none()), "{found:?}");
    let read = |mut file: &[u8]| exported::verify(&mut file, Terms::default(), |_| {});
    let parts = read(&file).unwrap();
    assert!(parts.iter().all(kdp::journal::exported::Verdict::holds), "{parts:?}");
    let nodes: Vec<_> = parts.iter().map(|part| part.header.node.clone().unwrap()).collect();
    assert_eq!(nodes, ["one", "three", "two"]);
    assert_eq!(parts[0].header.nodes, nodes);
    let counts: Vec<_> = parts.iter().map(|part| part.found.records).collect();
    assert_eq!(counts, [6, 5, 4]);
    // A part is left out: the last, one in between, the first.
    let text = String::from_utf8(file.clone()).unwrap();
    let begins: Vec<_> = text.match_indices("{\"export\":").map(|(at, _)| at).collect();
    let cut = read(&file[..begins[2]]).unwrap();
    assert_eq!(cut.last().unwrap().file, Some(FileFlaw::Unsigned));
    let without_second = [&file[..begins[1]], &file[begins[2]..]].concat();
    assert!(read(&without_second).is_err());
    assert!(read(&file[begins[1]..]).is_err());
    let swapped = [&file[..begins[1]], &file[begins[2]..], &file[begins[1]..begins[2]]].concat();
    assert!(read(&swapped).is_err());
    let more = [&file[..], &file[begins[2]..]].concat();
    assert!(matches!(read(&more).unwrap().last().unwrap().file, Some(FileFlaw::Line(_))));
    // One alone, as it is.
    let (_, file) = exported_parts(&bench, &ring, Some("two")).await;
    let part = only(read(&file).unwrap());
    assert!(part.holds() && part.found.records == 4, "{part:?}");
    assert_eq!(part.header.nodes, ["two"]);
    // What others know and is not there is said by every part.
    bench.connection().execute_batch("DELETE FROM journal_of_node WHERE node = 'three'").unwrap();
    let (found, file) = exported_parts(&bench, &ring, None).await;
    assert!(found.iter().any(|one| one.found.broken == Some(Break::Gone { known: 5 })), "{found:?}");
    let parts = read(&file).unwrap();
    assert!(
        parts.len() == 2 && parts.iter().all(|part| part.file == Some(FileFlaw::SaysBroken)),
        "{parts:?}"
    );
}
