//! Incidents: breaches of protection, of which the authorised body must be told within one working day (P 5-8).

use crate::clock;
use crate::consent::calendar::{Calendar, FirstDay};
use crate::consent::revocation::{date, midnight};
use crate::text::Lang;
use serde::{Deserialize, Serialize};

/// Working days from detection to the notice (P 5-8).
const NOTICE_DAYS: u32 = 1;

/// An incident. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// When it was detected.
    pub detected_at: i64,
    /// 24:00 of the last day for the notice.
    pub notice_until: i64,
    /// What happened, without personal data.
    pub what: String,
    /// How many persons it concerns, as far as it is known.
    pub persons: Option<u64>,
    /// Who answers for it, with contacts of the organisation (P 5-8).
    pub responsible: String,
    /// When the authorised body was told.
    pub notified_at: Option<i64>,
    /// When it was closed, and with what measures.
    pub closed: Option<Closed>,
}

/// How an incident ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// When.
    pub at: i64,
    /// What was done.
    pub measures: String,
}

impl Incident {
    /// 24:00 Astana time of the last day for the notice of what was detected at `detected_at`; `None` beyond the range
    /// of dates.
    #[must_use]
    pub fn notice_until(calendar: &Calendar, detected_at: i64) -> Option<i64> {
        let due = calendar.due(date(detected_at)?, NOTICE_DAYS, FirstDay::Next, None)?;
        midnight(due.due.next_day()?)
    }

    /// When the term of the notice ends, while it was not given.
    #[must_use]
    pub fn due(&self) -> Option<i64> {
        self.notified_at.is_none().then_some(self.notice_until)
    }

    /// Whether the notice is late at `at`.
    #[must_use]
    pub fn is_overdue(&self, at: i64) -> bool {
        self.due().is_some_and(|due| at >= due)
    }

    /// The last day for the notice, as people write it.
    #[must_use]
    pub fn last_day(&self) -> String {
        clock::text(self.notice_until - 1).chars().take(10).collect()
    }

    /// The notice to the authorised body (P 5-8), plain text of one language, ready to be sent.
    #[must_use]
    pub fn notice(&self, lang: Lang) -> String {
        let word = match lang {
            Lang::Kk => &KK,
            Lang::Ru => &RU,
            Lang::En => &EN,
        };
        let persons = self.persons.map_or_else(|| word.unknown.to_owned(), |count| count.to_string());
        let until = format!("{} {}", self.last_day(), word.until);
        let mut lines = vec![
            word.to.to_owned(),
            String::new(),
            word.title.to_owned(),
            String::new(),
            format!("{}: {}", word.number, self.id),
            format!("{}: {}", word.detected, minute(self.detected_at)),
            format!("{}: {until}", word.term),
            format!("{}: {}", word.what, self.what),
            format!("{}: {persons}", word.persons),
            format!("{}: {}", word.responsible, self.responsible),
        ];
        let measures = self.closed.as_ref().map(|closed| format!("{}: {}", word.measures, closed.measures));
        lines.extend(measures);
        lines.extend([String::new(), word.signature.to_owned(), String::new()]);
        lines.join("\n")
    }
}

/// A time as people write it, to the minute, Astana time.
fn minute(at: i64) -> String {
    let text = clock::text(at);
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{day} {} (UTC+5)", time.chars().take(5).collect::<String>())
}

/// The words of a notice in one language.
struct Word {
    to: &'static str,
    title: &'static str,
    number: &'static str,
    detected: &'static str,
    term: &'static str,
    until: &'static str,
    what: &'static str,
    persons: &'static str,
    unknown: &'static str,
    responsible: &'static str,
    measures: &'static str,
    signature: &'static str,
}

const KK: Word = Word {
    to: "Дербес деректерді қорғау саласындағы уәкілетті органға",
    title: "Дербес деректер қауіпсіздігінің бұзылуы туралы хабарлама (12.06.2023 № 179/НҚ бұйрық, 5-8)",
    number: "Оқиғаның нөмірі",
    detected: "Анықталған уақыты",
    term: "Хабарлау мерзімі",
    until: "сағат 24:00-ге дейін",
    what: "Не болды",
    persons: "Қатысы бар субъектілердің саны",
    unknown: "әлі анықталған жоқ",
    responsible: "Жауапты тұлға және байланыс деректері",
    measures: "Қабылданған шаралар",
    signature: "Қолы: ____________________   Күні: ____________________",
};

const RU: Word = Word {
    to: "В уполномоченный орган в сфере защиты персональных данных",
    title: "Уведомление о нарушении безопасности персональных данных (приказ от 12.06.2023 № 179/НҚ, 5-8)",
    number: "Номер инцидента",
    detected: "Обнаружено",
    term: "Срок уведомления",
    until: "до 24:00",
    what: "Что произошло",
    persons: "Число затронутых субъектов",
    unknown: "пока не установлено",
    responsible: "Ответственное лицо и его контакты",
    measures: "Принятые меры",
    signature: "Подпись: ____________________   Дата: ____________________",
};

const EN: Word = Word {
    to: "To the authorised body for the protection of personal data",
    title: "Notice of a breach of the security of personal data (order № 179/НҚ of 12.06.2023, 5-8)",
    number: "Number of the incident",
    detected: "Detected",
    term: "Term of the notice",
    until: "until 24:00",
    what: "What happened",
    persons: "Number of subjects concerned",
    unknown: "not established yet",
    responsible: "Person responsible, with contacts",
    measures: "Measures taken",
    signature: "Signature: ____________________   Date: ____________________",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(detected: &str) -> Incident {
        let detected_at = clock::parse(detected).unwrap();
        let calendar = Calendar::built_in().unwrap();
        Incident {
            id: "01".to_owned(),
            detected_at,
            notice_until: Incident::notice_until(&calendar, detected_at).unwrap(),
            what: "A backup was lost".to_owned(),
            persons: None,
            responsible: "Security officer".to_owned(),
            notified_at: None,
            closed: None,
        }
    }

    #[test]
    fn the_notice_is_due_at_the_end_of_the_next_working_day() {
        // A Thursday; then a Friday before the holiday of 8 March 2026, a Sunday, whose Monday is off.
        assert_eq!(incident("2026-03-05T10:00:00+05:00").last_day(), "2026-03-06");
        let mut friday = incident("2026-03-06T23:59:00+05:00");
        assert_eq!(friday.last_day(), "2026-03-10");
        let end = clock::parse("2026-03-11T00:00:00+05:00").unwrap();
        assert!(!friday.is_overdue(end - 1) && friday.is_overdue(end));
        friday.notified_at = Some(end + 1);
        assert!(!friday.is_overdue(end + 2) && friday.due().is_none());
    }

    #[test]
    fn a_notice_says_in_each_language_all_that_the_authorised_body_must_know() {
        let mut incident = incident("2026-03-05T10:00:00+05:00");
        for (lang, unknown) in [(Lang::Kk, KK.unknown), (Lang::Ru, RU.unknown), (Lang::En, EN.unknown)] {
            incident.persons = None;
            let text = incident.notice(lang);
            for part in
                ["179/НҚ", "2026-03-05 10:00", "2026-03-06", "A backup was lost", "Security officer", unknown]
            {
                assert!(text.contains(part), "{part} is not in\n{text}");
            }
            incident.persons = Some(120);
            assert!(incident.notice(lang).contains(": 120\n"));
        }
        incident.closed = Some(Closed { at: 0, measures: "Keys were replaced".to_owned() });
        assert!(incident.notice(Lang::Ru).contains("Принятые меры: Keys were replaced"));
    }
}
