//! Certificates of НУЦ: both production chains and the test PKI, from leaf to root; roles; each refusal under its own name.

use kdp::text::FaultCode;
use kdp::trust::Distrust;
use kdp::trust::algorithm::SignatureAlgorithm;
use kdp::trust::certificate::Certificate;
use kdp::trust::nca;
use kdp::trust::path::Authorities;
use kdp::trust::role::Role;
use std::path::PathBuf;

/// 2026-11-01.
const NOW: i64 = 1_793_491_200;

fn read(name: &str) -> Certificate {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    Certificate::from_file(&std::fs::read(path).unwrap()).unwrap()
}

fn test_leaf(name: &str) -> Certificate {
    read(&format!("fixtures/nca/test/{name}.pem"))
}

fn authorities(names: &[&str]) -> Authorities {
    let mut authorities = Authorities::default();
    for name in names {
        authorities.add(read(name)).unwrap();
    }
    authorities
}

const TEST_ROOT: &str = "fixtures/nca/test/root_test_gost_2022.cer";
const TEST_ISSUER: &str = "fixtures/nca/test/nca_gost2015_test.cer";

/// A file, its role, and BIN, IIN and OID of the system that are in it.
type Leaf = (&'static str, Role, [Option<&'static str>; 3]);

const LEAVES: [Leaf; 6] = [
    ("individual", Role::Individual, [None, Some("123456789011"), None]),
    ("legal_employee", Role::Employee, [Some("123456789021"), Some("123456789012"), None]),
    ("legal_employee_signright", Role::SignRight, [Some("123456789021"), Some("123456789012"), None]),
    ("legal_head", Role::Head, [Some("123456789021"), Some("123456789011"), None]),
    ("legal_infosystem", Role::Treasury, [Some("123456789021"), Some("123456789012"), None]),
    (
        "legal_treasury_client",
        Role::InformationSystem,
        [Some("123456789021"), None, Some("1.2.398.6.10.1.1")],
    ),
];

#[test]
fn every_leaf_of_the_test_pki_verifies_to_its_root_and_says_whose_it_is() {
    let authorities = authorities(&[TEST_ROOT, TEST_ISSUER]);
    for (name, role, says) in LEAVES {
        let leaf = test_leaf(name);
        let path = authorities.path(&leaf).unwrap();
        assert_eq!(path.len(), 2, "{name}");
        assert!(path[1].is_self_issued() && path[1].is_signed_by(&path[1]).is_ok(), "{name}: to the root");
        assert_eq!(leaf.role, Some(role), "{name}");
        assert_eq!([&leaf.bin, &leaf.iin, &leaf.system].map(|found| found.as_deref()), says, "{name}");
        assert_eq!(leaf.key().unwrap().algorithm(), SignatureAlgorithm::Gost2015);
        let usage = leaf.usage.unwrap();
        assert!(usage.digital_signature && usage.non_repudiation && !usage.certificates, "{name}");
        assert_eq!(leaf.may_sign(NOW), Ok(()), "{name}");
        assert!(leaf.is_issued_by_test() && !leaf.is_authority());
    }
}

#[test]
fn every_production_authority_verifies_up_to_a_root_by_its_own_key() {
    let authorities = nca::production().unwrap();
    let (mut roots, mut below) = (0, 0);
    for authority in authorities.iter() {
        assert!(!authority.is_test() && authority.signs_lists());
        if authority.is_self_issued() {
            assert_eq!(authority.is_signed_by(authority), Ok(()));
            roots += 1;
            continue;
        }
        let path = authorities.path(authority).unwrap_or_else(|e| panic!("{}: {e}", authority.issuer_text));
        assert!(path.last().unwrap().is_self_issued());
        below += 1;
    }
    // RSA and ГОСТ of 2015 and 2020, ГОСТ of 2022; two of each issuing authority, УЦГО and BTSD.
    assert_eq!((roots, below), (5, 6));
}

#[test]
fn an_authority_that_ended_stays_good_for_its_time() {
    let authorities = nca::production().unwrap();
    let ended = read("deploy/nca/nca_gost.pem");
    assert!(ended.validity.1 < NOW);
    let root = authorities.issuer_of(&ended).unwrap();
    assert!(root.validity.1 < NOW && ended.is_signed_by(root).is_ok());
}

#[test]
fn each_reason_not_to_believe_a_certificate_has_its_own_name() {
    let all = authorities(&[TEST_ROOT, TEST_ISSUER]);
    let leaf = test_leaf("legal_head");
    assert_eq!(leaf.may_sign(leaf.validity.0 - 1), Err(Distrust::NotYetValid));
    assert_eq!(leaf.may_sign(leaf.validity.1 + 1), Err(Distrust::Expired));
    assert_eq!(read(TEST_ISSUER).may_sign(NOW), Err(Distrust::Usage), "an authority's signs no messages");
    assert_eq!(Authorities::default().add(leaf).err(), Some(Distrust::Usage), "a leaf issues nothing");
    let production = nca::production().unwrap();
    assert_eq!(production.path(&test_leaf("legal_head")).err(), Some(Distrust::Untrusted));
    let root_alone = authorities(&[TEST_ROOT]);
    assert_eq!(
        root_alone.path(&test_leaf("legal_head")).err(),
        Some(Distrust::Untrusted),
        "no step is skipped"
    );
    assert!(all.path(&test_leaf("legal_head")).is_ok());
}

#[test]
fn a_file_with_several_certificates_is_refused_and_none_of_them_chosen() {
    let pem = |name: &str| {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/nca/test").join(name);
        std::fs::read_to_string(path).unwrap().trim_end().to_owned()
    };
    let (head, employee) = (pem("legal_head.pem"), pem("legal_employee.pem"));
    let read = |text: &str| Certificate::from_file(text.as_bytes()).map(|read| read.fingerprint);
    let one = read(&head).unwrap();
    assert_eq!(read(&format!("what OpenSSL writes before it\n{head}\nand after it\n")), Ok(one));
    for several in [
        format!("{head}\n{employee}\n"),
        format!("{employee}\n{head}\n"),
        format!("{head}{head}"),
        format!("{head}\n-----BEGIN CERTIFICATE-----\n"),
    ] {
        let refused = read(&several).unwrap_err();
        assert!(
            refused.to_string().starts_with("there must be exactly one certificate in the file"),
            "{refused}"
        );
        assert_eq!(refused.fault(), FaultCode::TransportCertificate);
    }
}

#[test]
fn an_authority_signs_no_data_either() {
    let authority = read(TEST_ISSUER);
    assert!(authority.is_authority());
    assert_eq!(authority.may_sign_data(NOW), Err(Distrust::Usage));
    assert_eq!(test_leaf("legal_head").may_sign_data(NOW), Ok(()));
}

#[test]
fn any_changed_byte_of_a_certificate_is_refused() {
    let authorities = authorities(&[TEST_ROOT, TEST_ISSUER]);
    let der = test_leaf("legal_head").der().to_vec();
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x20;
        let believed = Certificate::from_der(&changed).is_ok_and(|leaf| authorities.path(&leaf).is_ok());
        assert!(!believed, "byte {at}");
    }
    for cut in 0..der.len() {
        assert!(Certificate::from_der(&der[..cut]).is_err(), "cut at {cut}");
    }
}
