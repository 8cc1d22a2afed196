//! A registrar suspends an initiator: its requests are refused and its tokens answer "suspended" until it is resumed.

use super::ROLES;
use crate::cli::access::Access;
use crate::cli::{Outcome, Progress, Result, argument, sender};
use kdp::clock;
use kdp::consent::identity::Bin;
use kdp::consent::standing::Span;
use kdp::registry::Suspension;
use serde_json::{Value, json};

/// Tokens that one transaction marks: the writing thread serves everybody.
const PAGE: u32 = 500;

/// Suspends. An initiator that is suspended already stays so, and the status list is brought to its end.
pub async fn begin(access: &Access, sender_id: &str, reason: &str, as_json: bool) -> Result {
    let reason = argument::line("--reason", reason)?;
    let (mut record, revision) = sender::find(&access.registry().await?, sender_id, ROLES)?;
    let (at, bin) = (access.now(), argument::bin("BIN", &record.bin)?);
    let since = record.suspensions.iter().find(|suspension| suspension.span.covers(at)).map(|s| s.span.from);
    if since.is_none() {
        record.suspensions.push(Suspension { span: Span { from: at, until: None }, reason: reason.clone() });
        sender::keep(access, record, revision, "suspended", json!({ "reason": reason })).await?;
    }
    restate(access, bin).await?;
    let from = clock::text(since.unwrap_or(at));
    let value = json!({ "sender_id": sender_id, "suspended_from": from, "changed": since.is_none() });
    Ok(Outcome::either(as_json, &value, || match since {
        None => format!("{sender_id} is suspended from {from}\n"),
        Some(_) => format!("{sender_id} has been suspended since {from}\n"),
    }))
}

/// Resumes. An initiator that is not suspended stays so, and the status list is brought to its end.
pub async fn end(access: &Access, sender_id: &str, as_json: bool) -> Result {
    let (mut record, revision) = sender::find(&access.registry().await?, sender_id, ROLES)?;
    let (at, bin) = (access.now(), argument::bin("BIN", &record.bin)?);
    let mut ended = false;
    for suspension in record.suspensions.iter_mut().filter(|suspension| suspension.span.covers(at)) {
        suspension.span.until = Some(at);
        ended = true;
    }
    if ended {
        sender::keep(access, record, revision, "resumed", Value::Null).await?;
    }
    restate(access, bin).await?;
    let text = if ended { "is not suspended any more" } else { "was not suspended" };
    let value = json!({ "sender_id": sender_id, "changed": ended });
    Ok(Outcome::either(as_json, &value, || format!("{sender_id} {text}\n")))
}

/// Marks the initiator's tokens in the status list, piece by piece.
async fn restate(access: &Access, bin: Bin) -> Result<()> {
    let (mut after, mut progress) = (0, Progress::default());
    while let Some(last) = access.restate(bin, after, PAGE).await? {
        after = last;
        progress.step("pages of the status list marked");
    }
    Ok(())
}
