//! Where a list comes from: a file or an address of the configuration. The last good one is kept on disk.

use super::list::{List, ListError, MAX_LIST};
use crate::gateway::http_client::{HttpClient, HttpError, Validators};
use crate::trust::Trust;
use crate::trust::algorithm::sha256;
use crate::trust::path::Authorities;
use hyper::Uri;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How long an answer may take to begin.
const BEGIN: Duration = Duration::from_secs(30);
/// How long a list may take to come.
const WHOLE: Duration = Duration::from_mins(10);
/// How often a file is looked at, seconds.
const LOOK: i64 = 5;
/// How long to wait after the first failure, seconds; each further one of an address doubles it, up to the
/// interval of refreshing.
const RETRY: i64 = 15;

/// How many sources were made in this process.
static INSTANCES: AtomicU32 = AtomicU32::new(0);

/// Why a source gave no list that can be used. The last good one stays.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The server could not be asked.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// The server had no list.
    #[error("the server answered with HTTP {0}")]
    Status(u16),
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    File(io::ErrorKind),
    /// It could not be kept.
    #[error("the list cannot be written to the folder of kept lists: {0}")]
    Keep(io::ErrorKind),
    /// What came is no list to believe.
    #[error("{0}")]
    List(#[from] ListError),
    /// A delta where a full list should be, or the reverse.
    #[error("it is a delta where a full list should be, or the reverse")]
    Kind,
    /// Made by another authority than the one that is there.
    #[error("it is of another authority than the list that is there: is the address right?")]
    Authority,
    /// Made before the one that is there: an old list played again.
    #[error("it is older than the list that is there")]
    Older,
    /// Made later than now.
    #[error("it was made later than now: is the clock right?")]
    Future,
    /// The task that read it failed.
    #[error("reading was broken off")]
    Broken,
}

impl SourceError {
    /// A stable word for metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(HttpError::Timeout) => "timeout",
            Self::Http(_) => "unreachable",
            Self::Status(_) => "status",
            Self::File(_) => "file",
            Self::Keep(_) => "keep",
            Self::List(error) => error.code(),
            Self::Kind => "kind",
            Self::Authority => "authority",
            Self::Older => "older",
            Self::Future => "future",
            Self::Broken => "broken",
        }
    }
}

/// One of the two kinds of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All that is revoked.
    Full,
    /// What changed since a full list.
    Delta,
}

/// A source, and the last good list of it.
pub struct Source {
    /// As it is configured: for logs and metrics.
    pub name: String,
    /// What it must give.
    pub kind: Kind,
    place: Place,
    kept: PathBuf,
    /// Where a list waits to be verified.
    new: PathBuf,
    /// Held while it is asked: one at a time writes to `new`.
    asking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

enum Place {
    File(PathBuf),
    Url(Uri),
}

#[derive(Default)]
struct State {
    list: Option<Arc<List>>,
    /// When it is not asked, Unix seconds: from the last question on, so that a clock that is set back ends it.
    pause: Range<i64>,
    failures: u32,
    error: Option<(&'static str, String)>,
    validators: Validators,
    stamp: Option<Stamp>,
}

/// By what a changed file is noticed: when it was written, and its length.
type Stamp = (SystemTime, u64);

/// What a round of refreshing found.
pub struct Refreshed {
    /// Whether there is another list now.
    pub is_new: bool,
    /// What went wrong.
    pub error: Option<SourceError>,
}

impl Source {
    /// A source at a path or an `http://` address, which keeps its last good list in the folder `keep`.
    ///
    /// # Errors
    /// [`HttpError::Address`].
    pub fn new(place: &str, kind: Kind, keep: &Path) -> Result<Self, HttpError> {
        let is_url = place.contains("://");
        let parsed = if is_url {
            // A list is signed: TLS would add nothing, and its certificate would need a list of its own.
            let uri: Uri = place.parse().map_err(|_| HttpError::Address)?;
            if uri.scheme_str() != Some("http") || uri.host().is_none() || place.contains('@') {
                return Err(HttpError::Address);
            }
            Place::Url(uri)
        } else if place.is_empty() {
            return Err(HttpError::Address);
        } else {
            Place::File(PathBuf::from(place))
        };
        let name = short(&sha256(place.as_bytes()));
        // While the configuration is read anew, the old source may still be at work.
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let (kept, new) = (keep.join(format!("{name}.crl")), keep.join(format!("{name}.{instance}.new")));
        let (name, asking, state) = (place.to_owned(), tokio::sync::Mutex::default(), Mutex::default());
        Ok(Self { name, kind, place: parsed, kept, new, asking, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last good list.
    #[must_use]
    pub fn list(&self) -> Option<Arc<List>> {
        self.state().list.clone()
    }

    /// What went wrong last, if the last try failed: a stable word, and a text.
    #[must_use]
    pub fn error(&self) -> Option<(&'static str, String)> {
        self.state().error.clone()
    }

    /// Reads what is on this machine at `at` (Unix seconds): the newer one of the file and the list that was
    /// kept. Changes nothing on disk.
    pub fn load(&self, authorities: &Authorities, at: i64) {
        let read = |path: &Path| self.read(path, authorities, at);
        let from_file = match &self.place {
            Place::File(path) => Some(read(path)),
            Place::Url(_) => None,
        };
        // None yet is no failure of an address: it is asked at once.
        let (file, error) = match from_file {
            Some(Ok(list)) => (Some(list), None),
            other => (None, other.and_then(Result::err)),
        };
        let list = match (file, read(&self.kept).ok()) {
            (Some(file), Some(kept)) => Some(if is_before(&file, &kept) { kept } else { file }),
            (file, kept) => file.or(kept),
        };
        let mut state = self.state();
        state.list = list.map(Arc::new);
        state.error = error.map(|e| (e.code(), e.to_string()));
    }

    fn read(&self, path: &Path, authorities: &Authorities, at: i64) -> Result<List, SourceError> {
        /// How far a clock of theirs may be ahead of ours, seconds.
        const AHEAD: i64 = 300;
        let file = File::open(path).map_err(|e| SourceError::File(e.kind()))?;
        let list = List::read(file, authorities)?;
        let kind = if list.base.is_some() { Kind::Delta } else { Kind::Full };
        if kind != self.kind {
            return Err(SourceError::Kind);
        }
        if list.this_update > at + AHEAD { Err(SourceError::Future) } else { Ok(list) }
    }

    /// Whether it should be asked at `at` (Unix seconds); whoever is told so must ask it.
    #[must_use]
    pub fn claim(&self, at: i64) -> bool {
        let mut state = self.state();
        let is_due = !state.pause.contains(&at);
        if is_due {
            // Not a second time while it is asked.
            state.pause = at..at.saturating_add(WHOLE.as_secs().cast_signed()).saturating_add(RETRY);
        }
        is_due
    }

    /// Asks the source and takes what it gives, if it is better than what is there. `at` is Unix seconds;
    /// `spread`, 0 to 255, moves the next time by up to a tenth, so that not everybody asks at once.
    pub async fn refresh(
        self: Arc<Self>,
        trust: Arc<Trust>,
        client: &HttpClient,
        interval: i64,
        (at, spread): (i64, u8),
    ) -> Refreshed {
        let asking = self.clone();
        // The clock was moved while it is asked: whoever asks will say when to ask again.
        let Ok(_asking) = asking.asking.try_lock() else { return Refreshed { is_new: false, error: None } };
        let result = self.clone().fetch(trust, client, at).await;
        let mut state = self.state();
        let (longest, shortest) = match self.place {
            Place::File(_) => (interval.min(RETRY), interval.min(LOOK)),
            Place::Url(_) => (interval, interval),
        };
        let pause = match &result {
            Ok(_) => {
                (state.failures, state.error) = (0, None);
                shortest
            }
            Err(error) => {
                state.error = Some((error.code(), error.to_string()));
                state.failures = state.failures.saturating_add(1);
                (RETRY << state.failures.saturating_sub(1).min(16)).min(longest)
            }
        };
        state.pause = at..at + pause + pause * i64::from(spread) / 2560;
        match result {
            Ok(is_new) => Refreshed { is_new, error: None },
            Err(error) => Refreshed { is_new: false, error: Some(error) },
        }
    }

    /// Whether there is another list now.
    async fn fetch(
        self: Arc<Self>,
        trust: Arc<Trust>,
        client: &HttpClient,
        at: i64,
    ) -> Result<bool, SourceError> {
        let new = self.new.clone();
        match &self.place {
            Place::File(path) => {
                let found = stamp(path).map_err(|e| SourceError::File(e.kind()))?;
                if self.state().stamp == Some(found) {
                    return Ok(false);
                }
                let from = path.clone();
                let copied = tokio::task::spawn_blocking(move || copy(&from, &new)).await;
                copied.map_err(|_| SourceError::Broken)??;
                let is_new = self.clone().take(trust, at).await?;
                self.state().stamp = Some(found);
                Ok(is_new)
            }
            Place::Url(uri) => {
                // Without a list, nothing is known that could have stayed the same.
                let known = self.list().map(|_| self.state().validators.clone()).unwrap_or_default();
                let whole = download(uri, client, &known, &new);
                let done = tokio::time::timeout(WHOLE, whole).await;
                let Some(validators) = done.map_err(|_| HttpError::Timeout)?? else { return Ok(false) };
                let is_new = self.clone().take(trust, at).await?;
                self.state().validators = validators;
                Ok(is_new)
            }
        }
    }

    /// Verifies what was fetched and keeps it.
    async fn take(self: Arc<Self>, trust: Arc<Trust>, at: i64) -> Result<bool, SourceError> {
        let taken = tokio::task::spawn_blocking(move || self.take_now(trust.authorities(), at)).await;
        taken.map_err(|_| SourceError::Broken)?
    }

    fn take_now(&self, authorities: &Authorities, at: i64) -> Result<bool, SourceError> {
        let list = self.read(&self.new, authorities, at)?;
        if let Some(known) = self.list() {
            // Else whoever stands between could put another authority's list, or an old one after it, in its place.
            let is_pinned = authorities.iter().any(|authority| authority.identity == known.authority);
            if known.authority != list.authority && is_pinned {
                return Err(SourceError::Authority);
            }
            if is_before(&list, &known) {
                return Err(SourceError::Older);
            }
        }
        fs::rename(&self.new, &self.kept).map_err(|e| SourceError::Keep(e.kind()))?;
        self.state().list = Some(Arc::new(list));
        Ok(true)
    }
}

/// The first 8 bytes of a hash, hexadecimal.
#[must_use]
pub fn short(hash: &[u8; 32]) -> String {
    let number = hash.iter().take(8).fold(0, |number: u64, byte| (number << 8) | u64::from(*byte));
    format!("{number:016x}")
}

/// Whether both are of one authority, and `list` was made before `other`.
fn is_before(list: &List, other: &List) -> bool {
    let made = |list: &List| (list.this_update, list.number.clone());
    list.authority == other.authority && made(list) < made(other)
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}

/// Makes a file, and its folder.
fn create(path: &Path) -> Result<File, SourceError> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder.and_then(|()| File::create(path)).map_err(|e| SourceError::Keep(e.kind()))
}

fn copy(from: &Path, to: &Path) -> Result<(), SourceError> {
    let from = File::open(from).map_err(|e| SourceError::File(e.kind()))?;
    let mut file = create(to)?;
    let length = io::copy(&mut io::Read::take(from, MAX_LIST + 1), &mut file);
    if length.map_err(|e| SourceError::Keep(e.kind()))? > MAX_LIST {
        return Err(ListError::TooLong.into());
    }
    file.sync_all().map_err(|e| SourceError::Keep(e.kind()))
}

/// Writes what the server gives to a file; `None`: it did not change.
async fn download(
    uri: &Uri,
    client: &HttpClient,
    known: &Validators,
    to: &Path,
) -> Result<Option<Validators>, SourceError> {
    let mut download = client.download(uri, known).await?;
    match download.status {
        200 => {}
        304 => return Ok(None),
        status => return Err(SourceError::Status(status)),
    }
    let mut file = create(to)?;
    let mut length = 0;
    while let Some(piece) = download.piece().await? {
        length += piece.len() as u64;
        if length > MAX_LIST {
            return Err(ListError::TooLong.into());
        }
        // Some 16 kB into the page cache: less than a microsecond each.
        file.write_all(&piece).map_err(|e| SourceError::Keep(e.kind()))?;
    }
    let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
    synced.map_err(|_| SourceError::Broken)?.map_err(|e| SourceError::Keep(e.kind()))?;
    Ok(Some(download.validators))
}

/// The client that lists are fetched with.
///
/// # Errors
/// None of those of [`HttpClient::new`] occur without authorities.
pub fn client() -> Result<HttpClient, HttpError> {
    HttpClient::new(BEGIN, None)
}
