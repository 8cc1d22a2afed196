//! Terms of integration applications and incidents, computed anew after the calendar changed (I-9, P 5-8). A term that an
//! act shortens still lasts to the end of the day on which it was loaded.

use super::StoreError;
use super::register::{Item, Moved};
use crate::consent::calendar::{Calendar, FirstDay};
use crate::consent::revocation::{date, midnight};
use crate::incident::Incident;
use crate::onboarding::{Application, Event, REVIEW_DAYS};
use time::Date;

/// An item whose term moved, the revision that it follows, and how it moved.
pub type Redated = (Item, u32, Moved);

/// Those whose terms move at `at`, Unix milliseconds, of the last revisions of all.
pub fn redated(
    applications: Vec<(u32, Application)>,
    incidents: Vec<(u32, Incident)>,
    (calendar, first): (&Calendar, FirstDay),
    at: i64,
) -> Result<Vec<Redated>, StoreError> {
    let today = date(at).ok_or(StoreError::Unreadable("journal.at"))?;
    let mut moved = Vec::new();
    for (revision, application) in applications {
        let Some((since, before)) = application.review_since().zip(application.due()) else { continue };
        let due = date(since).and_then(|from| calendar.due(from, REVIEW_DAYS, first, None));
        let Some(after) = moves(before, due.map(|due| due.due), today) else { continue };
        let id = application.id().to_owned();
        let Ok(redated) = application.apply(Event::Redate { due: after }, at) else { continue };
        let change = Moved { application: id, before, after };
        moved.push((Item::Application(Box::new(redated)), revision, change));
    }
    for (revision, incident) in incidents {
        let Some(before) = incident.due().and_then(|end| date(end - 1)) else { continue };
        let due = Incident::notice_until(calendar, incident.detected_at).and_then(|end| date(end - 1));
        let Some(after) = moves(before, due, today) else { continue };
        let end = after.next_day().and_then(midnight).ok_or(StoreError::Unreadable("registered.record"))?;
        let change = Moved { application: incident.id.clone(), before, after };
        moved.push((Item::Incident(Incident { notice_until: end, ..incident }), revision, change));
    }
    Ok(moved)
}

/// The new last day of a term that has not ended, if it is another one.
fn moves(before: Date, after: Option<Date>, today: Date) -> Option<Date> {
    let after = after?.max(today);
    (before >= today && after != before).then_some(after)
}

/// What the journal says of it.
pub fn outcome(moved: &Moved) -> String {
    format!("deadline of {} moved from {} to {}", moved.application, moved.before, moved.after)
}
