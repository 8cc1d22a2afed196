//! Extensions of lists, of their entries and of OCSP answers (RFC 5280, 4.1).

use crate::trust::der::{DerError, Reader, tag};

/// Identifiers of extensions, the content of their OBJECT IDENTIFIER.
pub mod id {
    /// `reasonCode`
    pub const REASON: &[u8] = &[0x55, 0x1d, 21];
    /// `certificateIssuer`
    pub const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
    /// `cRLNumber`
    pub const NUMBER: &[u8] = &[0x55, 0x1d, 20];
    /// `deltaCRLIndicator`
    pub const DELTA: &[u8] = &[0x55, 0x1d, 27];
    /// `issuingDistributionPoint`
    pub const DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
    /// `authorityKeyIdentifier`
    pub const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 35];
    /// `id-pkix-ocsp-nonce` (RFC 6960, 4.4.1)
    pub const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
}

/// Most extensions of a list, an entry or an answer: each is compared with those before it.
const MOST: usize = 32;

/// One extension.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// Its identifier.
    pub id: &'a [u8],
    /// Whether it must be understood.
    pub critical: bool,
    /// What its OCTET STRING holds.
    pub value: &'a [u8],
}

/// Reads the content of `Extensions`: each at most once.
///
/// # Errors
/// [`DerError`], also for more than any authority writes.
pub fn read(content: &[u8]) -> Result<Vec<Extension<'_>>, DerError> {
    let mut reader = Reader::new(content);
    let mut extensions: Vec<Extension<'_>> = Vec::new();
    while !reader.is_empty() {
        let mut fields = reader.enter(tag::SEQUENCE)?;
        let id = fields.expect(tag::OID)?;
        let critical = match fields.optional(tag::BOOLEAN)? {
            // In DER the default, false, is not written.
            None => false,
            Some([0xff]) => true,
            Some(_) => return Err(DerError),
        };
        let value = fields.expect(tag::OCTET_STRING)?;
        fields.finish()?;
        if extensions.len() >= MOST || extensions.iter().any(|extension| extension.id == id) {
            return Err(DerError);
        }
        extensions.push(Extension { id, critical, value });
    }
    Ok(extensions)
}

/// The content of the one value that `bytes` must be.
///
/// # Errors
/// [`DerError`].
pub fn sole(bytes: &[u8], tag: u8) -> Result<&[u8], DerError> {
    let mut reader = Reader::new(bytes);
    let content = reader.expect(tag)?;
    reader.finish()?;
    Ok(content)
}

/// The identifier of an `AlgorithmIdentifier`, which may have parameters.
///
/// # Errors
/// [`DerError`].
pub fn algorithm(bytes: &[u8]) -> Result<&[u8], DerError> {
    let mut fields = Reader::new(sole(bytes, tag::SEQUENCE)?);
    let identifier = fields.expect(tag::OID)?;
    if !fields.is_empty() {
        fields.any()?;
    }
    fields.finish()?;
    Ok(identifier)
}

/// The bytes of a not negative INTEGER of at most 20 bytes (RFC 5280, 4.1.2.2 and 5.2.3), without leading
/// zeros.
///
/// # Errors
/// [`DerError`].
pub fn unsigned(content: &[u8]) -> Result<&[u8], DerError> {
    match content {
        [0] => Ok(&[]),
        [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) && digits.len() <= 20 => {
            Ok(digits)
        }
        [1..=0x7f, ..] if content.len() <= 20 => Ok(content),
        _ => Err(DerError),
    }
}
