//! The question (RFC 6960, 4.1): one certificate, and a nonce.

use super::id::CertId;
use crate::trust::der::{self, tag};
use crate::trust::revocation::extension::id::NONCE;

/// `OCSPRequest`, not signed.
#[must_use]
pub fn write(id: &CertId, nonce: &[u8]) -> Vec<u8> {
    let requests = der::sequence(&[&der::sequence(&[&id.to_der()])]);
    let nonce = der::value(tag::OCTET_STRING, &der::value(tag::OCTET_STRING, nonce));
    let extension = der::sequence(&[&der::value(tag::OID, NONCE), &nonce]);
    let extensions = der::value(tag::context(2), &der::sequence(&[&extension]));
    der::sequence(&[&der::sequence(&[&requests, &extensions])])
}
