//! What the laws say of every year: fixed dates, estimates of Kurban-ait, and the rule by which holidays move.

use super::act::{DayRow, Nature};
use super::date;
use super::week::Week;
use serde::Deserialize;
use std::collections::BTreeMap;
use time::{Date, Month};

/// The fixed dates and the estimates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The act by which holidays move.
    moving_act: String,
    holidays: Vec<Holiday>,
    kurban_ait: KurbanAit,
}

/// A day that is celebrated, or off, on the same date every year.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    month: u8,
    day: u8,
    /// First year.
    from: Option<i32>,
    /// Last year.
    until: Option<i32>,
    /// A holiday, which is made up for when it falls on a day off; else a mere day off.
    moves: bool,
    reason: Reason,
    act: String,
    #[serde(with = "date")]
    published: Date,
}

/// The day off whose date follows the moon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KurbanAit {
    reason: Reason,
    act: String,
    #[serde(with = "date")]
    published: Date,
    /// Estimates, one a year.
    #[serde(deserialize_with = "date::deserialize_list")]
    dates: Vec<Date>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    kk: String,
    ru: String,
    en: String,
}

/// The days off of one year by rule.
pub struct Plan<'a> {
    days: BTreeMap<Date, Ruled<'a>>,
}

/// A day off by rule, and why.
#[derive(Clone, Copy)]
pub struct Ruled<'a> {
    reason: &'a Reason,
    act: &'a str,
    published: Date,
    moves: bool,
    moved_from: Option<Date>,
    estimated: bool,
}

impl Rules {
    /// The days off of a year by what was published until `known`, holidays moved as the week asks.
    pub fn plan(&self, year: i32, week: Week, known: Option<Date>) -> Plan<'_> {
        let is_known = |published: Date| known.is_none_or(|known| published <= known);
        let holidays: Vec<&Holiday> = self.holidays.iter().filter(|h| is_known(h.published)).collect();
        let in_force = holidays.iter().filter(|holiday| {
            let replaces = |later: &&Holiday| {
                (later.month, later.day) == (holiday.month, holiday.day)
                    && later.published > holiday.published
            };
            holiday.covers(year) && !holidays.iter().any(replaces)
        });
        let mut days: BTreeMap<Date, Ruled> =
            in_force.filter_map(|holiday| Some((holiday.date(year)?, holiday.ruled()))).collect();

        let rests = |(date, ruled): &(&Date, &Ruled)| ruled.moves && !week.works(date.weekday());
        let mut moving: BTreeMap<Date, Ruled> =
            days.iter().filter(rests).map(|(date, ruled)| (*date, *ruled)).collect();
        let estimates = self.kurban_ait.dates.iter().filter(|date| date.year() == year);
        for date in estimates.filter(|_| is_known(self.kurban_ait.published)) {
            // A holiday on this day off moves, as it would from a Sunday.
            if let Some(holiday) = days.insert(*date, self.kurban_ait.ruled()) {
                moving.insert(*date, holiday);
            }
        }
        for (from, holiday) in moving {
            let works = |date: &Date| week.works(date.weekday()) && !days.contains_key(date);
            // The last holiday is in the middle of December, so that no day moves into the next year.
            if let Some(to) = std::iter::successors(from.next_day(), |date| date.next_day()).find(works) {
                days.insert(to, Ruled { act: &self.moving_act, moved_from: Some(from), ..holiday });
            }
        }
        Plan { days }
    }
}

impl Holiday {
    fn covers(&self, year: i32) -> bool {
        self.from.is_none_or(|from| from <= year) && self.until.is_none_or(|until| year <= until)
    }

    fn date(&self, year: i32) -> Option<Date> {
        Date::from_calendar_date(year, Month::try_from(self.month).ok()?, self.day).ok()
    }

    fn ruled(&self) -> Ruled<'_> {
        Ruled {
            reason: &self.reason,
            act: &self.act,
            published: self.published,
            moves: self.moves,
            moved_from: None,
            estimated: false,
        }
    }
}

impl KurbanAit {
    fn ruled(&self) -> Ruled<'_> {
        Ruled {
            reason: &self.reason,
            act: &self.act,
            published: self.published,
            moves: false,
            moved_from: None,
            estimated: true,
        }
    }
}

impl<'a> Plan<'a> {
    /// The day off that the rules make of a date.
    pub fn day(&self, date: Date) -> Option<Ruled<'a>> {
        self.days.get(&date).copied()
    }

    /// All of them, in order.
    pub fn rows(&self) -> impl Iterator<Item = DayRow> {
        self.days.iter().map(|(date, ruled)| ruled.row(*date))
    }

    /// The dates of which an act must speak before the year counts as confirmed: those that would work else, and the
    /// estimate. `None`: there is no estimate, so that Kurban-ait is missing.
    pub fn wanting(&self, week: Week) -> Option<impl Iterator<Item = Date>> {
        let wanted = move |(date, ruled): &(&Date, &Ruled)| ruled.estimated || week.works(date.weekday());
        let estimated = self.days.values().any(|ruled| ruled.estimated);
        estimated.then(|| self.days.iter().filter(wanted).map(|(date, _)| *date))
    }
}

impl Ruled<'_> {
    /// As a row of an act would say it.
    pub fn row(&self, date: Date) -> DayRow {
        let Reason { kk, ru, en } = self.reason;
        let [kk, ru, en] = match self.moved_from {
            None => [kk.clone(), ru.clone(), en.clone()],
            Some(from) => {
                let (day, month, year) = (from.day(), u8::from(from.month()), from.year());
                let from_local = format!("{day:02}.{month:02}.{year}");
                [
                    format!("{kk} ({from_local} күнінен ауыстырылған)"),
                    format!("{ru} (перенос с {from_local})"),
                    format!("{en} (moved from {from})"),
                ]
            }
        };
        DayRow { date, nature: Nature::Off, kk, ru, en, act: self.act.to_owned(), published: self.published }
    }
}
