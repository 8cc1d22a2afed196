//! What the sandbox's listener publishes: contract, keys, health, figures.

use super::stand::{Connection, Stand};
use super::{assert_granted, good};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kdp::soap::wsdl;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_served_whole_and_all_its_addresses_resolve() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    let reply = connection.get("/shep/sync?wsdl");
    assert_eq!(reply.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(connection.get("/shep/sync?WSDL").body, reply.body);
    assert!(reply.body.contains(&format!("<soap:address location=\"{}\"/>", stand.running.url)));
    let (mut open, mut reached) = (vec![reply.body], BTreeSet::new());
    while let Some(document) = open.pop() {
        for address in document.split("ocation=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let path = address.strip_prefix(&format!("http://{}", stand.address)).expect(address);
            if path.contains('?') && reached.insert(path.to_owned()) {
                let reply = connection.get(path);
                assert_eq!(
                    (reply.status, reply.header("content-type")),
                    (200, Some("text/xml; charset=utf-8"))
                );
                assert_eq!(connection.get(&path.replace("?xsd=", "?XSD=")).body, reply.body);
                open.push(reply.body);
            }
        }
    }
    let all = wsdl::SYNC.names().map(|name| format!("/shep/sync?xsd={name}"));
    assert_eq!(reached, all.collect());
    for name in ["", "kdp", "nothing.xsd", "../kdp.xsd", "..%2fkdp.xsd", "kdp.xsd%00"] {
        assert_eq!(connection.get(&format!("/shep/sync?xsd={name}")).status, 404, "{name}");
    }
    for query in ["", "wsdl=1", "wsdl2", "xsd"] {
        assert_eq!(connection.get(&format!("/shep/sync?{query}")).status, 404, "{query}");
    }
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_keys_are_public_and_hold_the_one_that_signed() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    let reply = connection.get("/.well-known/jwks.json");
    assert_eq!(reply.header("content-type"), Some("application/jwk-set+json"));
    assert!(reply.header("cache-control").is_some_and(|value| value.contains("max-age=")));
    let set: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let keys = set["keys"].as_array().unwrap();
    for secret in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(keys.iter().all(|key| key[secret].is_null()), "{secret}");
    }
    let answer = connection.post(&good());
    let header = answer
        .element("code")
        .and_then(|_| answer.body.split("code>").find(|t| t.starts_with("eyJ")))
        .unwrap();
    let header = URL_SAFE_NO_PAD.decode(header.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    assert!(keys.iter().any(|key| key["kid"] == header["kid"] && key["use"] == "sig"), "{set} {header}");
    stand.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_figures_tell_of_the_service_and_of_nobody() {
    let stand = Stand::start().await;
    let mut connection = Connection::open(stand.address);
    assert_granted(&mut connection, "a grant");
    let message = String::from_utf8(good()).unwrap();
    connection.post(message.replace("GBDFLUniversal", "GBDFLUniversaI").as_bytes());
    connection.post(b"<a/>");
    assert_eq!(connection.get("/health/live").body, "live");
    let ready = connection.get("/health/ready");
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready"));
    let figures = connection.get("/metrics");
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(figures.header("content-type"), Some(kind));
    assert!(figures.body.ends_with("# EOF\n"));
    for part in [
        "kdp_exchange_seconds_bucket{le=\"+Inf\",service=\"KDP_SERVICE\",outcome=\"granted\"} 1",
        "kdp_exchange_seconds_count{service=\"none\",outcome=\"SCE006\"} 1",
        "kdp_exchange_seconds_count{service=\"none\",outcome=\"SCE001\"} 1",
        "kdp_store_queue 0",
        "kdp_store_commit_size_count ",
        "kdp_exchanges_in_flight 0",
    ] {
        assert!(figures.body.contains(part), "{part} is not in\n{}", figures.body);
    }
    let world: serde_json::Value = serde_json::from_str(&connection.get("/sandbox").body).unwrap();
    let people = world["subjects"].as_array().unwrap().iter().flat_map(|s| [&s["iin"], &s["msisdn"]]);
    let peers = world["peers"].as_array().unwrap();
    let peers = peers.iter().flat_map(|p| [&p["sender_id"], &p["password"], &p["bin"], &p["organisation"]]);
    let private: Vec<&str> = people.chain(peers).filter_map(serde_json::Value::as_str).collect();
    assert!(private.len() > 40);
    for text in private {
        assert!(!figures.body.contains(text), "{text} is in the figures");
    }
    stand.running.stop().await;
}
