//! What commands and the authorised body read: the decisions about an initiator, and figures of a period. Of the journal
//! also what came from other nodes.

use super::row;
use super::writer::failed;
use crate::random::Id;
use crate::store::StoreError;
use crate::store::register::{Decided, Figures};
use crate::store::report::{Tally, granted};
use crate::store::seal::Seal;
use rusqlite::{Connection, params};

/// The first journal record at `since` or later: records stand in order of time, so that halving finds it.
fn journal_from(connection: &Connection, since: i64) -> Result<i64, StoreError> {
    let last: i64 = connection
        .query_row("SELECT coalesce(max(seq), 0) FROM journal", [], |row| row.get(0))
        .map_err(failed)?;
    let (mut low, mut high) = (0, last + 1);
    let mut at = connection
        .prepare_cached("SELECT at FROM journal WHERE seq >= ?1 ORDER BY seq LIMIT 1")
        .map_err(failed)?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: i64 = at.query_row([middle], |row| row.get(0)).unwrap_or(i64::MAX);
        if found < since { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

pub fn decided(
    connection: &Connection,
    seal: &dyn Seal,
    sender: &str,
    since: i64,
) -> Result<Vec<Decided>, StoreError> {
    let start = journal_from(connection, since)?;
    let mut statement = connection
        .prepare_cached(
            "SELECT at, decision, outcome, request, '', seq FROM journal
             WHERE seq >= ?1 AND sender = ?2 AND decision IS NOT NULL AND kind IN ('decision', 'event', 'dry-run')
             UNION ALL SELECT at, decision, outcome, request, node, seq FROM journal_of_node
             WHERE at >= ?3 AND sender = ?2 AND decision IS NOT NULL AND kind IN ('decision', 'event', 'dry-run')
             ORDER BY 1, 5, 6",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![start, sender, since], |row| {
            let decision: Option<[u8; 16]> = row.get(1)?;
            let request: Option<[u8; 16]> = row.get(3)?;
            Ok((row.get::<_, i64>(0)?, decision, row.get::<_, String>(2)?, request))
        })
        .map_err(failed)?;
    rows.map(|row| {
        let (at, decision, outcome, request) = row.map_err(failed)?;
        let request = match request {
            Some(id) => row::find(connection, seal, "id = ?1", id)?.map(granted),
            None => None,
        };
        Ok(Decided { at, decision: decision.map(Id::from_bytes), outcome, request })
    })
    .collect()
}

pub fn figures(connection: &Connection, from: i64, to: i64) -> Result<Vec<Figures>, StoreError> {
    // One read transaction: the figures of one moment.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let mut all = Tally::default();
    requests(&snapshot, (from, to), &mut all)?;
    outcomes(&snapshot, (from, to), &mut all)?;
    revocations(&snapshot, (from, to), &mut all)?;
    checks(&snapshot, (from, to), &mut all)?;
    Ok(all.figures())
}

fn requests(connection: &Connection, (from, to): (i64, i64), all: &mut Tally) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT bin, method, opened, consent, issued FROM access_request
             WHERE opened >= ?1 AND opened < ?2",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![from, to], |row| {
            let (bin, method): (String, u8) = (row.get(0)?, row.get(1)?);
            let (opened, consent): (i64, String) = (row.get(2)?, row.get(3)?);
            Ok((bin, method, opened, consent, row.get::<_, Option<i64>>(4)?))
        })
        .map_err(failed)?;
    for row in rows {
        let (bin, method, opened, consent, issued) = row.map_err(failed)?;
        all.request(bin, method, opened, (&consent, issued))?;
    }
    Ok(())
}

fn outcomes(connection: &Connection, (from, to): (i64, i64), all: &mut Tally) -> Result<(), StoreError> {
    let start = journal_from(connection, from)?;
    let end = journal_from(connection, to)?;
    let mut statement = connection
        .prepare_cached(
            "SELECT coalesce((SELECT json_extract(record, '$.bin') FROM registered
                 WHERE kind = 'sender' AND id = j.sender ORDER BY revision DESC LIMIT 1), ''), outcome, count(*)
             FROM (SELECT sender, outcome FROM journal WHERE seq >= ?1 AND seq < ?2 AND kind = 'decision'
                 UNION ALL SELECT sender, outcome FROM journal_of_node
                 WHERE at >= ?3 AND at < ?4 AND kind = 'decision') AS j
             GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![start, end, from, to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(failed)?;
    for row in rows {
        let (bin, outcome, count): (String, String, u64) = row.map_err(failed)?;
        all.outcome(bin, outcome, count);
    }
    Ok(())
}

fn revocations(connection: &Connection, (from, to): (i64, i64), all: &mut Tally) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT bin, CASE WHEN state = 'open' AND ends <= ?3 THEN 'lapsed' ELSE state END, count(*)
             FROM revocation WHERE filed >= ?1 AND filed < ?2 GROUP BY 1, 2",
        )
        .map_err(failed)?;
    let rows = statement
        .query_map(params![from, to, to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .map_err(failed)?;
    for row in rows {
        let (bin, state, count): (String, String, u64) = row.map_err(failed)?;
        all.revocations(bin, &state, count);
    }
    Ok(())
}

fn checks(connection: &Connection, (from, to): (i64, i64), all: &mut Tally) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT r.bin, count(*) FROM access AS a JOIN access_request AS r ON r.seq = a.request
             WHERE a.at >= ?1 AND a.at < ?2 GROUP BY 1",
        )
        .map_err(failed)?;
    let rows =
        statement.query_map(params![from, to], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    for row in rows {
        let (bin, count): (String, u64) = row.map_err(failed)?;
        all.checks(bin, count);
    }
    Ok(())
}
