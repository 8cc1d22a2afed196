//! Public keys on P-256 that verify receipts, parsed and judged once.
//!
//! They are a type of their own, so that a key that signs receipts can never be taken for one that signs tokens.

use super::rsa::PublicKeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::jwk::{EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, ThumbprintHash};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use std::fmt;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Length of a coordinate, and of each half of a signature, bytes (RFC 7518, 3.4 and 6.2.1.2).
const COORDINATE: usize = 32;

/// A public key on P-256 that verifies ES256, under its `kid`.
///
/// A point that is not on the curve verifies nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptKey {
    kid: String,
    x: [u8; COORDINATE],
    y: [u8; COORDINATE],
}

impl ReceiptKey {
    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5480) of a named curve and an uncompressed point; its RFC 7638
    /// thumbprint is its `kid`.
    ///
    /// # Errors
    /// [`PublicKeyError::Kind`] for another kind of key or curve, [`PublicKeyError::Malformed`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let Ok((&[], spki)) = SubjectPublicKeyInfo::from_der(der) else {
            return Err(PublicKeyError::Malformed);
        };
        let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
        if spki.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || curve != Some(OID_EC_P256) {
            return Err(PublicKeyError::Kind);
        }
        let point = spki.subject_public_key.data.strip_prefix(&[4]).ok_or(PublicKeyError::Malformed)?;
        let (x, y) = point.split_at_checked(COORDINATE).ok_or(PublicKeyError::Malformed)?;
        let key = Self::from_coordinates(x, y, String::new())?;
        let kid = key.to_jwk().thumbprint(ThumbprintHash::SHA256).map_err(|_| PublicKeyError::Kind)?;
        Ok(Self { kid, ..key })
    }

    /// Takes the coordinates of the point, big-endian, of 32 bytes each.
    ///
    /// # Errors
    /// [`PublicKeyError::Malformed`] for another length.
    pub fn from_coordinates(x: &[u8], y: &[u8], kid: String) -> Result<Self, PublicKeyError> {
        let exact = |number: &[u8]| number.try_into().map_err(|_| PublicKeyError::Malformed);
        Ok(Self { kid, x: exact(x)?, y: exact(y)? })
    }

    /// The name under which the key is known.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Whether `signature`, r ‖ s in canonical base64url without padding, is this key's ES256 signature of
    /// `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let point = [&[4], self.x.as_slice(), &self.y].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }

    /// The key as JWK (RFC 7517) with `kty`, `crv`, `x`, `y`, `alg`, `use` and `kid`.
    #[must_use]
    pub fn to_jwk(&self) -> Jwk {
        Jwk {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(KeyAlgorithm::ES256),
                key_id: Some(self.kid.clone()),
                ..CommonParameters::default()
            },
            algorithm: AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                key_type: EllipticCurveKeyType::EC,
                curve: EllipticCurve::P256,
                x: URL_SAFE_NO_PAD.encode(self.x),
                y: URL_SAFE_NO_PAD.encode(self.y),
            }),
        }
    }
}

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiptKey({})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::trust::sign::Signer;
    use serde_json::json;

    fn key() -> ReceiptKey {
        ReceiptKey::from_spki_der(sample::receipt_signer().public_key_spki()).unwrap()
    }

    #[test]
    fn it_verifies_what_its_private_half_signed_and_nothing_else() {
        let signed = sample::receipt_signer().sign(b"message").unwrap();
        assert_eq!(signed.len(), 2 * COORDINATE);
        let signature = URL_SAFE_NO_PAD.encode(&signed);
        assert!(key().verifies(b"message", &signature));
        assert!(!key().verifies(b"massage", &signature));
        assert!(!key().verifies(b"message", &format!("{signature}=")));
        assert!(!key().verifies(b"message", &URL_SAFE_NO_PAD.encode(&signed[..63])));
        assert!(!key().verifies(b"message", &URL_SAFE_NO_PAD.encode([0; 64])));
        let off_the_curve = ReceiptKey { y: [7; COORDINATE], ..key() };
        assert!(!off_the_curve.verifies(b"message", &signature));
    }

    #[test]
    fn the_example_of_rfc_7515_verifies() {
        // RFC 7515, A.3.
        let decode = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
        let x = decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
        let y = decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let key = ReceiptKey::from_coordinates(&x, &y, "a".to_owned()).unwrap();
        let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        assert!(key.verifies(message.as_bytes(), signature));
    }

    #[test]
    fn the_jwk_holds_what_a_reader_needs_under_the_thumbprint() {
        let jwk = serde_json::to_value(key().to_jwk()).unwrap();
        let (x, y) = (URL_SAFE_NO_PAD.encode(key().x), URL_SAFE_NO_PAD.encode(key().y));
        // RFC 7638, 3.2: the required members of an EC key, in lexicographic order, without blanks.
        let hashed = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, hashed.as_bytes()));
        assert_eq!(
            jwk,
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "ES256", "use": "sig", "kid": kid})
        );
    }

    #[test]
    fn broken_and_foreign_keys_are_refused() {
        let spki = sample::receipt_signer().public_key_spki();
        for end in 0..spki.len() {
            assert!(ReceiptKey::from_spki_der(&spki[..end]).is_err(), "{end}");
        }
        let rsa = sample::signer().public_key_spki();
        assert_eq!(ReceiptKey::from_spki_der(rsa).unwrap_err(), PublicKeyError::Kind);
        let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        let p384 = rcgen::PublicKeyData::subject_public_key_info(&p384);
        assert_eq!(ReceiptKey::from_spki_der(&p384).unwrap_err(), PublicKeyError::Kind);
        for length in [0, 31, 33] {
            let short = vec![1; length];
            let refused = ReceiptKey::from_coordinates(&short, &[1; 32], String::new());
            assert_eq!(refused.unwrap_err(), PublicKeyError::Malformed, "{length}");
        }
    }
}
