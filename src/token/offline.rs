//! The check of a security token that an owner makes by itself (F-14): by the published keys, what the owner was asked
//! for, and a copy of the status list. `kdp token verify` and the library for C are this and nothing else.
//!
//! Whatever is missing, broken, stale or unknown is no yes. The list is a help for the time when the service is away:
//! it never replaces asking (F-14 6).

use super::jwks::KeySet;
use super::rsa::PublicKeyError;
use super::security::{self, Claims, TokenError};
use super::status_list::{ListError, SignedList, Standing, Term};
use crate::consent::identity::{Bin, Iin};
use crate::text::{Class, Lang, Verdict};
use serde_json::{Value, json};

/// The most by which an owner may let clocks differ, seconds.
pub const MAX_LEEWAY: i64 = 600;

/// What the owner was asked for. What is `None` is not compared.
pub struct Question<'a> {
    /// When the token must be valid, Unix seconds.
    pub at: i64,
    /// How far the clocks of the owner and of the service may differ, seconds; no more than [`MAX_LEEWAY`] is given.
    pub leeway: i64,
    /// Whose data they are.
    pub uin: Option<Iin>,
    /// From which service of the register.
    pub service: Option<&'a str>,
    /// Who asks.
    pub bin: Option<Bin>,
    /// How old the list may be, seconds; its own `ttl` when nothing is said. After its `exp` no list serves.
    pub list_max_age: Option<i64>,
}

/// What came of it.
pub struct Finding {
    /// The stable code, with its texts.
    pub verdict: Verdict,
    /// What exactly is wrong with the form; nothing of the token itself.
    pub detail: Option<String>,
    /// What the token says, if the service signed it. A person's data.
    pub claims: Option<Box<Claims>>,
    /// When the list was issued, for how long, if it was looked at and the service signed it.
    pub list: Option<Term>,
}

/// Reads the keys as the service publishes them.
///
/// # Errors
/// The verdict that the keys make of any token.
pub fn keys(jwks: &[u8]) -> Result<KeySet, Finding> {
    let keys = std::str::from_utf8(jwks).map_err(|_| PublicKeyError::Malformed).and_then(KeySet::from_jwks);
    keys.map_err(|error| Finding { detail: Some(error.to_string()), ..unusable_keys(error).into() })
}

fn unusable_keys(error: PublicKeyError) -> Verdict {
    match error {
        PublicKeyError::Set => Verdict::KeysUnsafe,
        PublicKeyError::Size | PublicKeyError::Numbers | PublicKeyError::Weak => Verdict::KeysWeak,
        _ => Verdict::KeysMalformed,
    }
}

/// Checks a token; blanks around token and list do not count, since files end with a line break.
#[must_use]
pub fn check(token: &[u8], keys: &KeySet, list: Option<&[u8]>, question: &Question<'_>) -> Finding {
    let Some(token) = text(token).filter(|token| is_compact(token)) else {
        return Verdict::TokenUnreadable.into();
    };
    let claims = match security::read(token, keys) {
        Ok(claims) => claims,
        Err(error) => return Finding { detail: detail(error), ..refused(error).into() },
    };
    let verdict = match fits(&claims, question) {
        Ok(()) => {
            return Finding {
                claims: Some(Box::new(claims.clone())),
                ..by_list(&claims, keys, list, question)
            };
        }
        Err(verdict) => verdict,
    };
    Finding { claims: Some(Box::new(claims)), ..verdict.into() }
}

/// The lifetime, and the match with what was asked.
fn fits(claims: &Claims, question: &Question<'_>) -> Result<(), Verdict> {
    claims.check_times(question.at, question.tolerance()).map_err(refused)?;
    if question.uin.is_some_and(|uin| uin.as_str() != claims.uin) {
        return Err(Verdict::SubjectDiffers);
    }
    if question.service.is_some_and(|service| !claims.services.iter().any(|granted| granted == service)) {
        return Err(Verdict::ServiceDiffers);
    }
    if question.bin.is_some_and(|bin| bin.as_str() != claims.cbin) {
        return Err(Verdict::InitiatorDiffers);
    }
    Ok(())
}

fn by_list(claims: &Claims, keys: &KeySet, list: Option<&[u8]>, question: &Question<'_>) -> Finding {
    let Some(list) = list else { return Verdict::RevocationUnknown.into() };
    let Some(list) = text(list) else { return Verdict::ListMalformed.into() };
    match SignedList::read(list, keys) {
        Ok(list) => Finding { list: Some(list.term), ..standing(claims, &list, question).into() },
        Err(error) => Finding { detail: Some(error.to_string()), ..distrusted(error).into() },
    }
}

fn standing(claims: &Claims, list: &SignedList, question: &Question<'_>) -> Verdict {
    let (at, leeway, Term { iat, exp, ttl }) = (question.at, question.tolerance(), list.term);
    if iat > at.saturating_add(leeway) {
        return Verdict::ListNotYetValid;
    }
    if at >= exp.saturating_add(leeway) {
        return Verdict::ListExpired;
    }
    let most = question.list_max_age.unwrap_or(ttl).max(0);
    if at.saturating_sub(iat) > most.saturating_add(leeway) {
        return Verdict::ListStale;
    }
    let Some(status) = &claims.status else { return Verdict::StatusAbsent };
    if status.status_list.uri != list.uri {
        return Verdict::StatusElsewhere;
    }
    match list.standing(&status.status_list) {
        None => Verdict::StatusBeyond,
        Some(Standing::Valid) => Verdict::Valid,
        Some(Standing::Invalid) => Verdict::Revoked,
        Some(Standing::Suspended) => Verdict::Suspended,
        Some(Standing::UnderReview) => Verdict::UnderReview,
    }
}

impl Question<'_> {
    fn tolerance(&self) -> i64 {
        self.leeway.clamp(0, MAX_LEEWAY)
    }
}

/// Three parts of base64url: a text of this shape that is no token is refused, any other is not readable.
fn is_compact(text: &str) -> bool {
    let base64url = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    text.split('.').count() == 3 && text.split('.').all(base64url)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(|text| text.trim_matches(|c: char| c.is_ascii_whitespace()))
}

fn refused(error: TokenError) -> Verdict {
    match error {
        TokenError::Malformed(_) => Verdict::TokenMalformed,
        TokenError::Algorithm(_) => Verdict::TokenAlgorithm,
        TokenError::Kind => Verdict::TokenKind,
        TokenError::KeyUnknown => Verdict::TokenKeyUnknown,
        TokenError::Signature => Verdict::TokenSignature,
        TokenError::NotYetValid => Verdict::TokenNotYetValid,
        TokenError::Expired => Verdict::TokenExpired,
    }
}

fn detail(error: TokenError) -> Option<String> {
    matches!(error, TokenError::Malformed(_) | TokenError::Algorithm(_)).then(|| error.to_string())
}

fn distrusted(error: ListError) -> Verdict {
    match error {
        ListError::Malformed(_) => Verdict::ListMalformed,
        ListError::Algorithm(_) => Verdict::ListAlgorithm,
        ListError::Kind => Verdict::ListKind,
        ListError::KeyUnknown => Verdict::ListKeyUnknown,
        ListError::Signature => Verdict::ListSignature,
    }
}

impl From<Verdict> for Finding {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, detail: None, claims: None, list: None }
    }
}

impl Finding {
    /// Whether data may be handed over, as far as what was brought tells; `None`: nothing speaks against it, and nothing
    /// was brought that knows of revocations.
    #[must_use]
    pub fn is_valid(&self) -> Option<bool> {
        match self.verdict.class() {
            Class::Accepted => Some(true),
            Class::Unasked => None,
            Class::Refused | Class::Unusable => Some(false),
        }
    }

    /// As programs read it: `valid` (null when no list was given), `code`, `error` (null unless it is a no), `text`, `remedy`,
    /// `detail`, `status_list` (`iat`, `exp`, `ttl`, or null), `claims` (or null).
    #[must_use]
    pub fn json(&self, lang: Lang) -> Value {
        let (verdict, valid) = (self.verdict, self.is_valid());
        let list = self.list.map(|Term { iat, exp, ttl }| json!({ "iat": iat, "exp": exp, "ttl": ttl }));
        json!({
            "valid": valid, "code": verdict.code(), "error": (valid == Some(false)).then(|| verdict.text(lang)),
            "text": verdict.text(lang), "remedy": verdict.remedy(lang), "detail": self.detail,
            "status_list": list, "claims": self.claims,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::super::security::{Status, StatusReference, issue};
    use super::super::status_list::StatusList;
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const NOW: i64 = 1_790_000_000;
    const URI: &str = "https://kdp.example/token-status";

    static TOKEN: LazyLock<String> = LazyLock::new(|| {
        let status = Status { status_list: StatusReference { idx: 7, uri: URI.to_owned() } };
        issue(&Claims { status: Some(status), ..sample::claims(NOW) }, sample::signer(), "k1").unwrap()
    });
    static LIST: LazyLock<String> = LazyLock::new(|| {
        let term = Term { iat: NOW, exp: NOW + 3_600, ttl: 300 };
        StatusList::new().token(URI, term, sample::signer(), "k1").unwrap()
    });

    fn found(token: &[u8], list: &[u8]) -> Verdict {
        let keys = KeySet::new(vec![sample::key_of(sample::signer()).with_kid("k1")]).unwrap();
        let (uin, bin) = (Iin::parse("900101300009").ok(), None);
        let service = Some("MCDB_SERVICE");
        let question = Question { at: NOW, leeway: 0, uin, service, bin, list_max_age: None };
        check(token, &keys, Some(list), &question).verdict
    }

    #[test]
    fn a_change_of_any_character_of_token_or_list_is_no_yes() {
        assert_eq!(found(TOKEN.as_bytes(), LIST.as_bytes()), Verdict::Valid);
        let changed = |text: &str, at: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            bytes
        };
        for at in 0..TOKEN.len() {
            let verdict = found(&changed(&TOKEN, at), LIST.as_bytes());
            assert!(matches!(verdict.class(), Class::Refused | Class::Unusable), "byte {at}");
        }
        for at in 0..LIST.len() {
            let verdict = found(TOKEN.as_bytes(), &changed(&LIST, at));
            assert_eq!(verdict.class(), Class::Refused, "byte {at}");
        }
        for end in 0..LIST.len() {
            let verdict = found(TOKEN.as_bytes(), &LIST.as_bytes()[..end]);
            assert_eq!(verdict.class(), Class::Refused, "the first {end} bytes");
        }
    }

    #[test]
    fn a_person_is_told_of_only_when_the_service_signed() {
        let keys = KeySet::new(vec![sample::key_of(sample::other()).with_kid("k1")]).unwrap();
        let question =
            Question { at: NOW, leeway: 0, uin: None, service: None, bin: None, list_max_age: None };
        let told = check(TOKEN.as_bytes(), &keys, None, &question).json(Lang::En);
        assert_eq!((&told["code"], &told["claims"]), (&json!("token-signature"), &Value::Null));
        assert!(!told.to_string().contains("900101300009"));
    }

    proptest! {
        #[test]
        fn no_octets_are_a_yes_or_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(matches!(found(&octets, LIST.as_bytes()).class(), Class::Refused | Class::Unusable));
            prop_assert_eq!(found(TOKEN.as_bytes(), &octets).class(), Class::Refused);
            prop_assert!(keys(&octets).is_err());
        }
    }
}
