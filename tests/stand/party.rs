//! БМГ and 1414 as the service sees them: asked directly, with the service's own signature.

use crate::initiator::post;
use crate::pair::{Sandbox, alone};
use crate::{NO_PHONE, YES};
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::soap::envelope::Envelope;
use kdp::soap::sync_client::{Answer, Request};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign;
use kdp::xml::{Document, Limits};
use serde_json::{Value, json};

const NAMES: [&str; 4] = ["msisdn", "status", "reason", "sms_id"];

/// What a party answered: its fields, or the code of a fault.
fn ask(stand: &Sandbox, service_id: &str, data: &[(&'static str, &str)]) -> Result<Vec<String>, String> {
    let pki = stand.data().join("pki");
    let key = sign::from_pem(&std::fs::read_to_string(pki.join("service.key.pem")).unwrap()).unwrap();
    let certificate = Certificate::from_file(&std::fs::read(pki.join("service.cert.pem")).unwrap()).unwrap();
    let signer = EnvelopeSigner::new(key, certificate, KeyInfoForm::Certificate);
    let request = Request {
        message_id: "1",
        correlation_id: Some("chain"),
        service_id,
        at: SystemClock.now(),
        sender_id: "KDP",
        password: None,
    };
    let message = signer.envelope("b", |writer| {
        request.write(writer, |writer| {
            for (name, text) in data {
                writer.leaf(name, text);
            }
        });
    });
    let (_, body) = post(stand.address, "/sandbox/shep/sync", &message.unwrap()).unwrap();
    let document = Document::parse(&body, &Limits::default()).unwrap();
    let envelope = Envelope::read(&document).unwrap();
    match Answer::read(envelope.body()).unwrap() {
        Answer::Fault(fault) => Err(fault.code),
        Answer::Reply(reply) => {
            assert_eq!((&*reply.code, reply.correlation_id.as_deref()), ("SCSS001", Some("chain")));
            let fields = reply.fields(&NAMES).unwrap();
            Ok(fields.into_iter().map(|(name, text)| format!("{name} {text}")).collect())
        }
    }
}

fn switch(stand: &Sandbox, faults: &Value) {
    let reply = stand.open().send("POST", "/sandbox/faults", "", faults.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn sms<'a>(id: &'a str, until: &'a str) -> [(&'static str, &'a str); 4] {
    [("s:sms_id", id), ("s:msisdn", YES.1), ("s:text", "Salem"), ("s:valid_until", until)]
}

fn phone(stand: &Sandbox) -> usize {
    stand.get(&format!("/sandbox/phone/{}", YES.1)).as_array().unwrap().len()
}

#[test]
fn bmg_tells_numbers_or_that_there_are_none() {
    let stand = alone();
    let number = format!("msisdn {}", YES.1);
    assert_eq!(
        ask(&stand, "MCDB_SERVICE", &[("s:iin", YES.0)]),
        Ok(vec![number.clone(), "status found".into()])
    );
    assert_eq!(ask(&stand, "MCDB_SERVICE", &[("s:iin", NO_PHONE.0)]), Ok(vec!["status not-found".into()]));
    // Of somebody who lives elsewhere.
    assert_eq!(
        ask(&stand, "MCDB_SERVICE", &[("s:iin", "850701399016")]),
        Ok(vec!["status not-found".into()])
    );
    let faults = [
        ("MCDB_SERVICE", "s:iin", "900111399010", "SCE909"),
        ("MCDB_SERVICE", "s:iin", "1", "SCE001"),
        ("MCDB_SERVICE", "s:uin", YES.0, "SCE001"),
        ("MCDB", "s:iin", YES.0, "SCE004"),
    ];
    for (service, name, text, code) in faults {
        assert_eq!(ask(&stand, service, &[(name, text)]), Err(code.to_owned()), "{service} {name} {text}");
    }
    switch(&stand, &json!({ "bmg": { "many_numbers": { "count": 1 } } }));
    let many = ask(&stand, "MCDB_SERVICE", &[("s:iin", YES.0)]).unwrap();
    assert_eq!((many.len(), &many[0]), (4, &number), "its own first: {many:?}");
    assert_eq!(ask(&stand, "MCDB_SERVICE", &[("s:iin", YES.0)]).unwrap().len(), 2, "it was for once");
    switch(&stand, &json!({ "bmg": { "bad_number": {}, "unknown_status": {} } }));
    let bad = ask(&stand, "MCDB_SERVICE", &[("s:iin", YES.0)]).unwrap();
    assert!(bad[0].contains('O') && bad[1] == "status perhaps", "{bad:?}");
}

#[test]
fn an_sms_is_on_the_phone_once_however_often_it_is_handed_over() {
    let stand = alone();
    let until = clock::text(SystemClock.now() + 60_000);
    let accepted = |id: &str| Ok(vec![format!("sms_id {id}"), "status accepted".to_owned()]);
    for _ in 0..2 {
        assert_eq!(ask(&stand, "SMS_1414", &sms("1-help", &until)), accepted("1-help"));
    }
    switch(&stand, &json!({ "sms": { "duplicate": {} } }));
    assert_eq!(ask(&stand, "SMS_1414", &sms("2-help", &until)), accepted("2-help"));
    assert_eq!(phone(&stand), 2);
    switch(&stand, &json!({ "reset": true, "reports": { "undelivered": { "count": 1 } } }));
    assert_eq!(ask(&stand, "SMS_1414", &sms("3-help", &until)), accepted("3-help"));
    assert_eq!(phone(&stand), 2, "taken over, and not delivered");
    let past = clock::text(SystemClock.now() - 60_000);
    let refused = ask(&stand, "SMS_1414", &sms("4-help", &past)).unwrap();
    assert_eq!(refused[1..], ["status refused", "reason valid-until-passed"]);
    switch(&stand, &json!({ "sms": { "refused": { "count": 1 } } }));
    let refused = ask(&stand, "SMS_1414", &sms("5-help", &until)).unwrap();
    assert_eq!(refused[1..], ["status refused", "reason switched-on"]);
    assert_eq!(ask(&stand, "SMS_1414", &[("s:sms_id", "6-help")]), Err("SCE001".to_owned()));
    assert_eq!(phone(&stand), 2);
}
