//! Error codes of the engine that are faults of the machine, not of the work that met them.

use crate::store::condition::{DAMAGED, DISK, FULL};

/// The word for such a code.
pub fn word(code: i32) -> Option<&'static str> {
    // The low byte is the kind; above it stands which call it was.
    Some(match code & 0xff {
        5 | 6 => "database locked",
        7 => "database out of memory",
        8 => "database read-only",
        10 => DISK,
        11 | 26 => DAMAGED,
        13 => FULL,
        14 => "database cannot be opened",
        _ => return None,
    })
}
