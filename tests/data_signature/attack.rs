//! Attacks on signed data: each is refused by the rule that it breaks, and never is anything else read.

use crate::message::{envelope, read, signed};
use crate::pki::{Holder, fixture_authorities};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kdp::text::FaultCode;
use kdp::trust::Distrust;
use kdp::trust::data_signature::DataDistrust;

const EVIL: &str = "<uin>900101399015</uin>";

/// A signed element `a`, its signature alone, and what it would be without it.
fn parts(document: &str) -> (String, String, String) {
    let whole = signed(document);
    let start = whole.find("<ds:Signature ").unwrap();
    let end = whole.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    (whole.clone(), whole[start..end].to_owned(), [&whole[..start], &whole[end..]].concat())
}

/// Holds the first rule that `content` breaks against `expected`.
fn refused(content: &str, expected: Distrust) {
    for around in ["", "xmlns:x='urn:x'"] {
        let (signatories, _) = read(&envelope(around, content), &fixture_authorities()).unwrap();
        let error = signatories.err().unwrap_or_else(|| panic!("believed: {content}"));
        assert_eq!(error.distrust(), expected, "{content}");
    }
}

#[test]
fn what_was_signed_is_not_replaced_by_wrapping_it() {
    let (whole, signature, bare) = parts("<a><uin>800101399015</uin></a>");
    let misplaced = Distrust::SignatureMisplaced;
    for (content, expected) in [
        (format!("<data>{EVIL}</data>"), Distrust::Unsigned),
        (format!("<data><a>{EVIL}</a></data>"), Distrust::Unsigned),
        (format!("<data>{EVIL}{whole}</data>"), misplaced),
        (format!("<data>{whole}{EVIL}</data>"), misplaced),
        (format!("<data>{whole}{whole}</data>"), misplaced),
        (format!("<data><b>{EVIL}{whole}</b></data>"), misplaced),
        (format!("<data><b>{whole}</b></data>"), misplaced),
        (format!("<data><a>{EVIL}<uin>{signature}</uin></a></data>"), misplaced),
        (format!("<data>{bare}{signature}</data>"), Distrust::DataDigest),
        (format!("<data><a>{EVIL}{signature}</a></data>"), Distrust::DataDigest),
        (format!("<data>{EVIL}{signature}</data>"), Distrust::DataDigest),
        (format!("<data><a>{bare}{signature}</a></data>"), Distrust::DataDigest),
        (format!("<data><b><uin>800101399015</uin>{signature}</b></data>"), Distrust::DataDigest),
        (format!("<data>{signature}</data>"), Distrust::DataDigest),
        (format!("<data><a><uin>800101399015</uin>{signature} </a></data>"), Distrust::DataDigest),
        (format!("<data><a x=''><uin>800101399015</uin>{signature}</a></data>"), Distrust::DataDigest),
    ] {
        refused(&content, expected);
    }
    // An object in the signature could hold what was signed; the element would hold something else.
    let with_object =
        signature.replace("</ds:Signature>", &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"));
    refused(&format!("<data><a>{EVIL}{with_object}</a></data>"), Distrust::Structure("ds:Signature"));
    // Outside of data there is no place for it.
    let beside = envelope("", &format!("<data><a>{EVIL}</a></data>{whole}"));
    let (signatories, _) = read(&beside, &fixture_authorities()).unwrap();
    assert_eq!(signatories.unwrap_err(), DataDistrust::All(Distrust::Unsigned));
}

#[test]
fn a_reference_by_id_is_to_the_element_that_is_read() {
    let in_place = std::fs::read_to_string(crate::fixtures("data_signature/accepted/by-id.xml")).unwrap();
    let (start, end) = (in_place.find("<ds:Signature ").unwrap(), in_place.rfind("</data>").unwrap());
    let signature = &in_place[start..end];
    let bare = [&in_place[in_place.find("<data").unwrap()..start], "</data>"].concat();
    let (signatories, uin) =
        read(&envelope("", &in_place[in_place.find("<data").unwrap()..]), &fixture_authorities()).unwrap();
    assert!(signatories.is_ok() && uin.is_some());
    for (content, expected) in [
        (format!("<data>{EVIL}{signature}</data>"), Distrust::NotTheData),
        (format!("<data Id=''>{EVIL}{signature}</data>"), Distrust::NotTheData),
        (format!("<data Id='Data-1'>{EVIL}{signature}</data>"), Distrust::NotTheData),
        (format!("<data name='data-1'>{EVIL}{signature}</data>"), Distrust::NotTheData),
        (format!("<data Id='data-1'>{EVIL}{signature}</data>"), Distrust::DataDigest),
        (format!("<data Id='data-1'>{EVIL}<b>{bare}</b>{signature}</data>"), Distrust::IdNotUnique),
        (format!("<data Id='data-1' id='data-1'>{EVIL}{signature}</data>"), Distrust::IdNotUnique),
        (format!("<data Id='data-1'>{EVIL}<b xml:id='data-1'/>{signature}</data>"), Distrust::IdNotUnique),
        (
            format!(
                "<data Id='data-1'>{EVIL}{}</data>",
                signature.replacen("<ds:Signature ", "<ds:Signature Id='data-1' ", 1)
            ),
            Distrust::IdNotUnique,
        ),
    ] {
        refused(&content, expected);
    }
    // The same id anywhere in the envelope.
    let elsewhere = envelope("ID='data-1'", &in_place[in_place.find("<data").unwrap()..]);
    let (signatories, _) = read(&elsewhere, &fixture_authorities()).unwrap();
    assert_eq!(signatories.unwrap_err().distrust(), Distrust::IdNotUnique);
}

#[test]
fn a_signature_of_another_shape_is_refused_by_the_part_that_is_wrong() {
    let (whole, signature, _) = parts("<a><uin>800101399015</uin></a>");
    let transform =
        "<ds:Transform Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"></ds:Transform>";
    let method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    let info = &signature
        [signature.find("<ds:SignedInfo>").unwrap()..signature.find("<ds:SignatureValue>").unwrap()];
    let reference = &info[info.find("<ds:Reference").unwrap()..info.find("</ds:SignedInfo>").unwrap()];
    let key_info =
        &signature[signature.find("<ds:KeyInfo>").unwrap()..signature.find("</ds:Signature>").unwrap()];
    let second = STANDARD.encode(Holder::fixture("akimat").certificate.der());
    let empty = STANDARD.encode([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);
    let digest = &info[info.find("<ds:DigestValue>").unwrap() + 16..info.find("</ds:DigestValue>").unwrap()];
    let relative = whole.replacen("<uin>", "<uin xmlns:r='relative'>", 1).replace(digest, &empty);
    for (content, expected) in [
        (whole.replace(transform, &transform.repeat(2)), Distrust::DataTransforms),
        (whole.replace(transform, ""), Distrust::DataTransforms),
        (
            whole.replace(
                transform,
                "<ds:Transform Algorithm='http://www.w3.org/TR/1999/REC-xslt-19991116'/>",
            ),
            Distrust::DataTransforms,
        ),
        (
            whole.replace(
                "c14n-20010315\"></ds:Transform>",
                "c14n-20010315\"><ds:XPath>1</ds:XPath></ds:Transform>",
            ),
            Distrust::DataTransforms,
        ),
        (whole.replace("#enveloped-signature", "#base64"), Distrust::DataTransforms),
        (whole.replacen("c14n-20010315\">", "c14n-20010315#other\">", 1), Distrust::DataCanonicalization),
        (whole.replacen("c14n-20010315\">", "c14n-20010315\"><x/>", 1), Distrust::DataCanonicalization),
        (
            whole.replace(method, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
            Distrust::Algorithm("SignatureMethod"),
        ),
        (
            whole.replace(method, "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
            Distrust::Algorithm("SignatureMethod"),
        ),
        (
            whole.replace(method, "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311"),
            Distrust::Algorithm("DigestMethod"),
        ),
        (
            whole
                .replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
            Distrust::Algorithm("DigestMethod"),
        ),
        (whole.replace("URI=\"\"", ""), Distrust::NotTheData),
        (whole.replace("URI=\"\"", "URI=\"#xpointer(/)\""), Distrust::NotTheData),
        (whole.replace("URI=\"\"", "URI=\"http://example.kz/\""), Distrust::NotTheData),
        (whole.replace(reference, &reference.repeat(2)), Distrust::NotOne("Reference")),
        (whole.replace(info, &info.repeat(2)), Distrust::NotOne("SignedInfo")),
        (whole.replace(info, ""), Distrust::Structure("SignedInfo")),
        (whole.replace(key_info, &key_info.repeat(2)), Distrust::NotOne("KeyInfo")),
        (whole.replace(key_info, ""), Distrust::Structure("KeyInfo")),
        (
            whole.replace(
                "</ds:X509Data>",
                &format!("<ds:X509Certificate>{second}</ds:X509Certificate></ds:X509Data>"),
            ),
            Distrust::NotOne("X509Certificate"),
        ),
        (whole.replace("<ds:SignatureValue>", "<ds:SignatureValue>!"), Distrust::Base64),
        (whole.replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->"), Distrust::Comment),
        (whole.replace(digest, &empty), Distrust::DataDigest),
        (whole.replace(digest, ""), Distrust::DataDigest),
        (relative, Distrust::NotCanonical),
    ] {
        refused(&format!("<data>{content}</data>"), expected);
    }
    // The certificate of another, who did not sign.
    let own = STANDARD.encode(Holder::fixture("bank").certificate.der());
    refused(&format!("<data>{}</data>", whole.replace(&own, &second)), Distrust::SignatureValue);
    let short = whole.replace(&own, &own[..own.len() - 4]);
    refused(&format!("<data>{short}</data>"), Distrust::CertificateMalformed);
    let authority = std::fs::read(crate::fixtures("pki/ca.pem")).unwrap();
    let authority = kdp::trust::certificate::Certificate::from_file(&authority).unwrap();
    refused(
        &format!("<data>{}</data>", whole.replace(&own, &STANDARD.encode(authority.der()))),
        Distrust::Usage,
    );
}

#[test]
fn a_comment_or_an_instruction_in_signed_text_is_no_message() {
    let (whole, _, _) = parts("<a><uin>800101399015</uin></a>");
    // Comments are not part of what is signed: the digest would hold.
    for inside in ["8001<!-- -->01399015", "8001<?x?>01399015"] {
        let changed = whole.replace("800101399015", inside);
        let content = format!("<data><![CDATA[{changed}]]></data>");
        assert_eq!(
            read(&envelope("", &content), &fixture_authorities()).err(),
            Some(FaultCode::Format),
            "{inside}"
        );
    }
    let beside = format!("<data>{whole}text</data>");
    assert_eq!(read(&envelope("", &beside), &fixture_authorities()).err(), Some(FaultCode::Format));
}
