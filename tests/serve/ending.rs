//! SIGTERM: what was accepted is answered, what was answered is in the database, and the exit code is 0.

use super::*;
use asker::{Asker, subjects, token};
use connection::head;
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};

/// Asks about one subject after the other on one connection, until an answer says that it is the last one.
fn ask_on(asker: &Asker, public: SocketAddr, series: u32, told: &Sender<()>) -> Vec<(String, String)> {
    let mut connection = Connection::open(public);
    let mut tokens = Vec::new();
    for uin in subjects(series) {
        let reply = connection.post(&asker.message(&uin));
        tokens.push((uin, token(&reply)));
        let _ = told.send(());
        if reply.closes() {
            return tokens;
        }
    }
    panic!("the service did not end");
}

#[test]
fn under_load_every_request_is_answered_and_every_answer_is_in_the_database() {
    let installation = Installation::complete();
    let (service, public, _) = Process::serve(&installation.config());
    let (told, heard) = channel();
    let asker = Asker::new(&installation);
    let (tokens, gone) = std::thread::scope(|scope| {
        let asker = &asker;
        let series: Vec<_> = (10..14)
            .map(|series| {
                let told = told.clone();
                scope.spawn(move || ask_on(asker, public, series, &told))
            })
            .collect();
        for _ in 0..60 {
            heard.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        }
        service.signal("TERM");
        let tokens: Vec<_> = series.into_iter().map(|one| one.join().unwrap()).collect();
        (tokens, service.end())
    });
    assert_eq!(gone.code, Some(0), "{}", gone.log.join("\n"));
    let answered: usize = tokens.iter().map(Vec::len).sum();
    assert!(answered >= 60);
    let kept =
        sqlite(&installation.file("kdp.db"), "SELECT count(*) FROM access_request WHERE token IS NOT NULL");
    assert_eq!(kept.trim(), answered.to_string(), "granted, and answered");
    let logged = gone.log.iter().filter(|line| line.contains("\"granted\"")).count();
    assert_eq!(logged, answered);
    let private = [installation.password(), &asker.ovt, COMPANY, DATA, &tokens[0][0].0];
    assert_private(&gone.log, &private);

    let (service, public, _) = Process::serve(&installation.config());
    let mut connection = Connection::open(public);
    for (uin, before) in tokens.iter().flat_map(|series| [&series[0], series.last().unwrap()]) {
        assert_eq!(
            &token(&connection.post(&asker.message(uin))),
            before,
            "the token of {uin} after a restart"
        );
    }
    assert_eq!(service.terminate().code, Some(0));
}

#[test]
fn a_message_that_is_half_sent_when_the_service_drains_is_still_answered() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    let (mut service, public, admin) = Process::serve(&installation.config());
    let message = asker.message(SUBJECT);
    let mut half = Connection::open(public);
    assert!(half.write(&head("POST", "/shep/sync", XML, message.len())) && half.write(&message[..200]));
    // Its header has been read when a later connection has been answered, and its own exchange has begun.
    let mut idle = Connection::impatient(public);
    assert_eq!(idle.get("/.well-known/jwks.json").status, 200);
    service.signal("TERM");
    service.await_line("\"draining\"");
    assert!(idle.ends(), "an idle connection is closed in order");
    eventually("the public listener is closed", || TcpStream::connect(public).is_err());
    let ready = Connection::open(admin).get("/health/ready");
    assert_eq!((ready.status, ready.body.as_str()), (503, "draining"));
    assert!(half.write(&message[200..]));
    let reply = half.read();
    token(&reply);
    assert!(reply.closes() && half.ends());
    assert_eq!(service.end().code, Some(0));
}

#[test]
fn what_does_not_end_is_cut_off_at_the_end_of_the_drain_time() {
    let installation = Installation::complete();
    installation.reconfigure("[log]", "[limits]\ndrain_seconds = 1\n[log]");
    let (service, public, _) = Process::serve(&installation.config());
    let mut stuck = Connection::open(public);
    assert!(stuck.write(&head("POST", "/shep/sync", XML, 1000)));
    assert_eq!(Connection::open(public).get("/.well-known/jwks.json").status, 200);
    let Gone { code, log, .. } = service.terminate();
    assert_eq!(code, Some(0));
    assert!(log.iter().any(|line| line.contains("cut off")), "{}", log.join("\n"));
}
