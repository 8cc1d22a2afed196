//! What one learns by asking: about a subject, nothing, unless one has the right to know; and by sending again what was
//! sent before.

use super::signature::{addressed, signed};
use super::stand::{Connection, Reply, Stand};
use super::{fixture, sqlite};
use serde_json::Value;

/// IINs of every kind: with a number and without, blocked, frozen, with tokens and requests; and one that is nobody's.
fn subjects(stand: &Stand) -> Vec<String> {
    let shown = Connection::open(stand.address).get("/sandbox").body;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let known = shown["subjects"].as_array().unwrap().iter();
    let mut all: Vec<String> = known.map(|subject| subject["iin"].as_str().unwrap().to_owned()).collect();
    assert!(all.len() > 20);
    all.push("010122599017".to_owned());
    all
}

/// Who asks, by which name and password, which service, about a subject how; and what is in every answer.
type Case<'a> = (&'a str, (&'a str, &'a str), &'a str, &'a dyn Fn(&str) -> String, &'a str);

/// The Body without what is another in each answer: ids, and receipts, whose signatures are never the same.
fn told(reply: &Reply, iin: &str) -> String {
    let (_, body) = reply.body.split_once("Body").unwrap();
    let mut told = String::new();
    for word in body.replace(iin, "IIN").split_inclusive(['>', '<', ' ', '.', '"', '{', '}']) {
        let is_id = |word: &str| word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
        let bare = word.trim_end_matches(['>', '<', ' ', '.', '"', '{', '}']);
        let bare = bare.strip_prefix("id-").unwrap_or(bare);
        told.push_str(&if is_id(bare) { word.replace(bare, "ID") } else { word.to_owned() });
    }
    match (told.split_once("<s:receipt "), told.split_once("</s:receipt>")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => told,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn about_whom_one_asks_makes_no_difference_to_who_may_not_know() {
    let stand = Stand::start().await;
    let nobody = "019d4aa2-0000-7000-8000-0123456789ab";
    let asked = |iin: &str, company: &str, more: &str| {
        format!(
            "<uin>{iin}</uin><company_bin>{company}</company_bin><access_name>GBDFLUniversal_token</access_name>\
             <personal_data_name>ФИО</personal_data_name><omit-sms>false</omit-sms>{more}"
        )
    };
    let newcomer = ("newcomer_kdp", "AYXgbjtSeJFTuvVeSnnbJiHu3CNH1pNk");
    let bank = ("bank_kdp", "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh");
    let owner = ("owner_kdp", "MulsuDqASLYexukdNbXgDows4ZRpYMkj");
    let egov = ("egov_kdp", "dhWkqV2DXVlYXN8BVBt8ytHdulhyWCAP");
    let by_id = |iin: &str| {
        format!("<token_id>{nobody}</token_id><service_id>GBDFLUniversal_token</service_id><uin>{iin}</uin>")
    };
    let revoke =
        |iin: &str| format!("<uin>{iin}</uin><token_id>{nobody}</token_id><applicant>subject</applicant>");
    let repeat = format!("<request_id>{nobody}</request_id>");
    let cases: [Case<'_>; 7] = [
        (
            "who does not prove himself",
            (bank.0, "wrong"),
            "KDP_SERVICE",
            &|iin| asked(iin, "260140990117", ""),
            "KDP401",
        ),
        ("who asks in another's name", bank, "KDP_SERVICE", &|iin| asked(iin, "260140990216", ""), "KDP403"),
        ("who has another role", owner, "KDP_SERVICE", &|iin| asked(iin, "260140990513", ""), "KDP403"),
        (
            "who may use no method",
            newcomer,
            "KDP_SERVICE",
            &|iin| asked(iin, "260140990414", ""),
            "method-not-allowed",
        ),
        (
            "who repeats what nobody asked",
            bank,
            "KDP_SERVICE",
            &|iin| asked(iin, "260140990117", &repeat),
            "request-unknown",
        ),
        ("an owner who guesses", owner, "KDP_CHECK_TOKEN", &by_id, "unknown"),
        ("a portal that guesses", egov, "KDP_REVOKE", &revoke, "token-unknown"),
    ];
    for (who, (sender, password), service, data, expected) in cases {
        let mut answers = Vec::new();
        for iin in subjects(&stand) {
            let message = signed(&addressed(sender, password, service, "", &data(&iin)));
            let reply = Connection::open(stand.address).post(message.as_bytes());
            assert!(reply.body.contains(expected), "{who}: {}", reply.body);
            answers.push(told(&reply, &iin));
        }
        for answer in &answers {
            assert_eq!(*answer, answers[0], "{who}");
        }
    }
    // And nobody of them heard of it.
    for number in 1..=21 {
        let phone = Connection::open(stand.address).get(&format!("/sandbox/phone/770100000{number:02}"));
        assert!(phone.status != 200 || phone.body.trim() == "[]", "{}", phone.body);
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_that_is_sent_again_brings_nothing_new() {
    let stand = Stand::start().await;
    let count = |table: &str| sqlite(&stand.database(), &format!("SELECT count(*) FROM {table}"));
    let post = |message: &str| Connection::open(stand.address).post(message.as_bytes());
    let good = fixture("001-shep-key-identifier.VALID.xml");
    // The first `code` is that of the answer's status.
    let token = |reply: &Reply| reply.body.split("<k:code>").nth(2)?.split('<').next().map(str::to_owned);
    let first = post(&good);
    assert!(first.word() == Some("VALID") && token(&first).is_some_and(|token| token.starts_with("ey")));
    let before = count("access_request");
    for _ in 0..5 {
        let again = post(&good);
        assert_eq!((again.word(), token(&again)), (Some("VALID"), token(&first)));
    }
    assert_eq!(count("access_request"), before, "a replay made a request");
    let ask = signed(&addressed(
        "bank_kdp",
        "HD5O4rmKox67ctwSg9VC5eicBPNSbmvh",
        "KDP_SERVICE",
        "",
        "<uin>930114499019</uin><company_bin>260140990117</company_bin><access_name>GBDRN_token</access_name>\
         <personal_data_name>ФИО</personal_data_name><omit-sms>false</omit-sms>",
    ));
    let pending = post(&ask);
    assert_eq!(pending.word(), Some("PENDING"), "{}", pending.body);
    for _ in 0..5 {
        assert_eq!(post(&ask).element("request_id"), pending.element("request_id"));
    }
    let received = |stand: &Stand| {
        let phone = Connection::open(stand.address).get("/sandbox/phone/77010000014").body;
        serde_json::from_str::<Value>(&phone).unwrap().as_array().unwrap().len()
    };
    for _ in 0..100 {
        if received(&stand) > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(received(&stand), 1, "a replay is no second SMS");
    stand.running.stop().await;
}
