//! The algorithms that are accepted, and the names of the namespaces they live in.

use super::Distrust;

/// SOAP 1.1 envelope.
pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// WS-Security extension.
pub const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// WS-Security utility.
pub const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
/// XML signature.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Exclusive canonicalisation 1.0 without comments; also the namespace of `InclusiveNamespaces`.
pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// `ValueType` of an X.509 certificate.
pub const X509_V3: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
/// `EncodingType` of base64.
pub const BASE64_BINARY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
/// RSASSA-PKCS1-v1_5 with SHA-256.
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// SHA-256.
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// A signature method that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureMethod {
    /// RSA-SHA256, keys of 2048 to 4096 bits.
    RsaSha256,
}

impl SignatureMethod {
    /// The method that `uri` names.
    ///
    /// # Errors
    /// [`Distrust::Algorithm`]: SHA-1, HMAC and whatever else is not on the list.
    pub fn from_uri(uri: &str) -> Result<Self, Distrust> {
        if uri == RSA_SHA256 { Ok(Self::RsaSha256) } else { Err(Distrust::Algorithm("SignatureMethod")) }
    }
}

/// Digests with the method that `uri` names.
///
/// # Errors
/// [`Distrust::Algorithm`] when it is not on the list.
pub fn digest(uri: &str, bytes: &[u8]) -> Result<[u8; 32], Distrust> {
    if uri == SHA256 { Ok(sha256(bytes)) } else { Err(Distrust::Algorithm("DigestMethod")) }
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0_u8; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    out
}
