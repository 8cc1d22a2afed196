//! Revocation of consent (отзыв согласия, F-16 … F-21): the subject applies, the initiator reviews within 15 working
//! days, and silence is a yes. The token's own state carries the review too: see [`super::Consent::Granted`].

use super::calendar::{Calendar, FirstDay, Skipped};
use crate::clock::ASTANA;
use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime};

/// Working days of the review (F-18).
pub const REVIEW_DAYS: u32 = 15;

/// Working days of the review on which the initiator is reminded, at 09:00.
pub const REMINDERS: [u32; 3] = [5, 10, 14];

/// How the term of a review is counted; configuration, for the law leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Working days of the review.
    pub working_days: u32,
    /// Which day is day 1.
    pub first: FirstDay,
}

impl Default for Rule {
    fn default() -> Self {
        Self { working_days: REVIEW_DAYS, first: FirstDay::Next }
    }
}

/// The term of a review. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The last day.
    pub deadline: Date,
    /// 24:00 of the last day, Astana time.
    pub ends: i64,
    /// Days between filing and deadline that do not count.
    pub skipped: Vec<Skipped>,
    /// When the initiator is reminded.
    pub reminders: Vec<i64>,
}

impl Rule {
    /// The term of a review that begins with an application filed at `filed` (Unix milliseconds); `None` beyond the
    /// range of dates.
    #[must_use]
    pub fn term(self, calendar: &Calendar, filed: i64) -> Option<Term> {
        let from = date(filed)?;
        let due = calendar.due(from, self.working_days, self.first, None)?;
        let reminders = REMINDERS
            .iter()
            .filter(|day| **day < self.working_days)
            .filter_map(|day| calendar.nth(from, *day, self.first))
            .filter_map(|day| Some(midnight(day)? + 9 * 3_600_000))
            .collect();
        Some(Term {
            deadline: due.due,
            ends: midnight(due.due.next_day()?)?,
            skipped: due.skipped,
            reminders,
        })
    }
}

/// The date in Astana at `at` (Unix milliseconds).
#[must_use]
pub fn date(at: i64) -> Option<Date> {
    let at = OffsetDateTime::from_unix_timestamp(at.div_euclid(1000)).ok()?;
    Some(at.checked_to_offset(ASTANA)?.date())
}

/// When `date` begins in Astana, Unix milliseconds.
#[must_use]
pub fn midnight(date: Date) -> Option<i64> {
    date.midnight().assume_offset(ASTANA).unix_timestamp().checked_mul(1000)
}

/// Who applied, as the system of the e-government attests.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicant {
    /// The subject.
    Subject,
    /// Somebody else for the subject.
    Representative {
        /// By what right.
        authority: String,
    },
}

/// What forbids a revocation (F-20): exactly one of three.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// A normative legal act.
    Act {
        /// Its name.
        name: String,
        /// Its number.
        number: String,
        /// Its date.
        date: Date,
        /// The article.
        article: String,
    },
    /// A contract that is not fulfilled.
    Contract {
        /// Its number.
        number: String,
        /// Its date.
        date: Date,
        /// Its name.
        name: String,
    },
    /// Another unfulfilled obligation.
    Obligation(String),
}

/// What the initiator decides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The token ends (F-19).
    Approve,
    /// The token stays (F-20).
    Refuse {
        /// Why.
        reason: String,
        /// What forbids it.
        ground: Ground,
    },
}

/// Where the review of an application stands. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Review {
    /// The initiator reviews it.
    Open {
        /// 24:00 of the last day.
        ends: i64,
    },
    /// The token was revoked (F-19).
    Approved {
        /// When.
        at: i64,
    },
    /// The token stays (F-20).
    Refused {
        /// When.
        at: i64,
        /// Why.
        reason: String,
        /// What forbids it.
        ground: Ground,
    },
    /// Not reviewed in time: the token was revoked by itself (F-21).
    Lapsed {
        /// The end of the term.
        at: i64,
    },
}

/// A decision was made already, or the term has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided;

impl Review {
    /// The state as time alone makes it.
    #[must_use]
    pub fn at(self, at: i64) -> Self {
        match self {
            Self::Open { ends } if at >= ends => Self::Lapsed { at: ends },
            state => state,
        }
    }

    /// Applies a decision at `at`.
    ///
    /// # Errors
    /// [`Decided`].
    pub fn decide(self, decision: Decision, at: i64) -> Result<Self, Decided> {
        match (self.at(at), decision) {
            (Self::Open { .. }, Decision::Approve) => Ok(Self::Approved { at }),
            (Self::Open { .. }, Decision::Refuse { reason, ground }) => {
                Ok(Self::Refused { at, reason, ground })
            }
            _ => Err(Decided),
        }
    }

    /// The word on the wire and in reports.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Approved { .. } => "approved",
            Self::Refused { .. } => "refused",
            Self::Lapsed { .. } => "lapsed",
        }
    }
}

/// The date that an `xs:date` without or with a zone names.
#[must_use]
pub fn parse_date(text: &str) -> Option<Date> {
    let (day, zone) = text.split_at_checked(10)?;
    let offset = |zone: &str| {
        let digits = zone.strip_prefix(['+', '-'])?;
        (digits.len() == 5
            && digits.bytes().enumerate().all(|(i, b)| (i == 2 && b == b':') || b.is_ascii_digit()))
        .then_some(())
    };
    if !(zone.is_empty() || zone == "Z" || offset(zone).is_some()) {
        return None;
    }
    let mut parts = day.split('-');
    let mut number = |digits: usize| {
        let part = parts.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<u16>().ok()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Decision {
        let ground = Ground::Obligation("an unpaid loan".to_owned());
        Decision::Refuse { reason: "the loan is not repaid".to_owned(), ground }
    }

    #[test]
    fn a_review_is_decided_once_and_only_within_its_term() {
        let open = Review::Open { ends: 1_000 };
        for decision in [Decision::Approve, refusal()] {
            assert!(open.clone().decide(decision.clone(), 1_000).is_err(), "24:00 is over");
            let decided = open.clone().decide(decision, 999).ok().unwrap();
            assert!(decided.clone().decide(Decision::Approve, 999).is_err());
            assert!(decided.decide(refusal(), 5_000).is_err());
        }
    }

    #[test]
    fn silence_is_a_yes_dated_to_the_end_of_the_term() {
        assert!(Review::Open { ends: 1_000 }.at(999).word() == "open");
        assert!(Review::Open { ends: 1_000 }.at(900_000) == Review::Lapsed { at: 1_000 });
    }

    #[test]
    fn dates_are_those_of_the_schema() {
        for good in ["2026-03-05", "2026-03-05Z", "2024-02-29+05:00"] {
            assert!(parse_date(good).is_some(), "{good}");
        }
        for bad in
            ["", "2026-3-5", "2026-02-29", "2026-03-05T00:00:00", "05.03.2026", "2026-03-05+5", "٢٠٢٦-03-05"]
        {
            assert!(parse_date(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_astana() {
        let day = parse_date("2026-04-01").unwrap();
        let at = midnight(day).unwrap();
        assert_eq!(crate::clock::text(at), "2026-04-01T00:00:00.000+05:00");
        assert_eq!((date(at), date(at - 1)), (Some(day), day.previous_day()));
    }
}
