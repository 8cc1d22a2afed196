//! A client whose signatures OpenSSL makes, by gost-engine (Debian: openssl, libengine-gost-openssl), and which has it
//! verify the answers: keys in the files of ours, identifiers mapped to those of RFC 9215, signatures reversed.

use crate::party::{Kind, Party, Stage, bank_asks};
use kdp::sandbox::Crypto;
use kdp::trust::algorithm::SignatureAlgorithm;
use kdp::trust::certificate::{Certificate, decode};
use kdp::trust::der::{self, Reader, tag};
use kdp::trust::issue::pem;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::{SignError, Signer};
use kdp::xml::c14n::{self, Method, Target};
use kdp::xml::{Document, Limits};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// OpenSSL with one private key of ours.
struct OpenSsl {
    folder: TempDir,
    spki: Vec<u8>,
}

impl OpenSsl {
    fn with_key_of(party: &Party) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = party.signer();
        let (pkcs8, spki) = (own.to_pkcs8_der().unwrap(), own.public_key_spki().to_vec());
        let mut info = Reader::new(&pkcs8).enter(tag::SEQUENCE).unwrap();
        let (version, _) = (info.any().unwrap().raw, info.any().unwrap());
        let private = info.any().unwrap().raw;
        let mapped = der::sequence(&[version, &algorithm(), private]);
        fs::write(folder.path().join("key.pem"), pem("PRIVATE KEY", &mapped)).unwrap();
        Self { folder, spki }
    }
}

impl Signer for OpenSsl {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Gost2015
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        fs::write(self.folder.path().join("message"), message).unwrap();
        run(self.folder.path(), &["-sign", "key.pem", "-out", "signature", "message"])
            .ok_or(SignError::Failed)?;
        Ok(fs::read(self.folder.path().join("signature")).unwrap().into_iter().rev().collect())
    }

    fn public_key_spki(&self) -> &[u8] {
        &self.spki
    }
}

/// id-tc26-gost3410-12-512 with paramSetA and its hash (RFC 9215).
fn algorithm() -> Vec<u8> {
    let identifier = |dotted| der::value(tag::OID, &der::oid(dotted));
    let parameters = der::sequence(&[&identifier("1.2.643.7.1.2.1.2.1"), &identifier("1.2.643.7.1.1.2.3")]);
    der::sequence(&[&identifier("1.2.643.7.1.1.1.2"), &parameters])
}

/// What `openssl dgst` says; `None`: a failure, or a no.
fn run(folder: &Path, arguments: &[&str]) -> Option<()> {
    let mut command = Command::new("openssl");
    command.args(["dgst", "-engine", "gost", "-md_gost12_512"]).args(arguments).current_dir(folder);
    command.output().unwrap().status.success().then_some(())
}

fn is_there() -> bool {
    let engine = Command::new("openssl").args(["engine", "gost"]).output();
    if engine.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let missing =
        "no OpenSSL with gost-engine (Debian: openssl, libengine-gost-openssl): its verdict is missing";
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}");
    // Past the capture of the test harness, which would swallow it.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {missing}");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_openssl_is_believed_and_believes_the_answer() {
    if !is_there() {
        return;
    }
    let stage = Stage::open(Some(Crypto::Gost)).await;
    let bank = stage.party("bank", Kind::Gost);
    let openssl = OpenSsl::with_key_of(&bank);
    let call = bank.asks_with(&bank.ovt_by(&openssl));
    let certificate = Certificate::from_file(&fs::read(&bank.certificate).unwrap()).unwrap();
    let signer = EnvelopeSigner::new(Box::new(openssl), certificate, KeyInfoForm::Certificate);
    assert!(signer.fits(), "OpenSSL reads the private key, and it is that of the certificate");
    let reply = stage.post(&Party::signed(&signer, &call));
    assert_eq!(reply.element("reason"), Some("granted"), "{}", reply.body);
    assert!(verifies(&stage, &reply.body));
    assert!(!verifies(&stage, &reply.body.replacen("ds:DigestValue>", "ds:DigestValue>A", 1)));
    let sound = stage.post(&bank.envelope(KeyInfoForm::Certificate, &bank_asks(&bank)));
    assert!(verifies(&stage, &sound.body));
    stage.close().await;
}

/// Whether OpenSSL verifies `SignedInfo` of an answer by the key of the service.
fn verifies(stage: &Stage, envelope: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let service = fs::read(stage.directory.path().join("pki/service.gost.cert.pem")).unwrap();
    let certificate = Certificate::from_file(&service).unwrap();
    let mut spki = Reader::new(certificate.spki()).enter(tag::SEQUENCE).unwrap();
    let (_, bits) = (spki.any().unwrap(), spki.any().unwrap().raw);
    write("public.pem", pem("PUBLIC KEY", &der::sequence(&[&algorithm(), bits])).as_bytes());
    let document = Document::parse(envelope.as_bytes(), &Limits::default()).unwrap();
    let named = |name: &str| document.elements().find(|element| element.name() == name).unwrap();
    let mut info = Vec::new();
    c14n::write(Target::Element(named("SignedInfo")), &Method::EXCLUSIVE, &mut info).unwrap();
    write("info", &info);
    let value = decode(&named("SignatureValue").text().unwrap_or_default()).unwrap();
    write("signature", &value.into_iter().rev().collect::<Vec<_>>());
    run(folder.path(), &["-verify", "public.pem", "-signature", "signature", "info"]).is_some()
}
