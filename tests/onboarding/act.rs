//! The testing act as JSON.

use super::json_schema::violations;
use super::sample::{DAY, NOON, answer, answers, in_testing, jws, keys, signed, submitted};
use kdp::onboarding::act::signature::verify;
use kdp::onboarding::act::{Act, ActError, MAX_NOT_COUNTED};
use kdp::onboarding::refusal::Refused;
use kdp::onboarding::testing::{Answer, count};
use kdp::onboarding::why::Why;
use kdp::text::Reason;
use serde_json::{Value, json};

const AT: i64 = NOON + 2 * DAY;

/// Eleven successful answers and two others.
fn mixed() -> Vec<Answer> {
    let waiting = Answer { reason: Reason::Waiting, token: None, ..answer(20) };
    let refused = Answer { reason: Reason::OvtDate, token: None, ..answer(21) };
    answers(11).into_iter().chain([waiting, refused]).collect()
}

pub fn act() -> Act {
    let application = in_testing();
    Act::form(&application, &count(&application, &mixed()), "КДП (тест)", AT).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../schemas/testing-act.schema.json")).unwrap()
}

#[test]
fn an_act_says_who_was_tested_by_which_answers_and_what_did_not_count() {
    let json = serde_json::to_value(act()).unwrap();
    assert_eq!(json["type"], "kdp-testing-act+jwt");
    assert_eq!(json["application"], "app-1");
    assert_eq!(json["organisation"]["bin"], "260140990117");
    assert_eq!(
        (&json["approved_at"], &json["formed_at"]),
        (&json!("2026-04-02T12:00:00.000+05:00"), &json!("2026-04-03T12:00:00.000+05:00"))
    );
    assert_eq!(json["answers"].as_array().unwrap().len(), 10);
    assert_eq!(
        json["answers"][0],
        json!({
            "decision_id": "decision-001", "at": "2026-04-02T12:01:00.000+05:00", "token_id": "token-001", "method": 2,
            "directory_id": "dir-1", "service_ids": ["GBDFL_token"],
        })
    );
    assert_eq!((&json["more_answers"], &json["subjects"]), (&json!(1), &json!(4)));
    assert_eq!((&json["methods"], &json["untested_methods"]), (&json!([1, 2, 5]), &json!([5])));
    assert_eq!(
        json["not_counted"],
        json!([
            {"decision_id": "decision-020", "at": "2026-04-02T12:20:00.000+05:00", "why": "waiting", "reason": "waiting"},
            {"decision_id": "decision-021", "at": "2026-04-02T12:21:00.000+05:00", "why": "not-valid", "reason": "ovt-date"},
        ])
    );
}

#[test]
fn an_act_holds_no_personal_data() {
    let text = String::from_utf8(act().payload().unwrap()).unwrap();
    for personal in ["subject-", "7701", "Жауапты", "kdp@bank", "request-"] {
        assert!(!text.contains(personal), "{personal}");
    }
}

#[test]
fn an_act_is_valid_against_its_schema_and_the_schema_is_no_wider_than_the_act() {
    let json = serde_json::to_value(act()).unwrap();
    assert_eq!(violations(&schema(), &json), Vec::<String>::new());
    for (pointer, value) in [
        ("/type", json!("other")),
        ("/organisation/bin", json!("26014099011")),
        ("/formed_at", json!("2026-04-03")),
        ("/methods/0", json!(6)),
        ("/needed", json!(9)),
        ("/answers", json!([])),
        ("/answers/3/token_id", json!("")),
        ("/not_counted/0/why", json!("other")),
        ("/not_counted/0/reason", json!("Other")),
    ] {
        let mut wrong = json.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!violations(&schema(), &wrong).is_empty(), "{pointer}");
        assert!(
            Act::parse(wrong.to_string().as_bytes()).is_err() || pointer.ends_with("token_id"),
            "{pointer}"
        );
    }
    for name in json.as_object().unwrap().keys() {
        let mut less = json.clone();
        less.as_object_mut().unwrap().remove(name);
        assert!(!violations(&schema(), &less).is_empty(), "{name}");
        assert!(Act::parse(less.to_string().as_bytes()).is_err(), "{name}");
    }
    let codes: Vec<_> = Why::ALL.iter().map(|why| why.code()).collect();
    assert_eq!(schema()["properties"]["not_counted"]["items"]["properties"]["why"]["enum"], json!(codes));
}

#[test]
fn a_signed_act_is_read_back_as_it_was_written() {
    let compact = signed(&act());
    assert_eq!(verify(&format!("{compact}\n"), &keys()), Ok((act(), "key-1".to_owned())));
    assert_eq!(Act::from_verified(&compact), Ok(act()));
    assert_eq!(Act::parse(&act().payload().unwrap()), Ok(act()));
}

#[test]
fn what_is_no_signed_act_of_the_service_is_refused_by_name() {
    const HEADER: &str = r#"{"alg":"RS256","typ":"kdp-testing-act+jwt","kid":"key-1"}"#;
    let payload = act().payload().unwrap();
    let compact = signed(&act());
    assert_eq!(verify(&jws(HEADER, &payload), &keys()), Ok((act(), "key-1".to_owned())));
    let (message, signature) = compact.rsplit_once('.').unwrap();
    let other = Act { formed_at: AT + 1, ..act() };
    let forged = format!("{}.{signature}", signed(&other).rsplit_once('.').unwrap().0);
    let twice = Act { answers: vec![act().answers[0].clone(); 10], ..act() };
    let nine = Act { answers: act().answers[..9].to_vec(), ..act() };
    for (compact, error) in [
        (String::new(), ActError::Jws),
        ("a.b".to_owned(), ActError::Jws),
        (format!("{compact}.x"), ActError::Signature),
        (format!("{message}."), ActError::Signature),
        ("x".repeat(600_000), ActError::Jws),
        (forged, ActError::Signature),
        (jws(&HEADER.replace("key-1", "key-2"), &payload), ActError::Key),
        (jws(&HEADER.replace("RS256", "none"), &payload), ActError::Header),
        (jws(&HEADER.replace("RS256", "HS256"), &payload), ActError::Header),
        (jws(&HEADER.replace("kdp-testing-act+jwt", "JWT"), &payload), ActError::Header),
        (jws(&HEADER.replace('{', r#"{"crit":["b64"],"#), &payload), ActError::Header),
        (jws(&HEADER.replace('{', r#"{"alg":"RS256","#), &payload), ActError::Header),
        (jws(r#"{"alg":"RS256","typ":"kdp-testing-act+jwt"}"#, &payload), ActError::Header),
        (jws(HEADER, b"{}"), ActError::Json),
        (signed(&twice), ActError::Repeated),
        (signed(&nine), ActError::TooFew),
    ] {
        assert_eq!(verify(&compact, &keys()), Err(error), "{}", &compact[..compact.len().min(60)]);
    }
    assert_eq!(verify(&signed(&act()), &[]), Err(ActError::Key));
}

#[test]
fn no_act_is_formed_before_its_time() {
    let application = in_testing();
    let (nine, ten) = (count(&application, &answers(9)), count(&application, &answers(10)));
    assert_eq!(Act::form(&application, &nine, "КДП (тест)", AT), Err(Refused::TooFewAnswers));
    assert_eq!(Act::form(&submitted(), &ten, "КДП (тест)", AT), Err(Refused::NotApproved));
}

#[test]
fn an_act_lists_the_latest_of_many_answers_that_did_not_count_and_their_number() {
    let application = in_testing();
    let refused = (11..=311).map(|number| Answer { reason: Reason::NoAnswer, token: None, ..answer(number) });
    let all: Vec<_> = answers(10).into_iter().chain(refused).collect();
    let act = Act::form(&application, &count(&application, &all), "КДП (тест)", AT).unwrap();
    assert_eq!((act.not_counted.len(), act.not_counted_total), (MAX_NOT_COUNTED, 301));
    assert_eq!(act.not_counted.last().unwrap().decision_id, "decision-311");
}
