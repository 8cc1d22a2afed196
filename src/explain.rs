//! Why a message is accepted or not, step by step: the doctor of integrators (`kdp explain`).
//!
//! The verdict is that of the service: the message goes through the flow of [`crate::exchange`] on a [`Rehearsal`], in which
//! nothing is kept and nobody is asked. The steps are made by the same functions, one by one, so that what can still be
//! judged after a failure is judged too; what nobody has signed for is marked as unverified.
//!
//! | file | what |
//! |---|---|
//! | `rehearsal.rs` | the service that keeps nothing |
//! | `stage.rs` | the steps and their texts |
//! | `document.rs` | bytes, XML, envelope |
//! | `signature.rs` `difference.rs` | the signature; how what was signed differs from what came |
//! | `call.rs` `element.rs` `ovt.rs` `phrase.rs` | the call, its sender, its data; the checks of F-6 |
//! | `past.rs` | the same of a decision that was made, from the journal |
//! | `report.rs` | the report as JSON and as text |

mod call;
pub(crate) mod difference;
mod document;
mod element;
mod ovt;
mod past;
mod phrase;
mod rehearsal;
mod report;
mod signature;
mod stage;

use crate::app::App;
use crate::exchange::{self, Channel, Known};
use crate::fault::Fault;
use crate::random::Id;
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::Reply;
use crate::text::{Cause, Check, FaultCode, Lang, Reason, StatusCode};
use crate::xml::Document;
pub use past::{Kept, decision};
pub use rehearsal::Rehearsal;
pub use stage::Stage;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It cannot be judged: what it needs was not found, or only somebody outside could say.
    Open,
}

/// What was found out about one step.
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// Which check of F-6, of [`Stage::Check`].
    pub check: Option<Check>,
    /// How it ended.
    pub state: State,
    /// Whether it speaks of what a believed signature covers; of steps up to the signature, always.
    pub is_verified: bool,
    /// What was found, never a value of the message that names a person or a secret.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// The code by which the service refuses for it.
    pub code: Option<&'static str>,
    /// Its causes, as far as they are recognised, the surest first; of a step that holds: what it should be warned of.
    pub causes: Vec<Cause>,
}

/// What the service answers.
pub struct Verdict {
    /// Code of the fault, or of responseInfo/status.
    pub code: &'static str,
    /// `data/status`, of `KDP_SERVICE`.
    pub word: Option<String>,
    /// The reason, where one is given.
    pub reason: Option<Reason>,
    /// Whether the message is accepted: no fault, no error, no refusal.
    pub is_accepted: bool,
    /// Whether anything was decided: not what only the service itself can decide.
    pub is_judged: bool,
    /// What happened, in the language of the report.
    pub text: String,
    /// What to do.
    pub remedy: String,
}

/// An explanation.
pub struct Report {
    /// Its language.
    pub lang: Lang,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The steps in the making.
struct Steps {
    lang: Lang,
    taken: Vec<Step>,
    /// Whether what is judged now is covered by a believed signature.
    is_verified: bool,
}

impl Steps {
    fn add(&mut self, stage: Stage, end: State, found: String) -> Option<&mut Step> {
        self.taken.push(Step {
            stage,
            check: None,
            state: end,
            is_verified: self.is_verified,
            found,
            expected: stage.expected(self.lang).to_owned(),
            code: None,
            causes: Vec::new(),
        });
        self.taken.last_mut()
    }

    fn pass(&mut self, stage: Stage, found: impl Into<String>) -> Option<&mut Step> {
        self.add(stage, State::Passed, found.into())
    }

    /// A step that fails with `code`; what was found is the text of the first cause, and the detail of the rule.
    fn fail(&mut self, stage: Stage, code: &'static str, causes: Vec<Cause>, detail: &str) {
        let text = causes.first().map_or("", |cause| cause.text(self.lang));
        let found = match (text.is_empty(), detail.is_empty()) {
            (true, _) => detail.to_owned(),
            (false, true) => text.to_owned(),
            (false, false) => format!("{text} ({detail})"),
        };
        if let Some(step) = self.add(stage, State::Failed, found) {
            step.code = Some(code);
            step.causes = causes;
        }
    }

    fn open(&mut self, stage: Stage, why: [&str; 3]) {
        self.add(stage, State::Open, self.say(why).to_owned());
    }

    /// One of kk, ru, en.
    fn say<'t>(&self, [kk, ru, en]: [&'t str; 3]) -> &'t str {
        match self.lang {
            Lang::Kk => kk,
            Lang::Ru => ru,
            Lang::En => en,
        }
    }
}

/// What the flow comes to.
enum Outcome {
    /// A try of a one-time code: the service counts each before it tells, so nobody is told who does not spend one.
    Uncounted,
    Fault(Fault),
    Reply(Box<Reply>),
}

/// Explains a message of `SyncChannel` as the service would judge it at the time of the rehearsal.
pub async fn explain(rehearsal: &Rehearsal, message: &[u8], lang: Lang) -> Report {
    let app = &rehearsal.app;
    let at = app.clock.now();
    let mut steps = Steps { lang, taken: Vec::new(), is_verified: true };
    let mut brings_code = false;
    if let Some(document) = document::read(&mut steps, app.limits().body_bytes, message)
        && let Some(outline) = document::envelope(&mut steps, &document)
    {
        let signer = signature::judge(&mut steps, rehearsal, &outline, at);
        brings_code = call::judge(&mut steps, app, outline.body, signer.as_ref(), at);
    }
    let outcome = if brings_code { Outcome::Uncounted } else { rehearse(app, message, at).await };
    let verdict = verdict(&mut steps, &outcome);
    Report { lang, steps: steps.taken, verdict }
}

/// THE FLOW of [`crate::exchange`], up to the signature of the answer.
async fn rehearse(app: &App, message: &[u8], at: i64) -> Outcome {
    let answered = async {
        let limit = app.limits().body_bytes;
        if message.len() > limit {
            return Err(Fault::new(FaultCode::TooLarge, format!("the message is larger than {limit} bytes")));
        }
        let document = Document::parse(message, &crate::xml::Limits::default())?;
        let envelope = Envelope::read(&document)?;
        let verified = app.trust().verify_offline(&envelope, at / 1000)?;
        let decision = Id::new(at, &*app.random)?;
        exchange::answer(app, &verified, (at, decision), &mut Known::nothing(Channel::Sync)).await
    };
    match answered.await {
        Ok((_, reply)) => Outcome::Reply(Box::new(reply)),
        Err(fault) => Outcome::Fault(fault),
    }
}

/// The verdict on a message that brings a one-time code: that of the step that failed, or none.
fn uncounted(steps: &mut Steps) -> Verdict {
    let failed = steps.taken.iter().find(|step| step.state == State::Failed);
    let (code, is_judged) = failed.map_or((StatusCode::Success.code(), false), |step| {
        (step.code.unwrap_or(StatusCode::Data.code()), true)
    });
    let why = [
        "Кодты сервистің өзі ғана тексереді: әрбір әрекет есептеледі",
        "Код проверяет только сам сервис: каждая попытка считается",
        "only the service itself judges the code: each try counts",
    ];
    let text = steps.say(why).to_owned();
    if !is_judged {
        steps.open(Stage::Decision, why);
    }
    Verdict { code, word: None, reason: None, is_accepted: false, is_judged, text, remedy: String::new() }
}

/// The verdict, and the last step: what the state of the service adds to what the message says.
fn verdict(steps: &mut Steps, outcome: &Outcome) -> Verdict {
    let lang = steps.lang;
    let is_told = steps.taken.iter().any(|step| step.state == State::Failed);
    match outcome {
        Outcome::Uncounted => uncounted(steps),
        Outcome::Fault(fault) => {
            if !is_told {
                let detail = format!("{} ({})", fault.code.message(lang), fault.detail);
                steps.fail(Stage::Decision, fault.code.code(), Vec::new(), &detail);
            }
            refused(fault.code, lang)
        }
        Outcome::Reply(reply) => {
            let word = reply.text("k:status").map(str::to_owned);
            let reason = Reason::from_code(reply.outcome);
            let is_accepted = reply.status == StatusCode::Success
                && reason.zip(word.as_ref()).is_none_or(|(reason, _)| accepts(reason));
            let text = match (reason, reply.text("s:status")) {
                (Some(reason), _) => reason.text(lang).to_owned(),
                (None, Some(status)) => status.to_owned(),
                (None, None) => reply.outcome.to_owned(),
            };
            let remedy = reason.map(|reason| reason.remedy(lang).to_owned()).unwrap_or_default();
            if is_accepted {
                steps.pass(Stage::Decision, text.clone());
            } else if !is_told {
                let code = reason.map_or(reply.status.code(), Reason::code);
                steps.fail(Stage::Decision, code, Vec::new(), &text);
            }
            Verdict { code: reply.status.code(), word, reason, is_accepted, is_judged: true, text, remedy }
        }
    }
}

/// The verdict of a fault.
fn refused(code: FaultCode, lang: Lang) -> Verdict {
    Verdict {
        code: code.code(),
        word: None,
        reason: None,
        is_accepted: false,
        is_judged: true,
        text: code.message(lang).to_owned(),
        remedy: code.remedy(lang).to_owned(),
    }
}

/// Whether an answer with this reason is a yes, or the way to one.
fn accepts(reason: Reason) -> bool {
    matches!(reason, Reason::Granted | Reason::Waiting | Reason::DryRun)
}
