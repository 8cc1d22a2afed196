//! The integration application (заявка на интеграцию) from its filing to production (I-5 … I-12).
//!
//! Pure: no input or output, no clock, no store. A state carries what is true in it; [`Application::apply`] consumes
//! the application. Events are data and stay in the record, so that what happened can be read and replayed.

pub mod act;
mod event;
pub mod form;
pub mod preflight;
pub mod refusal;
pub mod rule;
pub mod stage;
mod state;
pub mod testing;
pub mod why;
mod written;

use crate::consent::directory::DirectoryEntry;
use crate::consent::identity::Bin;
use crate::consent::method::Method;
use crate::consent::revocation::midnight;
use act::Filing;
use event::sound;
use form::{Form, MAX_FORM, Purpose};
use preflight::{form_names_person, key_flaw};
use refusal::Refused;
use serde::{Deserialize, Serialize};
use stage::Stage;
use std::collections::BTreeSet;
use time::Date;

pub use event::{Approval, Event, Remark, Step};
pub use state::{Approved, FiledAct, State};

/// The edition of the Integration rules that applications are decided under (rules.md, head).
pub const EDITION: &str = "236/НҚ@2025-05-30";
/// Working days of a review (I-9).
pub const REVIEW_DAYS: u32 = 10;
/// Successful answers with a security token that a testing act needs (I-11).
pub const NEEDED: usize = 10;

/// Events that one application keeps; what ends it, or moves a term, is taken beyond that.
const MAX_HISTORY: usize = 200;
/// Longest PEM text of a key, bytes.
const MAX_KEY: usize = 16 * 1024;

/// An integration application with all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    id: String,
    form: Form,
    state: State,
    keys: Vec<String>,
    history: Vec<Step>,
}

impl Application {
    /// Files a new application under `id`; `due` is the last day of its review, counted by the caller (I-9).
    ///
    /// A form with objections may be filed: it is the reviewer who returns it.
    ///
    /// # Errors
    /// [`Refused::FormTooLarge`], [`Refused::PrivateKey`], [`Refused::PersonNamed`].
    pub fn submit(id: String, form: Form, due: Date, at: i64) -> Result<Self, Refused> {
        is_storable(&form)?;
        let event = Event::Submit { form: form.clone(), due };
        let state = State::Submitted { at, due };
        Ok(Self { id, form, state, keys: Vec::new(), history: vec![Step { at, event }] })
    }

    /// Applies one event at `at` (Unix milliseconds); a clock that went back is taken to stand still.
    ///
    /// # Errors
    /// [`Refused`] when the event does not fit the state or what it brings is not enough.
    pub fn apply(mut self, event: Event, at: i64) -> Result<Self, Refused> {
        let at = self.history.last().map_or(at, |last| at.max(last.at));
        let is_small = matches!(event, Event::Refuse { .. } | Event::Withdraw | Event::Redate { .. });
        if self.stage().has_ended() {
            return Err(Refused::Ended);
        }
        if self.history.len() >= MAX_HISTORY && !is_small {
            return Err(Refused::HistoryFull);
        }
        self.state = match &event {
            Event::Submit { .. } => return Err(Refused::AlreadyFiled),
            Event::Return { remarks } => self.returned(remarks, at)?,
            Event::Resubmit { form, due } => self.resubmitted(form, *due, at)?,
            Event::Approve(approval) => self.approved(approval, at)?,
            Event::RegisterKey { pem } => self.with_key(pem)?,
            Event::SubmitAct(filing) => self.with_act(filing, at)?,
            Event::Accept => self.accepted(at)?,
            Event::Refuse { remarks } => State::Refused { at, remarks: sound(remarks)? },
            Event::Withdraw => State::Withdrawn { at },
            Event::Redate { due } => self.redated(*due)?,
        };
        match &event {
            Event::Resubmit { form, .. } => self.form = form.clone(),
            Event::Approve(_) => self.keys = self.form.ovt_keys.clone(),
            Event::RegisterKey { pem } => self.keys.push(pem.clone()),
            _ => {}
        }
        self.history.push(Step { at, event });
        Ok(self)
    }

    fn returned(&self, remarks: &[Remark], at: i64) -> Result<State, Refused> {
        match &self.state {
            State::Submitted { .. } => Ok(State::Returned { at, remarks: sound(remarks)? }),
            State::ActSubmitted { approved, .. } => {
                Ok(State::Testing { approved: approved.clone(), remarks: sound(remarks)? })
            }
            _ => Err(Refused::NotUnderReview),
        }
    }

    fn resubmitted(&self, form: &Form, due: Date, at: i64) -> Result<State, Refused> {
        let State::Returned { .. } = &self.state else {
            return Err(Refused::NotReturned);
        };
        is_storable(form)?;
        if *form == self.form {
            return Err(Refused::FormUnchanged);
        }
        let bin = &self.form.organisation.bin;
        // A BIN that was none may be what the application was returned for.
        if Bin::parse(bin).is_ok() && form.organisation.bin != *bin {
            return Err(Refused::OrganisationChanged);
        }
        Ok(State::Submitted { at, due })
    }

    fn approved(&self, approval: &Approval, at: i64) -> Result<State, Refused> {
        let State::Submitted { .. } = &self.state else {
            return Err(Refused::NotUnderReview);
        };
        if !approval.objections().is_empty() {
            return Err(Refused::ObjectionsStand);
        }
        let entries = approval.entries();
        let distinct: BTreeSet<&str> =
            entries.iter().map(|id| id.trim()).filter(|id| !id.is_empty()).collect();
        if entries.is_empty() || distinct.len() != entries.len() || entries.len() != self.form.purposes.len()
        {
            return Err(Refused::EntriesMismatch);
        }
        let approved = Approved { at, entries: entries.to_vec() };
        if self.form.needs_key() && self.form.ovt_keys.is_empty() {
            Ok(State::Approved { approved })
        } else {
            Ok(State::Testing { approved, remarks: Vec::new() })
        }
    }

    fn with_key(&self, pem: &str) -> Result<State, Refused> {
        let state = match &self.state {
            State::Approved { approved } => {
                State::Testing { approved: approved.clone(), remarks: Vec::new() }
            }
            State::Testing { .. } => self.state.clone(),
            State::ActSubmitted { .. } => return Err(Refused::ActFiled),
            _ => return Err(Refused::NotApproved),
        };
        if pem.contains("PRIVATE KEY") {
            return Err(Refused::PrivateKey);
        }
        if !self.form.needs_key() {
            return Err(Refused::KeyUnneeded);
        }
        if pem.len() > MAX_KEY || key_flaw(pem).is_some() {
            return Err(Refused::KeyUnfit);
        }
        if self.keys.iter().any(|known| known.trim() == pem.trim()) {
            return Err(Refused::KeyKnown);
        }
        Ok(state)
    }

    fn with_act(&self, filing: &Filing, at: i64) -> Result<State, Refused> {
        match &self.state {
            State::Testing { approved, .. } => {
                filing.judge(self, approved, at)?;
                let act = FiledAct { at, jws: filing.jws().to_owned(), kid: filing.kid().to_owned() };
                Ok(State::ActSubmitted { approved: approved.clone(), act, due: filing.due() })
            }
            State::Approved { .. } => Err(Refused::KeyAwaited),
            State::ActSubmitted { .. } => Err(Refused::ActFiled),
            _ => Err(Refused::NotApproved),
        }
    }

    fn accepted(&self, at: i64) -> Result<State, Refused> {
        match &self.state {
            State::ActSubmitted { approved, act, .. } => {
                Ok(State::Production { approved: approved.clone(), act: act.clone(), at })
            }
            State::Approved { .. } | State::Testing { .. } => Err(Refused::ActNotFiled),
            _ => Err(Refused::NotApproved),
        }
    }

    fn redated(&self, due: Date) -> Result<State, Refused> {
        let mut state = self.state.clone();
        match &mut state {
            State::Submitted { due: day, .. } | State::ActSubmitted { due: day, .. } => *day = due,
            _ => return Err(Refused::NotUnderReview),
        }
        Ok(state)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What is applied for now.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Keys of its verification tokens, PEM; empty before the approval.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// All that happened, in order; the first is [`Event::Submit`].
    #[must_use]
    pub fn history(&self) -> &[Step] {
        &self.history
    }

    /// The name of its state.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Submitted { .. } => Stage::Submitted,
            State::Returned { .. } => Stage::Returned,
            State::Approved { .. } => Stage::Approved,
            State::Testing { .. } => Stage::Testing,
            State::ActSubmitted { .. } => Stage::ActSubmitted,
            State::Production { .. } => Stage::Production,
            State::Refused { .. } => Stage::Refused,
            State::Withdrawn { .. } => Stage::Withdrawn,
        }
    }

    /// What was approved, once it was, and as long as it was not refused or withdrawn.
    #[must_use]
    pub fn approval(&self) -> Option<&Approved> {
        match &self.state {
            State::Approved { approved }
            | State::Testing { approved, .. }
            | State::ActSubmitted { approved, .. }
            | State::Production { approved, .. } => Some(approved),
            State::Submitted { .. }
            | State::Returned { .. }
            | State::Refused { .. }
            | State::Withdrawn { .. } => None,
        }
    }

    /// The act that is filed, if one is.
    #[must_use]
    pub fn filed_act(&self) -> Option<&FiledAct> {
        match &self.state {
            State::ActSubmitted { act, .. } | State::Production { act, .. } => Some(act),
            _ => None,
        }
    }

    /// Why application or act was returned or refused, as long as that is the last word.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        match &self.state {
            State::Returned { remarks, .. }
            | State::Testing { remarks, .. }
            | State::Refused { remarks, .. } => remarks,
            _ => &[],
        }
    }

    /// Since when the review runs, if one does, Unix milliseconds: its term is counted from that day.
    #[must_use]
    pub fn review_since(&self) -> Option<i64> {
        match &self.state {
            State::Submitted { at, .. } => Some(*at),
            State::ActSubmitted { act, .. } => Some(act.at),
            _ => None,
        }
    }

    /// Last day of the review that runs, if one does (I-9, I-12).
    #[must_use]
    pub fn due(&self) -> Option<Date> {
        match &self.state {
            State::Submitted { due, .. } | State::ActSubmitted { due, .. } => Some(*due),
            _ => None,
        }
    }

    /// Whether the review should have ended before `at` (Unix milliseconds). The last day ends at 24:00 in Astana.
    #[must_use]
    pub fn overdue(&self, at: i64) -> bool {
        self.due().and_then(Date::next_day).and_then(midnight).is_some_and(|end| at >= end)
    }

    /// Methods applied for, in order.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        self.form.methods.iter().map(|wish| wish.method).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The directory entries that the approval promises, in force from `valid_from` (Unix seconds); none before it.
    #[must_use]
    pub fn entries(&self, valid_from: i64) -> Vec<DirectoryEntry> {
        let ids = self.approval().map(|approved| approved.entries.as_slice()).unwrap_or_default();
        ids.iter().zip(&self.form.purposes).map(|(id, purpose)| self.entry(id, purpose, valid_from)).collect()
    }

    fn entry(&self, id: &str, purpose: &Purpose, valid_from: i64) -> DirectoryEntry {
        let ground = &purpose.storage_ground;
        let named = [ground.text.trim(), ground.act().unwrap_or_default()];
        DirectoryEntry {
            id: id.to_owned(),
            revision: 0,
            bin: self.form.organisation.bin.clone(),
            name: purpose.name.clone(),
            services: purpose.service_ids.clone(),
            period_seconds: purpose.period_seconds,
            storage_seconds: purpose.storage_seconds,
            processing_seconds: purpose.processing_seconds,
            storage_ground: named.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; "),
            data: purpose.data.trim().to_owned(),
            valid_from,
            expires_at: None,
            application: Some(self.id.clone()),
        }
    }
}

fn is_storable(form: &Form) -> Result<(), Refused> {
    if form.holds_private_key() {
        return Err(Refused::PrivateKey);
    }
    if !serde_json::to_vec(form).is_ok_and(|json| json.len() <= MAX_FORM) {
        return Err(Refused::FormTooLarge);
    }
    if form_names_person(form) {
        return Err(Refused::PersonNamed);
    }
    Ok(())
}
