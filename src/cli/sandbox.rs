//! `kdp sandbox`.

use super::{Outcome, Result};
use clap::ValueEnum;
use kdp::sandbox::{Crypto, Options};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Runs the service with everything around it simulated; no other program, network or account is needed.
///
/// The first line on stdout is `ready http://…/shep/sync`; `GET /sandbox` on the same address tells what exists.
/// Its operators are registrar, officer, officer2, auditor and support, their passwords in DIR/operators/NAME.password; a
/// command with --data acts as the first of them who may run it, or as the one that --operator names, without a login.
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
    /// What everybody signs with by itself: the service, and peers in `kdp send --as`; as at the last start unless given
    #[arg(long, value_enum)]
    crypto: Option<CryptoWord>,
    /// error, warn, info or debug; the log goes to stderr
    #[arg(long, default_value = "warn")]
    log_level: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum CryptoWord {
    Rsa,
    Gost,
    Mixed,
}

impl From<CryptoWord> for Crypto {
    fn from(word: CryptoWord) -> Self {
        match word {
            CryptoWord::Rsa => Self::Rsa,
            CryptoWord::Gost => Self::Gost,
            CryptoWord::Mixed => Self::Mixed,
        }
    }
}

/// Runs until it is stopped.
pub async fn run(args: Args) -> Result {
    let Args { listen, admin_listen, data, reset, seed, crypto, log_level } = args;
    let crypto = crypto.map(Crypto::from);
    kdp::sandbox::run(Options { listen, admin_listen, data, reset, seed, crypto, log_level }).await?;
    Ok(Outcome::accepted(""))
}
