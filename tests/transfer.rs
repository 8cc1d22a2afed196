//! `kdp migrate --to`, by the real binary: a service that is moved serves on, and `kill -9` at any moment leaves one database
//! that counts.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod installation;
#[path = "transfer/kill.rs"]
mod kill;
#[path = "common/postgres.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod postgres;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod process;
#[path = "common/sqlite.rs"]
mod sqlite;

use installation::{Ended, Installation, SUBJECT};
use postgres::Database;
use process::Process;
use serde_json::Value;
use sqlite::sqlite;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

/// An installation on a file, with its node named.
fn installation() -> Installation {
    let installation = Installation::complete();
    installation.reconfigure("[database]\n", "[database]\nnode = \"one\"\n");
    installation
}

fn file(installation: &Installation, name: &str) -> String {
    format!("sqlite://{}", installation.file(name).display())
}

/// Points the configuration at another database.
fn point(installation: &Installation, from: &str, to: &str) {
    installation.reconfigure(&format!("url = \"{from}\""), &format!("url = \"{to}\""));
}

/// The token that the initiator gets for a verification token.
fn token(installation: &Installation, public: SocketAddr, ovt: &std::path::Path) -> String {
    let answer = installation.send(&format!("http://{public}/shep/sync"), ovt, SUBJECT, &[]);
    assert_eq!(answer["data"]["status"], "VALID", "{answer}");
    answer["data"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_service_is_moved_there_and_back_and_gives_the_same_token_on_both() {
    let Some(database) = Database::new() else { return };
    let installation = installation();
    let (first, second, server) =
        (file(&installation, "kdp.db"), file(&installation, "new.db"), database.url());
    let ovt = installation.ovt(SUBJECT);
    let (service, public, _) = Process::serve(&installation.config());
    let given = token(&installation, public, &ovt);
    // Not while it serves.
    let Ended { code, err, .. } = installation.try_run(&["migrate", "--to", &server]);
    assert!(code == Some(1) && err.contains("is in use") && err.contains("используется"), "{err}");
    assert_eq!(service.terminate().code, Some(0));

    let out = installation.run(&["migrate", "--to", &server, "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert!(told["rows"].as_u64().unwrap() > 10 && told["tables"]["access_request"] == 1, "{told}");
    assert!(told["to"].as_str().unwrap().starts_with("postgres://"));
    // The old one serves no more, to nobody.
    for command in [&["serve"][..], &["check"], &["keys", "list"], &["migrate"], &["migrate", "--abandon"]] {
        let Ended { code, out, err } = installation.try_run(command);
        assert_ne!(code, Some(0), "{command:?}");
        let said = format!("{out}{err}");
        assert!(
            said.contains("was moved to postgres://") && said.contains("көшірілді"),
            "{command:?}: {said}"
        );
    }
    point(&installation, &first, &server);
    installation.run(&["journal", "verify"]);
    let (service, public, _) = Process::serve(&installation.config());
    assert_eq!(token(&installation, public, &ovt), given, "the same ask gives the token that was made first");
    let Ended { code, err, .. } = installation.try_run(&["migrate", "--to", &second]);
    assert!(code == Some(1) && err.contains("in use (kdp one"), "{err}");
    assert!(!installation.file("new.db").exists());
    assert_eq!(token(&installation, public, &ovt), given, "it serves on");
    assert_eq!(service.terminate().code, Some(0));

    installation.run(&["migrate", "--to", &second]);
    let Ended { err, .. } = installation.try_run(&["check"]);
    let Ended { out, .. } = installation.try_run(&["check"]);
    assert!(format!("{out}{err}").contains("was moved to sqlite:///"), "{out}{err}");
    point(&installation, &server, &second);
    installation.run(&["journal", "verify"]);
    let (service, public, _) = Process::serve(&installation.config());
    assert_eq!(token(&installation, public, &ovt), given);
    assert_eq!(service.terminate().code, Some(0));
    let told = sqlite(
        &installation.file("new.db"),
        "SELECT operator, outcome FROM journal WHERE outcome LIKE 'mov%' ORDER BY seq",
    );
    let told: Vec<_> =
        told.lines().map(|line| line.split_once(" from ").map_or(line, |(line, _)| line)).collect();
    assert!(told.iter().all(|line| line.starts_with("admin|mov")) && told.len() == 4, "{told:?}");
    let mode = std::fs::metadata(installation.file("new.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it is its owner's");
}

#[test]
fn a_move_is_an_officers_and_goes_to_the_other_engine() {
    let Some(database) = Database::new() else { return };
    let installation = installation();
    let server = database.url();
    let other = file(&installation, "other.db");
    let Ended { code, err, .. } = installation.try_run(&["migrate", "--to", &other]);
    assert!(code == Some(2) && err.contains("the other engine") && err.contains("на другой движок"), "{err}");
    let Ended { code, err, .. } = installation.try_run(&["migrate", "--to", "mysql://kdp@localhost/kdp"]);
    assert!(code == Some(2) && err.contains("database.url must be"), "{err}");
    let secret = "postgres://kdp:hunter2@localhost/kdp";
    let Ended { code, err, .. } = installation.try_run(&["migrate", "--to", secret]);
    assert!(code == Some(2) && err.contains("password_file") && !err.contains("hunter2"), "{err}");
    // A registrar does not move it, nor give a move up.
    installation.run(&["operator", "list"]);
    let config = installation.config();
    let registrar = installation::operator::add(&config, "aigul", "registrar");
    let as_registrar = |flags: &[&str]| {
        let who = ["--operator", "aigul", "--password-file", registrar.to_str().unwrap()];
        installation.try_run(&[&["migrate"][..], flags, &who].concat())
    };
    let Ended { code, err, .. } = as_registrar(&["--to", &server]);
    assert!(code == Some(1) && err.contains("operator-role: `kdp migrate --to`"), "{err}");
    let Ended { code, err, .. } = as_registrar(&["--abandon"]);
    assert!(code == Some(1) && err.contains("no move under way"), "{err}");
    assert!(database.ask("SELECT 1 FROM information_schema.tables WHERE table_schema = 'public'").is_empty());
    kill::broken_off(&installation, &server);
    let Ended { code, err, .. } = as_registrar(&["--abandon"]);
    assert!(code == Some(1) && err.contains("operator-role: `kdp migrate --abandon`"), "{err}");
    let Ended { out, err, .. } = installation.try_run(&["check"]);
    assert!(format!("{out}{err}").contains("is being moved to postgres://"), "it is as it was: {out}{err}");
    let out = installation.run(&["migrate", "--abandon"]);
    assert!(out.contains("serves again"), "{out}");
    installation.run(&["check"]);
    let last = "SELECT operator, outcome FROM journal ORDER BY seq DESC LIMIT 1";
    let last = sqlite(&installation.file("kdp.db"), last);
    assert!(last.starts_with("admin|not moving to postgres://"), "{last}");
    installation.run(&["journal", "verify"]);
}

#[test]
fn a_move_is_given_up_by_nobody_who_did_not_log_in_and_what_he_tried_is_kept() {
    let Some(database) = Database::new() else { return };
    let installation = installation();
    let (first, second, server) =
        (file(&installation, "kdp.db"), file(&installation, "new.db"), database.url());
    let in_file = |sql: &str| sqlite(&installation.file("kdp.db"), sql);
    let at_server = |sql: &str| {
        let rows = database.ask(sql).into_iter();
        rows.map(|row| row.into_iter().flatten().collect::<Vec<_>>().join("|")).collect::<Vec<_>>().join("\n")
    };
    let is_moved = || {
        let Ended { out, err, .. } = installation.try_run(&["check"]);
        assert!(format!("{out}{err}").contains("is being moved to "), "{out}{err}");
    };
    let wrong = installation.file("wrong.password");
    std::fs::write(&wrong, "not this one").unwrap();
    std::fs::set_permissions(&wrong, std::fs::Permissions::from_mode(0o600)).unwrap();
    let given_up = |ask: &dyn Fn(&str) -> String| {
        is_moved();
        kill::give_up_without_password(&installation);
        is_moved();
        let who = ["--operator", "admin", "--password-file", wrong.to_str().unwrap()];
        let Ended { code, err, .. } = installation.try_run(&[&["migrate", "--abandon"][..], &who].concat());
        assert!(code == Some(1) && err.contains("operator-login"), "{err}");
        is_moved();
        let last = "SELECT kind, operator, outcome FROM journal ORDER BY seq DESC LIMIT 1";
        let tried = ask(last);
        assert!(tried.starts_with("login|admin|"), "{tried}");
        assert_eq!(ask("SELECT count(*) FROM journal WHERE outcome LIKE 'not moving%'").trim(), "0");
        let out = installation.run(&["migrate", "--abandon"]);
        assert!(out.contains("serves again"), "{out}");
        let told = ask(last);
        assert!(told.starts_with("administration|admin|not moving to "), "{told}");
        installation.run(&["check"]);
        installation.run(&["journal", "verify"]);
    };
    kill::broken_off(&installation, &server);
    given_up(&in_file);
    // What was copied belongs to no move any more.
    let Ended { code, err, .. } = installation.try_run(&["migrate", "--to", &server]);
    assert!(code == Some(1) && err.contains("a part of another move"), "{err}");
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    installation.run(&["migrate", "--to", &server]);
    point(&installation, &first, &server);
    kill::broken_off_again(&installation, &second);
    assert_eq!(at_server("SELECT step FROM transfer"), "leaving");
    let ask = |sql: &str| at_server(&sql.replace("'not moving%'", "'not moving to sqlite%'"));
    given_up(&ask);
}
