//! `kdp keys export`: a private key leaves the service only when two persons want it.

use crate::cli::argument::Installation;
use crate::cli::pair::{self, Matter};
use crate::cli::{Failure, Outcome, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::operator::duty::Errand;
use kdp::token::key::SigningKey;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Writes a private key of the service to a new file: PKCS#8, PEM, readable by its owner only
///
/// Two persons are needed: the first run asks, another security officer approves, the same command run again writes.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp keys export NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --out token.key.pem --config kdp.toml"
)]
pub struct Export {
    /// The key, as `kdp keys list` names it
    // A thumbprint is base64url: it may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    kid: String,
    /// The file; an existing one is never touched
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    at: Installation,
    /// Print {"kid", "file"}, or the approval that is wanting
    #[arg(long)]
    json: bool,
}

/// Exports.
pub async fn run(args: &Export, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let ring = access.registry().await?.keys;
    let key = ring.find(&args.kid).map(SigningKey::record).transpose()?;
    let key = key.ok_or_else(|| Failure::refused("no key has this KID: see `kdp keys list`"))?;
    let agreed = match pair::agreed(&access, &Matter::Export { kid: args.kid.clone() }, args.json).await? {
        Ok(agreed) => agreed,
        Err(wanting) => return Ok(wanting),
    };
    // Before the approval is used up: a path that cannot be written costs nothing.
    let file = create(&args.out)?;
    let detail = json!({ "kid": key.kid, "approved_by": agreed.by });
    let deed = access.deed("registration", "key exported").detail(&detail).about(Some(agreed.claim.id));
    let claim = agreed.claim;
    let taken = access.change(deed, |store, record| store.claim(claim, record)).await;
    if !matches!(taken, Ok(true)) {
        let _ = std::fs::remove_file(&args.out);
        return Err(taken.err().unwrap_or_else(pair::taken));
    }
    write(file, &key.pkcs8).map_err(|e| cannot(&args.out, &e))?;
    let value = json!({ "kid": key.kid, "file": args.out.display().to_string() });
    Ok(Outcome::either(args.json, &value, || format!("{} written to {}\n", key.kid, args.out.display())))
}

fn create(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|e| cannot(path, &e))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::unusable(format!("{}: {}", path.display(), error.kind()))
}

/// Writes a PEM file (RFC 7468); what is made on the way is wiped.
fn write(mut file: File, pkcs8: &[u8]) -> std::io::Result<()> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    file.write_all(b"-----BEGIN PRIVATE KEY-----\n")?;
    for line in body.as_bytes().chunks(64) {
        file.write_all(line)?;
        file.write_all(b"\n")?;
    }
    file.write_all(b"-----END PRIVATE KEY-----\n")?;
    file.sync_all()
}
