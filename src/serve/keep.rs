//! What is kept true while the service runs: the registry, what is known of revoked certificates, whether the database and
//! the clock can be relied on.

use super::own_expiry;
use crate::app::App;
use crate::service::asynchronous;
use crate::store::StoreError;
use crate::trust::revocation::watch::Watch;
use std::sync::Arc;
use std::time::Duration;

/// Keeps the registry fresh while the service runs.
pub async fn keep_fresh(app: Arc<App>) {
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    loop {
        tick.tick().await;
        match app.refresh().await {
            Ok(()) | Err(StoreError::Unusable(_)) => {}
            Err(error) => tracing::warn!(%error, "the registry could not be read; the last one stays"),
        }
    }
}

/// Keeps what is known of revoked certificates fresh while the service runs, and warns of what will end.
pub async fn keep_revocation(app: Arc<App>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut watch = Watch::default();
    loop {
        tick.tick().await;
        let own = own_expiry(&app.config, &app.answers());
        let at = app.clock.now() / 1000;
        watch.tick(&app.trust(), &[own], &app.metrics.revocation, &*app.random, at);
    }
}

/// Finds out while nobody asks whether the database can be used: the log and the figures tell when it cannot, and when it
/// can again. And how much of what came by `AsyncChannel` has no answer yet.
pub async fn keep_database(app: Arc<App>) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tick.tick().await;
        if app.store.check().await.is_ok() {
            let _later = asynchronous::measure(&app).await;
        }
    }
}

/// Notices when the host's clock is set.
pub async fn keep_clock(app: Arc<App>) {
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    loop {
        tick.tick().await;
        let _noticed = app.careful_now();
    }
}
