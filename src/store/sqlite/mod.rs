//! The store on `SQLite`: one writing thread with group commit, WAL, `synchronous = FULL`; a small pool of
//! read-only connections. rusqlite is known here only.

mod registration;
mod request;
mod row;
mod writer;

use super::seal::Seal;
use super::{
    AccessRequest, Change, Granted, Granting, Heard, Job, Opened, Opening, Pending, Record, Store, StoreError,
};
use crate::consent::Spans;
use crate::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use crate::consent::method::DirectoryEntry;
use crate::consent::sms::ParsedReply;
use crate::metric::StoreMetrics;
use crate::random::Id;
use crate::registry::{Registry, SenderRecord};
use crate::token::key::KeyRecord;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use writer::{Writer, failed};

/// Version of the schema that this build works with.
const SCHEMA: i64 = 1;

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
    seal: Arc<dyn Seal>,
    spans: Spans,
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
        spans: Spans,
        metrics: Arc<StoreMetrics>,
    ) -> Result<Self, StoreError> {
        must_exist(path)?;
        let connection = writing(path, synchronous)?;
        match version(&connection)? {
            SCHEMA => {}
            0 => return Err(StoreError::Setup("the database is empty: run `kdp migrate`".to_owned())),
            other => return Err(wrong_version(other)),
        }
        let writer = Writer::start(connection, metrics)?;
        let readers = Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()) };
        Ok(Self { writer, readers: Arc::new(readers), seal, spans })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &dyn Seal) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (readers, seal) = (self.readers.clone(), self.seal.clone());
        tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let result = work(&connection, &*seal);
            readers.put(connection);
            result
        })
        .await
        .map_err(|_| StoreError::Failed(-1))?
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
    StoreError::Setup(format!("the database cannot be opened or written (SQLite code {code})"))
}

fn wrong_version(found: i64) -> StoreError {
    StoreError::Setup(format!("the database has version {found}, this program needs version {SCHEMA}"))
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
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000;
             PRAGMA temp_store = MEMORY;"
        ))
        .map_err(|e| setup(&e))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn reading(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -2048;").map_err(failed)?;
    Ok(connection)
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| setup(&e))
}

/// Brings the database at `path` to this version, creating it when absent, readable by its owner only.
/// Answers with the versions before and after.
///
/// # Errors
/// [`StoreError::Setup`].
pub fn migrate(path: &Path) -> Result<(i64, i64), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| StoreError::Setup(format!("the database file cannot be created: {}", e.kind())))?;
    let mut connection = writing(path, Synchronous::Full)?;
    let before = version(&connection)?;
    if !(0..=SCHEMA).contains(&before) {
        return Err(wrong_version(before));
    }
    if before < 1 {
        let change = connection.transaction().map_err(|e| setup(&e))?;
        change.execute_batch(include_str!("../sql/sqlite-001.sql")).map_err(|e| setup(&e))?;
        change.pragma_update(None, "user_version", 1).map_err(|e| setup(&e))?;
        change.commit().map_err(|e| setup(&e))?;
    }
    Ok((before, SCHEMA))
}

/// Says whether the database at `path` can be used, changing nothing.
///
/// # Errors
/// [`StoreError::Setup`] says what is wrong.
pub fn inspect(path: &Path) -> Result<(), StoreError> {
    must_exist(path)?;
    let connection =
        reading(path).map_err(|_| StoreError::Setup("the database cannot be read".to_owned()))?;
    match version(&connection)? {
        SCHEMA => quick_check(&connection),
        other => Err(wrong_version(other)),
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
    if word == "ok" { Ok(()) } else { Err(StoreError::Setup("the database is damaged".to_owned())) }
}

impl Store for SqliteStore {
    fn registry(&self) -> Pending<'_, Registry> {
        Box::pin(self.read(registration::registry))
    }

    fn registry_version(&self) -> Pending<'_, i64> {
        Box::pin(self.read(|connection, _| registration::version(connection)))
    }

    fn register_sender(&self, sender: SenderRecord, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| registration::sender(c, &*seal, &sender, &record)))
    }

    fn register_entry(&self, entry: DirectoryEntry, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| registration::entry(c, &*seal, &entry, &record)))
    }

    fn keep_keys(&self, keys: Vec<KeyRecord>, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| registration::keys(c, &*seal, &keys, &record)))
    }

    fn live(&self, bin: Bin, iin: Iin, services: ServiceIds, at: i64) -> Pending<'_, Option<AccessRequest>> {
        Box::pin(self.read(move |connection, seal| {
            let key = row::live_hash(seal, &bin, &iin, &services);
            let stored = row::find(connection, seal, "live = ?1", &key)?;
            Ok(stored.map(|s| s.request).filter(|r| r.consent.clone().at(at).is_live()))
        }))
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

    fn change(&self, id: Id, change: Change, record: Record) -> Pending<'_, Option<(AccessRequest, bool)>> {
        let (seal, spans) = (self.seal.clone(), self.spans);
        Box::pin(self.writer.write(move |c| request::change(c, &*seal, id, change, &spans, record)))
    }

    fn hear(&self, from: Msisdn, sms: String, reply: ParsedReply, record: Record) -> Pending<'_, Heard> {
        let (seal, spans) = (self.seal.clone(), self.spans);
        Box::pin(self.writer.write(move |c| request::hear(c, &*seal, &from, &sms, &reply, &spans, record)))
    }

    fn note(&self, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| row::journal(c, &*seal, &record)))
    }

    fn conflicts(&self, sender: String, message_id: String, body: [u8; 32], at: i64) -> Pending<'_, bool> {
        Box::pin(self.writer.write(move |c| {
            let known: Option<[u8; 32]> = c
                .prepare_cached("SELECT body FROM message WHERE sender = ?1 AND message_id = ?2")
                .and_then(|mut s| s.query_row([&sender, &message_id], |row| row.get(0)).optional())
                .map_err(failed)?;
            if let Some(known) = known {
                return Ok(known != body);
            }
            c.prepare_cached("INSERT INTO message (sender, message_id, body, at) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut s| s.execute(params![sender, message_id, body, at]))
                .map_err(failed)?;
            Ok(false)
        }))
    }

    fn due(&self, at: i64, most: u32) -> Pending<'_, Vec<Job>> {
        Box::pin(self.read(move |connection, _| {
            let mut statement = connection
                .prepare_cached(
                    "SELECT id, due, task, request, tries FROM job WHERE due <= ?1 ORDER BY due, id LIMIT ?2",
                )
                .map_err(failed)?;
            let rows = statement
                .query_map(params![at, most], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get::<_, u8>(2)?, row.get(3)?, row.get(4)?))
                })
                .map_err(failed)?;
            rows.map(|row| {
                let (id, due, task, request, tries) = row.map_err(failed)?;
                let task = row::task(task).ok_or(StoreError::Unreadable("job.task"))?;
                Ok(Job { id, due, task, request: Id::from_bytes(request), tries })
            })
            .collect()
        }))
    }

    fn next_due(&self) -> Pending<'_, Option<i64>> {
        Box::pin(self.read(|connection, _| {
            connection.query_row("SELECT min(due) FROM job", [], |row| row.get(0)).map_err(failed)
        }))
    }

    fn done(&self, job: i64) -> Pending<'_, ()> {
        Box::pin(self.writer.write(move |c| {
            let delete = c.prepare_cached("DELETE FROM job WHERE id = ?1");
            delete.and_then(|mut s| s.execute([job])).map(|_| ()).map_err(failed)
        }))
    }

    fn postpone(&self, job: i64, due: i64) -> Pending<'_, ()> {
        Box::pin(self.writer.write(move |c| {
            c.prepare_cached("UPDATE job SET due = ?2, tries = tries + 1 WHERE id = ?1")
                .and_then(|mut s| s.execute([job, due]))
                .map(|_| ())
                .map_err(failed)
        }))
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(self.read(|connection, _| registration::version(connection).map(|_| ())))
    }
}
