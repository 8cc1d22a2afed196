//! The store speaks the domain's verbs. Each is one transaction: on `Ok` all of it happened and is on disk,
//! on `Err` nothing of it.

pub mod seal;
pub mod sqlite;

use crate::consent::identity::{Bin, Iin, Msisdn, ServiceIds};
use crate::consent::method::{CodeForm, DirectoryEntry, Method};
use crate::consent::sms::ParsedReply;
use crate::consent::{Consent, Event};
use crate::random::Id;
use crate::registry::{Registry, SenderRecord};
use crate::text::Lang;
use crate::token::key::KeyRecord;
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
    /// The database refused or is broken; the code is the engine's own.
    #[error("the database failed with code {0}")]
    Failed(i32),
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
    /// Whose data.
    pub iin: Iin,
    /// The way of asking.
    pub method: Method,
    /// What for.
    pub services: ServiceIds,
    /// Life of the token, seconds, counted from its making.
    pub term_seconds: u64,
    /// The initiator's name as the subject reads it.
    pub company: String,
    /// Responsible body at the initiator, as it wrote it (F-7).
    pub responsible: String,
    /// Who at the initiator asks, as it wrote it (F-7).
    pub employee: String,
    /// Which data, as the subject reads it.
    pub data: String,
    /// Directory entry, if one was named.
    pub directory_id: Option<String>,
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

/// An issued security token.
#[derive(Clone)]
pub struct Token {
    /// Unique id, `jti`.
    pub jti: Id,
    /// The compact JWS.
    pub compact: String,
    /// Unix seconds of its expiry.
    pub expires: i64,
}

/// A journal record in the making: who did what, and what was decided.
#[derive(Clone, Default)]
pub struct Record {
    /// Unix milliseconds.
    pub at: i64,
    /// `decision`, `fault`, `event`, `registration`, …
    pub kind: &'static str,
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

/// What became of an [`Opening`].
pub enum Opened {
    /// Stored; the SMS is queued.
    New(AccessRequest),
    /// The same ask is in progress already: this is it.
    Live(AccessRequest),
    /// The day's budget is used up.
    OverBudget,
}

/// A grant by verification token (methods 2 to 4).
pub struct Granting {
    /// The request, its `consent` `Granted` and its `token` set.
    pub request: AccessRequest,
    /// Identity of the verification token.
    pub ovt: [u8; 32],
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
    /// The verification token has done its service.
    OvtUsed,
    /// It has served its number of subjects.
    OverBudget,
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

/// What an SMS of a subject led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It answered this request.
    Answered(Id),
    /// Several requests wait on that number: the subject was asked for the reference, or had been.
    Ambiguous,
    /// Not understood: help was queued, or had been.
    NotUnderstood,
    /// Nothing waits on that number.
    NothingWaits,
    /// The same SMS was heard before.
    Again,
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
    /// For which request.
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
}

/// The domain's verbs.
pub trait Store: Send + Sync {
    /// What is registered now.
    fn registry(&self) -> Pending<'_, Registry>;
    /// Its version alone; cheap.
    fn registry_version(&self) -> Pending<'_, i64>;
    /// Registers a sender, or replaces its registration.
    fn register_sender(&self, sender: SenderRecord, record: Record) -> Pending<'_, ()>;
    /// Registers a directory entry, or its next revision.
    fn register_entry(&self, entry: DirectoryEntry, record: Record) -> Pending<'_, ()>;
    /// Keeps keys of the service: new ones, and changed windows of old ones.
    fn keep_keys(&self, keys: Vec<KeyRecord>, record: Record) -> Pending<'_, ()>;

    /// The request in progress of this initiator for this subject and these services.
    fn live(&self, bin: Bin, iin: Iin, services: ServiceIds, at: i64) -> Pending<'_, Option<AccessRequest>>;
    /// Opens a request of method 1 or 5, unless it is in progress already.
    fn open(&self, opening: Opening, record: Record) -> Pending<'_, Opened>;
    /// Grants by verification token, once.
    fn grant(&self, granting: Granting, record: Record) -> Pending<'_, Granted>;
    /// The request with this id.
    fn request(&self, id: Id) -> Pending<'_, Option<AccessRequest>>;
    /// Changes one request; answers with it as it is afterwards, whether the change applied or not.
    fn change(&self, id: Id, change: Change, record: Record) -> Pending<'_, Option<(AccessRequest, bool)>>;
    /// An SMS of a subject: `sms` identifies it, so that it is heard once.
    fn hear(&self, from: Msisdn, sms: String, reply: ParsedReply, record: Record) -> Pending<'_, Heard>;
    /// Writes the journal of something that changed nothing else.
    fn note(&self, record: Record) -> Pending<'_, ()>;
    /// Whether a strict sender used this messageId for another body (KDP409); remembers it otherwise.
    fn conflicts(&self, sender: String, message_id: String, body: [u8; 32], at: i64) -> Pending<'_, bool>;

    /// Jobs due at `at`, earliest first.
    fn due(&self, at: i64, most: u32) -> Pending<'_, Vec<Job>>;
    /// When the next job falls due, Unix milliseconds.
    fn next_due(&self) -> Pending<'_, Option<i64>>;
    /// The job is done.
    fn done(&self, job: i64) -> Pending<'_, ()>;
    /// The job is tried again at `due`.
    fn postpone(&self, job: i64, due: i64) -> Pending<'_, ()>;
    /// Whether the database answers and is whole, for `check` and health.
    fn check(&self) -> Pending<'_, ()>;
}
