//! The transactions on access requests, run by the writing thread. Each judges before it writes.

use super::row::{self, Sealed, Stored};
use super::writer::failed;
use crate::consent::identity::Msisdn;
use crate::consent::method::Method;
use crate::consent::sms::{Answer, ParsedReply};
use crate::consent::{Consent, Event, Spans, code};
use crate::random::Id;
use crate::store::seal::{self, Seal};
use crate::store::{
    AccessRequest, Budget, Change, Granted, Granting, Heard, Opened, Opening, Record, StoreError, Task,
};
use rusqlite::{Connection, OptionalExtension as _, params};

/// `told` bits.
const HELP: u8 = 1;
const REFERENCE: u8 = 2;

pub fn open(
    connection: &Connection,
    seal: &dyn Seal,
    opening: Opening,
    sealed: &Sealed,
    record: Record,
) -> Result<Opened, StoreError> {
    if let Some(live) = &sealed.live
        && let Some(known) = row::find(connection, seal, "live = ?1", live)?
    {
        let known = as_time_made_it(connection, seal, known, record.at)?;
        if known.request.consent.is_live() {
            row::journal(connection, seal, &Record { request: Some(known.request.id), ..record })?;
            return Ok(Opened::Live(known.request));
        }
    }
    if !spend(connection, seal, &opening.request, opening.budget, record.at)? {
        row::journal(connection, seal, &Record { outcome: "limit-reached".to_owned(), ..record })?;
        return Ok(Opened::OverBudget);
    }
    sealed.insert(connection)?;
    row::journal(connection, seal, &record)?;
    Ok(Opened::New(opening.request))
}

/// Takes one ask from the day's budgets of subject and initiator, from both or from none; `false`: one is used up.
fn spend(
    connection: &Connection,
    seal: &dyn Seal,
    request: &AccessRequest,
    budget: Budget,
    at: i64,
) -> Result<bool, StoreError> {
    let day = row::day(at);
    let holders = [
        (row::budget_hash(seal, "budget-subject", request.iin.as_str()), budget.subject),
        (row::budget_hash(seal, "budget-initiator", request.bin.as_str()), budget.initiator),
    ];
    // Judged before either is charged: an initiator over its own budget must not use up a subject's.
    for (holder, most) in &holders {
        let asked: Option<i64> = connection
            .prepare_cached("SELECT asked FROM budget WHERE holder = ?1 AND day = ?2")
            .and_then(|mut s| s.query_row(params![holder, day], |row| row.get(0)).optional())
            .map_err(failed)?;
        if asked.unwrap_or(0) >= i64::from(*most) {
            return Ok(false);
        }
    }
    for (holder, _) in &holders {
        connection
            .prepare_cached(
                "INSERT INTO budget (holder, day, asked) VALUES (?1, ?2, 1)
                 ON CONFLICT DO UPDATE SET asked = asked + 1",
            )
            .and_then(|mut s| s.execute(params![holder, day]))
            .map_err(failed)?;
    }
    Ok(true)
}

pub fn grant(
    connection: &Connection,
    seal: &dyn Seal,
    granting: Granting,
    sealed: &Sealed,
    record: Record,
) -> Result<Granted, StoreError> {
    let request = &granting.request;
    let subject = row::subject_hash(seal, &request.iin);
    let services = row::services_hash(seal, &request.services);
    let refused = |outcome: &str, id| {
        row::journal(connection, seal, &Record { outcome: outcome.to_owned(), request: id, ..record.clone() })
    };
    if let Some((used_for, before)) = used(connection, seal, &granting, &subject, None)? {
        // One use stands for all: a token that was used by another method or initiator is used up.
        let same_way = before.method == request.method && before.bin == request.bin;
        let same_ask = match same_way {
            true if used_for == services => Some(before),
            true => used(connection, seal, &granting, &subject, Some(&services))?.map(|(_, before)| before),
            false => {
                refused("ovt-used", Some(before.id))?;
                return Ok(Granted::OvtUsed);
            }
        };
        if let Some(before) = same_ask {
            if matches!(before.consent.clone().at(record.at), Consent::Granted { .. }) {
                row::journal(connection, seal, &Record { request: Some(before.id), ..record })?;
                return Ok(Granted::Before(before));
            }
            refused("ovt-used", Some(before.id))?;
            return Ok(Granted::OvtUsed);
        }
    } else if let Some(most) = granting.subjects
        && served(connection, &granting)? >= most
    {
        refused("limit-reached", None)?;
        return Ok(Granted::OverBudget);
    }
    sealed.insert(connection)?;
    connection
        .prepare_cached(
            "INSERT INTO ovt_use (until, ovt, subject, services, request) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut s| {
            s.execute(params![granting.ovt_until, granting.ovt, subject, services, request.id.as_bytes()])
        })
        .map_err(failed)?;
    row::journal(connection, seal, &Record { request: Some(request.id), ..record })?;
    Ok(Granted::New(granting.request))
}

/// A use of the verification token for the subject, and for `services` if they are given: for which, and what it led to.
fn used(
    connection: &Connection,
    seal: &dyn Seal,
    granting: &Granting,
    subject: &[u8; 16],
    services: Option<&[u8; 16]>,
) -> Result<Option<([u8; 16], AccessRequest)>, StoreError> {
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
    let stored = row::find(connection, seal, "id = ?1", &id)?;
    let stored = stored.ok_or(StoreError::Unreadable("ovt_use.request"))?;
    Ok(Some((services, stored.request)))
}

/// How many subjects a verification token has served.
fn served(connection: &Connection, granting: &Granting) -> Result<u32, StoreError> {
    connection
        .prepare_cached("SELECT count(DISTINCT subject) FROM ovt_use WHERE until = ?1 AND ovt = ?2")
        .and_then(|mut s| s.query_row(params![granting.ovt_until, granting.ovt], |row| row.get(0)))
        .map_err(failed)
}

/// Writes down what time did to `stored`, if it did.
fn as_time_made_it(
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

fn save(connection: &Connection, seal: &dyn Seal, stored: &Stored, at: i64) -> Result<(), StoreError> {
    Sealed::new(&stored.request, seal, at)?.update(connection, stored.seq)
}

pub fn change(
    connection: &Connection,
    seal: &dyn Seal,
    id: Id,
    change: Change,
    spans: &Spans,
    record: Record,
) -> Result<Option<(AccessRequest, bool)>, StoreError> {
    let Some(stored) = row::find(connection, seal, "id = ?1", id.as_bytes())? else {
        return Ok(None);
    };
    let mut stored = as_time_made_it(connection, seal, stored, record.at)?;
    let request = &mut stored.request;
    let event = match &change {
        Change::Event(event) => event.clone(),
        Change::Code(brought) => {
            Event::Code { right: code::matches(brought, &seal::one_time_code(seal, request)) }
        }
        Change::Collect(token) => Event::Collect { expires: token.expires },
    };
    let applied = match request.consent.clone().apply(&event, request.method, record.at, spans) {
        Ok(consent) => {
            request.consent = consent;
            true
        }
        Err(crate::consent::Ignored) => false,
    };
    let record = Record { request: Some(id), subject: Some(request.iin), ..record };
    if applied {
        match (event, change) {
            (Event::NumberFound(msisdn), _) => request.msisdn = Some(msisdn),
            (_, Change::Collect(token)) => request.token = Some(token),
            _ => {}
        }
        save(connection, seal, &stored, record.at)?;
        row::journal(connection, seal, &record)?;
    } else {
        let outcome = format!("{} ignored", record.outcome);
        row::journal(connection, seal, &Record { outcome, ..record })?;
    }
    Ok(Some((stored.request, applied)))
}

pub fn hear(
    connection: &Connection,
    seal: &dyn Seal,
    from: &Msisdn,
    sms: &str,
    reply: &ParsedReply,
    spans: &Spans,
    record: Record,
) -> Result<Heard, StoreError> {
    let heard: Option<i64> = connection
        .prepare_cached("SELECT at FROM heard_sms WHERE sms = ?1")
        .and_then(|mut s| s.query_row([sms], |row| row.get(0)).optional())
        .map_err(failed)?;
    if heard.is_some() {
        return Ok(Heard::Again);
    }
    // Read before anything is written: a row that cannot be read must not undo the work of others.
    let on_phone = row::on_phone(connection, seal, &row::phone_hash(seal, from))?;
    connection
        .prepare_cached("INSERT INTO heard_sms (sms, at) VALUES (?1, ?2)")
        .and_then(|mut s| s.execute(params![sms, record.at]))
        .map_err(failed)?;
    let mut waiting = Vec::new();
    for stored in on_phone {
        let stored = as_time_made_it(connection, seal, stored, record.at)?;
        if stored.request.consent.is_live() {
            waiting.push(stored);
        }
    }
    let (heard, about) = understand(connection, seal, waiting, reply, spans, &record)?;
    let outcome = match heard {
        Heard::Answered(_) => format!("{} by sms", record.outcome),
        Heard::Ambiguous => "sms ambiguous".to_owned(),
        Heard::NotUnderstood => "sms not understood".to_owned(),
        Heard::NothingWaits | Heard::Again => "sms unexpected".to_owned(),
    };
    row::journal(connection, seal, &Record { outcome, request: about, ..record })?;
    Ok(heard)
}

fn understand(
    connection: &Connection,
    seal: &dyn Seal,
    mut waiting: Vec<Stored>,
    reply: &ParsedReply,
    spans: &Spans,
    record: &Record,
) -> Result<(Heard, Option<Id>), StoreError> {
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
        // The SMS is not known to have left: a bare yes may be a late one to another request.
        [one] if event == Event::Yes && reply.reference().is_none() && is_sending(one) => {
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

fn is_sending(stored: &Stored) -> bool {
    matches!(stored.request.consent, Consent::Sending { .. })
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
