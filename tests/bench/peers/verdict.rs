//! Whether an answer is right: ours as the other benchmarks verify it, a peer's by the same signature and token checks.

use super::contest::Call;
use super::server::Server;
use crate::installation::pki;
use crate::load::{Sample, message};
use crate::client::Request;
use crate::reply::text;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kdp::clock::{Clock as _, SystemClock};
use kdp::soap::envelope::Envelope;
use kdp::trust::certificate::Certificate;
use kdp::trust::{Peer, PeerKind, Trust};
use kdp::xml::{Document, Limits};
use std::fs;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Verifies what was kept of the answers of `server`.
pub fn verify(server: &Server, call: Call, samples: &[Sample]) {
    match server.stand() {
        Some(stand) => samples.iter().for_each(|sample| stand.believed.check(sample)),
        None => samples.iter().for_each(|sample| peer(server.name, call, sample)),
    }
}

/// An answer of a peer: signed by the service's key; a token signed by it too, about the subject.
fn peer(name: &str, call: Call, sample: &Sample) {
    let certificate = || {
        let file = fs::read(pki("service.cert.pem")).expect("a fixture");
        Certificate::from_file(&file).expect("a certificate")
    };
    let mut service = Trust::default();
    service.pin(certificate(), Arc::new(Peer::new("service", PeerKind::Gateway)));
    let answer = Document::parse(&sample.answer, &Limits::default()).expect("XML");
    let envelope = Envelope::read(&answer).expect("an envelope");
    let verified = service.verify_offline(&envelope, SystemClock.now() / 1000);
    assert!(verified.is_ok(), "{name}: the answer is not signed by the service: {:?}", verified.err());
    let request = Document::parse(&sample.request, &Limits::default()).expect("XML");
    let id = text(&request, "messageId");
    assert_eq!(text(&answer, "correlationId"), id, "{name}: an answer to another request");
    if let Call::Grant = call {
        let token = text(&answer, "token");
        let (signed, signature) = token.rsplit_once('.').expect("a compact JWS");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let certificate = certificate();
        let key = certificate.key().expect("a key");
        key.verify(signed.as_bytes(), &signature).unwrap_or_else(|error| panic!("{name}: the token: {error}"));
        let claims = signed.split('.').nth(1).expect("a payload");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["sub"], text(&request, "iin"), "{name}: a token about another subject");
    }
}

/// Holds that `server` refuses this request: by a fault, or by an answer that grants nothing.
pub fn refuses(server: &Server, request: &Request) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let said = runtime.block_on(async {
        let mut stream = TcpStream::connect(server.address).await.expect("the server listens");
        stream.write_all(&request.bytes).await.expect("the server reads");
        let mut buffer = vec![0; 64 * 1024];
        // Closing the connection is a refusal too.
        let (_, end) = message(&mut stream, &mut buffer).await?;
        Some(String::from_utf8_lossy(&buffer[..end]).into_owned())
    });
    let accepted = said.is_some_and(|said| said.starts_with("HTTP/1.1 200") && said.contains(request.mark));
    assert!(!accepted, "{} accepts an altered envelope", server.name);
}
