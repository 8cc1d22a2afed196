//! In which order a signature is verified: what is short and needs the key first, what a stranger can make large after it.

use super::stand::{Connection, Stand};
use super::{fixture, good};

/// Another signature of the same length.
fn spoilt(message: &str) -> String {
    let (before, value) = message.split_once("SignatureValue>").unwrap();
    let first = if value.starts_with('A') { 'B' } else { 'A' };
    format!("{before}SignatureValue>{first}{}", &value[1..])
}

/// A Body without a canonical form is the trap: whoever touches it falls in, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_body_is_neither_canonicalised_nor_digested_before_the_signature_of_signed_info_has_held() {
    let stand = Stand::start().await;
    let refused = |message: &str| {
        let reply = Connection::open(stand.address).post(message.as_bytes());
        assert_eq!(reply.element("errorCode"), Some("SCE006"), "{}", reply.body);
        let whys = ["no canonical form", "DigestValue does not match", "SignatureValue does not verify"];
        whys.into_iter().find(|why| reply.body.contains(why)).unwrap_or_default()
    };
    for message in [good(), fixture("002-shep-issuer-serial.VALID.xml")] {
        let other = message.replace("<requestData>", "<requestData><other/>");
        let trap = message.replace("<requestData>", "<requestData><a xmlns=\"b\"/>");
        assert_eq!(refused(&other), "DigestValue does not match");
        assert_eq!(refused(&trap), "no canonical form", "the trap is one");
        for without_key in [&message, &other, &trap] {
            assert_eq!(refused(&spoilt(without_key)), "SignatureValue does not verify");
        }
    }
    stand.running.stop().await;
}
