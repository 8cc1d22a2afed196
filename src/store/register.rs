//! What is registered, in revisions, and what commands and supervisors read.

use super::{Pending, Record};
use crate::consent::calendar::DayRow;
use crate::consent::directory::{DirectoryEntry, Ground, ProactiveService};
use crate::consent::identity::{Bin, Iin};
use crate::consent::method::Method;
use crate::consent::revocation::midnight;
use crate::incident::Incident;
use crate::onboarding::Application;
use crate::onboarding::testing::Answer;
use crate::operator::Operator;
use crate::random::Id;
use crate::registry::{Registry, SenderRecord};
use crate::text::Reason;
use crate::token::key::KeyRecord;
use time::Date;

/// Something that is registered. Each registration is a new revision; none is ever changed.
#[derive(Clone)]
pub enum Item {
    /// A sender with its role, secrets and allowances.
    Sender(Box<SenderRecord>),
    /// A directory entry.
    Entry(DirectoryEntry),
    /// A ground of methods 3 and 4.
    Ground(Ground),
    /// A proactive service.
    Proactive(ProactiveService),
    /// An integration application.
    Application(Box<Application>),
    /// An incident.
    Incident(Incident),
    /// A person with access.
    Operator(Box<Operator>),
}

/// Kinds of [`Item`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Item::Sender`]
    Sender,
    /// [`Item::Entry`]
    Entry,
    /// [`Item::Ground`]
    Ground,
    /// [`Item::Proactive`]
    Proactive,
    /// [`Item::Application`]
    Application,
    /// [`Item::Incident`]
    Incident,
    /// [`Item::Operator`]
    Operator,
    /// Acts that change working days; they come in by [`Register::load_calendar`].
    Calendar,
}

impl Kind {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Entry => "entry",
            Self::Ground => "ground",
            Self::Proactive => "proactive",
            Self::Application => "application",
            Self::Incident => "incident",
            Self::Operator => "operator",
            Self::Calendar => "calendar",
        }
    }
}

impl Item {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sender(_) => Kind::Sender,
            Self::Entry(_) => Kind::Entry,
            Self::Ground(_) => Kind::Ground,
            Self::Proactive(_) => Kind::Proactive,
            Self::Application(_) => Kind::Application,
            Self::Incident(_) => Kind::Incident,
            Self::Operator(_) => Kind::Operator,
        }
    }

    /// Its id within its kind.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Sender(sender) => &sender.sender_id,
            Self::Entry(entry) => &entry.id,
            Self::Ground(ground) => &ground.id,
            Self::Proactive(service) => &service.code,
            Self::Application(application) => application.id(),
            Self::Incident(incident) => &incident.id,
            Self::Operator(operator) => operator.name.as_str(),
        }
    }

    /// When a term of it ends, Unix milliseconds: an event is journalled then.
    #[must_use]
    pub fn due(&self) -> Option<i64> {
        match self {
            Self::Application(application) => midnight(application.due()?.next_day()?),
            Self::Incident(incident) => incident.due(),
            _ => None,
        }
    }
}

/// One revision of something registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Id within its kind.
    pub id: String,
    /// From 1.
    pub revision: u32,
    /// When it was registered, Unix milliseconds.
    pub at: i64,
    /// The record as JSON.
    pub record: String,
}

/// A term that a loaded act moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The application.
    pub application: String,
    /// Its last day before.
    pub before: Date,
    /// Its last day now.
    pub after: Date,
}

/// What becomes of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// P 7-3: no request is taken, no token works.
    Block,
    /// The subject's own wish: no new asks by methods 1, 2, 3 and 5.
    Freeze,
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Requests from which what identifies the subject was destroyed.
    pub requests: u32,
    /// Applications for revocation, likewise.
    pub applications: u32,
    /// Requests that are kept: in progress, with a token in force, or within their storage time.
    pub kept: u32,
    /// Unix milliseconds until which the last of them is kept, as far as it is known.
    pub kept_until: Option<i64>,
    /// Whether the link from the IIN to the subject's number was destroyed, because nothing is kept.
    pub unlinked: bool,
}

/// One decision about a BIN, for the ten answers of the test (I-11).
#[derive(Clone)]
pub struct Decided {
    /// Unix milliseconds.
    pub at: i64,
    /// Decision id.
    pub decision: Option<Id>,
    /// Outcome: a reason code.
    pub outcome: String,
    /// The request concerned: id, method, `ServiceIDs`, token id and directory entry, if there is one.
    pub request: Option<Granted>,
}

/// What [`Decided`] says of a request.
#[derive(Clone)]
pub struct Granted {
    /// `request_id`.
    pub id: Id,
    /// 1 to 5.
    pub method: u8,
    /// `ServiceIDs`.
    pub services: Vec<String>,
    /// `jti`, if a token was issued.
    pub token: Option<Id>,
    /// Directory entry.
    pub directory: Option<String>,
    /// The subject's number.
    pub subject: i64,
}

impl Decided {
    /// As the count of the ten looks at it (I-11); what is no answer, such as a step of the work, is `None`.
    #[must_use]
    pub fn answer(&self, application: &Application) -> Option<Answer> {
        let reason = Reason::from_code(&self.outcome)?;
        let request = self.request.as_ref();
        let token = request.and_then(|request| request.token);
        let approved = application.approval().map_or(i64::MAX, |approved| approved.at);
        Some(Answer {
            decision: self.decision?.to_string(),
            request: request.map(|request| request.id.to_string()),
            at: self.at,
            reason,
            method: request.and_then(|request| Method::try_from(request.method).ok()),
            services: request.map(|request| request.services.clone()).unwrap_or_default(),
            directory_id: request.and_then(|request| request.directory.clone()),
            token: token.map(|token| token.to_string()),
            repeated: token.is_some_and(|token| made_at(token) < approved),
            subject: request.map(|request| request.subject.to_string()),
        })
    }
}

/// When an id was made, Unix milliseconds: a UUID of version 7 begins with it (RFC 9562, 5.7).
fn made_at(id: Id) -> i64 {
    id.as_bytes().iter().take(6).fold(0, |time, byte| time << 8 | i64::from(*byte))
}

/// Figures of one initiator in a period, for the authorised body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// BIN.
    pub bin: String,
    /// Requests opened, by method 1 to 5.
    pub requests: [u64; 5],
    /// Decisions by reason code.
    pub outcomes: Vec<(String, u64)>,
    /// Time from ask to answer of those whom the subject answered, milliseconds, ascending.
    pub waits: Vec<i64>,
    /// Applications for revocation: filed, approved, refused, lapsed, open past the period's end.
    pub revocations: Revocations,
    /// Token checks by owners of data that this initiator asked for.
    pub checks: u64,
}

/// Counts of applications for revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Filed in the period.
    pub filed: u64,
    /// Of these, approved.
    pub approved: u64,
    /// Refused.
    pub refused: u64,
    /// Not reviewed in time.
    pub lapsed: u64,
    /// Still open.
    pub open: u64,
}

/// The verbs on what is registered, and those of supervisors. See [`super::Store`].
pub trait Register: Send + Sync {
    /// What is registered now.
    fn registry(&self) -> Pending<'_, Registry>;
    /// Its version alone; cheap.
    fn registry_version(&self) -> Pending<'_, i64>;
    /// Registers `item` as the revision after `after` (0: it is new) and answers with its number; `None`, and nothing
    /// happened, when another revision is the last one.
    fn register(&self, item: Item, after: u32, record: Record) -> Pending<'_, Option<u32>>;
    /// All revisions of one thing, oldest first.
    fn history(&self, kind: Kind, id: String) -> Pending<'_, Vec<Revision>>;
    /// The last revision of everything of a kind, by id.
    fn latest(&self, kind: Kind) -> Pending<'_, Vec<Revision>>;
    /// Keeps keys of the service: new ones, and changed windows of old ones.
    fn keep_keys(&self, keys: Vec<KeyRecord>, record: Record) -> Pending<'_, ()>;
    /// Loads an act that changes working days; open terms are computed anew.
    fn load_calendar(&self, days: Vec<DayRow>, record: Record) -> Pending<'_, Vec<Moved>>;

    /// Computes the open terms anew: the program may know other working days than the one before it.
    fn recount(&self, record: Record) -> Pending<'_, Vec<Moved>>;

    /// Marks the tokens in force of this BIN in the status list anew, after a suspension of one of its senders began
    /// or ended. Goes through `most` requests after `after` and answers with where to go on; `None`: done.
    fn restate(&self, bin: Bin, after: i64, most: u32, at: i64) -> Pending<'_, Option<i64>>;
    /// Begins or ends a hold; `false`: it was so already.
    fn hold(&self, subject: Iin, hold: Hold, on: bool, record: Record) -> Pending<'_, bool>;
    /// Destroys what identifies a subject in requests that ended before `before` (Unix milliseconds).
    fn erase(&self, subject: Iin, before: i64, record: Record) -> Pending<'_, Erased>;
    /// Decisions about requests of this sender from `since` on (Unix milliseconds), oldest first.
    fn decided(&self, sender: String, since: i64) -> Pending<'_, Vec<Decided>>;
    /// Figures from `from` to `to` (Unix milliseconds, `to` outside), by BIN.
    fn figures(&self, from: i64, to: i64) -> Pending<'_, Vec<Figures>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn an_id_tells_when_it_was_made() {
        let id = Id::new(1_775_000_000_123, &SeededRandom::new(1, 0)).unwrap();
        assert_eq!(made_at(id), 1_775_000_000_123);
    }
}
