//! Signatures on the data (trust.md 1): documents that xmlsec1 signed, attacks, sequences, ГОСТ, and what a peer that
//! must sign its data is answered with.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "data_signature/attack.rs"]
mod attack;
#[path = "data_signature/change.rs"]
mod change;
#[path = "data_signature/command.rs"]
mod command;
#[path = "common/connection.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod connection;
#[path = "data_signature/golden.rs"]
mod golden;
#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod installation;
#[path = "data_signature/message.rs"]
mod message;
#[path = "data_signature/pki.rs"]
mod pki;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod process;
#[path = "data_signature/sequence.rs"]
mod sequence;
#[path = "data_signature/service.rs"]
mod service;

use kdp::trust::data_signature::{DataDistrust, Signatory, Signed};
use kdp::trust::path::Authorities;
use kdp::xml::c14n::{self, Method, Target};
use kdp::xml::{Document, Limits};
use std::path::{Path, PathBuf};

/// `now` of fixtures/world.json, Unix seconds.
const AT: i64 = 1_775_026_800;

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The documents of a folder of `fixtures/data_signature`, by their names.
fn documents(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fixtures("data_signature").join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

fn document(name: &str) -> Vec<u8> {
    std::fs::read(fixtures("data_signature").join("accepted").join(format!("{name}.xml"))).unwrap()
}

/// Why a document is not believed.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// It is no document.
    Xml,
    /// One of its signatures, or all of them.
    Distrust(DataDistrust),
}

fn verify(bytes: &[u8], authorities: &Authorities) -> Result<Vec<Signatory>, Refusal> {
    let document = Document::parse(bytes, &Limits::default()).map_err(|_| Refusal::Xml)?;
    let signed = Signed::document(&document).map_err(|error| Refusal::Distrust(DataDistrust::All(error)))?;
    signed.verify(authorities, AT).map_err(Refusal::Distrust)
}

/// What is read of a document: its canonical form without the signatures. A signature by Id covers no instruction beside the
/// root, and nothing reads one.
fn content(bytes: &[u8]) -> Vec<u8> {
    let document = Document::parse(bytes, &Limits::default()).unwrap();
    let is_signature = |child: &kdp::xml::Element<'_, '_>| kdp::trust::data_signature::is_signature(*child);
    let signatures: Vec<_> = document.root().children().filter(is_signature).collect();
    let is_whole = !String::from_utf8_lossy(bytes).contains("URI=\"#");
    let target = if is_whole { Target::from(&document) } else { document.root().into() };
    let mut out = Vec::new();
    c14n::write_without(target, &signatures, &Method::INCLUSIVE, &mut out).unwrap();
    out
}
