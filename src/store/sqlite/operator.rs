//! The transactions on operators: accounts, and guesses that are counted before they are answered.

mod approval;

use super::writer::failed;
use super::{SqliteStore, erase, journal, registration};
use crate::consent::identity::Iin;
use crate::operator::lockout::lockout;
use crate::operator::{Name, Operator};
use crate::store::operator::{Approval, Approved, Census, Claim, Kept, Operators, Verdict};
use crate::store::register::{Erased, Item, Kind};
use crate::store::row::guard;
use crate::store::seal::Seal;
use crate::store::{Pending, Record, StoreError};
use approval::{approve, ask, take, waiting};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;

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
        // Its own, and those of the nodes that it came from.
        chains: i64::try_from(super::journal::other_nodes(&connection)?.len()).unwrap_or(i64::MAX) + 1,
    })
}

impl Operators for SqliteStore {
    fn locked(&self, name: Name, record: Record) -> Pending<'_, Option<i64>> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| locked(c, &*seal, &guard(&*seal, &name), &record)))
    }

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

    fn keep_operator(&self, operator: Box<Operator>, after: u32, record: Record) -> Pending<'_, Kept> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| keep(c, &*seal, operator, after, &record)))
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
        Box::pin(self.read(move |c, _| waiting(c, at)))
    }

    fn claim(&self, claim: Claim, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| {
            let taken = take(c, &*seal, &claim, record.at)?;
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
                if !take(c, &*seal, &claim, record.at)? {
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
                self.forget().await;
            }
            Ok(erased)
        })
    }
}

/// Wrong passwords in a row, and until when the name is locked.
fn guarded(connection: &Connection, name: &str) -> Result<(u32, i64), StoreError> {
    let guard: Option<(u32, i64)> = connection
        .prepare_cached("SELECT wrong, until FROM operator_guard WHERE name = ?1")
        .and_then(|mut s| s.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(failed)?;
    Ok(guard.unwrap_or_default())
}

fn locked(
    connection: &Connection,
    seal: &dyn Seal,
    name: &str,
    record: &Record,
) -> Result<Option<i64>, StoreError> {
    let (_, until) = guarded(connection, name)?;
    if until <= record.at {
        return Ok(None);
    }
    journal::append(connection, seal, &Record { outcome: "locked".to_owned(), ..record.clone() })?;
    Ok(Some(until))
}

fn log_in(
    connection: &Connection,
    seal: &dyn Seal,
    name: &str,
    right: bool,
    record: &Record,
) -> Result<Verdict, StoreError> {
    if let Some(until) = locked(connection, seal, name, record)? {
        return Ok(Verdict::Locked(until));
    }
    let (wrong, _) = guarded(connection, name)?;
    let tell = |outcome: &str| Record { outcome: outcome.to_owned(), ..record.clone() };
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

fn keep(
    connection: &Connection,
    seal: &dyn Seal,
    operator: Box<Operator>,
    after: u32,
    record: &Record,
) -> Result<Kept, StoreError> {
    let others = registration::read_sealed::<Operator>(connection, seal, Kind::Operator)?;
    let mut others = others.iter().map(|(_, other)| other).filter(|other| other.name != operator.name);
    if !operator.is_officer() && !others.any(Operator::is_officer) {
        return Ok(Kept::LastOfficer);
    }
    let kept = registration::register(connection, seal, &Item::Operator(operator), after, record)?;
    Ok(kept.map_or(Kept::Stale, Kept::Revision))
}
