//! Answers what was taken in: a job, done again until ШЭП has taken the answer over, or its time is up.
//!
//! Each try computes the answer from the state, by the way of a repeat request, and sends it under the same messageId. The
//! subject is asked once, since a request that was opened is found by the id of the decision; the token is made once, since
//! that is what collecting means.

use super::REST;
use super::kept::{Content, Kept, Said};
use crate::app::App;
use crate::consent::method::Method;
use crate::gateway::asynchronous::SHEP;
use crate::gateway::fault::PartyFault;
use crate::job::{backoff, note_fault};
use crate::service::access_request::{self, About, Answer, Word};
use crate::soap::async_client::Response;
use crate::store::asynchronous::{Came, Unanswered};
use crate::store::{Job, Record, StoreError};
use crate::text::Reason;

/// Milliseconds.
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;

/// Answers the message of the job, or lets it wait for the subject. `false`: it is tried again later.
///
/// # Errors
/// [`StoreError`].
pub async fn answer(app: &App, job: &Job, at: i64) -> Result<bool, StoreError> {
    let span = i64::from(app.config.shep.answer_hours) * HOUR;
    // Of one that cannot be read, tries tell the time: the longest rest between two is a minute.
    let mut is_late = i64::from(job.tries) * MINUTE >= span;
    let tried = match app.store.unanswered(job.request).await {
        Ok(None) => return app.store.done(job.id).await.map(|()| true),
        Ok(Some(unanswered)) => {
            is_late = at >= unanswered.since.saturating_add(span);
            attempt(app, job, unanswered, (at, is_late)).await
        }
        Err(error) => Err(error),
    };
    match tried {
        // Nothing personal is kept for ever because it cannot be answered.
        Err(error) if is_late && !matches!(error, StoreError::Unusable(_) | StoreError::Busy) => {
            tracing::error!(decision = %job.request, %error, "a message could not be processed");
            let record = Record { at, kind: "event", decision: Some(job.request), ..Record::default() };
            give_up(app, job, record, "failure").await
        }
        tried => tried,
    }
}

async fn attempt(
    app: &App,
    job: &Job,
    unanswered: Unanswered,
    (at, is_late): (i64, bool),
) -> Result<bool, StoreError> {
    let id = job.request;
    let mut kept = Kept::read(&unanswered.message)?;
    let Some(sender) = app.registry().senders.get(&kept.sender).cloned() else {
        let record = Record { at, kind: "event", decision: Some(id), ..Record::default() };
        return give_up(app, job, record, "its sender is not registered any more").await;
    };
    let (caller, lang) = (kept.caller(sender, id, at), kept.lang());
    if is_late && unanswered.is_sent {
        return give_up(app, job, caller.record("event", ""), "not delivered").await;
    }
    if is_late && unanswered.request.is_none() && kept.content.asked().is_some() {
        // Whoever asked does not wait any more: the subject is not troubled.
        return give_up(app, job, caller.record("event", ""), "not decided in time").await;
    }
    let (answer, request) = match (unanswered.request, &kept.content) {
        (Some(request), content) => {
            let iin = content.asked().and_then(Result::ok).and_then(|asked| asked.need_iin("uin").ok());
            let about = About { id: request, iin, decided: unanswered.decided };
            (access_request::again(app, &caller, about, lang).await?, Some(request))
        }
        (None, Content::Said(said)) => (said.answer(lang), None),
        (None, content) => {
            let asked = content.asked().ok_or(StoreError::Unreadable("asynchronous.request"))?;
            let answer = access_request::decide(app, &caller, asked, lang).await?;
            let request = answer.request.as_ref().map(|request| request.id);
            (answer, request)
        }
    };
    let waits = waits(&answer);
    if waits || !unanswered.is_begun {
        kept.content = if request.is_some() { Content::Decided } else { Content::Said(Said::of(&answer)) };
        if app.store.came_to(id, Came { message: kept.bytes(), request, waits }, at).await? {
            return Ok(true);
        }
        if waits {
            // The subject was quicker.
            return app.store.postpone(job.id, at).await.map(|()| true);
        }
    }
    let reply = answer.reply(app, &caller);
    let response = Response {
        message_id: id,
        correlation_id: &kept.correlation_id,
        service_id: &kept.service_id,
        session_id: kept.session_id(),
        at,
        data: &reply.data,
    };
    let handed = app.channel.respond(response).await;
    let record = Record { at: app.clock.now(), request, ..caller.record("event", "answer sent") };
    match handed {
        Ok(theirs) => {
            let detail = serde_json::json!({ "reason": reply.outcome }).to_string();
            app.store.sent(id, theirs, record.at + REST, Record { detail, ..record }).await?;
            app.metrics.asynchronous.sent.inc();
            tracing::info!(decision = %id, outcome = reply.outcome, "answered later");
            Ok(true)
        }
        Err(fault) if is_late => give_up(app, job, record, fault.code()).await,
        Err(fault) => put_off(app, job, record, fault).await,
    }
}

/// Whether there is nothing to say before the subject has answered. In method 5 there is: the initiator must bring the code,
/// under the id of the request.
fn waits(answer: &Answer) -> bool {
    let by_sms = answer.request.as_ref().is_some_and(|request| request.method == Method::Sms);
    answer.word == Word::Pending && answer.reason == Reason::Waiting && by_sms
}

async fn give_up(app: &App, job: &Job, record: Record, why: &str) -> Result<bool, StoreError> {
    let outcome = "answer undeliverable".to_owned();
    let detail = serde_json::json!({ "why": why }).to_string();
    app.store.give_up(job.request, Record { outcome, detail, ..record }).await?;
    app.metrics.asynchronous.undeliverable.inc();
    tracing::error!(decision = %job.request, why, "an answer was given up; it can be asked for by /shep/sync");
    Ok(true)
}

/// What ШЭП did wrong is journalled, but not each time of a day's tries.
async fn put_off(app: &App, job: &Job, record: Record, fault: PartyFault) -> Result<bool, StoreError> {
    let again = record.at + backoff(job.tries);
    if job.tries == 0 || job.tries.is_power_of_two() {
        note_fault(app, SHEP, fault, record).await?;
    }
    app.store.postpone(job.id, again).await.map(|()| false)
}
