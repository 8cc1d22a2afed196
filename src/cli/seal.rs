//! `kdp seal-key`: the keys that seal personal data in the database.

use super::access::{Access, Login};
use super::argument::{Installation, Location};
use super::{Failure, Outcome, Progress, Result, argument};
use clap::Subcommand;
use kdp::config::Config;
use kdp::operator::duty::Errand;
use kdp::store::location::Location as Database;
use kdp::store::reseal::Sealing;
use kdp::store::seal::source::KeySource;
use kdp::store::seal::{WARN_AT, ring};

use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was sealed before the keys changed may be written as much later as this.
const SETTLED: Duration = Duration::from_mins(1);

/// Changes the keys that seal IIN, phone numbers, names and tokens in the database.
///
/// To change the key: `add`, keep a copy of the key file, wait until `list` says that everything is sealed by the new key,
/// `remove` the old one. The service goes on meanwhile. The keys that sign are those of `kdp keys`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp seal-key list --config /etc/kdp/kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Add(Add),
    Remove(Remove),
}

/// Shows the keys, what each sealed, and how far sealing anew has come
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp seal-key list --config /etc/kdp/kdp.toml --count")]
struct List {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    #[command(flatten)]
    login: Login,
    /// Look at every sealed value and tell how many there are of each key
    #[arg(long)]
    count: bool,
    /// Print {"keys": [{"number", "seals", "sealed", "there"}], "done", "left"}
    #[arg(long)]
    json: bool,
}

/// Makes a new key, which seals from now on; a running service seals anew what is there
///
/// Keep a copy of the key file at once: what the new key seals cannot be read without it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp seal-key add --config /etc/kdp/kdp.toml")]
struct Add {
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    #[command(flatten)]
    login: Login,
}

/// Takes a key out of the key file; refused while anything in the database is sealed by it
///
/// Backups of its time need it: keep it with them, or destroy it to make them unreadable.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp seal-key remove 1 --config /etc/kdp/kdp.toml")]
struct Remove {
    /// The number of the key, as `kdp seal-key list` shows it
    number: u32,
    /// The configuration
    #[arg(long)]
    config: PathBuf,
    #[command(flatten)]
    login: Login,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::List(args) => list(&args, &access(&args.config, &args.login, errand).await?),
        Command::Add(args) => add(access(&args.config, &args.login, errand).await?).await,
        Command::Remove(args) => {
            let access = access(&args.config, &args.login, errand).await?;
            remove(args.number, access).await
        }
    }
}

/// The installation, entered.
async fn access(config: &Path, login: &Login, errand: Errand) -> Result<Access> {
    let place = Location { config: Some(config.to_owned()), data: None };
    Installation { place, login: login.clone() }.open_as(errand).await
}

fn list(args: &List, access: &Access) -> Result {
    let config = access.config();
    let (database, source) = (config.location()?, config.database.sealing());
    let numbers = numbers(&source)?;
    let state = database.sealing()?;
    let there = if args.count { Some(count(&database)?) } else { None };
    let of = |number: &u32| there.as_ref().map(|there| there.get(number).copied().unwrap_or(0));
    let keys: Vec<_> = numbers
        .iter()
        .enumerate()
        .map(|(i, n)| json!({ "number": n, "seals": i == 0, "sealed": state.counts.get(n), "there": of(n) }))
        .collect();
    let first = numbers.first().copied().unwrap_or(0);
    let (done, left) = progress(&state, first);
    let value = json!({ "keys": keys, "done": done, "left": left });
    Ok(Outcome::either(args.json, &value, || {
        let mut rows = vec![["KEY", "", "SEALED", "THERE"].map(str::to_owned).to_vec()];
        for (i, number) in numbers.iter().enumerate() {
            let figure = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
            let role = if i == 0 { "seals" } else { "opens" };
            let sealed = state.counts.get(number).copied();
            rows.push(vec![number.to_string(), role.to_owned(), figure(sealed), figure(of(number))]);
        }
        let mut text = argument::table(&rows);
        let _ = match (done, left) {
            (true, _) => writeln!(text, "everything was found sealed by key {first}"),
            (_, Some(left)) => writeln!(text, "sealing anew by key {first}: at most {left} values are left"),
            _ => writeln!(text, "the service has not begun to seal anew by key {first}: is it running?"),
        };
        for (number, _) in
            state.counts.iter().filter(|(number, count)| numbers.contains(number) && **count >= WARN_AT)
        {
            let _ = writeln!(text, "key {number} has sealed half of what one key may: add another");
        }
        text
    }))
}

/// Whether everything is sealed by this key, else how much is left at most, if that is known.
fn progress(state: &Sealing, first: u32) -> (bool, Option<u64>) {
    let left = state.under_way.filter(|(to, _)| *to == first).map(|(_, left)| left);
    (state.done == Some(first), left)
}

pub fn numbers(source: &KeySource) -> Result<Vec<u32>> {
    let (text, _) = source.read().map_err(|e| named(source, &e))?;
    let lines = ring::lines(&text).map_err(|e| named(source, &e))?;
    Ok(lines.iter().map(|(number, _)| *number).collect())
}

fn named(source: &KeySource, error: &impl std::fmt::Display) -> Failure {
    Failure::unusable(format!("{}: {error}", source.name().display()))
}

/// The file that can be changed here.
fn file(config: &Config) -> Result<KeySource> {
    match config.database.sealing() {
        KeySource::Command(_) => Err(Failure::refused(
            "the keys come from database.seal_command: change them where that takes them from, then send SIGHUP",
        )),
        source @ KeySource::File(_) => Ok(source),
    }
}

async fn add(access: Access) -> Result {
    let source = file(access.config())?;
    let next = numbers(&source)?.into_iter().max().unwrap_or(0).saturating_add(1);
    // First the journal: nothing is done that stands nowhere.
    access.note(access.deed("administration", format!("sealing key {next} is added"))).await?;
    let mut number = 0;
    let added = source.change(|text| {
        let (text, new) = ring::with_new(text, access.random())?;
        number = new;
        Ok(text)
    });
    added.map_err(|e| named(&source, &e))?;
    Ok(Outcome::accepted(format!(
        "key {number} seals from now on; a running service seals anew what is there: kdp seal-key list\n\
         keep a copy of {} at once, apart from the backups\n",
        source.name().display()
    )))
}

async fn remove(number: u32, access: Access) -> Result {
    let (source, database) = (file(access.config())?, access.config().location()?);
    let numbers = numbers(&source)?;
    if numbers.first() == Some(&number) {
        return Err(Failure::refused(format!(
            "key {number} seals now: `kdp seal-key add` makes another one first"
        )));
    }
    if !numbers.contains(&number) {
        return Err(Failure::refused(format!("there is no key {number}: see `kdp seal-key list`")));
    }
    let settled = std::fs::metadata(source.name()).and_then(|meta| meta.modified());
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of a file, by the clock that the file system uses"
    )]
    let now = std::time::SystemTime::now();
    if settled.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age < SETTLED)) {
        return Err(Failure::refused(
            "the keys have changed within the last minute, and what was sealed before may be on its way: try again",
        ));
    }
    let there = count(&database)?.get(&number).copied().unwrap_or(0);
    if there > 0 {
        database.look_again()?;
        return Err(Failure::refused(format!(
            "{there} values are sealed by key {number}; a running service seals them anew: see `kdp seal-key list`"
        )));
    }
    access.note(access.deed("administration", format!("sealing key {number} is removed"))).await?;
    source.change(|text| Ok(ring::without(text, number))).map_err(|e| named(&source, &e))?;
    Ok(Outcome::accepted(format!("key {number} is removed; backups of its time do not open without it\n")))
}

fn count(database: &Database) -> Result<BTreeMap<u32, u64>> {
    let mut progress = Progress::default();
    Ok(database.sealed_by(&mut |_| progress.step("times 10 000 rows"))?)
}
