//! `kdp journal`: verifying the journal, and exporting a part of it (P 7 4)-6)).

mod export;
mod verify;
mod word;

use super::Result;
use clap::Subcommand;
use kdp::operator::duty::Errand;

/// Verifies the journal, or exports a part of it for the authorised body.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp journal verify --config /etc/kdp/kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(Box<verify::Args>),
    Export(export::Args),
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Verify(args) => verify::run(*args, errand).await,
        Command::Export(args) => export::run(args, errand).await,
    }
}
