//! Refusals of what nobody has verified. An account of each would be a stranger's to write: so many of a network have a
//! journal record of their own, the others are counted.

use crate::text::FaultCode;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All networks together have so many times what one has.
const NETWORKS: usize = 10;
/// Most networks that are told apart.
const TOLD_APART: usize = 4096;

/// Refusals since it was last asked for them: see [`Noise::take`].
#[derive(Default)]
pub struct Noise(Mutex<State>);

#[derive(Default)]
struct State {
    recorded: HashMap<IpAddr, usize>,
    all_recorded: usize,
    unrecorded: Unrecorded,
}

/// Refusals without a record of their own.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unrecorded {
    /// How many, by fault code.
    pub by_fault: BTreeMap<&'static str, u64>,
    /// How many came from each network, of the first 4096.
    pub by_network: HashMap<IpAddr, u64>,
}

impl Noise {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this refusal has a record of its own, of which a [`network`](super::network) has at most `most` until
    /// [`Noise::take`]; else it is counted.
    pub fn is_recorded(&self, network: IpAddr, fault: FaultCode, most: usize) -> bool {
        let mut state = self.state();
        let before = state.recorded.get(&network).copied().unwrap_or_default();
        if before < most && state.all_recorded < most.saturating_mul(NETWORKS) {
            state.recorded.insert(network, before + 1);
            state.all_recorded += 1;
            return true;
        }
        state.unrecorded.add(fault.code(), network, 1);
        false
    }

    /// What was counted, if anything was. Each network may have its records anew.
    #[must_use]
    pub fn take(&self) -> Option<Unrecorded> {
        let taken = std::mem::take(&mut *self.state()).unrecorded;
        (!taken.by_fault.is_empty()).then_some(taken)
    }

    /// Gives back what was taken and could not be journalled.
    pub fn give_back(&self, taken: &Unrecorded) {
        let unrecorded = &mut self.state().unrecorded;
        for (fault, count) in &taken.by_fault {
            *unrecorded.by_fault.entry(fault).or_default() += count;
        }
        for (network, count) in &taken.by_network {
            unrecorded.count(*network, *count);
        }
    }
}

impl Unrecorded {
    fn add(&mut self, fault: &'static str, network: IpAddr, count: u64) {
        *self.by_fault.entry(fault).or_default() += count;
        self.count(network, count);
    }

    fn count(&mut self, network: IpAddr, count: u64) {
        if let Some(known) = self.by_network.get_mut(&network) {
            *known += count;
        } else if self.by_network.len() < TOLD_APART {
            self.by_network.insert(network, count);
        }
    }

    /// How many there were.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.by_fault.values().sum()
    }

    /// From where most came.
    #[must_use]
    pub fn loudest(&self) -> Option<IpAddr> {
        let loudest = self.by_network.iter().max_by_key(|(_, count)| **count);
        loudest.map(|(network, _)| *network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn each_network_has_its_records_and_all_have_ten_times_as_many() {
        let noise = Noise::default();
        let recorded = |network| noise.is_recorded(network, FaultCode::Format, 3);
        assert_eq!((0..5).filter(|_| recorded(at(0))).count(), 3);
        let of_each: Vec<usize> = (1..20).map(|n| (0..5).filter(|_| recorded(at(n))).count()).collect();
        assert_eq!((of_each.iter().sum::<usize>(), of_each[0]), (27, 3));
        let taken = noise.take().unwrap();
        assert_eq!((taken.messages(), taken.by_network.len()), (100 - 30, 20));
        assert!(noise.is_recorded(at(0), FaultCode::Format, 3), "and anew");
    }

    #[test]
    fn what_could_not_be_journalled_is_told_with_what_came_after() {
        let noise = Noise::default();
        assert_eq!(noise.take(), None);
        noise.is_recorded(at(1), FaultCode::Format, 0);
        let taken = noise.take().unwrap();
        noise.is_recorded(at(2), FaultCode::TooLarge, 0);
        noise.is_recorded(at(2), FaultCode::Format, 0);
        noise.give_back(&taken);
        let taken = noise.take().unwrap();
        assert_eq!(taken.by_fault, BTreeMap::from([("SCE001", 2), ("KDP413", 1)]));
        assert_eq!((taken.loudest(), taken.by_network.len()), (Some(at(2)), 2));
    }

    #[test]
    fn a_stranger_of_very_many_networks_needs_bounded_memory() {
        let noise = Noise::default();
        for n in 0..10_000_u32 {
            noise.is_recorded(IpAddr::from(n.to_be_bytes()), FaultCode::Format, 2);
        }
        assert_eq!(noise.state().recorded.len(), 20);
        let taken = noise.take().unwrap();
        assert_eq!((taken.messages(), taken.by_network.len()), (9980, TOLD_APART));
    }
}
