//! Applications for revocation: filed once, decided once and in time; silence is a yes, whoever was there to see it
//! (F-16 … F-21).

use super::bench::{Ask, Bench, Disk, HOUR, NOON, Proof, benches, bin, id, iin, new, record, sqlite};
use kdp::clock;
use kdp::consent::method::Method;
use kdp::consent::revocation::{Applicant, Decision, Ground, Review};
use kdp::consent::{Consent, End, Event};
use kdp::random::Id;
use kdp::store::revocation::{Application, Contested, Filed, Filing, Solution, Solved};
use kdp::store::{AccessRequest, Granted, Store, Task};
use kdp::text::Reason;
use std::sync::Arc;
use time::macros::date;

pub const DAY: i64 = 24 * HOUR;
pub const MONTHS: i64 = 200 * 86_400;
/// 24:00 of the last day of a review that begins at [`NOON`]: 2026-04-22.
pub const END: i64 = NOON + 21 * DAY + 12 * HOUR;

pub fn refusal() -> Decision {
    let ground = Ground::Contract {
        number: "17/2026".to_owned(),
        date: date!(2026 - 01 - 20),
        name: "Заём".to_owned(),
    };
    Decision::Refuse { reason: "Договор не исполнен".to_owned(), ground }
}

impl Bench {
    fn filing(contested: Contested, subject: u64, at: i64) -> Filing {
        Filing {
            id: id(at),
            contested,
            iin: iin(subject),
            applicant: Applicant::Representative { authority: "доверенность № 5".to_owned() },
            comment: "Больше не нужно".to_owned(),
        }
    }

    pub async fn file(&self, contested: Contested, subject: u64, at: i64) -> Filed {
        let filing = Self::filing(contested, subject, at);
        self.store.file(filing, record(at, "")).await.unwrap()
    }

    /// An application about the token of a request of subject 1.
    pub async fn filed(&self, request: &AccessRequest, at: i64) -> Application {
        match self.file(Contested::Request(request.id), 1, at).await {
            Filed::New(application) => application,
            Filed::Open(_) => panic!("one is open"),
            Filed::Refused(reason) => panic!("refused: {reason:?}"),
        }
    }

    pub async fn solve(&self, application: Id, initiator: u64, decision: Decision, at: i64) -> Solved {
        let solution = Solution { application, bin: bin(initiator), decision };
        self.store.solve(solution, record(at, "")).await.unwrap()
    }

    pub async fn solved(&self, application: Id, decision: Decision, at: i64) -> Application {
        match self.solve(application, 1, decision, at).await {
            Solved::Done(application) => *application,
            Solved::Refused(reason) => panic!("refused: {reason:?}"),
        }
    }

    /// Does the reviews due at `at`, as a service that runs then.
    pub async fn review_due(&self, at: i64) {
        for job in self.due(at).await {
            if job.task == Task::Review {
                self.store.review(job.request, record(at, "review")).await.unwrap();
            }
        }
    }

    /// What the journal says of applications.
    pub fn told(&self) -> Vec<String> {
        let about =
            |outcome: &String| outcome.starts_with("application ") || outcome.starts_with("deadline ");
        self.journal().into_iter().filter(about).collect()
    }

    /// What became of it when a method 2 request presents an ovt formed at `formed`.
    pub async fn by_ovt(&self, ask: &Ask, formed: i64, at: i64) -> Granted {
        let ask = Ask { method: Method::OwnMeans, phone: None, ..ask.clone() };
        self.grant(&Proof::formed(formed), &ask, at).await
    }
}

fn is_refused(filed: &Filed, reason: Reason) -> bool {
    matches!(filed, Filed::Refused(found) if *found == reason)
}

fn is_revoked(granted: &Granted) -> bool {
    matches!(granted, Granted::Refused(Reason::Revoked))
}

#[tokio::test]
async fn an_application_is_filed_once_and_anew_after_a_refusal() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let token = request.token.as_ref().unwrap().jti;
        let first = bench.filed(&request, NOON).await;
        assert_eq!((first.deadline, first.request, first.token), (date!(2026 - 04 - 22), request.id, token));
        assert!(first.review == Review::Open { ends: END } && first.bin == bin(1) && first.filed == NOON);
        for contested in [Contested::Token(token), Contested::Request(request.id)] {
            match bench.file(contested, 1, NOON + DAY).await {
                Filed::Open(open) => assert!(open.id == first.id && open.deadline == first.deadline),
                _ => panic!("{}: it is open already", bench.name),
            }
        }
        assert_eq!(bench.number("SELECT count(*) FROM revocation"), 1, "{}", bench.name);
        bench.solved(first.id, refusal(), NOON + DAY).await;
        let second = bench.filed(&request, NOON + 2 * DAY).await;
        assert_ne!(second.id, first.id);
        assert_eq!(second.deadline, date!(2026 - 04 - 24), "{}: a term of its own", bench.name);
        let told = ["application filed", "application open", "application open", "application refused"];
        assert_eq!(bench.told(), [&told[..], &["application filed"]].concat(), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_token_stays_active_while_its_revocation_is_reviewed_and_everybody_can_see_that() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        for at in [NOON, END - 1] {
            let checked = bench.check(super::bench::look(&request, at), at).await;
            assert_eq!(
                (checked.status.word(), checked.revocation_pending),
                ("active", true),
                "{}",
                bench.name
            );
        }
        assert_eq!(bench.listed(&request).await, 3, "{}", bench.name);
        bench.solved(application.id, refusal(), NOON + DAY).await;
        let checked = bench.check(super::bench::look(&request, END), END).await;
        assert_eq!((checked.status.word(), checked.revocation_pending), ("active", false), "{}", bench.name);
        assert_eq!(bench.listed(&request).await, 0, "{}", bench.name);
        assert!(bench.tasks(application.id).await.is_empty(), "{}: nothing is left to do", bench.name);
    }
}

#[tokio::test]
async fn nothing_is_filed_about_what_is_unknown_foreign_or_over() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let waiting = bench.waiting(&Ask { services: "W", ..Ask::default() }, NOON).await;
        let expired = bench.granted(&Ask { services: "C", ..Ask::default() }, 60, NOON).await;
        let cancelled = bench.granted(&Ask { services: "D", ..Ask::default() }, MONTHS, NOON).await;
        bench.event(cancelled.id, Event::Cancel, NOON).await;
        let revoked = bench.granted(&Ask { services: "E", ..Ask::default() }, MONTHS, NOON).await;
        let application = bench.filed(&revoked, NOON).await;
        bench.solved(application.id, Decision::Approve, NOON + 1).await;
        let before = bench.number("SELECT count(*) FROM revocation");
        let about = |request: &AccessRequest| Contested::Request(request.id);
        let token = Contested::Token(request.token.as_ref().unwrap().jti);
        for (what, contested, subject, reason) in [
            ("another's token", token, 2, Reason::TokenUnknown),
            ("another's request", about(&request), 2, Reason::TokenUnknown),
            ("an unknown token", Contested::Token(request.id), 1, Reason::TokenUnknown),
            ("an unknown request", Contested::Request(id(NOON)), 1, Reason::TokenUnknown),
            ("no token yet", about(&waiting), 1, Reason::TokenUnknown),
            ("an expired one", about(&expired), 1, Reason::NothingToRevoke),
            ("one given back", about(&cancelled), 1, Reason::NothingToRevoke),
            ("a revoked one", about(&revoked), 1, Reason::Revoked),
        ] {
            let filed = bench.file(contested, subject, NOON + HOUR).await;
            assert!(is_refused(&filed, reason), "{what} on {}", bench.name);
            assert_eq!(bench.journal().last().map(String::as_str), Some(reason.code()), "{what}");
        }
        assert_eq!(bench.number("SELECT count(*) FROM revocation"), before, "{}", bench.name);
        assert_eq!(bench.worth(&request, NOON + HOUR).await, ("active", None), "{}", bench.name);
    }
}

#[tokio::test]
async fn an_approval_ends_the_token_at_once_and_is_the_only_decision() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let at = NOON + 3 * DAY;
        for stranger in [(application.id, 2), (request.id, 1), (id(NOON), 1)] {
            let solved = bench.solve(stranger.0, stranger.1, Decision::Approve, at).await;
            assert!(matches!(solved, Solved::Refused(Reason::ApplicationUnknown)), "{}", bench.name);
        }
        assert_eq!(
            bench.worth(&request, at).await,
            ("active", None),
            "{}: strangers decide nothing",
            bench.name
        );
        let approved = bench.solved(application.id, Decision::Approve, at).await;
        assert!(approved.review == Review::Approved { at });
        assert_eq!(bench.worth(&request, at).await, ("not-active", Some(Reason::Revoked)), "{}", bench.name);
        assert!(bench.consent(request.id).await == super::closed(Reason::Revoked, at));
        assert_eq!(bench.listed(&request).await, 1, "{}", bench.name);
        for decision in [Decision::Approve, refusal()] {
            let solved = bench.solve(application.id, 1, decision, at + 1).await;
            assert!(matches!(solved, Solved::Refused(Reason::AlreadyDecided)), "{}", bench.name);
        }
        let stored = bench.store.application(application.id, END + DAY).await.unwrap().unwrap();
        assert!(stored.review == Review::Approved { at }, "{}", bench.name);
        assert!(bench.tasks(application.id).await.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_reasons_and_its_ground() {
    let act = Ground::Act {
        name: "О банках".to_owned(),
        number: "2444".to_owned(),
        date: date!(1995 - 08 - 31),
        article: "50".to_owned(),
    };
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let Decision::Refuse { ground: contract, .. } = refusal() else { unreachable!() };
        for ground in [act.clone(), contract, Ground::Obligation("заём не возвращён".to_owned())]
        {
            let application = bench.filed(&request, NOON).await;
            let reason = "Договор не исполнен".to_owned();
            let decision = Decision::Refuse { reason: reason.clone(), ground: ground.clone() };
            bench.solved(application.id, decision, NOON + 5).await;
            let stored = bench.reopened().application(application.id, END + DAY).await.unwrap().unwrap();
            assert!(stored.review == Review::Refused { at: NOON + 5, reason, ground }, "{}", bench.name);
            assert!(stored.applicant == application.applicant && stored.comment == "Больше не нужно");
            assert!(stored.iin == iin(1) && stored.filed == NOON && stored.request == request.id);
        }
    }
}

#[tokio::test]
async fn a_decision_counts_until_midnight_of_the_last_day_and_not_after() {
    for bench in benches() {
        for (decision, worth) in
            [(refusal(), ("active", None)), (Decision::Approve, ("not-active", Some(Reason::Revoked)))]
        {
            let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
            let application = bench.filed(&request, NOON).await;
            bench.solved(application.id, decision, END - 1).await;
            assert_eq!(bench.worth(&request, END - 1).await, worth, "{}", bench.name);
        }
        for decision in [refusal(), Decision::Approve] {
            let request = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, END + 1).await;
            let application = bench.filed(&request, END + 1).await;
            let Review::Open { ends } = application.review else { panic!("it is open") };
            let late = bench.solve(application.id, 1, decision, ends).await;
            assert!(matches!(late, Solved::Refused(Reason::AlreadyDecided)), "{}", bench.name);
            assert_eq!(bench.worth(&request, ends).await, ("not-active", Some(Reason::Revoked)));
        }
    }
}

/// The same data with nothing running on them; the bench itself is not used meanwhile.
async fn late(store: &Arc<dyn Store>, at: i64) {
    for job in store.due(kdp::store::Lane::Consent, at, 100).await.unwrap() {
        if job.task == Task::Review {
            store.review(job.request, record(at, "review")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_term_that_ended_while_the_service_was_stopped_takes_effect_dated_right() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        // Nothing ran for three days; then somebody asks before the due work was done.
        let store = bench.reopened();
        let back = END + 3 * DAY + 5 * HOUR;
        let stored = store.application(application.id, back).await.unwrap().unwrap();
        assert!(stored.review == Review::Lapsed { at: END }, "{}", bench.name);
        assert!(store.open_applications(bin(1), None, 10, back).await.unwrap().applications.is_empty());
        for (time, worth) in [(END - 1, ("active", None)), (END, ("not-active", Some(Reason::Revoked)))] {
            let check = super::bench::look(&request, time);
            let checked = store.check_token(check, record(back, "")).await.unwrap().unwrap();
            assert_eq!((checked.status.word(), checked.reason), worth, "{}", bench.name);
        }
        assert_eq!(bench.listed(&request).await, 3, "nobody has written it down yet");
        late(&store, back).await;
        let lapsed = Consent::Closed { end: End::Invalid, reason: Reason::Revoked, at: END };
        assert!(bench.consent(request.id).await == lapsed, "{}: dated to the end of the term", bench.name);
        assert_eq!(bench.listed(&request).await, 1, "{}", bench.name);
        let row = bench.texts("SELECT state || ' ' || decided FROM revocation");
        assert_eq!(row, [format!("lapsed {END}")], "{}", bench.name);
        let told = ["application filed".to_owned(), format!("application lapsed {}", clock::text(END))];
        assert_eq!(bench.told(), told, "{}", bench.name);
        late(&store, back + DAY).await;
        store.review(application.id, record(back + DAY, "review")).await.unwrap();
        assert_eq!(bench.told(), told, "{}: once", bench.name);
        assert!(bench.tasks(application.id).await.is_empty(), "{}", bench.name);
        let late = bench.solve(application.id, 1, refusal(), back + DAY).await;
        assert!(matches!(late, Solved::Refused(Reason::AlreadyDecided)));
        assert!(is_refused(&bench.file(Contested::Request(request.id), 1, back).await, Reason::Revoked));
    }
}

#[tokio::test]
async fn what_time_did_is_written_down_by_whoever_comes_first() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let again = bench.file(Contested::Request(request.id), 1, END + HOUR).await;
        assert!(is_refused(&again, Reason::Revoked), "{}: it was revoked by itself", bench.name);
        assert!(!bench.event(request.id, Event::Cancel, END + HOUR).await.1, "nothing is left to give back");
        bench.review_due(END + DAY).await;
        let stored = bench.store.application(application.id, END + DAY).await.unwrap().unwrap();
        assert!(stored.review == Review::Lapsed { at: END }, "{}", bench.name);
        assert!(bench.consent(request.id).await == super::closed(Reason::Revoked, END), "{}", bench.name);
    }
}

#[tokio::test]
async fn the_initiator_is_reminded_on_days_5_10_and_14_once_each() {
    // 8, 15 and 21 April at nine in the morning.
    let nine = NOON - 3 * HOUR;
    let days = [nine + 7 * DAY, nine + 14 * DAY, nine + 20 * DAY];
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let due = async || bench.tasks(application.id).await;
        for (n, day) in days.into_iter().enumerate() {
            assert_eq!(due().await, [(Task::Review, day)], "{}", bench.name);
            bench.review_due(day - 1).await;
            assert_eq!(bench.told().len(), 1 + n, "{}: not before its time", bench.name);
            bench.review_due(day).await;
            bench.store.review(application.id, record(day, "review")).await.unwrap();
        }
        assert_eq!(due().await, [(Task::Review, END)], "{}", bench.name);
        let told = [
            "application filed",
            "application reminder 1, 11 working days left",
            "application reminder 2, 6 working days left",
            "application reminder 3, 2 working days left",
        ];
        assert_eq!(bench.told(), told, "{}", bench.name);
        let request =
            bench.texts("SELECT DISTINCT hex(request) FROM journal WHERE outcome LIKE '%reminder%'");
        assert_eq!(request.len(), 1, "{}: about the request", bench.name);
    }
}

#[tokio::test]
async fn a_service_that_was_stopped_reminds_of_the_last_day_that_passed() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let nine = NOON - 3 * HOUR;
        bench.review_due(nine + 15 * DAY).await;
        assert_eq!(bench.told()[1..], ["application reminder 2, 5 working days left"], "{}", bench.name);
        assert_eq!(bench.tasks(application.id).await, [(Task::Review, nine + 20 * DAY)], "{}", bench.name);
    }
}

#[tokio::test]
async fn a_review_that_is_run_before_its_time_changes_nothing() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let before = (bench.tasks(application.id).await, bench.told());
        bench.store.review(application.id, record(NOON + HOUR, "review")).await.unwrap();
        assert_eq!((bench.tasks(application.id).await, bench.told()), before, "{}", bench.name);
        bench.store.review(id(NOON), record(NOON, "review")).await.unwrap();
        assert_eq!(bench.told(), before.1, "{}: of none", bench.name);
    }
}

#[tokio::test]
async fn after_a_revocation_only_a_consent_formed_after_it_gives_a_token() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let at = NOON + DAY;
        assert!(matches!(bench.by_ovt(&Ask::default(), NOON, at - 1).await, Granted::New(_)), "not yet");
        bench.solved(application.id, Decision::Approve, at).await;
        for services in ["A;B", "C"] {
            let ask = Ask { services, ..Ask::default() };
            assert!(is_revoked(&bench.by_ovt(&ask, at - 1000, at + HOUR).await), "{}", bench.name);
        }
        let refusals = bench.texts("SELECT outcome FROM journal WHERE outcome = 'revoked'");
        assert_eq!(refusals.len(), 2, "{}", bench.name);
        for other in [Ask { bin: 2, ..Ask::default() }, Ask::of(2)] {
            let granted = bench.by_ovt(&other, at - 1000, at + HOUR).await;
            assert!(matches!(granted, Granted::New(_)), "{}: nobody else's", bench.name);
        }
        let after = bench.by_ovt(&Ask::default(), at, at + HOUR).await;
        assert!(matches!(after, Granted::New(_)), "{}: a consent of after", bench.name);
        assert!(!bench.collect(request.id, at + HOUR).await.1, "no repeat of the old request");
    }
}

#[tokio::test]
async fn a_yes_of_before_a_revocation_gives_no_token_after_it_and_one_during_the_review_does() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        bench.filed(&request, NOON).await;
        let agreed = async |services, at| {
            let request = bench.waiting(&Ask { services, ..Ask::default() }, at).await;
            assert!(bench.event(request.id, Event::Yes, at).await.1);
            request.id
        };
        let during = agreed("C", NOON).await;
        assert!(bench.collect(during, NOON + 1).await.1, "{}: nothing is revoked yet", bench.name);
        let before = agreed("D", END - 1000).await;
        let (after, made) = bench.collect(before, END).await;
        assert!(!made || after.token.is_none(), "{}", bench.name);
        assert!(after.consent == super::closed(Reason::Revoked, END), "{}: nobody wrote it down", bench.name);
        let fresh = agreed("D", END + 1).await;
        assert!(bench.collect(fresh, END + 2).await.1, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_yes_that_a_revocation_ended_ends_no_consent_of_after_it_when_somebody_notices() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let agreed = bench.waiting(&Ask { services: "C", ..Ask::default() }, NOON).await;
        assert!(bench.event(agreed.id, Event::Yes, NOON).await.1);
        bench.solved(application.id, Decision::Approve, NOON + 1500).await;
        let (noticed, _) = bench.collect(agreed.id, NOON + 5000).await;
        assert!(noticed.consent == super::closed(Reason::Revoked, NOON + 1500), "{}", bench.name);
        let formed_between = bench.by_ovt(&Ask::default(), NOON + 3000, NOON + 5000).await;
        assert!(matches!(formed_between, Granted::New(_)), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_silence_revokes_consents_of_before_also_while_nobody_has_written_it_down() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        bench.filed(&request, NOON).await;
        let just_before = END - 1000;
        assert!(is_revoked(&bench.by_ovt(&Ask::default(), just_before, END).await), "{}", bench.name);
        assert!(matches!(
            bench.by_ovt(&Ask::default(), END / 1000 * 1000, END + 1000).await,
            Granted::New(_)
        ));
        bench.review_due(END + HOUR).await;
        assert!(is_revoked(&bench.by_ovt(&Ask::default(), just_before, END + HOUR).await), "{}", bench.name);
        assert!(
            matches!(bench.by_ovt(&Ask::default(), END + 60_000, END + HOUR).await, Granted::New(_)),
            "{}: it took effect at the end of the term, not when it was written down",
            bench.name
        );
    }
}

#[tokio::test]
async fn a_token_given_back_under_review_is_what_the_subject_wanted() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        let at = NOON + DAY;
        assert!(bench.event(request.id, Event::Cancel, at).await.1);
        let stored = bench.store.application(application.id, at).await.unwrap().unwrap();
        assert!(stored.review == Review::Approved { at }, "{}", bench.name);
        assert!(bench.tasks(application.id).await.is_empty(), "{}", bench.name);
        let decided = bench.solve(application.id, 1, refusal(), at).await;
        assert!(matches!(decided, Solved::Refused(Reason::AlreadyDecided)), "{}", bench.name);
        assert!(
            is_revoked(&bench.by_ovt(&Ask::default(), NOON, at + 1).await),
            "{}: no way round",
            bench.name
        );
        assert!(matches!(bench.by_ovt(&Ask::default(), at + 1000, at + 1000).await, Granted::New(_)));
    }
}

#[tokio::test]
async fn a_token_that_expires_under_review_leaves_an_application_that_is_decided_all_the_same() {
    for bench in benches() {
        for (initiator, decision) in [(1, Some(Decision::Approve)), (2, None)] {
            let ask = Ask { bin: initiator, ..Ask::default() };
            let request = bench.granted(&ask, 3600, NOON).await;
            let application = bench.filed(&request, NOON).await;
            let ended = ("expired", Some(Reason::TokenExpired));
            assert_eq!(bench.worth(&request, NOON + HOUR).await, ended, "{}", bench.name);
            assert!(matches!(
                bench.file(Contested::Request(request.id), 1, NOON + HOUR).await,
                Filed::Open(_)
            ));
            match decision {
                Some(decision) => drop(bench.solved(application.id, decision, NOON + 2 * HOUR).await),
                None => bench.review_due(END).await,
            }
            assert_eq!(bench.worth(&request, END + 1).await, ended, "{}: it had expired before", bench.name);
            assert!(is_revoked(&bench.by_ovt(&ask, NOON + HOUR, END).await), "{}", bench.name);
        }
    }
}

#[tokio::test]
async fn an_initiator_reads_its_open_applications_in_pages_oldest_first() {
    let bench = sqlite(Disk::Hurries);
    let mut filed = Vec::new();
    for n in 0..5 {
        let ask = Ask { services: ["A", "B", "C", "D", "E"][n], ..Ask::default() };
        let request = bench.granted(&ask, MONTHS, NOON).await;
        filed.push(bench.filed(&request, NOON + i64::try_from(n).unwrap() * DAY).await.id);
        let foreign = bench.granted(&Ask { bin: 2, ..ask }, MONTHS, NOON).await;
        bench.filed(&foreign, NOON).await;
    }
    let page = async |initiator, after, at| {
        let page = bench.store.open_applications(bin(initiator), after, 2, at).await.unwrap();
        (page.applications.iter().map(|application| application.id).collect::<Vec<_>>(), page.next)
    };
    let now = NOON + 5 * DAY;
    assert_eq!(page(1, None, now).await, (filed[..2].to_vec(), Some(filed[1])));
    assert_eq!(page(1, Some(filed[1]), now).await, (filed[2..4].to_vec(), Some(filed[3])));
    assert_eq!(page(1, Some(filed[3]), now).await, (filed[4..].to_vec(), None));
    assert_eq!(page(2, Some(filed[1]), now).await, (vec![], None), "a foreign place is none");
    bench.solved(filed[0], refusal(), now).await;
    bench.solved(filed[2], Decision::Approve, now).await;
    assert_eq!(page(1, None, now).await, (vec![filed[1], filed[3]], Some(filed[3])), "only open ones");
    assert_eq!(page(1, Some(filed[2]), now).await.0, filed[3..], "also after one that was decided");
    // 2 April, the second's day, counts to the 23rd: its term ends by itself.
    assert_eq!(page(1, None, END + DAY).await.0, filed[3..], "and none whose term is over");
    let latest = bench.store.latest_applications(6, END + DAY).await.unwrap();
    let known: Vec<_> = latest.iter().filter(|one| filed.contains(&one.id)).map(|one| one.id).collect();
    assert_eq!(latest.len(), 6, "of all, the newest");
    assert_eq!(known, [filed[4], filed[3], filed[2]], "newest first");
    let words: Vec<_> =
        latest.iter().filter(|one| known.contains(&one.id)).map(|one| one.review.word()).collect();
    assert_eq!(words, ["open", "open", "approved"]);
}

#[tokio::test]
async fn a_request_of_methods_one_and_five_is_revoked_like_every_other() {
    for bench in benches() {
        let request = new(bench.open(&Ask::default(), NOON).await);
        for event in [Event::SmsAccepted, Event::Yes] {
            assert!(bench.event(request.id, event, NOON).await.1);
        }
        let (request, _) = bench.collect(request.id, NOON).await;
        let application = bench.filed(&request, NOON).await;
        bench.solved(application.id, Decision::Approve, NOON + 1).await;
        assert_eq!(bench.worth(&request, NOON + 1).await.0, "not-active", "{}", bench.name);
        let again = new(bench.open(&Ask::default(), NOON + 2).await);
        assert_ne!(again.id, request.id, "{}: a new ask is a new consent", bench.name);
    }
}
