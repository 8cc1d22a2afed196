//! Certificates, and everything that may be asked of one.

#![no_main]

use kdp::token::jws::TokenKey as _;
use kdp::token::ovt::OvtKey;
use kdp::trust::Distrust;
use kdp::trust::algorithm::SignatureAlgorithm;
use kdp::trust::certificate::Certificate;
use kdp::trust::issue::pem;
use kdp::trust::path::Authorities;
use kdp::trust::revocation::list::key_of;
use kdp::trust::role::Role;
use kdp_fuzz::world::{self, NOW};
use kdp_fuzz::{seed, tlv};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::collections::HashSet;
use std::sync::LazyLock;

static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(world::authorities);
static KNOWN: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| seeds().into_iter().collect());

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tlv::mutate(data, size, max_size, seed)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let _ = Certificate::from_file(data);
    match Certificate::from_der(data) {
        Ok(certificate) => judge(&certificate, data),
        Err(error) => assert_eq!(error, Distrust::CertificateMalformed),
    }
});

fn judge(certificate: &Certificate, data: &[u8]) {
    assert_eq!(certificate.der(), data);
    let from_text = Certificate::from_file(pem("CERTIFICATE", data).as_bytes()).map(|read| read.fingerprint);
    assert_eq!(from_text, Ok(certificate.fingerprint));
    for at in [i64::MIN, 0, NOW, i64::MAX] {
        let outcome = certificate.may_sign(at);
        let in_time = certificate.validity.0 <= at && at <= certificate.validity.1;
        assert!(in_time || outcome.is_err(), "a certificate signs in its time alone");
        let signs_data = certificate.may_sign_data(at);
        assert!(outcome.is_ok() || signs_data.is_err(), "what signs data could sign messages");
    }
    assert_eq!(certificate.role, Role::of(certificate.extended_usage.iter().map(String::as_str)));
    for number in [&certificate.bin, &certificate.iin].into_iter().flatten() {
        assert!(number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit()));
    }
    assert!(certificate.serial_bytes.first() != Some(&0));
    let _ = (
        certificate.is_test(),
        certificate.is_issued_by_test(),
        certificate.is_self_issued(),
        key_of(certificate),
    );
    assert!(certificate.is_authority() || !certificate.signs_lists());
    let own = certificate.key().map(|key| {
        assert!(key.verify(b"message", &[1; 256]).is_err(), "a signature that nobody made");
        key.algorithm()
    });
    // Of RSA, tokens take keys with more in the identifier of the algorithm than messages do: only their
    // numbers count.
    if let Ok(of_token) = OvtKey::from_certificate_der(data, None).map(|key| key.algorithm()) {
        let is_rsa = of_token == SignatureAlgorithm::RsaSha256;
        assert!(
            own == Ok(of_token) || is_rsa && own.is_err(),
            "a key of tokens is another one than of messages"
        );
    }
    if certificate.is_self_issued() {
        let _ = certificate.is_signed_by(certificate);
    }
    if let Ok(path) = AUTHORITIES.path(certificate) {
        assert!(!path.is_empty());
        assert!(KNOWN.contains(data), "an authority vouches for a certificate that it did not issue");
    }
    if let Ok(read) = Certificate::from_der(data) {
        let is_authority = read.is_authority();
        assert!(Authorities::default().add(read).is_err() || is_authority);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let vectors = world::vectors().into_iter();
    // Rows hold what was signed alone; the certificate around it is put together again.
    let whole = vectors.filter_map(|vector| {
        let key = world::gost(vector.scheme, 1);
        let algorithm = kdp_fuzz::signed::algorithm(&key);
        let der = [vector.message, algorithm, kdp::trust::der::bits(&vector.signature)];
        Some(kdp::trust::der::sequence(&[&der[0], &der[1], &der[2]]))
            .filter(|der| Certificate::from_der(der).is_ok())
    });
    let mut seeds: Vec<Vec<u8>> =
        world::certificates().iter().map(|found| found.der().to_vec()).chain(whole).collect();
    seeds.sort();
    seeds.dedup();
    seeds
}
