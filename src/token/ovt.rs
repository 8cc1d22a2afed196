//! Verification token (токен верификации, `ovt`): the initiator's signed word that it has the consent.
//!
//! Made and read as trust.md 4 says; the checks of F-6 that need the request — BIN, method, subject, use — are
//! the caller's, in the law's order, on what [`verify`] returns. For that order's sake a date or a consent word
//! that cannot be right does not fail [`verify`]: [`Ovt::check_dates`] and [`Ovt::mcheck`] tell it in its turn.

mod key;

pub use key::OvtKey;

use super::jws::{JwsError, SignatureFlaw, Unverified};
use crate::trust::sign::{SignError, SignatureAlgorithm, Signer};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use std::fmt;

/// The algorithms of verification tokens (trust.md 4).
pub const ACCEPTED: [SignatureAlgorithm; 2] = [SignatureAlgorithm::RsaSha256, SignatureAlgorithm::Gost2015];

/// The same with GG2004, whose form nobody has seen yet: where the configuration says so.
pub const ACCEPTED_WITH_GG2004: [SignatureAlgorithm; 3] =
    [SignatureAlgorithm::RsaSha256, SignatureAlgorithm::Gost2015, SignatureAlgorithm::Gost2004];

/// The algorithms that are accepted with or without GG2004.
#[must_use]
pub fn accepted(gg2004: bool) -> &'static [SignatureAlgorithm] {
    if gg2004 { &ACCEPTED_WITH_GG2004 } else { &ACCEPTED }
}

/// How far the clocks of an initiator and of the service may differ, seconds.
pub const LEEWAY: i64 = 120;

/// Longest life of a verification token by default, seconds: 10 hours.
pub const MAX_LIFETIME: i64 = 10 * 3600;

/// How consent was obtained (`mcheck`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mcheck {
    /// `BIO`: biometrics.
    Biometrics,
    /// `DS`: digital signature (ЭЦП).
    Signature,
    /// `DID`: digital ID.
    DigitalId,
    /// `OTP`: one-time password.
    OneTimePassword,
    /// `PC`: on paper.
    Paper,
    /// `NONE`: no consent was obtained; for method 4 only.
    NoConsent,
}

/// A verification token that a registered key signed. `Debug` shows no person.
#[derive(Clone, PartialEq, Eq)]
pub struct Ovt {
    /// `cbin`: BIN of the initiator that made it, as written: any text.
    pub cbin: String,
    /// `mcheck`: `None` when the word is on no list, so that no method allows it (`ovt-method`).
    pub mcheck: Option<Mcheck>,
    /// `uin`: IIN of the subject to whom the token is bound.
    pub uin: Option<String>,
    /// `jti`: the initiator's id of the token.
    pub jti: Option<String>,
    /// SHA-256 of the signed bytes, header and payload: the identity under which use is remembered (wire.md 5).
    /// Their encoding has one form only and the signature has no part in it, so neither another spelling nor
    /// another signature of the same bytes makes another token.
    pub digest: [u8; 32],
    dates: DatesRead,
}

/// The times of a token whose dates hold, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// Date of formation.
    pub iat: i64,
    /// From here on the token is expired.
    pub exp: i64,
}

/// Why a text is no verification token of these keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OvtError {
    /// Not a strict compact JWS, or claims are missing or no text.
    #[error("the verification token is malformed: {0}")]
    Malformed(&'static str),
    /// Another algorithm than is accepted, or not that of the key.
    #[error("the verification token's algorithm is refused: {0}")]
    Algorithm(super::jws::RefusedAlgorithm),
    /// The key that it names or carries is not registered, or none is.
    #[error("no registered key fits the verification token")]
    KeyUnknown,
    /// Not signed by a registered key.
    #[error("the verification token's signature is wrong")]
    Signature,
    /// Not a signature of the form that the key makes.
    #[error("the verification token's signature is wrong: {0}")]
    SignatureForm(SignatureFlaw),
}

/// Why the dates of a token do not hold (`ovt-date`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateProblem {
    /// A number that is no second between 1970 and 9999; milliseconds are meant, perhaps.
    #[error("iat, exp and nbf must be Unix seconds")]
    NotSeconds,
    /// `exp` is not after `iat`.
    #[error("exp is not after iat")]
    ExpBeforeIat,
    /// From `iat` to `exp` it is longer than allowed.
    #[error("the token lives too long")]
    LivesTooLong,
    /// `iat` or `nbf` lies further ahead than the leeway.
    #[error("the token is from the future")]
    FromTheFuture,
    /// `exp` is past, and the leeway too.
    #[error("the token is expired")]
    Expired,
}

/// Verifies `compact` with the registered keys of the initiator: shape, algorithm, key, signature, claims. The
/// algorithm must be one of `accepted`, [`ACCEPTED`] unless configured, and that of the key.
///
/// Its dates, BIN, method and subject are not judged here. An empty `keys` is [`OvtError::KeyUnknown`].
///
/// # Errors
/// [`OvtError`]; [`OvtError::reason`] is its code of wire.md 4.
pub fn verify(compact: &str, keys: &[OvtKey], accepted: &[SignatureAlgorithm]) -> Result<Ovt, OvtError> {
    let verified = Unverified::parse_as(compact, accepted)?.verify(keys)?;
    if verified.is_jwt() == Some(false) {
        return Err(OvtError::Malformed("typ says that it is something else"));
    }
    let mut claims = verified.claims()?;
    // What every security token has and no verification token: whatever key signed, it is not one.
    if claims.contains_key("services") && claims.contains_key("rid") {
        return Err(OvtError::Malformed("it is a security token"));
    }
    let dates = Dates::read(&claims)?;
    let mut text = |name: &str| match claims.remove(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(OvtError::Malformed("a claim is not a text")),
    };
    let cbin = text("cbin")?.ok_or(OvtError::Malformed("cbin is missing"))?;
    let mcheck = text("mcheck")?.ok_or(OvtError::Malformed("mcheck is missing"))?;
    let (uin, jti) = (text("uin")?, text("jti")?);
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, verified.signed().as_bytes()).as_ref());
    Ok(Ovt { cbin, mcheck: Mcheck::parse(&mcheck), uin, jti, digest: sha256, dates })
}

impl Ovt {
    /// Checks the date of formation (F-6) and the other dates at `now`, Unix seconds.
    ///
    /// `leeway` and `max_lifetime` are seconds, [`LEEWAY`] and [`MAX_LIFETIME`] unless configured.
    ///
    /// # Errors
    /// The first [`DateProblem`]: what is wrong in itself before what is wrong at this time.
    pub fn check_dates(&self, now: i64, leeway: i64, max_lifetime: i64) -> Result<Dates, DateProblem> {
        let (dates, nbf) = self.dates?;
        let Dates { iat, exp } = dates;
        if exp <= iat {
            return Err(DateProblem::ExpBeforeIat);
        }
        if exp.saturating_sub(iat) > max_lifetime {
            return Err(DateProblem::LivesTooLong);
        }
        if iat.max(nbf.unwrap_or(iat)) > now.saturating_add(leeway) {
            return Err(DateProblem::FromTheFuture);
        }
        if now >= exp.saturating_add(leeway) {
            return Err(DateProblem::Expired);
        }
        Ok(dates)
    }
}

/// Dates that are numbers; whether they are seconds is a question of the date.
type DatesRead = Result<(Dates, Option<i64>), DateProblem>;

impl Dates {
    fn read(claims: &Map<String, Value>) -> Result<DatesRead, OvtError> {
        let number = |name| match claims.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(_) => Err(OvtError::Malformed("iat, exp and nbf must be numbers")),
        };
        let missing = OvtError::Malformed("iat or exp is missing");
        let (iat, exp) = (number("iat")?.ok_or(missing)?, number("exp")?.ok_or(missing)?);
        let nbf = number("nbf")?;
        let dates = || {
            let dates = Self { iat: seconds(iat)?, exp: seconds(exp)? };
            Ok((dates, nbf.map(seconds).transpose()?))
        };
        Ok(dates())
    }
}

/// A `NumericDate` (RFC 7519, 2), which may have a fraction: some clients' clocks give one.
fn seconds(number: &Number) -> Result<i64, DateProblem> {
    /// The first second of the year 10 000.
    const END: i64 = 253_402_300_800;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float cast saturates, and the range is checked next"
    )]
    let whole = number.as_i64().or_else(|| number.as_f64().map(|float| float.floor() as i64));
    whole.filter(|seconds| (0..END).contains(seconds)).ok_or(DateProblem::NotSeconds)
}

impl Mcheck {
    /// Reads the word of a token, in any case.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Biometrics,
            Self::Signature,
            Self::DigitalId,
            Self::OneTimePassword,
            Self::Paper,
            Self::NoConsent,
        ]
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(word))
    }

    /// The word of a token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Biometrics => "BIO",
            Self::Signature => "DS",
            Self::DigitalId => "DID",
            Self::OneTimePassword => "OTP",
            Self::Paper => "PC",
            Self::NoConsent => "NONE",
        }
    }
}

impl OvtError {
    /// The reason code of wire.md 4. (A token that is absent is `ovt-missing`, dates are `ovt-date`.)
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "ovt-malformed",
            Self::Algorithm(_) => "ovt-algorithm",
            Self::KeyUnknown => "ovt-key-unknown",
            Self::Signature | Self::SignatureForm(_) => "ovt-signature",
        }
    }
}

impl DateProblem {
    /// The reason code of wire.md 4.
    #[must_use]
    pub fn reason(self) -> &'static str {
        "ovt-date"
    }
}

impl From<JwsError> for OvtError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed(what) => Self::Malformed(what),
            JwsError::Algorithm(refused) => Self::Algorithm(refused),
            JwsError::KeyUnknown => Self::KeyUnknown,
            JwsError::Signature => Self::Signature,
            JwsError::SignatureForm(flaw) => Self::SignatureForm(flaw),
        }
    }
}

impl fmt::Debug for Ovt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ovt")
            .field("mcheck", &self.mcheck)
            .field("dates", &self.dates)
            .field("bound", &self.uin.is_some())
            .finish_non_exhaustive()
    }
}

/// The claims of a verification token to be made.
#[derive(Clone, Copy, Serialize)]
pub struct NewOvt<'a> {
    /// BIN of the initiator.
    pub cbin: &'a str,
    /// How consent was obtained.
    #[serde(serialize_with = "as_word")]
    pub mcheck: Mcheck,
    /// Date of formation, Unix seconds.
    pub iat: i64,
    /// Expiry, Unix seconds.
    pub exp: i64,
    /// IIN of the subject to bind the token to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uin: Option<&'a str>,
    /// Id of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<&'a str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn as_word<S: serde::Serializer>(mcheck: &Mcheck, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mcheck.as_str())
}

/// Makes a verification token as an initiator does; `kid` goes into its header when given.
///
/// # Errors
/// [`SignError`] when the signer fails.
pub fn make(claims: &NewOvt<'_>, signer: &dyn Signer, kid: Option<&str>) -> Result<String, SignError> {
    super::jws::sign(claims, signer, kid)
}

#[cfg(test)]
mod tests {
    use super::super::{sample, security};
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    const NOW: i64 = 1_790_000_000;
    const SOUND: NewOvt<'_> = NewOvt {
        cbin: "990140000013",
        mcheck: Mcheck::Biometrics,
        iat: NOW,
        exp: NOW + 3_600,
        uin: None,
        jti: None,
    };

    fn read(token: &str) -> Result<Ovt, OvtError> {
        verify(token, &[sample::key_of(sample::signer()).into()], &ACCEPTED)
    }

    fn made(claims: &NewOvt<'_>) -> String {
        make(claims, sample::signer(), None).unwrap()
    }

    /// A token with this header and payload, signed by the registered key.
    fn signed(header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = sample::signer().sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn with_payload(payload: &str) -> Result<Ovt, OvtError> {
        read(&signed(r#"{"alg":"RS256","typ":"JWT"}"#, payload))
    }

    fn with_dates(dates: &str) -> Result<Dates, DateProblem> {
        with_payload(&format!(r#"{{"cbin":"990140000013","mcheck":"BIO"{dates}}}"#)).unwrap().check_dates(
            NOW,
            LEEWAY,
            MAX_LIFETIME,
        )
    }

    #[test]
    fn what_make_makes_is_read() {
        let token = made(&NewOvt { uin: Some("900101300009"), jti: Some("n1"), ..SOUND });
        let ovt = read(&token).unwrap();
        assert_eq!((ovt.cbin.as_str(), ovt.mcheck), ("990140000013", Some(Mcheck::Biometrics)));
        assert_eq!((ovt.uin.as_deref(), ovt.jti.as_deref()), (Some("900101300009"), Some("n1")));
        let dates = ovt.check_dates(NOW, LEEWAY, MAX_LIFETIME).unwrap();
        assert_eq!(dates, Dates { iat: NOW, exp: NOW + 3_600 });
    }

    #[test]
    fn a_typ_is_not_needed_but_must_not_be_another() {
        let payload = format!(r#"{{"cbin":"1","mcheck":"pc","iat":{NOW},"exp":{}}}"#, NOW + 1);
        assert!(read(&signed(r#"{"alg":"RS256"}"#, &payload)).is_ok());
        assert!(read(&signed(r#"{"alg":"RS256","typ":"jwt"}"#, &payload)).is_ok());
        let receipt = signed(r#"{"alg":"RS256","typ":"token-introspection+jwt"}"#, &payload);
        assert_eq!(read(&receipt).unwrap_err().reason(), "ovt-malformed");
    }

    #[test]
    fn the_key_of_another_bin_is_refused() {
        let token = make(&SOUND, sample::other(), None).unwrap();
        assert_eq!(read(&token).unwrap_err(), OvtError::Signature);
        assert_eq!(verify(&token, &[], &ACCEPTED).unwrap_err(), OvtError::KeyUnknown);
    }

    #[test]
    fn each_error_of_the_shape_has_its_reason() {
        let token = made(&SOUND);
        let unsigned =
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#) + "." + token.split('.').nth(1).unwrap() + ".";
        let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#) + &token[token.find('.').unwrap()..];
        for (text, reason) in [
            (unsigned, "ovt-algorithm"),
            (hmac, "ovt-algorithm"),
            (token.clone() + ".e30", "ovt-malformed"),
            ("A".repeat(10 << 20), "ovt-malformed"),
            (token.replacen("eyJ", "eyK", 1), "ovt-malformed"),
            (String::new(), "ovt-malformed"),
        ] {
            assert_eq!(read(&text).unwrap_err().reason(), reason);
        }
    }

    #[test]
    fn a_claim_twice_missing_or_of_another_kind_is_malformed() {
        let dates = format!(r#""iat":{NOW},"exp":{}"#, NOW + 60);
        for payload in [
            format!(r#"{{"cbin":"1","cbin":"2","mcheck":"BIO",{dates}}}"#),
            format!(r#"{{"cbin":"1","cbi\u006e":"2","mcheck":"BIO",{dates}}}"#),
            format!(r#"{{"cbin":"1","mcheck":"BIO",{dates},"exp":1}}"#),
            format!(r#"{{"mcheck":"BIO",{dates}}}"#),
            format!(r#"{{"cbin":"1",{dates}}}"#),
            format!(r#"{{"cbin":990140000013,"mcheck":"BIO",{dates}}}"#),
            format!(r#"{{"cbin":["1"],"mcheck":"BIO",{dates}}}"#),
            format!(r#"{{"cbin":"1","mcheck":null,{dates}}}"#),
            format!(r#"{{"cbin":"1","mcheck":"BIO","uin":null,{dates}}}"#),
            format!(r#"{{"cbin":"1","mcheck":"BIO","jti":7,{dates}}}"#),
            "[]".to_owned(),
            "foo".to_owned(),
            String::new(),
        ] {
            assert_eq!(with_payload(&payload).unwrap_err().reason(), "ovt-malformed", "{payload}");
        }
    }

    #[test]
    fn the_word_of_consent_is_compared_without_case() {
        for word in ["BIO", "DS", "DID", "OTP", "PC", "NONE"] {
            let mcheck = Mcheck::parse(&word.to_lowercase()).unwrap();
            assert_eq!(mcheck.as_str(), word);
        }
        for word in ["", "SMS", "BIO ", "ВIO"] {
            assert_eq!(Mcheck::parse(word), None, "{word}");
        }
        let payload = format!(r#"{{"cbin":"1","mcheck":"SMS","iat":{NOW},"exp":{}}}"#, NOW + 60);
        assert_eq!(with_payload(&payload).unwrap().mcheck, None);
    }

    #[test]
    fn each_problem_of_dates_has_its_name() {
        let dates = |iat: i64, exp: i64| with_dates(&format!(r#","iat":{iat},"exp":{exp}"#));
        assert!(dates(NOW, NOW + 60).is_ok());
        assert!(dates(NOW + LEEWAY, NOW + 600).is_ok());
        assert_eq!(dates(NOW + LEEWAY + 1, NOW + 600), Err(DateProblem::FromTheFuture));
        assert!(dates(NOW - 600, NOW - LEEWAY + 1).is_ok());
        assert_eq!(dates(NOW - 600, NOW - LEEWAY), Err(DateProblem::Expired));
        assert_eq!(dates(NOW, NOW), Err(DateProblem::ExpBeforeIat));
        assert_eq!(dates(NOW, NOW - 1), Err(DateProblem::ExpBeforeIat));
        assert!(dates(NOW, NOW + MAX_LIFETIME).is_ok());
        assert_eq!(dates(NOW, NOW + MAX_LIFETIME + 1), Err(DateProblem::LivesTooLong));
        assert_eq!(dates(NOW * 1_000, NOW * 1_000 + 60), Err(DateProblem::NotSeconds));
        assert_eq!(dates(-1, NOW), Err(DateProblem::NotSeconds));
        for text in ["1e300", "-1e300", "18446744073709551615", "9223372036854775808"] {
            assert_eq!(with_dates(&format!(r#","iat":{NOW},"exp":{text}"#)), Err(DateProblem::NotSeconds));
        }
        assert!(with_dates(&format!(r#","iat":{NOW}.75,"exp":{}.5"#, NOW + 60)).is_ok());
        let ahead = format!(r#","iat":{NOW},"exp":{},"nbf":{}"#, NOW + 900, NOW + 600);
        assert_eq!(with_dates(&ahead), Err(DateProblem::FromTheFuture));
        assert_eq!(DateProblem::Expired.reason(), "ovt-date");
    }

    #[test]
    fn dates_that_are_absent_or_no_numbers_are_malformed() {
        let malformed = |dates: &str| {
            let read = with_payload(&format!(r#"{{"cbin":"1","mcheck":"BIO"{dates}}}"#));
            assert_eq!(read.unwrap_err().reason(), "ovt-malformed", "{dates}");
        };
        malformed("");
        malformed(r#","iat":1"#);
        for text in ["\"1790000000\"", "\"2026-09-21\"", "null", "[1]", "true"] {
            malformed(&format!(r#","iat":{text},"exp":{}"#, NOW + 60));
            malformed(&format!(r#","iat":{NOW},"exp":{text}"#));
        }
    }

    #[test]
    fn the_digest_is_that_of_the_signed_bytes() {
        let one = read(&made(&SOUND)).unwrap();
        assert_eq!(one.digest, read(&made(&SOUND)).unwrap().digest);
        let other = read(&made(&NewOvt { jti: Some("2"), ..SOUND })).unwrap();
        assert_ne!(one.digest, other.digest);
    }

    #[test]
    fn a_security_token_is_no_verification_token_and_the_reverse() {
        let token = security::issue(&sample::claims(NOW), sample::signer(), "k").unwrap();
        assert_eq!(read(&token).unwrap_err(), OvtError::Malformed("it is a security token"));
        let keys = super::super::jwks::KeySet::new(vec![sample::key_of(sample::signer())]).unwrap();
        let ovt = made(&NewOvt { uin: Some("900101300009"), jti: Some("n1"), ..SOUND });
        assert_eq!(security::verify(&ovt, &keys, NOW, LEEWAY).unwrap_err(), security::TokenError::Kind);
    }

    #[test]
    fn a_person_is_not_readable_in_debug() {
        let ovt = read(&made(&NewOvt { uin: Some("900101300009"), jti: Some("900101300009"), ..SOUND }));
        assert!(!format!("{ovt:?}").contains("9001013"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_signed_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..128)) {
            let payload = String::from_utf8_lossy(&payload).into_owned();
            prop_assert!(with_payload(&payload).is_err());
        }

        #[test]
        fn no_date_panics(iat in any::<i64>(), exp in any::<f64>(), now in any::<i64>(), leeway in 0..i64::MAX) {
            let exp = if exp.is_finite() { exp } else { 0.0 };
            let ovt = with_payload(&format!(r#"{{"cbin":"1","mcheck":"DS","iat":{iat},"exp":{exp:e}}}"#)).unwrap();
            if let Ok(dates) = ovt.check_dates(now, leeway, MAX_LIFETIME) {
                prop_assert!(dates.exp > dates.iat && dates.exp - dates.iat <= MAX_LIFETIME);
            }
        }
    }
}
