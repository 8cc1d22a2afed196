//! ШЭП as the service calls others through it: what is asked, whose answers are believed, what each bad answer is, and how
//! connections and keys come and go.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "gateway/answer.rs"]
mod answer;
#[path = "revocation/authority.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod authority;
#[path = "gateway/connection.rs"]
mod connection;
#[path = "common/connection.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod http;
#[path = "serve/installation.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod installation;
#[path = "serve/process.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod process;
#[path = "gateway/question.rs"]
mod question;
#[path = "common/schema.rs"]
mod schema;
#[path = "gateway/server.rs"]
mod server;
#[path = "gateway/service.rs"]
mod service;
#[path = "gateway/shep.rs"]
mod shep;
