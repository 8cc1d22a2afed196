//! The signature of a masked message: what the original's digest and value were made of is found out, mistake and all, and
//! the same is done to the copy with a test key.

use super::alias::Alias;
use super::party::{self, Issued, Keys};
use super::scan::{self, Edits, Place};
use super::world::{Signatory, World};
use super::{decoded, pour, rules, vocabulary};
use crate::app::App;
use crate::explain::difference::{canonical, digests, forms, other_orders};
use crate::soap::envelope::Outline;
use crate::text::Cause;
use crate::trust::algorithm::{SignatureAlgorithm, key::names_gost};
use crate::trust::certificate::Certificate;
use crate::trust::examine::{Examination, Found};
use crate::trust::issue::pem;
use crate::trust::sign::Signer;
use crate::trust::verify::Verifier;
use crate::trust::{Distrust, PeerKind, Trust};
use crate::xml::c14n::Method;
use crate::xml::{Document, Limits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// So many bytes of the algorithm in a public key may be wrong.
const PARAMETER: usize = 4;

/// How something was made of what should have been signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Rightly.
    Right,
    /// As the mistake at this place of those that are known.
    Known(usize),
    /// As hexadecimal digits in place of base64.
    Written,
    /// In another order of bytes, one of three.
    Order(usize),
    /// By the key of another party.
    Other,
    /// Nobody knows.
    Unknown,
}

/// What is known of the original's signature.
pub struct Seal {
    certificate: Option<Certificate>,
    /// Who believes the certificate, pinned or not.
    peer: Option<(PeerKind, bool)>,
    trusted: Option<Distrust>,
    usage: bool,
    digest: How,
    value: How,
    /// Length of the value, bytes.
    length: usize,
}

/// Who signs in place of who signed.
pub struct Party {
    like: Option<Certificate>,
    der: Option<Vec<u8>>,
    signer: Option<Box<dyn Signer>>,
    /// Another party, which has signed in the place of the first.
    other: Option<(Box<dyn Signer>, Vec<u8>)>,
    peer: Option<(PeerKind, bool)>,
    sender_id: Option<String>,
}

impl Seal {
    /// Looks at the signature of a message; of one that cannot be read there is nothing to know.
    pub fn read(app: &App, message: &[u8]) -> Self {
        let mut seal = Self {
            certificate: None,
            peer: None,
            trusted: None,
            usage: true,
            digest: How::Unknown,
            value: How::Unknown,
            length: 0,
        };
        let Ok(document) = Document::parse(message, &Limits::default()) else { return seal };
        let Some(outline) = Outline::of(&document) else { return seal };
        let trust = app.trust();
        let seen = trust.examine(&outline, app.clock.now() / 1000);
        seal.certificate = seen.certificate.as_deref().and_then(|own| Certificate::from_der(own.der()).ok());
        seal.usage = seen.validity != Some(Err(Distrust::Usage));
        let is_pinned = |der: &[u8]| trust.pinned().any(|pinned| pinned.der() == der);
        if let Some(Ok(signer)) = &seen.trusted {
            // One that is not for signing is none of an information system: it can only be pinned.
            let is_pinned = is_pinned(signer.certificate.der()) || !seal.usage;
            seal.peer = Some((signer.peer.kind.clone(), is_pinned));
        }
        seal.trusted = seen.trusted.as_ref().and_then(|trusted| trusted.as_ref().err().copied());
        if let Some(found) = &seen.found {
            seal.digest = digest_of(found, &outline);
            seal.value = value_of(found, &seen, &trust);
            seal.length = found.value.as_ref().map_or(0, Vec::len);
        }
        seal
    }

    /// The public keys that sign it.
    pub fn keys(&self) -> impl Iterator<Item = Vec<u8>> {
        self.certificate.iter().map(|certificate| certificate.spki().to_vec())
    }

    /// A party like the one that signed. `None`: no test key is left.
    pub fn party(&self, keys: &mut Keys, alias: &mut Alias) -> Option<Party> {
        let mut party = Party {
            like: None,
            der: None,
            signer: None,
            other: None,
            peer: self.peer.clone(),
            sender_id: None,
        };
        let Some(like) = &self.certificate else { return Some(party) };
        alias.forbid(STANDARD.encode(like.der()));
        let own = like.key().map(Verifier::algorithm).ok();
        let algorithm = own.unwrap_or(if names_gost(like.spki()) {
            SignatureAlgorithm::Gost2015
        } else {
            SignatureAlgorithm::RsaSha256
        });
        let signer = keys.next(algorithm)?;
        let mut spki = signer.public_key_spki().to_vec();
        if own.is_none() && like.spki().len() == spki.len() {
            // Its algorithm and parameters are what is wrong; the point is another.
            let point = spki.len().saturating_sub(128);
            let (head, own) = (like.spki().get(..point)?, spki.get(point..)?);
            // More than another parameter could be anything.
            if head.iter().zip(&spki).filter(|(one, other)| one != other).count() > PARAMETER {
                return None;
            }
            spki = [head, own].concat();
        }
        let issued = match self.trusted {
            Some(Distrust::Untrusted) => Issued::Elsewhere,
            Some(Distrust::IssuerSignature | Distrust::IssuerAlgorithm) => Issued::Forged,
            _ => Issued::Trusted,
        };
        party.der = keys.issue(like, &spki, (alias, issued, self.usage));
        if self.value == How::Other {
            let other = keys.next(algorithm)?;
            let der = keys.plain(like, &*other)?;
            party.other = Some((other, der));
        }
        party.like = Certificate::from_der(like.der()).ok();
        if let Some((PeerKind::Direct(Some(sender_id)), _)) = &self.peer {
            party.sender_id = Some(alias.text(sender_id));
        }
        party.signer = Some(signer);
        Some(party)
    }

    /// Digests and signs the copy as the original was, as far as that is known.
    pub fn sign(&self, draft: &str, party: &Party) -> String {
        let digest = with(draft, |found, outline| self.digest_like(found, outline));
        let draft = digest.map_or_else(|| draft.to_owned(), |digest| fill(draft, "DigestValue", &digest));
        let signer = party.signer.as_deref();
        let value = signer.and_then(|signer| with(&draft, |found, _| self.value_like(found, signer, party)));
        match value {
            Some(value) => fill(&draft, "SignatureValue", &STANDARD.encode(value)),
            None => draft,
        }
    }

    /// The text of `DigestValue`; `None`: nothing better than what is there.
    fn digest_like(&self, found: &Found<'_, '_>, outline: &Outline<'_, '_>) -> Option<String> {
        let (algorithm, there) = (found.method?, found.digest.clone()?);
        let own = algorithm.digest(&canonical(outline.body, &exclusive(&found.body_prefixes)));
        let known = || digests(outline.body, algorithm, &found.body_prefixes);
        let digest = match self.digest {
            How::Right => own,
            How::Known(at) => known().into_iter().nth(at)?.1,
            How::Written => return written(known()),
            _ => there,
        };
        Some(STANDARD.encode(digest))
    }

    fn value_like(&self, found: &Found<'_, '_>, signer: &dyn Signer, party: &Party) -> Option<Vec<u8>> {
        // What is no base64 is left so.
        found.value.as_ref()?;
        let info = found.signed_info?;
        let form = canonical(info, &exclusive(&found.info_prefixes));
        let by = |signer: &dyn Signer, form: &[u8]| signer.sign(form).ok();
        match self.value {
            How::Right => by(signer, &form),
            How::Known(at) => by(signer, &forms(info, &found.info_prefixes).into_iter().nth(at)?.1),
            How::Order(at) => other_orders(&by(signer, &form)?).into_iter().nth(at),
            How::Other => by(&*party.other.as_ref()?.0, &form),
            // Broken like any other; a length that is wrong stays wrong.
            _ => {
                let mut value = by(signer, &form)?;
                value.resize(if self.length == 0 { value.len() } else { self.length }, 7);
                if let Some(byte) = value.get_mut(9) {
                    *byte ^= 1;
                }
                Some(value)
            }
        }
    }
}

/// What `look` finds in the signature of a message, if it has one that can be read.
fn with<T>(message: &str, look: impl FnOnce(&Found<'_, '_>, &Outline<'_, '_>) -> Option<T>) -> Option<T> {
    let document = Document::parse(message.as_bytes(), &Limits::default()).ok()?;
    let outline = Outline::of(&document)?;
    look(Trust::default().examine(&outline, 0).found.as_ref()?, &outline)
}

fn exclusive<'p>(prefixes: &'p [&'p str]) -> Method<'p> {
    Method { exclusive: true, comments: false, inclusive_prefixes: prefixes }
}

/// The digest as hexadecimal digits.
fn written(known: Vec<(Cause, Vec<u8>)>) -> Option<String> {
    let (_, hex) = known.into_iter().find(|(cause, _)| *cause == Cause::DigestHex)?;
    String::from_utf8(hex).ok()
}

fn digest_of(found: &Found<'_, '_>, outline: &Outline<'_, '_>) -> How {
    let (Some(algorithm), Some(digest)) = (found.method, &found.digest) else { return How::Unknown };
    let own = algorithm.digest(&canonical(outline.body, &exclusive(&found.body_prefixes)));
    if own == *digest {
        return How::Right;
    }
    let known = digests(outline.body, algorithm, &found.body_prefixes);
    if let Some(at) = known.iter().position(|(_, known)| !known.is_empty() && known == digest) {
        return How::Known(at);
    }
    let hex = written(known).and_then(|hex| STANDARD.decode(hex).ok());
    if hex.is_some_and(|bytes| bytes == *digest) { How::Written } else { How::Unknown }
}

fn value_of(found: &Found<'_, '_>, seen: &Examination<'_, '_>, trust: &Trust) -> How {
    let key = seen.certificate.as_deref().and_then(|certificate| certificate.key().ok());
    let (Some(info), Some(value), Some(key)) = (found.signed_info, &found.value, key) else {
        return How::Unknown;
    };
    let form = canonical(info, &exclusive(&found.info_prefixes));
    if key.verify(&form, value).is_ok() {
        return How::Right;
    }
    if key.algorithm() != SignatureAlgorithm::RsaSha256 {
        let mut orders = other_orders(value).into_iter();
        if let Some(at) = orders.position(|value| key.verify(&form, &value).is_ok()) {
            return How::Order(at);
        }
    }
    let known = forms(info, &found.info_prefixes);
    let is_signed = |bytes: &[u8]| !bytes.is_empty() && key.verify(bytes, value).is_ok();
    if let Some(at) = known.iter().position(|(_, bytes)| is_signed(bytes)) {
        return How::Known(at);
    }
    let mut others = trust.pinned().filter_map(|certificate| certificate.key().ok());
    if others.any(|key| key.verify(&form, value).is_ok()) { How::Other } else { How::Unknown }
}

/// The text of each element of this name replaced, in the layout that was there.
fn fill(message: &str, name: &str, text: &str) -> String {
    let mut edits = Edits::default();
    scan::each(message, &mut |piece| {
        if piece.place == Place::Text(name) {
            piece.replace(&mut edits, &pour(&piece.text, text));
        }
    });
    edits.apply(message)
}

impl Party {
    /// The certificate that stands for one that the message shows, base64.
    pub fn shown(&self, text: &str, keys: &mut Keys, alias: &mut Alias) -> String {
        const BEGIN: &[u8] = b"-----BEGIN";
        alias.forbid(text.trim());
        let Some(bytes) = decoded(text) else { return alias.text(text) };
        if bytes.starts_with(BEGIN) {
            let reissued = Certificate::from_file(&bytes).ok().and_then(|like| keys.reissue(&like, alias));
            return STANDARD.encode(pem("CERTIFICATE", &reissued.unwrap_or_else(|| alias.bytes(&bytes))));
        }
        let is_own = self.like.as_ref().is_some_and(|like| like.der() == bytes);
        let own = self.der.clone().filter(|_| is_own);
        let other = || Certificate::from_der(&bytes).ok().and_then(|like| keys.reissue(&like, alias));
        let der = own.or_else(other);
        STANDARD.encode(der.unwrap_or_else(|| alias.bytes(&bytes)))
    }

    fn certificate(&self) -> Option<Certificate> {
        Certificate::from_der(self.der.as_deref()?).ok()
    }

    /// The issuer as `X509IssuerName` names it; the kinds of its parts stay.
    pub fn issuer(&self, text: &str, alias: &mut Alias) -> String {
        if let Some(own) = self.certificate() {
            return own.issuer_text;
        }
        let parts = text.split(',').map(|part| match part.split_once('=') {
            Some((kind, name)) if vocabulary::is_kind(kind.trim()) => format!("{kind}={}", alias.text(name)),
            _ => alias.text(part),
        });
        parts.collect::<Vec<_>>().join(",")
    }

    /// The serial number, decimal.
    pub fn serial(&self, text: &str, alias: &mut Alias) -> String {
        self.certificate().map_or_else(|| alias.text(text), |own| own.serial)
    }

    /// The world in which this party signs.
    pub fn world(&self, app: &App, at: i64) -> Option<World> {
        let pem = |der: &[u8]| pem("CERTIFICATE", der);
        let mut world = rules(app, at);
        world.authorities.push(pem(&party::authority()?));
        let chained = Signatory { is_gateway: false, sender_id: None, certificates: Vec::new() };
        world.peers.push(chained);
        if let (Some((kind, true)), Some(der)) = (&self.peer, &self.der) {
            world.peers.push(Signatory {
                is_gateway: *kind == PeerKind::Gateway,
                sender_id: self.sender_id.clone(),
                certificates: vec![pem(der)],
            });
        }
        if let Some((_, der)) = &self.other {
            let sender_id = Some("masked-other".to_owned());
            world.peers.push(Signatory { is_gateway: false, sender_id, certificates: vec![pem(der)] });
        }
        Some(world)
    }
}
