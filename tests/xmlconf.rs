//! The front door: the W3C conformance tests of XML 1.0, as far as a parser
//! without document types has to pass them.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod suite;

use kdp::xml::{Document, ErrorKind, Limits};
use serde_json::Value;

#[test]
fn every_document_of_the_w3c_suite_is_judged_as_the_standard_and_the_policy_say() {
    let Some(folder) = suite::unpack("xmlconf") else {
        return;
    };
    let cases = std::fs::read_to_string(folder.path().join("cases.jsonl")).unwrap();
    let mut wrong = Vec::new();
    let mut counts = [0usize; Group::NAMES.len()];
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let file = case["file"].as_str().unwrap();
        let source = std::fs::read(folder.path().join(file)).unwrap();
        let verdict = Document::parse(&source, &limits()).map(|_| ()).map_err(|error| error.kind);
        let group = Group::of(&case);
        counts[group as usize] += 1;
        if !group.allows(verdict) {
            wrong.push(format!("{file} ({}): {verdict:?}", Group::NAMES[group as usize]));
        }
    }
    let total: usize = counts.iter().sum();
    println!("xmlconf: {} of {total} right", total - wrong.len());
    for (name, count) in Group::NAMES.iter().zip(counts) {
        println!("  {count:5} {name}");
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(counts, [2183, 77, 241, 2, 68, 5], "the suite is not the one we know");
}

/// What is expected of a document.
#[derive(Clone, Copy)]
enum Group {
    Doctype,
    Version,
    IllFormed,
    /// Ill formed by the name characters of editions 1 to 4 only. The suite holds the
    /// same documents again, without their XML declaration, as well formed by the
    /// fifth edition, which is ours.
    EarlierEdition,
    WellFormed,
    Either,
}

impl Group {
    const NAMES: [&str; 6] = [
        "with the text of a DOCTYPE, refused",
        "of XML 1.1, refused",
        "ill formed, refused",
        "ill formed by editions 1 to 4, well formed by the fifth, accepted",
        "well formed, accepted",
        "either (UTF-16, undeclared prefixes), judged without a panic",
    ];

    fn of(case: &Value) -> Self {
        let is_utf16 = case["encoding"].as_str().is_some_and(|name| name == "utf-16");
        let is_of_names = matches!(case["id"].as_str(), Some("rmt-016" | "rmt-019"));
        match case["expect"].as_str().unwrap() {
            _ if case["doctype"] == Value::Bool(true) => Self::Doctype,
            _ if case["version"] == "1.1" => Self::Version,
            "must-reject" if is_of_names && case["edition"] == "1 2 3 4" => Self::EarlierEdition,
            "must-reject" => Self::IllFormed,
            "must-accept-wf" if !is_utf16 && case["ns"] == "yes" => Self::WellFormed,
            "must-accept-wf" | "either" => Self::Either,
            unknown => panic!("unknown expectation {unknown}"),
        }
    }

    fn allows(self, verdict: Result<(), ErrorKind>) -> bool {
        match self {
            Self::Doctype | Self::Version | Self::IllFormed => verdict.is_err(),
            Self::EarlierEdition | Self::WellFormed => verdict.is_ok(),
            Self::Either => true,
        }
    }
}

/// What is tested is the standard, not our limits.
fn limits() -> Limits {
    Limits {
        depth: 1000,
        nodes: 1_000_000,
        attributes_total: 100_000,
        attributes_per_element: 10_000,
        name_bytes: 60_000,
    }
}
