//! Destruction of what identifies a subject after its time (P 2): nothing leads from the IIN to what was, counts stay,
//! and nothing of it can be read in the files.

use super::bench::{Ask, Bench, NOON, Proof, benches, iin, look, new, phone, record};
use super::revocation::{DAY, END, MONTHS, refusal};
use kdp::consent::Event;
use kdp::consent::method::Method;
use kdp::consent::revocation::Decision;
use kdp::store::register::{Erased, Hold};
use kdp::store::revocation::{Contested, Filed};
use kdp::store::token::Key;
use kdp::store::{AccessRequest, Granted, Heard, Record, Sweeping};
use kdp::text::Reason;

const PHONES: i64 = 90 * DAY;
const PERSONS: i64 = 1825 * DAY;
/// Unlike those of persons, so that it shows which is which.
const ACCESSES: i64 = 2000 * DAY;

impl Bench {
    /// The daily sweep with the times of the configuration; `true`: there may be more.
    async fn sweep(&self, at: i64) -> bool {
        let sweeping = Sweeping {
            phones_before: at - PHONES,
            persons_before: at - PERSONS,
            accesses_before: at - ACCESSES,
        };
        self.store.sweep(sweeping, record(at, "sweep")).await.unwrap()
    }

    async fn erase(&self, subject: u64, before: i64, at: i64) -> Erased {
        self.store.erase(iin(subject), before, record(at, "erase")).await.unwrap()
    }

    fn counts(&self) -> Vec<i64> {
        ["access_request", "journal", "access", "revocation", "status_change"]
            .iter()
            .map(|table| self.number(&format!("SELECT count(*) FROM {table}")))
            .collect()
    }

    /// How many subjects can be found by their IIN.
    fn linked(&self) -> i64 {
        self.number("SELECT count(*) FROM subject WHERE hash IS NOT NULL")
    }
}

/// A token of subject `n` that was asked for by SMS, looked at, contested, kept and given back.
async fn story(bench: &Bench, n: u64) -> AccessRequest {
    let request = bench.waiting(&Ask::of(n), NOON).await;
    bench.say(&phone(n), "ДА", NOON).await;
    let (request, _) = bench.collect(request.id, NOON).await;
    bench.check(look(&request, NOON), NOON).await;
    let Filed::New(application) = bench.file(Contested::Request(request.id), n, NOON).await else {
        panic!("nothing speaks against it")
    };
    bench.solved(application.id, refusal(), NOON).await;
    bench.store.note(Record { subject: Some(iin(n)), ..record(NOON, "looked") }).await.unwrap();
    bench.event(request.id, Event::Cancel, NOON).await;
    request
}

#[tokio::test]
async fn accesses_go_after_their_time_the_oldest_first_and_the_journal_keeps_them() {
    for bench in benches() {
        let request = story(&bench, 1).await;
        for n in 1..4 {
            bench.check(look(&request, NOON + n * DAY), NOON + n * DAY).await;
        }
        let count = || bench.number("SELECT count(*) FROM access");
        let journal = || bench.number("SELECT count(*) FROM journal WHERE outcome NOT LIKE 'swept%'");
        let (all, told) = (count(), journal());
        assert_eq!(all, 4, "{}", bench.name);
        // Persons and numbers have gone before.
        while bench.sweep(NOON + ACCESSES).await {}
        assert_eq!(count(), 4, "{}: not before their time", bench.name);
        assert!(!bench.sweep(NOON + ACCESSES + DAY + 1).await);
        assert_eq!((count(), journal()), (2, told), "{}", bench.name);
        let last = bench.journal().pop().unwrap();
        assert_eq!(last, "swept 0 persons, 0 numbers, 0 links, 2 accesses", "{}", bench.name);
        bench.sweep(NOON + ACCESSES + 9 * DAY).await;
        assert_eq!(count(), 0, "{}", bench.name);
        assert!(bench.number("SELECT count(*) FROM access_request") > 0);
    }
}

#[tokio::test]
async fn accesses_go_in_pieces_while_there_are_more() {
    for bench in benches() {
        let request = story(&bench, 1).await;
        let before = bench.number("SELECT count(*) FROM access");
        for n in 0..600 {
            bench.check(look(&request, NOON), NOON + n).await;
        }
        while bench.sweep(NOON + ACCESSES - DAY).await {}
        assert_eq!(bench.number("SELECT count(*) FROM access"), before + 600, "{}", bench.name);
        assert!(bench.sweep(NOON + ACCESSES + DAY).await, "{}: there are more", bench.name);
        assert_eq!(bench.number("SELECT count(*) FROM access"), before + 100, "{}", bench.name);
        assert!(!bench.sweep(NOON + ACCESSES + DAY).await, "{}", bench.name);
        assert_eq!(bench.number("SELECT count(*) FROM access"), 0, "{}", bench.name);
    }
}

#[tokio::test]
async fn an_access_that_was_dated_ahead_holds_no_other_back() {
    for bench in benches() {
        let (far, later) = (NOON + 20_000 * DAY, NOON + 2 * DAY);
        for (ahead, dated) in [(1, far), (600, far), (1, later), (600, later)] {
            let from = "(at, subject, request, service, owner, status)";
            let first = "(SELECT min(seq) FROM access)";
            bench.run(&format!(
                "DELETE FROM access; INSERT INTO access {from} VALUES ({NOON}, 1, 1, 's', 'o', 'V')"
            ));
            for _ in 0..11 {
                let row = from.trim_matches(['(', ')']);
                bench.run(&format!("INSERT INTO access {from} SELECT {row} FROM access"));
            }
            bench.run(&format!("UPDATE access SET at = {dated} WHERE seq < {first} + {ahead}"));
            while bench.sweep(NOON + ACCESSES + DAY).await {}
            let left = bench.number("SELECT count(*) FROM access");
            assert_eq!(left, ahead, "{}: {ahead} dated {dated}", bench.name);
        }
    }
}

#[tokio::test]
async fn numbers_go_after_ninety_days_and_persons_after_five_years() {
    for bench in benches() {
        let request = story(&bench, 1).await;
        let stored = async || bench.store.request(request.id).await.unwrap();
        bench.sweep(NOON + PHONES).await;
        assert!(stored().await.unwrap().msisdn.is_some(), "{}: not before its time", bench.name);
        bench.sweep(NOON + PHONES + 1).await;
        let kept = stored().await.unwrap();
        assert!(kept.msisdn.is_none() && kept.iin == iin(1) && kept.token.is_some(), "{}", bench.name);
        assert!(kept.consent == super::closed(Reason::Cancelled, NOON), "{}", bench.name);
        bench.sweep(NOON + PERSONS).await;
        assert!(stored().await.is_some(), "{}", bench.name);
        let before = bench.counts();
        bench.sweep(NOON + PERSONS + 1).await;
        assert!(stored().await.is_none() && bench.linked() == 1, "{}", bench.name);
        bench.sweep(NOON + PERSONS + DAY).await;
        assert_eq!(bench.linked(), 0, "{}: once nothing was heard of it for as long", bench.name);
        assert_nothing_leads_to(&bench, 1, &request).await;
        let after = bench.counts();
        assert_eq!(
            (after[0], after[2], after[3]),
            (before[0], before[2], before[3]),
            "{}: counts",
            bench.name
        );
        let told = [
            "swept 0 persons, 1 numbers, 0 links",
            "swept 1 persons, 0 numbers, 0 links",
            "swept 0 persons, 0 numbers, 1 links",
        ];
        let swept: Vec<_> = bench.journal().into_iter().filter(|o| o.starts_with("swept")).collect();
        assert_eq!(swept, told, "{}: and nothing when there was nothing", bench.name);
    }
}

/// Every verb that takes an IIN or an id finds nothing.
async fn assert_nothing_leads_to(bench: &Bench, n: u64, request: &AccessRequest) {
    let (at, name) = (NOON + 2 * PERSONS, bench.name);
    assert!(bench.store.accesses(iin(n), 0, i64::MAX, 100).await.unwrap().is_empty(), "{name}");
    assert!(bench.store.request(request.id).await.unwrap().is_none(), "{name}");
    let token = request.token.as_ref().unwrap();
    let by_id = kdp::store::token::Check { key: Key::Id(token.jti), ..look(request, at) };
    for check in [look(request, at), by_id] {
        assert_eq!(bench.check(check, at).await.status.word(), "unknown", "{name}");
    }
    for contested in [Contested::Request(request.id), Contested::Token(token.jti)] {
        let filed = bench.file(contested, n, at).await;
        assert!(matches!(filed, Filed::Refused(Reason::TokenUnknown)), "{name}");
    }
    let applications = bench.texts("SELECT lower(hex(id)) FROM revocation WHERE person IS NULL");
    for hex in applications {
        let bytes: Vec<u8> =
            (0..16).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let application = kdp::random::Id::from_bytes(bytes.try_into().unwrap());
        assert!(bench.store.application(application, at).await.unwrap().is_none(), "{name}");
    }
    assert_eq!(bench.say(&phone(n), "ДА", at).await, Heard::NothingWaits, "{name}");
    assert_eq!(bench.number("SELECT count(*) FROM access_request WHERE token IS NOT NULL AND keeps = 0"), 0);
    let linked = "SELECT count(*) FROM access_request AS r JOIN subject AS s ON s.id = r.subject
        WHERE s.hash IS NOT NULL AND r.keeps = 0";
    assert_eq!(bench.number(linked), 0, "{name}: the number of what was erased is nobody's");
    // Who asks anew is somebody new to it.
    let before = bench.number("SELECT max(id) FROM subject");
    bench.store.note(Record { subject: Some(iin(n)), ..record(at, "anew") }).await.unwrap();
    let anew = bench.number("SELECT subject FROM journal ORDER BY seq DESC LIMIT 1");
    assert!(anew >= before, "{name}: never the old number");
}

#[tokio::test]
async fn an_erasure_says_what_it_did_and_what_it_had_to_leave() {
    for bench in benches() {
        assert_eq!(bench.erase(1, i64::MAX, NOON).await, Erased::default(), "{}: nobody", bench.name);
        let ended = story(&bench, 1).await;
        let granted = bench.granted(&Ask { services: "C", ..Ask::default() }, 20 * 86_400, NOON).await;
        let until = NOON + 20 * DAY;
        let first = bench.erase(1, i64::MAX, NOON + 8 * DAY).await;
        let expected =
            Erased { requests: 1, applications: 1, kept: 1, kept_until: Some(until), unlinked: false };
        assert_eq!(first, expected, "{}", bench.name);
        assert!(bench.store.request(ended.id).await.unwrap().is_none(), "{}", bench.name);
        assert_eq!(bench.worth(&granted, NOON + 9 * DAY).await, ("active", None), "{}: in force", bench.name);
        let expected = Erased { kept: 1, kept_until: Some(until), ..Erased::default() };
        assert_eq!(bench.erase(1, until, until + 1).await, expected, "{}: not before it ended", bench.name);
        let last = bench.erase(1, until + 1, until + 1).await;
        assert_eq!(last, Erased { requests: 1, unlinked: true, ..Erased::default() }, "{}", bench.name);
        assert_nothing_leads_to(&bench, 1, &granted).await;
        assert_nothing_leads_to(&bench, 1, &ended).await;
    }
}

#[tokio::test]
async fn what_is_in_progress_or_under_review_is_not_erased() {
    for bench in benches() {
        let waiting = bench.waiting(&Ask::default(), NOON).await;
        let expired = bench.granted(&Ask { services: "C", ..Ask::default() }, 60, NOON).await;
        let Filed::New(application) = bench.file(Contested::Request(expired.id), 1, NOON).await else {
            panic!("it is in force")
        };
        let at = NOON + DAY;
        let erased = bench.erase(1, i64::MAX, at).await;
        assert_eq!((erased.requests, erased.kept, erased.unlinked), (0, 2, false), "{}", bench.name);
        bench.sweep(NOON + 2 * PERSONS).await;
        assert!(
            bench.store.request(expired.id).await.unwrap().is_some(),
            "{}: it is under review",
            bench.name
        );
        assert!(bench.store.application(application.id, at).await.unwrap().is_some(), "{}", bench.name);
        bench.review_due(END).await;
        bench.event(waiting.id, Event::Due, END).await;
        let erased = bench.erase(1, i64::MAX, END).await;
        let expected = Erased { requests: 2, applications: 1, ..Erased::default() };
        assert_eq!(erased, expected, "{}: bound by the revocation for a week", bench.name);
        assert!(bench.erase(1, i64::MAX, END + 8 * DAY).await.unlinked, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_subject_that_is_held_stays_linked_and_one_of_two_is_not_touched() {
    for bench in benches() {
        let (held, other) = (story(&bench, 1).await, story(&bench, 2).await);
        bench.hold(1, Hold::Block, true, NOON).await;
        let at = NOON + 8 * DAY;
        let erased = bench.erase(1, i64::MAX, at).await;
        assert_eq!((erased.requests, erased.kept, erased.unlinked), (1, 0, false), "{}", bench.name);
        assert!(bench.store.request(held.id).await.unwrap().is_none());
        let refused = bench.open(&Ask::of(1), at).await;
        assert!(
            matches!(refused, kdp::store::Opened::Refused(Reason::SubjectBlocked)),
            "{}: a block goes on finding its subject",
            bench.name
        );
        assert_eq!(bench.worth(&other, at).await.0, "not-active", "{}", bench.name);
        assert_eq!(bench.store.accesses(iin(2), 0, i64::MAX, 10).await.unwrap().len(), 3);
        bench.hold(1, Hold::Block, false, at + 1).await;
        assert!(bench.erase(1, i64::MAX, at + 2).await.unlinked, "{}", bench.name);
        assert_eq!(bench.linked(), 1, "{}: the other one", bench.name);
        new(bench.open(&Ask::of(1), at + 3).await);
    }
}

#[tokio::test]
async fn the_sweep_unlinks_those_of_whom_nothing_is_left_but_no_others() {
    for bench in benches() {
        story(&bench, 1).await;
        story(&bench, 2).await;
        story(&bench, 3).await;
        bench.hold(2, Hold::Freeze, true, NOON).await;
        let later =
            bench.granted(&Ask { iin: 3, services: "C", ..Ask::default() }, 3600, NOON + PERSONS).await;
        assert_eq!(bench.linked(), 3);
        bench.sweep(NOON + PERSONS + DAY).await;
        assert_eq!(bench.linked(), 2, "{}: the frozen one and the one with a newer request", bench.name);
        assert_eq!(bench.worth(&later, NOON + PERSONS + 2).await.0, "active", "{}", bench.name);
        assert_eq!(bench.store.accesses(iin(3), 0, i64::MAX, 10).await.unwrap().len(), 2, "{}", bench.name);
    }
}

#[tokio::test]
async fn the_sweep_does_not_look_again_and_again_at_those_of_whom_something_is_kept() {
    for bench in benches() {
        // A freeze without an end; a token that outlives the last record about its subject; and nothing but a record.
        bench.hold(1, Hold::Freeze, true, NOON).await;
        bench.granted(&Ask { iin: 2, ..Ask::default() }, MONTHS, NOON).await;
        bench.store.note(Record { subject: Some(iin(3)), ..record(NOON, "looked") }).await.unwrap();
        let now = NOON + PERSONS + DAY;
        let looked_at = |at: i64| {
            // Days are those of Astana.
            let day = (at - PERSONS + 5 * 3_600_000).div_euclid(DAY);
            bench.number(&format!("SELECT count(*) FROM subject WHERE hash IS NOT NULL AND seen < {day}"))
        };
        assert_eq!(looked_at(now), 3, "{}", bench.name);
        bench.sweep(now).await;
        assert_eq!((bench.linked(), looked_at(now), looked_at(now + DAY)), (2, 0, 0), "{}", bench.name);
        // The token expired, and with its time of storage the link ends; the freeze goes on.
        let expired = NOON + PERSONS + MONTHS * 1000 + 1;
        bench.sweep(expired).await;
        assert_eq!(looked_at(expired + DAY), 1, "{}: it is due when its token's time is over", bench.name);
        bench.sweep(expired + DAY).await;
        assert_eq!(bench.linked(), 1, "{}", bench.name);
        // What was lifted is kept as long as any record.
        bench.hold(1, Hold::Freeze, false, expired + DAY).await;
        bench.sweep(expired + DAY + PERSONS).await;
        assert_eq!(bench.linked(), 1, "{}", bench.name);
        bench.sweep(expired + 2 * DAY + PERSONS).await;
        assert_eq!(bench.linked(), 0, "{}", bench.name);
    }
}

#[tokio::test]
async fn erasing_forgets_no_ovt_that_could_be_used_again() {
    for bench in benches() {
        let ask = Ask { method: Method::Logging, phone: None, ..Ask::default() };
        let proof = Proof::new(1, None);
        let Granted::New(granted) = bench.grant(&proof, &ask, NOON).await else { panic!("it is new") };
        bench.event(granted.id, Event::Cancel, NOON).await;
        // Something else is kept, or nothing: the ovt is good for ten hours.
        for services in ["C", "D"] {
            let other = bench.granted(&Ask { services, ..Ask::default() }, 60, NOON + 1).await;
            bench.erase(1, NOON + 1, NOON + 2).await;
            let again = bench.grant(&proof, &ask, NOON + 3).await;
            assert!(matches!(again, Granted::Refused(Reason::OvtUsed)), "{}", bench.name);
            bench.event(other.id, Event::Cancel, NOON + 4).await;
            bench.erase(1, NOON + 5, NOON + 5).await;
            let again = bench.grant(&proof, &ask, NOON + 6).await;
            assert!(matches!(again, Granted::Refused(Reason::OvtUsed)), "{}", bench.name);
        }
    }
}

#[tokio::test]
async fn erasing_forgets_no_revocation_that_an_ovt_of_before_could_meet() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), MONTHS, NOON).await;
        let Filed::New(application) = bench.file(Contested::Request(request.id), 1, NOON).await else {
            panic!("it is in force")
        };
        let at = NOON + 8 * DAY;
        bench.solved(application.id, Decision::Approve, at).await;
        let erased = bench.erase(1, i64::MAX, at + 1).await;
        assert_eq!((erased.requests, erased.unlinked), (1, false), "{}", bench.name);
        let refused = bench.by_ovt(&Ask::default(), at - 1000, at + 2).await;
        assert!(matches!(refused, Granted::Refused(Reason::Revoked)), "{}", bench.name);
        assert!(bench.erase(1, i64::MAX, at + 8 * DAY).await.unlinked, "{}", bench.name);
    }
}

#[tokio::test]
async fn the_sweep_removes_what_nobody_can_ask_for_any_more_and_nothing_else() {
    for bench in benches() {
        story(&bench, 1).await;
        let request = bench.granted(&Ask { services: "C", ..Ask::default() }, MONTHS, NOON).await;
        bench.event(request.id, Event::Cancel, NOON).await;
        let known = bench.store.conflicts("bank".to_owned(), "1".to_owned(), [1; 32], NOON).await.unwrap();
        assert!(!known);
        let counts = || {
            ["heard_sms", "message", "ovt_use", "budget", "status_change"]
                .map(|table| bench.number(&format!("SELECT count(*) FROM {table}")))
        };
        let before = counts();
        assert!(before.iter().all(|count| *count > 0), "{}: {before:?}", bench.name);
        bench.sweep(NOON + 3_600_000).await;
        assert_eq!(counts(), before, "{}: all of it may be asked for", bench.name);
        bench.sweep(NOON + 6 * DAY).await;
        let [heard, message, ovt, budget, status] = counts();
        assert_eq!((heard, message, ovt, budget), (before[0], before[1], 0, 0), "{}", bench.name);
        assert!(status > 0 && bench.listed(&request).await == 1, "{}: the token has not expired", bench.name);
        bench.sweep(NOON + MONTHS * 1000 + 2 * DAY).await;
        assert_eq!(counts(), [0; 5], "{}", bench.name);
    }
}

#[tokio::test]
async fn a_sweep_takes_a_bounded_number_of_rows_and_says_that_there_is_more() {
    let bench = super::bench::sqlite(super::bench::Disk::Hurries);
    for n in 0..501 {
        bench.granted(&Ask { iin: n, ..Ask::default() }, 60, NOON).await;
    }
    let at = NOON + PERSONS + DAY;
    let left = || bench.number("SELECT count(*) FROM access_request WHERE person IS NOT NULL");
    // Persons first, for they keep their links.
    assert!(bench.sweep(at).await && (left(), bench.linked()) == (1, 501));
    assert!(bench.sweep(at).await && (left(), bench.linked()) == (0, 1));
    assert!(!bench.sweep(at).await && bench.linked() == 0);
}

/// What was sealed of a request or an application, as it stands in any file of the database.
fn found(bench: &Bench, sealed: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, bytes) in bench.files() {
        for (n, sealed) in sealed.iter().enumerate() {
            if bytes.windows(sealed.len()).any(|window| window == sealed.as_slice()) {
                found.push(format!("{n} in {file}"));
            }
        }
    }
    found
}

#[tokio::test]
async fn after_an_erasure_no_file_holds_what_was_sealed_of_the_subject() {
    for bench in benches() {
        let kept = story(&bench, 2).await;
        let others = bench.seal.sealed();
        story(&bench, 1).await;
        let all = bench.seal.sealed();
        let own = &all[others.len()..];
        assert!(
            own.len() > 5 && !found(&bench, own).is_empty(),
            "{}: the search finds it before",
            bench.name
        );
        let erased = bench.erase(1, i64::MAX, NOON + 8 * DAY).await;
        assert!(erased.unlinked, "{}", bench.name);
        assert_eq!(found(&bench, own), Vec::<String>::new(), "{}", bench.name);
        assert!(!found(&bench, &others).is_empty(), "{}: others keep theirs", bench.name);
        assert!(bench.store.request(kept.id).await.unwrap().is_some());
        let hash = bench.number("SELECT count(*) FROM subject WHERE hash IS NULL");
        assert_eq!((hash, bench.linked()), (1, 1), "{}", bench.name);
    }
}

#[tokio::test]
async fn after_a_sweep_no_file_holds_what_was_sealed_of_those_who_were_erased() {
    for bench in benches() {
        story(&bench, 1).await;
        let own = bench.seal.sealed();
        bench.sweep(NOON + PHONES + 1).await;
        assert_eq!(
            found(&bench, &own[..3]),
            Vec::<String>::new(),
            "{}: the number with the person",
            bench.name
        );
        let own = bench.seal.sealed();
        bench.sweep(NOON + PERSONS + 1).await;
        assert_eq!(found(&bench, &own), Vec::<String>::new(), "{}", bench.name);
    }
}
