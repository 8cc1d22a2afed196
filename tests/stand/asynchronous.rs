//! `AsyncChannel` of the stand: a request is pushed until it is taken in, and its answer kept until it is fetched.

use crate::initiator::post;
use crate::pair::{Pair, eventually_some};
use crate::{NO, YES};
use serde_json::{Value, json};

/// Pushes an ask of method 1; answers with its chain.
fn push(pair: &Pair, uin: &str) -> String {
    let message = pair.bank().message(uin, &[]);
    let (http, body) = post(pair.sandbox.address, "/sandbox/shep/push", &message).unwrap();
    let told: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{http}: {body:?}"));
    told["correlation_id"].as_str().unwrap().to_owned()
}

/// The one response of a chain, when it is there.
fn response(pair: &Pair, chain: &str) -> Value {
    let shown = eventually_some("the response is kept", || {
        let shown = pair.get(&format!("/sandbox/async/{chain}"));
        let is_there = shown["responses"].as_array().is_some_and(|all| !all.is_empty());
        (is_there && shown["request"]["state"] == "taken").then_some(shown)
    });
    assert_eq!(shown["responses"].as_array().unwrap().len(), 1, "{shown}");
    shown["responses"][0]["fields"].clone()
}

#[test]
fn an_initiator_need_not_poll() {
    let pair = Pair::start();
    let (yes, no) = (push(&pair, YES.0), push(&pair, NO.0));
    let told = response(&pair, &yes);
    assert_eq!((&told["status"], &told["reason"]), (&json!("VALID"), &json!("granted")), "{told}");
    let told = response(&pair, &no);
    assert_eq!(told["reason"], "subject-refused", "{told}");
    let nothing = pair.get("/sandbox/async/8c2d6a0e-51b5-4c7e-9a34-0f4c2f0f9d11");
    assert!(nothing["error"].is_string());
}

#[test]
fn whatever_happens_on_the_way_the_answer_comes_once_and_the_subject_is_asked_once() {
    let pair = Pair::start();
    let faults = pair.get("/sandbox/faults")["known"].clone();
    let of = |party: &'static str| {
        let words = faults[party].as_object().unwrap().keys();
        words.map(move |word| (party, word.clone()))
    };
    let known: Vec<(&str, String)> = of("pushes").chain(of("async")).collect();
    assert!(known.len() >= 20, "{known:?}");
    for (n, (party, word)) in known.iter().enumerate() {
        let mut setting = json!({ "count": 1 });
        if word == "delay_ms" {
            setting["value"] = 300.into();
        }
        pair.faults(json!({ *party: { word: setting } }));
        let chain = push(&pair, YES.0);
        let told = response(&pair, &chain);
        assert_eq!(told["status"], "VALID", "{party} {word}: {told}");
        assert_eq!(pair.phone(YES.1).len(), n + 1, "{party} {word}");
    }
}

#[test]
fn a_request_that_waits_is_answered_after_the_service_was_killed() {
    let mut pair = Pair::start();
    pair.faults(json!({ "replies": { "lost_request": {} } }));
    let chain = push(&pair, YES.0);
    crate::pair::eventually("the subject was asked", || pair.phone(YES.1).len() == 1);
    pair.kill_service();
    pair.faults(json!({}));
    let told = response(&pair, &chain);
    assert_eq!(told["status"], "VALID", "{told}");
    assert_eq!(pair.phone(YES.1).len(), 1);
}
