//! Signatures of ГОСТ that must not be believed, on messages and on verification tokens.

use crate::party::{Kind, Party, Stage, bank_asks};
use crate::stand::Reply;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::{SignError, SignatureAlgorithm, Signer};

const RSA: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const GOST_2004: &str = "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311";
const GOST_2015: &str = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const DIGEST_2015: &str = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512";

/// `text` with what stands in this element replaced.
fn with(text: &str, element: &str, change: impl FnOnce(&str) -> String) -> String {
    let (before, rest) = text.split_once(&format!("<{element}>")).unwrap();
    let (value, after) = rest.split_once(&format!("</{element}>")).unwrap();
    format!("{before}<{element}>{}</{element}>{after}", change(value))
}

/// The envelope with its signature value, decoded, changed.
fn resigned(envelope: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    with(envelope, "ds:SignatureValue", |value| {
        BASE64_STANDARD.encode(change(BASE64_STANDARD.decode(value).unwrap()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_message_or_signature_is_refused_as_such() {
    let stage = Stage::open(None).await;
    let bank = stage.party("bank", Kind::Gost);
    let sound = String::from_utf8(bank.envelope(KeyInfoForm::Certificate, &bank_asks(&bank))).unwrap();
    let refused = |envelope: &str, code: &str, what: &str| {
        let reply = stage.post(envelope.as_bytes());
        assert_eq!(reply.element("errorCode"), Some(code), "{what}: {}", reply.body);
    };
    refused(&sound.replace("600000", "600001"), "SCE006", "the Body");
    refused(
        &resigned(&sound, |mut s| {
            s[0] ^= 1;
            s
        }),
        "SCE006",
        "r",
    );
    refused(
        &resigned(&sound, |mut s| {
            s[127] ^= 1;
            s
        }),
        "SCE006",
        "s",
    );
    refused(&resigned(&sound, |s| s.into_iter().rev().collect()), "SCE006", "the order of RFC 9215");
    refused(&resigned(&sound, |s| [&s[64..], &s[..64]].concat()), "SCE006", "s before r");
    refused(&resigned(&sound, |s| s[..127].to_vec()), "SCE006", "a byte less");
    refused(&resigned(&sound, |s| [&s[..], &[0]].concat()), "SCE006", "a byte more");
    refused(&resigned(&sound, |_| vec![]), "SCE006", "nothing");
    refused(&resigned(&sound, |_| vec![0; 128]), "SCE006", "zeros");
    refused(&resigned(&sound, |_| vec![0xff; 128]), "SCE006", "above q");
    refused(&resigned(&sound, |s| [&s[..64], &[0; 64]].concat()), "SCE006", "s is zero");
    refused(
        &resigned(&sound, |s| s[..64].to_vec()),
        "SCE006",
        "half of it, which is as long as one of 256 bits",
    );
    refused(&sound.replace(GOST_2015, RSA), "SCE006", "another method");
    refused(&sound.replace(GOST_2015, GOST_2004), "SCE006", "the method of 256 bits");
    refused(&sound.replace(DIGEST_2015, SHA256), "SCE006", "another digest");
    refused(&sound.replace(GOST_2015, RSA).replace(DIGEST_2015, SHA256), "SCE006", "all of RSA");
    assert_eq!(stage.post(sound.as_bytes()).element("reason"), Some("granted"));
    stage.close().await;
}

/// A key that passes for one of another kind: the envelope names that kind's method and digest.
struct Disguised {
    signer: Box<dyn Signer>,
    algorithm: SignatureAlgorithm,
}

impl Signer for Disguised {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(message)
    }

    fn public_key_spki(&self) -> &[u8] {
        self.signer.public_key_spki()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn method_key_and_certificate_must_be_of_one_kind() {
    let stage = Stage::open(None).await;
    let owners = [Kind::Rsa, Kind::Gost].map(|kind| stage.party("bank", kind));
    let algorithms =
        [SignatureAlgorithm::RsaSha256, SignatureAlgorithm::Gost2015, SignatureAlgorithm::Gost2004];
    for shown in &owners {
        for signs in &owners {
            for algorithm in algorithms {
                let certificate =
                    Certificate::from_file(&std::fs::read(&shown.certificate).unwrap()).unwrap();
                let right =
                    shown.signer().algorithm() == algorithm && signs.signer().algorithm() == algorithm;
                let signer = Disguised { signer: signs.signer(), algorithm };
                let signer = EnvelopeSigner::new(Box::new(signer), certificate, KeyInfoForm::Certificate);
                assert_eq!(signer.fits(), right);
                let reply = stage.post(&Party::signed(&signer, &bank_asks(shown)));
                let (code, reason) = (reply.element("errorCode"), reply.element("reason"));
                let expected = if right { (None, Some("granted")) } else { (Some("SCE006"), None) };
                assert_eq!((code, reason), expected, "{algorithm:?}: {}", reply.body);
            }
        }
    }
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_another_under_the_same_authority_is_not_the_senders() {
    let stage = Stage::open(None).await;
    let call = bank_asks(&stage.party("bank", Kind::Gost));
    let other = stage.party("clinic", Kind::Gost);
    let reply = stage.post(&other.envelope(KeyInfoForm::Certificate, &call));
    assert_eq!(reply.element("errorCode"), Some("KDP401"), "{}", reply.body);
    stage.close().await;
}

/// A token with this header over the claims of the party's sound one, signed by `signer`.
fn token(party: &Party, header: &str, signer: &dyn Signer) -> String {
    let sound = party.ovt();
    let claims = sound.split('.').nth(1).unwrap();
    let message = format!("{}.{claims}", BASE64_URL_SAFE_NO_PAD.encode(header));
    let signature = signer.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_token_of_another_kind_or_key_is_refused_by_its_reason() {
    let stage = Stage::open(None).await;
    let (gost, rsa) = (stage.party("bank", Kind::Gost), stage.party("bank", Kind::Rsa));
    let (clinic, egov) = (stage.party("clinic", Kind::Gost), stage.party("egov", Kind::Gost));
    let ask = |token: &str| -> Reply {
        stage.post(&gost.envelope(KeyInfoForm::Certificate, &gost.asks_with(token)))
    };
    let refused = |token: &str, reason: &str, what: &str| {
        let reply = ask(token);
        let answer = (reply.word(), reply.element("reason"));
        assert_eq!(answer, (Some("INVALID"), Some(reason)), "{what}: {}", reply.body);
    };
    let (by_gost, by_rsa) = (gost.signer(), rsa.signer());
    for name in ["GG2015", "GOST15", "GOST3410-2015-512"] {
        let reply = ask(&token(&gost, &format!(r#"{{"alg":"{name}"}}"#), &*by_gost));
        assert_eq!(reply.element("reason"), Some("granted"), "{name}: {}", reply.body);
    }
    refused(&token(&gost, r#"{"alg":"GG2015"}"#, &*by_rsa), "ovt-signature", "GG2015 by the RSA key");
    refused(&token(&gost, r#"{"alg":"RS256"}"#, &*by_gost), "ovt-signature", "RS256 by the key of ГОСТ");
    refused(&token(&gost, r#"{"alg":"GG2004"}"#, &*egov.signer()), "ovt-algorithm", "GG2004 is off");
    refused(&token(&gost, r#"{"alg":"GG2004"}"#, &*by_gost), "ovt-algorithm", "GG2004 is off");
    refused(&token(&gost, r#"{"alg":"gg2015"}"#, &*by_gost), "ovt-algorithm", "another case");
    refused(
        &token(&gost, r#"{"alg":"GG2015"}"#, &*clinic.signer()),
        "ovt-signature",
        "the key of another BIN",
    );
    let x5c = |party: &Party| {
        let pem = std::fs::read(&party.certificate).unwrap();
        let der = Certificate::from_file(&pem).unwrap().der().to_vec();
        format!(r#"{{"alg":"GG2015","x5c":["{}"]}}"#, BASE64_STANDARD.encode(der))
    };
    refused(&token(&gost, &x5c(&clinic), &*clinic.signer()), "ovt-key-unknown", "a key that it brings");
    refused(&token(&gost, &x5c(&clinic), &*by_gost), "ovt-key-unknown", "a certificate of another");
    refused(&token(&gost, &x5c(&rsa), &*by_gost), "ovt-algorithm", "a registered key of another kind");
    assert_eq!(ask(&token(&gost, &x5c(&gost), &*by_gost)).element("reason"), Some("granted"));
    let sound = gost.ovt();
    let (message, signature) = sound.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with = |signature: &[u8]| format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    let reversed: Vec<u8> = signature.iter().rev().copied().collect();
    refused(&with(&reversed), "ovt-signature", "the order of RFC 9215");
    refused(&with(&signature[..127]), "ovt-signature", "truncated");
    refused(&with(&[&signature[..], &[0]].concat()), "ovt-signature", "over-long");
    refused(&with(&[0; 128]), "ovt-signature", "zeros");
    refused(&with(&[]), "ovt-signature", "nothing");
    stage.close().await;
}
