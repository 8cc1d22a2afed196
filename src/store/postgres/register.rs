//! The verbs on what is registered, and those of supervisors.

use super::transaction::{look, transact};
use super::{PostgresStore, erase, registration, report, subject, token};
use crate::consent::calendar::DayRow;
use crate::consent::identity::{Bin, Iin};
use crate::registry::Registry;
use crate::store::register::{Decided, Erased, Figures, Hold, Item, Kind, Moved, Register, Revision};
use crate::store::{Pending, Record};
use crate::token::key::KeyRecord;

impl Register for PostgresStore {
    fn registry(&self) -> Pending<'_, Registry> {
        Box::pin(async move { look!(self, "registry", |tx| registration::registry(tx)) })
    }

    fn registry_version(&self) -> Pending<'_, i64> {
        Box::pin(async move { look!(self, "registry_version", |tx| registration::version(tx)) })
    }

    fn register(&self, item: Item, after: u32, record: Record) -> Pending<'_, Option<u32>> {
        Box::pin(async move {
            transact!(self, "register", |tx| registration::register(tx, &item, after, &record))
        })
    }

    fn history(&self, kind: Kind, id: String) -> Pending<'_, Vec<Revision>> {
        Box::pin(async move { look!(self, "history", |tx| registration::history(tx, kind, &id)) })
    }

    fn latest(&self, kind: Kind) -> Pending<'_, Vec<Revision>> {
        Box::pin(async move { look!(self, "latest", |tx| registration::latest(tx, kind)) })
    }

    fn keep_keys(&self, keys: Vec<KeyRecord>, record: Record) -> Pending<'_, ()> {
        Box::pin(async move { transact!(self, "keep_keys", |tx| registration::keys(tx, &keys, &record)) })
    }

    fn load_calendar(&self, days: Vec<DayRow>, record: Record) -> Pending<'_, Vec<Moved>> {
        let rules = (self.rule, &self.spans);
        Box::pin(async move {
            transact!(self, "load_calendar", |tx| registration::load_calendar(tx, &days, rules, &record))
        })
    }

    fn recount(&self, record: Record) -> Pending<'_, Vec<Moved>> {
        let rules = (self.rule, &self.spans);
        Box::pin(async move { transact!(self, "recount", |tx| registration::recount(tx, rules, &record)) })
    }

    fn restate(&self, bin: Bin, after: i64, most: u32, at: i64) -> Pending<'_, Option<i64>> {
        Box::pin(async move {
            transact!(self, "restate", |tx| token::restate_bin(tx, bin.as_str(), (after, most), at))
        })
    }

    fn hold(&self, subject: Iin, hold: Hold, on: bool, record: Record) -> Pending<'_, bool> {
        Box::pin(async move { transact!(self, "hold", |tx| subject::hold(tx, &subject, hold, on, &record)) })
    }

    fn erase(&self, subject: Iin, before: i64, record: Record) -> Pending<'_, Erased> {
        Box::pin(async move { transact!(self, "erase", |tx| erase::subject(tx, &subject, before, &record)) })
    }

    fn decided(&self, sender: String, since: i64) -> Pending<'_, Vec<Decided>> {
        Box::pin(async move { look!(self, "decided", |tx| report::decided(tx, &sender, since)) })
    }

    fn figures(&self, from: i64, to: i64) -> Pending<'_, Vec<Figures>> {
        Box::pin(async move { look!(self, "figures", |tx| report::figures(tx, from, to)) })
    }
}
