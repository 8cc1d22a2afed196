//! Accounts as security officers change them. The journal keeps names and roles, no password and no full name.

use super::Add;
use crate::cli::access::{self, Access};
use crate::cli::{Failure, Outcome, Result, argument, registration, say};
use kdp::operator::duty::Errand;
use kdp::operator::password::{Cost, NewPassword};
use kdp::operator::{Dismissal, Name, Operator, Role, Roles, Step};
use kdp::random::Random;
use kdp::store::register::Kind;
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::path::Path;

/// Gives access; the first time without a login.
pub async fn add(args: Add, errand: Errand) -> Result {
    let full_name = argument::line("--full-name", &args.full_name)?;
    let roles = roles(args.roles)?;
    let given = args.new_password_file.as_deref().map(|path| chosen(&args.name, path)).transpose()?;
    let make = |random: &dyn Random, now: i64, by: Option<Name>| -> Result<(Operator, Option<NewPassword>)> {
        let (password, told) = if let Some(password) = given {
            (password.hash(Cost::Person, random)?, None)
        } else {
            let password = NewPassword::generate(random)?;
            (password.hash(Cost::Person, random)?, Some(password))
        };
        // Whoever comes first chose the password himself, if it came from a file.
        let must_change = told.is_some() || by.is_some();
        let operator = Operator {
            name: args.name.clone(),
            full_name,
            roles,
            password,
            must_change,
            since: now,
            given_by: by.clone(),
            dismissed: None,
            step: Step::Added,
            by,
            sandbox: false,
        };
        Ok((operator, told))
    };
    if let Some(threshold) = access::nobody_yet(&args.at).await? {
        let (operator, told) = make(threshold.random(), threshold.now(), None)?;
        if !operator.roles.has(Role::SecurityOfficer) {
            return Err(Failure::refused(
                "--roles: the first operator is a security-officer, who adds the others",
            ));
        }
        let name = operator.name.clone();
        threshold.register_first(operator).await?;
        say("add a second security officer soon: some commands need two, and nobody resets his own password");
        return Ok(told_once(&name, told.as_ref(), args.json));
    }
    let access = args.at.open_as(errand).await?;
    if access.history(Kind::Operator, args.name.as_str()).await?.pop().is_some() {
        let text = format!("{} is registered already; `kdp operator restore` ends a dismissal", args.name);
        return Err(Failure::refused(text));
    }
    let (operator, told) = make(access.random(), access.now(), Some(access.operator().name.clone()))?;
    let name = operator.name.clone();
    keep(&access, operator, 0).await?;
    Ok(told_once(&name, told.as_ref(), args.json))
}

/// Replaces the roles of another.
pub async fn set_roles(access: &Access, (name, words): (&Name, Vec<Role>), as_json: bool) -> Result {
    let roles = roles(words)?;
    let (operator, revision) = another(access, name).await?;
    let revision = keep(access, Operator { roles, step: Step::Roles, ..operator }, revision).await?;
    Ok(changed(name, revision, "roles replaced", as_json))
}

/// Changes one's own password.
pub async fn change_password(access: &Access, file: Option<&Path>, as_json: bool) -> Result {
    let own = access.operator();
    let typed = file.map_or_else(access::new_secret, access::secret_file)?;
    let new =
        NewPassword::parse(&own.name, typed.expose_secret()).map_err(|e| Failure::refused(e.to_string()))?;
    if own.password.matches(&typed) {
        return Err(Failure::refused("the new password is the old one"));
    }
    let password = new.hash(Cost::Person, access.random())?;
    let operator = Operator { password, must_change: false, step: Step::Password, ..own.clone() };
    let revision = keep(access, operator, access.revision()).await?;
    Ok(changed(&own.name, revision, "password changed", as_json))
}

/// Gives another a new password and ends a lockout.
pub async fn reset(access: &Access, name: &Name, as_json: bool) -> Result {
    let (operator, revision) = another(access, name).await?;
    let new = NewPassword::generate(access.random())?;
    let password = new.hash(Cost::Person, access.random())?;
    keep(access, Operator { password, must_change: true, step: Step::Password, ..operator }, revision)
        .await?;
    access.unlock(name).await?;
    Ok(told_once(name, Some(&new), as_json))
}

/// Takes another's access away.
pub async fn dismiss(access: &Access, name: &Name, as_json: bool) -> Result {
    let (operator, revision) = another(access, name).await?;
    if !operator.is_active() {
        return Ok(changed(name, revision, "dismissed already", as_json));
    }
    let dismissed = Some(Dismissal { at: access.now(), by: access.operator().name.clone() });
    let revision = keep(access, Operator { dismissed, step: Step::Dismissed, ..operator }, revision).await?;
    Ok(changed(name, revision, "dismissed", as_json))
}

/// Gives a dismissed person access again.
pub async fn restore(access: &Access, name: &Name, as_json: bool) -> Result {
    let (operator, revision) = another(access, name).await?;
    if operator.is_active() {
        return Ok(changed(name, revision, "was not dismissed", as_json));
    }
    let new = NewPassword::generate(access.random())?;
    let operator = Operator {
        password: new.hash(Cost::Person, access.random())?,
        must_change: true,
        since: access.now(),
        given_by: Some(access.operator().name.clone()),
        dismissed: None,
        step: Step::Restored,
        ..operator
    };
    keep(access, operator, revision).await?;
    access.unlock(name).await?;
    Ok(told_once(name, Some(&new), as_json))
}

fn roles(words: Vec<Role>) -> Result<Roles> {
    Roles::new(words).map_err(|error| Failure::refused(format!("--roles: {error}")))
}

fn chosen(name: &Name, path: &Path) -> Result<NewPassword> {
    let text = access::secret_file(path)?;
    NewPassword::parse(name, text.expose_secret())
        .map_err(|error| Failure::refused(format!("{}: {error}", path.display())))
}

/// The last revision of somebody else's account: nobody raises, ends or saves himself.
async fn another(access: &Access, name: &Name) -> Result<(Operator, u32)> {
    if access.operator().name == *name {
        return Err(Failure::refused("operator-self: another security officer must do this"));
    }
    let last = access.history(Kind::Operator, name.as_str()).await?.pop();
    let last = last.ok_or_else(|| registration::unknown(Kind::Operator, name.as_str()))?;
    Ok((serde_json::from_str(&last.record)?, last.revision))
}

async fn keep(access: &Access, operator: Operator, after: u32) -> Result<u32> {
    let by = Some(access.operator().name.clone());
    let detail = json!({
        "id": operator.name, "revision": after.saturating_add(1), "roles": operator.roles,
        "active": operator.is_active(),
    });
    let outcome = format!("operator {}", json!(operator.step).as_str().unwrap_or_default());
    let deed = access.deed("registration", outcome).detail(&detail);
    access.keep(Operator { by, ..operator }, after, deed).await
}

fn changed(name: &Name, revision: u32, what: &str, as_json: bool) -> Outcome {
    let value = json!({ "name": name, "revision": revision });
    Outcome::either(as_json, &value, || format!("{name}: {what}\n"))
}

fn told_once(name: &Name, password: Option<&NewPassword>, as_json: bool) -> Outcome {
    if password.is_some() {
        say("the password is shown this once: only a hash is kept; `kdp operator password` must change it");
    }
    let password = password.map(NewPassword::expose);
    let value = json!({ "name": name, "password": password });
    Outcome::either(as_json, &value, || {
        registration::fields([
            ("name", name.to_string()),
            ("password", password.unwrap_or_default().to_owned()),
        ])
    })
}
