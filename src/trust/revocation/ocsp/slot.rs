//! What is known of one certificate, and whose turn it is to ask.

use super::OcspError;
use super::answer::{FRESH, Status};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// How long nobody asks after a failure, seconds.
const PAUSE: i64 = 5;
/// How long after a failure the service counts as out of reach: its users are told so and do not wait, seconds.
const OUTAGE: i64 = 60;
/// How long before its end an answer is renewed, seconds, and at most which part of its time that is.
const ENDING: (i64, i64) = (60, 5);

/// What was learned of a certificate.
#[derive(Default)]
pub struct Slot {
    memory: Mutex<Memory>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Memory {
    answer: Option<Answer>,
    /// Why there was no answer to the last question, and when it was put, Unix seconds.
    failure: Option<(OcspError, i64)>,
}

/// An answer; moments are Unix seconds.
struct Answer {
    status: Status,
    /// When it was asked for.
    since: i64,
    /// The last one at which it is fresh.
    until: i64,
}

/// The right to ask; it ends with this.
pub type Turn = OwnedMutexGuard<()>;

/// What is known at a time.
pub enum Known {
    /// A fresh answer.
    Fresh(Status),
    /// A fresh answer that should be renewed.
    Ending(Status),
    /// The service failed some seconds ago.
    Failed(OcspError),
    /// It failed not long ago, and should be asked again by one.
    Failing(OcspError),
    /// Nothing that counts any more.
    Nothing,
}

impl Slot {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known at `at` (Unix seconds). What was learned later than that counts as if it were now, as far as
    /// clocks differ; further ahead the clock was set back, and it is forgotten.
    pub fn known(&self, at: i64) -> Known {
        let memory = self.memory();
        let failure = memory.failure.filter(|(_, since)| (since - PAUSE..=since + OUTAGE).contains(&at));
        let is_paused = failure.is_some_and(|(_, since)| at <= since + PAUSE);
        let answer = memory.answer.as_ref();
        match answer.filter(|answer| (answer.since - FRESH..=answer.until).contains(&at)) {
            Some(answer) if is_paused || !answer.is_ending(at) => Known::Fresh(answer.status),
            Some(answer) => Known::Ending(answer.status),
            None => match failure {
                Some((error, _)) if is_paused => Known::Failed(error),
                Some((error, _)) => Known::Failing(error),
                None => Known::Nothing,
            },
        }
    }

    /// Keeps what a question came to that was put at `at` (Unix seconds): the status, and until when it is fresh. An
    /// answer that is there already serves to its end if there is no other.
    pub fn remember(&self, result: Result<(Status, i64), OcspError>, at: i64) {
        let mut memory = self.memory();
        match result {
            Ok((status, until)) => {
                memory.answer = Some(Answer { status, since: at, until });
                memory.failure = None;
            }
            Err(error) => memory.failure = Some((error, at)),
        }
    }

    /// Waits until nobody asks.
    pub async fn turn(&self) -> Turn {
        self.turn.clone().lock_owned().await
    }

    /// The turn, if nobody asks now.
    pub fn try_turn(&self) -> Option<Turn> {
        self.turn.clone().try_lock_owned().ok()
    }
}

impl Answer {
    fn is_ending(&self, at: i64) -> bool {
        let (longest, part) = ENDING;
        self.until - at < longest.min((self.until - self.since) / part)
    }
}
