//! The sandbox as the outside of a `kdp serve` elsewhere: two processes that know each other by SOAP alone. What each switch of
//! `/sandbox/faults` comes to, for the initiator and on the subject's phone.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "stand/asynchronous.rs"]
mod asynchronous;
#[path = "common/connection.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod connection;
#[path = "stand/gateway.rs"]
mod gateway;
#[path = "stand/initiator.rs"]
mod initiator;
#[path = "stand/pair.rs"]
mod pair;
#[path = "stand/party.rs"]
mod party;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "shared with other suites")]
mod process;
#[path = "stand/switch.rs"]
mod switch;

use pair::{Pair, eventually};
use serde_json::json;

/// Subjects by what they do, and their phones.
const YES: (&str, &str) = ("800101399015", "77010000001");
const NO: (&str, &str) = ("810102499019", "77010000002");
const NO_PHONE: (&str, &str) = ("870108499012", "");
const READS_CODE: (&str, &str) = ("920113399015", "77010000013");
const MANUAL: (&str, &str) = ("930114499019", "77010000014");

#[test]
fn a_service_of_its_own_runs_the_citizens_story_over_soap_alone() {
    let pair = Pair::start();
    let told = pair.bank().ask(YES.0, &[]);
    assert_eq!((&*told.status, &*told.reason), ("PENDING", "waiting"), "{told:?}");
    let told = pair.bank().until_final(YES.0, told);
    assert_eq!((&*told.status, &*told.reason), ("VALID", "granted"), "{told:?}");
    assert!(told.code.starts_with("eyJ"));
    assert_eq!(pair.phone(YES.1).len(), 1);

    let told = pair.bank().ask_to_the_end(NO.0, &[]);
    assert_eq!((&*told.status, &*told.reason), ("INVALID", "subject-refused"), "{told:?}");
    let told = pair.bank().ask(NO_PHONE.0, &[]);
    assert_eq!((&*told.status, &*told.reason), ("NOT_FOUND", "no-phone"), "{told:?}");

    let told = pair.bank().ask(READS_CODE.0, &[("method", "5")]);
    eventually("the SMS with the code is there", || pair.phone(READS_CODE.1).len() == 1);
    let sms = &pair.phone(READS_CODE.1)[0];
    let code = sms.split_once("KOD ").unwrap().1.split(' ').next().unwrap();
    let told = pair.bank().ask(READS_CODE.0, &[("request_id", &told.request_id), ("code", code)]);
    assert_eq!((&*told.status, &*told.reason), ("VALID", "granted"), "{told:?}");

    let told = pair.bank().ask(MANUAL.0, &[]);
    eventually("the question is on the phone", || pair.phone(MANUAL.1).len() == 1);
    let said = pair.post(&format!("/sandbox/phone/{}", MANUAL.1), &json!({ "text": "МОШЕННИК" }));
    assert_eq!(said["sent"], true, "{said}");
    let told = pair.bank().until_final(MANUAL.0, told);
    assert_eq!((&*told.status, &*told.reason), ("INVALID", "subject-reported-fraud"), "{told:?}");
    // The service in the sandbox's own process had no part in it.
    assert_eq!(pair.embedded_requests(), 0);
}

#[test]
fn without_a_service_elsewhere_the_stand_is_the_outside_of_the_sandboxs_own() {
    let sandbox = pair::alone();
    let told = sandbox.get("/sandbox");
    assert!(told["stand"]["service"].is_null());
    let bank = initiator::Initiator::new(sandbox.address, &told, "bank", &sandbox.data());
    // Re-signed by ШЭП on its way.
    let told = bank.ask_to_the_end(NO.0, &[]);
    assert_eq!((&*told.status, &*told.reason), ("INVALID", "subject-refused"), "{told:?}");
    let (_, pushed) =
        initiator::post(sandbox.address, "/sandbox/shep/push", &bank.message(YES.0, &[])).unwrap();
    let pushed: serde_json::Value = serde_json::from_slice(&pushed).unwrap();
    let chain = pushed["correlation_id"].as_str().unwrap().to_owned();
    let answer = pair::eventually_some("the answer to what was pushed", || {
        let shown = sandbox.get(&format!("/sandbox/async/{chain}"));
        shown["responses"].as_array().and_then(|all| all.first()).cloned()
    });
    assert_eq!(answer["fields"]["status"], "VALID", "{answer}");
}

#[test]
fn the_parties_of_the_sandbox_are_registered_once_and_in_a_test_only() {
    let pair = Pair::start();
    let config = pair.file("serve.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let again = pair.register(&config);
    assert!(again.contains("registered already"), "{again}");
    let other = pair.file("other.toml");
    std::fs::write(&other, text.replace("environment = \"test\"", "environment = \"production\"")).unwrap();
    assert!(pair.register(&other).contains("environment"));
    let own = text.replace("/serve/kdp.db", "/kdp.db");
    assert_ne!(own, text);
    std::fs::write(&other, own).unwrap();
    assert!(pair.register(&other).contains("its own"), "the database of the sandbox is left alone");
}
