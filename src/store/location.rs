//! Where the state lives, as `database.url` says: the one place that knows which back ends there are.

use super::operator::Census;
use super::postgres::connect::Place;
use super::postgres::{self, PostgresStore};
use super::reseal::Sealing;
use super::seal::Seal;
pub use super::sqlite::Synchronous;
use super::sqlite::{self, SqliteStore};
use super::transfer::{self, Mark, Moved, Order, Progress, Refusal, Side, State};
use super::{Store, StoreError};
use crate::consent::Spans;
use crate::consent::revocation::Rule;
use crate::metric::StoreMetrics;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of this machine, or a server for many nodes.
#[derive(Clone, Debug)]
pub enum Location {
    /// `sqlite://…`, and whether a commit waits for the disk.
    File(PathBuf, Synchronous),
    /// `postgres://…`
    Server(Box<Place>),
}

/// What is asked for needs a file of the database, and there is none. Told in all three languages: whoever asked did not say
/// which is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "kk: бұл SQLite файлына арналған, ал деректер қоры PostgreSQL-де: pg_basebackup немесе pg_dump қолданыңыз\n\
     ru: это для файла SQLite, а база данных в PostgreSQL: используйте pg_basebackup или pg_dump\n\
     en: this is for a file of SQLite, and the database is in PostgreSQL: use pg_basebackup or pg_dump"
)]
pub struct NoFile;

/// On a thread of its own, where a runtime can be had.
fn apart<T: Send>(work: impl FnOnce() -> Result<T, Refusal> + Send) -> Result<T, Refusal> {
    let none = || StoreError::Setup("no thread can be started".to_owned());
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("kdp-move".to_owned()).spawn_scoped(scope, work);
        thread.map_err(|_| none())?.join().map_err(|_| none())?
    })
}

impl Location {
    /// `database.url` of a file.
    #[must_use]
    pub fn url_of(file: &Path) -> String {
        format!("sqlite://{}", file.display())
    }

    /// The file.
    ///
    /// # Errors
    /// [`NoFile`].
    pub fn file(&self) -> Result<&Path, NoFile> {
        match self {
            Self::File(path, _) => Ok(path),
            Self::Server(_) => Err(NoFile),
        }
    }

    /// Opens the store.
    ///
    /// # Errors
    /// [`StoreError::Setup`] says what is wrong; [`StoreError::Unusable`].
    pub fn open(
        &self,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
        metrics: Arc<StoreMetrics>,
    ) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(path, synchronous) => {
                Arc::new(SqliteStore::open(path, *synchronous, seal, rules, metrics)?)
            }
            Self::Server(place) => Arc::new(PostgresStore::open(place, seal, rules, metrics)?),
        })
    }

    /// The same to rehearse on: each verb judges and writes as ever, answers with what would have been, and is undone.
    ///
    /// # Errors
    /// Those of [`Location::open`].
    pub fn open_to_rehearse(
        &self,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
    ) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(path, _) => Arc::new(SqliteStore::open_to_rehearse(path, seal, rules)?),
            Self::Server(place) => Arc::new(PostgresStore::open_to_rehearse(place, seal, rules)?),
        })
    }

    /// The same, also while the database is on its way to another: for whoever may give that up.
    ///
    /// # Errors
    /// Those of [`Location::open`].
    pub fn open_leaving(
        &self,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
    ) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(path, _) => Arc::new(SqliteStore::open_leaving(path, seal, rules)?),
            Self::Server(place) => Arc::new(PostgresStore::open_leaving(place, seal, rules)?),
        })
    }

    /// Moves the installation to another engine, or goes on with that; on a thread of its own.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn move_to(
        &self,
        target: &Self,
        order: &Order,
        tell: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<Moved, Refusal> {
        apart(|| {
            // The target first: what is wrong with it is told before the source is touched.
            let mut target: Box<dyn Side> = match target {
                Self::File(path, _) => Box::new(sqlite::transfer::Held::target(path)?),
                Self::Server(place) => Box::new(postgres::transfer::Server::connect(place)?),
            };
            let mut source = self.side()?;
            transfer::node::fits(&mut *source, &mut *target)?;
            transfer::run(&mut *source, &mut *target, order, tell)
        })
    }

    /// What the database is in a move, while nobody has it open.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn state(&self) -> Result<State, Refusal> {
        apart(|| Ok(self.side()?.state()?))
    }

    /// The move that is under way from here, and can be given up.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn under_way(&self) -> Result<Mark, Refusal> {
        apart(|| transfer::under_way(&mut *self.side()?))
    }

    /// Puts the database in force again, which was on its way to another; its journal says that `operator` did it (empty: nobody
    /// has access to the installation). Answers with the mark that it had. `at`: now, Unix milliseconds.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn abandon(&self, operator: &str, at: i64) -> Result<Mark, Refusal> {
        apart(|| transfer::abandon(&mut *self.side()?, operator, at))
    }

    fn side(&self) -> Result<Box<dyn Side>, Refusal> {
        Ok(match self {
            Self::File(path, _) => Box::new(sqlite::transfer::Held::source(path)?),
            Self::Server(place) => Box::new(postgres::transfer::Server::connect(place)?),
        })
    }

    /// Brings the database to the version of this program; answers with the versions before and after. `at`: now, Unix
    /// milliseconds.
    ///
    /// # Errors
    /// [`StoreError::Setup`]; [`StoreError::Unusable`].
    pub fn migrate(&self, at: i64) -> Result<(i64, i64), StoreError> {
        match self {
            Self::File(path, _) => sqlite::migrate(path, at),
            Self::Server(place) => postgres::migrate(place),
        }
    }

    /// Says whether the database can be used, changing nothing.
    ///
    /// # Errors
    /// [`StoreError::Setup`] says what is wrong; [`StoreError::Unusable`].
    pub fn inspect(&self) -> Result<(), StoreError> {
        match self {
            Self::File(path, _) => sqlite::inspect(path),
            Self::Server(place) => postgres::inspect(place),
        }
    }

    /// Whether these keys open what stands in the database, as far as samples tell.
    ///
    /// # Errors
    /// [`StoreError::Setup`] names the column that they do not open; [`StoreError`].
    pub fn keys_fit(&self, seal: &Arc<dyn Seal>) -> Result<(), StoreError> {
        let opened = match self {
            Self::File(path, _) => sqlite::reseal::keys_open(path, &**seal),
            Self::Server(place) => postgres::reseal::keys_open(place, seal.clone()),
        };
        match opened {
            Err(StoreError::Unreadable(column)) => Err(StoreError::Setup(format!(
                "the keys do not open what is sealed in {column}: put the key files of the database back"
            ))),
            other => other,
        }
    }

    /// What the database tells of the sealing keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sealing(&self) -> Result<Sealing, StoreError> {
        match self {
            Self::File(path, _) => sqlite::reseal::sealing(path),
            Self::Server(place) => postgres::reseal::sealing(place),
        }
    }

    /// Counts the values that each key has sealed and that are there, by looking at all of them; `progress` is told how
    /// many were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sealed_by(
        &self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<BTreeMap<u32, u64>, StoreError> {
        match self {
            Self::File(path, _) => sqlite::reseal::sealed_by(path, progress),
            Self::Server(place) => postgres::reseal::sealed_by(place, progress),
        }
    }

    /// Has the service look at everything once more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn look_again(&self) -> Result<(), StoreError> {
        match self {
            Self::File(path, _) => sqlite::reseal::look_again(path),
            Self::Server(place) => postgres::reseal::look_again(place),
        }
    }

    /// Who is in the database, as far as it tells without its keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn census(&self) -> Result<Census, StoreError> {
        match self {
            Self::File(path, _) => sqlite::operator::census(path),
            Self::Server(place) => postgres::census(place),
        }
    }
}
