//! What the reviewer decides, and the organisation's own end of it.

use super::opening;
use super::{Case, Place};
use crate::cli::{Failure, Result, argument, say};
use kdp::onboarding::preflight::{Objection, preflight};
use kdp::onboarding::refusal::Refused;
use kdp::onboarding::stage::Stage;
use kdp::onboarding::{Approval, Event, Remark};
use kdp::operator::duty::Errand;

/// Approves an application (I-9); in a test installation methods and directory entries open for the test
///
/// Refused while objections stand that an application is returned for. Repeated after it was interrupted, it registers
/// what is still missing.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application approve 019d46dd-ca80-7abc-8def-0123456789ab --config kdp.toml"
)]
pub struct Approve {
    /// Which application
    id: String,
    /// Ids of the new directory entries, one a purpose, in order; without it they are made from the id
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    entries: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state", …}
    #[arg(long)]
    json: bool,
}

/// Returns an application, or a testing act, for rework with reasons
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application return 019d46dd-ca80-7abc-8def-0123456789ab --objections --reason no-agreement --config kdp.toml"
)]
pub struct Return {
    /// Which application
    id: String,
    /// A reason; repeatable
    #[arg(long)]
    reason: Vec<String>,
    /// Add the objections of the preflight that it is returned for
    #[arg(long)]
    objections: bool,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state"}
    #[arg(long)]
    json: bool,
}

/// Refuses an application for good, with reasons; what it opened is closed
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application refuse 019d46dd-ca80-7abc-8def-0123456789ab --reason no-ground --config kdp.toml"
)]
pub struct Refuse {
    /// Which application
    id: String,
    /// A reason; repeatable
    #[arg(long, required = true)]
    reason: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state"}
    #[arg(long)]
    json: bool,
}

/// Accepts the testing act: production (I-12); methods and directory entries are in force
///
/// Repeated after it was interrupted, it registers what is still missing.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application accept 019d46dd-ca80-7abc-8def-0123456789ab --config kdp.toml"
)]
pub struct Accept {
    /// Which application
    id: String,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state", …}
    #[arg(long)]
    json: bool,
}

/// Takes an application back for the organisation; what it opened is closed
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp application withdraw 019d46dd-ca80-7abc-8def-0123456789ab --config kdp.toml"
)]
pub struct Withdraw {
    /// Which application
    id: String,
    #[command(flatten)]
    place: Place,
    /// Print {"id", "state"}
    #[arg(long)]
    json: bool,
}

/// Runs `approve`.
pub async fn approve(args: Approve, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let case = if case.application.approval().is_some() && args.entries.is_empty() {
        interrupted(case, Refused::NotUnderReview).await?
    } else {
        let form = case.application.form();
        let entries = if args.entries.is_empty() {
            opening::entry_ids(&case.application)
        } else {
            args.entries.iter().map(|id| argument::id("--entries", id)).collect::<Result<_>>()?
        };
        if let Some(taken) = entries.iter().find(|id| case.site.registry.entries.contains_key(*id)) {
            return Err(Failure::refused(format!("--entries: {taken} is registered already")));
        }
        let approval = Approval::new(form, &case.site.known(), entries);
        if !approval.objections().is_empty() {
            say(&super::filing::told(approval.objections(), case.site.lang));
        }
        case.happen(Event::Approve(approval), "approved").await?
    };
    let opened = opening::open(&case).await?;
    Ok(case.outcome(args.json, &opened.rows()))
}

/// Runs `accept`.
pub async fn accept(args: &Accept, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let case = if case.application.stage() == Stage::Production {
        interrupted(case, Refused::Ended).await?
    } else {
        case.happen(Event::Accept, "accepted").await?
    };
    let opened = opening::open(&case).await?;
    Ok(case.outcome(args.json, &opened.rows()))
}

/// A decision that was made before: to repeat it makes sense only if something that it opens is missing.
async fn interrupted(case: Case, refused: Refused) -> Result<Case> {
    if opening::missing(&case).await?.is_nothing() {
        return Err(case.site.refusal(refused));
    }
    say("decided before; what was still missing is registered now");
    Ok(case)
}

/// Runs `return`.
pub async fn give_back(args: &Return, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let mut remarks = words(&args.reason)?;
    if args.objections {
        let objections = preflight(case.application.form(), &case.site.known());
        // As many as one decision may name; the rest is found again by the preflight.
        let room = 100_usize.saturating_sub(remarks.len());
        remarks.extend(objections.into_iter().filter(Objection::returns).take(room).map(Remark::Objection));
    }
    let case = case.happen(Event::Return { remarks }, "returned").await?;
    Ok(case.outcome(args.json, &[]))
}

/// Runs `refuse`.
pub async fn refuse(args: &Refuse, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    let event = Event::Refuse { remarks: words(&args.reason)? };
    Ok(end(case, event, "refused").await?.outcome(args.json, &[]))
}

/// Runs `withdraw`.
pub async fn withdraw(args: &Withdraw, errand: Errand) -> Result {
    let case = Case::open(&args.place, &args.id, errand).await?;
    Ok(end(case, Event::Withdraw, "withdrawn").await?.outcome(args.json, &[]))
}

/// Closes what was opened, then keeps the end: whoever is interrupted between the two has nothing open.
async fn end(case: Case, event: Event, did: &'static str) -> Result<Case> {
    let judged = case.application.clone().apply(event.clone(), case.site.now);
    judged.map_err(|refused| case.site.refusal(refused))?;
    opening::close(&case.site, &case.application).await?;
    case.happen(event, did).await
}

fn words(reasons: &[String]) -> Result<Vec<Remark>> {
    reasons.iter().map(|text| argument::line("--reason", text).map(Remark::Words)).collect()
}
