//! Signing with private keys: the only place that makes a signature.
//!
//! Signatures are the largest cost of an exchange, and aws-lc makes them in less than half of the time that
//! ring needs; so both signers stand on aws-lc-rs, with their keys parsed once and kept. RSA signs what must be
//! read everywhere, messages and security tokens; ECDSA, some ten times faster, what is signed at every check of
//! a token. A PKCS#11 or a certified module can stand behind the same [`Signer`].

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How a [`Signer`] signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2): `RS256` of JWS, `rsa-sha256` of XML signatures.
    RsaSha256,
    /// ECDSA on P-256 with SHA-256, r ‖ s of 32 bytes each (RFC 7518, 3.4): `ES256` of JWS. Two signatures of one
    /// message differ: the module draws the nonce, and cannot be made to derive it (RFC 6979).
    EcdsaP256Sha256,
}

/// Something that signs with one private key.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature of this key.
    fn algorithm(&self) -> SigningAlgorithm;

    /// Signs `message` itself, which is hashed inside.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the module behind the key fails; nothing is signed then.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The public key as DER `SubjectPublicKeyInfo` (RFC 5280, 4.1).
    fn public_key_spki(&self) -> &[u8];

    /// The private key as unencrypted PKCS#8 (RFC 5208), to be sealed and stored; wiped when dropped.
    ///
    /// # Errors
    /// [`SignError::Kept`] for a key that never leaves its module, which is what a signer says that does not say
    /// otherwise; [`SignError::Failed`] when the module fails.
    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        Err(SignError::Kept)
    }
}

/// Reads an unencrypted PKCS#8 `PrivateKeyInfo`; the key in it decides how it signs.
///
/// # Errors
/// [`SignError::Kind`] for a key that is neither RSA nor on P-256, and those of [`RsaSigner::from_pkcs8_der`].
pub fn from_pkcs8_der(der: &[u8]) -> Result<Arc<dyn Signer>, SignError> {
    match RsaSigner::from_pkcs8_der(der) {
        Err(SignError::Kind) => Ok(Arc::new(EcSigner::from_pkcs8_der(der)?)),
        read => Ok(Arc::new(read?)),
    }
}

/// Why a key is not usable, or did not sign. No text holds anything of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Not a PEM file with a private key in it.
    #[error("no PEM block `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`")]
    NoKey,
    /// The PEM block is encrypted under a password.
    #[error("the private key is encrypted; an unencrypted one is needed")]
    Encrypted,
    /// A key of another kind than is needed.
    #[error("the private key is of another kind than is needed here: RSA, or EC on P-256")]
    Kind,
    /// The DER is broken, or its numbers do not fit each other.
    #[error("the private key is malformed or inconsistent")]
    Malformed,
    /// The key does not leave its module.
    #[error("the private key does not leave its module")]
    Kept,
    /// Outside of 2048 to 4096 bits (trust.md 1).
    #[error("an RSA key must have 2048 to 4096 bits")]
    Size,
    /// The module failed.
    #[error("signing failed")]
    Failed,
}

const P256: &aws_lc_rs::signature::EcdsaSigningAlgorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;

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

    /// Reads the first private key of a PEM text (RFC 7468): `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY`
    /// (PKCS#1). Blocks before it, such as certificates, are passed over.
    ///
    /// # Errors
    /// [`SignError`] names what is wrong.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        let pair = match first_key(pem)? {
            PemKey::Pkcs8(der) => RsaKeyPair::from_pkcs8(&der),
            PemKey::Rsa(der) => RsaKeyPair::from_der(&der),
            PemKey::Ec(_) => return Err(SignError::Kind),
        };
        pair.map_err(|rejected| rejection(&rejected)).and_then(Self::keep)
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
    fn algorithm(&self) -> SigningAlgorithm {
        SigningAlgorithm::RsaSha256
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

    /// Reads the first private key of a PEM text (RFC 7468): `PRIVATE KEY` (PKCS#8) or `EC PRIVATE KEY`
    /// (RFC 5915). Blocks before it are passed over.
    ///
    /// # Errors
    /// [`SignError`] names what is wrong.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        let pair = match first_key(pem)? {
            PemKey::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(P256, &der),
            PemKey::Ec(der) => EcdsaKeyPair::from_private_key_der(P256, &der),
            PemKey::Rsa(_) => return Err(SignError::Kind),
        };
        pair.map_err(|rejected| rejection(&rejected)).and_then(Self::keep)
    }

    fn keep(pair: EcdsaKeyPair) -> Result<Self, SignError> {
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| SignError::Failed)?;
        let spki = Box::from(spki.as_ref());
        Ok(Self { pair, spki })
    }
}

impl Signer for EcSigner {
    fn algorithm(&self) -> SigningAlgorithm {
        SigningAlgorithm::EcdsaP256Sha256
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

/// The private key of a PEM text as its label calls it, DER.
enum PemKey {
    Pkcs8(Zeroizing<Vec<u8>>),
    Rsa(Zeroizing<Vec<u8>>),
    Ec(Zeroizing<Vec<u8>>),
}

/// Finds the first private key of a PEM text.
fn first_key(pem: &str) -> Result<PemKey, SignError> {
    let mut rest = pem;
    while let Some((_, block)) = rest.split_once("-----BEGIN ") {
        let (label, body) = block.split_once("-----").ok_or(SignError::Malformed)?;
        let (body, after) = body.split_once("-----END ").ok_or(SignError::Malformed)?;
        rest = after;
        return match label {
            // Old encrypted PKCS#1 files say so in headers within the block.
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" if body.contains("ENCRYPTED") => Err(SignError::Encrypted),
            "ENCRYPTED PRIVATE KEY" => Err(SignError::Encrypted),
            "DSA PRIVATE KEY" => Err(SignError::Kind),
            "PRIVATE KEY" => pem_body(body).map(PemKey::Pkcs8),
            "RSA PRIVATE KEY" => pem_body(body).map(PemKey::Rsa),
            "EC PRIVATE KEY" => pem_body(body).map(PemKey::Ec),
            _ => continue,
        };
    }
    Err(SignError::NoKey)
}

/// Decodes the lines of a PEM block; every copy of the secret that is made here is wiped.
fn pem_body(lines: &str) -> Result<Zeroizing<Vec<u8>>, SignError> {
    let mut text = Zeroizing::new(Vec::with_capacity(lines.len()));
    text.extend(lines.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(&*text).map(Zeroizing::new).map_err(|_| SignError::Malformed)
}

fn rejection(rejected: &aws_lc_rs::error::KeyRejected) -> SignError {
    match rejected.description_() {
        "TooSmall" | "TooLarge" => SignError::Size,
        "WrongAlgorithm" => SignError::Kind,
        _ => SignError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use x509_parser::prelude::FromDer;
    use x509_parser::x509::SubjectPublicKeyInfo;

    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n", lines.join("\r\n"))
    }

    #[test]
    fn what_it_signs_ring_verifies_with_the_spki() {
        let signer = RsaSigner::generate(2048).unwrap();
        let signature = signer.sign(b"message").unwrap();
        let (_, spki) = SubjectPublicKeyInfo::from_der(signer.public_key_spki()).unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki.subject_public_key.data);
        assert!(key.verify(b"message", &signature).is_ok());
        assert!(key.verify(b"massage", &signature).is_err());
        assert_eq!(signer.bits(), 2048);
    }

    #[test]
    fn a_key_is_read_from_pkcs8_and_pkcs1_files() {
        let signer = RsaSigner::generate(2048).unwrap();
        let pkcs8 = signer.to_pkcs8_der().unwrap();
        // PrivateKeyInfo of such a key: 26 bytes of version, algorithm and lengths before the PKCS#1 structure.
        let pkcs1 = &pkcs8[26..];
        let certificate = pem("CERTIFICATE", b"passed over");
        for text in [
            pem("PRIVATE KEY", &pkcs8),
            pem("RSA PRIVATE KEY", pkcs1),
            certificate + &pem("PRIVATE KEY", &pkcs8),
        ] {
            let read = RsaSigner::from_pem(&text).unwrap();
            assert_eq!(read.public_key_spki(), signer.public_key_spki());
            assert_eq!(*read.to_pkcs8_der().unwrap(), *pkcs8);
        }
    }

    #[test]
    fn what_is_no_usable_key_is_refused_by_name() {
        let broken = pem("PRIVATE KEY", b"not DER");
        let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
        for (text, error) in [
            ("", SignError::NoKey),
            (&pem("CERTIFICATE", b"x"), SignError::NoKey),
            (&broken, SignError::Malformed),
            (&broken[..40], SignError::Malformed),
            ("-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", SignError::Malformed),
            ("-----BEGIN ", SignError::Malformed),
            (encrypted, SignError::Encrypted),
            (&pem("ENCRYPTED PRIVATE KEY", b"x"), SignError::Encrypted),
            (&pem("EC PRIVATE KEY", b"x"), SignError::Kind),
        ] {
            assert_eq!(RsaSigner::from_pem(text).unwrap_err(), error, "{text}");
        }
        for bits in [0, 1024, 2047, 8192] {
            assert_eq!(RsaSigner::generate(bits).unwrap_err(), SignError::Size);
        }
    }

    #[test]
    fn an_ec_key_signs_with_64_bytes_that_ring_verifies() {
        let signer = EcSigner::generate().unwrap();
        let (_, spki) = SubjectPublicKeyInfo::from_der(signer.public_key_spki()).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &spki.subject_public_key.data);
        // r or s may have leading zeros: one in 128 signatures.
        for number in 0_u32..1_000 {
            let signature = signer.sign(&number.to_be_bytes()).unwrap();
            assert_eq!(signature.len(), 64);
            assert!(key.verify(&number.to_be_bytes(), &signature).is_ok(), "{number}");
            assert!(key.verify(&(number + 1).to_be_bytes(), &signature).is_err(), "{number}");
        }
    }

    #[test]
    fn an_ec_key_is_read_from_both_kinds_of_files() {
        let signer = EcSigner::generate().unwrap();
        let pkcs8 = signer.to_pkcs8_der().unwrap();
        // Of the same key: `ECPrivateKey` stands in an OCTET STRING at the end of PrivateKeyInfo.
        let sec1 = &pkcs8[29..];
        for text in [pem("PRIVATE KEY", &pkcs8), pem("EC PRIVATE KEY", sec1)] {
            let read = EcSigner::from_pem(&text).unwrap();
            assert_eq!(read.public_key_spki(), signer.public_key_spki());
            assert_eq!(*read.to_pkcs8_der().unwrap(), *pkcs8);
        }
    }

    #[test]
    fn the_key_in_pkcs8_decides_how_it_signs() {
        let (rsa, ec) = (RsaSigner::generate(2048).unwrap(), EcSigner::generate().unwrap());
        let signers: [&dyn Signer; 2] = [&rsa, &ec];
        for signer in signers {
            let read = from_pkcs8_der(&signer.to_pkcs8_der().unwrap()).unwrap();
            assert_eq!(read.algorithm(), signer.algorithm());
            assert_eq!(read.public_key_spki(), signer.public_key_spki());
        }
        let foreign = |algorithm| rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_der();
        for der in [foreign(&rcgen::PKCS_ECDSA_P384_SHA384), foreign(&rcgen::PKCS_ED25519)] {
            assert_eq!(from_pkcs8_der(&der).err(), Some(SignError::Kind));
        }
        assert_eq!(from_pkcs8_der(b"not DER").err(), Some(SignError::Malformed));
        assert_eq!(EcSigner::from_pkcs8_der(&rsa.to_pkcs8_der().unwrap()).err(), Some(SignError::Kind));
        assert_eq!(EcSigner::from_pem(&pem("RSA PRIVATE KEY", b"x")).err(), Some(SignError::Kind));
        assert_eq!(
            RsaSigner::from_pem(&pem("PRIVATE KEY", &ec.to_pkcs8_der().unwrap())).err(),
            Some(SignError::Kind)
        );
    }

    #[test]
    fn a_key_below_2048_bits_is_refused() {
        // A throw-away key of 1024 bits, made for this test.
        let small = "\
             -----BEGIN RSA PRIVATE KEY-----\n\
             MIICXQIBAAKBgQCploAiTrBCh2iBEjKQWunifZh7D9Y5HHhWfFYQGInq+L4gVc9q\n\
             GWTt7fmdIw8CKTEXaifHTanzWJ+nn/GFWTZWLOfV2FGlopM+37vA2xsMPc4DR0eD\n\
             2DnBepSeptpbQYNwsmrWwaAcQhCZyNFxIqMxqu77yc9FcIT+D39dirQJjQIDAQAB\n\
             AoGAJJBQXBU/J3jubTWxNTKEztJpd874TyP2Rh9Upu/DfKfYxjv6FlQXUL1IXjra\n\
             14puDTBUF0KFa/QlqAxyFGAhuKTijW0/4yvjHcsPWVwRPFkFadfBkZyp/HE6fSP6\n\
             y1HGmwsA8WOP/MgiAh5iaI92o2msT9qW5ekGoQCodnsUW0ECQQDVRI2Y+plpvvKD\n\
             EfY598Bv1ppGdsKwEGzC0LTBV9Y0HsmxnevpaH3R+73ljmCgYy6d5higKd3yJvt8\n\
             1yneN2QpAkEAy5FpqN5gsJSjphc/7r4MUPXM2HXaOi1xEVuDmMPvwQLgJxnfkP2Z\n\
             uZ/HevfcHYgH+SWOypaTOwhsLKpRr0MGxQJBAMfOKjsgzYpc8ygJM/6rNweQr4lE\n\
             yrHZMYxzrGVXvb+m+KAHrHZJB1gr2oWvFqgtRAd7A6dKkj3Ed+lGTFt82cECQE03\n\
             RCfc6jowt3551TNe/Vb8VY5J7dQhhoD6AInC0L+asqHCS644s8XYWJdJS0IcZkHY\n\
             QDiSMxiyUi4DEOb0+q0CQQC5EQhrTIg7TIr39z0A4AHZXTM038Nm4XGWgnjYNVjW\n\
             2CycTkWENFEmTIKRe7MM0zq5MBRUqX+bmUVnFv4RdMhu\n\
             -----END RSA PRIVATE KEY-----\n\
             ";
        assert_eq!(RsaSigner::from_pem(small).unwrap_err(), SignError::Size);
    }

    #[test]
    fn the_key_is_not_readable_in_debug() {
        let signer = RsaSigner::generate(2048).unwrap();
        assert_eq!(format!("{signer:?}"), "RsaSigner(2048 bits)");
        assert_eq!(format!("{:?}", EcSigner::generate().unwrap()), "EcSigner(P-256)");
    }
}
