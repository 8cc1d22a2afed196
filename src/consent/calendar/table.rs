//! The tables that come with the service, one file a year, and the fixed dates.

use super::act::{CalendarError, DayRow, checked};
use super::rule::Rules;
use super::week::Week;
use serde::Deserialize;
use toml::Spanned;

const HOLIDAYS: &str = include_str!("holiday.toml");
const YEARS: [&str; 3] = [include_str!("2024.toml"), include_str!("2025.toml"), include_str!("2026.toml")];

/// A year as it is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What holds for every week.
    days: Vec<Spanned<DayRow>>,
    /// What holds for the week of Monday to Friday only: what moved because of a Saturday.
    five_day: Vec<Spanned<DayRow>>,
}

/// The rows of all years for a week.
pub fn rows(week: Week) -> Result<Vec<DayRow>, CalendarError> {
    let mut rows = Vec::new();
    for text in YEARS {
        let table: Table = toml::from_str(text).map_err(CalendarError::syntax)?;
        rows.extend(checked(text, table.days)?);
        if week == Week::FiveDay {
            rows.extend(checked(text, table.five_day)?);
        }
    }
    Ok(rows)
}

/// The fixed dates.
pub fn rules() -> Result<Rules, CalendarError> {
    toml::from_str(HOLIDAYS).map_err(CalendarError::syntax)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::calendar::Nature;
    use std::collections::BTreeSet;
    use time::Date;

    /// The days off of the tables and the days off by rule must tell the same story, but for Kurban-ait, which is
    /// not computed, and the days that orders moved.
    #[test]
    fn the_tables_agree_with_the_rule() {
        let rules = rules().unwrap();
        let rows = rows(Week::FiveDay).unwrap();
        for year in 2024..=2026 {
            let expected: BTreeSet<(Date, String)> = rules
                .plan(year, Week::FiveDay, None)
                .rows()
                .filter(|row| !row.en.contains("Kurban-ait"))
                .map(|row| (row.date, [row.kk, row.ru, row.en].join("; ")))
                .collect();
            let own = |row: &&DayRow| {
                row.date.year() == year
                    && row.nature == Nature::Off
                    && !row.act.starts_with("Приказ")
                    && !row.en.contains("Kurban-ait")
                    && !(year == 2026 && matches!(row.date.to_string().as_str(), "2026-08-30" | "2026-08-31"))
            };
            let told = rows.iter().filter(own);
            let told = told.map(|row| (row.date, [&*row.kk, &row.ru, &row.en].join("; "))).collect();
            assert_eq!(expected, told, "{year}");
        }
    }

    #[test]
    fn what_is_moved_is_told_of_the_five_day_week_only() {
        let six = rows(Week::SixDay).unwrap();
        assert!(!six.iter().any(|row| row.en.contains("(moved from") && !row.en.starts_with("day off")));
        assert!(six.len() < rows(Week::FiveDay).unwrap().len());
    }
}
