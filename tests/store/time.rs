//! What time does, and the work that falls due.

use super::bench::{Ask, HOUR, NOON, benches, new, phone};
use kdp::consent::{Consent, End, Event};
use kdp::store::{Change, Task};
use kdp::text::Reason;

fn timeout(reason: Reason, at: i64) -> Consent {
    Consent::Closed { end: End::Timeout, reason, at }
}

#[tokio::test]
async fn each_span_ends_on_its_millisecond_and_due_writes_it_down() {
    for bench in benches() {
        let seeking = new(bench.open(&Ask { phone: None, ..Ask::of(1) }, NOON).await);
        let sending = new(bench.open(&Ask::of(2), NOON).await);
        let waiting = bench.waiting(&Ask::of(3), NOON).await;
        let by_code = Ask { iin: 4, phone: Some(4), ..Ask::by_code() };
        let code = bench.waiting(&by_code, NOON).await;
        let agreed = bench.waiting(&Ask::of(5), NOON).await;
        bench.event(agreed.id, Event::Yes, NOON).await;
        for (ask, request, span, reason) in [
            (Ask::of(1), &seeking, 80, Reason::BmgUnavailable),
            (Ask::of(2), &sending, 80, Reason::SmsNotSent),
            (Ask::of(3), &waiting, 100, Reason::NoAnswer),
            (by_code, &code, 60, Reason::NoAnswer),
            (Ask::of(5), &agreed, 300, Reason::NotCollected),
        ] {
            let end = NOON + span * 1000;
            let (early, applied) = bench.event(request.id, Event::Due, end - 1).await;
            assert!(applied && early.consent.is_live(), "{} of {reason:?}", bench.name);
            assert!(bench.in_progress(&ask, end - 1).await.is_some_and(|found| found.id == request.id));
            assert!(bench.in_progress(&ask, end).await.is_none(), "read as of now, before it is written");
            let (late, applied) = bench.event(request.id, Event::Due, end + HOUR).await;
            assert!(applied && late.consent == timeout(reason, end), "{} of {reason:?}", bench.name);
            assert!(bench.consent(request.id).await == timeout(reason, end), "dated when it ended");
            assert!(bench.tasks(request.id).await.is_empty(), "{} of {reason:?}", bench.name);
        }
    }
}

#[tokio::test]
async fn a_state_has_the_one_task_that_moves_it_on() {
    for bench in benches() {
        let request = new(bench.open(&Ask { phone: None, ..Ask::default() }, NOON).await);
        assert_eq!(bench.tasks(request.id).await, [(Task::FindNumber, NOON)], "{}", bench.name);
        bench.event(request.id, Event::NumberFound(phone(1)), NOON + 1000).await;
        assert_eq!(bench.tasks(request.id).await, [(Task::SendAsk, NOON + 1000)]);
        bench.event(request.id, Event::SmsAccepted, NOON + 2000).await;
        assert_eq!(bench.tasks(request.id).await, [(Task::Expire, NOON + 102_000)]);
        bench.event(request.id, Event::Yes, NOON + 3000).await;
        assert_eq!(bench.tasks(request.id).await, [(Task::Expire, NOON + 303_000)]);
        bench.collect(request.id, NOON + 4000).await;
        assert_eq!(bench.tasks(request.id).await, [], "{}", bench.name);
        let stored = bench.store.request(request.id).await.unwrap().unwrap();
        assert!(stored.msisdn == Some(phone(1)), "the number is fixed when the subject is asked");
    }
}

#[tokio::test]
async fn jobs_fall_due_in_order_are_put_off_and_done() {
    for bench in benches() {
        let sweep = bench.store.due(kdp::store::Lane::Consent, i64::MAX, 10).await.unwrap();
        assert_eq!(sweep.iter().map(|job| job.task).collect::<Vec<_>>(), [Task::Sweep], "{}", bench.name);
        bench.store.done(sweep[0].id).await.unwrap();
        assert_eq!(bench.store.next_due().await.unwrap(), None);
        let later = new(bench.open(&Ask::of(1), NOON + 10).await);
        let first = new(bench.open(&Ask::of(2), NOON).await);
        let second = new(bench.open(&Ask::of(3), NOON).await);
        assert_eq!(bench.store.next_due().await.unwrap(), Some(NOON));
        assert!(bench.store.due(kdp::store::Lane::Consent, NOON - 1, 10).await.unwrap().is_empty());
        let due = bench.store.due(kdp::store::Lane::Consent, NOON, 10).await.unwrap();
        assert_eq!(
            due.iter().map(|j| j.request).collect::<Vec<_>>(),
            [first.id, second.id],
            "{}",
            bench.name
        );
        let all = bench.store.due(kdp::store::Lane::Consent, NOON + 10, 2).await.unwrap();
        assert_eq!(all.len(), 2, "no more than asked for");
        bench.store.postpone(due[0].id, NOON + 60).await.unwrap();
        bench.store.done(due[1].id).await.unwrap();
        let rest = bench.store.due(kdp::store::Lane::Consent, NOON + 60, 10).await.unwrap();
        let seen: Vec<_> = rest.iter().map(|j| (j.request, j.due, j.tries)).collect();
        assert_eq!(seen, [(later.id, NOON + 10, 0), (first.id, NOON + 60, 1)], "{}", bench.name);
        bench.store.postpone(rest[0].id, NOON + 90).await.unwrap();
        let turned = bench.store.due(kdp::store::Lane::Consent, NOON + 90, 10).await.unwrap();
        assert_eq!(
            turned.iter().map(|j| j.request).collect::<Vec<_>>(),
            [first.id, later.id],
            "earliest first"
        );
        bench.store.done(due[1].id).await.unwrap();
        bench.store.postpone(due[1].id, NOON).await.unwrap();
        assert_eq!(
            bench.store.due(kdp::store::Lane::Consent, i64::MAX, 10).await.unwrap().len(),
            2,
            "what is done stays done"
        );
        // A change of state replaces the job, however it was put off.
        bench.event(first.id, Event::SmsAccepted, NOON + 20).await;
        assert_eq!(bench.tasks(first.id).await, [(Task::Expire, NOON + 100_020)], "{}", bench.name);
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_gives_nobody_more_than_was_written() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        bench.event(request.id, Event::Due, NOON + 100_000).await;
        let (after, applied) = bench.event(request.id, Event::Yes, NOON + 1).await;
        assert!(!applied && after.consent == timeout(Reason::NoAnswer, NOON + 100_000), "{}", bench.name);
        assert!(bench.in_progress(&Ask::default(), NOON + 1).await.is_none());
    }
}

#[tokio::test]
async fn a_span_without_end_does_not_run_round_to_the_past() {
    for bench in benches() {
        let far = i64::MAX - 10;
        let request = new(bench.open(&Ask::default(), far).await);
        let (accepted, applied) = bench.event(request.id, Event::SmsAccepted, far).await;
        assert!(
            applied && accepted.consent == Consent::Waiting { until: i64::MAX, attempts: 0 },
            "{}",
            bench.name
        );
        bench.event(request.id, Event::Yes, far).await;
        let token = kdp::store::Token { expires: i64::MAX, ..super::bench::token(NOON) };
        let (granted, made) = bench.change(request.id, Change::Collect(token), far).await;
        let endless = Consent::Granted { expires: i64::MAX, lapses: None };
        assert!(made && granted.consent.at(i64::MAX - 1) == endless);
    }
}
