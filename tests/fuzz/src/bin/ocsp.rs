//! Answers of OCSP, as they come and signed anew.

#![no_main]

use kdp::trust::certificate::Certificate;
use kdp::trust::der::{self, DerError, Reader, tag};
use kdp::trust::revocation::book::Book;
use kdp::trust::revocation::ocsp::{AnswerError, Asked, FRESH, Hash, Status, read};
use kdp::trust::sign::Signer;
use kdp_fuzz::signed::{self, extension, time};
use kdp_fuzz::world::{self, NOW, OwnAuthority};
use kdp_fuzz::{seed, tlv};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::collections::HashSet;
use std::sync::LazyLock;

const NONCE: &[u8] = b"sixteen bytes...";
const GOOD: [u8; 2] = [0x80, 0];
const UNKNOWN: [u8; 2] = [0x82, 0];

struct World {
    own: OwnAuthority,
    rsa: (Certificate, Certificate),
    /// What is signed of the seeds.
    signed: HashSet<Vec<u8>>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| World {
    own: OwnAuthority::new(),
    rsa: (world::certificate("bank.cert"), world::certificate("ca")),
    signed: seeds().iter().filter_map(|answer| parts(answer).ok()).map(|(tbs, _)| tbs.to_vec()).collect(),
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tlv::mutate(data, size, max_size, seed)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    let (book, nonce) = (&Book::default(), NONCE);
    let own = Asked { certificate: &WORLD.own.leaf, authority: &WORLD.own.certificate, book, nonce };
    let rsa = Asked { certificate: &WORLD.rsa.0, authority: &WORLD.rsa.1, book, nonce };
    for asked in [&own, &rsa] {
        if judge(read(data, asked, NOW)).is_ok() {
            let (tbs, _) = parts(data).expect("an answer that was read");
            assert!(WORLD.signed.contains(tbs), "an answer is believed that nobody signed");
        }
    }
    if read(data, &own, NOW) == Err(AnswerError::Signature) {
        let (tbs, certificates) = parts(data).expect("all but the signature was read");
        let _ = judge(read(&answer(tbs, &WORLD.own.key, certificates), &own, NOW));
        let by_responder = read(&answer(tbs, &WORLD.own.responder_key, certificates), &own, NOW);
        if judge(by_responder).is_ok() {
            let appointed = signed::tbs(WORLD.own.responder.der()).expect("a certificate").raw;
            let is_there = certificates.windows(appointed.len()).any(|window| window == appointed);
            assert!(is_there, "a responder is believed whom nobody appointed");
        }
    }
});

fn judge(outcome: Result<(Status, i64), AnswerError>) -> Result<(), AnswerError> {
    let (_, until) = outcome?;
    assert!((NOW..=NOW + 2 * FRESH).contains(&until), "what is believed is fresh, and not for long");
    Ok(())
}

/// What is signed, and the certificates after the signature.
fn parts(bytes: &[u8]) -> Result<(&[u8], &[u8]), DerError> {
    let mut outer = Reader::new(bytes).enter(tag::SEQUENCE)?;
    outer.expect(tag::ENUMERATED)?;
    let mut typed = outer.enter(tag::context(0))?.enter(tag::SEQUENCE)?;
    typed.expect(tag::OID)?;
    let mut basic = typed.enter(tag::OCTET_STRING)?.enter(tag::SEQUENCE)?;
    let tbs = basic.any()?.raw;
    basic.any()?;
    basic.any()?;
    Ok((tbs, if basic.is_empty() { &[] } else { basic.any()?.raw }))
}

fn answer(tbs: &[u8], key: &dyn Signer, certificates: &[u8]) -> Vec<u8> {
    let [tbs, algorithm, signature] = signed::sign(tbs, key);
    let basic = der::sequence(&[&tbs, &algorithm, &signature, certificates]);
    let typed = der::sequence(&[
        &der::value(tag::OID, &der::oid("1.3.6.1.5.5.7.48.1.1")),
        &der::value(tag::OCTET_STRING, &basic),
    ]);
    der::sequence(&[&der::value(tag::ENUMERATED, &[0]), &der::value(tag::context(0), &typed)])
}

/// The name of a certificate in an answer.
fn id(hash: Hash, certificate: &Certificate, authority: &Certificate) -> Vec<u8> {
    let identifier = match hash {
        Hash::Sha1 => "1.3.14.3.2.26",
        Hash::Sha256 => "2.16.840.1.101.3.4.2.1",
    };
    let algorithm =
        der::sequence(&[&der::value(tag::OID, &der::oid(identifier)), &der::value(tag::NULL, &[])]);
    let octets = |bytes: &[u8]| der::value(tag::OCTET_STRING, &hash.of(bytes));
    let name = signed::subject(authority.der());
    let serial = der::integer(&certificate.serial_bytes);
    der::sequence(&[&algorithm, &octets(&name), &octets(bits(authority)), &serial])
}

fn bits(certificate: &Certificate) -> &[u8] {
    let read = || {
        let mut spki = Reader::new(certificate.spki()).enter(tag::SEQUENCE)?;
        spki.any()?;
        spki.bits()
    };
    read().expect("a certificate that was read has a key")
}

fn seeds() -> Vec<Vec<u8>> {
    let own = OwnAuthority::new();
    let (leaf, ca) = (world::certificate("bank.cert"), world::certificate("ca"));
    let (made, next) = (time("20260401070000Z"), der::value(tag::context(0), &time("20260401080000Z")));
    let nonce = |bytes: &[u8]| {
        let nonce = extension("1.3.6.1.5.5.7.48.1.2", false, &der::value(tag::OCTET_STRING, bytes));
        der::value(tag::context(1), &der::sequence(&[&nonce]))
    };
    let by_key = |signer: &Certificate| {
        let hash = der::value(tag::OCTET_STRING, &Hash::Sha1.of(bits(signer)));
        der::value(tag::context(2), &hash)
    };
    let by_name = |signer: &Certificate| der::value(tag::context(1), &signed::subject(signer.der()));
    let revoked = {
        let reason = der::value(tag::context(0), &der::value(tag::ENUMERATED, &[1]));
        der::value(tag::context(1), &[time("20260301070000Z"), reason].concat())
    };
    let single = |hash, certificate, authority, status: &[u8], rest: &[u8]| {
        der::sequence(&[&id(hash, certificate, authority), status, &made, rest])
    };
    let data = |responder: &[u8], singles: &[u8], rest: &[u8]| {
        der::sequence(&[responder, &made, &der::sequence(&[singles]), rest])
    };
    let of_own = |hash, status: &[u8], rest: &[u8]| single(hash, &own.leaf, &own.certificate, status, rest);
    let appointed = der::value(tag::context(0), &der::sequence(&[own.responder.der()]));
    let good = of_own(Hash::Sha1, &GOOD, &[]);
    let rsa = data(&by_key(&ca), &single(Hash::Sha1, &leaf, &ca, &GOOD, &[]), &nonce(NONCE));
    let of_authority = [
        data(&by_key(&own.certificate), &good, &nonce(NONCE)),
        data(&by_name(&own.certificate), &of_own(Hash::Sha256, &revoked, &next), &nonce(NONCE)),
        data(&by_name(&own.certificate), &[of_own(Hash::Sha1, &UNKNOWN, &[]), good.clone()].concat(), &[]),
        data(&by_key(&own.certificate), &good, &nonce(b"of another question")),
    ];
    let mut seeds: Vec<Vec<u8>> = of_authority.iter().map(|tbs| answer(tbs, &own.key, &[])).collect();
    for responder in [by_key(&own.responder), by_name(&own.responder)] {
        seeds.push(answer(&data(&responder, &good, &nonce(NONCE)), &own.responder_key, &appointed));
    }
    seeds.push(answer(&rsa, &world::rsa("ca"), &[]));
    seeds.extend([1, 2, 3, 5, 6].map(|status| der::sequence(&[&der::value(tag::ENUMERATED, &[status])])));
    seeds
}
