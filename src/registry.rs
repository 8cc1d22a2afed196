//! Who is registered: senders with their credentials and allowances, directory entries, keys of the service.
//!
//! A [`Registry`] is an immutable snapshot of the database; [`crate::app::App`] replaces it when it changed.

use crate::consent::calendar::Calendar;
use crate::consent::directory::{DirectoryEntry, Ground, ProactiveService};
use crate::consent::identity::Bin;
use crate::consent::method::{Allowance, Method};
use crate::consent::standing::Span;
use crate::text::Lang;
use crate::token::jws::unverified_kid;
use crate::token::key::KeyRing;
use crate::token::ovt::OvtKey;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What a sender may call (wire.md 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks for access (инициатор, оператор).
    Initiator,
    /// Owner of a register (собственник).
    Owner,
    /// A system of the e-government.
    Egov,
    /// «Мобильное правительство».
    Sms,
}

impl Role {
    /// The word in configuration and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Owner => "owner",
            Self::Egov => "egov",
            Self::Sms => "sms",
        }
    }
}

/// How a sender proves who it is (F-7 9, 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// `sender/password`.
    Password,
    /// `auth_token` among the data.
    Token,
    /// Both.
    Both,
}

/// Form of the answer to `KDP_SERVICE` (wire.md 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyForm {
    /// `{K}sendMessageResponse`, everything in K.
    Kdp,
    /// `{T}SendMessageResponse`, children of `data` in K.
    SyncChannel,
}

/// A registered sender, as the database keeps it. Secrets are here only as keyed hashes, hexadecimal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderRecord {
    /// `sender/senderId`.
    pub sender_id: String,
    /// Name of the organisation.
    pub name: String,
    /// What it may call.
    pub role: Role,
    /// Its BIN.
    pub bin: String,
    /// How it authenticates.
    pub auth: Auth,
    /// Keyed hash of the password.
    pub password: Option<String>,
    /// Keyed hash of the authentication token.
    pub token: Option<String>,
    /// Form of answers to it.
    pub reply: ReplyForm,
    /// `true`: one messageId, one body (KDP409), and `messageDate` is checked.
    pub strict: bool,
    /// What it may ask for.
    pub allowance: Allowance,
    /// Public keys of its verification tokens, PEM (public key or certificate): RSA or ГОСТ.
    pub ovt_keys: Vec<String>,
    /// Language of `reason_text` when the request names none: kk, ru or en.
    pub lang: String,
    /// Why each method is allowed (F-4, I-7, I-8).
    #[serde(default)]
    pub permits: Vec<Permit>,
    /// When it was suspended, with the last one open while it is.
    #[serde(default)]
    pub suspensions: Vec<Suspension>,
}

/// Why a method is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// Which method.
    pub method: Method,
    /// The agreement, act or integration application that it rests on.
    pub basis: String,
    /// The test protocol on file (I-8): its name or digest.
    #[serde(default)]
    pub protocol: Option<String>,
    /// Since when, Unix milliseconds.
    pub since: i64,
}

/// A time in which an initiator may not ask and its tokens do not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspension {
    /// From when to when.
    pub span: Span,
    /// Why, as the registrar wrote it.
    pub reason: String,
}

/// A registered sender, read and checked.
pub struct Sender {
    /// Which revision of its registration this is.
    pub revision: u32,
    /// As stored.
    pub record: SenderRecord,
    /// Parsed BIN.
    pub bin: Bin,
    /// Parsed keys, in order of registration.
    pub ovt_keys: Vec<OvtKey>,
    /// Default language.
    pub lang: Lang,
}

/// A stored registration that cannot be used; names the sender and the field.
#[derive(Debug, thiserror::Error)]
#[error("registration of sender {sender}: {field} is not usable")]
pub struct BadRegistration {
    /// `senderId`.
    pub sender: String,
    /// Which field.
    pub field: &'static str,
}

impl SenderRecord {
    /// Checks and parses what messages will be held against.
    ///
    /// # Errors
    /// [`BadRegistration`].
    pub fn read(self, revision: u32) -> Result<Sender, BadRegistration> {
        let bad = |field| BadRegistration { sender: self.sender_id.clone(), field };
        let bin = Bin::parse(&self.bin).map_err(|_| bad("bin"))?;
        let lang = Lang::parse(&self.lang).ok_or_else(|| bad("lang"))?;
        let needs = |auth| self.auth == auth || self.auth == Auth::Both;
        if needs(Auth::Password) && self.password.is_none() {
            return Err(bad("password"));
        }
        if needs(Auth::Token) && self.token.is_none() {
            return Err(bad("token"));
        }
        let ovt_keys = self
            .ovt_keys
            .iter()
            .map(|pem| OvtKey::from_pem(pem, None).map_err(|_| bad("ovt_keys")))
            .collect::<Result<_, _>>()?;
        Ok(Sender { revision, bin, ovt_keys, lang, record: self })
    }
}

impl Sender {
    /// Whether it is suspended at `at` (Unix milliseconds).
    #[must_use]
    pub fn is_suspended(&self, at: i64) -> bool {
        self.record.suspensions.iter().any(|suspension| suspension.span.covers(at))
    }
}

/// One consistent reading of what is registered.
pub struct Registry {
    /// Counts changes; equal versions are equal registries.
    pub version: i64,
    /// By `senderId`.
    pub senders: HashMap<String, Arc<Sender>>,
    /// By id.
    pub entries: HashMap<String, DirectoryEntry>,
    /// By id.
    pub grounds: HashMap<String, Ground>,
    /// By code.
    pub proactive: HashMap<String, ProactiveService>,
    /// Working days, with the acts that were loaded.
    pub calendar: Arc<Calendar>,
    /// Keys that sign the security tokens.
    pub keys: KeyRing,
}

impl Registry {
    /// The key that verifies this token of ours, for `public-key` of a reply; empty when it is not known.
    #[must_use]
    pub fn public_key_of(&self, compact: &str) -> String {
        let key = unverified_kid(compact).and_then(|kid| self.keys.find(&kid));
        key.map(|key| key.public_key_base64().to_owned()).unwrap_or_default()
    }
}
