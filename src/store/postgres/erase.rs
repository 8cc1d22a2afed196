//! Destruction of what identifies a subject, after its time (P 2); and what else was kept long enough. Counts and
//! journal stay: they carry a number that leads to nobody any more. What the engine keeps of rows that were changed goes
//! with its own vacuum, and from its log with the next cycle of backups.

use super::row::{self, get};
use super::transaction::Tx;
use super::{journal, subject as subjects};
use crate::consent::identity::Iin;
use crate::store::judge::Left;
use crate::store::register::Erased;
use crate::store::{Record, StoreError, Sweeping};

/// Most rows of a kind that one piece of work touches: others wait for some of them.
const MOST: i64 = 500;
const MANY: u64 = MOST.unsigned_abs();

/// Days that heard SMS, messageIds of strict senders and answered messages of `AsyncChannel` are remembered, milliseconds.
const REMEMBERED: i64 = 7 * 86_400_000;

const ERASE: &str = "keeps = 0, person = NULL, token = NULL, phone = NULL";

/// Erases one subject's requests that ended before `before`.
pub async fn subject(tx: &mut Tx<'_>, iin: &Iin, before: i64, record: &Record) -> Result<Erased, StoreError> {
    let hash = row::subject_hash(tx.seal, iin);
    let Some(id) = subjects::find(tx, &hash).await? else { return Ok(Erased::default()) };
    subjects::hold_number(tx, id).await?;
    let before = before.min(record.at);
    let sql =
        "UPDATE revocation SET person = NULL WHERE subject = $1 AND person IS NOT NULL AND state <> 'open'
               AND request IN (SELECT seq FROM access_request WHERE subject = $1 AND ended < $2)";
    let applications = tx.execute(sql, &[&id, &before]).await?;
    let sql = format!(
        "UPDATE access_request SET {ERASE} WHERE subject = $1 AND keeps > 0 AND ended < $2
         AND NOT EXISTS (SELECT 1 FROM revocation WHERE request = access_request.seq AND state = 'open')"
    );
    let requests = tx.execute(&sql, &[&id, &before]).await?;
    let sql = "SELECT count(*), max(ended) FROM access_request WHERE subject = $1 AND keeps > 0";
    let (kept, kept_until) = match tx.row(sql, &[&id]).await? {
        Some(row) => (row::small(&row, 0, "access_request.keeps")?, get(&row, 1)?),
        None => (0, None),
    };
    // The journal tells of the erasure under the number; then nothing leads to it.
    journal::append(tx, &Record { subject: Some(*iin), ..record.clone() }).await?;
    let unlinked = kept == 0 && !is_held(tx, id).await? && !is_bound(tx, id, record.at).await?;
    if unlinked {
        tx.execute("UPDATE subject SET hash = NULL WHERE id = $1", &[&id]).await?;
    }
    let count = |rows: u64| u32::try_from(rows).unwrap_or(u32::MAX);
    Ok(Erased { requests: count(requests), applications: count(applications), kept, kept_until, unlinked })
}

/// A block or freeze must go on finding its subject.
async fn is_held(tx: &mut Tx<'_>, subject: i64) -> Result<bool, StoreError> {
    tx.exists("SELECT 1 FROM hold WHERE subject = $1 AND until IS NULL LIMIT 1", &[&subject]).await
}

/// An ovt of before a revocation, or one that was used, must go on meeting its subject until it has expired.
async fn is_bound(tx: &mut Tx<'_>, subject: i64, at: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM access_request WHERE subject = $1 AND opened > $2
               UNION ALL SELECT 1 FROM withdrawal WHERE subject = $1 AND at > $2 LIMIT 1";
    tx.exists(sql, &[&subject, &(at - REMEMBERED)]).await
}

/// Looks at subjects of whom nothing was recorded since `before`: how many. The links of those of whom nothing is kept or held
/// are destroyed, and counted in `unlinked`; others are put off, so that no night looks at them again but the one that is due.
async fn unlink_due(
    tx: &mut Tx<'_>,
    (before, at): (i64, i64),
    unlinked: &mut u64,
) -> Result<u64, StoreError> {
    let sql = "SELECT id FROM subject WHERE hash IS NOT NULL AND seen < $1 ORDER BY seen LIMIT $2
               FOR UPDATE SKIP LOCKED";
    let mut due: Vec<i64> = Vec::new();
    for row in tx.rows(sql, &[&row::day(before), &MOST]).await? {
        due.push(get(&row, 0)?);
    }
    if due.is_empty() {
        return Ok(0);
    }
    // Read now that they are held: somebody may have asked about one of them in between.
    let sql = "SELECT id, EXISTS (SELECT 1 FROM hold WHERE subject = s.id AND until IS NULL),
                   EXISTS (SELECT 1 FROM access_request WHERE subject = s.id AND keeps > 0 AND ended IS NULL),
                   (SELECT max(ended) FROM access_request WHERE subject = s.id AND keeps > 0)
               FROM subject AS s WHERE id = ANY($1)";
    let mut free: Vec<i64> = Vec::new();
    for row in tx.rows(sql, &[&due]).await? {
        let (id, left): (i64, _) =
            (get(&row, 0)?, Left { held: get(&row, 1)?, open: get(&row, 2)?, ended: get(&row, 3)? });
        match left.put_off(before, at) {
            Some(day) => {
                let sql = "UPDATE subject SET seen = greatest(seen, $2) WHERE id = $1";
                tx.execute(sql, &[&id, &day]).await?;
            }
            None => free.push(id),
        }
    }
    // Unless somebody was seen between the first look and the hold.
    let sql = "UPDATE subject SET hash = NULL WHERE id = ANY($1) AND seen < $2";
    *unlinked = tx.execute(sql, &[&free, &row::day(before)]).await?;
    Ok(due.len() as u64)
}

/// Removes what was kept long enough, at most [`MOST`] rows of a kind; `true`: there may be more.
pub async fn sweep(tx: &mut Tx<'_>, sweeping: &Sweeping, record: &Record) -> Result<bool, StoreError> {
    let persons = erase_due(tx, sweeping.persons_before).await?;
    let phones = forget_phones(tx, sweeping.phones_before).await?;
    let mut links = 0;
    // First all persons that are due, for they keep their subjects' links.
    let looked = if persons >= MANY {
        0
    } else {
        unlink_due(tx, (sweeping.persons_before, record.at), &mut links).await?
    };
    // By their time, so that none which a wrong clock dated ahead stands before others.
    let accesses = delete(tx, "access", "at < $1", sweeping.accesses_before).await?;
    let (day, week) = (row::day(record.at), record.at - REMEMBERED);
    let rest = [
        delete(tx, "ovt_use", "until < $1", record.at / 1000).await?,
        delete(tx, "ovt_limit", "until < $1", record.at / 1000).await?,
        delete(tx, "status_change", "ends < $1", record.at - 86_400_000).await?,
        delete(tx, "heard_sms", "at < $1", week).await?,
        delete(tx, "message", "at < $1", week).await?,
        delete(tx, "budget", "day < $1", day).await?,
        delete(tx, "asynchronous", "since < $1 AND state IN (2, 3)", week).await?,
    ];
    let more = rest.iter().any(|rows| *rows >= MANY) || persons.max(phones).max(looked).max(accesses) >= MANY;
    if persons + phones + links + accesses > 0 {
        let forgotten = if accesses > 0 { format!(", {accesses} accesses") } else { String::new() };
        let outcome = format!("swept {persons} persons, {phones} numbers, {links} links{forgotten}");
        journal::append(tx, &Record { outcome, ..record.clone() }).await?;
    }
    Ok(more)
}

/// Erases the persons of requests that ended before `before`. `keeps > 0` is what its partial index asks for; and one value of
/// `keeps` at a time, in the order of that index, so that no plan, however it is made, reads the table.
async fn erase_due(tx: &mut Tx<'_>, before: i64) -> Result<u64, StoreError> {
    let sql = "SELECT seq FROM access_request WHERE keeps = $3 AND keeps > 0 AND ended < $1
               AND NOT EXISTS (SELECT 1 FROM revocation WHERE request = access_request.seq AND state = 'open')
               ORDER BY ended LIMIT $2 FOR UPDATE SKIP LOCKED";
    let mut due: Vec<i64> = Vec::new();
    for keeps in [2_i64, 1] {
        let left = MOST - i64::try_from(due.len()).unwrap_or(MOST);
        for row in tx.rows(sql, &[&before, &left, &keeps]).await? {
            due.push(get(&row, 0)?);
        }
    }
    if due.is_empty() {
        return Ok(0);
    }
    tx.execute("UPDATE revocation SET person = NULL WHERE request = ANY($1)", &[&due]).await?;
    tx.execute(&format!("UPDATE access_request SET {ERASE} WHERE seq = ANY($1)"), &[&due]).await
}

/// Forgets the numbers of requests that ended before `before`; the person stays.
async fn forget_phones(tx: &mut Tx<'_>, before: i64) -> Result<u64, StoreError> {
    let condition = "keeps = 2 AND keeps > 0 AND ended < $1 LIMIT $2 FOR UPDATE SKIP LOCKED";
    let due = row::select(tx, condition, &[&before, &MOST]).await?;
    for stored in &due {
        let mut request = stored.request.clone();
        request.msisdn = None;
        let sealed = row::Sealed::new(&request, tx.seal, before)?;
        row::update(tx, &sealed, stored.seq).await?;
    }
    Ok(due.len() as u64)
}

/// Deletes at most [`MOST`] rows, the first by what the condition begins with, and so by its index, whatever else a plan might
/// hope for.
async fn delete(tx: &mut Tx<'_>, table: &str, condition: &str, value: i64) -> Result<u64, StoreError> {
    let key = match table {
        "access" | "status_change" | "asynchronous" => "seq",
        "ovt_use" => "until, ovt, subject, services",
        "ovt_limit" => "until, ovt",
        "heard_sms" => "sms",
        "message" => "sender, message_id",
        _ => "holder, day",
    };
    let by = condition.split(' ').next().unwrap_or(condition);
    let sql = format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} ORDER BY {by} LIMIT {MOST})"
    );
    tx.execute(&sql, &[&value]).await
}
