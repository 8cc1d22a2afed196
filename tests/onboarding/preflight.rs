//! Every rule of the preflight, by the smallest change of a sound form that it objects to.

use super::sample::{
    BANK, CURVE_KEY, KEY, NOON, OWNER, WEAK_KEY, form, known, name, state_form, texts, wish,
};
use kdp::consent::method::Method;
use kdp::onboarding::Application;
use kdp::onboarding::form::{Form, Kind, Proactive};
use kdp::onboarding::preflight::{Known, preflight};
use kdp::onboarding::refusal::Refused;
use kdp::onboarding::rule::Rule;
use std::collections::BTreeSet;

/// A form, what it is held against, and the objections that this must give: rule and field.
type Case = (Form, Known, &'static [(Rule, &'static str)]);

/// The sound form of the bank, changed.
fn bank(change: impl FnOnce(&mut Form), expected: &'static [(Rule, &'static str)]) -> Case {
    let mut form = form();
    change(&mut form);
    (form, known(), expected)
}

/// The sound form of the state body, changed.
fn state(change: impl FnOnce(&mut Form), expected: &'static [(Rule, &'static str)]) -> Case {
    let mut form = state_form();
    change(&mut form);
    (form, known(), expected)
}

#[test]
fn a_sound_form_meets_no_objection() {
    assert_eq!(preflight(&form(), &known()), []);
    assert_eq!(preflight(&state_form(), &known()), []);
}

#[test]
fn every_rule_objects_to_its_own_fault_alone_and_names_the_field() {
    let groups = [organisation(), purposes(), terms(), methods(), grounds(), keys()];
    let mut met = BTreeSet::new();
    for (number, (form, known, expected)) in groups.into_iter().flatten().enumerate() {
        let found = preflight(&form, &known);
        let found: Vec<_> = found.iter().map(|one| (one.rule, one.field.as_str())).collect();
        assert_eq!(found, expected, "case {number}");
        met.extend(expected.iter().map(|(rule, _)| rule.code()));
    }
    let missing: Vec<_> =
        Rule::ALL.iter().map(|rule| rule.code()).filter(|code| !met.contains(code)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

fn organisation() -> Vec<Case> {
    use Rule as R;
    let mut taken = known();
    taken.senders.insert("bank_kdp".to_owned(), OWNER.to_owned());
    vec![
        bank(|f| f.organisation.kind = None, &[(R::KindMissing, "/organisation/kind")]),
        bank(|f| f.organisation.name.kk = " ".into(), &[(R::NameMissing, "/organisation/name/kk")]),
        bank(
            |f| f.organisation.bin = "260140990118".into(),
            &[(R::BinMalformed, "/organisation/bin"), (R::SenderTaken, "/sender_id")],
        ),
        bank(|f| f.sender_id = "bank kdp".into(), &[(R::SenderMalformed, "/sender_id")]),
        bank(|f| f.sender_id.clear(), &[(R::SenderMalformed, "/sender_id")]),
        (form(), taken, &[(R::SenderTaken, "/sender_id")]),
        bank(|f| f.contact.name.clear(), &[(R::ContactMissing, "/contact/name")]),
        bank(
            |f| (f.contact.phone, f.contact.email) = (None, Some(String::new())),
            &[(R::ContactMissing, "/contact")],
        ),
        bank(|f| f.contact.phone = Some("8 701".to_owned()), &[(R::ContactMalformed, "/contact/phone")]),
        bank(|f| f.contact.email = Some("a@kz".to_owned()), &[(R::ContactMalformed, "/contact/email")]),
        bank(|f| f.contact.name = "\u{7}".repeat(3), &[(R::TextUnfit, "/contact/name")]),
        bank(
            |f| f.purposes[0].process += " Пример: 800101399015.",
            &[(R::PersonNamed, "/purposes/0/process")],
        ),
        bank(|f| f.purposes[0].process += " Пример: 260140990117, 8001013990150.", &[]),
        bank(|f| f.organisation.name.ru = "и".repeat(301), &[(R::TextUnfit, "/organisation/name/ru")]),
    ]
}

fn purposes() -> Vec<Case> {
    use Rule as R;
    let own = ["GBDFL_token", "GBDRN_token"].map(|id| (id.to_owned(), BANK.to_owned()));
    vec![
        bank(|f| f.purposes.clear(), &[(R::PurposeMissing, "/purposes")]),
        bank(
            |f| f.purposes[1].name.ru = f.purposes[0].name.ru.to_uppercase(),
            &[(R::PurposeRepeated, "/purposes/1")],
        ),
        bank(
            |f| {
                f.purposes[1].services = f.purposes[0].services.clone();
                f.purposes[1].service_ids = texts(&["GBDRN_token", "GBDFL_token"]);
            },
            &[(R::PurposeRepeated, "/purposes/1")],
        ),
        bank(|f| f.purposes[0].name = name("SMS", "SMS"), &[(R::NameUntranslated, "/purposes/0/name")]),
        bank(|f| f.purposes[0].services.clear(), &[(R::ServiceUnnamed, "/purposes/0/services")]),
        bank(|f| f.purposes[0].service_ids.clear(), &[(R::ServiceIdMissing, "/purposes/0/service_ids")]),
        bank(
            |f| f.purposes[0].service_ids[1] = "GBDFL_token;GBDRN_token".into(),
            &[(R::ServiceIdMalformed, "/purposes/0/service_ids/1")],
        ),
        bank(
            |f| f.purposes[0].service_ids[1] = "gbdrn_token".into(),
            &[(R::ServiceIdUnowned, "/purposes/0/service_ids/1")],
        ),
        bank(
            |f| f.purposes[0].service_ids.push("GBDFL_token".to_owned()),
            &[(R::ServiceIdRepeated, "/purposes/0/service_ids/2")],
        ),
        (
            form(),
            Known { owners: own.into(), ..known() },
            &[
                (R::ServiceIdOwn, "/purposes/0/service_ids/0"),
                (R::ServiceIdOwn, "/purposes/0/service_ids/1"),
                (R::ServiceIdOwn, "/purposes/1/service_ids/0"),
            ],
        ),
        bank(|f| f.purposes[0].process = "\n".into(), &[(R::ProcessMissing, "/purposes/0/process")]),
        bank(
            |f| f.purposes[0].process = "Выдача кредита".into(),
            &[(R::ProcessShort, "/purposes/0/process")],
        ),
        bank(|f| f.purposes[0].process = "и".repeat(4001), &[(R::TextUnfit, "/purposes/0/process")]),
        bank(|f| f.purposes[0].data.clear(), &[(R::DataMissing, "/purposes/0/data")]),
        bank(|f| f.purposes[0].data = "Все данные".into(), &[(R::DataUnbounded, "/purposes/0/data")]),
        bank(|f| f.purposes[0].data = "аты-жөні, т.б.".into(), &[(R::DataUnbounded, "/purposes/0/data")]),
    ]
}

fn terms() -> Vec<Case> {
    use Rule as R;
    vec![
        bank(
            |f| (f.purposes[0].period_seconds, f.purposes[0].storage_seconds) = (0, 604_800),
            &[(R::PeriodMissing, "/purposes/0/period_seconds")],
        ),
        bank(
            |f| f.purposes[0].period_seconds = 366 * 86_400 + 1,
            &[(R::PeriodTooLong, "/purposes/0/period_seconds")],
        ),
        bank(
            |f| (f.purposes[0].period_seconds, f.purposes[0].storage_seconds) = (15, 0),
            &[(R::PeriodShort, "/purposes/0/period_seconds")],
        ),
        bank(
            |f| (f.purposes[0].processing_seconds, f.purposes[0].storage_seconds) = (0, 7_776_000),
            &[(R::ProcessingMissing, "/purposes/0/processing_seconds")],
        ),
        bank(
            |f| f.purposes[0].storage_seconds = 604_799,
            &[(R::StorageBelowProcessing, "/purposes/0/storage_seconds")],
        ),
        bank(
            |f| f.purposes[0].storage_seconds = 7_776_000 + 604_800 + 1,
            &[(R::StorageTooLong, "/purposes/0/storage_seconds")],
        ),
        bank(|f| f.purposes[0].storage_seconds = 7_776_000 + 604_800, &[]),
        bank(
            |f| {
                f.purposes[0].storage_seconds = 157_680_000;
                f.purposes[0].storage_ground.act = Some("Закон № 191-IV, статья 11".to_owned());
            },
            &[(R::StorageByAct, "/purposes/0/storage_seconds")],
        ),
        bank(
            |f| f.purposes[0].storage_ground.text.clear(),
            &[(R::StorageGroundMissing, "/purposes/0/storage_ground/text")],
        ),
        bank(
            |f| {
                f.purposes[0].storage_seconds = 0;
                f.purposes[0].storage_ground.text.clear();
            },
            &[],
        ),
    ]
}

fn methods() -> Vec<Case> {
    use Rule as R;
    let private = |f: &mut Form| (f.organisation.kind, f.organisation.has_soc) = (Some(Kind::Private), false);
    vec![
        bank(|f| f.methods.clear(), &[(R::MethodMissing, "/methods")]),
        bank(|f| f.methods.push(wish(Method::Sms, '6')), &[(R::MethodRepeated, "/methods/3/method")]),
        bank(private, &[(R::OwnMeansClosed, "/methods/1/method")]),
        bank(
            |f| {
                private(f);
                f.methods.remove(1);
                f.ovt_keys.clear();
            },
            &[],
        ),
        bank(|f| f.organisation.kind = Some(Kind::Financial), &[(R::OwnMeansAgreement, "/methods/1/method")]),
        state(
            |f| f.organisation.kind = Some(Kind::Private),
            &[(R::MethodUnusual, "/methods/0/method"), (R::MethodUnusual, "/methods/1/method")],
        ),
        bank(|f| f.methods[1].test_protocol = None, &[(R::ProtocolMissing, "/methods/1/test_protocol")]),
        state(|f| f.methods[0].test_protocol = None, &[(R::ProtocolMissing, "/methods/0/test_protocol")]),
        bank(|f| f.methods[2].test_protocol = None, &[(R::ProtocolWanted, "/methods/2/test_protocol")]),
        bank(
            |f| f.methods[1].test_protocol.as_mut().unwrap().reference.clear(),
            &[(R::ProtocolMalformed, "/methods/1/test_protocol/reference")],
        ),
        bank(
            |f| f.methods[1].test_protocol.as_mut().unwrap().sha256.push('0'),
            &[(R::ProtocolMalformed, "/methods/1/test_protocol/sha256")],
        ),
        bank(
            |f| f.methods[1].test_protocol = f.methods[0].test_protocol.clone(),
            &[(R::ProtocolRepeated, "/methods/1/test_protocol")],
        ),
    ]
}

fn grounds() -> Vec<Case> {
    use Rule as R;
    let mut unconfirmed = state(|f| f.methods[1].ground_ids = texts(&["L-9-6"]), &[]);
    unconfirmed.1.unconfirmed = true;
    unconfirmed.2 = &[(R::GroundUnconfirmedTest, "/methods/1/ground_ids/0")];
    vec![
        state(|f| f.methods[0].proactive = None, &[(R::ProactiveMissing, "/methods/0/proactive")]),
        state(
            |f| {
                f.methods[0].proactive =
                    Some(Proactive { code: "PRO-0002".to_owned(), ..Proactive::default() });
            },
            &[
                (R::NameMissing, "/methods/0/proactive/name/kk"),
                (R::NameMissing, "/methods/0/proactive/name/ru"),
            ],
        ),
        state(
            |f| (f.organisation.bin, f.sender_id) = (OWNER.to_owned(), "owner_new".to_owned()),
            &[
                (R::ServiceIdOwn, "/purposes/0/service_ids/0"),
                (R::ServiceIdOwn, "/purposes/0/service_ids/1"),
                (R::ServiceIdOwn, "/purposes/1/service_ids/0"),
                (R::ProactiveTaken, "/methods/0/proactive/code"),
            ],
        ),
        state(|f| f.methods[1].ground_ids.clear(), &[(R::GroundMissing, "/methods/1/ground_ids")]),
        state(|f| f.methods[0].ground_ids.clear(), &[(R::GroundMissing, "/methods/0/ground_ids")]),
        state(
            |f| f.methods[1].ground_ids = texts(&["L-99"]),
            &[(R::GroundUnknown, "/methods/1/ground_ids/0")],
        ),
        state(
            |f| f.methods[1].ground_ids = texts(&["L-9-1", "proactive-service"]),
            &[(R::GroundOtherMethod, "/methods/1/ground_ids/1")],
        ),
        state(
            |f| f.methods[1].ground_ids = texts(&["L-9-6"]),
            &[(R::GroundUnconfirmed, "/methods/1/ground_ids/0")],
        ),
        unconfirmed,
        state(
            |f| f.methods[1].ground_ids = texts(&["L-9-2"]),
            &[(R::GroundExempt, "/methods/1/ground_ids/0")],
        ),
        bank(|f| f.methods[0].ground_ids = texts(&["L-9-1"]), &[(R::GroundUnused, "/methods/0/ground_ids")]),
    ]
}

fn keys() -> Vec<Case> {
    use Rule as R;
    vec![
        bank(|f| f.ovt_keys.clear(), &[(R::KeyMissing, "/ovt_keys")]),
        bank(|f| f.ovt_keys[0] = "key".into(), &[(R::KeyMalformed, "/ovt_keys/0")]),
        bank(|f| f.ovt_keys.push(CURVE_KEY.to_owned()), &[(R::KeyMalformed, "/ovt_keys/1")]),
        bank(|f| f.ovt_keys.push(WEAK_KEY.to_owned()), &[(R::KeyWeak, "/ovt_keys/1")]),
        bank(
            |f| f.ovt_keys[0] = WEAK_KEY.replace("PUBLIC KEY", "PRIVATE KEY"),
            &[(R::KeyPrivate, "/ovt_keys/0")],
        ),
        bank(|f| drop(f.methods.remove(1)), &[(R::KeyUnneeded, "/ovt_keys")]),
        bank(|f| f.ovt_keys = vec![KEY.to_owned(); 51], &[(R::TooMany, "/ovt_keys")]),
    ]
}

#[test]
fn an_empty_form_is_told_everything_at_once_and_a_huge_one_is_bounded() {
    let empty = preflight(&Form::default(), &known());
    assert!(empty.iter().filter(|one| one.returns()).count() >= 8, "{empty:?}");
    let mut huge = form();
    huge.purposes = vec![huge.purposes[0].clone(); 2000];
    huge.methods = vec![huge.methods[0].clone(); 2000];
    let found = preflight(&huge, &known());
    assert!((100..500).contains(&found.len()), "{}", found.len());
}

#[test]
fn words_count_as_unbounded_only_when_they_stand_alone() {
    let says = |data: &str| {
        let mut form = form();
        form.purposes[0].data = data.to_owned();
        preflight(&form, &known()).iter().any(|one| one.rule == Rule::DataUnbounded)
    };
    for bounded in
        ["ФИО, адрес", "Всеобщее декларирование: доход", "company, allowance", "Пенсионные выплаты"]
    {
        assert!(!says(bounded), "{bounded}");
    }
    for unbounded in ["ФИО и др.", "БАРЛЫҚ мәлімет", "any data", "адрес и т.д.", "всё"]
    {
        assert!(says(unbounded), "{unbounded}");
    }
}

#[test]
fn no_objection_repeats_the_contact_and_each_is_explained_in_three_languages() {
    let mut form = form();
    form.contact.phone = Some("7701000000x".to_owned());
    form.contact.email = Some("nobody".to_owned());
    form.contact.name = "Адам".repeat(100);
    for one in preflight(&form, &known()) {
        let json = one.to_json();
        assert!(!json.to_string().contains("7701") && !json.to_string().contains("nobody"));
        assert_eq!(json["code"], one.rule.code());
        for lang in ["kk", "ru", "en"] {
            assert!(json["text"][lang].is_string() && json["remedy"][lang].is_string());
        }
    }
}

#[test]
fn a_form_that_nobody_may_keep_is_not_filed() {
    let due = super::sample::DUE;
    let mut private = form();
    private.ovt_keys[0] = KEY.replace("CERTIFICATE", "RSA PRIVATE KEY");
    let refused = Application::submit("app-1".to_owned(), private, due, NOON);
    assert_eq!(refused.unwrap_err(), Refused::PrivateKey);
    let mut named = form();
    named.purposes[1].storage_ground.act = Some("по делу 800101399015".to_owned());
    assert_eq!(Application::submit("app-1".to_owned(), named, due, NOON).unwrap_err(), Refused::PersonNamed);
    let mut late = form();
    late.purposes = (0..60).map(|_| late.purposes[0].clone()).collect();
    late.purposes[59].name.kk = "(800101399015)".to_owned();
    assert_eq!(Application::submit("app-1".to_owned(), late, due, NOON).unwrap_err(), Refused::PersonNamed);
    let mut large = form();
    large.purposes[0].process = "и".repeat(200_000);
    assert_eq!(Application::submit("app-1".to_owned(), large, due, NOON).unwrap_err(), Refused::FormTooLarge);
}
