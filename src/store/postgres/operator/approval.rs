//! Acts of two persons: asked for, approved by another, carried out once.

use super::super::row::{bytes, get};
use super::super::transaction::Tx;
use super::super::{journal, registration};
use crate::operator::fresh::{self, Fresh};
use crate::operator::{Name, Operator};
use crate::random::Id;
use crate::store::operator::{Approval, Approved, Claim};
use crate::store::register::Kind;
use crate::store::{Record, StoreError};
use tokio_postgres::Row;

const COLUMNS: &str = "id, act, digest, asked_by, asked, until, approved_by, approved, done";

fn read(row: &Row) -> Result<Approval, StoreError> {
    let (by, at): (Option<String>, Option<i64>) = (get(row, 6)?, get(row, 7)?);
    Ok(Approval {
        id: Id::from_bytes(bytes(row, 0, "approval.id")?),
        act: get(row, 1)?,
        digest: bytes(row, 2, "approval.digest")?,
        asked_by: get(row, 3)?,
        asked: get(row, 4)?,
        until: get(row, 5)?,
        approved: by.zip(at),
        done: get(row, 8)?,
    })
}

/// Those that are neither void nor done, oldest first.
pub async fn waiting(tx: &mut Tx<'_>, at: i64) -> Result<Vec<Approval>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM approval WHERE done IS NULL AND until > $1 ORDER BY id");
    tx.rows(&sql, &[&at]).await?.iter().map(read).collect()
}

/// See [`crate::operator::fresh`].
async fn fresh(tx: &mut Tx<'_>, name: &Name, at: i64) -> Result<Option<Fresh>, StoreError> {
    let history = registration::history(tx, Kind::Operator, name.as_str()).await?;
    let read = history.into_iter().map(|revision| {
        let operator: Result<Operator, _> = serde_json::from_str(&revision.record);
        Ok((revision.at, operator.map_err(|_| StoreError::Unreadable("registered.record"))?))
    });
    Ok(fresh::fresh(&read.collect::<Result<Vec<_>, StoreError>>()?, at))
}

/// Finds what was asked for, or asks. The registry is held: who asks twice at once asks once.
pub async fn ask(tx: &mut Tx<'_>, asked: &Approval, record: &Record) -> Result<Approval, StoreError> {
    registration::hold(tx).await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM approval
         WHERE act = $1 AND digest = $2 AND asked_by = $3 AND until > $4 AND done IS NULL ORDER BY id LIMIT 1"
    );
    let digest = &asked.digest[..];
    if let Some(row) = tx.row(&sql, &[&asked.act, &digest, &asked.asked_by, &record.at]).await? {
        return read(&row);
    }
    let sql =
        "INSERT INTO approval (id, act, digest, asked_by, asked, until) VALUES ($1, $2, $3, $4, $5, $6)";
    let id = &asked.id.as_bytes()[..];
    tx.execute(sql, &[&id, &asked.act, &digest, &asked.asked_by, &asked.asked, &asked.until]).await?;
    journal::append(tx, record).await?;
    Ok(asked.clone())
}

/// Approves. The registry is held: who gets a new password meanwhile is fresh, or was none.
pub async fn approve(tx: &mut Tx<'_>, claim: &Claim, record: &Record) -> Result<Approved, StoreError> {
    registration::hold(tx).await?;
    let sql = format!("SELECT {COLUMNS} FROM approval WHERE id = $1 AND until > $2 FOR UPDATE");
    let id = &claim.id.as_bytes()[..];
    let Some(row) = tx.row(&sql, &[&id, &record.at]).await? else { return Ok(Approved::Unknown) };
    let known = read(&row)?;
    if known.act != claim.act || known.digest != claim.digest {
        return Ok(Approved::Other);
    }
    if known.asked_by == claim.by.as_str() {
        return Ok(Approved::Own);
    }
    if known.approved.is_some() || known.done.is_some() {
        return Ok(Approved::Before(known));
    }
    let asker = Name::parse(&known.asked_by).map_err(|_| StoreError::Unreadable("approval.asked_by"))?;
    for one in [&claim.by, &asker] {
        if let Some(fresh) = fresh(tx, one, record.at).await? {
            return Ok(Approved::Fresh(fresh));
        }
    }
    let sql = "UPDATE approval SET approved_by = $2, approved = $3 WHERE id = $1";
    tx.execute(sql, &[&id, &claim.by.as_str(), &record.at]).await?;
    journal::append(tx, record).await?;
    Ok(Approved::Now(Approval { approved: Some((claim.by.as_str().to_owned(), record.at)), ..known }))
}

/// Marks an approved act as done, once; `false`: it is not approved, void, done, another's or about something else, or
/// whoever asked counts as another by now.
pub async fn take(tx: &mut Tx<'_>, claim: &Claim, at: i64) -> Result<bool, StoreError> {
    registration::hold(tx).await?;
    if fresh(tx, &claim.by, at).await?.is_some() {
        return Ok(false);
    }
    let sql = "UPDATE approval SET done = $5 WHERE id = $1 AND act = $2 AND digest = $3 AND asked_by = $4
               AND approved_by IS NOT NULL AND approved_by <> asked_by AND done IS NULL AND until > $5";
    let (id, digest) = (&claim.id.as_bytes()[..], &claim.digest[..]);
    Ok(tx.execute(sql, &[&id, &claim.act, &digest, &claim.by.as_str(), &at]).await? == 1)
}
