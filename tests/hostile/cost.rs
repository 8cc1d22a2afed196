//! What a message costs the service: CPU time and memory of its own process, as the system counts them.

use super::shape::{Hostile, Sent};
use super::stand::{Connection, Reply, head};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A sandbox in a process of its own.
pub struct Meter {
    process: Child,
    address: SocketAddr,
    /// Memory after a good message, bytes.
    before: u64,
    _directory: tempfile::TempDir,
}

/// What one message came to.
pub struct Cost {
    pub code: String,
    pub time: Duration,
    /// How far above its beginning the memory of the process ever was, bytes.
    pub memory: u64,
}

impl Meter {
    pub fn start(good: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.args(["sandbox", "--seed", "1", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path());
        // What the allocator keeps for later is not what a message needs.
        command.env("MIMALLOC_PURGE_DELAY", "0");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address =
            ready.strip_prefix("ready http://").unwrap().split('/').next().unwrap().parse().unwrap();
        let mut meter = Self { process, address, before: 0, _directory: directory };
        for _ in 0..3 {
            let reply = Connection::open(address).post(good);
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        let before = meter.status("VmRSS:");
        meter.before = before;
        meter
    }

    /// Sends it three times. The first tells the memory; of the times the shortest counts, since other work on the machine
    /// only adds to it.
    pub fn measure(&self, hostile: &Hostile) -> Cost {
        let mut cost = Cost { code: String::new(), time: Duration::MAX, memory: 0 };
        for round in 0..3 {
            let before = self.cpu();
            cost.code = code(&self.send(&hostile.sent));
            cost.time = cost.time.min(self.cpu().saturating_sub(before));
            if round == 0 {
                cost.memory = self.status("VmHWM:").saturating_sub(self.before);
            }
        }
        cost
    }

    /// A file of the process in `/proc`.
    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.process.id())
    }

    fn send(&self, sent: &Sent) -> Reply {
        let mut connection = Connection::open(self.address);
        let (start, piece, times, is_chunked) = match sent {
            Sent::Whole(bytes) => return connection.post(bytes),
            Sent::Endless { start, piece, times, is_chunked } => (start, piece, *times, *is_chunked),
        };
        let typed = "Content-Type: text/xml\r\n";
        let chunk = |bytes: &[u8]| {
            let length = format!("{:x}\r\n", bytes.len());
            if is_chunked { [length.as_bytes(), bytes, b"\r\n"].concat() } else { bytes.to_vec() }
        };
        let chunked =
            format!("POST /shep/sync HTTP/1.1\r\nHost: h\r\n{typed}Transfer-Encoding: chunked\r\n\r\n");
        let whole = head("POST", "/shep/sync", typed, start.len() + piece.len() * times);
        let first = if is_chunked { chunked.into_bytes() } else { whole };
        // Small pieces go together: what is measured is the service, not the number of packets.
        let together = (64 << 10) / piece.len() + 1;
        let batch = chunk(&piece.repeat(together));
        let mut is_read = connection.write(&first) && connection.write(&chunk(start.as_bytes()));
        for _ in 0..times / together {
            // It answers and closes before it has read everything.
            is_read = is_read && connection.write(&batch);
        }
        connection.read()
    }

    /// CPU time of all threads.
    fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(self.proc("task")).unwrap();
        let spent = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(spent.sum())
    }

    /// A line of `/proc/PID/status` in kB, as bytes.
    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn code(reply: &Reply) -> String {
    match reply.element("errorCode").or_else(|| reply.element("code")) {
        Some("SCSS001") => format!("SCSS001 {}", reply.element("reason").unwrap_or_default()),
        Some(code) => code.to_owned(),
        None => format!("HTTP {}", reply.status),
    }
}
