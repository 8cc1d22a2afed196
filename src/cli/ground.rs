//! `kdp ground`: grounds (основания) of methods 3 and 4 (F-7 7, L-9).

mod add;
mod shipped;

use super::access::Access;
use super::argument::{self, Installation};
use super::{Outcome, Result, agreed, registration};
use clap::Subcommand;
use kdp::clock;
use kdp::consent::directory::Ground;
use kdp::operator::duty::Errand;
use kdp::store::register::{Item, Kind};
use serde_json::{Value, json};

/// Registers, shows and ends grounds of methods 3 and 4 (основания).
///
/// A running `kdp serve` on the same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp ground list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Shipped(Shipped),
    Add(Box<add::Add>),
    List(List),
    Show(Show),
    History(History),
    End(End),
}

/// Lists the cases of article 9 of the law that come with the program; none is registered by itself
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp ground shipped")]
struct Shipped {
    /// Print an array
    #[arg(long)]
    json: bool,
}

/// Shows all registered grounds
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp ground list --config kdp.toml --json")]
struct List {
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows a ground
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp ground show L-9-2 --config kdp.toml")]
struct Show {
    /// Which ground
    id: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all revisions of a ground and what each changed, oldest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp ground history L-9-2 --config kdp.toml")]
struct History {
    /// Which ground
    id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of {revision, at, changes: [{field, before, after}]}", long)]
    json: bool,
}

/// Ends a ground: no request names it any more with success; tokens that were granted stay
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp ground end L-9-2 --config kdp.toml --at 2026-12-31")]
struct End {
    /// Which ground
    id: String,
    #[command(flatten)]
    at: Installation,
    /// When, not in the past; now, when it is not given
    #[arg(long = "at", value_name = "TIME", value_parser = argument::moment)]
    when: Option<i64>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Shipped(args) => shipped::list(args.json),
        Command::Add(args) => add::run(*args, errand).await,
        Command::List(args) => list(&args.at.open_as(errand).await?, args.json).await,
        Command::Show(args) => show(&args.at.open_as(errand).await?, &args.id, args.json).await,
        Command::History(args) => {
            registration::history(
                &args.at.open_as(errand).await?,
                (Kind::Ground, &args.id),
                args.json,
                |_| {},
            )
            .await
        }
        Command::End(args) => end(&args, errand).await,
    }
}

async fn list(access: &Access, as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let mut grounds: Vec<&Ground> = registry.grounds.values().collect();
    grounds.sort_by(|a, b| a.id.cmp(&b.id));
    let values = grounds.iter().map(|ground| value(ground, now)).collect();
    Ok(Outcome::either(as_json, &Value::Array(values), || {
        let rows = grounds.iter().map(|ground| {
            vec![
                ground.id.clone(),
                ground.revision.to_string(),
                methods(ground),
                agreed::state(i64::MIN, ground.expires_at, now),
                if ground.confirmed.is_some() { "confirmed" } else { "unconfirmed" }.to_owned(),
                ground.source.clone(),
                ground.text.ru.clone(),
            ]
        });
        let heading = ["ID", "REVISION", "METHODS", "STATE", "WORDING", "SOURCE", "TEXT"];
        registration::listed(
            &heading,
            rows.collect(),
            "no grounds: `kdp ground shipped` lists those of the law",
        )
    }))
}

async fn show(access: &Access, id: &str, as_json: bool) -> Result {
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let ground = registry.grounds.get(id).ok_or_else(|| registration::unknown(Kind::Ground, id))?;
    Ok(Outcome::either(as_json, &value(ground, now), || text(ground, now)))
}

fn value(ground: &Ground, now: i64) -> Value {
    json!({
        "id": ground.id,
        "revision": ground.revision,
        "text": ground.text,
        "methods": ground.methods,
        "source": ground.source,
        "exempt": ground.exempt,
        "confirmed": ground.confirmed.as_ref().map(|confirmed| json!({
            "act": confirmed.act, "operator": confirmed.operator, "at": clock::text(confirmed.at),
        })),
        "expires_at": ground.expires_at.map(agreed::time),
        "state": agreed::state(i64::MIN, ground.expires_at, now),
    })
}

fn text(ground: &Ground, now: i64) -> String {
    let confirmed = ground.confirmed.as_ref().map_or_else(
        || "no: a test installation alone takes it".to_owned(),
        |c| format!("{} by {}, {}", c.act, c.operator, clock::text(c.at)),
    );
    registration::fields([
        ("id", ground.id.clone()),
        ("revision", ground.revision.to_string()),
        ("text kk", ground.text.kk.clone()),
        ("text ru", ground.text.ru.clone()),
        ("methods", methods(ground)),
        ("source", ground.source.clone()),
        ("exempt (I-3)", if ground.exempt { "yes" } else { "no" }.to_owned()),
        ("confirmed", confirmed),
        ("state", agreed::state(i64::MIN, ground.expires_at, now)),
    ])
}

fn methods(ground: &Ground) -> String {
    ground.methods.iter().map(|m| m.number().to_string()).collect::<Vec<_>>().join(",")
}

async fn end(args: &End, errand: Errand) -> Result {
    let access = args.at.open_as(errand).await?;
    let (registry, now) = (access.registry().await?, access.now() / 1000);
    let ground =
        registry.grounds.get(&args.id).ok_or_else(|| registration::unknown(Kind::Ground, &args.id))?;
    let wish = args.when.map(|at| at.div_euclid(1000));
    let Some(end) = agreed::end(ground.expires_at, wish, now)? else {
        let (id, since) = (&args.id, agreed::time(ground.expires_at.unwrap_or(now)));
        let value = json!({ "id": id, "ends": since, "changed": false });
        return Ok(Outcome::either(args.json, &value, || format!("{id} has ended already, {since}\n")));
    };
    let (after, ground) = (ground.revision, Ground { expires_at: Some(end), ..ground.clone() });
    let detail = registration::detail(json!({ "expires_at": end }));
    registration::register(&access, Item::Ground(ground), after, "ended", detail).await?;
    let (id, end) = (&args.id, agreed::time(end));
    let value = json!({ "id": id, "ends": end, "changed": true });
    Ok(Outcome::either(args.json, &value, || format!("{id} ends {end}\n")))
}
