//! Directory entries, grounds, proactive services.

use super::{BIN, Installation, OWNER};
use serde_json::{Value, json};

const ENTRY: [&str; 16] = [
    "--bin",
    BIN,
    "--name-kk",
    "Несие",
    "--name-ru",
    "Кредит",
    "--services",
    "B,A",
    "--period",
    "90d",
    "--storage",
    "365d",
    "--processing",
    "90d",
    "--storage-ground",
    "ГК 178",
];

/// The flags of an entry with others in place of some.
fn entry<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let kept = ENTRY.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten().copied();
    let flags = ["directory", "add", "dir-1", "--personal-data", "адрес"].into_iter().chain(kept);
    flags.chain(more.iter().copied()).collect()
}

fn revisions(history: &Value) -> Vec<(u64, Vec<String>)> {
    let fields = |revision: &Value| -> Vec<String> {
        let changes = revision["changes"].as_array().unwrap().iter();
        changes.map(|change| change["field"].as_str().unwrap().to_owned()).collect()
    };
    history.as_array().unwrap().iter().map(|r| (r["revision"].as_u64().unwrap(), fields(r))).collect()
}

#[test]
fn an_entry_is_registered_revised_and_ended_and_every_revision_is_kept() {
    let installation = Installation::peopled();
    let (out, err) = installation.run(0, &entry(&[]));
    assert_eq!((out.as_str(), err.as_str()), ("dir-1: registered as revision 1\n", ""));
    let shown = installation.json(&["directory", "show", "dir-1"]);
    assert_eq!(shown["name"], json!({ "kk": "Несие", "ru": "Кредит" }));
    assert_eq!((&shown["services"], &shown["period_seconds"]), (&json!(["A", "B"]), &json!(90 * 86_400)));
    assert_eq!((&shown["storage_seconds"], &shown["data"]), (&json!(365 * 86_400), &json!("адрес")));
    assert_eq!((&shown["state"], &shown["revision"]), (&json!("in force"), &json!(1)));
    let (outcome, detail) = installation.journalled();
    assert_eq!(
        (outcome.as_str(), &detail["id"], &detail["revision"]),
        ("entry added", &json!("dir-1"), &json!(1))
    );

    let (out, _) =
        installation.run(0, &["directory", "revise", "dir-1", "--period", "30d", "--name-ru", "Заём"]);
    assert_eq!(out, "dir-1: registered as revision 2\n");
    let (_, err) = installation.run(2, &["directory", "revise", "dir-1", "--period", "30d"]);
    assert!(err.contains("nothing that would change"), "{err}");
    installation.run(0, &["directory", "revise", "dir-1", "--expires", "2999-01-01"]);
    assert_eq!(
        installation.json(&["directory", "show", "dir-1"])["expires_at"],
        "2999-01-01T00:00:00.000+05:00"
    );
    installation.run(0, &["directory", "revise", "dir-1", "--no-expiry"]);
    let (out, _) = installation.run(0, &["directory", "end", "dir-1"]);
    assert!(out.starts_with("dir-1 ends 20"), "{out}");
    let (out, _) = installation.run(0, &["directory", "end", "dir-1"]);
    assert!(out.starts_with("dir-1 has ended already"), "{out}");

    let history = installation.json(&["directory", "history", "dir-1"]);
    let found = revisions(&history);
    assert_eq!(found[1], (2, vec!["name.ru".to_owned(), "period_seconds".to_owned()]));
    let expiry = || vec!["expires_at".to_owned()];
    assert_eq!(found[2..], [(3, expiry()), (4, expiry()), (5, expiry())]);
    let (text, _) = installation.run(0, &["directory", "history", "dir-1"]);
    assert!(text.contains("  name.ru: Кредит → Заём\n") && text.contains(" is gone\n"), "{text}");
    let list = installation.json(&["directory", "list", "--bin", BIN]);
    assert!(list[0]["state"].as_str().unwrap().starts_with("ended 20"), "{list}");
    assert_eq!(installation.json(&["directory", "list", "--bin", OWNER]), json!([]));
    installation.run(1, &["directory", "show", "dir-2"]);
    installation.run(1, &["directory", "history", "dir-2"]);
    installation.run(1, &["directory", "end", "dir-2"]);
}

#[test]
fn an_entry_that_makes_no_sense_is_refused_by_name() {
    let installation = Installation::peopled();
    for (code, more, name) in [
        (1, &["--period", "367d"][..], "--period: at most 366 days"),
        (1, &["--period", "0s"], "--period"),
        (2, &["--period", "90"], "--period"),
        (1, &["--bin", OWNER], "--bin: no initiator of this BIN"),
        (2, &["--bin", "260140990118"], "--bin: control digit"),
        (1, &["--storage", "1d"], "--storage"),
        (1, &["--processing", "0d"], "--processing"),
        (1, &["--expires", "2020-01-01"], "--expires"),
        (1, &["--valid-from", "2999-01-02", "--expires", "2999-01-01"], "--expires: ends before it begins"),
        (2, &["--expires", "soon"], "--expires"),
        (2, &["--name-kk", " "], "--name-kk"),
        (2, &["--services", "A;B"], "--services"),
    ] {
        let (out, err) = installation.run(code, &entry(more));
        assert!(out.is_empty() && err.contains(name), "{more:?}: {err}");
    }
    assert_eq!(installation.json(&["directory", "list"]), json!([]));
    let (_, err) = installation.run(0, &entry(&["--services", "A,Z"]));
    assert!(err.contains("Z: no owner of this ServiceID is registered"), "{err}");
    let (_, err) = installation.run(1, &entry(&[]));
    assert!(err.contains("registered already"), "{err}");
    let (_, err) = installation.run(1, &["directory", "end", "dir-1", "--at", "2020-01-01"]);
    assert!(err.contains("nothing ends in the past"), "{err}");
    let (_, err) = installation.run(1, &["directory", "revise", "dir-1", "--period", "400d"]);
    assert!(err.contains("366 days"), "{err}");
}

#[test]
fn the_cases_of_the_law_come_with_the_program_and_are_registered_unconfirmed_on_a_test_installation() {
    let installation = Installation::ready();
    let (out, _) = super::ends(0, &["ground", "shipped", "--json"]);
    let shipped: Vec<Value> = serde_json::from_str(&out).unwrap();
    assert_eq!(shipped.len(), 13);
    let sure = shipped.iter().filter(|ground| ground["number_confirmed"] == true);
    assert_eq!(
        sure.map(|g| g["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["L-9-1", "L-9-2", "L-9-9", "L-9-9-2"]
    );
    assert!(shipped.iter().all(|ground| ground["wording_confirmed"] == false));
    let (out, _) = super::ends(0, &["ground", "shipped"]);
    assert!(out.contains("94-V 9 9-3)") && out.contains("unconfirmed"), "{out}");

    let (_, err) = installation.run(0, &["ground", "add", "--shipped", "L-9-2"]);
    assert!(err.contains("unconfirmed"), "{err}");
    let shown = installation.json(&["ground", "show", "L-9-2"]);
    assert_eq!(
        (&shown["methods"], &shown["exempt"], &shown["confirmed"]),
        (&json!([4]), &json!(true), &Value::Null)
    );
    assert!(shown["text"]["kk"].as_str().unwrap().contains("статистикалық"));
    installation.run(1, &["ground", "add", "--shipped", "L-9-2"]);
    installation.run(2, &["ground", "add", "--shipped", "L-9-99"]);
    let (out, _) = installation.run(0, &["ground", "end", "L-9-2"]);
    assert!(out.starts_with("L-9-2 ends"), "{out}");
    assert!(installation.run(0, &["ground", "end", "L-9-2"]).0.contains("has ended already"));
    // What has ended may be registered anew: as the next revision.
    let (out, _) = installation.run(0, &["ground", "add", "--shipped", "L-9-2"]);
    assert_eq!(out, "L-9-2: registered as revision 3\n");
    let found = revisions(&installation.json(&["ground", "history", "L-9-2"]));
    assert_eq!(found[1..], [(2, vec!["expires_at".to_owned()]), (3, vec!["expires_at".to_owned()])]);
}

#[test]
fn a_production_directory_takes_a_ground_only_with_the_act_and_who_held_it_against_it() {
    let installation = Installation::production();
    assert_eq!(installation.json(&["ground", "list"]), json!([]), "it starts empty");
    for more in [&[][..], &["--expires", "2999-01-01"]] {
        let (_, err) = installation.run(1, &[&["ground", "add", "--shipped", "L-9-2"], more].concat());
        assert!(err.contains("--act and --confirmed-by"), "{err}");
    }
    installation.run(2, &["ground", "add", "--shipped", "L-9-2", "--act", "94-V 9 2)"]);
    let confirmed = ["--act", "94-V, 21.05.2013, 9 2)", "--confirmed-by", "Регистратор"];
    let wording = ["--text-ru", "Слова закона"];
    installation.run(0, &[&["ground", "add", "--shipped", "L-9-2"], &confirmed[..], &wording].concat());
    let shown = installation.json(&["ground", "show", "L-9-2"]);
    assert_eq!(shown["text"]["ru"], "Слова закона");
    assert_eq!(
        (&shown["confirmed"]["act"], &shown["confirmed"]["operator"]),
        (&json!("94-V, 21.05.2013, 9 2)"), &json!("Регистратор"))
    );
    let (outcome, detail) = installation.journalled();
    assert_eq!(outcome, "ground added");
    assert!(detail["act"].is_string() && !detail.to_string().contains("Регистратор"), "{detail}");
}

#[test]
fn a_ground_by_hand_says_everything_itself() {
    let installation = Installation::ready();
    let ground =
        ["--text-kk", "Қызмет", "--text-ru", "Услуга", "--methods", "3,4", "--source", "144/НҚ 4 3)"];
    let add =
        |code: i32, flags: &[&str]| installation.run(code, &[&["ground", "add", "pro"], flags].concat());
    for missing in 0..4 {
        let flags: Vec<&str> = ground
            .chunks(2)
            .enumerate()
            .filter(|(i, _)| *i != missing)
            .flat_map(|(_, p)| p)
            .copied()
            .collect();
        add(2, &flags);
    }
    let mut wrong = ground;
    wrong[5] = "2,3";
    let (_, err) = add(2, &wrong);
    assert!(err.contains("--methods"), "{err}");
    add(0, &ground);
    assert_eq!(installation.json(&["ground", "list"])[0]["methods"], json!([3, 4]));
    installation.run(1, &["ground", "show", "con"]);
}

#[test]
fn a_proactive_service_belongs_to_one_organisation() {
    let installation = Installation::peopled();
    let other = ["--sender-id", "akimat_kdp", "--name", "Акимат", "--bin", "260140990216"];
    installation.add(0, &other);
    let add = |code: i32, bin: &str, more: &[&str]| {
        let flags = ["--bin", bin, "--name-kk", "Жәрдемақы", "--name-ru", "Пособие", "--services", "A"];
        let flags = [&["proactive", "add", "PRO-1"], &flags[..], &["--period", "30d"], more].concat();
        installation.run(code, &flags)
    };
    let (_, err) = add(1, OWNER, &[]);
    assert!(err.contains("no initiator of this BIN"), "{err}");
    let (_, err) = add(0, BIN, &[]);
    assert!(err.contains("method 3 is not open"), "{err}");
    let (_, err) = add(1, BIN, &[]);
    assert!(err.contains("registered already"), "{err}");
    let (_, err) = add(1, "260140990216", &[]);
    assert!(err.contains("belongs to another organisation"), "{err}");
    let shown = installation.json(&["proactive", "show", "PRO-1"]);
    assert_eq!((&shown["bin"], &shown["period_seconds"]), (&json!(BIN), &json!(30 * 86_400)));
    assert_eq!(installation.json(&["proactive", "list"])[0]["code"], "PRO-1");
    installation.run(1, &["proactive", "end", "PRO-1", "--at", "2020-01-01"]);
    installation.run(0, &["proactive", "end", "PRO-1", "--at", "2999-12-31"]);
    assert!(
        installation.json(&["proactive", "show", "PRO-1"])["state"]
            .as_str()
            .unwrap()
            .starts_with("until 2999")
    );
    installation.run(0, &["proactive", "end", "PRO-1"]);
    assert!(installation.run(0, &["proactive", "end", "PRO-1"]).0.contains("has ended already"));
    add(1, "260140990216", &[]);
    add(0, BIN, &["--expires", "2999-01-01"]);
    let found = revisions(&installation.json(&["proactive", "history", "PRO-1"]));
    assert_eq!(found.iter().map(|(revision, _)| *revision).collect::<Vec<_>>(), [1, 2, 3, 4]);
    installation.run(1, &["proactive", "show", "PRO-2"]);
}
