//! The applications for revocation, each with the calendar of its term.

use crate::clock;
use crate::consent::calendar::Skipped;
use crate::consent::revocation::{Applicant, date};
use crate::sandbox::Sandbox;
use crate::sandbox::route::{Outcome, busy};
use crate::store::revocation::Application;
use serde_json::{Value, json};
use time::Date;

/// Applications that are told, the newest.
const MOST: u32 = 40;

impl Sandbox {
    /// The newest applications, newest first: `[{"application_id", "request_id", "token_id", "bin", "iin", "applicant",
    /// "filed_at", "deadline", "state", "days": [{"date", "working", "why"}]}]`. `days` runs from the day of the filing to
    /// the last day; `working` is the number of the working day in the term, null for a day that does not count; `why` says
    /// why in three languages.
    pub(super) async fn applications(&self) -> Outcome {
        let now = self.app.clock.now();
        let found = self.app.store.latest_applications(MOST, now).await.map_err(busy)?;
        Ok(found.iter().map(|one| self.application(one)).collect())
    }

    fn application(&self, one: &Application) -> Value {
        let term = self.app.rule.term(&self.app.registry().calendar, one.filed);
        let skipped = term.map(|term| term.skipped).unwrap_or_default();
        let applicant = match one.applicant {
            Applicant::Subject => "subject",
            Applicant::Representative { .. } => "representative",
        };
        json!({
            "application_id": one.id.to_string(), "request_id": one.request.to_string(),
            "token_id": one.token.to_string(), "bin": one.bin.as_str(), "iin": one.iin.as_str(),
            "applicant": applicant, "comment": one.comment, "filed_at": clock::text(one.filed),
            "deadline": one.deadline.to_string(), "state": one.review.word(),
            "days": date(one.filed).map(|from| days(from, one.deadline, &skipped, self.app.rule.working_days)),
        })
    }
}

/// The days from `from` to `to`, numbered so that the last is working day `count`.
fn days(from: Date, to: Date, skipped: &[Skipped], count: u32) -> Vec<Value> {
    let mut days = Vec::new();
    let mut number = count;
    let mut day = Some(to);
    while let Some(date) = day.filter(|date| *date >= from) {
        let off = skipped.iter().find(|one| one.date == date);
        let working = if off.is_none() && number > 0 { Some(number) } else { None };
        number -= u32::from(working.is_some());
        let why = off.map(|off| json!({ "kk": off.kk, "ru": off.ru, "en": off.en }));
        days.push(json!({ "date": date.to_string(), "working": working, "why": why }));
        day = date.previous_day();
    }
    days.reverse();
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::calendar::Calendar;
    use crate::consent::revocation::{Rule, midnight};
    use time::macros::date;

    #[test]
    fn the_last_day_of_a_term_is_its_last_working_day_and_every_other_day_says_why() {
        let calendar = Calendar::built_in().unwrap();
        let (rule, filed) = (Rule::default(), date!(2026 - 03 - 05));
        let term = rule.term(&calendar, midnight(filed).unwrap()).unwrap();
        let days = days(filed, term.deadline, &term.skipped, rule.working_days);
        assert_eq!(days[0]["working"], Value::Null, "the day of the filing does not count");
        assert_eq!(days[1]["working"], 1);
        assert_eq!(days.last().unwrap()["working"], 15);
        let (off, worked): (Vec<&Value>, Vec<&Value>) =
            days[1..].iter().partition(|day| day["working"].is_null());
        assert_eq!(worked.len(), 15);
        assert!(off.iter().all(|day| day["why"]["kk"].is_string()), "{off:?}");
        assert!(off.len() > 6, "Nauryz stands in this term: {off:?}");
    }
}
