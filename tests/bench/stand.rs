//! A service of its own: set up by the program's commands in a fresh directory, started as `kdp serve`.

use crate::process::Process;
use crate::reply::Believed;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub const SENDER: &str = "bank_kdp";
pub const BIN: &str = "260140990117";
pub const SERVICES: &str = "GBDFLUniversal_token;GBDRN_token";

/// `database.synchronous`.
#[derive(Clone, Copy)]
pub enum Disk {
    Full,
    Off,
}

/// A running service, stopped and removed when dropped.
pub struct Stand {
    process: Process,
    directory: tempfile::TempDir,
    pub address: SocketAddr,
    admin: SocketAddr,
    pub password: String,
    pub believed: Believed,
}

impl Stand {
    pub fn start(place: &Path, disk: Disk) -> Self {
        let directory = tempfile::Builder::new().prefix("kdp-bench-").tempdir_in(place).expect("a directory");
        let (address, admin) = (free_address(), free_address());
        let config = configure(directory.path(), disk, address, admin);
        for command in [["keys", "init"].as_slice(), &["migrate"], &["keys", "generate"]] {
            kdp(command, &config, &[]);
        }
        let key = pki("bank.cert.pem").display().to_string();
        let services = SERVICES.replace(';', ",");
        let of_bank = ["--sender-id", SENDER, "--name", "Bank", "--bin", BIN, "--methods", "2", "--json"];
        let of_tokens = ["--services", &services, "--ovt-key", &key];
        let added = kdp(&["initiator", "add"], &config, &[&of_bank[..], &of_tokens[..]].concat());
        let added: serde_json::Value = serde_json::from_str(&added).expect("JSON");
        let password = added["password"].as_str().expect("a password").to_owned();
        let log = fs::File::create(directory.path().join("log")).expect("a log");
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
        Self { process, directory, address, admin, password, believed }
    }

    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Transactions that were committed since the start.
    pub fn commits(&self) -> f64 {
        let metrics = get(self.admin, "/metrics").expect("the service answers");
        let count = metrics.lines().find_map(|line| line.strip_prefix("kdp_store_commit_size_count "));
        count.and_then(|count| count.parse().ok()).expect("commits are counted")
    }

    /// Size of the database with its log, bytes.
    pub fn database_bytes(&self) -> u64 {
        ["kdp.db", "kdp.db-wal"]
            .iter()
            .filter_map(|name| fs::metadata(self.directory.path().join(name)).ok())
            .map(|file| file.len())
            .sum()
    }
}

/// Writes the configuration; every limit keeps its default.
fn configure(directory: &Path, disk: Disk, public: SocketAddr, admin: SocketAddr) -> PathBuf {
    let file = |name: &str| directory.join(name).display().to_string();
    let key = file("service.key.pem");
    let mut owned =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).expect("a key");
    owned.write_all(&fs::read(pki("service.key.pem")).expect("a fixture")).expect("a key");
    let synchronous = match disk {
        Disk::Full => "full",
        Disk::Off => "off",
    };
    let text = format!(
        "environment = \"test\"\n\
         [listen]\npublic = \"{public}\"\nadmin = \"{admin}\"\n\
         [database]\nurl = \"sqlite://{}\"\nsynchronous = \"{synchronous}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n\
         [trust]\ncertificate = \"{}\"\nkey = \"{key}\"\n\
         [peers.shep]\nkind = \"gateway\"\ncertificates = [\"{}\"]\n",
        file("kdp.db"),
        file("seal.keys"),
        file("lookup.key"),
        pki("service.cert.pem").display(),
        pki("shep.cert.pem").display(),
    );
    let config = directory.join("kdp.toml");
    fs::write(&config, text).expect("a configuration");
    config
}

/// Runs a command of the program; answers with its stdout.
fn kdp(command: &[&str], config: &Path, rest: &[&str]) -> String {
    let mut kdp = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let output = kdp.args(command).arg("--config").arg(config).args(rest).output().expect("kdp runs");
    assert!(output.status.success(), "kdp {command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A file of the test PKI.
pub fn pki(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name)
}

/// An address that nobody listens on at this moment.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[expect(clippy::disallowed_methods, reason = "waits for another program")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
