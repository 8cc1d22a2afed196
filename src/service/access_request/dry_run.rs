//! `dry_run`: the checks of an ask, told and journalled, and nothing else (wire.md 2.1).
//!
//! What others did about the subject is not looked at: a request in progress, a freeze, a block, a revocation, БМГ, what an
//! ovt was used for. So the answer cannot tell of it, in content or in time.

use super::ask;
use super::reply::{Answer, Word};
use crate::app::App;
use crate::consent::check::{Examination, Finding};
use crate::consent::method::{Ask, Method};
use crate::dispatch::Caller;
use crate::soap::sync_channel::Node;
use crate::store::{Charge, StoreError};
use crate::text::{Check, Lang, Next, Reason};
use serde::{Deserialize, Serialize};

/// What a dry run found.
#[derive(Clone, Serialize, Deserialize)]
pub struct DryRun {
    method: Method,
    checks: Vec<Finding>,
}

/// Runs the checks and charges the initiator's day for it, whatever they come to: as many as it may ask by SMS, apart from
/// those.
pub async fn handle(app: &App, caller: &Caller, ask: &Ask, lang: Lang) -> Result<Answer, StoreError> {
    let Examination { findings: mut checks, verdict } = ask::examine(app, caller, ask, &app.registry());
    let reason = verdict.map_or_else(|reason| reason, |_| Reason::DryRun);
    let record = ask::record(caller, "dry-run", ask, &checks, reason);
    let most = app.limits().sms_per_initiator;
    let reason = if app.store.charge(caller.sender.bin, Charge::DryRun, most, record).await? {
        reason
    } else {
        // What is over the limit learns nothing more.
        checks = vec![Charge::DryRun.used_up()];
        Reason::LimitReached
    };
    // Never VALID: who reads the status alone must not take it for a consent.
    let dry_run = Some(DryRun { method: ask.method, checks });
    Ok(Answer { dry_run, ..Answer::new(Word::Invalid, reason, lang) })
}

impl DryRun {
    /// What the request would lead to.
    fn next(&self) -> Next {
        if self.checks.iter().any(|finding| !finding.passed) {
            return Next::Refuse;
        }
        match self.method {
            Method::Sms => Next::AskBySms,
            Method::Code => Next::SendCode,
            Method::OwnMeans | Method::Proactive | Method::Logging => Next::IssueToken,
        }
    }

    /// The checks that a request meets beyond these, whose outcome depends on more than request and register.
    fn not_judged(&self) -> &'static [Check] {
        match self.method {
            Method::Sms => &[
                Check::SubjectOpen,
                Check::RequestInProgress,
                Check::WithinLimits,
                Check::SubjectNumber,
                Check::SubjectAnswer,
            ],
            Method::Code => &[
                Check::SubjectOpen,
                Check::RequestInProgress,
                Check::WithinLimits,
                Check::SubjectNumber,
                Check::OneTimeCode,
            ],
            Method::OwnMeans | Method::Proactive | Method::Logging => {
                &[Check::SubjectOpen, Check::ConsentNotRevoked, Check::OvtUnused, Check::WithinLimits]
            }
        }
    }

    /// The element `dry_run`. No name in it is one of `data`, for clients that look an element up wherever it stands.
    #[must_use]
    pub fn node(&self, lang: Lang) -> Node {
        let mut nodes: Vec<Node> = self.checks.iter().map(|finding| check(finding, lang)).collect();
        nodes.extend(self.not_judged().iter().map(|check| Node::leaf("k:not_judged", check.code())));
        nodes.push(Node::leaf("k:next", self.next().code()));
        nodes.push(Node::leaf("k:next_text", self.next().text(lang)));
        Node::nodes("k:dry_run", nodes)
    }
}

fn check(finding: &Finding, lang: Lang) -> Node {
    let Finding { check, passed, found, expected } = finding;
    let nodes = vec![
        Node::leaf("k:name", check.code()),
        Node::leaf("k:title", check.title(lang)),
        Node::leaf("k:paragraph", check.paragraph()),
        Node::leaf("k:passed", passed.to_string()),
        Node::leaf("k:found", found.as_ref()),
        Node::leaf("k:expected", expected.as_ref()),
    ];
    Node::nodes("k:check", nodes)
}
