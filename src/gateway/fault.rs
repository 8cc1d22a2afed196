//! What a party outside does wrong: each fault is counted, journalled with the request that met it, and never a grant.

use super::http_client::HttpError;
use crate::trust::Distrust;

/// Why a party gave nothing that can be used. Display is for logs: it holds nothing that the party said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PartyFault {
    /// No connection, or it broke.
    #[error("the party cannot be reached")]
    Unreachable,
    /// The time was up.
    #[error("no answer in time")]
    Timeout,
    /// It was not asked: it gave no answers lately, or too many wait for it.
    #[error("not asked, since it gave no answers lately or too many wait for it")]
    LeftAlone,
    /// No party of this kind is configured.
    #[error("not configured")]
    Absent,
    /// The message to it could not be made: ours.
    #[error("the question could not be made or signed")]
    Question,
    /// An HTTP status that is neither an answer nor a SOAP fault.
    #[error("an HTTP status that is no answer")]
    HttpStatus,
    /// Longer than is read.
    #[error("the answer is too long")]
    TooLong,
    /// Not XML, or XML that is not read: not UTF-8, a DTD, too deep.
    #[error("the answer is not XML that can be read")]
    NotXml,
    /// XML, but no SOAP envelope with an answer of the channel.
    #[error("the answer is not one of the channel's")]
    NotAnswer,
    /// Not signed.
    #[error("the answer is not signed")]
    Unsigned,
    /// Signed, but the signature does not hold.
    #[error("the signature of the answer does not hold")]
    Signature,
    /// Signed by another than the party, or by a certificate that is not believed.
    #[error("the answer is signed by a certificate that is not the party's")]
    Certificate,
    /// It answered with a SOAP fault.
    #[error("it answered with a fault")]
    Fault,
    /// It answered with an unknown status, or one that says it failed.
    #[error("it answered with a status that is not known or not a success")]
    Status,
    /// It answers another question than the one that was asked: one asked before, or by another.
    #[error("the answer is to another question")]
    OtherQuestion,
    /// What it says makes no sense: no such number, an element missing.
    #[error("the content of the answer makes no sense")]
    Content,
}

impl PartyFault {
    /// The stable word: label of the metric, and outcome in the journal.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::LeftAlone => "left-alone",
            Self::Absent => "absent",
            Self::Question => "question",
            Self::HttpStatus => "http-status",
            Self::TooLong => "too-long",
            Self::NotXml => "not-xml",
            Self::NotAnswer => "not-answer",
            Self::Unsigned => "unsigned",
            Self::Signature => "signature",
            Self::Certificate => "certificate",
            Self::Fault => "fault",
            Self::Status => "status",
            Self::OtherQuestion => "other-question",
            Self::Content => "content",
        }
    }

    /// Whether the party did it: it is there, and was asked.
    #[must_use]
    pub fn is_its_own(self) -> bool {
        !matches!(self, Self::LeftAlone | Self::Absent)
    }

    /// Whether nothing came at all: after some of these the party is left alone for a while.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(self, Self::Unreachable | Self::Timeout)
    }
}

impl From<HttpError> for PartyFault {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Address | HttpError::NoAuthorities | HttpError::Authorities => Self::Question,
            HttpError::Connect(_) | HttpError::Tls | HttpError::Broken => Self::Unreachable,
            HttpError::Timeout => Self::Timeout,
            HttpError::TooLong => Self::TooLong,
        }
    }
}

impl From<Distrust> for PartyFault {
    fn from(distrust: Distrust) -> Self {
        use crate::text::FaultCode;
        match distrust.fault() {
            FaultCode::TransportUnsigned => Self::Unsigned,
            FaultCode::TransportCertificate => Self::Certificate,
            _ => Self::Signature,
        }
    }
}
