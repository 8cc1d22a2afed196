//! Everything that an exchange works with, made once at start.

use crate::admission::Shares;
use crate::clock::{Clock, Steps};
use crate::config::{Config, Limits};
use crate::consent::Spans;
use crate::consent::revocation::Rule;
use crate::consent::sms::Templates;
use crate::current::Current;
use crate::gateway::asynchronous::{AsyncChannel, SHEP};
use crate::gateway::bounded::Bounded;
use crate::gateway::{BMG, CitizenDirectory, SMS, SmsGateway};
use crate::job::Lanes;
use crate::journal::keep::Signed;
use crate::metric::Metrics;
use crate::random::Random;
use crate::registry::Registry;
use crate::service::access_request::pace::Pace;
use crate::status::StatusBook;
use crate::store::seal::Seal;
use crate::store::{Record, Store, StoreError};
use crate::trust::Trust;
use crate::trust::outgoing::EnvelopeSigner;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// The service.
pub struct App {
    /// As read at start; its limits are in [`App::limits`].
    pub config: Config,
    /// One reading a message.
    pub clock: Arc<dyn Clock>,
    /// Ids, references, nonces.
    pub random: Arc<dyn Random>,
    /// The database.
    pub store: Arc<dyn Store>,
    /// Sealing and lookup keys, which the one-time codes are made from too.
    pub seal: Arc<dyn Seal>,
    /// БМГ.
    pub citizen: Arc<dyn CitizenDirectory>,
    /// 1414.
    pub sms: Arc<dyn SmsGateway>,
    /// `AsyncChannel` of ШЭП.
    pub channel: Arc<dyn AsyncChannel>,
    /// Whose signatures are believed.
    pub trust: Arc<Current<Trust>>,
    /// Signs the answers.
    pub answers: Current<EnvelopeSigner>,
    /// Spans of the law.
    pub spans: Spans,
    /// How the term of a review is counted.
    pub rule: Rule,
    /// The status list.
    pub status: StatusBook,
    /// Texts of the SMS.
    pub templates: Templates,
    /// Figures.
    pub metrics: Metrics,
    /// What each verified sender has in flight.
    pub shares: Shares,
    /// How fast initiators ask about what waits.
    pub pace: Pace,
    /// How the clock was set while the service ran.
    pub steps: Steps,
    /// Rings when a job may have fallen due.
    pub wake: Notify,
    /// Held while due jobs are worked on.
    pub jobs: Lanes,
    /// What it signed of the journals of other nodes.
    pub signed: Signed,
    limits: Current<Limits>,
    registry: Current<Registry>,
}

/// The parts that [`App::new`] puts together.
pub struct Parts {
    /// See [`App`].
    pub config: Config,
    /// See [`App`].
    pub clock: Arc<dyn Clock>,
    /// See [`App`].
    pub random: Arc<dyn Random>,
    /// See [`App`].
    pub store: Arc<dyn Store>,
    /// See [`App`].
    pub seal: Arc<dyn Seal>,
    /// See [`App`].
    pub citizen: Arc<dyn CitizenDirectory>,
    /// See [`App`].
    pub sms: Arc<dyn SmsGateway>,
    /// See [`App`].
    pub channel: Arc<dyn AsyncChannel>,
    /// See [`App`].
    pub trust: Arc<Current<Trust>>,
    /// See [`App`].
    pub answers: EnvelopeSigner,
    /// See [`App`].
    pub templates: Templates,
    /// See [`App`].
    pub metrics: Metrics,
}

impl App {
    /// Puts the service together and reads what is registered.
    ///
    /// # Errors
    /// [`StoreError`] when the registry cannot be read.
    pub async fn new(parts: Parts) -> Result<Self, StoreError> {
        let registry = parts.store.registry().await?;
        let outcome = "terms computed anew".to_owned();
        let at = parts.clock.now();
        parts.store.recount(Record { at, kind: "registration", outcome, ..Record::default() }).await?;
        let bmg_time = Duration::from_millis(parts.config.bmg.timeout_ms);
        let sms_time = Duration::from_millis(parts.config.sms.timeout_ms);
        // Jobs wait for each other: none of them for long.
        let handing_time = Duration::from_secs(10);
        let places = parts.config.limits.in_flight.div_ceil(4);
        let figures = parts.metrics.parties.clone();
        Ok(Self {
            spans: parts.config.spans(),
            rule: parts.config.rule(),
            status: StatusBook::new(&parts.config),
            limits: Current::new(parts.config.limits.clone()),
            config: parts.config,
            clock: parts.clock,
            random: parts.random,
            store: parts.store,
            seal: parts.seal,
            // Those who wait for БМГ leave room for those who do not; 1414 is asked by jobs alone.
            citizen: Arc::new(Bounded::new((BMG, parts.citizen), figures.clone(), bmg_time, places)),
            sms: Arc::new(Bounded::new((SMS, parts.sms), figures.clone(), sms_time, places)),
            channel: Arc::new(Bounded::new((SHEP, parts.channel), figures, handing_time, places)),
            trust: parts.trust,
            answers: Current::new(parts.answers),
            templates: parts.templates,
            metrics: parts.metrics,
            shares: Shares::default(),
            pace: Pace::default(),
            steps: Steps::default(),
            wake: Notify::new(),
            jobs: Lanes::default(),
            signed: Signed::default(),
            registry: Current::new(registry),
        })
    }

    /// What is registered, as last read.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.get()
    }

    /// The limits that hold now. Spans of consent are those of the start: see [`App::spans`].
    #[must_use]
    pub fn limits(&self) -> Arc<Limits> {
        self.limits.get()
    }

    /// Lets other limits hold from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.limits.set(limits);
    }

    /// Whose signatures are believed now.
    #[must_use]
    pub fn trust(&self) -> Arc<Trust> {
        self.trust.get()
    }

    /// What signs the answers now.
    #[must_use]
    pub fn answers(&self) -> Arc<EnvelopeSigner> {
        self.answers.get()
    }

    /// The time, Unix milliseconds, for what time alone decides: whether the clock was set just now is found out first.
    #[must_use]
    pub fn careful_now(&self) -> i64 {
        let now = self.clock.now();
        if let Some(step) = self.steps.look(now) {
            self.metrics.clock_steps.inc();
            tracing::error!(
                milliseconds = step,
                "the clock was set while serving; what time alone decides is not written down until it is sure"
            );
        }
        now
    }

    /// Reads the registry anew if its version changed.
    ///
    /// # Errors
    /// [`StoreError`]; the registry that was read last stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        if self.store.registry_version().await? != self.registry().version {
            self.registry.set(self.store.registry().await?);
        }
        Ok(())
    }
}
