//! The offline check of security tokens, by the vectors of `fixtures/token/`: the library, and `kdp token verify`.
//!
//! `tests/drivers/kit.py` runs the same vectors through the library for C, and asks other libraries which signatures hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::consent::identity::{Bin, Iin};
use kdp::text::{Class, Lang, Verdict};
use kdp::token::offline::{self, MAX_LEEWAY, Question};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// One vector, complete.
struct Vector {
    name: String,
    token: Vec<u8>,
    jwks: Vec<u8>,
    list: Option<Vec<u8>>,
    said: Map<String, Value>,
}

impl Vector {
    fn text(&self, name: &str) -> Option<&str> {
        self.said[name].as_str()
    }

    fn number(&self, name: &str) -> i64 {
        self.said[name].as_i64().unwrap()
    }
}

fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/token/vectors.json");
    let whole: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let complete = |case: &Value| {
        let mut said = whole["default"].as_object().unwrap().clone();
        said.extend(case.as_object().unwrap().clone());
        let list = said["list"].as_str().map(|name| octets(&whole["lists"][name]));
        Vector {
            name: said["name"].as_str().unwrap().to_owned(),
            token: octets(&said["token"]),
            jwks: octets(&whole["jwks"][said["jwks"].as_str().unwrap()]),
            list,
            said,
        }
    };
    whole["cases"].as_array().unwrap().iter().map(complete).collect()
}

/// A text, `{"base64"}`, or `{"repeat", "times"}`.
fn octets(content: &Value) -> Vec<u8> {
    if let Some(text) = content.as_str() {
        return text.as_bytes().to_vec();
    }
    if let Some(base64) = content["base64"].as_str() {
        return STANDARD.decode(base64).unwrap();
    }
    let times = usize::try_from(content["times"].as_u64().unwrap()).unwrap();
    content["repeat"].as_str().unwrap().repeat(times).into_bytes()
}

/// What the library says; a question that cannot be put is not put.
fn judged(vector: &Vector) -> Verdict {
    let uin = vector.text("uin").map(Iin::parse).transpose();
    let bin = vector.text("bin").map(Bin::parse).transpose();
    let (Ok(uin), Ok(bin), true) = (uin, bin, (0..=MAX_LEEWAY).contains(&vector.number("leeway"))) else {
        return Verdict::QuestionMalformed;
    };
    let (at, leeway, list_max_age) =
        (vector.number("at"), vector.number("leeway"), vector.said["list_max_age"].as_i64());
    let question = Question { at, leeway, uin, service: vector.text("service"), bin, list_max_age };
    match offline::keys(&vector.jwks) {
        Ok(keys) => offline::check(&vector.token, &keys, vector.list.as_deref(), &question).verdict,
        Err(finding) => finding.verdict,
    }
}

#[test]
fn each_vector_comes_out_under_the_code_that_it_names() {
    let vectors = vectors();
    let mut wrong = Vec::new();
    for vector in &vectors {
        let (found, expected) = (judged(vector), vector.text("code").unwrap());
        if found.code() != expected {
            wrong.push(format!("{}: {}, expected {expected}", vector.name, found.code()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (no, yes): (Vec<_>, Vec<_>) = vectors.iter().partition(|vector| vector.number("exit") != 0);
    println!("{} valid, {} invalid", yes.len(), no.len());
    assert!(yes.len() >= 20 && no.len() >= 250, "{} valid, {} invalid", yes.len(), no.len());
}

#[test]
fn each_code_has_a_vector() {
    let vectors = vectors();
    let seen: BTreeSet<_> = vectors.iter().filter_map(|vector| vector.text("code")).collect();
    let known: BTreeSet<_> = Verdict::ALL.iter().map(|verdict| verdict.code()).collect();
    assert_eq!(seen, known);
}

#[test]
fn the_command_says_the_same_and_ends_with_the_exit_code_of_each_vector() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for vector in vectors() {
        let file = |name: &str, octets: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, octets).unwrap();
            path
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.args(["token", "verify", "--json"]).arg(file("token", &vector.token));
        command.arg("--jwks").arg(file("jwks", &vector.jwks));
        if let Some(list) = &vector.list {
            command.arg("--status-list").arg(file("list", list));
        }
        for (flag, name) in [("--uin", "uin"), ("--service", "service"), ("--bin", "bin")] {
            command.args(vector.text(name).map(|value| [flag, value]).iter().flatten());
        }
        command.arg(format!("--leeway={}", vector.number("leeway")));
        if let Some(age) = vector.said["list_max_age"].as_i64() {
            command.arg(format!("--list-max-age={age}s"));
        }
        let at = kdp::clock::text(vector.number("at") * 1000);
        let output = command.arg("--at").arg(at).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let exit = output.status.code().unwrap();
        // What cannot be asked has no verdict, but a message.
        let expected = vector.text("code").unwrap();
        let same = told["code"] == expected || told.is_null() && expected == "question-malformed";
        let expected_valid = if exit == 3 { Value::Null } else { (exit == 0).into() };
        let valid = told["valid"] == expected_valid && told["error"].is_null() == matches!(exit, 0 | 3);
        if i64::from(exit) != vector.number("exit") || !same || !(valid || told.is_null()) {
            wrong.push(format!("{}: {exit} {told} {}", vector.name, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_a_yes_ends_with_0_and_each_code_has_its_exit() {
    for vector in vectors() {
        let verdict = Verdict::from_code(vector.text("code").unwrap()).unwrap();
        let exit = match verdict.class() {
            Class::Accepted => 0,
            Class::Unasked => 3,
            Class::Refused => 1,
            Class::Unusable => 2,
        };
        assert_eq!(vector.number("exit"), exit, "{}", vector.name);
    }
}

#[test]
fn what_people_read_tells_code_and_remedy_in_their_language() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = vectors();
    for name in ["valid", "revoked", "list-stale-of-an-hour-ago", "keys-unsafe"] {
        let of = |vector: &&Vector| vector.name == name || vector.text("code") == Some(name);
        let vector = vectors.iter().find(of).unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("token"), &vector.token).unwrap();
        std::fs::write(path("jwks"), &vector.jwks).unwrap();
        std::fs::write(path("list"), vector.list.as_deref().unwrap()).unwrap();
        let verdict = Verdict::from_code(vector.text("code").unwrap()).unwrap();
        for lang in Lang::ALL {
            let output = Command::new(env!("CARGO_BIN_EXE_kdp"))
                .args(["token", "verify", "--lang", lang.code(), "--at", "2026-04-01T12:00:00+05:00"])
                .arg(path("token"))
                .arg("--jwks")
                .arg(path("jwks"))
                .arg("--status-list")
                .arg(path("list"))
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).unwrap();
            for part in [verdict.code(), verdict.text(lang), verdict.remedy(lang)] {
                assert!(said.contains(part), "{name} {}: {said}", lang.code());
            }
        }
    }
}
