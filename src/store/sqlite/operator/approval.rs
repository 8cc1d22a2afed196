//! Acts of two persons: asked for, approved by another, carried out once.

use super::super::writer::failed;
use super::super::{journal, registration};
use crate::operator::fresh::{self, Fresh};
use crate::operator::{Name, Operator};
use crate::random::Id;
use crate::store::operator::{Approval, Approved, Claim};
use crate::store::register::Kind;
use crate::store::seal::Seal;
use crate::store::{Record, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const COLUMNS: &str = "id, act, digest, asked_by, asked, until, approved_by, approved, done";

fn read(row: &Row<'_>) -> rusqlite::Result<Approval> {
    let (by, at): (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(Approval {
        id: Id::from_bytes(row.get(0)?),
        act: row.get(1)?,
        digest: row.get(2)?,
        asked_by: row.get(3)?,
        asked: row.get(4)?,
        until: row.get(5)?,
        approved: by.zip(at),
        done: row.get(8)?,
    })
}

/// Those that are neither void nor done, oldest first.
pub fn waiting(connection: &Connection, at: i64) -> Result<Vec<Approval>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM approval WHERE done IS NULL AND until > ?1 ORDER BY id");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([at], read).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// See [`crate::operator::fresh`].
fn fresh(
    connection: &Connection,
    seal: &dyn Seal,
    name: &Name,
    at: i64,
) -> Result<Option<Fresh>, StoreError> {
    let history = registration::history(connection, seal, Kind::Operator, name.as_str())?;
    let read = history.into_iter().map(|revision| {
        let operator: Result<Operator, _> = serde_json::from_str(&revision.record);
        Ok((revision.at, operator.map_err(|_| StoreError::Unreadable("registered.record"))?))
    });
    Ok(fresh::fresh(&read.collect::<Result<Vec<_>, StoreError>>()?, at))
}

/// Finds what was asked for, or asks.
pub fn ask(
    connection: &Connection,
    seal: &dyn Seal,
    asked: Approval,
    record: &Record,
) -> Result<Approval, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM approval
         WHERE act = ?1 AND digest = ?2 AND asked_by = ?3 AND until > ?4 AND done IS NULL ORDER BY id LIMIT 1"
    );
    let known = connection
        .prepare_cached(&sql)
        .and_then(|mut s| {
            s.query_row(params![asked.act, asked.digest, asked.asked_by, record.at], read).optional()
        })
        .map_err(failed)?;
    if let Some(known) = known {
        return Ok(known);
    }
    connection
        .prepare_cached(
            "INSERT INTO approval (id, act, digest, asked_by, asked, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut s| {
            let id = asked.id.as_bytes();
            s.execute(params![id, asked.act, asked.digest, asked.asked_by, asked.asked, asked.until])
        })
        .map_err(failed)?;
    journal::append(connection, seal, record)?;
    Ok(asked)
}

/// Approves.
pub fn approve(
    connection: &Connection,
    seal: &dyn Seal,
    claim: &Claim,
    record: &Record,
) -> Result<Approved, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM approval WHERE id = ?1 AND until > ?2");
    let known = connection
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_row(params![claim.id.as_bytes(), record.at], read).optional())
        .map_err(failed)?;
    let Some(known) = known else { return Ok(Approved::Unknown) };
    if known.act != claim.act || known.digest != claim.digest {
        return Ok(Approved::Other);
    }
    if known.asked_by == claim.by.as_str() {
        return Ok(Approved::Own);
    }
    if known.approved.is_some() || known.done.is_some() {
        return Ok(Approved::Before(known));
    }
    let asker = Name::parse(&known.asked_by).map_err(|_| StoreError::Unreadable("approval.asked_by"))?;
    for one in [&claim.by, &asker] {
        if let Some(fresh) = fresh(connection, seal, one, record.at)? {
            return Ok(Approved::Fresh(fresh));
        }
    }
    connection
        .prepare_cached("UPDATE approval SET approved_by = ?2, approved = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![claim.id.as_bytes(), claim.by.as_str(), record.at]))
        .map_err(failed)?;
    journal::append(connection, seal, record)?;
    Ok(Approved::Now(Approval { approved: Some((claim.by.as_str().to_owned(), record.at)), ..known }))
}

/// Marks an approved act as done, once; `false`: it is not approved, void, done, another's or about something else, or
/// whoever asked counts as another by now.
pub fn take(connection: &Connection, seal: &dyn Seal, claim: &Claim, at: i64) -> Result<bool, StoreError> {
    if fresh(connection, seal, &claim.by, at)?.is_some() {
        return Ok(false);
    }
    connection
        .prepare_cached(
            "UPDATE approval SET done = ?5 WHERE id = ?1 AND act = ?2 AND digest = ?3 AND asked_by = ?4
             AND approved_by IS NOT NULL AND approved_by <> asked_by AND done IS NULL AND until > ?5",
        )
        .and_then(|mut s| {
            s.execute(params![claim.id.as_bytes(), claim.act, claim.digest, claim.by.as_str(), at])
        })
        .map(|rows| rows == 1)
        .map_err(failed)
}
