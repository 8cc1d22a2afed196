//! An SMS that a subject sent to 1414 (F-6): it answers a request, or leads to an explanation; a report of fraud raises
//! an alert.

use crate::app::App;
use crate::consent::identity::Msisdn;
use crate::consent::sms::{Answer, ParsedReply};
use crate::store::{Heard, Record, StoreError};

/// Hears `text` from `from`; `id` identifies the SMS, so that it is heard once. `at` is Unix milliseconds.
///
/// # Errors
/// [`StoreError`]: it was not heard, and may be brought again.
pub async fn hear(app: &App, from: Msisdn, id: String, text: &str, at: i64) -> Result<Heard, StoreError> {
    let reply = ParsedReply::parse(text);
    let fraud = reply.answer() == Answer::Fraud;
    let outcome = if fraud { "fraud" } else { "reply" };
    let record = Record { at, kind: "event", outcome: outcome.to_owned(), ..Record::default() };
    let heard = app.store.hear(from, id, reply, record).await?;
    if fraud && heard != Heard::Again {
        let request = match &heard {
            Heard::Answered(request) => Some(request),
            _ => None,
        };
        app.metrics.frauds.inc();
        tracing::warn!(
            request = request.map(tracing::field::display),
            "ALERT: a subject reported a fraud; find out who asked, and why"
        );
    }
    app.wake.notify_one();
    Ok(heard)
}
