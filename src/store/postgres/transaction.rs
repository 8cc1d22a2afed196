//! One verb, one transaction: named, counted, run again when it met others.
//!
//! Records of the journal and changes of the status list are gathered and written last: the rows that order them are the
//! only ones that all transactions of a node, or of all nodes, hold one after the other, and they are held for one write and
//! the commit.

use super::fault::{SLOW, UNREACHABLE, failed, is_conflict, unconnected};
use super::reach::DOUBTFUL;
use super::{Parts, journal, token};
use crate::guard::guarded_by;
use crate::journal::Entry;
use crate::metric::{VerbLabels, VerbOutcome};
use crate::store::StoreError;
use crate::store::seal::Seal;
use deadpool_postgres::{Object, Transaction};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

/// Most runs of one verb.
const RUNS: u32 = 8;
/// The pause before the second run; before each that follows, once more of it.
const PAUSE: Duration = Duration::from_millis(4);
/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same of verbs of supervisors, which look at much; the server is told.
const LONG: Duration = Duration::from_mins(10);
const LONG_VERBS: [&str; 8] =
    ["decided", "figures", "history", "journal_span", "latest", "load_calendar", "recount", "sealed_by"];
const LONG_STATEMENTS: &str = "SET LOCAL statement_timeout = '10min'";

/// Verbs that write whatever they find. Others may have had nothing to write, which a server does whose commits wait for a
/// second member that is not there: that they ended well proves nothing.
const PROOFS: &[&str] = &["beat", "check"];

/// Values of a statement.
pub type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// A transaction under way.
pub struct Tx<'a> {
    inner: Transaction<'a>,
    pub seal: &'a dyn Seal,
    pub node: &'a str,
    records: Vec<Entry>,
    changes: Vec<Change>,
    committing: Arc<AtomicBool>,
    rehearses: bool,
}

/// An entry of the status list that changes.
pub struct Change {
    pub index: i64,
    pub standing: i64,
    pub ends: i64,
}

impl Tx<'_> {
    /// All rows that `sql` gives.
    pub async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.inner.prepare_cached(sql).await.map_err(failed)?;
        self.inner.query(&statement, values).await.map_err(failed)
    }

    /// The first row that `sql` gives.
    pub async fn row(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// The number in the first row that `sql` gives.
    pub async fn number(&self, sql: &str, values: Values<'_>) -> Result<Option<i64>, StoreError> {
        self.row(sql, values).await?.map(|row| row.try_get(0).map_err(failed)).transpose()
    }

    /// Whether `sql` gives a row.
    pub async fn exists(&self, sql: &str, values: Values<'_>) -> Result<bool, StoreError> {
        Ok(self.row(sql, values).await?.is_some())
    }

    /// Runs `sql`, and says how many rows it touched.
    pub async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        let statement = self.inner.prepare_cached(sql).await.map_err(failed)?;
        self.inner.execute(&statement, values).await.map_err(failed)
    }

    /// Has a record written with the commit; its number is given then.
    pub fn record(&mut self, entry: Entry) {
        self.records.push(entry);
    }

    /// Has a change of the status list written with the commit.
    pub fn list(&mut self, change: Change) {
        self.changes.push(change);
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut self.changes);
        token::write_changes(&mut self, &changes).await?;
        let records = std::mem::take(&mut self.records);
        journal::write(&mut self, records).await?;
        if self.rehearses {
            return self.inner.rollback().await.map_err(failed);
        }
        self.committing.store(true, Ordering::SeqCst);
        self.inner.commit().await.map_err(|error| match failed(error) {
            // The server answered: it did not happen.
            answered @ (StoreError::Refused(_) | StoreError::Busy) => answered,
            _ => StoreError::Unknown,
        })
    }
}

/// One run of a verb.
pub struct Run<'s> {
    store: &'s Parts,
    is_long: bool,
    committing: Arc<AtomicBool>,
}

impl<'s> Run<'s> {
    pub async fn client(&self) -> Result<Object, StoreError> {
        self.store.pool.get().await.map_err(unconnected)
    }

    /// READ COMMITTED: see the module of the store.
    pub async fn begin<'c>(&self, client: &'c mut Object) -> Result<Tx<'c>, StoreError>
    where
        's: 'c,
    {
        self.begin_at(client, IsolationLevel::ReadCommitted, false).await
    }

    /// The state of one moment, to be read.
    pub async fn look<'c>(&self, client: &'c mut Object) -> Result<Tx<'c>, StoreError>
    where
        's: 'c,
    {
        self.begin_at(client, IsolationLevel::RepeatableRead, true).await
    }

    async fn begin_at<'c>(
        &self,
        client: &'c mut Object,
        level: IsolationLevel,
        read_only: bool,
    ) -> Result<Tx<'c>, StoreError>
    where
        's: 'c,
    {
        let builder = client.build_transaction().isolation_level(level).read_only(read_only);
        let inner = builder.start().await.map_err(failed)?;
        if self.is_long {
            inner.batch_execute(LONG_STATEMENTS).await.map_err(failed)?;
        }
        let (seal, node) = (&*self.store.seal, self.store.node.as_str());
        let committing = self.committing.clone();
        let rehearses = self.store.rehearses;
        Ok(Tx { inner, seal, node, records: Vec::new(), changes: Vec::new(), committing, rehearses })
    }

    /// Ends it: the whole of it is kept, or nothing.
    pub async fn end<T>(tx: Tx<'_>, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        match outcome {
            Ok(value) => tx.commit().await.map(|()| value),
            Err(error) => {
                // If that fails too, the connection is at its end, and what it wrote with it.
                let _ = tx.inner.rollback().await;
                Err(error)
            }
        }
    }
}

/// The runs of one verb.
pub struct Runs<'s> {
    store: &'s Parts,
    verb: &'static str,
    begun: u32,
}

impl<'s> Runs<'s> {
    pub fn new(store: &'s Parts, verb: &'static str) -> Self {
        Self { store, verb, begun: 0 }
    }

    pub fn next(&mut self) -> Run<'s> {
        self.begun += 1;
        Run { store: self.store, is_long: LONG_VERBS.contains(&self.verb), committing: Arc::default() }
    }

    /// Waits for `run`, done by `work`, and says how the verb ended; `None`: it is to be run again.
    pub async fn judge<T>(
        &self,
        run: &Run<'s>,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Option<Result<T, StoreError>> {
        let metrics = &self.store.metrics;
        let outcome = self.wait(run, work).await;
        let again = outcome.as_ref().is_err_and(is_conflict);
        let end = match &outcome {
            Ok(_) => VerbOutcome::Committed,
            Err(_) if again => VerbOutcome::Conflicted,
            Err(StoreError::Unknown) => VerbOutcome::Unknown,
            Err(_) => VerbOutcome::Failed,
        };
        metrics.verbs.get_or_create(&VerbLabels { verb: self.verb, outcome: end }).inc();
        if again && self.begun < RUNS {
            tokio::time::sleep(PAUSE * self.begun).await;
            return None;
        }
        match &outcome {
            Ok(_) if PROOFS.contains(&self.verb) => self.store.condition.committed(&Ok(())),
            Ok(_) => {}
            Err(StoreError::Unknown) => self.store.condition.failed(&StoreError::Unusable(SLOW)),
            Err(error) => self.store.condition.failed(error),
        }
        if let Err(StoreError::Unknown | StoreError::Unusable(SLOW | UNREACHABLE)) = &outcome {
            self.store.reach.doubt();
        }
        // Who met others so often has met too many.
        Some(if again { Err(StoreError::Busy) } else { outcome })
    }

    /// What `work` comes to, as long as there is a database to wait for.
    async fn wait<T>(
        &self,
        run: &Run<'s>,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (reach, patience) = (&self.store.reach, if run.is_long { LONG } else { PATIENCE });
        let cut = |cause| {
            let committing = run.committing.load(Ordering::SeqCst);
            if committing { StoreError::Unknown } else { StoreError::Unusable(cause) }
        };
        if reach.is_away() {
            return Err(cut(UNREACHABLE));
        }
        let mut work = pin!(guarded_by(&self.store.metrics.panics, work));
        let (mut lost, mut late) = (pin!(reach.lost()), pin!(tokio::time::sleep(patience)));
        let mut doubtful = pin!(tokio::time::sleep(DOUBTFUL));
        let mut is_doubtful = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut work => return ended.unwrap_or(Err(StoreError::NotCommitted)),
                () = &mut lost => return Err(cut(UNREACHABLE)),
                () = &mut late => return Err(cut(SLOW)),
                () = &mut doubtful, if !is_doubtful => {
                    is_doubtful = true;
                    reach.doubt();
                }
            }
        }
    }
}

/// Runs a verb: `transact!(store, "open", |tx| request::open(tx, &opening))`. What it takes is borrowed, for it may run more
/// than once.
macro_rules! transact {
    ($store:expr, $verb:literal, |$tx:ident| $work:expr) => {
        $crate::store::postgres::transaction::run!(begin, $store, $verb, |$tx| $work)
    };
}

/// The same of a verb that only reads: the state of one moment.
macro_rules! look {
    ($store:expr, $verb:literal, |$tx:ident| $work:expr) => {
        $crate::store::postgres::transaction::run!(look, $store, $verb, |$tx| $work)
    };
}

macro_rules! run {
    ($begin:ident, $store:expr, $verb:literal, |$tx:ident| $work:expr) => {{
        let mut runs = $crate::store::postgres::transaction::Runs::new($store, $verb);
        loop {
            let run = runs.next();
            let work = async {
                let mut client = run.client().await?;
                let mut transaction = run.$begin(&mut client).await?;
                let outcome = {
                    let $tx = &mut transaction;
                    $work.await
                };
                $crate::store::postgres::transaction::Run::end(transaction, outcome).await
            };
            if let Some(outcome) = runs.judge(&run, work).await {
                break outcome;
            }
        }
    }};
}

pub(super) use {look, run, transact};
