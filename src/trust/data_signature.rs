//! Signatures on the data: enveloped `XMLDSig`, one or several in sequence (trust.md 1).
//!
//! Each `ds:Signature` is a child of the element that it signs, made when the later ones were not there yet: it is
//! verified with itself and them left out. What is read afterwards is [`Signed::element`], of the same tree.
//!
//! Who signs data signs a document of its own, which then travels in a message. As text (escaped or CDATA) it still is
//! one. As markup it stands among the namespaces of the envelope, which C14N 1.0 would take in: so the signed element
//! is made canonical as if it were a root, and must mean the same as one ([`Element::is_self_contained`]). Only a
//! reference by Id may be to the element where it stands, as XML Signature has it, with all that is around it.
//!
//! `SignedInfo` may be made canonical by the exclusive form too: the profile says nothing of it, and others write it so.

mod judge;
mod sign;

pub use judge::{DataDistrust, Signatory, masked};
pub use sign::{DataSignError, sign};

use super::Distrust;
use super::algorithm::{DS, EXC_C14N, SignatureAlgorithm};
use super::certificate::{Certificate, decode};
use super::dsig::{only, text, with_id};
use crate::xml::c14n::{self, Method, Target};
use crate::xml::{Document, Element};

/// Most signatures on one document: each costs its canonical form.
pub const MAX_SIGNATURES: usize = 8;

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const C14N_COMMENTS: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
const EXC_C14N_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";

/// An element that carries signatures of its own; none of them is verified.
pub struct Signed<'d, 'a> {
    element: Element<'d, 'a>,
    /// In the order of the document, which is that of signing; each as it could be read.
    pub signatures: Vec<Result<Signature<'d, 'a>, Distrust>>,
}

/// Where the signed element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the root of a document that is read by itself.
    Root,
    /// Among the elements of a message.
    Message,
}

impl<'d, 'a> Signed<'d, 'a> {
    /// A document of its own, signed as a whole: its root holds the signatures.
    ///
    /// # Errors
    /// [`Distrust::Unsigned`], [`Distrust::SignatureMisplaced`], [`Distrust::TooManySignatures`]; what is wrong with
    /// one of the signatures stands in its place.
    pub fn document(document: &'d Document<'a>) -> Result<Self, Distrust> {
        Self::read(document.root(), Place::Root)
    }

    /// The element `data` of a message, or the one element in it: the outer of the two that holds signatures.
    ///
    /// # Errors
    /// As [`Signed::document`].
    pub fn data(data: Element<'d, 'a>) -> Result<Self, Distrust> {
        let mut children = data.children();
        let inner = match (children.next(), children.next()) {
            (Some(child), None) if child.child(DS, "Signature").is_some() => Some(child),
            _ => None,
        };
        Self::read(inner.filter(|child| !is_signature(*child)).unwrap_or(data), Place::Message)
    }

    /// What is signed: with the `ds:Signature` children left out, every signature that holds covers all of it.
    #[must_use]
    pub fn element(&self) -> Element<'d, 'a> {
        self.element
    }

    fn read(element: Element<'d, 'a>, place: Place) -> Result<Self, Distrust> {
        let found: Vec<_> = element.children().filter(|child| is_signature(*child)).collect();
        if element.descendants().any(|inside| is_signature(inside) && !found.contains(&inside)) {
            return Err(Distrust::SignatureMisplaced);
        }
        if found.is_empty() {
            return Err(Distrust::Unsigned);
        }
        if found.len() > MAX_SIGNATURES {
            return Err(Distrust::TooManySignatures);
        }
        let from = |at: usize| found.get(at..).unwrap_or_default();
        let signatures = found.iter().enumerate();
        let signatures = signatures.map(|(at, found)| Signature::read(*found, from(at), element, place));
        Ok(Self { element, signatures: signatures.collect() })
    }
}

/// Whether the element is a `ds:Signature`.
#[must_use]
pub fn is_signature(element: Element<'_, '_>) -> bool {
    element.is(DS, "Signature")
}

/// A signature of the right shape over the element that it stands in; nothing is verified yet.
pub struct Signature<'d, 'a> {
    signed: Element<'d, 'a>,
    /// Itself and those made after it.
    later: Vec<Element<'d, 'a>>,
    /// In which of these it may have been made; the first that fits is meant.
    frames: Vec<Frame>,
    signed_info: Element<'d, 'a>,
    info_is_exclusive: bool,
    algorithm: SignatureAlgorithm,
    digest: Vec<u8>,
    value: Vec<u8>,
    certificate: Vec<u8>,
}

/// What of the tree takes part when the signed element and `SignedInfo` are made canonical.
#[derive(Clone, Copy)]
enum Frame {
    /// The document with what stands beside its root.
    Document,
    /// The element where it stands.
    InPlace,
    /// The element alone.
    Alone,
}

impl<'d, 'a> Signature<'d, 'a> {
    fn read(
        signature: Element<'d, 'a>,
        later: &[Element<'d, 'a>],
        signed: Element<'d, 'a>,
        place: Place,
    ) -> Result<Self, Distrust> {
        if signature.contains_comment() {
            return Err(Distrust::Comment);
        }
        let info = only(signature, DS, "SignedInfo")?;
        let canonicalization = only(info, DS, "CanonicalizationMethod")?;
        let info_is_exclusive = match algorithm(canonicalization) {
            Some(C14N | C14N_COMMENTS) => false,
            Some(EXC_C14N | EXC_C14N_COMMENTS) => true,
            _ => return Err(Distrust::DataCanonicalization),
        };
        let method = only(info, DS, "SignatureMethod")?;
        let method = algorithm(method).ok_or(Distrust::Algorithm("SignatureMethod"))?;
        let method = SignatureAlgorithm::from_signature_uri(method)?;
        let reference = only(info, DS, "Reference")?;
        let frames = frames(reference, signed, place)?;
        let mut transforms = only(reference, DS, "Transforms")?
            .children()
            .map(|transform| if transform.is(DS, "Transform") { algorithm(transform) } else { None });
        match [transforms.next(), transforms.next(), transforms.next()] {
            [Some(Some(ENVELOPED)), Some(Some(C14N | C14N_COMMENTS)), None] => {}
            _ => return Err(Distrust::DataTransforms),
        }
        let digest_method = only(reference, DS, "DigestMethod")?;
        method.allows_digest(algorithm(digest_method).unwrap_or_default())?;
        let value = only(signature, DS, "SignatureValue")?;
        let key_info = only(signature, DS, "KeyInfo")?;
        let certificate = only(only(key_info, DS, "X509Data")?, DS, "X509Certificate")?;
        if signature.children().count() != 3 || info.children().count() != 3 {
            return Err(Distrust::Structure("ds:Signature"));
        }
        Ok(Self {
            signed,
            later: later.to_vec(),
            frames,
            signed_info: info,
            info_is_exclusive,
            algorithm: method,
            digest: decode(&text(only(reference, DS, "DigestValue")?)?)?,
            value: decode(&text(value)?)?,
            certificate: decode(&text(certificate)?)?,
        })
    }

    /// How it claims to be made.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Who claims to have made it.
    ///
    /// # Errors
    /// [`Distrust::CertificateMalformed`].
    pub fn certificate(&self) -> Result<Certificate, Distrust> {
        Certificate::from_der(&self.certificate)
    }

    /// Whether the element is what was signed: the digest alone, which anybody could have made.
    ///
    /// # Errors
    /// [`Distrust::DataDigest`], [`Distrust::NotCanonical`], [`Distrust::NotSelfContained`].
    pub fn is_unchanged(&self) -> Result<(), Distrust> {
        self.frame().map(|_| ())
    }

    /// Whether the element is unchanged and the key of `certificate` signed it.
    ///
    /// # Errors
    /// Those of [`Signature::is_unchanged`]; [`Distrust::KeyKind`]; those of
    /// [`Verifier::verify`](super::verify::Verifier::verify).
    pub fn verify(&self, certificate: &Certificate) -> Result<(), Distrust> {
        let target = match self.frame()? {
            Frame::Document | Frame::InPlace => Target::Element(self.signed_info),
            Frame::Alone => Target::Within { element: self.signed_info, root: self.signed },
        };
        let mut signed_info = Vec::with_capacity(1024);
        let method = Method { exclusive: self.info_is_exclusive, ..Method::INCLUSIVE };
        c14n::write(target, &method, &mut signed_info).map_err(|_| Distrust::NotCanonical)?;
        let key = certificate.key()?;
        if key.algorithm() != self.algorithm {
            return Err(Distrust::KeyKind);
        }
        key.verify(&signed_info, &self.value)
    }

    /// The frame in which the element has the digest.
    fn frame(&self) -> Result<Frame, Distrust> {
        let mut refused = Distrust::NotSelfContained;
        let mut canonical = Vec::new();
        for frame in self.frames.iter().copied() {
            let target = match frame {
                Frame::Document => Target::Document(self.signed.document()),
                Frame::InPlace => Target::Element(self.signed),
                Frame::Alone if self.signed.is_self_contained() => {
                    Target::Within { element: self.signed, root: self.signed }
                }
                Frame::Alone => continue,
            };
            canonical.clear();
            // A reference within the document never selects comments, whatever the transform would do with them
            // (XML Signature, 4.4.3.3).
            refused = match c14n::write_without(target, &self.later, &Method::INCLUSIVE, &mut canonical) {
                Err(_) => Distrust::NotCanonical,
                Ok(()) if self.algorithm.digest(&canonical) == self.digest => return Ok(frame),
                Ok(()) => Distrust::DataDigest,
            };
        }
        Err(refused)
    }
}

/// What an empty URI or `#` and the Id of the signed element mean at this place.
fn frames(reference: Element<'_, '_>, signed: Element<'_, '_>, place: Place) -> Result<Vec<Frame>, Distrust> {
    let uri = reference.attribute("", "URI").ok_or(Distrust::NotTheData)?;
    let Some(id) = uri.strip_prefix('#') else {
        let all = match place {
            Place::Root => Frame::Document,
            Place::Message => Frame::Alone,
        };
        return if uri.is_empty() { Ok(vec![all]) } else { Err(Distrust::NotTheData) };
    };
    let is_id = |local: &str| local.eq_ignore_ascii_case("id");
    if id.is_empty() || !signed.attributes().any(|found| is_id(found.local) && found.value == id) {
        return Err(Distrust::NotTheData);
    }
    if with_id(signed.document(), id) != 1 {
        return Err(Distrust::IdNotUnique);
    }
    Ok(match place {
        Place::Root => vec![Frame::InPlace],
        Place::Message => vec![Frame::Alone, Frame::InPlace],
    })
}

/// `Algorithm` of a method or transform; `None` also when something stands in it, such as a `PrefixList`, a length
/// of an HMAC or an `XPath`.
fn algorithm<'d>(element: Element<'d, '_>) -> Option<&'d str> {
    element.attribute("", "Algorithm").filter(|_| element.children().next().is_none())
}
