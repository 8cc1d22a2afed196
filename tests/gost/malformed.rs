//! What is no key and no signature: each kind has its own error.

use crate::reference::Curve;
use kdp::trust::gost::{GostError, PrivateKey, PublicKey, Scheme};
use num_bigint::BigUint;

const MESSAGE: &[u8] = "хабарлама".as_bytes();

fn both(check: fn(Scheme, Curve)) {
    check(Scheme::Gost2004, Curve::crypto_pro_a());
    check(Scheme::Gost2015, Curve::tc26_a());
}

/// Little-endian, as wide as the scheme has it.
fn encode(scheme: Scheme, numbers: [&BigUint; 2]) -> Vec<u8> {
    numbers.iter().flat_map(|number| half(scheme, number)).collect()
}

fn half(scheme: Scheme, number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_le();
    bytes.resize(scheme.width(), 0);
    bytes
}

fn widest(scheme: Scheme) -> BigUint {
    (BigUint::from(1_u32) << (8 * scheme.width())) - 1_u32
}

#[test]
fn a_public_key_of_another_length_is_refused_for_it() {
    both(|scheme, _| {
        let key = PrivateKey::generate(scheme).unwrap().public_key().to_bytes();
        for length in (0..key.len()).chain([key.len() + 1, 2 * key.len()]) {
            let bytes: Vec<u8> = key.iter().cycle().take(length).copied().collect();
            assert_eq!(PublicKey::from_bytes(scheme, &bytes).err(), Some(GostError::KeyLength), "{length}");
        }
        let other = if scheme == Scheme::Gost2004 { Scheme::Gost2015 } else { Scheme::Gost2004 };
        assert_eq!(PublicKey::from_bytes(other, &key).err(), Some(GostError::KeyLength));
    });
}

#[test]
fn a_coordinate_from_p_on_is_refused_even_where_it_is_congruent_to_a_point() {
    both(|scheme, curve| {
        // The field has points of small x: x + p fits the width, and stands for the same element.
        let (x, y) = (1_u32..600).find_map(|x| curve.lift(&x.into())).unwrap();
        assert!(PublicKey::from_bytes(scheme, &encode(scheme, [&x, &y])).is_ok());
        let p = &curve.p;
        let wrong =
            [(&x + p, y.clone()), (p.clone(), y.clone()), (x.clone(), p.clone()), (x, widest(scheme))];
        for (x, y) in wrong {
            let key = PublicKey::from_bytes(scheme, &encode(scheme, [&x, &y]));
            assert_eq!(key.err(), Some(GostError::Coordinate), "{x:x}, {y:x}");
        }
    });
}

#[test]
fn a_public_key_that_is_no_point_of_the_curve_is_refused_for_it() {
    both(|scheme, curve| {
        let (x, y) = curve.base.clone().unwrap();
        let zero = BigUint::ZERO;
        for (x, y) in [(&zero, &zero), (&x, &zero), (&zero, &y), (&y, &x), (&x, &(&y + 1_u32))] {
            let key = PublicKey::from_bytes(scheme, &encode(scheme, [x, y]));
            assert_eq!(key.err(), Some(GostError::NotOnCurve), "{x:x}, {y:x}");
        }
    });
}

#[test]
fn a_private_key_is_between_zero_and_q_and_of_its_length() {
    both(|scheme, curve| {
        let (one, q) = (BigUint::from(1_u32), &curve.q);
        for d in [&one, &(q - 1_u32)] {
            let bytes = half(scheme, d);
            let key = PrivateKey::from_bytes(scheme, &bytes).unwrap();
            assert_eq!(*key.to_bytes(), bytes);
            // G, and its opposite.
            let point = curve.times(d, &curve.base).unwrap();
            assert_eq!(key.public_key().to_bytes(), encode(scheme, [&point.0, &point.1]));
        }
        let wrong = [BigUint::ZERO, q.clone(), q + 1_u32, curve.p.clone(), widest(scheme)];
        let wrong = wrong.iter().map(|d| half(scheme, d));
        let lengths = [0, 1, scheme.width() - 1, scheme.width() + 1, 2 * scheme.width()].map(|n| vec![1; n]);
        for bytes in wrong.chain(lengths) {
            let key = PrivateKey::from_bytes(scheme, &bytes);
            assert_eq!(key.err(), Some(GostError::PrivateKey), "{} bytes", bytes.len());
        }
    });
}

#[test]
fn a_signature_of_another_length_is_refused_for_it() {
    both(|scheme, _| {
        let key = PrivateKey::generate(scheme).unwrap();
        let signature = key.sign(MESSAGE).unwrap();
        for length in (0..signature.len()).chain([signature.len() + 1, 2 * signature.len()]) {
            let bytes: Vec<u8> = signature.iter().cycle().take(length).copied().collect();
            let verdict = key.public_key().verify(MESSAGE, &bytes);
            assert_eq!(verdict, Err(GostError::SignatureLength), "{length}");
        }
    });
}

#[test]
fn r_and_s_are_between_zero_and_q() {
    both(|scheme, curve| {
        let key = PrivateKey::generate(scheme).unwrap();
        let signature = key.sign(MESSAGE).unwrap();
        let (r, s) = signature.split_at(scheme.width());
        let (r, s) = (BigUint::from_bytes_le(r), BigUint::from_bytes_le(s));
        let q = &curve.q;
        for wrong in [BigUint::ZERO, q.clone(), q + 1_u32, curve.p.clone(), widest(scheme)] {
            for halves in [[&wrong, &s], [&r, &wrong], [&wrong, &wrong]] {
                let verdict = key.public_key().verify(MESSAGE, &encode(scheme, halves));
                assert_eq!(verdict, Err(GostError::Range), "{wrong:x}");
            }
        }
    });
}

#[test]
fn a_signature_in_another_order_or_of_another_scheme_key_or_message_does_not_verify() {
    both(|scheme, curve| {
        let key = PrivateKey::generate(scheme).unwrap();
        let signature = key.sign(MESSAGE).unwrap();
        let public = key.public_key();
        assert_eq!(public.verify(MESSAGE, &signature), Ok(()));
        let (r, s) = signature.split_at(scheme.width());
        let (r, s) = (BigUint::from_bytes_le(r), BigUint::from_bytes_le(s));
        // s ‖ r; and r ‖ −s, which other schemes take too.
        for halves in [[&s, &r], [&r, &(&curve.q - &s)]] {
            let verdict = public.verify(MESSAGE, &encode(scheme, halves));
            assert_eq!(verdict, Err(GostError::Mismatch));
        }
        assert_eq!(public.verify(b"", &signature), Err(GostError::Mismatch));
        let other = PrivateKey::generate(scheme).unwrap().public_key();
        assert_eq!(other.verify(MESSAGE, &signature), Err(GostError::Mismatch));
    });
}

/// s = r·d makes the point of the equation vanish, whatever the message is.
#[test]
fn a_signature_that_leads_to_infinity_does_not_verify() {
    both(|scheme, curve| {
        let key = PrivateKey::generate(scheme).unwrap();
        let d = BigUint::from_bytes_le(&key.to_bytes());
        for r in [BigUint::from(1_u32), BigUint::from(7_u32), &curve.q - 1_u32] {
            let s = &r * &d % &curve.q;
            let verdict = key.public_key().verify(MESSAGE, &encode(scheme, [&r, &s]));
            assert_eq!(verdict, Err(GostError::Mismatch));
        }
    });
}

#[test]
fn two_signatures_of_one_message_differ_and_both_verify() {
    both(|scheme, _| {
        let key = PrivateKey::generate(scheme).unwrap();
        let (one, other) = (key.sign(MESSAGE).unwrap(), key.sign(MESSAGE).unwrap());
        assert_ne!(one[..scheme.width()], other[..scheme.width()], "the same nonce twice");
        for signature in [one, other] {
            assert_eq!(key.public_key().verify(MESSAGE, &signature), Ok(()));
        }
    });
}

#[test]
fn what_is_printed_of_a_private_key_is_its_scheme_alone() {
    both(|scheme, _| {
        let key = PrivateKey::generate(scheme).unwrap();
        assert_eq!(format!("{key:?}"), format!("PrivateKey({scheme:?})"));
    });
}
