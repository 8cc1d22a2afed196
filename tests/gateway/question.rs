//! What the service sends, and how keys change: its own, and those of ШЭП.

use crate::authority::NOW;
use crate::schema;
use crate::server::{Act, Server};
use crate::shep::{
    IIN, NUMBER, SMS, Saying, Stand, TODAY, certificate, element, good_server, means, signer, signer_in,
    trust,
};
use kdp::gateway::fault::PartyFault;
use kdp::soap::envelope::Envelope;
use kdp::trust::outgoing::KeyInfoForm;
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// Whether one of these certificates of ours signed the envelope.
pub fn is_ours(envelope: &str, names: &[&str]) -> bool {
    let mut trust = Trust::default();
    let peer = Arc::new(Peer::new("kdp", PeerKind::Gateway));
    for name in names {
        trust.pin(certificate(name), peer.clone());
    }
    let document = Document::parse(envelope.as_bytes(), &Limits::default()).unwrap();
    trust.verify_offline(&Envelope::read(&document).unwrap(), NOW).is_ok()
}

#[tokio::test]
async fn a_question_is_signed_valid_and_says_what_the_contract_wants() {
    let server = good_server().await;
    let stand = Stand::new(&server.url);
    stand.numbers().await.unwrap();
    stand.sms().await.unwrap();
    for (asked, service) in server.asked().iter().zip(["MCDB_SERVICE", "SMS_1414"]) {
        let body = &asked.body;
        schema::assert_valid(body, service);
        assert!(is_ours(body, &["service"]));
        for (name, text) in
            [("serviceId", service), ("messageDate", TODAY), ("senderId", "KDP"), ("password", "secret")]
        {
            assert_eq!(element(body, name), text);
        }
        assert_eq!(element(body, "messageId"), element(body, "correlationId"));
    }
    let in_s = |name: &str| format!("s:{name} xmlns:s=\"urn:kdp:services:v1\"");
    let [number, sms] = &server.asked()[..] else { panic!("two questions") };
    assert_eq!(element(&number.body, &in_s("iin")), IIN);
    for (name, text) in [
        ("sms_id", SMS),
        ("msisdn", NUMBER),
        ("text", "IA / DA? &lt;1234&gt;"),
        ("valid_until", "2026-04-01T12:15:00.000+05:00"),
    ] {
        assert_eq!(element(&sms.body, &in_s(name)), text);
    }
}

#[tokio::test]
async fn our_signature_takes_the_form_that_is_configured_and_the_kind_of_our_key() {
    for (key, form) in [
        ("service", KeyInfoForm::IssuerSerial),
        ("service", KeyInfoForm::BinaryToken),
        ("service", KeyInfoForm::X509Data),
        ("service.gost", KeyInfoForm::Certificate),
        ("service.gost", KeyInfoForm::IssuerSerial),
    ] {
        let server = good_server().await;
        let mut means = means("service", 1);
        means.signer = signer_in(key, form);
        Stand::by(&server.url, means).numbers().await.unwrap();
        let body = &server.asked()[0].body;
        assert!(is_ours(body, &[key]), "{key} {form:?}");
        let names = [
            ("<wsse:KeyIdentifier ", KeyInfoForm::Certificate),
            ("<ds:X509IssuerSerial>", KeyInfoForm::IssuerSerial),
            ("<wsse:BinarySecurityToken ", KeyInfoForm::BinaryToken),
            ("<ds:X509Certificate>", KeyInfoForm::X509Data),
        ];
        for (name, of) in names {
            assert_eq!(body.contains(name), of == form, "{name} in {form:?}");
        }
    }
}

#[tokio::test]
async fn at_a_roll_over_of_shep_both_certificates_are_believed_and_then_the_new_one_alone() {
    let is_new = Arc::new(AtomicBool::new(false));
    let (changed, old, new) =
        (is_new.clone(), signer("shep"), signer_in("sms1414.gost", KeyInfoForm::IssuerSerial));
    let server = Server::start(move |asked| {
        let by = if changed.load(Ordering::SeqCst) { &new } else { &old };
        Act::Answer(200, Saying::to(asked).signed(by))
    })
    .await;
    let stand = Stand::new(&server.url);
    let ask = async |changed: bool| {
        is_new.store(changed, Ordering::SeqCst);
        stand.numbers().await.map(|numbers| numbers.len())
    };
    assert_eq!([ask(false).await, ask(true).await], [Ok(1), Err(PartyFault::Certificate)]);
    stand.trust.set(trust(&["shep", "sms1414.gost"]));
    assert_eq!([ask(false).await, ask(true).await], [Ok(1), Ok(1)]);
    stand.trust.set(trust(&["sms1414.gost"]));
    assert_eq!([ask(false).await, ask(true).await], [Err(PartyFault::Certificate), Ok(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_our_key_changes_under_load_every_question_is_signed_and_answered() {
    let server = good_server().await;
    let (stand, renewed) = (Arc::new(Stand::new(&server.url)), Arc::new(AtomicBool::new(false)));
    let mut asking = JoinSet::new();
    for _ in 0..4 {
        let (stand, renewed) = (stand.clone(), renewed.clone());
        asking.spawn(async move {
            let (mut asked, mut after) = (0, 0);
            while after < 10 {
                // Looked at before: this question is asked by the new key.
                after += usize::from(renewed.load(Ordering::SeqCst));
                assert_eq!(stand.numbers().await, Ok(vec![NUMBER.to_owned()]));
                asked += 1;
            }
            asked
        });
    }
    while server.asked().len() < 20 {
        tokio::task::yield_now().await;
    }
    stand.shep.renew(means("service.gost", 16));
    let changed = server.asked().len();
    renewed.store(true, Ordering::SeqCst);
    let count: usize = asking.join_all().await.into_iter().sum();
    let asked = server.asked();
    assert_eq!(asked.len(), count, "none was lost, and none asked twice");
    assert!(asked.iter().all(|asked| is_ours(&asked.body, &["service", "service.gost"])));
    let (old, new) = (&asked[0].body, &asked[count - 1].body);
    assert!(is_ours(old, &["service"]) && is_ours(new, &["service.gost"]));
    // Those that were under way had been signed before.
    let late = asked[changed..].iter().filter(|asked| is_ours(&asked.body, &["service"])).count();
    assert!(late <= 4, "{late}");
}
