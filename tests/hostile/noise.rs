//! Messages of strangers by the thousand: refused each, journalled a few of them, and told of in one record.

use super::stand::{Connection, Stand, head};
use super::{Call, HONEST, good, limits, sqlite};
use kdp::config::Limits;

const XML: &str = "Content-Type: text/xml\r\n";
/// How often each kind is sent.
const TIMES: usize = 250;
/// How many may have a record of their own.
const RECORDED: usize = 20;

/// A message without its header.
fn unsigned() -> String {
    let (before, rest) =
        good().split_once("<soap:Header>").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    before + rest.split_once("</soap:Header>").unwrap().1
}

/// What makes no message, or one that nobody signed, each with its code; none for one that ends early and is not answered.
fn noise() -> Vec<(Vec<u8>, Option<&'static str>)> {
    let post =
        |headers: &str, body: &str| [head("POST", "/shep/sync", headers, body.len()), body.into()].concat();
    let forged = good().replace("DigestValue>L", "DigestValue>M");
    let chunked =
        format!("POST /shep/sync HTTP/1.1\r\nHost: h\r\n{XML}Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    vec![
        (post("Content-Type: text/xml; charset=koi8-r\r\n", "<a/>"), Some("SCE001")),
        (head("POST", "/shep/sync", XML, 9_999_999), Some("KDP413")),
        (post(XML, "<a"), Some("SCE001")),
        (post(XML, &forged), Some("SCE006")),
        (post(XML, &unsigned()), Some("SCE007")),
        (chunked.into_bytes(), None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_send_is_counted_and_fills_no_journal() {
    let stand = Stand::start_within(Limits { refusals_per_minute: RECORDED, ..limits() }).await;
    let database = stand.database();
    let rows = |wanted: &str| {
        let sql = format!("SELECT count(*) FROM journal WHERE kind = 'fault' AND {wanted}");
        sqlite(&database, &sql).trim().parse::<usize>().unwrap()
    };
    let mut decent = Connection::open(stand.address);
    let mut answered = 0;
    for (message, code) in noise() {
        let mut stranger = Connection::open(stand.address);
        for _ in 0..TIMES {
            assert!(stranger.write(&message));
            let Some(code) = code else {
                stranger = Connection::open(stand.address);
                continue;
            };
            let reply = stranger.read();
            assert_eq!(reply.element("errorCode"), Some(code), "{}", reply.body);
            let names_a_decision = reply.body.contains("decision 0");
            assert_eq!(names_a_decision, answered < RECORDED, "it names a decision that has a record");
            answered += 1;
            if reply.closes() {
                stranger = Connection::open(stand.address);
            }
        }
        assert_eq!(decent.post(good().as_bytes()).word(), Some("VALID"), "beside them others are served");
    }
    // Who is known is recorded, however much noise there is beside him.
    let wrong = Call { password: "wrong", ..HONEST }.signed();
    assert_eq!(decent.post(&wrong).element("errorCode"), Some("KDP401"));
    assert_eq!((rows("outcome = 'KDP401'"), rows("outcome != 'KDP401'")), (1, RECORDED));

    let app = stand.running.app.clone();
    stand.running.stop().await;
    let text = app.metrics.text();
    let counted = text.lines().find_map(|line| line.strip_prefix("kdp_refusals_unrecorded_total ")).unwrap();
    let counted: usize = counted.parse().unwrap();
    // Of those that ended early some were gone before anything was made of them.
    assert!((answered - RECORDED..=6 * TIMES - RECORDED).contains(&counted), "{counted} of {answered}");
    let told = "SELECT detail FROM journal WHERE outcome = 'unrecorded'";
    let told: serde_json::Value = serde_json::from_str(sqlite(&database, told).trim()).unwrap();
    assert_eq!(told["messages"], counted);
    assert_eq!((&told["networks"], &told["by_fault"]["KDP413"]), (&1.into(), &TIMES.into()), "{told}");
    assert_eq!(rows("true"), RECORDED + 2, "of {answered} refusals");
}
