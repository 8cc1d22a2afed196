//! ГОСТ 34.310-2004 and ГОСТ 34.10-2015-512, as НУЦ signs with them (trust.md 2).
//!
//! Keys and signatures are little-endian: x ‖ y, and r ‖ s; RFC 9215 has them the other way round. The digest is read
//! little-endian too. Verification handles what everybody may know; signing takes a time that depends on no secret.
//! This is no certified cryptographic module: one can stand behind [`crate::trust::sign::Signer`] in its place.
//!
//! | file | what |
//! |---|---|
//! | `limb.rs` | numbers of fixed width |
//! | `field.rs` `scalar.rs` | numbers modulo p and modulo q |
//! | `curve.rs` | the two curves |
//! | `point.rs` | points; multiples of the base point, for signing |
//! | `jacobian.rs` | sums and multiples of points, for verifying; the tables |
//! | `signature.rs` | the equations of signing and verifying |
//! | `differential.rs` | a test: all of it against big integers |
//! | `constant_time.rs` | a test: signing executes the same instructions for all secrets |

#[cfg(test)]
mod constant_time;
mod curve;
#[cfg(test)]
mod differential;
mod field;
mod jacobian;
mod limb;
mod point;
mod scalar;
mod signature;

use curve::{CryptoProA, Tc26A};
use gost94::{Digest as _, Gost94CryptoPro, Gost94Test, Gost94UA, Gost94s2015};
use signature::{Secret, Verifying};
use std::fmt;
use streebog::Streebog512;
use zeroize::Zeroizing;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// ГОСТ 34.310-2004 on CryptoPro-A, with the hash of ГОСТ 34.311-95 and its test S-box: 256 bits.
    Gost2004,
    /// ГОСТ 34.10-2015 on tc26-512-A with Streebog-512: 512 bits.
    Gost2015,
}

impl Scheme {
    /// Bytes of a coordinate, of half a signature, of a private key and of a digest.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::Gost2004 => 32,
            Self::Gost2015 => 64,
        }
    }

    /// The digest of `message`: 32 bytes by ГОСТ 34.311-95, 64 by Streebog-512 (RFC 5831, RFC 6986).
    #[must_use]
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Gost2004 => Gost94Test::digest(message).to_vec(),
            Self::Gost2015 => Streebog512::digest(message).to_vec(),
        }
    }
}

/// A hash of a message.
pub type Hash = fn(&[u8]) -> Vec<u8>;

/// ГОСТ 34.311-95 by the S-boxes that other stacks take for it, to tell them apart: nothing is accepted by them.
pub const OTHER_HASHES: [Hash; 3] = [
    |message| Gost94CryptoPro::digest(message).to_vec(),
    |message| Gost94s2015::digest(message).to_vec(),
    |message| Gost94UA::digest(message).to_vec(),
];

/// Why a key or a signature is not taken. No text holds anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GostError {
    /// Not the two coordinates of the scheme.
    #[error("the ГОСТ public key does not have the length of two coordinates")]
    KeyLength,
    /// A coordinate that is not below p.
    #[error("a coordinate of the ГОСТ public key is not below p")]
    Coordinate,
    /// A point that is not on the curve.
    #[error("the ГОСТ public key is no point of the curve")]
    NotOnCurve,
    /// A private key that is zero, not below q, or of another length.
    #[error("the ГОСТ private key is not between zero and q")]
    PrivateKey,
    /// Not the two halves of a signature of the scheme.
    #[error("the ГОСТ signature does not have the length of r and s")]
    SignatureLength,
    /// r or s is zero or not below q.
    #[error("r or s of the ГОСТ signature is not between zero and q")]
    Range,
    /// Not this key's signature over this message.
    #[error("the ГОСТ signature does not verify")]
    Mismatch,
    /// No random numbers to be had.
    #[error("the generator of random numbers failed")]
    Random,
}

/// A public key: a point that is known to be on its curve.
#[derive(Clone, Debug)]
pub struct PublicKey(Public);

#[derive(Clone, Debug)]
enum Public {
    Gost2004(Verifying<CryptoProA, 4>),
    Gost2015(Box<Verifying<Tc26A, 8>>),
}

impl PublicKey {
    /// Reads x ‖ y, little-endian: 64 bytes of ГОСТ 34.310-2004, 128 of ГОСТ 34.10-2015-512.
    ///
    /// # Errors
    /// [`GostError::KeyLength`], [`GostError::Coordinate`], [`GostError::NotOnCurve`].
    pub fn from_bytes(scheme: Scheme, bytes: &[u8]) -> Result<Self, GostError> {
        Ok(Self(match scheme {
            Scheme::Gost2004 => Public::Gost2004(Verifying::from_bytes(bytes)?),
            Scheme::Gost2015 => Public::Gost2015(Box::new(Verifying::from_bytes(bytes)?)),
        }))
    }

    /// x ‖ y, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Public::Gost2004(key) => key.to_bytes(),
            Public::Gost2015(key) => key.to_bytes(),
        }
    }

    /// Of which scheme it is.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.0 {
            Public::Gost2004(_) => Scheme::Gost2004,
            Public::Gost2015(_) => Scheme::Gost2015,
        }
    }

    /// Verifies r ‖ s, little-endian, over `message`.
    ///
    /// # Errors
    /// [`GostError::SignatureLength`], [`GostError::Range`], [`GostError::Mismatch`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), GostError> {
        self.verify_digest(&self.scheme().digest(message), signature)
    }

    /// Verifies r ‖ s over the message with this digest, of [`Scheme::digest`].
    ///
    /// # Errors
    /// Those of [`PublicKey::verify`].
    pub fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Result<(), GostError> {
        match &self.0 {
            Public::Gost2004(key) => key.verify(digest, signature),
            Public::Gost2015(key) => key.verify(digest, signature),
        }
    }
}

/// A private key, wiped when dropped.
pub struct PrivateKey(Private);

enum Private {
    Gost2004(Secret<CryptoProA, 4>),
    Gost2015(Box<Secret<Tc26A, 8>>),
}

impl PrivateKey {
    /// Draws a key.
    ///
    /// # Errors
    /// [`GostError::Random`].
    pub fn generate(scheme: Scheme) -> Result<Self, GostError> {
        Ok(Self(match scheme {
            Scheme::Gost2004 => Private::Gost2004(Secret::generate()?),
            Scheme::Gost2015 => Private::Gost2015(Box::new(Secret::generate()?)),
        }))
    }

    /// Reads d, little-endian: 32 bytes of ГОСТ 34.310-2004, 64 of ГОСТ 34.10-2015-512.
    ///
    /// # Errors
    /// [`GostError::PrivateKey`].
    pub fn from_bytes(scheme: Scheme, bytes: &[u8]) -> Result<Self, GostError> {
        Ok(Self(match scheme {
            Scheme::Gost2004 => Private::Gost2004(Secret::from_bytes(bytes)?),
            Scheme::Gost2015 => Private::Gost2015(Box::new(Secret::from_bytes(bytes)?)),
        }))
    }

    /// d, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match &self.0 {
            Private::Gost2004(key) => key.to_bytes(),
            Private::Gost2015(key) => key.to_bytes(),
        }
    }

    /// Of which scheme it is.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.0 {
            Private::Gost2004(_) => Scheme::Gost2004,
            Private::Gost2015(_) => Scheme::Gost2015,
        }
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(match &self.0 {
            Private::Gost2004(key) => Public::Gost2004(key.public_key()),
            Private::Gost2015(key) => Public::Gost2015(Box::new(key.public_key())),
        })
    }

    /// Signs `message`: r ‖ s, little-endian. Two signatures of one message differ.
    ///
    /// # Errors
    /// [`GostError::Random`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, GostError> {
        let digest = self.scheme().digest(message);
        match &self.0 {
            Private::Gost2004(key) => key.sign(&digest),
            Private::Gost2015(key) => key.sign(&digest),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?})", self.scheme())
    }
}
