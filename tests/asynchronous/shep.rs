//! A ШЭП: its `IAsyncChannel`, which answers as it is told to, and remembers what it got.

use super::installation::pki;
use kdp::soap::async_channel::A;
use kdp::soap::envelope::Envelope;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm, unsigned};
use kdp::trust::sign::RsaSigner;
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits, Writer};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it does with the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes it over.
    Accepts,
    /// Takes it over, and the connection breaks.
    Breaks,
    /// Takes it over, and says nothing for long.
    Hangs,
    /// A SOAP fault.
    Fault,
    /// Its answer is not signed.
    Unsigned,
    /// Its answer is signed by somebody else.
    Foreign,
    /// Its answer was changed after it was signed.
    Changed,
    /// Its answer is about another chain.
    OtherChain,
    /// Its answer is another message of the channel.
    OtherAnswer,
    /// No XML.
    Garbage,
    /// An HTTP error.
    Busy,
}

/// A message that it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub body: String,
}

impl Got {
    /// The text of the first element of this name.
    pub fn text(&self, name: &str) -> &str {
        let (open, close) = (format!("{name}>"), format!("{name}>"));
        let rest = self.body.split_once(&open).unwrap_or_else(|| panic!("no {name} in {}", self.body)).1;
        rest.split_once(&close).unwrap().0.rsplit_once("</").unwrap().0
    }

    /// The text of a child of `data`.
    pub fn data(&self, name: &str) -> Option<&str> {
        let data = self.body.split_once("<data>")?.1.split_once("</data>")?.0;
        let rest = data.split_once(&format!("<k:{name} "))?.1.split_once('>')?.1;
        Some(rest.split_once("</")?.0)
    }
}

pub struct Shep {
    pub url: String,
    got: Mutex<Vec<Got>>,
    moods: Mutex<VecDeque<Mood>>,
    own: EnvelopeSigner,
    foreign: EnvelopeSigner,
    trust: Trust,
}

/// Signs with keys of the fixtures.
pub fn signer(name: &str) -> EnvelopeSigner {
    let key = RsaSigner::from_pem(&fs::read_to_string(pki(&format!("{name}.key.pem"))).unwrap()).unwrap();
    let certificate = Certificate::from_file(&fs::read(pki(&format!("{name}.cert.pem"))).unwrap()).unwrap();
    EnvelopeSigner::new(Box::new(key), certificate, KeyInfoForm::Certificate)
}

impl Shep {
    pub fn start() -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut trust = Trust::default();
        let service = Certificate::from_file(&fs::read(pki("service.cert.pem")).unwrap()).unwrap();
        trust.pin(service, Arc::new(Peer::new("kdp", PeerKind::Direct(None))));
        let shep = Arc::new(Self {
            url: format!("http://{}/shep/AsyncChannel", listener.local_addr().unwrap()),
            got: Mutex::default(),
            moods: Mutex::default(),
            own: signer("shep"),
            foreign: signer("bank"),
            trust,
        });
        let serving = shep.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (shep, stream) = (serving.clone(), stream.unwrap());
                std::thread::spawn(move || shep.serve(stream));
            }
        });
        shep
    }

    /// Does this with the next messages; after them it accepts again.
    pub fn will(&self, moods: &[Mood]) {
        self.moods.lock().unwrap().extend(moods);
    }

    /// What it got so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).unwrap_or(0) > 0 && line != "\r\n" {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mood = self.moods.lock().unwrap().pop_front().unwrap_or(Mood::Accepts);
        let (status, answer) = self.answer(mood, &body);
        match mood {
            Mood::Breaks => {}
            // Until the other side has had enough.
            Mood::Hangs => drop(reader.read(&mut [0])),
            _ => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                );
                let mut stream = stream;
                let _ = stream.write_all(&[head.as_bytes(), &answer].concat());
            }
        }
    }

    fn answer(&self, mood: Mood, message: &[u8]) -> (u16, Vec<u8>) {
        let document = Document::parse(message, &Limits::default()).unwrap();
        let envelope = Envelope::read(&document).unwrap();
        // What the service sends is signed by the service.
        self.trust
            .verify_offline(&envelope, kdp::clock::Clock::now(&kdp::clock::SystemClock) / 1000)
            .unwrap();
        let text = String::from_utf8(message.to_vec()).unwrap();
        let content = text.split_once("<soap:Body").unwrap().1.split_once('>').unwrap().1;
        let body = content.split_once("</soap:Body>").unwrap().0.to_owned();
        let got = Got { body };
        let chain = if mood == Mood::OtherChain { "other" } else { got.text("correlationId") }.to_owned();
        self.got.lock().unwrap().push(got.clone());
        let theirs = format!("shep-{}", self.got().len());
        let name = if mood == Mood::OtherAnswer { "t:getMessagesResponse" } else { "t:sendMessageResponse" };
        let accept = |writer: &mut Writer<'_>| {
            writer.open(name, &[("t", A)], &[]).open("response", &[], &[]).leaf("messageId", &theirs);
            writer
                .leaf("correlationId", &chain)
                .leaf("responseDate", "2026-04-01T12:00:00.000+05:00")
                .close()
                .close();
        };
        let fault = |writer: &mut Writer<'_>| {
            writer.open("s:Fault", &[("s", kdp::trust::algorithm::SOAP)], &[]).leaf("faultcode", "s:Server");
            writer.leaf("faultstring", "no").close();
        };
        match mood {
            Mood::Fault => (500, unsigned(fault).unwrap()),
            Mood::Unsigned => (200, unsigned(accept).unwrap()),
            Mood::Foreign => (200, self.foreign.envelope("b", accept).unwrap()),
            Mood::Changed => {
                let text = String::from_utf8(self.own.envelope("b", accept).unwrap()).unwrap();
                (200, text.replace(&theirs, "shep-x").into_bytes())
            }
            Mood::Garbage => (200, b"<html><body>gateway".to_vec()),
            Mood::Busy => (503, b"busy".to_vec()),
            _ => (200, self.own.envelope("b", accept).unwrap()),
        }
    }
}
