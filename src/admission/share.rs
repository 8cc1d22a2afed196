//! How much of what is in flight one sender has.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Exchanges in flight of each verified sender.
#[derive(Default)]
pub struct Shares(Mutex<HashMap<String, usize>>);

/// One exchange of a sender, while it lasts.
pub struct Share<'s> {
    shares: &'s Shares,
    sender: String,
}

impl Shares {
    /// Counts one more exchange of this sender; `None`: it has `most` already.
    #[must_use]
    pub fn take(&self, sender: &str, most: usize) -> Option<Share<'_>> {
        let mut shares = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shares.get_mut(sender) {
            Some(held) if *held >= most => return None,
            Some(held) => *held += 1,
            None => {
                shares.insert(sender.to_owned(), 1);
            }
        }
        Some(Share { shares: self, sender: sender.to_owned() })
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut shares = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        match shares.get_mut(&self.sender) {
            Some(held) if *held > 1 => *held -= 1,
            _ => {
                shares.remove(&self.sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_its_share_and_no_more_and_gives_it_back() {
        let shares = Shares::default();
        let held: Vec<_> = (0..2).map(|_| shares.take("bank", 2).unwrap()).collect();
        assert!(shares.take("bank", 2).is_none());
        assert!(shares.take("akimat", 2).is_some(), "another's share is its own");
        drop(held);
        assert!(shares.take("bank", 2).is_some());
        assert!(shares.0.lock().unwrap().is_empty(), "nobody is remembered who has nothing");
    }
}
