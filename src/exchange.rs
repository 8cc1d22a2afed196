//! THE FLOW: bytes → untrusted envelope → verified → dispatch → reply → signed bytes.

use crate::app::App;
use crate::dispatch::{self, Caller};
use crate::fault::Fault;
use crate::metric::ExchangeLabels;
use crate::random::Id;
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::{self, Call, Reply};
use crate::store::Record;
use crate::text::FaultCode;
use crate::trust::outgoing;
use crate::xml::{Document, Limits};
use std::time::Instant;

/// An answer, ready for HTTP.
pub struct Response {
    /// 200, or the status of the fault.
    pub status: u16,
    /// The envelope.
    pub body: Vec<u8>,
}

/// Answers one message of `SyncChannel`.
pub async fn exchange(app: &App, message: &[u8]) -> Response {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    let started = Instant::now();
    let at = app.clock.now();
    let result = match Id::new(at, &*app.random) {
        Ok(decision) => process(app, message, at, decision).await.map_err(|fault| (fault, Some(decision))),
        Err(error) => Err((error.into(), None)),
    };
    let (response, service, outcome) = match result {
        Ok((body, service, outcome)) => (Response { status: 200, body }, service, outcome),
        Err((fault, decision)) => {
            let outcome = fault.code.code();
            (refuse(app, fault, decision, at).await, "none", outcome)
        }
    };
    let labels = ExchangeLabels { service, outcome };
    app.metrics.exchanges.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
    response
}

/// What a message comes to: the signed answer, its service and its outcome.
type Processed = (Vec<u8>, &'static str, &'static str);

async fn process(app: &App, message: &[u8], at: i64, decision: Id) -> Result<Processed, Fault> {
    let document = Document::parse(message, &Limits::default())?;
    let envelope = Envelope::read(&document)?;
    let verified = app.trust().verify(&envelope, at / 1000)?;
    let call = Call::read(&verified)?;
    let (caller, reply) = dispatch::dispatch(app, &verified, call, at, decision).await?;
    let body = sign(app, &caller, &reply)?;
    log(&caller, &reply);
    Ok((body, app.config.services.label(&caller.info.service_id), reply.outcome))
}

fn sign(app: &App, caller: &Caller, reply: &Reply) -> Result<Vec<u8>, Fault> {
    let message_id = Id::new(caller.at, &*app.random)?;
    app.answers()
        .envelope(&format!("id-{message_id}"), |writer| {
            reply.write(writer, &caller.info, message_id, caller.at);
        })
        .map_err(|_| Fault::new(FaultCode::Internal, "the answer could not be signed"))
}

fn log(caller: &Caller, reply: &Reply) {
    tracing::info!(
        message_id = caller.info.message_id,
        correlation_id = caller.info.correlation_id,
        sender_id = caller.info.sender_id,
        service_id = caller.info.service_id,
        decision = %caller.decision,
        status = reply.status.code(),
        outcome = reply.outcome,
        "answered"
    );
}

/// Journals a refusal and writes its fault. When the journal cannot be written, the fault says so instead.
pub async fn refuse(app: &App, fault: Fault, decision: Option<Id>, at: i64) -> Response {
    let detail = serde_json::json!({ "fault": fault.detail }).to_string();
    let outcome = fault.code.code().to_owned();
    let record = Record { at, kind: "fault", decision, outcome, detail, ..Record::default() };
    let fault = match app.store.note(record).await {
        Ok(()) => fault,
        Err(error) => error.into(),
    };
    tracing::info!(decision = decision.map(tracing::field::display), outcome = fault.code.code(), detail = %fault.detail, "refused");
    respond(&fault, decision, at)
}

/// The fault as an unsigned envelope.
#[must_use]
pub fn respond(fault: &Fault, decision: Option<Id>, at: i64) -> Response {
    let body = outgoing::unsigned(|writer| sync_channel::write_fault(writer, fault, decision, at));
    Response { status: fault.code.http_status(), body: body.unwrap_or_default() }
}
