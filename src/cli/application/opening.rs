//! What an approval or an acceptance opens: the sender with its methods and keys, proactive services, directory entries.
//!
//! The decision is stored first, so that nothing opens without it; whoever was interrupted repeats the command. What is
//! taken back is closed first, so that nothing stays open.

use super::{Case, Site};
use crate::cli::{Failure, Result, registration, say, sender};
use kdp::consent::directory::{DirectoryEntry, ProactiveService, in_force};
use kdp::consent::method::{Allowance, CodeForm, Method};
use kdp::dispatch::secret_hash;
use kdp::onboarding::Application;
use kdp::onboarding::form::{Kind, MethodWish};
use kdp::onboarding::stage::Stage;
use kdp::random;
use kdp::registry::{Auth, Permit, ReplyForm, Role, SenderRecord};
use kdp::store::register::{Item, Kind as StoreKind};
use kdp::store::seal::hex;
use kdp::trust::algorithm::sha256;
use serde_json::json;
use std::collections::BTreeSet;

/// How the basis begins on which logging mode is open, beside the permit of method 4 itself.
const LOGGING: &str = "logging mode: ";

/// What an opening registers, or registered.
#[derive(Default)]
pub struct Opening {
    entries: Vec<DirectoryEntry>,
    proactive: Vec<ProactiveService>,
    /// The registration as it must be, and the revision that it follows (0: it is new).
    sender: Option<(Box<SenderRecord>, u32)>,
    /// Of a new sender; told this once.
    password: Option<String>,
}

impl Opening {
    /// Whether everything is registered already.
    pub fn is_nothing(&self) -> bool {
        self.entries.is_empty() && self.proactive.is_empty() && self.sender.is_none()
    }

    /// For people and programs.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let ids: Vec<&str> = self.entries.iter().map(|entry| entry.id.as_str()).collect();
        let methods = self.sender.iter().flat_map(|(record, _)| &record.allowance.methods);
        let methods: Vec<String> = methods.map(|method| method.number().to_string()).collect();
        let rows = [
            ("entries", ids.join(", ")),
            ("methods", methods.join(", ")),
            ("password", self.password.clone().unwrap_or_default()),
        ];
        rows.into_iter().filter(|(_, text)| !text.is_empty()).collect()
    }
}

/// Ids of the directory entries of an application, one a purpose; they end in random digits of its id.
pub fn entry_ids(application: &Application) -> Vec<String> {
    let tail = application.id().rsplit('-').next().unwrap_or_default();
    (1..=application.form().purposes.len()).map(|number| format!("dir-{tail}-{number}")).collect()
}

/// Registers what is missing.
pub async fn open(case: &Case) -> Result<Opening> {
    let mut opening = missing(case).await?;
    let site = &case.site;
    let about = || registration::detail(json!({ "application": case.application.id() }));
    for service in &opening.proactive {
        registration::register(&site.access, Item::Proactive(service.clone()), 0, "added", about()).await?;
    }
    if let Some((record, revision)) = &mut opening.sender {
        if record.password.is_none() && record.auth == Auth::Password {
            let password = random::secret(site.access.random())?;
            let hash = secret_hash(site.access.seal(), "password", &record.sender_id, &password);
            record.password = Some(hex(&hash));
            opening.password = Some(password);
            say("the password is shown this once: only a keyed hash is kept");
        }
        let about = json!({ "application": case.application.id() });
        sender::keep(&site.access, (**record).clone(), *revision, "opened by an application", about).await?;
    }
    for entry in &opening.entries {
        registration::register(&site.access, Item::Entry(entry.clone()), 0, "added", about()).await?;
    }
    Ok(opening)
}

/// What the application was promised here and is not registered yet.
pub async fn missing(case: &Case) -> Result<Opening> {
    let Case { site, application, .. } = case;
    let is_open = match application.stage() {
        Stage::Production => true,
        Stage::Approved | Stage::Testing | Stage::ActSubmitted => site.is_test(),
        Stage::Submitted | Stage::Returned | Stage::Refused | Stage::Withdrawn => false,
    };
    if !is_open {
        return Ok(Opening::default());
    }
    let mut entries = application.entries(site.now.div_euclid(1000));
    for entry in &entries {
        let known = site.registry.entries.get(&entry.id);
        if known.is_some_and(|known| known.application != entry.application) {
            let text =
                format!("{}: a directory entry of this id is registered, which is of another", entry.id);
            return Err(Failure::refused(text));
        }
    }
    entries.retain(|entry| !site.registry.entries.contains_key(&entry.id));
    Ok(Opening {
        entries,
        proactive: proactive(site, application),
        sender: sender(case).await?,
        password: None,
    })
}

/// Proactive services of method 3 that are not registered yet, for all that the purposes need.
fn proactive(site: &Site, application: &Application) -> Vec<ProactiveService> {
    let form = application.form();
    let mut services: Vec<String> =
        form.purposes.iter().flat_map(|purpose| purpose.service_ids.clone()).collect();
    services.sort_unstable();
    services.dedup();
    let period = form.purposes.iter().map(|purpose| purpose.period_seconds).max().unwrap_or_default();
    let wishes = form.methods.iter().filter(|wish| wish.method == Method::Proactive);
    let named = wishes.filter_map(|wish| wish.proactive.as_ref());
    named
        .filter(|service| !site.registry.proactive.contains_key(&service.code))
        .map(|service| ProactiveService {
            code: service.code.clone(),
            revision: 0,
            bin: form.organisation.bin.clone(),
            name: service.name.clone(),
            services: services.clone(),
            period_seconds: period,
            expires_at: None,
        })
        .collect()
}

/// The registration of the initiator with the methods and keys of the application, if it is not so already.
async fn sender(case: &Case) -> Result<Option<(Box<SenderRecord>, u32)>> {
    let Case { site, application, .. } = case;
    let form = application.form();
    let known = site.registry.senders.get(&form.sender_id);
    let is_its =
        |record: &SenderRecord| record.role == Role::Initiator && record.bin == form.organisation.bin;
    if known.is_some_and(|known| !is_its(&known.record)) {
        let text = format!("{} is registered, but not as an initiator of this BIN", form.sender_id);
        return Err(Failure::refused(text));
    }
    let before = known.map(|known| known.record.clone());
    let past = Past::read(case).await?;
    let mut record = before.clone().unwrap_or_else(|| new_sender(application));
    for wish in &form.methods {
        permit(&mut record, application, wish, (&past, site.now));
    }
    let new = |pem: &&String| !past.keys.contains(pem.trim());
    record.ovt_keys.extend(application.keys().iter().filter(new).cloned());
    let same = before.is_some_and(|before| {
        before.permits == record.permits
            && before.allowance == record.allowance
            && before.ovt_keys == record.ovt_keys
    });
    Ok((!same).then(|| (Box::new(record), known.map_or(0, |known| known.revision))))
}

/// What earlier revisions of the sender held: a registrar who took a method or key away is not overruled by a command
/// that is repeated.
#[derive(Default)]
struct Past {
    /// Methods that this application opened.
    methods: BTreeSet<Method>,
    /// Keys, whoever registered them.
    keys: BTreeSet<String>,
}

impl Past {
    async fn read(case: &Case) -> Result<Self> {
        let own = own_basis(&case.application);
        let sender_id = case.application.form().sender_id.clone();
        let mut past = Self::default();
        for revision in case.site.access.history(StoreKind::Sender, &sender_id).await? {
            let record: SenderRecord = serde_json::from_str(&revision.record)?;
            let mine = record.permits.iter().filter(|permit| permit.basis.contains(&own));
            past.methods.extend(mine.map(|permit| permit.method));
            past.keys.extend(record.ovt_keys.iter().map(|key| key.trim().to_owned()));
        }
        Ok(past)
    }
}

/// An initiator with no methods yet; what it may ask for stands in its directory entries.
fn new_sender(application: &Application) -> SenderRecord {
    let form = application.form();
    SenderRecord {
        sender_id: form.sender_id.clone(),
        name: form.organisation.name.ru.trim().to_owned(),
        role: Role::Initiator,
        bin: form.organisation.bin.clone(),
        auth: Auth::Password,
        password: None,
        token: None,
        reply: ReplyForm::Kdp,
        strict: false,
        allowance: Allowance { methods: Vec::new(), code: CodeForm::Digits, ..Allowance::default() },
        ovt_keys: Vec::new(),
        lang: "ru".to_owned(),
        permits: Vec::new(),
        suspensions: Vec::new(),
    }
}

/// Allows a method on this application, and on its act once that was accepted. A method that is allowed without any
/// permit stays as it is: it would go with this application if that were withdrawn.
fn permit(
    record: &mut SenderRecord,
    application: &Application,
    wish: &MethodWish,
    (past, now): (&Past, i64),
) {
    let own = own_basis(application);
    let mut permits = record.permits.iter().filter(|permit| permit.method == wish.method);
    let is_own = permits.clone().any(|permit| permit.basis.contains(&own));
    let is_allowed = record.allowance.methods.contains(&wish.method);
    let taken_away = !is_own && past.methods.contains(&wish.method);
    if taken_away || (is_allowed && permits.next().is_none()) {
        return;
    }
    if !is_allowed {
        record.allowance.methods.push(wish.method);
        record.allowance.methods.sort_unstable();
    }
    let protocol = wish.test_protocol.as_ref();
    let protocol =
        protocol.map(|protocol| format!("{} sha256:{}", protocol.reference.trim(), protocol.sha256));
    set(record, (wish.method, &own), why_open(application, wish.method) + &basis(application), protocol, now);
    if wish.method == Method::Logging {
        record.allowance.logging = true;
        let own = format!("{LOGGING}{own}");
        set(record, (wish.method, &own), format!("{LOGGING}{}", basis(application)), None, now);
    }
}

/// Keeps one permit whose basis holds `own`, with the time of the first.
fn set(
    record: &mut SenderRecord,
    (method, own): (Method, &str),
    basis: String,
    protocol: Option<String>,
    now: i64,
) {
    let is_own = |permit: &&mut Permit| {
        let is_logging = permit.basis.starts_with(LOGGING);
        permit.method == method && permit.basis.contains(own) && is_logging == own.starts_with(LOGGING)
    };
    match record.permits.iter_mut().find(is_own) {
        Some(permit) => (permit.basis, permit.protocol) = (basis, protocol),
        None => record.permits.push(Permit { method, basis, protocol, since: now }),
    }
}

/// F-4, I-7: why method 2 is open to this organisation.
fn why_open(application: &Application, method: Method) -> String {
    match (method, application.form().organisation.kind) {
        (Method::OwnMeans, Some(Kind::Bank)) => "bank: ".to_owned(),
        (Method::OwnMeans, _) => "security operations centre: ".to_owned(),
        _ => String::new(),
    }
}

fn own_basis(application: &Application) -> String {
    format!("integration application {}", application.id())
}

/// The application, and once it was accepted the testing act by the digest of its JWS.
fn basis(application: &Application) -> String {
    let own = own_basis(application);
    match application.filed_act() {
        Some(act) if application.stage() == Stage::Production => {
            format!("{own}, testing act sha256:{}", hex(&sha256(act.jws.as_bytes())))
        }
        _ => own,
    }
}

/// Closes what the application opened here: its directory entries end, and methods that rest on nothing else go.
pub async fn close(site: &Site, application: &Application) -> Result<()> {
    let about = || registration::detail(json!({ "application": application.id() }));
    if let Some(known) = site.registry.senders.get(&application.form().sender_id) {
        let mut record = known.record.clone();
        let own = own_basis(application);
        let (mine, others): (Vec<_>, Vec<_>) =
            record.permits.into_iter().partition(|permit| permit.basis.contains(&own));
        record.permits = others;
        let permits = &record.permits;
        let rests = |method: Method| permits.iter().any(|permit| permit.method == method);
        let is_closed = |method: Method| mine.iter().any(|permit| permit.method == method) && !rests(method);
        record.allowance.methods.retain(|method| !is_closed(*method));
        record.allowance.logging &= !is_closed(Method::Logging);
        if !mine.is_empty() {
            let about = json!({ "application": application.id() });
            sender::keep(&site.access, record, known.revision, "closed by an application", about).await?;
        }
    }
    let seconds = site.now.div_euclid(1000);
    let own = |entry: &&DirectoryEntry| entry.application.as_deref() == Some(application.id());
    for entry in
        site.registry.entries.values().filter(own).filter(|entry| in_force(entry.expires_at, seconds))
    {
        let ended = DirectoryEntry { expires_at: Some(seconds), ..entry.clone() };
        registration::register(&site.access, Item::Entry(ended), entry.revision, "ended", about()).await?;
    }
    Ok(())
}
