//! `SyncChannel` v10 as a caller sees it (wire.md 1): a request, written strictly, and the answer, read liberally.

use super::sync_channel::{K, S, T};
use crate::clock;
use crate::trust::algorithm::SOAP;
use crate::trust::data_signature::is_signature;
use crate::xml::{Document, Element, Limits, Writer};
use secrecy::{ExposeSecret as _, SecretString};

/// What stands around the data of a request.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `messageId`: in the caller's system.
    pub message_id: &'a str,
    /// `correlationId`; the answer may bring it back.
    pub correlation_id: Option<&'a str>,
    /// `serviceId`.
    pub service_id: &'a str,
    /// `messageDate`, Unix milliseconds.
    pub at: i64,
    /// `sender/senderId`.
    pub sender_id: &'a str,
    /// `sender/password`.
    pub password: Option<&'a SecretString>,
}

impl Request<'_> {
    /// Writes the content of the Body; `data` writes the children of `data`, for which the prefix `s` is bound to [`S`].
    pub fn write<'n>(&self, writer: &mut Writer<'n>, data: impl FnOnce(&mut Writer<'n>)) {
        writer
            .open("t:SendMessage", &[("t", T), ("s", S)], &[])
            .open("request", &[], &[])
            .open("requestInfo", &[], &[])
            .leaf("messageId", self.message_id);
        if let Some(correlation_id) = self.correlation_id {
            writer.leaf("correlationId", correlation_id);
        }
        writer
            .leaf("serviceId", self.service_id)
            .leaf("messageDate", &clock::text(self.at))
            .open("sender", &[], &[])
            .leaf("senderId", self.sender_id);
        if let Some(password) = self.password {
            writer.leaf("password", password.expose_secret());
        }
        writer.close().close().open("requestData", &[], &[]).open("data", &[], &[]);
        data(writer);
        writer.close().close().close().close();
    }
}

/// What a Body holds is no answer of the channel, or one element of it is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Body holds no answer of SyncChannel")]
pub struct NoAnswer;

/// What a Body says in answer. Whether to believe it is the caller's to know.
pub enum Answer<'d, 'a> {
    /// An answer of the service.
    Reply(Reply<'d, 'a>),
    /// A SOAP fault.
    Fault(Fault),
}

/// An answer of a service, in either wrapper.
pub struct Reply<'d, 'a> {
    /// `correlationId`, unless it is empty.
    pub correlation_id: Option<String>,
    /// `responseDate`, Unix milliseconds, if it can be read.
    pub response_date: Option<i64>,
    /// `status/code`.
    pub code: String,
    /// `status/message`.
    pub message: String,
    /// `responseData/data`.
    pub data: Option<Element<'d, 'a>>,
}

/// What a SOAP fault says.
pub struct Fault {
    /// errorCode, or faultcode where there is no detail.
    pub code: String,
    /// errorMessage, or faultstring.
    pub message: String,
    /// errorData.
    pub data: String,
}

impl<'d, 'a> Answer<'d, 'a> {
    /// Reads what stands in a Body.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub fn read(body: Element<'d, 'a>) -> Result<Self, NoAnswer> {
        let mut children = body.children();
        let (Some(content), None) = (children.next(), children.next()) else { return Err(NoAnswer) };
        if content.is(SOAP, "Fault") {
            return Ok(Self::Fault(Fault::read(content)));
        }
        if content.is(T, "SendMessageResponse") || content.is(K, "sendMessageResponse") {
            return Reply::read(content).map(Self::Reply);
        }
        Err(NoAnswer)
    }

    /// Whether a Body holds a fault. It says nothing that needs to be believed, and may be unsigned.
    #[must_use]
    pub fn is_fault(body: Element<'_, '_>) -> bool {
        body.children().next().is_some_and(|content| content.is(SOAP, "Fault"))
    }
}

impl<'d, 'a> Reply<'d, 'a> {
    fn read(wrapper: Element<'d, 'a>) -> Result<Self, NoAnswer> {
        let ns = wrapper.namespace();
        let within = |parent, name| child(parent, name, |given| given.is_empty() || given == ns);
        let response = within(wrapper, "response")?.ok_or(NoAnswer)?;
        let info = within(response, "responseInfo")?.ok_or(NoAnswer)?;
        let status = within(info, "status")?.ok_or(NoAnswer)?;
        let text =
            |parent, name| within(parent, name).map(|element| element.map(own_text).unwrap_or_default());
        // `data` occurs in several namespaces and in none.
        let data = match within(response, "responseData")? {
            Some(holder) => child(holder, "data", |_| true)?,
            None => None,
        };
        Ok(Self {
            correlation_id: Some(text(info, "correlationId")?).filter(|id| !id.is_empty()),
            response_date: clock::parse(&text(info, "responseDate")?),
            code: text(status, "code")?,
            message: text(status, "message")?,
            data,
        })
    }

    /// The texts of those children of `data` that have one of `names`, in their order; others are passed over. They stand
    /// in `data`, in its one root element, or as XML in its text, which is parsed once by the same parser; unqualified or
    /// in the namespace [`S`].
    ///
    /// # Errors
    /// [`NoAnswer`]: there is no data, no XML in its text, or one of the children holds elements.
    pub fn fields(&self, names: &[&'static str]) -> Result<Vec<(&'static str, String)>, NoAnswer> {
        let data = self.data.ok_or(NoAnswer)?;
        if data.children().next().is_some() {
            return if data.has_text() { Err(NoAnswer) } else { leaves(data, names) };
        }
        let text = data.text().unwrap_or_default();
        let inner = Document::parse(text.trim().as_bytes(), &Limits::default()).map_err(|_| NoAnswer)?;
        if inner.has_processing_instruction() || inner.comment_in_text().is_some() {
            return Err(NoAnswer);
        }
        leaves(inner.root(), names)
    }
}

impl Fault {
    fn read(fault: Element<'_, '_>) -> Self {
        let text = |parent: Element<'_, '_>, name| {
            parent.children().find(|child| child.name() == name).map(own_text).unwrap_or_default()
        };
        let detail = fault.children().find(|child| child.name() == "detail");
        let Some(detail) = detail.and_then(|detail| detail.children().next()) else {
            // Of something else than a service of the channel: what it says is all there is.
            let (code, message) = (text(fault, "faultcode"), text(fault, "faultstring"));
            return Self { code, message, data: String::new() };
        };
        Self {
            code: text(detail, "errorCode"),
            message: text(detail, "errorMessage"),
            data: text(detail, "errorData"),
        }
    }
}

/// The one child of this name in a namespace that will do.
fn child<'d, 'a>(
    parent: Element<'d, 'a>,
    name: &str,
    will_do: impl Fn(&str) -> bool,
) -> Result<Option<Element<'d, 'a>>, NoAnswer> {
    let mut meant = parent.children().filter(|child| child.name() == name && will_do(child.namespace()));
    match (meant.next(), meant.next()) {
        (_, Some(_)) => Err(NoAnswer),
        (one, None) => Ok(one),
    }
}

fn own_text(element: Element<'_, '_>) -> String {
    element.text().unwrap_or_default().trim().to_owned()
}

fn leaves(data: Element<'_, '_>, names: &[&'static str]) -> Result<Vec<(&'static str, String)>, NoAnswer> {
    let mut children = data.children().filter(|child| !is_signature(*child));
    let holder = match (children.next(), children.next()) {
        (Some(root), None) if !names.contains(&root.name()) => root,
        _ => data,
    };
    let mut leaves = Vec::new();
    for child in holder.children() {
        let meant = names.iter().find(|name| **name == child.name());
        let Some(name) = meant.filter(|_| child.namespace().is_empty() || child.namespace() == S) else {
            continue;
        };
        leaves.push((*name, child.text().ok_or(NoAnswer)?.trim().to_owned()));
    }
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<R>(content: &str, look: impl FnOnce(Result<Answer<'_, '_>, NoAnswer>) -> R) -> R {
        let text =
            format!("<s:Body xmlns:s='{SOAP}' xmlns:t='{T}' xmlns:k='{K}' xmlns:v='{S}'>{content}</s:Body>");
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        look(Answer::read(document.root()))
    }

    /// `~` in it stands for the prefix of what is inside the wrapper.
    const INSIDE: &str = "<~response><~responseInfo><~messageId>1</~messageId><~correlationId>c</~correlationId>\
        <~responseDate>2026-04-01T12:00:00.000+05:00</~responseDate><~status><~code>SCSS001</~code>\
        <~message>m</~message></~status></~responseInfo><~responseData>DATA</~responseData></~response>";

    fn wrapped(wrapper: &str, prefix: &str, data: &str) -> String {
        format!("<{wrapper}>{}</{wrapper}>", INSIDE.replace('~', prefix).replace("DATA", data))
    }

    #[test]
    fn both_wrappers_are_read_with_their_elements_qualified_or_not() {
        let (t, k) = ("t:SendMessageResponse", "k:sendMessageResponse");
        for (wrapper, prefix) in [(t, ""), (t, "t:"), (k, ""), (k, "k:")] {
            let data = if prefix.is_empty() { "<k:data/>" } else { "<data/>" };
            with(&wrapped(wrapper, prefix, data), |answer| {
                let Ok(Answer::Reply(reply)) = answer else { panic!("{wrapper} {prefix}") };
                assert_eq!((reply.code.as_str(), reply.message.as_str()), ("SCSS001", "m"));
                assert_eq!(reply.correlation_id.as_deref(), Some("c"));
                assert_eq!(reply.response_date, Some(1_775_026_800_000));
                assert!(reply.data.is_some());
            });
        }
    }

    #[test]
    fn what_is_no_answer_or_says_something_twice_is_none() {
        let good = wrapped("t:SendMessageResponse", "", "<data/>");
        let code = "<code>SCSS001</code>";
        for text in [
            String::new(),
            format!("{good}{good}"),
            wrapped("t:SendMessage", "", "<data/>"),
            wrapped("SendMessageResponse", "", "<data/>"),
            wrapped("k:SendMessageResponse", "", "<data/>"),
            wrapped("t:SendMessageResponse", "v:", "<data/>"),
            wrapped("t:SendMessageResponse", "", "<data/><k:data/>"),
            good.replace(code, &format!("{code}{code}")),
            good.replace("<responseData>", "<responseInfo/><responseData>"),
        ] {
            assert_ne!(text, good);
            assert!(with(&text, |answer| answer.is_err()), "{text}");
        }
    }

    #[test]
    fn a_fault_is_told_from_an_answer_and_says_its_code() {
        let plain = "<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring></s:Fault>";
        let detailed = "<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring><detail><t:any>\
            <errorCode>SCE004</errorCode><errorMessage>m</errorMessage><errorData>d</errorData></t:any></detail></s:Fault>";
        for (text, code) in [(plain, "s:Server"), (detailed, "SCE004")] {
            with(text, |answer| {
                let Ok(Answer::Fault(fault)) = answer else { panic!("{text}") };
                assert_eq!(fault.code, code);
            });
        }
    }

    fn fields(data: &str) -> Result<Vec<(&'static str, String)>, NoAnswer> {
        with(&wrapped("t:SendMessageResponse", "", data), |answer| match answer {
            Ok(Answer::Reply(reply)) => reply.fields(&["status", "msisdn"]),
            _ => panic!("{data}"),
        })
    }

    #[test]
    fn the_data_is_read_from_every_place_where_it_occurs() {
        for data in [
            "<data><status> a </status><msisdn>1</msisdn><msisdn>2</msisdn></data>",
            "<data><v:status>a</v:status><other><b/></other><v:msisdn>1</v:msisdn><v:msisdn>2</v:msisdn></data>",
            "<data><v:any><status>a</status><msisdn>1</msisdn><msisdn>2</msisdn></v:any></data>",
            "<data>&lt;any>&lt;status>a&lt;/status>&lt;msisdn>1&lt;/msisdn>&lt;msisdn>2&lt;/msisdn>&lt;/any></data>",
            "<data><![CDATA[<a xmlns='urn:kdp:services:v1'><status>a</status><msisdn>1</msisdn><msisdn>2</msisdn></a>]]></data>",
        ] {
            let told = |name, text: &str| (name, text.to_owned());
            assert_eq!(
                fields(data),
                Ok(vec![told("status", "a"), told("msisdn", "1"), told("msisdn", "2")]),
                "{data}"
            );
        }
        assert_eq!(
            fields("<data><k:status>a</k:status><other>b</other></data>"),
            Ok(Vec::new()),
            "of another namespace"
        );
    }

    #[test]
    fn data_that_cannot_be_read_is_no_answer() {
        for data in [
            "",
            "<data/>",
            "<data>found 77010000001</data>",
            "<data>found<status>a</status></data>",
            "<data><status><b/></status><msisdn>1</msisdn></data>",
            "<data>&lt;!DOCTYPE a>&lt;a/></data>",
            "<data>&lt;a>&lt;status>x&lt;!-- y -->z&lt;/status>&lt;/a></data>",
        ] {
            assert_eq!(fields(data), Err(NoAnswer), "{data}");
        }
    }

    #[test]
    fn a_request_stands_in_the_order_of_the_contract() {
        let mut writer = Writer::new();
        let request = Request {
            message_id: "m",
            correlation_id: Some("c"),
            service_id: "X",
            at: 1_775_026_800_000,
            sender_id: "KDP",
            password: Some(&SecretString::from("p")),
        };
        request.write(&mut writer, |writer| {
            writer.leaf("s:iin", "1");
        });
        let text = String::from_utf8(writer.finish().unwrap().into_bytes()).unwrap();
        let expected = format!(
            "<t:SendMessage xmlns:t=\"{T}\"><request><requestInfo><messageId>m</messageId><correlationId>c</correlationId>\
             <serviceId>X</serviceId><messageDate>2026-04-01T12:00:00.000+05:00</messageDate><sender><senderId>KDP</senderId>\
             <password>p</password></sender></requestInfo><requestData><data><s:iin xmlns:s=\"{S}\">1</s:iin></data>\
             </requestData></request></t:SendMessage>"
        );
        assert_eq!(text, expected);
    }
}
