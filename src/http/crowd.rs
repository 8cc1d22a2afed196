//! Who is connected. A listener that is full closes the connection that has waited longest, of the address that has most:
//! so idle connections keep nobody out, and an address pays for its own. One whose message was read stays. One whose last
//! message could be believed goes only after all of strangers: they may share the address of a gateway, or outnumber it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Connections of one listener.
#[derive(Default)]
pub(super) struct Crowd {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    count: usize,
    /// Grows: who has a smaller one has waited longer.
    next: u64,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Default)]
struct Address {
    strangers: Kind,
    known: Kind,
}

/// Connections of an address whose last message could be believed, or the others.
#[derive(Default)]
struct Kind {
    count: usize,
    /// Those that wait for a header or a body: from these one can be told to leave.
    waiting: BTreeMap<u64, Arc<Notify>>,
}

/// One connection, until it is dropped.
pub(super) struct Guest {
    crowd: Arc<Crowd>,
    /// Where it comes from.
    pub address: IpAddr,
    leave: Arc<Notify>,
    waiting: Mutex<Option<u64>>,
    /// Whether the last message could be believed.
    held: AtomicBool,
    /// Messages in a row that could not.
    failures: AtomicU32,
}

impl Crowd {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection in; with `most` in already, another one has to leave. `None`: all are at work.
    pub fn admit(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Guest> {
        let mut state = self.state();
        if state.count >= most && !state.dismiss() {
            return None;
        }
        state.count += 1;
        let own = state.addresses.entry(address).or_default();
        own.strangers.count += 1;
        drop(state);
        let guest = Guest {
            crowd: self.clone(),
            address,
            leave: Arc::default(),
            waiting: Mutex::new(None),
            held: AtomicBool::new(false),
            failures: AtomicU32::new(0),
        };
        guest.waits();
        Some(guest)
    }

    /// Tells one to leave, if any can be; for when the operating system has no more to give.
    pub fn make_room(&self) {
        self.state().dismiss();
    }
}

impl State {
    fn dismiss(&mut self) -> bool {
        [false, true].into_iter().any(|is_known| {
            let kinds = self.addresses.values_mut().map(|address| address.kind(is_known));
            let waiting = kinds.filter(|kind| !kind.waiting.is_empty());
            let leave = waiting.max_by_key(|kind| kind.count).and_then(|kind| kind.waiting.pop_first());
            leave.map(|(_, leave)| leave.notify_one()).is_some()
        })
    }
}

impl Address {
    fn kind(&mut self, is_known: bool) -> &mut Kind {
        if is_known { &mut self.known } else { &mut self.strangers }
    }
}

impl Guest {
    /// From now on it waits for its peer.
    pub fn waits(&self) {
        let mut state = self.crowd.state();
        state.next += 1;
        let now = state.next;
        let before = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        let Some(own) = state.addresses.get_mut(&self.address) else { return };
        let own = own.kind(self.has_held());
        if before.is_none_or(|before| own.waiting.remove(&before).is_some()) {
            own.waiting.insert(now, self.leave.clone());
        }
    }

    /// From now on its peer waits for us: it stays.
    pub fn works(&self) {
        let mut state = self.crowd.state();
        let before = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(before), Some(own)) = (before, state.addresses.get_mut(&self.address)) {
            own.kind(self.has_held()).waiting.remove(&before);
        }
    }

    /// Resolves when it has to leave, which can be only while it waits.
    pub async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Whether its last message could be believed.
    pub fn has_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    /// Counts whether a message could be believed, while its peer waits for us; `true`: `most` in a row could not.
    pub fn judge(&self, believed: bool, most: u32) -> bool {
        if self.has_held() != believed {
            self.works();
            let mut state = self.crowd.state();
            self.held.store(believed, Ordering::Relaxed);
            if let Some(own) = state.addresses.get_mut(&self.address) {
                own.kind(!believed).count -= 1;
                own.kind(believed).count += 1;
            }
        }
        if believed {
            self.failures.store(0, Ordering::Relaxed);
            return false;
        }
        self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= most
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.works();
        let mut state = self.crowd.state();
        state.count -= 1;
        if let Some(own) = state.addresses.get_mut(&self.address) {
            own.kind(self.has_held()).count -= 1;
            if own.strangers.count + own.known.count == 0 {
                state.addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(guest: &Guest) -> bool {
        let mut leaving = Box::pin(guest.told_to_leave());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        leaving.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn the_longest_waiting_of_the_largest_address_leaves_and_never_one_at_work() {
        let crowd = Arc::new(Crowd::default());
        let (few, many) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let alone = crowd.admit(few, 4).unwrap();
        let crowded: Vec<Guest> = (0..3).map(|_| crowd.admit(many, 4).unwrap()).collect();
        crowded[0].works();
        let newcomer = crowd.admit(few, 4).unwrap();
        assert!(
            !left(&alone) && !left(&crowded[0]) && left(&crowded[1]),
            "the longest waiting of many leaves"
        );
        crowded[2].works();
        crowded[0].waits();
        crowded[2].waits();
        drop(crowd.admit(few, 4).unwrap());
        assert!(left(&crowded[0]) && !left(&crowded[2]), "who spoke last waits shortest");
        for guest in [&alone, &newcomer, &crowded[2]] {
            guest.works();
        }
        assert!(crowd.admit(few, 4).is_none(), "all are at work");
        drop((alone, newcomer, crowded));
        let state = crowd.state();
        assert!(state.count == 0 && state.addresses.is_empty());
    }

    #[test]
    fn one_that_was_told_to_leave_is_not_told_again_for_another() {
        let crowd = Arc::new(Crowd::default());
        let home = IpAddr::from([127, 0, 0, 1]);
        let guest = crowd.admit(home, 1).unwrap();
        let _second = crowd.admit(home, 1).unwrap();
        // It hears of it only after it spoke: it is not to be found among those that wait again.
        guest.waits();
        assert!(left(&guest));
        assert!(crowd.state().addresses[&home].strangers.waiting.len() == 1);
    }

    #[test]
    fn strangers_leave_before_those_who_were_believed_also_behind_the_same_address() {
        let crowd = Arc::new(Crowd::default());
        let (gateway, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let believed: Vec<Guest> = (0..3).map(|_| crowd.admit(gateway, 9).unwrap()).collect();
        for guest in &believed {
            guest.works();
            assert!(!guest.judge(true, 32));
            guest.waits();
        }
        let mut strangers: Vec<Guest> = (0..2).map(|_| crowd.admit(gateway, 9).unwrap()).collect();
        strangers.push(crowd.admit(other, 9).unwrap());
        // They have waited longer, and their address has most connections: those who showed nothing leave all the same.
        for n in 0..3 {
            assert!(crowd.state().dismiss());
            assert_eq!(strangers.iter().filter(|guest| left(guest)).count(), 1, "{n}");
            assert!(!believed.iter().any(left));
        }
        assert!(crowd.state().dismiss() && left(&believed[0]), "but they too, where nobody else can");
        // Who is not believed any more is a stranger again.
        believed[2].works();
        believed[2].judge(false, 32);
        believed[2].waits();
        assert!(crowd.state().dismiss() && left(&believed[2]));
        drop((believed, strangers));
        let state = crowd.state();
        assert!(state.count == 0 && state.addresses.is_empty());
    }
}
