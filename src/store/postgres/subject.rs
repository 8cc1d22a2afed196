//! Subjects: the number that stands for each, the holds on it, revocations that bind it. Who changes anything about a subject
//! holds its row, so that this happens one after the other on all nodes.

use super::row::{day, get, subject_hash};
use super::transaction::Tx;
use super::{journal, token};
use crate::consent::identity::Iin;
use crate::consent::standing::Span;
use crate::store::judge::{held_by, kind};
use crate::store::register::Hold;
use crate::store::{Record, StoreError};
use crate::text::Reason;

/// The number of the subject with this hash, if it has one.
pub async fn find(tx: &mut Tx<'_>, hash: &[u8; 16]) -> Result<Option<i64>, StoreError> {
    tx.number("SELECT id FROM subject WHERE hash = $1", &[&&hash[..]]).await
}

/// The number of the subject with this hash, held until the end of the transaction; it gets one.
pub async fn hold_hash(tx: &mut Tx<'_>, hash: &[u8; 16], at: i64) -> Result<i64, StoreError> {
    let sql = "SELECT id, seen FROM subject WHERE hash = $1 FOR UPDATE";
    if let Some(row) = tx.row(sql, &[&&hash[..]]).await?
        && get::<i64>(&row, 1)? >= day(at)
    {
        return get(&row, 0);
    }
    see(tx, hash, day(at)).await
}

/// Holds the subject with this number until the end of the transaction.
pub async fn hold_number(tx: &mut Tx<'_>, subject: i64) -> Result<(), StoreError> {
    tx.row("SELECT id FROM subject WHERE id = $1 FOR UPDATE", &[&subject]).await.map(|_| ())
}

/// The number of the subject with this hash; it gets one. What is recorded about it at `at` keeps the link.
pub async fn number(tx: &mut Tx<'_>, hash: &[u8; 16], at: i64) -> Result<i64, StoreError> {
    let today = day(at);
    let known = tx.row("SELECT id, seen FROM subject WHERE hash = $1", &[&&hash[..]]).await?;
    if let Some(row) = known
        && get::<i64>(&row, 1)? >= today
    {
        return get(&row, 0);
    }
    see(tx, hash, today).await
}

/// Writes down that something is recorded about a subject, and holds it.
async fn see(tx: &mut Tx<'_>, hash: &[u8; 16], today: i64) -> Result<i64, StoreError> {
    let sql = "INSERT INTO subject (hash, seen) VALUES ($1, $2)
               ON CONFLICT (hash) DO UPDATE SET seen = greatest(subject.seen, excluded.seen) RETURNING id";
    let seen = tx.number(sql, &[&&hash[..], &today]).await?;
    seen.ok_or(StoreError::Unreadable("subject.id"))
}

/// When a subject was blocked, or frozen.
pub async fn spans(tx: &mut Tx<'_>, subject: i64, hold: Hold) -> Result<Vec<Span>, StoreError> {
    let sql = "SELECT since, until FROM hold WHERE subject = $1 AND kind = $2 ORDER BY since";
    let rows = tx.rows(sql, &[&subject, &i64::from(kind(hold))]).await?;
    rows.iter().map(|row| Ok(Span { from: get(row, 0)?, until: get(row, 1)? })).collect()
}

/// Why a subject gets no new token, if there is a reason: `new_ask` is one of methods 1, 2, 3 and 5.
pub async fn held(tx: &mut Tx<'_>, subject: i64, new_ask: bool) -> Result<Option<Reason>, StoreError> {
    let sql = "SELECT coalesce(min(kind), 0) FROM hold WHERE subject = $1 AND until IS NULL";
    let held = tx.number(sql, &[&subject]).await?.unwrap_or(0);
    Ok(held_by(u8::try_from(held).unwrap_or(0), new_ask))
}

/// Remembers that a revocation took effect.
pub async fn withdraw(tx: &mut Tx<'_>, subject: i64, bin: &str, at: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO withdrawal (subject, bin, at) VALUES ($1, $2, $3)
               ON CONFLICT (subject, bin) DO UPDATE SET at = greatest(withdrawal.at, excluded.at)";
    tx.execute(sql, &[&subject, &bin, &at]).await.map(|_| ())
}

/// When the last revocation of this initiator's tokens took effect until `at`, Unix milliseconds: also one that time
/// alone brought about, before anybody has written it down (F-21).
pub async fn withdrawn(tx: &mut Tx<'_>, subject: i64, bin: &str, at: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT max(at) FROM (SELECT at FROM withdrawal WHERE subject = $1 AND bin = $2 UNION ALL
                   SELECT ends FROM revocation WHERE subject = $1 AND bin = $2 AND state = 'open' AND ends <= $3) AS w";
    tx.row(sql, &[&subject, &bin, &at]).await?.map_or(Ok(None), |row| get(&row, 0))
}

/// Begins or ends a hold and marks the subject's tokens in the status list.
pub async fn hold(
    tx: &mut Tx<'_>,
    iin: &Iin,
    hold: Hold,
    on: bool,
    record: &Record,
) -> Result<bool, StoreError> {
    let hash = subject_hash(tx.seal, iin);
    let subject = hold_hash(tx, &hash, record.at).await?;
    let kind = i64::from(kind(hold));
    let sql = "SELECT since FROM hold WHERE subject = $1 AND kind = $2 AND until IS NULL";
    match (tx.number(sql, &[&subject, &kind]).await?, on) {
        (None, true) => {
            let sql = "INSERT INTO hold (subject, kind, since) VALUES ($1, $2, $3)
                       ON CONFLICT (subject, kind, since) DO UPDATE SET until = NULL";
            tx.execute(sql, &[&subject, &kind, &record.at]).await?;
        }
        (Some(since), false) => {
            let sql = "UPDATE hold SET until = $4 WHERE subject = $1 AND kind = $2 AND since = $3";
            tx.execute(sql, &[&subject, &kind, &since, &record.at]).await?;
        }
        _ => return Ok(false),
    }
    if hold == Hold::Block {
        token::restate_subject(tx, subject, record.at).await?;
    }
    journal::append(tx, &Record { subject: Some(*iin), ..record.clone() }).await?;
    Ok(true)
}
