//! Numbers of fixed width: `N` limbs of 64 bits, the least significant first.
//!
//! Nothing here branches on a value or indexes by one, so that secrets may pass through it.

#![expect(clippy::indexing_slicing, reason = "loops up to N, which the compiler sees")]

use std::array;

/// A number below 2^(64·N).
pub type Limbs<const N: usize> = [u64; N];

/// The number in `bytes`, little-endian; bytes beyond its width are not read, missing ones are zero.
pub fn from_le_bytes<const N: usize>(bytes: &[u8]) -> Limbs<N> {
    let mut words = bytes.chunks(8).map(|chunk| {
        let mut word = [0_u8; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    });
    array::from_fn(|_| words.next().unwrap_or_default())
}

/// 8·N bytes of each of `numbers`, little-endian.
pub fn to_le_bytes<const N: usize>(numbers: &[Limbs<N>]) -> Vec<u8> {
    let words: Vec<[u8; 8]> = numbers.as_flattened().iter().map(|limb| limb.to_le_bytes()).collect();
    words.into_flattened()
}

/// a + b, and whether it does not fit.
#[inline]
pub fn add<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, bool) {
    let mut carry = false;
    let sum = array::from_fn(|i| {
        let (limb, out) = a[i].carrying_add(b[i], carry);
        carry = out;
        limb
    });
    (sum, carry)
}

/// a − b, and whether it is negative.
#[inline]
pub fn sub<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, bool) {
    let mut borrow = false;
    let difference = array::from_fn(|i| {
        let (limb, out) = a[i].borrowing_sub(b[i], borrow);
        borrow = out;
        limb
    });
    (difference, borrow)
}

/// a + b, and whether it does not fit; the rest of `b` is zero.
#[inline]
pub fn add_small<const N: usize>(a: &Limbs<N>, b: u64) -> (Limbs<N>, bool) {
    let mut addend = b;
    let mut carry = false;
    let sum = array::from_fn(|i| {
        let (limb, out) = a[i].carrying_add(addend, carry);
        (addend, carry) = (0, out);
        limb
    });
    (sum, carry)
}

/// a − b, and whether it is negative; the rest of `b` is zero.
#[inline]
pub fn sub_small<const N: usize>(a: &Limbs<N>, b: u64) -> (Limbs<N>, bool) {
    let mut subtrahend = b;
    let mut borrow = false;
    let difference = array::from_fn(|i| {
        let (limb, out) = a[i].borrowing_sub(subtrahend, borrow);
        (subtrahend, borrow) = (0, out);
        limb
    });
    (difference, borrow)
}

/// a·b as its low and high half.
#[inline]
pub fn mul<const N: usize>(a: &Limbs<N>, b: &Limbs<N>) -> (Limbs<N>, Limbs<N>) {
    let (mut low, mut high) = ([0; N], [0; N]);
    for i in 0..N {
        let mut carry;
        (low[i], carry) = a[i].carrying_mul_add(b[0], high[0], 0);
        for j in 1..N {
            (high[j - 1], carry) = a[i].carrying_mul_add(b[j], high[j], carry);
        }
        high[N - 1] = carry;
    }
    (low, high)
}

/// a² as its low and high half: each product of two different limbs is made once, and doubled.
#[inline]
pub fn square<const N: usize>(a: &Limbs<N>) -> (Limbs<N>, Limbs<N>) {
    let mut halves = [[0; N]; 2];
    let square = halves.as_flattened_mut();
    for i in 0..N {
        let mut carry = 0;
        for j in i + 1..N {
            (square[i + j], carry) = a[i].carrying_mul_add(a[j], square[i + j], carry);
        }
        square[i + N] = carry;
    }
    let (mut top, mut carry) = (0, false);
    for i in 0..N {
        let (low, high) = a[i].carrying_mul(a[i], 0);
        let (even, odd) = (square[2 * i], square[2 * i + 1]);
        (square[2 * i], carry) = (even << 1 | top).carrying_add(low, carry);
        (square[2 * i + 1], carry) = (odd << 1 | even >> 63).carrying_add(high, carry);
        top = odd >> 63;
    }
    let [low, high] = halves;
    (low, high)
}

/// a·b + c as N limbs and the one above them.
#[inline]
pub fn mul_small<const N: usize>(a: &Limbs<N>, b: u64, c: &Limbs<N>) -> (Limbs<N>, u64) {
    let mut carry = 0;
    let product = array::from_fn(|i| {
        let (limb, out) = a[i].carrying_mul_add(b, c[i], carry);
        carry = out;
        limb
    });
    (product, carry)
}

/// `a`, or `b` if `choice`.
#[inline]
pub fn select<const N: usize>(a: &Limbs<N>, b: &Limbs<N>, choice: bool) -> Limbs<N> {
    let mask = mask(choice);
    array::from_fn(|i| a[i] ^ (mask & (a[i] ^ b[i])))
}

/// All ones if `choice`, else zero. The barrier keeps the compiler from seeing that there are but two cases.
#[inline]
pub fn mask(choice: bool) -> u64 {
    std::hint::black_box(u64::from(choice)).wrapping_neg()
}

/// Whether it is zero. The barrier keeps the compiler from looking at one limb after the other, as it does.
#[inline]
pub fn is_zero<const N: usize>(a: &Limbs<N>) -> bool {
    std::hint::black_box(a.iter().fold(0, |bits, limb| bits | limb)) == 0
}

/// Bit `i`, from the least significant on.
pub fn bit<const N: usize>(a: &Limbs<N>, i: usize) -> bool {
    a.get(i / 64).is_some_and(|limb| limb >> (i % 64) & 1 == 1)
}
