//! Our own transport signature, on answers and on the requests of `kdp send`: the Body is digested as it was
//! written, because the writer writes it canonical.

use super::algorithm::{BASE64_BINARY, DS, EXC_C14N, SOAP, WSSE, WSU, X509_V3};
use super::certificate::Certificate;
use super::sign::{SignError, Signer};
use crate::xml::{Canonical, WriteError, Writer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a message of ours names its signer's certificate (trust.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyInfoForm {
    /// (a) `wsse:KeyIdentifier` holding the certificate.
    #[default]
    Certificate,
    /// (b) `ds:X509IssuerSerial` and no certificate.
    IssuerSerial,
    /// `wsse:BinarySecurityToken` holding the certificate, named by `wsse:Reference`.
    BinaryToken,
    /// `ds:X509Certificate`.
    X509Data,
}

/// What `wsse:KeyIdentifier` and `wsse:BinarySecurityToken` say of the certificate in them.
const CERTIFICATE: [(&str, &str); 2] = [("EncodingType", BASE64_BINARY), ("ValueType", X509_V3)];

/// A key and its certificate: the service's own for its answers, an initiator's in `kdp send`.
pub struct EnvelopeSigner {
    signer: Box<dyn Signer>,
    certificate: Certificate,
    base64: String,
    form: KeyInfoForm,
}

/// A message could not be written or signed.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// A misuse of the writer: a defect of ours.
    #[error("the message could not be written")]
    Write(#[from] WriteError),
    /// The signer failed.
    #[error("the message could not be signed")]
    Sign(#[from] SignError),
}

impl EnvelopeSigner {
    /// Signs by `signer`, whose certificate is `certificate`.
    #[must_use]
    pub fn new(signer: Box<dyn Signer>, certificate: Certificate, form: KeyInfoForm) -> Self {
        let base64 = STANDARD.encode(certificate.der());
        Self { signer, certificate, base64, form }
    }

    /// The certificate of the answers.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Whether the private key belongs to the certificate: signs and verifies a probe.
    #[must_use]
    pub fn fits(&self) -> bool {
        let (Ok(key), Ok(value)) = (self.certificate.key(), self.signer.sign(b"probe")) else { return false };
        key.algorithm() == self.signer.algorithm() && key.verify(b"probe", &value).is_ok()
    }

    /// A signed envelope around what `content` writes into its Body.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub fn envelope<'n>(
        &self,
        body_id: &str,
        content: impl FnOnce(&mut Writer<'n>),
    ) -> Result<Vec<u8>, OutgoingError> {
        let body = body(Some(body_id), content)?;
        let algorithm = self.signer.algorithm();
        let uris = algorithm.uris().ok_or(SignError::Kind)?;
        let signed_info = signed_info(body_id, uris, &STANDARD.encode(algorithm.digest(body.as_bytes())))?;
        let value = STANDARD.encode(self.signer.sign(signed_info.as_bytes())?);
        let mut writer = Writer::with_capacity(
            body.as_bytes().len() + signed_info.as_bytes().len() + self.base64.len() + 1600,
        );
        writer.open("soap:Envelope", &[("soap", SOAP)], &[]).open("soap:Header", &[], &[]).open(
            "wsse:Security",
            &[("wsse", WSSE)],
            &[("soap:mustUnderstand", "1")],
        );
        let token_id = format!("x509-{body_id}");
        if self.form == KeyInfoForm::BinaryToken {
            let [encoding, value] = CERTIFICATE;
            writer
                .open("wsse:BinarySecurityToken", &[("wsu", WSU)], &[encoding, value, ("wsu:Id", &token_id)])
                .text(&self.base64)
                .close();
        }
        writer
            .open("ds:Signature", &[("ds", DS)], &[])
            .raw(&signed_info)
            .leaf("ds:SignatureValue", &value)
            .open("ds:KeyInfo", &[], &[])
            .open("wsse:SecurityTokenReference", &[], &[]);
        self.name_certificate(&mut writer, &token_id);
        writer.close().close().close().close().close().raw(&body).close();
        Ok(writer.finish()?.into_bytes())
    }

    /// Writes the content of `wsse:SecurityTokenReference`.
    fn name_certificate(&self, writer: &mut Writer<'_>, token_id: &str) {
        match self.form {
            KeyInfoForm::Certificate => {
                writer.open("wsse:KeyIdentifier", &[], &CERTIFICATE).text(&self.base64).close();
            }
            KeyInfoForm::IssuerSerial => {
                writer
                    .open("ds:X509Data", &[], &[])
                    .open("ds:X509IssuerSerial", &[], &[])
                    .leaf("ds:X509IssuerName", &self.certificate.issuer_text)
                    .leaf("ds:X509SerialNumber", &self.certificate.serial)
                    .close()
                    .close();
            }
            KeyInfoForm::BinaryToken => {
                let uri = format!("#{token_id}");
                writer.open("wsse:Reference", &[], &[("URI", &uri), ("ValueType", X509_V3)]).close();
            }
            KeyInfoForm::X509Data => {
                writer.open("ds:X509Data", &[], &[]).leaf("ds:X509Certificate", &self.base64).close();
            }
        }
    }
}

/// An envelope without a signature, for faults.
///
/// # Errors
/// [`OutgoingError::Write`].
pub fn unsigned<'n>(content: impl FnOnce(&mut Writer<'n>)) -> Result<Vec<u8>, OutgoingError> {
    let body = body(None, content)?;
    let mut writer = Writer::with_capacity(body.as_bytes().len() + 200);
    writer.open("soap:Envelope", &[("soap", SOAP)], &[]).raw(&body).close();
    Ok(writer.finish()?.into_bytes())
}

fn body<'n>(id: Option<&str>, content: impl FnOnce(&mut Writer<'n>)) -> Result<Canonical, WriteError> {
    let mut writer = Writer::with_capacity(4096);
    match id {
        Some(id) => writer.open("soap:Body", &[("soap", SOAP), ("wsu", WSU)], &[("wsu:Id", id)]),
        None => writer.open("soap:Body", &[("soap", SOAP)], &[]),
    };
    content(&mut writer);
    writer.close();
    writer.finish()
}

fn signed_info(
    body_id: &str,
    (method, digest_method): (&str, &str),
    digest: &str,
) -> Result<Canonical, WriteError> {
    let uri = format!("#{body_id}");
    let mut writer = Writer::with_capacity(1024);
    writer
        .open("ds:SignedInfo", &[("ds", DS)], &[])
        .open("ds:CanonicalizationMethod", &[], &[("Algorithm", EXC_C14N)])
        .close()
        .open("ds:SignatureMethod", &[], &[("Algorithm", method)])
        .close()
        .open("ds:Reference", &[], &[("URI", &uri)])
        .open("ds:Transforms", &[], &[])
        .open("ds:Transform", &[], &[("Algorithm", EXC_C14N)])
        .close()
        .close()
        .open("ds:DigestMethod", &[], &[("Algorithm", digest_method)])
        .close()
        .leaf("ds:DigestValue", digest)
        .close()
        .close();
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::super::sign::RsaSigner;
    use super::super::{Distrust, Peer, PeerKind, Trust};
    use super::*;
    use crate::soap::envelope::Envelope;
    use crate::xml::{Document, Limits};
    use std::sync::Arc;

    const KEY: &str = include_str!("../../fixtures/pki/bank.key.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/pki/bank.cert.pem");
    const FORMS: [KeyInfoForm; 4] = [
        KeyInfoForm::Certificate,
        KeyInfoForm::IssuerSerial,
        KeyInfoForm::BinaryToken,
        KeyInfoForm::X509Data,
    ];
    /// Within the certificate's ten years.
    const AT: i64 = 1_790_000_000;

    fn signed(form: KeyInfoForm) -> Vec<u8> {
        let certificate = Certificate::from_file(CERTIFICATE).unwrap();
        let signer = EnvelopeSigner::new(Box::new(RsaSigner::from_pem(KEY).unwrap()), certificate, form);
        assert!(signer.fits());
        let content = |writer: &mut Writer<'_>| {
            writer.leaf("said", "a & b");
        };
        signer.envelope("id-1", content).unwrap()
    }

    fn verify(envelope: &[u8]) -> Result<(), Distrust> {
        let mut trust = Trust::default();
        let peer = Arc::new(Peer::new("bank", PeerKind::Direct(None)));
        trust.pin(Certificate::from_file(CERTIFICATE).unwrap(), peer);
        let document = Document::parse(envelope, &Limits::default()).unwrap();
        trust.verify_offline(&Envelope::read(&document).unwrap(), AT).map(|_| ())
    }

    #[test]
    fn every_form_of_key_info_verifies() {
        for form in FORMS {
            assert_eq!(verify(&signed(form)), Ok(()), "{form:?}");
        }
    }

    #[test]
    fn a_change_of_the_body_does_not() {
        for form in FORMS {
            let text = String::from_utf8(signed(form)).unwrap().replace("a &amp; b", "a &amp; c");
            assert_eq!(verify(text.as_bytes()), Err(Distrust::Digest), "{form:?}");
        }
    }

    #[test]
    fn a_key_of_another_certificate_does_not_fit() {
        let other = include_bytes!("../../fixtures/pki/akimat.cert.pem");
        let certificate = Certificate::from_file(other).unwrap();
        let signer = Box::new(RsaSigner::from_pem(KEY).unwrap());
        assert!(!EnvelopeSigner::new(signer, certificate, KeyInfoForm::Certificate).fits());
    }
}
