//! Whose certificates are believed: what an authority issued, for what, when, and for whom they speak (trust.md 1, 3).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use kdp::config::Config;
use kdp::consent::identity::Bin;
use kdp::serve::{read_answers, read_trust};
use kdp::soap::envelope::Envelope;
use kdp::trust::certificate::Certificate;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::sign::RsaSigner;
use kdp::trust::{Distrust, Peer, PeerKind, Signer, Trust};
use kdp::xml::{Document, Limits};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use time::OffsetDateTime;

/// 1 April 2026, Unix seconds.
const NOW: i64 = 1_775_026_800;
const YEAR: i64 = 365 * 86_400;
const BIN: &str = "260140990117";

/// Keys that tests share: making one takes long.
static KEYS: LazyLock<[String; 3]> = LazyLock::new(|| {
    [(); 3].map(|()| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap().serialize_pem())
});

fn key(n: usize) -> KeyPair {
    KeyPair::from_pem_and_sign_algo(&KEYS[n], &PKCS_RSA_SHA256).unwrap()
}

/// What a certificate says; what is not said is as it should be.
struct Saying {
    name: &'static str,
    bin: Option<&'static str>,
    from: i64,
    until: i64,
    authority: Option<BasicConstraints>,
    usages: Vec<KeyUsagePurpose>,
    /// Below 1.2.398.3.3.4.1, beside the usage of a legal entity.
    role: Option<[u64; 2]>,
}

/// An information system of a legal entity.
const SYSTEM: [u64; 2] = [2, 6];

fn authority() -> Saying {
    Saying {
        name: "AUTHORITY",
        bin: None,
        from: NOW - YEAR,
        until: NOW + YEAR,
        authority: Some(BasicConstraints::Unconstrained),
        usages: vec![KeyUsagePurpose::KeyCertSign],
        role: None,
    }
}

fn leaf() -> Saying {
    Saying {
        name: "BANK",
        bin: Some(BIN),
        from: NOW - 86_400,
        until: NOW + 86_400,
        authority: None,
        usages: vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment],
        role: Some(SYSTEM),
    }
}

impl Saying {
    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.name);
        if let Some(bin) = self.bin {
            params.distinguished_name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
        }
        params.not_before = OffsetDateTime::from_unix_timestamp(self.from).unwrap();
        params.not_after = OffsetDateTime::from_unix_timestamp(self.until).unwrap();
        if let Some(constraints) = &self.authority {
            params.is_ca = IsCa::Ca(*constraints);
        }
        params.key_usages.clone_from(&self.usages);
        if let Some(role) = self.role {
            let below = |last: &[u64]| [&[1, 2, 398, 3, 3, 4, 1], last].concat();
            params.extended_key_usages =
                [below(&role[..1]), below(&role)].map(ExtendedKeyUsagePurpose::Other).to_vec();
        }
        params
    }

    fn self_signed(&self, own: usize) -> Certificate {
        Certificate::from_der(self.params().self_signed(&key(own)).unwrap().der()).unwrap()
    }

    fn issued_by(&self, own: usize, issuer: &Saying, issuers: usize) -> Certificate {
        let issuer = Issuer::new(issuer.params(), key(issuers));
        Certificate::from_der(self.params().signed_by(&key(own), &issuer).unwrap().der()).unwrap()
    }
}

fn peer(kind: PeerKind) -> Arc<Peer> {
    Arc::new(Peer::new("peer", kind))
}

fn believing(authorities: Vec<Certificate>) -> Trust {
    let mut trust = Trust::default();
    for certificate in authorities {
        trust.add_authority(certificate).unwrap();
    }
    trust.believe_chained(peer(PeerKind::Direct(None)));
    trust
}

/// What becomes of a message that the holder of this certificate signs.
fn verify(trust: &Trust, certificate: Certificate, own: usize, at: i64) -> Result<Signer, Distrust> {
    let signer = Box::new(RsaSigner::from_pem(&KEYS[own]).unwrap());
    let signer = EnvelopeSigner::new(signer, certificate, KeyInfoForm::Certificate);
    let message = signer
        .envelope("id-1", |writer| {
            writer.leaf("hello", "world");
        })
        .unwrap();
    let document = Document::parse(&message, &Limits::default()).unwrap();
    let envelope = Envelope::read(&document).unwrap();
    trust.verify_offline(&envelope, at).map(|verified| verified.signer().clone())
}

#[test]
fn a_certificate_of_a_pinned_authority_speaks_for_the_bin_in_it_and_no_other() {
    let trust = believing(vec![authority().self_signed(0)]);
    let own = Bin::parse(BIN).unwrap();
    let signer = verify(&trust, leaf().issued_by(1, &authority(), 0), 1, NOW).unwrap();
    assert!(signer.speaks_for("bank_kdp", &own) && signer.speaks_for("any_other_sender_of_it", &own));
    assert!(!signer.speaks_for("bank_kdp", &Bin::parse("260140990018").unwrap()));
    // Found again in the memory of those that chained, it is the same.
    let again = verify(&trust, leaf().issued_by(1, &authority(), 0), 1, NOW).unwrap();
    assert!(again.speaks_for("bank_kdp", &own));
}

#[test]
fn what_the_authority_did_not_issue_for_signing_messages_now_is_refused_by_name() {
    let trust = believing(vec![authority().self_signed(0)]);
    let named_alike = Saying { name: "AUTHORITY", ..authority() };
    let middle = Saying { name: "MIDDLE", ..authority() };
    let usage = |usages: &[KeyUsagePurpose]| Saying { usages: usages.to_vec(), ..leaf() };
    for (what, certificate, own, expected) in [
        ("self-signed", leaf().self_signed(1), 1, Distrust::Untrusted),
        ("an authority of the same name", leaf().issued_by(1, &named_alike, 2), 1, Distrust::IssuerSignature),
        ("an authority below the pinned one", leaf().issued_by(1, &middle, 2), 1, Distrust::Untrusted),
        ("another subscriber as the issuer", leaf().issued_by(1, &leaf(), 2), 1, Distrust::Untrusted),
        ("the authority itself", authority().self_signed(0), 0, Distrust::Role),
        (
            "an authority with a BIN",
            Saying { bin: Some(BIN), role: Some(SYSTEM), ..authority() }.issued_by(1, &authority(), 0),
            1,
            Distrust::Usage,
        ),
        ("no role", Saying { role: None, ..leaf() }.issued_by(1, &authority(), 0), 1, Distrust::Role),
        (
            "an employee",
            Saying { role: Some([2, 5]), ..leaf() }.issued_by(1, &authority(), 0),
            1,
            Distrust::Role,
        ),
        (
            "another role",
            Saying { role: Some([2, 9]), ..leaf() }.issued_by(1, &authority(), 0),
            1,
            Distrust::Role,
        ),
        ("no BIN", Saying { bin: None, ..leaf() }.issued_by(1, &authority(), 0), 1, Distrust::NoBin),
        (
            "a BIN that is none",
            Saying { bin: Some("26014099011"), ..leaf() }.issued_by(1, &authority(), 0),
            1,
            Distrust::NoBin,
        ),
        (
            "another usage",
            usage(&[KeyUsagePurpose::KeyAgreement]).issued_by(1, &authority(), 0),
            1,
            Distrust::Usage,
        ),
        (
            "not yet valid",
            Saying { from: NOW + 1, ..leaf() }.issued_by(1, &authority(), 0),
            1,
            Distrust::NotYetValid,
        ),
        ("expired", Saying { until: NOW - 1, ..leaf() }.issued_by(1, &authority(), 0), 1, Distrust::Expired),
        ("the key of somebody else", leaf().issued_by(1, &authority(), 0), 2, Distrust::SignatureValue),
    ] {
        assert_eq!(verify(&trust, certificate, own, NOW).err(), Some(expected), "{what}");
    }
}

#[test]
fn an_expired_authority_stays_good_for_what_it_issued_in_its_time() {
    let old = Saying { until: NOW - 3600, ..authority() };
    let trust = believing(vec![old.self_signed(0)]);
    assert!(verify(&trust, leaf().issued_by(1, &old, 0), 1, NOW).is_ok());
    let late = Saying { from: NOW - 60, ..leaf() };
    assert_eq!(verify(&trust, late.issued_by(1, &old, 0), 1, NOW).err(), Some(Distrust::Untrusted));
}

#[test]
fn an_authority_renewed_under_its_key_stays_good_for_what_it_issued_before() {
    let trust = believing(vec![authority().self_signed(0)]);
    let earlier = Saying { from: NOW - YEAR - 1, ..leaf() };
    assert!(verify(&trust, earlier.issued_by(1, &authority(), 0), 1, NOW).is_ok());
}

#[test]
fn no_control_digit_is_checked_in_a_certificate_and_a_wrong_one_matches_no_sender() {
    let trust = believing(vec![authority().self_signed(0)]);
    let wrong = Saying { bin: Some("260140990110"), ..leaf() };
    let signer = verify(&trust, wrong.issued_by(1, &authority(), 0), 1, NOW).unwrap();
    assert_eq!(signer.certificate.bin.as_deref(), Some("260140990110"));
    assert!(!signer.speaks_for("bank_kdp", &Bin::parse(BIN).unwrap()));
}

#[test]
fn two_authorities_of_one_name_are_both_tried() {
    let trust = believing(vec![authority().self_signed(2), authority().self_signed(0)]);
    assert!(verify(&trust, leaf().issued_by(1, &authority(), 0), 1, NOW).is_ok());
}

#[test]
fn a_certificate_that_may_not_issue_others_is_no_authority() {
    let mut trust = Trust::default();
    for (what, saying) in [
        ("a subscriber", leaf()),
        (
            "an authority without the usage",
            Saying { usages: vec![KeyUsagePurpose::DigitalSignature], ..authority() },
        ),
    ] {
        assert_eq!(trust.add_authority(saying.self_signed(0)).err(), Some(Distrust::Usage), "{what}");
    }
    // The usage of an authority does not make one, nor does a second word on whether it is one.
    let with = |constraints: IsCa, more: &[&[u8]]| {
        let mut params = Saying { usages: vec![KeyUsagePurpose::KeyCertSign], ..leaf() }.params();
        params.is_ca = constraints;
        let content = |der: &&[u8]| CustomExtension::from_oid_content(&[2, 5, 29, 19], der.to_vec());
        params.custom_extensions = more.iter().map(content).collect();
        Certificate::from_der(params.self_signed(&key(0)).unwrap().der())
    };
    let (yes, no): (&[u8], &[u8]) = (&[0x30, 3, 1, 1, 0xff], &[0x30, 0]);
    for constraints in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let certificate = with(constraints, &[]).unwrap();
        assert!(!certificate.is_authority() && !certificate.signs_lists());
        assert_eq!(trust.add_authority(certificate).err(), Some(Distrust::Usage), "{constraints:?}");
    }
    assert_eq!(with(IsCa::NoCa, &[no]).map(|read| read.is_authority()), Ok(false));
    assert_eq!(with(IsCa::NoCa, &[yes]).map(|read| read.is_authority()), Ok(true));
    for twice in [[no, yes], [yes, no], [yes, yes]] {
        assert_eq!(with(IsCa::NoCa, &twice).err(), Some(Distrust::CertificateMalformed), "{twice:?}");
    }
    let narrow = Saying { authority: Some(BasicConstraints::Constrained(0)), ..authority() };
    assert!(trust.add_authority(narrow.self_signed(0)).is_ok());
    assert!(trust.add_authority(Saying { usages: Vec::new(), ..authority() }.self_signed(0)).is_ok());
}

#[test]
fn without_a_peer_that_chains_an_authority_vouches_for_nobody() {
    let mut trust = Trust::default();
    trust.add_authority(authority().self_signed(0)).unwrap();
    trust.pin(leaf().issued_by(1, &authority(), 0), peer(PeerKind::Gateway));
    let stranger = Saying { name: "STRANGER", ..leaf() };
    assert_eq!(
        verify(&trust, stranger.issued_by(2, &authority(), 0), 2, NOW).err(),
        Some(Distrust::Untrusted)
    );
}

#[test]
fn a_pinned_direct_certificate_speaks_for_its_named_sender_of_its_own_bin_only() {
    let own = Bin::parse(BIN).unwrap();
    for (kind, bin, speaks) in [
        (PeerKind::Direct(Some("bank_kdp".to_owned())), Some(BIN), true),
        (PeerKind::Direct(Some("another".to_owned())), Some(BIN), false),
        (PeerKind::Direct(Some("bank_kdp".to_owned())), Some("260140990018"), false),
        (PeerKind::Direct(Some("bank_kdp".to_owned())), None, false),
        (PeerKind::Direct(None), None, false),
        (PeerKind::Gateway, None, true),
    ] {
        let mut trust = Trust::default();
        let certificate = || Saying { bin, ..leaf() }.self_signed(1);
        let pinned = certificate();
        trust.pin(Certificate::from_der(pinned.der()).unwrap(), peer(kind.clone()));
        let signer = verify(&trust, pinned, 1, NOW).unwrap();
        assert_eq!(signer.speaks_for("bank_kdp", &own), speaks, "{kind:?} with {bin:?}");
        // The same name and key under another certificate is not the pinned one.
        let other = Saying { bin, until: NOW + 7, ..leaf() }.self_signed(1);
        assert_eq!(verify(&trust, other, 1, NOW).err(), Some(Distrust::Untrusted));
    }
}

#[test]
fn a_pinned_certificate_is_held_to_its_time_and_usage_too() {
    for (saying, expected) in [
        (Saying { until: NOW - 1, ..leaf() }, Distrust::Expired),
        (Saying { from: NOW + 1, ..leaf() }, Distrust::NotYetValid),
        (Saying { usages: vec![KeyUsagePurpose::KeyEncipherment], ..leaf() }, Distrust::Usage),
        (Saying { bin: Some(BIN), ..authority() }, Distrust::Usage),
    ] {
        let mut trust = Trust::default();
        let pinned = saying.self_signed(1);
        trust.pin(Certificate::from_der(pinned.der()).unwrap(), peer(PeerKind::Gateway));
        assert_eq!(verify(&trust, pinned, 1, NOW).err(), Some(expected));
    }
}

#[test]
fn a_configuration_in_which_one_certificate_speaks_for_two_does_not_start() {
    let pki = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name);
    let config = |peers: &str| {
        let text = format!("environment = \"test\"\n[trust]\nauthorities = [{:?}]\n{peers}", pki("ca.pem"));
        Config::parse(&text).unwrap()
    };
    let bank = format!("certificates = [{:?}]", pki("bank.cert.pem"));
    let direct = |name: &str, rest: &str| format!("[peers.{name}]\nkind = \"direct\"\n{rest}\n");
    let gateway = format!("[peers.shep]\nkind = \"gateway\"\n{bank}\n");
    assert!(read_trust(&config(&(direct("bank", &bank) + &direct("chained", "")))).is_ok());
    let twice = read_trust(&config(&(direct("bank", &bank) + &gateway))).err().unwrap().to_string();
    assert!(twice.contains("bank") && twice.contains("shep") && twice.contains("bank.cert.pem"), "{twice}");
    let both = read_trust(&config(&(direct("one", "") + &direct("two", "")))).err().unwrap().to_string();
    assert!(both.contains("one") && both.contains("two"), "{both}");
}

#[test]
fn a_file_of_several_certificates_is_named_and_nothing_is_started_with_its_first() {
    let directory = tempfile::tempdir().unwrap();
    let pki = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name);
    let read = |name: &str| std::fs::read_to_string(pki(name)).unwrap();
    let both = directory.path().join("both.pem");
    std::fs::write(&both, read("ca.pem") + &read("bank.cert.pem")).unwrap();
    for text in [
        format!("[trust]\nauthorities = [{both:?}]\n"),
        format!("[peers.bank]\nkind = \"gateway\"\ncertificates = [{both:?}]\n"),
    ] {
        let config = Config::parse(&format!("environment = \"test\"\n{text}")).unwrap();
        let refused = read_trust(&config).err().unwrap().to_string();
        assert!(refused.contains("both.pem: there must be exactly one certificate in the file"), "{refused}");
    }
}

#[test]
fn the_public_keys_of_the_sandbox_sign_no_answer_in_production() {
    let pki = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pki").join(name);
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("service.key.pem");
    std::fs::copy(pki("service.key.pem"), &key).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let config = |environment: &str| {
        let certificate = pki("service.cert.pem");
        let text = format!(
            "environment = \"{environment}\"\n[trust]\ncertificate = {certificate:?}\nkey = {key:?}\n"
        );
        Config::parse(&text).unwrap()
    };
    assert!(read_answers(&config("test")).is_ok());
    let refused = read_answers(&config("production")).err().unwrap().to_string();
    assert!(refused.contains("service.cert.pem: of a test authority"), "{refused}");
}
