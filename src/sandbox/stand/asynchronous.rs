//! `AsyncChannel` of ШЭП (wire.md 3): requests of initiators are pushed to the service until it took them in, and what it
//! sends is kept until the initiator fetches it.

use super::answer::{fault, instead, wait};
use super::fault::Plan;
use super::forward::{Carried, SYNC, fragment};
use super::queue::{End, Push, Pushed, Response};
use super::switch::{Party, Switch};
use super::{Stand, parse};
use crate::clock;
use crate::fault::Fault;
use crate::http::{Answer, answer};
use crate::soap::async_channel::{self as channel, A, AC, Chain, Receipt};
use crate::soap::async_client::Handed;
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::Call;
use crate::soap::sync_client;
use crate::text::FaultCode;
use crate::trust::Verified;
use crate::trust::outgoing::OutgoingError;
use crate::xml::{Canonical, Writer};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Pushes at the same time.
const AT_ONCE: usize = 64;
/// How long the worker sleeps at most.
const NAP: Duration = Duration::from_millis(500);
/// Faults after which a message is pushed again: the service says that it could not, not that it will not.
const PASSING: [&str; 3] = ["KDP429", "KDP503", "SCE909"];

impl Stand {
    /// Takes over what the service sends.
    pub(super) async fn asynchronous(&self, body: &[u8]) -> Answer {
        match self.take_response(body).await {
            Ok(answer) => answer,
            Err(refused) => fault(&refused),
        }
    }

    async fn take_response(&self, body: &[u8]) -> Result<Answer, Fault> {
        let (response, receipt) = self.response(body)?;
        let plan = self.faults.next(&[Party::Async]);
        if let Some(answer) = instead(&plan).await {
            return Ok(answer);
        }
        let (id, at) = self.id()?;
        let unkept = |_| Fault::new(FaultCode::Internal, "the message could not be kept");
        if self.queue.respond(response.clone()).map_err(unkept)? {
            let Response { message_id, correlation_id, .. } = response;
            let told = Push { message_id, correlation_id, at, what: Pushed::Delivered };
            self.queue.push(told).map_err(unkept)?;
            self.wake.notify_one();
        }
        wait(&plan).await;
        Ok(self.finish(&plan, &id.to_string(), |writer| receipt.write(writer, at)).await)
    }

    fn response(&self, body: &[u8]) -> Result<(Response, Receipt), Fault> {
        let document = parse(body)?;
        let envelope = Envelope::read(&document)?;
        let verified = self.of_service(&envelope)?;
        let channel::Pushed::Message(message) = channel::Pushed::read(&verified)? else {
            return Err(Fault::format("of IAsyncChannel, the stand knows sendMessage"));
        };
        if message.kind != channel::MessageType::Response {
            return Err(Fault::format("the stand takes RESPONSE from the service, nothing else"));
        }
        let info = message.call.info;
        let chain = info.correlation_id.ok_or_else(|| Fault::format("correlationId is missing"))?;
        let data = message.call.data.ok_or_else(|| Fault::format("data is missing"))?;
        let text = |child: crate::xml::Element<'_, '_>| child.text().unwrap_or_default().trim().to_owned();
        let response = Response {
            message_id: info.message_id.clone(),
            correlation_id: chain.clone(),
            at: self.app.clock.now(),
            data: String::from_utf8_lossy(fragment(data)?.as_bytes()).into_owned(),
            fields: data.children().map(|child| (child.name().to_owned(), text(child))).collect(),
        };
        let message_chain = Chain { message_id: info.message_id, correlation_id: chain };
        let receipt = Receipt { ns: message.ns, message: Some(message_chain), session_id: info.session_id };
        Ok((response, receipt))
    }

    /// Takes over an initiator's request, to be pushed: an envelope of `SyncChannel`, answered in JSON, or of
    /// `AsyncChannel`, answered as ШЭП does.
    pub(super) async fn take_push(&self, body: &[u8]) -> Answer {
        match self.keep_push(body).await {
            Ok(answer) => {
                self.wake.notify_one();
                answer
            }
            Err(refused) => fault(&refused),
        }
    }

    async fn keep_push(&self, body: &[u8]) -> Result<Answer, Fault> {
        let (told, receipt) = self.read_push(body)?;
        match receipt {
            None => Ok(answer(StatusCode::OK, "application/json", told.to_string().into())),
            Some(receipt) => {
                let (id, at) = self.id()?;
                let write = |writer: &mut Writer<'_>| receipt.write(writer, at);
                Ok(self.finish(&Plan::default(), &id.to_string(), write).await)
            }
        }
    }

    /// Keeps a request; answers with its ids, and, if it came by `AsyncChannel`, with the receipt of that.
    fn read_push(&self, body: &[u8]) -> Result<(Value, Option<Receipt>), Fault> {
        let ((id, at), (correlation_id, _)) = (self.id()?, self.id()?);
        let (message_id, correlation_id) = (id.to_string(), correlation_id.to_string());
        let document = parse(body)?;
        let envelope = Envelope::read(&document)?;
        let verified = self.of_peer(&envelope)?;
        let call = verified.body().children().next().ok_or_else(|| Fault::format("Body is empty"))?;
        let ns = [A, AC].into_iter().find(|ns| call.is(ns, "sendMessage"));
        let parts = if ns.is_some() {
            read_request(&verified)?;
            ["messageInfo", "messageData"]
        } else {
            Call::read(&verified)?;
            SYNC
        };
        let carried = Carried::of(call, parts, id)?;
        let unkept = Fault::new(FaultCode::Internal, "the message could not be kept");
        let mut writer = Writer::new();
        carried.write_request(&mut writer, &message_id, &correlation_id);
        let content = writer.finish().map_err(|_| unkept.clone())?.into_bytes();
        let what = Pushed::Request(String::from_utf8(content).map_err(|_| unkept.clone())?);
        let push = Push { message_id: message_id.clone(), correlation_id: correlation_id.clone(), at, what };
        self.queue.push(push).map_err(|_| unkept)?;
        let told = json!({ "message_id": message_id, "correlation_id": correlation_id });
        let chain = Chain { message_id, correlation_id };
        Ok((told, ns.map(|ns| Receipt { ns, message: Some(chain), session_id: Some(id) })))
    }

    /// Pushes what is to be pushed, until the task is dropped.
    pub async fn push(self: Arc<Self>) {
        loop {
            let due = self.queue.due(self.app.clock.now());
            let mut pushing = JoinSet::new();
            for push in due {
                if pushing.len() >= AT_ONCE {
                    let _ = pushing.join_next().await;
                }
                let stand = self.clone();
                pushing.spawn(async move { stand.push_once(push).await });
            }
            while pushing.join_next().await.is_some() {}
            let _ = tokio::time::timeout(NAP, self.wake.notified()).await;
        }
    }

    async fn push_once(&self, push: Push) {
        let plan = self.faults.next(&[Party::Pushes]);
        wait(&plan).await;
        let mut end = None;
        if !plan.has(Switch::LostRequest) {
            end = self.bring_push(&push, &plan).await;
            if plan.has(Switch::Duplicate) {
                end = self.bring_push(&push, &plan).await;
            }
        }
        // What was refused is what became of it on the way.
        let is_over = |end: &End| !plan.has(Switch::LostAnswer) && (*end == End::Taken || plan.is_empty());
        match end.filter(is_over) {
            Some(end) => {
                if let Err(error) = self.queue.end(&push, end) {
                    tracing::warn!(%error, "the end of a push was not kept");
                }
            }
            None => self.queue.put_off(&push, self.app.clock.now()),
        }
    }

    /// Brings it to the service once; `None`: nobody knows what came of it.
    async fn bring_push(&self, push: &Push, plan: &Plan) -> Option<End> {
        let message = self.pushed(push, plan)?;
        let url = &self.service.asynchronous;
        let came = self.client.post_soap(url, message.into()).await.ok()?;
        let document = parse(&came.body).ok()?;
        let envelope = Envelope::read(&document).ok()?;
        if let Ok(sync_client::Answer::Fault(fault)) = sync_client::Answer::read(envelope.body()) {
            return (!PASSING.contains(&fault.code.as_str())).then_some(End::Refused(fault.code));
        }
        let verified = self.of_service(&envelope).ok()?;
        let notified = |ns| {
            let mut children = verified.body().children();
            children.any(|child| child.is(ns, "changeMassageStatusNotificationResponse"))
        };
        let is_taken = match push.what {
            Pushed::Request(_) => matches!(Handed::read(verified.body()), Handed::Over { .. }),
            Pushed::Delivered => notified(A) || notified(AC),
        };
        is_taken.then_some(End::Taken)
    }

    fn pushed(&self, push: &Push, plan: &Plan) -> Option<Vec<u8>> {
        let (id, at) = self.id().ok()?;
        let id = id.to_string();
        let message: Result<Vec<u8>, OutgoingError> = match &push.what {
            Pushed::Request(content) => {
                let content = canonical(content)?;
                self.message(plan, &id, |writer| {
                    writer.raw(&content);
                })
            }
            Pushed::Delivered => self.message(plan, &id, |writer| {
                writer
                    .open("t:changeMassageStatusNotification", &[("t", AC)], &[])
                    .open("request", &[], &[])
                    .open("notification", &[], &[])
                    .leaf("notificationId", &id)
                    .leaf("messageId", &push.message_id)
                    .leaf("notificationDate", &clock::text(push.at))
                    .leaf("messageState", channel::MessageState::Delivered.as_str())
                    .close()
                    .leaf("requestDate", &clock::text(at))
                    .close()
                    .close();
            }),
        };
        message.ok()
    }
}

/// A request of `AsyncChannel`, or a fault.
fn read_request(verified: &Verified<'_, '_>) -> Result<(), Fault> {
    match channel::Pushed::read(verified)? {
        channel::Pushed::Message(message) if message.kind == channel::MessageType::Request => Ok(()),
        _ => Err(Fault::format("an initiator sends REQUEST")),
    }
}

fn canonical(content: &str) -> Option<Canonical> {
    let document = parse(content.as_bytes()).ok()?;
    fragment(document.root()).ok()
}
