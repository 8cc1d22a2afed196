//! What a subject's SMS to 1414 means (wire.md 2.5). Nothing here shows its text in Debug.
//!
//! A reply is read as words. It means something only if **every** word is understood: a word of
//! answer, a reference, or a code. So `ДА НЕ ХОЧУ` is no yes.
//! * Case does not matter, nor blanks and punctuation around words. A question mark takes the
//!   force from a yes and a code: `ДА?` asks and does not answer. A no stays a no.
//! * Latin and Cyrillic letters of one shape are the same letter: what looks like `ДА` on the
//!   phone is `ДА`. `1`, `0`, `2` and `Y` are only what they are: Cyrillic `У` is no yes.
//! * Four ASCII digits are a reference, also when written to the word without a blank. A code has
//!   five characters or more; whether its length is the configured one, the caller compares.
//! * A yes with a no, or with two references, means nothing. A no with a fraud is a fraud. A no
//!   with a code is a no: to refuse is safe.

use std::fmt;

/// What the subject says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Agrees.
    Yes,
    /// Refuses.
    No,
    /// Refuses and reports fraud.
    Fraud,
    /// Anything else: worth one help message, unless it is the code that was sent.
    Unknown,
}

/// A reply as it was understood.
#[derive(Clone)]
pub struct ParsedReply {
    answer: Answer,
    reference: Option<Reference>,
    code: Option<String>,
}

/// The four digits that tell the requests of one subject apart.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Reference([u8; 4]);

const YES: &[&str] = &["1", "ИӘ", "ИЯ", "IA", "IYA", "ДА", "DA", "YES", "Y"];
const NO: &[&str] = &["0", "2", "ЖОҚ", "ЖОК", "JOQ", "JOK", "ZHOQ", "ZHOK", "НЕТ", "NET", "NO"];
const FRAUD: &[&str] = &["АЛДАУ", "ALDAU", "МОШЕННИК", "MOSHENNIK", "FRAUD", "STOP", "СТОП"];
/// Words that may precede the code as they do in the SMS.
const CODE_WORD: &[&str] = &["KOD", "КОД", "CODE"];

impl ParsedReply {
    /// Reads the text of an SMS. Never fails: what is not understood is [`Answer::Unknown`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut reading = Reading::default();
        // Some networks fill up with zeros.
        for word in text.trim_end_matches('\0').split(is_gap).filter(|word| !word.is_empty()) {
            if reading.take(word).is_none() {
                return Self { answer: Answer::Unknown, reference: None, code: None };
            }
        }
        reading.close(text.contains(['?', '？']))
    }

    /// What the subject says; never [`Answer::Yes`] beside a [`Self::code_candidate`].
    #[must_use]
    pub fn answer(&self) -> Answer {
        self.answer
    }

    /// Four digits: which request it is said about. `None` when not told, or told in two ways.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_ref().and_then(|reference| std::str::from_utf8(&reference.0).ok())
    }

    /// A word that may be the one-time code: 5 to 12 ASCII letters and digits, in capitals.
    /// `None` when the reply refuses or asks. Compare it in constant time and never log it.
    #[must_use]
    pub fn code_candidate(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

/// What the words so far amount to.
#[derive(Default)]
struct Reading {
    /// `Unknown` once two words contradict each other.
    answer: Option<Answer>,
    code: Option<String>,
    code_word: bool,
    reference: Option<Reference>,
    two_references: bool,
}

impl Reading {
    /// Takes one word in; `None` when it means nothing.
    fn take(&mut self, word: &str) -> Option<()> {
        if let Some(reference) = Reference::parse(word) {
            self.refer(reference);
        } else if let Some(answer) = answer_of(word) {
            self.say(answer);
        } else if let Some((reference, answer)) = glued(word) {
            self.say(answer);
            self.refer(reference);
        } else if is_one_of(word, CODE_WORD) {
            self.code_word = true;
        } else {
            let code = code_in(word)?;
            if self.code.as_ref().is_some_and(|other| *other != code) {
                return None;
            }
            self.code = Some(code);
        }
        Some(())
    }

    fn say(&mut self, answer: Answer) {
        self.answer = Some(match (self.answer.take(), answer) {
            (None, answer) => answer,
            (Some(before), answer) if before == answer => answer,
            (Some(Answer::No | Answer::Fraud), Answer::No | Answer::Fraud) => Answer::Fraud,
            _ => Answer::Unknown,
        });
    }

    fn refer(&mut self, reference: Reference) {
        self.two_references |= self.reference.is_some_and(|other| other != reference);
        self.reference = Some(reference);
    }

    fn close(self, asks: bool) -> ParsedReply {
        let (answer, code) = match (self.answer, self.code) {
            (Some(answer @ (Answer::No | Answer::Fraud)), _) => (answer, None),
            _ if asks || self.two_references => (Answer::Unknown, None),
            (None | Some(Answer::Yes), Some(code)) => (Answer::Unknown, Some(code)),
            (Some(Answer::Yes), None) if !self.code_word => (Answer::Yes, None),
            _ => (Answer::Unknown, None),
        };
        let reference = if self.two_references { None } else { self.reference };
        ParsedReply { answer, reference, code }
    }
}

impl Reference {
    fn parse(digits: &str) -> Option<Self> {
        let digits: [u8; 4] = digits.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }
}

/// Parts `ДА1234` and `1234ДА`. A digit is never parted from digits: `11234` is no yes to 1234.
fn glued(word: &str) -> Option<(Reference, Answer)> {
    let (rest, last) = word.split_at_checked(word.len().checked_sub(4)?)?;
    let (reference, rest) = match (Reference::parse(last), word.split_at_checked(4)) {
        (Some(reference), _) => (reference, rest),
        (None, Some((first, rest))) => (Reference::parse(first)?, rest),
        (None, None) => return None,
    };
    if !rest.contains(char::is_alphabetic) {
        return None;
    }
    Some((reference, answer_of(rest)?))
}

fn code_in(word: &str) -> Option<String> {
    // No code is longer, and a word of any length may come: the count stops at 13.
    let length = word.chars().take(super::MAX_CODE + 1).count();
    if !(5..=super::MAX_CODE).contains(&length) {
        return None;
    }
    let folded: String = word.chars().map(fold).collect();
    folded.chars().all(|c| c.is_ascii_alphanumeric()).then_some(folded)
}

fn answer_of(word: &str) -> Option<Answer> {
    let sorts = [(YES, Answer::Yes), (NO, Answer::No), (FRAUD, Answer::Fraud)];
    sorts.into_iter().find(|(known, _)| is_one_of(word, known)).map(|(_, answer)| answer)
}

fn is_one_of(word: &str, known: &[&str]) -> bool {
    known.iter().any(|known| {
        if known.len() == 1 {
            word.eq_ignore_ascii_case(known)
        } else {
            word.chars().flat_map(char::to_uppercase).map(shape).eq(known.chars().map(shape))
        }
    })
}

/// The capital in Latin where a Latin letter has its shape.
fn fold(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(capital), None) => shape(capital),
        _ => c,
    }
}

/// The Latin capital that looks like this Cyrillic one.
fn shape(capital: char) -> char {
    match capital {
        'А' => 'A',
        'В' => 'B',
        'С' => 'C',
        'Е' => 'E',
        'Н' => 'H',
        'І' | 'Ӏ' => 'I',
        'Ј' => 'J',
        'К' => 'K',
        'М' => 'M',
        'О' => 'O',
        'Р' => 'P',
        'Ѕ' => 'S',
        'Т' => 'T',
        'Х' => 'X',
        'У' | 'Ү' => 'Y',
        other => other,
    }
}

/// Blanks, punctuation and what is not seen. A letter, a digit or a picture is never a gap, so a
/// reply with a picture in it is not understood rather than half understood. Nor is a control
/// character: it comes from a text read in another encoding, where `б` (U+0431) is 0x04 and `1`.
fn is_gap(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '«' | '»' | '№' | '·' | '¡' | '¿' | '？' | '！' | '。' | '，')
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Debug for ParsedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParsedReply").field("answer", &self.answer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_reads(replies: &[(&str, Answer, Option<&str>)]) {
        for (text, answer, reference) in replies {
            let reply = ParsedReply::parse(text);
            assert_eq!(reply.answer(), *answer, "{text:?}");
            assert_eq!(reply.reference(), *reference, "{text:?}");
        }
    }

    #[test]
    fn every_word_of_the_specification_is_understood_in_any_case() {
        let words = "1 ИӘ ИЯ IA ДА DA YES Y / 0 2 ЖОҚ ЖОК JOQ НЕТ NET NO / \
            АЛДАУ МОШЕННИК FRAUD STOP";
        let answers = [Answer::Yes, Answer::No, Answer::Fraud];
        for (sort, answer) in words.split('/').zip(answers) {
            for word in sort.split_whitespace() {
                let mut title: String = word.to_lowercase();
                if let Some(first) = word.chars().next() {
                    title.replace_range(..first.len_utf8(), &first.to_string());
                }
                for written in [word.to_owned(), word.to_lowercase(), title] {
                    assert_reads(&[(&written, answer, None)]);
                    let with_reference = format!("{written} 0417");
                    assert_reads(&[(&with_reference, answer, Some("0417"))]);
                    let before = format!("0417, {written}.");
                    assert_reads(&[(&before, answer, Some("0417"))]);
                }
            }
        }
    }

    #[test]
    fn a_yes_is_read_through_blanks_punctuation_and_a_reference() {
        let yes = |text, reference| (text, Answer::Yes, reference);
        assert_reads(&[
            yes("Да", None),
            yes(" дА \n", None),
            yes("да!", None),
            yes("«Да».", None),
            yes("\u{feff}да\u{200b}", None),
            yes("\u{a0}да\u{a0}1234\u{a0}", Some("1234")),
            yes("да\r\n1234", Some("1234")),
            yes("иә, 1234", Some("1234")),
            yes("Иә – 1234", Some("1234")),
            yes("№1234: иә", Some("1234")),
            yes("#1234 YES", Some("1234")),
            yes("1234-ия", Some("1234")),
            yes("да1234", Some("1234")),
            yes("1234да", Some("1234")),
            yes("IA1234", Some("1234")),
            yes("y 0000", Some("0000")),
            yes("1 1234", Some("1234")),
            yes("1234 1", Some("1234")),
            yes("1234. 1.", Some("1234")),
            yes("да да", None),
            yes("да 1234 1234", Some("1234")),
            yes("иә/да 1234", Some("1234")),
            yes("(iya) 1234", Some("1234")),
        ]);
    }

    #[test]
    fn a_no_and_a_fraud_win_over_what_could_be_meant_otherwise() {
        assert_reads(&[
            ("Жоқ", Answer::No, None),
            ("жоқ 1234", Answer::No, Some("1234")),
            ("ЖОқ1234", Answer::No, Some("1234")),
            ("zhoq", Answer::No, None),
            ("нет!!! 1234", Answer::No, Some("1234")),
            ("нет?", Answer::No, None),
            ("0 0000", Answer::No, Some("0000")),
            ("2", Answer::No, None),
            ("нет 123456", Answer::No, None),
            ("нет 1234 5678", Answer::No, None),
            ("Алдау", Answer::Fraud, None),
            ("алдау 1234", Answer::Fraud, Some("1234")),
            ("нет, мошенник", Answer::Fraud, None),
            ("stop? 1234", Answer::Fraud, Some("1234")),
            ("стоп", Answer::Fraud, None),
            ("Moshennik 1234", Answer::Fraud, Some("1234")),
        ]);
    }

    #[test]
    fn a_code_is_told_from_a_reference_by_its_length() {
        let codes = [
            ("123456", Some("123456"), None),
            ("KOD 123456", Some("123456"), None),
            ("код: 123456.", Some("123456"), None),
            ("123456 1234", Some("123456"), Some("1234")),
            ("1234 123456", Some("123456"), Some("1234")),
            ("да 123456", Some("123456"), None),
            ("a7k9qx", Some("A7K9QX"), None),
            ("А7К9НХ", Some("A7K9HX"), None),
            ("12345", Some("12345"), None),
            ("11234", Some("11234"), None),
            ("hello", Some("HELLO"), None),
            ("123456789012", Some("123456789012"), None),
            ("123456 123456", Some("123456"), None),
            ("1234567890123", None, None),
            ("123456 654321", None, None),
            ("123456?", None, None),
            ("123 456", None, None),
            ("1234", None, Some("1234")),
            ("KOD 1234", None, Some("1234")),
        ];
        for (text, code, reference) in codes {
            let reply = ParsedReply::parse(text);
            assert_eq!(reply.answer(), Answer::Unknown, "{text:?}");
            assert_eq!((reply.code_candidate(), reply.reference()), (code, reference), "{text:?}");
        }
    }

    #[test]
    fn a_reply_that_refuses_confirms_no_code() {
        for text in ["нет 123456", "123456 joq", "0 123456 1234", "алдау 123456", "да нет 123456"]
        {
            let reply = ParsedReply::parse(text);
            assert!(reply.code_candidate().is_none() && reply.answer() != Answer::Yes, "{text:?}");
        }
    }

    #[test]
    fn letters_of_one_shape_are_one_letter_whatever_the_keyboard() {
        assert_reads(&[
            // Latin A in ДА, HET in Latin shapes, Cyrillic І and А in IA, Cyrillic О in NO.
            ("ДA", Answer::Yes, None),
            ("дa 1234", Answer::Yes, Some("1234")),
            ("HET", Answer::No, None),
            ("ІА", Answer::Yes, None),
            ("NО", Answer::No, None),
            ("ЖOK", Answer::No, None),
            ("АLDАU", Answer::Fraud, None),
            // One letter is too little to guess at.
            ("У", Answer::Unknown, None),
            ("у 1234", Answer::Unknown, None),
            // Other shapes, other scripts and other digits are not guessed.
            ("ИА", Answer::Unknown, None),
            ("АД", Answer::Unknown, None),
            ("ｙｅｓ", Answer::Unknown, None),
            ("１", Answer::Unknown, None),
            ("да ١٢٣٤", Answer::Unknown, None),
        ]);
    }

    #[test]
    fn anything_else_is_not_understood() {
        let unknown = [
            "",
            " ",
            "\u{a0}",
            "?",
            "...",
            "привет",
            "сәлем",
            "кто это",
            "Бұл кім?",
            "да нет",
            "иә жоқ",
            "да 0",
            "1 2",
            "1/2",
            "да, мошенник",
            "да?",
            "да 1234?",
            "да не хочу",
            "не да",
            "да 1234 5678",
            "да 123",
            "да 👎",
            "👍",
            "дада",
            "да12345",
            "12345да",
            "12да34",
            "код",
            "код да",
            "нетда",
            "д а",
            "\0",
            "да\u{301}",
            "DA DA NET",
            "ок",
            "спасибо, да, согласен",
            "1111111111111111111111111111111",
            "yes!no",
        ];
        for text in unknown {
            assert!(ParsedReply::parse(text).answer == Answer::Unknown, "{text:?}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_what_the_subject_wrote() {
        for text in ["123456 7788", "нет 7788", "a7k9qx", "иә 7788", "7788"] {
            let reply = ParsedReply::parse(text);
            let shown = format!("{reply:?}");
            for part in ["7788", "123456", "A7K9QX", "a7k9qx"] {
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in any::<String>()) {
            let _ = ParsedReply::parse(&text);
        }

        #[test]
        fn a_word_that_is_not_known_takes_the_force_from_a_yes(
            word in "[а-яә]{2,12}",
            first in any::<bool>(),
        ) {
            let known = ["да", "ия", "иә", "код", "стоп", "нет", "жок", "алдау", "мошенник"];
            prop_assume!(!known.contains(&word.as_str()));
            let text = if first { format!("{word} да") } else { format!("да {word}") };
            prop_assert!(ParsedReply::parse(&text).answer() != Answer::Yes);
        }

        #[test]
        fn a_reference_is_found_on_either_side(digits in "[0-9]{4}", gap in "[ \u{a0},.:-]{1,3}") {
            for text in [format!("иә{gap}{digits}"), format!("{digits}{gap}иә")] {
                let reply = ParsedReply::parse(&text);
                prop_assert_eq!(reply.answer(), Answer::Yes);
                prop_assert_eq!(reply.reference(), Some(digits.as_str()));
            }
        }
    }
}
