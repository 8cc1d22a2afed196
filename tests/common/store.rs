//! Back ends of the store in fresh directories, and what their tests are about: people, asks, grants, answers.

use kdp::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use kdp::consent::method::{CodeForm, Method};
use kdp::consent::sms::ParsedReply;
use kdp::consent::{Consent, Event, Spans};
use kdp::metric::Metrics;
use kdp::random::{Id, Random, SeededRandom, SystemRandom};
use kdp::store::seal::{KeyFileSeal, Place, Seal};
use kdp::store::sqlite::{SqliteStore, Synchronous, migrate};
use kdp::store::{
    AccessRequest, Budget, Change, Granted, Granting, Heard, Opened, Opening, Record, Store, StoreError,
    Task, Token,
};
use kdp::text::Lang;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// Noon in Astana, Unix milliseconds.
pub const NOON: i64 = 1_775_026_800_000;
pub const HOUR: i64 = 3_600_000;

/// Short spans, each of its own length, seconds.
pub const SPANS: Spans = Spans { answer: 100, code: 60, retry: 80, collect: 300, attempts: 3 };
pub const WIDE: Budget = Budget { subject: 1000, initiator: 1000 };

/// A store to be tested, alone in its directory.
pub struct Bench {
    /// Which back end, for messages.
    pub name: &'static str,
    pub store: Arc<dyn Store>,
    pub seal: Arc<FaultySeal>,
    pub metrics: Metrics,
    pub directory: tempfile::TempDir,
    /// Outcomes of the journal in order, read past the store.
    journal: fn(&Bench) -> Vec<String>,
    reopen: fn(&Bench) -> Arc<dyn Store>,
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Waits,
    /// For tests of very many commits, which are about something else.
    Hurries,
}

/// Every back end there is: a new one adds its constructor.
const BACK_ENDS: &[fn(Disk) -> Bench] = &[sqlite];

/// One of each back end.
pub fn benches() -> Vec<Bench> {
    benches_whose(Disk::Waits)
}

pub fn benches_whose(disk: Disk) -> Vec<Bench> {
    BACK_ENDS.iter().map(|start| start(disk)).collect()
}

pub fn sqlite(disk: Disk) -> Bench {
    let synchronous = if disk == Disk::Waits { Synchronous::Full } else { Synchronous::Off };
    let directory = tempfile::tempdir().unwrap();
    let (seal, metrics) = (FaultySeal::new(), Metrics::default());
    let path = directory.path().join("kdp.db");
    migrate(&path).unwrap();
    let store = SqliteStore::open(&path, synchronous, seal.clone(), SPANS, metrics.store.clone()).unwrap();
    Bench {
        name: "sqlite",
        store: Arc::new(store),
        seal,
        metrics,
        directory,
        journal: |bench| {
            let connection = rusqlite::Connection::open(bench.path()).unwrap();
            let mut rows = connection.prepare("SELECT outcome FROM journal ORDER BY seq").unwrap();
            rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        },
        reopen: |bench| {
            let metrics = bench.metrics.store.clone();
            let store =
                SqliteStore::open(&bench.path(), Synchronous::Full, bench.seal.clone(), SPANS, metrics);
            Arc::new(store.unwrap())
        },
    }
}

impl Bench {
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("kdp.db")
    }

    pub fn journal(&self) -> Vec<String> {
        (self.journal)(self)
    }

    /// Another opening of the same data, as another process has it.
    pub fn reopened(&self) -> Arc<dyn Store> {
        (self.reopen)(self)
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
        self.store.change(id, change, record(at, "change")).await.unwrap().expect("it is stored")
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
        let reply = ParsedReply::parse(text);
        self.store.hear(phone.clone(), id.to_owned(), reply, record(at, "reply")).await.unwrap()
    }

    pub async fn consent(&self, id: Id) -> Consent {
        self.store.request(id).await.unwrap().expect("it is stored").consent
    }

    pub async fn grant(&self, proof: &Proof, ask: &Ask, at: i64) -> Granted {
        self.store.grant(proof.granting(ask, at), record(at, "granted")).await.unwrap()
    }

    /// Tasks of a request with their due times, in order.
    pub async fn tasks(&self, id: Id) -> Vec<(Task, i64)> {
        let jobs = self.store.due(i64::MAX, 10_000).await.unwrap();
        jobs.into_iter().filter(|job| job.request == id).map(|job| (job.task, job.due)).collect()
    }
}

/// Seals as ever, until it is told to fail or to panic.
pub struct FaultySeal {
    inner: KeyFileSeal,
    /// Seals that still work; `usize::MAX`: all.
    left: AtomicUsize,
    /// Panics on the next hash of this one's length in `domain`, once.
    panics: AtomicUsize,
}

impl FaultySeal {
    fn new() -> Arc<Self> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let key = |n: u8| format!("1 {}", format!("{n:02x}").repeat(32));
        let inner = KeyFileSeal::read(&key(7), &key(9), random).unwrap();
        Arc::new(Self { inner, left: AtomicUsize::new(usize::MAX), panics: AtomicUsize::new(0) })
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
        self.inner.seal(place, plain)
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Vec<u8>> {
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
            iin: iin(self.iin),
            method: self.method,
            services: services(self.services),
            term_seconds: 600,
            company: "Банк Үлгі".to_owned(),
            responsible: "Несие бөлімі".to_owned(),
            employee: "Үлгіұлы Ү.".to_owned(),
            data: "ФИО, адрес".to_owned(),
            directory_id: None,
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
    pub until: i64,
    pub subjects: Option<u32>,
}

impl Proof {
    /// Another one for each `n`; unbound, for `subjects`.
    pub fn new(n: u8, subjects: Option<u32>) -> Self {
        Self { ovt: [n; 32], until: NOON / 1000 + 36_000, subjects }
    }

    pub fn granting(&self, ask: &Ask, at: i64) -> Granting {
        let token = token(at);
        let consent = Consent::Granted { expires: token.expires };
        let request = AccessRequest { consent, msisdn: None, token: Some(token), ..ask.request(at) };
        Granting { request, ovt: self.ovt, ovt_until: self.until, subjects: self.subjects }
    }
}

/// A token of ten minutes, unlike every other.
pub fn token(at: i64) -> Token {
    let compact = format!("header.{}-made-up-token.signature", next());
    Token { jti: id(at), compact, expires: at / 1000 + 600 }
}

pub fn record(at: i64, outcome: &str) -> Record {
    Record { at, kind: "event", outcome: outcome.to_owned(), sender: "bank".to_owned(), ..Record::default() }
}

pub fn new(opened: Opened) -> AccessRequest {
    match opened {
        Opened::New(request) => request,
        Opened::Live(_) => panic!("it is in progress already"),
        Opened::OverBudget => panic!("the budget is used up"),
    }
}

pub fn live(opened: Opened) -> AccessRequest {
    match opened {
        Opened::Live(request) => request,
        Opened::New(_) => panic!("a new one was opened"),
        Opened::OverBudget => panic!("the budget is used up"),
    }
}
