//! Numbers modulo q, the number of points of a curve: private keys, nonces, digests and both halves of a signature.

use super::curve::Curve;
use super::limb::{self, Limbs};
use std::marker::PhantomData;
use std::ops::{Add, Mul, Neg};
use zeroize::Zeroize;

/// A number below q. Every operation takes the same time for all values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar<C, const N: usize> {
    limbs: Limbs<N>,
    curve: PhantomData<C>,
}

impl<C: Curve<N>, const N: usize> Scalar<C, N> {
    const fn new(limbs: Limbs<N>) -> Self {
        Self { limbs, curve: PhantomData }
    }

    /// The remainder of `limbs`, whatever it is: q is above 2^(64·N − 1).
    pub fn reduce(limbs: &Limbs<N>) -> Self {
        let (reduced, is_below) = limb::sub(limbs, &C::Q);
        Self::new(limb::select(&reduced, limbs, is_below))
    }

    /// The remainder of a number of two halves.
    pub fn reduce_wide(low: &Limbs<N>, high: &Limbs<N>) -> Self {
        Self::reduce(low) + Self::new(montgomery::<C, N>(high, &C::R2))
    }

    /// Reads 8·N bytes, little-endian; `None`: zero, or not below q.
    pub fn from_le_bytes(bytes: &[u8]) -> Option<Self> {
        let limbs = limb::from_le_bytes(bytes);
        // The number may be a private key. Where the compiler knew q, it would compare limb by limb, and stop early.
        let (_, is_below) = limb::sub(&limbs, &std::hint::black_box(C::Q));
        (is_below & !limb::is_zero(&limbs) & (bytes.len() == 8 * N)).then_some(Self::new(limbs))
    }

    /// The number e of a digest: its remainder, little-endian, or 1 in place of 0 (ГОСТ 34.10-2015, 6.1 step 2).
    pub fn from_digest(digest: &[u8]) -> Self {
        let e = Self::reduce(&limb::from_le_bytes(digest));
        if e.is_zero() { Self::ONE } else { e }
    }

    /// 1.
    pub const ONE: Self = {
        let mut one = [0; N];
        one[0] = 1;
        Self::new(one)
    };

    /// Its limbs.
    pub fn limbs(&self) -> &Limbs<N> {
        &self.limbs
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        limb::is_zero(&self.limbs)
    }

    /// Its inverse, self^(q − 2); of zero, zero.
    #[expect(clippy::indexing_slicing, reason = "four bits are below 16")]
    pub fn invert(self) -> Self {
        let base = montgomery::<C, N>(&self.limbs, &C::R2);
        let mut powers = [montgomery::<C, N>(&Self::ONE.limbs, &C::R2); 16];
        for i in 1..16 {
            powers[i] = montgomery::<C, N>(&powers[i - 1], &base);
        }
        let (exponent, _) = limb::sub_small(&C::Q, 2);
        let mut result = powers[0];
        for limb in exponent.iter().rev() {
            for shift in (0..16).rev() {
                for _ in 0..4 {
                    result = montgomery::<C, N>(&result, &result);
                }
                let digit = usize::try_from(limb >> (4 * shift) & 15).unwrap_or_default();
                result = montgomery::<C, N>(&result, &powers[digit]);
            }
        }
        Self::new(montgomery::<C, N>(&result, &Self::ONE.limbs))
    }
}

impl<C: Curve<N>, const N: usize> Add for Scalar<C, N> {
    type Output = Self;

    #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator may become a branch on a secret")]
    fn add(self, other: Self) -> Self {
        let (sum, carry) = limb::add(&self.limbs, &other.limbs);
        let (reduced, is_below) = limb::sub(&sum, &C::Q);
        Self::new(limb::select(&reduced, &sum, is_below & !carry))
    }
}

impl<C: Curve<N>, const N: usize> Neg for Scalar<C, N> {
    type Output = Self;

    fn neg(self) -> Self {
        Self::reduce(&limb::sub(&C::Q, &self.limbs).0)
    }
}

impl<C: Curve<N>, const N: usize> Mul for Scalar<C, N> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = montgomery::<C, N>(&self.limbs, &other.limbs);
        Self::new(montgomery::<C, N>(&product, &C::R2))
    }
}

impl<C: Curve<N>, const N: usize> Zeroize for Scalar<C, N> {
    fn zeroize(&mut self) {
        self.limbs.zeroize();
    }
}

/// a·b/2^(64·N) mod q, of a number `a` of any size and `b` below q (Montgomery, 1985).
#[expect(clippy::indexing_slicing, reason = "loops up to N, which the compiler sees")]
#[expect(clippy::needless_bitwise_bool, reason = "a lazy operator may become a branch on a secret")]
fn montgomery<C: Curve<N>, const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<N> {
    let mut sum = [0; N];
    let mut top = 0;
    for limb in a {
        let mut carry = 0;
        for j in 0..N {
            (sum[j], carry) = limb.carrying_mul_add(b[j], sum[j], carry);
        }
        let (above, over) = carry.overflowing_add(top);
        let factor = sum[0].wrapping_mul(C::Q_INVERSE);
        (_, carry) = factor.carrying_mul_add(C::Q[0], sum[0], 0);
        for j in 1..N {
            (sum[j - 1], carry) = factor.carrying_mul_add(C::Q[j], sum[j], carry);
        }
        let (above, again) = above.overflowing_add(carry);
        sum[N - 1] = above;
        top = u64::from(over) + u64::from(again);
    }
    let (reduced, is_below) = limb::sub(&sum, &C::Q);
    limb::select(&reduced, &sum, is_below & (top == 0))
}
