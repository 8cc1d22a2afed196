//! What is written down, and what is nowhere.

use crate::office::{Ended, Office};
use std::fs;

const PASSWORD: &str = "Zhasyryn-Soz-4711";
const FULL_NAME: &str = "Құпиябеков Қ.";

#[test]
fn every_look_at_personal_data_is_journalled_with_who_looked() {
    let office = Office::open();
    let open = ["incident", "open", "--what", "x", "--responsible", "Officer, +77010000000", "--json"];
    let out = office.by("officer", &open).done();
    let id = serde_json::from_str::<serde_json::Value>(&out).unwrap()["id"].as_str().unwrap().to_owned();
    let form = format!("{}/deploy/application.example.json", env!("CARGO_MANIFEST_DIR"));
    let submitted = office.json("registrar", &["application", "submit", &form]);
    let application = submitted["id"].as_str().unwrap();
    office.by("officer", &["incident", "list"]).done();
    office.by("auditor", &["incident", "show", &id]).done();
    office.by("auditor", &["incident", "notice", &id]).done();
    office.by("auditor", &["application", "show", application]).done();
    office.by("officer2", &["operator", "list"]).done();
    office.by("auditor", &["operator", "show", "officer"]).done();
    // What holds none is not: of the list there are no contacts.
    office.by("support", &["application", "list"]).done();
    let looks = [
        "officer|incidents",
        "auditor|incident",
        "auditor|incident",
        "auditor|application",
        "officer2|operators",
        "auditor|operators",
    ];
    assert_eq!(office.journal("look"), looks);
    assert_eq!(office.sql("SELECT count(*) FROM journal WHERE kind = 'look' AND request IS NOT NULL"), "3");
}

#[test]
fn a_look_that_cannot_be_journalled_shows_nothing() {
    let office = Office::open();
    office.sql("CREATE TRIGGER no_look BEFORE INSERT ON journal WHEN new.kind = 'look' BEGIN SELECT raise(ABORT, ''); END");
    let Ended { code, out, .. } = office.by("auditor", &["operator", "list"]);
    assert!(code == 2 && out.is_empty(), "{out}");
}

#[test]
fn every_change_names_its_operator() {
    let office = Office::open();
    let before = office.sql("SELECT max(seq) FROM journal");
    office.by("registrar", &["ground", "end", "L-9-2"]).done();
    office.by("registrar", &["initiator", "new-secret", "bank_kdp"]).done();
    office.by("officer", &["subject", "block", "800101399015"]).done();
    office.by("officer", &["keys", "rotate"]).done();
    office.by("officer", &["initiator", "suspend", "stat_kdp", "--reason", "x"]).done();
    let rest = office.sql(&format!("SELECT operator FROM journal WHERE seq > {before} ORDER BY seq"));
    assert_eq!(rest.lines().collect::<Vec<_>>(), ["registrar", "registrar", "officer", "officer", "officer"]);
}

#[test]
fn a_password_and_a_full_name_stand_nowhere_but_where_they_must() {
    let office = Office::open();
    let file = office.secret(PASSWORD).display().to_string();
    let add = ["operator", "add", "k.kupiyabekov", "--full-name", FULL_NAME, "--roles", "support"];
    let mut said = office.by("officer", &[&add[..], &["--new-password-file", &file]].concat());
    for words in [&["ground", "list"][..], &["operator", "password", "--new-password-file", &file]] {
        let ended = office.by("k.kupiyabekov", &[words, &["--password-file", &file]].concat());
        said.out += &(ended.out + &ended.err);
    }
    let wrong = office.secret("Qate-Soz-0815-Qate").display().to_string();
    let ended = office.by("k.kupiyabekov", &["ground", "list", "--password-file", &wrong]);
    said.err += &(ended.out + &ended.err);
    let told = said.out + &said.err;
    let data = office.path("data");
    let mut files = vec![told.into_bytes()];
    for name in ["kdp.db", "kdp.db-wal"] {
        files.extend(fs::read(data.join(name)));
    }
    assert!(files.len() > 1);
    for bytes in files {
        for secret in [PASSWORD, "Qate-Soz-0815-Qate", FULL_NAME, "argon2id"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} can be read");
        }
    }
}
