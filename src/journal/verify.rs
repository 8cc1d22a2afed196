//! Holds the journal against itself and its heads, record by record, and names the first place that does not hold.

mod broken;
mod overdue;
mod suspect;
pub(super) mod witness;

pub use broken::{Break, Part};
pub use overdue::GRACE;
pub use witness::{Named, OfNode, Tasks, Witness, chains, verify_all};

use super::head::{Flaw, Keys, SignedHead};
use super::{Chain, GENESIS, Stored};
use crate::store::StoreError;
use crate::store::journal::Trail;
use overdue::Overdue;
use std::collections::VecDeque;
use suspect::Suspect;

/// Heads that are read at once.
const HEADS: u32 = 500;
/// Records between two tellings of how far it is.
const STRIDE: i64 = 20_000;

/// Something that is known of a record from elsewhere than the chain.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The record.
    pub seq: i64,
    /// The chain up to it, or why the head that should tell is none.
    pub chain: Result<Chain, Flaw>,
    /// Of a head: when it was signed, Unix milliseconds. `None` of what is known from outside.
    pub at: Option<i64>,
}

impl Evidence {
    /// Of a head as it is kept.
    #[must_use]
    pub fn of(head: &SignedHead, keys: &Keys) -> Self {
        Self { seq: head.seq, chain: head.read(keys).map(|head| head.chain), at: Some(head.at) }
    }

    /// From outside: the log, another export, a note.
    #[must_use]
    pub fn outside((seq, chain): (i64, Chain)) -> Self {
        Self { seq, chain: Ok(chain), at: None }
    }
}

/// How far the journal was found to hold.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The record that it begins after; 0: none.
    begin: i64,
    /// The last record that holds.
    last: i64,
    chain: Chain,
    records: u64,
    heads: u64,
    known: u64,
    /// The last record that evidence has confirmed.
    confirmed: Option<i64>,
    /// Ascending, of records that are still to come.
    evidence: VecDeque<Evidence>,
    suspect: Option<Box<Suspect>>,
    overdue: Overdue,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The first place that does not hold.
    pub broken: Option<Break>,
    /// How many records hold.
    pub records: u64,
    /// The last of them.
    pub last: i64,
    /// The chain up to it.
    pub chain: Chain,
    /// How many heads confirm them.
    pub heads: u64,
    /// How many values that are known from outside do.
    pub known: u64,
    /// The last record that a head confirms, or what is known from outside.
    pub confirmed: Option<i64>,
    /// The last record of before there was a chain; 0: none. It was chained as it stood when there came to be one.
    pub taken_over: i64,
}

impl Verifier {
    /// Begins after record `last`, up to which the chain is `chain`; a whole journal after 0 and [`GENESIS`].
    #[must_use]
    pub fn after(last: i64, chain: Chain) -> Self {
        Self {
            begin: last,
            last,
            chain,
            records: 0,
            heads: 0,
            known: 0,
            confirmed: None,
            evidence: VecDeque::new(),
            suspect: None,
            overdue: Overdue::default(),
        }
    }

    /// Holds the times of heads against those of records, too: heads are due while these keys sign.
    #[must_use]
    pub fn with_heads_due(mut self, keys: &Keys) -> Self {
        self.overdue = Overdue::new(keys);
        self
    }

    /// The last record that it was shown.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.suspect.as_ref().map_or(self.last, |suspect| suspect.seq())
    }

    /// Adds evidence, which must be about a later record than the evidence before it.
    ///
    /// # Errors
    /// The [`Break`] that follows from it at once.
    pub fn expect(&mut self, evidence: Evidence) -> Result<(), Break> {
        // More than is ever read ahead: the end is missing, and the newest evidence of it is enough.
        if self.evidence.len() > 2 * HEADS as usize {
            self.evidence.pop_back();
        }
        self.evidence.push_back(evidence);
        self.weigh()
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// The [`Break`]; what changed a record is often seen by the next one only.
    pub fn record(&mut self, record: &Stored<'_>, chain: &[u8]) -> Result<(), Break> {
        if let Some(suspect) = self.suspect.take() {
            return Err(suspect.judge(&self.chain, record, chain));
        }
        let next = self.last.saturating_add(1);
        if record.seq > next {
            return Err(Break::Missing { from: next, to: record.seq - 1 });
        }
        if record.seq < next {
            return Err(Break::Inserted { seq: record.seq });
        }
        let link = record.link(&self.chain);
        if link != chain {
            self.suspect = Some(Box::new(Suspect::new(record, chain, link)));
            return Ok(());
        }
        (self.last, self.chain) = (next, link);
        self.records += 1;
        self.overdue.record(record);
        self.weigh()
    }

    /// No record follows.
    #[must_use]
    pub fn end(mut self) -> Found {
        let broken = match self.suspect.take() {
            Some(suspect) => Some(suspect.judge_last(self.evidence.front())),
            None => self.missing_end(),
        };
        self.found(broken)
    }

    /// The same of a whole journal at `now`, Unix milliseconds: a head of its end may be due.
    #[must_use]
    pub fn end_at(mut self, now: i64) -> Found {
        let due = self.overdue.head(now).map(|from| Break::Unsigned { from, to: self.last });
        let found = self.end();
        Found { broken: found.broken.or(due), ..found }
    }

    /// What was found, if this is where it broke.
    #[must_use]
    pub fn found(&self, broken: Option<Break>) -> Found {
        let Self { records, last, chain, heads, known, confirmed, .. } = *self;
        Found { broken, records, last, chain, heads, known, confirmed, taken_over: self.overdue.taken_over() }
    }

    fn missing_end(&self) -> Option<Break> {
        let first = self.evidence.front()?;
        let known = self.evidence.iter().rfind(|evidence| evidence.chain.is_ok());
        Some(match (known, first.chain) {
            (Some(known), _) => Break::Cut { last: self.last, known: known.seq },
            (None, Err(flaw)) => Break::Head { seq: first.seq, flaw },
            (None, Ok(_)) => Break::Cut { last: self.last, known: first.seq },
        })
    }

    fn weigh(&mut self) -> Result<(), Break> {
        while let Some(first) = self.evidence.front().filter(|first| first.seq <= self.last) {
            let (seq, at) = (first.seq, first.at);
            match first.chain {
                Err(flaw) => return Err(Break::Head { seq, flaw }),
                Ok(_) if seq < self.last => return Err(Break::Head { seq, flaw: Flaw::Misplaced }),
                Ok(chain) if chain != self.chain => {
                    let from = self.confirmed.unwrap_or(self.begin).saturating_add(1).min(seq);
                    return Err(Break::Rebuilt { from, to: seq });
                }
                Ok(_) => {}
            }
            if let Some(from) = at.and_then(|at| self.overdue.head(at)) {
                return Err(Break::Unsigned { from, to: seq });
            }
            self.confirmed = Some(seq);
            *(if at.is_some() { &mut self.heads } else { &mut self.known }) += 1;
            self.evidence.pop_front();
        }
        Ok(())
    }
}

/// What is to be verified.
pub struct Task<'t> {
    /// Keys of heads.
    pub keys: &'t Keys,
    /// The first record; more than 1: the chain value before it is believed.
    pub from: i64,
    /// What is known from elsewhere, such as the log: records and the chain up to them, ascending, none of before
    /// `from` but the last one.
    pub known: &'t [(i64, Chain)],
    /// Unix milliseconds: what no head covers then, though one was due, is told.
    pub now: i64,
}

/// Verifies one chain of a store up to the record that is the last one now. Memory is bounded; the service may run.
/// `progress` is told the last record that holds.
///
/// # Errors
/// [`StoreError`] when the journal cannot be read.
pub async fn verify(
    store: &dyn Trail,
    task: Task<'_>,
    mut progress: impl FnMut(i64),
) -> Result<Found, StoreError> {
    let end = store.journal_end().await?;
    let before = task.from.max(1) - 1;
    let verifier = Verifier::after(before, chain_up_to(store, before).await?);
    let mut verifier = verifier.with_heads_due(task.keys);
    let mut heads = Heads { after: before, until: end.head.unwrap_or(0), known: task.known.to_vec().into() };
    heads.known.retain(|(seq, _)| *seq >= before.max(1));
    let mut seen = before;
    loop {
        let batch = heads.next(store, task.keys).await?;
        let to = batch.last().map_or(end.seq, |evidence| evidence.seq.min(end.seq));
        let is_last = batch.is_empty();
        for evidence in batch {
            if let Err(broken) = verifier.expect(evidence) {
                return Ok(verifier.found(Some(broken)));
            }
        }
        while seen < to {
            seen = seen.saturating_add(STRIDE).min(to);
            verifier = match store.follow_journal(verifier, seen).await? {
                Ok(verifier) => verifier,
                Err(found) => return Ok(found),
            };
            progress(verifier.last);
        }
        if is_last {
            return Ok(verifier.end_at(task.now));
        }
    }
}

/// The chain up to a record; up to 0, [`GENESIS`].
pub(super) async fn chain_up_to(store: &dyn Trail, seq: i64) -> Result<Chain, StoreError> {
    if seq == 0 {
        return Ok(GENESIS);
    }
    let found = store.journal(seq - 1, 1).await?;
    let found = found.first().filter(|found| found.entry.seq == seq).map(|found| found.chain);
    found.ok_or_else(|| StoreError::Setup(format!("the journal has no record {seq} to begin after")))
}

/// Heads and what else is known, in order.
struct Heads {
    after: i64,
    until: i64,
    known: VecDeque<(i64, Chain)>,
}

impl Heads {
    /// The next of them; none are left when it is empty.
    async fn next(&mut self, store: &dyn Trail, keys: &Keys) -> Result<Vec<Evidence>, StoreError> {
        let mut heads = Vec::new();
        if self.after < self.until {
            heads = store.heads(self.after, HEADS).await?;
            heads.retain(|head| head.seq <= self.until);
            self.after = heads.last().map_or(self.until, |head| head.seq);
        }
        let mut evidence: Vec<_> = heads.iter().map(|head| Evidence::of(head, keys)).collect();
        let up_to = if evidence.is_empty() { i64::MAX } else { self.after };
        while let Some((seq, chain)) = self.known.pop_front_if(|(seq, _)| *seq <= up_to) {
            evidence.push(Evidence::outside((seq, chain)));
        }
        evidence.sort_by_key(|evidence| evidence.seq);
        Ok(evidence)
    }
}
