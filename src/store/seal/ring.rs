//! Sealing keys: the text of a key file, and the keys that stand in it.

use super::{SealError, hex, unhex};
use crate::random::{NoRandomness, Random};
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use zeroize::Zeroizing;

/// A key with its number.
pub type Numbered = (u32, Zeroizing<[u8; 32]>);

/// The keys as they are used: the first seals, any opens. `ring` does not wipe what it makes of a key; the bytes that
/// it was made of are.
pub struct Ring {
    /// The number and key of each.
    pub keys: Vec<(u32, LessSafeKey)>,
    /// Values sealed by the first since the count was last taken.
    pub sealed: AtomicU64,
}

impl Ring {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn read(text: &str) -> Result<Self, SealError> {
        let keys = lines(text)?;
        if keys.is_empty() {
            return Err(SealError::Empty);
        }
        let numbers: HashSet<u32> = keys.iter().map(|(number, _)| *number).collect();
        if numbers.len() != keys.len() {
            return Err(SealError::Ambiguous);
        }
        let made = keys.iter().map(|(number, key)| {
            let key = UnboundKey::new(&AES_256_GCM, &key[..]).map_err(|_| SealError::Format)?;
            Ok((*number, LessSafeKey::new(key)))
        });
        Ok(Self { keys: made.collect::<Result<_, SealError>>()?, sealed: AtomicU64::new(0) })
    }

    /// The key with this number.
    pub fn find(&self, number: u32) -> Option<&LessSafeKey> {
        self.keys.iter().find(|(n, _)| *n == number).map(|(_, key)| key)
    }
}

/// The keys of a text, in its order: lines `number hex`. Empty lines and those that begin with `#` are skipped.
///
/// # Errors
/// [`SealError::Format`].
pub fn lines(text: &str) -> Result<Vec<Numbered>, SealError> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (number, key) = line.split_once(' ').ok_or(SealError::Format)?;
            let number = number.parse().map_err(|_| SealError::Format)?;
            Ok((number, Zeroizing::new(unhex(key.trim()).ok_or(SealError::Format)?)))
        })
        .collect()
}

/// The text with a new key before all others, and its number.
///
/// # Errors
/// [`SealError`], [`SealError::NoRandomness`].
pub fn with_new(text: &str, random: &dyn Random) -> Result<(Zeroizing<String>, u32), SealError> {
    let last = lines(text)?.iter().map(|(number, _)| *number).max().ok_or(SealError::Empty)?;
    let number = last.checked_add(1).ok_or(SealError::Format)?;
    let line = new_line(number, random).map_err(|NoRandomness| SealError::NoRandomness)?;
    // At its size at once: a string that grows leaves copies behind.
    let mut new = Zeroizing::new(String::with_capacity(line.len() + text.len()));
    new.push_str(&line);
    new.push_str(text);
    Ok((new, number))
}

/// The text without the key of this number; what else stands in it stays.
#[must_use]
pub fn without(text: &str, number: u32) -> Zeroizing<String> {
    let mut rest = Zeroizing::new(String::with_capacity(text.len()));
    let is_its = |line: &str| {
        let first = line.trim().split_once(' ').map(|(first, _)| first.parse::<u32>());
        first == Some(Ok(number))
    };
    for line in text.split_inclusive('\n').filter(|line| !is_its(line)) {
        rest.push_str(line);
    }
    rest
}

/// A line with a new key.
///
/// # Errors
/// [`NoRandomness`].
pub fn new_line(number: u32, random: &dyn Random) -> Result<Zeroizing<String>, NoRandomness> {
    let mut key = Zeroizing::new([0_u8; 32]);
    random.fill(&mut *key)?;
    let key = Zeroizing::new(hex(&key));
    Ok(Zeroizing::new(format!("{number} {}\n", *key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn a_new_key_comes_first_and_the_rest_of_the_file_stays() {
        let text = format!("# ours\n2 {}\n\n1 {}\n", "02".repeat(32), "01".repeat(32));
        let (new, number) = with_new(&text, &SeededRandom::new(1, 0)).unwrap();
        assert_eq!(number, 3);
        let numbers: Vec<u32> = lines(&new).unwrap().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert!(new.ends_with(&text) && new.lines().next().unwrap().len() == 66);
        let (other, _) = with_new(&text, &SeededRandom::new(2, 0)).unwrap();
        assert_ne!(new, other);
    }

    #[test]
    fn a_key_is_taken_out_and_nothing_else() {
        let text =
            format!("2 {}\n# 1 stays\n 1 {}\n12 {}\n", "02".repeat(32), "01".repeat(32), "03".repeat(32));
        let expected = format!("2 {}\n# 1 stays\n12 {}\n", "02".repeat(32), "03".repeat(32));
        assert_eq!(*without(&text, 1), expected);
        assert_eq!(*without(&text, 7), text);
    }

    #[test]
    fn numbers_do_not_run_over() {
        let text = format!("{} {}\n", u32::MAX, "02".repeat(32));
        assert!(with_new(&text, &SeededRandom::new(1, 0)).is_err());
        assert!(with_new("", &SeededRandom::new(1, 0)).is_err());
    }
}
