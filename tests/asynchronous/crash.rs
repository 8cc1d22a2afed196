//! The service is killed at any point: no answer is lost, no subject asked twice, no second token made.

use super::shep::Mood;
use super::stand::{Push, Stand, assert_taken};
use kdp::soap::async_channel::A;
use rusqlite::params;
use std::time::Duration;

/// The row of the one message as it came in, and a job for it: as if what came after had not been committed.
struct Before(Vec<u8>);

impl Before {
    fn of(stand: &Stand) -> Self {
        Self(stand.database().query_row("SELECT message FROM asynchronous", [], |row| row.get(0)).unwrap())
    }

    fn again(&self, stand: &Stand) {
        let database = stand.database();
        let sql = "UPDATE asynchronous SET state = 0, request = NULL, theirs = NULL, message = ?1";
        database.execute(sql, params![self.0]).unwrap();
        database.execute("DELETE FROM job WHERE task = 9", []).unwrap();
        let sql = "INSERT INTO job (due, task, request, tries) SELECT 0, 9, id, 0 FROM asynchronous";
        database.execute(sql, []).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_receipt() {
    let stand = Stand::start().await;
    assert_taken(&stand.push(&Push::by_sms("chain")).await, A, "chain");
    let stand = stand.killed().await;
    stand.work().await;
    let stand = stand.killed().await;
    assert_eq!(stand.asked(), 1);
    stand.says("ДА").await;
    let stand = stand.killed().await;
    stand.work().await;
    assert_eq!((stand.asked(), stand.shep.got().len()), (1, 1));
    assert_eq!(stand.shep.got()[0].data("status"), Some("VALID"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_request_was_opened_and_before_that_was_noted() {
    let stand = Stand::start().await;
    stand.push(&Push::by_sms("chain")).await;
    let before = Before::of(&stand);
    stand.work().await;
    before.again(&stand);
    let stand = stand.killed().await;
    stand.work().await;
    assert_eq!((stand.asked(), stand.number("SELECT count(*) FROM access_request")), (1, 1));
    // Even after its end, when the same ask would be a new one.
    stand.says("ЖОҚ").await;
    before.again(&stand);
    let stand = stand.killed().await;
    stand.work().await;
    assert_eq!((stand.asked(), stand.number("SELECT count(*) FROM access_request")), (1, 1));
    assert_eq!(stand.shep.got().len(), 1);
    assert_eq!(stand.shep.got()[0].data("reason"), Some("subject-refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_token_was_made_and_before_that_was_noted() {
    let stand = Stand::start().await;
    stand.push(&Push::own_means("chain")).await;
    let before = Before::of(&stand);
    stand.work().await;
    before.again(&stand);
    let stand = stand.killed().await;
    stand.work().await;
    let got = stand.shep.got();
    assert_eq!(got.len(), 2, "sent at least once, so twice here");
    assert_eq!(got[0].text("messageId"), got[1].text("messageId"), "ШЭП can tell that it is one");
    assert!(got[0].data("code").is_some() && got[0].data("code") == got[1].data("code"));
    assert_eq!(stand.number("SELECT count(*) FROM access_request WHERE token IS NOT NULL"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_code_was_tried_and_before_that_was_noted() {
    let stand = Stand::start().await;
    stand.push(&Push::by_code("ask")).await;
    stand.work().await;
    let fields = vec![("request_id", stand.request_id()), ("code", "no".to_owned())];
    stand.push(&Push { fields, ..Push::by_sms("code") }).await;
    let sql = "SELECT message FROM asynchronous ORDER BY seq DESC LIMIT 1";
    let message: Vec<u8> = stand.database().query_row(sql, [], |row| row.get(0)).unwrap();
    stand.work().await;
    let tries = "SELECT json_extract(consent, '$.attempts') FROM access_request";
    assert_eq!(stand.number(tries), 1);
    let database = stand.database();
    let sql = "UPDATE asynchronous SET state = 0, request = NULL, message = ?1 WHERE seq = 2";
    database.execute(sql, params![message]).unwrap();
    let sql =
        "INSERT INTO job (due, task, request, tries) SELECT 0, 9, id, 0 FROM asynchronous WHERE seq = 2";
    database.execute(sql, []).unwrap();
    let stand = stand.killed().await;
    stand.work().await;
    assert_eq!(stand.number(tries), 1, "a try is counted once");
    assert_eq!(stand.shep.got().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_shep_took_the_answer_over_and_before_that_was_known() {
    let stand = Stand::start().await;
    stand.push(&Push::by_sms("chain")).await;
    stand.work().await;
    stand.says("ДА").await;
    stand.shep.will(&[Mood::Hangs]);
    let app = stand.app.clone();
    let working = tokio::spawn(async move { kdp::job::run_due(&app).await });
    for _ in 0..500 {
        if !stand.shep.got().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stand.shep.got().len(), 1);
    working.abort();
    let _ = working.await;
    let stand = stand.killed().await;
    stand.work().await;
    let got = stand.shep.got();
    assert_eq!((got.len(), stand.asked()), (2, 1));
    assert_eq!(got[0].text("messageId"), got[1].text("messageId"));
    assert!(got[0].data("code").is_some() && got[0].data("code") == got[1].data("code"), "one token");
    assert_eq!(stand.number("SELECT count(*) FROM asynchronous WHERE state = 2"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_that_names_an_earlier_request() {
    let stand = Stand::start().await;
    let granted = Push::own_means("granted");
    stand.push(&granted).await;
    stand.work().await;
    let fields = vec![("request_id", stand.request_id()), ("cancel", "true".to_owned())];
    stand.push(&Push { fields, ..Push::by_sms("cancel") }).await;
    stand.work().await;
    // The same token of the subject's, shown once more: used up, by the request that it was used for.
    stand.push(&Push { fields: granted.fields, ..Push::by_sms("again") }).await;
    let message: Vec<u8> = stand
        .database()
        .query_row("SELECT message FROM asynchronous WHERE seq = 3", [], |row| row.get(0))
        .unwrap();
    stand.work().await;
    let refused = |stand: &Stand, n: usize| {
        let got = stand.shep.got();
        assert_eq!(got.len(), n);
        let last = got.last().unwrap();
        assert_eq!((last.text("correlationId"), last.data("status")), ("again", Some("INVALID")));
        assert_eq!((last.data("reason"), last.data("code")), (Some("ovt-used"), None));
    };
    refused(&stand, 3);
    let database = stand.database();
    let sql = "UPDATE asynchronous SET state = 0, request = NULL, theirs = NULL, message = ?1 WHERE seq = 3";
    database.execute(sql, params![message]).unwrap();
    let sql =
        "INSERT INTO job (due, task, request, tries) SELECT 0, 9, id, 0 FROM asynchronous WHERE seq = 3";
    database.execute(sql, []).unwrap();
    let stand = stand.killed().await;
    stand.work().await;
    refused(&stand, 4);
}
