//! An answer as a careful client takes it: its signature is verified, what it brings is verified too, and is held
//! against the request.

use crate::client::Issued;
use crate::installation::{BANK, OWNER, SERVICES, pki};
use crate::load::Sample;
use kdp::clock::{Clock as _, SystemClock};
use kdp::consent::identity::Iin;
use kdp::soap::envelope::Envelope;
use kdp::token::jwks::KeySet;
use kdp::token::receipt::{self, Answer};
use kdp::token::security::{self, LEEWAY};
use kdp::trust::certificate::Certificate;
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Element, Limits};
use std::fs;
use std::sync::Arc;

/// Whom the client believes.
pub struct Believed {
    service: Trust,
    keys: KeySet,
}

impl Believed {
    /// The service's certificate, and the keys that it publishes.
    pub fn new(jwks: &str) -> Self {
        let certificate = fs::read(pki("service.cert.pem")).expect("a fixture");
        let certificate = Certificate::from_file(&certificate).expect("a certificate");
        let mut service = Trust::default();
        service.pin(certificate, Arc::new(Peer::new("service", PeerKind::Gateway)));
        Self { service, keys: KeySet::from_jwks(jwks).expect("a key set") }
    }

    pub fn check(&self, sample: &Sample) {
        let now = SystemClock.now() / 1000;
        let answer = Document::parse(&sample.answer, &Limits::default()).expect("XML");
        let envelope = Envelope::read(&answer).expect("an envelope");
        self.service.verify_offline(&envelope, now).expect("the service signed the answer");
        let request = Document::parse(&sample.request, &Limits::default()).expect("XML");
        let subject = text(&request, "uin");
        match text(&request, "serviceId").as_str() {
            "KDP_SERVICE" => {
                let claims = security::verify(&token(&answer), &self.keys, now, LEEWAY);
                let claims = claims.expect("a security token");
                assert_eq!(claims.uin, subject, "the token is for another subject");
                assert_eq!((claims.cbin.as_str(), claims.services.join(";").as_str()), (BANK.bin, SERVICES));
            }
            "KDP_CHECK_TOKEN" if text(&answer, "code") == "SCSS001" => {
                let receipt = receipt::verify(&text(&answer, "receipt"), &self.keys).expect("a receipt");
                let Answer::Known(known) = receipt.answer else { panic!("the token is not known") };
                assert_eq!((receipt.aud.as_str(), known.token.uin), (OWNER.id, subject));
            }
            "KDP_PERSONALDATA" => {
                let listed: serde_json::Value =
                    serde_json::from_str(&text(&answer, "r_pdata")).expect("JSON");
                assert!(
                    !listed.as_array().expect("a list").is_empty(),
                    "an empty page says nothing of its cost"
                );
            }
            _ => {}
        }
    }
}

impl Sample {
    /// The token that was granted.
    pub fn issued(&self) -> Issued {
        let [request, answer] = [&self.request, &self.answer]
            .map(|message| Document::parse(message, &Limits::default()).expect("XML"));
        Issued { iin: Iin::parse(&text(&request, "uin")).expect("an IIN"), compact: token(&answer) }
    }
}

/// The security token: `code` beside `public-key`, not that of `status`.
fn token(answer: &Document<'_>) -> String {
    let code = find(answer, "data").children().find(|child| child.name() == "code");
    code.and_then(Element::text).expect("a token").into_owned()
}

/// The first element of this local name.
pub fn find<'d, 'a>(document: &'d Document<'a>, name: &str) -> Element<'d, 'a> {
    document.elements().find(|element| element.name() == name).unwrap_or_else(|| panic!("no {name}"))
}

pub fn text(document: &Document<'_>, name: &str) -> String {
    find(document, name).text().expect("text").into_owned()
}
