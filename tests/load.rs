//! More load than the service can take, most of it by one hostile sender behind the same gateway: the others are served,
//! steadily, and whoever is refused is told so at once. `cargo bench --bench exchange -- overload` measures it; here the
//! bounds are wide, for the load runs on the same cores.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/asker.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod asker;
#[path = "common/connection.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod connection;
#[path = "load/forger.rs"]
mod forger;
#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod installation;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod process;

use asker::{Asker, subjects};
use connection::Connection;
use installation::{BIN, Installation, SENDER};
use kdp::consent::identity::Bin;
use process::Process;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// How long each load lasts.
const TIME: Duration = Duration::from_secs(5);
/// Connections at which the service works at its capacity.
const CAPACITY: usize = 16;

/// What became of the messages of some connections.
#[derive(Default)]
struct Outcome {
    granted: Vec<Duration>,
    refused: Vec<Duration>,
}

impl Outcome {
    fn of_all(several: Vec<Self>) -> Self {
        let mut all = Self::default();
        for mut one in several {
            all.granted.append(&mut one.granted);
            all.refused.append(&mut one.refused);
        }
        all.granted.sort_unstable();
        all.refused.sort_unstable();
        all
    }

    /// Of those that were granted, how long 99 of a hundred took at most.
    fn p99(&self) -> Duration {
        self.granted[(self.granted.len() * 99 / 100).min(self.granted.len() - 1)]
    }

    fn success(&self) -> f64 {
        let count = |times: &Vec<Duration>| f64::from(u32::try_from(times.len()).unwrap());
        count(&self.granted) / (count(&self.granted) + count(&self.refused))
    }
}

/// Sends the same message again and again, each when the one before was answered.
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn insist(address: SocketAddr, message: &[u8], end: &AtomicBool) -> Outcome {
    let (mut connection, mut outcome) = (Connection::open(address), Outcome::default());
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        let reply = connection.post(message);
        match (reply.status, reply.word(), reply.element("errorCode")) {
            (200, Some("VALID"), _) => outcome.granted.push(began.elapsed()),
            (429 | 503, _, Some("KDP429" | "KDP503")) => {
                assert!(reply.header("retry-after").is_some());
                outcome.refused.push(began.elapsed());
            }
            _ => panic!("{} {}", reply.status, reply.body),
        }
    }
    outcome
}

/// What one connection does until the end.
type Client<'c> = Box<dyn FnOnce(&AtomicBool) -> Outcome + Send + 'c>;

/// So many connections of a sender, each about a subject of its own.
fn honest(address: SocketAddr, series: u32, asker: &Asker, connections: usize) -> Vec<Client<'_>> {
    let one = |uin: String| -> Client<'_> {
        let message = asker.message(&uin);
        Box::new(move |end| insist(address, &message, end))
    };
    subjects(series).take(connections).map(one).collect()
}

/// All connections of these groups at once; what became of each group.
fn load(groups: Vec<Vec<Client<'_>>>) -> Vec<Outcome> {
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = &end;
        let mut running = Vec::new();
        for group in groups {
            running.push(group.into_iter().map(|one| scope.spawn(move || one(end))).collect::<Vec<_>>());
        }
        let (_open, nothing) = channel::<()>();
        let _ = nothing.recv_timeout(TIME);
        end.store(true, Ordering::Relaxed);
        let ended = running.into_iter().map(|own| own.into_iter().map(|one| one.join().unwrap()).collect());
        ended.map(Outcome::of_all).collect()
    })
}

/// Well-formed numbers of organisations.
fn bins() -> impl Iterator<Item = String> {
    let with_control =
        |stem: String| (0..10).map(move |n| format!("{stem}{n}")).find(|n| Bin::parse(n).is_ok());
    (0..1000).filter_map(move |n| with_control(format!("2601401{n:04}")))
}

#[test]
fn at_ten_times_its_capacity_with_one_hostile_sender_the_others_are_served_and_latency_is_steady() {
    let installation = Installation::complete();
    installation.reconfigure("kind = \"direct\"", "kind = \"gateway\"");
    installation.reconfigure(&format!("sender_id = \"{SENDER}\"\n"), "");
    let hostile = Asker::new(&installation);
    let others: Vec<Asker> = bins()
        .filter(|bin| bin != BIN)
        .take(4)
        .map(|bin| {
            let sender = format!("other-{bin}");
            Asker::of(&sender, &bin, &installation.register(&sender, &bin), 0)
        })
        .collect();
    let (service, public, _) = Process::serve(&installation.config());
    let each = || {
        let numbered = (60..).zip(&others);
        numbered.map(|(series, asker)| honest(public, series, asker, CAPACITY / others.len()))
    };
    let alone = Outcome::of_all(load(each().collect()));
    assert!(alone.success() > 0.999, "at its capacity nobody is refused");

    let flood = honest(public, 69, &hostile, 9 * CAPACITY);
    let mut told = load(each().chain([flood]).collect());
    let hostile = told.pop().unwrap();
    let others = Outcome::of_all(told);
    let figures = format!(
        "alone {} granted, p99 {:?}; in the flood {} of {:.1} % granted, p99 {:?}; the hostile sender {} granted, p99 {:?}, \
         {} refused, in {:?} at the median",
        alone.granted.len(),
        alone.p99(),
        others.granted.len(),
        others.success() * 100.0,
        others.p99(),
        hostile.granted.len(),
        if hostile.granted.is_empty() { Duration::ZERO } else { hostile.p99() },
        hostile.refused.len(),
        hostile.refused.get(hostile.refused.len() / 2),
    );
    println!("{figures}");
    assert!(others.success() >= 0.95, "the others are hardly ever refused: {figures}");
    assert!(others.p99() <= 5 * alone.p99() + Duration::from_millis(500), "and wait no longer: {figures}");
    // Of the connections theirs are one of ten.
    let enough = alone.granted.len() / 4;
    assert!(others.granted.len() >= enough, "the flood, nine of ten, does not take their places: {figures}");
    assert!(!hostile.refused.is_empty(), "it is refused what it cannot have: {figures}");
    assert_eq!(service.terminate().code, Some(0));
}
