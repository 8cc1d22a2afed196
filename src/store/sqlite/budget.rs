//! What may be done in a day: asks, wrong codes, answers that tell nothing. Days are those of Astana.

use super::row::day;
use super::writer::failed;
use crate::store::StoreError;
pub use crate::store::row::budget::*;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Whether each of the budgets has something left on the day of `at` (Unix milliseconds).
pub fn is_left(connection: &Connection, holders: &[Holder], at: i64) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT asked FROM budget WHERE holder = ?1 AND day = ?2")
        .map_err(failed)?;
    for (holder, most) in holders {
        let asked: Option<i64> =
            select.query_row(params![holder, day(at)], |row| row.get(0)).optional().map_err(failed)?;
        if asked.unwrap_or(0) >= i64::from(*most) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes one from each of the budgets, or from none; `false`: one is used up. Judged before any is charged: who is over
/// its own budget must not use up another's.
pub fn spend(connection: &Connection, holders: &[Holder], at: i64) -> Result<bool, StoreError> {
    if !is_left(connection, holders, at)? {
        return Ok(false);
    }
    for (holder, _) in holders {
        connection
            .prepare_cached(
                "INSERT INTO budget (holder, day, asked) VALUES (?1, ?2, 1)
                 ON CONFLICT DO UPDATE SET asked = asked + 1",
            )
            .and_then(|mut s| s.execute(params![holder, day(at)]))
            .map_err(failed)?;
    }
    Ok(true)
}
