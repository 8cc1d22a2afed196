//! What a reviewer would return an application for, found before anybody files it (I-5, I-7, I-8).

mod method;
mod organisation;
mod purpose;
mod text;

use super::form::Form;
use super::rule::{Rule, Severity};
use crate::consent::directory::{Ground, ProactiveService};
use crate::consent::method::MAX_TERM;
use crate::text::Lang;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Display;

pub use method::key_flaw;
pub(super) use text::names_person;

/// What is registered, as far as a form is held against it.
#[derive(Clone, Debug)]
pub struct Known {
    /// BIN of the owner by `ServiceID`.
    pub owners: BTreeMap<String, String>,
    /// The directory of grounds, by id.
    pub grounds: BTreeMap<String, Ground>,
    /// Proactive services, by code.
    pub proactive: BTreeMap<String, ProactiveService>,
    /// BIN by `senderId`.
    pub senders: BTreeMap<String, String>,
    /// Whether unconfirmed grounds serve: in test installations only.
    pub unconfirmed: bool,
    /// Longest life of a security token, seconds.
    pub max_term_seconds: u64,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            owners: BTreeMap::new(),
            grounds: BTreeMap::new(),
            proactive: BTreeMap::new(),
            senders: BTreeMap::new(),
            unconfirmed: false,
            max_term_seconds: u64::from(MAX_TERM),
        }
    }
}

/// One thing that a reviewer would say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// Which rule.
    #[serde(rename = "code")]
    pub rule: Rule,
    /// JSON pointer (RFC 6901) to the field of the form.
    pub field: String,
    /// What was found there, and what it was held against; never of the contact, often empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
}

impl Objection {
    /// Whether the application would be returned for it.
    #[must_use]
    pub fn returns(&self) -> bool {
        self.rule.severity() == Severity::Returns
    }

    /// `{"code", "severity", "field", "found", "paragraph", "text": {"kk", "ru", "en"}, "remedy": {…}}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let each = |of: &dyn Fn(Lang) -> &'static str| -> Value {
            Lang::ALL.iter().map(|lang| (lang.code().to_owned(), Value::from(of(*lang)))).collect()
        };
        json!({
            "code": self.rule.code(), "severity": self.rule.severity().word(), "field": self.field,
            "found": self.found, "paragraph": self.rule.paragraph(),
            "text": each(&|lang| self.rule.text(lang)), "remedy": each(&|lang| self.rule.remedy(lang)),
        })
    }
}

/// Everything a reviewer would object to, in the order of the form's fields.
#[must_use]
pub fn preflight(form: &Form, known: &Known) -> Vec<Objection> {
    let mut report = Report::default();
    organisation::look(form, known, &mut report);
    purpose::look(form, known, &mut report);
    method::look(form, known, &mut report);
    report.0
}

/// Whether a text anywhere in the form, of whatever length, holds the IIN of a person, which nobody may keep there.
pub(super) fn form_names_person(form: &Form) -> bool {
    /// Fields that are no texts, or hold what an organisation says of itself.
    const OTHER: [&str; 5] = ["contact", "ovt_keys", "bin", "sender_id", "sha256"];
    fn visit(value: &Value) -> bool {
        match value {
            Value::String(text) => names_person(text),
            Value::Array(items) => items.iter().any(visit),
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| !OTHER.contains(&name.as_str()) && visit(value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    serde_json::to_value(form).is_ok_and(|form| visit(&form))
}

/// Collects objections.
#[derive(Default)]
struct Report(Vec<Objection>);

impl Report {
    fn object(&mut self, rule: Rule, field: impl Into<String>, found: impl Display) {
        self.0.push(Objection { rule, field: field.into(), found: found.to_string() });
    }
}
