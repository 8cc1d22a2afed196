//! Random events in random order. The criteria of failure: production without an approval, ten counted answers and an
//! accepted act; a refused event that changed something; a state that is not what the events of the record lead to.

use super::sample::{DUE, KEY, MINUTE, NOON, OTHER, SECOND_KEY, answer, entries, file, form, known, texts};
use kdp::onboarding::act::{Act, Evidence, TYPE};
use kdp::onboarding::form::Form;
use kdp::onboarding::stage::Stage;
use kdp::onboarding::testing::{Answer, count};
use kdp::onboarding::{Application, Approval, Event, Remark, Step};
use proptest::prelude::*;

/// What somebody tries.
#[derive(Clone, Debug)]
enum Try {
    /// The subject of the sandbox says yes, or the request fails.
    Ask {
        good: bool,
    },
    Return {
        reasons: usize,
    },
    Resubmit {
        period: u64,
        sound: bool,
    },
    Approve {
        entries: usize,
    },
    Key {
        second: bool,
    },
    /// The act as the service forms it.
    Act,
    /// An act in which this many answers are none that the service knows of.
    ForgedAct {
        answers: i64,
        of_another: bool,
    },
    Accept,
    Refuse {
        reasons: usize,
    },
    Withdraw,
    Wait {
        minutes: i64,
    },
    /// The record is written down and read again.
    Restart,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        16 => prop::bool::weighted(0.9).prop_map(|good| Try::Ask { good }),
        1 => (0..2_usize).prop_map(|reasons| Try::Return { reasons }),
        2 => (1..4_u64, prop::bool::weighted(0.8)).prop_map(|(period, sound)| Try::Resubmit { period, sound }),
        4 => (1..3_usize).prop_map(|entries| Try::Approve { entries }),
        2 => any::<bool>().prop_map(|second| Try::Key { second }),
        3 => Just(Try::Act),
        1 => (1..10_i64, any::<bool>()).prop_map(|(answers, of_another)| Try::ForgedAct { answers, of_another }),
        3 => Just(Try::Accept),
        1 => (0..40_usize).prop_map(|rare| Try::Refuse { reasons: usize::from(rare == 0) }),
        1 => (0..40_i64).prop_map(|rare| if rare == 0 { Try::Withdraw } else { Try::Wait { minutes: rare - 20 } }),
        2 => Just(Try::Restart),
    ];
    prop::collection::vec(one, 0..120)
}

fn shape(period: u64, sound: bool, with_key: bool) -> Form {
    let mut form = form();
    form.purposes[0].period_seconds += period;
    if !sound {
        form.purposes[0].service_ids = texts(&["NOBODY_token"]);
    }
    if !with_key {
        form.ovt_keys.clear();
    }
    form
}

fn reasons(count: usize) -> Vec<Remark> {
    vec![Remark::Words("Причина".to_owned()); count]
}

/// An act that was not formed by the service, with what the service counted at that time.
fn forged(application: &Application, list: i64, of_another: bool, known: &[Answer]) -> Event {
    let testing = count(application, known);
    let told = (0..list).map(|number| answer(1000 + number)).collect::<Vec<_>>();
    let template = super::sample::in_testing();
    let mut act = Act::form(&template, &count(&template, &super::sample::answers(12)), "?", NOON).unwrap();
    act.application = application.id().into();
    act.approved_at = application.approval().map_or(NOON, |approved| approved.at);
    act.formed_at = act.approved_at;
    for (row, told) in act.answers.iter_mut().zip(told) {
        row.decision_id = told.decision;
    }
    if of_another {
        act.organisation.bin = OTHER.into();
    }
    assert_eq!(act.kind, TYPE);
    Event::SubmitAct(file(&act, Evidence::counted(&testing)))
}

/// What the record must show before an application may be in production.
fn is_earned(history: &[Step]) -> bool {
    let place = |wanted: &dyn Fn(&Event) -> bool| history.iter().rposition(|step| wanted(&step.event));
    let approved = place(&|event| matches!(event, Event::Approve(_)));
    let filed = place(&|event| matches!(event, Event::SubmitAct(_)));
    let accepted = place(&|event| matches!(event, Event::Accept));
    let ten = history.iter().rev().find_map(|step| match &step.event {
        Event::SubmitAct(filing) => Some(filing),
        _ => None,
    });
    let has_ten = ten.is_some_and(|filing| {
        let act = Act::from_verified(filing.jws()).unwrap();
        let Evidence::Counted { decisions } = filing.evidence() else { return false };
        act.answers.len() >= 10 && act.answers.iter().all(|answer| decisions.contains(&answer.decision_id))
    });
    let in_order = matches!((approved, filed, accepted), (Some(a), Some(f), Some(c)) if a < f && f + 1 == c);
    in_order && has_ten
}

/// The record played again from its first event.
fn replayed(application: &Application) -> Application {
    let (first, rest) = application.history().split_first().unwrap();
    let Event::Submit { form, due } = &first.event else { panic!("a record begins with the filing") };
    let start = Application::submit(application.id().to_owned(), form.clone(), *due, first.at).unwrap();
    rest.iter().fold(start, |so_far, step| so_far.apply(step.event.clone(), step.at).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn production_is_reached_by_approval_ten_answers_and_an_accepted_act_alone(
        sound in prop::bool::weighted(0.8),
        with_key in any::<bool>(),
        tries in tries(),
    ) {
        let first = shape(0, sound, with_key);
        let mut application = Application::submit("app-1".to_owned(), first, DUE, NOON).unwrap();
        let mut now = NOON;
        let mut known_answers: Vec<Answer> = Vec::new();
        for (number, one) in tries.into_iter().enumerate() {
            now += MINUTE;
            let event = match one {
                Try::Ask { good } => {
                    let mut asked = answer(i64::try_from(number).unwrap());
                    asked.at = now;
                    asked.repeated = !good;
                    known_answers.push(asked);
                    continue;
                }
                Try::Wait { minutes } => {
                    // Also back: a clock may be wrong.
                    now += minutes * MINUTE;
                    continue;
                }
                Try::Restart => {
                    let stored = serde_json::to_vec(&application).unwrap();
                    application = serde_json::from_slice(&stored).unwrap();
                    continue;
                }
                Try::Return { reasons: count } => Event::Return { remarks: reasons(count) },
                Try::Refuse { reasons: count } => Event::Refuse { remarks: reasons(count) },
                Try::Resubmit { period, sound } => Event::Resubmit { form: shape(period, sound, with_key), due: DUE },
                Try::Approve { entries: count } => {
                    let names = entries(application.form()).into_iter().take(count).collect();
                    Event::Approve(Approval::new(application.form(), &known(), names))
                }
                Try::Key { second } => {
                    Event::RegisterKey { pem: if second { SECOND_KEY } else { KEY }.to_owned() }
                }
                Try::Act => {
                    let testing = count(&application, &known_answers);
                    match Act::form(&application, &testing, "КДП (тест)", now) {
                        Ok(act) => Event::SubmitAct(file(&act, Evidence::counted(&testing))),
                        Err(_) => continue,
                    }
                }
                Try::ForgedAct { answers, of_another } => {
                    forged(&application, answers, of_another, &known_answers)
                }
                Try::Accept => Event::Accept,
                Try::Withdraw => Event::Withdraw,
            };
            let is_forged = matches!(&event, Event::SubmitAct(_)) && matches!(one, Try::ForgedAct { .. });
            // A refused event leaves no trace: what stays is held against the record at the end.
            if let Ok(after) = application.clone().apply(event.clone(), now) {
                prop_assert!(!is_forged, "a forged act was taken");
                prop_assert!(!application.stage().has_ended(), "something happened after the end");
                prop_assert_eq!(after.history().len(), application.history().len() + 1);
                prop_assert_eq!(&after.history().last().unwrap().event, &event);
                application = after;
            }
            prop_assert!(application.history().is_sorted_by_key(|step| step.at));
            if application.stage() == Stage::Production {
                prop_assert!(is_earned(application.history()));
            }
        }
        prop_assert_eq!(&replayed(&application), &application);
    }
}

/// The random test would prove nothing if its tries never got there.
#[test]
fn the_tries_of_the_random_test_do_reach_production() {
    let application = super::sample::in_testing();
    let answers: Vec<_> = (1..=10).map(answer).collect();
    let testing = count(&application, &answers);
    let now = NOON + 30 * 60 * MINUTE;
    let act = Act::form(&application, &testing, "КДП (тест)", now).unwrap();
    let filed = application.apply(Event::SubmitAct(file(&act, Evidence::counted(&testing))), now).unwrap();
    let accepted = filed.apply(Event::Accept, now).unwrap();
    assert!(accepted.stage() == Stage::Production && is_earned(accepted.history()));
}
