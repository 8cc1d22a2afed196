//! Sealing anew what an older key sealed.

use super::{Pending, Record};
use std::collections::BTreeMap;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resealing {
    /// Everything was found sealed by the key that seals now.
    Done,
    /// A pass goes on; at most so many values wait to be looked at.
    Left(u64),
}

/// What the database tells of the sealing keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealing {
    /// The key by which everything was found sealed.
    pub done: Option<u32>,
    /// The key by which values are sealed anew now, and at most how many wait to be looked at.
    pub under_way: Option<(u32, u64)>,
    /// Values that each key has sealed, as the service counted them; what the last seconds before an end by force
    /// sealed is not among them.
    pub counts: BTreeMap<u32, u64>,
}

/// The verb of the background.
pub trait Reseal {
    /// Looks at `most` values more, seals anew what another key than the present one sealed, and notes how far it came;
    /// passes follow each other until one finds nothing. Beginning and end are journalled by `record` if there is
    /// anything to do. Counts what was sealed, too.
    fn reseal(&self, most: u32, record: Record) -> Pending<'_, Resealing>;
}
