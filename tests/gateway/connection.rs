//! Connections: kept, shared, repaired when they turn out to be closed, and given up in time.

use crate::server::{Act, Server};
use crate::shep::{NUMBER, Saying, Stand, good_server, means, signer};
use kdp::consent::identity::Iin;
use kdp::gateway::bounded::Bounded;
use kdp::gateway::citizen::ShepCitizens;
use kdp::gateway::fault::PartyFault;
use kdp::gateway::{BMG, CitizenDirectory};
use kdp::metric::party::{PartyFaultLabels, PartyLabels, PartyMetrics};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Asks this often at the same time.
async fn at_once(stand: &Arc<Stand>, times: usize) {
    let mut asking = JoinSet::new();
    for _ in 0..times {
        let stand = stand.clone();
        asking.spawn(async move { stand.numbers().await });
    }
    for numbers in asking.join_all().await {
        assert_eq!(numbers, Ok(vec![NUMBER.to_owned()]));
    }
}

async fn one_by_one(stand: &Stand, times: usize) {
    for n in 0..times {
        assert_eq!(stand.numbers().await, Ok(vec![NUMBER.to_owned()]), "question {n}");
    }
}

#[tokio::test]
async fn questions_share_the_connections_that_are_kept() {
    let server = good_server().await;
    let stand = Arc::new(Stand::by(&server.url, means("service", 3)));
    one_by_one(&stand, 10).await;
    assert_eq!(server.connections(), 1);
    at_once(&stand, 8).await;
    let many = server.connections();
    assert!((2..=8).contains(&many), "{many}");
    one_by_one(&stand, 10).await;
    assert_eq!(server.connections(), many, "a kept one is used");
    at_once(&stand, 3).await;
    assert_eq!(server.connections(), many, "three were kept");
}

#[tokio::test]
async fn with_none_to_be_kept_each_question_has_its_own() {
    let server = good_server().await;
    one_by_one(&Stand::by(&server.url, means("service", 0)), 4).await;
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn after_an_answer_that_its_connection_alone_would_bind_that_is_not_used_again() {
    let shep = signer("shep");
    let about =
        format!("<s:iin>{}</s:iin><s:msisdn>{NUMBER}</s:msisdn><s:status>found</s:status>", crate::shep::IIN);
    let server = Server::start(move |asked| {
        let saying = Saying { correlation_id: String::new(), ..Saying::to(asked) };
        Act::Answer(200, saying.with(&about).signed(&shep))
    })
    .await;
    one_by_one(&Stand::new(&server.url), 4).await;
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn after_an_answer_that_was_not_believed_its_connection_is_not_used_again() {
    let shep = signer("shep");
    let server = Server::start(move |asked| {
        let mut answer = Saying::to(asked);
        if asked.connection == 0 {
            answer.correlation_id = "another".to_owned();
        }
        Act::Answer(200, answer.signed(&shep))
    })
    .await;
    let stand = Stand::new(&server.url);
    assert_eq!(stand.numbers().await, Err(PartyFault::OtherQuestion));
    one_by_one(&stand, 3).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn what_comes_behind_an_answer_answers_nothing_and_ends_its_connection() {
    for (behind, pause) in [(&b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..], 0), (b"x", 0), (b"x", 50)]
    {
        let shep = signer("shep");
        let server = Server::start(move |asked| {
            Act::AnswerAndMore(Saying::to(asked).signed(&shep), behind.to_vec(), Duration::from_millis(pause))
        })
        .await;
        let stand = Stand::new(&server.url);
        for _ in 0..3 {
            one_by_one(&stand, 1).await;
            tokio::time::sleep(Duration::from_millis(2 * pause)).await;
        }
        assert_eq!((server.connections(), server.asked().len()), (3, 3), "{pause}");
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_question() {
    let shep = signer("shep");
    let server = Server::start(move |asked| Act::AnswerAndClose(200, Saying::to(asked).signed(&shep))).await;
    let stand = Stand::new(&server.url);
    one_by_one(&stand, 10).await;
    assert_eq!((server.connections(), server.asked().len()), (10, 10));
}

#[tokio::test]
async fn a_question_that_crosses_the_closing_of_a_kept_connection_is_asked_once_more() {
    let shep = signer("shep");
    let server = Server::start(move |asked| match asked.turn {
        0 => Act::Answer(200, Saying::to(asked).signed(&shep)),
        _ => Act::Bytes(Vec::new()),
    })
    .await;
    one_by_one(&Stand::new(&server.url), 5).await;
    let asked: Vec<_> = server.asked().iter().map(|asked| (asked.connection, asked.turn)).collect();
    assert_eq!(asked, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0)]);
    let bodies = server.asked();
    assert_eq!(bodies[1].body, bodies[2].body, "the same question, under the same id");
}

#[tokio::test]
async fn a_question_is_asked_no_third_time_and_none_is_repeated_that_was_answered_in_part() {
    let shep = signer("shep");
    let is_alive = |connection, turn| connection == 0 && turn == 0;
    let server = Server::start(move |asked| {
        if is_alive(asked.connection, asked.turn) {
            Act::Answer(200, Saying::to(asked).signed(&shep))
        } else {
            Act::Bytes(Vec::new())
        }
    })
    .await;
    let stand = Stand::new(&server.url);
    one_by_one(&stand, 1).await;
    assert_eq!(stand.numbers().await, Err(PartyFault::Unreachable));
    assert_eq!(server.asked().len(), 3, "on the kept connection, and on a new one");
    assert_eq!(stand.numbers().await, Err(PartyFault::Unreachable));
    assert_eq!(server.asked().len(), 4, "on a new connection alone");

    for part in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<a"] {
        let shep = signer("shep");
        let server = Server::start(move |asked| match asked.turn {
            0 => Act::Answer(200, Saying::to(asked).signed(&shep)),
            _ => Act::Bytes(part.as_bytes().to_vec()),
        })
        .await;
        let stand = Stand::new(&server.url);
        one_by_one(&stand, 1).await;
        assert_eq!(stand.numbers().await, Err(PartyFault::Unreachable), "{part}");
        assert_eq!(server.asked().len(), 2, "{part}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_falls_silent_takes_the_others_with_it() {
    let shep = signer("shep");
    let mut answered = 0;
    let server = Server::start(move |asked| {
        // As behind a firewall that forgot them all: only new connections work.
        answered += 1;
        if asked.turn > 0 && answered > 8 {
            Act::Silence
        } else {
            Act::Answer(200, Saying::to(asked).signed(&shep))
        }
    })
    .await;
    let stand = Arc::new(Stand::new(&server.url));
    at_once(&stand, 8).await;
    let before = server.connections();
    assert!(before > 1);
    let given_up = tokio::time::timeout(Duration::from_millis(200), stand.numbers()).await;
    assert!(given_up.is_err());
    one_by_one(&stand, 1).await;
    assert_eq!(server.connections(), before + 1, "no other old one was tried");
}

#[tokio::test]
async fn a_silent_party_costs_its_time_is_left_alone_and_seen_in_the_figures() {
    let server = Server::start(|_| Act::Silence).await;
    let stand = Stand::new(&server.url);
    let citizens: Arc<dyn CitizenDirectory> =
        Arc::new(ShepCitizens::new(stand.shep.clone(), "MCDB_SERVICE".to_owned()));
    let figures = PartyMetrics::default();
    let bounded: Bounded<dyn CitizenDirectory> =
        Bounded::new((BMG, citizens), figures.clone(), Duration::from_millis(400), 4);
    let iin = Iin::parse(crate::shep::IIN).unwrap();
    let left_alone = || figures.left_alone.get_or_create(&PartyLabels { party: BMG }).get();
    assert_eq!(left_alone(), 0);
    for _ in 0..5 {
        assert_eq!(bounded.numbers(&iin).await, Err(PartyFault::Timeout));
    }
    assert_eq!(left_alone(), 1);
    assert_eq!(bounded.numbers(&iin).await, Err(PartyFault::LeftAlone));
    assert_eq!(server.asked().len(), 5);
    let labels = PartyFaultLabels { party: BMG, fault: PartyFault::Timeout.code() };
    assert_eq!(figures.faults.get_or_create(&labels).get(), 5);
}
