//! What registrars and supervisors do: holds, suspensions, new revisions, acts (criteria 7 and 10).

use super::super::bench::iin;
use super::ledger::{Basis, Span, date};
use super::service::{ENTRY, GROUND, INITIATORS, PROACTIVE};
use super::story::Story;
use kdp::consent::calendar::{DayRow, Nature};
use kdp::consent::directory::DirectoryEntry;
use kdp::consent::standing;
use kdp::registry::Suspension;
use kdp::store::Record;
use kdp::store::register::{Hold, Item};
use std::collections::BTreeSet;

impl Story {
    pub async fn hold(&mut self, subject: u64, block: bool, on: bool) {
        let now = self.now();
        let kind = if block { Hold::Block } else { Hold::Freeze };
        let record = Record { at: now, kind: "registration", ..Record::default() };
        let changed = self.service.store().hold(iin(subject), kind, on, record).await.unwrap();
        let ledger = &mut self.ledger;
        let expected = if block {
            let spans = ledger.blocks.entry(subject).or_default();
            switch(spans, on, now)
        } else if on {
            ledger.frozen.insert(subject)
        } else {
            ledger.frozen.remove(&subject)
        };
        assert_eq!(changed, expected);
    }

    /// As the registrar's command does it.
    pub async fn suspend(&mut self, initiator: usize, on: bool) {
        let (now, store) = (self.now(), self.service.store().clone());
        if !switch(self.ledger.suspensions.entry(initiator).or_default(), on, now) {
            return;
        }
        let known = store.registry().await.unwrap().senders[INITIATORS[initiator]].clone();
        let mut sender = known.record.clone();
        sender.suspensions = self.ledger.suspensions[&initiator]
            .iter()
            .map(|(from, until)| Suspension {
                span: standing::Span { from: *from, until: *until },
                reason: "проверка".to_owned(),
            })
            .collect();
        let record = Record { at: now, kind: "registration", ..Record::default() };
        store.register(Item::Sender(Box::new(sender)), known.revision, record).await.unwrap().unwrap();
        let mut after = 0;
        while let Some(last) = store.restate(known.bin, after, 2, now).await.unwrap() {
            after = last;
        }
    }

    /// A new revision of a basis, which ends it so many seconds from now, or never.
    pub async fn end(&mut self, basis: Basis, after: Option<i64>) {
        let (now, store) = (self.now(), self.service.store().clone());
        let end = after.map(|seconds| now / 1000 + seconds);
        let registry = store.registry().await.unwrap();
        let (item, last) = match basis {
            Basis::Entry => {
                let entry = registry.entries[ENTRY].clone();
                (Item::Entry(DirectoryEntry { expires_at: end, ..entry.clone() }), entry.revision)
            }
            Basis::Ground => {
                let mut ground = registry.grounds[GROUND].clone();
                ground.expires_at = end;
                (Item::Ground(ground.clone()), ground.revision)
            }
            Basis::Proactive => {
                let mut service = registry.proactive[PROACTIVE].clone();
                service.expires_at = end;
                (Item::Proactive(service.clone()), service.revision)
            }
        };
        let record = Record { at: now, kind: "registration", ..Record::default() };
        store.register(item, last, record).await.unwrap().unwrap();
        match end {
            Some(end) => self.ledger.ends.insert(basis, end),
            None => self.ledger.ends.remove(&basis),
        };
    }

    pub async fn act(&mut self, days: &[i64], works: bool) {
        let now = self.now();
        let days: BTreeSet<_> = days.iter().map(|n| date(now) + time::Duration::days(*n)).collect();
        let text = || "О переносе дней отдыха".to_owned();
        let nature = if works { Nature::Work } else { Nature::Off };
        let row = |day: &time::Date| DayRow {
            date: *day,
            nature,
            kk: text(),
            ru: text(),
            en: text(),
            act: text(),
            published: date(now),
        };
        let rows = days.iter().map(row).collect();
        let record = Record { at: now, kind: "registration", ..Record::default() };
        let moved = self.service.store().load_calendar(rows, record).await.unwrap();
        let before: Vec<time::Date> = self.ledger.applications.iter().map(|a| a.deadline).collect();
        for day in days {
            self.ledger.days.load(day, works);
        }
        self.ledger.redate(now);
        let after = self.ledger.applications.iter().zip(before);
        let expected: Vec<_> = after
            .filter(|(application, before)| application.deadline != *before)
            .map(|(application, before)| (application.id.clone(), before, application.deadline))
            .collect();
        let moved: Vec<_> = moved.into_iter().map(|m| (m.application, m.before, m.after)).collect();
        assert_eq!(moved, expected, "the terms that the act moves");
    }
}

/// Begins or ends the last span; `false`: it was so already.
fn switch(spans: &mut Vec<Span>, on: bool, now: i64) -> bool {
    match spans.last_mut().filter(|(_, until)| until.is_none()) {
        None if on => spans.push((now, None)),
        Some(open) if !on => open.1 = Some(now),
        _ => return false,
    }
    true
}
