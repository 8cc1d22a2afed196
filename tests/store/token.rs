//! The token check and the status list: what an owner is told, when that is an access, and what is published of it.

use super::bench::{Ask, HOUR, NOON, benches, iin, look, record};
use super::registration::sender;
use kdp::consent::Event;
use kdp::consent::identity::Iin;
use kdp::consent::method::Method;
use kdp::consent::standing::{Span, TokenStatus};
use kdp::registry::Suspension;
use kdp::store::register::{Hold, Item};
use kdp::store::token::{Check, Key, Registered};
use kdp::text::Reason;

const DAY: i64 = 24 * HOUR;

fn accesses(bench: &super::bench::Bench) -> i64 {
    bench.number("SELECT count(*) FROM access")
}

/// The initiator of all asks here, suspended from [`NOON`] on.
fn suspended(until: Option<i64>) -> Item {
    let mut sender = sender("One");
    let span = Span { from: NOON, until };
    sender.suspensions.push(Suspension { span, reason: "no security operations centre".to_owned() });
    Item::Sender(Box::new(sender))
}

fn registered(suspensions: Vec<Span>, distrusted: Option<i64>) -> kdp::store::token::AskRegistry {
    Box::new(move |_| Registered { suspensions: suspensions.clone(), distrusted })
}

#[tokio::test]
async fn what_is_none_of_ours_or_for_others_is_unknown_and_tells_nothing() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), 600, NOON).await;
        let other = bench.granted(&Ask { iin: 2, ..Ask::default() }, 600, NOON).await;
        let token = request.token.clone().unwrap();
        let compact = |compact: String| Key::Compact { jti: token.jti, compact };
        let unknown = [
            ("an id of nobody", Check { key: Key::Id(request.id), ..look(&request, NOON) }),
            ("a service it is not for", Check { service: "C".to_owned(), ..look(&request, NOON) }),
            (
                "another's bytes",
                Check { key: compact(other.token.clone().unwrap().compact), ..look(&request, NOON) },
            ),
            (
                "a byte too many",
                Check { key: compact(format!("{} ", token.compact)), ..look(&request, NOON) },
            ),
            (
                "a byte too few",
                Check {
                    key: compact(token.compact[..token.compact.len() - 1].to_owned()),
                    ..look(&request, NOON)
                },
            ),
            (
                "another signature",
                Check {
                    key: compact(token.compact.replace("signature", "signaturf")),
                    ..look(&request, NOON)
                },
            ),
            ("nothing", Check { key: compact(String::new()), ..look(&request, NOON) }),
            ("before it was issued", Check { time: NOON - 1, ..look(&request, NOON) }),
        ];
        for (what, check) in unknown {
            let checked = bench.check(check, NOON).await;
            assert_eq!(checked.status, TokenStatus::Unknown, "{what} on {}", bench.name);
            assert!(checked.request.is_none() && checked.reason.is_none() && !checked.revocation_pending);
        }
        let asked = Check { subject: Some(iin(2)), ..look(&request, NOON) };
        let checked = bench.check(asked, NOON).await;
        assert_eq!(checked.status, TokenStatus::Mismatch, "{}", bench.name);
        assert!(checked.request.is_none() && checked.reason.is_none());
        assert_eq!(accesses(&bench), 0, "{}: nothing of this is an access", bench.name);
        let told: Vec<String> = bench.journal().into_iter().skip(2).collect();
        assert_eq!(told, [vec!["unknown"; 8], vec!["mismatch"]].concat(), "but all of it is journalled");
    }
}

#[tokio::test]
async fn a_token_is_worth_what_became_of_it_at_the_time_asked_about() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), 600, NOON).await;
        bench.event(request.id, Event::Cancel, NOON + 300_000).await;
        let expired = bench.granted(&Ask { services: "C", ..Ask::default() }, 600, NOON).await;
        let late = NOON + DAY;
        for (request, time, status, reason) in [
            (&request, NOON, "active", None),
            (&request, NOON + 299_999, "active", None),
            (&request, NOON + 300_000, "not-active", Some(Reason::Cancelled)),
            (&request, late, "not-active", Some(Reason::Cancelled)),
            (&expired, NOON + 599_999, "active", None),
            (&expired, NOON + 600_000, "expired", Some(Reason::TokenExpired)),
            (&expired, late, "expired", Some(Reason::TokenExpired)),
        ] {
            let by_id = Key::Id(request.token.as_ref().unwrap().jti);
            for check in
                [look(request, time), Check { key: by_id, subject: Some(iin(1)), ..look(request, time) }]
            {
                let checked = bench.check(check, late).await;
                assert_eq!(
                    (checked.status.word(), checked.reason),
                    (status, reason),
                    "{} at {time}",
                    bench.name
                );
                assert!(checked.request.unwrap().id == request.id && !checked.revocation_pending);
            }
        }
        assert_eq!(accesses(&bench), 14, "{}", bench.name);
    }
}

#[tokio::test]
async fn a_block_a_suspension_and_a_distrusted_key_hold_while_they_last() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), 10 * 3600, NOON).await;
        for (on, at) in [(true, NOON + HOUR), (false, NOON + 2 * HOUR), (true, NOON + 3 * HOUR)] {
            assert!(bench.store.hold(iin(1), Hold::Block, on, record(at, "hold")).await.unwrap());
        }
        let now = NOON + 8 * HOUR;
        let spans = vec![
            Span { from: NOON + 2 * HOUR, until: Some(NOON + 150 * 60_000) },
            Span { from: NOON + 5 * HOUR, until: None },
        ];
        for (time, status, reason) in [
            (NOON + HOUR - 1, "active", None),
            (NOON + HOUR, "suspended", Some(Reason::SubjectBlocked)),
            (NOON + 2 * HOUR, "suspended", Some(Reason::Suspended)),
            (NOON + 150 * 60_000, "active", None),
            (NOON + 3 * HOUR, "suspended", Some(Reason::SubjectBlocked)),
            (NOON + 6 * HOUR, "not-active", Some(Reason::KeyDistrusted)),
        ] {
            let facts = registered(spans.clone(), Some(NOON + 6 * HOUR));
            let checked = bench.check(Check { time, registered: facts, ..look(&request, now) }, now).await;
            assert_eq!((checked.status.word(), checked.reason), (status, reason), "{} at {time}", bench.name);
        }
        assert_eq!(accesses(&bench), 6, "{}: suspended or not, it is ours", bench.name);
    }
}

#[tokio::test]
async fn the_registry_is_asked_about_the_request_that_the_token_belongs_to() {
    for bench in benches() {
        let ask = Ask { bin: 3, ..Ask::default() };
        let request = bench.granted(&ask, 600, NOON).await;
        let compact = request.token.clone().unwrap().compact;
        let asked = Box::new(move |found: &kdp::store::AccessRequest| {
            let same = found.bin == super::bench::bin(3) && found.sender == "bank";
            let distrusted = same && found.token.as_ref().is_some_and(|token| token.compact == compact);
            Registered { suspensions: Vec::new(), distrusted: distrusted.then_some(NOON) }
        });
        let checked = bench.check(Check { registered: asked, ..look(&request, NOON) }, NOON).await;
        assert_eq!(checked.reason, Some(Reason::KeyDistrusted), "{}", bench.name);
    }
}

#[tokio::test]
async fn an_access_says_who_looked_when_and_what_it_was_told_newest_first() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), 600, NOON).await;
        let asked = bench.granted(&Ask { services: "C", ..Ask::default() }, 600, NOON + 1).await;
        bench.granted(&Ask { iin: 2, ..Ask::default() }, 600, NOON + 2).await;
        bench.check(look(&request, NOON + 10), NOON + 10).await;
        let second = Check { owner: "cadastre".to_owned(), service: "B".to_owned(), ..look(&request, NOON) };
        bench.check(second, NOON + 700_000).await;
        bench.check(look(&request, NOON + 700_001), NOON + 700_001).await;
        let list = async |from, to, most| bench.store.accesses(iin(1), from, to, most).await.unwrap();
        let told: Vec<_> = list(NOON, NOON + DAY, 100)
            .await
            .into_iter()
            .map(|access| {
                let check =
                    access.check.map(|check| format!("{} {} {}", check.owner, check.service, check.status));
                (access.at - NOON, access.request.id, check)
            })
            .collect();
        let check = |text: &str| Some(text.to_owned());
        let expected = [
            (700_001, request.id, check("register A expired")),
            // What it was told is about the time that it asked about; when it asked is the access.
            (700_000, request.id, check("cadastre B active")),
            (10, request.id, check("register A active")),
            (1, asked.id, None),
            (0, request.id, None),
        ];
        assert_eq!(told, expected, "{}", bench.name);
        assert_eq!(list(NOON + 1, NOON + 10, 100).await.len(), 2, "both ends are inside");
        let newest: Vec<i64> =
            list(NOON, NOON + DAY, 2).await.iter().map(|access| access.at - NOON).collect();
        assert_eq!(newest, [700_001, 700_000], "{}", bench.name);
        let nobody: Iin = iin(77);
        assert!(bench.store.accesses(nobody, 0, i64::MAX, 100).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn places_of_the_status_list_are_allotted_once_and_told_with_the_changes() {
    for bench in benches() {
        assert_eq!(bench.store.allot(256).await.unwrap(), 0);
        assert_eq!(bench.reopened().allot(1).await.unwrap(), 256, "{}", bench.name);
        let changes = bench.store.status_changes(0).await.unwrap();
        assert_eq!((changes.allotted, changes.entries.len(), changes.last), (257, 0, 0), "{}", bench.name);
    }
}

#[tokio::test]
async fn the_status_list_changes_with_the_token_and_is_read_from_where_one_left_off() {
    for bench in benches() {
        let kept = bench.granted(&Ask::default(), 600, NOON).await;
        let request = bench.granted(&Ask { services: "C", ..Ask::default() }, 600, NOON).await;
        assert_eq!((bench.listed(&kept).await, bench.listed(&request).await), (0, 0), "{}", bench.name);
        assert!(bench.store.status_changes(0).await.unwrap().entries.is_empty(), "a new token costs nothing");
        bench.event(request.id, Event::Cancel, NOON + 1).await;
        let changes = bench.store.status_changes(0).await.unwrap();
        let place = request.token.as_ref().unwrap().index.unwrap();
        assert_eq!(changes.entries, [(place, 1)], "{}: one revocation, one change", bench.name);
        assert!(bench.store.status_changes(changes.last).await.unwrap().entries.is_empty());
        bench.event(kept.id, Event::Cancel, NOON + 2).await;
        assert_eq!(bench.store.status_changes(changes.last).await.unwrap().entries.len(), 1);
    }
}

#[tokio::test]
async fn the_tokens_of_a_suspended_initiator_are_listed_as_suspended_in_pages_and_come_back() {
    for bench in benches() {
        let mut requests = Vec::new();
        for n in 0..7 {
            requests.push(bench.granted(&Ask { iin: n, ..Ask::default() }, 600, NOON).await);
        }
        let expired = bench.granted(&Ask { iin: 8, ..Ask::default() }, 1, NOON).await;
        let other = bench.granted(&Ask { bin: 2, ..Ask::of(9) }, 600, NOON).await;
        bench.event(requests[0].id, Event::Cancel, NOON + 1).await;
        bench.store.hold(iin(1), Hold::Block, true, record(NOON + 1, "block")).await.unwrap();
        for (until, expected) in [(None, [1, 2, 2, 2, 2, 2, 2]), (Some(NOON + 2000), [1, 2, 0, 0, 0, 0, 0])] {
            bench.register(suspended(until), NOON + 2000).await;
            let (mut after, mut pages) = (Some(0), 0);
            while let Some(from) = after {
                after = bench.store.restate(super::bench::bin(1), from, 3, NOON + 2000).await.unwrap();
                pages += 1;
            }
            assert_eq!(pages, 3, "{}: three, three, and none", bench.name);
            for (request, expected) in requests.iter().zip(expected) {
                assert_eq!(bench.listed(request).await, expected, "{}", bench.name);
            }
            assert_eq!((bench.listed(&other).await, bench.listed(&expired).await), (0, 0), "{}", bench.name);
        }
    }
}

#[tokio::test]
async fn a_block_lists_the_subjects_tokens_as_suspended_and_its_end_as_what_they_are() {
    for bench in benches() {
        let granted = bench.granted(&Ask::default(), 2 * 86_400, NOON - 1000).await;
        let cancelled = bench.granted(&Ask { services: "C", ..Ask::default() }, 600, NOON).await;
        let other = bench.granted(&Ask { iin: 2, ..Ask::default() }, 600, NOON).await;
        bench.event(cancelled.id, Event::Cancel, NOON).await;
        bench.register(suspended(None), NOON).await;
        let hold =
            async |on, at| bench.store.hold(iin(1), Hold::Block, on, record(at, "block")).await.unwrap();
        hold(true, NOON + 1).await;
        let listed = async || {
            (bench.listed(&granted).await, bench.listed(&cancelled).await, bench.listed(&other).await)
        };
        assert_eq!(listed().await, (2, 1, 0), "{}", bench.name);
        hold(false, NOON + 2).await;
        assert_eq!(listed().await, (2, 1, 0), "{}: its initiator is suspended still", bench.name);
        bench.register(suspended(Some(NOON + DAY)), NOON + DAY).await;
        hold(true, NOON + DAY).await;
        hold(false, NOON + DAY + 1).await;
        assert_eq!(listed().await, (0, 1, 0), "{}: not suspended any more", bench.name);
    }
}

#[tokio::test]
async fn a_token_of_method_one_has_its_place_from_the_collecting_on() {
    for bench in benches() {
        let request = bench.waiting(&Ask { method: Method::Sms, ..Ask::default() }, NOON).await;
        bench.event(request.id, Event::Yes, NOON).await;
        let (collected, _) = bench.collect(request.id, NOON + 1).await;
        assert_eq!(bench.worth(&collected, NOON + 1).await, ("active", None), "{}", bench.name);
        bench.event(request.id, Event::Cancel, NOON + 2).await;
        assert_eq!(
            (bench.listed(&collected).await, bench.worth(&collected, NOON + 2).await.0),
            (1, "not-active")
        );
    }
}
