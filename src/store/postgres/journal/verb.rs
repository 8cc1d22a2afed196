//! The verbs on the journal.
//!
//! A head claims where the chains of other nodes end. What it claims was committed when it was read, and is looked up again
//! in the transaction that keeps the head: so the head stands behind it in the log of that database, and every member that
//! has the head, or becomes the leader with it, has what it claims. It holds also where the leader changed between the two,
//! and where one of them acknowledged without waiting for another member.

use super::super::row::journal::CHAIN;
use super::super::row::{bytes, get};
use super::super::transaction::{Tx, look, transact};
use super::super::{Parts, PostgresStore};
use super::{COLUMNS, read, stored};
use crate::journal::head::{SignedHead, Tail};
use crate::journal::verify::Verifier;
use crate::journal::{Chained, Entry, GENESIS};
use crate::random::Id;
use crate::store::journal::{End, Ends, Followed, Journal, Keeping, Trail};
use crate::store::{Pending, StoreError};
use std::sync::{Arc, OnceLock};
use tokio_postgres::Row;

/// Records that are read at a time.
const PAGE: i64 = 1000;

/// All nodes that ever left something. From one name to the next by the indexes: records are many, and nodes few.
pub const NAMED: &str = "
    WITH RECURSIVE named (node) AS (
        SELECT ''::text
        UNION ALL
        SELECT (SELECT min(next.node) FROM (
                    SELECT min(node) AS node FROM journal WHERE node > named.node
                    UNION ALL SELECT min(node) FROM journal_head WHERE node > named.node
                    UNION ALL SELECT min(node) FROM journal_end WHERE node > named.node) AS next)
        FROM named WHERE named.node IS NOT NULL)
    SELECT node FROM named WHERE node <> ''";

impl Trail for PostgresStore {
    fn journal_end(&self) -> Pending<'_, End> {
        Box::pin(async move { look!(self, "journal_end", |tx| end(tx)) })
    }

    fn follow_journal(&self, verifier: Verifier, to: i64) -> Pending<'_, Followed> {
        Box::pin(async move {
            // Pages of one chain, which only grows: each is read by itself, so that no transaction lasts for all of them.
            let mut verifier = verifier;
            let mut after = if verifier.seen() == 0 { i64::MIN } else { verifier.seen() };
            loop {
                let page = look!(self, "follow_journal", |tx| records(tx, after, to, PAGE))?;
                for row in &page {
                    let record = stored(row)?;
                    after = record.seq;
                    if let Err(broken) = verifier.record(&record, get(row, CHAIN)?) {
                        return Ok(Err(verifier.found(Some(broken))));
                    }
                }
                if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                    return Ok(Ok(verifier));
                }
            }
        })
    }

    fn journal(&self, after: i64, most: u32) -> Pending<'_, Vec<Chained>> {
        Box::pin(async move {
            let rows = look!(self, "journal", |tx| records(tx, after, i64::MAX, i64::from(most)))?;
            rows.iter()
                .map(|row| Ok(Chained { entry: read(row)?, chain: bytes(row, CHAIN, "journal")? }))
                .collect()
        })
    }

    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>> {
        Box::pin(async move { look!(self, "journal_span", |tx| span(tx, from, to)) })
    }

    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>> {
        Box::pin(async move { look!(self, "heads", |tx| heads(tx, after, most)) })
    }

    fn chains(&self, seqs: Vec<i64>) -> Pending<'_, Vec<(i64, Vec<u8>)>> {
        Box::pin(async move { look!(self, "chains", |tx| chains(tx, &seqs)) })
    }
}

impl Journal for PostgresStore {
    fn node(&self) -> Option<&str> {
        Some(&self.parts.node)
    }

    fn other_nodes(&self) -> Pending<'_, Vec<String>> {
        Box::pin(async move { look!(self, "other_nodes", |tx| other_nodes(tx)) })
    }

    fn journal_of(&self, node: &str) -> Box<dyn Trail + '_> {
        let parts: Parts = self.parts.of_node(node);
        Box::new(Self { parts: Arc::new(parts), heart: OnceLock::new() })
    }

    fn journal_ends(&self, known: Vec<Tail>) -> Pending<'_, Ends> {
        Box::pin(async move { look!(self, "journal_ends", |tx| ends(tx, &known)) })
    }

    fn decision(&self, id: Id) -> Pending<'_, Vec<Entry>> {
        Box::pin(async move {
            let rows = look!(self, "decision", |tx| decision(tx, id))?;
            rows.iter().map(read).collect()
        })
    }

    fn keep_head(&self, keeping: Keeping) -> Pending<'_, bool> {
        Box::pin(async move { transact!(self, "keep_head", |tx| keep_head(tx, &keeping)) })
    }

    fn forwarded(&self, target: &'static str) -> Pending<'_, i64> {
        Box::pin(async move { look!(self, "forwarded", |tx| forwarded(tx, target)) })
    }

    fn keep_forwarded(&self, target: &'static str, seq: i64) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "keep_forwarded", |tx| keep_forwarded(tx, target, seq)) })
    }
}

/// The records of a decision, of whatever node made them.
async fn decision(tx: &mut Tx<'_>, id: Id) -> Result<Vec<Row>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE decision = $1 ORDER BY at, node, seq");
    tx.rows(&sql, &[&id.as_bytes().as_slice()]).await
}

async fn end(tx: &mut Tx<'_>) -> Result<End, StoreError> {
    let sql = "SELECT seq, chain FROM journal WHERE node = $1 ORDER BY seq DESC LIMIT 1";
    let (seq, chain) = match tx.row(sql, &[&tx.node]).await? {
        Some(row) => (get(&row, 0)?, bytes(&row, 1, "journal")?),
        None => (0, GENESIS),
    };
    let row = tx.row("SELECT max(seq) FROM journal_head WHERE node = $1", &[&tx.node]).await?;
    let head: Option<i64> = row.map_or(Ok(None), |row| get(&row, 0))?;
    let sql = "SELECT at FROM journal WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT 1";
    let since = tx.number(sql, &[&tx.node, &head.unwrap_or(0)]).await?;
    Ok(End { seq, chain, head, uncovered_since: since })
}

async fn records(tx: &mut Tx<'_>, after: i64, to: i64, most: i64) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, chain FROM journal WHERE node = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4"
    );
    tx.rows(&sql, &[&tx.node, &after, &to, &most]).await
}

async fn span(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "SELECT min(seq), max(seq) FROM journal WHERE node = $1 AND at >= $2 AND at < $3";
    let Some(row) = tx.row(sql, &[&tx.node, &from, &to]).await? else { return Ok(None) };
    let (first, last): (Option<i64>, Option<i64>) = (get(&row, 0)?, get(&row, 1)?);
    Ok(first.zip(last))
}

async fn heads(tx: &mut Tx<'_>, after: i64, most: u32) -> Result<Vec<SignedHead>, StoreError> {
    let sql = "SELECT seq, at, jws FROM journal_head WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let rows = tx.rows(sql, &[&tx.node, &after, &i64::from(most)]).await?;
    let head = |row: &Row| {
        let node = Some(tx.node.to_owned());
        Ok(SignedHead { node, seq: get(row, 0)?, at: get(row, 1)?, jws: get(row, 2)? })
    };
    rows.iter().map(head).collect()
}

async fn chains(tx: &mut Tx<'_>, seqs: &[i64]) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let sql = "SELECT seq, chain FROM journal WHERE node = $1 AND seq = ANY($2) ORDER BY seq";
    let rows = tx.rows(sql, &[&tx.node, &seqs]).await?;
    rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect()
}

async fn other_nodes(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let rows = tx.rows(NAMED, &[]).await?;
    let mut nodes = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<String>, _>>()?;
    nodes.retain(|node| node != tx.node);
    nodes.sort_unstable();
    Ok(nodes)
}

async fn ends(tx: &mut Tx<'_>, known: &[Tail]) -> Result<Ends, StoreError> {
    let own = end(tx).await?;
    let mut others = Vec::new();
    // Whoever has left a record, whatever was taken away that named its chain beside.
    for node in other_nodes(tx).await? {
        // As the records say themselves, whatever is held beside them.
        let last = "SELECT seq, chain FROM journal WHERE node = $1 ORDER BY seq DESC LIMIT 1";
        if let Some(row) = tx.row(last, &[&node]).await? {
            others.push(Tail { node, seq: get(&row, 0)?, chain: bytes(&row, 1, "journal")? });
        }
    }
    others.sort_unstable();
    let mut lost = Vec::new();
    for tail in known {
        if !stands(tx, tail).await? {
            lost.push(tail.clone());
        }
    }
    Ok(Ends { own, others, lost })
}

async fn stands(tx: &mut Tx<'_>, Tail { node, seq, chain }: &Tail) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM journal WHERE node = $1 AND seq = $2 AND chain = $3";
    tx.exists(sql, &[node, seq, &&chain[..]]).await
}

async fn keep_head(tx: &mut Tx<'_>, keeping: &Keeping) -> Result<bool, StoreError> {
    let Keeping { head, chain, claims, replaces } = keeping;
    let own = Tail { node: tx.node.to_owned(), seq: head.seq, chain: *chain };
    for tail in std::iter::once(&own).chain(claims).filter(|tail| tail.seq > 0) {
        if !stands(tx, tail).await? {
            return Ok(false);
        }
    }
    let kept = match replaces {
        None => {
            let sql = "INSERT INTO journal_head (node, seq, at, jws) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (node, seq) DO NOTHING";
            tx.execute(sql, &[&tx.node, &head.seq, &head.at, &head.jws]).await?
        }
        Some(before) => {
            let sql = "UPDATE journal_head SET jws = $4
                       WHERE node = $1 AND seq = $2 AND at = $3 AND jws = $5";
            tx.execute(sql, &[&tx.node, &head.seq, &head.at, &head.jws, before]).await?
        }
    };
    Ok(kept == 1)
}

async fn forwarded(tx: &mut Tx<'_>, target: &str) -> Result<i64, StoreError> {
    let name = of_node(target, tx.node);
    Ok(tx.number("SELECT next FROM counter WHERE name = $1", &[&name]).await?.unwrap_or(0))
}

async fn keep_forwarded(tx: &mut Tx<'_>, target: &str, seq: i64) -> Result<(), StoreError> {
    let name = of_node(target, tx.node);
    let sql = "INSERT INTO counter (name, next) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next = excluded.next";
    tx.execute(sql, &[&name, &seq]).await.map(|_| ())
}

/// Each node hands on its own chain.
pub fn of_node(target: &str, node: &str) -> String {
    format!("{target} of {node}")
}
