//! `kdp serve`.

use super::{Outcome, Result};
use std::path::PathBuf;

/// Runs the service until SIGTERM, then lets running exchanges end.
///
/// SIGHUP rereads what can change while serving. Logs are JSON on stderr.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp serve --config /etc/kdp/kdp.toml")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
}

/// Serves.
pub async fn run(args: Args) -> Result {
    kdp::serve::run(args.config).await?;
    Ok(Outcome::accepted(""))
}
