//! What stands at either end: the client as the service makes it, and answers as ШЭП makes them.

use crate::authority::NOW;
use crate::server::{Act, Asked, Server};
use kdp::clock::MovableClock;
use kdp::consent::identity::{Iin, Msisdn};
use kdp::current::Current;
use kdp::gateway::citizen::ShepCitizens;
use kdp::gateway::fault::PartyFault;
use kdp::gateway::http_client::HttpClient;
use kdp::gateway::shep::{Address, Means, ShepClient};
use kdp::gateway::sms::ShepSms;
use kdp::gateway::{CitizenDirectory as _, Sms, SmsError, SmsGateway as _};
use kdp::random::SeededRandom;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{self, EnvelopeSigner, KeyInfoForm};
use kdp::trust::{Peer, PeerKind, Trust, sign};
use kdp::xml::c14n::{Method, fragment};
use kdp::xml::{Canonical, Document, Limits};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

pub const IIN: &str = "800101399015";
pub const NUMBER: &str = "77010000001";
/// The id of the SMS that [`Stand::sms`] hands over.
pub const SMS: &str = "0199-ask";
pub const TODAY: &str = "2026-04-01T12:00:00.000+05:00";

pub fn pki(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/pki/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub fn certificate(name: &str) -> Certificate {
    Certificate::from_file(&pki(&format!("{name}.cert.pem"))).unwrap()
}

/// The signer with this key of the fixtures: `shep`, `shep.gost`.
pub fn signer(name: &str) -> EnvelopeSigner {
    signer_in(name, KeyInfoForm::Certificate)
}

pub fn signer_in(name: &str, form: KeyInfoForm) -> EnvelopeSigner {
    let key = match name.strip_suffix(".gost") {
        Some(plain) => format!("{plain}.gost.key.pem"),
        None => format!("{name}.key.pem"),
    };
    let key = sign::from_pem(&String::from_utf8(pki(&key)).unwrap()).unwrap();
    EnvelopeSigner::new(key, certificate(name), form)
}

/// ШЭП with these certificates, and another peer whose messages are believed too.
pub fn trust(shep: &[&str]) -> Trust {
    let mut trust = Trust::default();
    let peer = Arc::new(Peer::new("shep", PeerKind::Gateway));
    for name in shep {
        trust.pin(certificate(name), peer.clone());
    }
    trust.pin(certificate("bank"), Arc::new(Peer::new("bank", PeerKind::Direct(None))));
    trust.add_authority(Certificate::from_file(&pki("ca.pem")).unwrap()).unwrap();
    trust.believe_chained(Arc::new(Peer::new("any", PeerKind::Direct(None))));
    trust
}

pub fn means(key: &str, keep: usize) -> Means {
    let http = HttpClient::new(Duration::from_secs(5), None).unwrap().keeping(keep);
    Means { signer: signer(key), password: Some(SecretString::from("secret")), http }
}

/// A client of the service, and whose signatures it believes.
pub struct Stand {
    pub shep: Arc<ShepClient>,
    pub trust: Arc<Current<Trust>>,
    citizens: ShepCitizens,
    texts: ShepSms,
}

impl Stand {
    pub fn new(url: &str) -> Self {
        Self::by(url, means("service", 16))
    }

    pub fn by(url: &str, means: Means) -> Self {
        let trust = Arc::new(Current::new(trust(&["shep", "shep.gost"])));
        let address =
            Address { url: url.parse().unwrap(), peer: "shep".to_owned(), sender_id: "KDP".to_owned() };
        let clock = Arc::new(MovableClock::standing(NOW * 1000));
        let random = Arc::new(SeededRandom::new(1, 0));
        let shep = Arc::new(ShepClient::new(address, means, trust.clone(), (clock, random)));
        let citizens = ShepCitizens::new(shep.clone(), "MCDB_SERVICE".to_owned());
        let texts = ShepSms::new(shep.clone(), "SMS_1414".to_owned());
        Self { shep, trust, citizens, texts }
    }

    pub async fn numbers(&self) -> Result<Vec<String>, PartyFault> {
        let numbers = self.citizens.numbers(&Iin::parse(IIN).unwrap()).await?;
        Ok(numbers.iter().map(|number| number.as_str().to_owned()).collect())
    }

    pub async fn sms(&self) -> Result<(), SmsError> {
        let to = Msisdn::parse(NUMBER).unwrap();
        let valid_until = NOW * 1000 + 900_000;
        self.texts.send(Sms { id: SMS, to: &to, text: "IA / DA? <1234>", valid_until }).await
    }
}

/// What an answer says.
#[derive(Clone)]
pub struct Saying {
    pub correlation_id: String,
    pub date: String,
    pub status: &'static str,
    /// `data` with what is in it, its children with the prefix `s`.
    pub data: String,
}

impl Saying {
    /// The right answer to this question.
    pub fn to(asked: &Asked) -> Self {
        let data = if asked.body.contains("<serviceId>SMS_1414<") {
            let id = element(&asked.body, "s:sms_id xmlns:s=\"urn:kdp:services:v1\"");
            format!("<s:sms_id>{id}</s:sms_id><s:status>accepted</s:status>")
        } else {
            format!("<s:msisdn>{NUMBER}</s:msisdn><s:status>found</s:status>")
        };
        Self {
            correlation_id: element(&asked.body, "correlationId").to_owned(),
            date: element(&asked.body, "messageDate").to_owned(),
            status: "SCSS001",
            data: format!("<data>{data}</data>"),
        }
    }

    pub fn with(self, data: &str) -> Self {
        Self { data: format!("<data>{data}</data>"), ..self }
    }

    /// `{T}SendMessageResponse`
    pub fn text(&self) -> String {
        let Self { correlation_id, date, status, data } = self;
        let correlation_id = if correlation_id.is_empty() {
            String::new()
        } else {
            format!("<correlationId>{correlation_id}</correlationId>")
        };
        format!(
            "<t:SendMessageResponse xmlns:t=\"http://bip.bee.kz/SyncChannel/v10/Types\" xmlns:s=\"urn:kdp:services:v1\">\
             <response><responseInfo><messageId>1</messageId>{correlation_id}<responseDate>{date}</responseDate><status>\
             <code>{status}</code><message>m</message></status></responseInfo><responseData>{data}</responseData></response>\
             </t:SendMessageResponse>"
        )
    }

    pub fn signed(&self, by: &EnvelopeSigner) -> Vec<u8> {
        signed(&self.text(), by)
    }
}

/// The text of the first element that begins with these words.
pub fn element<'a>(text: &'a str, start: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<{start}>")).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once("</").unwrap().0
}

fn canonical(content: &str) -> Canonical {
    let document = Document::parse(content.as_bytes(), &Limits::default()).unwrap();
    fragment(&document, &Method::EXCLUSIVE).unwrap()
}

/// An envelope around this content of the Body.
pub fn signed(content: &str, by: &EnvelopeSigner) -> Vec<u8> {
    let content = canonical(content);
    by.envelope("answer", |writer| {
        writer.raw(&content);
    })
    .unwrap()
}

pub fn unsigned(content: &str) -> Vec<u8> {
    let content = canonical(content);
    outgoing::unsigned(|writer| {
        writer.raw(&content);
    })
    .unwrap()
}

/// A server that gives right answers, signed by ШЭП.
pub async fn good_server() -> Server {
    let shep = signer("shep");
    Server::start(move |asked| Act::Answer(200, Saying::to(asked).signed(&shep))).await
}
