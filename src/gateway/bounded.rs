//! A party that is slow or gone must not slow the service down: each question has its time, few wait at once, and after
//! some that got no answer in time the party is left alone for a while.

use super::asynchronous::AsyncChannel;
use super::fault::PartyFault;
use super::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway};
use crate::consent::identity::{Iin, Msisdn};
use crate::metric::party::{PartyFaultLabels, PartyLabels, PartyMetrics};
use crate::soap::async_client::Response;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// Questions in a row that were not answered in time, after which the party is left alone.
const UNANSWERED: u32 = 5;
/// For how long; then one question is tried.
const ALONE: Duration = Duration::from_secs(5);

/// `party`, asked within bounds and counted.
pub struct Bounded<G: ?Sized> {
    party: Arc<G>,
    name: &'static str,
    metrics: PartyMetrics,
    time: Duration,
    places: Semaphore,
    patience: Mutex<Patience>,
}

#[derive(Default)]
struct Patience {
    unanswered: u32,
    alone_until: Option<Instant>,
}

impl<G: ?Sized> Bounded<G> {
    /// Each question may take `time`, and `most` may wait at once; `name` is its label in the metrics.
    pub fn new(
        (name, party): (&'static str, Arc<G>),
        metrics: PartyMetrics,
        time: Duration,
        most: usize,
    ) -> Self {
        metrics.left_alone.get_or_create(&PartyLabels { party: name }).set(0);
        Self { party, name, metrics, time, places: Semaphore::new(most.max(1)), patience: Mutex::default() }
    }

    fn patience(&self) -> MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<F, T, E>(&self, question: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Failure,
    {
        let answer = self.try_ask(question).await;
        if let Some(fault) = answer.as_ref().err().and_then(Failure::fault) {
            self.metrics
                .faults
                .get_or_create(&PartyFaultLabels { party: self.name, fault: fault.code() })
                .inc();
        }
        answer
    }

    async fn try_ask<F, T, E>(&self, question: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: Failure,
    {
        let started = Instant::now();
        if !self.patience().may_ask(started) {
            return Err(PartyFault::LeftAlone.into());
        }
        let _place = self.places.try_acquire().map_err(|_| PartyFault::LeftAlone)?;
        let answer = timeout(self.time, question()).await.unwrap_or_else(|_| Err(PartyFault::Timeout.into()));
        let ended = Instant::now();
        let silent = answer.as_ref().err().and_then(Failure::fault).is_some_and(PartyFault::is_silence);
        let is_left_alone = self.patience().note(!silent, ended);
        let labels = PartyLabels { party: self.name };
        self.metrics.left_alone.get_or_create(&labels).set(is_left_alone.into());
        self.metrics.seconds.get_or_create(&labels).observe((ended - started).as_secs_f64());
        answer
    }
}

/// An error that may be a fault of the party.
trait Failure: From<PartyFault> {
    fn fault(&self) -> Option<PartyFault>;
}

impl Failure for PartyFault {
    fn fault(&self) -> Option<PartyFault> {
        Some(*self)
    }
}

impl Failure for SmsError {
    fn fault(&self) -> Option<PartyFault> {
        match self {
            Self::Fault(fault) => Some(*fault),
            Self::Refused => None,
        }
    }
}

impl Patience {
    fn may_ask(&mut self, now: Instant) -> bool {
        match self.alone_until {
            Some(until) if until > now => false,
            // One tries; the others wait for what it finds.
            Some(_) => {
                self.alone_until = Some(now + ALONE);
                true
            }
            None => true,
        }
    }

    /// Notes what a question came to; whether the party is left alone now.
    fn note(&mut self, answered: bool, now: Instant) -> bool {
        if answered {
            *self = Self::default();
            return false;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered >= UNANSWERED {
            self.alone_until = Some(now + ALONE);
        }
        self.alone_until.is_some()
    }
}

impl CitizenDirectory for Bounded<dyn CitizenDirectory> {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
        Box::pin(self.ask(|| self.party.numbers(iin)))
    }
}

impl SmsGateway for Bounded<dyn SmsGateway> {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(self.ask(|| self.party.send(sms)))
    }

    fn calls_with(&self, secret: &[u8]) -> bool {
        self.party.calls_with(secret)
    }
}

impl AsyncChannel for Bounded<dyn AsyncChannel> {
    fn respond<'a>(&'a self, response: Response<'a>) -> Answer<'a, Result<String, PartyFault>> {
        Box::pin(self.ask(|| self.party.respond(response)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Default)]
    struct Silent {
        asked: AtomicU32,
    }

    impl CitizenDirectory for Silent {
        fn numbers<'a>(&'a self, _: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, PartyFault>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending())
        }
    }

    fn bounded(most: usize) -> (Arc<Silent>, Bounded<dyn CitizenDirectory>) {
        let party = Arc::new(Silent::default());
        let named: (_, Arc<dyn CitizenDirectory>) = ("bmg", party.clone());
        (party, Bounded::new(named, PartyMetrics::default(), Duration::from_millis(20), most))
    }

    #[tokio::test]
    async fn a_party_that_does_not_answer_costs_its_time_a_few_times_and_is_then_left_alone() {
        let (party, bounded) = bounded(10);
        let iin = Iin::parse("800101399015").unwrap();
        for n in 0..20 {
            let fault = if n < UNANSWERED { PartyFault::Timeout } else { PartyFault::LeftAlone };
            assert_eq!(bounded.numbers(&iin).await, Err(fault));
        }
        assert_eq!(party.asked.load(Ordering::Relaxed), UNANSWERED);
        let counted = |fault: PartyFault| {
            let labels = PartyFaultLabels { party: "bmg", fault: fault.code() };
            bounded.metrics.faults.get_or_create(&labels).get()
        };
        assert_eq!(counted(PartyFault::Timeout), u64::from(UNANSWERED));
        assert_eq!(counted(PartyFault::LeftAlone), u64::from(20 - UNANSWERED));
    }

    #[tokio::test]
    async fn no_more_than_the_allowed_number_waits_for_a_party() {
        let (party, bounded) = bounded(2);
        let iin = Iin::parse("800101399015").unwrap();
        let _ = tokio::join!(bounded.numbers(&iin), bounded.numbers(&iin), bounded.numbers(&iin));
        assert_eq!(party.asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn one_question_tries_for_all_and_an_answer_ends_the_silence() {
        let (mut patience, now) = (Patience::default(), Instant::now());
        for n in 1..=UNANSWERED {
            assert_eq!(patience.note(false, now), n == UNANSWERED);
        }
        assert!(!patience.may_ask(now));
        let later = now + ALONE;
        assert!(patience.may_ask(later) && !patience.may_ask(later), "one tries, the others wait");
        assert!(patience.note(false, later));
        assert!(!patience.may_ask(later + ALONE / 2));
        assert!(!patience.note(true, later + ALONE / 2));
        assert!(patience.may_ask(later + ALONE / 2) && patience.may_ask(later + ALONE / 2));
    }
}
