//! Any one change of what stands in the journal is named, where it is and as what it is.

use super::kept::{HEADS, Kept, RECORDS};
use kdp::journal::head::Flaw;
use kdp::journal::verify::{Break, Part};
use kdp::token::statement::StatementError::{self, KeyUnknown, Kind, Malformed, Signature};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Columns of a record, but for its number and its chain; those that hold bytes or text, and those that hold numbers.
const BYTES: [&str; 10] = [
    "kind",
    "operator",
    "decision",
    "sender",
    "message_id",
    "message",
    "service",
    "request",
    "outcome",
    "detail",
];
const NUMBERS: [&str; 2] = ["at", "subject"];

/// What is done to the journal, once.
#[derive(Clone, Debug)]
enum Tampering {
    /// Flips a bit of a byte of a column, or gives it a byte when it has none.
    Byte {
        seq: i64,
        column: &'static str,
        byte: usize,
        bit: u8,
    },
    /// Takes the last byte away.
    Shorter {
        seq: i64,
        column: &'static str,
    },
    /// Empty and absent are two things.
    Absent {
        seq: i64,
        column: &'static str,
    },
    Number {
        seq: i64,
        column: &'static str,
        by: i64,
    },
    Chain {
        seq: i64,
        byte: usize,
        bit: u8,
    },
    Delete {
        from: i64,
        to: i64,
    },
    /// Takes records out and closes the gap.
    Remove {
        from: i64,
        to: i64,
    },
    /// Puts a copy of `like` in at `at`, and numbers those after it anew.
    Insert {
        at: i64,
        like: i64,
    },
    Swap {
        a: i64,
        b: i64,
    },
    Head {
        head: usize,
        byte: usize,
        bit: u8,
    },
    HeadMoved {
        head: usize,
        to: i64,
    },
    /// Changes a record and chains it and all after it anew.
    Rebuild {
        seq: i64,
    },
}

fn seq() -> std::ops::RangeInclusive<i64> {
    1..=RECORDS
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let column = || proptest::sample::select(&BYTES[..]);
    let absent = proptest::sample::select(&["decision", "message", "request", "subject"][..]);
    prop_oneof![
        8 => (seq(), column(), 0..64_usize, 0..8_u8)
            .prop_map(|(seq, column, byte, bit)| Tampering::Byte { seq, column, byte, bit }),
        2 => (seq(), column()).prop_map(|(seq, column)| Tampering::Shorter { seq, column }),
        2 => (seq(), absent).prop_map(|(seq, column)| Tampering::Absent { seq, column }),
        2 => (seq(), proptest::sample::select(&NUMBERS[..]), 1..9_i64)
            .prop_map(|(seq, column, by)| Tampering::Number { seq, column, by }),
        3 => (seq(), 0..32_usize, 0..8_u8).prop_map(|(seq, byte, bit)| Tampering::Chain { seq, byte, bit }),
        3 => (seq(), 0..4_i64)
            .prop_map(|(from, more)| Tampering::Delete { from, to: (from + more).min(RECORDS) }),
        3 => (1..=RECORDS - 5, 0..3_i64).prop_map(|(from, more)| Tampering::Remove { from, to: from + more }),
        3 => (seq(), seq()).prop_map(|(at, like)| Tampering::Insert { at, like }),
        3 => (1..RECORDS, seq()).prop_filter_map("two", |(a, b)| (a < b).then_some(Tampering::Swap { a, b })),
        2 => (0..HEADS.len(), 0..300_usize, 0..6_u8)
            .prop_map(|(head, byte, bit)| Tampering::Head { head, byte, bit }),
        1 => (0..HEADS.len(), seq()).prop_map(|(head, to)| Tampering::HeadMoved { head, to }),
        3 => seq().prop_map(|seq| Tampering::Rebuild { seq }),
    ]
}

impl Tampering {
    async fn apply(&self, kept: &Kept) {
        // Texts that are no UTF-8 any more can be stored, too.
        let set = |seq: i64, column: &str, value: &str| {
            let is_blob = ["decision", "message", "request"].contains(&column);
            let kind = if is_blob { "BLOB" } else { "TEXT" };
            kept.tamper(&format!(
                "UPDATE journal SET {column} = CAST(x'{value}' AS {kind}) WHERE seq = {seq}"
            ));
        };
        let bytes = |seq: i64, column: &str| -> Vec<u8> {
            let sql = format!("SELECT CAST(coalesce({column}, x'') AS BLOB) FROM journal WHERE seq = ?1");
            kept.bench.connection().query_row(&sql, [seq], |row| row.get(0)).unwrap()
        };
        let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        match *self {
            Self::Byte { seq, column, byte, bit } => {
                let mut value = bytes(seq, column);
                let length = value.len().max(1);
                value.resize(length, 0);
                value[byte % length] ^= 1 << bit;
                set(seq, column, &hex(&value));
            }
            Self::Shorter { seq, column } => {
                let mut value = bytes(seq, column);
                let taken = value.pop();
                value.extend(taken.is_none().then_some(0));
                set(seq, column, &hex(&value));
            }
            Self::Absent { seq, column } => kept.tamper(&format!(
                "UPDATE journal SET {column} = iif({column} IS NULL, {}, NULL) WHERE seq = {seq}",
                if column == "subject" { "0" } else { "x''" }
            )),
            Self::Number { seq, column, by } => kept.tamper(&format!(
                "UPDATE journal SET {column} = coalesce({column}, 0) + {by} WHERE seq = {seq}"
            )),
            Self::Chain { seq, byte, bit } => {
                let mut chain = kept.chain(seq);
                chain[byte] ^= 1 << bit;
                kept.tamper(&format!("UPDATE journal SET chain = x'{}' WHERE seq = {seq}", hex(&chain)));
            }
            Self::Delete { from, to } => {
                kept.tamper(&format!("DELETE FROM journal WHERE seq BETWEEN {from} AND {to}"));
            }
            Self::Remove { from, to } => {
                let by = to - from + 1;
                // Twice, so that no number is taken meanwhile.
                kept.tamper(&format!(
                    "DELETE FROM journal WHERE seq BETWEEN {from} AND {to};
                     UPDATE journal SET seq = -seq + {by} WHERE seq > {to};
                     UPDATE journal SET seq = -seq WHERE seq < 0; DELETE FROM journal_head WHERE seq >= {from};"
                ));
            }
            Self::Insert { at, like } => kept.tamper(&format!(
                "CREATE TEMP TABLE copied AS SELECT * FROM journal WHERE seq = {like};
                 UPDATE copied SET seq = {at};
                 UPDATE journal SET seq = -seq - 1 WHERE seq >= {at};
                 UPDATE journal SET seq = -seq WHERE seq < 0;
                 INSERT INTO journal SELECT * FROM copied; DELETE FROM journal_head WHERE seq >= {at};"
            )),
            Self::Swap { a, b } => kept.tamper(&format!(
                "UPDATE journal SET seq = 0 WHERE seq = {a}; UPDATE journal SET seq = {a} WHERE seq = {b};
                 UPDATE journal SET seq = {b} WHERE seq = 0;"
            )),
            Self::Head { head, byte, bit } => {
                let seq = HEADS[head];
                let sql = "SELECT CAST(jws AS BLOB) FROM journal_head WHERE seq = ?1";
                let mut jws: Vec<u8> =
                    kept.bench.connection().query_row(sql, [seq], |row| row.get(0)).unwrap();
                let length = jws.len();
                jws[byte % length] ^= 1 << bit;
                let sql =
                    format!("UPDATE journal_head SET jws = CAST(x'{}' AS TEXT) WHERE seq = {seq}", hex(&jws));
                kept.tamper(&sql);
            }
            Self::HeadMoved { head, to } => {
                kept.tamper(&format!(
                    "UPDATE OR REPLACE journal_head SET seq = {to} WHERE seq = {}",
                    HEADS[head]
                ));
            }
            Self::Rebuild { seq } => {
                kept.tamper(&format!("UPDATE journal SET outcome = 'refused' WHERE seq = {seq}"));
                kept.rebuild().await;
            }
        }
    }

    /// What must be found; `None`: no sign is left of it in the database, because no head covers it.
    fn must_be(&self) -> Option<Vec<Break>> {
        let last = *HEADS.last().unwrap();
        let next_head = |seq: i64| HEADS.into_iter().find(|head| *head >= seq);
        let changed = |seq, part| {
            let part = if seq == RECORDS { Part::Either } else { part };
            Some(vec![Break::Changed { seq, part }])
        };
        match *self {
            Self::Byte { seq, .. }
            | Self::Shorter { seq, .. }
            | Self::Absent { seq, .. }
            | Self::Number { seq, .. } => changed(seq, Part::Content),
            Self::Chain { seq, .. } => changed(seq, Part::Chain),
            Self::Delete { from, to } if to < RECORDS => Some(vec![Break::Missing { from, to }]),
            Self::Delete { from, .. } if from > last => None,
            Self::Delete { from, .. } => Some(vec![Break::Cut { last: from - 1, known: last }]),
            Self::Remove { from, to } => Some(vec![Break::Removed { at: from, count: to - from + 1 }]),
            // A copy in front of the record itself is what is as well its copy behind it.
            Self::Insert { at: RECORDS, like: RECORDS } => {
                Some(vec![Break::Changed { seq: RECORDS + 1, part: Part::Either }])
            }
            Self::Insert { at, like } if at == like => Some(vec![Break::Inserted { seq: at + 1 }]),
            // One record further it would show which of the two it is.
            Self::Insert { at, like } if like == at + 1 => {
                Some(vec![Break::Swapped { seq: at }, Break::Inserted { seq: at }])
            }
            Self::Insert { at, .. } => Some(vec![Break::Inserted { seq: at }]),
            Self::Swap { a, b } if b == a + 1 => Some(vec![Break::Swapped { seq: a }]),
            Self::Swap { a, .. } => Some(vec![Break::Replaced { seq: a }]),
            Self::Head { head, .. } => {
                let flaw =
                    |error: StatementError| Break::Head { seq: HEADS[head], flaw: Flaw::Statement(error) };
                Some([KeyUnknown, Kind, Malformed, Signature].map(flaw).to_vec())
            }
            Self::HeadMoved { head, to } if HEADS[head] == to => None,
            Self::HeadMoved { to, .. } => Some(vec![Break::Head { seq: to, flaw: Flaw::Misplaced }]),
            Self::Rebuild { seq } => next_head(seq).map(|to| {
                let before = HEADS.into_iter().rfind(|head| *head < seq).unwrap_or(0);
                vec![Break::Rebuilt { from: before + 1, to }]
            }),
        }
    }
}

#[test]
fn any_one_change_of_the_journal_is_named_where_it_is() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let kept = runtime.block_on(Kept::new());
    let sound = runtime.block_on(kept.found());
    assert_eq!((sound.broken, sound.records, sound.heads), (None, 16, 3));
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let result = runner.run(&tampering(), |tampering| {
        kept.restore();
        runtime.block_on(tampering.apply(&kept));
        let found = runtime.block_on(kept.found());
        match tampering.must_be() {
            None => prop_assert_eq!(found.broken, None),
            Some(one_of) => {
                let broken = found.broken;
                prop_assert!(
                    broken.is_some_and(|broken| one_of.contains(&broken)),
                    "{:?} of {:?}",
                    broken,
                    one_of
                );
            }
        }
        Ok(())
    });
    result.unwrap();
    kept.restore();
    assert_eq!(runtime.block_on(kept.found()), sound);
}
