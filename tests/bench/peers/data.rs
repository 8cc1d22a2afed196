//! What the peers read: keys and certificates, which are those of the test PKI, so that one gateway signs for all; and
//! the tokens that they look up.

use crate::installation::pki;
use kdp::trust::algorithm::sha256;
use kdp::trust::certificate::Certificate;
use kdp::trust::issue::pem;
use kdp::trust::sign::{EcSigner, Signer as _};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Tokens that the peers know.
const TOKENS: u32 = 100_000;

/// Writes it into `directory`; answers with the ids of the tokens that are active.
pub fn write(directory: &Path) -> Result<Vec<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", directory.display());
    fs::create_dir_all(directory).map_err(|error| failed(&error))?;
    for (ours, theirs) in [
        ("ca.pem", "ca.pem"),
        ("service.cert.pem", "service.pem"),
        ("service.key.pem", "service.key"),
        // Who signs verification tokens: here the initiator.
        ("bank.cert.pem", "idp.pem"),
    ] {
        let text = fs::read(pki(ours)).map_err(|error| failed(&error))?;
        fs::write(directory.join(theirs), text).map_err(|error| failed(&error))?;
    }
    let bank = fs::read(pki("bank.cert.pem")).map_err(|error| failed(&error))?;
    let bank = Certificate::from_file(&bank).map_err(|error| failed(&error))?;
    // They read a key for ES256 too, even if they sign by RS256, as we do.
    let unused = EcSigner::generate().and_then(|key| key.to_pkcs8_der()).map_err(|error| failed(&error))?;
    let mut rows = String::new();
    let mut active = Vec::new();
    for number in 0..TOKENS {
        let (id, revoked) = (id(number), number % 10 == 0);
        let state = if revoked { "revoked" } else { "active" };
        let _ = writeln!(rows, "{id},{number:012},{state}");
        if !revoked {
            active.push(id);
        }
    }
    for (name, text) in [
        ("idp.pub", pem("PUBLIC KEY", bank.spki())),
        ("tokenes.key", pem("PRIVATE KEY", &unused)),
        ("tokens.csv", rows),
    ] {
        fs::write(directory.join(name), text).map_err(|error| failed(&error))?;
    }
    Ok(active)
}

/// The id of the token with this number, in the form of a UUID: in no order, as ids are.
fn id(number: u32) -> String {
    let digest = sha256(&number.to_be_bytes());
    let hex: String = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
