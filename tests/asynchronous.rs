//! `AsyncChannel` (wire.md 3): what is pushed is taken in at once and answered later, through a ШЭП of this test's own, whatever
//! it does wrong and whenever the service is killed.

#[path = "common/connection.rs"]
#[expect(dead_code, reason = "shared with tests that need all of it")]
mod connection;
#[path = "asynchronous/contract.rs"]
mod contract;
#[path = "asynchronous/crash.rs"]
mod crash;
#[path = "asynchronous/delivery.rs"]
mod delivery;
#[path = "asynchronous/flow.rs"]
mod flow;
#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "shared with tests that need all of it")]
mod installation;
#[path = "asynchronous/intake.rs"]
mod intake;
#[path = "asynchronous/lane.rs"]
mod lane;
#[path = "common/parts.rs"]
mod parts;
#[path = "asynchronous/poll.rs"]
mod poll;
#[path = "common/schema.rs"]
#[expect(dead_code, reason = "shared with tests that need all of it")]
mod schema;
#[path = "asynchronous/shep.rs"]
mod shep;
#[path = "asynchronous/stand.rs"]
mod stand;
#[path = "common/xmllint.rs"]
mod xmllint;
