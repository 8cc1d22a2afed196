//! `kdp application`: integration applications from their filing to production (I-5 … I-12).

mod filing;
mod opening;
mod review;
mod show;
mod testing;

use super::access::Access;
use super::{Failure, Outcome, Result, argument, registration};
use argument::Installation;
use clap::Subcommand;
use kdp::config::Environment;
use kdp::consent::directory::in_force;
use kdp::consent::revocation::date;
use kdp::onboarding::preflight::Known;
use kdp::onboarding::refusal::Refused;
use kdp::onboarding::{Application, Event, REVIEW_DAYS};
use kdp::operator::duty::Errand;
use kdp::random::Id;
use kdp::registry::{Registry, Role};
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
pub async fn run(args: Args, errand: Errand) -> Result {
    match args.command {
        Command::Preflight(args) => filing::preflight(&args, errand).await,
        Command::Submit(args) => filing::submit(&args, errand).await,
        Command::Resubmit(args) => filing::resubmit(&args, errand).await,
        Command::List(args) => show::list(&args, errand).await,
        Command::Show(args) => show::show(&args, errand).await,
        Command::Approve(args) => review::approve(args, errand).await,
        Command::Return(args) => review::give_back(&args, errand).await,
        Command::Refuse(args) => review::refuse(&args, errand).await,
        Command::Accept(args) => review::accept(&args, errand).await,
        Command::Withdraw(args) => review::withdraw(&args, errand).await,
        Command::RegisterKey(args) => filing::register_key(&args, errand).await,
        Command::Answers(args) => testing::answers(&args, errand).await,
        Command::Act(args) => testing::act(&args, errand).await,
        Command::SubmitAct(args) => testing::submit_act(&args, errand).await,
    }
}

/// An installation with its database open, and what is registered there.
struct Site {
    access: Access,
    registry: Registry,
    lang: Lang,
    now: i64,
}

impl Site {
    async fn open(place: &Place, errand: Errand) -> Result<Self> {
        let access = place.installation.open_as(errand).await?;
        let (registry, now) = (access.registry().await?, access.now());
        Ok(Self { access, registry, lang: place.lang, now })
    }

    fn is_test(&self) -> bool {
        self.access.config().environment == Environment::Test
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
        let first_day = self.access.config().rule().first;
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
        let detail = json!({
            "id": application.id(), "bin": application.form().organisation.bin,
            "state": application.stage().code(), "due": application.due().map(|due| due.to_string()),
            "methods": application.methods(),
            "entries": application.approval().map(|approved| &approved.entries),
        });
        let deed = self.access.deed("registration", format!("application {did}")).detail(&detail);
        let deed = deed.sender(&application.form().sender_id).about(Id::parse(application.id()));
        self.access.register(Item::Application(Box::new(application.clone())), after, deed).await.map(|_| ())
    }
}

/// An application at its site.
struct Case {
    site: Site,
    application: Application,
    revision: u32,
}

impl Case {
    async fn open(place: &Place, id: &str, errand: Errand) -> Result<Self> {
        let site = Site::open(place, errand).await?;
        let mut revisions = site.access.history(Kind::Application, id).await?;
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
