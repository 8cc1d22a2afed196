//! `kdp migrate`.

mod bar;

use super::access::{Login, answer, answer_leaving};
use super::restore::{failure, no_file};
use super::{Failure, Outcome, Result, argument};
use bar::Bar;
use kdp::clock::{Clock as _, SystemClock};
use kdp::config::Config;
use kdp::operator::duty::Errand;
use kdp::random::{Id, SystemRandom};
use kdp::store::location::Location;
use kdp::store::sqlite::{may_go_back, migrate_back};
use kdp::store::transfer::{Order, Refusal, State};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Brings the database to the version of this program, creating it when it is not there; or moves it to another engine.
///
/// Running it again does nothing. Stop `kdp serve` first, and make a backup. --back is for a security officer, while
/// there is one, and only while nobody has the database open and it keeps no journals of other nodes. The journal keeps who
/// did it, and goes on.
///
/// --to moves everything to an empty database of `PostgreSQL`, or from there to a new file of `SQLite`, and compares every row;
/// stop all nodes first. It is for a security officer, while there is one. What was broken off goes on when the command is run
/// again; until it is finished the old database is the one that counts, and neither is served; from then on the new one, and
/// the old one is not opened any more. `database.node` names whose chain of the journal the one of the file is.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp migrate --config /etc/kdp/kdp.toml\n  \
                        kdp migrate --config /etc/kdp/kdp.toml --to postgres://kdp@localhost/kdp\n  \
                        kdp migrate --config /etc/kdp/kdp.toml --to sqlite:///var/lib/kdp/new.db")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Back to the version before this program's, for the program of before; what that one did not know is lost
    #[arg(long)]
    back: bool,
    /// Move to the database that this names, as `database.url` does; the other keys of `[database]` are those of the
    /// configuration
    #[arg(long, value_name = "URL", conflicts_with = "back")]
    to: Option<String>,
    /// Give up a move that is not finished: the database of the configuration serves again, and the other one is to be removed
    #[arg(long, conflicts_with_all = ["back", "to"])]
    abandon: bool,
    #[command(flatten)]
    login: Login,
    #[arg(help = r#"Print {"before", "after"}; of a move {"to", "rows", "tables": {NAME: ROWS}}"#, long)]
    json: bool,
}

/// Migrates.
pub async fn run(args: &Args, errand: Errand) -> Result {
    let config = argument::config(&args.config)?;
    let location = config.location()?;
    if let Some(url) = &args.to {
        return move_to(args, &config, url, errand).await;
    }
    if args.abandon {
        return abandon(args, &config, errand).await;
    }
    let (before, after) = if args.back {
        let path = location.file().map_err(no_file)?;
        may_go_back(path).map_err(failure)?;
        let by = answer(&config, &args.login, errand).await?;
        let by = by.as_ref().map_or("", |by| by.as_str());
        migrate_back(path, SystemClock.now(), by)?
    } else {
        location.migrate(SystemClock.now())?
    };
    let value = json!({ "before": before, "after": after });
    Ok(Outcome::either(args.json, &value, || match before {
        0 => format!("the database was created with version {after}\n"),
        _ if before == after => format!("the database has version {after} already\n"),
        _ => format!("the database went from version {before} to {after}\n"),
    }))
}

async fn move_to(args: &Args, config: &Config, url: &str, errand: Errand) -> Result {
    let (source, target) = (config.location()?, config.location_at(url)?);
    if matches!(
        (&source, &target),
        (Location::File(..), Location::File(..)) | (Location::Server(_), Location::Server(_))
    ) {
        return Err(Failure::unusable(
            "kk: --to басқа қозғалтқышқа көшіреді: SQLite-тан postgres://… немесе PostgreSQL-ден sqlite:///…\n\
             ru: --to переносит на другой движок: из SQLite в postgres://… или из PostgreSQL в sqlite:///…\n\
             en: --to moves to the other engine: from SQLite to postgres://…, or from PostgreSQL to sqlite:///…",
        ));
    }
    let there = source.clone();
    let state = apart(move || there.state()).await?;
    // Who goes on with a move does what was ordered by the operator whom the marks name.
    let admitted = match state {
        State::InForce => Some(answer(config, &args.login, errand).await?),
        _ => None,
    };
    let admitted = admitted.map(|name| name.map(|name| name.to_string()).unwrap_or_default());
    let at = SystemClock.now();
    let id = Id::new(at, &SystemRandom::default()).map_err(|e| Failure::unusable(e.to_string()))?;
    let order = Order { id, admitted, at };
    let moved = apart(move || {
        let mut bar = Bar::default();
        source.move_to(&target, &order, &mut |progress| bar.show(progress))
    });
    let moved = moved.await?;
    let tables: Map<String, Value> =
        moved.tables.iter().map(|(name, rows)| ((*name).to_owned(), json!(rows))).collect();
    let value = json!({ "to": moved.to, "rows": moved.rows(), "tables": tables });
    Ok(Outcome::either(args.json, &value, || {
        format!(
            "{} rows were moved to {}, and each was compared: set database.url to it\n\
             the old database is not opened any more; destroy it when the new one has a backup\n",
            moved.rows(),
            moved.to,
        )
    }))
}

/// Its operators stand in the database, which is on its way, and stays so until one of them has proved that he may.
async fn abandon(args: &Args, config: &Config, errand: Errand) -> Result {
    let source = config.location()?;
    let there = source.clone();
    apart(move || there.under_way()).await?;
    let by = answer_leaving(config, &args.login, errand).await?;
    let by = by.map(|name| name.to_string()).unwrap_or_default();
    let peer = apart(move || source.abandon(&by, SystemClock.now())).await?.peer;
    Ok(Outcome::either(args.json, &json!({ "abandoned": peer }), || {
        format!("the database serves again; remove what was copied to {peer}\n")
    }))
}

/// Away from the threads of the runtime, which goes on meanwhile.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> std::result::Result<T, Refusal> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure::unusable("the move failed"))?.map_err(|refusal| match refusal {
        Refusal::Store(error) => Failure::unusable(error.to_string()),
        no => Failure::refused(no.to_string()),
    })
}
