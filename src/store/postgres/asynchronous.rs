//! Messages of `AsyncChannel` as rows of this engine.

use super::row::{bytes, bytes_or_none, get, task_number};
use super::transaction::{Tx, look, transact};
use super::{PostgresStore, journal, row};
use crate::random::Id;
use crate::store::asynchronous::{Asynchronous, Came, Delivery, Intake, Taken, Unanswered};
use crate::store::row::asynchronous::{
    ENDED, OPEN, SENT, TWICE, WAITS, asked_hash, chain, opened, sealed, sender_hash, theirs_hash,
};
use crate::store::{Pending, Record, StoreError, Task};
use crate::text::Reason;

impl Asynchronous for PostgresStore {
    fn take(&self, intake: Intake, record: Record) -> Pending<'_, Taken> {
        Box::pin(async move {
            let sealed = sealed(&*self.seal, intake.id, &intake.message)?;
            transact!(self, "take", |tx| take(tx, &intake, &sealed, &record))
        })
    }

    fn unanswered(&self, id: Id) -> Pending<'_, Option<Unanswered>> {
        Box::pin(async move { look!(self, "unanswered", |tx| unanswered(tx, id)) })
    }

    fn unanswered_count(&self) -> Pending<'_, i64> {
        Box::pin(async move { look!(self, "unanswered_count", |tx| unanswered_count(tx)) })
    }

    fn came_to(&self, id: Id, came: Came, at: i64) -> Pending<'_, bool> {
        Box::pin(async move {
            let sealed = sealed(&*self.seal, id, &came.message)?;
            transact!(self, "came_to", |tx| came_to(tx, id, &came, &sealed, at))
        })
    }

    fn sent(&self, id: Id, theirs: String, again: i64, record: Record) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "sent", |tx| sent(tx, id, &theirs, (again, &record))) })
    }

    fn give_up(&self, id: Id, record: Record) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "give_up", |tx| give_up(tx, id, &record)) })
    }

    fn delivery(&self, message_id: String, state: Delivery, again: i64, record: Record) -> Pending<'_, bool> {
        Box::pin(async move {
            transact!(self, "delivery", |tx| delivery(tx, &message_id, (state, again), &record))
        })
    }
}

async fn sent(
    tx: &mut Tx<'_>,
    id: Id,
    theirs: &str,
    (again, record): (i64, &Record),
) -> Result<(), StoreError> {
    let id = id.as_bytes();
    let state = tx.number("SELECT state FROM asynchronous WHERE id = $1 FOR UPDATE", &[&&id[..]]).await?;
    let Some(state) = state.filter(|state| [OPEN, TWICE].map(i64::from).contains(state)) else {
        // Word of its end overtook the word that it was taken over.
        return drop_job(tx, id).await;
    };
    // So may the word that it was not delivered.
    let next = if state == i64::from(TWICE) { OPEN } else { SENT };
    let theirs = theirs_hash(tx.seal, theirs);
    let sql = "UPDATE asynchronous SET state = $2, theirs = $3 WHERE id = $1";
    tx.execute(sql, &[&&id[..], &i64::from(next), &&theirs[..]]).await?;
    drop_job(tx, id).await?;
    if next == OPEN {
        row::add_job(tx, Task::Answer, again, id).await?;
    }
    journal::append(tx, record).await
}

async fn give_up(tx: &mut Tx<'_>, id: Id, record: &Record) -> Result<(), StoreError> {
    end(tx, id.as_bytes()).await?;
    journal::append(tx, record).await
}

async fn take(tx: &mut Tx<'_>, intake: &Intake, sealed: &[u8], record: &Record) -> Result<Taken, StoreError> {
    let id = intake.id.as_bytes();
    let sender = sender_hash(tx.seal, &intake.sender);
    let (chain, digest) = (chain(tx.seal, intake), asked_hash(tx.seal, intake));
    // Held: two nodes may be brought the same message, or the last two that a sender may have, at the same time.
    let hold = "INSERT INTO asynchronous_taking (sender) VALUES ($1)
                ON CONFLICT (sender) DO UPDATE SET sender = excluded.sender";
    tx.execute(hold, &[&&sender[..]]).await?;
    let known = "SELECT id, digest FROM asynchronous WHERE chain = $1";
    if let Some(known) = tx.row(known, &[&&chain[..]]).await? {
        if get::<&[u8]>(&known, 1)? != digest {
            return Ok(Taken::Otherwise);
        }
        let before = Id::from_bytes(bytes(&known, 0, "asynchronous.id")?);
        journal::append(tx, &Record { outcome: "pushed again".to_owned(), ..record.clone() }).await?;
        return Ok(Taken::Before(before));
    }
    // The list is what the partial index asks for.
    let count = "SELECT count(*) FROM asynchronous WHERE sender = $1 AND state IN (0, 1, 4)";
    if tx.number(count, &[&&sender[..]]).await? >= Some(i64::from(intake.most)) {
        return Ok(Taken::TooMany);
    }
    let sql = "INSERT INTO asynchronous (id, chain, sender, digest, since, state, message)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.execute(
        sql,
        &[&&id[..], &&chain[..], &&sender[..], &&digest[..], &record.at, &i64::from(OPEN), &sealed],
    )
    .await?;
    row::add_job(tx, Task::Answer, record.at, id).await?;
    journal::append(tx, record).await?;
    Ok(Taken::New)
}

async fn unanswered(tx: &mut Tx<'_>, id: Id) -> Result<Option<Unanswered>, StoreError> {
    // The request of a decision that was made and not noted: its record of the journal was written with it. Not that of a
    // refusal, which changed nothing and is decided again: it may name the request that a verification token was used for, one
    // that was not opened, or one whose code was not judged.
    let sql = "SELECT message, coalesce(request, (SELECT j.request FROM journal j JOIN access_request a ON a.id = j.request
                   WHERE j.decision = $1 AND j.decision IS NOT NULL AND j.outcome NOT IN ($4, $5)
                   ORDER BY j.at, j.seq LIMIT 1)), since, theirs IS NOT NULL, (SELECT outcome FROM journal
                   WHERE decision = $1 AND decision IS NOT NULL AND kind = 'decision' ORDER BY at DESC, seq DESC LIMIT 1),
                   begun = 1
               FROM asynchronous WHERE id = $1 AND state IN ($2, $3) AND message IS NOT NULL";
    let (open, twice) = (i64::from(OPEN), i64::from(TWICE));
    let refusals = [Reason::OvtUsed.code(), Reason::LimitReached.code()];
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&&id.as_bytes()[..], &open, &twice, &refusals[0], &refusals[1]];
    let Some(found) = tx.row(sql, &values).await? else { return Ok(None) };
    let request = bytes_or_none(&found, 1, "asynchronous.request")?.map(Id::from_bytes);
    Ok(Some(Unanswered {
        message: opened(tx.seal, id, get(&found, 0)?)?,
        request,
        decided: get(&found, 4)?,
        since: get(&found, 2)?,
        is_sent: get(&found, 3)?,
        is_begun: get(&found, 5)?,
    }))
}

async fn came_to(tx: &mut Tx<'_>, id: Id, came: &Came, sealed: &[u8], at: i64) -> Result<bool, StoreError> {
    let request = came.request.map(|id| *id.as_bytes());
    // It may have changed since it was asked about: then nobody will wake this message. Whoever changes it holds its subject.
    let stored = match request.filter(|_| came.waits) {
        Some(request) => row::hold(tx, "id = $1", &&request[..]).await?,
        None => None,
    };
    let waits = stored.is_some_and(|stored| stored.request.consent.at(at).awaits_subject());
    let sql = "UPDATE asynchronous SET request = $2, message = $3, state = $4,
                   begun = CASE WHEN CAST($4 AS BIGINT) = CAST($5 AS BIGINT) THEN 1 ELSE 0 END WHERE id = $1 AND state = $5";
    let request = request.as_ref().map(|id| &id[..]);
    let (state, open) = (i64::from(if waits { WAITS } else { OPEN }), i64::from(OPEN));
    tx.execute(sql, &[&&id.as_bytes()[..], &request, &sealed, &state, &open]).await?;
    if waits {
        drop_job(tx, id.as_bytes()).await?;
    }
    Ok(waits)
}

/// Has what waits for this request answered, which has changed.
pub async fn wake(tx: &mut Tx<'_>, request: Id, at: i64) -> Result<(), StoreError> {
    // The literal is what the partial index asks for.
    let sql = "UPDATE asynchronous SET state = 0, since = $2 WHERE request = $1 AND state = 1 RETURNING id";
    for woken in tx.rows(sql, &[&&request.as_bytes()[..], &at]).await? {
        let id: [u8; 16] = bytes(&woken, 0, "asynchronous.id")?;
        row::add_job(tx, Task::Answer, at, &id).await?;
    }
    Ok(())
}

async fn delivery(
    tx: &mut Tx<'_>,
    message_id: &str,
    (state, again): (Delivery, i64),
    record: &Record,
) -> Result<bool, StoreError> {
    let Some((id, is)) = told_of(tx, message_id).await? else { return Ok(false) };
    match state {
        Delivery::Done | Delivery::Stopped => end(tx, &id).await?,
        // It rests before it is sent again: that was told before.
        Delivery::Failed if is != i64::from(SENT) && rests(tx, &id, record.at).await? => return Ok(false),
        Delivery::Failed if is != i64::from(SENT) => restart(tx, &id, TWICE).await?,
        Delivery::Failed => {
            restart(tx, &id, OPEN).await?;
            row::add_job(tx, Task::Answer, again, &id).await?;
        }
    }
    journal::append(tx, &Record { decision: Some(Id::from_bytes(id)), ..record.clone() }).await?;
    Ok(true)
}

async fn restart(tx: &mut Tx<'_>, id: &[u8; 16], state: u8) -> Result<(), StoreError> {
    let sql = "UPDATE asynchronous SET state = $2 WHERE id = $1";
    tx.execute(sql, &[&&id[..], &i64::from(state)]).await.map(|_| ())
}

/// Which message ШЭП tells of, and its state: one whose answer was tried, though it may not be noted yet that ШЭП has it. If
/// ШЭП gave one id to several, it is not known which.
async fn told_of(tx: &mut Tx<'_>, message_id: &str) -> Result<Option<([u8; 16], i64)>, StoreError> {
    if let Some(ours) = Id::parse(message_id) {
        let sql = "SELECT id, state FROM asynchronous WHERE id = $1 AND begun = 1 AND state IN (0, 2, 4) FOR UPDATE";
        if let Some(row) = tx.row(sql, &[&&ours.as_bytes()[..]]).await? {
            return Ok(Some((bytes(&row, 0, "asynchronous.id")?, get(&row, 1)?)));
        }
    }
    let sql = "SELECT id, state FROM asynchronous
               WHERE theirs = $1 AND theirs IS NOT NULL AND state IN (0, 2, 4) LIMIT 2 FOR UPDATE";
    let theirs = theirs_hash(tx.seal, message_id);
    match tx.rows(sql, &[&&theirs[..]]).await?.as_slice() {
        [one] => Ok(Some((bytes(one, 0, "asynchronous.id")?, get(one, 1)?))),
        _ => Ok(None),
    }
}

/// Whether a message is answered only after `at`.
async fn rests(tx: &mut Tx<'_>, id: &[u8; 16], at: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM job WHERE request = $1 AND task = $2 AND due > $3";
    tx.exists(sql, &[&&id[..], &task_number(Task::Answer), &at]).await
}

/// Nothing more is to be done: what was asked, and by whom, is forgotten.
async fn end(tx: &mut Tx<'_>, id: &[u8; 16]) -> Result<(), StoreError> {
    let sql = "UPDATE asynchronous SET state = $2, message = NULL WHERE id = $1";
    tx.execute(sql, &[&&id[..], &i64::from(ENDED)]).await?;
    drop_job(tx, id).await
}

async fn drop_job(tx: &mut Tx<'_>, id: &[u8; 16]) -> Result<(), StoreError> {
    let sql = "DELETE FROM job WHERE request = $1 AND task = $2";
    tx.execute(sql, &[&&id[..], &task_number(Task::Answer)]).await.map(|_| ())
}

/// How many messages have no answer yet.
async fn unanswered_count(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM asynchronous WHERE state IN (0, 1, 4)";
    Ok(tx.number(sql, &[]).await?.unwrap_or(0))
}
