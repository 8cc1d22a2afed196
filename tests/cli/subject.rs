//! Subjects: blocked, frozen, erased. The IIN is nowhere to be seen.

use super::past::{DAY, Grant, Past};
use super::sqlite::sqlite;
use super::{Installation, SUBJECT, ends, ends_fed, operator};
use serde_json::{Value, json};

/// Storage time of decisions by default.
const STORAGE: i64 = 5 * 365 * DAY;

/// Runs a command about the subject; its IIN comes through stdin and does not come out again.
fn about(installation: &Installation, code: i32, command: &str, more: &[&str]) -> String {
    let arguments = [&["subject", command, "-"], &installation.at()[..], more].concat();
    let (out, err) = ends_fed(code, &format!("{SUBJECT}\n"), &arguments);
    assert!(!out.contains(SUBJECT) && !err.contains(SUBJECT), "{out}{err}");
    out + &err
}

/// Two persons erase.
fn erased(installation: &Installation, more: &[&str]) -> Value {
    agree(installation, more);
    serde_json::from_str(&about(installation, 0, "erase", &[more, &["--json"]].concat())).unwrap()
}

/// One asks, another approves.
fn agree(installation: &Installation, more: &[&str]) {
    let out = about(installation, 1, "erase", &[more, &["--json"]].concat());
    let asked: Value = serde_json::from_str(&out).unwrap();
    let second = operator::password_file(&installation.config, "second");
    if !second.exists() {
        operator::add(&installation.config, "second", "security-officer");
        // A day ago: until then nobody is a second person by a password that the first one gave.
        let earlier = "UPDATE registered SET at = at - 86400000 WHERE kind = 'operator' AND id = 'second'";
        sqlite(&installation.path("kdp.db"), earlier);
    }
    let id = asked["approval"].as_str().unwrap();
    let approve = ["operator", "approve", id, "--for", "subject-erase", "-", "--operator", "second"];
    let file = ["--password-file", second.to_str().unwrap()];
    ends_fed(0, SUBJECT, &[&approve[..], &file, &installation.at(), more].concat());
}

#[test]
fn a_block_suspends_the_tokens_of_a_subject_until_it_is_lifted_and_a_freeze_does_not() {
    let installation = Installation::peopled();
    let past = Past::of(installation.at());
    past.grant(&Grant { iin: SUBJECT, at: past.now(), days: 2, place: 7 });
    for (command, said, again) in [
        ("freeze", "is frozen now", "is frozen already"),
        ("unfreeze", "is not frozen now", "is not frozen already"),
    ] {
        assert!(about(&installation, 0, command, &[]).contains(said));
        assert!(about(&installation, 0, command, &[]).contains(again));
        assert_eq!(past.listed(7), None);
    }
    assert!(about(&installation, 0, "block", &["--order", "application 17"]).contains("is blocked now"));
    assert_eq!(past.listed(7), Some(2));
    let (outcome, detail) = installation.journalled();
    assert_eq!((outcome.as_str(), &detail["order"]), ("subject blocked", &json!("application 17")));
    assert!(about(&installation, 0, "block", &["--json"]).contains("\"changed\":false"));
    assert!(about(&installation, 0, "unblock", &[]).contains("is not blocked now"));
    assert_eq!(past.listed(7), Some(0));
    let journal = sqlite(
        &installation.path("kdp.db"),
        "SELECT kind, sender, message_id, service, outcome, detail FROM journal",
    );
    assert!(!journal.contains(SUBJECT));
}

#[test]
fn an_iin_that_is_none_is_refused_and_not_repeated() {
    let installation = Installation::ready();
    for command in ["block", "unblock", "freeze", "unfreeze", "erase"] {
        let arguments = [&["subject", command, "800101399016"], &installation.at()[..]].concat();
        let (_, err) = ends(2, &arguments);
        assert!(err.contains("IIN: control digit") && !err.contains("800101399016"), "{command}: {err}");
        let (_, err) = ends_fed(2, "", &[&["subject", command, "-"], &installation.at()[..]].concat());
        assert!(err.contains("stdin: must have 12 digits"), "{command}: {err}");
        let order = ["--order", &format!("о {SUBJECT}")];
        assert!(about(&installation, 2, command, &order).contains("--order: holds an IIN"), "{command}");
    }
    // As an argument it is taken too.
    ends(0, &[&["subject", "freeze", SUBJECT], &installation.at()[..]].concat());
}

#[test]
fn what_was_kept_long_enough_is_erased_and_the_rest_only_by_an_order() {
    let installation = Installation::peopled();
    let past = Past::of(installation.at());
    let now = past.now();
    let old = past.grant(&Grant { iin: SUBJECT, at: now - STORAGE - 40 * DAY, days: 30, place: 1 });
    let ended = now - 50 * DAY;
    past.grant(&Grant { iin: SUBJECT, at: ended - 10 * DAY, days: 10, place: 2 });
    let database = installation.path("kdp.db");
    let keeps = || sqlite(&database, "SELECT group_concat(keeps, ',') FROM access_request ORDER BY seq");
    let keeps = || keeps().trim().to_owned();
    assert_eq!(keeps(), "1,1");

    let told = erased(&installation, &[]);
    assert_eq!((&told["requests"], &told["kept"], &told["unlinked"]), (&json!(1), &json!(1), &json!(false)));
    assert!(told["why"].as_str().unwrap().contains("retention.decision_days"), "{told}");
    let until = kdp::clock::parse(told["kept_until"].as_str().unwrap()).unwrap();
    assert_eq!(until / 1000, (ended + STORAGE) / 1000);
    assert_eq!(keeps(), "0,1");
    assert_eq!(erased(&installation, &[])["requests"], 0);
    agree(&installation, &[]);
    assert!(about(&installation, 0, "erase", &[]).contains("1, the last until "));
    let left = sqlite(
        &database,
        &format!(
            "SELECT person IS NULL, token IS NULL FROM access_request WHERE jti = x'{}'",
            old.token.unwrap().jti.to_string().replace('-', "")
        ),
    );
    assert_eq!(left.trim(), "1|1");

    let told = erased(&installation, &["--order", "Court order 5 of 2026-03-02"]);
    assert_eq!((&told["requests"], &told["kept"], &told["unlinked"]), (&json!(1), &json!(0), &json!(true)));
    assert_eq!((&told["kept_until"], &told["why"]), (&Value::Null, &Value::Null));
    assert_eq!(keeps(), "0,0");
    let (outcome, detail) = installation.journalled();
    assert_eq!(
        (outcome.as_str(), &detail["order"]),
        ("subject erased", &json!("Court order 5 of 2026-03-02"))
    );
    assert_eq!(sqlite(&database, "SELECT count(*) FROM subject WHERE hash IS NOT NULL").trim(), "0");
    let journal = sqlite(&database, "SELECT count(*) FROM journal WHERE subject IS NOT NULL");
    assert_ne!(journal.trim(), "0", "the journal stays, under a number that leads to nobody");
    // Once more: there is nothing, and that an order was carried out is journalled all the same.
    assert_eq!(erased(&installation, &["--order", "Court order 6"])["requests"], 0);
    assert_eq!(installation.journalled().1["order"], "Court order 6");
    assert_eq!(sqlite(&database, "SELECT count(*) FROM subject WHERE hash IS NOT NULL").trim(), "0");
}

#[test]
fn an_order_does_not_erase_what_has_not_ended() {
    let installation = Installation::peopled();
    let past = Past::of(installation.at());
    let now = past.now();
    let order = ["--order", "order 7"];
    let in_force = past.grant(&Grant { iin: SUBJECT, at: now, days: 3, place: 1 });
    let told = erased(&installation, &order);
    assert_eq!((&told["requests"], &told["kept"]), (&json!(0), &json!(1)));
    assert_eq!(told["why"], "a token is in force");
    let expires = in_force.token.as_ref().unwrap().expires;
    assert_eq!(told["kept_until"], kdp::clock::text(expires * 1000));

    // An expired token whose revocation is still reviewed.
    let installation = Installation::peopled();
    let past = Past::of(installation.at());
    let request = past.grant(&Grant { iin: SUBJECT, at: now - 3 * DAY, days: 2, place: 1 });
    past.contest(&request, now - 2 * DAY);
    let told = erased(&installation, &order);
    assert_eq!((&told["requests"], &told["kept"]), (&json!(0), &json!(1)), "{told}");
    assert_eq!(told["why"], "an application for revocation is open");
}
