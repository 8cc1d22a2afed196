//! Who signed a message, and whether we believe it (trust.md 1 and 3).
//!
//! [`Verified`] can be made here only; everything after it reads from the node that the signature covers.

pub mod algorithm;
pub mod certificate;
mod dsig;
mod name;
pub mod outgoing;
pub mod sign;

use crate::consent::identity::Bin;
use crate::soap::envelope::Envelope;
use crate::text::FaultCode;
use crate::xml::Element;
use certificate::Certificate;
use name::DistinguishedName;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Most certificates that are remembered as trusted.
const CACHE: usize = 4096;

/// Why a message is not believed. Display names the rule, never content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// No `wsse:Security` for us, or no `ds:Signature` in it.
    #[error("the message is not signed: wsse:Security with one ds:Signature is missing")]
    Unsigned,
    /// More than one of what must be one; names it.
    #[error("there must be exactly one {0}")]
    NotOne(&'static str),
    /// An element of the signature is missing or misplaced; names it.
    #[error("the signature is incomplete or malformed at {0}")]
    Structure(&'static str),
    /// The reference does not name the Body of this envelope.
    #[error("the reference must be # and the wsu:Id of the Body that is the child of the Envelope")]
    NotTheBody,
    /// The id stands on more than one element.
    #[error("the referenced id stands on more than one element")]
    IdNotUnique,
    /// Other transforms than exactly exclusive C14N.
    #[error("the transforms must be exactly one: exclusive C14N without comments")]
    Transforms,
    /// Another canonicalisation of `SignedInfo`.
    #[error("CanonicalizationMethod must be exclusive C14N without comments")]
    Canonicalization,
    /// The canonical form does not exist (a relative namespace).
    #[error("the signed element has no canonical form")]
    NotCanonical,
    /// An algorithm that is not on the list; names the element.
    #[error("the algorithm of {0} is not accepted: rsa-sha256 and sha256 are")]
    Algorithm(&'static str),
    /// A comment inside `ds:Signature`.
    #[error("a comment stands inside ds:Signature")]
    Comment,
    /// Base64 that is not.
    #[error("a base64 value is malformed")]
    Base64,
    /// The Body was changed after it was signed.
    #[error("DigestValue does not match the Body")]
    Digest,
    /// The signature value does not verify.
    #[error("SignatureValue does not verify")]
    SignatureValue,
    /// The key cannot make such signatures.
    #[error("the certificate's key does not fit the signature method")]
    KeyKind,
    /// `X509IssuerSerial` of a certificate that nobody registered.
    #[error("no registered certificate has this issuer and serial number")]
    CertificateUnknown,
    /// Not a certificate.
    #[error("the certificate cannot be read")]
    CertificateMalformed,
    /// Past its validity.
    #[error("the certificate has expired")]
    Expired,
    /// Before its validity.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// `keyUsage` does not allow digital signatures, or it is an authority's.
    #[error("the certificate is not for signing messages")]
    Usage,
    /// Neither pinned nor issued by a pinned authority.
    #[error("the certificate is not registered and not issued by a trusted authority")]
    Untrusted,
    /// Direct signers are known by the BIN in their certificate.
    #[error("the certificate holds no BIN")]
    NoBin,
}

impl Distrust {
    /// SCE007 for unsigned, SCE005 for the certificate, SCE006 for the signature (wire.md 4).
    #[must_use]
    pub fn fault(self) -> FaultCode {
        match self {
            Self::Unsigned => FaultCode::TransportUnsigned,
            Self::CertificateUnknown
            | Self::CertificateMalformed
            | Self::Expired
            | Self::NotYetValid
            | Self::Usage
            | Self::Untrusted
            | Self::NoBin => FaultCode::TransportCertificate,
            _ => FaultCode::TransportSignature,
        }
    }
}

/// Whose signatures are believed, and for whom they speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// ШЭП: may speak for any registered sender.
    Gateway,
    /// A sender that signs itself; `None`: any sender whose BIN its certificate carries.
    Direct(Option<String>),
}

/// A party whose signature is believed.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Name in the configuration.
    pub name: String,
    /// For whom it speaks.
    pub kind: PeerKind,
}

/// Who signed a message.
#[derive(Clone)]
pub struct Signer {
    /// The peer.
    pub peer: Arc<Peer>,
    /// The certificate.
    pub certificate: Arc<Certificate>,
}

impl Signer {
    /// Whether it may speak for the sender with this id and BIN.
    #[must_use]
    pub fn speaks_for(&self, sender_id: &str, bin: &Bin) -> bool {
        match &self.peer.kind {
            PeerKind::Gateway => true,
            PeerKind::Direct(named) => {
                named.as_ref().is_none_or(|n| n == sender_id) && self.certificate.bin.as_ref() == Some(bin)
            }
        }
    }
}

/// A Body whose signature was verified. Can be made by [`Trust::verify`] only.
pub struct Verified<'d, 'a> {
    body: Element<'d, 'a>,
    signer: Signer,
    digest: [u8; 32],
}

impl<'d, 'a> Verified<'d, 'a> {
    /// The Body that the signature covers.
    #[must_use]
    pub fn body(&self) -> Element<'d, 'a> {
        self.body
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// SHA-256 of the canonical Body: the identity of the message (wire.md 5).
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// The pinned certificates of peers and authorities.
#[derive(Default)]
pub struct Trust {
    pinned: Vec<(Arc<Certificate>, Arc<Peer>)>,
    by_fingerprint: HashMap<[u8; 32], usize>,
    authorities: Vec<Certificate>,
    /// Speaks for those who chain to an authority.
    chained: Option<Arc<Peer>>,
    /// Certificates found to chain, by SHA-256: the next message costs its own signature alone.
    known: RwLock<HashMap<[u8; 32], Arc<Certificate>>>,
}

impl Trust {
    /// Pins a certificate to a peer.
    pub fn pin(&mut self, certificate: Certificate, peer: Arc<Peer>) {
        self.by_fingerprint.insert(certificate.fingerprint, self.pinned.len());
        self.pinned.push((Arc::new(certificate), peer));
    }

    /// Trusts an authority.
    ///
    /// # Errors
    /// [`Distrust::Usage`] when the certificate is no authority's.
    pub fn add_authority(&mut self, certificate: Certificate) -> Result<(), Distrust> {
        if !certificate.is_authority() {
            return Err(Distrust::Usage);
        }
        self.authorities.push(certificate);
        Ok(())
    }

    /// Believes direct senders whose certificates chain to an authority.
    pub fn believe_chained(&mut self, peer: Arc<Peer>) {
        self.chained = Some(peer);
    }

    /// Verifies the transport signature of `envelope` at `at` (Unix seconds).
    ///
    /// # Errors
    /// [`Distrust`] names the first rule that does not hold.
    pub fn verify<'d, 'a>(&self, envelope: &Envelope<'d, 'a>, at: i64) -> Result<Verified<'d, 'a>, Distrust> {
        let signature = dsig::Signature::read(envelope)?;
        let signer = self.signer(&signature.key, at)?;
        let digest = signature.verify(envelope.body(), &signer.certificate)?;
        Ok(Verified { body: envelope.body(), signer, digest })
    }

    fn signer(&self, key: &dsig::KeyInfo, at: i64) -> Result<Signer, Distrust> {
        match key {
            dsig::KeyInfo::Certificate(der) => {
                let signer = match self.recall(der) {
                    Some(signer) => signer,
                    None => self.chain(der)?,
                };
                signer.certificate.may_sign(at)?;
                Ok(signer)
            }
            dsig::KeyInfo::IssuerSerial { issuer, serial } => self.look_up(issuer, serial, at),
        }
    }

    fn look_up(&self, issuer: &DistinguishedName, serial: &str, at: i64) -> Result<Signer, Distrust> {
        let (certificate, peer) = self
            .pinned
            .iter()
            .find(|(c, _)| c.serial == serial && c.issuer == *issuer)
            .ok_or(Distrust::CertificateUnknown)?;
        certificate.may_sign(at)?;
        Ok(Signer { peer: peer.clone(), certificate: certificate.clone() })
    }

    fn recall(&self, der: &[u8]) -> Option<Signer> {
        let fingerprint = algorithm::sha256(der);
        if let Some((certificate, peer)) =
            self.by_fingerprint.get(&fingerprint).and_then(|i| self.pinned.get(*i))
        {
            return Some(Signer { peer: peer.clone(), certificate: certificate.clone() });
        }
        let peer = self.chained.as_ref()?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&fingerprint).map(|c| Signer { peer: peer.clone(), certificate: c.clone() })
    }

    fn chain(&self, der: &[u8]) -> Result<Signer, Distrust> {
        let certificate = Certificate::from_der(der)?;
        let peer = self.chained.as_ref().ok_or(Distrust::Untrusted)?;
        if !self.authorities.iter().any(|authority| certificate.is_issued_by(authority)) {
            return Err(Distrust::Untrusted);
        }
        if certificate.bin.is_none() {
            return Err(Distrust::NoBin);
        }
        let certificate = Arc::new(certificate);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CACHE {
            known.clear();
        }
        known.insert(certificate.fingerprint, certificate.clone());
        Ok(Signer { peer: peer.clone(), certificate })
    }
}
