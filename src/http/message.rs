//! A message of a channel: read, admitted, exchanged, answered.

use super::Server;
use super::answer::{Answer, closing, plain, soap};
use super::body::{Encoding, Message, Unread, content_type};
use super::crowd::Guest;
use crate::admission::{Claim, Spot};
use crate::exchange::{self, Channel, Known, Response, exchange};
use crate::fault::Fault;
use crate::guard::{Panicked, guarded};
use crate::store::Record;
use crate::text::FaultCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, EXPECT};
use hyper::{Request, StatusCode};
use prometheus_client::metrics::gauge::Gauge;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Messages in a row that cannot be believed, after which a connection is closed.
const FAILURES: u32 = 32;

/// What came of reading a request.
enum Heard<'s> {
    Message(Message<'s>),
    /// No message, but a fault to answer with; `is_last` on its connection. What is left of the body is read and forgotten.
    Fault {
        fault: Fault,
        is_last: bool,
        rest: Option<Incoming>,
    },
    /// An answer that costs nothing.
    Answered(Answer),
}

impl Server {
    pub(super) async fn message(
        &self,
        channel: Channel,
        request: Request<Incoming>,
        guest: &Guest,
    ) -> Answer {
        let deadline = self.deadline();
        match self.hear(channel, request).await {
            Heard::Message(message) => {
                let claim = self.claim(guest.address, &message.bytes);
                let spot = || self.claims.spot(&claim, guest.has_held());
                let is_recorded = |fault| self.is_recorded(guest.address, fault);
                let work = Box::pin(exchange(&self.app, channel, &message.bytes, is_recorded));
                match self.admit(channel, deadline, guest, spot, work).await {
                    Ok(response) => {
                        let judged = Judged::of(&response);
                        if let Judged::Held(sender) = judged {
                            self.claims.hold(&claim, sender);
                        }
                        let is_last = self.is_last(guest, &judged);
                        let answer = soap(response);
                        if is_last { closing(answer) } else { answer }
                    }
                    Err(answer) => answer,
                }
            }
            Heard::Fault { fault, is_last, rest } => {
                let spot = || Spot::stranger(guest.address);
                let work = Box::pin(self.fault(channel, guest.address, fault));
                let answer = self
                    .admit(channel, self.deadline(), guest, spot, work)
                    .await
                    .map_or_else(|shed| shed, soap);
                if let Some(rest) = rest {
                    self.forget(rest);
                }
                let is_last = self.is_last(guest, &Judged::Failed) || is_last;
                if is_last { closing(answer) } else { answer }
            }
            Heard::Answered(answer) => answer,
        }
    }

    /// Until when a message that comes now is answered.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.app.limits().exchange_seconds)
    }

    async fn hear(&self, channel: Channel, request: Request<Incoming>) -> Heard<'_> {
        let limits = self.app.limits();
        let waits = request.headers().contains_key(EXPECT);
        // Who waits for leave to send does not get it.
        let unread = |request: Request<Incoming>, fault, is_last| {
            let rest = Some(request.into_body()).filter(|body| !waits && !body.is_end_stream());
            Heard::Fault { fault, is_last: is_last || waits, rest }
        };
        match content_type(&request) {
            Encoding::Other => {
                let text = "Content-Type must be text/xml; charset=utf-8";
                return Heard::Answered(
                    self.unread(request, plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)),
                );
            }
            Encoding::NotUtf8 => {
                return unread(request, Fault::format("the charset of Content-Type is not UTF-8"), false);
            }
            Encoding::Utf8 => {}
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: usize| bytes > limits.body_bytes) {
            return unread(request, too_large(limits.body_bytes), true);
        }
        let last = |fault, rest| Heard::Fault { fault, is_last: true, rest };
        match self.read(request.into_body()).await {
            Ok(message) => Heard::Message(message),
            Err(Unread::TooLarge(rest)) => last(too_large(limits.body_bytes), Some(rest)),
            Err(Unread::NoRoom(rest)) => {
                self.app.metrics.shed.inc();
                self.forget(rest);
                Heard::Answered(closing(self.overloaded(channel, "too many large messages at once")))
            }
            Err(Unread::TooSlow) => last(Fault::format("the message did not arrive in time"), None),
            Err(Unread::Broken) => last(Fault::format("the message did not arrive whole"), None),
        }
    }

    /// Does `work` when there is a place for it; else the answer that says that there is none.
    pub(super) async fn admit(
        &self,
        channel: Channel,
        deadline: Instant,
        guest: &Guest,
        spot: impl FnOnce() -> Spot,
        work: impl Future<Output = Response> + Unpin,
    ) -> Result<Response, Answer> {
        let limits = self.app.limits();
        // Only now, so that slow senders hold no place; and shed without touching the database, which is what is short.
        guest.works();
        if self.app.metrics.journal.refuses() {
            return Err(
                self.overloaded(channel, "the journal does not reach its target, and nothing is done unseen")
            );
        }
        let Some(_counted) = Counted::new(&self.app.metrics.in_flight, limits.in_flight) else {
            self.app.metrics.shed.inc();
            return Err(self.overloaded(channel, "too many exchanges at once"));
        };
        let working = async {
            let place = self.gate.enter(limits.queue, spot).await?;
            Some(place.stretch(guarded(&self.app.metrics, work)).await)
        };
        match timeout_at(deadline, working).await {
            Ok(Some(Ok(response))) => Ok(response),
            Ok(Some(Err(Panicked))) => {
                let fault = Fault::new(FaultCode::Internal, "the message was not processed");
                Ok(self.fault(channel, guest.address, fault).await)
            }
            Ok(None) => {
                self.app.metrics.shed.inc();
                Err(self.overloaded(channel, "too many messages of this sender or address wait already"))
            }
            Err(_elapsed) => Err(self.overloaded(channel, "the exchange took too long; it may be repeated")),
        }
    }

    /// Whether a connection is closed, since it has long brought nothing but what cannot be believed.
    fn is_last(&self, guest: &Guest, judged: &Judged<'_>) -> bool {
        let is_last = match judged {
            Judged::Held(_) => guest.judge(true, FAILURES),
            Judged::Failed => guest.judge(false, FAILURES),
            Judged::Neither => false,
        };
        if is_last {
            self.app.metrics.dismissed.inc();
        }
        is_last
    }

    /// Who the message says it is from.
    fn claim<'m>(&self, network: IpAddr, message: &'m [u8]) -> Claim<'m> {
        let registry = self.app.registry();
        self.claims.read(network, message, |name| registry.senders.contains_key(name))
    }

    fn is_recorded(&self, network: IpAddr, fault: FaultCode) -> bool {
        self.noise.is_recorded(network, fault, self.app.limits().refusals_per_minute)
    }

    fn overloaded(&self, channel: Channel, detail: &'static str) -> Answer {
        let fault = Fault::new(FaultCode::Overloaded, detail);
        soap(exchange::respond(channel.fault_detail(), &fault, None, self.app.clock.now()))
    }

    /// A fault that no exchange came to.
    async fn fault(&self, channel: Channel, network: IpAddr, fault: Fault) -> Response {
        let code = fault.code;
        let is_recorded = |fault| self.is_recorded(network, fault);
        let refused = async {
            let at = self.app.clock.now();
            let decision = crate::random::Id::new(at, &*self.app.random).ok();
            exchange::refuse(&self.app, fault, decision, at, Known::nothing(channel), is_recorded).await
        };
        let refused = guarded(&self.app.metrics, refused).await;
        refused.unwrap_or_else(|Panicked| {
            let fault = Fault::new(code, "the message was not processed");
            let now = crate::clock::Clock::now(&crate::clock::SystemClock);
            exchange::respond(channel.fault_detail(), &fault, None, now)
        })
    }

    /// Tells in one record of the refusals that have none of their own. Called once a minute.
    pub(super) async fn tell_noise(self: Arc<Self>) {
        let Some(noise) = self.noise.take() else { return };
        let (messages, networks) = (noise.messages(), noise.by_network.len());
        let loudest = noise.loudest().map(tracing::field::display);
        tracing::warn!(messages, networks, loudest, "refused, and not recorded one by one");
        let detail =
            serde_json::json!({ "messages": messages, "networks": networks, "by_fault": noise.by_fault });
        let record = Record {
            at: self.app.clock.now(),
            kind: "fault",
            outcome: "unrecorded".to_owned(),
            detail: detail.to_string(),
            ..Record::default()
        };
        if self.app.store.note(record).await.is_err() {
            self.noise.give_back(&noise);
        }
    }
}

fn too_large(limit: usize) -> Fault {
    Fault::new(FaultCode::TooLarge, format!("the message is larger than {limit} bytes"))
}

/// What a message showed of who sent it.
enum Judged<'r> {
    /// It is of this sender.
    Held(&'r str),
    /// It cannot be believed.
    Failed,
    /// It was not found out.
    Neither,
}

impl<'r> Judged<'r> {
    fn of(response: &'r Response) -> Self {
        match (&response.sender, response.fault) {
            (Some(sender), _) => Self::Held(sender),
            (None, Some(fault)) if !exchange::proves_sender(fault) => Self::Failed,
            (None, _) => Self::Neither,
        }
    }
}

/// Counts an exchange while it runs, also when its caller goes away.
struct Counted<'g>(&'g Gauge);

impl<'g> Counted<'g> {
    /// `None`: as many as `most` run already.
    fn new(gauge: &'g Gauge, most: usize) -> Option<Self> {
        let before = gauge.inc();
        let counted = Self(gauge);
        usize::try_from(before).is_ok_and(|before| before < most).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
