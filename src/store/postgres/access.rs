//! Accesses to a subject's data and asks for them (`KDP_PERSONALDATA`).

use super::row::{self, get};
use super::subject;
use super::transaction::Tx;
use crate::consent::identity::Iin;
use crate::store::{Access, Check, StoreError};
use std::cmp::Reverse;

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
    let ask =
        |stored: row::Stored| Access { at: stored.request.opened, check: None, request: stored.request };
    let mut accesses: Vec<Access> = found.into_iter().map(ask).collect();
    let checks = "SELECT request, at, owner, service, status FROM access
                  WHERE subject = $1 AND at BETWEEN $2 AND $3 ORDER BY seq DESC LIMIT $4";
    for access in tx.rows(checks, &[&subject, &from, &to, &i64::from(most)]).await? {
        let check = Check { owner: get(&access, 2)?, service: get(&access, 3)?, status: get(&access, 4)? };
        if let Some(stored) = row::find(tx, "seq = $1", &get::<i64>(&access, 0)?).await? {
            accesses.push(Access { at: get(&access, 1)?, check: Some(check), request: stored.request });
        }
    }
    accesses.sort_by_key(|access| Reverse(access.at));
    accesses.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(accesses)
}
