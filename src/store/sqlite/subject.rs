//! Subjects: the number that stands for each, the holds on it, revocations that bind it.

use super::writer::failed;
use super::{journal, row};
use crate::consent::identity::Iin;
use crate::consent::standing::Span;
use crate::store::judge::{held_by, kind};
use crate::store::register::Hold;
use crate::store::seal::Seal;
use crate::store::{Record, StoreError};
use crate::text::Reason;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The number of the subject with this hash, if it has one.
pub fn find(connection: &Connection, hash: &[u8; 16]) -> Result<Option<i64>, StoreError> {
    connection
        .prepare_cached("SELECT id FROM subject WHERE hash = ?1")
        .and_then(|mut s| s.query_row([hash], |row| row.get(0)).optional())
        .map_err(failed)
}

/// The number of the subject with this hash; it gets one. What is recorded about it at `at` keeps the link.
pub fn number(connection: &Connection, hash: &[u8; 16], at: i64) -> Result<i64, StoreError> {
    let today = row::day(at);
    let known: Option<(i64, i64)> = connection
        .prepare_cached("SELECT id, seen FROM subject WHERE hash = ?1")
        .and_then(|mut s| s.query_row([hash], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)?;
    let (sql, id) = match known {
        Some((id, seen)) if seen >= today => return Ok(id),
        Some((id, _)) => ("UPDATE subject SET seen = ?2 WHERE hash = ?1", Some(id)),
        None => ("INSERT INTO subject (hash, seen) VALUES (?1, ?2)", None),
    };
    connection.prepare_cached(sql).and_then(|mut s| s.execute(params![hash, today])).map_err(failed)?;
    Ok(id.unwrap_or_else(|| connection.last_insert_rowid()))
}

/// When a subject was blocked, or frozen.
pub fn spans(connection: &Connection, subject: i64, hold: Hold) -> Result<Vec<Span>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT since, until FROM hold WHERE subject = ?1 AND kind = ?2 ORDER BY since")
        .map_err(failed)?;
    let rows = statement
        .query_map(params![subject, kind(hold)], |row| Ok(Span { from: row.get(0)?, until: row.get(1)? }))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// Why a subject gets no new token, if there is a reason: `new_ask` is one of methods 1, 2, 3 and 5.
pub fn held(connection: &Connection, subject: i64, new_ask: bool) -> Result<Option<Reason>, StoreError> {
    // One reading of a table that is small.
    let held: u8 = connection
        .prepare_cached("SELECT coalesce(min(kind), 0) FROM hold WHERE subject = ?1 AND until IS NULL")
        .and_then(|mut s| s.query_row([subject], |row| row.get(0)))
        .map_err(failed)?;
    Ok(held_by(held, new_ask))
}

/// Remembers that a revocation took effect.
pub fn withdraw(connection: &Connection, subject: i64, bin: &str, at: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO withdrawal (subject, bin, at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        )
        .and_then(|mut s| s.execute(params![subject, bin, at]))
        .map(|_| ())
        .map_err(failed)
}

/// When the last revocation of this initiator's tokens took effect until `at`, Unix milliseconds: also one that time
/// alone brought about, before anybody has written it down (F-21).
pub fn withdrawn(
    connection: &Connection,
    subject: i64,
    bin: &str,
    at: i64,
) -> Result<Option<i64>, StoreError> {
    connection
        .prepare_cached(
            "SELECT max(at) FROM (SELECT at FROM withdrawal WHERE subject = ?1 AND bin = ?2 UNION ALL
                SELECT ends FROM revocation WHERE subject = ?1 AND bin = ?2 AND state = 'open' AND ends <= ?3)",
        )
        .and_then(|mut s| s.query_row(params![subject, bin, at], |row| row.get(0)))
        .map_err(failed)
}

/// Begins or ends a hold and marks the subject's tokens in the status list.
pub fn hold(
    connection: &Connection,
    seal: &dyn Seal,
    iin: &Iin,
    hold: Hold,
    on: bool,
    record: &Record,
) -> Result<bool, StoreError> {
    let subject = number(connection, &row::subject_hash(seal, iin), record.at)?;
    let open = connection
        .prepare_cached("SELECT since FROM hold WHERE subject = ?1 AND kind = ?2 AND until IS NULL")
        .and_then(|mut s| s.query_row(params![subject, kind(hold)], |row| row.get::<_, i64>(0)).optional())
        .map_err(failed)?;
    match (open, on) {
        (None, true) => connection
            .prepare_cached(
                "INSERT INTO hold (subject, kind, since) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET until = NULL",
            )
            .and_then(|mut s| s.execute(params![subject, kind(hold), record.at])),
        (Some(since), false) => connection
            .prepare_cached("UPDATE hold SET until = ?4 WHERE subject = ?1 AND kind = ?2 AND since = ?3")
            .and_then(|mut s| s.execute(params![subject, kind(hold), since, record.at])),
        _ => return Ok(false),
    }
    .map_err(failed)?;
    if hold == Hold::Block {
        super::token::restate_subject(connection, seal, subject, record.at)?;
    }
    journal::append(connection, seal, &Record { subject: Some(*iin), ..record.clone() })?;
    Ok(true)
}
