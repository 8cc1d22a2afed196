//! The transactions on operators: accounts, and guesses that are counted before they are answered.

mod approval;

use super::row::{get, small};
use super::transaction::{Tx, look, transact};
use super::{PostgresStore, erase, journal, registration};
use crate::consent::identity::Iin;
use crate::operator::lockout::lockout;
use crate::operator::{Name, Operator};
use crate::store::operator::{Approval, Approved, Claim, Kept, Operators, Verdict};
use crate::store::register::{Erased, Item, Kind};
use crate::store::row::guard;
use crate::store::{Pending, Record, StoreError};
use approval::{approve, ask, take, waiting};

impl Operators for PostgresStore {
    fn locked(&self, name: Name, record: Record) -> Pending<'_, Option<i64>> {
        let guard = guard(&*self.seal, &name);
        Box::pin(async move { transact!(self, "locked", |tx| locked(tx, &guard, &record)) })
    }

    fn log_in(&self, name: Name, right: bool, record: Record) -> Pending<'_, Verdict> {
        let guard = guard(&*self.seal, &name);
        Box::pin(async move { transact!(self, "log_in", |tx| log_in(tx, &guard, right, &record)) })
    }

    fn unlock(&self, name: Name) -> Pending<'_, ()> {
        let guard = guard(&*self.seal, &name);
        Box::pin(async move { transact!(self, "unlock", |tx| unlock(tx, &guard)) })
    }

    fn first_operator(&self, first: Item, record: Record) -> Pending<'_, bool> {
        Box::pin(async move { transact!(self, "first_operator", |tx| first_of_all(tx, &first, &record)) })
    }

    fn keep_operator(&self, operator: Box<Operator>, after: u32, record: Record) -> Pending<'_, Kept> {
        let item = Item::Operator(operator);
        Box::pin(async move { transact!(self, "keep_operator", |tx| keep(tx, &item, after, &record)) })
    }

    fn ask_approval(&self, asked: Approval, record: Record) -> Pending<'_, Approval> {
        Box::pin(async move { transact!(self, "ask_approval", |tx| ask(tx, &asked, &record)) })
    }

    fn approve(&self, claim: Claim, record: Record) -> Pending<'_, Approved> {
        Box::pin(async move { transact!(self, "approve", |tx| approve(tx, &claim, &record)) })
    }

    fn approvals(&self, at: i64) -> Pending<'_, Vec<Approval>> {
        Box::pin(async move { look!(self, "approvals", |tx| waiting(tx, at)) })
    }

    fn claim(&self, claim: Claim, record: Record) -> Pending<'_, bool> {
        Box::pin(async move { transact!(self, "claim", |tx| claimed(tx, &claim, &record)) })
    }

    fn erase_approved(
        &self,
        claim: Claim,
        subject: Iin,
        before: i64,
        record: Record,
    ) -> Pending<'_, Option<Erased>> {
        Box::pin(async move {
            transact!(self, "erase_approved", |tx| erase_approved(tx, &claim, &subject, before, &record))
        })
    }
}

async fn first_of_all(tx: &mut Tx<'_>, first: &Item, record: &Record) -> Result<bool, StoreError> {
    registration::hold(tx).await?;
    let known = "SELECT 1 FROM registered WHERE kind = $1 LIMIT 1";
    if tx.exists(known, &[&Kind::Operator.word()]).await? {
        return Ok(false);
    }
    Ok(registration::register(tx, first, 0, record).await?.is_some())
}

async fn claimed(tx: &mut Tx<'_>, claim: &Claim, record: &Record) -> Result<bool, StoreError> {
    let taken = take(tx, claim, record.at).await?;
    if taken {
        journal::append(tx, record).await?;
    }
    Ok(taken)
}

async fn erase_approved(
    tx: &mut Tx<'_>,
    claim: &Claim,
    subject: &Iin,
    before: i64,
    record: &Record,
) -> Result<Option<Erased>, StoreError> {
    if !take(tx, claim, record.at).await? {
        return Ok(None);
    }
    let erased = erase::subject(tx, subject, before, record).await?;
    if erased == Erased::default() {
        // It was carried out, though there was nothing: no subject is named, for none may be known.
        journal::append(tx, record).await?;
    }
    Ok(Some(erased))
}

/// Wrong passwords in a row, and until when the name is locked. The name is held: no two guesses are judged at once.
async fn guarded(tx: &mut Tx<'_>, name: &str) -> Result<(u32, i64), StoreError> {
    let sql = "INSERT INTO operator_guard (name, wrong, until) VALUES ($1, 0, 0)
               ON CONFLICT (name) DO UPDATE SET wrong = operator_guard.wrong RETURNING wrong, until";
    let Some(row) = tx.row(sql, &[&name]).await? else { return Ok((0, 0)) };
    Ok((small(&row, 0, "operator_guard.wrong")?, get(&row, 1)?))
}

async fn locked(tx: &mut Tx<'_>, name: &str, record: &Record) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT until FROM operator_guard WHERE name = $1 AND until > $2";
    let Some(until) = tx.number(sql, &[&name, &record.at]).await? else { return Ok(None) };
    journal::append(tx, &Record { outcome: "locked".to_owned(), ..record.clone() }).await?;
    Ok(Some(until))
}

async fn log_in(tx: &mut Tx<'_>, name: &str, right: bool, record: &Record) -> Result<Verdict, StoreError> {
    let (wrong, _) = guarded(tx, name).await?;
    if let Some(until) = locked(tx, name, record).await? {
        return Ok(Verdict::Locked(until));
    }
    let tell = |outcome: &str| Record { outcome: outcome.to_owned(), ..record.clone() };
    if right {
        unlock(tx, name).await?;
        if wrong > 0 {
            let detail = serde_json::json!({ "wrong_before": wrong }).to_string();
            journal::append(tx, &Record { detail, ..tell("right") }).await?;
        }
        return Ok(Verdict::Welcome);
    }
    let wrong = wrong.saturating_add(1);
    let until = lockout(wrong).map_or(0, |span| record.at.saturating_add(span));
    let sql = "UPDATE operator_guard SET wrong = $2, until = $3 WHERE name = $1";
    tx.execute(sql, &[&name, &i64::from(wrong), &until]).await?;
    journal::append(tx, &tell(if until > 0 { "wrong, locked" } else { "wrong" })).await?;
    Ok(Verdict::Wrong)
}

async fn unlock(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM operator_guard WHERE name = $1", &[&name]).await.map(|_| ())
}

async fn keep(tx: &mut Tx<'_>, item: &Item, after: u32, record: &Record) -> Result<Kept, StoreError> {
    // Held before the others are looked at: two officers may dismiss each other at the same time, on two nodes.
    registration::hold(tx).await?;
    let Item::Operator(operator) = item else { return Ok(Kept::Stale) };
    let others = registration::read_sealed::<Operator>(tx, Kind::Operator).await?;
    let mut others = others.iter().map(|(_, other)| other).filter(|other| other.name != operator.name);
    if !operator.is_officer() && !others.any(Operator::is_officer) {
        return Ok(Kept::LastOfficer);
    }
    let kept = registration::register(tx, item, after, record).await?;
    Ok(kept.map_or(Kept::Stale, Kept::Revision))
}
