//! Two processes: a sandbox that is the outside, and a service with a database of its own.

use crate::connection::Connection;
use crate::initiator::Initiator;
use crate::process::Process;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often something is looked at, and how long in all.
const LOOKS: (u32, Duration) = (400, Duration::from_millis(50));

/// A sandbox.
pub struct Sandbox {
    _process: Process,
    directory: tempfile::TempDir,
    pub address: SocketAddr,
}

/// A sandbox, and the service that it is the outside of.
pub struct Pair {
    pub sandbox: Sandbox,
    service: Option<Process>,
    pub admin: SocketAddr,
    bank: Initiator,
}

/// A sandbox without a service elsewhere.
pub fn alone() -> Sandbox {
    Sandbox::start(&[])
}

/// A port that is free, and the next one; below those that the system gives to whoever connects.
fn ports() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: u32| TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).is_ok();
    for _ in 0..1000 {
        let n = std::process::id() * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + n % 11_000 * 2;
        if is_free(port) && is_free(port + 1) {
            return u16::try_from(port).unwrap();
        }
    }
    panic!("no two ports are free");
}

impl Sandbox {
    fn start(more: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), more)
    }

    fn start_in(directory: tempfile::TempDir, more: &[&str]) -> Self {
        let data = directory.path().join("data").display().to_string();
        let usual = ["--listen", "127.0.0.1:0", "--data", &data, "--seed", "1", "--log-level", "error"];
        let (process, url) = Process::sandbox(&[&usual, more].concat());
        let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        Self { _process: process, directory, address: address.parse().unwrap() }
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn open(&self) -> Connection {
        Connection::open(self.address)
    }

    pub fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.open().get(path).body).unwrap()
    }
}

impl Pair {
    /// Both run.
    pub fn start() -> Self {
        Self::configured(str::to_owned)
    }

    /// The same with another configuration of the service than the one that the sandbox wrote.
    pub fn configured(change: impl FnOnce(&str) -> String) -> Self {
        let port = ports();
        let sandbox = Sandbox::start(&["--service", &format!("http://127.0.0.1:{port}")]);
        let data = sandbox.data();
        let registered = register(&data, &data.join("serve.toml"));
        assert!(registered.contains("senders registered"), "{registered}");
        let text = std::fs::read_to_string(data.join("serve.toml")).unwrap();
        let config = data.join("used.toml");
        std::fs::write(&config, change(&text)).unwrap();
        let (service, _, admin) = Process::serve(&config.display().to_string());
        let bank = Initiator::new(sandbox.address, &sandbox.get("/sandbox"), "bank", &data);
        let pair = Self { sandbox, service: Some(service), admin, bank };
        // A bare yes counts only after 1414 has confirmed the question, which a busy machine may do late.
        pair.post("/sandbox/delay", &serde_json::json!({ "delay": "PT2S" }));
        pair
    }

    pub fn bank(&self) -> &Initiator {
        &self.bank
    }

    /// The same initiator, for another thread.
    pub fn another_bank(&self) -> Initiator {
        Initiator::new(self.sandbox.address, &self.get("/sandbox"), "bank", &self.sandbox.data())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.sandbox.data().join(name)
    }

    /// What `kdp sandbox --register` says.
    pub fn register(&self, config: &Path) -> String {
        register(&self.sandbox.data(), config)
    }

    /// The service is killed and started again.
    pub fn kill_service(&mut self) {
        drop(self.service.take());
        let config = self.file("used.toml").display().to_string();
        let (service, ..) = Process::serve(&config);
        self.service = Some(service);
    }

    /// The service rereads its configuration, and says so.
    pub fn hang_up(&mut self, line: &str) {
        let service = self.service.as_mut().unwrap();
        service.signal("HUP");
        service.await_line(line);
    }

    pub fn get(&self, path: &str) -> Value {
        self.sandbox.get(path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let json = "Content-Type: application/json\r\n";
        let reply = self.sandbox.open().send("POST", path, json, body.to_string().as_bytes());
        serde_json::from_str(&reply.body).unwrap()
    }

    /// Switches, in place of those before.
    pub fn faults(&self, mut faults: Value) {
        faults["reset"] = true.into();
        let set = self.post("/sandbox/faults", &faults);
        assert!(set["error"].is_null(), "{set}");
    }

    /// The texts on a phone.
    pub fn phone(&self, msisdn: &str) -> Vec<String> {
        let phone = self.get(&format!("/sandbox/phone/{msisdn}"));
        phone.as_array().unwrap().iter().map(|sms| sms["text"].as_str().unwrap().to_owned()).collect()
    }

    /// How often the service met this fault of this party.
    pub fn party_faults(&self, party: &str, fault: &str) -> u64 {
        let text = Connection::open(self.admin).get("/metrics").body;
        let row = format!("party_faults_total{{party=\"{party}\",fault=\"{fault}\"}} ");
        let count = text.lines().find_map(|line| line.split_once(&row));
        count.map_or(0, |(_, count)| count.trim().parse().unwrap())
    }

    /// How many messages of this serviceId the service answered.
    pub fn answered(&self, service_id: &str) -> u64 {
        let text = Connection::open(self.admin).get("/metrics").body;
        let of_service = format!("exchange_seconds_count{{service=\"{service_id}\"");
        let rows = text.lines().filter(|line| line.contains(&of_service));
        rows.map(|row| row.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// How many answers of access requests the service in the sandbox gave.
    pub fn embedded_requests(&self) -> usize {
        let text = self.sandbox.open().get("/metrics").body;
        text.lines().filter(|line| line.contains("exchange") && line.contains("KDP_SERVICE")).count()
    }
}

fn register(data: &Path, config: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.args(["sandbox", "--data"]).arg(data).arg("--register").arg(config);
    let output = command.output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Looks until there is something, or long enough.
pub fn looked_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let (_open, nothing) = std::sync::mpsc::channel::<()>();
    for _ in 0..LOOKS.0 {
        if let Some(found) = look() {
            return Some(found);
        }
        let _ = nothing.recv_timeout(LOOKS.1);
    }
    None
}

/// Looks until there is something.
pub fn eventually_some<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    looked_for(look).unwrap_or_else(|| panic!("it never came to be that {what}"))
}

/// Looks until it is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually_some(what, || is_so().then_some(()));
}
