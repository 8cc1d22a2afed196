//! Exchanges on the large database and on the small one, in turn, at the same light load.

use super::{Options, sample};
use crate::client::{Ask, Client, Issued};
use crate::installation::{Disk, Installation};
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

/// One of what is compared.
type Pick = fn(&Trio) -> &Loaded;

/// What is compared with each other.
struct Trio {
    small: Loaded,
    large: Loaded,
    /// After the system has forgotten the pages of the large database.
    cold: Loaded,
    /// Of the large database in the system's memory before the cold round, bytes.
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
        let load = |stand: &Stand, is_cold: bool, size: usize| {
            let asks: Vec<Ask> = sample::tokens(&stand.installation, size).into_iter().map(ask).collect();
            let requests = client.sign(stand, &asks);
            if is_cold {
                sample::forget(&stand.installation);
            }
            let left = sample::resident(&stand.installation);
            (Loaded::of(stand, &requests, drive), left)
        };
        for stand in [&small, &large] {
            load(stand, false, options.size.div_ceil(4));
        }
        let mut trios = Vec::new();
        for number in 1..=options.rounds {
            eprintln!("round {number} of {}, {name}", options.rounds);
            let (small, _) = load(&small, false, options.size);
            let (large, (cold, left)) =
                (load(&large, false, options.size).0, load(&large, true, options.size));
            trios.push(Trio { small, large, cold, left });
        }
        report(table, name, options, &trios);
    }
    (small.stop(), large.stop())
}

fn report(table: &mut Table, name: &str, options: &Options, trios: &[Trio]) {
    let Options { rounds, size, rate, .. } = options;
    table.group(&format!("{name}: median of {rounds} rounds of {size}, {rate:.0} a second"));
    let p50 = |loaded: &Loaded| percentile(&loaded.round.latencies, 0.5);
    let p99 = |loaded: &Loaded| percentile(&loaded.round.latencies, 0.99);
    let ratio = |figure: fn(&Loaded) -> f64| middle(trios, |t| figure(&t.large) / figure(&t.small));
    table.row("large ÷ small, latency p50", format!("{:.2}", ratio(p50)), "≤ 1.50");
    table.row("large ÷ small, CPU of an exchange", format!("{:.2}", ratio(Loaded::cpu)), "≤ 1.50");
    let cold = |figure: fn(&Loaded) -> f64| middle(trios, |t| figure(&t.cold) / figure(&t.small));
    table.row("the same from a cold disk, latency p50", format!("{:.2}", cold(p50)), "");
    table.row("the same from a cold disk, CPU", format!("{:.2}", cold(Loaded::cpu)), "");
    let of: [(&str, Pick); 3] =
        [("small", |t| &t.small), ("large", |t| &t.large), ("large, cold", |t| &t.cold)];
    for (which, pick) in of {
        let figure = |figure: fn(&Loaded) -> f64| middle(trios, |t| figure(pick(t)));
        table.row(&format!("  {which}: p50, p99"), format!("{:.2}, {:.1} ms", figure(p50), figure(p99)), "");
        table.row(&format!("  {which}: CPU"), format!("{:.0} µs", figure(Loaded::cpu)), "");
    }
    let left = middle(trios, |t| t.left) / f64::from(1 << 20);
    table.row("  in memory when it was made cold", format!("{left:.1} MiB"), "");
    table.row("cores that other programs used", format!("{:.2}", middle(trios, |t| t.large.others)), "");
}
