//! What is kept of a message until it is answered, under seal: as little as that takes.

use crate::dispatch::Caller;
use crate::random::Id;
use crate::registry::Sender;
use crate::service::access_request::{Answer, DryRun, NAMES, Word};
use crate::service::payload::{DataError, Fields};
use crate::soap::sync_channel::RequestInfo;
use crate::store::StoreError;
use crate::text::{Flaw, Lang, Reason, StatusCode};
use crate::token::jws::MAX_TOKEN_BYTES;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Who asked, and what it came to, or what was asked.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub sender: String,
    pub correlation_id: String,
    pub service_id: String,
    message_id: String,
    session_id: Option<String>,
    message_date: i64,
    body: [u8; 32],
    lang: String,
    pub content: Content,
}

/// What was asked is dropped as soon as it is decided.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// The fields, without the authentication token.
    Asked(BTreeMap<String, String>),
    /// What was wrong with them.
    Malformed(Malformed),
    /// It led to an access request, whose state is the answer: a token is kept there alone.
    Decided,
    /// It led to none: what was decided.
    Said(Said),
}

#[derive(Serialize, Deserialize)]
pub struct Malformed {
    reason: Reason,
    elements: Vec<String>,
    flaw: Flaw,
}

#[derive(Serialize, Deserialize)]
pub struct Said {
    status: StatusCode,
    word: Word,
    reason: Reason,
    detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dry_run: Option<DryRun>,
}

impl Kept {
    pub fn new(caller: &Caller, correlation_id: String, lang: Lang, content: Content) -> Self {
        let info = &caller.info;
        Self {
            sender: info.sender_id.clone(),
            correlation_id,
            service_id: info.service_id.clone(),
            message_id: info.message_id.clone(),
            session_id: info.session_id.map(|id| id.to_string()),
            message_date: info.message_date,
            body: caller.digest,
            lang: lang.code().to_owned(),
            content,
        }
    }

    pub fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(bytes).map_err(|_| StoreError::Unreadable("asynchronous.message"))
    }

    pub fn bytes(&self) -> Zeroizing<Vec<u8>> {
        // Plain structures with text keys: serde_json cannot fail on them.
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    pub fn lang(&self) -> Lang {
        Lang::parse(&self.lang).unwrap_or_default()
    }

    /// Set by ШЭП.
    pub fn session_id(&self) -> Option<Id> {
        self.session_id.as_deref().and_then(Id::parse)
    }

    /// The caller as it was, at another time.
    pub fn caller(&self, sender: Arc<Sender>, decision: Id, at: i64) -> Caller {
        let info = RequestInfo {
            message_id: self.message_id.clone(),
            correlation_id: Some(self.correlation_id.clone()),
            service_id: self.service_id.clone(),
            message_date: self.message_date,
            sender_id: self.sender.clone(),
            password: None,
            session_id: self.session_id(),
        };
        Caller { sender, info, digest: self.body, at, decision }
    }
}

impl Content {
    pub fn of(fields: Result<Fields, DataError>) -> Self {
        match fields {
            Ok(fields) => {
                let kept = fields.all().filter(|(name, _)| *name != "auth_token");
                Self::Asked(kept.map(|(name, text)| (name.to_owned(), beginning(text))).collect())
            }
            Err(error) => Self::Malformed(error.into()),
        }
    }

    /// What makes it the same request: neither its date nor how it was signed.
    pub fn identity(&self, service_id: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(&(service_id, self)).unwrap_or_default())
    }

    /// What was asked; `None`: it was decided.
    pub fn asked(&self) -> Option<Result<Fields, DataError>> {
        match self {
            Self::Asked(kept) => Some(Ok(Fields::collect(kept.clone(), NAMES))),
            Self::Malformed(Malformed { reason, elements, flaw }) => {
                Some(Err(DataError { reason: *reason, elements: elements.clone(), flaw: *flaw }))
            }
            Self::Decided | Self::Said(_) => None,
        }
    }
}

/// As much of a field as can matter: a longer token is malformed however it goes on, and would fill the disk.
fn beginning(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_TOKEN_BYTES + 1)).unwrap_or(text).to_owned()
}

impl From<DataError> for Malformed {
    fn from(DataError { reason, elements, flaw }: DataError) -> Self {
        Self { reason, elements, flaw }
    }
}

impl Said {
    /// Of an answer about no request: it holds no token.
    pub fn of(answer: &Answer) -> Self {
        let Answer { status, word, reason, detail, dry_run, .. } = answer;
        let (detail, dry_run) = (detail.clone(), dry_run.clone());
        Self { status: *status, word: *word, reason: *reason, detail, dry_run }
    }

    /// The answer.
    pub fn answer(&self, lang: Lang) -> Answer {
        let Self { status, word, reason, detail, dry_run } = self;
        let (detail, dry_run) = (detail.clone(), dry_run.clone());
        Answer { status: *status, detail, dry_run, ..Answer::new(*word, *reason, lang) }
    }
}
