//! The answer of `KDP_SERVICE` (wire.md 2.2).

use super::dry_run::DryRun;
use crate::app::App;
use crate::clock;
use crate::consent::{Consent, End};
use crate::dispatch::Caller;
use crate::registry::ReplyForm;
use crate::soap::sync_channel::{Form, K, Node, Reply};
use crate::store::AccessRequest;
use crate::text::{Lang, Reason, StatusCode};

/// `data/status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// The subject is awaited.
    Pending,
    /// Here is the token.
    Valid,
    /// Refused, or a check failed.
    Invalid,
    /// Nobody answered in time.
    Timeout,
    /// БМГ has no number.
    NotFound,
    /// The data are wrong, or we failed.
    Error,
}

/// An answer before it is written.
pub struct Answer {
    /// `responseInfo/status`.
    pub status: StatusCode,
    /// `data/status`.
    pub word: Word,
    /// `data/reason`.
    pub reason: Reason,
    /// What exactly, in `status/message` and `reason_text`.
    pub detail: Option<String>,
    /// Language of the texts.
    pub lang: Lang,
    /// The request, if there is one.
    pub request: Option<AccessRequest>,
    /// Whether somebody came to see whether there is an answer yet.
    pub polled: bool,
    /// The checks, where nothing else was wanted.
    pub dry_run: Option<DryRun>,
}

impl Answer {
    /// An answer about no stored request.
    #[must_use]
    pub fn new(word: Word, reason: Reason, lang: Lang) -> Self {
        let status = StatusCode::Success;
        Self { status, word, reason, detail: None, lang, request: None, polled: false, dry_run: None }
    }

    /// The answer that the state of `request` gives; time was taken into account already.
    #[must_use]
    pub fn about(request: AccessRequest, lang: Lang) -> Self {
        let (word, reason) = match &request.consent {
            Consent::Granted { .. } => (Word::Valid, Reason::Granted),
            Consent::Closed { end: End::Invalid, reason, .. } => (Word::Invalid, *reason),
            Consent::Closed { end: End::Timeout, reason, .. } => (Word::Timeout, *reason),
            Consent::Closed { end: End::NotFound, reason, .. } => (Word::NotFound, *reason),
            _ => (Word::Pending, Reason::Waiting),
        };
        Self { request: Some(request), ..Self::new(word, reason, lang) }
    }

    /// Writes the answer in the sender's form.
    pub fn reply(self, app: &App, caller: &Caller) -> Reply {
        let words = &app.config.words;
        let word = match self.word {
            Word::Pending => &words.pending,
            Word::Valid => &words.valid,
            Word::Invalid => &words.invalid,
            Word::Timeout => &words.timeout,
            Word::NotFound => &words.not_found,
            Word::Error => &words.error,
        };
        let mut data = vec![Node::leaf("k:status", word)];
        let token = self.request.as_ref().and_then(|r| r.token.as_ref()).filter(|_| self.word == Word::Valid);
        if let Some(token) = token {
            data.push(Node::leaf("k:code", token.compact.clone()));
            data.push(Node::leaf("k:public-key", app.registry().public_key_of(&token.compact)));
        }
        if let Some(request) = &self.request {
            data.push(Node::leaf("k:request_id", request.id.to_string()));
        }
        data.push(Node::leaf("k:reason", self.reason.code().to_owned()));
        let mut text = self.reason.text(self.lang).to_owned();
        if let Some(detail) = &self.detail {
            text.push(' ');
            text.push_str(detail);
        }
        data.push(Node::leaf("k:reason_text", text));
        if self.word == Word::Pending {
            let usual = app.limits().poll_after_seconds;
            let polled = self.request.as_ref().filter(|_| self.polled);
            let seconds = polled.map_or(usual, |request| app.pace.next(request.id, caller.at, usual));
            data.push(Node::leaf("k:poll_after", seconds.to_string()));
        }
        if let Some(token) = token {
            data.push(Node::leaf("k:expires_at", clock::text(token.expires.saturating_mul(1000))));
        } else if let Some(until) = self.request.as_ref().and_then(|r| r.consent.until()) {
            data.push(Node::leaf("k:expires_at", clock::text(until)));
        }
        data.push(Node::leaf("k:decision_id", caller.decision.to_string()));
        data.extend(self.dry_run.as_ref().map(|dry_run| dry_run.node(self.lang)));
        Reply {
            form: match caller.sender.record.reply {
                ReplyForm::Kdp => Form::Kdp,
                ReplyForm::SyncChannel => Form::SyncChannel,
            },
            status: self.status,
            detail: self.detail,
            lang: self.lang,
            outcome: self.reason.code(),
            namespace: K,
            data,
        }
    }
}
