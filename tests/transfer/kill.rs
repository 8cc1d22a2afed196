//! Whenever a move is killed, one database counts at most, and running it again completes it.

use super::{Database, Installation, file, installation, sqlite};
use kdp::random::{Random as _, SeededRandom};
use kdp::store::location::Location;
use kdp::store::postgres::connect::{Address, Place};
use kdp::store::sqlite::Synchronous;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often it is killed, in all.
const KILLS: usize = 24;
/// Rows that make the way long.
const ROWS: u32 = 12_000;

fn start(installation: &Installation, to: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command
        .args(["migrate", "--to", to, "--config", &installation.config()])
        .env("KDP_OPERATOR", "admin")
        .env("KDP_OPERATOR_PASSWORD_FILE", installation.file("admin.password"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs it until it says something with these words, and so much longer, and kills it. `None`: it ended before.
#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
fn kill_after(installation: &Installation, to: &str, words: &str, pause: Duration) -> Option<()> {
    let mut child = start(installation, to);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.any(|line| line.is_ok_and(|line| line.contains(words)));
    if said {
        std::thread::sleep(pause);
    }
    let is_killed = child.kill().is_ok();
    let status = child.wait().unwrap();
    (said && is_killed && !status.success()).then_some(())
}

/// Leaves a move that was broken off.
pub fn broken_off(installation: &Installation, to: &str) {
    grow(&installation.file("kdp.db"));
    kill_after(installation, to, "copied subject", Duration::ZERO).expect("it is on its way");
}

/// The same of an installation that has the rows already.
pub fn broken_off_again(installation: &Installation, to: &str) {
    kill_after(installation, to, "copied subject", Duration::ZERO).expect("it is on its way");
}

/// Runs `--abandon` until it waits for the password, and kills it.
#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
pub fn give_up_without_password(installation: &Installation) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.args([
        "migrate",
        "--abandon",
        "--operator",
        "admin",
        "--password-file",
        "/dev/stdin",
        "--config",
    ]);
    command.arg(installation.config()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

/// Rows in the tables that grow.
fn grow(database: &Path) {
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO subject (hash, seen) SELECT randomblob(32), i FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO access (at, subject, request, service, owner, status) SELECT i, i, i, 'A', 'b', 'active' FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO heard_sms (sms, at) SELECT hex(randomblob(9)), i FROM n;"
    );
    sqlite(database, &sql);
}

fn locations(installation: &Installation, database: &Database) -> (Location, Location) {
    let url = database.url();
    let address = Address { url: &url, password_file: None, authorities: None, connections: 2, node: "one" };
    let path = installation.file("kdp.db");
    (Location::File(path, Synchronous::Full), Location::Server(Box::new(Place::read(&address).unwrap())))
}

/// All rows of both, as text.
fn is_equal(installation: &Installation, database: &Database) {
    for (table, columns) in [
        ("subject", "id, seen, hex(hash)"),
        ("access", "seq, at, subject, request, service, owner, status"),
        ("heard_sms", "sms, at"),
        ("registered", "kind, id, revision, at, record"),
        ("signing_key", "kid, hex(record)"),
        ("job", "id, due, task, hex(request), tries"),
    ] {
        let ours = sqlite(&installation.file("kdp.db"), &format!("SELECT {columns} FROM {table}"));
        let ours: BTreeSet<String> = ours.lines().map(str::to_owned).collect();
        let columns = columns.replace("hex(", "hex_of(");
        let theirs = database.ask(&format!("SELECT {columns} FROM {table}"));
        let theirs: BTreeSet<String> =
            theirs.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join("|")).collect();
        assert!(!ours.is_empty() && ours == theirs, "{table}");
    }
}

#[test]
fn a_move_that_is_killed_at_any_moment_leaves_one_database_that_counts_and_is_completed_by_the_next() {
    if Database::new().is_none() {
        return;
    }
    let installation = installation();
    let (path, aside) = (installation.file("kdp.db"), installation.file("aside.db"));
    grow(&path);
    sqlite(&path, &format!("VACUUM INTO '{}'", aside.display()));
    let random = SeededRandom::new(8, 0);
    let pick = |most: u64| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes).unwrap();
        u64::from_be_bytes(bytes) % most
    };
    let says = [
        "copied registered",
        "copied heard_sms",
        "copied subject",
        "copied access",
        "copied journal",
        "compared registered",
        "compared heard_sms",
        "compared subject",
        "compared access",
        "compared journal",
    ];
    let (mut kills, mut seen) = (0, BTreeSet::new());
    while kills < KILLS {
        let database = Database::new().unwrap();
        for end in ["-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(installation.file(&format!("kdp.db{end}")));
        }
        std::fs::copy(&aside, &path).unwrap();
        let (source, target) = locations(&installation, &database);
        let mut from = 0;
        // Each later than the one before it: what was copied is not copied again, and says nothing.
        while from < says.len() {
            let at = from + usize::try_from(pick(3)).unwrap();
            from = at + 1;
            let Some(words) = says.get(at) else { break };
            // The end is where the marks change.
            let pause = Duration::from_millis(pick(if *words == "compared journal" { 25 } else { 12 }));
            if kill_after(&installation, &database.url(), words, pause).is_none() {
                break;
            }
            kills += 1;
            // What was under way at the server ends there.
            let (ours, theirs) = (source.inspect().is_ok(), target.inspect().is_ok());
            assert!(!(ours && theirs), "two databases count");
            seen.insert((*words, theirs));
            assert!(!ours, "once begun, it is given up or finished");
        }
        if target.inspect().is_err() {
            installation.run(&["migrate", "--to", &database.url()]);
        }
        assert!(source.inspect().unwrap_err().to_string().contains("was moved to"));
        target.inspect().unwrap();
        database.run(
            "CREATE FUNCTION hex_of(BYTEA) RETURNS TEXT LANGUAGE SQL AS $$ SELECT upper(encode($1, 'hex')) $$",
        );
        is_equal(&installation, &database);
    }
    assert!(seen.len() > 6, "{seen:?}");
}

#[test]
fn whatever_the_marks_say_the_next_run_ends_it() {
    let Some(database) = Database::new() else { return };
    let installation = installation();
    let server = database.url();
    installation.run(&["migrate", "--to", &server]);
    let id = sqlite(&installation.file("kdp.db"), "SELECT id FROM transfer");
    let from = file(&installation, "kdp.db");
    for step in ["leaving", "left"] {
        sqlite(&installation.file("kdp.db"), &format!("UPDATE transfer SET step = '{step}'"));
        database.run(&format!(
            "CREATE TABLE transfer (id TEXT, step TEXT, peer TEXT, operator TEXT);
             INSERT INTO transfer VALUES ('{}', 'complete', '{from}', 'admin'); UPDATE schema_version SET version = -1;
             DELETE FROM journal WHERE outcome LIKE 'moved here%'",
            id.trim()
        ));
        let (source, target) = locations(&installation, &database);
        assert!(source.inspect().is_err() && target.inspect().is_err(), "{step}");
        if step == "left" {
            let ended = installation.try_run(&["migrate", "--abandon"]);
            assert!(ended.code != Some(0) && ended.err.contains("was moved to"), "{}", ended.err);
        }
        installation.run(&["migrate", "--to", &server]);
        assert!(source.inspect().unwrap_err().to_string().contains("was moved to"), "{step}");
        target.inspect().unwrap();
    }
}
