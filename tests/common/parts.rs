//! The parts of a service for a configuration, whose outside a test plays itself.

use kdp::app::Parts;
use kdp::clock::Clock;
use kdp::config::Config;
use kdp::current::Current;
use kdp::gateway::{Absent, CitizenDirectory, SmsGateway};
use kdp::metric::Metrics;
use kdp::serve;
use std::sync::Arc;

/// As `kdp serve` puts them together, but for the clock and who is outside; nobody is asked through `AsyncChannel`.
pub fn parts(
    config: Config,
    clock: Arc<dyn Clock>,
    (citizen, sms): (Arc<dyn CitizenDirectory>, Arc<dyn SmsGateway>),
) -> Parts {
    let opened = serve::open_store(&config).unwrap();
    Parts {
        clock,
        random: opened.random,
        store: opened.store,
        seal: opened.seal,
        citizen,
        sms,
        channel: Arc::new(Absent),
        trust: Arc::new(Current::new(serve::read_trust(&config).unwrap())),
        answers: serve::read_answers(&config).unwrap(),
        templates: config.templates().unwrap(),
        metrics: Metrics::default(),
        config,
    }
}
