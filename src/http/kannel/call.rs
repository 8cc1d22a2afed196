//! What a call of Kannel says: its query, with the names that `deploy/runbook.md` gives to Kannel's escape codes.

use crate::consent::identity::Msisdn;
use crate::service::sms_reply::Delivery;
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;

/// Longest id of an SMS, bytes.
const MAX_ID: usize = 128;

/// The parameters of a call.
pub(super) struct Call {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What it comes to.
#[derive(PartialEq, Eq)]
pub(super) enum Said {
    /// An SMS of ours, by our id, reached the phone or will not.
    Report { id: String, delivery: Delivery },
    /// An SMS is on its way still, or nobody knows what became of it.
    OnTheWay,
    /// A subject's SMS.
    Reply { from: Msisdn, id: String, text: String, at: Option<i64> },
    /// Nothing of use, and why.
    Nothing(&'static str),
}

impl Call {
    pub fn read(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self { fields: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect() }
    }

    fn get(&self, name: &str) -> &[u8] {
        let mut fields = self.fields.iter().filter(|(own, _)| own == name.as_bytes());
        fields.next().map(|(_, value)| value.as_slice()).unwrap_or_default()
    }

    /// Unchecked; empty if there is none.
    pub fn secret(&self) -> &[u8] {
        self.get("secret")
    }

    pub fn has_text(&self) -> bool {
        self.fields.iter().any(|(name, _)| name == b"text")
    }

    /// Takes the text from a body of this media type.
    pub fn take_body(&mut self, body: &[u8], kind: &str) {
        self.fields.push((b"text".to_vec(), body.to_vec()));
        let charset = kind.split(';').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
        });
        if let Some(charset) = charset {
            self.fields.push((b"charset".to_vec(), charset.into()));
        }
    }

    /// `id`, `state` = `%d`.
    pub fn report(&self) -> Said {
        let Ok(id) = String::from_utf8(self.get("id").to_vec()) else { return Said::Nothing("id") };
        if id.is_empty() || id.len() > MAX_ID {
            return Said::Nothing("id");
        }
        let delivery = match self.get("state") {
            b"1" => Delivery::Delivered,
            // 2: it was not delivered; 16: the network did not take it.
            b"2" | b"16" => Delivery::Undelivered,
            b"34" => Delivery::Expired,
            // 4: it waits in the network; 8: the network took it; 66: it is not known.
            b"4" | b"8" | b"66" => return Said::OnTheWay,
            _ => return Said::Nothing("state"),
        };
        Said::Report { id, delivery }
    }

    /// `id` = `%I`, `from` = `%p`, `text` = `%b`, `charset` = `%C`, `coding` = `%c`, `time` = `%T`.
    pub fn reply(&self) -> Said {
        // Advertising comes from names.
        let from = std::str::from_utf8(self.get("from")).ok().and_then(|from| Msisdn::parse(from.trim()));
        let Some(from) = from else { return Said::Nothing("from") };
        let Some(id) = self.id(&from) else { return Said::Nothing("id and time") };
        Said::Reply { from, id, text: self.text(), at: self.time() }
    }

    /// By what the SMS is known when it is brought again. Without an id of the gateway, by what it says and when it came; with
    /// neither, a repeat could not be told from a second answer.
    fn id(&self, from: &Msisdn) -> Option<String> {
        let (id, time) = (self.get("id"), self.get("time"));
        let is_plain = |id: &[u8]| {
            (1..=MAX_ID).contains(&id.len())
                && id.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        };
        if is_plain(id) {
            return Some(format!("kannel {}", String::from_utf8_lossy(id)));
        }
        if !is_plain(time) {
            return None;
        }
        let said = [from.as_str().as_bytes(), time, self.get("text")].join(&b'\n');
        let digest = digest(&SHA256, &said);
        let mut known = "kannel sha256 ".to_owned();
        for byte in digest.as_ref() {
            let _ = write!(known, "{byte:02x}");
        }
        Some(known)
    }

    /// When the gateway got it, Unix milliseconds. Less than ten digits of seconds are of before 2001: of a clock that was not
    /// set, which says nothing.
    fn time(&self) -> Option<i64> {
        let time = std::str::from_utf8(self.get("time")).ok()?;
        let seconds: i64 = time.parse().ok().filter(|_| time.len() == 10 && !time.starts_with(['+', '-']))?;
        Some(seconds.saturating_mul(1000))
    }

    /// What cannot be read becomes U+FFFD, which no answer holds: it leads to help.
    fn text(&self) -> String {
        let bytes = self.get("text");
        let charset = String::from_utf8_lossy(self.get("charset")).to_ascii_uppercase();
        let is_wide = match charset.as_str() {
            "UTF-16BE" | "UTF-16" | "UCS-2" | "UCS2" | "ISO-10646-UCS-2" => true,
            "" => self.get("coding") == b"2",
            _ => false,
        };
        if !is_wide {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
        let read = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        read.chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect()
    }
}

/// `application/x-www-form-urlencoded`; a `%` that is no escape stays.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push((digit(*high) << 4) | digit(*low));
                after
            }
            [b'+', after @ ..] => {
                bytes.push(b' ');
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
            [] => return bytes,
        };
    }
}

fn digit(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        _ => (hex | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(query: &str) -> String {
        match Call::read(&format!("id=1&from=77010000001&{query}")).reply() {
            Said::Reply { text, .. } => text,
            _ => panic!("{query} is no reply"),
        }
    }

    fn id(query: &str) -> Option<String> {
        match Call::read(query).reply() {
            Said::Reply { id, .. } => Some(id),
            _ => None,
        }
    }

    #[test]
    fn a_text_is_read_in_the_alphabet_that_the_gateway_names() {
        assert_eq!(text("text=DA+1234&coding=0&charset=UTF-8"), "DA 1234");
        assert_eq!(text("text=%D0%94%D0%90+%2B&coding=0&charset=UTF-8"), "ДА +");
        assert_eq!(text("text=%04%14%04%10&coding=2&charset=UTF-16BE"), "ДА");
        assert_eq!(text("text=%04%18%04%D8&coding=2"), "ИӘ", "coding alone");
        assert_eq!(
            text("text=%d0%94%D0%90&coding=2&charset=UTF-8"),
            "ДА",
            "the charset is what the gateway made of it"
        );
        assert_eq!(text("text=DA&coding=1&charset=8-BIT"), "DA");
        assert_eq!(text("text=100%&a=b"), "100%");
        assert_eq!(text(""), "");
    }

    #[test]
    fn what_cannot_be_read_holds_a_mark_that_no_answer_holds() {
        for query in [
            "text=%E4%E0&coding=0&charset=UTF-8",
            "text=%04%14%04&coding=2&charset=UTF-16BE",
            "text=%D8%00&coding=2&charset=UTF-16BE",
        ] {
            assert!(text(query).contains('\u{fffd}'), "{query}");
        }
    }

    #[test]
    fn the_text_of_a_post_is_its_body() {
        let of = |body: &[u8], kind: &str| {
            let mut call = Call::read("id=1&from=%2B77010000001");
            assert!(!call.has_text());
            call.take_body(body, kind);
            match call.reply() {
                Said::Reply { text, .. } => text,
                _ => panic!("no reply"),
            }
        };
        assert_eq!(of("ДА".as_bytes(), "text/plain; charset=\"UTF-8\""), "ДА");
        assert_eq!(of(&[4, 0x14, 4, 0x10], "text/plain; charset=UTF-16BE"), "ДА");
        assert_eq!(of(b"DA+1", "text/plain"), "DA+1");
    }

    #[test]
    fn an_sms_is_known_by_its_id_or_by_what_it_says_and_when_it_came() {
        assert_eq!(
            id("id=8c2d-1&from=77010000001&text=DA&time=1"),
            id("id=8c2d-1&from=77010000001&text=NET&time=2")
        );
        let without =
            |from: &str, text: &str, time: &str| id(&format!("id=&from={from}&text={text}&time={time}"));
        let one = without("77010000001", "DA", "1775026800").unwrap();
        assert_eq!(
            one,
            without("%2B77010000001", "%44A", "1775026800").unwrap(),
            "the same, spelt otherwise"
        );
        for other in [
            without("77010000002", "DA", "1775026800"),
            without("77010000001", "NET", "1775026800"),
            without("77010000001", "DA", "1775026801"),
        ] {
            assert_ne!(other.unwrap(), one);
        }
        assert!(!one.contains("7701"));
        assert_eq!(without("77010000001", "DA", ""), None);
        assert_eq!(
            without("77010000001", "DA", "%25T"),
            None,
            "an escape code that the gateway did not know"
        );
        assert!(id("from=77010000001&text=DA&time=1").is_some());
    }

    #[test]
    fn the_time_is_when_the_gateway_got_it_unless_its_clock_was_not_set() {
        let of = |time: &str| match Call::read(&format!("id=1&from=77010000001&text=DA{time}")).reply() {
            Said::Reply { at, .. } => at,
            _ => panic!("{time}"),
        };
        assert_eq!(of("&time=1775026800"), Some(1_775_026_800_000));
        for time in [
            "",
            "&time=",
            "&time=1",
            "&time=%25T",
            "&time=-177502680",
            "&time=%2B177502680",
            "&time=17750268001",
        ] {
            assert_eq!(of(time), None, "{time}");
        }
    }

    proptest! {
        #[test]
        fn no_query_makes_the_reader_fail(query in "[ -~]{0,200}", body in any::<Vec<u8>>(), kind in any::<String>()) {
            let mut call = Call::read(&query);
            let _ = (call.report(), call.reply());
            call.take_body(&body, &kind);
            let wide = Call::read(&format!("from=77010000001&id=1&coding=2&text={query}"));
            prop_assert!(call.secret().len() <= query.len() && wide.reply() != Said::OnTheWay);
        }
    }

    #[test]
    fn who_is_no_number_answers_nothing() {
        for from in ["", "Beeline", "1414", "7701000000O", "%FF", "77010000001%0A77010000002"] {
            assert!(id(&format!("id=1&from={from}&text=DA")).is_none(), "{from}");
        }
    }

    #[test]
    fn a_report_says_what_became_of_the_sms() {
        let of = |query: &str| Call::read(query).report();
        let known = |delivery| Said::Report { id: "a-ask".to_owned(), delivery };
        for (state, delivery) in [
            ("1", Delivery::Delivered),
            ("2", Delivery::Undelivered),
            ("16", Delivery::Undelivered),
            ("34", Delivery::Expired),
        ] {
            assert!(of(&format!("id=a-ask&state={state}")) == known(delivery), "{state}");
        }
        for state in ["4", "8", "66"] {
            assert!(of(&format!("id=a-ask&state={state}")) == Said::OnTheWay, "{state}");
        }
        for query in ["id=a-ask&state=", "id=a-ask&state=%25d", "id=a-ask&state=01", "id=a-ask"] {
            assert!(of(query) == Said::Nothing("state"), "{query}");
        }
        for query in ["state=1", "id=&state=1", "id=%FF&state=1", &format!("id={}&state=1", "a".repeat(129))]
        {
            assert!(of(query) == Said::Nothing("id"), "{query}");
        }
    }
}
