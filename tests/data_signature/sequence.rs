//! What we sign ourselves: every kind of key, one to eight signatures in sequence.

use crate::pki::{Authority, BIN, Holder, IIN, fixture_authorities, keys};
use crate::{Refusal, content, verify};
use kdp::trust::Distrust;
use kdp::trust::data_signature::{self, DataDistrust, DataSignError, MAX_SIGNATURES};
use kdp::trust::path::Authorities;
use kdp::trust::role::Role;
use kdp::xml::{Document, Limits};

const DOCUMENT: &str = "<?xml version='1.0'?><!-- <data></data> --><?a b?>\r\n<d:data xmlns:d='urn:d' xmlns='urn:e' \
    b='1' a=\"'&quot;\"><uin>800101399015</uin><!-- c --> <x/>&#13;\u{49b}<![CDATA[<&]]></d:data>\n<!-- end --><?e?>";

#[test]
fn every_kind_of_key_signs_and_a_change_of_the_content_is_noticed() {
    for authority in keys() {
        let authority = Authority::new(authority);
        for own in keys() {
            let kind = own.algorithm();
            let signed = authority.person(own, IIN, Some(BIN)).sign(DOCUMENT.as_bytes());
            let (method, digest) = kind.uris().unwrap();
            let text = String::from_utf8(signed.clone()).unwrap();
            assert!(text.contains(method) && text.contains(digest), "{kind:?}");
            let signatories = verify(&signed, &authority.authorities()).unwrap();
            assert_eq!(signatories[0].certificate.role, Some(Role::SignRight));
            assert_eq!(signatories[0].certificate.bin.as_deref(), Some(BIN));
            assert_eq!(signatories[0].issuers[0].der(), authority.root());
            assert!(!format!("{signatories:?}").contains(IIN));
            assert_eq!(content(&signed), content(DOCUMENT.as_bytes()));
            let changed = text.replace("800101399015", "800101399016");
            let refused = verify(changed.as_bytes(), &authority.authorities()).unwrap_err();
            assert_eq!(refused, one(1, Distrust::DataDigest));
        }
    }
}

#[test]
fn signatures_stand_on_each_other_and_any_that_is_gone_or_changed_breaks_the_later_ones() {
    let authority = Authority::new(keys().into_iter().last().unwrap());
    let holders = keys().map(|key| authority.person(key, IIN, None));
    let mut signed = DOCUMENT.as_bytes().to_vec();
    for (count, holder) in holders.iter().enumerate() {
        signed = holder.sign(&signed);
        assert_eq!(verify(&signed, &authority.authorities()).unwrap().len(), count + 1);
    }
    let text = String::from_utf8(signed).unwrap();
    let [before, first, second, third, after] = parts(&text);
    let verdict = |parts: &[&str]| verify(parts.concat().as_bytes(), &authority.authorities());
    assert!(verdict(&[before, first, second, third, after]).is_ok());
    assert!(verdict(&[before, first, second, after]).is_ok(), "the last one can be taken off");
    let digest = Distrust::DataDigest;
    for (parts, number) in [
        (&[before, second, third, after][..], 2),
        (&[before, first, third, after], 2),
        (&[before, second, after], 1),
        (&[before, third, after], 1),
        (&[before, first, third, second, after], 3),
        (&[before, second, first, third, after], 3),
        (&[before, first, first, second, third, after], 4),
        (&[before, first, second, third, third, after], 4),
    ] {
        assert_eq!(verdict(parts).unwrap_err(), one(number, digest), "{}", parts.len());
    }
    // The first one is broken, and the second signed over the break: the second holds, the document does not.
    let other = first.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let broken =
        [&first[..other], if &first[other..=other] == "A" { "B" } else { "A" }, &first[other + 1..]].concat();
    let once = [before, &*broken, after].concat();
    let twice = String::from_utf8(holders[1].sign(once.as_bytes())).unwrap();
    assert!(matches!(
        verify(twice.as_bytes(), &authority.authorities()),
        Err(Refusal::Distrust(DataDistrust::One(1, _)))
    ));
}

/// What stands before, the three signatures, what stands after.
fn parts(text: &str) -> [&str; 5] {
    let starts: Vec<usize> = text.match_indices("<ds:Signature ").map(|(at, _)| at).collect();
    let end = text.rfind("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let [first, second, third] = starts[..] else { panic!("{} signatures", starts.len()) };
    [&text[..first], &text[first..second], &text[second..third], &text[third..end], &text[end..]]
}

#[test]
fn there_is_room_for_eight_signatures() {
    let holder = Holder::fixture("bank");
    let mut signed = b"<data/>".to_vec();
    for _ in 0..MAX_SIGNATURES {
        signed = holder.sign(&signed);
    }
    assert_eq!(verify(&signed, &fixture_authorities()).unwrap().len(), MAX_SIGNATURES);
    let document = Document::parse(&signed, &Limits::default()).unwrap();
    let refused =
        data_signature::sign(&document, &*holder.key, &holder.certificate, &Limits::default()).unwrap_err();
    assert!(matches!(refused, DataSignError::Refused(Distrust::TooManySignatures)), "{refused}");
    let text = String::from_utf8(signed).unwrap();
    let start = text.rfind("<ds:Signature ").unwrap();
    let one_more = [&text[..start], &text[start..text.len() - "</data>".len()], &text[start..]].concat();
    let refused = verify(one_more.as_bytes(), &Authorities::default()).unwrap_err();
    assert_eq!(refused, Refusal::Distrust(DataDistrust::All(Distrust::TooManySignatures)));
}

#[test]
fn what_cannot_be_signed_is_not() {
    let (bank, akimat) = (Holder::fixture("bank"), Holder::fixture("akimat"));
    let sign = |text: &str, certificate| {
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        data_signature::sign(&document, &*bank.key, certificate, &Limits::default()).map(|_| ())
    };
    assert!(sign("<data/>", &bank.certificate).is_ok());
    for (text, certificate, expected) in [
        ("<data/>", &akimat.certificate, "SignatureValue does not verify"),
        ("<data xmlns='relative'/>", &bank.certificate, "relative namespace"),
        (
            "<a><ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/><b><ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/></b></a>",
            &bank.certificate,
            "deeper in the data",
        ),
    ] {
        let error = sign(text, certificate).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

fn one(number: usize, distrust: Distrust) -> Refusal {
    Refusal::Distrust(DataDistrust::One(number, distrust))
}
