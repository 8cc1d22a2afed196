//! Who stands behind ШЭП: the bank that asks, the owner that checks, the portal that looks. Requests are signed
//! before they are needed.

use crate::installation::{BANK, CODE, EGOV, GROUND, OTHERS, OWNER, SERVICES, SMS, Sender, pki};
use crate::stand::Stand;
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::consent::identity::Iin;
use kdp::random::{Id, SystemRandom};
use kdp::soap::sync_channel::T;
use kdp::token::ovt::{self, Mcheck, NewOvt};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use kdp::xml::Writer;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

/// What is asked.
#[derive(Clone)]
pub enum Ask {
    /// A token for this subject, by method 2.
    Grant(Iin),
    /// The same by another initiator than the bank.
    GrantTo(usize, Iin),
    /// The same by method 3.
    Proactive(Iin),
    /// The same by method 4.
    Logging(Iin),
    /// That the subject be asked by SMS, method 1.
    BySms(Iin),
    /// What the subject answers to an SMS with this id, from this number.
    Say { number: String, id: String, text: String },
    /// The token of this request, now that the subject has said yes.
    Collect(Iin, String),
    /// What this token is worth.
    Check(Issued),
    /// The same, with the `ServiceID` left out: refused for its data, and journalled.
    Incomplete(Issued),
    /// Who asked for this subject's data, and to whom they were open.
    Look(Iin),
}

/// A token, and whose it is.
#[derive(Clone)]
pub struct Issued {
    pub iin: Iin,
    pub compact: String,
}

impl Ask {
    /// What stands in every right answer.
    fn mark(&self) -> &'static str {
        match self {
            Self::Grant(_)
            | Self::GrantTo(..)
            | Self::Proactive(_)
            | Self::Logging(_)
            | Self::Collect(..) => ">VALID<",
            Self::BySms(_) => ">PENDING<",
            Self::Say { .. } => ">SCSS001<",
            Self::Check(_) => ">active<",
            Self::Incomplete(_) => ">SCSE002<",
            Self::Look(_) => ">[{\"",
        }
    }

    fn sender(&self) -> Sender {
        match self {
            Self::Grant(_) | Self::Proactive(_) | Self::Logging(_) | Self::BySms(_) | Self::Collect(..) => {
                BANK
            }
            Self::Say { .. } => SMS,
            Self::GrantTo(other, _) => OTHERS.into_iter().nth(*other).expect("one of them"),
            Self::Check(_) | Self::Incomplete(_) => OWNER,
            Self::Look(_) => EGOV,
        }
    }

    fn service(&self) -> &'static str {
        match self {
            Self::Grant(_)
            | Self::GrantTo(..)
            | Self::Proactive(_)
            | Self::Logging(_)
            | Self::BySms(_)
            | Self::Collect(..) => "KDP_SERVICE",
            Self::Say { .. } => "KDP_SMS_REPLY",
            Self::Check(_) | Self::Incomplete(_) => "KDP_CHECK_TOKEN",
            Self::Look(_) => "KDP_PERSONALDATA",
        }
    }
}

/// A request as it goes over the wire.
#[derive(Clone)]
pub struct Request {
    /// HTTP head and envelope.
    pub bytes: Vec<u8>,
    /// Where the envelope begins.
    pub head: usize,
    /// What stands in every right answer.
    pub mark: &'static str,
}

impl Request {
    pub fn envelope(&self) -> &[u8] {
        &self.bytes[self.head..]
    }
}

/// Signs as the gateway and as the bank.
pub struct Client {
    keys: Arc<Keys>,
    /// Numbers of subjects that were not used yet.
    next_subject: Cell<usize>,
    made: RefCell<HashMap<SocketAddr, usize>>,
}

/// Their keys.
pub struct Keys {
    gateway: EnvelopeSigner,
    bank: RsaSigner,
    random: SystemRandom,
}

impl Client {
    pub fn new(form: KeyInfoForm) -> Self {
        let read = |name: &str| fs::read(pki(name)).expect("a fixture");
        let key = |name: &str| {
            RsaSigner::from_pem(&String::from_utf8(read(name)).expect("PEM")).expect("a private key")
        };
        let certificate = Certificate::from_file(&read("shep.cert.pem")).expect("a certificate");
        let gateway = EnvelopeSigner::new(Box::new(key("shep.key.pem")), certificate, form);
        let keys = Arc::new(Keys { gateway, bank: key("bank.key.pem"), random: SystemRandom::default() });
        Self { keys, next_subject: Cell::new(0), made: RefCell::default() }
    }

    /// How many grants were asked of this service.
    pub fn made_for(&self, stand: &Stand) -> usize {
        self.made.borrow().get(&stand.address).copied().unwrap_or(0)
    }

    /// Requests for tokens of so many subjects that nobody has asked about.
    pub fn grants(&self, stand: &Stand, count: usize) -> Arc<[Request]> {
        *self.made.borrow_mut().entry(stand.address).or_default() += count;
        self.sign(stand, &self.about_others(count, Ask::Grant))
    }

    /// The same question about so many subjects that nobody has asked about.
    pub fn about_others(&self, count: usize, ask: impl Fn(Iin) -> Ask) -> Vec<Ask> {
        let numbers = std::iter::repeat_with(|| self.next_subject.replace(self.next_subject.get() + 1));
        numbers.filter_map(subject).take(count).map(ask).collect()
    }

    /// To sign one after the other with.
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.clone()
    }

    /// Signs on all cores.
    pub fn sign(&self, stand: &Stand, asks: &[Ask]) -> Arc<[Request]> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let keys = &*self.keys;
        let signed: Vec<Vec<Request>> = thread::scope(|scope| {
            let parts = asks.chunks(asks.len().div_ceil(cores).max(1));
            let sign = |part: &[Ask]| part.iter().map(|ask| keys.request(stand.address, ask)).collect();
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || sign(part))).collect();
            threads.into_iter().map(|thread| thread.join().expect("signing does not panic")).collect()
        });
        signed.into_iter().flatten().collect()
    }
}

impl Keys {
    fn id(&self) -> String {
        Id::new(SystemClock.now(), &self.random).expect("randomness").to_string()
    }

    /// A message to the service at `address`, signed now.
    pub fn request(&self, address: SocketAddr, ask: &Ask) -> Request {
        let (at, message_id) = (SystemClock.now(), self.id());
        let data = self.data(ask, at);
        let content = |writer: &mut Writer<'_>| message(writer, ask, &message_id, at, &data);
        let envelope = self.gateway.envelope(&format!("id-{message_id}"), content).expect("an envelope");
        let length = envelope.len();
        let mut bytes = format!(
            "POST /shep/sync HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/xml; charset=utf-8\r\n\
             SOAPAction: \"\"\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        let head = bytes.len();
        bytes.extend_from_slice(&envelope);
        Request { bytes, head, mark: ask.mark() }
    }

    /// The children of `data`.
    fn data(&self, ask: &Ask, at: i64) -> Vec<(&'static str, String)> {
        const YEAR: i64 = 366 * 86_400_000;
        let service = || SERVICES.split(';').next().unwrap_or_default().to_owned();
        let text = str::to_owned;
        let of = |iin: &Iin, more: Vec<(&'static str, String)>| [purpose(ask, iin), more].concat();
        let ovt = |mcheck| ("ovt", self.ovt(ask.sender().bin, mcheck, at));
        let method = |number: u8| ("method", number.to_string());
        let ground = || ("ground_id", text(GROUND));
        match ask {
            Ask::Grant(iin) | Ask::GrantTo(_, iin) => {
                of(iin, vec![("omit-sms", text("true")), ovt(Mcheck::Biometrics)])
            }
            Ask::Proactive(iin) => {
                let code = ("proactive_code", text(CODE));
                of(iin, vec![ovt(Mcheck::Biometrics), method(3), ground(), code])
            }
            Ask::Logging(iin) => of(iin, vec![ovt(Mcheck::NoConsent), method(4), ground()]),
            Ask::BySms(iin) => of(iin, vec![("omit-sms", text("false"))]),
            Ask::Collect(iin, request) => {
                of(iin, vec![("omit-sms", text("false")), ("request_id", request.clone())])
            }
            Ask::Say { number, id, text: said } => vec![
                ("msisdn", number.clone()),
                ("text", said.clone()),
                ("received_at", clock::text(at)),
                ("sms_id", id.clone()),
            ],
            Ask::Check(token) => vec![
                ("code", token.compact.clone()),
                ("service_id", service()),
                ("uin", text(token.iin.as_str())),
            ],
            Ask::Incomplete(token) => {
                vec![("code", token.compact.clone()), ("uin", text(token.iin.as_str()))]
            }
            Ask::Look(iin) => vec![
                ("uin", text(iin.as_str())),
                ("start_date", clock::text(at - YEAR)),
                ("end_date", clock::text(at)),
            ],
        }
    }

    fn ovt(&self, bin: &str, mcheck: Mcheck, at: i64) -> String {
        let claims = NewOvt {
            cbin: bin,
            mcheck,
            iat: at / 1000,
            exp: at / 1000 + 3600,
            uin: None,
            jti: Some(&self.id()),
        };
        ovt::make(&claims, &self.bank, None).expect("a verification token")
    }
}

/// What stands in every request for a token: who asks for what, about whom.
fn purpose(ask: &Ask, iin: &Iin) -> Vec<(&'static str, String)> {
    let own = [
        ("uin", iin.as_str()),
        ("company", "АО «Песочный банк»"),
        ("company_bin", ask.sender().bin),
        ("company_responsible", "Департамент розничного бизнеса"),
        ("employee_name", "Тестов Тест Тестович"),
        ("access_name", SERVICES),
        ("personal_data_name", "ФИО, дата рождения, адрес регистрации, сведения о недвижимости"),
        ("expiresIn", "600000"),
    ];
    own.map(|(name, text)| (name, text.to_owned())).to_vec()
}

/// The content of the Body as a sender writes it (wire.md 1).
fn message(writer: &mut Writer<'_>, ask: &Ask, id: &str, at: i64, data: &[(&'static str, String)]) {
    let sender = ask.sender();
    writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open("requestInfo", &[], &[]);
    writer.leaf("messageId", id).leaf("correlationId", id).leaf("serviceId", ask.service());
    writer.leaf("messageDate", &clock::text(at)).open("sender", &[], &[]);
    writer.leaf("senderId", sender.id).leaf("password", &sender.password()).close();
    writer.leaf("sessionId", &format!("{{{id}}}")).close();
    writer.open("requestData", &[], &[]).open("data", &[], &[]);
    for &(name, ref value) in data {
        writer.leaf(name, value);
    }
    writer.close().close().close().close();
}

/// The `number`-th invented IIN: a day of birth from 1950 on, a serial number, the control digit. `None`: this
/// serial number has no control digit.
pub fn subject(number: usize) -> Option<Iin> {
    let (day, serial) = (number / 9999, number % 9999 + 1);
    let (year, month, day) = (50 + day / 336 % 50, day / 28 % 12 + 1, day % 28 + 1);
    let eleven = format!("{year:02}{month:02}{day:02}3{serial:04}");
    (0..10).find_map(|digit| Iin::parse(&format!("{eleven}{digit}")).ok())
}
