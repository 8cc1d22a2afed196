//! What is asked, in pairs: one message for our service and one for the peers, signed by the same key in the same form, equally
//! long, with the same verification token. One message for all cannot be: our service refuses an element of the data
//! that it does not know, and theirs is all that the peers read.

use crate::client::{Issued, Request};
use crate::installation::{BANK, OWNER, SERVICES, Sender, pki};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::consent::identity::Iin;
use kdp::random::{Id, SystemRandom};
use kdp::soap::sync_channel::T;
use kdp::token::jws::unverified_jti;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::{RsaSigner, Signer as _};
use kdp::xml::Writer;
use std::sync::Arc;
use std::{fs, thread};

/// The namespace of the peers' own elements.
const PEERS: &str = "urn:perf:kdp:v1";

/// What one pair asks.
pub enum Question {
    /// A token for this subject.
    Grant(Iin),
    /// The state of a token of ours, and of one that the peers know by this id.
    Check(Issued, String),
}

/// The same question to our service and to a peer.
pub struct Pair {
    pub ours: Request,
    pub theirs: Request,
}

/// Pairs, apart.
pub struct Pairs {
    pub ours: Arc<[Request]>,
    pub theirs: Arc<[Request]>,
}

/// Signs as the gateway and as the bank.
pub struct Envelopes {
    gateway: EnvelopeSigner,
    /// Whom nobody believes.
    stranger: EnvelopeSigner,
    bank: RsaSigner,
    random: SystemRandom,
}

/// What stands around the data.
struct Around<'a> {
    service: &'static str,
    sender: &'a Sender,
    id: &'a str,
    at: i64,
    route: &'a str,
}

impl Envelopes {
    pub fn new() -> Self {
        let key = |name: &str| {
            let text = fs::read_to_string(pki(&format!("{name}.key.pem"))).expect("a fixture");
            RsaSigner::from_pem(&text).expect("a private key")
        };
        let signer = |name: &str| {
            let certificate = fs::read(pki(&format!("{name}.cert.pem"))).expect("a fixture");
            let certificate = Certificate::from_file(&certificate).expect("a certificate");
            EnvelopeSigner::new(Box::new(key(name)), certificate, KeyInfoForm::BinaryToken)
        };
        Self {
            gateway: signer("shep"),
            stranger: signer("lookalike"),
            bank: key("bank"),
            random: SystemRandom::default(),
        }
    }

    /// Signs on all cores.
    pub fn sign(&self, questions: &[Question]) -> Pairs {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let signed: Vec<Vec<Pair>> = thread::scope(|scope| {
            let parts = questions.chunks(questions.len().div_ceil(cores).max(1));
            let sign = |part: &[Question]| part.iter().map(|question| self.pair(question)).collect();
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || sign(part))).collect();
            threads.into_iter().map(|thread| thread.join().expect("signing does not panic")).collect()
        });
        let (ours, theirs): (Vec<_>, Vec<_>) =
            signed.into_iter().flatten().map(|pair| (pair.ours, pair.theirs)).unzip();
        Pairs { ours: ours.into(), theirs: theirs.into() }
    }

    /// Pairs that nobody may grant or answer: another digit in the Body, another signature, another digest, a stranger's
    /// certificate; and for a grant a verification token with another signature.
    pub fn altered(&self, question: &Question) -> Vec<Pair> {
        let after = |word: &'static str| {
            move |envelope: &mut Vec<u8>| {
                let place = envelope.windows(word.len()).position(|bytes| bytes == word.as_bytes());
                let byte = &mut envelope[place.expect("the element is there") + word.len() + 3];
                *byte = if *byte == b'1' { b'2' } else { b'1' };
            }
        };
        let mut pairs: Vec<_> =
            [after("<messageId>"), after("<ds:SignatureValue>"), after("<ds:DigestValue>")]
                .iter()
                .map(|alter| {
                    let Pair { mut ours, mut theirs } = self.pair(question);
                    alter(&mut ours.bytes);
                    alter(&mut theirs.bytes);
                    Pair { ours, theirs }
                })
                .collect();
        pairs.push(self.pair_by(&self.stranger, question, self.word(question)));
        if let Some(word) = self.word(question) {
            let (signed, _) = word.rsplit_once('.').expect("a compact JWS");
            let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([1; 256]));
            pairs.push(self.pair_by(&self.gateway, question, Some(forged)));
        }
        pairs
    }

    fn pair(&self, question: &Question) -> Pair {
        self.pair_by(&self.gateway, question, self.word(question))
    }

    fn pair_by(&self, signer: &EnvelopeSigner, question: &Question, word: Option<String>) -> Pair {
        let (id, at, word) = (self.id(), SystemClock.now(), word.unwrap_or_default());
        let (service, sender, mark, their_mark) = match question {
            Question::Grant(_) => ("KDP_SERVICE", &BANK, ">VALID<", "token>ey"),
            Question::Check(..) => ("KDP_CHECK_TOKEN", &OWNER, ">active<", ">active<"),
        };
        let [ours, theirs] = [ours(question, &word), theirs(question, &word)];
        // The shorter one gets a longer route, which nobody reads.
        let [our_length, their_length] = [length(&ours), length(&theirs)];
        let route = |missing: usize| format!("SHEP-MAIN{}", "-".repeat(missing));
        let request = |path: &str, data: &[Piece], route: &str, mark| {
            let around = Around { service, sender, id: &id, at, route };
            let content = |writer: &mut Writer<'_>| message(writer, &around, data);
            let envelope = signer.envelope(&format!("id-{id}"), content).expect("an envelope");
            over_http(path, &envelope, mark)
        };
        Pair {
            ours: request("/shep/sync", &ours, &route(their_length.saturating_sub(our_length)), mark),
            theirs: request("/", &theirs, &route(our_length.saturating_sub(their_length)), their_mark),
        }
    }

    fn id(&self) -> String {
        Id::new(SystemClock.now(), &self.random).expect("randomness").to_string()
    }

    /// The verification token: what ours says for us, and `sub` for the peers.
    fn word(&self, question: &Question) -> Option<String> {
        let Question::Grant(iin) = question else { return None };
        let now = SystemClock.now() / 1000;
        let claims = serde_json::json!({
            "cbin": BANK.bin, "mcheck": "BIO", "iat": now, "exp": now + 3600, "jti": self.id(), "sub": iin.as_str(),
        });
        let parts = [r#"{"alg":"RS256","typ":"JWT"}"#, &claims.to_string()];
        let signed = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = self.bank.sign(signed.as_bytes()).expect("a signature");
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A piece of the data.
enum Piece {
    Open(&'static str),
    Leaf(&'static str, String),
    Close,
}

/// Bytes that it takes, close enough: both have the same texts to escape.
fn length(data: &[Piece]) -> usize {
    let mut open = Vec::new();
    let declaration = format!(r#" xmlns:kdp="{PEERS}""#).len();
    let mut declared = false;
    data.iter()
        .map(|piece| match piece {
            Piece::Open(name) => {
                open.push(name.len());
                let first = !std::mem::replace(&mut declared, true);
                name.len() + 2 + if first { declaration } else { 0 }
            }
            Piece::Leaf(name, text) => 2 * name.len() + 5 + text.len(),
            Piece::Close => open.pop().unwrap_or_default() + 3,
        })
        .sum()
}

/// The children of `data` for our service.
fn ours(question: &Question, word: &str) -> Vec<Piece> {
    let leaf = |(name, text): (&'static str, &str)| Piece::Leaf(name, text.to_owned());
    match question {
        Question::Grant(iin) => [("uin", iin.as_str()), ("company_bin", BANK.bin), ("ovt", word)]
            .into_iter()
            .chain([
                ("company", COMPANY),
                ("company_responsible", RESPONSIBLE),
                ("employee_name", EMPLOYEE),
                ("access_name", SERVICES),
                ("personal_data_name", PERSONAL_DATA),
                ("expiresIn", "7200000"),
                ("omit-sms", "true"),
            ])
            .map(leaf)
            .collect(),
        Question::Check(issued, _) => {
            let id = unverified_jti(&issued.compact).expect("every token of ours has one");
            let service = SERVICES.split(';').next().unwrap_or_default();
            [("token_id", id.as_str()), ("service_id", service), ("uin", issued.iin.as_str())]
                .map(leaf)
                .into()
        }
    }
}

/// The same for the peers, in as many elements.
fn theirs(question: &Question, word: &str) -> Vec<Piece> {
    let leaf = |name, text: &str| Piece::Leaf(name, text.to_owned());
    match question {
        Question::Grant(iin) => vec![
            Piece::Open("kdp:tokenRequest"),
            leaf("kdp:iin", iin.as_str()),
            leaf("kdp:lastName", EMPLOYEE),
            leaf("kdp:firstName", COMPANY),
            leaf("kdp:bin", BANK.bin),
            leaf("kdp:validityMinutes", "7200000"),
            Piece::Open("kdp:purposes"),
            leaf("kdp:purpose", SERVICES),
            leaf("kdp:purpose", PERSONAL_DATA),
            Piece::Close,
            leaf("kdp:verificationToken", word),
            leaf("kdp:comment", RESPONSIBLE),
            Piece::Close,
        ],
        Question::Check(issued, row) => vec![
            Piece::Open("kdp:tokenCheck"),
            leaf("kdp:tokenId", row),
            leaf("kdp:iin", issued.iin.as_str()),
            Piece::Close,
        ],
    }
}

const COMPANY: &str = "АО «Песочный банк»";
const RESPONSIBLE: &str = "Департамент розничного бизнеса";
const EMPLOYEE: &str = "Тестов Тест Тестович";
const PERSONAL_DATA: &str = "ФИО, дата рождения, адрес регистрации, сведения о недвижимости";

fn message(writer: &mut Writer<'_>, around: &Around<'_>, data: &[Piece]) {
    let Around { service, sender, id, at, route } = around;
    writer.open("t:SendMessage", &[("t", T)], &[]).open("request", &[], &[]).open("requestInfo", &[], &[]);
    writer.leaf("messageId", id).leaf("correlationId", id).leaf("serviceId", service);
    writer.leaf("messageDate", &clock::text(*at)).leaf("routeId", route).open("sender", &[], &[]);
    writer.leaf("senderId", sender.id).leaf("password", &sender.password()).close();
    writer.leaf("sessionId", &format!("{{{id}}}")).close();
    writer.open("requestData", &[], &[]).open("data", &[], &[]);
    for piece in data {
        match piece {
            Piece::Open(name) => writer.open(name, &[("kdp", PEERS)], &[]),
            Piece::Leaf(name, text) => writer.leaf(name, text),
            Piece::Close => writer.close(),
        };
    }
    writer.close().close().close().close();
}

fn over_http(path: &str, envelope: &[u8], mark: &'static str) -> Request {
    let length = envelope.len();
    let mut bytes = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\"\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    let head = bytes.len();
    bytes.extend_from_slice(envelope);
    Request { bytes, head, mark }
}
