//! Exchanges on the large database and on the small one, in turn, at the same light load.

use super::{Options, sample};
use crate::client::{Ask, Client, Issued};
use crate::installation::{Disk, Engine, Installation};
use crate::load::Drive;
use crate::report::middle;
use crate::round::Loaded;
use crate::stand::{Stand, get};
use crate::table::{Table, percentile};
use kdp::trust::outgoing::KeyInfoForm;
use tokio::time::Instant;

/// A kind of exchange.
type Kind = (&'static str, fn(Issued) -> Ask);

/// Pages first: checks and grants make those of the small database longer.
const KINDS: [Kind; 3] = [
    ("page of KDP_PERSONALDATA", |token| Ask::Look(token.iin)),
    ("token check", Ask::Check),
    ("grant, method 2", |token| Ask::Grant(token.iin)),
];

/// What is compared with each other.
struct Trio {
    small: Loaded,
    large: Loaded,
    /// The large one after the system has forgotten its pages; a server keeps some of them itself.
    cold: Option<Cold>,
}

struct Cold {
    loaded: Loaded,
    /// Of the large database in the system's memory before the round, bytes.
    left: f64,
}

pub fn measure(
    table: &mut Table,
    options: &Options,
    small: Installation,
    large: Installation,
) -> (Installation, Installation) {
    let client = Client::new(KeyInfoForm::Certificate);
    let (small, large) = (Stand::start(small, Disk::Full), Stand::start(large, Disk::Full));
    let begun = Instant::now();
    let answer = get(large.address, "/token-status").expect("the service answers");
    let first = begun.elapsed().as_secs_f64() * 1e3;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    table.row("first GET of a status list", format!("{first:.0} ms"), "");
    let drive = Drive { connections: 8, rate: Some(options.rate), keep: 100 };
    for (name, ask) in KINDS {
        let sign = |stand: &Stand, size: usize| {
            let asks: Vec<Ask> = sample::tokens(&stand.installation, size).into_iter().map(ask).collect();
            client.sign(stand, &asks)
        };
        let load = |stand: &Stand, size: usize| Loaded::of(stand, &sign(stand, size), drive);
        let cold = |stand: &Stand| {
            let requests = sign(stand, options.size);
            sample::forget(&stand.installation);
            let left = sample::resident(&stand.installation);
            Cold { loaded: Loaded::of(stand, &requests, drive), left }
        };
        for stand in [&small, &large] {
            load(stand, options.size.div_ceil(4));
        }
        let mut trios = Vec::new();
        for number in 1..=options.rounds {
            eprintln!("round {number} of {}, {name}", options.rounds);
            let is_file = large.installation.engine() == Engine::File;
            trios.push(Trio {
                small: load(&small, options.size),
                large: load(&large, options.size),
                cold: is_file.then(|| cold(&large)),
            });
        }
        report(table, name, options, &trios);
    }
    (small.stop(), large.stop())
}

fn report(table: &mut Table, name: &str, options: &Options, trios: &[Trio]) {
    let Options { rounds, size, rate, .. } = options;
    table.group(&format!("{name}: median of {rounds} rounds of {size}, {rate:.0} a second"));
    let p50 = |loaded: &Loaded| percentile(&loaded.round.latencies, 0.5);
    let p95 = |loaded: &Loaded| percentile(&loaded.round.latencies, 0.95);
    let p99 = |loaded: &Loaded| percentile(&loaded.round.latencies, 0.99);
    let database = |loaded: &Loaded| loaded.each(loaded.database);
    let is_server = trios.iter().any(|t| !t.large.database.is_zero());
    let ratio = |figure: fn(&Loaded) -> f64| middle(trios, |t| figure(&t.large) / figure(&t.small));
    table.row("large ÷ small, latency p50", format!("{:.2}", ratio(p50)), "≤ 1.50");
    table.row("large ÷ small, latency p95", format!("{:.2}", ratio(p95)), "");
    table.row("large ÷ small, CPU of an exchange", format!("{:.2}", ratio(Loaded::cpu)), "≤ 1.50");
    if is_server {
        table.row("large ÷ small, CPU of the database", format!("{:.2}", ratio(database)), "");
    }
    let cold: Vec<(&Loaded, &Cold)> =
        trios.iter().filter_map(|t| Some((&t.small, t.cold.as_ref()?))).collect();
    let mut row = |which: &str, all: &[&Loaded]| {
        let [p50, p95, p99] = [p50, p95, p99].map(|figure| middle(all, |loaded| figure(loaded)));
        table.row(&format!("  {which}: p50, p95, p99"), format!("{p50:.2}, {p95:.2}, {p99:.1} ms"), "");
        table.row(&format!("  {which}: CPU"), format!("{:.0} µs", middle(all, |loaded| loaded.cpu())), "");
        if is_server {
            let cpu = middle(all, |loaded| database(loaded));
            table.row(&format!("  {which}: CPU of the database"), format!("{cpu:.0} µs"), "");
        }
    };
    row("small", &trios.iter().map(|t| &t.small).collect::<Vec<_>>());
    row("large", &trios.iter().map(|t| &t.large).collect::<Vec<_>>());
    if !cold.is_empty() {
        row("large, cold", &cold.iter().map(|(_, cold)| &cold.loaded).collect::<Vec<_>>());
        let ratio =
            |figure: fn(&Loaded) -> f64| middle(&cold, |(small, cold)| figure(&cold.loaded) / figure(small));
        table.row("  cold ÷ small, latency p50", format!("{:.2}", ratio(p50)), "");
        table.row("  cold ÷ small, CPU", format!("{:.2}", ratio(Loaded::cpu)), "");
        let left = middle(&cold, |(_, cold)| cold.left) / f64::from(1 << 20);
        table.row("  in memory when it was made cold", format!("{left:.1} MiB"), "");
    }
    table.row("cores that other programs used", format!("{:.2}", middle(trios, |t| t.large.others)), "");
}
