//! What a person sends from the page: a message of a peer, signed with its key and sent to the service as any other.

use crate::sandbox::Sandbox;
use crate::sandbox::route::Outcome;
use hyper::StatusCode;
use serde::Deserialize;

/// A message to be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Name of the peer that sends.
    #[serde(rename = "as")]
    peer: String,
    /// `serviceId`.
    service_id: String,
    /// Children of `data`, names and texts, in their order.
    data: Vec<(String, String)>,
}

impl Sandbox {
    /// Sends `{"as", "service_id", "data": [["NAME", "TEXT"], …]}` and tells what came back: `{"code", "message", "data":
    /// {NAME: TEXT}, "fault"}`.
    pub(super) async fn send(&self, body: &[u8]) -> Outcome {
        let bad = |text| (StatusCode::BAD_REQUEST, text);
        let shape =
            "send {\"as\": \"bank\", \"service_id\": \"KDP_SERVICE\", \"data\": [[\"uin\", \"…\"], …]}";
        let asked: Asked = serde_json::from_slice(body).map_err(|_| bad(shape))?;
        if self.stand.has_service() {
            return Err((StatusCode::CONFLICT, "the service is elsewhere: send to its to_service_url"));
        }
        if !asked.data.iter().all(|(name, _)| is_name(name)) {
            return Err(bad("a name of data is letters, digits, - and _"));
        }
        let found = self.world.peers.iter().enumerate().find(|(_, peer)| peer.name == asked.peer);
        let (place, peer) = found.ok_or(bad("there is no such peer: GET /sandbox lists them"))?;
        let kind = self.kept.crypto.of_peer(place);
        let password = self.kept.passwords.get(&peer.name).cloned().unwrap_or_default();
        let sender = (peer, kind, password);
        let called = self.stand.call(&self.data, sender, &asked.service_id, &asked.data).await;
        let unsaid = "the service gave no answer that can be believed: its log tells why";
        called.map_err(|_| (StatusCode::BAD_GATEWAY, unsaid))
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
