//! On a server: each node has a chain of its own, with heads of its own.

use super::bench::{NOON, postgres, record};
use super::kept::{INSTALLATION, ring};
use kdp::journal::head::Keys;
use kdp::journal::keep;
use kdp::journal::verify::{Break, Found, Task, verify};
use kdp::store::Store;
use kdp::token::key::KeyRing;

async fn found(store: &dyn Store, ring: &KeyRing) -> Found {
    let keys = Keys::of_ring(ring);
    verify(store, Task { keys: &keys, from: 1, known: &[], now: NOON }, |_| {}).await.unwrap()
}

#[tokio::test]
async fn each_node_signs_its_own_chain_and_what_is_changed_past_it_is_found() {
    let Some(bench) = postgres() else { return };
    let (one, two, ring) = (bench.store.clone(), bench.node("two"), ring());
    for n in 0..8 {
        one.note(record(NOON + n, "of one")).await.unwrap();
        two.note(record(NOON + n, "of two")).await.unwrap();
        if n == 5 {
            for node in [&one, &two] {
                keep::sign(&**node, &ring, INSTALLATION, NOON + n).await.unwrap();
            }
        }
    }
    for node in [&one, &two] {
        let found = found(&**node, &ring).await;
        assert_eq!((found.broken, found.records, found.heads), (None, 8, 1));
    }
    let tamper = |sql: &str| bench.database.as_ref().unwrap().run(sql);
    tamper("UPDATE journal SET outcome = 'of nobody' WHERE node = 'two' AND seq = 3");
    let broken = found(&*two, &ring).await.broken;
    assert!(matches!(broken, Some(Break::Changed { seq: 3, .. })), "{broken:?}");
    assert_eq!(found(&*one, &ring).await.broken, None, "the other chain holds");
    tamper("DELETE FROM journal WHERE node = 'one' AND seq > 4");
    assert_eq!(found(&*one, &ring).await.broken, Some(Break::Cut { last: 4, known: 6 }));
    // What is appended then does not close the gap.
    one.note(record(NOON + 9, "of one")).await.unwrap();
    assert!(found(&*one, &ring).await.broken.is_some());
}
