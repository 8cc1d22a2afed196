//! Reading certificates.

use super::{Certificate, KeyUsage, Signed};
use crate::trust::Distrust;
use crate::trust::algorithm::{SignatureAlgorithm, sha256};
use crate::trust::der::{DerError, Reader, tag};
use crate::trust::name::DistinguishedName;
use crate::trust::role::Role;
use crate::trust::verify;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{OID_USERID, OID_X509_ORGANIZATIONAL_UNIT, OID_X509_SERIALNUMBER, Oid};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Longest certificate that is read, bytes.
const MAX_DER: usize = 16 * 1024;
/// Longest serial number, bytes: the twenty of RFC 5280, 4.1.2.2, and the zero that keeps it positive.
const MAX_SERIAL: usize = 21;

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
        is_framed(der).map_err(|_| Distrust::CertificateMalformed)?;
        // What is said of the signature outside of what is signed must be what is said inside (RFC 5280, 4.1.1.2).
        let value = &x509.signature_value;
        if x509.signature_algorithm != x509.tbs_certificate.signature || value.unused_bits != 0 {
            return Err(Distrust::CertificateMalformed);
        }
        // Else the order would decide which one counts (RFC 5280, 4.2).
        x509.extensions_map().map_err(|_| Distrust::CertificateMalformed)?;
        let mut extensions = Extensions::default();
        for extension in x509.extensions() {
            extensions.read(extension.parsed_extension(), extension.critical)?;
        }
        let spki = x509.public_key().raw;
        let serial = x509.raw_serial();
        Ok(Self {
            fingerprint: sha256(der),
            identity: sha256(&[x509.subject().as_raw(), spki].concat()),
            serial: x509.tbs_certificate.serial.to_string(),
            serial_bytes: serial.iter().copied().skip_while(|byte| *byte == 0).collect(),
            issuer: DistinguishedName::from_x509(x509.issuer()),
            issuer_text: x509.issuer().to_string(),
            subject: DistinguishedName::from_x509(x509.subject()),
            subject_text: x509.subject().to_string(),
            role: Role::of(extensions.extended_usage.iter().map(String::as_str)),
            bin: digits(&x509, &OID_X509_ORGANIZATIONAL_UNIT, "BIN"),
            iin: digits(&x509, &OID_X509_SERIALNUMBER, "IIN"),
            system: values(&x509, &OID_USERID).next().map(str::to_owned),
            validity: (x509.validity().not_before.timestamp(), x509.validity().not_after.timestamp()),
            usage: extensions.usage,
            extended_usage: extensions.extended_usage,
            key_id: extensions.key_id,
            issuer_key_id: extensions.issuer_key_id,
            is_ca: extensions.is_ca,
            is_beyond_us: extensions.is_beyond_us,
            spki: spki.to_vec(),
            key: verify::from_spki(spki),
            signed: Signed {
                algorithm: SignatureAlgorithm::from_oid(x509.signature_algorithm.algorithm.as_bytes()),
                tbs: x509.tbs_certificate.as_ref().to_vec(),
                value: value.data.to_vec(),
            },
            der: der.to_vec(),
        })
    }
}

/// What is around the signed part stands in one form too: the library is lenient there, and a fingerprint is of all.
fn is_framed(der: &[u8]) -> Result<(), DerError> {
    let mut outer = Reader::new(der);
    let mut parts = outer.enter(tag::SEQUENCE)?;
    outer.finish()?;
    parts.expect(tag::SEQUENCE)?;
    let mut algorithm = parts.enter(tag::SEQUENCE)?;
    algorithm.expect(tag::OID)?;
    algorithm.optional(tag::NULL)?;
    algorithm.finish()?;
    parts.bits()?;
    parts.finish()
}

/// What the extensions say.
#[derive(Default)]
struct Extensions {
    usage: Option<KeyUsage>,
    extended_usage: Vec<String>,
    key_id: Option<Vec<u8>>,
    issuer_key_id: Option<Vec<u8>>,
    is_ca: bool,
    is_beyond_us: bool,
}

impl Extensions {
    fn read(&mut self, extension: &ParsedExtension<'_>, critical: bool) -> Result<(), Distrust> {
        match extension {
            ParsedExtension::KeyUsage(usage) => {
                self.usage = Some(KeyUsage {
                    digital_signature: usage.digital_signature(),
                    non_repudiation: usage.non_repudiation(),
                    certificates: usage.key_cert_sign(),
                    lists: usage.crl_sign(),
                });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                // Those of RFC 5280 that matter here; the others are of no interest.
                let known =
                    [(usage.ocsp_signing, OCSP_SIGNING), (usage.email_protection, "1.3.6.1.5.5.7.3.4")];
                self.extended_usage
                    .extend(known.iter().filter(|(has, _)| *has).map(|(_, oid)| (*oid).to_owned()));
                self.extended_usage.extend(usage.other.iter().map(Oid::to_id_string));
            }
            ParsedExtension::BasicConstraints(constraints) => self.is_ca = constraints.ca,
            ParsedExtension::SubjectKeyIdentifier(id) => self.key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                self.issuer_key_id = authority.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::ParseError { .. } => return Err(Distrust::CertificateMalformed),
            // Where it applies, it says under which policies alone, or for which names: here they are all pinned.
            ParsedExtension::CertificatePolicies(_) | ParsedExtension::SubjectAlternativeName(_) => {}
            _ => self.is_beyond_us |= critical,
        }
        Ok(())
    }
}

/// `id-kp-OCSPSigning` of RFC 6960.
pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

fn values<'a>(x509: &'a X509Certificate<'_>, oid: &'a Oid<'_>) -> impl Iterator<Item = &'a str> {
    x509.subject().iter_by_oid(oid).filter_map(|attribute| attribute.as_str().ok())
}

/// Twelve digits after a word, in a value of this attribute of the subject.
fn digits(x509: &X509Certificate<'_>, oid: &Oid<'_>, word: &str) -> Option<String> {
    let is_number = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    values(x509, oid).filter_map(|value| value.strip_prefix(word)).find(is_number).map(str::to_owned)
}
