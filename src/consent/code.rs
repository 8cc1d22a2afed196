//! The one-time code of method 5 (F-6).
//!
//! The code is stored nowhere, not even as a hash: it is computed by a keyed pseudo-random function from the
//! request id (which holds 74 fresh random bits), BIN and IIN, when the SMS is written and when a try is judged.

use super::method::CodeForm;

/// Capital letters and digits without those that look alike (0 O, 1 I L, 5 S, 8 B, 2 Z).
const ALPHABET: &[u8] = b"34679ACDEFGHJKMNPQRTUVWXY";

/// Length of a code, characters.
pub const LENGTH: u32 = 6;

/// The code that `block`, an output of the keyed function, stands for.
///
/// 128 bits are reduced to at most 25⁶ values, so the bias is below 2⁻⁹⁹.
#[must_use]
pub fn from_block(block: &[u8; 32], form: CodeForm) -> String {
    let mut wide = [0_u8; 16];
    wide.copy_from_slice(&block[..16]);
    let mut rest = u128::from_be_bytes(wide);
    let symbols = match form {
        CodeForm::Digits => b"0123456789".as_slice(),
        CodeForm::Alphanumeric => ALPHABET,
    };
    let base = symbols.len() as u128;
    let mut code = String::with_capacity(LENGTH as usize);
    for _ in 0..LENGTH {
        let symbol = usize::try_from(rest % base).ok().and_then(|i| symbols.get(i));
        code.push(char::from(symbol.copied().unwrap_or(b'0')));
        rest /= base;
    }
    code
}

/// Whether the code that was brought back is the right one; takes the same time whatever differs.
///
/// Blanks around it and the case of letters do not matter: people type it.
#[must_use]
pub fn matches(brought: &str, right: &str) -> bool {
    let brought = brought.trim().to_ascii_uppercase();
    aws_lc_rs::constant_time::verify_slices_are_equal(brought.as_bytes(), right.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_symbols_of_its_form() {
        for n in 0..=255_u8 {
            let block = [n; 32];
            let digits = from_block(&block, CodeForm::Digits);
            assert!(digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()));
            let mixed = from_block(&block, CodeForm::Alphanumeric);
            assert!(mixed.len() == 6 && mixed.bytes().all(|b| ALPHABET.contains(&b)));
        }
    }

    #[test]
    fn only_the_right_code_matches() {
        assert!(matches(" 12ab34 ", "12AB34"));
        assert!(!matches("12AB35", "12AB34"));
        assert!(!matches("", "12AB34"));
        assert!(!matches("12AB34 1", "12AB34"));
    }
}
