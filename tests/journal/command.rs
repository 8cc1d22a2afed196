//! The commands, on a sandbox: the real binary, serving and ended.

use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub fn kdp(arguments: &[&str]) -> Ended {
    let output =
        Command::new(env!("CARGO_BIN_EXE_kdp")).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}\n{}", ended.out, ended.err))
}

/// A sandbox of its own process, ready.
struct Sandbox(Child);

impl Sandbox {
    fn start(data: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
        command.args(["sandbox", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "info"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready "), "{line}");
        Self(child)
    }

    /// SIGTERM, and its log.
    fn terminate(mut self) -> String {
        let sent = Command::new("kill").args(["-s", "TERM", &self.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert!(self.0.wait().unwrap().success());
        std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tamper(data: &Path, sql: &str) {
    rusqlite::Connection::open(data.join("kdp.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_service_signs_its_journal_at_the_start_and_at_its_end_and_says_so_in_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let sandbox = Sandbox::start(data);
    let verify = |more: &[&str]| kdp(&[&["journal", "verify", "--data", data], more].concat());
    // It serves, and is verified meanwhile.
    let serving = verify(&["--json"]);
    assert_eq!(serving.code, Some(0), "{}", serving.err);
    assert!(json(&serving)["confirmed"].as_i64() > Some(0), "signed at the start: {}", serving.out);
    assert_eq!(
        kdp(&["subject", "freeze", "800101399015", "--order", "order-1", "--data", data]).code,
        Some(0)
    );
    let log = sandbox.terminate();
    let ended = json(&verify(&["--json"]));
    assert_eq!(
        (&ended["unbroken"], &ended["unsigned"], &ended["broken"]),
        (&true.into(), &0.into(), &Value::Null)
    );
    let (last, chain) = (ended["last"].as_i64().unwrap(), ended["chain"].as_str().unwrap());
    let logged = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let logged: Vec<Value> = logged.filter(|line| line["message"] == "journal head").collect();
    assert!(logged.len() >= 2, "{log}");
    assert!(logged.iter().any(|line| line["seq"] == last && line["chain"] == chain), "{log}");
    // What the log says can be held against the database.
    assert_eq!(verify(&["--head", &format!("{last}:{chain}")]).code, Some(0));
    let other = format!("{last}:{}", chain.chars().rev().collect::<String>());
    assert_eq!(verify(&["--head", &other]).code, Some(1));
}

#[test]
fn a_broken_journal_is_told_in_three_languages_and_by_the_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    Sandbox::start(data).terminate();
    let verify = |more: &[&str]| kdp(&[&["journal", "verify", "--data", data], more].concat());
    for (lang, word) in [("kk", "Журнал бұзылмаған"), ("ru", "Журнал не нарушен"), ("en", "is unbroken")]
    {
        let ended = verify(&["--lang", lang]);
        assert!(ended.code == Some(0) && ended.out.contains(word), "{}{}", ended.out, ended.err);
    }
    tamper(directory.path(), "DELETE FROM journal WHERE seq IN (2, 3)");
    for (lang, words) in [
        ("kk", ["Журнал бұзылған (missing)", "№ 2 – 3"]),
        ("ru", ["Журнал нарушен (missing)", "нет записей с № 2 по № 3"]),
        ("en", ["The journal is broken (missing)", "records no. 2 to 3 are missing"]),
    ] {
        let ended = verify(&["--lang", lang]);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(words.iter().all(|word| ended.out.contains(word)), "{}", ended.out);
    }
    let told = json(&verify(&["--json"]));
    assert_eq!(told["broken"], serde_json::json!({ "code": "missing", "seq": 2, "from": 2, "to": 3 }));
    assert_eq!(verify(&["--from", "5"]).code, Some(0));
    assert_eq!(kdp(&["journal", "verify", "--data", "/no/such/place"]).code, Some(2));
    assert_eq!(kdp(&["journal", "verify"]).code, Some(2));
}

#[test]
fn an_export_is_verified_with_the_file_alone_and_is_journalled() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let sandbox = Sandbox::start(data);
    let file = directory.path().join("journal.jsonl");
    let path = file.to_str().unwrap();
    let period = ["--from", "2020-01-01", "--to", "2099-01-01"];
    let export = kdp(&[&["journal", "export", "--data", data, "-o", path], &period[..]].concat());
    assert_eq!((export.code, export.out.as_str()), (Some(0), ""), "{}", export.err);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().any(|line| line.contains(r#""kind":"export""#)), "it tells of itself");
    drop(sandbox);
    tamper(directory.path(), "DELETE FROM signing_key; DELETE FROM journal");
    let verify = |more: &[&str]| kdp(&[&["journal", "verify", "--file", path], more].concat());
    // Whose keys are to be believed must be said.
    let unsaid = verify(&[]);
    assert!(unsaid.code == Some(2) && unsaid.err.contains("--unauthenticated"), "{}", unsaid.err);
    let alone = verify(&["--unauthenticated", "--lang", "en"]);
    assert_eq!(alone.code, Some(0), "{}", alone.err);
    assert!(
        alone.out.contains("The journal is unbroken")
            && alone.out.contains("the keys come from the file itself")
    );
    let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let jwks = directory.path().join("jwks.json");
    std::fs::write(&jwks, header["export"]["jwks"].to_string()).unwrap();
    let given = verify(&["--jwks", jwks.to_str().unwrap(), "--lang", "en"]);
    assert!(given.code == Some(0) && !given.out.contains("NOTE"), "{}", given.out);
    // The end that it tells is what the next one follows.
    let told = json(&verify(&["--jwks", jwks.to_str().unwrap(), "--json"]));
    let (last, chain) = (told["last"].as_i64().unwrap(), told["chain"].as_str().unwrap());
    assert!(given.out.contains(&format!("--head {last}:{chain}")), "{}", given.out);
    let held = |head: &str| verify(&["--unauthenticated", "--lang", "en", "--head", head]);
    assert!(held(&format!("{last}:{chain}")).out.contains("Values known from outside that agree: 1."));
    assert_eq!(held(&format!("{last}:{}", "ab".repeat(32))).code, Some(1));
    assert_eq!(held(&format!("{}:{chain}", last + 1)).code, Some(2), "nothing was held against it");
    let kid = header["export"]["jwks"]["keys"][0]["kid"].as_str().unwrap();
    let distrusted = verify(&["--jwks", jwks.to_str().unwrap(), "--distrust", kid, "--json"]);
    assert_eq!((distrusted.code, &json(&distrusted)["file"]), (Some(1), &"signature-key-distrusted".into()));
    assert_eq!(verify(&["--unauthenticated", "--distrust", "k1"]).code, Some(2));
    std::fs::write(&jwks, r#"{"keys":[]}"#).unwrap();
    assert_eq!(verify(&["--jwks", jwks.to_str().unwrap()]).code, Some(1));
    std::fs::write(&file, text.replacen("granted", "refused", 1).replacen("registration", "restoration", 1))
        .unwrap();
    let told = json(&verify(&["--unauthenticated", "--json"]));
    assert_eq!((&told["unbroken"], &told["broken"]["code"]), (&false.into(), &"changed".into()));
    assert_eq!(kdp(&["journal", "verify", "--file", data, "--unauthenticated"]).code, Some(2));
    let nothing = ["--from", "2001-01-01", "--to", "2001-02-01"];
    let second = directory.path().join("second.jsonl");
    let refused =
        kdp(&[&["journal", "export", "--data", data, "-o", second.to_str().unwrap()], &nothing[..]].concat());
    assert!(refused.code != Some(0) && !second.exists(), "{}", refused.err);
}

#[test]
fn who_rewrites_a_sandbox_is_told_by_the_copies_that_left_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let log = Sandbox::start(data).terminate();
    let log_at = directory.path().join("service.log");
    std::fs::write(&log_at, log).unwrap();
    let copy = log_at.to_str().unwrap();
    let verify = |more: &[&str]| {
        kdp(&[&["journal", "verify", "--data", data, "--lang", "en", "--copy", copy], more].concat())
    };
    let sound = verify(&[]);
    assert_eq!(sound.code, Some(0), "{}{}", sound.out, sound.err);
    assert!(sound.out.contains("Values known from outside that agree: "), "{}", sound.out);
    let last = json(&verify(&["--json"]))["last"].as_i64().unwrap();
    // The last record, with the head of it.
    tamper(directory.path(), &format!("DELETE FROM journal WHERE seq = {last}; DELETE FROM journal_head"));
    let broken = verify(&[]);
    assert_eq!(broken.code, Some(1), "{}", broken.err);
    assert!(broken.out.contains("The journal is broken (cut)"), "{}", broken.out);
    let nothing = directory.path().join("sandbox.json");
    let silent = kdp(&["journal", "verify", "--data", data, "--copy", nothing.to_str().unwrap()]);
    assert!(silent.code == Some(2) && silent.err.contains("no line in it"), "{}", silent.err);
    let late = kdp(&[
        "journal",
        "verify",
        "--data",
        data,
        "--from",
        "3",
        "--head",
        &format!("1:{}", "00".repeat(32)),
    ]);
    assert!(late.code == Some(2) && late.err.contains("before --from"), "{}", late.err);
}

#[test]
fn a_break_in_the_journal_of_another_node_is_told_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    Sandbox::start(data).terminate();
    let columns = "seq, at, kind, operator, decision, sender, message_id, message, service, request, subject,
                   outcome, detail, chain";
    let copy = format!(
        "INSERT INTO journal_of_node (node, {columns}) SELECT 'two', {columns} FROM journal WHERE seq <= 3"
    );
    tamper(directory.path(), &copy);
    let log = Sandbox::start(data).terminate();
    assert!(log.contains("two:3:"), "{log}");
    let verify = |more: &[&str]| kdp(&[&["journal", "verify", "--data", data], more].concat());
    let sound = verify(&["--lang", "en"]);
    assert_eq!(sound.code, Some(0), "{}", sound.err);
    assert!(sound.out.contains("Node: two") && sound.out.contains("confirm it: 1, the last record no. 3."));
    let file = directory.path().join("journal.jsonl");
    let path = file.to_str().unwrap();
    let period = ["--from", "2020-01-01", "--to", "2099-01-01"];
    let export = kdp(&[&["journal", "export", "--data", data, "-o", path], &period[..]].concat());
    assert_eq!(export.code, Some(0), "{}", export.err);
    let read =
        |more: &[&str]| kdp(&[&["journal", "verify", "--file", path, "--unauthenticated"], more].concat());
    assert_eq!(
        (read(&[]).code, read(&["--node", "two"]).code, read(&["--node", "three"]).code),
        (Some(0), Some(0), Some(2))
    );
    let known = json(&read(&["--node", "two", "--json"]));
    let known = format!("3:{}", known["chain"].as_str().unwrap());
    assert_eq!(read(&["--head", &known, "--node", "two"]).code, Some(0));
    assert_eq!(read(&["--head", &known]).code, Some(2), "of which node?");
    assert_eq!(verify(&["--head", &known, "--node", "two"]).code, Some(0));
    tamper(directory.path(), "DELETE FROM journal_of_node WHERE seq > 1");
    for (lang, words) in [
        ("kk", ["Түйін: two", "Журнал бұзылған (cut)", "Оны - түйінінің"]),
        ("ru", ["Узел: two", "Журнал нарушен (cut)", "Об этом говорит голова узла -"]),
        ("en", ["Node: two", "The journal is broken (cut)", "The head of node - at its record no."]),
    ] {
        let ended = verify(&["--lang", lang]);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(words.iter().all(|word| ended.out.contains(word)), "{}", ended.out);
    }
    let told = json(&verify(&["--json"]));
    let cut =
        serde_json::json!({ "code": "cut", "seq": 2, "last": 1, "known": 3, "count": 2, "node": "two" });
    assert_eq!((&told["unbroken"], &told["broken"]), (&false.into(), &cut));
    assert_eq!(told["nodes"].as_array().unwrap().len(), 2);
    tamper(directory.path(), "DELETE FROM journal_of_node");
    let gone = verify(&["--node", "two", "--lang", "en"]);
    assert!(gone.code == Some(1) && gone.out.contains("The journal is broken (gone)"), "{}", gone.out);
    assert_eq!(verify(&["--node", "three"]).code, Some(2));
}
