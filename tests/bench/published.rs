//! The token status list: what a million tokens come to, what one change does, and what a GET costs.

use crate::installation::{Disk, Installation, Settings, pki};
use crate::process::thread_time;
use crate::stand::{Stand, get, pause};
use crate::table::{Table, median, micros};
use kdp::token::status_list::{PER_LIST, Standing, StatusList, StatusLists};
use kdp::trust::sign::RsaSigner;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const TOKENS: u64 = 1_000_000;
const REVOKED: usize = 10_000;

/// `token.status_ttl_seconds` of the service that is asked.
const TTL: u32 = 1;

const REPEATED: usize = 51;

pub fn measure(table: &mut Table, place: &Path) {
    let revoked = revoked();
    table.group("token status list: 1 000 000 tokens, 10 000 of them revoked");
    encoding(table, &revoked);
    service(table, place, &revoked);
}

/// Places spread over the tokens by chance, always the same.
fn revoked() -> BTreeSet<u64> {
    let (mut places, mut state) = (BTreeSet::new(), 0x9e37_79b9_7f4a_7c15_u64);
    while places.len() < REVOKED {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        places.insert(state % TOKENS);
    }
    places
}

/// In this process, by the calls of the service.
fn encoding(table: &mut Table, revoked: &BTreeSet<u64>) {
    let (mut list, lists) = (StatusList::new(), StatusLists::new("https://kdp.example/token-status", 300));
    lists.extend(TOKENS - 1);
    for place in revoked {
        list.set(*place, Standing::Invalid);
        lists.apply(*place, Standing::Invalid);
    }
    let encoded = list.encode();
    table.row("compressed, before base64", format!("{} bytes", encoded.len()), "≤ 20480 bytes");
    table.row("encoding it, CPU", milliseconds(|| drop(list.encode())), "≤ 50 ms");
    let key = fs::read_to_string(pki("token-1.key.pem")).expect("a fixture");
    let key = RsaSigner::from_pem(&key).expect("a private key");
    // Every change makes a new list as soon as a ttl has passed; a time of its own for each.
    let mut at = 0;
    let mut valid = (0..TOKENS).filter(|place| !revoked.contains(place));
    let whole = milliseconds(|| {
        at += 300_000;
        lists.apply(valid.next().expect("a valid token"), Standing::Invalid);
        let made = lists.published(0, at, &key, "k").expect("a signature").expect("a list");
        assert_eq!(made.encoded_at, at);
    });
    table.row("one change: encoded, put in a JWT and signed, CPU", whole, "≤ 50 ms");
    let changed = valid.next().expect("a valid token");
    let before = entries(&list.encode());
    assert!(list.set(changed, Standing::Invalid), "it was valid");
    let after = entries(&list.encode());
    let differ = (0..PER_LIST).filter(|place| before.get(*place) != after.get(*place)).count();
    table.row("entries that one revocation changes", differ.to_string(), "1");
}

/// Reads a list as an owner does.
fn entries(encoded: &[u8]) -> StatusList {
    let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(encoded).expect("zlib data");
    let mut list = StatusList::new();
    for place in 0..PER_LIST {
        let byte = bytes[usize::try_from(place / 4).expect("a small number")];
        list.set(place, Standing::from_bits(byte >> (place % 4 * 2)));
    }
    list
}

/// Over HTTP, from a service with that many places in its database.
fn service(table: &mut Table, place: &Path, revoked: &BTreeSet<u64>) {
    let installation = Installation::temporary(place);
    let database = rusqlite::Connection::open(installation.database()).expect("a database");
    write(&database, revoked.iter().copied());
    let settings = Settings { status_ttl: TTL, ..Disk::Full.into() };
    let stand = Stand::start(installation, settings);
    let first = timed(stand.address);
    table.row("first GET after the start", format!("{:.1} ms", first.time), "");
    table.row("  of the answer", format!("{} bytes", first.bytes), "");
    let cached: Vec<f64> = (0..REPEATED).map(|_| timed(stand.address).time).collect();
    table.row("GET of a list that is there, median", format!("{:.2} ms", median(&cached)), "");
    let mut valid = (0..TOKENS).filter(|place| !revoked.contains(place));
    let mut fresh = Vec::new();
    let mut last = first.etag;
    for _ in 0..9 {
        write(&database, valid.by_ref().take(1));
        pause(Duration::from_millis(u64::from(TTL) * 1000 + 50));
        let got = timed(stand.address);
        assert_ne!(got.etag, last, "the change is not in it");
        fresh.push(got.time);
        last = got.etag;
    }
    table.row(
        "GET that makes it anew after one change, median",
        format!("{:.1} ms", median(&fresh)),
        "≤ 50 ms",
    );
    let mut tags = BTreeSet::new();
    let (span, begun) = (Duration::from_secs(u64::from(TTL) * 5), Instant::now());
    while begun.elapsed() < span {
        write(&database, valid.by_ref().take(1));
        tags.insert(timed(stand.address).etag);
        pause(Duration::from_millis(50));
    }
    let name = "lists made in 5 ttl with 20 changes a second";
    table.row(name, tags.len().to_string(), "≤ 6");
}

/// Revokes tokens at these places, and allots all places.
fn write(database: &rusqlite::Connection, places: impl Iterator<Item = u64>) {
    let change = database.unchecked_transaction().expect("a transaction");
    for place in places {
        let sql = "INSERT INTO status_change (idx, standing, ends) VALUES (?1, 1, 9000000000000)";
        change.execute(sql, [place]).expect("a change");
    }
    let sql = "UPDATE counter SET next = max(next, ?1) WHERE name = 'status'";
    change.execute(sql, [TOKENS]).expect("places");
    change.commit().expect("a commit");
}

/// One GET.
struct Got {
    /// Milliseconds, the connection's making counted.
    time: f64,
    etag: String,
    /// Of the body.
    bytes: usize,
}

fn timed(address: SocketAddr) -> Got {
    let begun = Instant::now();
    let answer = get(address, "/token-status").expect("the service answers");
    let time = begun.elapsed().as_secs_f64() * 1e3;
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(Value::is_object(&claims(body)), "not a list");
    let etag = head.lines().find(|line| line.to_ascii_lowercase().starts_with("etag:"));
    Got { time, etag: etag.expect("an ETag").to_owned(), bytes: body.len() }
}

/// The claims of a compact JWS.
fn claims(compact: &str) -> Value {
    use base64::Engine as _;
    let payload = compact.split('.').nth(1).expect("a compact JWS");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

/// Median CPU time of a call.
fn milliseconds(mut work: impl FnMut()) -> String {
    let times: Vec<f64> = (0..REPEATED)
        .map(|_| {
            let before = thread_time();
            work();
            micros(thread_time().saturating_sub(before)) / 1e3
        })
        .collect();
    format!("{:.2} ms", median(&times))
}
