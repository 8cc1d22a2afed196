//! The journal as its auditors meet it: no change of it goes unnamed, whoever makes it; it is taken out and handed on
//! whole; and what cannot be written into it does not happen.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/store.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod bench;
#[path = "journal/chain.rs"]
mod chain;
#[path = "journal/command.rs"]
mod command;
#[path = "journal/decision.rs"]
mod decision;
#[path = "journal/export.rs"]
mod export;
#[path = "common/fixture.rs"]
mod fixture;
#[path = "journal/kept.rs"]
mod kept;
#[path = "journal/moved.rs"]
mod moved;
#[path = "journal/outside.rs"]
mod outside;
#[path = "journal/overdue.rs"]
mod overdue;
#[path = "journal/run.rs"]
mod run;
#[path = "journal/server.rs"]
mod server;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;
#[path = "journal/tamper.rs"]
mod tamper;
#[path = "journal/target.rs"]
mod target;
