//! How what was signed differs from what came: the canonical form is undone what stacks are known to do to it, until it
//! has the digest or the signature that the message brings. No private key is needed for it.

use crate::soap::envelope::Outline;
use crate::text::{Cause, mojibake};
use crate::trust::Distrust;
use crate::trust::algorithm::SignatureAlgorithm;
use crate::trust::certificate::Certificate;
use crate::trust::examine::{Examination, Found};
use crate::trust::gost::{Hash, OTHER_HASHES};
use crate::xml::Element;
use crate::xml::c14n::{self, Method};

/// Most other elements whose digest is tried.
const MOST_ELEMENTS: usize = 64;
/// Largest Body, bytes, that is searched for a difference.
const LARGEST: usize = 2 << 20;

/// Makes a canonical form as it may have been.
type Undo = fn(&str) -> String;

/// A way in which a canonical form was spoilt after signing, and how it is undone.
const SPOILT: [(Cause, Undo); 8] = [
    (Cause::PrettyPrinted, |text| without_blanks(text, false)),
    (Cause::PrettyPrinted, |text| without_blanks(text, true)),
    (Cause::PrettyPrinted, trimmed),
    (Cause::CrDoubled, |text| text.replace("&#xD;&#xD;", "&#xD;")),
    (Cause::CrDoubled, |text| text.replace("&#xD;", "")),
    (Cause::CrLost, |text| text.replace("&#xD;", "").replace('\n', "&#xD;\n")),
    (Cause::CrLost, |text| text.replace('\n', "\r\n")),
    (Cause::Mojibake, |text| mojibake::mended(text).unwrap_or_default()),
];

/// The canonical form; empty where there is none.
pub fn canonical(element: Element<'_, '_>, method: &Method<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = c14n::write(element, method, &mut out);
    out
}

/// What stacks are known to digest in place of what they should, each with its cause: the digests of a Body, in the order
/// in which they are tried.
#[must_use]
pub fn digests(
    body: Element<'_, '_>,
    algorithm: SignatureAlgorithm,
    prefixes: &[&str],
) -> Vec<(Cause, Vec<u8>)> {
    let exclusive = Method { exclusive: true, comments: false, inclusive_prefixes: prefixes };
    let form = canonical(body, &exclusive);
    if form.len() > LARGEST {
        return Vec::new();
    }
    // No form is one that nothing matches.
    let digest = |form: &[u8]| if form.is_empty() { Vec::new() } else { algorithm.digest(form) };
    let mut found: Vec<_> = [
        (Cause::PrefixListIgnored, Method::EXCLUSIVE),
        (Cause::C14nInclusive, Method::INCLUSIVE),
        (Cause::C14nComments, Method { comments: true, ..exclusive }),
        (Cause::C14nComments, Method { comments: true, ..Method::INCLUSIVE }),
    ]
    .iter()
    .map(|(cause, method)| (*cause, digest(&canonical(body, method))))
    .collect();
    found.extend(spoilt(&form).into_iter().map(|(cause, undone)| (cause, digest(undone.as_bytes()))));
    if algorithm == SignatureAlgorithm::Gost2004 {
        found.extend(OTHER_HASHES.iter().map(|hash| (Cause::GostSBox, hash(&form))));
    }
    let own = algorithm.digest(&form);
    if algorithm != SignatureAlgorithm::RsaSha256 {
        found.push((Cause::GostByteOrder, reversed(&own)));
    }
    found.push((Cause::DigestHex, hex(&own).into_bytes()));
    let document = body.document();
    let others = std::iter::once(document.root()).chain(body.descendants()).take(MOST_ELEMENTS);
    found.extend(others.map(|e| (Cause::DigestElsewhere, digest(&canonical(e, &Method::EXCLUSIVE)))));
    found
}

/// Why the Body has not the digest of the message.
pub fn of_digest(seen: &Examination<'_, '_>, outline: &Outline<'_, '_>) -> Vec<Cause> {
    let unknown = vec![Cause::BodyChanged];
    let Some(Found { method: Some(algorithm), digest: Some(digest), body_prefixes, .. }) = &seen.found else {
        return unknown;
    };
    let body = outline.body;
    let known = digests(body, *algorithm, body_prefixes);
    if let Some((cause, _)) = known.iter().find(|(_, known)| !known.is_empty() && known == digest) {
        return vec![*cause];
    }
    // As hexadecimal digits in place of base64.
    if known.iter().any(|(cause, hex)| *cause == Cause::DigestHex && is_written(seen, hex)) {
        return vec![Cause::DigestHex];
    }
    if is_lost(body) {
        return vec![Cause::CyrillicLost, Cause::BodyChanged];
    }
    unknown
}

/// What stacks are known to sign in place of what they should: the forms of `SignedInfo`, in the order in which they are
/// tried.
#[must_use]
pub fn forms(info: Element<'_, '_>, prefixes: &[&str]) -> Vec<(Cause, Vec<u8>)> {
    let exclusive = Method { exclusive: true, comments: false, inclusive_prefixes: prefixes };
    let mut found: Vec<_> = spoilt(&canonical(info, &exclusive))
        .into_iter()
        .map(|(cause, undone)| match cause {
            Cause::PrettyPrinted => (Cause::SignedInfoReformatted, undone.into_bytes()),
            other => (other, undone.into_bytes()),
        })
        .collect();
    found.push((Cause::PrefixListIgnored, canonical(info, &Method::EXCLUSIVE)));
    found.push((Cause::C14nInclusive, canonical(info, &Method::INCLUSIVE)));
    found
}

/// Why the signature value is none of the certificate's key over what is signed.
pub fn of_value(seen: &Examination<'_, '_>, pinned: &[&Certificate], error: Distrust) -> Vec<Cause> {
    let own = if matches!(error, Distrust::Gost(_)) { Cause::GostLength } else { Cause::SignatureValue };
    let Some(Found {
        method: Some(algorithm),
        value: Some(value),
        signed_info: Some(info),
        info_prefixes,
        ..
    }) = &seen.found
    else {
        return vec![own];
    };
    let Some(key) = seen.certificate.as_deref().and_then(|certificate| certificate.key().ok()) else {
        return vec![own];
    };
    let exclusive = Method { exclusive: true, comments: false, inclusive_prefixes: info_prefixes };
    let form = canonical(*info, &exclusive);
    let is_signed = |bytes: &[u8]| !bytes.is_empty() && key.verify(bytes, value).is_ok();
    if *algorithm != SignatureAlgorithm::RsaSha256 {
        if other_orders(value).iter().any(|value| key.verify(&form, value).is_ok()) {
            return vec![Cause::GostByteOrder];
        }
        let with = |hash: &Hash| key.verify_digest(&hash(&form), value).is_ok();
        if *algorithm == SignatureAlgorithm::Gost2004 && OTHER_HASHES.iter().any(with) {
            return vec![Cause::GostSBox];
        }
    }
    if let Some((cause, _)) = forms(*info, info_prefixes).iter().find(|(_, bytes)| is_signed(bytes)) {
        return vec![*cause];
    }
    let keys = pinned.iter().filter_map(|certificate| certificate.key().ok());
    let mut fitting = keys.filter(|key| key.algorithm() == *algorithm);
    if fitting.any(|key| key.verify(&form, value).is_ok()) {
        return vec![Cause::OtherKey];
    }
    vec![own]
}

/// A canonical form as it may have been before it was spoilt; empty where there was nothing of the kind to spoil.
fn spoilt(form: &[u8]) -> Vec<(Cause, String)> {
    let text = std::str::from_utf8(form).unwrap_or_default();
    let undone = |(cause, undo): &(Cause, Undo)| {
        let undone = undo(text);
        (*cause, if undone == text { String::new() } else { undone })
    };
    SPOILT.iter().map(undone).collect()
}

/// Without the blanks between tags; in a canonical form `<` is the beginning of a tag, and nothing else. `lines`: only
/// those with a line break in them.
fn without_blanks(text: &str, lines: bool) -> String {
    between_tags(text, |run| {
        let is_blank = run.trim().is_empty() && (!lines || run.contains('\n'));
        if is_blank { "" } else { run }
    })
}

/// The same, and each text without the blanks around it: how values are indented too.
fn trimmed(text: &str) -> String {
    between_tags(text, str::trim)
}

/// Each run of text between two tags as `change` makes it.
fn between_tags(text: &str, change: impl Fn(&str) -> &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, piece) in text.split('<').enumerate() {
        if at > 0 {
            out.push('<');
        }
        // The last `>` ends the tag: in text it is escaped, in attributes it may stand.
        match piece.rsplit_once('>') {
            Some((tag, run)) => {
                out.push_str(tag);
                out.push('>');
                out.push_str(change(run));
            }
            None => out.push_str(piece),
        }
    }
    out
}

/// Whether question marks stand where a text would have letters.
pub fn is_lost(element: Element<'_, '_>) -> bool {
    texts(element).any(|text| text.contains("???"))
}

/// Whether a text looks like Cyrillic whose encoding was mistaken.
pub fn is_garbled(element: Element<'_, '_>) -> bool {
    texts(element).any(|text| mojibake::mended(&text).is_some())
}

fn texts<'d, 'a: 'd>(element: Element<'d, 'a>) -> impl Iterator<Item = std::borrow::Cow<'d, str>> {
    element.descendants().filter_map(Element::text)
}

/// The value of ГОСТ as other stacks write it: reversed as a whole, halves exchanged, each half reversed. Each undoes
/// itself.
#[must_use]
pub fn other_orders(value: &[u8]) -> [Vec<u8>; 3] {
    let (r, s) = value.split_at(value.len() / 2);
    [reversed(value), [s, r].concat(), [reversed(r), reversed(s)].concat()]
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// Whether `DigestValue` is this text, in either case.
fn is_written(seen: &Examination<'_, '_>, hex: &[u8]) -> bool {
    let reference = seen.found.as_ref().and_then(|found| found.reference);
    let value = reference.and_then(|reference| reference.child(crate::trust::algorithm::DS, "DigestValue"));
    value.and_then(Element::text).is_some_and(|text| text.trim().as_bytes().eq_ignore_ascii_case(hex))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
