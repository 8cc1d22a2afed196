//! Every decision is in the journal, once; and what cannot be journalled does not happen.

use super::fixture::{files, name};
use super::stand::{Connection, NOW, Stand};
use kdp::config::Limits;
use kdp::journal::head::Keys;
use kdp::journal::verify::{Task, verify};
use kdp::random::Id;
use std::time::Duration;

/// The decision ids and kinds of the records after `after`, and the last number.
fn since(stand: &Stand, after: i64) -> (Vec<(Option<String>, String)>, i64) {
    let connection = rusqlite::Connection::open(stand.database()).unwrap();
    let sql = "SELECT seq, decision, kind FROM journal WHERE seq > ?1 ORDER BY seq";
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([after]).unwrap();
    let (mut found, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next().unwrap() {
        last = row.get(0).unwrap();
        let id = row.get::<_, Option<[u8; 16]>>(1).unwrap().map(|id| Id::from_bytes(id).to_string());
        found.push((id, row.get(2).unwrap()));
    }
    (found, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_one_decision_in_the_journal() {
    let limits = Limits { sms_per_subject: 3, ovt_subjects: 1, ..kdp::sandbox::limits() };
    let stand = Stand::start_within(limits).await;
    let (_, mut last) = since(&stand, 0);
    let (mut wrong, mut named, mut sent) = (Vec::new(), 0, 0);
    for path in files("requests").into_iter().chain(files("attacks")) {
        let name = name(&path);
        let reply = Connection::open(stand.address).post(&std::fs::read(&path).unwrap());
        while !stand.running.app.store.due(kdp::store::Lane::Consent, NOW, 1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (records, now) = since(&stand, last);
        last = now;
        sent += 1;
        let decisions: Vec<_> = records.iter().filter_map(|(id, kind)| Some((id.as_ref()?, kind))).collect();
        match decisions[..] {
            // Of an event or a check, too, it is the decision.
            [(id, kind)]
                if ["decision", "dry-run", "fault", "look", "event", "check"].contains(&kind.as_str()) =>
            {
                let tells_one = reply.body.contains("decision_id>") || reply.body.contains("decision 0");
                if tells_one && !reply.body.contains(id.as_str()) {
                    wrong.push(format!("{name}: another decision is journalled than was told"));
                }
                named += usize::from(tells_one);
            }
            _ => wrong.push(format!("{name}: {records:?}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {sent}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(sent >= 900 && named >= 800, "{named} of {sent} tell their decision");
    let keys = Keys::of_ring(&stand.running.app.registry().keys);
    let whole = Task { keys: &keys, from: 1, known: &[], now: NOW };
    assert_eq!(verify(&*stand.running.app.store, whole, |_| {}).await.unwrap().broken, None);
    stand.running.stop().await;
}

/// Every table as text: what happened. Heads are signed of what was there; places of the status list are allotted ahead.
fn everything(stand: &Stand) -> Vec<String> {
    let connection = rusqlite::Connection::open(stand.database()).unwrap();
    let tables =
        super::kept::all(&connection, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let mut rows = Vec::new();
    for table in tables {
        let Some(rusqlite::types::Value::Text(name)) = table.first() else { continue };
        if !["journal_head", "counter"].contains(&name.as_str()) {
            rows.push(format!(
                "{name}: {:?}",
                super::kept::all(&connection, &format!("SELECT * FROM {name}"))
            ));
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_journalled_does_not_happen_and_goes_on_when_it_can() {
    let stand = Stand::start().await;
    let request = |name: &str| {
        let found = files("requests").into_iter().find(|path| path.to_str().unwrap().contains(name)).unwrap();
        std::fs::read(found).unwrap()
    };
    let asks = [
        request("-f6-method-1-in-order"),
        request("-f6-method-2-in-order"),
        request("-f6-method-3-in-order"),
        request("-f6-method-4-in-order"),
        request("-f6-method-5-in-order"),
    ];
    let connection = rusqlite::Connection::open(stand.database()).unwrap();
    connection
        .execute_batch(
            "CREATE TRIGGER broken BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'no journal'); END;",
        )
        .unwrap();
    let before = everything(&stand);
    for ask in &asks {
        let reply = Connection::open(stand.address).post(ask);
        assert!(reply.body.contains("SCSE003"), "{}", reply.body);
        assert!(!reply.body.contains("VALID<") && !reply.body.contains("PENDING"), "{}", reply.body);
        // A refusal is a decision, too.
        let refused = Connection::open(stand.address).post(b"<no-envelope/>");
        assert!(refused.body.contains("SCE909"), "{}", refused.body);
    }
    assert_eq!(everything(&stand), before, "nothing was done");
    connection.execute_batch("DROP TRIGGER broken").unwrap();
    let words: Vec<String> = asks
        .iter()
        .map(|ask| Connection::open(stand.address).post(ask).word().unwrap_or("none").to_owned())
        .collect();
    assert_eq!(words, ["PENDING", "VALID", "VALID", "VALID", "PENDING"]);
    stand.running.stop().await;
}
