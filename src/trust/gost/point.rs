//! Points of a curve, and multiples of the base point in a time that does not depend on the factor.
//!
//! The sum is by a complete formula: no pair of points is a special case, so there is none to forget and none to be seen
//! from outside. What everybody may know is computed in `jacobian.rs`.

use super::curve::Curve;
use super::field::Element;
use super::limb::Limbs;
use super::scalar::Scalar;
use std::iter::zip;

/// A point other than the one at infinity.
#[derive(Clone, Copy, Debug)]
pub struct Affine<C, const N: usize> {
    /// Its x.
    pub x: Element<C, N>,
    /// Its y.
    pub y: Element<C, N>,
}

/// A point (X/Z, Y/Z); at infinity, Z is 0.
#[derive(Clone, Copy, Debug)]
pub struct Point<C, const N: usize> {
    x: Element<C, N>,
    y: Element<C, N>,
    z: Element<C, N>,
}

impl<C: Curve<N>, const N: usize> Affine<C, N> {
    /// The base point.
    pub fn base() -> Self {
        Self { x: Element::new(C::G.0), y: Element::new(C::G.1) }
    }

    /// The point of these coordinates, if it is on the curve. As the number of points is prime, each of them will do.
    pub fn new(x: Element<C, N>, y: Element<C, N>) -> Option<Self> {
        let right = (x.square() - Element::ONE.times(3)) * x + Element::new(C::B);
        (y.square() - right).is_zero().then_some(Self { x, y })
    }

    /// Both coordinates.
    pub fn coordinates(&self) -> [Limbs<N>; 2] {
        [self.x.canonical(), self.y.canonical()]
    }

    /// The opposite point.
    pub fn negate(&self) -> Self {
        Self { y: Element::ZERO - self.y, ..*self }
    }

    fn select(self, other: &Self, choice: bool) -> Self {
        Self { x: self.x.select(other.x, choice), y: self.y.select(other.y, choice) }
    }
}

impl<C: Curve<N>, const N: usize> Point<C, N> {
    /// The point at infinity.
    pub const INFINITY: Self = Self { x: Element::ZERO, y: Element::ONE, z: Element::ZERO };

    /// The sum, by Renes, Costello and Batina (2016, algorithm 5): complete for a = −3 and an odd number of points.
    pub fn add(&self, other: &Affine<C, N>) -> Self {
        let (xx, yy, zz) = (self.x * other.x, self.y * other.y, self.z);
        let xy = (self.x + self.y) * (other.x + other.y) - (xx + yy);
        let yz = other.y * self.z + self.y;
        let xz = other.x * self.z + self.x;
        let middle = (xz - C::times_b(zz)).times(3);
        let across = (C::times_b(xz) - zz.times(3) - xx).times(3);
        let (plus, minus, line) = (yy + middle, yy - middle, (xx - zz).times(3));
        Self { x: plus * xy - yz * across, y: plus * minus + line * across, z: minus * yz + xy * line }
    }

    fn select(self, other: &Self, choice: bool) -> Self {
        Self {
            x: self.x.select(other.x, choice),
            y: self.y.select(other.y, choice),
            z: self.z.select(other.z, choice),
        }
    }

    /// The same point with Z = 1; of the one at infinity, (0, 0), which is no point.
    pub fn to_affine(self) -> Affine<C, N> {
        let inverse = self.z.invert();
        Affine { x: self.x * inverse, y: self.y * inverse }
    }

    /// factor·G, in a time that does not depend on `factor`.
    pub fn base_times(factor: &Scalar<C, N>) -> Self {
        let mut sum = Self::INFINITY;
        for (digit, row) in zip(digits(factor), &C::table().rows) {
            // Each row is read whole, so that the digit does not show in what is read.
            let mut wanted = row[0];
            for (n, point) in zip(1.., row) {
                wanted = wanted.select(point, n == digit);
            }
            sum = sum.select(&sum.add(&wanted), digit != 0);
        }
        sum
    }
}

/// A number by four bits at a time, the least significant first.
fn digits<C: Curve<N>, const N: usize>(number: &Scalar<C, N>) -> impl Iterator<Item = u64> {
    number.limbs().iter().flat_map(|limb| (0..16).map(move |i| limb >> (4 * i) & 15))
}
