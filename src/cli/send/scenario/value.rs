//! Values that go from an answer into a later call: `${name}` in any text of a scenario.

use std::collections::BTreeMap;

/// What is known by name so far.
#[derive(Clone)]
pub struct Values {
    known: BTreeMap<String, Option<String>>,
}

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// Nothing gives it.
    #[error("${{{0}}} is no value of the scenario, and no earlier step keeps it")]
    Unknown(String),
    /// The step that was to keep it did not.
    #[error("${{{0}}} was not kept, since an earlier step did not pass")]
    Absent(String),
    /// No `}` follows.
    #[error("${{ is not closed")]
    Open,
}

impl Values {
    /// Those of the beginning.
    pub fn new(known: BTreeMap<String, String>) -> Self {
        Self { known: known.into_iter().map(|(name, value)| (name, Some(value))).collect() }
    }

    /// Keeps one.
    pub fn keep(&mut self, name: &str, value: String) {
        self.known.insert(name.to_owned(), Some(value));
    }

    /// A value of before is not to be taken for one that was not kept.
    pub fn lose(&mut self, name: &str) {
        self.known.insert(name.to_owned(), None);
    }

    /// The text with each `${name}` replaced.
    pub fn fill(&self, text: &str) -> Result<String, Unfilled> {
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').ok_or(Unfilled::Open)?;
            let value = match self.known.get(name) {
                Some(Some(value)) => value,
                Some(None) => return Err(Unfilled::Absent(name.to_owned())),
                None => return Err(Unfilled::Unknown(name.to_owned())),
            };
            filled.push_str(before);
            filled.push_str(value);
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_wherever_they_are_named_and_are_not_looked_into() {
        let mut values = Values::new(BTreeMap::from([("a".to_owned(), "1${b}".to_owned())]));
        values.keep("b", "2".to_owned());
        assert_eq!(values.fill("x${a}-${b}$ {}").unwrap(), "x1${b}-2$ {}");
        values.lose("b");
        assert_eq!(values.fill("${b}"), Err(Unfilled::Absent("b".to_owned())));
        assert_eq!(values.fill("${c}"), Err(Unfilled::Unknown("c".to_owned())));
        assert_eq!(values.fill("${c"), Err(Unfilled::Open));
    }
}
