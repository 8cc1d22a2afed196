//! A running `kdp serve` or `kdp sandbox`, and its log.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Longest wait for a line of the log, or for the end.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Process {
    child: Child,
    lines: Receiver<String>,
    /// The lines that were read so far.
    log: Vec<String>,
}

/// How a process ended, and everything that it said.
pub struct Gone {
    pub code: Option<i32>,
    pub out: String,
    pub log: Vec<String>,
}

impl Process {
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.args(arguments);
        Self::spawn(command)
    }

    /// A command that becomes the service.
    pub fn spawn(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let lines = lines(child.stderr.take().unwrap());
        Self { child, lines, log: Vec::new() }
    }

    /// `kdp serve`, when it serves: with the addresses of its public and its admin listener.
    pub fn serve(config: &str) -> (Self, SocketAddr, SocketAddr) {
        Self::start(&["serve", "--config", config]).serving()
    }

    /// When it serves: with the addresses of its public and its admin listener.
    pub fn serving(mut self) -> (Self, SocketAddr, SocketAddr) {
        let line = self.await_line("\"serving\"");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| line[name].as_str().unwrap().parse().unwrap();
        let (public, admin) = (address("public"), address("admin"));
        (self, public, admin)
    }

    /// `kdp sandbox`, when it says that it is ready: with the address of its service.
    pub fn sandbox(arguments: &[&str]) -> (Self, String) {
        let mut process = Self::start(&[&["sandbox"], arguments].concat());
        let mut line = String::new();
        let mut stdout = BufReader::new(process.child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        process.child.stdout = Some(stdout.into_inner());
        let url = line.trim_end().strip_prefix("ready ").unwrap_or_else(|| panic!("not ready: {line}"));
        (process, url.to_owned())
    }

    /// The next line of the log that holds `text`; earlier ones are kept too.
    pub fn await_line(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("no line with {text} in\n{}", self.log.join("\n"))
            };
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal: `TERM`, `HUP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end.
    pub fn end(mut self) -> Gone {
        // Its log ends with it.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.log.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it does not end; its log:\n{}", self.log.join("\n"))
                }
            }
        }
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Gone { code: self.child.wait().unwrap().code(), out, log: std::mem::take(&mut self.log) }
    }

    /// SIGTERM, and the end.
    pub fn terminate(self) -> Gone {
        self.signal("TERM");
        self.end()
    }
}

impl Drop for Process {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
