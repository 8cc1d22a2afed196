//! All keys of the service and what follows from their windows: which one signs, which are published.

use super::{KeyError, KeyPurpose, KeyRecord, PublicHalf, Rotation, SigningKey, Window};
use crate::token::jwks::KeySet;
use crate::token::security::LEEWAY;
use crate::trust::sign::Signer;
use jsonwebtoken::jwk::Jwk;
use serde::Serialize;

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
        if self.find(key.kid()).is_some() {
            return Err(KeyError::Duplicate);
        }
        self.keys.push(key);
        Ok(())
    }

    /// Makes the record of the key that follows those of the signer's purpose: where none signs it signs at once,
    /// else after `rotation.lead`, or when the current one ends if that is sooner. The ring is unchanged: the caller
    /// stores the record, then adds the key.
    ///
    /// # Errors
    /// [`KeyError::Waiting`] when a key signs and its successor has yet to begin, and those of [`KeyRecord::new`].
    pub fn rotate(&self, signer: &dyn Signer, now: i64, rotation: Rotation) -> Result<KeyRecord, KeyError> {
        let purpose = KeyPurpose::of(signer)?;
        let not_before = match self.signs(purpose, now) {
            Err(_) => now,
            Ok(_) if self.of(purpose).any(|key| key.window.not_before > now && !key.is_distrusted(now)) => {
                return Err(KeyError::Waiting);
            }
            // A key that ends before the lead is over is followed at once at its end: there is no gap. One made in
            // the same second is followed in the next: of two that begin together it would be left to chance which
            // one signs.
            Ok(current) => {
                let begin =
                    now.saturating_add(rotation.lead).max(current.window.not_before.saturating_add(1));
                begin.min(current.window.not_after)
            }
        };
        let not_after = not_before.saturating_add(rotation.signs_for);
        KeyRecord::new(signer, Window { created_at: now, not_before, not_after })
    }

    /// Distrusts a key from `at` on. `false`: there is no such key.
    pub fn distrust(&mut self, kid: &str, at: i64) -> bool {
        let found = self.keys.iter_mut().find(|key| key.kid() == kid);
        found.is_some_and(|key| {
            key.distrusted_at = Some(key.distrusted_at.map_or(at, |since| since.min(at)));
            true
        })
    }

    /// The key that signs security tokens and the status list at `now`.
    ///
    /// # Errors
    /// [`KeyError::NoKey`] when no window is open: nothing can be issued.
    pub fn current(&self, now: i64) -> Result<&SigningKey, KeyError> {
        self.signs(KeyPurpose::Token, now)
    }

    /// The key that signs receipts at `now`.
    ///
    /// # Errors
    /// [`KeyError::NoKey`] when no window is open: no check can be answered.
    pub fn current_receipt(&self, now: i64) -> Result<&SigningKey, KeyError> {
        self.signs(KeyPurpose::Receipt, now)
    }

    fn signs(&self, purpose: KeyPurpose, now: i64) -> Result<&SigningKey, KeyError> {
        self.of(purpose)
            .filter(|key| key.may_sign(now))
            .max_by_key(|key| (key.window.not_before, key.window.created_at))
            .ok_or(KeyError::NoKey)
    }

    fn of(&self, purpose: KeyPurpose) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.purpose() == purpose)
    }

    /// All keys, in the order in which they were added.
    #[must_use]
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    /// All keys as they are stored: [`Self::from_records`] makes the same ring of them.
    ///
    /// # Errors
    /// [`KeyError::Key`] for a key that does not leave its module.
    pub fn records(&self) -> Result<Vec<KeyRecord>, KeyError> {
        self.keys.iter().map(SigningKey::record).collect()
    }

    /// The key of this `kid`, also one that is no longer published.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// The keys that are published at `now`, for verifying.
    #[must_use]
    pub fn key_set(&self, now: i64) -> KeySet {
        let (mut keys, mut receipt_keys) = (Vec::new(), Vec::new());
        for (key, _) in self.published(now) {
            match &key.public {
                PublicHalf::Token(key) => keys.push(key.clone()),
                PublicHalf::Receipt(key) => receipt_keys.push(key.clone()),
            }
        }
        // Two keys of one kid cannot be in the ring.
        KeySet::new(keys).and_then(|set| set.with_receipt_keys(receipt_keys)).unwrap_or_default()
    }

    /// The JWK set (RFC 7517) published at `now`: each key with `kty`, `n` and `e` or `crv`, `x` and `y`, `alg`,
    /// `use`, `kid`, and as its validity `nbf`, when it begins to sign, and `exp`, when its last token is expired;
    /// keys of receipts stay as long.
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
            .of(key.purpose())
            .filter(|other| !other.is_distrusted(now) && other.kid() != key.kid())
            .map(|other| other.window.not_before)
            .filter(|begin| *begin > key.window.not_before)
            .min();
        let signs_until = key.window.not_after.min(successor.unwrap_or(key.window.not_after));
        signs_until.saturating_add(self.max_token_life).saturating_add(LEEWAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::receipt::{self, Answer, Receipt, Withheld};
    use crate::token::rsa::VerifyingKey;
    use crate::token::{sample, security};
    use crate::trust::sign::{EcSigner, RsaSigner, SignError, SignatureAlgorithm};
    use std::sync::Arc;

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
    fn where_none_signs_a_key_can_be_made_that_signs_at_once_though_another_waits() {
        let (mut ring, old, new) = rotated();
        assert!(ring.distrust(&old.kid, 10 * DAY + 1));
        let third = RsaSigner::generate(2048).unwrap();
        let third = ring.rotate(&third, 10 * DAY + 1, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&third).unwrap()).unwrap();
        assert_eq!(ring.current(10 * DAY + 1).unwrap().kid(), third.kid);
        assert_eq!(ring.current(11 * DAY).unwrap().kid(), new.kid);
        let end = 11 * DAY + LIFE + LEEWAY;
        assert!(
            published(&ring, end - 1).contains(&third.kid) && !published(&ring, end).contains(&third.kid)
        );
    }

    #[test]
    fn keys_of_receipts_and_of_tokens_follow_each_other_apart() {
        let (mut ring, token) = first();
        assert_eq!(ring.current_receipt(0).unwrap_err(), KeyError::NoKey);
        let receipt = ring.rotate(sample::receipt_signer(), DAY, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&receipt).unwrap()).unwrap();
        assert_eq!(receipt.window.not_before, DAY, "the first of its kind signs at once");
        let current = ring.current_receipt(DAY).unwrap();
        assert_eq!((current.kid(), current.purpose()), (receipt.kid.as_str(), KeyPurpose::Receipt));
        assert_eq!(ring.current(DAY).unwrap().kid(), token.kid);
        let next = ring.rotate(&EcSigner::generate().unwrap(), 2 * DAY, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&next).unwrap()).unwrap();
        let waiting = ring.rotate(&EcSigner::generate().unwrap(), 2 * DAY, ROTATION);
        assert_eq!(waiting.unwrap_err(), KeyError::Waiting);
        assert!(ring.rotate(sample::other(), 2 * DAY, ROTATION).is_ok(), "no key of tokens waits");
        assert_eq!(ring.current(4 * DAY).unwrap().kid(), token.kid, "followed by none of its kind");
        assert!(ring.distrust(&token.kid, 4 * DAY));
        assert_eq!(ring.current(4 * DAY).unwrap_err(), KeyError::NoKey);
        assert_eq!(ring.current_receipt(4 * DAY).unwrap().kid(), next.kid);
    }

    #[test]
    fn a_receipt_verifies_by_the_jwks_and_by_the_ring() {
        let (mut ring, token) = first();
        let record = ring.rotate(sample::receipt_signer(), 0, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&record).unwrap()).unwrap();
        let key = ring.current_receipt(DAY).unwrap();
        let answered = Receipt {
            iss: "https://kdp.example".to_owned(),
            aud: "050140000017".to_owned(),
            iat: DAY,
            jti: "d-1".to_owned(),
            service_id: "GBDFLUniversal_token".to_owned(),
            answer: Answer::Withheld(Withheld::Unknown),
        };
        let compact = receipt::issue(answered.clone(), key.signer(), key.kid()).unwrap();
        let jwks = ring.jwks(DAY).unwrap();
        for keys in [KeySet::from_jwks(&jwks).unwrap(), ring.key_set(DAY)] {
            assert_eq!(receipt::verify(&compact, &keys).unwrap(), answered);
            let kids: Vec<_> = keys.as_slice().iter().filter_map(VerifyingKey::kid).collect();
            assert_eq!(kids, [&token.kid], "a key of receipts is none of tokens");
        }
        let set: serde_json::Value = serde_json::from_str(&jwks).unwrap();
        let key = &set["keys"][1];
        assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&"EC".into(), &"P-256".into(), &"ES256".into()));
        assert_eq!((&key["use"], &key["kid"]), (&"sig".into(), &record.kid.into()));
        assert_eq!((&key["nbf"], &key["exp"]), (&0.into(), &(30 * DAY + LIFE + LEEWAY).into()));
        assert_eq!(key.as_object().unwrap().len(), 9);
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
        let (mut ring, old, new) = rotated();
        let record = ring.rotate(sample::receipt_signer(), 10 * DAY, ROTATION).unwrap();
        ring.add(SigningKey::from_record(&record).unwrap()).unwrap();
        ring.distrust(&new.kid, 13 * DAY);
        let again = KeyRing::from_records(&ring.records().unwrap(), LIFE).unwrap();
        for now in [12 * DAY, 13 * DAY] {
            assert_eq!(again.jwks(now).unwrap(), ring.jwks(now).unwrap());
        }
        assert_eq!(again.current(13 * DAY).unwrap().kid(), old.kid);
        assert_eq!(again.current_receipt(13 * DAY).unwrap().kid(), record.kid);
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
    fn a_key_in_a_module_signs_and_has_no_record() {
        struct Module;
        impl Signer for Module {
            fn algorithm(&self) -> SignatureAlgorithm {
                sample::signer().algorithm()
            }
            fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
                sample::signer().sign(message)
            }
            fn public_key_spki(&self) -> &[u8] {
                sample::signer().public_key_spki()
            }
        }
        let window = Window { created_at: 0, not_before: 0, not_after: DAY };
        let mut ring = KeyRing::new(LIFE);
        ring.add(SigningKey::new(Arc::new(Module), window, None).unwrap()).unwrap();
        let key = ring.current(0).unwrap();
        let claims = sample::claims(0);
        let token = security::issue(&claims, key.signer(), key.kid()).unwrap();
        assert_eq!(security::verify(&token, &ring.key_set(0), 0, LEEWAY).unwrap(), claims);
        assert_eq!(ring.records().unwrap_err(), KeyError::Key(SignError::Kept));
        assert_eq!(KeyRecord::new(&Module, window).unwrap_err(), KeyError::Key(SignError::Kept));
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
