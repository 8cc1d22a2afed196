//! Accesses to a subject's data and asks for them (`KDP_PERSONALDATA`).

use super::row::{self, get};
use super::subject;
use super::transaction::Tx;
use crate::consent::identity::Iin;
use crate::store::{Access, Check, StoreError};
use std::cmp::Reverse;
use std::collections::HashMap;

pub async fn list(
    tx: &mut Tx<'_>,
    iin: &Iin,
    (from, to): (i64, i64),
    most: u32,
) -> Result<Vec<Access>, StoreError> {
    let hash = row::subject_hash(tx.seal, iin);
    let Some(subject) = subject::find(tx, &hash).await? else { return Ok(Vec::new()) };
    let asks = "subject = $1 AND opened BETWEEN $2 AND $3 AND person IS NOT NULL ORDER BY seq DESC LIMIT $4";
    let found = row::select(tx, asks, &[&subject, &from, &to, &i64::from(most)]).await?;
    let mut accesses: Vec<Access> = Vec::with_capacity(found.len());
    let mut known = HashMap::with_capacity(found.len());
    for stored in found {
        known.insert(stored.seq, stored.request.clone());
        accesses.push(Access { at: stored.request.opened, check: None, request: stored.request });
    }
    let checks = "SELECT request, at, owner, service, status FROM access
                  WHERE subject = $1 AND at BETWEEN $2 AND $3 ORDER BY seq DESC LIMIT $4";
    let checks = tx.rows(checks, &[&subject, &from, &to, &i64::from(most)]).await?;
    // Requests of before the time that is looked at, all by one question: a server is asked over a wire.
    let mut others = checks.iter().map(|check| get(check, 0)).collect::<Result<Vec<i64>, _>>()?;
    others.retain(|request| !known.contains_key(request));
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        let others = row::select(tx, "seq = ANY($1) AND person IS NOT NULL", &[&others]).await?;
        known.extend(others.into_iter().map(|stored| (stored.seq, stored.request)));
    }
    for check in &checks {
        if let Some(request) = known.get(&get::<i64>(check, 0)?) {
            let told = Check { owner: get(check, 2)?, service: get(check, 3)?, status: get(check, 4)? };
            accesses.push(Access { at: get(check, 1)?, check: Some(told), request: request.clone() });
        }
    }
    accesses.sort_by_key(|access| Reverse(access.at));
    accesses.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(accesses)
}
