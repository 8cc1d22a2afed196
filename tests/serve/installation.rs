//! An installation of the service as an operator makes one: a directory, a configuration, commands.

#[path = "../common/operator.rs"]
pub mod operator;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const SUBJECT: &str = "800101399015";
pub const BIN: &str = "260140990117";
pub const SENDER: &str = "bank_kdp";
pub const COMPANY: &str = "Песочный банк";
pub const DATA: &str = "Адрес прописки";
pub const SERVICE_ID: &str = "GBDFLUniversal_token";

pub fn pki(name: &str) -> String {
    format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a command came to.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the real binary to its end.
pub fn kdp(arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let output = operator::act(command.args(arguments), arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The same, and it must succeed; answers with its stdout.
pub fn kdp_ok(arguments: &[&str]) -> String {
    let Ended { code, out, err } = kdp(arguments);
    assert_eq!(code, Some(0), "kdp {arguments:?}\n{out}\n{err}");
    out
}

/// A directory with a configuration, and what has been made with it.
pub struct Installation {
    pub directory: tempfile::TempDir,
    password: String,
}

impl Installation {
    /// A configuration and the certificates that it names; nothing else is made yet.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let installation = Self { directory, password: String::new() };
        fs::copy(pki("service.key.pem"), installation.file("service.key.pem")).unwrap();
        installation.chmod("service.key.pem", 0o600);
        let file = |name: &str| installation.file(name).display().to_string();
        let text = format!(
            "environment = \"test\"\n[listen]\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
             [database]\nurl = \"sqlite://{}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n\
             [trust]\nauthorities = [\"{}\"]\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [peers.bank]\nkind = \"direct\"\ncertificates = [\"{}\"]\nsender_id = \"{SENDER}\"\n\
             [log]\nlevel = \"debug\"\n",
            file("kdp.db"),
            file("seal.keys"),
            file("lookup.key"),
            pki("ca.pem"),
            pki("service.cert.pem"),
            file("service.key.pem"),
            pki("bank.cert.pem"),
        );
        fs::write(installation.file("kdp.toml"), text).unwrap();
        installation
    }

    /// Ready to be served, with one initiator.
    pub fn complete() -> Self {
        let mut installation = Self::empty();
        installation.run(&["keys", "init"]);
        installation.run(&["migrate"]);
        installation.run(&["keys", "generate"]);
        installation.add_initiator();
        installation
    }

    pub fn add_initiator(&mut self) {
        self.password = self.register(SENDER, BIN);
        fs::write(self.file("password"), &self.password).unwrap();
    }

    /// Registers an initiator; answers with its password.
    pub fn register(&self, sender: &str, bin: &str) -> String {
        let (services, key) = ("GBDFLUniversal_token,GBDRN_token", pki("bank.cert.pem"));
        let flags = ["--sender-id", sender, "--name", COMPANY, "--bin", bin, "--methods", "1,2,5"];
        let more = ["--services", services, "--ovt-key", &key, "--json"];
        let out = self.run(&[&["initiator", "add"][..], &flags, &more].concat());
        let secrets: Value = serde_json::from_str(&out).unwrap();
        secrets["password"].as_str().unwrap().to_owned()
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn chmod(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn config(&self) -> String {
        self.file("kdp.toml").display().to_string()
    }

    /// Replaces a part of the configuration, which must be there.
    pub fn reconfigure(&self, before: &str, after: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(before), "{before} is not in\n{text}");
        fs::write(self.config(), text.replacen(before, after, 1)).unwrap();
    }

    /// A command with this configuration, whatever it comes to.
    pub fn try_run(&self, arguments: &[&str]) -> Ended {
        kdp(&[arguments, &["--config", &self.config()]].concat())
    }

    /// A command with this configuration, which must succeed; answers with its stdout.
    pub fn run(&self, arguments: &[&str]) -> String {
        kdp_ok(&[arguments, &["--config", &self.config()]].concat())
    }

    /// A verification token of the initiator for this subject, in a file.
    pub fn ovt(&self, uin: &str) -> PathBuf {
        let token =
            kdp_ok(&["ovt", "--bin", BIN, "--mcheck", "BIO", "--key", &pki("bank.key.pem"), "--uin", uin]);
        let path = self.file(&format!("ovt-{uin}"));
        fs::write(&path, token).unwrap();
        path
    }

    /// `kdp send` of method 2 to `url`, as the initiator, with other flags in place of the usual ones; answers with the
    /// JSON that it prints.
    pub fn send(&self, url: &str, ovt: &Path, uin: &str, more: &[&str]) -> Value {
        let (key, cert) = (pki("bank.key.pem"), pki("bank.cert.pem"));
        let (trust, ovt) = (pki("service.cert.pem"), ovt.display().to_string());
        let password = self.file("password").display().to_string();
        let defaults = [
            ["--key", &key],
            ["--cert", &cert],
            ["--sender-id", SENDER],
            ["--password-file", &password],
            ["--bin", BIN],
            ["--company", COMPANY],
            ["--uin", uin],
            ["--data", DATA],
            ["--service", SERVICE_ID],
            ["--method", "2"],
            ["--ovt", &ovt],
            ["--trust", &trust],
        ];
        let defaults = defaults.iter().filter(|pair| !more.contains(&pair[0])).flatten().copied();
        let flags: Vec<&str> = ["send", "--url", url, "--json"].into_iter().chain(defaults).collect();
        let Ended { out, err, .. } = kdp(&[&flags, more].concat());
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("kdp send printed {out}\n{err}"))
    }
}
