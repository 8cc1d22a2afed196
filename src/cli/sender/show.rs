//! Senders as they are shown, and how they became so. Hashes of secrets are never shown.

use super::{Role, find};
use crate::cli::access::Access;
use crate::cli::{Outcome, Result, agreed, argument, registration};
use kdp::clock;
use kdp::registry::{Permit, Sender, SenderRecord};
use kdp::store::register::Kind;
use kdp::token::ovt::OvtKey;
use serde_json::{Value, json};
use std::sync::Arc;

/// All senders of these roles.
pub async fn list(access: &Access, roles: &[Role], as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now());
    let mut senders: Vec<&Arc<Sender>> =
        registry.senders.values().filter(|sender| roles.contains(&sender.record.role)).collect();
    senders.sort_by(|a, b| a.record.sender_id.cmp(&b.record.sender_id));
    let values: Vec<Value> = senders.iter().map(|sender| value(sender, now)).collect();
    Ok(Outcome::either(as_json, &Value::Array(values), || {
        let initiators = roles.contains(&Role::Initiator);
        let column = if initiators { "METHODS" } else { "ROLE" };
        let rows = senders.iter().map(|sender| {
            let record = &sender.record;
            let word = if initiators { methods(record) } else { record.role.as_str().to_owned() };
            let state = if sender.is_suspended(now) { "suspended" } else { "active" };
            vec![record.sender_id.clone(), record.bin.clone(), word, state.to_owned(), record.name.clone()]
        });
        let heading = ["SENDER", "BIN", column, "STATE", "NAME"].map(str::to_owned).to_vec();
        argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    }))
}

/// One sender of these roles.
pub async fn show(access: &Access, sender_id: &str, roles: &[Role], as_json: bool) -> Result {
    let registry = access.registry().await?;
    find(&registry, sender_id, roles)?;
    let sender =
        registry.senders.get(sender_id).ok_or_else(|| registration::unknown(Kind::Sender, sender_id))?;
    let now = access.now();
    Ok(Outcome::either(as_json, &value(sender, now), || text(sender, now)))
}

/// All revisions of one sender of these roles.
pub async fn history(access: &Access, sender_id: &str, roles: &[Role], as_json: bool) -> Result {
    find(&access.registry().await?, sender_id, roles)?;
    registration::history(access, (Kind::Sender, sender_id), as_json, shorten_keys).await
}

/// A PEM says less to a reader than the thumbprint of the key in it (RFC 7638).
fn shorten_keys(record: &mut Value) {
    for key in record.get_mut("ovt_keys").and_then(Value::as_array_mut).into_iter().flatten() {
        let thumbprint = key.as_str().and_then(|pem| OvtKey::from_pem(pem, None).ok()?.thumbprint().ok());
        if let Some(thumbprint) = thumbprint {
            *key = json!(thumbprint);
        }
    }
}

fn value(sender: &Sender, now: i64) -> Value {
    let record = &sender.record;
    let mut value = json!({
        "sender_id": record.sender_id,
        "revision": sender.revision,
        "name": record.name,
        "role": record.role,
        "bin": record.bin,
        "auth": record.auth,
        "reply": record.reply,
        "strict": record.strict,
        "services": record.allowance.services,
        "lang": record.lang,
    });
    if record.role == Role::Initiator
        && let Some(fields) = value.as_object_mut()
    {
        fields.extend(registration::detail(json!({
            "methods": record.allowance.methods,
            "logging": record.allowance.logging,
            "max_term_seconds": record.allowance.max_term_seconds,
            "legacy": record.allowance.legacy,
            "ovt_bound": record.allowance.ovt_bound,
            "code": record.allowance.code,
            "ovt_keys": record.ovt_keys,
            "permits": record.permits.iter().map(permit).collect::<Vec<_>>(),
            "suspended": sender.is_suspended(now),
            "suspensions": record.suspensions.iter().map(|suspension| json!({
                "from": clock::text(suspension.span.from),
                "until": suspension.span.until.map(clock::text),
                "reason": suspension.reason,
            })).collect::<Vec<_>>(),
        })));
    }
    value
}

fn permit(permit: &Permit) -> Value {
    json!({
        "method": permit.method, "basis": permit.basis, "protocol": permit.protocol,
        "since": clock::text(permit.since),
    })
}

fn text(sender: &Sender, now: i64) -> String {
    let record = &sender.record;
    let allowance = &record.allowance;
    let yes = |flag| if flag { "yes" } else { "no" }.to_owned();
    let word = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let mut rows = vec![
        ("sender-id", record.sender_id.clone()),
        ("revision", sender.revision.to_string()),
        ("name", record.name.clone()),
        ("role", record.role.as_str().to_owned()),
        ("bin", record.bin.clone()),
        ("services", allowance.services.join(", ")),
        ("auth", word(json!(record.auth))),
        ("reply", word(json!(record.reply))),
        ("strict", yes(record.strict)),
        ("lang", record.lang.clone()),
    ];
    if record.role == Role::Initiator {
        rows.extend([
            ("state", if sender.is_suspended(now) { "suspended" } else { "active" }.to_owned()),
            ("methods", methods(record)),
            ("logging mode", yes(allowance.logging)),
            ("max term", agreed::span(allowance.max_term_seconds)),
            ("legacy", yes(allowance.legacy)),
            ("ovt bound", yes(allowance.ovt_bound)),
            ("code", word(json!(allowance.code))),
            ("ovt keys", record.ovt_keys.len().to_string()),
        ]);
        rows.extend(record.permits.iter().map(|permit| ("permit", permit_text(permit))));
        rows.extend(record.suspensions.iter().map(|suspension| {
            let until = suspension.span.until.map_or_else(|| "now".to_owned(), clock::text);
            ("suspended", format!("{} to {until}: {}", clock::text(suspension.span.from), suspension.reason))
        }));
    }
    registration::fields(rows)
}

fn permit_text(permit: &Permit) -> String {
    let protocol = permit.protocol.as_deref().map(|name| format!("; protocol {name}")).unwrap_or_default();
    let since = clock::text(permit.since);
    format!("method {} since {since}: {}{protocol}", permit.method.number(), permit.basis)
}

fn methods(record: &SenderRecord) -> String {
    record.allowance.methods.iter().map(|m| m.number().to_string()).collect::<Vec<_>>().join(",")
}
