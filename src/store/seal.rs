//! Sealing of personal data at rest, and finding it by keyed hash.
//!
//! A sealed value is `key number (4 bytes) ‖ nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16)`; table, row and
//! column are its associated data, so that a value moved elsewhere does not open.
//!
//! The sealing key changes while the service runs (`kdp seal-key`): the first key seals, any opens, and what an older
//! one sealed is sealed anew in the background. A nonce is 96 random bits, so one key may seal at most 2³² values
//! (SP 800-38D 8.3); they are counted, and from [`WARN_AT`] on it is said.
//!
//! The lookup key does not change. What it made cannot be made again: passwords and tokens of senders and operators are
//! kept as its hashes alone, and so are uses of verification tokens. Who must change it registers all secrets anew. It
//! opens nothing: with it and the database one can find out by trying which IIN is there, no more.

pub mod column;
pub mod ring;
pub mod source;

use crate::random::Random;
use ::ring::aead::{Aad, Nonce};
use ::ring::hmac;
use ring::{Ring, lines};
use source::{KeySource, Mark};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use zeroize::Zeroizing;

/// Values that one key may seal before it is time for another: half of the bound of random nonces.
pub const WARN_AT: u64 = 1 << 31;

/// Which value: its place is part of the seal.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Table and column, `table.column`; one of [`column::COLUMNS`].
    pub column: &'static str,
    /// Key of the row.
    pub row: &'a [u8],
}

/// Seals and opens values, and hashes what must be found. A certified module can stand behind it.
pub trait Seal: Send + Sync {
    /// Seals `plain` for its place; `None` when no randomness is to be had, or the place is not listed.
    fn seal(&self, place: Place<'_>, plain: &[u8]) -> Option<Vec<u8>>;
    /// Opens a value; `None` when it was sealed by an unknown key, moved or changed.
    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
    /// Keyed hash of `parts` in a `domain`; parts cannot run into each other.
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32];

    /// Number of the key that seals now; `None`: keys are the module's own business, and nothing is sealed anew.
    fn number(&self) -> Option<u32> {
        None
    }

    /// How many values the key that seals now has sealed since this was last asked.
    fn take_count(&self) -> u64 {
        0
    }

    /// Reads the keys anew from where they came from; the old ones stay on an error.
    ///
    /// # Errors
    /// [`SealError`].
    fn refresh(&self) -> Result<(), SealError> {
        Ok(())
    }
}

/// The number of the key that sealed a value, as [`KeyFileSeal`] writes it.
#[must_use]
pub fn number_of(sealed: &[u8]) -> Option<u32> {
    sealed.first_chunk::<4>().map(|number| u32::from_be_bytes(*number))
}

/// Sealing with keys from files or commands.
pub struct KeyFileSeal {
    ring: RwLock<Arc<Ring>>,
    lookup: hmac::Key,
    random: Arc<dyn Random>,
    /// Where the sealing keys came from, and the state that was read last, whether it could be used or not.
    source: Option<(KeySource, Mutex<Option<Mark>>)>,
}

/// Keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Neither `number hex` lines nor exactly 32 bytes a key.
    #[error("a line of a key file is `number hexadecimal-of-32-bytes`")]
    Format,
    /// There is no key.
    #[error("the key file holds no key")]
    Empty,
    /// Two sealing keys have one number, so that what the second sealed would not open; or two lookup keys.
    #[error("two keys have one number, or there are two lookup keys")]
    Ambiguous,
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(std::io::ErrorKind),
    /// Others than its owner may read the file.
    #[error("must be readable by its owner only (chmod 600)")]
    Open,
    /// The command did not print keys: {0} says why.
    #[error("{0}")]
    Command(&'static str),
    /// The file is being changed, or a change was broken off and left this file.
    #[error("another change is on its way; if none is, remove {0}, which one left that was broken off")]
    Changing(PathBuf),
    /// No new key can be made.
    #[error("no randomness is to be had")]
    NoRandomness,
}

impl KeyFileSeal {
    /// Reads the texts of the sealing key file and of the lookup key file: lines `number hex`, the number
    /// a decimal from 1, the key 32 bytes. Empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn read(sealing: &str, lookup: &str, random: Arc<dyn Random>) -> Result<Self, SealError> {
        let ring = Ring::read(sealing)?;
        let lookup = lines(lookup)?;
        let lookup = match lookup.as_slice() {
            [] => return Err(SealError::Empty),
            [(_, one)] => hmac::Key::new(hmac::HMAC_SHA256, &one[..]),
            _ => return Err(SealError::Ambiguous),
        };
        Ok(Self { ring: RwLock::new(Arc::new(ring)), lookup, random, source: None })
    }

    /// Reads both from where they are kept. Sealing keys that change in a file are noticed when they are used next.
    ///
    /// # Errors
    /// [`SealError`], with the name of the source.
    pub fn load(
        sealing: KeySource,
        lookup: &KeySource,
        random: Arc<dyn Random>,
    ) -> Result<Self, (PathBuf, SealError)> {
        let (text, mark) = sealing.read().map_err(|e| (sealing.name(), e))?;
        let (lookup_text, _) = lookup.read().map_err(|e| (lookup.name(), e))?;
        // Each alone, so that the message names the right one.
        Ring::read(&text).map_err(|e| (sealing.name(), e))?;
        let seal = Self::read(&text, &lookup_text, random).map_err(|e| (lookup.name(), e))?;
        Ok(Self { source: Some((sealing, Mutex::new(mark))), ..seal })
    }

    /// The text of a new key file.
    ///
    /// # Errors
    /// [`crate::random::NoRandomness`].
    pub fn new_file(random: &dyn Random) -> Result<Zeroizing<String>, crate::random::NoRandomness> {
        ring::new_line(1, random)
    }

    fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys as the file has them now: looking whether it changed costs a microsecond. A new state that cannot be
    /// used is tried once; the keys of before stay.
    fn ring_now(&self) -> Arc<Ring> {
        if let Some((source, read)) = &self.source {
            let mark = source.mark();
            let changed = mark.is_some() && *read.lock().unwrap_or_else(PoisonError::into_inner) != mark;
            if changed && let Err(error) = self.refresh() {
                *read.lock().unwrap_or_else(PoisonError::into_inner) = mark;
                tracing::error!(%error, "the sealing keys have changed and cannot be used; the old ones stay");
            }
        }
        self.ring()
    }
}

/// 64 hexadecimal digits as 32 bytes.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0_u8; 32];
    (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then_some(())?;
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// 32 bytes as 64 hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn aad(place: Place<'_>) -> Vec<u8> {
    [place.column.as_bytes(), b"\0", place.row].concat()
}

impl Seal for KeyFileSeal {
    fn seal(&self, place: Place<'_>, plain: &[u8]) -> Option<Vec<u8>> {
        if !column::is_listed(place.column) {
            tracing::error!(
                column = place.column,
                "not sealed: the column is missing in src/store/seal/column.rs"
            );
            return None;
        }
        let ring = self.ring_now();
        let (number, key) = ring.keys.first()?;
        let mut nonce = [0_u8; 12];
        self.random.fill(&mut nonce).ok()?;
        // At its size at once, and encrypted where it stands: no copy of the plain text is left behind.
        let mut sealed = Vec::with_capacity(plain.len() + 32);
        sealed.extend_from_slice(&number.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let text = sealed.get_mut(16..)?;
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad(place)), text).ok()?;
        sealed.extend_from_slice(tag.as_ref());
        ring.sealed.fetch_add(1, Ordering::Relaxed);
        Some(sealed)
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (number, rest) = sealed.split_first_chunk::<4>()?;
        let (nonce, text) = rest.split_first_chunk::<12>()?;
        let number = u32::from_be_bytes(*number);
        let mut ring = self.ring();
        if ring.find(number).is_none() {
            // A key that another process has added just now.
            ring = self.ring_now();
        }
        let key = ring.find(number)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key.open_in_place(nonce, Aad::from(aad(place)), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }

    fn number(&self) -> Option<u32> {
        self.ring_now().keys.first().map(|(number, _)| *number)
    }

    fn take_count(&self) -> u64 {
        self.ring().sealed.swap(0, Ordering::Relaxed)
    }

    fn refresh(&self) -> Result<(), SealError> {
        let Some((source, read)) = &self.source else { return Ok(()) };
        let (text, mark) = source.read()?;
        let ring = Ring::read(&text)?;
        let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let numbers = |ring: &Ring| ring.keys.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        if numbers(&ring) != numbers(&current) {
            tracing::info!(keys = ?numbers(&ring), "the sealing keys were read anew; the first seals");
            *current = Arc::new(ring);
        }
        *read.lock().unwrap_or_else(PoisonError::into_inner) = mark;
        Ok(())
    }

    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.lookup);
        context.update(domain.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0_u8; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

/// The one-time code of `request` (method 5): computed, stored nowhere.
#[must_use]
pub fn one_time_code(seal: &dyn Seal, request: &crate::store::AccessRequest) -> String {
    let block = seal.hash(
        "code",
        &[request.id.as_bytes(), request.bin.as_str().as_bytes(), request.iin.as_str().as_bytes()],
    );
    crate::consent::code::from_block(&block, request.code_form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn seal(keys: &str) -> KeyFileSeal {
        KeyFileSeal::read(keys, &format!("1 {}", "ab".repeat(32)), Arc::new(SeededRandom::new(1, 0))).unwrap()
    }

    fn place(row: &[u8]) -> Place<'_> {
        Place { column: "access_request.person", row }
    }

    #[test]
    fn a_value_opens_only_in_its_place_and_unchanged() {
        let one = seal(&format!("1 {}", "01".repeat(32)));
        let sealed = one.seal(place(b"7"), b"secret").unwrap();
        assert_eq!(**one.open(place(b"7"), &sealed).unwrap(), *b"secret");
        assert_eq!(one.open(place(b"8"), &sealed), None);
        assert_eq!(one.open(Place { column: "other.column", row: b"7" }, &sealed), None);
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert_eq!(one.open(place(b"7"), &changed), None, "byte {i}");
        }
        assert_eq!(one.open(place(b"7"), &sealed[..15]), None);
    }

    #[test]
    fn an_old_key_opens_and_the_first_seals() {
        let old = seal(&format!("1 {}", "01".repeat(32)));
        let both = seal(&format!("2 {}\n1 {}", "02".repeat(32), "01".repeat(32)));
        let sealed = old.seal(place(b"7"), b"x").unwrap();
        assert_eq!(**both.open(place(b"7"), &sealed).unwrap(), *b"x");
        assert_eq!(old.open(place(b"7"), &both.seal(place(b"7"), b"x").unwrap()), None);
    }

    #[test]
    fn nothing_is_sealed_for_a_place_that_would_not_be_sealed_anew() {
        let one = seal(&format!("1 {}", "01".repeat(32)));
        assert!(one.seal(Place { column: "journal.detail", row: b"7" }, b"x").is_none());
    }

    #[test]
    fn seals_are_counted_by_the_key_that_made_them() {
        let one = seal(&format!("9 {}", "01".repeat(32)));
        let sealed = one.seal(place(b"7"), b"x").unwrap();
        one.seal(place(b"8"), b"x").unwrap();
        assert_eq!((one.number(), number_of(&sealed)), (Some(9), Some(9)));
        assert_eq!((one.take_count(), one.take_count()), (2, 0));
    }

    #[test]
    fn a_key_that_is_added_to_the_file_seals_at_once_and_a_file_in_the_making_changes_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seal.keys");
        let write = |text: &str| {
            let new = directory.path().join("new");
            std::fs::write(&new, text).unwrap();
            std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
            std::fs::rename(&new, &path).unwrap();
        };
        let (one, two) = (format!("1 {}\n", "01".repeat(32)), format!("2 {}\n", "02".repeat(32)));
        write(&one);
        let source = KeySource::File(path.clone());
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1, 0));
        let load = || KeyFileSeal::load(source.clone(), &source, random.clone()).map_err(|(_, e)| e).unwrap();
        let running = load();
        let old = running.seal(place(b"7"), b"x").unwrap();
        write("2 ab");
        assert_eq!(number_of(&running.seal(place(b"7"), b"x").unwrap()), Some(1));
        assert!(running.refresh().is_err());
        write(&format!("{two}{one}"));
        assert_eq!(running.number(), Some(2));
        let new = running.seal(place(b"7"), b"x").unwrap();
        assert_eq!(number_of(&new), Some(2));
        assert!(running.open(place(b"7"), &old).is_some());
        // Another process had added a third, and sealed by it, before this one looked.
        let three = format!("3 {}\n", "03".repeat(32));
        let other = seal(&three).seal(place(b"7"), b"x").unwrap();
        assert!(running.open(place(b"7"), &other).is_none());
        write(&format!("{three}{two}{one}"));
        assert!(running.open(place(b"7"), &other).is_some() && running.open(place(b"7"), &new).is_some());
    }

    #[test]
    fn parts_of_a_hash_cannot_run_into_each_other() {
        let one = seal(&format!("1 {}", "01".repeat(32)));
        assert_ne!(one.hash("d", &[b"ab", b"c"]), one.hash("d", &[b"a", b"bc"]));
        assert_ne!(one.hash("d", &[b"ab"]), one.hash("e", &[b"ab"]));
    }

    #[test]
    fn a_bad_key_file_is_refused() {
        let good = format!("1 {}", "01".repeat(32));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1, 0));
        let (twice, signed) = (format!("{good}\n{good}"), good.replace("01", "+1"));
        assert!(KeyFileSeal::read(&good, &twice, random.clone()).is_err());
        for bad in ["", "1", "1 00", "x 00", &good[..65], &twice, &signed] {
            assert!(KeyFileSeal::read(bad, &good, random.clone()).is_err(), "{bad}");
        }
        assert!(KeyFileSeal::read(&KeyFileSeal::new_file(&*random).unwrap(), &good, random.clone()).is_ok());
    }
}
