//! The sandbox's own routes: what exists, the phones, the clock. JSON.

use super::Sandbox;
use crate::clock;
use crate::http::{Answer, Routes, answer};
use crate::job;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;

/// Most pieces of due work that one movement of the clock runs through.
const MOST_STEPS: usize = 1_000_000;

impl Routes for Sandbox {
    fn answer<'a>(
        &'a self,
        method: &'a Method,
        path: &'a str,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(async move {
            let rest = path.strip_prefix("/sandbox")?;
            let reply = match (method, rest) {
                (&Method::GET, "" | "/") => Ok(self.describe()),
                (&Method::GET, "/clock") => Ok(self.time()),
                (&Method::POST, "/clock") => self.move_clock(&body).await,
                (&Method::POST, "/delay") => self.set_delay(&body),
                (&Method::GET, phone) => match phone.strip_prefix("/phone/") {
                    Some(msisdn) => Ok(self.received(msisdn)),
                    None => return None,
                },
                (&Method::POST, phone) => match phone.strip_prefix("/phone/") {
                    Some(msisdn) => self.reply(msisdn, &body).await,
                    None => return None,
                },
                _ => Err((StatusCode::METHOD_NOT_ALLOWED, "GET or POST")),
            };
            Some(match reply {
                Ok(value) => in_json(StatusCode::OK, &value),
                Err((status, text)) => in_json(status, &json!({ "error": text })),
            })
        })
    }
}

type Outcome = Result<Value, (StatusCode, &'static str)>;

fn in_json(status: StatusCode, value: &Value) -> Answer {
    answer(status, "application/json", value.to_string().into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moved {
    advance: Option<String>,
    set: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delayed {
    delay: String,
}

impl Sandbox {
    fn set_delay(&self, body: &[u8]) -> Outcome {
        let bad = (StatusCode::BAD_REQUEST, "send {\"delay\": \"PT5S\"}");
        let delayed: Delayed = serde_json::from_slice(body).map_err(|_| bad)?;
        self.outside.set_delay(duration(&delayed.delay).ok_or(bad)?);
        Ok(json!({ "reply_delay_ms": self.outside.delay() }))
    }

    fn describe(&self) -> Value {
        let file = |name: &str, kind: &str| {
            super::pki::path(&self.data, &format!("{name}.{kind}.pem")).display().to_string()
        };
        let peers: Vec<Value> = self
            .world
            .peers
            .iter()
            .map(|peer| {
                json!({
                    "name": peer.name, "kind": peer.kind, "role": peer.role, "bin": peer.bin,
                    "organisation": peer.organisation, "sender_id": peer.sender_id,
                    "password": self.passwords.get(&peer.name),
                    "key": file(&peer.name, "key"), "cert": file(&peer.name, "cert"),
                    "gost_key": null, "gost_cert": null,
                    "methods": peer.methods, "services": peer.services,
                })
            })
            .collect();
        let directory: Vec<Value> = self
            .world
            .directory
            .iter()
            .map(|entry| {
                json!({
                    "id": entry.id, "bin": entry.bin, "services": entry.services,
                    "period_seconds": entry.period_seconds, "valid_until": entry.valid_until,
                })
            })
            .collect();
        json!({
            "sync_url": format!("{}/shep/sync", self.base),
            "jwks_url": format!("{}/.well-known/jwks.json", self.base),
            "now": clock::text(self.app.clock.now()),
            "reply_delay_ms": self.outside.delay(),
            "ca": super::pki::path(&self.data, "ca.pem").display().to_string(),
            "peers": peers,
            "subjects": self.world.subjects,
            "directory": directory,
            "grounds": self.world.grounds,
            "proactive": self.world.proactive,
        })
    }

    fn time(&self) -> Value {
        json!({ "now": clock::text(self.app.clock.now()) })
    }

    fn received(&self, msisdn: &str) -> Value {
        let sms = self.outside.phone(msisdn);
        sms.iter().map(|sms| json!({ "at": clock::text(sms.at), "text": sms.text })).collect()
    }

    async fn reply(&self, msisdn: &str, body: &[u8]) -> Outcome {
        let bad = |text| (StatusCode::BAD_REQUEST, text);
        let said: Said = serde_json::from_slice(body).map_err(|_| bad("send {\"text\": \"…\"}"))?;
        if crate::consent::identity::Msisdn::parse(msisdn).is_none() {
            return Err(bad("a number is 10 to 15 digits"));
        }
        let failed = |_| (StatusCode::SERVICE_UNAVAILABLE, "the service is busy");
        let id = crate::random::Id::new(self.app.clock.now(), &*self.app.random)
            .map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "no randomness"))?;
        let said = self.outside.say(&self.app, msisdn, &format!("hand-{id}"), &said.text).await;
        said.map(|()| json!({ "sent": true })).map_err(failed)
    }

    async fn move_clock(&self, body: &[u8]) -> Outcome {
        let bad = |text| (StatusCode::BAD_REQUEST, text);
        let shape = "send {\"advance\": \"PT15M\"} or {\"set\": \"2026-04-01T00:00:00+05:00\"}";
        let moved: Moved = serde_json::from_slice(body).map_err(|_| bad(shape))?;
        let now = self.app.clock.now();
        let target = match (moved.advance, moved.set) {
            (Some(span), None) => {
                let span =
                    duration(&span).ok_or(bad("advance is an ISO 8601 duration such as PT15M or P1D"))?;
                now.saturating_add(span)
            }
            (None, Some(time)) => clock::parse(&time).ok_or(bad("set is a date and time"))?,
            _ => return Err(bad(shape)),
        };
        self.run_until(target).await.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the service is busy"))?;
        let kept = self.keep_clock();
        kept.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the clock could not be kept"))?;
        Ok(self.time())
    }

    /// Moves the clock to `target` (Unix milliseconds), stopping at each piece of due work on the way.
    async fn run_until(&self, target: i64) -> Result<(), crate::store::StoreError> {
        for _ in 0..MOST_STEPS {
            let due = [self.app.store.next_due().await?, self.outside.next_due()];
            let Some(next) = due.into_iter().flatten().min().filter(|next| *next <= target) else { break };
            if next > self.app.clock.now() {
                self.clock.set(next);
            }
            job::run_in_order(&self.app).await?;
            self.outside.reply_due(&self.app).await?;
        }
        self.clock.set(target);
        Ok(())
    }
}

/// An ISO 8601 duration of weeks, days, hours, minutes and seconds, milliseconds.
fn duration(text: &str) -> Option<i64> {
    let text = text.strip_prefix('P')?;
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let part = |text: &str, units: &[(char, i64)]| -> Option<i64> {
        let (mut total, mut number) = (0_i64, String::new());
        for c in text.chars() {
            if c.is_ascii_digit() {
                number.push(c);
                continue;
            }
            let (_, seconds) = units.iter().find(|(unit, _)| *unit == c)?;
            total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(*seconds)?)?;
            number.clear();
        }
        number.is_empty().then_some(total)
    };
    (!date.is_empty() || !time.is_empty()).then_some(())?;
    let date = part(date, &[('W', 604_800), ('D', 86_400)])?;
    let time = part(time, &[('H', 3600), ('M', 60), ('S', 1)])?;
    date.checked_add(time)?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("PT15M"), Some(900_000));
        assert_eq!(duration("P1DT2H3M4S"), Some((86_400 + 7200 + 184) * 1000));
        assert_eq!(duration("P2W"), Some(14 * 86_400_000));
        for wrong in ["", "P", "PT", "15M", "PT15", "P15M", "PT-1M", "PTM", "P99999999999999W"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
