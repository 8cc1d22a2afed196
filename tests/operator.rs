//! Who may run which command, that two persons are needed where one is too few, and that all of it is written down.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "operator/account.rs"]
mod account;
#[path = "operator/duty.rs"]
mod duty;
#[path = "operator/first.rs"]
mod first;
#[path = "operator/guard.rs"]
mod guard;
#[path = "operator/office.rs"]
mod office;
#[path = "common/options.rs"]
mod options;
#[path = "operator/pair.rs"]
mod pair;
#[path = "operator/record.rs"]
mod record;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "operator/terminal.rs"]
mod terminal;
#[path = "operator/whole.rs"]
mod whole;
