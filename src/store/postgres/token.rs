//! Token checks, and what the status list is made of.

use super::row::{self, get, small};
use super::transaction::{Change, Tx};
use super::{budget, journal, registration, subject};
use crate::consent::Consent;
use crate::consent::standing::TokenStatus;
use crate::random::Id;
use crate::store::judge::standing;
use crate::store::register::Hold;
use crate::store::token::{Changes, Check, Checked, Key};
use crate::store::{AccessRequest, Record, StoreError};
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// Most entries that one reading of the changes gives.
const MOST: i64 = 100_000;

pub async fn check(tx: &mut Tx<'_>, check: &Check, record: &Record) -> Result<Option<Checked>, StoreError> {
    let blind = match check.key {
        Key::Compact { .. } => Vec::new(),
        Key::Id(_) => vec![budget::of_checks(tx.seal, &check.owner, check.blind)],
    };
    if !budget::is_left(tx, &blind, record.at).await? {
        return Ok(None);
    }
    let (jti, compact) = match &check.key {
        Key::Compact { jti, compact } => (jti, Some(compact.as_bytes())),
        Key::Id(jti) => (jti, None),
    };
    let Some(stored) = row::find(tx, "jti = $1", &&jti.as_bytes()[..]).await? else {
        return silent(tx, &blind, TokenStatus::Unknown, None, record).await;
    };
    let request = stored.request;
    let issued = request.token.as_ref().map(|token| token.compact.as_bytes()).unwrap_or_default();
    let genuine = compact.is_none_or(|compact| verify_slices_are_equal(issued, compact).is_ok());
    if !genuine || !request.services.as_slice().contains(&check.service) {
        return silent(tx, &blind, TokenStatus::Unknown, None, record).await;
    }
    if check.subject.is_some_and(|asked| asked != request.iin) {
        return silent(tx, &blind, TokenStatus::Mismatch, Some(request.id), record).await;
    }
    let blocks = subject::spans(tx, stored.subject, Hold::Block).await?;
    let registered = (check.registered)(&request);
    let id = request.id;
    let checked = Checked::about(request, &blocks, &registered, check.time, record.at);
    if checked.request.is_some() {
        let sql = "INSERT INTO access (at, subject, request, service, owner, status) VALUES ($1, $2, $3, $4, $5, $6)";
        let status = checked.status.word();
        tx.execute(sql, &[&record.at, &stored.subject, &stored.seq, &check.service, &check.owner, &status])
            .await?;
    }
    let outcome = checked.status.word().to_owned();
    let record = Record { outcome, request: Some(id), ..record.clone() };
    journal::append_about(tx, Some(stored.subject), &record);
    Ok(Some(checked))
}

/// An answer that tells nothing is counted; who was faster took the last: then not even that is told.
async fn silent(
    tx: &mut Tx<'_>,
    blind: &[budget::Holder],
    status: TokenStatus,
    request: Option<Id>,
    record: &Record,
) -> Result<Option<Checked>, StoreError> {
    if !budget::spend(tx, blind, record.at).await? {
        return Ok(None);
    }
    let record = Record { outcome: status.word().to_owned(), request, ..record.clone() };
    journal::append(tx, &record).await?;
    Ok(Some(Checked::silent(status)))
}

/// Writes down what the status list must say of a request's token from now on, unless that is "valid".
pub async fn restate(
    tx: &mut Tx<'_>,
    request: &AccessRequest,
    subject: i64,
    at: i64,
) -> Result<(), StoreError> {
    match &request.consent {
        Consent::Granted { lapses: None, .. } => Ok(()),
        _ => restate_kept(tx, request, subject, at).await,
    }
}

/// The same, also when it is "valid" again.
pub async fn restate_kept(
    tx: &mut Tx<'_>,
    request: &AccessRequest,
    subject: i64,
    at: i64,
) -> Result<(), StoreError> {
    let Some(token) = &request.token else { return Ok(()) };
    let Some(index) = token.index else { return Ok(()) };
    // A block without an end is in force also before its beginning, where the clock was set back: as in a check.
    let blocks = subject::spans(tx, subject, Hold::Block).await?;
    let blocked = blocks.iter().any(|span| span.until.is_none() || span.covers(at));
    let suspended = blocked || registration::is_suspended_now(tx, &request.sender).await?;
    tx.list(Change {
        index: row::wide(index),
        standing: i64::from(standing(&request.consent, suspended)),
        ends: token.expires.saturating_mul(1000),
    });
    Ok(())
}

/// Writes the changes that were gathered. Their numbers are taken one transaction after the other, on all nodes.
pub async fn write_changes(tx: &mut Tx<'_>, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(changes.len()).unwrap_or(i64::MAX);
    let sql = "UPDATE counter SET next = next + $1 WHERE name = 'status-change' RETURNING next";
    let last = tx.number(sql, &[&count]).await?.ok_or(StoreError::Unreadable("counter.next"))?;
    for (seq, change) in (last - count + 1..).zip(changes) {
        let sql = "INSERT INTO status_change (seq, idx, standing, ends) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, &[&seq, &change.index, &change.standing, &change.ends]).await?;
    }
    Ok(())
}

/// Marks the tokens in force of a subject anew, after a block began or ended.
pub async fn restate_subject(tx: &mut Tx<'_>, subject: i64, at: i64) -> Result<(), StoreError> {
    let condition = "subject = $1 AND idx IS NOT NULL AND ended > $2 AND person IS NOT NULL";
    for stored in row::select(tx, condition, &[&subject, &at]).await? {
        restate_kept(tx, &stored.request, stored.subject, at).await?;
    }
    Ok(())
}

/// Marks the tokens in force of a BIN anew, as far as `most` of them after `after`; answers with where to go on. Each is held
/// while it is looked at: what is being changed just now is looked at behind that.
pub async fn restate_bin(
    tx: &mut Tx<'_>,
    bin: &str,
    (after, most): (i64, u32),
    at: i64,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT seq FROM access_request WHERE bin = $1 AND seq > $2 AND idx IS NOT NULL AND ended > $3
               AND person IS NOT NULL ORDER BY seq LIMIT $4";
    let mut last = None;
    for found in tx.rows(sql, &[&bin, &after, &at, &i64::from(most)]).await? {
        let seq: i64 = get(&found, 0)?;
        if let Some(stored) = row::hold(tx, "seq = $1", &seq).await? {
            restate_kept(tx, &stored.request, stored.subject, at).await?;
        }
        last = Some(seq);
    }
    Ok(last)
}

/// Allots places in the status list.
pub async fn allot(tx: &mut Tx<'_>, count: u64) -> Result<u64, StoreError> {
    let sql = "UPDATE counter SET next = next + $1 WHERE name = 'status' RETURNING next - $1";
    let first = tx.number(sql, &[&row::wide(count)]).await?;
    first.and_then(|first| u64::try_from(first).ok()).ok_or(StoreError::Unreadable("counter.next"))
}

/// Changes of the status list after `after`; at most [`MOST`] of them.
pub async fn changes(tx: &mut Tx<'_>, after: i64) -> Result<Changes, StoreError> {
    let mut changes = Changes { last: after, ..Changes::default() };
    let sql = "SELECT seq, idx, standing FROM status_change WHERE seq > $1 ORDER BY seq LIMIT $2";
    for row in tx.rows(sql, &[&after, &MOST]).await? {
        changes.last = get(&row, 0)?;
        let entry = (small(&row, 1, "status_change.idx")?, small(&row, 2, "status_change.standing")?);
        changes.entries.push(entry);
    }
    let allotted = tx.number("SELECT next FROM counter WHERE name = 'status'", &[]).await?;
    changes.allotted = allotted.and_then(|next| u64::try_from(next).ok()).unwrap_or(0);
    Ok(changes)
}
