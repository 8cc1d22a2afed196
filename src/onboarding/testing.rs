//! The ten successful answers (I-11), found among what the service decided, and why the others are none.

use super::why::Why;
use super::{Application, NEEDED, State};
use crate::consent::method::Method;
use crate::text::{Lang, Reason};
use serde::Serialize;
use std::collections::BTreeSet;

/// What the service knows of one decision on a request of the application's BIN. Holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `decision_id` of the answer.
    pub decision: String,
    /// `request_id`, if the request was kept.
    pub request: Option<String>,
    /// When it was decided, Unix milliseconds.
    #[serde(with = "super::written::moment")]
    pub at: i64,
    /// `data/reason`.
    pub reason: Reason,
    /// The way of asking, as far as it was read.
    pub method: Option<Method>,
    /// `ServiceIDs` that were asked for.
    pub services: Vec<String>,
    /// Directory entry that the request named.
    pub directory_id: Option<String>,
    /// `jti` of the security token that was answered with.
    pub token: Option<String>,
    /// Whether that token was made by an earlier request and answered again.
    pub repeated: bool,
    /// Pseudonym of the subject.
    pub subject: Option<String>,
}

/// An answer that is none of the ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Uncounted {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// Why.
    pub why: Why,
}

impl Uncounted {
    /// Why it did not count and what to do; of a refused request, the reason of the refusal and its remedy.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let (text, remedy) = (self.why.text(lang), self.why.remedy(lang));
        match self.why {
            Why::NotValid => {
                let reason = self.answer.reason;
                format!("{text} {remedy} {}: {} {}", reason.code(), reason.text(lang), reason.remedy(lang))
            }
            _ => format!("{text} {remedy}"),
        }
    }
}

/// How far the testing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Testing {
    /// The first successful answers, oldest first, at most `needed`.
    pub counted: Vec<Answer>,
    /// Successful answers beyond these, oldest first.
    pub extra: Vec<Answer>,
    /// The others, oldest first.
    pub not_counted: Vec<Uncounted>,
    /// How many are needed.
    pub needed: usize,
}

impl Testing {
    /// Whether the act can be formed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.counted.len() >= self.needed
    }

    /// All successful answers, oldest first.
    pub fn successful(&self) -> impl Iterator<Item = &Answer> {
        self.counted.iter().chain(&self.extra)
    }

    /// Methods of the application that no successful answer was obtained by. The law does not ask for each of them,
    /// a reviewer may.
    #[must_use]
    pub fn untested(&self, application: &Application) -> Vec<Method> {
        let tested: BTreeSet<Method> = self.successful().filter_map(|answer| answer.method).collect();
        application.methods().into_iter().filter(|method| !tested.contains(method)).collect()
    }
}

/// Counts answers, given in any order, towards the ten of the application.
#[must_use]
pub fn count(application: &Application, answers: &[Answer]) -> Testing {
    let mut answers: Vec<&Answer> = answers.iter().collect();
    answers.sort_by(|one, other| (one.at, &one.decision).cmp(&(other.at, &other.decision)));
    answers.dedup_by(|one, other| one.decision == other.decision);
    let mut testing =
        Testing { counted: Vec::new(), extra: Vec::new(), not_counted: Vec::new(), needed: NEEDED };
    let mut tokens = BTreeSet::new();
    for answer in answers {
        match judge(application, answer, &mut tokens) {
            Err(why) => testing.not_counted.push(Uncounted { answer: answer.clone(), why }),
            Ok(()) if testing.is_complete() => testing.extra.push(answer.clone()),
            Ok(()) => testing.counted.push(answer.clone()),
        }
    }
    testing
}

/// Whether an answer counts. What the initiator must change most is said first.
fn judge<'a>(
    application: &Application,
    answer: &'a Answer,
    tokens: &mut BTreeSet<&'a str>,
) -> Result<(), Why> {
    match answer.reason {
        Reason::Granted => {}
        Reason::Waiting => return Err(Why::Waiting),
        Reason::DryRun => return Err(Why::NoToken),
        _ => return Err(Why::NotValid),
    }
    let token = answer.token.as_deref().ok_or(Why::NoToken)?;
    let approved = application.approval().ok_or(Why::BeforeApproval)?;
    if answer.at < approved.at {
        return Err(Why::BeforeApproval);
    }
    if act_filed_at(application).is_some_and(|filed| answer.at > filed) {
        return Err(Why::AfterAct);
    }
    if !answer.method.is_some_and(|method| application.form().wants(method)) {
        return Err(Why::MethodOutside);
    }
    let entry = answer.directory_id.as_ref().ok_or(Why::EntryUnnamed)?;
    let place = approved.entries.iter().position(|own| own == entry).ok_or(Why::EntryOutside)?;
    let purpose = application.form().purposes.get(place).ok_or(Why::EntryOutside)?;
    let is_within = !answer.services.is_empty()
        && answer.services.iter().all(|service| purpose.service_ids.contains(service));
    if !is_within {
        return Err(Why::ServiceOutside);
    }
    // A token counts once, whichever answer brought it first. One that was made before the approval is seen by its
    // repetition only.
    if !tokens.insert(token) || answer.repeated {
        return Err(Why::TokenRepeated);
    }
    Ok(())
}

fn act_filed_at(application: &Application) -> Option<i64> {
    match application.state() {
        State::ActSubmitted { act, .. } | State::Production { act, .. } => Some(act.at),
        _ => None,
    }
}
