//! What X.509 signs: a value, the algorithm, and the signature over the value.

use kdp::trust::der::{self, DerError, Reader, Value, tag};
use kdp::trust::sign::Signer;

/// Signs a value.
///
/// # Panics
/// When the key signs no certificates.
#[must_use]
pub fn sign(tbs: &[u8], key: &dyn Signer) -> [Vec<u8>; 3] {
    let signature = key.sign(tbs).expect("a key of memory signs");
    [tbs.to_vec(), algorithm(key), der::bits(&signature)]
}

/// `AlgorithmIdentifier` of a key's signatures.
///
/// # Panics
/// When the key signs no certificates.
#[must_use]
pub fn algorithm(key: &dyn Signer) -> Vec<u8> {
    let identifier = key.algorithm().oid().expect("a key that signs certificates");
    der::sequence(&[&der::value(tag::OID, identifier), &der::value(tag::NULL, &[])])
}

/// The first value inside of a SEQUENCE: what is signed of a certificate, a list, or an answer.
///
/// # Errors
/// [`DerError`].
pub fn tbs(bytes: &[u8]) -> Result<Value<'_>, DerError> {
    Reader::new(bytes).enter(tag::SEQUENCE)?.any()
}

/// `UTCTime` or `GeneralizedTime` of its text.
#[must_use]
pub fn time(text: &str) -> Vec<u8> {
    let form = if text.len() == 13 { tag::UTC_TIME } else { tag::GENERALIZED_TIME };
    der::value(form, text.as_bytes())
}

/// An extension.
#[must_use]
pub fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::value(tag::BOOLEAN, &[0xff]) } else { Vec::new() };
    let identifier = der::value(tag::OID, &der::oid(dotted));
    der::sequence(&[&identifier, &critical, &der::value(tag::OCTET_STRING, value)])
}

/// The subject of a certificate, DER.
///
/// # Panics
/// For what is no certificate.
#[must_use]
pub fn subject(certificate: &[u8]) -> Vec<u8> {
    let read = || {
        let mut fields = Reader::new(tbs(certificate)?.content);
        fields.optional(tag::context(0))?;
        for _ in ["serialNumber", "signature", "issuer", "validity"] {
            fields.any()?;
        }
        fields.any().map(|value| value.raw.to_vec())
    };
    read().expect("a certificate")
}
