//! Whom a certificate of НУЦ was issued to, by its extended key usage (trust.md 3).

/// The kinds of certificates that НУЦ issues, below 1.2.398.3.3.4.1, and of the Treasury.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// .1: an individual.
    Individual,
    /// .2 alone: a legal entity, nothing more said.
    LegalEntity,
    /// .2.1: its first head.
    Head,
    /// .2.2: who has the right to sign for it.
    SignRight,
    /// .2.5: an employee.
    Employee,
    /// .2.6 and below: an information system of it.
    InformationSystem,
    /// 1.2.398.5.19.1.2.2.1: a client of the Treasury's system.
    Treasury,
    /// Below .2, but none of those above.
    Other,
}

const BELOW: &str = "1.2.398.3.3.4.1.";
const TREASURY: &str = "1.2.398.5.19.1.2.2.1";

impl Role {
    /// The role that identifiers of extended key usage give, dotted: a particular one before the general one, and of
    /// several the one that may least. `None`: none of НУЦ.
    #[must_use]
    pub fn of<'a>(usages: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let rank = |role: &Self| (*role == Self::LegalEntity, role.speaks_for_organisation());
        usages.into_iter().filter_map(Self::from_usage).min_by_key(rank)
    }

    fn from_usage(usage: &str) -> Option<Self> {
        if usage == TREASURY {
            return Some(Self::Treasury);
        }
        match usage.strip_prefix(BELOW)? {
            "1" => Some(Self::Individual),
            "2" => Some(Self::LegalEntity),
            "2.1" => Some(Self::Head),
            "2.2" => Some(Self::SignRight),
            "2.5" => Some(Self::Employee),
            "2.6" => Some(Self::InformationSystem),
            below if below.starts_with("2.6.") => Some(Self::InformationSystem),
            below if below.starts_with("2.") => Some(Self::Other),
            _ => None,
        }
    }

    /// Whether its holder may speak for the organisation whose BIN the certificate carries.
    #[must_use]
    pub fn speaks_for_organisation(self) -> bool {
        !matches!(self, Self::Individual | Self::Employee | Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_particular_usage_gives_the_role() {
        let mail = "1.3.6.1.5.5.7.3.4";
        for (usages, role) in [
            (vec![mail, "1.2.398.3.3.4.1.1"], Some(Role::Individual)),
            (vec![mail, "1.2.398.3.3.4.1.2"], Some(Role::LegalEntity)),
            (vec!["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.1"], Some(Role::Head)),
            (vec!["1.2.398.3.3.4.1.2.2", "1.2.398.3.3.4.1.2"], Some(Role::SignRight)),
            (vec!["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.5"], Some(Role::Employee)),
            (vec!["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.6.3"], Some(Role::InformationSystem)),
            (vec!["1.2.398.3.3.4.1.2", "1.2.398.5.19.1.2.2.1"], Some(Role::Treasury)),
            (vec!["1.2.398.3.3.4.1.2", "1.2.398.3.3.4.1.2.4"], Some(Role::Other)),
            (vec!["1.2.398.3.3.4.1.2.1", "1.2.398.3.3.4.1.2.5"], Some(Role::Employee)),
            (vec!["1.2.398.3.3.4.1.2.5", "1.2.398.5.19.1.2.2.1"], Some(Role::Employee)),
            (vec!["1.2.398.3.3.4.1.21"], None),
            (vec![mail], None),
            (vec![], None),
        ] {
            assert_eq!(Role::of(usages.iter().copied()), role, "{usages:?}");
        }
        assert!(
            Role::InformationSystem.speaks_for_organisation() && !Role::Employee.speaks_for_organisation()
        );
    }
}
