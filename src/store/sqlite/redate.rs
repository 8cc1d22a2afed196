//! Registers terms that moved.

use super::registration;
use crate::consent::calendar::{Calendar, FirstDay};
use crate::store::redate::{outcome, redated};
use crate::store::register::{Kind, Moved};
use crate::store::seal::Seal;
use crate::store::{Record, StoreError};
use rusqlite::Connection;

pub fn all(
    connection: &Connection,
    seal: &dyn Seal,
    calendar: &Calendar,
    first: FirstDay,
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let applications = registration::read_sealed(connection, seal, Kind::Application)?;
    let incidents = registration::read_sealed(connection, seal, Kind::Incident)?;
    let mut all = Vec::new();
    for (item, revision, moved) in redated(applications, incidents, (calendar, first), record.at)? {
        let record = Record { outcome: outcome(&moved), ..record.clone() };
        registration::register(connection, seal, &item, revision, &record)?;
        all.push(moved);
    }
    Ok(all)
}
