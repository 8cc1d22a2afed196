//! The configuration as an operator meets it: the sample is complete and true, mistakes are named.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use kdp::config::Config;
use std::collections::BTreeSet;
use std::path::Path;
use toml::{Table, Value};

#[test]
fn the_sample_is_the_default_configuration() {
    let read = Config::parse(&sample()).unwrap();
    assert_eq!(format!("{read:#?}"), format!("{:#?}", Config::default()));
}

#[test]
fn the_sample_shows_every_key() {
    let text = with_examples(&sample());
    let read = Config::parse(&text).unwrap();
    let mut shown = BTreeSet::new();
    keys_of_table(&toml::from_str(&text).unwrap(), "", &mut shown);
    // What has no value has no key to show: a peer that pins no sender, for instance.
    let known = keys_of_debug(&format!("{read:#?}"));
    let known: BTreeSet<String> =
        known.into_iter().filter(|(_, value)| value != "None").map(|(key, _)| key).collect();
    assert_eq!(shown, known);
    for optional in ["tls.certificate", "tls.key", "peers.shep.kind", "peers.bank.sender_id"] {
        assert!(shown.contains(optional), "{optional} is not shown");
    }
}

#[test]
fn the_sample_explains_every_key_in_a_line_above_it() {
    let text = sample();
    let lines: Vec<&str> = text.lines().collect();
    for (above, line) in lines.iter().zip(lines.iter().skip(1)) {
        if example(line).unwrap_or(line).contains(" = ") && !is_comment(line) {
            assert!(is_comment(above), "no comment above `{line}`");
        }
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    for (text, line, key) in [
        ("port = 1\n", "line 1", "port"),
        ("[listen]\npublic = \"127.0.0.1:1\"\npublik = \"\"\n", "line 3", "publik"),
        ("\n\n[limits]\nbody = 1\n", "line 4", "body"),
        ("[peers.shep]\nkind = \"gateway\"\nrole = \"gateway\"\n", "line 3", "role"),
        ("[journal]\npath = \"\"\n", "line 2", "path"),
        ("[sandbox]\n", "line 1", "sandbox"),
    ] {
        let error = refused(text);
        assert!(error.contains(line) && error.contains(key), "{error}");
    }
}

#[test]
fn a_value_of_a_wrong_type_is_refused_with_its_line() {
    for (text, line) in [
        ("[listen]\npublic = \"localhost\"\n", "line 2"),
        ("[limits]\n\nin_flight = -1\n", "line 3"),
        ("environment = \"staging\"\n", "line 1"),
        ("[trust]\nanswer_key_info = \"x509\"\n", "line 2"),
        ("[tls]\nkey = \"key.pem\"\n", "line 1"),
        ("[limits]\nbody_bytes = 1\nbody_bytes = 2\n", "line 3"),
    ] {
        let error = refused(text);
        assert!(error.contains(line), "{error}");
    }
}

#[test]
fn a_senseless_value_is_refused_by_the_name_of_its_key() {
    for (text, key) in [
        ("[database]\nsynchronous = \"off\"\n", "database.synchronous"),
        ("[database]\nurl = \"sqlite://kdp.db\"\n", "database.url"),
        ("[database]\nurl = \"postgres://host/kdp\"\n", "database.url"),
        ("[limits]\nanswer_seconds = 0\n", "limits.answer_seconds"),
        ("[limits]\nretry_seconds = -1\n", "limits.retry_seconds"),
        ("[limits]\ncollect_seconds = 0\n", "limits.collect_seconds"),
        ("[limits]\novt_lifetime_seconds = 0\n", "limits.ovt_lifetime_seconds"),
        ("[limits]\nin_flight = 0\n", "limits.in_flight"),
        ("[limits]\nheader_bytes = 100\n", "limits.header_bytes"),
        ("[method_5]\ncode_seconds = 0\n", "method_5.code_seconds"),
        ("[method_5]\nattempts = 0\n", "method_5.attempts"),
        ("[token]\nkey_days = 0\n", "token.key_days"),
        ("[log]\nlevel = \"a=b=c\"\n", "log.level"),
        ("[sms]\nask = \"one half\"\n", "ask"),
        ("[sms]\nhelp = \"{code} / {code}\"\n", "help"),
    ] {
        let error = refused(text);
        assert!(error.contains(key), "{key} is not named: {error}");
    }
}

#[test]
fn commits_may_skip_the_disk_on_a_test_stand() {
    let text = "environment = \"test\"\n[database]\nsynchronous = \"off\"\n";
    assert!(Config::parse(text).is_ok());
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let error = Config::read(Path::new("no-such-folder/kdp.toml")).unwrap_err();
    assert!(error.to_string().starts_with("no-such-folder/kdp.toml: "), "{error}");
}

fn refused(text: &str) -> String {
    Config::parse(text).expect_err(text).to_string()
}

fn sample() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kdp.toml");
    std::fs::read_to_string(path).unwrap()
}

/// The sample with the keys and sections that it shows without setting them.
fn with_examples(sample: &str) -> String {
    sample
        .lines()
        .map(|line| example(line).unwrap_or(line))
        .fold(String::new(), |text, line| text + line + "\n")
}

/// A key or section that is shown: `#` with no blank after it.
fn example(line: &str) -> Option<&str> {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|first: char| first == '[' || first.is_ascii_lowercase()))
}

fn is_comment(line: &str) -> bool {
    line.starts_with("# ")
}

fn keys_of_table(table: &Table, prefix: &str, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(inner) if !inner.is_empty() => keys_of_table(inner, &format!("{key}."), keys),
            _ => assert!(keys.insert(key)),
        }
    }
}

/// Keys and values of `{:#?}`: the only form in which a struct tells all its fields by itself, so that a
/// field added without a line in the sample is noticed.
fn keys_of_debug(text: &str) -> Vec<(String, String)> {
    let mut path: Vec<Option<&str>> = Vec::new();
    let mut keys = Vec::new();
    for line in text.lines().map(|line| line.trim().trim_end_matches(',')) {
        let (name, value) = match line.split_once(": ") {
            Some((name, value)) => (Some(name.trim_matches('"')), value),
            None => (None, line),
        };
        match value {
            "}" | ")" | "]" => {
                path.pop();
            }
            _ if value.ends_with(['{', '(', '[']) => path.push(name),
            _ => {
                let key: Vec<&str> = path.iter().copied().chain([name]).flatten().collect();
                keys.push((key.join("."), value.to_owned()));
            }
        }
    }
    keys
}
