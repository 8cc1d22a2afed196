//! THE FLOW: bytes → untrusted envelope → verified → dispatch → reply → signed bytes.

use crate::app::App;
use crate::dispatch::{self, Caller};
use crate::fault::Fault;
use crate::log;
use crate::metric::ExchangeLabels;
use crate::random::Id;
use crate::service::asynchronous;
use crate::soap::async_channel::{self, Pushed, Receipt};
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::{self, Call, Detail, Reply, RequestInfo};
use crate::store::Record;
use crate::text::FaultCode;
use crate::trust::{Verified, outgoing};
use crate::xml::{Document, Limits, Writer};
use std::time::Instant;

/// By which of ШЭП's channels a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// `SyncChannel`: it is answered.
    Sync,
    /// `AsyncChannel`: it is taken in, and answered later by a message of ours.
    Async,
}

impl Channel {
    /// Detail of a fault of which no more is known.
    #[must_use]
    pub fn fault_detail(self) -> Detail {
        match self {
            Self::Sync => Detail::default(),
            Self::Async => async_channel::FAULT,
        }
    }
}

/// An answer, ready for HTTP.
pub struct Response {
    /// 200, or the status of the fault.
    pub status: u16,
    /// The code of the fault, if it is one.
    pub fault: Option<FaultCode>,
    /// Who sent the message, if it was verified and its sender proved itself.
    pub sender: Option<String>,
    /// The envelope.
    pub body: Vec<u8>,
}

/// What is known of a message when it is refused; nothing before its signature was verified.
pub struct Known {
    detail: Detail,
    message_id: String,
    correlation_id: Option<String>,
    sender_id: String,
    service_id: String,
    digest: Option<[u8; 32]>,
}

/// Answers one message of a channel. `is_recorded` says whether the refusal of one that nobody has verified has a
/// journal record of its own, as [`Noise::is_recorded`](crate::admission::Noise::is_recorded) does.
pub async fn exchange(
    app: &App,
    channel: Channel,
    message: &[u8],
    is_recorded: impl FnOnce(FaultCode) -> bool + Send,
) -> Response {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    let started = Instant::now();
    let at = app.clock.now();
    let mut known = Known::nothing(channel);
    let result = match Id::new(at, &*app.random) {
        Ok(decision) => {
            let processed = process(app, channel, message, (at, decision), &mut known).await;
            processed.map_err(|fault| (fault, Some(decision)))
        }
        Err(error) => Err((error.into(), None)),
    };
    let service = app.config.services.label(&known.service_id);
    let (response, outcome) = match result {
        Ok((body, outcome)) => {
            (Response { status: 200, fault: None, sender: Some(known.sender_id), body }, outcome)
        }
        Err((fault, decision)) => {
            let outcome = fault.code.code();
            (refuse(app, fault, decision, at, known, is_recorded).await, outcome)
        }
    };
    let labels = ExchangeLabels { service, outcome };
    app.metrics.exchanges.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
    response
}

/// THE FLOW; what a message comes to: the signed answer and its outcome.
async fn process(
    app: &App,
    channel: Channel,
    message: &[u8],
    (at, decision): (i64, Id),
    known: &mut Known,
) -> Result<(Vec<u8>, &'static str), Fault> {
    let document = Document::parse(message, &Limits::default())?;
    let envelope = Envelope::read(&document)?;
    let verified = app.trust().verify(&envelope, at / 1000).await?;
    known.digest = Some(*verified.digest());
    match channel {
        Channel::Sync => {
            let (caller, reply) = answer(app, &verified, (at, decision), known).await?;
            let write = |writer: &mut Writer<'_>, id| reply.write(writer, &caller.info, id, at);
            let body = sign(app, at, write)?;
            tell(&caller, &reply);
            Ok((body, reply.outcome))
        }
        Channel::Async => {
            known.detail = async_channel::fault_detail(&verified);
            let (receipt, outcome) = take(app, &verified, (at, decision), known).await?;
            Ok((sign(app, at, |writer, _| receipt.write(writer, at))?, outcome))
        }
    }
}

/// What a verified call of `SyncChannel` comes to, before it is written and signed.
///
/// # Errors
/// SCE001, and those of [`dispatch::dispatch`].
pub async fn answer(
    app: &App,
    verified: &Verified<'_, '_>,
    (at, decision): (i64, Id),
    known: &mut Known,
) -> Result<(Caller, Reply), Fault> {
    let call = Call::read(verified)?;
    known.learn(&call.info);
    dispatch::dispatch(app, verified, call, at, decision).await
}

/// What `AsyncChannel` brings: a message, taken in to be answered later, or word of what became of one of ours.
async fn take(
    app: &App,
    verified: &Verified<'_, '_>,
    (at, decision): (i64, Id),
    known: &mut Known,
) -> Result<(Receipt, &'static str), Fault> {
    match Pushed::read(verified)? {
        Pushed::Message(message) => {
            known.learn(&message.call.info);
            let call = asynchronous::only_request(message.kind, message.call)?;
            let admitted = dispatch::admit(app, verified, call, at, decision).await?;
            asynchronous::take(app, verified, admitted, message.ns).await
        }
        Pushed::Notification(notification) => {
            asynchronous::hear(app, verified, notification, (at, decision)).await
        }
    }
}

impl Known {
    /// Nothing yet of a message that comes by this channel.
    #[must_use]
    pub fn nothing(channel: Channel) -> Self {
        Self {
            detail: channel.fault_detail(),
            message_id: String::new(),
            correlation_id: None,
            sender_id: String::new(),
            service_id: String::new(),
            digest: None,
        }
    }

    fn learn(&mut self, info: &RequestInfo) {
        self.message_id.clone_from(&info.message_id);
        self.correlation_id.clone_from(&info.correlation_id);
        self.sender_id.clone_from(&info.sender_id);
        self.service_id.clone_from(&info.service_id);
    }
}

fn sign(app: &App, at: i64, write: impl FnOnce(&mut Writer<'_>, Id)) -> Result<Vec<u8>, Fault> {
    let message_id = Id::new(at, &*app.random)?;
    app.answers()
        .envelope(&format!("id-{message_id}"), |writer| write(writer, message_id))
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
/// counted only: it must not cost what is short. So is what strangers send beyond what `is_recorded` grants them, and the
/// fault names no decision then.
pub async fn refuse(
    app: &App,
    fault: Fault,
    decision: Option<Id>,
    at: i64,
    known: Known,
    is_recorded: impl FnOnce(FaultCode) -> bool + Send,
) -> Response {
    if fault.code == FaultCode::Overloaded || fault.detail == dispatch::OVER_SHARE {
        return respond(known.detail, &fault, decision, at);
    }
    if known.digest.is_none() && fault.code.is_client_fault() && !is_recorded(fault.code) {
        app.metrics.unrecorded.inc();
        return respond(known.detail, &fault, None, at);
    }
    let sender = proves_sender(fault.code).then(|| known.sender_id.clone()).filter(|id| !id.is_empty());
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
    Response { sender, ..respond(known.detail, &fault, decision, at) }
}

/// Whether a refusal by this code means that the sender, if known, has proved itself.
#[must_use]
pub fn proves_sender(fault: FaultCode) -> bool {
    !matches!(
        fault,
        FaultCode::Format
            | FaultCode::TransportCertificate
            | FaultCode::TransportSignature
            | FaultCode::TransportUnsigned
            | FaultCode::SenderNotAuthenticated
    )
}

/// The fault as an unsigned envelope.
#[must_use]
pub fn respond(detail: Detail, fault: &Fault, decision: Option<Id>, at: i64) -> Response {
    let body = outgoing::unsigned(|writer| sync_channel::write_fault(writer, detail, fault, decision, at));
    Response {
        status: fault.code.http_status(),
        fault: Some(fault.code),
        sender: None,
        body: body.unwrap_or_default(),
    }
}
