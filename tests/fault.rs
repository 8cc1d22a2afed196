//! What the service does when the machine fails it: it refuses clearly, keeps what was promised, recovers by itself when the
//! cause ends, and says so in health, figures and log. Each fault is made to happen, to the real binary.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/asker.rs"]
mod asker;
#[path = "fault/clock.rs"]
mod clock;
#[path = "common/connection.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod connection;
#[path = "fault/connections.rs"]
mod connections;
#[path = "fault/database.rs"]
mod database;
#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod installation;
#[path = "fault/machine.rs"]
mod machine;
#[path = "common/parts.rs"]
mod parts;
#[path = "fault/party.rs"]
mod party;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod process;
#[path = "fault/shim.rs"]
mod shim;

use asker::{Asker, token};
use connection::Connection;
use installation::Installation;
use machine::{Machine, eventually};
use parts::parts;
use shim::Shim;

/// What an answer said about a request, as far as the requester is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    /// The token.
    Granted(String),
    /// Not done, and safe to repeat.
    NotDone,
}

fn told(reply: &connection::Reply) -> Told {
    if reply.word() == Some("VALID") {
        return Told::Granted(token(reply));
    }
    let status = reply.body.split("status>").nth(1).unwrap_or_default();
    let own_failure = reply.status == 200 && status.contains("code>SCSE003<");
    let internal = reply.status == 500 && reply.element("errorCode") == Some("SCE909");
    assert!(own_failure || internal, "{} {}", reply.status, reply.body);
    Told::NotDone
}

/// Asks about each subject once; those who were granted a token, with it.
fn ask(machine: &Machine, asker: &Asker, subjects: &[String]) -> Vec<(String, Told)> {
    let mut connection = Connection::open(machine.public);
    subjects.iter().map(|uin| (uin.clone(), told(&connection.post(&asker.message(uin))))).collect()
}

fn grants(told: &[(String, Told)]) -> Vec<(String, Told)> {
    told.iter().filter(|(_, told)| matches!(told, Told::Granted(_))).cloned().collect()
}

/// Each is told the same token again.
fn assert_kept(machine: &Machine, asker: &Asker, granted: &[(String, Told)]) {
    let subjects: Vec<String> = granted.iter().map(|(uin, _)| uin.clone()).collect();
    assert_eq!(ask(machine, asker, &subjects), granted, "what was answered is on disk");
}
