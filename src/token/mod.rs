//! Tokens: the verification token of an initiator, the security token of the service, and their keys.
//!
//! Both are compact JWS (RFC 7515). [`jws`] reads either strictly and checks the signature; [`ovt`] and
//! [`security`] each read their own claims and refuse the other's. [`receipt`] is the signed answer to a check of
//! a security token, [`status_list`] the signed list of their statuses; [`offline`] is the check that owners make of
//! token and list by themselves. [`rsa`], [`ec`] and [`jwks`] are the
//! public keys of the service, [`key`] its private ones and the times at which they sign and are published;
//! [`ovt::OvtKey`] is a key of an initiator.
//!
//! Nothing here does I/O or reads a clock; times are Unix seconds. `jsonwebtoken` is used in this folder only.

pub mod ec;
mod json;
pub mod jwks;
pub mod jws;
pub mod key;
pub mod offline;
pub mod ovt;
pub mod receipt;
pub mod rsa;
pub mod security;
pub mod statement;
pub mod status_list;

#[cfg(test)]
mod sample {
    //! Keys and claims of the tests of this folder.

    use super::ec::ReceiptKey;
    use super::rsa::VerifyingKey;
    use super::security::Claims;
    use crate::trust::issue::{Attribute, Issuer, Name, Purpose, Request};
    use crate::trust::sign::{EcSigner, RsaSigner, Signer};
    use std::sync::LazyLock;

    static SIGNER: LazyLock<RsaSigner> = LazyLock::new(|| RsaSigner::generate(2048).unwrap());
    static OTHER: LazyLock<RsaSigner> = LazyLock::new(|| RsaSigner::generate(2048).unwrap());

    static RECEIPT_SIGNER: LazyLock<EcSigner> = LazyLock::new(|| EcSigner::generate().unwrap());

    pub fn receipt_signer() -> &'static EcSigner {
        &RECEIPT_SIGNER
    }

    pub fn receipt_key() -> ReceiptKey {
        ReceiptKey::from_spki_der(receipt_signer().public_key_spki()).unwrap()
    }

    pub fn signer() -> &'static RsaSigner {
        &SIGNER
    }

    pub fn other() -> &'static RsaSigner {
        &OTHER
    }

    pub fn key_of(signer: &RsaSigner) -> VerifyingKey {
        VerifyingKey::from_spki_der(signer.public_key_spki(), None).unwrap()
    }

    /// A certificate that the key issued to itself.
    pub fn certificate_of(signer: &dyn Signer) -> Vec<u8> {
        let name = Name::new(&[(Attribute::CommonName, "KDP SANDBOX")]);
        let request = Request {
            subject: &name,
            spki: signer.public_key_spki(),
            serial: &[1],
            validity: (0, 4_102_444_800),
            purpose: Purpose::Messages(&[]),
        };
        Issuer { name: &name, signer }.issue(&request).unwrap()
    }

    pub fn claims(now: i64) -> Claims {
        Claims {
            iss: "https://kdp.example".to_owned(),
            jti: "01J9Z4".to_owned(),
            iat: now,
            nbf: now,
            exp: now + 3_600,
            sub: "900101300009".to_owned(),
            uin: "900101300009".to_owned(),
            cbin: "990140000013".to_owned(),
            services: vec!["GBDFLUniversal_token".to_owned(), "MCDB_SERVICE".to_owned()],
            method: 2,
            mcheck: Some("BIO".to_owned()),
            ground: None,
            dir: None,
            dir_revision: None,
            rid: "r-1".to_owned(),
            data: Some("фамилия, имя".to_owned()),
            edition: "144/НҚ@2025-06-17".to_owned(),
            status: None,
        }
    }
}
