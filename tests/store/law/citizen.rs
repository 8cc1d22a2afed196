//! What subjects send to 1414: heard once, counted only where it is certain what it is about (criterion 5).

use super::Words;
use super::ledger::{COLLECT, Phase, Request};
use super::service::{DAY, phone_of};
use super::story::{Story, pick};
use kdp::consent::identity::Msisdn;
use kdp::store::Heard;

impl Story {
    pub async fn say(&mut self, subject: u64, words: Words, about: Option<usize>, again: Option<usize>) {
        let Some(phone) = phone_of(subject) else { return };
        let now = self.now();
        let fresh = |(at, ..): &&(i64, String, u64, String)| now - at < 6 * DAY;
        let old = again.and_then(|n| pick(n, &self.said)).filter(fresh).cloned();
        if let Some((_, id, subject, text)) = old {
            let heard = self.service.hear(phone_of(subject).unwrap(), id, &text).await;
            return assert_eq!(heard, Heard::Again, "an SMS is heard once");
        }
        let about = about.and_then(|n| pick(n, &self.ledger.requests));
        let (reference, code) = (about.map(|r| r.reference.clone()), about.map(|r| r.code.clone()));
        let text = match words {
            Words::Yes => format!("ИӘ {}", reference.clone().unwrap_or_default()),
            Words::No => format!("нет {}", reference.clone().unwrap_or_default()),
            Words::Fraud => format!("STOP {}", reference.clone().unwrap_or_default()),
            Words::Code => format!("KOD {}", code.clone().unwrap_or_default()),
            Words::Garbage => "кто это?".to_owned(),
        };
        let id = format!("sms-{}", self.said.len());
        let heard = self.service.hear(phone.clone(), id.clone(), &text).await;
        self.heard += 1;
        let reference = reference.filter(|_| !matches!(words, Words::Code | Words::Garbage));
        let expected = self.understand(&phone, words, reference.as_deref(), code.as_deref());
        assert_eq!(heard, expected, "{text}");
        self.said.push((now, id, subject, text));
    }

    pub fn understand(
        &mut self,
        phone: &Msisdn,
        words: Words,
        reference: Option<&str>,
        code: Option<&str>,
    ) -> Heard {
        let now = self.now();
        let requests = &mut self.ledger.requests;
        let on_phone = |r: &Request| r.awaits() && phone_of(r.asked.subject).as_ref() == Some(phone);
        let mut waiting: Vec<usize> = (0..requests.len()).filter(|n| on_phone(&requests[*n])).collect();
        if waiting.is_empty() {
            return Heard::NothingWaits;
        }
        let by_code =
            |n: &&usize| requests[**n].asked.method == 5 && Some(requests[**n].code.as_str()) == code;
        if let (Words::Code, Some(n)) = (words, waiting.iter().find(by_code)) {
            return Heard::Answered(requests[*n].id);
        }
        if matches!(words, Words::Code | Words::Garbage) {
            return Heard::NotUnderstood;
        }
        waiting.retain(|n| reference.is_none_or(|reference| requests[*n].reference == reference));
        if let (Words::Fraud, Some(first)) = (words, waiting.first()) {
            let first = requests[*first].id;
            for n in waiting {
                requests[n].phase = Phase::Over("INVALID", "subject-reported-fraud");
            }
            return Heard::Answered(first);
        }
        let [one] = waiting.as_slice() else {
            return if waiting.is_empty() { Heard::NotUnderstood } else { Heard::Ambiguous };
        };
        let request = &mut requests[*one];
        let sending = matches!(request.phase, Phase::Sending { .. });
        match words {
            Words::Yes if sending && reference.is_none() => return Heard::Ambiguous,
            Words::Yes if request.asked.method == 5 => return Heard::NotUnderstood,
            Words::Yes => request.phase = Phase::Agreed { until: now + COLLECT },
            _ => request.phase = Phase::Over("INVALID", "subject-refused"),
        }
        Heard::Answered(request.id)
    }
}
