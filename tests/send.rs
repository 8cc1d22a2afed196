//! `kdp send` against a sandbox, as the README shows it.

#[path = "common/options.rs"]
mod options;

use kdp::gateway::http_client::HttpClient;
use kdp::sandbox::Running;
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

const YES: &str = "800101399015";
const NO: &str = "810102499019";
const SILENT: &str = "820103399015";
const NO_PHONE: &str = "870108499012";
const READS_CODE: (&str, &str) = ("920113399015", "77010000013");

struct Stand {
    running: Running,
    directory: tempfile::TempDir,
}

impl Stand {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = options::options(&directory.path().join("data"));
        Self { running: kdp::sandbox::start(options, None).await.unwrap(), directory }
    }

    fn origin(&self) -> &str {
        self.running.url.strip_suffix("/shep/sync").unwrap()
    }

    fn pki(&self, name: &str) -> String {
        self.directory.path().join("data/pki").join(name).display().to_string()
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        let client = HttpClient::new(Duration::from_secs(5), None).unwrap();
        let uri = format!("{}{path}", self.origin()).parse().unwrap();
        client.get(&uri).await.unwrap().body.to_vec()
    }

    /// `kdp send --as bank --json`, with these arguments too.
    fn send(&self, code: i32, arguments: &[&str]) -> Value {
        let common = ["send", "--url", &self.running.url, "--as", "bank", "--json"];
        let (out, _) = kdp(code, &[&common[..], arguments].concat());
        serde_json::from_str(&out).unwrap()
    }
}

/// Runs `kdp`, holds the exit code against `code`, and answers with stdout and stderr.
fn kdp(code: i32, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    let output =
        tokio::task::block_in_place(|| command.args(arguments).stdin(Stdio::null()).output()).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "kdp {arguments:?}\n{out}\n{err}");
    (out, err)
}

const SERVICE: [&str; 2] = ["--service", "GBDFLUniversal_token"];

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_method_2_is_had_by_one_command_and_verified_offline() {
    let stand = Stand::start().await;
    let url = ["send", "--as", "bank", "--url", &stand.running.url, "--method", "2", "--uin", YES];
    let (out, _) = kdp(0, &[&url[..], &SERVICE].concat());
    assert!(out.contains("VALID") && out.contains("signature    verified"), "{out}");
    let token = out.lines().last().unwrap();
    let jwks = stand.directory.path().join("jwks.json");
    std::fs::write(&jwks, stand.get("/.well-known/jwks.json").await).unwrap();
    let verify = ["token", "verify", token, "--jwks", jwks.to_str().unwrap(), "--uin", YES];
    let (out, _) = kdp(0, &[&verify[..], &SERVICE].concat());
    assert!(out.contains("valid (whether it was revoked is not known offline)"), "{out}");
    kdp(1, &[&verify[..], &["--service", "GBDRN_token"]].concat());
    kdp(1, &[&verify[..5], &["--uin", NO]].concat());
    let (out, _) = kdp(1, &[&verify[..], &["--at", "2046-01-01T00:00:00Z"]].concat());
    assert!(out.contains("refused: the token is expired"), "{out}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_signs_for_the_bank_in_every_form_of_key_info() {
    let stand = Stand::start().await;
    for form in ["certificate", "issuer-serial", "binary-token", "x509-data"] {
        let arguments = ["--via", "shep", "--key-info", form, "--method", "2", "--uin", YES];
        let answer = stand.send(0, &[&arguments[..], &SERVICE].concat());
        assert_eq!(
            (&answer["data"]["status"], &answer["signature"]),
            (&"VALID".into(), &"verified".into()),
            "{form}"
        );
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn send_waits_for_the_subject_as_long_as_it_is_told() {
    let stand = Stand::start().await;
    for (subject, code, wait, status, reason) in [
        (YES, 0, "30", "VALID", "granted"),
        (NO, 1, "30", "INVALID", "subject-refused"),
        (SILENT, 0, "1", "PENDING", "waiting"),
        (NO_PHONE, 1, "30", "NOT_FOUND", "no-phone"),
    ] {
        let arguments = ["--method", "1", "--uin", subject, "--wait", wait];
        let answer = stand.send(code, &[&arguments[..], &SERVICE].concat());
        let data = &answer["data"];
        assert_eq!((&data["status"], &data["reason"]), (&status.into(), &reason.into()), "{answer}");
        assert_eq!(answer["remedy"].is_string(), code == 1, "{answer}");
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_that_the_subject_read_brings_the_token_and_a_cancel_ends_it() {
    let stand = Stand::start().await;
    let (subject, phone) = READS_CODE;
    let ask = ["--method", "5", "--uin", subject];
    let answer = stand.send(0, &[&ask[..], &SERVICE].concat());
    let id = answer["data"]["request_id"].as_str().unwrap();
    let sms = loop {
        let phone: Vec<Value> =
            serde_json::from_slice(&stand.get(&format!("/sandbox/phone/{phone}")).await).unwrap();
        match phone.first() {
            Some(sms) => break sms["text"].as_str().unwrap().to_owned(),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let code = &sms.split_once("KOD ").unwrap().1[..6];
    let repeat = ["--uin", subject, "--request-id", id];
    let wrong = stand.send(0, &[&repeat[..], &["--code", "nocode"]].concat());
    assert_eq!(wrong["data"]["reason"], "code-wrong", "{wrong}");
    let right = stand.send(0, &[&repeat[..], &["--code", code]].concat());
    assert_eq!(right["data"]["status"], "VALID", "{right}");
    let cancelled = stand.send(0, &[&repeat[..], &["--cancel"]].concat());
    assert_eq!(cancelled["data"]["reason"], "cancelled", "{cancelled}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_and_a_refusal_end_with_1_and_say_why() {
    let stand = Stand::start().await;
    let ask = [&["--method", "2", "--uin", YES][..], &SERVICE].concat();
    for (more, code) in [(["--service-id", "NOBODY"], "SCE004"), (["--bin", "260140990216"], "KDP403")] {
        let answer = stand.send(1, &[&ask[..], &more].concat());
        assert_eq!(answer["fault"]["code"], code, "{answer}");
        assert!(answer["fault"]["data"].as_str().unwrap().starts_with("decision "), "{answer}");
    }
    let answer = stand.send(1, &[&ask[..], &["--term", "91d", "--lang", "en"]].concat());
    assert_eq!(answer["data"]["reason"], "term-too-long", "{answer}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_signed_by_somebody_else_is_not_shown() {
    let stand = Stand::start().await;
    let (akimat, service) = (stand.pki("akimat.cert.pem"), stand.pki("service.cert.pem"));
    let ask = ["send", "--as", "bank", "--url", &stand.running.url, "--method", "2", "--uin", YES];
    let ask = [&ask[..], &SERVICE].concat();
    let (out, err) = kdp(1, &[&ask[..], &["--trust", &akimat]].concat());
    assert!(out.is_empty() && err.contains("not believed"), "{out}{err}");
    kdp(0, &[&ask[..], &["--trust", &akimat, "--trust", &service]].concat());
    stand.running.stop().await;
}
