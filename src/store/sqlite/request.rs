//! The transactions on access requests, run by the writing thread. Each judges before it writes.

use super::row::{self, Sealed, Stored};
use super::subject::{self, held};
use super::writer::failed;
use super::{asynchronous, budget, journal, registration, token};
use crate::consent::check::Finding;
use crate::consent::identity::Bin;
use crate::consent::method::Method;
use crate::consent::{Consent, Event, Spans};
use crate::random::Id;
use crate::store::judge::{
    NOBODY, Told, Understood, agreed_at, apply, formed_before, heard_outcome, held_finding, is_same_way,
    no_codes_left, no_subjects_left, suspended_finding, understand, used_up_finding,
};
use crate::store::seal::Seal;
use crate::store::{
    AccessRequest, Applied, Change, Charge, Granted, Granting, Heard, Opened, Opening, Record, Said,
    StoreError,
};
use crate::text::Reason;
use rusqlite::{Connection, OptionalExtension as _, params};

pub fn open(
    connection: &Connection,
    seal: &dyn Seal,
    opening: Opening,
    sealed: &Sealed,
    record: Record,
) -> Result<Opened, StoreError> {
    let subject = subject::find(connection, &sealed.subject)?.unwrap_or(NOBODY);
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
/// What came of it when it was charged for this decision before: due work is done again after a crash.
fn charged(connection: &Connection, record: &Record) -> Result<Option<bool>, StoreError> {
    let Some(decision) = record.decision else { return Ok(None) };
    let sql = "SELECT outcome FROM journal WHERE decision = ?1 AND kind = ?2";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let before: Option<String> = statement
        .query_row((decision.as_bytes(), record.kind), |row| row.get(0))
        .optional()
        .map_err(failed)?;
    Ok(before.map(|outcome| outcome != Reason::LimitReached.code()))
}

pub fn charge(
    connection: &Connection,
    seal: &dyn Seal,
    bin: &Bin,
    (charge, most): (Charge, u32),
    record: Record,
) -> Result<bool, StoreError> {
    if let Some(was_left) = charged(connection, &record)? {
        return Ok(was_left);
    }
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
    let subject = subject::find(connection, &sealed.subject)?.unwrap_or(NOBODY);
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
        return refuse(Reason::Revoked, None, formed_before());
    }
    let used_up = |id| refuse(Reason::OvtUsed, id, used_up_finding());
    if let Some((used_for, before)) = used(connection, seal, &granting, subject, None)? {
        // What it led to was erased: the ovt is used up all the same.
        let Some(before) = before else { return used_up(None) };
        let same_ask = match is_same_way(&before, request) {
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
        return refuse(Reason::LimitReached, None, no_subjects_left());
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
    change: &Change,
    spans: &Spans,
    record: Record,
) -> Result<Option<(AccessRequest, Applied)>, StoreError> {
    let Some(stored) = row::find(connection, seal, "id = ?1", id.as_bytes())? else {
        return Ok(None);
    };
    let obstacle = match change {
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
        journal::append(connection, seal, &record.refused(Reason::LimitReached, &no_codes_left()))?;
        return Ok(Some((stored.request, Applied::OverLimit)));
    }
    let revoked = revoked_since(connection, &stored, spans, record.at)?;
    let (event, applied) = apply(seal, &mut stored.request, change, revoked, spans, record.at);
    let request = &mut stored.request;
    let record = Record { request: Some(id), subject: Some(request.iin), ..record };
    if applied {
        if matches!(event, Event::Code { right: false }) {
            budget::spend(connection, &[wrong_codes], record.at)?;
        }
        if matches!(event, Event::Cancel) {
            super::revocation::given_back(connection, seal, stored.seq, &record)?;
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
    Ok(suspended.then(suspended_finding))
}

/// When a revocation took effect after the subject agreed to this request, if one did.
fn revoked_since(
    connection: &Connection,
    stored: &Stored,
    spans: &Spans,
    at: i64,
) -> Result<Option<i64>, StoreError> {
    let Some(agreed) = agreed_at(&stored.request.consent, spans) else { return Ok(None) };
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
    let understood = understand(seal, waiting, said, spans, record.at);
    let (heard, about) = settle(connection, seal, understood, record.at)?;
    let outcome = heard_outcome(&heard, &record);
    journal::append(connection, seal, &Record { outcome, request: about, ..record })?;
    Ok(heard)
}

/// Writes down what was understood.
fn settle(
    connection: &Connection,
    seal: &dyn Seal,
    understood: Understood,
    at: i64,
) -> Result<(Heard, Option<Id>), StoreError> {
    Ok(match understood {
        Understood::NothingWaits => (Heard::NothingWaits, None),
        Understood::NoSuchReference => (Heard::NotUnderstood, None),
        Understood::Confirmed(id) => (Heard::Answered(id), Some(id)),
        Understood::Answered(id, changed) => {
            for stored in changed {
                save(connection, seal, &stored, at)?;
            }
            (Heard::Answered(id), Some(id))
        }
        Understood::Unclear(waiting, told) => {
            let about = waiting.first().map(|stored| stored.request.id);
            tell_all(connection, &waiting, told, at)?;
            (told.heard(), about)
        }
    })
}

/// Queues one message about all that waits, unless each of them had it before.
fn tell_all(connection: &Connection, waiting: &[Stored], told: Told, at: i64) -> Result<(), StoreError> {
    let Some(first) = waiting.first() else { return Ok(()) };
    if waiting.iter().all(|stored| stored.told & told.bit() != 0) {
        return Ok(());
    }
    row::add_job(connection, told.task(), at, first.request.id.as_bytes())?;
    for stored in waiting {
        connection
            .prepare_cached("UPDATE access_request SET told = told | ?2 WHERE seq = ?1")
            .and_then(|mut s| s.execute(params![stored.seq, told.bit()]))
            .map_err(failed)?;
    }
    Ok(())
}
