//! A grant as a careful client takes it: the answer's signature and the token's are verified, and the token is
//! held against the request.

use crate::load::Sample;
use crate::stand::{BIN, SERVICES, pki};
use kdp::clock::{Clock as _, SystemClock};
use kdp::soap::envelope::Envelope;
use kdp::token::jwks::KeySet;
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
        service.pin(certificate, Arc::new(Peer { name: "service".to_owned(), kind: PeerKind::Gateway }));
        Self { service, keys: KeySet::from_jwks(jwks).expect("a key set") }
    }

    pub fn check(&self, sample: &Sample) {
        let now = SystemClock.now() / 1000;
        let answer = Document::parse(&sample.answer, &Limits::default()).expect("XML");
        let envelope = Envelope::read(&answer).expect("an envelope");
        self.service.verify(&envelope, now).expect("the service signed the answer");
        let claims = security::verify(&sample.token(), &self.keys, now, LEEWAY).expect("a security token");
        let request = Document::parse(&sample.request, &Limits::default()).expect("XML");
        assert_eq!(claims.uin, text(&request, "uin"), "the token is for another subject");
        assert_eq!((claims.cbin.as_str(), claims.services.join(";").as_str()), (BIN, SERVICES));
    }
}

impl Sample {
    /// The security token: `code` beside `public-key`, not that of `status`.
    pub fn token(&self) -> String {
        let answer = Document::parse(&self.answer, &Limits::default()).expect("XML");
        let code = find(&answer, "data").children().find(|child| child.name() == "code");
        code.and_then(Element::text).expect("a token").into_owned()
    }
}

/// The first element of this local name.
pub fn find<'d, 'a>(document: &'d Document<'a>, name: &str) -> Element<'d, 'a> {
    document.elements().find(|element| element.name() == name).unwrap_or_else(|| panic!("no {name}"))
}

pub fn text(document: &Document<'_>, name: &str) -> String {
    find(document, name).text().expect("text").into_owned()
}
