//! Who is meant: numbers of persons and organisations, phone numbers, sets of `ServiceIDs`.
//!
//! Values are parsed once, at the edge, and can only be well-formed afterwards.

use std::fmt;

/// Why a 12-digit number is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not exactly 12 characters.
    #[error("must have 12 digits")]
    Length,
    /// Something else than the digits 0–9.
    #[error("must consist of digits")]
    Digits,
    /// The twelfth digit does not follow from the eleven before it.
    #[error("control digit is wrong")]
    ControlDigit,
}

/// Twelve digits whose last is the control digit: weights 1…11, and 3…11, 1, 2 where the first sum gives 10.
fn parse_twelve(text: &str) -> Result<[u8; 12], NumberError> {
    let bytes: [u8; 12] = text.as_bytes().try_into().map_err(|_| {
        if text.chars().all(|c| c.is_ascii_digit()) { NumberError::Length } else { NumberError::Digits }
    })?;
    if !bytes.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::Digits);
    }
    let sum = |first: usize| -> usize {
        bytes
            .iter()
            .take(11)
            .enumerate()
            .map(|(i, b)| usize::from(b - b'0') * ((i + first - 1) % 11 + 1))
            .sum::<usize>()
            % 11
    };
    let control = match sum(1) {
        10 => sum(3),
        digit => digit,
    };
    if control != usize::from(bytes[11] - b'0') {
        return Err(NumberError::ControlDigit);
    }
    Ok(bytes)
}

macro_rules! twelve_digits {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 12]);

        impl $name {
            /// Parses 12 ASCII digits with a right control digit.
            ///
            /// # Errors
            /// [`NumberError`] names what is wrong, never the value.
            pub fn parse(text: &str) -> Result<Self, NumberError> {
                parse_twelve(text).map(Self)
            }

            /// The twelve digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }
    };
}

twelve_digits! {
    /// ИИН / ЖСН: the number of a person, the *subject*. Has no readable `Debug`.
    Iin
}
twelve_digits! {
    /// БИН / БСН: the number of an organisation.
    Bin
}

impl fmt::Debug for Iin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iin(…)")
    }
}

impl fmt::Debug for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bin({})", self.as_str())
    }
}

/// A mobile number: 10 to 15 digits, country code first, no sign. Has no readable `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Msisdn(String);

impl Msisdn {
    /// Parses digits, with an optional leading `+`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        ((10..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Self(digits.to_owned()))
    }

    /// The digits alone.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Msisdn(…)")
    }
}

/// A non-empty set of `ServiceIDs` (F-7 5), sorted, each once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceIds(Vec<String>);

impl ServiceIds {
    /// Parses the `;`-separated list of `access_name`; blanks around the ids are ignored.
    ///
    /// `None` when no id remains, or an id is longer than 128 bytes or holds a control character or a `;`.
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        Self::collect(list.split(';').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned))
    }

    /// The same from separate ids.
    pub fn collect(ids: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut ids: Vec<String> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        // A `;` within an id would make one key of two sets.
        let sound = |id: &String| id.len() <= 128 && !id.chars().any(|c| c == ';' || c.is_control());
        (!ids.is_empty() && ids.iter().all(sound)).then_some(Self(ids))
    }

    /// The ids in order.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// One text that is equal for equal sets: the sorted ids joined by `;`.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.join(";")
    }

    /// Those that `allowed` does not hold.
    #[must_use]
    pub fn outside(&self, allowed: &[String]) -> Vec<&str> {
        self.0.iter().filter(|id| !allowed.contains(id)).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_needs_twelve_digits_and_its_control_digit() {
        let good: Vec<String> =
            (0..10).map(|d| format!("90010130000{d}")).filter(|n| Iin::parse(n).is_ok()).collect();
        assert_eq!(good.len(), 1);
        assert_eq!(Iin::parse("90010130000"), Err(NumberError::Length));
        assert_eq!(Iin::parse("90010130000x"), Err(NumberError::Digits));
        assert_eq!(Iin::parse("٩٠٠١٠١٣٠٠٠٠٩"), Err(NumberError::Digits));
        let wrong = (0..10).map(|d| format!("90010130000{d}")).find(|n| !good.contains(n)).unwrap();
        assert_eq!(Iin::parse(&wrong), Err(NumberError::ControlDigit));
    }

    #[test]
    fn the_second_row_of_weights_is_used_when_the_first_gives_ten() {
        // 1·7 + 2·7 + … chosen so that the first sum is 10 mod 11.
        let second = (0..100_000_u64)
            .map(|n| format!("{:011}", 90_010_130_000 + n))
            .find(|p| {
                let sum: u64 = p.bytes().zip(1..).map(|(b, w)| u64::from(b - b'0') * w).sum();
                sum % 11 == 10
            })
            .unwrap();
        let found = (0..10).filter(|d| Iin::parse(&format!("{second}{d}")).is_ok()).count();
        assert!(found <= 1);
    }

    #[test]
    fn a_person_is_not_readable_in_debug() {
        let iin = (0..10).find_map(|d| Iin::parse(&format!("90010130000{d}")).ok()).unwrap();
        assert!(!format!("{iin:?}").contains("9001"));
        assert!(!format!("{:?}", Msisdn::parse("+77010000001").unwrap()).contains("7701"));
    }

    #[test]
    fn a_set_of_services_ignores_order_blanks_and_repeats() {
        let a = ServiceIds::parse(" B ; A;A;; ").unwrap();
        assert_eq!(a.as_slice(), ["A", "B"]);
        assert_eq!(a, ServiceIds::parse("A;B").unwrap());
        assert_eq!(ServiceIds::parse(" ; "), None);
        assert_eq!(ServiceIds::collect(["A;B".to_owned()]), None);
    }
}
