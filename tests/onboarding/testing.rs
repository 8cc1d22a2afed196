//! The ten answers: which count, and why the others do not.

use super::sample::{DAY, MINUTE, NOON, answer, answers, filing, form, in_testing, submitted, texts};
use kdp::consent::method::Method;
use kdp::onboarding::Event;
use kdp::onboarding::testing::{Answer, count};
use kdp::onboarding::why::Why;
use kdp::text::{Lang, Reason};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Why one answer, beside nine good ones, does not count.
fn why(change: impl FnOnce(&mut Answer)) -> Why {
    let mut all = answers(10);
    change(&mut all[9]);
    let testing = count(&in_testing(), &all);
    assert_eq!((testing.counted.len(), testing.not_counted.len()), (9, 1));
    assert!(!testing.is_complete());
    testing.not_counted[0].why
}

#[test]
fn the_first_ten_successful_answers_count_and_later_ones_are_extra() {
    let testing = count(&in_testing(), &answers(12));
    let decisions: Vec<_> = testing.counted.iter().map(|one| one.decision.as_str()).collect();
    let expected: Vec<_> = answers(10).into_iter().map(|one| one.decision).collect();
    assert_eq!(decisions, expected);
    assert_eq!((testing.extra.len(), testing.not_counted.len(), testing.needed), (2, 0, 10));
    assert!(testing.is_complete());
    assert!(!count(&in_testing(), &answers(9)).is_complete());
}

#[test]
fn every_answer_that_does_not_count_is_told_why() {
    let mut seen = BTreeSet::new();
    let mut meet = |found: Why, expected: Why| {
        assert_eq!(found, expected);
        seen.insert(expected.code());
    };
    meet(why(|a| a.at = NOON + DAY - 1), Why::BeforeApproval);
    meet(why(|a| a.reason = Reason::Waiting), Why::Waiting);
    meet(why(|a| a.reason = Reason::SubjectRefused), Why::NotValid);
    meet(why(|a| a.reason = Reason::ServiceFailure), Why::NotValid);
    meet(why(|a| a.reason = Reason::DryRun), Why::NoToken);
    meet(why(|a| a.token = None), Why::NoToken);
    meet(why(|a| a.token = Some("token-001".to_owned())), Why::TokenRepeated);
    meet(why(|a| a.repeated = true), Why::TokenRepeated);
    meet(why(|a| a.method = Some(Method::Logging)), Why::MethodOutside);
    meet(why(|a| a.method = None), Why::MethodOutside);
    meet(why(|a| a.directory_id = None), Why::EntryUnnamed);
    meet(why(|a| a.directory_id = Some("dir-9".to_owned())), Why::EntryOutside);
    meet(why(|a| a.services = texts(&["ESALARY_token"])), Why::ServiceOutside);
    meet(why(|a| a.services.clear()), Why::ServiceOutside);
    // GBDRN_token is of the first purpose, not of the second.
    let of_another_purpose = why(|a| {
        a.directory_id = Some("dir-2".to_owned());
        a.services = texts(&["GBDFL_token", "GBDRN_token"]);
    });
    meet(of_another_purpose, Why::ServiceOutside);
    let application = in_testing();
    let filing = filing(&application, &answers(10), NOON + 2 * DAY);
    let filed = application.apply(Event::SubmitAct(filing), NOON + 2 * DAY).unwrap();
    let mut all = answers(11);
    all[10].at = NOON + 2 * DAY + 1;
    meet(count(&filed, &all).not_counted[0].why, Why::AfterAct);
    let all: BTreeSet<_> = Why::ALL.iter().map(|why| why.code()).collect();
    assert_eq!(seen, all, "each reason has a case");
}

#[test]
fn before_the_approval_nothing_counts() {
    let testing = count(&submitted(), &answers(10));
    assert!(testing.counted.is_empty());
    assert!(testing.not_counted.iter().all(|one| one.why == Why::BeforeApproval));
}

#[test]
fn a_refused_request_is_explained_by_the_reason_of_its_answer() {
    let mut refused = answer(1);
    refused.reason = Reason::OvtBin;
    let testing = count(&in_testing(), &[refused]);
    for lang in Lang::ALL {
        let text = testing.not_counted[0].text(lang);
        assert!(text.contains("ovt-bin") && text.contains(Reason::OvtBin.remedy(lang)), "{text}");
    }
    let json = serde_json::to_value(&testing).unwrap();
    assert_eq!(json["not_counted"][0]["why"], "not-valid");
    assert_eq!(json["not_counted"][0]["at"], "2026-04-02T12:01:00.000+05:00");
}

#[test]
fn methods_without_a_successful_answer_are_named() {
    let application = in_testing();
    assert_eq!(count(&application, &answers(10)).untested(&application), [Method::Code]);
    assert_eq!(application.methods(), form().methods.iter().map(|wish| wish.method).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn the_count_does_not_depend_on_the_order_and_takes_no_token_twice(
        picks in prop::collection::vec((0..15_i64, 0..8_i64, any::<bool>()), 0..40),
        swaps in prop::collection::vec((0..40_usize, 0..40_usize), 0..40),
    ) {
        let all: Vec<Answer> = picks
            .iter()
            .enumerate()
            .map(|(number, (minute, token, granted))| Answer {
                decision: format!("decision-{number}"),
                at: NOON + DAY + minute * MINUTE,
                token: Some(format!("token-{token}")),
                reason: if *granted { Reason::Granted } else { Reason::NoAnswer },
                ..answer(1)
            })
            .collect();
        let mut shuffled = all.clone();
        for (one, other) in swaps {
            if one < shuffled.len() && other < shuffled.len() {
                shuffled.swap(one, other);
            }
        }
        let testing = count(&in_testing(), &all);
        prop_assert_eq!(&testing, &count(&in_testing(), &shuffled));
        let tokens: BTreeSet<_> = testing.successful().map(|one| one.token.clone()).collect();
        prop_assert_eq!(tokens.len(), testing.successful().count());
        let granted: BTreeSet<_> = picks.iter().filter(|pick| pick.2).map(|pick| pick.1).collect();
        prop_assert_eq!(tokens.len(), granted.len());
        prop_assert_eq!(testing.successful().count() + testing.not_counted.len(), all.len());
        prop_assert!(testing.counted.len() <= 10 && (testing.extra.is_empty() || testing.is_complete()));
    }
}
