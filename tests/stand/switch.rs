//! Each switch, and what it comes to: the first answer to the initiator, what its polls end with, how many SMS the subject has,
//! and what the service says of the party.

use crate::YES;
use crate::initiator::Told;
use crate::pair::{Pair, eventually};
use serde_json::{Value, json};

/// A switch that is used once.
#[derive(Clone, Copy)]
struct Row {
    switch: &'static str,
    value: Option<u64>,
    /// What the first answer says: status and reason.
    first: (&'static str, &'static str),
    /// What polling ends with; `None`: it is still PENDING when the phone has its SMS.
    end: Option<(&'static str, &'static str)>,
    /// SMS on the phone.
    sms: usize,
    /// What is counted of the party.
    fault: Option<&'static str>,
}

const WAITING: (&str, &str) = ("PENDING", "waiting");
const GRANTED: Option<(&str, &str)> = Some(("VALID", "granted"));
/// No answer came.
const NOTHING: (&str, &str) = ("", "");

/// Nothing is lost by it: the party is asked again, and the subject once.
const fn mended(switch: &'static str, fault: Option<&'static str>) -> Row {
    Row { switch, value: None, first: WAITING, end: GRANTED, sms: 1, fault }
}

/// The same, of a switch with a value.
const fn with(value: u64, row: &Row) -> Row {
    Row { value: Some(value), ..*row }
}

/// The initiator sees it, and asks again.
const fn seen(switch: &'static str, first: &'static str) -> Row {
    Row { switch, value: None, first: (first, ""), end: GRANTED, sms: 1, fault: None }
}

const BMG: [Row; 18] = [
    with(3000, &mended("delay_ms", Some("timeout"))),
    with(3000, &mended("lost_request", Some("timeout"))),
    with(3000, &mended("lost_answer", Some("timeout"))),
    // A connection that was kept and breaks is no fault: the question is put again.
    mended("lost_request", None),
    mended("lost_answer", None),
    mended("duplicate", None),
    mended("fault", Some("fault")),
    mended("http_status", Some("http-status")),
    with(404, &mended("http_status", Some("http-status"))),
    mended("unsigned", Some("unsigned")),
    mended("wrong_signature", Some("signature")),
    mended("foreign_certificate", Some("certificate")),
    mended("huge", Some("too-long")),
    mended("slow", Some("timeout")),
    mended("not_xml", Some("not-xml")),
    mended("unknown_status", Some("status")),
    mended("bad_number", Some("content")),
    mended("many_numbers", None),
];

const SMS: [Row; 14] = [
    with(1500, &mended("delay_ms", Some("timeout"))),
    with(1500, &mended("lost_request", Some("timeout"))),
    with(1500, &mended("lost_answer", Some("timeout"))),
    mended("duplicate", None),
    mended("fault", Some("fault")),
    mended("http_status", Some("http-status")),
    mended("unsigned", Some("unsigned")),
    mended("wrong_signature", Some("signature")),
    mended("foreign_certificate", Some("certificate")),
    mended("huge", Some("too-long")),
    mended("slow", Some("timeout")),
    mended("not_xml", Some("not-xml")),
    mended("unknown_status", Some("status")),
    Row { end: Some(("INVALID", "sms-not-sent")), sms: 0, ..mended("refused", None) },
];

const SHEP: [Row; 12] = [
    with(500, &mended("delay_ms", None)),
    seen("lost_request", NOTHING.0),
    seen("lost_answer", NOTHING.0),
    mended("duplicate", None),
    seen("fault", "SCE909"),
    seen("http_status", "not read"),
    seen("unsigned", "not believed"),
    seen("wrong_signature", "not believed"),
    seen("foreign_certificate", "not believed"),
    mended("huge", None),
    with(1, &mended("slow", None)),
    seen("not_xml", "not read"),
];

const REPLIES: [Row; 13] = [
    with(300, &mended("delay_ms", None)),
    mended("lost_request", None),
    mended("lost_answer", None),
    mended("duplicate", None),
    mended("unsigned", None),
    mended("wrong_signature", None),
    mended("foreign_certificate", None),
    mended("huge", None),
    mended("not_xml", None),
    // What the subject meant is not known: the question stands, and the subject is told how to answer.
    Row { end: None, sms: 2, ..mended("mojibake", None) },
    Row { end: None, sms: 2, ..with(2, &mended("mojibake", None)) },
    Row { end: None, sms: 2, ..with(3, &mended("mojibake", None)) },
    // Refused for good, since it is of nobody.
    Row { end: None, ..mended("bad_number", None) },
];

const REPORTS: [Row; 12] = [
    with(300, &mended("delay_ms", None)),
    mended("lost_request", None),
    mended("lost_answer", None),
    mended("duplicate", None),
    mended("unsigned", None),
    mended("wrong_signature", None),
    mended("foreign_certificate", None),
    mended("huge", None),
    mended("not_xml", None),
    mended("unknown_status", None),
    Row { end: Some(("INVALID", "sms-undelivered")), sms: 0, ..mended("undelivered", None) },
    Row { end: Some(("INVALID", "sms-undelivered")), sms: 0, ..mended("expired", None) },
];

fn said(told: &Told) -> (&str, &str) {
    (&told.status, &told.reason)
}

/// The configuration with little time for 1414.
fn prompt(text: &str) -> String {
    text.replace("[sms]\n", "[sms]\ntimeout_ms = 1000\n")
}

/// Tries each row; `party` in the switches is `metric` in the figures of the service.
fn try_all(party: &str, metric: &str, rows: &[Row]) {
    let pair = Pair::configured(prompt);
    if party == "sms" {
        // While 1414 has not confirmed the question, an answer needs its reference; these subjects answer later.
        pair.post("/sandbox/delay", &json!({ "delay": "PT3S" }));
    }
    let known = pair.get("/sandbox/faults")["known"][party].as_object().unwrap().len();
    let mut wrong = Vec::new();
    for row in rows {
        let found = try_one(&pair, party, metric, row);
        if let Err(text) = found {
            wrong.push(format!("{party} {} {:?}: {text}", row.switch, row.value));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let tried: std::collections::BTreeSet<_> = rows.iter().map(|row| row.switch).collect();
    assert_eq!(tried.len(), known, "each switch of {party} has a row");
}

fn try_one(pair: &Pair, party: &str, metric: &str, row: &Row) -> Result<(), String> {
    let mut setting = json!({ "count": 1 });
    if let Some(value) = row.value {
        setting["value"] = value.into();
    }
    let counted = || row.fault.map_or(0, |fault| pair.party_faults(metric, fault));
    let (sms, faults) = (pair.phone(YES.1).len(), counted());
    pair.faults(json!({ party: { row.switch: setting } }));
    let hold = |what: &str, found: &dyn std::fmt::Debug, is_so: bool| {
        if is_so { Ok(()) } else { Err(format!("{what}: {found:?}")) }
    };
    let mut told = pair.bank().ask(YES.0, &[]);
    hold("first", &told, said(&told) == row.first)?;
    if told.request_id.is_empty() {
        // Asking again is safe: the same request answers.
        told = pair.bank().ask(YES.0, &[]);
    }
    let is_used = || pair.get("/sandbox/faults")["faults"] == json!({});
    if let Some(end) = row.end {
        told = pair.bank().until_final(YES.0, told);
        hold("end", &told, said(&told) == end)?;
        eventually("the switch was used", is_used);
    } else {
        eventually("the switch was used", is_used);
        eventually("the phone has its SMS", || pair.phone(YES.1).len() >= sms + row.sms);
        let again = pair.bank().ask(YES.0, &[("request_id", &told.request_id)]);
        hold("still", &again, said(&again) == WAITING)?;
        pair.bank().ask(YES.0, &[("request_id", &told.request_id), ("cancel", "true")]);
    }
    let now = pair.phone(YES.1).len() - sms;
    hold("SMS", &now, now == row.sms)?;
    let now = counted() - faults;
    hold("counted", &now, now == u64::from(row.fault.is_some()))
}

#[test]
fn whatever_bmg_does_the_subject_is_asked_once() {
    try_all("bmg", "bmg", &BMG);
}

#[test]
fn whatever_1414_does_with_an_sms_the_subject_has_it_once() {
    try_all("sms", "1414", &SMS);
}

#[test]
fn what_comes_twice_is_answered_twice_and_counts_once() {
    let pair = Pair::start();
    let twice = json!({ "duplicate": { "count": 1 } });
    pair.faults(json!({ "shep": twice, "replies": twice, "reports": twice }));
    let told = pair.bank().ask(YES.0, &[]);
    assert_eq!(pair.answered("KDP_SERVICE"), 2);
    // A report and a reply.
    eventually("each was brought twice", || pair.answered("KDP_SMS_REPLY") == 4);
    assert_eq!(said(&pair.bank().until_final(YES.0, told)), ("VALID", "granted"));
    assert_eq!(pair.phone(YES.1).len(), 1);
}

#[test]
fn an_answer_before_1414_confirmed_the_question_needs_the_reference() {
    let pair = Pair::configured(prompt);
    pair.post("/sandbox/delay", &json!({ "delay": "PT0S" }));
    pair.faults(json!({ "sms": { "lost_answer": { "value": 1500, "count": 1 } } }));
    let told = pair.bank().ask(YES.0, &[]);
    eventually("the subject is told to add the reference", || pair.phone(YES.1).len() == 2);
    let ask = pair.phone(YES.1)[0].clone();
    let reference = ask.split_once("nomiri ").unwrap().1.split('.').next().unwrap().to_owned();
    let still = pair.bank().ask(YES.0, &[("request_id", &told.request_id)]);
    assert_eq!(said(&still), WAITING);
    pair.post(&format!("/sandbox/phone/{}", YES.1), &json!({ "text": format!("ДА {reference}") }));
    let told = pair.bank().until_final(YES.0, told);
    assert_eq!(said(&told), ("VALID", "granted"), "{told:?}");
}

#[test]
fn whatever_the_gateway_does_an_initiator_may_ask_again() {
    try_all("shep", "shep", &SHEP);
}

#[test]
fn whatever_happens_to_a_reply_it_is_heard_once_or_not_at_all() {
    try_all("replies", "1414", &REPLIES);
}

#[test]
fn whatever_happens_to_a_report_only_what_it_says_counts() {
    try_all("reports", "1414", &REPORTS);
}

#[test]
fn switches_are_shown_and_unknown_ones_refused_with_those_that_are_known() {
    let pair = crate::pair::alone();
    let shown = pair.get("/sandbox/faults");
    assert_eq!(shown["faults"], json!({}));
    for (body, told) in
        [("{\"bank\":{}}", "known: bmg, sms"), ("{\"bmg\":{\"x\":{}}}", "known: delay_ms"), ("x", "PARTY")]
    {
        let reply = pair.open().send("POST", "/sandbox/faults", "", body.as_bytes());
        let error: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(reply.status, 400);
        assert!(error["error"].as_str().unwrap().contains(told), "{error}");
    }
}
