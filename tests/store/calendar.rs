//! An act that changes working days moves the terms that are open, and each move is journalled (calendar.md).

use super::bench::{Ask, Bench, HOUR, NOON, benches, id, look, record};
use super::revocation::{DAY, END, MONTHS, refusal};
use kdp::clock;
use kdp::consent::calendar::{DayRow, Nature};
use kdp::consent::revocation::Review;
use kdp::consent::{Consent, End};
use kdp::incident::Incident;
use kdp::store::register::{Item, Kind, Moved};
use kdp::store::revocation::Application;
use kdp::store::{AccessRequest, Task};
use kdp::text::Reason;
use time::Date;
use time::macros::date;

/// The last day of a review that begins at [`NOON`].
const LAST: Date = date!(2026 - 04 - 22);

/// An act about days of April 2026.
fn act(nature: Nature, days: &[u8], published: Date) -> Vec<DayRow> {
    let text = || "О переносе дней отдыха".to_owned();
    let april = |day: &u8| Date::from_calendar_date(2026, time::Month::April, *day).unwrap();
    let row = |day| DayRow { date: day, nature, kk: text(), ru: text(), en: text(), act: text(), published };
    days.iter().map(april).map(row).collect()
}

async fn load(bench: &Bench, nature: Nature, days: &[u8], at: i64) -> Vec<Moved> {
    let published = kdp::consent::revocation::date(at).unwrap();
    bench.store.load_calendar(act(nature, days, published), record(at, "act loaded")).await.unwrap()
}

async fn filed(bench: &Bench) -> (AccessRequest, Application) {
    let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
    let application = bench.filed(&request, NOON).await;
    (request, application)
}

/// What a check says of the token one millisecond before `end` and at it, with nothing run in between.
async fn around(bench: &Bench, request: &AccessRequest, end: i64) -> [&'static str; 2] {
    let word = async |at| bench.check(look(request, at), at).await.status.word();
    [word(end - 1).await, word(end).await]
}

#[tokio::test]
async fn days_off_move_an_open_term_to_a_later_day_and_the_token_with_it() {
    for bench in benches() {
        let (request, application) = filed(&bench).await;
        let version = bench.store.registry_version().await.unwrap();
        let moved = load(&bench, Nature::Off, &[6, 7], NOON + HOUR).await;
        let after = date!(2026 - 04 - 24);
        assert_eq!(moved, [Moved { application: application.id.to_string(), before: LAST, after }]);
        let stored = bench.reopened().application(application.id, END).await.unwrap().unwrap();
        assert!(stored.deadline == after && stored.review == Review::Open { ends: END + 2 * DAY });
        assert_eq!(around(&bench, &request, END).await, ["active", "active"], "{}", bench.name);
        assert_eq!(around(&bench, &request, END + 2 * DAY).await, ["active", "not-active"], "{}", bench.name);
        assert_eq!(bench.told()[1..], ["deadline moved from 2026-04-22 to 2026-04-24"], "{}", bench.name);
        let subject =
            bench.number("SELECT count(*) FROM journal WHERE outcome LIKE 'deadline%' AND subject = 1");
        assert_eq!(subject, 1, "{}: under the subject that it concerns", bench.name);
        // Day 5 is 10 April now.
        assert_eq!(bench.tasks(application.id).await, [(Task::Review, NOON + 9 * DAY - 3 * HOUR)]);
        let registry = bench.store.registry().await.unwrap();
        assert!(!registry.calendar.is_working(date!(2026 - 04 - 06), None), "{}", bench.name);
        assert_eq!(registry.version, version + 1);
        bench.review_due(END + 2 * DAY).await;
        let told = bench.told();
        assert_eq!(told.last(), Some(&format!("application lapsed {}", clock::text(END + 2 * DAY))));
    }
}

#[tokio::test]
async fn working_saturdays_move_it_to_an_earlier_day() {
    for bench in benches() {
        let (request, application) = filed(&bench).await;
        let moved = load(&bench, Nature::Work, &[4, 11], NOON + HOUR).await;
        assert_eq!((moved[0].before, moved[0].after), (LAST, date!(2026 - 04 - 20)), "{}", bench.name);
        assert_eq!(around(&bench, &request, END - 2 * DAY).await, ["active", "not-active"], "{}", bench.name);
        let late = bench.solve(application.id, 1, refusal(), END - 2 * DAY).await;
        assert!(matches!(late, kdp::store::revocation::Solved::Refused(Reason::AlreadyDecided)));
        bench.review_due(END).await;
        let lapsed = Consent::Closed { end: End::Invalid, reason: Reason::Revoked, at: END - 2 * DAY };
        assert!(bench.consent(request.id).await == lapsed, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_term_that_an_act_would_have_ended_before_today_lasts_to_the_end_of_today() {
    for bench in benches() {
        let (request, application) = filed(&bench).await;
        // 21 April, three in the afternoon; with six more working days the term would have ended on the 16th.
        let now = NOON + 20 * DAY + 3 * HOUR;
        bench.review_due(now).await;
        let moved = load(&bench, Nature::Work, &[4, 5, 11, 12, 18, 19], now).await;
        assert_eq!((moved[0].before, moved[0].after), (LAST, date!(2026 - 04 - 21)), "{}", bench.name);
        let midnight = END - DAY;
        assert_eq!(around(&bench, &request, midnight).await, ["active", "not-active"], "{}", bench.name);
        assert_eq!(bench.tasks(application.id).await, [(Task::Review, midnight)], "{}", bench.name);
        bench.store.review(application.id, record(now + HOUR, "review")).await.unwrap();
        assert_eq!(
            bench.tasks(application.id).await,
            [(Task::Review, midnight)],
            "{}: no earlier",
            bench.name
        );
        bench.review_due(midnight).await;
        let lapsed = Consent::Closed { end: End::Invalid, reason: Reason::Revoked, at: midnight };
        assert!(bench.consent(request.id).await == lapsed, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_term_that_has_ended_stays_ended_also_when_nobody_has_written_it_down() {
    for bench in benches() {
        let (request, _) = filed(&bench).await;
        assert!(load(&bench, Nature::Off, &[6, 7, 8, 9, 10], END).await.is_empty(), "{}", bench.name);
        assert_eq!(around(&bench, &request, END).await, ["active", "not-active"], "{}", bench.name);
        bench.review_due(END + DAY).await;
        let lapsed = Consent::Closed { end: End::Invalid, reason: Reason::Revoked, at: END };
        assert!(bench.consent(request.id).await == lapsed, "{}", bench.name);
        assert!(load(&bench, Nature::Off, &[13, 14], END + DAY).await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test]
async fn only_terms_that_an_act_touches_are_moved() {
    for bench in benches() {
        let (_, application) = filed(&bench).await;
        let decided = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, NOON).await;
        let other = bench.filed(&decided, NOON).await;
        bench.solved(other.id, refusal(), NOON + 1).await;
        assert!(
            load(&bench, Nature::Off, &[27, 28], NOON + HOUR).await.is_empty(),
            "{}: after it",
            bench.name
        );
        assert!(
            load(&bench, Nature::Off, &[1, 4], NOON + HOUR).await.is_empty(),
            "{}: before it",
            bench.name
        );
        let moved = load(&bench, Nature::Off, &[2], NOON + HOUR).await;
        assert_eq!(moved.len(), 1, "{}", bench.name);
        assert_eq!(moved[0].application, application.id.to_string());
        let expected =
            ["act loaded", "act loaded", "act loaded", "deadline moved from 2026-04-22 to 2026-04-23"];
        assert!(bench.journal().ends_with(&expected.map(str::to_owned)), "{}", bench.name);
    }
}

#[tokio::test]
async fn acts_add_up_and_the_later_one_about_a_day_holds() {
    for bench in benches() {
        let (_, application) = filed(&bench).await;
        load(&bench, Nature::Off, &[6], NOON).await;
        load(&bench, Nature::Off, &[7], NOON + HOUR).await;
        let deadline =
            async || bench.reopened().application(application.id, NOON).await.unwrap().unwrap().deadline;
        assert_eq!(deadline().await, date!(2026 - 04 - 24), "{}", bench.name);
        load(&bench, Nature::Work, &[6], NOON + DAY).await;
        assert_eq!(deadline().await, date!(2026 - 04 - 23), "{}", bench.name);
        assert_eq!(
            bench.store.latest(Kind::Calendar).await.unwrap().len(),
            3,
            "{}: each is kept",
            bench.name
        );
        let new = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, NOON).await;
        assert_eq!(bench.filed(&new, NOON).await.deadline, date!(2026 - 04 - 23), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_reminder_that_was_given_is_not_given_again_when_its_day_moves() {
    for bench in benches() {
        let (_, application) = filed(&bench).await;
        let run = async |from: i64, days: i64| {
            for hours in 0..days * 24 {
                bench.review_due(from + hours * HOUR).await;
            }
        };
        run(NOON, 15).await;
        let reminders = || {
            let told = bench.told().into_iter().filter(|outcome| outcome.contains("reminder"));
            told.map(|outcome| outcome.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let two = ["application reminder 1", "application reminder 2"];
        assert_eq!(reminders(), two, "{}", bench.name);
        // On the 16th two weeks of before are declared days off: days 5 and 10 lie ahead again.
        load(&bench, Nature::Off, &[2, 3, 6, 7, 8, 9, 10, 13, 14, 15], NOON + 15 * DAY).await;
        run(NOON + 15 * DAY, 22).await;
        assert_eq!(reminders(), [&two[..], &["application reminder 3"]].concat(), "{}", bench.name);
        let Review::Open { ends } =
            bench.store.application(application.id, NOON).await.unwrap().unwrap().review
        else {
            panic!("its term has not ended")
        };
        assert_eq!(bench.tasks(application.id).await, [(Task::Review, ends)], "{}", bench.name);
    }
}

#[tokio::test]
async fn an_act_moves_the_notice_of_an_incident_too() {
    for bench in benches() {
        let name = id(NOON).to_string();
        let notice_until = NOON + DAY + 12 * HOUR;
        let incident = Incident {
            id: name.clone(),
            detected_at: NOON,
            notice_until,
            what: "a lost disk".to_owned(),
            persons: None,
            responsible: "security@bank.example".to_owned(),
            notified_at: None,
            closed: None,
        };
        bench.register(Item::Incident(incident), NOON).await;
        let moved = load(&bench, Nature::Off, &[2], NOON + HOUR).await;
        let (before, after) = (date!(2026 - 04 - 02), date!(2026 - 04 - 03));
        assert_eq!(moved, [Moved { application: name.clone(), before, after }], "{}", bench.name);
        let jobs = bench.due(i64::MAX).await;
        let due: Vec<_> = jobs.iter().map(|job| (job.task, job.due)).collect();
        assert_eq!(due, [(Task::Overdue, notice_until + DAY)], "{}", bench.name);
        assert_eq!(bench.store.history(Kind::Incident, name).await.unwrap().len(), 2, "{}", bench.name);
        let told = bench.journal();
        assert!(told.last().is_some_and(|outcome| outcome.ends_with("moved from 2026-04-02 to 2026-04-03")));
    }
}
