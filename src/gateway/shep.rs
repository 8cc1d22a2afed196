//! ШЭП as we call others through it (wire.md 1, trust.md 1): a question, signed by us; the answer, believed only if one of the
//! certificates of ШЭП signed it, and read from the very tree that was verified.
//!
//! What binds an answer to its question: the correlationId that we sent. The contract does not oblige the answer to bring it
//! back, messageId is the answering system's own, serviceId does not occur in an answer, and the signature covers the Body
//! alone, not the question. So an answer without it must be dated within [`CLOCKS`] of its question and say again what it is
//! about ([`About`]), or it may be one to another question, which somebody in between kept; and no further question is asked
//! on the connection on which it came, since an answer that is left over there would be taken for that of the next.

use super::fault::PartyFault;
use super::http_client::HttpClient;
use crate::clock::Clock;
use crate::current::Current;
use crate::random::{Id, Random};
use crate::soap::envelope::Envelope;
use crate::soap::sync_channel::Node;
use crate::soap::sync_client::{Answer, NoAnswer, Request};
use crate::text::StatusCode;
use crate::trust::Trust;
use crate::trust::outgoing::EnvelopeSigner;
use crate::xml::{Document, Element, Limits, Writer};
use hyper::Uri;
use secrecy::SecretString;
use std::sync::Arc;

/// By how much an answer without our correlationId may be dated before its question or after its arrival, milliseconds:
/// clocks differ.
pub const CLOCKS: i64 = 5 * 60_000;

/// Where ШЭП is, and who it is to us.
pub struct Address {
    /// Its `SyncChannel`.
    pub url: Uri,
    /// The peer whose certificates sign its answers.
    pub peer: String,
    /// `sender/senderId` of this service there.
    pub sender_id: String,
}

/// What a question is asked with; replaced as a whole when keys and certificates are (SIGHUP).
pub struct Means {
    /// Our key and certificate, in the form of `KeyInfo` that ШЭП takes.
    pub signer: EnvelopeSigner,
    /// `sender/password`.
    pub password: Option<SecretString>,
    /// Its connections, and whose certificates its server may show.
    pub http: HttpClient,
}

/// Children of `data` of an answer: those that were asked for by name, in the order of the answer, trimmed.
pub type Fields = Vec<(&'static str, String)>;

/// What a question is about: name and text of an element that its answer repeats, and must if nothing else binds it.
pub type About<'a> = (&'static str, &'a str);

/// By what an answer is known to be one to its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// It brought our correlationId back.
    Correlation,
    /// By what it says and when.
    Content,
}

/// Calls services through ШЭП.
pub struct ShepClient {
    address: Address,
    means: Current<Means>,
    trust: Arc<Current<Trust>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl From<NoAnswer> for PartyFault {
    fn from(_: NoAnswer) -> Self {
        Self::NotAnswer
    }
}

impl ShepClient {
    /// A client that believes the answers that `trust` does.
    pub fn new(
        address: Address,
        means: Means,
        trust: Arc<Current<Trust>>,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
    ) -> Self {
        Self { address, means: Current::new(means), trust, clock, random }
    }

    /// Asks by other means from now on; questions under way keep theirs.
    pub fn renew(&self, means: Means) {
        self.means.set(means);
    }

    /// Calls a service by `SendMessage` and answers with the children of its `data` that have one of `names`, among them that
    /// of `about`, which must say the same if it is there. The service must be one that may be asked twice: a question is
    /// repeated when a kept connection turns out to be closed. It has no time of its own: [`super::bounded`].
    ///
    /// # Errors
    /// [`PartyFault`]: whatever is wrong with the answer; nothing of it is used then.
    pub async fn send(
        &self,
        service_id: &str,
        data: &[Node],
        about: About<'_>,
        names: &[&'static str],
    ) -> Result<Fields, PartyFault> {
        let at = self.clock.now();
        let id = Id::new(at, &*self.random).map_err(|_| PartyFault::Question)?.to_string();
        let write = |writer: &mut Writer<'_>, means: &Means| {
            let request = Request {
                message_id: &id,
                correlation_id: Some(&id),
                service_id,
                at,
                sender_id: &self.address.sender_id,
                password: means.password.as_ref(),
            };
            request.write(writer, |writer| data.iter().for_each(|node| node.write(writer)));
        };
        let read = |body: Element<'_, '_>| {
            let Answer::Reply(reply) = Answer::read(body)? else { return Err(PartyFault::Fault) };
            let bond = match &reply.correlation_id {
                Some(own) if *own == id => Bond::Correlation,
                None if is_of_now(reply.response_date, at, self.clock.now()) => Bond::Content,
                _ => return Err(PartyFault::OtherQuestion),
            };
            if reply.code != StatusCode::Success.code() {
                return Err(PartyFault::Status);
            }
            let fields = reply.fields(names).map_err(|_| PartyFault::Content)?;
            if is_about(&fields, about, bond) { Ok((fields, bond)) } else { Err(PartyFault::OtherQuestion) }
        };
        self.converse(&self.address.url, &id, write, read).await
    }

    /// `sender/senderId` of this service at ШЭП.
    #[must_use]
    pub fn sender_id(&self) -> &str {
        &self.address.sender_id
    }

    /// Sends to `url` a signed envelope with what `write` puts into its Body, whose wsu:Id is made of `id`, and has the Body of
    /// the answer read once it is known to be of ШЭП. Only after an answer that `read` finds bound by its correlationId, the
    /// connection is kept.
    ///
    /// # Errors
    /// [`PartyFault`].
    pub async fn converse<T>(
        &self,
        url: &Uri,
        id: &str,
        write: impl FnOnce(&mut Writer<'_>, &Means),
        read: impl FnOnce(Element<'_, '_>) -> Result<(T, Bond), PartyFault>,
    ) -> Result<T, PartyFault> {
        let means = self.means.get();
        let envelope = means.signer.envelope(&format!("id-{id}"), |writer| write(writer, &means));
        let envelope = envelope.map_err(|_| PartyFault::Question)?;
        let held = means.http.ask_soap(url, envelope.into()).await?;
        let answer = &held.answer;
        // SOAP 1.1, 6.2: an answer has status 200, a fault 500. Of another status, only a fault is looked for.
        let is_ok = answer.status == 200;
        let unless_ok = |fault| if is_ok { fault } else { PartyFault::HttpStatus };
        let document = Document::parse(&answer.body, &Limits::default());
        let document = document.map_err(|_| unless_ok(PartyFault::NotXml))?;
        let envelope = Envelope::read(&document).map_err(|_| unless_ok(PartyFault::NotAnswer))?;
        if Answer::is_fault(envelope.body()) {
            // Whoever signed it or not: nothing follows from it but that there is no answer.
            return Err(PartyFault::Fault);
        }
        if !is_ok {
            return Err(PartyFault::HttpStatus);
        }
        let trust = self.trust.get();
        let verified = trust.verify(&envelope, self.clock.now() / 1000).await?;
        // Other peers may speak to us, but not for ШЭП.
        if verified.signer().peer.name != self.address.peer {
            return Err(PartyFault::Certificate);
        }
        let (said, bond) = read(verified.body())?;
        if bond == Bond::Correlation {
            let _ = held.keep();
        }
        Ok(said)
    }
}

/// Whether an answer of this date may be one to a question of `asked` that came at `now`.
fn is_of_now(date: Option<i64>, asked: i64, now: i64) -> bool {
    date.is_some_and(|date| (asked - CLOCKS..=now + CLOCKS).contains(&date))
}

fn is_about(fields: &Fields, (name, text): About<'_>, bond: Bond) -> bool {
    let mut said = fields.iter().filter(|(own, said)| *own == name && !said.is_empty()).peekable();
    (bond == Bond::Correlation || said.peek().is_some()) && said.all(|(_, said)| said == text)
}
