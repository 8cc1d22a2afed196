//! Whether an answer is right: ours as the other benchmarks verify it, a peer's by the verifier of the peers' folder (a
//! peer may sign more than our own verifier lets pass, which wants the Body signed and nothing else).

use super::contest::Call;
use super::harness::Harness;
use super::server::Server;
use crate::client::Request;
use crate::load::{Sample, message};
use std::fs;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Verifies what was kept of the answers of `server`.
pub fn verify(harness: &Harness, server: &Server, call: Call, samples: &[Sample]) {
    if let Some(stand) = server.stand() {
        return samples.iter().for_each(|sample| stand.believed.check(sample));
    }
    let messages = samples.iter().flat_map(|sample| [&sample.request, &sample.answer]);
    let bytes: Vec<u8> =
        messages.flat_map(|message| [format!("{}\n", message.len()).as_bytes(), message].concat()).collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("a file");
    let kind = match call {
        Call::Grant => "issue",
        Call::Check => "check",
    };
    if let Err(error) = harness.verify(kind, file.path()) {
        panic!("{}: {error}", server.name);
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
