//! The verbs on operators: logging in, the first of them, and acts that need a second person.

use super::register::{Erased, Item};
use super::{Pending, Record};
use crate::consent::identity::Iin;
use crate::operator::fresh::Fresh;
use crate::operator::{Name, Operator};
use crate::random::Id;

/// What a login comes to. Nobody is told before it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The name is not locked, and what was brought is right.
    Welcome,
    /// It is wrong; that was counted.
    Wrong,
    /// The name is locked until then, Unix milliseconds; whether what was brought is right is not told.
    Locked(i64),
}

/// An act that needs a second person. What exactly is to be done is kept as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: Id,
    /// The command, `subject erase`.
    pub act: String,
    /// Keyed hash of what it is to be done to.
    pub digest: [u8; 32],
    /// Who asked.
    pub asked_by: String,
    /// When, Unix milliseconds.
    pub asked: i64,
    /// When it becomes void, Unix milliseconds.
    pub until: i64,
    /// Who approved it, and when.
    pub approved: Option<(String, i64)>,
    /// When it was carried out.
    pub done: Option<i64>,
}

/// What became of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// The act may be carried out now, once, by whoever asked for it.
    Now(Approval),
    /// It had been approved, or carried out, before.
    Before(Approval),
    /// Nobody approves what he asked for himself.
    Own,
    /// One of the two counts as the one who gave him his password.
    Fresh(Fresh),
    /// There is none of this id, or it is void.
    Unknown,
    /// It is about something else than was named.
    Other,
}

/// What became of a change of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is registered as this revision.
    Revision(u32),
    /// Somebody else changed the account meanwhile; nothing happened.
    Stale,
    /// Nobody would be left who can give access; nothing happened.
    LastOfficer,
}

/// Who carries out which approved act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The approval.
    pub id: Id,
    /// The command.
    pub act: &'static str,
    /// What it is done to.
    pub digest: [u8; 32],
    /// Who does it: the one who asked.
    pub by: Name,
}

/// Who and what is in a database, as far as it tells without its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Accounts of operators, dismissed ones too.
    pub operators: i64,
    /// Subjects that were ever known.
    pub subjects: i64,
    /// Chains of the journal: of each name that a node ever had.
    pub chains: i64,
}

/// The verbs on operators. See [`super::Store`].
pub trait Operators: Send + Sync {
    /// Until when a name is locked, Unix milliseconds, if it is: then that is journalled, and nothing that was brought
    /// needs to be looked at. `record.at` is the time.
    fn locked(&self, name: Name, record: Record) -> Pending<'_, Option<i64>>;
    /// Judges a login: `right` says whether what was brought is. Counts and journals a wrong one before it answers; `name`
    /// is what was typed, registered or not. `record.at` is the time.
    fn log_in(&self, name: Name, right: bool, record: Record) -> Pending<'_, Verdict>;
    /// Forgets the wrong passwords of a name, after it got a new one.
    fn unlock(&self, name: Name) -> Pending<'_, ()>;
    /// Registers the first operator; `false`, and nothing happened, when there is one.
    fn first_operator(&self, first: Item, record: Record) -> Pending<'_, bool>;
    /// Registers a change of an account as the revision behind `after`, unless that takes away the last security
    /// officer: also when two officers dismiss each other at the same time.
    fn keep_operator(&self, operator: Box<Operator>, after: u32, record: Record) -> Pending<'_, Kept>;

    /// Asks for a second person, or finds what was asked by the same person before and is not void or done.
    fn ask_approval(&self, asked: Approval, record: Record) -> Pending<'_, Approval>;
    /// Approves, as `by`, what was asked for under this id: `act` and `digest` say what the approver means.
    fn approve(&self, claim: Claim, record: Record) -> Pending<'_, Approved>;
    /// Approvals that are neither void nor done at `at`, oldest first.
    fn approvals(&self, at: i64) -> Pending<'_, Vec<Approval>>;
    /// Takes an approval for an act that follows outside of the database; `false`: it is not to be had (any more), or
    /// not by one who is [`Fresh`].
    fn claim(&self, claim: Claim, record: Record) -> Pending<'_, bool>;
    /// [`super::register::Register::erase`] as an approved act, in the same transaction; `None`: the approval is not
    /// to be had (any more).
    fn erase_approved(
        &self,
        claim: Claim,
        subject: Iin,
        before: i64,
        record: Record,
    ) -> Pending<'_, Option<Erased>>;
}
