//! A record as a message of syslog (RFC 5424).

use super::{Chained, line};
use crate::clock;
use crate::store::seal::hex;
use std::fmt::Write as _;

/// Facility "log audit" (RFC 5424, 6.2.1).
const LOG_AUDIT: u8 = 13;
/// Longest message in a datagram, bytes: what UDP over IPv4 carries, with room for headers.
pub const LONGEST_DATAGRAM: usize = 65_000;

/// What stands in the header of every message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// HOSTNAME.
    pub host: String,
    /// PROCID.
    pub process: u32,
    /// `token.issuer`: which installation.
    pub installation: String,
}

impl Origin {
    /// Of this process on this machine.
    #[must_use]
    pub fn here(installation: &str) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { host, process: std::process::id(), installation: installation.to_owned() }
    }

    /// The message: header, structured data with number, chain and installation, and the record as `key=value` in UTF-8
    /// after its byte order mark (MSG-UTF8).
    ///
    /// The number after the `@` is IANA's for documentation: whoever has one of his own maps it in his collector.
    #[must_use]
    pub fn message(&self, record: &Chained) -> String {
        let entry = &record.entry;
        let mut text = String::with_capacity(1024);
        let _ = write!(
            text,
            "<{}>1 {} {} kdp {} {} [kdp@32473 seq=\"{}\" chain=\"{}\" installation=\"{}\"] \u{feff}{}",
            LOG_AUDIT * 8 + severity(&entry.kind, &entry.outcome),
            clock::text(entry.at),
            header(&self.host, 255),
            self.process,
            header(&entry.kind, 32),
            entry.seq,
            hex(&record.chain),
            parameter(&self.installation),
            line::pairs(record),
        );
        text
    }
}

/// The message cut to what a datagram holds, at the end of a character.
#[must_use]
pub fn datagram(mut message: String) -> String {
    if message.len() > LONGEST_DATAGRAM {
        let end = (0..=LONGEST_DATAGRAM).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
        message.truncate(end);
    }
    message
}

/// The message with its length before it (RFC 6587, 3.4.1).
#[must_use]
pub fn counted(message: &str) -> String {
    format!("{} {message}", message.len())
}

/// RFC 5424, 6.2.1: 1 alert, 3 error, 4 warning, 5 notice, 6 informational.
fn severity(kind: &str, outcome: &str) -> u8 {
    match (kind, outcome) {
        // A subject says that somebody asks in another's name.
        (_, outcome) if outcome.split(' ').next() == Some("fraud") => 1,
        ("fault", "SCSE003") => 3,
        ("fault", _) => 4,
        ("decision" | "dry-run" | "event" | "look", _) => 6,
        // What operators do.
        _ => 5,
    }
}

/// A field of the header: printable ASCII without blanks, or `-` for nothing.
fn header(text: &str, most: usize) -> String {
    let field: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if field.is_empty() { "-".to_owned() } else { field }
}

/// A value of structured data: `"`, `\` and `]` follow a `\` (RFC 5424, 6.3.3).
fn parameter(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '"' | '\\' | ']').then_some('\\').into_iter().chain([c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Entry;
    use crate::journal::line::tests::record;

    fn origin() -> Origin {
        Origin { host: "kdp 1\n".to_owned(), process: 42, installation: "a]\"\\b".to_owned() }
    }

    #[test]
    fn a_message_is_of_rfc_5424_with_its_text_in_utf_8() {
        let record = record();
        let text = origin().message(&record);
        let header = "<110>1 2026-04-01T12:00:00.123+05:00 kdp1 kdp 42 decision ";
        let chain = hex(&record.chain);
        let data = format!(r#"[kdp@32473 seq="17" chain="{chain}" installation="a\]\"\\b"] "#);
        assert_eq!(text, format!("{header}{data}\u{feff}{}", line::pairs(&record)));
        assert_eq!(counted("ұ"), "2 ұ");
    }

    #[test]
    fn what_is_worse_is_told_as_worse() {
        let of = |kind: &str, outcome: &str| {
            let entry = Entry { kind: kind.to_owned(), outcome: outcome.to_owned(), ..record().entry };
            let text = origin().message(&Chained { entry, ..record() });
            text.split('>').next().unwrap().trim_start_matches('<').parse::<u8>().unwrap() - LOG_AUDIT * 8
        };
        assert_eq!((of("event", "fraud"), of("event", "fraud by sms")), (1, 1));
        assert_eq!((of("fault", "SCSE003"), of("fault", "KDP401")), (3, 4));
        assert_eq!((of("registration", "sender new"), of("export", "journal")), (5, 5));
        assert_eq!((of("decision", "granted"), of("look", "listed")), (6, 6));
    }

    #[test]
    fn a_datagram_ends_at_the_end_of_a_character() {
        let long = datagram("ұ".repeat(LONGEST_DATAGRAM));
        assert!(long.len() <= LONGEST_DATAGRAM && long.len() > LONGEST_DATAGRAM - 2);
        assert_eq!(datagram("short".to_owned()), "short");
    }
}
