//! The service in the sandbox, as an operator would have set it up: configuration, keys, database.

use super::crypto::KeyKind;
use super::kept::Kept;
use super::pki;
use super::world::World;
use crate::clock::MovableClock;
use crate::config::{Config, DataSignature, Environment, Limits, PeerKindWord, PeerSection, RevocationMode};
use crate::random::{Random, SystemRandom};
use crate::serve::{self, Opened, StartError};
use crate::store::location::Location;
use crate::store::seal::{KeyFileSeal, Seal};
use std::path::Path;
use std::sync::Arc;

/// The database of a sandbox, for commands beside it: running or not, with its clock.
///
/// # Errors
/// [`StartError`].
pub fn open(data: &Path) -> Result<(Config, Opened), StartError> {
    let world = world()?;
    let data = data.canonicalize().map_err(|e| StartError::File(data.to_owned(), e.kind()))?;
    let kept = Kept::read(&data)?;
    let config = Config { limits: limits(), ..config(&data, &world, &kept) };
    let opened = serve::open_store(&config)?;
    Ok((config, Opened { clock: Arc::new(MovableClock::running(kept.clock_offset)), ..opened }))
}

/// The world that is built in.
///
/// # Errors
/// [`StartError`]; a test holds that there is none.
pub fn world() -> Result<World, StartError> {
    World::built_in().map_err(|e| StartError::Other(format!("world.json: {e}")))
}

/// The limits of a sandbox: many SMS a day, and no long waits between repeats.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        sms_per_subject: 10_000,
        sms_per_initiator: 10_000,
        poll_after_seconds: 1,
        // Whoever tries things out wants to see each.
        refusals_per_minute: 100_000,
        ..Limits::default()
    }
}

/// The configuration that a `kdp serve` for this world would have, but for its limits.
#[must_use]
pub fn config(data: &Path, world: &World, kept: &Kept) -> Config {
    let mut config = Config { environment: Environment::Test, ..Config::default() };
    let file = || Location::url_of(&data.join("kdp.db"));
    config.database.url = kept.database.clone().unwrap_or_else(file);
    "sandbox".clone_into(&mut config.database.node);
    config.database.seal_keys = data.join("seal.keys");
    config.database.lookup_key = data.join("lookup.key");
    "kdp-sandbox".clone_into(&mut config.token.issuer);
    // Whoever tries a revocation wants to see it.
    config.token.status_ttl_seconds = 1;
    let kinds = [KeyKind::Rsa, KeyKind::Gost];
    config.trust.authorities = kinds.map(|kind| pki::path(data, kind.authority())).to_vec();
    // Its authorities publish no lists.
    config.trust.revocation.mode = RevocationMode::None;
    let own = |what: &str| pki::path(data, &kept.crypto.of_service().file(&world.service.name, what));
    config.trust.certificate = own("cert");
    config.trust.key = own("key");
    for peer in &world.peers {
        let gateway = peer.kind == "gateway";
        config.peers.insert(
            peer.name.clone(),
            PeerSection {
                kind: if gateway { PeerKindWord::Gateway } else { PeerKindWord::Direct },
                certificates: kinds.map(|kind| pki::path(data, &kind.file(&peer.name, "cert"))).to_vec(),
                sender_id: (!gateway).then(|| peer.sender_id.clone()),
                data_signature: DataSignature::Ignored,
            },
        );
    }
    let chained = PeerSection {
        kind: PeerKindWord::Direct,
        certificates: Vec::new(),
        sender_id: None,
        data_signature: DataSignature::Ignored,
    };
    config.peers.insert("chained".to_owned(), chained);
    config
}

/// The seal whose keys lie in the directory `keys`; they are made unless they are there.
///
/// Nonces of the seal are never seeded: they are not seen, and must not repeat.
///
/// # Errors
/// [`StartError`].
pub fn seal(keys: &Path) -> Result<Arc<dyn Seal>, StartError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let mut texts = Vec::new();
    for file in ["seal.keys", "lookup.key"] {
        let path = keys.join(file);
        if !path.exists() {
            let text = KeyFileSeal::new_file(&*random).map_err(|e| StartError::Other(e.to_string()))?;
            pki::write(&path, &text)?;
        }
        texts.push(std::fs::read_to_string(&path).map_err(|e| StartError::File(path.clone(), e.kind()))?);
    }
    let (sealing, lookup) = (texts.first().cloned().unwrap_or_default(), texts.pop().unwrap_or_default());
    let seal = KeyFileSeal::read(&sealing, &lookup, random)
        .map_err(|e| StartError::Seal(keys.join("seal.keys"), e))?;
    Ok(Arc::new(seal))
}
