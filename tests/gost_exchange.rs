//! Exchanges whose messages and verification tokens are signed by ГОСТ, and what must fail of them (trust.md 1, 2, 4, 6).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "gost_exchange/attack.rs"]
mod attack;
#[path = "gost_exchange/command.rs"]
mod command;
#[path = "gost_exchange/oracle.rs"]
mod oracle;
#[path = "gost_exchange/party.rs"]
mod party;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use kdp::config::Config;
use kdp::sandbox::Crypto;
use kdp::serve::{StartError, read_answers};
use kdp::token::key::{KeyError, KeyRecord, Window};
use kdp::trust::Distrust;
use kdp::trust::gost::Scheme;
use kdp::trust::outgoing::KeyInfoForm;
use kdp::trust::sign::{GostSigner, SignError};
use party::{Kind, Stage, algorithm_of, bank_asks};
use stand::Reply;
use std::path::Path;

const FORMS: [KeyInfoForm; 4] =
    [KeyInfoForm::Certificate, KeyInfoForm::IssuerSerial, KeyInfoForm::BinaryToken, KeyInfoForm::X509Data];

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_signs_by_gost_in_every_form_and_the_answer_is_signed_by_gost() {
    let stage = Stage::open(Some(Crypto::Gost)).await;
    let bank = stage.party("bank", Kind::Gost);
    for form in FORMS {
        let reply = stage.post(&bank.envelope(form, &bank_asks(&bank)));
        assert_eq!(reply.element("reason"), Some("granted"), "{form:?}: {}", reply.body);
        assert_eq!(algorithm_of(&reply.body), "gostr34102015-gostr34112015-512");
        stage.verify(&reply, Kind::Gost);
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_peer_of_the_world_is_believed_with_either_of_its_keys_whatever_was_chosen() {
    for (crypto, answers) in
        [(None, Kind::Rsa), (Some(Crypto::Gost), Kind::Gost), (Some(Crypto::Mixed), Kind::Gost)]
    {
        let stage = Stage::open(crypto).await;
        for name in stage.names() {
            for kind in [Kind::Rsa, Kind::Gost] {
                let party = stage.party(&name, kind);
                let reply = stage.post(&party.envelope(KeyInfoForm::IssuerSerial, &bank_asks(&party)));
                // A fault after the signature: others than an initiator must not ask, but they are known.
                let code = reply.element("errorCode");
                assert!(!matches!(code, Some("SCE005" | "SCE006" | "SCE007")), "{name}: {}", reply.body);
                if code.is_none() {
                    stage.verify(&reply, answers);
                }
            }
        }
        stage.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_speaks_by_gost_for_initiators_whose_tokens_are_signed_by_either() {
    let stage = Stage::open(None).await;
    let gateway = stage.party("shep", Kind::Gost);
    for kind in [Kind::Rsa, Kind::Gost] {
        let call = bank_asks(&stage.party("bank", kind));
        let reply = stage.post(&gateway.envelope(KeyInfoForm::Certificate, &call));
        assert_eq!(reply.element("reason"), Some("granted"), "{}", reply.body);
        assert_eq!(algorithm_of(&reply.body), "rsa-sha256");
        stage.verify(&reply, Kind::Rsa);
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_gost_gives_one_security_token_under_rsa_however_often_it_is_brought() {
    let stage = Stage::open(Some(Crypto::Gost)).await;
    let bank = stage.party("bank", Kind::Gost);
    let call = bank_asks(&bank);
    let first = stage.post(&bank.envelope(KeyInfoForm::Certificate, &call));
    let again = stage.post(&bank.envelope(KeyInfoForm::Certificate, &call));
    let token = |reply: &Reply| {
        let (_, token) = reply.body.split_once("code>ey").unwrap();
        format!("ey{}", token.split('<').next().unwrap())
    };
    assert_eq!(token(&first), token(&again));
    let token = token(&first);
    let header = token.split('.').next().unwrap();
    let header = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header).unwrap();
    assert!(String::from_utf8(header).unwrap().contains("\"RS256\""), "owners read it everywhere");
    stage.close().await;
}

#[test]
fn the_service_takes_a_key_of_gost_for_its_answers_and_none_of_another_certificate() {
    let pki = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name);
    let answers = |key: &str, certificate: &str| {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config { environment: kdp::config::Environment::Test, ..Config::default() };
        config.trust.key = directory.path().join("key.pem");
        std::fs::copy(pki(key), &config.trust.key).unwrap();
        owner_only(&config.trust.key);
        config.trust.certificate = pki(certificate);
        read_answers(&config).map(|_| ())
    };
    assert!(answers("service.gost.key.pem", "service.gost.cert.pem").is_ok());
    assert!(answers("egov.gost.key.pem", "egov.gost.cert.pem").is_ok(), "34.310-2004");
    for (key, certificate) in [
        ("bank.gost.key.pem", "service.gost.cert.pem"),
        ("service.key.pem", "service.gost.cert.pem"),
        ("service.gost.key.pem", "service.cert.pem"),
        ("egov.gost.key.pem", "service.gost.cert.pem"),
    ] {
        let refused = answers(key, certificate);
        assert!(
            matches!(refused, Err(StartError::Certificate(_, Distrust::KeyKind))),
            "{key}, {certificate}"
        );
    }
    let no_key = answers("service.gost.cert.pem", "service.gost.cert.pem");
    assert!(matches!(no_key, Err(StartError::Key(_, SignError::NoKey))));
}

fn owner_only(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_key_of_gost_signs_nothing_that_owners_read() {
    let window = Window { created_at: 0, not_before: 0, not_after: 1 };
    for scheme in [Scheme::Gost2004, Scheme::Gost2015] {
        let refused = KeyRecord::new(&GostSigner::generate(scheme).unwrap(), window).unwrap_err();
        assert_eq!(refused, KeyError::Key(SignError::NotOfService));
        assert!(refused.to_string().contains("RSA signs security tokens"), "{refused}");
    }
}

#[test]
fn gg2004_is_off_unless_the_configuration_says_so() {
    assert!(!Config::default().trust.ovt_gg2004);
    assert!(Config::parse("[trust]\novt_gg2004 = true\n").unwrap().trust.ovt_gg2004);
}
