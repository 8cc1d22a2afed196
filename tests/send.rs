//! `kdp send` against a sandbox.

#[path = "common/options.rs"]
mod options;
#[path = "send/scenario.rs"]
mod scenario;

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
    let (out, _) = kdp(3, &[&verify[..], &SERVICE].concat());
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

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_each_check_and_asks_nobody() {
    let stand = Stand::start().await;
    for method in ["1", "2", "5"] {
        let ask = ["--method", method, "--uin", YES, "--dry-run"];
        let answer = stand.send(0, &[&ask[..], &SERVICE].concat());
        let data = &answer["data"];
        assert_eq!((&data["status"], &data["reason"]), (&"INVALID".into(), &"dry-run".into()), "{answer}");
        assert!(data["code"].is_null() && data["request_id"].is_null(), "{answer}");
        assert!(answer["remedy"].is_null(), "{answer}");
    }
    assert_eq!(stand.get("/sandbox/phone/77010000001").await, b"[]");
    let ask = ["send", "--as", "bank", "--url", &stand.running.url, "--method", "1", "--uin", YES];
    let (out, _) = kdp(0, &[&ask[..], &SERVICE, &["--dry-run"]].concat());
    assert!(out.contains("\nnext         ask-by-sms") && out.contains("\npasses  method-allowed"), "{out}");
    let (out, _) = kdp(1, &[&ask[..], &["--service", "NOBODY", "--dry-run"]].concat());
    let failed: Vec<&str> = out.lines().filter(|line| line.starts_with("FAILS")).collect();
    assert!(matches!(failed[..], [line] if line.contains("services-allowed")), "{out}");
    assert!(out.contains("reason       service-not-allowed") && out.contains("what to do"), "{out}");
    kdp(2, &[&ask[..], &["--request-id", "x", "--dry-run"]].concat());
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_answered_is_kept_byte_for_byte() {
    let stand = Stand::start().await;
    let folder = stand.directory.path().join("kept");
    let save = ["--save", folder.to_str().unwrap(), "--method", "1", "--uin", YES, "--wait", "30"];
    let answer = stand.send(0, &[&save[..], &SERVICE].concat());
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 4 && files.len() % 2 == 0, "the ask and its repeats: {files:?}");
    let last = std::fs::read_to_string(&files[files.len() - 2]).unwrap();
    assert!(last.contains(answer["data"]["code"].as_str().unwrap()), "{last}");
    // What is kept can be sent again: its signature holds.
    let client = HttpClient::new(Duration::from_secs(5), None).unwrap();
    for file in files.iter().filter(|file| file.display().to_string().ends_with("request.xml")) {
        let kept = std::fs::read(file).unwrap();
        let again = client.post_soap(&stand.running.url.parse().unwrap(), kept.into()).await.unwrap();
        assert_eq!(again.status, 200, "{}", String::from_utf8_lossy(&again.body));
    }
    // Where nobody answers, there is no answer to keep.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = format!("http://127.0.0.1:{port}/shep/sync");
    let (key, cert) = (stand.pki("bank.key.pem"), stand.pki("bank.cert.pem"));
    let direct = ["send", "--url", &nowhere, "--key", &key, "--cert", &cert, "--sender-id", "bank_kdp"];
    let ask = ["--method", "1", "--uin", YES, "--bin", "260140990117", "--data", "ФИО"];
    kdp(2, &[&direct[..], &ask, &SERVICE, &["--save", folder.to_str().unwrap()]].concat());
    assert_eq!(folder.read_dir().unwrap().count(), files.len() + 1, "what was to be sent");
    stand.running.stop().await;
}

/// A token of method 2 and the id of its request.
fn granted(stand: &Stand, crypto: &str) -> (String, String) {
    let ask = ["--method", "2", "--uin", YES, "--crypto", crypto];
    let answer = stand.send(0, &[&ask[..], &SERVICE].concat());
    let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
    (text("code"), text("request_id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_called_from_flags_and_from_a_file_signed_by_either_kind_of_key() {
    let stand = Stand::start().await;
    let call = |code, crypto, who, service, more: &[&str]| {
        let common = ["send", "--url", &stand.running.url, "--as", who, "--crypto", crypto, "--json"];
        let (out, _) = kdp(code, &[&common[..], &["--service-id", service], more].concat());
        serde_json::from_str::<Value>(&out).unwrap()["data"].clone()
    };
    for crypto in ["rsa", "gost"] {
        let (token, request) = granted(&stand, crypto);
        let file = stand.directory.path().join("check.xml");
        let text = format!("<code>{token}</code><service_id>GBDFLUniversal_token</service_id>");
        std::fs::write(&file, text).unwrap();
        let data = call(0, crypto, "owner", "KDP_CHECK_TOKEN", &[file.to_str().unwrap()]);
        assert_eq!(data["status"], "active", "{data}");
        let period = ["--set", "start_date=2020-01-01T00:00:00", "--set", "end_date=2040-01-01T00:00:00"];
        let data = call(0, crypto, "egov", "KDP_PERSONALDATA", &[&period[..], &["--uin", YES]].concat());
        assert!(data["r_pdata"].as_str().unwrap().contains(&request), "{data}");
        let data = ["--uin", YES, "--request-id", &request, "--set", "applicant=subject"];
        let data = call(0, crypto, "egov", "KDP_REVOKE", &data);
        let application = format!("application_id={}", data["application_id"].as_str().unwrap());
        let data = call(0, crypto, "bank", "KDP_LIST_TO_REVOKE", &["--set", "limit=10"]);
        assert_eq!(data["application/application_id"], application[15..], "{data}");
        let decision =
            ["--set", &application, "--set", "decision=refuse", "--set", "reason=Договор действует"];
        let ground = ["act/name=ГК", "act/number=1", "act/date=2020-01-01", "act/article=2"];
        let ground: Vec<&str> = ground.iter().flat_map(|value| ["--set", value]).collect();
        let data = call(0, crypto, "bank", "KDP_SEND_SOLUTION", &[&decision[..], &ground].concat());
        assert_eq!(data["state"], "refused", "{data}");
        let sms = format!("sms_id={crypto}-1");
        let heard = ["--set", "msisdn=77010000014", "--set", "text=ДА", "--set", &sms];
        let heard = [&heard[..], &["--set", "received_at=2026-04-01T12:00:00"]].concat();
        let data = call(0, crypto, "sms1414", "KDP_SMS_REPLY", &heard);
        assert_eq!(data["sms_id"], sms[7..], "{data}");
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_in_a_file_says_which_service_it_is_for() {
    let stand = Stand::start().await;
    let print = ["send", "--url", &stand.running.url, "--as", "bank", "--service-id", "KDP_LIST_TO_REVOKE"];
    let (envelope, _) = kdp(0, &[&print[..], &["--set", "limit=3", "--print"]].concat());
    let file = stand.directory.path().join("envelope.xml");
    std::fs::write(&file, envelope).unwrap();
    let answer = stand.send(0, &[file.to_str().unwrap()]);
    assert_eq!(answer["status"]["code"], "SCSS001", "{answer}");
    let answer = stand.send(1, &[file.to_str().unwrap(), "--service-id", "NOBODY"]);
    assert_eq!(answer["fault"]["code"], "SCE004", "the flag wins: {answer}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandboxs_help_a_verification_token_is_made_with_the_key_that_is_named() {
    let stand = Stand::start().await;
    let shown: Value = serde_json::from_slice(&stand.get("/sandbox").await).unwrap();
    let bank = shown["peers"].as_array().unwrap().iter().find(|peer| peer["name"] == "bank").unwrap();
    let password = stand.directory.path().join("password");
    std::fs::write(&password, bank["password"].as_str().unwrap()).unwrap();
    let text = |name: &str| bank[name].as_str().unwrap();
    let direct =
        ["send", "--url", &stand.running.url, "--key", text("key"), "--cert", text("cert"), "--json"];
    let sender = ["--sender-id", text("sender_id"), "--password-file", password.to_str().unwrap()];
    let ask = ["--method", "2", "--uin", YES, "--bin", text("bin"), "--data", "ФИО"];
    let own = ["--ovt-key", text("key"), "--trust", shown["ca"].as_str().unwrap()];
    let all = [&direct[..], &sender, &ask, &SERVICE].concat();
    let (out, _) = kdp(0, &[&all[..], &own, &["--mcheck", "otp"]].concat());
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&answer["data"]["reason"], &answer["signature"]), (&"granted".into(), &"verified".into()));
    let (out, _) = kdp(1, &[&all[..], &own, &["--mcheck", "NONE"]].concat());
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["data"]["reason"], "ovt-method");
    let (out, _) = kdp(1, &all);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["data"]["reason"], "ovt-missing");
    stand.running.stop().await;
}
