//! What a day allows, so that nobody finds out by trying: who has a number, which code, whose token.

use super::bench::{Ask, NOON, SPANS, benches, bin, id, iin, look, record, services};
use kdp::store::seal::one_time_code;
use kdp::store::token::{Check, Key};
use kdp::store::{Applied, Budget, Change, Charge, Opened, Record, Standing};
use kdp::text::Reason;

const TOMORROW: i64 = NOON + 12 * super::bench::HOUR;

#[tokio::test]
async fn who_has_no_number_is_told_within_the_days_asks_only() {
    let budget = Budget { subject: 10, initiator: 3 };
    for bench in benches() {
        for _ in 1..=3 {
            assert!(bench.store.charge(bin(1), Charge::NoNumber, 3, record(NOON, "no-phone")).await.unwrap());
        }
        assert!(!bench.store.charge(bin(1), Charge::NoNumber, 3, record(NOON, "no-phone")).await.unwrap());
        let outcomes = bench.journal();
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "no-phone").count(), 3, "{}", bench.name);
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "limit-reached").count(), 1);
        let next = |initiator, at| bench.store.standing(bin(initiator), iin(4), services("A"), budget, at);
        assert!(matches!(next(1, NOON).await.unwrap(), Standing::Refused(Reason::LimitReached)));
        assert!(matches!(next(2, NOON).await.unwrap(), Standing::Free), "nobody else's budget is used up");
        assert!(matches!(next(1, TOMORROW).await.unwrap(), Standing::Free));
    }
}

#[tokio::test]
async fn a_subject_is_asked_and_an_initiator_asks_so_often_a_day_and_a_refused_ask_uses_up_neither() {
    let budget = Budget { subject: 2, initiator: 3 };
    for bench in benches() {
        let ask = async |(bin, iin, services), at| {
            let request = Ask { bin, iin, services, ..Ask::default() }.request(at);
            match bench.open_as(request, budget, at).await.unwrap() {
                Opened::New(_) => true,
                Opened::Refused(Reason::LimitReached) => false,
                _ => panic!("{}: neither asked nor refused for the day's budget", bench.name),
            }
        };
        assert!(ask((1, 4, "A"), NOON).await && ask((1, 4, "B"), NOON).await);
        for _ in 0..3 {
            assert!(!ask((1, 4, "C"), NOON).await, "{}: a third ask of the subject", bench.name);
        }
        assert!(ask((1, 5, "A"), NOON).await, "the initiator was not charged for what was refused");
        for _ in 0..3 {
            assert!(!ask((1, 6, "A"), NOON).await, "{}: a fourth ask of the initiator", bench.name);
        }
        assert!(ask((2, 6, "A"), NOON).await && ask((2, 6, "B"), NOON).await, "nor was the subject");
        assert!(!ask((2, 6, "C"), NOON).await, "which is asked no oftener by somebody else");
        assert!(ask((1, 4, "C"), TOMORROW).await);
    }
}

#[tokio::test]
async fn wrong_codes_of_an_initiator_are_counted_over_all_its_requests_and_then_none_is_judged() {
    for bench in benches() {
        // A right one costs nothing.
        let request = bench.waiting(&Ask { iin: 90, ..Ask::by_code() }, NOON).await;
        let right = one_time_code(&*bench.seal, &request);
        assert!(bench.change(request.id, Change::Code(right), NOON + 1).await.1);
        let mut left = SPANS.wrong_codes;
        let mut number = 0;
        while left > 0 {
            number += 1;
            let request = bench.waiting(&Ask { iin: number, ..Ask::by_code() }, NOON).await;
            for _ in 0..left.min(SPANS.attempts) {
                assert!(bench.change(request.id, Change::Code("no code".to_owned()), NOON + 1).await.1);
                left -= 1;
            }
        }
        let request = bench.waiting(&Ask { iin: number + 1, ..Ask::by_code() }, NOON).await;
        let right = one_time_code(&*bench.seal, &request);
        for code in ["no code".to_owned(), right.clone()] {
            let change = bench.store.change(request.id, Change::Code(code), record(NOON + 2, "code"));
            let (unchanged, applied) = change.await.unwrap().unwrap();
            assert_eq!(applied, Applied::OverLimit, "{}", bench.name);
            assert!(unchanged.consent == request.consent, "no try is taken, and none gained");
        }
        let other = bench.waiting(&Ask { bin: 2, ..Ask::by_code() }, NOON).await;
        let right = one_time_code(&*bench.seal, &other);
        assert!(bench.change(other.id, Change::Code(right), NOON + 3).await.1, "others go on");
        let next = bench.waiting(&Ask { iin: number + 2, ..Ask::by_code() }, TOMORROW).await;
        let right = one_time_code(&*bench.seal, &next);
        assert!(bench.change(next.id, Change::Code(right), TOMORROW + 1).await.1, "and so do all tomorrow");
    }
}

#[tokio::test]
async fn an_owner_learns_by_ids_no_more_than_a_day_allows_and_by_tokens_all_that_is_its_own() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), 600, NOON).await;
        let token = request.token.clone().unwrap();
        let by_id = |number| Check {
            key: Key::Id(token.jti),
            subject: Some(iin(number)),
            blind: 2,
            ..look(&request, NOON)
        };
        let ask = |check| bench.store.check_token(check, record(NOON, ""));
        assert!(ask(by_id(1)).await.unwrap().unwrap().status.is_known());
        for number in 2..=3 {
            assert!(!ask(by_id(number)).await.unwrap().unwrap().status.is_known());
        }
        // The right one too: else this refusal would tell what the answer does not.
        for number in [4, 1] {
            assert!(ask(by_id(number)).await.unwrap().is_none(), "{}", bench.name);
        }
        let whole = Check { blind: 2, ..look(&request, NOON) };
        assert!(ask(whole).await.unwrap().unwrap().status.is_known());
        let another = Check { owner: "cadastre".to_owned(), ..by_id(1) };
        assert!(ask(another).await.unwrap().unwrap().status.is_known());
    }
}

#[tokio::test]
async fn a_decision_that_is_made_again_after_a_crash_is_charged_and_journalled_once() {
    let decisions = [id(NOON), id(NOON), id(NOON)];
    for bench in benches() {
        let charge = |n: usize| {
            let record = Record { decision: Some(decisions[n]), ..record(NOON, "dry-run") };
            bench.store.charge(bin(1), Charge::DryRun, 2, record)
        };
        for _ in 0..3 {
            assert!(charge(0).await.unwrap(), "{}", bench.name);
        }
        assert_eq!(bench.number("SELECT sum(asked) FROM budget"), 1, "{}", bench.name);
        assert!(charge(1).await.unwrap());
        // What was refused stays so too.
        for _ in 0..2 {
            assert!(!charge(2).await.unwrap(), "{}", bench.name);
        }
        assert_eq!(bench.number("SELECT sum(asked) FROM budget"), 2);
        assert_eq!(bench.journal(), ["dry-run", "dry-run", "limit-reached"], "{}", bench.name);
    }
}
