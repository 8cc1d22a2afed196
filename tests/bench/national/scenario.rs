//! The hours that matter: a usual one, the peak, and the peak while something is lost.

use super::demand::{DEMAND, Kind, MEASURED};
use super::queue::{Cluster, Found, Loss, Offered};

pub struct Scenario {
    pub name: &'static str,
    /// Tokens a second over the mean of the year.
    times: f64,
    nodes: usize,
    cores: usize,
    loss: Option<(u32, Loss)>,
}

const MINUTES: u32 = 10;

pub const SCENARIOS: [Scenario; 8] = [
    Scenario { name: "mean hour of the year, 2 nodes", times: 1.0, nodes: 2, cores: 4, loss: None },
    Scenario { name: "busiest hour of a usual day, 2 nodes", times: 2.9, nodes: 2, cores: 4, loss: None },
    Scenario { name: "peak, 2 nodes", times: DEMAND.peak, nodes: 2, cores: 4, loss: None },
    Scenario {
        name: "peak, 2 nodes, one is lost",
        times: DEMAND.peak,
        nodes: 2,
        cores: 4,
        loss: Some((5, Loss::Node)),
    },
    Scenario {
        name: "peak, 2 nodes, the leader is lost for 25 s",
        times: DEMAND.peak,
        nodes: 2,
        cores: 4,
        loss: Some((5, Loss::Leader { seconds: 25 })),
    },
    Scenario { name: "peak, 1 node of 2 cores", times: DEMAND.peak, nodes: 1, cores: 2, loss: None },
    Scenario { name: "twice the peak, 2 nodes", times: DEMAND.peak * 2.0, nodes: 2, cores: 4, loss: None },
    Scenario {
        name: "five times the peak, 2 nodes",
        times: DEMAND.peak * 5.0,
        nodes: 2,
        cores: 4,
        loss: None,
    },
];

impl Scenario {
    pub fn run(&self) -> Found {
        let tokens = DEMAND.tokens_a_year / super::SECONDS_OF_YEAR * self.times;
        let offered: Vec<Offered> = Kind::ALL
            .iter()
            .map(|kind| Offered {
                is_exchange: kind.is_exchange(),
                a_second: tokens * kind.per_token(),
                node_micros: kind.node_micros(),
                database_micros: kind.database_micros(),
                commits: kind.commits(),
            })
            .collect();
        let cluster = Cluster {
            nodes: self.nodes,
            cores: self.cores,
            database_cores: 8,
            held_micros: MEASURED.held_micros(),
            seconds: MINUTES * 60,
            loss: self.loss.map(|(minute, loss)| (minute * 60, loss)),
        };
        cluster.run(&offered)
    }
}
