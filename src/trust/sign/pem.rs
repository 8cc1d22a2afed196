//! Private keys in PEM files (RFC 7468).

use super::SignError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The private key of a PEM text as its label calls it, DER.
pub enum PemKey {
    /// `PrivateKeyInfo` of any kind.
    Pkcs8(Zeroizing<Vec<u8>>),
    /// `RSAPrivateKey`.
    Rsa(Zeroizing<Vec<u8>>),
    /// `ECPrivateKey`.
    Ec(Zeroizing<Vec<u8>>),
}

/// Finds the first private key of a PEM text.
pub fn first_key(pem: &str) -> Result<PemKey, SignError> {
    let mut rest = pem;
    while let Some((_, block)) = rest.split_once("-----BEGIN ") {
        let (label, body) = block.split_once("-----").ok_or(SignError::Malformed)?;
        let (body, after) = body.split_once("-----END ").ok_or(SignError::Malformed)?;
        rest = after;
        return match label {
            // Old encrypted PKCS#1 files say so in headers within the block.
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" if body.contains("ENCRYPTED") => Err(SignError::Encrypted),
            "ENCRYPTED PRIVATE KEY" => Err(SignError::Encrypted),
            "DSA PRIVATE KEY" => Err(SignError::Kind),
            "PRIVATE KEY" => pem_body(body).map(PemKey::Pkcs8),
            "RSA PRIVATE KEY" => pem_body(body).map(PemKey::Rsa),
            "EC PRIVATE KEY" => pem_body(body).map(PemKey::Ec),
            _ => continue,
        };
    }
    Err(SignError::NoKey)
}

/// Decodes the lines of a PEM block; every copy of the secret that is made here is wiped.
fn pem_body(lines: &str) -> Result<Zeroizing<Vec<u8>>, SignError> {
    let mut text = Zeroizing::new(Vec::with_capacity(lines.len()));
    text.extend(lines.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(&*text).map(Zeroizing::new).map_err(|_| SignError::Malformed)
}
