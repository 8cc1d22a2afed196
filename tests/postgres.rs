//! `kdp` with a database on `PostgreSQL`: what its commands do there, and what they say they do not.

#[path = "common/postgres.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod postgres;
#[path = "postgres/server.rs"]
mod server;
#[path = "postgres/tls.rs"]
mod tls;

use postgres::Database;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A configuration in a folder of its own, with keys.
fn configuration(folder: &Path, url: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let key = |name: &str, byte: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("1 {}\n", byte.repeat(32))).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let path = folder.join("kdp.toml");
    let text = format!(
        "environment = \"test\"\n[database]\nurl = \"{url}\"\nnode = \"one\"\nseal_keys = \"{}\"\nlookup_key = \"{}\"\n",
        key("seal.keys", "07"),
        key("lookup.key", "09")
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn kdp(arguments: &[&str], config: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kdp"))
        .args(arguments)
        .arg("--config")
        .arg(config)
        .env("LANG", "C.UTF-8")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_database_is_created_once_and_found_by_the_check() {
    let Some(database) = Database::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &database.url());
    let checked = said(&kdp(&["check"], &config));
    assert!(checked.contains("the database is empty: run `kdp migrate`"), "{checked}");
    let made = kdp(&["migrate"], &config);
    assert!(made.status.success() && said(&made).contains("created with version 1"), "{}", said(&made));
    let again = kdp(&["migrate"], &config);
    assert!(again.status.success() && said(&again).contains("version 1 already"), "{}", said(&again));
    let checked = said(&kdp(&["check"], &config));
    assert!(!checked.contains("database is empty") && !checked.contains("unreachable"), "{checked}");
    assert!(checked.contains("nobody has access"), "it was read: {checked}");
}

#[test]
fn what_is_for_a_file_says_so_in_three_languages_and_names_what_serves_instead() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "postgres://kdp@localhost:1/kdp");
    for arguments in [&["restore", "/nonexistent/backup.db"][..], &["migrate", "--back"]] {
        let refused = kdp(arguments, &config);
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        for words in [
            "SQLite файлына арналған",
            "для файла SQLite",
            "for a file of SQLite",
            "pg_basebackup",
            "pg_dump",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_named_so_and_its_password_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "postgres://kdp@localhost:1/kdp");
    for command in ["check", "migrate"] {
        let output = kdp(&[command], &config);
        let said = said(&output);
        assert!(!output.status.success() && said.contains("database unreachable"), "{said}");
    }
    for (url, why) in [
        ("postgres://kdp:hunter2@localhost:1/kdp", "database.password_file"),
        ("postgres://kdp:hunter2@db.example/kdp", "sslmode=require"),
    ] {
        let said = said(&kdp(&["check"], &configuration(folder.path(), url)));
        assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
    }
}

/// The literal of the sweep's source that begins so.
fn swept_by(beginning: &str) -> &'static str {
    let source = include_str!("../src/store/postgres/erase.rs");
    let begins = source.find(beginning).unwrap_or_else(|| panic!("no statement begins so: {beginning}"));
    source[begins..].split('"').next().unwrap()
}

#[test]
fn no_plan_of_the_sweep_reads_a_table_whether_it_is_made_for_the_values_or_for_any() {
    let Some(database) = Database::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    assert!(kdp(&["migrate"], &configuration(folder.path(), &database.url())).status.success());
    database.run(
        "INSERT INTO access_request (id, bin, method, subject, opened, told, terms, consent, keeps, ended, person)
             SELECT uuid_send(gen_random_uuid()), '1', 2, n, n, 0, repeat('x', 300), '', 1, 1000000 + n, '\\x00'
             FROM generate_series(1, 20000) AS n;
         INSERT INTO subject (hash, seen) SELECT uuid_send(gen_random_uuid()), 20000 + n % 300 FROM generate_series(1, 20000) AS n;
         INSERT INTO status_change SELECT n, n, 1, 1000000 + n::BIGINT * 7919 % 20000 FROM generate_series(1, 20000) AS n;
         INSERT INTO message SELECT 'bank', gen_random_uuid()::TEXT, '\\x00', 1000000 + n::BIGINT * 7919 % 20000 FROM generate_series(1, 20000) AS n;
         INSERT INTO heard_sms SELECT gen_random_uuid()::TEXT, 1000000 + n::BIGINT * 7919 % 20000 FROM generate_series(1, 20000) AS n;
         INSERT INTO budget SELECT uuid_send(gen_random_uuid()), 20000, 1 FROM generate_series(1, 20000) AS n;
         ANALYZE",
    );
    let delete = |table: &str, key: &str, by: &str| {
        let sql = swept_by("DELETE FROM {table}").replace("{table}", table).replace("{key}", key);
        sql.replace("{condition}", &format!("{by} < $1")).replace("{by}", by).replace("{MOST}", "500")
    };
    for (table, sql, values) in [
        ("access_request", swept_by("SELECT seq FROM access_request WHERE keeps").to_owned(), "1000, 500, 1"),
        ("subject", swept_by("SELECT id FROM subject WHERE hash").to_owned(), "1000, 500"),
        ("status_change", delete("status_change", "seq", "ends"), "1000"),
        ("message", delete("message", "sender, message_id", "at"), "1000"),
        ("heard_sms", delete("heard_sms", "sms", "at"), "1000"),
        ("budget", delete("budget", "holder, day", "day"), "1000"),
    ] {
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let plan = database.ask(&format!(
                "SET plan_cache_mode = {mode}; PREPARE swept AS {sql}; EXPLAIN EXECUTE swept({values})"
            ));
            let plan: Vec<String> = plan.into_iter().flatten().flatten().collect();
            // What is deleted is found within, by a second name; of a table as short as this all may be read for it.
            let within = if sql.starts_with("DELETE") { format!(" {table}_1") } else { String::new() };
            let read = plan.iter().any(|line| line.contains(&format!("Seq Scan on {table}{within}")));
            assert!(plan.len() > 2 && !read, "{mode}: {sql}\n{}", plan.join("\n"));
        }
    }
}
