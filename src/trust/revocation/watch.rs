//! The background: lists are refreshed, figures set, and warnings given well before something goes stale or
//! ends.

use super::moment;
use super::source::{Kind, Source, short};
use crate::metric::{CertificateLabels, ListLabels, OcspLabels, RevocationMetrics, SourceErrorLabels};
use crate::random::Random;
use crate::trust::{Expiry, Trust};
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use tokio::task::JoinSet;

/// Before how many days the end of a certificate is told.
const DAYS: [i64; 3] = [30, 7, 1];
const DAY: i64 = 86_400;

/// What goes stale or ends, and how soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The source of a list, or the file of a certificate.
    pub name: String,
    /// A sentence about it, for the operator.
    pub text: String,
    /// The smaller, the worse; 0: it has happened.
    level: i64,
}

/// What an operator should know at `at` (Unix seconds) of the lists and certificates of `trust`, and of
/// others.
#[must_use]
pub fn notices(trust: &Trust, others: &[Expiry], at: i64) -> Vec<Notice> {
    let sources = trust.revocation().map(|revocation| revocation.sources()).unwrap_or_default();
    let lists = sources.iter().filter_map(|source| of_list(source, at));
    lists
        .chain(trust.expiries().iter().chain(others).filter_map(|expiry| of_certificate(expiry, at)))
        .collect()
}

fn of_list(source: &Source, at: i64) -> Option<Notice> {
    let why = source.error().map(|(_, text)| format!(" ({text})")).unwrap_or_default();
    let notice = |level, text: String| Some(Notice { name: source.name.clone(), text: text + &why, level });
    let Some(list) = source.list() else {
        return notice(
            0,
            "no list of revoked certificates was ever read: messages are refused that need one".to_owned(),
        );
    };
    let (left, whole) = (list.next_update - at, list.next_update - list.this_update);
    let when = moment::text(list.next_update);
    if left < 0 {
        let so = match source.kind {
            Kind::Full => "messages are refused that need it",
            Kind::Delta => "what was revoked since is unknown until the next full list",
        };
        return notice(0, format!("the list of revoked certificates is stale since {when}: {so}"));
    }
    // Lists are renewed long before: when three quarters of the term are over, something is wrong.
    (left < whole / 4).then(|| notice(1, format!("the list of revoked certificates goes stale at {when}")))?
}

fn of_certificate(expiry: &Expiry, at: i64) -> Option<Notice> {
    let left = expiry.until - at;
    let when = moment::text(expiry.until);
    let (level, text) = if left < 0 {
        (0, format!("the certificate has ended at {when}"))
    } else {
        let days = DAYS.into_iter().filter(|days| left < days * DAY).min()?;
        (days, format!("the certificate ends at {when}, in less than {days} days"))
    };
    Some(Notice { name: expiry.name.clone(), text, level })
}

/// The background's memory.
#[derive(Default)]
pub struct Watch {
    /// Whose figures are told.
    trust: Weak<Trust>,
    /// Sources that are being asked; they end with this.
    tasks: JoinSet<()>,
    /// How bad each notice was when it was logged.
    told: HashMap<String, i64>,
}

impl Watch {
    /// One round at `at` (Unix seconds): begins to ask the sources that are due, sets the figures, and logs
    /// what is new. `others` are certificates beside those of `trust`.
    pub fn tick(
        &mut self,
        trust: &Arc<Trust>,
        others: &[Expiry],
        metrics: &RevocationMetrics,
        random: &dyn Random,
        at: i64,
    ) {
        while self.tasks.try_join_next().is_some() {}
        begin(&mut self.tasks, trust, random, at);
        if !std::ptr::eq(self.trust.as_ptr(), Arc::as_ptr(trust)) {
            // Sources may be gone.
            metrics.clear();
            self.trust = Arc::downgrade(trust);
        }
        measure(trust, others, metrics, at);
        let notices = notices(trust, others, at);
        self.told.retain(|name, _| notices.iter().any(|notice| notice.name == *name));
        for Notice { name, text, level } in notices {
            if self.told.get(&name).is_some_and(|told| *told <= level) {
                continue;
            }
            if level == 0 {
                tracing::error!(name, problem = text, "trust");
            } else {
                tracing::warn!(name, problem = text, "trust");
            }
            self.told.insert(name, level);
        }
    }
}

/// Asks the sources that are due, all at the same time, and waits for them.
pub async fn refresh(trust: &Arc<Trust>, random: &dyn Random, at: i64) {
    let mut tasks = JoinSet::new();
    begin(&mut tasks, trust, random, at);
    while tasks.join_next().await.is_some() {}
}

/// Begins to ask the sources that are due; the new lists hold as they come, so that a slow source holds up
/// nobody.
fn begin(tasks: &mut JoinSet<()>, trust: &Arc<Trust>, random: &dyn Random, at: i64) {
    let Some(revocation) = trust.revocation() else { return };
    for source in revocation.sources().iter().filter(|source| source.claim(at)) {
        let mut spread = [0];
        // Without randomness all come at the same time, which is no harm.
        let _ = random.fill(&mut spread);
        let (source, trust, revocation) = (source.clone(), trust.clone(), revocation.clone());
        tasks.spawn(async move {
            let moment = (at, u8::from_be_bytes(spread));
            let refreshed =
                source.clone().refresh(trust, &revocation.client, revocation.interval, moment).await;
            if let Some(error) = &refreshed.error {
                tracing::warn!(source = source.name, %error, "no new list; the last one stays");
            }
            if refreshed.is_new {
                revocation.renew();
                tell(&source);
            }
        });
    }
}

fn tell(source: &Source) {
    if let Some(list) = source.list() {
        let (this_update, next_update) = (moment::text(list.this_update), moment::text(list.next_update));
        let (name, entries) = (&source.name, list.len());
        tracing::info!(
            source = name,
            entries,
            this_update,
            next_update,
            "a list of revoked certificates holds"
        );
    }
}

fn measure(trust: &Trust, others: &[Expiry], metrics: &RevocationMetrics, at: i64) {
    for expiry in trust.expiries().iter().chain(others) {
        let labels = CertificateLabels { file: expiry.name.clone() };
        metrics.certificate_left.get_or_create(&labels).set(expiry.until - at);
    }
    let Some(revocation) = trust.revocation() else { return };
    metrics.source_error.clear();
    for source in revocation.sources() {
        if let Some(list) = source.list() {
            let issuer = short(&list.authority);
            let labels = ListLabels { source: source.name.clone(), issuer };
            metrics.list_age.get_or_create(&labels).set(at - list.this_update);
            metrics.list_left.get_or_create(&labels).set(list.next_update - at);
            metrics.list_entries.get_or_create(&labels).set(i64::try_from(list.len()).unwrap_or(i64::MAX));
        }
        if let Some((error, _)) = source.error() {
            let labels = SourceErrorLabels { source: source.name.clone(), error };
            metrics.source_error.get_or_create(&labels).set(1);
        }
    }
    for (outcome, count) in revocation.ocsp.iter().flat_map(super::Ocsp::take_tally) {
        metrics.ocsp.get_or_create(&OcspLabels { outcome }).inc_by(count);
    }
}
