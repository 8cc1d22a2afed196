//! How long an answer of an OCSP service serves, when it is renewed, and who waits while there is none.

use crate::authority::{DAY, NOW, long_time};
use crate::list::leaf;
use crate::ocsp::Stand;
use crate::ocsp_answer::{Answer, GOOD, revoked};
use crate::server::Reply;
use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, tag};
use kdp::trust::revocation::ocsp::{Hash, Ocsp, OcspError, Status};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

#[tokio::test]
async fn answers_are_remembered_until_they_are_stale_and_outages_for_seconds() {
    let stand = Stand::new().await;
    let ocsp = Arc::new(Ocsp::new(&stand.server.url, Hash::Sha1, 500).unwrap());
    let certificate = Arc::new(leaf(&stand.authority, &[5]));
    let ask = |at| {
        let (ocsp, certificate, authority) = (ocsp.clone(), certificate.clone(), stand.authority.clone());
        tokio::spawn(
            async move { ocsp.status(&certificate, &authority.certificate, &Arc::default(), at).await },
        )
    };
    let asked = || stand.server.requests().len();
    let authority = stand.authority.clone();
    stand.server.answer(move |request| {
        Reply::ok(Answer::to(&request.body, &authority.certificate, &GOOD).by(&authority))
    });
    // One question for a crowd.
    let crowd: Vec<_> = (0..20).map(|_| ask(NOW)).collect();
    for one in crowd {
        assert_eq!(one.await.unwrap(), Ok(Status::Good));
    }
    assert_eq!(asked(), 1);
    assert_eq!(ask(NOW + 240).await.unwrap(), Ok(Status::Good));
    assert_eq!(asked(), 1);
    stand.server.answer(|_| Reply::Nothing);
    let crowd: Vec<_> = (0..20).map(|_| ask(NOW + 301)).collect();
    for one in crowd {
        assert_eq!(one.await.unwrap(), Err(OcspError::Unavailable));
    }
    assert_eq!(asked(), 2);
    assert_eq!(ask(NOW + 306).await.unwrap(), Err(OcspError::Unavailable));
    assert_eq!(asked(), 2);
    let authority = stand.authority.clone();
    stand.server.answer(move |request| {
        let mut answer = Answer::to(&request.body, &authority.certificate, &revoked(NOW));
        (answer.produced_at, answer.rest) =
            (long_time(NOW + 307), der::value(tag::context(0), &long_time(NOW + 310)));
        Reply::ok(answer.by(&authority))
    });
    assert_eq!(ask(NOW + 307).await.unwrap(), Ok(Status::Revoked(NOW)));
    assert_eq!(ask(NOW + 310).await.unwrap(), Ok(Status::Revoked(NOW)));
    assert_eq!(asked(), 3);
    let _ = ask(NOW + 311).await.unwrap();
    assert_eq!(asked(), 4);
    let tally: Vec<_> = ocsp.take_tally().collect();
    assert_eq!(tally, [("good", 1), ("revoked", 1), ("unknown", 0), ("unavailable", 1), ("not-believed", 1)]);
    assert!(ocsp.take_tally().all(|(_, count)| count == 0));
}

/// A service that remembers, and one certificate that it is asked about.
struct Remembering {
    ocsp: Arc<Ocsp>,
    certificate: Arc<Certificate>,
}

impl Remembering {
    fn of(stand: &Stand, timeout_ms: u32) -> Self {
        let ocsp = Arc::new(Ocsp::new(&stand.server.url, Hash::Sha1, timeout_ms).unwrap());
        Self { ocsp, certificate: Arc::new(leaf(&stand.authority, &[5])) }
    }

    fn ask(&self, stand: &Stand, at: i64) -> JoinHandle<Result<Status, OcspError>> {
        let (ocsp, certificate, authority) =
            (self.ocsp.clone(), self.certificate.clone(), stand.authority.clone());
        tokio::spawn(
            async move { ocsp.status(&certificate, &authority.certificate, &Arc::default(), at).await },
        )
    }

    /// What one of the crowd is told before any question could be answered.
    async fn at_once(&self, stand: &Stand, at: i64) -> Result<Status, OcspError> {
        let told = tokio::time::timeout(Duration::from_secs(1), self.ask(stand, at)).await;
        told.expect("it waits for the service").unwrap()
    }
}

impl Stand {
    /// Answers from now on with this status, made at `at`.
    fn answers(&self, status: &[u8], at: i64) {
        let (authority, status) = (self.authority.clone(), status.to_vec());
        self.server.answer(move |request| {
            let mut answer = Answer::to(&request.body, &authority.certificate, &status);
            (answer.produced_at, answer.this_update) = (long_time(at), long_time(at));
            Reply::ok(answer.by(&authority))
        });
    }

    fn fails(&self) {
        self.server.answer(|_| Reply::Answer(500, String::new(), Vec::new()));
    }

    async fn was_asked(&self, times: usize) {
        for _ in 0..500 {
            if self.server.requests().len() >= times {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.server.requests().len(), times);
    }
}

#[tokio::test]
async fn while_an_outage_lasts_only_who_asks_again_waits_and_the_others_are_told_of_it_at_once() {
    let stand = Stand::new().await;
    let peer = Remembering::of(&stand, 4000);
    stand.fails();
    assert_eq!(peer.at_once(&stand, NOW).await, Err(OcspError::Unavailable));
    stand.server.answer(|_| Reply::Nothing);
    let first = peer.ask(&stand, NOW + 6);
    stand.was_asked(2).await;
    for _ in 0..20 {
        assert_eq!(peer.at_once(&stand, NOW + 6).await, Err(OcspError::Unavailable));
    }
    assert!(!first.is_finished());
    stand.was_asked(2).await;
    // Whoever asked may go away: the next one asks in its place.
    first.abort();
    stand.answers(&GOOD, NOW + 7);
    let mut last = Err(OcspError::Unavailable);
    for _ in 0..100 {
        last = peer.at_once(&stand, NOW + 7).await;
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(last, Ok(Status::Good));
}

#[tokio::test]
async fn an_answer_is_renewed_in_its_last_minute_by_one_question_that_nobody_waits_for() {
    let stand = Stand::new().await;
    let peer = Remembering::of(&stand, 4000);
    stand.answers(&GOOD, NOW);
    assert_eq!(peer.at_once(&stand, NOW).await, Ok(Status::Good));
    assert_eq!(peer.at_once(&stand, NOW + 240).await, Ok(Status::Good));
    stand.was_asked(1).await;
    stand.server.answer(|_| Reply::Nothing);
    for _ in 0..20 {
        assert_eq!(peer.at_once(&stand, NOW + 241).await, Ok(Status::Good));
    }
    stand.was_asked(2).await;

    let peer = Remembering::of(&stand, 4000);
    stand.answers(&GOOD, NOW);
    assert_eq!(peer.at_once(&stand, NOW).await, Ok(Status::Good));
    stand.answers(&GOOD, NOW + 241);
    assert_eq!(peer.at_once(&stand, NOW + 241).await, Ok(Status::Good));
    stand.was_asked(4).await;
    // The one that was made then holds.
    assert_eq!(peer.at_once(&stand, NOW + 301).await, Ok(Status::Good));
    assert_eq!(peer.at_once(&stand, NOW + 481).await, Ok(Status::Good));
    stand.was_asked(4).await;
    // What it brings counts as soon as it is there.
    stand.answers(&revoked(NOW + 482), NOW + 482);
    assert_eq!(peer.at_once(&stand, NOW + 482).await, Ok(Status::Good));
    stand.was_asked(5).await;
    assert_eq!(peer.at_once(&stand, NOW + 542).await, Ok(Status::Revoked(NOW + 482)));
}

#[tokio::test]
async fn an_answer_that_could_not_be_renewed_serves_to_its_end_and_no_longer() {
    let stand = Stand::new().await;
    let peer = Remembering::of(&stand, 4000);
    stand.answers(&GOOD, NOW);
    assert_eq!(peer.at_once(&stand, NOW).await, Ok(Status::Good));
    stand.fails();
    let gone = Err(OcspError::Unavailable);
    // After a failure there is a pause, here as well.
    for (at, asked, expected) in [
        (250, 2, Ok(Status::Good)),
        (255, 2, Ok(Status::Good)),
        (256, 3, Ok(Status::Good)),
        (300, 4, Ok(Status::Good)),
        (301, 4, gone),
        (306, 5, gone),
    ] {
        // The question before may not have ended yet.
        for _ in 0..100 {
            assert_eq!(peer.at_once(&stand, NOW + at).await, expected, "{at}");
            if stand.server.requests().len() >= asked {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stand.was_asked(asked).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_neither_an_answer_nor_an_outage_last() {
    let stand = Stand::new().await;
    let peer = Remembering::of(&stand, 4000);
    stand.answers(&GOOD, NOW);
    assert_eq!(peer.at_once(&stand, NOW).await, Ok(Status::Good));
    stand.answers(&revoked(NOW - DAY), NOW - 3600);
    assert_eq!(peer.at_once(&stand, NOW - 3600).await, Ok(Status::Revoked(NOW - DAY)));
    let peer = Remembering::of(&stand, 4000);
    stand.fails();
    assert_eq!(peer.at_once(&stand, NOW).await, Err(OcspError::Unavailable));
    stand.answers(&GOOD, NOW - 60);
    assert_eq!(peer.at_once(&stand, NOW - 60).await, Ok(Status::Good));
}
