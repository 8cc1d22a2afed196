//! Whose password another gave so lately that the two count as one person, where two are needed.
//!
//! An officer who gives somebody access, or resets a password, can log in as that person until it is noticed. So for a
//! day after that the account neither asks, approves nor carries out what two persons must agree on, whoever the other
//! one is: accounts that were made one from another pass for no pair either. A day is as long as an approval is good for,
//! so that none can be asked for, and then be given to oneself.

use super::{Name, Operator, Step};

/// How long an account is fresh, milliseconds.
pub const SPAN: i64 = 86_400_000;

/// An account whose password another gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// Whose account.
    pub name: Name,
    /// Who gave the password.
    pub by: Name,
    /// Until when that counts, Unix milliseconds.
    pub until: i64,
}

/// Whether an account is fresh at `now`, by its `revisions`, each with the time when it was made.
#[must_use]
pub fn fresh(revisions: &[(i64, Operator)], now: i64) -> Option<Fresh> {
    let (at, operator, by) = revisions.iter().rev().find_map(|(at, operator)| {
        let gives = matches!(operator.step, Step::Added | Step::Password | Step::Restored);
        let another = operator.by.as_ref().filter(|by| gives && **by != operator.name);
        another.map(|by| (*at, operator, by))
    })?;
    let until = at.saturating_add(SPAN);
    (now < until).then(|| Fresh { name: operator.name.clone(), by: by.clone(), until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::password::PasswordHash;
    use crate::operator::{Role, Roles};

    fn revision(at: i64, step: Step, by: Option<&str>) -> (i64, Operator) {
        let operator = Operator {
            name: Name::parse("b.akhmetova").unwrap(),
            full_name: String::new(),
            roles: Roles::new([Role::SecurityOfficer]).unwrap(),
            password: PasswordHash::of_nobody(),
            must_change: false,
            since: 0,
            given_by: None,
            dismissed: None,
            step,
            by: by.map(|by| Name::parse(by).unwrap()),
            sandbox: false,
        };
        (at, operator)
    }

    #[test]
    fn a_password_that_another_gave_counts_for_a_day_whatever_happened_since() {
        for step in [Step::Added, Step::Password, Step::Restored] {
            let given = revision(1000, step, Some("officer"));
            let own = revision(2000, Step::Password, Some("b.akhmetova"));
            let roles = revision(3000, Step::Roles, Some("officer2"));
            let all = [given, own, roles];
            let by = Name::parse("officer").unwrap();
            let until = 1000 + SPAN;
            let expected = Fresh { name: all[0].1.name.clone(), by, until };
            assert_eq!(fresh(&all, 3000), Some(expected.clone()));
            assert_eq!(fresh(&all, until - 1), Some(expected.clone()));
            assert_eq!(fresh(&all, until), None);
            // A clock that was set back makes nobody older.
            assert_eq!(fresh(&all, 0), Some(expected));
        }
    }

    #[test]
    fn what_gives_no_password_and_what_one_did_oneself_does_not_count() {
        let own = [
            revision(0, Step::Added, None),
            revision(1, Step::Password, Some("b.akhmetova")),
            revision(2, Step::Roles, Some("officer")),
            revision(3, Step::Dismissed, Some("officer")),
        ];
        assert_eq!(fresh(&own, 4), None);
        assert_eq!(fresh(&[], 4), None);
    }
}
