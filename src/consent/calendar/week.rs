//! The working week.

use super::Skipped;
use serde::{Deserialize, Serialize};
use time::{Date, Weekday};

/// Which days of a week work when nothing else is said (Labour code, art. 71).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Week {
    /// Monday to Friday: the week of state bodies.
    #[default]
    FiveDay,
    /// Monday to Saturday.
    SixDay,
}

impl Week {
    /// Whether a day of the week works.
    #[must_use]
    pub fn works(self, day: Weekday) -> bool {
        match day {
            Weekday::Sunday => false,
            Weekday::Saturday => self == Self::SixDay,
            _ => true,
        }
    }

    /// A rest day of the week, by its name.
    pub(super) fn rest(self, date: Date) -> Option<Skipped> {
        if self.works(date.weekday()) {
            return None;
        }
        let [kk, ru, en] = match date.weekday() {
            Weekday::Saturday => ["сенбі", "суббота", "Saturday"],
            _ => ["жексенбі", "воскресенье", "Sunday"],
        };
        Some(Skipped { date, kk: kk.to_owned(), ru: ru.to_owned(), en: en.to_owned(), act: None })
    }
}
