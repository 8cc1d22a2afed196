//! What happens to an application.

use super::act::Filing;
use super::form::Form;
use super::preflight::{Known, Objection, names_person, preflight};
use super::refusal::Refused;
use super::written::day;
use serde::{Deserialize, Serialize};
use time::Date;

/// Reasons of one decision.
const MAX_REMARKS: usize = 100;
/// Characters of one reason.
const MAX_REMARK: usize = 2000;

/// What happens to an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The organisation files it; always the first event, made by [`Application::submit`].
    Submit {
        /// What is applied for.
        form: Form,
        /// Last day of the review.
        #[serde(with = "day")]
        due: Date,
    },
    /// The reviewer returns application or act for rework.
    Return {
        /// Why; at least one.
        remarks: Vec<Remark>,
    },
    /// The organisation files a returned application again.
    Resubmit {
        /// What is applied for now.
        form: Form,
        /// Last day of the review.
        #[serde(with = "day")]
        due: Date,
    },
    /// The reviewer approves the application.
    Approve(Approval),
    /// The organisation registers the public part of its key (I-10).
    RegisterKey {
        /// Public key or certificate, PEM.
        pem: String,
    },
    /// The organisation files the testing act.
    SubmitAct(Filing),
    /// The reviewer accepts the act: production (I-12).
    Accept,
    /// The reviewer refuses for good.
    Refuse {
        /// Why; at least one.
        remarks: Vec<Remark>,
    },
    /// The organisation takes its application back.
    Withdraw,
    /// An act moved working days while the review runs: its term was computed anew (calendar.md).
    Redate {
        /// Last day of the review now.
        #[serde(with = "day")]
        due: Date,
    },
}

/// An approval with what it was judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    entries: Vec<String>,
    /// Objections that stood at that time and for which an application is returned: with one, nothing is approved.
    objections: Vec<Objection>,
}

impl Approval {
    /// Approves `form` as far as what is registered allows; `entries` are new ids of directory entries, one a purpose.
    #[must_use]
    pub fn new(form: &Form, known: &Known, entries: Vec<String>) -> Self {
        let objections = preflight(form, known).into_iter().filter(Objection::returns).collect();
        Self { entries, objections }
    }

    /// Ids of directory entries, in the order of the purposes.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        &self.entries
    }

    /// What stands in its way.
    #[must_use]
    pub fn objections(&self) -> &[Objection] {
        &self.objections
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, Unix milliseconds; never before the step before it.
    pub at: i64,
    /// What.
    pub event: Event,
}

/// A reason that a reviewer gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remark {
    /// In own words.
    Words(String),
    /// An objection of the preflight.
    Objection(Objection),
}

/// Reasons that somebody can act upon.
pub(super) fn sound(remarks: &[Remark]) -> Result<Vec<Remark>, Refused> {
    let is_blank = |remark: &Remark| matches!(remark, Remark::Words(text) if text.trim().is_empty());
    let is_fit = |remark: &Remark| match remark {
        Remark::Words(text) => {
            text.chars().count() <= MAX_REMARK && !text.chars().any(|c| c.is_control() && c != '\n')
        }
        Remark::Objection(_) => true,
    };
    if remarks.is_empty() || remarks.iter().any(is_blank) {
        return Err(Refused::ReasonsMissing);
    }
    if remarks.iter().any(|remark| matches!(remark, Remark::Words(text) if names_person(text))) {
        return Err(Refused::PersonNamed);
    }
    if remarks.len() > MAX_REMARKS || !remarks.iter().all(is_fit) {
        return Err(Refused::ReasonsUnfit);
    }
    Ok(remarks.to_vec())
}
