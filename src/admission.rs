//! Who is let in when more comes than can be done, in six lines:
//!
//! 1. At most two messages a core compute at a time. Each holds a place from its first byte's parsing to its first wait
//!    (for the disk, БМГ, OCSP) and none after it: what was begun ends first.
//! 2. Who finds no place stands in a line. A sender has one of its own, wherever it comes from, as soon as its claim (name
//!    and secrets, not verified yet) has held once from the network that it comes from; all others of a network share one, in
//!    which turns go round among the names they claim. So nobody gets into another's line who does not know its secrets;
//!    and who does, only from its networks, and not before it on connections whose last message held.
//! 3. Places go round among the lines, and a line whose message took long sits out as many rounds: what counts is cost.
//! 4. Whoever would have more than `limits.queue` turns before it gets KDP503 at once. So only long lines are cut.
//! 5. Once verified, a sender has at most `limits.sender_share` percent of the exchanges in flight, however long each waits
//!    for others: then KDP429.
//! 6. Of the refusals of what nobody has verified, `limits.refusals_per_minute` of a network have a journal record of their
//!    own, and one record tells how many more there were: strangers do not fill the disk.

mod claim;
mod gate;
mod noise;
mod share;

pub use claim::{Claim, Claims};
pub use gate::{Gate, Line, Place, Spot, network};
pub use noise::{Noise, Unrecorded};
pub use share::{Share, Shares};
