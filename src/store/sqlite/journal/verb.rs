//! The verbs on the journal.

use super::super::SqliteStore;
use super::super::writer::failed;
use super::{bytes, head, read, stored};
use crate::journal::head::SignedHead;
use crate::journal::verify::Verifier;
use crate::journal::{Chained, Entry};
use crate::random::Id;
use crate::store::journal::{End, Followed, Journal};
use crate::store::row::journal::{CHAIN, COLUMNS};
use crate::store::{Pending, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

impl Journal for SqliteStore {
    fn journal_end(&self) -> Pending<'_, End> {
        Box::pin(self.read(|connection, _| end(connection)))
    }

    fn follow_journal(&self, verifier: Verifier, to: i64) -> Pending<'_, Followed> {
        Box::pin(self.read(move |connection, _| follow(connection, verifier, to)))
    }

    fn journal(&self, after: i64, most: u32) -> Pending<'_, Vec<Chained>> {
        Box::pin(self.read(move |connection, _| entries(connection, after, most)))
    }

    fn decision(&self, id: Id) -> Pending<'_, Vec<Entry>> {
        Box::pin(self.read(move |connection, _| {
            let sql = format!("SELECT {COLUMNS} FROM journal WHERE decision = ?1 ORDER BY seq");
            let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
            statement.query_map([id.as_bytes()], read).and_then(Iterator::collect).map_err(failed)
        }))
    }

    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>> {
        Box::pin(self.read(move |connection, _| {
            let sql = "SELECT min(seq), max(seq) FROM journal WHERE at >= ?1 AND at < ?2";
            let span = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let (first, last): (Option<i64>, Option<i64>) =
                connection.query_row(sql, [from, to], span).map_err(failed)?;
            Ok(first.zip(last))
        }))
    }

    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>> {
        Box::pin(self.read(move |connection, _| {
            let sql = "SELECT seq, at, jws FROM journal_head WHERE seq > ?1 ORDER BY seq LIMIT ?2";
            let mut statement = connection.prepare_cached(sql).map_err(failed)?;
            let rows = statement.query_map(params![after, most], |row| {
                Ok(SignedHead { seq: row.get(0)?, at: row.get(1)?, jws: lossy(row, 2)? })
            });
            rows.and_then(Iterator::collect).map_err(failed)
        }))
    }

    fn keep_head(&self, head: SignedHead) -> Pending<'_, ()> {
        Box::pin(self.writer.write(move |c| {
            c.prepare_cached(
                "INSERT INTO journal_head (seq, at, jws) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )
            .and_then(|mut s| s.execute(params![head.seq, head.at, head.jws]))
            .map(|_| ())
            .map_err(failed)
        }))
    }

    fn forwarded(&self, target: &'static str) -> Pending<'_, i64> {
        Box::pin(self.read(move |connection, _| {
            let sql = "SELECT next FROM counter WHERE name = ?1";
            let found = connection.query_row(sql, [target], |row| row.get(0)).optional();
            found.map(|seq| seq.unwrap_or(0)).map_err(failed)
        }))
    }

    fn keep_forwarded(&self, target: &'static str, seq: i64) -> Pending<'_, ()> {
        Box::pin(self.writer.write(move |c| {
            c.prepare_cached(
                "INSERT INTO counter (name, next) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET next = excluded.next",
            )
            .and_then(|mut s| s.execute(params![target, seq]))
            .map(|_| ())
            .map_err(failed)
        }))
    }
}

/// A head that somebody wrote over is to be named, not to stop the reading.
fn lossy(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(bytes(row, column)?.unwrap_or_default()).into_owned())
}

fn end(connection: &Connection) -> Result<End, StoreError> {
    // One read transaction: a head that is read must not cover more than the records that are.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let (seq, chain) = head(&snapshot)?;
    let head: Option<i64> =
        snapshot.query_row("SELECT max(seq) FROM journal_head", [], |row| row.get(0)).map_err(failed)?;
    let since = snapshot
        .prepare_cached("SELECT at FROM journal WHERE seq > ?1 ORDER BY seq LIMIT 1")
        .and_then(|mut s| s.query_row([head.unwrap_or(0)], |row| row.get(0)).optional())
        .map_err(failed)?;
    Ok(End { seq, chain, head, uncovered_since: since })
}

fn follow(connection: &Connection, mut verifier: Verifier, to: i64) -> Result<Followed, StoreError> {
    let sql = format!("SELECT {COLUMNS}, chain FROM journal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    // At the beginning also numbers below 1, which are never given.
    let after = if verifier.seen() == 0 { i64::MIN } else { verifier.seen() };
    let mut rows = statement.query([after, to]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let record = stored(row).map_err(failed)?;
        let chain = bytes(row, CHAIN).map_err(failed)?.unwrap_or_default();
        if let Err(broken) = verifier.record(&record, chain) {
            return Ok(Err(verifier.found(Some(broken))));
        }
    }
    Ok(Ok(verifier))
}

fn entries(connection: &Connection, after: i64, most: u32) -> Result<Vec<Chained>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, chain FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement
        .query_map(params![after, most], |row| Ok(Chained { entry: read(row)?, chain: row.get(CHAIN)? }));
    rows.map_err(failed)?
        .map(|row| {
            row.map_err(|error| match error {
                rusqlite::Error::SqliteFailure(..) => failed(error),
                _ => StoreError::Unreadable("journal"),
            })
        })
        .collect()
}
