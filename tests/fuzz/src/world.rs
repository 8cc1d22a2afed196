//! The world of the fixtures, as the targets believe it, and keys of ГОСТ beside it that are the same in
//! every run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::trust::algorithm::key;
use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, tag};
use kdp::trust::gost::Scheme;
use kdp::trust::issue::{Attribute, Issuer, Name, Purpose, Request};
use kdp::trust::path::Authorities;
use kdp::trust::sign::{GostSigner, RsaSigner, Signer};
use std::path::{Path, PathBuf};

/// The time of the fixtures, 2026-04-01T12:00:00+05:00, Unix seconds.
pub const NOW: i64 = 1_775_026_800;

const YEAR: i64 = 365 * 86_400;

/// The bytes of a file, by its path from the root of the repository.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn file(path: &str) -> Vec<u8> {
    let path = root().join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files of a folder that end so, in the order of their names.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn files(folder: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)));
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every certificate of the fixtures and of the national PKI.
#[must_use]
pub fn certificates() -> Vec<Certificate> {
    let folders = ["fixtures/pki", "fixtures/nca/test", "deploy/nca"];
    let files = folders.iter().flat_map(|folder| files(folder, &[".pem", ".cer", ".crt"]));
    files.filter_map(|file| Certificate::from_file(&file).ok()).collect()
}

/// The authorities among them.
#[must_use]
pub fn authorities() -> Authorities {
    let mut authorities = Authorities::default();
    for certificate in certificates().into_iter().filter(Certificate::is_authority) {
        // Some are of algorithms that are not accepted.
        let _ = authorities.add(certificate);
    }
    authorities
}

/// A certificate of the fixtures' peers.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn certificate(name: &str) -> Certificate {
    Certificate::from_file(&file(&format!("fixtures/pki/{name}.pem"))).expect("a certificate of the fixtures")
}

/// An RSA key of the fixtures.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn rsa(name: &str) -> RsaSigner {
    let pem = String::from_utf8(file(&format!("fixtures/pki/{name}.key.pem"))).expect("PEM is text");
    RsaSigner::from_pem(&pem).expect("a key of the fixtures")
}

/// A key of ГОСТ, the same in every run: `number` is its private number.
///
/// # Panics
/// Never with a number above zero.
#[must_use]
pub fn gost(scheme: Scheme, number: u8) -> GostSigner {
    let (identifier, parameters) = key::of_gost(scheme);
    let mut scalar = vec![0x5a; scheme.width()];
    scalar[0] = number;
    scalar[scheme.width() - 1] = 0x0a;
    let scalar = der::value(tag::OCTET_STRING, &scalar);
    let info = der::sequence(&[
        &der::integer(&[0]),
        &der::sequence(&[&der::value(tag::OID, identifier), &parameters]),
        &der::value(tag::OCTET_STRING, &scalar),
    ]);
    GostSigner::from_pkcs8_der(&info).expect("a number below q")
}

/// An authority of ГОСТ 34.310-2004, the scheme that signs fastest: what a target signs anew, it signs by
/// this one.
pub struct OwnAuthority {
    /// Its key.
    pub key: GostSigner,
    /// Its certificate. Everything but the signature on it is the same in every run.
    pub certificate: Certificate,
    /// What it issued: a signer of messages, and a responder of OCSP.
    pub leaf: Certificate,
    /// See `leaf`.
    pub responder: Certificate,
    /// The key of the responder.
    pub responder_key: GostSigner,
}

impl OwnAuthority {
    /// The authority.
    ///
    /// # Panics
    /// Never: all that it issues is well formed.
    #[must_use]
    pub fn new() -> Self {
        let [key, leaf_key, responder_key] = [1, 2, 3].map(|number| gost(Scheme::Gost2004, number));
        let own = Name::new(&[(Attribute::CommonName, "KDP FUZZ CA (TEST)"), (Attribute::Country, "KZ")]);
        let named = |name| Name::new(&[(Attribute::CommonName, name), (Attribute::Unit, "BIN260140990117")]);
        let issue = |subject: &Name, spki: &[u8], serial: u8, purpose: Purpose<'_>| {
            let validity = (NOW - YEAR, NOW + YEAR);
            let request = Request { subject, spki, serial: &[serial], validity, purpose };
            let der = Issuer { name: &own, signer: &key }.issue(&request).expect("it can be issued");
            Certificate::from_der(&der).expect("it can be read")
        };
        let certificate = issue(&own, key.public_key_spki(), 1, Purpose::Authority);
        let messages = Purpose::Messages(&["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6"]);
        let leaf = issue(&named("LEAF"), leaf_key.public_key_spki(), 2, messages);
        let signing = Purpose::Messages(&["1.3.6.1.5.5.7.3.9"]);
        let responder = issue(&named("OCSP"), responder_key.public_key_spki(), 3, signing);
        Self { key, certificate, leaf, responder, responder_key }
    }
}

impl Default for OwnAuthority {
    fn default() -> Self {
        Self::new()
    }
}

/// A row of `fixtures/gost/vectors.txt`.
pub struct Vector {
    /// Which of the two.
    pub scheme: Scheme,
    /// x ‖ y.
    pub key: Vec<u8>,
    /// What is signed.
    pub message: Vec<u8>,
    /// r ‖ s.
    pub signature: Vec<u8>,
}

/// All rows.
///
/// # Panics
/// When the file is not what it was.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let text = String::from_utf8(file("fixtures/gost/vectors.txt")).expect("vectors are text");
    let bytes = |digits: &str| -> Vec<u8> {
        let pairs = (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16));
        pairs.collect::<Result<_, _>>().expect("hexadecimal digits")
    };
    let vector = |line: &str| -> Vector {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let scheme = if words[0] == "256" { Scheme::Gost2004 } else { Scheme::Gost2015 };
        Vector { scheme, key: bytes(words[1]), message: bytes(words[2]), signature: bytes(words[3]) }
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(vector).collect()
}

/// Base64 as in XML and PEM.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
