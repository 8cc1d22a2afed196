//! Fills a database with a year of work by the service's own verbs, so that every row, index and seal is as the
//! service makes it. Two things are left out, which nothing that is measured reads: the tokens are signed by nobody
//! (a check compares bytes), and the journal's details are short.

use super::office::{Known, Office};
use crate::installation::{Disk, Engine, Installation};
use kdp::consent::revocation::Decision;
use kdp::store::Sweeping;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;
use tokio::time::Instant;

const DAY: i64 = 86_400_000;
/// The work of so many days; every token lives longer.
pub const DAYS: usize = 365;
/// Tokens of one subject, spread over the year.
const EACH: usize = 5;
/// Messages and SMS of so many last days are there, as many as tokens.
const REMEMBERED: usize = 6;
/// Verbs that wait for a commit at the same time: one of a file is for all of them, a server has a connection for each.
fn width(engine: Engine) -> usize {
    match engine {
        Engine::File => 512,
        Engine::Server => 32,
    }
}

/// How much of what.
pub struct Fill {
    pub tokens: usize,
    /// Accesses for each token.
    accesses: usize,
    pub subjects: usize,
    /// Verbs at the same time.
    width: usize,
}

impl Fill {
    pub fn of(tokens: usize, accesses: usize, engine: Engine) -> Self {
        Self { tokens, accesses, subjects: (tokens / EACH).max(1), width: width(engine) }
    }

    /// The subject of the token with this number: all of them once, in no order, then all of them again.
    pub fn subject(&self, number: usize) -> usize {
        // A prime, larger than the number of subjects.
        const STEP: usize = 2_654_435_761;
        (number % self.subjects * STEP + number / self.subjects) % self.subjects
    }
}

/// Fills the database of `installation`.
pub fn fill(installation: &Installation, fill: Fill) {
    let nowhere = ([127, 0, 0, 1], 0).into();
    installation.configure(Disk::Off.into(), nowhere, nowhere);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    let tokens = fill.tokens;
    runtime.block_on(async {
        let opened = installation.open();
        let office = Arc::new(Office::new(&opened, fill, tokens).await);
        let mut issued = Vec::with_capacity(tokens);
        let first = opened.clock.now() - i64::try_from(DAYS).expect("days") * DAY;
        for day in 0..DAYS {
            let at = first + i64::try_from(day).expect("days") * DAY;
            let (from, to) = (tokens * day / DAYS, tokens * (day + 1) / DAYS);
            office.day(at, from..to, &mut issued).await;
            if day + 1 < DAYS {
                // The last day's verification tokens are there, as on any day.
                office.night(at + DAY - 1).await;
            }
            // Older ones would not be remembered any more.
            if day + REMEMBERED >= DAYS {
                office
                    .crowd(to - from, move |office, n| async move { office.hear(from + n, at).await })
                    .await;
            }
            if day % 30 == 29 {
                let size = installation.database_bytes() >> 20;
                eprintln!("{to} tokens, {size} MiB, {:.0} s", begun.elapsed().as_secs_f64());
            }
        }
        office.applications(opened.clock.now(), tokens.div_ceil(1000), &issued, None).await;
    });
}

impl Office {
    /// Grants the tokens with these numbers, checks as many or more, and ends one in a hundred.
    async fn day(self: &Arc<Self>, at: i64, numbers: Range<usize>, issued: &mut Vec<Known>) {
        let count = numbers.len();
        let begin = numbers.start;
        // First the grants, then the checks, each spread over a third of the day.
        let moment = move |part: i64, n: usize, of: usize| {
            let [n, of] = [n, of.max(1)].map(|n| i64::try_from(n).expect("a small number"));
            at + part * (DAY / 3) + n * (DAY / 3) / of
        };
        let granted = self
            .crowd(count, move |office, n| async move { office.grant(begin + n, moment(0, n, count)).await });
        issued.extend(granted.await);
        let checks = count * self.fill.accesses;
        let known: Arc<[Known]> =
            (0..checks).map(|n| issued[chance(begin * self.fill.accesses + n) % issued.len()]).collect();
        self.crowd(checks, move |office, n| {
            let known = known[n];
            async move { office.check(known, moment(1, n, checks)).await }
        })
        .await;
        let ended = (numbers.end / 100).saturating_sub(numbers.start / 100);
        self.applications(at + DAY * 3 / 4, ended, issued, Some(Decision::Approve)).await;
    }

    async fn night(&self, at: i64) {
        let years = at - 1826 * DAY;
        let sweeping =
            Sweeping { phones_before: at - 90 * DAY, persons_before: years, accesses_before: years };
        let record = self.record(at, "event", "sweep");
        while self.store.sweep(sweeping, record.clone()).await.expect("a sweep") {}
    }

    /// Files applications for revocation and, given a decision, decides them.
    async fn applications(
        self: &Arc<Self>,
        at: i64,
        count: usize,
        issued: &[Known],
        decision: Option<Decision>,
    ) {
        let begin = usize::try_from(at).expect("a number");
        let known: Arc<[Known]> = (0..count).map(|n| issued[chance(begin + n) % issued.len()]).collect();
        self.crowd(count, move |office, n| {
            let (known, decision) = (known[n], decision.clone());
            async move { office.apply(known, decision, at).await }
        })
        .await;
    }

    /// Does so many pieces of work, some of them at a time.
    async fn crowd<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        self: &Arc<Self>,
        count: usize,
        work: impl Fn(Arc<Self>, usize) -> F + Clone + Send + 'static,
    ) -> Vec<T> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for _ in 0..self.fill.width.min(count) {
            let (office, next, work) = (self.clone(), next.clone(), work.clone());
            running.spawn(async move {
                let mut done = Vec::new();
                while let n = next.fetch_add(1, Ordering::Relaxed)
                    && n < count
                {
                    done.push(work(office.clone(), n).await);
                }
                done
            });
        }
        running.join_all().await.into_iter().flatten().collect()
    }
}

/// A number that only looks like chance (`SplitMix64`).
pub fn chance(number: usize) -> usize {
    let mut z = (number as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from(z >> 33).expect("31 bits")
}
