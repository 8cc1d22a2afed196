//! What the verbs judge by, once what it depends on was read: the same on every engine.

use super::register::Hold;
use super::row::{self, Stored};
use super::seal::{self, Seal};
use super::{AccessRequest, Change, Heard, Record, Said, Task};
use crate::consent::check::Finding;
use crate::consent::method::Method;
use crate::consent::sms::Answer;
use crate::consent::{Consent, Event, Spans, code};
use crate::random::Id;
use crate::text::{Check, Reason};

/// Nobody's number: of a subject that has none yet, while it is judged.
pub const NOBODY: i64 = 0;

/// By how much the clock by which an SMS was sent may be behind, milliseconds.
const CLOCKS: i64 = 120_000;

/// What is left of a subject of whom nothing was recorded for long.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// A block or freeze holds.
    pub held: bool,
    /// A request whose person is kept has not ended.
    pub open: bool,
    /// When the last of those that have ended did so, or its token expires; Unix milliseconds.
    pub ended: Option<i64>,
}

impl Left {
    /// The day (as [`row::day`]) whose passing out of the time of storage is to be waited for before the subject is looked at
    /// again; `None`: nothing is left, and its link is destroyed. What is held or open ends by an act, which is recorded with
    /// its day: no earlier one matters. `before`: the time of storage ends there, and `at`: now, Unix milliseconds.
    pub fn put_off(self, before: i64, at: i64) -> Option<i64> {
        let by_act = (self.held || self.open).then(|| row::day(at));
        // What ought to have been erased already, an application open for years, is looked at again tomorrow.
        by_act.max(self.ended.map(row::day)).map(|day| day.max(row::day(before)))
    }
}

/// A check that failed inside a transaction.
fn failed_check(check: Check, found: &'static str, expected: &'static str) -> Finding {
    Finding { check, passed: false, found: found.into(), expected: expected.into() }
}

/// The failed check that a hold is.
pub fn held_finding() -> Finding {
    failed_check(Check::SubjectOpen, "blocked or frozen", "neither blocked nor frozen")
}

/// The failed check that a suspension of the initiator is.
pub fn suspended_finding() -> Finding {
    failed_check(Check::InitiatorActive, "suspended", "not suspended")
}

/// The same of wrong codes.
pub fn no_codes_left() -> Finding {
    failed_check(Check::WithinLimits, "the day's wrong codes are used up", "some left today")
}

/// The same of subjects of an unbound verification token.
pub fn no_subjects_left() -> Finding {
    failed_check(Check::WithinLimits, "as many subjects as one ovt may serve", "fewer")
}

/// The failed check that a verification token of before a revocation is.
pub fn formed_before() -> Finding {
    failed_check(Check::ConsentNotRevoked, "formed before a revocation", "formed after it")
}

/// The failed check that a verification token is which has done its service.
pub fn used_up_finding() -> Finding {
    failed_check(Check::OvtUnused, "used for another ask, or its token ended", "unused")
}

/// A hold's number in the database.
pub fn kind(hold: Hold) -> u8 {
    match hold {
        Hold::Block => 1,
        Hold::Freeze => 2,
    }
}

/// Why a subject with a hold of this kind, the least of those in force, gets no new token, if there is a reason: `new_ask`
/// is one of methods 1, 2, 3 and 5.
pub fn held_by(kind: u8, new_ask: bool) -> Option<Reason> {
    match kind {
        1 => Some(Reason::SubjectBlocked),
        2 if new_ask => Some(Reason::SubjectFrozen),
        _ => None,
    }
}

/// Standings of the status list.
const VALID: u8 = 0;
const INVALID: u8 = 1;
const SUSPENDED: u8 = 2;
const UNDER_REVIEW: u8 = 3;

/// What the status list says of a token.
pub fn standing(consent: &Consent, suspended: bool) -> u8 {
    match consent {
        Consent::Granted { .. } if suspended => SUSPENDED,
        Consent::Granted { lapses: Some(_), .. } => UNDER_REVIEW,
        Consent::Granted { .. } => VALID,
        _ => INVALID,
    }
}

/// One use of a verification token stands for all: one that was used in another way or by another initiator is used up.
pub fn is_same_way(before: &AccessRequest, request: &AccessRequest) -> bool {
    before.method == request.method
        && before.bin == request.bin
        && before.ground == request.ground
        && before.proactive == request.proactive
}

/// When the subject agreed, Unix milliseconds, if the token was not collected yet.
pub fn agreed_at(consent: &Consent, spans: &Spans) -> Option<i64> {
    match consent {
        Consent::Agreed { until } => Some(until.saturating_sub(spans.collect.saturating_mul(1000))),
        _ => None,
    }
}

/// Applies a change, and says which event it was and whether it fitted; `revoked`: when a revocation took effect after the
/// subject had agreed.
pub fn apply(
    seal: &dyn Seal,
    request: &mut AccessRequest,
    change: &Change,
    revoked: Option<i64>,
    spans: &Spans,
    now: i64,
) -> (Event, bool) {
    let (event, at) = match (change, revoked) {
        (Change::Event(event), _) => (event.clone(), now),
        (Change::Code(brought), _) => {
            let right = code::matches(brought, &seal::one_time_code(seal, request));
            (Event::Code { right }, now)
        }
        // A consent of before a revocation ended with it (F-19), not when somebody noticed: what was agreed in between
        // holds.
        (Change::Collect(_), Some(since)) => (Event::GroundEnded(Reason::Revoked), since),
        (Change::Collect(token), None) => (Event::Collect { expires: token.expires }, now),
    };
    let Ok(consent) = request.consent.clone().apply(&event, request.method, at, spans) else {
        return (event, false);
    };
    request.consent = consent;
    match (&event, change) {
        (Event::NumberFound(msisdn), _) => request.msisdn = Some(msisdn.clone()),
        (Event::Collect { .. }, Change::Collect(token)) => {
            // What was agreed may end before the term does: the token's own life is what counts.
            request.term_seconds = token.expires.abs_diff(token.issued.div_euclid(1000));
            request.token = Some(token.clone());
        }
        _ => {}
    }
    (event, true)
}

/// What a subject is told beside the question, once a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// How to answer.
    Help,
    /// To name the reference.
    Reference,
}

impl Told {
    /// Its bit in `told`.
    pub fn bit(self) -> u8 {
        match self {
            Self::Help => 1,
            Self::Reference => 2,
        }
    }

    /// The task that tells it.
    pub fn task(self) -> Task {
        match self {
            Self::Help => Task::SendHelp,
            Self::Reference => Task::SendReference,
        }
    }

    /// What the SMS came to.
    pub fn heard(self) -> Heard {
        match self {
            Self::Help => Heard::NotUnderstood,
            Self::Reference => Heard::Ambiguous,
        }
    }
}

/// What an SMS means for the requests that wait on its number.
pub enum Understood {
    /// None was asked when it was said.
    NothingWaits,
    /// It names a reference that none of them has.
    NoSuchReference,
    /// It brings the code of this one, whose token the initiator may ask for with it.
    Confirmed(Id),
    /// It answers this one; these have changed.
    Answered(Id, Vec<Stored>),
    /// The subject is to be told something, unless each of these was.
    Unclear(Vec<Stored>, Told),
}

/// Understands an SMS, of which the service learned at `now`, Unix milliseconds.
pub fn understand(
    seal: &dyn Seal,
    mut waiting: Vec<Stored>,
    said: &Said,
    spans: &Spans,
    now: i64,
) -> Understood {
    let reply = &said.reply;
    let said_at = said.at.unwrap_or(now).saturating_add(CLOCKS);
    // To refuse is safe. Anything else that was said before the question is about another one: an answer that comes after the
    // timeout changes nothing (F-6).
    if !matches!(reply.answer(), Answer::No | Answer::Fraud) {
        waiting.retain(|s| s.request.opened <= said_at);
    }
    if waiting.is_empty() {
        return Understood::NothingWaits;
    }
    // Method 5: the code sent from the subject's own number counts as a yes; the token needs it from the initiator.
    if let Some(text) = reply.code_candidate() {
        let confirmed = waiting.iter().find(|s| {
            s.request.method == Method::Code && code::matches(text, &seal::one_time_code(seal, &s.request))
        });
        if let Some(confirmed) = confirmed {
            return Understood::Confirmed(confirmed.request.id);
        }
    }
    let event = match reply.answer() {
        Answer::Yes => Event::Yes,
        Answer::No => Event::No,
        Answer::Fraud => Event::Fraud,
        Answer::Unknown => return Understood::Unclear(waiting, Told::Help),
    };
    if let Some(reference) = reply.reference() {
        waiting.retain(|s| s.request.reference == reference);
    }
    let is_bare_yes = event == Event::Yes && reply.reference().is_none();
    match waiting.as_mut_slice() {
        [] => Understood::NoSuchReference,
        // Who reports a fraud does not know one request from another: none of them goes on.
        [first, ..] if event == Event::Fraud => {
            let about = first.request.id;
            waiting.retain_mut(|stored| answer(stored, &event, spans, now));
            Understood::Answered(about, waiting)
        }
        // The SMS is not known to have left by then: a bare yes may be a late one to another request.
        [one] if is_bare_yes && !had_left(one, (said_at, now), spans) => {
            Understood::Unclear(waiting, Told::Reference)
        }
        [one] => {
            let id = one.request.id;
            if answer(one, &event, spans, now) {
                return Understood::Answered(id, waiting);
            }
            // A bare yes to method 5: the subject must give the code to the initiator.
            Understood::Unclear(waiting, Told::Help)
        }
        _ => Understood::Unclear(waiting, Told::Reference),
    }
}

fn answer(stored: &mut Stored, event: &Event, spans: &Spans, at: i64) -> bool {
    let request = &mut stored.request;
    let next = request.consent.clone().apply(event, request.method, at, spans);
    let fits = next.is_ok();
    if let Ok(next) = next {
        request.consent = next;
    }
    fits
}

/// Whether the SMS that asks is known to have left by `at`. It has by `now`, however long answers are awaited by now.
fn had_left(stored: &Stored, (at, now): (i64, i64), spans: &Spans) -> bool {
    match stored.request.consent {
        Consent::Waiting { until, .. } => {
            until.saturating_sub(spans.answer.saturating_mul(1000)).min(now) <= at
        }
        Consent::Sending { .. } => false,
        _ => true,
    }
}

/// What the journal says of an SMS.
pub fn heard_outcome(heard: &Heard, record: &Record) -> String {
    match heard {
        Heard::Answered(_) => format!("{} by sms", record.outcome),
        Heard::Ambiguous => "sms ambiguous".to_owned(),
        Heard::NotUnderstood => "sms not understood".to_owned(),
        Heard::NothingWaits | Heard::Again => "sms unexpected".to_owned(),
    }
}
