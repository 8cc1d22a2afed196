//! Where an application stands.

use super::event::Remark;
use super::written::day;
use serde::{Deserialize, Serialize};
use time::Date;

/// Where an application stands. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Filed; the reviewer decides.
    Submitted {
        /// Since when.
        at: i64,
        /// Last day of the review (I-9).
        #[serde(with = "day")]
        due: Date,
    },
    /// Returned for rework.
    Returned {
        /// Since when.
        at: i64,
        /// Why.
        remarks: Vec<Remark>,
    },
    /// Approved; the key of the verification tokens is awaited (I-10).
    Approved {
        /// What was approved.
        approved: Approved,
    },
    /// The initiator makes its ten answers (I-11).
    Testing {
        /// What was approved.
        approved: Approved,
        /// Why the last act was returned, if one was.
        remarks: Vec<Remark>,
    },
    /// The testing act is filed; the reviewer decides (I-12).
    ActSubmitted {
        /// What was approved.
        approved: Approved,
        /// The act.
        act: FiledAct,
        /// Last day of the review.
        #[serde(with = "day")]
        due: Date,
    },
    /// The act was accepted.
    Production {
        /// What was approved.
        approved: Approved,
        /// The act.
        act: FiledAct,
        /// Since when.
        at: i64,
    },
    /// Refused for good.
    Refused {
        /// Since when.
        at: i64,
        /// Why.
        remarks: Vec<Remark>,
    },
    /// Taken back by the organisation.
    Withdrawn {
        /// Since when.
        at: i64,
    },
}

/// What an approval fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// When, Unix milliseconds.
    pub at: i64,
    /// Id of the directory entry of each purpose, in the order of the form.
    pub entries: Vec<String>,
}

/// A testing act as it was filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiledAct {
    /// When, Unix milliseconds.
    pub at: i64,
    /// The signed act, a compact JWS.
    pub jws: String,
    /// Which key signed it.
    pub kid: String,
}
