//! `KDP_PERSONALDATA`: who asked for a subject's data and to whom they were open, in a period (wire.md 2.3).

use super::payload::{DataError, Fields, Payload};
use super::{failed, refuse_data, reply};
use crate::app::App;
use crate::clock;
use crate::consent::identity::Iin;
use crate::consent::{Consent, End};
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::soap::sync_channel::{Node, P, Reply};
use crate::store::{Access, Record, StoreError};
use crate::text::{Flaw, Reason};
use serde_json::{Value, json};

/// The elements.
pub const NAMES: &[&str] = &["auth_token", "uin", "start_date", "end_date"];

/// Most entries of one answer; older ones are asked for with an earlier `end_date`.
const MOST: u32 = 500;

pub(crate) struct Request {
    subject: Iin,
    from: i64,
    to: i64,
}

impl Request {
    pub(crate) fn read(fields: &Fields) -> Result<Self, DataError> {
        let subject = fields.need_iin("uin")?;
        let time = |name| {
            fields.need(name)?;
            fields.time(name)?.ok_or_else(|| DataError::new(Reason::ElementMissing, name, Flaw::Missing))
        };
        let (from, to) = (time("start_date")?, time("end_date")?);
        if from > to {
            return Err(DataError {
                reason: Reason::ElementsContradict,
                elements: vec!["start_date".to_owned(), "end_date".to_owned()],
                flaw: Flaw::Contradict,
            });
        }
        Ok(Self { subject, from, to })
    }
}

/// Answers with the accesses, newest first.
///
/// # Errors
/// KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let request = match payload.fields.and_then(|fields| Request::read(&fields)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error).await,
    };
    match list(app, caller, &request).await {
        Ok(accesses) => {
            let entries: Vec<Value> = accesses.iter().map(|access| entry(app, access, caller.at)).collect();
            let data = vec![
                Node::leaf("p:uin", request.subject.as_str()),
                Node::leaf("p:r_pdata", Value::from(entries).to_string()),
            ];
            Ok(Reply { namespace: P, ..reply(caller, "listed", data) })
        }
        Err(error) => failed(caller, error),
    }
}

async fn list(app: &App, caller: &Caller, request: &Request) -> Result<Vec<Access>, StoreError> {
    let accesses = app.store.accesses(request.subject, request.from, request.to, MOST).await?;
    // Looking is journalled too, before it is answered.
    let record = caller.record("look", "listed");
    app.store.note(Record { subject: Some(request.subject), ..record }).await?;
    Ok(accesses)
}

/// One entry, as `schemas/personal-data.schema.json` has it.
fn entry(app: &App, access: &Access, at: i64) -> Value {
    let registry = app.registry();
    let request = &access.request;
    let named = |sender: &str| registry.senders.get(sender).map(|sender| sender.record.name.clone());
    let initiator = json!({
        "bin": request.bin.as_str(),
        "name": named(&request.sender).unwrap_or_else(|| request.company.clone()),
    });
    let owner = access.check.as_ref().map(|check| {
        let bin = registry.senders.get(&check.owner).map(|sender| sender.record.bin.clone());
        json!({ "bin": bin, "name": named(&check.owner) })
    });
    let services = match &access.check {
        Some(check) => vec![check.service.clone()],
        None => request.services.as_slice().to_vec(),
    };
    json!({
        "when": clock::text(access.at),
        "kind": if access.check.is_some() { "access" } else { "request" },
        "initiator": initiator,
        "owner": owner,
        "services": services,
        "data": request.data,
        "method": request.method.number(),
        "ground": request.ground,
        "directory": request.directory.as_ref().map(|entry| &entry.id),
        "request_id": request.id.to_string(),
        "token_id": request.token.as_ref().map(|token| token.jti.to_string()),
        "status": access.check.as_ref().map_or_else(|| state(&request.consent, at), |check| check.status.as_str()),
        "expires_at": request.token.as_ref().map(|token| clock::text(token.expires.saturating_mul(1000))),
    })
}

/// Where a request stands, in a word.
fn state(consent: &Consent, at: i64) -> &'static str {
    match consent.clone().at(at) {
        Consent::Seeking { .. } | Consent::Sending { .. } | Consent::Waiting { .. } => "waiting",
        Consent::Agreed { .. } => "agreed",
        Consent::Granted { lapses: None, .. } => "active",
        Consent::Granted { lapses: Some(_), .. } => "revocation-pending",
        Consent::Closed { end: End::NotFound, .. } => "not-found",
        Consent::Closed { reason, .. } => reason.code(),
    }
}
