//! The one thread that writes: it takes what waits, runs it in one transaction, commits once, and only then answers
//! all of it.

use crate::metric::StoreMetrics;
use crate::store::StoreError;
use rusqlite::Connection;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Most pieces of work in one commit.
const GROUP: usize = 512;
/// Least time between two commits while more work is on its way.
const PACE: Duration = Duration::from_millis(4);
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

#[expect(clippy::disallowed_methods, reason = "paces commits; no date is made of it")]
fn run(connection: &Connection, waiting: &Receiver<Work>, metrics: &StoreMetrics) {
    let mut paced_until = Instant::now();
    while let Ok(first) = waiting.recv() {
        let group = gather(first, waiting, metrics, paced_until);
        metrics.queue.dec_by(i64::try_from(group.len()).unwrap_or(i64::MAX));
        #[expect(clippy::cast_precision_loss, reason = "a group is small")]
        metrics.commit_size.observe(group.len() as f64);
        commit(connection, group);
        paced_until = Instant::now() + PACE;
    }
}

/// What waits, up to [`GROUP`]. While more exchanges run than wait here, commits keep [`PACE`] apart: each costs the
/// same pages and one wait for the disk, however much is in it. A caller that is alone never waits.
fn gather(first: Work, waiting: &Receiver<Work>, metrics: &StoreMetrics, paced_until: Instant) -> Vec<Work> {
    let mut group = vec![first];
    let take = |group: &mut Vec<Work>| group.extend(waiting.try_iter().take(GROUP - group.len()));
    take(&mut group);
    if i64::try_from(group.len()).is_ok_and(|here| here < metrics.callers.get()) {
        #[expect(
            clippy::disallowed_methods,
            reason = "paces commits, on a thread that has nothing else to do"
        )]
        std::thread::sleep(paced_until.saturating_duration_since(Instant::now()));
        take(&mut group);
    }
    group
}

/// Runs a group in one transaction and tells its callers.
fn commit(connection: &Connection, group: Vec<Work>) {
    let mut answers = Vec::with_capacity(group.len());
    let step =
        |sql| connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map(|_| ()).map_err(failed);
    let mut sound = step("BEGIN IMMEDIATE");
    for work in group {
        // Once the group cannot be kept, the rest is dropped: that closes its channels, and callers read `NotCommitted`.
        if sound.is_ok() {
            let (answer, whole) = run_one(connection, work);
            answers.push(answer);
            sound = whole;
        }
    }
    let committed = sound.and_then(|()| step("COMMIT"));
    if committed.is_err() && !connection.is_autocommit() {
        let _ = step("ROLLBACK");
    }
    for answer in answers {
        answer(committed.clone());
    }
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
