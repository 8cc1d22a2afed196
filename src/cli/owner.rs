//! `kdp owner`: owners of data, and the systems that call the service without asking for data.

use super::argument::{self, Installation};
use super::{Failure, Outcome, Result, sender};
use clap::{Subcommand, ValueEnum};
use kdp::consent::method::Allowance;
use kdp::operator::duty::Errand;
use kdp::registry::{Registry, Role};
use serde_json::{Value, json};

/// The roles that these commands are about.
const ROLES: &[Role] = &[Role::Owner, Role::Egov, Role::Sms];

/// Registers, shows and changes owners of data (собственники), systems of the e-government and 1414.
///
/// Owners check the tokens for the services that they own (F-14). A running `kdp serve` on the same database notices within a
/// second.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp owner list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Box<Add>),
    List(List),
    Show(Show),
    History(History),
    SetServices(SetServices),
    NewSecret(NewSecret),
}

/// Registers an owner of data or a system; its secrets are printed this once
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp owner add --config kdp.toml --sender-id owner_kdp --name 'Registers' --bin 260140990513 \
                  --services GBDFLUniversal_token,GBDRN_token"
)]
struct Add {
    #[command(flatten)]
    at: Installation,
    #[command(flatten)]
    identity: sender::Identity,
    /// What it may call: token checks, the services of the e-government, or the answers of 1414
    #[arg(long, value_enum, default_value_t = RoleWord::Owner)]
    role: RoleWord,
    #[arg(help = "ServiceIDs that it owns", long, value_delimiter = ',')]
    services: Vec<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleWord {
    Owner,
    Egov,
    Sms,
}

impl RoleWord {
    fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Egov => Role::Egov,
            Self::Sms => Role::Sms,
        }
    }
}

/// Shows all owners and systems
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp owner list --config kdp.toml --role egov")]
struct List {
    #[command(flatten)]
    at: Installation,
    /// Only those of this role
    #[arg(long, value_enum)]
    role: Option<RoleWord>,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows the registration of an owner or system
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp owner show owner_kdp --config kdp.toml")]
struct Show {
    /// Which one
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Shows all revisions of a registration and what each changed, oldest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp owner history owner_kdp --config kdp.toml")]
struct History {
    /// Which one
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of {revision, at, changes: [{field, before, after}]}", long)]
    json: bool,
}

/// Replaces the services of an owner
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp owner set-services owner_kdp --config kdp.toml --services GBDFLUniversal_token,GBDRN_token"
)]
struct SetServices {
    /// Which owner
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "All ServiceIDs that it owns from now on", long, value_delimiter = ',', required = true)]
    services: Vec<String>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Replaces the secrets of an owner or system; the old ones end at once, the new ones are printed this once
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp owner new-secret owner_kdp --config kdp.toml")]
struct NewSecret {
    /// Which one
    sender_id: String,
    #[command(flatten)]
    at: Installation,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Add(args) => add(*args, errand).await,
        Command::List(args) => {
            let role = args.role.map(RoleWord::role);
            let roles = role.as_ref().map_or(ROLES, std::slice::from_ref);
            sender::show::list(&args.at.open_as(errand).await?, roles, args.json).await
        }
        Command::Show(args) => {
            sender::show::show(&args.at.open_as(errand).await?, &args.sender_id, ROLES, args.json).await
        }
        Command::History(args) => {
            sender::show::history(&args.at.open_as(errand).await?, &args.sender_id, ROLES, args.json).await
        }
        Command::SetServices(args) => set_services(&args, errand).await,
        Command::NewSecret(args) => {
            sender::new_secret(&args.at.open_as(errand).await?, &args.sender_id, ROLES, args.json).await
        }
    }
}

async fn add(args: Add, errand: Errand) -> Result {
    let services = argument::service_ids("--services", &args.services)?;
    match args.role {
        RoleWord::Owner if services.is_empty() => {
            return Err(Failure::unusable("--services: an owner owns at least one ServiceID"));
        }
        RoleWord::Egov | RoleWord::Sms if !services.is_empty() => {
            return Err(Failure::unusable("--services: only an owner has some"));
        }
        _ => {}
    }
    let allowance = Allowance { methods: Vec::new(), services, max_term_seconds: 0, ..Allowance::default() };
    let record = args.identity.record(args.role.role(), allowance)?;
    let access = args.at.open_as(errand).await?;
    must_be_free(&access.registry().await?, &record.bin, &record.allowance.services)?;
    sender::add(&access, record, Value::Null, args.json).await
}

async fn set_services(args: &SetServices, errand: Errand) -> Result {
    let services = argument::service_ids("--services", &args.services)?;
    let access = args.at.open_as(errand).await?;
    let registry = access.registry().await?;
    let (mut record, revision) = sender::find(&registry, &args.sender_id, &[Role::Owner])?;
    must_be_free(&registry, &record.bin, &services)?;
    record.allowance.services = services;
    sender::keep(&access, record, revision, "services", Value::Null).await?;
    let value = json!({ "sender_id": args.sender_id, "revision": revision.saturating_add(1) });
    Ok(Outcome::either(args.json, &value, || format!("{}: services replaced\n", args.sender_id)))
}

/// Whoever owns a `ServiceID` may learn of its tokens: it belongs to one organisation.
fn must_be_free(registry: &Registry, bin: &str, services: &[String]) -> Result<()> {
    for service in services {
        let mut senders = registry.senders.values().map(|sender| &sender.record);
        let other = senders.find(|record| {
            record.role == Role::Owner && record.bin != bin && record.allowance.services.contains(service)
        });
        if let Some(other) = other {
            let text = format!("--services: {service} is owned by {} (BIN {})", other.sender_id, other.bin);
            return Err(Failure::refused(text));
        }
    }
    Ok(())
}
