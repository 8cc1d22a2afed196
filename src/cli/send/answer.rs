//! The answer of the service: read, believed or not, and explained.

use crate::cli::{Exit, Failure, Outcome, Result, argument};
use kdp::gateway::http_client::HttpAnswer;
use kdp::soap::envelope::Envelope;
use kdp::soap::sync_client::{self, Fault, Reply};
use kdp::text::{FaultCode, Lang, Reason};
use kdp::trust::Trust;
use kdp::xml::{Document, Element, Limits};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Where the elements of a dry run stand, and those of its checks.
const DRY_RUN: &str = "dry_run/";
const CHECK: &str = "dry_run/check/";

/// What came back.
pub struct Answer {
    http: u16,
    content: Content,
    signature: &'static str,
}

enum Content {
    Reply { code: String, message: String, data: Vec<(String, String)> },
    Fault { code: String, message: String, data: String },
}

/// What an answer is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// An access request, or its repeat.
    Access,
    /// The end of one.
    Cancelling,
    /// Its checks alone.
    DryRun,
    /// Another service.
    Other,
}

impl Answer {
    /// Reads an answer and verifies its signature at `at` (Unix seconds) when somebody is trusted.
    ///
    /// A fault may be unsigned, as it is by default; a reply may not.
    pub fn read(answer: &HttpAnswer, trust: Option<&Trust>, at: i64) -> Result<Self> {
        let unreadable = |why: &str| Failure::unusable(format!("HTTP {}: {why}", answer.status));
        let document = Document::parse(&answer.body, &Limits::default())
            .map_err(|error| unreadable(&format!("the answer is not XML: {error}")))?;
        let envelope = Envelope::read(&document).map_err(|fault| unreadable(&fault.detail))?;
        let signature = match trust {
            _ if sync_client::Answer::is_fault(envelope.body()) && envelope.security().is_empty() => {
                "none: faults are not signed"
            }
            None => "not checked: no --trust",
            Some(trust) => match trust.verify_offline(&envelope, at) {
                Ok(_) => "verified",
                Err(distrust) => {
                    let why = format!("the answer is not believed, nothing of it is shown: {distrust}");
                    return Err(Failure::refused(why));
                }
            },
        };
        let content = sync_client::Answer::read(envelope.body()).map_err(|e| unreadable(&e.to_string()))?;
        Ok(Self { http: answer.status, content: content.into(), signature })
    }

    /// A child of `data`, unless it is empty.
    pub fn data(&self, name: &str) -> Option<&str> {
        let Content::Reply { data, .. } = &self.content else { return None };
        data.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// `responseInfo/status/code`; none of a fault.
    pub fn code(&self) -> Option<&str> {
        match &self.content {
            Content::Reply { code, .. } => Some(code),
            Content::Fault { .. } => None,
        }
    }

    /// Code and message of a fault.
    pub fn fault(&self) -> Option<(&str, &str)> {
        match &self.content {
            Content::Reply { .. } => None,
            Content::Fault { code, message, .. } => Some((code, message)),
        }
    }

    /// The decision that the service journalled under this answer.
    pub fn decision(&self) -> Option<&str> {
        match &self.content {
            Content::Reply { .. } => self.data("decision_id"),
            Content::Fault { data, .. } => data.strip_prefix("decision ")?.split_once(". ").map(|(id, _)| id),
        }
    }

    /// What it says, in a few words.
    pub fn summary(&self) -> String {
        match &self.content {
            Content::Reply { code, .. } => {
                let word = |name| self.data(name).unwrap_or_default();
                format!("{code} {} {}", word("status"), word("reason")).trim_end().to_owned()
            }
            Content::Fault { code, message, .. } => format!("fault: {code} {message}"),
        }
    }

    /// The values of all elements under this path in `data`, in their order.
    pub fn values(&self, path: &str) -> Vec<&str> {
        let data = match &self.content {
            Content::Reply { data, .. } => data.as_slice(),
            Content::Fault { .. } => &[],
        };
        data.iter().filter(|(known, _)| known == path).map(|(_, value)| value.as_str()).collect()
    }

    /// When to ask again; `None`: the answer is final. The words of `status` are configuration, this is not.
    pub fn poll_after(&self) -> Option<Duration> {
        let seconds = self.data("poll_after")?.parse::<u64>().unwrap_or(5);
        Some(Duration::from_secs(seconds.max(1)))
    }

    /// Whether it is a success of what was asked.
    pub fn is_wanted(&self, asked: Asked) -> bool {
        match asked {
            Asked::Access => self.data("code").is_some() || self.poll_after().is_some(),
            Asked::Cancelling => {
                self.data("code").is_some() || self.data("reason") == Some(Reason::Cancelled.code())
            }
            Asked::DryRun => self.data("reason") == Some(Reason::DryRun.code()),
            Asked::Other => {
                let done = matches!(&self.content, Content::Reply { code, .. } if code == "SCSS001");
                done && self.data("active") != Some("false")
            }
        }
    }

    /// Prints it, as the answer to what was asked.
    pub fn report(&self, lang: Lang, asked: Asked, as_json: bool) -> Outcome {
        let wanted = self.is_wanted(asked);
        let remedy = if wanted { None } else { self.remedy(lang) };
        let outcome = Outcome::either(as_json, &self.value(remedy), || self.text(remedy));
        Outcome { exit: if wanted { Exit::Accepted } else { Exit::Refused }, ..outcome }
    }

    /// What to do about a no. A fault brings its own in errorData.
    fn remedy(&self, lang: Lang) -> Option<&'static str> {
        match &self.content {
            Content::Reply { .. } => {
                Reason::from_code(self.data("reason")?).map(|reason| reason.remedy(lang))
            }
            Content::Fault { code, data, .. } if data.is_empty() => {
                FaultCode::from_code(code).map(|fault| fault.remedy(lang))
            }
            Content::Fault { .. } => None,
        }
    }

    fn value(&self, remedy: Option<&str>) -> Value {
        let (status, data, fault) = match &self.content {
            Content::Reply { code, message, data } => {
                let data = object(data);
                (json!({ "code": code, "message": message }), Value::Object(data), Value::Null)
            }
            Content::Fault { code, message, data } => {
                let fault = json!({ "code": code, "message": message, "data": data });
                (Value::Null, Value::Null, fault)
            }
        };
        json!({
            "http": self.http, "status": status, "data": data, "fault": fault,
            "remedy": remedy, "signature": self.signature,
        })
    }

    fn text(&self, remedy: Option<&str>) -> String {
        let mut rows: Vec<(&str, String)> = Vec::new();
        match &self.content {
            Content::Reply { code, message, data } => {
                rows.push(("status", self.data("status").unwrap_or_default().to_owned()));
                rows.push(("message", format!("{code} {message}")));
                let apart = ["status", "code", "public-key"];
                let is_apart = |name: &str| apart.contains(&name) || name.starts_with(CHECK);
                let rest = data.iter().filter(|(name, _)| !is_apart(name));
                rows.extend(
                    rest.map(|(path, value)| (path.strip_prefix(DRY_RUN).unwrap_or(path), value.clone())),
                );
            }
            Content::Fault { code, message, data } => {
                rows.push(("fault", code.clone()));
                rows.push(("message", message.clone()));
                rows.push(("what to do", data.clone()));
            }
        }
        rows.extend(remedy.map(|remedy| ("what to do", remedy.to_owned())));
        rows.push(("signature", self.signature.to_owned()));
        rows.retain(|(_, value)| !value.is_empty());
        // What a server sends is shown on a terminal.
        let clean = |value: String| value.replace(char::is_control, " ");
        let rows: Vec<_> =
            rows.into_iter().map(|(name, value)| vec![name.to_owned(), clean(value)]).collect();
        let token = self.data("code").map(|token| format!("token\n{}\n", clean(token.to_owned())));
        argument::table(&rows) + &argument::table(&self.checks()) + &token.unwrap_or_default()
    }

    /// The checks of a dry run: whether each passes, its name, what was found and expected.
    fn checks(&self) -> Vec<Vec<String>> {
        let of = |name: &str| self.values(&format!("{CHECK}{name}"));
        let told = of("found").into_iter().zip(of("expected"));
        let rows = of("passed").into_iter().zip(of("name")).zip(told);
        let word = |passed: &str| if passed == "true" { "passes" } else { "FAILS" };
        let clean = |value: &str| value.replace(char::is_control, " ");
        rows.map(|((passed, name), (found, expected))| {
            let expected = format!("(expected: {})", clean(expected));
            vec![word(passed).to_owned(), clean(name), clean(found), expected]
        })
        .collect()
    }
}

impl From<sync_client::Answer<'_, '_>> for Content {
    fn from(answer: sync_client::Answer<'_, '_>) -> Self {
        match answer {
            sync_client::Answer::Reply(Reply { code, message, data, .. }) => {
                let data = data.into_iter().flat_map(Element::children);
                Self::Reply { code, message, data: data.flat_map(|child| leaves(child, "")).collect() }
            }
            sync_client::Answer::Fault(Fault { code, message, data }) => Self::Fault { code, message, data },
        }
    }
}

/// Names and values; a name that occurs more than once has an array.
fn object(data: &[(String, String)]) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in data {
        match object.get_mut(name) {
            None => {
                object.insert(name.clone(), json!(value));
            }
            Some(Value::Array(values)) => values.push(json!(value)),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    object
}

/// The texts in an element, by their paths.
fn leaves(element: Element<'_, '_>, path: &str) -> Vec<(String, String)> {
    let name = format!("{path}{}", element.name());
    if element.children().next().is_none() {
        return vec![(name, own_text(element))];
    }
    let path = format!("{name}/");
    element.children().flat_map(|child| leaves(child, &path)).collect()
}

fn own_text(element: Element<'_, '_>) -> String {
    element.text().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kdp::soap::sync_channel::K;
    use kdp::trust::algorithm::SOAP;

    fn reply(data: &str) -> String {
        format!(
            "<s:Envelope xmlns:s='{SOAP}'><s:Body><k:sendMessageResponse xmlns:k='{K}'><k:response><k:responseInfo>\
             <k:status><k:code>SCSS001</k:code><k:message>m</k:message></k:status></k:responseInfo><k:responseData>\
             <k:data>{data}</k:data></k:responseData></k:response></k:sendMessageResponse></s:Body></s:Envelope>"
        )
    }

    fn read(text: &str, trust: Option<&Trust>) -> Result<Answer> {
        Answer::read(&HttpAnswer { status: 200, body: text.to_owned().into() }, trust, 0)
    }

    fn report(data: &str, cancels: bool) -> Outcome {
        let asked = if cancels { Asked::Cancelling } else { Asked::Access };
        read(&reply(data), None).unwrap().report(Lang::En, asked, false)
    }

    #[test]
    fn the_token_of_a_yes_stands_alone_on_the_last_line() {
        let outcome =
            report("<k:status>VALID</k:status><k:code>a.b.c</k:code><k:reason>granted</k:reason>", false);
        assert_eq!(outcome.exit, Exit::Accepted);
        assert_eq!(outcome.text.lines().last(), Some("a.b.c"));
        assert!(!outcome.text.contains("what to do"), "{}", outcome.text);
    }

    #[test]
    fn a_wait_is_no_refusal_and_says_when_to_ask_again() {
        let data = "<k:status>PENDING</k:status><k:poll_after>7</k:poll_after><k:request_id>r</k:request_id>";
        assert_eq!(report(data, false).exit, Exit::Accepted);
        assert_eq!(read(&reply(data), None).unwrap().poll_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_no_says_what_to_do() {
        let outcome = report("<k:status>INVALID</k:status><k:reason>subject-refused</k:reason>", false);
        assert_eq!(outcome.exit, Exit::Refused);
        let remedy = Reason::SubjectRefused.remedy(Lang::En);
        assert!(outcome.text.contains(&format!("what to do  {remedy}")), "{}", outcome.text);
    }

    #[test]
    fn a_cancelled_request_is_a_success_of_cancel_alone() {
        let data = "<k:status>INVALID</k:status><k:reason>cancelled</k:reason>";
        assert_eq!(report(data, true).exit, Exit::Accepted);
        assert_eq!(report(data, false).exit, Exit::Refused);
    }

    #[test]
    fn a_fault_is_told_with_its_code_and_remedy() {
        let text = format!(
            "<s:Envelope xmlns:s='{SOAP}'><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>f</faultstring>\
             <detail><t:x xmlns:t='urn:t'><errorCode>SCE007</errorCode><errorMessage>m</errorMessage>\
             <errorData>sign it</errorData></t:x></detail></s:Fault></s:Body></s:Envelope>"
        );
        let outcome = read(&text, Some(&Trust::default())).unwrap().report(Lang::En, Asked::Access, true);
        assert_eq!(outcome.exit, Exit::Refused);
        let value: Value = serde_json::from_str(&outcome.text).unwrap();
        assert_eq!(value["fault"], json!({ "code": "SCE007", "message": "m", "data": "sign it" }));
    }

    #[test]
    fn an_unsigned_reply_is_not_shown_to_who_trusts_somebody() {
        let failure = read(&reply("<k:code>a.b.c</k:code>"), Some(&Trust::default())).err().unwrap();
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.text.contains("not believed") && !failure.text.contains("a.b.c"), "{}", failure.text);
    }

    #[test]
    fn what_is_no_answer_is_not_readable() {
        let foreign = format!("<s:Envelope xmlns:s='{SOAP}'><s:Body><other/></s:Body></s:Envelope>");
        let empty = format!("<s:Envelope xmlns:s='{SOAP}'><s:Body/></s:Envelope>");
        for text in ["", "<html/>", foreign.as_str(), empty.as_str()] {
            assert_eq!(read(text, None).err().unwrap().exit, Exit::Unusable, "{text}");
        }
    }

    #[test]
    fn control_characters_of_a_server_do_not_reach_the_terminal() {
        let outcome =
            report("<k:status>A&#x9;B&#xD;</k:status><k:reason_text>x&#x85;y</k:reason_text>", false);
        assert!(!outcome.text.chars().any(|c| c.is_control() && c != '\n'), "{:?}", outcome.text);
    }
}
