//! The way into an installation: an operator logs in, the duty of the command is held against the person's roles, and
//! everything that is done or looked at from then on carries the name. No command reaches a store by another way.

mod prompt;
mod second_factor;
mod verb;

use super::argument::{self, Installation};
use super::{Failure, Result};
use kdp::config::Config;
use kdp::operator::duty::{Duty, Errand};
use kdp::operator::password::PasswordHash;
use kdp::operator::{Name, Operator, Role};
use kdp::random::Random;
use kdp::sandbox;
use kdp::serve::{Opened, open_leaving, open_store};
use kdp::store::operator::Verdict;
use kdp::store::register::{Item, Kind};
use kdp::store::seal::Seal;
use kdp::store::{Record, StoreError};
use secrecy::SecretString;
use serde_json::json;
use std::path::{Path, PathBuf};
pub use verb::Deed;

/// Where the name is, when no flag says it.
const NAME: &str = "KDP_OPERATOR";
/// Where the path of the password's file is, when no flag says it.
const PASSWORD_FILE: &str = "KDP_OPERATOR_PASSWORD_FILE";
/// Where the path of the code's file is, when no flag says it.
const CODE_FILE: &str = "KDP_OPERATOR_CODE_FILE";

/// Who runs a command, and how that is proved.
#[derive(clap::Args, Clone, Default)]
#[command(next_help_heading = "Login")]
pub struct Login {
    /// Who runs the command; else `KDP_OPERATOR`, else a terminal is asked. With --data none is needed
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
    /// File with the password; else `KDP_OPERATOR_PASSWORD_FILE`, else a terminal is asked
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File with the code of the second factor; else `KDP_OPERATOR_CODE_FILE`, else a terminal is asked
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

/// An installation, entered by an operator whose roles allow what the command does.
pub struct Access {
    config: Config,
    opened: Opened,
    operator: Operator,
    revision: u32,
}

impl Installation {
    /// Opens the installation for `errand`: logs the operator in and holds the duty against the roles.
    ///
    /// Refuses (exit 1), each with its code: `operator-none`, `operator-login`, `operator-locked`, `operator-password`,
    /// `operator-role`. Asks on a terminal for what is missing; without one that is wrong use (exit 2).
    pub async fn open_as(&self, errand: Errand) -> Result<Access> {
        let (config, opened) = self.open()?;
        let standing_in = match &self.place.data {
            Some(_) => standing_in(&opened, &self.login, errand.duty()).await?,
            None => None,
        };
        admit(config, opened, (standing_in, &self.login), errand).await
    }

    /// Opens its database, for nobody: what comes out of here goes through [`enter`] or [`first`].
    fn open(&self) -> Result<(Config, Opened)> {
        match (&self.place.config, &self.place.data) {
            (Some(path), _) => {
                let config = argument::config(path)?;
                let opened = open_store(&config)?;
                Ok((config, opened))
            }
            (None, Some(data)) => Ok(sandbox::open(data)?),
            (None, None) => Err(Failure::unusable("give --config or --data")),
        }
    }
}

/// Logs an operator in at a database that is open already.
pub async fn enter(config: Config, opened: Opened, login: &Login, errand: Errand) -> Result<Access> {
    admit(config, opened, (None, login), errand).await
}

/// Has an operator answer for what is done to a whole database, which is closed again then. `None`: nobody has access to
/// it.
pub async fn answer(config: &Config, login: &Login, errand: Errand) -> Result<Option<Name>> {
    answer_at(config, open_store(config)?, login, errand).await
}

/// The same at a database that is on its way to another, and stays so.
pub async fn answer_leaving(config: &Config, login: &Login, errand: Errand) -> Result<Option<Name>> {
    answer_at(config, open_leaving(config)?, login, errand).await
}

async fn answer_at(config: &Config, opened: Opened, login: &Login, errand: Errand) -> Result<Option<Name>> {
    match opened.store.latest(Kind::Operator).await {
        Ok(operators) if operators.is_empty() => return Ok(None),
        Err(StoreError::Unreadable(_)) => {
            return Err(Failure::refused(
                "operator-keys: the keys of the configuration do not open the operators of the database that is \
                 there, who judge who may do this: put its key files back, or move the database away",
            ));
        }
        other => drop(other?),
    }
    let access = enter(config.clone(), opened, login, errand).await?;
    Ok(Some(access.operator.name))
}

/// Lets in who stands in, or else whoever proves who he is, if the roles allow the errand.
async fn admit(
    config: Config,
    opened: Opened,
    (standing_in, login): (Option<(Operator, u32)>, &Login),
    errand: Errand,
) -> Result<Access> {
    if opened.store.latest(Kind::Operator).await?.is_empty() {
        return Err(Failure::refused(
            "operator-none: nobody has access to this installation yet; `kdp operator add NAME --full-name … \
             --roles security-officer` registers the first operator without a login",
        ));
    }
    let (operator, revision) = match standing_in {
        Some(found) => found,
        None => Box::pin(prove(&config, &opened, login)).await?,
    };
    let access = Access { config, opened, operator, revision };
    if access.operator.must_change && errand.duty() != Duty::Own {
        return Err(Failure::refused(
            "operator-password: somebody else knows this password: `kdp operator password` comes first",
        ));
    }
    if !errand.duty().is_of(&access.operator.roles) {
        let deed = access.deed("login", "not allowed").detail(&json!({ "command": errand.command() }));
        access.note(deed).await?;
        let may: Vec<&str> = errand.duty().roles().iter().map(|role| role.word()).collect();
        let may = if may.is_empty() { "nobody".to_owned() } else { may.join(" or ") };
        return Err(Failure::refused(format!(
            "operator-role: `kdp {}` is for {may}; {} is {}",
            errand.command(),
            access.operator.name,
            access.operator.roles
        )));
    }
    Ok(access)
}

/// Who acts in a sandbox without proving it: the one that is named, or else the first who may. Such operators exist in
/// databases that a sandbox made, and nowhere else.
async fn standing_in(opened: &Opened, login: &Login, duty: Duty) -> Result<Option<(Operator, u32)>> {
    if login.password_file.is_some() || std::env::var_os(PASSWORD_FILE).is_some() {
        return Ok(None);
    }
    let named = login.name();
    let mut found = Vec::new();
    for revision in opened.store.latest(Kind::Operator).await? {
        let operator: Operator = serde_json::from_str(&revision.record)?;
        let is_meant = named.as_deref().is_none_or(|name| name == operator.name.as_str());
        if operator.sandbox && operator.is_active() && is_meant {
            found.push((operator, revision.revision));
        }
    }
    // The first role that may; whoever is named is refused by the role, if at all.
    let of = |role: &Role| found.iter().position(|(operator, _)| operator.roles.has(*role));
    let at = duty.roles().iter().find_map(of).unwrap_or(0);
    Ok((at < found.len()).then(|| found.swap_remove(at)))
}

/// Holds a name against its password, and the code where one is wanted. What is wrong is counted in the database before
/// it is told, and costs the same for a name that is not registered. Neither is looked at while the name is locked.
async fn prove(config: &Config, opened: &Opened, login: &Login) -> Result<(Operator, u32)> {
    let typed = login.name().map_or_else(|| prompt::line("operator: "), Ok)?;
    let name = Name::parse(&typed).ok();
    let known = match &name {
        Some(name) => opened.store.history(Kind::Operator, name.to_string()).await?.pop(),
        None => None,
    };
    let known = match known {
        Some(last) => Some((serde_json::from_str::<Operator>(&last.record)?, last.revision)),
        None => None,
    };
    let record = || Record {
        at: opened.clock.now(),
        kind: "login",
        // A password that was typed for a name is not kept.
        operator: known.as_ref().map(|(operator, _)| operator.name.to_string()).unwrap_or_default(),
        detail: json!({ "known": known.is_some() }).to_string(),
        ..Record::default()
    };
    if let Some(name) = &name
        && let Some(until) = opened.store.locked(name.clone(), record()).await?
    {
        return Err(locked(until));
    }
    let password = login.password(&typed)?;
    let hook = config.operators.second_factor.as_deref();
    let code = hook.map(|_| login.code()).transpose()?;
    let nobody = PasswordHash::of_nobody();
    let hash = known.as_ref().map_or(&nobody, |(operator, _)| &operator.password);
    let mut right =
        hash.matches(&password) & known.as_ref().is_some_and(|(operator, _)| operator.is_active());
    let wrong = || Failure::refused("operator-login: name, password or code is wrong");
    let Some(name) = name else { return Err(wrong()) };
    // The program judges the code of everybody: neither its time nor its failure tells of the password.
    let mut broken = None;
    if let (Some(hook), Some(code)) = (hook, code) {
        let held = second_factor::holds(hook, &name, &code).await;
        right &= matches!(held, Ok(true));
        broken = held.err();
    }
    let verdict = opened.store.log_in(name, right, record()).await?;
    match (verdict, broken, known) {
        (Verdict::Locked(until), ..) => Err(locked(until)),
        (_, Some(broken), _) => Err(broken),
        (Verdict::Welcome, None, Some(known)) => Ok(known),
        (Verdict::Welcome | Verdict::Wrong, ..) => Err(wrong()),
    }
}

fn locked(until: i64) -> Failure {
    let until = kdp::clock::text(until);
    Failure::refused(format!("operator-locked: too many wrong logins; this name is locked until {until}"))
}

impl Login {
    fn name(&self) -> Option<String> {
        self.operator.clone().or_else(|| std::env::var(NAME).ok())
    }

    fn password(&self, name: &str) -> Result<SecretString> {
        // The variable belongs to the name of the other variable.
        let is_its = self.operator.is_none() || std::env::var(NAME).is_ok_and(|other| other == name);
        let from = is_its.then(|| std::env::var_os(PASSWORD_FILE)).flatten();
        match self.password_file.clone().or_else(|| from.map(PathBuf::from)) {
            Some(path) => secret_file(&path),
            None => prompt::secret("password: "),
        }
    }

    fn code(&self) -> Result<SecretString> {
        match self.code_file.clone().or_else(|| std::env::var_os(CODE_FILE).map(PathBuf::from)) {
            Some(path) => secret_file(&path),
            None => prompt::secret("code: "),
        }
    }
}

/// The first line of a file that nobody but its owner may read.
pub fn secret_file(path: &Path) -> Result<SecretString> {
    use std::os::unix::fs::PermissionsExt as _;
    let open =
        std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o077 != 0);
    if open {
        let text = format!("{}: must be readable by its owner only (chmod 600)", path.display());
        return Err(Failure::unusable(text));
    }
    let text = argument::text_file(path)?;
    Ok(SecretString::from(text.lines().next().unwrap_or_default()))
}

/// A new secret, typed twice on a terminal.
pub fn new_secret() -> Result<SecretString> {
    prompt::twice()
}

impl Access {
    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Who is in.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The revision of that account.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The clock of the installation, Unix milliseconds.
    pub fn now(&self) -> i64 {
        self.opened.clock.now()
    }

    /// Randomness.
    pub fn random(&self) -> &dyn Random {
        &*self.opened.random
    }

    /// Sealing and lookup.
    pub fn seal(&self) -> &dyn Seal {
        &*self.opened.seal
    }
}

/// An installation that nobody has access to yet: the first operator comes in without a login, and nothing else does.
pub struct Threshold {
    opened: Opened,
}

/// Whether an installation has no operator yet.
pub async fn nobody_yet(at: &Installation) -> Result<Option<Threshold>> {
    let (_, opened) = at.open()?;
    let is_empty = opened.store.latest(Kind::Operator).await?.is_empty();
    Ok(is_empty.then_some(Threshold { opened }))
}

impl Threshold {
    /// The clock of the installation, Unix milliseconds.
    pub fn now(&self) -> i64 {
        self.opened.clock.now()
    }

    /// Randomness.
    pub fn random(&self) -> &dyn Random {
        &*self.opened.random
    }

    /// Registers the first operator, once, however many try at the same time.
    pub async fn register_first(&self, operator: Operator) -> Result<()> {
        let record = Record {
            at: self.now(),
            kind: "registration",
            outcome: "first operator added".to_owned(),
            detail: json!({ "id": operator.name, "revision": 1, "roles": operator.roles }).to_string(),
            ..Record::default()
        };
        let first = self.opened.store.first_operator(Item::Operator(Box::new(operator)), record).await?;
        let taken = || Failure::refused("somebody else became the first operator: log in");
        first.then_some(()).ok_or_else(taken)
    }
}
