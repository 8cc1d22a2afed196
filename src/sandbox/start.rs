//! The start of a sandbox, and its end.

use super::ear::{Ear, Own};
use super::kept::{Kept, lock, remove};
use super::outside::Outside;
use super::stand::{self, Stand};
use super::world::World;
use super::{Options, Sandbox, installation, limits, operator, pki, register, service};
use crate::app::{App, Parts};
use crate::clock::{Clock, MovableClock};
use crate::config::{Config, Limits};
use crate::current::Current;
use crate::http::{Door, Server, Side};
use crate::metric::Metrics;
use crate::random::{Random, SeededRandom, SystemRandom};
use crate::serve::{self, StartError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A started sandbox, for [`super::run`] and for tests that have it in their own process.
pub struct Running {
    /// Where to POST messages.
    pub url: String,
    /// The service.
    pub app: Arc<App>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    journal: (watch::Sender<bool>, JoinHandle<()>),
}

impl Running {
    /// Lets running exchanges end, then stops.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for listener in self.listeners {
            let _ = listener.await;
        }
        for worker in self.workers {
            worker.abort();
        }
        let (close, journal) = self.journal;
        let _ = close.send(true);
        let _ = journal.await;
    }
}

/// Starts the sandbox; `standing` replaces the running clock by one that stands at these Unix milliseconds.
///
/// # Errors
/// [`StartError`].
pub async fn start(options: Options, standing: Option<i64>) -> Result<Running, StartError> {
    start_within(options, standing, limits()).await
}

/// The same, within other limits than [`limits`].
///
/// # Errors
/// [`StartError`].
pub async fn start_within(
    options: Options,
    standing: Option<i64>,
    limits: Limits,
) -> Result<Running, StartError> {
    // In a box: much is held while it starts, and nothing of that afterwards.
    Box::pin(begin(options, standing, limits)).await
}

async fn begin(options: Options, standing: Option<i64>, limits: Limits) -> Result<Running, StartError> {
    let world = installation::world()?;
    if options.reset {
        remove(&options.data)?;
    }
    let created = std::fs::create_dir_all(&options.data).and_then(|()| options.data.canonicalize());
    let data = created.map_err(|e| StartError::File(options.data.clone(), e.kind()))?;
    let lock = lock(&data)?;
    let kept = Kept::open(&data, &options, &world)?;
    let clock = Arc::new(match standing {
        Some(at) => MovableClock::standing(at),
        None => MovableClock::running(kept.clock_offset),
    });
    let random: Arc<dyn Random> = match kept.seed {
        Some(seed) => Arc::new(SeededRandom::new(seed, kept.runs)),
        None => Arc::new(SystemRandom::default()),
    };
    pki::make(&data, &world, kept.seed.is_some(), clock.now() / 1000)?;
    if options.service.is_some() {
        pki::make_next(&data, &world, clock.now() / 1000)?;
    }
    let (listener, address) = serve::bind(options.listen).await?;
    let base = format!("http://{address}");
    if let Some(url) = &options.service {
        service::write(&data, &world, &kept, (&base, url))?;
    }
    let mut config = Config { limits, ..installation::config(&data, &world, &kept) };
    // Tokens name the address of the status list: under a standing clock they do not depend on a port that was free.
    let named = if standing.is_some() { format!("http://{}", options.listen) } else { base.clone() };
    config.listen.base_url = format!("{named}/shep/sync");
    let own =
        base.parse().map_err(|_| StartError::Other("the address of the listener is none".to_owned()))?;
    config.shep.url = format!("{base}/sandbox/shep/sync");
    config.shep.async_url = format!("{base}/sandbox/shep/async");
    let (app, outside) = build(config, &options, (&data, &world, &kept), clock.clone(), random).await?;
    crate::journal::keep::begin(&app).await;
    // What fell due while nothing ran takes effect before anybody can ask.
    crate::job::run_in_order(&app).await?;
    let made = stand::Made { data: &data, world: &world, passwords: &kept.passwords, crypto: kept.crypto };
    let stand = Arc::new(Stand::new(&made, (options.service.as_ref(), &own), &app, &outside)?);
    let ear: Arc<dyn Ear> =
        if options.service.is_some() { stand.clone() } else { Arc::new(Own(app.clone())) };
    let sandbox = Arc::new(Sandbox {
        app: app.clone(),
        outside: outside.clone(),
        ear: ear.clone(),
        stand: stand.clone(),
        clock,
        world,
        data,
        base: base.clone(),
        kept,
        _lock: lock,
    });
    let (stop, stopped) = watch::channel(false);
    let url = format!("{base}/shep/sync");
    let server = Server::new(app.clone(), Some(sandbox), url.clone(), stopped.clone());
    let door = |side| Door { side, tls: watch::channel(None).1, stop: stopped.clone() };
    let mut listeners = Vec::new();
    if let Some(address) = options.admin_listen {
        let (admin, _) = serve::bind(address).await?;
        listeners.push(tokio::spawn(server.clone().listen(admin, door(Side::Admin))));
    }
    listeners.push(tokio::spawn(server.listen(listener, door(Side::Both))));
    let workers = vec![
        tokio::spawn(crate::job::work(app.clone())),
        tokio::spawn(serve::keep_fresh(app.clone())),
        tokio::spawn(reply(outside, ear)),
        tokio::spawn(stand.push()),
    ];
    let (close, closed) = watch::channel(false);
    let journal = (close, tokio::spawn(crate::journal::keep::keep(app.clone(), closed)));
    Ok(Running { url, app, stop, listeners, workers, journal })
}

/// Subjects reply when they planned to.
async fn reply(outside: Arc<Outside>, ear: Arc<dyn Ear>) {
    loop {
        if let Err(error) = outside.reply_due(&ear).await {
            tracing::warn!(%error, "a reply was not heard; it is sent again");
        }
        let now = outside.now();
        let wait = outside.next_due().map_or(500, |due| due.saturating_sub(now).clamp(1, 500));
        let nap = Duration::from_millis(u64::try_from(wait).unwrap_or(500));
        let _ = tokio::time::timeout(nap, outside.wake.notified()).await;
    }
}

async fn build(
    config: Config,
    options: &Options,
    (data, world, kept): (&Path, &World, &Kept),
    clock: Arc<MovableClock>,
    random: Arc<dyn Random>,
) -> Result<(Arc<App>, Arc<Outside>), StartError> {
    let seal = installation::seal(data)?;
    let database = config.location()?;
    database.migrate(clock.now())?;
    let metrics = Metrics::default();
    let rules = (config.spans(), config.rule());
    let store = database.open(seal.clone(), rules, metrics.store.clone())?;
    let is_empty = store.registry().await?.senders.is_empty();
    if !is_empty && kept.runs == 1 {
        let text = "the database is not empty, and is of no sandbox on this directory: give it an empty one";
        return Err(StartError::Other(text.to_owned()));
    }
    if is_empty {
        register::all(&*store, &*seal, data, (world, &kept.passwords), clock.now()).await?;
    }
    operator::all(&*store, data, kept.seed, clock.now()).await?;
    let file = data.join("outside.jsonl");
    let outside = Arc::new(Outside::open(&file, world.clone(), clock.clone(), options.service.is_some())?);
    let trust = Arc::new(Current::new(serve::read_trust(&config)?));
    let channel = serve::outside::connect(&config, &trust, (clock.clone(), random.clone()))?.channel;
    let app = App::new(Parts {
        clock,
        random,
        store,
        seal,
        citizen: outside.clone(),
        sms: outside.clone(),
        channel,
        trust,
        answers: serve::read_answers(&config)?,
        templates: config.templates()?,
        metrics,
        config,
    });
    Ok((Arc::new(app.await?), outside))
}
