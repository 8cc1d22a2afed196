//! `kdp send`: a request of an initiator, built, signed, sent, and its answer explained.

mod answer;
mod identity;
mod message;
mod payload;

use super::{Failure, Outcome, Result, argument, say};
use answer::{Answer, Asked};
use clap::{ArgAction, ValueEnum};
use hyper::Uri;
use identity::Identity;
use kdp::clock::{Clock as _, SystemClock};
use kdp::gateway::http_client::HttpClient;
use kdp::random::{Id, SystemRandom};
use kdp::soap::sync_client::Request;
use kdp::text::Lang;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::{Peer, PeerKind, Trust};
use message::Message;
use payload::Payload;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// serviceId of access requests: what is sent unless another is named.
const ACCESS_REQUEST: &str = "KDP_SERVICE";

/// How long one exchange may take: the service itself ends one after 25 s.
const EXCHANGE: Duration = Duration::from_secs(40);

/// Builds, signs and sends a request of an initiator; prints the answer and, on a no, why and what to do.
///
/// With --as NAME the sandbox on this machine is asked for that peer's key, certificate, secrets and BIN, and a
/// verification token is made for the methods that need one. The token of a VALID answer is the last line.
///
/// Another service is named by --service-id, its elements by --set or a file; it answers SCSS001, or it is a no.
///
/// Exit 0: VALID or PENDING (or --cancel has cancelled), an active token; 1: any other status, a fault, or an answer whose signature
/// is not believed; 2: not readable, not reachable, wrong use.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  kdp send --as bank --method 2 --uin 800101399015 --service GBDFLUniversal_token\n  \
                  kdp send --as egov --service-id KDP_REVOKE --set uin=800101399015 --set applicant=subject --set request_id=ID\n\n\
                  Without a sandbox:\n  kdp send request.xml --url https://shep.example/shep/sync --tls-ca ca.pem --key my.key.pem \
                  --cert my.cert.pem --sender-id my_system --password-file password.txt --trust service.cert.pem"
)]
pub struct Args {
    /// Payload: XML of the children of data, or an unsigned envelope; flags win over what it says
    request: Option<PathBuf>,
    /// Where to send it
    #[arg(long, default_value = "http://127.0.0.1:8414/shep/sync")]
    url: Uri,
    /// Be this initiator of the sandbox at --url
    #[arg(long = "as", value_name = "NAME")]
    peer: Option<String>,
    /// Sign as this gateway of the sandbox, which speaks for the initiator
    #[arg(long, value_name = "NAME", requires = "peer")]
    via: Option<String>,
    /// Sign with this kind of the sandbox's keys; with the one that `kdp sandbox --crypto` chose, unless given
    #[arg(long, value_enum, requires = "peer")]
    crypto: Option<KeyKindWord>,
    /// Private key to sign with, PEM: RSA or ГОСТ
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
    /// Its certificate, PEM or DER
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// How the signature names the certificate
    #[arg(long, value_enum, default_value_t = KeyInfoWord::Certificate)]
    key_info: KeyInfoWord,
    /// sender/senderId
    #[arg(long)]
    sender_id: Option<String>,
    /// File with sender/password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with the authentication token
    #[arg(long, value_name = "FILE")]
    auth_token_file: Option<PathBuf>,
    /// requestInfo/serviceId
    #[arg(long, default_value = ACCESS_REQUEST)]
    service_id: String,
    /// While the answer is PENDING, repeat the request by its id for this long
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["print", "cancel"])]
    wait: Option<u64>,
    /// Certificate of the service, or of the authority that issued it; repeatable; with --as the sandbox's unless given
    #[arg(long, value_name = "CERT", action = ArgAction::Append)]
    trust: Vec<PathBuf>,
    /// Authorities of an https server, PEM
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Only print the signed envelope
    #[arg(long)]
    print: bool,
    /// Print {"http", "status", "data", "fault", "remedy", "signature"}
    #[arg(long, conflicts_with = "print")]
    json: bool,
    #[command(flatten)]
    payload: payload::Flags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyKindWord {
    Rsa,
    Gost,
}

#[derive(Clone, Copy, ValueEnum)]
enum KeyInfoWord {
    Certificate,
    IssuerSerial,
    BinaryToken,
    X509Data,
}

impl From<KeyInfoWord> for KeyInfoForm {
    fn from(word: KeyInfoWord) -> Self {
        match word {
            KeyInfoWord::Certificate => Self::Certificate,
            KeyInfoWord::IssuerSerial => Self::IssuerSerial,
            KeyInfoWord::BinaryToken => Self::BinaryToken,
            KeyInfoWord::X509Data => Self::X509Data,
        }
    }
}

/// Sends, and asks again while the subject is awaited.
pub async fn run(args: &Args) -> Result {
    let authorities = args.tls_ca.as_deref().map(argument::file).transpose()?;
    let client = HttpClient::new(EXCHANGE, authorities.as_ref().map(|pem| pem.as_slice()))
        .map_err(|e| Failure::unusable(format!("--tls-ca: {e}")))?;
    let file = args.request.as_deref().map(payload::File::read).transpose()?.unwrap_or_default();
    let identity = Identity::learn(args, &client, &file).await?;
    let asks = args.service_id == ACCESS_REQUEST;
    let payload = Payload::build(&args.payload, file, &identity, asks)?;
    let sender = Sender::new(args, client, identity)?;
    let envelope = sender.envelope(&payload)?;
    if args.print {
        let envelope =
            String::from_utf8(envelope).map_err(|_| Failure::unusable("the envelope is not UTF-8"))?;
        return Ok(Outcome::accepted(envelope + "\n"));
    }
    let mut answer = sender.exchange(envelope).await?;
    if let Some(seconds) = args.wait {
        answer = sender.wait(answer, &payload, Duration::from_secs(seconds)).await?;
    }
    let lang = payload.get("lang").and_then(Lang::parse).unwrap_or_default();
    let asked = match (asks, args.payload.cancel) {
        (false, _) => Asked::Other,
        (true, true) => Asked::Cancelling,
        (true, false) => Asked::Access,
    };
    Ok(answer.report(lang, asked, args.json))
}

/// Everything that stays the same from one message to the next.
struct Sender {
    client: HttpClient,
    url: Uri,
    service_id: String,
    identity: Identity,
    signer: EnvelopeSigner,
    trust: Option<Trust>,
}

impl Sender {
    fn new(args: &Args, client: HttpClient, mut identity: Identity) -> Result<Self> {
        let (key, certificate) = identity.signing.take().ok_or_else(|| {
            Failure::unusable("to sign, --key and --cert are needed, or --as NAME with a sandbox")
        })?;
        let signer = EnvelopeSigner::new(key, certificate, args.key_info.into());
        if !signer.fits() {
            return Err(Failure::unusable("the private key does not belong to the certificate"));
        }
        let sandbox = identity.authorities.iter().filter(|_| args.trust.is_empty());
        let trust = trust(args.trust.iter().chain(sandbox))?;
        let (url, service_id) = (args.url.clone(), args.service_id.clone());
        Ok(Self { client, url, service_id, identity, signer, trust })
    }

    fn envelope(&self, payload: &Payload) -> Result<Vec<u8>> {
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

    async fn exchange(&self, envelope: Vec<u8>) -> Result<Answer> {
        let answer = self.client.post_soap(&self.url, envelope.into()).await;
        let answer = answer.map_err(|e| Failure::unusable(format!("{}: {e}", argument::place(&self.url))))?;
        Answer::read(&answer, self.trust.as_ref(), self.identity.clock.now() / 1000)
    }

    /// Repeats by request id until the answer is final or the time is up.
    async fn wait(&self, mut answer: Answer, payload: &Payload, longest: Duration) -> Result<Answer> {
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
