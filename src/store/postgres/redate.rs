//! Registers terms that moved.

use super::registration;
use super::transaction::Tx;
use crate::consent::calendar::{Calendar, FirstDay};
use crate::store::redate::{outcome, redated};
use crate::store::register::{Kind, Moved};
use crate::store::{Record, StoreError};

pub async fn all(
    tx: &mut Tx<'_>,
    calendar: &Calendar,
    first: FirstDay,
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let applications = registration::read_sealed(tx, Kind::Application).await?;
    let incidents = registration::read_sealed(tx, Kind::Incident).await?;
    let mut all = Vec::new();
    for (item, revision, moved) in redated(applications, incidents, (calendar, first), record.at)? {
        let record = Record { outcome: outcome(&moved), ..record.clone() };
        registration::register(tx, &item, revision, &record).await?;
        all.push(moved);
    }
    Ok(all)
}
