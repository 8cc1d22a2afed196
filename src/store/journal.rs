//! The journal as it is read, signed and handed on. It is written by the verbs that it tells of.

use super::Pending;
use crate::journal::head::SignedHead;
use crate::journal::verify::{Found, Verifier};
use crate::journal::{Chain, Chained, Entry};
use crate::random::Id;

/// Where the journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The last record; 0: there is none.
    pub seq: i64,
    /// The chain up to it.
    pub chain: Chain,
    /// The last record that a head covers.
    pub head: Option<i64>,
    /// When the first record after that was made, Unix milliseconds.
    pub uncovered_since: Option<i64>,
}

/// A [`Verifier`] that may go on, or what it found.
pub type Followed = Result<Verifier, Found>;

/// The verbs on the journal. See [`super::Store`].
pub trait Journal: Send + Sync {
    /// Where it ends: one reading.
    fn journal_end(&self) -> Pending<'_, End>;
    /// Shows the verifier the records that follow, up to `to`.
    fn follow_journal(&self, verifier: Verifier, to: i64) -> Pending<'_, Followed>;
    /// Records after `after`, in order; [`super::StoreError::Unreadable`] names a value that is none.
    fn journal(&self, after: i64, most: u32) -> Pending<'_, Vec<Chained>>;
    /// The records of one decision, in order; none: there is no such decision.
    fn decision(&self, id: Id) -> Pending<'_, Vec<Entry>>;
    /// The first and the last record made from `from` to `to` (Unix milliseconds, `to` outside).
    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>>;
    /// Signed heads of records after `after`, in order.
    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>>;
    /// Keeps a head, unless there is one of this record already.
    fn keep_head(&self, head: SignedHead) -> Pending<'_, ()>;
    /// The last record that was handed to this target; 0: none was.
    fn forwarded(&self, target: &'static str) -> Pending<'_, i64>;
    /// Remembers that.
    fn keep_forwarded(&self, target: &'static str, seq: i64) -> Pending<'_, ()>;
}
