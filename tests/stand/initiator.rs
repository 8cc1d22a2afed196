//! An initiator of the sandbox, as a system of its own would be: it signs, sends through ШЭП, and believes ШЭП alone.

use crate::pair::looked_for;
use kdp::clock::{self, Clock as _, SystemClock};
use kdp::soap::envelope::Envelope;
use kdp::soap::sync_channel::T;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign;
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits};
use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

/// The service that consent is asked for.
pub const SERVICE_ID: &str = "GBDFLUniversal_token";

/// Sends a message; `None`: no whole answer came back.
pub fn post(to: SocketAddr, path: &str, message: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(to).unwrap();
    let length = message.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), message].concat()).unwrap();
    let mut came = Vec::new();
    stream.read_to_end(&mut came).ok()?;
    let end = came.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(came[..end].to_vec()).unwrap();
    let http = head.split(' ').nth(1)?.parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body = came.split_off(end + 4);
    (length.is_none_or(|length| length.parse() == Ok(body.len()))).then_some((http, body))
}

/// What an answer said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// HTTP.
    pub http: u16,
    /// `data/status`, or the errorCode of a fault; `not believed`, `not read` of an answer that is neither.
    pub status: String,
    pub reason: String,
    pub request_id: String,
    pub poll_after: String,
    pub code: String,
}

pub struct Initiator {
    stand: SocketAddr,
    signer: EnvelopeSigner,
    sender_id: String,
    password: String,
    bin: String,
    trust: Trust,
    count: Cell<u32>,
}

impl Initiator {
    /// The peer of this name, by what `GET /sandbox` tells of it.
    pub fn new(stand: SocketAddr, sandbox: &serde_json::Value, name: &str, data: &Path) -> Self {
        let peers = sandbox["peers"].as_array().unwrap();
        let peer = peers.iter().find(|peer| peer["name"] == name).unwrap();
        let text = |key: &str| peer[key].as_str().unwrap().to_owned();
        let key = sign::from_pem(&std::fs::read_to_string(text("key")).unwrap()).unwrap();
        let certificate = Certificate::from_file(&std::fs::read(text("cert")).unwrap()).unwrap();
        let mut trust = Trust::default();
        let shep = Arc::new(Peer::new("shep", PeerKind::Gateway));
        for file in ["shep.cert.pem", "shep.gost.cert.pem", "shep.next.cert.pem"] {
            // The next one is made for a service elsewhere.
            if let Ok(pem) = std::fs::read(data.join("pki").join(file)) {
                trust.pin(Certificate::from_file(&pem).unwrap(), shep.clone());
            }
        }
        Self {
            stand,
            signer: EnvelopeSigner::new(key, certificate, KeyInfoForm::Certificate),
            sender_id: text("sender_id"),
            password: text("password"),
            bin: text("bin"),
            trust,
            count: Cell::new(0),
        }
    }

    /// The signed envelope of an ask of method 1, or with other elements.
    pub fn message(&self, uin: &str, more: &[(&'static str, &str)]) -> Vec<u8> {
        self.count.set(self.count.get() + 1);
        let message_id = format!("{uin}-{}", self.count.get());
        let sent = clock::text(SystemClock.now());
        let data = [
            ("uin", uin),
            ("company", "Песочный банк"),
            ("company_bin", &*self.bin),
            ("access_name", SERVICE_ID),
            ("personal_data_name", "Адрес прописки"),
        ];
        let envelope = self.signer.envelope("body", |writer| {
            writer
                .open("t:SendMessage", &[("t", T)], &[])
                .open("request", &[], &[])
                .open("requestInfo", &[], &[])
                .leaf("messageId", &message_id)
                .leaf("serviceId", "KDP_SERVICE")
                .leaf("messageDate", &sent)
                .open("sender", &[], &[])
                .leaf("senderId", &self.sender_id)
                .leaf("password", &self.password)
                .close()
                .close()
                .open("requestData", &[], &[])
                .open("data", &[], &[]);
            for (name, text) in data.iter().chain(more) {
                writer.leaf(name, text);
            }
            if !more.iter().any(|(name, _)| *name == "method") {
                writer.leaf("method", "1");
            }
            writer.close().close().close().close();
        });
        envelope.unwrap()
    }

    /// Asks through ШЭП.
    pub fn ask(&self, uin: &str, more: &[(&'static str, &str)]) -> Told {
        let message = self.message(uin, more);
        let came = post(self.stand, "/sandbox/shep/to-service", &message);
        came.map_or_else(Told::default, |(http, body)| self.read(http, &body))
    }

    /// Repeats until the answer is final, or long enough.
    pub fn until_final(&self, uin: &str, mut told: Told) -> Told {
        let id = told.request_id.clone();
        if !id.is_empty() {
            looked_for(|| {
                if told.status == "PENDING" {
                    told = self.ask(uin, &[("request_id", &id)]);
                }
                (told.status != "PENDING").then_some(())
            });
        }
        told
    }

    /// Asks, and repeats until the answer is final.
    pub fn ask_to_the_end(&self, uin: &str, more: &[(&'static str, &str)]) -> Told {
        self.until_final(uin, self.ask(uin, more))
    }

    fn read(&self, http: u16, body: &[u8]) -> Told {
        let plain = |status: &str| Told { http, status: status.to_owned(), ..Told::default() };
        let Ok(document) = Document::parse(body, &Limits::default()) else { return plain("not read") };
        let Ok(envelope) = Envelope::read(&document) else { return plain("not read") };
        let text = |name: &str| {
            let mut found = None;
            visit(envelope.body(), &mut |element| {
                if element.name() == name && element.parent().is_some_and(|p| p.name() == "data") {
                    found = element.text().map(|text| text.trim().to_owned());
                }
            });
            found.unwrap_or_default()
        };
        if http != 200 {
            let mut code = String::new();
            visit(envelope.body(), &mut |element| {
                if element.name() == "errorCode" {
                    code = element.text().unwrap().into_owned();
                }
            });
            return plain(&code);
        }
        if self.trust.verify_offline(&envelope, SystemClock.now() / 1000).is_err() {
            return plain("not believed");
        }
        let [status, reason, request_id] = ["status", "reason", "request_id"].map(text);
        Told { http, status, reason, request_id, poll_after: text("poll_after"), code: text("code") }
    }
}

fn visit<'d, 'a>(element: kdp::xml::Element<'d, 'a>, look: &mut dyn FnMut(kdp::xml::Element<'d, 'a>)) {
    look(element);
    for child in element.children() {
        visit(child, look);
    }
}
