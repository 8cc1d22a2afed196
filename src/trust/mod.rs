//! Who signed a message, and whether we believe it (trust.md 1 and 3).
//!
//! [`Verified`] can be made here only; everything after it reads from the node that the signature covers.

pub mod algorithm;
pub mod certificate;
pub mod data_signature;
pub mod der;
mod dsig;
pub mod examine;
pub mod gost;
pub mod issue;
mod memory;
mod name;
pub mod nca;
pub mod outgoing;
pub mod path;
pub mod revocation;
pub mod role;
pub mod sign;
pub mod verify;

use crate::config::DataSignature;
use crate::consent::identity::Bin;
use crate::soap::envelope::Envelope;
use crate::text::FaultCode;
use crate::xml::Element;
use certificate::Certificate;
use data_signature::Signatory;
use gost::GostError;
use memory::Memory;
use name::DistinguishedName;
use path::Authorities;
use revocation::{Chain, Revocation, moment, ocsp};
use std::collections::HashMap;
use std::sync::Arc;

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
    #[error(
        "the algorithm of {0} is not accepted: RSA-SHA256 and the two of ГОСТ are, each with its own digest"
    )]
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
    /// A `ds:Signature` of the data that is no child of the element that it should sign.
    #[error("a ds:Signature stands deeper in the data than as a child of the signed element")]
    SignatureMisplaced,
    /// More signatures on the data than are read.
    #[error("more than {} signatures are on the data", data_signature::MAX_SIGNATURES)]
    TooManySignatures,
    /// The reference of a signature on the data names something else.
    #[error("the reference must be empty, or # and the Id of the element that holds the signature")]
    NotTheData,
    /// Other transforms of the data than the two.
    #[error("the transforms must be exactly two: enveloped-signature, then C14N 1.0")]
    DataTransforms,
    /// Another canonicalisation of `SignedInfo` of a signature on the data.
    #[error("CanonicalizationMethod must be C14N 1.0 or exclusive C14N, without a PrefixList")]
    DataCanonicalization,
    /// Signed as a document of its own, the element would not mean what it means in the message.
    #[error(
        "the signed element uses a namespace that is declared around it: declare it inside, or send the data as text"
    )]
    NotSelfContained,
    /// The data were changed after they were signed.
    #[error("DigestValue does not match: the signed element was changed after it was signed")]
    DataDigest,
    /// The signature value does not verify.
    #[error("SignatureValue does not verify")]
    SignatureValue,
    /// A key or a signature of ГОСТ that is none.
    #[error("{0}")]
    Gost(GostError),
    /// The key cannot make such signatures.
    #[error("the certificate's key does not fit the signature method")]
    KeyKind,
    /// A public key that is not well formed.
    #[error("the public key of the certificate is malformed")]
    KeyMalformed,
    /// `X509IssuerSerial` of a certificate that nobody registered.
    #[error("no registered certificate has this issuer and serial number")]
    CertificateUnknown,
    /// Not a certificate.
    #[error("the certificate cannot be read")]
    CertificateMalformed,
    /// A file with several of them, of which none is meant more than the others.
    #[error("there must be exactly one certificate in the file: give each a file of its own")]
    SeveralCertificates,
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
    /// An authority has the name of the issuer, but another signed it.
    #[error("the certificate names a trusted authority as its issuer, but was not signed by its key")]
    IssuerSignature,
    /// Signed by the issuer's key with another algorithm than is accepted.
    #[error("the certificate is signed by an algorithm that is not accepted")]
    IssuerAlgorithm,
    /// The holder may not speak for the organisation: an individual, or an employee.
    #[error(
        "the certificate's holder may not speak for the organisation: a certificate of the information system, the head, or of who may sign is needed"
    )]
    Role,
    /// Direct signers are known by the BIN in their certificate.
    #[error("the certificate holds no BIN")]
    NoBin,
    /// Revoked or on hold; since then, Unix seconds.
    #[error("the certificate is revoked since {}", moment::text(*.0))]
    Revoked(i64),
    /// An authority above it is revoked; since then, Unix seconds.
    #[error("an authority above the certificate is revoked since {}", moment::text(*.0))]
    AuthorityRevoked(i64),
    /// The list that would say is not fresh; since then, Unix seconds.
    #[error("the issuer's list of revoked certificates is stale since {}: nobody knows what was revoked after it; try again when the list is renewed", moment::text(*.0))]
    ListStale(i64),
    /// Nobody could be asked.
    #[error("whether the certificate is revoked cannot be found out now: try again later")]
    RevocationUnknown,
    /// The OCSP service of the issuer does not know it.
    #[error("the issuer's OCSP service does not know the certificate")]
    StatusUnknown,
    /// The OCSP service gave an answer that is not believed.
    #[error("the answer of the issuer's OCSP service is not believed: {0}")]
    Ocsp(ocsp::AnswerError),
}

impl Distrust {
    /// SCE007 for unsigned, SCE005 for the certificate, SCE006 for the signature (wire.md 4).
    #[must_use]
    pub fn fault(self) -> FaultCode {
        match self {
            Self::Unsigned => FaultCode::TransportUnsigned,
            Self::CertificateUnknown
            | Self::CertificateMalformed
            | Self::SeveralCertificates
            | Self::Expired
            | Self::NotYetValid
            | Self::Usage
            | Self::Untrusted
            | Self::KeyMalformed
            | Self::IssuerSignature
            | Self::IssuerAlgorithm
            | Self::Role
            | Self::NoBin
            | Self::Revoked(_)
            | Self::AuthorityRevoked(_)
            | Self::ListStale(_)
            | Self::RevocationUnknown
            | Self::StatusUnknown
            | Self::Ocsp(_) => FaultCode::TransportCertificate,
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
    /// Whether its data must be signed too.
    pub data_signature: DataSignature,
}

impl Peer {
    /// A peer whose data need not be signed.
    pub fn new(name: impl Into<String>, kind: PeerKind) -> Self {
        Self { name: name.into(), kind, data_signature: DataSignature::Ignored }
    }
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
                named.as_ref().is_none_or(|n| n == sender_id) && self.certificate.is_of(bin)
            }
        }
    }
}

/// A Body whose signature was verified. Can be made by [`Trust::verify`] and [`Trust::verify_offline`] only.
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
    pinned: Vec<(Known, Arc<Peer>)>,
    by_fingerprint: HashMap<[u8; 32], usize>,
    authorities: Authorities,
    /// Speaks for those who chain to an authority.
    chained: Option<Arc<Peer>>,
    /// Certificates found to chain, which signed messages.
    known: Memory<Known>,
    /// The same of those who sign data: anybody may, who has a certificate of an authority.
    signatories: Memory<Signatory>,
    /// `None`: whether a certificate was revoked is not checked.
    revocation: Option<Arc<Revocation>>,
    expiries: Vec<Expiry>,
}

/// A certificate, and the authorities above it.
#[derive(Clone)]
struct Known {
    certificate: Arc<Certificate>,
    issuers: Arc<[Arc<Certificate>]>,
}

/// Who signed, before it is known whether the certificate was revoked.
struct Candidate {
    signer: Signer,
    issuers: Arc<[Arc<Certificate>]>,
    is_pinned: bool,
}

impl Candidate {
    fn new(known: &Known, peer: &Arc<Peer>, is_pinned: bool) -> Self {
        let signer = Signer { peer: peer.clone(), certificate: known.certificate.clone() };
        Self { signer, issuers: known.issuers.clone(), is_pinned }
    }

    fn known(&self) -> Known {
        Known { certificate: self.signer.certificate.clone(), issuers: self.issuers.clone() }
    }

    fn chain(&self) -> Chain<'_> {
        Chain { leaf: &self.signer.certificate, issuers: &self.issuers, is_pinned: self.is_pinned }
    }
}

/// When a certificate that was read from a file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The file.
    pub name: String,
    /// Unix seconds.
    pub until: i64,
}

impl Trust {
    /// Pins a certificate to a peer.
    pub fn pin(&mut self, certificate: Certificate, peer: Arc<Peer>) {
        self.by_fingerprint.insert(certificate.fingerprint, self.pinned.len());
        let issuers = self.issuers(&certificate);
        self.pinned.push((Known { certificate: Arc::new(certificate), issuers }, peer));
    }

    /// Trusts an authority.
    ///
    /// # Errors
    /// Those of [`Authorities::add`].
    pub fn add_authority(&mut self, certificate: Certificate) -> Result<(), Distrust> {
        self.authorities.add(certificate)?;
        let issuers: Vec<_> = self.pinned.iter().map(|(known, _)| self.issuers(&known.certificate)).collect();
        for ((known, _), issuers) in self.pinned.iter_mut().zip(issuers) {
            known.issuers = issuers;
        }
        Ok(())
    }

    /// Those above a pinned certificate; none is no fault: the pin is the trust.
    fn issuers(&self, certificate: &Certificate) -> Arc<[Arc<Certificate>]> {
        self.authorities.path(certificate).unwrap_or_default().into()
    }

    /// Believes direct senders whose certificates chain to an authority.
    pub fn believe_chained(&mut self, peer: Arc<Peer>) {
        self.chained = Some(peer);
    }

    /// Checks from now on whether certificates were revoked.
    pub fn check_revocation(&mut self, revocation: Revocation) {
        self.revocation = Some(Arc::new(revocation));
    }

    /// Lets nobody be asked about revocation any more, before this is shared: only lists count, and none is fetched; what
    /// OCSP would say is left open. `true`: somebody would have been asked.
    pub fn ask_nobody(&mut self) -> bool {
        let Some(revocation) = self.revocation.as_mut().and_then(Arc::get_mut) else { return false };
        let (asked, has_lists) = revocation.ask_nobody();
        if !has_lists {
            self.revocation = None;
        }
        asked
    }

    /// How it is checked whether certificates were revoked.
    #[must_use]
    pub fn revocation(&self) -> Option<&Arc<Revocation>> {
        self.revocation.as_ref()
    }

    /// The pinned authorities.
    #[must_use]
    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// Remembers when a certificate ends, to warn before it does.
    pub fn note_expiry(&mut self, name: String, certificate: &Certificate) {
        self.expiries.push(Expiry { name, until: certificate.validity.1 });
    }

    /// When the certificates end that were noted.
    #[must_use]
    pub fn expiries(&self) -> &[Expiry] {
        &self.expiries
    }

    /// Whether a certificate, with those above it, is not revoked at `at` (Unix seconds).
    ///
    /// # Errors
    /// Those of [`Revocation::check`].
    pub async fn is_not_revoked(&self, chain: Chain<'_>, at: i64) -> Result<(), Distrust> {
        match &self.revocation {
            Some(revocation) => revocation.check(chain, at).await,
            None => Ok(()),
        }
    }

    /// Verifies the transport signature of `envelope` at `at` (Unix seconds), and then that the certificate is not
    /// revoked: a stranger cannot make us ask for it. It waits only where OCSP is asked.
    ///
    /// # Errors
    /// [`Distrust`] names the first rule that does not hold.
    pub async fn verify<'d, 'a>(
        &self,
        envelope: &Envelope<'d, 'a>,
        at: i64,
    ) -> Result<Verified<'d, 'a>, Distrust> {
        let (verified, candidate) = self.verify_signature(envelope, at)?;
        self.is_not_revoked(candidate.chain(), at).await?;
        Ok(verified)
    }

    /// The same without asking anybody: where OCSP would be asked, the answer is no.
    ///
    /// # Errors
    /// [`Distrust`] names the first rule that does not hold.
    pub fn verify_offline<'d, 'a>(
        &self,
        envelope: &Envelope<'d, 'a>,
        at: i64,
    ) -> Result<Verified<'d, 'a>, Distrust> {
        let (verified, candidate) = self.verify_signature(envelope, at)?;
        match &self.revocation {
            Some(revocation) if revocation.look_up(candidate.chain(), at)?.is_some() => {
                Err(Distrust::RevocationUnknown)
            }
            _ => Ok(verified),
        }
    }

    fn verify_signature<'d, 'a>(
        &self,
        envelope: &Envelope<'d, 'a>,
        at: i64,
    ) -> Result<(Verified<'d, 'a>, Candidate), Distrust> {
        let signature = dsig::Signature::read(envelope)?;
        let candidate = self.candidate(&signature.key, at)?;
        let signer = candidate.signer.clone();
        let digest = signature.verify(envelope.body(), &signer.certificate)?;
        if !candidate.is_pinned {
            self.known.remember(signer.certificate.fingerprint, || candidate.known());
        }
        Ok((Verified { body: envelope.body(), signer, digest }, candidate))
    }

    fn candidate(&self, key: &dsig::KeyInfo, at: i64) -> Result<Candidate, Distrust> {
        let candidate = self.find(key)?;
        candidate.signer.certificate.may_sign(at)?;
        Ok(candidate)
    }

    fn find(&self, key: &dsig::KeyInfo) -> Result<Candidate, Distrust> {
        match key {
            dsig::KeyInfo::Certificate(der) => match self.recall(der) {
                Some(candidate) => Ok(candidate),
                None => self.chain(der),
            },
            dsig::KeyInfo::IssuerSerial { issuer, serial } => self.look_up(issuer, serial),
        }
    }

    fn look_up(&self, issuer: &DistinguishedName, serial: &str) -> Result<Candidate, Distrust> {
        let is_meant = |c: &Certificate| c.serial == serial && c.issuer == *issuer;
        let found = self.pinned.iter().find(|(known, _)| is_meant(&known.certificate));
        found.map(|(known, peer)| Candidate::new(known, peer, true)).ok_or(Distrust::CertificateUnknown)
    }

    fn recall(&self, der: &[u8]) -> Option<Candidate> {
        let fingerprint = algorithm::sha256(der);
        if let Some((known, peer)) = self.by_fingerprint.get(&fingerprint).and_then(|i| self.pinned.get(*i)) {
            return Some(Candidate::new(known, peer, true));
        }
        let peer = self.chained.as_ref()?;
        self.known.recall(&fingerprint).map(|known| Candidate::new(&known, peer, false))
    }

    fn chain(&self, der: &[u8]) -> Result<Candidate, Distrust> {
        let certificate = Certificate::from_der(der)?;
        let peer = self.chained.as_ref().ok_or(Distrust::Untrusted)?;
        let issuers = self.authorities.path(&certificate)?.into();
        if certificate.role.is_none_or(|role| !role.speaks_for_organisation()) {
            return Err(Distrust::Role);
        }
        if certificate.bin.is_none() {
            return Err(Distrust::NoBin);
        }
        Ok(Candidate::new(&Known { certificate: Arc::new(certificate), issuers }, peer, false))
    }
}
