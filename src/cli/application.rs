//! `kdp application`: integration applications from their filing to production (I-5 … I-12).

mod filing;
mod opening;
mod review;
mod show;
mod testing;

use super::{Failure, Outcome, Result, argument, registration};
use argument::Installation;
use clap::Subcommand;
use kdp::config::{Config, Environment};
use kdp::consent::directory::in_force;
use kdp::consent::revocation::date;
use kdp::onboarding::preflight::Known;
use kdp::onboarding::refusal::Refused;
use kdp::onboarding::{Application, Event, REVIEW_DAYS};
use kdp::random::Id;
use kdp::registry::{Registry, Role};
use kdp::serve::Opened;
use kdp::store::Record;
use kdp::store::register::{Item, Kind};
use kdp::text::Lang;
use serde_json::{Value, json};
use time::Date;

/// Files, reviews and shows integration applications (заявки на интеграцию), and forms the testing act.
///
/// submit → approve or return → register-key → ten answers with a token → act, submit-act → accept. In a test
/// installation an approval opens methods and directory entries for the test; in production only accept does.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp application list --config kdp.toml")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Preflight(filing::Preflight),
    Submit(filing::Submit),
    Resubmit(filing::Resubmit),
    List(show::List),
    Show(show::Show),
    Approve(review::Approve),
    Return(review::Return),
    Refuse(review::Refuse),
    Accept(review::Accept),
    Withdraw(review::Withdraw),
    RegisterKey(filing::RegisterKey),
    Answers(testing::Answers),
    Act(testing::ActArgs),
    SubmitAct(testing::SubmitAct),
}

/// Where, and in which language.
#[derive(clap::Args)]
struct Place {
    #[command(flatten)]
    installation: Installation,
    /// Language of reasons and remedies: kk, ru or en
    #[arg(long, default_value = "en", value_parser = argument::lang)]
    lang: Lang,
}

/// Runs a subcommand.
pub async fn run(args: Args) -> Result {
    match args.command {
        Command::Preflight(args) => filing::preflight(&args).await,
        Command::Submit(args) => filing::submit(&args).await,
        Command::Resubmit(args) => filing::resubmit(&args).await,
        Command::List(args) => show::list(&args).await,
        Command::Show(args) => show::show(&args).await,
        Command::Approve(args) => review::approve(args).await,
        Command::Return(args) => review::give_back(&args).await,
        Command::Refuse(args) => review::refuse(&args).await,
        Command::Accept(args) => review::accept(&args).await,
        Command::Withdraw(args) => review::withdraw(&args).await,
        Command::RegisterKey(args) => filing::register_key(&args).await,
        Command::Answers(args) => testing::answers(&args).await,
        Command::Act(args) => testing::act(&args).await,
        Command::SubmitAct(args) => testing::submit_act(&args).await,
    }
}

/// An installation with its database open, and what is registered there.
struct Site {
    config: Config,
    opened: Opened,
    registry: Registry,
    lang: Lang,
    now: i64,
}

impl Site {
    async fn open(place: &Place) -> Result<Self> {
        let (config, opened) = place.installation.open()?;
        let registry = opened.store.registry().await?;
        let now = opened.clock.now();
        Ok(Self { config, opened, registry, lang: place.lang, now })
    }

    fn is_test(&self) -> bool {
        self.config.environment == Environment::Test
    }

    /// What is in force now, as far as a form is held against it.
    fn known(&self) -> Known {
        let seconds = self.now.div_euclid(1000);
        let senders = || self.registry.senders.values().map(|sender| &sender.record);
        let owners = senders().filter(|sender| sender.role == Role::Owner).flat_map(|owner| {
            owner.allowance.services.iter().map(|service| (service.clone(), owner.bin.clone()))
        });
        let grounds = self.registry.grounds.iter().filter(|(_, ground)| in_force(ground.expires_at, seconds));
        let proactive = self.registry.proactive.iter().filter(|(_, one)| in_force(one.expires_at, seconds));
        Known {
            owners: owners.collect(),
            grounds: grounds.map(|(id, ground)| (id.clone(), ground.clone())).collect(),
            proactive: proactive.map(|(code, one)| (code.clone(), one.clone())).collect(),
            senders: senders().map(|sender| (sender.sender_id.clone(), sender.bin.clone())).collect(),
            unconfirmed: self.is_test(),
            ..Known::default()
        }
    }

    /// Last day of a review that begins now (I-9).
    fn due(&self) -> Result<Date> {
        let first_day = self.config.rule().first;
        let due =
            date(self.now).and_then(|day| self.registry.calendar.due(day, REVIEW_DAYS, first_day, None));
        due.map(|term| term.due).ok_or_else(|| Failure::unusable("the review would end beyond the calendar"))
    }

    /// A refusal of the rules, in the language asked for.
    fn refusal(&self, refused: Refused) -> Failure {
        Failure::refused(format!(
            "{}: {} {}",
            refused.code(),
            refused.text(self.lang),
            refused.remedy(self.lang)
        ))
    }

    /// Journals and stores what became of an application.
    async fn keep(&self, application: &Application, after: u32, did: &'static str) -> Result<()> {
        let record = Record {
            at: self.now,
            kind: "registration",
            sender: application.form().sender_id.clone(),
            request: Id::parse(application.id()),
            outcome: format!("application {did}"),
            detail: json!({
                "id": application.id(), "bin": application.form().organisation.bin,
                "state": application.stage().code(), "due": application.due().map(|due| due.to_string()),
                "methods": application.methods(),
                "entries": application.approval().map(|approved| &approved.entries),
            })
            .to_string(),
            ..Record::default()
        };
        let item = Item::Application(Box::new(application.clone()));
        let kept = self.opened.store.register(item, after, record).await?;
        kept.map(|_| ())
            .ok_or_else(|| Failure::refused("somebody else changed this application: look and repeat"))
    }
}

/// An application at its site.
struct Case {
    site: Site,
    application: Application,
    revision: u32,
}

impl Case {
    async fn open(place: &Place, id: &str) -> Result<Self> {
        let site = Site::open(place).await?;
        let mut revisions = site.opened.store.history(Kind::Application, id.to_owned()).await?;
        let last = revisions.pop().ok_or_else(|| registration::unknown(Kind::Application, id))?;
        let application = serde_json::from_str(&last.record)?;
        Ok(Self { site, application, revision: last.revision })
    }

    /// Applies an event and keeps what it led to.
    async fn happen(self, event: Event, did: &'static str) -> Result<Self> {
        let Self { site, application, revision } = self;
        let application = application.apply(event, site.now).map_err(|refused| site.refusal(refused))?;
        site.keep(&application, revision, did).await?;
        Ok(Self { site, application, revision: revision.saturating_add(1) })
    }

    /// Says where the application stands and who does what next.
    fn outcome(&self, as_json: bool, more: &[(&'static str, String)]) -> Outcome {
        let (application, lang) = (&self.application, self.site.lang);
        let due = application.due().map(|due| due.to_string());
        let mut value = json!({ "id": application.id(), "state": application.stage().code(), "due": due });
        if let Some(fields) = value.as_object_mut() {
            fields.extend(more.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.as_str()))));
        }
        Outcome::either(as_json, &value, || {
            let rows = [
                ("id", application.id().to_owned()),
                ("state", format!("{} ({})", application.stage().code(), application.stage().title(lang))),
                ("review until", due.unwrap_or_default()),
                ("next", application.stage().next(lang).to_owned()),
            ];
            registration::fields(
                rows.into_iter().chain(more.iter().map(|(name, text)| (*name, text.clone()))),
            )
        })
    }
}
