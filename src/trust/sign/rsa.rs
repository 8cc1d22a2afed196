//! RSA keys (RFC 8017), on aws-lc.

use super::pem::PemKey;
use super::{SignError, SignatureAlgorithm, Signer, pem, rejection};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use std::fmt;
use zeroize::Zeroizing;

/// An RSA private key of 2048 to 4096 bits, ready to sign.
pub struct RsaSigner {
    pair: RsaKeyPair,
    spki: Box<[u8]>,
}

impl RsaSigner {
    /// Generates a key pair of 2048, 3072 or 4096 bits; takes up to seconds.
    ///
    /// # Errors
    /// [`SignError::Size`] for another size, [`SignError::Failed`] when the generator fails.
    pub fn generate(bits: u32) -> Result<Self, SignError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => return Err(SignError::Size),
        };
        Self::keep(RsaKeyPair::generate(size).map_err(|_| SignError::Failed)?)
    }

    /// Reads a PKCS#8 `PrivateKeyInfo` (RFC 5208), unencrypted.
    ///
    /// # Errors
    /// [`SignError::Malformed`] or [`SignError::Size`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, SignError> {
        RsaKeyPair::from_pkcs8(der).map_err(|rejected| rejection(&rejected)).and_then(Self::keep)
    }

    /// Reads a PKCS#1 `RSAPrivateKey` (RFC 8017, A.1.2).
    pub(super) fn from_pkcs1_der(der: &[u8]) -> Result<Self, SignError> {
        RsaKeyPair::from_der(der).map_err(|rejected| rejection(&rejected)).and_then(Self::keep)
    }

    /// Reads the first private key of a PEM text (RFC 7468): `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY`
    /// (PKCS#1). Blocks before it, such as certificates, are passed over.
    ///
    /// # Errors
    /// [`SignError`] names what is wrong.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        match pem::first_key(pem)? {
            PemKey::Pkcs8(der) => Self::from_pkcs8_der(&der),
            PemKey::Rsa(der) => Self::from_pkcs1_der(&der),
            PemKey::Ec(_) => Err(SignError::Kind),
        }
    }

    /// Size of the modulus, in bits rounded up to whole bytes.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.pair.public_modulus_len() * 8
    }

    fn keep(pair: RsaKeyPair) -> Result<Self, SignError> {
        if !(256..=512).contains(&pair.public_modulus_len()) {
            return Err(SignError::Size);
        }
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| SignError::Failed)?;
        let spki = Box::from(spki.as_ref());
        Ok(Self { pair, spki })
    }
}

impl Signer for RsaSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SignError::Failed)?;
        Ok(signature)
    }

    fn public_key_spki(&self) -> &[u8] {
        &self.spki
    }

    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| SignError::Failed)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }
}

impl fmt::Debug for RsaSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaSigner({} bits)", self.bits())
    }
}
