//! What needs two persons: erasing a subject, and a private key that leaves the service.

use crate::office::{Ended, OTHER, Office, SUBJECT, begin, end};
use kdp::consent::identity::Iin;
use kdp::operator::Name;
use kdp::random::Id;
use kdp::store::Record;
use kdp::store::operator::{Approval, Approved, Claim};
use kdp::token::key::SigningKey;
use kdp::trust::sign;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

const DAY: i64 = 86_400_000;
const ERASE: [&str; 5] = ["subject", "erase", "-", "--order", "order 5"];

fn erase(office: &Office, by: &str, subject: &str) -> Ended {
    office.fed(by, subject, &ERASE)
}

/// The id of the one approval that waits.
fn waiting(office: &Office) -> String {
    let all = office.json("auditor", &["operator", "approvals"]);
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    all[0]["approval"].as_str().unwrap().to_owned()
}

fn approve(office: &Office, by: &str, id: &str, subject: &str, more: &[&str]) -> Ended {
    let words = ["operator", "approve", id, "--for", "subject-erase", "-"];
    office.fed(by, subject, &[&words[..], more].concat())
}

fn erased(office: &Office) -> String {
    office.sql("SELECT count(*) FROM journal WHERE outcome = 'subject erased'")
}

#[test]
fn a_subject_is_erased_by_two_persons_once_and_no_other_subject_by_the_same_approval() {
    let office = Office::open();
    let asked = erase(&office, "officer", SUBJECT);
    assert_eq!(asked.code, 1);
    assert!(asked.out.contains("nothing was done yet") && !asked.out.contains(SUBJECT), "{}", asked.out);
    // Asked again, it is the same.
    assert_eq!(erase(&office, "officer", SUBJECT).out, asked.out);
    let id = waiting(&office);
    assert!(
        asked.out.contains(&format!("kdp operator approve {id} --for subject-erase - --order 'order 5'"))
    );
    let order = ["--order", "order 5"];
    approve(&office, "officer", &id, SUBJECT, &order).refused("operator-approval");
    approve(&office, "auditor", &id, SUBJECT, &order).refused("operator-role");
    approve(&office, "officer2", &id, OTHER, &order).refused("operator-approval");
    approve(&office, "officer2", &id, SUBJECT, &["--order", "order 6"]).refused("operator-approval");
    approve(&office, "officer2", &id, SUBJECT, &[]).refused("operator-approval");
    assert_eq!(erase(&office, "officer", SUBJECT).code, 1, "nobody has approved it");
    approve(&office, "officer2", &id, SUBJECT, &order).done();
    assert_eq!(erased(&office), "0");
    // It is the asker's, of this subject and this order.
    assert_eq!(erase(&office, "officer2", SUBJECT).code, 1);
    assert_eq!(erase(&office, "officer", OTHER).code, 1);
    assert_eq!(office.fed("officer", SUBJECT, &["subject", "erase", "-"]).code, 1);
    assert_eq!(erased(&office), "0");
    assert!(erase(&office, "officer", SUBJECT).done().contains("requests erased"));
    assert_eq!(erased(&office), "1");
    assert_eq!(erase(&office, "officer", SUBJECT).code, 1, "once");
    assert_eq!(erased(&office), "1");
    let told = office.journal("approval");
    assert_eq!(told[..2], ["officer|asked", "officer2|approved"]);
    let detail = office.sql("SELECT operator, detail FROM journal WHERE outcome = 'subject erased'");
    assert!(detail.starts_with("officer|") && detail.contains("\"approved_by\":\"officer2\""), "{detail}");
    assert!(!office.sql("SELECT act, asked_by, quote(digest), quote(id) FROM approval").contains(SUBJECT));
}

#[test]
fn an_approval_is_carried_out_once_by_however_many_at_once_and_is_void_after_a_day() {
    let office = Office::open();
    erase(&office, "officer", SUBJECT);
    approve(&office, "officer2", &waiting(&office), SUBJECT, &["--order", "order 5"]).done();
    let data = office.data();
    let words = ["subject", "erase", SUBJECT, "--order", "order 5", "--operator", "officer", "--data", &data];
    let all: Vec<_> = (0..6).map(|_| begin(&office.path(""), &words)).collect();
    let done = all.into_iter().map(end).filter(|ended| ended.code == 0).count();
    assert_eq!((done, erased(&office).as_str()), (1, "1"));

    let office = Office::open();
    erase(&office, "officer", SUBJECT);
    let id = waiting(&office);
    office.advance(DAY + 1000);
    approve(&office, "officer2", &id, SUBJECT, &["--order", "order 5"]).refused("operator-approval");
    erase(&office, "officer", SUBJECT);
    let id = waiting(&office);
    approve(&office, "officer2", &id, SUBJECT, &["--order", "order 5"]).done();
    office.advance(DAY + 1000);
    assert_eq!(erase(&office, "officer", SUBJECT).code, 1, "the approval is void");
    assert_eq!(erased(&office), "0");
}

#[test]
fn a_private_key_leaves_by_two_persons_into_a_new_file_of_its_owner() {
    let office = Office::open();
    let keys = office.json("support", &["keys", "list"]);
    let kid = keys.as_array().unwrap().iter().find(|key| key["signs"] == "tokens").unwrap()["kid"]
        .as_str()
        .unwrap();
    let export = |by: &str, file: &str| office.by(by, &["keys", "export", kid, "--out", file]);
    export("registrar", "out.pem").refused("operator-role");
    assert_eq!(export("officer", "out.pem").code, 1);
    let id = waiting(&office);
    let approve =
        |what: &str| office.by("officer2", &["operator", "approve", &id, "--for", "keys-export", what]);
    approve("another").refused("operator-approval");
    approve(kid).done();
    // A file that is there is not touched, and the approval is still good.
    fs::write(office.path("taken.pem"), "mine").unwrap();
    assert_eq!(export("officer", "taken.pem").code, 2);
    assert_eq!(fs::read_to_string(office.path("taken.pem")).unwrap(), "mine");
    export("officer", "out.pem").done();
    assert_eq!(fs::metadata(office.path("out.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    let pem = fs::read_to_string(office.path("out.pem")).unwrap();
    let signer = sign::from_pem(&pem).unwrap();
    let window = kdp::token::key::Window { created_at: 0, not_before: 0, not_after: 1 };
    assert_eq!(SigningKey::new(Arc::from(signer), window, None).unwrap().kid(), kid);
    assert_eq!(export("officer", "more.pem").code, 1, "once");
    assert!(!office.path("more.pem").exists());
    assert_eq!(office.sql("SELECT operator FROM journal WHERE outcome = 'key exported'"), "officer");
}

/// Somebody as whom another can log in, because he gave the password.
struct Puppet<'a> {
    office: &'a Office,
    name: &'static str,
    file: String,
}

impl<'a> Puppet<'a> {
    /// `words` is what gives the password; it is changed at once.
    fn made(office: &'a Office, by: &str, words: &[&str], name: &'static str) -> Self {
        let told = office.json(by, words);
        let given = office.secret(told["password"].as_str().unwrap()).display().to_string();
        let puppet = Self { office, name, file: given };
        puppet.run("", &["keys", "list"]).refused("operator-password");
        puppet.run(SUBJECT, &ERASE).refused("operator-password");
        let own = office.secret("a password of one's own").display().to_string();
        puppet.run("", &["operator", "password", "--new-password-file", &own]).done();
        Self { file: own, ..puppet }
    }

    fn run(&self, input: &str, arguments: &[&str]) -> Ended {
        self.office.fed(self.name, input, &[arguments, &["--password-file", &self.file]].concat())
    }

    fn approve(&self, id: &str) -> Ended {
        self.run(SUBJECT, &["operator", "approve", id, "--for", "subject-erase", "-", "--order", "order 5"])
    }
}

#[test]
fn whoever_was_given_a_password_by_another_is_no_second_person_for_a_day() {
    let add = ["operator", "add", "puppet", "--full-name", "P", "--roles", "security-officer"];
    let reset = ["operator", "reset", "officer2"];
    for (words, name) in [(&reset[..], "officer2"), (&add[..], "puppet")] {
        let office = Office::open();
        assert_eq!(erase(&office, "officer", SUBJECT).code, 1);
        let id = waiting(&office);
        let puppet = Puppet::made(&office, "officer", words, name);
        let err = puppet.approve(&id).refused("operator-fresh");
        assert!(err.contains(&format!("officer gave {name} a password")), "{err}");
        // Nor does he ask, whoever would approve.
        puppet.run(SUBJECT, &ERASE).refused("operator-fresh");
        office.advance(DAY - 60_000);
        assert_eq!(erase(&office, "officer", OTHER).code, 1);
        office.advance(120_000);
        erase(&office, "officer", SUBJECT);
        let all = office.json("auditor", &["operator", "approvals"]);
        let id = all[1]["approval"].as_str().unwrap();
        puppet.approve(id).done();
        erase(&office, "officer", SUBJECT).done();
        assert_eq!(erased(&office), "1");
    }
}

#[test]
fn what_two_persons_agreed_on_is_not_carried_out_by_the_one_who_reset_the_other() {
    let office = Office::open();
    assert_eq!(erase(&office, "officer2", SUBJECT).code, 1);
    approve(&office, "officer", &waiting(&office), SUBJECT, &["--order", "order 5"]).done();
    let puppet = Puppet::made(&office, "officer", &["operator", "reset", "officer2"], "officer2");
    puppet.run(SUBJECT, &ERASE).refused("operator-fresh");
    assert_eq!(erased(&office), "0");
}

/// The commands above ask anew when they find nothing: what stands in the transaction is tried by itself.
#[tokio::test]
async fn a_claim_is_granted_once_to_who_asked_for_what_another_approved() {
    let office = tokio::task::spawn_blocking(Office::open).await.unwrap();
    let (_, opened) = kdp::sandbox::open(&office.path("data")).unwrap();
    let (store, now) = (&opened.store, opened.clock.now());
    let name = |text: &str| Name::parse(text).unwrap();
    let id = Id::new(now, &*opened.random).unwrap();
    let claim = |by: &str, digest: u8| Claim { id, act: "keys export", digest: [digest; 32], by: name(by) };
    let record = |at: i64| Record { at, kind: "approval", ..Record::default() };
    let asked = Approval {
        id,
        act: "keys export".to_owned(),
        digest: [1; 32],
        asked_by: "officer".to_owned(),
        asked: now,
        until: now + DAY,
        approved: None,
        done: None,
    };
    store.ask_approval(asked, record(now)).await.unwrap();
    assert!(!store.claim(claim("officer", 1), record(now)).await.unwrap(), "nobody approved");
    assert_eq!(store.approve(claim("officer", 1), record(now)).await.unwrap(), Approved::Own);
    assert_eq!(store.approve(claim("officer2", 2), record(now)).await.unwrap(), Approved::Other);
    let approved = store.approve(claim("officer2", 1), record(now)).await.unwrap();
    assert!(matches!(approved, Approved::Now(_)), "{approved:?}");
    for (wrong, at) in [
        (claim("officer2", 1), now),
        (claim("officer", 2), now),
        (Claim { act: "subject erase", ..claim("officer", 1) }, now),
        (claim("officer", 1), now + DAY),
    ] {
        assert!(!store.claim(wrong.clone(), record(at)).await.unwrap(), "{wrong:?} at {at}");
    }
    assert!(store.claim(claim("officer", 1), record(now)).await.unwrap());
    assert!(!store.claim(claim("officer", 1), record(now)).await.unwrap(), "once");
    let erase = Claim { act: "subject erase", ..claim("officer", 1) };
    let subject = Iin::parse(SUBJECT).unwrap();
    assert_eq!(store.erase_approved(erase, subject, now, record(now)).await.unwrap(), None);
}
