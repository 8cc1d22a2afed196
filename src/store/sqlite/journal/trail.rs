//! The chains as they are read: the one that grows, and those of other nodes, which came here from a server and stand still.

use super::super::SqliteStore;
use super::super::writer::failed;
use super::{bytes, head, read, stored};
use crate::journal::head::{SignedHead, Tail};
use crate::journal::verify::Verifier;
use crate::journal::{Chain, Chained};
use crate::store::journal::{End, Ends, Followed, Trail};
use crate::store::row::journal::{CHAIN, COLUMNS};
use crate::store::{Pending, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

/// Where a chain stands: its own tables, or those of a node.
#[derive(Clone)]
pub struct Place(Option<String>);

impl Place {
    /// The chain that grows.
    pub const OWN: Self = Self(None);

    fn of(node: &str) -> Self {
        Self(Some(node.to_owned()))
    }

    /// Its records, and which of the table they are; `:node` is the node.
    fn records(&self) -> &'static str {
        if self.0.is_none() { "journal WHERE :node IS NULL" } else { "journal_of_node WHERE node = :node" }
    }

    /// The same of its heads.
    fn heads(&self) -> &'static str {
        if self.0.is_none() {
            "journal_head WHERE :node IS NULL"
        } else {
            "journal_head_of_node WHERE node = :node"
        }
    }
}

/// The chain of another node.
pub struct Of<'s> {
    store: &'s SqliteStore,
    place: Place,
}

impl<'s> Of<'s> {
    pub fn new(store: &'s SqliteStore, node: &str) -> Self {
        Self { store, place: Place::of(node) }
    }
}

impl Trail for Of<'_> {
    fn journal_end(&self) -> Pending<'_, End> {
        let place = self.place.clone();
        Box::pin(self.store.read(move |connection, _| end(connection, &place)))
    }

    fn follow_journal(&self, verifier: Verifier, to: i64) -> Pending<'_, Followed> {
        let place = self.place.clone();
        Box::pin(self.store.read(move |connection, _| follow(connection, &place, verifier, to)))
    }

    fn journal(&self, after: i64, most: u32) -> Pending<'_, Vec<Chained>> {
        let place = self.place.clone();
        Box::pin(self.store.read(move |connection, _| entries(connection, &place, after, most)))
    }

    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>> {
        let place = self.place.clone();
        Box::pin(self.store.read(move |connection, _| span(connection, &place, from, to)))
    }

    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>> {
        let place = self.place.clone();
        Box::pin(self.store.read(move |connection, _| heads(connection, &place, after, most)))
    }

    fn chains(&self, seqs: Vec<i64>) -> Pending<'_, Vec<(i64, Vec<u8>)>> {
        let place = self.place.clone();
        Box::pin(self.store.read(move |connection, _| chains(connection, &place, &seqs)))
    }
}

pub fn end(connection: &Connection, place: &Place) -> Result<End, StoreError> {
    // One read transaction: a head that is read must not cover more than the records that are.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    end_within(&snapshot, place)
}

fn end_within(snapshot: &Connection, place: &Place) -> Result<End, StoreError> {
    let (records, node) = (place.records(), &place.0);
    let (seq, chain) = last(snapshot, place)?;
    let head: Option<i64> = snapshot
        .prepare_cached(&format!("SELECT seq FROM {} ORDER BY seq DESC LIMIT 1", place.heads()))
        .and_then(|mut s| s.query_row(named_params! { ":node": node }, |row| row.get(0)).optional())
        .map_err(failed)?;
    let since = snapshot
        .prepare_cached(&format!("SELECT at FROM {records} AND seq > :seq ORDER BY seq LIMIT 1"))
        .and_then(|mut s| {
            let after = head.unwrap_or(0);
            s.query_row(named_params! { ":node": node, ":seq": after }, |row| row.get(0)).optional()
        })
        .map_err(failed)?;
    Ok(End { seq, chain, head, uncovered_since: since })
}

fn last(connection: &Connection, place: &Place) -> Result<(i64, Chain), StoreError> {
    let Some(node) = &place.0 else { return head(connection) };
    let last = connection
        .prepare_cached("SELECT seq, chain FROM journal_of_node WHERE node = ?1 ORDER BY seq DESC LIMIT 1")
        .and_then(|mut s| s.query_row([node], |row| Ok((row.get(0)?, row.get(1)?))).optional());
    Ok(last.map_err(failed)?.unwrap_or((0, crate::journal::GENESIS)))
}

/// Where all chains end. What stands still can be lost only if somebody takes it away.
pub fn ends(connection: &Connection, known: Vec<Tail>) -> Result<Ends, StoreError> {
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let own = end_within(&snapshot, &Place::OWN)?;
    let mut others = Vec::new();
    for node in other_nodes(&snapshot)? {
        let (seq, chain) = last(&snapshot, &Place::of(&node))?;
        if seq > 0 {
            others.push(Tail { node, seq, chain });
        }
    }
    let mut lost = Vec::new();
    for tail in known {
        let found = chains(&snapshot, &Place::of(&tail.node), &[tail.seq])?;
        if !found.iter().any(|(_, chain)| chain == &tail.chain) {
            lost.push(tail);
        }
    }
    Ok(Ends { own, others, lost })
}

/// From one name to the next by the keys: records are many, and nodes few.
pub fn other_nodes(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let next = "SELECT min(node) FROM (SELECT min(node) AS node FROM journal_of_node WHERE node > ?1
                UNION ALL SELECT min(node) FROM journal_head_of_node WHERE node > ?1)";
    let mut statement = connection.prepare_cached(next).map_err(failed)?;
    let mut nodes: Vec<String> = Vec::new();
    loop {
        let last = nodes.last().map_or("", String::as_str);
        let Some(node) = statement.query_row([last], |row| row.get(0)).map_err(failed)? else {
            return Ok(nodes);
        };
        nodes.push(node);
    }
}

pub fn span(
    connection: &Connection,
    place: &Place,
    from: i64,
    to: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = format!("SELECT min(seq), max(seq) FROM {} AND at >= :from AND at < :to", place.records());
    let values = named_params! { ":node": place.0, ":from": from, ":to": to };
    let span = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (first, last): (Option<i64>, Option<i64>) =
        connection.query_row(&sql, values, span).map_err(failed)?;
    Ok(first.zip(last))
}

pub fn heads(
    connection: &Connection,
    place: &Place,
    after: i64,
    most: u32,
) -> Result<Vec<SignedHead>, StoreError> {
    let sql = format!("SELECT seq, at, jws FROM {} AND seq > :seq ORDER BY seq LIMIT :most", place.heads());
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let values = named_params! { ":node": place.0, ":seq": after, ":most": most };
    let rows = statement.query_map(values, |row| {
        Ok(SignedHead { node: place.0.clone(), seq: row.get(0)?, at: row.get(1)?, jws: lossy(row, 2)? })
    });
    rows.and_then(Iterator::collect).map_err(failed)
}

/// A head that somebody wrote over is to be named, not to stop the reading.
fn lossy(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(bytes(row, column)?.unwrap_or_default()).into_owned())
}

pub fn chains(
    connection: &Connection,
    place: &Place,
    seqs: &[i64],
) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let sql = format!("SELECT chain FROM {} AND seq = :seq", place.records());
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut found = Vec::new();
    for seq in seqs {
        let values = named_params! { ":node": place.0, ":seq": seq };
        let chain = statement.query_row(values, |row| Ok(bytes(row, 0)?.unwrap_or_default().to_vec()));
        if let Some(chain) = chain.optional().map_err(failed)? {
            found.push((*seq, chain));
        }
    }
    found.sort_unstable_by_key(|(seq, _)| *seq);
    Ok(found)
}

pub fn follow(
    connection: &Connection,
    place: &Place,
    mut verifier: Verifier,
    to: i64,
) -> Result<Followed, StoreError> {
    let records = place.records();
    let sql = format!("SELECT {COLUMNS}, chain FROM {records} AND seq > :after AND seq <= :to ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    // At the beginning also numbers below 1, which are never given.
    let after = if verifier.seen() == 0 { i64::MIN } else { verifier.seen() };
    let values = named_params! { ":node": place.0, ":after": after, ":to": to };
    let mut rows = statement.query(values).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let record = stored(row).map_err(failed)?;
        let chain = bytes(row, CHAIN).map_err(failed)?.unwrap_or_default();
        if let Err(broken) = verifier.record(&record, chain) {
            return Ok(Err(verifier.found(Some(broken))));
        }
    }
    Ok(Ok(verifier))
}

pub fn entries(
    connection: &Connection,
    place: &Place,
    after: i64,
    most: u32,
) -> Result<Vec<Chained>, StoreError> {
    let records = place.records();
    let sql = format!("SELECT {COLUMNS}, chain FROM {records} AND seq > :after ORDER BY seq LIMIT :most");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let values = named_params! { ":node": place.0, ":after": after, ":most": most };
    let rows = statement.query_map(values, |row| Ok(Chained { entry: read(row)?, chain: row.get(CHAIN)? }));
    rows.map_err(failed)?
        .map(|row| {
            row.map_err(|error| match error {
                rusqlite::Error::SqliteFailure(..) => failed(error),
                _ => StoreError::Unreadable("journal"),
            })
        })
        .collect()
}
