//! Asks and repeats: whether there is a token, which, and until when (criteria 1, 2, 3, 6 and 11).

use super::super::bench::{bin, iin};
use super::ledger::{Asked, Basis, COLLECT, Phase, RETRY, Request, Review, Token};
use super::service::{ENTRY, GROUND, Gateway, INITIATORS, PROACTIVE, Told, phone_of};
use super::story::Story;
use kdp::clock;
use kdp::dispatch::Service;
use kdp::random::Id;
use kdp::store::seal::one_time_code;
use std::collections::BTreeSet;

impl Story {
    pub async fn ask(&mut self, asked: &Asked) {
        let now = self.now();
        let mut fields = vec![
            ("uin", iin(asked.subject).as_str().to_owned()),
            ("company_bin", bin(asked.initiator as u64).as_str().to_owned()),
            ("company", "Банк Үлгі".to_owned()),
            ("personal_data_name", "ФИО".to_owned()),
            ("method", asked.method.to_string()),
            ("expiresIn", (asked.wish * 1000).to_string()),
        ];
        if asked.named {
            fields.push(("access_name", asked.services.iter().copied().collect::<Vec<_>>().join(";")));
        }
        if asked.entry {
            fields.push(("directory_id", ENTRY.to_owned()));
        }
        if matches!(asked.method, 2..=4) {
            fields.push(("ovt", self.ledger.ovts[asked.ovt].compact.clone()));
        }
        if matches!(asked.method, 3 | 4) {
            fields.push(("ground_id", GROUND.to_owned()));
        }
        if asked.method == 3 {
            fields.push(("proactive_code", PROACTIVE.to_owned()));
        }
        let told = self.service.call(INITIATORS[asked.initiator], Service::AccessRequest, &fields).await;
        assert_eq!(told.code, "SCSS001", "understood and decided: {:?}", told.word());
        match self.ledger.judge(asked, now) {
            Err(reason) => assert_eq!(told.word(), ("INVALID", reason), "a check of F-6"),
            Ok((services, term)) if matches!(asked.method, 2..=4) => {
                self.by_proof(asked, services, term, &told).await;
            }
            Ok((services, term)) => self.by_subject(asked, services, term, &told).await,
        }
    }

    /// Criteria 1, 2, 3 and 6 for methods 2 to 4.
    pub async fn by_proof(
        &mut self,
        asked: &Asked,
        services: BTreeSet<&'static str>,
        term: u64,
        told: &Told,
    ) {
        let (now, ovt) = (self.now(), &self.ledger.ovts[asked.ovt]);
        if let Some(reason) = self.ledger.hold(asked.subject, asked.method, now) {
            return assert_eq!(told.word(), ("INVALID", reason), "nothing is granted against a hold");
        }
        let withdrawn = self.ledger.withdrawn(asked.initiator, asked.subject);
        if withdrawn.is_some_and(|at| ovt.iat * 1000 < at) {
            return assert_eq!(told.word(), ("INVALID", "revoked"), "an ovt older than a revocation");
        }
        if self.ledger.proved_by.get(&(asked.ovt, asked.subject)).is_some_and(|by| *by != asked.method) {
            return assert_eq!(told.word(), ("INVALID", "ovt-used"), "used by another method");
        }
        let key = (asked.ovt, asked.subject, services.clone());
        if let Some(before) = self.ledger.proved.get(&key) {
            let Phase::Granted(token) = self.ledger.requests[*before].phase else { unreachable!() };
            if self.ledger.is_in_force(token, now) {
                assert_eq!(told.word(), ("VALID", "granted"), "the same ask, the same answer");
                assert_eq!(
                    told.get("code"),
                    Some(self.ledger.tokens[token].compact.as_str()),
                    "byte for byte"
                );
            } else {
                assert_eq!(told.word(), ("INVALID", "ovt-used"), "what it led to has ended");
            }
            return;
        }
        assert_eq!(told.word(), ("VALID", "granted"), "nothing speaks against it");
        let asked = Asked { services, ..asked.clone() };
        self.ledger.proved.insert(key, self.ledger.requests.len());
        self.ledger.proved_by.insert((asked.ovt, asked.subject), asked.method);
        let request = self.remember(asked, Phase::Over("", ""), term, told).await;
        self.issued(request, told).await;
    }

    pub async fn by_subject(
        &mut self,
        asked: &Asked,
        services: BTreeSet<&'static str>,
        term: u64,
        told: &Told,
    ) {
        let now = self.now();
        if self.ledger.is_blocked(asked.subject, now) {
            return assert_eq!(told.word(), ("INVALID", "subject-blocked"), "a block is first");
        }
        if let Some(live) = self.ledger.live(asked, &services) {
            let id = told.get("request_id").map(str::to_owned);
            self.expect_state(live, told).await;
            let same = id.is_none() || id == Some(self.ledger.requests[live].id.to_string());
            return assert!(same, "one ask in progress");
        }
        if let Some(reason) = self.ledger.hold(asked.subject, asked.method, now) {
            return assert_eq!(told.word(), ("INVALID", reason), "nobody is asked against a hold");
        }
        let phase = match (self.service.outside.bmg(), phone_of(asked.subject)) {
            (Gateway::Up, None) => {
                return assert_eq!(told.word(), ("NOT_FOUND", "no-phone"));
            }
            (Gateway::Up, Some(_)) => Phase::Sending { until: now + RETRY },
            _ => Phase::Seeking { until: now + RETRY },
        };
        assert_eq!(told.word(), ("PENDING", "waiting"), "the subject is asked");
        self.remember(Asked { services, ..asked.clone() }, phase, term, told).await;
    }

    pub async fn remember(&mut self, asked: Asked, phase: Phase, term: u64, told: &Told) -> usize {
        let id = Id::parse(told.get("request_id").unwrap()).unwrap();
        assert!(self.ledger.requests.iter().all(|known| known.id != id), "a new request");
        let stored = self.service.store().request(id).await.unwrap().unwrap();
        let code = one_time_code(&*self.service.seal, &stored);
        let reference = stored.reference;
        self.ledger.requests.push(Request { id, asked, phase, term, reference, code });
        self.ledger.requests.len() - 1
    }

    /// A new token was handed out: criteria 1 and 2.
    pub async fn issued(&mut self, request: usize, told: &Told) {
        let now = self.now();
        let known = &self.ledger.requests[request];
        let compact = told.get("code").unwrap().to_owned();
        assert!(self.ledger.tokens.iter().all(|token| token.compact != compact), "a new token");
        let stored = self.service.store().request(known.id).await.unwrap().unwrap();
        let token = stored.token.unwrap();
        assert!(token.compact == compact, "what was handed out is what is stored");
        let bound = |basis, applies: bool| self.ledger.ends.get(&basis).copied().filter(|_| applies);
        let bases = [
            (Basis::Entry, known.asked.entry),
            (Basis::Ground, matches!(known.asked.method, 3 | 4)),
            (Basis::Proactive, known.asked.method == 3),
        ];
        let limit = now / 1000 + i64::try_from(known.term).unwrap();
        let limit =
            bases.into_iter().filter_map(|(basis, applies)| bound(basis, applies)).fold(limit, i64::min);
        assert_eq!(token.expires, limit, "it lives as long as was agreed, and not longer than its ground");
        assert!(token.expires * 1000 > now, "no token without a ground in force");
        assert_eq!(told.get("expires_at"), Some(clock::text(token.expires * 1000).as_str()));
        let place = token.index.unwrap();
        assert!(self.ledger.tokens.iter().all(|token| token.place != place), "a place of its own");
        let (jti, issued, expires) = (token.jti.to_string(), token.issued, token.expires);
        assert_eq!(issued, now, "exp counts from the making");
        self.ledger.tokens.push(Token { request, compact, jti, place, issued, expires, ended: None });
        self.ledger.requests[request].phase = Phase::Granted(self.ledger.tokens.len() - 1);
    }

    /// What a repeat must say of a request, and what it does to it.
    pub async fn expect_state(&mut self, request: usize, told: &Told) {
        let now = self.now();
        let known = &self.ledger.requests[request];
        let asked = known.asked.clone();
        match known.phase {
            Phase::Agreed { .. } if asked.entry && self.ledger.is_over(Basis::Entry, now) => {
                assert_eq!(
                    told.word(),
                    ("INVALID", "directory-expired"),
                    "no token without a ground in force"
                );
                self.ledger.requests[request].phase = Phase::Over("INVALID", "directory-expired");
            }
            Phase::Agreed { .. } if self.ledger.is_blocked(asked.subject, now) => {
                assert_eq!(told.word(), ("INVALID", "subject-blocked"));
            }
            Phase::Agreed { until }
                if self
                    .ledger
                    .withdrawn(asked.initiator, asked.subject)
                    .is_some_and(|at| at > until - COLLECT) =>
            {
                assert_eq!(told.word(), ("INVALID", "revoked"), "a yes of before a revocation is none");
                self.ledger.requests[request].phase = Phase::Over("INVALID", "revoked");
            }
            Phase::Agreed { .. } => {
                assert_eq!(told.word(), ("VALID", "granted"), "the subject agreed");
                self.issued(request, told).await;
            }
            Phase::Granted(token)
                if self.ledger.is_in_force(token, now) && self.ledger.is_blocked(asked.subject, now) =>
            {
                assert_eq!(told.word(), ("INVALID", "subject-blocked"), "no token works against a block");
            }
            Phase::Granted(token)
                if self.ledger.is_in_force(token, now) && self.ledger.is_blocked(asked.subject, now) =>
            {
                assert_eq!(told.word(), ("INVALID", "subject-blocked"), "a block stops what was granted too");
            }
            Phase::Granted(token) if self.ledger.is_in_force(token, now) => {
                assert_eq!(told.word(), ("VALID", "granted"));
                let same = told.get("code") == Some(self.ledger.tokens[token].compact.as_str());
                assert!(same, "the same message, the same answer");
            }
            Phase::Granted(token) => {
                let reason = self.ledger.tokens[token].ended.map_or("token-expired", |(_, reason)| reason);
                assert_eq!(told.word(), ("INVALID", reason), "the end of a token is its answer");
                assert!(told.get("code").is_none());
            }
            Phase::Over(word, reason) => assert_eq!(told.word(), (word, reason)),
            _ => assert_eq!(told.word(), ("PENDING", "waiting")),
        }
    }

    pub async fn repeat(&mut self, request: usize, code: Option<bool>, cancel: bool) {
        let now = self.now();
        let known = &self.ledger.requests[request];
        let mut fields = vec![
            ("uin", iin(known.asked.subject).as_str().to_owned()),
            ("company_bin", bin(known.asked.initiator as u64).as_str().to_owned()),
            ("request_id", known.id.to_string()),
        ];
        if let Some(right) = code {
            let wrong = format!("{}x", &known.code[..5]);
            fields.push(("code", if right { known.code.clone() } else { wrong }));
        }
        if cancel {
            fields.push(("cancel", "true".to_owned()));
        }
        let sender = INITIATORS[known.asked.initiator];
        let told = self.service.call(sender, Service::AccessRequest, &fields).await;
        if cancel {
            match self.ledger.requests[request].phase {
                Phase::Granted(token) if self.ledger.is_in_force(token, now) => {
                    self.ledger.tokens[token].ended = Some((now, "cancelled"));
                    if let Some(application) = self.ledger.open_application(token) {
                        self.ledger.applications[application].review = Review::Approved(now);
                    }
                }
                Phase::Granted(_) | Phase::Over(..) => {}
                _ => self.ledger.requests[request].phase = Phase::Over("INVALID", "cancelled"),
            }
            return self.expect_state(request, &told).await;
        }
        if self.ledger.is_suspended(self.ledger.requests[request].asked.initiator, now) {
            return assert_eq!(told.word(), ("INVALID", "suspended"), "who is suspended can only give back");
        }
        let known = &mut self.ledger.requests[request];
        match (code, known.phase.clone(), known.asked.method) {
            (Some(true), Phase::Waiting { .. }, 5) => known.phase = Phase::Agreed { until: now + COLLECT },
            (Some(false), Phase::Waiting { tries: 2, .. }, 5) => {
                known.phase = Phase::Over("INVALID", "code-attempts");
            }
            (Some(false), Phase::Waiting { until, tries }, 5) => {
                known.phase = Phase::Waiting { until, tries: tries + 1 };
                return assert_eq!(told.word(), ("PENDING", "code-wrong"));
            }
            (Some(_), Phase::Over("TIMEOUT", _), 5) => {
                return assert_eq!(told.word(), ("INVALID", "code-expired"));
            }
            _ => {}
        }
        self.expect_state(request, &told).await;
    }
}
