//! What the server or the connection says, as [`StoreError`]. Texts of the server may quote values: none is kept.

use crate::store::StoreError;
use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// No connection, or the end of one.
pub const UNREACHABLE: &str = "database unreachable";
/// It did not answer in time.
pub const SLOW: &str = "database slow";

/// The error of a statement.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub fn failed(error: tokio_postgres::Error) -> StoreError {
    match error.code() {
        Some(state) => of_state(state),
        // What the driver finds wrong with a value is ours.
        None if is_about_a_value(&error) => StoreError::Failed(-1),
        None => StoreError::Unusable(UNREACHABLE),
    }
}

/// The error of getting a connection.
pub fn unconnected(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => match failed(error) {
            StoreError::Refused(_) => StoreError::Unusable("database refuses the connection"),
            other => other,
        },
        // All are in use, and stayed so.
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => StoreError::Busy,
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
        _ if code.starts_with("08") => StoreError::Unusable(UNREACHABLE),
        _ => StoreError::Refused(code.to_owned()),
    }
}

/// Whether the transaction met others, and may be run again: a failed serialisation or a deadlock.
pub fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused(code) if code == "40001" || code == "40P01")
}

fn is_about_a_value(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error deserializing", "error serializing", "invalid column"].iter().any(|start| text.starts_with(start))
}
