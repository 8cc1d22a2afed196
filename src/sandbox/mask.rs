//! A copy of a message that can be shown to anybody (`kdp explain --mask`): persons, organisations, secrets and keys are
//! replaced by such as nobody has, the failure is kept, and where a signature matters the copy is signed anew by published
//! test keys, with the same mistake. Beside it stands the [`World`] in which it is explained.
//!
//! Everything is replaced that is not known to be harmless. Whether it worked is not assumed: the copy is explained and
//! searched, and unless the failure is the same and nothing of the original is in it, there is no copy.

mod alias;
mod party;
mod scan;
mod signing;
mod token;
mod world;

use crate::app::App;
use crate::clock;
use crate::config::Environment;
use crate::dispatch::secret_hash;
use crate::explain::{Rehearsal, Report, State, explain};
use crate::random::SystemRandom;
use crate::registry::{Sender, SenderRecord};
use crate::serve::StartError;
use crate::store::seal::hex;
use crate::text::{Cause, Lang};
use alias::{Alias, STRANGE};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use party::Keys;
use scan::{Edits, Place};
use signing::Seal;
use std::collections::BTreeMap;
use token::{Desk, Stand};
use world::Masked as MaskedSender;
pub use world::World;

/// Elements whose texts say nothing about anybody.
const KEPT: [&str; 22] = [
    "serviceId",
    "service_id",
    "method",
    "expiresIn",
    "omit-sms",
    "messageDate",
    "start_date",
    "end_date",
    "requested_at",
    "received_at",
    "lang",
    "cancel",
    "dry_run",
    "applicant",
    "decision",
    "state",
    "limit",
    "ground_id",
    "Created",
    "Expires",
    "success",
    "status",
];
/// Attributes likewise; what names a public standard is harmless in any.
const ATTRIBUTES: [&str; 4] = ["mustUnderstand", "PrefixList", "nil", "encoding"];
/// Where namespaces and algorithms are from.
const PUBLIC: [&str; 8] = [
    "xmlsoap.org",
    "w3.org",
    "oasis-open.org",
    "bee.kz",
    "2fa-chain.kz",
    "urn:kdp:",
    "pkigovkz",
    "urn:ietf:",
];
/// Elements that hold a certificate.
const CERTIFICATES: [&str; 3] = ["X509Certificate", "KeyIdentifier", "BinarySecurityToken"];
/// So many digits in a row can be a phone, or the number of somebody.
const NUMBER: usize = 9;
/// Shortest run of base64 that is looked into.
const RUN: usize = 16;

/// A copy, and where it is explained.
pub struct Copy {
    /// The message.
    pub message: Vec<u8>,
    /// Its world.
    pub world: World,
    /// What the original and the copy are both refused for.
    pub causes: Vec<Cause>,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum Cannot {
    /// The failure depends on what a copy cannot carry over: the codes of the causes, of the original and of the copy.
    #[error("the failure is not kept: {0} became {1}")]
    Differs(String, String),
    /// Something of the original would be in it.
    #[error("something of the original would be left in the copy")]
    Reveals,
    /// The world of the copy cannot be made.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] crate::random::NoRandomness),
}

impl Cannot {
    /// For people.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Differs(was, is), Lang::Kk) => {
                format!("mask-differs: көшірмеде сол ақау сақталмайды ({was} → {is}); ештеңе жазылмады")
            }
            (Self::Differs(was, is), Lang::Ru) => {
                format!("mask-differs: копия не сохраняет причину отказа ({was} → {is}); ничего не записано")
            }
            (Self::Differs(was, is), Lang::En) => format!(
                "mask-differs: a copy does not keep the failure ({was} became {is}); nothing was written"
            ),
            (Self::Reveals, Lang::Kk) => {
                "mask-reveals: көшірмеде түпнұсқаның дерегі қалар еді; ештеңе жазылмады".to_owned()
            }
            (Self::Reveals, Lang::Ru) => {
                "mask-reveals: в копии остались бы данные оригинала; ничего не записано".to_owned()
            }
            (Self::Reveals, Lang::En) => {
                "mask-reveals: something of the original would be left in the copy; nothing was written"
                    .to_owned()
            }
            (error, _) => error.to_string(),
        }
    }
}

/// Makes a copy of a message, whose failure in `rehearsal` it keeps.
///
/// # Errors
/// [`Cannot`]: there is no copy then.
pub async fn mask(rehearsal: &Rehearsal, message: &[u8]) -> Result<Copy, Cannot> {
    let original = explain(rehearsal, message, Lang::En).await;
    match attempt(rehearsal, message, &original).await {
        // By chance an alias can mean something itself: with another salt it hardly does.
        Err(Cannot::Differs(..) | Cannot::Reveals) => attempt(rehearsal, message, &original).await,
        made => made,
    }
}

async fn attempt(rehearsal: &Rehearsal, message: &[u8], original: &Report) -> Result<Copy, Cannot> {
    let app = &rehearsal.app;
    let mut alias = Alias::new(&SystemRandom::default())?;
    let written = Written::read(message);
    let said = said(&written.text);
    let sender = said.get("senderId").and_then(|id| app.registry().senders.get(id.as_str()).cloned());
    let seal = Seal::read(app, message);
    let taken = seal.keys().chain(sender.iter().flat_map(|sender| sender.ovt_keys.iter().map(spki)));
    let taken: Vec<Vec<u8>> = taken.collect();
    let hidden: Vec<Vec<u8>> = taken.iter().map(|spki| tail(spki)).collect();
    let mut keys = Keys::except(taken);
    let stands = sender.as_ref().and_then(|sender| Stand::for_all(sender, &mut keys)).unwrap_or_default();
    let differs = || Cannot::Differs(codes(original), "?".to_owned());
    let party = seal.party(&mut keys, &mut alias).ok_or_else(differs)?;
    let mut edits = Edits::default();
    scan::each(&written.text, &mut |piece| {
        let text = match piece.place {
            Place::Text(name) if CERTIFICATES.contains(&name) => {
                pour(&piece.text, &party.shown(&piece.text, &mut keys, &mut alias))
            }
            Place::Text("X509IssuerName") => party.issuer(&piece.text, &mut alias),
            Place::Text("X509SerialNumber") => party.serial(&piece.text, &mut alias),
            Place::Text("DigestValue" | "SignatureValue") => match decoded(&piece.text) {
                Some(bytes) => pour(&piece.text, &STANDARD.encode(alias.bytes(&bytes))),
                None => alias.text(&piece.text),
            },
            Place::Text(_) if token::is_one(&piece.text) => {
                let is_service = |text: &str| is_agreed(app, text);
                let (alias, keys, sender) = (&mut alias, &mut keys, sender.as_deref());
                Desk { alias, keys, sender, stands: &stands, is_service: &is_service }.mask(&piece.text)
            }
            Place::Aside => alias.aside(&piece.text),
            place if is_harmless(app, place, &piece.text) => return,
            _ => alias.text(&piece.text),
        };
        piece.replace(&mut edits, &text);
    });
    let draft = edits.apply(&written.text);
    let draft = seal.sign(&draft, &party);
    let mut world = party.world(app, rehearsal.app.clock.now()).ok_or_else(differs)?;
    if let Some(sender) = &sender {
        world.senders.push(registered(app, sender, &said, &stands, &mut alias));
    }
    agreed(app, &said, &mut world, &mut alias);
    let copy = written.write(&draft);
    let place = world.open().await?;
    let explained = explain(&place.rehearsal, &copy, Lang::En).await;
    if !is_same(original, &explained) {
        return Err(Cannot::Differs(codes(original), codes(&explained)));
    }
    let json = serde_json::to_string(&world).unwrap_or_default();
    let secrets: Vec<&[u8]> =
        alias.secrets().map(str::as_bytes).chain(hidden.iter().map(Vec::as_slice)).collect();
    if [draft.as_bytes(), json.as_bytes()].iter().any(|text| reveals(text, &secrets, 0)) {
        return Err(Cannot::Reveals);
    }
    Ok(Copy { message: copy, world, causes: explained.causes() })
}

/// A message as text, however wrong its encoding is.
struct Written {
    text: String,
    /// Whether its bytes are those of UTF-16, and of which order.
    wide: Option<Widen>,
}

/// Two bytes as a unit of UTF-16, and back.
type Narrow = fn([u8; 2]) -> u16;
type Widen = fn(u16) -> [u8; 2];

impl Written {
    fn read(message: &[u8]) -> Self {
        let wide: Option<(Narrow, Widen)> = match message {
            [0xFF, 0xFE, ..] => Some((u16::from_le_bytes, u16::to_le_bytes)),
            [0xFE, 0xFF, ..] => Some((u16::from_be_bytes, u16::to_be_bytes)),
            _ => None,
        };
        if let Some((from, to)) = wide {
            let units: Vec<u16> = message.as_chunks().0.iter().map(|pair| from(*pair)).collect();
            return Self { text: String::from_utf16_lossy(&units), wide: Some(to) };
        }
        let mut text = String::with_capacity(message.len());
        for chunk in message.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(STRANGE + u32::from(*byte))));
        }
        Self { text, wide: None }
    }

    fn write(&self, text: &str) -> Vec<u8> {
        if let Some(wide) = self.wide {
            return text.encode_utf16().flat_map(wide).collect();
        }
        let mut out = Vec::with_capacity(text.len());
        for c in text.chars() {
            match u8::try_from(u32::from(c).wrapping_sub(STRANGE)) {
                Ok(byte) => out.push(byte),
                Err(_) => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        out
    }
}

/// The texts of elements by name, the first of each.
fn said(text: &str) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    scan::each(text, &mut |piece| {
        if let Place::Text(name) = piece.place {
            said.entry(name.to_owned()).or_insert_with(|| piece.text.trim().to_owned());
        }
    });
    said
}

fn spki(key: &crate::token::ovt::OvtKey) -> Vec<u8> {
    crate::token::jws::TokenKey::to_spki_der(key)
}

/// What of a public key is in no other.
fn tail(spki: &[u8]) -> Vec<u8> {
    let end = spki.len().saturating_sub(8);
    spki.get(end.saturating_sub(32)..end).unwrap_or_default().to_vec()
}

fn is_harmless(app: &App, place: Place<'_>, text: &str) -> bool {
    let text = text.trim();
    let is_plain = text.len() <= 200 && text.is_ascii();
    let is_standard =
        |uri: &str| PUBLIC.iter().any(|part| uri.contains(part)) && longest_number(uri) < NUMBER;
    let is_public = || is_plain && text.split_ascii_whitespace().all(is_standard);
    match place {
        Place::Text("access_name") => is_plain && text.split(';').all(|id| is_agreed(app, id.trim())),
        Place::Text("expiresIn") if text.bytes().all(|byte| byte.is_ascii_digit()) => text.len() < 12,
        Place::Text(name) => KEPT.contains(&name) && (is_word(text) || clock::parse(text).is_some()),
        Place::Attribute(name) => {
            ATTRIBUTES.contains(&name.rsplit(':').next().unwrap_or_default()) && is_word(text) || is_public()
        }
        Place::Aside => false,
    }
}

/// A word, a short number or a time: nothing in which somebody could be named or called.
fn is_word(text: &str) -> bool {
    let is_time = |c: char| c.is_ascii_digit() || ". :".contains(c);
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.:+-".contains(c);
    text.len() <= 64
        && longest_number(text) < NUMBER
        && (text.chars().all(is_word) || text.chars().all(is_time))
}

/// Digits in a row.
fn longest_number(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// Whether a `ServiceID` is anybody's: then it is the name of a service.
fn is_agreed(app: &App, id: &str) -> bool {
    let registry = app.registry();
    let has = |services: &[String]| services.iter().any(|own| own == id);
    registry.senders.values().any(|sender| has(&sender.record.allowance.services))
        || registry.entries.values().any(|entry| has(&entry.services))
        || registry.proactive.values().any(|service| has(&service.services))
}

/// The sender of the message as the masked world knows it.
fn registered(
    app: &App,
    sender: &Sender,
    said: &BTreeMap<String, String>,
    stands: &[Stand],
    alias: &mut Alias,
) -> MaskedSender {
    let record = &sender.record;
    let mut secret = |kind: &'static str, stored: &Option<String>, name: &str| {
        let stored = stored.as_ref()?;
        let given = said.get(name);
        let is_right = given
            .is_some_and(|given| hex(&secret_hash(&*app.seal, kind, &record.sender_id, given)) == *stored);
        // What is wrong in the original must be wrong in the copy.
        Some(given.filter(|_| is_right).map_or_else(|| format!("masked-{kind}"), |given| alias.text(given)))
    };
    let password = secret("password", &record.password, "password");
    let token = secret("token", &record.token, "auth_token");
    let pem = |stand: &Stand| crate::trust::issue::pem("PUBLIC KEY", stand.signer.public_key_spki());
    let suspensions = record.suspensions.iter().cloned();
    let suspensions =
        suspensions.map(|one| crate::registry::Suspension { reason: "masked".to_owned(), ..one });
    let record = SenderRecord {
        sender_id: alias.text(&record.sender_id),
        name: alias.text(&record.name),
        bin: alias.text(&record.bin),
        password: None,
        token: None,
        permits: Vec::new(),
        suspensions: suspensions.collect(),
        ovt_keys: stands.iter().map(pem).collect(),
        ..record.clone()
    };
    MaskedSender { record, password, token }
}

/// What is registered that the message names.
fn agreed(app: &App, said: &BTreeMap<String, String>, world: &mut World, alias: &mut Alias) {
    let registry = app.registry();
    if let Some(entry) = said.get("directory_id").and_then(|id| registry.entries.get(id)) {
        let mut entry = entry.clone();
        entry.id = alias.text(&entry.id);
        entry.bin = alias.text(&entry.bin);
        entry.name.kk = alias.text(&entry.name.kk);
        entry.name.ru = alias.text(&entry.name.ru);
        entry.data = alias.text(&entry.data);
        entry.storage_ground = alias.text(&entry.storage_ground);
        entry.application = None;
        world.entries.push(entry);
    }
    world.grounds.extend(said.get("ground_id").and_then(|id| registry.grounds.get(id)).cloned());
    if let Some(service) = said.get("proactive_code").and_then(|code| registry.proactive.get(code)) {
        let mut service = service.clone();
        service.code = alias.text(&service.code);
        service.bin = alias.text(&service.bin);
        service.name.kk = alias.text(&service.name.kk);
        service.name.ru = alias.text(&service.name.ru);
        world.proactive.push(service);
    }
}

/// An empty world with the rules of the installation.
fn rules(app: &App, at: i64) -> World {
    World {
        at,
        is_test: app.config.environment == Environment::Test,
        ovt_gg2004: app.config.trust.ovt_gg2004,
        ovt_lifetime_seconds: app.limits().ovt_lifetime_seconds,
        body_bytes: app.limits().body_bytes,
        authorities: Vec::new(),
        peers: Vec::new(),
        senders: Vec::new(),
        entries: Vec::new(),
        grounds: Vec::new(),
        proactive: Vec::new(),
    }
}

/// Whether two reports tell of the same failure.
fn is_same(one: &Report, other: &Report) -> bool {
    let failed = |report: &Report| {
        let failed = report.steps.iter().filter(|step| step.state == State::Failed);
        failed.map(|step| (step.code(), step.code, step.causes.clone())).collect::<Vec<_>>()
    };
    let verdict = |report: &Report| {
        let verdict = &report.verdict;
        (verdict.code, verdict.reason, verdict.text.clone(), verdict.is_accepted, verdict.is_judged)
    };
    one.causes() == other.causes() && failed(one) == failed(other) && verdict(one) == verdict(other)
}

fn codes(report: &Report) -> String {
    let causes = report.causes().into_iter().map(Cause::code);
    let reason = report.verdict.reason.map(crate::text::Reason::code);
    causes.chain(reason).chain([report.verdict.code]).collect::<Vec<_>>().join(", ")
}

/// Base64 of a text with blanks in it, blanks and all.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

/// `new` with the blanks of `old` where they stood.
fn pour(old: &str, new: &str) -> String {
    let mut rest = new.chars();
    let end = old.trim_end().len();
    let mut out = String::with_capacity(new.len());
    for c in old.get(..end).unwrap_or_default().chars() {
        if c.is_whitespace() { out.push(c) } else { out.extend(rest.next()) }
    }
    out.extend(rest);
    out + old.get(end..).unwrap_or_default()
}

/// Whether a secret is in bytes, or in what base64 in them stands for, a few times over.
fn reveals(bytes: &[u8], secrets: &[&[u8]], depth: u8) -> bool {
    let has = |secret: &&[u8]| !secret.is_empty() && memchr::memmem::find(bytes, secret).is_some();
    if secrets.iter().any(has) {
        return true;
    }
    let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let mut runs = bytes.split(|byte| !in_run(byte)).filter(|run| run.len() >= RUN && depth < 4);
    runs.any(|run| {
        let forms = [STANDARD_NO_PAD.decode(run), URL_SAFE_NO_PAD.decode(run)];
        forms.into_iter().flatten().any(|inner| reveals(&inner, secrets, depth + 1))
    })
}
