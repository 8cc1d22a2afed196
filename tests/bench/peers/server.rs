//! A server under load, ours or a peer: a process with all that it started.

use crate::process::{peak_memory, tree, tree_time};
use crate::stand::{Stand, free_address, pause};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a server may take to start, and to end, in pauses of this length.
const PAUSE: Duration = Duration::from_millis(100);
const STARTS: usize = 300;
const ENDS: usize = 50;

pub struct Server {
    pub name: &'static str,
    /// Whether it is compiled while it runs, and therefore slow at first.
    pub slow_start: bool,
    pub address: SocketAddr,
    running: Running,
}

enum Running {
    Ours(Box<Stand>),
    Peer(Group),
}

impl Server {
    pub fn ours(stand: Stand) -> Self {
        Self {
            name: "kdp",
            slow_start: false,
            address: stand.address,
            running: Running::Ours(Box::new(stand)),
        }
    }

    /// Starts a peer by the command for a port.
    pub fn start(
        name: &'static str,
        slow_start: bool,
        command: impl FnOnce(u16) -> Command,
        log: &Path,
    ) -> Result<Self, String> {
        let address = free_address();
        let file = || fs::File::create(log).map_err(|error| format!("{}: {error}", log.display()));
        let mut command = command(address.port());
        let command = command.stdin(Stdio::null()).stdout(file()?).stderr(file()?).process_group(0);
        let mut group = Group(command.spawn().map_err(|error| format!("{name}: {error}"))?);
        for _ in 0..STARTS {
            if TcpStream::connect(address).is_ok() {
                return Ok(Self { name, slow_start, address, running: Running::Peer(group) });
            }
            if group.0.try_wait().ok().flatten().is_some() {
                break;
            }
            pause(PAUSE);
        }
        let said = fs::read_to_string(log).unwrap_or_default();
        Err(format!("{name} did not start; it said:\n{said}"))
    }

    pub fn stand(&self) -> Option<&Stand> {
        match &self.running {
            Running::Ours(stand) => Some(stand),
            Running::Peer(_) => None,
        }
    }

    /// CPU time of the process and of those that it started.
    pub fn cpu(&self) -> Duration {
        tree_time(&self.tree())
    }

    /// Resident memory at its highest, bytes: the sum over the processes, each with what it shares.
    pub fn memory(&self) -> u64 {
        self.tree().into_iter().filter_map(peak_memory).sum()
    }

    fn tree(&self) -> Vec<u32> {
        tree(match &self.running {
            Running::Ours(stand) => stand.process().id(),
            Running::Peer(group) => group.0.id(),
        })
    }
}

/// A process and those that it started, ended when dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.0);
        let _ = kill_process_group(group, Signal::TERM);
        for _ in 0..ENDS {
            if !matches!(self.0.try_wait(), Ok(None)) {
                break;
            }
            pause(PAUSE);
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}
