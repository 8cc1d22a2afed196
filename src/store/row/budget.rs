//! Whose budget of a day it is, as it is stored.

use super::half;
use crate::store::Budget;
use crate::store::seal::Seal;

/// Whose budget it is, as it is stored, and how much a day gives.
pub type Holder = ([u8; 16], u32);

/// Asks of methods 1 and 5: of a subject, and of an initiator.
pub fn of_asks(seal: &dyn Seal, iin: &str, bin: &str, budget: Budget) -> [Holder; 2] {
    [(hash(seal, "budget-subject", iin), budget.subject), of_initiator(seal, bin, budget.initiator)]
}

/// The initiator's part of [`of_asks`].
pub fn of_initiator(seal: &dyn Seal, bin: &str, most: u32) -> Holder {
    (hash(seal, "budget-initiator", bin), most)
}

/// Dry runs of an initiator.
pub fn of_dry_runs(seal: &dyn Seal, bin: &str, most: u32) -> Holder {
    (hash(seal, "budget-dry-run", bin), most)
}

/// Wrong one-time codes of an initiator.
pub fn of_codes(seal: &dyn Seal, bin: &str, most: u32) -> Holder {
    (hash(seal, "budget-codes", bin), most)
}

/// Checks by id that told an owner nothing.
pub fn of_checks(seal: &dyn Seal, owner: &str, most: u32) -> Holder {
    (hash(seal, "budget-checks", owner), most)
}

fn hash(seal: &dyn Seal, kind: &'static str, holder: &str) -> [u8; 16] {
    half(seal.hash(kind, &[holder.as_bytes()]))
}
