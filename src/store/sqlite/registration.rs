//! The transactions on what is registered. Each raises the registry's version.

use super::writer::failed;
use super::{journal, row};
use crate::consent::Spans;
use crate::consent::calendar::{Calendar, DayRow};
use crate::consent::revocation::Rule;
use crate::random::Id;
use crate::registry::{Registry, SenderRecord};
use crate::store::register::{Item, Kind, Moved, Revision};
use crate::store::row::registered::{
    act_id, acts, assembled, json, json_days, opened, opened_keys, read, sealed, sealed_key,
};
use crate::store::seal::Seal;
use crate::store::{Record, StoreError, Task};
use crate::token::key::KeyRecord;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::DeserializeOwned;

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
    let version = version(&snapshot)?;
    let keys = stored_keys(&snapshot)?;
    assembled(version, |kind| last_revisions(&snapshot, kind), &opened_keys(seal, keys)?)
}

fn stored_keys(connection: &Connection) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut statement =
        connection.prepare("SELECT kid, record FROM signing_key ORDER BY kid").map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// The last revision of everything of a kind, read; of one whose records are sealed.
pub fn read_sealed<T: DeserializeOwned>(
    connection: &Connection,
    seal: &dyn Seal,
    kind: Kind,
) -> Result<Vec<(u32, T)>, StoreError> {
    read(latest(connection, seal, kind)?)
}

pub fn latest(connection: &Connection, seal: &dyn Seal, kind: Kind) -> Result<Vec<Revision>, StoreError> {
    last_revisions(connection, kind)?.into_iter().map(|revision| opened(seal, kind, revision)).collect()
}

fn last_revisions(connection: &Connection, kind: Kind) -> Result<Vec<Revision>, StoreError> {
    let sql = "SELECT id, revision, at, record FROM registered AS r WHERE kind = ?1 AND revision =
        (SELECT max(revision) FROM registered WHERE kind = r.kind AND id = r.id) ORDER BY id";
    revisions(connection, sql, &[&kind.word()])
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
    let text = json(item)?;
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
    acts(last_revisions(connection, Kind::Calendar)?)
}

pub fn load_calendar(
    connection: &Connection,
    seal: &dyn Seal,
    days: &[DayRow],
    (rule, spans): (Rule, &Spans),
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let text = json_days(days)?;
    let loaded: u32 = connection
        .query_row("SELECT count(*) FROM registered WHERE kind = 'calendar'", [], |row| row.get(0))
        .map_err(failed)?;
    append(connection, Kind::Calendar, &act_id(loaded), 1, record.at, &text)?;
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
        let sealed = sealed_key(seal, key)?;
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
