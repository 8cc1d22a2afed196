//! The order of the rounds: every server in turn, again and again, so that what disturbs the machine disturbs all alike.

use super::Effort;
use super::envelope::{Envelopes, Pairs, Question};
use super::harness::{Harness, YARDSTICK};
use super::server::Server;
use super::verdict;
use crate::client::{Issued, Request, subject};
use crate::load::{self, Drive, Round, Sample};
use crate::process::machine_busy;
use crate::table::{median, micros, percentile};
use std::sync::Arc;
use std::time::Duration;

/// Pairs whose answers are all verified before anything is measured.
const PROOF: usize = 20;
/// Of so many answers one is verified later on.
const SAMPLE: usize = 1_000;
/// Requests of the first load, and of a batch before the first round.
const FIRST: usize = 64;
const BATCH: usize = 500;
/// Of the best peer's full speed: where all are loaded alike.
const STEADY: f64 = 0.8;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Grant,
    Check,
}

/// Whom is asked about next.
pub struct Drawing {
    next: usize,
    /// Tokens of our service, and ids that the peers know.
    issued: Vec<Issued>,
    rows: Vec<String>,
}

impl Drawing {
    pub fn new(rows: Vec<String>) -> Self {
        Self { next: 0, issued: Vec::new(), rows }
    }

    fn questions(&mut self, call: Call, count: usize) -> Vec<Question> {
        let mut questions = Vec::with_capacity(count);
        while questions.len() < count {
            self.next += 1;
            match call {
                Call::Grant => questions.extend(subject(self.next).map(Question::Grant)),
                Call::Check => {
                    // Steps that have no divisor in common with the lengths go through all, in no order.
                    let issued = &self.issued[self.next * 7_919 % self.issued.len()];
                    let row = &self.rows[self.next * 7_919 % self.rows.len()];
                    questions.push(Question::Check(issued.clone(), row.clone()));
                }
            }
        }
        questions
    }
}

/// One round of one server.
pub struct Measured {
    pub rate: f64,
    /// µs of its CPU for a request.
    pub cpu: f64,
    /// µs of CPU of the load itself for a request.
    pub load: f64,
    pub p50: f64,
    pub p99: f64,
    /// Cores that neither it nor the load used.
    pub others: f64,
}

/// All rounds of one server.
pub struct Standing {
    pub name: &'static str,
    /// Whether it is another's service: neither ours nor the yardstick.
    pub is_peer: bool,
    pub full: Vec<Measured>,
    /// At the same rate as others; of those alone that can.
    pub steady: Vec<Measured>,
    /// Highest resident memory since the start, bytes.
    pub memory: u64,
}

impl Standing {
    pub fn rate(&self) -> f64 {
        middle(&self.full, |round| round.rate)
    }

    pub fn cpu(&self) -> f64 {
        middle(&self.full, |round| round.cpu)
    }
}

pub fn middle(rounds: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    median(&rounds.iter().map(figure).collect::<Vec<_>>())
}

/// What came of a contest.
pub struct Outcome {
    pub call: Call,
    /// Bytes of an envelope.
    pub size: [usize; 2],
    /// Requests a second of the steady load.
    pub rate: f64,
    pub standings: Vec<Standing>,
}

impl Outcome {
    /// The peer that answers most requests a second.
    pub fn best(&self) -> &Standing {
        let peers = self.standings.iter().filter(|standing| standing.is_peer);
        peers.max_by(|a, b| a.rate().total_cmp(&b.rate())).expect("there is a peer")
    }

    pub fn ours(&self) -> &Standing {
        self.standings.last().expect("ours is the last")
    }
}

pub struct Contest<'a> {
    pub harness: &'a Harness,
    pub servers: &'a [Server],
    pub envelopes: &'a Envelopes,
    pub effort: Effort,
    pub call: Call,
}

impl Contest<'_> {
    pub fn hold(&self, drawing: &mut Drawing) -> Outcome {
        let proof = self.envelopes.sign(&drawing.questions(self.call, PROOF));
        let first = drawing.questions(self.call, 1);
        let altered = self.envelopes.altered(&first[0]);
        for server in self.servers {
            let asked = asked(server, &proof);
            let samples = self.load(server, asked, asked.len(), None, 1).1.samples;
            verdict::verify(self.harness, server, self.call, &samples);
            for pair in &altered {
                let request = if server.stand().is_some() { &pair.ours } else { &pair.theirs };
                verdict::refuses(server, request);
            }
            eprintln!(
                "{}: {PROOF} answers verified, {} altered envelopes refused",
                server.name,
                altered.len()
            );
        }
        let mut rates = self.warm(drawing);
        let mut standings: Vec<_> = self.servers.iter().map(standing).collect();
        let mut kept: Vec<_> = self.servers.iter().map(|_| Vec::new()).collect();
        for number in 1..=self.effort.rounds {
            eprintln!("round {number} of {}", self.effort.rounds);
            let counts: Vec<_> = rates.iter().map(|rate| self.count(*rate)).collect();
            let pairs = self.pairs(drawing, &counts);
            for (place, server) in self.servers.iter().enumerate() {
                let measured = self.round(server, &pairs, counts[place], None, &mut kept[place]);
                rates[place] = measured.rate;
                standings[place].full.push(measured);
            }
        }
        let size = [&proof.ours, &proof.theirs].map(|requests| requests[0].envelope().len());
        let mut outcome = Outcome { call: self.call, size, rate: 0.0, standings };
        let best = outcome.best().rate();
        outcome.rate = best * STEADY;
        let count = self.count(outcome.rate);
        for number in 1..=self.effort.rounds {
            eprintln!("steady round {number} of {}", self.effort.rounds);
            let pairs = self.pairs(drawing, &[count]);
            for (place, server) in self.servers.iter().enumerate() {
                let standing = &mut outcome.standings[place];
                if standing.rate() >= best || server.stand().is_some() {
                    let rate = Some(outcome.rate);
                    standing.steady.push(self.round(server, &pairs, count, rate, &mut kept[place]));
                }
            }
        }
        for (place, server) in self.servers.iter().enumerate() {
            verdict::verify(self.harness, server, self.call, &kept[place]);
            outcome.standings[place].memory = server.memory();
        }
        outcome
    }

    /// Loads each until it is as fast as it gets; ours grants the tokens that are checked later. Answers with the rates.
    fn warm(&self, drawing: &mut Drawing) -> Vec<f64> {
        let questions = drawing.questions(self.call, self.effort.tokens);
        let pairs = self.envelopes.sign(&questions);
        let mut rates = Vec::new();
        for server in self.servers {
            let asked = asked(server, &pairs);
            if server.stand().is_some() {
                let (measured, round) = self.load(server, asked, asked.len(), None, 1);
                if self.call == Call::Grant {
                    drawing.issued = round.samples.iter().map(Sample::issued).collect();
                }
                rates.push(measured.rate);
                continue;
            }
            let warm = Duration::from_secs_f64(self.effort.warm[usize::from(!server.slow_start)]);
            let (mut spent, mut count, mut rate) = (Duration::ZERO, FIRST, 0.0);
            while spent < warm {
                let (measured, round) = self.load(server, asked, count, None, SAMPLE);
                (rate, count, spent) = (measured.rate, BATCH, spent + round.wall);
            }
            rates.push(rate);
        }
        rates
    }

    /// Requests of a round at this rate.
    fn count(&self, rate: f64) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests")]
        let count = (rate * self.effort.seconds) as usize;
        count.max(self.effort.connections)
    }

    fn pairs(&self, drawing: &mut Drawing, counts: &[usize]) -> Pairs {
        let most = counts.iter().copied().max().unwrap_or_default();
        self.envelopes.sign(&drawing.questions(self.call, most))
    }

    /// Loads one server; what was kept of the answers is added to `kept`.
    fn round(
        &self,
        server: &Server,
        pairs: &Pairs,
        count: usize,
        rate: Option<f64>,
        kept: &mut Vec<Sample>,
    ) -> Measured {
        let (measured, round) = self.load(server, asked(server, pairs), count, rate, SAMPLE);
        kept.extend(round.samples);
        eprintln!(
            "  {:8}{:8.0} /s {:8.0} µs of CPU {:8.1} ms p99 {:6.2} cores by others",
            server.name, measured.rate, measured.cpu, measured.p99, measured.others
        );
        measured
    }

    /// Sends the first `count` of `requests`.
    fn load(
        &self,
        server: &Server,
        requests: &Arc<[Request]>,
        count: usize,
        rate: Option<f64>,
        keep: usize,
    ) -> (Measured, Round) {
        let requests: Arc<[Request]> = requests.iter().take(count).cloned().collect();
        let drive = Drive { connections: self.effort.connections, rate, keep };
        let (before, busy) = (server.cpu(), machine_busy());
        let round = load::run(server.address, &requests, drive);
        let (cpu, busy) = (server.cpu().saturating_sub(before), machine_busy().saturating_sub(busy));
        let wall = round.wall.as_secs_f64();
        let answers = round.latencies.len() as f64;
        let measured = Measured {
            rate: answers / wall,
            cpu: micros(cpu) / answers,
            load: micros(round.loader) / answers,
            p50: percentile(&round.latencies, 0.5),
            p99: percentile(&round.latencies, 0.99),
            others: busy.saturating_sub(cpu + round.loader).as_secs_f64() / wall,
        };
        (measured, round)
    }
}

fn standing(server: &Server) -> Standing {
    let is_peer = server.stand().is_none() && server.name != YARDSTICK;
    Standing { name: server.name, is_peer, full: Vec::new(), steady: Vec::new(), memory: 0 }
}

fn asked<'p>(server: &Server, pairs: &'p Pairs) -> &'p Arc<[Request]> {
    if server.stand().is_some() { &pairs.ours } else { &pairs.theirs }
}
