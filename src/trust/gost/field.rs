//! Elements of the field of a curve: numbers modulo p = 2^(64·N) − c.
//!
//! An element is held as any number below 2^(64·N) that is congruent to it: 2^(64·N) is c modulo p, so what overflows
//! comes back as a small addend, and no comparison with p is needed. Every operation takes the same time for all values.

use super::curve::Curve;
use super::limb::{self, Limbs};
use std::marker::PhantomData;
use std::ops::{Add, Mul, Sub};

/// An element of the field.
#[derive(Clone, Copy, Debug)]
pub struct Element<C, const N: usize> {
    limbs: Limbs<N>,
    curve: PhantomData<C>,
}

impl<C: Curve<N>, const N: usize> Element<C, N> {
    /// The element to which `limbs` is congruent.
    pub const fn new(limbs: Limbs<N>) -> Self {
        Self { limbs, curve: PhantomData }
    }

    /// 0.
    pub const ZERO: Self = Self::new([0; N]);

    /// 1.
    pub const ONE: Self = {
        let mut one = [0; N];
        one[0] = 1;
        Self::new(one)
    };

    /// Reads 8·N bytes, little-endian; `None`: not below p.
    pub fn from_le_bytes(bytes: &[u8]) -> Option<Self> {
        let limbs = limb::from_le_bytes(bytes);
        let (_, is_above) = limb::add_small(&limbs, C::C);
        (!is_above && bytes.len() == 8 * N).then_some(Self::new(limbs))
    }

    /// The number below p.
    pub fn canonical(self) -> Limbs<N> {
        let (reduced, is_above) = limb::add_small(&self.limbs, C::C);
        limb::select(&self.limbs, &reduced, is_above)
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        limb::is_zero(&self.canonical())
    }

    /// `self`, or `other` if `choice`.
    #[inline]
    pub fn select(self, other: Self, choice: bool) -> Self {
        Self::new(limb::select(&self.limbs, &other.limbs, choice))
    }

    /// Its square.
    #[inline]
    pub fn square(self) -> Self {
        let (low, high) = limb::square(&self.limbs);
        Self::reduce(&low, &high)
    }

    /// A small multiple: `factor` has at most 32 bits.
    #[inline]
    pub fn times(self, factor: u64) -> Self {
        let (product, top) = limb::mul_small(&self.limbs, factor, &[0; N]);
        Self::fold(&product, top)
    }

    /// Its inverse, self^(p − 2); of zero, zero.
    #[expect(clippy::indexing_slicing, reason = "four bits are below 16")]
    pub fn invert(self) -> Self {
        let mut powers = [Self::ONE; 16];
        for i in 1..16 {
            powers[i] = powers[i - 1] * self;
        }
        let mut exponent = [u64::MAX; N];
        exponent[0] -= C::C + 1;
        let mut result = Self::ONE;
        // The exponent is no secret.
        for limb in exponent.iter().rev() {
            for shift in (0..16).rev() {
                result = result.square().square().square().square();
                result = result * powers[usize::try_from(limb >> (4 * shift) & 15).unwrap_or_default()];
            }
        }
        result
    }

    /// low + high·2^(64·N).
    #[inline]
    fn reduce(low: &Limbs<N>, high: &Limbs<N>) -> Self {
        let (sum, top) = limb::mul_small(high, C::C, low);
        Self::fold(&sum, top)
    }

    /// number + top·2^(64·N), where `top` has at most 42 bits.
    #[inline]
    fn fold(number: &Limbs<N>, top: u64) -> Self {
        let (sum, carry) = limb::add_small(number, top * C::C);
        // Whatever overflowed left a small number behind, so that this does not.
        let (sum, _) = limb::add_small(&sum, u64::from(carry) * C::C);
        Self::new(sum)
    }
}

impl<C: Curve<N>, const N: usize> Add for Element<C, N> {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let (sum, carry) = limb::add(&self.limbs, &other.limbs);
        Self::fold(&sum, u64::from(carry))
    }
}

impl<C: Curve<N>, const N: usize> Sub for Element<C, N> {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        let (difference, borrow) = limb::sub(&self.limbs, &other.limbs);
        let (difference, borrow) = limb::sub_small(&difference, u64::from(borrow) * C::C);
        let (difference, _) = limb::sub_small(&difference, u64::from(borrow) * C::C);
        Self::new(difference)
    }
}

impl<C: Curve<N>, const N: usize> Mul for Element<C, N> {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        let (low, high) = limb::mul(&self.limbs, &other.limbs);
        Self::reduce(&low, &high)
    }
}
