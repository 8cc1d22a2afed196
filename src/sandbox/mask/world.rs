//! The world of a masked message: who signs, sends and may ask what, as far as the message needs it. It holds no private
//! key and nobody who exists, is plain JSON, and [`World::open`] makes a service of it that keeps nothing.

use super::party::key;
use crate::app::{App, Parts};
use crate::clock::MovableClock;
use crate::config::{Config, DataSignature, Environment};
use crate::consent::directory::{DirectoryEntry, Ground, ProactiveService};
use crate::current::Current;
use crate::dispatch::secret_hash;
use crate::explain::Rehearsal;
use crate::gateway::Absent;
use crate::metric::Metrics;
use crate::random::{Id, Random, SeededRandom, SystemRandom};
use crate::registry::SenderRecord;
use crate::sandbox::{TEN_YEARS, installation, pki};
use crate::serve::StartError;
use crate::store::location::{Location, Synchronous};
use crate::store::register::Item;
use crate::store::seal::hex;
use crate::store::{Record, Store};
use crate::token::key::{KeyRecord, Window};
use crate::trust::certificate::Certificate;
use crate::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use crate::trust::sign::{EcSigner, Signer};
use crate::trust::{Peer, PeerKind, Trust};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Ids that are made while rehearsing are seen by nobody.
const SEED: u64 = 0x6b64_7020_6d61_736b;

/// What a masked message is explained in.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// When the message is judged, Unix milliseconds.
    pub at: i64,
    /// Whether it came from a test installation, where grounds need no confirmation.
    pub is_test: bool,
    /// Whether GG2004 is accepted in verification tokens.
    pub ovt_gg2004: bool,
    /// Longest life of one, seconds.
    pub ovt_lifetime_seconds: i64,
    /// Longest message, bytes.
    pub body_bytes: usize,
    /// Certificates of authorities that are trusted, PEM.
    pub authorities: Vec<String>,
    /// Who may sign.
    pub peers: Vec<Signatory>,
    /// Who may send.
    pub senders: Vec<Masked>,
    /// Directory entries that are named.
    pub entries: Vec<DirectoryEntry>,
    /// Grounds that are named.
    pub grounds: Vec<Ground>,
    /// Proactive services that are named.
    pub proactive: Vec<ProactiveService>,
}

/// Who may sign messages.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signatory {
    /// Whether it speaks for all senders, as ШЭП does.
    pub is_gateway: bool,
    /// The one for whom it speaks, else any with its BIN.
    pub sender_id: Option<String>,
    /// Its certificates, PEM; none: whoever chains to an authority.
    pub certificates: Vec<String>,
}

/// A registered sender, with its secrets: they are those of nobody.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masked {
    /// The registration, without the hashes of secrets.
    pub record: SenderRecord,
    /// Password, if one is registered.
    pub password: Option<String>,
    /// Authentication token, likewise.
    pub token: Option<String>,
}

/// A world that was opened, and the directory of its database, which goes with it.
pub struct Opened {
    /// The service.
    pub rehearsal: Rehearsal,
    _place: Place,
}

struct Place(PathBuf);

impl Place {
    fn new(random: &dyn Random) -> Result<Self, StartError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let id = Id::new(0, random).map_err(|error| StartError::Other(error.to_string()))?;
        let path = std::env::temp_dir().join(format!("kdp-mask-{id}"));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| StartError::File(path.clone(), error.kind()))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl World {
    /// The service that judges messages in it.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(&self) -> Result<Opened, StartError> {
        let place = Place::new(&SystemRandom::default())?;
        let environment = if self.is_test { Environment::Test } else { Environment::Production };
        let mut config = Config { environment, ..Config::default() };
        config.trust.ovt_gg2004 = self.ovt_gg2004;
        config.limits.ovt_lifetime_seconds = self.ovt_lifetime_seconds;
        config.limits.body_bytes = self.body_bytes;
        config.database.url = Location::url_of(&place.0.join("kdp.db"));
        let database = Location::File(place.0.join("kdp.db"), Synchronous::Off);
        let seal = installation::seal(&place.0)?;
        database.migrate(self.at)?;
        let metrics = Metrics::default();
        let rules = (config.spans(), config.rule());
        let store = database.open(seal.clone(), rules, metrics.store.clone())?;
        self.register(&*store, &|kind, id, secret| hex(&secret_hash(&*seal, kind, id, secret))).await?;
        let absent = Arc::new(Absent);
        let answers = own("service").zip(certificate("service.cert.pem"));
        let (signer, certificate) = answers.ok_or_else(unsound)?;
        let app = App::new(Parts {
            clock: Arc::new(MovableClock::standing(self.at)),
            random: Arc::new(SeededRandom::new(SEED, u64::MAX)),
            store,
            seal,
            citizen: absent.clone(),
            sms: absent.clone(),
            channel: absent,
            trust: Arc::new(Current::new(self.trust()?)),
            answers: EnvelopeSigner::new(signer, certificate, KeyInfoForm::BinaryToken),
            templates: config.templates()?,
            metrics,
            config,
        });
        Ok(Opened { rehearsal: Rehearsal { app: app.await?, asks_outside: false }, _place: place })
    }

    fn trust(&self) -> Result<Trust, StartError> {
        let mut trust = Trust::default();
        let read = |pem: &String| Certificate::from_file(pem.as_bytes()).map_err(|_| unsound());
        for authority in &self.authorities {
            trust.add_authority(read(authority)?).map_err(|_| unsound())?;
        }
        for (number, signatory) in self.peers.iter().enumerate() {
            let kind = if signatory.is_gateway {
                PeerKind::Gateway
            } else {
                PeerKind::Direct(signatory.sender_id.clone())
            };
            let data_signature = DataSignature::Ignored;
            let peer = Arc::new(Peer { data_signature, ..Peer::new(format!("masked-{number}"), kind) });
            for pem in &signatory.certificates {
                trust.pin(read(pem)?, peer.clone());
            }
            if signatory.certificates.is_empty() {
                trust.believe_chained(peer);
            }
        }
        Ok(trust)
    }

    async fn register(
        &self,
        store: &dyn Store,
        hash: &(dyn Fn(&'static str, &str, &str) -> String + Sync),
    ) -> Result<(), StartError> {
        let record = || Record { at: self.at, kind: "registration", ..Record::default() };
        let mut items = Vec::new();
        for Masked { record, password, token } in &self.senders {
            let id = &record.sender_id;
            items.push(Item::Sender(Box::new(SenderRecord {
                password: password.as_ref().map(|secret| hash("password", id, secret)),
                token: token.as_ref().map(|secret| hash("token", id, secret)),
                ..record.clone()
            })));
        }
        items.extend(self.entries.iter().cloned().map(Item::Entry));
        items.extend(self.grounds.iter().cloned().map(Item::Ground));
        items.extend(self.proactive.iter().cloned().map(Item::Proactive));
        for item in items {
            store.register(item, 0, record()).await?;
        }
        let receipt = EcSigner::generate().map_err(|_| unsound())?;
        let token = own("token-1").ok_or_else(unsound)?;
        let window = Window { created_at: 0, not_before: 0, not_after: self.at / 1000 + TEN_YEARS };
        let signers: [&dyn Signer; 2] = [&*token, &receipt];
        let keys = signers.into_iter().map(|signer| KeyRecord::new(signer, window)).collect::<Result<_, _>>();
        store.keep_keys(keys.map_err(|_| unsound())?, record()).await?;
        Ok(())
    }
}

fn own(name: &str) -> Option<Box<dyn Signer>> {
    key(name)
}

fn certificate(file: &str) -> Option<Certificate> {
    Certificate::from_file(pki::published(file)?.as_bytes()).ok()
}

fn unsound() -> StartError {
    StartError::Other("the world of a masked message is not usable".to_owned())
}
