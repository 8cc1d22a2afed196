//! Passwords of operators: what is taken for one, and what is kept of it (Argon2id, RFC 9106).

use super::Name;
use crate::random::{NoRandomness, Random};
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use zeroize::Zeroizing;

/// Shortest password, characters.
pub const SHORTEST: usize = 12;
/// Longest, bytes.
pub const LONGEST: usize = 256;
/// Least number of different characters.
const DIFFERENT: usize = 5;
/// Letters and digits that nobody confuses.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

/// What no password hashes to: whoever is not registered is held against it, at the same cost.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password that may become one. `Debug` does not show it.
#[derive(Debug)]
pub struct NewPassword(SecretString);

/// What is kept of a password: a PHC string. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

/// What a guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 19 MiB twice over, one lane: a person chose the password.
    Person,
    /// As little as there is: the password is 192 random bits, and the installation is a sandbox.
    Sandbox,
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than [`SHORTEST`].
    #[error("a password has at least 12 characters")]
    Short,
    /// Longer than [`LONGEST`], or with control characters in it.
    #[error("a password is one line of at most 256 bytes")]
    Line,
    /// Contains the login name.
    #[error("a password does not contain the name")]
    Name,
    /// Hardly more than one character.
    #[error("a password has at least 5 different characters")]
    Simple,
    /// No salt, or no memory.
    #[error("the password cannot be hashed")]
    Hash,
}

impl From<NoRandomness> for PasswordError {
    fn from(_: NoRandomness) -> Self {
        Self::Hash
    }
}

impl NewPassword {
    /// Takes a password that somebody chose for `name`.
    ///
    /// # Errors
    /// [`PasswordError`], but for [`PasswordError::Hash`].
    pub fn parse(name: &Name, text: &str) -> Result<Self, PasswordError> {
        if text.chars().count() < SHORTEST {
            return Err(PasswordError::Short);
        }
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(PasswordError::Line);
        }
        if Zeroizing::new(text.to_lowercase()).contains(name.as_str()) {
            return Err(PasswordError::Name);
        }
        if text.chars().collect::<BTreeSet<_>>().len() < DIFFERENT {
            return Err(PasswordError::Simple);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// One of 100 random bits that can be read out and typed: four groups of five.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut bytes = Zeroizing::new([0_u8; 20]);
        random.fill(&mut *bytes)?;
        let mut text = Zeroizing::new(String::with_capacity(24));
        for (i, byte) in bytes.iter().enumerate() {
            if i > 0 && i % 5 == 0 {
                text.push('-');
            }
            text.extend(ALPHABET.get(usize::from(byte & 31)).map(|letter| char::from(*letter)));
        }
        Ok(Self(SecretString::from(text.as_str())))
    }

    /// To be told to its owner, once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it, with a fresh salt.
    ///
    /// # Errors
    /// [`PasswordError::Hash`].
    pub fn hash(&self, cost: Cost, random: &dyn Random) -> Result<PasswordHash, PasswordError> {
        let mut salt = [0_u8; 16];
        random.fill(&mut salt)?;
        let salt = SaltString::encode_b64(&salt).map_err(|_| PasswordError::Hash)?;
        let hash = cost.argon2()?.hash_password(self.expose().as_bytes(), &salt);
        hash.map(|hash| PasswordHash(hash.to_string())).map_err(|_| PasswordError::Hash)
    }
}

impl Cost {
    fn argon2(self) -> Result<Argon2<'static>, PasswordError> {
        let (memory, times) = match self {
            Self::Person => (19 * 1024, 2),
            Self::Sandbox => (8, 1),
        };
        let params = Params::new(memory, times, 1, None).map_err(|_| PasswordError::Hash)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl PasswordHash {
    /// Whether `password` is the one. What is compared is compared in constant time; the cost is that of the hash.
    #[must_use]
    pub fn matches(&self, password: &SecretString) -> bool {
        // Parameters are those of the string, by which a stronger cost comes with the next change of a password.
        password_hash::PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
        })
    }

    /// The hash of whoever is not registered: no password matches, and that takes as long as with another.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self(NOBODY.to_owned())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn name() -> Name {
        Name::parse("a.serikov").unwrap()
    }

    #[test]
    fn what_is_too_easily_guessed_is_not_taken() {
        let refused = |text: &str| NewPassword::parse(&name(), text).unwrap_err();
        assert_eq!(refused("short-one-1"), PasswordError::Short);
        assert_eq!(refused(&"әбвгд".repeat(52)), PasswordError::Line);
        assert_eq!(refused("two lines\nof text"), PasswordError::Line);
        assert_eq!(refused("my A.SERIKOV password"), PasswordError::Name);
        assert_eq!(refused("abababababababab"), PasswordError::Simple);
        assert!(NewPassword::parse(&name(), "кілт сақталған жер").is_ok());
    }

    #[test]
    fn only_the_password_itself_matches_and_a_salt_makes_two_hashes_differ() {
        let random = SeededRandom::new(1, 0);
        let new = NewPassword::parse(&name(), "correct horse battery").unwrap();
        let (one, two) = (new.hash(Cost::Person, &random).unwrap(), new.hash(Cost::Person, &random).unwrap());
        assert_ne!(one, two);
        assert!(one.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.0);
        assert!(one.matches(&SecretString::from("correct horse battery")));
        for wrong in ["", "correct horse batterz", "correct horse battery "] {
            assert!(!one.matches(&SecretString::from(wrong)), "{wrong}");
        }
    }

    #[test]
    fn nobody_has_a_password_and_asking_costs_the_same() {
        let nobody = PasswordHash::of_nobody();
        let random = SeededRandom::new(3, 0);
        let somebody = NewPassword::generate(&random).unwrap().hash(Cost::Person, &random).unwrap();
        let read = |hash: &PasswordHash| {
            let hash = password_hash::PasswordHash::new(&hash.0).unwrap();
            (Params::try_from(&hash).unwrap(), hash.hash.unwrap())
        };
        assert_eq!(read(&nobody).0, read(&somebody).0);
        assert_eq!(read(&nobody).1.as_bytes(), [0; 32]);
        assert!(!nobody.matches(&SecretString::from("")));
    }

    #[test]
    fn the_hash_is_the_one_that_others_compute() {
        // Computed by OpenSSL for this password and the salt "somesaltsomesalt".
        let text = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$/HetJC6LZ4lnwgLB+wJSS2a9bFu2Kq4HxwNWzoJq2qU";
        assert!(PasswordHash(text.to_owned()).matches(&SecretString::from("correct horse battery")));
    }

    #[test]
    fn a_generated_one_can_be_typed_and_nothing_shows_it() {
        let new = NewPassword::generate(&SeededRandom::new(7, 0)).unwrap();
        assert!(NewPassword::parse(&name(), new.expose()).is_ok());
        assert_eq!(new.expose().split('-').map(str::len).collect::<Vec<_>>(), [5; 4]);
        let shown = format!("{new:?} {:?}", new.hash(Cost::Sandbox, &SeededRandom::new(7, 1)).unwrap());
        assert!(!shown.contains(new.expose()) && !shown.contains("argon2"), "{shown}");
    }
}
