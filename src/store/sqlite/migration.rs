//! One version of the schema up or down: each step is one transaction, with the record that tells of it.

use super::restore::{Hindrance, await_alone, in_use};
use super::writer::failed;
use super::{SCHEMA, Synchronous, journal, must_exist, setup, version, writing, wrong_version};
use crate::store::{Record, StoreError};
use rusqlite::Connection;
use serde_json::json;
use std::path::Path;

/// What leads from each version of the schema to the next, from none to [`SCHEMA`]; some of it is beyond SQL.
const CHANGES: [(&str, Beyond); 5] = [
    (include_str!("../sql/sqlite-001.sql"), |_, _| Ok(())),
    (include_str!("../sql/sqlite-002.sql"), |_, _| Ok(())),
    (include_str!("../sql/sqlite-003.sql"), begin_chain),
    (include_str!("../sql/sqlite-004.sql"), |_, _| Ok(())),
    (include_str!("../sql/sqlite-005.sql"), |_, _| Ok(())),
];
/// From [`SCHEMA`] to the version before it.
const BACK: &str = include_str!("../sql/sqlite-005-back.sql");
/// The version whose journal is a chain, and which knows operators.
pub const CHAINED: i64 = 3;
/// Unix milliseconds are passed.
type Beyond = fn(&Connection, i64) -> Result<(), StoreError>;

/// Brings the database at `path` to this version, creating it when absent, readable by its owner only. A journal that
/// stands in it gets its chain, and a record of `at`, Unix milliseconds, that the chain begins there.
/// Answers with the versions before and after.
///
/// # Errors
/// [`StoreError::Setup`].
pub fn migrate(path: &Path, at: i64) -> Result<(i64, i64), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| StoreError::Setup(format!("the database file cannot be created: {}", e.kind())))?;
    let connection = writing(path, Synchronous::Full)?;
    let before = version(&connection)?;
    if !(0..=SCHEMA).contains(&before) {
        return Err(wrong_version(&connection, before));
    }
    for (version, (sql, beyond)) in (1..).zip(CHANGES).filter(|(version, _)| *version > before) {
        let change = connection.unchecked_transaction().map_err(|e| setup(&e))?;
        change.execute_batch(sql).map_err(|e| setup(&e))?;
        beyond(&change, at)?;
        change.pragma_update(None, "user_version", version).map_err(|e| setup(&e))?;
        change.commit().map_err(|e| setup(&e))?;
    }
    Ok((before, SCHEMA))
}

/// Makes all tables in an empty database, within a transaction, and leaves its version to the caller.
pub(super) fn lay(change: &Connection) -> Result<(), StoreError> {
    CHANGES.iter().try_for_each(|(sql, _)| change.execute_batch(sql).map_err(|e| setup(&e)))
}

/// Chains what stands in the journal, and says so in it: whatever chain and heads it had once, it has lost on a way back.
fn begin_chain(connection: &Connection, at: i64) -> Result<(), StoreError> {
    journal::chain_all(connection).map_err(|e| setup(&e))?;
    let (records, _) = journal::head(connection)?;
    if records == 0 {
        return Ok(());
    }
    let record = Record {
        at,
        kind: "administration",
        outcome: "chain begun".to_owned(),
        detail: json!({ "records": records }).to_string(),
        ..Record::default()
    };
    journal::append_about(connection, None, &record)
}

/// Whether somebody has the database open: then it is not taken back.
///
/// # Errors
/// [`Hindrance::InUse`], [`Hindrance::Store`].
pub fn may_go_back(path: &Path) -> Result<(), Hindrance> {
    must_exist(path)?;
    in_use(path).map(drop)
}

/// Brings the database at `path` back to the version before this one, for the program of before, while nobody else has
/// it open; waits for threads of this program. The journal keeps a record of `at`, Unix milliseconds, and goes on: who did
/// it. Answers with the versions before and after.
///
/// # Errors
/// [`StoreError::Setup`], also while it keeps journals of other nodes: the program of before has no place for them.
pub fn migrate_back(path: &Path, at: i64, by: &str) -> Result<(i64, i64), StoreError> {
    must_exist(path)?;
    // Within its transaction already.
    let change = await_alone(path, "the database is in use: stop the service first")?;
    let found = version(&change)?;
    if found != SCHEMA {
        return Err(wrong_version(&change, found));
    }
    let nodes = "SELECT count(DISTINCT node) FROM (SELECT node FROM journal_of_node
                 UNION ALL SELECT node FROM journal_head_of_node)";
    let nodes: i64 = change.query_row(nodes, [], |row| row.get(0)).map_err(failed)?;
    if nodes > 0 {
        return Err(StoreError::Setup(format!(
            "the journals of {nodes} other nodes came here from PostgreSQL, and the program of before has no place for \
             them: stay with this one, or move to PostgreSQL again"
        )));
    }
    let record = Record {
        at,
        kind: "administration",
        operator: by.to_owned(),
        outcome: format!("taken back to version {}", SCHEMA - 1),
        detail: json!({ "by": by }).to_string(),
        ..Record::default()
    };
    journal::append_about(&change, None, &record)?;
    change.execute_batch(&format!("PRAGMA secure_delete = ON; {BACK}")).map_err(|e| setup(&e))?;
    change.pragma_update(None, "user_version", SCHEMA - 1).map_err(|e| setup(&e))?;
    change.execute_batch("COMMIT").map_err(|e| setup(&e))?;
    Ok((SCHEMA, SCHEMA - 1))
}
