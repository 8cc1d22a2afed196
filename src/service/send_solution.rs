//! `KDP_SEND_SOLUTION`: the initiator decides an application for revocation (F-19, F-20; wire.md 2.4). A refusal names
//! exactly one ground, or it is not accepted.

use super::payload::{DataError, Fields, Payload, malformed};
use super::{failed, no, refuse_data, reply};
use crate::app::App;
use crate::consent::revocation::{Decision, Ground, parse_date};
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::random::Id;
use crate::soap::sync_channel::{Node, Reply};
use crate::store::StoreError;
use crate::store::revocation::{Solution, Solved};
use crate::text::{Flaw, Reason, StatusCode};
use time::Date;

/// The elements.
pub const NAMES: &[&str] = &[
    "auth_token",
    "application_id",
    "decision",
    "reason",
    "act",
    "act/name",
    "act/number",
    "act/date",
    "act/article",
    "contract",
    "contract/number",
    "contract/date",
    "contract/name",
    "obligation",
];

/// The three grounds of F-20.
const GROUNDS: [&str; 3] = ["act", "contract", "obligation"];

pub(crate) struct Request {
    /// `None`: the id is none of ours.
    application: Option<Id>,
    decision: Decision,
}

impl Request {
    pub(crate) fn read(fields: &Fields, today: Option<Date>) -> Result<Self, DataError> {
        let application = Id::parse(fields.need("application_id")?);
        let decision = match fields.need("decision")? {
            "approve" => approve(fields)?,
            "refuse" => {
                let reason = fields.need("reason")?.to_owned();
                Decision::Refuse { reason, ground: ground(fields, today)? }
            }
            _ => return Err(malformed("decision", Flaw::Choice)),
        };
        Ok(Self { application, decision })
    }
}

fn approve(fields: &Fields) -> Result<Decision, DataError> {
    match ["reason"].iter().chain(&GROUNDS).find(|name| fields.has(name)) {
        None => Ok(Decision::Approve),
        Some(other) => Err(DataError {
            reason: Reason::ElementsContradict,
            elements: vec!["decision".to_owned(), (*other).to_owned()],
            flaw: Flaw::Contradict,
        }),
    }
}

fn ground(fields: &Fields, today: Option<Date>) -> Result<Ground, DataError> {
    let given: Vec<&str> = GROUNDS.into_iter().filter(|name| fields.has(name)).collect();
    let text = |name| Ok::<_, DataError>(fields.need(name)?.to_owned());
    let date = |name| {
        let date = parse_date(fields.need(name)?).ok_or_else(|| malformed(name, Flaw::Date))?;
        // Nothing that does not exist yet forbids a revocation.
        if today.is_some_and(|today| date > today) { Err(malformed(name, Flaw::Future)) } else { Ok(date) }
    };
    match given.as_slice() {
        ["act"] => Ok(Ground::Act {
            name: text("act/name")?,
            number: text("act/number")?,
            date: date("act/date")?,
            article: text("act/article")?,
        }),
        ["contract"] => Ok(Ground::Contract {
            number: text("contract/number")?,
            date: date("contract/date")?,
            name: text("contract/name")?,
        }),
        ["obligation"] => Ok(Ground::Obligation(text("obligation")?)),
        given => Err(DataError {
            reason: if given.is_empty() { Reason::ElementMissing } else { Reason::ElementsContradict },
            elements: GROUNDS.map(str::to_owned).to_vec(),
            flaw: Flaw::OneOf,
        }),
    }
}

/// Takes a decision.
///
/// # Errors
/// KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let today = crate::consent::revocation::date(caller.at);
    let request = match payload.fields.and_then(|fields| Request::read(&fields, today)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error).await,
    };
    solve(app, caller, request).await.or_else(|error| failed(caller, error))
}

async fn solve(app: &App, caller: &Caller, request: Request) -> Result<Reply, StoreError> {
    let Some(application) = request.application else {
        app.store.note(caller.record("decision", Reason::ApplicationUnknown.code())).await?;
        return Ok(no(caller, StatusCode::Business, Reason::ApplicationUnknown, None));
    };
    let solution = Solution { application, bin: caller.sender.bin, decision: request.decision };
    Ok(match app.store.solve(solution, caller.record("decision", "")).await? {
        Solved::Done(application) => {
            let data = vec![
                Node::leaf("s:application_id", application.id.to_string()),
                Node::leaf("s:state", application.review.word()),
            ];
            reply(caller, "application-decided", data)
        }
        Solved::Refused(reason) => no(caller, StatusCode::Business, reason, None),
    })
}
