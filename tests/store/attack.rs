//! Attacks that once succeeded, each of which must fail: a list that forgets, a suspension that spreads or comes late, a
//! clock that is set back, a link that nobody removes, decisions that race. And the bounds of what one piece of work
//! touches (`attack/bound.rs`), and keys that are distrusted (`attack/distrust.rs`).

#[path = "attack/bound.rs"]
mod bound;
#[path = "attack/distrust.rs"]
mod distrust;

use super::bench::{Ask, Bench, HOUR, NOON, Proof, benches, bin, id, iin, look, record};
use super::registration::sender;
use super::revocation::{DAY, END, MONTHS, refusal};
use kdp::consent::method::Method;
use kdp::consent::revocation::{Applicant, Decision, Review};
use kdp::consent::standing::Span;
use kdp::consent::{Consent, Event};
use kdp::registry::{SenderRecord, Suspension};
use kdp::store::register::{Hold, Item};
use kdp::store::revocation::{Contested, Filed, Filing, Solution, Solved};
use kdp::store::token::{Check, Registered};
use kdp::store::{AccessRequest, Granted, Opened, Record, Sweeping};
use kdp::text::Reason;
use tokio::task::JoinSet;

/// An initiator under the BIN of all asks here, suspended from [`NOON`] on.
fn suspended(sender_id: &str, until: Option<i64>) -> Item {
    let span = Span { from: NOON, until };
    let suspensions = vec![Suspension { span, reason: "no security operations centre".to_owned() }];
    Item::Sender(Box::new(SenderRecord { sender_id: sender_id.to_owned(), suspensions, ..sender("One") }))
}

/// One piece of the daily sweep, with nothing of requests that is due.
async fn sweep(bench: &Bench, at: i64) -> bool {
    let sweeping = Sweeping { phones_before: 0, persons_before: 0, accesses_before: 0 };
    bench.store.sweep(sweeping, record(at, "sweep")).await.unwrap()
}

/// A long token of method 2 that this sender asked for.
async fn granted_to(bench: &Bench, sender: &str, subject: u64) -> AccessRequest {
    let ask = Ask { method: Method::OwnMeans, iin: subject, phone: None, ..Ask::default() };
    let mut granting = Proof::formed(NOON).granting(&ask, NOON);
    sender.clone_into(&mut granting.request.sender);
    match bench.store.grant(granting, record(NOON, "granted")).await.unwrap() {
        Granted::New(request) => request,
        Granted::Before(_) => panic!("it was granted before"),
        Granted::Refused(reason) => panic!("refused: {reason:?}"),
    }
}

async fn restate(bench: &Bench, at: i64) {
    let mut after = Some(0);
    while let Some(from) = after {
        after = bench.store.restate(bin(1), from, 2, at).await.unwrap();
    }
}

#[tokio::test]
async fn who_reads_on_in_the_status_list_misses_nothing_after_its_last_entry_was_swept() {
    for bench in benches() {
        let long = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, NOON).await;
        let short = bench.granted(&Ask::default(), 900, NOON).await;
        bench.event(short.id, Event::Cancel, NOON + 1).await;
        let read = bench.store.status_changes(0).await.unwrap().last;
        let at = NOON + 2 * DAY;
        assert!(!sweep(&bench, at).await);
        assert!(bench.store.status_changes(0).await.unwrap().entries.is_empty(), "{}", bench.name);
        let application = bench.filed(&long, at).await;
        bench.solved(application.id, Decision::Approve, at + 1).await;
        let place = long.token.as_ref().and_then(|token| token.index).unwrap();
        let changes = bench.store.status_changes(read).await.unwrap();
        let told = [(place, 3), (place, 1)];
        assert_eq!(changes.entries, told, "{}: a number that was given comes not again", bench.name);
    }
}

#[tokio::test]
async fn a_suspension_stops_the_tokens_of_its_sender_and_of_no_other_under_the_same_bin() {
    for bench in benches() {
        let (own, others) = (granted_to(&bench, "twin", 1).await, granted_to(&bench, "bank", 2).await);
        let listed = async || (bench.listed(&own).await, bench.listed(&others).await);
        for (until, expected) in [(None, (2, 0)), (Some(NOON + 2), (0, 0))] {
            bench.register(suspended("twin", until), NOON + 2).await;
            restate(&bench, NOON + 2).await;
            assert_eq!(listed().await, expected, "{}", bench.name);
            // The same after a block, which marks a subject's tokens by another way.
            for subject in [1, 2] {
                assert!(bench.hold(subject, Hold::Block, true, NOON + 3).await);
                assert!(bench.hold(subject, Hold::Block, false, NOON + 4).await);
            }
            assert_eq!(listed().await, expected, "{}: after a block", bench.name);
        }
        bench.register(suspended("twin", None), NOON + 5).await;
        granted_to(&bench, "bank", 3).await;
        let granting = Proof::formed(NOON).granting(&Ask { phone: None, ..Ask::of(4) }, NOON);
        let request = AccessRequest { sender: "twin".to_owned(), ..granting.request };
        let granting = kdp::store::Granting { request, ..granting };
        let refused = bench.store.grant(granting, record(NOON + 6, "granted")).await.unwrap();
        assert!(matches!(refused, Granted::Refused(Reason::Suspended)), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_suspension_that_an_older_registry_in_memory_does_not_know_stops_every_way_to_a_token() {
    for bench in benches() {
        let waiting = bench.waiting(&Ask::default(), NOON).await;
        assert!(bench.event(waiting.id, Event::Yes, NOON).await.1);
        bench.register(suspended("bank", None), NOON).await;
        let counts = || bench.number("SELECT count(*) FROM access_request");
        let before = counts();
        for method in [Method::OwnMeans, Method::Proactive, Method::Logging] {
            let ask = Ask { method, services: "C", phone: None, ..Ask::default() };
            let refused = bench.grant(&Proof::formed(NOON), &ask, NOON + 1).await;
            assert!(matches!(refused, Granted::Refused(Reason::Suspended)), "{method:?} {}", bench.name);
        }
        for method in [Method::Sms, Method::Code] {
            let refused = bench.open(&Ask { method, services: "C", ..Ask::default() }, NOON + 1).await;
            assert!(matches!(refused, Opened::Refused(Reason::Suspended)), "{method:?} {}", bench.name);
        }
        let (kept, made) = bench.collect(waiting.id, NOON + 1).await;
        assert!(!made && kept.token.is_none(), "{}: what was agreed is not collected", bench.name);
        assert!(matches!(kept.consent, Consent::Agreed { .. }), "{}: it waits", bench.name);
        assert_eq!(counts(), before, "{}", bench.name);
        assert!(bench.journal().ends_with(&["suspended"; 6].map(str::to_owned)), "{}", bench.name);
        let first = if bench.database.is_some() {
            "CAST(detail AS JSONB) #>> '{checks,0,0}'"
        } else {
            "detail ->> '$.checks[0][0]'"
        };
        let check = bench.texts(&format!("SELECT DISTINCT {first} FROM journal WHERE outcome = 'suspended'"));
        assert_eq!(check, ["initiator-active"], "{}: it is the check that failed", bench.name);
        bench.register(suspended("bank", Some(NOON + 2)), NOON + 2).await;
        assert!(bench.collect(waiting.id, NOON + 3).await.1, "{}: afterwards it is", bench.name);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_token_active_again() {
    let (later, before) = (NOON + 60_000, NOON + 59_000);
    for bench in benches() {
        let revoked = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&revoked, NOON).await;
        bench.solved(application.id, Decision::Approve, later).await;
        let blocked = bench.granted(&Ask::of(2), MONTHS, NOON).await;
        assert!(bench.hold(2, Hold::Block, true, later).await);
        let plain = bench.granted(&Ask::of(3), MONTHS, NOON).await;
        for at in [later, before] {
            assert_eq!(bench.worth(&revoked, at).await, ("not-active", Some(Reason::Revoked)), "{at}");
            assert_eq!(bench.worth(&blocked, at).await, ("suspended", Some(Reason::SubjectBlocked)), "{at}");
            for (suspensions, distrusted, expected) in [
                (vec![Span { from: later, until: None }], None, ("suspended", Reason::Suspended)),
                (vec![], Some(later), ("not-active", Reason::KeyDistrusted)),
            ] {
                let registered = Registered { suspensions, distrusted };
                let check = Check { registered: Box::new(move |_| registered.clone()), ..look(&plain, at) };
                let checked = bench.check(check, at).await;
                assert_eq!((checked.status.word(), checked.reason), (expected.0, Some(expected.1)), "{at}");
            }
            // Nor is a consent of before the revocation one again.
            assert!(matches!(
                bench.by_ovt(&Ask::default(), NOON, at).await,
                Granted::Refused(Reason::Revoked)
            ));
        }
        // But what one asks about the past is told as it was.
        let past = bench.check(look(&revoked, before), later).await;
        assert_eq!((past.status.word(), past.reason), ("active", None), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_subject_of_whom_only_refusals_are_known_is_forgotten_with_time_too() {
    for bench in benches() {
        bench.store.note(Record { subject: Some(iin(7)), ..record(NOON, "no-phone") }).await.unwrap();
        let linked = || bench.number("SELECT count(*) FROM subject WHERE hash IS NOT NULL");
        let sweep = async |at| {
            let sweeping = Sweeping { phones_before: at, persons_before: at, accesses_before: 0 };
            assert!(!bench.store.sweep(sweeping, record(at, "sweep")).await.unwrap());
        };
        sweep(NOON + HOUR).await;
        assert_eq!(linked(), 1, "{}: its day is not over", bench.name);
        sweep(NOON + DAY).await;
        assert_eq!(linked(), 0, "{}", bench.name);
        assert_eq!(bench.number("SELECT count(*) FROM journal WHERE subject = 1"), 1, "the count stays");
    }
}

#[tokio::test]
async fn a_refusal_of_a_revocation_is_the_only_decision_and_no_silence_undoes_it() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&request, NOON).await;
        bench.solved(application.id, refusal(), NOON + 1).await;
        for (decision, at) in [(Decision::Approve, NOON + 2), (refusal(), NOON + 2), (Decision::Approve, END)]
        {
            let solved = bench.solve(application.id, 1, decision, at).await;
            assert!(matches!(solved, Solved::Refused(Reason::AlreadyDecided)), "{}", bench.name);
        }
        // Another initiator does not even learn that there was one.
        let foreign = bench.solve(application.id, 2, Decision::Approve, NOON + 2).await;
        assert!(matches!(foreign, Solved::Refused(Reason::ApplicationUnknown)), "{}", bench.name);
        bench.store.review(application.id, record(END + DAY, "review")).await.unwrap();
        let stored = bench.store.application(application.id, END + DAY).await.unwrap().unwrap();
        assert!(matches!(stored.review, Review::Refused { at, .. } if at == NOON + 1), "{}", bench.name);
        assert_eq!(bench.worth(&request, END + DAY).await, ("active", None), "{}", bench.name);
        assert_eq!(bench.listed(&request).await, 0, "{}", bench.name);
        assert_eq!(bench.told(), ["application filed", "application refused"], "{}", bench.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_revoke_and_decide_at_once_one_files_and_one_decides() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let contested = Contested::Token(request.token.as_ref().unwrap().jti);
        let mut filing = JoinSet::new();
        for _ in 0..50 {
            let (store, id) = (bench.store.clone(), id(NOON));
            let (iin, comment) = (iin(1), String::new());
            let filed = Filing { id, contested, iin, applicant: Applicant::Subject, comment };
            filing.spawn(async move { store.file(filed, record(NOON, "")).await.unwrap() });
        }
        let (mut new, mut open) = (Vec::new(), Vec::new());
        for filed in filing.join_all().await {
            match filed {
                Filed::New(application) => new.push(application.id),
                Filed::Open(application) => open.push(application.id),
                Filed::Refused(reason) => panic!("refused: {reason:?}"),
            }
        }
        assert!(new.len() == 1 && open.iter().all(|id| *id == new[0]), "{}", bench.name);
        let mut deciding = JoinSet::new();
        for n in 0..50 {
            let store = bench.store.clone();
            let decision = if n % 2 == 0 { Decision::Approve } else { refusal() };
            let solution = Solution { application: new[0], bin: bin(1), decision };
            deciding.spawn(async move { store.solve(solution, record(NOON + 1, "")).await.unwrap() });
        }
        let mut done = Vec::new();
        for solved in deciding.join_all().await {
            match solved {
                Solved::Done(application) => done.push(application.review),
                Solved::Refused(reason) => assert_eq!(reason, Reason::AlreadyDecided, "{}", bench.name),
            }
        }
        assert_eq!(done.len(), 1, "{}", bench.name);
        let stored = bench.store.application(new[0], NOON + 1).await.unwrap().unwrap();
        assert!(stored.review == done[0], "{}: what was told is what is kept", bench.name);
        let approved = matches!(done[0], Review::Approved { .. });
        let worth = if approved { ("not-active", Some(Reason::Revoked)) } else { ("active", None) };
        assert_eq!(bench.worth(&request, NOON + 1).await, worth, "{}", bench.name);
        assert_eq!(bench.told().len(), 51, "{}: fifty filings, one decision", bench.name);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_lists_no_token_of_a_blocked_subject_as_valid() {
    let (later, before) = (NOON + 60_000, NOON + 59_000);
    for bench in benches() {
        let reviewed = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let application = bench.filed(&reviewed, NOON).await;
        let plain = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, NOON).await;
        let contested = bench.granted(&Ask { services: "D", ..Ask::default() }, MONTHS, NOON).await;
        assert!(bench.hold(1, Hold::Block, true, later).await);
        bench.solved(application.id, refusal(), before).await;
        bench.filed(&contested, before).await;
        restate(&bench, before).await;
        for request in [reviewed, plain, contested] {
            assert_eq!(bench.worth(&request, before).await.0, "suspended", "{}", bench.name);
            assert_eq!(bench.listed(&request).await, 2, "{}: the list says what the check says", bench.name);
        }
    }
}
