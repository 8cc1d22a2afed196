//! `KDP_CHECK_TOKEN`: the owner of a register asks what a security token is worth (F-14 6; wire.md 2.4). The answer is
//! signed as a receipt, and is an access that the subject can see.

use super::payload::{DataError, Fields, Payload, malformed};
use super::{failed, refuse_data, reply};
use crate::app::App;
use crate::clock;
use crate::consent::identity::Iin;
use crate::consent::standing::{Span, TokenStatus};
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::random::Id;
use crate::registry::Sender;
use crate::soap::sync_channel::{Node, Reply};
use crate::store::token::{Check, Checked, Key, Registered};
use crate::store::{AccessRequest, StoreError};
use crate::text::{FaultCode, Flaw, Reason};
use crate::token::jws::{unverified_jti, unverified_kid};
use crate::token::key::SigningKey;
use crate::token::receipt::{self, Answer, Known, Receipt, Status, TokenData, Withheld};
use std::sync::Arc;

/// The elements.
pub const NAMES: &[&str] = &["auth_token", "code", "token_id", "service_id", "uin", "requested_at"];

/// What is asked.
pub(crate) struct Request {
    /// `None`: what was given names no token of anybody's.
    key: Option<Key>,
    service: String,
    subject: Option<Iin>,
    requested_at: Option<i64>,
}

impl Request {
    pub(crate) fn read(fields: &Fields, at: i64) -> Result<Self, DataError> {
        let service = fields.need("service_id")?.to_owned();
        let subject = fields.iin("uin")?;
        let key = match (fields.get("code"), fields.get("token_id")) {
            (Some(compact), None) => {
                let jti = unverified_jti(compact).as_deref().and_then(Id::parse);
                jti.map(|jti| Key::Compact { jti, compact: compact.to_owned() })
            }
            (None, Some(id)) => {
                fields.need("uin")?;
                Id::parse(id).map(Key::Id)
            }
            _ => {
                return Err(DataError {
                    reason: Reason::ElementsContradict,
                    elements: vec!["code".to_owned(), "token_id".to_owned()],
                    flaw: Flaw::OneOf,
                });
            }
        };
        let requested_at = fields.time("requested_at")?;
        if requested_at.is_some_and(|time| time > at) {
            return Err(malformed("requested_at", Flaw::Future));
        }
        Ok(Self { key, service, subject, requested_at })
    }
}

/// Answers a token check.
///
/// # Errors
/// KDP403 when the `ServiceID` is not the caller's; KDP429 when too many checks by id have told it nothing today; KDP503
/// when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let request = match payload.fields.and_then(|fields| Request::read(&fields, caller.at)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error).await,
    };
    if !caller.sender.record.allowance.services.contains(&request.service) {
        return Err(Fault::new(FaultCode::SenderForbidden, "service_id is not owned by the sender"));
    }
    match judge(app, caller, &request).await {
        Ok(None) => Err(Fault::new(
            FaultCode::TooMany,
            "too many checks by token_id came to unknown or mismatch today: check by code, the token itself",
        )),
        Ok(Some(checked)) => answer(app, caller, &request, &checked).or_else(|error| failed(caller, error)),
        Err(error) => failed(caller, error),
    }
}

async fn judge(app: &App, caller: &Caller, request: &Request) -> Result<Option<Checked>, StoreError> {
    let record = caller.record("check", "");
    let Some(key) = request.key.clone() else {
        let outcome = TokenStatus::Unknown.word().to_owned();
        app.store.note(crate::store::Record { outcome, ..record }).await?;
        return Ok(Some(Checked::silent(TokenStatus::Unknown)));
    };
    let registry = app.registry();
    let check = Check {
        key,
        service: request.service.clone(),
        owner: caller.sender.record.sender_id.clone(),
        subject: request.subject,
        blind: app.limits().blind_checks_per_owner,
        time: request.requested_at.unwrap_or(caller.at),
        registered: Box::new(move |asked: &AccessRequest| {
            // A token of the first version does not tell its sender: then every one of its BIN stands for it.
            let senders: Vec<_> = match asked.sender.as_str() {
                "" => registry.senders.values().filter(|sender| sender.bin == asked.bin).collect(),
                sender => registry.senders.get(sender).into_iter().collect(),
            };
            let spans = |sender: &Arc<Sender>| -> Vec<Span> {
                sender.record.suspensions.iter().map(|suspension| suspension.span).collect()
            };
            let kid = asked.token.as_ref().and_then(|token| unverified_kid(&token.compact));
            let key = kid.and_then(|kid| registry.keys.find(&kid));
            Registered {
                suspensions: senders.into_iter().flat_map(spans).collect(),
                distrusted: key.and_then(SigningKey::distrusted_at).map(|at| at.saturating_mul(1000)),
            }
        }),
    };
    app.store.check_token(check, record).await
}

/// The answer, with what was told in the receipt too.
fn answer(app: &App, caller: &Caller, request: &Request, checked: &Checked) -> Result<Reply, StoreError> {
    let active = checked.status == TokenStatus::Active;
    let mut data = vec![
        Node::leaf("s:active", if active { "true" } else { "false" }),
        Node::leaf("s:status", checked.status.word()),
    ];
    if let Some(reason) = checked.reason {
        data.push(Node::leaf("s:reason", reason.code()));
    }
    if let Some(asked) = &checked.request {
        data.push(Node::nodes("s:token", token(asked)));
        data.push(Node::leaf(
            "s:revocation_pending",
            if checked.revocation_pending { "true" } else { "false" },
        ));
    }
    data.push(Node::leaf("s:checked_at", clock::text(caller.at)));
    let receipt = receipt(app, caller, request, checked);
    let registry = app.registry();
    let key = registry
        .keys
        .current_receipt(caller.at / 1000)
        .map_err(|_| StoreError::Setup("no key signs receipts".to_owned()))?;
    let receipt = receipt::issue(receipt, key.signer(), key.kid())
        .map_err(|_| StoreError::Setup("the receipt could not be signed".to_owned()))?;
    data.push(Node::leaf("s:receipt", receipt));
    Ok(reply(caller, checked.status.word(), data))
}

/// The same answer, to be signed.
fn receipt(app: &App, caller: &Caller, request: &Request, checked: &Checked) -> Receipt {
    let status = match checked.status {
        TokenStatus::Active => Some(Status::Active),
        TokenStatus::NotActive => Some(Status::NotActive),
        TokenStatus::Expired => Some(Status::Expired),
        TokenStatus::Suspended => Some(Status::Suspended),
        TokenStatus::Unknown | TokenStatus::Mismatch => None,
    };
    let withheld = match checked.status {
        TokenStatus::Mismatch => Withheld::Mismatch,
        _ => Withheld::Unknown,
    };
    let known = checked.request.as_ref().zip(status).and_then(|(asked, status)| {
        let token = asked.token.as_ref()?;
        Some(Known {
            status,
            reason: checked.reason.map(|reason| reason.code().to_owned()),
            token: TokenData {
                jti: token.jti.to_string(),
                sub: asked.iin.as_str().to_owned(),
                uin: asked.iin.as_str().to_owned(),
                cbin: asked.bin.as_str().to_owned(),
                services: asked.services.as_slice().to_vec(),
                method: asked.method.number(),
                ground: asked.ground.clone(),
                dir: asked.directory.as_ref().map(|entry| entry.id.clone()),
                rid: asked.id.to_string(),
                iat: token.issued / 1000,
                exp: token.expires,
            },
            requested_at: request.requested_at.map(|time| time / 1000),
            revocation_pending: checked.revocation_pending,
        })
    });
    Receipt {
        iss: app.config.token.issuer.clone(),
        aud: caller.sender.record.sender_id.clone(),
        iat: caller.at / 1000,
        jti: caller.decision.to_string(),
        service_id: request.service.clone(),
        answer: known.map_or(Answer::Withheld(withheld), |known| Answer::Known(Box::new(known))),
    }
}

/// What an owner needs to hold the token against the request for data (F-13).
fn token(request: &AccessRequest) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(12);
    let Some(token) = &request.token else { return nodes };
    nodes.push(Node::leaf("s:token_id", token.jti.to_string()));
    nodes.push(Node::leaf("s:uin", request.iin.as_str()));
    nodes.push(Node::leaf("s:company_bin", request.bin.as_str()));
    nodes.extend(request.services.as_slice().iter().map(|id| Node::leaf("s:service_id", id)));
    nodes.push(Node::leaf("s:method", request.method.number().to_string()));
    nodes.extend(request.ground.iter().map(|ground| Node::leaf("s:ground_id", ground)));
    nodes.extend(request.directory.iter().map(|entry| Node::leaf("s:directory_id", &entry.id)));
    nodes.push(Node::leaf("s:request_id", request.id.to_string()));
    if !request.data.is_empty() {
        nodes.push(Node::leaf("s:personal_data_name", &request.data));
    }
    nodes.push(Node::leaf("s:issued_at", clock::text(token.issued)));
    nodes.push(Node::leaf("s:expires_at", clock::text(token.expires.saturating_mul(1000))));
    nodes
}
