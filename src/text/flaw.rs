//! What exactly is wrong with an element of the data; follows the element's name in status/message.

use super::{Lang, pick, table};

table! {
    /// A flaw of an element, under a [`super::Reason`] of the family `element-…`.
    pub enum Flaw: Row {
        Missing {
            code: "missing",
            kk: "элементі жоқ немесе бос",
            ru: "отсутствует или пуст",
            en: "is missing or empty",
        }
        Repeated {
            code: "repeated",
            kk: "екі рет берілген",
            ru: "указан дважды",
            en: "is given twice",
        }
        Unknown {
            code: "unknown",
            kk: "мұнда күтілмейді",
            ru: "здесь не ожидается",
            en: "is not expected here",
        }
        Namespace {
            code: "namespace",
            kk: "басқа аттар кеңістігінде: барлық элемент бірдей болуы керек",
            ru: "в другом пространстве имён: у всех элементов оно должно быть одно",
            en: "is in another namespace: all elements must agree",
        }
        Text {
            code: "text",
            kk: "тек мәтін болуы керек",
            ru: "должен содержать только текст",
            en: "must hold text alone",
        }
        TooLong {
            code: "too-long",
            kk: "тым ұзын",
            ru: "слишком длинный",
            en: "is too long",
        }
        TwelveDigits {
            code: "twelve-digits",
            kk: "12 цифрдан тұруы керек",
            ru: "должен состоять из 12 цифр",
            en: "must have 12 digits",
        }
        ControlDigit {
            code: "control-digit",
            kk: "бақылау разряды қате",
            ru: "неверный контрольный разряд",
            en: "has a wrong control digit",
        }
        Boolean {
            code: "boolean",
            kk: "true немесе false болуы керек",
            ru: "должен быть true или false",
            en: "must be true or false",
        }
        Language {
            code: "language",
            kk: "kk, ru немесе en болуы керек",
            ru: "должен быть kk, ru или en",
            en: "must be kk, ru or en",
        }
        ServiceIds {
            code: "service-ids",
            kk: "«;» арқылы бөлінген ServiceID тізімі болуы керек",
            ru: "должен быть списком ServiceID через «;»",
            en: "must be ServiceIDs separated by \";\"",
        }
        Milliseconds {
            code: "milliseconds",
            kk: "миллисекундтардың бүтін саны болуы керек",
            ru: "должен быть целым числом миллисекунд",
            en: "must be a whole number of milliseconds",
        }
        MethodNumber {
            code: "method-number",
            kk: "1-ден 5-ке дейінгі сан болуы керек",
            ru: "должен быть числом от 1 до 5",
            en: "must be a number from 1 to 5",
        }
        Contradict {
            code: "contradict",
            kk: "бір-біріне қайшы келеді",
            ru: "противоречат друг другу",
            en: "contradict each other",
        }
        DateTime {
            code: "date-time",
            kk: "xs:dateTime түріндегі уақыт болуы керек",
            ru: "должен быть временем вида xs:dateTime",
            en: "must be an xs:dateTime",
        }
        Date {
            code: "date",
            kk: "ЖЖЖЖ-АА-КК түріндегі күн болуы керек",
            ru: "должен быть датой вида ГГГГ-ММ-ДД",
            en: "must be a date, YYYY-MM-DD",
        }
        Future {
            code: "future",
            kk: "болашақта болмауы керек",
            ru: "не должен быть в будущем",
            en: "must not lie in the future",
        }
        Choice {
            code: "choice",
            kk: "мәні күтілгендердің бірі емес",
            ru: "имеет значение не из допустимых",
            en: "has a value that is not one of those allowed",
        }
        OneOf {
            code: "one-of",
            kk: "элементтерінің дәл біреуі болуы керек",
            ru: "должен быть ровно один из этих элементов",
            en: "must be exactly one of these elements",
        }
        Range {
            code: "range",
            kk: "рұқсат етілген шектен тыс",
            ru: "вне допустимых пределов",
            en: "is out of range",
        }
        FarDate {
            code: "far-date",
            kk: "24 сағаттан артық кеш немесе 5 минуттан артық ерте",
            ru: "отстаёт более чем на 24 часа или опережает более чем на 5 минут",
            en: "is more than 24 hours back or 5 minutes ahead",
        }
    }
}

struct Row {
    kk: &'static str,
    ru: &'static str,
    en: &'static str,
}

impl Flaw {
    /// A text that follows the element's name, without a final stop, at most 100 characters.
    #[must_use]
    pub const fn text(self, lang: Lang) -> &'static str {
        pick!(self.row(), lang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_has_three_short_texts() {
        for flaw in Flaw::ALL {
            for lang in Lang::ALL {
                assert!((1..=100).contains(&flaw.text(lang).chars().count()), "{}", flaw.code());
            }
            assert_eq!(Flaw::from_code(flaw.code()), Some(*flaw));
        }
    }
}
