//! The configuration: what is refused is refused with its line or key, and shows no value.

#![no_main]

use kdp::config::{Config, ConfigError};
use kdp_fuzz::{seed, world};
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use toml::{Table, Value};

/// Shortest value that is looked for in an error.
const SHORTEST: usize = 7;
/// Words that stand in errors by themselves.
const OWN: [&str; 16] = [
    "production",
    "gateway",
    "direct",
    "ignored",
    "required",
    "subject",
    "certificate",
    "issuer-serial",
    "binary-token",
    "x509-data",
    "ocsp-then-crl",
    "initiator",
    "reference",
    "sqlite:",
    "integer",
    "boolean",
];

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text) {
        Ok(config) => sound(&config),
        Err(error) => told(text, &error),
    }
});

/// What is taken can be used.
fn sound(config: &Config) {
    match config.location() {
        Ok(location) => assert!(location.file().map_or(true, Path::is_absolute)),
        // Its files cannot be read here.
        Err(_) => assert!(config.database.url.starts_with("postgres")),
    }
    assert!(config.templates().is_ok());
    assert!(
        config.limits.body_bytes > 0 && config.limits.in_flight > 0 && config.limits.exchange_seconds > 0
    );
    assert!(config.spans().answer > 0 && config.method_5.attempts > 0);
    let now = world::NOW * 1000;
    assert!(config.sweeping(now).persons_before < now);
    assert!(config.services.find(&config.services.access_request).is_some());
}

fn told(text: &str, error: &ConfigError) {
    let told = error.to_string();
    assert!(told.len() <= 1500, "{} bytes of error", told.len());
    if let ConfigError::Syntax(_) = error {
        let line =
            told.split_once("line ").and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
        let line: usize = line.and_then(|line| line.parse().ok()).expect("the line is told");
        assert!((1..=text.lines().count() + 1).contains(&line), "line {line}");
    }
    let mut values = Vec::new();
    match text.parse::<Table>() {
        Ok(table) => {
            let mut keys = String::new();
            collect(&Value::Table(table), &mut values, &mut keys);
            // A key may be told, and a value may be spelled like one.
            values.retain(|value| !keys.contains(value.as_str()));
        }
        // What cannot be read may still hold a secret.
        Err(_) => values.extend(text.split('"').skip(1).step_by(2).map(str::to_owned)),
    }
    for value in values {
        let is_own = OWN.iter().any(|own| own.contains(&*value) || value.contains(own));
        if value.len() >= SHORTEST && !is_own && told.contains(&value) {
            assert!(!follows(text, &value), "the error shows a value: {told}");
        }
    }
}

/// Whether another value in its place is told too: what stands in the error may be a phrase of the reader's own.
fn follows(text: &str, value: &str) -> bool {
    let other: String = value
        .chars()
        .map(|c| match c {
            'a'..='y' | 'A'..='Y' | '0'..='8' => char::from_u32(c as u32 + 1).unwrap_or(c),
            'z' => 'a',
            'Z' => 'A',
            '9' => '0',
            other => other,
        })
        .collect();
    match Config::parse(&text.replace(value, &other)) {
        Ok(_) => false,
        Err(error) => error.to_string().contains(&other),
    }
}

/// The strings of the values, and all the keys.
fn collect(value: &Value, values: &mut Vec<String>, keys: &mut String) {
    match value {
        Value::String(text) => values.push(text.clone()),
        Value::Array(array) => array.iter().for_each(|value| collect(value, values, keys)),
        Value::Table(table) => {
            for (key, value) in table {
                keys.push_str(key);
                keys.push('\n');
                collect(value, values, keys);
            }
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let sample = String::from_utf8(world::file("deploy/kdp.toml")).expect("it is text");
    // As it stands; with every key that it shows; and each section alone, which is shorter.
    let shown: Vec<&str> = sample
        .lines()
        .map(|line| line.strip_prefix('#').filter(|line| line.contains(" = ")).unwrap_or(line))
        .collect();
    let lines = |keep: &dyn Fn(&&&str) -> bool| -> Vec<u8> {
        shown.iter().filter(keep).flat_map(|line| [line.trim_start(), "\n"]).collect::<String>().into_bytes()
    };
    let mut seeds = vec![sample.clone().into_bytes(), lines(&|line| !line.starts_with('#'))];
    let plain =
        String::from_utf8(lines(&|line| !line.starts_with('#') && !line.is_empty())).expect("it is text");
    seeds.extend(
        plain.split("\n[").map(|section| format!("[{}", section.trim_start_matches('[')).into_bytes()),
    );
    let secret = "correct-horse-battery";
    for wrong in [
        format!("password = \"{secret}\"\n"),
        format!("[limits]\nbody_bytes = \"{secret}\"\n"),
        format!("[trust.revocation]\nmode = \"{secret}\"\n"),
        format!("[database]\nurl = \"postgres://kdp:{secret}@host/kdp\"\n"),
        format!("[listen]\npublic = \"{secret}\"\n"),
        format!("[log]\nlevel = \"{secret}=b=c\"\n"),
        format!("[sms]\nask = \"{secret} {{{secret}}} / x\"\n"),
        format!("[database]\nurl = \"{secret}\n"),
        format!("environment = \"{secret}\"\n"),
        "environment = \"test\"\n[database]\nsynchronous = \"off\"\n".to_owned(),
        "[peers.shep]\nkind = \"gateway\"\ncertificates = [\"shep.pem\"]\n".to_owned(),
    ] {
        seeds.push(wrong.into_bytes());
    }
    seeds
}
