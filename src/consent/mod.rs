//! An access request (запрос на доступ) from the first message to its final status.
//!
//! Pure: no I/O, no clock, no database. A state carries what is true in it; [`Consent::apply`]
//! consumes it. Events are data: the store applies them inside one transaction.

pub mod calendar;
pub mod check;
pub mod code;
pub mod directory;
pub mod identity;
pub mod method;
pub mod revocation;
pub mod sms;
pub mod standing;
pub mod transliterate;

use crate::text::Reason;
use identity::Msisdn;
use method::Method;
use serde::{Deserialize, Serialize};

/// The edition of the Functioning rules under which decisions are made (rules.md, head).
pub const EDITION: &str = "144/НҚ@2025-06-17";

/// Spans of the law and of the configuration, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    /// Method 1: how long an answer is awaited after 1414 accepted the SMS (F-6).
    pub answer: i64,
    /// Method 5: life of the one-time code after 1414 accepted the SMS.
    pub code: i64,
    /// How long БМГ and 1414 are tried when they are not reachable.
    pub retry: i64,
    /// How long a yes waits to be collected.
    pub collect: i64,
    /// Method 5: tries before the request is closed.
    pub attempts: u32,
    /// Method 5: wrong codes of one initiator in a day; when they are used up, no code is judged until the next.
    pub wrong_codes: u32,
}

impl Default for Spans {
    fn default() -> Self {
        Self {
            answer: 15 * 60,
            code: 5 * 60,
            retry: 15 * 60,
            collect: 24 * 3600,
            attempts: 3,
            wrong_codes: 1000,
        }
    }
}

/// Where an access request of method 1 or 5 stands, or how one of any method ended. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Consent {
    /// БМГ did not answer yet.
    Seeking {
        /// БМГ is asked again before this.
        until: i64,
    },
    /// The number is fixed, the SMS is queued; 1414 has not accepted it yet.
    Sending {
        /// 1414 is tried before this.
        until: i64,
    },
    /// 1414 accepted the SMS; the subject is awaited.
    Waiting {
        /// An answer counts before this.
        until: i64,
        /// Method 5: wrong codes so far.
        attempts: u32,
    },
    /// The subject agreed; the token waits to be collected.
    Agreed {
        /// It can be collected before this.
        until: i64,
    },
    /// A security token was issued.
    Granted {
        /// Its expiry, Unix seconds.
        expires: i64,
        /// While an application for revocation is reviewed: when the term of the review ends (F-21). The token stays
        /// active until then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lapses: Option<i64>,
    },
    /// Ended without a token, or its token has ended.
    Closed {
        /// How.
        end: End,
        /// Why.
        reason: Reason,
        /// Since when, as the law dates it, not when it was written down.
        #[serde(default)]
        at: i64,
    },
}

/// How a request ended (`data/status` of wire.md 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Refused, or a check failed.
    Invalid,
    /// Nobody answered in time.
    Timeout,
    /// БМГ has no number.
    NotFound,
}

/// What happens to a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// БМГ told the subject's number.
    NumberFound(Msisdn),
    /// БМГ knows no number.
    NumberAbsent,
    /// 1414 took the SMS over.
    SmsAccepted,
    /// 1414 refused the SMS for good.
    SmsRefused,
    /// 1414 reported that the SMS did not reach the phone, and will not.
    SmsUndelivered,
    /// The subject said yes.
    Yes,
    /// The subject said no.
    No,
    /// The subject reported a fraud.
    Fraud,
    /// The initiator brought a code.
    Code {
        /// Whether it is the right one.
        right: bool,
    },
    /// The initiator collects the token.
    Collect {
        /// Unix seconds.
        expires: i64,
    },
    /// The initiator takes its request or token back.
    Cancel,
    /// What was agreed ended before the token was collected: a directory entry, a permission.
    GroundEnded(Reason),
    /// The subject applied for revocation, or the term of the review moved (F-17).
    Contest {
        /// When the review ends at the latest.
        until: i64,
    },
    /// The initiator refused the revocation (F-20).
    Keep,
    /// The initiator approved the revocation (F-19).
    Revoke,
    /// A span ended: only what time did is written down.
    Due,
}

/// Why an event changed nothing: the state after time was taken into account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignored;

impl Consent {
    /// The first state of a request that asks the subject.
    #[must_use]
    pub fn ask(number_known: bool, at: i64, spans: &Spans) -> Self {
        let until = after(at, spans.retry);
        if number_known { Self::Sending { until } } else { Self::Seeking { until } }
    }

    /// The state as time alone makes it at `at` (Unix milliseconds).
    #[must_use]
    pub fn at(self, at: i64) -> Self {
        let closed = |end, reason, at| Self::Closed { end, reason, at };
        match self {
            Self::Seeking { until } if at >= until => closed(End::Timeout, Reason::BmgUnavailable, until),
            Self::Sending { until } if at >= until => closed(End::Timeout, Reason::SmsNotSent, until),
            Self::Waiting { until, .. } if at >= until => closed(End::Timeout, Reason::NoAnswer, until),
            Self::Agreed { until } if at >= until => closed(End::Timeout, Reason::NotCollected, until),
            Self::Granted { expires, lapses } => {
                let expiry = expires.saturating_mul(1000);
                match lapses {
                    Some(lapse) if at >= lapse && lapse < expiry => {
                        closed(End::Invalid, Reason::Revoked, lapse)
                    }
                    _ if at >= expiry => closed(End::Invalid, Reason::TokenExpired, expiry),
                    _ => self,
                }
            }
            state => state,
        }
    }

    /// Applies one event at `at` (Unix milliseconds).
    ///
    /// # Errors
    /// [`Ignored`] when the event does not fit the state: a late answer, a second yes, a code after the end.
    pub fn apply(self, event: &Event, method: Method, at: i64, spans: &Spans) -> Result<Self, Ignored> {
        let refused = |reason| Ok(Self::Closed { end: End::Invalid, reason, at });
        match (self.at(at), event) {
            (Self::Seeking { .. }, Event::NumberFound(_)) => {
                Ok(Self::Sending { until: after(at, spans.retry) })
            }
            (Self::Seeking { .. }, Event::NumberAbsent) => {
                Ok(Self::Closed { end: End::NotFound, reason: Reason::NoPhone, at })
            }
            (Self::Sending { .. }, Event::SmsAccepted) => {
                let span = if method == Method::Code { spans.code } else { spans.answer };
                Ok(Self::Waiting { until: after(at, span), attempts: 0 })
            }
            (Self::Sending { .. }, Event::SmsRefused) => refused(Reason::SmsNotSent),
            // The report may overtake the word that the SMS was taken.
            (Self::Sending { .. } | Self::Waiting { .. }, Event::SmsUndelivered) => {
                refused(Reason::SmsUndelivered)
            }
            // An answer proves that the SMS went out, also when the word of 1414 was lost in a crash. (A yes must
            // then carry the reference: the store sees to that.)
            (Self::Sending { .. } | Self::Waiting { .. }, Event::No) => refused(Reason::SubjectRefused),
            (Self::Sending { .. } | Self::Waiting { .. }, Event::Fraud) => {
                refused(Reason::SubjectReportedFraud)
            }
            (Self::Sending { .. } | Self::Waiting { .. }, Event::Yes) if method == Method::Sms => {
                Ok(Self::Agreed { until: after(at, spans.collect) })
            }
            (Self::Waiting { until, attempts }, Event::Code { right }) if method == Method::Code => {
                let attempts = attempts.saturating_add(1);
                match (right, attempts < spans.attempts) {
                    (true, _) => Ok(Self::Agreed { until: after(at, spans.collect) }),
                    (false, true) => Ok(Self::Waiting { until, attempts }),
                    (false, false) => refused(Reason::CodeAttempts),
                }
            }
            (Self::Agreed { .. }, Event::Collect { expires }) => {
                Ok(Self::Granted { expires: *expires, lapses: None })
            }
            (Self::Agreed { .. }, Event::GroundEnded(reason)) => refused(*reason),
            (Self::Granted { expires, .. }, Event::Contest { until }) => {
                Ok(Self::Granted { expires, lapses: Some(*until) })
            }
            (Self::Granted { expires, lapses: Some(_) }, Event::Keep) => {
                Ok(Self::Granted { expires, lapses: None })
            }
            (Self::Granted { lapses: Some(_), .. }, Event::Revoke) => refused(Reason::Revoked),
            (
                Self::Seeking { .. }
                | Self::Sending { .. }
                | Self::Waiting { .. }
                | Self::Agreed { .. }
                | Self::Granted { .. },
                Event::Cancel,
            ) => refused(Reason::Cancelled),
            (state, Event::Due) => Ok(state),
            _ => Err(Ignored),
        }
    }

    /// Whether the request still may become a token: it counts as *in progress* (F-6).
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(
            self,
            Self::Seeking { .. } | Self::Sending { .. } | Self::Waiting { .. } | Self::Agreed { .. }
        )
    }

    /// Whether the subject is to be asked, or has been asked and has not answered.
    #[must_use]
    pub fn awaits_subject(&self) -> bool {
        matches!(self, Self::Seeking { .. } | Self::Sending { .. } | Self::Waiting { .. })
    }

    /// When time alone will change the state, Unix milliseconds.
    #[must_use]
    pub fn until(&self) -> Option<i64> {
        match self {
            Self::Seeking { until }
            | Self::Sending { until }
            | Self::Waiting { until, .. }
            | Self::Agreed { until } => Some(*until),
            Self::Granted { lapses, .. } => *lapses,
            Self::Closed { .. } => None,
        }
    }

    /// When it ended or, if a token was issued, will end at the latest by itself, Unix milliseconds.
    #[must_use]
    pub fn ends(&self) -> Option<i64> {
        match self {
            Self::Granted { expires, .. } => Some(expires.saturating_mul(1000)),
            Self::Closed { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// `at` (Unix milliseconds) and a span of seconds; a span without end has none, instead of running round to the past.
fn after(at: i64, span: i64) -> i64 {
    at.saturating_add(span.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANS: Spans =
        Spans { answer: 900, code: 300, retry: 900, collect: 86_400, attempts: 3, wrong_codes: 1000 };

    fn waiting(method: Method) -> Consent {
        Consent::ask(true, 0, &SPANS)
            .apply(&Event::SmsAccepted, method, 1_000, &SPANS)
            .unwrap_or_else(|_| panic!("an SMS is accepted"))
    }

    #[test]
    fn a_yes_in_time_is_collected_once() {
        let agreed = waiting(Method::Sms).apply(&Event::Yes, Method::Sms, 900_999, &SPANS).ok().unwrap();
        assert!(agreed.is_live());
        let granted =
            agreed.apply(&Event::Collect { expires: 10_000 }, Method::Sms, 901_000, &SPANS).ok().unwrap();
        assert!(!granted.is_live());
        assert!(granted.apply(&Event::Collect { expires: 9 }, Method::Sms, 901_001, &SPANS).is_err());
    }

    #[test]
    fn an_answer_after_the_term_changes_nothing() {
        let late = waiting(Method::Sms);
        assert!(late.clone().apply(&Event::Yes, Method::Sms, 901_000, &SPANS).is_err());
        let end = Consent::Closed { end: End::Timeout, reason: Reason::NoAnswer, at: 901_000 };
        assert!(late.at(5_000_000) == end, "dated when the span ended");
    }

    #[test]
    fn an_sms_that_does_not_reach_the_phone_ends_the_request_unless_the_subject_has_answered() {
        let closed = Consent::Closed { end: End::Invalid, reason: Reason::SmsUndelivered, at: 2_000 };
        for method in [Method::Sms, Method::Code] {
            let undelivered =
                waiting(method).apply(&Event::SmsUndelivered, method, 2_000, &SPANS).ok().unwrap();
            assert!(undelivered == closed);
        }
        let agreed = waiting(Method::Sms).apply(&Event::Yes, Method::Sms, 1_500, &SPANS).ok().unwrap();
        assert!(agreed.apply(&Event::SmsUndelivered, Method::Sms, 2_000, &SPANS).is_err());
    }

    #[test]
    fn the_third_wrong_code_closes_the_request() {
        let mut state = waiting(Method::Code);
        for _ in 0..2 {
            state = state.apply(&Event::Code { right: false }, Method::Code, 2_000, &SPANS).ok().unwrap();
            assert!(state.is_live());
        }
        state = state.apply(&Event::Code { right: false }, Method::Code, 2_000, &SPANS).ok().unwrap();
        let closed = Consent::Closed { end: End::Invalid, reason: Reason::CodeAttempts, at: 2_000 };
        assert!(state == closed);
        assert!(state.apply(&Event::Code { right: true }, Method::Code, 2_000, &SPANS).is_err());
    }

    #[test]
    fn a_token_is_active_during_the_review_and_ends_with_its_term_by_itself() {
        let token = Consent::Granted { expires: 1_000, lapses: None };
        let method = Method::OwnMeans;
        assert!(token.clone().apply(&Event::Revoke, method, 1, &SPANS).is_err(), "without an application");
        let contested = token.apply(&Event::Contest { until: 500 }, method, 1, &SPANS).ok().unwrap();
        assert!(matches!(contested.clone().at(499), Consent::Granted { .. }));
        let lapsed = Consent::Closed { end: End::Invalid, reason: Reason::Revoked, at: 500 };
        assert!(contested.clone().at(700_000) == lapsed, "dated to the end of the term");
        let kept = contested.clone().apply(&Event::Keep, method, 2, &SPANS).ok().unwrap();
        assert!(matches!(kept.at(999_999), Consent::Granted { .. }));
        assert!(contested.apply(&Event::Keep, method, 500, &SPANS).is_err(), "too late");
    }

    #[test]
    fn a_bare_yes_is_no_proof_for_method_five() {
        assert!(waiting(Method::Code).apply(&Event::Yes, Method::Code, 2_000, &SPANS).is_err());
    }

    #[test]
    fn a_yes_waits_a_day_to_be_collected() {
        let agreed = waiting(Method::Sms).apply(&Event::Yes, Method::Sms, 2_000, &SPANS).ok().unwrap();
        let collect = Event::Collect { expires: i64::MAX };
        assert!(agreed.clone().apply(&collect, Method::Sms, 86_401_999, &SPANS).is_ok());
        assert!(agreed.apply(&collect, Method::Sms, 86_402_000, &SPANS).is_err());
    }
}
