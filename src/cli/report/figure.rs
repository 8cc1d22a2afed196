//! The figures of a period, put into tables and suppressed.

use super::table::{Cell, Table};
use super::word::Words;
use kdp::registry::{Registry, Role};
use kdp::store::register::Figures;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use time::Date;

/// What is reported. Each list of rows has one more than there are initiators: the sums.
pub struct Report {
    /// First day, and the day after the last.
    pub period: (Date, Date),
    /// Counts below it are suppressed.
    pub threshold: u64,
    /// BIN and name.
    pub initiators: Vec<(String, String)>,
    /// Methods 1 to 5 and their sum.
    pub requests: Vec<Vec<Cell>>,
    /// Codes of outcomes that occur.
    pub codes: Vec<String>,
    /// Each of them and their sum.
    pub outcomes: Vec<Vec<Cell>>,
    /// Approved, refused, lapsed, open, and their sum: filed.
    pub revocations: Vec<Vec<Cell>>,
    /// Requests that were answered, token checks.
    pub others: Vec<Vec<Cell>>,
    /// Median and 90th percentile of the time to the answer, seconds; `None`: of too few.
    pub waits: Vec<Option<(i64, i64)>>,
}

impl Report {
    /// Puts the figures of initiators together; what others did is none of theirs.
    pub fn new(period: (Date, Date), mut figures: Vec<Figures>, registry: &Registry, threshold: u64) -> Self {
        let name = |bin: &str| {
            let mut senders = registry.senders.values().map(|sender| &sender.record);
            senders.find(|record| record.role == Role::Initiator && record.bin == bin).map(|r| r.name.clone())
        };
        figures.retain(|figures| name(&figures.bin).is_some() || figures.requests.iter().any(|n| *n > 0));
        let codes: BTreeSet<&String> =
            figures.iter().flat_map(|f| &f.outcomes).map(|(code, _)| code).collect();
        let codes: Vec<String> = codes.into_iter().cloned().collect();
        let table = |row: &dyn Fn(&Figures) -> Vec<u64>, columns: usize, sums: bool| {
            let rows: Vec<Vec<u64>> = figures.iter().map(row).collect();
            Table::new(&rows, columns, sums).suppress(threshold).rows().collect()
        };
        let outcome = |figures: &Figures, code: &String| {
            figures.outcomes.iter().filter(|(of, _)| of == code).map(|(_, count)| count).sum::<u64>()
        };
        let mut waits: Vec<Vec<i64>> = figures.iter().map(|figures| figures.waits.clone()).collect();
        let mut all = waits.concat();
        all.sort_unstable();
        waits.push(all);
        Self {
            period,
            threshold,
            initiators: figures.iter().map(|f| (f.bin.clone(), name(&f.bin).unwrap_or_default())).collect(),
            requests: table(&|figures| figures.requests.to_vec(), 5, true),
            outcomes: table(
                &|figures| codes.iter().map(|code| outcome(figures, code)).collect(),
                codes.len(),
                true,
            ),
            revocations: table(
                &|figures| {
                    let counts = &figures.revocations;
                    vec![counts.approved, counts.refused, counts.lapsed, counts.open]
                },
                4,
                true,
            ),
            others: table(
                &|figures| vec![u64::try_from(figures.waits.len()).unwrap_or(u64::MAX), figures.checks],
                2,
                false,
            ),
            waits: waits.iter().map(|waits| wait(waits, threshold)).collect(),
            codes,
        }
    }

    /// The period in words.
    pub fn period(&self, words: &Words) -> String {
        let (from, to) = self.period;
        let last = to.previous_day().unwrap_or(to);
        format!("{}: {from} – {last}", words.period)
    }

    /// What the marks mean.
    pub fn legend(words: &Words) -> String {
        format!("<N: {}; *: {}", words.small, words.withheld)
    }

    /// A cell as it is shown.
    pub fn cell(cell: Cell) -> String {
        match cell {
            Cell::Shown(count) => count.to_string(),
            Cell::Small(threshold) => format!("<{threshold}"),
            Cell::Withheld => "*".to_owned(),
        }
    }

    /// As JSON: counts are numbers, or the text "<N" or "*".
    pub fn value(&self) -> Value {
        let part = |i: usize| {
            let row = |rows: &[Vec<Cell>]| rows.get(i).cloned().unwrap_or_default();
            let named = |names: Vec<&str>, cells: Vec<Cell>| {
                let pairs =
                    names.into_iter().zip(cells).map(|(name, cell)| (name.to_owned(), Self::json(cell)));
                Value::Object(pairs.collect::<Map<_, _>>())
            };
            let codes = self.codes.iter().map(String::as_str).chain(["total"]).collect();
            let others = row(&self.others);
            let other = |i: usize| others.get(i).map_or(Value::Null, |cell| Self::json(*cell));
            let wait = self.waits.get(i).copied().flatten();
            json!({
                "requests": named(vec!["1", "2", "3", "4", "5", "total"], row(&self.requests)),
                "outcomes": named(codes, row(&self.outcomes)),
                "waiting": {
                    "answered": other(0), "median_seconds": wait.map(|wait| wait.0),
                    "p90_seconds": wait.map(|wait| wait.1),
                },
                "revocations":
                    named(vec!["approved", "refused", "lapsed", "open", "filed"], row(&self.revocations)),
                "token_checks": other(1),
            })
        };
        let initiators = self.initiators.iter().enumerate().map(|(i, (bin, name))| {
            let mut value = json!({ "bin": bin, "name": name });
            if let (Some(value), Value::Object(part)) = (value.as_object_mut(), part(i)) {
                value.extend(part);
            }
            value
        });
        json!({
            "from": self.period.0.to_string(), "to": self.period.1.to_string(),
            "suppressed_below": self.threshold, "initiators": initiators.collect::<Vec<_>>(),
            "total": part(self.initiators.len()),
        })
    }

    fn json(cell: Cell) -> Value {
        match cell {
            Cell::Shown(count) => json!(count),
            _ => json!(Self::cell(cell)),
        }
    }
}

/// Median and 90th percentile (nearest rank) of ascending milliseconds, in seconds; of at least `threshold` of them.
fn wait(waits: &[i64], threshold: u64) -> Option<(i64, i64)> {
    let enough = u64::try_from(waits.len()).is_ok_and(|count| count >= threshold);
    let rank = |percent: usize| waits.get((waits.len() * percent).div_ceil(100).checked_sub(1)?);
    let seconds = |wait: &i64| (wait + 500).div_euclid(1000);
    enough.then(|| Some((seconds(rank(50)?), seconds(rank(90)?)))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_by_nearest_rank_and_only_of_enough() {
        let waits: Vec<i64> = (1..=10).map(|n| n * 1000).collect();
        assert_eq!(wait(&waits, 5), Some((5, 9)));
        assert_eq!(wait(&waits[..4], 5), None);
        assert_eq!(wait(&waits[..5], 5), Some((3, 5)));
        assert_eq!(wait(&[1499], 0), Some((1, 1)));
        assert_eq!(wait(&[], 0), None);
    }
}
