//! The simulation: events in the order of their time. An exchange computes on a node, has the database work, waits for its turn
//! at the end of the node's journal, commits, and computes again. Who finds too many before it is refused, as the service
//! does, and asks again later.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are whole microseconds, and never negative"
)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Turns before a message, and exchanges of a node at once, above which it refuses (`limits.queue`, `limits.in_flight`).
const QUEUE: usize = 128;
const IN_FLIGHT: usize = 512;
/// How long an exchange waits for the database before it is refused, µs.
const PATIENCE: u64 = 5_000_000;
/// How often somebody asks who was refused, and after how long, µs.
const TRIES: u32 = 4;
const AGAIN: u64 = 10_000_000;

/// A kind of exchange as it comes in.
pub struct Offered {
    /// Whether somebody waits for its answer.
    pub is_exchange: bool,
    pub a_second: f64,
    pub node_micros: f64,
    pub database_micros: f64,
    pub commits: u32,
}

/// What is lost.
#[derive(Clone, Copy)]
pub enum Loss {
    /// A node, to the end.
    Node,
    /// The leader, until another leads.
    Leader { seconds: u32 },
}

pub struct Cluster {
    pub nodes: usize,
    pub cores: usize,
    pub database_cores: usize,
    /// How long a commit holds the end of its node's journal.
    pub held_micros: f64,
    pub seconds: u32,
    /// At which second what is lost.
    pub loss: Option<(u32, Loss)>,
}

/// What the simulation found.
pub struct Found {
    /// Exchanges a second that came in, without those that were asked again.
    pub asked: f64,
    /// Shares of the time: of the nodes' cores, of the leader's cores, of the busiest node's journal.
    pub nodes: f64,
    pub leader: f64,
    pub journal: f64,
    /// Of those that were served, from the try that was: milliseconds.
    pub p50: f64,
    pub p99: f64,
    /// From the first try to the answer, at most: seconds.
    pub worst: f64,
    /// Most exchanges that waited at the same time.
    pub waiting: usize,
    /// Of all tries.
    pub refused: f64,
    /// Who was refused each time.
    pub given_up: u64,
}

/// A number that only looks like chance (`SplitMix64`).
struct Chance(u64);

impl Chance {
    /// From 0 up to, not including, 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A time between events that do not know of each other.
    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    /// A time of work: half of it always, the other half by chance.
    fn work(&mut self, mean: f64) -> u64 {
        (mean / 2.0 + self.exponential(mean / 2.0)) as u64
    }
}

/// Where exchanges are served one after the other by so many at once.
#[derive(Default)]
struct Station {
    servers: usize,
    busy: usize,
    line: VecDeque<usize>,
    served: u64,
    stopped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Read,
    Database,
    Commit,
    Answer,
    /// Answered, refused, or lost.
    Gone,
}

#[derive(Clone, Copy)]
struct Exchange {
    kind: usize,
    node: usize,
    stage: Stage,
    commits: u32,
    first: u64,
    begun: u64,
    tries: u32,
    /// Counts its steps, so that what was meant for one before is known.
    step: u32,
    waits: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrive { kind: usize },
    Again { kind: usize, first: u64, tries: u32 },
    Served { exchange: usize, step: u32 },
    Impatient { exchange: usize, step: u32 },
    Lost,
    Back,
}

struct Run<'c> {
    cluster: &'c Cluster,
    offered: &'c [Offered],
    chance: Chance,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    count: u64,
    exchanges: Vec<Exchange>,
    free: Vec<usize>,
    /// CPU of each node, journal of each node, the leader.
    stations: Vec<Station>,
    in_flight: Vec<usize>,
    is_up: Vec<bool>,
    latencies: Vec<u64>,
    asked: u64,
    tried: u64,
    refused: u64,
    given_up: u64,
    worst: u64,
    waiting: usize,
    most_waiting: usize,
}

impl Cluster {
    pub fn run(&self, offered: &[Offered]) -> Found {
        let station = |servers| Station { servers, ..Station::default() };
        let cpu = (0..self.nodes).map(|_| station(self.cores));
        let journal = (0..self.nodes).map(|_| station(1));
        let mut run = Run {
            cluster: self,
            offered,
            chance: Chance(20_000_000),
            now: 0,
            events: BinaryHeap::new(),
            count: 0,
            exchanges: Vec::new(),
            free: Vec::new(),
            stations: cpu.chain(journal).chain([station(self.database_cores)]).collect(),
            in_flight: vec![0; self.nodes],
            is_up: vec![true; self.nodes],
            latencies: Vec::new(),
            asked: 0,
            tried: 0,
            refused: 0,
            given_up: 0,
            worst: 0,
            waiting: 0,
            most_waiting: 0,
        };
        run.play();
        run.found()
    }
}

impl Run<'_> {
    fn play(&mut self) {
        for kind in 0..self.offered.len() {
            self.next(kind);
        }
        if let Some((second, _)) = self.cluster.loss {
            self.at(u64::from(second) * 1_000_000, Event::Lost);
        }
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            self.now = at;
            match event {
                Event::Arrive { kind } => {
                    self.asked += u64::from(self.offered[kind].is_exchange);
                    self.arrive(kind, at, 1);
                    self.next(kind);
                }
                Event::Again { kind, first, tries } => self.arrive(kind, first, tries),
                Event::Served { exchange, step } => self.served(exchange, step),
                Event::Impatient { exchange, step } => {
                    if self.is_at(exchange, step) {
                        self.leave_line(exchange);
                        self.refuse(exchange);
                    }
                }
                Event::Lost => self.lose(),
                Event::Back => self.come_back(),
            }
        }
    }

    fn at(&mut self, time: u64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((time, self.count, event)));
    }

    /// The next of a kind, within the time that is looked at.
    fn next(&mut self, kind: usize) {
        let time = self.now + self.chance.exponential(1e6 / self.offered[kind].a_second) as u64;
        if time < u64::from(self.cluster.seconds) * 1_000_000 {
            self.at(time, Event::Arrive { kind });
        }
    }

    fn arrive(&mut self, kind: usize, first: u64, tries: u32) {
        self.tried += 1;
        // The balancer gives it to the node that has least to do.
        let up = (0..self.cluster.nodes).filter(|node| self.is_up[*node]);
        let node = up.min_by_key(|node| self.in_flight[*node]).unwrap_or(0);
        let offered = &self.offered[kind];
        let exchange = Exchange {
            kind,
            node,
            stage: Stage::Read,
            commits: offered.commits,
            first,
            begun: self.now,
            tries,
            step: 0,
            waits: false,
        };
        if self.in_flight[node] >= IN_FLIGHT || self.stations[node].line.len() >= QUEUE {
            return self.repeat(&exchange);
        }
        self.in_flight[node] += 1;
        let place = if let Some(place) = self.free.pop() {
            // What was meant for who was here before is not for it.
            let step = self.exchanges[place].step + 1;
            self.exchanges[place] = Exchange { step, ..exchange };
            place
        } else {
            self.exchanges.push(exchange);
            self.exchanges.len() - 1
        };
        self.enter(place);
    }

    fn station(&self, exchange: &Exchange) -> usize {
        match exchange.stage {
            Stage::Read | Stage::Answer | Stage::Gone => exchange.node,
            Stage::Commit => self.cluster.nodes + exchange.node,
            Stage::Database => self.cluster.nodes * 2,
        }
    }

    /// Stands in the line of its stage, or is served at once.
    fn enter(&mut self, place: usize) {
        let at = self.station(&self.exchanges[place]);
        let station = &mut self.stations[at];
        if station.busy < station.servers && !station.stopped {
            station.busy += 1;
            return self.serve(place);
        }
        station.line.push_back(place);
        self.waiting += 1;
        self.most_waiting = self.most_waiting.max(self.waiting);
        let exchange = &mut self.exchanges[place];
        exchange.waits = true;
        if matches!(exchange.stage, Stage::Database | Stage::Commit) {
            let step = exchange.step;
            self.at(self.now + PATIENCE, Event::Impatient { exchange: place, step });
        }
    }

    fn serve(&mut self, place: usize) {
        let exchange = &self.exchanges[place];
        let offered = &self.offered[exchange.kind];
        let mean = match exchange.stage {
            // Verifying is cheaper than signing: a third and two thirds.
            Stage::Read => offered.node_micros / 3.0,
            Stage::Answer => offered.node_micros * 2.0 / 3.0,
            Stage::Database => offered.database_micros / f64::from(offered.commits),
            Stage::Commit => self.cluster.held_micros,
            Stage::Gone => return,
        };
        let time = self.chance.work(mean);
        let (at, step) = (self.station(exchange), exchange.step);
        self.stations[at].served += time;
        self.at(self.now + time, Event::Served { exchange: place, step });
    }

    fn is_at(&self, place: usize, step: u32) -> bool {
        self.exchanges[place].step == step && self.exchanges[place].stage != Stage::Gone
    }

    fn served(&mut self, place: usize, step: u32) {
        if !self.is_at(place, step) {
            return;
        }
        let at = self.station(&self.exchanges[place]);
        self.give_way(at);
        let exchange = &mut self.exchanges[place];
        exchange.step += 1;
        exchange.stage = match exchange.stage {
            Stage::Read => Stage::Database,
            Stage::Database => Stage::Commit,
            Stage::Commit => {
                exchange.commits -= 1;
                if exchange.commits == 0 { Stage::Answer } else { Stage::Database }
            }
            Stage::Answer | Stage::Gone => {
                if self.offered[exchange.kind].is_exchange {
                    self.latencies.push(self.now - exchange.begun);
                    self.worst = self.worst.max(self.now - exchange.first);
                }
                return self.go(place);
            }
        };
        self.enter(place);
    }

    /// One has been served: the next in the line is.
    fn give_way(&mut self, at: usize) {
        let station = &mut self.stations[at];
        station.busy = station.busy.saturating_sub(1);
        while station_may_serve(&self.stations[at]) {
            let Some(place) = self.stations[at].line.pop_front() else { return };
            self.stations[at].busy += 1;
            self.waiting -= 1;
            self.exchanges[place].waits = false;
            self.exchanges[place].step += 1;
            self.serve(place);
        }
    }

    fn leave_line(&mut self, place: usize) {
        if self.exchanges[place].waits {
            let at = self.station(&self.exchanges[place]);
            self.stations[at].line.retain(|waits| *waits != place);
            self.waiting -= 1;
        }
    }

    /// The exchange is over, however it ended.
    fn go(&mut self, place: usize) {
        let exchange = &mut self.exchanges[place];
        exchange.stage = Stage::Gone;
        exchange.waits = false;
        exchange.step += 1;
        self.in_flight[exchange.node] -= 1;
        self.free.push(place);
    }

    fn refuse(&mut self, place: usize) {
        let refused = self.exchanges[place];
        self.go(place);
        self.repeat(&refused);
    }

    /// Who was refused asks again, for some time.
    fn repeat(&mut self, refused: &Exchange) {
        self.refused += 1;
        if refused.tries >= TRIES {
            self.given_up += 1;
            return;
        }
        let after = AGAIN / 2 + (self.chance.share() * AGAIN as f64) as u64;
        let (kind, first, tries) = (refused.kind, refused.first, refused.tries + 1);
        self.at(self.now + after, Event::Again { kind, first, tries });
    }

    fn lose(&mut self) {
        let Some((_, loss)) = self.cluster.loss else { return };
        match loss {
            Loss::Node => {
                self.is_up[0] = false;
                for place in 0..self.exchanges.len() {
                    if self.exchanges[place].node == 0 && self.exchanges[place].stage != Stage::Gone {
                        self.leave_line(place);
                        self.end_service(place);
                        self.refuse(place);
                    }
                }
            }
            Loss::Leader { seconds } => {
                for at in self.cluster.nodes..self.stations.len() {
                    self.stations[at].stopped = true;
                }
                // Whoever it was working for hears that nobody knows how that ended.
                for place in 0..self.exchanges.len() {
                    let exchange = &self.exchanges[place];
                    if matches!(exchange.stage, Stage::Database | Stage::Commit) && !exchange.waits {
                        self.end_service(place);
                        self.refuse(place);
                    }
                }
                self.at(self.now + u64::from(seconds) * 1_000_000, Event::Back);
            }
        }
    }

    /// What was being served is not any more.
    fn end_service(&mut self, place: usize) {
        if !self.exchanges[place].waits {
            let at = self.station(&self.exchanges[place]);
            self.stations[at].busy = self.stations[at].busy.saturating_sub(1);
        }
    }

    fn come_back(&mut self) {
        for at in self.cluster.nodes..self.stations.len() {
            self.stations[at].stopped = false;
            // Nothing was served: who stands first is served now.
            self.stations[at].busy += 1;
            self.give_way(at);
        }
    }

    fn found(mut self) -> Found {
        self.latencies.sort_unstable();
        let share = |share: f64| {
            let place = (self.latencies.len() as f64 * share) as usize;
            self.latencies.get(place).map_or(0.0, |latency| *latency as f64 / 1e3)
        };
        let nodes = self.cluster.nodes;
        // To the last answer: what is asked again ends later.
        let time = (self.now as f64).max(f64::from(self.cluster.seconds) * 1e6);
        let used = |station: &Station| station.served as f64 / (time * station.servers as f64);
        let cpu = self.stations[..nodes].iter().map(used).sum::<f64>() / nodes as f64;
        let journal = self.stations[nodes..nodes * 2].iter().map(used).fold(0.0, f64::max);
        Found {
            asked: self.asked as f64 / f64::from(self.cluster.seconds),
            nodes: cpu,
            leader: used(&self.stations[nodes * 2]),
            journal,
            p50: share(0.5),
            p99: share(0.99),
            worst: self.worst as f64 / 1e6,
            waiting: self.most_waiting,
            refused: self.refused as f64 / self.tried as f64,
            given_up: self.given_up,
        }
    }
}

fn station_may_serve(station: &Station) -> bool {
    station.busy < station.servers && !station.stopped
}
