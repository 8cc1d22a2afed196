//! `kdp initiator`: register, show and change initiators in the database of a service, running or not.

mod add;
mod permit;
mod suspension;

use super::access::Access;
use super::argument::{self, Installation};
use super::{Outcome, Result, agreed, sender};
use clap::{Subcommand, ValueEnum};
use kdp::consent::method::Method;
use kdp::operator::duty::Errand;
use kdp::registry::{Role, SenderRecord};
use kdp::token::ovt::OvtKey;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The role that these commands are about.
const ROLES: &[Role] = &[Role::Initiator];

/// Registers, shows and changes initiators (инициаторы).
///
/// A running `kdp serve` on the same database notices within a second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Box<add::Add>),
    List(List),
    Show(Show),
    History(History),
    SetMethods(SetMethods),
    SetServices(SetServices),
    SetOvtKeys(SetOvtKeys),
    SetLogging(SetLogging),
    NewSecret(NewSecret),
    Suspend(Suspend),
    Resume(Resume),
}

/// Shows all initiators
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator list --config kdp.toml --json")]
struct List {
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows the registration of an initiator: what it may do and why, and when it was suspended
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator show bank_kdp --config kdp.toml")]
struct Show {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all revisions of a registration and what each changed, oldest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator history bank_kdp --config kdp.toml")]
struct History {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of {revision, at, changes: [{field, before, after}]}", long)]
    json: bool,
}

/// Replaces the methods of an initiator, and says why each is open to it (F-4, I-7, I-8)
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator set-methods bank_kdp --config kdp.toml --methods 1,2,5 --basis agreement-7 \
                  --own-means bank --protocol 2=own-means.pdf"
)]
struct SetMethods {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// All methods that it has from now on
    #[arg(long, value_delimiter = ',', required = true, value_parser = argument::method)]
    methods: Vec<Method>,
    /// The agreement, act or integration application that they rest on
    #[arg(long)]
    basis: String,
    #[command(flatten)]
    proof: permit::Proof,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Replaces the services of an initiator
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator set-services bank_kdp --config kdp.toml --services GBDFLUniversal_token,GBDRN_token"
)]
struct SetServices {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(
        help = "All ServiceIDs that it may ask for from now on",
        long,
        value_delimiter = ',',
        required = true
    )]
    services: Vec<String>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Replaces the keys of an initiator's verification tokens (I-10)
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator set-ovt-keys bank_kdp --config kdp.toml --ovt-key bank.cert.pem"
)]
struct SetOvtKeys {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Public key or certificate, PEM; repeatable; all that it has from now on
    #[arg(long, value_name = "PEM", required = true)]
    ovt_key: Vec<PathBuf>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Opens or closes logging mode to an initiator (протоколирование, F-4 4); the method itself comes by set-methods
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp initiator set-logging stat_kdp on --config kdp.toml --basis order-12"
)]
struct SetLogging {
    /// Which initiator
    sender_id: String,
    #[arg(value_enum)]
    switch: Switch,
    #[command(flatten)]
    at: Installation,
    /// The act or agreement that this rests on
    #[arg(long)]
    basis: String,
    /// Print an object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Replaces the secrets of an initiator; the old ones end at once, the new ones are printed this once
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator new-secret bank_kdp --config kdp.toml")]
struct NewSecret {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Suspends an initiator: it may not ask, and its tokens answer "suspended" until it is resumed
///
/// The status list follows in pieces. If the command is interrupted, repeat it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator suspend bank_kdp --config kdp.toml --reason inspection-31")]
struct Suspend {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Why, without personal data
    #[arg(long)]
    reason: String,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Ends the suspension of an initiator: its tokens work again as far as they have not expired
///
/// The status list follows in pieces. If the command is interrupted, repeat it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp initiator resume bank_kdp --config kdp.toml")]
struct Resume {
    /// Which initiator
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Add(args) => add::run(*args, errand).await,
        Command::List(args) => sender::show::list(&args.at.open_as(errand).await?, ROLES, args.json).await,
        Command::Show(args) => {
            sender::show::show(&args.at.open_as(errand).await?, &args.sender_id, ROLES, args.json).await
        }
        Command::History(args) => {
            sender::show::history(&args.at.open_as(errand).await?, &args.sender_id, ROLES, args.json).await
        }
        Command::SetMethods(args) => set_methods(args, errand).await,
        Command::SetServices(SetServices { sender_id, at, services, json }) => {
            let services = argument::service_ids("--services", &services)?;
            let access = at.open_as(errand).await?;
            agreed::warn_of_unowned(&access.registry().await?, &services);
            change(&access, &sender_id, ("services", json), |record| record.allowance.services = services)
                .await
        }
        Command::SetOvtKeys(SetOvtKeys { sender_id, at, ovt_key, json }) => {
            let keys = ovt_keys(&ovt_key)?;
            change(&at.open_as(errand).await?, &sender_id, ("ovt_keys", json), |record| {
                record.ovt_keys = keys;
            })
            .await
        }
        Command::SetLogging(args) => set_logging(args, errand).await,
        Command::NewSecret(args) => {
            sender::new_secret(&args.at.open_as(errand).await?, &args.sender_id, ROLES, args.json).await
        }
        Command::Suspend(Suspend { sender_id, at, reason, json }) => {
            suspension::begin(&at.open_as(errand).await?, &sender_id, &reason, json).await
        }
        Command::Resume(Resume { sender_id, at, json }) => {
            suspension::end(&at.open_as(errand).await?, &sender_id, json).await
        }
    }
}

async fn set_methods(args: SetMethods, errand: Errand) -> Result {
    let basis = argument::line("--basis", &args.basis)?;
    let access = args.at.open_as(errand).await?;
    let (mut record, revision) = sender::find(&access.registry().await?, &args.sender_id, ROLES)?;
    let methods = sorted(args.methods);
    record.permits = permit::permits(&methods, &basis, &args.proof, &record.permits, access.now())?;
    record.allowance.methods = methods;
    permit::warn_of_gaps(&record);
    sender::keep(&access, record, revision, "methods", json!({ "basis": basis })).await?;
    let value = json!({ "sender_id": args.sender_id, "revision": revision.saturating_add(1) });
    Ok(Outcome::either(args.json, &value, || format!("{}: methods replaced\n", args.sender_id)))
}

async fn set_logging(args: SetLogging, errand: Errand) -> Result {
    let basis = argument::line("--basis", &args.basis)?;
    let access = args.at.open_as(errand).await?;
    let (mut record, revision) = sender::find(&access.registry().await?, &args.sender_id, ROLES)?;
    let on = args.switch == Switch::On;
    permit::set_logging(&mut record, on.then_some(basis.as_str()), access.now());
    permit::warn_of_gaps(&record);
    sender::keep(&access, record, revision, "logging", json!({ "logging": on, "basis": basis })).await?;
    let word = if on { "open" } else { "closed" };
    let value = json!({ "sender_id": args.sender_id, "revision": revision.saturating_add(1), "logging": on });
    Ok(Outcome::either(args.json, &value, || format!("{}: logging mode is {word} to it\n", args.sender_id)))
}

/// Replaces a part of a registration.
async fn change(
    access: &Access,
    sender_id: &str,
    (what, as_json): (&'static str, bool),
    apply: impl FnOnce(&mut SenderRecord),
) -> Result {
    let (mut record, revision) = sender::find(&access.registry().await?, sender_id, ROLES)?;
    apply(&mut record);
    sender::keep(access, record, revision, what, Value::Null).await?;
    let value = json!({ "sender_id": sender_id, "revision": revision.saturating_add(1) });
    Ok(Outcome::either(as_json, &value, || format!("{sender_id}: {what} replaced\n")))
}

fn sorted(mut methods: Vec<Method>) -> Vec<Method> {
    methods.sort_unstable();
    methods.dedup();
    methods
}

fn ovt_keys(paths: &[PathBuf]) -> Result<Vec<String>> {
    let read = |path: &PathBuf| {
        let pem = argument::text_file(path)?;
        let cannot =
            |why: &dyn std::fmt::Display| super::Failure::unusable(format!("{}: {why}", path.display()));
        if pem.contains("PRIVATE KEY") {
            return Err(cannot(&"holds a private key; give the public half"));
        }
        OvtKey::from_pem(&pem, None).map_err(|error| cannot(&error))?;
        Ok(pem.to_string())
    };
    paths.iter().map(read).collect()
}
