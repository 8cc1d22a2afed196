//! What is counted, in Prometheus' text form. Labels are services and codes: never a person, never a sender.

pub mod asynchronous;
pub mod party;

use crate::journal::metric::JournalMetrics;
use asynchronous::AsyncMetrics;
use party::PartyMetrics;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// Service and outcome of an exchange.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ExchangeLabels {
    /// serviceId as configured, or `none` before it is known.
    pub service: &'static str,
    /// Reason or fault code.
    pub outcome: &'static str,
}

/// Why something failed.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CauseLabels {
    /// A stable word.
    pub cause: &'static str,
}

/// How a run of a verb ended, on a back end that runs each by itself.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelValue)]
pub enum VerbOutcome {
    /// It was committed.
    Committed,
    /// It met others, and was undone.
    Conflicted,
    /// The connection ended while it was being committed.
    Unknown,
    /// It was undone.
    Failed,
}

/// A verb of the store, and how a run of it ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct VerbLabels {
    /// Its name.
    pub verb: &'static str,
    /// How it ended.
    pub outcome: VerbOutcome,
}

/// Figures of the store.
pub struct StoreMetrics {
    /// Pieces of work that wait or run.
    pub queue: Gauge,
    /// Pieces of work in one commit.
    pub commit_size: Histogram,
    /// Exchanges that run now, and may have work soon.
    pub callers: Gauge,
    /// 1: the last commit succeeded; 0: the database is full, read-only, damaged, …
    pub usable: Gauge,
    /// Commits and reads that the machine made fail, by cause.
    pub failures: Family<CauseLabels, Counter>,
    /// Pieces of work that panicked, on any thread.
    pub panics: Counter,
    /// Runs of verbs, each a transaction of its own (`PostgreSQL`).
    pub verbs: Family<VerbLabels, Counter>,
    /// Values that wait to be looked at, and sealed anew if another key sealed them.
    pub reseal_left: Gauge,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            queue: Gauge::default(),
            commit_size: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            callers: Gauge::default(),
            usable: Gauge::default(),
            failures: Family::default(),
            panics: Counter::default(),
            verbs: Family::default(),
            reseal_left: Gauge::default(),
        }
    }
}

/// A list of revoked certificates.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ListLabels {
    /// Path or address as configured.
    pub source: String,
    /// The first 8 bytes of the SHA-256 of the authority's certificate, hexadecimal.
    pub issuer: String,
}

/// A source of lists that failed.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct SourceErrorLabels {
    /// As in [`ListLabels`].
    pub source: String,
    /// What went wrong, a stable word.
    pub error: &'static str,
}

/// What questions to OCSP come to.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OcspLabels {
    /// `good`, `revoked`, `unknown`, `unavailable` or `not-believed`.
    pub outcome: &'static str,
}

/// A certificate of the configuration.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CertificateLabels {
    /// Its file.
    pub file: String,
}

/// Figures of the revocation of certificates.
#[derive(Default)]
pub struct RevocationMetrics {
    /// Seconds since a list was made.
    pub list_age: Family<ListLabels, Gauge>,
    /// Seconds until a list is stale; less than 0: it is.
    pub list_left: Family<ListLabels, Gauge>,
    /// Certificates on a list.
    pub list_entries: Family<ListLabels, Gauge>,
    /// 1 for the last error of a source whose last try failed.
    pub source_error: Family<SourceErrorLabels, Gauge>,
    /// Answers of OCSP.
    pub ocsp: Family<OcspLabels, Counter>,
    /// Seconds until a certificate ends; less than 0: it has.
    pub certificate_left: Family<CertificateLabels, Gauge>,
}

impl RevocationMetrics {
    /// Forgets gauges of what may be gone.
    pub fn clear(&self) {
        for family in [&self.list_age, &self.list_left, &self.list_entries] {
            family.clear();
        }
        self.source_error.clear();
        self.certificate_left.clear();
    }

    fn register(&self, registry: &mut Registry) {
        let mut list = |name, help, family: &Family<ListLabels, Gauge>| {
            registry.register(format!("revocation_list_{name}"), help, family.clone());
        };
        list("age_seconds", "Time since a list of revoked certificates was made", &self.list_age);
        list("left_seconds", "Time until a list of revoked certificates is stale", &self.list_left);
        list("entries", "Certificates on a list of revoked certificates", &self.list_entries);
        let help = "Sources of lists of revoked certificates whose last try failed";
        registry.register("revocation_source_failed", help, self.source_error.clone());
        registry.register("ocsp_answers", "Questions to OCSP by what they came to", self.ocsp.clone());
        let help = "Time until a certificate of the configuration ends";
        registry.register("certificate_left_seconds", help, self.certificate_left.clone());
    }
}

/// All figures.
pub struct Metrics {
    registry: Registry,
    /// Seconds of an exchange, by service and outcome.
    pub exchanges: Family<ExchangeLabels, Histogram>,
    /// Exchanges that run now.
    pub in_flight: Gauge,
    /// Exchanges refused because too many ran.
    pub shed: Counter,
    /// Refusals of what nobody has verified, beyond those that have a journal record of their own.
    pub unrecorded: Counter,
    /// Messages refused by KDP429: their sender had its share of what is in flight.
    pub over_share: Counter,
    /// Connections that could not be let in, since all others were at work.
    pub turned_away: Counter,
    /// Connections closed for others' sake: the longest idle of a full listener, and bringers of what cannot be believed.
    pub dismissed: Counter,
    /// Failed attempts to accept a connection: the process is out of descriptors.
    pub unaccepted: Counter,
    /// Times that the host's clock was set while serving.
    pub clock_steps: Counter,
    /// Subjects who reported a fraud.
    pub frauds: Counter,
    /// Due jobs that were done, and failed tries of them.
    pub jobs_done: Counter,
    /// See [`Metrics::jobs_done`].
    pub jobs_failed: Counter,
    /// Those of the store.
    pub store: Arc<StoreMetrics>,
    /// Those of the revocation of certificates.
    pub revocation: RevocationMetrics,
    /// Those of the journal.
    pub journal: JournalMetrics,
    /// Those of the parties outside.
    pub parties: PartyMetrics,
    /// Those of `AsyncChannel`.
    pub asynchronous: AsyncMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("kdp");
        let exchanges = Family::<ExchangeLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
        });
        let store = Arc::new(StoreMetrics::default());
        let metrics = Self {
            exchanges,
            in_flight: store.callers.clone(),
            shed: Counter::default(),
            unrecorded: Counter::default(),
            over_share: Counter::default(),
            turned_away: Counter::default(),
            dismissed: Counter::default(),
            unaccepted: Counter::default(),
            clock_steps: Counter::default(),
            frauds: Counter::default(),
            jobs_done: Counter::default(),
            jobs_failed: Counter::default(),
            store,
            revocation: RevocationMetrics::default(),
            journal: JournalMetrics::default(),
            parties: PartyMetrics::default(),
            asynchronous: AsyncMetrics::default(),
            registry: Registry::default(),
        };
        registry.register("exchange_seconds", "Time of an exchange", metrics.exchanges.clone());
        registry.register("exchanges_in_flight", "Exchanges that run now", metrics.in_flight.clone());
        registry.register("exchanges_shed", "Exchanges refused by KDP503", metrics.shed.clone());
        let mut count = |name, help, counter: &Counter| registry.register(name, help, counter.clone());
        let help = "Refusals of unverified messages that share a journal record";
        count("refusals_unrecorded", help, &metrics.unrecorded);
        count("exchanges_over_share", "Exchanges refused by KDP429", &metrics.over_share);
        count("connections_turned_away", "Connections that found the listener full", &metrics.turned_away);
        let help = "Connections closed: idle ones when full, and bringers of what cannot be believed";
        count("connections_dismissed", help, &metrics.dismissed);
        count("accepts_failed", "Connections that could not be accepted", &metrics.unaccepted);
        count("clock_steps", "Times that the host's clock was set while serving", &metrics.clock_steps);
        registry.register("frauds_reported", "Subjects who reported a fraud", metrics.frauds.clone());
        registry.register("jobs_done", "Due jobs done", metrics.jobs_done.clone());
        registry.register("jobs_failed", "Tries of due jobs that failed", metrics.jobs_failed.clone());
        registry.register("store_queue", "Work that waits for the writer", metrics.store.queue.clone());
        let size = metrics.store.commit_size.clone();
        registry.register("store_commit_size", "Pieces of work in one commit", size);
        let help = "Whether the last commit succeeded";
        registry.register("database_usable", help, metrics.store.usable.clone());
        let help = "Commits and reads of the database that failed, by cause";
        registry.register("database_failures", help, metrics.store.failures.clone());
        registry.register("panics", "Exchanges, jobs and writes that panicked", metrics.store.panics.clone());
        let help = "Transactions of the store on PostgreSQL, by verb and outcome";
        registry.register("store_transactions", help, metrics.store.verbs.clone());
        let help = "Values that the present sealing key may not have sealed, at most";
        registry.register("reseal_values_left", help, metrics.store.reseal_left.clone());
        metrics.revocation.register(&mut registry);
        metrics.journal.register(&mut registry);
        metrics.parties.register(&mut registry);
        metrics.asynchronous.register(&mut registry);
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// The text for `GET /metrics`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
