//! Signing executes the same instructions whatever the private key and the nonce are: counted by callgrind.
//!
//! The outer test runs the inner one, of this same binary, under `valgrind --tool=callgrind`. It is what the compiler makes
//! of the sources that matters, so that it is run optimised: the README in `tests/gost` has the command, and the figures.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use super::Scheme;
use super::curve::{CryptoProA, Curve, Tc26A};
use super::limb::{self, Limbs};
use super::point::Point;
use super::scalar::Scalar;
use super::signature::Secret;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Random pairs of key and nonce, on each curve.
const RANDOM: u8 = 20;
/// Signatures before those that count: the allocator settles.
const WARM: usize = 4;
/// What must be equal: instructions, reads, writes, conditional branches.
const EVENTS: [&str; 4] = ["Ir", "Dr", "Dw", "Bc"];

#[test]
#[ignore = "takes minutes without optimisation, and says nothing then"]
fn signing_executes_the_same_instructions_for_every_key_and_nonce() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--cache-sim=yes", "--branch-sim=yes"])
        // Two patterns of one text would be one to it.
        .args(["--toggle-collect=*constant_time::measured*", "--dump-after=*::constant_time::measured*"])
        .arg(format!("--callgrind-out-file={}", folder.path().join("counts").display()))
        .arg(env::current_exe().unwrap())
        .args(["trust::gost::constant_time::signatures_that_callgrind_counts", "--exact", "--ignored"])
        .args(["--test-threads=1"])
        .output()
        .expect("valgrind (Debian: valgrind)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cases = WARM + pairs::<CryptoProA, 4>().len();
    for (curve, bits) in [256, 512].into_iter().enumerate() {
        let first = 1 + curve * cases;
        let counts: Vec<_> = (first + WARM..first + cases).map(|dump| read(folder.path(), dump)).collect();
        println!("ГОСТ, {bits} bits, {} pairs of key and nonce: {:?}", counts.len(), counts[0]);
        assert!(counts[0]["Ir"] > 100_000, "hardly a signature: {:?}", counts[0]);
        for (number, count) in counts.iter().enumerate() {
            assert_eq!(count, &counts[0], "{bits} bits: pair {number}, beside the first one");
        }
    }
}

/// How often each of the events happened, by one dump of callgrind.
fn read(folder: &Path, dump: usize) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(folder.join(format!("counts.{dump}"))).unwrap();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let names = line("events: ").split_whitespace();
    let counts = line("summary: ").split_whitespace().map(|count| count.parse().unwrap());
    let all = names.map(str::to_owned).zip(counts);
    let counts: BTreeMap<_, _> = all.filter(|(name, _)| EVENTS.contains(&name.as_str())).collect();
    assert_eq!(counts.len(), EVENTS.len());
    counts
}

#[test]
#[ignore = "run by the test above, under callgrind"]
fn signatures_that_callgrind_counts() {
    sign_with_each::<CryptoProA, 4>();
    sign_with_each::<Tc26A, 8>();
}

fn sign_with_each<C: Curve<N>, const N: usize>() {
    // The table is made before the counting begins.
    black_box(Point::<C, N>::base_times(&Scalar::ONE));
    let pairs = pairs::<C, N>();
    let warm = std::iter::repeat_n(&pairs[0], WARM);
    for (number, (key, nonce)) in warm.chain(&pairs).enumerate() {
        let digest = random::<N>(u8::try_from(number).unwrap());
        let key = limb::to_le_bytes(&[*key.limbs()]);
        measured::<C, N>(&key, nonce, &limb::to_le_bytes(&[digest]));
    }
}

/// Whatever touches a secret: a key is read, its public key computed, a digest signed.
#[inline(never)]
fn measured<C: Curve<N>, const N: usize>(key: &[u8], nonce: &Scalar<C, N>, digest: &[u8]) {
    let key = Secret::<C, N>::from_bytes(key).unwrap();
    black_box(key.public_key().to_bytes());
    black_box(key.sign_with(nonce, digest).unwrap());
}

/// Each number with one that is all ordinary, in both roles; each with itself; then random ones.
fn pairs<C: Curve<N>, const N: usize>() -> Vec<(Scalar<C, N>, Scalar<C, N>)> {
    let some = |number| Scalar::reduce(&random::<N>(number));
    let edges = edges::<C, N>();
    let with_ordinary =
        edges.iter().flat_map(|edge| [(*edge, some(255)), (some(255), *edge), (*edge, *edge)]);
    with_ordinary.chain((0..RANDOM).map(|i| (some(2 * i), some(2 * i + 1)))).collect()
}

/// Numbers of few digits, of few bits, of many; ends of the range; digits all zero but one, all 1, all 15, half of them 0.
fn edges<C: Curve<N>, const N: usize>() -> Vec<Scalar<C, N>> {
    let word = |word: u64| [word; N];
    let bit = |at: usize| {
        let mut number = [0; N];
        number[at / 64] = 1 << (at % 64);
        number
    };
    let numbers = [
        bit(0),
        bit(1),
        bit(4),
        bit(64 * N - 1),
        limb::sub_small(&bit(32 * N), 1).0,
        limb::sub_small(&C::Q, 1).0,
        limb::sub_small(&C::Q, 2).0,
        word(0x1111_1111_1111_1111),
        word(0x0f0f_0f0f_0f0f_0f0f),
        word(0x8000_0000_0000_0000),
        word(u64::MAX),
    ];
    numbers.iter().map(Scalar::reduce).collect()
}

/// The same for the same `number`.
fn random<const N: usize>(number: u8) -> Limbs<N> {
    limb::from_le_bytes(&Scheme::Gost2015.digest(&[number]))
}
