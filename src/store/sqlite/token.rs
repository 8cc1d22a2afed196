//! Token checks, and what the status list is made of.

use super::writer::failed;
use super::{budget, journal, registration, row, subject};
use crate::consent::Consent;
use crate::consent::standing::TokenStatus;
use crate::random::Id;
use crate::store::judge::standing;
use crate::store::register::Hold;
use crate::store::seal::Seal;
use crate::store::token::{Changes, Check, Checked, Key};
use crate::store::{AccessRequest, Record, StoreError};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use rusqlite::{Connection, params};

/// Most entries that one reading of the changes gives.
const MOST: u32 = 100_000;

pub fn check(
    connection: &Connection,
    seal: &dyn Seal,
    check: &Check,
    record: Record,
) -> Result<Option<Checked>, StoreError> {
    let blind = match check.key {
        Key::Compact { .. } => Vec::new(),
        Key::Id(_) => vec![budget::of_checks(seal, &check.owner, check.blind)],
    };
    if !budget::is_left(connection, &blind, record.at)? {
        return Ok(None);
    }
    let (jti, compact) = match &check.key {
        Key::Compact { jti, compact } => (jti, Some(compact.as_bytes())),
        Key::Id(jti) => (jti, None),
    };
    let silent = |status: TokenStatus, request: Option<Id>| {
        let record = Record { outcome: status.word().to_owned(), request, ..record.clone() };
        budget::spend(connection, &blind, record.at)?;
        journal::append(connection, seal, &record)?;
        Ok(Some(Checked::silent(status)))
    };
    let Some(stored) = row::find(connection, seal, "jti = ?1", jti.as_bytes())? else {
        return silent(TokenStatus::Unknown, None);
    };
    let request = stored.request;
    let issued = request.token.as_ref().map(|token| token.compact.as_bytes()).unwrap_or_default();
    let genuine = compact.is_none_or(|compact| verify_slices_are_equal(issued, compact).is_ok());
    if !genuine || !request.services.as_slice().contains(&check.service) {
        return silent(TokenStatus::Unknown, None);
    }
    if check.subject.is_some_and(|asked| asked != request.iin) {
        return silent(TokenStatus::Mismatch, Some(request.id));
    }
    let blocks = subject::spans(connection, stored.subject, Hold::Block)?;
    let registered = (check.registered)(&request);
    let id = request.id;
    let checked = Checked::about(request, &blocks, &registered, check.time, record.at);
    if checked.request.is_some() {
        connection
            .prepare_cached(
                "INSERT INTO access (at, subject, request, service, owner, status)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut s| {
                let status = checked.status.word();
                s.execute(params![record.at, stored.subject, stored.seq, check.service, check.owner, status])
            })
            .map_err(failed)?;
    }
    let outcome = checked.status.word().to_owned();
    journal::append_about(
        connection,
        Some(stored.subject),
        &Record { outcome, request: Some(id), ..record },
    )?;
    Ok(Some(checked))
}

/// Writes down what the status list must say of a request's token from now on, unless that is "valid".
pub fn restate(
    connection: &Connection,
    request: &AccessRequest,
    subject: i64,
    at: i64,
) -> Result<(), StoreError> {
    match &request.consent {
        Consent::Granted { lapses: None, .. } => Ok(()),
        _ => restate_kept(connection, request, subject, at),
    }
}

/// The same, also when it is "valid" again.
pub fn restate_kept(
    connection: &Connection,
    request: &AccessRequest,
    subject: i64,
    at: i64,
) -> Result<(), StoreError> {
    let Some(token) = &request.token else { return Ok(()) };
    // A block without an end is in force also before its beginning, where the clock was set back: as in a check.
    let blocks = subject::spans(connection, subject, Hold::Block)?;
    let blocked = blocks.iter().any(|span| span.until.is_none() || span.covers(at));
    let suspended = blocked || registration::is_suspended(connection, &request.sender)?;
    change(connection, token.index, standing(&request.consent, suspended), token.expires)
}

fn change(connection: &Connection, index: Option<u64>, standing: u8, expires: i64) -> Result<(), StoreError> {
    let Some(index) = index else { return Ok(()) };
    connection
        .prepare_cached("INSERT INTO status_change (idx, standing, ends) VALUES (?1, ?2, ?3)")
        .and_then(|mut s| s.execute(params![index, standing, expires.saturating_mul(1000)]))
        .map(|_| ())
        .map_err(failed)
}

/// Marks the tokens in force of a subject anew, after a block began or ended.
pub fn restate_subject(
    connection: &Connection,
    seal: &dyn Seal,
    subject: i64,
    at: i64,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {} FROM access_request WHERE subject = ?1 AND idx IS NOT NULL AND ended > ?2 AND person IS NOT NULL",
        row::COLUMNS
    );
    for stored in rows(connection, seal, &sql, params![subject, at])? {
        restate_kept(connection, &stored.request, stored.subject, at)?;
    }
    Ok(())
}

/// Marks the tokens in force of a BIN anew, as far as `most` of them after `after`; answers with where to go on.
pub fn restate_bin(
    connection: &Connection,
    seal: &dyn Seal,
    bin: &str,
    (after, most): (i64, u32),
    at: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = format!(
        "SELECT {} FROM access_request WHERE bin = ?1 AND seq > ?2 AND idx IS NOT NULL AND ended > ?3
         AND person IS NOT NULL ORDER BY seq LIMIT ?4",
        row::COLUMNS
    );
    let found = rows(connection, seal, &sql, params![bin, after, at, most])?;
    for stored in &found {
        restate_kept(connection, &stored.request, stored.subject, at)?;
    }
    Ok(found.last().map(|stored| stored.seq))
}

fn rows(
    connection: &Connection,
    seal: &dyn Seal,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<row::Stored>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(values, |row| Ok(row::read(row, seal))).map_err(failed)?;
    rows.map(|row| row.map_err(failed)?).collect()
}

/// Allots places in the status list.
pub fn allot(connection: &Connection, count: u64) -> Result<u64, StoreError> {
    connection
        .prepare_cached("UPDATE counter SET next = next + ?1 WHERE name = 'status' RETURNING next - ?1")
        .and_then(|mut s| s.query_row([count], |row| row.get(0)))
        .map_err(failed)
}

/// Changes of the status list after `after`; at most [`MOST`] of them.
pub fn changes(connection: &Connection, after: i64) -> Result<Changes, StoreError> {
    // One read transaction: no place is in use that `allotted` does not count.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let mut statement = snapshot
        .prepare_cached("SELECT seq, idx, standing FROM status_change WHERE seq > ?1 ORDER BY seq LIMIT ?2")
        .map_err(failed)?;
    let rows = statement
        .query_map(params![after, MOST], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?, row.get::<_, u8>(2)?))
        })
        .map_err(failed)?;
    let mut changes = Changes { last: after, ..Changes::default() };
    for row in rows {
        let (seq, index, standing) = row.map_err(failed)?;
        changes.entries.push((index, standing));
        changes.last = seq;
    }
    changes.allotted = snapshot
        .query_row("SELECT next FROM counter WHERE name = 'status'", [], |row| row.get(0))
        .map_err(failed)?;
    Ok(changes)
}
