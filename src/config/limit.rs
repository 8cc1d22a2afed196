//! What bounds an exchange, a sender, a day.

use crate::store::Budget;
use serde::Deserialize;

section! {
    /// `[limits]`
    Limits {
        /// Body of a message, bytes.
        body_bytes: usize = 1 << 20,
        /// HTTP header, bytes.
        header_bytes: usize = 32 << 10,
        /// Reading a message, seconds.
        read_seconds: u64 = 10,
        /// A whole exchange, seconds.
        exchange_seconds: u64 = 25,
        /// Exchanges at the same time.
        in_flight: usize = 512,
        /// How much of them one sender may have, percent.
        sender_share: u32 = 50,
        /// Turns that may lie before a message that waits to be computed.
        queue: usize = 128,
        /// Refusals a minute of unverified messages of an address that have a journal record of their own.
        refusals_per_minute: usize = 60,
        /// Connections of a listener.
        connections: usize = 4096,
        /// `poll_after` of a waiting request, seconds.
        poll_after_seconds: u32 = 5,
        /// Method 1: how long an answer is awaited, seconds.
        answer_seconds: i64 = 900,
        /// How long БМГ and 1414 are tried, seconds.
        retry_seconds: i64 = 900,
        /// How long a yes waits to be collected, seconds.
        collect_seconds: i64 = 86_400,
        /// Longest life of a verification token, seconds.
        ovt_lifetime_seconds: i64 = crate::token::ovt::MAX_LIFETIME,
        /// Subjects that one unbound verification token may serve.
        ovt_subjects: u32 = 1000,
        /// SMS asks of one subject a day.
        sms_per_subject: u32 = 10,
        /// SMS asks of one initiator a day, and asks that found no number; and, counted apart, as many dry runs.
        sms_per_initiator: u32 = 100_000,
        /// Token checks by id of one owner a day that were answered `unknown` or `mismatch`.
        blind_checks_per_owner: u32 = 1000,
        /// Messages of `AsyncChannel` of one sender that have no answer yet.
        unanswered_per_sender: u32 = 1000,
        /// How long running exchanges may end after SIGTERM, seconds.
        drain_seconds: u64 = 30,
    }
}

impl Limits {
    /// Most exchanges in flight of one sender.
    #[must_use]
    pub fn share(&self) -> usize {
        self.in_flight.saturating_mul(usize::try_from(self.sender_share).unwrap_or(100)).div_ceil(100)
    }

    /// Daily budgets of SMS asks.
    #[must_use]
    pub fn sms_budget(&self) -> Budget {
        Budget { subject: self.sms_per_subject, initiator: self.sms_per_initiator }
    }
}
