//! A copy takes the place of the database, in one step: whenever the machine stops, one of the two is there, whole.

use super::backup::{io, sync_folder};
use super::migration::CHAINED;
use super::writer::failed;
use super::{Synchronous, journal, writing};
use crate::journal::{Chain, GENESIS};
use crate::store::{Record, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};
use rustix::fs::{FlockOperation, OFlags, fcntl_lock};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind as IoError;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one look at a copy lies from the next, and how many there are at most.
const WAIT: Duration = Duration::from_millis(20);
const WAITS: u32 = 30_000;

/// Why nothing was replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// Somebody has the database open.
    #[error("the database is in use: stop the service first")]
    InUse,
    /// It is there, and was not to be replaced.
    #[error("the database is there already: --replace keeps it aside and puts the backup in its place")]
    Exists,
    /// A log without its database.
    #[error("{0} is there without its database: move it away first")]
    Log(PathBuf),
    /// Who may replace it, this program cannot find out.
    #[error("the database has version {0}, which this program does not know: restore with its own program")]
    Later(i64),
    /// Its operators are not read by this program.
    #[error(
        "the database has version {0}: run `kdp migrate` first, so that its operators can say who may replace it"
    )]
    Earlier(i64),
    /// A restore is on its way.
    #[error("another restore is running")]
    Running,
    /// The file system or the engine.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What stands in the way from the beginning, if something does.
#[must_use]
pub fn hindrance(target: &Path, replace: bool) -> Option<Hindrance> {
    if !target.exists() {
        return stray_log(target);
    }
    if replace { in_use(target).err() } else { Some(Hindrance::Exists) }
}

fn stray_log(target: &Path) -> Option<Hindrance> {
    ["-wal", "-journal"]
        .map(|end| beside(target, end))
        .into_iter()
        .find(|log| log.exists())
        .map(Hindrance::Log)
}

/// Copies `from` beside the database `target`, for the owner of what is there. It is locked until it is dropped, so that
/// there is one at a time.
///
/// # Errors
/// [`Hindrance::Running`], [`Hindrance::Store`].
pub fn prepare(from: &Path, target: &Path) -> Result<(PathBuf, File), Hindrance> {
    let part = beside(target, ".restoring");
    let failed = |e: std::io::Error| Hindrance::Store(io(&part, &e));
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        // The folder is the service's, and who restores may be root: no link leads to another's file.
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&part)
        .map_err(failed)?;
    if file.metadata().map_err(failed)?.nlink() != 1 {
        return Err(Hindrance::Store(io(&part, &IoError::InvalidInput.into())));
    }
    file.try_lock().map_err(|_| Hindrance::Running)?;
    // Another one may have ended just now, and what was opened may be the database.
    let named = fs::metadata(&part).map(|meta| meta.ino()).ok();
    if named != Some(file.metadata().map_err(failed)?.ino()) {
        return Err(Hindrance::Running);
    }
    for leftover in ["-wal", "-shm", "-journal"] {
        remove(&beside(&part, leftover))?;
    }
    file.set_len(0).map_err(failed)?;
    let mut source = File::open(from).map_err(|e| io(from, &e))?;
    std::io::copy(&mut source, &mut file).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    given_away(&file, target).map_err(failed)?;
    Ok((part, file))
}

/// Who makes a database as root does it for the account of the service: whose `target` is, or its folder.
pub(super) fn given_away(file: &File, target: &Path) -> std::io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    if let Ok(owner) = fs::metadata(target).or_else(|_| fs::metadata(folder))
        && rustix::process::geteuid().is_root()
    {
        std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// Whether somebody is registered as an operator in the copy.
///
/// # Errors
/// [`StoreError`].
pub fn has_operators(part: &Path) -> Result<bool, StoreError> {
    operators_in(&super::backup::opened(part)?).map_err(failed)
}

fn operators_in(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM registered WHERE kind = 'operator')";
    connection.query_row(sql, [], |row| row.get(0))
}

/// The database that is to be replaced, as the judge of who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// It has operators; its journal ends with this record and chain.
    Operators(i64, Chain),
    /// It cannot say who may.
    Mute(Why),
}

/// Why a database cannot say who may replace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It has no operators yet, or is of a version that knew none.
    Nobody,
    /// It is damaged.
    Damaged,
    /// There is none.
    Absent,
}

/// Looks at the database that is to be replaced, and which nobody has open: all of its pages, for a judge who is damaged
/// could be one who was made so.
///
/// # Errors
/// [`Hindrance::InUse`]; [`Hindrance::Later`], [`Hindrance::Earlier`]; [`Hindrance::Store`].
pub fn before(target: &Path) -> Result<Before, Hindrance> {
    if !target.exists() {
        return Ok(Before::Mute(Why::Absent));
    }
    let look = || -> rusqlite::Result<Result<Before, Hindrance>> {
        readable(target)?;
        // With its log.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(target, flags)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version == -super::SCHEMA
            && let Ok(Some(mark)) = super::transfer::mark(&connection)
        {
            return Ok(Err(Hindrance::Store(mark.refusal())));
        }
        if !(0..=super::SCHEMA).contains(&version) {
            return Ok(Err(Hindrance::Later(version)));
        }
        if (CHAINED..super::SCHEMA).contains(&version) {
            return Ok(Err(Hindrance::Earlier(version)));
        }
        let word: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if word != "ok" {
            return Ok(Ok(Before::Mute(Why::Damaged)));
        }
        if version < CHAINED || !operators_in(&connection)? {
            return Ok(Ok(Before::Mute(Why::Nobody)));
        }
        let head = "SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1";
        let head = connection.query_row(head, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (seq, chain) = head.unwrap_or((0, GENESIS));
        Ok(Ok(Before::Operators(seq, chain)))
    };
    match look() {
        Ok(found) => found,
        Err(rusqlite::Error::SqliteFailure(e, _)) if is_busy(e.code) => Err(Hindrance::InUse),
        // Not what a caller could bring about, such as too little memory.
        Err(error) if is_damage(&error) => Ok(Before::Mute(Why::Damaged)),
        Err(error) => Err(Hindrance::Store(failed(error))),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    const READ: i32 = rusqlite::ffi::SQLITE_IOERR_READ;
    const SHORT: i32 = rusqlite::ffi::SQLITE_IOERR_SHORT_READ;
    error.sqlite_error().is_none_or(|e| {
        // Unknown: a table is missing.
        matches!(e.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
            || matches!(e.extended_code, READ | SHORT)
    })
}

/// Waits until nobody has the database open any more, and brings all of it into its one file: a file alone is what takes the
/// place.
///
/// # Errors
/// [`StoreError::Setup`] after ten minutes; [`StoreError`].
pub fn settle(part: &Path) -> Result<(), StoreError> {
    await_alone(part, "the copy stays in use")?.close().map_err(|(_, e)| failed(e))?;
    File::open(part).and_then(|file| file.sync_all()).map_err(|e| io(part, &e))
}

/// The database without a log, locked, within a transaction: waits until nobody else has it open, ten minutes at most.
pub(super) fn await_alone(path: &Path, never: &str) -> Result<Connection, StoreError> {
    for _ in 0..WAITS {
        match folded(path) {
            Ok(connection) => return Ok(connection),
            Err(rusqlite::Error::SqliteFailure(e, _)) if is_busy(e.code) => {}
            Err(error) => return Err(failed(error)),
        }
        #[expect(clippy::disallowed_methods, reason = "waits for a thread of this command to end")]
        std::thread::sleep(WAIT);
    }
    Err(StoreError::Setup(never.to_owned()))
}

fn is_busy(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
}

/// Writes into the journal of the copy, which has the version of now.
///
/// # Errors
/// [`StoreError`].
pub fn note(part: &Path, record: &Record) -> Result<(), StoreError> {
    let connection = writing(part, Synchronous::Full)?;
    let change = connection.unchecked_transaction().map_err(failed)?;
    journal::append_about(&change, None, record)?;
    change.commit().map_err(failed)?;
    connection.close().map_err(|(_, e)| failed(e))
}

/// Lets `part` be the database `target`. What was there is kept as `aside`, if that is given; else nothing may be there.
///
/// # Errors
/// [`Hindrance`]: then the old one is as it was.
pub fn put(part: &Path, target: &Path, aside: Option<&Path>) -> Result<(), Hindrance> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |e: std::io::Error| Hindrance::Store(io(&path, &e))
    };
    if !target.exists() {
        if let Some(log) = stray_log(target) {
            return Err(log);
        }
        fs::hard_link(part, target).map_err(io(target))?;
        fs::remove_file(part).map_err(io(part))?;
        return Ok(sync_folder(target)?);
    }
    let Some(aside) = aside else { return Err(Hindrance::Exists) };
    // Nobody opens the old one from here to the end.
    let _held = hold(target, aside)?;
    fs::hard_link(target, aside).map_err(io(aside))?;
    sync_folder(target)?;
    fs::rename(part, target).map_err(io(target))?;
    Ok(sync_folder(target)?)
}

/// What keeps others away from a database while it lives.
enum Held {
    Engine(#[expect(dead_code, reason = "it is held")] Connection),
    File(#[expect(dead_code, reason = "it is held")] File),
}

/// Makes sure that nobody has the database open, and brings all of it into its one file.
fn hold(target: &Path, aside: &Path) -> Result<Held, Hindrance> {
    in_use(target)?;
    // The engine would take a damaged one's log away: it is asked only about one that it can read.
    let folded = readable(target).and_then(|()| folded(target));
    match folded {
        Ok(connection) => Ok(Held::Engine(connection)),
        Err(rusqlite::Error::SqliteFailure(e, _)) if is_busy(e.code) => Err(Hindrance::InUse),
        // Damaged beyond the engine: it is kept with its log, as it is.
        Err(_) => {
            let held = in_use(target)?;
            for end in ["-wal", "-journal"] {
                let log = beside(target, end);
                if log.exists() {
                    fs::rename(&log, beside(aside, end)).map_err(|e| io(&log, &e))?;
                }
            }
            remove(&beside(target, "-shm"))?;
            Ok(Held::File(held))
        }
    }
}

/// Locks the whole file, in the way of the engine: whoever has the database open has a lock on a part of it.
pub(super) fn in_use(target: &Path) -> Result<File, Hindrance> {
    let file = File::options().read(true).write(true).open(target).map_err(|e| io(target, &e))?;
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| Hindrance::InUse)?;
    Ok(file)
}

/// Whether the file is a database, as far as its first page tells; nothing is changed.
fn readable(target: &Path) -> rusqlite::Result<()> {
    let unopened =
        || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN), None);
    let connection = super::backup::opened(target).map_err(|_| unopened())?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// The database without a log, locked.
fn folded(target: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(target, flags)?;
    connection.execute_batch("PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL;")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
            None,
        ));
    }
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(connection)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io(path, &e)),
        _ => Ok(()),
    }
}

/// The path with something at its end.
#[must_use]
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_where_the_copy_should_stand_leads_to_nobodys_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("backup"), "a backup").unwrap();
        fs::write(path("victim"), "of somebody else").unwrap();
        let part = path("kdp.db.restoring");
        std::os::unix::fs::symlink(path("victim"), &part).unwrap();
        assert!(prepare(&path("backup"), &path("kdp.db")).is_err());
        fs::remove_file(&part).unwrap();
        fs::hard_link(path("victim"), &part).unwrap();
        assert!(prepare(&path("backup"), &path("kdp.db")).is_err());
        assert_eq!(fs::read(path("victim")).unwrap(), b"of somebody else");
        fs::remove_file(&part).unwrap();
        let (copy, _locked) = prepare(&path("backup"), &path("kdp.db")).unwrap();
        assert_eq!(fs::read(copy).unwrap(), b"a backup");
    }
}
