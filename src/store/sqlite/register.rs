//! The verbs on what is registered, and those of supervisors.

use super::{SqliteStore, erase, registration, report, subject, token};
use crate::consent::calendar::DayRow;
use crate::consent::identity::{Bin, Iin};
use crate::registry::Registry;
use crate::store::register::{Decided, Erased, Figures, Hold, Item, Kind, Moved, Register, Revision};
use crate::store::{Pending, Record};
use crate::token::key::KeyRecord;
use rusqlite::Connection;

impl Register for SqliteStore {
    fn registry(&self) -> Pending<'_, Registry> {
        Box::pin(self.read(registration::registry))
    }

    fn registry_version(&self) -> Pending<'_, i64> {
        Box::pin(self.read(|connection, _| registration::version(connection)))
    }

    fn register(&self, item: Item, after: u32, record: Record) -> Pending<'_, Option<u32>> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| registration::register(c, &*seal, &item, after, &record)))
    }

    fn history(&self, kind: Kind, id: String) -> Pending<'_, Vec<Revision>> {
        Box::pin(self.read(move |connection, seal| registration::history(connection, seal, kind, &id)))
    }

    fn latest(&self, kind: Kind) -> Pending<'_, Vec<Revision>> {
        Box::pin(self.read(move |connection, seal| registration::latest(connection, seal, kind)))
    }

    fn keep_keys(&self, keys: Vec<KeyRecord>, record: Record) -> Pending<'_, ()> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| registration::keys(c, &*seal, &keys, &record)))
    }

    fn load_calendar(&self, days: Vec<DayRow>, record: Record) -> Pending<'_, Vec<Moved>> {
        let (seal, spans, rule) = (self.seal.clone(), self.spans, self.rule);
        Box::pin(
            self.writer
                .write(move |c| registration::load_calendar(c, &*seal, &days, (rule, &spans), &record)),
        )
    }

    fn recount(&self, record: Record) -> Pending<'_, Vec<Moved>> {
        let (seal, spans, rule) = (self.seal.clone(), self.spans, self.rule);
        Box::pin(self.writer.write(move |c| registration::recount(c, &*seal, (rule, &spans), &record)))
    }

    fn restate(&self, bin: Bin, after: i64, most: u32, at: i64) -> Pending<'_, Option<i64>> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| token::restate_bin(c, &*seal, bin.as_str(), (after, most), at)))
    }

    fn hold(&self, subject: Iin, hold: Hold, on: bool, record: Record) -> Pending<'_, bool> {
        let seal = self.seal.clone();
        Box::pin(self.writer.write(move |c| subject::hold(c, &*seal, &subject, hold, on, &record)))
    }

    fn erase(&self, subject: Iin, before: i64, record: Record) -> Pending<'_, Erased> {
        let seal = self.seal.clone();
        Box::pin(async move {
            let erase = move |c: &Connection| erase::subject(c, &*seal, &subject, before, &record);
            let erased = self.writer.write(erase).await?;
            self.forget().await;
            Ok(erased)
        })
    }

    fn decided(&self, sender: String, since: i64) -> Pending<'_, Vec<Decided>> {
        Box::pin(self.read(move |connection, seal| report::decided(connection, seal, &sender, since)))
    }

    fn figures(&self, from: i64, to: i64) -> Pending<'_, Vec<Figures>> {
        Box::pin(self.read(move |connection, _| report::figures(connection, from, to)))
    }
}
