//! Whether the database can be used, as its last commit or read showed: what health tells, and one line of the log
//! when it changes. Nothing here stops work: each piece is tried, so that the store recovers when the cause ends. Damage
//! alone stays until the file was found whole.

use crate::metric::{CauseLabels, StoreMetrics};
use crate::store::StoreError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A page that cannot be right.
pub const DAMAGED: &str = "database damaged";
/// Reading or writing failed.
pub const DISK: &str = "database input or output error";
/// There was no room for what was written.
pub const FULL: &str = "database full";

/// A failure is over when there was none for so long: a disk that is almost full takes what is small.
const SETTLED: Duration = Duration::from_secs(1);

/// See the module.
pub struct Condition {
    state: Mutex<State>,
    metrics: Arc<StoreMetrics>,
}

struct State {
    cause: Option<&'static str>,
    /// When a failure was noted last.
    failed: Instant,
    /// When the last outcome was noted.
    judged: Instant,
    /// Whether a write may have failed since the files were waited for (`disk.rs`).
    suspect: bool,
}

impl Condition {
    /// Sound, until something else is noted.
    pub fn new(metrics: Arc<StoreMetrics>) -> Self {
        metrics.usable.set(1);
        Self { state: Mutex::new(State::sound()), metrics }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a commit came to.
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    pub fn committed(&self, outcome: &Result<(), StoreError>) {
        if let Err(error) = outcome {
            return self.failed(error);
        }
        let mut state = self.state();
        state.judged = Instant::now();
        if state.judged - state.failed < SETTLED {
            return;
        }
        // A commit beside a damaged page proves nothing about it.
        if let Some(cause) = state.cause.take_if(|cause| *cause != DAMAGED) {
            self.metrics.usable.set(1);
            tracing::warn!(cause, "the database can be used again");
        }
    }

    /// What reading or writing met; only faults of the machine count.
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    pub fn failed(&self, error: &StoreError) {
        let StoreError::Unusable(cause) = *error else { return };
        self.metrics.failures.get_or_create(&CauseLabels { cause }).inc();
        let mut state = self.state();
        state.suspect |= matches!(cause, DISK | FULL);
        state.judged = Instant::now();
        state.failed = state.judged;
        if state.cause != Some(cause) && state.cause != Some(DAMAGED) {
            state.cause = Some(cause);
            self.metrics.usable.set(0);
            tracing::error!(cause, "the database cannot be used; what comes is refused until it can");
        }
    }

    /// The file was looked through and is whole.
    pub fn whole(&self) {
        *self.state() = State::sound();
        self.metrics.usable.set(1);
        tracing::warn!(cause = DAMAGED, "the database was found whole and can be used again");
    }

    /// A checkpoint failed for this `cause`: what is committed is in the log, and stays there.
    pub fn checkpoint_failed(&self, cause: Option<&'static str>) {
        if let Some(cause @ (DISK | FULL)) = cause {
            self.metrics.failures.get_or_create(&CauseLabels { cause }).inc();
            self.state().suspect = true;
        }
    }

    /// Whether a write may have failed since [`Condition::waited_for`].
    pub fn is_suspect(&self) -> bool {
        self.state().suspect
    }

    /// The files were waited for, and dropped from memory.
    pub fn waited_for(&self) {
        self.state().suspect = false;
    }

    /// Whether nothing may be built on what is there.
    pub fn is_damaged(&self) -> bool {
        self.state().cause == Some(DAMAGED)
    }

    /// What was noted last, and how long ago.
    pub fn last(&self) -> (Result<(), StoreError>, Duration) {
        let state = self.state();
        (state.cause.map_or(Ok(()), |cause| Err(StoreError::Unusable(cause))), state.judged.elapsed())
    }
}

impl State {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    fn sound() -> Self {
        let now = Instant::now();
        Self { cause: None, failed: now, judged: now, suspect: false }
    }
}
