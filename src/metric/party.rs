//! Figures of the parties that the service calls: `bmg`, `1414`, `shep`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// A party.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct PartyLabels {
    /// Its name.
    pub party: &'static str,
}

/// A fault of a party.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct PartyFaultLabels {
    /// Its name.
    pub party: &'static str,
    /// [`crate::gateway::fault::PartyFault::code`].
    pub fault: &'static str,
}

/// What a party told by a call of its own.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct PartyCallLabels {
    /// Its name.
    pub party: &'static str,
    /// `report`, `reply`, `on-the-way`, `unusable`; `failed`: not taken, to be brought again; `refused`: without the secret.
    pub outcome: &'static str,
}

/// Figures of all parties; a clone counts into the same.
#[derive(Clone)]
pub struct PartyMetrics {
    /// Seconds until a question was answered, or given up.
    pub seconds: Family<PartyLabels, Histogram>,
    /// Questions that came to nothing, by why.
    pub faults: Family<PartyFaultLabels, Counter>,
    /// Calls without a signature, of an SMS gateway, by what came of them.
    pub calls: Family<PartyCallLabels, Counter>,
    /// 1: it gave no answers lately, and is left alone but for one question now and then; 0: it is asked.
    pub left_alone: Family<PartyLabels, Gauge>,
}

impl Default for PartyMetrics {
    fn default() -> Self {
        let seconds = Family::<PartyLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.001, 2.0, 16))
        });
        Self { seconds, faults: Family::default(), calls: Family::default(), left_alone: Family::default() }
    }
}

impl PartyMetrics {
    /// Makes them part of `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("party_seconds", "Time of a question to a party outside", self.seconds.clone());
        let help = "Questions to a party outside that came to nothing, by why";
        registry.register("party_faults", help, self.faults.clone());
        let help = "Calls of an SMS gateway, by what came of them";
        registry.register("party_calls", help, self.calls.clone());
        let help = "Whether a party outside gave no answers lately and is left alone";
        registry.register("party_left_alone", help, self.left_alone.clone());
    }
}
