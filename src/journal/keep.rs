//! What a running service does for its journal: heads signed, records handed on.

use super::forward;
use super::head::{self, Head};
use crate::app::App;
use crate::store::StoreError;
use crate::store::journal::Journal;
use crate::store::seal::hex;
use crate::token::key::{KeyError, KeyRing};
use crate::trust::sign::SignError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longest time between two looks at how old the oldest record without a head is.
const LOOK: Duration = Duration::from_secs(5);

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
    let signed = sign(&*app.store, &app.registry().keys, installation, app.clock.now()).await;
    if signed.is_err() {
        app.metrics.journal.head_errors.inc();
    }
    signed
}

async fn look(app: &App) {
    if let Ok(end) = app.store.journal_end().await {
        let age = end.uncovered_since.map_or(0, |since| (app.clock.now() - since).max(0) / 1000);
        app.metrics.journal.unsigned_seconds.set(age);
    }
}

/// Signs a head of what is in the journal at `at` (Unix milliseconds), unless one covers it already. The head stands in
/// the log as well, so that evidence exists outside of the database.
///
/// # Errors
/// [`HeadError`].
pub async fn sign(store: &dyn Journal, keys: &KeyRing, installation: &str, at: i64) -> Result<(), HeadError> {
    let end = store.journal_end().await?;
    if end.uncovered_since.is_none() {
        return Ok(());
    }
    let head = Head { installation: installation.to_owned(), at, seq: end.seq, chain: end.chain };
    let signed = head::sign(&head, keys.current_receipt(at / 1000)?)?;
    store.keep_head(signed).await?;
    tracing::info!(seq = head.seq, chain = hex(&head.chain), "journal head");
    Ok(())
}
