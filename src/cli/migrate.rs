//! `kdp migrate`.

use super::{Outcome, Result, argument};
use std::path::PathBuf;

/// Brings the database to the version of this program, creating it when it is not there.
///
/// Running it again does nothing. Stop `kdp serve` first.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp migrate --config /etc/kdp/kdp.toml")]
pub struct Args {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    /// Print {"before", "after"}
    #[arg(long)]
    json: bool,
}

/// Migrates.
pub fn run(args: &Args) -> Result {
    let config = argument::config(&args.config)?;
    let (before, after) = kdp::store::sqlite::migrate(&config.sqlite_path()?)?;
    let value = serde_json::json!({ "before": before, "after": after });
    Ok(Outcome::either(args.json, &value, || match before {
        0 => format!("the database was created with version {after}\n"),
        _ if before == after => format!("the database has version {after} already\n"),
        _ => format!("the database went from version {before} to {after}\n"),
    }))
}
