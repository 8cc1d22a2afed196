//! The offline check of security tokens (F-14) behind a C interface: `kdp_verifier.h` says what each value means.
//!
//! What is checked and how is [`kdp::token::offline`], the code of `kdp token verify`. Here a question is read from C,
//! and the finding is written into memory of the caller's; all unsafe code is in [`memory`].

#![deny(unsafe_code, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod memory;

use kdp::consent::identity::{Bin, Iin};
use kdp::text::{Class, Lang, Verdict};
use kdp::token::offline::{self, Finding, MAX_LEEWAY};

/// The token holds, and the list does not say no.
pub const VALID: i32 = 0;
/// No.
pub const REFUSED: i32 = 1;
/// What was brought cannot be read; a no as well.
pub const UNUSABLE: i32 = 2;
/// The token holds, and no list was brought: whether it was revoked is not known.
pub const REVOCATION_UNKNOWN: i32 = 3;

/// A question as it came from C; `None` is NULL.
struct Asked<'a> {
    token: Option<&'a [u8]>,
    jwks: Option<&'a [u8]>,
    status_list: Option<&'a [u8]>,
    uin: Option<&'a [u8]>,
    service: Option<&'a [u8]>,
    bin: Option<&'a [u8]>,
    lang: Option<&'a [u8]>,
    at: i64,
    leeway: i64,
    list_max_age: i64,
}

/// The verdict as a number, and the finding as JSON; `None` is a question that could not even be read.
fn answer(asked: Option<&Asked<'_>>) -> (i32, String) {
    let finding = asked.and_then(find).unwrap_or_else(|| Verdict::QuestionMalformed.into());
    let number = match finding.verdict.class() {
        Class::Accepted => VALID,
        Class::Unasked => REVOCATION_UNKNOWN,
        Class::Refused => REFUSED,
        Class::Unusable => UNUSABLE,
    };
    let lang = asked.and_then(|asked| asked.lang).and_then(text).and_then(Lang::parse).unwrap_or_default();
    (number, finding.json(lang).to_string())
}

/// `None`: the question is not put right. Subject and service must be asked about: an owner that forgot one of them
/// would hand over the data of others.
fn find(asked: &Asked<'_>) -> Option<Finding> {
    let uin = Iin::parse(text(asked.uin?)?).ok()?;
    let service = text(asked.service?).filter(|service| !service.is_empty())?;
    let bin = match asked.bin {
        None => None,
        Some(bin) => Some(Bin::parse(text(bin)?).ok()?),
    };
    if !(0..=MAX_LEEWAY).contains(&asked.leeway) || asked.list_max_age < -1 {
        return None;
    }
    let question = offline::Question {
        at: asked.at,
        leeway: asked.leeway,
        uin: Some(uin),
        service: Some(service),
        bin,
        list_max_age: (asked.list_max_age >= 0).then_some(asked.list_max_age),
    };
    let (token, jwks) = (asked.token?, asked.jwks?);
    Some(match offline::keys(jwks) {
        Ok(keys) => offline::check(token, &keys, asked.status_list, &question),
        Err(finding) => finding,
    })
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
