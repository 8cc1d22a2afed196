//! The benchmarks of the exchange: the release binary as `kdp serve`, loaded over real HTTP on loopback.
//!
//! `cargo bench --bench exchange` runs all of them and prints one table; nothing here passes or fails by time.
//! The README beside this file says what the figures mean.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

mod client;
mod cryptography;
mod load;
mod process;
mod reply;
mod report;
mod sandbox;
mod stand;
mod table;

use clap::Parser as _;
use client::{Client, Request};
use cryptography::{Cost, Cryptography};
use kdp::trust::outgoing::KeyInfoForm;
use load::Round;
use process::{Usage, machine_busy};
use stand::{Disk, Stand};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use table::{Table, micros};

/// Requests that are signed at a time and kept in memory: about 60 MB.
const BATCH: usize = 10_000;

/// Rounds of paced load.
const PACED: usize = 5;

/// Speed of one granted exchange of method 2, and what it costs in memory.
#[derive(clap::Parser)]
struct Options {
    /// 20 000 grants and few short rounds, for a first look
    #[arg(long)]
    quick: bool,
    /// Grants after which the memory is read [default: 200000]
    #[arg(long)]
    grants: Option<usize>,
    /// Rounds of load at full speed [default: 9]
    #[arg(long)]
    rounds: Option<usize>,
    #[arg(long, help = "Connections that are kept alive", default_value_t = 64)]
    connections: usize,
    /// How the requests name the gateway's certificate
    #[arg(long, value_enum, default_value_t = Form::Certificate)]
    key_info: Form,
    /// Where the databases are made; a file system in memory says nothing about the disk
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    dir: PathBuf,
    /// Only load the service while `perf record` watches it, which writes this file
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Given by `cargo bench`; without it nothing is measured, so that `cargo test --benches` ends at once
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    Certificate,
    IssuerSerial,
}

fn main() {
    let options = Options::parse();
    if !options.bench {
        println!("run by: cargo bench --bench exchange");
        return;
    }
    let run = Run::new(options);
    match &run.options.profile {
        Some(file) => run.profile(file),
        None => run.measure(),
    }
}

struct Run {
    grants: usize,
    rounds: usize,
    /// Requests of a round.
    size: usize,
    client: Client,
    options: Options,
}

/// One round of load with what the server spent on it.
struct Loaded {
    round: Round,
    server: Usage,
    /// Transactions of the server's database.
    commits: f64,
    /// Cores that neither the server nor the load used.
    others: f64,
}

/// What is compared with each other, measured right after each other.
struct Trio {
    alone: Cost,
    full: Loaded,
    off: Loaded,
}

impl Run {
    fn new(options: Options) -> Self {
        let choose =
            |own: Option<usize>, quick, whole| own.unwrap_or(if options.quick { quick } else { whole });
        let form = match options.key_info {
            Form::Certificate => KeyInfoForm::Certificate,
            Form::IssuerSerial => KeyInfoForm::IssuerSerial,
        };
        Self {
            grants: choose(options.grants, 20_000, 200_000),
            rounds: choose(options.rounds, 3, 9),
            size: choose(None, 2_000, 4_000),
            client: Client::new(form),
            options,
        }
    }

    fn measure(&self) {
        let starts = sandbox::starts(&self.options.dir, 10);
        let (full, off) = (self.stand(Disk::Full), self.stand(Disk::Off));
        let started = full.process().memory();
        for stand in [&full, &off] {
            self.load(stand, self.size / 4, None);
        }
        let first = self.load(&full, self.options.connections, None);
        let cryptography = Cryptography::of(first.round.samples.first().expect("an answer is kept"));
        let mut trios = Vec::new();
        for number in 1..=self.rounds {
            eprintln!("round {number} of {}", self.rounds);
            let alone = cryptography.measure();
            let full = self.load(&full, self.size, None);
            trios.push(Trio { alone, full, off: self.load(&off, self.size, None) });
        }
        drop(off);
        let rate = report::saturation(&trios) / 2.0;
        let paced: Vec<_> = (0..PACED).map(|_| self.load(&full, self.size, Some(rate))).collect();
        let last = self.fill(&full);
        let mut table = Table::default();
        report::cost(&mut table, &trios);
        report::disk(&mut table, &trios);
        report::latency(&mut table, &paced);
        report::memory(&mut table, &full, started, self.client.made_for(&full), last.as_ref());
        report::start(&mut table, &starts);
        table.print();
    }

    /// Loads until the service has granted what was asked for; answers with the last round.
    fn fill(&self, stand: &Stand) -> Option<Loaded> {
        let mut last = None;
        while let left @ 1.. = self.grants.saturating_sub(self.client.made_for(stand)) {
            last = Some(self.load(stand, left.min(BATCH), None));
            eprintln!("{} grants", self.client.made_for(stand));
        }
        last
    }

    fn profile(&self, file: &Path) {
        let stand = self.stand(Disk::Full);
        self.load(&stand, self.size / 4, None);
        let requests = self.client.sign(&stand, BATCH);
        let perf = stand.process().record(file);
        let loaded = self.load_with(&stand, &requests, None);
        perf.stop();
        println!("{:.0} µs of CPU a grant while it was watched: {}", loaded.cpu(), file.display());
    }

    fn stand(&self, disk: Disk) -> Stand {
        Stand::start(&self.options.dir, disk)
    }

    fn load(&self, stand: &Stand, count: usize, rate: Option<f64>) -> Loaded {
        self.load_with(stand, &self.client.sign(stand, count), rate)
    }

    fn load_with(&self, stand: &Stand, requests: &Arc<[Request]>, rate: Option<f64>) -> Loaded {
        let process = stand.process();
        let (before, busy, commits) = (process.usage(), machine_busy(), stand.commits());
        let round = load::run(stand.address, requests, self.options.connections, rate);
        let (server, busy) = (process.usage() - before, machine_busy().saturating_sub(busy));
        round.samples.iter().for_each(|sample| stand.believed.check(sample));
        let others = busy.saturating_sub(server.total() + round.loader);
        let others = others.as_secs_f64() / round.wall.as_secs_f64();
        Loaded { server, commits: stand.commits() - commits, others, round }
    }
}

impl Loaded {
    fn grants(&self) -> f64 {
        self.round.latencies.len() as f64
    }

    /// Grants a second.
    fn rate(&self) -> f64 {
        self.grants() / self.round.wall.as_secs_f64()
    }

    /// µs of the server's CPU for a grant.
    fn cpu(&self) -> f64 {
        self.each(self.server.total())
    }

    /// µs for a grant.
    fn each(&self, time: Duration) -> f64 {
        micros(time) / self.grants()
    }
}
