//! The transactions on operators: guesses that are counted before they are answered, and acts of two persons.

use super::writer::failed;
use super::{SqliteStore, erase, journal, registration};
use crate::consent::identity::Iin;
use crate::operator::Name;
use crate::operator::lockout::lockout;
use crate::random::Id;
use crate::store::operator::{Approval, Approved, Claim, Operators, Verdict};
use crate::store::register::{Erased, Item, Kind};
use crate::store::seal::{Seal, hex};
use crate::store::{Pending, Record, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::path::Path;

/// Who is in a database, as far as it tells without its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Accounts of operators, dismissed ones too.
    pub operators: i64,
    /// Subjects that were ever known.
    pub subjects: i64,
}

/// Counts, changing nothing.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub fn census(path: &Path) -> Result<Census, StoreError> {
    let connection = super::reading(path)?;
    let count = |sql| connection.query_row(sql, [], |row| row.get(0)).map_err(failed);
    Ok(Census {
        operators: count("SELECT count(DISTINCT id) FROM registered WHERE kind = 'operator'")?,
        subjects: count("SELECT coalesce(max(id), 0) FROM subject")?,
    })
}

impl Operators for SqliteStore {
    fn log_in(&self, name: Name, right: bool, record: Record) -> Pending<'_, Verdict> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| log_in(c, &*seal, &guard(&*seal, &name), right, &record)))
    }

    fn unlock(&self, name: Name) -> Pending<'_, ()> {
        let guard = guard(&*self.seal, &name);
        Box::pin(self.writer.write(move |c| unlock(c, &guard)))
    }

    fn first_operator(&self, first: Item, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| {
            let none = "SELECT NOT EXISTS (SELECT 1 FROM registered WHERE kind = ?1)";
            let none: bool = c.query_row(none, [Kind::Operator.word()], |row| row.get(0)).map_err(failed)?;
            Ok(none && registration::register(c, &*seal, &first, 0, &record)?.is_some())
        }))
    }

    fn ask_approval(&self, asked: Approval, record: Record) -> Pending<'_, Approval> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| ask(c, &*seal, asked, &record)))
    }

    fn approve(&self, claim: Claim, record: Record) -> Pending<'_, Approved> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| approve(c, &*seal, &claim, &record)))
    }

    fn approvals(&self, at: i64) -> Pending<'_, Vec<Approval>> {
        Box::pin(self.read(move |c, _| {
            let sql = format!("SELECT {COLUMNS} FROM approval WHERE done IS NULL AND until > ?1 ORDER BY id");
            let mut statement = c.prepare_cached(&sql).map_err(failed)?;
            let rows = statement.query_map([at], read).map_err(failed)?;
            rows.collect::<Result<_, _>>().map_err(failed)
        }))
    }

    fn claim(&self, claim: Claim, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| {
            let taken = take(c, &claim, record.at)?;
            if taken {
                journal::append(c, &*seal, &record)?;
            }
            Ok(taken)
        }))
    }

    fn erase_approved(
        &self,
        claim: Claim,
        subject: Iin,
        before: i64,
        record: Record,
    ) -> Pending<'_, Option<Erased>> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let erase = move |c: &Connection| {
                if !take(c, &claim, record.at)? {
                    return Ok(None);
                }
                let erased = erase::subject(c, &*seal, &subject, before, &record)?;
                if erased == Erased::default() {
                    // It was carried out, though there was nothing: no subject is named, for none may be known.
                    journal::append(c, &*seal, &record)?;
                }
                Ok(Some(erased))
            };
            let erased = self.writer.write(erase).await?;
            if erased.is_some() {
                self.forget().await?;
            }
            Ok(erased)
        })
    }
}

/// What stands for a name among the guards: whoever types a password for a name leaves nothing readable.
fn guard(seal: &dyn Seal, name: &Name) -> String {
    hex(&seal.hash("operator-guard", &[name.as_str().as_bytes()]))
}

fn log_in(
    connection: &Connection,
    seal: &dyn Seal,
    name: &str,
    right: bool,
    record: &Record,
) -> Result<Verdict, StoreError> {
    let guard: Option<(u32, i64)> = connection
        .prepare_cached("SELECT wrong, until FROM operator_guard WHERE name = ?1")
        .and_then(|mut s| s.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)?;
    let (wrong, until) = guard.unwrap_or_default();
    let tell = |outcome: &str| Record { outcome: outcome.to_owned(), ..record.clone() };
    if until > record.at {
        journal::append(connection, seal, &tell("locked"))?;
        return Ok(Verdict::Locked(until));
    }
    if right {
        if wrong > 0 {
            unlock(connection, name)?;
            let detail = serde_json::json!({ "wrong_before": wrong }).to_string();
            journal::append(connection, seal, &Record { detail, ..tell("right") })?;
        }
        return Ok(Verdict::Welcome);
    }
    let wrong = wrong.saturating_add(1);
    let until = lockout(wrong).map_or(0, |span| record.at.saturating_add(span));
    connection
        .prepare_cached("INSERT OR REPLACE INTO operator_guard (name, wrong, until) VALUES (?1, ?2, ?3)")
        .and_then(|mut s| s.execute(params![name, wrong, until]))
        .map_err(failed)?;
    journal::append(connection, seal, &tell(if until > 0 { "wrong, locked" } else { "wrong" }))?;
    Ok(Verdict::Wrong)
}

fn unlock(connection: &Connection, name: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM operator_guard WHERE name = ?1")
        .and_then(|mut s| s.execute([name]))
        .map(|_| ())
        .map_err(failed)
}

const COLUMNS: &str = "id, act, digest, asked_by, asked, until, approved_by, approved, done";

fn read(row: &Row<'_>) -> rusqlite::Result<Approval> {
    let (by, at): (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(Approval {
        id: Id::from_bytes(row.get(0)?),
        act: row.get(1)?,
        digest: row.get(2)?,
        asked_by: row.get(3)?,
        asked: row.get(4)?,
        until: row.get(5)?,
        approved: by.zip(at),
        done: row.get(8)?,
    })
}

fn ask(
    connection: &Connection,
    seal: &dyn Seal,
    asked: Approval,
    record: &Record,
) -> Result<Approval, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM approval
         WHERE act = ?1 AND digest = ?2 AND asked_by = ?3 AND until > ?4 AND done IS NULL ORDER BY id LIMIT 1"
    );
    let known = connection
        .prepare_cached(&sql)
        .and_then(|mut s| {
            s.query_row(params![asked.act, asked.digest, asked.asked_by, record.at], read).optional()
        })
        .map_err(failed)?;
    if let Some(known) = known {
        return Ok(known);
    }
    connection
        .prepare_cached(
            "INSERT INTO approval (id, act, digest, asked_by, asked, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut s| {
            let id = asked.id.as_bytes();
            s.execute(params![id, asked.act, asked.digest, asked.asked_by, asked.asked, asked.until])
        })
        .map_err(failed)?;
    journal::append(connection, seal, record)?;
    Ok(asked)
}

fn approve(
    connection: &Connection,
    seal: &dyn Seal,
    claim: &Claim,
    record: &Record,
) -> Result<Approved, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM approval WHERE id = ?1 AND until > ?2");
    let known = connection
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_row(params![claim.id.as_bytes(), record.at], read).optional())
        .map_err(failed)?;
    let Some(known) = known else { return Ok(Approved::Unknown) };
    if known.act != claim.act || known.digest != claim.digest {
        return Ok(Approved::Other);
    }
    if known.asked_by == claim.by.as_str() {
        return Ok(Approved::Own);
    }
    if known.approved.is_some() || known.done.is_some() {
        return Ok(Approved::Before(known));
    }
    connection
        .prepare_cached("UPDATE approval SET approved_by = ?2, approved = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![claim.id.as_bytes(), claim.by.as_str(), record.at]))
        .map_err(failed)?;
    journal::append(connection, seal, record)?;
    Ok(Approved::Now(Approval { approved: Some((claim.by.as_str().to_owned(), record.at)), ..known }))
}

/// Marks an approved act as done, once; `false`: it is not approved, void, done, another's or about something else.
fn take(connection: &Connection, claim: &Claim, at: i64) -> Result<bool, StoreError> {
    connection
        .prepare_cached(
            "UPDATE approval SET done = ?5 WHERE id = ?1 AND act = ?2 AND digest = ?3 AND asked_by = ?4
             AND approved_by IS NOT NULL AND approved_by <> asked_by AND done IS NULL AND until > ?5",
        )
        .and_then(|mut s| {
            s.execute(params![claim.id.as_bytes(), claim.act, claim.digest, claim.by.as_str(), at])
        })
        .map(|rows| rows == 1)
        .map_err(failed)
}
