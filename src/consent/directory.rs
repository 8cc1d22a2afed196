//! What was agreed beforehand: directory entries (записи справочника), grounds (основания) and proactive services.
//!
//! Each is registered in revisions: a change is a new revision, and a token names the one it was issued under.

use super::method::Method;
use serde::{Deserialize, Serialize};

/// A name in the two languages of the state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Name {
    /// қазақша
    pub kk: String,
    /// по-русски
    pub ru: String,
}

/// A directory entry (запись справочника): the agreed purpose (F-7 5, I-5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryEntry {
    /// Id that requests name.
    pub id: String,
    /// Counted by the store from 1; what is in the record is not believed.
    #[serde(default)]
    pub revision: u32,
    /// Organisation it was agreed with.
    pub bin: String,
    /// Name of the service that the data are needed for.
    #[serde(default)]
    pub name: Name,
    /// `ServiceIDs` of the purpose.
    pub services: Vec<String>,
    /// Period of the service: longest life of a token, seconds.
    pub period_seconds: u64,
    /// How long the initiator keeps the data, seconds.
    #[serde(default)]
    pub storage_seconds: u64,
    /// How long it processes them, seconds.
    #[serde(default)]
    pub processing_seconds: u64,
    /// Ground for the storage: the act and its article.
    #[serde(default)]
    pub storage_ground: String,
    /// Which data, for requests that leave `personal_data_name` out.
    pub data: String,
    /// Unix seconds from which the entry is in force.
    #[serde(default)]
    pub valid_from: i64,
    /// Unix seconds from which it is no longer in force; `None`: without an end.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// The integration application that it comes from.
    #[serde(default)]
    pub application: Option<String>,
}

/// A ground (основание) of methods 3 and 4: coded reason, L-9 (F-7 7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// Id that requests name.
    pub id: String,
    /// See [`DirectoryEntry::revision`].
    #[serde(default)]
    pub revision: u32,
    /// What it says.
    pub text: Name,
    /// Methods that it is a ground for: 3, 4 or both.
    pub methods: Vec<Method>,
    /// Where it stands: act, article, subparagraph.
    pub source: String,
    /// I-3: cases of this ground need no integration application.
    #[serde(default)]
    pub exempt: bool,
    /// Who held it against the act. Without it, only a test installation uses it.
    #[serde(default)]
    pub confirmed: Option<Confirmation>,
    /// Unix seconds from which it is no longer in force.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

/// That somebody held a ground against the act itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The act: name, number, date, article.
    pub act: String,
    /// Who confirms.
    pub operator: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// A proactive service (проактивная услуга) of method 3: its code belongs to one BIN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProactiveService {
    /// `proactive_code` of requests.
    pub code: String,
    /// See [`DirectoryEntry::revision`].
    #[serde(default)]
    pub revision: u32,
    /// Who provides it.
    pub bin: String,
    /// Its name.
    pub name: Name,
    /// `ServiceIDs` that it needs.
    pub services: Vec<String>,
    /// Period of the service: life of a token, seconds.
    pub period_seconds: u64,
    /// Unix seconds from which it is no longer provided.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

/// Whether something that ends at `expires_at` (Unix seconds) is in force at `at`.
#[must_use]
pub fn in_force(expires_at: Option<i64>, at: i64) -> bool {
    expires_at.is_none_or(|end| at < end)
}
