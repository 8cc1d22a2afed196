//! `kdp directory`: directory entries (записи справочника), the purposes that were agreed (F-7 5, I-5).

mod change;
mod show;

use super::argument::{self, Installation};
use super::{Result, registration};
use clap::Subcommand;
use kdp::operator::duty::Errand;
use kdp::store::register::Kind;

/// Registers, shows and changes directory entries (записи справочника).
///
/// An entry says for which service of an initiator data are asked, from which registers, for how long, and how long
/// they are kept. A change is a new revision; a token names the one it was issued under. A running `kdp serve` on the
/// same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp directory list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Box<change::Add>),
    List(List),
    Show(Show),
    History(History),
    Revise(Box<change::Revise>),
    End(change::End),
}

/// Shows all entries
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp directory list --config kdp.toml --bin 260140990117")]
struct List {
    #[command(flatten)]
    at: Installation,
    /// Only those agreed with this organisation
    #[arg(long)]
    bin: Option<String>,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows an entry
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp directory show dir-bank-1 --config kdp.toml")]
struct Show {
    /// Which entry
    id: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all revisions of an entry and what each changed, oldest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp directory history dir-bank-1 --config kdp.toml")]
struct History {
    /// Which entry
    id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of {revision, at, changes: [{field, before, after}]}", long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Add(args) => change::add(*args, errand).await,
        Command::List(args) => {
            let bin = args.bin.as_deref().map(|bin| argument::bin("--bin", bin)).transpose()?;
            show::list(&args.at.open_as(errand).await?, bin, args.json).await
        }
        Command::Show(args) => show::show(&args.at.open_as(errand).await?, &args.id, args.json).await,
        Command::History(args) => {
            registration::history(&args.at.open_as(errand).await?, (Kind::Entry, &args.id), args.json, |_| {})
                .await
        }
        Command::Revise(args) => change::revise(*args, errand).await,
        Command::End(args) => change::end(&args, errand).await,
    }
}
