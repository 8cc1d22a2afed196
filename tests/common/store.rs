//! Back ends of the store in fresh directories, and what their tests are about: people, asks, grants, answers.

#[path = "postgres.rs"]
pub mod postgres;

use kdp::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use kdp::consent::method::{CodeForm, Method};
use kdp::consent::revocation::Rule;
use kdp::consent::sms::ParsedReply;
use kdp::consent::{Consent, Event, Spans};
use kdp::metric::Metrics;
use kdp::random::{Id, Random, SeededRandom, SystemRandom};
use kdp::store::postgres::PostgresStore;
use kdp::store::postgres::connect::{Address, Place as Whereabouts};
use kdp::store::seal::{KeyFileSeal, Place, Seal};
use kdp::store::sqlite::{SqliteStore, Synchronous, migrate};
use kdp::store::token::{Check, Checked, Key, Registered};
use kdp::store::{
    AccessRequest, Applied, Budget, Change, Granted, Granting, Heard, Job, Lane, Opened, Opening, Record,
    Said, Standing, Store, StoreError, Task, Token,
};
use kdp::text::{Lang, Reason};
pub use postgres::Database;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

/// Noon in Astana, Unix milliseconds.
pub const NOON: i64 = 1_775_026_800_000;
pub const HOUR: i64 = 3_600_000;

/// Short spans, each of its own length, seconds.
pub const SPANS: Spans =
    Spans { answer: 100, code: 60, retry: 80, collect: 300, attempts: 3, wrong_codes: 100 };
pub const WIDE: Budget = Budget { subject: 1000, initiator: 1000 };

/// A store to be tested, alone in its directory.
pub struct Bench {
    /// Which back end, for messages.
    pub name: &'static str,
    pub store: Arc<dyn Store>,
    pub seal: Arc<FaultySeal>,
    pub metrics: Metrics,
    pub directory: tempfile::TempDir,
    /// Where `PostgreSQL` keeps it; without one, it is the file in the directory.
    pub database: Option<Database>,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Waits,
    /// For tests of very many commits, which are about something else.
    Hurries,
}

/// An empty database, if there is a server.
pub fn new_database() -> Option<Database> {
    let database = Database::new()?;
    // What SQLite has, so that one query reads both.
    database
        .run("CREATE FUNCTION hex(BYTEA) RETURNS TEXT LANGUAGE SQL AS $$ SELECT upper(encode($1, 'hex')) $$");
    Some(database)
}

/// One of each back end.
pub fn benches() -> Vec<Bench> {
    benches_whose(Disk::Waits)
}

pub fn benches_whose(disk: Disk) -> Vec<Bench> {
    std::iter::once(sqlite(disk)).chain(postgres()).collect()
}

/// On `PostgreSQL`, if there is a server.
pub fn postgres() -> Option<Bench> {
    let database = new_database()?;
    kdp::store::postgres::migrate(&whereabouts(&database, "one")).unwrap();
    let (seal, metrics) = (FaultySeal::new(), Metrics::default());
    let store = open_postgres(&database, "one", &seal, (SPANS, Rule::default()), &metrics);
    let directory = tempfile::tempdir().unwrap();
    Some(Bench { name: "postgres", store, seal, metrics, directory, database: Some(database) })
}

pub fn whereabouts(database: &Database, node: &str) -> Whereabouts {
    let url = database.url();
    Whereabouts::read(&Address { url: &url, password_file: None, authorities: None, connections: 8, node })
        .unwrap()
}

pub fn open_postgres(
    database: &Database,
    node: &str,
    seal: &Arc<FaultySeal>,
    rules: (Spans, Rule),
    metrics: &Metrics,
) -> Arc<dyn Store> {
    let place = whereabouts(database, node);
    Arc::new(PostgresStore::open(&place, seal.clone(), rules, metrics.store.clone()).unwrap())
}

pub fn sqlite(disk: Disk) -> Bench {
    sqlite_from(disk, |_, _| ())
}

/// On a database that `before` has made, brought to the version of today.
pub fn sqlite_from(disk: Disk, before: impl FnOnce(&Path, &dyn Seal)) -> Bench {
    let synchronous = if disk == Disk::Waits { Synchronous::Full } else { Synchronous::Off };
    let directory = tempfile::tempdir().unwrap();
    let (seal, metrics) = (FaultySeal::new(), Metrics::default());
    let path = directory.path().join("kdp.db");
    before(&path, &*seal);
    migrate(&path, NOON).unwrap();
    let rules = (SPANS, Rule::default());
    let store = SqliteStore::open(&path, synchronous, seal.clone(), rules, metrics.store.clone()).unwrap();
    Bench { name: "sqlite", store: Arc::new(store), seal, metrics, directory, database: None }
}

/// An SMS that is brought as soon as it was sent.
pub fn said(id: &str, from: Msisdn, text: &str) -> Said {
    Said { from, id: id.to_owned(), at: None, reply: ParsedReply::parse(text) }
}

impl Bench {
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("kdp.db")
    }

    pub fn journal(&self) -> Vec<String> {
        self.texts("SELECT outcome FROM journal ORDER BY seq")
    }

    /// Another opening of the same data, as another process has it.
    pub fn reopened(&self) -> Arc<dyn Store> {
        self.node("one")
    }

    /// The same, as another node has it, where there are nodes.
    pub fn node(&self, name: &str) -> Arc<dyn Store> {
        if let Some(database) = &self.database {
            return open_postgres(database, name, &self.seal, (SPANS, Rule::default()), &self.metrics);
        }
        let metrics = self.metrics.store.clone();
        let (rules, seal) = ((SPANS, Rule::default()), self.seal.clone());
        Arc::new(SqliteStore::open(&self.path(), Synchronous::Full, seal, rules, metrics).unwrap())
    }

    pub async fn open(&self, ask: &Ask, at: i64) -> Opened {
        let request = ask.request(at);
        self.open_as(request, WIDE, at).await.unwrap()
    }

    pub async fn open_as(
        &self,
        request: AccessRequest,
        budget: Budget,
        at: i64,
    ) -> Result<Opened, StoreError> {
        let record = Record { request: Some(request.id), ..record(at, "waiting") };
        self.store.open(Opening { request, budget }, record).await
    }

    /// An ask whose SMS 1414 has accepted.
    pub async fn waiting(&self, ask: &Ask, at: i64) -> AccessRequest {
        let request = new(self.open(ask, at).await);
        let (request, applied) = self.event(request.id, Event::SmsAccepted, at).await;
        assert!(applied);
        request
    }

    pub async fn change(&self, id: Id, change: Change, at: i64) -> (AccessRequest, bool) {
        let (request, applied) =
            self.store.change(id, change, record(at, "change")).await.unwrap().expect("it is stored");
        (request, applied == Applied::Yes)
    }

    pub async fn event(&self, id: Id, event: Event, at: i64) -> (AccessRequest, bool) {
        self.change(id, Change::Event(event), at).await
    }

    pub async fn collect(&self, id: Id, at: i64) -> (AccessRequest, bool) {
        self.change(id, Change::Collect(token(at)), at).await
    }

    /// An SMS of the phone; each is another one.
    pub async fn say(&self, phone: &Msisdn, text: &str, at: i64) -> Heard {
        self.say_as(&format!("sms-{}", next()), phone, text, at).await
    }

    pub async fn say_as(&self, id: &str, phone: &Msisdn, text: &str, at: i64) -> Heard {
        self.store.hear(said(id, phone.clone(), text), record(at, "reply")).await.unwrap()
    }

    pub async fn consent(&self, id: Id) -> Consent {
        self.store.request(id).await.unwrap().expect("it is stored").consent
    }

    pub async fn grant(&self, proof: &Proof, ask: &Ask, at: i64) -> Granted {
        self.store.grant(proof.granting(ask, at), record(at, "granted")).await.unwrap()
    }

    /// The ask of this initiator for this subject and these services that is in progress.
    pub async fn in_progress(&self, ask: &Ask, at: i64) -> Option<AccessRequest> {
        match self.store.standing(bin(ask.bin), iin(ask.iin), services(ask.services), WIDE, at).await.unwrap()
        {
            Standing::Live(request) => Some(*request),
            Standing::Free | Standing::Refused(_) => None,
        }
    }

    /// What is due at `at` about requests and applications, earliest first; the daily sweep is always there.
    pub async fn due(&self, at: i64) -> Vec<Job> {
        let mut jobs = self.store.due(Lane::Consent, at, 10_000).await.unwrap();
        jobs.extend(self.store.due(Lane::Answers, at, 10_000).await.unwrap());
        jobs.sort_by_key(|job| (job.due, job.id));
        jobs.into_iter().filter(|job| job.task != Task::Sweep).collect()
    }

    /// Tasks of a request with their due times, in order.
    pub async fn tasks(&self, id: Id) -> Vec<(Task, i64)> {
        let jobs = self.due(i64::MAX).await;
        jobs.into_iter().filter(|job| job.request == id).map(|job| (job.task, job.due)).collect()
    }
}

/// What the database says, past the store.
impl Bench {
    pub fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }

    /// All that is kept: files with their bytes, or tables.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        if let Some(database) = &self.database {
            return database.tables();
        }
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
        };
        self.directory.path().read_dir().unwrap().map(read).collect()
    }

    /// The number that `sql` selects.
    pub fn number(&self, sql: &str) -> i64 {
        if let Some(database) = &self.database {
            return database.ask(sql)[0][0].as_ref().unwrap().parse().unwrap();
        }
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        match &self.database {
            Some(database) => database.run(sql),
            None => self.connection().execute_batch(sql).unwrap(),
        }
    }

    /// The texts that `sql` selects.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.path(), self.database.as_ref(), sql)
    }
}

/// The texts that `sql` selects from a database, or else from a file.
pub fn texts(path: &Path, database: Option<&Database>, sql: &str) -> Vec<String> {
    if let Some(database) = database {
        return database.ask(sql).into_iter().map(|mut row| row.remove(0).unwrap()).collect();
    }
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut rows = connection.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Tokens, and what becomes of them.
impl Bench {
    /// A token of method 2 for so many seconds, by a verification token of its own, formed now.
    pub async fn granted(&self, ask: &Ask, seconds: i64, at: i64) -> AccessRequest {
        let ask = Ask { method: Method::OwnMeans, phone: None, ..ask.clone() };
        let mut granting = Proof::formed(at).granting(&ask, at);
        let expires = at / 1000 + seconds;
        granting.request.term_seconds = u64::try_from(seconds).unwrap();
        granting.request.consent = Consent::Granted { expires, lapses: None };
        granting.request.token.as_mut().unwrap().expires = expires;
        match self.store.grant(granting, record(at, "granted")).await.unwrap() {
            Granted::New(request) => request,
            Granted::Before(_) => panic!("it was granted before"),
            Granted::Refused(reason) => panic!("refused: {reason:?}"),
        }
    }

    pub async fn check(&self, check: Check, at: i64) -> Checked {
        self.store.check_token(check, record(at, "")).await.unwrap().expect("enough is left of the day")
    }

    /// What a token is worth now, to an owner of one of its services.
    pub async fn worth(&self, request: &AccessRequest, at: i64) -> (&'static str, Option<Reason>) {
        let checked = self.check(look(request, at), at).await;
        (checked.status.word(), checked.reason)
    }

    /// What the status list says of a token: 0 valid, 1 invalid, 2 suspended, 3 under review.
    pub async fn listed(&self, request: &AccessRequest) -> u8 {
        let place = request.token.as_ref().and_then(|token| token.index).unwrap();
        let changes = self.store.status_changes(0).await.unwrap();
        changes.entries.iter().rfind(|(changed, _)| *changed == place).map_or(0, |(_, standing)| *standing)
    }
}

/// An owner's question about a token for its first service.
pub fn look(request: &AccessRequest, at: i64) -> Check {
    let token = request.token.as_ref().unwrap();
    Check {
        key: Key::Compact { jti: token.jti, compact: token.compact.clone() },
        service: request.services.as_slice()[0].clone(),
        owner: "register".to_owned(),
        subject: None,
        blind: u32::MAX,
        time: at,
        registered: Box::new(|_| Registered::default()),
    }
}

/// Seals as ever, until it is told to fail or to panic; keeps what it sealed.
pub struct FaultySeal {
    inner: KeyFileSeal,
    sealed: Mutex<Vec<Vec<u8>>>,
    /// Seals that still work; `usize::MAX`: all.
    left: AtomicUsize,
    /// Panics on the next hash of this one's length in `domain`, once.
    panics: AtomicUsize,
}

impl FaultySeal {
    pub fn new() -> Arc<Self> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let key = |n: u8| format!("1 {}", format!("{n:02x}").repeat(32));
        let inner = KeyFileSeal::read(&key(7), &key(9), random).unwrap();
        let left = AtomicUsize::new(usize::MAX);
        Arc::new(Self { inner, sealed: Mutex::default(), left, panics: AtomicUsize::new(0) })
    }

    /// Everything that was sealed so far.
    pub fn sealed(&self) -> Vec<Vec<u8>> {
        self.sealed.lock().unwrap().clone()
    }

    /// After `seals` more, no randomness is to be had.
    pub fn fail_after(&self, seals: usize) {
        self.left.store(seals, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }

    /// The next hash of a budget, which only the writing thread makes, panics.
    pub fn panic_once(&self) {
        self.panics.store(1, Ordering::SeqCst);
    }
}

impl Seal for FaultySeal {
    fn seal(&self, place: Place<'_>, plain: &[u8]) -> Option<Vec<u8>> {
        let spend = |left: usize| if left == usize::MAX { Some(left) } else { left.checked_sub(1) };
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).ok()?;
        let sealed = self.inner.seal(place, plain)?;
        self.sealed.lock().unwrap().push(sealed.clone());
        Some(sealed)
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        self.inner.open(place, sealed)
    }

    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        if domain.starts_with("budget") {
            assert_eq!(self.panics.swap(0, Ordering::SeqCst), 0, "a defect, as the test wants it");
        }
        self.inner.hash(domain, parts)
    }
}

static RANDOM: LazyLock<SeededRandom> = LazyLock::new(|| SeededRandom::new(1, 0));

pub fn next() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

pub fn id(at: i64) -> Id {
    Id::new(at, &*RANDOM).unwrap()
}

/// Twelve digits with a right control digit, another for each `n`.
fn twelve(first: u64, n: u64) -> String {
    (0..16)
        .map(|skip| format!("{:011}", first + n * 16 + skip))
        .flat_map(|digits| (0..10).map(move |control| format!("{digits}{control}")))
        .find(|number| Iin::parse(number).is_ok())
        .unwrap()
}

pub fn iin(n: u64) -> Iin {
    Iin::parse(&twelve(80_010_130_000, n)).unwrap()
}

pub fn bin(n: u64) -> Bin {
    Bin::parse(&twelve(26_014_099_000, n)).unwrap()
}

pub fn phone(n: u64) -> Msisdn {
    Msisdn::parse(&format!("77{n:09}")).unwrap()
}

pub fn services(list: &str) -> ServiceIds {
    ServiceIds::parse(list).unwrap()
}

/// An ask of method 1 or 5; people are numbers.
#[derive(Clone)]
pub struct Ask {
    pub bin: u64,
    pub iin: u64,
    pub phone: Option<u64>,
    pub services: &'static str,
    pub method: Method,
    pub reference: String,
}

impl Default for Ask {
    fn default() -> Self {
        let reference = "1000".to_owned();
        Self { bin: 1, iin: 1, phone: Some(1), services: "A;B", method: Method::Sms, reference }
    }
}

impl Ask {
    pub fn by_code() -> Self {
        Self { method: Method::Code, ..Self::default() }
    }

    pub fn of(iin: u64) -> Self {
        Self { iin, phone: Some(iin), ..Self::default() }
    }

    pub fn request(&self, at: i64) -> AccessRequest {
        AccessRequest {
            id: id(at),
            bin: bin(self.bin),
            sender: "bank".to_owned(),
            iin: iin(self.iin),
            method: self.method,
            opened: at,
            services: services(self.services),
            term_seconds: 600,
            company: "Банк Үлгі".to_owned(),
            responsible: "Несие бөлімі".to_owned(),
            employee: "Үлгіұлы Ү.".to_owned(),
            data: "ФИО, адрес".to_owned(),
            directory: None,
            ground: None,
            proactive: None,
            mcheck: None,
            lang: Lang::Ru,
            msisdn: self.phone.map(phone),
            reference: self.reference.clone(),
            code_form: CodeForm::Digits,
            consent: Consent::ask(self.phone.is_some(), at, &SPANS),
            token: None,
        }
    }
}

/// A verification token as the store knows it.
#[derive(Clone)]
pub struct Proof {
    pub ovt: [u8; 32],
    /// Of its formation, Unix seconds.
    pub iat: i64,
    pub until: i64,
    pub subjects: Option<u32>,
}

impl Proof {
    /// Another one for each `n`; unbound, for `subjects`.
    pub fn new(n: u8, subjects: Option<u32>) -> Self {
        Self { ovt: [n; 32], iat: NOON / 1000, until: NOON / 1000 + 36_000, subjects }
    }

    /// One unlike every other, formed now and bound to its subject.
    pub fn formed(at: i64) -> Self {
        let mut ovt = [0xff; 32];
        ovt[..8].copy_from_slice(&next().to_be_bytes());
        Self { ovt, iat: at / 1000, until: at / 1000 + 36_000, subjects: None }
    }

    pub fn granting(&self, ask: &Ask, at: i64) -> Granting {
        let token = token(at);
        let consent = Consent::Granted { expires: token.expires, lapses: None };
        let request = AccessRequest { consent, msisdn: None, token: Some(token), ..ask.request(at) };
        let Self { ovt, iat, until, subjects } = *self;
        Granting { request, ovt, ovt_iat: iat, ovt_until: until, subjects }
    }
}

/// A token of ten minutes, unlike every other, at a place of its own.
pub fn token(at: i64) -> Token {
    let place = next();
    let compact = format!("header.{place}-made-up-token.signature");
    Token { jti: id(at), compact, issued: at, expires: at / 1000 + 600, index: Some(place) }
}

pub fn record(at: i64, outcome: &str) -> Record {
    Record { at, kind: "event", outcome: outcome.to_owned(), sender: "bank".to_owned(), ..Record::default() }
}

pub fn new(opened: Opened) -> AccessRequest {
    match opened {
        Opened::New(request) => request,
        Opened::Live(_) => panic!("it is in progress already"),
        Opened::Refused(reason) => panic!("refused: {reason:?}"),
    }
}

pub fn live(opened: Opened) -> AccessRequest {
    match opened {
        Opened::Live(request) => request,
        Opened::New(_) => panic!("a new one was opened"),
        Opened::Refused(reason) => panic!("refused: {reason:?}"),
    }
}

pub fn is_limited(opened: &Opened) -> bool {
    matches!(opened, Opened::Refused(Reason::LimitReached))
}
