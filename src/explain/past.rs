//! A decision that was made, told again from the journal: the same codes and words, as far as the journal keeps them. It
//! keeps no message, so that steps which passed before the checks are told as passed and no more.

use super::{Report, Stage, Steps, Verdict, accepts, call, element, refused, signature};
use crate::consent::check::Finding;
use crate::exchange::proves_sender;
use crate::journal::Entry;
use crate::random::Id;
use crate::service::payload::DataError;
use crate::store::StoreError;
use crate::store::journal::Journal;
use crate::text::{Cause, FaultCode, Flaw, Lang, Reason, StatusCode};
use serde::Deserialize;

/// What a record of the journal keeps beside its outcome: nothing that names a person.
#[derive(Default, Deserialize)]
pub struct Kept {
    /// The checks that ran, in order; the last one failed, if the outcome is a no.
    #[serde(default)]
    pub checks: Vec<Finding>,
    /// What exactly was wrong, of a fault.
    #[serde(default)]
    pub fault: Option<String>,
    /// The elements of the data that were refused.
    #[serde(default)]
    elements: Vec<String>,
    /// What was wrong with them.
    #[serde(default)]
    flaw: Option<Flaw>,
}

impl Kept {
    /// Reads the detail of a record; of one that keeps nothing of the kind, nothing.
    #[must_use]
    pub fn read(entry: &Entry) -> Self {
        serde_json::from_str(&entry.detail).unwrap_or_default()
    }
}

/// Tells of a decision; `is_meant` says by its senderId, empty where
/// none was proven, whether whoever asks may see it. `None`: there is none, or it is
/// not to be seen, which look the same.
///
/// # Errors
/// [`StoreError`].
pub async fn decision(
    journal: &dyn Journal,
    id: Id,
    is_meant: impl Fn(&str) -> bool,
    lang: Lang,
) -> Result<Option<Report>, StoreError> {
    let records = journal.decision(id).await?;
    let decides = |entry: &&Entry| matches!(entry.kind.as_str(), "decision" | "dry-run" | "fault");
    // A call that decided nothing left what it did instead.
    let told = records.iter().rev().find(decides).or(records.first());
    Ok(told.filter(|entry| is_meant(proven(entry))).map(|entry| report(entry, lang)))
}

/// The senderId that the decision is about; empty, if the message only claimed it.
fn proven(entry: &Entry) -> &str {
    let is_proven = entry.kind != "fault" || FaultCode::from_code(&entry.outcome).is_some_and(proves_sender);
    if is_proven { &entry.sender } else { "" }
}

fn report(entry: &Entry, lang: Lang) -> Report {
    let mut steps = Steps { lang, taken: Vec::new(), is_verified: true };
    let kept = Kept::read(entry);
    let fault = FaultCode::from_code(&entry.outcome).filter(|_| entry.kind == "fault");
    if entry.message.is_some() {
        for stage in [Stage::Profile, Stage::Certificate, Stage::Value, Stage::Digest] {
            steps.pass(stage, "");
        }
    }
    if fault.is_none_or(proves_sender) && !entry.sender.is_empty() {
        steps.pass(Stage::Sender, entry.sender.clone());
    }
    if fault.is_none() && !entry.service.is_empty() {
        steps.pass(Stage::Service, entry.service.clone());
    }
    let verdict = match fault {
        Some(code) => of_fault(&mut steps, code, kept.fault.as_deref().unwrap_or_default()),
        None => of_reason(&mut steps, kept, &entry.outcome),
    };
    Report { lang, steps: steps.taken, verdict }
}

fn of_fault(steps: &mut Steps, code: FaultCode, detail: &str) -> Verdict {
    let (stage, cause) = match code {
        FaultCode::TooLarge => (Stage::Size, Some(Cause::TooLarge)),
        FaultCode::Format => (Stage::Decision, element::of_words(detail)),
        FaultCode::TransportCertificate => (Stage::Certificate, signature::of_words(detail)),
        FaultCode::TransportSignature => (Stage::Profile, signature::of_words(detail)),
        FaultCode::TransportUnsigned => (Stage::Profile, None),
        FaultCode::SenderNotAuthenticated => (Stage::Sender, None),
        FaultCode::ServiceUnknown => (Stage::Service, Some(Cause::ServiceUnknown)),
        FaultCode::SenderForbidden => (Stage::Role, None),
        _ => (Stage::Decision, None),
    };
    let found = match cause {
        Some(_) => detail.to_owned(),
        None => format!("{} ({detail})", code.message(steps.lang)),
    };
    steps.fail(stage, code.code(), cause.into_iter().collect(), &found);
    refused(code, steps.lang)
}

fn of_reason(steps: &mut Steps, kept: Kept, outcome: &str) -> Verdict {
    let lang = steps.lang;
    let reason = Reason::from_code(outcome);
    for finding in &kept.checks {
        let why = reason.filter(|_| !finding.passed).filter(|reason| !accepts(*reason));
        call::check(steps, finding, why, None);
    }
    let is_told = kept.checks.iter().any(|finding| !finding.passed);
    let mut status = StatusCode::Success;
    let text = reason.map_or(outcome, |reason| reason.text(lang)).to_owned();
    match (reason, kept.flaw) {
        (Some(reason), Some(flaw)) => {
            status = StatusCode::Data;
            let error = DataError { reason, elements: kept.elements, flaw };
            steps.fail(Stage::Data, status.code(), element::of_data(&error), &error.text(lang));
        }
        (Some(reason), None) if !accepts(reason) => {
            if !is_told {
                steps.fail(Stage::Decision, reason.code(), Vec::new(), &text);
            }
        }
        _ => drop(steps.pass(Stage::Decision, text.clone())),
    }
    Verdict {
        code: status.code(),
        word: None,
        reason,
        is_accepted: status == StatusCode::Success && reason.is_none_or(accepts),
        is_judged: true,
        remedy: reason.map(|reason| reason.remedy(lang).to_owned()).unwrap_or_default(),
        text,
    }
}
