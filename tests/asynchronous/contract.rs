//! The contract as it is published, held against what is read and written. Two validators decide, which share no code.

use super::schema::{self, Piece};
use super::shep::signer;
use super::stand::{Push, Stand};
use super::xmllint::xmllint;
use kdp::soap::async_channel::{A, AC};
use kdp::soap::wsdl;
use std::collections::BTreeSet;
use std::path::Path;

/// What stands in the Body, as a document.
fn body(envelope: &str) -> String {
    let content = envelope.split_once("<soap:Body").unwrap().1.split_once('>').unwrap().1;
    content.split_once("</soap:Body>").unwrap().0.to_owned()
}

/// What stands in the detail of a fault.
fn detail(envelope: &str) -> String {
    body(envelope).split_once("<detail>").unwrap().1.split_once("</detail>").unwrap().0.to_owned()
}

/// The schema that decides about a document by its namespace.
fn piece(document: String) -> Piece {
    let client = document.contains(&format!("\"{AC}\""));
    Piece { schema: if client { "AsyncChannelClient.xsd" } else { "AsyncChannel.xsd" }, document }
}

fn problems(piece: &Piece) -> Vec<String> {
    let document = uppsala::parse(&piece.document).unwrap();
    let validator = schema::compile(&schema::folder().join(piece.schema));
    validator.validate(&document).iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_written_and_read_keeps_to_it() {
    let stand = Stand::start().await;
    let mut pieces = Vec::new();
    for (ns, chain) in [(A, "sms"), (AC, "own")] {
        let push = Push { ns, ..if chain == "sms" { Push::by_sms(chain) } else { Push::own_means(chain) } };
        pieces.push(piece(body(&String::from_utf8(stand.envelope(&push)).unwrap())));
        pieces.push(piece(body(&stand.push(&push).await.body)));
        let wrong = Push { kind: "UPDATE", ..push };
        pieces.push(piece(detail(&stand.push(&wrong).await.body)));
    }
    stand.work().await;
    stand.says("ДА").await;
    stand.work().await;
    let got = stand.shep.got();
    assert_eq!(got.len(), 2);
    for answer in &got {
        pieces.push(piece(answer.body.clone()));
        let data = answer.body.split_once("<data>").unwrap().1.split_once("</data>").unwrap().0;
        let k = kdp::soap::sync_channel::K;
        let document = format!("<k:getUserDataResponse xmlns:k=\"{k}\">{data}</k:getUserDataResponse>");
        pieces.push(Piece { schema: "kdp.xsd", document });
    }
    for ns in [A, AC] {
        pieces.push(piece(body(&stand.notify(&stand.gateway, ns, "shep-1", "NOT_DELIVERED").await.body)));
        pieces.push(piece(detail(&stand.notify(&signer("bank"), ns, "shep-1", "DELIVERED").await.body)));
    }
    assert_eq!(pieces.len(), 14);
    for piece in &pieces {
        assert_eq!(problems(piece), Vec::<String>::new(), "{}", piece.document);
    }
    for (piece, verdict) in pieces.iter().zip(xmllint(&pieces).unwrap_or_default()) {
        assert_eq!(verdict, Ok(()), "{}", piece.document);
    }
    // And they do decide.
    let broken = [
        ("<messageType>REQUEST</messageType>", ""),
        ("REQUEST", "QUESTION"),
        ("<serviceId>", "<t:serviceId>"),
        ("{8c2d6a0e", "8c2d6a0e"),
    ];
    for (from, to) in broken {
        let document = pieces[0]
            .document
            .replacen(from, to, 1)
            .replace("<t:serviceId>KDP_SERVICE</serviceId>", "<t:x/>");
        assert_ne!(document, pieces[0].document);
        let broken = piece(document);
        assert!(!problems(&broken).is_empty(), "{from} → {to}");
        assert!(xmllint(&[broken]).is_none_or(|verdicts| verdicts[0].is_err()), "{from} → {to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_served_whole_and_all_its_addresses_resolve() {
    let stand = Stand::start().await;
    let reply = stand.get("/shep/async?wsdl").await;
    assert_eq!(reply.header("content-type"), Some("text/xml; charset=utf-8"));
    let address = format!("http://{}/shep/async", stand.address);
    assert!(reply.body.contains(&format!("<soap:address location=\"{address}\"/>")), "{}", reply.body);
    let (mut open, mut reached) = (vec![reply.body], BTreeSet::new());
    while let Some(document) = open.pop() {
        for place in document.split("ocation=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let path = place.strip_prefix(&format!("http://{}", stand.address)).expect(place);
            if path.contains('?') && reached.insert(path.to_owned()) {
                let reply = stand.get(path.to_owned().leak()).await;
                assert_eq!(reply.status, 200, "{path}");
                open.push(reply.body);
            }
        }
    }
    let all = wsdl::ASYNC.names().map(|name| format!("/shep/async?xsd={name}"));
    assert_eq!(reached, all.collect());
    let put = stand.post("/shep/async?wsdl", Vec::new()).await;
    assert_ne!(put.status, 404);
    for path in ["/shep/async?xsd=SyncChannel.xsd", "/shep/async?xsd=", "/shep/async"] {
        assert_eq!(stand.get(path).await.status, 404, "{path}");
    }
}

#[test]
fn its_names_are_those_of_the_contract_misspelt_ones_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let ours = read("wsdl/AsyncChannelClient.wsdl") + &read("wsdl/AsyncChannelClientInterfaces.wsdl");
    for expected in [
        "targetNamespace=\"http://bip.bee.kz/AsyncChannel/v10/Interfaces/Client\"",
        "targetNamespace=\"http://bip.bee.kz/AsyncChannel/v10/Interfaces/Client/Binding\"",
        "<wsdl:portType name=\"IAsyncChannelClient\">",
        "<wsdl:operation name=\"sendMessage\">",
        "<wsdl:operation name=\"changeMassageStatusNotification\">",
        "<soap:operation soapAction=\"\" style=\"document\"/>",
        "element=\"t:changeMassageStatusNotification\"",
    ] {
        assert!(ours.contains(expected), "{expected}");
    }
    let theirs = read("wsdl/AsyncChannel.wsdl") + &read("wsdl/AsyncChannelInterfaces.wsdl");
    for operation in ["sendMessage", "sendDeliveryNotification", "getMessageStatus", "getMessages"] {
        assert!(theirs.contains(&format!("<wsdl:operation name=\"{operation}\">")), "{operation}");
    }
    assert!(theirs.contains("<wsdl:service name=\"AsyncChannelHttpService\">"));
    let common = read("schemas/AsyncChannelCommon.xsd");
    let words = ["MESSAGE_ACCEPTED", "MESSAGE_NOT_ACCTEPTED", "RESEND", "NOT_RESEND"];
    let states = ["ON_DELIVERY", "DELIVERED", "NOT_DELIVERED", "DELIVERY_STOPPED"];
    for word in words.iter().chain(&states) {
        assert!(common.contains(&format!("<xs:enumeration value=\"{word}\"/>")), "{word}");
    }
    for name in ["AsyncChannel", "AsyncChannelClient", "AsyncChannelTypes", "AsyncChannelCommon"] {
        let text = read(&format!("schemas/{name}.xsd"));
        assert!(!text.contains("elementFormDefault=") && !text.contains("form="), "{name}");
    }
}
