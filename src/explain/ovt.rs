//! The causes by which a verification token is refused: its claims are looked at, whoever signed them.

use crate::text::{Cause, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// From here on a number of seconds is one of milliseconds: the year 5138.
const MILLISECONDS: f64 = 1e11;

/// The causes of a check that failed for `reason`; none: the reason says it all.
pub fn causes(reason: Reason, found: &str, compact: Option<&str>) -> Vec<Cause> {
    let claims = compact.and_then(claims);
    let cause = match reason {
        // What is wrong with it, only the token itself says.
        Reason::OvtMalformed | Reason::OvtDate if compact.is_none() => return Vec::new(),
        Reason::OvtMissing => Cause::OvtMissing,
        Reason::OvtMalformed => malformed(claims.as_ref()),
        Reason::OvtAlgorithm => Cause::OvtAlgorithm,
        Reason::OvtKeyUnknown => Cause::OvtKey,
        Reason::OvtSignature if found.contains("least significant byte") => Cause::GostByteOrder,
        Reason::OvtSignature => Cause::OvtSignature,
        Reason::OvtBin => Cause::OvtCbin,
        Reason::OvtMethod => Cause::OvtMcheck,
        Reason::OvtDate => date(claims.as_ref(), found),
        Reason::TermTooLong => Cause::ExpiresInTooLong,
        _ => return Vec::new(),
    };
    vec![cause]
}

/// The claims of a token that nobody has verified.
fn claims(compact: &str) -> Option<Map<String, Value>> {
    let mut parts = compact.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok().filter(|_| parts.next().is_none())?;
    serde_json::from_slice(&bytes).ok()
}

fn malformed(claims: Option<&Map<String, Value>>) -> Cause {
    let Some(claims) = claims else { return Cause::OvtShape };
    if ["iat", "exp", "nbf"].iter().any(|name| claims.get(*name).is_some_and(Value::is_string)) {
        return Cause::OvtStringDates;
    }
    if claims.get("cbin").is_some_and(Value::is_string) { Cause::OvtClaims } else { Cause::OvtCbin }
}

fn date(claims: Option<&Map<String, Value>>, found: &str) -> Cause {
    let is_large = |value: &Value| value.as_f64().is_some_and(|number| number > MILLISECONDS);
    let in_milliseconds = |claims: &Map<String, Value>| {
        ["iat", "exp", "nbf"].iter().any(|n| claims.get(*n).is_some_and(is_large))
    };
    match found {
        _ if claims.is_some_and(in_milliseconds) => Cause::OvtMilliseconds,
        found if found.contains("future") => Cause::OvtFuture,
        found if found.contains("expired") => Cause::OvtExpired,
        _ => Cause::OvtLife,
    }
}
