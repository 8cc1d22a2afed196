//! `AsyncChannel` of ШЭП as a caller sees it (wire.md 3): a RESPONSE of ours, written strictly, and the answer that it was
//! taken over, read liberally.
//!
//! Of its other operations none is called: `getMessages` and `sendDeliveryNotification`, by which a puller acknowledges what
//! it has got, are for systems that ШЭП does not push to. The answer to a push is its acknowledgement.

use super::async_channel::{A, AC};
use super::sync_channel::{K, Node};
use crate::clock;
use crate::random::Id;
use crate::trust::algorithm::SOAP;
use crate::xml::{Element, Writer};
use secrecy::{ExposeSecret as _, SecretString};

/// An answer to what was pushed.
pub struct Response<'a> {
    /// The same at each try.
    pub message_id: Id,
    /// Of the message that it answers.
    pub correlation_id: &'a str,
    /// `serviceId` of that.
    pub service_id: &'a str,
    /// Set by ШЭП, of that.
    pub session_id: Option<Id>,
    /// `messageDate`, Unix milliseconds.
    pub at: i64,
    /// The children of `data`; their names have the prefix `k` of [`K`].
    pub data: &'a [Node],
}

/// As whom we send.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// `sender/senderId`.
    pub id: &'a str,
    /// `sender/password`.
    pub password: Option<&'a SecretString>,
}

impl Response<'_> {
    /// Writes the content of the Body.
    pub fn write(&self, writer: &mut Writer<'_>, sender: Sender<'_>) {
        writer
            .open("t:sendMessage", &[("k", K), ("t", A)], &[])
            .open("request", &[], &[])
            .open("messageInfo", &[], &[])
            .leaf("messageId", &self.message_id.to_string())
            .leaf("correlationId", self.correlation_id)
            .leaf("serviceId", self.service_id)
            .leaf("messageType", "RESPONSE")
            .leaf("messageDate", &clock::text(self.at))
            .open("sender", &[], &[])
            .leaf("senderId", sender.id);
        if let Some(password) = sender.password {
            writer.leaf("password", password.expose_secret());
        }
        writer.close();
        if let Some(session_id) = &self.session_id {
            writer.leaf("sessionId", &format!("{{{session_id}}}"));
        }
        writer.close().open("messageData", &[], &[]).open("data", &[], &[]);
        for node in self.data {
            node.write(writer);
        }
        writer.close().close().close().close();
    }
}

/// What a Body says about a message of ours. Whether to believe it is the caller's to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It was taken over.
    Over {
        /// What ШЭП calls it; empty: it does not say.
        message_id: String,
        /// The chain that it names; empty: none.
        correlation_id: String,
    },
    /// A SOAP fault.
    Fault,
    /// No answer of the channel.
    Otherwise,
}

impl Handed {
    /// Reads the content of a Body.
    #[must_use]
    pub fn read(body: Element<'_, '_>) -> Self {
        let mut children = body.children();
        let (Some(answer), None) = (children.next(), children.next()) else { return Self::Otherwise };
        if answer.is(SOAP, "Fault") {
            return Self::Fault;
        }
        if !(answer.is(A, "sendMessageResponse") || answer.is(AC, "sendMessageResponse")) {
            return Self::Otherwise;
        }
        let mut responses = answer.children();
        let (Some(response), None) = (responses.next(), responses.next()) else { return Self::Otherwise };
        let text = |name| {
            let own = |child: &Element<'_, '_>| [A, AC, ""].contains(&child.namespace());
            let mut found = response.children().filter(|child| own(child) && child.name() == name);
            let one = found.next().filter(|_| found.next().is_none());
            one.and_then(Element::text).unwrap_or_default().trim().to_owned()
        };
        if response.name() != "response" {
            return Self::Otherwise;
        }
        Self::Over { message_id: text("messageId"), correlation_id: text("correlationId") }
    }
}
