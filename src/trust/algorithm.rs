//! The algorithms that are accepted, by their names in XML and in X.509 (trust.md 1 and 2).

use super::Distrust;
use super::gost::Scheme;
use gost94::{Digest as _, Gost94Test};
use streebog::Streebog512;

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

/// How a key signs; what is not here is not accepted anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2), keys of 2048 to 4096 bits.
    RsaSha256,
    /// ECDSA on P-256 with SHA-256, r ‖ s of 32 bytes each (RFC 7518, 3.4): of JWS of the service's own alone.
    EcdsaP256Sha256,
    /// ГОСТ 34.310-2004 with ГОСТ 34.311-95, r ‖ s little-endian, 64 bytes.
    Gost2004,
    /// ГОСТ 34.10-2015-512 with Streebog-512, r ‖ s little-endian, 128 bytes.
    Gost2015,
}

/// A row of the table of XML signatures: method and the digest that belongs to it.
struct XmlNames {
    algorithm: SignatureAlgorithm,
    signature: &'static str,
    digest: &'static str,
}

const XML: [XmlNames; 3] = [
    XmlNames {
        algorithm: SignatureAlgorithm::RsaSha256,
        signature: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        digest: "http://www.w3.org/2001/04/xmlenc#sha256",
    },
    XmlNames {
        algorithm: SignatureAlgorithm::Gost2004,
        signature: "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311",
        digest: "http://www.w3.org/2001/04/xmldsig-more#gost34311",
    },
    XmlNames {
        algorithm: SignatureAlgorithm::Gost2015,
        signature: "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512",
        digest: "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34112015-512",
    },
];

impl SignatureAlgorithm {
    /// The algorithm that a `SignatureMethod` names.
    ///
    /// # Errors
    /// [`Distrust::Algorithm`]: SHA-1, HMAC and whatever else is not on the list.
    pub fn from_signature_uri(uri: &str) -> Result<Self, Distrust> {
        let named = XML.iter().find(|names| names.signature == uri);
        named.map(|names| names.algorithm).ok_or(Distrust::Algorithm("SignatureMethod"))
    }

    /// Whether a `DigestMethod` names the digest that belongs to the algorithm.
    ///
    /// # Errors
    /// [`Distrust::Algorithm`].
    pub fn allows_digest(self, uri: &str) -> Result<(), Distrust> {
        let names = XML.iter().find(|names| names.algorithm == self && names.digest == uri);
        names.map(|_| ()).ok_or(Distrust::Algorithm("DigestMethod"))
    }

    /// `SignatureMethod` and `DigestMethod` of it; `None`: not in XML.
    #[must_use]
    pub fn uris(self) -> Option<(&'static str, &'static str)> {
        XML.iter().find(|names| names.algorithm == self).map(|names| (names.signature, names.digest))
    }

    /// `alg` of a JWS of ours (RFC 7518, 3.1; trust.md 4).
    #[must_use]
    pub fn jws(self) -> &'static str {
        match self {
            Self::RsaSha256 => "RS256",
            Self::EcdsaP256Sha256 => "ES256",
            Self::Gost2004 => "GG2004",
            Self::Gost2015 => "GG2015",
        }
    }

    /// The algorithm that an `alg` of a JWS names, with its case (RFC 7518, 3.1; trust.md 4): that of ГОСТ-512 has three
    /// names in use.
    #[must_use]
    pub fn from_jws(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::RsaSha256),
            "ES256" => Some(Self::EcdsaP256Sha256),
            "GG2015" | "GOST15" | "GOST3410-2015-512" => Some(Self::Gost2015),
            "GG2004" => Some(Self::Gost2004),
            _ => None,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::RsaSha256 => "RSA, SHA-256",
            Self::EcdsaP256Sha256 => "ECDSA P-256, SHA-256",
            Self::Gost2004 => "ГОСТ 34.310-2004",
            Self::Gost2015 => "ГОСТ 34.10-2015-512",
        }
    }

    /// The digest that belongs to it.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::RsaSha256 | Self::EcdsaP256Sha256 => sha256(bytes).to_vec(),
            Self::Gost2004 => Scheme::Gost2004.digest(bytes),
            Self::Gost2015 => Scheme::Gost2015.digest(bytes),
        }
    }

    /// The same for what comes in pieces.
    #[must_use]
    pub fn hasher(self) -> Hasher {
        Hasher(match self {
            Self::RsaSha256 | Self::EcdsaP256Sha256 => {
                Hashing::Sha256(Box::new(ring::digest::Context::new(&ring::digest::SHA256)))
            }
            Self::Gost2004 => Hashing::Gost2004(Box::default()),
            Self::Gost2015 => Hashing::Gost2015(Box::default()),
        })
    }

    /// The algorithm that signs a certificate, a list or an answer, by the content of its OBJECT IDENTIFIER.
    #[must_use]
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        match oid {
            signature::RSA_SHA256 => Some(Self::RsaSha256),
            signature::GOST_2004 => Some(Self::Gost2004),
            signature::GOST_2015 => Some(Self::Gost2015),
            _ => None,
        }
    }

    /// The content of its OBJECT IDENTIFIER; `None`: it signs no certificates here.
    #[must_use]
    pub fn oid(self) -> Option<&'static [u8]> {
        match self {
            Self::RsaSha256 => Some(signature::RSA_SHA256),
            Self::Gost2004 => Some(signature::GOST_2004),
            Self::Gost2015 => Some(signature::GOST_2015),
            Self::EcdsaP256Sha256 => None,
        }
    }
}

/// Identifiers of signatures: sha256WithRSAEncryption, 1.2.398.3.10.1.1.1.2, 1.2.398.3.10.1.1.2.3.2.
mod signature {
    pub const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b];
    pub const GOST_2004: &[u8] = &[0x2a, 0x83, 0x0e, 3, 0x0a, 1, 1, 1, 2];
    pub const GOST_2015: &[u8] = &[0x2a, 0x83, 0x0e, 3, 0x0a, 1, 1, 2, 3, 2];
}

/// Identifiers of keys.
pub mod key {
    use crate::trust::der::{self, tag};
    use crate::trust::gost::Scheme;

    /// rsaEncryption.
    pub const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    /// id-ecPublicKey.
    pub const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    /// 1.2.398.3.10.1.1.1.1
    const GOST_2004: &[u8] = &[0x2a, 0x83, 0x0e, 3, 0x0a, 1, 1, 1, 1];
    /// 1.2.398.3.10.1.1.2.2
    const GOST_2015: &[u8] = &[0x2a, 0x83, 0x0e, 3, 0x0a, 1, 1, 2, 2];

    /// Identifier of a key of ГОСТ, and its two parameters: curve and hash.
    #[must_use]
    pub fn of_gost(scheme: Scheme) -> (&'static [u8], Vec<u8>) {
        let (key, curve, hash) = match scheme {
            Scheme::Gost2004 => (GOST_2004, "1.2.398.3.10.1.1.1.1.1", "1.2.398.3.10.1.3.1.1.0"),
            Scheme::Gost2015 => (GOST_2015, "1.2.398.3.10.1.1.2.2.1", "1.2.398.3.10.1.3.3"),
        };
        let identifier = |dotted| der::value(tag::OID, &der::oid(dotted));
        (key, der::sequence(&[&identifier(curve), &identifier(hash)]))
    }

    /// Whether a DER `SubjectPublicKeyInfo` names a key of ГОСТ of Kazakhstan, whatever its parameters.
    #[must_use]
    pub fn names_gost(spki: &[u8]) -> bool {
        let holds = |identifier: &[u8]| {
            let named = der::value(tag::OID, identifier);
            spki.windows(named.len()).take(16).any(|window| window == named)
        };
        holds(GOST_2004) || holds(GOST_2015)
    }

    /// The scheme of a key of this identifier and these parameters, DER.
    #[must_use]
    pub fn gost(identifier: &[u8], parameters: &[u8]) -> Option<Scheme> {
        let is = |scheme: &Scheme| of_gost(*scheme) == (identifier, parameters.to_vec());
        [Scheme::Gost2004, Scheme::Gost2015].into_iter().find(|scheme| is(scheme))
    }
}

/// A digest in the making.
pub struct Hasher(Hashing);

enum Hashing {
    Sha256(Box<ring::digest::Context>),
    Gost2004(Box<Gost94Test>),
    Gost2015(Box<Streebog512>),
}

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Hashing::Sha256(context) => context.update(piece),
            Hashing::Gost2004(context) => context.update(piece),
            Hashing::Gost2015(context) => context.update(piece),
        }
    }

    /// What [`SignatureAlgorithm::digest`] gives for all pieces in one.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            Hashing::Sha256(context) => context.finish().as_ref().to_vec(),
            Hashing::Gost2004(context) => context.finalize().to_vec(),
            Hashing::Gost2015(context) => context.finalize().to_vec(),
        }
    }
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0_u8; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    out
}
