//! The service in this process, without its envelope: handlers, store and jobs as they are; the clock stands still, and
//! БМГ and 1414 do as they are told.

use super::super::bench::{FaultySeal, NOON, SPANS, iin, phone};
use super::home::{Engine, Home};
use kdp::app::{App, Parts};
use kdp::clock::{Clock as _, MovableClock};
use kdp::config::{Config, Environment};
use kdp::consent::identity::{Iin, Msisdn};
use kdp::current::Current;
use kdp::dispatch::{Caller, Service};
use kdp::gateway::fault::PartyFault;
use kdp::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway};
use kdp::metric::Metrics;
use kdp::random::{Id, SystemRandom};
use kdp::service::payload::Payload;
use kdp::service::{access_request, check_token, list_to_revoke, revoke, send_solution};
use kdp::soap::sync_channel::{K, RequestInfo, S};
use kdp::store::{Heard, Store};
use kdp::trust::Trust;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use kdp::xml::{Document, Limits, Writer};
use std::fmt::Write as _;
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
pub const CERTIFICATES: [&str; 2] = [
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
    /// The nodes, which serve in turn.
    nodes: Vec<Arc<App>>,
    pub clock: Arc<MovableClock>,
    pub outside: Arc<Outside>,
    pub seal: Arc<FaultySeal>,
    pub home: Home,
    /// Decision ids of all calls.
    pub decisions: Vec<Id>,
}

impl Running {
    pub async fn start(engine: &Engine) -> Self {
        let (seal, clock) = (FaultySeal::new(), Arc::new(MovableClock::standing(NOON)));
        let (home, outside) = (engine.home(), Arc::<Outside>::default());
        let mut running = Self { nodes: Vec::new(), clock, outside, seal, home, decisions: Vec::new() };
        running.restart().await;
        running
    }

    /// Everything in memory is lost, of every node.
    pub async fn restart(&mut self) {
        self.nodes.clear();
        for node in self.home.nodes() {
            self.nodes.push(self.node(node).await);
        }
    }

    /// Whose turn it is.
    pub fn app(&self) -> &Arc<App> {
        &self.nodes[self.decisions.len() % self.nodes.len()]
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.app().store
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
        let (app, at) = (self.app().clone(), self.now());
        app.refresh().await.unwrap();
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
        kdp::service::sms_reply::hear(self.app(), from, id, (text, None), came).await.unwrap()
    }

    /// Does what is due until nothing is, whoever of the nodes it falls to.
    pub async fn jobs(&self) {
        for _ in 0..100 {
            let mut done = 0;
            for turn in 0..self.nodes.len() {
                let app = &self.nodes[(self.decisions.len() + turn) % self.nodes.len()];
                app.refresh().await.unwrap();
                done += kdp::job::run_in_order(app).await.unwrap();
            }
            if done == 0 {
                return;
            }
        }
        panic!("what is due never ends");
    }

    async fn node(&self, name: &str) -> Arc<App> {
        let mut config = Config { environment: Environment::Test, ..Config::default() };
        config.limits.sms_per_subject = 10_000;
        "http://127.0.0.1/shep/sync".clone_into(&mut config.listen.base_url);
        assert_ne!(config.spans(), SPANS, "the spans are those of the law");
        let certificate = Certificate::from_file(CERTIFICATES[0].as_bytes()).unwrap();
        let signer = Box::new(RsaSigner::from_pem(KEYS[0]).unwrap());
        let app = App::new(Parts {
            clock: self.clock.clone(),
            random: Arc::new(SystemRandom::default()),
            store: self.home.open(name, &self.seal),
            seal: self.seal.clone(),
            citizen: self.outside.clone(),
            sms: self.outside.clone(),
            channel: Arc::new(kdp::gateway::Absent),
            trust: Arc::new(Current::new(Trust::default())),
            answers: EnvelopeSigner::new(signer, certificate, KeyInfoForm::Certificate),
            templates: config.templates().unwrap(),
            metrics: Metrics::default(),
            config,
        });
        Arc::new(app.await.unwrap())
    }
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
