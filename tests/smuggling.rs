//! Never two requests out of one: raw HTTP/1.1 made by others, against the real listener (RFC 9112, 6 and 11.2).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/stand.rs"]
#[expect(dead_code, unused_imports, reason = "other tests need more of it")]
mod stand;
#[path = "suite/mod.rs"]
mod suite;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::config::Limits;
use kdp::sandbox::limits;
use serde_json::Value;
use stand::Stand;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// A request that nobody sent, were it ever answered.
const SMUGGLED: &str = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: h\r\n\r\n";
/// What only its answer holds.
const LOOT: &str = "\"keys\"";
/// Ends a connection that is in step with us.
const MARKER: &str = "GET /the-marker HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

fn rows(folder: &Path, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bytes(row: &Value, key: &str) -> Vec<u8> {
    STANDARD.decode(row[key].as_str().unwrap()).unwrap()
}

/// All that is answered to `message` until the connection ends; empty: it ended without a word.
fn answers(address: SocketAddr, message: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Who is refused early may find the connection closed while it writes.
    let _ = stream.write_all(message);
    let mut answers = Vec::new();
    match stream.read_to_end(&mut answers) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => {
            panic!("the connection does not end: {error}")
        }
        _ => String::from_utf8_lossy(&answers).into_owned(),
    }
}

/// The answers to each of `rows`, many at a time: what is incomplete ends by the time that a header may take.
fn all_answers(address: SocketAddr, rows: &[Value]) -> Vec<String> {
    let one = |row: &Value| answers(address, &bytes(row, "raw_b64"));
    std::thread::scope(|scope| {
        let running: Vec<_> = rows.iter().map(|row| scope.spawn(move || one(row))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn hasty() -> Limits {
    Limits { read_seconds: 2, ..limits() }
}

fn statuses(answers: &str) -> Vec<u16> {
    let after = answers.split("HTTP/1.").skip(1);
    after.filter_map(|rest| rest.get(2..5)?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_two_lengths_is_one_request_and_the_last_of_its_connection() {
    let stand = Stand::start().await;
    for length in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    {
        let message = format!(
            "POST /shep/sync HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n{length}\r\n\r\n0\r\n\r\n{SMUGGLED}"
        );
        let answers = answers(stand.address, message.as_bytes());
        assert_eq!(statuses(&answers).len(), 1, "{answers}");
        assert!(answers.to_lowercase().contains("connection: close") && !answers.contains(LOOT), "{answers}");
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mutation_of_transfer_encoding_makes_two_requests_out_of_one() {
    let Some(suite) = suite::unpack("http") else { return };
    let stand = Stand::start().await;
    let body = format!("0\r\n\r\n{SMUGGLED}");
    let rows = rows(suite.path(), "smuggler-te-mutations");
    assert_eq!(rows.len(), 1768);
    let (mut refused, mut whole, mut chunked) = (0, 0, 0);
    for row in &rows {
        let mut message = bytes(row, "header_b64");
        for (placeholder, value) in [
            ("__METHOD__", "POST"),
            ("__ENDPOINT__", "/shep/sync"),
            ("__RANDOM__", "1"),
            ("__HOST__", "h"),
            ("__REPLACE_CL__", &body.len().to_string()),
            ("application/x-www-form-urlencoded", "text/xml"),
        ] {
            message = replaced(&message, placeholder.as_bytes(), value.as_bytes());
        }
        message.extend_from_slice(format!("\r\n\r\n{body}{MARKER}").as_bytes());
        let answers = answers(stand.address, &message);
        let name = &row["name"];
        assert!(!answers.contains(LOOT), "{name}: the smuggled request was answered\n{answers}");
        match statuses(&answers).as_slice() {
            // Nothing is believed of the connection any more.
            [400] | [] => refused += 1,
            // By Content-Length: then the next request of the connection is the marker.
            [500, 404] => whole += 1,
            // By its chunks or without a length, and closed behind them (RFC 9112, 6.3).
            [500 | 415] if answers.to_lowercase().contains("connection: close") => chunked += 1,
            other => panic!("{name}: {other:?}\n{answers}"),
        }
    }
    assert!(refused > 0 && whole > 0, "{refused} refused, {whole} by length, {chunked} by chunks");
    println!("{refused} refused, {whole} by length, {chunked} by chunks and closed");
    stand.running.stop().await;
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_strict_reader_of_http_refuses_is_never_a_success() {
    let Some(suite) = suite::unpack("http") else { return };
    let stand = Stand::start_within(hasty()).await;
    let rows = rows(suite.path(), "llhttp-requests");
    assert_eq!(rows.len(), 166);
    let mut wrong = Vec::new();
    for (row, answers) in rows.iter().zip(all_answers(stand.address, &rows)) {
        let statuses = statuses(&answers);
        let strict = row["type"] == "request";
        let succeeded = statuses.iter().any(|status| (200..300).contains(status));
        if (strict && row["expect"] == "reject" && succeeded) || answers.contains(LOOT) {
            wrong.push(format!("{} {}: {statuses:?}", row["title"], row["reason"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_h1spec_gets_a_status_that_it_allows() {
    let Some(suite) = suite::unpack("http") else { return };
    let stand = Stand::start_within(hasty()).await;
    let rows = rows(suite.path(), "h1spec");
    assert_eq!(rows.len(), 33);
    let mut wrong = Vec::new();
    for (row, answers) in rows.iter().zip(all_answers(stand.address, &rows)) {
        let got = statuses(&answers);
        let allowed: Vec<(i64, i64)> = serde_json::from_value(row["expect_status"].clone()).unwrap();
        let first = got.first().map_or(-1, |status| i64::from(*status));
        // Its paths are not ours: where it expects a page, there is none.
        let fits = allowed.iter().any(|(from, to)| {
            (*from..=*to).contains(&first) || (*from == 200 && first == 404) || (*from == -1 && first == 400)
        });
        if !fits {
            wrong.push(format!("{}: {got:?}, allowed {allowed:?}", row["title"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    stand.running.stop().await;
}
