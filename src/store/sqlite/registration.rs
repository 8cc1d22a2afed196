//! The transactions on what is registered. Each raises the registry's version.

use super::writer::failed;
use super::{journal, row};
use crate::consent::Spans;
use crate::consent::calendar::{Calendar, DayRow};
use crate::consent::method::MAX_TERM;
use crate::consent::revocation::Rule;
use crate::random::Id;
use crate::registry::{Registry, SenderRecord};
use crate::store::register::{Item, Kind, Moved, Revision};
use crate::store::seal::{Place, Seal};
use crate::store::{Record, StoreError, Task};
use crate::token::key::{KeyRecord, KeyRing, Window};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, OptionalExtension as _, params};
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

pub fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT version FROM registry_version")
        .and_then(|mut s| s.query_row([], |row| row.get(0)))
        .map_err(failed)
}

fn raise(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("UPDATE registry_version SET version = version + 1", []).map(|_| ()).map_err(failed)
}

pub fn registry(connection: &Connection, seal: &dyn Seal) -> Result<Registry, StoreError> {
    // One read transaction: the snapshot and its version belong together.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let mut senders = HashMap::new();
    for (revision, record) in read::<SenderRecord>(&snapshot, Kind::Sender)? {
        let sender = record.read(revision).map_err(|e| StoreError::Setup(e.to_string()))?;
        senders.insert(sender.record.sender_id.clone(), Arc::new(sender));
    }
    let mut entries = HashMap::new();
    for (revision, entry) in read::<crate::consent::directory::DirectoryEntry>(&snapshot, Kind::Entry)? {
        entries.insert(entry.id.clone(), crate::consent::directory::DirectoryEntry { revision, ..entry });
    }
    let mut grounds = HashMap::new();
    for (revision, ground) in read::<crate::consent::directory::Ground>(&snapshot, Kind::Ground)? {
        grounds.insert(ground.id.clone(), crate::consent::directory::Ground { revision, ..ground });
    }
    let mut proactive = HashMap::new();
    for (revision, service) in
        read::<crate::consent::directory::ProactiveService>(&snapshot, Kind::Proactive)?
    {
        let service = crate::consent::directory::ProactiveService { revision, ..service };
        proactive.insert(service.code.clone(), service);
    }
    let calendar = Arc::new(calendar(&snapshot)?);
    let keys = stored_keys(&snapshot, seal)?;
    let keys = KeyRing::from_records(&keys, i64::from(MAX_TERM)).map_err(|_| StoreError::Unreadable(KEY))?;
    Ok(Registry { version: version(&snapshot)?, senders, entries, grounds, proactive, calendar, keys })
}

fn stored_keys(connection: &Connection, seal: &dyn Seal) -> Result<Vec<KeyRecord>, StoreError> {
    let mut statement =
        connection.prepare("SELECT kid, record FROM signing_key ORDER BY kid").map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    let mut keys = rows
        .map(|row| {
            let (kid, sealed): (String, Vec<u8>) = row.map_err(failed)?;
            let plain = seal
                .open(Place { column: KEY, row: kid.as_bytes() }, &sealed)
                .ok_or(StoreError::Unreadable(KEY))?;
            let key: StoredKey = serde_json::from_slice(&plain).map_err(|_| StoreError::Unreadable(KEY))?;
            let window =
                Window { created_at: key.created_at, not_before: key.not_before, not_after: key.not_after };
            Ok(KeyRecord { kid, pkcs8: Zeroizing::new(key.pkcs8), window, distrusted_at: key.distrusted_at })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    keys.sort_by_key(|key| key.window.created_at);
    Ok(keys)
}

/// The last revision of everything of a kind, read.
fn read<T: DeserializeOwned>(connection: &Connection, kind: Kind) -> Result<Vec<(u32, T)>, StoreError> {
    last_revisions(connection, kind)?
        .into_iter()
        .map(|revision| {
            let record = serde_json::from_str(&revision.record);
            Ok((revision.revision, record.map_err(|_| StoreError::Unreadable(RECORD))?))
        })
        .collect()
}

/// The same of a kind whose records are sealed.
pub fn read_sealed<T: DeserializeOwned>(
    connection: &Connection,
    seal: &dyn Seal,
    kind: Kind,
) -> Result<Vec<(u32, T)>, StoreError> {
    latest(connection, seal, kind)?
        .into_iter()
        .map(|revision| {
            let record = serde_json::from_str(&revision.record);
            Ok((revision.revision, record.map_err(|_| StoreError::Unreadable(RECORD))?))
        })
        .collect()
}

pub fn latest(connection: &Connection, seal: &dyn Seal, kind: Kind) -> Result<Vec<Revision>, StoreError> {
    last_revisions(connection, kind)?.into_iter().map(|revision| opened(seal, kind, revision)).collect()
}

fn last_revisions(connection: &Connection, kind: Kind) -> Result<Vec<Revision>, StoreError> {
    let sql = "SELECT id, revision, at, record FROM registered AS r WHERE kind = ?1 AND revision =
        (SELECT max(revision) FROM registered WHERE kind = r.kind AND id = r.id) ORDER BY id";
    revisions(connection, sql, &[&kind.word()])
}

/// Forms, incidents and operators name people and may tell of them; the rest of what is registered is no secret.
fn is_sealed(kind: Kind) -> bool {
    matches!(kind, Kind::Application | Kind::Incident | Kind::Operator)
}

fn opened(seal: &dyn Seal, kind: Kind, revision: Revision) -> Result<Revision, StoreError> {
    if !is_sealed(kind) {
        return Ok(revision);
    }
    let unreadable = || StoreError::Unreadable(RECORD);
    let row = format!("{}/{}", revision.id, revision.revision);
    let sealed = STANDARD.decode(&revision.record).map_err(|_| unreadable())?;
    let plain = seal.open(Place { column: RECORD, row: row.as_bytes() }, &sealed).ok_or_else(unreadable)?;
    Ok(Revision { record: String::from_utf8(plain.to_vec()).map_err(|_| unreadable())?, ..revision })
}

fn sealed(seal: &dyn Seal, item: &Item, revision: u32, text: String) -> Result<String, StoreError> {
    if !is_sealed(item.kind()) {
        return Ok(text);
    }
    let row = format!("{}/{revision}", item.id());
    let sealed = seal.seal(Place { column: RECORD, row: row.as_bytes() }, text.as_bytes());
    Ok(STANDARD.encode(sealed.ok_or(StoreError::Unreadable(RECORD))?))
}

pub fn history(
    connection: &Connection,
    seal: &dyn Seal,
    kind: Kind,
    id: &str,
) -> Result<Vec<Revision>, StoreError> {
    let sql = "SELECT id, revision, at, record FROM registered WHERE kind = ?1 AND id = ?2 ORDER BY revision";
    let found = revisions(connection, sql, &[&kind.word(), &id])?;
    found.into_iter().map(|revision| opened(seal, kind, revision)).collect()
}

fn revisions(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Revision>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map(values, |row| {
            Ok(Revision { id: row.get(0)?, revision: row.get(1)?, at: row.get(2)?, record: row.get(3)? })
        })
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

pub fn register(
    connection: &Connection,
    seal: &dyn Seal,
    item: &Item,
    after: u32,
    record: &Record,
) -> Result<Option<u32>, StoreError> {
    let unwritable = |_| StoreError::Unreadable(RECORD);
    let text = match item {
        Item::Sender(sender) => serde_json::to_string(sender),
        Item::Entry(entry) => serde_json::to_string(entry),
        Item::Ground(ground) => serde_json::to_string(ground),
        Item::Proactive(service) => serde_json::to_string(service),
        Item::Application(application) => serde_json::to_string(application),
        Item::Incident(incident) => serde_json::to_string(incident),
        Item::Operator(operator) => serde_json::to_string(operator),
    }
    .map_err(unwritable)?;
    let last: Option<u32> = connection
        .query_row(
            "SELECT max(revision) FROM registered WHERE kind = ?1 AND id = ?2",
            params![item.kind().word(), item.id()],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if last.unwrap_or(0) != after {
        return Ok(None);
    }
    let revision = after + 1;
    let text = sealed(seal, item, revision, text)?;
    append(connection, item.kind(), item.id(), revision, record.at, &text)?;
    if let Item::Sender(sender) = item {
        suspend(connection, sender)?;
    }
    if matches!(item, Item::Application(_) | Item::Incident(_))
        && let Some(id) = Id::parse(item.id())
    {
        connection.execute("DELETE FROM job WHERE request = ?1", [id.as_bytes()]).map_err(failed)?;
        if let Some(due) = item.due() {
            row::add_job(connection, Task::Overdue, due, id.as_bytes())?;
        }
    }
    journal::append(connection, seal, record)?;
    raise(connection)?;
    Ok(Some(revision))
}

fn append(
    connection: &Connection,
    kind: Kind,
    id: &str,
    revision: u32,
    at: i64,
    record: &str,
) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT INTO registered (kind, id, revision, at, record) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![kind.word(), id, revision, at, record],
        )
        .map(|_| ())
        .map_err(failed)
}

/// The calendar with every act that was loaded, in the order of loading.
pub fn calendar(connection: &Connection) -> Result<Calendar, StoreError> {
    let built_in = Calendar::built_in().map_err(|e| StoreError::Setup(e.to_string()))?;
    let acts = read::<Vec<DayRow>>(connection, Kind::Calendar)?;
    Ok(acts.iter().fold(built_in, |calendar, (_, days)| calendar.with(days)))
}

pub fn load_calendar(
    connection: &Connection,
    seal: &dyn Seal,
    days: &[DayRow],
    (rule, spans): (Rule, &Spans),
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let text = serde_json::to_string(days).map_err(|_| StoreError::Unreadable(RECORD))?;
    let loaded: u32 = connection
        .query_row("SELECT count(*) FROM registered WHERE kind = 'calendar'", [], |row| row.get(0))
        .map_err(failed)?;
    // Ids in order of loading: `latest` sorts by id.
    append(connection, Kind::Calendar, &format!("{loaded:06}"), 1, record.at, &text)?;
    journal::append(connection, seal, record)?;
    raise(connection)?;
    recount(connection, seal, (rule, spans), record)
}

/// Computes every open term anew, by the calendar and the rule of now, and journals those that moved.
pub fn recount(
    connection: &Connection,
    seal: &dyn Seal,
    (rule, spans): (Rule, &Spans),
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let calendar = calendar(connection)?;
    let mut moved = super::revocation::recompute(connection, seal, &calendar, rule, spans, record)?;
    moved.extend(super::redate::all(connection, seal, &calendar, rule.first, record)?);
    Ok(moved)
}

/// Whether this sender is suspended now.
pub fn is_suspended(connection: &Connection, sender: &str) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM suspension WHERE sender = ?1")
        .and_then(|mut s| s.query_row([sender], |_| Ok(())).optional())
        .map(|found| found.is_some())
        .map_err(failed)
}

/// Keeps the table of those who are suspended now, which every grant reads.
fn suspend(connection: &Connection, sender: &SenderRecord) -> Result<(), StoreError> {
    connection.execute("DELETE FROM suspension WHERE sender = ?1", [&sender.sender_id]).map_err(failed)?;
    let open = sender.suspensions.iter().find(|suspension| suspension.span.until.is_none());
    if let Some(open) = open {
        connection
            .execute(
                "INSERT INTO suspension (sender, since) VALUES (?1, ?2)",
                params![sender.sender_id, open.span.from],
            )
            .map_err(failed)?;
    }
    Ok(())
}

pub fn keys(
    connection: &Connection,
    seal: &dyn Seal,
    keys: &[KeyRecord],
    record: &Record,
) -> Result<(), StoreError> {
    for key in keys {
        let stored = StoredKey {
            pkcs8: key.pkcs8.to_vec(),
            created_at: key.window.created_at,
            not_before: key.window.not_before,
            not_after: key.window.not_after,
            distrusted_at: key.distrusted_at,
        };
        let plain = serde_json::to_vec(&stored).map(Zeroizing::new);
        let plain = plain.map_err(|_| StoreError::Unreadable(KEY))?;
        let sealed = seal
            .seal(Place { column: KEY, row: key.kid.as_bytes() }, &plain)
            .ok_or(StoreError::Unreadable(KEY))?;
        connection
            .execute(
                "INSERT INTO signing_key (kid, record) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET record = excluded.record",
                params![key.kid, sealed],
            )
            .map_err(failed)?;
    }
    journal::append(connection, seal, record)?;
    raise(connection)
}
