//! A seeded sandbox in this process, its clock standing at the fixtures' time.

#[path = "connection.rs"]
mod connection;
#[path = "options.rs"]
mod options;

pub use connection::*;
use kdp::config::Limits;
use kdp::sandbox::{Options, Running, limits, start_within};
pub use options::options;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `now` of fixtures/world.json, Unix milliseconds.
pub const NOW: i64 = 1_775_026_800_000;

/// The sandbox of seed 1 in a fresh directory.
pub struct Stand {
    pub running: Running,
    pub directory: tempfile::TempDir,
    pub address: SocketAddr,
}

impl Stand {
    pub async fn start() -> Self {
        Self::start_within(limits()).await
    }

    pub async fn start_within(limits: Limits) -> Self {
        Self::start_on(None, limits).await
    }

    /// On a database of another kind than the file in its directory.
    pub async fn start_on(database: Option<String>, limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { database, ..options(directory.path()) };
        let running = start_within(options, Some(NOW), limits).await.unwrap();
        let address = running.url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        Self { address: address.parse().unwrap(), running, directory }
    }

    pub fn database(&self) -> PathBuf {
        self.directory.path().join("kdp.db")
    }
}
