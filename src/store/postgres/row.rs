//! Access requests as rows of this engine.

use super::fault::failed;
use super::transaction::{Tx, Values};
pub use crate::store::row::*;
use crate::store::{StoreError, Task};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

/// The value in a column.
pub fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(failed)
}

/// A whole number in a column that is never as large as `T` allows; `name` says which.
pub fn small<T: TryFrom<i64>>(row: &Row, column: usize, name: &'static str) -> Result<T, StoreError> {
    T::try_from(get(row, column)?).map_err(|_| StoreError::Unreadable(name))
}

/// Bytes of a fixed length in a column.
pub fn bytes<const N: usize>(row: &Row, column: usize, name: &'static str) -> Result<[u8; N], StoreError> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| StoreError::Unreadable(name))
}

/// The same of a column that may have none.
pub fn bytes_or_none<const N: usize>(
    row: &Row,
    column: usize,
    name: &'static str,
) -> Result<Option<[u8; N]>, StoreError> {
    let found: Option<&[u8]> = get(row, column)?;
    found.map(TryInto::try_into).transpose().map_err(|_| StoreError::Unreadable(name))
}

/// A number that is no more than the column holds.
pub fn wide(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Finds one request by a condition on its row. What was erased is not found.
pub async fn find(
    tx: &mut Tx<'_>,
    condition: &str,
    value: &(dyn ToSql + Sync),
) -> Result<Option<Stored>, StoreError> {
    let found = select(tx, &format!("{condition} AND person IS NOT NULL"), &[value]).await?;
    Ok(found.into_iter().next())
}

/// The same to be changed. Its subject is held until the end of the transaction, and with it everything that is about the
/// subject; then the row itself, which the sweep changes without asking for the subject.
pub async fn hold(
    tx: &mut Tx<'_>,
    condition: &str,
    value: &(dyn ToSql + Sync),
) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT subject FROM access_request WHERE {condition} AND person IS NOT NULL");
    let Some(subject) = tx.number(&sql, &[value]).await? else { return Ok(None) };
    super::subject::hold_number(tx, subject).await?;
    let condition = format!("{condition} AND person IS NOT NULL FOR UPDATE");
    Ok(select(tx, &condition, &[value]).await?.into_iter().next())
}

/// All requests of a condition, which may go on behind it.
pub async fn select(tx: &mut Tx<'_>, condition: &str, values: Values<'_>) -> Result<Vec<Stored>, StoreError> {
    let rows = tx.rows(&format!("SELECT {COLUMNS} FROM access_request WHERE {condition}"), values).await?;
    rows.iter().map(|row| columns(row)?.open(tx.seal)).collect()
}

fn columns(row: &Row) -> Result<Columns, StoreError> {
    Ok(Columns {
        seq: get(row, 0)?,
        id: bytes(row, 1, "access_request.id")?,
        bin: get(row, 2)?,
        method: small(row, 3, "access_request.method")?,
        told: small(row, 4, "access_request.told")?,
        terms: get(row, 5)?,
        consent: get(row, 6)?,
        person: get(row, 7)?,
        jti: bytes_or_none(row, 8, "access_request.jti")?,
        token: get(row, 9)?,
        subject: get(row, 10)?,
        opened: get(row, 11)?,
        issued: get(row, 12)?,
        idx: get::<Option<i64>>(row, 13)?.and_then(|place| u64::try_from(place).ok()),
    })
}

/// Writes a new row of the subject with this number, and its first task.
pub async fn insert(tx: &mut Tx<'_>, sealed: &Sealed, subject: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO access_request
                   (id, bin, method, subject, opened, live, phone, told, terms, consent, keeps, ended, person, jti, token,
                    issued, idx)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let (live, phone, jti) =
        (slice(sealed.live.as_ref()), slice(sealed.phone.as_ref()), slice(sealed.jti.as_ref()));
    let (method, keeps) = (i64::from(sealed.method), i64::from(sealed.keeps));
    let idx = sealed.idx.map(wide);
    tx.execute(
        sql,
        &[
            &&sealed.id[..],
            &sealed.bin,
            &method,
            &subject,
            &sealed.opened,
            &live,
            &phone,
            &sealed.terms,
            &sealed.consent,
            &keeps,
            &sealed.ended,
            &sealed.person,
            &jti,
            &sealed.token,
            &sealed.issued,
            &idx,
        ],
    )
    .await?;
    schedule(tx, sealed).await
}

/// Writes the row `seq` anew and replaces the task that its old state had.
pub async fn update(tx: &mut Tx<'_>, sealed: &Sealed, seq: i64) -> Result<(), StoreError> {
    let sql =
        "UPDATE access_request SET live = $2, phone = $3, terms = $4, consent = $5, keeps = $6, ended = $7,
                   person = $8, jti = $9, token = $10, issued = $11, idx = $12
               WHERE seq = $1";
    let (live, phone, jti) =
        (slice(sealed.live.as_ref()), slice(sealed.phone.as_ref()), slice(sealed.jti.as_ref()));
    let (keeps, idx) = (i64::from(sealed.keeps), sealed.idx.map(wide));
    tx.execute(
        sql,
        &[
            &seq,
            &live,
            &phone,
            &sealed.terms,
            &sealed.consent,
            &keeps,
            &sealed.ended,
            &sealed.person,
            &jti,
            &sealed.token,
            &sealed.issued,
            &idx,
        ],
    )
    .await?;
    let old = [Task::FindNumber, Task::SendAsk, Task::Expire].map(task_number);
    let sql = "DELETE FROM job WHERE request = $1 AND task IN ($2, $3, $4)";
    tx.execute(sql, &[&&sealed.id[..], &old[0], &old[1], &old[2]]).await?;
    schedule(tx, sealed).await
}

fn slice(hash: Option<&[u8; 16]>) -> Option<&[u8]> {
    hash.map(|hash| &hash[..])
}

async fn schedule(tx: &mut Tx<'_>, sealed: &Sealed) -> Result<(), StoreError> {
    match sealed.task {
        Some((task, due)) => add_job(tx, task, due, &sealed.id).await,
        None => Ok(()),
    }
}

/// A task's number in the database.
pub fn task_number(task: Task) -> i64 {
    i64::from(number(task))
}

/// Queues one task.
pub async fn add_job(tx: &mut Tx<'_>, task: Task, due: i64, request: &[u8; 16]) -> Result<(), StoreError> {
    let sql = "INSERT INTO job (due, task, request, tries) VALUES ($1, $2, $3, 0)";
    tx.execute(sql, &[&due, &task_number(task), &&request[..]]).await.map(|_| ())
}
