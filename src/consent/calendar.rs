//! The working days of Kazakhstan, as terms of the law count them (F-18, F-21, I-9, P 5-8).
//!
//! A state or national holiday on a day off moves to the next working day after it (art. 5 of the law on holidays,
//! № 267-II); 7 January and the first day of Kurban-ait are days off that do not move (art. 84 of the Labour code);
//! orders move rest days and can make a Saturday or Sunday a working day (art. 85). The data are tables beside this
//! file. They have two times: the date that a row is about, and since when that is known. What no table confirms is
//! computed from the fixed dates, and what rests on it is *provisional*.

mod act;
mod date;
mod rule;
mod table;
mod walk;
mod week;

pub use act::{Act, CalendarError, DayRow, Nature};
pub use date::parse as parse_date;
pub use week::Week;

use crate::text::Lang;
use rule::{Plan, Rules};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use time::Date;
use walk::Walk;

/// Which days are working days, as far as is known. Immutable; to share it, an `Arc` is enough.
#[derive(Clone, Debug)]
pub struct Calendar {
    week: Week,
    rules: Rules,
    /// What acts say of a date, the earliest published first.
    rows: BTreeMap<Date, Vec<DayRow>>,
}

/// From which day the days of a term are counted. An open legal question, hence a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstDay {
    /// Day 1 is the first working day after the filing.
    #[default]
    Next,
    /// Day 1 is the day of the filing, if it is a working day.
    Same,
}

/// The last day of a term and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// The last working day of the term; it ends at 24:00 Astana time.
    #[serde(with = "date")]
    pub due: Date,
    /// Every day between filing and `due` that does not work, in order.
    pub skipped: Vec<Skipped>,
    /// Whether a day of the term lies in a year that no published act or calendar confirms yet.
    pub provisional: bool,
}

/// A day that does not count, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The day.
    #[serde(with = "date")]
    pub date: Date,
    /// The reason: a holiday, or the day of the week.
    pub kk: String,
    /// The same in Russian.
    pub ru: String,
    /// The same in English.
    pub en: String,
    /// The act that makes it a day off; none for a weekend.
    pub act: Option<String>,
}

/// What is particular about a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Year {
    /// Every date that an act or a rule speaks of, in order; plain weekends and working days are not among them.
    pub days: Vec<DayRow>,
    /// Whether published acts or calendars confirm it (see [`Calendar::year`]).
    pub confirmed: bool,
    /// The days off by rule that still need an act for that; empty as well for a year without an estimate of
    /// Kurban-ait, and for another week than the five-day one, which no acts confirm.
    pub unconfirmed: Vec<Date>,
}

impl Calendar {
    /// The calendar of the tables that come with the service, for the five-day week of state bodies.
    ///
    /// # Errors
    /// [`CalendarError`] when a table cannot be read, which a test of this crate excludes.
    pub fn built_in() -> Result<Self, CalendarError> {
        Self::of_week(Week::FiveDay)
    }

    /// The same for a week. The published calendars are those of the five-day week: under another one holidays move
    /// by rule, and every result is provisional.
    ///
    /// # Errors
    /// As [`Self::built_in`].
    pub fn of_week(week: Week) -> Result<Self, CalendarError> {
        static FIVE_DAY: LazyLock<Result<Calendar, CalendarError>> = LazyLock::new(|| read(Week::FiveDay));
        if week == Week::FiveDay { FIVE_DAY.clone() } else { read(week) }
    }

    /// This calendar with the rows of an act: of several rows for one date that with the latest `published` holds,
    /// of those published on one day the one that was added last.
    #[must_use]
    pub fn with(mut self, rows: &[DayRow]) -> Self {
        for row in rows {
            let known = self.rows.entry(row.date).or_default();
            let place = known.partition_point(|earlier| earlier.published <= row.published);
            known.insert(place, row.clone());
        }
        self
    }

    /// Whether this very row was added before.
    #[must_use]
    pub fn has(&self, row: &DayRow) -> bool {
        self.rows.get(&row.date).is_some_and(|known| known.contains(row))
    }

    /// Whether `date` is a working day: by what was published until `known`, inclusive; without it, by all.
    #[must_use]
    pub fn is_working(&self, date: Date, known: Option<Date>) -> bool {
        Walk::new(self, known).off(date).is_none()
    }

    /// The last day of a term of `working_days`, and the days that it skips, by what was published until `known`.
    /// A term of no days ends on `from`. `None`: it would end beyond the year 9999.
    #[must_use]
    pub fn due(
        &self,
        from: Date,
        working_days: u32,
        first: FirstDay,
        known: Option<Date>,
    ) -> Option<Deadline> {
        if i64::from(working_days) > (Date::MAX - from).whole_days() {
            return None;
        }
        let mut walk = Walk::new(self, known);
        let (mut due, mut left) = (from, working_days);
        let (mut skipped, mut provisional) = (Vec::new(), false);
        if left > 0 && first == FirstDay::Same && walk.off(from).is_none() {
            left -= 1;
            provisional = !walk.is_confirmed(from);
        }
        while left > 0 {
            due = due.next_day()?;
            provisional |= !walk.is_confirmed(due);
            match walk.off(due) {
                None => left -= 1,
                Some(off) => skipped.push(off.skipped(due)),
            }
        }
        Some(Deadline { due, skipped, provisional })
    }

    /// Working days left: from `today`, if it is one, until `due` inclusive; 0 after it.
    #[must_use]
    pub fn left(&self, today: Date, due: Date) -> u32 {
        let mut walk = Walk::new(self, None);
        let days = std::iter::successors(Some(today), |day| day.next_day()).take_while(|day| *day <= due);
        days.fold(0, |left, day| left + u32::from(walk.off(day).is_none()))
    }

    /// The date of working day `day` of a term, counted from 1; `None` as of [`Self::due`].
    #[must_use]
    pub fn nth(&self, from: Date, day: u32, first: FirstDay) -> Option<Date> {
        self.due(from, day, first, None).map(|deadline| deadline.due)
    }

    /// The days off and working weekends of a year, by what was published until `known`.
    ///
    /// The year is confirmed when acts speak of each day that the fixed dates and the moving rule take from the five
    /// working days, and of the estimated first day of Kurban-ait: that it is off, or that it works after all.
    #[must_use]
    pub fn year(&self, year: i32, known: Option<Date>) -> Year {
        let plan = self.rules.plan(year, self.week, known);
        let mut days: BTreeMap<Date, DayRow> = plan.rows().map(|row| (row.date, row)).collect();
        let dates = self.rows.keys().filter(|date| date.year() == year);
        days.extend(dates.filter_map(|date| Some((*date, self.row(*date, known)?.clone()))));
        let unconfirmed = self.unconfirmed(&plan, known);
        Year {
            days: days.into_values().collect(),
            confirmed: unconfirmed.as_ref().is_some_and(Vec::is_empty),
            unconfirmed: unconfirmed.unwrap_or_default(),
        }
    }

    /// The days off by rule of which no act speaks; `None`: the year cannot be confirmed at all.
    fn unconfirmed(&self, plan: &Plan, known: Option<Date>) -> Option<Vec<Date>> {
        let wanting = plan.wanting(self.week).filter(|_| self.week == Week::FiveDay)?;
        Some(wanting.filter(|date| self.row(*date, known).is_none()).collect())
    }

    /// The row that holds for a date.
    fn row(&self, date: Date, known: Option<Date>) -> Option<&DayRow> {
        let rows = self.rows.get(&date)?;
        rows.iter().rfind(|row| known.is_none_or(|known| row.published <= known))
    }
}

/// The tables, parsed.
fn read(week: Week) -> Result<Calendar, CalendarError> {
    let calendar = Calendar { week, rules: table::rules()?, rows: BTreeMap::new() };
    Ok(calendar.with(&table::rows(week)?))
}

impl Skipped {
    /// The reason in one language.
    #[must_use]
    pub fn reason(&self, lang: Lang) -> &str {
        choose(lang, [&self.kk, &self.ru, &self.en])
    }
}

impl DayRow {
    /// The reason in one language.
    #[must_use]
    pub fn reason(&self, lang: Lang) -> &str {
        choose(lang, [&self.kk, &self.ru, &self.en])
    }
}

fn choose(lang: Lang, [kk, ru, en]: [&str; 3]) -> &str {
    match lang {
        Lang::Kk => kk,
        Lang::Ru => ru,
        Lang::En => en,
    }
}
