//! Keys of ГОСТ 34.310-2004 and ГОСТ 34.10-2015-512, on the arithmetic of [`crate::trust::gost`] (trust.md 2).

use super::pem::PemKey;
use super::{SignError, SignatureAlgorithm, Signer, pem};
use crate::trust::algorithm::key;
use crate::trust::der::{self, DerError, Reader, tag};
use crate::trust::gost::{PrivateKey, Scheme};
use std::fmt;
use zeroize::Zeroizing;

/// A private key of ГОСТ, ready to sign.
pub struct GostSigner {
    key: PrivateKey,
    spki: Box<[u8]>,
}

impl GostSigner {
    /// Generates a key pair.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the generator fails.
    pub fn generate(scheme: Scheme) -> Result<Self, SignError> {
        PrivateKey::generate(scheme).map(Self::keep).map_err(|_| SignError::Failed)
    }

    /// Reads a PKCS#8 `PrivateKeyInfo` (RFC 5208), unencrypted: identifier and parameters of the public key, and an
    /// OCTET STRING with the number, little-endian, in the OCTET STRING of the private key. Attributes are passed over.
    ///
    /// # Errors
    /// [`SignError::Kind`] for another kind or other parameters, also for what is no `PrivateKeyInfo` at all;
    /// [`SignError::Malformed`] for a number that is no private key of the scheme.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, SignError> {
        let info = Info::read(der).map_err(|_| SignError::Kind)?;
        let scheme = key::gost(info.identifier, info.parameters).ok_or(SignError::Kind)?;
        let mut reader = Reader::new(info.private);
        let number = reader.expect(tag::OCTET_STRING).map_err(|_| SignError::Malformed)?;
        reader.finish().map_err(|_| SignError::Malformed)?;
        PrivateKey::from_bytes(scheme, number).map(Self::keep).map_err(|_| SignError::Malformed)
    }

    /// Reads the first private key of a PEM text (RFC 7468): `PRIVATE KEY` (PKCS#8). Blocks before it are passed over.
    ///
    /// # Errors
    /// [`SignError`] names what is wrong.
    pub fn from_pem(pem: &str) -> Result<Self, SignError> {
        match pem::first_key(pem)? {
            PemKey::Pkcs8(der) => Self::from_pkcs8_der(&der),
            PemKey::Rsa(_) | PemKey::Ec(_) => Err(SignError::Kind),
        }
    }

    fn keep(key: PrivateKey) -> Self {
        let point = der::value(tag::OCTET_STRING, &key.public_key().to_bytes());
        let spki = der::sequence(&[&identifier(key.scheme()), &der::bits(&point)]);
        Self { key, spki: spki.into() }
    }
}

/// The `AlgorithmIdentifier` of a key.
fn identifier(scheme: Scheme) -> Vec<u8> {
    let (identifier, parameters) = key::of_gost(scheme);
    der::sequence(&[&der::value(tag::OID, identifier), &parameters])
}

/// A `PrivateKeyInfo` of any kind.
pub struct Info<'a> {
    /// Content of the identifier of the key's kind.
    pub identifier: &'a [u8],
    /// DER, or nothing.
    parameters: &'a [u8],
    private: &'a [u8],
}

impl<'a> Info<'a> {
    /// Reads DER, with nothing after it.
    pub fn read(der: &'a [u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(der);
        let mut info = outer.enter(tag::SEQUENCE)?;
        outer.finish()?;
        if info.expect(tag::INTEGER)? != [0] {
            return Err(DerError);
        }
        let mut algorithm = info.enter(tag::SEQUENCE)?;
        let identifier = algorithm.expect(tag::OID)?;
        let parameters = if algorithm.is_empty() { &[] } else { algorithm.any()?.raw };
        algorithm.finish()?;
        let private = info.expect(tag::OCTET_STRING)?;
        info.optional(tag::context(0))?;
        info.finish()?;
        Ok(Self { identifier, parameters, private })
    }
}

impl Signer for GostSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        match self.key.scheme() {
            Scheme::Gost2004 => SignatureAlgorithm::Gost2004,
            Scheme::Gost2015 => SignatureAlgorithm::Gost2015,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(message).map_err(|_| SignError::Failed)
    }

    fn public_key_spki(&self) -> &[u8] {
        &self.spki
    }

    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        // Step by step, so that every copy of the number is wiped.
        let number = Zeroizing::new(der::value(tag::OCTET_STRING, &self.key.to_bytes()));
        let private = Zeroizing::new(der::value(tag::OCTET_STRING, &number));
        let algorithm = identifier(self.key.scheme());
        let info = Zeroizing::new([&der::integer(&[0])[..], &algorithm, &private].concat());
        Ok(Zeroizing::new(der::value(tag::SEQUENCE, &info)))
    }
}

impl fmt::Debug for GostSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GostSigner({:?})", self.key.scheme())
    }
}
