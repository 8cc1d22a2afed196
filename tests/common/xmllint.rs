//! The second opinion: libxml2, through its `xmllint`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::schema::{Piece, folder};

/// The verdict of libxml2 on each piece; None where xmllint is not installed.
pub fn xmllint(pieces: &[Piece]) -> Option<Vec<Result<(), String>>> {
    let scratch = tempfile::tempdir().unwrap();
    let mut verdicts: Vec<Result<(), String>> = pieces.iter().map(|_| Ok(())).collect();
    let mut by_schema: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, piece) in pieces.iter().enumerate() {
        fs::write(scratch.path().join(format!("{at}.xml")), &piece.document).unwrap();
        by_schema.entry(piece.schema).or_default().push(at);
    }
    for (schema, members) in by_schema {
        let files: Vec<PathBuf> = members.iter().map(|at| scratch.path().join(format!("{at}.xml"))).collect();
        let output = run_xmllint(&folder().join(schema), &files)?;
        let said = String::from_utf8_lossy(&output.stderr);
        for at in members {
            let file = scratch.path().join(format!("{at}.xml")).display().to_string();
            if !said.lines().any(|line| line == format!("{file} validates")) {
                let about: Vec<&str> = said.lines().filter(|line| line.contains(&file)).collect();
                verdicts[at] = Err(if about.is_empty() { said.to_string() } else { about.join("\n") });
            }
        }
    }
    Some(verdicts)
}

pub fn run_xmllint(schema: &Path, documents: &[PathBuf]) -> Option<Output> {
    let output =
        Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(schema).args(documents).output();
    if output.is_err() {
        say_loudly("xmllint is not installed (Debian: libxml2-utils): libxml2's verdict is missing");
    }
    output.ok()
}

/// Past the capture of the test harness, which would swallow it.
pub fn say_loudly(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}
