//! `KDP_SERVICE`: an access request, or its repeat when it carries `request_id` (F-6, F-7; wire.md 2.1, 2.2, 5).

mod ask;
mod repeat;
mod reply;
mod request;

use crate::app::App;
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::service::payload::{DataError, Payload};
use crate::soap::sync_channel::Reply;
use crate::store::StoreError;
use crate::text::{FaultCode, Lang, Reason, StatusCode};
use reply::{Answer, Word};
use request::Request;

pub use request::NAMES;

/// Answers an access request or its repeat.
///
/// # Errors
/// KDP403 when `company_bin` is not the sender's; KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let named = payload.fields.as_ref().ok().and_then(|fields| fields.get("lang"));
    let lang = named.and_then(Lang::parse).unwrap_or(caller.sender.lang);
    // F-6 in its order: whose BIN it is comes before what else the data say.
    let named = payload.fields.as_ref().ok().and_then(|fields| fields.need_bin("company_bin").ok());
    if named.is_some_and(|bin| bin != caller.sender.bin) {
        return Err(Fault::new(FaultCode::SenderForbidden, "company_bin is not the BIN of the sender"));
    }
    let request = match payload.fields.and_then(|fields| Request::read(&fields, &caller.sender)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error, lang).await,
    };
    let answer = match request {
        Request::Ask(ask) => ask::handle(app, caller, *ask, lang).await,
        Request::Repeat(repeat) => repeat::handle(app, caller, &repeat, lang).await,
    };
    finish(app, caller, answer, lang)
}

fn finish(
    app: &App,
    caller: &Caller,
    answer: Result<Answer, StoreError>,
    lang: Lang,
) -> Result<Reply, Fault> {
    match answer {
        Ok(answer) => Ok(answer.reply(app, caller)),
        Err(StoreError::Busy) => Err(StoreError::Busy.into()),
        // After dispatch a failure of ours is an answer, safe to repeat.
        Err(error) => {
            if !matches!(error, StoreError::Unusable(_)) {
                tracing::error!(decision = %caller.decision, %error, "the request was not processed");
            }
            let answer = Answer::new(Word::Error, Reason::ServiceFailure, lang);
            Ok(Answer { status: StatusCode::OwnFailure, ..answer }.reply(app, caller))
        }
    }
}

async fn refuse_data(app: &App, caller: &Caller, error: &DataError, lang: Lang) -> Result<Reply, Fault> {
    let answer = super::note_data(app, caller, error).await.map(|()| Answer {
        status: StatusCode::Data,
        detail: Some(error.text(lang)),
        ..Answer::new(Word::Error, error.reason, lang)
    });
    finish(app, caller, answer, lang)
}
