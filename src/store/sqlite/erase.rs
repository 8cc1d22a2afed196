//! Destruction of what identifies a subject, after its time (P 2); and what else was kept long enough. Counts and
//! journal stay: they carry a number that leads to nobody any more.

use super::writer::failed;
use super::{journal, row};
use crate::consent::identity::Iin;
use crate::store::judge::Left;
use crate::store::register::Erased;
use crate::store::seal::Seal;
use crate::store::{Record, StoreError, Sweeping};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Most rows that one piece of work touches: the writing thread serves everybody.
const MOST: u32 = 500;

/// Accesses among which those are that have to go.
const LOOKED: u32 = 20 * MOST;

/// Days that heard SMS, messageIds of strict senders and answered messages of `AsyncChannel` are remembered, milliseconds.
const REMEMBERED: i64 = 7 * 86_400_000;

const ERASE: &str = "keeps = 0, person = NULL, token = NULL, phone = NULL";

/// Erases one subject's requests that ended before `before`.
pub fn subject(
    connection: &Connection,
    seal: &dyn Seal,
    iin: &Iin,
    before: i64,
    record: &Record,
) -> Result<Erased, StoreError> {
    let hash = row::subject_hash(seal, iin);
    let Some(id) = super::subject::find(connection, &hash)? else {
        return Ok(Erased::default());
    };
    let before = before.min(record.at);
    overwrite(connection)?;
    let applications = connection
        .prepare_cached(
            "UPDATE revocation SET person = NULL WHERE subject = ?1 AND person IS NOT NULL AND state <> 'open'
             AND request IN (SELECT seq FROM access_request WHERE subject = ?1 AND ended < ?2)",
        )
        .and_then(|mut s| s.execute(params![id, before]))
        .map_err(failed)?;
    let requests = connection
        .prepare_cached(&format!(
            "UPDATE access_request SET {ERASE} WHERE subject = ?1 AND keeps > 0 AND ended < ?2
             AND NOT EXISTS (SELECT 1 FROM revocation WHERE request = access_request.seq AND state = 'open')"
        ))
        .and_then(|mut s| s.execute(params![id, before]))
        .map_err(failed)?;
    let (kept, kept_until): (u32, Option<i64>) = connection
        .prepare_cached("SELECT count(*), max(ended) FROM access_request WHERE subject = ?1 AND keeps > 0")
        .and_then(|mut s| s.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(failed)?;
    // The journal tells of the erasure under the number; then nothing leads to it.
    journal::append(connection, seal, &Record { subject: Some(*iin), ..record.clone() })?;
    let unlinked = kept == 0 && !is_held(connection, id)? && !is_bound(connection, id, record.at)?;
    if unlinked {
        unlink(connection, id)?;
    }
    let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    Ok(Erased { requests: count(requests), applications: count(applications), kept, kept_until, unlinked })
}

/// Freed bytes are overwritten from here on, on this connection.
fn overwrite(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "secure_delete", "ON").map_err(failed)
}

/// A block or freeze must go on finding its subject.
fn is_held(connection: &Connection, subject: i64) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM hold WHERE subject = ?1 AND until IS NULL")
        .and_then(|mut s| s.query_row([subject], |_| Ok(())).optional())
        .map(|found| found.is_some())
        .map_err(failed)
}

/// An ovt of before a revocation, or one that was used, must go on meeting its subject until it has expired.
fn is_bound(connection: &Connection, subject: i64, at: i64) -> Result<bool, StoreError> {
    connection
        .prepare_cached(
            "SELECT 1 FROM access_request WHERE subject = ?1 AND opened > ?2
             UNION ALL SELECT 1 FROM withdrawal WHERE subject = ?1 AND at > ?2 LIMIT 1",
        )
        .and_then(|mut s| s.query_row(params![subject, at - REMEMBERED], |_| Ok(())).optional())
        .map(|found| found.is_some())
        .map_err(failed)
}

/// Looks at subjects of whom nothing was recorded since `before`: how many. The links of those of whom nothing is kept or held
/// are destroyed, and counted in `unlinked`; others are put off, so that no night looks at them again but the one that is due.
fn unlink_due(
    connection: &Connection,
    (before, at): (i64, i64),
    unlinked: &mut usize,
) -> Result<usize, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT id, EXISTS (SELECT 1 FROM hold WHERE subject = s.id AND until IS NULL),
                EXISTS (SELECT 1 FROM access_request WHERE subject = s.id AND keeps > 0 AND ended IS NULL),
                (SELECT max(ended) FROM access_request WHERE subject = s.id AND keeps > 0)
             FROM subject AS s WHERE hash IS NOT NULL AND seen < ?1 ORDER BY seen LIMIT ?2",
        )
        .map_err(failed)?;
    let rows = statement.query_map(params![row::day(before), MOST], |row| {
        Ok((row.get(0)?, Left { held: row.get(1)?, open: row.get(2)?, ended: row.get(3)? }))
    });
    let due = rows.map_err(failed)?.collect::<Result<Vec<(i64, Left)>, _>>().map_err(failed)?;
    for (id, left) in &due {
        if let Some(day) = left.put_off(before, at) {
            connection
                .prepare_cached("UPDATE subject SET seen = ?2 WHERE id = ?1")
                .and_then(|mut s| s.execute([*id, day]))
                .map_err(failed)?;
        } else {
            unlink(connection, *id)?;
            *unlinked += 1;
        }
    }
    Ok(due.len())
}

fn unlink(connection: &Connection, subject: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE subject SET hash = NULL WHERE id = ?1")
        .and_then(|mut s| s.execute([subject]))
        .map(|_| ())
        .map_err(failed)
}

/// Removes what was kept long enough, at most [`MOST`] rows of a kind; `true`: there may be more.
pub fn sweep(
    connection: &Connection,
    seal: &dyn Seal,
    sweeping: &Sweeping,
    record: &Record,
) -> Result<bool, StoreError> {
    overwrite(connection)?;
    let persons = erase_due(connection, sweeping.persons_before)?;
    let phones = forget_phones(connection, seal, sweeping.phones_before)?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let mut links = 0;
    // First all persons that are due, for they keep their subjects' links.
    let looked = if persons >= most {
        0
    } else {
        unlink_due(connection, (sweeping.persons_before, record.at), &mut links)?
    };
    let (accesses, left) = forget_accesses(connection, sweeping.accesses_before, record.at)?;
    let day = row::day(record.at);
    let rest = [
        delete(connection, "ovt_use", "until < ?1", record.at / 1000)?,
        delete(connection, "status_change", "ends < ?1", record.at - 86_400_000)?,
        delete(connection, "heard_sms", "at < ?1", record.at - REMEMBERED)?,
        delete(connection, "message", "at < ?1", record.at - REMEMBERED)?,
        delete(connection, "budget", "day < ?1", day)?,
        delete(connection, "asynchronous", "since < ?1 AND state IN (2, 3)", record.at - REMEMBERED)?,
    ];
    let more = left || rest.iter().any(|rows| *rows >= most) || persons.max(phones).max(looked) >= most;
    if persons + phones + links + accesses > 0 {
        let forgotten = if accesses > 0 { format!(", {accesses} accesses") } else { String::new() };
        let outcome = format!("swept {persons} persons, {phones} numbers, {links} links{forgotten}");
        journal::append(connection, seal, &Record { outcome, ..record.clone() })?;
    }
    Ok(more)
}

/// Erases the persons of requests that ended before `before`. `keeps > 0` is what its partial index asks for.
fn erase_due(connection: &Connection, before: i64) -> Result<usize, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT seq FROM access_request WHERE keeps IN (1, 2) AND keeps > 0 AND ended < ?1
             AND NOT EXISTS (SELECT 1 FROM revocation WHERE request = access_request.seq AND state = 'open')
             LIMIT ?2",
        )
        .map_err(failed)?;
    let rows = statement.query_map(params![before, MOST], |row| row.get::<_, i64>(0)).map_err(failed)?;
    let due = rows.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    for seq in &due {
        connection
            .prepare_cached("UPDATE revocation SET person = NULL WHERE request = ?1")
            .and_then(|mut s| s.execute([seq]))
            .map_err(failed)?;
        connection
            .prepare_cached(&format!("UPDATE access_request SET {ERASE} WHERE seq = ?1"))
            .and_then(|mut s| s.execute([seq]))
            .map_err(failed)?;
    }
    Ok(due.len())
}

/// Forgets the numbers of requests that ended before `before`; the person stays.
fn forget_phones(connection: &Connection, seal: &dyn Seal, before: i64) -> Result<usize, StoreError> {
    let sql = format!(
        "SELECT {} FROM access_request WHERE keeps = 2 AND keeps > 0 AND ended < ?1 LIMIT ?2",
        row::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(params![before, MOST], |row| Ok(row::read(row, seal))).map_err(failed)?;
    let due = rows.map(|row| row.map_err(failed)?).collect::<Result<Vec<_>, StoreError>>()?;
    for stored in &due {
        let mut request = stored.request.clone();
        request.msisdn = None;
        row::Sealed::new(&request, seal, before)?.update(connection, stored.seq)?;
    }
    Ok(due.len())
}

/// Forgets accesses in their order, for there is no index by time: how many, and whether there may be more. Those that a
/// clock which was wrong dated after `at` are passed over, however many; and of the others [`LOOKED`] are looked at, so that
/// what has to stay longer holds nothing back that comes after it.
fn forget_accesses(connection: &Connection, before: i64, at: i64) -> Result<(usize, bool), StoreError> {
    let looked = format!("SELECT seq, at FROM access WHERE at <= ?1 ORDER BY seq LIMIT {LOOKED}");
    let sql = format!(
        "DELETE FROM access WHERE seq IN (SELECT seq FROM ({looked}) WHERE at < ?2 ORDER BY seq LIMIT {MOST})"
    );
    let at = at.max(before);
    let gone = connection.prepare_cached(&sql).and_then(|mut s| s.execute([at, before])).map_err(failed)?;
    if gone == 0 {
        return Ok((0, false));
    }
    let full = format!("SELECT count(*) >= {LOOKED} FROM ({looked})");
    let full: bool = connection
        .prepare_cached(&full)
        .and_then(|mut s| s.query_row([at], |row| row.get(0)))
        .map_err(failed)?;
    Ok((gone, full || gone >= usize::try_from(MOST).unwrap_or(usize::MAX)))
}

/// Deletes at most [`MOST`] rows, found by the key or an index.
fn delete(connection: &Connection, table: &str, condition: &str, value: i64) -> Result<usize, StoreError> {
    let key = match table {
        "status_change" | "asynchronous" => "seq",
        "ovt_use" => "until, ovt, subject, services",
        "heard_sms" => "sms",
        "message" => "sender, message_id",
        _ => "holder, day",
    };
    connection
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {MOST})"
        ))
        .and_then(|mut s| s.execute([value]))
        .map_err(failed)
}
