//! The binary from outside: output, messages and exit codes, without a server.

use kdp::soap::envelope::Envelope;
use kdp::soap::sync_channel::Call;
use kdp::token::ovt;
use kdp::token::rsa::VerifyingKey;
use kdp::trust::certificate::Certificate;
use kdp::trust::sign::{RsaSigner, Signer as _};
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

const BIN: &str = "260140990117";
const SUBJECT: &str = "800101399015";

fn pki(name: &str) -> String {
    format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn kdp(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kdp")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Runs, holds the exit code against `code`, and answers with stdout and stderr.
fn ends(code: i32, arguments: &[&str]) -> (String, String) {
    let output = kdp(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "kdp {arguments:?}\n{out}\n{err}");
    (out, err)
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

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
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
    assert!(seen >= 20, "{seen} commands");
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
    let ovt = ovt::verify(token.trim_end(), &[VerifyingKey::from_spki_der(&spki, None).unwrap()]).unwrap();
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
    let peer = Arc::new(Peer { name: "bank".to_owned(), kind: PeerKind::Direct(None) });
    trust.pin(Certificate::from_file(&fs::read(pki("bank.cert.pem")).unwrap()).unwrap(), peer);
    let document = Document::parse(envelope.trim_end().as_bytes(), &Limits::default()).unwrap();
    let envelope = Envelope::read(&document).unwrap();
    let verified = trust.verify(&envelope, 1_790_000_000).unwrap();
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
    assert_eq!(out, "the database was created with version 1\n");
    ends(0, &["keys", "generate", "--config", config]);
    let (out, _) = ends(0, &["check", "--config", config]);
    assert!(out.contains("methods 1 and 5 have no gateways yet"), "{out}");
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
    let (out, _) = ends(0, &["keys", "list", "--config", config, "--json"]);
    let keys: Vec<serde_json::Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(keys.iter().map(|key| key["state"].as_str().unwrap()).collect::<Vec<_>>(), ["signs", "waits"]);
}

#[test]
fn an_initiator_is_registered_shown_and_changed() {
    let installation = Installation::ready();
    let config = &installation.config;
    let certificate = pki("bank.cert.pem");
    let arguments =
        ["--sender-id", "bank_kdp", "--name", "Банк", "--bin", BIN, "--methods", "2,1", "--auth", "both"];
    let more = ["--services", "B,A", "--ovt-key", &certificate, "--json"];
    let (out, _) = installation.add(0, &[&arguments[..], &more].concat());
    let secrets: serde_json::Value = serde_json::from_str(&out).unwrap();
    let password = secrets["password"].as_str().unwrap();
    assert!(password.len() == 32 && secrets["token"].as_str().unwrap().len() == 32);
    let database = fs::read(installation.path("kdp.db")).unwrap();
    assert!(
        !database.windows(32).any(|bytes| bytes == password.as_bytes()),
        "the password is in the database"
    );

    let show = || -> serde_json::Value {
        let (out, _) = ends(0, &["initiator", "show", "bank_kdp", "--config", config, "--json"]);
        assert!(!out.contains(password));
        serde_json::from_str(&out).unwrap()
    };
    let shown = show();
    assert_eq!(shown["methods"], serde_json::json!([1, 2]));
    assert_eq!(shown["services"], serde_json::json!(["A", "B"]));
    assert_eq!(shown["max_term_seconds"], 90 * 86_400);
    ends(0, &["initiator", "set-methods", "bank_kdp", "--config", config, "--methods", "5"]);
    ends(0, &["initiator", "set-services", "bank_kdp", "--config", config, "--services", "C"]);
    assert_eq!(
        (&show()["methods"], &show()["services"]),
        (&serde_json::json!([5]), &serde_json::json!(["C"]))
    );
    let (out, _) = ends(0, &["initiator", "new-secret", "bank_kdp", "--config", config, "--json"]);
    assert_ne!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["password"], password);
    let (out, _) = ends(0, &["initiator", "list", "--config", config]);
    assert!(out.lines().count() == 2 && out.contains(BIN), "{out}");
    installation.add(1, &arguments);
    ends(1, &["initiator", "show", "nobody", "--config", config]);
}

#[test]
fn a_registration_that_cannot_be_right_is_refused_by_name() {
    let installation = Installation::ready();
    let key = pki("bank.key.pem");
    let directory: &Path = installation.directory.path();
    for (flag, value, name) in [
        ("--bin", "260140990118", "--bin: control digit is wrong"),
        ("--bin", "26014099011", "--bin: must have 12 digits"),
        ("--sender-id", "two words", "--sender-id"),
        ("--name", " ", "--name"),
        ("--lang", "de", "--lang"),
        ("--methods", "6", "--methods"),
        ("--services", "A;B", "--services"),
        ("--max-term-days", "400", "--max-term-days"),
        ("--ovt-key", &key, "holds a private key"),
        ("--ovt-key", directory.join("kdp.toml").to_str().unwrap(), "not well formed"),
    ] {
        let mut arguments = vec![flag, value];
        for (other, sound) in [("--sender-id", "x"), ("--name", "X"), ("--bin", BIN)] {
            if other != flag {
                arguments.extend([other, sound]);
            }
        }
        let (_, err) = installation.add(2, &arguments);
        assert!(err.contains(name), "{flag} {value}: {err}");
    }
    let (out, _) = ends(0, &["initiator", "list", "--config", &installation.config]);
    assert_eq!(out.lines().count(), 1);
}
