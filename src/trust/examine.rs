//! What can be found out about a transport signature: each rule on its own, and after one that does not hold too. The
//! rules are those of [`Trust::verify`], in its order. Nothing here makes a [`Verified`](super::Verified).

use super::algorithm::{DS, SignatureAlgorithm};
use super::certificate::{Certificate, decode};
use super::dsig::{KeyInfo, Shape, key_info, prefixes, text};
use super::{Distrust, Signer, Trust};
use crate::soap::envelope::Outline;
use crate::xml::Element;
use std::sync::Arc;

/// The findings, in the order in which [`Trust::verify`] would make them; `None`: what came before leaves nothing to judge.
pub struct Examination<'d, 'a> {
    /// Number and place of the elements, algorithms, reference, transforms, base64.
    pub profile: Result<(), Distrust>,
    /// Whether it says in an accepted way who signed.
    pub key_info: Option<Result<(), Distrust>>,
    /// Whether who signed is pinned, or chains to an authority and may speak for an organisation.
    pub trusted: Option<Result<Signer, Distrust>>,
    /// Whether the certificate is in force and for signing.
    pub validity: Option<Result<(), Distrust>>,
    /// The signature over the references.
    pub value: Option<Result<(), Distrust>>,
    /// The digest of the Body.
    pub digest: Option<Result<(), Distrust>>,
    /// Whether the certificate was revoked, as far as lists say; `None` also when it is not checked.
    pub revocation: Option<Result<(), Distrust>>,
    /// The certificate that it names, believed or not.
    pub certificate: Option<Arc<Certificate>>,
    /// What there is of a signature.
    pub found: Option<Found<'d, 'a>>,
}

/// The parts of the first `ds:Signature` that can be found, whatever is wrong with them.
pub struct Found<'d, 'a> {
    /// The signature.
    pub signature: Element<'d, 'a>,
    /// Its first `ds:SignedInfo`.
    pub signed_info: Option<Element<'d, 'a>>,
    /// The first `ds:Reference`.
    pub reference: Option<Element<'d, 'a>>,
    /// What `SignatureMethod` names, if it is accepted.
    pub method: Option<SignatureAlgorithm>,
    /// `DigestValue`, decoded.
    pub digest: Option<Vec<u8>>,
    /// `SignatureValue`, decoded.
    pub value: Option<Vec<u8>>,
    /// `PrefixList` of the canonicalisation of `SignedInfo`.
    pub info_prefixes: Vec<&'d str>,
    /// `PrefixList` of the transform of the Body.
    pub body_prefixes: Vec<&'d str>,
}

impl<'d, 'a> Found<'d, 'a> {
    fn of(outline: &Outline<'d, 'a>) -> Option<Self> {
        let is_signature = |element: &Element<'_, '_>| element.is(DS, "Signature");
        let in_place = outline.security.iter().flat_map(|security| security.children()).find(is_signature);
        let signature = in_place.or_else(|| outline.body.document().elements().find(is_signature))?;
        let signed_info = signature.child(DS, "SignedInfo");
        let reference = signed_info.and_then(|info| info.child(DS, "Reference"));
        let under = |parent: Option<Element<'d, 'a>>, name| parent.and_then(|parent| parent.child(DS, name));
        let method = under(signed_info, "SignatureMethod").and_then(|m| m.attribute("", "Algorithm"));
        let base64 = |element: Option<Element<'d, 'a>>| decode(&text(element?).ok()?).ok();
        let list = |element: Option<Element<'d, 'a>>| element.and_then(prefixes).unwrap_or_default();
        Some(Self {
            signature,
            signed_info,
            reference,
            method: method.and_then(|uri| SignatureAlgorithm::from_signature_uri(uri).ok()),
            digest: base64(under(reference, "DigestValue")),
            value: base64(under(Some(signature), "SignatureValue")),
            info_prefixes: list(under(signed_info, "CanonicalizationMethod")),
            body_prefixes: list(under(under(reference, "Transforms"), "Transform")),
        })
    }

    /// What of it can be verified although it breaks the profile.
    fn shape(&self) -> Option<Shape<'d, 'a>> {
        Some(Shape {
            signature: self.signature,
            security: self.signature.parent()?,
            signed_info: self.signed_info?,
            info_prefixes: self.info_prefixes.clone(),
            body_prefixes: self.body_prefixes.clone(),
            method: self.method?,
            digest: self.digest.clone()?,
            value: self.value.clone()?,
        })
    }
}

impl Trust {
    /// Examines the signature of an envelope at `at` (Unix seconds). Asks nobody.
    #[must_use]
    pub fn examine<'d, 'a>(&self, outline: &Outline<'d, 'a>, at: i64) -> Examination<'d, 'a> {
        let read = Shape::read(outline.body, &outline.security);
        let profile = read.as_ref().map(drop).map_err(|error| *error);
        let found = Found::of(outline);
        let shape = read.ok().or_else(|| found.as_ref().and_then(Found::shape));
        let document = outline.body.document();
        let holder = found.as_ref().and_then(|f| Some((f.signature.parent()?, f.signature)));
        let key = shape.as_ref().map(|shape| shape.key_info(document)).or_else(|| {
            let (security, signature) = holder?;
            Some(key_info(security, signature.child(DS, "KeyInfo")?, document))
        });
        let candidate = key.as_ref().and_then(|key| key.as_ref().ok()).map(|key| self.find(key));
        let shown = match &key {
            Some(Ok(KeyInfo::Certificate(der))) => Certificate::from_der(der).ok().map(Arc::new),
            _ => None,
        };
        let believed = candidate.as_ref().and_then(|c| c.as_ref().ok());
        let certificate = believed.map(|c| c.signer.certificate.clone()).or(shown);
        let with = |judge: &dyn Fn(&Shape<'d, 'a>, &Certificate) -> Result<(), Distrust>| {
            shape.as_ref().zip(certificate.as_deref()).map(|(shape, certificate)| judge(shape, certificate))
        };
        Examination {
            profile,
            key_info: key.as_ref().map(|key| key.as_ref().map(drop).map_err(|error| *error)),
            validity: certificate.as_ref().map(|certificate| certificate.may_sign(at)),
            value: with(&|shape, certificate| shape.verify_value(certificate)),
            digest: shape.as_ref().map(|shape| shape.verify_digest(outline.body).map(drop)),
            revocation: believed.zip(self.revocation()).map(|(candidate, revocation)| {
                match revocation.look_up(candidate.chain(), at) {
                    Ok(None) => Ok(()),
                    Ok(Some(_)) => Err(Distrust::RevocationUnknown),
                    Err(error) => Err(error),
                }
            }),
            trusted: candidate.map(|candidate| candidate.map(|candidate| candidate.signer)),
            certificate,
            found,
        }
    }

    /// The pinned certificates: who else may have signed.
    pub fn pinned(&self) -> impl Iterator<Item = &Certificate> {
        self.pinned.iter().map(|(known, _)| &*known.certificate)
    }
}
