//! An SMS gateway with the HTTP interface of Kannel (its user guide, "Using SMS HTTP interface" and "Delivery Reports"):
//! test stands have one, and operators. It does not know one SMS from another: what it is told twice is sent twice, so
//! that an SMS whose answer was lost goes out once more.

use super::fault::PartyFault;
use super::http_client::{HttpAnswer, HttpClient};
use super::{Answer, Sms, SmsError, SmsGateway};
use crate::clock::Clock;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use hyper::Uri;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt::Write as _;
use std::sync::Arc;

/// Reports that are asked for: 1 delivered, 2 not delivered, 16 refused by the network. Those on the way are not.
const REPORTS: &str = "19";
/// Of an answer so much is looked at, bytes.
const MAX_WORDS: usize = 256;

/// Why a gateway cannot be described by this configuration. Display holds no secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KannelError {
    /// The address of sendsms.
    #[error("sms.kannel.url is no address")]
    Address,
    /// The secret of its calls.
    #[error(
        "the secret in sms.kannel.callback_secret must be 16 to 128 letters, digits, '-' and '_': it stands in addresses"
    )]
    Secret,
}

/// The secret that the calls of the gateway bring; nothing prints it.
pub struct CallbackSecret(SecretString);

impl CallbackSecret {
    /// Takes 16 to 128 letters, digits, `-` and `_`: what stands in the addresses that Kannel calls as it is, since a `%`
    /// means something there.
    ///
    /// # Errors
    /// [`KannelError::Secret`].
    pub fn new(text: SecretString) -> Result<Self, KannelError> {
        let secret = text.expose_secret();
        let is_plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if (16..=128).contains(&secret.len()) && is_plain { Ok(Self(text)) } else { Err(KannelError::Secret) }
    }

    /// Whether `brought` is it, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn is(&self, brought: &[u8]) -> bool {
        verify_slices_are_equal(self.0.expose_secret().as_bytes(), brought).is_ok()
    }
}

/// How the gateway is reached, and how it reaches us.
pub struct Access {
    /// Address of its sendsms, `http` or `https`.
    pub url: String,
    /// User there.
    pub username: String,
    /// Password there.
    pub password: SecretString,
    /// From whom the SMS comes.
    pub from: String,
    /// Address of this service, up to and without `/kannel/`.
    pub callback: String,
    /// The secret that its calls bring.
    pub secret: CallbackSecret,
}

/// 1414 by a gateway with Kannel's interface.
pub struct KannelSms {
    access: Access,
    http: HttpClient,
    clock: Arc<dyn Clock>,
}

impl KannelSms {
    /// Hands over by `http`, which must keep no connections: what is asked on one that has just been closed is asked again.
    ///
    /// # Errors
    /// [`KannelError::Address`].
    pub fn new(access: Access, http: HttpClient, clock: Arc<dyn Clock>) -> Result<Self, KannelError> {
        access.url.parse::<Uri>().map_err(|_| KannelError::Address)?;
        Ok(Self { access, http, clock })
    }

    fn question(&self, sms: &Sms<'_>) -> Result<Uri, PartyFault> {
        let Access { url, username, password, from, callback, secret } = &self.access;
        let report = format!(
            "{}/kannel/report?secret={}&id={}&state=%d",
            callback.trim_end_matches('/'),
            secret.0.expose_secret(),
            encoded(sms.id)
        );
        let minutes = minutes(sms.valid_until.saturating_sub(self.clock.now()));
        let values = [
            ("username", username.as_str()),
            ("password", password.expose_secret()),
            ("from", from),
            ("to", sms.to.as_str()),
            ("charset", "UTF-8"),
            ("coding", "0"),
            ("text", sms.text),
            ("validity", &minutes.to_string()),
            ("dlr-mask", REPORTS),
            ("dlr-url", &report),
        ];
        let mut question = url.clone();
        let mut divider = if url.contains('?') { '&' } else { '?' };
        for (name, value) in values {
            let _ = write!(question, "{divider}{name}={}", encoded(value));
            divider = '&';
        }
        question.parse().map_err(|_| PartyFault::Question)
    }
}

impl SmsGateway for KannelSms {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async move {
            let question = self.question(&sms)?;
            read(&self.http.get(&question).await.map_err(PartyFault::from)?)
        })
    }

    fn calls_with(&self, secret: &[u8]) -> bool {
        self.access.secret.is(secret)
    }
}

/// Whether it was taken over. A word that is not known but says success counts as one: to ask again would send it again.
fn read(answer: &HttpAnswer) -> Result<(), SmsError> {
    let words = answer.body.get(..MAX_WORDS).unwrap_or(&answer.body);
    let words = String::from_utf8_lossy(words).to_ascii_lowercase();
    match answer.status {
        202 => Ok(()),
        // `0: Accepted for delivery`, `3: Queued for later delivery`.
        200..=299 if words.starts_with("0:") || words.starts_with("3:") => Ok(()),
        // `Not routable. Do not try again.`, `Number(s) has/have been denied by white- and/or black-lists.`: this number.
        400 | 403 if words.contains("do not try again") || words.contains("denied by") => {
            Err(SmsError::Refused)
        }
        // User, password, sender: what its operator or ours has to mend. `Temporal failure, try again later.`
        200..=299 | 400 | 401 | 403 | 503 => Err(PartyFault::Status.into()),
        _ => Err(PartyFault::HttpStatus.into()),
    }
}

/// Whole minutes, rounded up, at least one: to Kannel none means that it may be delivered for ever.
fn minutes(milliseconds: i64) -> i64 {
    (milliseconds.saturating_add(59_999) / 60_000).max(1)
}

/// RFC 3986, 2.3: all but what is unreserved as `%XX`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn answer(status: u16, words: &'static str) -> Result<(), SmsError> {
        read(&HttpAnswer { status, body: Bytes::from_static(words.as_bytes()) })
    }

    #[test]
    fn an_sms_is_taken_over_refused_for_good_or_to_be_sent_again() {
        assert_eq!(answer(202, "0: Accepted for delivery"), Ok(()));
        assert_eq!(answer(202, "3: Queued for later delivery"), Ok(()));
        assert_eq!(answer(200, "0: Accepted for delivery"), Ok(()));
        for (status, words) in [
            (403, "Not routable. Do not try again."),
            (400, "Number(s) has/have been denied by white- and/or black-lists."),
        ] {
            assert_eq!(answer(status, words), Err(SmsError::Refused), "{words}");
        }
        for (status, words) in [
            (403, "Authorization failed for sendsms"),
            (400, "Sender missing and no global set, rejected"),
            (503, "Temporal failure, try again later."),
            (200, "Sending failed."),
            (200, ""),
        ] {
            assert_eq!(answer(status, words), Err(SmsError::Fault(PartyFault::Status)), "{words}");
        }
        for status in [301, 404, 500, 502] {
            assert_eq!(
                answer(status, "0: Accepted"),
                Err(SmsError::Fault(PartyFault::HttpStatus)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_secret_is_long_enough_and_needs_no_escape_in_an_address() {
        let new = |text: &str| CallbackSecret::new(SecretString::from(text.to_owned()));
        let secret = new("0123456789abcdeF-_").ok().unwrap();
        assert!(secret.is(b"0123456789abcdeF-_"));
        for wrong in ["", "0123456789abcdeF-", "0123456789abcdeF-_ ", "0123456789abcdef-_"] {
            assert!(!secret.is(wrong.as_bytes()), "{wrong}");
        }
        for bad in [
            "",
            "0123456789abcde",
            "0123456789abcde%",
            "0123456789 abcdef",
            "ключ-ключ-ключ",
            &"a".repeat(129),
        ] {
            assert!(new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn minutes_are_rounded_up_and_never_none() {
        for (milliseconds, expected) in
            [(900_000, 15), (899_999, 15), (840_001, 15), (60_000, 1), (1, 1), (0, 1), (-5, 1), (i64::MIN, 1)]
        {
            assert_eq!(minutes(milliseconds), expected, "{milliseconds}");
        }
    }

    #[test]
    fn what_an_address_gives_a_meaning_is_escaped() {
        assert_eq!(encoded("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(encoded("IA 0417 / [@] %d&x=1?#+"), "IA%200417%20%2F%20%5B%40%5D%20%25d%26x%3D1%3F%23%2B");
    }
}
