//! ГОСТ 34.10 as the standard writes it: the affine formulas, on big integers, for any curve y² = x³ + ax + b.
//!
//! Slow, and shares nothing with the arithmetic that it is held against: neither its limbs, nor its representation of a
//! number, nor its formulas.

#![expect(clippy::many_single_char_names, reason = "the names of the standard")]

use num_bigint::BigUint;

/// A curve in the notation of RFC 7091, 5.2; its cofactor is 1.
pub struct Curve {
    pub p: BigUint,
    pub a: BigUint,
    pub b: BigUint,
    pub q: BigUint,
    /// The base point.
    pub base: Point,
}

/// A point, or none at infinity.
pub type Point = Option<(BigUint, BigUint)>;

impl Curve {
    /// From the hexadecimal numbers p, a, b, q and both coordinates of the base point.
    pub fn new([p, a, b, q, x, y]: [&str; 6]) -> Self {
        Self { p: hex(p), a: hex(a), b: hex(b), q: hex(q), base: Some((hex(x), hex(y))) }
    }

    /// id-GostR3410-2001-CryptoPro-A-ParamSet, by RFC 4357, 11.4.
    pub fn crypto_pro_a() -> Self {
        Self::new([
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD97",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFD94",
            "A6",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893",
            "1",
            "8D91E471E0989CDA27DF505A453F2B7635294F2DDF23E3B122ACC99C9E9F1E14",
        ])
    }

    /// id-tc26-gost-3410-12-512-paramSetA, by RFC 7836, A.1.
    pub fn tc26_a() -> Self {
        Self::new([
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
             FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC7",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
             FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFDC4",
            "E8C2505DEDFC86DDC1BD0B2B6667F1DA34B82574761CB0E879BD081CFD0B6265\
             EE3CB090F30D27614CB4574010DA90DD862EF9D4EBEE4761503190785A71C760",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
             27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275",
            "3",
            "7503CFE87A836AE3A61B8816E25450E6CE5E1C93ACF1ABC1778064FDCBEFA921\
             DF1626BE4FD036E93D75E6A50E3A41E98028FE5FC235F5B889A589CB5215F2A4",
        ])
    }

    /// x³ + ax + b.
    pub fn right_side(&self, x: &BigUint) -> BigUint {
        (x * x * x + &self.a * x + &self.b) % &self.p
    }

    pub fn contains(&self, point: &Point) -> bool {
        let p = &self.p;
        point.as_ref().is_none_or(|(x, y)| x < p && y < p && (y * y) % p == self.right_side(x))
    }

    /// The point with this x and an even y, if there is one. Only for p = 3 (mod 4).
    pub fn lift(&self, x: &BigUint) -> Point {
        let root = self.right_side(x).modpow(&((&self.p + 1_u32) >> 2), &self.p);
        let y = if root.bit(0) { &self.p - root } else { root };
        let point = Some((x.clone(), y));
        if self.contains(&point) { point } else { None }
    }

    pub fn add(&self, one: &Point, other: &Point) -> Point {
        let (Some((x1, y1)), Some((x2, y2))) = (one, other) else {
            return one.clone().or_else(|| other.clone());
        };
        let p = &self.p;
        let slope = if x1 != x2 {
            quotient(&(y2 + p - y1), &(x2 + p - x1), p)?
        } else if (y1 + y2) % p == BigUint::ZERO {
            return None;
        } else {
            quotient(&(3_u32 * x1 * x1 + &self.a), &(2_u32 * y1), p)?
        };
        let x3 = (&slope * &slope + 2_u32 * p - x1 - x2) % p;
        let y3 = (slope * (x1 + p - &x3) + p - y1) % p;
        Some((x3, y3))
    }

    pub fn times(&self, factor: &BigUint, point: &Point) -> Point {
        (0..factor.bits()).rev().fold(None, |sum, i| {
            let twice = self.add(&sum, &sum);
            if factor.bit(i) { self.add(&twice, point) } else { twice }
        })
    }

    /// The number of a digest, which is given as a number: RFC 7091, 6.1 step 2.
    fn digest(&self, digest: &BigUint) -> BigUint {
        let e = digest % &self.q;
        if e == BigUint::ZERO { BigUint::from(1_u32) } else { e }
    }

    /// r and s by the key `d` and the nonce `k`: RFC 7091, 6.1. None where the standard draws another nonce.
    pub fn sign(&self, d: &BigUint, k: &BigUint, digest: &BigUint) -> Option<(BigUint, BigUint)> {
        let (x, _) = self.times(k, &self.base)?;
        let r = x % &self.q;
        let s = (&r * d + k * self.digest(digest)) % &self.q;
        (r != BigUint::ZERO && s != BigUint::ZERO).then_some((r, s))
    }

    /// Whether r and s are a signature by the key whose point is `key`: RFC 7091, 6.2.
    pub fn verifies(&self, key: &Point, digest: &BigUint, r: &BigUint, s: &BigUint) -> bool {
        let range = BigUint::from(1_u32)..self.q.clone();
        if !range.contains(r) || !range.contains(s) {
            return false;
        }
        let v = inverse(&self.digest(digest), &self.q);
        let (z1, z2) = (s * &v % &self.q, (&self.q - r) * v % &self.q);
        let c = self.add(&self.times(&z1, &self.base), &self.times(&z2, key));
        c.is_some_and(|(x, _)| x % &self.q == *r)
    }
}

/// The number of hexadecimal digits, the most significant first.
pub fn hex(digits: &str) -> BigUint {
    BigUint::parse_bytes(digits.as_bytes(), 16).unwrap()
}

/// 1/number modulo a prime; of zero, zero.
pub fn inverse(number: &BigUint, prime: &BigUint) -> BigUint {
    number.modinv(prime).unwrap_or_default()
}

/// None: `below` is zero modulo `prime`.
fn quotient(above: &BigUint, below: &BigUint, prime: &BigUint) -> Option<BigUint> {
    below.modinv(prime).map(|inverse| above * inverse % prime)
}
