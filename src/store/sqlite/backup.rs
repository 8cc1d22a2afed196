//! Copies of the database while it is in use, and what must hold of a copy before it is trusted.

use super::migration::CHAINED;
use super::writer::failed;
use super::{journal, must_exist, reading, reseal, version};
use crate::journal::GENESIS;
use crate::store::StoreError;
use crate::store::seal::Seal;
use ring::digest::{Context, SHA256};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages of one step: 2 MiB.
const PAGES: i32 = 512;
/// Between two steps, so that the disk serves others too.
const PAUSE: Duration = Duration::from_millis(2);
/// Steps between two waits for the disk: what is not yet on it would else hold up the commits of others at the end.
const SYNC_EVERY: u32 = 8;

/// Versions that a copy may have: this program's, and the one before it.
const VERSIONS: RangeInclusive<i64> = super::SCHEMA - 1..=super::SCHEMA;

/// Tells how much of how much is done.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// What a copy is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Version of the schema.
    pub version: i64,
    /// Number of the journal's last record, and the chain up to it; 0 and zeros before version 3.
    pub head: (i64, [u8; 32]),
    /// Sealing keys that it needs.
    pub keys: Vec<u32>,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Copies the database as it is at one moment into the new file `to`, for its owner alone, holds the copy against what
/// was copied, and waits until it is on disk. Writers go on meanwhile; the log grows by what they write.
///
/// # Errors
/// [`StoreError::Setup`]: `to` exists, or the copy is damaged; [`StoreError`].
pub fn copy(database: &Path, to: &Path, progress: Progress<'_>) -> Result<Copied, StoreError> {
    must_exist(database)?;
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(to);
    let file = file.map_err(|e| io(to, &e))?;
    let copied = fill(database, to, &file, progress);
    if copied.is_err() {
        let _ = std::fs::remove_file(to);
    }
    copied
}

fn fill(database: &Path, to: &Path, file: &File, progress: Progress<'_>) -> Result<Copied, StoreError> {
    let source = reading(database)?;
    // One reading for all steps: else each commit of the service would begin the copy anew.
    let snapshot = source.unchecked_transaction().map_err(failed)?;
    let version = version(&snapshot)?;
    if !VERSIONS.contains(&version) {
        return Err(super::wrong_version(&snapshot, version));
    }
    let head = head(&snapshot)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags).map_err(failed)?;
    // Nobody reads it before it is whole.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(failed)?;
    let backup = Backup::new(&snapshot, &mut target).map_err(failed)?;
    let mut steps = 0_u32;
    while backup.step(PAGES).map_err(failed)? != StepResult::Done {
        let at = backup.progress();
        let pages = |count: i32| u64::try_from(count).unwrap_or(0);
        progress(pages(at.pagecount - at.remaining), pages(at.pagecount));
        steps += 1;
        if steps.is_multiple_of(SYNC_EVERY) {
            file.sync_data().map_err(|e| io(to, &e))?;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "leaves the disk to others, on a command's own thread"
        )]
        std::thread::sleep(PAUSE);
    }
    drop(backup);
    target.close().map_err(|(_, e)| failed(e))?;
    file.sync_all().map_err(|e| io(to, &e))?;
    let copy = opened(to)?;
    if integrity(&copy).is_err() || (self::version(&copy)?, self::head(&copy)?) != (version, head) {
        return Err(StoreError::Setup("the copy is damaged: the disk, or the database itself".to_owned()));
    }
    let keys = reseal::sealed_by_in(&copy, &mut |_| ())?.into_keys().collect();
    let (bytes, sha256) = digest(to)?;
    Ok(Copied { version, head, keys, bytes, sha256 })
}

/// What a copy, or any database that nobody writes, turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Version of the schema.
    pub version: i64,
    /// See [`Copied::head`].
    pub head: (i64, [u8; 32]),
    /// Sealed values that were opened as samples.
    pub opened: u64,
}

/// Why a copy is not to be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It cannot be read, or is damaged.
    #[error("the backup is damaged: {0}")]
    Damaged(StoreError),
    /// It is of a version that this program does not know.
    #[error("the backup has version {0}, which this program does not know")]
    Version(i64),
    /// Something in it is sealed by keys of these numbers, which are not at hand.
    #[error("sealing key {} is not among the keys of the configuration: put it back", words(.0))]
    NoKey(Vec<u32>),
    /// A sealed value does not open.
    #[error("the keys of the configuration do not open {0}: put back the key files of the backup's time")]
    Keys(&'static str),
    /// The journal is broken at this record.
    #[error("the journal in the backup does not hold together: its first break is record {0}")]
    Journal(i64),
}

fn words(numbers: &[u32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Looks through the whole copy: its structure, its version, whether the sealing keys that it needs are among those at
/// hand, by their numbers, samples of every sealed column, the journal's chain.
///
/// # Errors
/// [`Flaw`].
pub fn judge(
    copy: &Path,
    (seal, at_hand): (&dyn Seal, &[u32]),
    progress: Progress<'_>,
) -> Result<Judged, Flaw> {
    let connection = opened(copy).map_err(Flaw::Damaged)?;
    let version = version(&connection).map_err(Flaw::Damaged)?;
    if !VERSIONS.contains(&version) {
        return Err(Flaw::Version(version));
    }
    integrity(&connection).map_err(Flaw::Damaged)?;
    let mut needed = reseal::sealed_by_in(&connection, &mut |_| ()).map_err(Flaw::Damaged)?;
    needed.retain(|number, _| !at_hand.contains(number));
    if !needed.is_empty() {
        return Err(Flaw::NoKey(needed.into_keys().collect()));
    }
    let opened = reseal::open_samples(&connection, seal, 100).map_err(|error| match error {
        StoreError::Unreadable(column) => Flaw::Keys(column),
        error => Flaw::Damaged(error),
    })?;
    let head = head(&connection).map_err(Flaw::Damaged)?;
    if version >= CHAINED {
        chain_holds(&connection, head.0, progress)?;
    }
    Ok(Judged { version, head, opened })
}

/// The journal's last record and chain.
fn head(connection: &Connection) -> Result<(i64, [u8; 32]), StoreError> {
    if version(connection)? < CHAINED { Ok((0, GENESIS)) } else { journal::head(connection) }
}

fn chain_holds(connection: &Connection, last: i64, progress: Progress<'_>) -> Result<(), Flaw> {
    let broken = |e| Flaw::Damaged(failed(e));
    let sql = format!("SELECT {}, chain FROM journal ORDER BY seq", journal::COLUMNS);
    let mut statement = connection.prepare(&sql).map_err(broken)?;
    let mut rows = statement.query([]).map_err(broken)?;
    let (mut expected, mut before) = (1, GENESIS);
    while let Some(row) = rows.next().map_err(broken)? {
        let read = journal::read(row).and_then(|entry| Ok((entry, row.get::<_, [u8; 32]>("chain")?)));
        let (entry, chain) = read.map_err(|_| Flaw::Journal(expected))?;
        if entry.seq != expected || entry.link(&before) != chain {
            return Err(Flaw::Journal(expected));
        }
        (expected, before) = (expected + 1, chain);
        if expected % 1000 == 0 {
            progress(expected.unsigned_abs(), last.unsigned_abs());
        }
    }
    Ok(())
}

fn integrity(connection: &Connection) -> Result<(), StoreError> {
    let word: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if word == "ok" { Ok(()) } else { Err(StoreError::Setup("its pages do not fit together".to_owned())) }
}

/// Opens a file that nobody writes, without making others beside it.
pub(super) fn opened(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri(path)?, flags).map_err(failed)
}

/// The path as an address, whatever bytes it holds.
fn uri(path: &Path) -> Result<String, StoreError> {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::path::absolute(path).map_err(|e| io(path, &e))?;
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    Ok(uri + "?immutable=1")
}

/// Size and SHA-256 of a file.
///
/// # Errors
/// [`StoreError::Setup`] when it cannot be read.
pub fn digest(path: &Path) -> Result<(u64, [u8; 32]), StoreError> {
    let mut file = File::open(path).map_err(|e| io(path, &e))?;
    let (mut context, mut buffer, mut bytes) = (Context::new(&SHA256), vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut buffer).map_err(|e| io(path, &e))?;
        if read == 0 {
            break;
        }
        context.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(context.finish().as_ref());
    Ok((bytes, sha256))
}

/// Gives a finished file its name, which must be free, and waits until both are on disk.
///
/// # Errors
/// [`StoreError::Setup`].
pub fn publish(part: &Path, to: &Path) -> Result<(), StoreError> {
    // A link never replaces what is there.
    std::fs::hard_link(part, to).map_err(|e| io(to, &e))?;
    std::fs::remove_file(part).map_err(|e| io(part, &e))?;
    sync_folder(to)
}

/// Waits until the names in the folder of `path` are on disk.
///
/// # Errors
/// [`StoreError::Setup`].
pub fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let folder = folder.unwrap_or_else(|| PathBuf::from("/"));
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|e| io(&folder, &e))
}

/// What went wrong with a file, for the operator.
#[must_use]
pub fn io(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Setup(format!("{}: {}", path.display(), error.kind()))
}
