//! Sealing of personal data at rest, and finding it by keyed hash.
//!
//! A sealed value is `key number (4 bytes) ‖ nonce (12) ‖ AES-256-GCM ciphertext ‖ tag (16)`; table, row and
//! column are its associated data, so that a value moved elsewhere does not open.

use crate::random::Random;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use std::collections::HashSet;
use std::sync::Arc;

/// Which value: its place is part of the seal.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Table and column, `table.column`.
    pub column: &'static str,
    /// Key of the row.
    pub row: &'a [u8],
}

/// Seals and opens values, and hashes what must be found. A certified module can stand behind it.
pub trait Seal: Send + Sync {
    /// Seals `plain` for its place; `None` only when no randomness is to be had.
    fn seal(&self, place: Place<'_>, plain: &[u8]) -> Option<Vec<u8>>;
    /// Opens a value; `None` when it was sealed by an unknown key, moved or changed.
    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Vec<u8>>;
    /// Keyed hash of `parts` in a `domain`; parts cannot run into each other.
    fn hash(&self, domain: &'static str, parts: &[&[u8]]) -> [u8; 32];
}

/// Sealing with keys from files.
pub struct KeyFileSeal {
    /// The first key seals, any key opens.
    keys: Vec<(u32, LessSafeKey)>,
    lookup: hmac::Key,
    random: Arc<dyn Random>,
}

/// A key file that cannot be used.
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
}

impl KeyFileSeal {
    /// Reads the texts of the sealing key file and of the lookup key file: lines `number hex`, the number
    /// a decimal from 1, the key 32 bytes. Empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn read(sealing: &str, lookup: &str, random: Arc<dyn Random>) -> Result<Self, SealError> {
        let keys = lines(sealing)?
            .into_iter()
            .map(|(number, key)| {
                let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| SealError::Format)?;
                Ok((number, LessSafeKey::new(key)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let numbers: HashSet<u32> = keys.iter().map(|(number, _)| *number).collect();
        let lookup = lines(lookup)?;
        let (_, lookup) = match lookup.as_slice() {
            [] => return Err(SealError::Empty),
            _ if keys.is_empty() => return Err(SealError::Empty),
            [one] if numbers.len() == keys.len() => one,
            _ => return Err(SealError::Ambiguous),
        };
        Ok(Self { keys, lookup: hmac::Key::new(hmac::HMAC_SHA256, lookup), random })
    }

    /// The text of a new key file.
    ///
    /// # Errors
    /// [`crate::random::NoRandomness`].
    pub fn new_file(random: &dyn Random) -> Result<String, crate::random::NoRandomness> {
        use std::fmt::Write as _;
        let mut key = [0_u8; 32];
        random.fill(&mut key)?;
        let mut text = String::from("1 ");
        for byte in key {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        Ok(text)
    }
}

fn lines(text: &str) -> Result<Vec<(u32, [u8; 32])>, SealError> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (number, key) = line.split_once(' ').ok_or(SealError::Format)?;
            let number = number.parse().map_err(|_| SealError::Format)?;
            Ok((number, unhex(key.trim()).ok_or(SealError::Format)?))
        })
        .collect()
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
        let (number, key) = self.keys.first()?;
        let mut nonce = [0_u8; 12];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = Vec::with_capacity(plain.len() + 32);
        sealed.extend_from_slice(&number.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut text = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::from(aad(place)), &mut text).ok()?;
        sealed.extend_from_slice(&text);
        Some(sealed)
    }

    fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Vec<u8>> {
        let (number, rest) = sealed.split_first_chunk::<4>()?;
        let (nonce, text) = rest.split_first_chunk::<12>()?;
        let number = u32::from_be_bytes(*number);
        let (_, key) = self.keys.iter().find(|(n, _)| *n == number)?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key.open_in_place(nonce, Aad::from(aad(place)), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
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
        assert_eq!(one.open(place(b"7"), &sealed).unwrap(), b"secret");
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
        assert_eq!(both.open(place(b"7"), &sealed).unwrap(), b"x");
        assert_eq!(old.open(place(b"7"), &both.seal(place(b"7"), b"x").unwrap()), None);
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
