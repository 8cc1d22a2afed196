//! Asking an authority whether it revoked a certificate: OCSP (RFC 6960) over plain HTTP.
//!
//! One question at a time for each certificate; answers are remembered until they go stale, and so is for
//! some seconds that there is none: thousands of messages of one peer ask once.

mod answer;
mod id;
mod request;

pub use answer::{AnswerError, Asked, FRESH, Status, read};
pub use id::Hash;

use crate::gateway::http_client::{HttpClient, HttpError};
use crate::random::{Random as _, SystemRandom};
use crate::trust::certificate::Certificate;
use bytes::Bytes;
use hyper::Uri;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most certificates whose answers are remembered.
const CACHE: usize = 4096;
/// How long no answer is remembered, seconds.
const PAUSE: i64 = 5;

/// Why there is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspError {
    /// Out of reach, too slow, or it says to try later.
    Unavailable,
    /// It answered, and the answer is not to be believed.
    Answer(AnswerError),
}

/// An OCSP service.
pub struct Ocsp {
    uri: Uri,
    hash: Hash,
    client: HttpClient,
    random: SystemRandom,
    remembered: Mutex<HashMap<[u8; 32], Slot>>,
    tally: [AtomicU64; OUTCOMES.len()],
}

/// Held while the question is asked.
type Slot = Arc<tokio::sync::Mutex<Option<Remembered>>>;

struct Remembered {
    result: Result<Status, OcspError>,
    /// Unix seconds.
    until: i64,
}

/// What questions come to, for metrics.
const OUTCOMES: [&str; 5] = ["good", "revoked", "unknown", "unavailable", "not-believed"];

impl Ocsp {
    /// A service at an `http://` address; a question takes at most `timeout_ms` milliseconds.
    ///
    /// # Errors
    /// [`HttpError::Address`].
    pub fn new(address: &str, hash: Hash, timeout_ms: u32) -> Result<Self, HttpError> {
        let uri: Uri = address.parse().map_err(|_| HttpError::Address)?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() || address.contains('@') {
            return Err(HttpError::Address);
        }
        let client = HttpClient::new(Duration::from_millis(timeout_ms.into()), None)?;
        let (random, remembered, tally) = (SystemRandom::default(), Mutex::default(), Default::default());
        Ok(Self { uri, hash, client, random, remembered, tally })
    }

    /// The status of `certificate`, issued by `authority`, at `at` (Unix seconds).
    ///
    /// # Errors
    /// [`OcspError`].
    pub async fn status(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        at: i64,
    ) -> Result<Status, OcspError> {
        let slot = self.slot(certificate.fingerprint);
        let mut slot = slot.lock().await;
        if let Some(remembered) = slot.as_ref().filter(|remembered| at <= remembered.until) {
            return remembered.result;
        }
        let (result, until) = match self.ask(certificate, authority, at).await {
            Ok((status, until)) => (Ok(status), until),
            Err(error) => (Err(error), at + PAUSE),
        };
        self.count(result);
        *slot = Some(Remembered { result, until });
        result
    }

    fn slot(&self, fingerprint: [u8; 32]) -> Slot {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= CACHE {
            remembered.clear();
        }
        remembered.entry(fingerprint).or_default().clone()
    }

    /// The status, and until when it is fresh.
    async fn ask(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        at: i64,
    ) -> Result<(Status, i64), OcspError> {
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce).map_err(|_| OcspError::Unavailable)?;
        let id = id::CertId::of(self.hash, certificate, authority);
        let id = id.map_err(|_| OcspError::Answer(AnswerError::NotAbout))?;
        let request = Bytes::from(request::write(&id, &nonce));
        let sent = self.client.post(&self.uri, "application/ocsp-request", request).await;
        let answer = sent.map_err(|_| OcspError::Unavailable)?;
        if answer.status != 200 {
            return Err(OcspError::Unavailable);
        }
        let asked = Asked { certificate, authority, nonce: &nonce };
        answer::read(&answer.body, &asked, at).map_err(|error| match error {
            AnswerError::TryLater => OcspError::Unavailable,
            other => OcspError::Answer(other),
        })
    }

    fn count(&self, result: Result<Status, OcspError>) {
        let [good, revoked, unknown, unavailable, not_believed] = &self.tally;
        let count = match result {
            Ok(Status::Good) => good,
            Ok(Status::Revoked(_)) => revoked,
            Ok(Status::Unknown) => unknown,
            Err(OcspError::Unavailable) => unavailable,
            Err(OcspError::Answer(_)) => not_believed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// What questions came to since this was asked last: a word and a number each.
    pub fn take_tally(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOMES.into_iter().zip(self.tally.iter().map(|count| count.swap(0, Ordering::Relaxed)))
    }
}
