//! X.509 certificates as the service needs them: whose, by whom, how long, for what.

use super::Distrust;
use super::algorithm::sha256;
use super::name::DistinguishedName;
use crate::consent::identity::Bin;
use base64::Engine as _;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use x509_parser::oid_registry::{
    OID_PKCS1_RSAENCRYPTION, OID_PKCS1_SHA256WITHRSA, OID_X509_ORGANIZATIONAL_UNIT,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Longest certificate that is read, bytes.
const MAX_DER: usize = 16 * 1024;
/// Longest serial number, bytes: the twenty of RFC 5280, 4.1.2.2, and the zero that keeps it positive.
const MAX_SERIAL: usize = 21;

/// A certificate, parsed once.
pub struct Certificate {
    der: Vec<u8>,
    /// SHA-256 of the DER.
    pub fingerprint: [u8; 32],
    /// Serial number, decimal.
    pub serial: String,
    /// Who issued it.
    pub issuer: DistinguishedName,
    /// The issuer as RFC 4514 text, for `X509IssuerSerial`.
    pub issuer_text: String,
    /// Whose it is.
    pub subject: DistinguishedName,
    /// `OU=BIN############` of the subject.
    pub bin: Option<Bin>,
    /// Unix seconds, both inclusive.
    validity: (i64, i64),
    /// `keyUsage` allows digital signatures; `None`: no such extension.
    digital_signature: Option<bool>,
    /// `keyUsage` allows to sign certificates; `None`: no such extension.
    issues_others: Option<bool>,
    is_ca: bool,
    /// PKCS#1 `RSAPublicKey`; `None`: another kind of key.
    rsa: Option<Vec<u8>>,
    /// To-be-signed part and signature, when it was signed with RSA-SHA256.
    signed: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificate {
    /// Reads DER, with nothing after it.
    ///
    /// # Errors
    /// [`Distrust::CertificateMalformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, Distrust> {
        if der.len() > MAX_DER {
            return Err(Distrust::CertificateMalformed);
        }
        let (rest, x509) = X509Certificate::from_der(der).map_err(|_| Distrust::CertificateMalformed)?;
        // A serial number is written in decimal below, which a stranger could make costly.
        if !rest.is_empty() || x509.raw_serial().len() > MAX_SERIAL {
            return Err(Distrust::CertificateMalformed);
        }
        let usage = x509.key_usage().map_err(|_| Distrust::CertificateMalformed)?;
        let basic = x509.basic_constraints().map_err(|_| Distrust::CertificateMalformed)?;
        let key = x509.public_key();
        let signed = (x509.signature_algorithm.algorithm == OID_PKCS1_SHA256WITHRSA)
            .then(|| (x509.tbs_certificate.as_ref().to_vec(), x509.signature_value.data.to_vec()));
        Ok(Self {
            fingerprint: sha256(der),
            serial: x509.tbs_certificate.serial.to_string(),
            issuer: DistinguishedName::from_x509(x509.issuer()),
            issuer_text: x509.issuer().to_string(),
            subject: DistinguishedName::from_x509(x509.subject()),
            bin: bin(&x509),
            validity: (x509.validity().not_before.timestamp(), x509.validity().not_after.timestamp()),
            digital_signature: usage.as_ref().map(|u| u.value.digital_signature()),
            issues_others: usage.map(|u| u.value.key_cert_sign()),
            is_ca: basic.is_some_and(|b| b.value.ca),
            rsa: (key.algorithm.algorithm == OID_PKCS1_RSAENCRYPTION)
                .then(|| key.subject_public_key.data.to_vec()),
            signed,
            der: der.to_vec(),
        })
    }

    /// Reads the first certificate of a PEM file, or the file as DER.
    ///
    /// # Errors
    /// [`Distrust::CertificateMalformed`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, Distrust> {
        let Some(text) =
            std::str::from_utf8(bytes).ok().filter(|t| t.contains("-----BEGIN CERTIFICATE-----"))
        else {
            return Self::from_der(bytes);
        };
        let body = text
            .split_once("-----BEGIN CERTIFICATE-----")
            .and_then(|(_, rest)| rest.split_once("-----END CERTIFICATE-----"))
            .map(|(body, _)| body)
            .ok_or(Distrust::CertificateMalformed)?;
        Self::from_der(&decode(body).map_err(|_| Distrust::CertificateMalformed)?)
    }

    /// The DER bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it may sign messages at `at` (Unix seconds).
    ///
    /// # Errors
    /// [`Distrust::Expired`], [`Distrust::NotYetValid`], [`Distrust::Usage`].
    pub fn may_sign(&self, at: i64) -> Result<(), Distrust> {
        if at < self.validity.0 {
            return Err(Distrust::NotYetValid);
        }
        if at > self.validity.1 {
            return Err(Distrust::Expired);
        }
        // An authority's certificate signs certificates, not messages.
        if self.digital_signature == Some(false) || self.is_ca {
            return Err(Distrust::Usage);
        }
        Ok(())
    }

    /// Whether it can be pinned as an authority: `cA`, and a `keyUsage`, if any, that allows to sign certificates.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.is_ca && self.issues_others != Some(false)
    }

    /// Whether it belongs to a test PKI: of НУЦ, or of the sandbox. Such a name must never be trusted in production.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.subject.has_value_with("test") || self.subject.has_value_with("sandbox")
    }

    /// Whether a test PKI issued it, by the name of the issuer: such a certificate must not be pinned in production.
    #[must_use]
    pub fn is_issued_by_test(&self) -> bool {
        self.issuer.has_value_with("test") || self.issuer.has_value_with("sandbox")
    }

    /// Whether `authority` issued it, and was valid then: an expired authority stays good for its time.
    #[must_use]
    pub fn is_issued_by(&self, authority: &Certificate) -> bool {
        let (Some((tbs, signature)), Some(key)) = (&self.signed, &authority.rsa) else { return false };
        self.issuer == authority.subject
            && (authority.validity.0..=authority.validity.1).contains(&self.validity.0)
            && UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(tbs, signature).is_ok()
    }

    /// Verifies an RSA-SHA256 signature over `message`.
    ///
    /// # Errors
    /// [`Distrust::KeyKind`] when the key is no RSA key of 2048 to 4096 bits, [`Distrust::SignatureValue`].
    pub fn verify_rsa_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), Distrust> {
        let key = self.rsa.as_ref().ok_or(Distrust::KeyKind)?;
        // 4096 bits and their DER framing.
        if key.len() > 540 {
            return Err(Distrust::KeyKind);
        }
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(message, signature)
            .map_err(|_| Distrust::SignatureValue)
    }
}

fn bin(x509: &X509Certificate<'_>) -> Option<Bin> {
    // No control digit is checked in certificates (trust.md 3), but a sender's BIN has one, so only such can match.
    x509.subject()
        .iter_by_oid(&OID_X509_ORGANIZATIONAL_UNIT)
        .filter_map(|a| a.as_str().ok())
        .find_map(|unit| Bin::parse(unit.strip_prefix("BIN")?).ok())
}

/// Base64 as it occurs in messages: blanks, CR and LF are skipped.
///
/// # Errors
/// [`Distrust::Base64`].
pub fn decode(text: &str) -> Result<Vec<u8>, Distrust> {
    let engine = &base64::engine::general_purpose::STANDARD;
    if text.bytes().any(|b| b.is_ascii_whitespace()) {
        let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        return engine.decode(compact).map_err(|_| Distrust::Base64);
    }
    engine.decode(text).map_err(|_| Distrust::Base64)
}
