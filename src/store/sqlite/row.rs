//! Access requests as rows of this engine.

use super::writer::failed;
pub use crate::store::row::*;
use crate::store::seal::Seal;
use crate::store::{StoreError, Task};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

/// Finds one request by a condition on its row. What was erased is not found.
pub fn find(
    connection: &Connection,
    seal: &dyn Seal,
    condition: &str,
    value: impl rusqlite::ToSql,
) -> Result<Option<Stored>, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM access_request WHERE {condition} AND person IS NOT NULL"
        ))
        .map_err(failed)?
        .query_row([value], |row| Ok(read(row, seal)))
        .optional()
        .map_err(failed)?
        .transpose()
}

/// All requests whose subject's number is awaited.
pub fn on_phone(connection: &Connection, seal: &dyn Seal, phone: &[u8]) -> Result<Vec<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM access_request WHERE phone = ?1 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([phone], |row| Ok(read(row, seal))).map_err(failed)?;
    rows.map(|row| row.map_err(failed)?).collect()
}

/// Reads a row of [`COLUMNS`].
pub fn read(row: &Row<'_>, seal: &dyn Seal) -> Result<Stored, StoreError> {
    columns(row).map_err(failed)?.open(seal)
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        seq: row.get(0)?,
        id: row.get(1)?,
        bin: row.get(2)?,
        method: row.get(3)?,
        told: row.get(4)?,
        terms: row.get(5)?,
        consent: row.get(6)?,
        person: row.get(7)?,
        jti: row.get(8)?,
        token: row.get(9)?,
        subject: row.get(10)?,
        opened: row.get(11)?,
        issued: row.get(12)?,
        idx: row.get(13)?,
    })
}

impl Sealed {
    /// Writes a new row of the subject with this number, and its first task. Answers with its key.
    pub fn insert(&self, connection: &Connection, subject: i64) -> Result<i64, StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO access_request
                    (id, bin, method, subject, opened, live, phone, told, terms, consent, keeps, ended, person, jti,
                     token, issued, idx)
                 VALUES (:id, :bin, :method, :subject, :opened, :live, :phone, 0, :terms, :consent, :keeps, :ended,
                     :person, :jti, :token, :issued, :idx)",
            )
            .map_err(failed)?
            .execute(named_params! {
                ":id": self.id, ":bin": self.bin, ":method": self.method, ":subject": subject,
                ":opened": self.opened, ":live": self.live, ":phone": self.phone, ":terms": self.terms,
                ":consent": self.consent, ":keeps": self.keeps, ":ended": self.ended, ":person": self.person,
                ":jti": self.jti, ":token": self.token, ":issued": self.issued, ":idx": self.idx,
            })
            .map_err(failed)?;
        let seq = connection.last_insert_rowid();
        self.schedule(connection)?;
        Ok(seq)
    }

    /// Writes the row `seq` anew and replaces the task that its old state had.
    pub fn update(&self, connection: &Connection, seq: i64) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "UPDATE access_request SET live = :live, phone = :phone, terms = :terms, consent = :consent, keeps = :keeps,
                    ended = :ended, person = :person, jti = :jti, token = :token, issued = :issued, idx = :idx
                 WHERE seq = :seq",
            )
            .map_err(failed)?
            .execute(named_params! {
                ":live": self.live, ":phone": self.phone, ":terms": self.terms, ":consent": self.consent,
                ":keeps": self.keeps, ":ended": self.ended, ":person": self.person, ":jti": self.jti, ":token": self.token,
                ":issued": self.issued, ":idx": self.idx, ":seq": seq,
            })
            .map_err(failed)?;
        connection
            .prepare_cached("DELETE FROM job WHERE request = ?1 AND task IN (?2, ?3, ?4)")
            .map_err(failed)?
            .execute(params![self.id, number(Task::FindNumber), number(Task::SendAsk), number(Task::Expire)])
            .map_err(failed)?;
        self.schedule(connection)
    }

    fn schedule(&self, connection: &Connection) -> Result<(), StoreError> {
        match self.task {
            Some((task, due)) => add_job(connection, task, due, &self.id),
            None => Ok(()),
        }
    }
}

/// Queues one task.
pub fn add_job(connection: &Connection, task: Task, due: i64, request: &[u8; 16]) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO job (due, task, request, tries) VALUES (?1, ?2, ?3, 0)")
        .map_err(failed)?
        .execute(params![due, number(task), request])
        .map_err(failed)?;
    Ok(())
}
