//! What becomes of each answer of an OCSP service.

use crate::authority::{
    Authority, DAY, ListSaying, NOW, Saying, entry, extension, gost, long_time, name, of, rsa,
};
use crate::list::{leaf, pinned};
use crate::ocsp_answer::{Answer, GOOD, UNKNOWN, of_type, question, revoked, status, successful};
use crate::server::{Reply, Request, Server};
use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, tag};
use kdp::trust::gost::Scheme;
use kdp::trust::revocation::book::Book;
use kdp::trust::revocation::list::List;
use kdp::trust::revocation::ocsp::{AnswerError, Hash, Ocsp, OcspError, Status};
use std::sync::Arc;

const SIGNING: &[&str] = &["1.3.6.1.5.5.7.3.9"];

type Change = Box<dyn Fn(&mut Answer) + Send>;

pub struct Stand {
    pub server: Server,
    pub authority: Arc<Authority>,
}

impl Stand {
    pub async fn new() -> Self {
        let server = Server::start(|_| Reply::Nothing).await;
        Self { server, authority: Arc::new(Authority::root("AUTHORITY", rsa("bank"))) }
    }

    /// What one question comes to, of a service that remembers nothing.
    async fn ask(
        &self,
        answer: impl Fn(&Request, &Authority) -> Reply + Send + 'static,
    ) -> Result<Status, OcspError> {
        let authority = self.authority.clone();
        self.server.answer(move |request| answer(request, &authority));
        let ocsp = Ocsp::new(&self.server.url, Hash::Sha1, 2000).unwrap();
        ocsp.status(&leaf(&self.authority, &[5]), &self.authority.certificate, &Arc::default(), NOW).await
    }

    /// The same of an answer that the issuer itself signs.
    async fn says(&self, change: impl Fn(&mut Answer) + Send + 'static) -> Result<Status, OcspError> {
        self.ask(move |request, authority| {
            let mut answer = Answer::to(&request.body, &authority.certificate, &GOOD);
            change(&mut answer);
            Reply::ok(answer.by(authority))
        })
        .await
    }
}

fn refused(error: AnswerError) -> Result<Status, OcspError> {
    Err(OcspError::Answer(error))
}

#[tokio::test]
async fn an_authority_says_good_revoked_or_unknown() {
    let stand = Stand::new().await;
    for (said, expected) in [
        (GOOD.to_vec(), Status::Good),
        (UNKNOWN.to_vec(), Status::Unknown),
        (revoked(NOW - DAY), Status::Revoked(NOW - DAY)),
        (der::value(tag::context(1), &long_time(NOW)), Status::Revoked(NOW)),
    ] {
        assert_eq!(stand.says(move |answer| answer.status.clone_from(&said)).await, Ok(expected));
    }
    let request = &stand.server.requests()[0];
    assert!(request.head.starts_with("post / http/1.1"), "{}", request.head);
    assert!(request.head.contains("content-type: application/ocsp-request"), "{}", request.head);
    assert!(request.head.contains("user-agent: kdp/"), "{}", request.head);
    let nonces: Vec<_> = stand.server.requests().iter().map(|request| question(&request.body).1).collect();
    assert!(nonces.windows(2).all(|pair| pair[0] != pair[1] && pair[0].len() == 18), "{nonces:?}");
}

#[tokio::test]
async fn authorities_of_each_algorithm_are_understood_in_both_hashes() {
    for key in [gost(Scheme::Gost2004), gost(Scheme::Gost2015)] {
        let stand = Stand { authority: Arc::new(Authority::root("AUTHORITY", key)), ..Stand::new().await };
        assert_eq!(stand.says(|_| {}).await, Ok(Status::Good));
    }
    let stand = Stand::new().await;
    let authority = stand.authority.clone();
    stand.server.answer(move |request| {
        Reply::ok(Answer::to(&request.body, &authority.certificate, &GOOD).by(&authority))
    });
    let ocsp = Ocsp::new(&stand.server.url, Hash::Sha256, 2000).unwrap();
    let status =
        ocsp.status(&leaf(&stand.authority, &[5]), &stand.authority.certificate, &Arc::default(), NOW).await;
    assert_eq!(status, Ok(Status::Good));
    let (id, _) = question(&stand.server.requests()[0].body);
    let contains = |part: &[u8]| id.windows(part.len()).any(|window| window == part);
    assert!(contains(&der::oid("2.16.840.1.101.3.4.2.1")));
    assert!(contains(ring::digest::digest(&ring::digest::SHA256, &stand.authority.name).as_ref()));
    assert!(contains(&[tag::INTEGER, 1, 5]));
    // The other hash than was asked with names the same certificate.
    let sha1 = stand.says(|_| {}).await;
    assert_eq!(sha1, Ok(Status::Good));
}

#[tokio::test]
async fn a_responder_whom_the_issuer_appointed_may_answer_and_nobody_else() {
    let stand = Stand::new().await;
    let key = rsa("shep");
    let subject = name("RESPONDER", None);
    let good = || Saying { purposes: SIGNING, ..of(&subject, key.public_key_spki(), &[9]) };
    let other = Authority::root("AUTHORITY", rsa("akimat"));
    let appointed = stand.authority.issue(&good());
    let cases: Vec<(&str, Certificate, Result<Status, OcspError>)> = vec![
        ("as it should be", appointed, Ok(Status::Good)),
        (
            "without the purpose",
            stand.authority.issue(&Saying { purposes: &[], ..good() }),
            refused(AnswerError::Responder),
        ),
        (
            "ended",
            stand.authority.issue(&Saying { until: NOW - 1, ..good() }),
            refused(AnswerError::Responder),
        ),
        (
            "not begun",
            stand.authority.issue(&Saying { from: NOW + 1, ..good() }),
            refused(AnswerError::Responder),
        ),
        (
            "not for signing",
            stand.authority.issue(&Saying { usage: [5, 0x20], ..good() }),
            refused(AnswerError::Responder),
        ),
        ("of another authority of the same name", other.issue(&good()), refused(AnswerError::Responder)),
    ];
    for (what, responder, expected) in cases {
        let answer = stand.ask(move |request, _| {
            Reply::ok(Answer::to(&request.body, &responder, &GOOD).signed(&*rsa("shep")))
        });
        assert_eq!(answer.await, expected, "{what}");
    }
    let by_name = |responder: Vec<u8>| {
        move |answer: &mut Answer| {
            answer.responder = der::value(tag::context(1), &responder);
        }
    };
    assert_eq!(stand.says(by_name(stand.authority.name.clone())).await, Ok(Status::Good));
    assert_eq!(stand.says(by_name(name("OTHER", None))).await, refused(AnswerError::Responder));
    assert_eq!(stand.says(by_name(vec![tag::NULL, 0])).await, refused(AnswerError::Malformed));
    // Appointed, but somebody else signed.
    let responder = stand.authority.issue(&good());
    let forged = stand.ask(move |request, _| {
        Reply::ok(Answer::to(&request.body, &responder, &GOOD).signed(&*rsa("akimat")))
    });
    assert_eq!(forged.await, refused(AnswerError::Signature));
    let in_its_name = stand.ask(|request, authority| {
        Reply::ok(Answer::to(&request.body, &authority.certificate, &GOOD).signed(&*rsa("akimat")))
    });
    assert_eq!(in_its_name.await, refused(AnswerError::Signature));
}

#[tokio::test]
async fn whoever_answers_must_have_been_appointed_when_it_did() {
    let stand = Stand::new().await;
    let key = rsa("shep");
    let subject = name("RESPONDER", None);
    let good = || Saying { purposes: SIGNING, ..of(&subject, key.public_key_spki(), &[9]) };
    let made_at = |responder: Certificate, at: i64| {
        let answer = move |request: &Request, _: &Authority| {
            let mut answer = Answer::to(&request.body, &responder, &GOOD);
            answer.produced_at = long_time(at);
            Reply::ok(answer.signed(&*rsa("shep")))
        };
        stand.ask(answer)
    };
    for (from, until, at, expected) in [
        (NOW - 100, NOW + DAY, NOW - 100, Ok(Status::Good)),
        (NOW - 100, NOW + DAY, NOW - 101, refused(AnswerError::Responder)),
        (NOW - DAY, NOW + 60, NOW + 60, Ok(Status::Good)),
        (NOW - DAY, NOW + 60, NOW + 61, refused(AnswerError::Responder)),
    ] {
        let responder = stand.authority.issue(&Saying { from, until, ..good() });
        assert_eq!(made_at(responder, at).await, expected, "from {} at {}", from - NOW, at - NOW);
    }
    for (until, expected) in [(NOW, Ok(Status::Good)), (NOW - 1, refused(AnswerError::Responder))] {
        let authority = Authority::root("AUTHORITY", rsa("bank")).during(NOW - DAY, until);
        let stand = Stand { authority: Arc::new(authority), ..Stand::new().await };
        assert_eq!(stand.says(|_| {}).await, expected, "an authority until {}", until - NOW);
    }
}

#[tokio::test]
async fn a_responder_that_its_authority_revoked_answers_nothing() {
    let stand = Stand::new().await;
    let key = rsa("shep");
    let subject = name("RESPONDER", None);
    let saying = Saying { purposes: SIGNING, ..of(&subject, key.public_key_spki(), &[9]) };
    let responder = stand.authority.issue(&saying);
    stand
        .server
        .answer(move |request| Reply::ok(Answer::to(&request.body, &responder, &GOOD).signed(&*rsa("shep"))));
    let of_same_name = Authority::root("AUTHORITY", rsa("akimat"));
    for (what, issuer, serial, until, expected) in [
        ("revoked", &*stand.authority, 9, NOW + DAY, refused(AnswerError::Responder)),
        ("revoked, by a list that is stale", &*stand.authority, 9, NOW - 1, refused(AnswerError::Responder)),
        ("another one revoked", &*stand.authority, 8, NOW + DAY, Ok(Status::Good)),
        ("a list that is stale", &*stand.authority, 8, NOW - 1, Ok(Status::Good)),
        ("the list of another authority", &of_same_name, 9, NOW + DAY, Ok(Status::Good)),
    ] {
        let list =
            ListSaying::full(issuer, 1, &[entry(&[serial], NOW - DAY, None)]).during(NOW - 3600, until);
        let list = List::read(&*list.signed(issuer.key()), &pinned(&[issuer])).unwrap();
        let book = Arc::new(Book::new(&[Arc::new(list)], true));
        let ocsp = Ocsp::new(&stand.server.url, Hash::Sha1, 2000).unwrap();
        let certificate = leaf(&stand.authority, &[5]);
        let status = ocsp.status(&certificate, &stand.authority.certificate, &book, NOW).await;
        assert_eq!(status, expected, "{what}");
    }
}

#[tokio::test]
async fn an_answer_to_another_question_or_of_another_time_is_refused_by_name() {
    let stand = Stand::new().await;
    let of_nonce =
        |nonce: &[u8]| vec![extension("1.3.6.1.5.5.7.48.1.2", false, &der::value(tag::OCTET_STRING, nonce))];
    let other = leaf(&stand.authority, &[6]);
    let other_id = {
        let _ = stand.ask(|_, _| Reply::ok(Vec::new())).await;
        let ocsp = Ocsp::new(&stand.server.url, Hash::Sha1, 2000).unwrap();
        let _ = ocsp.status(&other, &stand.authority.certificate, &Arc::default(), NOW).await;
        question(&stand.server.requests()[1].body).0
    };
    let next = |at| der::value(tag::context(0), &long_time(at));
    let critical = |n| der::value(tag::context(n), &der::sequence(&[&extension("1.2.3", true, &[])]));
    let cases: Vec<(&str, Change, Result<Status, OcspError>)> = vec![
        ("no nonce", Box::new(|a| a.extensions.clear()), Ok(Status::Good)),
        ("another nonce", Box::new(move |a| a.extensions = of_nonce(&[7; 16])), refused(AnswerError::Nonce)),
        ("an empty nonce", Box::new(move |a| a.extensions = of_nonce(&[])), refused(AnswerError::Nonce)),
        ("about another", Box::new(move |a| a.id.clone_from(&other_id)), refused(AnswerError::NotAbout)),
        ("made five minutes ago", Box::new(|a| a.produced_at = long_time(NOW - 300)), Ok(Status::Good)),
        ("made before", Box::new(|a| a.produced_at = long_time(NOW - 301)), refused(AnswerError::Old)),
        ("made ahead", Box::new(|a| a.produced_at = long_time(NOW + 301)), refused(AnswerError::Future)),
        ("true later", Box::new(|a| a.this_update = long_time(NOW + 301)), refused(AnswerError::Future)),
        ("true since long ago", Box::new(|a| a.this_update = long_time(NOW - DAY)), Ok(Status::Good)),
        ("with a term", Box::new(move |a| a.rest = next(NOW)), Ok(Status::Good)),
        ("past its term", Box::new(move |a| a.rest = next(NOW - 1)), refused(AnswerError::Old)),
        (
            "with what is not understood",
            Box::new(|a| a.extensions.push(extension("1.2.3", true, &[]))),
            refused(AnswerError::Extension),
        ),
        (
            "with what need not be",
            Box::new(|a| a.extensions.push(extension("1.2.3", false, &[]))),
            Ok(Status::Good),
        ),
        ("inside as well", Box::new(move |a| a.rest = critical(1)), refused(AnswerError::Extension)),
        (
            "version 1 written",
            Box::new(|a| a.version = der::value(tag::context(0), &[2, 1, 0])),
            Ok(Status::Good),
        ),
        (
            "version 2",
            Box::new(|a| a.version = der::value(tag::context(0), &[2, 1, 1])),
            refused(AnswerError::Malformed),
        ),
        ("an unknown word", Box::new(|a| a.status = vec![0x83, 0]), refused(AnswerError::Malformed)),
        ("good with something", Box::new(|a| a.status = vec![0x80, 1, 0]), refused(AnswerError::Malformed)),
        ("revoked without a date", Box::new(|a| a.status = vec![0xa1, 0]), refused(AnswerError::Malformed)),
        (
            "a date with fractions",
            Box::new(|a| a.produced_at = der::value(tag::GENERALIZED_TIME, b"20260401000000.5Z")),
            refused(AnswerError::Malformed),
        ),
        ("an id that is none", Box::new(|a| a.id = der::sequence(&[])), refused(AnswerError::Malformed)),
        (
            "two nonces",
            Box::new(|a| a.extensions = [a.extensions.clone(), a.extensions.clone()].concat()),
            refused(AnswerError::Malformed),
        ),
    ];
    for (what, change, expected) in cases {
        assert_eq!(stand.says(change).await, expected, "{what}");
    }
}

#[tokio::test]
async fn no_answer_is_not_the_same_as_a_wrong_one() {
    let stand = Stand::new().await;
    for (what, reply, expected) in [
        ("500", Reply::Answer(500, String::new(), Vec::new()), Err(OcspError::Unavailable)),
        ("404", Reply::Answer(404, String::new(), status(0)), Err(OcspError::Unavailable)),
        ("no HTTP", Reply::NotHttp, Err(OcspError::Unavailable)),
        ("cut off", Reply::CutOff(status(0)), Err(OcspError::Unavailable)),
        ("tryLater", Reply::ok(status(3)), Err(OcspError::Unavailable)),
        ("internalError", Reply::ok(status(2)), Err(OcspError::Unavailable)),
        ("malformedRequest", Reply::ok(status(1)), refused(AnswerError::Refused)),
        ("sigRequired", Reply::ok(status(5)), refused(AnswerError::Refused)),
        ("unauthorized", Reply::ok(status(6)), refused(AnswerError::Refused)),
        ("an unknown status", Reply::ok(status(4)), refused(AnswerError::Malformed)),
        ("successful without an answer", Reply::ok(status(0)), refused(AnswerError::Malformed)),
        ("nothing", Reply::ok(Vec::new()), refused(AnswerError::Malformed)),
        ("garbage", Reply::ok(b"<html>try later</html>".to_vec()), refused(AnswerError::Malformed)),
        ("too much", Reply::ok(vec![0; 65_537]), refused(AnswerError::Malformed)),
        ("another type", Reply::ok(of_type("1.2.3", &[])), refused(AnswerError::Type)),
        ("an empty answer", Reply::ok(successful(&der::sequence(&[]))), refused(AnswerError::Malformed)),
    ] {
        assert_eq!(stand.ask(move |_, _| reply.clone()).await, expected, "{what}");
    }
    let gone = Ocsp::new("http://127.0.0.1:1/", Hash::Sha1, 2000).unwrap();
    let status =
        gone.status(&leaf(&stand.authority, &[5]), &stand.authority.certificate, &Arc::default(), NOW).await;
    assert_eq!(status, Err(OcspError::Unavailable));
    let slow = Ocsp::new(&stand.server.url, Hash::Sha1, 50).unwrap();
    stand.server.answer(|_| Reply::Nothing);
    let status =
        slow.status(&leaf(&stand.authority, &[5]), &stand.authority.certificate, &Arc::default(), NOW).await;
    assert_eq!(status, Err(OcspError::Unavailable));
    for wrong in ["", "https://host/", "ftp://host/", "http://user@host/", "/path", "http://"] {
        assert!(Ocsp::new(wrong, Hash::Sha1, 2000).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_changed_anywhere_is_refused() {
    let stand = Stand::new().await;
    let (sent, asked) =
        (Arc::new(std::sync::Mutex::new(Vec::new())), Arc::new(std::sync::Mutex::new(0_usize)));
    // The nonce is part of what is signed: each question gets its own answer.
    let (copy, counter) = (sent.clone(), asked.clone());
    let authority = stand.authority.clone();
    stand.server.answer(move |request| {
        let mut answer = Answer::to(&request.body, &authority.certificate, &GOOD);
        answer.certificates.clear();
        let mut bytes = answer.by(&authority);
        copy.lock().unwrap().clone_from(&bytes);
        let (mut at, length) = (counter.lock().unwrap(), bytes.len());
        match *at {
            0 => {}
            n if n <= length => bytes[n - 1] ^= 1,
            n => bytes.truncate(n - length - 1),
        }
        *at += 1;
        Reply::ok(bytes)
    });
    let ask = || async {
        let ocsp = Ocsp::new(&stand.server.url, Hash::Sha1, 2000).unwrap();
        ocsp.status(&leaf(&stand.authority, &[5]), &stand.authority.certificate, &Arc::default(), NOW).await
    };
    assert_eq!(ask().await, Ok(Status::Good));
    let length = sent.lock().unwrap().len();
    for at in 0..2 * length {
        let answer = ask().await;
        // The parameters of the algorithm around the signature say nothing.
        let is_null = at < length && sent.lock().unwrap()[at] == tag::NULL && answer == Ok(Status::Good);
        assert!(answer.is_err() || is_null, "{at} of {length}: {answer:?}");
    }
}
