//! The service as it would decide, with nothing that it does being kept and nobody outside being asked.

use crate::app::{App, Parts};
use crate::clock::MovableClock;
use crate::config::Config;
use crate::current::Current;
use crate::gateway::Absent;
use crate::metric::Metrics;
use crate::random::SeededRandom;
use crate::serve::{self, StartError};
use crate::store::seal::Seal;
use std::sync::Arc;

/// Ids that are made while rehearsing are seen by nobody: the same message gives the same report.
const SEED: u64 = 0x6b64_7020_6578_706c;

/// A service on the database of `config` whose verbs are undone, whose clock stands at `at` (Unix milliseconds), and that
/// reaches no party: БМГ and 1414 are absent, and OCSP is not asked.
pub struct Rehearsal {
    /// The service.
    pub app: App,
    /// Whether the service itself would ask an authority about revocation.
    pub asks_outside: bool,
}

impl Rehearsal {
    /// Opens it; `seal` is that of the installation.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn open(config: Config, seal: Arc<dyn Seal>, at: i64) -> Result<Self, StartError> {
        let rules = (config.spans(), config.rule());
        let store = config.location()?.open_to_rehearse(seal.clone(), rules)?;
        let mut trust = serve::read_trust(&config)?;
        let asks_outside = trust.ask_nobody();
        let absent = Arc::new(Absent);
        let app = App::new(Parts {
            clock: Arc::new(MovableClock::standing(at)),
            random: Arc::new(SeededRandom::new(SEED, u64::MAX)),
            store,
            seal,
            citizen: absent.clone(),
            sms: absent.clone(),
            channel: absent,
            trust: Arc::new(Current::new(trust)),
            answers: serve::read_answers(&config)?,
            templates: config.templates()?,
            metrics: Metrics::default(),
            config,
        });
        Ok(Self { app: app.await?, asks_outside })
    }
}
