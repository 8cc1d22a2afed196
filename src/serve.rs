//! `kdp serve`: the service from its configuration to its end.

mod kannel;
mod keep;
pub mod outside;
mod tls;

use crate::app::{App, Parts};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, Environment, PeerKindWord, RevocationMode};
use crate::current::Current;
use crate::gateway::shep::ShepClient;
use crate::http::{Door, Server, Side};
use crate::metric::{Metrics, StoreMetrics};
use crate::random::{Random, SystemRandom};
use crate::store::seal::{KeyFileSeal, Seal, SealError, WARN_AT};
use crate::store::{Store, StoreError};
use crate::trust::certificate::Certificate;
use crate::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use crate::trust::revocation::Revocation;
use crate::trust::revocation::watch::notices;
use crate::trust::sign::{self, SignError};
use crate::trust::{Distrust, Expiry, Peer, PeerKind, Trust};
pub use keep::{keep_clock, keep_database, keep_fresh, keep_revocation};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tls::{read_tls, refuse_plain};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// Why the service does not start: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error("configuration: {0}")]
    Config(#[from] ConfigError),
    /// The database.
    #[error("database: {0}")]
    Store(#[from] StoreError),
    /// A file that cannot be read.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::ErrorKind),
    /// A file that is readable by others than its owner.
    #[error("{0}: must be readable by its owner only (chmod 600)")]
    Open(PathBuf),
    /// A certificate that cannot be used.
    #[error("{0}: {1}")]
    Certificate(PathBuf, Distrust),
    /// A private key that cannot be used.
    #[error("{0}: {1}")]
    Key(PathBuf, SignError),
    /// A sealing key file that cannot be used.
    #[error("{0}: {1}")]
    Seal(PathBuf, SealError),
    /// TLS certificate or key that cannot be used.
    #[error("[tls]: {0}")]
    Tls(String),
    /// An address that cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::ErrorKind),
    /// Something else that stands in the way.
    #[error("{0}")]
    Other(String),
}

/// A finding of [`inspect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whether the service would start.
    pub severity: Severity,
    /// One line.
    pub text: String,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The service does not start.
    Error,
    /// It starts, but something does not work.
    Warning,
}

/// The database, opened, with what it needs.
pub struct Opened {
    /// The verbs.
    pub store: Arc<dyn Store>,
    /// Sealing and lookup.
    pub seal: Arc<dyn Seal>,
    /// The system's randomness.
    pub random: Arc<dyn Random>,
    /// The host's clock.
    pub clock: Arc<dyn Clock>,
}

/// Opens the database of `config`.
///
/// # Errors
/// [`StartError`].
pub fn open_store(config: &Config) -> Result<Opened, StartError> {
    open_store_with(config, Arc::new(StoreMetrics::default()))
}

/// The same, also while it is on its way to another: for whoever may give that up.
///
/// # Errors
/// [`StartError`].
pub fn open_leaving(config: &Config) -> Result<Opened, StartError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let seal = read_seal(config, random.clone())?;
    let store = config.location()?.open_leaving(seal.clone(), (config.spans(), config.rule()))?;
    Ok(Opened { store, seal, random, clock: Arc::new(SystemClock) })
}

fn open_store_with(config: &Config, metrics: Arc<StoreMetrics>) -> Result<Opened, StartError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let seal = read_seal(config, random.clone())?;
    let rules = (config.spans(), config.rule());
    let store = config.location()?.open(seal.clone(), rules, metrics)?;
    Ok(Opened { store, seal, random, clock: Arc::new(SystemClock) })
}

fn read_seal(config: &Config, random: Arc<dyn Random>) -> Result<Arc<dyn Seal>, StartError> {
    let seal = KeyFileSeal::load(config.database.sealing(), &config.database.lookup(), random);
    Ok(Arc::new(seal.map_err(|(source, e)| StartError::Seal(source, e))?))
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|e| StartError::File(path.to_owned(), e.kind()))
}

/// Reads a file that nobody but its owner may read.
fn read_secret(path: &Path) -> Result<Zeroizing<String>, StartError> {
    if is_open_to_others(path) {
        return Err(StartError::Open(path.to_owned()));
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| StartError::File(path.to_owned(), e.kind()))
}

/// Whether the file is there and others than its owner may read or write it.
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
}

fn certificate(path: &Path) -> Result<Certificate, StartError> {
    Certificate::from_file(&read(path)?).map_err(|e| StartError::Certificate(path.to_owned(), e))
}

/// The trust that `config` describes.
///
/// # Errors
/// [`StartError`] naming the file.
pub fn read_trust(config: &Config) -> Result<Trust, StartError> {
    let now = SystemClock.now() / 1000;
    let mut trust = Trust::default();
    for path in &config.trust.authorities {
        let authority = certificate(path)?;
        if (authority.is_test() || authority.is_issued_by_test()) && config.environment != Environment::Test {
            return Err(test_pki(path));
        }
        // One that has ended stays for what was signed in its time.
        if authority.validity.1 >= now {
            trust.note_expiry(path.display().to_string(), &authority);
        }
        trust.add_authority(authority).map_err(|e| StartError::Certificate(path.clone(), e))?;
    }
    let mut pinned_to = HashMap::new();
    let mut chained_peer = None;
    for (name, section) in &config.peers {
        let kind = match section.kind {
            PeerKindWord::Gateway => PeerKind::Gateway,
            PeerKindWord::Direct => PeerKind::Direct(section.sender_id.clone()),
        };
        let chained = section.certificates.is_empty();
        if chained && kind != PeerKind::Direct(None) {
            return Err(StartError::Other(format!("[peers.{name}]: certificates must be pinned")));
        }
        let data_signature = section.data_signature;
        let peer = Arc::new(Peer { data_signature, ..Peer::new(name, kind) });
        for path in &section.certificates {
            let pinned = certificate(path)?;
            if pinned.is_issued_by_test() && config.environment != Environment::Test {
                return Err(test_pki(path));
            }
            // Else the order of names would decide for whom the certificate speaks.
            if let Some(other) = pinned_to.insert(pinned.fingerprint, name).filter(|other| *other != name) {
                let text =
                    format!("[peers.{name}] and [peers.{other}] pin one certificate: {}", path.display());
                return Err(StartError::Other(text));
            }
            trust.note_expiry(path.display().to_string(), &pinned);
            trust.pin(pinned, peer.clone());
        }
        if chained {
            if let Some(other) = chained_peer.replace(name) {
                let text =
                    format!("[peers.{name}] and [peers.{other}]: one peer alone can be without certificates");
                return Err(StartError::Other(text));
            }
            trust.believe_chained(peer);
        }
    }
    match Revocation::new(&config.trust.revocation).map_err(StartError::Other)? {
        Some(revocation) => {
            revocation.load(trust.authorities(), now);
            trust.check_revocation(revocation);
        }
        None => {
            if let Some(name) = chained_peer.filter(|_| config.environment != Environment::Test) {
                let text = "without pinned certificates, it must be checked whether its own was revoked: \
                            set trust.revocation.lists, or mode and ocsp";
                return Err(StartError::Other(format!("[peers.{name}]: {text}")));
            }
        }
    }
    Ok(trust)
}

fn test_pki(path: &Path) -> StartError {
    let text = "of a test authority, which is trusted only with environment = \"test\"";
    StartError::Other(format!("{}: {text}", path.display()))
}

/// The signer of answers that `config` describes.
///
/// # Errors
/// [`StartError`] naming the file.
pub fn read_answers(config: &Config) -> Result<EnvelopeSigner, StartError> {
    read_signer(config, config.trust.answer_key_info)
}

fn read_signer(config: &Config, form: KeyInfoForm) -> Result<EnvelopeSigner, StartError> {
    let section = &config.trust;
    let key = read_secret(&section.key)?;
    let signer = sign::from_pem(&key).map_err(|e| StartError::Key(section.key.clone(), e))?;
    let own = certificate(&section.certificate)?;
    // The keys of the sandbox are public: anybody could sign such answers.
    if own.is_issued_by_test() && config.environment != Environment::Test {
        return Err(test_pki(&section.certificate));
    }
    let signer = EnvelopeSigner::new(signer, own, form);
    if signer.fits() {
        Ok(signer)
    } else {
        Err(StartError::Certificate(section.certificate.clone(), Distrust::KeyKind))
    }
}

/// Says what is wrong with an installation, changing nothing.
#[must_use]
pub fn inspect(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let now = SystemClock.now() / 1000;
    let mut error = |result: Result<(), StartError>| {
        if let Err(e) = result {
            problems.push(Problem { severity: Severity::Error, text: e.to_string() });
        }
    };
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let seal = read_seal(config, random);
    let location = config.location().ok();
    let database = config.location().map_err(StartError::from).and_then(|location| {
        location.inspect()?;
        Ok(location)
    });
    if let (Ok(seal), Ok(database)) = (&seal, &database) {
        error(database.keys_fit(seal).map_err(StartError::from));
    }
    error(seal.map(|_| ()));
    error(database.map(|_| ()));
    let (trust, answers) = (read_trust(config), read_answers(config));
    let mut ending = Vec::new();
    if let Ok(trust) = &trust {
        let own = answers.as_ref().map(|answers| own_expiry(config, answers)).ok();
        ending = notices(trust, own.as_slice(), now);
    }
    let is_unchecked = trust.as_ref().is_ok_and(|trust| trust.revocation().is_none());
    error(trust.map(|_| ()));
    error(answers.and_then(|answers| {
        let refused = |e| StartError::Certificate(config.trust.certificate.clone(), e);
        answers.certificate().may_sign(now).map_err(refused)
    }));
    error(refuse_plain(config));
    error(read_tls(config).map(|_| ()));
    problems.extend(outside::inspect(config));
    let mut warn = |text: &str| {
        problems.push(Problem { severity: Severity::Warning, text: text.to_owned() });
    };
    if config.peers.is_empty() {
        warn("[peers] is empty: every message will be refused");
    }
    for notice in ending {
        warn(&format!("{}: {}", notice.name, notice.text));
    }
    if is_unchecked && config.peers.values().any(|peer| peer.certificates.is_empty()) {
        warn(
            "a peer without pinned certificates: [trust.revocation] names no list and no OCSP service to check its own",
        );
    }
    if config.trust.revocation.mode == RevocationMode::None {
        warn("trust.revocation.mode = \"none\": whether a certificate was revoked is not checked");
    }
    let counts = location.as_ref().and_then(|location| location.sealing().ok());
    for (key, count) in counts.map(|sealing| sealing.counts).unwrap_or_default() {
        if count >= WARN_AT {
            warn(&format!(
                "sealing key {key} has sealed {count} values, and one key may seal 4294967296: `kdp seal-key add`"
            ));
        }
    }
    if location.as_ref().and_then(|location| location.file().ok()).is_some_and(is_open_to_others) {
        warn("the database can be read by others than its owner: chmod 600");
    }
    for notice in census_notices(config) {
        warn(&notice);
    }
    if config.tls.is_none() && !config.listen.public.ip().is_loopback() && config.listen.plain {
        warn("listen.plain = true: messages travel in the clear between what ends TLS and the service");
    }
    problems
}

/// Persons from which on a second factor is wanted of those with access (P 7 10).
const MANY_SUBJECTS: i64 = 100_000;

/// Chains of the journal from which on it is told that names of nodes are given anew: each head names all of them, for ever.
const MANY_CHAINS: i64 = 16;

/// What is wanting in the access of operators, and in the names of nodes.
fn census_notices(config: &Config) -> Vec<String> {
    let mut notices = Vec::new();
    let census = config.location().ok().and_then(|location| location.census().ok());
    if let Some(chains) = census.map(|census| census.chains).filter(|chains| *chains > MANY_CHAINS) {
        notices.push(format!(
            "the journal has {chains} chains, one of each name that a node ever had, and each signed head names all of \
             them: a node that is set up anew keeps the name of the one before it (database.node)"
        ));
    }
    if census.is_some_and(|census| census.operators == 0) {
        notices.push("nobody has access: `kdp operator add` registers the first operator".to_owned());
    }
    match &config.operators.second_factor {
        None if census.is_some_and(|census| census.subjects > MANY_SUBJECTS) => notices.push(
            "operators.second_factor is not set, and more than 100 000 subjects are known (P 7 10)"
                .to_owned(),
        ),
        Some(program) if !program.is_file() => notices.push(format!(
            "operators.second_factor: {} is not there: no operator can log in",
            program.display()
        )),
        _ => {}
    }
    notices
}

/// Builds the service from its configuration; with it, what ШЭП is called by.
async fn build(config: Config) -> Result<(Arc<App>, Option<Arc<ShepClient>>), StartError> {
    let metrics = Metrics::default();
    let opened = open_store_with(&config, metrics.store.clone())?;
    let templates = config.templates()?;
    let (trust, answers) = (Arc::new(Current::new(read_trust(&config)?)), read_answers(&config)?);
    let means = (opened.clock.clone(), opened.random.clone());
    let outside = outside::connect(&config, &trust, means)?;
    let app = App::new(Parts {
        clock: opened.clock,
        random: opened.random,
        store: opened.store,
        seal: opened.seal,
        citizen: outside.citizen,
        sms: outside.sms,
        channel: outside.channel,
        trust,
        answers,
        templates,
        metrics,
        config,
    });
    Ok((Arc::new(app.await?), outside.shep))
}

/// Binds an address and tells it: port 0 becomes the one that was free.
///
/// # Errors
/// [`StartError::Listen`].
pub async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |e: std::io::Error| StartError::Listen(address, e.kind());
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    Ok((listener, at))
}

fn own_expiry(config: &Config, answers: &EnvelopeSigner) -> Expiry {
    Expiry { name: config.trust.certificate.display().to_string(), until: answers.certificate().validity.1 }
}

/// SIGTERM and SIGINT: from [`Termination::catch`] on they end nothing by themselves.
pub struct Termination {
    term: Signal,
    int: Signal,
}

impl Termination {
    /// Catches both.
    ///
    /// # Errors
    /// [`StartError::Other`] when signals cannot be caught.
    pub fn catch() -> Result<Self, StartError> {
        Ok(Self { term: caught(SignalKind::terminate())?, int: caught(SignalKind::interrupt())? })
    }

    /// Resolves when one has come.
    pub async fn wait(mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

fn caught(kind: SignalKind) -> Result<Signal, StartError> {
    signal(kind).map_err(|_| StartError::Other("signals cannot be caught".to_owned()))
}

/// Serves until SIGTERM, then drains.
///
/// # Errors
/// [`StartError`] when the service does not start.
pub async fn run(path: PathBuf) -> Result<(), StartError> {
    let mut config = Config::read(&path)?;
    crate::log::start(&config.log.level);
    crate::guard::log_panics();
    refuse_plain(&config)?;
    // Before anything is served: a signal that nobody catches would end the process at once.
    let (termination, hangup) = (Termination::catch()?, caught(SignalKind::hangup())?);
    let (tls, tls_now) = watch::channel(read_tls(&config)?);
    let (public, public_at) = bind(config.listen.public).await?;
    let (admin, admin_at) = bind(config.listen.admin).await?;
    if config.listen.base_url.is_empty() {
        let scheme = if tls_now.borrow().is_some() { "https" } else { "http" };
        config.listen.base_url = format!("{scheme}://{public_at}/shep/sync");
    }
    let base_url = config.listen.base_url.clone();
    let (app, shep) = build(config).await?;
    crate::journal::keep::begin(&app).await;
    let ((drain, draining), (end, ended)) = (watch::channel(false), watch::channel(false));
    let server = Server::new(app.clone(), None, base_url, draining.clone());
    let public_door = Door { side: Side::Public, tls: tls_now, stop: draining };
    // Open to the end, so that whoever asks learns that the service drains.
    let admin_door = Door { side: Side::Admin, tls: watch::channel(None).1, stop: ended };
    let public = tokio::spawn(server.clone().listen(public, public_door));
    let admin = tokio::spawn(server.listen(admin, admin_door));
    // Before jobs run: a clock that is set at that moment is noticed.
    app.steps.tick(app.clock.now());
    let (close, closed) = watch::channel(false);
    let journal = tokio::spawn(crate::journal::keep::keep(app.clone(), closed));
    let tasks = [
        tokio::spawn(crate::job::work(app.clone())),
        tokio::spawn(keep_fresh(app.clone())),
        tokio::spawn(keep_revocation(app.clone())),
        tokio::spawn(keep_database(app.clone())),
        tokio::spawn(keep_clock(app.clone())),
        tokio::spawn(crate::reseal::keep(app.clone())),
        tokio::spawn(reload_on_hangup(app, shep, path, tls, hangup)),
    ];
    tracing::info!(public = %public_at, admin = %admin_at, "serving");
    termination.wait().await;
    tracing::info!("draining");
    let _ = drain.send(true);
    let _ = public.await;
    let _ = end.send(true);
    let _ = admin.await;
    for task in tasks {
        task.abort();
    }
    // After all that is journalled: its last head.
    let _ = close.send(true);
    let _ = journal.await;
    tracing::info!("ended");
    Ok(())
}

/// SIGHUP rereads certificates, keys, limits and log level; on an error all of the old stays.
async fn reload_on_hangup(
    app: Arc<App>,
    shep: Option<Arc<ShepClient>>,
    path: PathBuf,
    tls: watch::Sender<Option<TlsAcceptor>>,
    mut hangup: Signal,
) {
    while hangup.recv().await.is_some() {
        // Lists of revoked certificates take seconds to read.
        let (from, seal) = (path.clone(), app.seal.clone());
        let read = tokio::task::spawn_blocking(move || {
            let config = Config::read(&from)?;
            let read = (read_trust(&config)?, read_answers(&config)?, read_tls(&config)?);
            let means = outside::read_means(&config)?;
            seal.refresh().map_err(|e| StartError::Seal(config.database.sealing().name(), e))?;
            let (trust, answers, tls) = read;
            Ok((trust, (answers, means), tls, config))
        });
        let broken = |_| Err(StartError::Other("reading the configuration was broken off".to_owned()));
        match read.await.unwrap_or_else(broken) {
            Ok((_, _, now, _)) if now.is_some() != tls.borrow().is_some() => {
                tracing::error!(
                    error = "[tls] comes or goes with a restart only",
                    "the old configuration stays"
                );
            }
            Ok((_, _, _, config)) if config.environment != app.config.environment => {
                tracing::error!(
                    error = "environment changes with a restart only",
                    "the old configuration stays"
                );
            }
            Ok((trust, (answers, means), now, config)) => {
                app.trust.set(trust);
                app.answers.set(answers);
                if let (Some(shep), Some(means)) = (&shep, means) {
                    shep.renew(means);
                }
                let _ = tls.send(now);
                app.set_limits(config.limits);
                crate::log::set_level(&config.log.level);
                tracing::info!("certificates, limits and log level were read anew");
            }
            Err(error) => tracing::error!(%error, "the old configuration stays"),
        }
    }
}
