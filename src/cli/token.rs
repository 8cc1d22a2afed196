//! `kdp token verify`.

use super::{Exit, Failure, Outcome, Result, argument};
use clap::{ArgGroup, Subcommand};
use kdp::clock;
use kdp::consent::identity::Iin;
use kdp::token::jwks::KeySet;
use kdp::token::rsa::VerifyingKey;
use kdp::token::security::{self, Claims, LEEWAY, TokenError};
use std::path::PathBuf;

/// Checks security tokens.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp token verify token.jwt --jwks jwks.json --service GBDFLUniversal_token"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(Verify),
}

/// Checks a security token offline, as its owner must: signature, lifetime, match with the request (F-14)
///
/// Whether it was revoked is not known offline: the token-check service tells that (F-14 6).
/// Exit 0: valid; 1: refused; 2: the token or the keys are not readable.
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("keys").required(true).args(["jwks", "public_key"])),
    after_help = "Example:\n  kdp token verify token.jwt --jwks jwks.json --uin 800101399015 --service GBDFLUniversal_token"
)]
struct Verify {
    /// The token, the path of a file that holds it, or - for stdin
    token: String,
    /// The keys of the service, as it publishes them at /.well-known/jwks.json
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    #[arg(help = "The key of the service, as public-key of an answer holds it", long, value_name = "BASE64")]
    public_key: Option<String>,
    /// IIN of the subject that the data are asked about
    #[arg(long)]
    uin: Option<String>,
    #[arg(help = "ServiceID that the data are asked from", long)]
    service: Option<String>,
    /// When it must be valid, as 2026-04-01T12:00:00+05:00; now, when it is not given
    #[arg(long)]
    at: Option<String>,
    /// Print {"valid", "error", "claims"}
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub fn run(args: &Args) -> Result {
    let Command::Verify(args) = &args.command;
    let keys = keys(args)?;
    let at = argument::time("--at", args.at.as_deref())?;
    let uin = args.uin.as_deref().map(|uin| argument::iin("--uin", uin)).transpose()?;
    let token = argument::token(&args.token)?;
    if !is_compact(&token) {
        return Err(Failure::unusable("TOKEN is no compact JWS, and no file of this name holds one"));
    }
    Ok(report(judge(&token, &keys, at, uin, args.service.as_deref()), args.json))
}

fn keys(args: &Verify) -> Result<KeySet> {
    if let Some(path) = &args.jwks {
        let text = argument::text_file(path)?;
        return KeySet::from_jwks(&text).map_err(|e| Failure::unusable(format!("{}: {e}", path.display())));
    }
    let key = VerifyingKey::from_spki_base64(args.public_key.as_deref().unwrap_or_default().trim(), None);
    key.and_then(|key| KeySet::new(vec![key])).map_err(|e| Failure::unusable(format!("--public-key: {e}")))
}

/// Three parts of base64url: a text of this shape that is no token is refused, any other is not readable.
fn is_compact(text: &str) -> bool {
    let base64url = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    text.split('.').count() == 3 && text.split('.').all(base64url)
}

/// The verdict: why not, and the claims as far as they are the service's own word.
struct Verdict {
    error: Option<String>,
    claims: Option<Claims>,
}

fn judge(token: &str, keys: &KeySet, at: i64, uin: Option<Iin>, service: Option<&str>) -> Verdict {
    let claims = match security::read(token, keys) {
        Ok(claims) => claims,
        Err(error) => return Verdict { error: Some(explain(error)), claims: None },
    };
    let error = if let Err(error) = claims.check_times(at, LEEWAY) {
        Some(explain(error))
    } else if uin.is_some_and(|uin| uin.as_str() != claims.uin) {
        Some("it is about another subject than --uin".to_owned())
    } else if service.is_some_and(|service| !claims.services.iter().any(|s| s == service)) {
        Some("it gives no access to --service".to_owned())
    } else {
        None
    };
    Verdict { error, claims: Some(claims) }
}

fn explain(error: TokenError) -> String {
    match error {
        TokenError::KeyUnknown => format!("{error}: fetch the keys of the service anew"),
        TokenError::Kind => format!("{error}; a verification token (ovt) is none"),
        _ => error.to_string(),
    }
}

fn report(verdict: Verdict, json: bool) -> Outcome {
    let Verdict { error, claims } = verdict;
    let value = serde_json::json!({ "valid": error.is_none(), "error": error, "claims": claims });
    let outcome = Outcome::either(json, &value, || {
        let verdict = match &error {
            None => "valid (whether it was revoked is not known offline)".to_owned(),
            Some(error) => format!("refused: {error}"),
        };
        claims.as_ref().map(table).unwrap_or_default() + &verdict + "\n"
    });
    Outcome { exit: if error.is_none() { Exit::Accepted } else { Exit::Refused }, ..outcome }
}

fn table(claims: &Claims) -> String {
    let time = |seconds: i64| clock::text(seconds.saturating_mul(1000));
    let mut rows = vec![
        ("subject", claims.uin.clone()),
        ("initiator", claims.cbin.clone()),
        ("services", claims.services.join("; ")),
        ("data", claims.data.clone().unwrap_or_default()),
        ("method", claims.method.to_string()),
        ("consent", claims.mcheck.clone().unwrap_or_default()),
        ("ground", claims.ground.clone().unwrap_or_default()),
        ("directory entry", claims.dir.clone().unwrap_or_default()),
        ("issued", time(claims.iat)),
        ("valid from", time(claims.nbf)),
        ("valid until", time(claims.exp)),
        ("issuer", claims.iss.clone()),
        ("token id", claims.jti.clone()),
        ("request id", claims.rid.clone()),
        ("edition", claims.edition.clone()),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    // A token is its issuer's word, but what stands in it is shown on a terminal.
    let clean = |value: String| value.replace(char::is_control, "\u{fffd}");
    argument::table(
        &rows.into_iter().map(|(name, value)| vec![name.to_owned(), clean(value)]).collect::<Vec<_>>(),
    )
}
