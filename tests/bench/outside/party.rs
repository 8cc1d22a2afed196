//! ШЭП with БМГ and 1414 behind it, as slow as it is told to be; and what it hands to the subjects.

use crate::installation::pki;
use crate::load::message;
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::soap::sync_channel::{S, T};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// An SMS as it comes to a phone.
pub struct Sms {
    pub id: String,
    pub text: String,
}

/// The outside, for as long as the program runs.
pub struct Outside {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    signer: EnvelopeSigner,
    /// Milliseconds until an answer of БМГ and of 1414.
    bmg: AtomicU64,
    sms: AtomicU64,
    phones: Mutex<Phones>,
}

#[derive(Default)]
struct Phones {
    /// By IIN.
    numbers: HashMap<String, String>,
    /// Who looks at the phone with this number.
    waiting: HashMap<String, oneshot::Sender<Sms>>,
}

impl Outside {
    pub fn start() -> Self {
        let read = |name: &str| fs::read_to_string(pki(name)).expect("a fixture");
        let key = RsaSigner::from_pem(&read("shep.key.pem")).expect("a private key");
        let certificate = Certificate::from_file(read("shep.cert.pem").as_bytes()).expect("a certificate");
        let shared = Arc::new(Shared {
            signer: EnvelopeSigner::new(Box::new(key), certificate, KeyInfoForm::IssuerSerial),
            bmg: AtomicU64::new(0),
            sms: AtomicU64::new(0),
            phones: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let of_thread = shared.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(listen(listener, of_thread));
        });
        Self { address, shared }
    }

    /// From now on both answer so late.
    pub fn delay(&self, bmg: Duration, sms: Duration) {
        for (party, delay) in [(&self.shared.bmg, bmg), (&self.shared.sms, sms)] {
            party.store(u64::try_from(delay.as_millis()).expect("a short time"), Ordering::Relaxed);
        }
    }

    /// A phone for this subject: its number, and the SMS that comes next.
    pub fn phone(&self, iin: &str) -> (String, oneshot::Receiver<Sms>) {
        let mut phones = self.shared.phones.lock().expect("nothing panics with the phones");
        let number = format!("77{:09}", phones.numbers.len());
        phones.numbers.insert(iin.to_owned(), number.clone());
        let (sender, receiver) = oneshot::channel();
        phones.waiting.insert(number.clone(), sender);
        (number, receiver)
    }
}

async fn listen(listener: std::net::TcpListener, shared: Arc<Shared>) {
    listener.set_nonblocking(true).expect("a listener");
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP option");
        tokio::spawn(serve(stream, shared.clone()));
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = vec![0; 32 * 1024];
    while let Some((body, end)) = message(&mut stream, &mut buffer).await {
        let text = String::from_utf8(buffer[body..end].to_vec()).expect("UTF-8");
        let (answer, arrived) = shared.answer(&text).await;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if stream.write_all(&[head.as_bytes(), &answer].concat()).await.is_err() {
            return;
        }
        if let Some((phone, sms)) = arrived {
            // Whoever looked at it may have gone.
            let _ = phone.send(sms);
        }
    }
}

/// An SMS and the phone that it goes to.
type Arrived = (oneshot::Sender<Sms>, Sms);

impl Shared {
    async fn answer(&self, question: &str) -> (Vec<u8>, Option<Arrived>) {
        let (is_bmg, id) = (field(question, "serviceId") == "MCDB_SERVICE", field(question, "messageId"));
        let delay = if is_bmg { &self.bmg } else { &self.sms }.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(delay)).await;
        let mut phones = self.phones.lock().expect("nothing panics with the phones");
        let (data, arrived) = if is_bmg {
            let number =
                phones.numbers.get(field(question, "s:iin")).expect("only who has a phone is asked about");
            (vec![("s:msisdn", number.clone()), ("s:status", "found".to_owned())], None)
        } else {
            let sms_id = field(question, "s:sms_id").to_owned();
            let sms = Sms { id: sms_id.clone(), text: field(question, "s:text").to_owned() };
            let phone = phones.waiting.remove(field(question, "s:msisdn"));
            let data = vec![("s:sms_id", sms_id), ("s:status", "accepted".to_owned())];
            (data, phone.map(|phone| (phone, sms)))
        };
        drop(phones);
        (self.envelope(id, &data), arrived)
    }

    fn envelope(&self, id: &str, data: &[(&'static str, String)]) -> Vec<u8> {
        let envelope = self.signer.envelope(&format!("id-{id}"), |writer| {
            writer.open("t:SendMessageResponse", &[("t", T), ("s", S)], &[]).open("response", &[], &[]);
            writer.open("responseInfo", &[], &[]).leaf("messageId", id).leaf("correlationId", id);
            writer.leaf("responseDate", &clock::text(SystemClock.now())).open("status", &[], &[]);
            writer.leaf("code", "SCSS001").leaf("message", "Message has been processed successfully");
            writer.close().close().open("responseData", &[], &[]).open("data", &[], &[]);
            for (name, text) in data {
                writer.leaf(name, text);
            }
            writer.close().close().close().close();
        });
        envelope.expect("an envelope")
    }
}

/// The text of the first element of this name.
pub fn field<'t>(text: &'t str, name: &str) -> &'t str {
    let begin = text.find(&format!("<{name}")).unwrap_or_else(|| panic!("no {name} in {text}"));
    let (_, rest) = text[begin..].split_once('>').expect("the end of a tag");
    rest.split_once('<').expect("the end of an element").0
}
