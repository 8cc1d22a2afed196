//! What xmlsec1 signed, in every form that is accepted, and in forms that it accepts and the profile does not.

use crate::pki::fixture_authorities;
use crate::{Refusal, documents, verify};
use kdp::trust::Distrust;
use kdp::trust::data_signature::DataDistrust;

#[test]
fn every_form_that_xmlsec1_signs_by_the_profile_is_accepted() {
    let documents = documents("accepted");
    assert!(documents.len() >= 9);
    for (name, bytes) in documents {
        let signatories =
            verify(&bytes, &fixture_authorities()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let bins: Vec<_> = signatories.iter().map(|who| who.certificate.bin.clone().unwrap()).collect();
        let all = ["260140990117", "260140990216", "260140990612"];
        let count = match name.as_str() {
            "two" => 2,
            "three" => 3,
            _ => 1,
        };
        assert_eq!(bins.len(), count, "{name}");
        assert_eq!(bins[..count.min(2)], all[..count.min(2)], "{name}");
        let shown = format!("{signatories:?}");
        assert!(shown.contains("InformationSystem") && shown.contains(all[0]), "{shown}");
    }
}

#[test]
fn what_the_profile_does_not_allow_is_refused_by_its_rule() {
    let documents = documents("refused");
    assert!(documents.len() >= 14);
    for (name, bytes) in documents {
        let expected = match name.split_once('-').unwrap().0 {
            "transforms" => Distrust::DataTransforms,
            "reference" => Distrust::NotTheData,
            "algorithm" if name.contains("digest") => Distrust::Algorithm("DigestMethod"),
            "algorithm" => Distrust::Algorithm("SignatureMethod"),
            "usage" => Distrust::Usage,
            "expired" => Distrust::Expired,
            "not" => Distrust::NotYetValid,
            "untrusted" => Distrust::Untrusted,
            "issuer" => Distrust::IssuerSignature,
            _ => panic!("{name}: which rule?"),
        };
        let refused = verify(&bytes, &fixture_authorities()).unwrap_err();
        assert_eq!(refused, Refusal::Distrust(DataDistrust::One(1, expected)), "{name}");
    }
}

#[test]
fn the_authority_must_be_pinned() {
    let (_, bytes) = documents("accepted").remove(0);
    let refused = verify(&bytes, &kdp::trust::path::Authorities::default()).unwrap_err();
    assert_eq!(refused, Refusal::Distrust(DataDistrust::One(1, Distrust::Untrusted)));
}
