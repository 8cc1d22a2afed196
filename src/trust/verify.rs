//! Verifying messages, data, certificates, lists and OCSP answers with public keys: the only place that turns such a
//! key into one that verifies. The service's own tokens and receipts are verified in `src/token/`.
//!
//! A certified module can stand behind the same [`Verifier`]: it is asked for by [`from_spki`] alone.

use super::Distrust;
use super::algorithm::{SignatureAlgorithm, key};
use super::der::{DerError, Reader, tag};
use super::gost::{GostError, PublicKey, Scheme};
use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::signature as prehashed;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use std::sync::Arc;

/// Longest RSA key that is taken: 4096 bits and their DER framing, bytes.
const MAX_RSA: usize = 540;

/// Something that verifies signatures of one public key.
pub trait Verifier: Send + Sync {
    /// The algorithm of every signature of this key.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Verifies `signature` over `message`, which is hashed inside.
    ///
    /// # Errors
    /// [`Distrust::SignatureValue`], [`Distrust::Gost`] naming what is wrong with the value, or
    /// [`Distrust::KeyKind`] for an RSA key outside of 2048 to 4096 bits.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Distrust>;

    /// Verifies `signature` over the message that has this digest, for messages that are never held whole. The
    /// digest is that of [`SignatureAlgorithm::hasher`].
    ///
    /// # Errors
    /// Those of [`Verifier::verify`]; [`Distrust::Digest`] when it has not the length of the algorithm's digest.
    fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Result<(), Distrust>;
}

/// Reads a DER `SubjectPublicKeyInfo` (RFC 5280, 4.1): RSA, or one of the two of ГОСТ with its own parameters
/// (trust.md 2).
///
/// # Errors
/// [`Distrust::KeyKind`] for another algorithm or other parameters, [`Distrust::Gost`] for what is no point of the
/// curve, [`Distrust::KeyMalformed`].
pub fn from_spki(der: &[u8]) -> Result<Arc<dyn Verifier>, Distrust> {
    let read = Spki::read(der).map_err(|_| Distrust::KeyMalformed)?;
    if read.algorithm == key::RSA {
        return Ok(Arc::new(RsaVerifier { key: read.key.to_vec() }));
    }
    let scheme = key::gost(read.algorithm, read.parameters).ok_or(Distrust::KeyKind)?;
    let mut reader = Reader::new(read.key);
    let point = reader.expect(tag::OCTET_STRING).map_err(|_| Distrust::KeyMalformed)?;
    reader.finish().map_err(|_| Distrust::KeyMalformed)?;
    Ok(Arc::new(PublicKey::from_bytes(scheme, point).map_err(Distrust::Gost)?))
}

/// The key itself in a DER `SubjectPublicKeyInfo`: what hashes of keys are made of (RFC 5280, 4.2.1.2; RFC 6960, 4.1.1).
///
/// # Errors
/// [`DerError`].
pub fn key_bits(der: &[u8]) -> Result<&[u8], DerError> {
    Spki::read(der).map(|read| read.key)
}

/// The parts of a `SubjectPublicKeyInfo`.
struct Spki<'a> {
    /// Content of the OBJECT IDENTIFIER.
    algorithm: &'a [u8],
    /// With tag and length; empty: none.
    parameters: &'a [u8],
    key: &'a [u8],
}

impl<'a> Spki<'a> {
    fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(der);
        let mut spki = outer.enter(tag::SEQUENCE)?;
        outer.finish()?;
        let mut named = spki.enter(tag::SEQUENCE)?;
        let algorithm = named.expect(tag::OID)?;
        let parameters = if named.is_empty() { &[] } else { named.any()?.raw };
        named.finish()?;
        let key = spki.bits()?;
        spki.finish()?;
        Ok(Self { algorithm, parameters, key })
    }
}

/// An RSA key as PKCS#1 `RSAPublicKey`.
struct RsaVerifier {
    key: Vec<u8>,
}

impl Verifier for RsaVerifier {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Distrust> {
        if self.key.len() > MAX_RSA {
            return Err(Distrust::KeyKind);
        }
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.key)
            .verify(message, signature)
            .map_err(|_| Distrust::SignatureValue)
    }

    fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Result<(), Distrust> {
        if self.key.len() > MAX_RSA {
            return Err(Distrust::KeyKind);
        }
        // ring takes no digests.
        let digest = Digest::import_less_safe(digest, &SHA256).map_err(|_| Distrust::Digest)?;
        prehashed::UnparsedPublicKey::new(&prehashed::RSA_PKCS1_2048_8192_SHA256, &self.key)
            .verify_digest(&digest, signature)
            .map_err(|_| Distrust::SignatureValue)
    }
}

impl Verifier for PublicKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        match self.scheme() {
            Scheme::Gost2004 => SignatureAlgorithm::Gost2004,
            Scheme::Gost2015 => SignatureAlgorithm::Gost2015,
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Distrust> {
        Verifier::verify_digest(self, &self.scheme().digest(message), signature)
    }

    fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Result<(), Distrust> {
        if digest.len() != self.scheme().width() {
            return Err(Distrust::Digest);
        }
        PublicKey::verify_digest(self, digest, signature).map_err(|error| match error {
            GostError::Mismatch => Distrust::SignatureValue,
            other => Distrust::Gost(other),
        })
    }
}
