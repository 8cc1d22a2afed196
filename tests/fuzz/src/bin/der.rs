//! The reader of DER, and what stands on it alone: public and private keys.

#![no_main]

use kdp::trust::der::{self, Reader, tag};
use kdp::trust::gost::Scheme;
use kdp::trust::sign::{self, Signer as _};
use kdp::trust::verify;
use kdp_fuzz::{seed, tlv, world};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    tlv::mutate(data, size, max_size, seed)
});

fuzz_target!(init: seed::write_if_asked(&seeds()), |data: &[u8]| {
    walk(data, 0);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = der::oid(text);
    }
    let number = der::integer(data);
    let digits = Reader::new(&number).expect(tag::INTEGER).expect("an INTEGER is read as it was written");
    assert!(digits.iter().skip_while(|byte| **byte == 0).eq(data.iter().skip_while(|byte| **byte == 0)));
    if let Ok(key) = verify::from_spki(data) {
        assert!(key.verify(b"message", &[1; 128]).is_err(), "a signature that nobody made");
    }
    if let Ok(key) = sign::from_pkcs8_der(data) {
        let written = key.to_pkcs8_der().expect("a key of memory can be written");
        let again = sign::from_pkcs8_der(&written).expect("what is written is read");
        assert_eq!(again.public_key_spki(), key.public_key_spki());
    }
});

/// Every value is read as it stands there, and written the same again.
fn walk(bytes: &[u8], depth: usize) {
    let mut reader = Reader::new(bytes);
    let mut bits = reader;
    let _ = bits.bits();
    while let Ok(value) = reader.any() {
        assert_eq!(der::value(value.tag, value.content), value.raw, "DER has one form");
        let (form, header, length) = der::header(value.raw).expect("a value that was read has a header");
        assert_eq!((form, header + length), (value.tag, value.raw.len()));
        assert_eq!(Reader::new(value.raw).optional(value.tag), Ok(Some(value.content)));
        if depth < 64 {
            walk(value.content, depth + 1);
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = world::certificates()
        .iter()
        .flat_map(|found| [found.der().to_vec(), found.spki().to_vec()])
        .collect();
    for scheme in [Scheme::Gost2004, Scheme::Gost2015] {
        let key = world::gost(scheme, 7);
        seeds.push(key.to_pkcs8_der().expect("a key of memory can be written").to_vec());
        seeds.push(key.public_key_spki().to_vec());
    }
    seeds.push(world::rsa("bank").to_pkcs8_der().expect("a key of memory can be written").to_vec());
    seeds.push(b"1.2.398.3.10.1.1.2.3.2".to_vec());
    seeds
}
