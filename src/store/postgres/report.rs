//! What commands and the authorised body read: the decisions about an initiator, and figures of a period.

use super::row::{self, bytes_or_none, get, small};
use super::transaction::Tx;
use crate::random::Id;
use crate::store::StoreError;
use crate::store::register::{Decided, Figures};
use crate::store::report::{Tally, granted};
use tokio_postgres::Row;

pub async fn decided(tx: &mut Tx<'_>, sender: &str, since: i64) -> Result<Vec<Decided>, StoreError> {
    let sql = "SELECT at, decision, outcome, request FROM journal
               WHERE at >= $1 AND sender = $2 AND decision IS NOT NULL AND kind IN ('decision', 'event', 'dry-run')
               ORDER BY at, node, seq";
    let mut all = Vec::new();
    for row in tx.rows(sql, &[&since, &sender]).await? {
        let request = match bytes_or_none::<16>(&row, 3, "journal.request")? {
            Some(id) => row::find(tx, "id = $1", &&id[..]).await?.map(granted),
            None => None,
        };
        let decision = bytes_or_none(&row, 1, "journal.decision")?.map(Id::from_bytes);
        all.push(Decided { at: get(&row, 0)?, decision, outcome: get(&row, 2)?, request });
    }
    Ok(all)
}

pub async fn figures(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Figures>, StoreError> {
    let mut all = Tally::default();
    let requests =
        "SELECT bin, method, opened, consent, issued FROM access_request WHERE opened >= $1 AND opened < $2";
    for row in tx.rows(requests, &[&from, &to]).await? {
        let method = small(&row, 1, "access_request.method")?;
        all.request(get(&row, 0)?, method, get(&row, 2)?, (get(&row, 3)?, get(&row, 4)?))?;
    }
    let outcomes = "SELECT coalesce((SELECT CAST(record AS JSONB) ->> 'bin' FROM registered
                        WHERE kind = 'sender' AND id = j.sender ORDER BY revision DESC LIMIT 1), '') AS bin, outcome,
                        sum(j.count)::BIGINT
                    FROM (SELECT sender, outcome, count(*) AS count FROM journal
                        WHERE at >= $1 AND at < $2 AND kind = 'decision' GROUP BY sender, outcome) AS j
                    GROUP BY 1, 2 ORDER BY 1, outcome COLLATE \"C\"";
    for row in tx.rows(outcomes, &[&from, &to]).await? {
        all.outcome(get(&row, 0)?, get(&row, 1)?, count(&row, 2)?);
    }
    let revocations =
        "SELECT bin, CASE WHEN state = 'open' AND ends <= $2 THEN 'lapsed' ELSE state END, count(*)
                       FROM revocation WHERE filed >= $1 AND filed < $2 GROUP BY 1, 2";
    for row in tx.rows(revocations, &[&from, &to]).await? {
        all.revocations(get(&row, 0)?, get(&row, 1)?, count(&row, 2)?);
    }
    let checks = "SELECT r.bin, count(*) FROM access AS a JOIN access_request AS r ON r.seq = a.request
                  WHERE a.at >= $1 AND a.at < $2 GROUP BY 1";
    for row in tx.rows(checks, &[&from, &to]).await? {
        all.checks(get(&row, 0)?, count(&row, 1)?);
    }
    Ok(all.figures())
}

fn count(row: &Row, column: usize) -> Result<u64, StoreError> {
    small(row, column, "count")
}
