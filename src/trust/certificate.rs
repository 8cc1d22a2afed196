//! X.509 certificates as the service needs them: whose, by whom, how long, for what (RFC 5280, trust.md 3).

mod read;

pub use read::OCSP_SIGNING;

use super::Distrust;
use super::algorithm::SignatureAlgorithm;
use super::name::DistinguishedName;
use super::role::Role;
use super::verify::Verifier;
use crate::consent::identity::Bin;
use base64::Engine as _;
use std::sync::Arc;

/// A certificate, parsed once.
pub struct Certificate {
    der: Vec<u8>,
    /// SHA-256 of the DER.
    pub fingerprint: [u8; 32],
    /// SHA-256 of subject and key: the same for an authority whose certificate was renewed under its key.
    pub identity: [u8; 32],
    /// Serial number, decimal.
    pub serial: String,
    /// Serial number, big-endian, without leading zeros: as lists of revoked certificates are searched.
    pub serial_bytes: Vec<u8>,
    /// Who issued it.
    pub issuer: DistinguishedName,
    /// The issuer as RFC 4514 text, for `X509IssuerSerial`.
    pub issuer_text: String,
    /// Whose it is.
    pub subject: DistinguishedName,
    /// The subject as RFC 4514 text.
    pub subject_text: String,
    /// Of what kind it is, if НУЦ issued it.
    pub role: Option<Role>,
    /// `OU=BIN############` of the subject: the twelve digits.
    pub bin: Option<String>,
    /// `serialNumber=IIN############` of the subject: the twelve digits.
    pub iin: Option<String>,
    /// `UID` of the subject: the OID of an information system, dotted.
    pub system: Option<String>,
    /// When it begins and ends, Unix seconds, both inclusive.
    pub validity: (i64, i64),
    /// `keyUsage`; `None`: no such extension.
    pub usage: Option<KeyUsage>,
    /// `extKeyUsage`, dotted.
    pub extended_usage: Vec<String>,
    /// `subjectKeyIdentifier`.
    pub key_id: Option<Vec<u8>>,
    /// The key identifier of `authorityKeyIdentifier`.
    pub issuer_key_id: Option<Vec<u8>>,
    is_ca: bool,
    /// A critical extension that is not understood here.
    is_beyond_us: bool,
    /// DER `SubjectPublicKeyInfo`.
    spki: Vec<u8>,
    key: Result<Arc<dyn Verifier>, Distrust>,
    signed: Signed,
}

/// What a certificate's key may be used for, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "bits of RFC 5280, each on its own")]
pub struct KeyUsage {
    /// `digitalSignature`
    pub digital_signature: bool,
    /// `nonRepudiation`
    pub non_repudiation: bool,
    /// `keyCertSign`
    pub certificates: bool,
    /// `cRLSign`
    pub lists: bool,
}

/// The signature that is on a certificate.
struct Signed {
    /// `None`: one that is not accepted here.
    algorithm: Option<SignatureAlgorithm>,
    tbs: Vec<u8>,
    value: Vec<u8>,
}

impl Certificate {
    /// Reads the certificate of a PEM file, with any text around it, or the file as DER.
    ///
    /// # Errors
    /// [`Distrust::CertificateMalformed`]; [`Distrust::SeveralCertificates`]: a PEM file of a chain or a bundle, of
    /// which the order would decide.
    pub fn from_file(bytes: &[u8]) -> Result<Self, Distrust> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        let Some((_, text)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(BEGIN)) else {
            return Self::from_der(bytes);
        };
        if text.contains(BEGIN) {
            return Err(Distrust::SeveralCertificates);
        }
        let (body, _) = text.split_once("-----END CERTIFICATE-----").ok_or(Distrust::CertificateMalformed)?;
        Self::from_der(&decode(body).map_err(|_| Distrust::CertificateMalformed)?)
    }

    /// The DER bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The public key as DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The public key.
    ///
    /// # Errors
    /// [`Distrust::KeyKind`], [`Distrust::KeyMalformed`] or [`Distrust::Gost`]: no key that is accepted here.
    pub fn key(&self) -> Result<&dyn Verifier, Distrust> {
        self.key.as_deref().map_err(|error| *error)
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
        if self.usage.is_some_and(|usage| !usage.digital_signature) || self.is_ca || self.is_beyond_us {
            return Err(Distrust::Usage);
        }
        Ok(())
    }

    /// Whether it carries this BIN. No control digit is checked in certificates.
    #[must_use]
    pub fn is_of(&self, bin: &Bin) -> bool {
        self.bin.as_deref() == Some(bin.as_str())
    }

    /// Whether it is of the organisation with this BIN, and its holder may speak for it.
    #[must_use]
    pub fn speaks_for(&self, bin: &Bin) -> bool {
        self.is_of(bin) && self.role.is_some_and(Role::speaks_for_organisation)
    }

    /// Whether it can be pinned as an authority: `cA`, and a `keyUsage`, if any, that allows to sign certificates.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.is_ca && !self.is_beyond_us && self.usage.is_none_or(|usage| usage.certificates)
    }

    /// Whether it is of an authority that may sign lists of revoked certificates.
    #[must_use]
    pub fn signs_lists(&self) -> bool {
        self.is_authority() && self.usage.is_none_or(|usage| usage.lists)
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

    /// Whether `authority` could have issued it: by name, by key identifier if both have one, and by time. An
    /// authority that ended stays good for what it issued before; one whose certificate was renewed under the same
    /// key, for what it issued before that.
    #[must_use]
    pub fn names_as_issuer(&self, authority: &Certificate) -> bool {
        let other_key = match (&self.issuer_key_id, &authority.key_id) {
            (Some(named), Some(own)) => named != own,
            _ => false,
        };
        self.issuer == authority.subject && !other_key && self.validity.0 <= authority.validity.1
    }

    /// Whether the signature on it is that of `authority`.
    ///
    /// # Errors
    /// [`Distrust::IssuerAlgorithm`], [`Distrust::IssuerSignature`].
    pub fn is_signed_by(&self, authority: &Certificate) -> Result<(), Distrust> {
        let key = authority.key()?;
        if self.signed.algorithm != Some(key.algorithm()) {
            return Err(Distrust::IssuerAlgorithm);
        }
        key.verify(&self.signed.tbs, &self.signed.value).map_err(|_| Distrust::IssuerSignature)
    }

    /// Whether it is its own issuer: a root.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
            && self.issuer_key_id.as_ref().is_none_or(|id| Some(id) == self.key_id.as_ref())
    }
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
