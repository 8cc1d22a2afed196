//! The report as `JUnit` XML, as build servers read it.

use super::report::{End, Report, Told};
use crate::cli::{Failure, Result};
use kdp::clock;
use kdp::xml::Writer;
use std::path::Path;
use std::time::Duration;

/// Writes the file.
pub fn write(path: &Path, text: &str) -> Result<()> {
    let cannot =
        |error: std::io::Error| Failure::unusable(format!("--junit: {}: {}", path.display(), error.kind()));
    std::fs::write(path, text).map_err(cannot)
}

/// The report as a document of one suite.
pub fn document(report: &Report) -> Result<String> {
    let [tests, failures] = [report.steps.len(), report.count("failed")].map(|count| count.to_string());
    let [errors, skipped] = ["error", "skipped"].map(|word| report.count(word).to_string());
    let (title, time) = (clean(&report.title), seconds(report.took()));
    // Readers know neither fractions nor offsets here.
    let timestamp: String = clock::text(report.began).chars().take(19).collect();
    let counts = [
        ("name", title.as_str()),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", &skipped),
        ("time", &time),
        ("timestamp", &timestamp),
    ];
    let mut writer = Writer::new();
    writer.open("testsuites", &[], &counts).open("testsuite", &[], &counts);
    for told in &report.steps {
        case(&mut writer, &title, told);
    }
    writer.close().close();
    let text = String::from_utf8(writer.finish()?.into_bytes())?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n"))
}

fn case(writer: &mut Writer<'_>, title: &str, told: &Told) {
    let (name, time) = (clean(&told.name), seconds(told.seconds));
    writer.open("testcase", &[], &[("name", &name), ("classname", title), ("time", &time)]);
    let why: Vec<String> = told.why().iter().map(|line| clean(line)).collect();
    let message = why.first().map_or("", String::as_str);
    let element = match told.end {
        End::Passed => None,
        End::Failed(_) => Some("failure"),
        End::Impossible(_) => Some("error"),
        End::Skipped(_) => Some("skipped"),
    };
    if let Some(element) = element {
        writer.open(element, &[], &[("message", message)]).text(&why.join("\n")).close();
    }
    writer.close();
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

/// Without what XML 1.0 has no place for.
fn clean(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'), " ")
}
