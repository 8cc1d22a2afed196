//! What is done to the database as a whole: by an operator of the database that is there, whatever takes its place.

use crate::office::{Ended, Office};
use kdp::store::sqlite::SCHEMA;
use std::fs;

const BACK: [&str; 2] = ["migrate", "--back"];

fn last(office: &Office, columns: &str) -> String {
    office.sql(&format!("SELECT {columns} FROM journal ORDER BY seq DESC LIMIT 1"))
}

#[test]
fn the_way_back_is_an_officers_and_stays_in_the_journal() {
    let office = Office::open();
    let records = || office.sql("SELECT count(*) FROM journal").parse::<u64>().unwrap();
    let ended = office.unnamed(&BACK);
    assert!(ended.code == 2 && ended.err.contains("operator-missing: "), "{}", ended.err);
    office.configured("registrar", &BACK).refused("operator-role");
    let before = records();
    let database = rusqlite::Connection::open(office.path("data/kdp.db")).unwrap();
    database.query_row("SELECT count(*) FROM journal", [], |_| Ok(())).unwrap();
    let ended = office.configured("officer", &BACK);
    assert!(ended.code == 1 && ended.err.contains("in use: stop the service first"), "{}", ended.err);
    drop(database);
    let version = || office.sql("PRAGMA user_version").parse::<i64>().unwrap();
    assert_eq!((version(), records()), (SCHEMA, before));

    office.configured("officer", &BACK).done();
    assert_eq!((version(), records()), (SCHEMA - 1, before + 1));
    let told = last(&office, "operator, kind, outcome");
    assert_eq!(told, format!("officer|administration|taken back to version {}", SCHEMA - 1));
    // Who upgrades needs no login, and who takes back needs one again: nobody is gone.
    office.unnamed(&["migrate"]).done();
    assert_eq!((version(), records()), (SCHEMA, before + 1));
    let ended = office.unnamed(&BACK);
    assert!(ended.code == 2 && ended.err.contains("operator-missing: "), "{}", ended.err);
    office.sql("DELETE FROM registered WHERE kind = 'operator'");
    office.unnamed(&BACK).done();
    assert_eq!(last(&office, "operator"), "", "where nobody has access, it is anybody's");
}

#[test]
fn whoever_was_an_officer_when_the_backup_was_made_does_not_come_in_by_it() {
    let office = Office::open();
    let backup = office.path("old.backup").display().to_string();
    office.configured("officer2", &["backup", &backup]).done();
    office.by("officer", &["operator", "dismiss", "officer2"]).done();
    let restore = |by: &str| office.configured(by, &["restore", &backup, "--replace"]);
    let dismissed = || office.sql("SELECT count(*) FROM journal WHERE outcome = 'operator dismissed'");
    restore("officer2").refused("operator-login");
    restore("auditor").refused("operator-role");
    assert_eq!(dismissed(), "1", "it was replaced");
    // Guesses are counted where they are made.
    assert_eq!(office.sql("SELECT wrong FROM operator_guard"), "1");
    let (seq, chain) = (last(&office, "seq"), last(&office, "lower(hex(chain))"));
    let Ended { err, .. } = restore("officer");
    assert_eq!(dismissed(), "0", "{err}");
    let told = last(&office, "operator, outcome, detail");
    assert!(told.starts_with("officer|restored from a backup of 20"), "{told}");
    let detail: serde_json::Value = serde_json::from_str(told.rsplit('|').next().unwrap()).unwrap();
    let expected = serde_json::json!({
        "by": "officer", "judged_by": "database",
        "replaced": { "seq": seq.parse::<i64>().unwrap(), "chain": chain },
    });
    assert_eq!(detail, expected);
}

#[test]
fn where_no_database_can_judge_who_restores_the_backup_does_and_that_is_told() {
    let office = Office::open();
    let backup = office.path("old.backup").display().to_string();
    office.configured("officer2", &["backup", &backup]).done();
    office.by("officer", &["operator", "dismiss", "officer2"]).done();
    let restore = ["restore", &backup, "--replace"];
    let detail = || -> serde_json::Value { serde_json::from_str(&last(&office, "detail")).unwrap() };
    // One that is damaged, and none.
    for why in ["damaged", "absent"] {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(office.path(&format!("data/kdp.db{end}")));
        }
        if why == "damaged" {
            fs::write(office.path("data/kdp.db"), "no database ".repeat(500)).unwrap();
        }
        office.configured("registrar", &restore).refused("operator-role");
        let ended = office.configured("officer2", &restore);
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert_eq!(
            ended.err.contains("the operators of the backup judge"),
            why == "damaged",
            "{}",
            ended.err
        );
        let expected = serde_json::json!({ "by": "officer2", "judged_by": "backup", "database": why });
        assert_eq!(detail(), expected);
    }
    // Keys that do not fit are no damage: who brings old ones does not choose his judges.
    let keys = office.path("data/seal.keys");
    let old = fs::read_to_string(&keys).unwrap();
    office.sql("DELETE FROM operator_guard");
    let ended = office.configured("officer", &["seal-key", "add"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let password = office.secret("another long password").display().to_string();
    office.configured("officer", &["operator", "password", "--new-password-file", &password]).done();
    office.configured("officer2", &["operator", "dismiss", "officer"]).done();
    office.configured("officer2", &["operator", "restore", "officer"]).done();
    fs::write(&keys, old).unwrap();
    let err = office.configured("officer", &restore).refused("operator-keys");
    assert!(err.contains("move the database away"), "{err}");
}
