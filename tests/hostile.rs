//! What a stranger can cost: everything before the signature has been verified is work for anybody who can connect, so
//! none of it may grow faster than the message.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use stand::{Connection, Reply, Stand};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: usize = 1_000_000;
/// Far above what any message of this size costs, unoptimised and beside other work.
const BOUND: Duration = Duration::from_secs(3);

const EXCLUSIVE: &str = "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests").join(name))
        .unwrap()
}

fn good() -> String {
    fixture("001-shep-key-identifier.VALID.xml")
}

/// Elements that declare nearly as many prefixes as a message may, in a header that nobody reads.
fn many_prefixes() -> String {
    let mut header = String::new();
    for element in 0..15 {
        header.push_str("<x:h xmlns:x=\"urn:x\"");
        for prefix in 0..60 {
            write!(header, " xmlns:p{element:02}q{prefix:02}=\"urn:x\"").unwrap();
        }
        header.push_str("/>");
    }
    header
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
fn timed(stand: &Stand, message: &str) -> (Reply, Duration) {
    let started = Instant::now();
    let reply = Connection::open(stand.address).post(message.as_bytes());
    (reply, started.elapsed())
}

fn assert_cheap(stand: &Stand, what: &str, message: &str, code: &str) {
    assert!(message.len() < 1 << 20, "{what}: {} bytes", message.len());
    let (reply, time) = timed(stand, message);
    println!("{what}: {time:?}");
    assert_eq!(reply.element("errorCode"), Some(code), "{what}: {}", reply.body);
    assert!(time < BOUND, "{what} took {time:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_of_a_stranger_costs_more_than_its_size() {
    let stand = Stand::start().await;
    let good = good();
    let list = "p99q99 ".repeat((SIZE - 50_000) / 7);
    let canonicalization = format!("<ds:CanonicalizationMethod {EXCLUSIVE}/>");
    let listed = format!(
        "<ds:CanonicalizationMethod {EXCLUSIVE}><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
         PrefixList=\"{list}\"/></ds:CanonicalizationMethod>"
    );
    let flood = good
        .replace("<soap:Header>", &format!("<soap:Header>{}", many_prefixes()))
        .replace(&canonicalization, &listed);
    assert_cheap(&stand, "a list of very many prefixes", &flood, "SCE006");

    let issuer = "C=KZ,".repeat(SIZE / 5 - 2000) + "C=KZ";
    let by_serial = fixture("002-shep-issuer-serial.VALID.xml");
    let (before, rest) = by_serial.split_once("<ds:X509IssuerName>").unwrap();
    let (_, after) = rest.split_once("</ds:X509IssuerName>").unwrap();
    let long = format!("{before}<ds:X509IssuerName>{issuer}</ds:X509IssuerName>{after}");
    assert_cheap(&stand, "an issuer of very many parts", &long, "SCE006");

    stand.running.stop().await;
}
