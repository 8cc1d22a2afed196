//! The commands with keys of ГОСТ.

use crate::party::{Kind, SERVICE, SUBJECT, Stage, algorithm_of};
use kdp::sandbox::Crypto;
use kdp::token::ovt::{self, OvtKey};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Runs `kdp`, holds the exit code against `code`, and answers with stdout.
fn kdp(code: i32, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let output =
        tokio::task::block_in_place(|| command.args(arguments).stdin(Stdio::null()).output()).unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "kdp {arguments:?}: {out}{error}");
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn send_signs_with_the_kind_of_key_that_the_sandbox_chose_or_the_user() {
    for (crypto, wanted, bank, akimat) in [
        (None, None, "RS256", "RS256"),
        (None, Some("gost"), "GG2015", "GG2015"),
        (Some(Crypto::Gost), None, "GG2015", "GG2015"),
        (Some(Crypto::Gost), Some("rsa"), "RS256", "RS256"),
        (Some(Crypto::Mixed), None, "RS256", "GG2015"),
    ] {
        let stage = Stage::open(crypto).await;
        for (name, alg) in [("bank", bank), ("akimat", akimat)] {
            let url = ["send", "--url", &stage.running.url, "--as", name, "--method", "2", "--uin", SUBJECT];
            let mut arguments = [&url[..], &["--service", SERVICE]].concat();
            arguments.extend(wanted.iter().flat_map(|kind| ["--crypto", kind]));
            let printed = kdp(0, &[&arguments[..], &["--print"]].concat());
            let method = if alg == "RS256" { "rsa-sha256" } else { "gostr34102015-gostr34112015-512" };
            assert_eq!(algorithm_of(&printed), method, "{crypto:?} {name}");
            let ovt = printed.split_once("<ovt>").unwrap().1.split('.').next().unwrap();
            let header = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, ovt).unwrap();
            let header: Value = serde_json::from_slice(&header).unwrap();
            assert_eq!(header["alg"], alg, "{crypto:?} {name}");
            if name == "bank" {
                let answer: Value =
                    serde_json::from_str(&kdp(0, &[&arguments[..], &["--json"]].concat())).unwrap();
                let said = (&answer["data"]["reason"], &answer["signature"]);
                assert_eq!(said, (&"granted".into(), &"verified".into()), "{crypto:?}: {answer}");
            }
        }
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn send_takes_a_key_of_gost_from_a_file_and_refuses_one_that_does_not_fit() {
    let stage = Stage::open(Some(Crypto::Gost)).await;
    let bank = stage.party("bank", Kind::Gost);
    let secret = stage.directory.path().join("password");
    std::fs::write(&secret, &bank.password).unwrap();
    let service = stage.directory.path().join("pki/service.gost.cert.pem");
    let path = |path: &std::path::Path| path.display().to_string();
    let (key, certificate) = (path(&bank.key), path(&bank.certificate));
    let (secret, service) = (path(&secret), path(&service));
    let token = kdp(
        0,
        &[
            "ovt",
            "--bin",
            &bank.bin,
            "--mcheck",
            "BIO",
            "--key",
            &key,
            "--uin",
            SUBJECT,
            "--at",
            "2026-04-01T12:00:00+05:00",
        ],
    );
    let spki = bank.signer().public_key_spki().to_vec();
    let key_of_ovt = OvtKey::from_spki_der(&spki, None).unwrap();
    assert!(ovt::verify(token.trim_end(), &[key_of_ovt], &ovt::ACCEPTED).is_ok());
    let ovt = format!("ovt={}", token.trim_end());
    let arguments = [
        "send",
        "--url",
        &stage.running.url,
        "--key",
        &key,
        "--cert",
        &certificate,
        "--sender-id",
        &bank.sender_id,
        "--password-file",
        &secret,
        "--trust",
        &service,
        "--method",
        "2",
        "--uin",
        SUBJECT,
        "--service",
        SERVICE,
        "--bin",
        &bank.bin,
        "--set",
        &ovt,
        "--set",
        "personal_data_name=ФИО",
        "--json",
    ];
    let answer: Value = serde_json::from_str(&kdp(0, &arguments)).unwrap();
    assert_eq!(answer["data"]["reason"], "granted", "{answer}");
    let rsa = path(&stage.party("bank", Kind::Rsa).certificate);
    let unfit = arguments.map(|argument| if argument == certificate { rsa.as_str() } else { argument });
    kdp(2, &unfit);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_gost_is_registered_from_a_certificate_and_from_a_public_key() {
    use std::fmt::Write as _;
    let stage = Stage::open(None).await;
    let newcomer = stage.party("newcomer", Kind::Gost);
    let data = stage.directory.path().display().to_string();
    let public = stage.directory.path().join("public.pem");
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, newcomer.signer().public_key_spki());
    for line in text.as_bytes().chunks(64) {
        writeln!(pem, "{}", str::from_utf8(line).unwrap()).unwrap();
    }
    std::fs::write(&public, pem + "-----END PUBLIC KEY-----\n").unwrap();
    for file in [&newcomer.certificate, &public] {
        let file = file.display().to_string();
        let set = ["initiator", "set-ovt-keys", &newcomer.sender_id, "--ovt-key", &file, "--data", &data];
        kdp(0, &set);
    }
    let thumbprint = OvtKey::from_spki_der(newcomer.signer().public_key_spki(), None).unwrap().thumbprint();
    let history = kdp(0, &["initiator", "history", &newcomer.sender_id, "--json", "--data", &data]);
    let history: Value = serde_json::from_str(&history).unwrap();
    let registered = serde_json::json!([{
        "field": "ovt_keys", "before": null, "after": [thumbprint.unwrap()]
    }]);
    assert_eq!((&history[1]["changes"], &history[2]["changes"]), (&registered, &serde_json::json!([])));
    let private = newcomer.key.display().to_string();
    kdp(2, &["initiator", "set-ovt-keys", &newcomer.sender_id, "--ovt-key", &private, "--data", &data]);
    stage.close().await;
}
