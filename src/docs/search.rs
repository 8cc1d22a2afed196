//! The index of the search: a script that a page loads, since a page from a folder may not fetch a file.

use super::markup::Body;
use super::page::Page;
use serde::Serialize;

/// A place that can be found.
#[derive(Serialize)]
pub struct Entry {
    /// Address beside the page that is read.
    u: String,
    /// Title of the section.
    t: String,
    /// Title of its page.
    p: String,
    /// Its text.
    x: String,
}

/// The places of a page.
pub fn entries(page: &Page, body: &Body) -> Vec<Entry> {
    let title = body.sections.first().map_or_else(String::new, |section| section.title.trim().to_owned());
    let entry = |section: &super::markup::Section| Entry {
        u: format!("{}.html#{}", page.name, section.id),
        t: section.title.trim().to_owned(),
        p: title.clone(),
        x: section.text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    body.sections.iter().map(entry).collect()
}

/// The script: one JSON array, an entry a line.
pub fn script(entries: &[Entry]) -> String {
    // Strings alone: they always become JSON.
    let lines: Vec<_> = entries.iter().filter_map(|entry| serde_json::to_string(entry).ok()).collect();
    format!("window.kdpIndex = [\n{}\n];\n", lines.join(",\n"))
}
