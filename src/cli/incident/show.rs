//! Incidents as they are shown.

use crate::cli::access::Access;
use crate::cli::{Outcome, Result, registration};
use kdp::clock;
use kdp::incident::Incident;
use kdp::store::register::Kind;
use serde_json::{Value, json};

/// Where an incident stands, in the order in which they are listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Overdue,
    ToBeTold,
    Told,
    Closed,
}

impl Stage {
    fn of(incident: &Incident, now: i64) -> Self {
        match incident {
            _ if incident.is_overdue(now) => Self::Overdue,
            Incident { notified_at: None, .. } => Self::ToBeTold,
            Incident { closed: None, .. } => Self::Told,
            _ => Self::Closed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::ToBeTold => "to be told",
            Self::Told => "told",
            Self::Closed => "closed",
        }
    }
}

/// All incidents.
pub async fn list(access: &Access, as_json: bool) -> Result {
    let now = access.now();
    let mut incidents: Vec<(Incident, u32)> = Vec::new();
    for revision in access.latest(Kind::Incident).await? {
        incidents.push((serde_json::from_str(&revision.record)?, revision.revision));
    }
    incidents
        .sort_by_key(|(incident, _)| (Stage::of(incident, now), incident.notice_until, incident.id.clone()));
    let values = incidents.iter().map(|(incident, revision)| value(incident, *revision, now)).collect();
    let shown = Outcome::either(as_json, &Value::Array(values), || {
        let rows = incidents.iter().map(|(incident, _)| {
            vec![
                incident.id.clone(),
                Stage::of(incident, now).word().to_owned(),
                incident.last_day(),
                clock::text(incident.detected_at),
                persons(incident),
                incident.what.clone(),
            ]
        });
        let heading = ["ID", "STATE", "NOTICE BY", "DETECTED", "PERSONS", "WHAT"];
        registration::listed(&heading, rows.collect(), "no incidents")
    });
    access.look("incidents", None, shown).await
}

/// One incident.
pub fn one(incident: &Incident, revision: u32, now: i64, as_json: bool) -> Outcome {
    Outcome::either(as_json, &value(incident, revision, now), || {
        let closed = incident.closed.as_ref();
        registration::fields([
            ("id", incident.id.clone()),
            ("revision", revision.to_string()),
            ("state", Stage::of(incident, now).word().to_owned()),
            ("detected", clock::text(incident.detected_at)),
            ("notice by", format!("24:00 of {}", incident.last_day())),
            ("what", incident.what.clone()),
            ("persons", persons(incident)),
            ("responsible", incident.responsible.clone()),
            ("told", incident.notified_at.map(clock::text).unwrap_or_default()),
            ("closed", closed.map(|closed| clock::text(closed.at)).unwrap_or_default()),
            ("measures", closed.map(|closed| closed.measures.clone()).unwrap_or_default()),
        ])
    })
}

fn persons(incident: &Incident) -> String {
    incident.persons.map_or_else(|| "not known".to_owned(), |count| count.to_string())
}

/// An incident as JSON.
pub fn value(incident: &Incident, revision: u32, now: i64) -> Value {
    let closed = incident.closed.as_ref();
    json!({
        "id": incident.id,
        "revision": revision,
        "state": Stage::of(incident, now).word(),
        "overdue": incident.is_overdue(now),
        "detected_at": clock::text(incident.detected_at),
        "notice_until": clock::text(incident.notice_until),
        "notice_day": incident.last_day(),
        "what": incident.what,
        "persons": incident.persons,
        "responsible": incident.responsible,
        "notified_at": incident.notified_at.map(clock::text),
        "closed": closed.map(|closed| json!({ "at": clock::text(closed.at), "measures": closed.measures })),
    })
}
