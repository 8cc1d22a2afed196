//! The signature of a testing act: a compact JWS (RFC 7515) by RS256, by a key of the service that counted the answers.
//!
//! Its `typ` keeps an act from passing for a token, and a token for an act.

use super::{Act, ActError, TYPE};
use crate::token::rsa::VerifyingKey;
use crate::trust::sign::{SignError, SignatureAlgorithm, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Longest signed act, bytes.
pub const MAX_ACT: usize = 512 * 1024;

/// The whole header: nothing else may be in it, and nothing twice.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Signs an act by the key that is published as `kid`.
///
/// # Errors
/// [`SignError`] when the signer fails; [`SignError::Kind`] when it is none for RS256.
pub fn sign(act: &Act, signer: &dyn Signer, kid: &str) -> Result<String, SignError> {
    if signer.algorithm() != SignatureAlgorithm::RsaSha256 {
        return Err(SignError::Kind);
    }
    let header = Header { alg: "RS256".to_owned(), typ: TYPE.to_owned(), kid: kid.to_owned() };
    let header = serde_json::to_vec(&header).map_err(|_| SignError::Failed)?;
    let payload = act.payload().map_err(|_| SignError::Failed)?;
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = signer.sign(message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Verifies a signed act by the key that its header names; answers with the act and that name.
///
/// # Errors
/// [`ActError`], the first that applies.
pub fn verify(compact: &str, keys: &[VerifyingKey]) -> Result<(Act, String), ActError> {
    let compact = compact.trim();
    if compact.len() > MAX_ACT {
        return Err(ActError::Jws);
    }
    let (message, signature) = compact.rsplit_once('.').ok_or(ActError::Jws)?;
    let (header, _) = message.split_once('.').ok_or(ActError::Jws)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| ActError::Jws)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| ActError::Header)?;
    if header.alg != "RS256" || header.typ != TYPE {
        return Err(ActError::Header);
    }
    let key = keys.iter().find(|key| key.kid() == Some(&header.kid)).ok_or(ActError::Key)?;
    if !key.verifies(message.as_bytes(), signature) {
        return Err(ActError::Signature);
    }
    Ok((Act::from_verified(compact)?, header.kid))
}
