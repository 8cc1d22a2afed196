//! Answers of OCSP, also such as none should be.

use crate::authority::{Authority, NOW, bits, extension, long_time, sha1, signed};
use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, Reader, tag};
use kdp::trust::sign::Signer;

/// `CertStatus` of a good certificate, and of one that is not known.
pub const GOOD: [u8; 2] = [0x80, 0];
pub const UNKNOWN: [u8; 2] = [0x82, 0];

pub fn revoked(since: i64) -> Vec<u8> {
    let reason = der::value(tag::context(0), &der::value(tag::ENUMERATED, &[1]));
    der::value(tag::context(1), &[long_time(since), reason].concat())
}

/// What was asked: `CertID` and nonce, as DER.
pub fn question(body: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut tbs = Reader::new(body).enter(tag::SEQUENCE).unwrap().enter(tag::SEQUENCE).unwrap();
    let mut requests = tbs.enter(tag::SEQUENCE).unwrap();
    let id = requests.enter(tag::SEQUENCE).unwrap().any().unwrap().raw.to_vec();
    assert!(requests.is_empty(), "one certificate a question");
    let mut extensions = tbs.enter(tag::context(2)).unwrap().enter(tag::SEQUENCE).unwrap();
    let mut nonce = extensions.enter(tag::SEQUENCE).unwrap();
    assert_eq!(nonce.expect(tag::OID).unwrap(), der::oid("1.3.6.1.5.5.7.48.1.2"));
    (id, nonce.expect(tag::OCTET_STRING).unwrap().to_vec())
}

/// What an answer says, each part as DER.
#[derive(Clone)]
pub struct Answer {
    pub version: Vec<u8>,
    pub responder: Vec<u8>,
    pub produced_at: Vec<u8>,
    pub id: Vec<u8>,
    pub status: Vec<u8>,
    pub this_update: Vec<u8>,
    /// `nextUpdate` and `singleExtensions`.
    pub rest: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
    /// In the answer for whoever signs.
    pub certificates: Vec<u8>,
}

impl Answer {
    /// To this question, by a responder, made now.
    pub fn to(body: &[u8], responder: &Certificate, status: &[u8]) -> Self {
        let (id, nonce) = question(body);
        let key = der::value(tag::OCTET_STRING, &sha1(bits(responder.spki())));
        Self {
            version: Vec::new(),
            responder: der::value(tag::context(2), &key),
            produced_at: long_time(NOW),
            id,
            status: status.to_vec(),
            this_update: long_time(NOW),
            rest: Vec::new(),
            extensions: vec![extension("1.3.6.1.5.5.7.48.1.2", false, &nonce)],
            certificates: responder.der().to_vec(),
        }
    }

    pub fn signed(&self, key: &dyn Signer) -> Vec<u8> {
        let single = der::sequence(&[&self.id, &self.status, &self.this_update, &self.rest]);
        let extensions = der::value(tag::context(1), &der::value(tag::SEQUENCE, &self.extensions.concat()));
        let tbs = der::sequence(&[
            &self.version,
            &self.responder,
            &self.produced_at,
            &der::sequence(&[&single]),
            if self.extensions.is_empty() { &[] } else { &extensions },
        ]);
        let certificates = der::value(tag::context(0), &der::sequence(&[&self.certificates]));
        successful(&signed(&tbs, key, &certificates))
    }

    pub fn by(&self, authority: &Authority) -> Vec<u8> {
        self.signed(authority.key())
    }
}

pub fn successful(basic: &[u8]) -> Vec<u8> {
    of_type("1.3.6.1.5.5.7.48.1.1", basic)
}

pub fn of_type(oid: &str, basic: &[u8]) -> Vec<u8> {
    let typed =
        der::sequence(&[&der::value(tag::OID, &der::oid(oid)), &der::value(tag::OCTET_STRING, basic)]);
    der::sequence(&[&[tag::ENUMERATED, 1, 0], &der::value(tag::context(0), &typed)])
}

/// Without an answer.
pub fn status(number: u8) -> Vec<u8> {
    der::sequence(&[&[tag::ENUMERATED, 1, number]])
}
