//! `kdp operator approvals` and `approve`.

use crate::cli::access::Access;
use crate::cli::argument::{self, Installation};
use crate::cli::pair::{self, Matter};
use crate::cli::{Failure, Outcome, Result, registration};
use clap::ValueEnum;
use kdp::clock;
use kdp::operator::duty::Errand;
use kdp::random::Id;
use kdp::store::operator::{Approval, Approved, Claim};
use serde_json::{Value, json};

/// What is approved: the same as the first person named.
#[derive(clap::Args)]
pub struct What {
    /// The command that is approved
    #[arg(long = "for", value_enum, value_name = "COMMAND")]
    act: Act,
    /// What it is to be done to: IIN of the subject, or - to read it from stdin; or the KID of the key
    #[arg(value_name = "WHAT", allow_hyphen_values = true)]
    about: String,
    /// With subject erase: its --order, word by word
    #[arg(long)]
    order: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Act {
    #[value(name = "subject-erase")]
    Erase,
    #[value(name = "keys-export")]
    Export,
}

impl What {
    fn matter(&self) -> Result<Matter> {
        match (self.act, &self.order) {
            (Act::Erase, order) => Ok(Matter::Erase {
                subject: argument::subject(&self.about)?,
                order: order.as_deref().map(|order| argument::line("--order", order)).transpose()?,
            }),
            (Act::Export, None) => Ok(Matter::Export { kid: self.about.clone() }),
            (Act::Export, Some(_)) => Err(Failure::unusable("--order: belongs to subject erase")),
        }
    }
}

/// Approves.
pub async fn approve(at: &Installation, errand: Errand, (id, what): (&str, &What), as_json: bool) -> Result {
    let id = Id::parse(id)
        .ok_or_else(|| Failure::unusable("ID: not an id as `kdp operator approvals` shows it"))?;
    let matter = what.matter()?;
    let access = at.open_as(errand).await?;
    let by = access.operator().name.clone();
    let claim = Claim { id, act: matter.act(), digest: matter.digest(access.seal()), by };
    let deed = access.deed("approval", "approved").detail(&json!({ "act": matter.act() })).about(Some(id));
    let refused = |why| Err(Failure::refused(format!("operator-approval: {why}")));
    let approval = match access.change(deed, |store, record| store.approve(claim, record)).await? {
        Approved::Now(approval) | Approved::Before(approval) => approval,
        Approved::Fresh(fresh) => return Err(pair::too_fresh(&fresh)),
        Approved::Own => return refused("nobody approves what he asked for himself"),
        Approved::Unknown => return refused("there is none of this id, or it is void"),
        Approved::Other => return refused("it is about something else than you named: ask who wants it"),
    };
    let value = value(&approval);
    Ok(Outcome::either(as_json, &value, || {
        let until = clock::text(approval.until);
        format!("approved; {} can run `kdp {}` again until {until}\n", approval.asked_by, approval.act)
    }))
}

/// Lists what waits for a second person, or to be carried out.
pub async fn list(access: &Access, as_json: bool) -> Result {
    let approvals = access.approvals().await?;
    let values = approvals.iter().map(value).collect();
    Ok(Outcome::either(as_json, &Value::Array(values), || {
        let rows = approvals.iter().map(|approval| {
            let approved = approval.approved.as_ref().map_or("nobody yet", |(by, _)| by.as_str());
            let until = clock::text(approval.until);
            let words = [&approval.act, &approval.asked_by, &until, approved];
            std::iter::once(approval.id.to_string()).chain(words.map(str::to_owned)).collect()
        });
        let heading = ["ID", "COMMAND", "ASKED BY", "UNTIL", "APPROVED BY"];
        registration::listed(&heading, rows.collect(), "nothing waits for a second person")
    }))
}

fn value(approval: &Approval) -> Value {
    json!({
        "approval": approval.id.to_string(), "act": approval.act, "asked_by": approval.asked_by,
        "asked": clock::text(approval.asked), "until": clock::text(approval.until),
        "approved_by": approval.approved.as_ref().map(|(by, _)| by),
    })
}
