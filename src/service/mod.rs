//! One file a serviceId: Request, Reply, `handle()`.

pub mod access_request;
pub mod asynchronous;
pub mod check_token;
pub mod list_to_revoke;
pub mod payload;
pub mod personal_data;
pub mod revoke;
pub mod send_solution;
pub mod sms_reply;

use crate::app::App;
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::soap::sync_channel::{Form, Node, Reply, S};
use crate::store::{Record, StoreError};
use crate::text::{Reason, StatusCode};
use payload::DataError;

/// The answer of a service of `urn:kdp:services:v1`.
fn reply(caller: &Caller, outcome: &'static str, data: Vec<Node>) -> Reply {
    Reply {
        form: Form::SyncChannel,
        status: StatusCode::Success,
        detail: None,
        lang: caller.sender.lang,
        outcome,
        namespace: S,
        data,
    }
}

/// A no of such a service: the reason, what it means, and the decision to ask about.
fn no(caller: &Caller, status: StatusCode, reason: Reason, detail: Option<String>) -> Reply {
    let lang = caller.sender.lang;
    let mut text = reason.text(lang).to_owned();
    if let Some(detail) = &detail {
        text.push(' ');
        text.push_str(detail);
    }
    let data = vec![
        Node::leaf("s:reason", reason.code()),
        Node::leaf("s:reason_text", text),
        Node::leaf("s:decision_id", caller.decision.to_string()),
    ];
    Reply { status, detail, ..reply(caller, reason.code(), data) }
}

/// Answers what is wrong with the data: SCSE002 naming the elements, journalled.
async fn refuse_data(app: &App, caller: &Caller, error: &DataError) -> Result<Reply, Fault> {
    match note_data(app, caller, error).await {
        Ok(()) => Ok(no(caller, StatusCode::Data, error.reason, Some(error.text(caller.sender.lang)))),
        Err(failure) => failed(caller, failure),
    }
}

/// Journals that the data were refused.
async fn note_data(app: &App, caller: &Caller, error: &DataError) -> Result<(), StoreError> {
    let record = caller.record("decision", error.reason.code());
    let detail = serde_json::json!({ "elements": error.elements, "flaw": error.flaw }).to_string();
    app.store.note(Record { detail, ..record }).await
}

/// After dispatch a failure of ours is an answer, safe to repeat; a queue that is full stays a fault.
fn failed(caller: &Caller, error: StoreError) -> Result<Reply, Fault> {
    if error == StoreError::Busy {
        return Err(error.into());
    }
    // What the machine does not let the database do was told once, when it began.
    if !matches!(error, StoreError::Unusable(_)) {
        tracing::error!(decision = %caller.decision, %error, "the call was not processed");
    }
    Ok(no(caller, StatusCode::OwnFailure, Reason::ServiceFailure, None))
}
