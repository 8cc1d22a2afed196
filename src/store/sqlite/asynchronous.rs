//! Messages of `AsyncChannel` as rows.

use super::writer::failed;
use super::{SqliteStore, journal, row};
use crate::random::Id;
use crate::store::asynchronous::{Asynchronous, Came, Delivery, Intake, Taken, Unanswered};
use crate::store::row::asynchronous::{
    ENDED, OPEN, SENT, TWICE, WAITS, asked_hash, chain, opened, sealed, sender_hash, theirs_hash,
};
use crate::store::seal::Seal;
use crate::store::{Pending, Record, StoreError, Task};
use crate::text::Reason;
use rusqlite::{Connection, OptionalExtension as _, params};

impl Asynchronous for SqliteStore {
    fn take(&self, intake: Intake, record: Record) -> Pending<'_, Taken> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let sealed = sealed(&*seal, intake.id, &intake.message)?;
            self.writer.write(move |c| take(c, &*seal, &intake, &sealed, &record)).await
        })
    }

    fn unanswered(&self, id: Id) -> Pending<'_, Option<Unanswered>> {
        Box::pin(self.read(move |connection, seal| unanswered(connection, seal, id)))
    }

    fn unanswered_count(&self) -> Pending<'_, i64> {
        Box::pin(self.read(|connection, _| unanswered_count(connection)))
    }

    fn came_to(&self, id: Id, came: Came, at: i64) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let sealed = sealed(&*seal, id, &came.message)?;
            self.writer.write(move |c| came_to(c, &*seal, id, &came, &sealed, at)).await
        })
    }

    fn sent(&self, id: Id, theirs: String, again: i64, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| sent(c, &*seal, id, &theirs, (again, &record))))
    }

    fn give_up(&self, id: Id, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| {
            end(c, id.as_bytes())?;
            journal::append(c, &*seal, &record)
        }))
    }

    fn delivery(&self, message_id: String, state: Delivery, again: i64, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| delivery(c, &*seal, &message_id, (state, again), record)))
    }
}

fn sent(
    connection: &Connection,
    seal: &dyn Seal,
    id: Id,
    theirs: &str,
    (again, record): (i64, &Record),
) -> Result<(), StoreError> {
    let id = id.as_bytes();
    let Some(state) = state_of(connection, id)?.filter(|state| [OPEN, TWICE].contains(state)) else {
        // Word of its end overtook the word that it was taken over.
        return drop_job(connection, id);
    };
    // So may the word that it was not delivered.
    let next = if state == TWICE { OPEN } else { SENT };
    connection
        .prepare_cached("UPDATE asynchronous SET state = ?2, theirs = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, next, theirs_hash(seal, theirs)]))
        .map_err(failed)?;
    drop_job(connection, id)?;
    if next == OPEN {
        row::add_job(connection, Task::Answer, again, id)?;
    }
    journal::append(connection, seal, record)
}

fn state_of(connection: &Connection, id: &[u8; 16]) -> Result<Option<u8>, StoreError> {
    connection
        .prepare_cached("SELECT state FROM asynchronous WHERE id = ?1")
        .and_then(|mut s| s.query_row([id], |row| row.get(0)).optional())
        .map_err(failed)
}

fn take(
    connection: &Connection,
    seal: &dyn Seal,
    intake: &Intake,
    sealed: &[u8],
    record: &Record,
) -> Result<Taken, StoreError> {
    let id = intake.id.as_bytes();
    let sender = sender_hash(seal, &intake.sender);
    let chain = chain(seal, intake);
    let digest = asked_hash(seal, intake);
    let known: Option<([u8; 16], [u8; 32])> = connection
        .prepare_cached("SELECT id, digest FROM asynchronous WHERE chain = ?1")
        .and_then(|mut s| s.query_row([chain], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)?;
    match known {
        Some((_, before)) if before != digest => return Ok(Taken::Otherwise),
        Some((id, _)) => {
            let record = Record { outcome: "pushed again".to_owned(), ..record.clone() };
            journal::append(connection, seal, &record)?;
            return Ok(Taken::Before(Id::from_bytes(id)));
        }
        None => {}
    }
    if unanswered_of(connection, &sender)? >= intake.most {
        return Ok(Taken::TooMany);
    }
    connection
        .prepare_cached(
            "INSERT INTO asynchronous (id, chain, sender, digest, since, state, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .and_then(|mut s| s.execute(params![id, chain, sender, digest, record.at, OPEN, sealed]))
        .map_err(failed)?;
    row::add_job(connection, Task::Answer, record.at, id)?;
    journal::append(connection, seal, record)?;
    Ok(Taken::New)
}

/// How many of the sender's messages have no answer yet.
fn unanswered_of(connection: &Connection, sender: &[u8; 16]) -> Result<u32, StoreError> {
    // The list is what the partial index asks for.
    connection
        .prepare_cached("SELECT count(*) FROM asynchronous WHERE sender = ?1 AND state IN (0, 1, 4)")
        .and_then(|mut s| s.query_row([sender], |row| row.get(0)))
        .map_err(failed)
}

fn unanswered(connection: &Connection, seal: &dyn Seal, id: Id) -> Result<Option<Unanswered>, StoreError> {
    type Columns = (Vec<u8>, Option<[u8; 16]>, i64, bool, Option<String>, bool);
    // The request of a decision that was made and not noted: its record of the journal was written with it. Not that of a
    // refusal, which changed nothing and is decided again: it may name the request that a verification token was used for, one
    // that was not opened, or one whose code was not judged.
    let found: Option<Columns> = connection
        .prepare_cached(
            "WITH decided AS MATERIALIZED (
                 SELECT at, seq, kind, request, outcome FROM journal WHERE decision = ?1 AND decision IS NOT NULL
                 UNION ALL SELECT at, seq, kind, request, outcome FROM journal_of_node
                 WHERE decision = ?1 AND decision IS NOT NULL)
             SELECT message, coalesce(request, (SELECT j.request FROM decided j JOIN access_request a ON a.id = j.request
                 WHERE j.outcome NOT IN (?4, ?5) ORDER BY j.at, j.seq LIMIT 1)), since, theirs IS NOT NULL,
                 (SELECT outcome FROM decided WHERE kind = 'decision' ORDER BY at DESC, seq DESC LIMIT 1), begun
             FROM asynchronous WHERE id = ?1 AND state IN (?2, ?3) AND message IS NOT NULL",
        )
        .and_then(|mut s| {
            let refusals = [Reason::OvtUsed.code(), Reason::LimitReached.code()];
            s.query_row(params![id.as_bytes(), OPEN, TWICE, refusals[0], refusals[1]], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })
            .optional()
        })
        .map_err(failed)?;
    let Some((sealed, request, since, is_sent, decided, is_begun)) = found else { return Ok(None) };
    let (message, request) = (opened(seal, id, &sealed)?, request.map(Id::from_bytes));
    Ok(Some(Unanswered { message, request, decided, since, is_sent, is_begun }))
}

fn came_to(
    connection: &Connection,
    seal: &dyn Seal,
    id: Id,
    came: &Came,
    sealed: &[u8],
    at: i64,
) -> Result<bool, StoreError> {
    let request = came.request.map(|id| *id.as_bytes());
    // It may have changed since it was asked about: then nobody will wake this message.
    let stored = match request.filter(|_| came.waits) {
        Some(request) => row::find(connection, seal, "id = ?1", request)?,
        None => None,
    };
    let waits = stored.is_some_and(|stored| stored.request.consent.at(at).awaits_subject());
    connection
        .prepare_cached(
            "UPDATE asynchronous SET request = ?2, message = ?3, state = ?4, begun = ?4 = ?5 WHERE id = ?1 AND state = ?5",
        )
        .and_then(|mut s| {
            s.execute(params![id.as_bytes(), request, sealed, if waits { WAITS } else { OPEN }, OPEN])
        })
        .map_err(failed)?;
    if waits {
        drop_job(connection, id.as_bytes())?;
    }
    Ok(waits)
}

/// Has what waits for this request answered, which has changed.
pub fn wake(connection: &Connection, request: Id, at: i64) -> Result<(), StoreError> {
    // The literal is what the partial index asks for.
    let mut statement = connection
        .prepare_cached(
            "UPDATE asynchronous SET state = 0, since = ?2 WHERE request = ?1 AND state = 1 RETURNING id",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![request.as_bytes(), at], |row| row.get::<_, [u8; 16]>(0))
        .map_err(failed)?;
    for id in rows.collect::<Result<Vec<_>, _>>().map_err(failed)? {
        row::add_job(connection, Task::Answer, at, &id)?;
    }
    Ok(())
}

fn delivery(
    connection: &Connection,
    seal: &dyn Seal,
    message_id: &str,
    (state, again): (Delivery, i64),
    record: Record,
) -> Result<bool, StoreError> {
    let Some((id, is)) = told_of(connection, seal, message_id)? else { return Ok(false) };
    match state {
        Delivery::Done | Delivery::Stopped => end(connection, &id)?,
        // It rests before it is sent again: that was told before.
        Delivery::Failed if is != SENT && rests(connection, &id, record.at)? => return Ok(false),
        Delivery::Failed if is != SENT => {
            connection
                .prepare_cached("UPDATE asynchronous SET state = ?2 WHERE id = ?1")
                .and_then(|mut s| s.execute(params![id, TWICE]))
                .map_err(failed)?;
        }
        Delivery::Failed => {
            connection
                .prepare_cached("UPDATE asynchronous SET state = ?2 WHERE id = ?1")
                .and_then(|mut s| s.execute(params![id, OPEN]))
                .map_err(failed)?;
            row::add_job(connection, Task::Answer, again, &id)?;
        }
    }
    journal::append(connection, seal, &Record { decision: Some(Id::from_bytes(id)), ..record })?;
    Ok(true)
}

/// Which message ШЭП tells of, and its state: one whose answer was tried, though it may not be noted yet that ШЭП has it. If
/// ШЭП gave one id to several, it is not known which.
fn told_of(
    connection: &Connection,
    seal: &dyn Seal,
    message_id: &str,
) -> Result<Option<([u8; 16], u8)>, StoreError> {
    let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    if let Some(ours) = Id::parse(message_id) {
        let known = connection
            .prepare_cached(
                "SELECT id, state FROM asynchronous WHERE id = ?1 AND begun AND state IN (0, 2, 4)",
            )
            .and_then(|mut s| s.query_row([ours.as_bytes()], pair).optional())
            .map_err(failed)?;
        if known.is_some() {
            return Ok(known);
        }
    }
    let mut statement = connection
        .prepare_cached(
            "SELECT id, state FROM asynchronous
             WHERE theirs = ?1 AND theirs IS NOT NULL AND state IN (0, 2, 4) LIMIT 2",
        )
        .map_err(failed)?;
    let rows = statement.query_map([theirs_hash(seal, message_id)], pair).map_err(failed)?;
    let rows: Vec<([u8; 16], u8)> = rows.collect::<Result<_, _>>().map_err(failed)?;
    Ok(<[_; 1]>::try_from(rows).ok().map(|[one]| one))
}

/// Whether a message is answered only after `at`.
fn rests(connection: &Connection, id: &[u8; 16], at: i64) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM job WHERE request = ?1 AND task = ?2 AND due > ?3")
        .and_then(|mut s| s.exists(params![id, row::number(Task::Answer), at]))
        .map_err(failed)
}

/// Nothing more is to be done: what was asked, and by whom, is forgotten.
fn end(connection: &Connection, id: &[u8; 16]) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE asynchronous SET state = ?2, message = NULL WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, ENDED]))
        .map_err(failed)?;
    drop_job(connection, id)
}

fn drop_job(connection: &Connection, id: &[u8; 16]) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM job WHERE request = ?1 AND task = ?2")
        .and_then(|mut s| s.execute(params![id, row::number(Task::Answer)]))
        .map(|_| ())
        .map_err(failed)
}

/// How many messages have no answer yet.
fn unanswered_count(connection: &Connection) -> Result<i64, StoreError> {
    connection
        .query_row("SELECT count(*) FROM asynchronous WHERE state IN (0, 1, 4)", [], |row| row.get(0))
        .map_err(failed)
}
