//! The store speaks the domain's verbs. Each is one transaction: on `Ok` all of it happened and is on disk,
//! on `Err` nothing of it.

pub mod asynchronous;
mod condition;
pub mod journal;
mod judge;
pub mod location;
pub mod operator;
pub mod postgres;
mod redate;
pub mod register;
mod report;
pub mod reseal;
pub mod revocation;
mod row;
pub mod seal;
pub mod sqlite;
pub mod token;
pub mod transfer;

use crate::consent::check::Finding;
use crate::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use crate::consent::method::{CodeForm, Method};
use crate::consent::sms::ParsedReply;
use crate::consent::{Consent, EDITION, Event};
use crate::gateway::fault::PartyFault;
use crate::random::Id;
use crate::text::{self, Lang, Reason};
use asynchronous::Asynchronous;
use journal::Journal;
use operator::Operators;
use register::Register;
use reseal::Reseal;
use revocation::{Application, Filed, Filing, Page, Solution, Solved};
use std::future::Future;
use std::pin::Pin;

/// What a verb answers with, later.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The database failed us. Display never carries SQL, values or paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// More work waits than the writer can take.
    #[error("the writer's queue is full")]
    Busy,
    /// The transaction was not committed.
    #[error("the transaction was not committed")]
    NotCommitted,
    /// The machine does not let the database work (full, read-only, damaged, …): {0} is the word for it. The store logs it
    /// once, when it begins.
    #[error("{0}")]
    Unusable(&'static str),
    /// The database refused or is broken; the code is the engine's own.
    #[error("the database failed with code {0}")]
    Failed(i32),
    /// The database server refused; the code is its SQLSTATE.
    #[error("the database refused with SQLSTATE {0}")]
    Refused(String),
    /// The connection ended while the transaction was being committed: it happened, or it did not. To repeat the verb is
    /// safe.
    #[error("it is not known whether the transaction was committed")]
    Unknown,
    /// A stored value cannot be read back: {0} names table and column.
    #[error("stored value {0} cannot be read")]
    Unreadable(&'static str),
    /// Opening, migrating or checking failed; for the operator at start.
    #[error("{0}")]
    Setup(String),
}

/// An access request as stored.
#[derive(Clone)]
pub struct AccessRequest {
    /// `request_id` on the wire.
    pub id: Id,
    /// Who asks.
    pub bin: Bin,
    /// `senderId` by which it asked; empty in requests of the first version.
    pub sender: String,
    /// Whose data.
    pub iin: Iin,
    /// The way of asking.
    pub method: Method,
    /// When it was asked, Unix milliseconds.
    pub opened: i64,
    /// What for.
    pub services: ServiceIds,
    /// Life of the token, seconds, counted from its making.
    pub term_seconds: u64,
    /// The initiator's name as it is registered, and as the subject reads it.
    pub company: String,
    /// Responsible body at the initiator, as it wrote it (F-7).
    pub responsible: String,
    /// Who at the initiator asks, as it wrote it (F-7).
    pub employee: String,
    /// Which data, as the subject reads it.
    pub data: String,
    /// Directory entry and revision, if one was named.
    pub directory: Option<DirectoryRef>,
    /// Methods 3 and 4: the ground.
    pub ground: Option<String>,
    /// Method 3: code of the proactive service.
    pub proactive: Option<String>,
    /// Methods 2 to 4: how the initiator obtained the consent.
    pub mcheck: Option<String>,
    /// Language of texts to the initiator.
    pub lang: Lang,
    /// The subject's number, once known; fixed when the subject is asked.
    pub msisdn: Option<Msisdn>,
    /// Four digits that the SMS carries and the initiator shows.
    pub reference: String,
    /// Form of the one-time code.
    pub code_form: CodeForm,
    /// Where it stands.
    pub consent: Consent,
    /// The security token, with `Granted`.
    pub token: Option<Token>,
}

/// The revision of a directory entry that a request was made under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRef {
    /// Its id.
    pub id: String,
    /// Its revision.
    pub revision: u32,
}

/// An issued security token.
#[derive(Clone)]
pub struct Token {
    /// Unique id, `jti`.
    pub jti: Id,
    /// The compact JWS.
    pub compact: String,
    /// Unix milliseconds of its making.
    pub issued: i64,
    /// Unix seconds of its expiry.
    pub expires: i64,
    /// Its place in the status list; `None` for tokens of the first version.
    pub index: Option<u64>,
}

/// A journal record in the making: who did what, and what was decided.
#[derive(Clone, Default)]
pub struct Record {
    /// Unix milliseconds.
    pub at: i64,
    /// `decision`, `dry-run`, `fault`, `event`, `registration`, …
    pub kind: &'static str,
    /// Operator who did it, of administrative acts; else empty.
    pub operator: String,
    /// Decision id, told to the caller.
    pub decision: Option<Id>,
    /// `senderId`, as far as it is known.
    pub sender: String,
    /// Digest of the verified Body: the identity of the message (wire.md 5).
    pub message: Option<[u8; 32]>,
    /// The sender's own id of the message.
    pub message_id: String,
    /// `serviceId`.
    pub service: String,
    /// Access request concerned.
    pub request: Option<Id>,
    /// Subject, kept as a pseudonym.
    pub subject: Option<Iin>,
    /// Reason, fault code or event name.
    pub outcome: String,
    /// Checks that ran with found and expected, and the edition: JSON, free of personal data.
    pub detail: String,
}

impl Record {
    /// The same record of a decision that one more check, judged inside the transaction, turned into a no.
    #[must_use]
    pub fn refused(self, reason: Reason, finding: &Finding) -> Self {
        let mut detail: serde_json::Value = serde_json::from_str(&self.detail).unwrap_or_default();
        match detail.get_mut("checks").and_then(serde_json::Value::as_array_mut) {
            Some(checks) => checks.push(serde_json::json!(finding)),
            None => detail = serde_json::json!({ "edition": EDITION, "checks": [finding] }),
        }
        Self { outcome: reason.code().to_owned(), detail: detail.to_string(), ..self }
    }

    /// The same record, with what a party outside did wrong meanwhile.
    #[must_use]
    pub fn met(self, party: &'static str, fault: PartyFault) -> Self {
        let mut detail: serde_json::Value = serde_json::from_str(&self.detail).unwrap_or_default();
        match detail.as_object_mut() {
            Some(object) => {
                object.insert("faults".to_owned(), serde_json::json!({ party: fault.code() }));
            }
            None => detail = serde_json::json!({ "faults": { party: fault.code() } }),
        }
        Self { detail: detail.to_string(), ..self }
    }
}

/// A new request of method 1 or 5.
pub struct Opening {
    /// The request in its first state.
    pub request: AccessRequest,
    /// Asks of one subject and of one initiator that are allowed in a day.
    pub budget: Budget,
}

/// How many SMS asks a day allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Per subject.
    pub subject: u32,
    /// Per initiator.
    pub initiator: u32,
}

/// What an initiator's budget is charged for though it opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// An ask whose subject has no number: of the budget of asks.
    NoNumber,
    /// A dry run: of a budget of its own, so that trying things out stops nobody's work.
    DryRun,
}

impl Charge {
    /// The check that fails when the budget is used up.
    #[must_use]
    pub fn used_up(self) -> Finding {
        let (found, expected) = match self {
            Self::NoNumber => ("the day's asks are used up", "asks left today"),
            Self::DryRun => ("the day's dry runs are used up", "dry runs left today"),
        };
        let check = text::Check::WithinLimits;
        Finding { check, passed: false, found: found.into(), expected: expected.into() }
    }
}

/// What became of an [`Opening`].
pub enum Opened {
    /// Stored; the SMS is queued.
    New(AccessRequest),
    /// The same ask is in progress already: this is it.
    Live(AccessRequest),
    /// The day's budget is used up, or the subject is blocked or has frozen new asks.
    Refused(Reason),
}

/// What stands in the way of a new ask by methods 1 and 5, or nothing.
pub enum Standing {
    /// The same ask is in progress already: this is it.
    Live(Box<AccessRequest>),
    /// The subject is blocked or has frozen new asks, or the day's budget is used up.
    Refused(Reason),
    /// It may be opened.
    Free,
}

/// A grant by verification token (methods 2 to 4).
pub struct Granting {
    /// The request, its `consent` `Granted` and its `token` set.
    pub request: AccessRequest,
    /// Identity of the verification token.
    pub ovt: [u8; 32],
    /// Unix seconds of its formation: a consent of before a revocation is none (F-19).
    pub ovt_iat: i64,
    /// Unix seconds until which it must be remembered.
    pub ovt_until: i64,
    /// Subjects that one unbound verification token may serve; `None`: it is bound.
    pub subjects: Option<u32>,
}

/// What became of a [`Granting`].
pub enum Granted {
    /// The token was stored and may be handed out.
    New(AccessRequest),
    /// The same ask was granted before: this is its token.
    Before(AccessRequest),
    /// The verification token has done its service or is older than a revocation, or the subject is blocked or frozen.
    Refused(Reason),
}

/// What became of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It changed the request.
    Yes,
    /// It did not fit the state.
    No,
    /// A code was not judged: the initiator's wrong codes of the day are used up.
    OverLimit,
}

/// A change of one request, judged inside the transaction.
pub enum Change {
    /// As it is.
    Event(Event),
    /// The initiator brought a code: the try is counted before its verdict is known to anybody.
    Code(String),
    /// The initiator collects this token.
    Collect(Token),
}

/// An SMS of a subject.
#[derive(Clone)]
pub struct Said {
    /// Whose phone it came from.
    pub from: Msisdn,
    /// It identifies the SMS, so that it is heard once.
    pub id: String,
    /// When the subject sent it, or the gateway knew, Unix milliseconds; `None`, or later than now: just now. A yes answers
    /// only what was asked before (F-6), with two minutes for clocks that differ; a no and a fraud are heard whenever
    /// they were said.
    pub at: Option<i64>,
    /// What it says.
    pub reply: ParsedReply,
}

/// What an SMS of a subject led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It answered this request.
    Answered(Id),
    /// Several requests wait on that number: the subject was asked for the reference, or had been.
    Ambiguous,
    /// Not understood: help was queued, or had been.
    NotUnderstood,
    /// Nothing waits on that number, or nothing that was asked when it was said.
    NothingWaits,
    /// The same SMS was heard before.
    Again,
}

/// Which jobs wait for each other: those of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// All but answers.
    Consent,
    /// [`Task::Answer`]: who pushes many messages by `AsyncChannel` holds up no subject's SMS.
    Answers,
}

/// Work that falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Key of the job.
    pub id: i64,
    /// Unix milliseconds.
    pub due: i64,
    /// What to do.
    pub task: Task,
    /// For which request; for a review, an application, an incident or a message of `AsyncChannel`: for which of them.
    pub request: Id,
    /// How often it was tried.
    pub tries: u32,
}

/// Kinds of due work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Ask БМГ again.
    FindNumber,
    /// Hand the SMS that asks the subject to 1414.
    SendAsk,
    /// Hand the message that explains the answers to 1414.
    SendHelp,
    /// Hand the message that asks for the reference to 1414.
    SendReference,
    /// A span ends: write down what time did.
    Expire,
    /// A review of a revocation: a reminder, or the end of its term.
    Review,
    /// A term of an integration application or of an incident has ended.
    Overdue,
    /// Once a day: what was kept long enough goes.
    Sweep,
    /// Answer a message of `AsyncChannel`.
    Answer,
}

/// What goes when; Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweeping {
    /// Numbers of requests that ended before this.
    pub phones_before: i64,
    /// Persons of requests that ended before this.
    pub persons_before: i64,
    /// Accesses of before this.
    pub accesses_before: i64,
}

/// An access to a subject's data, or an ask for it (`KDP_PERSONALDATA`).
pub struct Access {
    /// Unix milliseconds.
    pub at: i64,
    /// `Some`: an owner checked the token, and this is what it was told; `None`: the initiator asked.
    pub check: Option<Check>,
    /// The request concerned; its state as of now.
    pub request: AccessRequest,
}

/// A token check as it was logged.
pub struct Check {
    /// The owner's `senderId`.
    pub owner: String,
    /// The `ServiceID`.
    pub service: String,
    /// The status that it was told.
    pub status: String,
}

/// The verbs of exchanges and of due work.
pub trait Store: Register + Reseal + Operators + Journal + Asynchronous {
    /// What a new ask of this initiator for this subject and these services would meet, before БМГ is asked.
    fn standing(
        &self,
        bin: Bin,
        iin: Iin,
        services: ServiceIds,
        budget: Budget,
        at: i64,
    ) -> Pending<'_, Standing>;
    /// Charges the initiator's budget of the day, `most`, for what opens nothing, and journals it, once for a decision; `false`:
    /// it is used up, and the answer must be that.
    fn charge(&self, bin: Bin, charge: Charge, most: u32, record: Record) -> Pending<'_, bool>;
    /// Opens a request of method 1 or 5, unless it is in progress already.
    fn open(&self, opening: Opening, record: Record) -> Pending<'_, Opened>;
    /// Grants by verification token, once.
    fn grant(&self, granting: Granting, record: Record) -> Pending<'_, Granted>;
    /// The request with this id.
    fn request(&self, id: Id) -> Pending<'_, Option<AccessRequest>>;
    /// Changes one request; answers with it as it is afterwards, whether the change applied or not.
    fn change(&self, id: Id, change: Change, record: Record)
    -> Pending<'_, Option<(AccessRequest, Applied)>>;
    /// An SMS of a subject.
    fn hear(&self, said: Said, record: Record) -> Pending<'_, Heard>;
    /// Writes the journal of something that changed nothing else.
    fn note(&self, record: Record) -> Pending<'_, ()>;
    /// Whether a strict sender used this messageId for another body (KDP409); remembers it otherwise.
    fn conflicts(&self, sender: String, message_id: String, body: [u8; 32], at: i64) -> Pending<'_, bool>;

    /// Why nothing goes on about this subject now, if it is blocked (P 7-3).
    fn blocked(&self, subject: Iin) -> Pending<'_, Option<Reason>>;
    /// Allots `count` places in the status list and answers with the first.
    fn allot(&self, count: u64) -> Pending<'_, u64>;
    /// Entries of the status list that changed after `after`, in order, and how many places were allotted.
    fn status_changes(&self, after: i64) -> Pending<'_, token::Changes>;
    /// Judges a token and logs the access, in one transaction (F-14 6). `None`: too many checks by id have told this owner
    /// nothing today, and nothing was looked up.
    fn check_token(&self, check: token::Check, record: Record) -> Pending<'_, Option<token::Checked>>;
    /// The newest `most` accesses and asks from `from` to `to` (Unix milliseconds, both inside), newest first.
    fn accesses(&self, subject: Iin, from: i64, to: i64, most: u32) -> Pending<'_, Vec<Access>>;

    /// Files an application for revocation, unless one is open.
    fn file(&self, filing: Filing, record: Record) -> Pending<'_, Filed>;
    /// The application with this id, as of `at`.
    fn application(&self, id: Id, at: i64) -> Pending<'_, Option<Application>>;
    /// Open applications that this initiator reviews, oldest first, those after `after`.
    fn open_applications(&self, bin: Bin, after: Option<Id>, most: u32, at: i64) -> Pending<'_, Page>;
    /// The `most` applications that were filed last, newest first, as of `at`.
    fn latest_applications(&self, most: u32, at: i64) -> Pending<'_, Vec<Application>>;
    /// Decides an application of this initiator.
    fn solve(&self, solution: Solution, record: Record) -> Pending<'_, Solved>;
    /// Reminds of a review or ends it, as its time has come; plans what comes next.
    fn review(&self, application: Id, record: Record) -> Pending<'_, ()>;
    /// Removes what was kept long enough, at most a bounded number of rows; `true`: there may be more.
    fn sweep(&self, sweeping: Sweeping, record: Record) -> Pending<'_, bool>;

    /// Jobs of a lane that are due at `at`, earliest first.
    fn due(&self, lane: Lane, at: i64, most: u32) -> Pending<'_, Vec<Job>>;
    /// When the next job falls due, Unix milliseconds.
    fn next_due(&self) -> Pending<'_, Option<i64>>;
    /// The job is done.
    fn done(&self, job: i64) -> Pending<'_, ()>;
    /// The job is tried again at `due`.
    fn postpone(&self, job: i64, due: i64) -> Pending<'_, ()>;
    /// A term of an integration application or incident has ended: journals that, once.
    fn overdue(&self, job: i64, record: Record) -> Pending<'_, ()>;
    /// Whether the database answers and is whole, for `check` and health.
    fn check(&self) -> Pending<'_, ()>;
}
