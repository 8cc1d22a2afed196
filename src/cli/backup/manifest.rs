//! What stands beside a backup: what it is of, and that it is whole. Bound to the installation by its lookup key.

use kdp::clock;
use kdp::store::seal::{Seal, hex, unhex};
use kdp::store::sqlite::backup::Copied;
use kdp::store::sqlite::restore::beside;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Form of the manifest.
const FORM: u32 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    kdp_backup: u32,
    /// When it was made, `xs:dateTime`.
    pub made: String,
    /// Version of the schema.
    pub version: i64,
    /// Number of the journal's last record.
    pub journal_seq: i64,
    journal_chain: String,
    /// Numbers of the sealing keys that it needs.
    pub seal_keys: Vec<u32>,
    bytes: u64,
    /// Of the backup, hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
    /// Keyed hash of all of the above.
    mac: String,
}

/// Why a manifest does not stand for a backup.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// It is no manifest.
    #[error("it is not readable as the manifest of a backup")]
    Unreadable,
    /// It was changed, or made under another lookup key.
    #[error("it was changed, or made under another lookup key")]
    Foreign,
    /// The backup is another file, or a part of it.
    #[error("the backup is not the file that it was made for: size or SHA-256 differ")]
    Other,
}

impl Manifest {
    /// Where the manifest of a backup is.
    pub fn path(backup: &Path) -> PathBuf {
        beside(backup, ".manifest")
    }

    /// Of a copy that was made at `at`, Unix milliseconds.
    pub fn new(copied: &Copied, at: i64, seal: &dyn Seal) -> Self {
        let mut manifest = Self {
            kdp_backup: FORM,
            made: clock::text(at),
            version: copied.version,
            journal_seq: copied.head.0,
            journal_chain: hex(&copied.head.1),
            seal_keys: copied.keys.clone(),
            bytes: copied.bytes,
            sha256: hex(&copied.sha256),
            mac: String::new(),
        };
        manifest.mac = hex(&manifest.hash(seal));
        manifest
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads the text of a file and holds it against the keys and the backup.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn read(text: &str, seal: &dyn Seal, (bytes, sha256): (u64, [u8; 32])) -> Result<Self, Misfit> {
        let manifest: Self = serde_json::from_str(text).map_err(|_| Misfit::Unreadable)?;
        let mac = unhex(&manifest.mac).ok_or(Misfit::Unreadable)?;
        if manifest.kdp_backup != FORM
            || aws_lc_rs::constant_time::verify_slices_are_equal(&mac, &manifest.hash(seal)).is_err()
        {
            return Err(Misfit::Foreign);
        }
        if manifest.bytes != bytes || manifest.sha256 != hex(&sha256) {
            return Err(Misfit::Other);
        }
        Ok(manifest)
    }

    /// Whether this is the head of the journal that it names.
    pub fn has_head(&self, version: i64, (seq, chain): (i64, [u8; 32])) -> bool {
        (self.version, self.journal_seq) == (version, seq) && self.journal_chain == hex(&chain)
    }

    fn hash(&self, seal: &dyn Seal) -> [u8; 32] {
        let keys: Vec<u8> = self.seal_keys.iter().flat_map(|number| number.to_be_bytes()).collect();
        seal.hash(
            "backup",
            &[
                &self.kdp_backup.to_be_bytes(),
                self.made.as_bytes(),
                &self.version.to_be_bytes(),
                &self.journal_seq.to_be_bytes(),
                self.journal_chain.as_bytes(),
                &keys,
                &self.bytes.to_be_bytes(),
                self.sha256.as_bytes(),
            ],
        )
    }
}
