//! The front door (wire.md 1 and 6): what is too large, too slow, too much or not HTTP is refused by name, costs
//! nothing but its own connection, and leaves no trace in the database but the journal of the refusal.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "http/published.rs"]
mod published;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/stand.rs"]
mod stand;

use kdp::config::Limits;
use kdp::sandbox::limits;
use sqlite::sqlite;
use stand::{Connection, Reply, Stand, head};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const XML: &str = "Content-Type: text/xml; charset=utf-8\r\n";
const LIMIT: usize = 1 << 20;

/// A message that is granted, however often it is sent.
fn good() -> Vec<u8> {
    let path = "fixtures/requests/001-shep-key-identifier.VALID.xml";
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// How many rows each table has; the signed heads of the journal come with time.
fn rows(stand: &Stand) -> BTreeMap<String, u32> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                 AND name <> 'journal_head'";
    let names = sqlite(&stand.database(), names);
    let each: Vec<String> = names.lines().map(|n| format!("SELECT '{n}', count(*) FROM {n}")).collect();
    let counted = sqlite(&stand.database(), &each.join(" UNION ALL "));
    let row =
        |line: &str| line.split_once('|').map(|(name, count)| (name.to_owned(), count.parse().unwrap()));
    counted.lines().filter_map(row).collect()
}

/// `before` after the journal of `refusals` and nothing else.
fn journalled(mut before: BTreeMap<String, u32>, refusals: u32) -> BTreeMap<String, u32> {
    *before.get_mut("journal").unwrap() += refusals;
    before
}

/// A fault as a SOAP client reads it, with this HTTP status and errorCode.
fn assert_fault(reply: &Reply, status: u16, code: &str, what: &str) {
    assert_eq!((reply.status, reply.element("errorCode")), (status, Some(code)), "{what}: {}", reply.body);
    assert_eq!(reply.header("content-type"), Some("text/xml; charset=utf-8"), "{what}");
    assert!(reply.element("faultstring").unwrap().starts_with(code), "{what}: {}", reply.body);
    schema::assert_valid(&reply.body, what);
}

fn assert_granted(connection: &mut Connection, what: &str) {
    let reply = connection.post(&good());
    assert_eq!((reply.status, reply.word()), (200, Some("VALID")), "{what}: {}", reply.body);
}

/// Lets `time` pass: for what is about slowness itself.
fn linger(time: Duration) {
    let (_open, nothing) = mpsc::channel::<()>();
    let _ = nothing.recv_timeout(time);
}

/// Waits until `what` is in the metrics.
fn await_metric(stand: &Stand, what: &str) {
    let mut connection = Connection::open(stand.address);
    for _ in 0..500 {
        if connection.get("/metrics").body.lines().any(|line| line == what) {
            return;
        }
        linger(Duration::from_millis(10));
    }
    panic!("never seen in the metrics: {what}");
}

/// Another program that keeps the database's write lock: an exchange that must write waits for it.
struct WriteLock(Child);

impl WriteLock {
    fn take(stand: &Stand) -> Self {
        let mut sqlite = Command::new("sqlite3");
        sqlite.arg(stand.database()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut lock = Self(sqlite.spawn().expect("the program sqlite3 is needed (Debian: sqlite3)"));
        lock.tell(".timeout 5000\nBEGIN IMMEDIATE;\n.shell echo held\n");
        let mut line = String::new();
        BufReader::new(lock.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        lock
    }

    fn tell(&mut self, text: &str) {
        self.0.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn release(mut self) {
        self.tell("COMMIT;\n");
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_gets_its_fault_and_leaves_the_refusal_alone_behind() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    assert_granted(&mut connection, "first");
    let text = String::from_utf8(good()).unwrap();
    let unsigned = {
        let (before, rest) =
            text.split_once("<soap:Header>").or_else(|| text.split_once("<soapenv:Header>")).unwrap();
        let after = rest.split_once("Header>").unwrap().1;
        format!("{before}{after}")
    };
    let soap12 =
        text.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let deep = "<a>".repeat(100_000);
    for (what, body, code) in [
        ("nothing", "", "SCE001"),
        ("no XML", "hello", "SCE001"),
        ("a page", "<!DOCTYPE html><html><body>hello</body></html>", "SCE001"),
        ("half a message", text.get(..text.len() / 2).unwrap_or("<a"), "SCE001"),
        ("a stack of elements", &deep, "SCE001"),
        ("another version of SOAP", &soap12, "SCE001"),
        ("an unsigned message", &unsigned, "SCE007"),
        ("a message changed in its body", &text.replace("GBDFLUniversal", "GBDFLUniversaI"), "SCE006"),
        ("a message for another service", &text.replace(">KDP_SERVICE<", ">KDP_OTHER<"), "SCE006"),
    ] {
        let before = rows(&stand);
        let reply = connection.post(body.as_bytes());
        assert_fault(&reply, 500, code, what);
        assert!(!reply.closes(), "{what} closes the connection");
        assert_eq!(rows(&stand), journalled(before, 1), "{what}");
        assert_granted(&mut connection, what);
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_is_refused_by_its_announced_length_before_a_byte_of_it() {
    let stand = Stand::start().await;
    let before = rows(&stand);
    for length in [LIMIT + 1, 4 << 20, 1 << 40] {
        let mut connection = Connection::impatient(stand.address);
        assert!(connection.write(&head("POST", "/shep/sync", XML, length)));
        let reply = connection.read();
        assert_fault(&reply, 413, "KDP413", &format!("{length} bytes"));
        assert!(reply.closes());
    }
    assert_eq!(rows(&stand), journalled(before, 3));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_reads_only_after_it_has_sent_four_mebibytes_still_reads_its_refusal() {
    let stand = Stand::start().await;
    let body = vec![b' '; 4 << 20];
    let mut connection = Connection::impatient(stand.address);
    let reply = connection.send("POST", "/shep/sync", XML, &body);
    assert_fault(&reply, 413, "KDP413", "announced");
    assert!(reply.closes() && connection.ends());
    let mut connection = Connection::impatient(stand.address);
    assert!(connection.write(
        format!("POST /shep/sync HTTP/1.1\r\nHost: h\r\n{XML}Transfer-Encoding: chunked\r\n\r\n").as_bytes()
    ));
    for chunk in body.chunks(64 << 10) {
        assert!(connection.write(format!("{:x}\r\n", chunk.len()).as_bytes()));
        assert!(connection.write(chunk) && connection.write(b"\r\n"));
    }
    assert!(connection.write(b"0\r\n\r\n"));
    let reply = connection.read();
    assert_fault(&reply, 413, "KDP413", "in chunks");
    assert!(reply.closes() && connection.ends());
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_never_stops_is_cut_off_and_nobody_else_notices() {
    let stand = Stand::start().await;
    let mut endless = Connection::impatient(stand.address);
    assert!(endless.write(
        format!("POST /shep/sync HTTP/1.1\r\nHost: h\r\n{XML}Transfer-Encoding: chunked\r\n\r\n").as_bytes()
    ));
    let chunk = [format!("{:x}\r\n", 64 << 10).into_bytes(), vec![b'a'; 64 << 10], b"\r\n".to_vec()].concat();
    let mut other = Connection::open(stand.address);
    let taken = (0..16_384).take_while(|_| endless.write(&chunk)).count();
    assert!(taken < 1024, "{taken} chunks of 64 KiB were taken");
    assert_granted(&mut other, "beside an endless message");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_as_large_as_the_limit_is_read_whole_or_in_chunks() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    let good = good();
    let padded = |length: usize| {
        let mut body = good.clone();
        body.resize(length, b' ');
        body
    };
    let reply = connection.post(&padded(LIMIT));
    assert_eq!(reply.word(), Some("VALID"), "{}", reply.body);
    let mut message =
        format!("POST /shep/sync HTTP/1.1\r\nHost: h\r\n{XML}Transfer-Encoding: chunked\r\n\r\n")
            .into_bytes();
    for chunk in padded(LIMIT).chunks(7777) {
        message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        message.extend_from_slice(chunk);
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    assert!(connection.write(&message));
    let reply = connection.read();
    assert_eq!(reply.word(), Some("VALID"), "{}", reply.body);
    assert!(reply.closes(), "a length may have stood beside the chunks");
    let mut connection = Connection::open(stand.address);
    assert_fault(&connection.post(&padded(LIMIT + 1)), 413, "KDP413", "one byte more");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_asks_for_leave_gets_it_or_is_refused_before_it_has_sent_anything() {
    let stand = Stand::start().await;
    let headers = format!("{XML}Expect: 100-continue\r\n");
    let mut connection = Connection::impatient(stand.address);
    let good = good();
    assert!(connection.write(&head("POST", "/shep/sync", &headers, good.len())));
    assert_eq!(connection.read().status, 100);
    assert!(connection.write(&good));
    assert_eq!(connection.read().word(), Some("VALID"));
    let mut connection = Connection::impatient(stand.address);
    assert!(connection.write(&head("POST", "/shep/sync", &headers, LIMIT + 1)));
    let reply = connection.read();
    assert_fault(&reply, 413, "KDP413", "without leave");
    assert!(reply.closes() && connection.ends());
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_more_than_32_kib_gets_431_and_one_just_below_it_is_read() {
    let stand = Stand::start().await;
    let before = rows(&stand);
    for (length, pieces) in [(40 << 10, 1), (1 << 20, 1), (36 << 10, 90)] {
        let mut connection = Connection::impatient(stand.address);
        let filler = format!("X-Filler: {}\r\n", "a".repeat(length / pieces)).repeat(pieces);
        connection.write(format!("GET /shep/sync?wsdl HTTP/1.1\r\nHost: h\r\n{filler}\r\n").as_bytes());
        let reply = connection.read();
        assert!(reply.status == 431 && reply.closes(), "{length} in {pieces}: {}", reply.head);
    }
    assert_eq!(rows(&stand), before);
    let mut connection = Connection::open(stand.address);
    let headers = format!("{XML}X-Filler: {}\r\n", "a".repeat(31 << 10));
    assert_eq!(connection.send("POST", "/shep/sync", &headers, &good()).word(), Some("VALID"));
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_or_a_body_that_comes_byte_by_byte_is_cut_off_in_time() {
    let stand = Stand::start_within(Limits { read_seconds: 1, ..limits() }).await;
    let before = rows(&stand);
    let address = stand.address;
    // Each sends a byte now and then, much longer than it may; and tells for how many bytes it was heard.
    let trickle = move |start: Vec<u8>, rest: Vec<u8>| {
        move || {
            let mut connection = Connection::impatient(address);
            assert!(connection.write(&start));
            let sent = rest.iter().take_while(|byte| {
                linger(Duration::from_millis(100));
                connection.write(&[**byte])
            });
            (sent.take(40).count(), connection)
        }
    };
    let whole = [head("POST", "/shep/sync", XML, good().len()), good()].concat();
    let length = head("POST", "/shep/sync", XML, good().len()).len();
    let header = tokio::task::spawn_blocking(trickle(whole[..10].to_vec(), whole[10..].to_vec()));
    let body =
        tokio::task::spawn_blocking(trickle(whole[..length + 9].to_vec(), whole[length + 9..].to_vec()));
    let silent = tokio::task::spawn_blocking(move || {
        let mut connection = Connection::impatient(address);
        assert!(connection.write(&head("POST", "/shep/sync", XML, 100)));
        let reply = connection.read();
        (reply, connection.ends())
    });
    let refused = tokio::task::spawn_blocking(move || {
        let mut connection = Connection::impatient(address);
        assert!(connection.write(&head("POST", "/shep/sync", XML, LIMIT + 1)));
        (connection.read(), connection.ends())
    });
    let idle = tokio::task::spawn_blocking(move || Connection::impatient(address).ends());
    let mut busy = Connection::open(address);
    assert_granted(&mut busy, "beside slow ones");
    for (what, task) in [("header", header), ("body", body)] {
        let (sent, _) = task.await.unwrap();
        assert!((5..30).contains(&sent), "a slow {what} was heard for {sent} bytes");
    }
    let (reply, ended) = silent.await.unwrap();
    assert_fault(&reply, 500, "SCE001", "no body at all");
    assert!(reply.element("errorMessage").is_some() && reply.closes() && ended);
    let (reply, ended) = refused.await.unwrap();
    assert_fault(&reply, 413, "KDP413", "too large, and never sent");
    assert!(ended, "a refused sender that sends nothing keeps its connection");
    assert!(idle.await.unwrap(), "a connection that says nothing is kept for ever");
    let mut expected = journalled(before, 3 + 1);
    for table in ["access_request", "ovt_use", "subject"] {
        *expected.get_mut(table).unwrap() += 1;
    }
    assert_eq!(rows(&stand), expected, "two slow bodies, one too large, one grant");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_exchange_too_many_gets_kdp503_at_once_and_the_others_end_well() {
    let stand = Stand::start_within(Limits { in_flight: 2, sender_share: 100, ..limits() }).await;
    let lock = WriteLock::take(&stand);
    let mut running: Vec<Connection> = (0..2).map(|_| Connection::open(stand.address)).collect();
    let message = [head("POST", "/shep/sync", XML, good().len()), good()].concat();
    for connection in &mut running {
        assert!(connection.write(&message));
    }
    await_metric(&stand, "kdp_exchanges_in_flight 2");
    let before = rows(&stand);
    let mut shed = Connection::impatient(stand.address);
    for what in ["once", "again on the same connection"] {
        let reply = shed.post(&good());
        assert_fault(&reply, 503, "KDP503", what);
        assert!(reply.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
        assert!(!reply.closes());
    }
    assert_eq!(rows(&stand), before, "shedding costs the database nothing");
    await_metric(&stand, "kdp_exchanges_shed_total 2");
    lock.release();
    for connection in &mut running {
        assert_eq!(connection.read().word(), Some("VALID"));
    }
    assert_granted(&mut shed, "when there is room again");
    await_metric(&stand, "kdp_exchanges_in_flight 0");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_with_its_share_of_what_is_in_flight_gets_kdp429_and_another_is_let_in() {
    let stand = Stand::start_within(Limits { in_flight: 4, sender_share: 50, ..limits() }).await;
    let lock = WriteLock::take(&stand);
    let of = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests").join(name))
    };
    let other = of("114-service-not-agreed-with-the-initiator.INVALID.service-not-allowed.xml").unwrap();
    let mut running: Vec<Connection> = (0..3).map(|_| Connection::open(stand.address)).collect();
    for (connection, message) in running.iter_mut().zip([good(), good(), other]) {
        assert!(connection.write(&[head("POST", "/shep/sync", XML, message.len()), message].concat()));
    }
    await_metric(&stand, "kdp_exchanges_in_flight 3");
    let before = rows(&stand);
    let reply = Connection::impatient(stand.address).post(&good());
    assert_fault(&reply, 429, "KDP429", "the third of one sender");
    assert!(reply.header("retry-after").is_some() && !reply.closes());
    assert_eq!(rows(&stand), before, "it costs the database nothing");
    await_metric(&stand, "kdp_exchanges_over_share_total 1");
    lock.release();
    for connection in &mut running {
        assert_eq!(connection.read().status, 200);
    }
    assert_granted(&mut Connection::open(stand.address), "when it has room again");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_hold_no_place_among_the_exchanges() {
    let stand = Stand::start_within(Limits { in_flight: 1, ..limits() }).await;
    let good = good();
    let mut slow: Vec<Connection> = (0..8).map(|_| Connection::open(stand.address)).collect();
    for connection in &mut slow {
        assert!(
            connection.write(&head("POST", "/shep/sync", XML, good.len())) && connection.write(&good[..100])
        );
    }
    assert_granted(&mut Connection::impatient(stand.address), "beside eight slow senders");
    for connection in &mut slow {
        assert!(connection.write(&good[100..]));
        assert_eq!(connection.read().word(), Some("VALID"));
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_in_the_middle_takes_nothing_with_it() {
    let stand = Stand::start().await;
    let good = good();
    let message = [head("POST", "/shep/sync", XML, good.len()), good.clone()].concat();
    let before = rows(&stand)["access_request"];
    let lock = WriteLock::take(&stand);
    let mut leaving = Connection::open(stand.address);
    assert!(leaving.write(&message));
    await_metric(&stand, "kdp_exchanges_in_flight 1");
    drop(leaving);
    await_metric(&stand, "kdp_exchanges_in_flight 0");
    lock.release();
    // After the lock: what came in pieces is journalled, too.
    for cut in [1, 20, message.len() - good.len(), message.len() - 1] {
        assert!(Connection::open(stand.address).write(&message[..cut]));
    }
    assert_granted(&mut Connection::open(stand.address), "after all of them");
    assert_eq!(rows(&stand)["access_request"], before + 1, "the same ask is the same request");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_path_or_type_is_refused_and_the_connection_goes_on() {
    let stand = Stand::start().await;
    let mut connection = Connection::impatient(stand.address);
    assert_granted(&mut connection, "first");
    let before = rows(&stand);
    let large = vec![b'x'; 300_000];
    for (method, path, headers, status, allow) in [
        ("PUT", "/shep/sync", XML, 405, Some("GET, POST")),
        ("DELETE", "/shep/sync", "", 405, Some("GET, POST")),
        ("OPTIONS", "/shep/sync", "", 405, Some("GET, POST")),
        ("BREW", "/shep/sync", "", 405, Some("GET, POST")),
        ("POST", "/.well-known/jwks.json", XML, 405, Some("GET")),
        ("POST", "/metrics", XML, 405, Some("GET")),
        ("DELETE", "/health/ready", "", 405, Some("GET")),
        ("POST", "/", XML, 404, None),
        ("POST", "/shep/sync/", XML, 404, None),
        ("POST", "/shep/../shep/sync", XML, 404, None),
        ("GET", "/shep/sync", "", 404, None),
        ("GET", "/etc/passwd", "", 404, None),
        ("POST", "/shep/sync", "", 415, None),
        ("POST", "/shep/sync", "Content-Type: application/json\r\n", 415, None),
        ("POST", "/shep/sync", "Content-Type: application/soap+xml; charset=utf-8\r\n", 415, None),
        ("POST", "/shep/sync", "Content-Type: text/xmlx\r\n", 415, None),
        ("POST", "/shep/sync", "Content-Type: \u{fe}\r\n", 415, None),
    ] {
        for body in [&b""[..], b"<a/>", &large] {
            let what = format!("{method} {path} {headers:?} with {} bytes", body.len());
            let reply = connection.send(method, path, headers, body);
            assert_eq!((reply.status, reply.header("allow")), (status, allow), "{what}");
            assert!(!reply.closes(), "{what}");
        }
    }
    assert_eq!(rows(&stand), before, "none of these was a message");
    assert_granted(&mut connection, "last, on the same connection");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_content_type_of_working_clients_is_read_and_another_charset_is_sce001() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    for kind in [
        "text/xml",
        "text/xml; charset=utf-8",
        "text/xml;charset=\"UTF-8\"",
        "Text/XML; action=\"\"; Charset = utf-8",
        "application/xml",
        "text/plain",
        "text/plain; charset=UTF-8",
    ] {
        let headers = format!("Content-Type: {kind}\r\nSOAPAction: \"anything\"\r\n");
        let reply = connection.send("POST", "/shep/sync", &headers, &good());
        assert_eq!(reply.word(), Some("VALID"), "{kind}: {}", reply.body);
    }
    for charset in ["windows-1251", "utf-16", "\"koi8-r\"", "iso-8859-1", ""] {
        let before = rows(&stand);
        let headers = format!("Content-Type: text/xml; charset={charset}\r\n");
        let reply = connection.send("POST", "/shep/sync", &headers, &good());
        assert_fault(&reply, 500, "SCE001", charset);
        assert!(reply.body.contains("charset"), "{}", reply.body);
        assert_eq!(rows(&stand), journalled(before, 1), "{charset}");
        assert_granted(&mut connection, charset);
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_their_order() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    let (bad, good) = (b"<a/>".to_vec(), good());
    let mut message = Vec::new();
    for body in [&good, &bad, &good, &bad] {
        message.extend([head("POST", "/shep/sync", XML, body.len()), body.clone()].concat());
    }
    message.extend(head("DELETE", "/shep/sync", "", 0));
    message.extend(head("GET", "/shep/sync?wsdl", "", 0));
    assert!(connection.write(&message));
    let statuses: Vec<u16> = (0..6).map(|_| connection.read().status).collect();
    assert_eq!(statuses, [200, 500, 200, 500, 405, 200]);
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_is_answered_and_its_connection_closes_unless_it_is_to_be_kept() {
    let stand = Stand::start().await;
    let good = good();
    for (kept, header) in [(false, ""), (true, "Connection: keep-alive\r\n")] {
        let mut connection = Connection::impatient(stand.address);
        let length = good.len();
        let head = format!("POST /shep/sync HTTP/1.0\r\n{header}{XML}Content-Length: {length}\r\n\r\n");
        assert!(connection.write(&[head.as_bytes(), &good].concat()));
        let reply = connection.read();
        assert_eq!(reply.word(), Some("VALID"), "{}", reply.head);
        if kept {
            assert_granted(&mut connection, "kept alive");
        } else {
            assert!(connection.ends());
        }
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_and_two_lengths_are_never_believed() {
    let stand = Stand::start().await;
    let before = rows(&stand);
    let post = "POST /shep/sync HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n";
    for message in [
        "hello\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".to_owned(),
        "POST /shep/sync HTTP/9.9\r\n\r\n".to_owned(),
        format!("{post}Content-Length: 4\r\nContent-Length: 5\r\n\r\n<a/>"),
        format!("{post}Content-Length: -1\r\n\r\n"),
        format!("{post}Content-Length: 99999999999999999999999999\r\n\r\n"),
        format!("{post}Transfer-Encoding: gzip\r\n\r\n"),
        format!("{post}Bad Name: x\r\n\r\n"),
    ] {
        let mut connection = Connection::impatient(stand.address);
        assert!(connection.write(message.as_bytes()));
        let reply = connection.read();
        assert!(reply.status == 400 && connection.ends(), "{message:?}: {}", reply.head);
    }
    let mut connection = Connection::impatient(stand.address);
    assert!(connection.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assert!(connection.ends(), "HTTP/2 is not spoken, and an answer in HTTP/1.1 would not be understood");
    assert_eq!(rows(&stand), before);
    // Chunks win over a length (RFC 9112, 6.3): what follows them is no second request of somebody else.
    let mut connection = Connection::impatient(stand.address);
    assert!(
        connection.write(
            format!("{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").as_bytes()
        )
    );
    assert_fault(&connection.read(), 500, "SCE001", "a length beside chunks");
    let mut connection = Connection::open(stand.address);
    assert!(
        connection
            .write(format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n<a/>\r\n0\r\n\r\n").as_bytes())
    );
    let reply = connection.read();
    assert_fault(&reply, 500, "SCE001", "a chunk of no length");
    assert!(reply.closes());
    assert_granted(&mut Connection::open(stand.address), "after all of them");
    stand.running.stop().await;
}
