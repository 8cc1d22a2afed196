//! What a stranger can cost, and what a signer can slip in: work before the signature has been verified is work for
//! anybody who can connect, and what a message names must not spread through answers, log and journal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "hostile/cost.rs"]
mod cost;
#[path = "hostile/inquiry.rs"]
mod inquiry;
#[path = "hostile/noise.rs"]
mod noise;
#[path = "hostile/order.rs"]
mod order;
#[path = "hostile/shape.rs"]
mod shape;
#[path = "hostile/signature.rs"]
mod signature;
#[path = "common/sqlite.rs"]
mod sqlite;
#[path = "common/stand.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod stand;
#[path = "hostile/table.rs"]
mod table;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::config::Limits;
use kdp::sandbox::limits;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use sqlite::sqlite;
use stand::{Connection, Reply, Stand};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const SIZE: usize = 1_000_000;
const EXCLUSIVE: &str = "Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/requests").join(name))
        .unwrap()
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
        (
            "a serial number of 15 000 bytes",
            with(&good, key, "<", &certificate_with_serial(15_000)),
            "SCE005",
        ),
        (
            "a serial number of 700 000 bytes",
            with(&good, key, "<", &certificate_with_serial(700_000)),
            "SCE005",
        ),
        ("an issuer of very many parts", with(&by_serial, "X509IssuerName>", "<", &issuer), "SCE006"),
        ("a signature value of its size", with(&good, "SignatureValue>", "<", &"A".repeat(SIZE)), "SCE006"),
    ] {
        let time = cost(&stand, &message, code, what);
        println!("{what}: {time:?}, a comment: {base:?}");
        assert!(time < base * 4 + Duration::from_millis(50), "{what}: {time:?}, reading alone {base:?}");
    }
    stand.running.stop().await;
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// CPU time that a message may cost, which is 50 ms; without optimisation our own code needs many times as long.
const MOST_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });
/// Memory that it may need beyond what the service had, bytes.
const MOST_MEMORY: u64 = 20 << 20;

/// With `--release` and `--nocapture` it prints the figures that count.
#[test]
fn of_what_is_made_to_cost_nothing_costs_much_and_all_is_refused_by_its_code() {
    let good = good();
    let corpus: Vec<_> = shape::all().into_iter().chain(signature::all()).collect();
    assert!(corpus.len() >= 110, "{} messages", corpus.len());
    let mut meter = cost::Meter::start(good.as_bytes());
    let mut wrong = Vec::new();
    for hostile in &corpus {
        let mut cost = meter.measure(hostile);
        // The service keeps memory for the next message, and other work of it may fall into this moment: only what each of
        // several new processes needs is known to be of this one.
        for _ in 0..3 {
            if cost.memory > MOST_MEMORY {
                meter = cost::Meter::start(good.as_bytes());
                cost.memory = meter.measure(hostile).memory;
            }
        }
        let (time, memory) = (cost.time.as_secs_f64() * 1000.0, cost.memory >> 10);
        let line = format!("{:<52} {:<22} {time:>6.1} ms {memory:>6} KiB", hostile.name, cost.code);
        println!("{line}");
        if cost.code != hostile.code || cost.time > MOST_TIME || cost.memory > MOST_MEMORY {
            wrong.push(format!("{line}, expected {}", hostile.code));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), corpus.len(), wrong.join("\n"));
}

/// A call that the gateway has signed.
struct Call<'a> {
    message_id: &'a str,
    correlation_id: &'a str,
    sender_id: &'a str,
    password: &'a str,
}

const HONEST: Call<'_> = Call {
    message_id: "1",
    correlation_id: "2",
    sender_id: "bank_kdp",
    password: "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh",
};

impl Call<'_> {
    fn signed(&self) -> Vec<u8> {
        let key = RsaSigner::from_pem(&file("shep.key.pem")).unwrap();
        let certificate = Certificate::from_file(file("shep.cert.pem").as_bytes()).unwrap();
        let signer = EnvelopeSigner::new(Box::new(key), certificate, KeyInfoForm::Certificate);
        let call = |writer: &mut kdp::xml::Writer<'_>| {
            writer
                .open("t:SendMessage", &[("t", "http://bip.bee.kz/SyncChannel/v10/Types")], &[])
                .open("request", &[], &[])
                .open("requestInfo", &[], &[])
                .leaf("messageId", self.message_id)
                .leaf("correlationId", self.correlation_id)
                .leaf("serviceId", "KDP_SERVICE")
                .leaf("messageDate", "2026-04-01T12:00:00+05:00")
                .open("sender", &[], &[])
                .leaf("senderId", self.sender_id)
                .leaf("password", self.password)
                .close()
                .close()
                .open("requestData", &[], &[])
                .open("data", &[], &[])
                .leaf("uin", "800101399015")
                .close()
                .close()
                .close()
                .close();
        };
        signer.envelope("id-1", call).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_would_break_a_line_of_the_log_is_refused() {
    let stand = Stand::start().await;
    let reply = Connection::open(stand.address).post(&HONEST.signed());
    assert_eq!(reply.element("code"), Some("SCSE002"), "but for its data it is in order: {}", reply.body);
    for bad in ["1\n{\"level\":\"INFO\"}", "1\u{9b}31m", "1\u{7f}", "1\u{85}2", "1\t2"] {
        for call in [
            Call { message_id: bad, ..HONEST },
            Call { correlation_id: bad, ..HONEST },
            Call { sender_id: bad, ..HONEST },
        ] {
            let reply = Connection::open(stand.address).post(&call.signed());
            assert_eq!(reply.element("errorCode"), Some("SCE001"), "{bad:?}: {}", reply.body);
            assert!(!reply.body.contains(bad));
        }
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_names_elements_at_no_length_in_answer_and_journal() {
    let stand = Stand::start().await;
    let name = "n".repeat(1000);
    let deep = format!("{}<!-- -->text{}", format!("<{name}>").repeat(50), format!("</{name}>").repeat(50));
    for header in [deep, format!("<x:{name} xmlns:x=\"urn:x\" soap:mustUnderstand=\"1\"/>")] {
        let message = good().replace("<soap:Header>", &format!("<soap:Header>{header}"));
        let reply = Connection::open(stand.address).post(message.as_bytes());
        assert_eq!(reply.element("errorCode"), Some("SCE001"));
        assert!(reply.body.len() < 3000, "{} bytes of answer", reply.body.len());
    }
    let longest = sqlite(&stand.database(), "SELECT max(length(detail)) FROM journal");
    assert!(longest.trim().parse::<usize>().unwrap() < 400, "{longest}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_registered_is_told_to_nobody_who_does_not_prove_himself() {
    let stand = Stand::start().await;
    let refused = |call: Call<'_>| {
        let reply = Connection::open(stand.address).post(&call.signed());
        assert_eq!(reply.element("errorCode"), Some("KDP401"), "{}", reply.body);
        // The decision is another each time, and says nothing.
        let (before, rest) = reply.body.split_once("decision ").unwrap();
        format!("{before}{}", rest.get(36..).unwrap())
    };
    let unknown = refused(Call { sender_id: "nobody", ..HONEST });
    for call in [
        Call { password: "wrong", ..HONEST },
        Call { password: "", ..HONEST },
        Call { sender_id: "akimat_kdp", ..HONEST },
        Call { sender_id: "bank_kdp2", password: "", ..HONEST },
    ] {
        assert_eq!(refused(call), unknown);
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_of_large_messages_share_a_memory_that_small_ones_do_not_need() {
    let stand = Stand::start_within(Limits { read_seconds: 5, ..limits() }).await;
    let length = (1 << 20) - 1;
    let header = stand::head("POST", "/shep/sync", "Content-Type: text/xml\r\n", length);
    let (tell, told) = mpsc::channel();
    for _ in 0..264 {
        let mut sender = Connection::open(stand.address);
        // The last byte never comes; what came before waits in the service's memory.
        assert!(sender.write(&header) && sender.write(&vec![b' '; length - 1]));
        let tell = tell.clone();
        std::thread::spawn(move || tell.send(sender.read()).unwrap());
    }
    let refused: Vec<Reply> = told.iter().take(8).collect();
    for reply in &refused {
        assert_eq!((reply.status, reply.element("errorCode")), (503, Some("KDP503")), "{}", reply.body);
        assert!(reply.closes() && reply.header("retry-after").is_some());
    }
    let reply = Connection::impatient(stand.address).post(good().as_bytes());
    assert_eq!(reply.word(), Some("VALID"), "a small message needs no share: {}", reply.body);
    let too_slow = told.iter().take(256).filter(|reply| reply.element("errorCode") == Some("SCE001")).count();
    assert_eq!(too_slow, 256, "the others waited for their own time to end");
    let large = good().replace("<soap:Header>", &format!("<soap:Header><!--{}-->", "x".repeat(SIZE)));
    let reply = Connection::open(stand.address).post(large.as_bytes());
    assert_eq!(reply.word(), Some("VALID"), "they gave their share back: {}", reply.body);
    stand.running.stop().await;
}
