//! `kdp migrate`.

use super::{Outcome, Result, argument};
use kdp::store::sqlite;
use std::path::PathBuf;

/// Brings the database to the version of this program, creating it when it is not there.
///
/// Running it again does nothing. Stop `kdp serve` first, and make a backup.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp migrate --config /etc/kdp/kdp.toml")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Back to the version before this program's, for the program of before; what that one did not know is lost
    #[arg(long)]
    back: bool,
    /// Print {"before", "after"}
    #[arg(long)]
    json: bool,
}

/// Migrates.
pub fn run(args: &Args) -> Result {
    let config = argument::config(&args.config)?;
    let path = config.sqlite_path()?;
    let (before, after) = if args.back { sqlite::migrate_back(&path) } else { sqlite::migrate(&path) }?;
    let value = serde_json::json!({ "before": before, "after": after });
    Ok(Outcome::either(args.json, &value, || match before {
        0 => format!("the database was created with version {after}\n"),
        _ if before == after => format!("the database has version {after} already\n"),
        _ => format!("the database went from version {before} to {after}\n"),
    }))
}
