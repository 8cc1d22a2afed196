//! БМГ and 1414 slow, or БМГ silent: what those who need neither see of it, and what a grant by SMS costs.

mod citizen;
mod party;

use crate::client::{Ask, Client};
use crate::cryptography::{Cost, Cryptography};
use crate::installation::{Disk, Installation, Settings};
use crate::load::{Drive, Sample};
use crate::report::middle;
use crate::round::Loaded;
use crate::stand::Stand;
use crate::table::{Table, percentile};
use crate::{Options, load};
use citizen::{Citizens, Lived};
use kdp::consent::identity::Iin;
use party::Outside;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long БМГ and 1414 take when they are slow.
const SLOW: Duration = Duration::from_millis(200);
/// How long БМГ takes when it hangs.
const HANGING: Duration = Duration::from_mins(1);
/// Requests by SMS a second that meet a БМГ that hangs.
const STREAM: f64 = 40.0;

struct Bench<'o> {
    options: &'o Options,
    rounds: usize,
    /// Grants of a round.
    size: usize,
    /// Grants by SMS of a round.
    by_sms: usize,
    client: Client,
    outside: Arc<Outside>,
    stand: Stand,
}

/// What is compared, measured right after each other.
struct Round {
    cryptography: Cost,
    /// Grants by method 2, and nothing else.
    alone: Loaded,
    /// Grants by SMS, БМГ and 1414 answering at once.
    at_once: Lived,
    /// The same, both slow.
    slow: Lived,
    /// Grants by method 2 while those by SMS go on, БМГ and 1414 slow; and how many of those there were.
    beside: (Loaded, f64),
    memory: u64,
}

impl Round {
    /// The cryptography of a grant by SMS, µs: three envelopes come and are answered, two go out and are answered, and
    /// there is one token.
    fn by_sms(&self) -> f64 {
        let of = |part: usize| self.cryptography.parts[part].1;
        5.0 * (of(0) + of(1)) + of(3)
    }

    /// µs of CPU for a grant by method 2 while those by SMS go on, of which nothing but their cryptography is taken off.
    fn beside(&self) -> f64 {
        let (loaded, by_sms) = &self.beside;
        loaded.cpu() - by_sms * self.by_sms() / loaded.exchanges()
    }
}

/// Prints the table.
pub fn measure(options: &Options) {
    let outside = Arc::new(Outside::start());
    let settings = Settings { shep: Some(outside.address), ..Disk::Full.into() };
    let choose = |quick, whole| if options.quick { quick } else { whole };
    let bench = Bench {
        options,
        rounds: options.rounds.unwrap_or_else(|| choose(2, 5)),
        size: choose(2_000, 4_000),
        by_sms: choose(600, 1_500),
        client: Client::new(options.key_info.into()),
        stand: Stand::start(Installation::temporary(&options.dir), settings),
        outside,
    };
    let first = bench.grant(options.connections, 1);
    let cryptography = Cryptography::of_grant(first.round.samples.first().expect("an answer is kept"));
    let mut rounds = Vec::new();
    for number in 1..=bench.rounds {
        eprintln!("round {number} of {}", bench.rounds);
        rounds.push(bench.round(&cryptography));
    }
    let mut table = Table::default();
    slow(&mut table, &rounds);
    bench.hanging(&mut table, middle(&rounds, |round| round.alone.rate()) / 2.0);
    table.print();
}

fn slow(table: &mut Table, rounds: &[Round]) {
    let of = |figure: fn(&Round) -> f64| middle(rounds, figure);
    let milliseconds = SLOW.as_millis();
    table.group(&format!(
        "method 2 at full speed while others ask by SMS, БМГ and 1414 answering in {milliseconds} ms"
    ));
    table.row(
        "grants for the CPU, of those alone",
        format!("{:.2}", of(|r| r.alone.cpu() / r.beside())),
        "≥ 0.90",
    );
    let mut row = |name: &str, figure: f64| table.row(name, format!("{figure:.0} µs"), "");
    row("CPU of one", of(Round::beside));
    row("CPU of one, nothing else going on", of(|r| r.alone.cpu()));
    row("its cryptography, in a loop", of(|r| r.cryptography.total()));
    table.row("grants, 1/s", format!("{:.0}", of(|r| r.beside.0.rate())), "");
    table.row("grants alone, 1/s", format!("{:.0}", of(|r| r.alone.rate())), "");
    let by_sms = |r: &Round| r.beside.1 / r.beside.0.round.wall.as_secs_f64();
    table.row("grants by SMS meanwhile, 1/s", format!("{:.0}", middle(rounds, by_sms)), "");
    table.group("grants by SMS (method 1) alone");
    let ratio = of(|r| r.at_once.cpu() / r.slow.cpu());
    table.row("grants for the CPU, of those with БМГ and 1414 at once", format!("{ratio:.2}"), "≥ 0.90");
    let mut row = |name: &str, figure: f64| table.row(name, format!("{figure:.0} µs"), "");
    row("CPU of one: three exchanges, two questions", of(|r| r.slow.cpu()));
    row("its cryptography, in a loop", of(Round::by_sms));
    table.row("grants, 1/s", format!("{:.0}", of(|r| r.slow.rate())), "");
    let time = |share: f64| move |r: &Round| percentile(&r.slow.times, share);
    table.row("from question to token, p50", format!("{:.0} ms", middle(rounds, time(0.5))), "");
    table.row("p99", format!("{:.0} ms", middle(rounds, time(0.99))), "");
    table.group("resident memory of the server");
    for (number, round) in (1..).zip(rounds) {
        let mib = round.memory as f64 / f64::from(1 << 20);
        table.row(&format!("after round {number}"), format!("{mib:.1} MiB"), "");
    }
}

impl Bench<'_> {
    fn round(&self, cryptography: &Cryptography) -> Round {
        let cryptography = cryptography.measure();
        let alone = self.grant(self.size, 1_000);
        self.outside.delay(Duration::ZERO, Duration::ZERO);
        let at_once = self.citizens().live(&self.stand);
        self.outside.delay(SLOW, SLOW);
        let slow = self.citizens().live(&self.stand);
        let citizens = self.citizens();
        let beside = citizens.meanwhile(|done| {
            let before = done();
            let loaded = self.grant(self.size, 1_000);
            (loaded, done() - before)
        });
        Round { cryptography, alone, at_once, slow, beside, memory: self.stand.process().memory() }
    }

    fn grant(&self, count: usize, keep: usize) -> Loaded {
        let requests = self.client.grants(&self.stand, count);
        Loaded::of(&self.stand, &requests, self.drive(None, keep))
    }

    fn drive(&self, rate: Option<f64>, keep: usize) -> Drive {
        Drive { connections: self.options.connections, rate, keep }
    }

    fn citizens(&self) -> Citizens {
        let subjects = self.subjects(self.by_sms * 4);
        Citizens::new(self.client.keys(), self.outside.clone(), self.stand.address, subjects, self.by_sms)
    }

    fn subjects(&self, count: usize) -> Vec<Iin> {
        let asks = self.client.about_others(count, Ask::BySms);
        asks.into_iter().filter_map(|ask| if let Ask::BySms(iin) = ask { Some(iin) } else { None }).collect()
    }

    /// Latencies at `rate`, by each way that needs nobody outside, with requests by SMS beside them and without.
    fn hanging(&self, table: &mut Table, rate: f64) {
        self.outside.delay(HANGING, SLOW);
        let tokens = self.grant(self.size / 2, 1).round.samples;
        let tokens: Vec<Ask> = tokens.iter().map(Sample::issued).map(Ask::Check).collect();
        let about = |ask: fn(Iin) -> Ask| move || self.client.about_others(self.size / 2, ask);
        let kinds: [(&str, &dyn Fn() -> Vec<Ask>); 4] = [
            ("method 2", &about(Ask::Grant)),
            ("method 3", &about(Ask::Proactive)),
            ("method 4", &about(Ask::Logging)),
            ("token check", &|| tokens.clone()),
        ];
        let seconds = HANGING.as_secs();
        table.group(&format!(
            "{rate:.0} a second, alone and while БМГ takes {seconds} s and {STREAM:.0} a second ask by SMS; p99, ms"
        ));
        for (name, asks) in kinds {
            let (mut alone, mut beside) = (Vec::new(), Vec::new());
            for _ in 0..self.rounds {
                alone.push(self.paced(&asks(), rate));
                beside.push(self.beside_a_stream(|| self.paced(&asks(), rate)));
            }
            let p99 = |all: &[Loaded]| middle(all, |loaded| percentile(&loaded.round.latencies, 0.99));
            let figure = format!("{:.1} → {:.1}", p99(&alone), p99(&beside));
            table.row(name, figure, "the same");
        }
    }

    fn paced(&self, asks: &[Ask], rate: f64) -> Loaded {
        let requests = self.client.sign(&self.stand, asks);
        Loaded::of(&self.stand, &requests, self.drive(Some(rate), 1_000))
    }

    /// Does `work` while requests by SMS come in, for which БМГ is asked in vain.
    fn beside_a_stream(&self, work: impl FnOnce() -> Loaded) -> Loaded {
        let asks: Vec<Ask> = self.subjects(400).into_iter().map(Ask::BySms).collect();
        for ask in &asks {
            if let Ask::BySms(iin) = ask {
                self.outside.phone(iin.as_str());
            }
        }
        let requests = self.client.sign(&self.stand, &asks);
        let address = self.stand.address;
        thread::scope(|scope| {
            let drive = self.drive(Some(STREAM), usize::MAX);
            let stream = scope.spawn(move || load::run(address, &requests, drive));
            let loaded = work();
            stream.join().expect("whoever asks by SMS is told to wait");
            loaded
        })
    }
}
