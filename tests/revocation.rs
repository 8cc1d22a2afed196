//! Whether a certificate was revoked: lists, OCSP, where they come from, and what their absence means (trust.md 3).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "revocation/authority.rs"]
mod authority;
#[path = "revocation/flow.rs"]
mod flow;
#[path = "revocation/list.rs"]
mod list;
#[path = "revocation/ocsp.rs"]
mod ocsp;
#[path = "revocation/ocsp_answer.rs"]
mod ocsp_answer;
#[path = "revocation/ocsp_memory.rs"]
mod ocsp_memory;
#[path = "revocation/property.rs"]
mod property;
#[path = "revocation/server.rs"]
mod server;
#[path = "revocation/service.rs"]
mod service;
#[path = "revocation/source.rs"]
mod source;
