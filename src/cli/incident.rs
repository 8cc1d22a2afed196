//! `kdp incident`: breaches of the protection of personal data, and their notice to the authorised body (P 5-8).

mod show;

use super::access::Access;
use super::argument::{self, Installation};
use super::{Failure, Outcome, Result, registration};
use clap::Subcommand;
use kdp::clock;
use kdp::incident::{Closed, Incident};
use kdp::operator::duty::Errand;
use kdp::random::Id;
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
    /// Print an object
    #[arg(long)]
    json: bool,
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
    /// Print an object
    #[arg(long)]
    json: bool,
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
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Open(args) => open(args, errand).await,
        Command::List(args) => show::list(&args.at.open_as(errand).await?, args.json).await,
        Command::Show(args) => {
            let access = args.at.open_as(errand).await?;
            let (incident, revision) = find(&access, &args.id).await?;
            let shown = show::one(&incident, revision, access.now(), args.json);
            access.look("incident", Id::parse(&args.id), shown).await
        }
        Command::Notify(args) => notify(&args, errand).await,
        Command::Close(args) => close(&args, errand).await,
        Command::Notice(args) => {
            let access = args.at.open_as(errand).await?;
            let (incident, _) = find(&access, &args.id).await?;
            let langs = args.lang.map_or(vec![Lang::Kk, Lang::Ru], |lang| vec![lang]);
            let notices: Vec<String> = langs.into_iter().map(|lang| incident.notice(lang)).collect();
            access.look("incident", Id::parse(&args.id), Outcome::accepted(notices.join("\n"))).await
        }
    }
}

async fn open(args: Open, errand: Errand) -> Result {
    let what = argument::line("--what", &args.what)?;
    let responsible = argument::line("--responsible", &args.responsible)?;
    let access = args.at.open_as(errand).await?;
    let now = access.now();
    let detected_at = args.detected_at.unwrap_or(now);
    if detected_at > now {
        return Err(Failure::refused("--detected-at: lies in the future"));
    }
    let calendar = access.registry().await?.calendar;
    let notice_until = Incident::notice_until(&calendar, detected_at)
        .ok_or_else(|| Failure::unusable("--detected-at: beyond the range of dates"))?;
    let incident = Incident {
        id: Id::new(now, access.random())?.to_string(),
        detected_at,
        notice_until,
        what,
        persons: args.persons,
        responsible,
        notified_at: None,
        closed: None,
    };
    keep(&access, incident.clone(), 0, "opened").await?;
    let value = show::value(&incident, 1, now);
    Ok(Outcome::either(args.json, &value, || {
        let late = if incident.is_overdue(now) { ", which has passed" } else { "" };
        let (id, day) = (&incident.id, incident.last_day());
        format!(
            "{id}\nthe authorised body must be told by 24:00 of {day}{late}: `kdp incident notice {id}`\n"
        )
    }))
}

async fn notify(args: &Notify, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let (mut incident, revision) = find(&access, &args.id).await?;
    let now = access.now();
    if let Some(at) = incident.notified_at {
        let value = json!({ "id": args.id, "notified_at": clock::text(at), "changed": false });
        let text = || format!("the authorised body was told already, {}\n", clock::text(at));
        return Ok(Outcome::either(args.json, &value, text));
    }
    let told = args.when.unwrap_or(now);
    if told > now || told < incident.detected_at {
        return Err(Failure::refused("--at: must lie between the detection and now"));
    }
    incident.notified_at = Some(told);
    let late = if told >= incident.notice_until { ", late" } else { "" };
    keep(&access, incident, revision, "notified").await?;
    let value = json!({ "id": args.id, "notified_at": clock::text(told), "changed": true });
    let text = || format!("the authorised body was told {}{late}\n", clock::text(told));
    Ok(Outcome::either(args.json, &value, text))
}

async fn close(args: &Close, errand: Errand) -> Result {
    let measures = argument::line("--measures", &args.measures)?;
    let access = args.at.open_as(errand).await?;
    let (mut incident, revision) = find(&access, &args.id).await?;
    if let Some(closed) = &incident.closed {
        return Err(Failure::refused(format!("was closed already, {}", clock::text(closed.at))));
    }
    if incident.notified_at.is_none() {
        return Err(Failure::refused(
            "the authorised body was not told yet (P 5-8): `kdp incident notify` comes first",
        ));
    }
    let now = access.now();
    incident.closed = Some(Closed { at: now, measures });
    keep(&access, incident, revision, "closed").await?;
    let value = json!({ "id": args.id, "closed_at": clock::text(now) });
    Ok(Outcome::either(args.json, &value, || format!("closed {}\n", clock::text(now))))
}

/// The last revision of an incident, and its number.
async fn find(access: &Access, id: &str) -> Result<(Incident, u32)> {
    let revisions = access.history(Kind::Incident, id).await?;
    let last = revisions.last().ok_or_else(|| registration::unknown(Kind::Incident, id))?;
    Ok((serde_json::from_str(&last.record)?, last.revision))
}

/// Keeps a revision. The journal holds no text of it: who is responsible is a person.
async fn keep(access: &Access, incident: Incident, after: u32, did: &str) -> Result<()> {
    let time = |at: Option<i64>| at.map(clock::text);
    let detail = registration::detail(json!({
        "detected_at": clock::text(incident.detected_at), "notice_until": clock::text(incident.notice_until),
        "persons": incident.persons, "notified_at": time(incident.notified_at),
        "closed_at": time(incident.closed.as_ref().map(|closed| closed.at)),
    }));
    registration::register(access, Item::Incident(incident), after, did, detail).await.map(|_| ())
}
