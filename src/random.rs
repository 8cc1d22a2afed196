//! Randomness, passed in, so that a seeded sandbox and the tests repeat themselves.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes fit for secrets.
pub trait Random: Send + Sync {
    /// Fills `buffer`.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system gives none.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no randomness to be had")]
pub struct NoRandomness;

/// The operating system's generator.
pub struct SystemRandom(ring::rand::SystemRandom);

impl Default for SystemRandom {
    fn default() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        ring::rand::SecureRandom::fill(&self.0, buffer).map_err(|_| NoRandomness)
    }
}

/// A repeatable stream for `sandbox --seed` and tests: HMAC-SHA-256 in counter mode.
pub struct SeededRandom {
    key: ring::hmac::Key,
    counter: AtomicU64,
}

impl SeededRandom {
    /// The stream that belongs to `seed` and to the number of the run on the same data (0: the first), so that
    /// a restart does not repeat ids.
    #[must_use]
    pub fn new(seed: u64, run: u64) -> Self {
        let key = ring::hmac::Key::new(
            ring::hmac::HMAC_SHA256,
            &(u128::from(seed) << 64 | u128::from(run)).to_be_bytes(),
        );
        Self { key, counter: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        for chunk in buffer.chunks_mut(32) {
            let n = self.counter.fetch_add(1, Ordering::Relaxed);
            let block = ring::hmac::sign(&self.key, &n.to_be_bytes());
            for (to, from) in chunk.iter_mut().zip(block.as_ref()) {
                *to = *from;
            }
        }
        Ok(())
    }
}

/// An id of ours: request, decision, token, message. A UUID of version 7 (RFC 9562): sorted by time in the
/// database, 74 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 16]);

impl Id {
    /// A fresh id at `at` (Unix milliseconds).
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(at: i64, random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut id = [0_u8; 16];
        random.fill(&mut id[6..])?;
        id[..6].copy_from_slice(&at.to_be_bytes()[2..]);
        id[6] = id[6] & 0x0f | 0x70;
        id[8] = id[8] & 0x3f | 0x80;
        Ok(Self(id))
    }

    /// Reads the hyphenated form in any case, with or without braces. `None`: not a UUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
        let bytes = text.as_bytes();
        if bytes.len() != 36 || [8, 13, 18, 23].iter().any(|&i| bytes.get(i) != Some(&b'-')) {
            return None;
        }
        let mut id = [0_u8; 16];
        let mut nibbles = bytes.iter().filter(|b| **b != b'-').map(|b| char::from(*b).to_digit(16));
        for byte in &mut id {
            let (high, low) = (nibbles.next()??, nibbles.next()??);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        nibbles.next().is_none().then_some(Self(id))
    }

    /// The sixteen bytes, as the database keeps them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From the database.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = u128::from_be_bytes(self.0);
        let part = |shift: u32, mask: u128| v >> shift & mask;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 0xffff_ffff),
            part(80, 0xffff),
            part(64, 0xffff),
            part(48, 0xffff),
            part(0, 0xffff_ffff_ffff)
        )
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A login secret of ours: 192 random bits, base64url.
///
/// # Errors
/// [`NoRandomness`].
pub fn secret(random: &dyn Random) -> Result<String, NoRandomness> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 24];
    random.fill(&mut bytes)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_carries_its_time() {
        let id = Id::new(1_775_000_000_123, &SeededRandom::new(1, 0)).unwrap();
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::parse(&format!("{{{}}}", id.to_string().to_uppercase())), Some(id));
        assert!(id.to_string().starts_with(&format!("{:08x}", 1_775_000_000_123_u64 >> 16)));
        for wrong in ["", "{}", "0196-", &"0".repeat(36), "g1234567-1234-7234-8234-123456789012"] {
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn equal_seeds_give_equal_streams() {
        let (a, b) = (SeededRandom::new(7, 0), SeededRandom::new(7, 0));
        assert_eq!(secret(&a), secret(&b));
        assert_ne!(secret(&a), secret(&SeededRandom::new(8, 0)));
    }
}
