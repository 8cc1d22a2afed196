//! A registrar suspends an initiator: its requests are refused and its tokens answer "suspended" until it is resumed.

use super::ROLES;
use crate::cli::{Outcome, Progress, Result, argument, sender};
use kdp::clock;
use kdp::consent::identity::Bin;
use kdp::consent::standing::Span;
use kdp::registry::Suspension;
use kdp::serve::Opened;
use serde_json::{Value, json};

/// Tokens that one transaction marks: the writing thread serves everybody.
const PAGE: u32 = 500;

/// Suspends. An initiator that is suspended already stays so, and the status list is brought to its end.
pub async fn begin(opened: &Opened, sender_id: &str, reason: &str) -> Result {
    let reason = argument::line("--reason", reason)?;
    let (mut record, revision) = sender::find(&opened.store.registry().await?, sender_id, ROLES)?;
    let (at, bin) = (opened.clock.now(), argument::bin("BIN", &record.bin)?);
    let since = record.suspensions.iter().find(|suspension| suspension.span.covers(at)).map(|s| s.span.from);
    if since.is_none() {
        record.suspensions.push(Suspension { span: Span { from: at, until: None }, reason: reason.clone() });
        sender::keep(opened, record, revision, "suspended", json!({ "reason": reason })).await?;
    }
    restate(opened, bin).await?;
    Ok(Outcome::accepted(match since {
        None => format!("{sender_id} is suspended from {}\n", clock::text(at)),
        Some(since) => format!("{sender_id} has been suspended since {}\n", clock::text(since)),
    }))
}

/// Resumes. An initiator that is not suspended stays so, and the status list is brought to its end.
pub async fn end(opened: &Opened, sender_id: &str) -> Result {
    let (mut record, revision) = sender::find(&opened.store.registry().await?, sender_id, ROLES)?;
    let (at, bin) = (opened.clock.now(), argument::bin("BIN", &record.bin)?);
    let mut ended = false;
    for suspension in record.suspensions.iter_mut().filter(|suspension| suspension.span.covers(at)) {
        suspension.span.until = Some(at);
        ended = true;
    }
    if ended {
        sender::keep(opened, record, revision, "resumed", Value::Null).await?;
    }
    restate(opened, bin).await?;
    let text = if ended { "is not suspended any more" } else { "was not suspended" };
    Ok(Outcome::accepted(format!("{sender_id} {text}\n")))
}

/// Marks the initiator's tokens in the status list, piece by piece.
async fn restate(opened: &Opened, bin: Bin) -> Result<()> {
    let (at, mut progress) = (opened.clock.now(), Progress::default());
    let mut after = 0;
    while let Some(last) = opened.store.restate(bin, after, PAGE, at).await? {
        after = last;
        progress.step("pages of the status list marked");
    }
    Ok(())
}
