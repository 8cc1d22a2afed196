//! Wycheproof's vectors for JWS, JWK, confused keys and RSA PKCS#1 v1.5, from the suites that others made.
//!
//! Every vector that is valid and RS256 must be accepted, everything else refused: other algorithms, JWE, keys
//! that are weak, secret, ambiguous or meant for something else, and what the suite calls merely acceptable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kdp::token::jwks::{KeySet, from_jwk};
use kdp::token::jws::{TokenKey as _, Unverified};
use kdp::token::ovt::OvtKey;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Accepted and refused, and what came out otherwise than it should.
#[derive(Default)]
struct Count {
    accepted: usize,
    refused: usize,
    wrong: Vec<String>,
}

impl Count {
    fn add(&mut self, name: &str, accepted: bool, expected: bool) {
        *if accepted { &mut self.accepted } else { &mut self.refused } += 1;
        if accepted != expected {
            self.wrong.push(format!("{name}: accepted {accepted}, expected {expected}"));
        }
    }
}

#[test]
fn all_of_wycheproof_comes_out_as_it_should() {
    let Some(suites) = std::env::var_os("KDP_SUITES") else {
        eprintln!("SKIPPED: KDP_SUITES is not set; the Wycheproof vectors were not run");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let archive = Path::new(&suites).join("jws.tar.xz");
    let unpacked =
        Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success(), "tar could not unpack jws.tar.xz");

    let mut total = Count::default();
    for (file, cases, valid) in [
        ("json_web_signature_test.json", 401, 8),
        ("json_web_key_test.json", 26, 1),
        ("json_web_crypto_test.json", 83, 1),
        ("rsa_signature_2048_sha256_test.json", 259, 9),
        ("rsa_signature_4096_sha256_test.json", 258, 7),
    ] {
        let suite: Value = serde_json::from_slice(&std::fs::read(folder.path().join(file)).unwrap()).unwrap();
        let mut count = Count::default();
        for group in suite["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                let name = format!("{file} {}", test["tcId"]);
                let valid = test["result"] == "valid";
                if file.starts_with("rsa") {
                    count.add(&name, raw_is_accepted(group, test), valid);
                } else {
                    let token = test["jws"].as_str().or_else(|| test["jwe"].as_str()).unwrap_or_default();
                    count.add(&name, token_is_accepted(group, token), valid && is_rs256(token));
                }
            }
        }
        println!(
            "{file}: {} accepted, {} refused, {} wrong",
            count.accepted,
            count.refused,
            count.wrong.len()
        );
        assert_eq!(count.accepted + count.refused, cases, "{file} is not the one that is known");
        assert_eq!(count.accepted, valid, "{file}: {:?}", count.wrong);
        total.accepted += count.accepted;
        total.refused += count.refused;
        total.wrong.append(&mut count.wrong);
    }
    println!("Wycheproof: {} cases, {} wrong", total.accepted + total.refused, total.wrong.len());
    assert!(total.wrong.is_empty(), "{:#?}", total.wrong);
}

/// Whether the token is taken with the group's public key or set; a group without one has only secrets.
fn token_is_accepted(group: &Value, token: &str) -> bool {
    let key = group.get("public").unwrap_or(&group["private"]);
    let keys = if key.get("keys").is_some() {
        KeySet::from_jwks(&key.to_string())
    } else {
        from_jwk(&key.to_string()).and_then(|key| KeySet::new(vec![key]))
    };
    keys.is_ok_and(|keys| Unverified::parse(token).is_ok_and(|token| token.verify(keys.as_slice()).is_ok()))
}

fn is_rs256(token: &str) -> bool {
    let header = token.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    header
        .and_then(|header| serde_json::from_slice::<Value>(&header).ok())
        .is_some_and(|header| header["alg"] == "RS256")
}

/// Whether the bare signature is taken, with the key in each of its three forms alike.
fn raw_is_accepted(group: &Value, vector: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message = unhex(&text(&vector["msg"]));
    let signature = URL_SAFE_NO_PAD.encode(unhex(&text(&vector["sig"])));
    let mut verdicts = [
        OvtKey::from_spki_der(&unhex(&text(&group["publicKeyDer"])), None).unwrap(),
        OvtKey::from_pem(&text(&group["publicKeyPem"]), None).unwrap(),
        from_jwk(&group["keyJwk"].to_string()).unwrap().into(),
    ]
    .map(|key| key.check(&message, &signature).is_ok());
    verdicts.sort_unstable();
    assert_eq!(verdicts[0], verdicts[2], "{}", vector["tcId"]);
    verdicts[0]
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
