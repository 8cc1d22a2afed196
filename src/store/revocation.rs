//! Applications for revocation, as the store keeps them (F-16 … F-21).

use crate::consent::identity::{Bin, Iin};
use crate::consent::revocation::{Applicant, Decision, Review};
use crate::random::Id;
use crate::text::Reason;
use time::Date;

/// An application as stored.
#[derive(Clone)]
pub struct Application {
    /// `application_id`.
    pub id: Id,
    /// The request whose token is contested.
    pub request: Id,
    /// The token, `jti`.
    pub token: Id,
    /// Who reviews.
    pub bin: Bin,
    /// Whose consent.
    pub iin: Iin,
    /// Who applied.
    pub applicant: Applicant,
    /// What the applicant says.
    pub comment: String,
    /// Unix milliseconds.
    pub filed: i64,
    /// The last day of the review.
    pub deadline: Date,
    /// Where it stands, time taken into account.
    pub review: Review,
}

/// What is to be revoked.
#[derive(Clone, Copy)]
pub enum Contested {
    /// By `token_id`.
    Token(Id),
    /// By `request_id`.
    Request(Id),
}

/// A new application.
pub struct Filing {
    /// Its id, if it becomes one.
    pub id: Id,
    /// What is to be revoked.
    pub contested: Contested,
    /// Whose consent.
    pub iin: Iin,
    /// Who applies.
    pub applicant: Applicant,
    /// What the applicant says.
    pub comment: String,
}

/// What became of a [`Filing`].
pub enum Filed {
    /// It was filed.
    New(Application),
    /// One is open already: this is it.
    Open(Application),
    /// No such token of this subject, or nothing to revoke any more.
    Refused(Reason),
}

/// One page of open applications.
pub struct Page {
    /// Oldest first.
    pub applications: Vec<Application>,
    /// There are more: those after this one.
    pub next: Option<Id>,
}

/// The initiator's decision.
pub struct Solution {
    /// Which application.
    pub application: Id,
    /// Who decides: must be the one who reviews.
    pub bin: Bin,
    /// How.
    pub decision: Decision,
}

/// What became of a [`Solution`].
pub enum Solved {
    /// Written down; the token ended with it, or stays.
    Done(Box<Application>),
    /// Unknown, another initiator's, or decided before.
    Refused(Reason),
}
