//! What the service states of its own journal: heads of it, and exports (P 7 4)-6)).
//!
//! A compact JWS under a key of receipts, ES256, of a `typ` of its own each: a receipt is never taken for a statement,
//! nor the reverse, nor one statement for another.

use super::ec::ReceiptKey;
use super::jwks::KeySet;
use super::jws::{self, JwsError, Parts};
use crate::trust::sign::{SignError, SignatureAlgorithm, Signer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// `typ` of a signed head of the journal.
pub const HEAD: &str = "kdp-journal-head+jwt";
/// `typ` of the signature over an export of the journal.
pub const EXPORT: &str = "kdp-journal-export+jwt";

/// Longest statement, bytes: a head names every node that ever left something, in 150 bytes each.
const LONGEST: usize = 1 << 20;

/// Why a text is not a statement of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not a strict compact JWS of ES256 with these claims.
    #[error("it is malformed")]
    Malformed,
    /// Something else: a receipt, a token, another statement.
    #[error("it is a statement of another kind, or none")]
    Kind,
    /// None of the keys is the one that it names.
    #[error("its key is unknown")]
    KeyUnknown,
    /// Not signed by the key that it names.
    #[error("its signature is wrong")]
    Signature,
}

impl From<JwsError> for StatementError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed(_) | JwsError::Algorithm(_) => Self::Malformed,
            JwsError::KeyUnknown => Self::KeyUnknown,
            JwsError::Signature | JwsError::SignatureForm(_) => Self::Signature,
        }
    }
}

/// Signs `claims` as a statement of this `typ`, by the key that is known as `kid`.
///
/// # Errors
/// [`SignError`] when the signer fails; [`SignError::Kind`] when it is none for ES256.
pub fn issue<T: Serialize>(
    typ: &str,
    claims: &T,
    signer: &dyn Signer,
    kid: &str,
) -> Result<String, SignError> {
    if signer.algorithm() != SignatureAlgorithm::EcdsaP256Sha256 {
        return Err(SignError::Kind);
    }
    jws::sign_as(typ, claims, signer, Some(kid))
}

/// Verifies a statement of this `typ`; answers with its claims and the key that signed it.
///
/// # Errors
/// [`StatementError`], the first that applies.
pub fn verify<'k, T: DeserializeOwned>(
    typ: &str,
    compact: &str,
    keys: &'k KeySet,
) -> Result<(T, &'k ReceiptKey), StatementError> {
    let parts = parts(typ, compact)?;
    let kid = jws::text(&parts.header, "kid")?;
    let named = |key: &&ReceiptKey| Some(key.kid()) == kid;
    let key = keys.receipt_keys().iter().find(named).ok_or(StatementError::KeyUnknown)?;
    if !key.verifies(parts.signed.as_bytes(), parts.signature) {
        return Err(StatementError::Signature);
    }
    Ok((claims(&parts)?, key))
}

/// The claims of a statement of this `typ`, for who has no keys: nobody has vouched for them.
///
/// # Errors
/// [`StatementError::Malformed`], [`StatementError::Kind`].
pub fn unverified<T: DeserializeOwned>(typ: &str, compact: &str) -> Result<T, StatementError> {
    claims(&parts(typ, compact)?)
}

fn parts<'c>(typ: &str, compact: &'c str) -> Result<Parts<'c>, StatementError> {
    Parts::read(LONGEST, compact, |header| {
        // Of our own making: its case is known, too.
        if jws::text(header, "typ")? != Some(typ) {
            return Err(StatementError::Kind);
        }
        jws::algorithm(header, &[SignatureAlgorithm::EcdsaP256Sha256])?;
        Ok(())
    })
}

fn claims<T: DeserializeOwned>(parts: &Parts<'_>) -> Result<T, StatementError> {
    let claims = serde_json::from_value(Value::Object(jws::claims(&parts.payload)?));
    claims.map_err(|_| StatementError::Malformed)
}

/// The keys that verify statements, as a JWK set (RFC 7517).
#[must_use]
pub fn jwks(keys: &KeySet) -> Value {
    json!({ "keys": keys.receipt_keys().iter().map(ReceiptKey::to_jwk).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::super::{ovt, receipt, sample, security};
    use super::*;

    fn keys() -> KeySet {
        let tokens = KeySet::new(vec![sample::key_of(sample::signer()).with_kid("k1")]).unwrap();
        tokens.with_receipt_keys(vec![sample::receipt_key()]).unwrap()
    }

    fn issued(typ: &str) -> String {
        let kid = sample::receipt_key().kid().to_owned();
        issue(typ, &json!({ "seq": 7 }), sample::receipt_signer(), &kid).unwrap()
    }

    #[test]
    fn a_statement_is_read_by_its_own_kind_and_by_the_published_keys() {
        let published = KeySet::from_jwks(&jwks(&keys()).to_string()).unwrap();
        let (claims, key) = verify::<Value>(HEAD, &issued(HEAD), &published).unwrap();
        assert_eq!((claims, key.kid()), (json!({ "seq": 7 }), sample::receipt_key().kid()));
        for (typ, other) in [(HEAD, EXPORT), (EXPORT, HEAD), (HEAD, "JWT"), (HEAD, receipt::TYPE)] {
            assert_eq!(verify::<Value>(typ, &issued(other), &keys()).unwrap_err(), StatementError::Kind);
        }
    }

    #[test]
    fn no_reader_of_tokens_or_receipts_takes_a_statement() {
        let ovt_keys =
            [ovt::OvtKey::from_certificate_der(&sample::certificate_of(sample::signer()), None).unwrap()];
        for typ in [HEAD, EXPORT] {
            let compact = issued(typ);
            assert_eq!(receipt::verify(&compact, &keys()).unwrap_err(), receipt::ReceiptError::Kind);
            assert!(security::read(&compact, &keys()).is_err());
            assert!(
                jws::Unverified::parse(&compact).and_then(|jws| jws.verify(&ovt_keys).map(|_| ())).is_err()
            );
        }
    }

    #[test]
    fn a_changed_statement_and_one_of_another_key_are_refused() {
        let compact = issued(HEAD);
        let (signed, signature) = compact.rsplit_once('.').unwrap();
        let (_, of_other) =
            issued(EXPORT).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let refused = |text: &str, keys: &KeySet| verify::<Value>(HEAD, text, keys).unwrap_err();
        assert_eq!(refused(&format!("{signed}.{of_other}"), &keys()), StatementError::Signature);
        assert_eq!(refused(&format!("{signed}x.{signature}"), &keys()), StatementError::Malformed);
        assert_eq!(refused(&compact, &KeySet::default()), StatementError::KeyUnknown);
        assert_eq!(issue(HEAD, &(), sample::signer(), "k1").unwrap_err(), SignError::Kind);
    }
}
