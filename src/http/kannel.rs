//! What an SMS gateway with Kannel's interface calls (its user guide, "Delivery Reports" and "SMS services"): reports
//! whether an SMS reached the phone, and replies of subjects. Such calls are not signed: a secret in the query stands for the
//! gateway, and without it there is no such path. 200 is told after the commit alone: on anything else Kannel calls again.

mod call;

use super::Server;
use super::answer::{Answer, not_allowed, plain};
use super::body::Unread;
use super::crowd::Guest;
use crate::admission::{Line, Spot};
use crate::exchange::{Channel, Response};
use crate::gateway::SMS;
use crate::metric::party::PartyCallLabels;
use crate::service::sms_reply;
use call::{Call, Said};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};

/// Where reports come.
pub(super) const REPORT: &str = "/kannel/report";
/// Where replies come.
pub(super) const INCOMING: &str = "/kannel/incoming";
/// Longest body, bytes: an SMS of 255 parts is shorter.
const MAX_BODY: usize = 64 << 10;

impl Server {
    pub(super) async fn kannel(&self, request: Request<Incoming>, guest: &Guest) -> Answer {
        let mut call = Call::read(request.uri().query().unwrap_or_default());
        if !self.app.sms.calls_with(call.secret()) {
            self.count_call("refused");
            return self.unread(request, plain(StatusCode::NOT_FOUND, "no such path"));
        }
        guest.judge(true, u32::MAX);
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return self.unread(request, not_allowed("GET, POST"));
        }
        let is_report = request.uri().path() == REPORT;
        // Kannel's `post-url` brings the text as the body.
        if request.method() == Method::POST && !is_report && !call.has_text() {
            let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
            let kind = header(CONTENT_TYPE).unwrap_or_default().to_owned();
            let length = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
            if length.is_none_or(|length: usize| length > MAX_BODY) {
                self.count_call("unusable");
                return self.unread(request, plain(StatusCode::PAYLOAD_TOO_LARGE, "no SMS is that long"));
            }
            match self.read(request.into_body()).await {
                Ok(body) => call.take_body(&body.bytes, &kind),
                Err(Unread::TooLarge(_) | Unread::NoRoom(_) | Unread::TooSlow | Unread::Broken) => {
                    return plain(StatusCode::SERVICE_UNAVAILABLE, "the SMS did not arrive whole");
                }
            }
        } else if !request.body().is_end_stream() {
            self.forget(request.into_body());
        }
        let said = if is_report { call.report() } else { call.reply() };
        // It has a line of its own, which no sender's name can be: those have no slash before them.
        let spot = || Spot { line: Line::Sender(INCOMING.to_owned()), claimed: None };
        let work = Box::pin(self.take_call(said));
        match self.admit(Channel::Sync, self.deadline(), guest, spot, work).await {
            Ok(response) => {
                let status = StatusCode::from_u16(response.status);
                plain(status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), "")
            }
            Err(answer) => plain(answer.status(), ""),
        }
    }

    /// Does what was called for.
    async fn take_call(&self, said: Said) -> Response {
        let at = self.app.clock.now();
        let (what, taken) = match said {
            Said::Report { id, delivery } => {
                ("report", sms_reply::report(&self.app, &id, delivery, sms_reply::came(at)).await)
            }
            Said::Reply { from, id, text, at: said_at } => {
                let heard = sms_reply::hear(&self.app, from, id, (&text, said_at), sms_reply::came(at)).await;
                ("reply", heard.map(|_| ()))
            }
            // Never of use, however often it is brought.
            Said::Nothing(why) => {
                tracing::warn!(why, "a call of the SMS gateway says nothing that can be used");
                ("unusable", Ok(()))
            }
            Said::OnTheWay => ("on-the-way", Ok(())),
        };
        let status = match taken {
            Ok(()) => {
                self.count_call(what);
                StatusCode::OK
            }
            Err(error) => {
                self.count_call("failed");
                tracing::warn!(%error, "a call of the SMS gateway was not taken, it is brought again");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Response { status: status.as_u16(), fault: None, sender: None, body: Vec::new() }
    }

    fn count_call(&self, outcome: &'static str) {
        self.app.metrics.parties.calls.get_or_create(&PartyCallLabels { party: SMS, outcome }).inc();
    }
}
