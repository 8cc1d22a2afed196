//! Certificate paths to pinned authorities (RFC 5280, 6; trust.md 3).
//!
//! Trust is a set of certificates, never a name: two roots of НУЦ share one. An issuer is sought by name, key identifier
//! and time, and is the issuer only if its key verifies.

use super::Distrust;
use super::certificate::Certificate;
use std::sync::Arc;

/// Longest path: a leaf, an issuing authority and a root are three; another one may stand between.
const LONGEST: usize = 4;

/// The pinned authorities.
#[derive(Default)]
pub struct Authorities {
    pinned: Vec<Arc<Certificate>>,
}

impl Authorities {
    /// Trusts an authority.
    ///
    /// # Errors
    /// [`Distrust::Usage`] when the certificate is no authority's; those of [`Certificate::key`] when nothing that it
    /// signed could be verified.
    pub fn add(&mut self, certificate: Certificate) -> Result<(), Distrust> {
        if !certificate.is_authority() {
            return Err(Distrust::Usage);
        }
        certificate.key()?;
        self.pinned.push(Arc::new(certificate));
        Ok(())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Certificate>> {
        self.pinned.iter()
    }

    /// The pinned authority that issued `certificate`.
    ///
    /// # Errors
    /// [`Distrust::Untrusted`]: none has the name, the key identifier and the time; [`Distrust::IssuerSignature`] or
    /// [`Distrust::IssuerAlgorithm`]: one has, but did not sign it.
    pub fn issuer_of(&self, certificate: &Certificate) -> Result<&Arc<Certificate>, Distrust> {
        let mut refused = Distrust::Untrusted;
        for authority in self.pinned.iter().filter(|authority| certificate.names_as_issuer(authority)) {
            match certificate.is_signed_by(authority) {
                Ok(()) => return Ok(authority),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// The authorities above `certificate`: who issued it first, a root or the last pinned one at the end.
    ///
    /// # Errors
    /// Those of [`Authorities::issuer_of`] for the first step; that an authority's own issuer is not pinned is no
    /// error: the authority is.
    pub fn path(&self, certificate: &Certificate) -> Result<Vec<Arc<Certificate>>, Distrust> {
        let mut path = vec![self.issuer_of(certificate)?.clone()];
        while let Some(last) = path.last().filter(|last| !last.is_self_issued() && path.len() + 1 < LONGEST) {
            match self.issuer_of(last) {
                Ok(above) => path.push(above.clone()),
                Err(Distrust::Untrusted) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(path)
    }
}
