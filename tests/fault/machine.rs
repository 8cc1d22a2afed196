//! `kdp serve` on a machine that can be broken.

use super::connection::Connection;
use super::installation::Installation;
use super::process::Process;
use super::shim::Shim;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longest wait for what comes by itself.
const PATIENCE: Duration = Duration::from_secs(40);

/// A running service.
pub struct Machine {
    pub process: Process,
    pub public: SocketAddr,
    pub admin: SocketAddr,
}

impl Machine {
    /// Under a shim.
    pub fn start(installation: &Installation, shim: &Shim) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.args(["serve", "--config", &installation.config()]).envs(shim.environment());
        Self::of(command)
    }

    /// By a command of the shell, in which `$KDP` serves.
    pub fn by_shell(installation: &Installation, script: &str) -> Self {
        let mut command = Command::new("sh");
        let kdp = format!("{} serve --config {}", env!("CARGO_BIN_EXE_kdp"), installation.config());
        command.args(["-c", script]).env("KDP", kdp);
        Self::of(command)
    }

    fn of(command: Command) -> Self {
        let (process, public, admin) = Process::spawn(command).serving();
        Self { process, public, admin }
    }

    /// What `/health/ready` says, with its status.
    pub fn health(&self) -> (u16, String) {
        let reply = Connection::open(self.admin).get("/health/ready");
        (reply.status, reply.body)
    }

    /// Waits until it says this.
    pub fn await_health(&self, status: u16, word: &str) {
        let wanted = (status, word.to_owned());
        let mut last = None;
        eventually(|| {
            last = Some(self.health());
            last.as_ref() == Some(&wanted)
        });
        assert_eq!(last, Some(wanted));
    }

    /// The value of a figure, labels and all; 0 if there is none.
    pub fn figure(&self, name: &str) -> u64 {
        let text = Connection::open(self.admin).get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }
}

/// Waits until something is so, but not for ever.
#[expect(clippy::disallowed_methods, reason = "what is waited for comes with time")]
pub fn eventually(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() && Instant::now() < end {
        pause(Duration::from_millis(50));
    }
}

/// Lets time pass, where that is the point.
pub fn pause(time: Duration) {
    let (_open, nothing) = std::sync::mpsc::channel::<()>();
    let _ = nothing.recv_timeout(time);
}
