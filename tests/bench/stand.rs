//! A service that runs: `kdp serve` on an installation of its own.

use crate::installation::{Installation, Settings};
use crate::process::Process;
use crate::reply::Believed;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A running service, stopped when dropped.
pub struct Stand {
    // Ends before its directory goes.
    process: Process,
    pub installation: Installation,
    pub address: SocketAddr,
    admin: SocketAddr,
    pub believed: Believed,
}

impl Stand {
    pub fn start(installation: Installation, settings: impl Into<Settings>) -> Self {
        let (address, admin) = (free_address(), free_address());
        let config = installation.configure(settings.into(), address, admin);
        let log = fs::File::create(installation.file("log")).expect("a log");
        let mut serve = Command::new(env!("CARGO_BIN_EXE_kdp"));
        let serve = serve.arg("serve").arg("--config").arg(&config).stdout(Stdio::null()).stderr(log);
        let process = Process::spawn(serve);
        while !get(admin, "/health/ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            pause(Duration::from_millis(20));
        }
        // What is done once after the start is done before anything is measured.
        pause(Duration::from_secs(1));
        let jwks = get(address, "/.well-known/jwks.json").expect("the service answers");
        let believed = Believed::new(jwks.split_once("\r\n\r\n").expect("an HTTP answer").1);
        Self { process, installation, address, admin, believed }
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Ends the service; its installation stays.
    pub fn stop(self) -> Installation {
        self.process.stop();
        self.installation
    }

    /// Transactions that were committed since the start.
    pub fn commits(&self) -> f64 {
        let metrics = get(self.admin, "/metrics").expect("the service answers");
        let count = metrics.lines().find_map(|line| line.strip_prefix("kdp_store_commit_size_count "));
        count.and_then(|count| count.parse().ok()).expect("commits are counted")
    }

    /// Size of the database with its log, bytes.
    pub fn database_bytes(&self) -> u64 {
        self.installation.database_bytes()
    }
}

/// An address that nobody listens on at this moment.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

/// Head and body of the answer to a GET over a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[expect(clippy::disallowed_methods, reason = "waits for another program, or for a time to pass")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
