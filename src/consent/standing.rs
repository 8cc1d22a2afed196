//! What a security token is worth at a time (F-14 6): the answer of the token check.

use super::Consent;
use crate::text::Reason;

/// The status of a token in the answer of `KDP_CHECK_TOKEN` (wire.md 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// Data may be handed over.
    Active,
    /// Revoked, or given back by the initiator.
    NotActive,
    /// Its time is over.
    Expired,
    /// None of ours, or not for the service asked about.
    Unknown,
    /// Another subject than asked about.
    Mismatch,
    /// The subject is blocked, or the initiator suspended.
    Suspended,
}

impl TokenStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::NotActive, Self::Expired, Self::Unknown, Self::Mismatch, Self::Suspended];

    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::NotActive => "not-active",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Mismatch => "mismatch",
            Self::Suspended => "suspended",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether the answer may say more than the status: the token is ours, and is what was asked about.
    #[must_use]
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Unknown | Self::Mismatch)
    }
}

/// A time from which something holds until it is lifted, Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// From here on.
    pub from: i64,
    /// Up to here; `None`: it holds still.
    pub until: Option<i64>,
}

impl Span {
    /// Whether it holds at `at`.
    #[must_use]
    pub fn covers(&self, at: i64) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// What is known of a token. Times are Unix milliseconds.
pub struct Facts<'a> {
    /// What became of it.
    pub consent: &'a Consent,
    /// When it was issued.
    pub issued: i64,
    /// When its subject was blocked.
    pub blocks: &'a [Span],
    /// When its initiator was suspended.
    pub suspensions: &'a [Span],
    /// Since when its key is distrusted.
    pub distrusted: Option<i64>,
}

/// The status now. What has ended stays ended, and what holds holds, also after the clock was set back.
#[must_use]
pub fn status_now(facts: &Facts<'_>, now: i64) -> (TokenStatus, Option<Reason>) {
    let known = [facts.blocks, facts.suspensions].into_iter().flatten().map(|span| span.from);
    let ended = match facts.consent {
        Consent::Closed { at, .. } => Some(*at),
        _ => None,
    };
    let latest = known.chain(ended).chain(facts.distrusted).chain([facts.issued, now]).max();
    status(facts, latest.unwrap_or(now))
}

/// The status at a time, and why it is not active.
#[must_use]
pub fn status(facts: &Facts<'_>, at: i64) -> (TokenStatus, Option<Reason>) {
    if at < facts.issued {
        return (TokenStatus::Unknown, None);
    }
    match facts.consent.clone().at(at) {
        Consent::Closed { reason: Reason::TokenExpired, at: end, .. } if at >= end => {
            return (TokenStatus::Expired, Some(Reason::TokenExpired));
        }
        Consent::Closed { reason, at: end, .. } if at >= end => {
            return (TokenStatus::NotActive, Some(reason));
        }
        // Closed later than the time asked about, or granted.
        Consent::Closed { .. } | Consent::Granted { .. } => {}
        // Not issued: there is no token to speak of.
        _ => return (TokenStatus::Unknown, None),
    }
    if facts.distrusted.is_some_and(|since| at >= since) {
        return (TokenStatus::NotActive, Some(Reason::KeyDistrusted));
    }
    if facts.blocks.iter().any(|span| span.covers(at)) {
        return (TokenStatus::Suspended, Some(Reason::SubjectBlocked));
    }
    if facts.suspensions.iter().any(|span| span.covers(at)) {
        return (TokenStatus::Suspended, Some(Reason::Suspended));
    }
    (TokenStatus::Active, None)
}

#[cfg(test)]
mod tests {
    use super::super::End;
    use super::*;

    const GRANTED: Consent = Consent::Granted { expires: 1_000, lapses: Some(500_000) };

    fn at(facts: &Facts<'_>, at: i64) -> (&'static str, Option<Reason>) {
        let (status, reason) = status(facts, at);
        (status.word(), reason)
    }

    fn facts(consent: &Consent) -> Facts<'_> {
        Facts { consent, issued: 100, blocks: &[], suspensions: &[], distrusted: None }
    }

    #[test]
    fn a_token_lives_from_its_issue_to_its_expiry_or_revocation() {
        let plain = Consent::Granted { expires: 1_000, lapses: None };
        assert_eq!(at(&facts(&plain), 99), ("unknown", None));
        assert_eq!(at(&facts(&plain), 100), ("active", None));
        assert_eq!(at(&facts(&plain), 999_999), ("active", None));
        assert_eq!(at(&facts(&plain), 1_000_000), ("expired", Some(Reason::TokenExpired)));
        assert_eq!(at(&facts(&GRANTED), 499_999), ("active", None));
        assert_eq!(at(&facts(&GRANTED), 500_000), ("not-active", Some(Reason::Revoked)));
    }

    #[test]
    fn the_status_at_a_time_before_the_end_is_that_of_the_time() {
        let closed = Consent::Closed { end: End::Invalid, reason: Reason::Cancelled, at: 700 };
        assert_eq!(at(&facts(&closed), 699), ("active", None));
        assert_eq!(at(&facts(&closed), 700), ("not-active", Some(Reason::Cancelled)));
    }

    #[test]
    fn blocks_and_suspensions_hold_while_they_last_and_end_nothing() {
        let spans = [Span { from: 200, until: Some(300) }, Span { from: 400, until: None }];
        let plain = Consent::Granted { expires: 1_000, lapses: None };
        let blocked = Facts { blocks: &spans, ..facts(&plain) };
        for (time, word) in [(199, "active"), (200, "suspended"), (300, "active"), (400, "suspended")] {
            assert_eq!(at(&blocked, time).0, word, "{time}");
        }
        let suspended = Facts { suspensions: &spans, ..facts(&plain) };
        assert_eq!(at(&suspended, 250), ("suspended", Some(Reason::Suspended)));
        let distrusted = Facts { distrusted: Some(150), ..blocked };
        assert_eq!(at(&distrusted, 250), ("not-active", Some(Reason::KeyDistrusted)));
    }

    #[test]
    fn a_clock_that_was_set_back_revives_nothing() {
        let closed = Consent::Closed { end: End::Invalid, reason: Reason::Revoked, at: 700 };
        assert_eq!(status_now(&facts(&closed), 300), (TokenStatus::NotActive, Some(Reason::Revoked)));
        let plain = Consent::Granted { expires: 1_000, lapses: None };
        let held = [Span { from: 700, until: None }];
        let blocked = Facts { blocks: &held, ..facts(&plain) };
        assert_eq!(status_now(&blocked, 300).0, TokenStatus::Suspended);
        let lifted = [Span { from: 200, until: Some(250) }];
        assert_eq!(status_now(&Facts { blocks: &lifted, ..facts(&plain) }, 300).0, TokenStatus::Active);
    }

    #[test]
    fn every_status_has_its_word() {
        for status in TokenStatus::ALL {
            assert_eq!(TokenStatus::from_word(status.word()), Some(status));
        }
    }
}
