//! Accounts: given, changed, taken away, given again; and the list of them.

use crate::office::Office;
use kdp::operator::{Dismissal, Operator, Role, Roles};
use kdp::store::Record;
use kdp::store::operator::Kept;
use kdp::store::register::Kind;
use serde_json::Value;

const ADD: [&str; 6] = ["operator", "add", "b.akhmetova", "--full-name", "Ахметова Б.", "--roles"];

/// Gives somebody access; answers with the password.
fn added(office: &Office, roles: &str) -> String {
    let told = office.json("officer", &[&ADD[..], &[roles]].concat());
    told["password"].as_str().unwrap().to_owned()
}

/// Runs a command as the one who was added.
fn by_her(office: &Office, password: &str, arguments: &[&str]) -> crate::office::Ended {
    let file = office.secret(password).display().to_string();
    office.by("b.akhmetova", &[arguments, &["--password-file", &file]].concat())
}

#[test]
fn a_given_password_is_changed_before_anything_else_is_done() {
    let office = Office::open();
    let given = added(&office, "registrar,support");
    by_her(&office, &given, &["ground", "list"]).refused("operator-password");
    let change = |from: &str, to: &str| {
        let file = office.secret(to).display().to_string();
        by_her(&office, from, &["operator", "password", "--new-password-file", &file])
    };
    assert!(change(&given, "b.akhmetova-123").err.contains("does not contain the name"));
    assert!(change(&given, &given).err.contains("the new password is the old one"));
    change(&given, "кілт сақталған жер").done();
    by_her(&office, "кілт сақталған жер", &["ground", "end", "L-9-2"]).done();
    by_her(&office, &given, &["ground", "list"]).refused("operator-login");
    assert_eq!(office.sql("SELECT operator FROM journal WHERE outcome = 'ground ended'"), "b.akhmetova");
}

#[test]
fn who_is_dismissed_is_refused_at_once_and_comes_back_with_a_new_password_only() {
    let office = Office::open();
    let given = added(&office, "registrar");
    by_her(&office, &given, &["ground", "list"]).refused("operator-password");
    office.by("officer", &["operator", "dismiss", "b.akhmetova"]).done();
    // As if the password were wrong: nobody learns who was dismissed.
    by_her(&office, &given, &["ground", "list"]).refused("operator-login");
    office.by("registrar", &["operator", "restore", "b.akhmetova"]).refused("operator-role");
    let told = office.json("officer2", &["operator", "restore", "b.akhmetova"]);
    let fresh = told["password"].as_str().unwrap();
    by_her(&office, &given, &["ground", "list"]).refused("operator-login");
    by_her(&office, fresh, &["ground", "list"]).refused("operator-password");
    // A sandbox's own operators, who need no password, go as well.
    office.by("officer", &["operator", "dismiss", "support"]).done();
    assert_eq!(office.by("support", &["ground", "list"]).code, 2);
}

#[test]
fn nobody_raises_ends_or_saves_himself() {
    let office = Office::open();
    for words in [
        &["operator", "roles", "officer", "--roles", "registrar,security-officer"][..],
        &["operator", "dismiss", "officer"],
        &["operator", "restore", "officer"],
        &["operator", "reset", "officer"],
    ] {
        office.by("officer", words).refused("operator-self");
    }
    let err = office.by("officer2", &["operator", "roles", "officer", "--roles", "auditor,registrar"]).err;
    assert!(err.contains("the role stands alone"), "{err}");
    office.by("officer2", &["operator", "roles", "officer", "--roles", "auditor"]).done();
    office.by("officer", &["operator", "dismiss", "registrar"]).refused("operator-role");
}

/// Each of two officers is somebody else to the other: what they do at the same time is judged where it is written.
#[tokio::test]
async fn the_last_security_officer_stays_also_when_two_dismiss_each_other_at_once() {
    let office = tokio::task::spawn_blocking(Office::open).await.unwrap();
    let (_, opened) = kdp::sandbox::open(&office.path("data")).unwrap();
    let (store, at) = (&opened.store, opened.clock.now());
    let mut both = Vec::new();
    for name in ["officer", "officer2"] {
        let last = store.history(Kind::Operator, name.to_owned()).await.unwrap().pop().unwrap();
        let operator: Operator = serde_json::from_str(&last.record).unwrap();
        both.push((operator, last.revision));
    }
    let record = || Record { at, kind: "registration", ..Record::default() };
    let officer = Roles::new([Role::SecurityOfficer]).unwrap();
    let auditor = Roles::new([Role::Auditor]).unwrap();
    let dismissed = |operator: &Operator| Operator {
        dismissed: Some(Dismissal { at, by: operator.name.clone() }),
        ..operator.clone()
    };
    let keep = async |operator: Operator, after: u32| {
        store.keep_operator(Box::new(operator), after, record()).await.unwrap()
    };
    assert_eq!(keep(dismissed(&both[0].0), both[0].1).await, Kept::Revision(both[0].1 + 1));
    let (last, revision) = &both[1];
    assert_eq!(keep(dismissed(last), *revision).await, Kept::LastOfficer);
    assert_eq!(keep(Operator { roles: auditor, ..last.clone() }, *revision).await, Kept::LastOfficer);
    assert_eq!(keep(Operator { roles: officer, ..last.clone() }, *revision + 1).await, Kept::Stale);
    let told = "SELECT count(*) FROM journal WHERE kind = 'registration' AND outcome = ''";
    assert_eq!(office.sql(told), "1", "what did not happen is not told");
    assert_eq!(keep(last.clone(), *revision).await, Kept::Revision(revision + 1));
}

#[test]
fn a_reset_gives_a_new_password_and_ends_a_lockout() {
    let office = Office::open();
    let given = added(&office, "support");
    for _ in 0..5 {
        by_her(&office, "wrong", &["ground", "list"]).refused("operator-login");
    }
    by_her(&office, &given, &["ground", "list"]).refused("operator-locked");
    let told = office.json("officer", &["operator", "reset", "b.akhmetova"]);
    by_her(&office, told["password"].as_str().unwrap(), &["ground", "list"]).refused("operator-password");
}

#[test]
fn the_list_of_persons_with_access_is_printed_with_its_history_in_three_languages() {
    let office = Office::open();
    added(&office, "registrar,support");
    office.by("officer2", &["operator", "roles", "b.akhmetova", "--roles", "support"]).done();
    office.by("officer", &["operator", "dismiss", "b.akhmetova"]).done();
    for (lang, words) in [
        ("kk", ["Дербес деректерге қолжетімділігі бар адамдардың тізбесі", "қолдау", "рөлдері өзгертілді"]),
        ("ru", ["Перечень лиц, имеющих доступ к персональным данным", "поддержка", "роли изменены"]),
        ("en", ["List of persons with access to personal data", "support", "roles changed"]),
    ] {
        let text = office.by("auditor", &["operator", "list", "--history", "--lang", lang]).done();
        for word in words.iter().chain(&["b.akhmetova", "Ахметова Б.", "officer2"]) {
            assert!(text.contains(word), "{lang}: {word}\n{text}");
        }
    }
    let all = office.json("auditor", &["operator", "list"]);
    assert_eq!(all.as_array().unwrap().len(), 6);
    let one = office.json("officer", &["operator", "show", "b.akhmetova"]);
    assert_eq!((&one["active"], &one["given_by"]), (&false.into(), &"officer".into()));
    assert_eq!(
        (&one["roles"], &one["dismissed"]["by"]),
        (&serde_json::json!(["support"]), &"officer".into())
    );
    let steps: Vec<(&str, &str)> = one["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step: &Value| (step["step"].as_str().unwrap(), step["by"].as_str().unwrap()))
        .collect();
    assert_eq!(steps, [("added", "officer"), ("roles", "officer2"), ("dismissed", "officer")]);
    assert!(!one.to_string().contains("argon2"), "{one}");
    office.by("support", &["operator", "list"]).refused("operator-role");
}
