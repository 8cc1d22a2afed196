//! Records of the journal as rows.

use crate::journal::Entry;
use crate::log;
use crate::random::Id;
use crate::store::Record;

/// Columns of a record, in the order in which it is read.
pub const COLUMNS: &str = "seq, at, kind, operator, decision, sender, message_id, message, service, request, \
                           subject, outcome, detail";
/// Where the chain stands after them.
pub const CHAIN: usize = 13;

/// `record` as it stands in the journal, about the subject with this number; numbers of persons in ids are masked.
pub fn entry(seq: i64, subject: Option<i64>, record: &Record) -> Entry {
    Entry {
        seq,
        at: record.at,
        kind: record.kind.to_owned(),
        operator: record.operator.clone(),
        decision: record.decision.as_ref().map(|id| *id.as_bytes()),
        sender: log::id(&record.sender).into_owned(),
        message_id: log::id(&record.message_id).into_owned(),
        message: record.message,
        service: log::id(&record.service).into_owned(),
        request: record.request.as_ref().map(|id: &Id| *id.as_bytes()),
        subject,
        outcome: record.outcome.clone(),
        detail: record.detail.clone(),
    }
}
