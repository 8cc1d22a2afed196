//! Every way a message fails before it is a request: its code, its texts, its place in SOAP.

use crate::store::StoreError;
use crate::text::FaultCode;
use crate::trust::Distrust;
use crate::trust::data_signature::DataDistrust;
use crate::xml::XmlError;
use std::borrow::Cow;

/// Longest detail, characters.
const MAX_DETAIL: usize = 300;

/// A SOAP fault in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Wire code, log field and metric label at once.
    pub code: FaultCode,
    /// Which faultcode of SOAP 1.1.
    pub class: Class,
    /// What exactly is wrong, for the peer: rules, element names and positions, never content.
    pub detail: Cow<'static, str>,
}

/// faultcode of SOAP 1.1, 4.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `Client` or `Server`, as the code says.
    Ordinary,
    /// The envelope is of another SOAP version.
    VersionMismatch,
    /// A header that must be understood is not.
    MustUnderstand,
}

impl Fault {
    /// A fault of the ordinary classes.
    pub fn new(code: FaultCode, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        // Names of elements are a stranger's to choose: log and journal hold a line of them, not all.
        let detail = match detail.char_indices().nth(MAX_DETAIL) {
            None => detail,
            Some((end, _)) => Cow::Owned(format!("{}…", detail.get(..end).unwrap_or_default())),
        };
        Self { code, class: Class::Ordinary, detail }
    }

    /// SCE001 about `detail`.
    pub fn format(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FaultCode::Format, detail)
    }

    /// The local part of faultcode.
    #[must_use]
    pub fn faultcode(&self) -> &'static str {
        match self.class {
            Class::VersionMismatch => "VersionMismatch",
            Class::MustUnderstand => "MustUnderstand",
            Class::Ordinary if self.code.is_client_fault() => "Client",
            Class::Ordinary => "Server",
        }
    }
}

impl From<XmlError> for Fault {
    fn from(error: XmlError) -> Self {
        Self::format(error.to_string())
    }
}

impl From<Distrust> for Fault {
    fn from(distrust: Distrust) -> Self {
        Self::new(distrust.fault(), distrust.to_string())
    }
}

impl From<DataDistrust> for Fault {
    fn from(distrust: DataDistrust) -> Self {
        Self::new(distrust.fault(), distrust.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::new(FaultCode::Overloaded, "the database has too much to do"),
            _ => Self::new(FaultCode::Internal, "the message was not processed"),
        }
    }
}

impl From<crate::random::NoRandomness> for Fault {
    fn from(_: crate::random::NoRandomness) -> Self {
        Self::new(FaultCode::Internal, "the message was not processed")
    }
}
