//! Signed heads: the service's word, at a time, for everything up to a record. Who rebuilds the chain later would need
//! the key as well, and the lines of the log in which the same heads stand.

use super::Chain;
use crate::store::seal::{hex, unhex};
use crate::token::jwks::KeySet;
use crate::token::key::{KeyRing, SigningKey};
use crate::token::rsa::PublicKeyError;
use crate::token::security::LEEWAY;
use crate::token::statement::{self, StatementError};
use crate::trust::sign::SignError;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The installation: `token.issuer`.
    pub installation: String,
    /// When it was signed, Unix milliseconds.
    pub at: i64,
    /// The last record that it covers.
    pub seq: i64,
    /// The chain up to it.
    pub chain: Chain,
}

/// A head as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// As in the head.
    pub seq: i64,
    /// As in the head.
    pub at: i64,
    /// The head, a compact JWS.
    pub jws: String,
}

/// What is wrong with a head itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// No head, or of a key that is not known, or not signed by it.
    #[error("{0}")]
    Statement(StatementError),
    /// It is kept under another number or time than it says.
    #[error("it is kept under another number or time than it says")]
    Misplaced,
    /// Its key did not sign at its time, or was distrusted then.
    #[error("its key did not sign at its time, or was distrusted then")]
    KeyTime,
}

impl Flaw {
    /// A stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Statement(StatementError::Malformed) => "malformed",
            Self::Statement(StatementError::Kind) => "kind",
            Self::Statement(StatementError::KeyUnknown) => "key-unknown",
            Self::Statement(StatementError::Signature) => "signature",
            Self::Misplaced => "misplaced",
            Self::KeyTime => "key-time",
        }
    }
}

/// The claims as they are signed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    iat: i64,
    at: i64,
    seq: i64,
    chain: String,
}

/// Signs a head by a key that signs receipts.
///
/// # Errors
/// [`SignError`].
pub fn sign(head: &Head, key: &SigningKey) -> Result<SignedHead, SignError> {
    let claims = Claims {
        iss: head.installation.clone(),
        iat: head.at.div_euclid(1000),
        at: head.at,
        seq: head.seq,
        chain: hex(&head.chain),
    };
    let jws = statement::issue(statement::HEAD, &claims, key.signer(), key.kid())?;
    Ok(SignedHead { seq: head.seq, at: head.at, jws })
}

/// Keys that heads may be signed by, and, where that is known, from when to when (Unix seconds, the end outside).
#[derive(Clone, Debug, Default)]
pub struct Keys {
    set: KeySet,
    times: HashMap<String, (i64, i64)>,
}

impl Keys {
    /// Those of the installation, past ones too: what was signed in a key's time holds after it, also when the key was
    /// distrusted later.
    #[must_use]
    pub fn of_ring(ring: &KeyRing) -> Self {
        let keys = ring.keys().iter().filter_map(|key| Some((key, key.receipt_key()?)));
        // A running service reads of a distrust, and of a moved window, a moment later.
        let until = |key: &SigningKey| {
            let end = key.window().not_after;
            key.distrusted_at().map_or(end, |since| since.saturating_add(LEEWAY).min(end))
        };
        let times = keys
            .clone()
            .map(|(key, _)| (key.kid().to_owned(), (key.window().not_before, until(key))))
            .collect();
        let set = KeySet::default().with_receipt_keys(keys.map(|(_, public)| public.clone()).collect());
        Self { set: set.unwrap_or_default(), times }
    }

    /// Those of a JWK set.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn of_jwks(text: &str) -> Result<Self, PublicKeyError> {
        Ok(Self { set: KeySet::from_jwks(text)?, times: HashMap::new() })
    }

    /// All but those of these names. A JWK set does not tell which keys were distrusted: a fresh one leaves them out, one
    /// of before still has them.
    #[must_use]
    pub fn without(&self, kids: &[String]) -> Self {
        let left = self.set.receipt_keys().iter().filter(|key| !kids.iter().any(|kid| kid == key.kid()));
        let set = KeySet::default().with_receipt_keys(left.cloned().collect());
        Self { set: set.unwrap_or_default(), times: self.times.clone() }
    }

    /// The keys alone.
    #[must_use]
    pub fn set(&self) -> &KeySet {
        &self.set
    }

    /// From when to when each of them signed, where that is known; Unix seconds, the end outside.
    pub fn times(&self) -> impl Iterator<Item = (i64, i64)> {
        self.times.values().copied()
    }

    /// Whether a key of this name is among them.
    #[must_use]
    pub fn knows(&self, kid: &str) -> bool {
        self.set.receipt_keys().iter().any(|key| key.kid() == kid)
    }
}

/// Reads a head and verifies it; answers with it and the `kid` of its key.
///
/// # Errors
/// [`Flaw`].
pub fn read(jws: &str, keys: &Keys) -> Result<(Head, String), Flaw> {
    let malformed = Flaw::Statement(StatementError::Malformed);
    let (claims, key) =
        statement::verify::<Claims>(statement::HEAD, jws, &keys.set).map_err(Flaw::Statement)?;
    let chain = unhex(&claims.chain).ok_or(malformed)?;
    if claims.iat != claims.at.div_euclid(1000) {
        return Err(malformed);
    }
    if keys.times.get(key.kid()).is_some_and(|(from, until)| !(*from..*until).contains(&claims.iat)) {
        return Err(Flaw::KeyTime);
    }
    let head = Head { installation: claims.iss, at: claims.at, seq: claims.seq, chain };
    Ok((head, key.kid().to_owned()))
}

impl SignedHead {
    /// The same of a head as it is kept.
    ///
    /// # Errors
    /// [`Flaw`].
    pub fn read(&self, keys: &Keys) -> Result<Head, Flaw> {
        let (head, _) = read(&self.jws, keys)?;
        if (head.seq, head.at) == (self.seq, self.at) { Ok(head) } else { Err(Flaw::Misplaced) }
    }
}
