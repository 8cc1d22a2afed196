//! What the organisation hands in: the form, and the key of its verification tokens.

use super::{Case, Place, Site};
use crate::cli::{Exit, Failure, Outcome, Result, argument, say};
use kdp::onboarding::form::Form;
use kdp::onboarding::preflight::{self, Objection};
use kdp::onboarding::{Application, Event};
use kdp::operator::duty::Errand;
use kdp::random::Id;
use kdp::text::Lang;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Says what a reviewer would return a form for, before anybody files it
///
/// `deploy/application.example.json` shows a form. Exit 0: a reviewer would take it; 1: there is an objection that it
/// would be returned for; 2: the form is not readable.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp application preflight form.json --data sandbox-data --lang ru")]
pub struct Preflight {
    /// The form, JSON
    form: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Print an array of objections, each with its texts in three languages
    #[arg(long)]
    json: bool,
}

/// Files an application; the first column of `kdp application list` is its id from then on
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp application submit form.json --config kdp.toml")]
pub struct Submit {
    /// The form, JSON
    form: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state", "due", "objections"}
    #[arg(long)]
    json: bool,
}

/// Files a returned application again
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application resubmit 019d46dd-ca80-7abc-8def-0123456789ab form.json --config kdp.toml"
)]
pub struct Resubmit {
    /// Which application
    id: String,
    /// The corrected form, JSON
    form: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state", "due", "objections"}
    #[arg(long)]
    json: bool,
}

/// Registers the public part of the key that signs the verification tokens (I-10)
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application register-key 019d46dd-ca80-7abc-8def-0123456789ab --key bank.cert.pem --config kdp.toml"
)]
pub struct RegisterKey {
    /// Which application
    id: String,
    /// Public key or certificate, PEM
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state"}
    #[arg(long)]
    json: bool,
}

/// Runs `preflight`.
pub async fn preflight(args: &Preflight, errand: Errand) -> Result {
    let form = read(&args.form)?;
    let site = Site::open(&args.place, errand).await?;
    let objections = preflight::preflight(&form, &site.known());
    let value: Value = objections.iter().map(Objection::to_json).collect();
    let outcome = Outcome::either(args.json, &value, || told(&objections, site.lang));
    let exit = if objections.iter().any(Objection::returns) { Exit::Refused } else { Exit::Accepted };
    Ok(Outcome { exit, ..outcome })
}

/// Runs `submit`.
pub async fn submit(args: &Submit, errand: Errand) -> Result {
    let form = read(&args.form)?;
    let site = Site::open(&args.place, errand).await?;
    let objections = warn(&site, &form);
    let id = Id::new(site.now, site.access.random())?.to_string();
    let application = Application::submit(id, form, site.due()?, site.now);
    let application = application.map_err(|refused| site.refusal(refused))?;
    site.keep(&application, 0, "submitted").await?;
    let case = Case { site, application, revision: 1 };
    Ok(case.outcome(args.json, &[("objections", objections.to_string())]))
}

/// Runs `resubmit`.
pub async fn resubmit(args: &Resubmit, errand: Errand) -> Result {
    let form = read(&args.form)?;
    let case = Case::open(&args.place, &args.id, errand).await?;
    let objections = warn(&case.site, &form);
    let due = case.site.due()?;
    let case = case.happen(Event::Resubmit { form, due }, "submitted again").await?;
    Ok(case.outcome(args.json, &[("objections", objections.to_string())]))
}

/// Runs `register-key`.
pub async fn register_key(args: &RegisterKey, errand: Errand) -> Result {
    let pem = argument::text_file(&args.key)?.to_string();
    let case = Case::open(&args.place, &args.id, errand).await?;
    let case = case.happen(Event::RegisterKey { pem }, "key registered").await?;
    let opened = super::opening::open(&case).await?;
    Ok(case.outcome(args.json, &opened.rows()))
}

fn read(path: &Path) -> Result<Form> {
    let json = argument::file(path)?;
    Form::parse(&json).map_err(|error| Failure::unusable(format!("{}: {error}", path.display())))
}

/// Says how many objections there are for which the form would be returned: it is filed all the same.
fn warn(site: &Site, form: &Form) -> usize {
    let returns = preflight::preflight(form, &site.known()).iter().filter(|one| one.returns()).count();
    if returns > 0 {
        say(&format!("{returns} objections that it would be returned for: see `kdp application preflight`"));
    }
    returns
}

/// Objections in one language, one below the other.
pub(super) fn told(objections: &[Objection], lang: Lang) -> String {
    let mut text = String::new();
    for one in objections {
        let (severity, field) =
            (one.rule.severity().word(), if one.field.is_empty() { "/" } else { &one.field });
        let _ = writeln!(text, "{severity:7}  {field}  {} ({})", one.rule.code(), one.rule.paragraph());
        let found = if one.found.is_empty() { String::new() } else { format!(" [{}]", one.found) };
        let _ = writeln!(text, "         {}{found}\n         {}", one.rule.text(lang), one.rule.remedy(lang));
    }
    let returns = objections.iter().filter(|one| one.returns()).count();
    let _ = writeln!(text, "{returns} to be returned for, {} advice", objections.len() - returns);
    text
}
