//! Going through days one after another: the rules of a year are worked out once a year, not once a day.

use super::act::{DayRow, Nature};
use super::rule::{Plan, Ruled};
use super::{Calendar, Skipped};
use time::Date;

/// A calendar as it was known at one time.
pub struct Walk<'a> {
    calendar: &'a Calendar,
    known: Option<Date>,
    year: Option<Year<'a>>,
}

struct Year<'a> {
    number: i32,
    plan: Plan<'a>,
    confirmed: bool,
}

/// Why a day does not work.
pub enum Off<'a> {
    /// An act says so.
    Row(&'a DayRow),
    /// The rules say so.
    Ruled(Ruled<'a>),
    /// It is a rest day of the week.
    Rest(Skipped),
}

impl<'a> Walk<'a> {
    pub fn new(calendar: &'a Calendar, known: Option<Date>) -> Self {
        Self { calendar, known, year: None }
    }

    /// Why a day does not work; `None` when it works.
    pub fn off(&mut self, date: Date) -> Option<Off<'a>> {
        if let Some(row) = self.calendar.row(date, self.known) {
            return (row.nature == Nature::Off).then_some(Off::Row(row));
        }
        let ruled = self.year(date.year()).plan.day(date).map(Off::Ruled);
        ruled.or_else(|| self.calendar.week.rest(date).map(Off::Rest))
    }

    /// Whether acts confirm the year in which a day lies.
    pub fn is_confirmed(&mut self, date: Date) -> bool {
        self.year(date.year()).confirmed
    }

    fn year(&mut self, number: i32) -> &Year<'a> {
        let (calendar, known) = (self.calendar, self.known);
        let known_year = self.year.take().filter(|year| year.number == number);
        self.year.insert(known_year.unwrap_or_else(|| {
            let plan = calendar.rules.plan(number, calendar.week, known);
            let confirmed = calendar.unconfirmed(&plan, known).is_some_and(|dates| dates.is_empty());
            Year { number, plan, confirmed }
        }))
    }
}

impl Off<'_> {
    /// As it is told.
    pub fn skipped(self, date: Date) -> Skipped {
        match self {
            Self::Row(row) => row.clone().into(),
            Self::Ruled(ruled) => ruled.row(date).into(),
            Self::Rest(skipped) => skipped,
        }
    }
}

impl From<DayRow> for Skipped {
    fn from(row: DayRow) -> Self {
        Self { date: row.date, kk: row.kk, ru: row.ru, en: row.en, act: Some(row.act) }
    }
}
