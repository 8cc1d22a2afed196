//! The host's clock, set by a day while the service runs.

use super::asker::subjects;
use super::machine::pause;
use super::*;
use base64::Engine as _;
use kdp::clock::{Clock as _, SystemClock};
use std::time::Duration;

const DAY: i64 = 86_400;

/// `iat` and `exp` of a token.
fn dates(token: &str) -> (i64, i64) {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap())
}

#[test]
fn a_clock_that_jumps_by_a_day_and_back_costs_nobody_a_promise_and_gives_no_token_of_another_day() {
    let directory = tempfile::tempdir().unwrap();
    let (installation, shim) = (Installation::complete(), Shim::new(directory.path()));
    let asker = Asker::new(&installation);
    let mut machine = Machine::start(&installation, &shim);
    let all: Vec<String> = subjects(30).take(12).collect();
    let granted = ask(&machine, &asker, &all[..3]);
    assert_eq!(grants(&granted).len(), 3);
    let mut connection = Connection::open(machine.public);
    let pending = connection.post(&asker.signed(&all[3], &[("omit-sms", "false")]));
    assert_eq!(pending.word(), Some("PENDING"), "{}", pending.body);
    let request = pending.element("request_id").unwrap().to_owned();
    let mut repeat = |asker: &Asker| {
        let reply = connection.post(&asker.signed(&all[3], &[("request_id", &request)]));
        reply.word().map(str::to_owned)
    };
    machine.await_health(200, "ready");

    for (round, days) in [(1, 1), (2, -1)] {
        shim.clock(days * DAY);
        machine.await_health(503, "clock");
        let line = machine.process.await_line("the clock was set");
        assert!(line.contains("ERROR"), "{line}");
        assert_eq!(machine.figure("kdp_clock_steps_total"), 2 * round - 1);
        // Who has the same clock is served by it, or refused since no key signs at that time.
        let (off, now) =
            (Asker::off(&installation, days * DAY * 1000), SystemClock.now() / 1000 + days * DAY);
        let index = 3 + usize::try_from(round).unwrap();
        let told = ask(&machine, &off, &all[index..=index]);
        if let Told::Granted(token) = &told[0].1 {
            let (iat, exp) = dates(token);
            assert!(
                (now - 60..=now + 60).contains(&iat) && exp > iat && exp - iat <= 366 * DAY,
                "{iat} {exp}"
            );
        }
        // Time enough for a worker to write down that the request has ended.
        pause(Duration::from_secs(2));
        shim.clock(0);
        machine.await_health(200, "ready");
        machine.process.await_line("the clock was set");
        assert_eq!(repeat(&asker).as_deref(), Some("PENDING"), "what the step had ended goes on");
        assert_kept(&machine, &asker, &granted);
    }
    assert_eq!(grants(&ask(&machine, &asker, &all[8..])).len(), 4);
    assert_eq!(machine.process.terminate().code, Some(0));
}
