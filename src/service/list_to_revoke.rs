//! `KDP_LIST_TO_REVOKE`: the applications for revocation that an initiator has to review (F-17, F-18; wire.md 2.4).

use super::payload::{DataError, Fields, Payload, malformed};
use super::{failed, refuse_data, reply};
use crate::app::App;
use crate::clock;
use crate::consent::calendar::{Calendar, FirstDay};
use crate::consent::revocation::date;
use crate::dispatch::Caller;
use crate::fault::Fault;
use crate::random::Id;
use crate::soap::sync_channel::{Node, Reply};
use crate::store::revocation::{Application, Page};
use crate::store::{Record, StoreError};
use crate::text::Flaw;

/// The elements.
pub const NAMES: &[&str] = &["auth_token", "after", "limit"];

/// Applications on a page when `limit` says nothing, and at most.
const LIMIT: u32 = 100;
const MOST: u32 = 1000;

pub(crate) struct Request {
    after: Option<Id>,
    limit: u32,
}

impl Request {
    pub(crate) fn read(fields: &Fields) -> Result<Self, DataError> {
        let after = match fields.get("after") {
            None => None,
            Some(id) => Some(Id::parse(id).ok_or_else(|| malformed("after", Flaw::Choice))?),
        };
        let limit = match fields.get("limit") {
            None => LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=MOST).contains(n) && text.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| malformed("limit", Flaw::Range))?,
        };
        Ok(Self { after, limit })
    }
}

/// Answers with a page of open applications, oldest first.
///
/// # Errors
/// KDP503 when the database has too much to do.
pub async fn handle(app: &App, caller: &Caller, payload: Payload) -> Result<Reply, Fault> {
    let request = match payload.fields.and_then(|fields| Request::read(&fields)) {
        Ok(request) => request,
        Err(error) => return refuse_data(app, caller, &error).await,
    };
    match page(app, caller, &request).await {
        Ok(page) => {
            let mut data: Vec<Node> =
                page.applications.iter().map(|application| node(app, caller, application)).collect();
            data.extend(page.next.map(|next| Node::leaf("s:next", next.to_string())));
            Ok(reply(caller, "listed", data))
        }
        Err(error) => failed(caller, error),
    }
}

async fn page(app: &App, caller: &Caller, request: &Request) -> Result<Page, StoreError> {
    let bin = caller.sender.bin;
    let page = app.store.open_applications(bin, request.after, request.limit, caller.at).await?;
    let detail = serde_json::json!({ "applications": page.applications.len() }).to_string();
    app.store.note(Record { detail, ..caller.record("look", "listed") }).await?;
    Ok(page)
}

fn node(app: &App, caller: &Caller, application: &Application) -> Node {
    let calendar = app.registry().calendar.clone();
    let left = working_days_left(app, &calendar, application, caller.at).unwrap_or(0);
    Node::nodes(
        "s:application",
        vec![
            Node::leaf("s:application_id", application.id.to_string()),
            Node::leaf("s:uin", application.iin.as_str()),
            Node::leaf("s:token_id", application.token.to_string()),
            Node::leaf("s:filed_at", clock::text(application.filed)),
            Node::leaf("s:deadline", application.deadline.to_string()),
            Node::leaf("s:working_days_left", left.to_string()),
        ],
    )
}

/// Working days of the term that are not over at `at`: on the day of filing, all of them.
fn working_days_left(app: &App, calendar: &Calendar, application: &Application, at: i64) -> Option<u32> {
    let filed = date(application.filed)?;
    let first = match app.rule.first {
        FirstDay::Next => filed.next_day()?,
        FirstDay::Same => filed,
    };
    Some(calendar.left(date(at)?.max(first), application.deadline))
}
