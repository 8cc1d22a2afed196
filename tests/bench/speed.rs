//! The order of the rounds: grants, then checks of the tokens that were granted.

use crate::client::{Ask, Client, Issued, Request};
use crate::cryptography::{Cost, Cryptography};
use crate::installation::{Disk, Installation};
use crate::load::{Drive, Sample};
use crate::round::Loaded;
use crate::stand::Stand;
use crate::table::Table;
use crate::{Options, published, report, sandbox};
use std::path::Path;
use std::sync::Arc;

/// Requests that are signed at a time and kept in memory: about 60 MB.
const BATCH: usize = 10_000;

/// Rounds of paced load.
const PACED: usize = 5;

/// Of so many answers one is kept, to be verified.
const SAMPLE: usize = 1_000;

pub struct Run<'o> {
    grants: usize,
    rounds: usize,
    /// Requests of a round.
    size: usize,
    client: Client,
    options: &'o Options,
}

/// Grants that are compared with each other, measured right after each other.
pub struct Trio {
    pub alone: Cost,
    pub full: Loaded,
    pub off: Loaded,
}

/// The same of token checks.
pub struct Checked {
    pub alone: Cost,
    pub receipt: Cost,
    pub check: Loaded,
    /// Requests that are refused for their data: what every exchange costs, with its journal.
    pub incomplete: Loaded,
}

impl<'o> Run<'o> {
    pub fn new(options: &'o Options) -> Self {
        let choose =
            |own: Option<usize>, quick, whole| own.unwrap_or(if options.quick { quick } else { whole });
        Self {
            grants: choose(options.grants, 20_000, 200_000),
            rounds: choose(options.rounds, 3, 9),
            size: choose(None, 2_000, 4_000),
            client: Client::new(options.key_info.into()),
            options,
        }
    }

    pub fn measure(&self) {
        let starts = sandbox::starts(&self.options.dir, 10);
        let (full, off) = (self.stand(Disk::Full), self.stand(Disk::Off));
        let started = full.process().memory();
        for stand in [&full, &off] {
            self.grant(stand, self.size / 4, None);
        }
        let first = self.grant(&full, self.options.connections, None);
        let cryptography = Cryptography::of_grant(first.round.samples.first().expect("an answer is kept"));
        let mut trios = Vec::new();
        for number in 1..=self.rounds {
            eprintln!("round {number} of {}", self.rounds);
            let alone = cryptography.measure();
            let full = self.grant(&full, self.size, None);
            trios.push(Trio { alone, full, off: self.grant(&off, self.size, None) });
        }
        drop(off);
        let rate = report::saturation(&trios) / 2.0;
        let paced: Vec<_> = (0..PACED).map(|_| self.grant(&full, self.size, Some(rate))).collect();
        let (checked, paced_checks) = self.check(&full);
        let last = self.fill(&full);
        let mut table = Table::default();
        report::cost(&mut table, &trios);
        report::disk(&mut table, &trios);
        report::latency(&mut table, &paced);
        report::check(&mut table, &checked, &paced_checks);
        published::measure(&mut table, &self.options.dir);
        report::memory(&mut table, &full, started, self.client.made_for(&full), last.as_ref());
        report::start(&mut table, &starts);
        table.print();
    }

    pub fn measure_checks(&self) {
        let (checked, paced) = self.check(&self.stand(Disk::Full));
        let mut table = Table::default();
        report::check(&mut table, &checked, &paced);
        table.print();
    }

    /// Grants as many tokens as a round checks, and checks them.
    fn check(&self, stand: &Stand) -> (Vec<Checked>, Vec<Loaded>) {
        let tokens = self.tokens(stand);
        let asks = |ask: fn(Issued) -> Ask| tokens.iter().cloned().map(ask).collect::<Vec<_>>();
        let (checks, incomplete) = (asks(Ask::Check), asks(Ask::Incomplete));
        let load =
            |asks: &[Ask], rate| Loaded::of(stand, &self.client.sign(stand, asks), self.drive(rate, SAMPLE));
        let first = load(&checks[..self.size / 4], None);
        let sample = first.round.samples.first().expect("an answer is kept");
        let (envelopes, receipt) = (Cryptography::of_envelopes(sample), Cryptography::of_receipt(sample));
        let mut all = Vec::new();
        for number in 1..=self.rounds {
            eprintln!("round {number} of {}, checks", self.rounds);
            all.push(Checked {
                alone: envelopes.measure(),
                check: load(&checks, None),
                receipt: receipt.measure(),
                incomplete: load(&incomplete, None),
            });
        }
        let rate = report::middle(&all, |checked| checked.check.rate()) / 2.0;
        let paced = (0..PACED).map(|_| load(&checks, Some(rate))).collect();
        (all, paced)
    }

    fn tokens(&self, stand: &Stand) -> Vec<Issued> {
        let requests = self.client.grants(stand, self.size);
        let granted = Loaded::of(stand, &requests, self.drive(None, 1));
        granted.round.samples.iter().map(Sample::issued).collect()
    }

    /// Loads until the service has granted what was asked for; answers with the last round.
    fn fill(&self, stand: &Stand) -> Option<Loaded> {
        let mut last = None;
        while let left @ 1.. = self.grants.saturating_sub(self.client.made_for(stand)) {
            last = Some(self.grant(stand, left.min(BATCH), None));
            eprintln!("{} grants", self.client.made_for(stand));
        }
        last
    }

    pub fn profile(&self, file: &Path) {
        let stand = self.stand(Disk::Full);
        let requests = if self.options.checks {
            let tokens = self.tokens(&stand);
            let all: Vec<Ask> = tokens.iter().cycle().take(BATCH).cloned().map(Ask::Check).collect();
            self.client.sign(&stand, &all)
        } else {
            self.grant(&stand, self.size / 4, None);
            self.client.grants(&stand, BATCH)
        };
        let perf = stand.process().record(file);
        let loaded = Loaded::of(&stand, &requests, self.drive(None, SAMPLE));
        perf.stop();
        println!("{:.0} µs of CPU an exchange while it was watched: {}", loaded.cpu(), file.display());
    }

    fn stand(&self, disk: Disk) -> Stand {
        Stand::start(Installation::temporary(&self.options.dir), disk)
    }

    fn grant(&self, stand: &Stand, count: usize, rate: Option<f64>) -> Loaded {
        let requests: Arc<[Request]> = self.client.grants(stand, count);
        Loaded::of(stand, &requests, self.drive(rate, SAMPLE))
    }

    fn drive(&self, rate: Option<f64>, keep: usize) -> Drive {
        Drive { connections: self.options.connections, rate, keep }
    }
}
