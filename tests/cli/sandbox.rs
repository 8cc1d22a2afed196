//! The commands beside a running sandbox: what a registrar changes holds within a second.

use super::{At, ends, ends_fed, json};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const YES: &str = "800101399015";

struct Sandbox {
    child: Child,
    url: String,
    data: String,
    directory: tempfile::TempDir,
}

impl Sandbox {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data").display().to_string();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kdp"))
            .args(["sandbox", "--listen", "127.0.0.1:0", "--data", &data, "--seed", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("ready ").expect("it is ready").to_owned();
        Self { child, url, data, directory }
    }

    fn at(&self) -> At<'_> {
        ["--data", &self.data]
    }

    fn run(&self, code: i32, arguments: &[&str]) -> String {
        ends(code, &[arguments, &self.at()].concat()).0
    }

    /// What the bank's ask by method 2 is answered.
    fn ask(&self) -> Value {
        let send = ["send", "--url", &self.url, "--as", "bank", "--json", "--method", "2", "--uin", YES];
        let output = Command::new(env!("CARGO_BIN_EXE_kdp"))
            .args(send)
            .args(["--service", "GBDFLUniversal_token"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Asks until the answer is for this reason: a registration takes up to a second to be noticed.
    fn answers(&self, reason: &str) {
        let (_open, nothing) = std::sync::mpsc::channel::<()>();
        let mut last = Value::Null;
        for _ in 0..100 {
            last = self.ask();
            if last["data"]["reason"] == reason {
                return;
            }
            let _ = nothing.recv_timeout(std::time::Duration::from_millis(50));
        }
        panic!("never {reason}: {last}");
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_a_registrar_changes_holds_in_a_running_sandbox() {
    let sandbox = Sandbox::start();
    sandbox.answers("granted");
    let subject = |command: &str| {
        ends_fed(0, YES, &[&["subject", command, "-"], &sandbox.at()[..]].concat());
    };
    subject("block");
    sandbox.answers("subject-blocked");
    subject("unblock");
    subject("freeze");
    sandbox.answers("subject-frozen");
    subject("unfreeze");
    sandbox.run(0, &["initiator", "suspend", "bank_kdp", "--reason", "inspection 31"]);
    sandbox.answers("suspended");
    sandbox.run(0, &["initiator", "resume", "bank_kdp"]);
    sandbox.answers("granted");
    sandbox.run(0, &["initiator", "set-methods", "bank_kdp", "--methods", "1", "--basis", "b"]);
    sandbox.answers("method-not-allowed");
}

#[test]
fn every_list_reads_what_a_sandbox_began_with() {
    let sandbox = Sandbox::start();
    let count = |command: &str| json(sandbox.at(), &[command, "list"]).as_array().unwrap().len();
    for command in ["initiator", "owner", "directory", "ground", "proactive"] {
        assert!(count(command) > 0, "{command}");
    }
    assert_eq!(count("incident"), 0);
    let report = sandbox.run(0, &["report", "--from", "2026-01-01", "--to", "2036-01-01", "--lang", "en"]);
    assert!(report.contains("260140990117"), "{report}");
    // A case of the law that the sandbox has not.
    sandbox.run(0, &["ground", "add", "--shipped", "L-9-9-3"]);
    assert_eq!(json(sandbox.at(), &["ground", "show", "L-9-9-3"])["source"], "94-V 9 9-3)");
    let nowhere = sandbox.directory.path().join("nowhere").display().to_string();
    let (_, err) = ends(2, &["ground", "list", "--data", &nowhere]);
    assert!(err.contains("nowhere"), "{err}");
    let (_, err) = ends(2, &["ground", "list"]);
    assert!(err.contains("--config") && err.contains("--data"), "{err}");
    ends(2, &["ground", "list", "--config", "kdp.toml", "--data", &sandbox.data]);
}
