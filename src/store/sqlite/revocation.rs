//! Applications for revocation. Filing, deciding and the end of the term are serialised by the writing thread (F-16 …
//! F-21); the token's state changes in the same transaction.

use super::request::{as_time_made_it, save};
use super::row::{self, Stored};
use super::writer::failed;
use super::{journal, token};
use crate::consent::calendar::Calendar;
use crate::consent::identity::Bin;
use crate::consent::revocation::{Decision, Review, Rule};
use crate::consent::{Consent, Event, Spans};
use crate::random::Id;
use crate::store::register::Moved;
use crate::store::revocation::{Application, Contested, Filed, Filing, Page, Solution, Solved};
use crate::store::row::revocation::{COLUMNS, Columns, Kept, as_of, filed_person, may_be_revoked, settled};
use crate::store::seal::Seal;
use crate::store::{Record, StoreError, Task};
use crate::text::Reason;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        seq: row.get(0)?,
        id: row.get(1)?,
        request_seq: row.get(2)?,
        bin: row.get(3)?,
        filed: row.get(4)?,
        deadline: row.get(5)?,
        ends: row.get(6)?,
        reminded: row.get(7)?,
        state: row.get(8)?,
        decided: row.get(9)?,
        person: row.get(10)?,
        request: row.get(11)?,
        token: row.get(12)?,
        asker: row.get(13)?,
    })
}

fn query(
    connection: &Connection,
    seal: &dyn Seal,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<Kept>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM revocation AS v JOIN access_request AS r ON r.seq = v.request
         WHERE v.person IS NOT NULL AND r.person IS NOT NULL AND {condition}"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(values, columns).map_err(failed)?;
    rows.map(|row| row.map_err(failed)?.open(seal)).collect()
}

fn one(connection: &Connection, seal: &dyn Seal, id: Id) -> Result<Option<Kept>, StoreError> {
    Ok(query(connection, seal, "v.id = ?1", params![id.as_bytes()])?.pop())
}

pub fn application(
    connection: &Connection,
    seal: &dyn Seal,
    id: Id,
    at: i64,
) -> Result<Option<Application>, StoreError> {
    Ok(one(connection, seal, id)?.map(|kept| as_of(kept.application, at)))
}

pub fn open(
    connection: &Connection,
    seal: &dyn Seal,
    bin: &Bin,
    after: Option<Id>,
    most: u32,
    at: i64,
) -> Result<Page, StoreError> {
    let start: i64 = match after {
        None => 0,
        Some(id) => connection
            .prepare_cached("SELECT seq FROM revocation WHERE id = ?1 AND bin = ?2")
            .and_then(|mut s| s.query_row(params![id.as_bytes(), bin.as_str()], |row| row.get(0)).optional())
            .map_err(failed)?
            .unwrap_or(i64::MAX),
    };
    let condition = "v.state = 'open' AND v.bin = ?1 AND v.seq > ?2 AND v.ends > ?3 ORDER BY v.seq LIMIT ?4";
    let mut found = query(connection, seal, condition, params![bin.as_str(), start, at, most + 1])?;
    let more = found.len() > usize::try_from(most).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(|kept| kept.application.id);
    Ok(Page { applications: found.into_iter().map(|kept| kept.application).collect(), next })
}

pub fn latest(
    connection: &Connection,
    seal: &dyn Seal,
    most: u32,
    at: i64,
) -> Result<Vec<Application>, StoreError> {
    let found = query(connection, seal, "true ORDER BY v.seq DESC LIMIT ?1", params![most])?;
    Ok(found.into_iter().map(|kept| as_of(kept.application, at)).collect())
}

pub fn file(
    connection: &Connection,
    seal: &dyn Seal,
    filing: Filing,
    (rule, spans): (Rule, &Spans),
    record: &Record,
) -> Result<Filed, StoreError> {
    let note = |outcome: &str, request: Option<Id>| {
        let subject = Some(filing.iin);
        journal::append(
            connection,
            seal,
            &Record { outcome: outcome.to_owned(), request, subject, ..record.clone() },
        )
    };
    let stored = match filing.contested {
        Contested::Token(id) => row::find(connection, seal, "jti = ?1", id.as_bytes())?,
        Contested::Request(id) => row::find(connection, seal, "id = ?1", id.as_bytes())?,
    };
    let stored = stored.filter(|s| s.request.iin == filing.iin && may_be_revoked(&s.request));
    let Some(stored) = stored else {
        note(Reason::TokenUnknown.code(), None)?;
        return Ok(Filed::Refused(Reason::TokenUnknown));
    };
    let id = stored.request.id;
    let known = query(connection, seal, "v.request = ?1 AND v.state = 'open'", params![stored.seq])?.pop();
    if let Some(known) = known.filter(|known| known.application.review.clone().at(record.at).word() == "open")
    {
        note("application open", Some(id))?;
        return Ok(Filed::Open(known.application));
    }
    // By the calendar of this moment: an act that is loaded just then moves this term too.
    let calendar = super::registration::calendar(connection)?;
    let term = rule.term(&calendar, record.at).ok_or(StoreError::Unreadable("revocation.deadline"))?;
    // Sealed before anything is written.
    let person = filed_person(seal, &filing)?;
    let mut stored = as_time_made_it(connection, seal, stored, record.at)?;
    // A consent that was not collected yet ends at once: no data can have been given on it.
    let collected = !matches!(stored.request.consent, Consent::Agreed { .. });
    let contest =
        if collected { Event::Contest { until: term.ends } } else { Event::GroundEnded(Reason::Revoked) };
    let (state, decided) = if collected { ("open", None) } else { ("approved", Some(record.at)) };
    let method = stored.request.method;
    let Ok(consent) = stored.request.consent.clone().apply(&contest, method, record.at, spans) else {
        let reason = match &stored.request.consent {
            Consent::Closed { reason: Reason::Revoked, .. } => Reason::Revoked,
            _ => Reason::NothingToRevoke,
        };
        note(reason.code(), Some(id))?;
        return Ok(Filed::Refused(reason));
    };
    stored.request.consent = consent;
    save(connection, seal, &stored, record.at)?;
    connection
        .prepare_cached(
            "INSERT INTO revocation
                (id, request, bin, subject, filed, deadline, ends, reminded, state, person, decided)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?9, ?8, ?10)",
        )
        .and_then(|mut s| {
            s.execute(params![
                filing.id.as_bytes(),
                stored.seq,
                stored.request.bin.as_str(),
                stored.subject,
                record.at,
                term.deadline.to_string(),
                term.ends,
                person,
                state,
                decided
            ])
        })
        .map_err(failed)?;
    if collected {
        let next = term.reminders.first().copied().unwrap_or(term.ends);
        row::add_job(connection, Task::Review, next, filing.id.as_bytes())?;
    }
    note("application filed", Some(id))?;
    Ok(Filed::New(Application {
        id: filing.id,
        request: id,
        token: stored.request.token.map_or(id, |token| token.jti),
        bin: stored.request.bin,
        iin: filing.iin,
        applicant: filing.applicant,
        comment: filing.comment,
        filed: record.at,
        deadline: term.deadline,
        review: if collected { Review::Open { ends: term.ends } } else { Review::Approved { at: record.at } },
    }))
}

pub fn solve(
    connection: &Connection,
    seal: &dyn Seal,
    solution: Solution,
    spans: &Spans,
    record: &Record,
) -> Result<Solved, StoreError> {
    let refuse = |reason: Reason, request| {
        journal::append(
            connection,
            seal,
            &Record { outcome: reason.code().to_owned(), request, ..record.clone() },
        )?;
        Ok(Solved::Refused(reason))
    };
    // Another's application looks like an unknown one.
    let known = one(connection, seal, solution.application)?.filter(|k| k.application.bin == solution.bin);
    let Some(mut known) = known else { return refuse(Reason::ApplicationUnknown, None) };
    let request = Some(known.application.request);
    let event = match &solution.decision {
        Decision::Approve => Event::Revoke,
        Decision::Refuse { .. } => Event::Keep,
    };
    let Ok(review) = known.application.review.clone().decide(solution.decision, record.at) else {
        return refuse(Reason::AlreadyDecided, request);
    };
    known.application.review = review;
    settle(connection, seal, &known, &event, spans, record.at)?;
    let outcome = format!("application {}", known.application.review.word());
    let record = Record { outcome, request, subject: Some(known.application.iin), ..record.clone() };
    journal::append(connection, seal, &record)?;
    Ok(Solved::Done(Box::new(known.application)))
}

/// Writes down how a review ended, and what that means for the token.
fn settle(
    connection: &Connection,
    seal: &dyn Seal,
    known: &Kept,
    event: &Event,
    spans: &Spans,
    at: i64,
) -> Result<(), StoreError> {
    let application = &known.application;
    let (decided, person) = settled(seal, application)?;
    let stored = row::find(connection, seal, "seq = ?1", known.request_seq)?;
    let stored = stored.ok_or(StoreError::Unreadable("revocation.request"))?;
    revoke_or_keep(connection, seal, stored, event, spans, at)?;
    connection
        .prepare_cached("UPDATE revocation SET state = ?2, decided = ?3, person = ?4 WHERE seq = ?1")
        .and_then(|mut s| s.execute(params![known.seq, application.review.word(), decided, person]))
        .map_err(failed)?;
    connection
        .prepare_cached("DELETE FROM job WHERE request = ?1")
        .and_then(|mut s| s.execute([application.id.as_bytes()]))
        .map(|_| ())
        .map_err(failed)
}

fn revoke_or_keep(
    connection: &Connection,
    seal: &dyn Seal,
    stored: Stored,
    event: &Event,
    spans: &Spans,
    at: i64,
) -> Result<(), StoreError> {
    let mut stored = as_time_made_it(connection, seal, stored, at)?;
    if *event == Event::Revoke {
        // Also when the token has expired meanwhile: no consent of before serves any more.
        super::subject::withdraw(connection, stored.subject, stored.request.bin.as_str(), at)?;
    }
    if let Ok(consent) = stored.request.consent.clone().apply(event, stored.request.method, at, spans) {
        stored.request.consent = consent;
        save(connection, seal, &stored, at)?;
        if *event == Event::Keep {
            token::restate_kept(connection, &stored.request, stored.subject, at)?;
        }
    }
    Ok(())
}

/// A reminder, or the end of the term: what the review's job is there for.
pub fn review(
    connection: &Connection,
    seal: &dyn Seal,
    id: Id,
    rule: Rule,
    spans: &Spans,
    record: &Record,
) -> Result<(), StoreError> {
    let known = one(connection, seal, id)?.filter(|known| known.application.review.word() == "open");
    let Some(mut known) = known else { return drop_job(connection, id) };
    let application = &known.application;
    let about = |outcome: String| Record {
        outcome,
        request: Some(application.request),
        subject: Some(application.iin),
        ..record.clone()
    };
    let ended = application.review.clone().at(record.at);
    if let Review::Lapsed { at } = ended {
        let lapsed = about(format!("application lapsed {}", crate::clock::text(at)));
        known.application.review = ended;
        // The token's own state says the same, dated to the end of the term: only time is applied to it.
        settle(connection, seal, &known, &Event::Due, spans, record.at)?;
        let stored = row::find(connection, seal, "seq = ?1", known.request_seq)?;
        if let Some(stored) = stored {
            super::subject::withdraw(connection, stored.subject, known.application.bin.as_str(), at)?;
        }
        return journal::append(connection, seal, &lapsed);
    }
    // What was written down holds: an act may have shortened the term to a day before it was loaded.
    let Review::Open { ends } = application.review else { return drop_job(connection, id) };
    let calendar = super::registration::calendar(connection)?;
    let term =
        rule.term(&calendar, application.filed).ok_or(StoreError::Unreadable("revocation.deadline"))?;
    let passed = term.reminders.iter().filter(|at| **at <= record.at).count();
    let passed = u32::try_from(passed).unwrap_or(u32::MAX);
    let next = term.reminders.iter().find(|at| **at > record.at).copied().unwrap_or(ends).min(ends);
    let left = calendar.left(
        crate::consent::revocation::date(record.at).ok_or(StoreError::Unreadable("journal.at"))?,
        application.deadline,
    );
    if passed > known.reminded {
        let reminder = about(format!("application reminder {passed}, {left} working days left"));
        journal::append(connection, seal, &reminder)?;
    }
    connection
        .prepare_cached("UPDATE revocation SET reminded = ?2 WHERE seq = ?1")
        .and_then(|mut s| s.execute(params![known.seq, passed.max(known.reminded)]))
        .map_err(failed)?;
    plan(connection, id, next)
}

fn drop_job(connection: &Connection, id: Id) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM job WHERE request = ?1")
        .and_then(|mut s| s.execute([id.as_bytes()]))
        .map(|_| ())
        .map_err(failed)
}

fn plan(connection: &Connection, id: Id, due: i64) -> Result<(), StoreError> {
    drop_job(connection, id)?;
    row::add_job(connection, Task::Review, due, id.as_bytes())
}

/// The initiator gave its token back: an open application has what it wanted, and takes effect as if it was approved.
pub fn given_back(
    connection: &Connection,
    seal: &dyn Seal,
    request_seq: i64,
    record: &Record,
) -> Result<(), StoreError> {
    let open: Option<([u8; 16], i64, String)> = connection
        .prepare_cached(
            "SELECT id, subject, bin FROM revocation WHERE request = ?1 AND state = 'open' AND ends > ?2",
        )
        .and_then(|mut s| {
            let open = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            s.query_row(params![request_seq, record.at], open).optional()
        })
        .map_err(failed)?;
    let Some((id, subject, bin)) = open else { return Ok(()) };
    super::subject::withdraw(connection, subject, &bin, record.at)?;
    connection
        .prepare_cached("UPDATE revocation SET state = 'approved', decided = ?2 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, record.at]))
        .map_err(failed)?;
    let outcome = "application approved".to_owned();
    journal::append(connection, seal, &Record { outcome, ..record.clone() })?;
    drop_job(connection, Id::from_bytes(id))
}

/// Computes the open terms anew after the calendar changed. A term that an act shortens still lasts to the end of the
/// day on which it was loaded; one that has ended stays ended.
pub fn recompute(
    connection: &Connection,
    seal: &dyn Seal,
    calendar: &Calendar,
    rule: Rule,
    spans: &Spans,
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let mut moved = Vec::new();
    let open =
        query(connection, seal, "v.state = 'open' AND v.ends > ?1 ORDER BY v.seq", params![record.at])?;
    for known in open {
        let application = &known.application;
        let unreadable = StoreError::Unreadable("revocation.deadline");
        let mut term = rule.term(calendar, application.filed).ok_or(unreadable.clone())?;
        let today = crate::consent::revocation::date(record.at).ok_or(unreadable.clone())?;
        if term.deadline < today {
            let tomorrow = today.next_day().ok_or(unreadable.clone())?;
            (term.deadline, term.ends) =
                (today, crate::consent::revocation::midnight(tomorrow).ok_or(unreadable)?);
        }
        if term.deadline == application.deadline {
            continue;
        }
        let stored = row::find(connection, seal, "seq = ?1", known.request_seq)?;
        if let Some(stored) = stored {
            revoke_or_keep(connection, seal, stored, &Event::Contest { until: term.ends }, spans, record.at)?;
        }
        connection
            .prepare_cached("UPDATE revocation SET deadline = ?2, ends = ?3 WHERE seq = ?1")
            .and_then(|mut s| s.execute(params![known.seq, term.deadline.to_string(), term.ends]))
            .map_err(failed)?;
        let next = term.reminders.iter().find(|at| **at > record.at).copied().unwrap_or(term.ends);
        plan(connection, application.id, next.min(term.ends))?;
        let outcome = format!("deadline moved from {} to {}", application.deadline, term.deadline);
        let about = Record {
            outcome,
            request: Some(application.request),
            subject: Some(application.iin),
            ..record.clone()
        };
        journal::append(connection, seal, &about)?;
        let id = application.id.to_string();
        moved.push(Moved { application: id, before: application.deadline, after: term.deadline });
    }
    Ok(moved)
}
