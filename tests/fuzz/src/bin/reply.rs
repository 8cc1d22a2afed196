//! What subjects write to 1414, and what is written to them: replies, Latin letters, the texts of the configuration.

#![no_main]

use kdp::consent::sms::{Answer, Ask, MAX_CODE, MAX_PARTS, ParsedReply, Sources, Templates, render};
use kdp::consent::transliterate::{gsm7_septets, is_gsm7, parts, transliterate};
use kdp_fuzz::seed;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use std::time::Duration;

/// Capitals, Cyrillic letters by the Latin ones of their shape.
const YES: [&str; 9] = ["1", "ИӘ", "ИЯ", "IA", "IYA", "ДA", "DA", "YES", "Y"];
const NO: [&str; 10] = ["0", "2", "ЖOҚ", "ЖOK", "JOQ", "JOK", "ZHOQ", "ZHOK", "HET", "NET"];
const FRAUD: [&str; 7] = ["AЛДAY", "ALDAU", "MOШEHHИK", "MOSHENNIK", "FRAUD", "STOP", "CTOП"];

static TEMPLATES: LazyLock<Templates> =
    LazyLock::new(|| Templates::parse(&Sources::default()).expect("the built-in texts"));

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let reply = ParsedReply::parse(&text);
    understood(&text, &reply);
    steady(&text, &reply);
    written(&text);
    asked(&text);
    configured(&text);
});

/// What is understood stands there in words.
fn understood(text: &str, reply: &ParsedReply) {
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(shown).collect();
    let says = |known: &[&str]| {
        let is = |word: &str| known.contains(&word);
        words.iter().any(|word| is(word) || glued(word).is_some_and(&is))
    };
    match reply.answer() {
        Answer::Yes => {
            assert!(says(&YES), "a yes without a word of yes");
            assert!(!text.contains('?') && !says(&NO) && !says(&FRAUD), "a yes beside a no");
            assert!(reply.code_candidate().is_none(), "a yes beside a code");
        }
        Answer::No => assert!(says(&NO) || says(&["NO"]), "a no without a word of no"),
        Answer::Fraud => assert!(says(&FRAUD), "a fraud without a word of fraud"),
        Answer::Unknown => {}
    }
    if let Some(reference) = reply.reference() {
        assert!(reference.len() == 4 && reference.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(text.contains(reference), "a reference that nobody wrote");
    }
    if let Some(code) = reply.code_candidate() {
        assert!((5..=MAX_CODE).contains(&code.len()));
        assert!(code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        assert!(words.iter().any(|word| word == code), "a code that nobody wrote");
        assert_eq!(reply.answer(), Answer::Unknown);
    }
    assert!(
        reply.code_candidate().is_none_or(|code| !format!("{reply:?}").contains(code)),
        "a code in the log"
    );
}

/// Capitals, with the Latin letter where a Cyrillic one has its shape.
fn shown(word: &str) -> String {
    let latin = |letter| match letter {
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
    };
    word.chars().flat_map(char::to_uppercase).map(latin).collect()
}

/// The word that has a reference of four digits before or after it.
fn glued(word: &str) -> Option<&str> {
    let digits = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (front, back) = (word.split_at_checked(4), word.split_at_checked(word.len().checked_sub(4)?));
    match (front, back) {
        (_, Some((rest, last))) if digits(last) => Some(rest),
        (Some((first, rest)), _) if digits(first) => Some(rest),
        _ => None,
    }
}

/// What does not change the sense of a reply for people does not change it here.
fn steady(text: &str, reply: &ParsedReply) {
    let told = |reply: &ParsedReply| {
        (reply.answer(), reply.reference().map(str::to_owned), reply.code_candidate().map(str::to_owned))
    };
    let same = told(reply);
    // Zeros at the end fill up; before anything else they are of another encoding, and in another order they are not.
    let text = text.trim_end_matches('\0');
    if text.contains('\0') {
        return;
    }
    for other in
        [format!(" {text}\r\n"), format!("«{text}»."), text.to_ascii_lowercase(), text.to_ascii_uppercase()]
    {
        assert_eq!(told(&ParsedReply::parse(&other)), same, "other blanks or case, another sense");
    }
    let backwards: Vec<&str> = text.split(' ').rev().collect();
    assert_eq!(told(&ParsedReply::parse(&backwards.join(" "))), same, "the order of words changes the sense");
    for against in ["нет", "JOQ", "stop", "жоқ", "?", "hm"] {
        let other = ParsedReply::parse(&format!("{text} {against}"));
        assert_ne!(other.answer(), Answer::Yes, "a yes against {against}");
    }
}

/// Latin letters: within the alphabet, at most four for one, and counted as the network counts.
fn written(text: &str) {
    let latin = transliterate(text);
    assert!(is_gsm7(&latin) && latin.chars().count() <= 4 * text.chars().count());
    assert_eq!(transliterate(&latin), latin);
    let septets = gsm7_septets(&latin);
    assert!(septets >= latin.chars().count());
    let least = if septets <= 160 { 1 } else { septets.div_ceil(153) };
    // At each border an escaped letter may leave one place empty.
    assert!((least..=septets.div_ceil(152).max(1)).contains(&parts(&latin)));
}

/// Whatever an initiator calls itself and the data, the subject is asked in three parts and sees how to refuse.
fn asked(text: &str) {
    let (initiator, data) = text.split_once('\n').unwrap_or((text, text));
    let term = Duration::from_secs(
        text.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(257).wrapping_add(byte.into())),
    );
    for code in [None, Some("123456")] {
        let sms = render(&TEMPLATES, &Ask { initiator, data, term, reference: "0417", code });
        assert!(is_gsm7(&sms) && parts(&sms) <= MAX_PARTS && !sms.contains("://") && !sms.contains('\n'));
        assert!(sms.contains("JOQ 0417") && sms.contains("NET 0417") && sms.contains("STOP 0417"));
        assert!(code.is_none() || sms.contains("KOD 123456 - "));
    }
}

/// A text of the configuration that is taken always fits.
fn configured(text: &str) {
    let Ok(templates) = Templates::parse(&Sources { ask: text, ..Sources::default() }) else { return };
    let name = "Ө".repeat(400);
    let ask = Ask {
        initiator: &name,
        data: &name,
        term: Duration::from_secs(7_776_000),
        reference: "0417",
        code: None,
    };
    let sms = render(&templates, &ask);
    assert!(is_gsm7(&sms) && parts(&sms) <= MAX_PARTS && sms.matches("0417").count() >= 2);
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let of =
        |word: &str| [word.to_owned(), word.to_lowercase(), format!("{word} 0417"), format!("0417{word}!")];
    for word in YES.iter().chain(&NO).chain(&FRAUD).chain(&["ДА", "ЖОҚ", "НЕТ", "МОШЕННИК", "NO"])
    {
        seeds.extend(of(word).map(String::into_bytes));
    }
    let whole = [
        "KOD 123456",
        "код: a7k9qx 1234",
        "да, 1234?",
        "да 1234 5678",
        "\u{feff}да\u{200b}",
        "сәлем",
        "日本🙂",
        "у",
        "11234",
        "АО «Песочный банк»\nАдрес, ФИО, телефон",
        "http://zlo.kz\n{code} {reference}",
    ];
    seeds.extend(whole.iter().map(|text| text.as_bytes().to_vec()));
    let own = Sources::default();
    seeds.extend([own.ask, own.help].map(|text| text.as_bytes().to_vec()));
    seeds.push(
        "Сұрау {initiator}|{data}|{term}|{reference} / Запрос {initiator} {data} {term} {reference}".into(),
    );
    seeds
}
