//! Accesses to a subject's data and asks for them (`KDP_PERSONALDATA`).

use super::row;
use super::subject;
use super::writer::failed;
use crate::consent::identity::Iin;
use crate::store::seal::Seal;
use crate::store::{Access, Check, StoreError};
use rusqlite::{Connection, params};
use std::cmp::Reverse;

pub fn list(
    connection: &Connection,
    seal: &dyn Seal,
    iin: &Iin,
    (from, to): (i64, i64),
    most: u32,
) -> Result<Vec<Access>, StoreError> {
    // One read transaction: an access and its request belong together.
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let Some(subject) = subject::find(&snapshot, &row::subject_hash(seal, iin))? else {
        return Ok(Vec::new());
    };
    let mut accesses = Vec::new();
    let asks = format!(
        "SELECT {} FROM access_request WHERE subject = ?1 AND opened BETWEEN ?2 AND ?3 AND person IS NOT NULL
         ORDER BY seq DESC LIMIT ?4",
        row::COLUMNS
    );
    let mut statement = snapshot.prepare_cached(&asks).map_err(failed)?;
    let rows = statement
        .query_map(params![subject, from, to, most], |row| Ok(row::read(row, seal)))
        .map_err(failed)?;
    for stored in rows {
        let request = stored.map_err(failed)??.request;
        accesses.push(Access { at: request.opened, check: None, request });
    }
    let checks = "SELECT request, at, owner, service, status FROM access
        WHERE subject = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY seq DESC LIMIT ?4";
    let mut statement = snapshot.prepare_cached(checks).map_err(failed)?;
    let rows = statement
        .query_map(params![subject, from, to, most], |row| {
            let check = Check { owner: row.get(2)?, service: row.get(3)?, status: row.get(4)? };
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, check))
        })
        .map_err(failed)?;
    for row in rows {
        let (request, at, check) = row.map_err(failed)?;
        if let Some(stored) = row::find(&snapshot, seal, "seq = ?1", request)? {
            accesses.push(Access { at, check: Some(check), request: stored.request });
        }
    }
    accesses.sort_by_key(|access| Reverse(access.at));
    accesses.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(accesses)
}
