//! Whether the database is within reach. While it is not nobody waits for it: verbs are refused at once, and in the background
//! one connection after the other is tried until one is made.

use super::connect::Place;
use super::fault::{UNREACHABLE, failed};
use crate::store::StoreError;
use deadpool_postgres::Pool;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;

/// After so long without its end a verb is taken for a sign that the database may be away: most take some milliseconds.
pub const DOUBTFUL: Duration = Duration::from_millis(1500);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// See the module.
pub struct Reach {
    place: Place,
    pool: Pool,
    away: watch::Sender<bool>,
    trying: AtomicBool,
}

impl Reach {
    /// Within reach, until a try shows otherwise.
    pub fn new(place: Place, pool: Pool) -> Self {
        Self { place, pool, away: watch::Sender::new(false), trying: AtomicBool::new(false) }
    }

    /// Whether it is known to be away.
    pub fn is_away(&self) -> bool {
        *self.away.borrow()
    }

    /// Ends when it is known to be away.
    pub async fn lost(&self) {
        // Its sender lives as long as this.
        let _ = self.away.subscribe().wait_for(|away| *away).await;
    }

    /// Has it tried whether the database is there, unless that is being tried.
    pub fn doubt(self: &Arc<Self>) {
        if !self.trying.swap(true, Ordering::SeqCst) {
            tokio::spawn(try_until_there(Trying(Arc::downgrade(self))));
        }
    }

    /// Who refuses by an answer of its own is there, and may go on serving whom it has: no more connections, a new password.
    async fn is_there(&self) -> bool {
        match self.place.connect().await {
            Some(Ok(_)) => true,
            Some(Err(error)) => failed(error) != StoreError::Unusable(UNREACHABLE),
            None => false,
        }
    }

    /// Connections of before: what became of them, each would tell in its own time only.
    fn forget(&self) {
        self.pool.retain(|_, _| false);
    }
}

/// However the trying ends, also with the runtime that it is done on: another may begin.
struct Trying(Weak<Reach>);

impl Drop for Trying {
    fn drop(&mut self) {
        if let Some(reach) = self.0.upgrade() {
            reach.trying.store(false, Ordering::SeqCst);
        }
    }
}

async fn try_until_there(trying: Trying) {
    while let Some(reach) = trying.0.upgrade() {
        if reach.is_there().await {
            if reach.is_away() {
                reach.forget();
            }
            reach.away.send_replace(false);
            return;
        }
        reach.away.send_replace(true);
        drop(reach);
        tokio::time::sleep(PAUSE).await;
    }
}
