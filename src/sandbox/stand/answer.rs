//! What leaves the stand: answers as they should be, or as the switches want them.

use super::Stand;
use super::fault::Plan;
use super::switch::Switch;
use crate::fault::Fault;
use crate::http::{Answer, Content, answer};
use crate::soap::sync_channel::Detail;
use crate::text::FaultCode;
use crate::trust::outgoing::{self, OutgoingError};
use crate::xml::Writer;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

const XML: &str = "text/xml; charset=utf-8";
/// What a server says that is not the one that was meant.
const PAGE: &str = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway<br></h1></body>";

/// An answer that is made without the work, when its time has come: `None`, unless the plan says so.
pub async fn instead(plan: &Plan) -> Option<Answer> {
    let answer = quick(plan)?;
    wait(plan).await;
    silence(plan, Switch::LostRequest).await;
    Some(answer)
}

fn quick(plan: &Plan) -> Option<Answer> {
    if plan.has(Switch::LostRequest) {
        return Some(broken());
    }
    if let Some(status) = plan.value(Switch::HttpStatus) {
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        return Some(answer(status.unwrap_or(StatusCode::BAD_GATEWAY), "text/html", PAGE.into()));
    }
    plan.has(Switch::Fault).then(|| fault(&Fault::new(FaultCode::Internal, "switched on in /sandbox/faults")))
}

/// Waits as long as the plan says.
pub async fn wait(plan: &Plan) {
    if let Some(milliseconds) = plan.value(Switch::DelayMs) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// Nothing comes for as long as the plan says.
async fn silence(plan: &Plan, lost: Switch) {
    if let Some(milliseconds) = plan.value(lost).filter(|milliseconds| *milliseconds > 0) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// A SOAP fault, which is not signed.
pub fn fault(fault: &Fault) -> Answer {
    let at = crate::clock::Clock::now(&crate::clock::SystemClock);
    let response = crate::exchange::respond(Detail::default(), fault, None, at);
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer(status, XML, response.body.into())
}

/// No answer: the connection breaks.
fn broken() -> Answer {
    let mut answer = answer(StatusCode::OK, XML, Bytes::new());
    *answer.body_mut() = Content::Streamed(Box::pin(Cut));
    answer
}

impl Stand {
    /// The answer to work that was done, around what `content` writes into the Body.
    pub async fn finish(&self, plan: &Plan, id: &str, content: impl Fn(&mut Writer<'_>) + Send) -> Answer {
        if plan.has(Switch::LostAnswer) {
            silence(plan, Switch::LostAnswer).await;
            return broken();
        }
        let Ok(bytes) = self.message(plan, id, content) else {
            return fault(&Fault::new(FaultCode::Internal, "the answer could not be signed"));
        };
        let mut answer = answer(StatusCode::OK, XML, Bytes::new());
        *answer.body_mut() = match plan.value(Switch::Slow) {
            Some(pause) => Content::Streamed(Box::pin(Drip::new(bytes.into(), pause))),
            None => Bytes::from(bytes).into(),
        };
        answer
    }

    /// A message of ШЭП around what `content` writes into the Body, in which a messageId stands.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub fn message(
        &self,
        plan: &Plan,
        id: &str,
        content: impl Fn(&mut Writer<'_>),
    ) -> Result<Vec<u8>, OutgoingError> {
        if plan.has(Switch::NotXml) {
            return Ok(b"Service temporarily unavailable".to_vec());
        }
        let id = format!("id-{id}");
        let mut bytes = if plan.has(Switch::Unsigned) {
            outgoing::unsigned(&content)?
        } else if plan.has(Switch::ForeignCertificate) {
            self.certificates.stranger().envelope(&id, &content)?
        } else {
            self.certificates.signer().envelope(&id, &content)?
        };
        if plan.has(Switch::WrongSignature) {
            tamper(&mut bytes);
        }
        if let Some(more) = plan.value(Switch::Huge) {
            bytes.extend_from_slice(b"<!--");
            bytes.resize(bytes.len() + usize::try_from(more).unwrap_or(0), b'.');
            bytes.extend_from_slice(b"-->");
        }
        Ok(bytes)
    }
}

/// Changes the messageId in the Body, after it was signed.
fn tamper(bytes: &mut [u8]) {
    let find = |from: usize, what: &[u8]| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.windows(what.len()).position(|window| window == what).map(|at| from + at + what.len())
    };
    let place = find(0, b"<soap:Body").and_then(|body| find(body, b"essageId>"));
    if let Some(byte) = place.and_then(|place| bytes.get_mut(place)) {
        *byte = if *byte == b'9' { b'8' } else { b'9' };
    }
}

/// The body of an answer that never comes.
struct Cut;

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}

/// A body that comes byte by byte.
struct Drip {
    rest: Bytes,
    pause: Interval,
}

impl Drip {
    fn new(rest: Bytes, milliseconds: u64) -> Self {
        let mut pause = interval(Duration::from_millis(milliseconds.max(1)));
        pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { rest, pause }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.pause.poll_tick(context));
        let byte = self.rest.split_to(1);
        Poll::Ready(Some(Ok(Frame::data(byte))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_id_of_the_body_is_changed_and_nothing_else() {
        let before = b"<a><messageId>1</messageId><soap:Body x><b><messageId>0abc</messageId>".to_vec();
        let mut after = before.clone();
        tamper(&mut after);
        let expected = String::from_utf8(before).unwrap().replace("0abc", "9abc");
        assert_eq!(String::from_utf8(after).unwrap(), expected);
    }
}
