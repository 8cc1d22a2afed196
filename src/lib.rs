//! КДП: the state service for control of access to personal data of Kazakhstan.
//!
//! The flow: [`http`] reads bytes; [`exchange`] parses them once ([`xml`], [`soap`]), verifies the signature
//! ([`trust`]) and reads the call from the verified node; [`dispatch`] authenticates the sender and finds the
//! service by serviceId; a file of [`service`] judges it by the pure rules of [`consent`] and changes the state in
//! one transaction of the [`store`]; the answer is signed and sent. [`job`] does what falls due. [`gateway`] are
//! the parties that we call, [`token`] the tokens, [`sandbox`] everything outside, simulated.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod admission;
pub mod app;
pub mod clock;
pub mod config;
pub mod consent;
pub mod current;
pub mod dispatch;
pub mod docs;
pub mod exchange;
pub mod explain;
pub mod fault;
pub mod gateway;
pub mod guard;
pub mod http;
pub mod incident;
pub mod job;
pub mod journal;
pub mod log;
pub mod metric;
pub mod onboarding;
pub mod operator;
pub mod process;
pub mod random;
pub mod registry;
pub mod reseal;
pub mod sandbox;
pub mod serve;
pub mod service;
pub mod soap;
pub mod status;
pub mod store;
pub mod text;
pub mod token;
pub mod trust;
pub mod xml;
