//! `KDP_SERVICE`: an access request, or its repeat when it carries `request_id` (F-6, F-7; wire.md 2.1, 2.2, 5).

pub(crate) mod ask;
mod dry_run;
pub mod pace;
mod repeat;
mod reply;
mod request;

use crate::app::App;
use crate::consent::identity::Iin;
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::random::Id;
use crate::registry::Sender;
use crate::service::payload::{DataError, Fields, Payload};
use crate::soap::sync_channel::Reply;
use crate::store::StoreError;
use crate::text::{FaultCode, Lang, Reason, StatusCode};
pub use dry_run::DryRun;
pub use reply::{Answer, Word};
pub use request::{NAMES, Request};

/// Answers an access request or its repeat.
///
/// # Errors
/// KDP403 when `company_bin` is not the sender's; KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    own_bin(&caller.sender, &payload.fields)?;
    let lang = lang(caller, &payload.fields);
    let answer = decide(app, caller, payload.fields, lang).await;
    finish(app, caller, answer, lang)
}

/// F-6 in its order: whose BIN it is comes before what else the data say.
///
/// # Errors
/// KDP403 when `company_bin` is not the sender's.
pub fn own_bin(sender: &Sender, fields: &Result<Fields, DataError>) -> Result<(), Fault> {
    let named = fields.as_ref().ok().and_then(|fields| fields.need_bin("company_bin").ok());
    if named.is_some_and(|bin| bin != sender.bin) {
        return Err(Fault::new(FaultCode::SenderForbidden, "company_bin is not the BIN of the sender"));
    }
    Ok(())
}

/// The language of the answer's texts.
#[must_use]
pub fn lang(caller: &Caller, fields: &Result<Fields, DataError>) -> Lang {
    let named = fields.as_ref().ok().and_then(|fields| fields.get("lang"));
    named.and_then(Lang::parse).unwrap_or(caller.sender.lang)
}

/// What a request comes to, or what it asks about.
///
/// # Errors
/// [`StoreError`]: it may be asked again.
pub async fn decide(
    app: &App,
    caller: &Caller,
    fields: Result<Fields, DataError>,
    lang: Lang,
) -> Result<Answer, StoreError> {
    match fields.and_then(|fields| Request::read(&fields, &caller.sender)) {
        Ok(Request::Ask(ask)) => {
            let answer = ask::handle(app, caller, *ask, lang).await?;
            // Asking the same again is polling too.
            let polled = answer.request.as_ref().is_some_and(|request| request.opened != caller.at);
            Ok(Answer { polled, ..answer })
        }
        Ok(Request::DryRun(ask)) => dry_run::handle(app, caller, &ask, lang).await,
        Ok(Request::Repeat(repeat)) => {
            let polled = repeat.code.is_none();
            Ok(Answer { polled, ..repeat::handle(app, caller, &repeat, lang).await? })
        }
        Err(error) => {
            super::note_data(app, caller, &error).await?;
            Ok(Answer {
                status: StatusCode::Data,
                detail: Some(error.text(lang)),
                ..Answer::new(Word::Error, error.reason, lang)
            })
        }
    }
}

/// What is known of an access request before it is answered about again.
pub struct About {
    /// Its id.
    pub id: Id,
    /// The subject, if the message that asks still names it: must be the request's.
    pub iin: Option<Iin>,
    /// The decision about it that is journalled already under the message that asks, which is not journalled again.
    pub decided: Option<String>,
}

/// What a request has come to by now: as a repeat by its id would be answered.
///
/// # Errors
/// [`StoreError`]: it may be asked again.
pub async fn again(app: &App, caller: &Caller, about: About, lang: Lang) -> Result<Answer, StoreError> {
    let Some(request) = app.store.request(about.id).await? else {
        return Ok(Answer::new(Word::Invalid, Reason::RequestUnknown, lang));
    };
    let repeat = request::Repeat {
        id: Some(about.id),
        iin: about.iin.unwrap_or(request.iin),
        bin: caller.sender.bin,
        code: None,
        cancel: false,
        decided: about.decided,
    };
    repeat::handle(app, caller, &repeat, lang).await
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
