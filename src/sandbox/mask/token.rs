//! The verification token in a masked message: header and claims with aliases, in the same layout, signed by a test key
//! where a registered one had signed it.

use super::alias::Alias;
use super::party::{Issued, Keys};
use super::vocabulary;
use crate::registry::Sender;
use crate::token::jws::{JwsError, SignatureFlaw, TokenKey as _};
use crate::trust::certificate::Certificate;
use crate::trust::sign::Signer;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

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

/// Whether a text is, or was meant as, a token: base64url of JSON at its beginning.
pub fn is_one(text: &str) -> bool {
    let text = text.trim_start();
    let part = text.get(..text.find(|c| !is_part(c)).unwrap_or(text.len())).unwrap_or_default();
    URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| bytes.trim_ascii_start().starts_with(b"{"))
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// What a token is masked with.
pub struct Desk<'d> {
    /// The aliases of the report.
    pub alias: &'d mut Alias,
    /// The test keys that are left.
    pub keys: &'d mut Keys,
    /// Whose keys sign tokens.
    pub sender: Option<&'d Sender>,
    /// The test keys in place of those.
    pub stands: &'d [Stand],
    /// When it is judged, Unix milliseconds.
    pub now: i64,
    /// Whether a text is the name of a service, and says nothing.
    pub is_service: &'d dyn Fn(&str) -> bool,
}

impl Desk<'_> {
    /// The token with aliases in it; where it was signed by a registered key, signed anew.
    pub fn mask(&mut self, text: &str) -> String {
        self.alias.forbid(text.trim());
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| is_part(c) != is_part(first)).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            if is_part(first) {
                out.push_str(&self.part(part));
            } else {
                out.push_str(&self.alias.text(part));
            }
            rest = after;
        }
        self.signed(text, &out).unwrap_or(out)
    }

    /// The masked token with the signature that stands for that of the original. `None`: no registered key had signed it.
    fn signed(&self, original: &str, masked: &str) -> Option<String> {
        let (before, value) = original.trim().rsplit_once('.')?;
        let (now, other) = masked.trim().rsplit_once('.')?;
        let keys = self.sender?.ovt_keys.iter().zip(self.stands);
        let (stand, is_reversed) = keys
            .map(|(key, stand)| (key.check(before.as_bytes(), value), stand))
            .find_map(|(verdict, stand)| match verdict {
                Ok(()) => Some((stand, false)),
                Err(JwsError::SignatureForm(SignatureFlaw::Order)) => Some((stand, true)),
                Err(_) => None,
            })?;
        let mut value = stand.signer.sign(now.as_bytes()).ok()?;
        if is_reversed {
            value.reverse();
        }
        Some(masked.replace(other, &URL_SAFE_NO_PAD.encode(value)))
    }

    fn part(&mut self, part: &str) -> String {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(part) else { return self.alias.text(part) };
        match std::str::from_utf8(&bytes) {
            // What is no JSON cannot be taken apart: it is a value like any other.
            Ok(json) if serde_json::from_str::<serde_json::Map<_, _>>(json).is_ok() => {
                let masked = URL_SAFE_NO_PAD.encode(self.object(json));
                // A header says nothing of anybody, and stays.
                if masked != part {
                    self.alias.forbid(part);
                }
                masked
            }
            _ if part.len() < PART => self.alias.text(part),
            // A value, or what was meant as one: bytes of the same length.
            _ => {
                self.alias.forbid(part);
                URL_SAFE_NO_PAD.encode(self.alias.bytes(&bytes))
            }
        }
    }

    /// JSON, which it is, with aliases in place of its names, texts and numbers, in the same layout.
    fn object(&mut self, json: &str) -> String {
        let (mut out, mut rest, mut name) = (String::with_capacity(json.len()), json, String::new());
        while let Some(first) = rest.chars().next() {
            let end = match first {
                '"' => string_end(rest),
                '0'..='9' => rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            let (piece, after) = rest.split_at(end);
            match first {
                '"' => {
                    // Escapes are undone: an alias needs none.
                    let text: String = serde_json::from_str(piece).unwrap_or_default();
                    let is_name = after.trim_start().starts_with(':');
                    let shown = if is_name { self.alias.name(&text) } else { self.claim(&name, &text) };
                    if is_name {
                        name.clone_from(&text);
                    }
                    // What stays is written as it was.
                    out.push_str(&if shown == text { piece.to_owned() } else { json!(shown).to_string() });
                }
                '0'..='9' if !vocabulary::is_claim(&name, piece, self.now) => {
                    out.push_str(&self.alias.text(piece));
                }
                _ => out.push_str(piece),
            }
            rest = after;
        }
        out
    }

    /// A certificate like the one that a token carries: for the test key that stands for its key, if that is registered.
    fn shown(&mut self, like: &Certificate) -> Option<Vec<u8>> {
        let keys = self.sender.map(|sender| sender.ovt_keys.as_slice()).unwrap_or_default();
        let stand = keys.iter().zip(self.stands).find(|(key, _)| key.to_spki_der() == like.spki());
        match stand {
            Some((_, stand)) => {
                let spki = stand.signer.public_key_spki();
                self.keys.issue(like, spki, (self.alias, Issued::Trusted, true))
            }
            None => self.keys.reissue(like, self.alias),
        }
    }

    fn claim(&mut self, name: &str, text: &str) -> String {
        if (self.is_service)(text) || vocabulary::is_claim(name, text, self.now) {
            return text.to_owned();
        }
        if name == "x5c" {
            let shown = STANDARD.decode(text).ok().and_then(|der| Certificate::from_der(&der).ok());
            if let Some(der) = shown.and_then(|certificate| self.shown(&certificate)) {
                return STANDARD.encode(der);
            }
        }
        let named = self.stands.iter().find(|stand| name == "kid" && stand.kid.as_deref() == Some(text));
        named.and_then(|stand| stand.kid_of_signer.clone()).unwrap_or_else(|| self.alias.text(text))
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
