//! The certificates of ШЭП: several are good at once, one of them signs, and which one can be changed while all runs.

use crate::sandbox::crypto::{Crypto, KeyKind};
use crate::sandbox::pki::{self, NEXT};
use crate::sandbox::world::World;
use crate::serve::StartError;
use crate::trust::certificate::Certificate;
use crate::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use crate::trust::sign;
use crate::trust::{Peer, PeerKind, Trust};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The gateway's name in the world.
pub const GATEWAY: &str = "shep";
/// Whose key signs where a foreign one shall: a peer that everybody believes, but for its own messages.
const STRANGER: &str = "owner";

/// One of the gateway's keys.
struct Key {
    /// What it is called here.
    word: &'static str,
    certificate: PathBuf,
    signer: EnvelopeSigner,
}

/// What the stand signs with.
pub struct Certificates {
    keys: Vec<Key>,
    /// Which of them signs.
    current: AtomicUsize,
    stranger: EnvelopeSigner,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    signs: String,
}

impl Certificates {
    /// Reads those that lie in `pki/` of the data directory.
    ///
    /// # Errors
    /// [`StartError`] naming the file.
    pub fn read(data: &Path, world: &World, crypto: Crypto) -> Result<Self, StartError> {
        let mut keys = Vec::new();
        let file = |kind: KeyKind, what| kind.file(GATEWAY, what);
        for (word, key, certificate) in [
            ("rsa", file(KeyKind::Rsa, "key"), file(KeyKind::Rsa, "cert")),
            ("gost", file(KeyKind::Gost, "key"), file(KeyKind::Gost, "cert")),
            (NEXT, pki::next(GATEWAY, "key"), pki::next(GATEWAY, "cert")),
        ] {
            let (key, certificate) = (pki::path(data, &key), pki::path(data, &certificate));
            if key.exists() {
                keys.push(Key { word, signer: signer(&key, &certificate)?, certificate });
            }
        }
        let place = world.peers.iter().position(|peer| peer.name == GATEWAY).unwrap_or(0);
        let is_gost = crypto.of_peer(place) == KeyKind::Gost;
        let stranger = |what| pki::path(data, &KeyKind::Rsa.file(STRANGER, what));
        Ok(Self {
            keys,
            current: AtomicUsize::new(usize::from(is_gost)),
            stranger: signer(&stranger("key"), &stranger("cert"))?,
        })
    }

    /// What signs now.
    #[must_use]
    pub fn signer(&self) -> &EnvelopeSigner {
        self.keys.get(self.current.load(Ordering::Relaxed)).map_or(&self.stranger, |key| &key.signer)
    }

    /// What is somebody else's.
    #[must_use]
    pub fn stranger(&self) -> &EnvelopeSigner {
        &self.stranger
    }

    /// Which signs, and which there are.
    #[must_use]
    pub fn show(&self) -> Value {
        let word = self.keys.get(self.current.load(Ordering::Relaxed)).map(|key| key.word);
        let path = |key: &Key| (key.word.to_owned(), json!(key.certificate.display().to_string()));
        json!({ "signs": word, "certificates": self.keys.iter().map(path).collect::<Map<_, _>>() })
    }

    /// Lets another one sign from now on.
    ///
    /// # Errors
    /// What is known.
    pub fn choose(&self, body: &[u8]) -> Result<(), String> {
        let known: Vec<&str> = self.keys.iter().map(|key| key.word).collect();
        let shape = || format!("send {{\"signs\": \"WORD\"}}, one of {}", known.join(", "));
        let Chosen { signs } = serde_json::from_slice(body).map_err(|_| shape())?;
        let place = known.iter().position(|word| *word == signs).ok_or_else(shape)?;
        self.current.store(place, Ordering::Relaxed);
        Ok(())
    }
}

/// Signs as ШЭП does: without its certificate.
///
/// # Errors
/// [`StartError`] naming the file.
pub fn signer(key: &Path, certificate: &Path) -> Result<EnvelopeSigner, StartError> {
    let text = std::fs::read_to_string(key).map_err(|e| StartError::File(key.to_owned(), e.kind()))?;
    let signer = sign::from_pem(&text).map_err(|e| StartError::Key(key.to_owned(), e))?;
    Ok(EnvelopeSigner::new(signer, read(certificate)?, KeyInfoForm::IssuerSerial))
}

fn read(path: &Path) -> Result<Certificate, StartError> {
    let bytes = std::fs::read(path).map_err(|e| StartError::File(path.to_owned(), e.kind()))?;
    Certificate::from_file(&bytes).map_err(|e| StartError::Certificate(path.to_owned(), e))
}

/// Believes the service, by each certificate that was given to it.
///
/// # Errors
/// [`StartError`] naming the file.
pub fn trust_in_service(data: &Path, world: &World) -> Result<Trust, StartError> {
    let mut trust = Trust::default();
    let name = &world.service.name;
    let service = Arc::new(Peer::new(name.clone(), PeerKind::Direct(None)));
    for file in [KeyKind::Rsa.file(name, "cert"), KeyKind::Gost.file(name, "cert"), pki::next(name, "cert")] {
        let path = pki::path(data, &file);
        if path.exists() {
            trust.pin(read(&path)?, service.clone());
        }
    }
    Ok(trust)
}
