//! Signing with private keys: the only place that makes a signature.
//!
//! Signatures are the largest cost of an exchange, and aws-lc makes them in less than half of the time that
//! ring needs; so the signers of RSA and P-256 stand on aws-lc-rs, with their keys parsed once and kept. RSA and the two
//! of ГОСТ sign messages, certificates and verification tokens; RSA signs security tokens, which must be read
//! everywhere; ECDSA, some ten times faster, what is signed at every check of a token. A PKCS#11 or a certified module
//! can stand behind the same [`Signer`].

mod ec;
mod gost;
mod pem;
mod rsa;

pub use super::algorithm::SignatureAlgorithm;
pub use ec::EcSigner;
pub use gost::GostSigner;
pub use rsa::RsaSigner;

use super::algorithm::key;
use pem::PemKey;
use zeroize::Zeroizing;

/// Something that signs with one private key.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature of this key.
    fn algorithm(&self) -> SignatureAlgorithm;

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

/// Reads the first private key of a PEM text (RFC 7468), of any kind: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` or
/// `EC PRIVATE KEY`. Blocks before it, such as certificates, are passed over.
///
/// # Errors
/// [`SignError`] names what is wrong.
pub fn from_pem(pem: &str) -> Result<Box<dyn Signer>, SignError> {
    match pem::first_key(pem)? {
        PemKey::Pkcs8(der) => from_pkcs8_der(&der),
        PemKey::Rsa(der) => Ok(Box::new(RsaSigner::from_pkcs1_der(&der)?)),
        PemKey::Ec(der) => Ok(Box::new(EcSigner::from_sec1_der(&der)?)),
    }
}

/// Reads an unencrypted PKCS#8 `PrivateKeyInfo`; the key in it decides how it signs.
///
/// # Errors
/// [`SignError::Kind`] for a key that is neither RSA nor on P-256 nor of ГОСТ, and those of
/// [`RsaSigner::from_pkcs8_der`].
pub fn from_pkcs8_der(der: &[u8]) -> Result<Box<dyn Signer>, SignError> {
    match GostSigner::from_pkcs8_der(der) {
        Err(SignError::Kind) => {}
        read => return Ok(Box::new(read?)),
    }
    // What aws-lc does not know it calls malformed.
    let known = [key::RSA, key::EC];
    if gost::Info::read(der).is_ok_and(|info| !known.contains(&info.identifier)) {
        return Err(SignError::Kind);
    }
    match RsaSigner::from_pkcs8_der(der) {
        Err(SignError::Kind) => Ok(Box::new(EcSigner::from_pkcs8_der(der)?)),
        read => Ok(Box::new(read?)),
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
    #[error(
        "the private key is of another kind than is needed here: RSA, EC on P-256, or one of the two of ГОСТ"
    )]
    Kind,
    /// A key of ГОСТ where owners must be able to verify.
    #[error(
        "a ГОСТ key signs messages and verification tokens, but nothing that owners read: RSA signs security tokens, EC on P-256 receipts"
    )]
    NotOfService,
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
    use crate::trust::gost::Scheme;
    use crate::trust::{Distrust, verify};
    use base64::{Engine as _, engine::general_purpose::STANDARD};
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
        let [old, new] = [Scheme::Gost2004, Scheme::Gost2015].map(|s| GostSigner::generate(s).unwrap());
        let signers: [&dyn Signer; 4] = [&rsa, &ec, &old, &new];
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
    fn a_key_of_gost_signs_what_its_spki_verifies() {
        for (scheme, length) in [(Scheme::Gost2004, 64), (Scheme::Gost2015, 128)] {
            let signer = GostSigner::generate(scheme).unwrap();
            let key = verify::from_spki(signer.public_key_spki()).unwrap();
            assert_eq!(key.algorithm(), signer.algorithm());
            let signature = signer.sign(b"message").unwrap();
            assert_eq!(signature.len(), length);
            assert_eq!(key.verify(b"message", &signature), Ok(()));
            assert_eq!(key.verify(b"massage", &signature), Err(Distrust::SignatureValue));
            assert_ne!(signer.sign(b"message").unwrap(), signature, "the nonce is drawn anew");
        }
    }

    #[test]
    fn a_key_of_gost_is_read_from_its_file_and_from_nothing_else() {
        for scheme in [Scheme::Gost2004, Scheme::Gost2015] {
            let signer = GostSigner::generate(scheme).unwrap();
            let pkcs8 = signer.to_pkcs8_der().unwrap();
            let file = pem("CERTIFICATE", b"passed over") + &pem("PRIVATE KEY", &pkcs8);
            for read in [from_pem(&file).unwrap(), Box::new(GostSigner::from_pem(&file).unwrap())] {
                assert_eq!(read.public_key_spki(), signer.public_key_spki());
                assert_eq!(*read.to_pkcs8_der().unwrap(), *pkcs8);
            }
            assert!(RsaSigner::from_pem(&file).is_err() && EcSigner::from_pem(&file).is_err());
            for end in 0..pkcs8.len() {
                assert!(from_pkcs8_der(&pkcs8[..end]).is_err(), "cut at {end}");
            }
            assert!(from_pkcs8_der(&[&pkcs8[..], &[0]].concat()).is_err());
            let number = pkcs8.len() - if scheme == Scheme::Gost2004 { 32 } else { 64 };
            for digit in [0, 0xff] {
                let mut changed = pkcs8.to_vec();
                changed[number..].fill(digit);
                assert_eq!(from_pkcs8_der(&changed).err(), Some(SignError::Malformed), "zero, or above q");
            }
            // Another identifier of the hash, which stands before both OCTET STRINGs.
            let mut changed = pkcs8.to_vec();
            changed[number - 5] ^= 1;
            assert_eq!(from_pkcs8_der(&changed).err(), Some(SignError::Kind));
        }
    }

    #[test]
    fn the_key_is_not_readable_in_debug() {
        let signer = RsaSigner::generate(2048).unwrap();
        assert_eq!(format!("{signer:?}"), "RsaSigner(2048 bits)");
        assert_eq!(format!("{:?}", EcSigner::generate().unwrap()), "EcSigner(P-256)");
        let gost = GostSigner::generate(Scheme::Gost2015).unwrap();
        assert_eq!(format!("{gost:?}"), "GostSigner(Gost2015)");
    }
}
