//! Who is registered in a new sandbox, as operators would have done it; what happened before is in [`past`].

mod past;

use super::crypto::KeyKind;
use super::pki;
use super::world::{Peer, World};
use super::{StartError, TEN_YEARS};
use crate::clock;
use crate::consent::directory::{DirectoryEntry, Ground, Name, ProactiveService};
use crate::consent::identity::{Bin, Iin};
use crate::consent::method::{Allowance, Method};
use crate::consent::standing::Span;
use crate::registry::{Auth, Permit, ReplyForm, Role, SenderRecord, Suspension};
use crate::store::register::{Hold, Item};
use crate::store::seal::{Seal, hex};
use crate::store::{Record, Store};
use crate::token::key::{KeyRecord, Window};
use crate::trust::sign::{EcSigner, RsaSigner, Signer};
use std::collections::BTreeMap;
use std::path::Path;

/// Registers everybody and everything of the world. `at` is Unix milliseconds.
pub async fn all(
    store: &dyn Store,
    seal: &dyn Seal,
    data: &Path,
    (world, passwords): (&World, &BTreeMap<String, String>),
    at: i64,
) -> Result<(), StartError> {
    let token = RsaSigner::from_pem(&read(data, "token-1.key.pem")?)
        .map_err(|e| StartError::Key(pki::path(data, "token-1.key.pem"), e))?;
    keys(store, &token, at).await?;
    // Whoever is suspended, and whatever is held, was granted before.
    let suspended = parties(store, seal, data, (world, passwords), at).await?;
    past::all(store, seal, world, &token, at).await?;
    holds(store, world, suspended, at).await
}

/// The same for a service elsewhere, whose past is its own, and its keys.
pub async fn for_service(
    store: &dyn Store,
    seal: &dyn Seal,
    data: &Path,
    (world, passwords): (&World, &BTreeMap<String, String>),
    at: i64,
) -> Result<(), StartError> {
    let token = RsaSigner::generate(2048).map_err(|e| StartError::Other(e.to_string()))?;
    keys(store, &token, at).await?;
    let suspended = parties(store, seal, data, (world, passwords), at).await?;
    holds(store, world, suspended, at).await
}

fn record(at: i64, outcome: &str) -> Record {
    Record { at, kind: "registration", outcome: outcome.to_owned(), ..Record::default() }
}

/// Keys that sign tokens and receipts.
async fn keys(store: &dyn Store, token: &RsaSigner, at: i64) -> Result<(), StartError> {
    let receipt = EcSigner::generate().map_err(|e| StartError::Other(e.to_string()))?;
    // The clock can be set back: tokens of an earlier time need a key too.
    let window = Window { created_at: 0, not_before: 0, not_after: at / 1000 + TEN_YEARS };
    let signers: [&dyn Signer; 2] = [token, &receipt];
    let keys = signers.into_iter().map(|signer| KeyRecord::new(signer, window)).collect::<Result<_, _>>();
    let keys = keys.map_err(|e| StartError::Other(e.to_string()))?;
    store.keep_keys(keys, record(at, "keys generated")).await?;
    Ok(())
}

/// Directories and senders; answers with those that are to be suspended.
async fn parties(
    store: &dyn Store,
    seal: &dyn Seal,
    data: &Path,
    (world, passwords): (&World, &BTreeMap<String, String>),
    at: i64,
) -> Result<Vec<SenderRecord>, StartError> {
    for item in directory(world, at)? {
        store.register(item, 0, record(at, "directory")).await?;
    }
    let mut suspended = Vec::new();
    for peer in &world.peers {
        let password = passwords.get(&peer.name).map(String::as_str).unwrap_or_default();
        if let Some(sender) = sender(seal, data, peer, password, at)? {
            let active = SenderRecord { suspensions: Vec::new(), ..sender.clone() };
            store.register(Item::Sender(Box::new(active)), 0, record(at, "sender registered")).await?;
            suspended.extend((!sender.suspensions.is_empty()).then_some(sender));
        }
    }
    Ok(suspended)
}

/// Suspends senders, blocks and freezes subjects.
async fn holds(
    store: &dyn Store,
    world: &World,
    suspended: Vec<SenderRecord>,
    at: i64,
) -> Result<(), StartError> {
    for sender in suspended {
        let bin = Bin::parse(&sender.bin).map_err(|_| unsound("a BIN"))?;
        store.register(Item::Sender(Box::new(sender)), 1, record(at, "sender suspended")).await?;
        store.restate(bin, 0, u32::MAX, at).await?;
    }
    for subject in &world.subjects {
        let hold = match subject.hold.as_deref() {
            Some("block") => Hold::Block,
            Some("freeze") => Hold::Freeze,
            _ => continue,
        };
        store.hold(iin(&subject.iin)?, hold, true, record(at, "hold")).await?;
    }
    Ok(())
}

fn unsound(what: &str) -> StartError {
    StartError::Other(format!("world.json: {what} is not usable"))
}

fn iin(text: &str) -> Result<Iin, StartError> {
    Iin::parse(text).map_err(|_| unsound("an IIN"))
}

fn method(number: u8) -> Result<Method, StartError> {
    Method::try_from(number).map_err(|_| unsound("a method"))
}

fn read(data: &Path, file: &str) -> Result<String, StartError> {
    let path = pki::path(data, file);
    std::fs::read_to_string(&path).map_err(|e| StartError::File(path, e.kind()))
}

fn directory(world: &World, at: i64) -> Result<Vec<Item>, StartError> {
    let end = |text: &Option<String>| text.as_deref().and_then(clock::parse).map(|ms| ms / 1000);
    let mut items = Vec::new();
    for entry in &world.directory {
        items.push(Item::Entry(DirectoryEntry {
            id: entry.id.clone(),
            revision: 0,
            bin: entry.bin.clone(),
            name: Name { kk: entry.purpose_kk.clone(), ru: entry.purpose.clone() },
            services: entry.services.clone(),
            period_seconds: entry.period_seconds,
            storage_seconds: entry.storage_seconds,
            processing_seconds: entry.period_seconds,
            storage_ground: "94-V 12".to_owned(),
            data: entry.personal_data_name.clone(),
            valid_from: end(&entry.valid_from).filter(|from| *from > at / 1000).unwrap_or(0),
            expires_at: end(&entry.valid_until),
            application: None,
        }));
    }
    for ground in &world.grounds {
        items.push(Item::Ground(Ground {
            id: ground.id.clone(),
            revision: 0,
            text: Name { kk: ground.text_kk.clone(), ru: ground.text.clone() },
            methods: ground.methods.iter().map(|n| method(*n)).collect::<Result<_, _>>()?,
            source: ground.law.clone(),
            exempt: ground.exempt,
            confirmed: None,
            expires_at: end(&ground.valid_until),
        }));
    }
    for service in &world.proactive {
        items.push(Item::Proactive(ProactiveService {
            code: service.code.clone(),
            revision: 0,
            bin: service.bin.clone(),
            name: Name { kk: service.name_kk.clone(), ru: service.name.clone() },
            services: service.services.clone(),
            period_seconds: service.period_seconds,
            expires_at: end(&service.valid_until),
        }));
    }
    Ok(items)
}

/// The registration of a peer; the gateway speaks for others and sends nothing of its own.
fn sender(
    seal: &dyn Seal,
    data: &Path,
    peer: &Peer,
    password: &str,
    at: i64,
) -> Result<Option<SenderRecord>, StartError> {
    let role = match peer.role.as_str() {
        "initiator" => Role::Initiator,
        "owner" => Role::Owner,
        "egov" => Role::Egov,
        "sms" => Role::Sms,
        _ => return Ok(None),
    };
    let methods: Vec<Method> = peer.methods.iter().filter_map(|n| Method::try_from(*n).ok()).collect();
    let permit =
        |method: &Method| Permit { method: *method, basis: "sandbox".to_owned(), protocol: None, since: at };
    let suspension =
        Suspension { span: Span { from: at, until: None }, reason: "suspended in the sandbox".to_owned() };
    Ok(Some(SenderRecord {
        sender_id: peer.sender_id.clone(),
        name: peer.organisation.clone(),
        role,
        bin: peer.bin.clone(),
        auth: Auth::Password,
        password: Some(hex(&crate::dispatch::secret_hash(seal, "password", &peer.sender_id, password))),
        token: None,
        reply: ReplyForm::Kdp,
        strict: false,
        permits: methods.iter().map(permit).collect(),
        suspensions: peer.suspended.then_some(suspension).into_iter().collect(),
        allowance: Allowance {
            methods,
            services: peer.services.clone(),
            max_term_seconds: peer.period_seconds.unwrap_or(0),
            logging: peer.logging,
            ovt_bound: peer.ovt_bound,
            ..Allowance::default()
        },
        // Of both kinds: whoever knows a peer's files signs with either.
        ovt_keys: [KeyKind::Rsa, KeyKind::Gost]
            .iter()
            .flat_map(|kind| peer.ovt_keys.iter().map(|name| read(data, &kind.file(name, "cert"))))
            .collect::<Result<_, _>>()?,
        lang: "ru".to_owned(),
    }))
}
