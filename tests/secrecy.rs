//! Nothing that names a person, and no secret, stands in what the service leaves behind: database, write-ahead log,
//! index, backup, log, metrics, faults, and no core file after a crash (rules.md P; surface of the real binary).
//!
//! The citizen's story runs in a sandbox, with everything logged: all five methods, revocations, checks, accesses,
//! blocks, an application, an incident, an operator. What belongs to the simulators is not searched, for it stands for
//! others: the phones and the registers outside, whose files name everybody.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/connection.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod connection;
#[path = "secrecy/core.rs"]
mod core;
#[path = "secrecy/named.rs"]
mod named;
#[path = "secrecy/search.rs"]
mod search;
#[path = "secrecy/spelling.rs"]
mod spelling;
#[path = "secrecy/story.rs"]
mod story;

use search::Search;
use spelling::spellings;
use std::collections::BTreeSet;
use story::Story;

#[test]
fn nothing_that_the_service_leaves_behind_names_a_person_or_holds_a_secret() {
    let story = Story::play();
    let secrets = story.secrets();
    assert!(secrets.count > 5000, "{} spellings", secrets.count);
    let left = story.left_behind();
    let mut found = Vec::new();
    for (name, bytes) in &left {
        assert!(bytes.len() > 300, "{name}: {} bytes are nothing to search", bytes.len());
        found.extend(secrets.find(bytes).into_iter().map(|finding| format!("{name}: {finding}")));
    }
    let names: BTreeSet<&str> = left.iter().map(|(name, _)| name.as_str()).collect();
    for needed in [
        "kdp.db",
        "kdp.db-wal",
        "kdp.db-shm",
        "backup",
        "backup.manifest",
        "journal",
        "log",
        "metrics",
        "faults",
    ] {
        assert!(names.contains(needed), "{needed} was not searched: {names:?}");
    }
    let count = found.len();
    found.truncate(40);
    assert!(found.is_empty(), "{count} findings, among them\n{}", found.join("\n"));
}

#[test]
fn every_spelling_is_found_where_it_is_planted() {
    let values = [
        "800101399015",
        "77010000001",
        "Тестов Отвечает-Да",
        "Әлімжан-ұлы Ғ.",
        "eyJhbGciOiJSUzI1NiJ9.e30.AbC-d_9",
    ];
    let mut search = Search::new();
    for value in values {
        search.add("it", value);
    }
    // Nothing of it stands in other text, or in noise.
    let noise: Vec<u8> = (0..200_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    assert_eq!(search.find(&noise), Vec::<String>::new());
    for value in values {
        for (how, spelling) in spellings(value) {
            let mut planted = noise[..1000].to_vec();
            planted.push(0);
            planted.extend(&spelling);
            planted.push(0);
            planted.extend(&noise[..1000]);
            assert!(!search.find(&planted).is_empty(), "{how} of {value} is not found");
        }
    }
}

/// Written down by hand, so that the spellings are held against something else than themselves.
#[test]
fn the_spellings_are_those_of_the_world() {
    for (value, how, expected) in [
        ("800101399015", "base64", &b"ODAwMTAxMzk5MDE1"[..]),
        ("800101399015", "HEX", b"383030313031333939303135"),
        ("800101399015", "BCD", b"\x80\x01\x01\x39\x90\x15"),
        ("800101399015", "number, big-endian", b"\x00\xba\x49\xc2\x79\xe7"),
        ("800101399015", "percent", b"%38%30%30%31%30%31%33%39%39%30%31%35"),
        ("800101399015", "&#;", b"&#56;&#48;&#48;&#49;&#48;&#49;&#51;&#57;&#57;&#48;&#49;&#53;"),
        ("800101399015", "in groups", b"800101 399015"),
        ("77010000001", "BCD of SMS", b"\x77\x10\x00\x00\x00\xf1"),
        ("77010000001", "in groups", b"7 701 000 00 01"),
        ("77010000001", "in groups", b"7-701-000-00-01"),
        ("77010000001", "national form", b"(701) 000-00-01"),
        ("Үлгі", "UTF-16LE", b"\xae\x04\x3b\x04\x33\x04\x56\x04"),
        ("Үлгі", "\\u", b"\\u04ae\\u043b\\u0433\\u0456"),
        ("Үлгі", "percent", b"%D2%AE%D0%BB%D0%B3%D1%96"),
        ("Тестов", "cp1251", b"\xd2\xe5\xf1\xf2\xee\xe2"),
        ("Тестов", "&#x;", b"&#x422;&#x435;&#x441;&#x442;&#x43e;&#x432;"),
        ("Тестов", "base64", b"0KLQtdGB0YLQvtCy"),
        ("token?", "reversed", b"?nekot"),
    ] {
        let all = spellings(value);
        assert!(all.iter().any(|(_, spelling)| spelling == expected), "{how} of {value}");
    }
    // Within a longer text, at each of the three places: "x800101399015y" and "xx800101399015y".
    let all = spellings("800101399015");
    for within in ["eDgwMDEwMTM5OTAxNXk", "eHg4MDAxMDEzOTkwMTV5"] {
        assert!(all.iter().any(|(how, spelling)| {
            *how == "base64" && within.as_bytes().windows(spelling.len()).any(|part| part == spelling)
        }));
    }
}
