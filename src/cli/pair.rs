//! What one person alone does not do: the first run of such a command asks for a second person, who names the same
//! thing and approves it; the command run again does it, once.

use super::access::Access;
use super::{Exit, Failure, Outcome, Result};
use kdp::clock;
use kdp::consent::identity::Iin;
use kdp::operator::Operator;
use kdp::operator::fresh::{self, Fresh};
use kdp::random::Id;
use kdp::store::operator::{Approval, Claim};
use kdp::store::register::Kind;
use kdp::store::seal::Seal;
use serde_json::json;

/// How long an approval may be given and used after it was asked for, milliseconds.
const SPAN: i64 = 24 * 3_600_000;

/// What two persons must agree on. It has no `Debug`: it may name a subject.
pub enum Matter {
    /// Destroying what identifies a subject.
    Erase {
        /// Whom.
        subject: Iin,
        /// The order that it rests on; `None`: only what was kept long enough goes.
        order: Option<String>,
    },
    /// Writing a private key of the service to a file.
    Export {
        /// Which key.
        kid: String,
    },
}

/// What two persons agreed on.
pub struct Agreed {
    /// To be taken within the transaction that does it, or before what is done elsewhere.
    pub claim: Claim,
    /// Who approved.
    pub by: String,
}

impl Matter {
    /// The command.
    pub fn act(&self) -> &'static str {
        match self {
            Self::Erase { .. } => "subject erase",
            Self::Export { .. } => "keys export",
        }
    }

    /// What it is about, readable to nobody.
    pub fn digest(&self, seal: &dyn Seal) -> [u8; 32] {
        let act = self.act().as_bytes();
        match self {
            Self::Erase { subject, order: None } => {
                seal.hash("approval", &[act, subject.as_str().as_bytes()])
            }
            Self::Erase { subject, order: Some(order) } => {
                seal.hash("approval", &[act, subject.as_str().as_bytes(), order.as_bytes()])
            }
            Self::Export { kid } => seal.hash("approval", &[act, kid.as_bytes()]),
        }
    }

    /// The end of the command that approves it; a subject comes through stdin.
    fn named(&self) -> String {
        match self {
            Self::Erase { order: None, .. } => "-".to_owned(),
            Self::Erase { order: Some(order), .. } => format!("- --order '{}'", order.replace('\'', "'\\''")),
            Self::Export { kid } => kid.clone(),
        }
    }
}

/// What was agreed on, or how to come to it: then nothing was done, and the exit is that of a refusal.
pub async fn agreed(
    access: &Access,
    matter: &Matter,
    as_json: bool,
) -> Result<std::result::Result<Agreed, Outcome>> {
    let (now, act, digest) = (access.now(), matter.act(), matter.digest(access.seal()));
    let by = access.operator().name.clone();
    let mut revisions = Vec::new();
    for revision in access.history(Kind::Operator, by.as_str()).await? {
        revisions.push((revision.at, serde_json::from_str::<Operator>(&revision.record)?));
    }
    if let Some(found) = fresh::fresh(&revisions, now) {
        return Err(too_fresh(&found));
    }
    let asked = Approval {
        id: Id::new(now, access.random())?,
        act: act.to_owned(),
        digest,
        asked_by: by.to_string(),
        asked: now,
        until: now.saturating_add(SPAN),
        approved: None,
        done: None,
    };
    let deed = access.deed("approval", "asked").detail(&json!({ "act": act })).about(Some(asked.id));
    let approval = access.change(deed, |store, record| store.ask_approval(asked, record)).await?;
    if let Some((approver, _)) = approval.approved {
        return Ok(Ok(Agreed { claim: Claim { id: approval.id, act, digest, by }, by: approver }));
    }
    let until = clock::text(approval.until);
    let value = json!({ "approval": approval.id.to_string(), "act": act, "until": until });
    let wanting = Outcome::either(as_json, &value, || {
        format!(
            "nothing was done yet: a second security officer must approve it until {until}:\n  \
             kdp operator approve {} --for {} {}\nthen run this command again\n",
            approval.id,
            act.replace(' ', "-"),
            matter.named()
        )
    });
    Ok(Err(Outcome { exit: Exit::Refused, ..wanting }))
}

/// That an account passes for no person of its own yet.
pub fn too_fresh(Fresh { name, by, until }: &Fresh) -> Failure {
    Failure::refused(format!(
        "operator-fresh: {by} gave {name} a password: until {} {name} asks for, approves and carries out nothing \
         that needs two persons",
        clock::text(*until)
    ))
}

/// That an approval is gone.
pub fn taken() -> Failure {
    Failure::refused("operator-approval: it was carried out already, or is void: ask again")
}
