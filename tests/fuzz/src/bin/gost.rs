//! Keys and signatures of ГОСТ: one byte that chooses the scheme, x ‖ y, r ‖ s, and the message.

#![no_main]

use kdp::trust::gost::{GostError, PrivateKey, PublicKey, Scheme};
use kdp_fuzz::{seed, world};
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use std::sync::LazyLock;

static KNOWN: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| seeds().into_iter().collect());

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let scheme = if first & 1 == 0 { Scheme::Gost2004 } else { Scheme::Gost2015 };
    let half = 2 * scheme.width();
    let (key, rest) = rest.split_at(rest.len().min(half));
    match PublicKey::from_bytes(scheme, key) {
        Ok(public) => {
            assert_eq!(public.to_bytes(), key, "a key has one form");
            let (signature, message) = rest.split_at(rest.len().min(half));
            match public.verify(message, signature) {
                Ok(()) => {
                    let plain = [&[first & 1][..], &data[1..]].concat();
                    assert!(KNOWN.contains(&plain), "a signature is believed that nobody made");
                }
                Err(error) => assert!(matches!(
                    error,
                    GostError::SignatureLength | GostError::Range | GostError::Mismatch
                )),
            }
        }
        // The bytes are no point; they may be a private number.
        Err(GostError::NotOnCurve) if first & 2 != 0 => sign(scheme, &key[..scheme.width()], rest),
        Err(_) => {}
    }
});

fn sign(scheme: Scheme, number: &[u8], message: &[u8]) {
    let Ok(private) = PrivateKey::from_bytes(scheme, number) else { return };
    assert_eq!(*private.to_bytes(), number);
    let public = private.public_key();
    let again = PublicKey::from_bytes(scheme, &public.to_bytes()).expect("a public key is a point");
    let mut signature = private.sign(message).expect("there is randomness");
    assert_eq!(again.verify(message, &signature), Ok(()));
    signature[0] ^= 1;
    assert!(again.verify(message, &signature).is_err());
}

fn seeds() -> Vec<Vec<u8>> {
    let vectors = world::vectors().into_iter();
    let mut seeds: Vec<Vec<u8>> = vectors
        .map(|vector| {
            let scheme = u8::from(vector.scheme == Scheme::Gost2015);
            [&[scheme][..], &vector.key, &vector.signature, &vector.message].concat()
        })
        .collect();
    for (first, width) in [(2, 32), (3, 64)] {
        let number: Vec<u8> = (1..=2 * width).map(|byte| byte % 16).collect();
        seeds.push([&[first][..], &number, b"message"].concat());
    }
    seeds
}
