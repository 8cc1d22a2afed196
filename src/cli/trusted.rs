//! What the commands that look at certificates take as trusted: `--trust`, `--at`, `--crl`, `--ocsp`.

use super::{Failure, Result, argument};
use kdp::trust::certificate::Certificate;
use kdp::trust::nca;
use kdp::trust::path::Authorities;
use kdp::trust::revocation::book::{Book, Verdict};
use kdp::trust::revocation::list::List;
use kdp::trust::revocation::ocsp::{Hash, Ocsp, Status};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// How long an OCSP service may take, milliseconds: a person is waiting.
const OCSP_TIMEOUT: u32 = 10_000;

/// The flags.
#[derive(clap::Args)]
pub struct Trusted {
    /// A certificate of an authority, PEM or DER, repeatable; without it, those of the national PKI that the program
    /// was released with
    #[arg(long, value_name = "CERT")]
    pub trust: Vec<PathBuf>,
    /// When it must be valid, as 2026-04-01T12:00:00+05:00; now, when it is not given
    #[arg(long)]
    pub at: Option<String>,
    /// A list of revoked certificates, DER, full or delta, repeatable
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    #[arg(help = "An OCSP service to ask, as http://ocsp.pki.gov.kz", long, value_name = "URL")]
    pub ocsp: Option<String>,
}

/// What is known of revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// Neither `--crl` nor `--ocsp` was given.
    NotChecked,
    /// It is not.
    No,
    /// Since then, Unix seconds.
    Since(i64),
    /// The list ended then, Unix seconds.
    Stale(i64),
    /// Nobody knows it, or nobody answers.
    Unknown,
}

impl Trusted {
    /// When, Unix seconds.
    pub fn at(&self) -> Result<i64> {
        argument::time("--at", self.at.as_deref())
    }

    /// The authorities.
    pub fn authorities(&self) -> Result<Authorities> {
        if self.trust.is_empty() {
            return Ok(nca::production()?);
        }
        let mut authorities = Authorities::default();
        for path in &self.trust {
            let named = |error| Failure::unusable(format!("{}: {error}", path.display()));
            authorities.add(argument::certificate(path)?).map_err(named)?;
        }
        Ok(authorities)
    }

    /// Whether a certificate is revoked: by OCSP, if that is given, or by the lists.
    pub async fn revoked(
        &self,
        certificate: &Certificate,
        authorities: &Authorities,
        at: i64,
    ) -> Result<Revoked> {
        let Ok(issuer) = authorities.issuer_of(certificate) else { return Ok(Revoked::NotChecked) };
        if let Some(url) = &self.ocsp {
            let ocsp = Ocsp::new(url, Hash::Sha1, OCSP_TIMEOUT)
                .map_err(|error| Failure::unusable(format!("--ocsp: {error}")))?;
            return Ok(match ocsp.status(certificate, issuer, &Arc::default(), at).await {
                Ok(Status::Good) => Revoked::No,
                Ok(Status::Revoked(since)) => Revoked::Since(since),
                Ok(Status::Unknown) | Err(_) => Revoked::Unknown,
            });
        }
        if self.crl.is_empty() {
            return Ok(Revoked::NotChecked);
        }
        let mut lists = Vec::new();
        for path in &self.crl {
            let named = |error: String| Failure::unusable(format!("{}: {error}", path.display()));
            let file = File::open(path).map_err(|error| named(error.kind().to_string()))?;
            lists.push(Arc::new(List::read(file, authorities).map_err(|error| named(error.to_string()))?));
        }
        Ok(match Book::new(&lists, true).verdict(certificate, issuer, at) {
            Verdict::Good => Revoked::No,
            Verdict::Revoked(since) => Revoked::Since(since),
            Verdict::Stale(since) => Revoked::Stale(since),
            Verdict::NoList => Revoked::Unknown,
        })
    }
}
