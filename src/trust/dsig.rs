//! The one signature of the transport profile (trust.md 1): read strictly, verified over the tree it stands in.

use super::Distrust;
use super::algorithm::{DS, EXC_C14N, SignatureAlgorithm, WSSE, WSU, X509_V3, sha256};
use super::certificate::{Certificate, decode};
use super::name::DistinguishedName;
use crate::soap::envelope::Envelope;
use crate::xml::c14n::{self, Method, Target};
use crate::xml::{Document, Element};
use std::borrow::Cow;

/// Most prefixes of a `PrefixList`; stacks write a handful.
const MAX_PREFIXES: usize = 128;
/// Longest canonical `SignedInfo`, bytes; real ones have some 700, and a `PrefixList`.
const LONGEST_SIGNED_INFO: usize = 16 * 1024;
/// Longest `X509IssuerName` that is read, bytes.
const MAX_ISSUER: usize = 4096;

/// How the message names its signer's certificate.
pub enum KeyInfo {
    /// The certificate itself, DER, in one of three places.
    Certificate(Vec<u8>),
    /// Issuer and serial number of one that must be known.
    IssuerSerial { issuer: DistinguishedName, serial: String },
}

/// A signature of the right shape over the Body; nothing is verified yet.
pub struct Signature<'d, 'a> {
    shape: Shape<'d, 'a>,
    /// Who claims to have signed.
    pub key: KeyInfo,
}

/// All of a signature but who claims to have made it.
pub struct Shape<'d, 'a> {
    pub(super) signature: Element<'d, 'a>,
    pub(super) security: Element<'d, 'a>,
    pub(super) signed_info: Element<'d, 'a>,
    pub(super) info_prefixes: Vec<&'d str>,
    pub(super) body_prefixes: Vec<&'d str>,
    pub(super) method: SignatureAlgorithm,
    pub(super) digest: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl<'d, 'a> Signature<'d, 'a> {
    /// Reads the signature of `envelope`.
    pub fn read(envelope: &Envelope<'d, 'a>) -> Result<Self, Distrust> {
        let shape = Shape::read(envelope.body(), envelope.security())?;
        let key = shape.key_info(envelope.body().document())?;
        Ok(Self { shape, key })
    }

    /// Verifies digest and signature; answers with the SHA-256 of the canonical Body.
    pub fn verify(&self, body: Element<'d, 'a>, certificate: &Certificate) -> Result<[u8; 32], Distrust> {
        // The signature first: its text is short, and without the key nobody makes us digest a large Body.
        self.shape.verify_value(certificate)?;
        self.shape.verify_digest(body)
    }
}

/// The exclusive canonical form.
fn canonical(element: Element<'_, '_>, prefixes: &[&str]) -> Result<Vec<u8>, Distrust> {
    let mut canonical = Vec::with_capacity(8 * 1024);
    let method = Method { exclusive: true, comments: false, inclusive_prefixes: prefixes };
    c14n::write(Target::Element(element), &method, &mut canonical).map_err(|_| Distrust::NotCanonical)?;
    Ok(canonical)
}

impl<'d, 'a> Shape<'d, 'a> {
    /// Reads the signature that stands in `security` and should cover `body`.
    pub fn read(body: Element<'d, 'a>, security: &[Element<'d, 'a>]) -> Result<Self, Distrust> {
        let security = match security {
            [] => return Err(Distrust::Unsigned),
            [one] => *one,
            _ => return Err(Distrust::NotOne("wsse:Security")),
        };
        let signature = match only(security, DS, "Signature") {
            Ok(signature) => signature,
            Err(Distrust::Structure(_)) => return Err(Distrust::Unsigned),
            Err(several) => return Err(several),
        };
        if signature.contains_comment() {
            return Err(Distrust::Comment);
        }
        let info = only(signature, DS, "SignedInfo")?;
        let canonicalization = only(info, DS, "CanonicalizationMethod")?;
        if canonicalization.attribute("", "Algorithm") != Some(EXC_C14N) {
            return Err(Distrust::Canonicalization);
        }
        let method = only(info, DS, "SignatureMethod")?;
        let method =
            SignatureAlgorithm::from_signature_uri(method.attribute("", "Algorithm").unwrap_or_default())?;
        let reference = only(info, DS, "Reference")?;
        check_target(body, reference)?;
        let transform =
            only(only(reference, DS, "Transforms")?, DS, "Transform").map_err(|_| Distrust::Transforms)?;
        let alone = transform.parent().is_some_and(|parent| parent.children().count() == 1);
        if !alone || transform.attribute("", "Algorithm") != Some(EXC_C14N) {
            return Err(Distrust::Transforms);
        }
        let digest_method = only(reference, DS, "DigestMethod")?;
        method.allows_digest(digest_method.attribute("", "Algorithm").unwrap_or_default())?;
        Ok(Self {
            signed_info: info,
            info_prefixes: prefixes(canonicalization).ok_or(Distrust::Canonicalization)?,
            body_prefixes: prefixes(transform).ok_or(Distrust::Transforms)?,
            method,
            digest: decode(&text(only(reference, DS, "DigestValue")?)?)?,
            value: decode(&text(only(signature, DS, "SignatureValue")?)?)?,
            signature,
            security,
        })
    }

    /// Verifies the signature over what is signed: the references, with the digest of the Body.
    pub fn verify_value(&self, certificate: &Certificate) -> Result<(), Distrust> {
        // Else a stranger would choose the slowest digest.
        let key = certificate.key()?;
        if key.algorithm() != self.method {
            return Err(Distrust::KeyKind);
        }
        let signed_info = canonical(self.signed_info, &self.info_prefixes)?;
        if signed_info.len() > LONGEST_SIGNED_INFO {
            return Err(Distrust::Structure("ds:SignedInfo"));
        }
        key.verify(&signed_info, &self.value)
    }

    /// Verifies the digest of the Body; answers with the SHA-256 of its canonical form.
    pub fn verify_digest(&self, body: Element<'d, 'a>) -> Result<[u8; 32], Distrust> {
        let body = canonical(body, &self.body_prefixes)?;
        let digest = self.method.digest(&body);
        if digest != self.digest {
            return Err(Distrust::Digest);
        }
        // Another digest of the same length is not the identity of a message.
        let same = self.method == SignatureAlgorithm::RsaSha256;
        Ok(digest.try_into().ok().filter(|_| same).unwrap_or_else(|| sha256(&body)))
    }

    /// Who claims to have signed.
    pub fn key_info(&self, document: &Document<'_>) -> Result<KeyInfo, Distrust> {
        key_info(self.security, only(self.signature, DS, "KeyInfo")?, document)
    }
}

/// The reference must name the Body of this envelope, by an id that stands nowhere else.
fn check_target(body: Element<'_, '_>, reference: Element<'_, '_>) -> Result<(), Distrust> {
    let id = body.attribute(WSU, "Id").ok_or(Distrust::NotTheBody)?;
    let uri = reference.attribute("", "URI").and_then(|uri| uri.strip_prefix('#'));
    if id.is_empty() || uri != Some(id) {
        return Err(Distrust::NotTheBody);
    }
    match with_id(body.document(), id) {
        1 => Ok(()),
        _ => Err(Distrust::IdNotUnique),
    }
}

/// How many attributes that could be an id, in any namespace, have this value.
pub(super) fn with_id(document: &Document<'_>, id: &str) -> usize {
    let could_be_id = |name: &str| name.eq_ignore_ascii_case("id");
    document
        .elements()
        .flat_map(Element::attributes)
        .filter(|a| could_be_id(a.local) && a.value == id)
        .count()
}

/// The one child of this name; missing is `Structure`, more than one `NotOne`.
pub(super) fn only<'d, 'a>(
    parent: Element<'d, 'a>,
    ns: &str,
    name: &'static str,
) -> Result<Element<'d, 'a>, Distrust> {
    let mut found = parent.children().filter(|c| c.is(ns, name));
    let first = found.next().ok_or(Distrust::Structure(name))?;
    if found.next().is_some() { Err(Distrust::NotOne(name)) } else { Ok(first) }
}

/// The base64 of an element that holds nothing else.
pub(super) fn text<'d>(element: Element<'d, '_>) -> Result<Cow<'d, str>, Distrust> {
    element.text().ok_or(Distrust::Structure("a base64 value"))
}

/// `PrefixList` of a canonicalisation; `None` when something else stands in it.
pub(super) fn prefixes<'d>(element: Element<'d, '_>) -> Option<Vec<&'d str>> {
    let mut children = element.children();
    let list = match children.next() {
        None => return Some(Vec::new()),
        Some(child) if child.is(EXC_C14N, "InclusiveNamespaces") => child.attribute("", "PrefixList")?,
        Some(_) => return None,
    };
    // One more than allowed is enough to know: each is compared with every prefix of a document not yet believed.
    let prefixes: Vec<&str> = list.split_ascii_whitespace().take(MAX_PREFIXES + 1).collect();
    (children.next().is_none() && prefixes.len() <= MAX_PREFIXES).then_some(prefixes)
}

pub(super) fn key_info(
    security: Element<'_, '_>,
    key_info: Element<'_, '_>,
    document: &Document<'_>,
) -> Result<KeyInfo, Distrust> {
    let holder = sole(key_info)?;
    if holder.is(DS, "X509Data") {
        return x509_data(holder);
    }
    if !holder.is(WSSE, "SecurityTokenReference") {
        return Err(Distrust::Structure("KeyInfo"));
    }
    let token = sole(holder)?;
    if token.is(DS, "X509Data") {
        return x509_data(token);
    }
    let is_certificate = |element: Element<'_, '_>| element.attribute("", "ValueType") == Some(X509_V3);
    if token.is(WSSE, "KeyIdentifier") && is_certificate(token) {
        return Ok(KeyInfo::Certificate(decode(&text(token)?)?));
    }
    if token.is(WSSE, "Reference") {
        let id = token.attribute("", "URI").and_then(|uri| uri.strip_prefix('#'));
        let id = id.ok_or(Distrust::Structure("wsse:Reference"))?;
        let binary = security
            .children()
            .find(|c| c.is(WSSE, "BinarySecurityToken") && c.attribute(WSU, "Id") == Some(id))
            .filter(|binary| is_certificate(*binary))
            .ok_or(Distrust::Structure("wsse:BinarySecurityToken"))?;
        if with_id(document, id) != 1 {
            return Err(Distrust::IdNotUnique);
        }
        return Ok(KeyInfo::Certificate(decode(&text(binary)?)?));
    }
    Err(Distrust::Structure("wsse:SecurityTokenReference"))
}

/// The only child element.
fn sole<'d, 'a>(parent: Element<'d, 'a>) -> Result<Element<'d, 'a>, Distrust> {
    let mut children = parent.children();
    match (children.next(), children.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Distrust::Structure("KeyInfo")),
    }
}

fn x509_data(data: Element<'_, '_>) -> Result<KeyInfo, Distrust> {
    match only(data, DS, "X509Certificate") {
        Ok(certificate) => return Ok(KeyInfo::Certificate(decode(&text(certificate)?)?)),
        Err(Distrust::Structure(_)) => {}
        Err(several) => return Err(several),
    }
    let both = only(data, DS, "X509IssuerSerial")?;
    let issuer = only(both, DS, "X509IssuerName")?.text().unwrap_or_default();
    let serial = only(both, DS, "X509SerialNumber")?.text().unwrap_or_default();
    let serial = serial.trim().trim_start_matches('0');
    let issuer = Some(issuer).filter(|name| name.len() <= MAX_ISSUER);
    let issuer = issuer.and_then(|name| DistinguishedName::parse(&name));
    let issuer = issuer.ok_or(Distrust::Structure("X509IssuerName"))?;
    if serial.is_empty() || !serial.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Distrust::Structure("X509SerialNumber"));
    }
    Ok(KeyInfo::IssuerSerial { issuer, serial: serial.to_owned() })
}
