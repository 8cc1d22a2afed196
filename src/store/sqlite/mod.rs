//! The store on `SQLite`: one writing thread with group commit, WAL, `synchronous = FULL`; a small pool of
//! read-only connections. rusqlite is known here only.

mod access;
mod asynchronous;
pub mod backup;
mod budget;
mod disk;
mod erase;
mod fault;
mod job;
mod journal;
mod migration;
pub mod operator;
mod redate;
mod register;
mod registration;
mod report;
mod request;
pub mod reseal;
pub mod restore;
mod revocation;
mod row;
mod subject;
mod token;
pub mod transfer;
mod writer;

use super::condition::{self, Condition};
use super::revocation::{Application, Filed, Filing, Page, Solution, Solved};
use super::seal::Seal;
use super::token::{Changes, Check, Checked};
use super::transfer::Step;
use super::{
    Access, AccessRequest, Applied, Budget, Change, Charge, Granted, Granting, Heard, Job, Lane, Opened,
    Opening, Pending, Record, Said, Standing, Store, StoreError, Sweeping,
};
use crate::consent::Spans;
use crate::consent::identity::{Bin, Iin, ServiceIds};
use crate::consent::revocation::Rule;
use crate::metric::StoreMetrics;
use crate::random::Id;
use crate::text::Reason;
use disk::Disk;
pub use migration::{may_go_back, migrate, migrate_back};
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use writer::{Ending, Writer, failed};

/// Version of the schema that this build works with.
pub const SCHEMA: i64 = 5;

/// Pages in the log from which on a commit moves them into the database.
const CHECKPOINT: i32 = 4000;
/// Largest file that is looked through before the service starts, bytes: a second or two.
const AT_START: u64 = 256 << 20;

/// Whether a commit waits for the disk. `Off` loses what was answered when the machine stops: for benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Every commit is on disk before it is answered.
    Full,
    /// The operating system writes when it likes.
    Off,
}

/// The store on one `SQLite` file.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    condition: Arc<Condition>,
    seal: Arc<dyn Seal>,
    spans: Spans,
    rule: Rule,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl SqliteStore {
    /// Opens a database of the right version and starts the writing thread.
    ///
    /// # Errors
    /// [`StoreError::Setup`] says what is wrong: no file, another version, not writable.
    pub fn open(
        path: &Path,
        synchronous: Synchronous,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
        metrics: Arc<StoreMetrics>,
    ) -> Result<Self, StoreError> {
        Self::open_ending((path, synchronous), seal, rules, metrics, Ending::Commit, false)
    }

    /// The same to rehearse on: each verb judges and writes as ever, answers with what would have been, and is undone.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub fn open_to_rehearse(
        path: &Path,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
    ) -> Result<Self, StoreError> {
        let metrics = Arc::new(StoreMetrics::default());
        Self::open_ending((path, Synchronous::Full), seal, rules, metrics, Ending::Rollback, false)
    }

    /// The same of a file that is on its way to another database ([`Step::Leaving`]): for whoever may give that up.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub fn open_leaving(path: &Path, seal: Arc<dyn Seal>, rules: (Spans, Rule)) -> Result<Self, StoreError> {
        Self::open_ending((path, Synchronous::Full), seal, rules, Arc::default(), Ending::Commit, true)
    }

    fn open_ending(
        (path, synchronous): (&Path, Synchronous),
        seal: Arc<dyn Seal>,
        (spans, rule): (Spans, Rule),
        metrics: Arc<StoreMetrics>,
        ending: Ending,
        opens_leaving: bool,
    ) -> Result<Self, StoreError> {
        must_exist(path)?;
        let condition = Arc::new(Condition::new(metrics.clone()));
        let connection = writers_own(path, synchronous, &condition)?;
        if connection.is_readonly("main").map_err(|e| setup(&e))? {
            return Err(read_only());
        }
        let found = version(&connection)?;
        match found {
            SCHEMA => {}
            0 => return Err(StoreError::Setup("the database is empty: run `kdp migrate`".to_owned())),
            _ if opens_leaving && is_leaving(&connection, found)? => {}
            other => return Err(wrong_version(&connection, other)),
        }
        let readers = Arc::new(Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()) });
        // The check at start (P 7 6): of a large file beside the service, which must not stay away for minutes.
        if std::fs::metadata(path).is_ok_and(|file| file.len() <= AT_START) {
            quick_check(&connection)?;
        } else {
            let (path, condition) = (path.to_owned(), condition.clone());
            let look = move || {
                if reading(&path).and_then(|connection| quick_check(&connection)).is_err() {
                    condition.failed(&StoreError::Unusable(condition::DAMAGED));
                }
            };
            let looking = std::thread::Builder::new().name("kdp-check".to_owned()).spawn(look);
            looking
                .map_err(|_| StoreError::Setup("the check of the database cannot be started".to_owned()))?;
        }
        let (own, pool, told) = (path.to_owned(), readers.clone(), condition.clone());
        let reopen = Box::new(move || {
            let connection = writers_own(&own, synchronous, &told)?;
            if version(&connection)? != found {
                return Err(StoreError::Unusable(condition::DAMAGED));
            }
            quick_check(&connection)?;
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
            Ok(connection)
        });
        let disk = Disk::new(path.to_owned());
        let writer = Writer::start(connection, reopen, disk, condition.clone(), metrics, ending)?;
        Ok(Self { writer, readers, condition, seal, spans, rule })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &dyn Seal) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (readers, seal) = (self.readers.clone(), self.seal.clone());
        let result = tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let result = work(&connection, &*seal);
            // One that met a fault of the machine may keep a page of it.
            if !matches!(result, Err(StoreError::Unusable(_))) {
                readers.put(connection);
            }
            result
        });
        let result = result.await.map_err(|_| StoreError::Failed(-1))?;
        if let Err(error) = &result {
            self.condition.failed(error);
        }
        result
    }

    /// Empties the log: what was erased stands in its older pages. Who reads just then leaves the pages to the next
    /// time, and so does a fault of the machine: the erasure itself is done, and each sweep empties the log again.
    async fn forget(&self) {
        let path = self.readers.path.clone();
        let empty = move || {
            let connection = writing(&path, Synchronous::Full)?;
            // It holds the writer's lock while it waits for readers: so it does not wait.
            connection.execute_batch("PRAGMA busy_timeout = 0;").map_err(failed)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)
        };
        let emptied = tokio::task::spawn_blocking(empty).await.map_err(|_| StoreError::Failed(-1));
        if let Err(error) = emptied.and_then(|emptied| emptied) {
            tracing::warn!(%error, "what was erased stands in the log of the database until the next sweep");
        }
    }
}

impl Readers {
    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => reading(&self.path),
        }
    }

    fn put(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < 4 {
            idle.push(connection);
        }
    }
}

fn setup(error: &rusqlite::Error) -> StoreError {
    let code = error.sqlite_error().map_or(-1, |e| e.extended_code);
    StoreError::Setup(match fault::word(code) {
        Some(condition::DAMAGED) => damaged(),
        Some(word) => format!("the database cannot be opened or written: {word} (SQLite code {code})"),
        None => format!("the database cannot be opened or written (SQLite code {code})"),
    })
}

fn damaged() -> String {
    "the database is damaged: restore a backup".to_owned()
}

fn read_only() -> StoreError {
    StoreError::Setup(
        "the database is read-only: give its file and folder to the user of the service".to_owned(),
    )
}

/// Whether the database is on its way to another.
fn is_leaving(connection: &Connection, version: i64) -> Result<bool, StoreError> {
    Ok(version == -SCHEMA && transfer::mark(connection)?.is_some_and(|mark| mark.step == Step::Leaving))
}

/// A version below zero: the database takes part in a move, and says how far that is.
fn wrong_version(connection: &Connection, found: i64) -> StoreError {
    if found == -SCHEMA
        && let Ok(Some(mark)) = transfer::mark(connection)
    {
        return mark.refusal();
    }
    StoreError::Setup(format!("the database has version {found}, this program needs version {SCHEMA}"))
}

/// That of the writing thread: a checkpoint that fails is told, which the engine's own does not do.
fn writers_own(
    path: &Path,
    synchronous: Synchronous,
    condition: &Arc<Condition>,
) -> Result<Connection, StoreError> {
    let mut connection = writing(path, synchronous)?;
    let condition = condition.clone();
    let checkpoint = move |log: &mut Wal, pages| {
        if pages >= CHECKPOINT
            && let Err(rusqlite::Error::SqliteFailure(error, _)) = log.checkpoint()
        {
            condition.checkpoint_failed(fault::word(error.extended_code));
        }
        Ok(())
    };
    connection.wal_hook(Some(checkpoint)).map_err(failed)?;
    Ok(connection)
}

fn writing(path: &Path, synchronous: Synchronous) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| setup(&e))?;
    let synchronous = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Off => "OFF",
    };
    connection
        .execute_batch(&format!(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = {CHECKPOINT};
             PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON;"
        ))
        .map_err(|e| setup(&e))?;
    connection.set_prepared_statement_cache_capacity(64);
    keep_plans(&connection)?;
    Ok(connection)
}

/// A statement over a table with a partial index is else planned anew for each value that is bound to it.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ()).map_err(failed)
}

fn reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -2048;").map_err(failed)?;
    keep_plans(&connection)?;
    Ok(connection)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| setup(&e))
}

/// Says whether the database at `path` can be used, changing nothing.
///
/// # Errors
/// [`StoreError::Setup`] says what is wrong.
pub fn inspect(path: &Path) -> Result<(), StoreError> {
    must_exist(path)?;
    let connection = reading(path).map_err(|e| {
        StoreError::Setup(if e == StoreError::Unusable(condition::DAMAGED) {
            damaged()
        } else {
            "the database cannot be read".to_owned()
        })
    })?;
    match version(&connection)? {
        SCHEMA => quick_check(&connection),
        other => Err(wrong_version(&connection, other)),
    }
}

fn must_exist(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    Err(StoreError::Setup("the database file is not there: run `kdp migrate`".to_owned()))
}

fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let word: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| setup(&e))?;
    if word == "ok" { Ok(()) } else { Err(StoreError::Setup(damaged())) }
}

impl Store for SqliteStore {
    fn standing(
        &self,
        bin: Bin,
        iin: Iin,
        services: ServiceIds,
        asks: Budget,
        at: i64,
    ) -> Pending<'_, Standing> {
        Box::pin(self.read(move |connection, seal| {
            let subject = subject::find(connection, &row::subject_hash(seal, &iin))?;
            let held = subject.map(|subject| subject::held(connection, subject, true)).transpose()?.flatten();
            // A block comes before everything, also before an ask that is in progress (P 7-3).
            if held == Some(Reason::SubjectBlocked) {
                return Ok(Standing::Refused(Reason::SubjectBlocked));
            }
            let key = row::live_hash(seal, &bin, &iin, &services);
            let live = row::find(connection, seal, "live = ?1", key)?.map(|stored| stored.request);
            if let Some(live) = live.filter(|r| r.consent.clone().at(at).is_live()) {
                return Ok(Standing::Live(Box::new(live)));
            }
            if let Some(reason) = held {
                return Ok(Standing::Refused(reason));
            }
            let asks = budget::of_asks(seal, iin.as_str(), bin.as_str(), asks);
            let left = budget::is_left(connection, &asks, at)?;
            Ok(if left { Standing::Free } else { Standing::Refused(Reason::LimitReached) })
        }))
    }

    fn charge(&self, bin: Bin, charge: Charge, most: u32, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| request::charge(c, &*seal, &bin, (charge, most), record)))
    }

    fn open(&self, opening: Opening, record: Record) -> Pending<'_, Opened> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let sealed = row::Sealed::new(&opening.request, &*seal, record.at)?;
            self.writer.write(move |c| request::open(c, &*seal, opening, &sealed, record)).await
        })
    }

    fn grant(&self, granting: Granting, record: Record) -> Pending<'_, Granted> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let sealed = row::Sealed::new(&granting.request, &*seal, record.at)?;
            self.writer.write(move |c| request::grant(c, &*seal, granting, &sealed, record)).await
        })
    }

    fn request(&self, id: Id) -> Pending<'_, Option<AccessRequest>> {
        Box::pin(self.read(move |connection, seal| {
            Ok(row::find(connection, seal, "id = ?1", id.as_bytes())?.map(|s| s.request))
        }))
    }

    fn change(
        &self,
        id: Id,
        change: Change,
        record: Record,
    ) -> Pending<'_, Option<(AccessRequest, Applied)>> {
        let (seal, spans) = (self.seal.clone(), self.spans);
        Box::pin(self.writer.write(move |c| request::change(c, &*seal, id, &change, &spans, record)))
    }

    fn hear(&self, said: Said, record: Record) -> Pending<'_, Heard> {
        let (seal, spans) = (self.seal.clone(), self.spans);
        Box::pin(self.writer.write(move |c| request::hear(c, &*seal, &said, &spans, record)))
    }

    fn note(&self, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| journal::append(c, &*seal, &record)))
    }

    fn conflicts(&self, sender: String, message_id: String, body: [u8; 32], at: i64) -> Pending<'_, bool> {
        // Some senders make it of the subject's IIN or phone. What older programs wrote is there for some days.
        let hash = row::foreign_id(&*self.seal, &sender, &message_id);
        Box::pin(self.writer.write(move |c| {
            let known: Option<[u8; 32]> = c
                .prepare_cached("SELECT body FROM message WHERE sender = ?1 AND message_id IN (?2, ?3)")
                .and_then(|mut s| s.query_row([&sender, &hash, &message_id], |row| row.get(0)).optional())
                .map_err(failed)?;
            if let Some(known) = known {
                return Ok(known != body);
            }
            c.prepare_cached("INSERT INTO message (sender, message_id, body, at) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut s| s.execute(params![sender, hash, body, at]))
                .map_err(failed)?;
            Ok(false)
        }))
    }

    fn blocked(&self, subject: Iin) -> Pending<'_, Option<Reason>> {
        Box::pin(self.read(move |connection, seal| {
            let subject = subject::find(connection, &row::subject_hash(seal, &subject))?;
            Ok(subject.map(|subject| subject::held(connection, subject, false)).transpose()?.flatten())
        }))
    }

    fn allot(&self, count: u64) -> Pending<'_, u64> {
        Box::pin(self.writer.write(move |c| token::allot(c, count)))
    }

    fn status_changes(&self, after: i64) -> Pending<'_, Changes> {
        Box::pin(self.read(move |connection, _| token::changes(connection, after)))
    }

    fn check_token(&self, check: Check, record: Record) -> Pending<'_, Option<Checked>> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| token::check(c, &*seal, &check, record)))
    }

    fn accesses(&self, subject: Iin, from: i64, to: i64, most: u32) -> Pending<'_, Vec<Access>> {
        Box::pin(
            self.read(move |connection, seal| access::list(connection, seal, &subject, (from, to), most)),
        )
    }

    fn file(&self, filing: Filing, record: Record) -> Pending<'_, Filed> {
        let (seal, spans, rule) = (self.seal.clone(), self.spans, self.rule);
        Box::pin(self.writer.write(move |c| revocation::file(c, &*seal, filing, (rule, &spans), &record)))
    }

    fn application(&self, id: Id, at: i64) -> Pending<'_, Option<Application>> {
        Box::pin(self.read(move |connection, seal| revocation::application(connection, seal, id, at)))
    }

    fn open_applications(&self, bin: Bin, after: Option<Id>, most: u32, at: i64) -> Pending<'_, Page> {
        Box::pin(self.read(move |connection, seal| revocation::open(connection, seal, &bin, after, most, at)))
    }

    fn latest_applications(&self, most: u32, at: i64) -> Pending<'_, Vec<Application>> {
        Box::pin(self.read(move |connection, seal| revocation::latest(connection, seal, most, at)))
    }

    fn solve(&self, solution: Solution, record: Record) -> Pending<'_, Solved> {
        let (seal, spans) = (self.seal.clone(), self.spans);
        Box::pin(self.writer.write(move |c| revocation::solve(c, &*seal, solution, &spans, &record)))
    }

    fn review(&self, application: Id, record: Record) -> Pending<'_, ()> {
        let (seal, spans, rule) = (self.seal.clone(), self.spans, self.rule);
        Box::pin(
            self.writer.write(move |c| revocation::review(c, &*seal, application, rule, &spans, &record)),
        )
    }

    fn sweep(&self, sweeping: Sweeping, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let more = self.writer.write(move |c| erase::sweep(c, &*seal, &sweeping, &record)).await?;
            if !more {
                self.forget().await;
            }
            Ok(more)
        })
    }

    fn due(&self, lane: Lane, at: i64, most: u32) -> Pending<'_, Vec<Job>> {
        Box::pin(self.read(move |connection, _| job::due(connection, lane, at, most)))
    }

    fn next_due(&self) -> Pending<'_, Option<i64>> {
        Box::pin(self.read(|connection, _| job::next_due(connection)))
    }

    fn done(&self, job: i64) -> Pending<'_, ()> {
        Box::pin(self.writer.write(move |c| job::done(c, job)))
    }

    fn postpone(&self, job: i64, due: i64) -> Pending<'_, ()> {
        Box::pin(self.writer.write(move |c| job::postpone(c, job, due)))
    }

    fn overdue(&self, job: i64, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| job::overdue(c, &*seal, job, &record)))
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async {
            self.read(|connection, _| registration::version(connection).map(|_| ())).await?;
            self.writer.check().await
        })
    }
}
