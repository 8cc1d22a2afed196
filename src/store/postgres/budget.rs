//! What may be done in a day: asks, wrong codes, answers that tell nothing. Days are those of Astana.

use super::row::{day, get};
use super::transaction::Tx;
use crate::store::StoreError;
pub use crate::store::row::budget::*;

/// Whether each of the budgets has something left on the day of `at` (Unix milliseconds).
pub async fn is_left(tx: &mut Tx<'_>, holders: &[Holder], at: i64) -> Result<bool, StoreError> {
    for (holder, most) in holders {
        let sql = "SELECT asked FROM budget WHERE holder = $1 AND day = $2";
        let asked = tx.number(sql, &[&&holder[..], &day(at)]).await?;
        if asked.unwrap_or(0) >= i64::from(*most) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes one from each of the budgets, or from none; `false`: one is used up. Each is taken from and judged by one statement,
/// so that no two nodes take the last; what was taken before one is found used up is given back.
pub async fn spend(tx: &mut Tx<'_>, holders: &[Holder], at: i64) -> Result<bool, StoreError> {
    let day = day(at);
    let mut taken = Vec::with_capacity(holders.len());
    for (holder, most) in holders {
        let sql = "INSERT INTO budget (holder, day, asked) VALUES ($1, $2, 1)
                   ON CONFLICT (holder, day) DO UPDATE SET asked = budget.asked + 1 RETURNING asked";
        let row = tx.row(sql, &[&&holder[..], &day]).await?;
        let asked: i64 = row.map_or(Ok(i64::MAX), |row| get(&row, 0))?;
        taken.push((*holder, *most));
        if asked > i64::from(*most) {
            give_back(tx, &taken, at).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives back what was taken in the same transaction.
pub async fn give_back(tx: &mut Tx<'_>, holders: &[Holder], at: i64) -> Result<(), StoreError> {
    for (holder, _) in holders {
        let sql = "UPDATE budget SET asked = asked - 1 WHERE holder = $1 AND day = $2";
        tx.execute(sql, &[&&holder[..], &day(at)]).await?;
    }
    Ok(())
}
