//! The bank behind ШЭП: requests of method 2 that are signed before they are needed, each with its own
//! verification token and subject.

use crate::stand::{BIN, SENDER, SERVICES, Stand, pki};
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

/// A request as it goes over the wire.
pub struct Request {
    /// HTTP head and envelope.
    pub bytes: Vec<u8>,
    /// Where the envelope begins.
    pub head: usize,
}

impl Request {
    pub fn envelope(&self) -> &[u8] {
        &self.bytes[self.head..]
    }
}

/// Signs as the gateway and as the bank.
pub struct Client {
    keys: Keys,
    /// Numbers of subjects that were not used yet.
    next_subject: Cell<usize>,
    made: RefCell<HashMap<SocketAddr, usize>>,
}

struct Keys {
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
        let keys = Keys { gateway, bank: key("bank.key.pem"), random: SystemRandom::default() };
        Self { keys, next_subject: Cell::new(0), made: RefCell::default() }
    }

    /// How many requests were signed for this service.
    pub fn made_for(&self, stand: &Stand) -> usize {
        self.made.borrow().get(&stand.address).copied().unwrap_or(0)
    }

    /// Signs `count` requests, on all cores.
    pub fn sign(&self, stand: &Stand, count: usize) -> Arc<[Request]> {
        *self.made.borrow_mut().entry(stand.address).or_default() += count;
        let mut subjects = Vec::with_capacity(count);
        while subjects.len() < count {
            subjects.extend(subject(self.next_subject.replace(self.next_subject.get() + 1)));
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let keys = &self.keys;
        let signed: Vec<Vec<Request>> = thread::scope(|scope| {
            let parts = subjects.chunks(count.div_ceil(cores));
            let sign = |part: &[Iin]| part.iter().map(|iin| keys.request(stand, *iin)).collect();
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || sign(part))).collect();
            threads.into_iter().map(|thread| thread.join().expect("signing does not panic")).collect()
        });
        signed.into_iter().flatten().collect()
    }
}

impl Keys {
    fn request(&self, stand: &Stand, iin: Iin) -> Request {
        let at = SystemClock.now();
        let id = || Id::new(at, &self.random).expect("randomness").to_string();
        let claims = NewOvt {
            cbin: BIN,
            mcheck: Mcheck::Biometrics,
            iat: at / 1000,
            exp: at / 1000 + 3600,
            uin: None,
            jti: Some(&id()),
        };
        let ovt = ovt::make(&claims, &self.bank, None).expect("a verification token");
        let message_id = id();
        let content = |writer: &mut Writer<'_>| message(writer, stand, &message_id, iin, &ovt, at);
        let envelope = self.gateway.envelope(&format!("id-{message_id}"), content).expect("an envelope");
        let length = envelope.len();
        let mut bytes = format!(
            "POST /shep/sync HTTP/1.1\r\nHost: {}\r\nContent-Type: text/xml; charset=utf-8\r\n\
             SOAPAction: \"\"\r\nContent-Length: {length}\r\n\r\n",
            stand.address
        )
        .into_bytes();
        let head = bytes.len();
        bytes.extend_from_slice(&envelope);
        Request { bytes, head }
    }
}

/// The content of the Body as a bank sends it (wire.md 1 and 2.1).
fn message(writer: &mut Writer<'_>, stand: &Stand, id: &str, iin: Iin, ovt: &str, at: i64) {
    writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open("requestInfo", &[], &[]);
    writer.leaf("messageId", id).leaf("correlationId", id).leaf("serviceId", "KDP_SERVICE");
    writer.leaf("messageDate", &clock::text(at)).open("sender", &[], &[]);
    writer.leaf("senderId", SENDER).leaf("password", &stand.password).close();
    writer.leaf("sessionId", &format!("{{{id}}}")).close();
    writer.open("requestData", &[], &[]).open("data", &[], &[]);
    for (name, value) in [
        ("uin", iin.as_str()),
        ("company", "АО «Песочный банк»"),
        ("company_bin", BIN),
        ("company_responsible", "Департамент розничного бизнеса"),
        ("employee_name", "Тестов Тест Тестович"),
        ("access_name", SERVICES),
        ("personal_data_name", "ФИО, дата рождения, адрес регистрации, сведения о недвижимости"),
        ("expiresIn", "600000"),
        ("omit-sms", "true"),
        ("ovt", ovt),
    ] {
        writer.leaf(name, value);
    }
    writer.close().close().close().close();
}

/// The `number`-th invented IIN: a day of birth from 1950 on, a serial number, the control digit. `None`: this
/// serial number has no control digit.
fn subject(number: usize) -> Option<Iin> {
    let (day, serial) = (number / 9999, number % 9999 + 1);
    let (year, month, day) = (50 + day / 336 % 50, day / 28 % 12 + 1, day % 28 + 1);
    let eleven = format!("{year:02}{month:02}{day:02}3{serial:04}");
    (0..10).find_map(|digit| Iin::parse(&format!("{eleven}{digit}")).ok())
}
