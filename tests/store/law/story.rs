//! Plays a story: each step goes to the service and to the ledger, and what the service says is held against it.

use super::super::bench::{bin, iin};
use super::home::Engine;
use super::ledger::{Ledger, Ovt, Phase, Review, midnight_after};
use super::service::{Running, SIGNERS, SUBJECTS};
use super::{Call, Step, Target};
use kdp::random::Id;
use kdp::token::ovt::{Mcheck, NewOvt, make};
use std::cell::RefCell;
use std::collections::HashMap;

/// Whose verification token, of which kind, for whom, formed when.
type Form = (usize, bool, Option<u64>, i64);

thread_local! {
    /// Signing is slow, and stories begin at the same time.
    static MADE: RefCell<HashMap<Form, String>> = RefCell::default();
}

pub struct Story {
    pub service: Running,
    pub ledger: Ledger,
    calls: Vec<Call>,
    /// SMS of subjects: when, id, from whose phone, what.
    pub said: Vec<(i64, String, u64, String)>,
    /// Checks by owners that were accesses, by subject.
    pub accesses: Vec<usize>,
    /// How many SMS were heard.
    pub heard: usize,
}

impl Story {
    pub async fn begin(engine: &Engine) -> Self {
        Self {
            service: Running::start(engine).await,
            ledger: Ledger::default(),
            calls: Vec::new(),
            said: Vec::new(),
            accesses: (0..SUBJECTS).map(|_| 0).collect(),
            heard: 0,
        }
    }

    pub fn now(&self) -> i64 {
        self.service.now()
    }

    pub async fn play(&mut self, step: &Step) {
        match step {
            Step::Call(call) => self.call(call).await,
            Step::Again(n) => {
                let Some(call) = pick(*n, &self.calls).cloned() else { return };
                self.answer(&call).await;
            }
            Step::Say { subject, words, about, again } => self.say(*subject, *words, *about, *again).await,
            Step::Wait(milliseconds) => self.service.clock.set(self.now() + milliseconds),
            Step::Until(target, delta) => self.until(*target, *delta),
            Step::Hold { subject, block, on } => self.hold(*subject, *block, *on).await,
            Step::Suspend { initiator, on } => self.suspend(*initiator, *on).await,
            Step::End { basis, after } => self.end(*basis, *after).await,
            Step::Act { days, works } => self.act(days, *works).await,
            Step::Gateways(bmg, sms) => self.service.outside.set(*bmg, *sms),
            Step::Jobs => self.jobs().await,
            Step::Restart => self.restart().await,
        }
        let now = self.now();
        self.ledger.pass(now);
        self.check_tokens().await;
    }

    pub fn until(&mut self, target: Target, delta: i64) {
        let at = match target {
            Target::Expiry(n) => pick(n, &self.ledger.tokens).map(|token| token.expires * 1000),
            Target::Review(n) => pick(n, &self.ledger.applications).map(|a| midnight_after(a.deadline)),
            Target::Phase(n) => pick(n, &self.ledger.requests).and_then(|request| match request.phase {
                Phase::Seeking { until }
                | Phase::Sending { until }
                | Phase::Waiting { until, .. }
                | Phase::Agreed { until } => Some(until),
                Phase::Granted(_) | Phase::Over(..) => None,
            }),
            Target::Basis(basis) => self.ledger.ends.get(&basis).map(|end| end * 1000),
        };
        if let Some(at) = at.map(|at| at + delta).filter(|at| *at > self.now()) {
            self.service.clock.set(at);
        }
    }

    /// A new message, about what is the newest now; one that names an ovt to be formed forms it.
    pub async fn call(&mut self, call: &Call) {
        let mut call = call.clone();
        let about = match &mut call {
            Call::Repeat { request, .. } => Some((request, self.ledger.requests.len())),
            Call::Check { token, .. } | Call::File { token, .. } => Some((token, self.ledger.tokens.len())),
            Call::Solve { application, .. } => Some((application, self.ledger.applications.len())),
            Call::Ask { .. } | Call::List { .. } => None,
        };
        match about {
            Some((_, 0)) => return,
            Some((n, count)) => *n = place(*n, count),
            None => {}
        }
        if let Call::Ask { asked, formed } = &mut call {
            // An old one, if it is there; else a new one, `formed` seconds ago.
            match (asked.method, formed, self.ledger.ovts.len()) {
                (2..=4, Some(seconds), _) => {
                    asked.ovt = self.form(asked.initiator, asked.method != 4, asked.subject, *seconds);
                }
                (_, _, 0) => asked.ovt = self.form(asked.initiator, true, asked.subject, 0),
                (_, _, count) => asked.ovt = place(asked.ovt, count),
            }
        }
        self.answer(&call).await;
        self.calls.push(call);
    }

    pub fn form(&mut self, initiator: usize, consent: bool, subject: u64, ago: i64) -> usize {
        let iat = self.now() / 1000 - ago;
        let subject = (ago % 2 == 1).then_some(subject);
        let known = |ovt: &Ovt| {
            (ovt.initiator, ovt.consent, ovt.subject, ovt.iat) == (initiator, consent, subject, iat)
        };
        if let Some(known) = self.ledger.ovts.iter().position(known) {
            return known;
        }
        let key = (initiator, consent, subject, iat);
        let compact = MADE.with_borrow_mut(|made| {
            let make = || {
                let mcheck = if consent { Mcheck::Biometrics } else { Mcheck::NoConsent };
                let (cbin, uin) = (bin(initiator as u64), subject.map(iin));
                let uin = uin.as_ref().map(kdp::consent::identity::Iin::as_str);
                let claims = NewOvt { cbin: cbin.as_str(), mcheck, iat, exp: iat + 36_000, uin, jti: None };
                make(&claims, &SIGNERS[initiator], None).unwrap()
            };
            made.entry(key).or_insert_with(make).clone()
        });
        self.ledger.ovts.push(Ovt { initiator, consent, subject, iat, exp: iat + 36_000, compact });
        self.ledger.ovts.len() - 1
    }

    pub async fn answer(&mut self, call: &Call) {
        match call {
            Call::Ask { asked, .. } => self.ask(asked).await,
            Call::Repeat { request, code, cancel } => self.repeat(*request, *code, *cancel).await,
            Call::Check { token, ago, other } => self.check(*token, *ago, *other).await,
            Call::File { token, by_request, other } => self.file(*token, *by_request, *other).await,
            Call::Solve { application, approve, other } => self.solve(*application, *approve, *other).await,
            Call::List { initiator } => self.list(*initiator).await,
        }
    }

    /// Criteria 4 and 7, at every step, whether due work was done or not. Three tokens a step, in turn.
    pub async fn check_tokens(&mut self) {
        let count = self.ledger.tokens.len();
        let turn = self.service.decisions.len();
        for n in 0..count.min(3) {
            self.check((turn + n) % count, None, None).await;
        }
    }

    /// What must be true of the whole story.
    pub async fn end_well(&mut self) {
        self.jobs().await;
        for subject in 0..SUBJECTS {
            let all = self.service.store().accesses(iin(subject), 0, i64::MAX, 100_000).await.unwrap();
            let accesses = all.iter().filter(|access| access.check.is_some()).count();
            assert_eq!(accesses, self.accesses[usize::try_from(subject).unwrap()], "accesses of {subject}");
        }
        for application in &self.ledger.applications {
            let stored = self.service.store().application(Id::parse(&application.id).unwrap(), self.now());
            let stored = stored.await.unwrap().unwrap();
            let end = midnight_after(application.deadline);
            let (word, at) = match application.review {
                Review::Open => ("open", end),
                Review::Approved(at) => ("approved", at),
                Review::Refused => ("refused", 0),
                Review::Lapsed => ("lapsed", end),
            };
            assert_eq!((stored.review.word(), stored.deadline), (word, application.deadline));
            let dated = format!("{}", serde_json::to_value(&stored.review).unwrap());
            assert!(word == "refused" || dated.contains(&at.to_string()), "dated right: {dated} {at}");
        }
        self.journalled();
    }

    /// Criteria 5 and 10: each message is answered once, each reminder given once.
    pub fn journalled(&self) {
        let home = &self.service.home;
        let of_decisions = "SELECT lower(hex(decision)) || ' ' || count(*) FROM journal
                            WHERE decision IS NOT NULL GROUP BY decision";
        let counts: HashMap<String, i64> = home
            .texts(of_decisions)
            .iter()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(decision, count)| (decision.to_owned(), count.parse().unwrap()))
            .collect();
        for decision in &self.service.decisions {
            let hex = decision.as_bytes().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            let count = counts.get(&hex).copied().unwrap_or_default();
            assert!((1..=2).contains(&count), "a decision stands {count} times in the journal");
        }
        assert_eq!(counts.len(), self.service.decisions.len(), "nothing was decided that nobody asked");
        let all = home.texts("SELECT outcome FROM journal");
        let heard = |outcome: &&String| {
            let by_subject = outcome.contains("sms ") || outcome.ends_with(" by sms");
            by_subject && !["sms accepted", "sms refused"].contains(&outcome.as_str())
        };
        assert_eq!(all.iter().filter(heard).count(), self.heard, "each SMS is journalled once");
        let mut last = 0;
        for outcome in home.texts(&format!(
            "SELECT outcome FROM journal WHERE outcome LIKE 'application %' ORDER BY request, {}",
            home.order()
        )) {
            if outcome == "application filed" {
                last = 0;
            } else if let Some(rest) = outcome.strip_prefix("application reminder ") {
                let number: i32 = rest.split(',').next().unwrap().parse().unwrap();
                assert!(number > last, "a reminder is given once: {outcome}");
                last = number;
            }
        }
    }
}

/// Which one is meant, counted from the newest.
pub fn place(n: usize, count: usize) -> usize {
    count - 1 - n % count
}

pub fn pick<T>(n: usize, list: &[T]) -> Option<&T> {
    (!list.is_empty()).then(|| &list[place(n, list.len())])
}
