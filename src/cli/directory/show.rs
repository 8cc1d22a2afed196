//! Entries as they are shown.

use crate::cli::access::Access;
use crate::cli::{Outcome, Result, agreed, registration};
use kdp::consent::directory::DirectoryEntry;
use kdp::consent::identity::Bin;
use kdp::store::register::Kind;
use serde_json::{Value, json};

/// All entries, or those of one organisation.
pub async fn list(access: &Access, bin: Option<Bin>, as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let mut entries: Vec<&DirectoryEntry> =
        registry.entries.values().filter(|entry| bin.is_none_or(|bin| bin.as_str() == entry.bin)).collect();
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    let values = entries.iter().map(|entry| value(entry, now)).collect();
    Ok(Outcome::either(as_json, &Value::Array(values), || {
        let rows = entries.iter().map(|entry| {
            vec![
                entry.id.clone(),
                entry.revision.to_string(),
                entry.bin.clone(),
                agreed::span(entry.period_seconds),
                agreed::state(entry.valid_from, entry.expires_at, now),
                entry.services.join(", "),
            ]
        });
        let heading = ["ID", "REVISION", "BIN", "PERIOD", "STATE", "SERVICES"];
        registration::listed(&heading, rows.collect(), "no directory entries")
    }))
}

/// One entry.
pub async fn show(access: &Access, id: &str, as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let entry = registry.entries.get(id).ok_or_else(|| registration::unknown(Kind::Entry, id))?;
    Ok(Outcome::either(as_json, &value(entry, now), || text(entry, now)))
}

fn value(entry: &DirectoryEntry, now: i64) -> Value {
    json!({
        "id": entry.id,
        "revision": entry.revision,
        "bin": entry.bin,
        "name": entry.name,
        "services": entry.services,
        "period_seconds": entry.period_seconds,
        "storage_seconds": entry.storage_seconds,
        "processing_seconds": entry.processing_seconds,
        "storage_ground": entry.storage_ground,
        "data": entry.data,
        "valid_from": agreed::time(entry.valid_from),
        "expires_at": entry.expires_at.map(agreed::time),
        "application": entry.application,
        "state": agreed::state(entry.valid_from, entry.expires_at, now),
    })
}

fn text(entry: &DirectoryEntry, now: i64) -> String {
    registration::fields([
        ("id", entry.id.clone()),
        ("revision", entry.revision.to_string()),
        ("bin", entry.bin.clone()),
        ("name kk", entry.name.kk.clone()),
        ("name ru", entry.name.ru.clone()),
        ("services", entry.services.join(", ")),
        ("period", agreed::span(entry.period_seconds)),
        ("storage", agreed::span(entry.storage_seconds)),
        ("processing", agreed::span(entry.processing_seconds)),
        ("storage ground", entry.storage_ground.clone()),
        ("data", entry.data.clone()),
        ("valid from", agreed::time(entry.valid_from)),
        ("expires", entry.expires_at.map(agreed::time).unwrap_or_default()),
        ("application", entry.application.clone().unwrap_or_default()),
        ("state", agreed::state(entry.valid_from, entry.expires_at, now)),
    ])
}
