//! Whole messages: XML, envelope, transport signature, signatures on the data, by the pins of the fixtures.

#![no_main]

use kdp::soap::envelope::Envelope;
use kdp::trust::algorithm::DS;
use kdp::trust::certificate::{Certificate, decode};
use kdp::trust::data_signature::{self, Signed};
use kdp::trust::gost::Scheme;
use kdp::trust::outgoing::{EnvelopeSigner, KeyInfoForm};
use kdp::trust::path::Authorities;
use kdp::trust::sign::{self, Signer};
use kdp::trust::{Peer, PeerKind, Trust, Verified};
use kdp::xml::c14n::{self, Method, Target};
use kdp::xml::{Document, Limits};
use kdp_fuzz::world::{self, NOW, OwnAuthority};
use kdp_fuzz::{seed, xml};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// Longest seed, bytes: what is longer costs more than it finds.
const LONGEST: usize = 9000;

const PINNED: [&str; 7] = ["shep", "bank", "akimat", "owner", "expired", "notyet", "wrongusage"];

static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let peer = |name: &str, kind| Arc::new(Peer::new(name, kind));
    let mut trust = Trust::default();
    for name in PINNED {
        let kind = if name == "shep" { PeerKind::Gateway } else { PeerKind::Direct(None) };
        trust.pin(world::certificate(&format!("{name}.cert")), peer(name, kind));
    }
    for authority in ["ca", "ca.gost"] {
        trust.add_authority(world::certificate(authority)).expect("an authority of the fixtures");
    }
    let own = OwnAuthority::new();
    trust.add_authority(own.certificate).expect("an authority of ГОСТ");
    trust.believe_chained(peer("chained", PeerKind::Direct(None)));
    trust
});

static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let mut authorities = world::authorities();
    authorities.add(OwnAuthority::new().certificate).expect("an authority of ГОСТ");
    authorities
});

/// The seeds that are believed, for their Body or their data.
static SOUND: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let is_believed = |seed: &Vec<u8>| verified(seed, |_| ()).is_some() || !signed_data(seed).is_empty();
    seeds().into_iter().filter(is_believed).collect()
});

/// Digests of the Bodies of the seeds that are believed, and of what a pinned RSA key signed in one that is not, as
/// beside a second signature: without that it is believed, and rightly.
static BODIES: LazyLock<HashSet<[u8; 32]>> = LazyLock::new(|| {
    let believed = SOUND.iter().filter_map(|seed| verified(seed, |verified| *verified.digest()));
    let bodies: HashSet<_> = believed.chain(seeds().iter().flat_map(|seed| signed_bodies(seed))).collect();
    assert!(bodies.len() > 20, "hardly any seed is believed: are the pins those of the fixtures?");
    bodies
});

/// What is signed of the data of the seeds that are believed, by a form that does not depend on where they
/// stand.
static DATA: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| {
    let data: HashSet<_> = SOUND.iter().flat_map(|seed| signed_data(seed)).collect();
    assert!(data.len() > 5, "hardly any seed with signed data is believed");
    data
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    xml::mutate(data, size, max_size, seed, &SOUND)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    if let Some(digest) = verified(data, |verified| *verified.digest()) {
        assert!(BODIES.contains(&digest), "a Body is believed that nobody signed");
    }
    for canonical in signed_data(data) {
        assert!(DATA.contains(&canonical), "data are believed that nobody signed");
    }
});

/// Reads and verifies; of what is believed, it is always the Body of the root that is covered.
fn verified<T>(data: &[u8], take: impl FnOnce(&Verified<'_, '_>) -> T) -> Option<T> {
    let document = Document::parse(data, &Limits::default()).ok()?;
    let envelope = Envelope::read(&document).ok()?;
    let verified = TRUST.verify_offline(&envelope, NOW).ok()?;
    let body = verified.body();
    assert!(body.is(SOAP, "Body"));
    assert!(body.parent().is_some_and(|parent| parent == document.root() && parent.is(SOAP, "Envelope")));
    assert_eq!(document.root().children().filter(|child| child.is(SOAP, "Body")).count(), 1);
    Some(take(&verified))
}

/// What the signatures in it name as the digest of a Body, of those that a pinned RSA key made.
fn signed_bodies(bytes: &[u8]) -> Vec<[u8; 32]> {
    let Ok(document) = Document::parse(bytes, &Limits::default()) else { return Vec::new() };
    let signatures = document.root().descendants().filter(|element| element.is(DS, "Signature"));
    signatures
        .filter_map(|signature| {
            let info = signature.child(DS, "SignedInfo")?;
            let value = decode(&signature.child(DS, "SignatureValue")?.text()?).ok()?;
            let mut canonical = Vec::new();
            c14n::write(Target::Element(info), &Method::EXCLUSIVE, &mut canonical).ok()?;
            let holds = |pin: &Certificate| pin.key().is_ok_and(|key| key.verify(&canonical, &value).is_ok());
            PINNED.iter().map(|name| world::certificate(&format!("{name}.cert"))).find(holds)?;
            let digest = info.child(DS, "Reference")?.child(DS, "DigestValue")?.text()?;
            decode(&digest).ok()?.try_into().ok()
        })
        .collect()
}

/// What signatures on the data cover, of those that hold: of the document, and of each element `data`.
fn signed_data(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(document) = Document::parse(bytes, &Limits::default()) else { return Vec::new() };
    let elements = document.root().descendants().filter(|element| element.name() == "data").take(3);
    let mut all: Vec<_> = elements.map(Signed::data).collect();
    all.push(Signed::document(&document));
    let believed = all.into_iter().flatten().filter(|signed| signed.verify(&AUTHORITIES, NOW).is_ok());
    let canonical = |signed: Signed<'_, '_>| {
        let element = signed.element();
        let signatures: Vec<_> =
            element.children().filter(|child| data_signature::is_signature(*child)).collect();
        let mut out = Vec::new();
        let target = Target::Element(element);
        c14n::write_without(target, &signatures, &Method::EXCLUSIVE, &mut out).ok().map(|()| out)
    };
    believed.filter_map(canonical).collect()
}

fn seeds() -> Vec<Vec<u8>> {
    let every = |folder: &str, step: usize| {
        let found = world::files(folder, &[".xml"]).into_iter().filter(|file| file.len() <= LONGEST);
        found.step_by(step).collect::<Vec<_>>()
    };
    let mut seeds = every("fixtures/requests", 8);
    seeds.extend(every("fixtures/attacks", 2));
    for folder in ["fixtures/data_signature/accepted", "fixtures/data_signature/refused"] {
        seeds.extend(every(folder, 1));
    }
    seeds.extend(own());
    seeds
}

/// Messages of every signature and every form of `KeyInfo`.
fn own() -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let own = OwnAuthority::new();
    for form in [KeyInfoForm::Certificate, KeyInfoForm::IssuerSerial] {
        let leaf = Certificate::from_der(own.leaf.der()).expect("it was read before");
        let by: [(Box<dyn Signer>, Certificate); 3] = [
            (Box::new(world::gost(Scheme::Gost2004, 2)), leaf),
            (Box::new(world::rsa("shep")), world::certificate("shep.cert")),
            gost_2015(),
        ];
        for (key, certificate) in by {
            let signer = EnvelopeSigner::new(key, certificate, form);
            let message = signer.envelope("id-1", |writer| {
                writer.leaf("hello", "world");
            });
            messages.push(message.expect("a key of memory signs"));
        }
    }
    messages.extend(own_data(&own));
    messages
}

/// A party of the fixtures with a key of ГОСТ 34.10-2015.
fn gost_2015() -> (Box<dyn Signer>, Certificate) {
    let pem = String::from_utf8(world::file("fixtures/pki/bank.gost.key.pem")).expect("PEM is text");
    (sign::from_pem(&pem).expect("a key of the fixtures"), world::certificate("bank.gost.cert"))
}

/// Data signed by each algorithm, once and by all of them.
fn own_data(own: &OwnAuthority) -> Vec<Vec<u8>> {
    let leaf = Certificate::from_der(own.leaf.der()).expect("it was read before");
    let by: [(Box<dyn Signer>, Certificate); 3] = [
        (Box::new(world::gost(Scheme::Gost2004, 2)), leaf),
        (Box::new(world::rsa("shep")), world::certificate("shep.cert")),
        gost_2015(),
    ];
    let signed = |bytes: &[u8], (key, certificate): &(Box<dyn Signer>, Certificate)| {
        let document = Document::parse(bytes, &Limits::default()).expect("it was written here");
        data_signature::sign(&document, &**key, certificate, &Limits::default())
            .expect("a key of memory signs")
    };
    let plain = b"<data xmlns=\"urn:d\"><uin>800101399015</uin>&#13;<!--c--><a b=\"1\"/></data>";
    let mut all: Vec<_> = by.iter().map(|by| signed(plain, by)).collect();
    all.push(by.iter().fold(plain.to_vec(), |bytes, by| signed(&bytes, by)));
    all
}
