//! Messages of `AsyncChannel`: taken in at once, answered later by a message of ours (wire.md 3).

use super::{Pending, Record};
use crate::random::Id;
use zeroize::Zeroizing;

/// A message as it comes in.
pub struct Intake {
    /// Id of its decision, and of the message that will answer it.
    pub id: Id,
    /// `senderId`.
    pub sender: String,
    /// Its chain, by which the answer will name it. With the sender it identifies the message.
    pub correlation_id: Option<String>,
    /// `messageId`: of a message without a chain, it does so with what was asked, for such ids need not be unique. Empty: it is
    /// another message each time.
    pub message_id: String,
    /// What was asked, whatever stands around it, in bytes of the caller's making: compared by its keyed hash.
    pub asked: Zeroizing<Vec<u8>>,
    /// What the caller needs in order to answer; kept under seal.
    pub message: Zeroizing<Vec<u8>>,
    /// How many messages of the sender may have no answer yet.
    pub most: u32,
}

/// What became of an [`Intake`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is on disk, with a job to answer it.
    New,
    /// It was taken in before, under this id: nothing is done.
    Before(Id),
    /// Its chain was used for something else: it was not taken in.
    Otherwise,
    /// As many of the sender's messages as may be have no answer yet: it was not taken in.
    TooMany,
}

/// A message that has no answer yet.
pub struct Unanswered {
    /// As it was kept last.
    pub message: Zeroizing<Vec<u8>>,
    /// The access request that it led to, as far as that is known: as it was noted, or else as the journal has it under the id
    /// of its decision. So a crash between the two does not lead to a second request.
    pub request: Option<Id>,
    /// The reason that was journalled last as what was decided about it.
    pub decided: Option<String>,
    /// When it came, or when what it waited for ended, Unix milliseconds.
    pub since: i64,
    /// Whether ШЭП took an answer over, and did not deliver it.
    pub is_sent: bool,
    /// Whether it was noted that an answer is tried.
    pub is_begun: bool,
}

/// What a message came to, before it is answered.
pub struct Came {
    /// Kept under seal in place of what was kept before.
    pub message: Zeroizing<Vec<u8>>,
    /// The access request, if it led to one.
    pub request: Option<Id>,
    /// Whether the subject's answer to the request is awaited, before there is anything to say.
    pub waits: bool,
}

/// How the delivery of an answer ended, as ШЭП tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Its receiver has it.
    Done,
    /// It has not, and is to be sent it again.
    Failed,
    /// ШЭП will not try any more.
    Stopped,
}

/// The verbs on messages of `AsyncChannel`. See [`super::Store`].
pub trait Asynchronous: Send + Sync {
    /// Takes a message in, once, with the job that answers it.
    fn take(&self, intake: Intake, record: Record) -> Pending<'_, Taken>;
    /// The message with this id, if it is to be answered now.
    fn unanswered(&self, id: Id) -> Pending<'_, Option<Unanswered>>;
    /// How many messages have no answer yet.
    fn unanswered_count(&self) -> Pending<'_, i64>;
    /// Notes what it came to. `true`: it waits, and its job with it, until the request changes; whoever changes the request
    /// wakes it in the same transaction. `false`: it is to be answered now, and from now on ШЭП may tell of the answer.
    fn came_to(&self, id: Id, came: Came, at: i64) -> Pending<'_, bool>;
    /// ШЭП took the answer over, and gave it a messageId of its own. If it has said already that the answer was not delivered,
    /// it is sent again at `again`, Unix milliseconds.
    fn sent(&self, id: Id, theirs: String, again: i64, record: Record) -> Pending<'_, ()>;
    /// The answer is not tried any more.
    fn give_up(&self, id: Id, record: Record) -> Pending<'_, ()>;
    /// ШЭП tells about an answer, by its messageId or ours; [`Delivery::Failed`] has it sent again at `again`, Unix
    /// milliseconds. `false`: nothing was sent under that id, or more than one answer, or that is known.
    fn delivery(&self, message_id: String, state: Delivery, again: i64, record: Record) -> Pending<'_, bool>;
}
