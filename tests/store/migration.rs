//! A database of the first version is brought to that of today, and nothing in it is lost (`sqlite-001.sql`).
//!
//! Its rows are written here as the first version wrote them, not by the code of today.

#[path = "migration/back.rs"]
mod back;

use super::bench::{Ask, Bench, Disk, HOUR, NOON, Proof, bin, id, iin, phone, record, services, sqlite_from};
use super::registration::key;
use kdp::consent::identity::Iin;
use kdp::consent::method::Method;
use kdp::consent::revocation::{Applicant, Rule};
use kdp::consent::{Consent, End, Event};
use kdp::random::Id;
use kdp::store::revocation::{Contested, Filed, Filing};
use kdp::store::seal::{Place, Seal};
use kdp::store::sqlite::{SqliteStore, Synchronous, inspect, migrate};
use kdp::store::token::Key;
use kdp::store::{Granted, Heard, StoreError, Sweeping, Task};
use kdp::text::{Lang, Reason};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Arc, LazyLock};

const FIRST: &str = include_str!("../../src/store/sql/sqlite-001.sql");
const DAY: i64 = 24 * HOUR;

/// What stands in the old database.
struct Old {
    waiting: Id,
    granted: Id,
    jti: Id,
    cancelled: Id,
}

static OLD: LazyLock<Old> =
    LazyLock::new(|| Old { waiting: id(NOON), granted: id(NOON), jti: id(NOON), cancelled: id(NOON) });

/// A request as the first version wrote it.
struct Row<'a> {
    id: Id,
    method: u8,
    consent: &'a str,
    live: bool,
    token: Option<(Id, &'a str)>,
    directory: Option<&'a str>,
}

fn half(hash: [u8; 32]) -> Vec<u8> {
    hash[..16].to_vec()
}

fn subject(seal: &dyn Seal, iin: &Iin) -> Vec<u8> {
    half(seal.hash("subject", &[iin.as_str().as_bytes()]))
}

fn write(database: &Connection, seal: &dyn Seal, row: &Row<'_>) {
    let (asked, initiator, number) = (iin(1), bin(1), phone(1));
    let person = serde_json::json!({
        "iin": asked.as_str(), "msisdn": (row.method == 1).then_some(number.as_str()), "company": "Банк Үлгі",
        "responsible": "", "employee": "Үлгіұлы Ү.", "data": "ФИО, адрес",
    });
    let terms = serde_json::json!({
        "services": ["A", "B"], "term_seconds": 600, "directory_id": row.directory, "lang": "ru",
        "reference": "1000", "code_form": "digits",
    });
    let sealed = |column, plain: &str| seal.seal(Place { column, row: row.id.as_bytes() }, plain.as_bytes());
    let live = [initiator.as_str().as_bytes(), asked.as_str().as_bytes(), b"A;B"];
    database
        .execute(
            "INSERT INTO access_request
                (id, bin, method, subject, live, phone, told, terms, consent, person, jti, token)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10, ?11)",
            params![
                row.id.as_bytes(),
                initiator.as_str(),
                row.method,
                subject(seal, &asked),
                row.live.then(|| half(seal.hash("live", &live))),
                row.live.then(|| half(seal.hash("phone", &[number.as_str().as_bytes()]))),
                terms.to_string(),
                row.consent,
                sealed("access_request.person", &person.to_string()),
                row.token.map(|(jti, _)| *jti.as_bytes()),
                row.token.map(|(_, compact)| sealed("access_request.token", compact)),
            ],
        )
        .unwrap();
}

fn journal(database: &Connection, at: i64, request: Option<Id>, subject: Option<&[u8]>, outcome: &str) {
    database
        .execute(
            "INSERT INTO journal
                (at, kind, decision, sender, message_id, message, service, request, subject, outcome, detail)
             VALUES (?1, 'decision', ?2, 'bank', 'm-1', zeroblob(32), 'KDP_SERVICE', ?3, ?4, ?5, '{}')",
            params![at, id(at).as_bytes(), request.map(|id| *id.as_bytes()), subject, outcome],
        )
        .unwrap();
}

fn first_version(path: &Path, seal: &dyn Seal) {
    let database = Connection::open(path).unwrap();
    database.execute_batch(&format!("PRAGMA journal_mode = WAL; {FIRST}; PRAGMA user_version = 1;")).unwrap();
    let waiting = format!(r#"{{"state":"waiting","until":{},"attempts":0}}"#, NOON + 900_000);
    let granted = format!(r#"{{"state":"granted","expires":{}}}"#, NOON / 1000 + 600);
    let cancelled = r#"{"state":"closed","end":"invalid","reason":"cancelled"}"#;
    let row = |id, method, consent| Row { id, method, consent, live: false, token: None, directory: None };
    let rows = [
        Row { live: true, ..row(OLD.waiting, 1, &waiting) },
        Row {
            token: Some((OLD.jti, "an.old.token")),
            directory: Some("dir-1"),
            ..row(OLD.granted, 2, &granted)
        },
        row(OLD.cancelled, 1, cancelled),
    ];
    for row in &rows {
        write(&database, seal, row);
        journal(&database, NOON, Some(row.id), Some(&subject(seal, &iin(1))), "decided");
    }
    // A refusal: a subject of whom nothing else is known; and a record of nobody.
    journal(&database, NOON + 1, None, Some(&subject(seal, &iin(2))), "no-phone");
    journal(&database, NOON + 2, None, None, "sender registered");
    let key = key();
    let stored = serde_json::json!({
        "pkcs8": key.pkcs8.to_vec(), "created_at": 1, "not_before": 1, "not_after": i64::MAX,
        "distrusted_at": null,
    });
    let place = Place { column: "signing_key.record", row: key.kid.as_bytes() };
    let sealed = seal.seal(place, stored.to_string().as_bytes()).unwrap();
    let ovt = Proof::new(1, None);
    for (sql, values) in [
        ("INSERT INTO sender VALUES ('bank', ?1)", params![sender_record()]),
        ("INSERT INTO directory_entry VALUES ('dir-1', 1, ?1)", params![entry_record(60)]),
        ("INSERT INTO directory_entry VALUES ('dir-1', 2, ?1)", params![entry_record(120)]),
        ("INSERT INTO signing_key VALUES (?1, ?2)", params![key.kid, sealed]),
        (
            "INSERT INTO job (due, task, request, tries) VALUES (?1, 5, ?2, 3)",
            params![NOON + 900_000, OLD.waiting.as_bytes()],
        ),
        ("INSERT INTO heard_sms VALUES ('sms-old', ?1)", params![NOON]),
        ("INSERT INTO message VALUES ('bank', 'm-1', zeroblob(32), ?1)", params![NOON]),
        ("INSERT INTO budget VALUES (?1, 20544, 3)", params![half(seal.hash("budget-subject", &[b"x"]))]),
        (
            "INSERT INTO ovt_use VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                ovt.until,
                ovt.ovt,
                subject(seal, &iin(1)),
                half(seal.hash("services", &[b"A;B"])),
                OLD.granted.as_bytes()
            ],
        ),
        ("UPDATE registry_version SET version = 6", params![]),
    ] {
        database.execute(sql, values).unwrap();
    }
}

fn sender_record() -> String {
    serde_json::json!({
        "sender_id": "bank", "name": "Банк Үлгі", "role": "initiator", "bin": bin(1).as_str(), "auth": "password",
        "password": "ab".repeat(32), "token": null, "reply": "kdp", "strict": false,
        "allowance": {
            "methods": [1, 2], "services": ["A"], "max_term_seconds": 600, "legacy": false, "ovt_bound": false,
            "code": "digits",
        },
        "ovt_keys": [], "lang": "ru",
    })
    .to_string()
}

fn entry_record(period: u64) -> String {
    serde_json::json!({
        "id": "dir-1", "bin": bin(1).as_str(), "services": ["A"], "period_seconds": period, "data": "ФИО",
        "expires_at": 2_000_000_000,
    })
    .to_string()
}

fn old() -> Bench {
    sqlite_from(Disk::Waits, first_version)
}

/// Every row of every table, as text.
fn everything(bench: &Bench) -> Vec<String> {
    let tables = bench.texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let connection = bench.connection();
    let mut all = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values = (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap()));
            all.push(format!("{table}: {}", values.collect::<Vec<_>>().join(", ")));
        }
    }
    all
}

#[tokio::test]
async fn requests_of_the_first_version_go_on_where_they_stood() {
    let bench = old();
    let waiting = bench.in_progress(&Ask::default(), NOON + 1).await.unwrap();
    assert!(waiting.id == OLD.waiting && waiting.method == Method::Sms && waiting.opened == NOON);
    assert!(waiting.iin == iin(1) && waiting.bin == bin(1) && waiting.sender.is_empty());
    assert!(waiting.msisdn == Some(phone(1)) && waiting.employee == "Үлгіұлы Ү." && waiting.lang == Lang::Ru);
    assert!(
        waiting.services == services("A;B") && waiting.reference == "1000" && waiting.directory.is_none()
    );
    assert_eq!(bench.tasks(OLD.waiting).await, [(Task::Expire, NOON + 900_000)]);
    assert_eq!(bench.say_as("sms-old", &phone(1), "ДА", NOON + 1).await, Heard::Again);
    assert_eq!(bench.say_as("sms-new", &phone(1), "ДА", NOON + 1).await, Heard::Answered(OLD.waiting));
    let (collected, made) = bench.collect(OLD.waiting, NOON + 2).await;
    assert!(made);
    assert_eq!(bench.worth(&collected, NOON + 2).await.0, "active");
    assert!(bench.event(OLD.waiting, Event::Cancel, NOON + 3).await.1);
    let closed = bench.consent(OLD.cancelled).await;
    assert!(matches!(closed, Consent::Closed { end: End::Invalid, reason: Reason::Cancelled, .. }));
}

#[tokio::test]
async fn a_token_of_the_first_version_is_checked_revoked_and_found_by_its_ovt() {
    let bench = old();
    let granted = bench.store.request(OLD.granted).await.unwrap().unwrap();
    let token = granted.token.clone().unwrap();
    assert!(granted.consent == Consent::Granted { expires: NOON / 1000 + 600, lapses: None });
    assert!(token.jti == OLD.jti && token.compact == "an.old.token" && token.index.is_none());
    assert_eq!((token.issued, token.expires), (NOON, NOON / 1000 + 600));
    assert_eq!(granted.directory.as_ref().map(|entry| entry.id.as_str()), Some("dir-1"));
    assert_eq!(bench.worth(&granted, NOON + 599_999).await.0, "active");
    assert_eq!(bench.worth(&granted, NOON + 600_000).await.0, "expired");
    let ask = Ask { method: Method::OwnMeans, phone: None, ..Ask::default() };
    match bench.grant(&Proof::new(1, None), &ask, NOON + 1).await {
        Granted::Before(request) => assert_eq!(request.id, OLD.granted),
        _ => panic!("the ovt is remembered"),
    }
    let asks: Vec<Id> = bench
        .store
        .accesses(iin(1), 0, i64::MAX, 100)
        .await
        .unwrap()
        .iter()
        .filter(|access| access.check.is_none())
        .map(|access| access.request.id)
        .collect();
    assert_eq!(asks, [OLD.cancelled, OLD.granted, OLD.waiting], "each is its subject's");
    let contested = Contested::Token(OLD.jti);
    let (applicant, comment) = (Applicant::Subject, String::new());
    let filing = Filing { id: id(NOON), contested, iin: iin(1), applicant, comment };
    let filed = bench.store.file(filing, record(NOON + 1, "")).await.unwrap();
    assert!(matches!(filed, Filed::New(application) if application.request == OLD.granted));
    let found = bench.store.check_token(
        kdp::store::token::Check { key: Key::Id(OLD.jti), ..super::bench::look(&granted, NOON + 2) },
        record(NOON + 2, ""),
    );
    assert!(found.await.unwrap().unwrap().revocation_pending);
}

#[tokio::test]
async fn what_was_registered_and_journalled_in_the_first_version_is_there() {
    let bench = old();
    let registry = bench.store.registry().await.unwrap();
    assert!(registry.version == 6 && registry.keys.current(2).is_ok());
    let bank = &registry.senders["bank"];
    assert!(bank.bin == bin(1) && bank.revision == 1 && !bank.is_suspended(NOON));
    assert!(bank.record.permits.is_empty() && !bank.record.allowance.logging);
    let entry = &registry.entries["dir-1"];
    assert_eq!((entry.revision, entry.period_seconds, entry.expires_at), (2, 120, Some(2_000_000_000)));
    assert_eq!(bench.register(kdp::store::register::Item::Entry(entry.clone()), NOON).await, 3);
    let outcomes = ["decided", "decided", "decided", "no-phone", "sender registered", "chain begun", "entry"];
    assert_eq!(bench.journal(), outcomes);
    // Each row of the journal leads to its subject, and the one of nobody to nobody.
    let led = bench.texts(
        "SELECT outcome || ' ' || hex(s.hash) FROM journal AS j LEFT JOIN subject AS s ON s.id = j.subject
         WHERE kind = 'decision' ORDER BY j.seq",
    );
    let hash =
        |n| subject(&*bench.seal, &iin(n)).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
    let decided = format!("decided {}", hash(1));
    let expected = [&decided, &decided, &decided, &format!("no-phone {}", hash(2)), "sender registered "];
    assert_eq!(led, expected);
    assert_eq!(
        bench.number("SELECT count(*) FROM journal WHERE length(decision) = 16 AND length(message) = 32"),
        5
    );
    assert_eq!(bench.number("SELECT asked FROM budget"), 3);
    let conflicts = async |body: u8| {
        bench.store.conflicts("bank".to_owned(), "m-1".to_owned(), [body; 32], NOON).await.unwrap()
    };
    assert!(!conflicts(0).await && conflicts(1).await);
    bench.store.check().await.unwrap();
}

#[tokio::test]
async fn a_request_that_ended_in_the_first_version_keeps_its_person_as_long_as_every_other() {
    let bench = old();
    let sweep = async |at: i64| {
        let sweeping = Sweeping {
            phones_before: at - 90 * DAY,
            persons_before: at - 1825 * DAY,
            accesses_before: at - 1825 * DAY,
        };
        assert!(!bench.store.sweep(sweeping, record(at, "")).await.unwrap());
        bench.store.request(OLD.cancelled).await.unwrap()
    };
    assert!(sweep(NOON + 89 * DAY).await.unwrap().msisdn.is_some());
    assert!(sweep(NOON + 91 * DAY).await.unwrap().msisdn.is_none());
    assert!(
        sweep(NOON + 92 * DAY).await.is_some(),
        "the number goes after 90 days, the person after five years"
    );
    assert!(sweep(NOON + 1824 * DAY).await.is_some());
    assert!(sweep(NOON + 1826 * DAY).await.is_none());
}

#[test]
fn a_second_migration_changes_nothing() {
    let bench = old();
    let before = everything(&bench);
    assert!(before.len() > 15);
    assert_eq!(migrate(&bench.path(), NOON), Ok((5, 5)));
    assert_eq!(everything(&bench), before);
    let empty = super::bench::sqlite(Disk::Waits);
    let schema = |bench: &Bench| bench.texts("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name");
    assert_eq!(schema(&bench), schema(&empty), "the same as one that was made today");
}

#[test]
fn a_database_of_another_version_is_not_opened_and_a_newer_one_not_migrated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kdp.db");
    let bench = super::bench::sqlite(Disk::Waits);
    let open = || {
        let rules = (super::bench::SPANS, Rule::default());
        let metrics = bench.metrics.store.clone();
        SqliteStore::open(&path, Synchronous::Full, bench.seal.clone() as Arc<dyn Seal>, rules, metrics)
            .map(|_| ())
    };
    let refused = |result: Result<(), StoreError>, words: &[&str]| match result {
        Err(StoreError::Setup(text)) => assert!(words.iter().all(|word| text.contains(word)), "{text}"),
        other => panic!("{other:?}"),
    };
    refused(open(), &["kdp migrate"]);
    refused(inspect(&path), &["kdp migrate"]);
    first_version(&path, &*bench.seal);
    refused(open(), &["version 1", "version 5"]);
    refused(inspect(&path), &["version 1", "version 5"]);
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 6").unwrap();
    let before = std::fs::read(&path).unwrap();
    refused(migrate(&path, NOON).map(|_| ()), &["version 6", "version 5"]);
    refused(open(), &["version 6"]);
    assert_eq!(std::fs::read(&path).unwrap(), before, "nothing of it was touched");
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 1").unwrap();
    assert_eq!(migrate(&path, NOON), Ok((1, 5)));
    assert!(open().is_ok() && inspect(&path).is_ok());
}
