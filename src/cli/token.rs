//! `kdp token verify`.

use super::{Exit, Failure, Outcome, Result, argument};
use clap::{ArgGroup, Subcommand};
use kdp::clock;
use kdp::text::{Class, Lang};
use kdp::token::jwks::KeySet;
use kdp::token::offline::{self, Finding, MAX_LEEWAY, Question};
use kdp::token::rsa::VerifyingKey;
use kdp::token::security::{Claims, LEEWAY};
use kdp::token::status_list::Term;
use std::path::{Path, PathBuf};

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

/// Checks a security token offline, as its owner must: signature, lifetime, match with the request, status list (F-14)
///
/// Without --status-list it is not known whether the token was revoked; with it, whatever is wrong with the list is a no.
/// A list never replaces the token-check service (F-14 6). Exit 0: valid, and not revoked by the list; 1: refused, by the
/// list too; 2: token, keys or question cannot be read; 3: valid, but no list was given. --json tells the stable code.
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("keys").required(true).args(["jwks", "public_key"])),
    after_help = "Example:\n  kdp token verify token.jwt --jwks jwks.json --status-list status.jwt --uin 800101399015 --service GBDFLUniversal_token"
)]
struct Verify {
    /// The token, the path of a file that holds it, or - for stdin
    token: String,
    /// The keys of the service, as it publishes them at /.well-known/jwks.json
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    #[arg(help = "The key of the service, as public-key of an answer holds it", long, value_name = "BASE64")]
    public_key: Option<String>,
    /// The signed status list, as the service publishes it at /token-status
    #[arg(long, value_name = "FILE")]
    status_list: Option<PathBuf>,
    /// How old the list may be (30s, 10m, 2h), while the service is away; its own ttl when this is not given
    #[arg(long, value_name = "SPAN", requires = "status_list", value_parser = argument::seconds)]
    list_max_age: Option<u64>,
    /// IIN of the subject that the data are asked about
    #[arg(long)]
    uin: Option<String>,
    #[arg(help = "ServiceID that the data are asked from", long)]
    service: Option<String>,
    /// BIN of the initiator that asks
    #[arg(long)]
    bin: Option<String>,
    /// When it must be valid, as 2026-04-01T12:00:00+05:00; now, when it is not given
    #[arg(long)]
    at: Option<String>,
    /// How far the clocks of owner and service may differ, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = LEEWAY, value_parser = clap::value_parser!(i64).range(0..=MAX_LEEWAY))]
    leeway: i64,
    /// kk, ru or en
    #[arg(long, default_value = "en", value_parser = argument::lang)]
    lang: Lang,
    #[arg(
        help = "Print {\"valid\" (null: no list was given), \"code\", \"error\", \"text\", \"remedy\", \"detail\", \"status_list\", \"claims\"}"
    )]
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub fn run(args: &Args) -> Result {
    let Command::Verify(args) = &args.command;
    let question = Question {
        at: argument::time("--at", args.at.as_deref())?,
        leeway: args.leeway,
        uin: args.uin.as_deref().map(|uin| argument::iin("--uin", uin)).transpose()?,
        service: args.service.as_deref(),
        bin: args.bin.as_deref().map(|bin| argument::bin("--bin", bin)).transpose()?,
        list_max_age: args.list_max_age.map(|age| i64::try_from(age).unwrap_or(i64::MAX)),
    };
    let (token, list) = (token(&args.token)?, args.status_list.as_deref().map(argument::file).transpose()?);
    match keys(args)? {
        Ok(keys) => {
            let finding = offline::check(&token, &keys, list.as_ref().map(|list| list.as_slice()), &question);
            report(&finding, "TOKEN", args)
        }
        Err(finding) => report(&finding, "--jwks", args),
    }
}

fn keys(args: &Verify) -> Result<std::result::Result<KeySet, Finding>> {
    if let Some(path) = &args.jwks {
        return Ok(offline::keys(&argument::file(path)?));
    }
    let key = VerifyingKey::from_spki_base64(args.public_key.as_deref().unwrap_or_default().trim(), None);
    let keys = key.and_then(|key| KeySet::new(vec![key]));
    keys.map(Ok).map_err(|e| Failure::unusable(format!("--public-key: {e}")))
}

/// The octets of a token as people hand it over: what they are the check says.
fn token(text: &str) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let path = Path::new(text);
    // A token is never taken for a file that somebody named like it.
    if !text.starts_with("eyJ") && path.exists() && !path.is_dir() {
        return argument::file(path);
    }
    Ok(zeroize::Zeroizing::new(argument::token(text)?.as_bytes().to_vec()))
}

/// `of` is what cannot be read, if something cannot.
fn report(finding: &Finding, of: &str, args: &Verify) -> Result {
    let (verdict, lang) = (finding.verdict, args.lang);
    let exit = match verdict.class() {
        Class::Accepted => Exit::Accepted,
        Class::Unasked => Exit::Undecided,
        Class::Refused => Exit::Refused,
        Class::Unusable => Exit::Unusable,
    };
    let detail = finding.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    if exit == Exit::Unusable && !args.json {
        let (text, remedy) = (verdict.text(lang), verdict.remedy(lang));
        return Err(Failure::unusable(format!("{of}: {}: {text}{detail}. {remedy}", verdict.code())));
    }
    let outcome = Outcome::either(args.json, &finding.json(lang), || {
        let told = if finding.is_valid() == Some(false) {
            format!("{}: {}{detail}\n", refused(lang), verdict.text(lang))
        } else {
            format!("{}\n", verdict.text(lang))
        };
        table(finding) + &told + &format!("{}: {}\n", verdict.code(), verdict.remedy(lang))
    });
    Ok(Outcome { exit, ..outcome })
}

fn refused(lang: Lang) -> &'static str {
    match lang {
        Lang::Kk => "бас тартылды",
        Lang::Ru => "отказ",
        Lang::En => "refused",
    }
}

fn table(finding: &Finding) -> String {
    let time = |seconds: i64| clock::text(seconds.saturating_mul(1000));
    let mut rows = finding.claims.as_deref().map(rows).unwrap_or_default();
    if let Some(Term { iat, exp, .. }) = finding.list {
        rows.extend([("list issued", time(iat)), ("list until", time(exp))]);
    }
    rows.retain(|(_, value)| !value.is_empty());
    // A token is its issuer's word, but what stands in it is shown on a terminal.
    let clean = |value: String| value.replace(char::is_control, "\u{fffd}");
    argument::table(
        &rows.into_iter().map(|(name, value)| vec![name.to_owned(), clean(value)]).collect::<Vec<_>>(),
    )
}

fn rows(claims: &Claims) -> Vec<(&'static str, String)> {
    let time = |seconds: i64| clock::text(seconds.saturating_mul(1000));
    vec![
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
    ]
}
