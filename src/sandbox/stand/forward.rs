//! What initiators send through ШЭП: verified, put into an envelope of ШЭП's own around the same data, and brought to the
//! service; the answer likewise (trust.md 1: behind ШЭП the gateway re-signs).

use super::answer::{fault, instead, wait};
use super::fault::Plan;
use super::switch::{Party, Switch};
use super::{Stand, named, parse, text_of};
use crate::fault::Fault;
use crate::gateway::http_client::HttpAnswer;
use crate::http::{Answer, answer};
use crate::random::Id;
use crate::soap::async_channel::A;
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::{Call, T};
use crate::soap::sync_client;
use crate::text::FaultCode;
use crate::trust::outgoing;
use crate::xml::{Canonical, Element, Writer, c14n};
use hyper::StatusCode;

/// Names of the two parts of a request of `SyncChannel`.
pub const SYNC: [&str; 2] = ["requestInfo", "requestData"];

/// Of a request, what is brought further.
pub struct Carried {
    /// Leaves of its first part, in the order of the contract.
    leaves: Vec<(&'static str, String)>,
    sender_id: String,
    password: Option<String>,
    /// Pairs of `properties`.
    properties: Vec<(String, String)>,
    /// `data`, as it is.
    data: Option<Canonical>,
    /// That of the gateway.
    session: Id,
}

impl Carried {
    /// Takes it out of a call that was verified and is well formed.
    pub fn of(call: Element<'_, '_>, parts: [&str; 2], session: Id) -> Result<Self, Fault> {
        let [info, data] = parts;
        let missing = |name: &str| Fault::format(format!("{name} is missing"));
        let request = named(call, "request").ok_or_else(|| missing("request"))?;
        let info = named(request, info).ok_or_else(|| missing(info))?;
        let sender = named(info, "sender").ok_or_else(|| missing("sender"))?;
        let names = ["messageId", "correlationId", "serviceId", "messageDate", "routeId"];
        let properties = info.children().filter(|child| child.name() == "properties");
        let data = named(request, data).and_then(|data| named(data, "data"));
        Ok(Self {
            leaves: names.iter().filter_map(|name| Some((*name, text_of(info, name)?))).collect(),
            sender_id: text_of(sender, "senderId").ok_or_else(|| missing("senderId"))?,
            password: text_of(sender, "password"),
            properties: properties
                .filter_map(|pair| Some((text_of(pair, "key")?, text_of(pair, "value")?)))
                .collect(),
            data: data.map(fragment).transpose()?,
            session,
        })
    }

    /// Writes it as the gateway calls the service.
    fn write(&self, writer: &mut Writer<'_>) {
        writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open(
            "requestInfo",
            &[],
            &[],
        );
        for (name, text) in &self.leaves {
            writer.leaf(name, text);
        }
        self.write_rest(writer, "requestData");
    }

    /// Writes it as the gateway pushes it: by ids of its own.
    pub fn write_request(&self, writer: &mut Writer<'_>, message_id: &str, correlation_id: &str) {
        writer
            .open("t:sendMessage", &[("t", A)], &[])
            .open("request", &[], &[])
            .open("messageInfo", &[], &[])
            .leaf("messageId", message_id)
            .leaf("correlationId", correlation_id);
        for wanted in ["serviceId", "messageType", "routeId", "messageDate"] {
            let own = self.leaves.iter().find(|(name, _)| *name == wanted).map(|(_, text)| text.as_str());
            if let Some(text) = own.or_else(|| (wanted == "messageType").then_some("REQUEST")) {
                writer.leaf(wanted, text);
            }
        }
        self.write_rest(writer, "messageData");
    }

    fn write_rest(&self, writer: &mut Writer<'_>, data: &'static str) {
        writer.open("sender", &[], &[]).leaf("senderId", &self.sender_id);
        if let Some(password) = &self.password {
            writer.leaf("password", password);
        }
        writer.close();
        for (key, value) in &self.properties {
            writer.open("properties", &[], &[]).leaf("key", key).leaf("value", value).close();
        }
        writer.leaf("sessionId", &format!("{{{}}}", self.session)).close().open(data, &[], &[]);
        if let Some(data) = &self.data {
            writer.raw(data);
        }
        writer.close().close().close();
    }
}

/// What the service answered.
enum Back {
    /// A fault, which stays unsigned.
    Fault(Answer),
    /// The content of the Body, believed.
    Reply(Canonical),
}

/// An element as it is, for another envelope.
pub fn fragment(element: Element<'_, '_>) -> Result<Canonical, Fault> {
    c14n::fragment(element, &c14n::Method::EXCLUSIVE).map_err(|e| Fault::format(e.to_string()))
}

impl Stand {
    /// Brings a message of an initiator to the service, and its answer back.
    pub(super) async fn forward(&self, body: &[u8]) -> Answer {
        match self.carry(body).await {
            Ok(answer) => answer,
            Err(refused) => fault(&refused),
        }
    }

    async fn carry(&self, body: &[u8]) -> Result<Answer, Fault> {
        let (id, _) = self.id()?;
        let carried = self.carried(body, id)?;
        let plan = self.faults.next(&[Party::Shep]);
        if let Some(answer) = instead(&plan).await {
            return Ok(answer);
        }
        let failed = |_| Fault::new(FaultCode::Internal, "the message could not be signed");
        let own = Plan::default();
        let message = self.message(&own, &id.to_string(), |writer| carried.write(writer)).map_err(failed)?;
        let mut came = self.client.post_soap(&self.service.sync, message.clone().into()).await;
        if plan.has(Switch::Duplicate) {
            came = self.client.post_soap(&self.service.sync, message.into()).await;
        }
        wait(&plan).await;
        let unreachable = |e| Fault::new(FaultCode::Internal, format!("the service gives no answer: {e}"));
        match self.read_back(&came.map_err(unreachable)?)? {
            Back::Fault(answer) => Ok(answer),
            Back::Reply(content) => Ok(self
                .finish(&plan, &id.to_string(), |writer| {
                    writer.raw(&content);
                })
                .await),
        }
    }

    /// What of an initiator's message is brought further, once it is verified.
    pub(super) fn carried(&self, body: &[u8], session: Id) -> Result<Carried, Fault> {
        let document = parse(body)?;
        let envelope = Envelope::read(&document)?;
        let verified = self.of_peer(&envelope)?;
        Call::read(&verified)?;
        let call = verified.body().children().next().ok_or_else(|| Fault::format("Body is empty"))?;
        Carried::of(call, SYNC, session)
    }

    fn read_back(&self, came: &HttpAnswer) -> Result<Back, Fault> {
        let document = parse(&came.body)?;
        let envelope = Envelope::read(&document)?;
        let is_fault = sync_client::Answer::is_fault(envelope.body());
        let content = envelope.body().children().next().ok_or_else(|| Fault::format("Body is empty"))?;
        let content = fragment(content)?;
        if is_fault {
            let body = outgoing::unsigned(|writer| {
                writer.raw(&content);
            });
            let body = body.map_err(|_| Fault::new(FaultCode::Internal, "the fault could not be written"))?;
            let status = StatusCode::from_u16(came.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Ok(Back::Fault(answer(status, "text/xml; charset=utf-8", body.into())));
        }
        self.of_service(&envelope)?;
        Ok(Back::Reply(content))
    }
}
