//! JSON Web Keys as others publish them (RFC 7517): read strictly, for keys that verify RS256.

use super::json;
use super::rsa::{PublicKeyError, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde_json::{Map, Value};

/// Longest text of a key set, bytes.
const MAX_SET_BYTES: usize = 256 * 1024;

/// Keys of one issuer; no two of them have the same `kid`.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
}

impl KeySet {
    /// Collects keys.
    ///
    /// # Errors
    /// [`PublicKeyError::Set`] when two have the same `kid`.
    pub fn new(keys: Vec<VerifyingKey>) -> Result<Self, PublicKeyError> {
        let mut kids: Vec<&str> = keys.iter().filter_map(VerifyingKey::kid).collect();
        kids.sort_unstable();
        if kids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(PublicKeyError::Set);
        }
        Ok(Self { keys })
    }

    /// Reads a JWK set of at most 256 KiB. Public keys of other kinds or uses are passed over, as RFC 7517, 5
    /// asks; a set with a secret, a weak RSA key, or a `kid` twice is refused as a whole.
    ///
    /// # Errors
    /// [`PublicKeyError`] names what is wrong.
    pub fn from_jwks(text: &str) -> Result<Self, PublicKeyError> {
        if text.len() > MAX_SET_BYTES {
            return Err(PublicKeyError::Malformed);
        }
        let mut set = json::object(text.as_bytes()).map_err(|_| PublicKeyError::Malformed)?;
        let Some(Value::Array(members)) = set.remove("keys") else {
            return Err(PublicKeyError::Malformed);
        };
        let mut kids = Vec::new();
        let mut keys = Vec::new();
        for member in members {
            let Value::Object(member) = member else {
                return Err(PublicKeyError::Malformed);
            };
            if let Some(kid) = member.get("kid").and_then(Value::as_str) {
                kids.push(kid.to_owned());
            }
            match from_members(member) {
                Ok(key) => keys.push(key),
                Err(PublicKeyError::Kind) => {}
                Err(error) => return Err(error),
            }
        }
        // Also among the keys that were passed over: which of two keys of one name was meant is not guessed.
        kids.sort_unstable();
        if kids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(PublicKeyError::Set);
        }
        Self::new(keys)
    }

    /// The keys.
    #[must_use]
    pub fn as_slice(&self) -> &[VerifyingKey] {
        &self.keys
    }
}

/// Reads one public JWK.
///
/// # Errors
/// [`PublicKeyError`] names what is wrong; [`PublicKeyError::Kind`] for a public key that is not for RS256.
pub fn from_jwk(text: &str) -> Result<VerifyingKey, PublicKeyError> {
    let members = json::object(text.as_bytes()).map_err(|_| PublicKeyError::Malformed)?;
    from_members(members)
}

/// The same from JSON that was read already.
pub(super) fn from_members(members: Map<String, Value>) -> Result<VerifyingKey, PublicKeyError> {
    // `d` is in every private key, `k` in every symmetric one.
    if members.contains_key("d") || members.contains_key("k") {
        return Err(PublicKeyError::Set);
    }
    match members.get("kty").and_then(Value::as_str) {
        Some("RSA") => {}
        Some(_) => return Err(PublicKeyError::Kind),
        None => return Err(PublicKeyError::Malformed),
    }
    let jwk: Jwk = serde_json::from_value(Value::Object(members)).map_err(|_| PublicKeyError::Malformed)?;
    // The library reads an RSA key with numbers of a wrong type as one of a kind that it does not know.
    let AlgorithmParameters::RSA(numbers) = &jwk.algorithm else {
        return Err(PublicKeyError::Malformed);
    };
    let common = jwk.common;
    let use_fits = common.public_key_use.is_none_or(|meant| meant == PublicKeyUse::Signature);
    let algorithm_fits = common.key_algorithm.is_none_or(|meant| meant == KeyAlgorithm::RS256);
    let operations_fit = common.key_operations.is_none_or(|meant| meant.contains(&KeyOperations::Verify));
    if !(use_fits && algorithm_fits && operations_fit) {
        return Err(PublicKeyError::Kind);
    }
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| PublicKeyError::Malformed);
    VerifyingKey::from_numbers(&number(&numbers.n)?, &number(&numbers.e)?, common.key_id)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use serde_json::json;

    fn jwk(kid: &str) -> Value {
        serde_json::to_value(sample::key_of(sample::signer()).with_kid(kid).to_jwk()).unwrap()
    }

    fn with(name: &str, value: Value) -> Value {
        let mut jwk = jwk("a");
        jwk[name] = value;
        jwk
    }

    fn read(keys: &Value) -> Result<usize, PublicKeyError> {
        KeySet::from_jwks(&json!({ "keys": keys }).to_string()).map(|set| set.as_slice().len())
    }

    #[test]
    fn public_keys_for_other_purposes_are_passed_over() {
        assert_eq!(read(&json!([jwk("a"), jwk("b")])), Ok(2));
        assert_eq!(read(&json!([])), Ok(0));
        for foreign in [
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "e"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "e"}),
            with("use", json!("enc")),
            with("alg", json!("RS512")),
            with("alg", json!("PS256")),
            with("key_ops", json!(["encrypt"])),
        ] {
            assert_eq!(read(&json!([foreign, jwk("b")])), Ok(1), "{foreign}");
        }
    }

    #[test]
    fn a_set_with_a_secret_or_a_name_twice_is_refused() {
        assert_eq!(read(&json!([jwk("a"), jwk("a")])), Err(PublicKeyError::Set));
        assert_eq!(read(&json!([jwk("a"), with("use", json!("enc"))])), Err(PublicKeyError::Set));
        assert_eq!(read(&json!([jwk("a"), {"kty": "oct", "k": "AAAA"}])), Err(PublicKeyError::Set));
        assert_eq!(read(&json!([with("d", json!("AAAA"))])), Err(PublicKeyError::Set));
        let same = sample::key_of(sample::signer()).with_kid("a");
        assert_eq!(KeySet::new(vec![same.clone(), same]).unwrap_err(), PublicKeyError::Set);
    }

    #[test]
    fn broken_sets_are_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(KeySet::from_jwks(text).unwrap_err(), PublicKeyError::Malformed, "{text}");
        }
        for broken in [with("n", json!("!")), with("n", json!(1)), json!({"kty": "RSA"}), json!({})] {
            assert_eq!(read(&json!([broken])), Err(PublicKeyError::Malformed), "{broken}");
        }
        assert_eq!(read(&json!([with("n", json!("AQAB"))])), Err(PublicKeyError::Size));
        let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(MAX_SET_BYTES));
        assert_eq!(KeySet::from_jwks(&long).unwrap_err(), PublicKeyError::Malformed);
    }
}
