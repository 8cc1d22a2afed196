//! The five methods of asking (способ, F-4) and who is registered for what.

use super::identity::{Bin, ServiceIds};
use serde::{Deserialize, Serialize};

/// Longest life of a security token, seconds, whatever was agreed: 366 days. A key stays published so much longer than
/// it signs.
pub const MAX_TERM: u32 = 366 * 86_400;

/// Life of a security token of method 4, seconds, whatever was asked for (F-4 4).
pub const LOGGING_TERM: u64 = 15 * 60;

/// One of the five ways of asking (F-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Method {
    /// 1: the subject answers an SMS of 1414 with yes or no.
    Sms,
    /// 2: the initiator has the consent by its own means and proves it by a verification token.
    OwnMeans,
    /// 3: a proactive service.
    Proactive,
    /// 4: logging mode (протоколирование), without consent (L-9).
    Logging,
    /// 5: the subject tells the initiator a one-time code.
    Code,
}

impl Method {
    /// The number in the law and on the wire, 1 to 5.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Sms => 1,
            Self::OwnMeans => 2,
            Self::Proactive => 3,
            Self::Logging => 4,
            Self::Code => 5,
        }
    }

    /// Whether the proof is a verification token (methods 2, 3 and 4).
    #[must_use]
    pub fn needs_ovt(self) -> bool {
        matches!(self, Self::OwnMeans | Self::Proactive | Self::Logging)
    }

    /// Whether the subject is asked by SMS (methods 1 and 5).
    #[must_use]
    pub fn asks_subject(self) -> bool {
        !self.needs_ovt()
    }
}

impl TryFrom<u8> for Method {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::Sms),
            2 => Ok(Self::OwnMeans),
            3 => Ok(Self::Proactive),
            4 => Ok(Self::Logging),
            5 => Ok(Self::Code),
            _ => Err("a method is a number from 1 to 5"),
        }
    }
}

impl From<Method> for u8 {
    fn from(method: Method) -> Self {
        method.number()
    }
}

/// What an initiator asks for, in the law's terms (F-7). Made from a verified message only.
pub struct Ask {
    /// Whose data.
    pub iin: super::identity::Iin,
    /// Who asks.
    pub bin: Bin,
    /// `company_responsible`: responsible body.
    pub responsible: String,
    /// `employee_name`: who at the initiator asks.
    pub employee: String,
    /// `access_name`: which `ServiceIDs`; `None` when only a directory entry is named.
    pub services: Option<ServiceIds>,
    /// `personal_data_name`: which data, as the subject will read it.
    pub data: String,
    /// `expiresIn`, milliseconds; 0 when absent.
    pub expires_in_ms: u64,
    /// The way of asking.
    pub method: Method,
    /// The verification token, compact; unverified.
    pub ovt: Option<String>,
    /// F-7 5: id of the directory entry.
    pub directory_id: Option<String>,
    /// F-7 7: id in the directory of grounds.
    pub ground_id: Option<String>,
    /// Method 3: code of the proactive service.
    pub proactive_code: Option<String>,
}

/// The part of an initiator's registration that its requests are held against.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Allowance {
    /// Methods that the registration allows (F-4, I-7).
    pub methods: Vec<Method>,
    /// `ServiceIDs` it may ask for without a directory entry.
    pub services: Vec<String>,
    /// Longest life of a token, seconds.
    pub max_term_seconds: u64,
    /// `true`: this BIN may use logging mode (F-6, method 4), beside the method being allowed.
    pub logging: bool,
    /// `true`: `personal_data_name` may be empty (seen in old clients).
    pub legacy: bool,
    /// `true`: only a verification token bound to the subject by `uin` is accepted.
    pub ovt_bound: bool,
    /// Form of the one-time code of method 5.
    pub code: CodeForm,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            methods: vec![Method::Sms],
            services: Vec::new(),
            max_term_seconds: 90 * 86_400,
            logging: false,
            legacy: false,
            ovt_bound: false,
            code: CodeForm::Digits,
        }
    }
}

/// Form of the one-time code of method 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeForm {
    /// Six digits.
    Digits,
    /// Six capital letters and digits, without those that look alike.
    Alphanumeric,
}
