//! Terms of integration applications and incidents, computed anew after the calendar changed (I-9, P 5-8). A term that an
//! act shortens still lasts to the end of the day on which it was loaded.

use super::registration;
use crate::consent::calendar::{Calendar, FirstDay};
use crate::consent::revocation::{date, midnight};
use crate::incident::Incident;
use crate::onboarding::{Application, Event, REVIEW_DAYS};
use crate::store::register::{Item, Kind, Moved};
use crate::store::seal::Seal;
use crate::store::{Record, StoreError};
use rusqlite::Connection;
use time::Date;

pub fn all(
    connection: &Connection,
    seal: &dyn Seal,
    calendar: &Calendar,
    first: FirstDay,
    record: &Record,
) -> Result<Vec<Moved>, StoreError> {
    let today = date(record.at).ok_or(StoreError::Unreadable("journal.at"))?;
    let mut moved = Vec::new();
    for (revision, application) in
        registration::read_sealed::<Application>(connection, seal, Kind::Application)?
    {
        let Some((since, before)) = application.review_since().zip(application.due()) else { continue };
        let due = date(since).and_then(|from| calendar.due(from, REVIEW_DAYS, first, None));
        let Some(after) = moves(before, due.map(|due| due.due), today) else { continue };
        let id = application.id().to_owned();
        let redated = application.apply(Event::Redate { due: after }, record.at);
        let Ok(redated) = redated else { continue };
        let item = Item::Application(Box::new(redated));
        let change = Moved { application: id, before, after };
        moved.push(register(connection, seal, &item, revision, change, record)?);
    }
    for (revision, incident) in registration::read_sealed::<Incident>(connection, seal, Kind::Incident)? {
        let Some(before) = incident.due().and_then(|end| date(end - 1)) else { continue };
        let due = Incident::notice_until(calendar, incident.detected_at).and_then(|end| date(end - 1));
        let Some(after) = moves(before, due, today) else { continue };
        let end = after.next_day().and_then(midnight).ok_or(StoreError::Unreadable("registered.record"))?;
        let change = Moved { application: incident.id.clone(), before, after };
        let item = Item::Incident(Incident { notice_until: end, ..incident });
        moved.push(register(connection, seal, &item, revision, change, record)?);
    }
    Ok(moved)
}

/// The new last day of a term that has not ended, if it is another one.
fn moves(before: Date, after: Option<Date>, today: Date) -> Option<Date> {
    let after = after?.max(today);
    (before >= today && after != before).then_some(after)
}

fn register(
    connection: &Connection,
    seal: &dyn Seal,
    item: &Item,
    revision: u32,
    moved: Moved,
    record: &Record,
) -> Result<Moved, StoreError> {
    let outcome = format!("deadline of {} moved from {} to {}", moved.application, moved.before, moved.after);
    let record = Record { outcome, ..record.clone() };
    registration::register(connection, seal, item, revision, &record)?;
    Ok(moved)
}
