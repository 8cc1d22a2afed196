//! `AsyncChannel` v10 as ШЭП pushes it to us, `IAsyncChannelClient` (wire.md 3): the message inside a verified Body, and the
//! answer to it, which says that the message was taken in. What it comes to is sent later ([`super::async_client`]).
//!
//! The names are the contract's, misspellings too. Both sets of elements are read, and answered in the set of the request.

use super::sync_channel::{Call, Children, Detail, RequestInfo, data_of, mandatory, missing, optional};
use crate::clock;
use crate::fault::Fault;
use crate::random::Id;
use crate::trust::Verified;
use crate::xml::Writer;

/// Types of `AsyncChannel` v10 (**A**).
pub const A: &str = "http://bip.bee.kz/AsyncChannel/v10/Types";
/// Its twin (**AC**).
pub const AC: &str = "http://bip.bee.kz/AsyncChannel/v10/Types/Client";

/// Detail of a fault before it is known which operation was called.
pub const FAULT: Detail = Detail("t:sendMessageFault1_sendMessageFault", A);

/// A message as it stands in a verified Body.
pub enum Pushed<'d, 'a> {
    /// `sendMessage`.
    Message(Message<'d, 'a>),
    /// `changeMassageStatusNotification`.
    Notification(Notification),
}

/// A message of somebody, brought by ШЭП.
pub struct Message<'d, 'a> {
    /// The set of elements that it uses: [`A`] or [`AC`].
    pub ns: &'static str,
    /// `messageInfo`, and `messageData/data`.
    pub call: Call<'d, 'a>,
    /// `messageType`.
    pub kind: MessageType,
}

/// `messageType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// Begins a chain.
    Request,
    /// Of what happened.
    Notification,
    /// Of what has changed.
    Update,
    /// Answers one.
    Response,
}

/// What ШЭП tells about a message of ours.
pub struct Notification {
    /// As in [`Message::ns`].
    pub ns: &'static str,
    /// `notification/messageId`: of the message.
    pub message_id: String,
    /// `notification/messageState`.
    pub state: MessageState,
    /// Of the notification.
    pub session_id: Option<Id>,
}

/// `messageState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// On its way.
    OnDelivery,
    /// Its receiver has it.
    Delivered,
    /// Its receiver did not take it.
    NotDelivered,
    /// It is not tried any more.
    DeliveryStopped,
}

/// Which detail a fault about this Body has, as far as can be seen.
#[must_use]
pub fn fault_detail(verified: &Verified<'_, '_>) -> Detail {
    let call = verified.body().children().next();
    match call.map(|call| (call.name(), set_of(call.namespace()))) {
        Some(("changeMassageStatusNotification", Some(ns))) => {
            Detail("t:changeMassageStatusNotificationFault1_changeMassageStatusNotificationFault", ns)
        }
        Some((_, Some(ns))) => Detail(FAULT.0, ns),
        _ => FAULT,
    }
}

fn set_of(namespace: &str) -> Option<&'static str> {
    [A, AC].into_iter().find(|ns| *ns == namespace)
}

impl<'d, 'a> Pushed<'d, 'a> {
    /// Reads the message from the node that was verified.
    ///
    /// # Errors
    /// SCE001 naming the element.
    pub fn read(verified: &Verified<'d, 'a>) -> Result<Self, Fault> {
        let mut calls = verified.body().children();
        let call = calls.next().ok_or_else(|| Fault::format("Body is empty"))?;
        if calls.next().is_some() {
            return Err(Fault::format("Body holds more than one element"));
        }
        let unknown =
            || Fault::format("the child of Body is neither sendMessage nor changeMassageStatusNotification");
        let ns = set_of(call.namespace()).ok_or_else(unknown)?;
        let inside = Children { ns: call.namespace(), parent: call };
        let request = || inside.take(&["request"])?[0].ok_or_else(|| missing("request"));
        match call.name() {
            "sendMessage" => Message::read(ns, &inside.within(request()?)).map(Self::Message),
            "changeMassageStatusNotification" => {
                Notification::read(ns, &inside.within(request()?)).map(Self::Notification)
            }
            _ => Err(unknown()),
        }
    }
}

impl<'d, 'a> Message<'d, 'a> {
    fn read(ns: &'static str, request: &Children<'d, 'a>) -> Result<Self, Fault> {
        let [info, data] = request.take(&["messageInfo", "messageData"])?;
        let info = request.within(info.ok_or_else(|| missing("messageInfo"))?);
        let data = data.ok_or_else(|| missing("messageData"))?;
        let (info, kind) = RequestInfo::read_asynchronous(&info)?;
        let kind = MessageType::parse(&kind).ok_or_else(|| {
            Fault::format("messageType is none of REQUEST, NOTIFICATION, UPDATE and RESPONSE")
        })?;
        Ok(Self { ns, call: Call { info, data: data_of(data)? }, kind })
    }
}

impl MessageType {
    fn parse(word: &str) -> Option<Self> {
        [Self::Request, Self::Notification, Self::Update, Self::Response]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Notification => "NOTIFICATION",
            Self::Update => "UPDATE",
            Self::Response => "RESPONSE",
        }
    }
}

impl Notification {
    fn read(ns: &'static str, request: &Children<'_, '_>) -> Result<Self, Fault> {
        let [notification, _date, session_id] =
            request.take(&["notification", "requestDate", "sessionId"])?;
        let notification = notification.ok_or_else(|| missing("notification"))?;
        // Why it was not delivered may stand beside: it changes nothing.
        let names = ["notificationId", "messageId", "notificationDate", "messageState", "status", "error"];
        let [_id, message_id, _date, state, _status, _error] = request.within(notification).take(&names)?;
        let state = MessageState::parse(&mandatory("messageState", state)?).ok_or_else(|| {
            Fault::format(
                "messageState is none of ON_DELIVERY, DELIVERED, NOT_DELIVERED and DELIVERY_STOPPED",
            )
        })?;
        let message_id = mandatory("messageId", message_id)?;
        let session_id = optional("sessionId", session_id)?.and_then(|id| Id::parse(&id));
        Ok(Self { ns, message_id, state, session_id })
    }
}

impl MessageState {
    fn parse(word: &str) -> Option<Self> {
        [Self::OnDelivery, Self::Delivered, Self::NotDelivered, Self::DeliveryStopped]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnDelivery => "ON_DELIVERY",
            Self::Delivered => "DELIVERED",
            Self::NotDelivered => "NOT_DELIVERED",
            Self::DeliveryStopped => "DELIVERY_STOPPED",
        }
    }
}

/// The answer to a message that was taken in, or heard.
pub struct Receipt {
    /// As in [`Message::ns`].
    pub ns: &'static str,
    /// What it names; `None` for a notification.
    pub message: Option<Chain>,
    /// Set by ШЭП.
    pub session_id: Option<Id>,
}

/// Which message was taken in.
pub struct Chain {
    /// Its messageId.
    pub message_id: String,
    /// Its chain.
    pub correlation_id: String,
}

impl Receipt {
    /// Writes the content of the Body. `at` is Unix milliseconds.
    pub fn write(&self, writer: &mut Writer<'_>, at: i64) {
        let wrapper = match self.message {
            Some(_) => "t:sendMessageResponse",
            None => "t:changeMassageStatusNotificationResponse",
        };
        writer.open(wrapper, &[("t", self.ns)], &[]).open("response", &[], &[]);
        if let Some(chain) = &self.message {
            writer.leaf("messageId", &chain.message_id).leaf("correlationId", &chain.correlation_id);
        }
        writer.leaf("responseDate", &clock::text(at));
        if let Some(session_id) = &self.session_id {
            writer.leaf("sessionId", &format!("{{{session_id}}}"));
        }
        writer.close().close();
    }
}
