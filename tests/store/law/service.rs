//! The service in this process, without its envelope: handlers, store and jobs as they are; the clock stands still, and
//! БМГ and 1414 do as they are told.

use super::super::bench::{FaultySeal, NOON, SPANS, bin, iin, phone};
use super::super::registration::{key, sender};
use kdp::app::{App, Parts};
use kdp::clock::{Clock as _, MovableClock};
use kdp::config::{Config, Environment};
use kdp::consent::directory::{DirectoryEntry, Ground, Name, ProactiveService};
use kdp::consent::identity::{Iin, Msisdn};
use kdp::consent::method::{Allowance, Method};
use kdp::consent::revocation::Rule;
use kdp::current::Current;
use kdp::dispatch::{Caller, Service};
use kdp::gateway::fault::PartyFault;
use kdp::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway};
use kdp::metric::Metrics;
use kdp::random::{Id, SystemRandom};
use kdp::registry::{Role, SenderRecord};
use kdp::service::payload::Payload;
use kdp::service::{access_request, check_token, list_to_revoke, revoke, send_solution};
use kdp::soap::sync_channel::{K, RequestInfo, S};
use kdp::store::register::Item;
use kdp::store::sqlite::{SqliteStore, Synchronous, migrate};
use kdp::store::{Heard, Record, Store};
use kdp::token::key::{KeyRecord, Window};
use kdp::trust::Trust;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::{EcSigner, RsaSigner};
use kdp::xml::{Document, Limits, Writer};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

pub const DAY: i64 = 86_400_000;
/// Initiators by number. The second one may not use methods 3 and 4 and has no directory entry.
pub const INITIATORS: [&str; 2] = ["bank", "akimat"];
/// The subjects by number; the first two have one phone, the last has none.
pub const SUBJECTS: u64 = 4;
pub const ENTRY: &str = "dir-1";
pub const GROUND: &str = "L-9.1";
pub const PROACTIVE: &str = "child-allowance";
pub const SERVICES: [&str; 3] = ["A", "B", "C"];

pub const MAX_TERM: [u64; 2] = [30 * 86_400, 86_400];
pub const ENTRY_PERIOD: u64 = 20 * 86_400;
pub const PROACTIVE_PERIOD: u64 = 10 * 86_400;

const KEYS: [&str; 2] = [
    include_str!("../../../fixtures/pki/bank.key.pem"),
    include_str!("../../../fixtures/pki/akimat.key.pem"),
];
const CERTIFICATES: [&str; 2] = [
    include_str!("../../../fixtures/pki/bank.cert.pem"),
    include_str!("../../../fixtures/pki/akimat.cert.pem"),
];

/// Keys that sign the verification tokens.
pub static SIGNERS: LazyLock<[RsaSigner; 2]> =
    LazyLock::new(|| KEYS.map(|pem| RsaSigner::from_pem(pem).unwrap()));

/// The phone of a subject.
pub fn phone_of(subject: u64) -> Option<Msisdn> {
    (subject + 1 < SUBJECTS).then(|| phone(subject / 2))
}

/// What БМГ and 1414 do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    #[default]
    Up,
    Down,
    /// 1414 refuses for good.
    Refuses,
}

#[derive(Default)]
pub struct Outside {
    state: Mutex<(Gateway, Gateway, Vec<String>)>,
}

impl Outside {
    pub fn set(&self, bmg: Gateway, sms: Gateway) {
        let mut state = self.state.lock().unwrap();
        (state.0, state.1) = (bmg, sms);
    }

    pub fn bmg(&self) -> Gateway {
        self.state.lock().unwrap().0
    }

    /// Ids of the SMS that were accepted, in order.
    pub fn sent(&self) -> Vec<String> {
        self.state.lock().unwrap().2.clone()
    }
}

impl CitizenDirectory for Outside {
    fn numbers<'a>(&'a self, asked: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        let subject = (0..SUBJECTS).find(|n| iin(*n) == *asked);
        let answer = match self.bmg() {
            Gateway::Up => Ok(subject.and_then(phone_of).into_iter().collect()),
            // Not silence, after which it would be left alone.
            _ => Err(PartyFault::Fault),
        };
        Box::pin(async move { answer })
    }
}

impl SmsGateway for Outside {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        let mut state = self.state.lock().unwrap();
        let answer = match state.1 {
            Gateway::Up => {
                state.2.push(sms.id.to_owned());
                Ok(())
            }
            Gateway::Down => Err(PartyFault::Fault.into()),
            Gateway::Refuses => Err(SmsError::Refused),
        };
        Box::pin(async move { answer })
    }
}

/// An answer as its reader sees it.
pub struct Told {
    /// `status/code`.
    pub code: String,
    /// Leaves below `data`, in order.
    leaves: Vec<(String, String)>,
}

impl Told {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.leaves.iter().find(|(leaf, _)| leaf == name).map(|(_, text)| text.as_str())
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.leaves.iter().filter(|(leaf, _)| leaf == name).map(|(_, text)| text.as_str()).collect()
    }

    /// `data/status` and the reason.
    pub fn word(&self) -> (&str, &str) {
        (self.get("status").unwrap_or_default(), self.get("reason").unwrap_or_default())
    }
}

pub struct Running {
    pub app: Arc<App>,
    pub clock: Arc<MovableClock>,
    pub outside: Arc<Outside>,
    pub seal: Arc<FaultySeal>,
    directory: tempfile::TempDir,
    /// Decision ids of all calls.
    pub decisions: Vec<Id>,
}

/// A database in which everybody is registered; each story begins with a copy.
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("kdp.db"), directory.path().join("copy.db"));
    migrate(&path, 0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let store = open(&path, &FaultySeal::new());
        for item in registered() {
            store.register(item, 0, Record { at: NOON, ..Record::default() }).await.unwrap();
        }
        let window = Window { created_at: 0, not_before: 0, not_after: i64::MAX };
        let receipts = KeyRecord::new(&EcSigner::generate().unwrap(), window).unwrap();
        store.keep_keys(vec![key(), receipts], Record { at: NOON, ..Record::default() }).await.unwrap();
    });
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    std::fs::read(copy).unwrap()
});

/// Makes what all stories begin with; outside of any runtime, since it has its own.
pub fn prepare() {
    LazyLock::force(&TEMPLATE);
    LazyLock::force(&SIGNERS);
}

fn open(path: &std::path::Path, seal: &Arc<FaultySeal>) -> Arc<dyn Store> {
    let rules = (Config::default().spans(), Rule::default());
    let metrics = Metrics::default().store.clone();
    Arc::new(SqliteStore::open(path, Synchronous::Off, seal.clone(), rules, metrics).unwrap())
}

fn registered() -> Vec<Item> {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let name = || Name { kk: "Қызмет".to_owned(), ru: "Услуга".to_owned() };
    let all = [Method::Sms, Method::OwnMeans, Method::Proactive, Method::Logging, Method::Code];
    let initiator = |n: usize, methods: &[Method]| SenderRecord {
        sender_id: INITIATORS[n].to_owned(),
        bin: bin(n as u64).as_str().to_owned(),
        ovt_keys: vec![CERTIFICATES[n].to_owned()],
        allowance: Allowance {
            methods: methods.to_vec(),
            services: texts(&SERVICES),
            max_term_seconds: MAX_TERM[n],
            logging: true,
            ..Allowance::default()
        },
        ..sender("Банк")
    };
    let other = |id: &str, role: Role| SenderRecord {
        sender_id: id.to_owned(),
        bin: bin(9).as_str().to_owned(),
        role,
        allowance: Allowance { services: texts(&SERVICES), ..Allowance::default() },
        ..sender("Собственник")
    };
    let senders = [
        initiator(0, &all),
        initiator(1, &[Method::Sms, Method::OwnMeans, Method::Code]),
        other("register", Role::Owner),
        other("egov", Role::Egov),
    ];
    let mut items: Vec<Item> = senders.into_iter().map(|sender| Item::Sender(Box::new(sender))).collect();
    items.push(Item::Entry(DirectoryEntry {
        id: ENTRY.to_owned(),
        revision: 0,
        bin: bin(0).as_str().to_owned(),
        name: name(),
        services: texts(&["A", "B"]),
        period_seconds: ENTRY_PERIOD,
        storage_seconds: ENTRY_PERIOD,
        processing_seconds: ENTRY_PERIOD,
        storage_ground: "94-V 12".to_owned(),
        data: "ФИО".to_owned(),
        valid_from: 0,
        expires_at: None,
        application: None,
    }));
    items.push(Item::Ground(Ground {
        id: GROUND.to_owned(),
        revision: 0,
        text: name(),
        methods: vec![Method::Proactive, Method::Logging],
        source: "94-V 9".to_owned(),
        exempt: false,
        confirmed: None,
        expires_at: None,
    }));
    items.push(Item::Proactive(ProactiveService {
        code: PROACTIVE.to_owned(),
        revision: 0,
        bin: bin(0).as_str().to_owned(),
        name: name(),
        services: texts(&SERVICES),
        period_seconds: PROACTIVE_PERIOD,
        expires_at: None,
    }));
    items
}

impl Running {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("kdp.db"), &*TEMPLATE).unwrap();
        let (seal, clock) = (FaultySeal::new(), Arc::new(MovableClock::standing(NOON)));
        let outside = Arc::<Outside>::default();
        let app = app(&directory.path().join("kdp.db"), &seal, &clock, &outside).await;
        Self { app, clock, outside, seal, directory, decisions: Vec::new() }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("kdp.db")
    }

    /// Everything in memory is lost.
    pub async fn restart(&mut self) {
        self.app = app(&self.path(), &self.seal, &self.clock, &self.outside).await;
    }

    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Calls a service as a sender that was authenticated.
    pub async fn call(&mut self, sender: &str, service: Service, fields: &[(&str, String)]) -> Told {
        let mut data = String::from("<data>");
        for (name, value) in fields {
            let _ = write!(data, "<{name}>{value}</{name}>");
        }
        data.push_str("</data>");
        let document = Document::parse(data.as_bytes(), &Limits::default()).unwrap();
        let (namespace, names) = match service {
            Service::AccessRequest => (K, access_request::NAMES),
            Service::CheckToken => (S, check_token::NAMES),
            Service::Revoke => (S, revoke::NAMES),
            Service::SendSolution => (S, send_solution::NAMES),
            _ => (S, list_to_revoke::NAMES),
        };
        let payload =
            Payload::read(Some(document.root()), namespace, names).unwrap_or_else(|_| panic!("{data}"));
        self.app.refresh().await.unwrap();
        let (app, at) = (self.app.clone(), self.now());
        let decision = Id::new(at, &*app.random).unwrap();
        self.decisions.push(decision);
        let info = RequestInfo {
            message_id: "m".to_owned(),
            correlation_id: None,
            service_id: service.label().to_owned(),
            message_date: at,
            sender_id: sender.to_owned(),
            password: None,
            session_id: None,
        };
        let sender = app.registry().senders[sender].clone();
        let caller = Caller { sender, info, digest: [0; 32], at, decision };
        let reply = match service {
            Service::AccessRequest => access_request::handle(&app, &caller, payload).await,
            Service::CheckToken => check_token::handle(&app, &caller, payload).await,
            Service::Revoke => revoke::handle(&app, &caller, payload).await,
            Service::SendSolution => send_solution::handle(&app, &caller, payload).await,
            _ => list_to_revoke::handle(&app, &caller, payload).await,
        };
        let reply = reply.unwrap_or_else(|fault| panic!("{}", fault.detail));
        let mut writer = Writer::new();
        reply.write(&mut writer, &caller.info, decision, at);
        read(writer.finish().unwrap().as_bytes())
    }

    /// A subject's SMS.
    pub async fn hear(&self, from: Msisdn, id: String, text: &str) -> Heard {
        let came = kdp::service::sms_reply::came(self.now());
        kdp::service::sms_reply::hear(&self.app, from, id, (text, None), came).await.unwrap()
    }

    /// Does what is due until nothing is.
    pub async fn jobs(&self) {
        for _ in 0..100 {
            if kdp::job::run_in_order(&self.app).await.unwrap() == 0 {
                return;
            }
        }
        panic!("what is due never ends");
    }
}

async fn app(
    path: &std::path::Path,
    seal: &Arc<FaultySeal>,
    clock: &Arc<MovableClock>,
    outside: &Arc<Outside>,
) -> Arc<App> {
    let mut config = Config { environment: Environment::Test, ..Config::default() };
    config.limits.sms_per_subject = 10_000;
    "http://127.0.0.1/shep/sync".clone_into(&mut config.listen.base_url);
    assert_ne!(config.spans(), SPANS, "the spans are those of the law");
    let certificate = Certificate::from_file(CERTIFICATES[0].as_bytes()).unwrap();
    let signer = Box::new(RsaSigner::from_pem(KEYS[0]).unwrap());
    let app = App::new(Parts {
        clock: clock.clone(),
        random: Arc::new(SystemRandom::default()),
        store: open(path, seal),
        seal: seal.clone(),
        citizen: outside.clone(),
        sms: outside.clone(),
        channel: Arc::new(kdp::gateway::Absent),
        trust: Arc::new(Current::new(Trust::default())),
        answers: EnvelopeSigner::new(signer, certificate, KeyInfoForm::Certificate),
        templates: config.templates().unwrap(),
        metrics: Metrics::default(),
        config,
    });
    Arc::new(app.await.unwrap())
}

fn read(bytes: &[u8]) -> Told {
    let document = Document::parse(bytes, &Limits::default()).unwrap();
    let text = |element: kdp::xml::Element<'_, '_>| element.text().unwrap_or_default().into_owned();
    let code = document.elements().find(|element| element.name() == "code").map(text).unwrap_or_default();
    let data = document.elements().find(|element| element.name() == "data").unwrap();
    let leaves = data.descendants().filter(|element| element.children().next().is_none());
    let leaves = leaves.map(|leaf| (leaf.name().to_owned(), text(leaf))).collect();
    Told { code, leaves }
}
