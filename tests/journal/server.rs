//! On a server: each node has a chain of its own, and signs where those of the others end. So whoever takes away, cuts or
//! rewrites what a node left, with all that it signed itself, is contradicted by the others.

use super::bench::{Bench, NOON, benches, postgres, record};
use super::kept::{INSTALLATION, ring};
use kdp::config::Config;
use kdp::journal::head::{self, Head, Keys, Tail};
use kdp::journal::keep::{self, Signed};
use kdp::journal::verify::{Break, Found, OfNode, Task, Tasks, verify, verify_all};
use kdp::serve::{Severity, inspect};
use kdp::store::Store;
use kdp::store::journal::Keeping;
use kdp::store::location::Location;
use kdp::store::seal::hex;
use kdp::token::key::KeyRing;
use std::sync::Arc;

/// Two nodes on one database.
pub struct Pair {
    bench: Bench,
    pub one: Arc<dyn Store>,
    pub two: Arc<dyn Store>,
    pub ring: KeyRing,
}

impl Pair {
    fn new() -> Option<Self> {
        let bench = postgres()?;
        let (one, two) = (bench.store.clone(), bench.node("two"));
        Some(Self { bench, one, two, ring: ring() })
    }

    /// `one` has four records and signs at the end; `two` has six, signs after the third, and dies.
    pub async fn after_a_death() -> Option<Self> {
        let pair = Self::new()?;
        for n in 0..6 {
            pair.two.note(record(NOON + n, "of two")).await.unwrap();
            if n < 4 {
                pair.one.note(record(NOON + n, "of one")).await.unwrap();
            }
            if n == 2 {
                pair.sign(&*pair.two, n).await;
            }
        }
        assert_eq!(pair.sign(&*pair.one, 10).await, []);
        Some(pair)
    }

    async fn sign(&self, node: &dyn Store, at: i64) -> Vec<Tail> {
        keep::sign(node, &self.ring, INSTALLATION, NOON + at).await.unwrap()
    }

    async fn found(&self) -> Vec<OfNode> {
        self.found_of(None).await
    }

    async fn found_of(&self, node: Option<&str>) -> Vec<OfNode> {
        let keys = Keys::of_ring(&self.ring);
        let tasks = Tasks { keys: &keys, node, from: 1, known: &[], now: NOON + 20 };
        verify_all(&*self.one, &tasks, |_| {}).await.unwrap()
    }

    fn tamper(&self, sql: &str) {
        self.bench.database.as_ref().unwrap().run(sql);
    }

    async fn tail(&self, node: &dyn Store, seq: i64) -> Tail {
        let (name, chain) =
            (node.node().unwrap().to_owned(), node.journal(seq - 1, 1).await.unwrap()[0].chain);
        Tail { node: name, seq, chain }
    }

    /// What the right program would have written, had the records of `two` always been as they are now.
    async fn rebuild_two(&self) {
        let mut chain = kdp::journal::GENESIS;
        for record in self.two.journal(0, 1000).await.unwrap() {
            let seq = record.entry.seq;
            chain = record.entry.link(&chain);
            let value = hex(&chain);
            self.tamper(&format!(
                "UPDATE journal SET chain = decode('{value}', 'hex') WHERE node = 'two' AND seq = {seq};
                 UPDATE journal_end SET chain = decode('{value}', 'hex') WHERE node = 'two' AND seq = {seq}"
            ));
        }
    }

    /// A head of `one` at its record 4 that claims this, by the right key.
    async fn claim(&self, others: Vec<Tail>) {
        let own = self.tail(&*self.one, 4).await;
        let head = Head {
            installation: INSTALLATION.to_owned(),
            at: NOON + 10,
            seq: own.seq,
            chain: own.chain,
            node: Some(own.node),
            renewed: Some(NOON + 11),
            others,
        };
        let signed = head::sign(&head, self.ring.current_receipt(NOON / 1000).unwrap()).unwrap();
        self.tamper(&format!(
            "UPDATE journal_head SET jws = '{}' WHERE node = 'one' AND seq = 4",
            signed.jws
        ));
    }
}

async fn found(store: &dyn Store, ring: &KeyRing) -> Found {
    let keys = Keys::of_ring(ring);
    verify(store, Task { keys: &keys, from: 1, known: &[], now: NOON }, |_| {}).await.unwrap()
}

#[tokio::test]
async fn each_node_signs_its_own_chain_and_what_is_changed_past_it_is_found() {
    let Some(pair) = Pair::new() else { return };
    let Pair { one, two, ring, .. } = &pair;
    for n in 0..8 {
        one.note(record(NOON + n, "of one")).await.unwrap();
        two.note(record(NOON + n, "of two")).await.unwrap();
        if n == 5 {
            for node in [one, two] {
                keep::sign(&**node, ring, INSTALLATION, NOON + n).await.unwrap();
            }
        }
    }
    for node in [one, two] {
        let found = found(&**node, ring).await;
        assert_eq!((found.broken, found.records, found.heads), (None, 8, 1));
    }
    pair.tamper("UPDATE journal SET outcome = 'of nobody' WHERE node = 'two' AND seq = 3");
    let broken = found(&**two, ring).await.broken;
    assert!(matches!(broken, Some(Break::Changed { seq: 3, .. })), "{broken:?}");
    assert_eq!(found(&**one, ring).await.broken, None, "the other chain holds");
    let all = pair.found().await;
    assert_eq!((all[0].found.broken, all[1].found.broken), (None, broken), "also seen from the other node");
    pair.tamper("DELETE FROM journal WHERE node = 'one' AND seq > 4");
    assert_eq!(found(&**one, ring).await.broken, Some(Break::Cut { last: 4, known: 6 }));
    // What is appended then does not close the gap.
    one.note(record(NOON + 9, "of one")).await.unwrap();
    assert!(found(&**one, ring).await.broken.is_some());
}

#[tokio::test]
async fn what_a_dead_node_left_is_signed_by_those_that_live_also_while_they_have_nothing_new() {
    let Some(pair) = Pair::after_a_death().await else { return };
    let all = pair.found().await;
    let names: Vec<_> = all.iter().map(|one| one.node.as_deref().unwrap()).collect();
    assert_eq!(names, ["one", "two"]);
    let (one, two) = (&all[0], &all[1]);
    assert_eq!((one.found.broken, one.found.heads, one.confirmed()), (None, 1, Some(4)));
    assert_eq!(
        (two.found.broken, two.found.confirmed, two.attested, two.claims),
        (None, Some(3), Some(6), 1)
    );
    // More comes out of `two`, and nothing of `one`: its head says so, dated as it was.
    pair.two.note(record(NOON + 11, "of two")).await.unwrap();
    let head = || async { pair.one.heads(0, 9).await.unwrap() };
    let before = head().await;
    assert_eq!(pair.sign(&*pair.one, 12).await, []);
    let after = head().await;
    assert_eq!((before.len(), after.len(), after[0].at), (1, 1, NOON + 10));
    assert_ne!(before, after);
    assert_eq!(pair.found_of(Some("two")).await[0].confirmed(), Some(7));
    // What stands still is not signed anew.
    pair.sign(&*pair.one, 13).await;
    assert_eq!(head().await, after);
}

#[tokio::test]
async fn a_node_without_a_record_of_its_own_signs_for_the_others_all_the_same() {
    let Some(pair) = Pair::new() else { return };
    pair.two.note(record(NOON, "of two")).await.unwrap();
    assert_eq!(pair.sign(&*pair.one, 1).await, []);
    pair.two.note(record(NOON + 2, "of two")).await.unwrap();
    assert_eq!(pair.sign(&*pair.one, 3).await, []);
    let two = pair.found_of(Some("two")).await;
    assert_eq!((two[0].found.broken, two[0].confirmed()), (None, Some(2)));
    // Then it begins a chain as ever.
    pair.one.note(record(NOON + 4, "of one")).await.unwrap();
    assert_eq!(pair.sign(&*pair.one, 5).await, []);
    let all = pair.found().await;
    assert!(all.iter().all(|one| one.found.broken.is_none() && one.confirmed() > Some(0)), "{all:?}");
    pair.tamper("UPDATE journal_head SET jws = jws || 'x' WHERE seq = 0");
    assert_eq!(pair.found().await[0].found.broken.unwrap().code(), "head");
}

/// What whoever can write to the database, and has no key, does to `two`.
enum Attack {
    Sql(&'static str),
    /// Changes a record, makes the chain anew, and takes its own heads away.
    Rewrite,
    /// The same, and the node lives and signs.
    RewriteAndSign,
}

#[tokio::test]
async fn what_is_done_to_a_chain_together_with_all_that_its_node_signed_is_named() {
    let cut = "DELETE FROM journal WHERE node = 'two' AND seq > 2;
               DELETE FROM journal_head WHERE node = 'two';
               UPDATE journal_end SET (seq, chain) = (SELECT seq, chain FROM journal WHERE node = 'two' AND seq = 2)
               WHERE node = 'two'";
    let removed = "DELETE FROM journal WHERE node = 'two'; DELETE FROM journal_head WHERE node = 'two';
                   DELETE FROM journal_end WHERE node = 'two'";
    let renamed = "UPDATE journal SET node = 'three' WHERE node = 'two';
                   UPDATE journal_end SET node = 'three' WHERE node = 'two';
                   DELETE FROM journal_head WHERE node = 'two'";
    let attacks = [
        (Attack::Sql(removed), Break::Gone { known: 6 }),
        (
            Attack::Sql(
                "DELETE FROM journal WHERE node = 'two'; DELETE FROM journal_head WHERE node = 'two'",
            ),
            Break::Gone { known: 6 },
        ),
        (Attack::Sql(renamed), Break::Gone { known: 6 }),
        (Attack::Sql(cut), Break::Cut { last: 2, known: 6 }),
        (Attack::Rewrite, Break::Contradicted { from: 1, to: 6 }),
        (Attack::RewriteAndSign, Break::Contradicted { from: 1, to: 6 }),
    ];
    for (attack, broken) in attacks {
        let Some(pair) = Pair::after_a_death().await else { return };
        match attack {
            Attack::Sql(sql) => pair.tamper(sql),
            Attack::Rewrite | Attack::RewriteAndSign => {
                pair.tamper(
                    "UPDATE journal SET outcome = 'of nobody' WHERE node = 'two' AND seq = 5;
                     DELETE FROM journal_head WHERE node = 'two'",
                );
                pair.rebuild_two().await;
                assert_eq!(found(&*pair.two, &pair.ring).await.broken, None, "alone it holds");
                if matches!(attack, Attack::RewriteAndSign) {
                    assert_eq!(pair.sign(&*pair.two, 12).await, []);
                }
            }
        }
        for all in [pair.found().await, pair.found_of(Some("two")).await] {
            let two = all.iter().find(|one| one.node.as_deref() == Some("two")).unwrap();
            assert_eq!(two.found.broken, Some(broken));
            let witness = two.witness.as_ref().unwrap();
            assert_eq!((witness.node.as_deref(), witness.head, witness.at), (Some("one"), 4, NOON + 10));
            assert!(all.iter().all(|one| one.node == two.node || one.found.broken.is_none()));
        }
        // The service that lives says so, and keeps the evidence, however often it signs.
        let lost = vec![Tail { node: "two".to_owned(), seq: 6, ..pair.sign(&*pair.one, 13).await.remove(0) }];
        pair.one.note(record(NOON + 14, "of one")).await.unwrap();
        for at in [14, 15] {
            assert_eq!(pair.sign(&*pair.one, at).await, lost);
        }
        pair.tamper("DELETE FROM journal_head WHERE node = 'one' AND seq = 4");
        let all = pair.found_of(Some("two")).await;
        assert_eq!((all[0].found.broken, all[0].witness.as_ref().unwrap().head), (Some(broken), 5));
    }
}

/// What is told of a chain that is gone with all that named it, by the head of the node that lives.
async fn assert_two_is_missed(pair: &Pair, lost: &[Tail]) {
    assert_eq!((lost.len(), lost[0].node.as_str(), lost[0].seq), (1, "two", 6));
    for all in [pair.found().await, pair.found_of(Some("two")).await] {
        let two = all.iter().find(|one| one.node.as_deref() == Some("two")).unwrap();
        assert_eq!(two.found.broken, Some(Break::Gone { known: 6 }));
    }
}

const REMOVED: &str = "DELETE FROM journal WHERE node = 'two'; DELETE FROM journal_head WHERE node = 'two';
                       DELETE FROM journal_end WHERE node = 'two'";

#[tokio::test]
async fn a_chain_whose_end_is_hidden_first_and_that_is_removed_then_is_missed() {
    let Some(pair) = Pair::after_a_death().await else { return };
    pair.tamper("DELETE FROM journal_end WHERE node = 'two'");
    assert_eq!(pair.sign(&*pair.one, 12).await, [], "its records are there");
    assert_eq!(pair.found_of(Some("two")).await[0].confirmed(), Some(6));
    pair.tamper(REMOVED);
    let lost = pair.sign(&*pair.one, 13).await;
    assert_two_is_missed(&pair, &lost).await;
}

#[tokio::test]
async fn a_running_node_says_again_what_it_signed_when_its_head_is_taken_away_or_an_older_one_put_back() {
    for is_put_back in [true, false] {
        let Some(pair) = Pair::new() else { return };
        let signed = Signed::default();
        let sign = async |at| {
            keep::sign_after(&*pair.one, &pair.ring, INSTALLATION, NOON + at, &signed).await.unwrap()
        };
        pair.one.note(record(NOON, "of one")).await.unwrap();
        assert_eq!(sign(0).await, []);
        let before = pair.one.heads(0, 9).await.unwrap().remove(0).jws;
        for n in 1..7 {
            pair.two.note(record(NOON + n, "of two")).await.unwrap();
        }
        assert_eq!(sign(8).await, []);
        pair.tamper(REMOVED);
        if is_put_back {
            pair.tamper(&format!("UPDATE journal_head SET jws = '{before}' WHERE node = 'one'"));
        } else {
            pair.tamper("DELETE FROM journal_head WHERE node = 'one'");
        }
        for at in [9, 10] {
            assert_two_is_missed(&pair, &sign(at).await).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_warns_of_more_chains_than_there_are_nodes() {
    for bench in benches() {
        let mut config = Config::default();
        let table = if let Some(database) = &bench.database {
            (config.database.url, config.database.node) = (database.url(), "one".to_owned());
            bench.store.note(record(NOON, "of one")).await.unwrap();
            "journal_head"
        } else {
            config.database.url = Location::url_of(&bench.path());
            "journal_head_of_node"
        };
        let told = async || {
            let config = config.clone();
            let problems = tokio::task::spawn_blocking(move || inspect(&config)).await.unwrap();
            problems.into_iter().find(|problem| problem.text.contains(" chains, "))
        };
        for (from, to) in [(2, 16), (17, 17)] {
            assert!(told().await.is_none(), "{}: {from}", bench.name);
            bench.run(&format!(
                "WITH RECURSIVE names (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM names WHERE n < {to})
                 INSERT INTO {table} (node, seq, at, jws) SELECT 'node ' || n, 1, 1, 'x' FROM names"
            ));
        }
        let told = told().await.unwrap();
        assert_eq!(told.severity, Severity::Warning);
        assert!(told.text.starts_with("the journal has 17 chains"), "{}", told.text);
    }
}

#[tokio::test]
async fn a_head_that_claims_what_is_not_so_is_named_with_the_chain_that_it_speaks_of() {
    let Some(pair) = Pair::after_a_death().await else { return };
    let right = pair.tail(&*pair.two, 6).await;
    let cases = [
        (Tail { chain: [1; 32], ..right.clone() }, "two", Break::Contradicted { from: 1, to: 6 }),
        (Tail { seq: 5, ..right.clone() }, "two", Break::Contradicted { from: 1, to: 5 }),
        (Tail { seq: 9, ..right.clone() }, "two", Break::Cut { last: 6, known: 9 }),
        (Tail { node: "three".to_owned(), ..right.clone() }, "three", Break::Gone { known: 6 }),
    ];
    for (claim, node, broken) in cases {
        pair.claim(vec![claim]).await;
        let all = pair.found().await;
        let told = all.iter().find(|one| one.node.as_deref() == Some(node)).unwrap();
        assert_eq!(told.found.broken, Some(broken));
        assert_eq!(told.witness.as_ref().unwrap().at, NOON + 11);
    }
    pair.claim(vec![right]).await;
    assert!(pair.found().await.iter().all(|one| one.found.broken.is_none()));
    // One that says of itself that it is another's.
    pair.tamper("UPDATE journal_head SET node = 'two' WHERE node = 'one' AND seq = 4");
    let two = pair.found_of(Some("two")).await;
    assert_eq!(two[0].found.broken.unwrap().code(), "head");
    assert!(pair.found_of(Some("nobody")).await.is_empty());
}

#[tokio::test]
async fn a_head_that_claims_what_the_database_does_not_have_is_not_kept() {
    let Some(pair) = Pair::after_a_death().await else { return };
    pair.one.note(record(NOON + 11, "of one")).await.unwrap();
    let (own, right) = (pair.tail(&*pair.one, 5).await, pair.tail(&*pair.two, 6).await);
    let signed = |others: Vec<Tail>| {
        let head = Head {
            installation: INSTALLATION.to_owned(),
            at: NOON + 12,
            seq: own.seq,
            chain: own.chain,
            node: Some(own.node.clone()),
            renewed: None,
            others: others.clone(),
        };
        let head = head::sign(&head, pair.ring.current_receipt(NOON / 1000).unwrap()).unwrap();
        Keeping { head, chain: own.chain, claims: others, replaces: None }
    };
    // As a failover would leave it, by which the last records were lost.
    let lost = [Tail { seq: 7, ..right.clone() }, Tail { chain: [1; 32], ..right.clone() }];
    for tail in lost {
        assert!(!pair.one.keep_head(signed(vec![tail])).await.unwrap());
    }
    let other = Keeping { chain: [1; 32], ..signed(vec![right.clone()]) };
    assert!(!pair.one.keep_head(other).await.unwrap());
    let stale = Keeping { replaces: Some("another".to_owned()), ..signed(vec![right.clone()]) };
    assert!(!pair.one.keep_head(stale).await.unwrap());
    assert_eq!(pair.one.journal_end().await.unwrap().head, Some(4));
    assert!(pair.one.keep_head(signed(vec![right.clone()])).await.unwrap());
    assert!(!pair.one.keep_head(signed(vec![right])).await.unwrap(), "there is one");
    assert_eq!(pair.one.journal_end().await.unwrap().head, Some(5));
}
