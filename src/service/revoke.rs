//! `KDP_REVOKE`: a subject applies for the revocation of a token, or looks where the application stands (F-16, F-17;
//! wire.md 2.4). A system of the e-government attests who applied.

use super::payload::{DataError, Fields, Payload, malformed};
use super::{failed, no, refuse_data, reply};
use crate::app::App;
use crate::consent::calendar::Skipped;
use crate::consent::identity::Iin;
use crate::consent::revocation::{Applicant, Ground, Review, Term};
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::random::Id;
use crate::soap::sync_channel::{Node, Reply};
use crate::store::StoreError;
use crate::store::revocation::{Application, Contested, Filed, Filing};
use crate::text::{Flaw, Lang, Reason, StatusCode};

/// The elements.
pub const NAMES: &[&str] =
    &["auth_token", "uin", "token_id", "request_id", "applicant", "authority", "comment", "application_id"];

/// Longest `authority` and `comment`, characters.
const MAX_COMMENT: usize = 1000;

pub(crate) enum Request {
    /// File an application about this token, or request; `None`: the id is none of ours.
    File { iin: Iin, contested: Option<Contested>, applicant: Applicant, comment: String },
    /// Where does it stand? `None`: the id is none of ours.
    Look(Option<Id>),
}

impl Request {
    pub(crate) fn read(fields: &Fields) -> Result<Self, DataError> {
        if let Some(id) = fields.get("application_id") {
            let other = NAMES.iter().find(|name| {
                !matches!(**name, "application_id" | "auth_token") && fields.get(name).is_some()
            });
            return match other {
                None => Ok(Self::Look(Id::parse(id))),
                Some(other) => Err(contradict(&["application_id", other], Flaw::Contradict)),
            };
        }
        let iin = fields.need_iin("uin")?;
        let contested = match (fields.get("token_id"), fields.get("request_id")) {
            (Some(id), None) => Id::parse(id).map(Contested::Token),
            (None, Some(id)) => Id::parse(id).map(Contested::Request),
            _ => return Err(contradict(&["token_id", "request_id"], Flaw::OneOf)),
        };
        let authority = fields.get("authority");
        let applicant = match (fields.need("applicant")?, authority) {
            ("subject", None) => Applicant::Subject,
            ("subject", Some(_)) => return Err(contradict(&["applicant", "authority"], Flaw::Contradict)),
            ("representative", _) => {
                let authority = short(fields, "authority")?;
                if authority.is_empty() {
                    return Err(DataError::new(Reason::ElementMissing, "authority", Flaw::Missing));
                }
                Applicant::Representative { authority }
            }
            _ => return Err(malformed("applicant", Flaw::Choice)),
        };
        Ok(Self::File { iin, contested, applicant, comment: short(fields, "comment")? })
    }
}

fn short(fields: &Fields, name: &'static str) -> Result<String, DataError> {
    let text = fields.get(name).unwrap_or_default();
    if text.chars().count() > MAX_COMMENT {
        return Err(malformed(name, Flaw::TooLong));
    }
    Ok(text.to_owned())
}

fn contradict(names: &[&str], flaw: Flaw) -> DataError {
    let elements = names.iter().map(|name| (*name).to_owned()).collect();
    DataError { reason: Reason::ElementsContradict, elements, flaw }
}

/// Files an application, or tells its state.
///
/// # Errors
/// KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let request = match payload.fields.and_then(|fields| Request::read(&fields)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error).await,
    };
    let answered = match request {
        Request::File { iin, contested, applicant, comment } => {
            file(app, caller, iin, contested, applicant, comment).await
        }
        Request::Look(id) => look(app, caller, id).await,
    };
    answered.or_else(|error| failed(caller, error))
}

async fn file(
    app: &App,
    caller: &Caller,
    iin: Iin,
    contested: Option<Contested>,
    applicant: Applicant,
    comment: String,
) -> Result<Reply, StoreError> {
    let Some(contested) = contested else {
        app.store.note(caller.record("decision", Reason::TokenUnknown.code())).await?;
        return Ok(no(caller, StatusCode::Business, Reason::TokenUnknown, None));
    };
    let id = Id::new(caller.at, &*app.random).map_err(|_| StoreError::Failed(-1))?;
    let filing = Filing { id, contested, iin, applicant, comment };
    Ok(match app.store.file(filing, caller.record("decision", "")).await? {
        Filed::New(application) => {
            app.wake.notify_one();
            state(app, caller, &application, "application-filed")?
        }
        Filed::Open(application) => state(app, caller, &application, "application-open")?,
        Filed::Refused(reason) => no(caller, StatusCode::Business, reason, None),
    })
}

fn term(app: &App, filed: i64) -> Result<Term, StoreError> {
    let term = app.rule.term(&app.registry().calendar, filed);
    term.ok_or_else(|| StoreError::Setup("the calendar does not reach so far".to_owned()))
}

async fn look(app: &App, caller: &Caller, id: Option<Id>) -> Result<Reply, StoreError> {
    let application = match id {
        Some(id) => app.store.application(id, caller.at).await?,
        None => None,
    };
    let outcome = if application.is_some() { "application-state" } else { Reason::ApplicationUnknown.code() };
    let subject = application.as_ref().map(|application| application.iin);
    app.store.note(crate::store::Record { subject, ..caller.record("look", outcome) }).await?;
    match application {
        Some(application) => state(app, caller, &application, "application-state"),
        None => Ok(no(caller, StatusCode::Business, Reason::ApplicationUnknown, None)),
    }
}

/// Where an application stands: its last day, what does not count until then, and why it was refused.
fn state(
    app: &App,
    caller: &Caller,
    application: &Application,
    outcome: &'static str,
) -> Result<Reply, StoreError> {
    let mut data = vec![
        Node::leaf("s:application_id", application.id.to_string()),
        Node::leaf("s:deadline", application.deadline.to_string()),
        Node::leaf("s:state", application.review.word()),
    ];
    let skipped = term(app, application.filed)?.skipped;
    let skipped: Vec<Node> = skipped
        .iter()
        .filter(|day| day.date <= application.deadline)
        .map(|day| {
            let reason = Node::leaf("s:reason", reason(day, caller.sender.lang));
            Node::nodes("s:day", vec![Node::leaf("s:date", day.date.to_string()), reason])
        })
        .collect();
    if !skipped.is_empty() {
        data.push(Node::nodes("s:skipped_days", skipped));
    }
    if let Review::Refused { reason, ground, .. } = &application.review {
        data.push(Node::leaf("s:reason", reason));
        data.push(self::ground(ground));
    }
    Ok(reply(caller, outcome, data))
}

fn reason(day: &Skipped, lang: Lang) -> &str {
    match lang {
        Lang::Kk => &day.kk,
        Lang::Ru => &day.ru,
        Lang::En => &day.en,
    }
}

fn ground(ground: &Ground) -> Node {
    match ground {
        Ground::Act { name, number, date, article } => Node::nodes(
            "s:act",
            vec![
                Node::leaf("s:name", name),
                Node::leaf("s:number", number),
                Node::leaf("s:date", date.to_string()),
                Node::leaf("s:article", article),
            ],
        ),
        Ground::Contract { number, date, name } => Node::nodes(
            "s:contract",
            vec![
                Node::leaf("s:number", number),
                Node::leaf("s:date", date.to_string()),
                Node::leaf("s:name", name),
            ],
        ),
        Ground::Obligation(text) => Node::leaf("s:obligation", text),
    }
}
