//! Cyrillic as gateways break it.

/// What Windows-1251 has for the bytes 80 to BF; what it has for none is U+FFFD.
const FROM_80: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{FFFD}™љ›њќћџ\u{A0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{AD}®Ї°±Ііґµ¶·ё№є»јЅѕї";

/// The text after it was broken: 1, its UTF-8 read as Windows-1251; 2, as Latin-1; 3, a question mark for each
/// character that is not ASCII.
#[must_use]
pub fn broken(text: &str, how: u64) -> String {
    match how {
        1 => text.bytes().map(windows_1251).collect(),
        2 => text.bytes().map(char::from).collect(),
        _ => text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
    }
}

fn windows_1251(byte: u8) -> char {
    match byte {
        0..=0x7F => char::from(byte),
        0x80..=0xBF => FROM_80.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{FFFD}'),
        0xC0..=0xFF => char::from_u32(0x410 + u32::from(byte - 0xC0)).unwrap_or('\u{FFFD}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_as_they_are_known_to() {
        assert_eq!(FROM_80.chars().count(), 64);
        assert_eq!(broken("ДА", 1), "Р”Рђ");
        assert_eq!(broken("НЕТ 1234", 1), "РќР•Рў 1234");
        assert_eq!(broken("ДА", 2), "Ð\u{94}Ð\u{90}");
        assert_eq!(broken("ИӘ 1", 3), "?? 1");
        assert_eq!(broken("YES", 1), "YES");
    }
}
