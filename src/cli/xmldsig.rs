//! `kdp xmldsig`: enveloped signatures of XML files (trust.md 1).

mod sign;
mod verify;
mod word;

use super::Result;
use clap::Subcommand;

/// Verifies and makes enveloped XML signatures of files
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp xmldsig verify contract.xml --lang kk")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(verify::Args),
    Sign(sign::Args),
}

/// Runs a subcommand.
pub async fn run(args: &Args) -> Result {
    match &args.command {
        Command::Verify(args) => verify::run(args).await,
        Command::Sign(args) => sign::run(args),
    }
}
