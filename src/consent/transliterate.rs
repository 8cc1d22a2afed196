//! Russian and Kazakh in the letters of an SMS: one practical Latin for both languages, within the
//! GSM 7-bit default alphabet (3GPP TS 23.038, once GSM 03.38), and the arithmetic of SMS parts.
//!
//! | Cyrillic | Latin | | Cyrillic | Latin | | Cyrillic | Latin |
//! |---|---|---|---|---|---|---|---|
//! | а ә | a | | к | k | | х һ | h |
//! | б | b | | қ | q | | ц | ts |
//! | в | v | | л | l | | ч | ch |
//! | г ғ | g | | м | m | | ш | sh |
//! | д | d | | н ң | n | | щ | sch |
//! | е ё э | e | | о ө | o | | ъ ь | nothing |
//! | ж | j | | п | p | | ы | y |
//! | з | z | | р, с, т | r, s, t | | ю | yu |
//! | и і й | i | | у ұ ү | u | | я | ya |
//! | | | | ф | f | | | |
//!
//! `ж` is `j`, as in the reply word JOQ. Letters are folded and not marked, as people do in SMS: a
//! mark would cost septets and many phones show it wrongly.

/// Septets of a message that is sent alone.
pub const SINGLE: usize = 160;
/// Septets of each part of a longer message: six octets of every part are its header.
pub const PART: usize = 153;

/// What stands for a character that has no place in the alphabet.
const SUBSTITUTE: &str = "?";

/// The default alphabet without its letters and digits of ASCII and without the escape.
const DEFAULT_REST: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Characters that an escape precedes: two septets each.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Writes `text` within the alphabet. Typographic signs become plain ones, every kind of blank a
/// space, invisible characters nothing, anything else `?`. A line feed stays.
#[must_use]
pub fn transliterate(text: &str) -> String {
    let mut latin = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        if septets_of(letter).is_some() && !matches!(letter, '\r' | '\u{c}') {
            latin.push(letter);
        } else if let Some(written) = lower(letter).and_then(cyrillic) {
            push_in_case(&mut latin, letter, written, before, letters.peek().copied());
        } else {
            latin.push_str(sign(letter));
        }
        before = Some(letter);
    }
    latin
}

/// Septets of `text`, those of the extension table counting two. A character outside the alphabet
/// counts as the one that [`transliterate`] would put in its place.
#[must_use]
pub fn gsm7_septets(text: &str) -> usize {
    text.chars().map(|c| septets_of(c).unwrap_or(1)).sum()
}

/// Whether every character of `text` is in the alphabet or its extension table.
#[must_use]
pub fn is_gsm7(text: &str) -> bool {
    text.chars().all(|c| septets_of(c).is_some())
}

/// Number of parts in which `text` is sent: one up to 160 septets, else parts of 153. An escape is
/// never parted from its character, so such a character may move to the next part as a whole.
#[must_use]
pub fn parts(text: &str) -> usize {
    if gsm7_septets(text) <= SINGLE {
        return 1;
    }
    let mut parts = 1;
    let mut filled = 0;
    for septets in text.chars().map(|c| septets_of(c).unwrap_or(1)) {
        if filled + septets > PART {
            parts += 1;
            filled = 0;
        }
        filled += septets;
    }
    parts
}

fn septets_of(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || DEFAULT_REST.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// The lower-case form when it is one character; no Cyrillic letter has a longer one.
fn lower(letter: char) -> Option<char> {
    let mut lower = letter.to_lowercase();
    let first = lower.next();
    if lower.next().is_none() { first } else { None }
}

fn cyrillic(lower: char) -> Option<&'static str> {
    Some(match lower {
        'а' | 'ә' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ғ' => "g",
        'д' => "d",
        'е' | 'ё' | 'э' => "e",
        'ж' => "j",
        'з' => "z",
        'и' | 'і' | 'й' => "i",
        'к' => "k",
        'қ' => "q",
        'л' => "l",
        'м' => "m",
        'н' | 'ң' => "n",
        'о' | 'ө' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' | 'ұ' | 'ү' => "u",
        'ф' => "f",
        'х' | 'һ' => "h",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "sch",
        'ъ' | 'ь' => "",
        'ы' => "y",
        'ю' => "yu",
        'я' => "ya",
        _ => return None,
    })
}

/// Writes a capital as `Sh` at the head of a word and as `SH` among capitals.
fn push_in_case(latin: &mut String, letter: char, written: &str, before: Option<char>, after: Option<char>) {
    if !letter.is_uppercase() {
        latin.push_str(written);
        return;
    }
    let neighbour = after.filter(|c| c.is_alphabetic()).or(before);
    let among_capitals = neighbour.is_some_and(char::is_uppercase);
    let mut rest = written.chars();
    latin.extend(rest.next().map(|c| c.to_ascii_uppercase()));
    if among_capitals {
        latin.extend(rest.map(|c| c.to_ascii_uppercase()));
    } else {
        latin.extend(rest);
    }
}

fn sign(c: char) -> &'static str {
    match c {
        '«' | '»' | '“' | '”' | '„' | '‟' | '″' => "\"",
        '‘' | '’' | '‚' | '‛' | '`' | '´' | '′' | 'ʼ' | 'ʻ' => "'",
        '‐'..='―' | '−' | '•' | '·' => "-",
        '…' => "...",
        '№' => "N",
        '₸' => "KZT",
        _ if is_unseen(c) => "",
        _ if c.is_whitespace() || c.is_control() => " ",
        _ => SUBSTITUTE,
    }
}

/// Soft hyphens, combining marks, zero widths, directions and variation selectors.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_russian_and_kazakh_letter_has_a_place_in_the_alphabet() {
        for letter in "абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі".chars()
        {
            for letter in letter.to_uppercase().chain([letter]) {
                let latin = transliterate(&letter.to_string());
                assert!(latin.chars().all(|c| c.is_ascii_alphabetic()), "{letter}: {latin}");
                assert_eq!(latin.is_empty(), "ъьЪЬ".contains(letter), "{letter}");
            }
        }
    }

    #[test]
    fn words_come_out_as_people_write_them_in_sms() {
        let words = [
            ("Сіздің деректеріңіз", "Sizdin derekteriniz"),
            ("ЖОҚ", "JOQ"),
            ("ИӘ", "IA"),
            ("жеке тұлға, үй, өңір, ұлт", "jeke tulga, ui, onir, ult"),
            ("Һ, һ, Ғ", "H, h, G"),
            ("Щука, ЩУКА, Ю. Яковлев, ЯЩИК", "Schuka, SCHUKA, Yu. Yakovlev, YASCHIK"),
            ("объект, подъезд, семья", "obekt, podezd, semya"),
            ("ТОО «Шығыс» — №5…", "TOO \"Shygys\" - N5..."),
            ("Kaspi Bank", "Kaspi Bank"),
            ("Ч", "Ch"),
        ];
        for (cyrillic, latin) in words {
            assert_eq!(transliterate(cyrillic), latin);
        }
    }

    #[test]
    fn what_has_no_place_in_the_alphabet_is_replaced() {
        assert_eq!(transliterate("a\u{a0}b\tc\rd\ne"), "a b c d\ne");
        assert_eq!(transliterate("日本🙂"), "???");
        assert_eq!(transliterate("и\u{306}\u{200b}\u{202e}x\u{feff}"), "ix");
        assert_eq!(transliterate("é[x]€`"), "é[x]€'");
    }

    #[test]
    fn septets_are_counted_as_the_network_counts_them() {
        assert_eq!(gsm7_septets(""), 0);
        assert_eq!(gsm7_septets("abc@ö\n"), 6);
        assert_eq!(gsm7_septets("{}[]^\\~|€"), 18);
        assert!(is_gsm7("Sälem!") && !is_gsm7("Сәлем") && !is_gsm7("`"));
    }

    #[test]
    fn parts_change_at_their_exact_borders() {
        let borders = [(0, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)];
        for (septets, expected) in borders {
            assert_eq!(parts(&"a".repeat(septets)), expected, "{septets}");
        }
        // 152 + an escaped pair: the pair does not fit the last septet of the first part.
        let split = format!("{}€{}", "a".repeat(152), "a".repeat(151));
        assert_eq!((gsm7_septets(&split), parts(&split)), (305, 2));
        assert_eq!(parts(&format!("{split}aa")), 3);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_stays_within_the_alphabet(text in "\\PC*|.*") {
            let latin = transliterate(&text);
            prop_assert!(is_gsm7(&latin));
            prop_assert_eq!(transliterate(&latin), latin.clone());
            prop_assert!(parts(&latin) * PART + 7 >= gsm7_septets(&latin));
        }
    }
}
