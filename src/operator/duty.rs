//! Who may run which command: the one table of it.

use super::{Role, Roles};
use Role::{Auditor, Registrar, SecurityOfficer};

/// A kind of work, and with it who may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Touches no installation, or runs or prepares it as a whole: whoever has its files may.
    Open,
    /// One's own account.
    Own,
    /// Looking at what holds no personal data.
    Look,
    /// Looking at what names persons of organisations: forms with their contacts.
    Forms,
    /// What is registered: initiators, owners, directories, grounds, applications, working days.
    Register,
    /// Suspending an initiator.
    Suspend,
    /// Keys of the service.
    Keys,
    /// The list of persons with access.
    Persons,
    /// Giving access and taking it away; approving what another officer asked for.
    Operators,
    /// Blocking, freezing and erasing subjects.
    Subjects,
    /// Looking at incidents.
    Breaches,
    /// Keeping incidents.
    Incidents,
    /// Copies of the database.
    Backup,
    /// Whether the journal is whole.
    JournalVerify,
    /// The journal and figures for the authorised body.
    Audit,
}

impl Duty {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 15] = [
        Self::Open,
        Self::Own,
        Self::Look,
        Self::Forms,
        Self::Register,
        Self::Suspend,
        Self::Keys,
        Self::Persons,
        Self::Operators,
        Self::Subjects,
        Self::Breaches,
        Self::Incidents,
        Self::Backup,
        Self::JournalVerify,
        Self::Audit,
    ];

    /// Who may; of [`Duty::Open`], nobody needs to log in.
    #[must_use]
    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Open => &[],
            Self::Own | Self::Look => &Role::ALL,
            Self::Forms => &[Registrar, Auditor],
            Self::Register => &[Registrar],
            Self::Suspend => &[Registrar, SecurityOfficer],
            Self::Keys | Self::Operators | Self::Subjects | Self::Incidents | Self::Backup => {
                &[SecurityOfficer]
            }
            Self::Persons | Self::Breaches | Self::JournalVerify => &[SecurityOfficer, Auditor],
            Self::Audit => &[Auditor],
        }
    }

    /// Whether somebody with these roles may.
    #[must_use]
    pub fn is_of(self, roles: &Roles) -> bool {
        self.roles().iter().any(|role| roles.has(*role))
    }

    /// Whether it changes something: an auditor has no such duty.
    #[must_use]
    pub fn changes(self) -> bool {
        !matches!(
            self,
            Self::Open
                | Self::Own
                | Self::Look
                | Self::Forms
                | Self::Persons
                | Self::Breaches
                | Self::JournalVerify
                | Self::Audit
        )
    }

    /// The commands that belong to it, each with the words that choose it; of one whose flag is another duty's than the
    /// rest of it, with the flag.
    #[must_use]
    pub fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Open => &[
                "sandbox",
                "serve",
                "check",
                "migrate",
                "cert show",
                "docs",
                "ground shipped",
                "keys init",
                "operator duties",
                "ovt",
                "send",
                "token verify",
                "xmldsig sign",
                "xmldsig verify",
            ],
            Self::Own => &["operator password"],
            Self::Look => &[
                "application list",
                "application preflight",
                "calendar due",
                "calendar show",
                "directory history",
                "directory list",
                "directory show",
                "explain",
                "ground history",
                "ground list",
                "ground show",
                "initiator history",
                "initiator list",
                "initiator show",
                "keys list",
                "owner history",
                "owner list",
                "owner show",
                "proactive history",
                "proactive list",
                "proactive show",
                "seal-key list",
            ],
            Self::Forms => &["application answers", "application show"],
            Self::Register => &[
                "application accept",
                "application act",
                "application approve",
                "application refuse",
                "application register-key",
                "application resubmit",
                "application return",
                "application submit",
                "application submit-act",
                "application withdraw",
                "calendar load",
                "directory add",
                "directory end",
                "directory revise",
                "ground add",
                "ground end",
                "initiator add",
                "initiator new-secret",
                "initiator set-logging",
                "initiator set-methods",
                "initiator set-ovt-keys",
                "initiator set-services",
                "owner add",
                "owner new-secret",
                "owner set-services",
                "proactive add",
                "proactive end",
            ],
            Self::Suspend => &["initiator resume", "initiator suspend"],
            Self::Keys => &[
                "keys distrust",
                "keys export",
                "keys generate",
                "keys rotate",
                "seal-key add",
                "seal-key remove",
            ],
            Self::Persons => &["operator approvals", "operator list", "operator show"],
            Self::Operators => &[
                "operator add",
                "operator approve",
                "operator dismiss",
                "operator reset",
                "operator restore",
                "operator roles",
            ],
            Self::Subjects => {
                &["subject block", "subject erase", "subject freeze", "subject unblock", "subject unfreeze"]
            }
            Self::Breaches => &["incident list", "incident notice", "incident show"],
            Self::Incidents => &["incident close", "incident notify", "incident open"],
            Self::Backup => &["backup", "migrate --abandon", "migrate --back", "migrate --to", "restore"],
            Self::JournalVerify => &["journal verify"],
            Self::Audit => &["journal export", "report"],
        }
    }
}

/// A command that is being run, with its duty. There is none for a command that stands in no list of a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    command: &'static str,
    duty: Duty,
}

impl Errand {
    /// The errand of the command that these words choose, `initiator add`.
    #[must_use]
    pub fn of(words: &str) -> Option<Self> {
        Duty::ALL.into_iter().find_map(|duty| {
            let command = duty.commands().iter().find(|command| **command == words)?;
            Some(Self { command, duty })
        })
    }

    /// The words that choose the command.
    #[must_use]
    pub fn command(self) -> &'static str {
        self.command
    }

    /// Its duty.
    #[must_use]
    pub fn duty(self) -> Duty {
        self.duty
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::Support;

    #[test]
    fn every_command_stands_in_one_list_and_lists_are_sorted() {
        let mut all: Vec<&str> = Duty::ALL.iter().flat_map(|duty| duty.commands()).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for duty in Duty::ALL {
            assert!(!duty.commands().is_empty(), "{duty:?}");
            assert!(duty == Duty::Open || duty.commands().is_sorted(), "{duty:?}");
        }
        assert_eq!(Errand::of("subject erase").unwrap().duty(), Duty::Subjects);
        assert_eq!(Errand::of("subject"), None);
    }

    #[test]
    fn an_auditor_changes_nothing_and_support_only_looks() {
        for duty in Duty::ALL {
            let has = |role| duty.is_of(&Roles::new([role]).unwrap());
            assert!(!(duty.changes() && has(Auditor)), "{duty:?}");
            assert_eq!(has(Support), matches!(duty, Duty::Own | Duty::Look), "{duty:?}");
            assert!(duty == Duty::Open || !duty.roles().is_empty(), "{duty:?}: nobody could do it");
        }
    }
}
