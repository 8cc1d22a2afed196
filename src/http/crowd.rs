//! Who is connected. A listener that is full closes the connection that has waited longest, of the address that has most:
//! so idle connections keep nobody out, and an address pays for its own. One whose message was read stays.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
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
    /// Messages in a row that could not be believed.
    pub failures: AtomicU32,
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
        own.count += 1;
        drop(state);
        let guest = Guest {
            crowd: self.clone(),
            address,
            leave: Arc::default(),
            waiting: Mutex::new(None),
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
        let waiting = self.addresses.values_mut().filter(|address| !address.waiting.is_empty());
        let Some((_, leave)) =
            waiting.max_by_key(|address| address.count).and_then(|address| address.waiting.pop_first())
        else {
            return false;
        };
        leave.notify_one();
        true
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
        if before.is_none_or(|before| own.waiting.remove(&before).is_some()) {
            own.waiting.insert(now, self.leave.clone());
        }
    }

    /// From now on its peer waits for us: it stays.
    pub fn works(&self) {
        let mut state = self.crowd.state();
        let before = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(before), Some(own)) = (before, state.addresses.get_mut(&self.address)) {
            own.waiting.remove(&before);
        }
    }

    /// Resolves when it has to leave, which can be only while it waits.
    pub async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Counts whether a message could be believed; `true`: `most` in a row could not.
    pub fn judge(&self, believed: bool, most: u32) -> bool {
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
            own.count -= 1;
            if own.count == 0 {
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
        assert!(crowd.state().addresses[&home].waiting.len() == 1);
    }
}
