//! Characters and names: productions `Char`, `NameStartChar`, `NameChar` of XML 1.0
//! (fifth edition) and `NCName`, `QName` of Namespaces in XML 1.0.

use super::ErrorKind;

/// The lengths of a qualified name's parts in bytes; `prefix` is 0 without a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub prefix: u16,
    pub local: u16,
}

impl Parts {
    /// Bytes of the whole name, the colon included.
    pub fn len(self) -> usize {
        let prefix = if self.prefix == 0 { 0 } else { usize::from(self.prefix) + 1 };
        prefix + usize::from(self.local)
    }
}

/// Reads the `QName` at the start of `text`; what follows it is the caller's to judge.
pub(super) fn qualified(text: &str, limit: usize) -> Result<Parts, ErrorKind> {
    let first = part(text);
    let rest = text.get(first..).unwrap_or_default();
    let (prefix, local) = match rest.strip_prefix(':') {
        Some(after) => (first, part(after)),
        None => (0, first),
    };
    let total = if rest.starts_with(':') { prefix + 1 + local } else { local };
    let unfinished = text.get(total..).is_some_and(|rest| rest.starts_with(':'));
    if local == 0 || first == 0 || unfinished {
        return Err(ErrorKind::Name);
    }
    if total > limit {
        return Err(ErrorKind::NameTooLong);
    }
    match (u16::try_from(prefix), u16::try_from(local)) {
        (Ok(prefix), Ok(local)) => Ok(Parts { prefix, local }),
        _ => Err(ErrorKind::NameTooLong),
    }
}

/// The length of the `NCName` that `text` starts with; 0 if there is none.
pub(super) fn part(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ascii = |b: u8| ASCII.get(usize::from(b)).copied().unwrap_or(OTHER);
    let mut at = match bytes.first() {
        Some(&b) if b < 0x80 && ascii(b) == START => 1,
        Some(&b) if b >= 0x80 => match text.chars().next() {
            Some(c) if starts_name(c) => c.len_utf8(),
            _ => return 0,
        },
        _ => return 0,
    };
    while let Some(&b) = bytes.get(at) {
        if b < 0x80 {
            if ascii(b) == OTHER {
                break;
            }
            at += 1;
        } else {
            match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) if continues_name(c) => at += c.len_utf8(),
                _ => break,
            }
        }
    }
    at
}

/// Production `Char`.
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Production `S`, of one byte.
pub(super) fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

const OTHER: u8 = 0;
const CONTINUE: u8 = 1;
const START: u8 = 2;

/// What an ASCII character may be in a name; the colon is neither, as it parts names.
const ASCII: [u8; 128] = {
    let mut table = [OTHER; 128];
    let mut b: u8 = 0;
    while b < 128 {
        #[expect(clippy::indexing_slicing, reason = "evaluated when compiled, b < 128")]
        {
            table[b as usize] = match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => START,
                b'0'..=b'9' | b'-' | b'.' => CONTINUE,
                _ => OTHER,
            };
        }
        b += 1;
    }
    table
};

fn starts_name(c: char) -> bool {
    matches!(c,
        '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    starts_name(c) || matches!(c, '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(u16, u16)> {
        qualified(text, 20).ok().map(|parts| (parts.prefix, parts.local))
    }

    #[test]
    fn a_qualified_name_has_at_most_one_colon_with_a_name_on_each_side() {
        assert_eq!(parts("Body>"), Some((0, 4)));
        assert_eq!(parts("soap:Body a='1'"), Some((4, 4)));
        for bad in ["", ":", ":a", "a:", "a:b:c", "a:b:", "1a", "a:1", "-", " a", "a::b", "é:", "\u{300}a"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_follow_the_fifth_edition() {
        assert_eq!(parts("жсн:құпия"), Some((6, 10)));
        assert_eq!(parts("a\u{B7}\u{300}"), Some((0, 5)));
        assert_eq!(parts("\u{10000}\u{EFFFF}"), Some((0, 8)));
        assert_eq!(parts("\u{F0000}"), None);
        assert_eq!(parts("a\u{D7}"), Some((0, 1)), "the multiplication sign ends a name");
    }

    #[test]
    fn the_limit_counts_the_whole_name() {
        assert_eq!(qualified("abc:defg", 8).map(Parts::len), Ok(8));
        assert_eq!(qualified("abc:defg", 7), Err(ErrorKind::NameTooLong));
    }

    #[test]
    fn characters_outside_the_production_are_known() {
        for bad in ['\0', '\u{8}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            assert!(!is_character(bad));
        }
        for good in ['\t', '\n', '\r', ' ', '\u{7F}', '\u{85}', '\u{FFFD}', '\u{1FFFE}', '\u{10FFFF}'] {
            assert!(is_character(good));
        }
    }
}
