//! Connections: more than there can be, idle ones, slow ones, none to be had.

use super::asker::subjects;
use super::connection::head;
use super::*;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const XML: &str = "Content-Type: text/xml; charset=utf-8\r\n";

/// Lets this process have as many descriptors as it may.
fn many_descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.map_or(usize::MAX, |most| usize::try_from(most).unwrap())
}

fn descriptors(machine: &Machine) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", machine.process.id())).unwrap().count()
}

/// Memory of the service, MiB.
fn resident(machine: &Machine) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", machine.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

fn started(installation: &Installation) -> Machine {
    let (process, public, admin) = process::Process::serve(&installation.config());
    Machine { process, public, admin }
}

/// Opens a connection that says `bytes` and no more. One that the service closed before it said so is as good.
fn half_open(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let _ = stream.write_all(bytes);
    stream
}

/// Somebody who comes new is granted a token, soon.
#[expect(clippy::disallowed_methods, reason = "how long it takes is the point")]
fn assert_let_in(machine: &Machine, asker: &Asker, uin: &str, what: &str) {
    // Signed beforehand: who connects and is silent is one of those who wait.
    let message = asker.message(uin);
    let began = Instant::now();
    token(&Connection::open(machine.public).post(&message));
    assert!(began.elapsed() < Duration::from_secs(5), "{what}: {:?}", began.elapsed());
}

/// Whether somebody who comes new is answered, and not told to leave.
fn is_answered(address: SocketAddr, message: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let header = format!("{XML}Connection: close\r\n");
    let mut reply = Vec::new();
    stream.write_all(&[head("POST", "/shep/sync", &header, message.len()), message.to_vec()].concat()).is_ok()
        && stream.read_to_end(&mut reply).is_ok()
        && reply.starts_with(b"HTTP/1.1 200")
}

#[test]
fn ten_thousand_idle_connections_keep_nobody_out_and_take_bounded_memory() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    // With fewer descriptors for this test, the same ratio of idle connections to those that there may be.
    let idle = 10_000.min(many_descriptors() - 300);
    let most = idle * 4096 / 10_000;
    installation.reconfigure("[log]", &format!("[limits]\nconnections = {most}\n[log]"));
    // Not the end of their time is to close them.
    installation.reconfigure("[limits]\n", "[limits]\nread_seconds = 600\n");
    let machine = started(&installation);
    let all: Vec<String> = subjects(40).take(40).collect();
    assert_let_in(&machine, &asker, &all[0], "alone");
    let before = resident(&machine);
    let mut connections = Vec::with_capacity(idle);
    for n in 0..idle {
        let said: &[u8] = if n % 2 == 0 { b"" } else { b"POST /shep/sync HTTP/1.1\r\nHost: a\r\n" };
        connections.push(half_open(machine.public, said));
        if n % 1000 == 999 {
            assert_let_in(&machine, &asker, &all[1 + n / 1000], "while they come");
        }
    }
    eventually(|| descriptors(&machine) <= most + 100);
    assert!(descriptors(&machine) <= most + 100, "{} descriptors", descriptors(&machine));
    for uin in &all[20..30] {
        assert_let_in(&machine, &asker, uin, "in the crowd");
    }
    let grown = resident(&machine).saturating_sub(before);
    assert!(grown < 200, "{grown} MiB for {idle} idle connections");
    assert!(machine.figure("kdp_connections_dismissed_total") >= (idle - most) as u64);
    assert_eq!(machine.health().1, "ready", "the admin listener has room of its own");
    drop(connections);
    eventually(|| descriptors(&machine) < 100);
    assert!(descriptors(&machine) < 100);
    assert_eq!(machine.process.terminate().code, Some(0));
}

#[test]
fn slow_headers_and_slow_bodies_are_cut_off_and_keep_nobody_out() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    installation.reconfigure("[log]", "[limits]\nconnections = 40\nread_seconds = 3\n[log]");
    let machine = started(&installation);
    let all: Vec<String> = subjects(41).take(30).collect();
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut said = head("POST", "/shep/sync", XML, 100_000);
        if n % 2 == 0 {
            said.truncate(30);
        }
        slow.push(half_open(machine.public, &said));
        if n % 20 == 19 {
            assert_let_in(&machine, &asker, &all[n / 20], "among slow ones");
        }
    }
    // And all of them are gone when their time is over, however busily they drip.
    eventually(|| {
        slow.retain_mut(|stream| {
            stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            let gone = matches!(stream.read(&mut [0; 4096]), Ok(0)) || stream.write_all(b"a").is_err();
            !gone
        });
        slow.is_empty()
    });
    assert!(slow.is_empty(), "{} slow connections stay", slow.len());
    assert_eq!(machine.process.terminate().code, Some(0));
}

#[test]
fn a_peer_that_does_not_read_its_answers_is_closed_and_costs_bounded_memory() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    installation.reconfigure("[log]", "[limits]\nexchange_seconds = 2\n[log]");
    let machine = started(&installation);
    let uin = subjects(42).next().unwrap();
    let before = resident(&machine);
    let asks = b"GET /shep/sync?wsdl HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    let mut deaf: Vec<TcpStream> = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(machine.public).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        // Until nobody takes any more of it.
        while stream.write_all(&asks).is_ok() {}
        deaf.push(stream);
    }
    assert_let_in(&machine, &asker, &uin, "beside deaf ones");
    let grown = resident(&machine).saturating_sub(before);
    assert!(grown < 60, "{grown} MiB for 20 peers that do not read");
    eventually(|| descriptors(&machine) < 40);
    assert!(descriptors(&machine) < 40, "{} descriptors: they are not closed", descriptors(&machine));
    drop(deaf);
    assert_eq!(machine.process.terminate().code, Some(0));
}

#[test]
fn out_of_descriptors_the_service_goes_on_says_so_and_accepts_again_after() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    let all: Vec<String> = subjects(43).take(10).collect();
    // As many as it needs by itself and a few: fewer than the connections that it believes it may have.
    let own = {
        let machine = started(&installation);
        assert_let_in(&machine, &asker, &all[0], "to open all that it opens");
        let own = descriptors(&machine);
        assert_eq!(machine.process.terminate().code, Some(0));
        own
    };
    let script = format!("ulimit -n {} && exec $KDP", own + 6);
    let mut machine = Machine::by_shell(&installation, &script);
    assert_let_in(&machine, &asker, &all[1], "before");
    let crowd: Vec<TcpStream> = (0..60).map(|_| half_open(machine.public, b"POST /")).collect();
    let line = machine.process.await_line("connections cannot be accepted");
    assert!(line.contains("ERROR"), "{line}");
    // Those who wait longest make room. Who comes new may be told to leave once: the service opens files of its own too.
    let message = asker.message(&all[2]);
    assert!((0..5).any(|_| is_answered(machine.public, &message)), "nobody made room");
    drop(crowd);
    machine.process.await_line("connections are accepted again");
    assert!(machine.figure("kdp_accepts_failed_total") > 0);
    for uin in &all[3..] {
        assert_let_in(&machine, &asker, uin, "after");
    }
    machine.await_health(200, "ready");
    assert_eq!(machine.process.terminate().code, Some(0));
}

#[test]
fn a_connection_that_brings_only_what_cannot_be_believed_is_closed() {
    let installation = Installation::complete();
    let asker = Asker::new(&installation);
    let machine = started(&installation);
    let uin = subjects(44).next().unwrap();
    let forged = String::from_utf8(asker.message(&uin)).unwrap().replace("Песочный", "Пёсочный").into_bytes();
    let mut connection = Connection::open(machine.public);
    let forge = |connection: &mut Connection, is_last: bool| {
        let reply = connection.post(&forged);
        assert_eq!(reply.element("errorCode"), Some("SCE006"), "{}", reply.body);
        assert_eq!(reply.closes(), is_last);
    };
    // One that can be believed makes up for those before it.
    (0..31).for_each(|_| forge(&mut connection, false));
    token(&connection.post(&asker.message(&uin)));
    (1..=32).for_each(|n| forge(&mut connection, n == 32));
    assert!(connection.ends());
    assert_let_in(&machine, &asker, &uin, "after");
    assert_eq!(machine.process.terminate().code, Some(0));
}
