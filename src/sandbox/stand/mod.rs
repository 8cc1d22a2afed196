//! Everything outside, over SOAP, for a `kdp serve` elsewhere: ШЭП with its two channels, behind it БМГ and 1414, and the
//! initiators that call through it. Each can be made to fail, as it sometimes will.

mod answer;
mod asynchronous;
mod call;
mod certificate;
mod fault;
mod forward;
mod inbound;
mod queue;
mod switch;
mod sync;

use super::crypto::Crypto;
use super::outside::Outside;
use super::route::in_json;
use super::world::{Peer, World};
use crate::app::App;
use crate::fault::Fault;
use crate::gateway::http_client::HttpClient;
use crate::http::Answer;
use crate::random::Id;
use crate::serve::StartError;
use crate::soap::envelope::Envelope;
use crate::trust::{Trust, Verified};
use crate::xml::{Document, Element, Limits};
use certificate::Certificates;
use fault::Faults;
use hyper::{Method, StatusCode, Uri};
use queue::Queue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Longest exchange with the service: more than it gives itself.
const EXCHANGE: Duration = Duration::from_secs(35);
/// The sender of what 1414 brings.
const SMS: &str = "sms1414";

/// What the sandbox was made with.
pub struct Made<'a> {
    /// Its directory.
    pub data: &'a Path,
    /// Its world.
    pub world: &'a World,
    /// Of peers, by name.
    pub passwords: &'a BTreeMap<String, String>,
    /// What everybody signs with.
    pub crypto: Crypto,
}

/// Where the service listens.
struct Service {
    sync: Uri,
    asynchronous: Uri,
}

/// Everything outside, over SOAP.
pub struct Stand {
    /// Of the sandbox: clock, randomness, and whose signatures are believed.
    app: Arc<App>,
    outside: Arc<Outside>,
    service: Service,
    /// Whether that is another process.
    is_elsewhere: bool,
    client: HttpClient,
    /// What fails.
    faults: Faults,
    certificates: Certificates,
    /// Believes the service.
    trust: Trust,
    /// The sender of what 1414 brings, and its password.
    sms: (Peer, String),
    queue: Queue,
    /// Rings when something is to be pushed.
    wake: Notify,
}

impl Stand {
    /// The outside of `service`, or of that at `own`, the sandbox's.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(
        made: &Made<'_>,
        (service, own): (Option<&Uri>, &Uri),
        app: &Arc<App>,
        outside: &Arc<Outside>,
    ) -> Result<Self, StartError> {
        let Made { data, world, passwords, crypto } = *made;
        let sms = world.peers.iter().find(|peer| peer.name == SMS).cloned();
        let sms = sms.ok_or_else(|| StartError::Other(format!("world.json: there is no {SMS}")))?;
        let password = passwords.get(SMS).cloned().unwrap_or_default();
        let client = HttpClient::new(EXCHANGE, None).map_err(|e| StartError::Other(e.to_string()))?;
        Ok(Self {
            app: app.clone(),
            outside: outside.clone(),
            service: Service::at(service.unwrap_or(own))?,
            is_elsewhere: service.is_some(),
            client,
            faults: Faults::default(),
            certificates: Certificates::read(data, world, crypto)?,
            trust: certificate::trust_in_service(data, world)?,
            sms: (sms, password),
            queue: Queue::open(&data.join("async.jsonl"))?,
            wake: Notify::new(),
        })
    }

    /// Whether there is a service elsewhere.
    #[must_use]
    pub fn has_service(&self) -> bool {
        self.is_elsewhere
    }

    /// Answers what the routes of the stand are asked; `None`: it is none of them. `path` is what follows `/sandbox`.
    pub async fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Option<Answer> {
        if *method == Method::POST {
            match path {
                "/shep/sync" => return Some(self.synchronous(body).await),
                "/shep/to-service" => return Some(self.forward(body).await),
                "/shep/async" => return Some(self.asynchronous(body).await),
                "/shep/push" => return Some(self.take_push(body).await),
                _ => {}
            }
        }
        let is_post = *method == Method::POST;
        let set = match path {
            "/faults" if is_post => self.faults.set(body).map(|()| self.faults.show()),
            "/faults" => Ok(self.faults.show()),
            "/shep/certificate" if is_post => {
                self.certificates.choose(body).map(|()| self.certificates.show())
            }
            "/shep/certificate" => Ok(self.certificates.show()),
            _ => {
                let Some(chain) = self.queue.show(path.strip_prefix("/async/")?) else {
                    let told = json!({ "error": "nothing is known of a chain with this correlationId" });
                    return Some(in_json(StatusCode::NOT_FOUND, &told));
                };
                Ok(chain)
            }
        };
        Some(match set {
            Ok(shown) => in_json(StatusCode::OK, &shown),
            Err(wrong) => in_json(StatusCode::BAD_REQUEST, &json!({ "error": wrong })),
        })
    }

    /// For `GET /sandbox`; `base` is the address of the sandbox.
    #[must_use]
    pub fn describe(&self, base: &str, data: &Path) -> Value {
        let url = |path: &str| format!("{base}/sandbox{path}");
        let config = super::service::file(data);
        json!({
            "service": self.is_elsewhere.then(|| self.service.sync.to_string()),
            "serve_toml": self.is_elsewhere.then(|| config.display().to_string()),
            "shep_url": url("/shep/sync"),
            "shep_async_url": url("/shep/async"),
            "to_service_url": url("/shep/to-service"),
            "push_url": url("/shep/push"),
            "fetch_url": url("/async/{correlationId}"),
            "certificate_url": url("/shep/certificate"),
            "faults_url": url("/faults"),
            "faults": self.faults.show(),
        })
    }

    /// An id of this moment, and the moment.
    fn id(&self) -> Result<(Id, i64), Fault> {
        let at = self.app.clock.now();
        Ok((Id::new(at, &*self.app.random)?, at))
    }

    /// Verifies a message of the service.
    fn of_service<'d, 'a>(&self, envelope: &Envelope<'d, 'a>) -> Result<Verified<'d, 'a>, Fault> {
        Ok(self.trust.verify_offline(envelope, self.app.clock.now() / 1000)?)
    }

    /// Verifies a message of a peer of the sandbox.
    fn of_peer<'d, 'a>(&self, envelope: &Envelope<'d, 'a>) -> Result<Verified<'d, 'a>, Fault> {
        Ok(self.app.trust().verify_offline(envelope, self.app.clock.now() / 1000)?)
    }
}

impl Service {
    fn at(url: &Uri) -> Result<Self, StartError> {
        let wrong = || StartError::Other("--service: send http://HOST:PORT, without a path".to_owned());
        let authority = url.authority().filter(|a| !a.as_str().contains('@')).ok_or_else(wrong)?;
        if url.scheme_str() != Some("http") || url.path().len() > 1 || url.port_u16().is_none_or(|p| p == 0) {
            return Err(wrong());
        }
        let to = |path: &str| format!("http://{authority}{path}").parse().map_err(|_| wrong());
        Ok(Self { sync: to("/shep/sync")?, asynchronous: to("/shep/async")? })
    }
}

/// Parses what was sent; the envelope is read without believing it.
fn parse(body: &[u8]) -> Result<Document<'_>, Fault> {
    Ok(Document::parse(body, &Limits::default())?)
}

/// The first child of this local name, in whatever namespace.
fn named<'d, 'a>(parent: Element<'d, 'a>, name: &str) -> Option<Element<'d, 'a>> {
    parent.children().find(|child| child.name() == name)
}

/// Its text, trimmed; `None` when it is empty or not there.
fn text_of(parent: Element<'_, '_>, name: &str) -> Option<String> {
    let text = named(parent, name)?.text()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_host_and_port() {
        let service = Service::at(&"http://127.0.0.1:9000".parse().unwrap()).unwrap();
        assert_eq!(service.sync, "http://127.0.0.1:9000/shep/sync");
        assert_eq!(service.asynchronous, "http://127.0.0.1:9000/shep/async");
        for wrong in
            ["https://a:1", "http://a", "http://a:1/shep", "http://u:p@a:1", "/x", "http://127.0.0.1:0"]
        {
            assert!(Service::at(&wrong.parse().unwrap()).is_err(), "{wrong}");
        }
    }
}
