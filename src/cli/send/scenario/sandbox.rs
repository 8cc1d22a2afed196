//! What a scenario does in a sandbox beside calls: phones and the clock.

use super::file::{Clock, Reply, Sms};
use crate::cli::send::identity::route;
use crate::cli::{Failure, Result};
use hyper::Uri;
use kdp::clock;
use kdp::gateway::http_client::{HttpAnswer, HttpClient};
use serde::Deserialize;
use std::time::Duration;

/// How often a phone is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The sandbox that listens where calls go to.
pub struct Sandbox {
    client: HttpClient,
    url: Uri,
}

#[derive(Deserialize)]
struct Received {
    at: String,
    text: String,
}

impl Sandbox {
    /// The one at `url`.
    pub fn new(client: HttpClient, url: Uri) -> Self {
        Self { client, url }
    }

    /// The word in the newest SMS since `since` (Unix milliseconds of the sandbox), once it is there.
    pub async fn read(&self, sms: &Sms, since: i64) -> Result<String> {
        let phone = route(&self.url, &format!("/sandbox/phone/{}", digits(&sms.to)?))?;
        #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
        let started = std::time::Instant::now();
        loop {
            let answer = done(self.client.get(&phone).await?)?;
            let received: Vec<Received> = serde_json::from_slice(&answer.body)?;
            let fresh = |sms: &&Received| clock::parse(&sms.at).is_some_and(|at| at >= since);
            let mut newest = received.iter().rev().filter(fresh);
            if let Some(word) = newest.find_map(|received| word(&received.text, &sms.after)) {
                return Ok(word.to_owned());
            }
            if started.elapsed() >= Duration::from_secs(sms.wait) {
                let why = format!("no SMS with «{}» came within {} s", sms.after, sms.wait);
                return Err(Failure::refused(why));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The subject answers.
    pub async fn reply(&self, reply: &Reply) -> Result<()> {
        let phone = route(&self.url, &format!("/sandbox/phone/{}", digits(&reply.from)?))?;
        self.post(&phone, &serde_json::json!({ "text": reply.text })).await
    }

    /// Moves its clock.
    pub async fn clock(&self, moved: &Clock) -> Result<()> {
        self.post(&route(&self.url, "/sandbox/clock")?, &serde_json::to_value(moved)?).await
    }

    async fn post(&self, address: &Uri, body: &serde_json::Value) -> Result<()> {
        let body = body.to_string().into_bytes().into();
        done(self.client.post(address, "application/json", body).await?).map(|_| ())
    }
}

fn digits(number: &str) -> Result<&str> {
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(number).ok_or_else(|| Failure::unusable("a number of a phone is digits"))
}

fn done(answer: HttpAnswer) -> Result<HttpAnswer> {
    if answer.status == 200 {
        return Ok(answer);
    }
    let said: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    Err(Failure::unusable(format!("the sandbox: HTTP {} {}", answer.status, said.trim())))
}

/// The first letters and digits that stand right after `mark`.
fn word<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let words = text.match_indices(mark).filter_map(|(at, _)| text.get(at + mark.len()..));
    let mut words = words.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default());
    words.find(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_after_the_mark_is_read() {
        assert_eq!(word("Bank KOD 123456. Aitpanyz", "KOD "), Some("123456"));
        assert_eq!(word("KOD A1B2", "KOD "), Some("A1B2"));
        assert_eq!(word("KOD. KOD 7", "KOD"), None);
        assert_eq!(word("KOD - KOD 7", "KOD "), Some("7"));
        assert_eq!(word("KOD ", "KOD "), None);
        assert_eq!(word("no code", "KOD "), None);
    }
}
