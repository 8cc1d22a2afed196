//! Due work as rows. Who asks what is due has it: a node's jobs are its own while it lives, and others' when it does not.

use super::journal;
use super::row::{self, bytes, get, small};
use super::transaction::Tx;
use crate::random::Id;
use crate::store::{Job, Lane, Record, StoreError, Task};
use std::time::Duration;

/// How long the jobs of a node are its own since it said last that it lives. With the pause between two looks at what is due,
/// a dead node's jobs are taken over well within ten seconds.
const LIFE: Duration = Duration::from_secs(6);
/// How often a node says so.
pub const BEAT: Duration = Duration::from_secs(2);

/// The one clock that all nodes share, Unix milliseconds.
pub const NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

/// Says that this node lives.
pub async fn beat(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO node (name, until) VALUES ($1, {NOW} + $2) ON CONFLICT (name) DO UPDATE SET until = excluded.until"
    );
    let life = i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX);
    tx.execute(&sql, &[&tx.node, &life]).await.map(|_| ())
}

/// What is due, and is from now on this node's to do.
pub async fn due(tx: &mut Tx<'_>, lane: Lane, at: i64, most: u32) -> Result<Vec<Job>, StoreError> {
    // What another transaction holds it deletes or puts off just now: that is left to the next look.
    let sql = format!(
        "SELECT id, due, task, request, tries, node FROM job
         WHERE due <= $1 AND (task = $3) = $4 AND (node = $5 OR node = ''
             OR NOT EXISTS (SELECT 1 FROM node WHERE name = job.node AND until > {NOW}))
         ORDER BY due, id LIMIT $2 FOR UPDATE OF job SKIP LOCKED"
    );
    let (answer, answers) = (row::task_number(Task::Answer), lane == Lane::Answers);
    let found = tx.rows(&sql, &[&at, &i64::from(most), &answer, &answers, &tx.node]).await?;
    let (mut jobs, mut taken) = (Vec::with_capacity(found.len()), Vec::new());
    for row in &found {
        let task = row::task(small(row, 2, "job.task")?).ok_or(StoreError::Unreadable("job.task"))?;
        let request = Id::from_bytes(bytes(row, 3, "job.request")?);
        let id = get(row, 0)?;
        if get::<&str>(row, 5)? != tx.node {
            taken.push(id);
        }
        jobs.push(Job { id, due: get(row, 1)?, task, request, tries: small(row, 4, "job.tries")? });
    }
    if !taken.is_empty() {
        beat(tx).await?;
        tx.execute("UPDATE job SET node = $2 WHERE id = ANY($1)", &[&taken, &tx.node]).await?;
    }
    Ok(jobs)
}

pub async fn next_due(tx: &mut Tx<'_>) -> Result<Option<i64>, StoreError> {
    tx.row("SELECT min(due) FROM job", &[]).await?.map_or(Ok(None), |row| get(&row, 0))
}

pub async fn done(tx: &mut Tx<'_>, job: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM job WHERE id = $1", &[&job]).await.map(|_| ())
}

/// Whoever is free takes it then.
pub async fn postpone(tx: &mut Tx<'_>, job: i64, due: i64) -> Result<(), StoreError> {
    let sql = "UPDATE job SET due = $2, tries = tries + 1, node = '' WHERE id = $1";
    tx.execute(sql, &[&job, &due]).await.map(|_| ())
}

pub async fn overdue(tx: &mut Tx<'_>, job: i64, record: &Record) -> Result<(), StoreError> {
    let removed = tx.execute("DELETE FROM job WHERE id = $1", &[&job]).await?;
    // Another worker may have been first.
    if removed == 0 { Ok(()) } else { journal::append(tx, record).await }
}
