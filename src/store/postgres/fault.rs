//! What the server or the connection says, as [`StoreError`]. Texts of the server may quote values: none is kept.

use crate::store::StoreError;
use deadpool_postgres::{HookError, PoolError};
use std::error::Error as _;
use std::io;
use tokio_postgres::error::SqlState;

/// No connection, or the end of one.
pub const UNREACHABLE: &str = "database unreachable";
/// It takes part in a move, or was moved.
pub const MOVED: &str = "database moved";
/// It did not answer in time.
pub const SLOW: &str = "database slow";

/// It spoke without TLS, or showed a certificate that is not to be believed: nothing was told to it.
pub const UNTRUSTED: &str = "database not trusted";
/// It wants another password, user or database.
const REFUSING: &str = "database refuses the connection";

/// The error of a statement, or of a connection.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub fn failed(error: tokio_postgres::Error) -> StoreError {
    match error.code() {
        Some(state) => of_state(state),
        // What the driver finds wrong with a value is ours.
        None if is_about_a_value(&error) => StoreError::Failed(-1),
        None if is_about_trust(&error) => StoreError::Unusable(UNTRUSTED),
        None if is_about_login(&error) => StoreError::Unusable(REFUSING),
        None => StoreError::Unusable(UNREACHABLE),
    }
}

/// The error of getting a connection.
pub fn unconnected(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => match failed(error) {
            StoreError::Refused(_) => StoreError::Unusable(REFUSING),
            other => other,
        },
        // All are in use, and stayed so.
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => StoreError::Busy,
        PoolError::PostCreateHook(HookError::Message(_)) => StoreError::Unusable(MOVED),
        _ => StoreError::Unusable(UNREACHABLE),
    }
}

fn of_state(state: &SqlState) -> StoreError {
    let code = state.code();
    match code {
        // What waits for a lock so long has too many before it.
        "55P03" => StoreError::Busy,
        "57014" => StoreError::Unusable(SLOW),
        "25006" => StoreError::Unusable("database read-only"),
        "53100" => StoreError::Unusable("database full"),
        "53200" => StoreError::Unusable("database out of memory"),
        "53300" => StoreError::Unusable("database has too many connections"),
        "57P01" | "57P02" | "57P03" | "57P05" => StoreError::Unusable(UNREACHABLE),
        "58030" => StoreError::Unusable("database input or output error"),
        _ if code.starts_with("28") => StoreError::Unusable(REFUSING),
        _ if code.starts_with("08") => StoreError::Unusable(UNREACHABLE),
        _ => StoreError::Refused(code.to_owned()),
    }
}

/// Whether the transaction met others, and may be run again: a failed serialisation or a deadlock.
pub fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused(code) if code == "40001" || code == "40P01")
}

/// Whether TLS was refused by us, or by a server that has none; not whether the line broke meanwhile.
fn is_about_trust(error: &tokio_postgres::Error) -> bool {
    let told =
        |cause: &io::Error| cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some();
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    error.to_string().starts_with("error performing TLS handshake") && cause.is_none_or(told)
}

/// Whether the driver lacks what the server asks for: it has no password to tell.
fn is_about_login(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["authentication error", "invalid configuration"].iter().any(|start| text.starts_with(start))
}

fn is_about_a_value(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error deserializing", "error serializing", "invalid column"].iter().any(|start| text.starts_with(start))
}
