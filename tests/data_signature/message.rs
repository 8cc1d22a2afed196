//! Signed data in a message: where it stands, what is read of it, and what is around it.

use crate::pki::{Authority, BIN, Holder, IIN, fixture_authorities, keys};
use crate::{AT, fixtures};
use kdp::config::Config;
use kdp::service::payload::Payload;
use kdp::soap::sync_channel::K;
use kdp::text::FaultCode;
use kdp::trust::certificate::Certificate;
use kdp::trust::data_signature::{DataDistrust, Signatory, masked};
use kdp::trust::path::Authorities;
use kdp::trust::revocation::Revocation;
use kdp::trust::{Distrust, Trust};
use kdp::xml::{Document, Limits};

pub const NAMES: &[&str] = &["uin", "company", "omit-sms"];

/// What a message came to: who signed, and the IIN that was read.
pub type Found = (Result<Vec<Signatory>, DataDistrust>, Option<String>);

/// Reads the data of an envelope, as the service does after it believes the transport signature.
pub fn read(envelope: &str, authorities: &Authorities) -> Result<Found, FaultCode> {
    let document = Document::parse(envelope.as_bytes(), &Limits::default()).unwrap();
    let data = document.elements().find(|element| element.name() == "requestData").unwrap();
    let data = data.children().find(|child| child.name() == "data");
    let believe = |signed: Result<kdp::trust::data_signature::Signed<'_, '_>, Distrust>| {
        signed.map_err(DataDistrust::All)?.verify(authorities, AT)
    };
    let payload = Payload::read_signed(data, K, NAMES, &believe).map_err(|fault| fault.code)?;
    let uin = payload.fields.ok().and_then(|fields| fields.get("uin").map(str::to_owned));
    Ok((payload.signatories, uin))
}

/// An envelope with these declarations around `content`, which stands in `requestData`.
pub fn envelope(around: &str, content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' {around}><s:Body>\
         <t:SendMessage xmlns:t='http://bip.bee.kz/SyncChannel/v10/Types'><request><requestInfo/>\
         <requestData>{content}</requestData></request></t:SendMessage></s:Body></s:Envelope>"
    )
}

pub fn signed(document: &str) -> String {
    String::from_utf8(Holder::fixture("bank").sign(document.as_bytes())).unwrap()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

const DATA: &str = "<data><uin>800101399015</uin><company>АО &amp; Қ</company></data>";
const ROOT: &str = "<getUserDataRequest><uin>800101399015</uin></getUserDataRequest>";
const IN_K: &str = "<k:a xmlns:k='http://service.2fa-chain.kz/ns/kdp'><k:uin>800101399015</k:uin></k:a>";
const DEFAULT_K: &str =
    "<a xmlns='http://service.2fa-chain.kz/ns/kdp' xml:lang='kk'><uin>800101399015</uin></a>";

#[test]
fn a_document_that_was_signed_by_itself_is_verified_wherever_it_travels() {
    let authorities = fixture_authorities();
    let (data, root) = (signed(DATA), signed(ROOT));
    for content in [
        data.clone(),
        format!("<data>{root}</data>"),
        format!("<data>\n  {root}\n</data>"),
        format!("<data>{}</data>", signed(IN_K)),
        format!("<data>{}</data>", signed(DEFAULT_K)),
        format!("<data xmlns='urn:other'>{}</data>", signed(DEFAULT_K)),
        format!("<data><![CDATA[{data}]]></data>"),
        format!("<data>{}</data>", escaped(&root)),
        format!("<data>{}</data>", escaped(&format!("<?xml version='1.0'?>\n{root}"))),
        data.replacen("<data>", "<data xmlns=''>", 1),
    ] {
        // Unused declarations and xml:lang around it would be in the canonical form of a part of the envelope.
        for around in
            ["", "xmlns:x='urn:x' xml:lang='ru' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"]
        {
            let (signatories, uin) = read(&envelope(around, &content), &authorities).unwrap();
            let signatories = signatories.unwrap_or_else(|error| panic!("{error}: {content}"));
            assert_eq!(signatories[0].certificate.bin.as_deref(), Some(BIN));
            assert_eq!(uin.as_deref(), Some("800101399015"), "{content}");
        }
    }
}

#[test]
fn data_that_were_signed_by_id_in_their_place_are_verified_with_what_is_around_them() {
    let text = std::fs::read_to_string(fixtures("data_signature/in-place-in-a-message.xml")).unwrap();
    let authorities = fixture_authorities();
    let (signatories, uin) = read(&text, &authorities).unwrap();
    assert_eq!(signatories.unwrap().len(), 1);
    assert_eq!(uin.as_deref(), Some("800101399015"));
    let around = text.replacen("xmlns:xsi=", "xmlns:x='urn:x' xmlns:xsi=", 1);
    let (signatories, _) = read(&around, &authorities).unwrap();
    assert_eq!(signatories.unwrap_err(), DataDistrust::One(1, Distrust::DataDigest));
    // The empty reference is to a document: `xsi` was not declared in it.
    let whole = text.replacen("URI=\"#data-1\"", "URI=\"\"", 1);
    let (signatories, _) = read(&whole, &authorities).unwrap();
    assert_eq!(signatories.unwrap_err(), DataDistrust::One(1, Distrust::NotSelfContained));
}

#[test]
fn names_that_fall_into_a_namespace_around_them_are_not_those_that_were_signed() {
    let default = "xmlns='http://service.2fa-chain.kz/ns/kdp'";
    for content in [signed(DATA), format!("<data xmlns=''><a xmlns='urn:a'>{}</a></data>", signed(ROOT))] {
        let (signatories, _) = read(&envelope(default, &content), &fixture_authorities()).unwrap();
        let error = signatories.unwrap_err().distrust();
        assert!(matches!(error, Distrust::NotSelfContained | Distrust::SignatureMisplaced), "{error}");
    }
    let moved = format!("<data xmlns='urn:a'>{}</data>", signed(ROOT));
    let (signatories, _) = read(&envelope("", &moved), &fixture_authorities()).unwrap();
    assert_eq!(signatories.unwrap_err(), DataDistrust::One(1, Distrust::NotSelfContained));
}

#[test]
fn signatures_are_passed_over_where_nobody_asks_for_them() {
    let document = signed(ROOT);
    let data = format!("<data>{}</data>", document.replace("<ds:DigestValue>", "<ds:DigestValue>AAAA"));
    let parsed = Document::parse(data.as_bytes(), &Limits::default()).unwrap();
    let payload = Payload::read(Some(parsed.root()), K, NAMES).unwrap();
    assert_eq!(payload.fields.ok().unwrap().get("uin"), Some("800101399015"));
}

#[test]
fn a_person_who_signed_is_known_by_number_and_shown_without_it() {
    let [_, _, new] = keys();
    let authority = Authority::new(new);
    let [_, old, _] = keys();
    let signed = authority.person(old, IIN, None).sign(ROOT.as_bytes());
    let content = format!("<data>{}</data>", String::from_utf8(signed).unwrap());
    let (signatories, _) = read(&envelope("", &content), &authority.authorities()).unwrap();
    let signatories = signatories.unwrap();
    assert_eq!(signatories[0].certificate.iin.as_deref(), Some(IIN));
    let shown = format!("{signatories:?}");
    assert!(shown.contains(&masked(IIN)) && !shown.contains(IIN), "{shown}");
}

#[test]
fn missing_wrong_and_untrusted_have_each_their_code() {
    let trust = Trust::default();
    let fault = |document: &str| {
        let parsed = Document::parse(document.as_bytes(), &Limits::default()).unwrap();
        let signed = kdp::trust::data_signature::Signed::document(&parsed);
        trust.signatories(signed, AT).unwrap_err().fault()
    };
    assert_eq!(fault(ROOT).code(), "SCE017");
    assert_eq!(fault(&signed(ROOT)).code(), "SCE015", "no authority is trusted");
    assert_eq!(fault(&signed(ROOT).replace("#enveloped-signature", "#other")).code(), "SCE016");
}

#[tokio::test]
async fn whether_a_certificate_was_revoked_is_asked_of_each_that_signed() {
    let [_, _, key] = keys();
    let authority = Authority::new(key);
    let [_, old, new] = keys();
    let once = authority.person(old, IIN, None).sign(ROOT.as_bytes());
    let twice = authority.person(new, IIN, Some(BIN)).sign(&once);
    let document = Document::parse(&twice, &Limits::default()).unwrap();
    let signed = || kdp::trust::data_signature::Signed::document(&document);
    let mut trust = Trust::default();
    trust.add_authority(Certificate::from_der(authority.root()).unwrap()).unwrap();
    for _ in 0..2 {
        // The second time from memory, where time still counts.
        let signatories = trust.signatories(signed(), AT).unwrap();
        assert_eq!(signatories.len(), 2);
        assert_eq!(trust.are_in_force(&signatories, AT).await, Ok(()), "nobody is asked");
        let late = trust.signatories(signed(), AT + 20 * 365 * 86_400).unwrap_err();
        assert_eq!(late, DataDistrust::One(2, Distrust::Expired), "the last one first");
    }
    let section = "environment = \"test\"\n[trust.revocation]\nlists = [{ full = \"/nowhere/list.crl\" }]\n";
    let section = Config::parse(section).unwrap().trust.revocation;
    trust.check_revocation(Revocation::new(&section).unwrap().unwrap());
    let signatories = trust.signatories(signed(), AT).unwrap();
    let refused = trust.are_in_force(&signatories, AT).await.unwrap_err();
    assert_eq!(refused, DataDistrust::One(1, Distrust::RevocationUnknown));
    assert_eq!(refused.fault(), FaultCode::DataCertificate);
}
