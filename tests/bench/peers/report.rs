//! The tables, and the same figures for a program to read.

use super::Effort;
use super::contest::{Call, Outcome, Standing, middle};
use super::harness::YARDSTICK;
use crate::table::Table;
use serde_json::{Value, json};

/// What is aimed at, in shares of the best peer's figures.
struct Aim {
    title: &'static str,
    rate: f64,
    cpu: f64,
}

impl Call {
    fn aim(self) -> Aim {
        match self {
            Self::Grant => Aim { title: "grant, method 2", rate: 2.0, cpu: 0.5 },
            Self::Check => Aim { title: "token check", rate: 2.5, cpu: 0.4 },
        }
    }
}

/// The servers of one call, the fastest first.
pub fn print(outcome: &Outcome) {
    let (aim, best) = (outcome.call.aim(), outcome.best());
    let [ours, theirs] = outcome.size;
    println!("\n{}: envelopes of {ours} bytes to kdp, of {theirs} to the others", aim.title);
    println!(
        "{:8}{:>10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>13}{:>13}   others, cores",
        "server", "req/s", "best", "CPU µs", "p50 ms", "p99 ms", "memory MiB", "req/s ÷ best", "CPU ÷ best"
    );
    let mut standings: Vec<_> = outcome.standings.iter().collect();
    standings.sort_by(|a, b| b.rate().total_cmp(&a.rate()));
    for standing in standings {
        let fastest = standing.full.iter().map(|round| round.rate).fold(0.0, f64::max);
        let others: Vec<_> = standing.full.iter().map(|round| format!("{:.2}", round.others)).collect();
        println!(
            "{:8}{:10.0}{fastest:10.0}{:10.0}{:10.1}{:10.1}{:12.0}{:13.2}{:13.2}   {}",
            standing.name,
            standing.rate(),
            standing.cpu(),
            middle(&standing.full, |round| round.p50),
            middle(&standing.full, |round| round.p99),
            mebibytes(standing.memory),
            standing.rate() / best.rate(),
            standing.cpu() / best.cpu(),
            others.join(" ")
        );
    }
    println!("at {:.0} requests a second, four fifths of the full speed of {}:", outcome.rate, best.name);
    for standing in outcome.standings.iter().filter(|standing| !standing.steady.is_empty()) {
        let others: Vec<_> = standing.steady.iter().map(|round| format!("{:.2}", round.others)).collect();
        println!(
            "{:8}{:10.0}{:10}{:10.0}{:10.1}{:10.1}{:38}   {}",
            standing.name,
            middle(&standing.steady, |round| round.rate),
            "",
            middle(&standing.steady, |round| round.cpu),
            middle(&standing.steady, |round| round.p50),
            middle(&standing.steady, |round| round.p99),
            "",
            others.join(" ")
        );
    }
    println!("{YARDSTICK} is a yardstick and no peer: the least code that does it for the peers' envelopes");
}

/// Ours beside the best peer.
pub fn aims(outcomes: &[Outcome]) {
    let mut table = Table::default();
    for outcome in outcomes {
        let (aim, best, ours) = (outcome.call.aim(), outcome.best(), outcome.ours());
        table.group(&format!("{}, kdp ÷ {}, the best peer", aim.title, best.name));
        let ratio = |ours: f64, best: f64| format!("{:.2}", ours / best);
        table.row("requests a second", ratio(ours.rate(), best.rate()), &format!("≥ {}", aim.rate));
        table.row("CPU of a request", ratio(ours.cpu(), best.cpu()), &format!("≤ {}", aim.cpu));
        let p99 = |standing: &Standing| middle(&standing.steady, |round| round.p99);
        let name = format!("p99 at {:.0} requests a second", outcome.rate);
        table.row(&name, ratio(p99(ours), p99(best)), "< 1");
    }
    table.print();
}

/// All rounds: rates in requests a second, CPU in µs, latencies in ms, memory in bytes.
pub fn json(outcomes: &[Outcome], effort: &Effort) -> String {
    let rounds = |rounds: &[super::contest::Measured]| -> Vec<Value> {
        rounds
            .iter()
            .map(|round| {
                json!({
                    "rate": round.rate, "cpu_us": round.cpu, "load_us": round.load, "p50_ms": round.p50,
                    "p99_ms": round.p99, "others_cores": round.others,
                })
            })
            .collect()
    };
    let server = |standing: &Standing| {
        json!({
            "name": standing.name, "is_peer": standing.is_peer, "rate": standing.rate(),
            "cpu_us": standing.cpu(), "memory_bytes": standing.memory, "full": rounds(&standing.full),
            "steady": rounds(&standing.steady),
        })
    };
    let call = |outcome: &Outcome| {
        let (aim, best, ours) = (outcome.call.aim(), outcome.best(), outcome.ours());
        json!({
            "call": aim.title, "envelope_bytes": outcome.size, "best_peer": best.name,
            "rate_ratio": ours.rate() / best.rate(), "rate_aim": aim.rate,
            "cpu_ratio": ours.cpu() / best.cpu(), "cpu_aim": aim.cpu, "steady_rate": outcome.rate,
            "servers": outcome.standings.iter().map(server).collect::<Vec<_>>(),
        })
    };
    let calls: Vec<_> = outcomes.iter().map(call).collect();
    let all = json!({
        "rounds": effort.rounds, "seconds": effort.seconds, "connections": effort.connections, "calls": calls,
    });
    format!("{all:#}\n")
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
