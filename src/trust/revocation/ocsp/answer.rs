//! The answer (RFC 6960, 4.2): who gave it, when, and about what.

use super::id::{CertId, Hash};
use crate::trust::algorithm::SignatureAlgorithm;
use crate::trust::certificate::{Certificate, OCSP_SIGNING};
use crate::trust::der::{DerError, Reader, Value, tag};
use crate::trust::name::DistinguishedName;
use crate::trust::revocation::book::{Book, Verdict};
use crate::trust::revocation::extension::{self, id};
use crate::trust::revocation::moment;
use crate::trust::verify::key_bits;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

/// How long after it was made an answer is fresh, seconds (trust.md 3); also how far the clocks may differ.
pub const FRESH: i64 = 300;
/// Longest answer that is read, bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// `id-pkix-ocsp-basic`
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// `[n]` of a string of bytes or of nothing.
const PRIMITIVE: u8 = 0x80;

/// Why an answer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// `tryLater` or `internalError`.
    #[error("it says to try later")]
    TryLater,
    /// Another status than successful.
    #[error("it refuses the question")]
    Refused,
    /// Not the DER of an answer.
    #[error("it is malformed")]
    Malformed,
    /// Of another type than basic.
    #[error("it is not of the basic type")]
    Type,
    /// Signed by an algorithm that is not accepted.
    #[error("it is signed by an algorithm that is not accepted")]
    Algorithm,
    /// Neither the issuer nor a responder that it appointed has the name or key in it.
    #[error("it is neither of the issuer nor of a responder whom the issuer appointed for this time")]
    Responder,
    /// The signature does not verify.
    #[error("its signature does not verify")]
    Signature,
    /// The answer to another question.
    #[error("it repeats another nonce than was sent")]
    Nonce,
    /// A critical extension that is not understood.
    #[error("it has a critical extension that is not understood")]
    Extension,
    /// About other certificates.
    #[error("it is not about the certificate")]
    NotAbout,
    /// Made more than five minutes ago, or past its own term.
    #[error("it is too old")]
    Old,
    /// Made more than five minutes ahead.
    #[error("it was made later than now")]
    Future,
}

impl From<DerError> for AnswerError {
    fn from(_: DerError) -> Self {
        Self::Malformed
    }
}

/// What an authority says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked or on hold since then, Unix seconds.
    Revoked(i64),
    /// Not known to it.
    Unknown,
}

/// What was asked.
pub struct Asked<'a> {
    /// About whom.
    pub certificate: &'a Certificate,
    /// Who issued it.
    pub authority: &'a Certificate,
    /// Its list, if there is one: a responder that stands on it is none.
    pub book: &'a Book,
    /// Drawn for this question.
    pub nonce: &'a [u8],
}

/// Reads an answer at `at`: the status, and until when it is fresh; Unix seconds.
///
/// # Errors
/// [`AnswerError`] names the first rule that does not hold.
pub fn read(bytes: &[u8], asked: &Asked<'_>, at: i64) -> Result<(Status, i64), AnswerError> {
    if bytes.len() > MAX_ANSWER {
        return Err(AnswerError::Malformed);
    }
    let basic = Basic::read(successful(bytes)?)?;
    let data = Data::read(basic.tbs.content)?;
    basic.verify(&data, asked, at)?;
    if data.nonce.is_some_and(|nonce| nonce != asked.nonce) {
        return Err(AnswerError::Nonce);
    }
    let single = data.about(asked)?;
    let newest = data.produced_at.max(single.this_update);
    if newest > at + FRESH {
        return Err(AnswerError::Future);
    }
    let until = (data.produced_at + FRESH).min(single.next_update.unwrap_or(i64::MAX));
    if until < at { Err(AnswerError::Old) } else { Ok((single.status, until)) }
}

/// `BasicOCSPResponse` in an `OCSPResponse`.
fn successful(bytes: &[u8]) -> Result<&[u8], AnswerError> {
    let mut fields = Reader::new(extension::sole(bytes, tag::SEQUENCE)?);
    match fields.expect(tag::ENUMERATED)? {
        [0] => {}
        [2 | 3] => return Err(AnswerError::TryLater),
        [1 | 5 | 6] => return Err(AnswerError::Refused),
        _ => return Err(AnswerError::Malformed),
    }
    let explicit = fields.expect(tag::context(0))?;
    fields.finish()?;
    let mut typed = Reader::new(extension::sole(explicit, tag::SEQUENCE)?);
    if typed.expect(tag::OID)? != BASIC {
        return Err(AnswerError::Type);
    }
    let basic = typed.expect(tag::OCTET_STRING)?;
    typed.finish()?;
    Ok(basic)
}

struct Basic<'a> {
    tbs: Value<'a>,
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
    certificates: Vec<&'a [u8]>,
}

impl<'a> Basic<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, AnswerError> {
        let mut fields = Reader::new(extension::sole(bytes, tag::SEQUENCE)?);
        let tbs = fields.any()?;
        if tbs.tag != tag::SEQUENCE {
            return Err(AnswerError::Malformed);
        }
        let algorithm = extension::algorithm(fields.any()?.raw)?;
        let algorithm = SignatureAlgorithm::from_oid(algorithm).ok_or(AnswerError::Algorithm)?;
        let signature = fields.bits()?;
        let mut certificates = Vec::new();
        if let Some(explicit) = fields.optional(tag::context(0))? {
            let mut list = Reader::new(extension::sole(explicit, tag::SEQUENCE)?);
            while !list.is_empty() {
                certificates.push(list.any()?.raw);
            }
        }
        fields.finish()?;
        Ok(Self { tbs, algorithm, signature, certificates })
    }

    fn verify(&self, data: &Data<'_>, asked: &Asked<'_>, at: i64) -> Result<(), AnswerError> {
        let authority = asked.authority;
        let is_of_its_time =
            |signer: &Certificate| (signer.validity.0..=signer.validity.1).contains(&data.produced_at);
        let signed_by = |signer: &Certificate| match signer.key() {
            Ok(key) if key.algorithm() == self.algorithm => {
                key.verify(self.tbs.raw, self.signature).map_err(|_| AnswerError::Signature)
            }
            _ => Err(AnswerError::Signature),
        };
        if data.responder.is(authority) {
            return if is_of_its_time(authority) {
                signed_by(authority)
            } else {
                Err(AnswerError::Responder)
            };
        }
        // Also of one that says that nobody need check it (RFC 6960, 4.2.2.2.1): it costs nothing.
        let is_revoked = |responder: &Certificate| {
            matches!(asked.book.verdict(responder, authority, at), Verdict::Revoked(_))
        };
        let responders = self.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
        let appointed = |responder: &Certificate| {
            data.responder.is(responder)
                && responder.extended_usage.iter().any(|usage| usage == OCSP_SIGNING)
                && responder.may_sign(at).is_ok()
                && is_of_its_time(responder)
                && responder.names_as_issuer(authority)
                && responder.is_signed_by(authority).is_ok()
                && !is_revoked(responder)
        };
        responders.into_iter().find(appointed).map_or(Err(AnswerError::Responder), |found| signed_by(&found))
    }
}

/// `ResponderID`
enum Responder<'a> {
    Name(DistinguishedName),
    /// SHA-1 of the bits of its key.
    Key(&'a [u8]),
}

impl<'a> Responder<'a> {
    fn read(value: Value<'a>) -> Result<Self, AnswerError> {
        if value.tag == tag::context(1) {
            let (rest, name) = X509Name::from_der(value.content).map_err(|_| AnswerError::Malformed)?;
            let name = DistinguishedName::from_x509(&name);
            return if rest.is_empty() { Ok(Self::Name(name)) } else { Err(AnswerError::Malformed) };
        }
        if value.tag == tag::context(2) {
            return Ok(Self::Key(extension::sole(value.content, tag::OCTET_STRING)?));
        }
        Err(AnswerError::Malformed)
    }

    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => *name == certificate.subject,
            Self::Key(hash) => key_bits(certificate.spki()).is_ok_and(|bits| Hash::Sha1.of(bits) == *hash),
        }
    }
}

/// `ResponseData`
struct Data<'a> {
    responder: Responder<'a>,
    produced_at: i64,
    singles: Vec<Single>,
    nonce: Option<&'a [u8]>,
}

impl<'a> Data<'a> {
    fn read(content: &'a [u8]) -> Result<Self, AnswerError> {
        let mut fields = Reader::new(content);
        // Version 1 should not be written, and sometimes is.
        if fields.optional(tag::context(0))?.is_some_and(|version| version != [tag::INTEGER, 1, 0]) {
            return Err(AnswerError::Malformed);
        }
        let responder = Responder::read(fields.any()?)?;
        let produced_at = moment::read(fields.any()?)?;
        let mut list = fields.enter(tag::SEQUENCE)?;
        let mut singles = Vec::new();
        while !list.is_empty() {
            singles.extend(Single::read(list.enter(tag::SEQUENCE)?)?);
        }
        let mut nonce = None;
        if let Some(explicit) = fields.optional(tag::context(1))? {
            for extension in extension::read(extension::sole(explicit, tag::SEQUENCE)?)? {
                match extension.id {
                    id::NONCE => nonce = Some(extension::sole(extension.value, tag::OCTET_STRING)?),
                    _ if extension.critical => return Err(AnswerError::Extension),
                    _ => {}
                }
            }
        }
        fields.finish()?;
        Ok(Self { responder, produced_at, singles, nonce })
    }

    fn about(&self, asked: &Asked<'_>) -> Result<&Single, AnswerError> {
        for single in &self.singles {
            // Some answer with the other hash than was asked with.
            if single.id == CertId::of(single.id.hash(), asked.certificate, asked.authority)? {
                return Ok(single);
            }
        }
        Err(AnswerError::NotAbout)
    }
}

/// `SingleResponse`
struct Single {
    id: CertId,
    status: Status,
    this_update: i64,
    next_update: Option<i64>,
}

impl Single {
    /// `None`: about a certificate that is named by another hash than the two.
    fn read(mut fields: Reader<'_>) -> Result<Option<Self>, AnswerError> {
        let id = CertId::read(&mut fields)?;
        let status = status(fields.any()?)?;
        let this_update = moment::read(fields.any()?)?;
        let next_update = match fields.optional(tag::context(0))? {
            Some(explicit) => {
                let mut reader = Reader::new(explicit);
                let next = moment::read(reader.any()?)?;
                reader.finish()?;
                Some(next)
            }
            None => None,
        };
        if let Some(explicit) = fields.optional(tag::context(1))? {
            let extensions = extension::read(extension::sole(explicit, tag::SEQUENCE)?)?;
            if extensions.iter().any(|extension| extension.critical) {
                return Err(AnswerError::Extension);
            }
        }
        fields.finish()?;
        Ok(id.map(|id| Self { id, status, this_update, next_update }))
    }
}

/// `CertStatus`
fn status(value: Value<'_>) -> Result<Status, AnswerError> {
    const GOOD: u8 = PRIMITIVE;
    const REVOKED: u8 = tag::context(1);
    const UNKNOWN: u8 = PRIMITIVE | 2;
    match (value.tag, value.content) {
        (GOOD, []) => Ok(Status::Good),
        (UNKNOWN, []) => Ok(Status::Unknown),
        (REVOKED, content) => {
            let mut fields = Reader::new(content);
            let since = moment::read(fields.any()?)?;
            if let Some(reason) = fields.optional(tag::context(0))? {
                extension::sole(reason, tag::ENUMERATED)?;
            }
            fields.finish()?;
            Ok(Status::Revoked(since))
        }
        _ => Err(AnswerError::Malformed),
    }
}
