//! How OCSP names a certificate (RFC 6960, 4.1.1): by hashes of its issuer's name and key, and its serial
//! number.

use crate::trust::certificate::Certificate;
use crate::trust::der::{self, DerError, Reader, tag};
use crate::trust::verify::key_bits;
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

/// The hash in the name of a certificate; no signature depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// SHA-1: what every service understands.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

/// 1.3.14.3.2.26
const SHA1_ID: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
/// 2.16.840.1.101.3.4.2.1
const SHA256_ID: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];

impl Hash {
    fn id(self) -> &'static [u8] {
        match self {
            Self::Sha1 => SHA1_ID,
            Self::Sha256 => SHA256_ID,
        }
    }

    fn from_id(id: &[u8]) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|hash| hash.id() == id)
    }

    /// The hash of `bytes`.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm: &Algorithm = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
        };
        digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// `CertID`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertId {
    hash: Hash,
    name: Vec<u8>,
    key: Vec<u8>,
    /// The content of the INTEGER.
    serial: Vec<u8>,
}

impl CertId {
    /// The name of `certificate`, issued by `authority`.
    ///
    /// # Errors
    /// [`DerError`]: of no certificate that was read.
    pub fn of(hash: Hash, certificate: &Certificate, authority: &Certificate) -> Result<Self, DerError> {
        let mut tbs = Reader::new(certificate.der()).enter(tag::SEQUENCE)?.enter(tag::SEQUENCE)?;
        tbs.optional(tag::context(0))?;
        let serial = tbs.expect(tag::INTEGER)?.to_vec();
        tbs.expect(tag::SEQUENCE)?;
        let name = hash.of(tbs.any()?.raw);
        Ok(Self { hash, name, key: hash.of(key_bits(authority.spki())?), serial })
    }

    /// Reads one; `None`: of another hash than the two.
    ///
    /// # Errors
    /// [`DerError`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, DerError> {
        let mut fields = reader.enter(tag::SEQUENCE)?;
        let mut algorithm = fields.enter(tag::SEQUENCE)?;
        let hash = Hash::from_id(algorithm.expect(tag::OID)?);
        // Both forms of no parameters occur.
        if algorithm.optional(tag::NULL)?.is_some_and(|content| !content.is_empty()) {
            return Err(DerError);
        }
        algorithm.finish()?;
        let name = fields.expect(tag::OCTET_STRING)?.to_vec();
        let key = fields.expect(tag::OCTET_STRING)?.to_vec();
        let serial = fields.expect(tag::INTEGER)?.to_vec();
        fields.finish()?;
        Ok(hash.map(|hash| Self { hash, name, key, serial }))
    }

    /// Which hash it uses.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// As DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let algorithm = der::sequence(&[&der::value(tag::OID, self.hash.id()), &der::value(tag::NULL, &[])]);
        let octets = |bytes| der::value(tag::OCTET_STRING, bytes);
        let serial = der::value(tag::INTEGER, &self.serial);
        der::sequence(&[&algorithm, &octets(&self.name), &octets(&self.key), &serial])
    }
}
