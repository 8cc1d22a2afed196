//! A server that is reached over TLS alone, with a password: a `PostgreSQL` of its own, whose certificate can be changed.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio_postgres::NoTls;

const PASSWORD: &str = "made-up-for-this-test";
/// Over its socket it lets everybody in, which the test needs; over the network by TLS and password only.
const ACCESS: &str = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// Whose certificate a server shows.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub file: PathBuf,
}

impl Authority {
    pub fn new(file: PathBuf) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, file.display().to_string());
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }
}

pub struct Server {
    _home: tempfile::TempDir,
    folder: PathBuf,
    pub port: u16,
    process: Child,
}

impl Server {
    /// `None`, and said so, where `PostgreSQL` is not installed. It shows the certificate of `authority` for localhost.
    #[expect(clippy::disallowed_methods, reason = "what is waited for comes with time")]
    pub fn start(authority: &Authority) -> Option<Self> {
        if !Path::new("/usr/lib/postgresql/15/bin/postgres").exists() {
            eprintln!("SKIPPED: PostgreSQL 15 is not installed; nothing was tried over TLS");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        // The account of the server goes through it.
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let folder = home.path().join("server");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("access"), ACCESS).unwrap();
        show(&folder, authority, 2099);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = |name: &str| folder.join(name).display().to_string();
        let process = Command::new("bash")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/postgres.sh"))
            .arg(&folder)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")])
            .args(["-c", &format!("hba_file={}", file("access"))])
            .args(["-c", &format!("ssl_cert_file={}", file("cert.pem"))])
            .args(["-c", &format!("ssl_key_file={}", file("key.pem"))])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self { _home: home, folder, port, process };
        for _ in 0..600 {
            if server.try_run("SELECT 1").is_ok() {
                server.run("ALTER SYSTEM SET ssl = on");
                server.run("SET password_encryption = 'scram-sha-256'; ALTER USER kdp PASSWORD 'made-up-for-this-test'");
                server.reload();
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server does not start");
    }

    /// From now on it shows another certificate, which ends in this year.
    pub fn show(&self, authority: &Authority, until: i32) {
        show(&self.folder, authority, until);
        self.reload();
    }

    /// From now on it speaks TLS, or does not.
    pub fn speak_tls(&self, on: bool) {
        self.run(&format!("ALTER SYSTEM SET ssl = {}", if on { "on" } else { "off" }));
        self.reload();
    }

    #[expect(clippy::disallowed_methods, reason = "what is waited for comes with time")]
    fn reload(&self) {
        self.run("SELECT pg_reload_conf()");
        // It tells nobody when it has.
        std::thread::sleep(Duration::from_millis(300));
    }

    /// Runs statements, over its socket.
    pub fn run(&self, sql: &str) {
        self.try_run(sql).unwrap();
    }

    fn try_run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.ask(sql).map(drop)
    }

    /// The first value of what a query says.
    pub fn ask(&self, sql: &str) -> Result<Option<String>, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let config =
                format!("host={} port={} user=kdp dbname=postgres", self.folder.display(), self.port);
            let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
            tokio::spawn(connection);
            let mut found = None;
            for each in sql.split("; ") {
                for message in client.simple_query(each).await? {
                    if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                        found = row.get(0).map(str::to_owned);
                    }
                }
            }
            Ok(found)
        })
    }

    /// A file with the password; `right` or a wrong one.
    pub fn password(right: bool) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), if right { PASSWORD } else { "made-up-and-wrong" }).unwrap();
        file
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Puts a certificate for localhost where the server reads it; in place, for the files are its own by then.
fn show(folder: &Path, authority: &Authority, until: i32) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, &authority.issuer).unwrap();
    std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    let file = folder.join("key.pem");
    std::fs::write(&file, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
