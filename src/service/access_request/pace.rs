//! `poll_after`: an initiator that asks sooner than it was told is told to wait longer, never refused. The answer itself is
//! always that of the state as it is now.

use crate::random::Id;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Longest that anybody is told to wait, seconds.
const LONGEST: u32 = 60;
/// Requests that are remembered in one generation; there are two.
const MOST: usize = 8192;

/// How soon each request was asked about. What was asked about least lately is forgotten first, and early then.
#[derive(Default)]
pub struct Pace(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Id, Told>,
    old: HashMap<Id, Told>,
}

/// What was told last.
#[derive(Clone, Copy)]
struct Told {
    /// When, Unix milliseconds.
    at: i64,
    seconds: u32,
}

impl Pace {
    /// How long to wait after asking about this request at `at` (Unix milliseconds), seconds: `usual`, and twice of what was
    /// told last to who did not wait that long.
    pub fn next(&self, request: Id, at: i64, usual: u32) -> u32 {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = generations.young.get(&request).or_else(|| generations.old.get(&request)).copied();
        let seconds = match last {
            Some(last) if last.is_awaited(at) => {
                last.seconds.saturating_mul(2).clamp(usual, LONGEST.max(usual))
            }
            _ => usual,
        };
        if generations.young.len() >= MOST && !generations.young.contains_key(&request) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(request, Told { at, seconds });
        seconds
    }
}

impl Told {
    /// A clock that was set back makes nobody wait.
    fn is_awaited(&self, at: i64) -> bool {
        (0..i64::from(self.seconds) * 1000).contains(&(at - self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> Id {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Id::from_bytes(bytes)
    }

    #[test]
    fn who_does_not_wait_is_told_to_wait_twice_as_long_up_to_a_minute() {
        let pace = Pace::default();
        let told: Vec<u32> = (0..7).map(|n| pace.next(id(1), n * 100, 5)).collect();
        assert_eq!(told, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(pace.next(id(2), 700, 5), 5, "another request is another matter");
    }

    #[test]
    fn who_waits_as_long_as_told_is_told_the_usual_time() {
        let pace = Pace::default();
        assert_eq!((pace.next(id(1), 0, 5), pace.next(id(1), 4_999, 5)), (5, 10));
        assert_eq!(pace.next(id(1), 14_999, 5), 5);
        assert_eq!(pace.next(id(1), 1, 5), 5, "the clock was set back");
        assert_eq!(pace.next(id(1), 2, 90), 90, "a longer time is what it is");
        assert_eq!(pace.next(id(1), 3, 90), 90);
    }

    #[test]
    fn memory_does_not_grow_with_requests() {
        let pace = Pace::default();
        for n in 0..50_000 {
            pace.next(id(n), 0, 5);
        }
        let generations = pace.0.lock().unwrap();
        assert!(generations.young.len() <= MOST && generations.old.len() <= MOST);
        drop(generations);
        assert_eq!(pace.next(id(49_999), 1, 5), 10, "the latest are remembered");
    }
}
