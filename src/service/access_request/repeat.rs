//! A repeat by `request_id`: the answer is computed from the state; nothing is replayed (wire.md 5).

use super::ask;
use super::reply::{Answer, Word};
use super::request::Repeat;
use crate::app::App;
use crate::consent::method::Method;
use crate::consent::{Consent, End, Event};
use crate::dispatch::Caller;
use crate::store::{AccessRequest, Change, Record, StoreError};
use crate::text::{Lang, Reason};

/// Answers a repeat, a code that was brought back, or a cancelling.
pub async fn handle(app: &App, caller: &Caller, repeat: &Repeat, lang: Lang) -> Result<Answer, StoreError> {
    let known = match repeat.id {
        Some(id) => app.store.request(id).await?,
        None => None,
    };
    // A foreign request and an unknown one get the same answer.
    let Some(request) = known.filter(|r| r.iin == repeat.iin && r.bin == repeat.bin) else {
        let record = caller.record("decision", Reason::RequestUnknown.code());
        app.store.note(Record { subject: Some(repeat.iin), ..record }).await?;
        return Ok(Answer::new(Word::Invalid, Reason::RequestUnknown, lang));
    };
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
            let record = caller.record("decision", "repeat");
            app.store
                .note(Record { request: Some(request.id), subject: Some(request.iin), ..record })
                .await?;
            answer(app, caller, request, lang).await
        }
    }
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
    let (request, tried) = app
        .store
        .change(request.id, Change::Code(code), record)
        .await?
        .ok_or(StoreError::Unreadable("access_request.id"))?;
    Ok(match &request.consent {
        Consent::Waiting { .. } if tried => {
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
        let token = ask::token(app, &request, None, caller.at)?;
        let record = caller.record("event", "token");
        request = changed(app, &request, Change::Collect(token), record).await?;
    }
    Ok(Answer::about(request, lang))
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
