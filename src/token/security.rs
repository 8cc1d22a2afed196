//! Security token (токен безопасности): the JWT with which an owner hands data over (F-10, F-13, F-14).

use super::jwks::KeySet;
use super::jws::{JwsError, RefusedAlgorithm, Unverified};
use crate::trust::sign::{SignError, Signer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// How far the clocks of an owner and of the service may differ, seconds.
pub const LEEWAY: i64 = 120;

/// Up to the year 9999: a time in milliseconds would be one in a far future, and never pass.
const SECONDS: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;

/// The claims (trust.md 5). Times are Unix seconds; `Debug` shows no person and no data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The service that issued the token.
    pub iss: String,
    /// Unique id (F-13 8).
    pub jti: String,
    /// When it was issued.
    pub iat: i64,
    /// Valid from here on.
    pub nbf: i64,
    /// Expired from here on.
    pub exp: i64,
    /// IIN of the subject, under the name of RFC 7519.
    pub sub: String,
    /// The same IIN, under the name that the messages use.
    pub uin: String,
    /// BIN of the initiator.
    pub cbin: String,
    /// `ServiceIDs` to which access is granted.
    pub services: Vec<String>,
    /// Method of asking, 1 to 5 (F-4).
    pub method: u8,
    /// Methods 2 and 3: how the initiator obtained the consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcheck: Option<String>,
    /// Methods 3 and 4: id in the directory of grounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Id of the directory entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// The entry's revision that the decision was made under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir_revision: Option<u32>,
    /// Id of the access request.
    pub rid: String,
    /// Which data (`personal_data_name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Edition of the Functioning rules that the decision was made under.
    pub edition: String,
    /// Where the status of the token is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// The `status` claim of the IETF Token Status List.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The reference into a status list.
    pub status_list: StatusReference,
}

/// One place in a status list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReference {
    /// Index in the list, from 0.
    pub idx: u64,
    /// Address of the list.
    pub uri: String,
}

/// Why a token is not a valid security token of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a strict compact JWS, or a claim is missing, of the wrong kind or at odds with another.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Another algorithm than RS256.
    #[error("the token's algorithm is refused: {0}")]
    Algorithm(RefusedAlgorithm),
    /// A sound token, but not a security token: a verification token, for instance.
    #[error("not a security token")]
    Kind,
    /// None of the keys is the one that it names.
    #[error("the token's key is unknown")]
    KeyUnknown,
    /// Not signed by one of the keys.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its `nbf` or `iat` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Its `exp` is past.
    #[error("the token is expired")]
    Expired,
}

/// Issues a token, signed by the key that is published as `kid`.
///
/// # Errors
/// [`SignError`] when the signer fails.
pub fn issue(claims: &Claims, signer: &dyn Signer, kid: &str) -> Result<String, SignError> {
    super::jws::sign(claims, signer, Some(kid))
}

/// Verifies a token offline (F-14, but for 6): form, signature, and lifetime at `at` with `leeway`, seconds.
///
/// # Errors
/// [`TokenError`], the first that applies.
pub fn verify(token: &str, keys: &KeySet, at: i64, leeway: i64) -> Result<Claims, TokenError> {
    let claims = read(token, keys)?;
    claims.check_times(at, leeway)?;
    Ok(claims)
}

/// The same without the lifetime: whether the keys' owner ever issued this token.
///
/// # Errors
/// [`TokenError`], the first that applies; never one about the time.
pub fn read(token: &str, keys: &KeySet) -> Result<Claims, TokenError> {
    let verified = Unverified::parse(token)?.verify(keys.as_slice())?;
    if verified.is_jwt() != Some(true) {
        return Err(TokenError::Kind);
    }
    let claims = verified.claims()?;
    if !(claims.contains_key("iss") && claims.contains_key("services") && claims.contains_key("rid")) {
        return Err(TokenError::Kind);
    }
    // Meant for somebody whom it names, and nobody here goes by such a name (RFC 7519, 4.1.3).
    if claims.contains_key("aud") {
        return Err(TokenError::Kind);
    }
    let claims: Claims = serde_json::from_value(Value::Object(claims))
        .map_err(|_| TokenError::Malformed("a claim is missing or of the wrong kind"))?;
    if claims.sub != claims.uin {
        return Err(TokenError::Malformed("sub and uin differ"));
    }
    if !(1..=5).contains(&claims.method) {
        return Err(TokenError::Malformed("method is not 1 to 5"));
    }
    if ![claims.iat, claims.nbf, claims.exp].iter().all(|time| SECONDS.contains(time)) {
        return Err(TokenError::Malformed("a time is not in Unix seconds"));
    }
    Ok(claims)
}

impl Claims {
    /// Checks the lifetime at `at`, Unix seconds, with `leeway` seconds on both ends.
    ///
    /// # Errors
    /// [`TokenError::NotYetValid`] or [`TokenError::Expired`].
    pub fn check_times(&self, at: i64, leeway: i64) -> Result<(), TokenError> {
        if self.nbf.max(self.iat) > at.saturating_add(leeway) {
            return Err(TokenError::NotYetValid);
        }
        if at >= self.exp.saturating_add(leeway) {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

impl From<JwsError> for TokenError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed(what) => Self::Malformed(what),
            JwsError::Algorithm(refused) => Self::Algorithm(refused),
            JwsError::KeyUnknown => Self::KeyUnknown,
            JwsError::Signature | JwsError::SignatureForm(_) => Self::Signature,
        }
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("jti", &self.jti)
            .field("method", &self.method)
            .field("iat", &self.iat)
            .field("exp", &self.exp)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    fn keys() -> KeySet {
        KeySet::new(vec![sample::key_of(sample::signer()).with_kid("k1")]).unwrap()
    }

    fn issued(claims: &Claims) -> String {
        issue(claims, sample::signer(), "k1").unwrap()
    }

    /// What reading says of the sample claims with these members put over them.
    fn changed(members: &Value) -> Result<Claims, TokenError> {
        let mut claims = serde_json::to_value(sample::claims(NOW)).unwrap();
        for (name, value) in members.as_object().unwrap() {
            claims[name] = value.clone();
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            }
        }
        read(&super::super::jws::sign(&claims, sample::signer(), Some("k1")).unwrap(), &keys())
    }

    #[test]
    fn an_issued_token_is_verified_while_it_lives() {
        let claims = sample::claims(NOW);
        let token = issued(&claims);
        let at = |time| verify(&token, &keys(), time, LEEWAY);
        assert_eq!(at(NOW).unwrap(), claims);
        assert_eq!(at(NOW - LEEWAY).unwrap(), claims);
        assert_eq!(at(NOW - LEEWAY - 1).unwrap_err(), TokenError::NotYetValid);
        assert!(at(NOW + 3_600 + LEEWAY - 1).is_ok());
        assert_eq!(at(NOW + 3_600 + LEEWAY).unwrap_err(), TokenError::Expired);
        assert_eq!(read(&token, &keys()).unwrap(), claims);
        assert!(at(i64::MAX).is_err() && at(i64::MIN).is_err());
    }

    #[test]
    fn a_stock_reader_takes_it_and_finds_the_claims_by_their_names() {
        let status = StatusReference { idx: 7, uri: "https://kdp.example/token-status".to_owned() };
        let status = Some(Status { status_list: status });
        let dir = Some("d1".to_owned());
        let token = issued(&Claims { status, dir, dir_revision: Some(3), ..sample::claims(NOW) });
        let spki = sample::key_of(sample::signer()).to_jwk();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.validate_exp = false;
        rules.set_issuer(&["https://kdp.example"]);
        let key = jsonwebtoken::DecodingKey::from_jwk(&spki).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &key, &rules).unwrap();
        assert_eq!((read.header.typ.as_deref(), read.header.kid.as_deref()), (Some("JWT"), Some("k1")));
        assert_eq!(
            read.claims,
            json!({
                "iss": "https://kdp.example", "jti": "01J9Z4", "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
                "sub": "900101300009", "uin": "900101300009", "cbin": "990140000013",
                "services": ["GBDFLUniversal_token", "MCDB_SERVICE"], "method": 2, "mcheck": "BIO",
                "dir": "d1", "dir_revision": 3, "rid": "r-1", "data": "фамилия, имя",
                "edition": "144/НҚ@2025-06-17",
                "status": {"status_list": {"idx": 7, "uri": "https://kdp.example/token-status"}},
            })
        );
    }

    #[test]
    fn another_key_or_kid_is_refused() {
        let claims = sample::claims(NOW);
        let forged = issue(&claims, sample::other(), "k1").unwrap();
        assert_eq!(read(&forged, &keys()).unwrap_err(), TokenError::Signature);
        let unknown = issue(&claims, sample::signer(), "k2").unwrap();
        assert_eq!(read(&unknown, &keys()).unwrap_err(), TokenError::KeyUnknown);
        assert_eq!(read(&issued(&claims), &KeySet::default()).unwrap_err(), TokenError::KeyUnknown);
    }

    #[test]
    fn a_claim_that_is_missing_wrong_or_at_odds_is_refused() {
        assert!(changed(&json!({})).is_ok());
        assert!(changed(&json!({"mcheck": null, "ground": "7"})).is_ok());
        let foreign =
            [json!({"iss": null}), json!({"services": null}), json!({"rid": null}), json!({"aud": "a"})];
        for members in foreign {
            assert_eq!(changed(&members).unwrap_err(), TokenError::Kind);
        }
        for members in [
            json!({"jti": null}),
            json!({"exp": null}),
            json!({"nbf": null}),
            json!({"exp": "2030-01-01"}),
            json!({"services": "A;B"}),
            json!({"uin": "900101300010"}),
            json!({"method": 0}),
            json!({"method": 6}),
            json!({"method": 256}),
            json!({"edition": 1}),
            json!({"exp": (NOW + 3_600) * 1000}),
            json!({"iat": -1}),
        ] {
            let error = changed(&members).unwrap_err();
            assert!(matches!(error, TokenError::Malformed(_)), "{members}: {error:?}");
        }
    }

    #[test]
    fn a_change_of_any_character_is_refused() {
        let token = issued(&sample::claims(NOW));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(read(&String::from_utf8(bytes).unwrap(), &keys()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_person_and_the_data_are_not_readable_in_debug() {
        let shown = format!("{:?}", sample::claims(NOW));
        assert!(!shown.contains("9001013") && !shown.contains("фамилия"), "{shown}");
    }
}
