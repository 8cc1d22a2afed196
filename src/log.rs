//! The log: JSON lines on stderr, one for each exchange. What it may hold is decided where it is written.

use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log at `level`; a second start changes the level alone.
pub fn start(level: &str) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = fmt::layer().json().flatten_event(true).with_target(false).with_writer(std::io::stderr);
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = LEVEL.set(handle);
    } else {
        set_level(level);
    }
}

/// Changes the level while serving.
pub fn set_level(level: &str) {
    if let Some(handle) = LEVEL.get() {
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"))
}
