//! `SyncChannel` v10 of ШЭП (wire.md 1): the call inside a verified Body, and the answer to it.
//!
//! Read liberally, write strictly: working clients differ in order, placeholders and namespaces.

use crate::clock;
use crate::fault::Fault;
use crate::random::Id;
use crate::soap::envelope::no_text;
use crate::text::{Lang, StatusCode};
use crate::trust::Verified;
use crate::xml::{Element, Writer};
use secrecy::SecretString;

/// Types of `SyncChannel` v10 (**T**).
pub const T: &str = "http://bip.bee.kz/SyncChannel/v10/Types";
/// Types of the КДП (**K**).
pub const K: &str = "http://service.2fa-chain.kz/ns/kdp";

/// The service's own messages (**S**, `schemas/kdp-services.xsd`).
pub const S: &str = "urn:kdp:services:v1";
/// The log of accesses (**P**, `schemas/kdp-personal-data.xsd`).
pub const P: &str = "http://service.2fa-chain.kz/ns/kdp/personalData";

/// Longest id that is taken over from a message, bytes.
const MAX_ID: usize = 256;

/// What stands around the payload of a request.
pub struct RequestInfo {
    /// Id in the sender's system.
    pub message_id: String,
    /// Chain id of the sender.
    pub correlation_id: Option<String>,
    /// Routes the call.
    pub service_id: String,
    /// Unix milliseconds.
    pub message_date: i64,
    /// Who claims to send.
    pub sender_id: String,
    /// Its password, unchecked.
    pub password: Option<SecretString>,
    /// Set by ШЭП.
    pub session_id: Option<Id>,
}

/// A call as it stands in a verified Body.
pub struct Call<'d, 'a> {
    /// Around the payload.
    pub info: RequestInfo,
    /// `data`, if it is there.
    pub data: Option<Element<'d, 'a>>,
}

impl<'d, 'a> Call<'d, 'a> {
    /// Reads the wrapper, `requestInfo` and `data` from the node that was verified.
    ///
    /// # Errors
    /// SCE001 naming the element.
    pub fn read(verified: &Verified<'d, 'a>) -> Result<Self, Fault> {
        let wrapper = Wrapper::read(verified.body())?;
        Ok(Self { info: RequestInfo::read(&wrapper.info)?, data: data_of(wrapper.data)? })
    }
}

/// The wrapper of a call, of which nothing inside has been read.
pub struct Wrapper<'d, 'a> {
    info: Children<'d, 'a>,
    data: Element<'d, 'a>,
}

impl<'d, 'a> Wrapper<'d, 'a> {
    /// Reads the wrapper in a Body.
    ///
    /// # Errors
    /// SCE001 naming the element.
    pub fn read(body: Element<'d, 'a>) -> Result<Self, Fault> {
        let mut calls = body.children();
        let call = calls.next().ok_or_else(|| Fault::format("Body is empty"))?;
        if calls.next().is_some() {
            return Err(Fault::format("Body holds more than one element"));
        }
        let known =
            call.is(T, "SendMessage") || call.is(T, "SendMessageRequest") || call.is(K, "sendMessageRequest");
        if !known {
            return Err(Fault::format("the child of Body is neither SendMessage nor sendMessageRequest"));
        }
        let inside = Children { ns: call.namespace(), parent: call };
        let request = inside.take(&["request"])?[0].ok_or_else(|| missing("request"))?;
        let [info, data] = inside.within(request).take(&["requestInfo", "requestData"])?;
        let info = inside.within(info.ok_or_else(|| missing("requestInfo"))?);
        let data = data.ok_or_else(|| missing("requestData"))?;
        Ok(Self { info, data })
    }

    /// What stands around the payload, to be explained.
    ///
    /// # Errors
    /// SCE001 naming the element.
    pub fn request_info(&self) -> Result<RequestInfo, Fault> {
        RequestInfo::read(&self.info)
    }

    /// `data`, to be explained.
    ///
    /// # Errors
    /// SCE001 naming the element.
    pub fn data(&self) -> Result<Option<Element<'d, 'a>>, Fault> {
        data_of(self.data)
    }
}

/// `data`, matched by local name: it occurs in several namespaces and in none.
pub(super) fn data_of<'d, 'a>(request_data: Element<'d, 'a>) -> Result<Option<Element<'d, 'a>>, Fault> {
    no_text(request_data)?;
    let mut data = None;
    for child in request_data.children() {
        if child.name() != "data" {
            return Err(unknown(child));
        }
        if data.replace(child).is_some() {
            return Err(twice("data"));
        }
    }
    Ok(data)
}

pub(super) fn missing(name: &str) -> Fault {
    Fault::format(format!("{name} is missing"))
}

fn twice(name: &str) -> Fault {
    Fault::format(format!("{name} is given twice"))
}

fn unknown(element: Element<'_, '_>) -> Fault {
    Fault::format(format!("{} is not expected here", element.path()))
}

/// The children of an element of the channel: in no namespace or in that of the wrapper.
#[derive(Clone, Copy)]
pub(super) struct Children<'d, 'a> {
    pub ns: &'d str,
    pub parent: Element<'d, 'a>,
}

impl<'d, 'a> Children<'d, 'a> {
    pub fn within(self, parent: Element<'d, 'a>) -> Self {
        Self { parent, ..self }
    }

    /// The children of these names, in the order of the names; another child or a second one is a fault.
    pub fn take<const N: usize>(
        self,
        names: &[&'static str; N],
    ) -> Result<[Option<Element<'d, 'a>>; N], Fault> {
        no_text(self.parent)?;
        let mut found = [None; N];
        for child in self.parent.children() {
            let ours = child.namespace().is_empty() || child.namespace() == self.ns;
            let place = names.iter().position(|name| ours && child.name() == *name);
            let slot = place.and_then(|i| found.get_mut(i)).ok_or_else(|| unknown(child))?;
            if slot.replace(child).is_some() {
                return Err(twice(child.name()));
            }
        }
        Ok(found)
    }
}

/// The children of `requestInfo`; `AsyncChannel` has one more in its own.
const INFO: [&str; 8] = [
    "messageId",
    "correlationId",
    "serviceId",
    "messageDate",
    "routeId",
    "sender",
    "sessionId",
    "properties",
];

impl RequestInfo {
    fn read(info: &Children<'_, '_>) -> Result<Self, Fault> {
        let found = Self::elements(info, &INFO)?;
        let message_id = mandatory("messageId", found[0])?;
        Self::of(info, found, message_id)
    }

    /// The same of `AsyncChannel`, with its `messageType`; there ШЭП fills in messageId, and it may be empty.
    pub(super) fn read_asynchronous(info: &Children<'_, '_>) -> Result<(Self, String), Fault> {
        let names: Vec<&str> = INFO.into_iter().chain(["messageType"]).collect();
        let found: [_; 9] = Self::elements(info, &names)?;
        let [common @ .., message_type] = found;
        let message_type = mandatory("messageType", message_type)?;
        let message_id = optional("messageId", found[0])?.unwrap_or_default();
        Ok((Self::of(info, common, message_id)?, message_type))
    }

    fn elements<'d, 'a, const N: usize>(
        info: &Children<'d, 'a>,
        names: &[&str],
    ) -> Result<[Option<Element<'d, 'a>>; N], Fault> {
        no_text(info.parent)?;
        let properties = |child: &Element<'_, '_>| child.name() == "properties";
        for property in info.parent.children().filter(properties) {
            check_property(&info.within(property))?;
        }
        let mut found = [None; N];
        for child in info.parent.children() {
            let ours = child.namespace().is_empty() || child.namespace() == info.ns;
            let place = names.iter().position(|name| ours && child.name() == *name);
            let slot = place.and_then(|i| found.get_mut(i)).ok_or_else(|| unknown(child))?;
            if slot.replace(child).is_some() && !properties(&child) {
                return Err(twice(child.name()));
            }
        }
        Ok(found)
    }

    fn of(
        info: &Children<'_, '_>,
        found: [Option<Element<'_, '_>>; 8],
        message_id: String,
    ) -> Result<Self, Fault> {
        let [_, correlation_id, service_id, date, route_id, sender, session_id, _] = found;
        optional("routeId", route_id)?;
        let sender = info.within(sender.ok_or_else(|| missing("sender"))?);
        let [sender_id, password] = sender.take(&["senderId", "password"])?;
        let date = mandatory("messageDate", date)?;
        Ok(Self {
            message_id,
            correlation_id: optional("correlationId", correlation_id)?,
            service_id: mandatory("serviceId", service_id)?,
            message_date: clock::parse(&date)
                .ok_or_else(|| Fault::format("messageDate is not an xs:dateTime"))?,
            sender_id: mandatory("senderId", sender_id)?,
            password: optional("password", password)?.map(SecretString::from),
            session_id: optional("sessionId", session_id)?.and_then(|id| Id::parse(&id)),
        })
    }
}

fn check_property(property: &Children<'_, '_>) -> Result<(), Fault> {
    for (name, element, most) in property
        .take(&["key", "value"])?
        .into_iter()
        .zip(["properties/key", "properties/value"])
        .zip([30, 500])
        .map(|((element, name), most)| (name, element, most))
    {
        let text = element.map_or(Some("".into()), Element::text);
        if text.ok_or_else(|| Fault::format(format!("{name} must hold text")))?.chars().count() > most {
            return Err(Fault::format(format!("{name} is longer than {most} characters")));
        }
    }
    Ok(())
}

pub(super) fn optional(
    name: &'static str,
    element: Option<Element<'_, '_>>,
) -> Result<Option<String>, Fault> {
    let Some(element) = element else { return Ok(None) };
    let text = element.text().ok_or_else(|| Fault::format(format!("{name} must hold text")))?;
    let text = text.trim();
    if text.len() > MAX_ID {
        return Err(Fault::format(format!("{name} is longer than {MAX_ID} bytes")));
    }
    // They go to log and journal, where a line must stay a line.
    if text.contains(char::is_control) {
        return Err(Fault::format(format!("{name} holds a control character")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

pub(super) fn mandatory(name: &'static str, element: Option<Element<'_, '_>>) -> Result<String, Fault> {
    optional(name, element)?.ok_or_else(|| missing(name))
}

/// Which of the two seen wrappers the answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{K}sendMessageResponse`, everything in K.
    Kdp,
    /// `{T}SendMessageResponse`, unqualified but for the children of `data`.
    SyncChannel,
}

/// A child of `data`; its name has the prefix `k`, `s` or `p` of its namespace.
pub struct Node {
    name: &'static str,
    content: Content,
}

enum Content {
    Text(String),
    Nodes(Vec<Node>),
}

impl Node {
    /// An element with text.
    #[must_use]
    pub fn leaf(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, content: Content::Text(text.into()) }
    }

    /// An element with elements.
    #[must_use]
    pub fn nodes(name: &'static str, nodes: Vec<Self>) -> Self {
        Self { name, content: Content::Nodes(nodes) }
    }

    /// Writes it, where its prefix is bound.
    pub fn write(&self, writer: &mut Writer<'_>) {
        match &self.content {
            Content::Text(text) => {
                writer.leaf(self.name, text);
            }
            Content::Nodes(nodes) => {
                writer.open(self.name, &[], &[]);
                for node in nodes {
                    node.write(writer);
                }
                writer.close();
            }
        }
    }
}

impl Reply {
    /// The text of the child of `data` with this name and prefix.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.data.iter().find(|node| node.name == name).and_then(|node| match &node.content {
            Content::Text(text) => Some(text.as_str()),
            Content::Nodes(_) => None,
        })
    }
}

/// An answer of a service, ready to be written.
pub struct Reply {
    /// Form of the wrapper.
    pub form: Form,
    /// `status/code`.
    pub status: StatusCode,
    /// What follows the standard text of `status/message`, such as an element's name.
    pub detail: Option<String>,
    /// Language of `status/message`.
    pub lang: Lang,
    /// Reason code, for log and metrics.
    pub outcome: &'static str,
    /// Namespace of the children of `data`: K, S or P.
    pub namespace: &'static str,
    /// Children of `data`, in order.
    pub data: Vec<Node>,
}

/// `status/message` is at most 250 characters long.
const MAX_MESSAGE: usize = 250;

impl Reply {
    /// Writes the content of the Body.
    pub fn write(&self, writer: &mut Writer<'_>, info: &RequestInfo, message_id: Id, at: i64) {
        let k = self.form == Form::Kdp;
        let name = |kdp: &'static str, plain: &'static str| if k { kdp } else { plain };
        let wrapper = name("k:sendMessageResponse", "t:SendMessageResponse");
        let prefix = match self.namespace {
            S => "s",
            P => "p",
            _ => "k",
        };
        writer
            .open(wrapper, &[(prefix, self.namespace), ("t", T)], &[])
            .open(name("k:response", "response"), &[], &[])
            .open(name("k:responseInfo", "responseInfo"), &[], &[])
            .leaf(name("k:messageId", "messageId"), &message_id.to_string());
        if let Some(correlation_id) = info.correlation_id.as_ref().filter(|_| !k) {
            writer.leaf("correlationId", correlation_id);
        }
        let mut message = self.status.message(self.lang).to_owned();
        if let Some(detail) = &self.detail {
            message.push_str(": ");
            message.push_str(detail);
        }
        let message: String = message.chars().take(MAX_MESSAGE).collect();
        writer
            .leaf(name("k:responseDate", "responseDate"), &clock::text(at))
            .open(name("k:status", "status"), &[], &[])
            .leaf(name("k:code", "code"), self.status.code())
            .leaf(name("k:message", "message"), &message)
            .close();
        if let Some(session_id) = &info.session_id {
            writer.leaf(name("k:sessionId", "sessionId"), &format!("{{{session_id}}}"));
        }
        writer.close().open(name("k:responseData", "responseData"), &[], &[]).open(
            name("k:data", "data"),
            &[],
            &[],
        );
        for node in &self.data {
            node.write(writer);
        }
        writer.close().close().close().close();
    }
}

/// Name, with the prefix `t`, and namespace of what stands in a fault's detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail(pub &'static str, pub &'static str);

impl Default for Detail {
    fn default() -> Self {
        Self("t:SendMessageFault1_SendMessageFault", T)
    }
}

/// Writes a fault into a Body. Every fault carries a decision id and what to do.
pub fn write_fault(
    writer: &mut Writer<'_>,
    Detail(name, ns): Detail,
    fault: &Fault,
    decision: Option<Id>,
    at: i64,
) {
    let message = fault.code.message(Lang::Ru);
    let remedy = fault.code.remedy(Lang::Ru);
    let decision = decision.map(|id| format!("decision {id}. ")).unwrap_or_default();
    let text = format!("{}: {message} ({})", fault.code.code(), fault.detail);
    let code = match fault.faultcode() {
        "VersionMismatch" => "soap:VersionMismatch",
        "MustUnderstand" => "soap:MustUnderstand",
        "Client" => "soap:Client",
        _ => "soap:Server",
    };
    writer
        .open("soap:Fault", &[("soap", crate::trust::algorithm::SOAP)], &[])
        .leaf("faultcode", code)
        .leaf("faultstring", &text)
        .open("detail", &[], &[])
        .open(name, &[("t", ns)], &[])
        .leaf("errorCode", fault.code.code())
        .leaf("errorMessage", &format!("{message} ({})", fault.detail))
        .leaf("errorData", &format!("{decision}{remedy}"))
        .leaf("errorDate", &clock::text(at))
        .close()
        .close()
        .close();
}
