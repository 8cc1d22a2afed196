//! The benchmarks: the release binary as `kdp serve`, loaded over real HTTP on loopback.
//!
//! `cargo bench --bench exchange` prints one table; nothing here passes or fails by time. The README beside this
//! file says what the figures mean.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded for people")]

mod client;
mod cryptography;
mod grown;
mod installation;
mod load;
mod national;
mod outside;
mod overload;
mod peers;
mod process;
mod published;
mod reply;
mod report;
mod round;
mod sandbox;
mod server;
mod sizes;
mod speed;
mod stand;
mod table;

use clap::Parser as _;
use kdp::trust::outgoing::KeyInfoForm;
use speed::Run;
use std::path::PathBuf;
use std::process::ExitCode;

/// Speed of one exchange, and what it costs in memory
#[derive(clap::Parser)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
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
    #[arg(long, global = true, default_value = env!("CARGO_TARGET_TMPDIR"))]
    dir: PathBuf,
    /// Only load the service while `perf record` watches it, which writes this file
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// With --profile: by token checks, not by grants
    #[arg(long, requires = "profile")]
    checks: bool,
    /// Given by `cargo bench`; without it nothing is measured, so that `cargo test --benches` ends at once
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Only token checks
    Check,
    /// Only the token status list
    StatusList,
    /// Ten times the load of its capacity, most of it by one sender
    Overload,
    /// БМГ and 1414 slow or silent: what SMS requests cost, and what the others see of it
    Outside,
    /// Beside servers that others would pick; their folder is in `KDP_PEERS`
    Peers(peers::Options),
    /// A large database beside an almost empty one
    Grown(grown::Options),
    /// What a million tokens take on the disk, and what exchanges cost a database of each kind
    Sizes(sizes::Options),
    /// A country on paper: the blocks of deploy/capacity.md
    National,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    Certificate,
    IssuerSerial,
}

impl From<Form> for KeyInfoForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Certificate => Self::Certificate,
            Form::IssuerSerial => Self::IssuerSerial,
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        println!("run by: cargo bench --bench exchange");
        return ExitCode::SUCCESS;
    }
    match (&options.command, &options.profile) {
        (None, Some(file)) => Run::new(&options).profile(file),
        (None, None) => Run::new(&options).measure(),
        (Some(Command::Check), _) => Run::new(&options).measure_checks(),
        (Some(Command::StatusList), _) => {
            let mut table = table::Table::default();
            published::measure(&mut table, &options.dir);
            table.print();
        }
        (Some(Command::Overload), _) => overload::measure(&options.dir),
        (Some(Command::Peers(peers)), _) => return peers.run(&options),
        (Some(Command::Outside), _) => outside::measure(&options),
        (Some(Command::Grown(grown)), _) => grown.run(&options.dir),
        (Some(Command::Sizes(sizes)), _) => sizes.run(&options.dir),
        (Some(Command::National), _) => {
            let paper = national::Paper::write();
            println!("{}\n{}", paper.formulas, paper.simulation);
        }
    }
    ExitCode::SUCCESS
}
