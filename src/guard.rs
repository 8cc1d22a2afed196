//! A panic ends the piece of work that it happened in, and nothing else.

use crate::metric::Metrics;
use prometheus_client::metrics::counter::Counter;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The work panicked. It was logged, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work panicked")]
pub struct Panicked;

/// Does `work` to its end.
///
/// # Errors
/// [`Panicked`]: what it held was dropped.
pub fn guarded<F: Future>(metrics: &Metrics, work: F) -> impl Future<Output = Result<F::Output, Panicked>> {
    guarded_by(&metrics.store.panics, work)
}

/// The same, counted by `panics`.
///
/// # Errors
/// [`Panicked`].
pub async fn guarded_by<F: Future>(panics: &Counter, work: F) -> Result<F::Output, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| {
        // Nobody sees what a panic left half done: the work is not polled again, and locks are taken as they are found.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(_payload) => {
                panics.inc();
                Poll::Ready(Err(Panicked))
            }
        }
    })
    .await
}

/// Lets panics be logged by their place alone, from now on: their text may quote what a message held.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        tracing::error!(place, thread, "panicked");
    }));
}
