//! A party that is slow or gone must not slow the service down: each question has its time, few wait at once, and after
//! some that got no answer in time the party is left alone for a while.

use super::{Answer, CitizenDirectory, Sms, SmsError, SmsGateway, Unavailable};
use crate::consent::identity::{Iin, Msisdn};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// Questions in a row that were not answered in time, after which the party is left alone.
const UNANSWERED: u32 = 5;
/// For how long; then one question is tried.
const ALONE: Duration = Duration::from_secs(5);

/// `party`, asked within bounds.
pub struct Bounded<G: ?Sized> {
    party: Arc<G>,
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
    /// Each question may take `time`, and `most` may wait at once.
    pub fn new(party: Arc<G>, time: Duration, most: usize) -> Self {
        Self { party, time, places: Semaphore::new(most.max(1)), patience: Mutex::default() }
    }

    fn patience(&self) -> MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: no answer in time, or not asked.
    async fn ask<F: Future>(&self, question: impl FnOnce() -> F) -> Option<F::Output> {
        if !self.patience().may_ask(Instant::now()) {
            return None;
        }
        let _place = self.places.try_acquire().ok()?;
        let answer = timeout(self.time, question()).await.ok();
        self.patience().note(answer.is_some(), Instant::now());
        answer
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

    fn note(&mut self, answered: bool, now: Instant) {
        if answered {
            *self = Self::default();
            return;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        if self.unanswered >= UNANSWERED {
            self.alone_until = Some(now + ALONE);
        }
    }
}

impl CitizenDirectory for Bounded<dyn CitizenDirectory> {
    fn numbers<'a>(&'a self, iin: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, Unavailable>> {
        Box::pin(async { self.ask(|| self.party.numbers(iin)).await.unwrap_or(Err(Unavailable)) })
    }
}

impl SmsGateway for Bounded<dyn SmsGateway> {
    fn send<'a>(&'a self, sms: Sms<'a>) -> Answer<'a, Result<(), SmsError>> {
        Box::pin(async { self.ask(|| self.party.send(sms)).await.unwrap_or(Err(SmsError::Unavailable)) })
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
        fn numbers<'a>(&'a self, _: &'a Iin) -> Answer<'a, Result<Vec<Msisdn>, Unavailable>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::pending())
        }
    }

    fn bounded(most: usize) -> (Arc<Silent>, Bounded<dyn CitizenDirectory>) {
        let party = Arc::new(Silent::default());
        (party.clone(), Bounded::new(party, Duration::from_millis(20), most))
    }

    #[tokio::test]
    async fn a_party_that_does_not_answer_costs_its_time_a_few_times_and_is_then_left_alone() {
        let (party, bounded) = bounded(10);
        let iin = Iin::parse("800101399015").unwrap();
        for _ in 0..20 {
            assert_eq!(bounded.numbers(&iin).await, Err(Unavailable));
        }
        assert_eq!(party.asked.load(Ordering::Relaxed), UNANSWERED);
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
        (0..UNANSWERED).for_each(|_| patience.note(false, now));
        assert!(!patience.may_ask(now));
        let later = now + ALONE;
        assert!(patience.may_ask(later) && !patience.may_ask(later), "one tries, the others wait");
        patience.note(false, later);
        assert!(!patience.may_ask(later + ALONE / 2));
        patience.note(true, later + ALONE / 2);
        assert!(patience.may_ask(later + ALONE / 2) && patience.may_ask(later + ALONE / 2));
    }
}
