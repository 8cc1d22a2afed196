//! The journal's table: records are appended, each chained to the one before it, and never changed.

mod trail;
mod verb;

use super::row::subject_hash;
use super::subject;
use super::writer::failed;
use crate::journal::{Chain, Entry, GENESIS, Stored};
use crate::log;
pub use crate::store::row::journal::COLUMNS;
use crate::store::row::journal::entry;
use crate::store::seal::Seal;
use crate::store::{Record, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
pub use trail::other_nodes;

/// Appends one record.
pub fn append(connection: &Connection, seal: &dyn Seal, record: &Record) -> Result<(), StoreError> {
    let subject = match &record.subject {
        Some(iin) => Some(subject::number(connection, &subject_hash(seal, iin), record.at)?),
        None => None,
    };
    append_about(connection, subject, record)
}

/// The same, where the subject's number is known already; it takes the place of the record's.
pub fn append_about(
    connection: &Connection,
    subject: Option<i64>,
    record: &Record,
) -> Result<(), StoreError> {
    let (last, before) = head(connection)?;
    let entry = entry(last + 1, subject, record);
    connection
        .prepare_cached(
            "INSERT INTO journal
                (seq, at, kind, operator, decision, sender, message_id, message, service, request, subject,
                 outcome, detail, chain)
             VALUES (:seq, :at, :kind, :operator, :decision, :sender, :message_id, :message, :service, :request,
                 :subject, :outcome, :detail, :chain)",
        )
        .map_err(failed)?
        .execute(named_params! {
            ":seq": entry.seq, ":at": entry.at, ":kind": entry.kind, ":operator": entry.operator,
            ":decision": entry.decision, ":sender": entry.sender, ":message_id": entry.message_id,
            ":message": entry.message, ":service": entry.service, ":request": entry.request,
            ":subject": entry.subject, ":outcome": entry.outcome, ":detail": entry.detail,
            ":chain": entry.link(&before),
        })
        .map_err(failed)?;
    Ok(())
}

/// The last record's number and chain; 0 and [`GENESIS`] of an empty journal.
pub fn head(connection: &Connection) -> Result<(i64, Chain), StoreError> {
    connection
        .prepare_cached("SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1")
        .map_err(failed)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed)
        .map(|head| head.unwrap_or((0, GENESIS)))
}

/// Reads a row of [`COLUMNS`].
pub fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        seq: row.get(0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        operator: row.get(3)?,
        decision: row.get(4)?,
        sender: row.get(5)?,
        message_id: row.get(6)?,
        message: row.get(7)?,
        service: row.get(8)?,
        request: row.get(9)?,
        subject: row.get(10)?,
        outcome: row.get(11)?,
        detail: row.get(12)?,
    })
}

/// The same as bytes, whatever they are.
fn stored<'r>(row: &'r Row<'_>) -> rusqlite::Result<Stored<'r>> {
    let text = |column| bytes(row, column).map(Option::unwrap_or_default);
    Ok(Stored {
        seq: row.get(0)?,
        at: row.get(1)?,
        kind: text(2)?,
        operator: text(3)?,
        decision: bytes(row, 4)?,
        sender: text(5)?,
        message_id: text(6)?,
        message: bytes(row, 7)?,
        service: text(8)?,
        request: bytes(row, 9)?,
        subject: row.get(10)?,
        outcome: text(11)?,
        detail: text(12)?,
    })
}

fn bytes<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r [u8]>> {
    Ok(row.get_ref(column)?.as_bytes_or_null()?)
}

/// Chains the records of before there was a chain: as they stand now. Numbers of persons in ids are masked first.
pub fn chain_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut select = connection
        .prepare(&format!("SELECT {COLUMNS} FROM journal WHERE seq > ?1 ORDER BY seq LIMIT 1000"))?;
    let mut update = connection.prepare(
        "UPDATE journal SET seq = ?2, sender = ?3, message_id = ?4, service = ?5, chain = ?6 WHERE seq = ?1",
    )?;
    let (mut read_to, mut seq, mut chain) = (0, 0, GENESIS);
    loop {
        let entries = select.query_map([read_to], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
        let Some(last) = entries.last() else { return Ok(()) };
        read_to = last.seq;
        for mut entry in entries {
            let was = entry.seq;
            seq += 1;
            entry.seq = seq;
            entry.sender = log::id(&entry.sender).into_owned();
            entry.message_id = log::id(&entry.message_id).into_owned();
            entry.service = log::id(&entry.service).into_owned();
            chain = entry.link(&chain);
            update.execute(params![was, seq, entry.sender, entry.message_id, entry.service, chain])?;
        }
    }
}
