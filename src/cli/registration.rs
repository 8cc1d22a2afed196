//! What the commands that register have in common: writing a revision, reading those that were, naming what changed.

use super::access::Access;
use super::{Failure, Outcome, Result, argument};
use kdp::clock;
use kdp::store::register::{Item, Kind, Revision};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Fields that hold Unix milliseconds, by their last name.
const MILLISECONDS: [&str; 7] =
    ["at", "from", "until", "since", "detected_at", "notice_until", "notified_at"];
/// Fields that hold Unix seconds.
const SECONDS: [&str; 2] = ["valid_from", "expires_at"];
/// Fields whose value is never shown.
const SECRETS: [&str; 2] = ["password", "token"];

/// Registers `item` as the revision after `after`, with its journal record; answers with its number.
///
/// `did` says what was done, `detail` what the journal keeps of it: nothing secret, nothing personal.
pub async fn register(
    access: &Access,
    item: Item,
    after: u32,
    did: &str,
    detail: Map<String, Value>,
) -> Result<u32> {
    let kind = item.kind();
    let mut told = json!({ "id": item.id(), "revision": after.saturating_add(1) });
    if let Some(told) = told.as_object_mut() {
        told.extend(detail);
    }
    let deed = access.deed("registration", format!("{} {did}", kind.word())).detail(&told);
    let deed = if kind == Kind::Sender { deed.sender(item.id()) } else { deed };
    access.register(item, after, deed).await
}

/// The fields of a JSON object, for [`register`].
pub fn detail(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// What one revision changed.
struct Step {
    revision: Revision,
    /// Field, value before and after; `Null`: it was not there.
    changes: Vec<(String, Value, Value)>,
}

/// All revisions of one thing and what each changed, oldest first. `tidy` brings a record into the form in which it is
/// shown.
pub async fn history(
    access: &Access,
    (kind, id): (Kind, &str),
    as_json: bool,
    tidy: fn(&mut Value),
) -> Result {
    let mut steps = Vec::new();
    let mut before = BTreeMap::new();
    for revision in access.history(kind, id).await? {
        let mut record: Value = serde_json::from_str(&revision.record)?;
        tidy(&mut record);
        let after = flat(&record);
        steps.push(Step { changes: changes(&before, &after), revision });
        before = after;
    }
    if steps.is_empty() {
        return Err(unknown(kind, id));
    }
    let value = steps.iter().map(Step::value).collect();
    Ok(Outcome::either(as_json, &Value::Array(value), || steps.iter().map(Step::text).collect()))
}

/// That something is not registered.
pub fn unknown(kind: Kind, id: &str) -> Failure {
    let what = match kind {
        Kind::Sender => "a sender",
        Kind::Entry => "a directory entry",
        Kind::Ground => "a ground",
        Kind::Proactive => "a proactive service",
        Kind::Application => "an integration application",
        Kind::Incident => "an incident",
        Kind::Operator => "an operator",
        Kind::Calendar => "an act",
    };
    Failure::refused(format!("{id} is not registered as {what}"))
}

impl Step {
    fn value(&self) -> Value {
        let changes = self.changes.iter();
        let changes =
            changes.map(|(field, before, after)| json!({ "field": field, "before": before, "after": after }));
        json!({
            "revision": self.revision.revision, "at": clock::text(self.revision.at),
            "changes": changes.collect::<Vec<_>>(),
        })
    }

    fn text(&self) -> String {
        let mut text = format!("revision {}, {}\n", self.revision.revision, clock::text(self.revision.at));
        for (field, before, after) in &self.changes {
            let change = match (before, after) {
                (Value::Null, after) => word(after),
                (before, Value::Null) => format!("{} is gone", word(before)),
                (before, after) if before == after => "replaced".to_owned(),
                (before, after) => format!("{} → {}", word(before), word(after)),
            };
            let _ = writeln!(text, "  {field}: {change}");
        }
        text
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The values of a record by their paths; what is null or an empty list is not there.
fn flat(record: &Value) -> BTreeMap<String, Value> {
    fn visit(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Null => {}
            Value::Array(values) if values.is_empty() => {}
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| visit(&below(name), value, found));
            }
            Value::Array(values) if values.iter().any(Value::is_object) => {
                values.iter().zip(1..).for_each(|(value, i)| visit(&below(&i.to_string()), value, found));
            }
            _ => {
                found.insert(path.to_owned(), value.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    visit("", record, &mut found);
    // The store counts revisions; what stands in a record is not believed.
    found.remove("revision");
    found
}

fn changes(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<(String, Value, Value)> {
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    let changed = fields.into_iter().filter(|field| before.get(*field) != after.get(*field));
    changed
        .map(|field| {
            let show =
                |values: &BTreeMap<String, Value>| values.get(field).map_or(Value::Null, |v| shown(field, v));
            (field.clone(), show(before), show(after))
        })
        .collect()
}

/// A value as it is shown: times in words, secrets not at all.
fn shown(field: &str, value: &Value) -> Value {
    let name = field.rsplit('.').next().unwrap_or(field);
    if SECRETS.contains(&name) {
        return json!("(secret)");
    }
    let time = |factor: i64| value.as_i64().map(|time| json!(clock::text(time.saturating_mul(factor))));
    let time = match name {
        _ if MILLISECONDS.contains(&name) => time(1),
        _ if SECONDS.contains(&name) => time(1000),
        _ => None,
    };
    time.unwrap_or_else(|| value.clone())
}

/// A heading and rows, or a sentence when there are none.
pub fn listed(heading: &[&str], rows: Vec<Vec<String>>, none: &str) -> String {
    if rows.is_empty() {
        return format!("{none}\n");
    }
    let heading = heading.iter().map(|&word| word.to_owned()).collect();
    argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

/// Two columns: names and values; empty values are left out.
pub fn fields<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
    argument::table(&rows.map(|(name, value)| vec![name.to_owned(), value]).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_names_each_field_that_it_changed_and_no_secret() {
        let before = flat(&json!({
            "name": { "kk": "а", "ru": "б" }, "password": "one", "revision": 0, "gone": 1, "spans": [],
            "permits": [{ "method": 1, "since": 0 }], "services": ["A"],
        }));
        let after = flat(&json!({
            "name": { "kk": "а", "ru": "в" }, "password": "two", "revision": 1, "gone": null,
            "permits": [{ "method": 1, "since": 0 }, { "method": 2, "since": 1_775_026_800_000_i64 }],
            "services": ["A", "B"],
        }));
        let found = changes(&before, &after);
        let expected = [
            ("gone", json!(1), Value::Null),
            ("name.ru", json!("б"), json!("в")),
            ("password", json!("(secret)"), json!("(secret)")),
            ("permits.2.method", Value::Null, json!(2)),
            ("permits.2.since", Value::Null, json!("2026-04-01T12:00:00.000+05:00")),
            ("services", json!(["A"]), json!(["A", "B"])),
        ];
        assert_eq!(found, expected.map(|(field, before, after)| (field.to_owned(), before, after)));
        let revision = Revision { id: "x".to_owned(), revision: 2, at: 0, record: String::new() };
        let text = Step { revision, changes: found }.text();
        for line in ["  gone: 1 is gone", "  name.ru: б → в", "  password: replaced", "  permits.2.method: 2"]
        {
            assert!(text.lines().any(|found| found == line), "{text}");
        }
    }
}
