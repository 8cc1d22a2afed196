//! Places for computing, and the lines before them. Nothing here waits while it holds the lock, and nothing is asked of
//! the database.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a message may cost for one turn.
const TURN: Duration = Duration::from_micros(500);
/// Most rounds that a line sits out.
const MOST_OWED: u32 = 64;
/// Failures more than successes from which on a line has no name of its own.
const DOUBTED: u32 = 16;
/// Doubts do not grow beyond this: so many good messages restore a name.
const MOST_DOUBT: u32 = 64;
/// Most lines whose failures are remembered.
const REMEMBERED: usize = 4096;

/// Who stands together: a sender at an address, or all strangers of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    network: IpAddr,
    sender: Option<String>,
}

impl Line {
    /// The line of `sender`, which must be registered, at a [`network`].
    #[must_use]
    pub fn new(network: IpAddr, sender: Option<&str>) -> Self {
        Self { network, sender: sender.map(str::to_owned) }
    }
}

/// What counts as one address: of IPv6 the first 64 bits, for anybody has as many of the others as it likes.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        four @ IpAddr::V4(_) => four,
    }
}

/// See the module above.
pub struct Gate {
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// How many stand in all lines.
    standing: usize,
    lines: HashMap<Line, Standing>,
    /// Lines in the order of their turns: all that are in `lines`.
    round: VecDeque<Line>,
    /// Failures more than successes.
    doubts: HashMap<Line, u32>,
}

#[derive(Default)]
struct Standing {
    waiting: VecDeque<oneshot::Sender<Place>>,
    /// Rounds to sit out.
    owes: u32,
}

/// A place for computing, until it is dropped.
pub struct Place {
    gate: Option<Arc<Gate>>,
    line: Option<Line>,
    since: Instant,
}

impl Gate {
    /// With two places a core: one computes while the other is woken.
    #[must_use]
    pub fn of_this_machine() -> Arc<Self> {
        Self::new(2 * std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// With so many places.
    #[must_use]
    pub fn new(places: usize) -> Arc<Self> {
        let state = State {
            free: places.max(1),
            standing: 0,
            lines: HashMap::new(),
            round: VecDeque::new(),
            doubts: HashMap::new(),
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place in the line that `line` names, which is asked only if none is free. `None`: more than `most` turns
    /// are before it.
    pub async fn enter(self: &Arc<Self>, most: usize, line: impl FnOnce() -> Line) -> Option<Place> {
        if self.state().take_free() {
            return Some(self.place(None));
        }
        let mut line = line();
        let turn = {
            let mut state = self.state();
            if state.take_free() {
                return Some(self.place(None));
            }
            if state.doubts.get(&line).is_some_and(|doubts| *doubts >= DOUBTED) {
                line.sender = None;
            }
            state.stand(line, most)?
        };
        let mut place = turn.await.ok()?;
        place.begin();
        Some(place)
    }

    /// A message of this line was verified, or was not.
    pub fn judge(&self, line: impl FnOnce() -> Line, believed: bool) {
        let mut state = self.state();
        if believed {
            // With nobody in doubt, which is the rule, nothing is asked.
            if !state.doubts.is_empty() {
                let line = line();
                if let Some(doubts) = state.doubts.get_mut(&line) {
                    *doubts -= 1;
                    if *doubts == 0 {
                        state.doubts.remove(&line);
                    }
                }
            }
            return;
        }
        if state.doubts.len() >= REMEMBERED {
            state.doubts.clear();
        }
        let doubts = state.doubts.entry(line()).or_default();
        *doubts = (*doubts + 1).min(MOST_DOUBT);
    }

    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    fn place(self: &Arc<Self>, line: Option<Line>) -> Place {
        Place { gate: Some(self.clone()), line, since: Instant::now() }
    }

    /// Gives a place that is free now to who is next.
    fn hand_on(self: &Arc<Self>, line: Option<&Line>, cost: Duration) {
        let mut state = self.state();
        if let Some(standing) = line.and_then(|line| state.lines.get_mut(line)) {
            let turns = u32::try_from(cost.as_micros() / TURN.as_micros()).unwrap_or(MOST_OWED);
            standing.owes = (standing.owes + turns).min(MOST_OWED);
        }
        while let Some((line, next)) = state.next() {
            match next.send(self.place(Some(line))) {
                Ok(()) => return,
                // It has left. Its place is not given back by itself: the lock is held.
                Err(mut place) => place.gate = None,
            }
        }
        state.free += 1;
    }
}

impl State {
    fn take_free(&mut self) -> bool {
        let is_free = self.free > 0;
        if is_free {
            self.free -= 1;
        }
        is_free
    }

    fn stand(&mut self, line: Line, most: usize) -> Option<oneshot::Receiver<Place>> {
        let lines = self.lines.len();
        let own = self.lines.get(&line).map_or(0, |standing| standing.waiting.len());
        // The round comes to this line once for each that is before it there; and all are served before long.
        if own.saturating_mul(lines).min(self.standing) > most {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        if !self.lines.contains_key(&line) {
            self.round.push_back(line.clone());
        }
        self.lines.entry(line).or_default().waiting.push_back(sender);
        self.standing += 1;
        Some(receiver)
    }

    /// The next in the round, taken out of its line.
    fn next(&mut self) -> Option<(Line, oneshot::Sender<Place>)> {
        while self.standing > 0 {
            let line = self.round.pop_front()?;
            let Some(standing) = self.lines.get_mut(&line) else { continue };
            if standing.owes > 0 {
                standing.owes -= 1;
                self.round.push_back(line);
                continue;
            }
            let Some(next) = standing.waiting.pop_front() else {
                self.lines.remove(&line);
                continue;
            };
            // It stays for another round if empty: what the message costs is not known yet.
            self.round.push_back(line.clone());
            self.standing -= 1;
            return Some((line, next));
        }
        // Nobody waits: nobody owes anything to anybody.
        self.lines.clear();
        self.round.clear();
        None
    }
}

impl Place {
    /// Does `work`, and holds the place until it waits for something or has ended.
    pub async fn stretch<F: Future>(self, work: F) -> F::Output {
        // What has come over the network meanwhile is read first: the queue of what waits shall be the one of the gate, which is
        // fair, and not the runtime's, which is not.
        tokio::task::yield_now().await;
        let mut work = pin!(work);
        let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
        drop(self);
        match first {
            Poll::Ready(output) => output,
            Poll::Pending => work.await,
        }
    }

    /// It costs from now on.
    #[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
    fn begin(&mut self) {
        self.since = Instant::now();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.hand_on(self.line.as_ref(), self.since.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use tokio::task::JoinSet;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn of(sender: &str) -> Line {
        Line::new(HOME, Some(sender))
    }

    /// Fills all places, lets these stand in order, and tells in what order they came in; `None`: cut.
    async fn order(gate: &Arc<Gate>, most: usize, standing: &[&'static str]) -> (Vec<&'static str>, usize) {
        let first = gate.enter(most, || of("first")).await.unwrap();
        let (mut waiting, came) = (JoinSet::new(), Arc::new(Mutex::new(Vec::new())));
        let cut = Arc::new(AtomicUsize::new(0));
        for name in standing.iter().copied() {
            let (gate, own, cut) = (gate.clone(), came.clone(), cut.clone());
            waiting.spawn(async move {
                match gate.enter(most, || of(name)).await {
                    Some(_place) => own.lock().unwrap().push(name),
                    None => drop(cut.fetch_add(1, Ordering::Relaxed)),
                }
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        waiting.join_all().await;
        let came = came.lock().unwrap().clone();
        (came, cut.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn places_go_round_among_senders_however_many_messages_one_of_them_has_waiting() {
        let gate = Gate::new(1);
        let (came, cut) = order(&gate, 100, &["a", "a", "a", "a", "b", "c", "b"]).await;
        assert_eq!((came, cut), (vec!["a", "b", "c", "a", "b", "a", "a"], 0));
        assert_eq!(gate.state().free, 1);
        assert!(gate.state().lines.is_empty() && gate.state().round.is_empty());
    }

    #[tokio::test]
    async fn only_the_long_line_is_cut() {
        let gate = Gate::new(1);
        let mut standing = vec!["flood"; 20];
        standing.extend(["b", "c", "d"]);
        standing.extend(["flood"; 20]);
        standing.extend(["b", "c", "d"]);
        let (came, cut) = order(&gate, 10, &standing).await;
        let of_others = came.iter().filter(|name| **name != "flood").count();
        assert_eq!(of_others, 6, "nobody else is cut: {came:?}");
        assert_eq!(cut, 40 - 11, "the flood is, as soon as ten are before it");
        let last = came.iter().rposition(|name| *name != "flood").unwrap();
        assert!(last < 8, "and the others do not wait for it: {came:?}");
    }

    #[tokio::test]
    async fn a_line_whose_message_took_long_sits_out_as_many_rounds() {
        let gate = Gate::new(1);
        let first = gate.enter(9, || of("first")).await.unwrap();
        let stand = |name| {
            let gate = gate.clone();
            tokio::spawn(async move { gate.enter(100, || of(name)).await.map(|place| (name, place)) })
        };
        let (dear, cheap) = (["dear", "dear"].map(stand), ["cheap", "cheap", "cheap"].map(stand));
        tokio::task::yield_now().await;
        drop(first);
        let [one, two] = dear;
        let (_, mut place) = one.await.unwrap().unwrap();
        place.since -= 2 * TURN + TURN / 2;
        drop(place);
        for waiting in cheap {
            let (name, place) = waiting.await.unwrap().unwrap();
            assert_eq!(name, "cheap");
            drop(place);
        }
        assert_eq!(two.await.unwrap().unwrap().0, "dear");
    }

    #[tokio::test]
    async fn who_leaves_the_line_holds_nobody_up_and_a_place_is_never_lost() {
        let gate = Gate::new(1);
        let place = gate.enter(9, || of("a")).await.unwrap();
        let gone: Vec<_> = (0..3)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.enter(9, || of("gone")).await })
            })
            .collect();
        tokio::task::yield_now().await;
        gone.iter().for_each(tokio::task::JoinHandle::abort);
        for one in gone {
            assert!(one.await.is_err());
        }
        drop(place);
        assert!(gate.enter(0, || of("b")).await.is_some());
        assert_eq!(gate.state().free, 1);
    }

    #[tokio::test]
    async fn a_place_is_held_until_the_work_waits_and_not_longer() {
        let gate = Gate::new(1);
        let (bell, rung) = oneshot::channel::<()>();
        let place = gate.enter(9, || of("a")).await.unwrap();
        let held = Arc::new(AtomicBool::new(false));
        let (own, seen) = (gate.clone(), held.clone());
        let work = tokio::spawn(place.stretch(async move {
            seen.store(own.state().free == 0, Ordering::Relaxed);
            rung.await
        }));
        while !held.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        assert_eq!(gate.state().free, 1, "while it waits, others compute");
        bell.send(()).unwrap();
        assert_eq!(work.await.unwrap(), Ok(()));
        assert_eq!(gate.state().free, 1);
    }

    #[tokio::test]
    async fn a_name_that_is_claimed_in_vain_is_lost_and_earned_back() {
        let gate = Gate::new(1);
        let is_known = |gate: &Gate| gate.state().lines.contains_key(&of("bank"));
        let stand = async |gate: &Arc<Gate>| {
            let place = gate.enter(9, || of("first")).await.unwrap();
            let (own, polled) = (gate.clone(), Arc::new(AtomicBool::new(false)));
            let seen = polled.clone();
            let waiting = tokio::spawn(async move {
                seen.store(true, Ordering::Relaxed);
                own.enter(9, || of("bank")).await
            });
            while !polled.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            let known = is_known(gate);
            drop(place);
            drop(waiting.await.unwrap().unwrap());
            known
        };
        assert!(stand(&gate).await);
        (0..DOUBTED).for_each(|_| gate.judge(|| of("bank"), false));
        assert!(!stand(&gate).await, "it stands with the strangers of its address");
        gate.judge(|| of("bank"), true);
        assert!(stand(&gate).await);
        (0..DOUBTED).for_each(|_| gate.judge(|| of("bank"), true));
        assert!(gate.state().doubts.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_ipv4_in_ipv6_is_ipv4() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(address("2001:db8:1:2:3::4")), network(address("2001:db8:1:2::9")));
        assert_ne!(network(address("2001:db8:1:2::1")), network(address("2001:db8:1:3::1")));
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }
}
