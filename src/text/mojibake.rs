//! Cyrillic as gateways and stacks break it, and mended again.

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

/// The text as it was before its UTF-8 was read as Windows-1251 or Latin-1; `None`: it does not look as if it had been, or
/// that cannot be undone.
#[must_use]
pub fn mended(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let latin_1 = |c: char| u8::try_from(u32::from(c)).ok();
    let readings: [&dyn Fn(char) -> Option<u8>; 2] = [&latin_1, &of_windows_1251];
    let mut mended = readings.iter().filter_map(|reading| {
        let bytes: Option<Vec<u8>> = text.chars().map(reading).collect();
        String::from_utf8(bytes?).ok()
    });
    // Latin with accents is UTF-8 of nothing; of Cyrillic, hardly a word is.
    mended.find(|mended| mended.chars().any(|c| matches!(c, '\u{400}'..='\u{52F}')))
}

/// The byte that Windows-1251 has for a character; 98, for which it has none, is kept as U+0098 or lost as U+FFFD.
fn of_windows_1251(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0..=0x7F | 0x98) => u8::try_from(code).ok(),
        code @ 0x410..=0x44F => u8::try_from(code - 0x410 + 0xC0).ok(),
        _ => FROM_80.chars().position(|own| own == c).and_then(|at| u8::try_from(at + 0x80).ok()),
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

    #[test]
    fn what_was_broken_is_mended_unless_it_is_lost() {
        for text in ["ФИО, адрес", "Қазақстан", "ДА 1234"] {
            for how in [1, 2] {
                assert_eq!(mended(&broken(text, how)).as_deref(), Some(text), "{how}");
            }
            assert_eq!(mended(text), None);
            assert_eq!(mended(&broken(text, 3)), None);
        }
        assert_eq!(mended("café"), None);
    }
}
