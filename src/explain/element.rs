//! The causes by which a call or its data are not understood.

use crate::fault::Fault;
use crate::service::payload::DataError;
use crate::text::{Cause, Flaw};
use crate::xml::Element;

/// Names of operations, and of elements of the channel: in another namespace they are meant all the same.
const OPERATIONS: [&str; 3] = ["SendMessage", "SendMessageRequest", "sendMessageRequest"];
const ELEMENTS: [&str; 15] = [
    "request",
    "requestInfo",
    "requestData",
    "data",
    "messageId",
    "correlationId",
    "serviceId",
    "messageDate",
    "routeId",
    "sender",
    "senderId",
    "password",
    "sessionId",
    "properties",
    "key",
];

/// Why the wrapper is none.
pub fn of_wrapper(fault: &Fault, body: Element<'_, '_>) -> Vec<Cause> {
    let mut operations = body.children();
    match operations.next() {
        Some(_) if fault.detail.starts_with("Body holds more") => vec![Cause::ElementTwice],
        Some(_) if !fault.detail.starts_with("the child of Body") => of_fault(fault, body),
        Some(operation) if OPERATIONS.contains(&operation.name()) => vec![Cause::WrapperNamespace],
        _ => vec![Cause::WrapperUnknown],
    }
}

/// Why an element of the channel is refused.
pub fn of_fault(fault: &Fault, body: Element<'_, '_>) -> Vec<Cause> {
    let detail = &*fault.detail;
    let stray = || {
        let named = detail.strip_suffix(" is not expected here").and_then(|path| path.rsplit('/').next());
        let is_meant = named.is_some_and(|name| {
            ELEMENTS.contains(&name)
                && body.descendants().any(|e| e.name() == name && !e.namespace().is_empty())
        });
        if is_meant { Cause::ElementNamespace } else { Cause::ElementUnexpected }
    };
    vec![of_words(detail).unwrap_or_else(stray)]
}

/// The cause that the words of a fault name by themselves.
pub fn of_words(detail: &str) -> Option<Cause> {
    let words = [
        ("is missing", Cause::ElementMissing),
        ("is given twice", Cause::ElementTwice),
        ("messageDate is not", Cause::MessageDate),
        ("text in data", Cause::DataNotXml),
        ("text stands", Cause::StrayText),
        ("must hold text", Cause::DataMalformed),
        ("is longer than", Cause::DataMalformed),
        ("control character", Cause::DataMalformed),
    ];
    words.into_iter().find(|(words, _)| detail.contains(words)).map(|(_, cause)| cause)
}

/// Why the data are not understood.
pub fn of_data(error: &DataError) -> Vec<Cause> {
    let cause = match error.flaw {
        Flaw::ControlDigit => Cause::IinControlDigit,
        Flaw::TwelveDigits => Cause::IinDigits,
        Flaw::Missing => Cause::ElementMissing,
        Flaw::Repeated => Cause::ElementTwice,
        Flaw::Unknown => Cause::ElementUnexpected,
        Flaw::Namespace => Cause::ElementNamespace,
        Flaw::Contradict | Flaw::OneOf => Cause::DataContradict,
        _ => Cause::DataMalformed,
    };
    vec![cause]
}
