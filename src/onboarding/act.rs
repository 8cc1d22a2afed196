//! The testing act (акт тестирования, I-11, I-12): what it says, as JSON; `schemas/testing-act.schema.json`
//! describes it. The service signs the JSON as a compact JWS; [`html`] prints it for people.

pub mod html;
pub mod signature;
mod word;

use super::refusal::Refused;
use super::testing::{Answer, Testing};
use super::why::Why;
use super::written::{day, moment};
use super::{Application, Approved, EDITION, NEEDED};
use crate::consent::directory::Name;
use crate::consent::identity::Bin;
use crate::consent::method::Method;
use crate::text::Reason;
use crate::token::rsa::VerifyingKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use time::Date;

/// `type` of an act, and `typ` of its JWS.
pub const TYPE: &str = "kdp-testing-act+jwt";
/// Answers that did not count which an act lists; of the others it tells the number.
pub const MAX_NOT_COUNTED: usize = 200;
/// How far the clocks of two installations may be apart, milliseconds.
const LEEWAY: i64 = 5 * 60 * 1000;

/// A testing act. Holds no personal data. Times are Unix milliseconds, written with their offset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Always [`TYPE`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The edition of the rules of integration that it was formed under.
    pub edition: String,
    /// Which installation of the service counted the answers.
    pub issuer: String,
    /// Id of the application there.
    pub application: String,
    /// Who was tested.
    pub organisation: Tested,
    /// When the application was approved.
    #[serde(with = "moment")]
    pub approved_at: i64,
    /// When the act was formed.
    #[serde(with = "moment")]
    pub formed_at: i64,
    /// Methods applied for.
    pub methods: Vec<Method>,
    /// Of these, those that no successful answer was obtained by.
    pub untested_methods: Vec<Method>,
    /// Purposes applied for.
    pub purposes: Vec<TestedPurpose>,
    /// How many successful answers are needed.
    pub needed: usize,
    /// The successful answers, oldest first.
    pub answers: Vec<TestedAnswer>,
    /// How many different subjects these are about.
    pub subjects: usize,
    /// How many more successful answers there are.
    pub more_answers: usize,
    /// The latest answers that did not count, oldest first, at most [`MAX_NOT_COUNTED`].
    pub not_counted: Vec<NotCounted>,
    /// How many did not count in all.
    pub not_counted_total: usize,
}

/// Who was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tested {
    /// Its name.
    pub name: Name,
    /// Its BIN.
    pub bin: String,
    /// `sender/senderId` of its messages.
    pub sender_id: String,
}

/// A purpose, and the directory entry that it was tested under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestedPurpose {
    /// Its name.
    pub name: Name,
    /// Id of the directory entry.
    pub directory_id: String,
    /// Its `ServiceIDs`.
    pub service_ids: Vec<String>,
    /// Its period, seconds.
    pub period_seconds: u64,
}

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestedAnswer {
    /// `decision_id` of the answer.
    pub decision_id: String,
    /// When it was decided.
    #[serde(with = "moment")]
    pub at: i64,
    /// `jti` of the security token.
    pub token_id: String,
    /// The way of asking.
    pub method: Method,
    /// Directory entry that the request named.
    pub directory_id: String,
    /// What was asked for.
    pub service_ids: Vec<String>,
}

/// An answer that did not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotCounted {
    /// `decision_id` of the answer.
    pub decision_id: String,
    /// When it was decided.
    #[serde(with = "moment")]
    pub at: i64,
    /// Why it did not count.
    pub why: Why,
    /// `data/reason` of the answer.
    pub reason: Reason,
}

/// A signed testing act that is filed; [`Filing::new`] verifies the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    jws: String,
    kid: String,
    evidence: Evidence,
    #[serde(with = "day")]
    due: Date,
}

/// What speaks for the answers that an act lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "kebab-case")]
pub enum Evidence {
    /// This installation made them: these decisions were successful, by its own count at the filing.
    Counted {
        /// Their decision ids.
        decisions: BTreeSet<String>,
    },
    /// Another installation, of the test environment, signed that it made them.
    Signed,
}

impl Evidence {
    /// What this installation counted itself.
    #[must_use]
    pub fn counted(testing: &Testing) -> Self {
        Self::Counted { decisions: testing.successful().map(|answer| answer.decision.clone()).collect() }
    }
}

/// Bytes that are no testing act. Repeats nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Not three parts in base64url.
    #[error("the signed act is not a compact JWS")]
    Jws,
    /// Another algorithm or kind of JWS, or a header with more in it.
    #[error("the header is not that of a testing act")]
    Header,
    /// Signed by a key that is not among those given.
    #[error("the key that signed the act is not among the keys of the service")]
    Key,
    /// The signature does not hold.
    #[error("the signature of the act is wrong")]
    Signature,
    /// Not the JSON of an act.
    #[error("the content is not the JSON of a testing act")]
    Json,
    /// Fewer answers than are needed.
    #[error("the act lists fewer successful answers than are needed")]
    TooFew,
    /// The same decision or the same token twice.
    #[error("the act lists an answer twice")]
    Repeated,
}

impl From<ActError> for Refused {
    fn from(error: ActError) -> Self {
        match error {
            ActError::TooFew | ActError::Repeated => Self::TooFewAnswers,
            ActError::Key | ActError::Signature => Self::ActSignature,
            ActError::Jws | ActError::Header | ActError::Json => Self::ActUnreadable,
        }
    }
}

impl Act {
    /// Forms the act of an application in testing, or again that of one whose act is filed.
    ///
    /// `issuer` names the installation; `at` is the time, Unix milliseconds.
    ///
    /// # Errors
    /// [`Refused`]: not approved, a key is awaited, or the ten answers are not there yet.
    pub fn form(
        application: &Application,
        testing: &Testing,
        issuer: &str,
        at: i64,
    ) -> Result<Self, Refused> {
        let approved = application.approval().ok_or(Refused::NotApproved)?;
        if matches!(application.state(), super::State::Approved { .. }) {
            return Err(Refused::KeyAwaited);
        }
        if !testing.is_complete() {
            return Err(Refused::TooFewAnswers);
        }
        let form = application.form();
        let answers: Vec<_> = testing.counted.iter().filter_map(TestedAnswer::of).collect();
        let subjects: BTreeSet<_> = testing.counted.iter().filter_map(|a| a.subject.as_ref()).collect();
        let purposes = approved.entries.iter().zip(&form.purposes).map(|(entry, purpose)| TestedPurpose {
            name: purpose.name.clone(),
            directory_id: entry.clone(),
            service_ids: purpose.service_ids.clone(),
            period_seconds: purpose.period_seconds,
        });
        let latest = testing.not_counted.len().saturating_sub(MAX_NOT_COUNTED);
        let not_counted = testing.not_counted.iter().skip(latest).map(|one| NotCounted {
            decision_id: one.answer.decision.clone(),
            at: one.answer.at,
            why: one.why,
            reason: one.answer.reason,
        });
        Ok(Self {
            kind: TYPE.to_owned(),
            edition: EDITION.to_owned(),
            issuer: issuer.to_owned(),
            application: application.id().to_owned(),
            organisation: Tested {
                name: form.organisation.name.clone(),
                bin: form.organisation.bin.clone(),
                sender_id: form.sender_id.clone(),
            },
            approved_at: approved.at,
            formed_at: at,
            methods: application.methods(),
            untested_methods: testing.untested(application),
            purposes: purposes.collect(),
            needed: testing.needed,
            answers,
            subjects: subjects.len(),
            more_answers: testing.extra.len(),
            not_counted: not_counted.collect(),
            not_counted_total: testing.not_counted.len(),
        })
    }

    /// The bytes to be signed: JSON without blanks, fields in the order of the schema.
    ///
    /// # Errors
    /// [`ActError::Json`], which no act that exists gives.
    pub fn payload(&self) -> Result<Vec<u8>, ActError> {
        serde_json::to_vec(self).map_err(|_| ActError::Json)
    }

    /// Reads the payload of a signed act.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn parse(payload: &[u8]) -> Result<Self, ActError> {
        let act: Self = serde_json::from_slice(payload).map_err(|_| ActError::Json)?;
        if act.kind != TYPE || Bin::parse(&act.organisation.bin).is_err() {
            return Err(ActError::Json);
        }
        if act.needed < NEEDED || act.answers.len() < act.needed {
            return Err(ActError::TooFew);
        }
        let decisions: BTreeSet<_> = act.answers.iter().map(|answer| &answer.decision_id).collect();
        let tokens: BTreeSet<_> = act.answers.iter().map(|answer| &answer.token_id).collect();
        if decisions.len() != act.answers.len() || tokens.len() != act.answers.len() {
            return Err(ActError::Repeated);
        }
        Ok(act)
    }

    /// Reads the act in a compact JWS whose signature was verified.
    ///
    /// # Errors
    /// [`ActError`].
    pub fn from_verified(jws: &str) -> Result<Self, ActError> {
        let mut parts = jws.trim().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ActError::Jws);
        };
        Self::parse(&URL_SAFE_NO_PAD.decode(payload).map_err(|_| ActError::Jws)?)
    }
}

impl TestedAnswer {
    fn of(answer: &Answer) -> Option<Self> {
        Some(Self {
            decision_id: answer.decision.clone(),
            at: answer.at,
            token_id: answer.token.clone()?,
            method: answer.method?,
            directory_id: answer.directory_id.clone()?,
            service_ids: answer.services.clone(),
        })
    }
}

impl Filing {
    /// Files a signed act; `due` is the last day of its review, counted by the caller (I-12).
    ///
    /// `keys` are those of the service that counted the answers: this one's, or with [`Evidence::Signed`] those of the
    /// test installation.
    ///
    /// # Errors
    /// [`Refused`]: the signature does not hold, or what it holds is no act, or one of too few answers.
    pub fn new(compact: &str, keys: &[VerifyingKey], evidence: Evidence, due: Date) -> Result<Self, Refused> {
        let (_, kid) = signature::verify(compact, keys)?;
        Ok(Self { jws: compact.trim().to_owned(), kid, evidence, due })
    }

    /// The signed act, a compact JWS.
    #[must_use]
    pub fn jws(&self) -> &str {
        &self.jws
    }

    /// Which key verified it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What speaks for the answers that it lists.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Last day of its review.
    pub(super) fn due(&self) -> Date {
        self.due
    }

    /// Holds the act against the application that it is filed for.
    pub(super) fn judge(
        &self,
        application: &Application,
        approved: &Approved,
        at: i64,
    ) -> Result<(), Refused> {
        let act = Act::from_verified(&self.jws)?;
        let form = application.form();
        if act.organisation.bin != form.organisation.bin {
            return Err(Refused::ActOfAnotherOrganisation);
        }
        match &self.evidence {
            Evidence::Counted { decisions } => {
                if act.application != application.id() || act.approved_at != approved.at {
                    return Err(Refused::ActOfAnotherApplication);
                }
                if act.formed_at < approved.at || act.formed_at > at {
                    return Err(Refused::ActTime);
                }
                if !act.answers.iter().all(|answer| decisions.contains(&answer.decision_id)) {
                    return Err(Refused::ActAnswersUnknown);
                }
            }
            Evidence::Signed => {
                if act.formed_at < act.approved_at || act.formed_at > at.saturating_add(LEEWAY) {
                    return Err(Refused::ActTime);
                }
            }
        }
        if !application.methods().iter().all(|method| act.methods.contains(method)) {
            return Err(Refused::ActMethods);
        }
        let tested: BTreeSet<_> = act.purposes.iter().flat_map(|purpose| &purpose.service_ids).collect();
        let mut wanted = form.purposes.iter().flat_map(|purpose| &purpose.service_ids);
        if !wanted.all(|service| tested.contains(service)) {
            return Err(Refused::ActServices);
        }
        Ok(())
    }
}
