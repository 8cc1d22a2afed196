//! DER that is never whole in memory: read value by value, and hashed on the way.

use super::list::ListError;
use crate::trust::algorithm::{Hasher, SignatureAlgorithm};
use crate::trust::der::{self, MAX_HEADER, Value};
use std::io::{ErrorKind, Read};

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;
/// Longest value that is taken whole: a name, an entry, all extensions.
const MAX_VALUE: usize = 16 * 1024;

/// DER from a reader.
pub struct Stream<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer is read and not taken yet.
    start: usize,
    end: usize,
    position: u64,
    hashing: Hashing,
}

/// What becomes of the bytes that are taken.
enum Hashing {
    Not,
    /// Which algorithm hashes them is not known yet.
    Kept(Vec<u8>),
    Running(Hasher),
}

impl<R: Read> Stream<R> {
    /// From where `source` stands.
    pub fn new(source: R) -> Self {
        Self { source, buffer: vec![0; BUFFER], start: 0, end: 0, position: 0, hashing: Hashing::Not }
    }

    /// How many bytes were taken.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether nothing follows.
    pub fn is_finished(&mut self) -> Result<bool, ListError> {
        self.fill(1).map(<[u8]>::is_empty)
    }

    /// The tag of the next value.
    pub fn tag(&mut self) -> Result<u8, ListError> {
        self.fill(1)?.first().copied().ok_or(ListError::Truncated)
    }

    /// From here on, what is taken will be hashed.
    pub fn begin_hash(&mut self) {
        self.hashing = Hashing::Kept(Vec::new());
    }

    /// The algorithm by which to hash is known now.
    pub fn hash_with(&mut self, algorithm: SignatureAlgorithm) {
        if let Hashing::Kept(kept) = &self.hashing {
            let mut hasher = algorithm.hasher();
            hasher.update(kept);
            self.hashing = Hashing::Running(hasher);
        }
    }

    /// The digest of what was taken since [`Stream::begin_hash`]; empty when no algorithm was named.
    pub fn end_hash(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.hashing, Hashing::Not) {
            Hashing::Running(hasher) => hasher.finish(),
            Hashing::Not | Hashing::Kept(_) => Vec::new(),
        }
    }

    /// Takes the header of a value that has this tag and ends not behind `within`: where it ends.
    pub fn enter(&mut self, tag: u8, within: u64) -> Result<u64, ListError> {
        let (found, header, length) = self.header()?;
        let end = self.position + (header + length) as u64;
        if found != tag || end > within {
            return Err(ListError::Malformed);
        }
        self.take(header)?;
        Ok(end)
    }

    /// Takes a whole value that ends not behind `within`.
    pub fn value(&mut self, within: u64) -> Result<Value<'_>, ListError> {
        let (tag, header, length) = self.header()?;
        if self.position + (header + length) as u64 > within || length > MAX_VALUE {
            return Err(ListError::Malformed);
        }
        let raw = self.take(header + length)?;
        Ok(Value { tag, content: raw.get(header..).ok_or(ListError::Truncated)?, raw })
    }

    fn header(&mut self) -> Result<(u8, usize, usize), ListError> {
        let bytes = self.fill(MAX_HEADER)?;
        let is_short = bytes.len() < MAX_HEADER;
        let wrong = if is_short { ListError::Truncated } else { ListError::Malformed };
        der::header(bytes).map_err(|_| wrong)
    }

    fn take(&mut self, count: usize) -> Result<&[u8], ListError> {
        if self.fill(count)?.len() < count {
            return Err(ListError::Truncated);
        }
        let taken = self.buffer.get(self.start..self.start + count).ok_or(ListError::Truncated)?;
        match &mut self.hashing {
            Hashing::Not => {}
            Hashing::Kept(kept) => kept.extend_from_slice(taken),
            Hashing::Running(hasher) => hasher.update(taken),
        }
        self.start += count;
        self.position += count as u64;
        Ok(taken)
    }

    /// What follows: at least `wanted` bytes, at most a quarter of the buffer, or all that is left.
    fn fill(&mut self, wanted: usize) -> Result<&[u8], ListError> {
        if self.end - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < wanted {
            let Some(free) = self.buffer.get_mut(self.end..).filter(|free| !free.is_empty()) else {
                return Err(ListError::Malformed);
            };
            match self.source.read(free) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ListError::Read(error.kind())),
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }
}
