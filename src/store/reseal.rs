//! Sealing anew what an older key sealed.

use super::{Pending, Record};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resealing {
    /// Everything was found sealed by the key that seals now.
    Done,
    /// A pass goes on; at most so many values wait to be looked at.
    Left(u64),
}

/// The verb of the background.
pub trait Reseal {
    /// Looks at `most` values more, seals anew what another key than the present one sealed, and notes how far it came;
    /// passes follow each other until one finds nothing. Beginning and end are journalled by `record` if there is
    /// anything to do. Counts what was sealed, too.
    fn reseal(&self, most: u32, record: Record) -> Pending<'_, Resealing>;
}
