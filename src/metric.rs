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
