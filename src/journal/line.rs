//! A record as a line of `key=value`, in UTF-8.

use super::Chained;
use crate::clock;
use crate::random::Id;
use crate::store::seal::hex;
use std::fmt::Write as _;

/// The record as `key=value key=value …`; what is absent is left out.
///
/// A value with a blank, a quote, `=`, `\` or a control character stands in quotes, in which `"` and `\` follow a `\`, and
/// control characters are written `\u00NN`.
#[must_use]
pub fn pairs(record: &Chained) -> String {
    let entry = &record.entry;
    let id = |id: Option<[u8; 16]>| id.map(|id| Id::from_bytes(id).to_string()).unwrap_or_default();
    let mut line = String::with_capacity(512);
    let mut pair = |key: &str, value: &str| {
        if !value.is_empty() {
            let separator = if line.is_empty() { "" } else { " " };
            let _ = write!(line, "{separator}{key}=");
            quote(&mut line, value);
        }
    };
    pair("seq", &entry.seq.to_string());
    pair("kind", &entry.kind);
    pair("outcome", &entry.outcome);
    pair("operator", &entry.operator);
    pair("sender", &entry.sender);
    pair("service", &entry.service);
    pair("decision", &id(entry.decision));
    pair("request", &id(entry.request));
    pair("subject", &entry.subject.map(|number| number.to_string()).unwrap_or_default());
    pair("message_id", &entry.message_id);
    pair("message", &entry.message.as_ref().map(hex).unwrap_or_default());
    pair("detail", &entry.detail);
    pair("chain", &hex(&record.chain));
    line
}

/// The same after its time, with the end of the line.
#[must_use]
pub fn line(record: &Chained) -> String {
    format!("{} {}\n", clock::text(record.entry.at), pairs(record))
}

fn quote(line: &mut String, value: &str) {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '"' | '=' | '\\');
    if value.chars().all(plain) {
        line.push_str(value);
        return;
    }
    line.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            // Also the breaks of lines and paragraphs that are no control characters: some viewers obey them.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::journal::{Entry, GENESIS};

    /// A record with something in every field.
    pub fn record() -> Chained {
        let entry = Entry {
            seq: 17,
            at: 1_775_026_800_123,
            kind: "decision".to_owned(),
            operator: "Әсел".to_owned(),
            decision: Some([1; 16]),
            sender: "bank".to_owned(),
            message_id: "a b".to_owned(),
            message: Some([2; 32]),
            service: "KDP_SERVICE".to_owned(),
            request: None,
            subject: Some(7),
            outcome: "granted".to_owned(),
            detail: "{\"a\":\"\\n]=\u{7}ұ\"}".to_owned(),
        };
        Chained { chain: entry.link(&GENESIS), entry }
    }

    #[test]
    fn a_line_says_everything_and_is_one_line() {
        let record = record();
        let chain = hex(&record.chain);
        assert_eq!(
            line(&record),
            format!(
                "2026-04-01T12:00:00.123+05:00 seq=17 kind=decision outcome=granted operator=Әсел sender=bank \
                 service=KDP_SERVICE decision=01010101-0101-0101-0101-010101010101 subject=7 message_id=\"a b\" \
                 message={} detail=\"{{\\\"a\\\":\\\"\\\\n]=\\u0007ұ\\\"}}\" chain={chain}\n",
                "02".repeat(32)
            )
        );
        let entry = Entry { detail: "a\nb\u{2028}c\r".to_owned(), ..record.entry };
        let line = line(&Chained { entry, ..record });
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains(r#"detail="a\u000ab\u2028c\u000d""#), "{line}");
    }
}
