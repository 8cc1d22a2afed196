//! The arithmetic held against big integers and the affine formulas, case by case: edge values mixed with random ones.
//!
//! `KDP_GOST_CASES=1000000 cargo test --release --lib differential` runs a million cases; without the variable there are
//! few, for every day.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::many_single_char_names, reason = "the names of the standard")]

#[path = "../../../tests/gost/reference.rs"]
mod reference;

use super::GostError;
use super::curve::{CryptoProA, Curve, Tc26A};
use super::field::Element;
use super::jacobian::{Jacobian, to_affine};
use super::limb::{self, Limbs};
use super::point::{Affine, Point};
use super::scalar::Scalar;
use super::signature::{Secret, Verifying};
use num_bigint::BigUint;
use std::env;

/// Cases of both curves together.
const CASES: usize = 20_000;
/// Numbers of cases before they start over: the slow ones are few.
const ROUND: usize = 1000;

#[test]
fn arithmetic_of_the_256_bit_curve_is_that_of_big_integers() {
    Cases::<CryptoProA, 4>::new(reference::Curve::crypto_pro_a()).run();
}

#[test]
fn arithmetic_of_the_512_bit_curve_is_that_of_big_integers() {
    Cases::<Tc26A, 8>::new(reference::Curve::tc26_a()).run();
}

struct Cases<C, const N: usize> {
    curve: reference::Curve,
    /// Points of many pasts, so that their Z are any.
    points: Vec<Same<C, N>>,
    /// State of the generator.
    state: u64,
}

/// The same point three times.
#[derive(Clone)]
struct Same<C, const N: usize> {
    constant: Point<C, N>,
    variable: Jacobian<C, N>,
    theirs: reference::Point,
}

impl<C: Curve<N>, const N: usize> Cases<C, N> {
    fn new(curve: reference::Curve) -> Self {
        let infinity = Same { constant: Point::INFINITY, variable: Jacobian::INFINITY, theirs: None };
        let base = Same {
            constant: Point::INFINITY.add(&Affine::base()),
            variable: Jacobian::from(Affine::base()),
            theirs: curve.base.clone(),
        };
        Self { curve, points: vec![infinity, base], state: N as u64 }
    }

    fn run(&mut self) {
        self.points_of_large_x();
        let cases = env::var("KDP_GOST_CASES").map_or(CASES, |cases| cases.parse().unwrap()) / 2;
        for case in 0..cases {
            match case % ROUND {
                0 => self.base_multiple(),
                1 => self.sum_of_multiples(),
                2 => self.signature(),
                3..10 => self.small_multiples(),
                10..150 => self.point(),
                150..170 => self.scalar_inverse(),
                170..550 => self.scalar(),
                550..570 => self.field_inverse(),
                _ => self.field(),
            }
        }
        println!("ГОСТ arithmetic, {} bits: {cases} cases", 64 * N);
    }

    fn field(&mut self) {
        let (a, b) = (self.number(&self.prime()), self.number(&self.prime()));
        let (x, y) = (Element::<C, N>::new(a), Element::new(b));
        let (a, b, p) = (big(&a), big(&b), &self.curve.p);
        let small = self.state >> 32;
        let same = |what: &str, ours: Element<C, N>, theirs: BigUint| {
            assert_eq!(big(&ours.canonical()), theirs % p, "{what} of {a:x}, {b:x}, {small:x}");
        };
        same("the sum", x + y, &a + &b);
        same("the difference", x - y, &a + p * 2_u32 - &b);
        same("the product", x * y, &a * &b);
        same("the square", x.square(), &a * &a);
        same("the multiple", x.times(small), &a * small);
        same("b times", C::times_b(x), &a * &self.curve.b);
        same("the chosen", x.select(y, small % 2 == 1), if small % 2 == 1 { b.clone() } else { a.clone() });
        assert_eq!((x - y).is_zero(), &a % p == &b % p, "{a:x} = {b:x}");
        assert_eq!(x.is_zero(), &a % p == BigUint::ZERO, "{a:x} = 0");
        let read = Element::<C, N>::from_le_bytes(&bytes::<N>(&a)).map(|element| big(&element.canonical()));
        assert_eq!(read, (&a < p).then_some(a), "only what is below p is read");
    }

    fn field_inverse(&mut self) {
        let a = self.number(&self.prime());
        let (ours, theirs) = (Element::<C, N>::new(a).invert(), reference::inverse(&big(&a), &self.curve.p));
        assert_eq!(big(&ours.canonical()), theirs, "the inverse of {:x}", big(&a));
    }

    fn scalar(&mut self) {
        let (low, high) = (self.number(&C::Q), self.number(&C::Q));
        let (x, y) = (Scalar::<C, N>::reduce(&low), Scalar::reduce(&high));
        let (a, b, q) = (big(&low), big(&high), &self.curve.q);
        let same = |what: &str, ours: Scalar<C, N>, theirs: BigUint| {
            assert_eq!(big(ours.limbs()), theirs % q, "{what} of {a:x}, {b:x}");
        };
        same("the remainder", x, a.clone());
        same("the wide remainder", Scalar::reduce_wide(&low, &high), &a + (&b << (64 * N)));
        same("the sum", x + y, &a + &b);
        same("the product", x * y, &a * &b);
        same("the negative", -x, q * 2_u32 - &a);
        let e = Scalar::from_digest(&bytes::<N>(&a));
        same("the digest", e, if &a % q == BigUint::ZERO { BigUint::from(1_u32) } else { a.clone() });
        let read = Scalar::<C, N>::from_le_bytes(&bytes::<N>(&a)).map(|scalar| big(scalar.limbs()));
        assert_eq!(read, (a != BigUint::ZERO && &a < q).then_some(a), "only what is between 0 and q is read");
    }

    fn scalar_inverse(&mut self) {
        let a = self.scalar_number();
        let theirs = reference::inverse(&big(a.limbs()), &self.curve.q);
        assert_eq!(big(a.invert().limbs()), theirs, "the inverse of {:x}", big(a.limbs()));
    }

    /// Sums of points that came about by sums: equal ones, opposite ones and the one at infinity among them.
    fn point(&mut self) {
        let (one, other) = (self.below(self.points.len()), self.below(self.points.len()));
        let (one, mut other) = (self.points[one].clone(), self.points[other].clone());
        match self.below(4) {
            0 => other = one.clone(),
            1 => other = Same { variable: one.variable.negate(), theirs: self.opposite(&one.theirs), ..one },
            2 => {
                other =
                    Same { variable: other.variable.negate(), theirs: self.opposite(&other.theirs), ..other }
            }
            _ => {}
        }
        let mut sum = Same { theirs: self.curve.add(&one.theirs, &other.theirs), ..one };
        let what = format!("the sum of {:x?} and {:x?}", one.theirs, other.theirs);
        sum.variable = one.variable.add(&other.variable);
        assert_eq!(variable(&sum.variable), sum.theirs, "{what}");
        if let Some((x, y)) = &other.theirs {
            let other = Affine::new(Element::new(limbs(x)), Element::new(limbs(y))).unwrap();
            sum.constant = one.constant.add(&other);
            sum.variable = one.variable.add_affine(&other);
        }
        assert_eq!(variable(&sum.variable), sum.theirs, "{what}, whose Z is 1");
        assert_eq!(constant(&sum.constant), sum.theirs, "{what}, in a constant time");
        let twice = self.curve.add(&one.theirs, &one.theirs);
        assert_eq!(variable(&one.variable.double()), twice, "twice {:x?}", one.theirs);
        self.has_x(&sum.variable, &sum.theirs);
        if self.points.len() < 40 {
            self.points.push(sum);
        } else {
            let at = 1 + self.below(39);
            self.points[at] = sum;
        }
    }

    fn base_multiple(&mut self) {
        let factor = self.scalar_number();
        let theirs = self.curve.times(&big(factor.limbs()), &self.curve.base);
        let ours = Point::base_times(&factor);
        assert_eq!(constant(&ours), theirs, "{:x} times the base point", big(factor.limbs()));
    }

    fn sum_of_multiples(&mut self) {
        let (factor, other) = (self.scalar_number(), self.scalar_number());
        let at = self.below(self.points.len());
        let point = self.points[at].clone();
        self.both_multiples(&factor, &other, &point.variable, &point.theirs);
    }

    /// Partial sums meet each other where the points are small multiples of the base point, and the factors are small.
    fn small_multiples(&mut self) {
        let mut small = |below| Scalar::<C, N>::reduce(&limbs(&BigUint::from(self.below(below))));
        let (d, factor, other) = (small(40), small(5000), small(5000));
        let opposite = |scalar: Scalar<C, N>| if self.state & 1 << 40 == 0 { scalar } else { -scalar };
        let ours = Jacobian::INFINITY.base_times_plus(&d, &Scalar::ONE);
        let theirs = self.curve.times(&big(d.limbs()), &self.curve.base);
        self.both_multiples(&factor, &other, &ours, &theirs);
        // The sum is at infinity, or a double.
        self.both_multiples(&opposite(d * other), &other, &ours, &theirs);
        let (ours, theirs) = (ours.negate(), self.opposite(&theirs));
        self.both_multiples(&factor, &other, &ours, &theirs);
    }

    fn both_multiples(
        &self,
        factor: &Scalar<C, N>,
        other: &Scalar<C, N>,
        point: &Jacobian<C, N>,
        same: &reference::Point,
    ) {
        let (ours, f, o) = (point.base_times_plus(factor, other), big(factor.limbs()), big(other.limbs()));
        let theirs = self.curve.add(&self.curve.times(&f, &self.curve.base), &self.curve.times(&o, same));
        assert_eq!(variable(&ours), theirs, "{f:x} times the base point, and {o:x} times {same:x?}");
        self.has_x(&ours, &theirs);
    }

    fn has_x(&self, ours: &Jacobian<C, N>, theirs: &reference::Point) {
        let x = theirs.as_ref().map(|(x, _)| x % &self.curve.q);
        let scalar = |number: &BigUint| Scalar::reduce(&limbs(number));
        match x {
            Some(x) => {
                assert!(ours.has_x(&scalar(&x)), "x of {theirs:x?}");
                assert!(!ours.has_x(&scalar(&(x + 1_u32))), "x of {theirs:x?}, plus 1");
            }
            None => assert!(!ours.has_x(&scalar(&BigUint::ZERO)), "nothing is the x of infinity"),
        }
    }

    /// By a nonce that both know.
    fn signature(&mut self) {
        let (d, nonce) = (self.scalar_number(), self.scalar_number());
        let (d_big, k_big, digest) = (big(d.limbs()), big(nonce.limbs()), big(&self.number(&C::Q)));
        let secret = Secret::<C, N>::from_bytes(&bytes::<N>(&d_big));
        if d_big == BigUint::ZERO {
            assert_eq!(secret.err(), Some(GostError::PrivateKey));
            return;
        }
        let secret = secret.unwrap();
        let theirs = self.curve.sign(&d_big, &k_big, &digest);
        let ours = secret.sign_with(&nonce, &bytes::<N>(&digest));
        let encoded = theirs.as_ref().map(|(r, s)| [bytes::<N>(r), bytes::<N>(s)].concat());
        assert_eq!(ours, encoded, "the signature by {d_big:x} and {k_big:x} of {digest:x}");
        let (key, theirs_key) = (secret.public_key(), self.curve.times(&d_big, &self.curve.base));
        assert_eq!(key.to_bytes(), encode::<N>(&theirs_key));
        let Some(((r, s), encoded)) = theirs.zip(encoded) else { return };
        assert!(self.curve.verifies(&theirs_key, &digest, &r, &s));
        assert_eq!(key.verify(&bytes::<N>(&digest), &encoded), Ok(()));
        let other = digest ^ BigUint::from(2_u32);
        let expected = self.curve.verifies(&theirs_key, &other, &r, &s);
        assert_eq!(key.verify(&bytes::<N>(&other), &encoded).is_ok(), expected);
    }

    /// An x from q on is another number than the r that is made of it. None turns up by chance, so that the key is
    /// computed from the signature.
    fn points_of_large_x(&mut self) {
        let (p, q) = (self.curve.p.clone(), self.curve.q.clone());
        let ends = (1_u32..20).flat_map(|i| [&q + i, &p - i]);
        let points: Vec<_> = ends.filter_map(|x| self.curve.lift(&x)).take(4).collect();
        assert_eq!(points.len(), 4);
        for point in points {
            let encoded = encode::<N>(&Some(point.clone()));
            let ours = Verifying::<C, N>::from_bytes(&encoded).unwrap();
            assert_eq!(ours.to_bytes(), encoded);
            let (r, s, e) =
                (&point.0 % &q, big(self.scalar_number().limbs()), big(self.scalar_number().limbs()));
            if s == BigUint::ZERO || e == BigUint::ZERO {
                continue;
            }
            // c = (s/e)·G − (r/e)·Q, so that Q = (s·G − e·c)/r.
            let sum = self
                .curve
                .add(&self.curve.times(&s, &self.curve.base), &self.curve.times(&(&q - &e), &Some(point)));
            let key = self.curve.times(&reference::inverse(&r, &q), &sum);
            assert!(self.curve.verifies(&key, &e, &r, &s));
            let key = Verifying::<C, N>::from_bytes(&encode::<N>(&key)).unwrap();
            assert_eq!(key.verify(&bytes::<N>(&e), &[bytes::<N>(&r), bytes::<N>(&s)].concat()), Ok(()));
        }
    }

    fn opposite(&self, point: &reference::Point) -> reference::Point {
        point.as_ref().map(|(x, y)| (x.clone(), &self.curve.p - y))
    }

    fn prime(&self) -> Limbs<N> {
        limbs(&self.curve.p)
    }

    fn scalar_number(&mut self) -> Scalar<C, N> {
        Scalar::reduce(&self.number(&C::Q))
    }

    /// Any number of N limbs; most are near one of its ends or near the modulus, or make long carries.
    fn number(&mut self, modulus: &Limbs<N>) -> Limbs<N> {
        let small = self.next() % 3;
        match self.below(10) {
            0 => limb::add_small(&[0; N], small).0,
            1 => limb::add_small(modulus, small).0,
            2 => limb::sub_small(modulus, small).0,
            3 => limb::sub_small(&[u64::MAX; N], small).0,
            4 => limb::add_small(&[0; N], self.next() % (2 * C::C)).0,
            5 => limb::sub_small(&[u64::MAX; N], self.next() % (2 * C::C)).0,
            6 => {
                let bit = self.below(64 * N);
                let mut number = [0; N];
                number[bit / 64] = 1 << (bit % 64);
                limb::sub_small(&number, small % 2).0
            }
            7 => [(); N].map(|()| match self.below(5) {
                0 => 0,
                1 => 1,
                2 => u64::MAX,
                3 => 1 << 63,
                _ => self.next(),
            }),
            _ => [(); N].map(|()| self.next()),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 8).unwrap() % bound
    }

    /// `SplitMix64`: the same numbers in every run.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn big<const N: usize>(number: &Limbs<N>) -> BigUint {
    BigUint::from_bytes_le(&limb::to_le_bytes(&[*number]))
}

fn limbs<const N: usize>(number: &BigUint) -> Limbs<N> {
    limb::from_le_bytes(&number.to_bytes_le())
}

/// 8·N bytes, little-endian.
fn bytes<const N: usize>(number: &BigUint) -> Vec<u8> {
    limb::to_le_bytes(&[limbs::<N>(number)])
}

/// x ‖ y.
fn encode<const N: usize>(point: &reference::Point) -> Vec<u8> {
    let (x, y) = point.as_ref().unwrap();
    [bytes::<N>(x), bytes::<N>(y)].concat()
}

/// No point of either curve has the coordinates (0, 0): they stand for infinity, whose Z has no inverse.
fn constant<C: Curve<N>, const N: usize>(point: &Point<C, N>) -> reference::Point {
    let [x, y] = point.to_affine().coordinates().map(|coordinate| big(&coordinate));
    (x != BigUint::ZERO || y != BigUint::ZERO).then_some((x, y))
}

fn variable<C: Curve<N>, const N: usize>(point: &Jacobian<C, N>) -> reference::Point {
    let affine =
        (!point.is_infinity()).then(|| to_affine(&[*point])).and_then(|points| points.first().copied());
    affine.map(|point| point.coordinates().map(|coordinate| big(&coordinate)).into())
}
