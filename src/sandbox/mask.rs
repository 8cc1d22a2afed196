//! A copy of a message that can be shown to anybody (`kdp explain --mask`): persons, organisations, secrets and keys are
//! replaced by made-up ones, the failure is kept, and where a signature matters the copy is signed anew by published
//! test keys, with the same mistake. Beside it stands the [`World`] in which it is explained.
//!
//! Everything is replaced that is not of a closed [`vocabulary`], whatever syntax it stands in. Whether it worked is not assumed: the copy is explained and
//! searched, and unless the failure is the same and nothing of the original is in it, there is no copy.

mod alias;
mod party;
mod scan;
mod signing;
mod token;
mod vocabulary;
mod world;

use crate::app::App;
use crate::config::Environment;
use crate::consent::directory::{Confirmation, DirectoryEntry, Ground, Name, ProactiveService};
use crate::consent::standing::Span;
use crate::dispatch::secret_hash;
use crate::explain::{Rehearsal, Report, State, explain};
use crate::random::SystemRandom;
use crate::registry::{Sender, SenderRecord, Suspension};
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

/// Elements that hold a certificate.
const CERTIFICATES: [&str; 3] = ["X509Certificate", "KeyIdentifier", "BinarySecurityToken"];
/// A day, milliseconds.
const DAY: i64 = 86_400_000;
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
    /// It cannot be told what its bytes say.
    #[error("the encoding of the message is unclear")]
    Unclear,
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
            (Self::Unclear, Lang::Kk) => {
                "mask-unclear: басқару таңбалары бар, кодтауы анық емес (BOM жоқ UTF-16?); ештеңе жазылмады".to_owned()
            }
            (Self::Unclear, Lang::Ru) => {
                "mask-unclear: есть управляющие символы, кодировка неясна (UTF-16 без BOM?); ничего не записано"
                    .to_owned()
            }
            (Self::Unclear, Lang::En) => {
                "mask-unclear: it has control characters, its encoding is unclear (UTF-16 without BOM?); nothing was written"
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
    let written = Written::read(message).ok_or(Cannot::Unclear)?;
    let now = app.clock.now();
    let said = said(&written.text);
    let sender = said.get("senderId").and_then(|id| app.registry().senders.get(id.as_str()).cloned());
    let seal = Seal::read(app, message);
    let taken = seal.keys().chain(sender.iter().flat_map(|sender| sender.ovt_keys.iter().map(spki)));
    let taken: Vec<Vec<u8>> = taken.collect();
    let hidden: Vec<Vec<u8>> = taken.iter().map(|spki| tail(spki)).collect();
    let mut keys = Keys::except(taken, now / 1000);
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
            Place::Text("password" | "auth_token") => {
                piece.text.replace(piece.text.trim(), &alias.secret(piece.text.trim()))
            }
            Place::Text(_) if token::is_one(&piece.text) => {
                let is_service = |text: &str| is_agreed(app, text);
                let (alias, keys, sender) = (&mut alias, &mut keys, sender.as_deref());
                Desk { alias, keys, sender, stands: &stands, now, is_service: &is_service }.mask(&piece.text)
            }
            Place::Text(name) => {
                let shown = value(app, name, piece.text.trim());
                shown.map_or_else(
                    || alias.text(&piece.text),
                    |shown| piece.text.replace(piece.text.trim(), &shown),
                )
            }
            Place::Attribute(name) => attribute(name, &piece.text, &mut alias),
            Place::Name => alias.name(&piece.text),
            Place::Aside => alias.aside(&piece.text),
        };
        piece.replace(&mut edits, &text);
    });
    let draft = edits.apply(&written.text);
    let draft = seal.sign(&draft, &party);
    let mut world = party.world(app, now).ok_or_else(differs)?;
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
    /// `None`: it has control characters that are none of XML (1.0, 2.2), as text in another encoding has.
    fn read(message: &[u8]) -> Option<Self> {
        let written = Self::decode(message);
        let is_control = |c: char| c.is_ascii_control() && !"\t\r\n".contains(c);
        (!written.text.contains(is_control)).then_some(written)
    }

    fn decode(message: &[u8]) -> Self {
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

/// What is shown of the text of an element as it stands.
fn value(app: &App, element: &str, text: &str) -> Option<String> {
    let is_known = match element {
        "access_name" => text.split(';').all(|id| is_agreed(app, id.trim())),
        "service_id" => is_agreed(app, text),
        _ => false,
    };
    if is_known { Some(text.to_owned()) } else { vocabulary::value(element, text, app.clock.now()) }
}

/// What is shown of the value of an attribute: word by word, and what is a name part by part.
fn attribute(attribute: &str, text: &str, alias: &mut Alias) -> String {
    let attribute = attribute.rsplit(':').next().unwrap_or_default();
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let (word, blank) = word.split_at(word.trim_end().len());
        let shown = match attribute {
            _ if vocabulary::is_uri(word) || vocabulary::is_setting(attribute, word) => word.to_owned(),
            "PrefixList" if word == "#default" => word.to_owned(),
            "PrefixList" | "type" => {
                word.split(':').map(|part| alias.name(part)).collect::<Vec<_>>().join(":")
            }
            _ => alias.text(word),
        };
        shown + blank
    });
    words.collect()
}

/// The day's begin before or after a time, on the same side of `now`; a day is `day` long.
fn day(time: i64, now: i64, day: i64) -> i64 {
    let begin = time.div_euclid(day).saturating_mul(day);
    if time <= now || begin == time { begin } else { begin.saturating_add(day) }
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
        Some(given.filter(|_| is_right).map_or_else(|| format!("masked-{kind}"), |given| alias.secret(given)))
    };
    let password = secret("password", &record.password, "password");
    let token = secret("token", &record.token, "auth_token");
    let pem = |stand: &Stand| crate::trust::issue::pem("PUBLIC KEY", stand.signer.public_key_spki());
    let now = app.clock.now();
    let suspensions = record.suspensions.iter().map(|one| Suspension {
        span: Span {
            from: day(one.span.from, now, DAY),
            until: one.span.until.map(|until| day(until, now, DAY)),
        },
        reason: "masked".to_owned(),
    });
    let record = SenderRecord {
        sender_id: alias.text(&record.sender_id),
        name: alias.text(&record.name),
        role: record.role,
        bin: alias.text(&record.bin),
        auth: record.auth,
        password: None,
        token: None,
        reply: record.reply,
        strict: record.strict,
        allowance: record.allowance.clone(),
        ovt_keys: stands.iter().map(pem).collect(),
        lang: sender.lang.code().to_owned(),
        permits: Vec::new(),
        suspensions: suspensions.collect(),
    };
    MaskedSender { record, password, token }
}

/// What is registered that the message names.
fn agreed(app: &App, said: &BTreeMap<String, String>, world: &mut World, alias: &mut Alias) {
    let registry = app.registry();
    let ends = |at: Option<i64>| at.map(|at| day(at, app.clock.now() / 1000, DAY / 1000));
    if let Some(entry) = said.get("directory_id").and_then(|id| registry.entries.get(id)) {
        world.entries.push(DirectoryEntry {
            id: alias.text(&entry.id),
            revision: 1,
            bin: alias.text(&entry.bin),
            name: named(&entry.name, alias),
            services: entry.services.clone(),
            period_seconds: entry.period_seconds,
            storage_seconds: entry.storage_seconds,
            processing_seconds: entry.processing_seconds,
            storage_ground: alias.text(&entry.storage_ground),
            data: alias.text(&entry.data),
            valid_from: ends(Some(entry.valid_from)).unwrap_or_default(),
            expires_at: ends(entry.expires_at),
            application: None,
        });
    }
    if let Some(ground) = said.get("ground_id").and_then(|id| registry.grounds.get(id)) {
        // Who held it against the act, and when, is told nobody.
        let masked = || "masked".to_owned();
        world.grounds.push(Ground {
            id: alias.text(&ground.id),
            revision: 1,
            text: Name { kk: masked(), ru: masked() },
            methods: ground.methods.clone(),
            source: masked(),
            exempt: ground.exempt,
            confirmed: ground.confirmed.as_ref().map(|_| Confirmation {
                act: masked(),
                operator: masked(),
                at: 0,
            }),
            expires_at: ends(ground.expires_at),
        });
    }
    if let Some(service) = said.get("proactive_code").and_then(|code| registry.proactive.get(code)) {
        world.proactive.push(ProactiveService {
            code: alias.text(&service.code),
            revision: 1,
            bin: alias.text(&service.bin),
            name: named(&service.name, alias),
            services: service.services.clone(),
            period_seconds: service.period_seconds,
            expires_at: ends(service.expires_at),
        });
    }
}

fn named(name: &Name, alias: &mut Alias) -> Name {
    Name { kk: alias.text(&name.kk), ru: alias.text(&name.ru) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_check_finds_what_is_left_through_nested_base64() {
        let secret = "Akhmetova 910203450018";
        let once = STANDARD.encode(format!("{{\"sub\":\"{secret}\"}}"));
        let twice = URL_SAFE_NO_PAD.encode(format!("<a>{once}</a>"));
        let found = |text: &str| reveals(text.as_bytes(), &[secret.as_bytes()], 0);
        assert!(found(secret) && found(&once) && found(&format!("<data>{twice}</data>")));
        assert!(!found("Akhmetova") && !found(&STANDARD.encode("somebody else, altogether")));
        assert!(!reveals(b"anything", &[b"".as_slice()], 0));
    }

    #[test]
    fn a_time_is_told_to_the_day_and_on_the_same_side_of_now() {
        let now = 10 * DAY + 7;
        assert_eq!((day(now - 3, now, DAY), day(now, now, DAY)), (10 * DAY, 10 * DAY));
        assert_eq!((day(now + 1, now, DAY), day(11 * DAY, now, DAY)), (11 * DAY, 11 * DAY));
        assert_eq!(day(-1, now, DAY), -DAY);
    }

    #[test]
    fn what_is_written_in_another_encoding_is_not_read() {
        let wide =
            |form: fn(u16) -> [u8; 2]| "<a>Ахметова</a>".encode_utf16().flat_map(form).collect::<Vec<_>>();
        assert!(
            Written::read(&wide(u16::to_le_bytes)).is_none()
                && Written::read(&wide(u16::to_be_bytes)).is_none()
        );
        let marked = [vec![0xFE, 0xFF], wide(u16::to_be_bytes)].concat();
        let written = Written::read(&marked).unwrap();
        assert_eq!(
            (written.text.as_str(), written.write(&written.text)),
            ("\u{FEFF}<a>Ахметова</a>", marked)
        );
    }
}
