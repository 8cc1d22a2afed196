//! `/sandbox/faults`: what the parties outside do wrong, switched on and off while they are used.
//!
//! A POST is an object of parties, each an object of switches, each `{"value": N, "count": N}`, or null to end it. Both
//! members may be left out: the value is then the switch's own, and without a count it holds until it is ended.

use super::switch::{FATES, Party, ROWS, Row, Switch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A switch that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Setting {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

/// A setting as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    value: Option<u64>,
    count: Option<u64>,
}

type On = BTreeMap<(Party, Switch), Setting>;

/// The switches that are on.
#[derive(Default)]
pub struct Faults(Mutex<On>);

/// The switches that hold for one message, with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(BTreeMap<Switch, u64>);

impl Plan {
    /// The value of the switch, if it is on; 0 of one that has none.
    #[must_use]
    pub fn value(&self, switch: Switch) -> Option<u64> {
        self.0.get(&switch).copied()
    }

    /// Whether no switch is on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the switch is on.
    #[must_use]
    pub fn has(&self, switch: Switch) -> bool {
        self.0.contains_key(&switch)
    }
}

impl Faults {
    fn on(&self) -> MutexGuard<'_, On> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds for the next message of these parties, the first before the others; each counts once.
    #[must_use]
    pub fn next(&self, parties: &[Party]) -> Plan {
        self.draw(parties, |switch| !FATES.contains(&switch))
    }

    /// What becomes of the SMS that 1414 takes over next.
    #[must_use]
    pub fn next_sms(&self) -> Plan {
        self.draw(&[Party::Reports], |switch| FATES.contains(&switch))
    }

    fn draw(&self, parties: &[Party], of: impl Fn(Switch) -> bool) -> Plan {
        let mut on = self.on();
        let mut plan = Plan::default();
        for party in parties {
            for row in ROWS.iter().filter(|row| row.parties.contains(party) && of(row.switch)) {
                let key = (*party, row.switch);
                let Some(setting) = on.get_mut(&key) else { continue };
                plan.0.entry(row.switch).or_insert(setting.value.unwrap_or(0));
                if let Some(count) = &mut setting.count {
                    *count -= 1;
                    if *count == 0 {
                        on.remove(&key);
                    }
                }
            }
        }
        plan
    }

    /// What is on, and what can be.
    #[must_use]
    pub fn show(&self) -> Value {
        let mut faults = Map::new();
        for ((party, switch), setting) in &*self.on() {
            let row = ROWS.iter().find(|row| row.switch == *switch);
            let of_party = faults.entry(party.word()).or_insert_with(|| json!({}));
            if let (Some(row), Value::Object(of_party)) = (row, of_party) {
                of_party.insert(row.word.to_owned(), json!(setting));
            }
        }
        let known: Map<String, Value> = Party::ALL
            .iter()
            .map(|party| {
                let rows = ROWS.iter().filter(|row| row.parties.contains(party));
                let words = rows.map(|row| (row.word.to_owned(), row.describe()));
                (party.word().to_owned(), Value::Object(words.collect()))
            })
            .collect();
        json!({ "faults": faults, "known": known })
    }

    /// Sets what the object says, all of it or nothing.
    ///
    /// # Errors
    /// What is wrong, and what is known.
    pub fn set(&self, body: &[u8]) -> Result<(), String> {
        let shape = "send {\"PARTY\": {\"SWITCH\": {\"value\": N, \"count\": N}}}, null to end a switch, or {\"reset\": true}";
        let sent: Map<String, Value> = serde_json::from_slice(body).map_err(|_| shape.to_owned())?;
        let mut next = self.on().clone();
        if let Some(reset) = sent.get("reset") {
            if *reset != Value::Bool(true) {
                return Err("reset is true, or left out".to_owned());
            }
            next.clear();
        }
        for (word, switches) in sent.iter().filter(|(word, _)| *word != "reset") {
            let party = Party::ALL.into_iter().find(|party| party.word() == word).ok_or_else(|| {
                unknown("party", word, Party::ALL.iter().map(|party| party.word()).chain(["reset"]))
            })?;
            let Value::Object(switches) = switches else { return Err(shape.to_owned()) };
            for (word, setting) in switches {
                let known = || ROWS.iter().filter(|row| row.parties.contains(&party));
                let row = known().find(|row| row.word == word).ok_or_else(|| {
                    unknown(&format!("switch of {}", party.word()), word, known().map(|row| row.word))
                })?;
                match setting {
                    Value::Null => next.remove(&(party, row.switch)),
                    setting => next.insert((party, row.switch), row.read(setting)?),
                };
            }
        }
        *self.on() = next;
        Ok(())
    }
}

fn unknown<'w>(what: &str, word: &str, known: impl Iterator<Item = &'w str>) -> String {
    let known: Vec<&str> = known.collect();
    let word: String = word.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("there is no {what} called \"{word}\"; known: {}", known.join(", "))
}

impl Row {
    fn read(&self, setting: &Value) -> Result<Setting, String> {
        let Sent { value, count } = Sent::deserialize(setting).map_err(|_| {
            let value = if self.value.is_some() { "\"value\": N, " } else { "" };
            format!("{}: send {{{value}\"count\": N}}, both may be left out", self.word)
        })?;
        if count == Some(0) {
            return Err(format!("{}: count is 1 or more", self.word));
        }
        let value = match (self.value, value) {
            (None, None) => None,
            (None, Some(_)) => return Err(format!("{}: has no value", self.word)),
            (Some((usual, ..)), None) => Some(usual),
            (Some((_, least, most)), Some(value)) if (least..=most).contains(&value) => Some(value),
            (Some((_, least, most)), Some(_)) => {
                return Err(format!("{}: value is {least} to {most}", self.word));
            }
        };
        Ok(Setting { value, count })
    }

    fn describe(&self) -> Value {
        let mut text = self.what.to_owned();
        if let Some((usual, least, most)) = self.value {
            let _ = write!(text, " (value {least} to {most}, else {usual})");
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Party::{Bmg, Shep, Sms};

    fn faults(text: &str) -> Faults {
        let faults = Faults::default();
        faults.set(text.as_bytes()).unwrap();
        faults
    }

    #[test]
    fn a_count_is_used_up_and_what_has_none_stays() {
        let faults = faults(r#"{"bmg": {"unsigned": {"count": 2}, "delay_ms": {"value": 7}}}"#);
        for n in 0..4 {
            let plan = faults.next(&[Bmg, Shep]);
            assert_eq!(plan.has(Switch::Unsigned), n < 2);
            assert_eq!(plan.value(Switch::DelayMs), Some(7));
        }
        assert_eq!(faults.next(&[Sms, Shep]), Plan::default());
        faults.set(br#"{"bmg": {"delay_ms": null}}"#).unwrap();
        assert_eq!(faults.next(&[Bmg]), Plan::default());
    }

    #[test]
    fn what_the_gateway_does_holds_for_whatever_is_behind_it() {
        let faults =
            faults(r#"{"shep": {"fault": {}, "delay_ms": {"value": 1}}, "sms": {"delay_ms": {"value": 2}}}"#);
        let plan = faults.next(&[Sms, Shep]);
        assert!(plan.has(Switch::Fault));
        assert_eq!(plan.value(Switch::DelayMs), Some(2));
    }

    #[test]
    fn a_reset_ends_all_before_what_comes_with_it() {
        let faults = faults(r#"{"bmg": {"fault": {}}, "sms": {"refused": {}}}"#);
        faults.set(br#"{"reset": true, "sms": {"huge": {"count": 1}}}"#).unwrap();
        let shown = faults.show();
        assert_eq!(shown["faults"], json!({ "sms": { "huge": { "value": 8 << 20, "count": 1 } } }));
        assert!(shown["known"]["reports"]["expired"].is_string());
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is_and_changes_nothing() {
        let faults = faults(r#"{"bmg": {"fault": {}}}"#);
        for (text, told) in [
            ("{", "PARTY"),
            ("[]", "PARTY"),
            (r#"{"bank": {}}"#, "known: bmg, sms, shep, replies, reports, async, pushes, reset"),
            (r#"{"sms": {"mojibake": {}}}"#, "known: delay_ms, lost_request"),
            (r#"{"sms": {"unsigned": true}}"#, "send {\"count\": N}"),
            (r#"{"sms": {"unsigned": {"value": 1}}}"#, "has no value"),
            (r#"{"sms": {"unsigned": {"count": 0}}}"#, "1 or more"),
            (r#"{"sms": {"unsigned": {"times": 1}}}"#, "count"),
            (r#"{"sms": {"http_status": {"value": 200}}}"#, "300 to 599"),
            (r#"{"sms": {"unsigned": {}}, "shep": {"x": {}}}"#, "known"),
            (r#"{"reset": false}"#, "reset"),
            (r#"{"sms": 1}"#, "PARTY"),
        ] {
            let error = faults.set(text.as_bytes()).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert_eq!(faults.show()["faults"], json!({ "bmg": { "fault": {} } }));
    }
}
