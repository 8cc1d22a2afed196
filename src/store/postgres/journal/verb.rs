//! The verbs on the journal: on the chain of this node.

use super::super::PostgresStore;
use super::super::row::journal::CHAIN;
use super::super::row::{bytes, get};
use super::super::transaction::{Tx, look, transact};
use super::{COLUMNS, read, stored};
use crate::journal::head::SignedHead;
use crate::journal::verify::Verifier;
use crate::journal::{Chained, Entry, GENESIS};
use crate::random::Id;
use crate::store::journal::{End, Followed, Journal};
use crate::store::{Pending, StoreError};

/// Records that are read at a time.
const PAGE: i64 = 1000;

impl Journal for PostgresStore {
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

    fn decision(&self, id: Id) -> Pending<'_, Vec<Entry>> {
        Box::pin(async move {
            let rows = look!(self, "decision", |tx| decision(tx, id))?;
            rows.iter().map(read).collect()
        })
    }

    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>> {
        Box::pin(async move { look!(self, "journal_span", |tx| span(tx, from, to)) })
    }

    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>> {
        Box::pin(async move { look!(self, "heads", |tx| heads(tx, after, most)) })
    }

    fn keep_head(&self, head: SignedHead) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "keep_head", |tx| keep_head(tx, &head)) })
    }

    fn forwarded(&self, target: &'static str) -> Pending<'_, i64> {
        Box::pin(async move { look!(self, "forwarded", |tx| forwarded(tx, target)) })
    }

    fn keep_forwarded(&self, target: &'static str, seq: i64) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "keep_forwarded", |tx| keep_forwarded(tx, target, seq)) })
    }
}

/// The records of a decision, of whatever node made them.
async fn decision(tx: &mut Tx<'_>, id: Id) -> Result<Vec<tokio_postgres::Row>, StoreError> {
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

async fn records(
    tx: &mut Tx<'_>,
    after: i64,
    to: i64,
    most: i64,
) -> Result<Vec<tokio_postgres::Row>, StoreError> {
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
    rows.iter().map(|row| Ok(SignedHead { seq: get(row, 0)?, at: get(row, 1)?, jws: get(row, 2)? })).collect()
}

async fn keep_head(tx: &mut Tx<'_>, head: &SignedHead) -> Result<(), StoreError> {
    let sql = "INSERT INTO journal_head (node, seq, at, jws) VALUES ($1, $2, $3, $4)
               ON CONFLICT (node, seq) DO NOTHING";
    tx.execute(sql, &[&tx.node, &head.seq, &head.at, &head.jws]).await.map(|_| ())
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
fn of_node(target: &str, node: &str) -> String {
    format!("{target} of {node}")
}
