//! What comes by `AsyncChannel` (wire.md 3): a request is taken in at once and answered later; and ШЭП tells what became of an
//! answer.
//!
//! Taken in means: on disk, with a job to answer it, before the receipt is sent. A message that is pushed again is accepted
//! again and does nothing. Offered is `KDP_SERVICE` alone, whose answers are what an initiator would otherwise poll for.

mod answer;
mod kept;

pub use answer::answer;

use crate::app::App;
use crate::dispatch::{self, Admitted, Service};
use crate::fault::Fault;
use crate::log;
use crate::random::Id;
use crate::service::access_request;
use crate::soap::async_channel::{Chain, MessageState, MessageType, Notification, Receipt};
use crate::soap::sync_channel::Call;
use crate::store::asynchronous::{Delivery, Intake, Taken};
use crate::store::{Record, StoreError};
use crate::text::FaultCode;
use crate::trust::{PeerKind, Verified};
use kept::{Content, Kept};
use std::time::Duration;

/// How long an answer rests that was not delivered, before it is sent again, milliseconds.
const REST: i64 = 60_000;

/// Within this, what ШЭП calls an answer is noted.
const NOTED: Duration = Duration::from_millis(300);

/// The call of a REQUEST: nobody has been asked anything by us that others would answer or go on about.
///
/// # Errors
/// SCE001.
pub fn only_request<'d, 'a>(kind: MessageType, call: Call<'d, 'a>) -> Result<Call<'d, 'a>, Fault> {
    if kind == MessageType::Request {
        return Ok(call);
    }
    Err(Fault::format(format!("messageType {} is not taken here, only REQUEST", kind.as_str())))
}

/// Takes a request in; answers with the receipt and the outcome, a metric label. `ns` is the set of elements it came in.
///
/// # Errors
/// KDP403 from anybody but the ШЭП that is answered, and when `company_bin` is not the sender's; SCE004 for another service
/// than `KDP_SERVICE`; KDP409 when the sender used the correlationId for something else; KDP429 when as many of its messages
/// as may be have no answer yet; KDP503 when the database has too much to do.
pub async fn take(
    app: &App,
    verified: &Verified<'_, '_>,
    admitted: Admitted<'_>,
    ns: &'static str,
) -> Result<(Receipt, &'static str), Fault> {
    let Admitted { caller, service, payload, .. } = admitted;
    from_shep(app, verified)?;
    if service != Service::AccessRequest {
        return Err(Fault::new(FaultCode::ServiceUnknown, "this service is not offered by AsyncChannel"));
    }
    access_request::own_bin(&caller.sender, &payload.fields)?;
    let lang = access_request::lang(&caller, &payload.fields);
    // ШЭП fills it in; of one that does not, the first decision's id will do.
    let chain = |decision: Id| caller.info.correlation_id.clone().unwrap_or_else(|| decision.to_string());
    let content = Content::of(payload.fields);
    let asked = content.identity(&caller.info.service_id);
    let content = match dispatch::near(&caller) {
        Ok(()) => content,
        Err(error) => Content::Malformed(error.into()),
    };
    let intake = Intake {
        id: caller.decision,
        sender: caller.info.sender_id.clone(),
        correlation_id: caller.info.correlation_id.clone(),
        message_id: caller.info.message_id.clone(),
        asked,
        message: Kept::new(&caller, chain(caller.decision), lang, content).bytes(),
        most: app.limits().unanswered_per_sender,
    };
    let taken = app.store.take(intake, caller.record("event", "taken in")).await?;
    let (outcome, known_by) = match taken {
        Taken::New => {
            app.metrics.asynchronous.taken.inc();
            app.wake.notify_one();
            ("taken-in", caller.decision)
        }
        Taken::Before(id) => ("taken-in-before", id),
        Taken::TooMany => {
            let detail = "as many messages of the sender as may be have no answer yet";
            return Err(Fault::new(FaultCode::TooMany, detail));
        }
        Taken::Otherwise => {
            let detail = "correlationId was used for another request";
            return Err(Fault::new(FaultCode::MessageIdReused, detail));
        }
    };
    let chain = chain(known_by);
    tracing::info!(
        message_id = &*log::id(&caller.info.message_id),
        correlation_id = &*log::id(&chain),
        sender_id = &*log::id(&caller.info.sender_id),
        service_id = &*log::id(&caller.info.service_id),
        decision = %caller.decision,
        outcome,
        "taken in"
    );
    let message_id = Some(caller.info.message_id).filter(|id| !id.is_empty());
    let message_id = message_id.unwrap_or_else(|| caller.decision.to_string());
    let message = Some(Chain { message_id, correlation_id: chain });
    Ok((Receipt { ns, message, session_id: caller.info.session_id }, outcome))
}

/// Counts for the figures what has no answer yet.
///
/// # Errors
/// [`StoreError`].
pub async fn measure(app: &App) -> Result<(), StoreError> {
    app.metrics.asynchronous.unanswered.set(app.store.unanswered_count().await?);
    Ok(())
}

/// Answers go to the one ШЭП, into the chain that a message names: another peer must not put them into the chains of others,
/// nor tell what became of them.
fn from_shep(app: &App, verified: &Verified<'_, '_>) -> Result<(), Fault> {
    let peer = &verified.signer().peer;
    if peer.kind == PeerKind::Gateway && peer.name == app.config.shep.peer {
        return Ok(());
    }
    Err(Fault::new(FaultCode::SenderForbidden, "only the gateway that is answered uses AsyncChannel"))
}

/// Hears from ШЭП what became of an answer; about one that is not known, or whose end is known, nothing is done.
///
/// # Errors
/// KDP403 from anybody but the ШЭП that is answered; KDP503, SCE909.
pub async fn hear(
    app: &App,
    verified: &Verified<'_, '_>,
    notification: Notification,
    (at, decision): (i64, Id),
) -> Result<(Receipt, &'static str), Fault> {
    from_shep(app, verified)?;
    let (state, outcome) = match notification.state {
        MessageState::OnDelivery => (None, "answer on its way"),
        MessageState::Delivered => (Some(Delivery::Done), "answer delivered"),
        MessageState::NotDelivered => (Some(Delivery::Failed), "answer not delivered"),
        MessageState::DeliveryStopped => (Some(Delivery::Stopped), "answer undeliverable"),
    };
    if let Some(state) = state {
        let record = Record {
            at,
            kind: "event",
            decision: Some(decision),
            message: Some(*verified.digest()),
            message_id: notification.message_id.clone(),
            outcome: outcome.to_owned(),
            ..Record::default()
        };
        let message_id = || notification.message_id.clone();
        let mut is_news = app.store.delivery(message_id(), state, at + REST, record.clone()).await?;
        if !is_news {
            // By its own id for the answer, ШЭП may tell of it before we have noted that id.
            tokio::time::sleep(NOTED).await;
            is_news = app.store.delivery(message_id(), state, at + REST, record).await?;
        }
        if is_news && state == Delivery::Stopped {
            app.metrics.asynchronous.undeliverable.inc();
        }
        tracing::info!(message_id = &*log::id(&notification.message_id), is_news, outcome, "heard");
    }
    Ok((Receipt { ns: notification.ns, message: None, session_id: notification.session_id }, "heard"))
}
