//! ШЭП as a gateway: whose signatures it takes and makes, and how its certificate rolls over.

use crate::initiator::post;
use crate::pair::{Pair, eventually};
use crate::{NO_PHONE, YES};
use kdp::soap::envelope::Envelope;
use kdp::xml::{Document, Limits};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Initiators that ask at the same time.
const ASKERS: u32 = 4;

#[test]
fn a_certificate_rolls_over_while_initiators_ask() {
    let pair = Pair::start();
    for word in ["next", "gost", "rsa"] {
        let set = pair.post("/sandbox/shep/certificate", &json!({ "signs": word }));
        assert_eq!(set["signs"], word, "{set}");
        // Both ways, and to БМГ and 1414 behind it.
        let told = pair.bank().ask_to_the_end(YES.0, &[]);
        assert_eq!((&*told.status, &*told.reason), ("VALID", "granted"), "{word}: {told:?}");
    }
    assert_eq!(pair.phone(YES.1).len(), 3);
    let wrong = pair.post("/sandbox/shep/certificate", &json!({ "signs": "last" }));
    assert!(wrong["error"].as_str().unwrap().contains("rsa, gost, next"), "{wrong}");
}

#[test]
fn the_service_changes_to_its_next_certificate_while_it_serves() {
    let mut pair = Pair::start();
    let config = pair.file("used.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let next = text.replace("service.cert.pem", "service.next.cert.pem");
    let next = next.replace("service.key.pem", "service.next.key.pem");
    assert_ne!(next, text);
    std::fs::write(&config, next).unwrap();
    pair.hang_up("were read anew");
    let told = pair.bank().ask_to_the_end(YES.0, &[]);
    assert_eq!((&*told.status, &*told.reason), ("VALID", "granted"), "{told:?}");
    // Read by the stand, which believes both, and by nobody else: ШЭП has signed what the initiator got.
    assert_eq!(pair.phone(YES.1).len(), 1);
}

#[test]
fn nobody_notices_that_certificates_roll_over() {
    let mut pair = Pair::start();
    let config = pair.file("used.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let next = text.replace("service.cert.pem", "service.next.cert.pem");
    let next = next.replace("service.key.pem", "service.next.key.pem");
    let (over, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let askers: Vec<_> = (0..ASKERS).map(|_| pair.another_bank()).collect();
    std::thread::scope(|scope| {
        for bank in askers {
            let (over, asked) = (&over, &asked);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let told = bank.ask(NO_PHONE.0, &[]);
                    assert_eq!((&*told.status, &*told.reason), ("NOT_FOUND", "no-phone"), "{told:?}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let more = |many: u32| {
            let until = asked.load(Ordering::Relaxed) + many;
            eventually("more was asked", || asked.load(Ordering::Relaxed) >= until);
        };
        for (word, ours) in [("next", &text), ("next", &next), ("gost", &next), ("rsa", &text)] {
            more(ASKERS);
            pair.post("/sandbox/shep/certificate", &json!({ "signs": word }));
            more(ASKERS);
            std::fs::write(&config, ours).unwrap();
            pair.hang_up("were read anew");
        }
        more(ASKERS);
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_certificate_that_was_not_announced_is_not_believed() {
    let pair = Pair::configured(|text| {
        let without = text.replace(".next.cert.pem", ".cert.pem");
        assert_ne!(without, text);
        without
    });
    pair.post("/sandbox/shep/certificate", &json!({ "signs": "next" }));
    let told = pair.bank().ask(NO_PHONE.0, &[]);
    assert_eq!((told.http, &*told.status), (500, "SCE005"), "the service does not know it: {told:?}");
    pair.post("/sandbox/shep/certificate", &json!({ "signs": "rsa" }));
    let told = pair.bank().ask(NO_PHONE.0, &[]);
    assert_eq!(told.status, "NOT_FOUND", "{told:?}");
}

#[test]
fn the_gateway_signs_without_its_certificate_and_sets_the_session() {
    let pair = Pair::start();
    let message = pair.bank().message(NO_PHONE.0, &[]);
    let (http, body) = post(pair.sandbox.address, "/sandbox/shep/to-service", &message).unwrap();
    let text = String::from_utf8(body.clone()).unwrap();
    assert_eq!(http, 200, "{text}");
    assert!(text.contains("X509IssuerSerial") && !text.contains("KeyIdentifier"), "{text}");
    let session = text.split_once("sessionId>{").unwrap().1.split_once('}').unwrap().0;
    assert!(kdp::random::Id::parse(session).is_some(), "{session}");
    let document = Document::parse(&body, &Limits::default()).unwrap();
    assert_eq!(Envelope::read(&document).unwrap().security().len(), 1);
}

#[test]
fn the_gateway_carries_nothing_that_its_sender_did_not_sign() {
    let pair = Pair::start();
    let message = String::from_utf8(pair.bank().message(YES.0, &[])).unwrap();
    let changed = message.replace("Адрес прописки", "Адрес прописка");
    let unsigned = message.replace("ds:Signature", "ds:Signatura");
    for (message, code) in [(changed, "SCE006"), (unsigned, "SCE007")] {
        let (http, body) =
            post(pair.sandbox.address, "/sandbox/shep/to-service", message.as_bytes()).unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(http == 500 && text.contains(code), "{text}");
    }
    // Of the service's channels, nothing but the service may use one.
    let as_bank = pair.bank().message(YES.0, &[]);
    for path in ["/sandbox/shep/sync", "/sandbox/shep/async"] {
        let (http, body) = post(pair.sandbox.address, path, &as_bank).unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(http == 500 && text.contains("SCE005"), "{path}: {text}");
    }
    assert!(pair.phone(YES.1).is_empty());
}
