//! The sandbox's own routes: what exists, the phones, the clock. JSON.

use super::Sandbox;
use super::crypto::KeyKind;
use super::ear::{Incoming, What};
use super::page;
use super::world::Sample;
use crate::clock;
use crate::http::{Answer, Routes, answer, is_loopback};
use crate::job;
use crate::random::Id;
use crate::store::StoreError;
use bytes::Bytes;
use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;

/// Most pieces of due work that one movement of the clock runs through.
const MOST_STEPS: usize = 1_000_000;
/// How far the clock is moved at a time, milliseconds.
const FARTHEST: i64 = 10 * 366 * 86_400_000;

impl Routes for Sandbox {
    fn answer<'a>(
        &'a self,
        head: &'a Parts,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(async move {
            let (method, path) = (&head.method, head.uri.path());
            let file = page::file(method, path);
            let rest = path.strip_prefix("/sandbox").filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if (file.is_some() || rest.is_some()) && !self.is_asked_here(head) {
                let told =
                    json!({ "error": "ask by the address that the sandbox listens on, from its own page" });
                return Some(in_json(StatusCode::FORBIDDEN, &told));
            }
            if file.is_some() {
                return file;
            }
            let rest = rest?;
            if let Some(answer) = self.stand.answer(method, rest, &body).await {
                return Some(answer);
            }
            if let Some(shown) = self.shown(method, rest, &body).await {
                return Some(told(shown));
            }
            let reply = match (method, rest) {
                (&Method::GET, "" | "/") => Ok(self.describe().await),
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
            Some(told(reply))
        })
    }
}

/// What is answered, or the status and text of a refusal.
pub type Outcome = Result<Value, (StatusCode, &'static str)>;

fn told(outcome: Outcome) -> Answer {
    match outcome {
        Ok(value) => in_json(StatusCode::OK, &value),
        Err((status, text)) => in_json(status, &json!({ "error": text })),
    }
}

/// The refusal when the database cannot answer.
pub fn busy(_: StoreError) -> (StatusCode, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, "the service is busy")
}

pub fn in_json(status: StatusCode, value: &Value) -> Answer {
    answer(status, "application/json", value.to_string().into())
}

/// A token of the world as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    sample: &'a Sample,
    code: Option<String>,
    issued_at: Option<String>,
    expires_at: Option<String>,
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
    /// Whether a request is for this sandbox, and not from another page. Who listens on loopback is asked by a name of
    /// loopback: under any other, a page of elsewhere may have had its own name point here (DNS rebinding).
    fn is_asked_here(&self, head: &Parts) -> bool {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(HOST).or_else(|| head.uri.authority().map(Authority::as_str));
        let own = self.base.strip_prefix("http://").is_none_or(is_loopback);
        let by_name = !own || host.is_some_and(is_loopback);
        let from =
            head.headers.get(ORIGIN).map(|_| text(ORIGIN).and_then(|from| from.strip_prefix("http://")));
        // A page of elsewhere that names us in an image, say, asks without an Origin.
        let by_page_elsewhere =
            text(HeaderName::from_static("sec-fetch-site")).is_some_and(|site| site == "cross-site");
        by_name && !by_page_elsewhere && from.is_none_or(|from| from.is_some() && from == host)
    }

    fn set_delay(&self, body: &[u8]) -> Outcome {
        let bad = (StatusCode::BAD_REQUEST, "send {\"delay\": \"PT5S\"}");
        let delayed: Delayed = serde_json::from_slice(body).map_err(|_| bad)?;
        self.outside.set_delay(duration(&delayed.delay).ok_or(bad)?);
        Ok(json!({ "reply_delay_ms": self.outside.delay() }))
    }

    async fn describe(&self) -> Value {
        let path = |file: &str| super::pki::path(&self.data, file).display().to_string();
        let peers: Vec<Value> = self
            .world
            .peers
            .iter()
            .enumerate()
            .map(|(place, peer)| {
                let file = |kind: KeyKind, what: &str| path(&kind.file(&peer.name, what));
                json!({
                    "name": peer.name, "kind": peer.kind, "role": peer.role, "bin": peer.bin,
                    "organisation": peer.organisation, "sender_id": peer.sender_id,
                    "password": self.kept.passwords.get(&peer.name),
                    "key": file(KeyKind::Rsa, "key"), "cert": file(KeyKind::Rsa, "cert"),
                    "gost_key": file(KeyKind::Gost, "key"), "gost_cert": file(KeyKind::Gost, "cert"),
                    "crypto": self.kept.crypto.of_peer(place),
                    "methods": peer.methods, "services": peer.services, "period_seconds": peer.period_seconds,
                    "logging": peer.logging, "suspended": peer.suspended, "ovt_bound": peer.ovt_bound,
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
                    "period_seconds": entry.period_seconds, "storage_seconds": entry.storage_seconds,
                    "purpose": entry.purpose, "purpose_kk": entry.purpose_kk,
                    "valid_from": entry.valid_from, "valid_until": entry.valid_until,
                })
            })
            .collect();
        let held = self.world.subjects.iter().filter(|subject| subject.hold.is_some());
        let holds: Vec<Value> =
            held.map(|subject| json!({ "iin": subject.iin, "hold": subject.hold })).collect();
        let mut tokens = Vec::new();
        for sample in &self.world.tokens {
            tokens.push(self.sample(sample).await);
        }
        let operators = super::operator::OPERATORS.map(|(name, _, role)| {
            let file = super::operator::password_file(&self.data, name);
            json!({ "name": name, "role": role, "password_file": file.display().to_string() })
        });
        json!({
            "sync_url": format!("{}/shep/sync", self.base),
            "jwks_url": format!("{}/.well-known/jwks.json", self.base),
            "now": clock::text(self.app.clock.now()),
            "reply_delay_ms": self.outside.delay(),
            "crypto": self.kept.crypto,
            "ca": path(KeyKind::Rsa.authority()), "gost_ca": path(KeyKind::Gost.authority()),
            "peers": peers,
            "subjects": self.world.subjects,
            "directory": directory,
            "grounds": self.world.grounds,
            "proactive": self.world.proactive,
            "holds": holds,
            "tokens": tokens,
            "requests": self.world.requests,
            "operators": operators,
            "stand": self.stand.describe(&self.base, &self.data),
        })
    }

    /// A token of the world with its text, as it is in the database.
    async fn sample(&self, sample: &Sample) -> Value {
        let request = match Id::parse(&sample.request_id) {
            Some(id) => self.app.store.request(id).await.ok().flatten(),
            None => None,
        };
        let token = request.and_then(|request| request.token);
        json!(Shown {
            sample,
            code: token.as_ref().map(|token| token.compact.clone()),
            issued_at: token.as_ref().map(|token| clock::text(token.issued)),
            expires_at: token.map(|token| clock::text(token.expires.saturating_mul(1000))),
        })
    }

    fn time(&self) -> Value {
        json!({ "now": clock::text(self.app.clock.now()) })
    }

    pub(super) fn received(&self, msisdn: &str) -> Value {
        let sms = self.outside.phone(msisdn);
        sms.iter().map(|sms| json!({ "at": clock::text(sms.at), "text": sms.text })).collect()
    }

    async fn reply(&self, msisdn: &str, body: &[u8]) -> Outcome {
        let bad = |text| (StatusCode::BAD_REQUEST, text);
        let said: Said = serde_json::from_slice(body).map_err(|_| bad("send {\"text\": \"…\"}"))?;
        if crate::consent::identity::Msisdn::parse(msisdn).is_none() {
            return Err(bad("a number is 10 to 15 digits"));
        }
        let id = crate::random::Id::new(self.app.clock.now(), &*self.app.random)
            .map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "no randomness"))?;
        let what = What::Reply { from: msisdn.to_owned(), text: said.text };
        let said = Incoming { id: format!("hand-{id}"), at: self.app.clock.now(), what };
        if self.stand.has_service() {
            // It goes the way of all that subjects send, and arrives when it may.
            let kept = self.outside.say(said);
            kept.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the SMS could not be kept"))?;
        } else {
            self.ear.hear(&said).await.map_err(busy)?;
        }
        Ok(json!({ "sent": true }))
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
        if target.saturating_sub(now) > FARTHEST {
            return Err(bad(
                "the clock is moved by ten years at most: keys and certificates of the sandbox end then",
            ));
        }
        let moved = self.run_until(target).await;
        let kept = self.keep_clock();
        moved.map_err(busy)?;
        kept.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the clock could not be kept"))?;
        Ok(self.time())
    }

    /// Moves the clock to `target` (Unix milliseconds), stopping at each piece of due work on the way.
    async fn run_until(&self, target: i64) -> Result<(), StoreError> {
        for _ in 0..MOST_STEPS {
            let due = [self.app.store.next_due().await?, self.outside.next_due()];
            let Some(next) = due.into_iter().flatten().min().filter(|next| *next <= target) else { break };
            if next > self.app.clock.now() {
                self.set_clock(next).await;
            }
            job::run_in_order(&self.app).await?;
            self.outside.reply_due(&self.ear).await?;
        }
        self.set_clock(target).await;
        Ok(())
    }

    /// What was decided is signed first: else it would seem to have waited for as long as the clock is moved.
    async fn set_clock(&self, to: i64) {
        if let Err(error) = crate::journal::keep::sign_now(&self.app).await {
            tracing::warn!(%error, "no head of the journal was signed before the clock was moved");
        }
        self.clock.set(to);
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
