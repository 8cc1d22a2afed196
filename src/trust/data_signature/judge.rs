//! Whose signatures on the data are believed (trust.md 3).

use super::{Signature, Signed};
use crate::text::FaultCode;
use crate::trust::algorithm::sha256;
use crate::trust::certificate::Certificate;
use crate::trust::path::Authorities;
use crate::trust::revocation::Chain;
use crate::trust::{Distrust, Trust};
use std::fmt;
use std::sync::Arc;

/// Who signed the data, believed.
#[derive(Clone)]
pub struct Signatory {
    /// Of the signer: what it says of role, organisation and person is the authority's word.
    pub certificate: Arc<Certificate>,
    /// The pinned authorities above it, who issued it first: they are asked whether it was revoked.
    pub issuers: Vec<Arc<Certificate>>,
}

/// Shows no number of a person.
impl fmt::Debug for Signatory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = &self.certificate;
        f.debug_struct("Signatory")
            .field("role", &certificate.role)
            .field("bin", &certificate.bin)
            .field("iin", &certificate.iin.as_deref().map(masked))
            .finish_non_exhaustive()
    }
}

/// The last four of the twelve digits of a person's number, the others hidden.
#[must_use]
pub fn masked(iin: &str) -> String {
    let hidden = iin.chars().count().saturating_sub(4);
    iin.chars().enumerate().map(|(at, digit)| if at < hidden { '*' } else { digit }).collect()
}

/// Why the signatures on the data are not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataDistrust {
    /// They cannot be told from each other, or there are none.
    #[error("the data: {0}")]
    All(Distrust),
    /// One of them, counted from 1.
    #[error("signature {0} on the data: {1}")]
    One(usize, Distrust),
}

impl DataDistrust {
    /// Which rule does not hold.
    #[must_use]
    pub fn distrust(self) -> Distrust {
        match self {
            Self::All(distrust) | Self::One(_, distrust) => distrust,
        }
    }

    /// SCE017 for unsigned, SCE015 for the certificate, SCE016 for the signature (wire.md 4).
    #[must_use]
    pub fn fault(self) -> FaultCode {
        match self.distrust().fault() {
            FaultCode::TransportUnsigned => FaultCode::DataUnsigned,
            FaultCode::TransportCertificate => FaultCode::DataCertificate,
            _ => FaultCode::DataSignature,
        }
    }
}

impl Certificate {
    /// Whether it may sign data at `at` (Unix seconds): its `keyUsage` must hold `nonRepudiation` too.
    ///
    /// # Errors
    /// Those of [`Certificate::may_sign`].
    pub fn may_sign_data(&self, at: i64) -> Result<(), Distrust> {
        self.may_sign(at)?;
        let stands_by_it = self.usage.is_some_and(|usage| usage.digital_signature && usage.non_repudiation);
        if stands_by_it { Ok(()) } else { Err(Distrust::Usage) }
    }
}

impl Signed<'_, '_> {
    /// Verifies every signature, the last one first, and that its certificate was issued by one of `authorities` and
    /// was good at `at` (Unix seconds). Signatories stand in the order of signing; whether a certificate was revoked
    /// is for the caller to ask: [`Trust::are_in_force`].
    ///
    /// # Errors
    /// The first rule that does not hold, and of which signature.
    pub fn verify(&self, authorities: &Authorities, at: i64) -> Result<Vec<Signatory>, DataDistrust> {
        self.verify_by(&|der| Signatory::of(der, authorities), at)
    }

    fn verify_by(&self, find: Find<'_>, at: i64) -> Result<Vec<Signatory>, DataDistrust> {
        let mut signatories = Vec::with_capacity(self.signatures.len());
        for (at_place, signature) in self.signatures.iter().enumerate().rev() {
            let believed = match signature {
                Ok(signature) => signature.signatory(find, at),
                Err(distrust) => Err(*distrust),
            };
            signatories.push(believed.map_err(|distrust| DataDistrust::One(at_place + 1, distrust))?);
        }
        signatories.reverse();
        Ok(signatories)
    }
}

/// Finds the certificate with those above it, from its DER.
type Find<'f> = &'f dyn Fn(&[u8]) -> Result<Signatory, Distrust>;

impl Signatory {
    fn of(der: &[u8], authorities: &Authorities) -> Result<Self, Distrust> {
        let certificate = Certificate::from_der(der)?;
        let issuers = authorities.path(&certificate)?;
        Ok(Self { certificate: Arc::new(certificate), issuers })
    }
}

impl Signature<'_, '_> {
    fn signatory(&self, find: Find<'_>, at: i64) -> Result<Signatory, Distrust> {
        let signatory = find(&self.certificate)?;
        signatory.certificate.may_sign_data(at)?;
        self.verify(&signatory.certificate)?;
        Ok(signatory)
    }
}

impl Trust {
    /// Verifies the signatures on the data of a message at `at` (Unix seconds).
    ///
    /// # Errors
    /// Those of [`Signed::data`], [`Signed::document`] and [`Signed::verify`].
    pub fn signatories(
        &self,
        signed: Result<Signed<'_, '_>, Distrust>,
        at: i64,
    ) -> Result<Vec<Signatory>, DataDistrust> {
        let believed = signed.map_err(DataDistrust::All)?.verify_by(&|der| self.signatory(der), at)?;
        for signatory in &believed {
            self.signatories.remember(signatory.certificate.fingerprint, || signatory.clone());
        }
        Ok(believed)
    }

    /// From memory, or by its path.
    fn signatory(&self, der: &[u8]) -> Result<Signatory, Distrust> {
        match self.signatories.recall(&sha256(der)) {
            Some(known) => Ok(known),
            None => Signatory::of(der, &self.authorities),
        }
    }

    /// Asks of each signatory whether the certificate is revoked at `at` (Unix seconds), if that is checked at all.
    ///
    /// # Errors
    /// Those of [`Trust::is_not_revoked`], and of which signature.
    pub async fn are_in_force(&self, signatories: &[Signatory], at: i64) -> Result<(), DataDistrust> {
        for (at_place, signatory) in signatories.iter().enumerate() {
            let Signatory { certificate, issuers } = signatory;
            let is_pinned = self.by_fingerprint.contains_key(&certificate.fingerprint);
            let chain = Chain { leaf: certificate, issuers, is_pinned };
            let checked = self.is_not_revoked(chain, at).await;
            checked.map_err(|distrust| DataDistrust::One(at_place + 1, distrust))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_person_is_shown_by_its_end_alone() {
        assert_eq!(masked("800101399015"), "********9015");
        assert_eq!(masked("15"), "15");
        assert_eq!(masked(""), "");
    }
}
