//! Figures of `AsyncChannel`.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What became of messages that are answered later.
#[derive(Default)]
pub struct AsyncMetrics {
    /// Messages that were taken in.
    pub taken: Counter,
    /// Answers that ШЭП took over.
    pub sent: Counter,
    /// Answers that were given up: ШЭП did not take them over in time, or says that it stopped delivering them.
    pub undeliverable: Counter,
    /// Messages that have no answer yet, those whose subject is awaited too.
    pub unanswered: Gauge,
}

impl AsyncMetrics {
    /// Makes them part of `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        let mut count = |name, help, counter: &Counter| registry.register(name, help, counter.clone());
        count("async_taken", "Messages of AsyncChannel that were taken in", &self.taken);
        count("async_answers_sent", "Answers that ШЭП took over", &self.sent);
        let help = "Answers to messages of AsyncChannel that were given up";
        count("async_answers_undeliverable", help, &self.undeliverable);
        let help = "Messages of AsyncChannel that have no answer yet";
        registry.register("async_unanswered", help, self.unanswered.clone());
    }
}
