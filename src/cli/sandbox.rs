//! `kdp sandbox`.

use super::{Outcome, Result};
use kdp::sandbox::Options;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Runs the service with everything around it simulated; no other program, network or account is needed.
///
/// The first line on stdout is `ready http://…/shep/sync`; `GET /sandbox` on the same address tells what exists.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp sandbox --listen 127.0.0.1:8414 --data ./sandbox-data")]
pub struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8414")]
    listen: SocketAddr,
    /// A second listener for health and metrics
    #[arg(long)]
    admin_listen: Option<SocketAddr>,
    /// Where database, keys and certificates are kept between runs
    #[arg(long, default_value = "sandbox-data")]
    data: PathBuf,
    /// Begin anew: empty the data directory first
    #[arg(long)]
    reset: bool,
    /// Make everything random from this number, so that two runs are equal
    #[arg(long)]
    seed: Option<u64>,
    /// error, warn, info or debug; the log goes to stderr
    #[arg(long, default_value = "warn")]
    log_level: String,
}

/// Runs until it is stopped.
pub async fn run(args: Args) -> Result {
    let Args { listen, admin_listen, data, reset, seed, log_level } = args;
    kdp::sandbox::run(Options { listen, admin_listen, data, reset, seed, log_level }).await?;
    Ok(Outcome::accepted(""))
}
