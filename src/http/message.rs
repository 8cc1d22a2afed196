//! A message of `SyncChannel`: read, admitted, exchanged, answered.

use super::Server;
use super::answer::{Answer, closing, plain, soap};
use super::body::{Encoding, Unread, content_type};
use super::crowd::Guest;
use crate::admission::Line;
use crate::exchange::{self, Known, Response, exchange};
use crate::fault::Fault;
use crate::guard::{Panicked, guarded};
use crate::text::FaultCode;
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::{Request, StatusCode};
use prometheus_client::metrics::gauge::Gauge;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Messages in a row that cannot be believed, after which a connection is closed.
const FAILURES: u32 = 32;
/// Longest senderId that is looked for in a message that has to wait, bytes.
const LONGEST_NAME: usize = 128;

impl Server {
    pub(super) async fn message(&self, request: Request<Incoming>, guest: &Guest) -> Answer {
        let limits = self.app.limits();
        let deadline = Instant::now() + Duration::from_secs(limits.exchange_seconds);
        match content_type(&request) {
            Encoding::Other => {
                let text = "Content-Type must be text/xml; charset=utf-8";
                return self.unread(request, plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            }
            Encoding::NotUtf8 => {
                let fault = Fault::format("the charset of Content-Type is not UTF-8");
                let answer = self.fault(fault).await;
                return self.unread(request, answer);
            }
            Encoding::Utf8 => {}
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: usize| bytes > limits.body_bytes) {
            let answer = closing(self.fault(too_large(limits.body_bytes)).await);
            return self.unread(request, answer);
        }
        let message = match self.read(request.into_body()).await {
            Ok(message) => message,
            Err(Unread::TooLarge(rest)) => {
                self.forget(rest);
                return closing(self.fault(too_large(limits.body_bytes)).await);
            }
            Err(Unread::NoRoom(rest)) => {
                self.app.metrics.shed.inc();
                self.forget(rest);
                return closing(self.overloaded("too many large messages at once"));
            }
            Err(Unread::TooSlow) => {
                return closing(self.fault(Fault::format("the message did not arrive in time")).await);
            }
            Err(Unread::Broken) => {
                return closing(self.fault(Fault::format("the message did not arrive whole")).await);
            }
        };
        // Only now, so that slow senders hold no place; and shed without touching the database, which is what is short.
        guest.works();
        if self.app.metrics.journal.refuses() {
            return self.overloaded("the journal does not reach its target, and nothing is done unseen");
        }
        let Some(_counted) = Counted::new(&self.app.metrics.in_flight, limits.in_flight) else {
            self.app.metrics.shed.inc();
            return self.overloaded("too many exchanges at once");
        };
        let line = || self.line(guest.address, &message.bytes);
        let working = async {
            let place = self.gate.enter(limits.queue, line).await?;
            let exchange = guarded(&self.app.metrics, Box::pin(exchange(&self.app, &message.bytes)));
            Some(place.stretch(exchange).await)
        };
        match timeout_at(deadline, working).await {
            Ok(Some(Ok(response))) => {
                let believed = is_believed(&response);
                self.gate.judge(line, believed);
                let is_last = guest.judge(believed, FAILURES);
                if is_last {
                    self.app.metrics.dismissed.inc();
                }
                let answer = soap(response);
                if is_last { closing(answer) } else { answer }
            }
            Ok(Some(Err(Panicked))) => {
                self.fault(Fault::new(FaultCode::Internal, "the message was not processed")).await
            }
            Ok(None) => {
                self.app.metrics.shed.inc();
                self.overloaded("too many messages of this sender or address wait already")
            }
            Err(_elapsed) => self.overloaded("the exchange took too long; it may be repeated"),
        }
    }

    /// Where a message stands in the queue: by the name that it claims, if somebody has it.
    fn line(&self, address: IpAddr, message: &[u8]) -> Line {
        let registry = self.app.registry();
        Line::new(address, unverified_sender(message).filter(|name| registry.senders.contains_key(*name)))
    }

    fn overloaded(&self, detail: &'static str) -> Answer {
        let fault = Fault::new(FaultCode::Overloaded, detail);
        soap(exchange::respond(&fault, None, self.app.clock.now()))
    }

    /// A fault that no exchange came to, journalled.
    async fn fault(&self, fault: Fault) -> Answer {
        let code = fault.code;
        let refused = async {
            let at = self.app.clock.now();
            let decision = crate::random::Id::new(at, &*self.app.random).ok();
            soap(exchange::refuse(&self.app, fault, decision, at, Known::default()).await)
        };
        let refused = guarded(&self.app.metrics, refused).await;
        refused.unwrap_or_else(|Panicked| {
            let fault = Fault::new(code, "the message was not processed");
            soap(exchange::respond(&fault, None, crate::clock::Clock::now(&crate::clock::SystemClock)))
        })
    }
}

fn too_large(limit: usize) -> Fault {
    Fault::new(FaultCode::TooLarge, format!("the message is larger than {limit} bytes"))
}

/// Whether the sender of a message is who it says.
fn is_believed(response: &Response) -> bool {
    !matches!(
        response.fault,
        Some(
            FaultCode::Format
                | FaultCode::TransportCertificate
                | FaultCode::TransportSignature
                | FaultCode::TransportUnsigned
                | FaultCode::SenderNotAuthenticated
        )
    )
}

/// The text of the first element whose name ends in `senderId`, from bytes that nobody has parsed or believed.
fn unverified_sender(message: &[u8]) -> Option<&str> {
    const TAG: &[u8] = b"senderId>";
    let mut rest = message;
    while let Some(end) = rest.iter().position(|byte| *byte == b'>') {
        let (tag, after) = rest.split_at_checked(end + 1)?;
        if tag.ends_with(TAG) {
            let text = after.get(..LONGEST_NAME).unwrap_or(after);
            let length = text.iter().position(|byte| *byte == b'<')?;
            return std::str::from_utf8(text.get(..length)?).ok().map(str::trim);
        }
        rest = after;
    }
    None
}

/// Counts an exchange while it runs, also when its caller goes away.
struct Counted<'g>(&'g Gauge);

impl<'g> Counted<'g> {
    /// `None`: as many as `most` run already.
    fn new(gauge: &'g Gauge, most: usize) -> Option<Self> {
        let before = gauge.inc();
        let counted = Self(gauge);
        usize::try_from(before).is_ok_and(|before| before < most).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::unverified_sender;

    #[test]
    fn the_claimed_name_is_found_in_both_wrappers_and_nothing_else_is_taken_for_it() {
        for (message, name) in [
            ("<a><sender><senderId>bank</senderId></sender></a>", Some("bank")),
            ("<k:a><k:senderId> bank </k:senderId></k:a>", Some("bank")),
            ("<a><senderId/><senderId>bank</senderId></a>", Some("bank")),
            ("<a><senderId>bank", None),
            ("<a>senderId", None),
            ("", None),
        ] {
            assert_eq!(unverified_sender(message.as_bytes()), name, "{message}");
        }
        let endless = format!("<senderId>{}</senderId>", "a".repeat(1000));
        assert_eq!(unverified_sender(endless.as_bytes()), None);
        assert_eq!(unverified_sender(b"<senderId>\xff</senderId>"), None);
    }
}
