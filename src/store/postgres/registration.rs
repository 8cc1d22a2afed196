//! The transactions on what is registered. Each holds the registry's version first, so that they happen one after the other
//! on all nodes, and raises it.

use super::row::{self, get, small};
use super::transaction::{Tx, Values};
use super::{journal, redate, revocation};
use crate::consent::Spans;
use crate::consent::calendar::{Calendar, DayRow};
use crate::consent::revocation::Rule;
use crate::random::Id;
use crate::registry::{Registry, SenderRecord};
use crate::store::register::{Item, Kind, Moved, Revision};
use crate::store::row::registered::{
    act_id, acts, assembled, json, json_days, opened, opened_keys, read, sealed, sealed_key,
};
use crate::store::{Record, StoreError, Task};
use crate::token::key::KeyRecord;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

pub async fn version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let version = tx.number("SELECT version FROM registry_version", &[]).await?;
    version.ok_or(StoreError::Unreadable("registry_version.version"))
}

/// Holds the registry until the end of the transaction.
pub async fn hold(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.row("SELECT version FROM registry_version FOR UPDATE", &[]).await.map(|_| ())
}

async fn raise(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE registry_version SET version = version + 1", &[]).await.map(|_| ())
}

pub async fn registry(tx: &mut Tx<'_>) -> Result<Registry, StoreError> {
    let version = version(tx).await?;
    let mut last = HashMap::new();
    for kind in [Kind::Sender, Kind::Entry, Kind::Ground, Kind::Proactive, Kind::Calendar] {
        last.insert(kind.word(), last_revisions(tx, kind).await?);
    }
    let mut keys = Vec::new();
    for row in tx.rows("SELECT kid, record FROM signing_key ORDER BY kid", &[]).await? {
        keys.push((get(&row, 0)?, get(&row, 1)?));
    }
    assembled(version, |kind| Ok(last.remove(kind.word()).unwrap_or_default()), &opened_keys(tx.seal, keys)?)
}

/// The last revision of everything of a kind, read; of one whose records are sealed.
pub async fn read_sealed<T: DeserializeOwned>(
    tx: &mut Tx<'_>,
    kind: Kind,
) -> Result<Vec<(u32, T)>, StoreError> {
    read(latest(tx, kind).await?)
}

pub async fn latest(tx: &mut Tx<'_>, kind: Kind) -> Result<Vec<Revision>, StoreError> {
    last_revisions(tx, kind).await?.into_iter().map(|revision| opened(tx.seal, kind, revision)).collect()
}

async fn last_revisions(tx: &mut Tx<'_>, kind: Kind) -> Result<Vec<Revision>, StoreError> {
    let sql = "SELECT id, revision, at, record FROM registered AS r WHERE kind = $1 AND revision =
        (SELECT max(revision) FROM registered WHERE kind = r.kind AND id = r.id) ORDER BY id COLLATE \"C\"";
    revisions(tx, sql, &[&kind.word()]).await
}

pub async fn history(tx: &mut Tx<'_>, kind: Kind, id: &str) -> Result<Vec<Revision>, StoreError> {
    let sql = "SELECT id, revision, at, record FROM registered WHERE kind = $1 AND id = $2 ORDER BY revision";
    let found = revisions(tx, sql, &[&kind.word(), &id]).await?;
    found.into_iter().map(|revision| opened(tx.seal, kind, revision)).collect()
}

async fn revisions(tx: &mut Tx<'_>, sql: &str, values: Values<'_>) -> Result<Vec<Revision>, StoreError> {
    let rows = tx.rows(sql, values).await?;
    rows.iter()
        .map(|row| {
            let revision = small(row, 1, "registered.revision")?;
            Ok(Revision { id: get(row, 0)?, revision, at: get(row, 2)?, record: get(row, 3)? })
        })
        .collect()
}

pub async fn register(
    tx: &mut Tx<'_>,
    item: &Item,
    after: u32,
    record: &Record,
) -> Result<Option<u32>, StoreError> {
    let text = json(item)?;
    hold(tx).await?;
    let sql = "SELECT coalesce(max(revision), 0) FROM registered WHERE kind = $1 AND id = $2";
    let last = tx.number(sql, &[&item.kind().word(), &item.id()]).await?;
    if last != Some(i64::from(after)) {
        return Ok(None);
    }
    let revision = after + 1;
    let text = sealed(tx.seal, item, revision, text)?;
    append(tx, item.kind(), item.id(), revision, record.at, &text).await?;
    if let Item::Sender(sender) = item {
        suspend(tx, sender).await?;
    }
    if matches!(item, Item::Application(_) | Item::Incident(_))
        && let Some(id) = Id::parse(item.id())
    {
        tx.execute("DELETE FROM job WHERE request = $1", &[&&id.as_bytes()[..]]).await?;
        if let Some(due) = item.due() {
            row::add_job(tx, Task::Overdue, due, id.as_bytes()).await?;
        }
    }
    journal::append(tx, record).await?;
    raise(tx).await?;
    Ok(Some(revision))
}

async fn append(
    tx: &mut Tx<'_>,
    kind: Kind,
    id: &str,
    revision: u32,
    at: i64,
    record: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO registered (kind, id, revision, at, record) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, &[&kind.word(), &id, &i64::from(revision), &at, &record]).await.map(|_| ())
}

/// The calendar with every act that was loaded, in the order of loading.
pub async fn calendar(tx: &mut Tx<'_>) -> Result<Calendar, StoreError> {
    acts(last_revisions(tx, Kind::Calendar).await?)
}

/// The same; until the end of the transaction no act is loaded.
pub async fn calendar_held(tx: &mut Tx<'_>) -> Result<Calendar, StoreError> {
    tx.row("SELECT version FROM registry_version FOR SHARE", &[]).await?;
    calendar(tx).await
}

pub async fn load_calendar(
    tx: &mut Tx<'_>,
    days: &[DayRow],
    rules: (Rule, &Spans),
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let text = json_days(days)?;
    hold(tx).await?;
    let loaded = tx.number("SELECT count(*) FROM registered WHERE kind = 'calendar'", &[]).await?;
    let loaded = loaded.and_then(|loaded| u32::try_from(loaded).ok());
    let id = act_id(loaded.ok_or(StoreError::Unreadable("registered.id"))?);
    append(tx, Kind::Calendar, &id, 1, record.at, &text).await?;
    journal::append(tx, record).await?;
    raise(tx).await?;
    recount(tx, rules, record).await
}

/// Computes every open term anew, by the calendar and the rule of now, and journals those that moved.
pub async fn recount(
    tx: &mut Tx<'_>,
    (rule, spans): (Rule, &Spans),
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    hold(tx).await?;
    let calendar = calendar(tx).await?;
    let mut moved = revocation::recompute(tx, &calendar, rule, spans, record).await?;
    moved.extend(redate::all(tx, &calendar, rule.first, record).await?);
    Ok(moved)
}

/// Whether this sender is suspended now. Until the end of the transaction it is neither suspended nor let go on: a token that
/// is granted meanwhile is among those that a suspension marks.
pub async fn is_suspended_now(tx: &mut Tx<'_>, sender: &str) -> Result<bool, StoreError> {
    let row = tx.row("SELECT since FROM suspension WHERE sender = $1 FOR SHARE", &[&sender]).await?;
    row.map_or(Ok(false), |row| Ok(get::<Option<i64>>(&row, 0)?.is_some()))
}

/// Keeps the table of those who are suspended now, which every grant reads.
async fn suspend(tx: &mut Tx<'_>, sender: &SenderRecord) -> Result<(), StoreError> {
    let open = sender.suspensions.iter().find(|suspension| suspension.span.until.is_none());
    let since = open.map(|open| open.span.from);
    let sql = "INSERT INTO suspension (sender, since) VALUES ($1, $2)
               ON CONFLICT (sender) DO UPDATE SET since = excluded.since";
    tx.execute(sql, &[&sender.sender_id, &since]).await.map(|_| ())
}

pub async fn keys(tx: &mut Tx<'_>, keys: &[KeyRecord], record: &Record) -> Result<(), StoreError> {
    hold(tx).await?;
    for key in keys {
        let sealed = sealed_key(tx.seal, key)?;
        let sql = "INSERT INTO signing_key (kid, record) VALUES ($1, $2)
                   ON CONFLICT (kid) DO UPDATE SET record = excluded.record";
        tx.execute(sql, &[&key.kid, &sealed]).await?;
    }
    journal::append(tx, record).await?;
    raise(tx).await
}
