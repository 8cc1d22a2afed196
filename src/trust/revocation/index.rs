//! Serial numbers of revoked certificates, sorted: 20 bytes an entry, whatever the length of the number.

use crate::trust::algorithm::sha256;

/// What a serial number is found by: half of its SHA-256, so that all have one length. Among a million
/// numbers, the chance that another one is taken for revoked is 2⁻¹⁰⁸, and that none is overlooked is
/// certain.
pub type Key = [u8; 16];

/// The key of a serial number, big-endian, without leading zeros.
#[must_use]
pub fn key(serial: &[u8]) -> Key {
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(sha256(serial)) {
        *to = from;
    }
    key
}

/// Bytes that an entry takes.
pub const ENTRY: usize = size_of::<Entry>();

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: Key,
    /// Unix seconds: enough until 2106.
    since: u32,
}

/// The index while it is made.
#[derive(Default)]
pub struct Building(Vec<Entry>);

impl Building {
    /// Adds a serial number that is revoked since `since` (Unix seconds).
    pub fn push(&mut self, serial: &[u8], since: i64) {
        let since = u32::try_from(since.max(0)).unwrap_or(u32::MAX);
        self.0.push(Entry { key: key(serial), since });
    }

    /// Sorts it. Of a number that is there twice, the earlier date counts.
    #[must_use]
    pub fn finish(mut self) -> Index {
        self.0.sort_unstable();
        self.0.dedup_by_key(|entry| entry.key);
        self.0.shrink_to_fit();
        Index(self.0)
    }
}

/// The index.
#[derive(Default)]
pub struct Index(Vec<Entry>);

impl Index {
    /// Since when the number with this key is in it, Unix seconds.
    #[must_use]
    pub fn since(&self, key: &Key) -> Option<i64> {
        let guess = self.guess(key);
        let mut reach = 8;
        loop {
            let (low, high) = (guess.saturating_sub(reach), guess.saturating_add(reach).min(self.0.len()));
            let window = self.0.get(low..high)?;
            let begins = low == 0 || window.first()?.key <= *key;
            let ends = high == self.0.len() || window.last()?.key >= *key;
            if begins && ends {
                let found = window.binary_search_by(|entry| entry.key.cmp(key)).ok()?;
                return window.get(found).map(|entry| i64::from(entry.since));
            }
            reach *= 8;
        }
    }

    /// About where a key stands: keys are spread evenly, so that few looks come near, and fewer than halving
    /// needs go to memory that no cache holds.
    fn guess(&self, key: &Key) -> usize {
        let count = i128::try_from(self.0.len()).unwrap_or(0);
        let wanted = beginning(key);
        let mut guess = (wanted * count) >> 64;
        for _ in 0..2 {
            let here = usize::try_from(guess).ok().and_then(|guess| self.0.get(guess));
            let Some(here) = here else { break };
            guess = (guess + (((wanted - beginning(&here.key)) * count) >> 64)).clamp(0, count);
        }
        usize::try_from(guess).unwrap_or(0)
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first half of a key, as a number.
fn beginning(key: &Key) -> i128 {
    key.iter().take(8).fold(0, |number, byte| (number << 8) | i128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_twenty_bytes() {
        assert_eq!(ENTRY, 20);
    }

    #[test]
    fn what_was_put_in_is_found_with_its_earlier_date_and_nothing_else_is() {
        let mut building = Building::default();
        for serial in 0_u16..1000 {
            building.push(&serial.to_be_bytes(), i64::from(serial) + 7);
            building.push(&serial.to_be_bytes(), i64::from(serial) + 5);
        }
        building.push(&[9; 20], -5);
        building.push(&[8; 20], i64::MAX);
        let index = building.finish();
        assert_eq!(index.len(), 1002);
        for serial in 0_u16..1000 {
            assert_eq!(index.since(&key(&serial.to_be_bytes())), Some(i64::from(serial) + 5));
        }
        assert_eq!(index.since(&key(&1000_u16.to_be_bytes())), None);
        assert_eq!(index.since(&key(&[9; 20])), Some(0));
        assert_eq!(index.since(&key(&[8; 20])), Some(i64::from(u32::MAX)));
        assert!(!index.is_empty() && Index::default().is_empty());
    }

    #[test]
    fn keys_that_are_not_spread_evenly_are_found_as_well() {
        for beginning in [0, 0x80, 0xff] {
            let entry = |number: u16| {
                let mut key = [beginning; 16];
                key[14..].copy_from_slice(&(number * 3).to_be_bytes());
                Entry { key, since: number.into() }
            };
            let index = Index((0..5000).map(entry).collect());
            for number in 0..5000 {
                let Entry { mut key, since } = entry(number);
                assert_eq!(index.since(&key), Some(i64::from(since)), "{beginning}");
                key[14..].copy_from_slice(&(number * 3 + 1).to_be_bytes());
                assert_eq!(index.since(&key), None, "{beginning}");
            }
            assert_eq!(index.since(&[0x7f; 16]), None);
        }
    }
}
