//! Figures of a period, counted from rows.

use super::StoreError;
use super::register::{Figures, Granted};
use super::row::Stored;
use crate::consent::{Consent, End};
use std::collections::BTreeMap;

/// What [`super::register::Decided`] says of this request.
pub fn granted(stored: Stored) -> Granted {
    Granted {
        id: stored.request.id,
        method: stored.request.method.number(),
        services: stored.request.services.as_slice().to_vec(),
        token: stored.request.token.map(|token| token.jti),
        directory: stored.request.directory.map(|directory| directory.id),
        subject: stored.subject,
    }
}

/// Figures by BIN.
#[derive(Default)]
pub struct Tally(BTreeMap<String, Figures>);

impl Tally {
    fn of(&mut self, bin: String) -> &mut Figures {
        self.0.entry(bin.clone()).or_insert_with(|| Figures { bin, ..Figures::default() })
    }

    /// Counts a request, with its state as it is stored and the time of its token.
    pub fn request(
        &mut self,
        bin: String,
        method: u8,
        opened: i64,
        (consent, issued): (&str, Option<i64>),
    ) -> Result<(), StoreError> {
        let figures = self.of(bin);
        let place = usize::from(method).checked_sub(1);
        if let Some(count) = place.and_then(|i| figures.requests.get_mut(i)) {
            *count += 1;
        }
        // Methods 1 and 5: how long the subject and the initiator took.
        if matches!(method, 1 | 5) {
            let consent: Consent = serde_json::from_str(consent)
                .map_err(|_| StoreError::Unreadable("access_request.consent"))?;
            let answered = issued.or(match consent {
                Consent::Closed { end: End::Invalid, at, .. } => Some(at),
                _ => None,
            });
            figures.waits.extend(answered.map(|at| at - opened));
        }
        Ok(())
    }

    /// Counts decisions of one outcome.
    pub fn outcome(&mut self, bin: String, outcome: String, count: u64) {
        self.of(bin).outcomes.push((outcome, count));
    }

    /// Counts applications for revocation in one state.
    pub fn revocations(&mut self, bin: String, state: &str, count: u64) {
        let figures = &mut self.of(bin).revocations;
        figures.filed += count;
        match state {
            "approved" => figures.approved += count,
            "refused" => figures.refused += count,
            "lapsed" => figures.lapsed += count,
            _ => figures.open += count,
        }
    }

    /// Counts checks of tokens.
    pub fn checks(&mut self, bin: String, count: u64) {
        self.of(bin).checks += count;
    }

    /// All of them, in order.
    pub fn figures(self) -> Vec<Figures> {
        let sorted = |mut figures: Figures| {
            figures.waits.sort_unstable();
            figures
        };
        self.0.into_values().map(sorted).collect()
    }
}
