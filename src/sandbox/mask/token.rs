//! The verification token in a masked message: header and claims with aliases, in the same layout, signed by a test key
//! where a registered one had signed it.

use super::alias::Alias;
use super::party::Keys;
use crate::registry::Sender;
use crate::token::jws::{JwsError, SignatureFlaw, TokenKey as _};
use crate::trust::certificate::Certificate;
use crate::trust::sign::Signer;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Claims and header fields whose values stay.
const KEPT: [&str; 8] = ["alg", "typ", "cty", "crit", "mcheck", "iat", "exp", "nbf"];
/// Below it, a part is a word of a text.
const PART: usize = 16;

/// A registered key, by the fingerprint that `kid` may name, and the test key in its place.
pub struct Stand {
    kid: Option<String>,
    /// What signs in its place.
    pub signer: Box<dyn Signer>,
    kid_of_signer: Option<String>,
}

impl Stand {
    /// A test key in place of each registered one. `None`: there are not as many test keys.
    pub fn for_all(sender: &Sender, keys: &mut Keys) -> Option<Vec<Self>> {
        use crate::token::ovt::OvtKey;
        let one = |key: &OvtKey| {
            let signer = keys.next(key.algorithm())?;
            let own = OvtKey::from_spki_der(signer.public_key_spki(), None).ok()?;
            Some(Self { kid: key.thumbprint().ok(), kid_of_signer: own.thumbprint().ok(), signer })
        };
        sender.ovt_keys.iter().map(one).collect()
    }
}

/// Whether a text is, or was meant as, a token.
pub fn is_one(text: &str) -> bool {
    text.trim_start().starts_with("eyJ")
}

/// The token with aliases in it; where it is in order, signed anew.
pub fn mask(
    text: &str,
    alias: &mut Alias,
    keys: &mut Keys,
    sender: Option<&Sender>,
    stands: &[Stand],
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_part(c) != is_part(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        if is_part(first) {
            out.push_str(&masked(part, alias, keys, stands))
        } else {
            out.push_str(part)
        }
        rest = after;
    }
    let signed = |text: &str| {
        let (signed, value) = text.trim().rsplit_once('.')?;
        Some((signed.to_owned(), value.to_owned()))
    };
    let (Some((before, value)), Some((now, _)), Some(sender)) = (signed(text), signed(&out), sender) else {
        return out;
    };
    let verdicts = sender.ovt_keys.iter().map(|key| key.check(before.as_bytes(), &value));
    let by = verdicts.zip(stands).find_map(|(verdict, stand)| match verdict {
        Ok(()) => Some((stand, false)),
        Err(JwsError::SignatureForm(SignatureFlaw::Order)) => Some((stand, true)),
        Err(_) => None,
    });
    let signature = by.and_then(|(stand, is_reversed)| {
        let mut value = stand.signer.sign(now.as_bytes()).ok()?;
        if is_reversed {
            value.reverse();
        }
        Some(URL_SAFE_NO_PAD.encode(value))
    });
    match signature {
        Some(signature) => {
            let (lead, tail) = (text.len() - text.trim_start().len(), text.len() - text.trim_end().len());
            let blanks = (text.get(..lead), text.get(text.len() - tail..));
            format!("{}{now}.{signature}{}", blanks.0.unwrap_or_default(), blanks.1.unwrap_or_default())
        }
        None => out,
    }
}

fn masked(part: &str, alias: &mut Alias, keys: &mut Keys, stands: &[Stand]) -> String {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(part) else { return alias.text(part) };
    match std::str::from_utf8(&bytes) {
        Ok(json) if json.trim_start().starts_with('{') => {
            let masked = URL_SAFE_NO_PAD.encode(object(json, alias, keys, stands));
            // A header says nothing of anybody, and stays.
            if masked != part {
                alias.forbid(part);
            }
            masked
        }
        _ if part.len() < PART => alias.text(part),
        // A value, or what was meant as one: bytes of the same length.
        _ => {
            alias.forbid(part);
            URL_SAFE_NO_PAD.encode(alias.bytes(&bytes))
        }
    }
}

/// JSON with aliases in place of its texts and numbers, in the same layout.
fn object(json: &str, alias: &mut Alias, keys: &mut Keys, stands: &[Stand]) -> String {
    let (mut out, mut rest, mut name) = (String::with_capacity(json.len()), json, String::new());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => string_end(rest),
            '0'..='9' => rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (piece, after) = rest.split_at(end);
        let is_kept = KEPT.contains(&name.as_str());
        match first {
            '"' if after.trim_start().starts_with(':') => {
                name = piece.trim_matches('"').to_owned();
                out.push_str(piece);
            }
            '0'..='9' if !is_kept => out.push_str(&alias.text(piece)),
            '"' if !is_kept => {
                // Escapes are undone: an alias needs none.
                let text: String =
                    serde_json::from_str(piece).unwrap_or_else(|_| piece.trim_matches('"').to_owned());
                out.push_str(&serde_json::json!(claim(&name, &text, alias, keys, stands)).to_string());
            }
            _ => out.push_str(piece),
        }
        rest = after;
    }
    out
}

fn claim(name: &str, text: &str, alias: &mut Alias, keys: &mut Keys, stands: &[Stand]) -> String {
    if name == "x5c" || name == "x5t" || name == "x5t#S256" {
        let shown = STANDARD.decode(text).ok().and_then(|der| Certificate::from_der(&der).ok());
        return match shown {
            Some(certificate) => STANDARD.encode(keys.reissue(&certificate, alias).unwrap_or_default()),
            None => alias.text(text),
        };
    }
    let named = stands.iter().find(|stand| name == "kid" && stand.kid.as_deref() == Some(text));
    match named.and_then(|stand| stand.kid_of_signer.clone()) {
        Some(kid) => kid,
        None => alias.text(text),
    }
}

/// The end of the string at the beginning of `json`.
fn string_end(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in json.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    json.len()
}
