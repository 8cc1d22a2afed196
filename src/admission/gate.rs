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

/// Who stands together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// A sender whose claim has held.
    Sender(String),
    /// All others of a [`network`].
    Network(IpAddr),
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its line.
    pub line: Line,
    /// The registered name that it claims: among those within a line turns go round too.
    pub claimed: Option<String>,
}

impl Spot {
    /// Of somebody who claims nothing.
    #[must_use]
    pub fn stranger(network: IpAddr) -> Self {
        Self { line: Line::Network(network), claimed: None }
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
}

/// Who stands in a line.
#[derive(Default)]
struct Standing {
    count: usize,
    /// By the names that they claim.
    waiting: HashMap<Option<String>, VecDeque<oneshot::Sender<Place>>>,
    /// Those names in the order of their turns.
    round: VecDeque<Option<String>>,
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
        let state = State { free: places.max(1), standing: 0, lines: HashMap::new(), round: VecDeque::new() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place at the spot that `spot` names, which is asked only if none is free. `None`: more than `most` turns
    /// are before it.
    pub async fn enter(self: &Arc<Self>, most: usize, spot: impl FnOnce() -> Spot) -> Option<Place> {
        if self.state().take_free() {
            return Some(self.place(None));
        }
        let spot = spot();
        let turn = {
            let mut state = self.state();
            if state.take_free() {
                return Some(self.place(None));
            }
            state.stand(spot, most)?
        };
        let mut place = turn.await.ok()?;
        place.begin();
        Some(place)
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

    fn stand(&mut self, spot: Spot, most: usize) -> Option<oneshot::Receiver<Place>> {
        let lines = self.lines.len();
        let before = self.lines.get(&spot.line).map_or(0, |standing| standing.before(&spot));
        // The round comes to this line once for each that is before it there; and all are served before long.
        if before.saturating_mul(lines).min(self.standing) > most {
            return None;
        }
        let Spot { line, claimed } = spot;
        let (sender, receiver) = oneshot::channel();
        if !self.lines.contains_key(&line) {
            self.round.push_back(line.clone());
        }
        self.lines.entry(line).or_default().push(claimed, sender);
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
            let Some(next) = standing.next() else {
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

impl Standing {
    /// How many have their turn before one who comes to this spot now.
    fn before(&self, spot: &Spot) -> usize {
        let own = self.waiting.get(&spot.claimed).map_or(0, VecDeque::len);
        own.max(1).saturating_mul(self.round.len()).min(self.count)
    }

    fn push(&mut self, claimed: Option<String>, next: oneshot::Sender<Place>) {
        if !self.waiting.contains_key(&claimed) {
            self.round.push_back(claimed.clone());
        }
        self.waiting.entry(claimed).or_default().push_back(next);
        self.count += 1;
    }

    fn next(&mut self) -> Option<oneshot::Sender<Place>> {
        let claimed = self.round.pop_front()?;
        let own = self.waiting.get_mut(&claimed)?;
        let next = own.pop_front()?;
        if own.is_empty() {
            self.waiting.remove(&claimed);
        } else {
            self.round.push_back(claimed);
        }
        self.count -= 1;
        Some(next)
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

    fn of(sender: &str) -> Spot {
        Spot { line: Line::Sender(sender.to_owned()), claimed: None }
    }

    /// Not `sender`, as far as anybody knows, but who says so.
    fn like(sender: &str) -> Spot {
        Spot { line: Line::Network(HOME), claimed: Some(sender.to_owned()) }
    }

    /// Fills all places, lets these stand in order, and tells in what order they came in; `None`: cut.
    async fn order(
        gate: &Arc<Gate>,
        most: usize,
        spot: fn(&str) -> Spot,
        standing: &[&'static str],
    ) -> (Vec<&'static str>, usize) {
        let first = gate.enter(most, || of("first")).await.unwrap();
        let (mut waiting, came) = (JoinSet::new(), Arc::new(Mutex::new(Vec::new())));
        let cut = Arc::new(AtomicUsize::new(0));
        for name in standing.iter().copied() {
            let (gate, own, cut) = (gate.clone(), came.clone(), cut.clone());
            waiting.spawn(async move {
                match gate.enter(most, || spot(name)).await {
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
        let (came, cut) = order(&gate, 100, of, &["a", "a", "a", "a", "b", "c", "b"]).await;
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
        let (came, cut) = order(&gate, 10, of, &standing).await;
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
    async fn within_the_line_of_a_network_turns_go_round_among_the_names_that_are_claimed() {
        let gate = Gate::new(1);
        let (came, cut) = order(&gate, 100, like, &["a", "a", "a", "a", "b", "c", "b"]).await;
        assert_eq!((came, cut), (vec!["a", "b", "c", "a", "b", "a", "a"], 0));
        assert_eq!(gate.state().free, 1);
        assert!(gate.state().lines.is_empty() && gate.state().round.is_empty());
    }

    #[tokio::test]
    async fn who_claims_very_many_names_has_one_line_and_one_turn_a_round() {
        let gate = Gate::new(1);
        let first = gate.enter(9, || of("first")).await.unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = JoinSet::new();
        let names = (0..100).map(|n| like(&n.to_string())).chain((0..3).map(|_| of("bank")));
        for spot in names {
            let (gate, came) = (gate.clone(), came.clone());
            waiting.spawn(async move {
                let place = gate.enter(20, || spot.clone()).await;
                if place.is_some() {
                    came.lock().unwrap().push(spot.line);
                }
                place.is_some()
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        let served = waiting.join_all().await.into_iter().filter(|served| *served).count();
        assert_eq!(served, 21 + 3, "a line of many names is cut like one of many messages");
        let place = came.lock().unwrap().iter().rposition(|line| *line == of("bank").line);
        assert!(place.unwrap() < 6, "and others do not wait for it");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_ipv4_in_ipv6_is_ipv4() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(address("2001:db8:1:2:3::4")), network(address("2001:db8:1:2::9")));
        assert_ne!(network(address("2001:db8:1:2::1")), network(address("2001:db8:1:3::1")));
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }
}
