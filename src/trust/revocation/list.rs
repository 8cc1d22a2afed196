//! A list of revoked certificates (RFC 5280, 5), full or delta, read from a stream.
//!
//! The list of НУЦ has some 420 000 entries in 21 MB: it is hashed and sorted into an [`Index`] while it is
//! read, and never whole in memory. A [`List`] exists only with a signature that verified.

use super::extension::{self, id};
use super::index::{self, Building, Index, Key};
use super::moment;
use super::stream::Stream;
use crate::trust::algorithm::SignatureAlgorithm;
use crate::trust::certificate::Certificate;
use crate::trust::der::{DerError, Reader, Value, tag};
use crate::trust::name::DistinguishedName;
use crate::trust::path::Authorities;
use std::io::{ErrorKind, Read};
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

/// Longest list that is read, bytes: three times the longest one that was seen. Until its end is read nobody
/// knows who made it, and its index grows with it.
pub const MAX_LIST: u64 = 64 << 20;

/// Why a list cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The file could not be read on.
    #[error("reading failed: {0}")]
    Read(ErrorKind),
    /// It ends before its end.
    #[error("the list is cut off")]
    Truncated,
    /// Longer than 64 MiB.
    #[error("the list is longer than 64 MiB")]
    TooLong,
    /// Not the DER of a list.
    #[error("the list is malformed")]
    Malformed,
    /// Something after its end.
    #[error("something follows after the list")]
    Trailing,
    /// Not of version 2.
    #[error("the list is not of version 2")]
    Version,
    /// Signed by an algorithm that is not accepted.
    #[error("the list is signed by an algorithm that is not accepted")]
    Algorithm,
    /// It does not say when the next one comes: nobody could tell when it is stale.
    #[error("the list does not say when the next one comes")]
    NoNextUpdate,
    /// It ends before it begins.
    #[error("the next list comes before this one")]
    Period,
    /// For a part of the certificates only.
    #[error("the list is for a part of its issuer's certificates only")]
    Partial,
    /// With certificates of other issuers.
    #[error("the list holds certificates of other issuers")]
    Indirect,
    /// A critical extension that is not understood.
    #[error("the list has a critical extension that is not understood")]
    Extension,
    /// `removeFromCRL` in a full list.
    #[error("a full list takes an entry back, which only a delta may")]
    Removal,
    /// Made by nobody who is pinned and may sign lists.
    #[error(
        "no pinned authority that may sign lists has the name, the key identifier and the time of the list"
    )]
    Issuer,
    /// The signature does not verify.
    #[error("the signature of the list does not verify")]
    Signature,
}

impl From<DerError> for ListError {
    fn from(_: DerError) -> Self {
        Self::Malformed
    }
}

impl ListError {
    /// A stable word for metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Read(_) => "list-read",
            Self::Truncated => "list-truncated",
            Self::TooLong => "list-too-long",
            Self::Malformed => "list-malformed",
            Self::Trailing => "list-trailing",
            Self::Version => "list-version",
            Self::Algorithm => "list-algorithm",
            Self::NoNextUpdate => "list-no-next-update",
            Self::Period => "list-period",
            Self::Partial => "list-partial",
            Self::Indirect => "list-indirect",
            Self::Extension => "list-extension",
            Self::Removal => "list-removal",
            Self::Issuer => "list-issuer",
            Self::Signature => "list-signature",
        }
    }
}

/// A number of a list: big-endian, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Vec<u8>);

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

/// A list whose signature verified.
pub struct List {
    /// `Certificate::identity` of the authority that signed it.
    pub authority: [u8; 32],
    /// When it was made, Unix seconds.
    pub this_update: i64,
    /// When the next one comes at the latest, Unix seconds: from then on it is stale.
    pub next_update: i64,
    /// Its number.
    pub number: Option<Number>,
    /// Of a delta: the number of the full list that it amends.
    pub base: Option<Number>,
    revoked: Index,
    /// Of a delta: what is not revoked any more.
    removed: Index,
}

/// What a list says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    Nothing,
    /// Revoked, or on hold, since then, Unix seconds.
    Revoked(i64),
    /// Taken back.
    Removed,
}

impl List {
    /// Reads a DER `CertificateList` to its end and verifies it by one of the pinned authorities that sign
    /// lists. Whether it is stale is not asked here.
    ///
    /// # Errors
    /// [`ListError`] names the first rule that does not hold.
    pub fn read(source: impl Read, authorities: &Authorities) -> Result<Self, ListError> {
        let mut stream = Stream::new(source);
        let end = stream.enter(tag::SEQUENCE, u64::MAX)?;
        if end > MAX_LIST {
            return Err(ListError::TooLong);
        }
        stream.begin_hash();
        let draft = Draft::read(&mut stream, end)?;
        let digest = stream.end_hash();
        if stream.value(end)?.raw != draft.algorithm_raw {
            return Err(ListError::Malformed);
        }
        let mut last = Reader::new(stream.value(end)?.raw);
        let signature = last.bits()?.to_vec();
        if stream.position() != end {
            return Err(ListError::Malformed);
        }
        if !stream.is_finished()? {
            return Err(ListError::Trailing);
        }
        draft.verified(&digest, &signature, authorities)
    }

    /// What it says of the certificate with this key.
    #[must_use]
    pub fn says(&self, key: &Key) -> Said {
        match self.revoked.since(key) {
            Some(since) => Said::Revoked(since),
            None if self.removed.since(key).is_some() => Said::Removed,
            None => Said::Nothing,
        }
    }

    /// How many certificates it names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.revoked.len() + self.removed.len()
    }

    /// Whether it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is read, until the signature is verified.
struct Draft {
    algorithm: SignatureAlgorithm,
    algorithm_raw: Vec<u8>,
    issuer: DistinguishedName,
    this_update: i64,
    next_update: i64,
    revoked: Building,
    removed: Building,
    extensions: Extensions,
}

impl Draft {
    fn read(stream: &mut Stream<impl Read>, within: u64) -> Result<Self, ListError> {
        let end = stream.enter(tag::SEQUENCE, within)?;
        if stream.value(end)?.raw != [tag::INTEGER, 1, 1] {
            return Err(ListError::Version);
        }
        let algorithm_raw = stream.value(end)?.raw.to_vec();
        let algorithm = extension::algorithm(&algorithm_raw)?;
        let algorithm = SignatureAlgorithm::from_oid(algorithm).ok_or(ListError::Algorithm)?;
        stream.hash_with(algorithm);
        let issuer = issuer(stream.value(end)?)?;
        let this_update = moment::read(stream.value(end)?)?;
        if stream.position() == end || !matches!(stream.tag()?, tag::UTC_TIME | tag::GENERALIZED_TIME) {
            return Err(ListError::NoNextUpdate);
        }
        let next_update = moment::read(stream.value(end)?)?;
        if next_update < this_update {
            return Err(ListError::Period);
        }
        let (mut revoked, mut removed) = (Building::default(), Building::default());
        if stream.position() < end && stream.tag()? == tag::SEQUENCE {
            let entries_end = stream.enter(tag::SEQUENCE, end)?;
            while stream.position() < entries_end {
                let entry = Entry::read(stream.value(entries_end)?)?;
                let building = if entry.is_removal { &mut removed } else { &mut revoked };
                building.push(entry.serial, entry.since);
            }
        }
        let extensions = if stream.position() < end {
            Extensions::read(stream.value(end)?)?
        } else {
            Extensions::default()
        };
        if stream.position() != end {
            return Err(ListError::Malformed);
        }
        Ok(Self { algorithm, algorithm_raw, issuer, this_update, next_update, revoked, removed, extensions })
    }

    fn verified(self, digest: &[u8], signature: &[u8], authorities: &Authorities) -> Result<List, ListError> {
        let mut refused = ListError::Issuer;
        for authority in authorities.iter().filter(|authority| self.could_be_of(authority)) {
            let Ok(key) = authority.key() else { continue };
            if key.algorithm() == self.algorithm && key.verify_digest(digest, signature).is_ok() {
                return self.finish(authority.identity);
            }
            refused = ListError::Signature;
        }
        Err(refused)
    }

    fn could_be_of(&self, authority: &Certificate) -> bool {
        let other_key = match (&self.extensions.key_id, &authority.key_id) {
            (Some(named), Some(own)) => named != own,
            _ => false,
        };
        self.issuer == authority.subject
            && !other_key
            && authority.signs_lists()
            && (authority.validity.0..=authority.validity.1).contains(&self.this_update)
    }

    fn finish(self, authority: [u8; 32]) -> Result<List, ListError> {
        let removed = self.removed.finish();
        if self.extensions.base.is_none() && !removed.is_empty() {
            return Err(ListError::Removal);
        }
        Ok(List {
            authority,
            this_update: self.this_update,
            next_update: self.next_update,
            number: self.extensions.number,
            base: self.extensions.base,
            revoked: self.revoked.finish(),
            removed,
        })
    }
}

fn issuer(value: Value<'_>) -> Result<DistinguishedName, ListError> {
    let (rest, name) = X509Name::from_der(value.raw).map_err(|_| ListError::Malformed)?;
    if rest.is_empty() { Ok(DistinguishedName::from_x509(&name)) } else { Err(ListError::Malformed) }
}

/// One of `revokedCertificates`.
struct Entry<'a> {
    serial: &'a [u8],
    since: i64,
    is_removal: bool,
}

impl<'a> Entry<'a> {
    fn read(value: Value<'a>) -> Result<Self, ListError> {
        if value.tag != tag::SEQUENCE {
            return Err(ListError::Malformed);
        }
        let mut fields = Reader::new(value.content);
        let serial = extension::unsigned(fields.expect(tag::INTEGER)?)?;
        let since = moment::read(fields.any()?)?;
        let extensions = fields.optional(tag::SEQUENCE)?;
        fields.finish()?;
        let mut is_removal = false;
        for extension in extension::read(extensions.unwrap_or_default())? {
            match extension.id {
                // certificateHold, 6, is a no as every other reason.
                id::REASON => match extension::sole(extension.value, tag::ENUMERATED)? {
                    [8] => is_removal = true,
                    [0..=6 | 9 | 10] => {}
                    _ => return Err(ListError::Malformed),
                },
                id::CERTIFICATE_ISSUER => return Err(ListError::Indirect),
                _ if extension.critical => return Err(ListError::Extension),
                _ => {}
            }
        }
        Ok(Self { serial, since, is_removal })
    }
}

/// What `crlExtensions` say.
#[derive(Default)]
struct Extensions {
    key_id: Option<Vec<u8>>,
    number: Option<Number>,
    base: Option<Number>,
}

impl Extensions {
    fn read(value: Value<'_>) -> Result<Self, ListError> {
        if value.tag != tag::context(0) {
            return Err(ListError::Malformed);
        }
        let number = |bytes| {
            let digits = extension::unsigned(extension::sole(bytes, tag::INTEGER)?)?;
            Ok::<_, DerError>(Some(Number(digits.to_vec())))
        };
        let mut read = Self::default();
        for extension in extension::read(extension::sole(value.content, tag::SEQUENCE)?)? {
            match extension.id {
                id::NUMBER => read.number = number(extension.value)?,
                id::DELTA => read.base = number(extension.value)?,
                id::AUTHORITY_KEY => read.key_id = key_id(extension.value)?,
                id::DISTRIBUTION_POINT => return Err(ListError::Partial),
                _ if extension.critical => return Err(ListError::Extension),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// `keyIdentifier` of `AuthorityKeyIdentifier`.
fn key_id(bytes: &[u8]) -> Result<Option<Vec<u8>>, DerError> {
    const KEY_IDENTIFIER: u8 = 0x80;
    let mut fields = Reader::new(extension::sole(bytes, tag::SEQUENCE)?);
    let id = fields.optional(KEY_IDENTIFIER)?.map(<[u8]>::to_vec);
    while !fields.is_empty() {
        fields.any()?;
    }
    Ok(id)
}

/// The key of a certificate, for [`List::says`].
#[must_use]
pub fn key_of(certificate: &Certificate) -> Key {
    index::key(&certificate.serial_bytes)
}
