//! Who is let in when more comes than can be done, in five lines:
//!
//! 1. At most two messages a core compute at a time. Each holds a place from its first byte's parsing to its first wait
//!    (for the disk, БМГ, OCSP) and none after it: what was begun ends first.
//! 2. Who finds no place stands in a line: one for each registered sender at each address, else one for the address. The
//!    name is what the message claims, not verified yet: it orders the queue and nothing else.
//! 3. Places go round among the lines, and a line whose message took long sits out as many rounds: what counts is cost.
//! 4. Whoever would have more than `limits.queue` turns before it gets KDP503 at once. So only long lines are cut.
//! 5. A line whose messages fail verification more often than not loses its name; and once verified, a sender has at most
//!    `limits.sender_share` percent of the exchanges in flight, however long each waits for others: then KDP429.

mod gate;
mod share;

pub use gate::{Gate, Line, Place, network};
pub use share::{Share, Shares};
