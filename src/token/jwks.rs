//! JSON Web Keys as others publish them (RFC 7517): read strictly, for keys that verify RS256 or receipts.

use super::ec::ReceiptKey;
use super::json;
use super::rsa::{PublicKeyError, VerifyingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::jwk::{CommonParameters, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde_json::{Map, Value};

/// Longest text of a key set, bytes.
const MAX_SET_BYTES: usize = 256 * 1024;

/// Keys of one issuer; no two of them have the same `kid`.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    receipt_keys: Vec<ReceiptKey>,
}

impl KeySet {
    /// Collects keys.
    ///
    /// # Errors
    /// [`PublicKeyError::Set`] when two have the same `kid`.
    pub fn new(keys: Vec<VerifyingKey>) -> Result<Self, PublicKeyError> {
        Self::default().with(keys, Vec::new())
    }

    /// Adds keys that verify receipts, and only these.
    ///
    /// # Errors
    /// [`PublicKeyError::Set`] when two keys have the same `kid`, of whatever kind they are.
    pub fn with_receipt_keys(self, keys: Vec<ReceiptKey>) -> Result<Self, PublicKeyError> {
        self.with(Vec::new(), keys)
    }

    fn with(
        mut self,
        keys: Vec<VerifyingKey>,
        receipt_keys: Vec<ReceiptKey>,
    ) -> Result<Self, PublicKeyError> {
        self.keys.extend(keys);
        self.receipt_keys.extend(receipt_keys);
        let kids = self.keys.iter().filter_map(VerifyingKey::kid);
        differ(kids.chain(self.receipt_keys.iter().map(ReceiptKey::kid)).collect())?;
        Ok(self)
    }

    /// Reads a JWK set of at most 256 KiB. Public keys of other kinds or uses are passed over, as RFC 7517, 5
    /// asks; a set with a secret, a weak RSA key, a broken key, or a `kid` twice is refused as a whole.
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
        // Also among the keys that are passed over: which of two keys of one name was meant is not guessed.
        differ(members.iter().filter_map(|member| member.get("kid")?.as_str()).collect())?;
        let mut set = Self::default();
        for member in members {
            let Value::Object(member) = member else {
                return Err(PublicKeyError::Malformed);
            };
            let passed_over = |error| if error == PublicKeyError::Kind { Ok(()) } else { Err(error) };
            if member.get("kty").is_some_and(|kty| kty == "EC") {
                receipt_key(member).map(|key| set.receipt_keys.push(key)).or_else(passed_over)?;
            } else {
                from_members(member).map(|key| set.keys.push(key)).or_else(passed_over)?;
            }
        }
        Ok(set)
    }

    /// The keys that verify RS256: tokens, and status lists. A key of receipts is none of them.
    #[must_use]
    pub fn as_slice(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// The keys that verify receipts.
    #[must_use]
    pub fn receipt_keys(&self) -> &[ReceiptKey] {
        &self.receipt_keys
    }
}

/// No name occurs twice.
fn differ(mut kids: Vec<&str>) -> Result<(), PublicKeyError> {
    kids.sort_unstable();
    let twice = kids.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    if twice { Err(PublicKeyError::Set) } else { Ok(()) }
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
    not_secret(&members)?;
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
    if !verifies(&jwk.common) || jwk.common.key_algorithm.is_some_and(|meant| meant != KeyAlgorithm::RS256) {
        return Err(PublicKeyError::Kind);
    }
    VerifyingKey::from_numbers(&number(&numbers.n)?, &number(&numbers.e)?, jwk.common.key_id)
}

/// A key of receipts says so: P-256 under a `kid`, and ES256 by name, which other EC keys may leave out.
fn receipt_key(members: Map<String, Value>) -> Result<ReceiptKey, PublicKeyError> {
    not_secret(&members)?;
    if members.get("alg").is_none_or(|alg| alg != "ES256") {
        return Err(PublicKeyError::Kind);
    }
    let jwk: Jwk = serde_json::from_value(Value::Object(members)).map_err(|_| PublicKeyError::Malformed)?;
    let AlgorithmParameters::EllipticCurve(point) = &jwk.algorithm else {
        return Err(PublicKeyError::Malformed);
    };
    match (&point.curve, verifies(&jwk.common), jwk.common.key_id) {
        (EllipticCurve::P256, true, Some(kid)) => {
            ReceiptKey::from_coordinates(&number(&point.x)?, &number(&point.y)?, kid)
        }
        _ => Err(PublicKeyError::Kind),
    }
}

/// `d` is in every private key, `k` in every symmetric one.
fn not_secret(members: &Map<String, Value>) -> Result<(), PublicKeyError> {
    let secret = members.contains_key("d") || members.contains_key("k");
    if secret { Err(PublicKeyError::Set) } else { Ok(()) }
}

/// Whether a key is meant to verify signatures, or nothing is said.
fn verifies(common: &CommonParameters) -> bool {
    let signs = common.public_key_use.as_ref().is_none_or(|meant| *meant == PublicKeyUse::Signature);
    signs && common.key_operations.as_ref().is_none_or(|meant| meant.contains(&KeyOperations::Verify))
}

fn number(text: &str) -> Result<Vec<u8>, PublicKeyError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| PublicKeyError::Malformed)
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

    fn receipt_jwk(kid: &str) -> Value {
        let mut jwk = serde_json::to_value(sample::receipt_key().to_jwk()).unwrap();
        jwk["kid"] = kid.into();
        jwk
    }

    #[test]
    fn keys_of_receipts_are_kept_apart() {
        let set = KeySet::from_jwks(&json!({ "keys": [jwk("a"), receipt_jwk("r")] }).to_string()).unwrap();
        let kids: Vec<_> = set.as_slice().iter().filter_map(VerifyingKey::kid).collect();
        let receipt_kids: Vec<_> = set.receipt_keys().iter().map(ReceiptKey::kid).collect();
        assert_eq!((kids, receipt_kids), (vec!["a"], vec!["r"]));
        for (name, value, error) in [
            ("d", json!("AAAA"), Some(PublicKeyError::Set)),
            ("x", json!("AAAA"), Some(PublicKeyError::Malformed)),
            ("x", json!(1), Some(PublicKeyError::Malformed)),
            ("y", json!("!"), Some(PublicKeyError::Malformed)),
            ("kid", json!("a"), Some(PublicKeyError::Set)),
            ("crv", json!("P-384"), None),
            ("alg", json!("ES384"), None),
            ("alg", Value::Null, None),
            ("use", json!("enc"), None),
            ("key_ops", json!(["sign"]), None),
        ] {
            let mut changed = receipt_jwk("r");
            changed[name] = value;
            let read = KeySet::from_jwks(&json!({ "keys": [jwk("a"), changed] }).to_string());
            let read = read.map(|set| (set.as_slice().len(), set.receipt_keys().len()));
            assert_eq!(read, error.map_or(Ok((1, 0)), Err), "{changed}");
        }
    }

    #[test]
    fn a_set_with_a_secret_or_a_name_twice_is_refused() {
        assert_eq!(read(&json!([jwk("a"), jwk("a")])), Err(PublicKeyError::Set));
        assert_eq!(read(&json!([jwk("a"), with("use", json!("enc"))])), Err(PublicKeyError::Set));
        assert_eq!(read(&json!([jwk("a"), {"kty": "oct", "k": "AAAA"}])), Err(PublicKeyError::Set));
        assert_eq!(read(&json!([with("d", json!("AAAA"))])), Err(PublicKeyError::Set));
        let same = sample::key_of(sample::signer()).with_kid("a");
        assert_eq!(KeySet::new(vec![same.clone(), same.clone()]).unwrap_err(), PublicKeyError::Set);
        let namesake = ReceiptKey::from_coordinates(&[1; 32], &[1; 32], "a".to_owned()).unwrap();
        let both = KeySet::new(vec![same]).unwrap().with_receipt_keys(vec![namesake]);
        assert_eq!(both.unwrap_err(), PublicKeyError::Set);
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
