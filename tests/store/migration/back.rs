//! One version up and down again: nothing is lost but what the version before cannot know.
//!
//! The older database is made by the SQL of its time, and its rows are those that it wrote.

use super::super::bench::{Bench, Disk, NOON, bin, iin, record, sqlite_from};
use super::{OLD, first_version, subject};
use kdp::journal::GENESIS;
use kdp::store::seal::{Place, Seal};
use kdp::store::sqlite::{inspect, migrate, migrate_back};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use std::path::Path;

const SECOND: &str = include_str!("../../../src/store/sql/sqlite-002.sql");
const THIRD: &str = include_str!("../../../src/store/sql/sqlite-003.sql");
const FOURTH: &str = include_str!("../../../src/store/sql/sqlite-004.sql");
/// Of a person, as a sender wrote it into an id.
const NAMED: &str = "800101399015";

/// The first version's database, brought to the second, and what that one wrote besides.
fn second_version(path: &Path, seal: &dyn Seal) {
    first_version(path, seal);
    let database = Connection::open(path).unwrap();
    database.execute_batch(&format!("BEGIN; {SECOND}; PRAGMA user_version = 2; COMMIT;")).unwrap();
    let number: i64 = database
        .query_row("SELECT id FROM subject WHERE hash = ?1", [subject(seal, &iin(1))], |row| row.get(0))
        .unwrap();
    let request: i64 = database
        .query_row("SELECT seq FROM access_request WHERE id = ?1", [OLD.granted.as_bytes()], |row| row.get(0))
        .unwrap();
    let application = super::super::bench::id(NOON);
    let place = Place { column: "revocation.person", row: application.as_bytes() };
    let person = r#"{"applicant":"subject","comment":"","refusal":null}"#;
    for (sql, values) in [
        ("INSERT INTO hold VALUES (?1, 1, ?2, ?2 + 5)", params![number, NOON]),
        ("INSERT INTO withdrawal VALUES (?1, ?2, ?3)", params![number, bin(2).as_str(), NOON]),
        ("INSERT INTO access (at, subject, request, service, owner, status)
          VALUES (?2, ?1, ?3, 'A', 'register', 'active')", params![number, NOON, request]),
        ("INSERT INTO revocation (id, request, bin, subject, filed, deadline, ends, reminded, state, decided, person)
          VALUES (?1, ?2, ?3, ?4, ?5, '2026-04-22', ?5 + 1, 0, 'approved', ?5, ?6)",
            params![application.as_bytes(), request, bin(1).as_str(), number, NOON,
                seal.seal(place, person.as_bytes())]),
        ("INSERT INTO status_change (idx, standing, ends) VALUES (7, 1, ?1)", params![NOON]),
        ("INSERT INTO suspension VALUES ('bank', ?1)", params![NOON]),
        ("UPDATE counter SET next = 8", params![]),
        ("INSERT INTO journal (at, kind, sender, message_id, service, subject, outcome, detail)
          VALUES (?1, 'decision', ?2, ?2, ?2, ?3, 'granted', '{}')", params![NOON, NAMED, number]),
        ("DELETE FROM journal WHERE seq = 2", params![]),
    ] {
        database.execute(sql, values).unwrap();
    }
}

fn second() -> Bench {
    sqlite_from(Disk::Waits, second_version)
}

/// Tables with their columns, and indexes, however their texts were come by.
fn shape(path: &Path) -> Vec<String> {
    let sql = "SELECT m.type || ' ' || m.name || ' ' || coalesce((SELECT group_concat(
            concat_ws(' ', x.name, x.type, x.\"notnull\", x.dflt_value, x.pk), ', ')
            FROM pragma_table_xinfo(m.name) AS x), m.sql, '')
        FROM sqlite_schema AS m WHERE m.name NOT LIKE 'sqlite_%' ORDER BY 1";
    let database = Connection::open(path).unwrap();
    let mut rows = database.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Every row of a table, but these columns.
fn rows(path: &Path, table: &str, without: &[&str]) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let kept = names.iter().enumerate().filter(|(_, name)| !without.contains(&name.as_str()));
        let value = |i| match row.get_ref(i).unwrap() {
            ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            other => format!("{other:?}"),
        };
        all.push(kept.map(|(i, _)| value(i)).collect::<Vec<_>>().join(", "));
    }
    all
}

fn tables(path: &Path) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    let mut names = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap();
    names.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_database_of_the_version_before_keeps_every_row_on_its_way_up() {
    let directory = tempfile::tempdir().unwrap();
    let seal = super::super::bench::FaultySeal::new();
    let (old, new) = (directory.path().join("old.db"), directory.path().join("new.db"));
    second_version(&old, &*seal);
    Connection::open(&old).unwrap().execute("VACUUM INTO ?1", [new.to_str().unwrap()]).unwrap();
    assert_eq!(migrate(&new, NOON + 9), Ok((2, 5)));
    assert!(inspect(&new).is_ok());
    for table in tables(&old) {
        assert!(!rows(&old, &table, &[]).is_empty(), "{table}: nothing in it would be missed");
        match table.as_str() {
            // Numbered without gaps; ids that name a person are masked.
            "journal" => {
                let without = ["seq", "sender", "message_id", "service", "operator", "chain"];
                let mut migrated = rows(&new, &table, &without);
                let last = migrated.pop().unwrap();
                assert_eq!(rows(&old, &table, &without), migrated, "{table}");
                let (at, records) = (NOON + 9, migrated.len());
                assert!(last.starts_with(&format!("Integer({at}), administration, ")), "{last}");
                assert!(last.ends_with(&format!("chain begun, {{\"records\":{records}}}")), "{last}");
            }
            _ => assert_eq!(rows(&old, &table, &[]), rows(&new, &table, &[]), "{table}"),
        }
    }
    let database = Connection::open(&new).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(one("SELECT max(seq) FROM journal"), one("SELECT count(*) FROM journal"));
    assert_eq!(
        one("SELECT count(*) FROM journal WHERE length(chain) = 32"),
        one("SELECT count(*) FROM journal")
    );
    assert_eq!(
        one(&format!("SELECT count(*) FROM journal WHERE sender || message_id || service LIKE '%{NAMED}%'")),
        0
    );
}

#[tokio::test]
async fn down_and_up_again_loses_only_what_the_version_before_cannot_know() {
    let bench = second();
    bench.store.note(record(NOON, "written today")).await.unwrap();
    let path = bench.path();
    drop(bench.store);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "INSERT INTO registered VALUES ('operator', 'aliya', 1, 0, 'x');
             INSERT INTO operator_guard VALUES ('aliya', 1, 0);
             INSERT INTO journal_head VALUES (1, 0, 'x');
             INSERT INTO asynchronous (id, chain, sender, digest, since, state, message)
                 VALUES (x'03', x'03', x'00', x'00', 0, 0, x'01');
             INSERT INTO job (due, task, request, tries) VALUES (0, 9, x'03', 0);
             INSERT INTO approval (id, act, digest, asked_by, asked, until) VALUES (x'01', 'erase', x'02', 'a', 0, 1);",
        )
        .unwrap();
    let all = || -> Vec<(String, Vec<String>)> {
        let known = tables(&path).into_iter().filter(|table| !table.ends_with("_of_node"));
        let mut all: Vec<_> = known.map(|table| (table.clone(), rows(&path, &table, &[]))).collect();
        all.sort();
        all
    };
    let (before, up) = (all(), shape(&path));
    assert_eq!(migrate_back(&path, NOON, "aliya"), Ok((5, 4)));
    let fresh = tempfile::tempdir().unwrap();
    let fourth = fresh.path().join("kdp.db");
    second_version(&fourth, &*bench.seal);
    let upgrade = format!("BEGIN; {THIRD}; {FOURTH}; PRAGMA user_version = 4; COMMIT;");
    Connection::open(&fourth).unwrap().execute_batch(&upgrade).unwrap();
    assert_eq!(shape(&path), shape(&fourth), "what the program of before expects");
    // What was done stands in the journal that the version before goes on with, and nothing else is new: no job, of which
    // it would not know what it is.
    let mut down = all();
    let journal = down.iter_mut().find(|(table, _)| table == "journal").map(|(_, rows)| rows).unwrap();
    let done = journal.pop().unwrap();
    assert!(done.contains("administration") && done.contains("taken back to version 4"), "{done}");
    assert!(done.contains("aliya"), "{done}");
    assert_eq!(down, before);
    assert_eq!(migrate(&path, NOON), Ok((4, 5)));
    assert_eq!(shape(&path), up);
    assert!(
        rows(&path, "journal", &[]).pop().unwrap().contains("taken back to version 4"),
        "the chain goes on"
    );
    let refused = migrate_back(&fourth, NOON, "").unwrap_err().to_string();
    assert!(refused.contains("version 4"), "{refused}");
}

#[test]
fn nothing_is_taken_back_while_it_keeps_the_journal_of_another_node() {
    for (table, row) in [
        ("journal_of_node", "('two', 1, 0, '', '', NULL, '', '', NULL, '', NULL, NULL, '', '', x'00')"),
        ("journal_head_of_node", "('two', 1, 0, 'x')"),
    ] {
        let bench = second();
        let path = bench.path();
        drop(bench.store);
        Connection::open(&path).unwrap().execute(&format!("INSERT INTO {table} VALUES {row}"), []).unwrap();
        let refused = migrate_back(&path, NOON, "aliya").unwrap_err().to_string();
        assert!(refused.contains("the journals of 1 other nodes"), "{refused}");
        assert!(inspect(&path).is_ok() && rows(&path, table, &[]).len() == 1, "{table}");
    }
}

#[test]
fn a_journal_that_was_chained_holds_together() {
    let bench = second();
    let connection = bench.connection();
    let mut rows = connection.prepare("SELECT seq, chain FROM journal ORDER BY seq").unwrap();
    let chain: Vec<(i64, [u8; 32])> =
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(chain.len() > 4 && chain.iter().all(|(_, link)| *link != GENESIS));
    assert!(chain.iter().zip(1..).all(|((seq, _), expected)| *seq == expected));
}
