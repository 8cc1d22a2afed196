//! Compact JWS (RFC 7515), read strictly: shape, algorithm, key, signature — in this order.

use super::json;
use super::jwks;
use super::ovt::OvtKey;
use super::rsa::PublicKeyError;
use crate::trust::sign::{SignError, SignatureAlgorithm, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// Longest token that is looked at, bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is not taken. No text holds anything of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Not a compact JWS, or not of the shape that is read here; says what is wrong.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Another algorithm than those for this kind of token, or than the key's: RS256 of tokens and of verification
    /// tokens, ГОСТ of verification tokens alone, ES256 of receipts alone.
    #[error("the token's algorithm is refused: {0}")]
    Algorithm(RefusedAlgorithm),
    /// No known key is named or carried by the token, or none is known at all.
    #[error("the token's key is unknown")]
    KeyUnknown,
    /// The signature is not one of the known keys' over these bytes.
    #[error("the token's signature is wrong")]
    Signature,
    /// It is not one of any key of the kind.
    #[error("the token's signature is wrong: {0}")]
    SignatureForm(SignatureFlaw),
}

/// What is wrong with a signature of ГОСТ in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFlaw {
    /// Truncated, or too long.
    Length,
    /// r or s is zero, or not below q.
    Range,
    /// The key's signature of these bytes, but its numbers are written otherwise (RFC 9215).
    Order,
}

impl fmt::Display for SignatureFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "it does not have the length of r and s",
            Self::Range => "r or s is not between zero and q",
            Self::Order => "r comes first, then s, each with its least significant byte first",
        })
    }
}

/// What a refused `alg` was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedAlgorithm {
    /// `none` in any case: no signature at all.
    None,
    /// `HS…`: a shared secret, for which a public key could be passed off.
    Hmac,
    /// One of the ГОСТ names of trust.md 4 where it is not accepted.
    Gost,
    /// Not that of the key that is registered.
    Unfit,
    /// Anything else.
    Other,
}

impl fmt::Display for RefusedAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Hmac => "HMAC",
            Self::Gost => "GOST, which is not accepted here",
            Self::Unfit => "not that of the registered key",
            Self::Other => "not on the list",
        })
    }
}

/// The parts of a compact JWS, decoded. Nobody has vouched for anything in them.
pub(super) struct Parts<'a> {
    /// Header and payload as they stand in the token: what is signed.
    pub signed: &'a str,
    /// In base64url.
    pub signature: &'a str,
    pub header: Map<String, Value>,
    pub payload: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// Reads `compact`: three parts in canonical base64url without padding, at most `most` bytes; a
    /// header that is a JSON object without a member twice, without `crit` and `b64`, and to the liking of
    /// `judge`, which is asked before the other parts are decoded.
    pub fn read<E: From<JwsError>>(
        most: usize,
        compact: &'a str,
        judge: impl FnOnce(&Map<String, Value>) -> Result<(), E>,
    ) -> Result<Self, E> {
        if compact.len() > most {
            return Err(JwsError::Malformed("too long").into());
        }
        let parts = JwsError::Malformed("not three parts");
        let (signed, signature) = compact.rsplit_once('.').ok_or(parts)?;
        let (header, payload) = signed.split_once('.').ok_or(parts)?;
        if payload.contains('.') {
            return Err(parts.into());
        }
        let decode = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsError::Malformed("not canonical base64url"))
        };
        let header = json::object(&decode(header)?)
            .map_err(|_| JwsError::Malformed("header is not a sound JSON object"))?;
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(JwsError::Malformed("header demands an extension").into());
        }
        judge(&header)?;
        let payload = decode(payload)?;
        decode(signature)?;
        Ok(Self { signed, signature, header, payload })
    }
}

/// A member of a header that is a text, if it is there.
pub(super) fn text<'a>(header: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, JwsError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(JwsError::Malformed("alg, typ or kid is not a text")),
    }
}

/// The claims: the payload as a JSON object without a member twice.
pub(super) fn claims(payload: &[u8]) -> Result<Map<String, Value>, JwsError> {
    json::object(payload).map_err(|_| JwsError::Malformed("payload is not a sound JSON object"))
}

/// A public key that may have signed a token.
pub trait TokenKey {
    /// The name under which the key is known.
    fn kid(&self) -> Option<&str>;

    /// The algorithm of every signature of this key.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The key as DER `SubjectPublicKeyInfo`: equal keys give equal bytes.
    fn to_spki_der(&self) -> Vec<u8>;

    /// Checks `signature`, canonical base64url without padding, over `message`.
    ///
    /// # Errors
    /// [`JwsError::Signature`], [`JwsError::SignatureForm`].
    fn check(&self, message: &[u8], signature: &str) -> Result<(), JwsError>;
}

/// A token whose shape and algorithm are sound. Nobody has vouched for anything in it yet.
pub struct Unverified<'a> {
    algorithm: SignatureAlgorithm,
    signed: &'a str,
    signature: &'a str,
    payload: Vec<u8>,
    header: Header,
}

struct Header {
    typ: Option<String>,
    kid: Option<String>,
    /// The key of `x5c` or `jwk`, of both if both are there, as DER `SubjectPublicKeyInfo`.
    carried: Vec<Vec<u8>>,
}

/// A token whose signature is that of a known key.
pub struct Verified<'a> {
    signed: &'a str,
    payload: Vec<u8>,
    pub(super) typ: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Reads `compact`: three parts in canonical base64url without padding, at most [`MAX_TOKEN_BYTES`]; a
    /// header that is a JSON object without a member twice, with `alg` RS256, and without `crit` and `b64`.
    ///
    /// `jku`, `x5u` and the thumbprints `x5t…` are ignored: they can only point to keys, and are never fetched.
    ///
    /// # Errors
    /// [`JwsError::Malformed`], [`JwsError::Algorithm`], and [`JwsError::KeyUnknown`] for a carried key that
    /// could not be a registered one.
    pub fn parse(compact: &'a str) -> Result<Self, JwsError> {
        Self::parse_as(compact, &[SignatureAlgorithm::RsaSha256])
    }

    /// The same with an `alg` that names one of these algorithms.
    ///
    /// # Errors
    /// Those of [`Unverified::parse`].
    pub fn parse_as(compact: &'a str, accepted: &[SignatureAlgorithm]) -> Result<Self, JwsError> {
        Self::parse_within(MAX_TOKEN_BYTES, compact, accepted)
    }

    /// The same of at most `most` bytes.
    pub(super) fn parse_within(
        most: usize,
        compact: &'a str,
        accepted: &[SignatureAlgorithm],
    ) -> Result<Self, JwsError> {
        let mut named = None;
        let judge = |header: &Map<String, Value>| algorithm(header, accepted).map(|alg| named = Some(alg));
        let parts = Parts::read(most, compact, judge)?;
        let algorithm = named.ok_or(JwsError::Malformed("no algorithm"))?;
        let header = Header::read(parts.header)?;
        let Parts { signed, signature, payload, .. } = parts;
        Ok(Self { algorithm, signed, signature, payload, header })
    }

    /// Checks the signature with the keys that the header leaves in question.
    ///
    /// A `kid` selects the keys of that name, or else those that have none; without it all are in question.
    /// A carried key leaves only the known keys that equal it. Neither ever adds one. Of these, the keys of the
    /// token's algorithm are tried.
    ///
    /// # Errors
    /// [`JwsError::KeyUnknown`] when no key is left, [`JwsError::Algorithm`] when none of these is of the algorithm,
    /// [`JwsError::Signature`] or [`JwsError::SignatureForm`] when none of them signed.
    pub fn verify<K: TokenKey>(self, keys: &[K]) -> Result<Verified<'a>, JwsError> {
        let kid = self.header.kid.as_deref();
        let named = kid.is_some_and(|kid| keys.iter().any(|key| key.kid() == Some(kid)));
        let wanted = if named { kid } else { None };
        let in_question = |key: &&K| {
            (kid.is_none() || key.kid() == wanted)
                && self.header.carried.iter().all(|carried| *carried == key.to_spki_der())
        };
        let mut keys = keys.iter().filter(in_question).peekable();
        if keys.peek().is_none() {
            return Err(JwsError::KeyUnknown);
        }
        let mut refused = JwsError::Algorithm(RefusedAlgorithm::Unfit);
        for key in keys.filter(|key| key.algorithm() == self.algorithm) {
            match key.check(self.signed.as_bytes(), self.signature) {
                Ok(()) => {
                    return Ok(Verified { signed: self.signed, payload: self.payload, typ: self.header.typ });
                }
                // What is wrong in itself says more than that it is not of this key.
                Err(error)
                    if error == JwsError::Signature && matches!(refused, JwsError::SignatureForm(_)) => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl<'a> Verified<'a> {
    /// The bytes that were signed: header and payload as they stood in the token.
    #[must_use]
    pub fn signed(&self) -> &'a str {
        self.signed
    }

    /// The payload's bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether the header says `typ` JWT (RFC 7519, 5.1), in any case; `None` when it says nothing.
    pub(super) fn is_jwt(&self) -> Option<bool> {
        self.typ.as_ref().map(|typ| typ.eq_ignore_ascii_case("JWT"))
    }

    /// The claims: the payload as a JSON object without a member twice.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, JwsError> {
        claims(&self.payload)
    }
}

impl Header {
    fn read(mut members: Map<String, Value>) -> Result<Self, JwsError> {
        let owned = |name: &str| text(&members, name).map(|value| value.map(str::to_owned));
        let (typ, kid) = (owned("typ")?, owned("kid")?);
        let mut carried = Vec::new();
        if let Some(chain) = members.remove("x5c") {
            carried.push(first_of_chain(&chain)?);
        }
        match members.remove("jwk") {
            None => {}
            Some(Value::Object(jwk)) => {
                carried.push(jwks::from_members(jwk).map_err(carried_error)?.to_spki_der());
            }
            Some(_) => return Err(JwsError::Malformed("jwk is not an object")),
        }
        Ok(Self { typ, kid, carried })
    }
}

/// The algorithm that a header names, which must be one of these.
pub(super) fn algorithm(
    header: &Map<String, Value>,
    accepted: &[SignatureAlgorithm],
) -> Result<SignatureAlgorithm, JwsError> {
    let alg = text(header, "alg")?.ok_or(JwsError::Malformed("no algorithm"))?;
    let refused = match SignatureAlgorithm::from_jws(alg) {
        Some(named) if accepted.contains(&named) => return Ok(named),
        Some(SignatureAlgorithm::Gost2015 | SignatureAlgorithm::Gost2004) => RefusedAlgorithm::Gost,
        _ if alg.eq_ignore_ascii_case("none") => RefusedAlgorithm::None,
        _ if alg.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("HS")) => RefusedAlgorithm::Hmac,
        _ => RefusedAlgorithm::Other,
    };
    Err(JwsError::Algorithm(refused))
}

/// The signer's key of `x5c` (RFC 7515, 4.1.6): the first certificate, in plain base64.
fn first_of_chain(chain: &Value) -> Result<Vec<u8>, JwsError> {
    let malformed = JwsError::Malformed("x5c is not a chain of certificates");
    let first = chain.get(0).and_then(Value::as_str).ok_or(malformed)?;
    let der = STANDARD.decode(first).map_err(|_| malformed)?;
    OvtKey::from_certificate_der(&der, None).map(|key| key.to_spki_der()).map_err(carried_error)
}

/// A sound key of a kind that is never registered is unknown; anything else is no key.
fn carried_error(error: PublicKeyError) -> JwsError {
    match error {
        PublicKeyError::Malformed | PublicKeyError::Set => {
            JwsError::Malformed("carries something that is not a public key")
        }
        _ => JwsError::KeyUnknown,
    }
}

/// Makes a compact JWS of `typ` JWT over `claims`.
pub(super) fn sign<T: Serialize>(
    claims: &T,
    signer: &dyn Signer,
    kid: Option<&str>,
) -> Result<String, SignError> {
    sign_as("JWT", claims, signer, kid)
}

/// The same of another `typ` (RFC 7515, 4.1.9), which keeps one kind of token from passing for another.
pub(super) fn sign_as<T: Serialize>(
    typ: &str,
    claims: &T,
    signer: &dyn Signer,
    kid: Option<&str>,
) -> Result<String, SignError> {
    let header = Written { typ, alg: signer.algorithm().jws(), kid };
    // Claims are plain structures with text keys: serde_json cannot fail on them.
    let header = serde_json::to_vec(&header).map_err(|_| SignError::Failed)?;
    let claims = serde_json::to_vec(claims).map_err(|_| SignError::Failed)?;
    let mut token = String::with_capacity((header.len() + claims.len() + 512) * 4 / 3 + 8);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = signer.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// The header of a token of ours.
#[derive(Serialize)]
struct Written<'a> {
    typ: &'a str,
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// The `kid` of a token's header, as it says: to find a key, never to trust it.
#[must_use]
pub fn unverified_kid(compact: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        kid: String,
    }
    let (header, _) = compact.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    serde_json::from_slice::<Named>(&header).ok().map(|named| named.kid)
}

/// The `jti` of a token's claims, as they say: to find the token, never to trust it.
#[must_use]
pub fn unverified_jti(compact: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        jti: String,
    }
    let payload = compact.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Named>(&payload).ok().map(|named| named.jti)
}

#[cfg(test)]
mod tests {
    use super::super::rsa::VerifyingKey;
    use super::super::sample;
    use super::*;
    use proptest::prelude::*;
    use ring::hmac;

    fn read(token: &str) -> Result<Vec<u8>, JwsError> {
        let keys = [sample::key_of(sample::signer())];
        Unverified::parse(token)?.verify(&keys).map(|verified| verified.payload)
    }

    /// A token with this header, signed by the right key.
    fn with_header(header: &str) -> String {
        signed(&format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}")))
    }

    fn signed(message: &str) -> String {
        let signature = sample::signer().sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sound() -> String {
        with_header(r#"{"alg":"RS256"}"#)
    }

    #[test]
    fn a_sound_token_is_read() {
        assert_eq!(read(&sound()).unwrap(), b"{}");
    }

    #[test]
    fn a_change_of_any_character_is_refused() {
        let token = sound();
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(read(&changed).is_err(), "byte {at}, bit {bit}");
            }
            let (head, tail) = token.split_at(at);
            assert!(read(&format!("{head}{}", &tail[1..])).is_err(), "without byte {at}");
            for extra in ["A", ".", "=", " ", "\n", "\0", "Ж"] {
                assert!(read(&format!("{head}{extra}{tail}")).is_err(), "{extra:?} at {at}");
            }
        }
    }

    #[test]
    fn other_shapes_are_malformed() {
        let token = sound();
        for text in [
            "",
            ".",
            "..",
            "...",
            "a.b",
            &format!("{token}."),
            &format!(".{token}"),
            &format!("{token}.e30"),
            &format!("{token}.e30.e30"),
            &format!("{token}="),
            &format!("{token}\n"),
            r#"{"payload":"e30","signatures":[]}"#,
        ] {
            assert!(matches!(read(text), Err(JwsError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn ten_megabytes_are_refused_unread() {
        let token =
            signed(&format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), "A".repeat(10 << 20)));
        assert_eq!(read(&token), Err(JwsError::Malformed("too long")));
    }

    #[test]
    fn an_algorithm_that_is_not_on_the_list_is_refused_by_name() {
        for (alg, refused) in [
            ("none", RefusedAlgorithm::None),
            ("NONE", RefusedAlgorithm::None),
            ("nOnE", RefusedAlgorithm::None),
            ("HS256", RefusedAlgorithm::Hmac),
            ("hs512", RefusedAlgorithm::Hmac),
            ("GG2015", RefusedAlgorithm::Gost),
            ("GOST3410-2015-512", RefusedAlgorithm::Gost),
            ("RS384", RefusedAlgorithm::Other),
            ("PS256", RefusedAlgorithm::Other),
            ("ES256", RefusedAlgorithm::Other),
            ("EdDSA", RefusedAlgorithm::Other),
            ("rs256", RefusedAlgorithm::Other),
            ("RS256 ", RefusedAlgorithm::Other),
            ("", RefusedAlgorithm::Other),
        ] {
            let token = with_header(&format!(r#"{{"alg":"{alg}"}}"#));
            assert_eq!(read(&token), Err(JwsError::Algorithm(refused)), "{alg}");
        }
        let unsigned = with_header(r#"{"alg":"none"}"#);
        let unsigned = &unsigned[..=unsigned.rfind('.').unwrap()];
        assert_eq!(read(unsigned), Err(JwsError::Algorithm(RefusedAlgorithm::None)));
    }

    #[test]
    fn a_mac_under_the_public_key_is_refused_whatever_alg_says() {
        let key = sample::key_of(sample::signer());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n", STANDARD.encode(key.to_spki_der()));
        for secret in [key.to_spki_der(), pem.into_bytes()] {
            for (alg, error) in
                [("HS256", JwsError::Algorithm(RefusedAlgorithm::Hmac)), ("RS256", JwsError::Signature)]
            {
                let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}"}}"#));
                let message = format!("{header}.e30");
                let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
                assert_eq!(read(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac))), Err(error));
            }
        }
    }

    #[test]
    fn a_header_with_a_member_twice_or_with_demands_is_malformed() {
        for header in [
            r#"{"alg":"RS256","alg":"RS256"}"#,
            r#"{"alg":"none","alg":"RS256"}"#,
            r#"{"alg":"RS256","\u0061lg":"none"}"#,
            r#"{"alg":"RS256","crit":["exp"]}"#,
            r#"{"alg":"RS256","crit":[]}"#,
            r#"{"alg":"RS256","b64":false}"#,
            r#"{"alg":["RS256"]}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"RS256","kid":1}"#,
            r#"{"alg":"RS256","typ":{}}"#,
            r#"{"alg":"RS256","jwk":"x"}"#,
            r#"{"alg":"RS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
            r#"{"alg":"RS256","x5c":[]}"#,
            r#"{"alg":"RS256","x5c":["!"]}"#,
            r#"["RS256"]"#,
            "{}",
            "",
        ] {
            assert!(matches!(read(&with_header(header)), Err(JwsError::Malformed(_))), "{header}");
        }
    }

    #[test]
    fn a_kid_selects_and_never_adds_a_key() {
        let named = |kid: &str| with_header(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#));
        let (right, wrong) = (sample::key_of(sample::signer()), sample::key_of(sample::other()));
        let verify = |token: &str, keys: &[VerifyingKey]| {
            Unverified::parse(token).and_then(|token| token.verify(keys).map(drop))
        };
        let keys = [right.clone().with_kid("a"), wrong.clone().with_kid("b")];
        assert_eq!(verify(&named("a"), &keys), Ok(()));
        assert_eq!(verify(&named("b"), &keys), Err(JwsError::Signature));
        assert_eq!(verify(&named("c"), &keys), Err(JwsError::KeyUnknown));
        assert_eq!(verify(&sound(), &keys), Ok(()));
        assert_eq!(verify(&named("c"), &[wrong.clone(), right]), Ok(()));
        assert_eq!(verify(&sound(), &[wrong]), Err(JwsError::Signature));
        assert_eq!(verify(&sound(), &[]), Err(JwsError::KeyUnknown));
    }

    #[test]
    fn a_carried_key_must_be_a_known_one() {
        let jwk = |signer| serde_json::to_string(&sample::key_of(signer).to_jwk()).unwrap();
        let carrying = |jwk: String| with_header(&format!(r#"{{"alg":"RS256","jwk":{jwk}}}"#));
        assert!(read(&carrying(jwk(sample::signer()))).is_ok());
        assert_eq!(read(&carrying(jwk(sample::other()))), Err(JwsError::KeyUnknown));
        let elliptic = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.to_owned();
        assert_eq!(read(&carrying(elliptic)), Err(JwsError::KeyUnknown));
    }

    #[test]
    fn a_carried_certificate_must_hold_a_known_key() {
        let carrying = |signer: &dyn Signer| {
            let certificate = STANDARD.encode(sample::certificate_of(signer));
            with_header(&format!(r#"{{"alg":"RS256","x5c":["{certificate}"]}}"#))
        };
        assert!(read(&carrying(sample::signer())).is_ok());
        assert_eq!(read(&carrying(sample::other())), Err(JwsError::KeyUnknown));
    }

    #[test]
    fn pointers_to_keys_are_ignored() {
        let header =
            r#"{"alg":"RS256","jku":"http://127.0.0.1:9/k","x5u":"http://127.0.0.1:9/c","x5t":"AA"}"#;
        assert!(read(&with_header(header)).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_is_taken_or_panics(text in "\\PC{0,64}(\\.\\PC{0,64}){0,4}") {
            prop_assert!(read(&text).is_err());
        }

        #[test]
        fn no_signed_header_panics(header in proptest::collection::vec(any::<u8>(), 0..96)) {
            let token = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(&header));
            prop_assert!(read(&token).is_err());
        }
    }
}
