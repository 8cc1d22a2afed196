//! Initiators, owners and systems.

use super::past::{DAY, Grant, Past};
use super::{BIN, Installation, OWNER, SUBJECT, ends, pki};
use serde_json::json;
use std::fs;
use std::path::Path;

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
    let methods = ["initiator", "set-methods", "bank_kdp", "--config", config, "--methods", "5"];
    ends(0, &[&methods[..], &["--basis", "agreement 7"]].concat());
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

#[test]
fn methods_are_open_on_a_basis_and_those_with_a_verification_token_on_a_protocol() {
    let installation = Installation::peopled();
    let set = |code: i32, more: &[&str]| {
        installation.run(code, &[&["initiator", "set-methods", "bank_kdp"], more].concat())
    };
    let (_, err) = set(2, &["--methods", "1,2"]);
    assert!(err.contains("--basis"), "{err}");
    let (_, err) = set(1, &["--methods", "1,3", "--basis", "b"]);
    assert!(err.contains("--protocol 3=FILE"), "{err}");
    let (_, err) = set(1, &["--methods", "2", "--basis", "b", "--protocol", "p"]);
    assert!(err.contains("--own-means"), "{err}");
    set(2, &["--methods", "1", "--basis", "b", "--protocol", "2=p"]);
    let before = installation.json(&["initiator", "show", "bank_kdp"]);
    assert_eq!(before["permits"][0]["basis"], "test installation");

    let protocol = installation.path("own-means.txt");
    fs::write(&protocol, "ten answers\n").unwrap();
    let named = format!("2={}", protocol.display());
    let more = ["--own-means", "soc", "--protocol", &named, "--protocol", "4=protocol 12"];
    let (_, err) = set(0, &[&["--methods", "4,2,1", "--basis", "договор № 7"], &more[..]].concat());
    assert!(err.contains("set-logging"), "{err}");
    let shown = installation.json(&["initiator", "show", "bank_kdp"]);
    assert_eq!((&shown["methods"], &shown["revision"]), (&json!([1, 2, 4]), &json!(2)));
    let permits = shown["permits"].as_array().unwrap();
    let permit = |i: usize, field: &str| permits[i][field].as_str().unwrap_or_default().to_owned();
    assert_eq!((permit(0, "basis"), permit(0, "protocol")), ("договор № 7".to_owned(), String::new()));
    assert_eq!(permit(1, "basis"), "security operations centre: договор № 7");
    // As sha256sum prints it.
    let digest = "8969bc695f1732f09cb455911052f34a489a7085bda914546d115d9c656bde6d";
    assert_eq!(permit(1, "protocol"), format!("own-means.txt sha256:{digest}"));
    assert_eq!(permit(2, "protocol"), "protocol 12");
    assert_eq!(permit(0, "since"), before["permits"][0]["since"], "method 1 was open before");
    let (outcome, detail) = installation.journalled();
    assert_eq!((outcome.as_str(), &detail["basis"]), ("sender methods", &json!("договор № 7")));
}

#[test]
fn production_takes_no_initiator_without_a_basis() {
    let installation = Installation::production();
    let certificate = pki("bank.cert.pem");
    let bank = ["--sender-id", "bank_kdp", "--name", "Банк", "--bin", BIN, "--methods", "1,2"];
    let bank = [&bank[..], &["--ovt-key", &certificate]].concat();
    let (_, err) = installation.add(1, &bank);
    assert!(err.contains("--basis"), "{err}");
    let (_, err) = installation.add(2, &[&bank[..], &["--protocol", "p"]].concat());
    assert!(err.contains("--basis"), "{err}");
    installation.add(1, &[&bank[..], &["--basis", "b", "--own-means", "bank"]].concat());
    installation.add(0, &[&bank[..], &["--basis", "b", "--own-means", "bank", "--protocol", "p"]].concat());
    let permits = &installation.json(&["initiator", "show", "bank_kdp"])["permits"];
    assert_eq!((&permits[1]["basis"], &permits[1]["protocol"]), (&json!("bank: b"), &json!("p")));
}

#[test]
fn logging_mode_is_opened_and_closed_on_a_basis_of_its_own() {
    let installation = Installation::peopled();
    let set = |code: i32, more: &[&str]| {
        installation.run(code, &[&["initiator", "set-logging", "bank_kdp"], more].concat())
    };
    let (_, err) = set(2, &["on"]);
    assert!(err.contains("--basis"), "{err}");
    set(2, &["maybe", "--basis", "b"]);
    let (_, err) = set(2, &["on", "--basis", &format!("о {SUBJECT}")]);
    assert!(err.contains("--basis: holds an IIN") && !err.contains(SUBJECT), "{err}");
    let (out, err) = set(0, &["on", "--basis", "order 12"]);
    assert!(out.contains("open") && err.contains("set-methods"), "{out}{err}");
    let shown = installation.json(&["initiator", "show", "bank_kdp"]);
    assert_eq!(shown["logging"], true);
    assert_eq!(shown["permits"][2]["basis"], "logging mode: order 12");
    // Other methods leave it as it is.
    let methods = ["initiator", "set-methods", "bank_kdp", "--methods", "1", "--basis", "b"];
    installation.run(0, &methods);
    assert_eq!(installation.json(&["initiator", "show", "bank_kdp"])["permits"][1]["method"], 4);
    set(0, &["off", "--basis", "order 13"]);
    let shown = installation.json(&["initiator", "show", "bank_kdp"]);
    assert_eq!((&shown["logging"], shown["permits"].as_array().unwrap().len()), (&json!(false), 1));
    let (outcome, detail) = installation.journalled();
    assert_eq!(outcome, "sender logging");
    assert_eq!((&detail["logging"], &detail["basis"]), (&json!(false), &json!("order 13")));
}

#[test]
fn a_suspension_marks_the_tokens_in_force_and_its_end_frees_them() {
    let installation = Installation::peopled();
    let past = Past::of(installation.at());
    let now = past.now();
    for (place, at) in [(1, now), (2, now), (3, now - 5 * DAY)] {
        past.grant(&Grant { iin: SUBJECT, at, days: 2, place });
    }
    let suspend = ["initiator", "suspend", "bank_kdp", "--reason", "inspection 31"];
    installation.run(2, &suspend[..3]);
    let (out, _) = installation.run(0, &suspend);
    assert!(out.starts_with("bank_kdp is suspended from 20"), "{out}");
    assert_eq!([1, 2, 3].map(|place| past.listed(place)), [Some(2), Some(2), None], "the third has expired");
    assert_eq!(installation.journalled().1["reason"], "inspection 31");
    let shown = installation.json(&["initiator", "show", "bank_kdp"]);
    assert_eq!(
        (&shown["suspended"], &shown["suspensions"][0]["reason"]),
        (&json!(true), &json!("inspection 31"))
    );
    let (out, _) = installation.run(0, &["initiator", "list"]);
    assert!(out.contains("suspended"), "{out}");
    let (out, _) = installation.run(0, &suspend);
    assert!(out.contains("has been suspended since"), "{out}");

    let (out, _) = installation.run(0, &["initiator", "resume", "bank_kdp"]);
    assert!(out.contains("not suspended any more"), "{out}");
    assert_eq!([1, 2].map(|place| past.listed(place)), [Some(0), Some(0)]);
    let (out, _) = installation.run(0, &["initiator", "resume", "bank_kdp"]);
    assert!(out.contains("was not suspended"), "{out}");
    let shown = installation.json(&["initiator", "show", "bank_kdp"]);
    assert_eq!((&shown["suspended"], &shown["revision"]), (&json!(false), &json!(3)));
    assert!(shown["suspensions"][0]["until"].is_string());
    installation.run(1, &["initiator", "suspend", "owner_kdp", "--reason", "r"]);
    installation.run(1, &["initiator", "resume", "nobody"]);
}

#[test]
fn the_history_tells_what_each_revision_changed_and_no_secret() {
    let installation = Installation::peopled();
    installation.run(0, &["initiator", "set-services", "bank_kdp", "--services", "B"]);
    installation.run(0, &["initiator", "new-secret", "bank_kdp"]);
    let history = installation.json(&["initiator", "history", "bank_kdp"]);
    let revisions: Vec<&serde_json::Value> = history.as_array().unwrap().iter().collect();
    assert_eq!(revisions.iter().map(|r| r["revision"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        revisions[1]["changes"],
        json!([{ "field": "allowance.services", "before": ["A", "B"], "after": ["B"] }])
    );
    assert_eq!(
        revisions[2]["changes"],
        json!([{ "field": "password", "before": "(secret)", "after": "(secret)" }])
    );
    let (text, _) = installation.run(0, &["initiator", "history", "bank_kdp"]);
    for line in ["  name: Банк", "  allowance.services: [\"A\",\"B\"] → [\"B\"]", "  password: replaced"]
    {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("BEGIN"), "a thumbprint stands for a key: {text}");
    let (_, err) = installation.run(1, &["initiator", "history", "owner_kdp"]);
    assert!(err.contains("not registered as an initiator"), "{err}");
}

#[test]
fn owners_and_systems_are_registered_by_role_and_found_by_it() {
    let installation = Installation::peopled();
    let add = |code: i32, more: &[&str]| installation.run(code, &[&["owner", "add"], more].concat());
    let egov = ["--sender-id", "egov_kdp", "--name", "Портал", "--bin", "260140990612", "--role", "egov"];
    let (_, err) = add(2, &[&egov[..], &["--services", "A"]].concat());
    assert!(err.contains("only an owner"), "{err}");
    add(0, &egov);
    add(0, &["--sender-id", "sms_kdp", "--name", "1414", "--bin", "260140990711", "--role", "sms"]);
    add(2, &["--sender-id", "x", "--name", "X", "--bin", "260140990711", "--role", "initiator"]);
    let (_, err) = add(2, &["--sender-id", "x", "--name", "X", "--bin", "260140990711"]);
    assert!(err.contains("at least one ServiceID"), "{err}");
    let other = ["--sender-id", "x", "--name", "X", "--bin", "260140990612", "--services", "C,B"];
    let (_, err) = add(1, &other);
    assert!(err.contains("B is owned by owner_kdp"), "{err}");
    let second = ["--sender-id", "owner_2", "--name", "X", "--bin", OWNER, "--services", "B"];
    add(0, &second);
    let (_, err) = add(1, &second);
    assert!(err.contains("registered already"), "{err}");

    let roles = |more: &[&str]| -> Vec<String> {
        let list = installation.json(&[&["owner", "list"], more].concat());
        list.as_array().unwrap().iter().map(|one| one["role"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(roles(&[]), ["egov", "owner", "owner", "sms"]);
    assert_eq!(roles(&["--role", "sms"]), ["sms"]);
    let shown = installation.json(&["owner", "show", "egov_kdp"]);
    assert!(shown.get("methods").is_none() && shown.get("permits").is_none(), "{shown}");
    installation.run(0, &["owner", "set-services", "owner_kdp", "--services", "C"]);
    assert_eq!(installation.json(&["owner", "show", "owner_kdp"])["services"], json!(["C"]));
    installation.run(1, &["owner", "set-services", "egov_kdp", "--services", "C"]);
    let secret = installation.json(&["owner", "new-secret", "egov_kdp"]);
    assert_eq!(secret["password"].as_str().unwrap().len(), 32);
    let history = installation.json(&["owner", "history", "owner_kdp"]);
    assert_eq!(history.as_array().unwrap().len(), 2);
    for command in ["show", "history", "new-secret"] {
        let (_, err) = installation.run(1, &["owner", command, "bank_kdp"]);
        assert!(err.contains("not registered as an owner"), "{err}");
        installation.run(1, &["initiator", command, "owner_kdp"]);
    }
}

#[test]
fn a_service_that_nobody_owns_is_told_but_taken() {
    let installation = Installation::peopled();
    let (_, err) = installation.run(0, &["initiator", "set-services", "bank_kdp", "--services", "A,Z"]);
    assert!(err.contains("Z: no owner") && !err.contains("A: no owner"), "{err}");
}

#[test]
fn what_changed_is_told_to_programs_too() {
    let installation = Installation::peopled();
    let methods = ["initiator", "set-methods", "bank_kdp", "--methods", "1", "--basis", "order 7"];
    assert_eq!(installation.json(&methods)["revision"], 2);
    let suspend = ["initiator", "suspend", "bank_kdp", "--reason", "inspection"];
    assert_eq!(installation.json(&suspend)["changed"], true);
    assert_eq!(installation.json(&suspend)["changed"], false);
    assert_eq!(installation.json(&["initiator", "resume", "bank_kdp"])["changed"], true);
    let made = installation.json(&["keys", "generate"]);
    let kid = made[0]["kid"].as_str().unwrap();
    let gone = installation.json(&["keys", "distrust", kid]);
    assert_eq!(
        (&gone["kid"], &gone["no_key_for"]),
        (&made[0]["kid"], &serde_json::json!([made[0]["signs"]]))
    );
}
