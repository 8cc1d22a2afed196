//! Our service beside servers that others would pick for the same work, in one run on one machine.

mod contest;
mod data;
mod envelope;
mod harness;
mod report;
mod server;
mod verdict;

use crate::installation::{Disk, Installation};
use crate::stand::Stand;
use contest::{Call, Contest, Drawing};
use envelope::Envelopes;
use harness::Harness;
use server::Server;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where the folder of the peers is told.
const FOLDER: &str = "KDP_PEERS";

#[derive(clap::Args)]
pub struct Options {
    /// First install what the peers need and build them, below --built
    #[arg(long)]
    build: bool,
    /// Where the peers are built, and what they read is put [default: beside what cargo builds]
    #[arg(long, value_name = "DIR")]
    built: Option<PathBuf>,
    /// Only these of the peers
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Connections that are kept alive
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Seconds of a round [default: 5]
    #[arg(long)]
    seconds: Option<f64>,
    /// Where the figures are written too [default: peers.json below --built]
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How long everything takes.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// Seconds of a round.
    pub seconds: f64,
    /// Seconds of load before the first round, of a program that is compiled while it runs and of any other.
    pub warm: [f64; 2],
    /// Tokens that are granted before the first round, to be checked later.
    pub tokens: usize,
    pub connections: usize,
}

impl Options {
    /// Measures, prints the tables and writes the figures; what is missing is said, with how to get it.
    pub fn run(&self, all: &crate::Options) -> ExitCode {
        match self.measure(all) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn measure(&self, all: &crate::Options) -> Result<(), String> {
        let folder = std::env::var_os(FOLDER).ok_or_else(|| {
            format!("{FOLDER} is not set: it names the folder of the peers (tests/bench/README.md, «Peers»)")
        })?;
        let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers");
        let built = self.built.clone().unwrap_or_else(beside);
        let harness = Harness::new(Path::new(&folder), &built)?;
        if self.build {
            harness.build()?;
        }
        let effort = self.effort(all);
        let rows = data::write(&harness.data())?;
        // Their databases lie on the same disk as ours.
        let place = tempfile::Builder::new().prefix("kdp-peers-").tempdir_in(&all.dir);
        let place = place.map_err(|error| format!("{}: {error}", all.dir.display()))?;
        let mut servers = harness.start(&self.only, place.path())?;
        servers.push(Server::ours(Stand::start(Installation::temporary(&all.dir), Disk::Full)));
        let (envelopes, mut drawing) = (Envelopes::new(), Drawing::new(rows));
        let results = [Call::Grant, Call::Check].map(|call| {
            let contest =
                Contest { harness: &harness, servers: &servers, envelopes: &envelopes, effort, call };
            contest.hold(&mut drawing)
        });
        for result in &results {
            report::print(result);
        }
        report::aims(&results);
        let file = self.json.clone().unwrap_or_else(|| built.join("peers.json"));
        std::fs::write(&file, report::json(&results, &effort))
            .map_err(|e| format!("{}: {e}", file.display()))?;
        println!("\nfigures: {}", file.display());
        Ok(())
    }

    fn effort(&self, all: &crate::Options) -> Effort {
        let quick = all.quick;
        Effort {
            rounds: all.rounds.unwrap_or(if quick { 1 } else { 5 }),
            seconds: self.seconds.unwrap_or(if quick { 2.0 } else { 5.0 }),
            warm: if quick { [2.0, 1.0] } else { [12.0, 3.0] },
            tokens: if quick { 500 } else { 10_000 },
            connections: self.connections,
        }
    }
}
