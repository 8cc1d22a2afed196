//! Two nodes on one database at the same time: what must happen once happens once, whoever is faster.

use super::bench::{Ask, Bench, NOON, Proof, WIDE, look, postgres, record};
use kdp::consent::method::Method;
use kdp::consent::{Consent, Event};
use kdp::store::seal::one_time_code;
use kdp::store::{Applied, Change, Granted, Lane, Opened, Opening, Store, Task};
use kdp::text::Reason;
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: u64 = 1000;

type Node = Arc<dyn Store>;

/// The same on both nodes at once.
async fn both<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    nodes: &[Node; 2],
    each: impl Fn(Node, usize) -> F,
) -> [T; 2] {
    let [one, two] = [0, 1].map(|n| tokio::spawn(each(nodes[n].clone(), n)));
    [one.await.unwrap(), two.await.unwrap()]
}

fn nodes(bench: &Bench) -> [Node; 2] {
    [bench.store.clone(), bench.node("two")]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ask_opened_on_two_nodes_is_one_request_with_one_job() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    for round in 0..ROUNDS {
        let ask = Ask { bin: round % 7, ..Ask::of(round) };
        let opened = both(&nodes, |node, _| {
            let request = ask.request(NOON);
            let record = kdp::store::Record { request: Some(request.id), ..record(NOON, "waiting") };
            async move { node.open(Opening { request, budget: WIDE }, record).await.unwrap() }
        })
        .await;
        let ([Opened::New(new), Opened::Live(live)] | [Opened::Live(live), Opened::New(new)]) = opened else {
            panic!("round {round}: not one new and one in progress");
        };
        assert_eq!(new.id, live.id, "round {round}");
    }
    let rounds = i64::try_from(ROUNDS).unwrap();
    assert_eq!(bench.number("SELECT count(*) FROM access_request"), rounds);
    assert_eq!(bench.number("SELECT count(*) FROM job WHERE task = 2"), rounds);
    assert_eq!(bench.number("SELECT sum(asked) FROM budget"), 2 * rounds, "each ask was charged once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ovt_used_on_two_nodes_makes_one_token() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    for round in 0..ROUNDS {
        let proof = Proof::formed(NOON);
        // Every second time by two initiators: then there is nothing to repeat.
        let is_same = round % 2 == 0;
        let granted = both(&nodes, |node, n| {
            let bin = if is_same { 1 } else { 1 + n as u64 };
            let ask = Ask { method: Method::OwnMeans, phone: None, bin, ..Ask::of(round) };
            let granting = proof.granting(&ask, NOON);
            async move { node.grant(granting, record(NOON, "granted")).await.unwrap() }
        })
        .await;
        match granted {
            [Granted::New(new), Granted::Before(before)] | [Granted::Before(before), Granted::New(new)]
                if is_same =>
            {
                assert_eq!(new.token.unwrap().compact, before.token.unwrap().compact, "round {round}");
            }
            [Granted::New(_), Granted::Refused(reason)] | [Granted::Refused(reason), Granted::New(_)] => {
                assert!(!is_same && reason == Reason::OvtUsed, "round {round}: {reason:?}");
            }
            _ => panic!("round {round}: not one token"),
        }
    }
    let tokens = bench.number("SELECT count(*) FROM access_request WHERE token IS NOT NULL");
    assert_eq!(tokens, i64::try_from(ROUNDS).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_brought_to_two_nodes_is_accepted_once_and_wrong_ones_are_all_counted() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    for round in 0..ROUNDS {
        let ask = Ask { method: Method::Code, bin: round, ..Ask::of(round) };
        let request = bench.waiting(&ask, NOON).await;
        let right = one_time_code(&*bench.seal, &request);
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let bring = |code: String| {
            both(&nodes, move |node, _| {
                let change = Change::Code(code.clone());
                async move { node.change(request.id, change, record(NOON, "code")).await.unwrap().unwrap() }
            })
        };
        for (_, applied) in bring(wrong.to_owned()).await {
            assert_eq!(applied, Applied::Yes, "round {round}: both were judged");
        }
        let consent = bench.consent(request.id).await;
        assert!(matches!(consent, Consent::Waiting { attempts: 2, .. }), "round {round}: two tries");
        // Every second time the last try is wrong as well: then the right one comes too late on the other node.
        let last = if round % 2 == 0 { right } else { wrong.to_owned() };
        let applied = bring(last).await.map(|(_, applied)| applied);
        let once = applied.iter().filter(|applied| **applied == Applied::Yes).count();
        assert_eq!(once, 1, "round {round}: {applied:?}");
        let agreed = matches!(bench.consent(request.id).await, Consent::Agreed { .. });
        assert_eq!(agreed, round % 2 == 0, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_collected_on_two_nodes_is_one() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    for round in 0..100 {
        let request = bench.waiting(&Ask::of(round), NOON).await;
        assert!(bench.event(request.id, Event::Yes, NOON).await.1);
        let collected = both(&nodes, |node, _| {
            let change = Change::Collect(super::bench::token(NOON));
            async move { node.change(request.id, change, record(NOON, "collect")).await.unwrap().unwrap() }
        })
        .await;
        let tokens = collected.each_ref().map(|(request, _)| request.token.as_ref().unwrap().compact.clone());
        assert_eq!(tokens[0], tokens[1], "round {round}");
        assert_eq!(collected.iter().filter(|(_, applied)| *applied == Applied::Yes).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_back_on_one_node_is_inactive_on_the_other_from_then_on() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    for round in 0..100 {
        let request = bench.granted(&Ask::of(round), 600, NOON).await;
        let cancel = Change::Event(Event::Cancel);
        let (ended, applied) =
            nodes[0].change(request.id, cancel, record(NOON, "cancel")).await.unwrap().unwrap();
        assert!(applied == Applied::Yes && matches!(ended.consent, Consent::Closed { .. }));
        let checked = nodes[1].check_token(look(&request, NOON), record(NOON, "")).await.unwrap().unwrap();
        assert_eq!(checked.status.word(), "not-active", "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_on_in_the_status_list_misses_no_change_of_any_node() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    let mut ids = Vec::new();
    for n in 0..200 {
        ids.push(bench.granted(&Ask::of(n), 600, NOON).await);
    }
    let places: HashSet<u64> = ids.iter().map(|r| r.token.as_ref().unwrap().index.unwrap()).collect();
    let ending = both(&nodes, |node, n| {
        let ids: Vec<_> = ids.iter().skip(n).step_by(2).map(|request| request.id).collect();
        async move {
            let mut crowd = tokio::task::JoinSet::new();
            for id in ids {
                let node = node.clone();
                crowd.spawn(async move {
                    node.change(id, Change::Event(Event::Cancel), record(NOON, "cancel")).await.unwrap()
                });
            }
            crowd.join_all().await.len()
        }
    });
    let reading = async {
        let (mut seen, mut after) = (HashSet::new(), 0);
        while seen.len() < places.len() {
            let changes = bench.store.status_changes(after).await.unwrap();
            seen.extend(changes.entries.iter().map(|(place, _)| *place));
            after = changes.last;
        }
        seen
    };
    let read = tokio::time::timeout(Duration::from_mins(1), reading);
    let (ended, seen) = tokio::join!(ending, read);
    assert_eq!((ended, seen.expect("a change was missed")), ([100, 100], places));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_one_nodes_and_anothers_when_that_node_is_dead() {
    let Some(bench) = postgres() else { return };
    for n in 0..50 {
        bench.open(&Ask::of(n), NOON).await;
    }
    let nodes = [bench.node("one"), bench.node("two")];
    let due = |node: Node| async move {
        let jobs = node.due(Lane::Consent, NOON, 20).await.unwrap();
        jobs.into_iter().filter(|job| job.task != Task::Sweep).map(|job| job.id).collect::<HashSet<_>>()
    };
    let [one, two] = both(&nodes, |node, _| due(node)).await;
    assert!(one.is_disjoint(&two) && one.len() + two.len() >= 38, "{} and {}", one.len(), two.len());
    assert_eq!(due(nodes[0].clone()).await, one, "what is a node's stays its own while it works on it");
    // It lives on for longer than a life lasts that nobody prolongs.
    let [living, dying] = nodes;
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(due(dying.clone()).await.is_disjoint(&one) && due(living.clone()).await.is_superset(&one));
    drop(dying);
    let all = async {
        loop {
            let jobs = living.due(Lane::Consent, NOON, 100).await.unwrap();
            if two.iter().all(|id| jobs.iter().any(|job| job.id == *id)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), all).await.is_ok(), "nobody does them");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_has_a_chain_of_the_journal_without_gaps() {
    let Some(bench) = postgres() else { return };
    let nodes = nodes(&bench);
    both(&nodes, |node, _| async move {
        let mut crowd = tokio::task::JoinSet::new();
        for n in 0..100 {
            let node = node.clone();
            crowd.spawn(async move { node.note(record(NOON, &n.to_string())).await.unwrap() });
        }
        crowd.join_all().await.len()
    })
    .await;
    for node in nodes {
        let records = node.journal(0, 1000).await.unwrap();
        let mut chain = kdp::journal::GENESIS;
        for (seq, record) in (1..).zip(&records) {
            chain = record.entry.link(&chain);
            assert!(record.entry.seq == seq && record.chain == chain, "record {seq}");
        }
        assert_eq!(records.len(), 100);
        let end = node.journal_end().await.unwrap();
        assert!(end.seq == 100 && end.chain == chain);
    }
}
