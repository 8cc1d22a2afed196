//! What the admin listener tells: whether the service lives, whether it can work and what stands in the way, figures.

use super::Server;
use super::answer::{Answer, answer, not_allowed, plain};
use crate::store::StoreError;
use hyper::{Method, StatusCode};
use std::time::Duration;

/// How long the database may take to say that it works.
const PROMPT: Duration = Duration::from_secs(2);

impl Server {
    pub(super) async fn administer(&self, method: &Method, path: &str) -> Option<Answer> {
        let known = matches!(path, "/health/live" | "/health/ready" | "/metrics");
        if known && *method != Method::GET {
            return Some(not_allowed("GET"));
        }
        match path {
            "/health/live" => Some(plain(StatusCode::OK, "live")),
            "/health/ready" => Some(match self.obstacle().await {
                None => plain(StatusCode::OK, "ready"),
                Some(cause) => plain(StatusCode::SERVICE_UNAVAILABLE, cause),
            }),
            "/metrics" => {
                let text = self.app.metrics.text();
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Some(answer(StatusCode::OK, kind, text.into()))
            }
            _ => None,
        }
    }

    /// The word for what stands in the way of serving.
    async fn obstacle(&self) -> Option<&'static str> {
        if *self.draining.borrow() {
            return Some("draining");
        }
        match tokio::time::timeout(PROMPT, self.app.store.check()).await {
            Err(_elapsed) => return Some("database slow"),
            Ok(Err(StoreError::Unusable(cause))) => return Some(cause),
            Ok(Err(_)) => return Some("database"),
            Ok(Ok(())) => {}
        }
        if self.app.metrics.journal.refuses() {
            return Some("journal");
        }
        if self.app.steps.is_doubtful() {
            return Some("clock");
        }
        let (now, registry) = (self.app.clock.now() / 1000, self.app.registry());
        let has_keys = registry.keys.current(now).is_ok() && registry.keys.current_receipt(now).is_ok();
        (!has_keys).then_some("no signing key in its time")
    }
}
