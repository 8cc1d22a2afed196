//! What is registered as rows: records as JSON, those that name people sealed; keys of the service, sealed.

use crate::consent::calendar::{Calendar, DayRow};
use crate::consent::directory::{DirectoryEntry, Ground, ProactiveService};
use crate::consent::method::MAX_TERM;
use crate::registry::{Registry, SenderRecord};
use crate::store::StoreError;
use crate::store::register::{Item, Kind, Revision};
use crate::store::seal::{Place, Seal};
use crate::token::key::{KeyRecord, KeyRing, Window};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use zeroize::Zeroizing;

const RECORD: &str = "registered.record";
const KEY: &str = "signing_key.record";

/// A key of the service as it is sealed.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    pkcs8: Vec<u8>,
    created_at: i64,
    not_before: i64,
    not_after: i64,
    distrusted_at: Option<i64>,
}

/// A record as JSON.
pub fn json(item: &Item) -> Result<String, StoreError> {
    match item {
        Item::Sender(sender) => serde_json::to_string(sender),
        Item::Entry(entry) => serde_json::to_string(entry),
        Item::Ground(ground) => serde_json::to_string(ground),
        Item::Proactive(service) => serde_json::to_string(service),
        Item::Application(application) => serde_json::to_string(application),
        Item::Incident(incident) => serde_json::to_string(incident),
        Item::Operator(operator) => serde_json::to_string(operator),
    }
    .map_err(|_| StoreError::Unreadable(RECORD))
}

/// An act that changes working days as JSON.
pub fn json_days(days: &[DayRow]) -> Result<String, StoreError> {
    serde_json::to_string(days).map_err(|_| StoreError::Unreadable(RECORD))
}

/// The id of an act, so many having been loaded before it: ids sort by the order of loading.
pub fn act_id(loaded: u32) -> String {
    format!("{loaded:06}")
}

/// Revisions as what they are records of.
pub fn read<T: DeserializeOwned>(revisions: Vec<Revision>) -> Result<Vec<(u32, T)>, StoreError> {
    revisions
        .into_iter()
        .map(|revision| {
            let record = serde_json::from_str(&revision.record);
            Ok((revision.revision, record.map_err(|_| StoreError::Unreadable(RECORD))?))
        })
        .collect()
}

/// The calendar with every act that was loaded, in the order of loading.
pub fn acts(revisions: Vec<Revision>) -> Result<Calendar, StoreError> {
    let built_in = Calendar::built_in().map_err(|e| StoreError::Setup(e.to_string()))?;
    let acts = read::<Vec<DayRow>>(revisions)?;
    Ok(acts.iter().fold(built_in, |calendar, (_, days)| calendar.with(days)))
}

/// The registry of the last revisions of each kind.
pub fn assembled(
    version: i64,
    mut last: impl FnMut(Kind) -> Result<Vec<Revision>, StoreError>,
    keys: &[KeyRecord],
) -> Result<Registry, StoreError> {
    let mut senders = HashMap::new();
    for (revision, record) in read::<SenderRecord>(last(Kind::Sender)?)? {
        let sender = record.read(revision).map_err(|e| StoreError::Setup(e.to_string()))?;
        senders.insert(sender.record.sender_id.clone(), Arc::new(sender));
    }
    let mut entries = HashMap::new();
    for (revision, entry) in read::<DirectoryEntry>(last(Kind::Entry)?)? {
        entries.insert(entry.id.clone(), DirectoryEntry { revision, ..entry });
    }
    let mut grounds = HashMap::new();
    for (revision, ground) in read::<Ground>(last(Kind::Ground)?)? {
        grounds.insert(ground.id.clone(), Ground { revision, ..ground });
    }
    let mut proactive = HashMap::new();
    for (revision, service) in read::<ProactiveService>(last(Kind::Proactive)?)? {
        proactive.insert(service.code.clone(), ProactiveService { revision, ..service });
    }
    let calendar = Arc::new(acts(last(Kind::Calendar)?)?);
    let keys = KeyRing::from_records(keys, i64::from(MAX_TERM)).map_err(|_| StoreError::Unreadable(KEY))?;
    Ok(Registry { version, senders, entries, grounds, proactive, calendar, keys })
}

/// Keys of the service, with their ids, as they were sealed; in the order of their making.
pub fn opened_keys(seal: &dyn Seal, sealed: Vec<(String, Vec<u8>)>) -> Result<Vec<KeyRecord>, StoreError> {
    let mut keys = sealed
        .into_iter()
        .map(|(kid, sealed)| {
            let place = Place { column: KEY, row: kid.as_bytes() };
            let plain = seal.open(place, &sealed).ok_or(StoreError::Unreadable(KEY))?;
            let key: StoredKey = serde_json::from_slice(&plain).map_err(|_| StoreError::Unreadable(KEY))?;
            let window =
                Window { created_at: key.created_at, not_before: key.not_before, not_after: key.not_after };
            Ok(KeyRecord { kid, pkcs8: Zeroizing::new(key.pkcs8), window, distrusted_at: key.distrusted_at })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    keys.sort_by_key(|key| key.window.created_at);
    Ok(keys)
}

/// A key of the service, sealed.
pub fn sealed_key(seal: &dyn Seal, key: &KeyRecord) -> Result<Vec<u8>, StoreError> {
    let stored = StoredKey {
        pkcs8: key.pkcs8.to_vec(),
        created_at: key.window.created_at,
        not_before: key.window.not_before,
        not_after: key.window.not_after,
        distrusted_at: key.distrusted_at,
    };
    let plain = serde_json::to_vec(&stored).map(Zeroizing::new);
    let plain = plain.map_err(|_| StoreError::Unreadable(KEY))?;
    seal.seal(Place { column: KEY, row: key.kid.as_bytes() }, &plain).ok_or(StoreError::Unreadable(KEY))
}

/// Forms, incidents and operators name people and may tell of them; the rest of what is registered is no secret.
fn is_sealed(kind: Kind) -> bool {
    matches!(kind, Kind::Application | Kind::Incident | Kind::Operator)
}

/// A revision as it was registered.
pub fn opened(seal: &dyn Seal, kind: Kind, revision: Revision) -> Result<Revision, StoreError> {
    if !is_sealed(kind) {
        return Ok(revision);
    }
    let unreadable = || StoreError::Unreadable(RECORD);
    let row = format!("{}/{}", revision.id, revision.revision);
    let sealed = STANDARD.decode(&revision.record).map_err(|_| unreadable())?;
    let plain = seal.open(Place { column: RECORD, row: row.as_bytes() }, &sealed).ok_or_else(unreadable)?;
    Ok(Revision { record: String::from_utf8(plain.to_vec()).map_err(|_| unreadable())?, ..revision })
}

/// A record as it is kept as this revision.
pub fn sealed(seal: &dyn Seal, item: &Item, revision: u32, text: String) -> Result<String, StoreError> {
    if !is_sealed(item.kind()) {
        return Ok(text);
    }
    let row = format!("{}/{revision}", item.id());
    let sealed = seal.seal(Place { column: RECORD, row: row.as_bytes() }, text.as_bytes());
    Ok(STANDARD.encode(sealed.ok_or(StoreError::Unreadable(RECORD))?))
}
