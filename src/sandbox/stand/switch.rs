//! Who can do what wrong: the table of the switches.

/// Who does something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// БМГ: its answers to the service.
    Bmg,
    /// 1414: its answers to the service.
    Sms,
    /// ШЭП: its answers to whoever calls through `SyncChannel`, the service and initiators alike.
    Shep,
    /// What subjects send, on its way from 1414 to the service.
    Replies,
    /// Delivery reports, on the same way.
    Reports,
    /// ШЭП's `AsyncChannel`: its answers to the service.
    Async,
    /// What ШЭП pushes to the service: requests of initiators, and notifications.
    Pushes,
}

use Party::{Async, Bmg, Pushes, Replies, Reports, Shep, Sms};

impl Party {
    /// All.
    pub const ALL: [Self; 7] = [Bmg, Sms, Shep, Replies, Reports, Async, Pushes];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Bmg => "bmg",
            Sms => "sms",
            Shep => "shep",
            Replies => "replies",
            Reports => "reports",
            Async => "async",
            Pushes => "pushes",
        }
    }
}

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    /// Takes its time.
    DelayMs,
    /// A message is lost on its way there: nothing was done.
    LostRequest,
    /// The answer is lost on its way back: everything was done.
    LostAnswer,
    /// A message comes twice.
    Duplicate,
    /// A SOAP fault, and nothing was done.
    Fault,
    /// An HTTP status with a page of HTML, and nothing was done.
    HttpStatus,
    /// No signature.
    Unsigned,
    /// A Body that is not the one that was signed.
    WrongSignature,
    /// A signature that holds, of somebody else.
    ForeignCertificate,
    /// Far longer than anybody reads.
    Huge,
    /// Byte by byte.
    Slow,
    /// No XML.
    NotXml,
    /// A word of status that nobody knows.
    UnknownStatus,
    /// A number that is none.
    BadNumber,
    /// Several numbers of a subject.
    ManyNumbers,
    /// 1414 refuses an SMS for good.
    Refused,
    /// 1414 takes an SMS over, and no phone ever gets it.
    Undelivered,
    /// The same, since its time was up.
    Expired,
    /// Cyrillic that was read in another encoding.
    Mojibake,
}

/// A row of the table of switches.
pub struct Row {
    /// Which.
    pub switch: Switch,
    /// The word for it.
    pub word: &'static str,
    /// Who has it.
    pub parties: &'static [Party],
    /// The value unless one is given, and the least and the most; `None`: it has none.
    pub value: Option<(u64, u64, u64)>,
    /// What it does.
    pub what: &'static str,
}

const ANSWERS: &[Party] = &[Bmg, Sms, Shep, Async];
const EVERYBODY: &[Party] = &Party::ALL;
/// How long nothing comes, milliseconds.
const SILENCE: Option<(u64, u64, u64)> = Some((0, 0, 600_000));
/// Those that hold for an SMS, and not for the report on it.
pub const FATES: [Switch; 2] = [Switch::Undelivered, Switch::Expired];

/// The table.
pub const ROWS: [Row; 19] = [
    row(
        Switch::DelayMs,
        "delay_ms",
        EVERYBODY,
        Some((3000, 1, 600_000)),
        "the work is done, the answer waits",
    ),
    row(
        Switch::LostRequest,
        "lost_request",
        EVERYBODY,
        SILENCE,
        "lost on the way there: nothing was done; after so many milliseconds the connection breaks",
    ),
    row(
        Switch::LostAnswer,
        "lost_answer",
        EVERYBODY,
        SILENCE,
        "lost on the way back: everything was done; the same",
    ),
    row(Switch::Duplicate, "duplicate", EVERYBODY, None, "a message comes twice"),
    row(Switch::Fault, "fault", ANSWERS, None, "a SOAP fault, nothing was done"),
    row(
        Switch::HttpStatus,
        "http_status",
        ANSWERS,
        Some((502, 300, 599)),
        "a page of HTML with this HTTP status, nothing was done",
    ),
    row(Switch::Unsigned, "unsigned", EVERYBODY, None, "no signature"),
    row(
        Switch::WrongSignature,
        "wrong_signature",
        EVERYBODY,
        None,
        "the Body is not the one that was signed",
    ),
    row(
        Switch::ForeignCertificate,
        "foreign_certificate",
        EVERYBODY,
        None,
        "a good signature of somebody else",
    ),
    row(Switch::Huge, "huge", EVERYBODY, Some((8 << 20, 1, 64 << 20)), "so many bytes more, as a comment"),
    row(Switch::Slow, "slow", ANSWERS, Some((100, 1, 60_000)), "a byte each so many milliseconds"),
    row(Switch::NotXml, "not_xml", EVERYBODY, None, "text that is no XML"),
    row(Switch::UnknownStatus, "unknown_status", &[Bmg, Sms, Reports], None, "a word that nobody knows"),
    row(Switch::BadNumber, "bad_number", &[Bmg, Replies], None, "a number that is none"),
    row(
        Switch::ManyNumbers,
        "many_numbers",
        &[Bmg],
        Some((3, 2, 20)),
        "so many numbers of a subject, its own first",
    ),
    row(Switch::Refused, "refused", &[Sms], None, "the SMS is refused for good"),
    row(Switch::Undelivered, "undelivered", &[Reports], None, "SMS are taken over and reach no phone"),
    row(Switch::Expired, "expired", &[Reports], None, "the same, their time was up"),
    row(
        Switch::Mojibake,
        "mojibake",
        &[Replies],
        Some((1, 1, 3)),
        "Cyrillic as a gateway breaks it: 1 UTF-8 read as Windows-1251, 2 as Latin-1, 3 question marks",
    ),
];

const fn row(
    switch: Switch,
    word: &'static str,
    parties: &'static [Party],
    value: Option<(u64, u64, u64)>,
    what: &'static str,
) -> Row {
    Row { switch, word, parties, value, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_switch_stands_in_the_table_once() {
        let words: BTreeSet<_> = ROWS.iter().map(|row| row.word).collect();
        let switches: BTreeSet<_> = ROWS.iter().map(|row| row.switch).collect();
        assert_eq!((words.len(), switches.len()), (ROWS.len(), ROWS.len()));
        for row in &ROWS {
            assert!(row.value.is_none_or(|(usual, least, most)| (least..=most).contains(&usual)));
        }
    }
}
