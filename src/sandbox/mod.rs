//! `kdp sandbox`: the production service with everything outside it simulated, in one process and one directory.

mod crypto;
mod operator;
mod outside;
mod pki;
mod register;
mod route;
mod world;

use crate::app::{App, Parts};
use crate::clock::{Clock, MovableClock};
use crate::config::{Config, DataSignature, Environment, Limits, PeerKindWord, PeerSection, RevocationMode};
use crate::http::{Door, Server, Side};
use crate::metric::Metrics;
use crate::random::{Random, SeededRandom, SystemRandom, secret};
use crate::serve::{self, Opened, StartError, Termination};
use crate::store::Store;
use crate::store::seal::{KeyFileSeal, Seal};
use crate::store::sqlite::{self, SqliteStore};
pub use crypto::Crypto;
use crypto::KeyKind;
use outside::Outside;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use world::World;

/// How `kdp sandbox` was called.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one listener.
    pub listen: SocketAddr,
    /// Another one for health and metrics.
    pub admin_listen: Option<SocketAddr>,
    /// Directory of everything that is kept.
    pub data: PathBuf,
    /// Begin anew.
    pub reset: bool,
    /// Makes two runs equal.
    pub seed: Option<u64>,
    /// What everybody signs with; `None`: as at the last start on this directory, RSA at the first.
    pub crypto: Option<Crypto>,
    /// `error`, `warn`, `info` or `debug`.
    pub log_level: String,
}

/// What is kept beside keys and database.
#[derive(Serialize, Deserialize)]
struct Kept {
    seed: Option<u64>,
    /// How often the sandbox was started on this directory.
    runs: u64,
    /// Milliseconds that the clock is ahead of the host.
    clock_offset: i64,
    #[serde(default)]
    crypto: Crypto,
    passwords: BTreeMap<String, String>,
}

/// The running sandbox.
pub struct Sandbox {
    app: Arc<App>,
    outside: Arc<Outside>,
    clock: Arc<MovableClock>,
    world: World,
    data: PathBuf,
    base: String,
    passwords: BTreeMap<String, String>,
    seed: Option<u64>,
    crypto: Crypto,
    runs: u64,
    /// Two sandboxes on one directory would spoil it.
    _lock: File,
}

/// Life of the sandbox's token key, seconds: as long as its certificates.
const TEN_YEARS: i64 = 3653 * 86_400;

/// Runs until SIGTERM. Prints `ready URL` on stdout when it can be called.
///
/// # Errors
/// [`StartError`] when it does not start.
pub async fn run(options: Options) -> Result<(), StartError> {
    crate::log::start(&options.log_level);
    let termination = Termination::catch()?;
    let running = start(options, None).await?;
    println!("ready {}", running.url);
    let _ = std::io::stdout().flush();
    termination.wait().await;
    running.stop().await;
    Ok(())
}

/// A started sandbox, for [`run`] and for tests that have it in their own process.
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
    let world = World::built_in().map_err(|e| StartError::Other(format!("world.json: {e}")))?;
    if options.reset {
        remove(&options.data)?;
    }
    let created = std::fs::create_dir_all(&options.data).and_then(|()| options.data.canonicalize());
    let data = created.map_err(|e| StartError::File(options.data.clone(), e.kind()))?;
    let lock = lock(&data)?;
    let kept = open_kept(&data, &options, &world)?;
    let clock = Arc::new(match standing {
        Some(at) => MovableClock::standing(at),
        None => MovableClock::running(kept.clock_offset),
    });
    let random: Arc<dyn Random> = match kept.seed {
        Some(seed) => Arc::new(SeededRandom::new(seed, kept.runs)),
        None => Arc::new(SystemRandom::default()),
    };
    pki::make(&data, &world, kept.seed.is_some(), clock.now() / 1000)?;
    let (listener, address) = serve::bind(options.listen).await?;
    let base = format!("http://{address}");
    let mut config = Config { limits, ..config(&data, &world, kept.crypto) };
    // Tokens name the address of the status list: under a standing clock they do not depend on a port that was free.
    let named = if standing.is_some() { format!("http://{}", options.listen) } else { base.clone() };
    config.listen.base_url = format!("{named}/shep/sync");
    let (app, outside) = build(config, &data, &world, &kept, clock.clone(), random).await?;
    // What fell due while nothing ran takes effect before anybody can ask.
    crate::job::run_in_order(&app).await?;
    let sandbox = Arc::new(Sandbox {
        app: app.clone(),
        outside: outside.clone(),
        clock,
        world,
        data,
        base: base.clone(),
        passwords: kept.passwords,
        seed: kept.seed,
        crypto: kept.crypto,
        runs: kept.runs,
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
        tokio::spawn(reply(outside, app.clone())),
    ];
    let (close, closed) = watch::channel(false);
    let journal = (close, tokio::spawn(crate::journal::keep::keep(app.clone(), closed)));
    Ok(Running { url, app, stop, listeners, workers, journal })
}

/// Subjects reply when they planned to.
async fn reply(outside: Arc<Outside>, app: Arc<App>) {
    loop {
        if let Err(error) = outside.reply_due(&app).await {
            tracing::warn!(%error, "a reply was not heard; it is sent again");
        }
        let now = app.clock.now();
        let wait = outside.next_due().map_or(500, |due| due.saturating_sub(now).clamp(1, 500));
        let nap = Duration::from_millis(u64::try_from(wait).unwrap_or(500));
        let _ = tokio::time::timeout(nap, outside.wake.notified()).await;
    }
}

/// Removes a directory that a sandbox made; another one is left alone.
fn remove(data: &Path) -> Result<(), StartError> {
    if !data.exists() {
        return Ok(());
    }
    if !data.join("sandbox.json").exists() && data.read_dir().is_ok_and(|mut files| files.next().is_some()) {
        return Err(StartError::Other(format!(
            "{}: not a directory of a sandbox, not removed",
            data.display()
        )));
    }
    std::fs::remove_dir_all(data).map_err(|e| StartError::File(data.to_owned(), e.kind()))
}

fn lock(data: &Path) -> Result<File, StartError> {
    let path = data.join("lock");
    let file = File::create(&path).map_err(|e| StartError::File(path, e.kind()))?;
    file.try_lock()
        .map_err(|_| StartError::Other(format!("{}: another sandbox runs here", data.display())))?;
    Ok(file)
}

fn open_kept(data: &Path, options: &Options, world: &World) -> Result<Kept, StartError> {
    let path = data.join("sandbox.json");
    let mut kept = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str::<Kept>(&text)
            .map_err(|_| StartError::Other(format!("{}: not readable; use --reset", path.display())))?,
        Err(_) => Kept {
            seed: options.seed,
            runs: 0,
            clock_offset: 0,
            crypto: Crypto::default(),
            passwords: BTreeMap::new(),
        },
    };
    if options.seed.is_some() && options.seed != kept.seed {
        return Err(StartError::Other(format!("{}: made with another seed; use --reset", data.display())));
    }
    kept.runs += 1;
    kept.crypto = options.crypto.unwrap_or(kept.crypto);
    for peer in &world.peers {
        if !kept.passwords.contains_key(&peer.name) {
            kept.passwords.insert(peer.name.clone(), password(kept.seed, &peer.name)?);
        }
    }
    write_kept(data, &kept)?;
    Ok(kept)
}

fn write_kept(data: &Path, kept: &Kept) -> Result<(), StartError> {
    let text = serde_json::to_string_pretty(kept).map_err(|e| StartError::Other(e.to_string()))?;
    pki::write(&data.join("sandbox.json"), &text)
}

/// Random, or with a seed the same each time: base64url of 24 bytes of SHA-256 of `kdp-sandbox/SEED/password/NAME`.
fn password(seed: Option<u64>, name: &str) -> Result<String, StartError> {
    use base64::Engine as _;
    let Some(seed) = seed else {
        return secret(&SystemRandom::default()).map_err(|e| StartError::Other(e.to_string()));
    };
    let digest = crate::trust::algorithm::sha256(format!("kdp-sandbox/{seed}/password/{name}").as_bytes());
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest.get(..24).unwrap_or_default()))
}

impl Sandbox {
    /// Keeps where the clock is, over a restart.
    fn keep_clock(&self) -> Result<(), StartError> {
        write_kept(
            &self.data,
            &Kept {
                seed: self.seed,
                runs: self.runs,
                clock_offset: self.clock.offset(),
                crypto: self.crypto,
                passwords: self.passwords.clone(),
            },
        )
    }
}

async fn build(
    config: Config,
    data: &Path,
    world: &World,
    kept: &Kept,
    clock: Arc<MovableClock>,
    random: Arc<dyn Random>,
) -> Result<(Arc<App>, Arc<Outside>), StartError> {
    let seal = seal(data)?;
    let database = config.sqlite_path()?;
    sqlite::migrate(&database)?;
    let metrics = Metrics::default();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(
        &database,
        config.database.synchronous,
        seal.clone(),
        (config.spans(), config.rule()),
        metrics.store.clone(),
    )?);
    if store.registry().await?.senders.is_empty() {
        register::all(&*store, &*seal, data, (world, &kept.passwords), clock.now()).await?;
    }
    operator::all(&*store, data, kept.seed, clock.now()).await?;
    let outside = Outside::open(&data.join("outside.jsonl"), world.clone(), clock.clone())?;
    let outside = Arc::new(outside);
    let app = App::new(Parts {
        clock,
        random,
        store,
        seal,
        citizen: outside.clone(),
        sms: outside.clone(),
        trust: serve::read_trust(&config)?,
        answers: serve::read_answers(&config)?,
        templates: config.templates()?,
        metrics,
        config,
    });
    Ok((Arc::new(app.await?), outside))
}

/// The database of a sandbox, for commands beside it: running or not, with its clock.
///
/// # Errors
/// [`StartError`].
pub fn open(data: &Path) -> Result<(Config, Opened), StartError> {
    let world = World::built_in().map_err(|e| StartError::Other(format!("world.json: {e}")))?;
    let data = data.canonicalize().map_err(|e| StartError::File(data.to_owned(), e.kind()))?;
    let path = data.join("sandbox.json");
    let text = std::fs::read_to_string(&path).map_err(|e| StartError::File(path.clone(), e.kind()))?;
    let kept: Kept = serde_json::from_str(&text)
        .map_err(|_| StartError::Other(format!("{}: not readable; use --reset", path.display())))?;
    let config = Config { limits: limits(), ..config(&data, &world, kept.crypto) };
    let opened = serve::open_store(&config)?;
    Ok((config, Opened { clock: Arc::new(MovableClock::running(kept.clock_offset)), ..opened }))
}

/// The limits of a sandbox: many SMS a day, and no long waits between repeats.
#[must_use]
pub fn limits() -> Limits {
    Limits { sms_per_subject: 10_000, sms_per_initiator: 10_000, poll_after_seconds: 1, ..Limits::default() }
}

/// The configuration that a `kdp serve` for this world would have, but for its limits.
fn config(data: &Path, world: &World, crypto: Crypto) -> Config {
    let mut config = Config { environment: Environment::Test, ..Config::default() };
    config.database.url = format!("sqlite://{}", data.join("kdp.db").display());
    config.database.seal_keys = data.join("seal.keys");
    config.database.lookup_key = data.join("lookup.key");
    "kdp-sandbox".clone_into(&mut config.token.issuer);
    // Whoever tries a revocation wants to see it.
    config.token.status_ttl_seconds = 1;
    let kinds = [KeyKind::Rsa, KeyKind::Gost];
    config.trust.authorities = kinds.map(|kind| pki::path(data, kind.authority())).to_vec();
    // Its authorities publish no lists.
    config.trust.revocation.mode = RevocationMode::None;
    let own = |what: &str| pki::path(data, &crypto.of_service().file(&world.service.name, what));
    config.trust.certificate = own("cert");
    config.trust.key = own("key");
    for peer in &world.peers {
        let gateway = peer.kind == "gateway";
        config.peers.insert(
            peer.name.clone(),
            PeerSection {
                kind: if gateway { PeerKindWord::Gateway } else { PeerKindWord::Direct },
                certificates: kinds.map(|kind| pki::path(data, &kind.file(&peer.name, "cert"))).to_vec(),
                sender_id: (!gateway).then(|| peer.sender_id.clone()),
                data_signature: DataSignature::Ignored,
            },
        );
    }
    let chained = PeerSection {
        kind: PeerKindWord::Direct,
        certificates: Vec::new(),
        sender_id: None,
        data_signature: DataSignature::Ignored,
    };
    config.peers.insert("chained".to_owned(), chained);
    config
}

/// Nonces of the seal are never seeded: they are not seen, and must not repeat.
fn seal(data: &Path) -> Result<Arc<dyn Seal>, StartError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let mut texts = Vec::new();
    for file in ["seal.keys", "lookup.key"] {
        let path = data.join(file);
        if !path.exists() {
            let text = KeyFileSeal::new_file(&*random).map_err(|e| StartError::Other(e.to_string()))?;
            pki::write(&path, &text)?;
        }
        texts.push(std::fs::read_to_string(&path).map_err(|e| StartError::File(path.clone(), e.kind()))?);
    }
    let (sealing, lookup) = (texts.first().cloned().unwrap_or_default(), texts.pop().unwrap_or_default());
    let seal = KeyFileSeal::read(&sealing, &lookup, random)
        .map_err(|e| StartError::Seal(data.join("seal.keys"), e))?;
    Ok(Arc::new(seal))
}
