//! The requests as the journal tells of them: what was checked, what was decided, what happened since.

use crate::clock;
use crate::consent::check::Finding;
use crate::explain::Kept;
use crate::journal::Entry;
use crate::random::Id;
use crate::sandbox::Sandbox;
use crate::sandbox::route::{Outcome, busy};
use crate::store::{AccessRequest, StoreError};
use serde_json::{Value, json};

/// Records that are looked through, from the end of the journal.
const WINDOW: u32 = 1000;
/// Requests and refusals that are told, the newest.
const MOST: usize = 40;

/// One request, or one message that was refused before there was a request.
struct Told {
    /// The request, once there is one.
    request: Option<Id>,
    /// The record of its first decision.
    first: Entry,
    /// What happened, oldest first.
    steps: Vec<(i64, String)>,
}

impl Sandbox {
    /// The newest requests, newest first: `[{"at", "decision_id", "sender", "service", "outcome", "checks": [{"check",
    /// "passed", "found", "expected"}], "steps": [{"at", "what"}], "request"}]`. `outcome` is a code of reasons or faults;
    /// `request` is null for what was refused before there was one.
    pub(super) async fn requests(&self) -> Outcome {
        let mut told = Vec::new();
        for entry in self.tail().await.map_err(busy)? {
            collect(&mut told, entry);
        }
        let now = self.app.clock.now();
        let mut shown = Vec::new();
        for one in told.into_iter().rev().take(MOST) {
            let request = match one.request {
                Some(id) => self.app.store.request(id).await.map_err(busy)?,
                None => None,
            };
            shown.push(one.shown(request.as_ref(), now));
        }
        Ok(Value::Array(shown))
    }

    async fn tail(&self) -> Result<impl Iterator<Item = Entry>, StoreError> {
        let end = self.app.store.journal_end().await?.seq;
        let records = self.app.store.journal(end.saturating_sub(i64::from(WINDOW)).max(0), WINDOW).await?;
        Ok(records.into_iter().map(|record| record.entry))
    }
}

/// Puts a record where it belongs; what tells of no request is passed over.
fn collect(told: &mut Vec<Told>, entry: Entry) {
    let request = entry.request.map(Id::from_bytes);
    let step = (entry.at, entry.outcome.clone());
    if let Some(id) = request
        && let Some(known) = told.iter_mut().find(|one| one.request == Some(id))
    {
        known.steps.push(step);
        return;
    }
    let begins = match entry.kind.as_str() {
        "fault" => true,
        "decision" | "dry-run" => !entry.detail.is_empty(),
        _ => false,
    };
    if begins {
        told.push(Told { request, first: entry, steps: vec![step] });
    }
}

impl Told {
    fn shown(self, request: Option<&AccessRequest>, now: i64) -> Value {
        let Self { first, steps, .. } = self;
        let Kept { checks, fault, .. } = Kept::read(&first);
        let checks = checks.into_iter().map(|Finding { check, passed, found, expected }| {
            json!({ "check": check, "passed": passed, "found": found, "expected": expected })
        });
        json!({
            "at": clock::text(first.at), "kind": first.kind, "sender": first.sender, "service": first.service,
            "decision_id": first.decision.map(|id| Id::from_bytes(id).to_string()),
            "outcome": first.outcome, "fault": fault,
            "checks": checks.collect::<Vec<_>>(),
            "steps": steps.iter().map(|(at, what)| json!({ "at": clock::text(*at), "what": what })).collect::<Vec<_>>(),
            "request": request.map(|request| describe(request, now)),
        })
    }
}

/// A request as of now.
fn describe(request: &AccessRequest, now: i64) -> Value {
    let token = request.token.as_ref().map(|token| {
        json!({
            "token_id": token.jti.to_string(), "code": token.compact, "issued_at": clock::text(token.issued),
            "expires_at": clock::text(token.expires.saturating_mul(1000)),
        })
    });
    json!({
        "request_id": request.id.to_string(), "sender": request.sender, "bin": request.bin.as_str(),
        "iin": request.iin.as_str(), "method": request.method.number(),
        "services": request.services.as_slice(), "data": request.data, "reference": request.reference,
        "directory_id": request.directory.as_ref().map(|entry| &entry.id),
        "consent": request.consent.clone().at(now), "token": token,
    })
}
