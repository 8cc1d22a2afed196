//! The service's own signing keys: when each signs, how long each stays published, how one follows another.
//!
//! A key has a window, `not_before` to `not_after`, in which it may sign. Of the keys whose window is open the
//! newest signs, so a key ends signing when its successor begins. A new key is published from its creation, a
//! lead before it signs, so that owners who cache the JWKS know it in time; a key that has ended stays
//! published until the last token that it can have signed is expired. Everything follows from the records: a
//! rotation adds one and changes none. A distrusted key neither signs nor is published, at once.
//!
//! RSA keys sign security tokens and the status list, keys on P-256 receipts; the two follow each other apart.

mod key_ring;

pub use self::key_ring::KeyRing;

use super::ec::ReceiptKey;
use super::rsa::VerifyingKey;
use crate::trust::sign::{self, SignError, SignatureAlgorithm, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
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

/// What a key signs; its kind decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// RSA: security tokens and the status list.
    Token,
    /// P-256: receipts of token checks.
    Receipt,
}

impl KeyPurpose {
    /// What a signer signs as a key of the service.
    ///
    /// # Errors
    /// [`SignError::NotOfService`]: tokens are signed by RSA and receipts on P-256, since owners read them everywhere.
    pub fn of(signer: &dyn Signer) -> Result<Self, SignError> {
        match signer.algorithm() {
            SignatureAlgorithm::RsaSha256 => Ok(Self::Token),
            SignatureAlgorithm::EcdsaP256Sha256 => Ok(Self::Receipt),
            SignatureAlgorithm::Gost2004 | SignatureAlgorithm::Gost2015 => Err(SignError::NotOfService),
        }
    }
}

/// A key as it is stored. The store seals `pkcs8`; `Debug` does not show it.
#[derive(Clone)]
pub struct KeyRecord {
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The private key, DER; its kind decides what it signs.
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
    /// [`KeyError::Window`], [`KeyError::Public`], or [`KeyError::Key`], also for a key that does not leave its
    /// module.
    pub fn new(signer: &dyn Signer, window: Window) -> Result<Self, KeyError> {
        let kid = PublicHalf::of(signer)?.kid().to_owned();
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
    public: PublicHalf,
    public_key: String,
}

/// The public key, under its RFC 7638 thumbprint.
#[derive(Clone)]
enum PublicHalf {
    Token(VerifyingKey),
    Receipt(ReceiptKey),
}

impl SigningKey {
    /// Makes a key of its record.
    ///
    /// # Errors
    /// [`KeyError`] when the private key is broken or is not the one that the record names.
    pub fn from_record(record: &KeyRecord) -> Result<Self, KeyError> {
        let signer = Arc::from(sign::from_pkcs8_der(&record.pkcs8)?);
        let key = Self::new(signer, record.window, record.distrusted_at)?;
        if key.kid() == record.kid { Ok(key) } else { Err(KeyError::Kid) }
    }

    /// Makes a key of any signer, such as one in a certified module, which has no record.
    ///
    /// # Errors
    /// [`KeyError::Public`] when the public half is neither an RSA key of 2048 to 4096 bits nor one on P-256.
    pub fn new(
        signer: Arc<dyn Signer>,
        window: Window,
        distrusted_at: Option<i64>,
    ) -> Result<Self, KeyError> {
        let public = PublicHalf::of(&*signer)?;
        let public_key = STANDARD.encode(signer.public_key_spki());
        Ok(Self { window, distrusted_at, signer, public, public_key })
    }

    /// The key as it is stored.
    ///
    /// # Errors
    /// [`KeyError::Key`] when the private key does not leave its module.
    pub fn record(&self) -> Result<KeyRecord, KeyError> {
        let kid = self.kid().to_owned();
        let pkcs8 = self.signer.to_pkcs8_der()?;
        Ok(KeyRecord { kid, pkcs8, window: self.window, distrusted_at: self.distrusted_at })
    }

    /// RFC 7638 thumbprint of the public key: the `kid` of tokens and JWKS.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// What it signs.
    #[must_use]
    pub fn purpose(&self) -> KeyPurpose {
        match self.public {
            PublicHalf::Token(_) => KeyPurpose::Token,
            PublicHalf::Receipt(_) => KeyPurpose::Receipt,
        }
    }

    /// Its public half, if it signs receipts and statements.
    #[must_use]
    pub fn receipt_key(&self) -> Option<&ReceiptKey> {
        match &self.public {
            PublicHalf::Token(_) => None,
            PublicHalf::Receipt(key) => Some(key),
        }
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

    /// The value of `public-key` of a reply (wire.md 2.2): the DER SPKI in base64, on one line.
    #[must_use]
    pub fn public_key_base64(&self) -> &str {
        &self.public_key
    }

    /// Since when a registrar distrusts it, Unix seconds.
    #[must_use]
    pub fn distrusted_at(&self) -> Option<i64> {
        self.distrusted_at
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
            .field("kid", &self.kid())
            .field("purpose", &self.purpose())
            .field("window", &self.window)
            .field("distrusted_at", &self.distrusted_at)
            .finish_non_exhaustive()
    }
}

impl PublicHalf {
    fn of(signer: &dyn Signer) -> Result<Self, KeyError> {
        let spki = signer.public_key_spki();
        let public = match KeyPurpose::of(signer)? {
            KeyPurpose::Token => VerifyingKey::from_spki_der(spki, None)
                .and_then(|key| key.thumbprint().map(|kid| Self::Token(key.with_kid(kid)))),
            KeyPurpose::Receipt => ReceiptKey::from_spki_der(spki).map(Self::Receipt),
        };
        public.map_err(|_| KeyError::Public)
    }

    fn kid(&self) -> &str {
        match self {
            // It was given its name above.
            Self::Token(key) => key.kid().unwrap_or_default(),
            Self::Receipt(key) => key.kid(),
        }
    }

    fn to_jwk(&self) -> Jwk {
        match self {
            Self::Token(key) => key.to_jwk(),
            Self::Receipt(key) => key.to_jwk(),
        }
    }
}
