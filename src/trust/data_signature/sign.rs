//! Signing a document with an enveloped signature, as trust.md 1 has it.

use super::{C14N, ENVELOPED, Signed};
use crate::trust::Distrust;
use crate::trust::algorithm::DS;
use crate::trust::certificate::Certificate;
use crate::trust::sign::{SignError, Signer};
use crate::xml::c14n::{self, C14nError, Method, Target};
use crate::xml::{Document, Element, Limits, WriteError, Writer, XmlError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why a document was not signed.
#[derive(Debug, thiserror::Error)]
pub enum DataSignError {
    /// It has no canonical form.
    #[error("the document cannot be signed: {0}")]
    NotCanonical(#[from] C14nError),
    /// The key cannot sign XML, or its module failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The certificate is not of this key, or the document is one that nobody would accept when signed.
    #[error("the signature would not be accepted: {0}")]
    Refused(#[from] Distrust),
    /// With the signature it breaks a limit of the reader.
    #[error("the signed document would not be accepted: {0}")]
    Xml(#[from] XmlError),
    /// A misuse of the writer: a defect of ours.
    #[error("the signature could not be written")]
    Write(#[from] WriteError),
}

/// The document with one more signature, as the last child of its root: URI "", enveloped-signature and C14N 1.0,
/// `KeyInfo` with the certificate. It is written in canonical form, comments kept; signatures that are on it stay good.
///
/// # Errors
/// [`DataSignError`]. What is answered with was verified under `certificate`, as others will.
pub fn sign(
    document: &Document<'_>,
    signer: &dyn Signer,
    certificate: &Certificate,
    limits: &Limits,
) -> Result<Vec<u8>, DataSignError> {
    let uris = signer.algorithm().uris().ok_or(SignError::Kind)?;
    let halves = Halves::of(document)?;
    let certificate_text = STANDARD.encode(certificate.der());
    let with = |digest: &str, value: &str| -> Result<Vec<u8>, DataSignError> {
        Ok(halves.around(&signature(uris, digest, value, &certificate_text)?))
    };
    // Digest and value are taken from the document in which they will stand, by the reader's own rules.
    let draft = with("", "")?;
    let mut canonical = Vec::new();
    let parsed = Document::parse(&draft, limits)?;
    let (own, _) = last(&parsed)?;
    c14n::write_without(&parsed, &[own], &Method::INCLUSIVE, &mut canonical)?;
    let digest = STANDARD.encode(signer.algorithm().digest(&canonical));
    let draft = with(&digest, "")?;
    let parsed = Document::parse(&draft, limits)?;
    let (_, signed_info) = last(&parsed)?;
    canonical.clear();
    c14n::write(signed_info, &Method::INCLUSIVE, &mut canonical)?;
    let whole = with(&digest, &STANDARD.encode(signer.sign(&canonical)?))?;
    let parsed = Document::parse(&whole, limits)?;
    let Some(own) = Signed::document(&parsed)?.signatures.pop() else {
        return Err(Distrust::Unsigned.into());
    };
    own?.verify(certificate)?;
    Ok(whole)
}

/// The canonical document up to the end of its root's content, and what follows.
struct Halves {
    bytes: Vec<u8>,
    middle: usize,
}

impl Halves {
    fn of(document: &Document<'_>) -> Result<Self, C14nError> {
        let method = Method { comments: true, ..Method::INCLUSIVE };
        let (mut bytes, mut root) = (Vec::new(), Vec::new());
        c14n::write(document, &method, &mut bytes)?;
        c14n::write(Target::Element(document.root()), &method, &mut root)?;
        let end_tag = root.iter().rposition(|byte| *byte == b'<').unwrap_or_default();
        let middle = prolog(&bytes) + end_tag;
        Ok(Self { bytes, middle })
    }

    fn around(&self, signature: &[u8]) -> Vec<u8> {
        let (before, after) = self.bytes.split_at_checked(self.middle).unwrap_or((&self.bytes, &[]));
        [before, signature, after].concat()
    }
}

/// Length of the comments and instructions before the root of a canonical document: one a line, each ended by what
/// cannot stand in it.
fn prolog(canonical: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = canonical.get(at..).unwrap_or_default();
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->\n"
        } else if rest.starts_with(b"<?") {
            b"?>\n"
        } else {
            return at;
        };
        let Some(length) = rest.windows(end.len()).position(|window| window == end) else { return at };
        at += length + end.len();
    }
}

fn signature(
    (method, digest_method): (&str, &str),
    digest: &str,
    value: &str,
    certificate: &str,
) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::with_capacity(certificate.len() + 2048);
    let empty = |writer: &mut Writer<'_>, name: &'static str, algorithm: &str| {
        writer.open(name, &[], &[("Algorithm", algorithm)]).close();
    };
    writer.open("ds:Signature", &[("ds", DS)], &[]).open("ds:SignedInfo", &[], &[]);
    empty(&mut writer, "ds:CanonicalizationMethod", C14N);
    empty(&mut writer, "ds:SignatureMethod", method);
    writer.open("ds:Reference", &[], &[("URI", "")]).open("ds:Transforms", &[], &[]);
    empty(&mut writer, "ds:Transform", ENVELOPED);
    empty(&mut writer, "ds:Transform", C14N);
    writer.close();
    empty(&mut writer, "ds:DigestMethod", digest_method);
    writer
        .leaf("ds:DigestValue", digest)
        .close()
        .close()
        .leaf("ds:SignatureValue", value)
        .open("ds:KeyInfo", &[], &[])
        .open("ds:X509Data", &[], &[])
        .leaf("ds:X509Certificate", certificate)
        .close()
        .close()
        .close();
    Ok(writer.finish()?.into_bytes())
}

/// The last signature on the root, and its `SignedInfo`.
fn last<'d, 'a>(document: &'d Document<'a>) -> Result<(Element<'d, 'a>, Element<'d, 'a>), Distrust> {
    let signature = document.root().children().filter(|child| super::is_signature(*child)).last();
    let signature = signature.ok_or(Distrust::Unsigned)?;
    let signed_info = signature.child(DS, "SignedInfo").ok_or(Distrust::Structure("SignedInfo"))?;
    Ok((signature, signed_info))
}
