//! Incidents and their notice within one working day.

use super::Installation;
use super::sqlite::sqlite;
use serde_json::json;

const OPEN: [&str; 6] =
    ["incident", "open", "--what", "Утеряна копия", "--responsible", "Безопасник, +77010000000"];

fn open(installation: &Installation, more: &[&str]) -> serde_json::Value {
    installation.json(&[&OPEN[..], more].concat())
}

#[test]
fn an_incident_is_told_within_one_working_day_then_closed() {
    let installation = Installation::ready();
    // A Friday; Monday is off in place of the holiday.
    let late = open(&installation, &["--detected-at", "2026-03-06T18:00:00+05:00", "--persons", "120"]);
    assert_eq!(
        (&late["notice_day"], &late["notice_until"]),
        (&json!("2026-03-10"), &json!("2026-03-11T00:00:00.000+05:00"))
    );
    assert_eq!((&late["state"], &late["persons"]), (&json!("overdue"), &json!(120)));
    let fresh = open(&installation, &[]);
    assert_eq!((&fresh["state"], &fresh["persons"]), (&json!("to be told"), &serde_json::Value::Null));
    let id = |incident: &serde_json::Value| incident["id"].as_str().unwrap().to_owned();
    let (late, fresh) = (id(&late), id(&fresh));
    let states = || -> Vec<(String, String)> {
        let list = installation.json(&["incident", "list"]);
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| (id(one), one["state"].as_str().unwrap().to_owned()))
            .collect()
    };
    assert_eq!(states(), [(late.clone(), "overdue".to_owned()), (fresh.clone(), "to be told".to_owned())]);
    let database = installation.path("kdp.db");
    let jobs = || sqlite(&database, "SELECT count(*) FROM job WHERE task = 7").trim().to_owned();
    assert_eq!(jobs(), "2", "the end of each term is planned");

    let (_, err) = installation.run(1, &["incident", "close", &late, "--measures", "m"]);
    assert!(err.contains("incident notify"), "{err}");
    let (_, err) = installation.run(1, &["incident", "notify", &late, "--at", "2026-03-06T17:59:00+05:00"]);
    assert!(err.contains("--at"), "{err}");
    installation.run(1, &["incident", "notify", &late, "--at", "2999-01-01"]);
    let (out, _) = installation.run(0, &["incident", "notify", &late]);
    assert!(out.ends_with(", late\n"), "{out}");
    assert_eq!(jobs(), "1");
    let (out, _) = installation.run(0, &["incident", "notify", &late]);
    assert!(out.contains("told already"), "{out}");
    assert_eq!(states()[1], (late.clone(), "told".to_owned()), "what is to be told comes first");
    installation.run(0, &["incident", "close", &late, "--measures", "Ключи заменены"]);
    let (_, err) = installation.run(1, &["incident", "close", &late, "--measures", "m"]);
    assert!(err.contains("closed already"), "{err}");
    let shown = installation.json(&["incident", "show", &late]);
    assert_eq!((&shown["closed"]["measures"], &shown["revision"]), (&json!("Ключи заменены"), &json!(3)));
    let (out, _) = installation.run(0, &["incident", "show", &late]);
    assert!(out.contains("Ключи заменены"), "{out}");

    let journal = sqlite(&database, "SELECT outcome, detail FROM journal");
    for outcome in ["incident opened|", "incident notified|", "incident closed|"] {
        assert!(journal.contains(outcome), "{journal}");
    }
    assert!(!journal.contains("Безопасник") && !journal.contains("7701"), "who is responsible is a person");
}

#[test]
fn the_notice_is_ready_in_kazakh_and_russian() {
    let installation = Installation::ready();
    let incident = open(&installation, &["--detected-at", "2026-03-05T10:00:00+05:00", "--persons", "3"]);
    let id = incident["id"].as_str().unwrap();
    let (notice, _) = installation.run(0, &["incident", "notice", id]);
    for part in [
        "уәкілетті органға",
        "В уполномоченный орган",
        "Утеряна копия",
        "Безопасник, +77010000000",
        "2026-03-06",
        id,
    ] {
        assert!(notice.contains(part), "{part} is not in\n{notice}");
    }
    let (notice, _) = installation.run(0, &["incident", "notice", id, "--lang", "ru"]);
    assert!(notice.starts_with("В уполномоченный орган") && !notice.contains("уәкілетті"), "{notice}");
}

#[test]
fn an_incident_that_cannot_be_right_is_refused() {
    let installation = Installation::ready();
    let run = |code, more: &[&str]| installation.run(code, &[&OPEN[..], more].concat()).1;
    assert!(run(1, &["--detected-at", "2999-01-01"]).contains("future"));
    assert!(run(2, &["--persons", "many"]).contains("--persons"));
    installation.run(2, &["incident", "open", "--what", "x"]);
    let named = ["incident", "open", "--what", "о 800101399015", "--responsible", "r"];
    let (_, err) = installation.run(2, &named);
    assert!(err.contains("--what: holds an IIN") && !err.contains("800101399015"), "{err}");
    for command in ["show", "notify", "notice"] {
        let (_, err) = installation.run(1, &["incident", command, "unknown"]);
        assert!(err.contains("not registered as an incident"), "{err}");
    }
    assert_eq!(installation.json(&["incident", "list"]), json!([]));
}
