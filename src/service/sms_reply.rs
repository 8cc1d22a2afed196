//! `KDP_SMS_REPLY`: an SMS that a subject sent to 1414 (F-6; wire.md 2.4, 2.5): it answers a request, or leads to an
//! explanation, and a report of fraud raises an alert; or a report whether an SMS of ours reached the phone.

use super::payload::{DataError, Fields, Payload, malformed};
use super::{failed, refuse_data, reply};
use crate::app::App;
use crate::consent::identity::Msisdn;
use crate::consent::sms::{Answer, ParsedReply};
use crate::consent::{Consent, Event};
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::random::Id;
use crate::soap::sync_channel::{Node, Reply};
use crate::store::{Change, Heard, Record, Said, StoreError};
use crate::text::Flaw;

/// The elements: `msisdn`, `text`, `received_at` and `sms_id` of a reply; `sms_id` and `state` of a report.
pub const NAMES: &[&str] = &["auth_token", "msisdn", "text", "received_at", "sms_id", "state"];

/// Longest id of an SMS, bytes.
const MAX_ID: usize = 256;

/// What became of an SMS of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It reached the phone.
    Delivered,
    /// It will not reach the phone.
    Undelivered,
    /// It was not delivered in the time that it was good for.
    Expired,
}

impl Delivery {
    /// Reads the word of a report.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Delivered, Self::Undelivered, Self::Expired]
            .into_iter()
            .find(|state| word.eq_ignore_ascii_case(state.as_str()))
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Expired => "expired",
        }
    }
}

pub(crate) enum Request {
    Reply { from: Msisdn, id: String, text: String, at: Option<i64> },
    Report { id: String, delivery: Delivery },
}

impl Request {
    pub(crate) fn read(fields: &Fields) -> Result<Self, DataError> {
        let id = fields.need("sms_id")?;
        if id.len() > MAX_ID {
            return Err(malformed("sms_id", Flaw::TooLong));
        }
        let id = id.to_owned();
        let Some(state) = fields.get("state") else {
            let from =
                Msisdn::parse(fields.need("msisdn")?).ok_or_else(|| malformed("msisdn", Flaw::Range))?;
            fields.need("received_at")?;
            let at = fields.time("received_at")?;
            return Ok(Self::Reply { from, id, text: fields.need("text")?.to_owned(), at });
        };
        if ["msisdn", "text", "received_at"].iter().any(|name| fields.has(name)) {
            return Err(malformed("state", Flaw::OneOf));
        }
        let delivery = Delivery::parse(state).ok_or_else(|| malformed("state", Flaw::Choice))?;
        Ok(Self::Report { id, delivery })
    }
}

/// Hears a reply or a report. The answer is the same whatever it led to.
///
/// # Errors
/// KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let request = match payload.fields.and_then(|fields| Request::read(&fields)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error).await,
    };
    let (id, heard) = match request {
        Request::Reply { from, id, text, at } => {
            let heard = hear(app, from, id.clone(), (&text, at), caller.record("event", "")).await;
            // Every answer has its decision, also that to a repeat.
            let heard = match heard {
                Ok(Heard::Again) => app.store.note(caller.record("event", "reply again")).await,
                heard => heard.map(|_| ()),
            };
            (id, heard)
        }
        Request::Report { id, delivery } => {
            let taken = report(app, &id, delivery, caller.record("event", "")).await;
            (id, taken)
        }
    };
    match heard {
        Ok(()) => Ok(reply(caller, "heard", vec![Node::leaf("s:sms_id", id)])),
        Err(error) => failed(caller, error),
    }
}

/// The record of what came at `at` (Unix milliseconds) by no message of ШЭП.
#[must_use]
pub fn came(at: i64) -> Record {
    Record { at, kind: "event", ..Record::default() }
}

/// Takes a report: `id` is that under which the SMS was handed over. An ask that did not reach the phone ends its
/// request, one that did has left; anything else is journalled alone, by `record` with its outcome. The same report may
/// come again.
///
/// # Errors
/// [`StoreError`]: it was not taken, and may be brought again.
pub async fn report(app: &App, id: &str, delivery: Delivery, record: Record) -> Result<(), StoreError> {
    let named = id.rsplit_once('-').and_then(|(request, kind)| Some((Id::parse(request)?, kind)));
    let record = Record { outcome: format!("sms {}", delivery.as_str()), ..record };
    if let Some((request, "ask")) = named {
        let event = match delivery {
            Delivery::Undelivered | Delivery::Expired => Some(Event::SmsUndelivered),
            // The word that it was taken was lost, or is on its way still: it need not be sent again.
            Delivery::Delivered if is_sending(app, request, record.at).await? => Some(Event::SmsAccepted),
            Delivery::Delivered => None,
        };
        if let Some(event) = event
            && app.store.change(request, Change::Event(event), record.clone()).await?.is_some()
        {
            app.wake.notify_one();
            return Ok(());
        }
    }
    // The id may name a request that nobody knows.
    app.store.note(record).await
}

async fn is_sending(app: &App, request: Id, at: i64) -> Result<bool, StoreError> {
    let request = app.store.request(request).await?;
    Ok(request.is_some_and(|request| matches!(request.consent.at(at), Consent::Sending { .. })))
}

/// Hears `text` from `from`, said at the time that stands beside it (see [`Said::at`]); `id` identifies the SMS, so that it
/// is heard once, and journalled by `record` with its outcome. What was heard before is not journalled again.
///
/// # Errors
/// [`StoreError`]: it was not heard, and may be brought again.
pub async fn hear(
    app: &App,
    from: Msisdn,
    id: String,
    (text, at): (&str, Option<i64>),
    record: Record,
) -> Result<Heard, StoreError> {
    let reply = ParsedReply::parse(text);
    let fraud = reply.answer() == Answer::Fraud;
    let outcome = if fraud { "fraud" } else { "reply" };
    let record = Record { outcome: outcome.to_owned(), ..record };
    let heard = app.store.hear(Said { from, id, at, reply }, record).await?;
    if fraud && heard != Heard::Again {
        let request = match &heard {
            Heard::Answered(request) => Some(request),
            _ => None,
        };
        app.metrics.frauds.inc();
        tracing::warn!(
            request = request.map(tracing::field::display),
            "ALERT: a subject reported a fraud; find out who asked, and why"
        );
    }
    app.wake.notify_one();
    Ok(heard)
}
