//! The operators of a sandbox, one a role and a second security officer. Commands with `--data` need no login: these
//! accounts say that they are a sandbox's.

use super::{StartError, password, pki};
use crate::operator::password::{Cost, NewPassword};
use crate::operator::{Name, Operator, Role, Roles, Step};
use crate::random::SystemRandom;
use crate::store::register::{Item, Kind};
use crate::store::{Record, Store};
use std::path::{Path, PathBuf};

/// Login names, who they are, what they may do. In the order in which a command looks for one who may.
pub const OPERATORS: [(&str, &str, Role); 5] = [
    ("registrar", "Тіркеуші / Регистратор", Role::Registrar),
    ("officer", "Қауіпсіздік офицері / Офицер безопасности", Role::SecurityOfficer),
    ("officer2", "Екінші офицер / Второй офицер безопасности", Role::SecurityOfficer),
    ("auditor", "Аудитор", Role::Auditor),
    ("support", "Қолдау / Поддержка", Role::Support),
];

/// Where the password of one lies.
pub fn password_file(data: &Path, name: &str) -> PathBuf {
    data.join("operators").join(format!("{name}.password"))
}

/// Registers all of them, if nobody has access yet. `at` is Unix milliseconds.
pub async fn all(store: &dyn Store, data: &Path, seed: Option<u64>, at: i64) -> Result<(), StartError> {
    if !store.latest(Kind::Operator).await?.is_empty() {
        return Ok(());
    }
    let files = data.join("operators");
    std::fs::create_dir_all(&files).map_err(|e| StartError::File(files, e.kind()))?;
    for (name, full_name, role) in OPERATORS {
        let unsound = |e: &dyn std::fmt::Display| StartError::Other(format!("operator {name}: {e}"));
        let text = password(seed, &format!("operator/{name}"))?;
        let name = Name::parse(name).map_err(|e| unsound(&e))?;
        pki::write(&password_file(data, name.as_str()), &text)?;
        let new = NewPassword::parse(&name, &text).map_err(|e| unsound(&e))?;
        let hash = new.hash(Cost::Sandbox, &SystemRandom::default()).map_err(|e| unsound(&e))?;
        let operator = Operator {
            name,
            full_name: full_name.to_owned(),
            roles: Roles::new([role]).map_err(|e| unsound(&e))?,
            password: hash,
            must_change: false,
            since: at,
            given_by: None,
            dismissed: None,
            step: Step::Added,
            by: None,
            sandbox: true,
        };
        let outcome = "sandbox operator added".to_owned();
        let record = Record { at, kind: "registration", outcome, ..Record::default() };
        store.register(Item::Operator(Box::new(operator)), 0, record).await?;
    }
    Ok(())
}
