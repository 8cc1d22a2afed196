//! Integration applications (I-5 … I-12): the preflight rule by rule, the states event by event, the ten answers, the act.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "onboarding/act.rs"]
mod act;
#[path = "onboarding/json_schema.rs"]
mod json_schema;
#[path = "onboarding/model.rs"]
mod model;
#[path = "onboarding/preflight.rs"]
mod preflight;
#[path = "onboarding/printed.rs"]
mod printed;
#[path = "onboarding/sample.rs"]
mod sample;
#[path = "onboarding/state.rs"]
mod state;
#[path = "onboarding/testing.rs"]
mod testing;
#[path = "onboarding/text.rs"]
mod text;
