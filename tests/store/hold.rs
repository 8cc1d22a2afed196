//! Blocks (P 7-3) and freezes: which asks they refuse, what they leave alone, and that they end.

use super::bench::{Ask, Bench, HOUR, NOON, Proof, WIDE, benches, bin, iin, live, new, record};
use kdp::consent::method::Method;
use kdp::consent::{Consent, Event};
use kdp::store::register::Hold;
use kdp::store::{Granted, Opened, Opening, Record, Standing};
use kdp::text::Reason;

impl Bench {
    /// Whether that changed anything.
    pub async fn hold(&self, subject: u64, hold: Hold, on: bool, at: i64) -> bool {
        self.store.hold(iin(subject), hold, on, record(at, "hold")).await.unwrap()
    }
}

/// Why an ask of this method is refused, if it is; each of other services.
async fn refusal(bench: &Bench, method: Method, services: &'static str, at: i64) -> Option<Reason> {
    let ask = Ask { services, method, ..Ask::default() };
    if method.asks_subject() {
        match bench.open(&ask, at).await {
            Opened::Refused(reason) => Some(reason),
            Opened::New(_) | Opened::Live(_) => None,
        }
    } else {
        let ask = Ask { phone: None, ..ask };
        match bench.grant(&Proof::formed(at), &ask, at).await {
            Granted::Refused(reason) => Some(reason),
            Granted::New(_) | Granted::Before(_) => None,
        }
    }
}

const METHODS: [Method; 5] =
    [Method::Sms, Method::OwnMeans, Method::Proactive, Method::Logging, Method::Code];

#[tokio::test]
async fn a_block_refuses_every_method_and_a_freeze_all_but_logging() {
    for bench in benches() {
        let (block, freeze) = (Some(Reason::SubjectBlocked), Some(Reason::SubjectFrozen));
        for (services, holds, expected) in [
            ("A", &[][..], [None; 5]),
            ("B", &[(Hold::Freeze, true)], [freeze, freeze, freeze, None, freeze]),
            ("C", &[(Hold::Block, true)], [block; 5]),
            ("D", &[(Hold::Freeze, false)], [block; 5]),
            ("E", &[(Hold::Freeze, true), (Hold::Block, false)], [freeze, freeze, freeze, None, freeze]),
            ("F", &[(Hold::Freeze, false)], [None; 5]),
        ] {
            for (hold, on) in holds {
                assert!(bench.hold(1, *hold, *on, NOON).await, "{}", bench.name);
            }
            let mut found = Vec::new();
            for method in METHODS {
                found.push(refusal(&bench, method, services, NOON).await);
            }
            assert_eq!(found, expected, "{services} on {}", bench.name);
            let ask = super::bench::services(&format!("{services}-1"));
            let standing = bench.store.standing(bin(1), iin(1), ask, WIDE, NOON).await.unwrap();
            let told = match standing {
                Standing::Refused(reason) => Some(reason),
                Standing::Free => None,
                Standing::Live(_) => panic!("nothing of this is in progress"),
            };
            assert_eq!(told, expected[0], "{}: the same is told before БМГ is asked", bench.name);
        }
        new(bench.open(&Ask::of(2), NOON).await);
    }
}

#[tokio::test]
async fn a_refusal_by_a_hold_is_a_decision_with_the_check_that_failed() {
    for bench in benches() {
        bench.hold(1, Hold::Freeze, true, NOON).await;
        let detail = r#"{"checks":[["sender-known",true,"yes","yes"]]}"#.to_owned();
        let request = Ask::default().request(NOON);
        let record = Record { subject: Some(iin(1)), detail, ..record(NOON, "waiting") };
        let refused = bench.store.open(Opening { request, budget: WIDE }, record).await.unwrap();
        assert!(matches!(refused, Opened::Refused(Reason::SubjectFrozen)), "{}", bench.name);
        let told = bench.texts("SELECT outcome || ' ' || detail FROM journal WHERE outcome <> 'hold'");
        let expected = concat!(
            "subject-frozen ",
            r#"{"checks":[["sender-known",true,"yes","yes"],"#,
            r#"["subject-open",false,"blocked or frozen","neither blocked nor frozen"]]}"#
        );
        assert_eq!(told, [expected], "{}", bench.name);
        assert_eq!(bench.number("SELECT count(*) FROM access_request"), 0, "{}", bench.name);
        assert_eq!(bench.number("SELECT count(*) FROM budget"), 0, "{}: it costs no ask", bench.name);
    }
}

#[tokio::test]
async fn what_a_subject_agreed_to_is_not_collected_while_it_is_blocked_and_is_afterwards() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        assert!(bench.hold(1, Hold::Block, true, NOON + 1).await);
        let refused = bench.open(&Ask::default(), NOON + 2).await;
        assert!(
            matches!(refused, Opened::Refused(Reason::SubjectBlocked)),
            "{}: a block is first",
            bench.name
        );
        assert!(
            bench.in_progress(&Ask::default(), NOON + 2).await.is_none(),
            "{}: also in this order",
            bench.name
        );
        assert!(bench.event(request.id, Event::Yes, NOON + 3).await.1, "{}", bench.name);
        let (kept, made) = bench.collect(request.id, NOON + 4).await;
        assert!(!made && matches!(kept.consent, Consent::Agreed { .. }), "{}", bench.name);
        assert_eq!(bench.journal().last().map(String::as_str), Some("subject-blocked"), "{}", bench.name);
        assert!(bench.hold(1, Hold::Freeze, true, NOON + 5).await);
        assert!(bench.hold(1, Hold::Block, false, NOON + 6).await);
        assert_eq!(live(bench.open(&Ask::default(), NOON + 6).await).id, request.id, "in progress still");
        let (collected, made) = bench.collect(request.id, NOON + 7).await;
        assert!(made, "{}: a freeze stops new asks, and this is none", bench.name);
        assert_eq!(bench.worth(&collected, NOON + 8).await, ("active", None), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_block_does_not_prolong_what_waits() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        bench.event(request.id, Event::Yes, NOON).await;
        bench.hold(1, Hold::Block, true, NOON).await;
        let (late, made) = bench.collect(request.id, NOON + 300_000).await;
        assert!(!made && !late.consent.is_live(), "{}: a yes waits its time, blocked or not", bench.name);
    }
}

#[tokio::test]
async fn a_hold_begins_and_ends_once_and_is_journalled_when_it_does() {
    for bench in benches() {
        let mut changed = Vec::new();
        for (hold, on) in [
            (Hold::Block, false),
            (Hold::Block, true),
            (Hold::Block, true),
            (Hold::Freeze, true),
            (Hold::Block, false),
            (Hold::Block, false),
            (Hold::Freeze, false),
        ] {
            changed.push(bench.hold(1, hold, on, NOON).await);
        }
        assert_eq!(changed, [false, true, false, true, true, false, true], "{}", bench.name);
        assert_eq!(bench.journal(), ["hold"; 4], "{}", bench.name);
        assert_eq!(bench.number("SELECT count(*) FROM journal WHERE subject IS NOT NULL"), 4);
        assert!(refusal(&bench, Method::Sms, "A", NOON).await.is_none(), "{}: all of it is over", bench.name);
    }
}

#[tokio::test]
async fn a_block_that_is_lifted_and_set_again_at_once_holds() {
    for bench in benches() {
        let request = bench.granted(&Ask::default(), 3600, NOON).await;
        for on in [true, false, true] {
            assert!(bench.hold(1, Hold::Block, on, NOON).await, "{}", bench.name);
        }
        assert_eq!(bench.worth(&request, NOON).await.0, "suspended", "{}", bench.name);
        assert_eq!(bench.listed(&request).await, 2, "{}", bench.name);
        assert!(bench.hold(1, Hold::Block, false, NOON + HOUR / 2).await);
        assert_eq!(bench.worth(&request, NOON + HOUR / 2).await.0, "active", "{}: it comes back", bench.name);
        assert_eq!(bench.listed(&request).await, 0, "{}", bench.name);
    }
}

#[tokio::test]
async fn an_ovt_that_was_used_gives_no_token_back_to_a_blocked_subject() {
    for bench in benches() {
        let proof = Proof::new(1, None);
        let ask = Ask { method: Method::OwnMeans, phone: None, ..Ask::default() };
        assert!(matches!(bench.grant(&proof, &ask, NOON).await, Granted::New(_)));
        bench.hold(1, Hold::Block, true, NOON).await;
        let refused = bench.grant(&proof, &ask, NOON + 1).await;
        assert!(matches!(refused, Granted::Refused(Reason::SubjectBlocked)), "{}", bench.name);
        bench.hold(1, Hold::Block, false, NOON + 2).await;
        assert!(matches!(bench.grant(&proof, &ask, NOON + 3).await, Granted::Before(_)), "{}", bench.name);
    }
}
