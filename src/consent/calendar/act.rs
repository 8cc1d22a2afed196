//! An act that names days off and working days, as `kdp calendar load` reads it.

use super::date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use time::Date;
use toml::Spanned;

/// Longest reason and longest name of an act, characters.
const LONGEST: usize = 300;
/// Years that an act can speak of; what lies outside is a slip of the pen.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;
/// How many days after a date an act about it can still be published.
const LATEST: i64 = 366;

/// What one act says of one date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayRow {
    /// The date; ISO 8601 text in serde.
    #[serde(with = "date")]
    pub date: Date,
    /// Whether it is a day off or a working day.
    pub nature: Nature,
    /// The reason in Kazakh, 1 to 300 characters.
    pub kk: String,
    /// The reason in Russian, 1 to 300 characters.
    pub ru: String,
    /// The reason in English, 1 to 300 characters.
    pub en: String,
    /// The act, as it is cited; 1 to 300 characters.
    pub act: String,
    /// Since when it is known.
    #[serde(with = "date")]
    pub published: Date,
}

/// What an act makes of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    /// A day off (демалыс күні, выходной).
    Off,
    /// A working day (жұмыс күні, рабочий день).
    Work,
}

/// An act, parsed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its rows, in the order of the file; at least one.
    pub days: Vec<DayRow>,
}

/// Why a table of days is refused. Each says where and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Not TOML, or not of the form; the text names line and column.
    #[error("{0}")]
    Syntax(String),
    /// There is no row.
    #[error("there is no [[days]]: an act names at least one day")]
    Empty,
    /// A row makes no sense.
    #[error("line {line}, row {row}, {date}: {why}")]
    Row {
        /// Line of the file on which the row begins, from 1.
        line: usize,
        /// Number of the row in the file, from 1.
        row: usize,
        /// The date that the row is about.
        date: Date,
        /// What is wrong and what to do.
        why: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    days: Vec<Spanned<DayRow>>,
}

impl Act {
    /// Reads TOML: `[[days]]` with the fields of [`DayRow`].
    ///
    /// # Errors
    /// [`CalendarError`]: unknown or missing fields, no row, two rows for one date and publication, a text that is
    /// empty, blank at its ends, longer than 300 characters or has control characters, a date outside 2000 to 2100,
    /// a publication before 2000 or more than 366 days after the date.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let file: File = toml::from_str(text).map_err(CalendarError::syntax)?;
        if file.days.is_empty() {
            return Err(CalendarError::Empty);
        }
        Ok(Self { days: checked(text, file.days)? })
    }
}

/// Holds rows against what [`Act::parse`] promises.
pub(super) fn checked(text: &str, rows: Vec<Spanned<DayRow>>) -> Result<Vec<DayRow>, CalendarError> {
    let mut seen = BTreeSet::new();
    let check = |(index, row): (usize, Spanned<DayRow>)| {
        let start = row.span().start.min(text.len());
        let row = row.into_inner();
        let flaw = if seen.insert((row.date, row.published)) {
            flaw(&row)
        } else {
            Some("a second row for this date and publication: leave one")
        };
        let line = text.as_bytes().iter().take(start).filter(|byte| **byte == b'\n').count() + 1;
        match flaw {
            Some(why) => Err(CalendarError::Row { line, row: index + 1, date: row.date, why }),
            None => Ok(row),
        }
    };
    rows.into_iter().enumerate().map(check).collect()
}

fn flaw(row: &DayRow) -> Option<&'static str> {
    let bad = |text: &str| {
        text.is_empty()
            || text.trim() != text
            || text.contains(char::is_control)
            || text.chars().count() > LONGEST
    };
    if [&row.kk, &row.ru, &row.en].into_iter().any(|text| bad(text)) {
        return Some("kk, ru and en must each give the reason on one line, in 1 to 300 characters");
    }
    if bad(&row.act) {
        return Some("act must cite the act on one line, in 1 to 300 characters");
    }
    if !YEARS.contains(&row.date.year()) {
        return Some("the date must lie in the years 2000 to 2100");
    }
    if !YEARS.contains(&row.published.year()) {
        return Some("published must lie in the years 2000 to 2100");
    }
    ((row.published - row.date).whole_days() > LATEST)
        .then_some("published lies more than a year after the date: is the year right?")
}

impl CalendarError {
    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
    pub(super) fn syntax(error: toml::de::Error) -> Self {
        Self::Syntax(error.to_string().trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "[[days]]\ndate = \"2027-03-26\"\nnature = \"off\"\nkk = \"к\"\nru = \"р\"\nen = \"e\"\n\
                       act = \"Приказ № 1\"\npublished = \"2027-01-20\"\n";

    fn refusal(text: &str) -> String {
        Act::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn an_act_is_read_and_written_in_the_same_words() {
        let act = Act::parse(ROW).unwrap();
        assert_eq!(act.days.len(), 1);
        assert_eq!((act.days[0].nature, act.days[0].date.ordinal()), (Nature::Off, 85));
        let json = serde_json::to_string(&act.days).unwrap();
        assert!(json.contains(r#""date":"2027-03-26","nature":"off""#), "{json}");
        assert_eq!(serde_json::from_str::<Vec<DayRow>>(&json).unwrap(), act.days);
    }

    #[test]
    fn a_row_is_refused_by_its_line_its_date_and_the_reason() {
        for (from, to, why) in [
            ("kk = \"к\"", "kk = \"\"", "kk, ru and en must each give the reason"),
            ("en = \"e\"", "en = \" e\"", "kk, ru and en must each give the reason"),
            ("ru = \"р\"", "ru = \"р\\n\"", "kk, ru and en must each give the reason"),
            ("Приказ № 1", &"№".repeat(301), "act must cite the act"),
            ("2027-03-26", "2127-03-26", "the date must lie in the years 2000 to 2100"),
            ("2027-01-20", "1999-12-31", "published must lie in the years 2000 to 2100"),
            ("2027-01-20", "2028-03-28", "published lies more than a year after the date"),
        ] {
            let text = format!("# An act.\n{ROW}\n{}", ROW.replace(from, to).replace("03-26", "03-27"));
            let refusal = refusal(&text);
            let date = if to.starts_with("2127") { "2127-03-27" } else { "2027-03-27" };
            assert!(refusal.starts_with(&format!("line 11, row 2, {date}: {why}")), "{refusal}");
        }
        let late = ROW.replace("2027-01-20", "2028-03-26");
        assert!(Act::parse(&late).is_ok(), "366 days after it an act can still be published");
    }

    #[test]
    fn two_rows_for_one_date_and_publication_contradict_each_other() {
        assert!(refusal(&[ROW, ROW].concat()).contains("line 9, row 2, 2027-03-26: a second row"));
        let later = ROW.replace("01-20", "02-20").replace("off", "work");
        assert_eq!(Act::parse(&[ROW, &later].concat()).unwrap().days.len(), 2);
    }

    #[test]
    fn what_is_not_of_the_form_is_refused_with_the_line() {
        assert!(refusal("").contains("no [[days]]"));
        assert!(refusal(&format!("{ROW}why = \"?\"\n")).contains("line 9"));
        assert!(refusal(&format!("title = \"?\"\n{ROW}")).contains("line 1"));
        assert!(refusal(&ROW.replace("\"off\"", "\"maybe\"")).contains("line 3"));
        for date in ["2027-02-30", "2027-3-26", "26.03.2027", "+027-03-26", "12027-03-2"] {
            let refusal = refusal(&ROW.replace("2027-03-26", date));
            assert!(refusal.contains("line 2") && refusal.contains("2026-03-09"), "{refusal}");
        }
        let bare = refusal(&ROW.replace("\"2027-03-26\"", "2027-03-26"));
        assert!(bare.contains("line 2") && bare.contains("in quotation marks"), "{bare}");
    }
}
