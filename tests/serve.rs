//! `kdp serve` as an operator meets it: set up by commands, started, changed while it serves, ended, started again;
//! every mistake named at the start, and nothing private in any log.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "common/asker.rs"]
mod asker;
#[path = "common/connection.rs"]
mod connection;
#[path = "serve/ending.rs"]
mod ending;
#[path = "serve/installation.rs"]
mod installation;
#[path = "serve/log.rs"]
mod log;
#[path = "serve/open.rs"]
mod open;
#[path = "serve/process.rs"]
mod process;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "serve/tls.rs"]
mod tls;

use connection::Connection;
use installation::{BIN, COMPANY, DATA, Ended, Installation, SERVICE_ID, SUBJECT, kdp, pki};
use log::assert_private;
use process::{Gone, Process};
use serde_json::Value;
use sqlite::sqlite;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

const XML: &str = "Content-Type: text/xml; charset=utf-8\r\n";

fn url(public: SocketAddr) -> String {
    format!("http://{public}/shep/sync")
}

/// The token of a grant.
fn granted(answer: &Value) -> String {
    assert_eq!(answer["data"]["status"], "VALID", "{answer}");
    assert_eq!(answer["signature"], "verified", "{answer}");
    answer["data"]["code"].as_str().unwrap().to_owned()
}

/// The ids of the keys that are published, and the file that holds them.
fn published(installation: &Installation, public: SocketAddr) -> (Vec<String>, PathBuf) {
    let text = Connection::open(public).get("/.well-known/jwks.json").body;
    let path = installation.file("jwks.json");
    fs::write(&path, &text).unwrap();
    let set: Value = serde_json::from_str(&text).unwrap();
    let ids = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
    (ids.collect(), path)
}

fn verifies(token: &str, jwks: &std::path::Path) -> Value {
    let jwks = jwks.display().to_string();
    let flags =
        ["token", "verify", token, "--jwks", &jwks, "--uin", SUBJECT, "--service", SERVICE_ID, "--json"];
    let ended = kdp(&flags);
    let verdict: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((ended.code, &verdict["code"]), (Some(3), &"revocation-unknown".into()), "{verdict}");
    verdict["claims"].clone()
}

/// Waits for what takes the service up to a second to notice.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let (_open, nothing) = std::sync::mpsc::channel::<()>();
    for _ in 0..200 {
        if is_so() {
            return;
        }
        let _ = nothing.recv_timeout(std::time::Duration::from_millis(25));
    }
    panic!("it never came to be that {what}");
}

#[test]
fn six_commands_make_a_service_whose_token_verifies_before_and_after_a_restart() {
    let mut installation = Installation::empty();
    let unusable = installation.try_run(&["check"]);
    assert_eq!(unusable.code, Some(1));
    assert!(unusable.out.contains("seal.keys") && unusable.out.contains("kdp migrate"), "{}", unusable.out);
    installation.run(&["keys", "init"]);
    for name in ["seal.keys", "lookup.key"] {
        assert_eq!(
            fs::metadata(installation.file(name)).unwrap().permissions().mode() & 0o777,
            0o600,
            "{name}"
        );
    }
    assert!(installation.run(&["migrate"]).contains("created"));
    assert_eq!(fs::metadata(installation.file("kdp.db")).unwrap().permissions().mode() & 0o777, 0o600);
    installation.run(&["keys", "generate"]);
    installation.add_initiator();
    let checked = installation.run(&["check"]);
    assert!(checked.contains("warning: methods 1 and 5 have no gateways"), "{checked}");
    assert!(checked.ends_with("ok: the service can start\n"), "{checked}");

    let (service, public, admin) = Process::serve(&installation.config());
    let ovt = installation.ovt(SUBJECT);
    let token = granted(&installation.send(&url(public), &ovt, SUBJECT, &[]));
    let (kids, jwks) = published(&installation, public);
    let claims = verifies(&token, &jwks);
    assert_eq!((claims["uin"].as_str(), claims["cbin"].as_str()), (Some(SUBJECT), Some(BIN)));
    let mut outside = Connection::open(public);
    for path in ["/metrics", "/health/live", "/health/ready", "/sandbox", "/sandbox/clock"] {
        assert_eq!(outside.get(path).status, 404, "{path} is open to the public");
        assert_eq!(outside.send("POST", path, XML, b"{}").status, 404, "{path}");
    }
    assert!(
        outside
            .get("/shep/sync?wsdl")
            .body
            .contains(&format!("<soap:address location=\"{}\"/>", url(public)))
    );
    let mut inside = Connection::open(admin);
    assert_eq!(inside.get("/health/ready").body, "ready");
    assert!(inside.get("/metrics").body.contains("outcome=\"granted\"} 1"));
    for path in ["/shep/sync?wsdl", "/.well-known/jwks.json"] {
        assert_eq!(inside.get(path).status, 404, "{path} is on the admin listener");
    }
    let gone = service.terminate();
    assert_eq!((gone.code, gone.out.as_str()), (Some(0), ""), "{}", gone.log.join("\n"));

    let (service, public, _) = Process::serve(&installation.config());
    assert_eq!(
        granted(&installation.send(&url(public), &ovt, SUBJECT, &[])),
        token,
        "the same ask, the same token"
    );
    assert_eq!(published(&installation, public).0, kids);
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn a_new_key_is_published_before_it_signs_and_tokens_of_the_old_one_stay_good() {
    let installation = Installation::complete();
    let (service, public, _) = Process::serve(&installation.config());
    let ovt = installation.ovt(SUBJECT);
    let kid = |token: &str| -> String {
        use base64::Engine as _;
        let header = token.split('.').next().unwrap();
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    let first = granted(&installation.send(&url(public), &ovt, SUBJECT, &[]));
    let (before, _) = published(&installation, public);
    assert!(before.len() == 2 && before.contains(&kid(&first)), "one of tokens, one of receipts: {before:?}");
    let said = installation.run(&["keys", "rotate"]);
    let new = said.split(' ').next().unwrap().to_owned();
    eventually("the new key is published", || published(&installation, public).0.contains(&new));
    let ovt = installation.ovt("810102499019");
    let second = granted(&installation.send(&url(public), &ovt, "810102499019", &[]));
    assert_eq!(kid(&second), kid(&first), "the new key signs before owners can know it");
    assert_eq!(installation.try_run(&["keys", "rotate"]).code, Some(1), "one key waits already");
    let (kids, jwks) = published(&installation, public);
    assert_eq!(kids.len(), 4);
    verifies(&first, &jwks);
    assert_eq!(service.terminate().code, Some(0));

    // Another installation, whose new keys sign in the next second.
    let installation = Installation::complete();
    installation.reconfigure("[log]", "[token]\nkey_lead_hours = 0\n[log]");
    let (service, public, _) = Process::serve(&installation.config());
    let ovt = installation.ovt(SUBJECT);
    let old = granted(&installation.send(&url(public), &ovt, SUBJECT, &[]));
    let said = installation.run(&["keys", "rotate"]);
    let new = said.split(' ').next().unwrap().to_owned();
    eventually("the new key is published", || published(&installation, public).0.contains(&new));
    eventually("the new key signs", || {
        let list: Value = serde_json::from_str(&installation.run(&["keys", "list", "--json"])).unwrap();
        list.as_array().unwrap().iter().any(|key| key["kid"] == *new && key["state"] == "signs")
    });
    let ovt = installation.ovt("810102499019");
    let young = granted(&installation.send(&url(public), &ovt, "810102499019", &[]));
    assert_eq!(kid(&young), new);
    let (_, jwks) = published(&installation, public);
    verifies(&old, &jwks);
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn sighup_brings_new_limits_and_a_broken_configuration_changes_nothing() {
    let installation = Installation::complete();
    let (mut service, public, _) = Process::serve(&installation.config());
    let message = vec![b' '; 5000];
    let status = || Connection::open(public).send("POST", "/shep/sync", XML, &message).status;
    assert_eq!(status(), 500);
    let sound = fs::read_to_string(installation.config()).unwrap();
    for (broken, named) in [
        (format!("{sound}\n[limits]\nbody_bytes = 100\nbody_byte = 100\n"), "body_byte"),
        (format!("{sound}\n[limits]\nbody_bytes = 100\nin_flight = 0\n"), "limits.in_flight"),
        (sound.replace("service.cert.pem", "no.cert.pem") + "\n[limits]\nbody_bytes = 100\n", "no.cert.pem"),
        ("not TOML at all".to_owned(), "line 1"),
        (
            format!("{sound}\n[tls]\ncertificate = \"{0}\"\nkey = \"{0}\"\n", pki("nothing.pem")),
            "nothing.pem",
        ),
    ] {
        fs::write(installation.config(), broken).unwrap();
        service.signal("HUP");
        let line = service.await_line("the old configuration stays");
        assert!(line.contains(named) && line.contains("ERROR"), "{named} is not named: {line}");
        assert_eq!(status(), 500, "{named}");
    }
    fs::write(installation.config(), format!("{sound}\n[limits]\nbody_bytes = 100\n")).unwrap();
    service.signal("HUP");
    service.await_line("were read anew");
    assert_eq!(status(), 413);
    fs::write(installation.config(), sound.replace("bank.cert.pem", "shep.cert.pem")).unwrap();
    service.signal("HUP");
    service.await_line("were read anew");
    let ovt = installation.ovt(SUBJECT);
    let answer = installation.send(&url(public), &ovt, SUBJECT, &[]);
    assert_eq!(
        answer["fault"]["code"], "SCE005",
        "the bank's certificate is not believed any more: {answer}"
    );
    fs::write(installation.config(), sound).unwrap();
    service.signal("HUP");
    service.await_line("were read anew");
    granted(&installation.send(&url(public), &ovt, SUBJECT, &[]));
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn what_a_peer_must_sign_it_must_sign_after_sighup_too() {
    let installation = Installation::complete();
    let (peer, required) =
        ("sender_id = \"bank_kdp\"", "sender_id = \"bank_kdp\"\ndata_signature = \"required\"");
    installation.reconfigure(peer, required);
    let (mut service, public, _) = Process::serve(&installation.config());
    let ovt = installation.ovt(SUBJECT);
    let code = || {
        let answer = installation.send(&url(public), &ovt, SUBJECT, &[]);
        answer["fault"]["code"].as_str().unwrap_or_default().to_owned()
    };
    let reload = |service: &mut Process| {
        service.signal("HUP");
        service.await_line("were read anew");
    };
    assert_eq!(code(), "SCE017");
    reload(&mut service);
    assert_eq!(code(), "SCE017", "unsigned data are taken after the configuration was read anew");
    installation.reconfigure(required, peer);
    reload(&mut service);
    granted(&installation.send(&url(public), &ovt, SUBJECT, &[]));
    installation.reconfigure(peer, required);
    reload(&mut service);
    assert_eq!(code(), "SCE017", "a new requirement waits for a restart");
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn what_stands_in_the_way_of_a_start_is_named_and_found_by_check_before() {
    type Spoil = fn(&Installation);
    let cases: [(&str, Spoil, &str); 12] = [
        (
            "sealing keys that others can read",
            |i| i.chmod("seal.keys", 0o640),
            "seal.keys: must be readable by its owner only",
        ),
        (
            "a lookup key that others can read",
            |i| i.chmod("lookup.key", 0o604),
            "lookup.key: must be readable by its owner only",
        ),
        (
            "a private key that others can read",
            |i| i.chmod("service.key.pem", 0o644),
            "service.key.pem: must be readable by its owner only",
        ),
        ("no sealing keys", |i| fs::remove_file(i.file("seal.keys")).unwrap(), "seal.keys: "),
        (
            "sealing keys that are none",
            |i| fs::write(i.file("seal.keys"), "1 00ff\n").unwrap(),
            "seal.keys: ",
        ),
        ("no database", |i| fs::remove_file(i.file("kdp.db")).unwrap(), "kdp migrate"),
        ("an empty database", |i| fs::write(i.file("kdp.db"), "").unwrap(), "database"),
        (
            "a file that is no database",
            |i| fs::write(i.file("kdp.db"), "hello ".repeat(500)).unwrap(),
            "database",
        ),
        (
            "a database of a later version",
            |i| drop(sqlite(&i.file("kdp.db"), "PRAGMA user_version = 6")),
            "has version 6, this program needs version 5",
        ),
        (
            "a test authority in production",
            |i| i.reconfigure("environment = \"test\"", "environment = \"production\""),
            "ca.pem: of a test authority",
        ),
        (
            "a pinned certificate of a test authority in production",
            |i| {
                i.reconfigure("environment = \"test\"", "environment = \"production\"");
                i.reconfigure(&format!("authorities = [\"{}\"]", pki("ca.pem")), "authorities = []");
            },
            "bank.cert.pem: of a test authority",
        ),
        (
            "a key of another certificate",
            |i| {
                fs::copy(pki("bank.key.pem"), i.file("service.key.pem")).unwrap();
                i.chmod("service.key.pem", 0o600);
            },
            "service.cert.pem: ",
        ),
    ];
    for (what, spoil, named) in cases {
        let installation = Installation::empty();
        installation.run(&["keys", "init"]);
        installation.run(&["migrate"]);
        spoil(&installation);
        let checked = installation.try_run(&["check"]);
        assert_eq!(checked.code, Some(1), "{what}: {}{}", checked.out, checked.err);
        let found = checked.out.lines().any(|line| line.starts_with("error: ") && line.contains(named));
        assert!(found, "{what}: {}", checked.out);
        assert_refused(&installation, what, named);
    }
}

#[test]
fn an_unknown_key_of_the_configuration_is_refused_with_its_line() {
    let installation = Installation::empty();
    installation.reconfigure("[log]\n", "[log]\ncolour = \"red\"\n");
    let line = fs::read_to_string(installation.config()).unwrap().lines().position(|l| l.contains("colour"));
    let line = format!("line {}", line.unwrap() + 1);
    for command in ["check", "serve", "migrate"] {
        let Ended { code, out, err } = installation.try_run(&[command]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command}");
        assert!(err.contains(&line) && err.contains("colour"), "{command}: {err}");
    }
}

#[test]
fn an_address_that_is_in_use_is_named() {
    let installation = Installation::complete();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    installation.reconfigure("public = \"127.0.0.1:0\"", &format!("public = \"{address}\""));
    assert_refused(&installation, "a taken port", &format!("cannot listen on {address}: address in use"));
    installation.reconfigure(&format!("public = \"{address}\""), "public = \"127.0.0.1:0\"");
    installation.reconfigure("admin = \"127.0.0.1:0\"", &format!("admin = \"{address}\""));
    assert_refused(
        &installation,
        "a taken admin port",
        &format!("cannot listen on {address}: address in use"),
    );
}

/// `kdp serve` does not start, says why in one line without a panic, and leaves with 2.
fn assert_refused(installation: &Installation, what: &str, named: &str) {
    let Gone { code, out, log } = Process::start(&["serve", "--config", &installation.config()]).end();
    assert_eq!((code, out.as_str()), (Some(2), ""), "{what}: {}", log.join("\n"));
    let last = log.last().unwrap();
    assert!(last.starts_with("kdp: ") && last.contains(named), "{what}: {}", log.join("\n"));
}
