//! Objects that НУЦ signed: `fixtures/gost/vectors.txt`.

use kdp::trust::gost::{GostError, PublicKey, Scheme};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Single bytes that are changed.
const CHANGES: usize = 2000;

/// A signed object.
pub struct Vector {
    pub scheme: Scheme,
    pub key: Vec<u8>,
    pub message: Vec<u8>,
    pub signature: Vec<u8>,
    pub name: String,
}

impl Vector {
    fn verify(&self) -> Result<(), GostError> {
        PublicKey::from_bytes(self.scheme, &self.key)?.verify(&self.message, &self.signature)
    }
}

pub fn vectors() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/gost/vectors.txt");
    fs::read_to_string(path).unwrap().lines().map(vector).collect()
}

fn vector(line: &str) -> Vector {
    let [algorithm, key, message, signature, name] =
        <[&str; 5]>::try_from(line.splitn(5, ' ').collect::<Vec<_>>()).unwrap();
    let scheme = match algorithm {
        "256" => Scheme::Gost2004,
        "512" => Scheme::Gost2015,
        other => panic!("unknown algorithm {other}"),
    };
    Vector {
        scheme,
        key: bytes(key),
        message: bytes(message),
        signature: bytes(signature),
        name: name.to_owned(),
    }
}

/// The bytes that `digits` stand for.
pub fn bytes(digits: &str) -> Vec<u8> {
    assert!(digits.len().is_multiple_of(2), "{digits}");
    let byte = |two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap();
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[test]
fn every_object_that_the_national_authority_signed_verifies() {
    let vectors = vectors();
    for vector in &vectors {
        assert_eq!(vector.verify(), Ok(()), "{}", vector.name);
    }
    let of = |scheme| vectors.iter().filter(|vector| vector.scheme == scheme).count();
    assert_eq!((of(Scheme::Gost2004), of(Scheme::Gost2015)), (7, 19));
}

#[test]
fn every_key_that_the_national_authority_signs_with_is_written_as_it_was_read() {
    for vector in vectors() {
        let key = PublicKey::from_bytes(vector.scheme, &vector.key).unwrap();
        assert_eq!(key.to_bytes(), vector.key, "{}", vector.name);
    }
}

/// Key, message and signature in turn; the place, and what is put there, from a generator that is always the same.
#[test]
fn no_single_byte_of_key_message_or_signature_can_be_another() {
    let mut vectors = vectors();
    let count = vectors.len();
    let mut state: u64 = 1;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut refusals = BTreeMap::new();
    for change in 0..CHANGES {
        let vector = &mut vectors[next(count)];
        let part = ["key", "message", "signature"][change % 3];
        let changed = |vector: &mut Vector, at: usize, by: u8| match part {
            "key" => vector.key[at] ^= by,
            "message" => vector.message[at] ^= by,
            _ => vector.signature[at] ^= by,
        };
        let length = match part {
            "key" => vector.key.len(),
            "message" => vector.message.len(),
            _ => vector.signature.len(),
        };
        let (at, by) = (next(length), u8::try_from(1 + next(255)).unwrap());
        changed(vector, at, by);
        let verdict = vector.verify();
        changed(vector, at, by);
        let Err(refusal) = verdict else { panic!("{}: byte {at} of the {part}, by {by}", vector.name) };
        *refusals.entry(format!("{part}: {refusal:?}")).or_insert(0) += 1;
    }
    println!("{CHANGES} changes: {refusals:?}");
    let refused_as = |what: &str| refusals.get(what).copied().unwrap_or_default();
    assert!(refused_as("key: NotOnCurve") > 600, "{refusals:?}");
    assert!(refused_as("message: Mismatch") > 600, "{refusals:?}");
    assert!(refused_as("signature: Mismatch") > 600, "{refusals:?}");
}
