//! What a running service does for its journal: heads signed, records handed on.

use super::forward;
use super::head::{self, Head, Keys, SignedHead, Tail};
use crate::app::App;
use crate::store::StoreError;
use crate::store::journal::{Ends, Journal, Keeping};
use crate::store::seal::hex;
use crate::token::key::{KeyError, KeyRing};
use crate::trust::sign::SignError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Longest time between two looks at how old the oldest record without a head is.
const LOOK: Duration = Duration::from_secs(5);
/// How often a head is made anew because something else was kept, or lost, while it was made.
const TRIES: u32 = 4;

/// Why no head was signed.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The journal cannot be read, or the head not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key signs now.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// What it would claim did not stand in the database any more, each time.
    #[error("what a head would say is not in the database any more when it is kept")]
    NotKept,
}

/// What a running service signed of the chains of other nodes. Whoever writes to the database takes the last head away, or
/// puts an older one back that is as authentic; this stays. Over a restart the lines of the log alone tell it.
#[derive(Debug, Default)]
pub struct Signed(Mutex<Vec<Tail>>);

impl Signed {
    /// Keeps these too; answers with all there are, one of a node: the later one, and of two as late what was first kept.
    fn unite(&self, others: &[Tail]) -> Vec<Tail> {
        let mut signed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tail in others {
            match signed.iter_mut().find(|known| known.node == tail.node) {
                Some(known) if known.seq < tail.seq => known.clone_from(tail),
                Some(_) => {}
                None => signed.push(tail.clone()),
            }
        }
        signed.sort_unstable();
        signed.clone()
    }
}

/// Signs a head of what a run of the service that ended without one left. It comes before the first message: so messages
/// that one head covers are never of two runs ([`super::verify::GRACE`]). Without a key the service serves all the same.
pub async fn begin(app: &App) {
    if let Err(error) = sign_now(app).await {
        tracing::error!(%error, "no head of the journal was signed at the start");
    }
}

/// Signs heads and hands records on until `stop` turns true; then once more what came last.
pub async fn keep(app: Arc<App>, stop: watch::Receiver<bool>) {
    let (targets, most) = (app.config.journal.targets(), app.config.journal.most_behind_seconds);
    let forward = |target| tokio::spawn(forward::forward(app.clone(), target, most, stop.clone()));
    // What cannot be read of the configuration was refused at the start.
    let targets: Vec<_> = targets.unwrap_or_default().into_iter().map(forward).collect();
    sign_heads(&app, stop).await;
    for target in targets {
        let _ = target.await;
    }
}

async fn sign_heads(app: &App, mut stop: watch::Receiver<bool>) {
    let every = Duration::from_secs(u64::from(app.config.journal.head_seconds));
    // By both clocks: a machine that slept, or whose clock was set, is late by one of them.
    let (mut left, mut due) = (Duration::ZERO, i64::MIN);
    let mut failing = false;
    loop {
        let now = app.clock.now();
        if left.is_zero() || now >= due || *stop.borrow() {
            (left, due) = (every, now.saturating_add(i64::from(app.config.journal.head_seconds) * 1000));
            let signed = sign_now(app).await;
            if let Err(error) = &signed
                && !failing
            {
                tracing::error!(%error, "no head of the journal was signed");
            }
            failing = signed.is_err();
        }
        if *stop.borrow() {
            return;
        }
        look(app).await;
        let nap = left.min(LOOK);
        left -= nap;
        let _ = tokio::time::timeout(nap, stop.wait_for(|stop| *stop)).await;
    }
}

/// Signs a head of what is there now, if anything is new.
///
/// # Errors
/// [`HeadError`]; it is counted.
pub async fn sign_now(app: &App) -> Result<(), HeadError> {
    let installation = &app.config.token.issuer;
    let signed =
        sign_after(&*app.store, &app.registry().keys, installation, app.clock.now(), &app.signed).await;
    let metrics = &app.metrics.journal;
    match signed {
        Ok(lost) => {
            let count = i64::try_from(lost.len()).unwrap_or(i64::MAX);
            if count > metrics.contradicted.set(count) {
                for Tail { node, seq, .. } in lost {
                    tracing::error!(
                        node,
                        seq,
                        "a record that was signed is not in the journal of another node"
                    );
                }
            }
            Ok(())
        }
        Err(error) => {
            metrics.head_errors.inc();
            Err(error)
        }
    }
}

async fn look(app: &App) {
    if let Ok(end) = app.store.journal_end().await {
        let age = end.uncovered_since.map_or(0, |since| (app.clock.now() - since).max(0) / 1000);
        app.metrics.journal.unsigned_seconds.set(age);
    }
}

/// As [`sign_after`], of a program that signed nothing before.
///
/// # Errors
/// [`HeadError`].
pub async fn sign(
    store: &dyn Journal,
    keys: &KeyRing,
    installation: &str,
    at: i64,
) -> Result<Vec<Tail>, HeadError> {
    sign_after(store, keys, installation, at, &Signed::default()).await
}

/// Signs a head of what is in the journal at `at` (Unix milliseconds), unless one covers it already: its own chain, and the
/// ends of the others. The head stands in the log as well, so that evidence exists outside of the database. Answers with
/// what this node signed of other chains before, and is not there any more: that stays claimed, for it is the evidence. It
/// signed what its last head says, and what `signed` keeps.
///
/// # Errors
/// [`HeadError`].
pub async fn sign_after(
    store: &dyn Journal,
    keys: &KeyRing,
    installation: &str,
    at: i64,
    signed: &Signed,
) -> Result<Vec<Tail>, HeadError> {
    for _ in 0..TRIES {
        let last = match store.journal_end().await?.head {
            Some(seq) => store.heads(seq - 1, 1).await?.pop(),
            None => None,
        };
        let read = last.as_ref().and_then(|last| last.read(&Keys::of_ring(keys)).ok());
        let known = signed.unite(read.as_ref().map_or(&[], |read| &read.others));
        let mut ends = store.journal_ends(known.clone()).await?;
        lose_unnamed(&mut ends, &known);
        let gone = ends.lost.clone();
        let next = Next { installation, at, node: store.node(), last, read };
        let Some((head, claims, replaces)) = next.head(ends) else { return Ok(gone) };
        let made = head::sign(&head, keys.current_receipt(at / 1000)?)?;
        if store.keep_head(Keeping { head: made, chain: head.chain, claims, replaces }).await? {
            signed.unite(&head.others);
            let others =
                head.others.iter().map(|Tail { node, seq, chain }| format!("{node}:{seq}:{}", hex(chain)));
            let others = others.collect::<Vec<_>>().join(" ");
            let others = (!others.is_empty()).then_some(others);
            tracing::info!(seq = head.seq, chain = hex(&head.chain), others, "journal head");
            return Ok(gone);
        }
    }
    Err(HeadError::NotKept)
}

/// A chain that was signed, and whose node is named nowhere any more, is lost as well.
fn lose_unnamed(ends: &mut Ends, known: &[Tail]) {
    for tail in known {
        if !ends.others.iter().chain(&ends.lost).any(|there| there.node == tail.node) {
            ends.lost.push(tail.clone());
        }
    }
}

/// What the next head comes after.
struct Next<'n> {
    installation: &'n str,
    at: i64,
    node: Option<&'n str>,
    /// The last head as it is kept,
    last: Option<SignedHead>,
    /// and read, if it can be.
    read: Option<Head>,
}

impl Next<'_> {
    /// The head that says where all ends, if it is another than the last; with those of its claims that were read now, and
    /// the head in whose place it comes.
    fn head(self, ends: Ends) -> Option<(Head, Vec<Tail>, Option<String>)> {
        let Ends { own, mut others, lost } = ends;
        // A database that came from nodes has a name in its heads only.
        let node = self.node.map(str::to_owned).or_else(|| self.read.as_ref()?.node.clone());
        others.retain(|tail| {
            Some(&tail.node) != node.as_ref() && lost.iter().all(|lost| lost.node != tail.node)
        });
        let mut claimed = [others.clone(), lost].concat();
        claimed.sort_unstable();
        let head = Head {
            installation: self.installation.to_owned(),
            at: self.at,
            seq: own.seq,
            chain: own.chain,
            node,
            renewed: None,
            others: claimed,
        };
        if own.uncovered_since.is_some() {
            return Some((head, others, None));
        }
        // What it says itself: an older one may have been put back in its place.
        if head.others == self.read.as_ref().map_or(&[][..], |read| &read.others) {
            return None;
        }
        match (self.last, self.read) {
            // What is none stays, to be found.
            (Some(_), None) => None,
            (Some(last), Some(read)) => {
                let renewed = Some(self.at.max(read.at));
                Some((
                    Head { at: read.at, seq: read.seq, chain: read.chain, renewed, ..head },
                    others,
                    Some(last.jws),
                ))
            }
            (None, _) => Some((head, others, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::journal::End;

    fn tail(node: &str, seq: i64) -> Tail {
        Tail { node: node.to_owned(), seq, chain: [9; 32] }
    }

    #[test]
    fn of_what_was_signed_the_later_counts_and_nothing_is_forgotten() {
        let signed = Signed::default();
        assert_eq!(signed.unite(&[tail("two", 6)]), [tail("two", 6)]);
        assert_eq!(signed.unite(&[tail("two", 3), tail("three", 1)]), [tail("three", 1), tail("two", 6)]);
        assert_eq!(signed.unite(&[tail("two", 7)]), [tail("three", 1), tail("two", 7)]);
        assert_eq!(signed.unite(&[]), [tail("three", 1), tail("two", 7)]);
    }

    #[test]
    fn a_chain_that_was_signed_and_is_named_nowhere_is_lost() {
        let own = End { seq: 1, chain: [1; 32], head: None, uncovered_since: None };
        let mut ends = Ends { own, others: vec![tail("two", 8)], lost: vec![tail("four", 2)] };
        lose_unnamed(&mut ends, &[tail("four", 2), tail("three", 1), tail("two", 6)]);
        assert_eq!(ends.lost, [tail("four", 2), tail("three", 1)]);
    }
}
