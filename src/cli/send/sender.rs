//! Who sends, where to, and whose answers are believed: what stays the same from one message to the next.

use super::answer::Answer;
use super::identity::Identity;
use super::message::Message;
use super::payload::Payload;
use super::save::Folder;
use super::{Args, KeyInfoWord, SANDBOX};
use crate::cli::{Failure, Result, argument, say};
use hyper::Uri;
use kdp::clock::{Clock as _, SystemClock};
use kdp::gateway::http_client::HttpClient;
use kdp::random::{Id, SystemRandom};
use kdp::soap::sync_client::Request;
use kdp::trust::outgoing::EnvelopeSigner;
use kdp::trust::{Peer, PeerKind, Trust};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long one exchange may take: the service itself ends one after 25 s.
const EXCHANGE: Duration = Duration::from_secs(40);

/// The client by which the flags reach the service.
pub fn client(args: &Args) -> Result<HttpClient> {
    let authorities = args.tls_ca.as_deref().map(argument::file).transpose()?;
    HttpClient::new(EXCHANGE, authorities.as_ref().map(|pem| pem.as_slice()))
        .map_err(|e| Failure::unusable(format!("--tls-ca: {e}")))
}

/// Where the flags say that the service is.
pub fn url(args: &Args) -> Uri {
    args.url.clone().unwrap_or_else(|| Uri::from_static(SANDBOX))
}

/// A sender, ready.
pub struct Sender {
    client: HttpClient,
    url: Uri,
    service_id: String,
    identity: Identity,
    signer: EnvelopeSigner,
    trust: Option<Trust>,
    folder: Option<Folder>,
}

impl Sender {
    pub fn new(args: &Args, client: HttpClient, mut identity: Identity, service_id: String) -> Result<Self> {
        let (key, certificate) = identity.signing.take().ok_or_else(|| {
            Failure::unusable("to sign, --key and --cert are needed, or --as NAME with a sandbox")
        })?;
        let signer =
            EnvelopeSigner::new(key, certificate, args.key_info.unwrap_or(KeyInfoWord::Certificate).into());
        if !signer.fits() {
            return Err(Failure::unusable("the private key does not belong to the certificate"));
        }
        let sandbox = identity.authorities.iter().filter(|_| args.trust.is_empty());
        let trust = trust(args.trust.iter().chain(sandbox))?;
        let folder = args.save.as_deref().map(Folder::open).transpose()?;
        Ok(Self { client, url: url(args), service_id, identity, signer, trust, folder })
    }

    /// The time where it sends to, Unix milliseconds: of the sandbox, or of this machine.
    pub fn now(&self) -> i64 {
        self.identity.clock.now()
    }

    /// The signed envelope of a message, under an id of its own.
    pub fn envelope(&self, payload: &Payload) -> Result<Vec<u8>> {
        let random = SystemRandom::default();
        let message_id = Id::new(SystemClock.now(), &random)?.to_string();
        let request = Request {
            message_id: &message_id,
            correlation_id: None,
            service_id: &self.service_id,
            at: self.identity.clock.now(),
            sender_id: &self.identity.sender_id,
            password: self.identity.password.as_ref(),
        };
        let message = Message { request, payload };
        Ok(self.signer.envelope(&format!("id-{message_id}"), |writer| message.write(writer))?)
    }

    /// Sends an envelope and reads what comes back.
    pub async fn exchange(&self, envelope: Vec<u8>) -> Result<Answer> {
        let kept = self.folder.as_ref().map(|folder| folder.request(&self.service_id, &envelope));
        let kept = kept.transpose()?;
        let answer = self.client.post_soap(&self.url, envelope.into()).await;
        let answer = answer.map_err(|e| Failure::unusable(format!("{}: {e}", argument::place(&self.url))))?;
        if let Some(kept) = kept {
            kept.answer(&answer.body)?;
        }
        Answer::read(&answer, self.trust.as_ref(), self.identity.clock.now() / 1000)
    }

    /// Repeats by request id until the answer is final or the time is up.
    pub async fn wait(&self, mut answer: Answer, payload: &Payload, longest: Duration) -> Result<Answer> {
        #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
        let started = std::time::Instant::now();
        if answer.poll_after().is_some() {
            say(&format!("the subject is awaited, for at most {} s", longest.as_secs()));
        }
        while let (Some(pause), Some(id)) = (answer.poll_after(), answer.data("request_id")) {
            let left = longest.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            let repeat = payload.repeat(id);
            tokio::time::sleep(pause.min(left)).await;
            answer = self.exchange(self.envelope(&repeat)?).await?;
        }
        Ok(answer)
    }
}

/// Whose answers are believed; `None`: nobody was named.
fn trust<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Result<Option<Trust>> {
    let peer = Arc::new(Peer::new("service", PeerKind::Direct(None)));
    let mut trust = None;
    for path in paths {
        let certificate = argument::certificate(path)?;
        let trust: &mut Trust = trust.get_or_insert_default();
        if certificate.is_authority() {
            trust.add_authority(certificate)?;
            trust.believe_chained(peer.clone());
        } else {
            trust.pin(certificate, peer.clone());
        }
    }
    Ok(trust)
}
