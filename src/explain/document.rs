//! Bytes, XML and envelope: what the service reads before it believes anything.

use super::{Stage, State, Steps};
use crate::fault::{Class, Fault};
use crate::soap::envelope::{Envelope, Outline};
use crate::text::{Cause, FaultCode};
use crate::xml::{Document, ErrorKind, Limits, XmlError};

/// Size, encoding and XML; `None`: there is no document to go on with.
pub fn read<'a>(steps: &mut Steps, limit: usize, message: &'a [u8]) -> Option<Document<'a>> {
    let size = message.len();
    if size > limit {
        let detail = format!("{size} > {limit}");
        steps.fail(Stage::Size, FaultCode::TooLarge.code(), vec![Cause::TooLarge], &detail);
    } else {
        steps.pass(Stage::Size, size.to_string());
    }
    match Document::parse(message, &Limits::default()) {
        Ok(document) => {
            steps.pass(Stage::Encoding, "UTF-8");
            steps.pass(Stage::Xml, "XML 1.0");
            Some(document)
        }
        Err(error) => {
            let (stage, cause) = cause(error);
            if stage == Stage::Xml {
                steps.pass(Stage::Encoding, "UTF-8");
            }
            steps.fail(stage, FaultCode::Format.code(), vec![cause], &error.to_string());
            None
        }
    }
}

fn cause(error: XmlError) -> (Stage, Cause) {
    match error.kind {
        ErrorKind::Utf16 => (Stage::Encoding, Cause::Utf16),
        ErrorKind::Encoding => (Stage::Encoding, Cause::Encoding),
        ErrorKind::InvalidUtf8 => (Stage::Encoding, Cause::NotUtf8),
        ErrorKind::Doctype => (Stage::Xml, Cause::Doctype),
        ErrorKind::TooLarge
        | ErrorKind::TooDeep
        | ErrorKind::TooManyNodes
        | ErrorKind::TooManyAttributes
        | ErrorKind::TooManyAttributesOnElement
        | ErrorKind::NameTooLong => (Stage::Xml, Cause::XmlLimits),
        _ => (Stage::Xml, Cause::NotXml),
    }
}

/// The shape of the envelope, and what can be found in it in any case; `None`: there is no Body.
pub fn envelope<'d, 'a>(steps: &mut Steps, document: &'d Document<'a>) -> Option<Outline<'d, 'a>> {
    match Envelope::read(document) {
        Ok(_) => drop(steps.add(Stage::Envelope, State::Passed, "SOAP 1.1".to_owned())),
        Err(fault) => {
            let cause = cause_of_shape(&fault, document);
            steps.fail(Stage::Envelope, fault.code.code(), vec![cause], &fault.detail);
        }
    }
    Outline::of(document)
}

fn cause_of_shape(fault: &Fault, document: &Document<'_>) -> Cause {
    match fault.class {
        Class::VersionMismatch => return Cause::Soap12,
        Class::MustUnderstand => return Cause::HeaderNotUnderstood,
        Class::Ordinary => {}
    }
    if document.root().name() != "Envelope" {
        return Cause::NoEnvelope;
    }
    for (words, cause) in [
        ("mustUnderstand", Cause::HeaderNotUnderstood),
        ("processing instruction", Cause::Instruction),
        ("comment stands", Cause::CommentInText),
        ("text stands", Cause::StrayText),
    ] {
        if fault.detail.contains(words) {
            return cause;
        }
    }
    Cause::EnvelopeOrder
}
