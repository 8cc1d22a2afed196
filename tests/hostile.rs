//! What a stranger can cost: everything before the signature has been verified is work for anybody who can connect, so
//! none of it may grow faster than the message.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stand::{Connection, Stand};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZE: usize = 1_000_000;
const EXCLUSIVE: &str = "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests").join(name)).unwrap()
}

/// `text` with what stands between `before` and `after` replaced.
fn with(text: &str, before: &str, after: &str, new: &str) -> String {
    let (head, rest) = text.split_once(before).unwrap();
    let (_, tail) = rest.split_once(after).unwrap();
    format!("{head}{before}{new}{after}{tail}")
}

fn good() -> String {
    fixture("001-shep-key-identifier.VALID.xml")
}

/// Elements that declare nearly as many prefixes as a message may, in a header that nobody reads.
fn many_prefixes() -> String {
    let mut header = String::new();
    let letters = || ('a'..='z').chain('A'..='D');
    for first in letters() {
        header.push_str("<x:h xmlns:x=\"urn:x\"");
        letters().for_each(|second| write!(header, " xmlns:{first}{second}=\"urn:x\"").unwrap());
        header.push_str("/>");
    }
    header
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// The elements of a DER sequence whose lengths have two bytes, or one.
fn elements(mut content: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let [_, length, rest @ ..] = content {
        let (header, length) = match length {
            0x82 => (4, usize::from(rest[0]) << 8 | usize::from(rest[1])),
            0x81 => (3, usize::from(rest[0])),
            short => (2, usize::from(*short)),
        };
        found.push(&content[..header + length]);
        content = &content[header + length..];
    }
    found
}

/// The certificate of the gateway with a serial number of so many bytes; its signature is wrong now.
fn certificate_with_serial(bytes: usize) -> String {
    let good = good();
    let (_, rest) = good.split_once("#X509v3\">").unwrap();
    let whole = STANDARD.decode(rest.split_once('<').unwrap().0).unwrap();
    let parts = elements(&whole[4..]);
    let mut inside = elements(&parts[0][4..]);
    let serial = der(0x02, &vec![0x55; bytes]);
    inside[1] = &serial;
    STANDARD.encode(der(0x30, &[&der(0x30, &inside.concat())[..], parts[1], parts[2]].concat()))
}

/// The shortest of some times: other work on the machine only adds.
#[expect(clippy::disallowed_methods, reason = "a stopwatch, not a date")]
fn cost(stand: &Stand, message: &str, code: &str, what: &str) -> Duration {
    assert!(message.len() < 1 << 20, "{what}: {} bytes", message.len());
    let mut times = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let reply = Connection::open(stand.address).post(message.as_bytes());
        times.push(started.elapsed());
        assert_eq!(reply.element("errorCode"), Some(code), "{what}: {}", reply.body);
    }
    times.into_iter().min().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_of_a_stranger_costs_much_more_than_reading_it() {
    let stand = Stand::start().await;
    let good = good();
    let plain = good.replace("<soap:Header>", &format!("<soap:Header><!--{}-->", "x".repeat(SIZE)));
    let plain = plain.replace("DigestValue>L", "DigestValue>M");
    let base = cost(&stand, &plain, "SCE006", "a comment");

    let canonicalization = format!("<ds:CanonicalizationMethod {EXCLUSIVE}/>");
    let listed = format!(
        "<ds:CanonicalizationMethod {EXCLUSIVE}><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
         PrefixList=\"{}\"/></ds:CanonicalizationMethod>",
        "zz ".repeat(SIZE / 3)
    );
    let flood = good.replace("<soap:Header>", &format!("<soap:Header>{}", many_prefixes()));
    let key = "#X509v3\">";
    let issuer = "C=KZ,".repeat(SIZE / 5) + "C=KZ";
    let by_serial = fixture("002-shep-issuer-serial.VALID.xml");
    for (what, message, code) in [
        ("very many prefixes in a list", flood.replace(&canonicalization, &listed), "SCE006"),
        ("a serial number of 15 000 bytes", with(&good, key, "<", &certificate_with_serial(15_000)), "SCE005"),
        ("a serial number of 700 000 bytes", with(&good, key, "<", &certificate_with_serial(700_000)), "SCE005"),
        ("an issuer of very many parts", with(&by_serial, "X509IssuerName>", "<", &issuer), "SCE006"),
        ("a signature value of its size", with(&good, "SignatureValue>", "<", &"A".repeat(SIZE)), "SCE006"),
    ] {
        let time = cost(&stand, &message, code, what);
        println!("{what}: {time:?}, a comment: {base:?}");
        assert!(time < base * 4 + Duration::from_millis(50), "{what}: {time:?}, reading alone {base:?}");
    }
    stand.running.stop().await;
}
