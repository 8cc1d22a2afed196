//! The integration application as an organisation files it (заявка на интеграцию, I-5, I-7): JSON.
//!
//! Everything may be left out, so that the preflight names all that is missing at once; nothing unknown may be in it.

use crate::consent::directory::Name;
use crate::consent::method::Method;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest form, bytes of JSON.
pub const MAX_FORM: usize = 256 * 1024;

/// What is applied for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Form {
    /// Who applies.
    pub organisation: Organisation,
    /// `sender/senderId` of its messages.
    pub sender_id: String,
    /// Whom to speak with.
    pub contact: Contact,
    /// What for (I-5).
    pub purposes: Vec<Purpose>,
    /// How (I-7).
    pub methods: Vec<MethodWish>,
    /// Public keys of its verification tokens, PEM; may follow after the approval (I-10).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ovt_keys: Vec<String>,
}

/// The organisation that applies: the initiator to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organisation {
    /// Its name.
    pub name: Name,
    /// Its BIN, 12 digits.
    pub bin: String,
    /// What it is; which methods are open depends on it.
    pub kind: Option<Kind>,
    /// Whether it has a security operations centre (ОЦИБ, I-7).
    pub has_soc: bool,
}

/// Kinds of organisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Банк второго уровня.
    Bank,
    /// Another organisation of the financial market.
    Financial,
    /// Государственный орган, central or local.
    StateBody,
    /// Субъект квазигосударственного сектора.
    QuasiState,
    /// Any other organisation.
    Private,
}

/// The person of the organisation to speak with. Has no readable `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contact {
    /// Who.
    pub name: String,
    /// 10 to 15 digits, country code first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact(…)")
    }
}

/// One purpose (I-5): it becomes a directory entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Purpose {
    /// Its name, as subjects read it.
    pub name: Name,
    /// The business process: who needs the data at which step, and why.
    pub process: String,
    /// Names of the services for which the data are accessed.
    pub services: Vec<String>,
    /// `ServiceIDs` of the gateway.
    pub service_ids: Vec<String>,
    /// `personal_data_name`: which data.
    pub data: String,
    /// Period of the service, seconds: the longest life of a security token.
    pub period_seconds: u64,
    /// How long the data are kept, seconds; 0: not at all.
    pub storage_seconds: u64,
    /// How long they are processed, seconds.
    pub processing_seconds: u64,
    /// Why they are kept.
    pub storage_ground: StorageGround,
}

/// Ground for keeping the data (I-5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StorageGround {
    /// In words.
    pub text: String,
    /// The act that demands it: name, number, article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
}

impl StorageGround {
    /// The act, if one is named.
    #[must_use]
    pub fn act(&self) -> Option<&str> {
        self.act.as_deref().map(str::trim).filter(|act| !act.is_empty())
    }
}

/// A method applied for (I-7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MethodWish {
    /// Which of the five.
    pub method: Method,
    /// Its test protocol (I-8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_protocol: Option<TestProtocol>,
    /// Methods 3 and 4: ids in the directory of grounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ground_ids: Vec<String>,
    /// Method 3: the proactive service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proactive: Option<Proactive>,
}

/// A test protocol (протокол тестирования) that is kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestProtocol {
    /// Its number and date.
    pub reference: String,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
}

/// A proactive service (проактивная услуга) that the organisation provides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proactive {
    /// `proactive_code` of requests.
    pub code: String,
    /// Its name.
    pub name: Name,
}

/// A form that cannot be read. Repeats nothing of its values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than [`MAX_FORM`].
    #[error("the form is longer than {MAX_FORM} bytes")]
    TooLong,
    /// Not the JSON that is expected.
    #[error("line {line}, column {column}: {what}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
}

impl Form {
    /// Reads the JSON of a form.
    ///
    /// # Errors
    /// [`FormError`] names the place and what was expected there.
    pub fn parse(json: &[u8]) -> Result<Self, FormError> {
        if json.len() > MAX_FORM {
            return Err(FormError::TooLong);
        }
        serde_json::from_slice(json).map_err(|error| FormError::Json {
            line: error.line(),
            column: error.column(),
            what: without_values(&error.to_string()),
        })
    }

    /// Whether this method is applied for.
    #[must_use]
    pub fn wants(&self, method: Method) -> bool {
        self.methods.iter().any(|wish| wish.method == method)
    }

    /// Whether a method is applied for whose proof is a verification token.
    #[must_use]
    pub fn needs_key(&self) -> bool {
        self.methods.iter().any(|wish| wish.method.needs_ovt())
    }

    /// Whether a private key is in it, which nobody should have sent.
    #[must_use]
    pub fn holds_private_key(&self) -> bool {
        self.ovt_keys.iter().any(|pem| pem.contains("PRIVATE KEY"))
    }
}

/// The message of the JSON reader without what it found: that may be a phone number in the wrong place.
fn without_values(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    let names_only = ["unknown field", "missing field", "duplicate field", "a method is", "EOF", "trailing"];
    if names_only.iter().any(|start| message.starts_with(start)) {
        return message.to_owned();
    }
    match message.rsplit_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "not well-formed JSON".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        Form::parse(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_form_is_readable_so_that_everything_missing_is_named_at_once() {
        let form = Form::parse(b"{}").unwrap();
        assert_eq!(form, Form::default());
        assert!(!form.needs_key());
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_place_and_never_repeated() {
        assert!(refusal("{\n \"organization\": {}}").starts_with("line 2, column 15: unknown field"));
        let phone = refusal(r#"{"purposes": [{"period_seconds": "77010000001"}]}"#);
        assert!(phone.contains("expected u64") && !phone.contains("7701"), "{phone}");
        assert!(refusal(r#"{"methods": [{"method": 6}]}"#).contains("from 1 to 5"));
        let kind = refusal(r#"{"organisation": {"kind": "77010000001"}}"#);
        assert!(kind.contains("bank") && !kind.contains("7701"), "{kind}");
        let broken = refusal(r#"{"contact": {"phone": 77010000001}}"#);
        assert!(!broken.contains("7701"), "{broken}");
        assert_eq!(Form::parse(&vec![b' '; MAX_FORM + 1]), Err(FormError::TooLong));
    }

    #[test]
    fn the_contact_is_not_readable_in_debug() {
        let json = br#"{"contact": {"name": "Nobody", "phone": "77010000001", "email": "a@b.kz"}}"#;
        let shown = format!("{:?}", Form::parse(json).unwrap());
        assert!(!shown.contains("Nobody") && !shown.contains("7701") && !shown.contains("a@b"), "{shown}");
    }
}
