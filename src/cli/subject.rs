//! `kdp subject`: blocking, freezing and erasing a subject (P 7-3, P 2). The IIN is never printed or journalled.

use super::access::{Access, Deed};
use super::argument::{self, Installation};
use super::pair::{self, Matter};
use super::{Outcome, Result, registration};
use clap::Subcommand;
use kdp::clock;
use kdp::operator::duty::Errand;
use kdp::store::register::{Erased, Hold};
use serde_json::{Value, json};

/// Blocks, freezes and erases subjects (субъекты).
///
/// An IIN among the arguments stays in the history of the shell and can be seen by others on this machine: give - and
/// let it come through stdin.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp subject block - --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Block(Block),
    Unblock(Unblock),
    Freeze(Freeze),
    Unfreeze(Unfreeze),
    Erase(Erase),
}

/// Who, where and why.
#[derive(clap::Args)]
struct Target {
    /// IIN of the subject, or - to read it from stdin, so that it does not stand in the history of the shell
    iin: String,
    #[command(flatten)]
    at: Installation,
    /// The application or order that this rests on, without personal data; journalled
    #[arg(long)]
    order: Option<String>,
    /// Print an object
    #[arg(long)]
    json: bool,
}

/// Blocks a subject (P 7-3): no request is taken, and its tokens answer "suspended", until it is unblocked
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp subject block - --config kdp.toml --order application-17")]
struct Block {
    #[command(flatten)]
    target: Target,
}

/// Ends the block of a subject: its tokens work again as far as they have not expired
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp subject unblock - --config kdp.toml")]
struct Unblock {
    #[command(flatten)]
    target: Target,
}

/// Freezes new asks about a subject by methods 1, 2, 3 and 5; its tokens stay as they are
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp subject freeze - --config kdp.toml")]
struct Freeze {
    #[command(flatten)]
    target: Target,
}

/// Ends the freeze of a subject
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp subject unfreeze - --config kdp.toml")]
struct Unfreeze {
    #[command(flatten)]
    target: Target,
}

/// Destroys what identifies a subject in requests that have ended (P 2); counts and journal remain
///
/// Without --order only requests whose storage time (`retention.decision_days`) is over are erased; with it, all that
/// have ended. What is in progress, has a token in force or an open application for revocation is kept. Two persons are
/// needed: the first run asks, another security officer approves, the same command run again erases.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp subject erase - --config kdp.toml --order 'court-order-5-of-2026-03-02'"
)]
struct Erase {
    #[command(flatten)]
    target: Target,
}

/// Runs a subcommand.
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Block(Block { target }) => hold(&target, (Hold::Block, true), errand).await,
        Command::Unblock(Unblock { target }) => hold(&target, (Hold::Block, false), errand).await,
        Command::Freeze(Freeze { target }) => hold(&target, (Hold::Freeze, true), errand).await,
        Command::Unfreeze(Unfreeze { target }) => hold(&target, (Hold::Freeze, false), errand).await,
        Command::Erase(Erase { target }) => erase(&target, errand).await,
    }
}

impl Target {
    fn order(&self) -> Result<Option<String>> {
        self.order.as_deref().map(|order| argument::line("--order", order)).transpose()
    }
}

async fn hold(target: &Target, (hold, on): (Hold, bool), errand: Errand) -> Result {
    let (iin, order) = (argument::subject(&target.iin)?, target.order()?);
    let access = target.at.open_as(errand).await?;
    let (did, word) = match (hold, on) {
        (Hold::Block, true) => ("blocked", "blocked"),
        (Hold::Block, false) => ("unblocked", "not blocked"),
        (Hold::Freeze, true) => ("frozen", "frozen"),
        (Hold::Freeze, false) => ("unfrozen", "not frozen"),
    };
    let deed = deed(&access, did, &json!({ "order": order }));
    let changed = access.change(deed, |store, record| store.hold(iin, hold, on, record)).await?;
    let value = json!({ "state": word, "changed": changed });
    Ok(Outcome::either(target.json, &value, || {
        if changed {
            format!("the subject is {word} now\n")
        } else {
            format!("the subject is {word} already\n")
        }
    }))
}

fn deed(access: &Access, did: &str, detail: &Value) -> Deed {
    access.deed("registration", format!("subject {did}")).detail(detail)
}

async fn erase(target: &Target, errand: Errand) -> Result {
    let (iin, order) = (argument::subject(&target.iin)?, target.order()?);
    let access = target.at.open_as(errand).await?;
    let now = access.now();
    let storage = now - access.config().sweeping(now).persons_before;
    let before = if order.is_some() { now } else { now - storage };
    let matter = Matter::Erase { subject: iin, order: order.clone() };
    let agreed = match pair::agreed(&access, &matter, target.json).await? {
        Ok(agreed) => agreed,
        Err(wanting) => return Ok(wanting),
    };
    let detail = json!({ "order": order, "ended_before": clock::text(before), "approved_by": agreed.by });
    let deed = deed(&access, "erased", &detail).about(Some(agreed.claim.id));
    let claim = agreed.claim;
    let erased =
        access.change(deed, |store, record| store.erase_approved(claim, iin, before, record)).await?;
    let erased = erased.ok_or_else(pair::taken)?;
    let kept = Kept::of(&erased, order.is_none().then_some(storage), now);
    let value = json!({
        "requests": erased.requests, "applications": erased.applications, "kept": erased.kept,
        "kept_until": kept.until.map(clock::text), "why": kept.why, "unlinked": erased.unlinked,
    });
    Ok(Outcome::either(target.json, &value, || {
        let kept = if erased.kept == 0 { "0".to_owned() } else { kept.text(erased.kept) };
        let unlinked = if erased.unlinked {
            "yes: nothing leads from the IIN to what is left"
        } else if erased.kept > 0 {
            "no: requests are kept"
        } else {
            "no: nothing is known of the subject, or it is blocked or frozen"
        };
        registration::fields([
            ("requests erased", erased.requests.to_string()),
            ("applications erased", erased.applications.to_string()),
            ("requests kept", kept),
            ("unlinked", unlinked.to_owned()),
        ])
    }))
}

/// Why something is kept, and until when.
struct Kept {
    why: Option<&'static str>,
    /// Unix milliseconds; `None`: that is not known yet.
    until: Option<i64>,
}

impl Kept {
    /// `storage`: how long requests are kept after their end, milliseconds; `None`: an order lifts that.
    fn of(erased: &Erased, storage: Option<i64>, now: i64) -> Self {
        let ends = erased.kept_until;
        let (why, until) = match (ends, storage) {
            _ if erased.kept == 0 => (None, None),
            (None, _) => (Some("in progress"), None),
            (Some(end), Some(storage)) if end.saturating_add(storage) > now => {
                (Some("within the storage time (retention.decision_days)"), Some(end.saturating_add(storage)))
            }
            (Some(end), None) if end > now => (Some("a token is in force"), Some(end)),
            (Some(_), _) => (Some("an application for revocation is open"), None),
        };
        Self { why, until }
    }

    fn text(&self, count: u32) -> String {
        let why = self.why.unwrap_or_default();
        match self.until {
            Some(until) => format!("{count}, the last until {}: {why}", clock::text(until)),
            None => format!("{count}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_why_something_is_kept_and_until_when() {
        let erased = |kept, kept_until| Erased { kept, kept_until, ..Erased::default() };
        let told = |kept, until, storage| {
            let kept = Kept::of(&erased(kept, until), storage, 1000);
            (kept.why.unwrap_or_default().split(' ').next().unwrap_or_default(), kept.until)
        };
        assert_eq!(told(0, None, None), ("", None));
        assert_eq!(told(1, None, Some(50)), ("in", None));
        assert_eq!(told(1, Some(980), Some(50)), ("within", Some(1030)));
        assert_eq!(told(1, Some(2000), None), ("a", Some(2000)));
        assert_eq!(told(1, Some(900), None), ("an", None));
        assert_eq!(told(1, Some(900), Some(50)), ("an", None));
    }
}
