//! Mutations of compact JWS: a part is decoded, changed, and encoded again.

use crate::splice::{Dice, give, mutated};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A mutation for `fuzz_mutator!`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice::new(seed);
    let result = if dice.below(5) == 0 { None } else { change(&data[..size], &mut dice) };
    give(result, data, size, max_size)
}

fn change(bytes: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect();
    let chosen = dice.below(parts.len());
    let part = URL_SAFE_NO_PAD.decode(parts.get(chosen)?).ok()?;
    *parts.get_mut(chosen)? = URL_SAFE_NO_PAD.encode(mutated(&part)).into_bytes();
    Some(parts.join(&b'.'))
}

/// Header and payload, and the decoded header's `alg`: of what is to be signed anew.
#[must_use]
pub fn signed(compact: &str) -> Option<&str> {
    compact.rsplit_once('.').map(|(signed, _)| signed)
}

/// A token of these parts.
#[must_use]
pub fn compact(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Header and payload, encoded.
#[must_use]
pub fn encoded(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}
