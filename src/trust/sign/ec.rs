//! Keys on P-256 (FIPS 186-5), on aws-lc.

use super::pem::PemKey;
use super::{SignError, SignatureAlgorithm, Signer, pem, rejection};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair};
use std::fmt;
use zeroize::Zeroizing;

const P256: &EcdsaSigningAlgorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;

/// A private key on P-256, ready to sign.
pub struct EcSigner {
    pair: EcdsaKeyPair,
    spki: Box<[u8]>,
}

impl EcSigner {
    /// Generates a key pair.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the generator fails.
    pub fn generate() -> Result<Self, SignError> {
        Self::keep(EcdsaKeyPair::generate(P256).map_err(|_| SignError::Failed)?)
    }

    /// Reads a PKCS#8 `PrivateKeyInfo` (RFC 5208), unencrypted.
    ///
    /// # Errors
    /// [`SignError::Malformed`], or [`SignError::Kind`] for another kind or another curve.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, SignError> {
        EcdsaKeyPair::from_pkcs8(P256, der).map_err(|rejected| rejection(&rejected)).and_then(Self::keep)
    }

    /// Reads an `ECPrivateKey` (RFC 5915).
    pub(super) fn from_sec1_der(der: &[u8]) -> Result<Self, SignError> {
        let pair = EcdsaKeyPair::from_private_key_der(P256, der);
        pair.map_err(|rejected| rejection(&rejected)).and_then(Self::keep)
    }

    /// Reads the first private key of a PEM text (RFC 7468): `PRIVATE KEY` (PKCS#8) or `EC PRIVATE KEY`
    /// (RFC 5915). Blocks before it are passed over.
    ///
    /// # Errors
    /// [`SignError`] names what is wrong.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        match pem::first_key(pem)? {
            PemKey::Pkcs8(der) => Self::from_pkcs8_der(&der),
            PemKey::Ec(der) => Self::from_sec1_der(&der),
            PemKey::Rsa(_) => Err(SignError::Kind),
        }
    }

    fn keep(pair: EcdsaKeyPair) -> Result<Self, SignError> {
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| SignError::Failed)?;
        let spki = Box::from(spki.as_ref());
        Ok(Self { pair, spki })
    }
}

impl Signer for EcSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::EcdsaP256Sha256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| SignError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }

    fn public_key_spki(&self) -> &[u8] {
        &self.spki
    }

    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| SignError::Failed)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }
}

impl fmt::Debug for EcSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EcSigner(P-256)")
    }
}
