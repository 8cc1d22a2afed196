//! What stands below the level of markup: encoding, characters, references, line
//! ends, and the XML declaration.

use super::ErrorKind;
use super::name::{is_blank, is_character};

/// A broken rule and the byte, relative to what was passed in, where it was broken.
pub(super) type Fault = (ErrorKind, usize);

/// The text of a document without its byte order mark, and how long that mark was.
pub(super) fn decode(source: &[u8]) -> Result<(&str, usize), Fault> {
    // UTF-16 shows by its mark, or by the null beside the first '<' (XML 1.0, appendix F).
    if let [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, b'<', ..] | [b'<', 0, ..] = source {
        return Err((ErrorKind::Utf16, 0));
    }
    if source.len() >= 1 << 31 {
        return Err((ErrorKind::TooLarge, 0));
    }
    let mark = if source.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let text = std::str::from_utf8(source.get(mark..).unwrap_or_default())
        .map_err(|error| (ErrorKind::InvalidUtf8, mark + error.valid_up_to()))?;
    match illegal_character(text) {
        Some(at) => Err((ErrorKind::IllegalCharacter, mark + at)),
        None => Ok((text, mark)),
    }
}

/// Where the first character outside `Char` stands.
///
/// Blocks are screened for bytes that could begin one, so that the usual
/// document is passed over at the speed of memory.
pub(super) fn illegal_character(text: &str) -> Option<usize> {
    let suspect = |b: u8| (b < 0x20 && b != b'\n' && b != b'\t' && b != b'\r') || b == 0xEF;
    let clean = |block: &[u8]| !block.iter().fold(false, |found, &b| found | suspect(b));
    if text.as_bytes().chunks(64).all(clean) {
        return None;
    }
    text.char_indices().find(|&(_, c)| !is_character(c)).map(|(at, _)| at)
}

/// Appends `text` with CR LF and CR made LF (XML 1.0, 2.11).
pub(super) fn push_lines(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\r') {
        out.push_str(line);
        out.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    out.push_str(rest);
}

/// Appends an attribute value normalised as of type CDATA (XML 1.0, 3.3.3).
pub(super) fn push_value(raw: &str, out: &mut String) -> Result<(), Fault> {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find(['&', '\t', '\n', '\r']).unwrap_or(rest.len());
        let (run, special) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push_str(run);
        at += run.len();
        if special.starts_with('&') {
            let end = special.find(';').ok_or((ErrorKind::Reference, at))?;
            let name = special.get(1..end).unwrap_or_default();
            out.push(reference(name).map_err(|kind| (kind, at))?);
            at += end + 1;
        } else if !special.is_empty() {
            out.push(' ');
            at += if special.starts_with("\r\n") { 2 } else { 1 };
        }
    }
    Ok(())
}

/// The character that `&name;` stands for.
pub(super) fn reference(name: &str) -> Result<char, ErrorKind> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match name.strip_prefix('#') {
            Some(number) => numeric(number).ok_or(ErrorKind::Reference),
            None if super::name::part(name) == name.len() && !name.is_empty() => {
                Err(ErrorKind::UnknownEntity)
            }
            None => Err(ErrorKind::Reference),
        },
    }
}

fn numeric(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hexadecimal) => (hexadecimal, 16),
        None => (number, 10),
    };
    // from_str_radix would take a sign.
    let all_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let value = all_digits.then(|| u32::from_str_radix(digits, radix).ok()).flatten()?;
    char::from_u32(value).filter(|&c| is_character(c))
}

/// Checks an XML declaration from `<?xml` to `?>` (production `XMLDecl`).
pub(super) fn declaration(raw: &str) -> Result<(), ErrorKind> {
    let inner =
        raw.strip_prefix("<?xml").and_then(|rest| rest.strip_suffix("?>")).ok_or(ErrorKind::Declaration)?;
    let mut rest = inner;
    let version = pseudo_attribute(&mut rest, "version")?.ok_or(ErrorKind::Declaration)?;
    let encoding = pseudo_attribute(&mut rest, "encoding")?;
    let standalone = pseudo_attribute(&mut rest, "standalone")?;
    if !rest.bytes().all(is_blank) {
        return Err(ErrorKind::Declaration);
    }
    if version != "1.0" {
        return Err(ErrorKind::Version);
    }
    if standalone.is_some_and(|value| value != "yes" && value != "no") {
        return Err(ErrorKind::Declaration);
    }
    match encoding {
        None => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("UTF-8") => Ok(()),
        Some(name) if name.to_ascii_uppercase().starts_with("UTF-16") => Err(ErrorKind::Utf16),
        Some(_) => Err(ErrorKind::Encoding),
    }
}

/// Takes `S name Eq quoted` off the front of `rest`, if it stands there.
fn pseudo_attribute<'t>(rest: &mut &'t str, name: &str) -> Result<Option<&'t str>, ErrorKind> {
    let trimmed = trim_blanks(rest);
    let Some(after) = trimmed.strip_prefix(name) else {
        return Ok(None);
    };
    if trimmed.len() == rest.len() {
        return Err(ErrorKind::Declaration);
    }
    let value = trim_blanks(after).strip_prefix('=').map(trim_blanks).ok_or(ErrorKind::Declaration)?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(ErrorKind::Declaration)?;
    let (value, after) =
        value.get(1..).and_then(|value| value.split_once(quote)).ok_or(ErrorKind::Declaration)?;
    *rest = after;
    Ok(Some(value))
}

/// `text` without the blanks at its start.
pub(super) fn trim_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_one_line_feed() {
        let mut out = String::new();
        push_lines("a\r\nb\rc\n\r\r\nd\r", &mut out);
        assert_eq!(out, "a\nb\nc\n\n\nd\n");
    }

    #[test]
    fn literal_blanks_in_values_become_spaces_and_references_stay() {
        let mut out = String::new();
        push_value("a\tb\r\nc\nd\re&#9;&#xA;&#13;&lt;&quot;", &mut out).unwrap();
        assert_eq!(out, "a b c d e\t\n\r<\"");
        assert_eq!(push_value("ab&amp", &mut out), Err((ErrorKind::Reference, 2)));
        assert_eq!(push_value("ab&x;", &mut out), Err((ErrorKind::UnknownEntity, 2)));
    }

    #[test]
    fn references_to_anything_but_a_character_are_refused() {
        assert_eq!(reference("#x10FFFF"), Ok('\u{10FFFF}'));
        assert_eq!(reference("#0000000000000065"), Ok('A'));
        for bad in [
            "#",
            "#x",
            "#X41",
            "#+65",
            "#-1",
            "#0",
            "#x1F",
            "#xD800",
            "#xFFFE",
            "#x110000",
            "#6 5",
            "",
            " amp",
            "#99999999999",
        ] {
            assert_eq!(reference(bad), Err(ErrorKind::Reference), "{bad}");
        }
        assert_eq!(reference("nbsp"), Err(ErrorKind::UnknownEntity));
    }

    #[test]
    fn the_declaration_is_read_strictly() {
        for good in [
            "<?xml version='1.0'?>",
            "<?xml version = \"1.0\" encoding='utf-8' standalone='yes' ?>",
            "<?xml\tversion='1.0'\nstandalone='no'?>",
        ] {
            assert_eq!(declaration(good), Ok(()), "{good}");
        }
        for (bad, kind) in [
            ("<?xml ?>", ErrorKind::Declaration),
            ("<?xml version='1.0'encoding='UTF-8'?>", ErrorKind::Declaration),
            ("<?xml encoding='UTF-8' version='1.0'?>", ErrorKind::Declaration),
            ("<?xml version='1.0' standalone='yes' encoding='UTF-8'?>", ErrorKind::Declaration),
            ("<?xml version='1.0' standalone='YES'?>", ErrorKind::Declaration),
            ("<?xml version=1.0?>", ErrorKind::Declaration),
            ("<?xml version='1.0\"?>", ErrorKind::Declaration),
            ("<?xml version='1.1'?>", ErrorKind::Version),
            ("<?xml version='1.0' encoding='koi8-r'?>", ErrorKind::Encoding),
            ("<?xml version='1.0' encoding=''?>", ErrorKind::Encoding),
            ("<?xml version='1.0' encoding='UTF-16LE'?>", ErrorKind::Utf16),
        ] {
            assert_eq!(declaration(bad), Err(kind), "{bad}");
        }
    }

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(decode(b"\xEF\xBB\xBF<a/>"), Ok(("<a/>", 3)));
        for utf16 in [&b"\xFE\xFF\0<"[..], b"\xFF\xFE<\0", b"<\0a\0", b"\0<\0a"] {
            assert_eq!(decode(utf16), Err((ErrorKind::Utf16, 0)));
        }
        assert_eq!(decode(b"<a>\xE9</a>"), Err((ErrorKind::InvalidUtf8, 3)));
        assert_eq!(decode("<a>\u{FFFE}</a>".as_bytes()), Err((ErrorKind::IllegalCharacter, 3)));
        assert_eq!(decode("<a>\u{FFFD}\0</a>".as_bytes()), Err((ErrorKind::IllegalCharacter, 6)));
    }
}
