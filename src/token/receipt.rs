//! Receipt of a token check: the answer, signed by the service for the owner who asked (F-14 6, wire.md 2.4).
//!
//! A JWT of RFC 9701, ES256 under a key that signs receipts only: the check of a token may cost little more than
//! the cryptography of its envelope, and an RSA signature alone would double that. RFC 9701, 5 tells nothing
//! but `active` of a token that is not; the owner of a service is told why (wire.md 2.4), and so is the receipt.
//! Of a token that is unknown, or is about others than were asked about, nothing is told.

use super::ec::ReceiptKey;
use super::jwks::KeySet;
use super::jws::{self, JwsError, Parts, RefusedAlgorithm};
use super::security;
use crate::trust::sign::{SignError, SignatureAlgorithm, Signer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// `typ` of the header (RFC 9701, 5).
pub const TYPE: &str = "token-introspection+jwt";

/// What was answered, to whom, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The service that answered.
    pub iss: String,
    /// Whom it answered: BIN or `senderId` of the owner.
    pub aud: String,
    /// When it answered, Unix seconds.
    pub iat: i64,
    /// Id of the decision.
    pub jti: String,
    /// `ServiceID` for which the token was checked.
    pub service_id: String,
    /// What it answered.
    pub answer: Answer,
}

/// The answer to a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing of the token is told.
    Withheld(Withheld),
    /// A token of the owner's service.
    Known(Box<Known>),
}

/// Why nothing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Withheld {
    /// A token of another service, or none of ours.
    Unknown,
    /// Another subject or initiator than was asked about.
    Mismatch,
}

/// What is told of a token; `Debug` shows no person.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    /// Its status.
    pub status: Status,
    /// Reason code (wire.md 4) of a status other than active.
    pub reason: Option<String>,
    /// What it says.
    pub token: TokenData,
    /// The time that the status is of, Unix seconds; that of the answer, when none was asked for.
    pub requested_at: Option<i64>,
    /// Whether an application to revoke it is under review (F-18): it is active until that is decided.
    pub revocation_pending: bool,
}

/// Status of a token that is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Data may be handed over.
    Active,
    /// Revoked or ended.
    NotActive,
    /// Its `exp` is past.
    Expired,
    /// Its subject is blocked, or its initiator suspended.
    Suspended,
}

/// The claims of a security token that its owner is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenData {
    /// Id of the token.
    pub jti: String,
    /// IIN of the subject.
    pub sub: String,
    /// The same IIN, under the name of the messages.
    pub uin: String,
    /// BIN of the initiator.
    pub cbin: String,
    /// `ServiceIDs` to which it gives access.
    pub services: Vec<String>,
    /// Method of asking, 1 to 5 (F-4).
    pub method: u8,
    /// Methods 3 and 4: id in the directory of grounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Id of the directory entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// Id of the access request.
    pub rid: String,
    /// When it was issued, Unix seconds.
    pub iat: i64,
    /// From here on it is expired, Unix seconds.
    pub exp: i64,
}

/// Why a text is not a receipt of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a strict compact JWS, or a claim is missing, of the wrong kind or at odds with another.
    #[error("the receipt is malformed: {0}")]
    Malformed(&'static str),
    /// Another algorithm than ES256.
    #[error("the receipt's algorithm is refused: {0}")]
    Algorithm(RefusedAlgorithm),
    /// Something else than a receipt: a security token, for instance.
    #[error("not a receipt of a token check")]
    Kind,
    /// None of the keys of receipts is the one that it names.
    #[error("the receipt's key is unknown")]
    KeyUnknown,
    /// Not signed by the key that it names.
    #[error("the receipt's signature is wrong")]
    Signature,
}

/// Signs a receipt by the key that is published as `kid`.
///
/// # Errors
/// [`SignError`] when the signer fails; [`SignError::Kind`] when it is none for ES256.
pub fn issue(receipt: Receipt, signer: &dyn Signer, kid: &str) -> Result<String, SignError> {
    if signer.algorithm() != SignatureAlgorithm::EcdsaP256Sha256 {
        return Err(SignError::Kind);
    }
    jws::sign_as(TYPE, &Claims::from(receipt), signer, Some(kid))
}

/// Verifies a receipt: `typ`, ES256 by the key of receipts that it names, and its claims.
///
/// Whose receipt it is the caller judges by `iss`, `aud` and `service_id`. It has no end: it stays the answer of
/// its `iat`.
///
/// # Errors
/// [`ReceiptError`], the first that applies.
pub fn verify(compact: &str, keys: &KeySet) -> Result<Receipt, ReceiptError> {
    let parts = Parts::read(jws::MAX_TOKEN_BYTES, compact, |header| {
        if !jws::text(header, "typ")?.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE)) {
            return Err(ReceiptError::Kind);
        }
        jws::algorithm(header, &[SignatureAlgorithm::EcdsaP256Sha256])?;
        Ok(())
    })?;
    let kid = jws::text(&parts.header, "kid")?;
    let named = |key: &&ReceiptKey| Some(key.kid()) == kid;
    let key = keys.receipt_keys().iter().find(named).ok_or(ReceiptError::KeyUnknown)?;
    if !key.verifies(parts.signed.as_bytes(), parts.signature) {
        return Err(ReceiptError::Signature);
    }
    let claims: Claims = serde_json::from_value(Value::Object(jws::claims(&parts.payload)?))
        .map_err(|_| ReceiptError::Malformed("a claim is missing or of the wrong kind"))?;
    claims.try_into()
}

/// The claims as they are signed.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    jti: String,
    token_introspection: Introspection,
}

/// The claim of RFC 9701, 5, with the members of RFC 7662, 2.2 and ours.
#[derive(Serialize, Deserialize)]
struct Introspection {
    active: bool,
    status: Word,
    service_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    token: Option<TokenData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requested_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revocation_pending: Option<bool>,
}

/// `status` (wire.md 2.4).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Word {
    Known(Status),
    Withheld(Withheld),
}

impl From<Receipt> for Claims {
    fn from(receipt: Receipt) -> Self {
        let Receipt { iss, aud, iat, jti, service_id, answer } = receipt;
        let token_introspection = match answer {
            Answer::Withheld(why) => Introspection {
                active: false,
                status: Word::Withheld(why),
                service_id,
                reason: None,
                token: None,
                requested_at: None,
                revocation_pending: None,
            },
            Answer::Known(known) => Introspection {
                active: known.status == Status::Active,
                status: Word::Known(known.status),
                service_id,
                reason: known.reason,
                token: Some(known.token),
                requested_at: known.requested_at,
                revocation_pending: Some(known.revocation_pending),
            },
        };
        Self { iss, aud, iat, jti, token_introspection }
    }
}

impl TryFrom<Claims> for Receipt {
    type Error = ReceiptError;

    fn try_from(claims: Claims) -> Result<Self, ReceiptError> {
        let Claims { iss, aud, iat, jti, token_introspection: told } = claims;
        if told.active != (told.status == Word::Known(Status::Active)) {
            return Err(ReceiptError::Malformed("active and status are at odds"));
        }
        let answer = match (told.status, told.token, told.revocation_pending) {
            (Word::Withheld(why), None, None) => Answer::Withheld(why),
            (Word::Known(status), Some(token), Some(revocation_pending)) => {
                let (reason, requested_at) = (told.reason, told.requested_at);
                Answer::Known(Box::new(Known { status, reason, token, requested_at, revocation_pending }))
            }
            _ => return Err(ReceiptError::Malformed("status and what is told are at odds")),
        };
        Ok(Self { iss, aud, iat, jti, service_id: told.service_id, answer })
    }
}

impl From<&security::Claims> for TokenData {
    fn from(claims: &security::Claims) -> Self {
        Self {
            jti: claims.jti.clone(),
            sub: claims.sub.clone(),
            uin: claims.uin.clone(),
            cbin: claims.cbin.clone(),
            services: claims.services.clone(),
            method: claims.method,
            ground: claims.ground.clone(),
            dir: claims.dir.clone(),
            rid: claims.rid.clone(),
            iat: claims.iat,
            exp: claims.exp,
        }
    }
}

impl From<JwsError> for ReceiptError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed(what) => Self::Malformed(what),
            JwsError::Algorithm(refused) => Self::Algorithm(refused),
            JwsError::KeyUnknown => Self::KeyUnknown,
            JwsError::Signature | JwsError::SignatureForm(_) => Self::Signature,
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("jti", &self.token.jti)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ovt, sample};
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    fn keys() -> KeySet {
        let tokens = KeySet::new(vec![sample::key_of(sample::signer()).with_kid("k1")]).unwrap();
        tokens.with_receipt_keys(vec![sample::receipt_key()]).unwrap()
    }

    fn receipt(answer: Answer) -> Receipt {
        Receipt {
            iss: "https://kdp.example".to_owned(),
            aud: "050140000017".to_owned(),
            iat: NOW,
            jti: "d-1".to_owned(),
            service_id: "GBDFLUniversal_token".to_owned(),
            answer,
        }
    }

    fn known(status: Status) -> Known {
        let token = TokenData::from(&sample::claims(NOW - 60));
        Known { status, reason: None, token, requested_at: None, revocation_pending: false }
    }

    fn active() -> Receipt {
        receipt(Answer::Known(Box::new(known(Status::Active))))
    }

    fn issued(receipt: Receipt) -> String {
        issue(receipt, sample::receipt_signer(), sample::receipt_key().kid()).unwrap()
    }

    /// Signs any claims by the key of receipts.
    fn signed(typ: &str, claims: &Value) -> String {
        let kid = sample::receipt_key().kid().to_owned();
        jws::sign_as(typ, claims, sample::receipt_signer(), Some(&kid)).unwrap()
    }

    /// The sample's claims with these members of `token_introspection` put over them.
    fn changed(members: &Value) -> Result<Receipt, ReceiptError> {
        let mut claims = serde_json::to_value(Claims::from(active())).unwrap();
        let told = &mut claims["token_introspection"];
        for (name, value) in members.as_object().unwrap() {
            told[name] = value.clone();
            if value.is_null() {
                told.as_object_mut().unwrap().remove(name);
            }
        }
        verify(&signed(TYPE, &claims), &keys())
    }

    #[test]
    fn what_was_answered_is_read_again() {
        let pending =
            Known { revocation_pending: true, requested_at: Some(NOW - 5), ..known(Status::Active) };
        let revoked = Known { reason: Some("revoked".to_owned()), ..known(Status::NotActive) };
        let suspended = Known { reason: Some("subject-blocked".to_owned()), ..known(Status::Suspended) };
        let told = [known(Status::Active), known(Status::Expired), pending, revoked, suspended];
        let told = told.map(|known| Answer::Known(Box::new(known)));
        let withheld = [Withheld::Unknown, Withheld::Mismatch].map(Answer::Withheld);
        for answer in told.into_iter().chain(withheld) {
            let receipt = receipt(answer);
            assert_eq!(verify(&issued(receipt.clone()), &keys()).unwrap(), receipt);
        }
    }

    #[test]
    fn a_stock_reader_takes_it_by_the_published_key() {
        let token = TokenData { ground: Some("7".to_owned()), ..known(Status::NotActive).token };
        let known = Known {
            reason: Some("revoked".to_owned()),
            token,
            requested_at: Some(NOW - 5),
            ..known(Status::NotActive)
        };
        let compact = issued(receipt(Answer::Known(Box::new(known))));
        let key = jsonwebtoken::DecodingKey::from_jwk(&sample::receipt_key().to_jwk()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.set_required_spec_claims(&["iss", "aud"]);
        rules.set_issuer(&["https://kdp.example"]);
        rules.set_audience(&["050140000017"]);
        let read = jsonwebtoken::decode::<Value>(&compact, &key, &rules).unwrap();
        assert_eq!(read.header.typ.as_deref(), Some("token-introspection+jwt"));
        assert_eq!(read.header.kid.as_deref(), Some(sample::receipt_key().kid()));
        assert_eq!(
            read.claims,
            json!({
                "iss": "https://kdp.example", "aud": "050140000017", "iat": NOW, "jti": "d-1",
                "token_introspection": {
                    "active": false, "status": "not-active", "reason": "revoked",
                    "service_id": "GBDFLUniversal_token", "jti": "01J9Z4", "sub": "900101300009",
                    "uin": "900101300009", "cbin": "990140000013",
                    "services": ["GBDFLUniversal_token", "MCDB_SERVICE"], "method": 2, "ground": "7",
                    "rid": "r-1", "iat": NOW - 60, "exp": NOW + 3_540, "requested_at": NOW - 5,
                    "revocation_pending": false,
                },
            })
        );
    }

    #[test]
    fn of_a_token_that_is_withheld_nothing_is_told() {
        for (why, word) in [(Withheld::Unknown, "unknown"), (Withheld::Mismatch, "mismatch")] {
            let compact = issued(receipt(Answer::Withheld(why)));
            let payload = URL_SAFE_NO_PAD.decode(compact.split('.').nth(1).unwrap()).unwrap();
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(
                claims["token_introspection"],
                json!({"active": false, "status": word, "service_id": "GBDFLUniversal_token"})
            );
        }
    }

    #[test]
    fn it_never_passes_for_a_token_nor_a_token_for_it() {
        let compact = issued(active());
        let other = security::TokenError::Algorithm(RefusedAlgorithm::Other);
        assert_eq!(security::read(&compact, &keys()).unwrap_err(), other);
        assert!(ovt::verify(&compact, &[sample::key_of(sample::signer()).into()], &ovt::ACCEPTED).is_err());
        let token = security::issue(&sample::claims(NOW), sample::signer(), "k1").unwrap();
        assert_eq!(verify(&token, &keys()).unwrap_err(), ReceiptError::Kind);
        // The claims of either under the key of the other, its `typ` borrowed too.
        let claims = serde_json::to_value(sample::claims(NOW)).unwrap();
        for typ in ["JWT", TYPE] {
            assert_eq!(security::read(&signed(typ, &claims), &keys()).unwrap_err(), other);
            assert!(verify(&signed(typ, &claims), &keys()).is_err());
        }
        let claims = serde_json::to_value(Claims::from(active())).unwrap();
        let by_rsa = |typ: &str| jws::sign_as(typ, &claims, sample::signer(), Some("k1")).unwrap();
        assert_eq!(
            verify(&by_rsa(TYPE), &keys()).unwrap_err(),
            ReceiptError::Algorithm(RefusedAlgorithm::Other)
        );
        assert_eq!(security::read(&by_rsa("JWT"), &keys()).unwrap_err(), security::TokenError::Kind);
        assert_eq!(security::read(&by_rsa(TYPE), &keys()).unwrap_err(), security::TokenError::Kind);
    }

    #[test]
    fn rsa_signs_no_receipt() {
        assert_eq!(issue(active(), sample::signer(), "k1").unwrap_err(), SignError::Kind);
    }

    #[test]
    fn the_key_must_be_the_one_that_it_names() {
        let claims = Claims::from(active());
        let by = |kid| jws::sign_as(TYPE, &claims, sample::receipt_signer(), kid).unwrap();
        assert_eq!(verify(&by(None), &keys()).unwrap_err(), ReceiptError::KeyUnknown);
        for kid in ["another", "k1"] {
            assert_eq!(verify(&by(Some(kid)), &keys()).unwrap_err(), ReceiptError::KeyUnknown);
        }
        let other = crate::trust::sign::EcSigner::generate().unwrap();
        let forged = issue(active(), &other, sample::receipt_key().kid()).unwrap();
        assert_eq!(verify(&forged, &keys()).unwrap_err(), ReceiptError::Signature);
        assert_eq!(verify(&issued(active()), &KeySet::default()).unwrap_err(), ReceiptError::KeyUnknown);
    }

    #[test]
    fn claims_that_are_missing_or_at_odds_are_malformed() {
        assert!(changed(&json!({"a_later_member": 1, "ground": null})).is_ok());
        for members in [
            json!({"active": false}),
            json!({"status": "expired"}),
            json!({"active": false, "status": "unknown"}),
            json!({"status": "other"}),
            json!({"service_id": null}),
            json!({"jti": null}),
            json!({"sub": 1}),
            json!({"services": "A;B"}),
            json!({"exp": "2030-01-01"}),
            json!({"revocation_pending": null}),
        ] {
            let error = changed(&members).unwrap_err();
            assert!(matches!(error, ReceiptError::Malformed(_)), "{members}: {error:?}");
        }
        for claims in [json!({}), json!({"token_introspection": {"active": true}}), json!([])] {
            assert!(matches!(verify(&signed(TYPE, &claims), &keys()), Err(ReceiptError::Malformed(_))));
        }
    }

    #[test]
    fn a_change_of_any_character_is_refused() {
        let compact = issued(active());
        for at in 0..compact.len() {
            let mut bytes = compact.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(verify(&String::from_utf8(bytes).unwrap(), &keys()).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_person_is_not_readable_in_debug() {
        let shown = format!("{:?}", active());
        assert!(!shown.contains("9001013") && shown.contains("01J9Z4"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_signed_payload_panics(payload in "\\PC{0,64}") {
            prop_assert!(verify(&signed(TYPE, &Value::String(payload)), &keys()).is_err());
        }
    }
}
