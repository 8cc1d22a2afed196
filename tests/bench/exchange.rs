//! The benchmarks of the exchange: the release binary as `kdp serve`, loaded over real HTTP on loopback.
//!
//! `cargo bench --bench exchange` runs all of them and prints one table; nothing here passes or fails by time.
//! `tests/bench/README.md` says what the figures mean.

mod client;
mod cryptography;
mod load;
mod process;
mod reply;
mod sandbox;
mod stand;
mod table;

use clap::Parser as _;
use client::{Client, Request};
use cryptography::Cryptography;
use kdp::trust::outgoing::KeyInfoForm;
use load::Round;
use process::{Usage, machine_busy};
use stand::{Disk, Stand};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use table::{Table, median, micros, percentile};

/// Requests that are signed at a time and kept in memory: about 60 MB.
const BATCH: usize = 10_000;

/// Speed of one granted exchange of method 2, and what it costs in memory.
#[derive(clap::Parser)]
struct Options {
    /// 20 000 grants and 3 short rounds, for a first look
    #[arg(long)]
    quick: bool,
    /// Grants after which the memory is read
    #[arg(long)]
    grants: Option<usize>,
    /// Rounds of each comparison
    #[arg(long)]
    rounds: Option<usize>,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How the requests name the gateway's certificate
    #[arg(long, value_enum, default_value_t = Form::Certificate)]
    key_info: Form,
    /// Where databases are made; a file system in memory says nothing about the disk
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    dir: PathBuf,
    /// Only load the service while `perf record` watches it, and leave its data in this file
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
    match run.options.profile.clone() {
        Some(file) => run.profile(&file),
        None => run.measure(),
    }
}

struct Run {
    options: Options,
    grants: usize,
    rounds: usize,
    /// Requests of a round.
    size: usize,
    client: Client,
}

/// One loaded round with what the server spent on it.
struct Loaded {
    round: Round,
    server: Usage,
    /// Cores that neither the server nor the load used.
    others: f64,
}

impl Loaded {
    fn rate(&self) -> f64 {
        self.round.grants() / self.round.wall.as_secs_f64()
    }

    fn cpu(&self) -> f64 {
        micros(self.server.total()) / self.round.grants()
    }
}

impl Run {
    fn new(options: Options) -> Self {
        let grants = options.grants.unwrap_or(if options.quick { 20_000 } else { 200_000 });
        let rounds = options.rounds.unwrap_or(if options.quick { 3 } else { 7 });
        let form = match options.key_info {
            Form::Certificate => KeyInfoForm::Certificate,
            Form::IssuerSerial => KeyInfoForm::IssuerSerial,
        };
        let size = if options.quick { 2_000 } else { 4_000 };
        Self { grants, rounds, size, client: Client::new(form), options }
    }

    fn profile(&self, file: &std::path::Path) {
        let stand = Stand::start(&self.options.dir, Disk::Full);
        self.load(&stand, self.size / 4, None);
        let requests = self.sign(&stand, BATCH);
        let perf = stand.process().record(file);
        let loaded = self.load_with(&stand, requests, None);
        perf.stop();
        println!("{:.0} µs CPU a grant while watched; see perf report -i {}", loaded.cpu(), file.display());
    }

    fn measure(&self) {
        let mut table = Table::default();
        let starts = sandbox::starts(&self.options.dir, 10);
        let (full, off) = (Stand::start(&self.options.dir, Disk::Full), Stand::start(&self.options.dir, Disk::Off));
        let started = full.process().memory();
        for stand in [&full, &off] {
            self.load(stand, self.size / 4, None);
        }
        let first = self.load(&full, self.options.connections, None);
        let cryptography = Cryptography::of(first.round.samples.first().expect("an answer is kept"));

        let mut pairs = Vec::new();
        for number in 0..self.rounds {
            eprintln!("round {} of {}", number + 1, self.rounds);
            let alone = cryptography.measure();
            let with = self.load(&full, self.size, None);
            let without = self.load(&off, self.size, None);
            pairs.push((alone, with, without));
        }
        drop(off);
        self.report_cost(&mut table, &pairs);
        let saturation = self.report_disk(&mut table, &pairs);
        self.report_latency(&mut table, &full, saturation);
        self.report_memory(&mut table, &full, started);
        table.group("start");
        table.row("sandbox on existing data, to `ready`", format!("{:.0} ms", median(&starts)), "≤ 1000 ms");
        let range = |pick: fn(f64, f64) -> f64| starts.iter().copied().reduce(pick).unwrap_or_default();
        table.row("  fastest and slowest of 10", format!("{:.0}–{:.0} ms", range(f64::min), range(f64::max)), "");
        table.print();
    }

    fn report_cost(&self, table: &mut Table, pairs: &[(cryptography::Cost, Loaded, Loaded)]) {
        let of = |pick: &dyn Fn(&(cryptography::Cost, Loaded, Loaded)) -> f64| {
            median(&pairs.iter().map(pick).collect::<Vec<_>>())
        };
        table.group(&format!("CPU of one grant, method 2, {} connections", self.options.connections));
        let ratio = of(&|(alone, with, _)| with.cpu() / alone.total());
        table.row("grant ÷ its cryptography", format!("{ratio:.2}"), "≤ 1.40");
        table.row("grant, server process", format!("{:.0} µs", of(&|p| p.1.cpu())), "");
        table.row("cryptography alone", format!("{:.0} µs", of(&|p| p.0.total())), "");
        for (number, name) in cryptography::PARTS.iter().enumerate() {
            table.row(&format!("  {name}"), format!("{:.0} µs", of(&|p| p.0.parts[number])), "");
        }
        table.row("the rest", format!("{:.0} µs", of(&|p| p.1.cpu() - p.0.total())), "");
        let a_grant = |loaded: &Loaded, time: Duration| micros(time) / loaded.round.grants();
        let writer = of(&|p| a_grant(&p.1, p.1.server.writer));
        table.row("  writing thread (SQLite, disk)", format!("{writer:.0} µs"), "");
        let kernel = of(&|p| a_grant(&p.1, p.1.server.kernel));
        table.row("  kernel, all threads", format!("{kernel:.0} µs"), "");
        let off = of(&|p| p.2.cpu());
        table.row("grant with synchronous = off", format!("{off:.0} µs"), "");
        let loader = of(&|p| a_grant(&p.1, p.1.round.loader));
        table.row("load generator, a grant", format!("{loader:.0} µs"), "");
    }

    fn report_disk(&self, table: &mut Table, pairs: &[(cryptography::Cost, Loaded, Loaded)]) -> f64 {
        let of = |pick: &dyn Fn(&(cryptography::Cost, Loaded, Loaded)) -> f64| {
            median(&pairs.iter().map(pick).collect::<Vec<_>>())
        };
        let saturation = of(&|p| p.1.rate());
        table.group(&format!("durable grants, median of {} interleaved rounds", self.rounds));
        table.row("full ÷ off", format!("{:.2}", of(&|p| p.1.rate() / p.2.rate())), "≥ 0.85");
        table.row("synchronous = full", format!("{saturation:.0} /s"), "");
        table.row("synchronous = off", format!("{:.0} /s", of(&|p| p.2.rate())), "");
        let others = of(&|p| p.1.others.max(p.2.others));
        table.row("cores used by other programs", format!("{others:.2}"), "");
        saturation
    }

    fn report_latency(&self, table: &mut Table, stand: &Stand, saturation: f64) {
        let rate = saturation / 2.0;
        let mut found = Vec::new();
        for _ in 0..3 {
            let loaded = self.load(stand, self.size, Some(rate));
            let at = |share| percentile(&loaded.round.latencies, share);
            found.push((at(0.50), at(0.99), at(0.999), loaded.rate(), loaded.others));
        }
        type Found = (f64, f64, f64, f64, f64);
        let of = |pick: fn(&Found) -> f64| median(&found.iter().map(pick).collect::<Vec<_>>());
        table.group("latency at half of the saturation load, paced, median of 3 rounds");
        table.row("p99", format!("{:.1} ms", of(|f| f.1)), "≤ 25 ms");
        table.row("p50", format!("{:.1} ms", of(|f| f.0)), "");
        table.row("p99.9", format!("{:.1} ms", of(|f| f.2)), "");
        table.row("rate", format!("{:.0} /s", of(|f| f.3)), "");
        table.row("cores used by other programs", format!("{:.2}", of(|f| f.4)), "");
    }

    fn report_memory(&self, table: &mut Table, stand: &Stand, started: u64) {
        let mut last = None;
        while self.client.made_for(stand) < self.grants {
            let count = BATCH.min(self.grants - self.client.made_for(stand));
            last = Some(self.load(stand, count, None));
            eprintln!("{} grants", self.client.made_for(stand));
        }
        let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
        table.group("resident memory of the server");
        table.row("after start", mib(started), "≤ 40 MiB");
        let count = self.client.made_for(stand);
        table.row(&format!("after {count} grants"), mib(stand.process().memory()), "≤ 100 MiB");
        table.row("at its highest", mib(stand.process().highest_memory()), "");
        table.row("database", format!("{:.0} MiB", stand.database_bytes() as f64 / f64::from(1 << 20)), "");
        if let Some(last) = last {
            table.row("CPU of one of the last grants", format!("{:.0} µs", last.cpu()), "");
        }
    }

    fn sign(&self, stand: &Stand, count: usize) -> Arc<[Request]> {
        self.client.sign(stand, count)
    }

    fn load(&self, stand: &Stand, count: usize, rate: Option<f64>) -> Loaded {
        self.load_with(stand, self.sign(stand, count), rate)
    }

    fn load_with(&self, stand: &Stand, requests: Arc<[Request]>, rate: Option<f64>) -> Loaded {
        let process = stand.process();
        let (before, busy) = (process.usage(), machine_busy());
        let round = load::run(stand.address, requests, self.options.connections, rate);
        let (server, busy) = (process.usage() - before, machine_busy().saturating_sub(busy));
        round.samples.iter().for_each(|sample| stand.believed.check(sample));
        let ours = server.total() + round.loader;
        let others = busy.saturating_sub(ours).as_secs_f64() / round.wall.as_secs_f64();
        Loaded { round, server, others }
    }
}
