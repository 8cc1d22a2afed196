//! A call of a peer of the sandbox, without ШЭП between: signed with its own key, its answer believed as the service's.

use super::certificate::signer;
use super::{Stand, parse};
use crate::fault::Fault;
use crate::sandbox::crypto::KeyKind;
use crate::sandbox::pki;
use crate::sandbox::world::Peer;
use crate::soap::envelope::Envelope;
use crate::soap::sync_client::{self, Request};
use crate::text::FaultCode;
use crate::xml::Element;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use std::path::Path;

impl Stand {
    /// Sends `data` to `service_id` as a peer, and reads the answer: `{"code", "message", "data", "fault"}`; one of the last
    /// two is null.
    ///
    /// # Errors
    /// [`Fault`] when the message could not be sent, or the answer is not believed.
    pub async fn call(
        &self,
        files: &Path,
        (peer, kind, password): (&Peer, KeyKind, String),
        service_id: &str,
        data: &[(String, String)],
    ) -> Result<Value, Fault> {
        let failed = |what: &str| Fault::new(FaultCode::Internal, what.to_owned());
        let path = |what| pki::path(files, &kind.file(&peer.name, what));
        let signer = signer(&path("key"), &path("cert")).map_err(|_| failed("the key is not read"))?;
        let (id, at) = self.id()?;
        let (id, password) = (id.to_string(), SecretString::from(password));
        let request = Request {
            message_id: &id,
            correlation_id: None,
            service_id,
            at,
            sender_id: &peer.sender_id,
            password: Some(&password),
        };
        let message = signer.envelope(&format!("id-{id}"), |writer| {
            request.write(writer, |writer| {
                for (name, text) in data {
                    writer.leaf(name, text);
                }
            });
        });
        let message = message.map_err(|_| failed("the message could not be signed"))?;
        let came = self.client.post_soap(&self.service.sync, message.into()).await;
        let came = came.map_err(|_| failed("the service gives no answer"))?;
        let document = parse(&came.body)?;
        let envelope = Envelope::read(&document)?;
        if !sync_client::Answer::is_fault(envelope.body()) {
            self.of_service(&envelope)?;
        }
        let answer = sync_client::Answer::read(envelope.body()).map_err(|e| failed(&e.to_string()))?;
        Ok(match answer {
            sync_client::Answer::Reply(reply) => {
                let leaves = reply.data.into_iter().flat_map(Element::children);
                let leaves = leaves.filter(|child| child.children().next().is_none());
                let data: Map<String, Value> = leaves
                    .map(|leaf| (leaf.name().to_owned(), json!(leaf.text().unwrap_or_default().trim())))
                    .collect();
                json!({ "code": reply.code, "message": reply.message, "data": data, "fault": null })
            }
            sync_client::Answer::Fault(fault) => {
                json!({ "code": fault.code, "message": fault.message, "data": null, "fault": fault.data })
            }
        })
    }
}
