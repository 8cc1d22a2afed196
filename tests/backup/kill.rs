//! Whenever a command is killed, the old or the new state is there, whole, and running it again completes it.

use super::{Installation, SCHEMA, beside, sqlite, text};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: u32 = 12;

/// Rows that make the way long.
fn grow(installation: &Installation) {
    let many =
        "WITH RECURSIVE n(i) AS (SELECT (SELECT max(seq) + 1 FROM journal) UNION ALL SELECT i + 1 FROM n
            WHERE i < (SELECT max(seq) + 20000 FROM journal))
        INSERT INTO journal (seq, at, kind, sender, message_id, service, outcome, detail)
        SELECT i, i, 'event', 'bank', 'm', 'KDP_SERVICE', 'granted', '{}' FROM n";
    sqlite(&installation.file("kdp.db"), many);
}

fn start(installation: &Installation, arguments: &[&str]) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kdp"));
    command.args(arguments).args(["--config", &installation.config()]);
    command
        .env("KDP_OPERATOR", "admin")
        .env("KDP_OPERATOR_PASSWORD_FILE", installation.file("admin.password"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How long a command takes when nobody kills it.
#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn took(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// Kills the command at a part of the time that it takes.
#[expect(clippy::disallowed_methods, reason = "another process takes real time")]
fn kill(installation: &Installation, arguments: &[&str], whole: Duration, part: f64) {
    let mut child = start(installation, arguments);
    std::thread::sleep(whole.mul_f64(part));
    let _ = child.kill();
    child.wait().unwrap();
}

fn state(database: &Path) -> (String, String) {
    let whole = sqlite(database, "PRAGMA integrity_check");
    assert_eq!(whole, "ok\n", "{}", database.display());
    let version = sqlite(database, "PRAGMA user_version").trim().to_owned();
    (version, sqlite(database, "SELECT count(*), min(seq), max(seq) FROM journal"))
}

/// As the program of version 2 would have it: the way up from there is long, for each record is chained.
fn second_version(installation: &Installation) {
    let sql = "BEGIN; ALTER TABLE journal DROP COLUMN chain; ALTER TABLE journal DROP COLUMN operator;
        DROP TABLE journal_head; DROP TABLE operator_guard; DROP TABLE approval; DROP TABLE IF EXISTS asynchronous;
        DROP TABLE IF EXISTS journal_of_node; DROP TABLE IF EXISTS journal_head_of_node;
        DELETE FROM registered WHERE kind = 'operator'; PRAGMA user_version = 2; COMMIT;";
    sqlite(&installation.file("kdp.db"), sql);
}

#[test]
fn a_migration_that_is_killed_has_happened_or_not() {
    let installation = Installation::complete();
    let database = installation.file("kdp.db");
    second_version(&installation);
    grow(&installation);
    let up = took(|| drop(installation.run(&["migrate"])));
    let down = took(|| drop(installation.run(&["migrate", "--back"])));
    let (_, rows) = state(&database);
    let mut there: u32 = rows.split('|').next().unwrap().parse().unwrap();
    let mut seen = [[0, 0], [0, 0]];
    for round in 0..ROUNDS {
        let part = f64::from(round) / f64::from(ROUNDS) * 3.0;
        let mut holds = |version: &str, told: bool| {
            there += u32::from(told);
            let expected = (version.to_owned(), format!("{there}|1|{there}\n"));
            assert_eq!(state(&database), expected, "round {round}: records are lost, or not told");
        };
        second_version(&installation);
        kill(&installation, &["migrate"], up, part);
        let (version, _) = state(&database);
        let gone = version != "2";
        // The chain came with its record, or neither did.
        holds(&version, gone);
        let chained = "SELECT count(*) FROM pragma_table_info('journal') WHERE name = 'chain'";
        assert_eq!(sqlite(&database, chained).trim(), u32::from(gone).to_string(), "round {round}");
        seen[0][usize::from(gone)] += 1;
        installation.run(&["migrate"]);
        holds(&SCHEMA.to_string(), !gone);
        kill(&installation, &["migrate", "--back"], down, part);
        let (version, _) = state(&database);
        let gone = version != SCHEMA.to_string();
        holds(&version, gone);
        seen[1][usize::from(gone)] += 1;
    }
    assert!(seen.iter().flatten().all(|count| *count > 0), "{seen:?}");
    installation.run(&["migrate"]);
    installation.run(&["check"]);
    // The version before knew no operators: they are gone with it.
    fs::remove_file(installation.file("admin.password")).unwrap();
    installation.run(&["journal", "verify"]);
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new_database() {
    let installation = Installation::complete();
    let (database, backup) = (installation.file("kdp.db"), installation.file("one.backup"));
    installation.run(&["backup", &text(&backup)]);
    second_version(&installation);
    grow(&installation);
    installation.run(&["migrate"]);
    let (aside, old) = (installation.file("old"), state(&database).1);
    fs::copy(&database, &aside).unwrap();
    let restore = ["restore", &text(&backup), "--replace"];
    let whole = took(|| drop(installation.run(&restore)));
    let new = state(&database).1;
    assert_ne!(old, new);
    let mut seen = [0, 0];
    for round in 0..ROUNDS {
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(installation.file(&format!("kdp.db{end}")));
        }
        fs::copy(&aside, &database).unwrap();
        // The end, where names change, is looked at most closely.
        kill(&installation, &restore, whole, 0.4 + 0.8 * f64::from(round) / f64::from(ROUNDS));
        let now = state(&database).1;
        assert!(now == old || now == new, "round {round}: {now}");
        seen[usize::from(now == new)] += 1;
        installation.run(&["check"]);
    }
    assert!(seen[0] > 0, "{seen:?}");
    // What a killed one left does not stand in the way of the next.
    fs::copy(&aside, &database).unwrap();
    installation.run(&restore);
    assert_eq!(state(&database).1, new);
    assert!(beside(&installation, "restoring").is_empty());
}

#[test]
fn a_backup_that_is_killed_has_no_name_or_is_whole() {
    let installation = Installation::complete();
    second_version(&installation);
    grow(&installation);
    installation.run(&["migrate"]);
    fs::remove_file(installation.file("admin.password")).unwrap();
    let name = |round: u32| text(&installation.file(&format!("{round}.backup")));
    let whole = took(|| drop(installation.run(&["backup", &name(100)])));
    let mut seen = [0, 0];
    for round in 0..ROUNDS {
        let backup = name(round);
        kill(&installation, &["backup", &backup], whole, 1.6 * f64::from(round) / f64::from(ROUNDS));
        let named = Path::new(&backup).exists();
        seen[usize::from(named)] += 1;
        if named {
            installation.run(&["restore", &backup, "--replace"]);
        }
    }
    assert!(seen[0] > 0, "{seen:?}");
    // What a killed one left is told, and holds nobody else up.
    for part in beside(&installation, ".part") {
        let backup = text(&part).replace(".part", "");
        super::refused(&installation.try_run(&["backup", &backup]), "broken off");
    }
    installation.run(&["backup", &name(101)]);
}
