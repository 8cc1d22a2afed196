//! Applications for revocation. Filing, deciding and the end of the term happen one after the other, for each holds the
//! subject (F-16 … F-21); the token's state changes in the same transaction.

use super::request::{as_time_made_it, save};
use super::row::{self, Stored, bytes, get, small};
use super::transaction::{Tx, Values};
use super::{journal, registration, subject, token};
use crate::consent::calendar::Calendar;
use crate::consent::identity::Bin;
use crate::consent::revocation::{Decision, Review, Rule, date, midnight};
use crate::consent::{Consent, Event, Spans};
use crate::random::Id;
use crate::store::register::Moved;
use crate::store::revocation::{Application, Contested, Filed, Filing, Page, Solution, Solved};
use crate::store::row::revocation::{COLUMNS, Columns, Kept, as_of, filed_person, may_be_revoked, settled};
use crate::store::{Record, StoreError, Task};
use crate::text::Reason;
use tokio_postgres::Row;

fn columns(row: &Row) -> Result<Columns, StoreError> {
    Ok(Columns {
        seq: get(row, 0)?,
        id: bytes(row, 1, "revocation.id")?,
        request_seq: get(row, 2)?,
        bin: get(row, 3)?,
        filed: get(row, 4)?,
        deadline: get(row, 5)?,
        ends: get(row, 6)?,
        reminded: small(row, 7, "revocation.reminded")?,
        state: get(row, 8)?,
        decided: get(row, 9)?,
        person: get(row, 10)?,
        request: bytes(row, 11, "access_request.id")?,
        token: bytes(row, 12, "access_request.jti")?,
        asker: get(row, 13)?,
    })
}

async fn query(tx: &mut Tx<'_>, condition: &str, values: Values<'_>) -> Result<Vec<Kept>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM revocation AS v JOIN access_request AS r ON r.seq = v.request
         WHERE v.person IS NOT NULL AND r.person IS NOT NULL AND {condition}"
    );
    tx.rows(&sql, values).await?.iter().map(|row| columns(row)?.open(tx.seal)).collect()
}

async fn one(tx: &mut Tx<'_>, id: Id) -> Result<Option<Kept>, StoreError> {
    Ok(query(tx, "v.id = $1", &[&&id.as_bytes()[..]]).await?.pop())
}

/// The same to be changed, its subject held.
async fn hold(tx: &mut Tx<'_>, id: Id) -> Result<Option<Kept>, StoreError> {
    let sql = "SELECT subject FROM revocation WHERE id = $1";
    let Some(subject) = tx.number(sql, &[&&id.as_bytes()[..]]).await? else { return Ok(None) };
    subject::hold_number(tx, subject).await?;
    one(tx, id).await
}

pub async fn application(tx: &mut Tx<'_>, id: Id, at: i64) -> Result<Option<Application>, StoreError> {
    Ok(one(tx, id).await?.map(|kept| as_of(kept.application, at)))
}

pub async fn open(
    tx: &mut Tx<'_>,
    bin: &Bin,
    after: Option<Id>,
    most: u32,
    at: i64,
) -> Result<Page, StoreError> {
    let start = match after {
        None => 0,
        Some(id) => {
            let sql = "SELECT seq FROM revocation WHERE id = $1 AND bin = $2";
            tx.number(sql, &[&&id.as_bytes()[..], &bin.as_str()]).await?.unwrap_or(i64::MAX)
        }
    };
    let condition = "v.state = 'open' AND v.bin = $1 AND v.seq > $2 AND v.ends > $3 ORDER BY v.seq LIMIT $4";
    let mut found = query(tx, condition, &[&bin.as_str(), &start, &at, &(i64::from(most) + 1)]).await?;
    let more = found.len() > usize::try_from(most).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(|kept| kept.application.id);
    Ok(Page { applications: found.into_iter().map(|kept| kept.application).collect(), next })
}

pub async fn latest(tx: &mut Tx<'_>, most: u32, at: i64) -> Result<Vec<Application>, StoreError> {
    let found = query(tx, "true ORDER BY v.seq DESC LIMIT $1", &[&i64::from(most)]).await?;
    Ok(found.into_iter().map(|kept| as_of(kept.application, at)).collect())
}

pub async fn file(
    tx: &mut Tx<'_>,
    filing: &Filing,
    (rule, spans): (Rule, &Spans),
    record: &Record,
) -> Result<Filed, StoreError> {
    let note = |outcome: &str, request: Option<Id>| {
        let subject = Some(filing.iin);
        Record { outcome: outcome.to_owned(), request, subject, ..record.clone() }
    };
    // Held, before the subject is: an act that is loaded just then moves this term too.
    let calendar = registration::calendar_held(tx).await?;
    let stored = match filing.contested {
        Contested::Token(id) => row::hold(tx, "jti = $1", &&id.as_bytes()[..]).await?,
        Contested::Request(id) => row::hold(tx, "id = $1", &&id.as_bytes()[..]).await?,
    };
    let stored = stored.filter(|s| s.request.iin == filing.iin && may_be_revoked(&s.request));
    let Some(stored) = stored else {
        journal::append(tx, &note(Reason::TokenUnknown.code(), None)).await?;
        return Ok(Filed::Refused(Reason::TokenUnknown));
    };
    let id = stored.request.id;
    let known = query(tx, "v.request = $1 AND v.state = 'open'", &[&stored.seq]).await?.pop();
    if let Some(known) = known.filter(|known| known.application.review.clone().at(record.at).word() == "open")
    {
        journal::append(tx, &note("application open", Some(id))).await?;
        return Ok(Filed::Open(known.application));
    }
    let term = rule.term(&calendar, record.at).ok_or(StoreError::Unreadable("revocation.deadline"))?;
    let person = filed_person(tx.seal, filing)?;
    let mut stored = as_time_made_it(tx, stored, record.at).await?;
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
        journal::append(tx, &note(reason.code(), Some(id))).await?;
        return Ok(Filed::Refused(reason));
    };
    stored.request.consent = consent;
    save(tx, &stored, record.at).await?;
    let sql = "INSERT INTO revocation
                   (id, request, bin, subject, filed, deadline, ends, reminded, state, person, decided)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10)";
    let (bin, deadline) = (stored.request.bin.as_str(), term.deadline.to_string());
    tx.execute(
        sql,
        &[
            &&filing.id.as_bytes()[..],
            &stored.seq,
            &bin,
            &stored.subject,
            &record.at,
            &deadline,
            &term.ends,
            &state,
            &person,
            &decided,
        ],
    )
    .await?;
    if collected {
        let next = term.reminders.first().copied().unwrap_or(term.ends);
        row::add_job(tx, Task::Review, next, filing.id.as_bytes()).await?;
    }
    journal::append(tx, &note("application filed", Some(id))).await?;
    Ok(Filed::New(Application {
        id: filing.id,
        request: id,
        token: stored.request.token.map_or(id, |token| token.jti),
        bin: stored.request.bin,
        iin: filing.iin,
        applicant: filing.applicant.clone(),
        comment: filing.comment.clone(),
        filed: record.at,
        deadline: term.deadline,
        review: if collected { Review::Open { ends: term.ends } } else { Review::Approved { at: record.at } },
    }))
}

pub async fn solve(
    tx: &mut Tx<'_>,
    solution: &Solution,
    spans: &Spans,
    record: &Record,
) -> Result<Solved, StoreError> {
    // Another's application looks like an unknown one.
    let known = hold(tx, solution.application).await?.filter(|k| k.application.bin == solution.bin);
    let Some(mut known) = known else {
        return refuse(tx, Reason::ApplicationUnknown, None, record).await;
    };
    let request = Some(known.application.request);
    let event = match &solution.decision {
        Decision::Approve => Event::Revoke,
        Decision::Refuse { .. } => Event::Keep,
    };
    let review = known.application.review.clone().decide(solution.decision.clone(), record.at);
    let Ok(review) = review else {
        return refuse(tx, Reason::AlreadyDecided, request, record).await;
    };
    known.application.review = review;
    settle(tx, &known, &event, spans, record.at).await?;
    let outcome = format!("application {}", known.application.review.word());
    let record = Record { outcome, request, subject: Some(known.application.iin), ..record.clone() };
    journal::append(tx, &record).await?;
    Ok(Solved::Done(Box::new(known.application)))
}

async fn refuse(
    tx: &mut Tx<'_>,
    reason: Reason,
    request: Option<Id>,
    record: &Record,
) -> Result<Solved, StoreError> {
    let record = Record { outcome: reason.code().to_owned(), request, ..record.clone() };
    journal::append(tx, &record).await?;
    Ok(Solved::Refused(reason))
}

/// Writes down how a review ended, and what that means for the token.
async fn settle(
    tx: &mut Tx<'_>,
    known: &Kept,
    event: &Event,
    spans: &Spans,
    at: i64,
) -> Result<(), StoreError> {
    let application = &known.application;
    let (decided, person) = settled(tx.seal, application)?;
    let stored = row::hold(tx, "seq = $1", &known.request_seq).await?;
    let stored = stored.ok_or(StoreError::Unreadable("revocation.request"))?;
    revoke_or_keep(tx, stored, event, spans, at).await?;
    let sql = "UPDATE revocation SET state = $2, decided = $3, person = $4 WHERE seq = $1";
    tx.execute(sql, &[&known.seq, &application.review.word(), &decided, &person]).await?;
    drop_job(tx, application.id).await
}

async fn revoke_or_keep(
    tx: &mut Tx<'_>,
    stored: Stored,
    event: &Event,
    spans: &Spans,
    at: i64,
) -> Result<(), StoreError> {
    let mut stored = as_time_made_it(tx, stored, at).await?;
    if *event == Event::Revoke {
        // Also when the token has expired meanwhile: no consent of before serves any more.
        subject::withdraw(tx, stored.subject, stored.request.bin.as_str(), at).await?;
    }
    if let Ok(consent) = stored.request.consent.clone().apply(event, stored.request.method, at, spans) {
        stored.request.consent = consent;
        save(tx, &stored, at).await?;
        if *event == Event::Keep {
            token::restate_kept(tx, &stored.request, stored.subject, at).await?;
        }
    }
    Ok(())
}

/// A reminder, or the end of the term: what the review's job is there for.
pub async fn review(
    tx: &mut Tx<'_>,
    id: Id,
    rule: Rule,
    spans: &Spans,
    record: &Record,
) -> Result<(), StoreError> {
    let calendar = registration::calendar_held(tx).await?;
    let known = hold(tx, id).await?.filter(|known| known.application.review.word() == "open");
    let Some(mut known) = known else { return drop_job(tx, id).await };
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
        settle(tx, &known, &Event::Due, spans, record.at).await?;
        if let Some(stored) = row::find(tx, "seq = $1", &known.request_seq).await? {
            subject::withdraw(tx, stored.subject, known.application.bin.as_str(), at).await?;
        }
        return journal::append(tx, &lapsed).await;
    }
    // What was written down holds: an act may have shortened the term to a day before it was loaded.
    let Review::Open { ends } = application.review else { return drop_job(tx, id).await };
    let term =
        rule.term(&calendar, application.filed).ok_or(StoreError::Unreadable("revocation.deadline"))?;
    let passed = term.reminders.iter().filter(|at| **at <= record.at).count();
    let passed = u32::try_from(passed).unwrap_or(u32::MAX);
    let next = term.reminders.iter().find(|at| **at > record.at).copied().unwrap_or(ends).min(ends);
    let today = date(record.at).ok_or(StoreError::Unreadable("journal.at"))?;
    let left = calendar.left(today, application.deadline);
    if passed > known.reminded {
        let reminder = about(format!("application reminder {passed}, {left} working days left"));
        journal::append(tx, &reminder).await?;
    }
    let reminded = i64::from(passed.max(known.reminded));
    tx.execute("UPDATE revocation SET reminded = $2 WHERE seq = $1", &[&known.seq, &reminded]).await?;
    plan(tx, id, next).await
}

async fn drop_job(tx: &mut Tx<'_>, id: Id) -> Result<(), StoreError> {
    tx.execute("DELETE FROM job WHERE request = $1", &[&&id.as_bytes()[..]]).await.map(|_| ())
}

async fn plan(tx: &mut Tx<'_>, id: Id, due: i64) -> Result<(), StoreError> {
    drop_job(tx, id).await?;
    row::add_job(tx, Task::Review, due, id.as_bytes()).await
}

/// The initiator gave its token back: an open application has what it wanted, and takes effect as if it was approved.
pub async fn given_back(tx: &mut Tx<'_>, request_seq: i64, record: &Record) -> Result<(), StoreError> {
    let sql = "SELECT id, subject, bin FROM revocation WHERE request = $1 AND state = 'open' AND ends > $2";
    let Some(open) = tx.row(sql, &[&request_seq, &record.at]).await? else { return Ok(()) };
    let id: [u8; 16] = bytes(&open, 0, "revocation.id")?;
    subject::withdraw(tx, get(&open, 1)?, get(&open, 2)?, record.at).await?;
    let sql = "UPDATE revocation SET state = 'approved', decided = $2 WHERE id = $1";
    tx.execute(sql, &[&&id[..], &record.at]).await?;
    let outcome = "application approved".to_owned();
    journal::append(tx, &Record { outcome, ..record.clone() }).await?;
    drop_job(tx, Id::from_bytes(id)).await
}

/// Computes the open terms anew after the calendar changed. A term that an act shortens still lasts to the end of the
/// day on which it was loaded; one that has ended stays ended.
pub async fn recompute(
    tx: &mut Tx<'_>,
    calendar: &Calendar,
    rule: Rule,
    spans: &Spans,
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let unreadable = || StoreError::Unreadable("revocation.deadline");
    let term_of = |filed: i64| {
        let mut term = rule.term(calendar, filed).ok_or_else(unreadable)?;
        let today = date(record.at).ok_or_else(unreadable)?;
        if term.deadline < today {
            let tomorrow = today.next_day().ok_or_else(unreadable)?;
            (term.deadline, term.ends) = (today, midnight(tomorrow).ok_or_else(unreadable)?);
        }
        Ok::<_, StoreError>(term)
    };
    let mut moved = Vec::new();
    let sql = "SELECT id, filed, deadline FROM revocation WHERE state = 'open' AND ends > $1 ORDER BY seq";
    for found in tx.rows(sql, &[&record.at]).await? {
        // A node that starts finds none that moved: what stays is neither held nor opened, tens of thousands as it may be.
        if term_of(get(&found, 1)?)?.deadline.to_string() == get::<&str>(&found, 2)? {
            continue;
        }
        // Held and read again: it may have been decided in between.
        let known = hold(tx, Id::from_bytes(bytes(&found, 0, "revocation.id")?)).await?;
        let Some(known) = known.filter(|known| known.application.review.word() == "open") else { continue };
        let application = &known.application;
        let term = term_of(application.filed)?;
        if let Some(stored) = row::hold(tx, "seq = $1", &known.request_seq).await? {
            revoke_or_keep(tx, stored, &Event::Contest { until: term.ends }, spans, record.at).await?;
        }
        let sql = "UPDATE revocation SET deadline = $2, ends = $3 WHERE seq = $1";
        tx.execute(sql, &[&known.seq, &term.deadline.to_string(), &term.ends]).await?;
        let next = term.reminders.iter().find(|at| **at > record.at).copied().unwrap_or(term.ends);
        plan(tx, application.id, next.min(term.ends)).await?;
        let outcome = format!("deadline moved from {} to {}", application.deadline, term.deadline);
        let about = Record {
            outcome,
            request: Some(application.request),
            subject: Some(application.iin),
            ..record.clone()
        };
        journal::append(tx, &about).await?;
        let id = application.id.to_string();
        moved.push(Moved { application: id, before: application.deadline, after: term.deadline });
    }
    Ok(moved)
}
