//! Messages of `AsyncChannel`: taken in once, woken by whatever ends what they wait for, forgotten in time (wire.md 3).

use super::bench::{Ask, Bench, HOUR, NOON, benches, iin, new, phone, record, token};
use kdp::consent::Event;
use kdp::consent::method::Method;
use kdp::random::Id;
use kdp::store::asynchronous::{Came, Delivery, Intake, Taken};
use kdp::store::register::Hold;
use kdp::store::{Change, Record, Sweeping, Task};
use kdp::text::Reason;
use zeroize::Zeroizing;

const DAY: i64 = 24 * HOUR;

fn bytes(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

impl Bench {
    async fn take(&self, id: Id, chain: &str, asked: &str) -> Taken {
        let intake = Intake {
            id,
            sender: "bank".to_owned(),
            correlation_id: Some(chain.to_owned()),
            message_id: "m-1".to_owned(),
            asked: bytes(asked),
            message: bytes(&format!("{asked}, kept")),
            most: 1000,
        };
        let record = Record { decision: Some(id), ..record(NOON, "taken in") };
        self.store.take(intake, record).await.unwrap()
    }

    /// A message that waits for this request.
    async fn waits_for(&self, request: Id, chain: &str) -> Id {
        let id = super::bench::id(NOON);
        assert_eq!(self.take(id, chain, "ask").await, Taken::New);
        let came = Came { message: bytes("decided"), request: Some(request), waits: true };
        assert!(self.store.came_to(id, came, NOON + 2).await.unwrap(), "{}", self.name);
        assert!(self.tasks(id).await.is_empty() && self.store.unanswered(id).await.unwrap().is_none());
        id
    }

    /// Its answer is tried from now on.
    async fn begins(&self, id: Id) {
        let came = Came { message: bytes("decided"), request: None, waits: false };
        assert!(!self.store.came_to(id, came, NOON + 2).await.unwrap(), "{}", self.name);
    }

    async fn tell(&self, message_id: &str, state: Delivery) -> bool {
        let record = record(NOON + 9, "told");
        self.store.delivery(message_id.to_owned(), state, NOON + HOUR, record).await.unwrap()
    }

    /// What is kept of a message, and whether it still holds its content.
    fn kept(&self) -> i64 {
        self.number("SELECT count(message) FROM asynchronous")
    }
}

#[tokio::test]
async fn a_message_is_taken_in_once_and_its_chain_is_used_for_nothing_else() {
    for bench in benches() {
        let (first, again) = (super::bench::id(NOON), super::bench::id(NOON));
        assert_eq!(bench.take(first, "chain", "ask").await, Taken::New);
        assert_eq!(bench.take(again, "chain", "ask").await, Taken::Before(first));
        assert_eq!(bench.take(again, "chain", "something else").await, Taken::Otherwise);
        assert_eq!(bench.tasks(first).await, [(Task::Answer, NOON)], "one job on {}", bench.name);
        assert!(bench.tasks(again).await.is_empty());
        assert_eq!(bench.take(again, "another chain", "ask").await, Taken::New);
        assert_eq!(bench.journal(), ["taken in", "pushed again", "taken in"]);
        let unanswered = bench.store.unanswered(first).await.unwrap().unwrap();
        assert_eq!(
            (&**unanswered.message, unanswered.request, unanswered.since),
            (&b"ask, kept"[..], None, NOON)
        );
        // After a restart too.
        let reopened = bench.reopened();
        assert!(reopened.unanswered(first).await.unwrap().is_some());
        assert_eq!(
            reopened
                .due(kdp::store::Lane::Answers, NOON, 10)
                .await
                .unwrap()
                .iter()
                .filter(|j| j.task == Task::Answer)
                .count(),
            2
        );
        let ended = bench.store.give_up(first, record(NOON + 1, "given up")).await;
        assert_eq!(ended, Ok(()));
        assert_eq!(bench.take(again, "chain", "ask").await, Taken::Before(first), "also after its end");
    }
}

#[tokio::test]
async fn a_request_that_was_opened_and_not_noted_is_found_by_the_decision() {
    for bench in benches() {
        let id = super::bench::id(NOON);
        bench.take(id, "chain", "ask").await;
        // A refusal opens nothing, whatever request it names: one that a token was used for, one that was not opened.
        let [earlier, never] = [bench.waiting(&Ask::of(2), NOON).await.id, super::bench::id(NOON)];
        for (request, reason) in
            [(earlier, Reason::OvtUsed), (earlier, Reason::LimitReached), (never, Reason::Suspended)]
        {
            let refused = record(NOON, reason.code());
            let refused = Record { kind: "decision", request: Some(request), decision: Some(id), ..refused };
            bench.store.note(refused).await.unwrap();
            let kept = bench.store.unanswered(id).await.unwrap().unwrap();
            assert!(kept.request.is_none(), "{reason:?} on {}", bench.name);
            assert_eq!(kept.decided.as_deref(), Some(reason.code()));
        }
        let request = Ask::default().request(NOON);
        let opened = Record { request: Some(request.id), decision: Some(id), ..record(NOON, "waiting") };
        let budget = kdp::store::Budget { subject: 10, initiator: 10 };
        let opening = kdp::store::Opening { request, budget };
        let request = new(bench.store.open(opening, opened).await.unwrap());
        let found = bench.store.unanswered(id).await.unwrap().unwrap().request;
        assert!(found == Some(request.id), "{}", bench.name);
    }
}

/// A request in the way that it ends, from the state that it is in.
type Ending = (&'static str, fn(&Bench, Id) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>>);

/// Every way in which what a message waits for comes to an end.
const ENDINGS: &[Ending] = &[
    ("a yes by SMS", |b, _| {
        Box::pin(async {
            let _ = b.say(&phone(1), "ДА", NOON + 5).await;
        })
    }),
    ("a no by SMS", |b, _| {
        Box::pin(async {
            let _ = b.say(&phone(1), "ЖОҚ", NOON + 5).await;
        })
    }),
    ("a report of fraud", |b, _| {
        Box::pin(async {
            let _ = b.say(&phone(1), "STOP", NOON + 5).await;
        })
    }),
    ("time", |b, id| Box::pin(async move { drop(b.event(id, Event::Due, NOON + DAY).await) })),
    ("a late answer", |b, _| {
        Box::pin(async {
            let _ = b.say(&phone(1), "ДА", NOON + DAY).await;
        })
    }),
    ("a cancelling", |b, id| Box::pin(async move { drop(b.event(id, Event::Cancel, NOON + 5).await) })),
    ("an SMS that is not delivered", |b, id| {
        Box::pin(async move { drop(b.event(id, Event::SmsUndelivered, NOON + 5).await) })
    }),
    ("the same ask again, after its end", |b, _| {
        Box::pin(async { drop(b.open(&Ask::default(), NOON + DAY).await) })
    }),
];

#[tokio::test]
async fn whatever_ends_a_request_wakes_those_who_wait_for_it() {
    for (how, end) in ENDINGS {
        for bench in benches() {
            let request = bench.waiting(&Ask::default(), NOON).await;
            let both = [bench.waits_for(request.id, "a").await, bench.waits_for(request.id, "b").await];
            end(&bench, request.id).await;
            assert!(!bench.consent(request.id).await.awaits_subject(), "{how}");
            for id in both {
                let tasks = bench.tasks(id).await;
                assert!(
                    matches!(tasks.as_slice(), [(Task::Answer, at)] if *at >= NOON + 5),
                    "{how}: {tasks:?}"
                );
                let unanswered = bench.store.unanswered(id).await.unwrap().unwrap();
                assert!(unanswered.request == Some(request.id) && unanswered.since == tasks[0].1, "{how}");
            }
            // Once: what happens to the request later wakes nobody twice.
            bench.event(request.id, Event::Cancel, NOON + DAY).await;
            assert_eq!(bench.tasks(both[0]).await.len(), 1, "{how}");
        }
    }
}

#[tokio::test]
async fn a_request_that_has_no_number_or_whose_sms_is_refused_wakes_too() {
    for bench in benches() {
        for (n, event) in [(1, Event::NumberAbsent), (2, Event::SmsRefused)] {
            let number = if n == 1 { None } else { Some(n) };
            let ask = Ask { phone: number, ..Ask::of(n) };
            let request = new(bench.open(&ask, NOON).await);
            let id = bench.waits_for(request.id, &format!("chain {n}")).await;
            assert!(bench.event(request.id, event, NOON + 3).await.1);
            assert_eq!(bench.tasks(id).await, [(Task::Answer, NOON + 3)], "{n} on {}", bench.name);
        }
    }
}

#[tokio::test]
async fn what_goes_on_while_the_subject_is_awaited_wakes_nobody() {
    for bench in benches() {
        let request = new(bench.open(&Ask::default(), NOON).await);
        let id = bench.waits_for(request.id, "chain").await;
        bench.event(request.id, Event::SmsAccepted, NOON + 3).await;
        bench.say(&phone(1), "не понял", NOON + 4).await;
        bench.store.hold(iin(1), Hold::Freeze, true, record(NOON, "freeze")).await.unwrap();
        assert!(bench.tasks(id).await.is_empty(), "{}", bench.name);
    }
}

#[tokio::test]
async fn a_message_whose_request_has_ended_already_does_not_wait() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        let id = super::bench::id(NOON);
        bench.take(id, "chain", "ask").await;
        bench.say(&phone(1), "ДА", NOON + 1).await;
        let came = || Came { message: bytes("decided"), request: Some(request.id), waits: true };
        assert!(!bench.store.came_to(id, came(), NOON + 2).await.unwrap(), "the subject was quicker");
        assert_eq!(bench.tasks(id).await, [(Task::Answer, NOON)], "its job stays");
        // By time alone, before anybody wrote it down.
        let silent = bench.waiting(&Ask::of(2), NOON).await;
        let late = super::bench::id(NOON);
        bench.take(late, "late", "ask").await;
        let came = Came { request: Some(silent.id), ..came() };
        assert!(!bench.store.came_to(late, came, NOON + DAY).await.unwrap());
    }
}

#[tokio::test]
async fn an_answer_ends_when_it_is_delivered_and_is_sent_again_when_it_is_not() {
    for bench in benches() {
        let (id, other) = (super::bench::id(NOON), super::bench::id(NOON));
        bench.take(id, "a", "ask").await;
        bench.take(other, "b", "ask").await;
        bench.begins(id).await;
        bench.begins(other).await;
        let sent = |id: Id, theirs: &str| {
            bench.store.sent(id, theirs.to_owned(), NOON + HOUR, record(NOON + 5, "sent"))
        };
        sent(id, "shep-1").await.unwrap();
        sent(other, "").await.unwrap();
        assert!(bench.tasks(id).await.is_empty() && bench.store.unanswered(id).await.unwrap().is_none());
        // By ШЭП's id: it goes on, some time later.
        assert!(bench.tell("shep-1", Delivery::Failed).await, "{}", bench.name);
        assert_eq!(bench.tasks(id).await, [(Task::Answer, NOON + HOUR)]);
        assert_eq!(
            bench.store.unanswered(id).await.unwrap().unwrap().since,
            NOON,
            "its time is not prolonged"
        );
        assert!(!bench.tell("shep-1", Delivery::Failed).await, "it is on its way already");
        assert_eq!(bench.tasks(id).await.len(), 1);
        sent(id, "shep-2").await.unwrap();
        // By ours: it ends, and what was kept of it goes.
        assert_eq!(bench.kept(), 2);
        assert!(bench.tell(&id.to_string(), Delivery::Done).await);
        assert!(bench.tell(&other.to_string(), Delivery::Stopped).await);
        assert_eq!(bench.kept(), 0);
        for state in [Delivery::Done, Delivery::Failed, Delivery::Stopped] {
            assert!(!bench.tell("shep-2", state).await && !bench.tell("unknown", state).await);
        }
        assert!(!bench.tell("", Delivery::Done).await);
        assert_eq!(bench.journal().iter().filter(|outcome| *outcome == "told").count(), 3);
    }
}

#[tokio::test]
async fn what_shep_tells_may_overtake_that_it_took_the_answer_over() {
    for bench in benches() {
        let sent = |id: Id| bench.store.sent(id, "theirs".to_owned(), NOON + HOUR, record(NOON + 10, "sent"));
        let [done, failed] = [0, 1].map(|_| super::bench::id(NOON));
        bench.take(done, "a", "ask").await;
        bench.take(failed, "b", "ask").await;
        // Nobody can know of an answer that was not tried.
        for state in [Delivery::Done, Delivery::Stopped, Delivery::Failed] {
            assert!(!bench.tell(&done.to_string(), state).await, "{}", bench.name);
        }
        assert!(bench.store.unanswered(done).await.unwrap().is_some_and(|kept| !kept.is_begun));
        bench.begins(done).await;
        bench.begins(failed).await;
        assert!(bench.store.unanswered(done).await.unwrap().is_some_and(|kept| kept.is_begun));
        assert!(bench.tell(&done.to_string(), Delivery::Done).await, "{}", bench.name);
        sent(done).await.unwrap();
        assert!(bench.tasks(done).await.is_empty() && bench.kept() == 1, "it is over");
        assert!(bench.tell(&failed.to_string(), Delivery::Failed).await);
        assert!(
            bench.store.unanswered(failed).await.unwrap().is_some(),
            "whoever is killed now answers all the same"
        );
        sent(failed).await.unwrap();
        assert_eq!(bench.tasks(failed).await, [(Task::Answer, NOON + HOUR)], "it is sent again");
        assert!(!bench.tell(&failed.to_string(), Delivery::Failed).await, "which is told once");
        sent(failed).await.unwrap();
        assert!(bench.tasks(failed).await.is_empty());
        assert!(bench.tell("theirs", Delivery::Done).await && bench.kept() == 0);
    }
}

#[tokio::test]
async fn one_id_of_theirs_for_two_answers_tells_of_neither() {
    for bench in benches() {
        for (chain, theirs) in [("a", "same"), ("b", "same"), ("c", "own")] {
            let id = super::bench::id(NOON);
            bench.take(id, chain, "ask").await;
            bench.begins(id).await;
            bench.store.sent(id, theirs.to_owned(), NOON + HOUR, record(NOON + 5, "sent")).await.unwrap();
        }
        assert!(!bench.tell("same", Delivery::Done).await && bench.kept() == 3, "{}", bench.name);
        assert!(bench.tell("own", Delivery::Done).await && bench.kept() == 2);
    }
}

#[tokio::test]
async fn unanswered_messages_are_bounded_for_each_sender() {
    for bench in benches() {
        let intake = |sender: &str, chain: &str| Intake {
            id: super::bench::id(NOON),
            sender: sender.to_owned(),
            correlation_id: Some(chain.to_owned()),
            message_id: String::new(),
            asked: bytes("ask"),
            message: bytes("kept"),
            most: 2,
        };
        let take = async |sender: &str, chain: &str| {
            let intake = intake(sender, chain);
            let id = intake.id;
            (id, bench.store.take(intake, record(NOON, "taken in")).await.unwrap())
        };
        let (first, taken) = take("bank", "a").await;
        assert_eq!((taken, take("bank", "b").await.1), (Taken::New, Taken::New), "{}", bench.name);
        assert_eq!(take("bank", "c").await.1, Taken::TooMany);
        assert_eq!(take("bank", "a").await.1, Taken::Before(first), "it counts once");
        assert_eq!(take("other", "c").await.1, Taken::New, "another sender has its own");
        bench.store.sent(first, "x".to_owned(), NOON, record(NOON, "sent")).await.unwrap();
        assert_eq!(take("bank", "c").await.1, Taken::New, "what was answered does not count");
    }
}

#[tokio::test]
async fn what_was_answered_is_forgotten_after_a_week_and_what_was_not_is_kept() {
    for bench in benches() {
        let request = bench.waiting(&Ask::default(), NOON).await;
        let [open, sent, ended] = [0, 1, 2].map(|_| super::bench::id(NOON));
        bench.waits_for(request.id, "waiting").await;
        for (id, chain) in [(open, "open"), (sent, "sent"), (ended, "ended")] {
            bench.take(id, chain, "ask").await;
        }
        bench.store.sent(sent, "x".to_owned(), NOON, record(NOON, "sent")).await.unwrap();
        bench.store.give_up(ended, record(NOON, "given up")).await.unwrap();
        let rows = async |at: i64| {
            let sweeping = Sweeping { phones_before: 0, persons_before: 0, accesses_before: 0 };
            assert!(!bench.store.sweep(sweeping, record(at, "")).await.unwrap());
            bench.number("SELECT count(*) FROM asynchronous")
        };
        assert_eq!(rows(NOON + 7 * DAY).await, 4, "{}", bench.name);
        assert_eq!(rows(NOON + 7 * DAY + 1).await, 2);
        assert!(bench.store.unanswered(open).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn ids_of_others_and_what_was_asked_stand_nowhere_in_the_clear() {
    for bench in benches() {
        let id = super::bench::id(NOON);
        bench.take(id, "800101399015-chain", "asked about 800101399015").await;
        bench.store.sent(id, "800101399015-theirs".to_owned(), NOON, record(NOON, "sent")).await.unwrap();
        drop(bench.reopened());
        for (_, bytes) in bench.files() {
            assert!(!bytes.windows(12).any(|part| part == b"800101399015"), "{}", bench.name);
        }
    }
}

#[tokio::test]
async fn a_token_that_a_poller_collects_first_is_the_one_that_is_answered_with() {
    for bench in benches() {
        let request = bench.waiting(&Ask { method: Method::Sms, ..Ask::default() }, NOON).await;
        let id = bench.waits_for(request.id, "chain").await;
        bench.say(&phone(1), "ДА", NOON + 5).await;
        let (collected, made) = bench.collect(request.id, NOON + 6).await;
        assert!(made && bench.tasks(id).await.len() == 1);
        let again = bench.change(request.id, Change::Collect(token(NOON + 7)), NOON + 7).await;
        assert!(!again.1 && again.0.token.unwrap().compact == collected.token.unwrap().compact);
        let revoked = bench.event(request.id, Event::GroundEnded(Reason::Revoked), NOON + 8).await;
        assert!(!revoked.1 && bench.tasks(id).await.len() == 1);
    }
}
