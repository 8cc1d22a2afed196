//! The verbs on the journal.

use super::super::SqliteStore;
use super::super::writer::failed;
use super::read;
use super::trail::{Of, Place, chains, end, ends, entries, follow, heads, other_nodes, span};
use crate::journal::head::{SignedHead, Tail};
use crate::journal::verify::Verifier;
use crate::journal::{Chained, Entry};
use crate::random::Id;
use crate::store::journal::{End, Ends, Followed, Journal, Keeping, Trail};
use crate::store::row::journal::COLUMNS;
use crate::store::{Pending, StoreError};
use rusqlite::{Connection, OptionalExtension as _, params};

const OWN: Place = Place::OWN;

impl Trail for SqliteStore {
    fn journal_end(&self) -> Pending<'_, End> {
        Box::pin(self.read(|connection, _| end(connection, &OWN)))
    }

    fn follow_journal(&self, verifier: Verifier, to: i64) -> Pending<'_, Followed> {
        Box::pin(self.read(move |connection, _| follow(connection, &OWN, verifier, to)))
    }

    fn journal(&self, after: i64, most: u32) -> Pending<'_, Vec<Chained>> {
        Box::pin(self.read(move |connection, _| entries(connection, &OWN, after, most)))
    }

    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>> {
        Box::pin(self.read(move |connection, _| span(connection, &OWN, from, to)))
    }

    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>> {
        Box::pin(self.read(move |connection, _| heads(connection, &OWN, after, most)))
    }

    fn chains(&self, seqs: Vec<i64>) -> Pending<'_, Vec<(i64, Vec<u8>)>> {
        Box::pin(self.read(move |connection, _| chains(connection, &OWN, &seqs)))
    }
}

impl Journal for SqliteStore {
    fn node(&self) -> Option<&str> {
        None
    }

    fn other_nodes(&self) -> Pending<'_, Vec<String>> {
        Box::pin(self.read(|connection, _| other_nodes(connection)))
    }

    fn journal_of(&self, node: &str) -> Box<dyn Trail + '_> {
        Box::new(Of::new(self, node))
    }

    fn journal_ends(&self, known: Vec<Tail>) -> Pending<'_, Ends> {
        Box::pin(self.read(move |connection, _| ends(connection, known)))
    }

    fn decision(&self, id: Id) -> Pending<'_, Vec<Entry>> {
        Box::pin(self.read(move |connection, _| {
            let tables = [("journal_of_node", "at, node, seq"), ("journal", "seq")];
            let mut found = Vec::new();
            for (table, order) in tables {
                let sql = format!("SELECT {COLUMNS} FROM {table} WHERE decision = ?1 ORDER BY {order}");
                let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
                let rows = statement.query_map([id.as_bytes()], read).map_err(failed)?;
                for row in rows {
                    found.push(row.map_err(failed)?);
                }
            }
            Ok(found)
        }))
    }

    fn keep_head(&self, keeping: Keeping) -> Pending<'_, bool> {
        Box::pin(self.writer.write(move |connection| keep_head(connection, &keeping)))
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

/// What it rests on cannot be lost here: there is one database, in which records only come after others, and the chains of
/// other nodes stand still.
fn keep_head(connection: &Connection, keeping: &Keeping) -> Result<bool, StoreError> {
    let Keeping { head, replaces, .. } = keeping;
    let kept = match replaces {
        None => connection
            .prepare_cached(
                "INSERT INTO journal_head (seq, at, jws) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )
            .and_then(|mut s| s.execute(params![head.seq, head.at, head.jws])),
        Some(before) => connection
            .prepare_cached("UPDATE journal_head SET jws = ?3 WHERE seq = ?1 AND at = ?2 AND jws = ?4")
            .and_then(|mut s| s.execute(params![head.seq, head.at, head.jws, before])),
    };
    kept.map(|kept| kept == 1).map_err(failed)
}
