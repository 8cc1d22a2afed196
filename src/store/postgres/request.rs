//! The transactions on access requests. Each holds the subject, then judges, then writes.

use super::row::{self, Sealed, Stored};
use super::subject::{self, held};
use super::transaction::Tx;
use super::{asynchronous, budget, journal, registration, revocation, token};
use crate::consent::check::Finding;
use crate::consent::identity::Bin;
use crate::consent::method::Method;
use crate::consent::{Consent, Event, Spans};
use crate::random::Id;
use crate::store::judge::{
    Told, Understood, agreed_at, apply, formed_before, heard_outcome, held_finding, is_same_way,
    no_codes_left, no_subjects_left, suspended_finding, understand, used_up_finding,
};
use crate::store::{
    AccessRequest, Applied, Change, Charge, Granted, Granting, Heard, Opened, Opening, Record, Said,
    StoreError,
};
use crate::text::Reason;

pub async fn open(
    tx: &mut Tx<'_>,
    opening: &Opening,
    sealed: &Sealed,
    record: &Record,
) -> Result<Opened, StoreError> {
    let request = &opening.request;
    let subject = subject::hold_hash(tx, &sealed.subject, record.at).await?;
    let held = held(tx, subject, true).await?;
    // A block comes before everything, also before an ask that is in progress (P 7-3).
    if held == Some(Reason::SubjectBlocked) {
        return refuse_open(tx, record, Reason::SubjectBlocked, &held_finding()).await;
    }
    if let Some(live) = &sealed.live
        && let Some(known) = row::hold(tx, "live = $1", &&live[..]).await?
    {
        let known = as_time_made_it(tx, known, record.at).await?;
        if known.request.consent.is_live() {
            let record = Record { request: Some(known.request.id), ..record.clone() };
            journal::append(tx, &record).await?;
            return Ok(Opened::Live(known.request));
        }
    }
    if let Some(finding) = suspended(tx, request).await? {
        return refuse_open(tx, record, Reason::Suspended, &finding).await;
    }
    if let Some(reason) = held {
        return refuse_open(tx, record, reason, &held_finding()).await;
    }
    let asks = budget::of_asks(tx.seal, request.iin.as_str(), request.bin.as_str(), opening.budget);
    if !budget::spend(tx, &asks, record.at).await? {
        return refuse_open(tx, record, Reason::LimitReached, &Charge::NoNumber.used_up()).await;
    }
    row::insert(tx, sealed, subject).await?;
    journal::append(tx, record).await?;
    Ok(Opened::New(request.clone()))
}

async fn refuse_open(
    tx: &mut Tx<'_>,
    record: &Record,
    reason: Reason,
    finding: &Finding,
) -> Result<Opened, StoreError> {
    journal::append(tx, &record.clone().refused(reason, finding)).await?;
    Ok(Opened::Refused(reason))
}

/// Charges the initiator's budget of the day for what opens nothing, and journals it; `false`: it was used up, and the answer
/// must not tell more than that. The subject, who gets no SMS, is charged nothing.
/// What came of it when it was charged for this decision before: due work is done again after a crash.
async fn charged(tx: &mut Tx<'_>, record: &Record) -> Result<Option<bool>, StoreError> {
    let Some(decision) = record.decision else { return Ok(None) };
    let sql = "SELECT outcome FROM journal WHERE decision = $1 AND kind = $2";
    let before = tx.row(sql, &[&&decision.as_bytes()[..], &record.kind]).await?;
    before.map(|row| Ok(row::get::<&str>(&row, 0)? != Reason::LimitReached.code())).transpose()
}

pub async fn charge(
    tx: &mut Tx<'_>,
    bin: &Bin,
    (charge, most): (Charge, u32),
    record: &Record,
) -> Result<bool, StoreError> {
    if let Some(was_left) = charged(tx, record).await? {
        return Ok(was_left);
    }
    if let Some(iin) = &record.subject {
        // A subject comes before a budget, wherever both are held.
        let hash = row::subject_hash(tx.seal, iin);
        subject::number(tx, &hash, record.at).await?;
    }
    let holder = match charge {
        Charge::NoNumber => budget::of_initiator(tx.seal, bin.as_str(), most),
        Charge::DryRun => budget::of_dry_runs(tx.seal, bin.as_str(), most),
    };
    let left = budget::spend(tx, &[holder], record.at).await?;
    if left {
        journal::append(tx, record).await?;
    } else {
        journal::append(tx, &record.clone().refused(Reason::LimitReached, &charge.used_up())).await?;
    }
    Ok(left)
}

pub async fn grant(
    tx: &mut Tx<'_>,
    granting: &Granting,
    sealed: &Sealed,
    record: &Record,
) -> Result<Granted, StoreError> {
    let request = &granting.request;
    let subject = subject::hold_hash(tx, &sealed.subject, record.at).await?;
    if let Some(finding) = suspended(tx, request).await? {
        return refuse(tx, record, Reason::Suspended, None, &finding).await;
    }
    if let Some(reason) = held(tx, subject, request.method != Method::Logging).await? {
        return refuse(tx, record, reason, None, &held_finding()).await;
    }
    let withdrawn = subject::withdrawn(tx, subject, request.bin.as_str(), record.at).await?;
    if withdrawn.is_some_and(|at| granting.ovt_iat.saturating_mul(1000) < at) {
        return refuse(tx, record, Reason::Revoked, None, &formed_before()).await;
    }
    let services = row::services_hash(tx.seal, &request.services);
    match used_before(tx, granting, subject, &services).await? {
        Use::None => {}
        Use::Otherwise(id) => return refuse(tx, record, Reason::OvtUsed, id, &used_up_finding()).await,
        Use::Same(before) => {
            if matches!(before.consent.clone().at(record.at), Consent::Granted { .. }) {
                journal::append(tx, &Record { request: Some(before.id), ..record.clone() }).await?;
                return Ok(Granted::Before(*before));
            }
            return refuse(tx, record, Reason::OvtUsed, Some(before.id), &used_up_finding()).await;
        }
        Use::ForOthers => {
            if let Some(most) = granting.subjects
                && served(tx, granting).await? >= i64::from(most)
            {
                return refuse(tx, record, Reason::LimitReached, None, &no_subjects_left()).await;
            }
        }
    }
    row::insert(tx, sealed, subject).await?;
    let sql = "INSERT INTO ovt_use (until, ovt, subject, services, request) VALUES ($1, $2, $3, $4, $5)";
    let (ovt, id) = (&granting.ovt[..], &request.id.as_bytes()[..]);
    tx.execute(sql, &[&granting.ovt_until, &ovt, &subject, &&services[..], &id]).await?;
    journal::append_about(tx, Some(subject), &Record { request: Some(request.id), ..record.clone() });
    Ok(Granted::New(request.clone()))
}

async fn refuse(
    tx: &mut Tx<'_>,
    record: &Record,
    reason: Reason,
    request: Option<Id>,
    finding: &Finding,
) -> Result<Granted, StoreError> {
    let record = Record { request, ..record.clone().refused(reason, finding) };
    journal::append(tx, &record).await?;
    Ok(Granted::Refused(reason))
}

/// What a verification token was used for.
enum Use {
    /// For this subject in the same way, for other services.
    None,
    /// Not for this subject.
    ForOthers,
    /// For the same ask, which came to this.
    Same(Box<AccessRequest>),
    /// In another way, or for what was erased.
    Otherwise(Option<Id>),
}

async fn used_before(
    tx: &mut Tx<'_>,
    granting: &Granting,
    subject: i64,
    services: &[u8; 16],
) -> Result<Use, StoreError> {
    let Some((used_for, before)) = used(tx, granting, subject, None).await? else {
        return Ok(Use::ForOthers);
    };
    // What it led to was erased: the ovt is used up all the same.
    let Some(before) = before else { return Ok(Use::Otherwise(None)) };
    if !is_same_way(&before, &granting.request) {
        return Ok(Use::Otherwise(Some(before.id)));
    }
    if used_for == *services {
        return Ok(Use::Same(Box::new(before)));
    }
    Ok(match used(tx, granting, subject, Some(services)).await? {
        None => Use::None,
        Some((_, Some(before))) => Use::Same(Box::new(before)),
        Some((_, None)) => Use::Otherwise(None),
    })
}

/// For which services a verification token was used, and what it led to, unless that was erased.
type Used = ([u8; 16], Option<AccessRequest>);

/// A use of the verification token for the subject, and for `services` if they are given: one of them.
async fn used(
    tx: &mut Tx<'_>,
    granting: &Granting,
    subject: i64,
    services: Option<&[u8; 16]>,
) -> Result<Option<Used>, StoreError> {
    let (until, ovt) = (granting.ovt_until, &granting.ovt[..]);
    // Never all of them: sets of services are many.
    let found = match services {
        None => {
            let sql = "SELECT services, request FROM ovt_use WHERE until = $1 AND ovt = $2 AND subject = $3 LIMIT 1";
            tx.row(sql, &[&until, &ovt, &subject]).await?
        }
        Some(services) => {
            let sql = "SELECT services, request FROM ovt_use
                       WHERE until = $1 AND ovt = $2 AND subject = $3 AND services = $4";
            tx.row(sql, &[&until, &ovt, &subject, &&services[..]]).await?
        }
    };
    let Some(found) = found else { return Ok(None) };
    let services = row::bytes(&found, 0, "ovt_use.services")?;
    let id: [u8; 16] = row::bytes(&found, 1, "ovt_use.request")?;
    let stored = row::find(tx, "id = $1", &&id[..]).await?;
    Ok(Some((services, stored.map(|stored| stored.request))))
}

/// How many subjects a verification token has served. It is held: other subjects are asked about on other nodes.
async fn served(tx: &mut Tx<'_>, granting: &Granting) -> Result<i64, StoreError> {
    let (until, ovt) = (granting.ovt_until, &granting.ovt[..]);
    let hold = "INSERT INTO ovt_limit (until, ovt) VALUES ($1, $2)
                ON CONFLICT (until, ovt) DO UPDATE SET until = excluded.until";
    tx.execute(hold, &[&until, &ovt]).await?;
    let count = "SELECT count(DISTINCT subject) FROM ovt_use WHERE until = $1 AND ovt = $2";
    Ok(tx.number(count, &[&until, &ovt]).await?.unwrap_or(0))
}

/// Writes down what time did to `stored`, if it did.
pub async fn as_time_made_it(tx: &mut Tx<'_>, mut stored: Stored, at: i64) -> Result<Stored, StoreError> {
    let now = stored.request.consent.clone().at(at);
    if now != stored.request.consent {
        stored.request.consent = now;
        save(tx, &stored, at).await?;
    }
    Ok(stored)
}

/// Writes the state down, with what it means for the status list, for consents to come, and for those who wait for it.
pub async fn save(tx: &mut Tx<'_>, stored: &Stored, at: i64) -> Result<(), StoreError> {
    // Sealed before anything is written.
    let sealed = Sealed::new(&stored.request, tx.seal, at)?;
    if let Consent::Closed { reason: Reason::Revoked, at, .. } = &stored.request.consent {
        subject::withdraw(tx, stored.subject, stored.request.bin.as_str(), *at).await?;
    }
    token::restate(tx, &stored.request, stored.subject, at).await?;
    if !stored.request.consent.awaits_subject() {
        asynchronous::wake(tx, stored.request.id, at).await?;
    }
    row::update(tx, &sealed, stored.seq).await
}

pub async fn change(
    tx: &mut Tx<'_>,
    id: Id,
    change: &Change,
    spans: &Spans,
    record: &Record,
) -> Result<Option<(AccessRequest, Applied)>, StoreError> {
    let Some(stored) = row::hold(tx, "id = $1", &&id.as_bytes()[..]).await? else {
        return Ok(None);
    };
    let obstacle = match change {
        Change::Collect(_) => obstacle(tx, &stored).await?,
        _ => None,
    };
    let mut stored = as_time_made_it(tx, stored, record.at).await?;
    let record = Record { request: Some(id), subject: Some(stored.request.iin), ..record.clone() };
    if let Some((reason, finding)) = obstacle {
        journal::append(tx, &record.refused(reason, &finding)).await?;
        return Ok(Some((stored.request, Applied::No)));
    }
    let is_code = matches!(change, Change::Code(_));
    // Taken before it is judged, and given back if it was not wrong: so many nodes cannot try more than a day allows.
    let wrong_codes = [budget::of_codes(tx.seal, stored.request.bin.as_str(), spans.wrong_codes)];
    if is_code && !budget::spend(tx, &wrong_codes, record.at).await? {
        journal::append(tx, &record.refused(Reason::LimitReached, &no_codes_left())).await?;
        return Ok(Some((stored.request, Applied::OverLimit)));
    }
    let revoked = revoked_since(tx, &stored, spans, record.at).await?;
    let (event, applied) = apply(tx.seal, &mut stored.request, change, revoked, spans, record.at);
    if is_code && !(applied && matches!(event, Event::Code { right: false })) {
        budget::give_back(tx, &wrong_codes, record.at).await?;
    }
    if applied {
        if matches!(event, Event::Cancel) {
            revocation::given_back(tx, stored.seq, &record).await?;
        }
        save(tx, &stored, record.at).await?;
        journal::append(tx, &record).await?;
    } else {
        let outcome = format!("{} ignored", record.outcome);
        journal::append(tx, &Record { outcome, ..record }).await?;
    }
    Ok(Some((stored.request, if applied { Applied::Yes } else { Applied::No })))
}

/// What stands in the way of a token now and may go away again: the yes waits meanwhile.
async fn obstacle(tx: &mut Tx<'_>, stored: &Stored) -> Result<Option<(Reason, Finding)>, StoreError> {
    if held(tx, stored.subject, false).await?.is_some() {
        return Ok(Some((Reason::SubjectBlocked, held_finding())));
    }
    Ok(suspended(tx, &stored.request).await?.map(|finding| (Reason::Suspended, finding)))
}

/// The failed check that a suspension of the initiator is: judged here too, for the registry in memory may be older.
async fn suspended(tx: &mut Tx<'_>, request: &AccessRequest) -> Result<Option<Finding>, StoreError> {
    let suspended = registration::is_suspended_now(tx, &request.sender).await?;
    Ok(suspended.then(suspended_finding))
}

/// When a revocation took effect after the subject agreed to this request, if one did.
async fn revoked_since(
    tx: &mut Tx<'_>,
    stored: &Stored,
    spans: &Spans,
    at: i64,
) -> Result<Option<i64>, StoreError> {
    let Some(agreed) = agreed_at(&stored.request.consent, spans) else { return Ok(None) };
    let withdrawn = subject::withdrawn(tx, stored.subject, stored.request.bin.as_str(), at).await?;
    Ok(withdrawn.filter(|at| *at > agreed))
}

pub async fn hear(tx: &mut Tx<'_>, said: &Said, spans: &Spans, record: &Record) -> Result<Heard, StoreError> {
    // It may be made of the phone. Who brings the same SMS at the same time waits here, and then finds it heard.
    let hash = row::foreign_id(tx.seal, "sms", &said.id);
    let sql = "INSERT INTO heard_sms (sms, at) VALUES ($1, $2) ON CONFLICT (sms) DO NOTHING";
    if tx.execute(sql, &[&hash, &record.at]).await? == 0 {
        return Ok(Heard::Again);
    }
    let mut waiting = Vec::new();
    for stored in on_phone(tx, &row::phone_hash(tx.seal, &said.from)).await? {
        let stored = as_time_made_it(tx, stored, record.at).await?;
        if stored.request.consent.is_live() {
            waiting.push(stored);
        }
    }
    let understood = understand(tx.seal, waiting, said, spans, record.at);
    let (heard, about) = settle(tx, understood, record.at).await?;
    let outcome = heard_outcome(&heard, record);
    journal::append(tx, &Record { outcome, request: about, ..record.clone() }).await?;
    Ok(heard)
}

/// All requests whose subject's number is awaited, their subjects held in the order of their numbers.
async fn on_phone(tx: &mut Tx<'_>, phone: &[u8; 16]) -> Result<Vec<Stored>, StoreError> {
    let sql = "SELECT DISTINCT subject FROM access_request WHERE phone = $1 ORDER BY subject";
    for found in tx.rows(sql, &[&&phone[..]]).await? {
        subject::hold_number(tx, row::get(&found, 0)?).await?;
    }
    row::select(tx, "phone = $1 ORDER BY seq FOR UPDATE", &[&&phone[..]]).await
}

/// Writes down what was understood.
async fn settle(tx: &mut Tx<'_>, understood: Understood, at: i64) -> Result<(Heard, Option<Id>), StoreError> {
    Ok(match understood {
        Understood::NothingWaits => (Heard::NothingWaits, None),
        Understood::NoSuchReference => (Heard::NotUnderstood, None),
        Understood::Confirmed(id) => (Heard::Answered(id), Some(id)),
        Understood::Answered(id, changed) => {
            for stored in changed {
                save(tx, &stored, at).await?;
            }
            (Heard::Answered(id), Some(id))
        }
        Understood::Unclear(waiting, told) => {
            let about = waiting.first().map(|stored| stored.request.id);
            tell_all(tx, &waiting, told, at).await?;
            (told.heard(), about)
        }
    })
}

/// Queues one message about all that waits, unless each of them had it before.
async fn tell_all(tx: &mut Tx<'_>, waiting: &[Stored], told: Told, at: i64) -> Result<(), StoreError> {
    let Some(first) = waiting.first() else { return Ok(()) };
    if waiting.iter().all(|stored| stored.told & told.bit() != 0) {
        return Ok(());
    }
    row::add_job(tx, told.task(), at, first.request.id.as_bytes()).await?;
    for stored in waiting {
        let sql = "UPDATE access_request SET told = told | $2 WHERE seq = $1";
        tx.execute(sql, &[&stored.seq, &i64::from(told.bit())]).await?;
    }
    Ok(())
}
