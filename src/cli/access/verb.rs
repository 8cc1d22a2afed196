//! What can be done in an installation that was entered: what changes something takes a [`Deed`].

use super::Access;
use crate::cli::{Failure, Outcome, Result};
use kdp::consent::identity::Bin;
use kdp::explain::Rehearsal;
use kdp::operator::{Name, Operator};
use kdp::random::Id;
use kdp::registry::Registry;
use kdp::store::journal::Journal;
use kdp::store::operator::{Approval, Kept};
use kdp::store::register::{Decided, Figures, Item, Kind, Revision};
use kdp::store::{Pending, Record, Store};
use serde_json::Value;

/// What an operator does, as the journal will have it: there is none without a name and a time.
#[must_use]
pub struct Deed(Record);

impl Deed {
    /// What the journal keeps of it: nothing secret, nothing personal.
    pub fn detail(mut self, detail: &Value) -> Self {
        self.0.detail = detail.to_string();
        self
    }

    /// The sender that it is about.
    pub fn sender(mut self, sender: &str) -> Self {
        sender.clone_into(&mut self.0.sender);
        self
    }

    /// The access request, application, incident or approval that it is about.
    pub fn about(mut self, id: Option<Id>) -> Self {
        self.0.request = id;
        self
    }
}

impl Access {
    /// The beginning of what the journal will say of this command.
    pub fn deed(&self, kind: &'static str, outcome: impl Into<String>) -> Deed {
        Deed(Record {
            at: self.now(),
            kind,
            operator: self.operator.name.to_string(),
            outcome: outcome.into(),
            ..Record::default()
        })
    }

    /// Runs a verb that changes something, with the record that tells of it.
    pub async fn change<'a, T>(
        &'a self,
        deed: Deed,
        verb: impl FnOnce(&'a dyn Store, Record) -> Pending<'a, T>,
    ) -> Result<T> {
        Ok(verb(&*self.opened.store, deed.0).await?)
    }

    /// Journals something that changed nothing else.
    pub async fn note(&self, deed: Deed) -> Result<()> {
        self.change(deed, |store, record| store.note(record)).await
    }

    /// Journals that personal data are looked at, before they are shown: `look` is what is shown.
    pub async fn look(&self, what: &str, id: Option<Id>, shown: Outcome) -> Result {
        self.note(self.deed("look", what).about(id)).await?;
        Ok(shown)
    }

    /// Registers a revision; see [`kdp::store::register::Register::register`].
    pub async fn register(&self, item: Item, after: u32, deed: Deed) -> Result<u32> {
        let stored = self.change(deed, |store, record| store.register(item, after, record)).await?;
        stored.ok_or_else(changed_meanwhile)
    }

    /// Registers a revision of an account; see [`kdp::store::operator::Operators::keep_operator`].
    pub async fn keep(&self, operator: Operator, after: u32, deed: Deed) -> Result<u32> {
        let operator = Box::new(operator);
        match self.change(deed, |store, record| store.keep_operator(operator, after, record)).await? {
            Kept::Revision(revision) => Ok(revision),
            Kept::Stale => Err(changed_meanwhile()),
            Kept::LastOfficer => Err(Failure::refused(
                "operator-last: nobody would be left who can give access: add another security officer first",
            )),
        }
    }

    /// Marks the tokens of a BIN in the status list anew; see [`kdp::store::register::Register::restate`].
    pub async fn restate(&self, bin: Bin, after: i64, most: u32) -> Result<Option<i64>> {
        Ok(self.opened.store.restate(bin, after, most, self.now()).await?)
    }

    /// Ends the lockout of a name; the new password that goes with it is journalled.
    pub async fn unlock(&self, name: &Name) -> Result<()> {
        Ok(self.opened.store.unlock(name.clone()).await?)
    }

    /// What is registered.
    pub async fn registry(&self) -> Result<Registry> {
        Ok(self.opened.store.registry().await?)
    }

    /// All revisions of one thing.
    pub async fn history(&self, kind: Kind, id: &str) -> Result<Vec<Revision>> {
        Ok(self.opened.store.history(kind, id.to_owned()).await?)
    }

    /// The last revisions of a kind.
    pub async fn latest(&self, kind: Kind) -> Result<Vec<Revision>> {
        Ok(self.opened.store.latest(kind).await?)
    }

    /// Decisions about a sender since a time.
    pub async fn decided(&self, sender: &str, since: i64) -> Result<Vec<Decided>> {
        Ok(self.opened.store.decided(sender.to_owned(), since).await?)
    }

    /// Figures of a period.
    pub async fn figures(&self, from: i64, to: i64) -> Result<Vec<Figures>> {
        Ok(self.opened.store.figures(from, to).await?)
    }

    /// The service at `at` (Unix milliseconds), of which nothing is kept.
    pub async fn rehearse(&self, at: i64) -> Result<Rehearsal> {
        Ok(Rehearsal::open(self.config.clone(), self.opened.seal.clone(), at).await?)
    }

    /// The journal, to be read.
    pub fn journal(&self) -> &dyn Journal {
        &*self.opened.store
    }

    /// What waits for a second person, or to be carried out.
    pub async fn approvals(&self) -> Result<Vec<Approval>> {
        Ok(self.opened.store.approvals(self.now()).await?)
    }
}

fn changed_meanwhile() -> Failure {
    Failure::refused("somebody else changed this registration: look and repeat")
}
