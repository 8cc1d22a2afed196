//! The equations of ГОСТ 34.10 (RFC 7091, 6.1 and 6.2), which are those of ГОСТ 34.310-2004 too.

use super::GostError;
use super::curve::Curve;
use super::field::Element;
use super::jacobian::Jacobian;
use super::limb;
use super::point::{Affine, Point};
use super::scalar::Scalar;
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Salt};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use zeroize::{Zeroize as _, Zeroizing};

/// A public key.
#[derive(Clone, Debug)]
pub struct Verifying<C, const N: usize> {
    point: Affine<C, N>,
}

impl<C: Curve<N>, const N: usize> Verifying<C, N> {
    /// Reads x ‖ y, 8·N bytes each, little-endian.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GostError> {
        if bytes.len() != 16 * N {
            return Err(GostError::KeyLength);
        }
        let (x, y) = bytes.split_at(8 * N);
        let coordinate = |bytes| Element::from_le_bytes(bytes).ok_or(GostError::Coordinate);
        let point = Affine::new(coordinate(x)?, coordinate(y)?).ok_or(GostError::NotOnCurve)?;
        Ok(Self { point })
    }

    /// x ‖ y.
    pub fn to_bytes(&self) -> Vec<u8> {
        limb::to_le_bytes(&self.point.coordinates())
    }

    /// Verifies r ‖ s over a digest.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), GostError> {
        if signature.len() != 16 * N {
            return Err(GostError::SignatureLength);
        }
        let (r, s) = signature.split_at(8 * N);
        let half = |bytes| Scalar::<C, N>::from_le_bytes(bytes).ok_or(GostError::Range);
        let (r, s) = (half(r)?, half(s)?);
        let v = Scalar::from_digest(digest).invert();
        let c = Jacobian::from(self.point).base_times_plus(&(s * v), &-(r * v));
        if c.has_x(&r) { Ok(()) } else { Err(GostError::Mismatch) }
    }
}

/// A private key, wiped when dropped.
pub struct Secret<C: Curve<N>, const N: usize> {
    d: Scalar<C, N>,
}

impl<C: Curve<N>, const N: usize> Drop for Secret<C, N> {
    fn drop(&mut self) {
        self.d.zeroize();
    }
}

impl<C: Curve<N>, const N: usize> Secret<C, N> {
    /// Draws a key.
    pub fn generate() -> Result<Self, GostError> {
        let mut bytes = Zeroizing::new(vec![0; 16 * N]);
        SystemRandom::new().fill(&mut bytes).map_err(|_| GostError::Random)?;
        Some(Self { d: wide(&bytes) }).filter(|key| !key.d.is_zero()).ok_or(GostError::Random)
    }

    /// Reads 8·N bytes, little-endian.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GostError> {
        Scalar::from_le_bytes(bytes).map(|d| Self { d }).ok_or(GostError::PrivateKey)
    }

    /// 8·N bytes, little-endian.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(limb::to_le_bytes(&[*self.d.limbs()]))
    }

    /// Its public key.
    pub fn public_key(&self) -> Verifying<C, N> {
        Verifying { point: Point::base_times(&self.d).to_affine() }
    }

    /// Signs a digest: r ‖ s.
    ///
    /// The nonce is drawn from the key and the digest, as RFC 6979 would have it, and from fresh random bytes as well:
    /// a generator that fails or repeats itself costs no key, and two signatures of one message differ.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, GostError> {
        // Both conditions of the standard to draw again hold with a probability of some 2^-256.
        for _ in 0..8 {
            if let Some(signature) = self.sign_with(&*self.nonce(digest)?, digest) {
                return Ok(signature);
            }
        }
        Err(GostError::Random)
    }

    /// The signature by a nonce; `None`: r or s would be zero.
    pub fn sign_with(&self, nonce: &Scalar<C, N>, digest: &[u8]) -> Option<Vec<u8>> {
        let [x, _] = Point::base_times(nonce).to_affine().coordinates();
        let r = Scalar::reduce(&x);
        let s = r * self.d + *nonce * Scalar::from_digest(digest);
        (!r.is_zero() && !s.is_zero()).then(|| limb::to_le_bytes(&[*r.limbs(), *s.limbs()]))
    }

    fn nonce(&self, digest: &[u8]) -> Result<Zeroizing<Scalar<C, N>>, GostError> {
        let mut fresh = [0; 32];
        SystemRandom::new().fill(&mut fresh).map_err(|_| GostError::Random)?;
        let mut bytes = Zeroizing::new(vec![0; 16 * N]);
        Salt::new(HKDF_SHA512, &fresh)
            .extract(&self.to_bytes())
            .expand(&[b"nonce", digest], Length(16 * N))
            .and_then(|nonce| nonce.fill(&mut bytes))
            .map_err(|_| GostError::Random)?;
        Ok(Zeroizing::new(wide(&bytes)))
    }
}

/// A number of 16·N bytes modulo q: so many more bits than q has that no remainder is likelier than another.
fn wide<C: Curve<N>, const N: usize>(bytes: &[u8]) -> Scalar<C, N> {
    let (low, high) = bytes.split_at(8 * N);
    Scalar::reduce_wide(&limb::from_le_bytes(low), &limb::from_le_bytes(high))
}

/// How many bytes of a nonce are wanted.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
