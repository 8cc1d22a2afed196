//! Random stories against a model that is too simple to be wrong: what each verb answers, what is stored after it, what
//! falls due. A story fails when one of them differs; the model knows nothing of the store's code.

use super::bench::{Ask, Bench, Disk, NOON, Proof, benches_whose, is_limited, phone, record, said, token};
use kdp::consent::method::Method;
use kdp::consent::{Consent, End, Event};
use kdp::random::Id;
use kdp::store::seal::one_time_code;
use kdp::store::{AccessRequest, Budget, Change, Granted, Heard, Opened, Task};
use kdp::text::Reason;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::{BTreeMap, BTreeSet};

const BUDGET: Budget = Budget { subject: 4, initiator: 6 };
const SERVICES: [&str; 3] = ["A", "A;B", "C"];
const DAY: i64 = 86_400_000;

/// One step of a story. People, services and requests are numbers, taken modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    Open { bin: u64, subject: u64, services: usize, code: bool, number: bool },
    Grant { bin: u64, subject: u64, services: usize, ovt: usize, proactive: bool },
    Event { request: usize, event: Happening },
    Code { request: usize, right: bool },
    Collect { request: usize },
    Say { phone: u64, words: Words, about: Option<usize>, again: bool },
    Wait { milliseconds: i64 },
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    NumberFound,
    NumberAbsent,
    Accepted,
    Refused,
    Undelivered,
    Cancel,
    Due,
}

#[derive(Clone, Copy, Debug)]
enum Words {
    Yes,
    No,
    Fraud,
    Nonsense,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let request = || 0..6_usize;
    let step = prop_oneof![
        4 => (0..2_u64, 0..3_u64, 0..3_usize, any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(bin, subject, services, code, number)| Step::Open { bin, subject, services, code, number }),
        2 => (0..2_u64, 0..3_u64, 0..2_usize, 0..2_usize, prop::bool::weighted(0.2))
            .prop_map(|(bin, subject, services, ovt, proactive)| Step::Grant { bin, subject, services, ovt, proactive }),
        5 => (request(), prop_oneof![
                2 => Just(Happening::NumberFound),
                1 => Just(Happening::NumberAbsent),
                6 => Just(Happening::Accepted),
                1 => Just(Happening::Refused),
                1 => Just(Happening::Undelivered),
                1 => Just(Happening::Cancel),
                1 => Just(Happening::Due),
            ]).prop_map(|(request, event)| Step::Event { request, event }),
        3 => (request(), prop::bool::weighted(0.3)).prop_map(|(request, right)| Step::Code { request, right }),
        3 => request().prop_map(|request| Step::Collect { request }),
        5 => (0..2_u64, prop_oneof![
                5 => Just(Words::Yes),
                2 => Just(Words::No),
                1 => Just(Words::Fraud),
                1 => Just(Words::Nonsense),
            ], prop::option::of(request()), prop::bool::weighted(0.1))
            .prop_map(|(phone, words, about, again)| Step::Say { phone, words, about, again }),
        4 => prop::sample::select(vec![1, 999, 59_999, 60_000, 79_999, 100_000, 300_000, DAY / 2])
            .prop_map(|milliseconds| Step::Wait { milliseconds }),
    ];
    prop::collection::vec(step, 1..30)
}

/// A request as the model knows it.
struct Known {
    id: Id,
    key: (u64, u64, usize),
    method: Method,
    phone: Option<u64>,
    reference: String,
    code: String,
    /// As last written; time may have gone on.
    written: Consent,
    helped: bool,
    asked_for_reference: bool,
    token: Option<String>,
}

impl Known {
    fn write_time(&mut self, now: i64) {
        self.written = at(&self.written, now);
    }

    fn is_live(&self) -> bool {
        matches!(
            self.written,
            Consent::Seeking { .. }
                | Consent::Sending { .. }
                | Consent::Waiting { .. }
                | Consent::Agreed { .. }
        )
    }

    fn awaits_answer(&self) -> bool {
        matches!(self.written, Consent::Sending { .. } | Consent::Waiting { .. })
    }
}

/// The state as it is at `now`.
fn at(written: &Consent, now: i64) -> Consent {
    let over = |reason, at: &i64| Consent::Closed { end: End::Timeout, reason, at: *at };
    match written {
        Consent::Seeking { until } if now >= *until => over(Reason::BmgUnavailable, until),
        Consent::Sending { until } if now >= *until => over(Reason::SmsNotSent, until),
        Consent::Waiting { until, .. } if now >= *until => over(Reason::NoAnswer, until),
        Consent::Agreed { until } if now >= *until => over(Reason::NotCollected, until),
        Consent::Granted { expires, .. } if now >= expires * 1000 => {
            Consent::Closed { end: End::Invalid, reason: Reason::TokenExpired, at: expires * 1000 }
        }
        other => other.clone(),
    }
}

/// What follows from an event, `None` if nothing.
fn next(known: &Known, event: &Event, now: i64) -> Option<Consent> {
    let refused = |reason| Some(Consent::Closed { end: End::Invalid, reason, at: now });
    let by_code = known.method == Method::Code;
    match (&known.written, event) {
        (Consent::Seeking { .. }, Event::NumberFound(_)) => Some(Consent::Sending { until: now + 80_000 }),
        (Consent::Seeking { .. }, Event::NumberAbsent) => {
            Some(Consent::Closed { end: End::NotFound, reason: Reason::NoPhone, at: now })
        }
        (Consent::Sending { .. }, Event::SmsAccepted) => {
            Some(Consent::Waiting { until: now + if by_code { 60_000 } else { 100_000 }, attempts: 0 })
        }
        (Consent::Sending { .. }, Event::SmsRefused) => refused(Reason::SmsNotSent),
        (_, Event::SmsUndelivered) if known.awaits_answer() => refused(Reason::SmsUndelivered),
        (_, Event::Yes) if known.awaits_answer() && !by_code => {
            Some(Consent::Agreed { until: now + 300_000 })
        }
        (_, Event::No) if known.awaits_answer() => refused(Reason::SubjectRefused),
        (_, Event::Fraud) if known.awaits_answer() => refused(Reason::SubjectReportedFraud),
        (Consent::Waiting { .. }, Event::Code { right: true }) if by_code => {
            Some(Consent::Agreed { until: now + 300_000 })
        }
        (Consent::Waiting { attempts: 2, .. }, Event::Code { .. }) if by_code => {
            refused(Reason::CodeAttempts)
        }
        (Consent::Waiting { until, attempts }, Event::Code { .. }) if by_code => {
            Some(Consent::Waiting { until: *until, attempts: attempts + 1 })
        }
        (Consent::Agreed { .. }, Event::Collect { expires }) => {
            Some(Consent::Granted { expires: *expires, lapses: None })
        }
        (Consent::Closed { .. }, Event::Cancel) => None,
        (_, Event::Cancel) => refused(Reason::Cancelled),
        (same, Event::Due) => Some(same.clone()),
        _ => None,
    }
}

/// The world of one story: its people are its own, so that stories share one database.
struct Model {
    story: u64,
    now: i64,
    requests: Vec<Known>,
    /// Asks by holder and day.
    asked: BTreeMap<(&'static str, u64, i64), u32>,
    /// (ovt, subject, services) → request; the first method and initiator of an (ovt, subject).
    proved: BTreeMap<(usize, u64, usize), usize>,
    proved_by: BTreeMap<(usize, u64), (Method, u64)>,
    heard: BTreeSet<String>,
    last_sms: Option<String>,
    explained: Vec<(Task, usize)>,
}

impl Model {
    fn new(story: u64) -> Self {
        // Every story begins at another hour, days after the one before, so that midnights fall anywhere.
        let now = NOON + i64::try_from(story).unwrap() * (60 * DAY + DAY / 7);
        Self {
            story,
            now,
            requests: Vec::new(),
            asked: BTreeMap::new(),
            proved: BTreeMap::new(),
            proved_by: BTreeMap::new(),
            heard: BTreeSet::new(),
            last_sms: None,
            explained: Vec::new(),
        }
    }

    fn person(&self, n: u64) -> u64 {
        self.story * 8 + n
    }

    fn ask(&self, bin: u64, subject: u64, service: usize, method: Method, number: bool) -> Ask {
        Ask {
            bin: self.person(bin),
            iin: self.person(subject),
            phone: number.then(|| self.person(subject / 2)),
            services: SERVICES[service],
            method,
            reference: format!("{:04}", self.requests.len()),
        }
    }

    fn remember(
        &mut self,
        bench: &Bench,
        request: &AccessRequest,
        key: (u64, u64, usize),
        phone: Option<u64>,
    ) {
        self.requests.push(Known {
            id: request.id,
            key,
            method: request.method,
            phone,
            reference: request.reference.clone(),
            code: one_time_code(&*bench.seal, request),
            written: request.consent.clone(),
            helped: false,
            asked_for_reference: false,
            token: request.token.as_ref().map(|token| token.compact.clone()),
        });
    }

    /// Whether the day allows it; if so, it is counted.
    fn spend(&mut self, bin: u64, subject: u64) -> bool {
        let day = (self.now + 5 * 3_600_000).div_euclid(DAY);
        let holders = [(("subject", subject, day), BUDGET.subject), (("bin", bin, day), BUDGET.initiator)];
        let free = holders.iter().all(|(holder, most)| self.asked.get(holder).copied().unwrap_or(0) < *most);
        if free {
            for (holder, _) in &holders {
                *self.asked.entry(*holder).or_default() += 1;
            }
        }
        free
    }

    async fn play(&mut self, bench: &Bench, step: &Step) {
        let pick =
            |request: usize, requests: &[Known]| (!requests.is_empty()).then(|| request % requests.len());
        match step {
            Step::Wait { milliseconds } => self.now += milliseconds,
            Step::Open { bin, subject, services, code, number } => {
                let method = if *code { Method::Code } else { Method::Sms };
                self.open(bench, (*bin, *subject, *services), method, *number).await;
            }
            Step::Grant { bin, subject, services, ovt, proactive } => {
                let method = if *proactive { Method::Proactive } else { Method::OwnMeans };
                self.grant(bench, (*bin, *subject, *services), *ovt, method).await;
            }
            Step::Event { request, event } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                let event = match event {
                    Happening::NumberFound => Event::NumberFound(phone(self.phone_of(request))),
                    Happening::NumberAbsent => Event::NumberAbsent,
                    Happening::Accepted => Event::SmsAccepted,
                    Happening::Refused => Event::SmsRefused,
                    Happening::Undelivered => Event::SmsUndelivered,
                    Happening::Cancel => Event::Cancel,
                    Happening::Due => Event::Due,
                };
                self.change(bench, request, Change::Event(event.clone()), &event).await;
            }
            Step::Code { request, right } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                let code = &self.requests[request].code;
                let brought = if *right { code.clone() } else { format!("{}x", &code[..5]) };
                self.change(bench, request, Change::Code(brought), &Event::Code { right: *right }).await;
            }
            Step::Collect { request } => {
                let Some(request) = pick(*request, &self.requests) else { return };
                let token = token(self.now);
                let event = Event::Collect { expires: token.expires };
                self.change(bench, request, Change::Collect(token), &event).await;
            }
            Step::Say { phone, words, about, again } => {
                let about = about.and_then(|request| pick(request, &self.requests));
                self.say(bench, *phone, *words, about, *again).await;
            }
        }
    }

    fn phone_of(&self, request: usize) -> u64 {
        self.person(self.requests[request].key.1 / 2)
    }

    async fn open(&mut self, bench: &Bench, key: (u64, u64, usize), method: Method, number: bool) {
        let ask = self.ask(key.0, key.1, key.2, method, number);
        let opened = bench.open_as(ask.request(self.now), BUDGET, self.now).await.unwrap();
        let now = self.now;
        let before = self
            .requests
            .iter_mut()
            .find(|known| known.key == key && known.method.asks_subject() && known.is_live());
        if let Some(before) = before {
            before.write_time(now);
            if before.is_live() {
                let Opened::Live(request) = opened else { panic!("it is in progress") };
                assert!(request.id == before.id && request.consent == before.written);
                return;
            }
        }
        if self.spend(key.0, key.1) {
            let Opened::New(request) = opened else {
                panic!("nothing is in progress, and the day allows it")
            };
            self.remember(bench, &request, key, ask.phone);
        } else {
            assert!(is_limited(&opened), "the day's budget is used up");
        }
    }

    async fn grant(&mut self, bench: &Bench, key: (u64, u64, usize), ovt: usize, method: Method) {
        let ask = self.ask(key.0, key.1, key.2, method, false);
        let mut proof = Proof::new(u8::try_from(ovt).unwrap(), Some(2));
        proof.ovt[1..9].copy_from_slice(&self.story.to_be_bytes());
        let granted = bench.grant(&proof, &ask, self.now).await;
        let by = self.proved_by.get(&(ovt, key.1)).copied();
        if by.is_some_and(|by| by != (method, key.0)) {
            assert!(
                matches!(granted, Granted::Refused(Reason::OvtUsed)),
                "used by another method or initiator"
            );
            return;
        }
        if let Some(before) = self.proved.get(&(ovt, key.1, key.2)) {
            let before = &self.requests[*before];
            match at(&before.written, self.now) {
                Consent::Granted { .. } => {
                    let Granted::Before(request) = granted else { panic!("it is active still") };
                    let token = request.token.map(|token| token.compact);
                    assert!(request.id == before.id && token == before.token);
                }
                _ => assert!(matches!(granted, Granted::Refused(Reason::OvtUsed)), "it has ended"),
            }
            return;
        }
        let subjects = self.proved_by.keys().filter(|(proof, _)| *proof == ovt).count();
        if by.is_none() && subjects >= 2 {
            assert!(matches!(granted, Granted::Refused(Reason::LimitReached)), "two subjects were served");
            return;
        }
        let Granted::New(request) = granted else { panic!("nothing speaks against it") };
        self.proved.insert((ovt, key.1, key.2), self.requests.len());
        self.proved_by.insert((ovt, key.1), (method, key.0));
        self.remember(bench, &request, key, None);
    }

    async fn change(&mut self, bench: &Bench, request: usize, change: Change, event: &Event) {
        let (now, phone) = (self.now, self.phone_of(request));
        let known = &mut self.requests[request];
        let brought = match &change {
            Change::Collect(token) => Some(token.compact.clone()),
            _ => None,
        };
        let (stored, applied) = bench.change(known.id, change, now).await;
        known.write_time(now);
        let next = next(known, event, now);
        assert_eq!(applied, next.is_some(), "whether it changes anything");
        if let Some(next) = next {
            known.written = next;
            if matches!(event, Event::NumberFound(_)) {
                known.phone = Some(phone);
            }
            known.token = brought.or(known.token.take());
        }
        assert!(stored.consent == known.written, "the state that is answered");
    }

    async fn say(&mut self, bench: &Bench, from: u64, words: Words, about: Option<usize>, again: bool) {
        let new = format!("{}-{}", self.story, self.heard.len());
        let sms = self.last_sms.clone().filter(|_| again).unwrap_or(new);
        let word = match words {
            Words::Yes => "ИӘ",
            Words::No => "нет",
            Words::Fraud => "STOP",
            Words::Nonsense => "кто это?",
        };
        let reference = about.map(|request| self.requests[request].reference.clone());
        let text = format!("{word} {}", reference.as_deref().unwrap_or_default());
        let from = self.person(from);
        let said = said(&sms, phone(from), &text);
        let heard = bench.store.hear(said, record(self.now, "reply")).await.unwrap();
        assert_eq!(heard, self.understand(from, &sms, words, reference.as_deref()), "{text}");
        self.last_sms = Some(sms.clone());
        self.heard.insert(sms);
    }

    fn understand(&mut self, from: u64, sms: &str, words: Words, reference: Option<&str>) -> Heard {
        if self.heard.contains(sms) {
            return Heard::Again;
        }
        let now = self.now;
        let mut waiting = Vec::new();
        for (n, known) in self.requests.iter_mut().enumerate() {
            if known.phone == Some(from) && known.awaits_answer() {
                known.write_time(now);
                if known.is_live() {
                    waiting.push(n);
                }
            }
        }
        let event = match words {
            _ if waiting.is_empty() => return Heard::NothingWaits,
            Words::Yes => Event::Yes,
            Words::No => Event::No,
            Words::Fraud => Event::Fraud,
            Words::Nonsense => return self.explain(Task::SendHelp, &waiting, Heard::NotUnderstood),
        };
        if let Some(reference) = reference {
            waiting.retain(|n| self.requests[*n].reference == reference);
        }
        match waiting.as_slice() {
            [] => Heard::NotUnderstood,
            // Who reports a fraud does not know one request from another.
            [first, ..] if event == Event::Fraud => {
                let first = self.requests[*first].id;
                for n in waiting {
                    self.requests[n].written = next(&self.requests[n], &event, now).expect("it waits");
                }
                Heard::Answered(first)
            }
            [one]
                if event == Event::Yes
                    && reference.is_none()
                    && matches!(self.requests[*one].written, Consent::Sending { .. }) =>
            {
                self.explain(Task::SendReference, &waiting, Heard::Ambiguous)
            }
            [one] => match next(&self.requests[*one], &event, now) {
                Some(next) => {
                    self.requests[*one].written = next;
                    Heard::Answered(self.requests[*one].id)
                }
                None => self.explain(Task::SendHelp, &waiting, Heard::NotUnderstood),
            },
            _ => self.explain(Task::SendReference, &waiting, Heard::Ambiguous),
        }
    }

    /// One message about all of them, unless each has had it.
    fn explain(&mut self, task: Task, waiting: &[usize], heard: Heard) -> Heard {
        let had =
            |known: &Known| if task == Task::SendHelp { known.helped } else { known.asked_for_reference };
        if waiting.iter().any(|n| !had(&self.requests[*n])) {
            self.explained.push((task, waiting[0]));
            for n in waiting {
                let known = &mut self.requests[*n];
                *if task == Task::SendHelp { &mut known.helped } else { &mut known.asked_for_reference } =
                    true;
            }
        }
        heard
    }

    /// What is stored, found and due at the end, after time was written down everywhere.
    async fn assert_stored(&mut self, bench: &Bench) {
        let mut due = Vec::new();
        for request in 0..self.requests.len() {
            let stored = bench.store.request(self.requests[request].id).await.unwrap().unwrap();
            assert!(stored.consent == self.requests[request].written, "request {request} as it was written");
            self.change(bench, request, Change::Event(Event::Due), &Event::Due).await;
        }
        for known in &self.requests {
            let stored = bench.store.request(known.id).await.unwrap().unwrap();
            let token = stored.token.map(|token| token.compact);
            assert!(token == known.token, "the token, also when it has ended: it may be asked about");
            assert!(stored.msisdn == known.phone.map(phone), "the number");
            let (bin, subject, service) = known.key;
            let ask = self.ask(bin, subject, service, Method::Sms, false);
            let live = bench.in_progress(&ask, self.now);
            let in_progress = |k: &&Known| k.key == known.key && k.method.asks_subject() && k.is_live();
            let expected = self.requests.iter().filter(in_progress).map(|k| k.id).next();
            assert!(live.await.map(|r| r.id) == expected, "the one in progress");
            match &known.written {
                Consent::Seeking { .. } => due.push((known.id, Task::FindNumber as u8, self.now)),
                Consent::Sending { .. } => due.push((known.id, Task::SendAsk as u8, self.now)),
                Consent::Waiting { until, .. } | Consent::Agreed { until } => {
                    due.push((known.id, Task::Expire as u8, *until));
                }
                Consent::Granted { .. } | Consent::Closed { .. } => {}
            }
        }
        let mut explained: Vec<_> =
            self.explained.iter().map(|(task, n)| (self.requests[*n].id, *task as u8)).collect();
        let mut told = Vec::new();
        let mut stored = Vec::new();
        for job in bench.due(i64::MAX).await {
            match job.task {
                Task::SendHelp | Task::SendReference => told.push((job.request, job.task as u8)),
                task => stored.push((job.request, task as u8, job.due)),
            }
            bench.store.done(job.id).await.unwrap();
        }
        for list in [&mut due, &mut stored] {
            list.sort_unstable();
        }
        explained.sort_unstable();
        told.sort_unstable();
        assert_eq!((stored, told), (due, explained), "what falls due");
    }
}

#[test]
fn random_stories_end_as_the_model_says() {
    let stories: u32 = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for bench in benches_whose(Disk::Hurries) {
        let story = std::cell::Cell::new(0);
        // A story that failed is told again to be made shorter: under another number, with new people.
        // A server is asked over and over for what a file has at hand.
        let cases = if bench.database.is_some() { stories.div_ceil(10) } else { stories };
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&steps(), |steps| {
            story.set(story.get() + 1);
            let mut model = Model::new(story.get());
            runtime.block_on(async {
                // What a story that failed has left.
                for job in bench.due(i64::MAX).await {
                    bench.store.done(job.id).await.unwrap();
                }
                for step in &steps {
                    model.play(&bench, step).await;
                }
                model.assert_stored(&bench).await;
            });
            Ok(())
        });
        if let Err(error) = result {
            panic!("{}: {error}", bench.name);
        }
    }
}
