//! Versions of the schema: each step up is one transaction.

use super::connect::Place;
use super::fault::failed;
use super::transfer;
use crate::store::StoreError;
use crate::store::transfer::Step;
use tokio_postgres::{Client, Transaction};

/// Version of the schema that this build works with.
pub const SCHEMA: i64 = 1;

/// What leads from each version of the schema to the next, from none to [`SCHEMA`].
const CHANGES: [&str; 1] = [include_str!("../sql/postgres-001.sql")];

/// Brings the database to this version. Two that try at the same time do it one after the other. Answers with the versions
/// before and after.
///
/// # Errors
/// [`StoreError::Setup`], or what the database says.
pub fn migrate(place: &Place) -> Result<(i64, i64), StoreError> {
    place.alone(async |mut client: Client| {
        let before = version(&client).await?;
        if !(0..=SCHEMA).contains(&before) {
            return Err(wrong_version(&client, before).await);
        }
        for (version, sql) in (1..).zip(CHANGES).filter(|(version, _)| *version > before) {
            let change = client.transaction().await.map_err(failed)?;
            change.batch_execute(sql).await.map_err(failed)?;
            // Waits for another that does the same, and then finds that it is done.
            let step = "UPDATE schema_version SET version = $1 WHERE version = CAST($1 AS BIGINT) - 1";
            if change.execute(step, &[&version]).await.map_err(failed)? != 1 {
                return Err(StoreError::Setup("somebody else migrates the database just now".to_owned()));
            }
            change.commit().await.map_err(failed)?;
        }
        Ok((before, SCHEMA))
    })
}

/// Makes all tables in an empty database, within a transaction, and leaves its version to the caller.
pub(super) async fn lay(change: &Transaction<'_>) -> Result<(), StoreError> {
    for sql in CHANGES {
        change.batch_execute(sql).await.map_err(failed)?;
    }
    Ok(())
}

/// Says whether the database can be used, changing nothing.
///
/// # Errors
/// [`StoreError::Setup`] says what is wrong.
pub fn inspect(place: &Place) -> Result<(), StoreError> {
    place.alone(async |client: Client| check(&client).await)
}

/// The same of a database that is on its way to another.
pub(super) fn inspect_leaving(place: &Place) -> Result<(), StoreError> {
    place.alone(async |client: Client| match version(&client).await? {
        found if found == -SCHEMA => match transfer::mark(&client).await? {
            Some(mark) if mark.step == Step::Leaving => Ok(()),
            _ => Err(wrong_version(&client, found).await),
        },
        _ => check(&client).await,
    })
}

/// Whether it has the right version.
pub async fn check(client: &Client) -> Result<(), StoreError> {
    match version(client).await? {
        SCHEMA => Ok(()),
        0 => Err(StoreError::Setup("the database is empty: run `kdp migrate`".to_owned())),
        other => Err(wrong_version(client, other).await),
    }
}

/// 0: there is none.
pub(super) async fn version(client: &Client) -> Result<i64, StoreError> {
    let there = "SELECT 1 FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = 'schema_version'";
    if client.query_opt(there, &[]).await.map_err(failed)?.is_none() {
        return Ok(0);
    }
    let row = client.query_one("SELECT version FROM schema_version", &[]).await.map_err(failed)?;
    row.try_get(0).map_err(failed)
}

/// A version below zero: the database takes part in a move, and says how far that is.
pub(super) async fn wrong_version(client: &Client, found: i64) -> StoreError {
    if found == -SCHEMA
        && let Ok(Some(mark)) = transfer::mark(client).await
    {
        return mark.refusal();
    }
    StoreError::Setup(format!("the database has version {found}, this program needs version {SCHEMA}"))
}
