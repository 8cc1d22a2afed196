//! `kdp sandbox`: the production service with everything outside it simulated, in one process and one directory; and,
//! in [`stand`], everything outside for a service elsewhere.

mod crypto;
mod ear;
mod installation;
mod kept;
pub mod mask;
mod operator;
mod outside;
mod page;
mod pki;
mod register;
mod route;
mod service;
mod stand;
mod start;
mod world;

use crate::app::App;
use crate::clock::MovableClock;
use crate::serve::{StartError, Termination};
pub use crypto::Crypto;
use ear::Ear;
use hyper::Uri;
pub use installation::{limits, open};
use kept::{Kept, password};
use outside::Outside;
pub use service::register;
use stand::Stand;
pub use start::{Running, start, start_within};
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use world::World;

/// How `kdp sandbox` was called.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one listener.
    pub listen: SocketAddr,
    /// Another one for health and metrics.
    pub admin_listen: Option<SocketAddr>,
    /// Directory of everything that is kept.
    pub data: PathBuf,
    /// `postgres://…`, an empty database of its own; `None`: as at the first start on this directory, then a file in it.
    pub database: Option<String>,
    /// Begin anew.
    pub reset: bool,
    /// Makes two runs equal.
    pub seed: Option<u64>,
    /// What everybody signs with; `None`: as at the last start on this directory, RSA at the first.
    pub crypto: Option<Crypto>,
    /// The `kdp serve` that this is the outside of, `http://HOST:PORT`; `None`: the service in this process has it all.
    pub service: Option<Uri>,
    /// `error`, `warn`, `info` or `debug`.
    pub log_level: String,
}

/// The running sandbox.
pub struct Sandbox {
    app: Arc<App>,
    outside: Arc<Outside>,
    /// Who hears what subjects send.
    ear: Arc<dyn Ear>,
    stand: Arc<Stand>,
    clock: Arc<MovableClock>,
    world: World,
    data: PathBuf,
    base: String,
    kept: Kept,
    /// Two sandboxes on one directory would spoil it.
    _lock: File,
}

/// Life of the sandbox's token key, seconds: as long as its certificates.
const TEN_YEARS: i64 = 3653 * 86_400;

/// Runs until SIGTERM. Prints `ready URL` on stdout when it can be called.
///
/// # Errors
/// [`StartError`] when it does not start.
pub async fn run(options: Options) -> Result<(), StartError> {
    crate::log::start(&options.log_level);
    let termination = Termination::catch()?;
    let running = start(options, None).await?;
    println!("ready {}", running.url);
    let _ = std::io::stdout().flush();
    termination.wait().await;
    running.stop().await;
    Ok(())
}

impl Sandbox {
    /// Keeps where the clock is, over a restart.
    fn keep_clock(&self) -> Result<(), StartError> {
        let clock_offset = self.clock.offset();
        Kept { clock_offset, ..self.kept.clone() }.write(&self.data)
    }
}
