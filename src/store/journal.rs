//! The journal as it is read, signed and handed on. It is written by the verbs that it tells of.

use super::Pending;
use crate::journal::head::{SignedHead, Tail};
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

/// Where the chains end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// This node's own.
    pub own: End,
    /// Those of other nodes, by their names; none of a chain without records.
    pub others: Vec<Tail>,
    /// Of the ends that were asked about, those that stand there no more.
    pub lost: Vec<Tail>,
}

/// A head that is to be kept, and what it rests on.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// The head.
    pub head: SignedHead,
    /// The chain up to the record that it covers.
    pub chain: Chain,
    /// Ends of other chains that it claims, as they were read.
    pub claims: Vec<Tail>,
    /// The head of the same record in whose place it comes, as it stands there; `None`: there is none.
    pub replaces: Option<String>,
}

/// A [`Verifier`] that may go on, or what it found.
pub type Followed = Result<Verifier, Found>;

/// The verbs that read one chain of the journal. See [`super::Store`].
pub trait Trail: Send + Sync {
    /// Where it ends: one reading.
    fn journal_end(&self) -> Pending<'_, End>;
    /// Shows the verifier the records that follow, up to `to`.
    fn follow_journal(&self, verifier: Verifier, to: i64) -> Pending<'_, Followed>;
    /// Records after `after`, in order; [`super::StoreError::Unreadable`] names a value that is none.
    fn journal(&self, after: i64, most: u32) -> Pending<'_, Vec<Chained>>;
    /// The first and the last record made from `from` to `to` (Unix milliseconds, `to` outside).
    fn journal_span(&self, from: i64, to: i64) -> Pending<'_, Option<(i64, i64)>>;
    /// Signed heads of records after `after`, in order.
    fn heads(&self, after: i64, most: u32) -> Pending<'_, Vec<SignedHead>>;
    /// The chain up to each of these records that is there, in order.
    fn chains(&self, seqs: Vec<i64>) -> Pending<'_, Vec<(i64, Vec<u8>)>>;
}

/// The verbs on the journal: on the chain of this node, to which alone it appends, and on those of other nodes.
pub trait Journal: Trail {
    /// The name of this node; `None`, where there is only one.
    fn node(&self) -> Option<&str>;
    /// The names of all other nodes that ever left something, in order.
    fn other_nodes(&self) -> Pending<'_, Vec<String>>;
    /// The chain of another node.
    fn journal_of(&self, node: &str) -> Box<dyn Trail + '_>;
    /// Where all chains end, and which of the ends that are known stand there no more: one reading, of what is committed.
    fn journal_ends(&self, known: Vec<Tail>) -> Pending<'_, Ends>;
    /// The records of one decision, in order, of whatever node; none: there is no such decision.
    fn decision(&self, id: Id) -> Pending<'_, Vec<Entry>>;
    /// Keeps a head, unless another one was kept meanwhile, or what it rests on does not stand in this database: so no
    /// head ever knows more than the database that keeps it, also if the one from which it was read is lost. Says whether
    /// it is kept.
    fn keep_head(&self, keeping: Keeping) -> Pending<'_, bool>;
    /// The last record that was handed to this target; 0: none was.
    fn forwarded(&self, target: &'static str) -> Pending<'_, i64>;
    /// Remembers that.
    fn keep_forwarded(&self, target: &'static str, seq: i64) -> Pending<'_, ()>;
}
