//! The SMS of methods 1 and 5: what the subject is asked, and what a reply means (wire.md 2.5).
//!
//! Every message is Kazakh, then ` / `, then Russian, in Latin letters of the GSM 7-bit alphabet.

mod legal_form;
mod reply;
mod template;
mod term;

pub use reply::{Answer, ParsedReply};
pub use template::{Problem, TemplateError};

use super::transliterate::{PART, transliterate};
use std::borrow::Cow;
use std::time::Duration;
use template::{Half, Slot, Template};

/// Most parts that one message is sent in.
pub const MAX_PARTS: usize = 3;
/// Longest one-time code that the room in a message is reckoned for, characters.
pub const MAX_CODE: usize = 12;

/// Septets that surely fit: at each of the two borders between parts an escaped character may
/// leave one septet empty.
const CAPACITY: usize = MAX_PARTS * PART - (MAX_PARTS - 1);

/// What the subject is asked (F-10 2): who wants which data and for how long.
pub struct Ask<'a> {
    /// Name of the initiator, in any script.
    pub initiator: &'a str,
    /// Which data, in any script.
    pub data: &'a str,
    /// Life of the security token; shown in days and hours or in hours and minutes, rounded up.
    pub term: Duration,
    /// The four digits that the initiator shows too.
    pub reference: &'a str,
    /// The one-time code of method 5, at most [`MAX_CODE`] ASCII characters; `None` for method 1.
    pub code: Option<&'a str>,
}

/// Sources of the messages as the configuration gives them. Each is `Kazakh / Russian`, in
/// Cyrillic or Latin, with placeholders `{initiator}`, `{data}`, `{term}`, `{reference}`, `{code}`.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// Method 1; each half has all placeholders but `{code}`.
    pub ask: &'a str,
    /// Method 5; each half has the same, and one of them `KOD {code}`.
    pub ask_code: &'a str,
    /// Help on a reply to `ask` that was not understood; each half has `{reference}` alone.
    pub help: &'a str,
    /// Help on a reply to `ask_code`; each half has `{reference}` alone.
    pub help_code: &'a str,
    /// Answer to a bare yes when several requests wait; no placeholder.
    pub add_reference: &'a str,
}

impl Default for Sources<'_> {
    fn default() -> Self {
        Self {
            ask: "{initiator} сіздің деректеріңізді сұрайды: {data}, мерзімі {term}, \
                нөмірі {reference}. Жауап: келісемін - IA {reference}, \
                келіспеймін - JOQ {reference}, алаяқтық - ALDAU {reference} / \
                {initiator} запрашивает ваши данные: {data}, на {term}, номер {reference}. \
                Ответ: согласен - DA {reference}, не согласен - NET {reference}, \
                мошенники - STOP {reference}",
            ask_code: "KOD {code} - тек келіссеңіз айтыңыз. {initiator} сұрайды: {data}, \
                мерзімі {term}, нөмірі {reference}. Бас тарту - JOQ {reference}, \
                алаяқтық - ALDAU {reference} / \
                KOD {code} - назовите, только если согласны. {initiator} запрашивает: {data}, \
                на {term}, номер {reference}. Отказ - NET {reference}, \
                мошенники - STOP {reference}",
            help: "Жауап түсініксіз. Былай жазыңыз: келісемін - IA {reference}, \
                келіспеймін - JOQ {reference}, алаяқтық - ALDAU {reference} / \
                Ответ не понят. Напишите: согласен - DA {reference}, \
                не согласен - NET {reference}, мошенники - STOP {reference}",
            help_code: "Жауап түсініксіз. Келіссеңіз, SMS-тегі кодты жіберіңіз. \
                Бас тарту - JOQ {reference}, алаяқтық - ALDAU {reference} / \
                Ответ не понят. Если согласны, отправьте код из SMS. \
                Отказ - NET {reference}, мошенники - STOP {reference}",
            add_reference: "Сізде бірнеше сұрау бар. Жауапқа SMS-тегі 4 таңбалы нөмірді қосыңыз / \
                У вас несколько запросов. Добавьте к ответу номер из SMS, 4 цифры",
        }
    }
}

/// The messages, checked and transliterated once when the configuration is read.
#[derive(Clone, Debug)]
pub struct Templates {
    ask: Template,
    ask_code: Template,
    help: Template,
    help_code: Template,
    add_reference: String,
}

impl Templates {
    /// Checks that every message has what it needs and always fits [`MAX_PARTS`] parts.
    ///
    /// # Errors
    /// [`TemplateError`] names the message and what is wrong in it.
    pub fn parse(sources: &Sources<'_>) -> Result<Self, TemplateError> {
        const WHOLE: [Slot; 4] = [Slot::Initiator, Slot::Data, Slot::Term, Slot::Reference];
        const REFERENCE: [Slot; 1] = [Slot::Reference];
        Ok(Self {
            ask: Template::parse("ask", sources.ask, &WHOLE, false)?,
            ask_code: Template::parse("ask_code", sources.ask_code, &WHOLE, true)?,
            help: Template::parse("help", sources.help, &REFERENCE, false)?,
            help_code: Template::parse("help_code", sources.help_code, &REFERENCE, false)?,
            add_reference: Template::parse("add_reference", sources.add_reference, &[], false)?
                .write(|_, _| Cow::Borrowed("")),
        })
    }

    /// The one help message of a request; `by_code` for method 5.
    #[must_use]
    pub fn help(&self, reference: &str, by_code: bool) -> String {
        let template = if by_code { &self.help_code } else { &self.help };
        template.write(|_, _| Cow::Borrowed(reference))
    }

    /// The message that asks for the reference after a bare yes that several requests await.
    #[must_use]
    pub fn add_reference(&self) -> &str {
        &self.add_reference
    }
}

/// The SMS that asks the subject: at most [`MAX_PARTS`] parts. Initiator and data are shortened
/// fairly where they do not fit; reference, code and how to answer never are.
#[must_use]
pub fn render(templates: &Templates, ask: &Ask<'_>) -> String {
    let template = if ask.code.is_some() { &templates.ask_code } else { &templates.ask };
    let (kazakh, russian) = (term::in_kazakh(ask.term), term::in_russian(ask.term));
    let initiator = legal_form::abbreviated(harmless(ask.initiator));
    let data = harmless(ask.data);
    let value = |slot, half| {
        Cow::Borrowed(match (slot, half) {
            (Slot::Initiator | Slot::Data, _) => "",
            (Slot::Term, Half::Kazakh) => kazakh.as_str(),
            (Slot::Term, Half::Russian) => russian.as_str(),
            (Slot::Reference, _) => ask.reference,
            (Slot::Code, _) => ask.code.unwrap_or_default(),
        })
    };
    let room = CAPACITY.saturating_sub(template.septets(value));
    let (of_initiator, of_data) = share(
        room,
        (template.count(Slot::Initiator), initiator.chars().count()),
        (template.count(Slot::Data), data.chars().count()),
    );
    template.write(|slot, half| match slot {
        Slot::Initiator => shorten(&initiator, of_initiator),
        Slot::Data => shorten(&data, of_data),
        _ => value(slot, half),
    })
}

/// How many characters each of two names, given as times it occurs and its length, may keep in
/// `room` septets. What the shorter one leaves goes to the longer one.
fn share(room: usize, first: (usize, usize), second: (usize, usize)) -> (usize, usize) {
    let even = room / (first.0 + second.0).max(1);
    let rest =
        |(times, length): (usize, usize), other: usize| room.saturating_sub(times * length) / other.max(1);
    if first.1 <= even {
        (first.1, rest(first, second.0))
    } else if second.1 <= even {
        (rest(second, first.0), second.1)
    } else {
        (even, even)
    }
}

fn shorten(name: &str, room: usize) -> Cow<'_, str> {
    const MARK: &str = "..";
    if name.chars().count() <= room {
        return Cow::Borrowed(name);
    }
    let kept: String = name.chars().take(room.saturating_sub(MARK.len())).collect();
    Cow::Owned(format!("{}{MARK}", kept.trim_end_matches(|c: char| !c.is_alphanumeric())))
}

/// A name as it may stand in an official SMS: one septet a character, on one line, and nothing a
/// phone would turn into a link, since the initiator writes this text and the subject trusts 1414.
fn harmless(name: &str) -> String {
    let latin = transliterate(name);
    let mut plain = String::with_capacity(latin.len());
    for c in latin.chars() {
        let after_dot = plain.ends_with(['.', ':']);
        if c.is_alphanumeric() {
            if after_dot {
                plain.push(' ');
            }
            plain.push(c);
        } else if ",.-'\"():;%&?".contains(c) {
            plain.push(c);
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain.truncate(plain.trim_end().len());
    if plain.is_empty() {
        plain.push('-');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::transliterate::{gsm7_septets, is_gsm7, parts};
    use proptest::prelude::*;

    fn templates() -> Templates {
        Templates::parse(&Sources::default()).unwrap()
    }

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 86_400)
    }

    fn ask<'a>(initiator: &'a str, data: &'a str, code: Option<&'a str>) -> Ask<'a> {
        Ask { initiator, data, term: days(90), reference: "0417", code }
    }

    #[test]
    fn method_1_asks_in_kazakh_then_in_russian() {
        let sms = render(&templates(), &ask("«Мысал Банк» АҚ", "Адрес, ФИО", None));
        assert_eq!(
            sms,
            "\"Mysal Bank\" AQ sizdin derekterinizdi suraidy: Adres, FIO, merzimi 90 kun, \
             nomiri 0417. Jauap: kelisemin - IA 0417, kelispeimin - JOQ 0417, \
             alayaqtyq - ALDAU 0417 / \"Mysal Bank\" AQ zaprashivaet vashi dannye: Adres, FIO, \
             na 90 dnei, nomer 0417. Otvet: soglasen - DA 0417, ne soglasen - NET 0417, \
             moshenniki - STOP 0417"
        );
        assert!(parts(&sms) <= 3 && !sms.contains("KOD"));
    }

    #[test]
    fn method_5_carries_the_code_after_its_word() {
        let sms = render(&templates(), &ask("Мысал Банк", "Адрес", Some("123456")));
        assert!(sms.starts_with("KOD 123456 - tek kelisseniz aitynyz. Mysal Bank suraidy: Adres"));
        assert_eq!(sms.matches("KOD 123456").count(), 2);
        assert!(sms.contains("merzimi 90 kun, nomiri 0417") && sms.contains("na 90 dnei, nomer 0417"));
    }

    #[test]
    fn the_other_messages_say_how_to_answer() {
        let templates = templates();
        let help = templates.help("0417", false);
        assert!(help.contains("IA 0417") && help.contains("NET 0417"));
        let help_code = templates.help("0417", true);
        assert!(help_code.contains("JOQ 0417") && !help_code.contains("IA 0417"));
        assert!(templates.add_reference().contains(" / U vas neskolko zaprosov."));
        for message in [&help, &help_code, templates.add_reference()] {
            assert!(is_gsm7(message) && parts(message) <= 2, "{message}");
        }
    }

    #[test]
    fn what_the_messages_tell_to_answer_is_understood() {
        let told = [("IA", Answer::Yes), ("DA", Answer::Yes), ("JOQ", Answer::No)];
        let refused = [("NET", Answer::No), ("ALDAU", Answer::Fraud), ("STOP", Answer::Fraud)];
        let sms = render(&templates(), &ask("Банк", "Адрес", None));
        for (word, answer) in told.into_iter().chain(refused) {
            let reply = format!("{word} 0417");
            assert!(sms.contains(&reply), "{reply}");
            assert_eq!(ParsedReply::parse(&reply).answer(), answer, "{reply}");
        }
    }

    #[test]
    fn the_longer_name_gives_way_first() {
        let long = "Ө".repeat(300);
        let sms = render(&templates(), &ask("Банк", &long, None));
        assert_eq!(sms.matches("Bank").count(), 2);
        assert!(sms.contains("O..") && parts(&sms) == 3 && gsm7_septets(&sms) > 450);
        let sms = render(&templates(), &ask(&long, "Адрес", None));
        assert_eq!(sms.matches("Adres").count(), 2);
        assert!(sms.contains("O..") && parts(&sms) == 3);
        let sms = render(&templates(), &ask(&long, &"ю".repeat(300), Some("123456")));
        let kept = |letter: char| sms.split(' ').map(|w| w.matches(letter).count()).max().unwrap();
        assert!(kept('O') >= 20 && kept('O').abs_diff(kept('y') * 2) <= 2, "{sms}");
    }

    #[test]
    fn a_name_cannot_bring_a_link_a_line_or_a_placeholder() {
        let name = "x.kz/a http://zlo.kz\n@me {code} {reference} t.me/z";
        let sms = render(&templates(), &ask(name, "", None));
        assert!(sms.starts_with("x. kz a http: zlo. kz me code reference t. me z sizdin"), "{sms}");
        assert!(sms.contains("suraidy: -, merzimi"));
        assert!(!sms.contains('\n') && !sms.contains("//"));
    }

    fn problem_of(sources: &Sources<'_>) -> Problem {
        Templates::parse(sources).unwrap_err().problem
    }

    #[test]
    fn a_message_without_what_it_needs_is_refused_by_name() {
        let with_ask = |ask| problem_of(&Sources { ask, ..Sources::default() });
        let whole = "{initiator} {data} {term} {reference}";
        let cases = [
            ("", Problem::Halves),
            (whole, Problem::Halves),
            ("{initiator} / ", Problem::Halves),
            ("a / b / c", Problem::Halves),
            ("{initiator / b", Problem::Brace),
            ("initiator} / b", Problem::Brace),
            ("{who} / b", Problem::Unknown("who".to_owned())),
            ("{code} / b", Problem::Unknown("code".to_owned())),
            ("{initiator} {data} {term} / x", Problem::Missing("initiator")),
        ];
        for (source, problem) in cases {
            assert_eq!(with_ask(source), problem, "{source}");
        }
        let halves = format!("{whole} / {{initiator}} {{data}} {{reference}}");
        assert_eq!(with_ask(&halves), Problem::Missing("term"));
        let long = format!("{whole} / {whole} {}", "x".repeat(400));
        assert!(matches!(with_ask(&long), Problem::TooLong(_)));
        let no_code = format!("{whole} / {whole} {{code}}");
        let sources = Sources { ask_code: &no_code, ..Sources::default() };
        assert_eq!(problem_of(&sources), Problem::Code);
        let error = Templates::parse(&sources).unwrap_err();
        assert_eq!(error.to_string(), "SMS message `ask_code`: must say `KOD {code}`");
    }

    #[test]
    fn a_message_of_the_configuration_takes_the_place_of_the_default() {
        let whole = "{initiator}|{data}|{term}|{reference}";
        let own = format!("Сұрау {whole} / Запрос {whole}");
        let templates = Templates::parse(&Sources { ask: &own, ..Sources::default() }).unwrap();
        let sms = render(&templates, &ask("А", "Б", None));
        assert_eq!(sms, "Surau A|B|90 kun|0417 / Zapros A|B|90 dnei|0417");
    }

    proptest! {
        #[test]
        fn every_ask_fits_three_parts_and_keeps_reference_and_code(
            initiator in any::<String>(),
            data in "[А-яәғқңөұүһі .,]{0,400}|\\PC{0,200}",
            seconds in any::<u64>(),
            reference in "[0-9]{4}",
            code in proptest::option::of("[0-9A-Z]{5,12}"),
        ) {
            let ask = Ask {
                initiator: &initiator,
                data: &data,
                term: Duration::from_secs(seconds),
                reference: &reference,
                code: code.as_deref(),
            };
            let sms = render(&templates(), &ask);
            prop_assert!(parts(&sms) <= MAX_PARTS, "{} parts", parts(&sms));
            prop_assert!(is_gsm7(&sms));
            let no = format!("JOQ {reference}, alayaqtyq - ALDAU {reference} / ");
            prop_assert!(sms.contains(&no));
            if let Some(code) = &code {
                let told = format!("KOD {code} - ");
                prop_assert!(sms.contains(&told));
            }
        }
    }
}
