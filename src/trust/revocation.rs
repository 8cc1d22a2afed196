//! Whether a certificate was revoked (trust.md 3): by the authority's list, or by asking its OCSP service.
//!
//! Where lists and OCSP are is configuration, never what a certificate says. No answer is a no: a list that
//! is stale, an authority that is out of reach, a certificate that it does not know. What is checked:
//!
//! * The certificate of a peer without pinned certificates, always.
//! * A pinned one whose issuer is a pinned authority, if there is a list of this authority, or OCSP is asked.
//!   Else the pin is the trust.
//! * The authorities above it, where there is a list of their own issuer.
//!
//! Until each source has given a list once, an authority without one may be the one whose list is missing:
//! then the answer is no as well.
//!
//! | file | what |
//! |---|---|
//! | `stream.rs` `moment.rs` `extension.rs` | DER that is never whole in memory; its times; its extensions |
//! | `list.rs` `index.rs` | a list, verified; its serial numbers, 20 bytes each |
//! | `book.rs` `source.rs` | the lists that hold; where they come from |
//! | `ocsp.rs` | questions to an authority, and its answers |
//! | `watch.rs` | the background: refreshing, figures, warnings |

pub mod book;
mod extension;
pub mod index;
pub mod list;
pub mod moment;
pub mod ocsp;
pub mod source;
mod stream;
pub mod watch;

use super::Distrust;
use super::certificate::Certificate;
use super::path::Authorities;
use crate::config::{RevocationMode, TrustRevocation};
use crate::gateway::http_client::{HttpClient, HttpError};
use book::{Book, Verdict};
use ocsp::{Ocsp, OcspError, Status};
use source::{Kind, Source};
use std::sync::{Arc, PoisonError, RwLock};

/// A certificate and those above it.
#[derive(Clone, Copy)]
pub struct Chain<'a> {
    /// Whose status is in question.
    pub leaf: &'a Certificate,
    /// Its issuer first; empty: nobody who is pinned.
    pub issuers: &'a [Arc<Certificate>],
    /// Whether it is trusted even without an issuer.
    pub is_pinned: bool,
}

/// How certificates are checked, and what is known of them.
pub struct Revocation {
    mode: RevocationMode,
    sources: Vec<Arc<Source>>,
    ocsp: Option<Ocsp>,
    /// What only OCSP could say is left open.
    asks_nobody: bool,
    /// Seconds between two looks at a source.
    interval: i64,
    book: RwLock<Arc<Book>>,
    client: HttpClient,
}

/// A question that only the authority can answer.
pub struct Question<'a> {
    ocsp: &'a Ocsp,
    authority: &'a Certificate,
}

impl Revocation {
    /// As `[trust.revocation]` says; `None`: nothing is checked. Nothing is read yet.
    ///
    /// # Errors
    /// A text that names the key.
    pub fn new(section: &TrustRevocation) -> Result<Option<Self>, String> {
        if section.mode == RevocationMode::None {
            return Ok(None);
        }
        let named = |key: &str| {
            let key = key.to_owned();
            move |e: HttpError| format!("trust.revocation.{key}: {e}")
        };
        let mut sources = Vec::new();
        for places in &section.lists {
            let mut source = |place: &str, kind, key| {
                let source = Source::new(place, kind, &section.keep).map_err(|e| {
                    format!("trust.revocation.lists: {key} must be a path or http://host/path ({e})")
                })?;
                sources.push(Arc::new(source));
                Ok::<_, String>(())
            };
            source(&places.full, Kind::Full, "full")?;
            if let Some(delta) = &places.delta {
                source(delta, Kind::Delta, "delta")?;
            }
        }
        let ocsp = match section.mode {
            RevocationMode::Ocsp | RevocationMode::OcspThenCrl => Some(
                Ocsp::new(&section.ocsp, section.ocsp_hash, section.ocsp_timeout_ms)
                    .map_err(named("ocsp"))?,
            ),
            RevocationMode::Crl | RevocationMode::None => None,
        };
        if sources.is_empty() && ocsp.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            mode: section.mode,
            sources,
            ocsp,
            asks_nobody: false,
            interval: i64::from(section.refresh_seconds),
            book: RwLock::default(),
            client: source::client().map_err(named("lists"))?,
        }))
    }

    /// Reads the lists that are on this machine, at `at` (Unix seconds).
    pub fn load(&self, authorities: &Authorities, at: i64) {
        for source in &self.sources {
            source.load(authorities, at);
        }
        self.renew();
    }

    /// Lets the lists hold that the sources have now.
    fn renew(&self) {
        // Held while they are collected: of two that do this at once, the later one knows more.
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let lists: Vec<_> = self.sources.iter().filter_map(|source| source.list()).collect();
        *book = Arc::new(Book::new(&lists, lists.len() == self.sources.len()));
    }

    fn book(&self) -> Arc<Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sources of lists.
    #[must_use]
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// What holds of a certificate at `at` (Unix seconds).
    ///
    /// # Errors
    /// Those of [`Revocation::look_up`] and [`Question::ask`].
    pub async fn check(&self, chain: Chain<'_>, at: i64) -> Result<(), Distrust> {
        match self.look_up(chain, at)? {
            None => Ok(()),
            Some(question) => {
                let answer = question.ocsp.status(chain.leaf, question.authority, &self.book(), at).await;
                self.judge(answer, chain, at)
            }
        }
    }

    /// What the lists say at `at` (Unix seconds), and what is left to ask: a matter of a microsecond.
    ///
    /// # Errors
    /// [`Distrust::Revoked`], [`Distrust::AuthorityRevoked`], [`Distrust::ListStale`],
    /// [`Distrust::RevocationUnknown`].
    pub fn look_up<'a>(&'a self, chain: Chain<'a>, at: i64) -> Result<Option<Question<'a>>, Distrust> {
        let Some(authority) = chain.issuers.first() else { return Ok(None) };
        let book = self.book();
        for (certificate, issuer) in chain.issuers.iter().zip(chain.issuers.iter().skip(1)) {
            match book.verdict(certificate, issuer, at) {
                Verdict::Revoked(since) => return Err(Distrust::AuthorityRevoked(since)),
                Verdict::NoList if book.is_complete => {}
                verdict => believed(verdict)?,
            }
        }
        match &self.ocsp {
            Some(_) if self.asks_nobody => Ok(None),
            Some(ocsp) => Ok(Some(Question { ocsp, authority })),
            None => match book.verdict(chain.leaf, authority, at) {
                Verdict::NoList if chain.is_pinned && book.is_complete => Ok(None),
                verdict => believed(verdict).map(|()| None),
            },
        }
    }

    /// Leaves open from now on what OCSP would say; whether there is one, and whether there are lists.
    pub(super) fn ask_nobody(&mut self) -> (bool, bool) {
        self.asks_nobody = true;
        (self.ocsp.is_some(), !self.sources.is_empty())
    }

    fn judge(&self, answer: Result<Status, OcspError>, chain: Chain<'_>, at: i64) -> Result<(), Distrust> {
        match answer {
            Ok(Status::Good) => Ok(()),
            Ok(Status::Revoked(since)) => Err(Distrust::Revoked(since)),
            Ok(Status::Unknown) => Err(Distrust::StatusUnknown),
            Err(OcspError::Answer(error)) => Err(Distrust::Ocsp(error)),
            Err(OcspError::Unavailable) if self.mode == RevocationMode::OcspThenCrl => {
                let book = self.book();
                believed(chain.issuers.first().map_or(Verdict::NoList, |a| book.verdict(chain.leaf, a, at)))
            }
            Err(OcspError::Unavailable) => Err(Distrust::RevocationUnknown),
        }
    }
}

fn believed(verdict: Verdict) -> Result<(), Distrust> {
    match verdict {
        Verdict::Good => Ok(()),
        Verdict::Revoked(since) => Err(Distrust::Revoked(since)),
        Verdict::Stale(since) => Err(Distrust::ListStale(since)),
        Verdict::NoList => Err(Distrust::RevocationUnknown),
    }
}
