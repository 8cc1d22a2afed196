//! The binary from outside: output, messages and exit codes, without a server.

#[path = "cli/agreement.rs"]
mod agreement;
#[path = "cli/cert.rs"]
mod cert;
#[path = "cli/incident.rs"]
mod incident;
#[path = "common/operator.rs"]
mod operator;
#[path = "cli/past.rs"]
mod past;
#[path = "cli/report.rs"]
mod report;
#[path = "cli/sandbox.rs"]
mod sandbox;
#[path = "cli/sender.rs"]
mod sender;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "cli/subject.rs"]
mod subject;

use kdp::soap::envelope::Envelope;
use kdp::soap::sync_channel::Call;
use kdp::token::ovt::{self, OvtKey};
use kdp::token::rsa::VerifyingKey;
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::{RsaSigner, Signer as _};
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

const BIN: &str = "260140990117";
const OWNER: &str = "260140990513";
const SUBJECT: &str = "800101399015";

fn pki(name: &str) -> String {
    format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs, holds the exit code against `code`, and answers with stdout and stderr.
fn ends(code: i32, arguments: &[&str]) -> (String, String) {
    ends_fed(code, "", arguments)
}

/// The same, with something on stdin.
fn ends_fed(code: i32, input: &str, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let mut child = operator::act(command.args(arguments), arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may have ended by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "kdp {arguments:?}\n{out}\n{err}");
    (out, err)
}

/// Where a command is to work: the flag and its value.
type At<'a> = [&'a str; 2];

/// Runs a command there and reads the JSON that it prints.
fn json(at: At<'_>, arguments: &[&str]) -> Value {
    let (out, _) = ends(0, &[arguments, &at, &["--json"]].concat());
    serde_json::from_str(&out).unwrap()
}

/// A directory with a configuration of its own.
struct Installation {
    directory: tempfile::TempDir,
    config: String,
}

impl Installation {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name).display().to_string();
        let key = file("service.key.pem");
        fs::copy(pki("service.key.pem"), &key).unwrap();
        Command::new("chmod").args(["600", &key]).status().unwrap();
        let text = format!(
            "environment = \"test\"\n[database]\nurl = \"sqlite://{}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n\
             [trust]\nauthorities = [\"{}\"]\ncertificate = \"{}\"\nkey = \"{key}\"\n",
            file("kdp.db"),
            file("seal.keys"),
            file("lookup.key"),
            pki("ca.pem"),
            pki("service.cert.pem"),
        );
        let config = file("kdp.toml");
        fs::write(&config, text).unwrap();
        Self { directory, config }
    }

    /// With key files and a database.
    fn ready() -> Self {
        let installation = Self::new();
        ends(0, &["keys", "init", "--config", &installation.config]);
        ends(0, &["migrate", "--config", &installation.config]);
        installation
    }

    /// Ready, and no test installation.
    fn production() -> Self {
        let installation = Self::ready();
        let text = fs::read_to_string(&installation.config).unwrap();
        assert!(text.contains("environment = \"test\""));
        fs::write(
            &installation.config,
            text.replace("environment = \"test\"", "environment = \"production\""),
        )
        .unwrap();
        installation
    }

    fn at(&self) -> At<'_> {
        ["--config", &self.config]
    }

    /// Runs a command here; answers with stdout and stderr.
    fn run(&self, code: i32, arguments: &[&str]) -> (String, String) {
        ends(code, &[arguments, &self.at()].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        json(self.at(), arguments)
    }

    /// The same with an initiator and an owner.
    fn peopled() -> Self {
        let installation = Self::ready();
        let key = pki("bank.cert.pem");
        let bank = [
            "--sender-id",
            "bank_kdp",
            "--name",
            "Банк",
            "--bin",
            BIN,
            "--methods",
            "1,2",
            "--ovt-key",
            &key,
        ];
        installation.add(0, &[&bank[..], &["--services", "A,B"]].concat());
        let owner =
            ["--sender-id", "owner_kdp", "--name", "Собственник", "--bin", OWNER, "--services", "A,B"];
        installation.run(0, &[&["owner", "add"], &owner[..]].concat());
        installation
    }

    /// The last record of the journal: outcome and detail.
    fn journalled(&self) -> (String, Value) {
        let line = sqlite::sqlite(
            &self.path("kdp.db"),
            "SELECT kind, outcome, detail FROM journal ORDER BY seq DESC LIMIT 1",
        );
        let mut parts = line.trim_end().splitn(3, '|').map(str::to_owned);
        assert_eq!(parts.next().as_deref(), Some("registration"));
        let outcome = parts.next().unwrap();
        (outcome, serde_json::from_str(&parts.next().unwrap()).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What each key signs, its state and its id.
    fn keys(&self) -> Vec<(String, String, String)> {
        let (out, _) = ends(0, &["keys", "list", "--config", &self.config, "--json"]);
        let keys: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
        let text = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap().to_owned();
        keys.iter().map(|key| (text(key, "signs"), text(key, "state"), text(key, "kid"))).collect()
    }

    fn add(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let common = ["initiator", "add", "--config", &self.config];
        ends(code, &[&common[..], arguments].concat())
    }
}

#[test]
fn help_of_every_command_ends_with_an_example() {
    let mut commands = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = commands.pop() {
        let words: Vec<&str> = command.split_whitespace().collect();
        let (help, _) = ends(0, &[&words[..], &["--help"]].concat());
        let (before, example) =
            help.split_once("\nExample:\n").unwrap_or_else(|| panic!("{command}: {help}"));
        assert!(
            example.trim_start().starts_with(format!("kdp {command}").trim_end()),
            "{command}: {example}"
        );
        seen += 1;
        let list = before.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        for line in list.lines().take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            let about = line.trim_start().strip_prefix(name).unwrap();
            if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
                assert!(!about.trim().is_empty(), "{command} {name}: nothing is said of it");
                commands.push(format!("{command} {name}").trim_start().to_owned());
            }
        }
    }
    assert!(seen >= 70, "{seen} commands");
}

#[test]
fn wrong_use_ends_with_2_and_says_so_on_stderr() {
    for arguments in [&[][..], &["nonsense"], &["serve"], &["token", "verify", "x"], &["ovt", "--bin", BIN]] {
        let (out, err) = ends(2, arguments);
        assert!(out.is_empty() && !err.is_empty(), "{arguments:?}: {out}{err}");
    }
}

#[test]
fn a_verification_token_is_made_as_asked() {
    let key = pki("bank.key.pem");
    let make = |more: &[&str]| {
        let common =
            ["ovt", "--bin", BIN, "--mcheck", "bio", "--key", &key, "--at", "2026-04-01T12:00:00+05:00"];
        ends(0, &[&common[..], more].concat()).0
    };
    let token = make(&["--uin", SUBJECT, "--minutes", "5", "--kid", "k"]);
    let spki = RsaSigner::from_pem(&fs::read_to_string(&key).unwrap()).unwrap().public_key_spki().to_vec();
    let key = OvtKey::from_spki_der(&spki, None).unwrap();
    let ovt = ovt::verify(token.trim_end(), &[key], &ovt::ACCEPTED).unwrap();
    assert_eq!((ovt.cbin.as_str(), ovt.uin.as_deref()), (BIN, Some(SUBJECT)));
    let dates = ovt.check_dates(1_775_026_800, 0, 300).unwrap();
    assert_eq!((dates.iat, dates.exp), (1_775_026_800, 1_775_027_100));
    assert_ne!(make(&[]), make(&[]), "each has an id of its own");
    assert_eq!(make(&["--jti", "none"]), make(&["--jti", "none"]));
    assert_eq!(make(&["--jti", "7"]), make(&["--jti", "7"]));
}

#[test]
fn a_verification_token_is_refused_what_cannot_be_right_by_name() {
    let key = pki("bank.key.pem");
    for (arguments, name) in [
        (["--bin", "260140990118", "--mcheck", "BIO", "--key", &key], "--bin: control digit is wrong"),
        (["--bin", BIN, "--mcheck", "SMS", "--key", &key], "--mcheck: must be BIO, DS, DID, OTP, PC or NONE"),
        (["--bin", BIN, "--mcheck", "BIO", "--key", "/nonexistent"], "/nonexistent: entity not found"),
    ] {
        let (_, err) = ends(2, &[&["ovt"], &arguments[..]].concat());
        assert!(err.contains(name), "{err}");
    }
    let (_, err) = ends(2, &["ovt", "--bin", BIN, "--mcheck", "BIO", "--key", &key, "--uin", "800101399016"]);
    assert!(err.contains("--uin: control digit is wrong") && !err.contains("800101399016"), "{err}");
}

#[test]
fn token_verify_refuses_what_is_no_security_token() {
    let directory = tempfile::tempdir().unwrap();
    let key = pki("bank.key.pem");
    let (ovt, _) = ends(0, &["ovt", "--bin", BIN, "--mcheck", "BIO", "--key", &key]);
    let file = directory.path().join("token");
    fs::write(&file, &ovt).unwrap();
    let spki = RsaSigner::from_pem(&fs::read_to_string(&key).unwrap()).unwrap().public_key_spki().to_vec();
    let jwk = VerifyingKey::from_spki_der(&spki, None).unwrap().with_kid("k").to_jwk();
    let jwks = directory.path().join("jwks.json");
    fs::write(&jwks, serde_json::json!({ "keys": [jwk] }).to_string()).unwrap();
    let jwks = jwks.to_str().unwrap();
    let public_key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &spki);
    let file = file.to_str().unwrap();
    let (out, _) = ends(1, &["token", "verify", file, "--public-key", &public_key]);
    assert!(out.contains("refused: not a security token"), "{out}");
    let (out, _) = ends(1, &["token", "verify", ovt.trim(), "--public-key", &public_key, "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["valid"], &value["claims"]), (&false.into(), &serde_json::Value::Null));
    let tampered = ovt.trim().replacen('.', ".A", 1);
    ends(1, &["token", "verify", &tampered, "--jwks", jwks]);
    for unreadable in ["no token", "a.b", directory.path().to_str().unwrap()] {
        ends(2, &["token", "verify", unreadable, "--jwks", jwks]);
    }
    let (_, err) = ends(2, &["token", "verify", file, "--jwks", file]);
    assert!(err.contains("not well formed"), "{err}");
    ends(2, &["token", "verify", file, "--jwks", jwks, "--at", "tomorrow"]);
}

#[test]
fn a_token_can_come_through_stdin() {
    let key = pki("bank.key.pem");
    let (ovt, _) = ends(0, &["ovt", "--bin", BIN, "--mcheck", "BIO", "--key", &key]);
    let spki = RsaSigner::from_pem(&fs::read_to_string(&key).unwrap()).unwrap().public_key_spki().to_vec();
    let public_key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &spki);
    let mut child = Command::new(env!("CARGO_BIN_EXE_kdp"))
        .args(["token", "verify", "-", "--public-key", &public_key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(ovt.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("not a security token"));
}

/// What `send --print` prints, verified as the service does it, with the names and texts of the children of data.
fn verified(envelope: &str) -> Vec<(String, String)> {
    let mut trust = Trust::default();
    let peer = Arc::new(Peer::new("bank", PeerKind::Direct(None)));
    trust.pin(Certificate::from_file(&fs::read(pki("bank.cert.pem")).unwrap()).unwrap(), peer);
    let document = Document::parse(envelope.trim_end().as_bytes(), &Limits::default()).unwrap();
    let envelope = Envelope::read(&document).unwrap();
    let verified = trust.verify_offline(&envelope, 1_790_000_000).unwrap();
    let call = Call::read(&verified).unwrap();
    assert_eq!((call.info.sender_id.as_str(), call.info.service_id.as_str()), ("bank_kdp", "KDP_SERVICE"));
    call.data.unwrap().children().map(|c| (c.name().to_owned(), c.text().unwrap().into_owned())).collect()
}

#[test]
fn what_send_prints_is_signed_in_every_form() {
    let (key, cert) = (pki("bank.key.pem"), pki("bank.cert.pem"));
    for form in ["certificate", "issuer-serial", "binary-token", "x509-data"] {
        let (out, _) = ends(
            0,
            &[
                "send",
                "--print",
                "--key",
                &key,
                "--cert",
                &cert,
                "--key-info",
                form,
                "--sender-id",
                "bank_kdp",
                "--method",
                "5",
                "--uin",
                SUBJECT,
                "--bin",
                BIN,
                "--service",
                "A,B",
                "--term",
                "10m",
                "--data",
                "ФИО",
            ],
        );
        let expected = [
            ("uin", SUBJECT),
            ("company_bin", BIN),
            ("access_name", "A;B"),
            ("personal_data_name", "ФИО"),
            ("expiresIn", "600000"),
            ("omit-sms", "false"),
            ("method", "5"),
        ];
        assert_eq!(verified(&out), expected.map(|(n, v)| (n.to_owned(), v.to_owned())), "{form}");
    }
}

#[test]
fn flags_win_over_the_payload_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("request.xml");
    fs::write(&file, "<uin>1</uin>\n<omit-sms>true</omit-sms><ovt>a.b.c</ovt><other>x</other>").unwrap();
    let (key, cert) = (pki("bank.key.pem"), pki("bank.cert.pem"));
    let file = file.to_str().unwrap();
    let common = ["send", "--print", file, "--key", &key, "--cert", &cert, "--sender-id", "bank_kdp"];
    let (out, _) = ends(0, &[&common[..], &["--uin", SUBJECT]].concat());
    let expected = [("uin", SUBJECT), ("omit-sms", "true"), ("ovt", "a.b.c"), ("other", "x")];
    assert_eq!(verified(&out), expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[test]
fn send_says_what_it_lacks() {
    let (key, cert) = (pki("bank.key.pem"), pki("bank.cert.pem"));
    let other = pki("akimat.key.pem");
    for (arguments, lack) in [
        (&["--sender-id", "x", "--method", "1"][..], "--key and --cert are needed"),
        (&["--key", &key, "--cert", &cert, "--method", "1"], "--sender-id is needed"),
        (&["--key", &key, "--cert", &cert, "--sender-id", "x"], "--method is needed"),
        (&["--key", &other, "--cert", &cert, "--sender-id", "x", "--method", "1"], "does not belong"),
        (&["--key", &key], "--cert"),
        (
            &["--as", "bank", "--method", "1", "--url", "http://198.51.100.1/shep/sync"],
            "on this machine only",
        ),
        (
            &[
                "--key",
                &key,
                "--cert",
                &cert,
                "--sender-id",
                "x",
                "--method",
                "1",
                "--url",
                "https://localhost:1/",
            ],
            "https",
        ),
        (
            &["--as", "bank", "--method", "2", "--url", "http://127.0.0.1:1/shep/sync"],
            "is `kdp sandbox` running?",
        ),
    ] {
        let (out, err) = ends(2, &[&["send"], arguments].concat());
        assert!(out.is_empty() && err.contains(lack), "{arguments:?}: {err}");
    }
}

#[test]
fn an_unknown_key_of_the_configuration_is_refused_with_its_line() {
    let installation = Installation::new();
    let text = fs::read_to_string(&installation.config).unwrap();
    fs::write(&installation.config, text + "surprise = 1\n").unwrap();
    for command in [&["check"][..], &["migrate"], &["serve"], &["keys", "list"], &["initiator", "list"]] {
        let (_, err) = ends(2, &[command, &["--config", &installation.config]].concat());
        assert!(err.contains("line 10") && err.contains("surprise"), "{command:?}: {err}");
    }
}

#[test]
fn check_tells_what_is_missing_until_nothing_is() {
    let installation = Installation::new();
    let config = &installation.config;
    let (out, _) = ends(1, &["check", "--config", config]);
    assert!(out.contains("error: ") && out.contains("kdp migrate"), "{out}");
    assert!(!installation.path("kdp.db").exists() && !installation.path("seal.keys").exists());
    ends(0, &["keys", "init", "--config", config]);
    let (out, _) = ends(0, &["migrate", "--config", config]);
    assert_eq!(out, "the database was created with version 5\n");
    ends(0, &["keys", "generate", "--config", config]);
    let (out, _) = ends(0, &["check", "--config", config]);
    assert!(out.contains("methods 1 and 5 have no gateways (bmg.driver and sms.driver"), "{out}");
    let (out, _) = ends(0, &["check", "--config", config, "--json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["ok"], true);
    ends(2, &["check", "--config", "/nonexistent/kdp.toml"]);
}

#[test]
fn keys_follow_each_other_and_only_one_waits() {
    let installation = Installation::ready();
    let config = &installation.config;
    ends(0, &["keys", "generate", "--config", config]);
    ends(1, &["keys", "generate", "--config", config]);
    ends(0, &["keys", "rotate", "--config", config]);
    ends(1, &["keys", "rotate", "--config", config]);
    for purpose in ["tokens", "receipts"] {
        let states: Vec<_> =
            installation.keys().into_iter().filter(|key| key.0 == purpose).map(|key| key.1).collect();
        assert_eq!(states, ["signs", "waits"], "{purpose}");
    }
}

#[test]
fn a_distrusted_key_signs_no_more_and_a_new_one_is_made_for_its_purpose_alone() {
    let installation = Installation::ready();
    let config = &installation.config;
    let (_, err) = ends(1, &["keys", "distrust", "unknown", "--config", config]);
    assert!(err.contains("kdp keys list"), "{err}");
    ends(0, &["keys", "generate", "--config", config]);
    // One waits too: it does not stand in the way of a key that signs now.
    ends(0, &["keys", "rotate", "--config", config]);
    for purpose in ["tokens", "receipts"] {
        let keys = installation.keys();
        let (_, _, kid) = keys.iter().find(|key| key.0 == purpose && key.1 == "signs").unwrap();
        let (out, _) = ends(0, &["keys", "distrust", kid, "--config", config]);
        let (first, second) = out.split_once('\n').unwrap();
        assert!(first.starts_with(&format!("{kid} is distrusted from 20")), "{out}");
        assert_eq!(second, format!("no key signs {purpose} now: run `kdp keys generate`\n"));
        let (again, _) = ends(0, &["keys", "distrust", kid, "--config", config]);
        assert!(again.starts_with(&format!("{kid} has been distrusted since 20")), "{again}");
        let (out, _) = ends(0, &["keys", "generate", "--config", config]);
        let (new, rest) = out.split_once(' ').unwrap();
        assert!(rest.starts_with(&format!("signs {purpose} from 20")) && out.lines().count() == 1, "{out}");
        let states = installation.keys();
        let state = |kid: &str| states.iter().find(|key| key.2 == kid).unwrap().1.as_str();
        assert_eq!((state(kid), state(new)), ("distrusted", "signs"));
        assert_eq!(states.iter().filter(|key| key.1 == "signs").count(), 2);
        ends(1, &["keys", "generate", "--config", config]);
    }
}
