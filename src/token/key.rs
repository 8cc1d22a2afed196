//! The service's own signing keys: when each signs, how long each stays published, how one follows another.
//!
//! A key has a window, `not_before` to `not_after`, in which it may sign. Of the keys whose window is open the
//! newest signs, so a key ends signing when its successor begins. A new key is published from its creation, a
//! lead before it signs, so that owners who cache the JWKS know it in time; a key that has ended stays
//! published until the last token that it can have signed is expired. Everything follows from the records: a
//! rotation adds one and changes none. A distrusted key neither signs nor is published, at once.

use super::jwks::KeySet;
use super::rsa::VerifyingKey;
use super::security::LEEWAY;
use crate::trust::sign::{RsaSigner, SignError, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why a key cannot be used, or none is there to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The private key is not usable.
    #[error(transparent)]
    Key(#[from] SignError),
    /// The public half cannot be published.
    #[error("the key's public half is not usable")]
    Public,
    /// The record names another key than it holds.
    #[error("the record's kid is not the key's thumbprint")]
    Kid,
    /// The ring has this key already.
    #[error("the key is in the ring already")]
    Duplicate,
    /// The window is empty, or begins before the key was made.
    #[error("the key's window is not one")]
    Window,
    /// A key that was made earlier has not begun to sign.
    #[error("a new key is already waiting to sign")]
    Waiting,
    /// No key may sign at this time.
    #[error("no key may sign now")]
    NoKey,
}

/// When a key was made and when it may sign, Unix seconds; `not_after` is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it was made and published.
    pub created_at: i64,
    /// From here on it may sign.
    pub not_before: i64,
    /// From here on it may not.
    pub not_after: i64,
}

/// How a rotation is spaced, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long a new key is published before it signs.
    pub lead: i64,
    /// How long it may sign.
    pub signs_for: i64,
}

/// A key as it is stored. The store seals `pkcs8`; `Debug` does not show it.
#[derive(Clone)]
pub struct KeyRecord {
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The private key, DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// When it signs.
    pub window: Window,
    /// Since when a registrar distrusts it, and with it all tokens of its `kid`.
    pub distrusted_at: Option<i64>,
}

impl KeyRecord {
    /// The record of a new key.
    ///
    /// # Errors
    /// [`KeyError::Window`], [`KeyError::Public`] or [`KeyError::Key`].
    pub fn new(signer: &RsaSigner, window: Window) -> Result<Self, KeyError> {
        let kid = public_half(signer)?.thumbprint().map_err(|_| KeyError::Public)?;
        if window.not_after <= window.not_before || window.not_before < window.created_at {
            return Err(KeyError::Window);
        }
        Ok(Self { kid, pkcs8: signer.to_pkcs8_der()?, window, distrusted_at: None })
    }
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("kid", &self.kid)
            .field("window", &self.window)
            .field("distrusted_at", &self.distrusted_at)
            .finish_non_exhaustive()
    }
}

/// A key that can sign.
#[derive(Clone)]
pub struct SigningKey {
    window: Window,
    distrusted_at: Option<i64>,
    signer: Arc<dyn Signer>,
    public: VerifyingKey,
    kid: String,
    public_key: String,
}

impl SigningKey {
    /// Makes a key of its record.
    ///
    /// # Errors
    /// [`KeyError`] when the private key is broken or is not the one that the record names.
    pub fn from_record(record: &KeyRecord) -> Result<Self, KeyError> {
        let signer = RsaSigner::from_pkcs8_der(&record.pkcs8)?;
        let key = Self::new(Arc::new(signer), record.window, record.distrusted_at)?;
        if key.kid == record.kid { Ok(key) } else { Err(KeyError::Kid) }
    }

    /// Makes a key of any signer, such as one in a certified module, which has no record.
    ///
    /// # Errors
    /// [`KeyError::Public`] when the public half is not an RSA key of 2048 to 4096 bits.
    pub fn new(
        signer: Arc<dyn Signer>,
        window: Window,
        distrusted_at: Option<i64>,
    ) -> Result<Self, KeyError> {
        let public = public_half(&*signer)?;
        let kid = public.thumbprint().map_err(|_| KeyError::Public)?;
        let public_key = STANDARD.encode(signer.public_key_spki());
        let public = public.with_kid(kid.as_str());
        Ok(Self { window, distrusted_at, signer, public, kid, public_key })
    }

    /// RFC 7638 thumbprint of the public key: the `kid` of tokens and JWKS.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// When it signs.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// What signs.
    #[must_use]
    pub fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    /// The public half, under its `kid`.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// The value of `public-key` of a reply (wire.md 2.2): the DER SPKI in base64, on one line.
    #[must_use]
    pub fn public_key_base64(&self) -> &str {
        &self.public_key
    }

    /// Whether a registrar distrusts it at `now`.
    #[must_use]
    pub fn is_distrusted(&self, now: i64) -> bool {
        self.distrusted_at.is_some_and(|since| since <= now)
    }

    fn may_sign(&self, now: i64) -> bool {
        (self.window.not_before..self.window.not_after).contains(&now) && !self.is_distrusted(now)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("window", &self.window)
            .field("distrusted_at", &self.distrusted_at)
            .finish_non_exhaustive()
    }
}

fn public_half(signer: &dyn Signer) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_spki_der(signer.public_key_spki(), None).map_err(|_| KeyError::Public)
}

/// All keys of the service, those of the past included.
#[derive(Clone, Debug)]
pub struct KeyRing {
    keys: Vec<SigningKey>,
    max_token_life: i64,
}

/// A key in the JWKS, with the times between which tokens of it are to be expected.
#[derive(Serialize)]
struct PublishedKey {
    #[serde(flatten)]
    jwk: Jwk,
    nbf: i64,
    exp: i64,
}

#[derive(Serialize)]
struct PublishedSet {
    keys: Vec<PublishedKey>,
}

impl KeyRing {
    /// An empty ring; `max_token_life` is the longest life of a token that its keys sign, seconds.
    #[must_use]
    pub fn new(max_token_life: i64) -> Self {
        Self { keys: Vec::new(), max_token_life }
    }

    /// The ring of stored records.
    ///
    /// # Errors
    /// [`KeyError`] of the first record that is not usable.
    pub fn from_records(records: &[KeyRecord], max_token_life: i64) -> Result<Self, KeyError> {
        let mut ring = Self::new(max_token_life);
        for record in records {
            ring.add(SigningKey::from_record(record)?)?;
        }
        Ok(ring)
    }

    /// Adds a key.
    ///
    /// # Errors
    /// [`KeyError::Duplicate`].
    pub fn add(&mut self, key: SigningKey) -> Result<(), KeyError> {
        if self.find(&key.kid).is_some() {
            return Err(KeyError::Duplicate);
        }
        self.keys.push(key);
        Ok(())
    }

    /// Makes the record of the key that follows: the first signs at once, a later one after `rotation.lead`, or
    /// when the current one ends if that is sooner. The ring is unchanged: the caller stores the record, then adds the key.
    ///
    /// # Errors
    /// [`KeyError::Waiting`] when an earlier new key has yet to begin, and those of [`KeyRecord::new`].
    pub fn rotate(&self, signer: &RsaSigner, now: i64, rotation: Rotation) -> Result<KeyRecord, KeyError> {
        if self.keys.iter().any(|key| key.window.not_before > now && !key.is_distrusted(now)) {
            return Err(KeyError::Waiting);
        }
        // A key that ends before the lead is over is followed at once at its end: there is no gap. One made in the
        // same second is followed in the next: of two that begin together it would be left to chance which one signs.
        let not_before = self.current(now).map_or(now, |current| {
            let begin = now.saturating_add(rotation.lead).max(current.window.not_before.saturating_add(1));
            begin.min(current.window.not_after)
        });
        let not_after = not_before.saturating_add(rotation.signs_for);
        KeyRecord::new(signer, Window { created_at: now, not_before, not_after })
    }

    /// Distrusts a key from `at` on. `false`: there is no such key.
    pub fn distrust(&mut self, kid: &str, at: i64) -> bool {
        let found = self.keys.iter_mut().find(|key| key.kid == kid);
        found.is_some_and(|key| {
            key.distrusted_at = Some(key.distrusted_at.map_or(at, |since| since.min(at)));
            true
        })
    }

    /// The key that signs at `now`.
    ///
    /// # Errors
    /// [`KeyError::NoKey`] when no window is open: nothing can be issued.
    pub fn current(&self, now: i64) -> Result<&SigningKey, KeyError> {
        self.keys
            .iter()
            .filter(|key| key.may_sign(now))
            .max_by_key(|key| (key.window.not_before, key.window.created_at))
            .ok_or(KeyError::NoKey)
    }

    /// All keys, in the order in which they were added.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The key of this `kid`, also one that is no longer published.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The keys that are published at `now`, for verifying.
    #[must_use]
    pub fn key_set(&self, now: i64) -> KeySet {
        let keys = self.published(now).map(|(key, _)| key.public.clone()).collect();
        // Two keys of one kid cannot be in the ring.
        KeySet::new(keys).unwrap_or_default()
    }

    /// The JWK set (RFC 7517) published at `now`: each key with `kty`, `n`, `e`, `alg`, `use`, `kid`, and as
    /// its validity `nbf`, when it begins to sign, and `exp`, when its last token is expired.
    ///
    /// # Errors
    /// [`KeyError::Public`] when the text cannot be made.
    pub fn jwks(&self, now: i64) -> Result<String, KeyError> {
        let published = |(key, exp): (&SigningKey, i64)| PublishedKey {
            jwk: key.public.to_jwk(),
            nbf: key.window.not_before,
            exp,
        };
        let set = PublishedSet { keys: self.published(now).map(published).collect() };
        serde_json::to_string(&set).map_err(|_| KeyError::Public)
    }

    /// The keys published at `now`, each with the end of its publication.
    fn published(&self, now: i64) -> impl Iterator<Item = (&SigningKey, i64)> {
        self.keys
            .iter()
            .filter(move |key| key.window.created_at <= now && !key.is_distrusted(now))
            .map(move |key| (key, self.published_until(key, now)))
            .filter(move |(_, until)| now < *until)
    }

    fn published_until(&self, key: &SigningKey, now: i64) -> i64 {
        let successor = self
            .keys
            .iter()
            .filter(|other| !other.is_distrusted(now) && other.kid != key.kid)
            .map(|other| other.window.not_before)
            .filter(|begin| *begin > key.window.not_before)
            .min();
        let signs_until = key.window.not_after.min(successor.unwrap_or(key.window.not_after));
        signs_until.saturating_add(self.max_token_life).saturating_add(LEEWAY)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{sample, security};
    use super::*;

    const DAY: i64 = 86_400;
    const LIFE: i64 = 90 * DAY;
    const ROTATION: Rotation = Rotation { lead: DAY, signs_for: 30 * DAY };

    /// A ring whose first key signs from 0 on.
    fn first() -> (KeyRing, KeyRecord) {
        let mut ring = KeyRing::new(LIFE);
        let record = ring.rotate(sample::signer(), 0, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&record).unwrap()).unwrap();
        (ring, record)
    }

    /// The same with a second key, made at day 10.
    fn rotated() -> (KeyRing, KeyRecord, KeyRecord) {
        let (mut ring, old) = first();
        let new = ring.rotate(sample::other(), 10 * DAY, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&new).unwrap()).unwrap();
        (ring, old, new)
    }

    fn published(ring: &KeyRing, now: i64) -> Vec<String> {
        ring.key_set(now).as_slice().iter().filter_map(|key| key.kid().map(str::to_owned)).collect()
    }

    #[test]
    fn the_first_key_signs_at_once_and_until_its_end() {
        let (ring, record) = first();
        assert_eq!(ring.current(0).unwrap().kid(), record.kid);
        assert_eq!(ring.current(30 * DAY - 1).unwrap().kid(), record.kid);
        assert_eq!(ring.current(30 * DAY).unwrap_err(), KeyError::NoKey);
        assert_eq!(ring.current(-1).unwrap_err(), KeyError::NoKey);
    }

    #[test]
    fn a_new_key_is_published_before_it_signs() {
        let (ring, old, new) = rotated();
        assert_eq!(published(&ring, 10 * DAY), [old.kid.clone(), new.kid.clone()]);
        assert_eq!(ring.current(11 * DAY - 1).unwrap().kid(), old.kid);
        assert_eq!(ring.current(11 * DAY).unwrap().kid(), new.kid);
    }

    #[test]
    fn a_key_stays_published_until_its_last_token_is_expired() {
        let (ring, old, new) = rotated();
        let end = 11 * DAY + LIFE + LEEWAY;
        assert_eq!(published(&ring, end - 1), [old.kid, new.kid.clone()]);
        assert_eq!(published(&ring, end), [new.kid]);
        assert_eq!(ring.keys().len(), 2);
    }

    #[test]
    fn a_rotation_leaves_no_gap_even_if_it_comes_late() {
        let (mut ring, _) = first();
        let new = ring.rotate(sample::other(), 30 * DAY - 60, ROTATION).unwrap();
        assert_eq!(new.window.not_before, 30 * DAY);
        ring.add(SigningKey::from_record(&new).unwrap()).unwrap();
        assert_eq!(ring.current(30 * DAY).unwrap().kid(), new.kid);
    }

    #[test]
    fn a_key_made_in_the_second_of_the_one_before_it_still_follows_it() {
        let (mut ring, old) = first();
        let new = ring.rotate(sample::other(), 0, Rotation { lead: 0, ..ROTATION }).unwrap();
        ring.add(SigningKey::from_record(&new).unwrap()).unwrap();
        assert_eq!(ring.current(0).unwrap().kid(), old.kid);
        assert_eq!(ring.current(1).unwrap().kid(), new.kid);
    }

    #[test]
    fn only_one_key_waits_at_a_time() {
        let (ring, ..) = rotated();
        assert_eq!(ring.rotate(sample::signer(), 10 * DAY + 1, ROTATION).unwrap_err(), KeyError::Waiting);
        assert!(ring.rotate(sample::signer(), 11 * DAY, ROTATION).is_ok());
    }

    #[test]
    fn a_distrusted_key_neither_signs_nor_is_published() {
        let (mut ring, old, new) = rotated();
        assert!(ring.distrust(&new.kid, 12 * DAY));
        assert_eq!(ring.current(12 * DAY).unwrap().kid(), old.kid);
        assert_eq!(published(&ring, 12 * DAY), std::slice::from_ref(&old.kid));
        assert!(ring.find(&new.kid).unwrap().is_distrusted(12 * DAY));
        assert!(ring.distrust(&old.kid, 13 * DAY));
        assert_eq!(ring.current(13 * DAY).unwrap_err(), KeyError::NoKey);
        assert!(!ring.distrust("another", 0));
    }

    #[test]
    fn the_jwks_holds_what_a_reader_needs_and_nothing_private() {
        let (ring, old, _) = rotated();
        let text = ring.jwks(10 * DAY).unwrap();
        let set: serde_json::Value = serde_json::from_str(&text).unwrap();
        let key = &set["keys"][0];
        assert_eq!(key["kid"], old.kid);
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&"RSA".into(), &"RS256".into(), &"sig".into()));
        assert_eq!(key["nbf"], 0);
        assert_eq!(key["exp"], 11 * DAY + LIFE + LEEWAY);
        assert_eq!(key.as_object().unwrap().len(), 8);
        assert_eq!(KeySet::from_jwks(&text).unwrap().as_slice().len(), 2);
    }

    #[test]
    fn a_token_verifies_by_the_jwks_and_by_public_key_before_and_after_a_rotation() {
        let (ring, ..) = rotated();
        for now in [10 * DAY, 11 * DAY] {
            let key = ring.current(now).unwrap();
            let claims = sample::claims(now);
            let token = security::issue(&claims, key.signer(), key.kid()).unwrap();
            let jwks = KeySet::from_jwks(&ring.jwks(11 * DAY).unwrap()).unwrap();
            assert_eq!(security::verify(&token, &jwks, now, LEEWAY).unwrap(), claims);
            let alone = VerifyingKey::from_spki_base64(key.public_key_base64(), None).unwrap();
            let alone = KeySet::new(vec![alone]).unwrap();
            assert_eq!(security::verify(&token, &alone, now, LEEWAY).unwrap(), claims);
        }
    }

    #[test]
    fn records_come_back_as_the_same_ring() {
        let (ring, old, new) = rotated();
        let again = KeyRing::from_records(&[old.clone(), new], LIFE).unwrap();
        assert_eq!(again.jwks(12 * DAY).unwrap(), ring.jwks(12 * DAY).unwrap());
        assert_eq!(KeyRing::from_records(&[old.clone(), old], LIFE).unwrap_err(), KeyError::Duplicate);
    }

    #[test]
    fn a_record_that_names_another_key_is_refused() {
        let (_, old, new) = rotated();
        let swapped = KeyRecord { kid: old.kid, ..new };
        assert_eq!(SigningKey::from_record(&swapped).unwrap_err(), KeyError::Kid);
        let window = Window { created_at: 0, not_before: 5, not_after: 5 };
        assert_eq!(KeyRecord::new(sample::signer(), window).unwrap_err(), KeyError::Window);
    }

    #[test]
    fn a_private_key_is_not_readable_in_debug() {
        let (ring, record) = first();
        let bytes = format!("{:?}", &record.pkcs8[..8]);
        let shown = format!("{record:?} {ring:?}");
        assert!(!shown.contains(&bytes[1..bytes.len() - 1]), "{shown}");
        assert!(shown.len() < 1_000);
    }
}
