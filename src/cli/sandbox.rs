//! `kdp sandbox`.

use super::{Outcome, Result};
use clap::ValueEnum;
use hyper::Uri;
use kdp::sandbox::{Crypto, Options};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Runs the service with everything around it simulated; no other program, network or account is needed.
///
/// The first line on stdout is `ready http://…/shep/sync`; `GET /sandbox` on the same address tells what exists.
/// Its operators are registrar, officer, officer2, auditor and support, their passwords in DIR/operators/NAME.password; a
/// command with --data acts as the first of them who may run it, or as the one that --operator names, without a login.
///
/// With --service it is the outside of a `kdp serve` elsewhere: ШЭП, БМГ and 1414 over SOAP, with what can go wrong there
/// switched at /sandbox/faults. DIR/serve.toml is a configuration for that service, and --register sets up its database.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp sandbox --listen 127.0.0.1:8414 --data ./sandbox-data\n\n\
                  A service of its own, with the sandbox for its outside:\n  \
                  kdp sandbox --service http://127.0.0.1:9000\n  \
                  kdp sandbox --register sandbox-data/serve.toml\n  \
                  and then `kdp serve --config sandbox-data/serve.toml`")]
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
    /// Where the state lives, if not in a file of the data directory: the postgres address of an empty database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Begin anew: empty the data directory first
    #[arg(long)]
    reset: bool,
    /// Make everything random from this number, so that two runs are equal
    #[arg(long)]
    seed: Option<u64>,
    /// What everybody signs with by itself: the service, and peers in `kdp send --as`; as at the last start unless given
    #[arg(long, value_enum)]
    crypto: Option<CryptoWord>,
    /// The service that this is the outside of, http://HOST:PORT: it gets the replies of subjects
    #[arg(long, value_name = "URL")]
    service: Option<Uri>,
    /// Only set up the database of the service with this configuration: keys, and the parties of the sandbox in DIR
    #[arg(long, value_name = "CONFIG", conflicts_with_all = ["service", "database", "reset", "seed", "crypto", "admin_listen"])]
    register: Option<PathBuf>,
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
    let Args { listen, admin_listen, data, database, reset, seed, crypto, service, register, log_level } =
        args;
    if let Some(config) = register {
        let senders = kdp::sandbox::register(&data, &config).await?;
        return Ok(Outcome::accepted(format!("{senders} senders registered\n")));
    }
    let crypto = crypto.map(Crypto::from);
    let options = Options { listen, admin_listen, data, database, reset, seed, crypto, service, log_level };
    kdp::sandbox::run(options).await?;
    Ok(Outcome::accepted(""))
}
