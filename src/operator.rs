//! Operators (операторы учётных записей): the persons with access (P 5-3, 7-1), what each may do (P 7 5), and how they
//! prove who they are (P 7 10). Pure: nothing here reads a clock or a file.

pub mod duty;
pub mod fresh;
pub mod lockout;
pub mod password;

use password::PasswordHash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A login name: 2 to 64 of `a-z 0-9 . - _`, the first a letter; no number of a person in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// What a person may do, by the kind of work. Declared in the order in which roles are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Registers initiators, owners, directories, applications.
    Registrar,
    /// Keys, operators, subjects, incidents, backups.
    SecurityOfficer,
    /// Reads the journal and everything that is registered; changes nothing.
    Auditor,
    /// Sees what holds no personal data.
    Support,
}

/// The roles of one person: at least one; the auditor's stands alone, for an auditor changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Role>", into = "BTreeSet<Role>")]
pub struct Roles(BTreeSet<Role>);

/// A name or roles that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// See [`Name`].
    #[error("a login name is 2 to 64 of a-z, 0-9, '.', '-' and '_', begins with a letter and holds no IIN")]
    Name,
    /// A word that names no [`Role`].
    #[error("a role is registrar, security-officer, auditor or support")]
    Role,
    /// No role at all.
    #[error("at least one role is needed")]
    NoRole,
    /// The auditor's role beside another.
    #[error("an auditor changes nothing: the role stands alone")]
    AuditorAlone,
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`OperatorError::Name`].
    pub fn parse(text: &str) -> Result<Self, OperatorError> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        let longest_number = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
        let sound = (2..=64).contains(&text.len()) && begins && longest_number < 11;
        if sound && text.bytes().all(fits) { Ok(Self(text.to_owned())) } else { Err(OperatorError::Name) }
    }

    /// As it is typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = OperatorError;
    fn try_from(text: String) -> Result<Self, OperatorError> {
        Self::parse(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl Role {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Registrar, Self::SecurityOfficer, Self::Auditor, Self::Support];

    /// The word on the command line and in the record.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Registrar => "registrar",
            Self::SecurityOfficer => "security-officer",
            Self::Auditor => "auditor",
            Self::Support => "support",
        }
    }

    /// Reads [`Role::word`].
    ///
    /// # Errors
    /// [`OperatorError::Role`].
    pub fn parse(word: &str) -> Result<Self, OperatorError> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or(OperatorError::Role)
    }
}

impl Roles {
    /// The roles of one person.
    ///
    /// # Errors
    /// [`OperatorError::NoRole`], [`OperatorError::AuditorAlone`].
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, OperatorError> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        match roles.len() {
            0 => Err(OperatorError::NoRole),
            2.. if roles.contains(&Role::Auditor) => Err(OperatorError::AuditorAlone),
            _ => Ok(Self(roles)),
        }
    }

    /// Whether `role` is among them.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Role::word).collect();
        f.write_str(&words.join(", "))
    }
}

impl TryFrom<BTreeSet<Role>> for Roles {
    type Error = OperatorError;
    fn try_from(roles: BTreeSet<Role>) -> Result<Self, OperatorError> {
        Self::new(roles)
    }
}

impl From<Roles> for BTreeSet<Role> {
    fn from(roles: Roles) -> Self {
        roles.0
    }
}

/// What became of a person's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Access was given.
    Added,
    /// The roles changed.
    Roles,
    /// The password changed.
    Password,
    /// Access was taken away.
    Dismissed,
    /// Access was given again.
    Restored,
}

/// A person with access, as one revision of what is registered. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operator {
    /// Login name.
    pub name: Name,
    /// Who that is.
    pub full_name: String,
    /// What the person may do.
    pub roles: Roles,
    /// How the person proves it.
    pub password: PasswordHash,
    /// Somebody else knows the password: it must be changed before anything else is done.
    pub must_change: bool,
    /// When access was given, last.
    pub since: i64,
    /// Who gave it; `None`: nobody could log in then.
    pub given_by: Option<Name>,
    /// When and by whom it was taken away.
    pub dismissed: Option<Dismissal>,
    /// What this revision did.
    pub step: Step,
    /// Who made this revision; `None` as above.
    pub by: Option<Name>,
    /// Belongs to a sandbox, where commands need no login.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
}

/// The end of a person's access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// Unix milliseconds.
    pub at: i64,
    /// Who took it away.
    pub by: Name,
}

impl Operator {
    /// Whether the person has access.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.dismissed.is_none()
    }

    /// Whether the person has access as a security officer, who alone gives others access.
    #[must_use]
    pub fn is_officer(&self) -> bool {
        self.is_active() && self.roles.has(Role::SecurityOfficer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_lower_case_and_no_number_of_a_person() {
        for name in ["a.serikov", "ab", "k-2_x", &"a".repeat(64)] {
            assert_eq!(Name::parse(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(65);
        for name in
            ["", "a", "A.Serikov", "1a", ".a", "a b", "әли", "a\n", "x800101399015", "x77010000000", &long]
        {
            assert_eq!(Name::parse(name), Err(OperatorError::Name), "{name}");
        }
    }

    #[test]
    fn an_auditor_has_no_other_role_and_nobody_has_none() {
        assert_eq!(Roles::new([]), Err(OperatorError::NoRole));
        assert_eq!(Roles::new([Role::Auditor, Role::Support]), Err(OperatorError::AuditorAlone));
        assert!(Roles::new([Role::Auditor]).is_ok());
        let two = Roles::new([Role::SecurityOfficer, Role::Registrar, Role::Registrar]).unwrap();
        assert_eq!(two.to_string(), "registrar, security-officer");
        assert!(serde_json::from_str::<Roles>("[\"auditor\",\"registrar\"]").is_err());
    }

    #[test]
    fn every_role_reads_back_by_its_word_in_json_too() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.word()), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.word());
        }
        assert_eq!(Role::parse("root"), Err(OperatorError::Role));
    }
}
