//! `dry_run` (wire.md 2.1): it tells of the request and of the register, and of nobody's doings; and it does nothing.

#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "shared with tests that need all of it")]
mod stand;

use kdp::config::Limits;
use kdp::consent::identity::Iin;
use kdp::soap::sync_client::Request;
use kdp::store::Record;
use kdp::store::register::Hold;
use kdp::token::ovt::{self, Mcheck, NewOvt};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use secrecy::SecretString;
use sqlite::sqlite;
use stand::{Connection, NOW, Reply, Stand};
use std::path::PathBuf;

const CLINIC: (&str, &str, &str) = ("clinic_kdp", "260140990914", "h2fhdd1OcUQSEZ8C_0U1PAh3atkwDnt1");
const YES: &str = "800101399015";
const MANUAL: &str = "930114499019";
/// Has a token of method 2 that was revoked.
const REVOKED: &str = "960117399014";

fn pki(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures/pki", name].iter().collect();
    std::fs::read_to_string(path).unwrap()
}

fn key() -> RsaSigner {
    RsaSigner::from_pem(&pki("clinic.key.pem")).unwrap()
}

/// A verification token for `method`, bound to nobody.
fn token(method: u8) -> String {
    let mcheck = if method == 4 { Mcheck::NoConsent } else { Mcheck::Biometrics };
    let iat = NOW / 1000 - 60;
    let jti = format!("of method {method}");
    let claims = NewOvt { cbin: CLINIC.1, mcheck, iat, exp: iat + 600, uin: None, jti: Some(&jti) };
    ovt::make(&claims, &key(), None).unwrap()
}

/// The children of data of the clinic's request of `method` about `uin`.
fn fields(method: u8, uin: &str) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("uin", uin.to_owned()),
        ("company_bin", CLINIC.1.to_owned()),
        ("access_name", "GBDRN_token".to_owned()),
        ("personal_data_name", "ФИО".to_owned()),
        ("method", method.to_string()),
    ];
    if (2..=4).contains(&method) {
        fields.push(("ovt", token(method)));
    }
    match method {
        3 => fields.extend([
            ("ground_id", "proactive-service".to_owned()),
            ("proactive_code", "PRO-0002".to_owned()),
        ]),
        4 => fields.push(("ground_id", "L-9-2".to_owned())),
        _ => {}
    }
    fields
}

fn send(stand: &Stand, fields: &[(&str, String)]) -> Reply {
    let certificate = Certificate::from_file(pki("clinic.cert.pem").as_bytes()).unwrap();
    let signer = EnvelopeSigner::new(Box::new(key()), certificate, KeyInfoForm::Certificate);
    let password = SecretString::from(CLINIC.2);
    let request = Request {
        message_id: "m-1",
        correlation_id: None,
        service_id: "KDP_SERVICE",
        at: NOW,
        sender_id: CLINIC.0,
        password: Some(&password),
    };
    let envelope = signer.envelope("body", |writer| {
        request.write(writer, |writer| {
            for (name, text) in fields {
                writer.leaf(name, text);
            }
        });
    });
    Connection::open(stand.address).post(&envelope.unwrap())
}

fn dry(stand: &Stand, method: u8, uin: &str) -> Reply {
    let mut fields = fields(method, uin);
    fields.push(("dry_run", "true".to_owned()));
    send(stand, &fields)
}

/// The reply without what is another in every message: ids, and what is computed over them.
fn masked(reply: &Reply) -> String {
    let mut text = reply.body.clone();
    for (start, end) in [
        ("messageId>", "</"),
        ("decision_id>", "</"),
        ("DigestValue>", "</"),
        ("SignatureValue>", "</"),
        ("URI=\"", "\""),
        ("wsu:Id=\"", "\""),
    ] {
        let (before, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
        let (_, after) = rest.split_once(end).unwrap();
        text = format!("{before}{start}{end}{after}");
    }
    text
}

async fn hold(stand: &Stand, uin: &str, hold: Hold, on: bool) {
    let iin = Iin::parse(uin).unwrap();
    let record = Record { at: NOW, kind: "registration", ..Record::default() };
    assert!(stand.running.app.store.hold(iin, hold, on, record).await.unwrap());
}

fn count(stand: &Stand, sql: &str) -> i64 {
    sqlite(&stand.database(), sql).trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_is_the_same_whatever_anybody_did_to_the_subject() {
    let stand = Stand::start().await;
    for method in 1..=5 {
        let before = dry(&stand, method, MANUAL);
        assert_eq!((before.word(), before.element("reason")), (Some("INVALID"), Some("dry-run")));
        assert!(before.element("request_id").is_none() && !before.body.contains("k:public-key"));
        let same = |what: &str| {
            let after = dry(&stand, method, MANUAL);
            assert_eq!(masked(&after), masked(&before), "method {method}, {what}");
        };
        for (kind, what) in [(Hold::Freeze, "frozen"), (Hold::Block, "blocked")] {
            hold(&stand, MANUAL, kind, true).await;
            let real = send(&stand, &fields(method, MANUAL));
            assert!(kind == Hold::Freeze && method == 4 || real.word() == Some("INVALID"), "{}", real.body);
            same(what);
            hold(&stand, MANUAL, kind, false).await;
        }
        let real = send(&stand, &fields(method, MANUAL));
        assert!(matches!(real.word(), Some("PENDING" | "VALID")), "{}", real.body);
        same("a request in progress, or an ovt that was used");
        assert_eq!(masked(&dry(&stand, method, REVOKED)), masked(&before), "method {method}, revoked");
        let cancel = [("request_id", real.element("request_id").unwrap().to_owned())];
        let about = [("uin", MANUAL.to_owned()), ("company_bin", CLINIC.1.to_owned())];
        let cancel = [&about[..], &cancel, &[("cancel", "true".to_owned())]].concat();
        assert_eq!(send(&stand, &cancel).element("reason"), Some("cancelled"));
        same("cancelled");
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_leaves_a_journal_record_and_nothing_else() {
    let limits = Limits { ovt_subjects: 1, ..kdp::sandbox::limits() };
    let stand = Stand::start_within(limits).await;
    let seen = || {
        ["access_request", "job", "ovt_use", "budget"]
            .map(|table| count(&stand, &format!("SELECT count(*) FROM {table}")))
    };
    let (before, records) = (seen(), count(&stand, "SELECT count(*) FROM journal"));
    for (n, method) in (1_i64..).zip(1..=5) {
        let reply = dry(&stand, method, YES);
        assert!(!reply.body.contains("eyJ"), "no token: {}", reply.body);
        let charged = before[3] + i64::from(before[3] == 0);
        assert_eq!(seen()[..3], before[..3]);
        assert!(seen()[3] <= charged.max(before[3] + 1), "one budget, the initiator's");
        assert_eq!(count(&stand, "SELECT count(*) FROM journal"), records + n);
        let sql = "SELECT kind, outcome, request IS NULL, json_extract(detail, '$.method'), \
                   json_array_length(detail, '$.checks') FROM journal ORDER BY seq DESC LIMIT 1";
        let checks = reply.body.matches("<k:check>").count();
        assert_eq!(sqlite(&stand.database(), sql).trim(), format!("dry-run|dry-run|1|{method}|{checks}"));
    }
    let messages = Connection::open(stand.address).get("/sandbox/phone/77010000001").body;
    assert_eq!(messages.trim(), "[]", "nobody was asked");
    // The token served nobody so far: it serves its one subject yet, and no second one.
    assert_eq!(dry(&stand, 2, MANUAL).element("reason"), Some("dry-run"));
    assert_eq!(send(&stand, &fields(2, YES)).word(), Some("VALID"));
    assert_eq!(send(&stand, &fields(2, MANUAL)).element("reason"), Some("limit-reached"));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_have_a_day_of_their_own_and_use_up_nobodys_asks() {
    let stand = Stand::start().await;
    // What the clinic asked today before the sandbox began.
    let midnight = NOW - 12 * 3_600_000;
    let sql = format!(
        "SELECT count(*) FROM access_request WHERE bin = '{}' AND method IN (1, 5) AND opened >= {midnight}",
        CLINIC.1
    );
    let asked = count(&stand, &sql);
    stand.running.stop().await;
    let sms_per_initiator = u32::try_from(asked).unwrap() + 2;
    let limits = Limits { sms_per_initiator, sms_per_subject: 1, ..kdp::sandbox::limits() };
    let stand = Stand::start_within(limits).await;
    // What fails counts too.
    let mut wrong = fields(1, YES);
    wrong.extend([("expiresIn", "99999999999".to_owned()), ("dry_run", "true".to_owned())]);
    assert_eq!(send(&stand, &wrong).element("reason"), Some("term-too-long"));
    assert_eq!(dry(&stand, 1, YES).element("reason"), Some("dry-run"));
    for _ in 2..sms_per_initiator {
        assert_eq!(dry(&stand, 2, MANUAL).element("reason"), Some("dry-run"));
    }
    let over = dry(&stand, 2, MANUAL);
    assert_eq!((over.word(), over.element("reason")), (Some("INVALID"), Some("limit-reached")));
    assert_eq!(over.element("next"), Some("refuse"));
    let told: Vec<_> = over.body.split("<k:name>").skip(1).collect();
    let [only] = told[..] else { panic!("{} checks are told beyond the limit", told.len()) };
    assert!(only.starts_with("within-limits</k:name>") && only.contains("<k:passed>false</k:passed>"));
    assert_eq!(send(&stand, &fields(1, YES)).word(), Some("PENDING"), "the subject's one ask is left");
    assert_eq!(send(&stand, &fields(5, MANUAL)).word(), Some("PENDING"), "and the initiator's");
    assert_eq!(send(&stand, &fields(5, REVOKED)).element("reason"), Some("limit-reached"));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_come_next_is_told_by_method_and_a_check_that_fails_ends_the_list() {
    let stand = Stand::start().await;
    for (method, next, text) in [
        (1, "ask-by-sms", "asked for consent by SMS"),
        (2, "issue-token", "issued at once"),
        (3, "issue-token", "issued at once"),
        (4, "issue-token", "issued at once"),
        (5, "send-code", "one-time code"),
    ] {
        let mut fields = fields(method, YES);
        fields.extend([("dry_run", "1".to_owned()), ("lang", "en".to_owned())]);
        let reply = send(&stand, &fields);
        assert_eq!(reply.element("next"), Some(next));
        assert!(reply.element("next_text").unwrap().contains(text), "{}", reply.body);
        assert!(!reply.body.contains("<k:passed>false"), "{}", reply.body);
    }
    let mut fields = fields(2, YES);
    fields.retain(|(name, _)| *name != "ovt");
    fields.push(("dry_run", "true".to_owned()));
    let reply = send(&stand, &fields);
    assert_eq!((reply.element("reason"), reply.element("next")), (Some("ovt-missing"), Some("refuse")));
    let failed = reply.body.rsplit("<k:name>").next().unwrap();
    assert!(failed.starts_with("ovt-present</k:name>"), "{failed}");
    assert!(failed.contains("<k:found>absent</k:found><k:expected>present</k:expected>"), "{failed}");
    stand.running.stop().await;
}
