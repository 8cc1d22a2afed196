//! A node that is cut off from the database: it says so at once, tells nobody a thing that is not so, and comes back by itself.

#![expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]

#[path = "reach/wire.rs"]
mod wire;

use super::bench::{Ask, Bench, NOON, SPANS, WIDE, new, postgres, record};
use kdp::consent::revocation::Rule;
use kdp::store::postgres::PostgresStore;
use kdp::store::postgres::connect::{Address, Place};
use kdp::store::{Opened, Opening, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use wire::Wire;

/// A call that was let in just before the cut, and hears nothing more, is given up after five seconds.
const FIRST: Duration = Duration::from_secs(8);
const AWAY: StoreError = StoreError::Unusable("database unreachable");

/// A store whose server is reached by these hosts.
fn by(bench: Bench, hosts: &str) -> Bench {
    let url = bench.database.as_ref().unwrap().url_by(hosts);
    let address = Address { url: &url, password_file: None, authorities: None, connections: 8, node: "one" };
    let (place, rules) = (Place::read(&address).unwrap(), (SPANS, Rule::default()));
    let store = PostgresStore::open(&place, bench.seal.clone(), rules, bench.metrics.store.clone()).unwrap();
    Bench { store: Arc::new(store), ..bench }
}

/// A new ask.
async fn ask(bench: &Bench, n: u64) -> Result<(), StoreError> {
    bench.open_as(Ask::of(n).request(NOON), WIDE, NOON).await.map(|opened| drop(new(opened)))
}

/// What came of it, and after how long.
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    (work.await, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_refuses_at_once_and_comes_back_by_itself() {
    let Some(bench) = postgres() else { return };
    let mut wire = Wire::new();
    let bench = by(bench, &wire.address.to_string());
    ask(&bench, 0).await.unwrap();
    wire.cut().await;
    let (first, earliest) = timed(ask(&bench, 1)).await;
    assert!(first == Err(AWAY) && earliest < FIRST, "{first:?} after {earliest:?}");
    // From then on it is known: of whoever asks, nobody waits.
    let ((), all) = timed(async {
        for n in 2..102 {
            assert_eq!(ask(&bench, n).await, Err(AWAY));
            assert_eq!(bench.store.check().await, Err(AWAY), "nor does health, which says so");
        }
    })
    .await;
    assert!(all < Duration::from_secs(1), "200 refusals took {all:?}");
    assert!(bench.metrics.text().contains("database_usable 0"));
    // Longer than what is kept of a connection that nobody answers on.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let (still, waited) = timed(ask(&bench, 102)).await;
    assert!(still == Err(AWAY) && waited < Duration::from_millis(100), "{still:?} after {waited:?}");
    wire.heal();
    let healed = Instant::now();
    while bench.store.check().await.is_err() {
        assert!(healed.elapsed() < Duration::from_secs(2), "it does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let back = healed.elapsed();
    let (opened, took) = timed(ask(&bench, 103)).await;
    opened.unwrap();
    assert!(took < Duration::from_millis(500), "what it had of before is not waited for: {took:?}");
    assert_eq!(bench.number("SELECT count(*) FROM access_request"), 2, "what was refused did not happen");
    println!("first refused after {earliest:?}, 200 more in {all:?}, back {back:?} after the cut was healed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_when_the_wire_is_cut_is_refused_and_not_told_otherwise_than_it_is() {
    let Some(bench) = postgres() else { return };
    let mut wire = Wire::new();
    let bench = by(bench, &wire.address.to_string());
    let mut crowd = JoinSet::new();
    let began = Instant::now();
    for n in 0..200_u64 {
        let (store, request) = (bench.store.clone(), Ask::of(n).request(NOON));
        crowd.spawn(async move {
            tokio::time::sleep(Duration::from_millis(n)).await;
            let opened = store.open(Opening { request, budget: WIDE }, record(NOON, "waiting")).await;
            (n, opened.map(|opened| assert!(matches!(opened, Opened::New(_)))), began.elapsed())
        });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    wire.cut().await;
    let told = crowd.join_all().await;
    let last = told.iter().map(|(.., at)| *at).max().unwrap();
    assert!(last < FIRST, "somebody waited {last:?}");
    wire.heal();
    while bench.store.check().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (mut yes, mut no) = (0, 0);
    for (n, told, _) in told {
        let there = bench.in_progress(&Ask::of(n), NOON).await.is_some();
        *if told.is_ok() { &mut yes } else { &mut no } += 1;
        match told {
            Ok(()) => assert!(there, "{n} was told yes"),
            Err(StoreError::Unknown) => {}
            Err(error) => assert!(!there && error == AWAY, "{n} was told no: {error:?}"),
        }
    }
    assert!(yes > 0 && no > 0, "{yes} told yes, {no} no: the cut was to be in the middle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_keeps_silent_holds_up_nobody() {
    let Some(bench) = postgres() else { return };
    let (mut silent, wire) = (Wire::new(), Wire::new());
    silent.cut().await;
    let hosts = format!("{},{}", silent.address, wire.address);
    let (bench, opening) = timed(async { by(bench, &hosts) }).await;
    let (opened, took) = timed(ask(&bench, 0)).await;
    opened.unwrap();
    let most = Duration::from_secs(1);
    assert!(opening < most && took < most, "opened in {opening:?}, asked in {took:?}");
    bench.store.check().await.unwrap();
}
