//! The transactions on access requests, run by the writing thread. Each judges before it writes.

use super::row::{self, Sealed, Stored};
use super::subject::{self, failed_check, held, held_finding};
use super::writer::failed;
use super::{asynchronous, budget, journal, registration, token};
use crate::consent::check::Finding;
use crate::consent::identity::Bin;
use crate::consent::method::Method;
use crate::consent::sms::Answer;
use crate::consent::{Consent, Event, Spans, code};
use crate::random::Id;
use crate::store::seal::{self, Seal};
use crate::store::{
    AccessRequest, Applied, Change, Charge, Granted, Granting, Heard, Opened, Opening, Record, Said,
    StoreError, Task,
};
use crate::text::{Check, Reason};
use rusqlite::{Connection, OptionalExtension as _, params};

/// `told` bits.
const HELP: u8 = 1;
const REFERENCE: u8 = 2;
/// By how much the clock by which an SMS was sent may be behind, milliseconds.
const CLOCKS: i64 = 120_000;

pub fn open(
    connection: &Connection,
    seal: &dyn Seal,
    opening: Opening,
    sealed: &Sealed,
    record: Record,
) -> Result<Opened, StoreError> {
    let subject = subject::find(connection, &sealed.subject)?.unwrap_or(subject::NOBODY);
    let refuse = |reason: Reason, finding| {
        journal::append(connection, seal, &record.clone().refused(reason, &finding))?;
        Ok(Opened::Refused(reason))
    };
    let held = held(connection, subject, true)?;
    // A block comes before everything, also before an ask that is in progress (P 7-3).
    if held == Some(Reason::SubjectBlocked) {
        return refuse(Reason::SubjectBlocked, held_finding());
    }
    if let Some(live) = &sealed.live
        && let Some(known) = row::find(connection, seal, "live = ?1", live)?
    {
        let known = as_time_made_it(connection, seal, known, record.at)?;
        if known.request.consent.is_live() {
            journal::append(connection, seal, &Record { request: Some(known.request.id), ..record })?;
            return Ok(Opened::Live(known.request));
        }
    }
    if let Some(finding) = suspended(connection, &opening.request)? {
        return refuse(Reason::Suspended, finding);
    }
    if let Some(reason) = held {
        return refuse(reason, held_finding());
    }
    let request = &opening.request;
    let asks = budget::of_asks(seal, request.iin.as_str(), request.bin.as_str(), opening.budget);
    if !budget::spend(connection, &asks, record.at)? {
        return refuse(Reason::LimitReached, Charge::NoNumber.used_up());
    }
    let subject = subject::number(connection, &sealed.subject, record.at)?;
    sealed.insert(connection, subject)?;
    journal::append(connection, seal, &record)?;
    Ok(Opened::New(opening.request))
}

/// Charges the initiator's budget of the day for what opens nothing, and journals it; `false`: it was used up, and the answer
/// must not tell more than that. The subject, who gets no SMS, is charged nothing.
pub fn charge(
    connection: &Connection,
    seal: &dyn Seal,
    bin: &Bin,
    (charge, most): (Charge, u32),
    record: Record,
) -> Result<bool, StoreError> {
    let holder = match charge {
        Charge::NoNumber => budget::of_initiator(seal, bin.as_str(), most),
        Charge::DryRun => budget::of_dry_runs(seal, bin.as_str(), most),
    };
    let left = budget::spend(connection, &[holder], record.at)?;
    let record = if left { record } else { record.refused(Reason::LimitReached, &charge.used_up()) };
    journal::append(connection, seal, &record)?;
    Ok(left)
}

pub fn grant(
    connection: &Connection,
    seal: &dyn Seal,
    granting: Granting,
    sealed: &Sealed,
    record: Record,
) -> Result<Granted, StoreError> {
    let request = &granting.request;
    let subject = subject::find(connection, &sealed.subject)?.unwrap_or(subject::NOBODY);
    let services = row::services_hash(seal, &request.services);
    let refuse = |reason: Reason, id, finding| {
        let record = Record { request: id, ..record.clone().refused(reason, &finding) };
        journal::append(connection, seal, &record)?;
        Ok(Granted::Refused(reason))
    };
    if let Some(finding) = suspended(connection, request)? {
        return refuse(Reason::Suspended, None, finding);
    }
    if let Some(reason) = held(connection, subject, request.method != Method::Logging)? {
        return refuse(reason, None, held_finding());
    }
    let withdrawn = subject::withdrawn(connection, subject, request.bin.as_str(), record.at)?;
    if withdrawn.is_some_and(|at| granting.ovt_iat.saturating_mul(1000) < at) {
        let finding = failed_check(Check::ConsentNotRevoked, "formed before a revocation", "formed after it");
        return refuse(Reason::Revoked, None, finding);
    }
    let used_up = |id| {
        let finding = failed_check(Check::OvtUnused, "used for another ask, or its token ended", "unused");
        refuse(Reason::OvtUsed, id, finding)
    };
    if let Some((used_for, before)) = used(connection, seal, &granting, subject, None)? {
        // What it led to was erased: the ovt is used up all the same.
        let Some(before) = before else { return used_up(None) };
        // One use stands for all: a token that was used in another way or by another initiator is used up.
        let same_way = before.method == request.method
            && before.bin == request.bin
            && before.ground == request.ground
            && before.proactive == request.proactive;
        let same_ask = match same_way {
            true if used_for == services => Some(before),
            true => match used(connection, seal, &granting, subject, Some(&services))? {
                None => None,
                Some((_, Some(before))) => Some(before),
                Some((_, None)) => return used_up(None),
            },
            false => return used_up(Some(before.id)),
        };
        if let Some(before) = same_ask {
            if matches!(before.consent.clone().at(record.at), Consent::Granted { .. }) {
                journal::append(connection, seal, &Record { request: Some(before.id), ..record })?;
                return Ok(Granted::Before(before));
            }
            return used_up(Some(before.id));
        }
    } else if let Some(most) = granting.subjects
        && served(connection, &granting)? >= most
    {
        let finding = failed_check(Check::WithinLimits, "as many subjects as one ovt may serve", "fewer");
        return refuse(Reason::LimitReached, None, finding);
    }
    let subject = subject::number(connection, &sealed.subject, record.at)?;
    sealed.insert(connection, subject)?;
    connection
        .prepare_cached(
            "INSERT INTO ovt_use (until, ovt, subject, services, request) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut s| {
            s.execute(params![granting.ovt_until, granting.ovt, subject, services, request.id.as_bytes()])
        })
        .map_err(failed)?;
    journal::append_about(connection, Some(subject), &Record { request: Some(request.id), ..record })?;
    Ok(Granted::New(granting.request))
}

/// For which services a verification token was used, and what it led to, unless that was erased.
type Used = ([u8; 16], Option<AccessRequest>);

/// A use of the verification token for the subject, and for `services` if they are given: one of them.
fn used(
    connection: &Connection,
    seal: &dyn Seal,
    granting: &Granting,
    subject: i64,
    services: Option<&[u8; 16]>,
) -> Result<Option<Used>, StoreError> {
    // Never all of them: sets of services are many, and this thread serves everybody.
    let found: Option<([u8; 16], [u8; 16])> = connection
        .prepare_cached(match services {
            None => {
                "SELECT services, request FROM ovt_use WHERE until = ?1 AND ovt = ?2 AND subject = ?3 LIMIT 1"
            }
            Some(_) => {
                "SELECT services, request FROM ovt_use
                 WHERE until = ?1 AND ovt = ?2 AND subject = ?3 AND services = ?4"
            }
        })
        .and_then(|mut s| {
            let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let (until, ovt) = (granting.ovt_until, granting.ovt);
            match services {
                None => s.query_row(params![until, ovt, subject], pair),
                Some(services) => s.query_row(params![until, ovt, subject, services], pair),
            }
            .optional()
        })
        .map_err(failed)?;
    let Some((services, id)) = found else { return Ok(None) };
    let stored = row::find(connection, seal, "id = ?1", id)?;
    Ok(Some((services, stored.map(|stored| stored.request))))
}

/// How many subjects a verification token has served.
fn served(connection: &Connection, granting: &Granting) -> Result<u32, StoreError> {
    connection
        .prepare_cached("SELECT count(DISTINCT subject) FROM ovt_use WHERE until = ?1 AND ovt = ?2")
        .and_then(|mut s| s.query_row(params![granting.ovt_until, granting.ovt], |row| row.get(0)))
        .map_err(failed)
}

/// Writes down what time did to `stored`, if it did.
pub fn as_time_made_it(
    connection: &Connection,
    seal: &dyn Seal,
    mut stored: Stored,
    at: i64,
) -> Result<Stored, StoreError> {
    let now = stored.request.consent.clone().at(at);
    if now != stored.request.consent {
        stored.request.consent = now;
        save(connection, seal, &stored, at)?;
    }
    Ok(stored)
}

/// Writes the state down, with what it means for the status list, for consents to come, and for those who wait for it.
pub fn save(connection: &Connection, seal: &dyn Seal, stored: &Stored, at: i64) -> Result<(), StoreError> {
    if let Consent::Closed { reason: Reason::Revoked, at, .. } = &stored.request.consent {
        subject::withdraw(connection, stored.subject, stored.request.bin.as_str(), *at)?;
    }
    token::restate(connection, &stored.request, stored.subject, at)?;
    if !stored.request.consent.awaits_subject() {
        asynchronous::wake(connection, stored.request.id, at)?;
    }
    Sealed::new(&stored.request, seal, at)?.update(connection, stored.seq)
}

pub fn change(
    connection: &Connection,
    seal: &dyn Seal,
    id: Id,
    change: Change,
    spans: &Spans,
    record: Record,
) -> Result<Option<(AccessRequest, Applied)>, StoreError> {
    let Some(stored) = row::find(connection, seal, "id = ?1", id.as_bytes())? else {
        return Ok(None);
    };
    let obstacle = match &change {
        Change::Collect(_) => obstacle(connection, &stored)?,
        _ => None,
    };
    let mut stored = as_time_made_it(connection, seal, stored, record.at)?;
    if let Some((reason, finding)) = obstacle {
        let record = Record { request: Some(id), subject: Some(stored.request.iin), ..record };
        journal::append(connection, seal, &record.refused(reason, &finding))?;
        return Ok(Some((stored.request, Applied::No)));
    }
    let wrong_codes = budget::of_codes(seal, stored.request.bin.as_str(), spans.wrong_codes);
    if matches!(change, Change::Code(_)) && !budget::is_left(connection, &[wrong_codes], record.at)? {
        let record = Record { request: Some(id), subject: Some(stored.request.iin), ..record };
        let finding =
            failed_check(Check::WithinLimits, "the day's wrong codes are used up", "some left today");
        journal::append(connection, seal, &record.refused(Reason::LimitReached, &finding))?;
        return Ok(Some((stored.request, Applied::OverLimit)));
    }
    let revoked = revoked_since(connection, &stored, spans, record.at)?;
    let request = &mut stored.request;
    let (event, at) = match (&change, revoked) {
        (Change::Event(event), _) => (event.clone(), record.at),
        (Change::Code(brought), _) => {
            let right = code::matches(brought, &seal::one_time_code(seal, request));
            (Event::Code { right }, record.at)
        }
        // A consent of before a revocation ended with it (F-19), not when somebody noticed: what was agreed in between
        // holds.
        (Change::Collect(_), Some(since)) => (Event::GroundEnded(Reason::Revoked), since),
        (Change::Collect(token), None) => (Event::Collect { expires: token.expires }, record.at),
    };
    let applied = match request.consent.clone().apply(&event, request.method, at, spans) {
        Ok(consent) => {
            request.consent = consent;
            true
        }
        Err(crate::consent::Ignored) => false,
    };
    let record = Record { request: Some(id), subject: Some(request.iin), ..record };
    if applied {
        if matches!(event, Event::Code { right: false }) {
            budget::spend(connection, &[wrong_codes], record.at)?;
        }
        match (event, change) {
            (Event::NumberFound(msisdn), _) => request.msisdn = Some(msisdn),
            (Event::Collect { .. }, Change::Collect(token)) => {
                // What was agreed may end before the term does: the token's own life is what counts.
                request.term_seconds = token.expires.abs_diff(token.issued.div_euclid(1000));
                request.token = Some(token);
            }
            (Event::Cancel, _) => super::revocation::given_back(connection, seal, stored.seq, &record)?,
            _ => {}
        }
        save(connection, seal, &stored, record.at)?;
        journal::append(connection, seal, &record)?;
    } else {
        let outcome = format!("{} ignored", record.outcome);
        journal::append(connection, seal, &Record { outcome, ..record })?;
    }
    Ok(Some((stored.request, if applied { Applied::Yes } else { Applied::No })))
}

/// What stands in the way of a token now and may go away again: the yes waits meanwhile.
fn obstacle(connection: &Connection, stored: &Stored) -> Result<Option<(Reason, Finding)>, StoreError> {
    if held(connection, stored.subject, false)?.is_some() {
        return Ok(Some((Reason::SubjectBlocked, held_finding())));
    }
    Ok(suspended(connection, &stored.request)?.map(|finding| (Reason::Suspended, finding)))
}

/// The failed check that a suspension of the initiator is: judged here too, for the registry in memory may be older.
fn suspended(connection: &Connection, request: &AccessRequest) -> Result<Option<Finding>, StoreError> {
    let suspended = registration::is_suspended(connection, &request.sender)?;
    Ok(suspended.then(|| failed_check(Check::InitiatorActive, "suspended", "not suspended")))
}

/// When a revocation took effect after the subject agreed to this request, if one did.
fn revoked_since(
    connection: &Connection,
    stored: &Stored,
    spans: &Spans,
    at: i64,
) -> Result<Option<i64>, StoreError> {
    let Consent::Agreed { until } = &stored.request.consent else { return Ok(None) };
    let agreed = until.saturating_sub(spans.collect.saturating_mul(1000));
    let withdrawn = subject::withdrawn(connection, stored.subject, stored.request.bin.as_str(), at)?;
    Ok(withdrawn.filter(|at| *at > agreed))
}

pub fn hear(
    connection: &Connection,
    seal: &dyn Seal,
    said: &Said,
    spans: &Spans,
    record: Record,
) -> Result<Heard, StoreError> {
    // It may be made of the phone. What older programs wrote is there for some days.
    let hash = row::foreign_id(seal, "sms", &said.id);
    let heard: Option<i64> = connection
        .prepare_cached("SELECT at FROM heard_sms WHERE sms IN (?1, ?2)")
        .and_then(|mut s| s.query_row([&hash, &said.id], |row| row.get(0)).optional())
        .map_err(failed)?;
    if heard.is_some() {
        return Ok(Heard::Again);
    }
    // Read before anything is written: a row that cannot be read must not undo the work of others.
    let on_phone = row::on_phone(connection, seal, &row::phone_hash(seal, &said.from))?;
    connection
        .prepare_cached("INSERT INTO heard_sms (sms, at) VALUES (?1, ?2)")
        .and_then(|mut s| s.execute(params![hash, record.at]))
        .map_err(failed)?;
    let mut waiting = Vec::new();
    for stored in on_phone {
        let stored = as_time_made_it(connection, seal, stored, record.at)?;
        if stored.request.consent.is_live() {
            waiting.push(stored);
        }
    }
    let (heard, about) = understand(connection, seal, waiting, said, spans, &record)?;
    let outcome = match heard {
        Heard::Answered(_) => format!("{} by sms", record.outcome),
        Heard::Ambiguous => "sms ambiguous".to_owned(),
        Heard::NotUnderstood => "sms not understood".to_owned(),
        Heard::NothingWaits | Heard::Again => "sms unexpected".to_owned(),
    };
    journal::append(connection, seal, &Record { outcome, request: about, ..record })?;
    Ok(heard)
}

fn understand(
    connection: &Connection,
    seal: &dyn Seal,
    mut waiting: Vec<Stored>,
    said: &Said,
    spans: &Spans,
    record: &Record,
) -> Result<(Heard, Option<Id>), StoreError> {
    let reply = &said.reply;
    let said_at = said.at.unwrap_or(record.at).saturating_add(CLOCKS);
    // To refuse is safe. Anything else that was said before the question is about another one: an answer that comes after the
    // timeout changes nothing (F-6).
    if !matches!(reply.answer(), Answer::No | Answer::Fraud) {
        waiting.retain(|s| s.request.opened <= said_at);
    }
    if waiting.is_empty() {
        return Ok((Heard::NothingWaits, None));
    }
    // Method 5: the code sent from the subject's own number counts as a yes; the token needs it from the initiator.
    if let Some(text) = reply.code_candidate() {
        let confirmed = waiting.iter().find(|s| {
            s.request.method == Method::Code && code::matches(text, &seal::one_time_code(seal, &s.request))
        });
        if let Some(confirmed) = confirmed {
            return Ok((Heard::Answered(confirmed.request.id), Some(confirmed.request.id)));
        }
    }
    let event = match reply.answer() {
        Answer::Yes => Event::Yes,
        Answer::No => Event::No,
        Answer::Fraud => Event::Fraud,
        Answer::Unknown => return tell_all(connection, &mut waiting, HELP, Task::SendHelp, record),
    };
    if let Some(reference) = reply.reference() {
        waiting.retain(|s| s.request.reference == reference);
    }
    match waiting.as_mut_slice() {
        [] => Ok((Heard::NotUnderstood, None)),
        // Who reports a fraud does not know one request from another: none of them goes on.
        [first, ..] if event == Event::Fraud => {
            let about = first.request.id;
            for stored in waiting {
                close(connection, seal, stored, &event, spans, record.at)?;
            }
            Ok((Heard::Answered(about), Some(about)))
        }
        // The SMS is not known to have left by then: a bare yes may be a late one to another request.
        [one]
            if event == Event::Yes
                && reply.reference().is_none()
                && !had_left(one, (said_at, record.at), spans) =>
        {
            let (_, about) = tell_all(connection, &mut waiting, REFERENCE, Task::SendReference, record)?;
            Ok((Heard::Ambiguous, about))
        }
        [one] => {
            let id = one.request.id;
            let consent = one.request.consent.clone();
            if let Ok(next) = consent.apply(&event, one.request.method, record.at, spans) {
                one.request.consent = next;
                save(connection, seal, one, record.at)?;
                return Ok((Heard::Answered(id), Some(id)));
            }
            // A bare yes to method 5: the subject must give the code to the initiator.
            tell_all(connection, &mut waiting, HELP, Task::SendHelp, record)
        }
        _ => {
            let (_, about) = tell_all(connection, &mut waiting, REFERENCE, Task::SendReference, record)?;
            Ok((Heard::Ambiguous, about))
        }
    }
}

fn close(
    connection: &Connection,
    seal: &dyn Seal,
    mut stored: Stored,
    event: &Event,
    spans: &Spans,
    at: i64,
) -> Result<(), StoreError> {
    let request = &mut stored.request;
    let Ok(next) = request.consent.clone().apply(event, request.method, at, spans) else { return Ok(()) };
    request.consent = next;
    save(connection, seal, &stored, at)
}

/// Whether the SMS that asks is known to have left by `at`. It has by `now`, however long answers are awaited by now.
fn had_left(stored: &Stored, (at, now): (i64, i64), spans: &Spans) -> bool {
    match stored.request.consent {
        Consent::Waiting { until, .. } => {
            until.saturating_sub(spans.answer.saturating_mul(1000)).min(now) <= at
        }
        Consent::Sending { .. } => false,
        _ => true,
    }
}

/// Queues one message about all that waits, unless each of them had it before.
fn tell_all(
    connection: &Connection,
    waiting: &mut [Stored],
    bit: u8,
    task: Task,
    record: &Record,
) -> Result<(Heard, Option<Id>), StoreError> {
    let about = waiting.first().map(|s| s.request.id);
    if let Some(id) = about.filter(|_| waiting.iter().any(|s| s.told & bit == 0)) {
        row::add_job(connection, task, record.at, id.as_bytes())?;
        for stored in waiting {
            connection
                .prepare_cached("UPDATE access_request SET told = told | ?2 WHERE seq = ?1")
                .and_then(|mut s| s.execute(params![stored.seq, bit]))
                .map_err(failed)?;
        }
    }
    Ok((Heard::NotUnderstood, about))
}
