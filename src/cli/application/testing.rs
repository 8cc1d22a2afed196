//! The test: answers that count, the testing act, and its filing (I-11, I-12).

use super::{Case, Place, Site};
use crate::cli::{Failure, Outcome, Result, argument, say};
use kdp::clock;
use kdp::onboarding::Event;
use kdp::onboarding::act::signature;
use kdp::onboarding::act::{Act, Evidence, Filing, html::html};
use kdp::onboarding::testing::{Answer, Testing, count};
use kdp::operator::duty::Errand;
use kdp::token::jwks::KeySet;
use kdp::token::rsa::VerifyingKey;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Shows which answers count towards the ten, and why the others do not
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application answers 019d46dd-ca80-7abc-8def-0123456789ab --data sandbox-data --lang kk"
)]
pub struct Answers {
    /// Which application
    id: String,
    #[command(flatten)]
    place: Place,
    #[arg(help = "Print {counted, extra, not_counted, needed, untested_methods}", long)]
    json: bool,
}

/// Forms the testing act and signs it; the last line is the signed act, a compact JWS
///
/// schemas/testing-act.schema.json describes what is in it. Of an act that is filed, prints that one again.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application act 019d46dd-ca80-7abc-8def-0123456789ab --html act.html --data sandbox-data"
)]
pub struct ActArgs {
    /// Which application
    id: String,
    /// Write the act for people there: Kazakh and Russian, A4, to be printed or saved as PDF
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Print {"act", "jws"}
    #[arg(long)]
    json: bool,
}

/// Files the signed testing act
///
/// A production installation takes the act of the test environment, by the keys that this publishes.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application submit-act 019d46dd-ca80-7abc-8def-0123456789ab act.jws --jwks test-jwks.json --config kdp.toml"
)]
pub struct SubmitAct {
    /// Which application
    id: String,
    /// The signed act: the path of a file, - for stdin, or the JWS itself
    act: String,
    #[arg(
        help = "Keys of the test installation, as it publishes them at /.well-known/jwks.json",
        long,
        value_name = "FILE"
    )]
    jwks: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state", "due"}
    #[arg(long)]
    json: bool,
}

/// Runs `answers`.
pub async fn answers(args: &Answers, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let testing = counted(&case).await?;
    let mut value = serde_json::to_value(&testing)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("untested_methods".to_owned(), json!(testing.untested(&case.application)));
    }
    Ok(Outcome::either(args.json, &value, || told(&case, &testing)))
}

/// Runs `act`.
pub async fn act(args: &ActArgs, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let (act, jws, kid) = match case.application.filed_act() {
        Some(filed) => (Act::from_verified(&filed.jws)?, filed.jws.clone(), filed.kid.clone()),
        None => form(&case).await?,
    };
    if let Some(path) = &args.html {
        write(path, &html(&act, &jws, &kid))?;
    }
    let value = json!({ "act": act, "jws": jws });
    Ok(Outcome::either(args.json, &value, || format!("{jws}\n")))
}

async fn form(case: &Case) -> Result<(Act, String, String)> {
    let Case { site, application, .. } = case;
    if !site.is_test() {
        return Err(Failure::refused(
            "the test is made in a test installation: its act is filed here by submit-act",
        ));
    }
    let testing = counted(case).await?;
    let act = Act::form(application, &testing, &site.access.config().token.issuer, site.now)
        .map_err(|refused| site.refusal(refused))?;
    let key = site.registry.keys.current(site.now.div_euclid(1000))?;
    let jws = signature::sign(&act, key.signer(), key.kid())?;
    Ok((act, jws, key.kid().to_owned()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Failure::unusable(format!("{}: {}", path.display(), e.kind())))?;
    say(&format!("{} written", path.display()));
    Ok(())
}

/// Runs `submit-act`.
pub async fn submit_act(args: &SubmitAct, errand: Errand) -> Result {
    let jws = argument::token(&args.act)?;
    let case = Case::open(&args.place, &args.id, errand).await?;
    let (keys, evidence) = match (&args.jwks, case.site.is_test()) {
        (Some(path), false) => (published(path)?, Evidence::Signed),
        (None, true) => (own_keys(&case.site), Evidence::counted(&counted(&case).await?)),
        (None, false) => {
            return Err(Failure::unusable(
                "--jwks: give the keys of the test installation that formed the act",
            ));
        }
        (Some(_), true) => {
            return Err(Failure::unusable(
                "--jwks: a test installation takes only acts that it formed itself",
            ));
        }
    };
    let due = case.site.due()?;
    let filing = Filing::new(&jws, &keys, evidence, due).map_err(|refused| case.site.refusal(refused))?;
    let case = case.happen(Event::SubmitAct(filing), "act submitted").await?;
    Ok(case.outcome(args.json, &[]))
}

/// The keys that are published here now: long after they signed.
fn own_keys(site: &Site) -> Vec<VerifyingKey> {
    site.registry.keys.key_set(site.now.div_euclid(1000)).as_slice().to_vec()
}

fn published(path: &Path) -> Result<Vec<VerifyingKey>> {
    let keys = KeySet::from_jwks(&argument::text_file(path)?);
    let keys = keys.map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))?;
    Ok(keys.as_slice().to_vec())
}

/// The count, from what this installation decided since the application was filed.
async fn counted(case: &Case) -> Result<Testing> {
    let Case { site, application, .. } = case;
    let since = application.history().first().map_or(0, |step| step.at);
    let decided = site.access.decided(&application.form().sender_id, since).await?;
    let answers: Vec<Answer> = decided.iter().filter_map(|one| one.answer(application)).collect();
    Ok(count(application, &answers))
}

fn told(case: &Case, testing: &Testing) -> String {
    let lang = case.site.lang;
    let mut head = vec![format!("{} of {} answers count", testing.counted.len(), testing.needed)];
    if !testing.extra.is_empty() {
        head.push(format!("{} more are successful", testing.extra.len()));
    }
    let untested = testing.untested(&case.application);
    if !untested.is_empty() {
        let numbers: Vec<String> = untested.iter().map(|method| method.number().to_string()).collect();
        head.push(format!("none by method {}", numbers.join(", ")));
    }
    let row = |mark: &str, answer: &Answer, why: String| {
        vec![mark.to_owned(), clock::text(answer.at), answer.decision.clone(), why]
    };
    let mut rows: Vec<(i64, Vec<String>)> = Vec::new();
    for (number, one) in (1..).zip(&testing.counted) {
        rows.push((one.at, row(&number.to_string(), one, String::new())));
    }
    rows.extend(testing.extra.iter().map(|one| (one.at, row("+", one, String::new()))));
    for one in &testing.not_counted {
        rows.push((one.answer.at, row("-", &one.answer, format!("{}: {}", one.why.code(), one.text(lang)))));
    }
    rows.sort_by_key(|(at, _)| *at);
    let table = argument::table(&rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>());
    format!("{}\n{table}", head.join("; "))
}
