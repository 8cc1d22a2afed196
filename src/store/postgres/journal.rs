//! The journal's table. Each node has a chain of its own: records are appended, each chained to the one before it on the same
//! node, and never changed. What a node signs and hands on is its own chain; with it, it signs where the others end.

mod verb;

pub use verb::{NAMED, of_node};

use super::row::journal::{COLUMNS, entry};
use super::row::{bytes, bytes_or_none, get, subject_hash};
use super::subject;
use super::transaction::Tx;
use crate::journal::{Chain, Entry, GENESIS, Stored};
use crate::store::{Record, StoreError};
use tokio_postgres::Row;

/// Appends one record, with the commit.
pub async fn append(tx: &mut Tx<'_>, record: &Record) -> Result<(), StoreError> {
    let subject = match &record.subject {
        Some(iin) => {
            let hash = subject_hash(tx.seal, iin);
            Some(subject::number(tx, &hash, record.at).await?)
        }
        None => None,
    };
    append_about(tx, subject, record);
    Ok(())
}

/// The same, where the subject's number is known already; it takes the place of the record's.
pub fn append_about(tx: &mut Tx<'_>, subject: Option<i64>, record: &Record) {
    tx.record(entry(0, subject, record));
}

/// Writes the records that were gathered. The end of the chain is held from here to the commit: the transactions of a node
/// pass here one after the other.
pub async fn write(tx: &mut Tx<'_>, records: Vec<Entry>) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let (mut seq, mut chain) = hold_end(tx).await?;
    for mut entry in records {
        seq += 1;
        entry.seq = seq;
        chain = entry.link(&chain);
        insert(tx, &entry, &chain).await?;
    }
    let sql = "UPDATE journal_end SET seq = $2, chain = $3 WHERE node = $1";
    tx.execute(sql, &[&tx.node, &seq, &&chain[..]]).await.map(|_| ())
}

async fn hold_end(tx: &mut Tx<'_>) -> Result<(i64, Chain), StoreError> {
    let sql = "SELECT seq, chain FROM journal_end WHERE node = $1 FOR UPDATE";
    if let Some(row) = tx.row(sql, &[&tx.node]).await? {
        return Ok((get(&row, 0)?, bytes(&row, 1, "journal_end.chain")?));
    }
    // The first record of a node; somebody may be as fast.
    let begin = "INSERT INTO journal_end (node, seq, chain) VALUES ($1, 0, $2)
                 ON CONFLICT (node) DO UPDATE SET seq = journal_end.seq RETURNING seq, chain";
    let row = tx.row(begin, &[&tx.node, &&GENESIS[..]]).await?;
    let row = row.ok_or(StoreError::Unreadable("journal_end.seq"))?;
    Ok((get(&row, 0)?, bytes(&row, 1, "journal_end.chain")?))
}

async fn insert(tx: &mut Tx<'_>, entry: &Entry, chain: &Chain) -> Result<(), StoreError> {
    let sql = "INSERT INTO journal
                   (node, seq, at, kind, operator, decision, sender, message_id, message, service, request, subject,
                    outcome, detail, chain)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let (decision, request) = (slice(entry.decision.as_ref()), slice(entry.request.as_ref()));
    let message = entry.message.as_ref().map(|digest| &digest[..]);
    tx.execute(
        sql,
        &[
            &tx.node,
            &entry.seq,
            &entry.at,
            &entry.kind,
            &entry.operator,
            &decision,
            &entry.sender,
            &entry.message_id,
            &message,
            &entry.service,
            &request,
            &entry.subject,
            &entry.outcome,
            &entry.detail,
            &&chain[..],
        ],
    )
    .await
    .map(|_| ())
}

fn slice(id: Option<&[u8; 16]>) -> Option<&[u8]> {
    id.map(|id| &id[..])
}

/// Reads a row of [`COLUMNS`].
fn read(row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: get(row, 0)?,
        at: get(row, 1)?,
        kind: get(row, 2)?,
        operator: get(row, 3)?,
        decision: bytes_or_none(row, 4, "journal")?,
        sender: get(row, 5)?,
        message_id: get(row, 6)?,
        message: bytes_or_none(row, 7, "journal")?,
        service: get(row, 8)?,
        request: bytes_or_none(row, 9, "journal")?,
        subject: get(row, 10)?,
        outcome: get(row, 11)?,
        detail: get(row, 12)?,
    })
}

/// The same as bytes, whatever they are.
fn stored(row: &Row) -> Result<Stored<'_>, StoreError> {
    let text = |column| get::<&str>(row, column).map(str::as_bytes);
    Ok(Stored {
        seq: get(row, 0)?,
        at: get(row, 1)?,
        kind: text(2)?,
        operator: text(3)?,
        decision: get(row, 4)?,
        sender: text(5)?,
        message_id: text(6)?,
        message: get(row, 7)?,
        service: text(8)?,
        request: get(row, 9)?,
        subject: get(row, 10)?,
        outcome: text(11)?,
        detail: text(12)?,
    })
}
