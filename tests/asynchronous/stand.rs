//! The service in this process, with its own database, a subject with a phone, and the ШЭП of the test.

use super::connection::{Connection, Reply};
use super::installation::{BIN, DATA, Installation, SENDER, SERVICE_ID, SUBJECT, pki};
use super::parts::parts;
use super::shep::{Shep, signer};
use kdp::app::{App, Parts};
use kdp::clock::{self, Clock as _, MovableClock, SystemClock};
use kdp::config::Config;
use kdp::consent::identity::{Iin, Msisdn};
use kdp::current::Current;
use kdp::gateway::asynchronous::ShepAsyncChannel;
use kdp::gateway::fault::PartyFault;
use kdp::gateway::http_client::HttpClient;
use kdp::gateway::shep::{Address, Means, ShepClient};
use kdp::gateway::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway};
use kdp::http::{Door, Server, Side};
use kdp::random::SystemRandom;
use kdp::serve;
use kdp::service::sms_reply::hear;
use kdp::soap::async_channel::{A, AC};
use kdp::soap::sync_channel::T;
use kdp::store::{Heard, Record};
use kdp::token::ovt::{self, Mcheck, NewOvt};
use kdp::trust::outgoing::EnvelopeSigner;
use kdp::trust::sign::RsaSigner;
use kdp::xml::Writer;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub const PHONE: &str = "77010000001";

/// БМГ and 1414 of everybody.
#[derive(Default)]
pub struct Subject {
    /// Ids of the SMS, and their texts.
    pub sms: Mutex<Vec<(String, String)>>,
}

impl CitizenDirectory for Subject {
    fn numbers<'a>(&'a self, _: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(async { Ok(vec![Msisdn::parse(PHONE).unwrap()]) })
    }
}

impl SmsGateway for Subject {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        self.sms.lock().unwrap().push((sms.id.to_owned(), sms.text.to_owned()));
        Box::pin(async { Ok(()) })
    }
}

pub struct Stand {
    pub installation: Installation,
    pub shep: Arc<Shep>,
    pub subject: Arc<Subject>,
    pub clock: Arc<MovableClock>,
    pub app: Arc<App>,
    pub address: SocketAddr,
    pub gateway: EnvelopeSigner,
    listener: JoinHandle<()>,
    /// The listener ends with it.
    _stop: watch::Sender<bool>,
}

/// What is pushed.
pub struct Push {
    pub ns: &'static str,
    pub kind: &'static str,
    pub chain: Option<&'static str>,
    pub service: &'static str,
    pub password: Option<String>,
    pub bin: &'static str,
    pub fields: Vec<(&'static str, String)>,
    /// Of the Body: ШЭП signs each push anew.
    pub body_id: &'static str,
}

impl Push {
    /// An ask of method 1.
    pub fn by_sms(chain: &'static str) -> Self {
        Self {
            ns: A,
            kind: "REQUEST",
            chain: Some(chain),
            service: "KDP_SERVICE",
            password: None,
            bin: BIN,
            fields: vec![("omit-sms", "false".to_owned())],
            body_id: "body",
        }
    }

    /// An ask of method 5.
    pub fn by_code(chain: &'static str) -> Self {
        Self { fields: vec![("method", "5".to_owned())], ..Self::by_sms(chain) }
    }

    /// An ask of method 2.
    pub fn own_means(chain: &'static str) -> Self {
        let key = RsaSigner::from_pem(&fs::read_to_string(pki("bank.key.pem")).unwrap()).unwrap();
        let iat = SystemClock.now() / 1000 - 60;
        let (cbin, uin) = (BIN, Some(SUBJECT));
        let claims = NewOvt { cbin, mcheck: Mcheck::Biometrics, iat, exp: iat + 600, uin, jti: Some(chain) };
        let ovt = ovt::make(&claims, &key, None).unwrap();
        let fields = vec![("omit-sms", "true".to_owned()), ("ovt", ovt)];
        Self { ns: AC, fields, ..Self::by_sms(chain) }
    }
}

impl Stand {
    pub async fn start() -> Self {
        Self::offering(true).await
    }

    /// One with a channel to answer by, or without.
    pub async fn offering(channel: bool) -> Self {
        Self::made(channel, "").await
    }

    /// One with these sections in its configuration.
    pub async fn configured(sections: &str) -> Self {
        Self::made(true, sections).await
    }

    async fn made(channel: bool, sections: &str) -> Self {
        let installation = tokio::task::spawn_blocking(Installation::complete).await.unwrap();
        installation.reconfigure("[log]", &format!("{sections}[log]"));
        let config = format!(
            "[peers.shep]\nkind = \"gateway\"\ncertificates = [\"{}\"]\n[peers.bank]",
            pki("shep.cert.pem")
        );
        installation.reconfigure("[peers.bank]", &config);
        let clock = Arc::new(MovableClock::standing(SystemClock.now()));
        Self::with(installation, Shep::start(), Arc::default(), clock, channel).await
    }

    async fn with(
        installation: Installation,
        shep: Arc<Shep>,
        subject: Arc<Subject>,
        clock: Arc<MovableClock>,
        channel: bool,
    ) -> Self {
        let mut config = Config::read(Path::new(&installation.config())).unwrap();
        if channel {
            config.shep.async_url.clone_from(&shep.url);
        }
        let trust = Arc::new(Current::new(serve::read_trust(&config).unwrap()));
        let http = HttpClient::new(Duration::from_secs(20), None).unwrap();
        let means = Means { signer: serve::read_answers(&config).unwrap(), password: None, http };
        let address = Address {
            url: shep.url.parse().unwrap(),
            peer: config.shep.peer.clone(),
            sender_id: config.shep.sender_id.clone(),
        };
        let client = ShepClient::new(
            address,
            means,
            trust.clone(),
            (clock.clone(), Arc::new(SystemRandom::default())),
        );
        let channel = ShepAsyncChannel::new(Arc::new(client), shep.url.parse().unwrap());
        let parts = parts(config, clock.clone(), (subject.clone(), subject.clone()));
        let parts = Parts { channel: Arc::new(channel), trust, ..parts };
        let app = Arc::new(App::new(parts).await.unwrap());
        let (listener, address) = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let door = Door { side: Side::Both, tls: watch::channel(None).1, stop: stopped.clone() };
        let base = format!("http://{address}/shep/sync");
        let listener = tokio::spawn(Server::new(app.clone(), None, base, stopped).listen(listener, door));
        Self {
            installation,
            shep,
            subject,
            clock,
            app,
            address,
            gateway: signer("shep"),
            listener,
            _stop: stop,
        }
    }

    /// The process is gone, and another one is started on what it left behind.
    pub async fn killed(self) -> Self {
        self.listener.abort();
        let _ = self.listener.await;
        drop(self.app);
        Self::with(self.installation, self.shep, self.subject, self.clock, true).await
    }

    /// Moves the clock on.
    pub fn wait(&self, seconds: i64) {
        self.clock.set(self.clock.now() + seconds * 1000);
    }

    /// Does what is due.
    pub async fn work(&self) {
        while kdp::job::run_due(&self.app).await.unwrap() > 0 {}
    }

    /// The subject sends an SMS.
    pub async fn says(&self, text: &str) -> Heard {
        let id = format!("heard-{text}-{}", self.clock.now());
        let record = Record { at: self.clock.now(), kind: "event", ..Record::default() };
        hear(&self.app, Msisdn::parse(PHONE).unwrap(), id, (text, None), record).await.unwrap()
    }

    /// How many SMS ask the subject.
    pub fn asked(&self) -> usize {
        self.subject.sms.lock().unwrap().iter().filter(|(id, _)| id.ends_with("-ask")).count()
    }

    pub fn envelope(&self, push: &Push) -> Vec<u8> {
        self.envelope_by(&self.gateway, push)
    }

    pub fn envelope_by(&self, signer: &EnvelopeSigner, push: &Push) -> Vec<u8> {
        let password = push.password.clone().unwrap_or_else(|| self.installation.password().to_owned());
        let write = |writer: &mut Writer<'_>| {
            writer.open("t:sendMessage", &[("t", push.ns)], &[]).open("request", &[], &[]);
            writer.open("messageInfo", &[], &[]).leaf("messageId", "m-1");
            if let Some(chain) = push.chain {
                writer.leaf("correlationId", chain);
            }
            writer.leaf("serviceId", push.service).leaf("messageType", push.kind);
            writer.leaf("messageDate", &clock::text(self.clock.now())).open("sender", &[], &[]);
            writer.leaf("senderId", SENDER).leaf("password", &password).close();
            writer.leaf("sessionId", "{8c2d6a0e-51b5-4c7e-9a34-0f4c2f0f9d11}").close();
            writer.open("messageData", &[], &[]).open("data", &[], &[]);
            writer.leaf("uin", SUBJECT).leaf("company_bin", push.bin).leaf("access_name", SERVICE_ID);
            writer.leaf("personal_data_name", DATA);
            for (name, text) in &push.fields {
                writer.leaf(name, text);
            }
            writer.close().close().close().close();
        };
        signer.envelope(push.body_id, write).unwrap()
    }

    pub async fn push(&self, push: &Push) -> Reply {
        self.post("/shep/async", self.envelope(push)).await
    }

    pub async fn post(&self, path: &'static str, message: Vec<u8>) -> Reply {
        let address = self.address;
        let kind = "Content-Type: text/xml; charset=utf-8\r\n";
        let send = move || Connection::open(address).send("POST", path, kind, &message);
        tokio::task::spawn_blocking(send).await.unwrap()
    }

    pub async fn get(&self, path: &'static str) -> Reply {
        let address = self.address;
        tokio::task::spawn_blocking(move || Connection::open(address).get(path)).await.unwrap()
    }

    /// A repeat by `SyncChannel`.
    pub async fn poll(&self, request_id: &str) -> Reply {
        let write = |writer: &mut Writer<'_>| {
            writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]);
            writer.open("requestInfo", &[], &[]).leaf("messageId", "p").leaf("serviceId", "KDP_SERVICE");
            writer.leaf("messageDate", &clock::text(self.clock.now())).open("sender", &[], &[]);
            writer.leaf("senderId", SENDER).leaf("password", self.installation.password()).close().close();
            writer.open("requestData", &[], &[]).open("data", &[], &[]);
            writer.leaf("uin", SUBJECT).leaf("company_bin", BIN).leaf("request_id", request_id);
            writer.close().close().close().close();
        };
        let envelope = self.gateway.envelope("body", write).unwrap();
        self.post("/shep/sync", envelope).await
    }

    /// What ШЭП tells about a message.
    pub async fn notify(
        &self,
        signer: &EnvelopeSigner,
        ns: &'static str,
        message_id: &str,
        state: &str,
    ) -> Reply {
        let write = |writer: &mut Writer<'_>| {
            writer.open("t:changeMassageStatusNotification", &[("t", ns)], &[]).open("request", &[], &[]);
            writer.open("notification", &[], &[]).leaf("notificationId", "n").leaf("messageId", message_id);
            let at = clock::text(self.clock.now());
            writer.leaf("notificationDate", &at).leaf("messageState", state).open("status", &[], &[]).close();
            writer.close().leaf("requestDate", &at).close().close();
        };
        self.post("/shep/async", signer.envelope("body", write).unwrap()).await
    }

    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.installation.file("kdp.db")).unwrap()
    }

    pub fn number(&self, sql: &str) -> i64 {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// The id of the one request.
    pub fn request_id(&self) -> String {
        let sql = "SELECT lower(hex(id)) FROM access_request ORDER BY seq LIMIT 1";
        let hex: String = self.database().query_row(sql, [], |row| row.get(0)).unwrap();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// The receipt of a message that was taken in.
pub fn assert_taken(reply: &Reply, ns: &str, chain: &str) {
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.contains(&format!("<t:sendMessageResponse xmlns:t=\"{ns}\">")), "{}", reply.body);
    assert_eq!(reply.element("messageId"), Some("m-1"));
    assert_eq!(reply.element("correlationId"), Some(chain));
    assert_eq!(reply.element("sessionId"), Some("{8c2d6a0e-51b5-4c7e-9a34-0f4c2f0f9d11}"));
    assert!(reply.element("responseDate").is_some());
    assert!(reply.body.contains("<ds:SignatureValue>"), "the receipt is signed");
}

/// The code of a fault.
pub fn fault(reply: &Reply) -> &str {
    assert_ne!(reply.status, 200, "{}", reply.body);
    reply.element("errorCode").unwrap_or_else(|| panic!("{}", reply.body))
}
