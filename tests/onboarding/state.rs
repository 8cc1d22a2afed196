//! The states of an application, event by event.

use super::sample::{
    BANK, DAY, DUE, KEY, MINUTE, NOON, OTHER, SECOND_KEY, WEAK_KEY, answers, approve, entries, file, filing,
    form, in_testing, keys, known, signed, submitted,
};
use kdp::onboarding::act::{Act, Evidence, Filing};
use kdp::onboarding::form::Form;
use kdp::onboarding::preflight::Objection;
use kdp::onboarding::refusal::Refused;
use kdp::onboarding::rule::Rule;
use kdp::onboarding::stage::Stage;
use kdp::onboarding::testing::count;
use kdp::onboarding::{Application, Approval, Event, Remark, State};
use kdp::token::rsa::VerifyingKey;
use std::collections::BTreeSet;
use time::macros::date;

const LATER: i64 = NOON + 2 * DAY;

fn words(text: &str) -> Vec<Remark> {
    vec![Remark::Words(text.to_owned())]
}

fn returned() -> Application {
    submitted().apply(Event::Return { remarks: words("Нет договора") }, NOON + DAY).unwrap()
}

/// Approved without a key.
fn keyless() -> Application {
    let mut form = form();
    form.ovt_keys.clear();
    let application = Application::submit("app-1".to_owned(), form.clone(), DUE, NOON).unwrap();
    application.apply(approve(&form), NOON + DAY).unwrap()
}

fn act_filed() -> Application {
    let application = in_testing();
    let filing = filing(&application, &answers(12), LATER);
    application.apply(Event::SubmitAct(filing), LATER).unwrap()
}

fn refusal(application: Application, event: Event) -> Refused {
    application.apply(event, LATER).unwrap_err()
}

#[test]
fn an_application_goes_from_its_filing_to_production() {
    let application = submitted();
    assert_eq!((application.stage(), application.due()), (Stage::Submitted, Some(DUE)));
    assert!(application.entries(0).is_empty() && application.keys().is_empty());
    let application = application.apply(approve(&form()), NOON + DAY).unwrap();
    assert_eq!((application.stage(), application.due()), (Stage::Testing, None));
    assert_eq!(application.keys(), [KEY]);
    let filed = filing(&application, &answers(10), LATER);
    let application = application.apply(Event::SubmitAct(filed), LATER).unwrap();
    assert_eq!((application.stage(), application.due()), (Stage::ActSubmitted, Some(date!(2026 - 04 - 20))));
    let application = application.apply(Event::Accept, LATER + DAY).unwrap();
    assert_eq!(application.stage(), Stage::Production);
    assert_eq!(application.history().len(), 4);
    assert!(Act::from_verified(&application.filed_act().unwrap().jws).is_ok());
    let stored = serde_json::to_string(&application).unwrap();
    assert_eq!(serde_json::from_str::<Application>(&stored).unwrap(), application);
}

#[test]
fn an_approval_promises_one_directory_entry_a_purpose() {
    let entries = in_testing().entries(1_700_000_000);
    assert_eq!(entries.len(), 2);
    let (entry, purpose) = (&entries[0], &form().purposes[0]);
    assert_eq!((entry.id.as_str(), entry.bin.as_str()), ("dir-1", BANK));
    assert_eq!((&entry.services, &entry.name), (&purpose.service_ids, &purpose.name));
    assert_eq!((entry.period_seconds, entry.valid_from), (purpose.period_seconds, 1_700_000_000));
    assert_eq!(entry.application.as_deref(), Some("app-1"));
    assert_eq!(entry.storage_ground, "Пока рассматривается заявка");
}

#[test]
fn a_review_is_overdue_from_midnight_in_astana_after_its_last_day() {
    // 15 April 2026, 24:00 in Astana.
    let end = NOON + 14 * DAY + 12 * 60 * MINUTE;
    assert!(!submitted().overdue(end - 1));
    assert!(submitted().overdue(end));
    assert!(act_filed().overdue(end + 5 * DAY) && !act_filed().overdue(end + 5 * DAY - 1));
    assert!(!in_testing().overdue(i64::MAX), "nobody reviews now");
}

#[test]
fn a_returned_application_is_filed_again_when_something_changed() {
    let application = returned();
    assert_eq!(application.remarks(), words("Нет договора"));
    let mut form = form();
    form.purposes[0].period_seconds -= 1;
    let due = date!(2026 - 04 - 17);
    let again = application.clone().apply(Event::Resubmit { form: form.clone(), due }, LATER).unwrap();
    assert_eq!((again.stage(), again.due(), again.form()), (Stage::Submitted, Some(due), &form));
    assert_eq!(again.history().len(), 3);
    let unchanged = Event::Resubmit { form: application.form().clone(), due };
    assert_eq!(refusal(application.clone(), unchanged), Refused::FormUnchanged);
    form.organisation.bin = OTHER.to_owned();
    let of_another = Event::Resubmit { form, due };
    assert_eq!(refusal(application, of_another), Refused::OrganisationChanged);
}

#[test]
fn a_bin_that_was_none_may_be_corrected() {
    let mut wrong = form();
    wrong.organisation.bin = "1".into();
    let application = Application::submit("app-1".to_owned(), wrong, DUE, NOON).unwrap();
    let application = application.apply(Event::Return { remarks: words("БИН") }, NOON).unwrap();
    let again = application.apply(Event::Resubmit { form: form(), due: DUE }, NOON).unwrap();
    assert_eq!(again.form().organisation.bin, BANK);
}

#[test]
fn without_a_key_testing_begins_when_one_is_registered() {
    let application = keyless();
    assert_eq!(application.stage(), Stage::Approved);
    let key = |pem: &str| Event::RegisterKey { pem: pem.to_owned() };
    let testing = application.apply(key(KEY), LATER).unwrap();
    assert_eq!((testing.stage(), testing.keys().len()), (Stage::Testing, 1));
    let second = testing.apply(key(SECOND_KEY), LATER).unwrap();
    assert_eq!((second.stage(), second.keys().len()), (Stage::Testing, 2));
}

#[test]
fn a_returned_act_leads_back_to_testing_with_the_reasons() {
    let objection =
        Objection { rule: Rule::ProtocolWanted, field: "/methods/0".to_owned(), found: String::new() };
    let remarks = vec![Remark::Words("Нет подписи".to_owned()), Remark::Objection(objection)];
    let back = act_filed().apply(Event::Return { remarks: remarks.clone() }, LATER + DAY).unwrap();
    assert_eq!((back.stage(), back.remarks()), (Stage::Testing, remarks.as_slice()));
    assert!(back.filed_act().is_none());
    let filing = filing(&back, &answers(12), LATER + 2 * DAY);
    assert_eq!(back.apply(Event::SubmitAct(filing), LATER + 2 * DAY).unwrap().stage(), Stage::ActSubmitted);
}

#[test]
fn time_that_goes_back_is_taken_to_stand_still() {
    let application = submitted().apply(approve(&form()), NOON - DAY).unwrap();
    assert_eq!(application.approval().unwrap().at, NOON);
}

#[test]
fn an_act_of_a_test_installation_serves_where_it_covers_what_is_applied_for() {
    // Tested elsewhere, under another id and other directory entries.
    let tested = Application::submit("test-7".to_owned(), form(), DUE, NOON).unwrap();
    let tested = tested.apply(approve(&form()), NOON + DAY).unwrap();
    let act = Act::form(&tested, &count(&tested, &answers(10)), "КДП (тест)", LATER).unwrap();
    let signed = |act: &Act| Event::SubmitAct(file(act, Evidence::Signed));
    assert_eq!(in_testing().apply(signed(&act), LATER).unwrap().stage(), Stage::ActSubmitted);
    let mut narrow = act.clone();
    narrow.methods.pop();
    assert_eq!(refusal(in_testing(), signed(&narrow)), Refused::ActMethods);
    let mut narrow = act.clone();
    narrow.purposes[0].service_ids.pop();
    assert_eq!(refusal(in_testing(), signed(&narrow)), Refused::ActServices);
    let ahead = Act { formed_at: LATER + 6 * MINUTE, ..act };
    assert_eq!(refusal(in_testing(), signed(&ahead)), Refused::ActTime);
}

#[test]
fn every_event_that_does_not_fit_is_refused_by_its_code_and_says_what_to_do() {
    let mut met = BTreeSet::new();
    for (number, (application, event, expected)) in misfits().into_iter().enumerate() {
        assert_eq!(refusal(application, event), expected, "case {number}");
        met.insert(expected.code());
    }
    // These have tests of their own.
    for other in [
        Refused::FormTooLarge,
        Refused::FormUnchanged,
        Refused::OrganisationChanged,
        Refused::ActUnreadable,
        Refused::ActSignature,
        Refused::TooFewAnswers,
    ] {
        met.insert(other.code());
    }
    let missing: Vec<_> =
        Refused::ALL.iter().map(|one| one.code()).filter(|code| !met.contains(code)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

fn misfits() -> Vec<(Application, Event, Refused)> {
    use Refused as R;
    let again = |form: Form| Event::Resubmit { form, due: DUE };
    let key = |pem: &str| Event::RegisterKey { pem: pem.to_owned() };
    let give_back = || Event::Return { remarks: words("Причина") };
    let refused = submitted().apply(Event::Refuse { remarks: words("Причина") }, NOON).unwrap();
    let withdrawn = in_testing().apply(Event::Withdraw, LATER).unwrap();
    let production = act_filed().apply(Event::Accept, LATER).unwrap();
    let mut sms_only = form();
    sms_only.methods.truncate(1);
    sms_only.ovt_keys.clear();
    let no_key_needed = Application::submit("app-1".to_owned(), sms_only.clone(), DUE, NOON).unwrap();
    let no_key_needed = no_key_needed.apply(approve(&sms_only), NOON).unwrap();
    let mut private = form();
    private.ovt_keys.push(KEY.replace("CERTIFICATE", "PRIVATE KEY"));
    let mut flawed = form();
    flawed.purposes[0].service_ids.clear();
    let two_of_one = Event::Approve(Approval::new(&form(), &known(), vec!["dir-1".into(), "dir-1 ".into()]));
    let too_few = Event::Approve(Approval::new(&form(), &known(), entries(&form())[..1].to_vec()));
    let many = vec![Remark::Words("Причина".to_owned()); 101];
    let mut cases = vec![
        (submitted(), Event::Submit { form: form(), due: DUE }, R::AlreadyFiled),
        (submitted(), again(form()), R::NotReturned),
        (returned(), again(private), R::PrivateKey),
        (submitted(), Event::Approve(Approval::new(&flawed, &known(), entries(&flawed))), R::ObjectionsStand),
        (submitted(), too_few, R::EntriesMismatch),
        (submitted(), two_of_one, R::EntriesMismatch),
        (in_testing(), approve(&form()), R::NotUnderReview),
        (returned(), approve(&form()), R::NotUnderReview),
        (in_testing(), give_back(), R::NotUnderReview),
        (submitted(), Event::Return { remarks: Vec::new() }, R::ReasonsMissing),
        (submitted(), Event::Refuse { remarks: words(" \n") }, R::ReasonsMissing),
        (act_filed(), Event::Return { remarks: Vec::new() }, R::ReasonsMissing),
        (submitted(), Event::Return { remarks: many }, R::ReasonsUnfit),
        (submitted(), Event::Return { remarks: words("Укажите 800101399015") }, R::PersonNamed),
        (submitted(), Event::Return { remarks: words(&"и".repeat(2001)) }, R::ReasonsUnfit),
        (submitted(), key(KEY), R::NotApproved),
        (in_testing(), key(KEY), R::KeyKnown),
        (in_testing(), key(WEAK_KEY), R::KeyUnfit),
        (in_testing(), key(&KEY.replace("CERTIFICATE", "PRIVATE KEY")), R::PrivateKey),
        (no_key_needed, key(KEY), R::KeyUnneeded),
        (act_filed(), key(SECOND_KEY), R::ActFiled),
        (submitted(), Event::Accept, R::NotApproved),
        (in_testing(), Event::Accept, R::ActNotFiled),
        (keyless(), Event::Accept, R::ActNotFiled),
        (full(), key(SECOND_KEY), R::HistoryFull),
    ];
    for ended in [refused, withdrawn, production] {
        for event in [Event::Accept, Event::Withdraw, give_back(), key(KEY)] {
            cases.push((ended.clone(), event, R::Ended));
        }
    }
    cases.extend(misfit_acts());
    cases
}

fn misfit_acts() -> Vec<(Application, Event, Refused)> {
    use Refused as R;
    let testing = in_testing();
    let counted = count(&testing, &answers(12));
    let act = Act::form(&testing, &counted, "КДП (тест)", LATER).unwrap();
    let own = |act: &Act| Event::SubmitAct(file(act, Evidence::counted(&counted)));
    let changed = |change: &dyn Fn(&mut Act)| {
        let mut act = act.clone();
        change(&mut act);
        own(&act)
    };
    let fewer = count(&testing, &answers(9));
    vec![
        (submitted(), own(&act), R::NotApproved),
        (keyless(), own(&act), R::KeyAwaited),
        (act_filed(), own(&act), R::ActFiled),
        (in_testing(), Event::SubmitAct(file(&act, Evidence::counted(&fewer))), R::ActAnswersUnknown),
        (in_testing(), changed(&|act| act.answers[3].decision_id = "other".into()), R::ActAnswersUnknown),
        (in_testing(), changed(&|act| act.application = "app-2".into()), R::ActOfAnotherApplication),
        (in_testing(), changed(&|act| act.approved_at -= 1), R::ActOfAnotherApplication),
        (in_testing(), changed(&|act| act.organisation.bin = OTHER.into()), R::ActOfAnotherOrganisation),
        (in_testing(), changed(&|act| act.formed_at = LATER + 1), R::ActTime),
        (in_testing(), changed(&|act| act.formed_at = NOON), R::ActTime),
        (in_testing(), changed(&|act| act.methods.truncate(2)), R::ActMethods),
        (in_testing(), changed(&|act| act.purposes[0].service_ids.truncate(1)), R::ActServices),
    ]
}

#[test]
fn what_is_no_act_of_the_service_cannot_be_filed() {
    let testing = in_testing();
    let act = Act::form(&testing, &count(&testing, &answers(12)), "КДП (тест)", LATER).unwrap();
    let refusal =
        |compact: &str, keys: &[VerifyingKey]| Filing::new(compact, keys, Evidence::Signed, DUE).unwrap_err();
    let changed = |change: &dyn Fn(&mut Act)| {
        let mut act = act.clone();
        change(&mut act);
        refusal(&signed(&act), &keys())
    };
    assert_eq!(refusal("a.b.c", &keys()), Refused::ActUnreadable);
    assert_eq!(refusal(&signed(&act), &[]), Refused::ActSignature);
    assert_eq!(changed(&|act| act.kind = "other".into()), Refused::ActUnreadable);
    assert_eq!(changed(&|act| act.organisation.bin = "1".into()), Refused::ActUnreadable);
    assert_eq!(changed(&|act| act.answers.truncate(9)), Refused::TooFewAnswers);
    assert_eq!(changed(&|act| act.answers[9] = act.answers[0].clone()), Refused::TooFewAnswers);
    assert_eq!(
        changed(&|act| act.answers[9].token_id = act.answers[0].token_id.clone()),
        Refused::TooFewAnswers
    );
    let one = |act: &mut Act| (act.needed, act.answers) = (1, vec![act.answers[0].clone()]);
    assert_eq!(changed(&one), Refused::TooFewAnswers);
}

#[test]
fn a_review_whose_working_days_change_gets_another_last_day_and_nothing_else_changes() {
    let due = date!(2026 - 04 - 16);
    for application in [submitted(), act_filed()] {
        let moved = application.clone().apply(Event::Redate { due }, LATER).unwrap();
        assert_eq!((moved.due(), moved.stage()), (Some(due), application.stage()));
        assert_eq!(moved.review_since(), application.review_since());
    }
    assert_eq!(submitted().review_since(), Some(NOON));
    assert_eq!(act_filed().review_since(), Some(LATER));
    assert_eq!(refusal(in_testing(), Event::Redate { due }), Refused::NotUnderReview);
}

/// To which as much happened as is kept.
fn full() -> Application {
    let mut application = in_testing();
    while application.history().len() < 200 {
        let filing = filing(&application, &answers(10), LATER);
        application = application.apply(Event::SubmitAct(filing), LATER).unwrap();
        application = application.apply(Event::Return { remarks: words("Причина") }, LATER).unwrap();
    }
    application
}

#[test]
fn an_application_whose_history_is_full_can_still_be_ended() {
    let withdrawn = full().apply(Event::Withdraw, LATER).unwrap();
    assert!(matches!(withdrawn.state(), State::Withdrawn { at: LATER }));
}
