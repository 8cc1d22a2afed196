//! Public RSA keys that verify tokens, parsed and judged once.

use super::jws::{JwsError, TokenKey};
use crate::trust::algorithm::{SignatureAlgorithm, key};
use crate::trust::der::{self, tag};
use crate::trust::verify;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::jwk::{RSAKeyParameters, RSAKeyType, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey};
use std::fmt;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why a public key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Neither `PUBLIC KEY` nor `CERTIFICATE` in the PEM text, or broken DER, base64 or JSON.
    #[error("the public key is not well formed")]
    Malformed,
    /// Another kind of key than RSA, a secret, or a key that is not meant to verify RS256 signatures.
    #[error("not a public RSA key for RS256 signatures")]
    Kind,
    /// Outside of 2048 to 4096 bits (trust.md 1).
    #[error("an RSA key must have 2048 to 4096 bits")]
    Size,
    /// An even modulus or exponent, or an exponent outside of 3 to 2³²−1.
    #[error("the RSA key's numbers are not those of a key")]
    Numbers,
    /// Neither RSA nor one of the two of ГОСТ with its own parameters (trust.md 2).
    #[error("neither a public RSA key nor one of ГОСТ with the parameters of НУЦ")]
    NeitherRsaNorGost,
    /// A ГОСТ key that is not two coordinates of a point of its curve.
    #[error("the ГОСТ public key is no point of its curve")]
    Point,
    /// Made by the faulty generator of CVE-2017-15361 (ROCA): the private key can be computed.
    #[error("the RSA key was made by a faulty generator (ROCA)")]
    Weak,
    /// A set with a secret in it, or with the same `kid` twice.
    #[error("the key set is ambiguous or holds a secret")]
    Set,
}

/// A public RSA key of 2048 to 4096 bits that verifies RS256, with the `kid` under which it is known, if any.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<String>,
    n: Box<[u8]>,
    e: Box<[u8]>,
    decoding: DecodingKey,
}

impl VerifyingKey {
    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5280, 4.1).
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_spki_der(der: &[u8], kid: Option<String>) -> Result<Self, PublicKeyError> {
        match SubjectPublicKeyInfo::from_der(der) {
            Ok((&[], spki)) => Self::from_spki(&spki, kid),
            _ => Err(PublicKeyError::Malformed),
        }
    }

    /// Reads the value of `public-key` of a reply (wire.md 2.2): a DER `SubjectPublicKeyInfo` in base64.
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_spki_base64(text: &str, kid: Option<String>) -> Result<Self, PublicKeyError> {
        let der = STANDARD.decode(text).map_err(|_| PublicKeyError::Malformed)?;
        Self::from_spki_der(&der, kid)
    }

    /// Takes the numbers of a key, big-endian; leading zero bytes do not count.
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_numbers(n: &[u8], e: &[u8], kid: Option<String>) -> Result<Self, PublicKeyError> {
        let (n, e) = (significant(n), significant(e));
        let bits = n.first().map_or(0, |top| n.len() * 8 - top.leading_zeros() as usize);
        if !(2048..=4096).contains(&bits) {
            return Err(PublicKeyError::Size);
        }
        let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        if !odd(n) || !odd(e) || e == [1] || e.len() > 4 {
            return Err(PublicKeyError::Numbers);
        }
        if has_roca_fingerprint(n) {
            return Err(PublicKeyError::Weak);
        }
        let decoding = DecodingKey::from_rsa_raw_components(n, e);
        Ok(Self { kid, n: n.into(), e: e.into(), decoding })
    }

    fn from_spki(spki: &SubjectPublicKeyInfo<'_>, kid: Option<String>) -> Result<Self, PublicKeyError> {
        match spki.parsed() {
            // The library reads past what does not belong to the key.
            Ok(PublicKey::RSA(_)) if verify::from_spki(spki.raw).is_err() => Err(PublicKeyError::Malformed),
            Ok(PublicKey::RSA(key)) => Self::from_numbers(key.modulus, key.exponent, kid),
            Ok(_) => Err(PublicKeyError::Kind),
            Err(_) => Err(PublicKeyError::Malformed),
        }
    }

    /// The same key under another name.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// The name under which the key is known.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether `signature`, canonical base64url without padding, is this key's RS256 signature of `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        matches!(jsonwebtoken::crypto::verify(signature, message, &self.decoding, Algorithm::RS256), Ok(true))
    }

    /// The key as DER `SubjectPublicKeyInfo`: equal keys give equal bytes.
    #[must_use]
    pub fn to_spki_der(&self) -> Vec<u8> {
        // rsaEncryption with NULL parameters (RFC 8017, A.1).
        let algorithm = der::sequence(&[&der::value(tag::OID, key::RSA), &der::value(tag::NULL, &[])]);
        let numbers = der::sequence(&[&der::integer(&self.n), &der::integer(&self.e)]);
        der::sequence(&[&algorithm, &der::bits(&numbers)])
    }

    /// The key as JWK (RFC 7517) with `kty`, `n`, `e`, `alg`, `use`, and `kid` if it has one.
    #[must_use]
    pub fn to_jwk(&self) -> Jwk {
        Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::RS256),
                key_id: self.kid.clone(),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::RSA(RSAKeyParameters {
                key_type: RSAKeyType::RSA,
                n: URL_SAFE_NO_PAD.encode(&self.n),
                e: URL_SAFE_NO_PAD.encode(&self.e),
            }),
        }
    }

    /// The key's RFC 7638 thumbprint: base64url of a SHA-256, 43 characters.
    ///
    /// # Errors
    /// [`PublicKeyError::Kind`] when the library cannot compute it.
    pub fn thumbprint(&self) -> Result<String, PublicKeyError> {
        self.to_jwk().thumbprint(ThumbprintHash::SHA256).map_err(|_| PublicKeyError::Kind)
    }
}

impl TokenKey for VerifyingKey {
    fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaSha256
    }

    fn to_spki_der(&self) -> Vec<u8> {
        Self::to_spki_der(self)
    }

    fn check(&self, message: &[u8], signature: &str) -> Result<(), JwsError> {
        if self.verifies(message, signature) { Ok(()) } else { Err(JwsError::Signature) }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, {} bytes)", self.kid.as_deref().unwrap_or("no kid"), self.n.len())
    }
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Whether the modulus has the fingerprint of CVE-2017-15361: modulo each small prime it is a power of 65537,
/// as both of its factors are. A sound modulus has it with a probability below 2⁻²⁷.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
        103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let residue = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * 65_537 % prime;
            power == residue
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::trust::sign::Signer;

    #[test]
    fn a_key_is_the_same_however_it_is_written() {
        let spki = sample::signer().public_key_spki();
        let key = VerifyingKey::from_spki_der(spki, None).unwrap();
        assert_eq!(key.to_spki_der(), spki);
        let others = [
            VerifyingKey::from_spki_base64(&STANDARD.encode(spki), None),
            super::super::jwks::from_jwk(&serde_json::to_string(&key.to_jwk()).unwrap()),
            VerifyingKey::from_numbers(&[&[0, 0], &*key.n].concat(), &key.e, None),
        ];
        for other in others {
            assert_eq!(other.unwrap().to_spki_der(), spki);
        }
        assert_ne!(sample::key_of(sample::other()).to_spki_der(), spki);
    }

    #[test]
    fn the_thumbprint_is_that_of_the_example_of_rfc_7638() {
        let example = r#"{"kty":"RSA","e":"AQAB","alg":"RS256","kid":"2011-04-29","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}"#;
        let key = super::super::jwks::from_jwk(example).unwrap();
        assert_eq!(key.thumbprint().unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(key.kid(), Some("2011-04-29"));
    }

    #[test]
    fn numbers_that_make_no_safe_key_are_refused_by_name() {
        let sound = sample::key_of(sample::signer());
        let refused = |n: &[u8], e: &[u8]| VerifyingKey::from_numbers(n, e, None).unwrap_err();
        assert_eq!(refused(&sound.n[..255], &sound.e), PublicKeyError::Size);
        assert_eq!(refused(&[0x7f; 256], &sound.e), PublicKeyError::Size);
        assert_eq!(refused(&[0xff; 513], &sound.e), PublicKeyError::Size);
        assert_eq!(refused(&[], &sound.e), PublicKeyError::Size);
        for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0, 0, 1]] {
            assert_eq!(refused(&sound.n, e), PublicKeyError::Numbers);
        }
        assert_eq!(refused(&[0x80; 256], &sound.e), PublicKeyError::Numbers);
    }

    #[test]
    fn a_modulus_of_the_faulty_generator_is_refused() {
        // 1 above a multiple of all the primes: a power of 65537, the zeroth, modulo each of them.
        let mut product = vec![1_u8];
        for prime in (3..=167_u32).filter(|n| (2..*n).all(|d| n % d != 0)) {
            let mut carry = 0;
            for digit in product.iter_mut().rev() {
                carry += u32::from(*digit) * prime;
                *digit = carry.to_le_bytes()[0];
                carry >>= 8;
            }
            product.insert(0, carry.to_le_bytes()[0]);
        }
        let modulus = [&product[..], &[0; 230], &[1]].concat();
        let refused = VerifyingKey::from_numbers(&modulus, &[1, 0, 1], None);
        assert_eq!(refused.unwrap_err(), PublicKeyError::Weak);
    }

    #[test]
    fn broken_or_foreign_public_keys_are_refused() {
        let spki = sample::signer().public_key_spki();
        for end in 0..spki.len() {
            assert!(VerifyingKey::from_spki_der(&spki[..end], None).is_err());
        }
        assert!(VerifyingKey::from_spki_der(&[spki, &[0]].concat(), None).is_err());
        // An Ed25519 key.
        let foreign =
            STANDARD.decode("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").unwrap();
        assert_eq!(VerifyingKey::from_spki_der(&foreign, None).unwrap_err(), PublicKeyError::Kind);
    }
}
