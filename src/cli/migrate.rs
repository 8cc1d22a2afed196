//! `kdp migrate`.

use super::access::{Login, answer};
use super::restore::{failure, no_file};
use super::{Outcome, Result, argument};
use kdp::clock::{Clock as _, SystemClock};
use kdp::operator::duty::Errand;
use kdp::store::sqlite::{may_go_back, migrate_back};
use std::path::PathBuf;

/// Brings the database to the version of this program, creating it when it is not there.
///
/// Running it again does nothing. Stop `kdp serve` first, and make a backup. --back is for a security officer, while
/// there is one, and only while nobody has the database open and it keeps no journals of other nodes. The journal keeps who
/// did it, and goes on.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp migrate --config /etc/kdp/kdp.toml")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Back to the version before this program's, for the program of before; what that one did not know is lost
    #[arg(long)]
    back: bool,
    #[command(flatten)]
    login: Login,
    /// Print {"before", "after"}
    #[arg(long)]
    json: bool,
}

/// Migrates.
pub async fn run(args: &Args, errand: Errand) -> Result {
    let config = argument::config(&args.config)?;
    let location = config.location()?;
    let (before, after) = if args.back {
        let path = location.file().map_err(no_file)?;
        may_go_back(path).map_err(failure)?;
        let by = answer(&config, &args.login, errand).await?;
        let by = by.as_ref().map_or("", |by| by.as_str());
        migrate_back(path, SystemClock.now(), by)?
    } else {
        location.migrate(SystemClock.now())?
    };
    let value = serde_json::json!({ "before": before, "after": after });
    Ok(Outcome::either(args.json, &value, || match before {
        0 => format!("the database was created with version {after}\n"),
        _ if before == after => format!("the database has version {after} already\n"),
        _ => format!("the database went from version {before} to {after}\n"),
    }))
}
