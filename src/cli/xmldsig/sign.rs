//! `kdp xmldsig sign`.

use crate::cli::{Failure, Outcome, Result, argument};
use kdp::trust::data_signature;
use kdp::xml::Document;
use std::path::PathBuf;

/// Signs an XML file with an enveloped signature
///
/// The signature becomes the last child of the root: URI "", enveloped-signature, C14N 1.0, with the certificate in it;
/// RSA-SHA256 or ГОСТ, as the key is. The document is written in canonical form, its comments kept, so that signatures
/// that are on it stay good. Exit 2: the file, the key or the certificate cannot be used.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp xmldsig sign contract.xml --key key.pem --cert cert.pem --out signed.xml"
)]
pub struct Args {
    /// The document
    file: PathBuf,
    /// The private key, PEM, not encrypted: RSA or ГОСТ
    #[arg(long)]
    key: PathBuf,
    /// Its certificate, PEM or DER
    #[arg(long)]
    cert: PathBuf,
    /// Where to write the signed document; to stdout, when it is not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Signs a file.
pub fn run(args: &Args) -> Result {
    let name = args.file.display();
    let bytes = argument::file(&args.file)?;
    let limits = super::verify::limits();
    let document =
        Document::parse(&bytes, &limits).map_err(|error| Failure::unusable(format!("{name}: {error}")))?;
    let (key, certificate) = (argument::private_key(&args.key)?, argument::certificate(&args.cert)?);
    let is_of_key = certificate.key().is_ok() && certificate.spki() == key.public_key_spki();
    if !is_of_key {
        return Err(Failure::unusable("the private key does not belong to the certificate"));
    }
    let signed = data_signature::sign(&document, &*key, &certificate, &limits)
        .map_err(|error| Failure::unusable(format!("{name}: {error}")))?;
    match &args.out {
        None => {
            let text = String::from_utf8(signed);
            Ok(Outcome::accepted(text.map_err(|_| Failure::unusable("the document is not UTF-8"))?))
        }
        Some(path) => {
            std::fs::write(path, signed)
                .map_err(|error| Failure::unusable(format!("{}: {}", path.display(), error.kind())))?;
            Ok(Outcome::accepted(String::new()))
        }
    }
}
