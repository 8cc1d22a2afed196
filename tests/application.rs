//! `kdp application` from outside: a newcomer of the sandbox from its form to production, and the same act in a
//! production installation.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "common/operator.rs"]
mod operator;
#[path = "common/options.rs"]
mod options;

use kdp::gateway::http_client::HttpClient;
use kdp::sandbox::Running;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const YES: &str = "800101399015";
const EXAMPLE: &str = include_str!("../deploy/application.example.json");

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

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `kdp application … --data` of this sandbox, `--json`, with the exit code that is expected.
    fn application(&self, code: i32, arguments: &[&str]) -> (Value, String) {
        let data = self.path("data").display().to_string();
        application(code, arguments, &["--data", &data])
    }

    /// A request of the newcomer by its own means; answers with status and reason.
    fn ask(&self, more: &[&str]) -> (String, String) {
        let common =
            ["send", "--url", &self.running.url, "--as", "newcomer", "--json", "--method", "2", "--uin", YES];
        let output = run(&[&common[..], &["--service", "GBDFLUniversal_token"], more].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |name: &str| answer["data"][name].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"))
    }

    fn asks(&self, more: &[&str], reason: &str) {
        assert_eq!(self.ask(more).1, reason, "{more:?}");
    }

    /// The running sandbox notices what a command registered within a second.
    async fn notice(&self, more: &[&str], reason: &str) {
        for _ in 0..50 {
            if self.ask(more).1 == reason {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.asks(more, reason);
    }
}

fn run(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    operator::act(command.args(arguments).stdin(Stdio::null()), arguments);
    tokio::task::block_in_place(|| command.output()).unwrap()
}

fn ends(code: i32, arguments: &[&str]) -> (String, String) {
    let output = run(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "kdp {arguments:?}\n{out}\n{err}");
    (out, err)
}

/// What `kdp application … --json` prints, and what it says beside it.
fn application(code: i32, arguments: &[&str], place: &[&str]) -> (Value, String) {
    let (out, err) = ends(code, &[&["application"], arguments, place, &["--json"]].concat());
    let value = if out.is_empty() { Value::Null } else { serde_json::from_str(&out).unwrap() };
    (value, err)
}

/// The form of deploy/, of a bank that asks by its own means.
fn bank_form() -> Value {
    let mut form: Value = serde_json::from_str(EXAMPLE).unwrap();
    form["organisation"]["kind"] = json!("bank");
    form["methods"][0]["method"] = json!(2);
    form
}

fn write(path: &Path, form: &Value) -> String {
    std::fs::write(path, form.to_string()).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_goes_from_its_form_to_production_and_closes_behind_itself_when_it_withdraws() {
    let stand = Stand::start().await;
    let mut form = bank_form();
    form["purposes"][0]["service_ids"] = json!(["NOBODY_token"]);
    let bad = write(&stand.path("bad.json"), &form);
    let (objections, _) = stand.application(1, &["preflight", &bad]);
    assert_eq!(objections[0]["code"], "service-id-unowned", "{objections}");
    let (filed, err) = stand.application(0, &["submit", &bad]);
    let id = filed["id"].as_str().unwrap();
    assert!(
        filed["state"] == "submitted" && filed["objections"] == "1" && err.contains("preflight"),
        "{err}"
    );
    let (_, err) = stand.application(1, &["approve", id]);
    assert!(err.contains("objections-stand") && err.contains("service-id-unowned"), "{err}");

    stand.application(0, &["return", id, "--objections", "--reason", "Нет договора"]);
    let (shown, _) = stand.application(0, &["show", id]);
    assert_eq!(shown["state"]["remarks"].as_array().unwrap().len(), 2, "{shown}");
    let good = write(&stand.path("good.json"), &bank_form());
    assert_eq!(stand.application(0, &["preflight", &good]).0.as_array().unwrap().len(), 2);
    stand.application(0, &["resubmit", id, &good]);
    let (approved, _) = stand.application(0, &["approve", id]);
    assert_eq!(
        (&approved["state"], &approved["methods"]),
        (&json!("approved"), &json!("2, 5")),
        "{approved}"
    );
    let entry = approved["entries"].as_str().unwrap();
    let (_, err) = stand.application(1, &["approve", id]);
    assert!(err.contains("not-under-review"), "{err}");

    let directory = ["--directory-id", entry];
    stand.notice(&directory, "ovt-key-unknown").await;
    let key = stand.path("data/pki/newcomer.cert.pem").display().to_string();
    assert_eq!(stand.application(0, &["register-key", id, "--key", &key]).0["state"], "testing");
    stand.notice(&directory, "granted").await;
    stand.asks(&[], "granted");
    stand.asks(&["--directory-id", "dir-bank-1"], "directory-unknown");
    let (_, err) = stand.application(1, &["act", id]);
    assert!(err.contains("too-few-answers"), "{err}");
    for _ in 0..10 {
        stand.asks(&directory, "granted");
    }
    let (answers, _) = stand.application(0, &["answers", id]);
    let counted = answers["counted"].as_array().unwrap();
    assert_eq!((counted.len(), answers["extra"].as_array().unwrap().len()), (10, 1), "{answers}");
    let why: Vec<_> = answers["not_counted"].as_array().unwrap().iter().map(|one| &one["why"]).collect();
    assert!(why.contains(&&json!("entry-unnamed")) && why.contains(&&json!("not-valid")), "{answers}");
    assert_eq!(answers["untested_methods"], json!([5]));

    let (page, jws) = (stand.path("act.html"), stand.path("act.jws"));
    let (act, _) = stand.application(0, &["act", id, "--html", page.to_str().unwrap()]);
    let signed = act["jws"].as_str().unwrap();
    std::fs::write(&jws, signed).unwrap();
    assert!(std::fs::read_to_string(&page).unwrap().contains(signed));
    let tampered = signed.replacen('.', ".A", 1);
    let (_, err) = stand.application(1, &["submit-act", id, &tampered]);
    assert!(err.contains("act-signature"), "{err}");
    stand.application(0, &["submit-act", id, jws.to_str().unwrap()]);
    assert_eq!(stand.application(0, &["accept", id]).0["state"], "production");
    let (_, err) = stand.application(1, &["accept", id]);
    assert!(err.contains("application-ended"), "{err}");
    assert_eq!(stand.application(0, &["act", id]).0["jws"], signed, "of a filed act, that one");

    in_production(&stand, &good, &key, &jws).await;
    withdrawn(&stand, &good, &directory).await;
    stand.running.stop().await;
}

/// The same organisation in an installation for production: nothing opens before the act was accepted.
async fn in_production(stand: &Stand, form: &str, key: &str, act: &Path) {
    let production = production(stand.directory.path());
    let place = ["--config", production.as_str()];
    let application = |code, arguments: &[&str]| application(code, arguments, &place);
    let owner = ["owner", "add", "--sender-id", "owner_kdp", "--name", "Owner", "--bin", "260140990513"];
    ends(0, &[&owner[..], &["--services", "GBDFLUniversal_token"], &place].concat());
    let id = application(0, &["submit", form]).0["id"].as_str().unwrap().to_owned();
    let (approved, _) = application(0, &["approve", &id]);
    assert!(approved["state"] == "approved" && approved.get("methods").is_none(), "{approved}");
    application(0, &["register-key", &id, "--key", key]);
    ends(1, &[&["initiator", "show", "newcomer_kdp"][..], &place].concat());
    let act = act.display().to_string();
    let (_, err) = application(2, &["submit-act", &id, &act]);
    assert!(err.contains("--jwks"), "{err}");
    let (_, err) = application(1, &["act", &id]);
    assert!(err.contains("test installation"), "{err}");
    let client = HttpClient::new(Duration::from_secs(5), None).unwrap();
    let origin = stand.running.url.strip_suffix("/shep/sync").unwrap();
    let published = client.get(&format!("{origin}/.well-known/jwks.json").parse().unwrap()).await.unwrap();
    let jwks = stand.path("jwks.json");
    std::fs::write(&jwks, &published.body).unwrap();
    application(0, &["submit-act", &id, &act, "--jwks", jwks.to_str().unwrap()]);
    let (accepted, err) = application(0, &["accept", &id]);
    assert_eq!((&accepted["state"], &accepted["methods"]), (&json!("production"), &json!("2, 5")));
    assert!(accepted["password"].as_str().unwrap().len() >= 32 && err.contains("shown this once"), "{err}");
    let (shown, _) = ends(0, &[&["initiator", "show", "newcomer_kdp", "--json"][..], &place].concat());
    assert!(shown.contains(&format!("bank: integration application {id}, testing act sha256:")), "{shown}");
    let (list, _) = application(0, &["list"]);
    assert_eq!((&list[0]["state"], &list[0]["overdue"]), (&json!("production"), &json!(false)));
}

/// A second application of the same organisation in the sandbox: withdrawn, it leaves the first as it is.
async fn withdrawn(stand: &Stand, form: &str, first: &[&str; 2]) {
    let mut second: Value = serde_json::from_str(&std::fs::read_to_string(form).unwrap()).unwrap();
    second["methods"] = json!([{ "method": 1 }, { "method": 5 }]);
    second["purposes"][0]["name"] = json!({ "kk": "Басқа мақсат", "ru": "Другая цель" });
    let second = write(&stand.path("second.json"), &second);
    let id = stand.application(0, &["submit", &second]).0["id"].as_str().unwrap().to_owned();
    let (approved, _) = stand.application(0, &["approve", &id]);
    assert_eq!(
        (&approved["state"], &approved["methods"]),
        (&json!("testing"), &json!("1, 2, 5")),
        "{approved}"
    );
    let entry = approved["entries"].as_str().unwrap();
    stand.notice(&["--directory-id", entry], "granted").await;
    assert_eq!(stand.application(0, &["withdraw", &id]).0["state"], "withdrawn");
    stand.notice(&["--directory-id", entry], "directory-expired").await;
    stand.asks(first, "granted");
    let data = stand.path("data").display().to_string();
    let (shown, _) = ends(0, &["initiator", "show", "newcomer_kdp", "--json", "--data", &data]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["methods"], json!([2, 5]), "{shown}");
    // What a registrar takes away is not brought back by a command that is repeated.
    let set =
        ["initiator", "set-methods", "newcomer_kdp", "--methods", "5", "--basis", "order 7", "--data", &data];
    ends(0, &set);
    let first = stand.application(0, &["list"]).0[0]["id"].as_str().unwrap().to_owned();
    let (_, err) = stand.application(1, &["accept", &first]);
    assert!(err.contains("application-ended"), "{err}");
}

/// A configuration with a database of its own that is no test installation.
fn production(directory: &Path) -> String {
    let file = |name: &str| directory.join(name).display().to_string();
    let pki = |name: &str| format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = format!(
        "[database]\nurl = \"sqlite://{}\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n\
         [trust]\nauthorities = [\"{}\"]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        file("production.db"),
        file("production-seal.keys"),
        file("production-lookup.key"),
        pki("ca.pem"),
        pki("service.cert.pem"),
        pki("service.key.pem"),
    );
    let config = file("production.toml");
    std::fs::write(&config, text).unwrap();
    ends(0, &["keys", "init", "--config", &config]);
    ends(0, &["migrate", "--config", &config]);
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_form_is_one_that_the_sandbox_would_take() {
    let stand = Stand::start().await;
    let form = format!("{}/deploy/application.example.json", env!("CARGO_MANIFEST_DIR"));
    let (objections, _) = stand.application(0, &["preflight", &form]);
    let codes: Vec<_> = objections.as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, [&json!("protocol-wanted")]);
    for lang in ["kk", "ru", "en"] {
        let data = stand.path("data").display().to_string();
        let (text, _) = ends(0, &["application", "preflight", &form, "--data", &data, "--lang", lang]);
        let said = objections[0]["text"][lang].as_str().expect("a text in each language");
        assert!(text.contains(said) && text.contains("0 to be returned for, 1 advice"), "{text}");
    }
    let (_, err) = ends(2, &["application", "preflight", "/dev/null", "--data", "nowhere"]);
    assert!(err.contains("EOF"), "{err}");
    stand.running.stop().await;
}
