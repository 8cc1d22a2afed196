//! The store on `PostgreSQL`, for many nodes. tokio-postgres is known here only.
//!
//! Each verb is one transaction (`transaction.rs`), run again a bounded number of times when it met others (SQLSTATE 40001,
//! 40P01). A connection that ends before the commit is an error, and nothing happened; one that ends while the commit is
//! under way is [`StoreError::Unknown`]: nobody is told of success, and to repeat the verb is safe, since each verb finds what
//! it did before (the same ask in progress, the use of a verification token, the SMS that was heard, the decision).
//!
//! Isolation is READ COMMITTED with rows that are held (`FOR UPDATE`), so that verbs wait for each other in place of being
//! undone. They are held in this order:
//!
//! 1. `registry_version`: whoever registers, or sets terms by the calendar (`FOR SHARE`);
//! 2. `heard_sms`, `asynchronous_taking`: by the insertion of what identifies a message;
//! 3. `subject`: whoever changes anything about a subject. Its requests, holds, revocations, and uses of verification tokens
//!    change under it: one live request, one token for one verification token, one outcome of a review;
//! 4. `access_request`, which the sweep alone changes without its subject; `suspension` (`FOR SHARE`) while a token is given;
//! 5. `ovt_limit`, `budget`: limits beyond one subject, taken from by the statement that judges them;
//! 6. with the commit, `counter` of the status list, so that its changes are seen in their order, and `journal_end` of the
//!    node.
//!
//! A token check holds nothing: it reads what was committed, on the server that takes writes and no other. What is read in
//! more than one statement is read in REPEATABLE READ. Jobs are taken by `FOR UPDATE SKIP LOCKED` for the node, which keeps
//! them while it says that it lives (`job.rs`).
//!
//! What is used is what `YugabyteDB` and `CockroachDB` speak too: BIGINT, TEXT, BYTEA, identity columns, partial indexes,
//! `ON CONFLICT … DO UPDATE … RETURNING`, `FOR UPDATE`, `FOR SHARE`, `SKIP LOCKED`, `= ANY($1)`, `COLLATE "C"`, JSONB `->>`,
//! `information_schema`. No advisory locks, triggers, functions, extensions, LISTEN, or `xmin`; what a
//! move uses besides, `transfer.rs` says.

mod access;
mod asynchronous;
mod budget;
pub mod connect;
mod erase;
mod fault;
mod job;
mod journal;
mod migration;
mod operator;
mod reach;
mod redate;
mod register;
mod registration;
mod report;
mod request;
pub mod reseal;
mod revocation;
mod row;
mod subject;
mod tls;
mod token;
mod transaction;
pub mod transfer;

use super::condition::Condition;
use super::operator::Census;
use super::revocation::{Application, Filed, Filing, Page, Solution, Solved};
use super::seal::Seal;
use super::token::{Changes, Check, Checked};
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
use connect::Place;
use deadpool_postgres::Pool;
use fault::failed;
pub use migration::{SCHEMA, inspect, migrate};
use reach::Reach;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use tokio::task::JoinHandle;
use transaction::{Tx, look, transact};

/// The store on one database, as one of its nodes has it.
pub struct PostgresStore {
    parts: Arc<Parts>,
    /// Says that the node lives, from when it first asked what is due until the store is dropped.
    heart: OnceLock<Heart>,
}

struct Heart(JoinHandle<()>);

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What its verbs work with.
pub struct Parts {
    pool: Pool,
    reach: Arc<Reach>,
    node: String,
    condition: Arc<Condition>,
    metrics: Arc<StoreMetrics>,
    seal: Arc<dyn Seal>,
    spans: Spans,
    rule: Rule,
    /// Whether every verb is undone.
    rehearses: bool,
}

impl PostgresStore {
    /// Opens a database of the right version.
    ///
    /// # Errors
    /// [`StoreError::Setup`] says what is wrong: no database, another version.
    pub fn open(
        place: &Place,
        seal: Arc<dyn Seal>,
        (spans, rule): (Spans, Rule),
        metrics: Arc<StoreMetrics>,
    ) -> Result<Self, StoreError> {
        inspect(place)?;
        let parts = Parts::new(place, seal, (spans, rule), metrics)?;
        Ok(Self { parts: Arc::new(parts), heart: OnceLock::new() })
    }

    /// The same of a database that is on its way to another ([`super::transfer::Step::Leaving`]): for whoever may give that up.
    ///
    /// # Errors
    /// Those of [`PostgresStore::open`].
    pub fn open_leaving(
        place: &Place,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
    ) -> Result<Self, StoreError> {
        migration::inspect_leaving(place)?;
        let parts = Parts::new(&place.to_give_up(), seal, rules, Arc::default())?;
        Ok(Self { parts: Arc::new(parts), heart: OnceLock::new() })
    }

    /// The same to rehearse on: each verb judges and writes as ever, answers with what would have been, and is undone.
    ///
    /// # Errors
    /// Those of [`PostgresStore::open`].
    pub fn open_to_rehearse(
        place: &Place,
        seal: Arc<dyn Seal>,
        rules: (Spans, Rule),
    ) -> Result<Self, StoreError> {
        inspect(place)?;
        let mut parts = Parts::new(place, seal, rules, Arc::default())?;
        parts.rehearses = true;
        Ok(Self { parts: Arc::new(parts), heart: OnceLock::new() })
    }
}

impl Parts {
    fn new(
        place: &Place,
        seal: Arc<dyn Seal>,
        (spans, rule): (Spans, Rule),
        metrics: Arc<StoreMetrics>,
    ) -> Result<Self, StoreError> {
        let condition = Arc::new(Condition::new(metrics.clone()));
        let (pool, node) = (place.pool()?, place.node().to_owned());
        let reach = Arc::new(Reach::new(place.clone(), pool.clone()));
        Ok(Self { pool, reach, node, condition, metrics, seal, spans, rule, rehearses: false })
    }
}

impl Parts {
    /// The same as another node has them, to read what it left.
    fn of_node(&self, node: &str) -> Self {
        Self {
            pool: self.pool.clone(),
            reach: self.reach.clone(),
            node: node.to_owned(),
            condition: self.condition.clone(),
            metrics: self.metrics.clone(),
            seal: self.seal.clone(),
            spans: self.spans,
            rule: self.rule,
            rehearses: true,
        }
    }
}

/// Who is in the database, as far as it tells without its keys.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub fn census(place: &Place) -> Result<Census, StoreError> {
    place.alone(async |client| {
        let operators = "SELECT count(DISTINCT id) FROM registered WHERE kind = 'operator'";
        let subjects = "SELECT coalesce(max(id), 0) FROM subject";
        let operators = client.query_one(operators, &[]).await.and_then(|row| row.try_get(0));
        let subjects = client.query_one(subjects, &[]).await.and_then(|row| row.try_get(0));
        let chains = format!("SELECT count(*) FROM ({}) AS named", journal::NAMED);
        let chains = client.query_one(&chains, &[]).await.and_then(|row| row.try_get(0));
        Ok(Census {
            operators: operators.map_err(failed)?,
            subjects: subjects.map_err(failed)?,
            chains: chains.map_err(failed)?,
        })
    })
}

impl Deref for PostgresStore {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// Says again and again that the node lives. What goes wrong with it is told by what else goes wrong then.
async fn live(parts: Arc<Parts>) {
    loop {
        tokio::time::sleep(job::BEAT).await;
        let _ = transact!(&parts, "beat", |tx| job::beat(tx));
    }
}

impl Store for PostgresStore {
    fn standing(
        &self,
        bin: Bin,
        iin: Iin,
        services: ServiceIds,
        asks: Budget,
        at: i64,
    ) -> Pending<'_, Standing> {
        Box::pin(async move { look!(self, "standing", |tx| standing(tx, (&bin, &iin, &services), asks, at)) })
    }

    fn charge(&self, bin: Bin, charge: Charge, most: u32, record: Record) -> Pending<'_, bool> {
        Box::pin(
            async move { transact!(self, "charge", |tx| request::charge(tx, &bin, (charge, most), &record)) },
        )
    }

    fn open(&self, opening: Opening, record: Record) -> Pending<'_, Opened> {
        Box::pin(async move {
            let sealed = row::Sealed::new(&opening.request, &*self.seal, record.at)?;
            transact!(self, "open", |tx| request::open(tx, &opening, &sealed, &record))
        })
    }

    fn grant(&self, granting: Granting, record: Record) -> Pending<'_, Granted> {
        Box::pin(async move {
            let sealed = row::Sealed::new(&granting.request, &*self.seal, record.at)?;
            transact!(self, "grant", |tx| request::grant(tx, &granting, &sealed, &record))
        })
    }

    fn request(&self, id: Id) -> Pending<'_, Option<AccessRequest>> {
        Box::pin(async move {
            let stored = look!(self, "request", |tx| row::find(tx, "id = $1", &&id.as_bytes()[..]))?;
            Ok(stored.map(|stored| stored.request))
        })
    }

    fn change(
        &self,
        id: Id,
        change: Change,
        record: Record,
    ) -> Pending<'_, Option<(AccessRequest, Applied)>> {
        Box::pin(async move {
            transact!(self, "change", |tx| request::change(tx, id, &change, &self.spans, &record))
        })
    }

    fn hear(&self, said: Said, record: Record) -> Pending<'_, Heard> {
        Box::pin(async move { transact!(self, "hear", |tx| request::hear(tx, &said, &self.spans, &record)) })
    }

    fn note(&self, record: Record) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "note", |tx| journal::append(tx, &record)) })
    }

    fn conflicts(&self, sender: String, message_id: String, body: [u8; 32], at: i64) -> Pending<'_, bool> {
        // Some senders make it of the subject's IIN or phone.
        let hash = row::foreign_id(&*self.seal, &sender, &message_id);
        Box::pin(async move { transact!(self, "conflicts", |tx| conflicts(tx, &sender, &hash, &body, at)) })
    }

    fn blocked(&self, subject: Iin) -> Pending<'_, Option<Reason>> {
        Box::pin(async move { look!(self, "blocked", |tx| blocked(tx, &subject)) })
    }

    fn allot(&self, count: u64) -> Pending<'_, u64> {
        Box::pin(async move { transact!(self, "allot", |tx| token::allot(tx, count)) })
    }

    fn status_changes(&self, after: i64) -> Pending<'_, Changes> {
        Box::pin(async move { look!(self, "status_changes", |tx| token::changes(tx, after)) })
    }

    fn check_token(&self, check: Check, record: Record) -> Pending<'_, Option<Checked>> {
        Box::pin(async move { transact!(self, "check_token", |tx| token::check(tx, &check, &record)) })
    }

    fn accesses(&self, subject: Iin, from: i64, to: i64, most: u32) -> Pending<'_, Vec<Access>> {
        Box::pin(async move { look!(self, "accesses", |tx| access::list(tx, &subject, (from, to), most)) })
    }

    fn file(&self, filing: Filing, record: Record) -> Pending<'_, Filed> {
        let rules = (self.rule, &self.spans);
        Box::pin(async move { transact!(self, "file", |tx| revocation::file(tx, &filing, rules, &record)) })
    }

    fn application(&self, id: Id, at: i64) -> Pending<'_, Option<Application>> {
        Box::pin(async move { look!(self, "application", |tx| revocation::application(tx, id, at)) })
    }

    fn open_applications(&self, bin: Bin, after: Option<Id>, most: u32, at: i64) -> Pending<'_, Page> {
        Box::pin(
            async move { look!(self, "open_applications", |tx| revocation::open(tx, &bin, after, most, at)) },
        )
    }

    fn latest_applications(&self, most: u32, at: i64) -> Pending<'_, Vec<Application>> {
        Box::pin(async move { look!(self, "latest_applications", |tx| revocation::latest(tx, most, at)) })
    }

    fn solve(&self, solution: Solution, record: Record) -> Pending<'_, Solved> {
        Box::pin(async move {
            transact!(self, "solve", |tx| revocation::solve(tx, &solution, &self.spans, &record))
        })
    }

    fn review(&self, application: Id, record: Record) -> Pending<'_, ()> {
        Box::pin(async move {
            transact!(self, "review", |tx| revocation::review(
                tx,
                application,
                self.rule,
                &self.spans,
                &record
            ))
        })
    }

    fn sweep(&self, sweeping: Sweeping, record: Record) -> Pending<'_, bool> {
        Box::pin(async move { transact!(self, "sweep", |tx| erase::sweep(tx, &sweeping, &record)) })
    }

    fn due(&self, lane: Lane, at: i64, most: u32) -> Pending<'_, Vec<Job>> {
        Box::pin(async move {
            self.heart.get_or_init(|| Heart(tokio::spawn(live(self.parts.clone()))));
            transact!(self, "due", |tx| job::due(tx, lane, at, most))
        })
    }

    fn next_due(&self) -> Pending<'_, Option<i64>> {
        Box::pin(async move { look!(self, "next_due", |tx| job::next_due(tx)) })
    }

    fn done(&self, job: i64) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "done", |tx| job::done(tx, job)) })
    }

    fn postpone(&self, job: i64, due: i64) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "postpone", |tx| job::postpone(tx, job, due)) })
    }

    fn overdue(&self, job: i64, record: Record) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "overdue", |tx| job::overdue(tx, job, &record)) })
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "check", |tx| job::beat(tx)) })
    }
}

async fn standing(
    tx: &mut Tx<'_>,
    (bin, iin, services): (&Bin, &Iin, &ServiceIds),
    asks: Budget,
    at: i64,
) -> Result<Standing, StoreError> {
    let hash = row::subject_hash(tx.seal, iin);
    let held = match subject::find(tx, &hash).await? {
        Some(subject) => subject::held(tx, subject, true).await?,
        None => None,
    };
    // A block comes before everything, also before an ask that is in progress (P 7-3).
    if held == Some(Reason::SubjectBlocked) {
        return Ok(Standing::Refused(Reason::SubjectBlocked));
    }
    let key = row::live_hash(tx.seal, bin, iin, services);
    let live = row::find(tx, "live = $1", &&key[..]).await?.map(|stored| stored.request);
    if let Some(live) = live.filter(|r| r.consent.clone().at(at).is_live()) {
        return Ok(Standing::Live(Box::new(live)));
    }
    if let Some(reason) = held {
        return Ok(Standing::Refused(reason));
    }
    let asks = budget::of_asks(tx.seal, iin.as_str(), bin.as_str(), asks);
    let left = budget::is_left(tx, &asks, at).await?;
    Ok(if left { Standing::Free } else { Standing::Refused(Reason::LimitReached) })
}

async fn conflicts(
    tx: &mut Tx<'_>,
    sender: &str,
    hash: &str,
    body: &[u8; 32],
    at: i64,
) -> Result<bool, StoreError> {
    // Who brings the same id at the same time waits here, and then finds what it was used for.
    let sql = "INSERT INTO message (sender, message_id, body, at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (sender, message_id) DO NOTHING";
    if tx.execute(sql, &[&sender, &hash, &&body[..], &at]).await? == 1 {
        return Ok(false);
    }
    let sql = "SELECT body FROM message WHERE sender = $1 AND message_id = $2";
    let Some(known) = tx.row(sql, &[&sender, &hash]).await? else { return Ok(false) };
    Ok(row::get::<&[u8]>(&known, 0)? != body)
}

async fn blocked(tx: &mut Tx<'_>, subject: &Iin) -> Result<Option<Reason>, StoreError> {
    let hash = row::subject_hash(tx.seal, subject);
    match subject::find(tx, &hash).await? {
        Some(subject) => subject::held(tx, subject, false).await,
        None => Ok(None),
    }
}
