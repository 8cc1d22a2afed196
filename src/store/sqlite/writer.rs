//! The one thread that writes: it takes what waits, runs it in one transaction, commits once, and only then answers
//! all of it.

use crate::metric::StoreMetrics;
use crate::store::StoreError;
use rusqlite::Connection;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Most pieces of work in one commit.
const GROUP: usize = 512;
/// Most pieces of work that may wait.
const QUEUE: usize = 2048;

/// Tells the caller how its work ended, once it is known whether the commit did.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs inside the transaction; `true`: keep what it wrote.
type Work = Box<dyn FnOnce(&Connection) -> (bool, Answer) + Send>;

/// Hands work to the writing thread.
#[derive(Clone)]
pub struct Writer {
    queue: SyncSender<Work>,
    metrics: Arc<StoreMetrics>,
}

impl Writer {
    /// Starts the thread on `connection`; it ends when the last [`Writer`] is dropped.
    ///
    /// # Errors
    /// [`StoreError::Setup`] when no thread can be started.
    pub fn start(connection: Connection, metrics: Arc<StoreMetrics>) -> Result<Self, StoreError> {
        let (queue, waiting) = sync_channel(QUEUE);
        let counted = metrics.clone();
        std::thread::Builder::new()
            .name("kdp-writer".to_owned())
            .spawn(move || run(&connection, &waiting, &counted))
            .map_err(|_| StoreError::Setup("the writing thread cannot be started".to_owned()))?;
        Ok(Self { queue, metrics })
    }

    /// Runs `work` in the next commit and answers when it is on disk.
    ///
    /// # Errors
    /// What `work` gives, [`StoreError::Busy`] when the queue is full, [`StoreError::NotCommitted`].
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = work(connection);
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let _ = sender.send(committed.and(result));
            });
            (keep, answer)
        });
        self.metrics.queue.inc();
        self.queue.try_send(work).map_err(|e| {
            self.metrics.queue.dec();
            match e {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::NotCommitted,
            }
        })?;
        receiver.await.map_err(|_| StoreError::NotCommitted)?
    }
}

fn run(connection: &Connection, waiting: &Receiver<Work>, metrics: &StoreMetrics) {
    while let Ok(first) = waiting.recv() {
        let mut answers = Vec::new();
        let committed = commit_group(connection, first, waiting, &mut answers);
        metrics.queue.dec_by(i64::try_from(answers.len()).unwrap_or(i64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        metrics.commit_size.observe(answers.len() as f64);
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn commit_group(
    connection: &Connection,
    first: Work,
    waiting: &Receiver<Work>,
    answers: &mut Vec<Answer>,
) -> Result<(), StoreError> {
    let mut sound = connection.execute_batch("BEGIN IMMEDIATE").map_err(failed);
    let mut next = Some(first);
    while let Some(work) = next {
        if sound.is_ok() {
            let (answer, whole) = run_one(connection, work);
            answers.push(answer);
            sound = whole;
        } else {
            // Dropping the work closes its channel: the caller reads `NotCommitted`.
            drop(work);
            answers.push(Box::new(|_| ()));
        }
        next = if answers.len() < GROUP { waiting.try_recv().ok() } else { None };
    }
    let committed = sound.and_then(|()| connection.execute_batch("COMMIT").map_err(failed));
    if committed.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    committed
}

/// One piece of work, and whether the group can go on.
///
/// Verbs judge before they write, so a no leaves nothing behind. Work that fails or panics after it wrote something
/// means that the engine or we are at fault: then nothing of the group is kept. That is cheaper than a savepoint each,
/// which copies every page that two pieces of work both touch.
fn run_one(connection: &Connection, work: Work) -> (Answer, Result<(), StoreError>) {
    let before = connection.total_changes();
    match std::panic::catch_unwind(AssertUnwindSafe(|| work(connection))) {
        Ok((true, answer)) => (answer, Ok(())),
        Ok((false, answer)) => (answer, unchanged(connection, before)),
        Err(_panic) => (Box::new(|_| ()), unchanged(connection, before)),
    }
}

fn unchanged(connection: &Connection, before: u64) -> Result<(), StoreError> {
    if connection.total_changes() == before { Ok(()) } else { Err(StoreError::NotCommitted) }
}

/// The engine's code alone: its text may quote values.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub fn failed(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(e, _) => StoreError::Failed(e.extended_code),
        _ => StoreError::Failed(-1),
    }
}
