//! Sums and multiples of points where everybody may know the numbers: faster than in `point.rs`, in a time that tells them.
//!
//! The formulas are those of Jacobian coordinates for a = −3 (Explicit-Formulas Database: dbl-2001-b, add-1998-cmo-2).
//! They say nothing true of a point that is added to itself, to its opposite or to infinity: these cases are asked for.

use super::curve::Curve;
use super::field::Element;
use super::limb::{self, Limbs};
use super::point::Affine;
use super::scalar::Scalar;
use std::iter::zip;

/// Width of the digits of a number that a key is multiplied by. Its odd multiples are computed for each signature.
const WIDTH: usize = 5;
/// Width of the digits of a number that the base point is multiplied by. Its odd multiples are kept.
const BASE_WIDTH: usize = 8;

/// A point (X/Z², Y/Z³); at infinity, Z is 0.
#[derive(Clone, Copy, Debug)]
pub struct Jacobian<C, const N: usize> {
    x: Element<C, N>,
    y: Element<C, N>,
    z: Element<C, N>,
}

impl<C: Curve<N>, const N: usize> From<Affine<C, N>> for Jacobian<C, N> {
    fn from(point: Affine<C, N>) -> Self {
        Self { x: point.x, y: point.y, z: Element::ONE }
    }
}

impl<C: Curve<N>, const N: usize> Jacobian<C, N> {
    /// The point at infinity.
    pub const INFINITY: Self = Self { x: Element::ONE, y: Element::ONE, z: Element::ZERO };

    /// Whether it is the point at infinity.
    pub fn is_infinity(&self) -> bool {
        self.z.is_zero()
    }

    /// Twice the point. The number of points is odd, so that infinity is the double of itself alone.
    pub fn double(&self) -> Self {
        let (zz, yy) = (self.z.square(), self.y.square());
        let xyy = self.x * yy;
        let slope = ((self.x - zz) * (self.x + zz)).times(3);
        let x = slope.square() - xyy.times(8);
        let y = slope * (xyy.times(4) - x) - yy.square().times(8);
        Self { x, y, z: (self.y * self.z).times(2) }
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Self {
        if self.is_infinity() {
            return *other;
        }
        if other.is_infinity() {
            return *self;
        }
        let (zz, others) = (self.z.square(), other.z.square());
        let this = [self.x * others, self.y * (others * other.z)];
        self.sum(this, [other.x * zz, other.y * (zz * self.z)], self.z * other.z)
    }

    /// The sum with a point whose Z is 1.
    pub fn add_affine(&self, other: &Affine<C, N>) -> Self {
        if self.is_infinity() {
            return Self::from(*other);
        }
        let zz = self.z.square();
        self.sum([self.x, self.y], [other.x * zz, other.y * (zz * self.z)], self.z)
    }

    /// The sum of `self` and another point, neither at infinity, from both X and Y over one Z.
    #[inline]
    fn sum(&self, [x, y]: [Element<C, N>; 2], other: [Element<C, N>; 2], z: Element<C, N>) -> Self {
        let (run, rise) = (other[0] - x, other[1] - y);
        if run.is_zero() {
            return if rise.is_zero() { self.double() } else { Self::INFINITY };
        }
        let square = run.square();
        let (cube, middle) = (square * run, x * square);
        let x = rise.square() - cube - middle.times(2);
        Self { x, y: rise * (middle - x) - y * cube, z: z * run }
    }

    /// The opposite point.
    pub fn negate(&self) -> Self {
        Self { y: Element::ZERO - self.y, ..*self }
    }

    /// Whether the point's x, modulo q, is `r`. Spares the division by Z².
    pub fn has_x(&self, r: &Scalar<C, N>) -> bool {
        if self.is_infinity() {
            return false;
        }
        let zz = self.z.square();
        let is = |x: &Limbs<N>| (Element::new(*x) * zz - self.x).is_zero();
        let (above, too_large) = limb::add(r.limbs(), &C::Q);
        // x is below p, and q may be below it too.
        let (_, beyond_p) = limb::add_small(&above, C::C);
        is(r.limbs()) || (!too_large && !beyond_p && is(&above))
    }

    /// factor·G + other·self, with the doublings shared (Straus, 1964).
    pub fn base_times_plus(&self, factor: &Scalar<C, N>, other: &Scalar<C, N>) -> Self {
        let of_base = &C::table().odd;
        let of_self = self.odd_multiples(1 << (WIDTH - 2));
        let digits = zip(signed_digits(factor, BASE_WIDTH), signed_digits(other, WIDTH));
        let mut sum = Self::INFINITY;
        for (base_digit, digit) in digits.rev() {
            sum = sum.double();
            if let Some(multiple) = of_self.get(place(digit)) {
                sum = sum.add(&if digit < 0 { multiple.negate() } else { *multiple });
            }
            if let Some(multiple) = of_base.get(place(base_digit)) {
                sum = sum.add_affine(&if base_digit < 0 { multiple.negate() } else { *multiple });
            }
        }
        sum
    }

    /// self, 3·self, 5·self and so on.
    fn odd_multiples(&self, count: usize) -> Vec<Self> {
        let twice = self.double();
        std::iter::successors(Some(*self), |multiple| Some(multiple.add(&twice))).take(count).collect()
    }
}

/// Where the multiple for an odd digit stands; beyond the end for zero, which has none.
fn place(digit: i8) -> usize {
    if digit == 0 { usize::MAX } else { usize::from(digit.unsigned_abs() / 2) }
}

/// A number as odd digits between −2^(width − 1) and 2^(width − 1), with at least width − 1 zeros between them, the least
/// significant first.
fn signed_digits<C: Curve<N>, const N: usize>(number: &Scalar<C, N>, width: usize) -> Vec<i8> {
    let mut digits = vec![0; 64 * N + 1];
    let (mut at, mut carry) = (0, 0);
    while let Some(digit) = digits.get_mut(at) {
        let bit = |i| i16::from(limb::bit(number.limbs(), at + i));
        if bit(0) == carry {
            at += 1;
            continue;
        }
        let window = (0..width).map(|i| bit(i) << i).sum::<i16>() + carry;
        carry = i16::from(window > 1 << (width - 1));
        *digit = i8::try_from(window - (carry << width)).unwrap_or_default();
        at += width;
    }
    digits
}

/// Multiples of the base point.
pub struct Table<C, const N: usize> {
    /// d·16^i·G: a row for each i that a number has digits, and in it d from 1 to 15.
    pub rows: Vec<[Affine<C, N>; 15]>,
    /// G, 3·G, 5·G and so on.
    odd: Vec<Affine<C, N>>,
}

impl<C: Curve<N>, const N: usize> Table<C, N> {
    /// Computes it: some milliseconds.
    pub fn new() -> Self {
        let base = Jacobian::from(Affine::base());
        let mut points = Vec::with_capacity(240 * N);
        let mut first = base;
        for _ in 0..16 * N {
            let mut multiple = first;
            for _ in 0..15 {
                points.push(multiple);
                multiple = multiple.add(&first);
            }
            first = multiple;
        }
        Self {
            rows: to_affine(&points).as_chunks().0.to_vec(),
            odd: to_affine(&base.odd_multiples(1 << (BASE_WIDTH - 2))),
        }
    }
}

/// The same points with Z = 1. None of them is at infinity. One division does for all of them: by the product of their Z.
pub fn to_affine<C: Curve<N>, const N: usize>(points: &[Jacobian<C, N>]) -> Vec<Affine<C, N>> {
    let mut product = Element::ONE;
    let mut inverses = Vec::with_capacity(points.len());
    for point in points {
        inverses.push(product);
        product = product * point.z;
    }
    let mut inverse = product.invert();
    for (point, before) in zip(points, &mut inverses).rev() {
        *before = *before * inverse;
        inverse = inverse * point.z;
    }
    let affine = |(point, inverse): (&Jacobian<C, N>, &Element<C, N>)| {
        let square = inverse.square();
        Affine { x: point.x * square, y: point.y * (square * *inverse) }
    };
    zip(points, &inverses).map(affine).collect()
}
