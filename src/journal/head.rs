//! Signed heads: the service's word, at a time, for everything up to a record. Who rebuilds the chain later would need
//! the key as well, and the lines of the log in which the same heads stand.
//!
//! Where there are other nodes, a head says as well where their chains ended when it was signed. So what a node left when it
//! died is covered by those that live, and who takes a chain away, or cuts it with its own heads, contradicts theirs. While
//! a node's own chain stands still and others grow, its last head is signed anew with what is new of them.

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
    /// When the chain up to this record was signed first, Unix milliseconds.
    pub at: i64,
    /// The last record that it covers; 0: there is none, and the head is about other nodes alone.
    pub seq: i64,
    /// The chain up to it.
    pub chain: Chain,
    /// Whose chain it is, where there are nodes.
    pub node: Option<String>,
    /// When it was signed anew, for what was new of others; `None`: it was not.
    pub renewed: Option<i64>,
    /// Where the chains of other nodes ended when it was signed, by their names.
    pub others: Vec<Tail>,
}

/// Where the chain of a node ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// The node.
    pub node: String,
    /// The last record.
    pub seq: i64,
    /// The chain up to it.
    #[serde(with = "chain_text")]
    pub chain: Chain,
}

/// A head as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// As in the head; `None`, where chains are kept without names.
    pub node: Option<String>,
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
    /// It is kept under another number, time or node than it says.
    #[error("it is kept under another number, time or node than it says")]
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
    #[serde(with = "chain_text")]
    chain: Chain,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewed: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<Tail>,
}

/// 64 hexadecimal digits.
mod chain_text {
    use super::{Chain, hex, unhex};
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use std::borrow::Cow;

    pub fn serialize<S: Serializer>(chain: &Chain, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(chain))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Chain, D::Error> {
        let text = Cow::<'d, str>::deserialize(from)?;
        unhex(&text).ok_or_else(|| D::Error::custom("a chain is 64 hexadecimal digits"))
    }
}

/// Signs a head by a key that signs receipts.
///
/// # Errors
/// [`SignError`].
pub fn sign(head: &Head, key: &SigningKey) -> Result<SignedHead, SignError> {
    let claims = Claims {
        iss: head.installation.clone(),
        iat: head.signed_at().div_euclid(1000),
        at: head.at,
        seq: head.seq,
        chain: head.chain,
        node: head.node.clone(),
        renewed: head.renewed,
        others: head.others.clone(),
    };
    let jws = statement::issue(statement::HEAD, &claims, key.signer(), key.kid())?;
    Ok(SignedHead { node: head.node.clone(), seq: head.seq, at: head.at, jws })
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
    let Claims { iss: installation, iat, at, seq, chain, node, renewed, others } = claims;
    let head = Head { installation, at, seq, chain, node, renewed, others };
    if iat != head.signed_at().div_euclid(1000) || !head.is_sound() {
        return Err(malformed);
    }
    if keys.times.get(key.kid()).is_some_and(|(from, until)| !(*from..*until).contains(&iat)) {
        return Err(Flaw::KeyTime);
    }
    Ok((head, key.kid().to_owned()))
}

/// The node that a head names, if it is one and names one; nobody has vouched for it.
#[must_use]
pub fn unverified_node(jws: &str) -> Option<String> {
    statement::unverified::<Claims>(statement::HEAD, jws).ok()?.node
}

impl Head {
    /// When its signature was made, Unix milliseconds.
    #[must_use]
    pub fn signed_at(&self) -> i64 {
        self.renewed.unwrap_or(self.at)
    }

    fn is_sound(&self) -> bool {
        let in_order = self.others.is_sorted_by(|one, next| one.node < next.node);
        let of_others = |tail: &Tail| tail.seq > 0 && self.node.as_ref() != Some(&tail.node);
        self.seq >= 0
            && self.renewed.is_none_or(|renewed| renewed >= self.at)
            && in_order
            && self.others.iter().all(of_others)
    }
}

impl SignedHead {
    /// The same of a head as it is kept.
    ///
    /// # Errors
    /// [`Flaw`].
    pub fn read(&self, keys: &Keys) -> Result<Head, Flaw> {
        let (head, _) = read(&self.jws, keys)?;
        // One that was signed while there was one node alone names none.
        let elsewhere = self.node.is_some() && head.node.is_some() && self.node != head.node;
        let is_here = (head.seq, head.at) == (self.seq, self.at) && !elsewhere;
        if is_here { Ok(head) } else { Err(Flaw::Misplaced) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::key::Rotation;
    use crate::trust::sign::EcSigner;

    const AT: i64 = 1_775_026_800_000;

    /// What was signed before.
    #[derive(Serialize)]
    struct Before {
        iss: String,
        iat: i64,
        at: i64,
        seq: i64,
        chain: String,
    }

    fn ring() -> KeyRing {
        let mut ring = KeyRing::new(3600);
        let rotation = Rotation { lead: 0, signs_for: 86_400 };
        let key = ring.rotate(&EcSigner::generate().unwrap(), AT / 1000, rotation).unwrap();
        ring.add(SigningKey::from_record(&key).unwrap()).unwrap();
        ring
    }

    fn head() -> Head {
        let tail = |node: &str, seq| Tail { node: node.to_owned(), seq, chain: [9; 32] };
        Head {
            installation: "kdp".to_owned(),
            at: AT,
            seq: 7,
            chain: [7; 32],
            node: Some("one".to_owned()),
            renewed: Some(AT + 60_000),
            others: vec![tail("three", 1), tail("two", 12)],
        }
    }

    fn signed(head: &Head, ring: &KeyRing) -> SignedHead {
        sign(head, ring.current_receipt(AT / 1000).unwrap()).unwrap()
    }

    #[test]
    fn a_head_says_what_was_signed_also_of_other_nodes() {
        let ring = ring();
        let keys = Keys::of_ring(&ring);
        let alone = Head { node: None, renewed: None, others: Vec::new(), ..head() };
        for head in [head(), alone, Head { renewed: None, ..head() }, Head { seq: 0, ..head() }] {
            let signed = signed(&head, &ring);
            assert_eq!((signed.seq, signed.at, &signed.node), (head.seq, AT, &head.node));
            assert_eq!(signed.read(&keys), Ok(head));
        }
    }

    #[test]
    fn a_head_of_before_there_were_other_nodes_in_heads_is_read_and_one_alone_is_signed_as_then() {
        let ring = ring();
        let key = ring.current_receipt(AT / 1000).unwrap();
        let (installation, chain) = ("kdp".to_owned(), hex(&[7; 32]));
        let claims = Before { iss: installation, iat: AT / 1000, at: AT, seq: 7, chain };
        let jws = statement::issue(statement::HEAD, &claims, key.signer(), key.kid()).unwrap();
        let alone = Head { node: None, renewed: None, others: Vec::new(), ..head() };
        for node in [None, Some("one".to_owned())] {
            let kept = SignedHead { node, seq: 7, at: AT, jws: jws.clone() };
            assert_eq!(kept.read(&Keys::of_ring(&ring)), Ok(alone.clone()));
        }
        let (_, payload) = jws.split_once('.').unwrap();
        let new = signed(&alone, &ring).jws;
        assert_eq!(new.split('.').nth(1), payload.split('.').next());
    }

    #[test]
    fn a_head_is_of_its_node_and_names_others_once_and_in_order() {
        let ring = ring();
        let keys = Keys::of_ring(&ring);
        let elsewhere = SignedHead { node: Some("two".to_owned()), ..signed(&head(), &ring) };
        assert_eq!(elsewhere.read(&keys), Err(Flaw::Misplaced));
        let wrong: [fn(&mut Head); 6] = [
            |head| head.others.reverse(),
            |head| head.others.push(head.others[1].clone()),
            |head| head.others[0].node = "one".to_owned(),
            |head| head.others[1].seq = 0,
            |head| head.renewed = Some(AT - 1),
            |head| head.seq = -1,
        ];
        for change in wrong {
            let mut head = head();
            change(&mut head);
            let read = signed(&head, &ring).read(&keys);
            assert_eq!(read, Err(Flaw::Statement(StatementError::Malformed)), "{head:?}");
        }
        // Its key must have signed when it was signed anew.
        let late = Head { renewed: Some(AT + 90_000_000), ..head() };
        assert_eq!(signed(&late, &ring).read(&keys), Err(Flaw::KeyTime));
    }
}
