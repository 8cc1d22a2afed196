//! Figures of the journal.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Where records are handed to.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TargetLabels {
    /// `syslog` or `file`.
    pub target: &'static str,
}

/// Figures of the journal's heads and targets.
#[derive(Default)]
pub struct JournalMetrics {
    /// Age of the oldest record that no signed head covers, seconds; 0: all are covered.
    pub unsigned_seconds: Gauge,
    /// Heads that could not be signed or kept.
    pub head_errors: Counter,
    /// Chains of other nodes in which a record that this node signed is not there any more.
    pub contradicted: Gauge,
    /// Records that a target does not have yet.
    pub backlog_records: Family<TargetLabels, Gauge>,
    /// Age of the oldest of them, seconds.
    pub backlog_seconds: Family<TargetLabels, Gauge>,
    /// Tries to hand records on that failed.
    pub target_errors: Family<TargetLabels, Counter>,
    /// Targets that are more behind than `journal.most_behind_seconds`: while there are any, exchanges are refused.
    pub refusing: Gauge,
}

impl JournalMetrics {
    /// Whether exchanges are refused, because what they do would not leave the machine in time.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.refusing.get() > 0
    }

    /// Names them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Age of the oldest journal record that no signed head covers";
        registry.register("journal_unsigned_seconds", help, self.unsigned_seconds.clone());
        let help = "Heads of the journal that could not be signed or kept";
        registry.register("journal_head_errors", help, self.head_errors.clone());
        let help =
            "Journals of other nodes in which a record that this node signed is missing or another one";
        registry.register("journal_contradicted", help, self.contradicted.clone());
        let help = "Journal records that a target does not have yet";
        registry.register("journal_backlog_records", help, self.backlog_records.clone());
        let help = "Age of the oldest journal record that a target does not have yet";
        registry.register("journal_backlog_seconds", help, self.backlog_seconds.clone());
        let help = "Tries to hand journal records to a target that failed";
        registry.register("journal_target_errors", help, self.target_errors.clone());
        let help = "Targets of the journal that are too far behind: exchanges are refused";
        registry.register("journal_refusing", help, self.refusing.clone());
    }
}
