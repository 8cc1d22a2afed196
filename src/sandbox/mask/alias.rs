//! Names, numbers and words that stand in for others: of the same shape, the same for the same, and of no use for
//! finding out what they stand for, since the salt of a report is forgotten.

use super::vocabulary;
use crate::consent::identity::{Iin, NumberError};
use crate::random::{NoRandomness, Random};
use crate::store::seal::hex;
use crate::text::mojibake;
use crate::trust::algorithm::sha256;
use std::collections::BTreeSet;

/// Letters that stand for others, small and capital. Those are missing whose UTF-8, mistaken for another encoding, has
/// blanks in it that are trimmed: what was garbled shall stay so.
const RUSSIAN: [&str; 2] = ["абвгдежзиклмнопрстуфцчшэюя", "АБВГДЕЖЗКЛМНОПСТУФХЦЧШЭЮЯ"];
/// The same of letters that Russian has not.
const KAZAKH: [&str; 2] = ["әғқңөұүһі", "ҒҚҢӨҰҮҺІ"];
/// What stands in text beside letters and digits and says nothing.
const SIGNS: &str = "«»„“”‘’–—…№\u{A0}\u{FEFF}\u{FFFD}\u{FFFE}\u{FFFF}";
/// A secret of fewer characters is in everything.
const SHORT: usize = 4;
/// A byte that is no UTF-8 is carried through as this character and the byte: U+F700 is of private use.
pub const STRANGE: u32 = 0xF700;

/// The aliases of one report.
pub struct Alias {
    salt: [u8; 32],
    /// What must not be in the report.
    secrets: BTreeSet<String>,
}

impl Alias {
    /// With a fresh salt.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut salt = [0; 32];
        random.fill(&mut salt)?;
        Ok(Self { salt, secrets: BTreeSet::new() })
    }

    /// What must not be in the report: what was replaced, as a whole, and its numbers and names.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// Something else that must not be in the report, such as a key.
    pub fn forbid(&mut self, secret: impl Into<String>) {
        self.secrets.insert(secret.into());
    }

    /// Another text of the same shape: letters for letters of the same script and case, digits for digits, and numbers
    /// with control digits for such. As many characters as before.
    pub fn text(&mut self, text: &str) -> String {
        if let Some(mended) = mojibake::mended(text)
            && let Some(how) = [1, 2].into_iter().find(|how| mojibake::broken(&mended, *how) == text)
        {
            self.learn(text);
            return mojibake::broken(&self.text(&mended), how);
        }
        self.learn(text);
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let same = kind(first);
            let end = rest.find(|c| kind(c) != same).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            match same {
                Class::Digit if run.len() == 12 => out.push_str(&self.number(run)),
                Class::Plain => out.push_str(run),
                _ => out.push_str(&self.run(run)),
            }
            rest = after;
        }
        out
    }

    /// The same of what stands beside the message, such as a comment: it may well repeat words of the message, which are no
    /// secret, so that only its numbers and names are.
    pub fn aside(&mut self, text: &str) -> String {
        let was_secret = self.secrets.contains(text.trim());
        let other = self.text(text);
        if !was_secret {
            self.secrets.remove(text.trim());
        }
        other
    }

    /// What stands for a name: itself, if it is of the vocabulary.
    pub fn name(&mut self, name: &str) -> String {
        if vocabulary::is_name(name) { name.to_owned() } else { self.text(name) }
    }

    /// What stands for a password: not even its length is kept.
    pub fn secret(&mut self, secret: &str) -> String {
        // Somebody's password is the word `password`, which is in every message.
        if secret.chars().count() >= SHORT && !vocabulary::is_name(secret) {
            self.forbid(secret);
        }
        format!("masked-{}", hex(&sha256(&[&self.salt[..], secret.as_bytes()].concat())))
    }

    /// Bytes for bytes.
    pub fn bytes(&self, of: &[u8]) -> Vec<u8> {
        self.stream(of, 0).take(of.len()).collect()
    }

    fn learn(&mut self, text: &str) {
        let text = text.trim();
        let plain = |c: char| c.is_ascii_lowercase();
        // Words such as `true` are in everything.
        if text.chars().count() >= 6
            && !(text.len() < 10 && text.chars().all(plain))
            && text.contains(char::is_alphanumeric)
        {
            self.secrets.insert(text.to_owned());
        }
        for run in text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 8) {
            self.secrets.insert(run.to_owned());
        }
        let names = text.split(|c: char| !c.is_alphabetic());
        for name in names.filter(|name| !name.is_ascii() && name.chars().count() >= 5) {
            self.secrets.insert(name.to_owned());
        }
    }

    /// Bytes without end that follow from the salt and a text.
    fn stream(&self, of: &[u8], turn: u8) -> impl Iterator<Item = u8> {
        let seed = sha256(&[&self.salt[..], &[turn], of].concat());
        (0_u32..).flat_map(move |block| sha256(&[&seed[..], &block.to_be_bytes()].concat()))
    }

    fn run(&self, run: &str) -> String {
        let with = |turn| {
            let bytes = self.stream(run.as_bytes(), turn);
            let others = run.chars().zip(bytes).enumerate();
            let other = |(at, (c, byte))| match c {
                // A number that was one stays one, without zeros at its beginning that were not there.
                '1'..='9' if at == 0 => char::from(b'1' + byte % 9),
                _ => other(c, byte),
            };
            others.map(other).collect::<String>()
        };
        // A letter may stand for itself; a run must not.
        (0..=u8::MAX).map(with).find(|other| other != run).unwrap_or_default()
    }

    /// Twelve digits: the date of birth or of registration is another one, the control digit is right if it was.
    fn number(&self, digits: &str) -> String {
        let wrong = Iin::parse(digits) == Err(NumberError::ControlDigit);
        let old: Vec<u8> = digits.bytes().map(|byte| byte.saturating_sub(b'0')).collect();
        let &[first, _, _, _, fifth, sixth, ..] = old.as_slice() else { return self.run(digits) };
        let with = |turn| {
            let mut bytes = self.stream(digits.as_bytes(), turn);
            let mut below = |most: u8| bytes.next().unwrap_or_default() % most;
            let pair = |number: u8| [number / 10, number % 10];
            let mut new: Vec<u8> = Vec::with_capacity(12);
            let is_person = fifth < 4;
            // A number that begins with zero is none of JSON; others must stay such.
            new.extend(pair(match (first, is_person) {
                (0, _) => below(10),
                (_, true) => 50 + below(50),
                (_, false) => 10 + below(16),
            }));
            new.extend(pair(1 + below(12)));
            if is_person {
                new.extend(pair(1 + below(28)));
            } else {
                new.extend([fifth, sixth]);
            }
            // Of a person, the century and the sex.
            new.push(match (first, is_person) {
                (0, true) => 5 + below(2),
                (_, true) => 3 + below(2),
                (_, false) => below(10),
            });
            new.extend([below(10), below(10), below(10), below(10)]);
            let head: String = new.iter().map(|digit| char::from(b'0' + digit)).collect();
            let right = (0..10).find(|digit| Iin::parse(&format!("{head}{digit}")).is_ok())?;
            let last = if wrong { (right + 1 + below(9)) % 10 } else { right };
            let number = format!("{head}{last}");
            (number != digits).then_some(number)
        };
        (0..=u8::MAX).find_map(with).unwrap_or_default()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    /// Stays.
    Plain,
}

fn kind(c: char) -> Class {
    match c {
        '0'..='9' => Class::Digit,
        // Written as references, half a letter of UTF-16.
        _ if c.is_ascii_control() && !"\t\r\n".contains(c) => Class::Letter,
        _ if c.is_ascii_alphabetic() || !c.is_ascii() && !SIGNS.contains(c) => Class::Letter,
        _ => Class::Plain,
    }
}

/// Another character of the kind of this one, as the byte chooses.
fn other(c: char, byte: u8) -> char {
    let byte = u32::from(byte);
    let of = |first: char, count: u32| char::from_u32(u32::from(first) + byte % count).unwrap_or(c);
    let among = |letters: &str| letters.chars().nth(byte as usize % letters.chars().count()).unwrap_or(c);
    match c {
        '0'..='9' => of('0', 10),
        'a'..='z' => of('a', 26),
        'A'..='Z' => of('A', 26),
        'а'..='я' | 'ё' => among(RUSSIAN[0]),
        'А'..='Я' | 'Ё' => among(RUSSIAN[1]),
        '\u{400}'..='\u{52F}' if c.is_lowercase() => among(KAZAKH[0]),
        '\u{400}'..='\u{52F}' => among(KAZAKH[1]),
        _ if (STRANGE..STRANGE + 0x100).contains(&u32::from(c)) => {
            char::from_u32(STRANGE + 0xC0 + byte % 0x40).unwrap_or(c)
        }
        _ => '¤',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn alias() -> Alias {
        Alias::new(&SeededRandom::new(1, 1)).unwrap()
    }

    #[test]
    fn a_number_keeps_its_shape_and_whether_its_control_digit_is_right() {
        let mut alias = alias();
        for number in ["800101399015", "260140990117"] {
            let other = alias.text(number);
            assert!(other != number && Iin::parse(&other).is_ok(), "{other}");
            assert_eq!(other, alias.text(number));
            assert_eq!(other[4..5] < *"4", number[4..5] < *"4");
            assert!(!other.starts_with('0'));
        }
        let broken = alias.text("800101399016");
        assert_eq!(Iin::parse(&broken), Err(NumberError::ControlDigit));
        assert_eq!(alias.text("BIN260140990117")[3..], alias.text("260140990117"));
        assert!(alias.secrets().any(|secret| secret == "800101399015"));
    }

    #[test]
    fn words_keep_their_script_and_case_and_what_was_broken_stays_broken() {
        let mut alias = alias();
        let other = alias.text("АО «Песочный банк», Әсел Q7-z");
        assert_eq!(other.chars().count(), "АО «Песочный банк», Әсел Q7-z".chars().count());
        assert!(!other.contains("Песочный") && other.contains(" «") && !other.contains('¤'), "{other}");
        assert!(alias.secrets().any(|secret| secret == "Песочный"));
        for how in [1, 2] {
            let broken = mojibake::broken("ФИО, адрес", how);
            let other = alias.text(&broken);
            assert!(other != broken && mojibake::mended(&other).is_some(), "{other}");
        }
        assert_eq!(alias.text("??? - ??"), "??? - ??");
        assert_eq!(alias.text("\u{4}\t\u{10}"), "¤\t¤");
        assert!((1..=99).all(|number| !alias.text(&number.to_string()).starts_with('0')));
    }
}
