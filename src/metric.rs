//! What is counted, in Prometheus' text form. Labels are services and codes: never a person, never a sender.

use prometheus_client::encoding::EncodeLabelSet;
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

/// Figures of the writing thread.
pub struct StoreMetrics {
    /// Pieces of work that wait or run.
    pub queue: Gauge,
    /// Pieces of work in one commit.
    pub commit_size: Histogram,
    /// Exchanges that run now, and may have work soon.
    pub callers: Gauge,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            queue: Gauge::default(),
            commit_size: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            callers: Gauge::default(),
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
            frauds: Counter::default(),
            jobs_done: Counter::default(),
            jobs_failed: Counter::default(),
            store,
            revocation: RevocationMetrics::default(),
            registry: Registry::default(),
        };
        registry.register("exchange_seconds", "Time of an exchange", metrics.exchanges.clone());
        registry.register("exchanges_in_flight", "Exchanges that run now", metrics.in_flight.clone());
        registry.register("exchanges_shed", "Exchanges refused by KDP503", metrics.shed.clone());
        registry.register("frauds_reported", "Subjects who reported a fraud", metrics.frauds.clone());
        registry.register("jobs_done", "Due jobs done", metrics.jobs_done.clone());
        registry.register("jobs_failed", "Tries of due jobs that failed", metrics.jobs_failed.clone());
        registry.register("store_queue", "Work that waits for the writer", metrics.store.queue.clone());
        let size = metrics.store.commit_size.clone();
        registry.register("store_commit_size", "Pieces of work in one commit", size);
        metrics.revocation.register(&mut registry);
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
