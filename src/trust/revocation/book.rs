//! The lists that hold, by the authority that made them; swapped as a whole.

use super::list::{List, Said, key_of};
use crate::trust::certificate::Certificate;
use std::collections::HashMap;
use std::sync::Arc;

/// All lists in force.
#[derive(Default)]
pub struct Book {
    by_authority: HashMap<[u8; 32], Standing>,
    /// Whether each configured source gave a list: then who has none here has none at all.
    pub is_complete: bool,
}

/// The lists of one authority.
struct Standing {
    full: Arc<List>,
    delta: Option<Arc<List>>,
}

/// What the lists say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stands on no list, and the list is fresh.
    Good,
    /// Revoked or on hold since then, Unix seconds.
    Revoked(i64),
    /// The list is stale since then, Unix seconds.
    Stale(i64),
    /// There is no list of its issuer.
    NoList,
}

impl Book {
    /// Takes lists as they come from the sources. Of two full lists of one authority the newer one holds. A
    /// delta holds if it amends this list or one before it, and was made after it (RFC 5280, 5.2.4).
    #[must_use]
    pub fn new(lists: &[Arc<List>], is_complete: bool) -> Self {
        let mut by_authority: HashMap<[u8; 32], Standing> = HashMap::new();
        for full in lists.iter().filter(|list| list.base.is_none()) {
            let standing = || Standing { full: full.clone(), delta: None };
            let known = by_authority.entry(full.authority).or_insert_with(standing);
            if known.full.this_update < full.this_update {
                known.full = full.clone();
            }
        }
        for delta in lists {
            let Some(standing) = by_authority.get_mut(&delta.authority) else { continue };
            let newest = standing.delta.as_ref().unwrap_or(&standing.full);
            if amends(delta, &standing.full) && delta.number > newest.number {
                standing.delta = Some(delta.clone());
            }
        }
        Self { by_authority, is_complete }
    }

    /// What holds of `certificate`, issued by `authority`, at `at` (Unix seconds).
    #[must_use]
    pub fn verdict(&self, certificate: &Certificate, authority: &Certificate, at: i64) -> Verdict {
        let Some(standing) = self.by_authority.get(&authority.identity) else { return Verdict::NoList };
        let key = key_of(certificate);
        let said = match &standing.delta {
            // A stale delta may be left out, but not for what it adds: what it took back may be on hold again.
            Some(delta) => match delta.says(&key) {
                Said::Removed if at > delta.next_update => Said::Nothing,
                said => said,
            },
            None => Said::Nothing,
        };
        let said = if said == Said::Nothing { standing.full.says(&key) } else { said };
        match said {
            // Also of a stale list: what was revoked stays so.
            Said::Revoked(since) => Verdict::Revoked(since),
            _ if at > standing.full.next_update => Verdict::Stale(standing.full.next_update),
            Said::Nothing | Said::Removed => Verdict::Good,
        }
    }

    /// Whether there is a list of this authority.
    #[must_use]
    pub fn knows(&self, authority: &Certificate) -> bool {
        self.by_authority.contains_key(&authority.identity)
    }
}

fn amends(delta: &List, full: &List) -> bool {
    match (&delta.base, &full.number, &delta.number) {
        (Some(base), Some(number), Some(_)) => base <= number,
        _ => false,
    }
}
