//! The folder of the peers: how they are built and how each is started, as its README says. Nothing in it is changed.

use super::server::Server;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A peer.
struct Peer {
    name: &'static str,
    /// What must be there when it is built, below the folder of what is built.
    built: &'static str,
    /// Whether it is compiled while it runs.
    slow_start: bool,
}

const PEERS: [Peer; 6] = [
    Peer { name: "gsoap", built: "gsoap/server", slow_start: false },
    Peer { name: "jdk", built: "java/Peer.class", slow_start: true },
    Peer { name: "wss4j", built: "java/Peer.class", slow_start: true },
    Peer { name: "python", built: "venv/bin/uvicorn", slow_start: false },
    Peer { name: "node", built: "node/node_modules/better-sqlite3/build/Release", slow_start: true },
    Peer { name: YARDSTICK, built: "limits/release/floor", slow_start: false },
];

/// The least code that does the work for these envelopes: no service, so that it is no peer.
pub const YARDSTICK: &str = "floor";

pub struct Harness {
    folder: PathBuf,
    built: PathBuf,
}

impl Harness {
    /// The one in `folder`; what is built of it lies in `built`.
    pub fn new(folder: &Path, built: &Path) -> Result<Self, String> {
        let failed = |path: &Path, error| format!("{}: {error}", path.display());
        let folder = folder.canonicalize().map_err(|error| failed(folder, error))?;
        if !folder.join("load/initdb.py").is_file() {
            return Err(format!(
                "{}: not the folder of the peers: load/initdb.py is missing",
                folder.display()
            ));
        }
        std::fs::create_dir_all(built).map_err(|error| failed(built, error))?;
        Ok(Self { folder, built: built.canonicalize().map_err(|error| failed(built, error))? })
    }

    /// What the peers read.
    pub fn data(&self) -> PathBuf {
        self.built.join("data")
    }

    /// Installs what the peers need and builds them.
    pub fn build(&self) -> Result<(), String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/peers/build.sh");
        run(Command::new("bash").arg(script).arg(&self.folder).arg(&self.built))
    }

    /// Starts those that are built and wanted (`only`; empty: all), with databases in `place`.
    pub fn start(&self, only: &[String], place: &Path) -> Result<Vec<Server>, String> {
        if let Some(name) = only.iter().find(|name| PEERS.iter().all(|peer| peer.name != **name)) {
            let names = PEERS.map(|peer| peer.name).join(", ");
            return Err(format!("{name}: no such peer; there are {names}"));
        }
        let mut servers = Vec::new();
        for peer in PEERS.iter().filter(|peer| only.is_empty() || only.iter().any(|name| name == peer.name)) {
            if !self.built.join(peer.built).exists() {
                eprintln!("{}: left out, it is not built (--build)", peer.name);
                continue;
            }
            let database = place.join(format!("{}.db", peer.name));
            run(Command::new("python3")
                .arg(self.folder.join("load/initdb.py"))
                .arg(self.data())
                .arg(&database))?;
            let log = place.join(format!("{}.log", peer.name));
            let command = |port: u16| {
                let mut command = self.command(peer.name);
                command.arg(port.to_string()).arg(self.data()).arg(&database);
                command
            };
            servers.push(Server::start(peer.name, peer.slow_start, command, &log)?);
        }
        let is_peer = |server: &Server| server.name != YARDSTICK;
        servers
            .iter()
            .any(is_peer)
            .then_some(servers)
            .ok_or_else(|| "no peer is built: say --build".to_owned())
    }

    /// The program of this peer, without its port, data and database.
    fn command(&self, name: &str) -> Command {
        let (ours, theirs) = (|path: &str| self.folder.join(path), |path: &str| self.built.join(path));
        let mut command = match name {
            "gsoap" => Command::new(theirs("gsoap/server")),
            "jdk" | "wss4j" => {
                let mut java = Command::new("java");
                java.args(["-Xms256m", "-Xmx512m", &format!("-Dengine={name}"), "-cp"]);
                java.arg(self.class_path()).arg("Peer");
                java
            }
            "python" => {
                let mut python = Command::new(theirs("venv/bin/python"));
                python.env("PYTHONDONTWRITEBYTECODE", "1").arg(ours("peers/python/server.py"));
                python
            }
            "node" => {
                let mut node = Command::new("node");
                node.env("NODE_PATH", theirs("node/node_modules")).arg(ours("peers/node/server.js"));
                node
            }
            _ => Command::new(theirs("limits/release/floor")),
        };
        // Durable commits, tokens by RS256, signed answers: as we do, whatever the caller's environment says.
        for (variable, value) in [("SYNC", "FULL"), ("JWT_ALG", "RS256"), ("SIGN_CHECK", "1")] {
            command.env(variable, value);
        }
        command
    }

    /// Verifies a file of requests and answers of this kind.
    pub fn verify(&self, kind: &str, samples: &Path) -> Result<(), String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/peers/verify.py");
        let mut python = Command::new(self.built.join("venv/bin/python"));
        python.env("PYTHONPATH", self.folder.join("load")).env("PYTHONDONTWRITEBYTECODE", "1");
        run(python.arg(script).arg(self.data()).arg(kind).arg(samples))
    }

    fn class_path(&self) -> OsString {
        let script =
            Command::new("sh").arg(self.folder.join("peers/java/classpath.sh")).arg(&self.built).output();
        let text = script.map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&text).trim().into()
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
