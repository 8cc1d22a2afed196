//! Mutations that move whole pieces of an input: what a format calls an element or a value.

use libfuzzer_sys::fuzzer_mutate;

/// Numbers from a seed (xorshift): a mutation can be repeated.
pub struct Dice(u64);

impl Dice {
    /// From the seed that libFuzzer gives.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed) << 1 | 0x9e37_79b9_0000_0001)
    }

    /// A number below `count`, which is above zero.
    pub fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % count.max(1)
    }

    /// One of them.
    pub fn of<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let chosen = self.below(choices.len());
        choices.get(chosen)
    }
}

/// What libFuzzer itself makes of `bytes`, with room for some more.
#[must_use]
pub fn mutated(bytes: &[u8]) -> Vec<u8> {
    let room = bytes.len() + 64;
    let mut changed = bytes.to_vec();
    changed.resize(room, 0);
    let size = fuzzer_mutate(&mut changed, bytes.len(), room);
    changed.truncate(size);
    changed
}

/// Puts the result into libFuzzer's buffer, if there is one and it fits; else libFuzzer mutates what was
/// there.
pub fn give(result: Option<Vec<u8>>, data: &mut [u8], size: usize, max_size: usize) -> usize {
    match result.filter(|new| !new.is_empty() && new.len() <= max_size) {
        Some(new) => {
            data[..new.len()].copy_from_slice(&new);
            new.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
}
