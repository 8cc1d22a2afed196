//! What may be wrong with a journal.

use crate::journal::head::Flaw;

/// The first place that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// A record is not the one that was written.
    Changed {
        /// Its number.
        seq: i64,
        /// What of it.
        part: Part,
    },
    /// These records are not there; their numbers are free.
    Missing {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
    /// Records were taken out, and those after them numbered anew.
    Removed {
        /// The number at which they stood.
        at: i64,
        /// How many.
        count: i64,
    },
    /// A record was put in here, and those after it numbered anew.
    Inserted {
        /// Its number.
        seq: i64,
    },
    /// This record and the next stand in each other's place.
    Swapped {
        /// The number of the first.
        seq: i64,
    },
    /// This record does not follow the one before it: another one stands here, or it was changed with its chain.
    Replaced {
        /// Its number.
        seq: i64,
    },
    /// The end is missing: a head, or what the log says, knows of later records.
    Cut {
        /// The last record that is there.
        last: i64,
        /// The last one of which is known.
        known: i64,
    },
    /// A head, or what the log says, contradicts the chain: one of these records was changed, and all after it were
    /// chained anew.
    Rebuilt {
        /// The first that it may be.
        from: i64,
        /// The record that the head is about.
        to: i64,
    },
    /// A service that ran and had a key decided these, and no head covers them, or one that was signed long after: the
    /// heads in between were not signed, or were taken away.
    Unsigned {
        /// The first of them, as far as they prove it.
        from: i64,
        /// The record of the next head, or the last that there is.
        to: i64,
    },
    /// A head of another node contradicts the chain: one of these records was changed, and all after it were chained anew,
    /// with the node's own heads; or that head says what was not so.
    Contradicted {
        /// The first that it may be.
        from: i64,
        /// The record that the head speaks of.
        to: i64,
    },
    /// Nothing is there of a chain of which a head of another node speaks.
    Gone {
        /// The last record of which is known.
        known: i64,
    },
    /// A head is not one of ours.
    Head {
        /// The record that it is kept for.
        seq: i64,
        /// Why not.
        flaw: Flaw,
    },
}

/// Part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What it says.
    Content,
    /// Its chain value.
    Chain,
    /// One of the two: there is no record after it that would tell.
    Either,
}

impl Break {
    /// A stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Missing { .. } => "missing",
            Self::Removed { .. } => "removed",
            Self::Inserted { .. } => "inserted",
            Self::Swapped { .. } => "swapped",
            Self::Replaced { .. } => "replaced",
            Self::Cut { .. } => "cut",
            Self::Rebuilt { .. } => "rebuilt",
            Self::Unsigned { .. } => "unsigned",
            Self::Contradicted { .. } => "contradicted",
            Self::Gone { .. } => "gone",
            Self::Head { .. } => "head",
        }
    }

    /// The record at which the journal stops to hold.
    #[must_use]
    pub fn seq(&self) -> i64 {
        match *self {
            Self::Changed { seq, .. }
            | Self::Inserted { seq }
            | Self::Swapped { seq }
            | Self::Replaced { seq }
            | Self::Head { seq, .. } => seq,
            Self::Missing { from, .. }
            | Self::Rebuilt { from, .. }
            | Self::Unsigned { from, .. }
            | Self::Contradicted { from, .. } => from,
            Self::Gone { .. } => 1,
            Self::Removed { at, .. } => at,
            Self::Cut { last, .. } => last + 1,
        }
    }
}
