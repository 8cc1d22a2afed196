//! Heads that were due and are not there, or were signed too late.
//!
//! A service signs a head when it starts, before it takes a message, and every few minutes at most while it runs. So the
//! messages that one head covers are those of its last minutes, and, after a crash, those of the last minutes before it.
//! Two that are further than [`GRACE`] from each other, the later as far from the head, show that it ran without
//! signing: or that heads were removed, and the chain was perhaps made anew.
//!
//! Messages alone are held against heads (they have a decision): acts of operators are journalled while the service is
//! down, and what fell due meanwhile is dated back. What a journal had before there was a chain, had no heads; where its
//! chain begins, stands in it.

use crate::journal::Stored;
use crate::journal::head::Keys;
use std::sync::Arc;

/// How long a service that runs and has a key may need for a head, milliseconds: six times the longest
/// `journal.head_seconds`.
pub const GRACE: i64 = 30 * 60_000;

/// Outcomes of the record by which a migration tells that what stood there was chained.
const BEGUN: [&[u8]; 2] = [b"chain begun", b"chain begun anew"];

/// See the module. Without keys nothing is due.
#[derive(Clone, Debug, Default)]
pub struct Overdue {
    /// When keys signed, Unix seconds, the end outside.
    times: Arc<[(i64, i64)]>,
    /// The last record of before there was a chain; 0: none.
    taken_over: i64,
    /// Whether there was anything that no journal without a chain has: an operator's name, a head.
    is_chained: bool,
    /// Number and time of the earliest message since the last head,
    first: Option<(i64, i64)>,
    /// and the time of the earliest one that is further than the grace from it.
    later: Option<i64>,
}

impl Overdue {
    pub fn new(keys: &Keys) -> Self {
        Self { times: keys.times().collect(), ..Self::default() }
    }

    pub fn taken_over(&self) -> i64 {
        self.taken_over
    }

    /// A record that holds.
    pub fn record(&mut self, record: &Stored<'_>) {
        self.is_chained |= !record.operator.is_empty();
        if begins_chain(record) && !self.is_chained {
            (self.taken_over, self.first, self.later) = (record.seq - 1, None, None);
            return;
        }
        if record.decision.is_none() || !self.signs(record.at) {
            return;
        }
        let (seq, at) = (record.seq, record.at);
        match self.first {
            Some((_, first)) if at > first.saturating_add(GRACE) => {
                self.later = Some(self.later.map_or(at, |later| later.min(at)));
            }
            Some((_, first)) if at >= first => {}
            _ if self.signs(at.saturating_add(GRACE)) => self.first = Some((seq, at)),
            _ => {}
        }
    }

    /// A head at `at`, Unix milliseconds, or the moment at which there still is none; answers with the first record that
    /// it should have covered long before.
    pub fn head(&mut self, at: i64) -> Option<i64> {
        self.is_chained = true;
        let (first, later) = (self.first.take(), self.later.take());
        let (seq, _) = first?;
        (at > later?.saturating_add(GRACE)).then_some(seq)
    }

    fn signs(&self, at: i64) -> bool {
        let at = at.div_euclid(1000);
        self.times.iter().any(|(from, until)| (*from..*until).contains(&at))
    }
}

/// Whether this is what a migration writes after the records that it chained.
fn begins_chain(record: &Stored<'_>) -> bool {
    let detail = format!("{{\"records\":{}}}", record.seq - 1);
    record.kind == b"administration" && BEGUN.contains(&record.outcome) && record.detail == detail.as_bytes()
}
