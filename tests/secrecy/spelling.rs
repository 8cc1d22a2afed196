//! The ways in which a value may stand in a file, whoever wrote it there.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shortest spelling that is looked for, bytes: shorter ones are found by chance.
const SHORTEST: usize = 6;

/// A spelling with its name.
pub type Spelling = (&'static str, Vec<u8>);

/// All spellings of a text; numbers of persons and phones have more of them.
pub fn spellings(value: &str) -> Vec<Spelling> {
    let mut all = of_text(value);
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        all.extend(of_digits(value));
    }
    all.retain(|(_, spelling)| spelling.len() >= SHORTEST);
    all.sort_by(|(_, one), (_, other)| one.cmp(other));
    all.dedup_by(|(_, one), (_, other)| one == other);
    all
}

fn of_text(value: &str) -> Vec<Spelling> {
    let each = |write: &dyn Fn(char) -> String| value.chars().map(write).collect::<String>().into_bytes();
    let bytes_as = |write: &dyn Fn(u8) -> String| value.bytes().map(write).collect::<String>().into_bytes();
    let units =
        |write: &dyn Fn(u16) -> String| value.encode_utf16().map(write).collect::<String>().into_bytes();
    let mut all = vec![
        ("UTF-8", value.as_bytes().to_vec()),
        ("UTF-16LE", value.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", value.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("reversed", value.chars().rev().collect::<String>().into_bytes()),
        ("hex", bytes_as(&|byte| format!("{byte:02x}"))),
        ("HEX", bytes_as(&|byte| format!("{byte:02X}"))),
        ("hex with blanks", bytes_as(&|byte| format!("{byte:02x} "))),
        ("hex with colons", bytes_as(&|byte| format!("{byte:02X}:"))),
        ("bytes as numbers", bytes_as(&|byte| format!("{byte}, "))),
        ("percent", bytes_as(&|byte| format!("%{byte:02X}"))),
        ("percent, small", bytes_as(&|byte| format!("%{byte:02x}"))),
        (
            "percent where needed",
            bytes_as(&|byte| if byte.is_ascii() { char::from(byte).into() } else { format!("%{byte:02X}") }),
        ),
        ("\\x", bytes_as(&|byte| format!("\\x{byte:02x}"))),
        ("\\u", units(&|unit| format!("\\u{unit:04x}"))),
        ("\\U", units(&|unit| format!("\\u{unit:04X}"))),
        ("\\u{}", each(&|c| format!("\\u{{{:x}}}", u32::from(c)))),
        ("&#;", each(&|c| format!("&#{};", u32::from(c)))),
        ("&#x;", each(&|c| format!("&#x{:x};", u32::from(c)))),
        ("&#X;", each(&|c| format!("&#x{:X};", u32::from(c)))),
    ];
    if let Some(bytes) = value.chars().map(cp1251).collect::<Option<Vec<u8>>>() {
        all.push(("cp1251", bytes));
    }
    // Of UTF-16 alone, what stands within a longer text is found at an even place.
    for text in [value.as_bytes().to_vec(), value.encode_utf16().flat_map(u16::to_le_bytes).collect()] {
        all.extend(base64_of(&text));
    }
    all
}

/// Base64 of what stands within a longer text: at each of the three places that it can have there, without the digits
/// at both ends that its neighbours decide too.
fn base64_of(bytes: &[u8]) -> Vec<Spelling> {
    let mut all = Vec::new();
    for skip in 0..3 {
        let shifted = [&b"\0\0"[..skip], bytes].concat();
        for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
            let text = engine.encode(&shifted);
            let end = shifted.len() * 4 / 3;
            all.push((name, text.as_bytes()[(skip * 4).div_ceil(3)..end].to_vec()));
        }
    }
    all
}

fn cp1251(c: char) -> Option<u8> {
    Some(match c {
        'А'..='я' => u8::try_from(u32::from(c) - 0x410 + 0xc0).ok()?,
        'Ё' => 0xa8,
        'ё' => 0xb8,
        '«' => 0xab,
        '»' => 0xbb,
        '№' => 0xb9,
        c => u8::try_from(c).ok().filter(u8::is_ascii)?,
    })
}

fn of_digits(digits: &str) -> Vec<Spelling> {
    let mut all = Vec::new();
    let number: u64 = digits.parse().unwrap();
    all.push(("number, big-endian", number.to_be_bytes()[2..].to_vec()));
    all.push(("number, little-endian", number.to_le_bytes()[..6].to_vec()));
    all.push(("number, hex", format!("{number:x}").into_bytes()));
    for padded in [format!("{digits}f"), format!("0{digits}"), digits.to_owned()] {
        if padded.len() % 2 == 0 {
            let pair = |i: usize| u8::from_str_radix(&padded[i..i + 2], 16).unwrap();
            let packed: Vec<u8> = (0..padded.len()).step_by(2).map(pair).collect();
            let swapped = packed.iter().map(|byte| byte.rotate_left(4)).collect();
            all.push(("BCD", packed));
            all.push(("BCD of SMS", swapped));
        }
    }
    let groups = |sizes: &[usize], by: &str| {
        let mut rest = digits;
        let mut parts = Vec::new();
        for size in sizes {
            let (part, more) = rest.split_at(*size);
            parts.push(part);
            rest = more;
        }
        parts.join(by).into_bytes()
    };
    for by in [" ", "-", ".", "\u{a0}", "_"] {
        match digits.len() {
            12 => {
                all.push(("in groups", groups(&[6, 6], by)));
                all.push(("in groups", groups(&[6, 1, 4, 1], by)));
                all.push(("in groups", groups(&[3, 3, 3, 3], by)));
                all.push(("in groups", groups(&[4, 4, 4], by)));
            }
            11 => {
                all.push(("in groups", groups(&[1, 3, 3, 2, 2], by)));
                all.push(("in groups", groups(&[1, 3, 3, 4], by)));
                all.push(("in groups", groups(&[1, 3, 7], by)));
                all.push(("in groups", groups(&[1, 10], by)));
            }
            _ => {}
        }
    }
    if let ("7", national) = digits.split_at(1)
        && digits.len() == 11
    {
        let (area, rest) = national.split_at(3);
        all.extend(of_text(national));
        for form in [
            format!("({area}) {} {} {}", &rest[..3], &rest[3..5], &rest[5..]),
            format!("({area}) {}-{}-{}", &rest[..3], &rest[3..5], &rest[5..]),
            format!("({area}){rest}"),
            format!("{area} {} {} {}", &rest[..3], &rest[3..5], &rest[5..]),
            format!("{area}-{}-{}-{}", &rest[..3], &rest[3..5], &rest[5..]),
        ] {
            all.push(("national form", form.into_bytes()));
        }
    }
    all
}
