//! `kdp calendar`: the working days of Kazakhstan, and the acts that change them.

use super::access::Login;
use super::argument::{self, Installation, Location};
use super::{Failure, Outcome, Result};
use clap::Subcommand;
use kdp::consent::calendar::{Act, Calendar, CalendarError, Deadline, FirstDay, Nature, Week, Year};
use kdp::operator::duty::Errand;
use kdp::store::register::Moved;
use kdp::text::Lang;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::Date;

/// Counts working days and shows which days work.
///
/// The tables of the service cover 2024 to 2026; what lies beyond them is computed by the rule of the law and
/// provisional until an act or a published calendar is loaded.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp calendar due --from 2026-03-05 --working-days 15")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Due(Due),
    Show(Show),
    Load(Load),
}

/// Prints the last day of a term, alone on the first line, then each day that it skips with its reason
///
/// The last day ends at 24:00 Astana time. A last line that begins with "provisional" says that the term reaches into
/// a year that no act or published calendar confirms yet.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp calendar due --from 2026-03-05 --working-days 15 --lang ru")]
struct Due {
    /// The day on which the term begins: an application was filed, a breach was detected
    #[arg(long, value_name = "DATE", value_parser = argument::date)]
    from: Date,
    /// Working days of the term
    #[arg(long, value_name = "DAYS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    working_days: u32,
    /// Which day is day 1: next, the first working day after --from; same, --from itself if it works
    #[arg(long, default_value = "next", value_parser = first_day)]
    first_day: FirstDay,
    #[command(flatten)]
    view: View,
}

/// Lists the days off and the working weekends of a year with their reasons and acts; plain weekends are left out
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp calendar show --year 2026")]
struct Show {
    /// The year, 2000 to 2100
    #[arg(long, value_parser = clap::value_parser!(i32).range(2000..=2100))]
    year: i32,
    #[command(flatten)]
    view: View,
}

/// What is looked at, and how it is told.
#[derive(clap::Args)]
struct View {
    /// Count only what was published until this day
    #[arg(long, value_name = "DATE", value_parser = argument::date)]
    known: Option<Date>,
    /// The working week: five-day, that of the published calendars, or six-day
    #[arg(long, default_value = "five-day", value_parser = week)]
    week: Week,
    /// The configuration of an installation, to count with the acts that were loaded there as well
    #[arg(long, conflicts_with = "week")]
    config: Option<PathBuf>,
    /// The data directory of a sandbox, likewise
    #[arg(long, value_name = "DIR", conflicts_with_all = ["week", "config"])]
    data: Option<PathBuf>,
    #[command(flatten)]
    login: Login,
    /// Language of the reasons: kk, ru or en
    #[arg(long, default_value = "en", value_parser = argument::lang)]
    lang: Lang,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Loads an act: days that become days off or working days. Open terms are computed anew and the change is journalled
///
/// `deploy/calendar-act.example.toml` shows the form. Nothing is taken out: a correction is a further act, published
/// later. A running `kdp serve` on the same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp calendar load act.toml --config kdp.toml")]
struct Load {
    /// The act, TOML
    file: PathBuf,
    #[command(flatten)]
    at: Installation,
    /// Print {"days", "moved"}
    #[arg(long)]
    json: bool,
}

fn first_day(text: &str) -> std::result::Result<FirstDay, &'static str> {
    match text {
        "next" => Ok(FirstDay::Next),
        "same" => Ok(FirstDay::Same),
        _ => Err("must be next or same"),
    }
}

fn week(text: &str) -> std::result::Result<Week, &'static str> {
    match text {
        "five-day" => Ok(Week::FiveDay),
        "six-day" => Ok(Week::SixDay),
        _ => Err("must be five-day or six-day"),
    }
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Due(args) => due(&args, calendar(&args.view, errand).await?.as_ref()),
        Command::Show(args) => Ok(show(&args, calendar(&args.view, errand).await?.as_ref())),
        Command::Load(args) => load(&args, errand).await,
    }
}

async fn calendar(view: &View, errand: Errand) -> Result<Arc<Calendar>> {
    if view.config.is_none() && view.data.is_none() {
        return Ok(Arc::new(Calendar::of_week(view.week)?));
    }
    let place = Location { config: view.config.clone(), data: view.data.clone() };
    let at = Installation { place, login: view.login.clone() };
    Ok(at.open_as(errand).await?.registry().await?.calendar)
}

fn due(args: &Due, calendar: &Calendar) -> Result {
    let found = calendar.due(args.from, args.working_days, args.first_day, args.view.known);
    let deadline =
        found.ok_or_else(|| Failure::unusable("--from: the term would end beyond the year 9999"))?;
    let value = json!({
        "from": args.from.to_string(), "working_days": args.working_days, "due": deadline.due.to_string(),
        "provisional": deadline.provisional, "skipped": deadline.skipped,
    });
    Ok(Outcome::either(args.view.json, &value, || deadline_text(&deadline, args.view.lang)))
}

fn deadline_text(deadline: &Deadline, lang: Lang) -> String {
    let skipped = deadline.skipped.iter().map(|day| {
        vec![day.date.to_string(), day.reason(lang).to_owned(), day.act.clone().unwrap_or_default()]
    });
    let provisional = if deadline.provisional { provisional(lang) } else { "" };
    format!("{}\n{}{provisional}", deadline.due, argument::table(&skipped.collect::<Vec<_>>()))
}

/// The word is the same in every language, for scripts.
fn provisional(lang: Lang) -> &'static str {
    match lang {
        Lang::Kk => {
            "provisional: мерзім күнтізбесі әлі расталмаған жылға өтеді; актіні `kdp calendar load` арқылы \
             жүктеңіз\n"
        }
        Lang::Ru => {
            "provisional: срок заходит в год, календарь которого ещё не подтверждён; загрузите акт: \
             `kdp calendar load`\n"
        }
        Lang::En => {
            "provisional: the term reaches into a year that no act confirms yet; load one by \
             `kdp calendar load`\n"
        }
    }
}

fn show(args: &Show, calendar: &Calendar) -> Outcome {
    let year = calendar.year(args.year, args.view.known);
    let unconfirmed: Vec<String> = year.unconfirmed.iter().map(Date::to_string).collect();
    let value = json!({
        "year": args.year, "provisional": !year.confirmed, "days": year.days, "unconfirmed": unconfirmed,
    });
    Outcome::either(args.view.json, &value, || year_text(args.year, &year, args.view.lang))
}

fn year_text(number: i32, year: &Year, lang: Lang) -> String {
    let rows = year.days.iter().map(|row| {
        let weekday = row.date.weekday().to_string().chars().take(3).collect();
        let reason = row.reason(lang).to_owned();
        vec![
            row.date.to_string(),
            weekday,
            word(row.nature).to_owned(),
            row.published.to_string(),
            reason,
            row.act.clone(),
        ]
    });
    let heading = ["DATE", "DAY", "NATURE", "PUBLISHED", "REASON", "ACT"].map(str::to_owned).to_vec();
    let mut text = argument::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
    if !year.confirmed {
        let dates: Vec<String> = year.unconfirmed.iter().map(Date::to_string).collect();
        let wanting =
            if dates.is_empty() { String::new() } else { format!("; it needs {}", dates.join(", ")) };
        let _ = writeln!(text, "provisional: no acts confirm {number} yet{wanting}");
    }
    text
}

async fn load(args: &Load, errand: Errand) -> Result {
    let act = read(&args.file)?;
    let access = args.at.open_as(errand).await?;
    let calendar = access.registry().await?.calendar;
    let moved = if act.days.iter().all(|row| calendar.has(row)) {
        None
    } else {
        let deed = access.deed("registration", "calendar").detail(&json!({ "days": act.days }));
        let days = act.days.clone();
        Some(access.change(deed, |store, record| store.load_calendar(days, record)).await?)
    };
    let terms = moved.iter().flatten().map(|term| {
        json!({
            "application": term.application, "before": term.before.to_string(), "after": term.after.to_string(),
        })
    });
    let days = if moved.is_some() { act.days.as_slice() } else { &[] };
    let value = json!({ "days": days, "moved": terms.collect::<Vec<_>>() });
    Ok(Outcome::either(args.json, &value, || match &moved {
        None => "every row of the act is loaded already; nothing changed\n".to_owned(),
        Some(moved) => loaded_text(&act, moved),
    }))
}

fn read(path: &Path) -> Result<Act> {
    let because = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let bytes = argument::file(path)?;
    // Untrimmed, so that the lines that an error names are those of the file.
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::unusable(because(&"not UTF-8")))?;
    Act::parse(text).map_err(|error| match error {
        CalendarError::Row { .. } => Failure::refused(because(&error)),
        CalendarError::Syntax(_) | CalendarError::Empty => Failure::unusable(because(&error)),
    })
}

fn loaded_text(act: &Act, moved: &[Moved]) -> String {
    let days =
        act.days.iter().map(|row| vec![row.date.to_string(), word(row.nature).to_owned(), row.act.clone()]);
    let mut text = argument::table(&days.collect::<Vec<_>>());
    for term in moved {
        let _ =
            writeln!(text, "application {}: due {} instead of {}", term.application, term.after, term.before);
    }
    let _ = writeln!(text, "{} days loaded, {} open terms moved", act.days.len(), moved.len());
    text
}

fn word(nature: Nature) -> &'static str {
    match nature {
        Nature::Off => "off",
        Nature::Work => "work",
    }
}
