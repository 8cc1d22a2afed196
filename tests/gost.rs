//! ГОСТ signatures against what others made: НУЦ, the RFCs, OpenSSL (trust.md 2).
//!
//! The arithmetic below them is held against big integers in `src/trust/gost/differential.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::many_single_char_names, reason = "the names of the standard")]

#[path = "gost/malformed.rs"]
mod malformed;
#[path = "gost/peer.rs"]
mod peer;
#[path = "gost/published.rs"]
mod published;
#[path = "gost/reference.rs"]
mod reference;
#[path = "gost/vector.rs"]
mod vector;
