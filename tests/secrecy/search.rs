//! Looks for very many spellings at once.

use super::spelling::{Spelling, spellings};
use std::collections::HashMap;

/// What is looked for.
#[derive(Default)]
pub struct Search {
    /// Spellings by their first bytes.
    by_start: HashMap<[u8; 4], Vec<(String, Spelling)>>,
    /// Which first three bytes there are.
    starts: Vec<u64>,
    pub count: usize,
}

impl Search {
    pub fn new() -> Self {
        Self { starts: vec![0; (1 << 24) / 64], ..Self::default() }
    }

    /// Looks for every spelling of `value`; `what` it is stands in the findings, the value does not.
    pub fn add(&mut self, what: &str, value: &str) {
        for spelling in spellings(value) {
            self.add_spelling(what, spelling);
        }
    }

    /// Looks for the value as it is alone: of what is found by chance in other forms.
    pub fn add_plain(&mut self, what: &str, bytes: &[u8]) {
        self.add_spelling(what, ("as it is", bytes.to_vec()));
    }

    fn add_spelling(&mut self, what: &str, spelling: Spelling) {
        let start = *spelling.1.first_chunk::<4>().unwrap();
        let place = place(&start);
        self.starts[place / 64] |= 1 << (place % 64);
        self.by_start.entry(start).or_default().push((what.to_owned(), spelling));
        self.count += 1;
    }

    /// What is found, each as "what: how at offset".
    pub fn find(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for (at, start) in bytes.windows(4).enumerate() {
            let place = place(start);
            if self.starts[place / 64] & (1 << (place % 64)) == 0 {
                continue;
            }
            for (what, (how, spelling)) in self.by_start.get(start).into_iter().flatten() {
                let whole = || {
                    // A short run of digits within a longer one is another number.
                    let neighbours = [at.checked_sub(1), Some(at + spelling.len())];
                    let other = |i: Option<usize>| {
                        i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric)
                    };
                    spelling.len() > 8 || !neighbours.into_iter().any(other)
                };
                if bytes[at..].starts_with(spelling) && whole() {
                    found.push(format!("{what}: {how} at {at}"));
                }
            }
        }
        found
    }
}

fn place(start: &[u8]) -> usize {
    usize::from(start[0]) << 16 | usize::from(start[1]) << 8 | usize::from(start[2])
}
