//! Canonical forms against other implementations: a suite on which libxml2 and
//! Apache Santuario agree, and the program `xmllint` over our own documents.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod suite;

use std::path::{Path, PathBuf};
use std::process::Command;

use kdp::xml::c14n::{self, Method, Target};
use kdp::xml::{Document, ErrorKind, Limits};
use ring::digest::{SHA256, digest};
use serde_json::Value;

#[test]
fn every_agreed_canonical_form_is_ours_too() {
    let Some(folder) = suite::unpack("c14n") else {
        return;
    };
    let cases = std::fs::read_to_string(folder.path().join("agreed.jsonl")).unwrap();
    let mut wrong = Vec::new();
    let (mut total, mut converted, mut refused) = (0usize, 0usize, 0usize);
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["in_"].as_str().unwrap();
        let path = folder.path().join("in").join(name);
        let source = std::fs::read(&path).unwrap();
        total += 1;
        let verdict = match Document::parse(&source, &limits()) {
            Ok(document) => compare(&document, &case),
            Err(error) if error.kind == ErrorKind::Doctype => {
                refused += 1;
                Ok(())
            }
            // The suite has documents in other encodings. We refuse them; what they
            // say in UTF-8 must still have the agreed form.
            Err(error) if is_of_encoding(error.kind) => {
                converted += 1;
                let source = to_utf8(&path, &source);
                match Document::parse(&source, &limits()) {
                    Ok(document) => compare(&document, &case),
                    Err(error) => Err(format!("refused after conversion: {error}")),
                }
            }
            Err(error) => Err(format!("refused: {error}")),
        };
        if let Err(reason) = verdict {
            wrong.push(format!("{line}\n    {reason}"));
        }
    }
    println!(
        "c14n suite: {} of {total} right ({converted} after conversion to UTF-8, {refused} refused for a DOCTYPE)",
        total - wrong.len()
    );
    let shown: Vec<_> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), shown.join("\n"));
    assert_eq!(total, 9883, "the suite is not the one we know");
}

#[test]
fn our_documents_have_the_canonical_forms_that_xmllint_gives_them() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the program xmllint (Debian: libxml2-utils) is not installed");
        return;
    }
    let mut count = 0;
    for path in fixtures("xml") {
        let source = std::fs::read(&path).unwrap();
        let document = Document::parse(&source, &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for (option, exclusive) in [("--c14n", false), ("--exc-c14n", true)] {
            // xmllint keeps comments and takes the whole document, always.
            let method = Method { exclusive, comments: true, inclusive_prefixes: &[] };
            let xmllint = Command::new("xmllint").args(["--nonet", option]).arg(&path).output();
            let expected = xmllint.unwrap();
            assert!(expected.status.success(), "xmllint refuses {}", path.display());
            assert_eq!(
                canonical(&document, &method),
                String::from_utf8(expected.stdout).unwrap(),
                "{} {option}",
                path.display()
            );
        }
        count += 1;
    }
    println!("xmllint: {count} documents equal in both forms");
    assert!(count >= 100, "only {count} documents");
}

/// `xmllint` has no option for a list, so what libxml2 2.9.14 gives through its
/// library is kept beside the document: `NAME.prefixes` and `NAME.exclusive`.
#[test]
fn prefix_lists_are_honoured_as_libxml2_does() {
    let mut count = 0;
    for path in fixtures("prefixes") {
        let list = std::fs::read_to_string(&path).unwrap();
        let prefixes: Vec<&str> = list.split_whitespace().collect();
        let source = std::fs::read(path.with_extension("xml")).unwrap();
        let document = Document::parse(&source, &Limits::default()).unwrap();
        let method = Method { exclusive: true, comments: true, inclusive_prefixes: &prefixes };
        let expected = std::fs::read_to_string(path.with_extension("exclusive")).unwrap();
        assert_eq!(canonical(&document, &method), expected, "{}", path.display());
        let plain = Method { inclusive_prefixes: &[], ..method };
        count += usize::from(canonical(&document, &plain) != expected);
    }
    println!("prefix lists: {count} documents in which the list makes a difference");
    assert!(count >= 8, "only {count} documents");
}

fn canonical(document: &Document<'_>, method: &Method<'_>) -> String {
    let mut out = Vec::new();
    c14n::write(document, method, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The files of `fixtures/c14n` with this extension, in the order of their names.
fn fixtures(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/c14n");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    paths.sort();
    paths
}

fn compare(document: &Document<'_>, case: &Value) -> Result<(), String> {
    let prefixes: Vec<&str> = case["incl"]
        .as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let method = Method {
        exclusive: case["alg"] == "exc",
        comments: case["comments"] == Value::Bool(true),
        inclusive_prefixes: &prefixes,
    };
    let target = match case["elem"].as_u64() {
        None => Target::Document(document),
        Some(index) => {
            let index = usize::try_from(index).unwrap();
            Target::Element(document.elements().nth(index).ok_or("no such element")?)
        }
    };
    let mut out = Vec::new();
    c14n::write(target, &method, &mut out).map_err(|error| error.to_string())?;
    let hash = digest(&SHA256, &out);
    let hash: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if case["sha256"] == hash.concat() {
        Ok(())
    } else {
        Err(format!("{} bytes instead of {}", out.len(), case["len"]))
    }
}

fn is_of_encoding(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Utf16 | ErrorKind::Encoding | ErrorKind::InvalidUtf8)
}

/// The document in UTF-8 without an XML declaration, which no canonical form shows.
fn to_utf8(path: &Path, source: &[u8]) -> Vec<u8> {
    let ascii: String = source.iter().filter(|&&b| b != 0).take(200).map(|&b| char::from(b)).collect();
    let declared = ascii.split("encoding").nth(1).and_then(|rest| rest.split(['"', '\'']).nth(1));
    let encoding = match source {
        [0xFE | 0xFF, ..] => "UTF-16",
        [0, ..] => "UTF-16BE",
        [_, 0, ..] => "UTF-16LE",
        _ => declared.expect("a declared encoding"),
    };
    let output = Command::new("iconv")
        .args(["-f", encoding, "-t", "UTF-8"])
        .arg(path)
        .output()
        .expect("the program iconv");
    assert!(output.status.success(), "iconv cannot read {}", path.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.trim_start_matches('\u{FEFF}');
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest.trim_start().into(),
        None => text.into(),
    }
}

/// What is tested is the standard, not our limits.
fn limits() -> Limits {
    Limits {
        depth: 10_000,
        nodes: 1_000_000,
        attributes_total: 100_000,
        attributes_per_element: 10_000,
        name_bytes: 60_000,
    }
}
