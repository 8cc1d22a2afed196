//! A repeat by `request_id`: the answer is computed from the state; nothing is replayed (wire.md 5).

use super::ask;
use super::reply::{Answer, Word};
use super::request::Repeat;
use crate::app::App;
use crate::consent::directory::in_force;
use crate::consent::method::Method;
use crate::consent::{Consent, End, Event};
use crate::dispatch::Caller;
use crate::registry::Sender;
use crate::store::{AccessRequest, Applied, Change, Record, StoreError};
use crate::text::{Lang, Reason};
use crate::token::jws::unverified_kid;
use std::sync::Arc;

/// Answers a repeat, a code that was brought back, or a cancelling.
pub async fn handle(app: &App, caller: &Caller, repeat: &Repeat, lang: Lang) -> Result<Answer, StoreError> {
    let known = match repeat.id {
        Some(id) => app.store.request(id).await?,
        None => None,
    };
    // A foreign request and an unknown one get the same answer.
    let Some(request) = known.filter(|r| r.iin == repeat.iin && r.bin == repeat.bin) else {
        let record = caller.record("decision", Reason::RequestUnknown.code());
        note(app, repeat, Record { subject: Some(repeat.iin), ..record }).await?;
        return Ok(Answer::new(Word::Invalid, Reason::RequestUnknown, lang));
    };
    if caller.sender.is_suspended(caller.at) && !repeat.cancel {
        let record = caller.record("decision", Reason::Suspended.code());
        note(app, repeat, Record { request: Some(request.id), subject: Some(request.iin), ..record }).await?;
        return Ok(Answer::new(Word::Invalid, Reason::Suspended, lang));
    }
    if repeat.cancel {
        let record = caller.record("event", "cancel");
        let request = changed(app, &request, Change::Event(Event::Cancel), record).await?;
        return Ok(Answer::about(request, lang));
    }
    match &repeat.code {
        Some(code) if request.method == Method::Code => {
            by_code(app, caller, &request, code.clone(), lang).await
        }
        _ => {
            let about = (request.id, request.iin);
            let collects = matches!(request.consent.clone().at(caller.at), Consent::Agreed { .. });
            let answer = answer(app, caller, request, lang).await?;
            // What a collection came to is journalled with it.
            if !collects {
                let record = caller.record("decision", answer.reason.code());
                note(app, repeat, Record { request: Some(about.0), subject: Some(about.1), ..record })
                    .await?;
            }
            Ok(answer)
        }
    }
}

/// Journals a decision, unless it is journalled already.
async fn note(app: &App, repeat: &Repeat, record: Record) -> Result<(), StoreError> {
    if repeat.decided.as_ref() == Some(&record.outcome) { Ok(()) } else { app.store.note(record).await }
}

/// Method 5: the try is counted on disk before its verdict is known to anybody.
async fn by_code(
    app: &App,
    caller: &Caller,
    request: &AccessRequest,
    code: String,
    lang: Lang,
) -> Result<Answer, StoreError> {
    let record = caller.record("event", "code");
    let (request, applied) = app
        .store
        .change(request.id, Change::Code(code), record)
        .await?
        .ok_or(StoreError::Unreadable("access_request.id"))?;
    if applied == Applied::OverLimit {
        return Ok(Answer::new(Word::Invalid, Reason::LimitReached, lang));
    }
    Ok(match &request.consent {
        Consent::Waiting { .. } if applied == Applied::Yes => {
            Answer { reason: Reason::CodeWrong, ..Answer::about(request, lang) }
        }
        Consent::Closed { end: End::Timeout, .. } => {
            Answer { word: Word::Invalid, reason: Reason::CodeExpired, ..Answer::about(request, lang) }
        }
        _ => answer(app, caller, request, lang).await?,
    })
}

/// The answer that the state gives now; a yes that waits becomes the token, once.
pub async fn answer(
    app: &App,
    caller: &Caller,
    mut request: AccessRequest,
    lang: Lang,
) -> Result<Answer, StoreError> {
    request.consent = request.consent.at(caller.at);
    if matches!(request.consent, Consent::Agreed { .. }) {
        let ends_at = match ground(app, caller, &request) {
            Ok(ends_at) => ends_at,
            Err(reason) => {
                let record = caller.record("event", reason.code());
                let ended = Change::Event(Event::GroundEnded(reason));
                return Ok(Answer::about(changed(app, &request, ended, record).await?, lang));
            }
        };
        let token = ask::token(app, &request, ends_at, caller.at).await?;
        let record = caller.record("decision", Reason::Granted.code());
        request = changed(app, &request, Change::Collect(token), record).await?;
        if matches!(request.consent, Consent::Agreed { .. }) {
            // It was not collected, and waits: the store found the initiator suspended, or the subject blocked.
            let suspended = sender_of(app, caller, &request).is_suspended(caller.at);
            let reason = if suspended { Reason::Suspended } else { Reason::SubjectBlocked };
            return Ok(Answer::new(Word::Invalid, reason, lang));
        }
    } else if matches!(request.consent, Consent::Granted { .. }) {
        // A block stops what was granted too; a freeze does not.
        if let Some(reason) = app.store.blocked(request.iin).await? {
            return Ok(Answer::new(Word::Invalid, reason, lang));
        }
    }
    Ok(trusted(app, request, caller.at, lang))
}

/// The answer about a request, unless its token is one of a key that is distrusted.
pub fn trusted(app: &App, request: AccessRequest, at: i64, lang: Lang) -> Answer {
    let granted = matches!(request.consent, Consent::Granted { .. });
    let kid = request.token.as_ref().filter(|_| granted).and_then(|token| unverified_kid(&token.compact));
    let registry = app.registry();
    let key = kid.and_then(|kid| registry.keys.find(&kid));
    if key.is_some_and(|key| key.is_distrusted(at / 1000)) {
        return Answer::new(Word::Invalid, Reason::KeyDistrusted, lang);
    }
    Answer::about(request, lang)
}

/// What the request rests on besides the yes, as it is registered now: when it ends, Unix seconds; or why it has ended.
fn ground(app: &App, caller: &Caller, request: &AccessRequest) -> Result<Option<i64>, Reason> {
    let allowance = &sender_of(app, caller, request).record.allowance;
    if !allowance.methods.contains(&request.method) {
        return Err(Reason::MethodNotAllowed);
    }
    let now = caller.at / 1000;
    let registry = app.registry();
    let (services, period, expires) = match &request.directory {
        None => (&allowance.services, allowance.max_term_seconds, None),
        Some(named) => {
            let entry = registry.entries.get(&named.id).ok_or(Reason::DirectoryUnknown)?;
            if !in_force(entry.expires_at, now) {
                return Err(Reason::DirectoryExpired);
            }
            (&entry.services, entry.period_seconds, entry.expires_at)
        }
    };
    if !request.services.outside(services).is_empty() {
        return Err(Reason::ServiceNotAllowed);
    }
    // Never longer than is agreed today.
    let longest = now.saturating_add(i64::try_from(period).unwrap_or(i64::MAX));
    Ok(Some(expires.map_or(longest, |end| end.min(longest))))
}

/// The registration by which the request was made; of a request of the first version, the caller's.
fn sender_of(app: &App, caller: &Caller, request: &AccessRequest) -> Arc<Sender> {
    app.registry().senders.get(&request.sender).unwrap_or(&caller.sender).clone()
}

async fn changed(
    app: &App,
    request: &AccessRequest,
    change: Change,
    record: Record,
) -> Result<AccessRequest, StoreError> {
    let changed = app.store.change(request.id, change, record).await?;
    changed.map(|(request, _)| request).ok_or(StoreError::Unreadable("access_request.id"))
}
