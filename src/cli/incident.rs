//! `kdp incident`: breaches of the protection of personal data, and their notice to the authorised body (P 5-8).

mod show;

use super::argument::{self, Installation};
use super::{Failure, Outcome, Result, registration};
use clap::Subcommand;
use kdp::clock;
use kdp::incident::{Closed, Incident};
use kdp::random::Id;
use kdp::serve::Opened;
use kdp::store::register::{Item, Kind};
use kdp::text::Lang;
use serde_json::json;

/// Keeps incidents: breaches of which the authorised body must be told within one working day (P 5-8).
///
/// The term is counted by the calendar of the installation; when it ends without a notice, that is journalled.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp incident list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Open(Open),
    List(List),
    Show(Show),
    Notify(Notify),
    Close(Close),
    Notice(Notice),
}

/// Opens an incident; its id and the last day of the notice are printed
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp incident open --config kdp.toml --what 'A-backup-was-lost' \
                  --responsible 'Security-officer,+77010000000' --persons 120 --detected-at 2026-03-05T10:00:00+05:00")]
struct Open {
    #[command(flatten)]
    at: Installation,
    /// What happened, without personal data of subjects
    #[arg(long)]
    what: String,
    /// Who answers for it, with contacts
    #[arg(long)]
    responsible: String,
    /// How many persons it concerns, as far as it is known
    #[arg(long)]
    persons: Option<u64>,
    /// When it was detected; now, when it is not given
    #[arg(long, value_name = "TIME", value_parser = argument::moment)]
    detected_at: Option<i64>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all incidents: those whose notice is late first, then those to be told, then the rest
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp incident list --config kdp.toml --json")]
struct List {
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows an incident
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp incident show 01a200eb-23d7-74cf-a0ec-bac89a23688b --config kdp.toml"
)]
struct Show {
    /// Which incident
    id: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Keeps that the authorised body was told
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp incident notify 01a200eb-23d7-74cf-a0ec-bac89a23688b --config kdp.toml"
)]
struct Notify {
    /// Which incident
    id: String,
    #[command(flatten)]
    at: Installation,
    /// When, not in the future; now, when it is not given
    #[arg(long = "at", value_name = "TIME", value_parser = argument::moment)]
    when: Option<i64>,
}

/// Closes an incident of which the authorised body was told
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp incident close 01a200eb-23d7-74cf-a0ec-bac89a23688b --config kdp.toml --measures 'Keys-were-replaced'"
)]
struct Close {
    /// Which incident
    id: String,
    #[command(flatten)]
    at: Installation,
    /// What was done, without personal data of subjects
    #[arg(long)]
    measures: String,
}

/// Prints the notice to the authorised body, in Kazakh and Russian
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp incident notice 01a200eb-23d7-74cf-a0ec-bac89a23688b --config kdp.toml"
)]
struct Notice {
    /// Which incident
    id: String,
    #[command(flatten)]
    at: Installation,
    /// In one language alone: kk, ru or en
    #[arg(long, value_parser = argument::lang)]
    lang: Option<Lang>,
}

/// Runs a subcommand.
pub async fn run(args: Args) -> Result {
    match args.command {
        Command::Open(args) => open(args).await,
        Command::List(args) => show::list(&args.at.open()?.1, args.json).await,
        Command::Show(args) => {
            let (_, opened) = args.at.open()?;
            let (incident, revision) = find(&opened, &args.id).await?;
            Ok(show::one(&incident, revision, opened.clock.now(), args.json))
        }
        Command::Notify(args) => notify(&args).await,
        Command::Close(args) => close(&args).await,
        Command::Notice(args) => {
            let (incident, _) = find(&args.at.open()?.1, &args.id).await?;
            let langs = args.lang.map_or(vec![Lang::Kk, Lang::Ru], |lang| vec![lang]);
            let notices: Vec<String> = langs.into_iter().map(|lang| incident.notice(lang)).collect();
            Ok(Outcome::accepted(notices.join("\n")))
        }
    }
}

async fn open(args: Open) -> Result {
    let what = argument::line("--what", &args.what)?;
    let responsible = argument::line("--responsible", &args.responsible)?;
    let (_, opened) = args.at.open()?;
    let now = opened.clock.now();
    let detected_at = args.detected_at.unwrap_or(now);
    if detected_at > now {
        return Err(Failure::refused("--detected-at: lies in the future"));
    }
    let calendar = opened.store.registry().await?.calendar;
    let notice_until = Incident::notice_until(&calendar, detected_at)
        .ok_or_else(|| Failure::unusable("--detected-at: beyond the range of dates"))?;
    let incident = Incident {
        id: Id::new(now, &*opened.random)?.to_string(),
        detected_at,
        notice_until,
        what,
        persons: args.persons,
        responsible,
        notified_at: None,
        closed: None,
    };
    keep(&opened, incident.clone(), 0, "opened").await?;
    let value = show::value(&incident, 1, now);
    Ok(Outcome::either(args.json, &value, || {
        let late = if incident.is_overdue(now) { ", which has passed" } else { "" };
        let (id, day) = (&incident.id, incident.last_day());
        format!(
            "{id}\nthe authorised body must be told by 24:00 of {day}{late}: `kdp incident notice {id}`\n"
        )
    }))
}

async fn notify(args: &Notify) -> Result {
    let (_, opened) = args.at.open()?;
    let (mut incident, revision) = find(&opened, &args.id).await?;
    let now = opened.clock.now();
    if let Some(at) = incident.notified_at {
        return Ok(Outcome::accepted(format!("the authorised body was told already, {}\n", clock::text(at))));
    }
    let told = args.when.unwrap_or(now);
    if told > now || told < incident.detected_at {
        return Err(Failure::refused("--at: must lie between the detection and now"));
    }
    incident.notified_at = Some(told);
    let late = if told >= incident.notice_until { ", late" } else { "" };
    keep(&opened, incident, revision, "notified").await?;
    Ok(Outcome::accepted(format!("the authorised body was told {}{late}\n", clock::text(told))))
}

async fn close(args: &Close) -> Result {
    let measures = argument::line("--measures", &args.measures)?;
    let (_, opened) = args.at.open()?;
    let (mut incident, revision) = find(&opened, &args.id).await?;
    if let Some(closed) = &incident.closed {
        return Err(Failure::refused(format!("was closed already, {}", clock::text(closed.at))));
    }
    if incident.notified_at.is_none() {
        return Err(Failure::refused(
            "the authorised body was not told yet (P 5-8): `kdp incident notify` comes first",
        ));
    }
    let now = opened.clock.now();
    incident.closed = Some(Closed { at: now, measures });
    keep(&opened, incident, revision, "closed").await?;
    Ok(Outcome::accepted(format!("closed {}\n", clock::text(now))))
}

/// The last revision of an incident, and its number.
async fn find(opened: &Opened, id: &str) -> Result<(Incident, u32)> {
    let revisions = opened.store.history(Kind::Incident, id.to_owned()).await?;
    let last = revisions.last().ok_or_else(|| registration::unknown(Kind::Incident, id))?;
    Ok((serde_json::from_str(&last.record)?, last.revision))
}

/// Keeps a revision. The journal holds no text of it: who is responsible is a person.
async fn keep(opened: &Opened, incident: Incident, after: u32, did: &str) -> Result<()> {
    let time = |at: Option<i64>| at.map(clock::text);
    let detail = registration::detail(json!({
        "detected_at": clock::text(incident.detected_at), "notice_until": clock::text(incident.notice_until),
        "persons": incident.persons, "notified_at": time(incident.notified_at),
        "closed_at": time(incident.closed.as_ref().map(|closed| closed.at)),
    }));
    registration::register(opened, Item::Incident(incident), after, did, detail).await.map(|_| ())
}
