//! `kdp operator`: the persons with access (P 5-3, 7-1, 7 10), and what needs two of them.

mod account;
mod approval;
mod list;
mod word;

use super::argument::{self, Installation};
use super::{Outcome, Result};
use clap::Subcommand;
use kdp::operator::duty::{Duty, Errand};
use kdp::operator::{Name, Role};
use kdp::text::Lang;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Gives and takes access (операторы), lists the persons with access, and approves what needs two persons.
///
/// Every command on an installation is run by an operator: --operator NAME and --password-file FILE, or `KDP_OPERATOR` and
/// `KDP_OPERATOR_PASSWORD_FILE`, or a terminal is asked. The first operator is added without a login. Five wrong passwords
/// lock a name for 15 minutes, five more for twice as long, up to a day.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator list --config kdp.toml --lang kk")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(Add),
    Roles(SetRoles),
    Password(Password),
    Reset(Reset),
    Dismiss(Dismiss),
    Restore(Restore),
    List(List),
    Show(Show),
    Duties(Duties),
    Approvals(Approvals),
    Approve(Approve),
}

/// Gives a person access; the password is printed this once, and must be changed before anything else is done
///
/// While there is no operator, the first one is added without a login and is a security officer.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp operator add a.serikov --full-name 'A.Serikov' --roles security-officer --config kdp.toml"
)]
struct Add {
    /// Login name: a-z, 0-9, '.', '-', '_'
    #[arg(value_parser = name)]
    name: Name,
    /// Who that is
    #[arg(long)]
    full_name: String,
    /// registrar, security-officer, support, or auditor alone
    #[arg(long, value_delimiter = ',', required = true, value_parser = role)]
    roles: Vec<Role>,
    /// File with the password, readable by its owner only; one is generated and printed, when it is not given
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    #[command(flatten)]
    at: Installation,
    /// Print {"name", "password"}
    #[arg(long)]
    json: bool,
}

/// Replaces the roles of a person; nobody changes his own
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp operator roles b.akhmetova --roles registrar,support --config kdp.toml"
)]
struct SetRoles {
    /// Who
    #[arg(value_parser = name)]
    name: Name,
    /// All roles from now on
    #[arg(long, value_delimiter = ',', required = true, value_parser = role)]
    roles: Vec<Role>,
    #[command(flatten)]
    at: Installation,
    /// Print {"name", "revision"}
    #[arg(long)]
    json: bool,
}

/// Changes one's own password: at least 12 characters, without the name in it
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp operator password --new-password-file new.password --config kdp.toml"
)]
struct Password {
    /// File with the new password, readable by its owner only; a terminal is asked, when it is not given
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    #[command(flatten)]
    at: Installation,
    /// Print {"name", "revision"}
    #[arg(long)]
    json: bool,
}

/// Gives another person a new password, printed this once, and ends a lockout
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator reset b.akhmetova --config kdp.toml")]
struct Reset {
    /// Who
    #[arg(value_parser = name)]
    name: Name,
    #[command(flatten)]
    at: Installation,
    /// Print {"name", "password"}
    #[arg(long)]
    json: bool,
}

/// Takes access away, at once; the account stays in the list
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator dismiss b.akhmetova --config kdp.toml")]
struct Dismiss {
    /// Who
    #[arg(value_parser = name)]
    name: Name,
    #[command(flatten)]
    at: Installation,
    /// Print {"name", "revision"}
    #[arg(long)]
    json: bool,
}

/// Gives a dismissed person access again, with a new password that is printed this once
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator restore b.akhmetova --config kdp.toml")]
struct Restore {
    /// Who
    #[arg(value_parser = name)]
    name: Name,
    #[command(flatten)]
    at: Installation,
    /// Print {"name", "password"}
    #[arg(long)]
    json: bool,
}

/// Prints the list of persons with access: roles, since when, by whom, dismissed when (P 5-3, 7-1)
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator list --history --lang ru --config kdp.toml")]
struct List {
    /// Every change of every account, too
    #[arg(long)]
    history: bool,
    /// Language of the list: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an array of what show --json prints", long)]
    json: bool,
}

/// Shows an account and every change of it
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator show b.akhmetova --config kdp.toml")]
struct Show {
    /// Who
    #[arg(value_parser = name)]
    name: Name,
    /// Language: kk, ru or en
    #[arg(long, default_value = "ru", value_parser = argument::lang)]
    lang: Lang,
    #[command(flatten)]
    at: Installation,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Prints which role may run which command
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator duties")]
struct Duties {
    /// Print an array of {"roles", "commands"}; without a role, no login is needed
    #[arg(long)]
    json: bool,
}

/// Shows what waits for a second person
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp operator approvals --config kdp.toml")]
struct Approvals {
    #[command(flatten)]
    at: Installation,
    /// Print an array
    #[arg(long)]
    json: bool,
}

/// Approves what another security officer asked for, naming it again; who asked then runs the command again
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp operator approve 019d46dd-ca80-7abc-8def-0123456789ab --for subject-erase - --config kdp.toml"
)]
struct Approve {
    /// Id of the approval, as the first command printed it
    id: String,
    #[command(flatten)]
    what: approval::What,
    #[command(flatten)]
    at: Installation,
    #[arg(help = "Print an object of approvals --json", long)]
    json: bool,
}

fn name(text: &str) -> std::result::Result<Name, String> {
    Name::parse(text).map_err(|error| error.to_string())
}

fn role(text: &str) -> std::result::Result<Role, String> {
    Role::parse(text).map_err(|error| error.to_string())
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Add(args) => account::add(args, errand).await,
        Command::Roles(SetRoles { name, roles, at, json }) => {
            account::set_roles(&at.open_as(errand).await?, (&name, roles), json).await
        }
        Command::Password(Password { new_password_file, at, json }) => {
            account::change_password(&at.open_as(errand).await?, new_password_file.as_deref(), json).await
        }
        Command::Reset(Reset { name, at, json }) => {
            account::reset(&at.open_as(errand).await?, &name, json).await
        }
        Command::Dismiss(Dismiss { name, at, json }) => {
            account::dismiss(&at.open_as(errand).await?, &name, json).await
        }
        Command::Restore(Restore { name, at, json }) => {
            account::restore(&at.open_as(errand).await?, &name, json).await
        }
        Command::List(List { history, lang, at, json }) => {
            list::all(&at.open_as(errand).await?, (history, lang), json).await
        }
        Command::Show(Show { name, lang, at, json }) => {
            list::one(&at.open_as(errand).await?, (&name, lang), json).await
        }
        Command::Duties(args) => Ok(duties(args.json)),
        Command::Approvals(Approvals { at, json }) => approval::list(&at.open_as(errand).await?, json).await,
        Command::Approve(Approve { id, what, at, json }) => {
            approval::approve(&at, errand, (&id, &what), json).await
        }
    }
}

fn duties(as_json: bool) -> Outcome {
    let words = |duty: Duty| duty.roles().iter().map(|role| role.word()).collect::<Vec<_>>();
    let value = Duty::ALL.iter().map(|duty| json!({ "roles": words(*duty), "commands": duty.commands() }));
    Outcome::either(as_json, &Value::Array(value.collect()), || {
        let mut text = String::new();
        for duty in Duty::ALL {
            let roles = words(duty).join(", ");
            let _ = writeln!(text, "{}:", if roles.is_empty() { "without a login" } else { &roles });
            for command in duty.commands() {
                let _ = writeln!(text, "  {command}");
            }
        }
        text
    })
}
