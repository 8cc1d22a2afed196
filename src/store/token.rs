//! The token check and the status list, as the store knows them.

use super::AccessRequest;
use crate::consent::identity::Iin;
use crate::consent::standing::{Facts, Span, TokenStatus, status, status_now};
use crate::random::Id;
use crate::text::Reason;

/// Which token is asked about.
#[derive(Clone)]
pub enum Key {
    /// By the token itself: it must be, byte for byte, the one that was issued.
    Compact {
        /// The `jti` that it names, unverified.
        jti: Id,
        /// All of it.
        compact: String,
    },
    /// By its id and its subject.
    Id(Id),
}

/// What the registry knows of a token's initiator and key.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    /// When the initiator was suspended.
    pub suspensions: Vec<Span>,
    /// Since when the key is distrusted, Unix milliseconds.
    pub distrusted: Option<i64>,
}

/// Answers for the sender (`senderId`, BIN) and the token (compact) of a request.
pub type AskRegistry = Box<dyn Fn(&AccessRequest) -> Registered + Send + Sync>;

/// A token check.
pub struct Check {
    /// Which token.
    pub key: Key,
    /// For which `ServiceID`, which the owner owns.
    pub service: String,
    /// The owner's `senderId`.
    pub owner: String,
    /// The subject that the owner asks about.
    pub subject: Option<Iin>,
    /// How many checks by id may come to `unknown` or `mismatch` a day: who holds the token itself needs none.
    pub blind: u32,
    /// The status at this time, Unix milliseconds; not after the record's.
    pub time: i64,
    /// What the registry says.
    pub registered: AskRegistry,
}

/// What a [`Check`] comes to.
pub struct Checked {
    /// What it is worth at the time asked about.
    pub status: TokenStatus,
    /// Why it is not active.
    pub reason: Option<Reason>,
    /// Whether an application for revocation is open now; the token stays active meanwhile (F-18).
    pub revocation_pending: bool,
    /// The request with its token, when the status is known to the asker.
    pub request: Option<AccessRequest>,
}

impl Checked {
    /// An answer that tells nothing of the token.
    #[must_use]
    pub fn silent(status: TokenStatus) -> Self {
        Self { status, reason: None, revocation_pending: false, request: None }
    }

    /// The answer about `request`, of which the asker may know.
    #[must_use]
    pub fn about(
        request: AccessRequest,
        blocks: &[Span],
        registered: &Registered,
        time: i64,
        at: i64,
    ) -> Self {
        let facts = Facts {
            consent: &request.consent,
            issued: request.token.as_ref().map_or(i64::MAX, |token| token.issued),
            blocks,
            suspensions: &registered.suspensions,
            distrusted: registered.distrusted,
        };
        let (status, reason) = if time == at { status_now(&facts, at) } else { status(&facts, time) };
        let now = request.consent.clone().at(at);
        let revocation_pending = matches!(now, crate::consent::Consent::Granted { lapses: Some(_), .. });
        let request = status.is_known().then_some(request);
        Self { status, reason, revocation_pending: revocation_pending && request.is_some(), request }
    }
}

/// Changes of the status list.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Place and standing (0 valid, 1 invalid, 2 suspended, 3 under review), in order of change.
    pub entries: Vec<(u64, u8)>,
    /// Where to go on.
    pub last: i64,
    /// Places allotted so far.
    pub allotted: u64,
}
