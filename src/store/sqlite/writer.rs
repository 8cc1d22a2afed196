//! The one thread that writes: it takes what waits, runs it in one transaction, commits once, and only then answers
//! all of it.

use super::disk::Disk;
use super::fault;
use crate::metric::StoreMetrics;
use crate::store::StoreError;
use crate::store::condition::{self, Condition};
use rusqlite::Connection;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Most pieces of work in one commit.
const GROUP: usize = 512;
/// Least time between two commits while more work is on its way.
const PACE: Duration = Duration::from_millis(4);
/// Most pieces of work that may wait.
const QUEUE: usize = 2048;
/// How long a commit that succeeded vouches for the next one: then a check writes something itself.
const VOUCHES: Duration = Duration::from_secs(10);
/// The same for one that failed.
const STAYS_FAILED: Duration = Duration::from_millis(500);
/// Least time between two looks through a damaged file; if one takes long, four times of that.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Tells the caller how its work ended, once it is known whether the commit did.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs inside the transaction, if there is one; `true`: keep what it wrote.
type Work = Box<dyn FnOnce(Option<&Connection>) -> (bool, Answer) + Send>;

/// What becomes of what the pieces of work wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is kept.
    Commit,
    /// It is undone: callers are told what would have been, and nothing has happened.
    Rollback,
}

/// Opens a file that was damaged anew, if it is whole now.
pub type Reopen = Box<dyn Fn() -> Result<Connection, StoreError> + Send>;

/// Hands work to the writing thread.
#[derive(Clone)]
pub struct Writer {
    queue: SyncSender<Work>,
    thread: Thread,
    metrics: Arc<StoreMetrics>,
    condition: Arc<Condition>,
}

impl Writer {
    /// Starts the thread on `connection`; it ends when the last [`Writer`] is dropped.
    ///
    /// # Errors
    /// [`StoreError::Setup`] when no thread can be started.
    pub fn start(
        connection: Connection,
        reopen: Reopen,
        disk: Disk,
        condition: Arc<Condition>,
        metrics: Arc<StoreMetrics>,
        ending: Ending,
    ) -> Result<Self, StoreError> {
        let (queue, waiting) = sync_channel(QUEUE);
        let (told, counted) = (condition.clone(), metrics.clone());
        let bench = Bench { connection, reopen, disk, condition: told, metrics: counted, ending };
        let started = std::thread::Builder::new()
            .name("kdp-writer".to_owned())
            .spawn(move || bench.run(&waiting))
            .map_err(|_| StoreError::Setup("the writing thread cannot be started".to_owned()))?;
        Ok(Self { queue, thread: started.thread().clone(), metrics, condition })
    }

    /// Runs `work` in the next commit and answers when it is on disk.
    ///
    /// # Errors
    /// What `work` gives, [`StoreError::Busy`] when the queue is full, [`StoreError::Unusable`],
    /// [`StoreError::NotCommitted`].
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let condition = self.condition.clone();
        let work: Work = Box::new(move |connection| {
            let result = connection.map_or(Err(StoreError::NotCommitted), work);
            if let Err(error) = &result {
                condition.failed(error);
            }
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
        if nobody_else_runs(&self.metrics) {
            self.thread.unpark();
        }
        receiver.await.map_err(|_| StoreError::NotCommitted)?
    }

    /// Whether writing works: as the last commit showed; if that is some time ago, by writing. (Reading shows neither a
    /// full disk nor a read-only one.)
    ///
    /// # Errors
    /// [`StoreError::Unusable`].
    pub async fn check(&self) -> Result<(), StoreError> {
        let (last, ago) = self.condition.last();
        if ago < if last.is_ok() { VOUCHES } else { STAYS_FAILED } {
            return last;
        }
        let _told = self.write(touch).await;
        self.condition.last().0
    }
}

/// Writes a page as it is: nothing changes, but the disk is written to and waited for.
fn touch(connection: &Connection) -> Result<(), StoreError> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
    connection.pragma_update(None, "application_id", id).map_err(failed)
}

/// What the thread works with.
struct Bench {
    connection: Connection,
    reopen: Reopen,
    disk: Disk,
    condition: Arc<Condition>,
    metrics: Arc<StoreMetrics>,
    ending: Ending,
}

impl Bench {
    #[expect(clippy::disallowed_methods, reason = "paces commits; no date is made of it")]
    fn run(mut self, waiting: &Receiver<Work>) {
        let (mut paced_until, mut look_at) = (Instant::now(), Instant::now());
        while let Ok(first) = waiting.recv() {
            let group = gather(first, waiting, &self.metrics, paced_until);
            self.metrics.queue.dec_by(i64::try_from(group.len()).unwrap_or(i64::MAX));
            #[expect(clippy::cast_precision_loss, reason = "a group is small")]
            self.metrics.commit_size.observe(group.len() as f64);
            if self.condition.is_damaged() && look_at <= Instant::now() {
                look_at = self.look_through();
            }
            self.commit(group);
            paced_until = Instant::now() + PACE;
        }
    }

    /// Opens the file anew if it is whole; answers with when to look again.
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    fn look_through(&mut self) -> Instant {
        let began = Instant::now();
        if let Ok(connection) = (self.reopen)() {
            self.connection = connection;
            self.condition.whole();
        }
        Instant::now() + LOOK_AGAIN.max(began.elapsed() * 4)
    }

    /// Runs a group in one transaction and tells its callers.
    fn commit(&mut self, group: Vec<Work>) {
        let ready = self.ready();
        let connection = &self.connection;
        let mut answers = Vec::with_capacity(group.len());
        let step =
            |sql| connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map(|_| ()).map_err(failed);
        let mut sound = ready.and_then(|()| step("BEGIN IMMEDIATE"));
        for work in group {
            // Once the group cannot be kept, the rest of it is not begun.
            let (answer, whole) = match sound {
                Ok(()) => self.run_one(work),
                Err(_) => (work(None).1, sound.clone()),
            };
            answers.push(answer);
            sound = whole;
        }
        let committed = sound.and_then(|()| {
            step(match self.ending {
                Ending::Commit => "COMMIT",
                Ending::Rollback => "ROLLBACK",
            })
        });
        if committed.is_err() && !connection.is_autocommit() {
            let _ = step("ROLLBACK");
        }
        self.condition.committed(&committed);
        for answer in answers {
            answer(committed.clone());
        }
    }

    /// Whether a transaction may begin.
    fn ready(&mut self) -> Result<(), StoreError> {
        if self.condition.is_damaged() {
            return Err(StoreError::Unusable(condition::DAMAGED));
        }
        if self.condition.is_suspect() {
            self.disk.forget()?;
            self.condition.waited_for();
        }
        Ok(())
    }

    /// One piece of work, and whether the group can go on.
    ///
    /// Verbs judge before they write, so a no leaves nothing behind. Work that fails or panics after it wrote something
    /// means that the engine or we are at fault: then nothing of the group is kept. That is cheaper than a savepoint
    /// each, which copies every page that two pieces of work both touch.
    fn run_one(&self, work: Work) -> (Answer, Result<(), StoreError>) {
        let connection = &self.connection;
        let before = connection.total_changes();
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| work(Some(connection))));
        // On some errors (a full disk) the engine ends the transaction by itself: what came next would be kept singly.
        let (kept, answer) = match ran {
            Ok(ran) if !connection.is_autocommit() => ran,
            Ok((_, answer)) => {
                return (answer, Err(self.condition.last().0.err().unwrap_or(StoreError::NotCommitted)));
            }
            Err(_panic) => {
                self.metrics.panics.inc();
                (false, Box::new(|_: Result<(), StoreError>| ()) as Answer)
            }
        };
        let whole = if kept || connection.total_changes() == before && !connection.is_autocommit() {
            Ok(())
        } else {
            Err(StoreError::NotCommitted)
        };
        (answer, whole)
    }
}

/// What waits, up to [`GROUP`]. While more exchanges run than wait here, commits keep [`PACE`] apart: each costs the
/// same pages and one wait for the disk, however much is in it. Once nobody is left to wait for, nobody waits.
fn gather(first: Work, waiting: &Receiver<Work>, metrics: &StoreMetrics, paced_until: Instant) -> Vec<Work> {
    let mut group = vec![first];
    loop {
        group.extend(waiting.try_iter().take(GROUP - group.len()));
        #[expect(
            clippy::disallowed_methods,
            reason = "paces commits, on a thread that has nothing else to do"
        )]
        let left = paced_until.saturating_duration_since(Instant::now());
        if left.is_zero() || group.len() == GROUP || nobody_else_runs(metrics) {
            return group;
        }
        std::thread::park_timeout(left);
    }
}

/// Whether all exchanges that run wait for the commit: until it comes, no more work does.
fn nobody_else_runs(metrics: &StoreMetrics) -> bool {
    metrics.queue.get() >= metrics.callers.get()
}

/// The engine's code alone, or the word for it: its text may quote values.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub fn failed(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(e, _) => match fault::word(e.extended_code) {
            Some(word) => StoreError::Unusable(word),
            None => StoreError::Failed(e.extended_code),
        },
        _ => StoreError::Failed(-1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::condition::DAMAGED;

    fn writer(pages: u32) -> (tempfile::TempDir, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let open = |path: &std::path::Path| {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;").unwrap();
            connection
        };
        let path = directory.path().join("a.db");
        let connection = open(&path);
        connection.execute_batch("CREATE TABLE kept (n INTEGER PRIMARY KEY, filling BLOB);").unwrap();
        connection.pragma_update(None, "max_page_count", pages).unwrap();
        let metrics = Arc::new(StoreMetrics::default());
        let condition = Arc::new(Condition::new(metrics.clone()));
        let disk = Disk::new(path.clone());
        let reopen = Box::new(move || Ok(open(&path)));
        (directory, Writer::start(connection, reopen, disk, condition, metrics, Ending::Commit).unwrap())
    }

    fn keep(connection: &Connection, n: i64, bytes: usize) -> Result<(), StoreError> {
        let filling = vec![0_u8; bytes];
        connection.execute("INSERT INTO kept VALUES (?1, ?2)", (n, filling)).map(|_| ()).map_err(failed)
    }

    #[tokio::test]
    async fn when_the_engine_ends_the_transaction_by_itself_nothing_of_the_group_is_kept() {
        let (_directory, writer) = writer(10);
        // All are in one commit: the first holds the thread up until they stand behind it.
        let (open, wait) = std::sync::mpsc::channel::<()>();
        let first = writer.write(move |_| {
            let _ = wait.recv();
            Ok(())
        });
        let works = [(1, 10), (2, 200_000), (3, 10), (4, 10)];
        let group = works.map(|(n, bytes)| writer.write(move |connection| keep(connection, n, bytes)));
        let [one, two, three, four] = group;
        let release = async { open.send(()).unwrap() };
        let (_, one, full, three, four, ()) = tokio::join!(first, one, two, three, four, release);
        assert_eq!(full, Err(StoreError::Unusable("database full")));
        for (n, told) in [(1, one), (3, three), (4, four)] {
            let kept: bool = writer
                .write(move |c| {
                    c.query_row("SELECT count(*) FROM kept WHERE n = ?1", [n], |row| row.get(0))
                        .map_err(failed)
                })
                .await
                .unwrap();
            assert_eq!(kept, told.is_ok(), "{n}: {told:?}");
        }
        assert!(writer.write(|connection| keep(connection, 5, 10)).await.is_ok(), "the thread goes on");
    }

    #[test]
    fn a_group_waits_for_exchanges_that_run_and_for_no_longer() {
        let (metrics, (queue, waiting)) = (Arc::new(StoreMetrics::default()), sync_channel(QUEUE));
        let work = || Box::new(|_: Option<&Connection>| (true, Box::new(|_| ()) as Answer)) as Work;
        metrics.callers.set(3);
        metrics.queue.set(1);
        let (counted, first) = (metrics.clone(), work());
        #[expect(clippy::disallowed_methods, reason = "what the thread paces itself by")]
        let far = Instant::now() + Duration::from_hours(1);
        let gathering = std::thread::spawn(move || gather(first, &waiting, &counted, far).len());
        queue.send(work()).unwrap();
        metrics.queue.inc();
        gathering.thread().unpark();
        assert!(!gathering.is_finished(), "the third runs still");
        queue.send(work()).unwrap();
        metrics.queue.inc();
        gathering.thread().unpark();
        assert_eq!(gathering.join().unwrap(), 3);
    }

    #[tokio::test]
    async fn nothing_is_built_on_damage_until_the_file_was_found_whole() {
        let (_directory, writer) = writer(1000);
        writer.condition.failed(&StoreError::Unusable(DAMAGED));
        // The first look comes at once.
        assert_eq!(writer.write(|connection| keep(connection, 1, 10)).await, Ok(()));
        assert_eq!(writer.check().await, Ok(()));
        writer.condition.failed(&StoreError::Unusable(DAMAGED));
        assert_eq!(
            writer.write(|connection| keep(connection, 2, 10)).await,
            Err(StoreError::Unusable(DAMAGED))
        );
        assert_eq!(writer.check().await, Err(StoreError::Unusable(DAMAGED)));
    }
}
