//! THE FLOW: bytes → untrusted envelope → verified → dispatch → reply → signed bytes.

use crate::app::App;
use crate::dispatch::{self, Caller};
use crate::fault::Fault;
use crate::log;
use crate::metric::ExchangeLabels;
use crate::random::Id;
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::{self, Call, Reply};
use crate::store::Record;
use crate::text::FaultCode;
use crate::trust::{Verified, outgoing};
use crate::xml::{Document, Limits};
use std::time::Instant;

/// An answer, ready for HTTP.
pub struct Response {
    /// 200, or the status of the fault.
    pub status: u16,
    /// The code of the fault, if it is one.
    pub fault: Option<FaultCode>,
    /// The envelope.
    pub body: Vec<u8>,
}

/// What is known of a message when it is refused; nothing before its signature was verified.
#[derive(Default)]
pub struct Known {
    message_id: String,
    correlation_id: Option<String>,
    sender_id: String,
    service_id: String,
    digest: Option<[u8; 32]>,
}

/// Answers one message of `SyncChannel`.
pub async fn exchange(app: &App, message: &[u8]) -> Response {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    let started = Instant::now();
    let at = app.clock.now();
    let mut known = Known::default();
    let result = match Id::new(at, &*app.random) {
        Ok(decision) => {
            let processed = process(app, message, at, decision, &mut known).await;
            processed.map_err(|fault| (fault, Some(decision)))
        }
        Err(error) => Err((error.into(), None)),
    };
    let service = app.config.services.label(&known.service_id);
    let (response, outcome) = match result {
        Ok((body, outcome)) => (Response { status: 200, fault: None, body }, outcome),
        Err((fault, decision)) => {
            let outcome = fault.code.code();
            (refuse(app, fault, decision, at, known).await, outcome)
        }
    };
    let labels = ExchangeLabels { service, outcome };
    app.metrics.exchanges.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
    response
}

/// THE FLOW; what a message comes to: the signed answer and its outcome.
async fn process(
    app: &App,
    message: &[u8],
    at: i64,
    decision: Id,
    known: &mut Known,
) -> Result<(Vec<u8>, &'static str), Fault> {
    let document = Document::parse(message, &Limits::default())?;
    let envelope = Envelope::read(&document)?;
    let verified = app.trust().verify(&envelope, at / 1000).await?;
    let call = Call::read(&verified)?;
    *known = Known::of(&call, &verified);
    let (caller, reply) = dispatch::dispatch(app, &verified, call, at, decision).await?;
    let body = sign(app, &caller, &reply)?;
    tell(&caller, &reply);
    Ok((body, reply.outcome))
}

impl Known {
    fn of(call: &Call<'_, '_>, verified: &Verified<'_, '_>) -> Self {
        Self {
            message_id: call.info.message_id.clone(),
            correlation_id: call.info.correlation_id.clone(),
            sender_id: call.info.sender_id.clone(),
            service_id: call.info.service_id.clone(),
            digest: Some(*verified.digest()),
        }
    }
}

fn sign(app: &App, caller: &Caller, reply: &Reply) -> Result<Vec<u8>, Fault> {
    let message_id = Id::new(caller.at, &*app.random)?;
    app.answers()
        .envelope(&format!("id-{message_id}"), |writer| {
            reply.write(writer, &caller.info, message_id, caller.at);
        })
        .map_err(|_| Fault::new(FaultCode::Internal, "the answer could not be signed"))
}

fn tell(caller: &Caller, reply: &Reply) {
    tracing::info!(
        message_id = &*log::id(&caller.info.message_id),
        correlation_id = caller.info.correlation_id.as_deref().map(log::id).as_deref(),
        sender_id = &*log::id(&caller.info.sender_id),
        service_id = &*log::id(&caller.info.service_id),
        decision = %caller.decision,
        status = reply.status.code(),
        outcome = reply.outcome,
        "answered"
    );
}

/// Journals a refusal and writes its fault. When the journal cannot be written, the fault says so instead. What is shed is
/// counted only: it must not cost what is short.
pub async fn refuse(app: &App, fault: Fault, decision: Option<Id>, at: i64, known: Known) -> Response {
    if fault.code == FaultCode::Overloaded || fault.detail == dispatch::OVER_SHARE {
        return respond(&fault, decision, at);
    }
    tracing::info!(
        message_id = &*log::id(&known.message_id),
        correlation_id = known.correlation_id.as_deref().map(log::id).as_deref(),
        sender_id = &*log::id(&known.sender_id),
        service_id = &*log::id(&known.service_id),
        decision = decision.map(tracing::field::display),
        outcome = fault.code.code(),
        detail = %fault.detail,
        "refused"
    );
    let record = Record {
        at,
        kind: "fault",
        decision,
        sender: known.sender_id,
        message: known.digest,
        message_id: known.message_id,
        service: known.service_id,
        outcome: fault.code.code().to_owned(),
        detail: serde_json::json!({ "fault": fault.detail }).to_string(),
        ..Record::default()
    };
    let fault = match app.store.note(record).await {
        Ok(()) => fault,
        Err(error) => error.into(),
    };
    respond(&fault, decision, at)
}

/// The fault as an unsigned envelope.
#[must_use]
pub fn respond(fault: &Fault, decision: Option<Id>, at: i64) -> Response {
    let body = outgoing::unsigned(|writer| sync_channel::write_fault(writer, fault, decision, at));
    Response { status: fault.code.http_status(), fault: Some(fault.code), body: body.unwrap_or_default() }
}
