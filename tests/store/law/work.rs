//! Due work, the status list after it, and restarts (criteria 8, 11 and 12).

use super::ledger::{ANSWER, CODE, Phase, RETRY};
use super::service::phone_of;
use super::story::Story;
use kdp::consent::{Consent, End};

impl Story {
    /// Due work is done; what it did to requests that were not asked yet must be lawful.
    pub async fn jobs(&mut self) {
        let (now, before) = (self.now(), self.service.outside.sent().len());
        self.service.jobs().await;
        let sent: Vec<String> = self.service.outside.sent().split_off(before);
        for n in 0..self.ledger.requests.len() {
            let known = &self.ledger.requests[n];
            let accepted = sent.contains(&format!("{}-ask", known.id));
            let span = if known.asked.method == 5 { CODE } else { ANSWER };
            let waits = Phase::Waiting { until: now + span, tries: 0 };
            let asks = matches!(known.phase, Phase::Seeking { .. } | Phase::Sending { .. });
            assert!(!accepted || asks, "one SMS asks");
            if !asks {
                continue;
            }
            let stored = self.service.store().request(known.id).await.unwrap().unwrap().consent.at(now);
            let lawful = match (&stored, &known.phase) {
                (Consent::Waiting { until, attempts: 0 }, _) => accepted && *until == now + span,
                (Consent::Sending { until }, Phase::Seeking { .. }) => !accepted && *until == now + RETRY,
                (Consent::Seeking { until }, phase) => *phase == Phase::Seeking { until: *until },
                (Consent::Sending { until }, phase) => *phase == Phase::Sending { until: *until },
                (Consent::Closed { end: End::Invalid, reason, .. }, _) => reason.code() == "sms-not-sent",
                (Consent::Closed { end: End::NotFound, reason, .. }, Phase::Seeking { .. }) => {
                    reason.code() == "no-phone" && phone_of(known.asked.subject).is_none()
                }
                _ => false,
            };
            assert!(lawful, "what due work did to request {n}");
            self.ledger.requests[n].phase = match stored {
                Consent::Waiting { .. } => waits,
                Consent::Sending { until } => Phase::Sending { until },
                Consent::Seeking { until } => Phase::Seeking { until },
                Consent::Closed { end: End::NotFound, .. } => Phase::Over("NOT_FOUND", "no-phone"),
                _ => Phase::Over("INVALID", "sms-not-sent"),
            };
        }
        self.listed().await;
    }

    /// Criterion 8: the status list says what the online check says.
    pub async fn listed(&self) {
        let now = self.now();
        let changes = self.service.store().status_changes(0).await.unwrap();
        for (n, token) in self.ledger.tokens.iter().enumerate() {
            assert!(token.place < changes.allotted, "its place was allotted");
            let listed = changes.entries.iter().rfind(|(place, _)| *place == token.place);
            // Who reads the list reads `exp` first.
            if now >= token.expires * 1000 {
                continue;
            }
            let expected = match self.ledger.worth(n, now).0 {
                "active" if self.ledger.open_application(n).is_some() => 3,
                "active" => 0,
                "suspended" => 2,
                _ => 1,
            };
            assert_eq!(listed.map_or(0, |(_, standing)| *standing), expected, "the status list, token {n}");
        }
    }

    pub async fn restart(&mut self) {
        let mut before = Vec::new();
        for request in &self.ledger.requests {
            before.push(self.service.store().request(request.id).await.unwrap().unwrap().consent);
        }
        self.service.restart().await;
        for (request, before) in self.ledger.requests.iter().zip(before) {
            let after = self.service.store().request(request.id).await.unwrap().unwrap();
            assert!(after.consent == before, "a restart changes nothing");
        }
    }
}
