//! Due work as rows.

use super::writer::failed;
use super::{journal, row};
use crate::random::Id;
use crate::store::seal::Seal;
use crate::store::{Job, Lane, Record, StoreError, Task};
use rusqlite::{Connection, params};

pub fn due(connection: &Connection, lane: Lane, at: i64, most: u32) -> Result<Vec<Job>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT id, due, task, request, tries FROM job WHERE due <= ?1 AND (task = ?3) = ?4 ORDER BY due, id LIMIT ?2",
        )
        .map_err(failed)?;
    let (answer, answers) = (row::number(Task::Answer), lane == Lane::Answers);
    let rows = statement
        .query_map(params![at, most, answer, answers], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, u8>(2)?, row.get(3)?, row.get(4)?))
        })
        .map_err(failed)?;
    rows.map(|row| {
        let (id, due, task, request, tries) = row.map_err(failed)?;
        let task = row::task(task).ok_or(StoreError::Unreadable("job.task"))?;
        Ok(Job { id, due, task, request: Id::from_bytes(request), tries })
    })
    .collect()
}

pub fn next_due(connection: &Connection) -> Result<Option<i64>, StoreError> {
    connection.query_row("SELECT min(due) FROM job", [], |row| row.get(0)).map_err(failed)
}

pub fn done(connection: &Connection, job: i64) -> Result<(), StoreError> {
    let delete = connection.prepare_cached("DELETE FROM job WHERE id = ?1");
    delete.and_then(|mut s| s.execute([job])).map(|_| ()).map_err(failed)
}

pub fn postpone(connection: &Connection, job: i64, due: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE job SET due = ?2, tries = tries + 1 WHERE id = ?1")
        .and_then(|mut s| s.execute([job, due]))
        .map(|_| ())
        .map_err(failed)
}

pub fn overdue(
    connection: &Connection,
    seal: &dyn Seal,
    job: i64,
    record: &Record,
) -> Result<(), StoreError> {
    let removed = connection
        .prepare_cached("DELETE FROM job WHERE id = ?1")
        .and_then(|mut s| s.execute([job]))
        .map_err(failed)?;
    // Another worker may have been first.
    if removed == 0 { Ok(()) } else { journal::append(connection, seal, record) }
}
