//! What 1414 brings to the service, through ШЭП: replies of subjects and delivery reports (`KDP_SMS_REPLY`, wire.md 2.4).
//! It is brought again until the service has taken it over or refused it.

use super::answer::wait;
use super::fault::Plan;
use super::switch::{Party, Switch};
use super::{Stand, parse};
use crate::clock;
use crate::gateway::Answer;
use crate::sandbox::ear::{Ear, Incoming, What};
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::Node;
use crate::soap::sync_client::{self, Request};
use crate::store::StoreError;
use crate::text::mojibake::broken;
use secrecy::SecretString;

/// serviceId of what 1414 brings.
const SERVICE: &str = "KDP_SMS_REPLY";

/// What came of bringing something once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brought {
    /// Taken over.
    Taken,
    /// Refused for good.
    Refused,
    /// Nobody knows.
    Otherwise,
}

impl Ear for Stand {
    fn hear<'a>(&'a self, incoming: &'a Incoming) -> Answer<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let party = match incoming.what {
                What::Reply { .. } => Party::Replies,
                What::Report { .. } => Party::Reports,
            };
            let plan = self.faults.next(&[party]);
            wait(&plan).await;
            if plan.has(Switch::LostRequest) {
                return Ok(false);
            }
            let mut brought = self.bring(incoming, &plan).await;
            if plan.has(Switch::Duplicate) {
                brought = self.bring(incoming, &plan).await;
            }
            let is_over = brought != Brought::Otherwise && !plan.has(Switch::LostAnswer);
            if brought == Brought::Refused && is_over {
                tracing::warn!(id = incoming.id, "the service refused what 1414 brought");
            }
            Ok(is_over)
        })
    }
}

impl Stand {
    async fn bring(&self, incoming: &Incoming, plan: &Plan) -> Brought {
        let Ok((id, at)) = self.id() else { return Brought::Otherwise };
        let (id, (peer, password)) = (id.to_string(), &self.sms);
        let password = SecretString::from(password.clone());
        let request = Request {
            message_id: &id,
            correlation_id: None,
            service_id: SERVICE,
            at,
            sender_id: &peer.sender_id,
            password: Some(&password),
        };
        let data = nodes(incoming, plan);
        let message = self.message(plan, &id, |writer| {
            request.write(writer, |writer| data.iter().for_each(|node| node.write(writer)));
        });
        let Ok(message) = message else { return Brought::Otherwise };
        match self.client.post_soap(&self.service.sync, message.into()).await {
            Ok(answer) => self.read_receipt(&answer.body).unwrap_or(Brought::Otherwise),
            Err(_) => Brought::Otherwise,
        }
    }

    fn read_receipt(&self, body: &[u8]) -> Option<Brought> {
        let document = parse(body).ok()?;
        let envelope = Envelope::read(&document).ok()?;
        let verified = self.of_service(&envelope).ok()?;
        let sync_client::Answer::Reply(reply) = sync_client::Answer::read(verified.body()).ok()? else {
            return None;
        };
        Some(match reply.code.as_str() {
            "SCSS001" => Brought::Taken,
            "SCSE001" | "SCSE002" => Brought::Refused,
            _ => Brought::Otherwise,
        })
    }
}

fn nodes(incoming: &Incoming, plan: &Plan) -> Vec<Node> {
    match &incoming.what {
        What::Reply { from, text } => {
            let text = match plan.value(Switch::Mojibake) {
                Some(how) => broken(text, how),
                None => text.clone(),
            };
            let from = if plan.has(Switch::BadNumber) { "1414" } else { from };
            vec![
                Node::leaf("s:msisdn", from),
                Node::leaf("s:text", text),
                Node::leaf("s:received_at", clock::text(incoming.at)),
                Node::leaf("s:sms_id", &*incoming.id),
            ]
        }
        What::Report { sms_id, state } => {
            let state = if plan.has(Switch::UnknownStatus) { "perhaps" } else { state };
            vec![Node::leaf("s:sms_id", &**sms_id), Node::leaf("s:state", state)]
        }
    }
}
