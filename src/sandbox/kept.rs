//! What a sandbox keeps beside keys and database, and that it is alone on its directory.

use super::crypto::Crypto;
use super::world::World;
use super::{Options, pki};
use crate::random::{SystemRandom, secret};
use crate::serve::StartError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// By this file a directory is known to be a sandbox's.
const FILE: &str = "sandbox.json";

/// What is kept beside keys and database.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Makes two runs equal.
    pub seed: Option<u64>,
    /// How often the sandbox was started on this directory.
    pub runs: u64,
    /// Milliseconds that the clock is ahead of the host.
    pub clock_offset: i64,
    /// What everybody signs with.
    #[serde(default)]
    pub crypto: Crypto,
    /// Where its database is, if that is no file in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Passwords of peers, by name.
    pub passwords: BTreeMap<String, String>,
}

impl Kept {
    /// What a start on this directory finds, or begins with.
    ///
    /// # Errors
    /// [`StartError`], also when the directory was made with another seed.
    pub fn open(data: &Path, options: &Options, world: &World) -> Result<Self, StartError> {
        let mut kept = if data.join(FILE).exists() {
            Self::read(data)?
        } else {
            Self {
                seed: options.seed,
                runs: 0,
                clock_offset: 0,
                crypto: Crypto::default(),
                database: options.database.clone(),
                passwords: BTreeMap::new(),
            }
        };
        if options.seed.is_some() && options.seed != kept.seed {
            let text = format!("{}: made with another seed; use --reset", data.display());
            return Err(StartError::Other(text));
        }
        if options.database.is_some() && options.database != kept.database {
            let text = format!("{}: made with another database; use --reset", data.display());
            return Err(StartError::Other(text));
        }
        kept.runs += 1;
        kept.crypto = options.crypto.unwrap_or(kept.crypto);
        for peer in &world.peers {
            if !kept.passwords.contains_key(&peer.name) {
                kept.passwords.insert(peer.name.clone(), password(kept.seed, &peer.name)?);
            }
        }
        kept.write(data)?;
        Ok(kept)
    }

    /// What the last start on this directory kept.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn read(data: &Path) -> Result<Self, StartError> {
        let path = data.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|e| StartError::File(path.clone(), e.kind()))?;
        serde_json::from_str(&text)
            .map_err(|_| StartError::Other(format!("{}: not readable; use --reset", path.display())))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn write(&self, data: &Path) -> Result<(), StartError> {
        let text = serde_json::to_string_pretty(self).map_err(|e| StartError::Other(e.to_string()))?;
        pki::write(&data.join(FILE), &text)
    }
}

/// Removes a directory that a sandbox made; another one is left alone.
///
/// # Errors
/// [`StartError`].
pub fn remove(data: &Path) -> Result<(), StartError> {
    if !data.exists() {
        return Ok(());
    }
    if !data.join(FILE).exists() && data.read_dir().is_ok_and(|mut files| files.next().is_some()) {
        let text = format!("{}: not a directory of a sandbox, not removed", data.display());
        return Err(StartError::Other(text));
    }
    std::fs::remove_dir_all(data).map_err(|e| StartError::File(data.to_owned(), e.kind()))
}

/// The directory is ours as long as the file is open.
///
/// # Errors
/// [`StartError`] when another sandbox runs there.
pub fn lock(data: &Path) -> Result<File, StartError> {
    let path = data.join("lock");
    let file = File::create(&path).map_err(|e| StartError::File(path, e.kind()))?;
    file.try_lock()
        .map_err(|_| StartError::Other(format!("{}: another sandbox runs here", data.display())))?;
    Ok(file)
}

/// Random, or with a seed the same each time: base64url of 24 bytes of SHA-256 of `kdp-sandbox/SEED/password/NAME`.
///
/// # Errors
/// [`StartError`] without randomness.
pub fn password(seed: Option<u64>, name: &str) -> Result<String, StartError> {
    let Some(seed) = seed else {
        return secret(&SystemRandom::default()).map_err(|e| StartError::Other(e.to_string()));
    };
    let digest = crate::trust::algorithm::sha256(format!("kdp-sandbox/{seed}/password/{name}").as_bytes());
    Ok(URL_SAFE_NO_PAD.encode(digest.get(..24).unwrap_or_default()))
}
