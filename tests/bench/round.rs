//! One round of load with what the server spent on it.

use crate::client::Request;
use crate::load::{self, Drive, Round};
use crate::process::{Usage, machine_busy};
use crate::stand::Stand;
use crate::table::micros;
use std::sync::Arc;
use std::time::Duration;

pub struct Loaded {
    pub round: Round,
    pub server: Usage,
    /// CPU time of the server of its database, if that is another program.
    pub database: Duration,
    /// Transactions of the server's database.
    pub commits: f64,
    /// Cores that neither the server nor the load used.
    pub others: f64,
}

impl Loaded {
    /// Loads `stand`; what was kept of the answers is verified.
    pub fn of(stand: &Stand, requests: &Arc<[Request]>, drive: Drive) -> Self {
        let process = stand.process();
        let stored = stand.installation.server_time();
        let (before, busy, commits) = (process.usage(), machine_busy(), stand.commits());
        let round = load::run(stand.address, requests, drive);
        let (server, busy) = (process.usage() - before, machine_busy().saturating_sub(busy));
        let database = stand.installation.server_time().saturating_sub(stored);
        round.samples.iter().for_each(|sample| stand.believed.check(sample));
        let others = busy.saturating_sub(server.total() + database + round.loader);
        let others = others.as_secs_f64() / round.wall.as_secs_f64();
        Self { server, database, commits: stand.commits() - commits, others, round }
    }

    pub fn exchanges(&self) -> f64 {
        self.round.latencies.len() as f64
    }

    /// Exchanges a second.
    pub fn rate(&self) -> f64 {
        self.exchanges() / self.round.wall.as_secs_f64()
    }

    /// µs of the server's CPU for an exchange.
    pub fn cpu(&self) -> f64 {
        self.each(self.server.total())
    }

    /// µs for an exchange.
    pub fn each(&self, time: Duration) -> f64 {
        micros(time) / self.exchanges()
    }
}
