//! Asking an authority whether it revoked a certificate: OCSP (RFC 6960) over plain HTTP.
//!
//! One question at a time for each certificate; answers are remembered until they go stale, and so is for
//! some seconds that there is none: thousands of messages of one peer ask once. While the service is out of reach,
//! only the message that asks again waits for it; an answer that is about to go stale is renewed while it still serves.

mod answer;
mod id;
mod request;
mod slot;

pub use answer::{AnswerError, Asked, FRESH, Status, read};
pub use id::Hash;

use super::book::Book;
use crate::gateway::http_client::{HttpClient, HttpError};
use crate::random::{Random as _, SystemRandom};
use crate::trust::certificate::Certificate;
use bytes::Bytes;
use hyper::Uri;
use slot::{Known, Slot};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most certificates whose answers are remembered.
const CACHE: usize = 4096;

/// Why there is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspError {
    /// Out of reach, too slow, or it says to try later.
    Unavailable,
    /// It answered, and the answer is not to be believed.
    Answer(AnswerError),
}

/// An OCSP service, and what it answered.
pub struct Ocsp {
    service: Arc<Service>,
    remembered: Mutex<HashMap<[u8; 32], Arc<Slot>>>,
}

/// Where questions are put.
struct Service {
    uri: Uri,
    hash: Hash,
    client: HttpClient,
    random: SystemRandom,
    tally: [AtomicU64; OUTCOMES.len()],
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
        let (random, tally) = (SystemRandom::default(), Default::default());
        let service = Service { uri, hash, client, random, tally };
        Ok(Self { service: Arc::new(service), remembered: Mutex::default() })
    }

    /// The status of `certificate`, issued by `authority`, at `at` (Unix seconds). Whom `book` calls revoked may not
    /// answer in the authority's place. It must be called within a runtime, on which answers are renewed.
    ///
    /// # Errors
    /// [`OcspError`].
    pub async fn status(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        book: &Arc<Book>,
        at: i64,
    ) -> Result<Status, OcspError> {
        let slot = self.slot(certificate.fingerprint);
        let _turn = match slot.known(at) {
            Known::Fresh(status) => return Ok(status),
            Known::Ending(status) => {
                self.renew(slot, certificate, authority, book.clone(), at);
                return Ok(status);
            }
            Known::Failed(error) => return Err(error),
            Known::Failing(error) => slot.try_turn().ok_or(error)?,
            Known::Nothing => slot.turn().await,
        };
        // Who had the turn before may have learned it.
        match slot.known(at) {
            Known::Fresh(status) | Known::Ending(status) => Ok(status),
            Known::Failed(error) => Err(error),
            Known::Failing(_) | Known::Nothing => {
                let answer = self.service.ask(certificate, authority, book, at).await;
                slot.remember(answer, at);
                answer.map(|(status, _)| status)
            }
        }
    }

    /// Asks in the background, unless somebody does already.
    fn renew(
        &self,
        slot: Arc<Slot>,
        certificate: &Certificate,
        authority: &Certificate,
        book: Arc<Book>,
        at: i64,
    ) {
        let Some(turn) = slot.try_turn() else { return };
        let (certificate, authority) = (certificate.der().to_vec(), authority.der().to_vec());
        let service = self.service.clone();
        tokio::spawn(async move {
            let _turn = turn;
            let read = |der: &[u8]| Certificate::from_der(der);
            if let (Ok(certificate), Ok(authority)) = (read(&certificate), read(&authority)) {
                slot.remember(service.ask(&certificate, &authority, &book, at).await, at);
            }
        });
    }

    fn slot(&self, fingerprint: [u8; 32]) -> Arc<Slot> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= CACHE && !remembered.contains_key(&fingerprint) {
            remembered.clear();
        }
        remembered.entry(fingerprint).or_default().clone()
    }

    /// What questions came to since this was asked last: a word and a number each.
    pub fn take_tally(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOMES.into_iter().zip(self.service.tally.iter().map(|count| count.swap(0, Ordering::Relaxed)))
    }
}

impl Service {
    /// The status, and until when it is fresh.
    async fn ask(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        book: &Book,
        at: i64,
    ) -> Result<(Status, i64), OcspError> {
        let answer = self.exchange(certificate, authority, book, at).await;
        self.count(answer);
        answer
    }

    async fn exchange(
        &self,
        certificate: &Certificate,
        authority: &Certificate,
        book: &Book,
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
        let asked = Asked { certificate, authority, book, nonce: &nonce };
        answer::read(&answer.body, &asked, at).map_err(|error| match error {
            AnswerError::TryLater => OcspError::Unavailable,
            other => OcspError::Answer(other),
        })
    }

    fn count(&self, answer: Result<(Status, i64), OcspError>) {
        let [good, revoked, unknown, unavailable, not_believed] = &self.tally;
        let count = match answer {
            Ok((Status::Good, _)) => good,
            Ok((Status::Revoked(_), _)) => revoked,
            Ok((Status::Unknown, _)) => unknown,
            Err(OcspError::Unavailable) => unavailable,
            Err(OcspError::Answer(_)) => not_believed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
