//! The parties of a sandbox with both of their keys.

use crate::stand::{Connection, NOW, Reply, options};
use kdp::sandbox::{Crypto, Options, Running, limits, start_within};
use kdp::soap::envelope::Envelope;
use kdp::token::ovt::{self, Mcheck, NewOvt};
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::{self, Signer};
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits, Writer};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub const SUBJECT: &str = "800101399015";
pub const SERVICE: &str = "GBDFLUniversal_token";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa,
    Gost,
}

/// A seeded sandbox in this process whose clock stands.
pub struct Stage {
    pub running: Running,
    pub directory: tempfile::TempDir,
    pub address: SocketAddr,
    world: Value,
}

impl Stage {
    pub async fn open(crypto: Option<Crypto>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { crypto, ..options(directory.path()) };
        let running = start_within(options, Some(NOW), limits()).await.unwrap();
        let address: SocketAddr =
            running.url.strip_prefix("http://").unwrap().split('/').next().unwrap().parse().unwrap();
        let world = tokio::task::spawn_blocking(move || Connection::open(address).get("/sandbox").body);
        let world = serde_json::from_str(&world.await.unwrap()).unwrap();
        Self { running, directory, address, world }
    }

    pub async fn close(self) {
        self.running.stop().await;
    }

    /// Everybody, in the order of the world.
    pub fn names(&self) -> Vec<String> {
        let peers = self.world["peers"].as_array().unwrap().iter();
        peers.map(|peer| peer["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn party(&self, name: &str, kind: Kind) -> Party {
        let peers = self.world["peers"].as_array().unwrap();
        let peer = peers.iter().find(|peer| peer["name"] == name).unwrap();
        let text = |key: &str| peer[key].as_str().unwrap_or_default().to_owned();
        let (key, certificate) = match kind {
            Kind::Rsa => (text("key"), text("cert")),
            Kind::Gost => (text("gost_key"), text("gost_cert")),
        };
        Party {
            sender_id: text("sender_id"),
            password: text("password"),
            bin: text("bin"),
            key: key.into(),
            certificate: certificate.into(),
        }
    }

    pub fn post(&self, envelope: &[u8]) -> Reply {
        tokio::task::block_in_place(|| Connection::open(self.address).post(envelope))
    }

    /// Holds that the service signed the reply with its key of this kind.
    pub fn verify(&self, reply: &Reply, kind: Kind) {
        let file = if kind == Kind::Gost { "service.gost.cert.pem" } else { "service.cert.pem" };
        let certificate = fs::read(self.directory.path().join("pki").join(file)).unwrap();
        let mut trust = Trust::default();
        let peer = Arc::new(Peer::new("service", PeerKind::Direct(None)));
        trust.pin(Certificate::from_file(&certificate).unwrap(), peer);
        let document = Document::parse(reply.body.as_bytes(), &Limits::default()).unwrap();
        let verified = trust.verify_offline(&Envelope::read(&document).unwrap(), NOW / 1000);
        assert_eq!(verified.map(|_| ()), Ok(()), "{}", reply.body);
    }
}

/// Somebody with one of its keys.
pub struct Party {
    pub sender_id: String,
    pub password: String,
    pub bin: String,
    pub key: PathBuf,
    pub certificate: PathBuf,
}

/// A request: whose, and the children of data.
pub struct Call {
    pub sender_id: String,
    pub password: String,
    pub data: Vec<(&'static str, String)>,
}

impl Party {
    pub fn signer(&self) -> Box<dyn Signer> {
        sign::from_pem(&fs::read_to_string(&self.key).unwrap()).unwrap()
    }

    /// The call in an envelope that the party signs.
    pub fn envelope(&self, form: KeyInfoForm, call: &Call) -> Vec<u8> {
        let certificate = Certificate::from_file(&fs::read(&self.certificate).unwrap()).unwrap();
        let signer = EnvelopeSigner::new(self.signer(), certificate, form);
        assert!(signer.fits());
        Self::signed(&signer, call)
    }

    /// The call in an envelope of this signer.
    pub fn signed(signer: &EnvelopeSigner, call: &Call) -> Vec<u8> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let id = format!("gost-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let content = |writer: &mut Writer<'_>| {
            writer
                .open("t:SendMessage", &[("t", "http://bip.bee.kz/SyncChannel/v10/Types")], &[])
                .open("request", &[], &[])
                .open("requestInfo", &[], &[])
                .leaf("messageId", &id)
                .leaf("serviceId", "KDP_SERVICE")
                .leaf("messageDate", "2026-04-01T12:00:00+05:00")
                .open("sender", &[], &[])
                .leaf("senderId", &call.sender_id)
                .leaf("password", &call.password)
                .close()
                .close()
                .open("requestData", &[], &[])
                .open("data", &[], &[]);
            for (name, value) in &call.data {
                writer.leaf(name, value);
            }
            writer.close().close().close().close();
        };
        signer.envelope("id-1", content).unwrap()
    }

    /// A sound verification token of the party.
    pub fn ovt(&self) -> String {
        self.ovt_by(&*self.signer())
    }

    /// The same, by this signer.
    pub fn ovt_by(&self, signer: &dyn Signer) -> String {
        let iat = NOW / 1000;
        let claims = NewOvt {
            cbin: &self.bin,
            mcheck: Mcheck::Biometrics,
            iat,
            exp: iat + 3600,
            uin: Some(SUBJECT),
            jti: None,
        };
        ovt::make(&claims, signer, None).unwrap()
    }

    /// An ask by the party's own means with this verification token.
    pub fn asks_with(&self, ovt: &str) -> Call {
        let data = [
            ("uin", SUBJECT),
            ("company", "ТОО «Пример»"),
            ("company_bin", &self.bin),
            ("access_name", SERVICE),
            ("personal_data_name", "ФИО, адрес"),
            ("expiresIn", "600000"),
            ("omit-sms", "true"),
            ("ovt", ovt),
            ("company_responsible", "Отдел заявок"),
            ("employee_name", "Проверка"),
        ];
        let data = data.map(|(name, value)| (name, value.to_owned())).to_vec();
        Call { sender_id: self.sender_id.clone(), password: self.password.clone(), data }
    }
}

/// An ask by the party's own means, its verification token signed by the same key.
pub fn bank_asks(party: &Party) -> Call {
    party.asks_with(&party.ovt())
}

/// What the `SignatureMethod` of an envelope ends in.
pub fn algorithm_of(envelope: &str) -> &str {
    let (_, rest) = envelope.split_once("SignatureMethod Algorithm=\"").unwrap_or_default();
    let name = rest.split('"').next().unwrap_or_default();
    name.rsplit([':', '#']).next().unwrap_or_default()
}
