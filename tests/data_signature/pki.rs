//! Authorities and holders of every kind of key.

use crate::{AT, fixtures};
use kdp::trust::certificate::Certificate;
use kdp::trust::data_signature;
use kdp::trust::gost::Scheme;
use kdp::trust::issue::{Attribute, Issuer, Name, Purpose, Request};
use kdp::trust::path::Authorities;
use kdp::trust::sign::{self, GostSigner, RsaSigner, Signer};
use kdp::xml::{Document, Limits};

pub const BIN: &str = "260140990117";
pub const IIN: &str = "800101399015";

/// The authority of `fixtures/pki`.
pub fn fixture_authorities() -> Authorities {
    authorities(Certificate::from_file(&std::fs::read(fixtures("pki/ca.pem")).unwrap()).unwrap())
}

fn authorities(root: Certificate) -> Authorities {
    let mut authorities = Authorities::default();
    authorities.add(root).unwrap();
    authorities
}

/// A key with its certificate.
pub struct Holder {
    pub key: Box<dyn Signer>,
    pub certificate: Certificate,
}

impl Holder {
    /// Of `fixtures/pki`.
    pub fn fixture(name: &str) -> Self {
        let read = |end: &str| std::fs::read(fixtures(&format!("pki/{name}.{end}.pem"))).unwrap();
        let key = sign::from_pem(std::str::from_utf8(&read("key")).unwrap()).unwrap();
        Self { key, certificate: Certificate::from_file(&read("cert")).unwrap() }
    }

    /// Signs a document.
    pub fn sign(&self, document: &[u8]) -> Vec<u8> {
        let parsed = Document::parse(document, &Limits::default()).unwrap();
        data_signature::sign(&parsed, &*self.key, &self.certificate, &Limits::default()).unwrap()
    }
}

/// An authority that issues to anybody.
pub struct Authority {
    name: Name,
    key: Box<dyn Signer>,
    root: Vec<u8>,
}

impl Authority {
    pub fn new(key: Box<dyn Signer>) -> Self {
        let name = Name::new(&[(Attribute::CommonName, "TEST CA"), (Attribute::Country, "KZ")]);
        let issuer = Issuer { name: &name, signer: &*key };
        let root = issuer.issue(&request(&name, &*key, Purpose::Authority)).unwrap();
        Self { name, key, root }
    }

    pub fn root(&self) -> &[u8] {
        &self.root
    }

    pub fn authorities(&self) -> Authorities {
        authorities(Certificate::from_der(&self.root).unwrap())
    }

    /// A person, of an organisation or not.
    pub fn person(&self, key: Box<dyn Signer>, iin: &str, bin: Option<&str>) -> Holder {
        let (serial, unit) = (format!("IIN{iin}"), format!("BIN{}", bin.unwrap_or_default()));
        let mut parts = vec![
            (Attribute::CommonName, "ТЕСТОВ ТЕСТ"),
            (Attribute::SerialNumber, &*serial),
            (Attribute::Country, "KZ"),
        ];
        let role = match bin {
            Some(_) => {
                parts.push((Attribute::Unit, &unit));
                &["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.2"][..]
            }
            None => &["1.2.398.3.3.4.1.1"],
        };
        let name = Name::new(&parts);
        let issuer = Issuer { name: &self.name, signer: &*self.key };
        let der = issuer.issue(&request(&name, &*key, Purpose::Messages(role))).unwrap();
        Holder { certificate: Certificate::from_der(&der).unwrap(), key }
    }
}

fn request<'a>(subject: &'a Name, key: &'a dyn Signer, purpose: Purpose<'a>) -> Request<'a> {
    let spki = key.public_key_spki();
    Request { subject, spki, serial: &[1, 2, 3], validity: (AT - 86_400, AT + 10 * 365 * 86_400), purpose }
}

/// A new key of each kind that signs XML.
pub fn keys() -> [Box<dyn Signer>; 3] {
    let gost = |scheme| Box::new(GostSigner::generate(scheme).unwrap());
    [Box::new(RsaSigner::generate(2048).unwrap()), gost(Scheme::Gost2004), gost(Scheme::Gost2015)]
}
